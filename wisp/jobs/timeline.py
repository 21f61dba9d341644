"""The timeline: calls functions at their times, in order, with one timer of the event loop."""

from __future__ import annotations

import asyncio
import bisect
import itertools
from collections.abc import Callable
from typing import NamedTuple

from ..clock import Clock

SLICE = 50
"""The most functions that are called in one turn of the event loop, so that everything else runs in between."""

SLACK = 1e-5
"""Seconds that a function may be called early: a float as large as a date is not more precise."""


class Timer(NamedTuple):
    """A function that is to be called once. Those of one time are called in the order of their numbers."""

    time: float
    number: int
    callback: Callable[[], object]


class Timeline:
    """Timers in order of their times, which are what `now` returns then. None fires before `start`."""

    def __init__(self, clock: Clock, now: Callable[[], float]) -> None:
        self.now: Callable[[], float] = now
        self._clock = clock
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self.is_running: bool = False

    def start(self) -> None:
        """Let timers fire from now on."""
        self.is_running = True
        self.rearm()

    def stop(self) -> None:
        """Stop firing timers."""
        self.is_running = False
        self._timers.clear()
        self.rearm()

    def add(self, time: float, callback: Callable[[], object]) -> Timer:
        """Call a function at a time, at once if that has passed."""
        timer = Timer(time, next(self._numbers), callback)
        bisect.insort(self._timers, timer)
        if self._timers[0] is timer:
            self.rearm()
        return timer

    def cancel(self, timer: Timer) -> None:
        """Do not call the function of a timer. Does nothing if it was called or cancelled."""
        index = bisect.bisect_left(self._timers, timer)
        if self._timers[index : index + 1] == [timer]:
            del self._timers[index]
            if index == 0:
                self.rearm()

    def rearm(self) -> None:
        """Wait for the first timer, by what `now` returns at this moment."""
        if self._handle is not None:
            self._handle.cancel()
        if self.is_running and self._timers:
            self._handle = self._clock.call_later(self._timers[0].time - self.now(), self._fire)

    def _fire(self) -> None:
        latest = self.now() + SLACK
        for _ in range(SLICE):
            if not self._timers or self._timers[0].time > latest:
                break
            self._timers.pop(0).callback()
        self.rearm()
