"""Metrics: what happened how often, how long it took and how things stand, counted in memory for whoever looks."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from ..clock import Clock
from ..logs import get_logger

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", "_Number", "_Window")

_log = get_logger("wisp.metrics")

Labels = Mapping[str, object]
"""What tells the series of one name apart: `{"command": "/greet"}`. Values become texts."""

LONGEST_TEXT = 120
"""The most characters of a name, a label or a label's value: what is longer is cut."""

MOST_LABELS = 10
"""The most labels of one series."""

OTHER = "other"
"""The name, or the label's value, under which everything is counted that would be one series too many."""

QUANTILES = (0.5, 0.95, 0.99)

_WINDOW = 128  # a timing keeps the latest this many durations, ...
_FULL = 256  # ... and lets go of what is older when there are this many

_Kind = Literal["counter", "gauge", "timing"]
_Key = tuple[tuple[str, str], ...]  # labels and their values, in order


class Timing(msgspec.Struct, frozen=True):
    """How long something took, in seconds: `count` durations of `total` seconds.

    `median`, `p95` and `p99` are of the latest 128 to 256 of them.
    """

    count: int
    total: float
    median: float
    p95: float
    p99: float

    @property
    def mean(self) -> float:
        """Seconds that one took, over all of them."""
        return self.total / self.count if self.count else 0.0


class Snapshot(msgspec.Struct, frozen=True):
    """All metrics at one moment, by name, with labels as in `commands{command="/greet"}` (in order of the labels)."""

    counters: dict[str, float]
    gauges: dict[str, float]
    timings: dict[str, Timing]


class MetricsService:
    """Counters, gauges and timings by name and labels, from the start of the bot on.

    Names and labels are any text; letters, digits, `_` and `.` come through to Prometheus as they are (a dot as `_`).
    Memory is bounded: a name has up to `max_series` sets of labels, and all names together ten times as many. What
    comes beyond is counted in one series whose labels' values are "other", and the log says so once for each name.

    It belongs to one event loop: no other thread may call it.
    """

    __slots__ = ("_clock", "_counters", "_families", "_gauges", "_series", "_timings", "max_series")

    def __init__(self, *, max_series: int = 1000, clock: Clock | None = None) -> None:
        if max_series < 1:
            raise ValueError(f"max_series: expected 1 or more, got {max_series!r}")
        self.max_series: int = max_series
        self._clock = clock or Clock()
        self._families: dict[tuple[_Kind, str], _Family[Any]] = {}
        self._series = 0  # of all names together
        # the same series again, by what callers say: the short way to them
        self._counters: dict[Hashable, _Number] = {}
        self._gauges: dict[Hashable, _Number] = {}
        self._timings: dict[Hashable, _Window] = {}

    # ---- what users call ----
    # the short way is written out three times: a call more would be a third of what it costs

    def increment(self, name: str, value: float = 1, labels: Labels | None = None) -> None:
        """Count `value` more. Raises TypeError for what is no number, and ValueError for less than nothing."""
        try:
            if value >= 0:
                self._counters[name if labels is None else (name, tuple(labels.items()))].value += value
                return
        except (KeyError, TypeError, AttributeError, OverflowError):
            _check_number("counter", name, value)
            if value >= 0:
                number = self._found("counter", name, labels, _Number, self._counters)
                number.value = _sum((number.value, value))
                return
        raise ValueError(f'counter "{name}": expected 0 or more, got {value!r}. What goes down is a gauge')

    def timing(self, name: str, seconds: float, labels: Labels | None = None) -> None:
        """Note that something took `seconds`; less than nothing (the system's clock was set back) is none.

        Raises TypeError for what is no number, and ValueError for NaN.
        """
        try:
            if not seconds >= 0.0:
                seconds = _refused_nan(name, seconds)
            window = self._timings[name if labels is None else (name, tuple(labels.items()))]
        except (KeyError, TypeError, AttributeError):
            _check_number("timing", name, seconds)
            window = self._found("timing", name, labels, _Window, self._timings)
        window.append(seconds)
        if len(window) >= _FULL:
            window.shrink()

    def gauge(self, name: str, value: float, labels: Labels | None = None) -> None:
        """Say how things stand now: the number of players, the length of a queue. Raises TypeError for no number."""
        try:
            value = _float(value)
            gauge = self._gauges[name if labels is None else (name, tuple(labels.items()))]
        except (KeyError, TypeError, AttributeError, ValueError):
            _check_number("gauge", name, value)
            gauge = self._found("gauge", name, labels, _Number, self._gauges)
        gauge.value = value

    def timed(self, name: str, labels: Labels | None = None) -> Timed:
        """Time a block, `with metrics.timed("load"): ...`, or as a decorator each call of a function, async or not.

        Raises TypeError for what is no name and no labels.
        """
        _check_said("timing", name, labels)
        return Timed(self, self._clock, name, labels)

    def meter(self, counter: str, counted: Labels, timing: str, timed: Labels) -> Meter:
        """What counts and times one thing that runs often, under a counter's and a timing's name and labels."""
        return Meter(
            self._found("counter", counter, counted, _Number, self._counters),
            self._found("timing", timing, timed, _Window, self._timings),
        )

    # ---- who looks ----

    def snapshot(self) -> Snapshot:
        """All metrics as they are now."""
        found = Snapshot({}, {}, {})
        for family in self._families.values():
            for key, series in family.series.items():
                name = family.name + _labels_text(key)
                if isinstance(series, _Window):
                    found.timings[name] = series.summary()
                else:
                    (found.counters if family.kind == "counter" else found.gauges)[name] = series.value
        return found

    def prometheus(self) -> str:
        """All metrics in the text format of Prometheus (version 0.0.4), to be served as `CONTENT_TYPE`.

        A counter "commands.executed" is `commands_executed_total` there, a timing "command.duration" the summary
        `command_duration_seconds`, with quantiles 0.5, 0.95 and 0.99 of the latest 128 to 256.
        """
        taken: set[str] = set()
        lines: list[str] = []
        for _, family in sorted(self._families.items(), key=lambda item: (item[0][1], item[0][0])):
            lines += family.lines(taken)
        return "".join(f"{line}\n" for line in lines)

    # ---- series ----

    def _found(
        self, kind: _Kind, name: str, labels: Labels | None, make: Callable[[], S], known: dict[Hashable, S]
    ) -> S:
        """The series for what a caller says, made where there is none and there is room for it."""
        _check_said(kind, name, labels)
        family = self._family(kind, _text(name))
        key = _key(labels or {})
        series = family.series.get(key)
        if series is None:
            if key and (len(family.series) >= self.max_series or self._is_full() or len(key) > MOST_LABELS):
                return family.rest(make)
            self._series += 1
            family.labels = family.labels or key
            series = family.series[key] = make()
        self._remember(known, name, labels, series)
        return series

    def _family(self, kind: _Kind, name: str) -> _Family[Any]:
        family = self._families.get((kind, name))
        if family is None:
            if self._is_full():
                name = OTHER
                if (kind, name) not in self._families:
                    _log.warning('there are too many metrics: every new %s is counted as "%s"', kind, name)
            family = self._families.setdefault((kind, name), _Family(kind, name))
        return family

    def _is_full(self) -> bool:
        return self._series >= 10 * self.max_series

    def _remember(self, known: dict[Hashable, S], name: str, labels: Labels | None, series: S) -> None:
        """Open the short way for who says the same again, as far as what they say stays as it is, and is short."""
        said = () if labels is None else tuple(labels.items())
        if not all(map(_is_plain, (name, *itertools.chain.from_iterable(said)))):
            return
        if len(known) >= 20 * self.max_series:  # one series can be asked for in many ways
            known.clear()
        known[name if labels is None else (name, said)] = series


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What `MetricsService.prometheus` is to be served as."""


class Timed:
    """Times a block of code, or each call of the function that it decorates; where that raises, as well."""

    __slots__ = ("_began", "_clock", "_labels", "_metrics", "_name")

    def __init__(self, metrics: MetricsService, clock: Clock, name: str, labels: Labels | None) -> None:
        self._metrics = metrics
        self._clock = clock
        self._name = name
        self._labels = labels
        self._began: float | None = None

    def __enter__(self) -> None:
        if self._began is not None:
            raise RuntimeError(f'timed("{self._name}") is at work already: call metrics.timed for each block')
        self._began = self._clock.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._began is not None
        self._metrics.timing(self._name, self._clock.monotonic() - self._began, self._labels)
        self._began = None

    def __call__(self, function: F) -> F:
        """Decorate a function. Raises TypeError for a generator, whose body runs while others do."""
        if not callable(function):
            raise TypeError(f'timed("{self._name}"): expected a function to decorate, got {function!r}')
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__name__} is a generator: time what is inside, `with metrics.timed(...)`")
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):

            async def timed_async(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await function(*args, **kwargs)

            return cast(F, functools.wraps(function)(timed_async))

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return cast(F, functools.wraps(function)(timed))

    def _again(self) -> Timed:
        return Timed(self._metrics, self._clock, self._name, self._labels)


class Meter:
    """Counts and times what runs often, in series that are looked for once."""

    __slots__ = ("_number", "_window")

    def __init__(self, number: _Number, window: _Window) -> None:
        self._number = number
        self._window = window

    def ran(self, seconds: float) -> None:
        """It ran once more, and took so long (0.0 or more)."""
        self._number.value += 1
        window = self._window
        window.append(seconds)
        if len(window) >= _FULL:
            window.shrink()


# ---- what is kept ----


class _Number:
    """A counter, or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class _Window(list[float]):
    """The latest durations of a timing, and how many there were before, of how many seconds."""

    __slots__ = ("_count", "_total")

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._total = 0.0

    def shrink(self) -> None:
        """Let go of the older ones, counted."""
        self._count += _WINDOW
        self._total += _sum(self[:_WINDOW])
        del self[:_WINDOW]

    def summary(self) -> Timing:
        """What is known of all, and of the latest."""
        latest = sorted(self)
        # the nearest rank: a duration that there was
        ranks = (latest[math.ceil(quantile * len(latest)) - 1] if latest else math.nan for quantile in QUANTILES)
        return Timing(self._count + len(self), self._total + _sum(self), *map(_float, ranks))


class _Family(Generic[S]):
    """All series of one name, by their labels. `labels` are those of the first that had any."""

    __slots__ = ("_rest", "kind", "labels", "name", "series")

    def __init__(self, kind: _Kind, name: str) -> None:
        self.kind: _Kind = kind
        self.name: str = name
        self.labels: _Key = ()
        self.series: dict[_Key, S] = {}
        self._rest: S | None = None

    def rest(self, make: Callable[[], S]) -> S:
        """The series for all that there is no room for."""
        if self._rest is None:
            _log.warning(
                'the labels of %s "%s" are too many: there are %d sets of values, and every new one is counted as '
                '"%s". A label is for what has few values, such as a command, and not for ids',
                self.kind,
                self.name,
                len(self.series),
                OTHER,
            )
            key = tuple((label, OTHER) for label, _ in self.labels) or ((OTHER, OTHER),)
            self._rest = self.series.setdefault(key, make())
        return self._rest

    # ---- as Prometheus reads it: https://prometheus.io/docs/instrumenting/exposition_formats/ ----

    def lines(self, taken: set[str]) -> Iterator[str]:
        """The lines of this family. Its names are none of `taken`, and are there afterwards."""
        name = self._exposed_name(taken)
        kind = "summary" if self.kind == "timing" else self.kind
        yield f"# HELP {name} {_escaped(HELP.get(self.name, self.name))}"
        yield f"# TYPE {name} {kind}"
        for key, series in self.series.items():
            if isinstance(series, _Window):
                timing = series.summary()
                for quantile, value in zip(QUANTILES, (timing.median, timing.p95, timing.p99), strict=True):
                    yield f"{name}{_labels_text((*key, ('quantile', str(quantile))))} {_number(value)}"
                yield f"{name}_sum{_labels_text(key)} {_number(timing.total)}"
                yield f"{name}_count{_labels_text(key)} {_number(timing.count)}"
            else:
                yield f"{name}{_labels_text(key)} {_number(series.value)}"

    def _exposed_name(self, taken: set[str]) -> str:
        """The name with its unit or suffix; a number tells names apart that look the same without their dots."""
        suffix = {"counter": "_total", "gauge": "", "timing": "_seconds"}[self.kind]
        plain = _identifier(self.name).removesuffix(suffix)
        number = 1
        while True:
            name = f"{plain}{'' if number == 1 else f'_{number}'}{suffix}"
            names = {name, f"{name}_sum", f"{name}_count"} if self.kind == "timing" else {name}
            if not names & taken:
                taken |= names
                return name
            number += 1


# ---- numbers ----


def _sum(values: Iterable[float]) -> float:
    try:
        return float(sum(values))
    except (TypeError, OverflowError):  # decimals beside floats, or an int that is larger than any float
        return sum(map(_float, values))


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _check_said(kind: _Kind, name: object, labels: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a {kind}: expected a str, got {name!r}")
    if not (labels is None or isinstance(labels, Mapping)):
        raise TypeError(f'the labels of {kind} "{name}": expected a dict of names to values, got {labels!r}')


def _check_number(kind: _Kind, name: object, value: object) -> None:
    if isinstance(value, str) or not hasattr(type(value), "__float__"):
        raise TypeError(f'{kind} "{name}": expected a number, got {value!r}')


def _refused_nan(name: str, seconds: float) -> float:
    if seconds != seconds:
        raise ValueError(f'timing "{name}": expected seconds, got {seconds!r}')
    return 0.0


# ---- texts ----


def _is_plain(value: object) -> bool:
    """Whether it always stands for the same text, and a short one. Numbers do not: 1 is True, and 1.0."""
    return value is None or (type(value) is str and len(value) <= LONGEST_TEXT)


def _key(labels: Labels) -> _Key:
    """Labels as they are kept: with names that Prometheus takes, in their order, and values that are texts."""
    found: dict[str, str] = {}
    for name, value in labels.items():
        plain = _identifier(_text(name))
        if plain.startswith("__") or plain in ("_", "quantile"):
            plain = f"label_{plain}"  # Prometheus has these for itself
        number, label = 1, plain
        while label in found:
            number += 1
            label = f"{plain}_{number}"
        found[label] = _text(value)
    return tuple(sorted(found.items()))


def _text(value: object) -> str:
    """Any value as a short text that can be written as UTF-8."""
    try:
        text = str(value)
    except Exception:  # what cannot say what it is must not stop what is being counted
        text = f"<{type(value).__name__}>"
    return text[:LONGEST_TEXT].encode(errors="replace").decode()


_UNFIT = re.compile("[^a-zA-Z0-9_]")


def _identifier(text: str) -> str:
    """A text as a name that Prometheus takes; different letters stay different."""
    name = _UNFIT.sub(lambda found: "_" if found[0].isascii() else f"_{ord(found[0]):x}_", text)
    return name if name and not name[0].isdigit() else f"_{name}"


def _labels_text(key: _Key) -> str:
    return "{" + ",".join(f'{label}="{_quoted(value)}"' for label, value in key) + "}" if key else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


def _number(value: float) -> str:
    number = _float(value)
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return "NaN" if math.isnan(number) else repr(int(number) if number.is_integer() else number)


HELP: dict[str, str] = {
    "wisp.commands": "Calls of commands, by what came of them",
    "wisp.command.duration": "How long commands took, with their answers",
    "wisp.components": "Uses of buttons and selects, by what came of them",
    "wisp.component.duration": "How long buttons and selects took, with their answers",
    "wisp.modals": "Forms that were sent, by what came of them",
    "wisp.modal.duration": "How long forms took, with their answers",
    "wisp.autocompletes": "Questions for suggestions, by what came of them",
    "wisp.autocomplete.duration": "How long suggestions took",
    "wisp.events": "Events that listeners heard, by what came of them",
    "wisp.event.duration": "How long listeners took",
    "wisp.jobs": "Runs of jobs, by what came of them",
    "wisp.job.duration": "How long jobs took",
    "wisp.statements": "Statements of the database, by what came of them",
    "wisp.statement.duration": "How long statements took, with their way to the database and back",
    "wisp.errors": "Errors that no error handler dealt with, by where they were raised",
    "wisp.refusals": "Interactions that reached no handler, by the reason",
}
"""What wisp counts and times itself, in the words that Prometheus shows."""
