"""The audit log of the sandbox: what a bot does over REST stands in it, with its reason, and who may know is told."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from typing import Any

import hikari
import pytest

import wisp
from wisp.sandbox import Sandbox
from wisp.sandbox.world.audit_log import KEPT, AuditLogEvent
from wisp.sandbox.world.objects import Channel, Guild, Member
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World
from wisp.testing import connect

Event = hikari.AuditLogEventType


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[hikari.api.RESTClient]:
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    return sandbox.world


@pytest.fixture
def guild(world: World) -> Guild:
    return next(iter(world.guilds.values()))


@pytest.fixture
def general(guild: Guild) -> Channel:
    return next(iter(guild.channels.values()))


@pytest.fixture
def bob(guild: Guild) -> Member:
    return next(member for member in guild.members.values() if member.user.name == "bob")


async def entries(rest: hikari.api.RESTClient, guild: Guild, **wanted: Any) -> list[hikari.AuditLogEntry]:
    return [entry for log in await rest.fetch_audit_log(guild.id, **wanted) for entry in log.entries.values()]


def changed(entry: hikari.AuditLogEntry) -> dict[str, tuple[Any, Any]]:
    return {str(change.key): (change.old_value, change.new_value) for change in entry.changes}


async def test_what_is_done_to_members_stands_in_the_audit_log(
    rest: hikari.api.RESTClient, world: World, guild: Guild, bob: Member
) -> None:
    role = world.roles.add(guild, "helper")
    number = bob.user.id
    await rest.add_role_to_member(guild.id, number, role.id, reason="helps")
    await rest.add_role_to_member(guild.id, number, role.id, reason="again")  # changes nothing
    await rest.remove_role_from_member(guild.id, number, role.id)
    await rest.edit_member(guild.id, number, nickname="Bobby", reason="ö & ü: 100 %")
    await rest.edit_my_member(guild.id, nickname="Botty")
    await rest.kick_user(guild.id, number, reason="spam")
    await rest.ban_user(guild.id, number, reason="more spam")
    await rest.unban_user(guild.id, number)
    found = await entries(rest, guild)
    assert [(entry.action_type, entry.target_id == number, entry.reason) for entry in found] == [
        (Event.MEMBER_BAN_REMOVE, True, None),
        (Event.MEMBER_BAN_ADD, True, "more spam"),
        (Event.MEMBER_KICK, True, "spam"),
        (Event.MEMBER_UPDATE, False, None),
        (Event.MEMBER_UPDATE, True, "ö & ü: 100 %"),
        (Event.MEMBER_ROLE_UPDATE, True, None),
        (Event.MEMBER_ROLE_UPDATE, True, "helps"),
    ]
    assert {entry.user_id for entry in found} == {world.bot.id}
    assert changed(found[4]) == {"nick": (None, "Bobby")}
    (given,) = found[6].changes
    assert given.key == "$add"
    assert [one.name for one in given.new_value.values()] == ["helper"]


async def test_what_is_done_to_a_server_and_its_roles_and_channels_stands_in_it(
    rest: hikari.api.RESTClient, world: World, guild: Guild, bob: Member
) -> None:
    await rest.edit_guild(guild.id, name="Home", reason="ours")
    role = await rest.create_role(guild.id, name="Muted", color=0xFF0000, permissions=hikari.Permissions.NONE)
    await rest.edit_role(guild.id, role, name="Silent")
    await rest.edit_role(guild.id, role, name="Silent")  # changes nothing
    room = await rest.create_guild_text_channel(guild.id, "Room", topic="t")
    await rest.edit_channel(room, name="other", rate_limit_per_user=5)
    await rest.edit_permission_overwrite(room, role, deny=hikari.Permissions.SEND_MESSAGES)
    await rest.edit_permission_overwrite(room, role, allow=hikari.Permissions.SEND_MESSAGES)
    await rest.delete_permission_overwrite(room, role)
    thread = await rest.create_thread(room, hikari.ChannelType.GUILD_PUBLIC_THREAD, "thread")
    await rest.edit_channel(thread, archived=True)
    await rest.delete_channel(thread)
    await rest.delete_channel(room)
    await rest.delete_role(guild.id, role)
    found = (await entries(rest, guild))[::-1]
    assert [int(entry.action_type) for entry in found] == [1, 30, 31, 10, 11, 13, 14, 15, 110, 111, 112, 12, 32]
    assert changed(found[0]) == {"name": ("Sandbox", "Home")}
    assert changed(found[1])["color"] == (None, 0xFF0000)
    assert changed(found[2]) == {"name": ("Muted", "Silent")}
    assert changed(found[4])["name"] == ("room", "other")
    assert changed(found[5])["deny"] == (None, hikari.Permissions.SEND_MESSAGES)
    overwrite = found[6].options
    assert isinstance(overwrite, hikari.audit_logs.ChannelOverwriteEntryInfo)
    assert (overwrite.id, overwrite.role_name) == (role.id, "Silent")
    assert changed(found[9])["archived"] == (False, True)
    assert changed(found[-1])["name"] == ("Silent", None)


async def test_what_is_done_to_messages_stands_in_it_where_they_are_not_the_bots_own(
    rest: hikari.api.RESTClient, world: World, guild: Guild, general: Channel, bob: Member
) -> None:
    first, second, third = (world.messages.add(general, bob.user, content=text) for text in "abc")
    own = await rest.create_message(general.id, "mine")
    await rest.pin_message(general.id, first.id)
    await rest.pin_message(general.id, first.id)  # changes nothing
    await rest.unpin_message(general.id, first.id)
    await rest.delete_message(general.id, own)
    await rest.delete_message(general.id, first.id)
    await rest.delete_messages(general.id, [second.id, third.id])
    found = (await entries(rest, guild))[::-1]
    assert [(int(entry.action_type), entry.target_id) for entry in found] == [
        (74, bob.user.id),
        (75, bob.user.id),
        (72, bob.user.id),
        (73, general.id),
    ]
    pinned, _, deleted, many = (entry.options for entry in found)
    assert isinstance(pinned, hikari.audit_logs.MessagePinEntryInfo)
    assert isinstance(deleted, hikari.audit_logs.MessageDeleteEntryInfo)
    assert isinstance(many, hikari.audit_logs.MessageBulkDeleteEntryInfo)
    assert (pinned.message_id, deleted.count, deleted.channel_id, many.count) == (first.id, 1, general.id, 2)


async def test_webhooks_invites_and_emojis_stand_in_it(
    rest: hikari.api.RESTClient, world: World, guild: Guild, general: Channel
) -> None:
    webhook = await rest.create_webhook(general.id, "Hook", reason="relay")
    await rest.edit_webhook(webhook, name="Other")
    kept = await rest.create_webhook(general.id, "Kept")
    await rest.delete_webhook(webhook)
    invite = await rest.create_invite(general.id, max_age=60)
    await rest.delete_invite(invite.code)
    emoji = await rest.create_emoji(guild.id, "party", hikari.Bytes(b"GIF89a", "a.gif"))
    await rest.edit_emoji(guild.id, emoji, name="feast")
    await rest.delete_emoji(guild.id, emoji)
    (log,) = await rest.fetch_audit_log(guild.id)
    found = list(log.entries.values())[::-1]
    assert [int(entry.action_type) for entry in found] == [50, 51, 50, 52, 40, 42, 60, 61, 62]
    assert changed(found[1]) == {"name": ("Hook", "Other")}
    assert changed(found[4])["code"] == (None, invite.code)
    assert changed(found[7]) == {"name": ("party", "feast")}
    assert (list(log.users), list(log.webhooks)) == ([world.bot.id], [kept.id])
    shown = log.webhooks[kept.id]
    assert isinstance(shown, hikari.IncomingWebhook)
    assert shown.token is None


async def test_the_log_is_read_by_who_did_it_what_was_done_and_page_by_page(
    rest: hikari.api.RESTClient, world: World, guild: Guild, bob: Member
) -> None:
    for user in (world.owner, world.bot, world.owner):
        world.audit_log.add(guild, AuditLogEvent.KICK, user, bob.user.id)
    banned = world.audit_log.add(guild, AuditLogEvent.BAN, world.owner, bob.user.id, "enough")
    assert len(await entries(rest, guild)) == 4
    assert [one.id for one in await entries(rest, guild, event_type=Event.MEMBER_BAN_ADD)] == [banned.id]
    assert len(await entries(rest, guild, user=world.owner.id)) == 3
    assert len(await entries(rest, guild, before=banned.id)) == 3
    world.clock.offset += KEPT + 1
    assert await entries(rest, guild) == []


async def test_discord_py_reads_it_in_both_directions(
    sandbox: Sandbox, world: World, guild: Guild, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # discord.py's own, of audioop
        discord: Any = pytest.importorskip("discord")
    monkeypatch.setattr(discord.http.Route, "BASE", sandbox.rest_url)
    async with discord.Client(intents=discord.Intents.default()) as client:
        await client.login(sandbox.token)
        place = await client.fetch_guild(guild.id)
        role = await place.create_role(name="Muted", colour=discord.Colour.red(), reason="noise")
        await role.edit(name="Silent")
        await place.ban(discord.Object(bob.user.id), reason="spam", delete_message_seconds=0)
        newest = [entry async for entry in place.audit_logs(limit=10)]
        oldest = [entry async for entry in place.audit_logs(limit=10, oldest_first=True)]
        assert newest == oldest[::-1]
        assert [entry.action.name for entry in oldest] == ["role_create", "role_update", "ban"]
        assert [entry.reason for entry in oldest] == ["noise", None, "spam"]
        assert (oldest[1].before.name, oldest[1].after.name) == ("Muted", "Silent")
        assert oldest[2].target.id == bob.user.id


@pytest.mark.parametrize(("permission", "intents", "told"), [(True, True, 1), (False, True, 0), (True, False, 0)])
async def test_a_bot_is_told_of_entries_with_intent_and_permission_alone(
    permission: bool, intents: bool, told: int
) -> None:
    bot = wisp.Bot(intents="GUILD_MODERATION" if intents else None)
    heard: list[str | None] = []

    @bot.on_start
    async def listen() -> None:
        async def hear(event: hikari.AuditLogEntryCreateEvent) -> None:
            heard.append(event.entry.reason)

        bot.gateway.event_manager.subscribe(hikari.AuditLogEntryCreateEvent, hear)

    @bot.command
    async def mute(ctx: wisp.Context) -> str:
        assert ctx.guild_id is not None
        await bot.gateway.rest.create_role(ctx.guild_id, name="Muted", reason="noise")
        return "done"

    async with connect(bot) as discord:
        own = discord.member("ada").guild
        assert own is not None
        role = own.role_of(discord.world.bot)
        assert role is not None
        if not permission:
            discord.world.roles.edit(own, role, permissions=role.permissions & ~Permission.VIEW_AUDIT_LOG)
        await discord.member("ada").slash("mute")
        await discord.rest()
    assert heard == ["noise"] * told
