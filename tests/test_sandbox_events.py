"""Every gateway event that the world sends is taken by hikari and by discord.py, whose caches then show the world."""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import hikari
import pytest
import yarl

import wisp.sandbox
from wisp.sandbox import Sandbox
from wisp.sandbox.gateway.intents import EVENTS, INTENT_BITS, hears
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.objects import (
    CATEGORY,
    COMMAND,
    FORUM,
    PRIVATE_THREAD,
    STAGE,
    VOICE,
    Channel,
    Emoji,
    Guild,
    Poll,
)
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

SOURCES = [path for path in Path(wisp.sandbox.__file__).parent.rglob("*.py") if path.name != "intents.py"]
SENT = {
    name
    for path in SOURCES
    for name in re.findall(r'"([A-Z]+_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    if name in EVENTS
}
"""The events that the sandbox's code sends somewhere."""

BY_SESSION = {"GUILD_MEMBERS_CHUNK", "THREAD_LIST_SYNC"}
"""Those of which the world itself knows nothing."""

UNREAD = {"VOICE_CHANNEL_STATUS_UPDATE"}
"""Those that neither library reads: they take them as events that they do not know."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


def live(world: World) -> Guild:
    """Let everything happen that can happen, at home and elsewhere; the guild where it did."""
    home = next(iter(world.guilds.values()))
    ada = world.owner
    general = home.channel("general")
    assert general is not None
    for turn in range(2):  # what is deleted the first time stays the second
        eve = world.users.add(f"eve {turn}")
        role = world.roles.add(home, f"role {turn}", permissions=8, color=0xFF0000)
        world.roles.edit(home, role, name=f"the role {turn}", hoist=True)
        world.roles.move(home, {role: 1})
        member = world.members.add(home, eve, roles=[role])
        world.members.edit(member, nick="Eve", timed_out_until=world.clock.time() + 60)
        world.members.take_role(member, role)
        world.presences.set(eve, "idle", [{"name": "chess", "type": 0}])
        emoji = world.emojis.edit(home, world.emojis.add(home, "new"), name=f"party_{turn}")
        world.users.edit_bot(name=f"bot {turn}", avatar="0" * 32)
        soon = world.clock.time() + 60
        party, over = (
            world.scheduled_events.add(home, f"party {turn}", soon, end=soon + 1, location="Here") for _ in "ab"
        )
        world.scheduled_events.edit(party, status=2)
        world.scheduled_events.add_interested(party, ada)
        world.scheduled_events.remove_interested(party, ada)
        world.scheduled_events.delete(over)
        sticker = world.stickers.edit(home, world.stickers.add(home, "new"), name=f"wave_{turn}")
        world.messages.add(general, ada, stickers=[sticker])
        world.guilds.edit(home, name=f"Home {turn}", system_channel=general)
        channels = _channels(world, home, turn)
        threads = _threads(world, general, channels[-1], turn)
        _talk(world, general, emoji)
        _talk(world, threads[0], emoji)
        _talk(world, world.channels.dm(ada), emoji)
        world.interactions.create(COMMAND, ada, general, {"id": "1", "name": "hello", "type": 1})
        world.interactions.create(COMMAND, ada, world.channels.dm(ada), {"id": "1", "name": "hello", "type": 1})
        hello = world.commands.set(home, {"name": "hello", "description": "-"})
        allowed = [(home.id, 1), (ada.id, 2), (home.id - 1, 3), (general.id, 3)]
        overwrites = [{"id": id, "type": kind, "permission": turn == 0} for id, kind in allowed]
        world.commands.set_permissions(home, int(hello["id"]), overwrites)
        _belongings(world, general, channels[0])
        _voice(world, home)
        other = world.guilds.add(f"Other {turn}")
        if turn == 0:
            world.emojis.remove(home, emoji)
            world.stickers.remove(home, sticker)
            for channel in (threads[1], *channels):
                world.channels.delete(channel)
            world.roles.delete(home, role)
            world.members.ban(home, eve)
            world.members.unban(home, eve)
            world.members.remove(other.members[world.bot.id])
    return home


def _channels(world: World, home: Guild, turn: int) -> list[Channel]:
    category = world.channels.add(home, f"Category {turn}", kind=CATEGORY)
    text = world.channels.add(home, f"text {turn}", parent=category, topic="About")
    rest = [world.channels.add(home, f"kind {kind} {turn}", kind=kind) for kind in (VOICE, STAGE, FORUM)]
    world.voice.set_status(rest[0], "Chess")
    world.stages.edit(world.stages.start(rest[1], "Talk"), topic="Questions")
    if turn == 1:
        world.stages.end(world.stages[rest[1].id])
    world.channels.edit(text, topic="About this", slowmode=5)
    world.channels.set_overwrite(text, home.everyone, deny=1 << 10)
    world.channels.set_overwrite(text, world.bot, allow=1 << 10)
    world.channels.move(home, {text: 3})
    return [text, category, *rest]


def _threads(world: World, general: Channel, forum: Channel, turn: int) -> list[Channel]:
    started = world.messages.add(general, world.owner, content="A beginning")
    ada = world.owner
    public = world.threads.start(general, f"public {turn}", ada, message=started)
    private = world.threads.start(general, f"private {turn}", ada, kind=PRIVATE_THREAD)
    post = world.threads.start(forum, f"post {turn}", ada)
    bob = next(user for user in world.users.values() if user.name == "bob")
    for thread in (public, private, post):
        world.threads.join(thread, world.bot)
        world.threads.join(thread, bob)
        world.threads.leave(thread, bob)
    world.channels.edit(public, slowmode=10)
    world.threads.edit(public, archive_after=60)
    world.channels.set_overwrite(general, world.bot, deny=1 << 10)
    world.channels.set_overwrite(general, world.bot)
    return [public, private, post]


def _belongings(world: World, general: Channel, other: Channel) -> None:
    webhook = world.webhooks.add(general, "Hook", creator=world.owner)
    world.messages.add(general, webhook.author("Captain"), content="Ahoy", webhook=webhook)
    world.webhooks.edit(webhook, name="Other", channel=other)
    world.webhooks.delete(webhook)
    assert other.guild is not None
    world.audit_log.add(
        other.guild, AuditLogEvent.ROLE_UPDATE, world.owner, other.guild.id, "why not", changes=[{"key": "name"}]
    )
    world.invites.delete(world.invites.add(general, world.owner))
    _moderate(world, general)


def _moderate(world: World, general: Channel) -> None:
    rules, guild = world.auto_moderation, general.guild
    assert guild is not None
    bob = next(user for user in world.users.values() if user.name == "bob")
    rule = rules.add(
        guild,
        "Words",
        creator=world.bot,
        trigger=1,
        metadata={"keyword_filter": ["cat"], "regex_patterns": [], "allow_list": []},
        actions=[
            {"type": 1, "metadata": {}},
            {"type": 2, "metadata": {"channel_id": str(general.id)}},
            {"type": 3, "metadata": {"duration_seconds": 60}},
        ],
    )
    hits = rules.hits(general, bob, "a cat")
    assert hits
    rules.act(hits, general, bob, "a cat", None)
    rules.edit(rule, enabled=False)
    rules.delete(rule)


def _voice(world: World, guild: Guild) -> None:
    lounge = world.channels.add(guild, "lounge", kind=VOICE)
    for member in (guild.members[world.owner.id], guild.members[world.bot.id]):
        world.voice.join(member, lounge, self_mute=True)
        world.voice.leave(member)
    world.channels.delete(lounge)


def _talk(world: World, channel: Channel, emoji: Emoji) -> None:
    ada = world.owner
    world.messages.show_typing(channel, ada)
    first = world.messages.add(
        channel, ada, content=f"Hello {world.bot.mention}", embeds=[{"type": "rich", "title": "T"}]
    )
    second = world.messages.add(channel, world.bot, content="Well", reference=first)
    world.messages.edit(first, content="Hi")
    for one in (Emoji("👍"), emoji):
        for user in (ada, world.bot):
            world.reactions.add(first, user, one)
    world.reactions.remove(first, ada, emoji)
    world.reactions.clear(first, emoji)
    world.reactions.clear(first)
    world.messages.pin(first, ada)
    world.messages.unpin(first)
    poll = world.messages.add(channel, ada, poll=Poll("Tea?", [{"text": "Yes"}], world.clock.time() + 3600))
    world.polls.vote(poll, ada, [1])
    world.polls.vote(poll, ada, [])
    world.polls.end(poll)
    world.messages.forward(first, channel, ada)
    world.messages.delete(second)
    if channel.guild is not None:
        more = [world.messages.add(channel, ada, content=str(number)) for number in range(2)]
        world.messages.delete_many(channel, more)


def names_of(guild: Guild) -> dict[str, set[str]]:
    """What a bot should know of a guild, by name."""
    return {
        "name": {guild.name},
        "roles": {role.name for role in guild.roles.values()},
        "members": {member.nick or member.user.name for member in guild.members.values()},
        "channels": {channel.name for channel in guild.channels.values()},
        "emojis": {emoji.name for emoji in guild.emojis.values()},
        "stickers": {sticker.name for sticker in guild.stickers.values()},
    }


async def heard(sandbox: Sandbox, sequence: Any) -> None:
    """Wait until a shard has read all that was sent to it."""
    (session,) = sandbox.gateway.sessions
    async with asyncio.timeout(10):
        while sequence() != session.sequence:
            await asyncio.sleep(0.01)


async def test_every_event_that_is_sent_anywhere_is_made_to_happen_here() -> None:
    world = World()
    happened: set[str] = set()
    world.events.subscribe(lambda event: happened.add(event.name))
    live(world)
    assert len(SENT) > 35  # else the code is not where it is looked for
    assert happened == SENT - BY_SESSION


async def test_each_event_is_heard_with_its_intent_alone_and_not_without_it() -> None:
    world = World()
    told: list[tuple[str, bool, int]] = []

    def look(event: Event) -> None:
        need = EVENTS[event.name]
        intent = int(need.outside if event.guild_id is None else need.in_guild)
        of_bot = event.data.get("user", {}).get("id") == str(world.bot.id)
        if event.name == "THREAD_MEMBERS_UPDATE" or (event.name == "GUILD_MEMBER_UPDATE" and of_bot):
            return  # have rules of their own
        told.append((event.name, event.guild_id is None, intent))
        assert hears(world, intent, event), event
        assert hears(world, INTENT_BITS & ~intent, event) == (intent == 0), event

    world.events.subscribe(look)
    live(world)
    assert {("MESSAGE_CREATE", True, 1 << 12), ("MESSAGE_CREATE", False, 1 << 9)} <= set(told)
    assert {("CHANNEL_PINS_UPDATE", True, 1 << 12), ("CHANNEL_PINS_UPDATE", False, 1 << 0)} <= set(told)
    assert ("INTERACTION_CREATE", False, 0) in told


async def test_hikari_takes_every_event_and_its_cache_shows_the_world(sandbox: Sandbox) -> None:
    bot = hikari.GatewayBot(
        sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None, intents=hikari.Intents.ALL
    )
    raw: set[str] = set()
    read: set[str] = set()
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    async def hear(event: hikari.Event) -> None:
        if isinstance(event, hikari.ShardPayloadEvent):
            raw.add(event.name)
        else:
            read.add(type(event).__name__)

    bot.subscribe(hikari.Event, hear)
    await bot.start(check_for_updates=False)
    try:
        await heard(sandbox, lambda: bot.shards[0]._seq)  # pyright: ignore
        read.clear()
        home = live(sandbox.world)
        await bot.request_guild_members(home.id)
        await asyncio.sleep(0.05)
        await heard(sandbox, lambda: bot.shards[0]._seq)  # pyright: ignore
        await asyncio.sleep(0.05)  # listeners are tasks of their own
        assert raw >= SENT
        assert {name.lower() for name in SENT - UNREAD} <= bot._event_manager._consumers.keys()
        assert failures == []
        assert len(read) >= 35, sorted(read)  # of each kind that hikari tells apart, in guilds and direct messages
        cached = bot.cache.get_guild(home.id)
        assert cached is not None
        assert names_of(home) == {
            "name": {cached.name},
            "roles": {role.name for role in cached.get_roles().values()},
            "members": {member.display_name for member in cached.get_members().values()},
            "channels": {channel.name for channel in cached.get_channels().values()},
            "emojis": {emoji.name for emoji in cached.get_emojis().values()},
            "stickers": {sticker.name for sticker in cached.get_stickers().values()},
        }
        threads = {thread.name for thread in bot.cache.get_threads_view_for_guild(home.id).values()}
        assert threads == {thread.name for thread in home.threads.values()}
        (eve,) = [member for member in cached.get_members().values() if member.display_name == "Eve"]
        presence = cached.get_presence(eve.id)
        assert presence is not None
        assert (presence.visible_status, [one.name for one in presence.activities]) == ("idle", ["chess"])
        of_bot = {guild.id for guild in sandbox.world.guilds.values() if sandbox.world.bot.id in guild.members}
        assert set(bot.cache.get_guilds_view()) == of_bot
    finally:
        await bot.close()
    assert sandbox.world.errors == []


async def test_discord_py_takes_every_event_and_its_cache_shows_the_world(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
        import discord
    monkeypatch.setattr(discord.http.Route, "BASE", sandbox.rest_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway_url))
    caplog.set_level(logging.DEBUG, "discord")
    client = discord.Client(intents=discord.Intents.all(), enable_debug_events=True)
    ready = asyncio.Event()
    raw: set[str] = set()

    @client.event
    async def on_ready() -> None:
        ready.set()

    @client.event
    async def on_socket_event_type(name: str) -> None:
        raw.add(name)

    async with client:
        running = asyncio.create_task(client.start(sandbox.token))
        await asyncio.wait({running, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert not running.done()
        caplog.clear()
        home = live(sandbox.world)
        await heard(sandbox, lambda: client.ws.sequence)
        assert [member.name for member in await client.guilds[0].query_members("ad")] == ["ada"]
        await heard(sandbox, lambda: client.ws.sequence)
        await asyncio.sleep(0.05)
        assert not running.done()
        assert raw >= SENT
        complaints = [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING or "nknown" in record.getMessage()
            # It knows direct messages from REST alone, there as here.
            if not record.getMessage().startswith("CHANNEL_PINS_UPDATE")
            and not any(name in record.getMessage() for name in UNREAD)
        ]
        assert complaints == []
        cached = client.get_guild(home.id)
        assert cached is not None
        assert names_of(home) == {
            "name": {cached.name},
            "roles": {role.name for role in cached.roles},
            "members": {member.display_name for member in cached.members},
            "channels": {channel.name for channel in cached.channels},
            "emojis": {emoji.name for emoji in cached.emojis},
            "stickers": {sticker.name for sticker in cached.stickers},
        }
        assert {thread.name for thread in cached.threads} == {thread.name for thread in home.threads.values()}
        (idle,) = [member for member in cached.members if member.status is discord.Status.idle]
        assert (idle.display_name, idle.activity.name) == ("Eve", "chess")
        of_bot = {guild.id for guild in sandbox.world.guilds.values() if sandbox.world.bot.id in guild.members}
        assert {guild.id for guild in client.guilds} == of_bot
    await running
    assert sandbox.world.errors == []
