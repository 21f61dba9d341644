"""Voice states: members and the bot connect to voice, move, are muted and leave, as a real hikari bot sees it."""

from __future__ import annotations

import hikari
import pytest

import wisp
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.objects import STAGE, VOICE, Channel, Guild
from wisp.sandbox.world.permissions import Permission
from wisp.testing import Discord, Impossible, connect


def listening_bot(seen: list[tuple[str, int | None, bool, bool]]) -> wisp.Bot:
    bot = wisp.Bot()

    @bot.listen
    async def moved(event: hikari.VoiceStateUpdateEvent) -> None:
        state = event.state
        assert state.member is not None
        seen.append((state.member.username, state.channel_id, state.is_self_muted, state.is_guild_muted))

    return bot


def home(discord: Discord) -> Guild:
    return next(iter(discord.world.guilds.values()))


def voice_channel(discord: Discord, name: str = "Lounge", kind: int = VOICE) -> Channel:
    return discord.world.channels.add(home(discord), name, kind=kind)


async def test_the_bot_hears_who_joins_moves_mutes_and_leaves() -> None:
    seen: list[tuple[str, int | None, bool, bool]] = []
    bot = listening_bot(seen)
    async with connect(bot) as discord:
        lounge, stage = voice_channel(discord), voice_channel(discord, "Talks", STAGE)
        ada = discord.member("ada")
        await ada.join_voice("Lounge")
        await ada.set_voice(mute=True)
        await ada.join_voice(stage)
        cached = bot.gateway.cache.get_voice_state(home(discord).id, ada.id)
        assert cached is not None
        assert cached.is_suppressed  # in the audience
        await ada.leave_voice()
        assert bot.gateway.cache.get_voice_state(home(discord).id, ada.id) is None
    assert seen == [
        ("ada", lounge.id, False, False),
        ("ada", lounge.id, True, False),
        ("ada", stage.id, True, False),
        ("ada", None, True, False),
    ]


async def test_a_bot_that_connects_later_finds_who_is_in_voice() -> None:
    bot = listening_bot([])
    async with connect(bot) as discord:
        lounge, ada = voice_channel(discord), discord.member("ada")
        await ada.join_voice(lounge)
        await discord.restart()
        state = bot.gateway.cache.get_voice_state(home(discord).id, ada.id)
        assert state is not None
        assert state.channel_id == lounge.id


async def test_a_member_connects_to_voice_channels_of_the_guild_alone_and_as_far_as_they_may() -> None:
    async with connect(listening_bot([])) as discord:
        world, bob, eve = discord.world, discord.member("bob"), discord.member("eve")
        lounge = voice_channel(discord)
        with pytest.raises(Impossible, match="#general is not a voice channel"):
            await bob.join_voice("general")
        with pytest.raises(Impossible, match="bob is not connected to voice"):
            await bob.leave_voice()
        with pytest.raises(Impossible, match="bob is not in a guild here"):
            await bob.dm.join_voice(lounge)
        world.channels.edit(lounge, settings={"user_limit": 1})
        await eve.join_voice(lounge)
        await eve.join_voice(lounge)  # they are in already
        with pytest.raises(Impossible, match="is full: 1 members"):
            await bob.join_voice(lounge)
        await discord.member("ada").join_voice(lounge)  # who may move members
        world.channels.set_overwrite(lounge, home(discord).everyone, deny=Permission.CONNECT)
        await eve.leave_voice()
        with pytest.raises(Impossible, match="eve is not allowed to connect"):
            await eve.join_voice(lounge)


async def test_the_bot_connects_moves_and_disconnects_over_the_gateway(caplog: pytest.LogCaptureFixture) -> None:
    bot = listening_bot([])
    servers: list[hikari.VoiceServerUpdateEvent] = []

    @bot.listen
    async def server(event: hikari.VoiceServerUpdateEvent) -> None:
        servers.append(event)

    async with connect(bot) as discord:
        guild, me = home(discord), discord.world.bot.id
        lounge, closed = voice_channel(discord), voice_channel(discord, "Closed")
        discord.world.channels.set_overwrite(closed, guild.members[me], deny=Permission.CONNECT)
        await bot.gateway.update_voice_state(guild.id, lounge.id, self_deaf=True)
        await discord.rest()
        state = bot.gateway.cache.get_voice_state(guild.id, me)
        assert state is not None
        assert (state.channel_id, state.is_self_deafened) == (lounge.id, True)
        assert [(event.guild_id, event.raw_endpoint) for event in servers] == [(guild.id, None)]
        await bot.gateway.update_voice_state(guild.id, closed.id)
        await bot.gateway.update_voice_state(guild.id, 1)
        await discord.rest()
        assert guild.voice_states[me].channel is lounge
        assert [one for one in caplog.messages if "did not connect the bot to voice" in one] == [
            "the sandbox's gateway did not connect the bot to voice: wisp is not allowed to connect to #Closed",
            "the sandbox's gateway did not connect the bot to voice: Sandbox has no channel 1",
        ]
        await bot.gateway.update_voice_state(guild.id, None)
        await discord.rest()
        assert guild.voice_states == {}


async def test_the_bot_moves_mutes_and_disconnects_members_and_the_audit_log_has_it() -> None:
    bot = listening_bot([])
    async with connect(bot) as discord:
        guild, ada = home(discord), discord.member("eve")
        lounge, other = voice_channel(discord), voice_channel(discord, "Other")
        rest = bot.gateway.rest
        with pytest.raises(hikari.BadRequestError, match="Target user is not connected to voice"):
            await rest.edit_member(guild.id, ada.id, voice_channel=other.id)
        await ada.join_voice(lounge)
        await rest.edit_member(guild.id, ada.id, voice_channel=other.id, mute=True)
        state = await rest.fetch_voice_state(guild.id, ada.id)
        assert (state.channel_id, state.is_guild_muted) == (other.id, True)
        await rest.edit_member(guild.id, ada.id, voice_channel=None)
        with pytest.raises(hikari.NotFoundError, match="Unknown Voice State"):
            await rest.fetch_voice_state(guild.id, ada.id)
        entries = [entry.event for entry in discord.world.audit_log.of(guild)]
        assert entries == [
            AuditLogEvent.MEMBER_UPDATE,
            AuditLogEvent.MEMBER_MOVE,
            AuditLogEvent.MEMBER_DISCONNECT,
        ]


@pytest.mark.parametrize(
    ("permission", "change"),
    [
        (Permission.MOVE_MEMBERS, {"voice_channel": True}),
        (Permission.MUTE_MEMBERS, {"mute": True}),
        (Permission.DEAFEN_MEMBERS, {"deaf": True}),
        (Permission.CONNECT, {"voice_channel": True}),
    ],
    ids=str,
)
async def test_a_bot_without_the_permission_changes_no_voice_state(
    permission: Permission, change: dict[str, bool]
) -> None:
    bot = listening_bot([])
    async with connect(bot) as discord:
        guild, bob = home(discord), discord.member("bob")
        lounge, other = voice_channel(discord), voice_channel(discord, "Other")
        await bob.join_voice(lounge)
        before = guild.voice_states[bob.id].gateway_payload()
        role = guild.role_of(discord.world.bot)
        assert role is not None
        discord.world.roles.edit(guild, role, permissions=role.permissions & ~permission)
        discord.world.channels.set_overwrite(other, guild.members[discord.world.bot.id], deny=permission)
        sent = {name: other.id if name == "voice_channel" else value for name, value in change.items()}
        with pytest.raises(hikari.ForbiddenError, match="Missing Permissions"):
            await bot.gateway.rest.edit_member(guild.id, bob.id, **sent)
        assert guild.voice_states[bob.id].gateway_payload() == before


async def test_in_a_stage_channel_the_bot_speaks_and_lets_speak_with_mute_members_only() -> None:
    bot = listening_bot([])
    async with connect(bot) as discord:
        world, guild, bob = discord.world, home(discord), discord.member("bob")
        stage, rest = voice_channel(discord, "Talks", STAGE), bot.gateway.rest
        await bob.join_voice(stage)
        await bot.gateway.update_voice_state(guild.id, stage.id)
        await discord.rest()
        mine, his = guild.voice_states[world.bot.id], guild.voice_states[bob.id]
        assert mine.suppress
        assert his.suppress
        await rest.edit_my_voice_state(guild.id, stage.id, suppress=False)
        await rest.edit_voice_state(guild.id, stage.id, bob.id, suppress=False)
        assert (mine.suppress, his.suppress, his.requested) == (False, False, pytest.approx(world.clock.time()))
        world.channels.set_overwrite(stage, guild.members[world.bot.id], deny=Permission.MUTE_MEMBERS)
        await rest.edit_my_voice_state(guild.id, stage.id, suppress=True)  # which everybody may
        for change in (
            rest.edit_my_voice_state(guild.id, stage.id, suppress=False),
            rest.edit_voice_state(guild.id, stage.id, bob.id, suppress=True),
        ):
            with pytest.raises(hikari.ForbiddenError):
                await change
        assert (mine.suppress, his.suppress) == (True, False)


async def test_a_member_who_leaves_and_a_channel_that_is_deleted_leave_voice() -> None:
    seen: list[tuple[str, int | None, bool, bool]] = []
    async with connect(listening_bot(seen)) as discord:
        world, guild = discord.world, home(discord)
        lounge = voice_channel(discord)
        bob, eve = discord.member("bob"), discord.member("eve")
        await bob.join_voice(lounge)
        await eve.join_voice(lounge)
        world.members.ban(guild, bob.user)
        assert [state.member.name for state in guild.voice_states.values()] == ["eve"]
        world.channels.delete(lounge)
        await discord.rest()
        assert guild.voice_states == {}
    assert [(name, channel) for name, channel, *_ in seen[2:]] == [("bob", None), ("eve", None)]


async def test_a_bot_that_is_connected_sets_the_status_without_managing_channels() -> None:
    bot = wisp.Bot()
    async with connect(bot) as discord:
        lounge, world = voice_channel(discord), discord.world
        told: list[object] = []
        world.events.subscribe(lambda event: told.append(event.data.get("status")))
        world.channels.set_overwrite(lounge, world.bot, deny=Permission.MANAGE_CHANNELS)
        url, rest = f"/channels/{lounge.id}/voice-status", bot.gateway.rest
        route = hikari.internal.routes.Route("PUT", url).compile()
        with pytest.raises(hikari.ForbiddenError):
            await rest._request(route, json={"status": "Chess"})
        world.voice.join(home(discord).members[world.bot.id], lounge)
        await rest._request(route, json={"status": "Chess"})
        assert told[-1] == "Chess"
