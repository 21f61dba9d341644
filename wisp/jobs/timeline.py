"""The timeline: what is due when, in one heap and with one timer, started in slices."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from ..clock import Clock

SLICE = 50
"""How many begin in one turn of the event loop: what else there is to do comes in between."""

SLACK = 1e-5
"""Seconds that something may begin early: floating-point numbers of the size of a date are not finer."""

GRAIN = 0.02
"""Seconds between two wakings: waking up costs more than a run does, so what is due within them shares one.

Everything begins so much later at most; what comes back within less than five times as much makes it smaller, for all.
The first thing of all lies between two wakings, so that those added right after it share one with it.
"""

_DRIFT = 0.1
"""Seconds by which the wall clock may move against the monotonic one before what hangs on it is put in order."""

_JUMP = 1.0
"""Seconds from which such a move counts as a clock that was set: corrections come in smaller steps."""


class Due:
    """Something that comes due at its `deadline`: seconds since the epoch where `is_wall`, else `Clock.monotonic`.

    `come_due` is called then with it and the time that it is, on the same clock. It stands in the timeline no more.
    It may begin up to `grain` seconds late.
    """

    __slots__ = ("come_due", "deadline", "grain", "is_wall", "ticket")

    def __init__(
        self, deadline: float, is_wall: bool, come_due: Callable[[Any, float], object], grain: float = GRAIN
    ) -> None:
        self.deadline: float = deadline
        self.grain: float = grain
        self.is_wall: bool = is_wall
        self.come_due: Callable[[Any, float], object] = come_due
        self.ticket: int = 0  # of its place in the heap, 0 where it has none


class Timeline:
    """What is due when. It stands still until `begin`.

    `on_jump` is called with the seconds by which the wall clock was set, before what hangs on it is put in order.
    """

    look_every: float = 10.0
    """Seconds between two looks at whether the wall clock was set. In virtual time there are none."""

    def __init__(self, clock: Clock, on_jump: Callable[[float], object]) -> None:
        self._clock = clock
        self._on_jump = on_jump
        # by moments of Clock.monotonic: who has another ticket by now was removed, or moved
        self._heap: list[tuple[float, int, Due]] = []
        self._count = 0
        self._tickets = 0
        self._grain = GRAIN  # the least of those that were here since there was nothing
        self._waking: float | None = None  # a moment of Clock.monotonic: other wakings are multiples of the grain away
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0  # the moment of Clock.monotonic that it is there for
        self._runs = False
        self._looking: asyncio.TimerHandle | None = None
        self._ahead = clock.zero()

    def __len__(self) -> int:
        return self._count

    def begin(self) -> None:
        """Let things come due from now on."""
        self._runs = True
        self._look()
        self._arm()

    def stop(self) -> None:
        """Nothing comes due any more, and nothing is remembered."""
        self._runs = False
        if self._looking is not None:
            self._looking.cancel()
        for _, _, thing in self._heap:
            thing.ticket = 0
        self._clear()

    def add(self, thing: Due) -> None:
        """Let a thing come due at its deadline, in place of what was said before."""
        if thing.ticket:
            self.remove(thing)
        self._tickets = thing.ticket = self._tickets + 1
        self._count += 1
        heapq.heappush(self._heap, self._place_of(thing))
        if thing.grain < self._grain:
            self._grain = thing.grain
            self._disarm()  # the next waking may be too late for it
            self._arm()
        elif self._heap[0][2] is thing:
            self._arm()

    def remove(self, thing: Due) -> None:
        """Forget a thing. Does nothing where it is not there."""
        if thing.ticket:
            thing.ticket = 0
            self._count -= 1
            if not self._count:
                self._clear()
            elif len(self._heap) > 64 + 2 * self._count:
                self._order()

    def _clear(self) -> None:
        self._heap.clear()
        self._count = 0
        self._grain = GRAIN
        self._disarm()

    def _order(self) -> None:
        self._heap = [self._place_of(thing) for _, ticket, thing in self._heap if thing.ticket == ticket]
        heapq.heapify(self._heap)

    def _place_of(self, thing: Due) -> tuple[float, int, Due]:
        return (thing.deadline - self._ahead if thing.is_wall else thing.deadline), thing.ticket, thing

    def _arm(self) -> None:
        """Wake up for the first thing, or earlier."""
        if not self._runs or not self._heap:
            return
        at = self._heap[0][0]
        if self._timer is not None and self._timer_at <= at:
            return
        self._disarm()
        if self._waking is None:
            self._waking = at + self._grain / 2
        late = (self._waking - at) % self._grain
        self._timer_at = at
        self._timer = self._clock.call_later(at - self._clock.monotonic(), self._wake, late=late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        self._begin_due()
        self._arm()

    def _begin_due(self) -> None:
        """Begin what is due, a slice of it: for the rest the timer fires again in the next turn of the loop."""
        now = self._clock.monotonic()
        left = SLICE
        while left and self._heap and self._heap[0][0] <= now + SLACK:
            _, ticket, thing = heapq.heappop(self._heap)
            if thing.ticket != ticket:
                continue
            thing.ticket = 0
            self._count -= 1
            if not thing.is_wall:
                thing.come_due(thing, now)
            elif (time := self._clock.time()) + SLACK < thing.deadline:
                self._mind_jump(0.0)
                self.add(thing)  # the clock was set back
                continue
            else:
                thing.come_due(thing, time)
            left -= 1

    def _look(self) -> None:
        if self._clock.is_virtual:
            return
        self._mind_jump()
        self._looking = asyncio.get_running_loop().call_later(self.look_every, self._look)

    def _mind_jump(self, least: float = _DRIFT) -> None:
        """Where the wall clock has moved by more than `least` against the other, put what hangs on it in order."""
        ahead = self._clock.zero()
        moved = ahead - self._ahead
        if abs(moved) > least:
            self._ahead = ahead
            if abs(moved) >= _JUMP:
                self._on_jump(moved)
            self._order()
            self._arm()
