"""Run an event loop as a program: stop on signals, and end the process even if threads or tasks do not end."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Coroutine, Generator, Iterable
from contextlib import contextmanager
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
    After the first signal the default actions are restored, and the kernel ends the process at the second. While code
    blocks in C, no handler runs: then a thread, which reads the numbers of all signals, ends the process. A signal
    that the process ignores, such as SIGHUP under nohup, stays ignored.
    """
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()
    if threading.current_thread() is not threading.main_thread():  # elsewhere Python sets no signal handlers
        yield first
        return
    process = os.getpid()
    replaced = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    numbers = {number for number, handler in replaced.items() if handler is not signal.SIG_IGN}
    receiver, sender = socket.socketpair()
    sender.setblocking(False)

    def note(number: int) -> None:
        if not first.done():
            first.set_result(number)

    def on_signal(number: int, _: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_DFL)
        if os.getpid() == process:
            loop.call_soon_threadsafe(note, number)
        else:  # in a forked child, only the default action is left
            os.kill(os.getpid(), number)

    def watch() -> None:
        came = 0
        with receiver:
            while seen := receiver.recv(16):
                came += sum(number in numbers for number in seen)
                if came > 1:
                    os._exit(128 + seen[-1])  # as a shell reports a program that the signal ended

    with sender:
        threading.Thread(target=watch, name="wisp signals", daemon=True).start()
        previous = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))  # else the thread counts its signals
        for number in numbers:
            signal.signal(number, on_signal)
        try:
            yield first
        finally:
            for number in numbers:
                if signal.getsignal(number) is on_signal:
                    signal.signal(number, replaced[number] or signal.SIG_DFL)
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
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    except KeyboardInterrupt:
        code = INTERRUPTED
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
    for task in stuck:
        name = getattr(task.get_coro(), "__qualname__", task.get_name())
        _log.error("abandoned, since it ignores cancellation: %s%s", name, place(task))
    await end({asyncio.create_task(loop.shutdown_asyncgens())}, after=CANCEL_TIMEOUT)
    return left & set(left_behind)


# ---- the end of the process ----


def _finish(
    has_tasks: bool, workers: Collection[_Worker], others: Collection[threading.Thread], deadline: float, code: int
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
    """Return the names of threads and processes, and the line of the bot's code at which a thread is."""
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
    names: list[str] = []
    for worker in workers:
        frame = frames.get(worker.ident or 0)
        stack = [one for one, _ in traceback.walk_stack(frame)] if frame else []
        names.append(f"{worker.name}{place_in(reversed(stack))}")
    return ", ".join(names)
