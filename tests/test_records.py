"""What the page's panel says of the traffic: why the bot was not told of an event."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hikari

import wisp
from wisp.local.runner import on_sandbox
from wisp.sandbox.server import Sandbox
from wisp.sandbox.world.objects import Guild


@asynccontextmanager
async def a_sandbox(bot: wisp.Bot | None = None) -> AsyncIterator[tuple[Sandbox, Guild]]:
    async with on_sandbox(bot or wisp.Bot(), page=True) as sandbox:
        yield sandbox, next(iter(sandbox.world.guilds.values()))


def a_reader() -> wisp.Bot:
    """A bot that hears of messages in servers."""
    bot = wisp.Bot()

    @bot.listen
    async def on_message(event: hikari.GuildMessageCreateEvent) -> None: ...

    return bot


def told(sandbox: Sandbox, name: str = "MESSAGE_CREATE") -> list[str]:
    assert sandbox.page
    return [record.title for record in sandbox.page.log.newest() if record.title.startswith(name)]


def write(sandbox: Sandbox, guild: Guild) -> None:
    sandbox.world.messages.add(guild.channel("general"), sandbox.world.owner, content="hi")


async def test_an_event_that_no_intent_was_asked_for() -> None:
    async with a_sandbox() as (sandbox, guild):
        write(sandbox, guild)
        assert told(sandbox) == ["MESSAGE_CREATE (not sent: the bot has no intent GUILD_MESSAGES)"]


async def test_an_event_in_a_channel_that_the_bot_may_not_see() -> None:
    async with a_sandbox(a_reader()) as (sandbox, guild):
        write(sandbox, guild)
        sandbox.world.channels.set_overwrite(guild.channel("general"), guild.everyone, deny=1 << 10)
        sandbox.world.channels.set_overwrite(
            guild.channel("general"), guild.members[sandbox.world.bot.id], deny=1 << 10
        )
        write(sandbox, guild)
        assert told(sandbox) == [
            "MESSAGE_CREATE",
            "MESSAGE_CREATE (not sent: the bot does not see this channel)",
        ]


async def test_an_event_while_the_bot_is_offline() -> None:
    async with Sandbox(page=True) as sandbox:
        write(sandbox, next(iter(sandbox.world.guilds.values())))
        assert told(sandbox) == ["MESSAGE_CREATE (not sent: the bot is offline)"]


async def test_an_event_that_needs_a_permission_which_the_bot_lacks() -> None:
    bot = wisp.Bot()

    @bot.listen
    async def on_invite(event: hikari.InviteCreateEvent) -> None: ...

    async with a_sandbox(bot) as (sandbox, guild):
        channel = guild.channel("general")
        sandbox.world.channels.set_overwrite(channel, guild.members[sandbox.world.bot.id], deny=1 << 4)
        sandbox.world.invites.add(channel, sandbox.world.owner)
        assert told(sandbox, "INVITE") == ["INVITE_CREATE (not sent: the bot has no permission MANAGE_CHANNELS there)"]


async def test_an_event_of_a_server_that_is_unavailable() -> None:
    async with a_sandbox(a_reader()) as (sandbox, guild):
        sandbox.outage(guild)
        write(sandbox, guild)
        assert told(sandbox) == ["MESSAGE_CREATE (not sent: the server is unavailable)"]


async def test_an_event_that_a_fault_holds_back() -> None:
    async with a_sandbox(a_reader()) as (sandbox, guild):
        sandbox.reorder("MESSAGE_CREATE")
        write(sandbox, guild)
        write(sandbox, guild)
        assert told(sandbox) == [
            "MESSAGE_CREATE (not sent: a fault holds it back)",
            "MESSAGE_CREATE",
            "MESSAGE_CREATE",
        ]


async def test_an_event_that_brings_others_with_it_counts_as_sent() -> None:
    async with a_sandbox() as (sandbox, guild):
        hidden = sandbox.world.roles.add(guild, "hidden")
        sandbox.world.channels.set_overwrite(guild.channel("general"), hidden, deny=1 << 10)
        sandbox.world.members.give_role(guild.members[sandbox.world.bot.id], hidden)
        assert told(sandbox, "CHANNEL_UPDATE")[1:] == ["CHANNEL_UPDATE"]
        assert told(sandbox, "GUILD_MEMBER_UPDATE") == ["GUILD_MEMBER_UPDATE"]
