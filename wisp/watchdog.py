"""Blocking: which handler kept the event loop from running, for how long, and which answers came too late for it."""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from time import perf_counter
from types import CoroutineType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast

from .clock import Clock
from .locations import place_of, short_path
from .logs import get_logger

if TYPE_CHECKING:
    from .deferral import DiscordTime

T = TypeVar("T")

_log = get_logger("wisp.watchdog")

_LIMIT = 1.0
"""Seconds from which a block is reported. Answers are deferred 1 s before Discord drops the interaction."""

_INTERVAL = 0.5
"""Seconds between two checks whether the event loop runs."""

_RARE_INTERVAL = 60.0
"""Seconds between two checks while the clock is moved: these pass at once, and a block cannot be told from a pause."""

_DEADLINE = 3.0
"""Seconds in which Discord wants an answer."""

_SKEW = 2.0
"""Seconds by which what is known of Discord's clock may be wrong."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_INTERACTION = 10062

_CALLBACK = re.compile(r"/interactions/(\d+)/")
_NOT_OF_BOT = (os.path.dirname(__file__) + os.sep, os.path.dirname(os.__file__) + os.sep)

_WAY_OUT = (
    "Meanwhile nothing else ran, and Discord drops interactions that get no answer within 3 s. Call what takes long "
    "with `await asyncio.to_thread(...)`, or use an async library (`await asyncio.sleep(...)` for `time.sleep(...)`)"
)


class Source(Protocol):
    """What can block: a handler, a listener, a job."""

    @property
    def label(self) -> str:
        """What logs call it."""
        ...

    @property
    def file(self) -> str | None:
        """Where it is defined."""
        ...

    @property
    def line(self) -> int | None:
        """Where it is defined, from 1."""
        ...


class Function:
    """A function of the bot that is no handler by itself, such as an error handler, or (None) one that is not known."""

    __slots__ = ("_function", "label")

    def __init__(self, label: str, function: Callable[..., Any] | None = None) -> None:
        self.label: str = label
        self._function = function

    @property
    def file(self) -> str | None:
        """Where it is defined."""
        return None if self._function is None else place_of(self._function)[0]

    @property
    def line(self) -> int | None:
        """Where it is defined."""
        return None if self._function is None else place_of(self._function)[1]


class _Block(NamedTuple):
    began: float  # in seconds of Clock.monotonic
    ended: float
    what: str


class Blocking:
    """The blocks of the event loop in one session. Each is logged once, with what blocked, for how long and where.

    `limit` is the seconds from which a block counts. Time is real here, whatever the clock of a test shows.
    """

    def __init__(self, clock: Clock, discord_time: DiscordTime) -> None:
        self.limit: float = _LIMIT
        self._clock = clock
        self._discord_time = discord_time
        self._blocks: deque[_Block] = deque(maxlen=20)
        self._dropped: deque[int] = deque(maxlen=1000)  # interactions that are known to be too late
        self._noted = 0.0  # when the last block ended
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Check from now on whether the event loop runs."""
        is_flowing = self._clock.is_flowing
        self._due = perf_counter() + _INTERVAL if is_flowing else math.inf
        self._timer = asyncio.get_running_loop().call_later(_INTERVAL if is_flowing else _RARE_INTERVAL, self._check)

    def stop(self) -> None:
        """Check no more."""
        if self._timer is not None:
            self._timer.cancel()

    def watch(self, work: Awaitable[T], source: Source) -> Awaitable[T]:
        """Return `work` as something to be awaited in its place: it measures how long each of its steps takes."""
        if type(work) is CoroutineType:
            return Watched(self, source).during(cast("CoroutineType[Any, Any, T]", work))
        return work

    def watcher(self, source: Source) -> Watched:
        """Return what watches a coroutine that runs one source after the other, this one first."""
        return Watched(self, source)

    def note(self, source: Source, began: float, at: str | None) -> None:
        """Log that a step of `source`, begun at `began`, blocked. It waits in line `at` now, unless it has ended."""
        if self._noted > began:
            return  # something inside it did, which is named
        place = f" ({source.file}:{source.line})" if source.file else ""
        before = f", before it waited at {at}" if at else ""
        seconds = self._block(began, f"{source.label} blocked the event loop")
        _log.error("%s%s blocked the event loop for %.1f s%s. %s", source.label, place, seconds, before, _WAY_OUT)

    def _check(self) -> None:
        due = self._due
        self.start()
        if self._clock.is_flowing and perf_counter() - due >= self.limit and self._noted < due:
            seconds = self._block(due, "the event loop did not run")
            _log.error(
                "the event loop did not run for %.1f s, and no handler alone is the reason: many handlers together, a "
                "task or raw listener of the bot's own, or the machine. %s",
                seconds,
                _WAY_OUT,
            )

    def _block(self, began: float, what: str) -> float:
        """Remember a block that ends now; its seconds."""
        self._noted = perf_counter()
        seconds, now = self._noted - began, self._clock.monotonic()
        self._blocks.append(_Block(now - seconds, now, f"{what} for {seconds:.1f} s"))
        return seconds

    def explain(self, error: BaseException) -> str | None:
        """Return why an answer came too late, if `error` says that it did and a block is the reason; else None.

        Returns "" if that was told of the same interaction before.
        """
        id = next(filter(None, map(_too_late, _causes(error))), None)
        if id is None:
            return None
        made = self._discord_time.made(id)
        for block in reversed(self._blocks):
            if block.began - _DEADLINE - _SKEW <= made <= block.ended + _SKEW:
                if id in self._dropped:
                    return ""
                self._dropped.append(id)
                return f"the answer came too late, since {block.what}"
        return None


class Watched:
    """A coroutine that is awaited through this object, which measures the time of each step.

    `cr_await` is the coroutine, by the name under which a coroutine has what it awaits.
    """

    __slots__ = ("_began", "_blocking", "_source", "cr_await")

    def __init__(self, blocking: Blocking, source: Source) -> None:
        self._blocking = blocking
        self._source = source

    def during(self, coroutine: CoroutineType[Any, Any, T]) -> Awaitable[T]:
        """Return this object, to be awaited in the place of the coroutine."""
        self.cr_await: CoroutineType[Any, Any, Any] = coroutine
        return cast("Awaitable[T]", self)

    def go_on_with(self, source: Source) -> None:
        """Begin to measure anew, inside of a step, since what follows is of another source."""
        now = perf_counter()
        if now - self._began >= self._blocking.limit:
            self._note()
        self._source = source
        self._began = now

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        self._began = perf_counter()
        try:
            return self.cr_await.send(None)
        finally:
            if perf_counter() - self._began >= self._blocking.limit:
                self._note()

    def send(self, value: None) -> Any:
        """Continue. asyncio sends None alone."""
        return self.__next__()

    def throw(self, *error: Any) -> Any:
        """Continue with an error."""
        self._began = perf_counter()
        try:
            return self.cr_await.throw(*error)
        finally:
            if perf_counter() - self._began >= self._blocking.limit:
                self._note()

    def close(self) -> None:
        """Close the coroutine."""
        self.cr_await.close()

    def _note(self) -> None:
        with suppress(Exception):  # a logging handler that raises must not end the handler that is watched
            self._blocking.note(self._source, self._began, _line_of_bot(self.cr_await))


def _line_of_bot(coroutine: Any) -> str | None:
    """Return the innermost line of the bot's code in which a coroutine waits; None if it has ended."""
    found: str | None = None
    at = coroutine
    while at is not None:
        frame: FrameType | None = getattr(at, "cr_frame", None)
        if frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith(_NOT_OF_BOT) and "site-packages" not in file:
                found = f"{short_path(file)}:{frame.f_lineno}"
        at = getattr(at, "cr_await", None)
    return found


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came from."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        yield at
        at = at.__cause__ or at.__context__


def _too_late(error: BaseException) -> int | None:
    """Return the id of the interaction that Discord answers no more, if that is the error."""
    found = _CALLBACK.search(str(getattr(error, "url", "")))
    return int(found[1]) if found and getattr(error, "code", None) == _UNKNOWN_INTERACTION else None
