"""Jobs: functions that run at intervals, at times of the day, or once when they are scheduled by name."""

from __future__ import annotations

import abc
import datetime
import math
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypedDict

import msgspec
import msgspec.inspect

from ..errors import JobError, Problem, did_you_mean
from ..guards import misplaced_rules
from ..inspection import (
    InvalidDefinition,
    Parameter,
    SettingChecks,
    checked_settings,
    is_async,
    is_bool,
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

JobFunction: TypeAlias = Callable[..., Awaitable[object]]

LEAST_INTERVAL = 0.001
LONGEST_INTERVAL = 10 * 366 * 86400.0
LONGEST_NAME = 100

_UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}


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

    def __init__(self, function: JobFunction, decorator: str, name: object, settings: Mapping[str, Any]) -> None:
        self.settings: Mapping[str, Any]
        self.settings, wrong = checked_settings(dict(settings), _CHECKS[decorator], decorator)
        self.function: JobFunction = function
        default = getattr(function, "__name__", type(function).__name__)
        given = default if name is None else name
        self.name: str = given if isinstance(given, str) else default
        self.title: str = f'job "{self.name[:LONGEST_NAME]}"'
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.problems: list[Problem] = [self.problem(*one) for one in wrong]
        if not (isinstance(given, str) and 0 < len(given) <= LONGEST_NAME and given.isprintable()):
            self.note(f"its name is {given!r}", f"Give it a text of 1 to {LONGEST_NAME} characters")
        if not is_async(function):
            self.note("its function is not async", f"Write `async def {default}(...)`")

    def note(self, problem: str, fix: str, of: str = "") -> None:
        """Add a problem. `of` is the part of the job that has it, such as `, parameter "text"`."""
        self.problems.append(self.problem(problem, fix, of))

    def problem(self, problem: str, fix: str, of: str = "") -> Problem:
        """Return a problem of the job or of a part of it."""
        return Problem(f"{self.title}{of}", problem, fix, file=self.file, line=self.line)

    def check(self) -> list[Problem]:
        """Return what is wrong with the job, including guards above its decorator."""
        return [*self.problems, *misplaced_rules(self.function, self.problem)]


class Recurring(Job, abc.ABC):
    """A job that runs again and again: its times are seconds since the epoch if it `is_wall`, else monotonic ones.

    `overlap` lets a run begin while the one before is going on.
    """

    is_wall: bool

    def __init__(self, function: JobFunction, decorator: str, settings: Mapping[str, Any]) -> None:
        super().__init__(function, decorator, settings.get("name"), settings)
        self.missed: Missed = self.settings.get("missed", "once")
        self.overlap: bool = self.settings.get("overlap", False)
        if problem := misfit(function):
            self.note(problem, "Take no parameters: data= is for @bot.job")

    @abc.abstractmethod
    def next_after(self, due: float, now: float = -math.inf) -> float:
        """Return the first of its times after `due` that is after `now`, too; infinity if there is none."""


class Every(Recurring):
    """A job that runs at an interval, in seconds."""

    is_wall = False

    def __init__(self, function: JobFunction, settings: Mapping[str, Any], positional: tuple[object, ...] = ()) -> None:
        super().__init__(function, "every", settings)
        self.interval: float = sum(float(self.settings.get(unit, 0)) * seconds for unit, seconds in _UNITS.items())
        if positional or not settings.keys() & _UNITS.keys():
            self.note("every() got no unit", "Write every(minutes=5), or seconds=, hours=, days=")
        elif not LEAST_INTERVAL <= self.interval <= LONGEST_INTERVAL and not self.problems:
            fix = f"Give it {LEAST_INTERVAL:g} s or more, and less than ten years"
            self.note(f"its interval is {self.interval:g} s", fix)

    def next_after(self, due: float, now: float = -math.inf) -> float:
        """Return a time that is a whole number of intervals after `due`, so that runs do not drift."""
        return due + (math.floor(max(now - due, 0) / self.interval) + 1) * self.interval


class Cron(Recurring):
    """A job that runs at the times of a cron expression, in a time zone (by default UTC)."""

    is_wall = True

    def __init__(self, function: JobFunction, expression: str, settings: Mapping[str, Any]) -> None:
        super().__init__(function, "cron", settings)
        self.expression: str = expression
        self.zone: datetime.tzinfo = datetime.UTC
        try:
            self.zone = _zone(self.settings.get("timezone", self.zone))
            _check_expression(expression, self.zone)
        except InvalidDefinition as invalid:
            self.note(*invalid.args)

    def next_after(self, due: float, now: float = -math.inf) -> float:
        """Return the first of its times after both, infinity if there is none for 50 years.

        A time that daylight saving skips is replaced by the first minute after the gap. A time that it repeats counts
        once; if the hour or minute is `*`, it counts each time.
        """
        import cronsim

        after = max(due, now)
        try:
            for time in cronsim.CronSim(self.expression, datetime.datetime.fromtimestamp(after, self.zone)):
                if time.timestamp() > after:  # in an hour that is repeated it can give the first one again
                    return time.timestamp()
        except (StopIteration, OverflowError, ValueError):  # beyond the calendar
            pass
        return math.inf


def _zone(zone: str | datetime.tzinfo) -> datetime.tzinfo:
    if isinstance(zone, datetime.tzinfo):
        return zone
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(zone, zoneinfo.available_timezones())
        fix = 'Write a name like "Europe/Vienna" (if there are none: pip install tzdata)'
        raise InvalidDefinition(f'there is no time zone "{zone}"{hint}', fix) from None


def _check_expression(expression: object, zone: datetime.tzinfo) -> None:
    fix = 'Write five fields, minute hour day month weekday: "0 9 * * *" is each day at 9'
    if not isinstance(expression, str) or len(expression.split()) != 5:  # cronsim takes six, the first for seconds
        raise InvalidDefinition(f"cron() got {expression!r} as its times", fix)
    try:
        import cronsim
    except ImportError:
        install = "Install it: pip install 'wisp-lite[cron]'"
        raise InvalidDefinition("cron times need the package cronsim", install) from None
    try:
        next(cronsim.CronSim(expression, datetime.datetime.now(zone)))
    except (StopIteration, cronsim.CronSimError, ValueError) as error:
        raise InvalidDefinition(f'the times "{expression}" never come ({error})', fix) from None


class OneShot(Job):
    """A job that runs once when it is scheduled by name, with data for its parameters."""

    def __init__(
        self, function: JobFunction, name: object, names: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> None:
        super().__init__(function, "job", name, settings)
        self.missed: Missed = self.settings.get("missed", "all")
        fields: list[Any] = []
        for parameter in read_parameters(function, names):
            try:
                type = _type_of(parameter)
                parameter.check_default()
            except InvalidDefinition as invalid:
                self.note(*invalid.args, of=f', parameter "{parameter.name}"')
            else:
                fields.append(
                    (parameter.name, type, msgspec.UNSET) if parameter.has_default else (parameter.name, type)
                )
        data = msgspec.defstruct("Data", fields, kw_only=True, forbid_unknown_fields=True)
        self._decode: Callable[[bytes], Any] = decoder(data)

    def arguments(self, data: bytes) -> dict[str, Any]:
        """Decode the arguments of the function. Raises JobError if the function does not take them."""
        try:
            values = msgspec.structs.asdict(self._decode(data))
        except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
            raise JobError(f"{self.title}: its data do not fit its parameters: {error}") from error
        return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def _type_of(parameter: Parameter) -> Any:
    """Return the annotation of a parameter. Raises InvalidDefinition if data cannot be converted to it."""
    if not parameter.is_named:
        raise InvalidDefinition(f"`{parameter}` cannot be given by name", "Name each parameter, as in `text: str`")
    parameter.read().refuse_metadata()
    annotation = parameter.resolve()
    try:
        decoder(annotation)
        is_custom = isinstance(msgspec.inspect.type_info(annotation), msgspec.inspect.CustomType)
        if is_custom and not issubclass(annotation, (int, str, float)):
            raise TypeError("it is a class that msgspec does not know")
    except Exception as error:
        fix = "Take what msgspec reads: int, str, float, bool, list, dict, a datetime, a struct, hikari.Snowflake"
        raise InvalidDefinition(f"its annotation `{annotation}` cannot be read from data ({error})", fix) from None
    return annotation


def _is_count(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


_JOB: SettingChecks = {"missed": (lambda value: value in ("skip", "once", "all"), '"skip", "once" or "all"')}
_RECURRING: SettingChecks = {**_JOB, "name": (lambda _: True, ""), "overlap": (is_bool, "True or False")}
_CHECKS: Mapping[str, SettingChecks] = {
    "job": _JOB,
    "every": {**_RECURRING, **dict.fromkeys(_UNITS, (_is_count, "a number, more than 0"))},
    "cron": {
        **_RECURRING,
        "timezone": (
            lambda value: isinstance(value, (str, datetime.tzinfo)),
            'a name like "Europe/Vienna", or a tzinfo',
        ),
    },
}
