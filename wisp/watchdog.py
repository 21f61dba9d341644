"""Watchdog: logs the handler and the line that block the event loop, and explains answers that were late for it."""

from __future__ import annotations

import asyncio
import math
import re
import sys
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from time import perf_counter
from traceback import walk_stack
from typing import NamedTuple, TypeVar

from .clock import Clock, DiscordTime
from .locations import place_in
from .logs import get_logger

T = TypeVar("T")

_log = get_logger("wisp.watchdog")

_INTERVAL = 0.25
"""Seconds between two beats of the event loop, and between two looks of the watchdog's thread."""

_LIMIT = 1.0 - _INTERVAL
"""Seconds by which a beat must be late for a report, so that each block of 1 s has one.

Answers are deferred 1 s before Discord drops the interaction.
"""

_RARE_INTERVAL = 60.0
"""Seconds between two beats while time is moved: these pass at once, and a block cannot be told from a pause."""

_DEADLINE = 3.0
"""Seconds in which Discord wants an answer."""

_SKEW = 2.0
"""Seconds by which the estimate of Discord's clock may be wrong."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_INTERACTION = 10062

_CALLBACK = re.compile(r"/interactions/(\d+)/")

_OTHER_REASONS = (
    ", and no handler alone is the reason: many handlers together, a task or raw listener of the bot's own, or the "
    "machine"
)

_FIX = (
    "Meanwhile nothing else ran, and Discord drops interactions that get no answer within 3 s. Run slow code with "
    "`await asyncio.to_thread(...)`, or use an async library (`await asyncio.sleep(...)` for `time.sleep(...)`)"
)


class _Block(NamedTuple):
    began: float  # in seconds of Clock.monotonic
    ended: float
    description: str


class Watchdog:
    """Reports blocks of the event loop: each is logged once.

    The event loop beats, and if a beat is late, a thread looks at what runs. Time is real here, whatever the clock of
    a test shows.
    """

    def __init__(self, clock: Clock, discord_time: DiscordTime) -> None:
        self._clock = clock
        self._discord_time = discord_time
        self._due = math.inf  # when the next beat should come
        self._timer: asyncio.TimerHandle | None = None
        self._samples: deque[tuple[str, str]] = deque(maxlen=100)  # each a label and a place, "" if unknown
        self._blocks: deque[_Block] = deque(maxlen=20)
        self._explained: deque[int] = deque(maxlen=1000)  # ids of interactions
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

    def explain(self, error: BaseException) -> str | None:
        """Return why an answer came too late, if `error` says so and a block is the reason; else None.

        Returns "" if that was explained for the same interaction before.
        """
        self._report()
        id = next(filter(None, map(_expired_interaction, _causes(error))), None)
        if id is None:
            return None
        made = self._discord_time.made(id)
        for block in reversed(self._blocks):
            if block.began - _DEADLINE - _SKEW <= made <= block.ended + _SKEW:
                if id in self._explained:
                    return ""
                self._explained.append(id)
                return f"the answer came too late, since {block.description}"
        return None

    # ---- in the event loop ----

    def _expect_beat(self) -> None:
        is_flowing = self._clock.is_flowing
        self._due = perf_counter() + _INTERVAL if is_flowing else math.inf
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL if is_flowing else _RARE_INTERVAL, self._beat)

    def _beat(self) -> None:
        with suppress(Exception):  # a logging handler that raises must not end the beats
            self._report()
        self._expect_beat()

    def _report(self) -> None:
        """Log the block that ended just now, if there was one."""
        now, samples = perf_counter(), [*self._samples]
        self._samples.clear()
        seconds = now - self._due
        if seconds < _LIMIT or not self._clock.is_flowing:
            return
        self._due = now + _INTERVAL
        ended = self._clock.monotonic()
        label, place = _most_of(samples)
        what = f"{label} blocked the event loop" if label else "the event loop did not run"
        self._blocks.append(_Block(ended - seconds - _INTERVAL, ended, f"{what} for {seconds:.1f} s"))
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


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, and the errors that it came from."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        yield at
        at = at.__cause__ or at.__context__


def _expired_interaction(error: BaseException) -> int | None:
    """Return the id of the interaction that Discord no longer answers, if that is the error."""
    found = _CALLBACK.search(str(getattr(error, "url", "")))
    return int(found[1]) if found and getattr(error, "code", None) == _UNKNOWN_INTERACTION else None
