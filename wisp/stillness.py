"""Whether a bot is at rest: each of its handlers has ended, or waits for the clock, a person or another that rests.

It looks at what tasks wait for, which asyncio keeps to itself: `_fut_waiter`, `_callbacks` and `_children`.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import site
import sys
import sysconfig
from asyncio import locks, queues, tasks
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, FunctionType, MethodType, TracebackType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .clock import Clock

AnyTask = asyncio.Task[Any]
T = TypeVar("T")

LIBRARIES = ("aiohttp", "aiosqlite", "hikari", "lightbulb")
"""Packages whose own tasks are no work of a handler: what that needs of them, it waits for."""

_SIGNALS = (locks.__name__, queues.__name__)
_BELOW = (*LIBRARIES, "wisp.services")
_WAITS = ("hikari.impl.event_manager_base",)  # wait_for and streams, in listeners that are not wisp's
_INSTALLED = {*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), *site.getsitepackages()}
_OURS = str(Path(__file__).parent)


class WatchedClock(Clock):
    """A clock that knows which tasks wait for it: they are at rest until the time moves."""

    __slots__ = ("_changes", "waiting")

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[AnyTask] = set()
        self._changes: list[asyncio.Future[None]] = []

    def changed(self) -> asyncio.Future[None]:
        """Done when the next task begins to wait."""
        change = asyncio.get_running_loop().create_future()
        self._changes.append(change)
        return change

    async def sleep(self, seconds: float) -> None:
        """Sleep, at rest for the test."""
        with self._as_waiting():
            await super().sleep(seconds)

    async def wait_for(self, awaitable: Any, seconds: float) -> Any:
        """Wait, at rest for the test; what runs meanwhile, where `awaitable` is a coroutine, is looked at itself."""
        with self._as_waiting():
            return await super().wait_for(awaitable, seconds)

    @contextmanager
    def _as_waiting(self) -> Generator[None]:
        task = asyncio.current_task()
        assert task is not None
        self.waiting.add(task)
        for change in self._changes:
            if not change.done():
                change.set_result(None)
        self._changes.clear()
        try:
            yield
        finally:
            self.waiting.discard(task)


class Stillness:
    """What a bot's handlers and their children do now, on one event loop.

    `handlers()` are the tasks of its handlers, `others()` those of listeners that are not wisp's, and `resting()`
    those among all tasks that wait for the clock or a person. Inside `with`, tasks that a handler starts count as
    its work: for as long as it runs whatever they do, and afterwards until they wait for real time or for each other.
    """

    def __init__(
        self,
        handlers: Callable[[], set[AnyTask]],
        others: Callable[[], set[AnyTask]],
        resting: Callable[[], set[AnyTask]],
    ) -> None:
        self._handlers = handlers
        self._others = others
        self._resting = resting
        self._roots: WeakKeyDictionary[AnyTask, AnyTask] = WeakKeyDictionary()  # of children: whose work they are
        self._loop: asyncio.AbstractEventLoop | None = None
        self._factory_before: Any = None

    def __enter__(self) -> Stillness:
        self._loop = asyncio.get_running_loop()
        self._factory_before = self._loop.get_task_factory()
        self._loop.set_task_factory(self._make_task)
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._loop.get_task_factory() == self._make_task:
            self._loop.set_task_factory(self._factory_before)

    def busy(self) -> dict[AnyTask, AnyTask]:
        """What is not at rest: each task with the handler that it works for."""
        handlers, others, resting = self._handlers(), self._others(), self._resting()
        family = {child: root for child, root in self._roots.items() if not child.done()}
        family |= {task: task for task in handlers | others}
        background = {task for task, root in family.items() if task in others - handlers or root.done()}
        completing = _completing(family)
        locked_in = _locked_in(family)
        held: set[AnyTask] = set()  # wait for a lock, an event, a queue: somebody else's doing

        def rests(task: AnyTask, seen: frozenset[object]) -> bool:
            if task in resting:
                return True
            if task in locked_in:
                return False
            awaited = _awaited(task)
            if awaited is None:
                return False
            if behind := _behind(awaited, completing):
                return all(_rests_behind(one, seen | {task}, rests) for one in behind)
            frames = frames_of(task)
            if not frames:
                return False
            asker = next((frame for frame in reversed(frames) if not _is_in(frame, ("asyncio",))), frames[0])
            if _is_in(frames[-1], _SIGNALS) and not _is_in(asker, _BELOW):
                held.add(task)
                return True
            return task in background and (frames[-1].f_code is tasks.sleep.__code__ or _is_in(asker, _WAITS))

        busy = {task: root for task, root in family.items() if not rests(task, frozenset())}
        if held - background and not resting & family.keys():  # and nobody is there who would ever wake them
            busy |= {task: family[task] for task in held - background if task in family}
        return busy

    def _make_task(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> AnyTask:
        parent = asyncio.current_task(loop)
        make = self._factory_before or _plain_task
        task = make(loop, coro, **options)
        if parent is None or task.done():
            return task
        root = self._roots.get(parent, parent)
        if (parent in self._roots or parent in self._handlers() or parent in self._others()) and not _by_library():
            self._roots[task] = root
        return task


def _plain_task(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
    return asyncio.Task(coro, loop=loop, **options)


def _by_library() -> bool:
    """Whether the task that is being made is made by one of the libraries below, for its own purposes."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and _is_in(frame, ("asyncio",)):
        frame = frame.f_back
    return frame is not None and _is_in(frame, LIBRARIES)


def _awaited(task: Any) -> Any:
    """The future that a task waits for; None where it runs, or is about to."""
    future = task._fut_waiter
    return None if future is None or future.done() else future


def _rests_behind(one: Any, seen: frozenset[object], rests: Callable[[AnyTask, frozenset[object]], bool]) -> bool:
    if one in seen:  # they wait for each other
        return True
    if not hasattr(one, "_children"):
        return rests(one, seen)
    inner = [future for future in one._children if not future.done()]
    return bool(inner) and all(_rests_behind(future, seen | {one}, rests) for future in inner)


def _behind(awaited: Any, completing: Mapping[int, Sequence[AnyTask]]) -> Sequence[Any]:
    """The tasks (and gathered futures) that complete what is awaited; none where something else does."""
    if isinstance(awaited, asyncio.Task) or hasattr(awaited, "_children"):
        return [awaited]
    return completing.get(id(awaited), ())


def _completing(tasks: Iterable[Any]) -> dict[int, list[AnyTask]]:
    """Which tasks complete a future when they end, by the future's id."""
    found: dict[int, list[AnyTask]] = {}
    for task in tasks:
        for callback, _ in task._callbacks or ():
            for held in _held(callback):
                if asyncio.isfuture(held):
                    found.setdefault(id(held), []).append(task)
    return found


def _held(callback: Any) -> Iterator[Any]:
    """What a callback of `asyncio.wait`, `wait_for`, `shield` or a TaskGroup holds: the future that it completes."""
    if isinstance(callback, functools.partial):
        yield from callback.args
        yield from _held(callback.func)
    elif isinstance(callback, MethodType):
        yield from getattr(callback.__self__, "__dict__", {}).values()
    elif isinstance(callback, FunctionType):
        for cell in callback.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not filled yet
                continue


def _locked_in(family: Iterable[AnyTask]) -> set[AnyTask]:
    """The tasks that wait for a lock whose holder waits, for a lock too and so on, for a lock of theirs: for ever."""
    wanted = {task: lock for task in family if (lock := _wanted(task)) is not None}
    if not wanted:
        return set()
    holders = {id(lock): task for task in family for lock in _held_by(task, wanted.get(task))}
    locked: set[AnyTask] = set()
    for task in wanted:
        chain = [task]
        while (lock := wanted.get(chain[-1])) is not None and (holder := holders.get(id(lock))) is not None:
            if holder in chain:
                locked |= {*chain}
                break
            chain.append(holder)
    return locked


def _wanted(task: AnyTask) -> asyncio.Lock | None:
    """The lock that a task waits for."""
    frames = frames_of(task)
    waits = bool(frames) and frames[-1].f_code is asyncio.Lock.acquire.__code__ and _awaited(task) is not None
    return frames[-1].f_locals["self"] if waits else None


def _held_by(task: AnyTask, wanted: asyncio.Lock | None) -> list[asyncio.Lock]:
    """The locks that a task is inside `async with` of: its coroutines keep the way out, of the `wanted` one too."""
    found: list[asyncio.Lock] = []
    for coroutine in _coroutines(task):
        kept = gc.get_referents(coroutine)
        for one in kept:
            if getattr(one, "__func__", one) is asyncio.Lock.__aexit__:
                near = [one.__self__] if isinstance(one, MethodType) else kept
                found += [lock for lock in near if isinstance(lock, asyncio.Lock)]
    if wanted in found:
        found.remove(wanted)
    return found


def _coroutines(task: AnyTask) -> list[Any]:
    """The coroutines (and other awaitables) that a task is in, outermost first."""
    found: list[Any] = []
    at: Any = task.get_coro()
    while at is not None:
        found.append(at)
        at = next((getattr(at, name) for name in ("cr_await", "gi_yieldfrom", "ag_await") if hasattr(at, name)), None)
    return found


def frames_of(task: AnyTask) -> list[FrameType]:
    """The frames of the coroutines that a task is in, outermost first."""
    found: list[FrameType] = []
    for at in _coroutines(task):
        frame = next((getattr(at, name) for name in ("cr_frame", "gi_frame", "ag_frame") if hasattr(at, name)), None)
        if frame is not None:
            found.append(frame)
    return found


def _is_in(frame: FrameType, packages: Iterable[str]) -> bool:
    """Whether a frame is of one of these packages or modules."""
    module = f"{frame.f_globals.get('__name__', '')}."
    return module.startswith(tuple(f"{package}." for package in packages))


def place(task: AnyTask) -> str:
    """Where in the bot's code a task waits, as " (bot.py:12, in greet)"; "" where it is in none of it."""
    return place_in(frames_of(task))


def place_in(frames: Iterable[FrameType]) -> str:
    """The innermost of these frames, outermost first, that is the bot's code, in words as `place` gives them."""
    where = ""
    for frame in frames:
        file = frame.f_code.co_filename
        if _is_of_bot(file):
            where = f" ({os.path.relpath(file)}:{frame.f_lineno}, in {frame.f_code.co_name})"
    return where


def in_bot(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback from the first line of the bot's own code on; all of it where there is none."""
    begin = traceback
    while begin is not None and not _is_of_bot(begin.tb_frame.f_code.co_filename):
        begin = begin.tb_next
    return begin or traceback


def _is_of_bot(file: str) -> bool:
    return not file.startswith((_OURS, *_INSTALLED))
