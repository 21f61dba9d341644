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
from . import external_work
from .external_work import Events, ExternalWork, name_of

_MAX_TURNS = 1_000_000
"""Turns of the event loop in which it must become idle. A thousand concurrent commands take about 20."""

_SETTLE_DELAY = 0.005
"""Seconds without input after which a socket is taken to have none in transit, if no probe can tell (Windows)."""

_MAX_JUMPS = 50_000
"""Timers after which a wait without a timeout is taken to be endless: a month of a job that runs every minute."""

_ROUNDING = 1e-8
"""Seconds by which the time of a timer may be wrong, as the difference of two dates."""

_TICKS = 2**20
"""The resolution of flowing time, in steps per second: coarse enough that a sum with the epoch time is exact."""

Condition = Callable[[], bool]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop in which time can be moved: asyncio's own, even if uvloop is the default."""
    return asyncio.ProactorEventLoop() if sys.platform == "win32" else asyncio.SelectorEventLoop()


class Stuck(AssertionError):
    """The event loop does not become idle, or the awaited condition is never met.

    `waited` names the threads, programs and servers that have timed out.
    """

    def __init__(self, reason: str, waited: Sequence[str]) -> None:
        super().__init__("; ".join([reason, *waited]))
        self.waited: Sequence[str] = waited


class Overdue(Stuck):
    """The awaited condition was not met within its timeout."""


@contextmanager
def virtual_time(*, flows: bool = False) -> Generator[VirtualTime]:
    """Take over the time of the running event loop. A nested block shares the time of the outer one.

    It replaces the loop's selector and clock, so it works in any loop that a test runner made. Raises WispError if the
    loop is not asyncio's own, such as uvloop's.
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

    The loop is idle when no callback is ready, no socket has input, and no thread works for it. Then tasks in `until()`
    whose condition is met continue; if there are none, time jumps to the next timer. Otherwise time stands still. So
    timers fire in order, and the loop becomes idle between two of them; timers of the same time fire together.

    If time `flows`, it is real except during `advance()`, and from `stop()` to `flow()`.
    """

    def __init__(self, loop: Any, *, flows: bool) -> None:
        self.clock: Clock = _VirtualClock(self)
        self.flows: bool = flows
        self._loop = loop
        self._selector: Any = loop._selector
        self._users = 0
        started: float = loop.time()
        # None while time flows. It begins at a whole number of seconds, so that rounding is the same in each run
        self._now: float | None = None if flows else float(math.ceil(started))
        self._is_stopped = False
        self._ahead = 0.0  # of real time
        self.zero: float = time.time() - self.time()
        """The seconds since the Unix epoch at which `time()` is 0."""
        self._waiting: dict[asyncio.Future[None], Condition] = {}
        self._targets: dict[asyncio.Future[None], float] = {}
        self._outstanding: dict[asyncio.Future[Any], str] = {}
        self._external = ExternalWork()
        self._turns = 0  # since the loop was last idle
        self._waited = 0.0  # real seconds, since a thread last got work
        self._jumps = 0
        self._limited = 0  # calls of until() with a timeout

    # ---- time ----

    @property
    def is_flowing(self) -> bool:
        """Whether time is real at this moment."""
        return self._now is None

    def time(self) -> float:
        """Return the time of the event loop, in seconds."""
        if self._now is not None:
            return self._now
        return math.ceil((time.monotonic() + self._ahead) * _TICKS) / _TICKS

    def since_epoch(self) -> float:
        """Return the seconds since the Unix epoch."""
        return self.time() + self.zero

    async def until(self, is_met: Condition = lambda: True, *, within: float = math.inf) -> None:
        """Wait until the loop is idle and `is_met()`. Time passes as far as needed, by at most `within` seconds.

        Raises Overdue after that time, Stuck if nothing can happen any more, and whatever `is_met()` raises.
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
        """Let this time pass, from timer to timer. The loop is idle before and after. Raises Stuck like `until()`."""
        await self.until(within=external_work.WORK_TIMEOUT if self.flows else math.inf)
        self._now = self.time()
        # what is due at the very end is due by then, however it was rounded
        future = self._begin(self._targets, self._now + seconds + _ROUNDING)
        try:
            await future
        finally:
            del self._targets[future]
            if self.flows:
                self.flow()

    def stop(self) -> None:
        """Stop time that flows. Until `flow()` it only passes as far as an `until()` or `advance()` needs it.

        Outside of these the event loop waits for input without a timeout, and no timer fires.
        """
        self._now = self.time()
        self.flows, self._is_stopped = False, True

    def flow(self) -> None:
        """Let time flow on from its current value, after a pending `advance()`."""
        self.flows, self._is_stopped = True, False
        if self._now is not None and not self._targets:
            self._ahead, self._now = self._now - time.monotonic(), None

    def _begin(self, waiting: dict[asyncio.Future[None], Any], value: Any) -> asyncio.Future[None]:
        future = self._loop.create_future()
        waiting[future] = value
        self._jumps = 0
        self._external.begin()
        if len(self._waiting) + len(self._targets) == 1:
            self._turns = 0
        return future

    # ---- the event loop ----

    def open(self) -> None:
        """Replace the loop's selector and clock, until `close()` was called as often as this.

        Timers keep their remaining delay, here and in `close()`.
        """
        self._users += 1
        if self._users > 1:
            return
        external_work.track_submitted_work()
        self._probe = _Probe(self._selector) if isinstance(self._selector, BaseSelector) else _Pause(self._selector)
        own = (self._probe.fileno(), self._loop._ssock.fileno())
        self._external.open(self._selector, own, flows=self.flows)
        self._loop._selector = self
        self._loop.time = self.time
        self._run = self._loop.run_in_executor
        self._loop.run_in_executor = self._run_in_executor
        self._resolution, self._loop._clock_resolution = self._loop._clock_resolution, 0.0  # no timer fires early
        self._shift_timers(self.time() - time.monotonic())

    def close(self) -> None:
        """Restore the loop if this is the last user."""
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
        external_work.stop_tracking()

    def _shift_timers(self, seconds: float) -> None:
        for handle in self._loop._scheduled:
            handle._when += seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)

    def register(self, *args: Any) -> Any:
        """Watch a socket."""
        self._external.files_have_changed = True
        return self._selector.register(*args)

    def unregister(self, *args: Any) -> Any:
        """Stop watching a socket."""
        self._external.files_have_changed = True
        return self._selector.unregister(*args)

    def select(self, timeout: float | None = None) -> Events:
        """Return the files that are ready. The loop is idle if a selector would have to wait for one."""
        if self._now is None and not self._waiting:
            return self._selector.select(timeout)
        events = self._external.select(0)
        if events or (timeout is not None and timeout <= 0):
            self._check_progress()
            if not (events or self._loop._ready or self._now is None):
                self._now = math.nextafter(self._now, math.inf)  # the loop fires timers that are due before this time
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
        return self._external.wait() or self._jump(self._now)

    def _release(self) -> bool:
        """Continue the tasks whose condition is met, and return whether there are any."""
        are_any = False
        for future, is_met in self._waiting.items():
            try:
                if future.done() or not is_met():
                    continue
                future.set_result(None)
            except Exception as error:  # otherwise it would end the event loop
                future.set_exception(error)
            are_any = True
        return are_any

    def _jump(self, now: float) -> Events:
        """Move time to the next timer, or to the end of an `advance()`."""
        timers = self._loop._scheduled
        following = timers[0]._when if timers else math.inf
        target = min(self._targets.values(), default=math.inf)
        if following > target:
            self._now = max(now, target)
            for future, moment in self._targets.items():
                if moment <= self._now and not future.done():
                    future.set_result(None)
        elif following == math.inf:
            if events := self._external.wait(is_last=True):
                return events
            self._give_up("no timer is left, and nothing else can happen")
        else:
            self._now = max(now, math.nextafter(following, math.inf))
            self._jumps = 0 if self._limited or self._targets else self._jumps + 1
            if self._jumps > _MAX_JUMPS:
                self._give_up(f"{_MAX_JUMPS:,} timers have fired without a result")
        return ()

    def _check_progress(self) -> None:
        self._turns += 1
        if self._turns > _MAX_TURNS:
            self._give_up(f"the event loop made {_MAX_TURNS:,} turns and was not idle")

    def _give_up(self, reason: str) -> None:
        """Raise Stuck in all waiting tasks; if there are none, from the event loop itself."""
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
        return [f"timed out waiting for {name}" for name in (*self._outstanding.values(), *self._external.names())]

    # ---- threads ----

    def note_outstanding(self, future: asyncio.Future[Any], name: str) -> None:
        """Wait for the work of a thread until it completes this future."""
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
        events = self._external.select(max(0.0, external_work.WORK_TIMEOUT - self._waited))
        self._waited += time.monotonic() - began
        if self._waited >= external_work.WORK_TIMEOUT:
            work = {future: (name, external_work.WORK_TIMEOUT) for future, name in self._outstanding.items()}
            self._external.give_up_on({**work, **self._external.pending()})
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


class _Probe:
    """A loopback connection. Once a byte of it arrives, all data sent earlier on this interface has arrived."""

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
        """Wait for data in transit, and return the files that are ready then."""
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
    """The replacement of a probe for an event loop without a selector, such as that of Windows: a short wait."""

    def __init__(self, proactor: Any) -> None:
        self._proactor = proactor

    def fileno(self) -> None: ...

    def flush(self) -> Events:
        return self._proactor.select(_SETTLE_DELAY)

    def close(self) -> None: ...


class _Requests(SimpleQueue[Any]):
    """The queue in which an aiosqlite connection gives work to its thread."""

    def put_nowait(self, item: Any) -> None:
        future = item[0]
        if future is not None and isinstance(selector := getattr(future.get_loop(), "_selector", None), VirtualTime):
            selector.note_outstanding(future, "a database call")
        super().put_nowait(item)


# on import, so that connections opened before virtual time count as well
aiosqlite.core.SimpleQueue = _Requests  # pyright: ignore[reportPrivateImportUsage]
