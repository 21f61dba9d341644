"""What an event loop cannot look into, and what may wake it: threads, programs and servers."""

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

WORK = 60.0
"""Seconds of real time to wait for work: executor calls, threads, programs, and answers of a server."""

_BACKGROUND = 5.0
"""Seconds of real time to wait for what may have nothing to do: daemon threads and other connections."""

_KNOWN = 1.0
"""Seconds of real time to wait for either, once its limit has passed in vain."""

_GLANCE = 0.01
"""Seconds of real time between two looks at what is still there."""

_DATA_SEGS_OUT = 156
"""Where this number is in Linux' `struct tcp_info` (include/uapi/linux/tcp.h)."""

_WORKERS = ("aiosqlite.core", "wisp.sandbox.console", "wisp.watchdog")
"""Modules whose threads do nothing but what the event loop asks of them."""

_POOLS = ("concurrent.futures.process", "anyio.")
"""Modules whose threads wait for work, and are no daemons."""

Events = Any
"""What a selector returns."""


class Outside:
    """What may wake an event loop from outside: threads that are not its own, programs and servers.

    Time waits for them, in real time, before it jumps: up to their limit, and up to a second if that has passed before.

    A server that was sent something since it last answered has work to do. One that has answered may not be done, so it
    is background; if nothing comes, it is waited for again only after something was sent. What was sent is known of TCP
    on Linux only.
    """

    def __init__(self) -> None:
        self.have_changed: bool = True
        self._connections: dict[int, _Connection] = {}
        self._files: list[int] = []
        self._known: set[object] = set()
        self._named: set[str] = set()
        self.begin()

    def open(self, selector: Any, own: Collection[int | None], *, flows: bool) -> None:
        """Take the threads that run now for bystanders, and these files for the loop's own.

        If time `flows`, so are the files that are watched now, and the clients of the loop's servers: browsers.
        """
        self._selector = selector
        self._bystanders = {thread for thread in threading.enumerate() if not _is_of_pool(thread)}
        self._ignored = {*own, *(selector.get_map() if flows and isinstance(selector, BaseSelector) else ())}
        self._clients_count = not flows

    def begin(self) -> None:
        """Wait for all of them again: a caller waits for something new."""
        self._silent: set[object] = set()
        self._left = WORK

    def names(self) -> list[str]:
        """Return those that were waited for in vain."""
        return [name for one, (name, _) in self.present().items() if one in self._known]

    def select(self, timeout: float | None = None) -> Events:
        """Return what can be read and written after `timeout` at most, and note which servers have answered."""
        events = self._selector.select(timeout)
        if self._connections:
            for key, _ in events:
                if connection := self._connections.get(key.fd):
                    connection.note_answer()
        return events

    def wait(self, *, is_last: bool = False) -> Events:
        """Wait for them if there are any; return what can be read and written then.

        Those that have just been silent are not waited for again, unless this is the last chance.
        """
        began = time.monotonic()
        while (present := self.present()) and (is_last or not present.keys() <= self._silent):
            limit = max(self._limit(one, limit, is_last) for one, (_, limit) in present.items())
            if time.monotonic() - began >= min(limit, self._left):
                self.go_on_without(present)
                break
            if events := self.select(_GLANCE):
                self._left -= time.monotonic() - began
                return events
        return self.select(0)  # one that is not there any more may have said something last

    def go_on_without(self, silent: Mapping[Any, tuple[str, float]]) -> None:
        """Wait no longer for these, and log that once."""
        for one, (name, limit) in silent.items():
            if one not in self._known and name not in self._named:
                _log.warning("waited %g s of real time for %s: the bot's time goes on without it", limit, name)
                self._named.add(name)
            if isinstance(one, _State) and limit == WORK:
                one.connection.ignores_us = True
        self._silent = {*silent}
        self._known |= self._silent

    def _limit(self, one: object, limit: float, is_last: bool) -> float:
        if is_last:
            return limit
        is_known = one in self._known
        if isinstance(one, _State) and one.sent is not None:
            if is_known:
                return 0.0  # nothing was sent since
            is_known = one.connection.ignores_us
        return min(limit, _KNOWN) if is_known else limit

    def present(self) -> dict[object, tuple[str, float]]:
        """Return what is there, with its name and the seconds that it is waited for."""
        found: dict[object, tuple[str, float]] = {}
        for future, name in _submitted.copy().items():
            if future.done():
                del _submitted[future]
            else:
                found[future] = (name, WORK)
        for thread in threading.enumerate():
            is_named = bool(found) and _is_of_pool(thread)  # by its work
            if thread not in self._bystanders and not is_named and _may_call_back(thread):
                found[thread] = (f"the thread {thread.name}", _BACKGROUND if _may_idle(thread) else WORK)
        if self.have_changed and isinstance(self._selector, BaseSelector):
            self.have_changed = False
            self._look_at_files([file for file in self._selector.get_map() if file not in self._ignored])
        for connection in self._connections.values():
            found[connection.state()] = (str(connection), connection.limit())
        return found | {file: (f"the file or program behind descriptor {file}", WORK) for file in self._files}

    def _look_at_files(self, files: list[Any]) -> None:
        """Find among these what is not a connection with both ends in this event loop."""
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
            with suppress(OSError):  # it is closed
                own = end.getsockname()
                inside.update([own] if own else [])  # the ends of a socket pair have no names
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
    """A connection over which so much was sent."""

    connection: _Connection
    sent: int | None


class _Connection:
    """A connection to what is outside of the event loop."""

    def __init__(self, file: int, ends: tuple[Any, Any]) -> None:
        self.ends = ends  # its own address, and the other's
        self.ignores_us: bool = False  # an answer of it was waited for in vain
        self._file = file
        self._sent_before: int | None = -1  # the last answer

    def __str__(self) -> str:
        return f"the connection to {self.ends[1]}" if self.ends[1] else "a connection without an address"

    def note_answer(self) -> None:
        """Note that something was received."""
        self.ignores_us = False
        self._sent_before = self._sent()

    def state(self) -> _State:
        """Return what has happened so far."""
        return _State(self, self._sent())

    def limit(self) -> float:
        """Return the seconds to wait for the other end."""
        return _BACKGROUND if self._sent() in (None, self._sent_before) else WORK

    def _sent(self) -> int | None:
        """Return how many segments of data were sent so far; None if the system does not tell."""
        if sys.platform != "linux":
            return None
        with suppress(OSError):  # it is no TCP connection, or closed
            end = socket.socket(fileno=self._file)
            try:
                info = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _DATA_SEGS_OUT + 4)
                return int.from_bytes(info[_DATA_SEGS_OUT:], sys.byteorder)
            finally:
                end.detach()
        return None


_submitted: dict[Future[Any], str] = {}
"""The work that was given to pools of threads while time was virtual, unless it was seen to be done."""

_plain_submit = ThreadPoolExecutor.submit


def count_submitted() -> None:
    """Count the work that is given to pools of threads."""
    ThreadPoolExecutor.submit = _submit


def count_no_more() -> None:
    """Count it no longer."""
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
    """Return the address of the other end of a connection; None if it is not open yet."""
    try:
        return end.getpeername()
    except OSError:
        return None


def _may_idle(thread: threading.Thread) -> bool:
    """Return whether a thread may have nothing to do: a daemon, but not asyncio's that waits for a program's end."""
    module = _module(thread)
    return module.startswith(_POOLS) or (thread.daemon and not module.startswith("asyncio."))


def _may_call_back(thread: threading.Thread) -> bool:
    """Return whether a thread may do something that the event loop does not know of, and then call it."""
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


def name_of(worker: Any) -> str:
    """Return the name of a function, also of one that `asyncio.to_thread` was given."""
    if isinstance(worker, functools.partial):
        inner = cast("functools.partial[Any]", worker)
        is_context = isinstance(getattr(inner.func, "__self__", None), Context)
        return name_of(inner.args[0] if is_context and inner.args else inner.func)
    return getattr(worker, "__qualname__", repr(worker))
