"""Deferrals in time: who has not answered when Discord is about to lose patience is deferred."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock, Timer
    from .context import InteractionContext

# https://discord.com/developers/docs/interactions/receiving-and-responding#responding-to-an-interaction
_DISCORDS_PATIENCE = 3.0

# https://discord.com/developers/docs/reference#snowflakes
_DISCORD_EPOCH = 1_420_070_400.0


class Deferrals:
    """The calls under way, each with the moment at which it must be deferred, and one timer for all of them.

    `patience` is the seconds that a call gets, counted from its making where the clocks of Discord and of this
    machine agree on that, else from its arrival. `spawn` runs a coroutine beside everything else.
    """

    def __init__(
        self,
        clock: Clock,
        patience: float,
        defer: Callable[[InteractionContext[Any]], Coroutine[Any, Any, None]],
        spawn: Spawn,
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._defer = defer
        self._spawn = spawn
        self._due: list[tuple[float, int, InteractionContext[Any]]] = []
        self._timer: Timer | None = None

    def expect(self, ctx: InteractionContext[Any]) -> None:
        """Defer `ctx` in time, unless it is answered by then."""
        age = self._clock.time() - (ctx.answering.id >> 22) / 1000 - _DISCORD_EPOCH
        left = self._patience - age if 0 < age < _DISCORDS_PATIENCE else self._patience
        heappush(self._due, (self._clock.monotonic() + left, ctx.answering.id, ctx))
        if self._timer is None or self._due[0][2] is ctx:
            self._set_timer()

    def stop(self) -> None:
        """Defer nothing more."""
        self._due.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = self._due[0][0] - self._clock.monotonic() if self._due else 0.0
        self._timer = self._clock.call_later(delay, self._defer_due) if self._due else None

    def _defer_due(self) -> None:
        now = self._clock.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, ctx = heappop(self._due)
            if ctx.unanswered:
                self._spawn(self._defer(ctx))
        self._set_timer()


Spawn = Callable[[Coroutine[Any, Any, object]], None]
