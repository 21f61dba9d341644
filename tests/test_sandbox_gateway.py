"""The sandbox's gateway: what a raw websocket sees, and that hikari and discord.py live on it."""

from __future__ import annotations

import asyncio
import json
import sys
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

from wisp.sandbox import Sandbox
from wisp.sandbox.gateway import Intent
from wisp.sandbox.world import COMMAND, BotConnected, BotDisconnected, Guild, InteractionAnswered, User, World

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
    return world.create_interaction(COMMAND, person(world, "bob"), channel, data)


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


async def test_a_privileged_intent_that_is_off_is_closed_with_4014(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.world.application_flags = 0
    shard = await connect()
    await shard.identify(sandbox, intents=int(Intent.MESSAGE_CONTENT))
    assert await shard.close_code() == 4014


async def test_a_shard_with_more_than_2500_guilds_is_closed_with_4011(sandbox: Sandbox, connect: Connect) -> None:
    for number in range(2500):
        sandbox.world.add_guild(f"guild {number}")
    shard = await connect()
    await shard.identify(sandbox)
    assert await shard.close_code() == 4011


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


async def test_zstd_stream_is_one_stream_over_all_payloads(sandbox: Sandbox, connect: Connect) -> None:
    zstd = pytest.importorskip("backports.zstd")
    shard = await connect("&compress=zstd-stream", zstd.ZstdDecompressor().decompress)
    assert (await shard.begin(sandbox))["user"]["username"] == "wisp"


async def test_without_a_zstd_library_the_close_says_what_to_install(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?compress=zstd-stream", autoclose=False) as socket,
    ):
        message = await socket.receive(timeout=5)
    assert (message.data, "pip install" in (message.extra or "")) == (4002, True)


async def test_a_guild_that_the_bot_joins_is_shown_as_far_as_intents_go(sandbox: Sandbox, connect: Connect) -> None:
    shards = [await connect(), await connect()]
    await shards[0].begin(sandbox)
    await shards[1].begin(sandbox, intents=int(Intent.GUILDS))
    sandbox.world.add_guild("New")
    created = [await shard.event("GUILD_CREATE") for shard in shards]
    assert [len(guild["members"]) for guild in created] == [2, 1]


async def test_a_session_hears_only_of_its_intents(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.GUILD_MESSAGES))
    world.add_channel(home(world), "unheard")
    world.add_member(home(world), world.add_user("unheard"))
    channel = home(world).channel("general")
    assert channel is not None
    world.add_message(world.dm(world.owner), world.owner, content="unheard")
    world.add_message(channel, world.owner, content="heard")
    message = await shard.event("MESSAGE_CREATE")
    # Its content, though, takes an intent of its own.
    assert (message["content"], message["author"]["username"]) == ("", "ada")
    world.add_message(channel, world.owner, content=f"{world.bot.mention} seen")
    assert (await shard.event("MESSAGE_CREATE"))["content"].endswith("seen")


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
    world.add_message(channel, world.bot, content="secret", flags=64, ephemeral_for=world.owner)
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


async def test_all_members_need_the_intent(sandbox: Sandbox, connect: Connect) -> None:
    shard = await connect()
    await shard.begin(sandbox, intents=int(Intent.GUILDS))
    await shard.send(8, {"guild_id": str(home(sandbox.world).id), "query": "", "limit": 0})
    assert await shard.close_code() == 4014


async def test_guilds_are_spread_over_shards_and_the_rest_goes_to_shard_0(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    while len({(guild.id >> 22) % 2 for guild in world.guilds.values()}) < 2:
        await asyncio.sleep(0.001)
        world.add_guild("another")
    shards = [await connect(), await connect()]
    readies = [await shard.begin(sandbox, shard=[number, 2]) for number, shard in enumerate(shards)]
    for number, ready in enumerate(readies):
        assert {(int(guild["id"]) >> 22) % 2 for guild in ready["guilds"]} == {number}
    away = next(guild for guild in world.guilds.values() if (guild.id >> 22) % 2 == 1)
    world.add_channel(away, "there")
    assert (await shards[1].event("CHANNEL_CREATE"))["name"] == "there"
    world.add_message(world.dm(world.owner), world.owner, content="direct")
    assert (await shards[0].event("MESSAGE_CREATE"))["content"] == "direct"


async def test_a_resume_repeats_what_was_missed(sandbox: Sandbox, connect: Connect) -> None:
    world = sandbox.world
    first = await connect()
    ready = await first.begin(sandbox)
    sandbox.gateway.disconnect(code=4000)
    assert await first.close_code() == 4000
    world.add_channel(home(world), "missed")
    second = await connect()
    await second.send(6, {"token": sandbox.token, "session_id": ready["session_id"], "seq": first.sequence})
    assert (await second.event("CHANNEL_CREATE"))["name"] == "missed"
    await second.event("RESUMED")
    world.add_channel(home(world), "heard")
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


async def test_a_session_that_said_goodbye_is_over(sandbox: Sandbox, connect: Connect) -> None:
    first = await connect()
    ready = await first.begin(sandbox)
    gone = asyncio.Event()
    sandbox.world.watch(lambda happening: gone.set() if isinstance(happening, BotDisconnected) else None)
    await first.socket.close(code=1000)
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
    sandbox.gateway.invalidate(0)
    assert ((await shard.receive())["d"], len(sandbox.gateway.sessions)) == (False, 0)


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
    world.watch(seen.put_nowait)
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
    world.watch(lambda happening: answered.set() if isinstance(happening, InteractionAnswered) else None)

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
        member = world.resolved_member(guild.members[bob.id], channel)
        data = {
            "id": str(command.id),
            "name": "hello",
            "type": 1,
            "options": [{"type": 6, "name": "user", "value": str(bob.id)}],
            "resolved": {"users": {str(bob.id): bob.payload()}, "members": {str(bob.id): member}},
        }
        interaction = world.create_interaction(COMMAND, bob, channel, data)
        await asyncio.wait_for(answered.wait(), 5)
        assert interaction.original is not None
        assert (interaction.original.content, interaction.original.ephemeral) == (f"Hello {bob.mention}!", True)
    await running
    assert world.errors == []
