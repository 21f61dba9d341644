"""Deferrals in time: an interaction that is not answered shortly before Discord's deadline is deferred."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock, DiscordTime
    from .context import InteractionContext


class Deferrals:
    """The calls under way, each with the moment at which it must be deferred, and one timer for all of them.

    `patience` is the seconds that a call gets after Discord made it. `spawn` runs a coroutine beside everything else.
    """

    def __init__(
        self,
        clock: Clock,
        discord_time: DiscordTime,
        patience: float,
        defer: Callable[[InteractionContext[Any]], Coroutine[Any, Any, None]],
        spawn: Spawn,
    ) -> None:
        self._clock = clock
        self._patience = patience
        self._defer = defer
        self._spawn = spawn
        self._discord_time = discord_time
        self._due: list[tuple[float, int, InteractionContext[Any]]] = []
        self._timer: asyncio.TimerHandle | None = None

    def expect(self, ctx: InteractionContext[Any]) -> None:
        """Defer `ctx`, which arrived now, in time, unless it is answered by then."""
        ctx.defer_at = self._clock.monotonic() + self._patience - self._discord_time.arrived(ctx.answering.id)
        heappush(self._due, (ctx.defer_at, ctx.answering.id, ctx))
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
            if ctx.unanswered and ctx.defer_at <= now:  # else a form came back, which has its own time
                self._spawn(self._defer(ctx))
        self._set_timer()


Spawn = Callable[[Coroutine[Any, Any, object]], None]
