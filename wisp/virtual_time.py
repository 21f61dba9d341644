"""Virtual time: an event loop's clock that stands still while anything runs, and then jumps from timer to timer."""

from __future__ import annotations

import asyncio
import functools
import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context
from queue import SimpleQueue
from selectors import EVENT_READ, BaseSelector
from typing import Any, cast

import aiosqlite.core

from .clock import Clock
from .errors import WispError
from .places import line_of

_BUSY = 60.0
"""Seconds of CPU time, which other programs do not use up, in which the event loop must become idle."""

_TURNS = 32
"""Turns of the event loop between two looks at the CPU time, which takes as long as a small turn."""

_GENEROUS = 60.0
"""Seconds of real time in which threads that work for the event loop must end."""

_UNSEEN = 5.0
"""Seconds of real time that are waited for what the event loop cannot look into: threads, programs and servers."""

_KNOWN = 1.0
"""Seconds of real time that are waited for that after it has let the others pass in silence."""

_GLANCE = 0.01
"""Seconds after which it is looked whether they are still there."""

_QUIET = 0.005
"""Seconds without anything to read after which nothing is on its way, where no probe can tell (Windows)."""

_JUMPS = 10_000
"""Timers in a row after which what has no limit of its own is taken to wait for ever."""

_WORKERS = ("aiosqlite.core", "wisp.sandbox.console")
"""Modules whose threads do nothing but what the event loop asks of them."""

Condition = Callable[[], bool]
Events = Any
"""What a selector returns."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop in which time can be moved: asyncio's own, also if uvloop is installed as the default."""
    return asyncio.ProactorEventLoop() if sys.platform == "win32" else asyncio.SelectorEventLoop()


class Restless(AssertionError):
    """What runs does not come to rest, or waits for something that will not happen."""


@contextmanager
def virtual_time(*, flows: bool = False) -> Generator[VirtualTime]:
    """Own the time of the running event loop; within another such block, share that one's.

    It takes the place of the loop's selector and clock, so it works in whatever loop a test runner made, and raises
    WispError for one that is not asyncio's own, such as uvloop's.
    """
    loop: Any = asyncio.get_running_loop()
    selector = getattr(loop, "_selector", None)
    if not (isinstance(loop, asyncio.BaseEventLoop) and selector):
        raise WispError(
            f"Time cannot be moved in an event loop of {type(loop).__module__}: run this with asyncio's own, as in "
            "asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)"
        )
    virtual = selector if isinstance(selector, VirtualTime) else VirtualTime(loop, flows=flows)
    virtual.open()
    try:
        yield virtual
    finally:
        virtual.close()


class VirtualTime:
    """The time of an event loop.

    The loop is idle when no callback is ready, nothing can be read from a socket, and no thread works for it. Whoever
    awaits `until()` goes on then; if nobody can, the time jumps to the next timer. In between it stands still. So
    timers fire in order, and between two of them everything runs until the loop is idle; those of one moment fire
    together.

    If time `flows`, it is real except while somebody awaits `advance()`.
    """

    def __init__(self, loop: Any, *, flows: bool) -> None:
        self.clock: Clock = _VirtualClock(self)
        self.flows: bool = flows
        self._loop = loop
        self._selector: Any = loop._selector
        self._users = 0
        started: float = loop.time()
        # None while time flows; at first a whole number of seconds, so that rounding is the same in each run
        self._now: float | None = None if flows else float(math.ceil(started))
        self._ahead = 0.0  # of real time
        self._epoch = time.time() - self.time()
        self._waiting: dict[asyncio.Future[None], Condition] = {}
        self._targets: dict[asyncio.Future[None], float] = {}
        self._outstanding: dict[asyncio.Future[Any], str] = {}
        self._outsiders = _Outsiders()
        self._idle_at = time.process_time()
        self._turns = 0
        self._jumps = 0
        self._limited = 0  # calls of until() that end by themselves

    # ---- what a test does with it ----

    @property
    def is_flowing(self) -> bool:
        """Whether time is real at this moment."""
        return self._now is None

    def time(self) -> float:
        """Return what `loop.time()` returns, in seconds."""
        return time.monotonic() + self._ahead if self._now is None else self._now

    def since_epoch(self) -> float:
        """Return the seconds since the Unix epoch."""
        return self.time() + self._epoch

    async def until(self, is_met: Condition = lambda: True, *, within: float = math.inf) -> None:
        """Wait until the loop is idle and `is_met()`. Time passes as far as that needs it, `within` seconds at most.

        Raises Restless if that is not enough, and what `is_met()` raises.
        """
        future = self._begin(self._waiting, is_met)
        overdue = None
        if within < math.inf:
            overdue = self._loop.call_later(within, self._fail, future, f"nothing came within {within:g} s")
            self._limited += 1
        try:
            await future
        finally:
            del self._waiting[future]
            if overdue is not None:
                overdue.cancel()
                self._limited -= 1

    async def advance(self, seconds: float) -> None:
        """Let this time pass, from timer to timer. The loop is idle before and after. Raises Restless as `until()`."""
        await self.until(within=_GENEROUS if self.flows else math.inf)
        self._now = self.time()
        future = self._begin(self._targets, self._now + seconds)
        try:
            await future
        finally:
            del self._targets[future]
            if self.flows and not self._targets:
                self._ahead, self._now = self._now - time.monotonic(), None
        await self.until()

    def _begin(self, where: dict[asyncio.Future[None], Any], what: Any) -> asyncio.Future[None]:
        future = self._loop.create_future()
        where[future] = what
        self._jumps = 0
        self._outsiders.begin()
        if len(self._waiting) + len(self._targets) == 1:
            self._idle_at = time.process_time()
        return future

    # ---- the event loop ----

    def open(self) -> None:
        """Take the place of the loop's selector and clock, until as many calls of `close()`.

        Timers keep what they have left, here and there.
        """
        self._users += 1
        if self._users > 1:
            return
        ThreadPoolExecutor.submit = _submit
        aiosqlite.core.SimpleQueue = _Requests  # pyright: ignore[reportPrivateImportUsage]
        self._probe = _Probe(self._selector) if isinstance(self._selector, BaseSelector) else _Pause(self._selector)
        self._outsiders.open(self._selector, self._probe.fileno(), flows=self.flows)
        self._loop._selector = self
        self._loop.time = self.time
        self._run = self._loop.run_in_executor
        self._loop.run_in_executor = self._run_in_executor
        self._resolution, self._loop._clock_resolution = self._loop._clock_resolution, 0.0  # no timer fires early
        self._shift_timers(self.time() - time.monotonic())

    def close(self) -> None:
        """Give the loop back as it was, after the last `open()`."""
        self._users -= 1
        if self._users:
            return
        for future in (*self._waiting, *self._targets):
            future.cancel()
        self._shift_timers(time.monotonic() - self.time())
        self._loop._selector = self._selector
        self._loop._clock_resolution = self._resolution
        del self._loop.time, self._loop.run_in_executor
        self._probe.close()
        ThreadPoolExecutor.submit = _plain_submit
        _submitted.clear()

    def _shift_timers(self, seconds: float) -> None:
        for handle in self._loop._scheduled:
            handle._when += seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)

    def register(self, *args: Any) -> Any:
        """Watch a socket."""
        self._outsiders.have_changed = True
        return self._selector.register(*args)

    def unregister(self, *args: Any) -> Any:
        """Watch a socket no more."""
        self._outsiders.have_changed = True
        return self._selector.unregister(*args)

    def select(self, timeout: float | None = None) -> Events:
        """Return what can be read and written by now. The loop is idle where a selector would wait for that."""
        if self._now is None and not self._waiting:
            return self._selector.select(timeout)
        events = self._selector.select(0)
        if events or (timeout is not None and timeout <= 0):
            self._check_progress()
            if not (events or self._loop._ready or self._now is None):
                self._now = math.nextafter(self._now, math.inf)  # the loop fires what is due before this moment
            return events
        if self._outstanding:
            return self._wait_for_threads(timeout)
        if events := self._probe.flush():
            return events
        self._idle_at = time.process_time()
        if self._release():
            return ()
        if self._now is None:
            return self._selector.select(timeout)
        return self._outsiders.wait() or self._jump(self._now)

    def _release(self) -> bool:
        """Let those go on who wait for no more than this; return whether there are any."""
        are_any = False
        for future, is_met in self._waiting.items():
            try:
                if future.done() or not is_met():
                    continue
                future.set_result(None)
            except Exception as error:  # else it would end the event loop
                future.set_exception(error)
            are_any = True
        return are_any

    def _jump(self, now: float) -> Events:
        """Move the time to the next timer, or to the end of an `advance()`."""
        timers = self._loop._scheduled
        following = timers[0]._when if timers else math.inf
        target = min(self._targets.values(), default=math.inf)
        if following > target:
            self._now = max(now, target)
            for future, moment in self._targets.items():
                if moment <= self._now and not future.done():
                    future.set_result(None)
        elif following == math.inf:
            if events := self._outsiders.wait(is_last=True):
                return events
            self._give_up("nothing is left that could wake anybody")
        else:
            self._now = max(now, math.nextafter(following, math.inf))
            self._jumps += 1
            if self._jumps > _JUMPS and not self._limited and not self._targets:
                self._give_up(f"{_JUMPS} timers later nobody has what it waits for")
        return ()

    def _check_progress(self) -> None:
        self._turns += 1
        if self._turns % _TURNS == 0 and time.process_time() - self._idle_at > _BUSY:
            self._give_up(f"the event loop worked for {_BUSY:g} s and was not idle")

    def _give_up(self, reason: str) -> None:
        """Raise Restless in all that wait; if there are none, out of the event loop."""
        self._idle_at = time.process_time()
        waiting = [future for future in (*self._waiting, *self._targets) if not future.done()]
        for future in waiting:
            self._fail(future, reason)
        if not waiting:
            lines = {task: line_of(task) for task in asyncio.all_tasks(self._loop)}
            names = sorted(f"{task.get_name()}{line}" for task, line in lines.items() if line)
            raise Restless(f"{self._told(reason)}; {', '.join(names) or 'no task'} waits")

    def _fail(self, future: asyncio.Future[None], reason: str) -> None:
        if not future.done():
            future.set_exception(Restless(self._told(reason)))

    def _told(self, reason: str) -> str:
        return "; ".join([reason, *self._outsiders.names()])

    # ---- threads ----

    def note_outstanding(self, future: asyncio.Future[Any], name: str) -> None:
        """Count a thread's work that completes this future as outstanding."""
        self._outstanding[future] = name
        future.add_done_callback(self._outstanding.pop)

    def _run_in_executor(self, executor: Any, function: Callable[..., Any], *args: Any) -> Any:
        future = self._run(executor, function, *args)
        self.note_outstanding(future, f"{_name(function)} in a thread")
        return future

    def _wait_for_threads(self, timeout: float | None) -> Events:
        if self._now is None:
            return self._selector.select(timeout)
        events = self._selector.select(_GENEROUS)
        if not events:
            self._give_up(f"{', '.join(self._outstanding.values())} took more than {_GENEROUS:g} s")
        return events


class _VirtualClock(Clock):
    """The clock of virtual time."""

    __slots__ = ("_virtual",)

    is_virtual = True

    def __init__(self, virtual: VirtualTime) -> None:
        super().__init__(virtual.time)
        self._virtual = virtual

    @property
    def is_flowing(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._virtual.is_flowing

    def time(self) -> float:
        return self._virtual.since_epoch() + self.offset

    def call_later(self, delay: float, callback: Callable[[], object], *, late: float = 0.0) -> asyncio.TimerHandle:
        return super().call_later(delay, callback)


class _Probe:
    """A connection over the loopback interface. What was sent on that before a byte of it has arrived when it does."""

    def __init__(self, selector: BaseSelector) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._sender = socket.create_connection(server.getsockname())
            self._receiver, _ = server.accept()
        self._sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector = selector
        selector.register(self._receiver, EVENT_READ)

    def fileno(self) -> int:
        return self._receiver.fileno()

    def flush(self) -> Events:
        """Wait for what is on its way, and return what can be read and written then."""
        self._sender.send(b".")
        while True:
            events = self._selector.select()
            others = [(key, mask) for key, mask in events if key.fileobj is not self._receiver]
            if len(others) < len(events):
                self._receiver.recv(1)
                return others

    def close(self) -> None:
        self._selector.unregister(self._receiver)
        self._sender.close()
        self._receiver.close()


class _Pause:
    """What stands for a probe on an event loop without a selector, such as Windows' own: a short wait."""

    def __init__(self, proactor: Any) -> None:
        self._proactor = proactor

    def fileno(self) -> None: ...

    def flush(self) -> Events:
        return self._proactor.select(_QUIET)

    def close(self) -> None: ...


class _Outsiders:
    """What may wake the event loop and cannot be looked into: threads that are not its own, programs and servers.

    Before the time jumps they have a while of real time to do so; a shorter one if they let another pass in silence.
    """

    def __init__(self) -> None:
        self.have_changed = True
        self._connections: dict[object, str] = {}
        self._known: set[object] = set()
        self.begin()

    def open(self, selector: Any, probe: int | None, *, flows: bool) -> None:
        """Take the threads that run now for bystanders, and this file for the loop's own.

        If time `flows`, so are the files that are watched now, and the clients of the loop's servers: browsers.
        """
        self._selector = selector
        self._bystanders = {thread for thread in threading.enumerate() if not _is_of_pool(thread)}
        self._ignored = {probe, *(selector.get_map() if flows and isinstance(selector, BaseSelector) else ())}
        self._clients_count = not flows

    def begin(self) -> None:
        """Somebody begins to wait for something new."""
        self._silent: set[object] = set()
        self._left = _GENEROUS

    def names(self) -> list[str]:
        """Return those that let their time pass."""
        return [f"waited for {name} in vain" for one, name in self._present().items() if one in self._known]

    def wait(self, *, is_last: bool = False) -> Events:
        """Wait for them if there are any; return what can be read and written then.

        If they kept silent a moment ago they are not waited for again, unless this is the last chance.
        """
        present = {*self._present()}
        if is_last or (self._left > 0 and not present <= self._silent):
            began = time.monotonic()
            end = began + (_KNOWN if present <= self._known and not is_last else _UNSEEN)
            while present and time.monotonic() < end:
                if events := self._selector.select(_GLANCE):
                    self._left -= time.monotonic() - began
                    return events
                present &= {*self._present()}
            self._silent = self._known = present
        return self._selector.select(0)  # one that is not there any more may have said something last

    def _present(self) -> dict[object, str]:
        _submitted.difference_update([future for future in _submitted.copy() if future.done()])
        found: dict[object, str] = dict.fromkeys(_submitted.copy(), "what was submitted to a pool of threads")
        threads = [thread for thread in threading.enumerate() if thread not in self._bystanders]
        found |= {thread: f"the thread {thread.name}" for thread in threads if _is_outsider(thread)}
        if self.have_changed and isinstance(self._selector, BaseSelector):
            self.have_changed = False
            files = [file for file in self._selector.get_map() if file not in self._ignored]
            self._connections = _others(files, clients=self._clients_count)
        return found | self._connections


_submitted: set[Future[Any]] = set()
"""What pools of threads have been given while time was virtual, and have not done."""

_plain_submit = ThreadPoolExecutor.submit


@functools.wraps(_plain_submit)
def _submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    future = _plain_submit(pool, function, *args, **kwargs)
    _submitted.add(future)
    return future


class _Requests(SimpleQueue[Any]):
    """What an aiosqlite connection asks of its thread."""

    def put_nowait(self, item: Any) -> None:
        future = item[0]
        if future is not None and isinstance(selector := getattr(future.get_loop(), "_selector", None), VirtualTime):
            selector.note_outstanding(future, "a database call")
        super().put_nowait(item)


def _others(files: Iterable[Any], *, clients: bool) -> dict[object, str]:
    """Return, of what these belong to, what is not on both ends in this event loop, and the words for it.

    The `clients` of this event loop's servers are left out if that is False.
    """
    found: dict[object, str] = {}
    inside: set[object] = set()
    accepted: dict[object, int] = {}
    served: set[int] = set()
    for file in files:
        try:
            end = socket.socket(fileno=file)
        except OSError:
            found[file] = f"the file or program behind descriptor {file}"
            continue
        with suppress(OSError):  # it is closed
            name = end.getsockname()
            inside.add(name)
            if end.family in (socket.AF_INET, socket.AF_INET6) and not clients:
                if end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    served.add(name[1])
                accepted[end.getpeername()] = name[1]
            peer = end.getpeername()
            found[peer] = f"the connection to {peer}"
        end.detach()
    return {peer: name for peer, name in found.items() if peer not in inside and accepted.get(peer) not in served}


def _is_outsider(thread: threading.Thread) -> bool:
    """Return whether a thread may do something that the event loop knows nothing of, and tell it."""
    target = getattr(thread, "_target", None)
    if target is not None and _is_of_pool(thread):
        frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage]
        return frame is not None and frame.f_code is not target.__code__  # else it waits for work
    return _module(thread) not in _WORKERS


def _is_of_pool(thread: threading.Thread) -> bool:
    return _module(thread) == ThreadPoolExecutor.__module__


def _module(thread: threading.Thread) -> str:
    """Return the module of what a thread runs."""
    return getattr(getattr(thread, "_target", None), "__module__", type(thread).__module__)


def _name(worker: Any) -> str:
    """Return the name of a function, also of one that `asyncio.to_thread` was given."""
    if isinstance(worker, functools.partial):
        inner = cast("functools.partial[Any]", worker)
        is_context = isinstance(getattr(inner.func, "__self__", None), Context)
        return _name(inner.args[0] if is_context and inner.args else inner.func)
    return getattr(worker, "__qualname__", repr(worker))
