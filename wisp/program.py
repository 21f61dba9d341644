"""A program around an event loop: the signals that stop it, and its end, whatever still runs then."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Generator, Iterable
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from .logs import get_logger
from .work import LAST_WORDS, end, left_behind

T = TypeVar("T")

_log = get_logger("wisp")

STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP

_GLANCE = 0.02
"""Seconds between two looks at the threads of the process, at its end."""

INTERRUPTED = 130
"""What a shell reports for a program that SIGINT (2) ended: 128 + 2."""


# ---- signals ----


@contextmanager
def stop_signals() -> Generator[asyncio.Future[int]]:
    """Yield a future of the number of the first stop signal. The next signal ends the process at once.

    The handlers are Python's own and not the event loop's: they run while a handler of the bot blocks the loop, too.
    A signal that the process ignores, such as SIGHUP under nohup, stays ignored.
    """
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()
    replaced: dict[int, Any] = {}
    process = os.getpid()

    def note(number: int) -> None:
        if not first.done():
            first.set_result(number)

    def on_signal(number: int, _: FrameType | None) -> None:
        while replaced:
            signal.signal(replaced.popitem()[0], signal.SIG_DFL)
        if os.getpid() == process:
            loop.call_soon_threadsafe(note, number)
        else:  # a child that was forked, which nothing stops but its signals
            os.kill(os.getpid(), number)

    if threading.current_thread() is threading.main_thread():  # Python has signal handlers there alone
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                replaced[number] = signal.signal(number, on_signal)
    try:
        yield first
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler or signal.SIG_DFL)


# ---- the run of a program ----


def run(main: Coroutine[Any, Any, T], grace_left: Callable[[], float] = lambda: 0.0) -> T:
    """Run a coroutine in an event loop of its own, as `asyncio.run` does, but let nothing hold up the end.

    Tasks and threads that it leaves get as many more seconds as `grace_left` says then, and at least one. The process
    ends without those that still run, once the main thread has ended; the log names them.
    """
    known = {*threading.enumerate()}
    loop = asyncio.new_event_loop()
    code = 1
    try:
        asyncio.set_event_loop(loop)
        result = _complete(loop, main)
        code = result if isinstance(result, int) else 0
        return result
    except BaseException as error:
        code = _exit_code(error)
        raise
    finally:
        end_of_grace = time.monotonic() + max(grace_left(), LAST_WORDS)
        try:
            tasks = loop.run_until_complete(_end_tasks(loop, end_of_grace))
        finally:
            asyncio.set_event_loop(None)
            loop.close()
        threads = [thread for thread in threading.enumerate() if not thread.daemon and thread not in known]
        if tasks or threads:
            _Ending(tasks, threads, known - {threading.main_thread()}, end_of_grace, code).start()


def _complete(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T]) -> T:
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    finally:
        if not task.done():  # SystemExit in another task ends the event loop at once
            task.cancel()
            loop.run_until_complete(asyncio.wait({task}))


async def _end_tasks(loop: asyncio.AbstractEventLoop, end_of_grace: float) -> set[asyncio.Task[Any]]:
    """Cancel the tasks that still run, and return those that ignore it."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    deaf = await end(left - set(left_behind), last_words=end_of_grace - time.monotonic())
    for task in left:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            loop.call_exception_handler({"message": "a task failed when it was cancelled", "exception": error})
    if deaf:
        _log.error("left behind, since it ignores its cancellation: %s", ", ".join(map(_in_words, deaf)))
    await end({asyncio.create_task(loop.shutdown_asyncgens())}, after=LAST_WORDS)
    return left & set(left_behind)


def _in_words(task: asyncio.Task[Any]) -> str:
    from .stillness import place

    coroutine = task.get_coro()
    return f"{getattr(coroutine, '__qualname__', coroutine)}{place(task)}"


def _exit_code(error: BaseException) -> int:
    """Return the exit code of a program that such an error ends."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


# ---- the end of the process ----


class _Ending(threading.Thread):
    """Ends the process with an exit code when the main thread has ended, but tasks or threads of a run have not.

    Python waits for threads without a limit, and it destroys tasks that are left by an exception in their code, which
    may go on for ever as well. `others` are the threads of the user's program: it ends with those.
    """

    def __init__(
        self,
        tasks: set[asyncio.Task[Any]],
        threads: list[threading.Thread],
        others: set[threading.Thread],
        end_of_grace: float,
        code: int,
    ) -> None:
        super().__init__(name="wisp end", daemon=False)
        self._tasks = tasks
        self._threads = threads
        self._others = others
        self._end_of_grace = end_of_grace
        self._code = code

    def run(self) -> None:
        """Wait for the end of the main thread, then for the threads, and end the process if it would go on."""
        while not _is_exiting():
            time.sleep(_GLANCE)
        began = time.monotonic()
        while time.monotonic() < max(self._end_of_grace, began + LAST_WORDS) and _alive(self._threads):
            time.sleep(_GLANCE)
        while _alive(self._others):
            time.sleep(_GLANCE)
        left = _alive(self._threads)
        if self._tasks or left:
            farewell = threading.Thread(target=_take_leave, args=[left], daemon=True)  # it may wait for a lock, too
            farewell.start()
            farewell.join(LAST_WORDS)
            os._exit(self._code)


def _alive(threads: Iterable[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threads if thread.is_alive() and not thread.daemon]


def _is_exiting() -> bool:
    """Return whether the main thread has ended, and the interpreter waits for the others."""
    frames = _frames_of(threading.main_thread())
    return bool(frames) and frames[0].f_globals["__name__"] == threading.__name__


def _take_leave(threads: Collection[threading.Thread]) -> None:
    """Name the threads that are left, and do what the interpreter would do at its end."""
    from .stillness import place_in

    if threads:
        names = ", ".join(f"{thread.name}{place_in(_frames_of(thread))}" for thread in threads)
        _log.error("the process ends without the threads that still run: %s", names)
    if "multiprocessing" in sys.modules:
        for child in sys.modules["multiprocessing"].active_children():
            child.terminate()
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()


def _frames_of(thread: threading.Thread) -> list[FrameType]:
    """Return the frames of a thread, outermost first."""
    frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage]
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]
