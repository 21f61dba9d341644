"""The time that everything in wisp asks: real time plus an offset that a test can move."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def moment(now: float, seconds: float) -> str:
    """The time of day in `seconds` from `now` (since the epoch), and how long that is: "14:05 UTC (in 10 minutes)"."""
    unit, length = next((one for one in (("second", 1), ("minute", 60)) if seconds <= 100 * one[1]), ("hour", 3600))
    count = math.ceil(seconds / length)
    at = time.strftime("%H:%M UTC", time.gmtime(now + seconds))
    return f"{at} (in {count} {unit}{'' if count == 1 else 's'})"


class Timer:
    """A call that is due at `deadline` (seconds of `Clock.monotonic`), until `cancel()`.

    In real time it is made `late` seconds after that.
    """

    __slots__ = ("_callback", "_clock", "_handle", "deadline")

    def __init__(self, clock: Clock, deadline: float, callback: Callable[[], object], late: float = 0.0) -> None:
        self._clock = clock
        self._callback = callback
        self.deadline: float = deadline
        loop = asyncio.get_running_loop()
        self._handle = loop.call_at(loop.time() + deadline - clock.monotonic() + late, self.fire)

    def cancel(self) -> None:
        """Forget the call. Does nothing where it was made or cancelled already."""
        self._handle.cancel()
        self._clock.timers.discard(self)

    def fire(self) -> None:
        """Make the call now, once."""
        self.cancel()
        self._callback()


class Clock:
    """Real time plus an offset. Cooldowns, time-outs, jobs and deferrals of one bot share one clock."""

    __slots__ = ("offset", "timers")

    def __init__(self) -> None:
        self.offset: float = 0.0
        self.timers: set[Timer] = set()

    def time(self) -> float:
        """Seconds since the Unix epoch: for what is shown, stored or sent."""
        return time.time() + self.offset

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that no correction of the system's clock moves: for durations."""
        return time.monotonic() + self.offset

    def call_later(self, delay: float, callback: Callable[[], object], *, late: float = 0.0) -> Timer:
        """Call `callback` in `delay` seconds (at once, on the next turn of the loop, where that is not positive).

        In real time it comes `late` seconds after that, unless it is due at once: for who deals with all that is due by
        then in one go.
        """
        timer = Timer(self, self.monotonic() + delay, callback, late if delay > 0 else 0.0)
        self.timers.add(timer)
        return timer

    async def sleep(self, seconds: float) -> None:
        """Sleep by this clock: `advance` wakes the sleeper in its turn."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: woken.done() or woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    async def advance(self, seconds: float, settle: Callable[[], Awaitable[object]]) -> None:
        """Move the time forward, firing what falls due in order, with `settle()` after each.

        `settle` lets what a timer started come to rest before the next one fires. Raises ValueError for
        a negative number: time that went back would fire nothing and confuse everything.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"advance() moves time forward: expected seconds >= 0, got {seconds!r}")
        target = self.monotonic() + seconds
        await settle()
        while due := [timer for timer in self.timers if timer.deadline <= target]:
            timer = min(due, key=lambda due_timer: due_timer.deadline)
            self.offset += max(0.0, timer.deadline - self.monotonic())
            timer.fire()
            await settle()
        self.offset += max(0.0, target - self.monotonic())

    async def wait_for(self, awaitable: Awaitable[T], seconds: float) -> T:
        """The result of `awaitable`; after `seconds` by this clock it is cancelled and TimeoutError raised."""
        task = asyncio.ensure_future(awaitable)
        over = asyncio.get_running_loop().create_future()

        def end(_: object = None) -> None:
            if not over.done():
                over.set_result(None)

        task.add_done_callback(end)
        timer = self.call_later(seconds, end)
        try:
            await over
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            timer.cancel()
        if not task.done():
            # not waited for: what refuses to be cancelled must not hold up who was promised a time
            task.cancel()
            raise TimeoutError
        return task.result()
