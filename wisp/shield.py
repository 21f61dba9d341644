"""The shield around a bot's own code: whatever that code raises, it is handled as an error, and stops nothing else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .errors import WispError

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
