"""Stage instances: a real hikari bot makes stage channels live, and hears when they are changed and end."""

from __future__ import annotations

import hikari
import pytest
from hikari.events import stage_events

import wisp
from wisp.sandbox.gateway.intents import INTENT_BITS, guild_as_seen
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.objects import STAGE, TEXT, Channel, Guild, Impossible, LimitReached
from wisp.sandbox.world.permissions import Permission
from wisp.testing import Discord, connect


def home(discord: Discord) -> Guild:
    return next(iter(discord.world.guilds.values()))


def stage_channel(discord: Discord, name: str = "Talks") -> Channel:
    return discord.world.channels.add(home(discord), name, kind=STAGE)


def listening_bot(heard: list[tuple[str, str]]) -> wisp.Bot:
    bot = wisp.Bot()

    @bot.listen
    async def started(event: stage_events.StageInstanceCreateEvent) -> None:
        heard.append(("started", event.stage_instance.topic))

    @bot.listen
    async def changed(event: stage_events.StageInstanceUpdateEvent) -> None:
        heard.append(("changed", event.stage_instance.topic))

    @bot.listen
    async def ended(event: stage_events.StageInstanceDeleteEvent) -> None:
        heard.append(("ended", event.stage_instance.topic))

    return bot


async def test_the_bot_makes_a_stage_live_changes_its_topic_and_ends_it() -> None:
    heard: list[tuple[str, str]] = []
    bot = listening_bot(heard)
    async with connect(bot) as discord:
        channel, rest = stage_channel(discord), bot.gateway.rest
        made = await rest.create_stage_instance(channel.id, topic="Talk", privacy_level=2)
        assert (made.channel_id, made.guild_id, made.topic) == (channel.id, home(discord).id, "Talk")
        assert (await rest.fetch_stage_instance(channel.id)).id == made.id
        assert (await rest.edit_stage_instance(channel.id, topic="Questions")).topic == "Questions"
        await rest.delete_stage_instance(channel.id)
        with pytest.raises(hikari.NotFoundError, match="Unknown Stage Instance"):
            await rest.fetch_stage_instance(channel.id)
        await discord.rest()
        assert heard == [("started", "Talk"), ("changed", "Questions"), ("ended", "Questions")]
        entries = discord.world.audit_log.of(home(discord))
        assert [entry.event for entry in entries] == [
            AuditLogEvent.STAGE_INSTANCE_CREATE,
            AuditLogEvent.STAGE_INSTANCE_UPDATE,
            AuditLogEvent.STAGE_INSTANCE_DELETE,
        ]
        assert {entry.target for entry in entries} == {made.id}
        assert entries[1].changes == ({"key": "topic", "old_value": "Talk", "new_value": "Questions"},)
        assert entries[1].options == {"channel_id": str(channel.id)}


async def test_a_stage_channel_is_live_once() -> None:
    bot = wisp.Bot()
    async with connect(bot) as discord:
        channel, rest = stage_channel(discord), bot.gateway.rest
        made = await rest.create_stage_instance(channel.id, topic="Talk", privacy_level=2)
        with pytest.raises(hikari.BadRequestError, match="already open") as refused:
            await rest.create_stage_instance(channel.id, topic="Other", privacy_level=2)
        assert refused.value.code == 150006
        assert (await rest.fetch_stage_instance(channel.id)).id == made.id


async def test_a_stage_instance_can_be_for_a_scheduled_event_of_its_channel_alone() -> None:
    bot = wisp.Bot()
    async with connect(bot) as discord:
        channel, other, rest = stage_channel(discord), stage_channel(discord, "Other"), bot.gateway.rest
        soon = discord.world.clock.time() + 60
        event = discord.world.scheduled_events.add(home(discord), "Party", soon, kind=1, channel=channel)
        with pytest.raises(hikari.NotFoundError, match="Unknown Guild Scheduled Event"):
            await rest.create_stage_instance(other.id, topic="Talk", privacy_level=2, scheduled_event_id=event.id)
        assert not discord.world.stages
        made = await rest.create_stage_instance(channel.id, topic="Talk", privacy_level=2, scheduled_event_id=event.id)
        assert made.scheduled_event_id == event.id


async def test_a_stage_instance_ends_with_its_channel() -> None:
    heard: list[tuple[str, str]] = []
    bot = listening_bot(heard)
    async with connect(bot) as discord:
        channel = stage_channel(discord)
        discord.world.stages.start(channel, "Talk")
        await bot.gateway.rest.delete_channel(channel.id)
        await discord.rest()
        assert heard == [("started", "Talk"), ("ended", "Talk")]
        assert not discord.world.stages
        assert not home(discord).stages


async def test_a_guild_comes_with_the_stages_that_the_bot_sees() -> None:
    async with connect(wisp.Bot()) as discord:
        world, guild, hidden = discord.world, home(discord), stage_channel(discord, "Hidden")
        seen = world.stages.start(stage_channel(discord), "Talk")
        world.channels.set_overwrite(hidden, world.bot, deny=Permission.VIEW_CHANNEL)
        world.stages.start(hidden, "Secret")
        data = guild_as_seen(world, INTENT_BITS, 50, guild, joined=False)
        assert data["stage_instances"] == [seen.payload()]


async def test_the_bot_neither_reads_nor_hears_of_a_stage_that_it_does_not_see() -> None:
    heard: list[tuple[str, str]] = []
    bot = listening_bot(heard)
    async with connect(bot) as discord:
        channel = stage_channel(discord)
        discord.world.channels.set_overwrite(channel, discord.world.bot, deny=Permission.VIEW_CHANNEL)
        discord.world.stages.start(channel, "Secret")
        for refused in (
            bot.gateway.rest.fetch_stage_instance(channel.id),
            bot.gateway.rest.create_stage_instance(channel.id, topic="Talk", privacy_level=2),
        ):
            with pytest.raises(hikari.ForbiddenError, match="Missing Access"):
                await refused
        await discord.rest()
        assert heard == []


async def test_the_world_refuses_what_no_stage_can_be() -> None:
    async with connect(wisp.Bot()) as discord:
        stages, channel = discord.world.stages, stage_channel(discord)
        text = discord.world.channels.add(home(discord), "text", kind=TEXT)
        with pytest.raises(Impossible, match="not a stage channel"):
            stages.start(text, "Talk")
        with pytest.raises(Impossible, match="1 to 120 characters"):
            stages.start(channel, "")
        made = stages.start(channel, "Talk")
        with pytest.raises(LimitReached, match="live already"):
            stages.start(channel, "Talk")
        with pytest.raises(Impossible, match="1 to 120 characters"):
            stages.edit(made, topic="x" * 121)
        assert made.topic == "Talk"
