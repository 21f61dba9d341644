"""The timeline: calls functions at their times, in order, with one timer."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from ..clock import Clock

SLICE = 50
"""The most functions that are called in one turn of the event loop, so that everything else runs in between."""

SLACK = 1e-5
"""Seconds that a function may be called early: a float as large as a date is not more precise."""


class Timer:
    """A function that is to be called once. `callback` is None when it was called or cancelled."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback


class Timeline:
    """Timers in order of their times, which are what `now` returns then. None fires before `start`."""

    def __init__(self, clock: Clock, now: Callable[[], float]) -> None:
        self.now: Callable[[], float] = now
        self._clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()  # those of one time fire in the order in which they were added
        self._handle: asyncio.TimerHandle | None = None
        self._is_running = False

    def start(self) -> None:
        """Let timers fire from now on."""
        self._is_running = True
        self.rearm()

    def stop(self) -> None:
        """Stop firing timers."""
        self._is_running = False
        self._heap.clear()
        self.rearm()

    def add(self, time: float, callback: Callable[[], object]) -> Timer:
        """Call a function at a time, at once if that has passed."""
        timer = Timer(callback)
        heapq.heappush(self._heap, (time, next(self._numbers), timer))
        if self._heap[0][2] is timer:
            self.rearm()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Do not call the function of a timer. Does nothing if it was called or cancelled."""
        timer.callback = None
        if self._heap and self._heap[0][2] is timer:
            self.rearm()

    def rearm(self) -> None:
        """Wait for the first timer, by what `now` returns at this moment."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        while self._heap and self._heap[0][2].callback is None:
            heapq.heappop(self._heap)
        if self._is_running and self._heap:
            self._handle = self._clock.call_later(self._heap[0][0] - self.now(), self._fire)

    def _fire(self) -> None:
        latest = self.now() + SLACK
        for _ in range(SLICE):
            if not self._heap or self._heap[0][0] > latest:
                break
            timer = heapq.heappop(self._heap)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self.rearm()
