"""Jobs: functions that run at intervals, at times of the day, or once when they are scheduled by name."""

from __future__ import annotations

import abc
import datetime
import difflib
import math
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, cast

import msgspec
import msgspec.inspect

from ..errors import JobError, Problem
from ..guards import misplaced_rules
from ..inspection import (
    InvalidDefinition,
    Parameter,
    SettingChecks,
    checked_settings,
    is_async,
    is_bool,
    is_str,
    misfit,
    read_parameters,
)
from ..locations import place_of
from ..runtime import BotContext
from ..services.encoding import decoder

if TYPE_CHECKING:
    from ..runtime import Runtime

Missed = Literal["skip", "once", "all"]
"""What to do about times that passed: run at none of them, once for all of them, or once for each."""

LEAST_INTERVAL = 0.001
LONGEST_INTERVAL = 10 * 366 * 86400.0
LONGEST_NAME = 100

_UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}
_EXPECTED_NAME = f"a text of 1 to {LONGEST_NAME} characters"


class JobSettings(TypedDict, total=False):
    """The settings of `job`."""

    missed: Missed


class RecurringSettings(JobSettings, total=False):
    """The settings of recurring jobs."""

    name: str
    overlap: bool


class EverySettings(RecurringSettings, total=False):
    """The settings of `every`. The units add up."""

    seconds: float
    minutes: float
    hours: float
    days: float


class CronSettings(RecurringSettings, total=False):
    """The settings of `cron`."""

    timezone: str | datetime.tzinfo | None


class JobContext(BotContext):
    """The context that error handlers get when a job fails. `guild_id` is that of its schedule, None without one."""

    __slots__ = ("guild_id", "name")

    def __init__(self, runtime: Runtime, name: str, guild_id: int | None = None) -> None:
        super().__init__(runtime)
        self.name: str = name
        self.guild_id: int | None = guild_id


class PendingJob(NamedTuple):
    """A one-shot job that has not ended. `due` is in UTC, `failures` counts its attempts so far."""

    id: int
    name: str
    due: datetime.datetime
    data: dict[str, Any]
    guild_id: int | None
    failures: int


class Job:
    """A function that runs by itself, under a `name` that no other job of the bot has.

    `title` is its name in logs and errors (`job "remind"`), `problems` is what is wrong with it.
    """

    def __init__(self, function: Callable[..., Awaitable[object]], name: str | None, missed: Missed) -> None:
        self.function: Callable[..., Awaitable[object]] = function
        self.name: str = getattr(function, "__name__", type(function).__name__) if name is None else name
        self.missed: Missed = missed
        self.title: str = f'job "{self.name[:LONGEST_NAME]}"'
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.problems: list[Problem] = []
        if len(self.name) > LONGEST_NAME:
            self.note(f"its name has {len(self.name)} characters", f"Give it {_EXPECTED_NAME}")
        elif not (self.name and self.name.isprintable()):
            self.note(f"its name is {self.name!r}", f"Give it {_EXPECTED_NAME}")
        if not is_async(function):
            self.note("its function is not async", f"Write `async def {getattr(function, '__name__', 'name')}(...)`")

    def note(self, problem: str, fix: str, of: str = "") -> None:
        """Add a problem. `of` is the part of the job that has it, such as `, parameter "text"`."""
        self.problems.append(self.problem(problem, fix, of))

    def problem(self, problem: str, fix: str, of: str = "") -> Problem:
        """Return a problem of the job or of a part of it."""
        return Problem(f"{self.title}{of}", problem, fix, file=self.file, line=self.line)

    def check(self) -> list[Problem]:
        """Return what is wrong with the job, including guards above its decorator."""
        return [*self.problems, *misplaced_rules(self.function, self.problem)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} at {self.file}:{self.line}>"


class Recurring(Job, abc.ABC):
    """A job that runs again and again: its times are seconds since the epoch if it `is_wall`, else monotonic ones.

    `overlap` lets a run begin while the one before is going on.
    """

    is_wall: bool

    def __init__(self, function: Callable[..., Awaitable[object]], decorator: str, settings: Mapping[str, Any]) -> None:
        usable, wrong = checked_settings(dict(settings), _CHECKS[decorator], decorator)
        super().__init__(function, usable.get("name"), usable.get("missed", "once"))
        self.overlap: bool = usable.get("overlap", False)
        self.settings: Mapping[str, Any] = usable
        for problem, fix in wrong:
            self.note(problem, fix)
        if problem := misfit(function):
            self.note(problem, "Take no parameters: data= is for @bot.job")

    @abc.abstractmethod
    def first(self, now: float) -> float:
        """Return the first time after `now`."""

    @abc.abstractmethod
    def next_after(self, due: float, now: float) -> float:
        """Return the first time after `now` of those that follow the time `due`."""


class Every(Recurring):
    """A job that runs at an interval, in seconds."""

    is_wall = False

    def __init__(
        self,
        function: Callable[..., Awaitable[object]],
        settings: Mapping[str, Any],
        positional: tuple[object, ...] = (),
    ) -> None:
        super().__init__(function, "every", settings)
        self.interval: float = sum(float(self.settings.get(unit, 0)) * seconds for unit, seconds in _UNITS.items())
        if positional or not settings.keys() & _UNITS.keys():
            self.note("every() got no unit", "Write every(minutes=5), or seconds=, hours=, days=")
        elif not LEAST_INTERVAL <= self.interval <= LONGEST_INTERVAL and not self.problems:
            fix = f"Give it {LEAST_INTERVAL:g} s or more, and less than ten years"
            self.note(f"its interval is {self.interval:g} s", fix)

    def first(self, now: float) -> float:
        """Return the time one interval from now."""
        return now + self.interval

    def next_after(self, due: float, now: float) -> float:
        """Return a time that is a whole number of intervals after `due`, so that runs do not drift."""
        return due + (math.floor((now - due) / self.interval) + 1) * self.interval


class Cron(Recurring):
    """A job that runs at the times of a cron expression, in a time zone (by default UTC)."""

    is_wall = True

    def __init__(
        self, function: Callable[..., Awaitable[object]], expression: str, settings: Mapping[str, Any]
    ) -> None:
        super().__init__(function, "cron", settings)
        self.expression: str = expression
        self.zone: datetime.tzinfo = datetime.UTC
        try:
            self.zone = _zone(self.settings.get("timezone", self.zone))
            _check_expression(expression, self.zone)
        except InvalidDefinition as invalid:
            self.note(*invalid.args)

    def first(self, now: float) -> float:
        """Return the first of its times after `now`, infinity if there is none for 50 years.

        A time that daylight saving skips is replaced by the first minute after the gap. A time that it repeats counts
        once; if the hour or minute is `*`, it counts each time.
        """
        import cronsim

        try:
            for time in cronsim.CronSim(self.expression, datetime.datetime.fromtimestamp(now, self.zone)):
                if time.timestamp() > now:  # in an hour that is repeated it can give the first one again
                    return time.timestamp()
        except (StopIteration, OverflowError, ValueError):  # beyond the calendar
            pass
        return math.inf

    def next_after(self, due: float, now: float) -> float:
        """Return the first of its times after `now`."""
        return self.first(max(due, now))


class OneTime(Job):
    """A job that runs once when it is scheduled by name, with data for its parameters."""

    def __init__(
        self,
        function: Callable[..., Awaitable[object]],
        name: object,
        names: Mapping[str, Any],
        settings: Mapping[str, Any],
    ) -> None:
        usable, wrong = checked_settings(dict(settings), _CHECKS["job"], "job")
        super().__init__(function, name if isinstance(name, str) else None, usable.get("missed", "all"))
        for problem, fix in wrong:
            self.note(problem, fix)
        if name is not None and not isinstance(name, str):
            self.note(f"job() got {name!r} as its name", f"Give it {_EXPECTED_NAME}")
        self._decoders: dict[str, Callable[[bytes], Any]] = {}
        self._required: list[str] = []
        for parameter in read_parameters(function, names):
            try:
                self._decoders[parameter.name] = _decoder(parameter)
                parameter.check_default()
            except InvalidDefinition as invalid:
                self.note(*invalid.args, of=f', parameter "{parameter.name}"')
            if not parameter.has_default:
                self._required.append(parameter.name)

    def arguments(self, data: bytes) -> dict[str, Any]:
        """Decode the arguments of the function. Raises JobError if the function does not take them."""
        takes = f"It takes {', '.join(f'`{name}`' for name in self._decoders) or 'nothing'}"
        try:
            values = _decode_values(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JobError(f"{self.title}: its data are no mapping of its parameters: {error}") from error
        if missing := [name for name in self._required if name not in values]:
            raise JobError(f"{self.title}: its data have no `{missing[0]}`. {takes}")
        arguments: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self._decoders:
                near = difflib.get_close_matches(name, list(self._decoders), 1)
                hint = f"Did you mean `{near[0]}`?" if near else takes
                raise JobError(f"{self.title}: its data have `{name}`, which it does not take. {hint}")
            try:
                arguments[name] = self._decoders[name](bytes(value))
            except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
                raise JobError(f"{self.title}, parameter `{name}`: {error}") from error
        return arguments


# ---- parameters ----

_decode_values = decoder(dict[str, msgspec.Raw])


def _decoder(parameter: Parameter) -> Callable[[bytes], Any]:
    if not parameter.is_named:
        raise InvalidDefinition(f"`{parameter}` cannot be given by name", "Name each parameter, as in `text: str`")
    parameter.read().refuse_metadata()
    annotation = parameter.resolve()
    try:
        if unknown := _unknown_class(msgspec.inspect.type_info(annotation)):
            raise TypeError(f"nothing makes a `{unknown.__name__}` of them")
        return decoder(annotation)
    except Exception as error:
        fix = "Take what msgspec reads: int, str, float, bool, list, dict, a datetime, a struct, hikari.Snowflake"
        raise InvalidDefinition(f"its annotation `{annotation}` cannot be read from data ({error})", fix) from None


def _unknown_class(info: object) -> type | None:
    """Return a class in a type (as `msgspec.inspect` describes it) that cannot be made of data, if there is one."""
    if isinstance(info, msgspec.inspect.CustomType):
        cls = cast(Any, info).cls
        return None if issubclass(cls, (int, str, float)) else cls
    if isinstance(info, tuple):
        return next(filter(None, map(_unknown_class, cast("tuple[object, ...]", info))), None)
    if isinstance(info, msgspec.inspect.Type) and not isinstance(info, msgspec.inspect.StructType):
        return _unknown_class(tuple(getattr(info, name) for name in info.__struct_fields__))
    return None


# ---- times of the day ----


def _zone(zone: str | datetime.tzinfo) -> datetime.tzinfo:
    if isinstance(zone, datetime.tzinfo):
        return zone
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        if not known:
            raise InvalidDefinition("this system has no time zones", "Install them: pip install tzdata") from None
        near = difflib.get_close_matches(zone, known, 1)
        fix = f'Did you mean "{near[0]}"?' if near else 'Write a name like "Europe/Vienna"'
        raise InvalidDefinition(f'there is no time zone "{zone}"', fix) from None


def _check_expression(expression: object, zone: datetime.tzinfo) -> None:
    fix = 'Write five fields, minute hour day month weekday: "0 9 * * *" is each day at 9'
    if not isinstance(expression, str):
        raise InvalidDefinition(f"cron() got {expression!r} as its times", fix)
    if (count := len(expression.split())) != 5:  # cronsim takes six, of which the first is seconds
        raise InvalidDefinition(f'the times "{expression}" mean nothing ({count} fields)', fix)
    try:
        import cronsim
    except ImportError:
        install = "Install it: pip install 'wisp-lite[cron]'"
        raise InvalidDefinition("cron times need the package cronsim", install) from None
    try:
        next(cronsim.CronSim(expression, datetime.datetime.now(zone)))
    except StopIteration:
        raise InvalidDefinition(f'the times "{expression}" never come', fix) from None
    except (cronsim.CronSimError, ValueError) as error:
        raise InvalidDefinition(f'the times "{expression}" mean nothing ({error})', fix) from None


# ---- settings ----


def _is_count(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


def _is_zone(value: object) -> bool:
    return isinstance(value, (str, datetime.tzinfo))


_JOB: SettingChecks = {
    "name": (is_str, _EXPECTED_NAME),
    "missed": (lambda value: value in ("skip", "once", "all"), '"skip", "once" or "all"'),
}
_RECURRING: SettingChecks = {**_JOB, "overlap": (is_bool, "True or False")}
_CHECKS: Mapping[str, SettingChecks] = {
    "job": {"missed": _JOB["missed"]},
    "every": {**_RECURRING, **dict.fromkeys(_UNITS, (_is_count, "a number, more than 0"))},
    "cron": {**_RECURRING, "timezone": (_is_zone, 'a name like "Europe/Vienna", or a tzinfo')},
}
