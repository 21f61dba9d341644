"""Tasks: running the bot's own code safely, knowing which handlers run, and ending them in time."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from .errors import WispError
from .locations import place
from .owner import Owner

T = TypeVar("T")

CANCEL_TIMEOUT = 1.0
"""Seconds that a cancelled task has to end. After that it is abandoned."""

EXITS = (SystemExit, KeyboardInterrupt)
"""The exceptions that exit the program, once the interaction is answered and the error logged."""

left_behind: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
"""The abandoned tasks: they ignored their cancellation."""


# ---- errors of the bot's code ----


class Exit(Exception):
    """`error` is a SystemExit or KeyboardInterrupt. A task that raised it directly would end the event loop at once."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(repr(error))
        self.error: BaseException = error


async def contained(work: Awaitable[T]) -> T:
    """Return the result of code of the bot that runs in a task of its own. An exit is raised as `Exit`."""
    try:
        result = await work
    except EXITS as error:
        raise Exit(error) from error
    refuse_coroutine(result)
    return result


def must_raise(error: BaseException, task: asyncio.Task[Any] | None, *, is_ending: bool) -> bool:
    """Return whether an error that code of the bot raised in `task` must be raised again, and not handled.

    These are the cancellation of a task by its end (`is_ending`), and GeneratorExit in a task that is thrown away, in
    which nothing can be awaited. A cancellation at another time is an error like any other: the code ran into one in
    its own work.
    """
    if isinstance(error, asyncio.CancelledError):
        return is_ending
    try:
        return isinstance(error, GeneratorExit) and asyncio.current_task() is not task
    except RuntimeError:  # no event loop runs
        return True


def is_cancelled(error: BaseException) -> bool:
    """Return whether `error` is the cancellation of the current task, and not of something that it awaited."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def refuse_coroutine(result: object) -> None:
    """Raise WispError if code of the bot returned a coroutine that it should have awaited."""
    if inspect.iscoroutine(result):
        result.close()  # the error says what is wrong: Python need not warn that it was never awaited
        raise WispError(f"It returned a coroutine, which nothing awaits. Write `await {result.__qualname__}(...)`.")


def described(error: BaseException) -> str:
    """Return an error as its type and its text."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def text_of(error: BaseException) -> str:
    """Return the text of an error as encodable text, "" if it cannot be read."""
    try:
        return str(error).encode(errors="replace").decode()
    except BaseException:
        return ""


# ---- the handlers that run ----


handler_here: ContextVar[Callable[[], asyncio.Task[Any] | None] | None] = ContextVar("wisp handler", default=None)
"""A weak reference to the handler that runs in this context, or that started the task of this context."""


class TaskTracker:
    """The tasks in which handlers of the bot run now.

    `running` maps each to its bot or module, None until that is known. `waiting` are those that wait for a user.
    """

    def __init__(self) -> None:
        self.running: dict[asyncio.Task[Any], Owner | None] = {}
        self.waiting: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Task[Any] | None = None
        self._is_waiting_over = False
        self._change: asyncio.Future[None] | None = None

    @contextmanager
    def track(self, owner: Owner | None = None) -> Generator[asyncio.Task[Any]]:
        """Count the current task as a handler inside of the block."""
        task = current_task()
        self.add(task, owner)
        try:
            yield task
        finally:
            self.remove(task)

    def add(self, task: asyncio.Task[Any], owner: Owner | None) -> None:
        """Count the current task, in its own context, as a handler of a bot or module."""
        self.running[task] = owner
        if self._handler() is None:
            set_handler(task)

    def remove(self, task: asyncio.Task[Any]) -> None:
        """Count a task as a handler no longer. Does nothing if it is not one."""
        self.running.pop(task, None)
        if self._change is not None:
            self._change.set_result(None)
            self._change = None

    def tasks_of(self, owner: Owner) -> set[asyncio.Task[Any]]:
        """Return the handlers of a bot or module that run now."""
        return {task for task, its_owner in self.running.items() if its_owner is owner}

    async def wait_for(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Wait until none of these tasks is a handler that runs."""
        while self.running.keys() & tasks:
            if self._change is None:
                self._change = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._change)

    # ---- handlers that wait for a user ----

    @contextmanager
    def waiting_for_user(self) -> Generator[None]:
        """Count the current task as waiting for a user inside of the block: the close of the bot cancels it at once."""
        task = current_task()
        self.waiting.add(task)
        if self._is_waiting_over:
            task.cancel()
        try:
            yield
        finally:
            self.waiting.discard(task)

    def end_waiting(self) -> set[asyncio.Task[Any]]:
        """Cancel and return the handlers that wait for a user. From now on, each that begins to wait is cancelled."""
        self._is_waiting_over = True
        waiting = set(self.waiting)
        for task in waiting:
            task.cancel()
        return waiting

    # ---- handlers that close the bot ----

    def is_within_handler(self) -> bool:
        """Return whether the current task was started by a handler that still runs, or by the close of the bot."""
        handler = self._handler()
        return handler is not None and handler is not asyncio.current_task()

    @contextmanager
    def apart(self) -> Generator[None]:
        """Do not count the current task as a handler inside of the block, in which it waits for the others to end."""
        task = current_task()
        is_handler, owner = task in self.running, self.running.get(task)
        self.remove(task)
        try:
            yield
        finally:
            if is_handler:
                self.running[task] = owner

    @contextmanager
    def closing(self) -> Generator[None]:
        """Count the current task as the close of the bot, which waits for each task that it starts."""
        task = self._closing = current_task()
        set_handler(task)
        try:
            yield
        finally:
            self._closing = None

    def _handler(self) -> asyncio.Task[Any] | None:
        """Return the handler, or the close, that the current task runs or was started by; None if that has ended."""
        reference = handler_here.get()
        handler = None if reference is None else reference()
        return handler if handler is not None and (handler in self.running or handler is self._closing) else None


def set_handler(task: asyncio.Task[Any]) -> None:
    """Note in the current context that it is the one of this handler."""
    handler_here.set(weakref.ref(task))  # a context that held its own task would be freed late


# ---- ending tasks ----


async def end(
    tasks: Iterable[asyncio.Task[Any]], *, after: float = 0.0, cancel_timeout: float | None = None
) -> set[asyncio.Task[Any]]:
    """Cancel those of these tasks that still run in `after` seconds, and return those that ignore it.

    They have `cancel_timeout` seconds (1 by default) from their cancellation on. Those that have ignored one before are
    cancelled at once, and not waited for.
    """
    tasks = set(tasks)
    abandoned = tasks.intersection(left_behind)
    late = await _unfinished(tasks - abandoned, after)
    for task in late | abandoned:
        task.cancel()
    left_behind.update(await _unfinished(late, CANCEL_TIMEOUT if cancel_timeout is None else cancel_timeout))
    return {task for task in tasks.intersection(left_behind) if not task.done()}


async def to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Await `work` in a task of its own. If the current task is cancelled meanwhile, that is raised after its end."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


async def _unfinished(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> set[asyncio.Task[Any]]:
    """Wait up to `seconds`, and return the tasks that still run."""
    running = {task for task in tasks if not task.done()}
    if running and seconds > 0:
        _, running = await asyncio.wait(running, timeout=seconds)
    return running


class Overdue(TimeoutError):
    """Raised by `within` when its time is over: "took more than 10 s (bot.py:12, in farewell)"."""


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Return what `work` returns, awaited in a task of its own.

    Raises Overdue after `seconds`: the task is cancelled then, and abandoned if it ignores that. What `work` raises is
    raised here, also SystemExit, which would end the event loop at once if a task raised it.
    """

    task = asyncio.create_task(contained(work))
    try:
        late = await _unfinished({task}, seconds)
    except asyncio.CancelledError:
        await end({task})
        raise
    if late:
        where = place(task)
        await end({task})
        raise Overdue(f"took more than {seconds:.3g} s{where}")
    try:
        return task.result()
    except Exit as exit:
        raise exit.error from None


# ---- small things ----


def named(names: Iterable[str]) -> str:
    """Return names in order, each once, with how often it occurs."""
    return ", ".join(
        name if count == 1 else f"{name} ({count} times)" for name, count in sorted(Counter(names).items())
    )


def current_task() -> asyncio.Task[Any]:
    """Return the task that runs now."""
    task = asyncio.current_task()
    assert task is not None
    return task
