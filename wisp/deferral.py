"""Deferrals in time: an interaction that is not answered shortly before Discord's deadline is deferred."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock
    from .context import InteractionContext

# https://discord.com/developers/docs/interactions/receiving-and-responding#responding-to-an-interaction
_DEADLINE = 3.0

# https://discord.com/developers/docs/reference#snowflakes
_DISCORD_EPOCH = 1_420_070_400.0

_AGREED = 0.75
"""Seconds by which a clock that is right can differ from the middle of the second that a response names."""

_DRIFT = 0.001
"""Seconds by which two clocks may drift apart in a second, with a wide margin."""


class DiscordTime:
    """Discord's clock in one session, whatever the system's clock says.

    An id holds the time at which it was made, by Discord's clock. The least difference between that and the time of
    arrival, by a monotonic clock, belongs to an interaction that came without delay.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._difference = math.inf
        self._measured = 0.0

    def now(self) -> float:
        """Return Discord's time, in seconds since the epoch: the system's, which is finer, if it agrees."""
        time, learned = self._clock.time(), self._clock.monotonic() - self._difference
        return time if math.isinf(learned) or abs(time - learned) < _AGREED else learned

    def made(self, id: int) -> float:
        """Return when Discord made an id, in seconds of `Clock.monotonic`."""
        return _time_of(id) + self._difference

    def responded(self, date: int) -> None:
        """Take note of Discord's time, in whole seconds since the epoch, as a response that arrives now names it."""
        time, middle = self._clock.time(), date + 0.5
        # the system's clock is finer, if it agrees
        self.observe(time if abs(time - middle) < _AGREED else middle, self._clock.monotonic())

    def arrived(self, id: int) -> float:
        """Take note of an id that arrives now; return how long ago Discord made it, in seconds."""
        return self.observe(_time_of(id), self._clock.monotonic())

    def observe(self, time: float, now: float) -> float:
        """Compare Discord's `time`, in seconds since the epoch, with `now`, its arrival; the seconds between them."""
        difference = now - time
        self._difference = min(self._difference + (now - self._measured) * _DRIFT, difference)
        self._measured = now
        if difference - self._difference > _DEADLINE:  # too late for any answer, or a clock was set
            self._difference = difference
        return difference - self._difference


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


def _time_of(id: int) -> float:
    """Return when an id was made, in seconds since the epoch by Discord's clock."""
    return (id >> 22) / 1000 + _DISCORD_EPOCH


Spawn = Callable[[Coroutine[Any, Any, object]], None]
