"""External work: threads, programs and servers that an event loop cannot look into, and that may wake it."""

from __future__ import annotations

import functools
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from selectors import BaseSelector
from typing import Any, NamedTuple, cast

_log = logging.getLogger(__name__)

WORK_TIMEOUT = 60.0
"""Seconds of real time to wait for work: executor calls, threads, programs, and responses of servers."""

_BACKGROUND_TIMEOUT = 5.0
"""Seconds of real time to wait for daemon threads and other connections, which may have no work."""

_RETRY_TIMEOUT = 1.0
"""Seconds of real time to wait for external work that has timed out before."""

_POLL_INTERVAL = 0.01
"""Seconds of real time between two checks of what is pending."""

_DATA_SEGS_OUT = 156
"""The offset of `tcpi_data_segs_out` in Linux's `struct tcp_info` (include/uapi/linux/tcp.h)."""

_WORKERS = ("aiosqlite.core", "wisp.sandbox.terminal.console", "wisp.watchdog")
"""Modules whose threads only do what the event loop asks of them."""

_POOLS = ("concurrent.futures.process", "anyio.")
"""Modules whose threads wait for work, though they are not daemons."""

Events = Any
"""The result of a selector: which files are ready."""


class ExternalWork:
    """The threads, programs and servers that may wake an event loop.

    Virtual time waits for them, in real time, before it jumps: up to their timeout, or a second if they have timed out
    before.

    A server to which data was sent since its last response has work. A server that has responded may not be finished,
    so it gets the timeout of background work; after that it is waited for again only once data was sent. Only on Linux,
    and for TCP, is it known whether data was sent.
    """

    def __init__(self) -> None:
        self.files_have_changed: bool = True
        self._connections: dict[int, _Connection] = {}
        self._files: list[int] = []
        self._timed_out: set[object] = set()
        self._logged: set[str] = set()
        self.begin()

    def open(self, selector: Any, own: Collection[int | None], *, flows: bool) -> None:
        """Ignore the threads that run now, and the event loop's `own` files.

        If time `flows`, ignore the files that the selector watches now too, and clients of the loop's servers, which
        are browsers then.
        """
        self._selector = selector
        self._bystanders = {thread for thread in threading.enumerate() if not _is_of_pool(thread)}
        self._ignored = {*own, *(selector.get_map() if flows and isinstance(selector, BaseSelector) else ())}
        self._clients_count = not flows

    def begin(self) -> None:
        """Wait for all of them again, because a caller waits for something new."""
        self._given_up: set[object] = set()
        self._left = WORK_TIMEOUT

    def names(self) -> list[str]:
        """Return the names of those that have timed out."""
        return [name for one, (name, _) in self.pending().items() if one in self._timed_out]

    def select(self, timeout: float | None = None) -> Events:
        """Return the files that are ready after `timeout` at most, and note which servers have responded."""
        events = self._selector.select(timeout)
        if self._connections:
            for key, _ in events:
                if connection := self._connections.get(key.fd):
                    connection.note_received()
        return events

    def wait(self, *, is_last: bool = False) -> Events:
        """Wait until a file is ready or all have timed out, and return the files that are ready.

        Those that have just timed out are not waited for again, unless `is_last`.
        """
        began = time.monotonic()
        while (pending := self.pending()) and (is_last or not pending.keys() <= self._given_up):
            timeout = max(self._timeout(one, timeout, is_last) for one, (_, timeout) in pending.items())
            if time.monotonic() - began >= min(timeout, self._left):
                self.give_up_on(pending)
                break
            if events := self.select(_POLL_INTERVAL):
                self._left -= time.monotonic() - began
                return events
        return self.select(0)  # data may have arrived just before one of them ended

    def give_up_on(self, late: Mapping[Any, tuple[str, float]]) -> None:
        """Stop waiting for these, and log each name once."""
        for one, (name, timeout) in late.items():
            if one not in self._timed_out and name not in self._logged:
                _log.warning("waited %g s of real time for %s: the bot's time continues without it", timeout, name)
                self._logged.add(name)
            if isinstance(one, _State) and timeout == WORK_TIMEOUT:
                one.connection.is_unresponsive = True
        self._given_up = {*late}
        self._timed_out |= self._given_up

    def _timeout(self, one: object, timeout: float, is_last: bool) -> float:
        if is_last:
            return timeout
        has_timed_out = one in self._timed_out
        if isinstance(one, _State) and one.sent is not None:
            if has_timed_out:
                return 0.0  # no data was sent since
            has_timed_out = one.connection.is_unresponsive
        return min(timeout, _RETRY_TIMEOUT) if has_timed_out else timeout

    def pending(self) -> dict[object, tuple[str, float]]:
        """Return the pending work, with a name and a timeout in seconds for each."""
        found: dict[object, tuple[str, float]] = {}
        for future, name in _submitted.copy().items():
            if future.done():
                del _submitted[future]
            else:
                found[future] = (name, WORK_TIMEOUT)
        for thread in threading.enumerate():
            is_named = bool(found) and _is_of_pool(thread)  # its work is listed already
            if thread not in self._bystanders and not is_named and _may_call_back(thread):
                found[thread] = (
                    f"the thread {thread.name}",
                    _BACKGROUND_TIMEOUT if _may_idle(thread) else WORK_TIMEOUT,
                )
        if self.files_have_changed and isinstance(self._selector, BaseSelector):
            self.files_have_changed = False
            self._look_at_files([file for file in self._selector.get_map() if file not in self._ignored])
        for connection in self._connections.values():
            found[connection.state()] = (str(connection), connection.timeout())
        return found | {file: (f"the file or program behind descriptor {file}", WORK_TIMEOUT) for file in self._files}

    def _look_at_files(self, files: list[Any]) -> None:
        """Find the files of programs, and the connections of which one end is outside of this event loop."""
        before = {connection.ends: connection for connection in self._connections.values()}
        self._files, self._connections = [], {}
        inside: set[object] = set()
        served: set[object] = set()
        for file in files:
            try:
                end = socket.socket(fileno=file)
            except OSError:
                self._files.append(file)
                continue
            with suppress(OSError):  # the socket is closed
                own = end.getsockname()
                inside.update([own] if own else [])  # the ends of a socket pair have no addresses
                if end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    served.add(_port(own))
                elif end.type == socket.SOCK_STREAM:
                    ends = (own, _other_end(end))
                    self._connections[file] = before.get(ends) or _Connection(file, ends)
            end.detach()
        for file, connection in [*self._connections.items()]:
            own, peer = connection.ends
            if peer in inside or (_port(own) in served and not self._clients_count):
                del self._connections[file]


class _State(NamedTuple):
    """A connection and how many segments were sent over it."""

    connection: _Connection
    sent: int | None


class _Connection:
    """A connection whose other end is outside of the event loop."""

    def __init__(self, file: int, ends: tuple[Any, Any]) -> None:
        self.ends = ends  # the local and the remote address
        self.is_unresponsive: bool = False
        self._file = file
        self._sent_before: int | None = -1  # the last response

    def __str__(self) -> str:
        return f"the connection to {self.ends[1]}" if self.ends[1] else "a connection without an address"

    def note_received(self) -> None:
        """Note that data was received."""
        self.is_unresponsive = False
        self._sent_before = self._sent()

    def state(self) -> _State:
        """Return the current state."""
        return _State(self, self._sent())

    def timeout(self) -> float:
        """Return the seconds to wait for the other end."""
        return _BACKGROUND_TIMEOUT if self._sent() in (None, self._sent_before) else WORK_TIMEOUT

    def _sent(self) -> int | None:
        """Return how many segments of data were sent so far, None if that is unknown."""
        if sys.platform != "linux":
            return None
        with suppress(OSError):  # not a TCP connection, or closed
            end = socket.socket(fileno=self._file)
            try:
                info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGS_OUT + 4)
                return int.from_bytes(info[_DATA_SEGS_OUT:], sys.byteorder)
            finally:
                end.detach()
        return None


_submitted: dict[Future[Any], str] = {}
"""The unfinished work that was submitted to thread pools while time was virtual, with its names."""

_plain_submit = ThreadPoolExecutor.submit


def track_submitted_work() -> None:
    """Track the work that is submitted to thread pools."""
    ThreadPoolExecutor.submit = _submit


def stop_tracking() -> None:
    """Stop tracking submitted work."""
    ThreadPoolExecutor.submit = _plain_submit
    _submitted.clear()


@functools.wraps(_plain_submit)
def _submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    future = _plain_submit(pool, function, *args, **kwargs)
    _submitted[future] = f"{name_of(function)} in a thread"
    return future


def _port(address: Any) -> object:
    """Return the port of a TCP address, or the whole address of another kind."""
    return cast("tuple[object, ...]", address)[1] if isinstance(address, tuple) else address


def _other_end(end: socket.socket) -> Any:
    """Return the remote address of a connection, None if it is not open yet."""
    try:
        return end.getpeername()
    except OSError:
        return None


def _may_idle(thread: threading.Thread) -> bool:
    """Return whether a thread may have no work: a daemon, except for asyncio's, which waits for a program."""
    module = _module(thread)
    return module.startswith(_POOLS) or (thread.daemon and not module.startswith("asyncio."))


def _may_call_back(thread: threading.Thread) -> bool:
    """Return whether a thread may do work that the event loop does not know of, and then call it."""
    target = getattr(thread, "_target", None)
    if target is not None and _is_of_pool(thread):
        frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage]
        return frame is not None and frame.f_code is not target.__code__  # otherwise it waits for work
    return _module(thread) not in _WORKERS


def _is_of_pool(thread: threading.Thread) -> bool:
    return _module(thread) == ThreadPoolExecutor.__module__


def _module(thread: threading.Thread) -> str:
    """Return the module of the function that a thread runs."""
    return getattr(getattr(thread, "_target", None), "__module__", type(thread).__module__)


def name_of(worker: Any) -> str:
    """Return the name of a function, also of a function passed to `asyncio.to_thread`."""
    if isinstance(worker, functools.partial):
        inner = cast("functools.partial[Any]", worker)
        is_context = isinstance(getattr(inner.func, "__self__", None), Context)
        return name_of(inner.args[0] if is_context and inner.args else inner.func)
    return getattr(worker, "__qualname__", repr(worker))
