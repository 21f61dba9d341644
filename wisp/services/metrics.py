"""Metrics: counters, gauges and timings by name and labels, kept in memory and exposed to Prometheus."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import TracebackType
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast

import msgspec

from ..clock import Clock
from ..logs import get_logger

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", "_Counter", "_Gauge", "_Timing")

_log = get_logger("wisp.metrics")

Labels = Mapping[str, object]
"""What distinguishes the series of one name: `{"command": "/greet"}`. Values are converted to str."""

LONGEST_TEXT = 120
"""The most characters of a name, a label or a label's value. Longer ones are cut."""

MOST_LABELS = 10
"""The most labels of one series."""

OTHER = "other"
"""The name, or the label's value, of the series that counts everything beyond the limit."""

QUANTILES = (0.5, 0.95, 0.99)

_LATEST = 128  # durations that a timing keeps for its quantiles

_Kind = Literal["counter", "gauge", "timing"]
_Key = tuple[tuple[str, str], ...]  # labels and their values, sorted


class Timing(msgspec.Struct, frozen=True):
    """How long something took, in seconds: `count` durations of `total` seconds.

    `median`, `p95` and `p99` are of the latest 128 of them.
    """

    count: int
    total: float
    median: float
    p95: float
    p99: float

    @property
    def mean(self) -> float:
        """Seconds that one took on average, over all of them."""
        return self.total / self.count if self.count else 0.0


class Snapshot(msgspec.Struct, frozen=True):
    """All metrics at one moment, by name, with sorted labels: `commands{command="/greet"}`."""

    counters: dict[str, float]
    gauges: dict[str, float]
    timings: dict[str, Timing]


class MetricsService:
    """Counters, gauges and timings by name and labels.

    Names and labels are any strings. In Prometheus, letters, digits and `_` stay as they are, and a dot becomes `_`.
    Memory is bounded: a name has up to `max_series` sets of labels, and all names together ten times as many. What
    exceeds that is counted in one series whose labels have the value "other", and logged once for each name.

    Only one event loop may use it, and no other thread.
    """

    def __init__(self, *, max_series: int = 1000, clock: Clock | None = None) -> None:
        if max_series < 1:
            raise ValueError(f"max_series: expected 1 or more, got {max_series!r}")
        self.max_series: int = max_series
        self._clock = clock or Clock()
        self._families: dict[tuple[_Kind, str], _Family[Any]] = {}
        self._series = 0  # of all names together
        # the same series by what callers pass
        self._counters: dict[Hashable, _Counter] = {}
        self._gauges: dict[Hashable, _Gauge] = {}
        self._timings: dict[Hashable, _Timing] = {}

    def increment(self, name: str, value: float = 1.0, labels: Labels | None = None) -> None:
        """Add to a counter. Raises TypeError if `value` is not a number, and ValueError if it is negative."""
        if type(value) is not float:
            value = _number("counter", name, value)
        if not value >= 0.0:
            raise ValueError(f'counter "{name}": expected 0 or more, got {value!r}. Use a gauge instead')
        self._find(self._counters, _Counter, name, labels).value += value

    def timing(self, name: str, seconds: float, labels: Labels | None = None) -> None:
        """Record a duration. A negative one (the system's clock was set back) counts as 0.

        Raises TypeError if it is not a number, and ValueError if it is NaN.
        """
        if type(seconds) is not float:
            seconds = _number("timing", name, seconds)
        if seconds != seconds:
            raise ValueError(f'timing "{name}": expected seconds, got {seconds!r}')
        self._find(self._timings, _Timing, name, labels).add(seconds if seconds > 0.0 else 0.0)

    def gauge(self, name: str, value: float, labels: Labels | None = None) -> None:
        """Set a gauge: the number of players, the length of a queue. Raises TypeError if it is not a number."""
        value = _number("gauge", name, value)
        self._find(self._gauges, _Gauge, name, labels).value = value

    def timed(self, name: str, labels: Labels | None = None) -> Timed:
        """Time a block, `with metrics.timed("load"): ...`, or as a decorator each call of a function, async or not.

        Raises TypeError if the name is not a str or the labels are not a mapping.
        """
        _check_arguments("timing", name, labels)
        return Timed(self, self._clock, name, labels)

    def snapshot(self) -> Snapshot:
        """Return all metrics as they are now."""
        found = Snapshot({}, {}, {})
        for family in self._families.values():
            for key, series in family.series.items():
                name = family.name + _labels_text(key)
                if isinstance(series, _Timing):
                    found.timings[name] = series.summary()
                else:
                    (found.counters if family.kind == "counter" else found.gauges)[name] = series.value
        return found

    def prometheus(self) -> str:
        """Return all metrics in the text format of Prometheus (version 0.0.4), to be served as `CONTENT_TYPE`.

        A counter "commands.executed" becomes `commands_executed_total`, and a timing "command.duration" the summary
        `command_duration_seconds` with the quantiles 0.5, 0.95 and 0.99.
        """
        taken: set[str] = set()
        lines: list[str] = []
        for _, family in sorted(self._families.items(), key=lambda item: (item[0][1], item[0][0])):
            lines += family.lines(taken)
        return "".join(f"{line}\n" for line in lines)

    # ---- series ----

    def _find(self, known: dict[Hashable, S], make: type[S], name: str, labels: Labels | None) -> S:
        """Return the series of a name and labels. Make it if there is room, else return the one for the rest."""
        try:
            return known[name if labels is None else (name, tuple(labels.items()))]
        except (KeyError, TypeError, AttributeError):  # unknown, a value is not hashable, labels are not a mapping
            pass
        _check_arguments(make.kind, name, labels)
        family = self._family(make, _text(name))
        key = _key(labels or {})
        series = family.series.get(key)
        if series is None:
            if key and (len(family.series) >= self.max_series or self._is_full() or len(key) > MOST_LABELS):
                return family.rest()
            self._series += 1
            series = family.add(key)
        passed = () if labels is None else tuple(labels.items())
        if all(map(_is_short, (name, *itertools.chain.from_iterable(passed)))):
            if len(known) >= 20 * self.max_series:  # one series can be asked for in many ways
                known.clear()
            known[name if labels is None else (name, passed)] = series
        return series

    def _family(self, make: type[S], name: str) -> _Family[S]:
        family = self._families.get((make.kind, name))
        if family is None:
            if self._is_full():
                name = OTHER
                if (make.kind, name) not in self._families:
                    _log.warning('there are too many metrics: every new %s is counted as "%s"', make.kind, name)
            family = self._families.setdefault((make.kind, name), _Family(make, name))
        return family

    def _is_full(self) -> bool:
        return self._series >= 10 * self.max_series


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of `MetricsService.prometheus`."""


class Timed:
    """Time a block of code, or each call of the function that it decorates, also if it raises."""

    def __init__(self, metrics: MetricsService, clock: Clock, name: str, labels: Labels | None) -> None:
        self._metrics = metrics
        self._clock = clock
        self._name = name
        self._labels = labels
        self._began: float | None = None

    def __enter__(self) -> None:
        if self._began is not None:
            raise RuntimeError(f'timed("{self._name}") is already timing a block: call metrics.timed for each block')
        self._began = self._clock.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._began is not None
        self._metrics.timing(self._name, self._clock.monotonic() - self._began, self._labels)
        self._began = None

    def __call__(self, function: F) -> F:
        """Decorate a function. Raises TypeError for a generator, which is suspended while other code runs."""
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


class _Counter:
    kind: ClassVar[_Kind] = "counter"

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class _Gauge(_Counter):
    kind = "gauge"


class _Timing:
    kind: ClassVar[_Kind] = "timing"

    __slots__ = ("_count", "_latest", "_total")

    def __init__(self) -> None:
        self._count = 0
        self._total = 0.0
        self._latest: deque[float] = deque(maxlen=_LATEST)

    def add(self, seconds: float) -> None:
        self._count += 1
        self._total += seconds
        self._latest.append(seconds)

    def summary(self) -> Timing:
        latest = sorted(self._latest)
        # the nearest rank: a duration that was recorded
        ranks = (latest[math.ceil(quantile * len(latest)) - 1] for quantile in QUANTILES)
        return Timing(self._count, self._total, *ranks)


class _Family(Generic[S]):
    """All series of one name, by their labels."""

    def __init__(self, make: type[S], name: str) -> None:
        self.kind: _Kind = make.kind
        self.name: str = name
        self.series: dict[_Key, S] = {}
        self._make = make
        self._labels: _Key = ()  # of the first series that had any
        self._rest: S | None = None

    def add(self, key: _Key) -> S:
        """Make the series of these labels."""
        self._labels = self._labels or key
        series = self.series[key] = self._make()
        return series

    def rest(self) -> S:
        """Return the series for everything that there is no room for."""
        if self._rest is None:
            _log.warning(
                'the labels of %s "%s" are too many: there are %d sets of values, and every new one is counted as '
                '"%s". Use labels for what has few values, such as a command, and not for ids',
                self.kind,
                self.name,
                len(self.series),
                OTHER,
            )
            key = tuple((label, OTHER) for label, _ in self._labels) or ((OTHER, OTHER),)
            self._rest = self.series.setdefault(key, self._make())
        return self._rest

    # ---- as Prometheus reads it: https://prometheus.io/docs/instrumenting/exposition_formats/ ----

    def lines(self, taken: set[str]) -> Iterator[str]:
        """Return the lines of this family, under names that are not in `taken`, and add those to it."""
        name = self._exposed_name(taken)
        kind = "summary" if self.kind == "timing" else self.kind
        yield f"# TYPE {name} {kind}"
        for key, series in self.series.items():
            if isinstance(series, _Timing):
                timing = series.summary()
                for quantile, value in zip(QUANTILES, (timing.median, timing.p95, timing.p99), strict=True):
                    yield f"{name}{_labels_text((*key, ('quantile', str(quantile))))} {_number_text(value)}"
                yield f"{name}_sum{_labels_text(key)} {_number_text(timing.total)}"
                yield f"{name}_count{_labels_text(key)} {timing.count}"
            else:
                yield f"{name}{_labels_text(key)} {_number_text(series.value)}"

    def _exposed_name(self, taken: set[str]) -> str:
        """Return the name with its unit, numbered if it is taken: "a.b" and "a_b" look the same to Prometheus."""
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


def _number(kind: _Kind, name: object, value: float) -> float:
    """Raises TypeError if it is not a number."""
    if isinstance(value, str) or not hasattr(type(value), "__float__"):
        raise TypeError(f'{kind} "{name}": expected a number, got {value!r}')
    try:
        return float(value)
    except OverflowError:  # an int that is larger than any float
        return math.inf


def _check_arguments(kind: _Kind, name: object, labels: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"the name of a {kind}: expected a str, got {name!r}")
    if not (labels is None or isinstance(labels, Mapping)):
        raise TypeError(f'the labels of {kind} "{name}": expected a dict of names to values, got {labels!r}')


def _is_short(value: object) -> bool:
    """Return whether a series can be found by this value. Other types are equal in different texts: 1, 1.0 and True."""
    return type(value) is str and len(value) <= LONGEST_TEXT


def _key(labels: Labels) -> _Key:
    """Return labels as they are kept: names that Prometheus takes, sorted, and values as str."""
    found: dict[str, str] = {}
    for name, value in labels.items():
        plain = _identifier(_text(name))
        if plain.startswith("__") or plain in ("_", "quantile"):
            plain = f"label_{plain}"  # Prometheus reserves these
        number, label = 1, plain
        while label in found:
            number += 1
            label = f"{plain}_{number}"
        found[label] = _text(value)
    return tuple(sorted(found.items()))


def _text(value: object) -> str:
    """Return any value as a short str that can be encoded as UTF-8."""
    try:
        text = str(value)
    except Exception:  # a broken __str__ must not stop the code that counts
        text = f"<{type(value).__name__}>"
    return text[:LONGEST_TEXT].encode(errors="replace").decode()


_UNFIT = re.compile("[^a-zA-Z0-9_]")


def _identifier(text: str) -> str:
    """Return a name that Prometheus takes. Different letters stay different."""
    name = _UNFIT.sub(lambda found: "_" if found[0].isascii() else f"_{ord(found[0]):x}_", text)
    return name if name and not name[0].isdigit() else f"_{name}"


def _labels_text(key: _Key) -> str:
    return "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in key) + "}" if key else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number_text(number: float) -> str:
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return "NaN" if math.isnan(number) else repr(int(number) if number.is_integer() else number)
