"""Measures: what wisp itself counts and times of a bot, told to the service "metrics"."""

from __future__ import annotations

from typing import Literal

from .clock import Clock
from .logs import get_logger
from .services import Metrics

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


class Measures:
    """Tells of a session's runs, errors and refusals. A service that raises is logged once, and stops nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._metrics: Metrics | None = None

    def start(self, metrics: Metrics | None) -> None:
        """Tell this service from now on; None tells nobody."""
        self._metrics = metrics

    def ran(self, kind: Kind, name: str, outcome: Outcome, began: float) -> None:
        """Something ran, since `began` (seconds of `Clock.monotonic`)."""
        if self._metrics is not None:
            try:
                self._metrics.increment(_COUNTED[kind], 1, {kind: name, "outcome": outcome})
                self._metrics.timing(_TIMED[kind], self._clock.monotonic() - began, {kind: name})
            except Exception:
                self._failed()

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
