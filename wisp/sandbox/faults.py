"""Faults: what goes wrong on purpose, over REST and over the gateway, and the few verbs that ask for it."""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from aiohttp import web

from wisp.clock import Clock
from wisp.sandbox.world.objects import JSON, Guild, Impossible, dumps
from wisp.sandbox.world.state import Event

if TYPE_CHECKING:
    from wisp.sandbox.gateway.gateway import Gateway

HELD = 0.2
"""Seconds that an event out of order waits for another, if none comes."""

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
        return call.method == self.method and bool(self.path.search(_path(call.path)))


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
    """What is to go wrong in one sandbox: REST and gateway ask here, nobody else.

    `delayed` counts the calls that wait just now, by method and path (without /api/v10, as it came).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failures: list[_Failure] = []
        self.delays: list[_Delay] = []
        self.duplicates: list[_OfEvent] = []
        self.swaps: list[_OfEvent] = []
        self.delayed: Counter[tuple[str, str]] = Counter()
        self._waiting: set[asyncio.Future[None]] = set()
        self._held: Event | None = None

    @property
    def holding(self) -> bool:
        """Whether an event waits for the one that is to come before it."""
        return self._held is not None

    def close(self) -> None:
        """Let no call wait any longer: nobody will answer it."""
        for waiting in self._waiting:
            waiting.cancel()

    def clear(self) -> None:
        """Let nothing more go wrong."""
        for faults in (self.failures, self.delays, self.duplicates, self.swaps):
            faults.clear()

    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Where REST misbehaves, before anything else looks at the call."""
        if delay := _take(self.delays, lambda fault: fault.is_for(request)):
            await self._wait(request, delay.seconds)
        failure = _take(self.failures, lambda fault: fault.is_for(request))
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
        return web.Response(status=500)  # which nobody reads

    async def _wait(self, request: web.Request, seconds: float) -> None:
        call = (request.method, _path(request.rel_url.raw_path))
        self.delayed[call] += 1
        try:
            await self._hold(asyncio.create_task(asyncio.sleep(seconds)))
        finally:
            self.delayed[call] -= 1
            self.delayed += Counter()  # without what is at 0

    async def _hold(self, waiting: asyncio.Future[None]) -> None:
        """Wait for this. The wait is cancelled when the sandbox closes."""
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            waiting.cancel()
            self._waiting.discard(waiting)

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


def _path(path: str) -> str:
    """A path as Discord's documentation writes it, without the version before it."""
    return re.sub(r"^/api/v\d+", "", path)


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

        With `done` Discord does what was asked, and only its answer is lost; not with 429, which says that nothing was
        done. A 429 also says how long to wait, in its `body` ("retry_after", seconds) and `headers` ("Retry-After");
        left out, it is Discord's with a wait of 0 s.
        """
        if how not in ("cut", "timeout", *range(400, 600)):
            raise ValueError(f'fail(how={how!r}): expected a status from 400 to 599, "cut" or "timeout"')
        if done and how == 429:
            raise ValueError("fail(how=429, done=True): expected another status, since 429 says that nothing was done")
        _check_times(times)
        fault = _Failure(times, method.upper(), re.compile(path), how, done, headers or {}, body)
        self.faults.failures.append(fault)

    def delay(self, method: str, path: str, seconds: float, *, times: int | None = 1) -> None:
        """Let REST calls wait before Discord looks at them: seconds of the world's clock."""
        if not 0 <= seconds < math.inf:
            raise ValueError(f"delay(seconds={seconds!r}): expected 0 or more")
        _check_times(times)
        self.faults.delays.append(_Delay(times, method.upper(), re.compile(path), seconds))

    def drop(self, shard: int | None = None, *, code: int | None = None) -> None:
        """Break the gateway off, without a word or with one of Discord's close codes (as 4000).

        The session can be resumed; but hikari gives up where the code says that the bot did something wrong.
        """
        if code is not None and not 1000 <= code < 5000:
            raise ValueError(f"drop(code={code!r}): expected a close code from 1000 to 4999")
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
        _check_times(times)
        self.faults.duplicates.append(_OfEvent(times, event))

    def reorder(self, event: str = "", *, times: int | None = 1) -> None:
        """Send gateway events after the one that follows, or 0.2 s late where none does."""
        _check_times(times)
        self.faults.swaps.append(_OfEvent(times, event))

    def outage(self, guild: Guild) -> None:
        """Make a guild unavailable to the bot, until `clear_faults`."""
        self.gateway.take_down(guild)

    def clear_faults(self) -> None:
        """Let nothing more go wrong, and bring back every guild that is unavailable."""
        self.faults.clear()
        self.gateway.bring_back()


def _check_times(times: int | None) -> None:
    if times is not None and times < 1:
        raise ValueError(f"times={times!r}: expected 1 or more, or None for always")


LINES: Mapping[str, str] = {
    "fail": "METHOD PATH [STATUS|cut|timeout] [TIMES|always] [done]",
    "delay": "METHOD PATH SECONDS [TIMES|always]",
    "drop": "[CODE]",
    "reconnect": "",
    "invalidate": "[resumable]",
    "heartbeats": "",
    "duplicate": "[EVENT] [TIMES|always]",
    "reorder": "[EVENT] [TIMES|always]",
    "outage": "[GUILD]",
    "mend": "",
}
"""The verbs as somebody types them in the terminal (":drop 4000"), and what follows each."""


def do(discord: Breakable, verb: str, argument: str, *, here: Guild | None = None) -> str:
    """Break a Discord as a typed line says; what will happen, in words. Raises Impossible for what makes no sense.

    `here` is the guild that an outage takes away where no other is named.
    """
    if verb == "outage":
        return _take_away(discord, argument, here)
    words = argument.split()
    try:
        return _done(discord, verb, words)
    except (ValueError, re.error):
        raise Impossible(f"expected :{verb} {LINES[verb]}".rstrip()) from None


def _done(discord: Breakable, verb: str, words: list[str]) -> str:
    match verb, words:
        case "fail", [method, path, *rest]:
            how, done, times = _how(rest), _taken(rest, "done"), _times(rest)
            _nothing_left(rest)
            discord.fail(method, path, how, times=times, done=done)
            return f"{_route(method, path)} fails ({how}){_often(times)}{', after it was done' if done else ''}"
        case "delay", [method, path, seconds, *rest]:
            times = _times(rest)
            _nothing_left(rest)
            discord.delay(method, path, float(seconds), times=times)
            return f"{_route(method, path)} waits {float(seconds):g} s{_often(times)}"
        case "drop", [] | [_]:
            discord.drop(code=int(words[0]) if words else None)
            return "the gateway broke off"
        case "reconnect", []:
            discord.reconnect()
            return "the bot is asked to reconnect"
        case "invalidate", [] | ["resumable"]:
            discord.invalidate(resumable=bool(words))
            return "the session is invalid" + (", and can be resumed" if words else "")
        case "heartbeats", []:
            discord.ignore_heartbeats()
            return "no heartbeat is acknowledged, until the bot connects anew"
        case "duplicate" | "reorder", rest:
            times = _times(rest)
            event = rest.pop(0).upper() if rest else ""
            _nothing_left(rest)
            upset = discord.duplicate if verb == "duplicate" else discord.reorder
            upset(event, times=times)
            what = event or ("the next event" if times == 1 else "events")
            return f"{what} will come {'twice' if verb == 'duplicate' else 'out of order'}{_often(times)}"
        case "mend", []:
            discord.clear_faults()
            return "nothing goes wrong any more"
        case _:
            raise ValueError(words)


def _take_away(discord: Breakable, name: str, here: Guild | None) -> str:
    guilds = {guild.name: guild for guild in discord.gateway.world.guilds.values()}
    guild = guilds.get(name) if name else here
    if guild is None:
        wrong = f"there is no guild {name}" if name else "no guild is here"
        raise Impossible(f"{wrong}: expected :outage and one of {', '.join(guilds)}")
    discord.outage(guild)
    return f"the bot has lost {guild.name}, until :mend"


def _how(words: list[str]) -> Failing:
    """Take what a route fails with out of the words; 500 where nothing is said."""
    for word in words:
        if word in ("cut", "timeout"):
            words.remove(word)
            return "cut" if word == "cut" else "timeout"
        if word.isdecimal() and 400 <= int(word) < 600:
            words.remove(word)
            return int(word)
    return 500


def _times(words: list[str]) -> int | None:
    """Take how often out of the words; once where nothing is said."""
    if _taken(words, "always"):
        return None
    return int(words.pop()) if words and words[-1].isdecimal() else 1


def _taken(words: list[str], word: str) -> bool:
    """Take a word out of the words, where it is among them; whether it was."""
    found = word in words
    if found:
        words.remove(word)
    return found


def _nothing_left(words: list[str]) -> None:
    if words:
        raise ValueError(words)


def _often(times: int | None) -> str:
    return "" if times == 1 else " from now on" if times is None else f", {times} times"


def _route(method: str, path: str) -> str:
    return f"{method.upper()} {path}"
