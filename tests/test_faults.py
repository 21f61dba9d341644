"""What goes wrong on purpose: each verb does what it says, and no more often than it was asked to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from wisp.local.virtual_time import VirtualTime
from wisp.sandbox import Impossible, Sandbox
from wisp.sandbox.terminal.breaking import apply
from wisp.sandbox.world.objects import Channel


@pytest.fixture
async def sandbox(time: VirtualTime) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=time.clock) as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with aiohttp.ClientSession(sandbox.rest_url.removesuffix("api/v10"), headers=headers) as session:
        yield session


ME = "/api/v10/users/@me"


async def status(rest: aiohttp.ClientSession, path: str = ME) -> int:
    async with rest.get(path) as response:
        return response.status


def general(sandbox: Sandbox) -> Channel:
    channel = next(iter(sandbox.world.guilds.values())).channel("general")
    assert channel is not None
    return channel


async def test_a_route_fails_as_often_as_was_asked(sandbox: Sandbox, rest: aiohttp.ClientSession) -> None:
    sandbox.fail("get", r"/users/@me$", 502, times=2)
    assert [await status(rest) for _ in range(3)] == [502, 502, 200]
    assert await status(rest, "/api/v10/gateway") == 200


async def test_a_route_fails_always_until_it_is_mended(sandbox: Sandbox, rest: aiohttp.ClientSession) -> None:
    sandbox.fail("GET", r"/users/@me$", 500, times=None)
    assert {await status(rest) for _ in range(20)} == {500}
    sandbox.clear_faults()
    assert await status(rest) == 200


async def post(sandbox: Sandbox, rest: aiohttp.ClientSession) -> int:
    path = f"/api/v10/channels/{general(sandbox).id}/messages"
    async with rest.post(path, json={"content": "hello"}) as response:
        return response.status


async def test_a_connection_is_cut_before_anything_was_done_or_after(
    sandbox: Sandbox, rest: aiohttp.ClientSession
) -> None:
    sandbox.fail("POST", "/messages", "cut")
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(sandbox, rest)
    assert len(general(sandbox).messages) == 0
    sandbox.fail("POST", "/messages", "cut", done=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(sandbox, rest)
    assert len(general(sandbox).messages) == 1
    sandbox.fail("POST", "/messages", 500, done=True)
    assert (await post(sandbox, rest), len(general(sandbox).messages)) == (500, 2)


async def test_an_answer_that_never_comes_ends_with_who_waits_for_it(
    sandbox: Sandbox, rest: aiohttp.ClientSession
) -> None:
    sandbox.fail("GET", r"/users/@me$", "timeout")
    with pytest.raises(TimeoutError):
        await rest.get(ME, timeout=aiohttp.ClientTimeout(total=600))
    assert await status(rest) == 200


async def test_a_delayed_call_waits_by_the_worlds_clock(
    sandbox: Sandbox, rest: aiohttp.ClientSession, time: VirtualTime
) -> None:
    sandbox.delay("GET", r"/gateway$", 60)
    waiting = asyncio.create_task(status(rest, "/api/v10/gateway"))
    await time.advance(59)
    assert not waiting.done()
    await time.advance(1)
    assert waiting.done()
    assert await waiting == 200


async def test_a_sandbox_closes_at_once_while_a_call_waits(time: VirtualTime) -> None:
    async with aiohttp.ClientSession() as session:
        async with Sandbox(clock=time.clock) as sandbox:
            sandbox.delay("GET", r"/gateway$", 60)
            sandbox.fail("GET", r"/users/@me$", "timeout")
            url = sandbox.rest_url.removesuffix("/api/v10")
            waiting = [asyncio.create_task(status(session, url + path)) for path in ("/api/v10/gateway", ME)]
            await time.until()
            assert sandbox.faults.delayed == {("GET", "/gateway"): 1}
            began = time.time()
        assert time.time() == began
        for call in waiting:
            with pytest.raises(aiohttp.ClientConnectionError):
                await call


class Bot:
    """A websocket that has identified, and what it has heard since."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> dict[str, Any]:
        return json.loads((await self.socket.receive(timeout=5)).data)

    async def channels(self, count: int) -> list[str]:
        """The names in the next events, which must tell of so many new channels."""
        found = [await self.next() for _ in range(count)]
        assert {payload["t"] for payload in found} == {"CHANNEL_CREATE"}
        assert [payload["s"] for payload in found] == list(range(found[0]["s"], found[0]["s"] + count))
        return [payload["d"]["name"] for payload in found]


@pytest.fixture
async def bot(sandbox: Sandbox, rest: aiohttp.ClientSession) -> Bot:
    found = Bot(await rest.ws_connect(sandbox.gateway_url, autoclose=False))
    assert (await found.next())["op"] == 10
    await found.socket.send_json({"op": 2, "d": {"token": sandbox.token, "properties": {}, "intents": 1}})
    assert [(await found.next())["t"] for _ in range(2)] == ["READY", "GUILD_CREATE"]
    return found


def add_channels(sandbox: Sandbox, *names: str) -> None:
    for name in names:
        sandbox.world.channels.add(next(iter(sandbox.world.guilds.values())), name)


async def test_events_come_twice(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.duplicate("CHANNEL_CREATE")
    add_channels(sandbox, "a", "b")
    assert await bot.channels(3) == ["a", "a", "b"]


async def test_an_event_comes_after_the_one_that_follows(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.reorder()
    add_channels(sandbox, "a", "b", "c")
    assert await bot.channels(3) == ["b", "a", "c"]


async def test_an_event_out_of_order_is_only_late_where_none_follows(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.reorder("CHANNEL_CREATE")
    add_channels(sandbox, "a")
    assert await bot.channels(1) == ["a"]
    add_channels(sandbox, "b", "c")
    assert await bot.channels(2) == ["b", "c"]


async def test_faults_of_other_events_leave_this_one_alone(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.duplicate("MESSAGE_CREATE", times=None)
    sandbox.reorder("MESSAGE_CREATE", times=None)
    add_channels(sandbox, "a", "b")
    assert await bot.channels(2) == ["a", "b"]


async def test_a_dropped_gateway_breaks_off_without_a_word_or_with_a_code(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.drop()
    assert (await bot.socket.receive(timeout=5)).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert bot.socket.close_code == 1006
    assert len(sandbox.gateway.sessions) == 1


async def test_a_dropped_gateway_tells_the_code_that_it_was_asked_for(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.drop(code=4009)
    assert (await bot.socket.receive(timeout=5)).data == 4009


async def test_heartbeats_are_not_acknowledged_until_the_next_connection(sandbox: Sandbox, bot: Bot) -> None:
    sandbox.ignore_heartbeats()
    await bot.socket.send_json({"op": 1, "d": None})
    add_channels(sandbox, "a")
    assert await bot.channels(1) == ["a"]  # and no acknowledgement before it
    sandbox.reconnect(0)
    assert (await bot.next())["op"] == 7
    sandbox.invalidate(0)
    assert (await bot.next())["op"] == 9


async def test_every_verb_can_be_typed(sandbox: Sandbox, bot: Bot, rest: aiohttp.ClientSession) -> None:
    assert apply(sandbox, "fail", r"get /users/@me$ 502 2") == r"GET /users/@me$ fails (502), 2 times"
    assert [await status(rest) for _ in range(3)] == [502, 502, 200]
    assert apply(sandbox, "fail", "POST /messages done cut") == "POST /messages fails (cut), after it was done"
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(sandbox, rest)
    assert len(general(sandbox).messages) == 1
    assert apply(sandbox, "fail", "GET /gateway always") == "GET /gateway fails (500) from now on"
    assert apply(sandbox, "delay", "GET /users 0.01 always") == "GET /users waits 0.01 s from now on"
    assert apply(sandbox, "mend", "") == "nothing goes wrong any more"
    assert await status(rest, "/api/v10/gateway") == 200
    assert apply(sandbox, "duplicate", "channel_create") == "CHANNEL_CREATE will come twice"
    add_channels(sandbox, "a")
    assert await bot.channels(2) == ["a", "a"]
    assert apply(sandbox, "reorder", "2") == "events will come out of order, 2 times"
    add_channels(sandbox, "b", "c", "d", "e")
    assert await bot.channels(4) == ["c", "b", "e", "d"]
    assert apply(sandbox, "heartbeats", "").startswith("no heartbeat")
    assert apply(sandbox, "reconnect", "") == "the bot is asked to reconnect"
    assert (await bot.next())["op"] == 7
    assert apply(sandbox, "invalidate", "resumable") == "the session is invalid, and can be resumed"
    assert (await bot.next())["d"] is True
    session = next(iter(sandbox.gateway.sessions)).id
    await bot.socket.send_json({"op": 6, "d": {"token": sandbox.token, "session_id": session, "seq": 0}})
    while (await bot.next())["t"] != "RESUMED":
        pass
    assert apply(sandbox, "outage", "", here=general(sandbox).guild) == "the bot has lost Sandbox, until :mend"
    assert (await bot.next())["d"]["unavailable"] is True
    assert apply(sandbox, "mend", "") == "nothing goes wrong any more"
    assert (await bot.next())["t"] == "GUILD_CREATE"
    assert apply(sandbox, "outage", "Sandbox") == "the bot has lost Sandbox, until :mend"
    assert (await bot.next())["t"] == "GUILD_DELETE"
    assert apply(sandbox, "drop", "4000") == "the gateway broke off"
    assert (await bot.socket.receive(timeout=5)).data == 4000


@pytest.mark.parametrize(
    ("verb", "argument"),
    [
        ("fail", ""),
        ("fail", "POST"),
        ("fail", "POST ("),
        ("fail", "POST / 500 2 3"),
        ("fail", "POST / never"),
        ("delay", "POST / soon"),
        ("drop", "now"),
        ("reconnect", "1"),
        ("invalidate", "perhaps"),
        ("duplicate", "A B"),
        ("outage", ""),
        ("outage", "Nowhere"),
        ("mend", "it"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_is_expected(sandbox: Sandbox, verb: str, argument: str) -> None:
    with pytest.raises(Impossible, match=f"expected :{verb}"):
        apply(sandbox, verb, argument)
    assert (sandbox.faults.failures, sandbox.faults.delays) == ([], [])


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda broken: broken.fail("GET", "/", how="bogus"),
        lambda broken: broken.fail("GET", "/", 200),
        lambda broken: broken.fail("GET", "/", 429, done=True),
        lambda broken: broken.fail("GET", "/", 500, times=0),
        lambda broken: broken.delay("GET", "/", float("nan")),
        lambda broken: broken.delay("GET", "/", -5),
        lambda broken: broken.delay("GET", "/", 1, times=-1),
        lambda broken: broken.drop(code=99_999_999),
        lambda broken: broken.drop(code=-1),
        lambda broken: broken.duplicate(times=0),
        lambda broken: broken.reorder(times=0),
        lambda broken: apply(broken, "fail", "POST /callback 500 0"),
        lambda broken: apply(broken, "delay", "POST /callback nan"),
        lambda broken: apply(broken, "drop", "12345"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_breaks_nothing(
    sandbox: Sandbox, rest: aiohttp.ClientSession, nonsense: Callable[[Sandbox], object]
) -> None:
    with pytest.raises((ValueError, Impossible), match="expected"):
        nonsense(sandbox)
    assert await status(rest) == 200
