"""Tasks: how wisp runs a bot's own code, what that raises, and which handlers run now."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .errors import WispError
from .locations import place

if TYPE_CHECKING:
    from .owner import Owner

T = TypeVar("T")

EXITS = (SystemExit, KeyboardInterrupt)
"""What ends the program, once it has been answered and logged."""


class Exit(Exception):
    """`error` is a SystemExit or KeyboardInterrupt: a task that raised it as it is would end the event loop at once."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(repr(error))
        self.error: BaseException = error


async def shielded(
    call: Callable[[], Awaitable[object]],
    failed: Callable[[BaseException], Awaitable[object]],
    *,
    is_ending: Callable[[], bool],
) -> bool:
    """Call code of the bot, and `failed(error)` if it raises anything; whether it did not.

    A cancellation is raised if `is_ending()`, of this task or of one that it awaits. At any other time it is one that
    the code met in its own work, or asked for itself, and an error like any other.
    """
    task = asyncio.current_task()
    try:
        refuse_coroutine(await call())
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and is_ending():
            raise
        if isinstance(error, GeneratorExit) and not _is_running(task):
            raise  # the task is thrown away, and nothing can be awaited in it
        await failed(error)
        return False
    return True


async def contained(work: Awaitable[T]) -> T:
    """The result of code of the bot that runs in a task of its own: an exit is raised as `Exit`."""
    try:
        result = await work
    except EXITS as error:
        raise Exit(error) from error
    refuse_coroutine(result)
    return result


def is_cancelled(error: BaseException) -> bool:
    """Whether `error` is the cancellation of the current task, and not of something that it awaited."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def _is_running(task: asyncio.Task[object] | None) -> bool:
    try:
        return asyncio.current_task() is task
    except RuntimeError:  # no event loop runs
        return False


def refuse_coroutine(result: object) -> None:
    """Raise WispError if code of the bot returned a coroutine that it should have awaited."""
    if inspect.iscoroutine(result):
        result.close()  # the error says what is wrong: Python need not warn that it was never awaited
        raise WispError(f"It returned a coroutine, which nothing awaits. Write `await {result.__qualname__}(...)`.")


def described(error: BaseException) -> str:
    """An error as its type and its text, whatever its text is."""
    text = text_of(error)
    return type(error).__name__ if not text else f"{type(error).__name__}: {text}"


def text_of(error: BaseException) -> str:
    """The text of an error as it can be written anywhere; "" if it cannot be read."""
    try:
        return str(error).encode(errors="replace").decode()
    except BaseException:
        return ""


LAST_WORDS = 1.0
"""Seconds that a cancelled task gets to end. After that it is left behind."""


left_behind: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
"""The tasks that ignored their cancellation."""


class Overdue(TimeoutError):
    """Raised by `within` when its time is over: "took more than 10 s (bot.py:12, in farewell)"."""


handler_here: ContextVar[Callable[[], asyncio.Task[Any] | None] | None] = ContextVar("wisp handler", default=None)
"""A reference to the handler that runs here, or that started the task which runs here."""


class Work:
    """The handlers that run now: whoever enters is one of them until it leaves.

    `tasks` are all of them with whose they are (None until that is known), `waiting` those that wait for a person.
    """

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[Any], Owner | None] = {}
        self.waiting: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Task[Any] | None = None
        self._is_waiting_over = False
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def __enter__(self) -> None:
        self._enter(current_task(), None)

    def __exit__(self, *_: object) -> None:
        self.leave(current_task())

    def _enter(self, task: asyncio.Task[Any], owner: Owner | None) -> None:
        self.tasks[task] = owner
        if self._handler() is None:
            set_handler(task)

    def leave(self, task: asyncio.Task[Any]) -> None:
        """What this task was doing has ended."""
        self.tasks.pop(task, None)
        if self._watchers:
            self._tell()

    @contextmanager
    def of(self, owner: Owner) -> Generator[None]:
        """Inside, the task that runs now is a handler of this bot or module."""
        task = current_task()
        self._enter(task, owner)
        try:
            yield
        finally:
            self.leave(task)

    def done_by(self, owner: Owner) -> set[asyncio.Task[Any]]:
        """The handlers of a bot or module that run now."""
        return {task for task, whose in self.tasks.items() if whose is owner}

    async def done(self) -> None:
        """Wait until none runs, but those that wait for a person."""
        await self._until(lambda: not self.tasks.keys() - self.waiting)

    async def ended(self, tasks: Collection[asyncio.Task[Any]]) -> None:
        """Wait until none of these tasks is a handler that runs."""
        await self._until(lambda: not self.tasks.keys() & tasks)

    # ---- handlers that wait for a person ----

    @contextmanager
    def waits_for_a_person(self) -> Generator[None]:
        """Inside, the handler that runs now is not waited for: nobody knows whether the person will do anything."""
        task = current_task()
        self.waiting.add(task)
        if self._is_waiting_over:
            task.cancel()
        self._tell()
        try:
            yield
        finally:
            self.waiting.discard(task)

    def end_waiting(self) -> set[asyncio.Task[Any]]:
        """Cancel the handlers that wait for a person, and from now on each that begins to; those that waited."""
        self._is_waiting_over = True
        waiting = set(self.waiting)
        for task in waiting:
            task.cancel()
        return waiting

    # ---- handlers that close the bot ----

    def is_within_handler(self) -> bool:
        """Return whether the current task was started by a handler that still runs, or by the closing of the bot."""
        handler = self._handler()
        return handler is not None and handler is not asyncio.current_task()

    @contextmanager
    def apart(self) -> Generator[None]:
        """Inside, the current task does not count as a handler: it waits for the others to end."""
        task = current_task()
        is_handler, owner = task in self.tasks, self.tasks.get(task)
        self.leave(task)
        try:
            yield
        finally:
            if is_handler:
                self.tasks[task] = owner

    @contextmanager
    def closing(self) -> Generator[None]:
        """Inside, the current task closes the bot, and waits for each task that it starts."""
        task = self._closing = current_task()
        set_handler(task)
        try:
            yield
        finally:
            self._closing = None

    def _handler(self) -> asyncio.Task[Any] | None:
        """Return the handler, or the closing, that the current task runs or was started by; None if that has ended."""
        reference = handler_here.get()
        handler = None if reference is None else reference()
        return handler if handler is not None and (handler in self.tasks or handler is self._closing) else None

    # ---- waiting for handlers ----

    async def _until(self, is_met: Callable[[], bool]) -> None:
        while not is_met():
            watcher = asyncio.get_running_loop().create_future()
            self._watchers.append((is_met, watcher))
            await watcher

    def _tell(self) -> None:
        waiting = [(is_met, watcher) for is_met, watcher in self._watchers if not watcher.done()]
        self._watchers.clear()
        for is_met, watcher in waiting:
            if is_met():
                watcher.set_result(None)
            else:
                self._watchers.append((is_met, watcher))


def set_handler(task: asyncio.Task[Any]) -> None:
    """Note in the current context that it is the one of this handler."""
    handler_here.set(weakref.ref(task))  # a context that held its own task would be freed late


async def end(
    tasks: Iterable[asyncio.Task[Any]], *, after: float = 0.0, last_words: float | None = None
) -> set[asyncio.Task[Any]]:
    """Cancel those of these tasks that still run in `after` seconds, and return those that ignore it.

    They get `last_words` seconds (1 by default) from their cancellation on. Those that have ignored one before are
    cancelled at once, and not waited for.
    """
    tasks = set(tasks)
    deaf = tasks.intersection(left_behind)
    late = await _unfinished(tasks - deaf, after)
    for task in late | deaf:
        task.cancel()
    left_behind.update(await _unfinished(late, LAST_WORDS if last_words is None else last_words))
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


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Return what `work` returns, awaited in a task of its own.

    Raises Overdue after `seconds`: the task is cancelled then, and left behind if it ignores that. What `work`
    raises is raised here, SystemExit too, which would end the event loop at once if a task raised it.
    """

    async def outcome() -> tuple[T, None] | tuple[None, BaseException]:
        try:
            return await work, None
        except BaseException as error:
            return None, error

    task = asyncio.create_task(outcome())
    try:
        late = await _unfinished({task}, seconds)
    except asyncio.CancelledError:
        await end({task})
        raise
    if late:
        where = place(task)
        await end({task})
        raise Overdue(f"took more than {seconds:.3g} s{where}")
    result, error = task.result()
    if error is not None:
        raise error
    return cast(T, result)


def named(names: Iterable[str]) -> str:
    """What runs, in words and in order, each name once."""
    return ", ".join(
        name if count == 1 else f"{name} ({count} times)" for name, count in sorted(Counter(names).items())
    )


def current_task() -> asyncio.Task[Any]:
    """The task that runs now."""
    task = asyncio.current_task()
    assert task is not None
    return task
