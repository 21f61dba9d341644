"""Jobs: functions that run by themselves, at intervals, at times of the day, or once when somebody asked for it."""

from __future__ import annotations

import abc
import datetime
import difflib
import inspect
import math
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

import msgspec
import msgspec.inspect

from ..errors import JobError, Problem
from ..guards import misplaced_rules
from ..handlers import SettingChecks, checked_settings, is_text, is_truth
from ..inspection import foreign_metadata, is_async, misfit, misplaced_metadata, resolve_annotation, unpack
from ..locations import place_of
from ..services.encoding import decoder

if TYPE_CHECKING:
    from ..bot import Bot

Missed = Literal["skip", "once", "all"]
"""What to do where the time of a run went by: none of those missed, one for all of them (the last), or each."""

LEAST_INTERVAL = 0.001
"""Seconds: what an event loop can tell apart."""

LONGEST_INTERVAL = 10 * 366 * 86400.0
"""Seconds, about ten years."""

LONGEST_NAME = 100
"""The most characters of a job's name."""

_EXPECTED_NAME = f"a text of 1 to {LONGEST_NAME} characters"
_NO_CRONSIM = "cron times need the package cronsim", "Install it: pip install 'wisp-lite[cron]'"


class JobSettings(TypedDict, total=False):
    """What each decorator of jobs takes."""

    missed: Missed


class RecurringSettings(JobSettings, total=False):
    """What jobs that recur take besides."""

    name: str
    overlap: bool


class EverySettings(RecurringSettings, total=False):
    """What `every` takes: the units add up."""

    seconds: float
    minutes: float
    hours: float
    days: float


class CronSettings(RecurringSettings, total=False):
    """What `cron` takes besides the expression."""

    timezone: str | datetime.tzinfo | None


class JobContext:
    """What an error handler gets where a job failed: its `name`, its `guild_id`, the `bot`. There is nobody to answer.

    `guild_id` is None for jobs that recur, and for those that were started without one.
    """

    __slots__ = ("bot", "guild_id", "name")

    def __init__(self, bot: Bot, name: str, guild_id: int | None = None) -> None:
        self.bot: Bot = bot
        self.name: str = name
        self.guild_id: int | None = guild_id


class Job:
    """A function that runs by itself, under a `name` that no other job of the bot has.

    `title` is what logs, errors and mistakes call it (`job "remind"`), `missed` what happens where its time went by,
    `mistakes` all that is wrong with it.
    """

    def __init__(self, function: Callable[..., Awaitable[object]], name: str | None, missed: Missed) -> None:
        self.function: Callable[..., Awaitable[object]] = function
        self.name: str = getattr(function, "__name__", type(function).__name__) if name is None else name
        self.missed: Missed = missed
        self.title: str = f'job "{self.name[:LONGEST_NAME]}"'
        self.label: str = self.title
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.problems: list[Problem] = []
        if not (0 < len(self.name) <= LONGEST_NAME and self.name.isprintable()):
            long = len(self.name) > LONGEST_NAME
            problem = f"its name has {len(self.name)} characters" if long else f"its name is {self.name!r}"
            self.note(problem, f"Give it {_EXPECTED_NAME}")
        if not is_async(function):
            self.note("its function is not async", f"Write `async def {getattr(function, '__name__', 'name')}(...)`")

    def note(self, problem: str, fix: str, of: str = "") -> None:
        """Note a mistake. `of` is what of it (`, parameter "text"`)."""
        self.problems.append(self.problem(problem, fix, of))

    def check(self) -> list[Problem]:
        """All that is wrong with it, guards that stand above its decorator included."""
        return [*self.problems, *misplaced_rules(self.function, self.problem)]

    def problem(self, problem: str, fix: str, of: str = "") -> Problem:
        """A mistake in it, as `note` says."""
        return Problem(f"{self.title}{of}", problem, fix, file=self.file, line=self.line)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} at {self.file}:{self.line}>"


class Recurring(Job, abc.ABC):
    """A job that runs again and again. `overlap` lets a run begin while the one before still runs.

    `is_wall` says whether its moments are seconds since the epoch, else they are those of `Clock.monotonic`.
    """

    is_wall: bool
    grain: float = math.inf
    """Seconds that a run may be late without anybody minding."""

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
    def first(self, clock_time: float, monotonic: float) -> float:
        """The moment of its first run, where it begins to count now."""

    @abc.abstractmethod
    def next(self, moment: float) -> float:
        """The moment that follows one of its moments."""

    @abc.abstractmethod
    def next_after(self, moment: float, now: float) -> float:
        """The first moment after `now` of those that follow `moment`."""


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
        units = {name: float(self.settings[name]) for name in _UNITS if name in self.settings}
        self.interval: float = sum(_UNITS[name] * count for name, count in units.items())
        self.grain: float = self.interval / 5
        if positional or not any(name in settings for name in _UNITS):
            self.note("every() got no unit", "Write every(minutes=5), or seconds=, hours=, days=")
        elif not LEAST_INTERVAL <= self.interval <= LONGEST_INTERVAL and not self.problems:
            problem = f"its interval is {self.interval:g} s"
            self.note(problem, f"Give it {LEAST_INTERVAL:g} s or more, and less than ten years")

    def first(self, clock_time: float, monotonic: float) -> float:
        """One interval from now."""
        return monotonic + self.interval

    def next(self, moment: float) -> float:
        """One interval later, whenever the run began: deadlines do not drift."""
        return moment + self.interval

    def next_after(self, moment: float, now: float) -> float:
        """The first one after `now`, on the same grid."""
        return moment + (math.floor((now - moment) / self.interval) + 1) * self.interval


class Cron(Recurring):
    """A job that runs at the times that a cron expression says, in a time zone (UTC unless it says another)."""

    is_wall = True

    def __init__(
        self,
        function: Callable[..., Awaitable[object]],
        expression: str,
        settings: Mapping[str, Any],
    ) -> None:
        super().__init__(function, "cron", settings)
        self.expression: str = expression
        self.zone: datetime.tzinfo = datetime.UTC
        zone = self.settings.get("timezone")
        try:
            self.zone = _zone(zone) if zone is not None else datetime.UTC
        except _Unfit as unfit:
            self.note(*unfit.args)
        try:
            self._check(expression)
        except _Unfit as unfit:
            self.note(*unfit.args)

    def _check(self, expression: object) -> None:
        fix = 'Write five fields, minute hour day month weekday: "0 9 * * *" is each day at 9'
        if not isinstance(expression, str):
            raise _Unfit(f"cron() got {expression!r} as its times", fix)
        wrong = _wrong_at_a_glance(expression)
        if wrong:
            self.note(f'the times "{expression}" mean nothing ({wrong})', fix)
        try:
            import cronsim
        except ImportError:
            raise _Unfit(*_NO_CRONSIM) from None
        if wrong:
            return
        try:
            next(cronsim.CronSim(expression, datetime.datetime.now(self.zone)))
        except StopIteration:
            raise _Unfit(f'the times "{expression}" never come', fix) from None
        except (cronsim.CronSimError, ValueError) as error:
            raise _Unfit(f'the times "{expression}" mean nothing ({error})', fix) from None

    def first(self, clock_time: float, monotonic: float) -> float:
        """The first of its times after now."""
        return self.next(clock_time)

    def next(self, moment: float) -> float:
        """The first of its times after a moment; never where there is none for 50 years.

        A time that daylight saving leaves out is the first minute after the gap, one that comes twice is the first of
        the two; what runs each hour or minute (`*` there) runs through both.
        """
        import cronsim

        try:
            for time in cronsim.CronSim(self.expression, datetime.datetime.fromtimestamp(moment, self.zone)):
                if time.timestamp() > moment:  # in an hour that comes twice it may give the first one again
                    return time.timestamp()
        except (StopIteration, OverflowError, ValueError):  # beyond the calendar
            pass
        return math.inf

    def next_after(self, moment: float, now: float) -> float:
        """The first of its times after `now`."""
        return self.next(max(moment, now))


class OneTime(Job):
    """A job that runs when somebody asked for it by its name, with data for its parameters."""

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
        self._needed: list[str] = []
        for name, parameter in _parameters(function):
            if misplaced := misplaced_metadata(name, parameter.annotation, parameter.default):
                self.note(*misplaced, of=f', parameter "{name}"')
            try:
                self._decoders[name] = _decoder(function, parameter, names)
            except _Unfit as unfit:
                self.note(*unfit.args, of=f', parameter "{name}"')
            if parameter.default is parameter.empty:
                self._needed.append(name)

    def arguments(self, data: bytes) -> dict[str, Any]:
        """What the function is called with, of encoded data. Raises JobError where they do not fit."""
        try:
            values = _read_values(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise JobError(f"{self.title}: its data are no mapping of its parameters: {error}") from error
        if missing := [name for name in self._needed if name not in values]:
            raise JobError(f"{self.title}: its data have no `{missing[0]}`. It takes {self._takes()}")
        arguments: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self._decoders:
                nearest = difflib.get_close_matches(name, list(self._decoders), 1)
                hint = f"Did you mean `{nearest[0]}`?" if nearest else f"It takes {self._takes()}"
                raise JobError(f"{self.title}: its data have `{name}`, which it does not take. {hint}")
            try:
                arguments[name] = self._decoders[name](bytes(value))
            except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
                raise JobError(f"{self.title}, parameter `{name}`: {error}") from error
        return arguments

    def _takes(self) -> str:
        return ", ".join(f"`{name}`" for name in self._decoders) or "nothing"


class _Unfit(Exception):
    """What is wrong, and the way out."""


_read_values = decoder(dict[str, msgspec.Raw])


def _parameters(function: Callable[..., object]) -> list[tuple[str, inspect.Parameter]]:
    try:
        return [*inspect.signature(function).parameters.items()]
    except (TypeError, ValueError):  # of what is written in C nothing is known
        return []


def _decoder(
    function: Callable[..., object], parameter: inspect.Parameter, names: Mapping[str, Any]
) -> Callable[[bytes], Any]:
    if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD and parameter.kind is not parameter.KEYWORD_ONLY:
        raise _Unfit(f"`{parameter}` cannot be given by name", "Name each parameter, as in `text: str`")
    if parameter.annotation is parameter.empty:
        raise _Unfit("it has no annotation", f"Say what it is: `{parameter.name}: int`")
    try:
        annotation = resolve_annotation(function, parameter.name, names)
        if foreign := foreign_metadata(unpack(annotation).metadata):
            raise _Unfit(*foreign)
        if strange := _strange(msgspec.inspect.type_info(annotation)):
            raise TypeError(f"nothing makes a `{strange.__name__}` of them")
        return decoder(annotation)
    except _Unfit:
        raise
    except Exception as error:
        fix = "Take what msgspec reads: int, str, float, bool, list, dict, a datetime, a struct, hikari.Snowflake"
        raise _Unfit(f"its annotation `{parameter.annotation}` cannot be read from data ({error})", fix) from None


def _strange(info: object) -> type | None:
    """The class in a type (as `msgspec.inspect` tells it) that cannot be made of data; None where there is none."""
    if isinstance(info, msgspec.inspect.CustomType):
        cls = cast(Any, info).cls
        return None if issubclass(cls, (int, str, float)) else cls
    if isinstance(info, tuple):
        return next(filter(None, map(_strange, cast("tuple[object, ...]", info))), None)
    if isinstance(info, msgspec.inspect.Type) and not isinstance(info, msgspec.inspect.StructType):
        return _strange(tuple(getattr(info, name) for name in info.__struct_fields__))
    return None


_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
"""Of each field of a cron expression, its name and the numbers that it takes."""


def _wrong_at_a_glance(expression: str) -> str | None:
    """What is wrong with a cron expression as far as its fields and plain numbers tell."""
    fields = expression.split()
    if len(fields) != len(_FIELDS):  # cronsim takes six, and then the first is seconds
        return f"{len(fields)} fields"
    for text, (name, least, most) in zip(fields, _FIELDS, strict=True):
        for number in text.split(","):
            digits = number.lstrip("0") or "0"
            if digits.isascii() and digits.isdecimal() and (len(digits) > 2 or not least <= int(digits) <= most):
                return f"{name} {number}"
    return None


def _zone(zone: str | datetime.tzinfo) -> datetime.tzinfo:
    if isinstance(zone, datetime.tzinfo):
        return zone
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        nearest = difflib.get_close_matches(zone, known, 1)
        if not known:
            raise _Unfit("this system has no time zones", "Install them: pip install tzdata") from None
        fix = f'Did you mean "{nearest[0]}"?' if nearest else 'Write a name like "Europe/Vienna"'
        raise _Unfit(f'there is no time zone "{zone}"', fix) from None


# ---- settings ----


def _is_count(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


def _is_zone(value: object) -> bool:
    return isinstance(value, (str, datetime.tzinfo))


_UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}

_JOB: SettingChecks = {
    "name": (is_text, _EXPECTED_NAME),
    "missed": (lambda value: value in ("skip", "once", "all"), '"skip", "once" or "all"'),
}
_RECURRING: SettingChecks = {**_JOB, "overlap": (is_truth, "True or False")}
_CHECKS: Mapping[str, SettingChecks] = {
    "job": {"missed": _JOB["missed"]},
    "every": {**_RECURRING, **dict.fromkeys(_UNITS, (_is_count, "a number, more than 0"))},
    "cron": {**_RECURRING, "timezone": (_is_zone, 'a name like "Europe/Vienna", or a tzinfo')},
}
