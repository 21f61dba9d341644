"""Metrics: counters, gauges and timings by name and labels, kept in memory and exposed to Prometheus."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar, cast

import msgspec

from ..clock import Clock
from ..logs import get_logger

F = TypeVar("F", bound=Callable[..., Any])
S = TypeVar("S", "_Value", "_Durations")

_log = get_logger("wisp.metrics")

Labels = Mapping[str, object]
"""What distinguishes the series of one name: `{"command": "/greet"}`. Values are converted to str."""

LONGEST_TEXT = 120
"""The most characters of a name, a label or a label's value. Longer ones are cut."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of `MetricsService.prometheus`."""

_OTHER = "other"  # the name, or the label's value, of the series that counts everything beyond the limit
_MOST_LABELS = 10  # of one series; further ones are ignored
_QUANTILES = (0.5, 0.95, 0.99)
_LATEST = 128  # durations that a timing keeps for its quantiles

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

    Names and labels are any strings. In Prometheus, letters, digits and `_` stay as they are, and a dot becomes `_`;
    names that look the same there are one. Memory is bounded: a name has up to `max_series` sets of labels, and all
    names of a kind together ten times as many. What exceeds that is counted in one series whose labels have the value
    "other", and logged once for each name.

    Only one event loop may use it, and no other thread.
    """

    def __init__(self, *, max_series: int = 1000, clock: Clock | None = None) -> None:
        if max_series < 1:
            raise ValueError(f"max_series: expected 1 or more, got {max_series!r}")
        self.max_series: int = max_series
        self._clock = clock or Clock()
        self._counters = _Table("counter", "_total", _Value, max_series)
        self._gauges = _Table("gauge", "", _Value, max_series)
        self._timings = _Table("timing", "_seconds", _Durations, max_series)

    def increment(self, name: str, value: float = 1.0, labels: Labels | None = None) -> None:
        """Add to a counter. Raises ValueError if `value` is negative."""
        if not value >= 0.0:
            raise ValueError(f'counter "{name}": expected 0 or more, got {value!r}. Use a gauge instead')
        self._counters.find(name, labels).value += value

    def timing(self, name: str, seconds: float, labels: Labels | None = None) -> None:
        """Record a duration. A negative one (the system's clock was set back), or NaN, counts as 0."""
        seconds = seconds if seconds > 0.0 else 0.0
        series = self._timings.find(name, labels)
        series.total += seconds
        series.count += 1
        series.latest.append(seconds)

    def gauge(self, name: str, value: float, labels: Labels | None = None) -> None:
        """Set a gauge: the number of players, the length of a queue."""
        self._gauges.find(name, labels).value = float(value)

    def timed(self, name: str, labels: Labels | None = None) -> Timed:
        """Time a block, `with metrics.timed("load"): ...`, or as a decorator each call of a function, async or not."""
        return Timed(self, self._clock, name, labels)

    def snapshot(self) -> Snapshot:
        """Return all metrics as they are now."""
        return Snapshot(
            {name: series.value for name, series in self._counters.named()},
            {name: series.value for name, series in self._gauges.named()},
            {name: series.summary() for name, series in self._timings.named()},
        )

    def prometheus(self) -> str:
        """Return all metrics in the text format of Prometheus (version 0.0.4), to be served as `CONTENT_TYPE`.

        A counter "commands.executed" becomes `commands_executed_total`, and a timing "command.duration" the summary
        `command_duration_seconds` with the quantiles 0.5, 0.95 and 0.99.
        """
        # https://prometheus.io/docs/instrumenting/exposition_formats/
        lines: list[str] = []
        for table in (self._counters, self._gauges):
            for name, family in sorted(table.families.items()):
                lines.append(f"# TYPE {name} {table.kind}")
                lines += [_sample(name, key, series.value) for key, series in family.series.items()]
        for name, family in sorted(self._timings.families.items()):
            lines.append(f"# TYPE {name} summary")
            for key, series in family.series.items():
                timing = series.summary()
                for quantile, value in zip(_QUANTILES, (timing.median, timing.p95, timing.p99), strict=True):
                    lines.append(_sample(name, (*key, ("quantile", str(quantile))), value))
                lines.append(_sample(f"{name}_sum", key, timing.total))
                lines.append(_sample(f"{name}_count", key, timing.count))
        return "".join(f"{line}\n" for line in lines)


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

    def __exit__(self, *_: object) -> None:
        assert self._began is not None
        self._metrics.timing(self._name, self._clock.monotonic() - self._began, self._labels)
        self._began = None

    def __call__(self, function: F) -> F:
        """Decorate a function."""
        if inspect.iscoroutinefunction(function):

            async def timed_async(*args: Any, **kwargs: Any) -> Any:
                with self._metrics.timed(self._name, self._labels):
                    return await function(*args, **kwargs)

            return cast(F, functools.wraps(function)(timed_async))

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self._metrics.timed(self._name, self._labels):
                return function(*args, **kwargs)

        return cast(F, functools.wraps(function)(timed))


class _Value:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0


class _Durations(msgspec.Struct):
    count: int = 0
    total: float = 0.0
    latest: deque[float] = msgspec.field(default_factory=lambda: deque(maxlen=_LATEST))

    def summary(self) -> Timing:
        latest = sorted(self.latest) or [0.0]
        # the nearest rank: a duration that was recorded
        ranks = (latest[math.ceil(quantile * len(latest)) - 1] for quantile in _QUANTILES)
        return Timing(self.count, self.total, *ranks)


class _Family(Generic[S]):
    """All series of one name, by their labels."""

    def __init__(self, name: str) -> None:
        self.name: str = name
        self.series: dict[_Key, S] = {}


class _Table(Generic[S]):
    """All series of one kind. `families` has them by their names in Prometheus."""

    def __init__(
        self, kind: Literal["counter", "gauge", "timing"], suffix: str, make: type[S], max_series: int
    ) -> None:
        self.kind: str = kind
        self.families: dict[str, _Family[S]] = {}
        self._suffix = suffix
        self._make = make
        self._max_series = max_series
        self._count = 0  # of all families together
        self._known: dict[Hashable, S] = {}  # the same series by what callers pass

    def find(self, name: str, labels: Labels | None) -> S:
        """Return the series of a name and labels. Make it if there is room, else return the one for the rest."""
        passed = name if labels is None else (name, tuple(labels.items()))
        try:
            return self._known[passed]
        except (KeyError, TypeError):  # new, or a value is not hashable
            series = self._find_or_make(name, labels or {})
        if all(map(_is_short, itertools.chain((name,), *(labels or {}).items()))):
            if len(self._known) >= 20 * self._max_series:  # one series can be asked for in many ways
                self._known.clear()
            self._known[passed] = series
        return series

    def named(self) -> Iterator[tuple[str, S]]:
        """Return all series with their names and labels."""
        for family in self.families.values():
            for key, series in family.series.items():
                yield family.name + _labels_text(key), series

    def _find_or_make(self, name: str, labels: Labels) -> S:
        is_full = self._count >= 10 * self._max_series
        name = _text(name)
        exposed = _identifier(name).removesuffix(self._suffix) + self._suffix
        if is_full and exposed not in self.families:
            name, exposed = _OTHER, _OTHER + self._suffix
            if exposed not in self.families:
                _log.warning('there are too many metrics: every new %s is counted as "%s"', self.kind, _OTHER)
        family = self.families.setdefault(exposed, _Family(name))
        key = _key(labels)
        if key and key not in family.series and (is_full or len(family.series) >= self._max_series):
            first = next(filter(None, family.series), key)
            key = tuple((label, _OTHER) for label, _ in first)
            if key not in family.series:
                _log.warning(
                    'the labels of %s "%s" are too many: every new set of values is counted as "%s". '
                    "Label by what has few values, such as a command, and not by ids",
                    *(self.kind, family.name, _OTHER),
                )
        if key not in family.series:
            family.series[key] = self._make()
            self._count += 1
        return family.series[key]


def _is_short(value: object) -> bool:
    """Return whether a series can be found by this value. Other types are equal in different texts: 1, 1.0 and True."""
    return type(value) is str and len(value) <= LONGEST_TEXT


def _key(labels: Labels) -> _Key:
    """Return labels as they are kept: names that Prometheus takes, sorted, and values as str."""
    found: dict[str, str] = {}
    for name, value in itertools.islice(labels.items(), _MOST_LABELS):
        label = _identifier(_text(name))
        if label.startswith("__") or label == "quantile":  # Prometheus reserves these
            label = f"label_{label}"
        found[label] = _text(value)
    return tuple(sorted(found.items()))


def _text(value: object) -> str:
    """Return any value as a short str that can be encoded as UTF-8."""
    return str(value)[:LONGEST_TEXT].encode(errors="replace").decode()


_UNFIT = re.compile("[^a-zA-Z0-9_]")


def _identifier(text: str) -> str:
    """Return a name that Prometheus takes. Different letters stay different."""
    name = _UNFIT.sub(lambda found: "_" if found[0].isascii() else f"_{ord(found[0]):x}_", text)
    return name if name and not name[0].isdigit() else f"_{name}"


def _sample(name: str, key: _Key, value: float) -> str:
    value = float(value)
    return f"{name}{_labels_text(key)} {int(value) if value.is_integer() else value!r}"


def _labels_text(key: _Key) -> str:
    return "{" + ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in key) + "}" if key else ""


_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
