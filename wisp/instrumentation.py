"""Measures: what wisp itself counts and times of a bot, told to the service "metrics"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from .clock import Clock
from .logs import get_logger
from .services import Metrics

if TYPE_CHECKING:
    from .services.metrics import Labels

_log = get_logger("wisp.metrics")

Kind = Literal["command", "component", "modal", "autocomplete", "event", "job", "statement"]
"""What runs."""

Outcome = Literal["done", "refused", "failed", "cancelled"]
"""What came of a run."""

Refusal = Literal["off", "closing", "unknown"]
"""Why an interaction reached no handler: its module is off there, the bot closes, or nothing is there for it."""

_COUNTED: dict[Kind, str] = {
    "command": "wisp.commands",
    "component": "wisp.components",
    "modal": "wisp.modals",
    "autocomplete": "wisp.autocompletes",
    "event": "wisp.events",
    "job": "wisp.jobs",
    "statement": "wisp.statements",
}
_TIMED: dict[Kind, str] = {kind: f"wisp.{kind}.duration" for kind in _COUNTED}


_MOST_METERS = 10_000
"""How many are held: jobs that are registered under ever new names must not fill the memory."""


class Instrumentation:
    """Tells of a session's runs, errors and refusals. A service that raises is logged once, and stops nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._metrics: Metrics | None = None
        self._meters: dict[tuple[Kind, str, Outcome], _Meter] = {}

    def start(self, metrics: Metrics | None) -> None:
        """Tell this service from now on; None tells nobody."""
        self._metrics = metrics
        self._meters.clear()

    def record(self, kind: Kind, name: str, outcome: Outcome, began: float) -> None:
        """Something ran, since `began` (seconds of `Clock.monotonic`)."""
        if self._metrics is not None:
            try:
                meter = self._meters.get((kind, name, outcome)) or self._meter(self._metrics, kind, name, outcome)
                meter.ran(self._clock.monotonic() - began)
            except Exception:
                self._failed()

    def _meter(self, metrics: Metrics, kind: Kind, name: str, outcome: Outcome) -> _Meter:
        from .services.metrics import MetricsService

        if len(self._meters) >= _MOST_METERS:
            self._meters.clear()
        make = metrics.meter if isinstance(metrics, MetricsService) else partial(_Told, metrics)
        meter = make(_COUNTED[kind], {kind: name, "outcome": outcome}, _TIMED[kind], {kind: name})
        self._meters[kind, name, outcome] = meter
        return meter

    def refused(self, reason: Refusal) -> None:
        """An interaction reached no handler."""
        self._count("wisp.refusals", {"reason": reason})

    def failed(self, where: str, error: BaseException) -> None:
        """An error was raised that no error handler dealt with."""
        self._count("wisp.errors", {"where": where, "error": type(error).__name__})

    def _count(self, name: str, labels: dict[str, str]) -> None:
        if self._metrics is not None:
            try:
                self._metrics.increment(name, 1, labels)
            except Exception:
                self._failed()

    def _failed(self) -> None:
        self._metrics = None
        _log.exception('the service "metrics" failed, and is told nothing more of what wisp measures itself')


class _Meter(Protocol):
    def ran(self, seconds: float) -> object: ...


class _Told:
    """Tells a service that is not wisp's own of each run."""

    def __init__(self, metrics: Metrics, counter: str, counted: Labels, timing: str, timed: Labels) -> None:
        self._metrics = metrics
        self._counter = counter, 1, counted
        self._timing = timing, timed

    def ran(self, seconds: float) -> None:
        name, labels = self._timing
        self._metrics.increment(*self._counter)
        self._metrics.timing(name, seconds, labels)
