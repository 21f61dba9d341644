"""Instrumentation: what wisp itself counts and times of a running bot, recorded by the service "metrics"."""

from __future__ import annotations

from typing import Any, Literal

from .clock import Clock
from .logs import get_logger

_log = get_logger("wisp.metrics")

Kind = Literal["command", "component", "modal", "autocomplete", "event", "job", "statement"]
"""What runs."""

Outcome = Literal["done", "refused", "failed", "cancelled"]
"""How a run ended."""

Refusal = Literal["off", "closing", "unknown"]
"""Why an interaction reached no handler: its module is off in the guild, the bot is closing, or there is no handler."""


class Instrumentation:
    """Record runs, errors and refusals. If the service raises, that is logged once, and it is not called again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._metrics: Any = None

    def start(self, metrics: Any) -> None:
        """Record with this service, which has `increment` and `timing`, from now on. With None, record nothing."""
        self._metrics = metrics

    def record(self, kind: Kind, name: str, outcome: Outcome, began: float) -> None:
        """Record a run that has ended now and began at `began` (seconds of `Clock.monotonic`)."""
        self._call("increment", f"wisp.{kind}s", 1.0, {kind: name, "outcome": outcome})
        self._call("timing", f"wisp.{kind}.duration", self._clock.monotonic() - began, {kind: name})

    def refused(self, reason: Refusal) -> None:
        """Count an interaction that reached no handler."""
        self._call("increment", "wisp.refusals", 1.0, {"reason": reason})

    def failed(self, where: str, error: BaseException) -> None:
        """Count an error that no error handler handled."""
        self._call("increment", "wisp.errors", 1.0, {"where": where, "error": type(error).__name__})

    def _call(self, method: str, name: str, value: float, labels: dict[str, str]) -> None:
        if self._metrics is None:
            return
        try:
            getattr(self._metrics, method)(name, value, labels)
        except Exception:
            self._metrics = None
            _log.exception('the service "metrics" failed. wisp records nothing more with it')
