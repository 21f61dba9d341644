"""The timeline: what is due when, in one heap and with one timer, started in slices."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

from ..clock import Clock, Timer

SLICE = 50
"""How many begin in one turn of the event loop: what else there is to do comes in between."""

SLACK = 1e-5
"""Seconds that something may begin early: floating-point numbers of the size of a date are not finer."""

_JUMP = 0.5
"""Seconds by which the wall clock must have moved against the monotonic one to count as set."""


class Due:
    """Something that comes due at its `deadline`: seconds since the epoch where `is_wall`, else `Clock.monotonic`.

    `come_due` is called then with it and the time that it is, on the same clock. It stands in the timeline no more.
    """

    __slots__ = ("come_due", "deadline", "is_wall", "ticket")

    def __init__(self, deadline: float, is_wall: bool, come_due: Callable[[Any, float], object]) -> None:
        self.deadline: float = deadline
        self.is_wall: bool = is_wall
        self.come_due: Callable[[Any, float], object] = come_due
        self.ticket: int = 0  # of its place in the heap, 0 where it has none


class Timeline:
    """What is due when. It stands still until `begin`.

    `on_jump` is called with the seconds by which the wall clock was set, before what hangs on it is put in order.
    """

    look_every: float = 10.0
    """Seconds, real ones, between two looks at whether the wall clock was set."""

    def __init__(self, clock: Clock, on_jump: Callable[[float], object]) -> None:
        self._clock = clock
        self._on_jump = on_jump
        self._heap: list[tuple[float, int, Due]] = []  # by Clock.monotonic
        self._tickets = 0
        self._stale = 0  # places in the heap whose thing was removed
        self._timer: Timer | None = None
        self._runs = False
        self._looking: asyncio.TimerHandle | None = None
        self._ahead = clock.time() - clock.monotonic()

    def __len__(self) -> int:
        return len(self._heap) - self._stale

    def begin(self) -> None:
        """Let things come due from now on."""
        self._runs = True
        self._look()
        self._arm()

    def stop(self) -> None:
        """Nothing comes due any more, and nothing is remembered."""
        self._runs = False
        for timer in (self._timer, self._looking):
            if timer is not None:
                timer.cancel()
        self._timer = self._looking = None
        for _, _, thing in self._heap:
            thing.ticket = 0
        self._heap.clear()
        self._stale = 0

    def add(self, thing: Due) -> None:
        """Let a thing come due at its deadline, in place of what was said before."""
        if thing.ticket:
            self.remove(thing)
        self._tickets += 1
        thing.ticket = self._tickets
        at = thing.deadline - self._ahead if thing.is_wall else thing.deadline
        heapq.heappush(self._heap, (at, thing.ticket, thing))
        if self._heap[0][2] is thing:
            self._arm()

    def remove(self, thing: Due) -> None:
        """Forget a thing. Does nothing where it is not there."""
        if thing.ticket:
            thing.ticket = 0
            self._stale += 1
            if self._stale > 64 and self._stale * 2 > len(self._heap):
                self._heap = [place for place in self._heap if place[2].ticket == place[1]]
                heapq.heapify(self._heap)
                self._stale = 0

    def _arm(self) -> None:
        """Wake up for the first thing, or earlier."""
        if not self._runs or not self._heap:
            return
        at = self._heap[0][0]
        if self._timer is not None:
            if self._timer.deadline <= at:
                return
            self._timer.cancel()
        self._timer = self._clock.call_later(at - self._clock.monotonic(), self._wake)

    def _wake(self) -> None:
        self._timer = None
        if self._runs:
            self._begin_due()
            self._arm()

    def _begin_due(self) -> None:
        """Begin what is due, a slice of it: for the rest the timer fires again in the next turn of the loop."""
        now = self._clock.monotonic()
        left = SLICE
        while left and self._heap and self._heap[0][0] <= now + SLACK:
            _, ticket, thing = heapq.heappop(self._heap)
            if thing.ticket != ticket:
                self._stale -= 1
                continue
            thing.ticket = 0
            if not thing.is_wall:
                thing.come_due(thing, now)
            elif (time := self._clock.time()) + SLACK < thing.deadline:
                self._mind_jump()
                self.add(thing)  # the clock was set back
                continue
            else:
                thing.come_due(thing, time)
            left -= 1

    def _look(self) -> None:
        self._mind_jump()
        self._looking = asyncio.get_running_loop().call_later(self.look_every, self._look)

    def _mind_jump(self) -> None:
        """Where the wall clock was set, put what hangs on it in order."""
        ahead = self._clock.time() - self._clock.monotonic()
        jump, self._ahead = ahead - self._ahead, ahead
        if abs(jump) < _JUMP:
            return
        self._on_jump(jump)
        self._heap = [
            (thing.deadline - ahead if thing.is_wall else at, ticket, thing)
            for at, ticket, thing in self._heap
            if thing.ticket == ticket
        ]
        self._stale = 0
        heapq.heapify(self._heap)
        self._arm()
