"""Clocks: real time with an offset, and Discord's time; and durations as users type them."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")

# https://discord.com/developers/docs/interactions/receiving-and-responding#responding-to-an-interaction
_DEADLINE = 3.0

# https://discord.com/developers/docs/reference#snowflakes
_DISCORD_EPOCH = 1_420_070_400.0

_AGREED = 0.75
"""Seconds by which a correct clock can differ from what was learned of Discord's."""

_DRIFT = 0.001
"""Seconds by which two clocks may drift apart per second, with a wide margin."""


def moment(now: float, seconds: float) -> str:
    """Return the time of day `seconds` after `now`, which is since the epoch: "14:05 UTC (in 10 minutes)"."""
    unit, length = next((one for one in (("second", 1), ("minute", 60)) if seconds <= 100 * one[1]), ("hour", 3600))
    count = math.ceil(seconds / length)
    at = time.strftime("%H:%M UTC", time.gmtime(now + seconds))
    return f"{at} (in {count} {unit}{'' if count == 1 else 's'})"


class Clock:
    """Real time plus an `offset` in seconds. Cooldowns, timeouts, jobs and deferrals of one bot share one clock."""

    __slots__ = ("offset", "source")

    is_virtual: bool = False
    """Whether a test or a local Discord controls the event loop's time."""

    is_flowing: bool = True
    """Whether time passes by itself. While a test or a user moves it, it stands still as long as anything runs."""

    def __init__(self, source: Callable[[], float] = time.monotonic) -> None:
        self.offset: float = 0.0
        self.source: Callable[[], float] = source  # of `monotonic()`, without the offset

    def time(self) -> float:
        """Return the seconds since the Unix epoch: for times that are shown, stored or sent."""
        return time.time() + self.offset

    def monotonic(self) -> float:
        """Return the seconds from an arbitrary start, which no change of the system's clock moves: for durations."""
        return self.source() + self.offset

    def zero(self) -> float:
        """Return the seconds since the Unix epoch at which `monotonic()` is 0."""
        return self.time() - self.monotonic()

    def call_later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call `callback` in `delay` seconds, or in the next iteration of the event loop if that is not positive."""
        return asyncio.get_running_loop().call_later(max(delay, 0.0), callback)

    async def wait_for(self, awaitable: Awaitable[T], seconds: float) -> T:
        """Return the result of `awaitable`. After `seconds`, cancel it and raise TimeoutError.

        Unlike `asyncio.wait_for`, do not wait until a task that ignores its cancellation has ended.
        """
        task = asyncio.ensure_future(awaitable)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            raise TimeoutError
        return task.result()


class DiscordTime:
    """Discord's clock, also if the system's clock is wrong.

    An id holds the time at which Discord made it. The least difference between that and its arrival, by a monotonic
    clock, belongs to an interaction that came without delay.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._difference = math.inf  # monotonic minus Discord's time
        self._measured = 0.0

    def now(self) -> float:
        """Return Discord's time in seconds since the epoch: the system's time, which is finer, if it agrees."""
        time, learned = self._clock.time(), self._clock.monotonic() - self._difference
        return time if math.isinf(learned) or abs(time - learned) < _AGREED else learned

    def responded(self, date: int) -> None:
        """Learn from the date of a response that arrives now, in whole seconds since the epoch."""
        time, middle = self._clock.time(), date + 0.5
        # the system's clock is finer, if it agrees
        self.observe(time if abs(time - middle) < _AGREED else middle, self._clock.monotonic())

    def arrived(self, id: int) -> float:
        """Learn from an id that arrives now; return how many seconds ago Discord made it."""
        return self.observe((id >> 22) / 1000 + _DISCORD_EPOCH, self._clock.monotonic())

    def observe(self, time: float, now: float) -> float:
        """Compare Discord's `time`, since the epoch, with its arrival `now`; return the seconds between them."""
        difference = now - time
        self._difference = min(self._difference + (now - self._measured) * _DRIFT, difference)
        self._measured = now
        if difference - self._difference > _DEADLINE:  # too late for any answer, or a clock was set
            self._difference = difference
        return difference - self._difference


LONGEST = timedelta(days=100 * 366)
"""The longest delay of a job, about a hundred years: today plus this is still a date."""

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}

_UNIT = "w|weeks?|d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?"
_PART = re.compile(rf"\s*([0-9]+(?:\.[0-9]+)?)\s*({_UNIT})(?![a-z])\s*(?:,|and\b)?", re.IGNORECASE | re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Return the duration of a str such as "1h 30m", None if it is not one. Each unit may come once, in any order.

    A duration that does not fit into a timedelta becomes the longest timedelta.
    """
    found = _PART.findall(text)
    parts = {_UNITS[unit[0].lower()]: float(number) for number, unit in found}
    if not found or len(parts) < len(found) or _PART.sub("", text).strip():
        return None
    try:
        return timedelta(**parts)
    except OverflowError:
        return timedelta.max


def duration_in_words(duration: timedelta) -> str:
    """Return a duration as users type it: "1h30m", "0s"."""
    sign, duration = ("-", -duration) if duration < timedelta() else ("", duration)
    minutes, seconds = divmod(duration.seconds, 60)
    exact = f"{seconds}.{duration.microseconds:06}".rstrip("0").rstrip(".")
    parts = ((duration.days, "d"), (minutes // 60, "h"), (minutes % 60, "m"), (exact if float(exact) else 0, "s"))
    return sign + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0s")
