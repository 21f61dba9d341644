"""Faults: what goes wrong on purpose. REST and the gateway ask here about each call and each event."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from aiohttp import web

from wisp.clock import Clock
from wisp.sandbox.world.objects import JSON, dumps
from wisp.sandbox.world.state import Event

HELD = 0.2
"""Seconds that an event out of order waits for the next event."""

Failing: TypeAlias = int | Literal["cut", "timeout"]
"""An HTTP status; "cut" closes the connection without a response, and with "timeout" no response ever comes."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(eq=False, slots=True)
class Fault:
    """A fault that applies to the next `times` calls or events that it matches, or to all if that is None."""

    times: int | None

    def used_up(self) -> bool:
        """Count one more use, and return whether it was the last."""
        if self.times is not None:
            self.times -= 1
        return self.times is not None and self.times <= 0


@dataclass(eq=False, slots=True)
class RouteFault(Fault):
    """A fault of REST calls with this method, and a path in which this expression is found."""

    method: str
    path: re.Pattern[str]

    def matches(self, call: web.Request) -> bool:
        """Return whether it applies to a call."""
        return call.method == self.method and bool(self.path.search(_path(call.path)))


@dataclass(eq=False, slots=True)
class Delay(RouteFault):
    """A call waits for `seconds`."""

    seconds: float


@dataclass(eq=False, slots=True)
class Failure(RouteFault):
    """A call fails; if it is `done`, after Discord did what it asks for. `headers` and `body` are of the response."""

    how: Failing
    done: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: JSON | None = None


@dataclass(eq=False, slots=True)
class EventFault(Fault):
    """A fault of gateway events of this name, or of any if that is ""."""

    name: str

    def matches(self, event: Event) -> bool:
        """Return whether it applies to an event."""
        return self.name in {"", event.name}


class Faults:
    """The faults of one sandbox, in the order in which they were added. The first that matches applies.

    `delayed` counts the calls that wait now, by method and raw path without /api/v10.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failures: list[Failure] = []
        self.delays: list[Delay] = []
        self.duplicates: list[EventFault] = []
        self.swaps: list[EventFault] = []
        self.delayed: Counter[tuple[str, str]] = Counter()
        self._waiting: set[asyncio.Future[None]] = set()
        self._held: Event | None = None

    @property
    def holding(self) -> bool:
        """Whether an event waits for the next one, which is sent first."""
        return self._held is not None

    async def close(self) -> None:
        """Cancel the calls that wait, which will get no response."""
        for waiting in self._waiting:
            waiting.cancel()

    def clear(self) -> None:
        """Remove all faults."""
        for faults in (self.failures, self.delays, self.duplicates, self.swaps):
            faults.clear()

    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve a REST call with its faults. This comes before all other middlewares."""
        if delay := _take(self.delays, lambda fault: fault.matches(request)):
            await self._wait(request, delay.seconds)
        failure = _take(self.failures, lambda fault: fault.matches(request))
        if failure is None:
            return await handler(request)
        if failure.done:
            await handler(request)
        if isinstance(failure.how, int):
            return _answer(failure.how, failure)
        if failure.how == "timeout":
            await self._hold(asyncio.get_running_loop().create_future())
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # the client does not get it

    async def _wait(self, request: web.Request, seconds: float) -> None:
        call = (request.method, _path(request.rel_url.raw_path))
        self.delayed[call] += 1
        try:
            await self._hold(asyncio.create_task(asyncio.sleep(seconds)))
        finally:
            self.delayed[call] -= 1
            self.delayed += Counter()  # removes counts of 0

    async def _hold(self, waiting: asyncio.Future[None]) -> None:
        """Wait for a future, until the sandbox closes."""
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            waiting.cancel()
            self._waiting.discard(waiting)

    def pass_on(self, event: Event, deliver: Callable[[Event], None]) -> None:
        """Deliver an event with its faults: twice, or after the next one."""
        if self._held is None and _take(self.swaps, lambda fault: fault.matches(event)):
            self._held = event
            asyncio.get_running_loop().call_later(HELD, self._release, event, deliver)
            return
        twice = _take(self.duplicates, lambda fault: fault.matches(event)) is not None
        for _ in range(2 if twice else 1):
            deliver(event)
        if self._held is not None:
            self._release(self._held, deliver)

    def _release(self, event: Event, deliver: Callable[[Event], None]) -> None:
        if self._held is event:
            self._held = None
            deliver(event)


F = TypeVar("F", bound=Fault)


def _take(faults: list[F], matches: Callable[[F], bool]) -> F | None:
    """Return the first fault that matches, after counting one more use of it."""
    fault = next(filter(matches, faults), None)
    if fault is not None and fault.used_up():
        faults.remove(fault)
    return fault


def _path(path: str) -> str:
    """Return a path as Discord's documentation writes it, without the version."""
    return re.sub(r"^/api/v\d+", "", path)


def _answer(status: int, failure: Failure) -> web.Response:
    body = failure.body
    if body is None and status == 429:
        body = {"message": "You are being rate limited.", "retry_after": 0.0, "global": False, "code": 0}
    elif body is None:
        body = {"message": f"{status}: sandbox fault", "code": 0}
    response = web.Response(status=status, body=dumps(body), content_type="application/json")
    if status == 429:
        response.headers["Retry-After"] = "0"
    response.headers.update(failure.headers)
    return response
