"""Watchdog: logs the handler and the line that block the event loop."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from time import perf_counter
from traceback import walk_stack
from typing import TypeVar

from .locations import place_in
from .logs import get_logger

T = TypeVar("T")

_log = get_logger("wisp.watchdog")

_INTERVAL = 0.25
"""Seconds between looks at the event loop."""

_LIMIT = 1.0 - _INTERVAL
"""Seconds without a reply after which a block is logged, so that each block of 1 s is.

Answers are deferred 1 s before Discord drops the interaction.
"""

_OTHER_REASONS = ", not because of a single handler: many together, a task or raw listener, or the machine"

_FIX = (
    "Meanwhile nothing else ran, and Discord drops interactions that get no answer within 3 s. Run slow code with "
    "`await asyncio.to_thread(...)`, or use an async library (`await asyncio.sleep(...)` for `time.sleep(...)`)"
)


class Watchdog:
    """Reports blocks of the event loop: each is logged once.

    A thread asks the event loop for a reply, and looks at what runs there as long as none comes. Time is real here,
    whatever the clock of the bot shows.
    """

    def __init__(self) -> None:
        self._asked: float | None = None  # when, None while no reply is due
        self._samples: deque[tuple[str, str]] = deque(maxlen=100)  # each a label and a place, "" if unknown
        self._is_stopped = threading.Event()

    def start(self) -> None:
        """Watch the event loop of this thread."""
        self._loop = asyncio.get_running_loop()
        self._watched_thread = threading.get_ident()
        threading.Thread(target=self._look_on, name="wisp watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._is_stopped.set()

    @staticmethod
    async def watch(work: Awaitable[T], label: str) -> T:
        """Return the result of `work`. If it blocks the event loop, the report names it by `label`."""
        return await work  # `look` reads `label` from this frame

    # ---- in the watchdog's thread ----

    def _look_on(self) -> None:
        while not self._is_stopped.wait(_INTERVAL):
            with suppress(Exception):  # the event loop goes on meanwhile, frames change, and at last it closes
                self.look()

    def look(self) -> None:
        """Ask the event loop for a reply, or take note of what runs there instead of it."""
        if self._asked is None:
            self._asked = perf_counter()
            self._loop.call_soon_threadsafe(self._reply)
            return
        frame = sys._current_frames().get(self._watched_thread)  # pyright: ignore[reportPrivateUsage]
        frames = [frame for frame, _ in walk_stack(frame)] if frame else []
        watch = Watchdog.watch.__code__
        label = next((frame.f_locals["label"] for frame in frames if frame.f_code is watch), "")
        self._samples.append((label, place_in(reversed(frames))))

    # ---- in the event loop ----

    def _reply(self) -> None:
        """Log the block that ended just now, if there was one."""
        assert self._asked is not None
        seconds, samples = perf_counter() - self._asked, [*self._samples]
        self._samples.clear()
        self._asked = None
        if seconds < _LIMIT:
            return
        label, place = _most_of(samples)
        what = f"{label} blocked the event loop" if label else "the event loop did not run"
        _log.error("%s for %.1f s%s%s. %s", what, seconds, place, "" if label else _OTHER_REASONS, _FIX)


def _most_of(samples: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the label that most samples have, "" if there is none, and where it was last seen."""
    for label, count in Counter(label for label, _ in samples).most_common(1):
        if count * 2 > len(samples):
            return label, next(place for sampled, place in reversed(samples) if sampled == label)
    return "", ""
