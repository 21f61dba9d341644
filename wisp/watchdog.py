"""Watchdog: logs the handler and the line that block the event loop."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from time import perf_counter
from traceback import walk_stack
from typing import TypeVar

from .clock import Clock
from .locations import place_in
from .logs import get_logger

T = TypeVar("T")

_log = get_logger("wisp.watchdog")

_INTERVAL = 0.25
"""Seconds between heartbeats of the event loop, and between checks by the watchdog's thread."""

_LIMIT = 1.0 - _INTERVAL
"""Seconds by which a beat must be late for a report, so that each block of 1 s has one.

Answers are deferred 1 s before Discord drops the interaction.
"""

_RARE_INTERVAL = 60.0
"""Seconds between heartbeats in virtual time: a block cannot be distinguished from a pause there."""

_OTHER_REASONS = ", not because of a single handler: many together, a task or raw listener, or the machine"

_FIX = (
    "Meanwhile nothing else ran, and Discord drops interactions that get no answer within 3 s. Run slow code with "
    "`await asyncio.to_thread(...)`, or use an async library (`await asyncio.sleep(...)` for `time.sleep(...)`)"
)


class Watchdog:
    """Reports blocks of the event loop: each is logged once.

    The event loop beats, and if a beat is late, a thread looks at what runs. Time is real here, whatever the clock of
    a test shows.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due = math.inf  # when the next beat should come
        self._timer: asyncio.TimerHandle | None = None
        self._samples: deque[tuple[str, str]] = deque(maxlen=100)  # each a label and a place, "" if unknown
        self._is_stopped = threading.Event()
        self._watched_thread = 0

    def start(self) -> None:
        """Watch the event loop of this thread."""
        self._watched_thread = threading.get_ident()
        self._expect_beat()
        threading.Thread(target=self._look_on, name="wisp watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._is_stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    @staticmethod
    async def watch(work: Awaitable[T], label: str) -> T:
        """Return the result of `work`. If it blocks the event loop, the report names it by `label`."""
        return await work  # `look` reads `label` from this frame

    # ---- in the event loop ----

    def _expect_beat(self) -> None:
        is_flowing = self._clock.is_flowing
        self._due = perf_counter() + _INTERVAL if is_flowing else math.inf
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL if is_flowing else _RARE_INTERVAL, self._beat)

    def _beat(self) -> None:
        """Log the block that ended just now, if there was one."""
        seconds, samples = perf_counter() - self._due, [*self._samples]
        self._samples.clear()
        self._expect_beat()
        if seconds < _LIMIT or not self._clock.is_flowing:
            return
        label, place = _most_of(samples)
        what = f"{label} blocked the event loop" if label else "the event loop did not run"
        _log.error("%s for %.1f s%s%s. %s", what, seconds, place, "" if label else _OTHER_REASONS, _FIX)

    # ---- in the watchdog's thread ----

    def _look_on(self) -> None:
        while not self._is_stopped.wait(_INTERVAL):
            with suppress(Exception):  # the event loop goes on meanwhile, and frames change
                self.look()

    def look(self) -> None:
        """Take note of what runs in the event loop, if its beat is late."""
        if perf_counter() <= self._due:
            return
        frame = sys._current_frames().get(self._watched_thread)  # pyright: ignore[reportPrivateUsage]
        frames = [frame for frame, _ in walk_stack(frame)] if frame else []
        watch = Watchdog.watch.__code__
        label = next((frame.f_locals["label"] for frame in frames if frame.f_code is watch), "")
        self._samples.append((label, place_in(reversed(frames))))


def _most_of(samples: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the label that most samples have, "" if there is none, and where it was last seen."""
    for label, count in Counter(label for label, _ in samples).most_common(1):
        if count * 2 > len(samples):
            return label, next(place for sampled, place in reversed(samples) if sampled == label)
    return "", ""
