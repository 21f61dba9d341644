"""The sandbox's gateway: what a raw websocket sees, and that hikari and discord.py live on it."""

from __future__ import annotations

import asyncio
import json
import warnings
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import hikari
import pytest
import yarl
from hikari.impl.shard import GatewayShardImpl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wisp.local.virtual_time import VirtualTime
from wisp.sandbox import Sandbox
from wisp.sandbox.gateway.connection import TOLERANCE
from wisp.sandbox.gateway.intents import HIDDEN_FLAG, HIDDEN_NAME, VIEW_CHANNEL, Intent
from wisp.sandbox.world.changes import BotConnected, BotDisconnected, InteractionAnswered
from wisp.sandbox.world.objects import COMMAND, Guild, User
from wisp.sandbox.world.world import World

EVERYTHING = int(sum(Intent))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


class Shard:
    """One websocket, spoken by hand."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, inflate: Callable[[bytes], bytes] | None) -> None:
        self.socket = socket
        self.sequence = 0
        self._inflate = inflate

    async def send(self, op: int, data: Any) -> None:
        # As hikari does, in a binary frame.
        await self.socket.send_bytes(json.dumps({"op": op, "d": data}).encode())

    async def receive(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=5)
        assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}, message
        assert (message.type is aiohttp.WSMsgType.BINARY) == (self._inflate is not None)
        payload = json.loads(self._inflate(message.data) if self._inflate else message.data)
        self.sequence = payload.get("s") or self.sequence
        return payload

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event, which must be of this name."""
        payload = await self.receive()
        assert (payload["op"], payload["t"]) == (0, name)
        return payload["d"]

    async def identify(self, sandbox: Sandbox, **changes: Any) -> None:
        data = {"token": sandbox.token, "properties": {}, "intents": EVERYTHING, **changes}
        await self.send(2, {key: value for key, value in data.items() if value is not None})

    async def begin(self, sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
        """Identify, and pass over the guilds; the data of READY."""
        await self.identify(sandbox, **changes)
        ready = await self.event("READY")
        if changes.get("intents", EVERYTHING) & Intent.GUILDS:
            for _ in ready["guilds"]:
                await self.event("GUILD_CREATE")
        return ready

    async def close_code(self) -> int:
        """The code with which the sandbox closes, whatever it sends before."""
        while (message := await self.socket.receive(timeout=5)).type is not aiohttp.WSMsgType.CLOSE:
            assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}, message
        return message.data


@pytest.fixture
async def connect(sandbox: Sandbox) -> AsyncIterator[Callable[..., Awaitable[Shard]]]:
    """Opens websockets that have been greeted."""
    async with aiohttp.ClientSession() as session:

        async def open_one(query: str = "", inflate: Callable[[bytes], bytes] | None = None) -> Shard:
            url = f"{sandbox.gateway_url}?v=10&encoding=json{query}"
            shard = Shard(await session.ws_connect(url, autoclose=False), inflate)
            assert (await shard.receive())["op"] == 10
            return shard

        yield open_one


Connect = Callable[..., Awaitable[Shard]]


def home(world: World) -> Guild:
    return next(iter(world.guilds.values()))


def person(world: World, name: str) -> User:
    return next(user for user in world.users.values() if user.name == name)


def use(world: World, name: str = "hello") -> Any:
    """Let bob use a command in #general."""
    data = {"id": "1", "name": name, "type": 1}
    channel = home(world).channel("general")
    assert channel is not None
    return world.interactions.create(COMMAND, person(world, "bob"), channel, data)


async def test_ready_names_the_session_and_the_guilds_follow(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.identify(sandbox)
    ready = await shard.event("READY")
    guild = home(sandbox.world)
    assert ready["guilds"] == [{"id": str(guild.id), "unavailable": True}]
    assert (ready["shard"], ready["resume_gateway_url"]) == ([0, 1], sandbox.gateway_url)
    created = await shard.event("GUILD_CREATE")
    assert sorted(member["user"]["username"] for member in created["members"]) == ["ada", "bob", "wisp"]
    assert [channel["name"] for channel in created["channels"]] == ["general"]


async def test_a_heartbeat_is_acknowledged_even_before_identify(connect: Connect) -> None:
    shard = await connect()
    await shard.send(1, None)
    assert (await shard.receive())["op"] == 11


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"shard": [1, 1]}, 4010),
        ({"shard": [-1, 2]}, 4010),
        ({"intents": 1 << 30}, 4013),
        ({"intents": None}, 4013),
        ({"token": 5}, 4002),
        ({"properties": None}, 4002),
    ],
    ids=str,
)
async def test_a_wrong_identify_is_closed_with_discords_code(
    sandbox: Sandbox, connect: Connect, changes: dict[str, Any], code: int
) -> None:
    shard = await connect()
    await shard.identify(sandbox, **changes)
    assert await shard.close_code() == code


@pytest.mark.parametrize("undocumented", [17, 18, 19, 22, 23, 26, 27, 28, 29])
async def test_undocumented_bits_of_intents_are_taken(sandbox: Sandbox, connect: Connect, undocumented: int) -> None:
    shard = await connect()
    assert (await shard.begin(sandbox, intents=1 << undocumented | 1))["user"]["username"] == "wisp"


async def test_a_status_of_null_is_online(sandbox: Sandbox, connect: Connect) -> None:
    world, game = sandbox.world, {"name": "chess", "type": 0}
    shard = await connect()
    await shard.begin(sandbox, presence={"status": None, "since": 0, "activities": [game], "afk": False})
    shown = world.presences[world.bot.id]
    assert (shown["status"], [activity["name"] for activity in shown["activities"]]) == ("online", ["chess"])
    await shard.send(3, {"status": "dnd", "since": None, "activities": [], "afk": False})
    await shard.send(3, {"status": None, "since": None, "activities": [game], "afk": False})
    await shard.send(1, None)
    while (await shard.receive())["op"] != 11:
        pass
    assert world.presences[world.bot.id]["status"] == "online"


async def test_a_presence_without_a_status_is_closed(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.identify(sandbox, presence={"since": 0, "activities": [], "afk": False})
    assert await shard.close_code() == 4002


async def test_each_refusal_of_the_gateway_is_logged_with_the_reason_of_its_close_frame(
    sandbox: Sandbox, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(op: int, data: Any) -> None:
        shard = await connect()
        await shard.send(op, data)
        while (message := await shard.socket.receive(timeout=5)).type is not aiohttp.WSMsgType.CLOSE:
            pass
        refused.append(message)

    refused: list[aiohttp.WSMessage] = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=3", autoclose=False) as socket,
    ):
        refused.append(await socket.receive(timeout=5))
    await breaks(99, None)
    await breaks(3, {})
    await breaks(2, {"token": "wrong", "properties": {}})
    await breaks(2, {"token": sandbox.token, "properties": {}, "intents": -1})
    await breaks(2, {"token": sandbox.token, "properties": {}, "presence": {"status": "sleepy"}, "intents": 0})
    assert [message.data for message in refused] == [4012, 4001, 4003, 4004, 4013, 4002]
    assert caplog.messages == [
        f"the sandbox's gateway closed the bot's connection with {message.data}: {message.extra}" for message in refused
    ]
    assert all(message.extra for message in refused)
    caplog.clear()


async def test_a_session_that_is_refused_is_logged_with_the_reason_that_opcode_9_has_no_room_for(
    sandbox: Sandbox, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def refused(op: int, **data: Any) -> str:
        shard = await connect()
        await shard.send(op, {"token": sandbox.token, **data})
        assert await shard.receive() == {"op": 9, "d": False, "s": None, "t": None}
        (message,) = caplog.messages
        caplog.clear()
        start = "the sandbox's gateway sent the bot opcode 9, Invalid Session: "
        assert message.startswith(start)
        return message.removeprefix(start)

    assert await refused(6, session_id="gone", seq=0) == "there is no session of the id that it resumes"
    sandbox.gateway.sessions.identify_window = 5.0
    first = await connect()
    session = (await first.begin(sandbox))["session_id"]
    reason = "shard 0 identified within 5 s of the last of its rate limit key"
    assert await refused(2, properties={}, intents=0) == reason
    (began,) = sandbox.gateway.sessions
    began.sent.clear()
    assert await refused(6, session_id=session, seq=0) == "the session that it resumes is over"


async def test_a_sandbox_that_stops_says_so_to_the_bot(connect: Connect, sandbox: Sandbox) -> None:
    shard = await connect()
    await sandbox.close()
    message = await shard.socket.receive(timeout=5)
    assert (message.data, message.extra) == (1001, "the sandbox is closed")


async def test_a_frame_that_is_too_long_to_be_read_is_logged(
    sandbox: Sandbox, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    shard = await connect()
    await shard.socket.send_str("x" * 20_000)
    assert await shard.close_code() == 1009
    assert ["could not read what the bot sent" in message for message in caplog.messages] == [True]


async def test_a_privileged_intent_that_is_off_is_closed_with_4014(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.world.application_flags = 0
    shard = await connect()
    await shard.identify(sandbox, intents=int(Intent.MESSAGE_CONTENT))
    assert await shard.close_code() == 4014


def as_of_a_large_bot(world: World, count: int) -> None:
    """Give the bot so many guilds, made one millisecond after another, so that they spread over shards."""
    first = max(world.guilds) + (1 << 22)
    for number in range(count - len(world.guilds)):
        world.guilds.add(f"guild {number}", id=first + (number << 22))


async def test_a_shard_with_more_than_2500_guilds_is_closed_with_4011(sandbox: Sandbox, connect: Connect) -> None:
    as_of_a_large_bot(sandbox.world, 2501)
    shard = await connect()
    await shard.identify(sandbox)
    assert await shard.close_code() == 4011


async def test_2501_guilds_come_up_over_several_shards(sandbox: Sandbox, connect: Connect) -> None:
    as_of_a_large_bot(sandbox.world, 2501)
    shards = [await connect() for _ in range(3)]
    readies = [await shard.begin(sandbox, shard=[number, 3]) for number, shard in enumerate(shards)]
    shown = [int(guild["id"]) for ready in readies for guild in ready["guilds"]]
    assert (len(shown), set(shown)) == (2501, set(sandbox.world.guilds))


async def test_shards_of_one_key_may_not_identify_within_5_seconds(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.gateway.sessions.max_concurrency, sandbox.gateway.sessions.identify_window = 2, 5.0
    shards = [await connect() for _ in range(3)]
    for number in (0, 1):  # of two keys
        await shards[number].begin(sandbox, shard=[number, 3])
    await shards[2].identify(sandbox, shard=[2, 3])  # of the key of shard 0
    assert await shards[2].receive() == {"op": 9, "d": False, "s": None, "t": None}
    sandbox.gateway.sessions.identify_window = 0.0
    await shards[2].begin(sandbox, shard=[2, 3])


async def test_rest_says_how_many_sessions_may_start(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.gateway.sessions.session_starts, sandbox.gateway.sessions.max_concurrency = 3, 4
    await (await connect()).begin(sandbox)
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {sandbox.token}"}) as session,
        session.get(sandbox.rest_url + "/gateway/bot") as response,
    ):
        limit = (await response.json())["session_start_limit"]
    assert (limit["total"], limit["remaining"], limit["max_concurrency"]) == (3, 2, 4)
    assert 0 < limit["reset_after"] <= 24 * 60 * 60 * 1000


async def test_a_start_too_many_ends_all_sessions_and_resets_the_token(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.gateway.sessions.session_starts = 1
    first, second = await connect(), await connect()
    await first.begin(sandbox)
    old = sandbox.token
    await second.identify(sandbox)
    assert (await second.close_code(), await first.close_code()) == (4004, 4004)
    assert sandbox.token != old
    third = await connect()
    await third.identify(sandbox, token=old)
    assert await third.close_code() == 4004


async def test_a_bot_that_stops_heartbeating_is_dropped_and_may_resume(
    time: VirtualTime, sandbox: Sandbox, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    shard = await connect()
    ready = await shard.begin(sandbox)
    for _ in range(3):
        await asyncio.sleep(60)
        await shard.send(1, shard.sequence)
        assert (await shard.receive())["op"] == 11
    (session,) = sandbox.gateway.sessions
    await time.advance(sandbox.gateway.heartbeat_interval * TOLERANCE - 0.1)
    assert session.connection
    await time.advance(0.1)
    assert not session.connection
    assert await shard.close_code() == 4009
    reason = "no heartbeat within 61.875 s"
    assert caplog.messages == [f"the sandbox's gateway closed the bot's connection with 4009: {reason}"]
    second = await connect()
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": shard.sequence})
    await second.event("RESUMED")


async def test_more_than_120_frames_in_a_minute_are_closed_with_4008(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox)
    for _ in range(119):
        await shard.send(3, {"status": "idle", "since": None, "activities": [], "afk": False})
    await shard.send(1, None)
    assert await shard.close_code() == 4008


async def test_a_session_that_nobody_resumed_for_minutes_is_over(sandbox: Sandbox, connect: Connect) -> None:
    first, second = await connect(), await connect()
    ready = await first.begin(sandbox)
    sandbox.drop(code=4000)
    (session,) = sandbox.gateway.sessions
    session.left -= 181
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": first.sequence})
    assert (await second.receive())["op"] == 9


@pytest.mark.parametrize(("code", "op"), [(1000, 9), (1001, 9), (4000, 0), (1006, 0)])
async def test_a_session_ends_if_the_bot_closes_with_1000_or_1001_alone(
    sandbox: Sandbox, connect: Connect, code: int, op: int
) -> None:
    first, second = await connect(), await connect()
    ready = await first.begin(sandbox)
    if code == 1006:  # no close frame at all
        assert first.socket._writer.transport is not None
        first.socket._writer.transport.abort()
    else:
        await first.socket.close(code=code)
    (session,) = sandbox.gateway.sessions or [None]
    while session is not None and session.connection is not None and len(sandbox.gateway.sessions):
        await asyncio.sleep(0)
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": first.sequence})
    assert (await second.receive())["op"] == op


async def test_a_status_that_does_not_exist_is_closed_with_4002(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.identify(sandbox, presence={"status": "sleepy", "since": None, "activities": [], "afk": False})
    assert await shard.close_code() == 4002


async def test_payloads_are_compressed_each_where_the_identify_says_so(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.identify(sandbox, compress=True)
    message = await shard.socket.receive(timeout=5)
    assert json.loads(zlib.decompress(message.data))["t"] == "READY"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"no json", 4002),
        (b"[]", 4002),
        (b'{"op": "2"}', 4002),
        (b"\xff", 4002),
        (b'{"op": 2, "d": ' + b"[" * 2000 + b"]" * 2000 + b"}", 4002),
        (b'{"op": 2, "d": "' + b"x" * 5000 + b'"}', 4002),
        (b'{"op": 99}', 4001),
        (b'{"op": 3, "d": {}}', 4003),
        (b'{"op": 6, "d": {"token": "wrong", "session_id": "x", "seq": 0}}', 4004),
    ],
)
async def test_a_frame_that_breaks_the_protocol_closes_with_discords_code(
    connect: Connect, frame: bytes, code: int
) -> None:
    shard = await connect()
    await shard.socket.send_bytes(frame)
    assert await shard.close_code() == code


async def test_a_second_identify_is_closed_with_4005(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox)
    await shard.identify(sandbox)
    assert await shard.close_code() == 4005


@pytest.mark.parametrize(("query", "code"), [("v=3", 4012), ("encoding=etf", 4002), ("compress=gzip", 4002)])
async def test_what_the_sandbox_does_not_speak_is_closed_at_once(sandbox: Sandbox, query: str, code: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?{query}", autoclose=False) as socket,
    ):
        assert (await socket.receive(timeout=5)).data == code


async def test_zlib_stream_is_one_stream_over_all_payloads(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect("&compress=zlib-stream", zlib.decompressobj().decompress)
    assert (await shard.begin(sandbox))["user"]["username"] == "wisp"


async def test_a_guild_that_the_bot_joins_is_shown_as_far_as_intents_go(sandbox: Sandbox, connect: Connect) -> None:
    shards = [await connect(), await connect()]
    await shards[0].begin(sandbox)
    await shards[1].begin(sandbox, intents=int(Intent.GUILDS))
    sandbox.world.guilds.add("New")
    created = [await shard.event("GUILD_CREATE") for shard in shards]
    assert [len(guild["members"]) for guild in created] == [2, 1]


async def test_a_session_hears_only_of_its_intents(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.GUILD_MESSAGES))
    world.channels.add(home(world), "unheard")
    world.members.add(home(world), world.users.add("unheard"))
    channel = home(world).channel("general")
    assert channel is not None
    world.messages.add(world.channels.dm(world.owner), world.owner, content="unheard")
    world.messages.add(channel, world.owner, content="heard")
    message = await shard.event("MESSAGE_CREATE")
    # Its content, though, takes an intent of its own.
    assert (message["content"], message["author"]["username"]) == ("", "ada")
    world.messages.add(channel, world.owner, content=f"{world.bot.mention} seen")
    assert (await shard.event("MESSAGE_CREATE"))["content"].endswith("seen")


async def test_a_guild_joined_later_does_not_say_that_it_was_unavailable(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.identify(sandbox)
    await shard.event("READY")
    assert (await shard.event("GUILD_CREATE"))["unavailable"] is False
    sandbox.world.guilds.add("New")
    assert "unavailable" not in await shard.event("GUILD_CREATE")


async def test_an_outage_takes_a_guild_away_and_brings_it_back(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    shard = await connect()
    await shard.begin(sandbox)
    sandbox.outage(home(world))
    assert await shard.event("GUILD_DELETE") == {"id": str(home(world).id), "unavailable": True}
    world.channels.add(home(world), "unheard")
    second = await connect()
    await second.identify(sandbox)
    assert (await second.event("READY"))["guilds"] == [{"id": str(home(world).id), "unavailable": True}]
    sandbox.clear_faults()
    for one in (shard, second):
        back = await one.event("GUILD_CREATE")
        assert (back["unavailable"], [channel["name"] for channel in back["channels"]]) == (
            False,
            ["general", "unheard"],
        )


def allow_everyone(world: World, permissions: int) -> None:
    """Let this be what everybody at home may do, the bot among them."""
    guild = home(world)
    own = guild.role_of(world.bot)
    assert own is not None
    own.permissions = 0
    world.roles.edit(guild, guild.everyone, permissions=permissions)


async def test_channels_that_the_bot_cannot_see_are_hidden_and_silent(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    guild = home(world)
    channel = guild.channel("general")
    assert channel is not None
    world.channels.edit(channel, topic="What we plan", nsfw=True, slowmode=5)
    allow_everyone(world, 0)
    shard = await connect()
    await shard.identify(sandbox)
    await shard.event("READY")
    (hidden,) = (await shard.event("GUILD_CREATE"))["channels"]
    assert (hidden["name"], hidden["id"], hidden["flags"] & HIDDEN_FLAG) == (HIDDEN_NAME, str(channel.id), HIDDEN_FLAG)
    assert (hidden["topic"], hidden["nsfw"], hidden["rate_limit_per_user"]) == (None, False, 0)
    assert [(one["id"], one["deny"]) for one in hidden["permission_overwrites"]] == [(str(guild.id), "1024")]
    world.messages.add(channel, world.owner, content="unheard")
    world.messages.show_typing(channel, world.owner)
    world.channels.add(guild, "secret")
    assert (await shard.event("CHANNEL_CREATE"))["name"] == HIDDEN_NAME
    # Commands can be used where the bot sees nothing.
    use(world)
    assert (await shard.event("INTERACTION_CREATE"))["channel"]["name"] == "general"
    # The role's change brings both into sight.
    allow_everyone(world, VIEW_CHANNEL)
    await shard.event("GUILD_ROLE_UPDATE")
    assert {(await shard.event("CHANNEL_UPDATE"))["name"] for _ in range(2)} == {"general", "secret"}
    synced = await shard.event("THREAD_LIST_SYNC")
    assert ({*synced["channel_ids"]}, synced["threads"]) == ({str(number) for number in guild.channels}, [])
    world.messages.add(channel, world.owner, content="heard")
    assert (await shard.event("MESSAGE_CREATE"))["content"] == "heard"


async def test_who_gains_access_to_a_channel_is_sent_its_open_threads(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    guild = home(world)
    channel = guild.channel("general")
    assert channel is not None
    allow_everyone(world, VIEW_CHANNEL)
    mine, other, old = (world.threads.start(channel, name, world.owner) for name in ("mine", "other", "old"))
    world.threads.start(channel, "private", world.owner, kind=12)
    world.threads.join(mine, world.bot)
    world.threads.edit(old, archived=True)
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.GUILDS))
    world.channels.set_overwrite(channel, guild.everyone, deny=VIEW_CHANNEL)
    assert (await shard.event("CHANNEL_UPDATE"))["name"] == HIDDEN_NAME
    world.channels.set_overwrite(channel, guild.everyone)
    assert (await shard.event("CHANNEL_UPDATE"))["name"] == "general"
    synced = await shard.event("THREAD_LIST_SYNC")
    assert (synced["guild_id"], synced["channel_ids"]) == (str(guild.id), [str(channel.id)])
    assert [thread["id"] for thread in synced["threads"]] == [str(mine.id), str(other.id)]
    assert [(one["id"], one["user_id"]) for one in synced["members"]] == [(str(mine.id), str(world.bot.id))]


async def test_a_reply_without_the_content_intent_does_not_quote_either(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.GUILD_MESSAGES))
    channel = home(world).channel("general")
    assert channel is not None
    first = world.messages.add(channel, world.owner, content="a secret")
    world.messages.add(channel, world.owner, content="indeed", reference=first)
    await shard.event("MESSAGE_CREATE")
    assert (await shard.event("MESSAGE_CREATE"))["referenced_message"]["content"] == ""


async def test_an_event_that_discord_does_not_have_is_an_error(sandbox: Sandbox, connect: Connect) -> None:
    await (await connect()).begin(sandbox)
    sandbox.world.dispatch("GUILD_PARTY", {}, home(sandbox.world))
    assert [repr(error) for error in sandbox.world.errors] == ["KeyError('GUILD_PARTY')"]
    sandbox.world.errors.clear()


async def test_an_interaction_needs_no_intent(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox, intents=0)
    interaction = use(sandbox.world)
    assert (await shard.event("INTERACTION_CREATE"))["token"] == interaction.token


async def test_an_ephemeral_message_looks_like_a_direct_one(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.DIRECT_MESSAGES))
    channel = home(world).channel("general")
    assert channel is not None
    world.messages.add(channel, world.bot, content="secret", flags=64, ephemeral_for=world.owner)
    message = await shard.event("MESSAGE_CREATE")
    assert (message["content"], "guild_id" in message) == ("secret", False)


async def test_the_bot_alone_is_listed_without_the_presences_intent(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.identify(sandbox, intents=int(Intent.GUILDS | Intent.GUILD_MEMBERS))
    await shard.event("READY")
    created = await shard.event("GUILD_CREATE")
    assert ([member["user"]["username"] for member in created["members"]], created["member_count"]) == (["wisp"], 3)


async def test_members_are_sent_on_request(sandbox: Sandbox, connect: Connect) -> None:
    guild = home(sandbox.world)
    shard = await connect()
    await shard.begin(sandbox)
    await shard.send(8, {"guild_id": str(guild.id), "query": "", "limit": 0, "nonce": "n"})
    chunk = await shard.event("GUILD_MEMBERS_CHUNK")
    assert (len(chunk["members"]), chunk["chunk_index"], chunk["chunk_count"], chunk["nonce"]) == (3, 0, 1, "n")
    await shard.send(8, {"guild_id": str(guild.id), "user_ids": [str(guild.owner.id), "1"], "presences": True})
    chunk = await shard.event("GUILD_MEMBERS_CHUNK")
    assert [member["user"]["username"] for member in chunk["members"]] == ["ada"]
    assert (chunk["not_found"], chunk["presences"]) == (["1"], [])
    await shard.send(8, {"guild_id": str(guild.id), "query": "BO", "limit": 1})
    assert [m["user"]["username"] for m in (await shard.event("GUILD_MEMBERS_CHUNK"))["members"]] == ["bob"]


async def test_members_come_in_chunks_of_1000_and_lists_stop_at_100(sandbox: Sandbox, connect: Connect) -> None:
    world, guild = sandbox.world, home(sandbox.world)
    for number in range(1200):
        world.members.add(guild, world.users.add(f"member {number}"))
    shard = await connect()
    await shard.begin(sandbox)
    await shard.send(8, {"guild_id": str(guild.id), "query": "", "limit": 0})
    chunks = [await shard.event("GUILD_MEMBERS_CHUNK") for _ in range(2)]
    counts = [(len(chunk["members"]), chunk["chunk_index"], chunk["chunk_count"]) for chunk in chunks]
    assert counts == [(1000, 0, 2), (203, 1, 2)]
    await shard.send(8, {"guild_id": str(guild.id), "query": "member", "limit": 500, "nonce": "x" * 33})
    chunk = await shard.event("GUILD_MEMBERS_CHUNK")
    assert (len(chunk["members"]), "nonce" in chunk) == (100, False)
    await shard.send(8, {"guild_id": str(guild.id), "user_ids": [str(number) for number in guild.members][:150]})
    assert len((await shard.event("GUILD_MEMBERS_CHUNK"))["members"]) == 100


async def test_presences_come_with_a_guild_and_its_members_where_the_intent_is_there(
    sandbox: Sandbox, connect: Connect
) -> None:
    world = sandbox.world
    world.presences.set(world.owner, "dnd")
    world.presences.set(person(world, "bob"), "invisible")
    shards = [await connect(), await connect()]
    everything = EVERYTHING & ~int(Intent.GUILD_PRESENCES)
    for shard, intents, expected in zip(shards, (EVERYTHING, everything), (["dnd"], []), strict=True):
        await shard.identify(sandbox, intents=intents)
        await shard.event("READY")
        assert [one["status"] for one in (await shard.event("GUILD_CREATE"))["presences"]] == expected
        await shard.send(8, {"guild_id": str(home(world).id), "query": "", "limit": 0, "presences": True})
        assert [one["status"] for one in (await shard.event("GUILD_MEMBERS_CHUNK")).get("presences", [])] == expected
    world.presences.set(world.owner, "online", [{"name": "chess", "type": 0}])
    update = await shards[0].event("PRESENCE_UPDATE")
    assert (update["status"], update["activities"][0]["name"]) == ("online", "chess")
    await shards[0].send(3, {"status": "idle", "since": None, "activities": [{"name": "go", "type": 0}], "afk": True})
    own = await shards[0].event("PRESENCE_UPDATE")
    assert (own["user"]["id"], own["status"], own["activities"][0]["name"]) == (str(world.bot.id), "idle", "go")
    assert world.presences[world.bot.id]["status"] == "idle"
    await shards[1].send(1, None)
    assert (await shards[1].receive())["op"] == 11  # and heard of no presence
    third = await connect()
    await third.identify(sandbox, presence={"status": "dnd", "since": None, "activities": [], "afk": False})
    await third.event("READY")
    shown = {one["user"]["id"]: one["status"] for one in (await third.event("GUILD_CREATE"))["presences"]}
    assert shown == {str(world.owner.id): "online", str(world.bot.id): "dnd"}


async def test_hikari_comes_up_over_several_shards_with_2501_guilds(sandbox: Sandbox) -> None:
    shards = 2
    sandbox.world.shards, sandbox.gateway.sessions.max_concurrency, sandbox.gateway.sessions.identify_window = (
        shards,
        shards,
        5.0,
    )
    as_of_a_large_bot(sandbox.world, 2501)
    bot = hikari.GatewayBot(
        sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None, intents=hikari.Intents.GUILDS
    )
    await bot.start(check_for_updates=False)
    try:
        async with asyncio.timeout(20):
            while len(bot.cache.get_available_guilds_view()) < 2501:
                await asyncio.sleep(0.05)
        assert (len(bot.shards), len(sandbox.gateway.sessions)) == (shards, shards)
    finally:
        await bot.close()


async def test_all_members_again_within_30_seconds_is_rate_limited(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.gateway.sessions.members_window = 30.0
    guild = home(sandbox.world)
    shard = await connect()
    await shard.begin(sandbox)
    for nonce in "ab":
        await shard.send(8, {"guild_id": str(guild.id), "query": "", "limit": 0, "nonce": nonce})
    await shard.event("GUILD_MEMBERS_CHUNK")
    limited = await shard.event("RATE_LIMITED")
    assert (limited["opcode"], limited["meta"]) == (8, {"guild_id": str(guild.id), "nonce": "b"})
    assert 29 < limited["retry_after"] <= 30


async def test_all_members_need_the_intent(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.GUILDS))
    await shard.send(8, {"guild_id": str(home(sandbox.world).id), "query": "", "limit": 0})
    assert await shard.close_code() == 4014


async def test_guilds_are_spread_over_shards_and_the_rest_goes_to_shard_0(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    while len({(guild.id >> 22) % 2 for guild in world.guilds.values()}) < 2:
        await asyncio.sleep(0.001)
        world.guilds.add("another")
    shards = [await connect(), await connect()]
    readies = [await shard.begin(sandbox, shard=[number, 2]) for number, shard in enumerate(shards)]
    for number, ready in enumerate(readies):
        assert {(int(guild["id"]) >> 22) % 2 for guild in ready["guilds"]} == {number}
    away = next(guild for guild in world.guilds.values() if (guild.id >> 22) % 2 == 1)
    world.channels.add(away, "there")
    assert (await shards[1].event("CHANNEL_CREATE"))["name"] == "there"
    world.messages.add(world.channels.dm(world.owner), world.owner, content="direct")
    assert (await shards[0].event("MESSAGE_CREATE"))["content"] == "direct"


async def test_a_resume_repeats_what_was_missed(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    first = await connect()
    ready = await first.begin(sandbox)
    sandbox.gateway.disconnect(code=4000)
    assert await first.close_code() == 4000
    world.channels.add(home(world), "missed")
    second = await connect()
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": first.sequence})
    assert (await second.event("CHANNEL_CREATE"))["name"] == "missed"
    await second.event("RESUMED")
    world.channels.add(home(world), "heard")
    assert (await second.event("CHANNEL_CREATE"))["name"] == "heard"
    assert second.sequence == first.sequence + 3


async def test_a_resume_of_no_session_is_invalid_and_identify_still_works(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.send(6, {"token": sandbox.token, "session_id": "gone", "seq": 1})
    assert await shard.receive() == {"op": 9, "d": False, "s": None, "t": None}
    await shard.begin(sandbox)


async def test_a_resume_from_the_future_is_closed_with_4007(sandbox: Sandbox, connect: Connect) -> None:
    first, second = await connect(), await connect()
    ready = await first.begin(sandbox)
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": 1000})
    assert await second.close_code() == 4007


async def test_what_a_heartbeat_confirmed_cannot_be_repeated(sandbox: Sandbox, connect: Connect) -> None:
    first, second = await connect(), await connect()
    ready = await first.begin(sandbox)
    await first.send(1, first.sequence)
    assert (await first.receive())["op"] == 11
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": 0})
    assert (await second.receive())["op"] == 9


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_session_that_said_goodbye_is_over(sandbox: Sandbox, connect: Connect, code: int) -> None:
    first = await connect()
    ready = await first.begin(sandbox)
    gone = asyncio.Event()
    sandbox.world.changes.subscribe(lambda change: gone.set() if isinstance(change, BotDisconnected) else None)
    await first.socket.close(code=code)
    await asyncio.wait_for(gone.wait(), 5)
    second = await connect()
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": 1})
    assert (await second.receive())["op"] == 9


async def test_the_sandbox_can_ask_for_a_reconnect_and_invalidate(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox)
    sandbox.gateway.reconnect()
    assert (await shard.receive())["op"] == 7
    sandbox.gateway.invalidate(resumable=True)
    assert ((await shard.receive())["d"], len(sandbox.gateway.sessions)) == (True, 1)
    await shard.send(6, {"token": sandbox.token, "session_id": next(iter(sandbox.gateway.sessions)).id, "seq": 2})
    await shard.event("RESUMED")
    sandbox.gateway.invalidate(0)
    assert ((await shard.receive())["d"], len(sandbox.gateway.sessions)) == (False, 0)


async def test_after_an_invalid_session_a_shard_identifies_on_the_same_connection_or_is_closed(
    sandbox: Sandbox, connect: Connect
) -> None:
    shard = await connect()
    await shard.begin(sandbox)
    sandbox.gateway.invalidate()
    assert (await shard.receive())["op"] == 9
    use(sandbox.world)  # which nobody hears
    await shard.send(1, None)
    assert (await shard.receive())["op"] == 11
    await shard.begin(sandbox)
    use(sandbox.world)
    await shard.event("INTERACTION_CREATE")
    sandbox.gateway.invalidate()
    assert (await shard.receive())["op"] == 9
    await shard.send(3, {"status": "online", "since": None, "activities": [], "afk": False})
    assert await shard.close_code() == 4003


async def test_closing_the_sandbox_closes_its_websockets_at_once(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox)
    await sandbox.close()
    await sandbox.close()
    assert await shard.close_code() == 1001


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
SNOWFLAKES = st.integers() | st.text(max_size=10) | st.lists(st.integers() | st.text(max_size=5), max_size=3)
FRAMES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"op": st.integers(0, 12) | JSON}, optional={"d": JSON}).map(
        lambda value: json.dumps(value).encode()
    ),
    st.fixed_dictionaries(
        {"guild_id": SNOWFLAKES}, optional={"user_ids": SNOWFLAKES, "query": JSON, "limit": st.integers()}
    ).map(lambda data: json.dumps({"op": 8, "d": data}).encode()),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(FRAMES, min_size=1, max_size=4), identified=st.booleans())
def test_no_frame_breaks_the_gateway(frames: list[bytes], identified: bool) -> None:
    async def play() -> None:
        async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
            async with session.ws_connect(sandbox.gateway_url) as socket:
                if identified:
                    await Shard(socket, None).identify(sandbox)
                for frame in frames:
                    if not socket.closed:
                        await socket.send_bytes(frame)
                await socket.send_bytes(b'{"op": 1}')
                # Either it answers the last heartbeat or it has closed with one of Discord's codes.
                async for message in socket:
                    if json.loads(message.data)["op"] == 11:
                        break
                else:
                    assert socket.close_code in range(4000, 4015)
            async with session.get(sandbox.rest_url + "/gateway") as response:
                assert (response.status, sandbox.world.errors) == (200, [])

    asyncio.run(play())


@pytest.mark.parametrize("compression", ["transport_zlib_stream", "transport_zstd_stream", None])
async def test_hikari_connects_answers_and_resumes(
    sandbox: Sandbox, compression: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compression == "transport_zstd_stream":
        pytest.importorskip("backports.zstd")
    # A bot always takes its shards' default.
    monkeypatch.setitem(GatewayShardImpl.__init__.__kwdefaults__, "compression", compression)
    world = sandbox.world
    seen: asyncio.Queue[object] = asyncio.Queue()
    world.changes.subscribe(seen.put_nowait)
    bot = hikari.GatewayBot(
        sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None, intents=hikari.Intents.ALL
    )

    @bot.listen()
    async def answer(event: hikari.CommandInteractionCreateEvent) -> None:
        response = await event.interaction.create_initial_response(4, f"Hello {event.interaction.user.mention}!")
        assert response.resource is not None

    async def happened(kind: type) -> Any:
        while not isinstance(found := await asyncio.wait_for(seen.get(), 5), kind):
            pass
        return found

    await bot.start(check_for_updates=False)
    try:
        guild = home(world)
        if guild.id not in bot.cache.get_guilds_view():
            await bot.wait_for(hikari.GuildAvailableEvent, 5)
        cached = bot.cache.get_guild(guild.id)
        assert cached is not None
        assert (cached.name, len(cached.get_members()), len(cached.get_channels())) == ("Sandbox", 3, 1)
        use(world)
        answered = await happened(InteractionAnswered)
        assert answered.interaction.original.content == f"Hello {person(world, 'bob').mention}!"
        await bot.update_presence(status=hikari.Status.IDLE, activity=hikari.Activity(name="a game"))
        if compression is None:
            sandbox.gateway.disconnect(code=4000, reason="try again")
            # What happens while it is away comes after the resume.
            use(world)
            # Not 4002: the presence was taken.
            assert (await happened(BotDisconnected)).code == 4000
            assert (await happened(BotConnected)).resumed
            await happened(InteractionAnswered)
    finally:
        await bot.close()
    assert world.errors == []


async def test_discord_py_connects_syncs_and_answers(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        # discord.py imports audioop, which Python 3.11 and 3.12 call deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        import discord
        from discord import app_commands
    world = sandbox.world
    monkeypatch.setattr(discord.http.Route, "BASE", sandbox.rest_url)
    gateway = yarl.URL(sandbox.gateway_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
    client = discord.Client(intents=discord.Intents.all())
    tree = app_commands.CommandTree(client)
    ready, answered = asyncio.Event(), asyncio.Event()
    world.changes.subscribe(lambda change: answered.set() if isinstance(change, InteractionAnswered) else None)

    @client.event
    async def on_ready() -> None:
        ready.set()

    async def hello(interaction: Any, user: Any) -> None:
        """Say hello."""
        await interaction.response.send_message(f"Hello {user.mention}!", ephemeral=True)

    # discord.py reads annotations of this module, which imports discord only here.
    hello.__annotations__ = {"interaction": discord.Interaction, "user": discord.Member}
    tree.command()(hello)
    async with client:
        running = asyncio.create_task(client.start(sandbox.token))
        await asyncio.wait_for(ready.wait(), 10)
        guild = home(world)
        cached = client.get_guild(guild.id)
        assert cached is not None
        assert sorted(member.name for member in cached.members) == ["ada", "bob", "wisp"]
        (command,) = await tree.sync()
        bob = person(world, "bob")
        channel = guild.channel("general")
        assert channel is not None
        member = world.interactions.resolved_member(guild.members[bob.id], channel)
        data = {
            "id": str(command.id),
            "name": "hello",
            "type": 1,
            "options": [{"type": 6, "name": "user", "value": str(bob.id)}],
            "resolved": {"users": {str(bob.id): bob.payload()}, "members": {str(bob.id): member}},
        }
        interaction = world.interactions.create(COMMAND, bob, channel, data)
        await asyncio.wait_for(answered.wait(), 5)
        assert interaction.original is not None
        assert (interaction.original.content, interaction.original.ephemeral) == (f"Hello {bob.mention}!", True)
    await running
    assert world.errors == []
