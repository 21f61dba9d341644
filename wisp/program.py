"""Run an event loop as a program: stop on signals, and end the process even if threads or tasks do not end."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .locations import place, place_in
from .logs import get_logger
from .tasks import CANCEL_TIMEOUT, EXITS, end, left_behind

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

T = TypeVar("T")
W = TypeVar("W", bound="_Worker")

_Worker: TypeAlias = "threading.Thread | BaseProcess"

_log = get_logger("wisp")

STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP

INTERRUPTED = 130
"""The exit code that a shell reports for a program that SIGINT (2) ended: 128 + 2."""


# ---- signals ----


@contextmanager
def stop_signals() -> Generator[asyncio.Future[int]]:
    """Yield a future of the number of the first stop signal. The second signal ends the process at once.

    The signal handlers are Python's, not the event loop's, so that they also run while code of the bot blocks the loop.
    They do not run while that code blocks in C; then a thread ends the process at the second signal. A signal that the
    process ignores, such as SIGHUP under nohup, stays ignored.
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
        else:  # in a forked child, only the default action is left
            os.kill(os.getpid(), number)

    if threading.current_thread() is threading.main_thread():  # elsewhere Python sets no signal handlers
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                replaced[number] = signal.signal(number, on_signal)
    try:
        with _exit_at_the_second(replaced) if replaced else nullcontext():
            yield first
    finally:
        for number, handler in replaced.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def _exit_at_the_second(handlers: Mapping[int, object]) -> Generator[None]:
    """End the process if two of these signals arrive in the block before Python has run a handler.

    A handler empties `handlers` and restores the default actions, so that the kernel ends the process at the second.
    """
    numbers = {*handlers}
    receiver, sender = socket.socketpair()
    sender.setblocking(False)

    def watch() -> None:
        came = 0
        with receiver:
            while seen := receiver.recv(16):
                came += sum(number in numbers for number in seen)
                if came > 1:
                    time.sleep(CANCEL_TIMEOUT)
                    if handlers:
                        os._exit(128 + seen[-1])  # as a shell reports a program that the signal ended

    with sender:
        threading.Thread(target=watch, name="wisp signals", daemon=True).start()
        previous = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)


# ---- the run of a program ----


def run(
    main: Coroutine[Any, Any, T],
    shutdown_left: Callable[[], float] = lambda: 0.0,
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> T:
    """Run a coroutine in a new event loop, as `asyncio.run` does, and end the process even if tasks or threads do not.

    Tasks and threads that the coroutine leaves get `shutdown_left()` more seconds, and at least one.
    The process ends without those that still run once the main thread has ended; the log names them.
    """
    known = {*threading.enumerate()}
    loop = loop_factory()
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
        deadline = time.monotonic() + max(shutdown_left(), CANCEL_TIMEOUT)
        try:
            tasks = loop.run_until_complete(_end_tasks(loop, deadline))
        finally:
            asyncio.set_event_loop(None)
            loop.close()
        threads = [thread for thread in _alive(threading.enumerate()) if thread is not threading.main_thread()]
        left = [*(thread for thread in threads if thread not in known), *_processes()]
        if tasks or threads or left:
            finish = partial(_finish, bool(tasks), left, known.intersection(threads), deadline, code)
            # concurrent.futures does this, too; `atexit` calls its functions after all threads have ended
            threading._register_atexit(finish)  # type: ignore[attr-defined]


def _complete(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T]) -> T:
    """Return the result of `main`. If another task raises an exit, cancel `main`, and raise the exit after its end."""
    task = loop.create_task(main)
    first: BaseException | None = None
    while not task.done():
        try:
            loop.run_until_complete(task if first is None else asyncio.wait({task}))
        except EXITS as error:  # it stops the event loop at once
            if first is None and not task.done():
                first = error
                task.cancel()
    if first is not None:
        raise first
    return task.result()


async def _end_tasks(loop: asyncio.AbstractEventLoop, deadline: float) -> set[asyncio.Task[Any]]:
    """Cancel the tasks that still run, and return those that ignore it."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    stuck = await end(left - set(left_behind), cancel_timeout=deadline - time.monotonic())
    for task in left:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            loop.call_exception_handler({"message": "a task failed when it was cancelled", "exception": error})
    if stuck:
        _log.error("abandoned, since it ignores cancellation: %s", ", ".join(map(_in_words, stuck)))
    await end({asyncio.create_task(loop.shutdown_asyncgens())}, after=CANCEL_TIMEOUT)
    return left & set(left_behind)


def _in_words(task: asyncio.Task[Any]) -> str:
    name = task.get_name()
    if re.fullmatch(r"Task-\d+", name):  # asyncio's default
        name = getattr(task.get_coro(), "__qualname__", name)
    return f"{name}{place(task)}"


def _exit_code(error: BaseException) -> int:
    """Return the exit code of a program that ends with this error."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


# ---- the end of the process ----


def _finish(
    has_tasks: bool, workers: Sequence[_Worker], others: Collection[threading.Thread], deadline: float, code: int
) -> None:
    """Wait for the threads and processes that a run left when the program ends, and end the process if some remain.

    Python would wait for them without a limit, and destroy tasks by raising an exception in their code, which may not
    end either. `others` are the threads from before the run: the process waits for those.
    """
    deadline = max(deadline, time.monotonic() + CANCEL_TIMEOUT)
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    if others := _alive(others):
        _log.warning("the process waits for threads that it had before the bot ran: %s", _named(others))
    for thread in others:
        thread.join()
    left = _alive(workers)
    if has_tasks or left:
        finalizer = threading.Thread(target=_run_exit_functions, args=[left], daemon=True)  # it may block on a lock
        finalizer.start()
        finalizer.join(CANCEL_TIMEOUT)
        os._exit(code)


def _alive(workers: Iterable[W]) -> list[W]:
    """Return those that still run and that the interpreter waits for when it exits."""
    return [worker for worker in workers if worker.is_alive() and not worker.daemon]


def _processes() -> list[BaseProcess]:
    """Return the processes that `multiprocessing` has started."""
    return sys.modules["multiprocessing"].active_children() if "multiprocessing" in sys.modules else []


def _run_exit_functions(workers: Collection[_Worker]) -> None:
    """Log the threads and processes that are left, and do what the interpreter does when it exits."""
    if workers:
        _log.error("the process ends without the threads and processes that still run: %s", _named(workers))
    for process in _processes():
        process.terminate()
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()


def _named(workers: Iterable[_Worker]) -> str:
    return ", ".join(
        f"{worker.name}{place_in(_frames_of(worker)) if isinstance(worker, threading.Thread) else ''}"
        for worker in workers
    )


def _frames_of(thread: threading.Thread) -> list[FrameType]:
    """Return the frames of a thread, outermost first."""
    frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage]
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]
