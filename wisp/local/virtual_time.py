"""Virtual time: an event loop's clock that stands still while anything runs, and then jumps from timer to timer."""

from __future__ import annotations

import asyncio
import math
import socket
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from selectors import EVENT_READ, BaseSelector
from typing import Any

import aiosqlite.core

from ..clock import Clock
from ..errors import WispError
from ..locations import line_of
from . import external_work as outside
from .external_work import Events, Outside, name_of

_TURNS = 1_000_000
"""Turns of the event loop in which it must become idle; a thousand commands at once take about 20."""

_QUIET = 0.005
"""Seconds without anything to read after which nothing is on its way, where no probe can tell (Windows)."""

_JUMPS = 50_000
"""Timers in a row after which a wait without a limit of its own is taken to be endless: a month of a minute's job."""

_TICKS = 2**20
"""Steps of a second in which time flows: few enough that no sum with the seconds since the epoch is rounded."""

Condition = Callable[[], bool]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop in which time can be moved: asyncio's own, also if uvloop is installed as the default."""
    return asyncio.ProactorEventLoop() if sys.platform == "win32" else asyncio.SelectorEventLoop()


class Stuck(AssertionError):
    """The event loop does not become idle, or what is awaited does not happen.

    `waited` says for which threads, programs and servers it has waited in real time.
    """

    def __init__(self, reason: str, waited: Sequence[str]) -> None:
        super().__init__("; ".join([reason, *waited]))
        self.waited: Sequence[str] = waited


class Overdue(Stuck):
    """What is awaited has not happened within its limit."""


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

    The loop is idle when no callback is ready, nothing can be read from a socket, and no thread works for it. Then the
    tasks that await `until()` continue; if none can, time jumps to the next timer. In between it stands still. So
    timers fire in order, and between two of them everything runs until the loop is idle; those of one moment fire
    together.

    If time `flows`, it is real except during `advance()`, and from `stop()` to `flow()`.
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
        self._is_stopped = False
        self._ahead = 0.0  # of real time
        self.zero: float = time.time() - self.time()
        """The seconds since the Unix epoch at which `time()` is 0."""
        self._waiting: dict[asyncio.Future[None], Condition] = {}
        self._targets: dict[asyncio.Future[None], float] = {}
        self._outstanding: dict[asyncio.Future[Any], str] = {}
        self._outside = Outside()
        self._turns = 0  # since the loop was idle
        self._waited = 0.0  # real seconds, since a thread was given something to do
        self._jumps = 0
        self._limited = 0  # calls of until() that end by themselves

    # ---- what a test does with it ----

    @property
    def is_flowing(self) -> bool:
        """Whether time is real at this moment."""
        return self._now is None

    def time(self) -> float:
        """Return what `loop.time()` returns, in seconds."""
        if self._now is not None:
            return self._now
        return math.ceil((time.monotonic() + self._ahead) * _TICKS) / _TICKS

    def since_epoch(self) -> float:
        """Return the seconds since the Unix epoch."""
        return self.time() + self.zero

    async def until(self, is_met: Condition = lambda: True, *, within: float = math.inf) -> None:
        """Wait until the loop is idle and `is_met()`. Time passes as far as that needs it, `within` seconds at most.

        Raises Overdue if that is not enough, Stuck if nothing happens any more, and what `is_met()` raises.
        """
        future = self._begin(self._waiting, is_met)
        overdue = None
        if within < math.inf:
            reason = f"not within {within:g} s of virtual time"
            overdue = self._loop.call_later(within, self._fail, future, reason, Overdue)
            self._limited += 1
        try:
            await future
        finally:
            del self._waiting[future]
            if overdue is not None:
                overdue.cancel()
                self._limited -= 1

    async def advance(self, seconds: float) -> None:
        """Let this time pass, from timer to timer. The loop is idle before and after. Raises Stuck as `until()`."""
        await self.until(within=outside.WORK if self.flows else math.inf)
        self._now = self.time()
        future = self._begin(self._targets, self._now + seconds)
        try:
            await future
        finally:
            del self._targets[future]
            if self.flows:
                self.flow()

    def stop(self) -> None:
        """Stop time that flows. It only passes as far as an `until()` or `advance()` needs it, until `flow()`.

        In between, the event loop waits for input without a limit and no timer fires.
        """
        self._now = self.time()
        self.flows, self._is_stopped = False, True

    def flow(self) -> None:
        """Let time flow from the moment that it has reached, after a pending `advance()`."""
        self.flows, self._is_stopped = True, False
        if self._now is not None and not self._targets:
            self._ahead, self._now = self._now - time.monotonic(), None

    def _begin(self, where: dict[asyncio.Future[None], Any], what: Any) -> asyncio.Future[None]:
        future = self._loop.create_future()
        where[future] = what
        self._jumps = 0
        self._outside.begin()
        if len(self._waiting) + len(self._targets) == 1:
            self._turns = 0
        return future

    # ---- the event loop ----

    def open(self) -> None:
        """Take the place of the loop's selector and clock, until as many calls of `close()`.

        Timers keep the delay that they have left, now and then.
        """
        self._users += 1
        if self._users > 1:
            return
        outside.count_submitted()
        self._probe = _Probe(self._selector) if isinstance(self._selector, BaseSelector) else _Pause(self._selector)
        own = (self._probe.fileno(), self._loop._ssock.fileno())
        self._outside.open(self._selector, own, flows=self.flows)
        self._loop._selector = self
        self._loop.time = self.time
        self._run = self._loop.run_in_executor
        self._loop.run_in_executor = self._run_in_executor
        self._resolution, self._loop._clock_resolution = self._loop._clock_resolution, 0.0  # no timer fires early
        self._shift_timers(self.time() - time.monotonic())

    def close(self) -> None:
        """Leave the loop as it was before, if this is the last of as many calls as of `open()`."""
        self._users -= 1
        if self._users:
            return
        for future in (*self._waiting, *self._targets):
            self._fail(future, "virtual time ended first")
        self._shift_timers(time.monotonic() - self.time())
        self._loop._selector = self._selector
        self._loop._clock_resolution = self._resolution
        del self._loop.time, self._loop.run_in_executor
        self._probe.close()
        outside.count_no_more()

    def _shift_timers(self, seconds: float) -> None:
        for handle in self._loop._scheduled:
            handle._when += seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)

    def register(self, *args: Any) -> Any:
        """Watch a socket."""
        self._outside.have_changed = True
        return self._selector.register(*args)

    def unregister(self, *args: Any) -> Any:
        """Watch a socket no more."""
        self._outside.have_changed = True
        return self._selector.unregister(*args)

    def select(self, timeout: float | None = None) -> Events:
        """Return what can be read and written by now. The loop is idle where a selector would wait for that."""
        if self._now is None and not self._waiting:
            return self._selector.select(timeout)
        events = self._outside.select(0)
        if events or (timeout is not None and timeout <= 0):
            self._check_progress()
            if not (events or self._loop._ready or self._now is None):
                self._now = math.nextafter(self._now, math.inf)  # the loop fires what is due before this moment
            return events
        if self._is_stopped and not (self._waiting or self._targets):
            self._turns = 0
            return self._selector.select()
        if self._outstanding:
            return self._wait_for_threads(timeout)
        if events := self._probe.flush():
            return events
        self._turns = 0
        if self._release():
            return ()
        if self._now is None:
            return self._selector.select(timeout)
        return self._outside.wait() or self._jump(self._now)

    def _release(self) -> bool:
        """Continue the tasks that wait for nothing more; return whether there are any."""
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
            if events := self._outside.wait(is_last=True):
                return events
            self._give_up("no timer is left, and nothing else can happen")
        else:
            self._now = max(now, math.nextafter(following, math.inf))
            self._jumps = 0 if self._limited or self._targets else self._jumps + 1
            if self._jumps > _JUMPS:
                self._give_up(f"{_JUMPS:,} timers have fired in vain")
        return ()

    def _check_progress(self) -> None:
        self._turns += 1
        if self._turns > _TURNS:
            self._give_up(f"the event loop made {_TURNS:,} turns and was not idle")

    def _give_up(self, reason: str) -> None:
        """Raise Stuck in all tasks that wait; if there are none, out of the event loop."""
        self._turns = self._jumps = 0
        waiting = [future for future in (*self._waiting, *self._targets) if not future.done()]
        for future in waiting:
            self._fail(future, reason)
        if not waiting:
            lines = {task: line_of(task) for task in asyncio.all_tasks(self._loop)}
            names = sorted(f"{task.get_name()}{line}" for task, line in lines.items() if line)
            raise Stuck(f"{reason}; still waiting: {', '.join(names) or 'no task'}", self._waited_for())

    def _fail(self, future: asyncio.Future[None], reason: str, kind: type[Stuck] = Stuck) -> None:
        if not future.done():
            future.set_exception(kind(reason, self._waited_for()))

    def _waited_for(self) -> list[str]:
        return [f"waited for {name} in vain" for name in (*self._outstanding.values(), *self._outside.names())]

    # ---- threads ----

    def note_outstanding(self, future: asyncio.Future[Any], name: str) -> None:
        """Count a thread's work that completes this future as outstanding."""
        self._waited = 0.0
        self._outstanding[future] = name
        future.add_done_callback(lambda done: self._outstanding.pop(done, None))

    def _run_in_executor(self, executor: Any, function: Callable[..., Any], *args: Any) -> Any:
        future = self._run(executor, function, *args)
        self.note_outstanding(future, f"{name_of(function)} in a thread")
        return future

    def _wait_for_threads(self, timeout: float | None) -> Events:
        if self._now is None:
            return self._selector.select(timeout)
        began = time.monotonic()
        events = self._outside.select(max(0.0, outside.WORK - self._waited))
        self._waited += time.monotonic() - began
        if self._waited >= outside.WORK:
            work = {future: (name, outside.WORK) for future, name in self._outstanding.items()}
            self._outside.go_on_without({**work, **self._outside.present()})
            self._outstanding.clear()
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

    def zero(self) -> float:
        return self._virtual.zero

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


class _Requests(SimpleQueue[Any]):
    """What an aiosqlite connection asks of its thread."""

    def put_nowait(self, item: Any) -> None:
        future = item[0]
        if future is not None and isinstance(selector := getattr(future.get_loop(), "_selector", None), VirtualTime):
            selector.note_outstanding(future, "a database call")
        super().put_nowait(item)


# not when virtual time opens: connections that a test opened before count as well
aiosqlite.core.SimpleQueue = _Requests  # pyright: ignore[reportPrivateImportUsage]
