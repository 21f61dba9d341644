"""Faults: what goes wrong on purpose, over REST and over the gateway, and the few verbs that ask for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from aiohttp import web

from wisp.clock import Clock
from wisp.sandbox.world import JSON, Event, Guild, dumps

if TYPE_CHECKING:
    from wisp.sandbox.gateway import Gateway

HELD = 0.2
"""Seconds (real ones) that an event out of order waits for another, where none comes."""

_UNHEARD = 0.05
"""Seconds between two looks at whether a bot still waits for the answer that does not come."""

Failing: TypeAlias = int | Literal["cut", "timeout"]
"""An HTTP status; "cut" breaks the connection off without an answer, with "timeout" none ever comes."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(eq=False, slots=True)
class _Fault:
    """What happens to the next `times` (None: all) calls or events that it is for."""

    times: int | None

    def used_up(self) -> bool:
        """Count one more; whether it was the last."""
        if self.times is not None:
            self.times -= 1
        return self.times is not None and self.times <= 0


@dataclass(eq=False, slots=True)
class _OfRoute(_Fault):
    method: str
    path: re.Pattern[str]

    def is_for(self, call: web.Request) -> bool:
        return call.method == self.method and bool(self.path.search(re.sub(r"^/api/v\d+", "", call.path)))


@dataclass(eq=False, slots=True)
class _Delay(_OfRoute):
    seconds: float


@dataclass(eq=False, slots=True)
class _Failure(_OfRoute):
    how: Failing
    done: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: JSON | None = None


@dataclass(eq=False, slots=True)
class _OfEvent(_Fault):
    name: str

    def is_for(self, event: Event) -> bool:
        return self.name in {"", event.name}


class Faults:
    """What is to go wrong in one sandbox: REST and gateway ask here, nobody else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failures: list[_Failure] = []
        self.delays: list[_Delay] = []
        self.duplicates: list[_OfEvent] = []
        self.swaps: list[_OfEvent] = []
        self._held: Event | None = None

    def clear(self) -> None:
        """Let nothing more go wrong."""
        for faults in (self.failures, self.delays, self.duplicates, self.swaps):
            faults.clear()

    @web.middleware
    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Where REST misbehaves, before anything else looks at the call."""
        if delay := _take(self.delays, lambda fault: fault.is_for(request)):
            await self._clock.sleep(delay.seconds)
        failure = _take(self.failures, lambda fault: fault.is_for(request))
        if failure is None:
            return await handler(request)
        if failure.done:
            await handler(request)
        if isinstance(failure.how, int):
            return _answer(failure.how, failure)
        if failure.how == "timeout":
            await _given_up(request)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # which nobody reads

    def pass_on(self, event: Event, deliver: Callable[[Event], None]) -> None:
        """Deliver an event; twice, or after the next one, where that was asked for."""
        if self._held is None and _take(self.swaps, lambda fault: fault.is_for(event)):
            self._held = event
            asyncio.get_running_loop().call_later(HELD, self._release, event, deliver)
            return
        twice = _take(self.duplicates, lambda fault: fault.is_for(event)) is not None
        for _ in range(2 if twice else 1):
            deliver(event)
        if self._held is not None:
            self._release(self._held, deliver)

    def _release(self, event: Event, deliver: Callable[[Event], None]) -> None:
        if self._held is event:
            self._held = None
            deliver(event)


F = TypeVar("F", bound=_Fault)


def _take(faults: list[F], is_for: Callable[[F], bool]) -> F | None:
    """The first fault that applies, counted as having happened once more."""
    fault = next(filter(is_for, faults), None)
    if fault is not None and fault.used_up():
        faults.remove(fault)
    return fault


async def _given_up(request: web.Request) -> None:
    """Wait until the bot waits no longer: aiohttp tells nobody of that."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(_UNHEARD)


def _answer(status: int, failure: _Failure) -> web.Response:
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


class Breakable:
    """A Discord that can be broken. The next thing that matches goes wrong, `times` times; always where that is None.

    `path` is a regular expression that is searched for in what follows /api/v10, `event` the name of a gateway event
    ("" is any); `shard` None is every shard.
    """

    gateway: Gateway
    faults: Faults

    def fail(
        self,
        method: str,
        path: str,
        how: Failing = 500,
        *,
        times: int | None = 1,
        done: bool = False,
        headers: Mapping[str, str] | None = None,
        body: JSON | None = None,
    ) -> None:
        """Let REST calls fail with a status, by a connection that is "cut", or by a "timeout".

        With `done` Discord does what was asked, and only its answer is lost. A 429 says how long to wait in its
        `body` ("retry_after", seconds) and `headers` ("Retry-After"); left out, it is Discord's with a wait of 0 s.
        """
        fault = _Failure(times, method.upper(), re.compile(path), how, done, headers or {}, body)
        self.faults.failures.append(fault)

    def delay(self, method: str, path: str, seconds: float, *, times: int | None = 1) -> None:
        """Let REST calls wait before Discord looks at them: seconds of the world's clock."""
        self.faults.delays.append(_Delay(times, method.upper(), re.compile(path), seconds))

    def drop(self, shard: int | None = None, *, code: int | None = None) -> None:
        """Break the gateway off, without a word or with one of Discord's close codes; the session can be resumed."""
        if code is None:
            self.gateway.cut(shard)
        else:
            self.gateway.disconnect(shard, code=code, reason="the sandbox was asked for it")

    def reconnect(self, shard: int | None = None) -> None:
        """Ask the bot to reconnect and resume, as Discord does before maintenance."""
        self.gateway.reconnect(shard)

    def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Tell the bot that its session is invalid; where not `resumable` it is over, and what it missed is lost."""
        self.gateway.invalidate(shard, resumable=resumable)

    def ignore_heartbeats(self, shard: int | None = None) -> None:
        """Acknowledge no heartbeat any more, until the bot has connected anew."""
        self.gateway.ignore_heartbeats(shard)

    def duplicate(self, event: str = "", *, times: int | None = 1) -> None:
        """Send gateway events twice."""
        self.faults.duplicates.append(_OfEvent(times, event))

    def reorder(self, event: str = "", *, times: int | None = 1) -> None:
        """Send gateway events after the one that follows, or 0.2 s late where none does."""
        self.faults.swaps.append(_OfEvent(times, event))

    def outage(self, guild: Guild) -> None:
        """Make a guild unavailable to the bot, until `mend`."""
        self.gateway.take_down(guild)

    def mend(self) -> None:
        """Let nothing more go wrong, and bring back every guild that is unavailable."""
        self.faults.clear()
        self.gateway.bring_back()
