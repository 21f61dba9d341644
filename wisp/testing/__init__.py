"""Tests of a bot without mocks: `connect(bot)` runs it on a local Discord, in which people do things.

from wisp.testing import connect

async def test_greet() -> None:
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("greet", user=bob)
        assert reply.content == f"Hello {bob.mention}!"

People press the buttons of a reply (`await ada.click(reply, "Next")`), choose in its select menus
(`ada.select(reply, "red")`), submit the form that it opened (`ada.submit(reply, title="Hi")`) and use context menus
(`ada.menu("Who", bob)`).

To test a module alone there are `create_mock_bot`, `create_mock_context` and `create_mock_interaction`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ..local.runner import on_sandbox
from ..local.virtual_time import virtual_time
from ..sandbox.people.commands import File
from ..sandbox.people.person import People, Person
from ..sandbox.people.reply import Reply
from ..sandbox.world.changes import Change
from ..sandbox.world.objects import Channel, Guild, Impossible, Message, Role
from ..sandbox.world.world import World
from .discord import Discord
from .mocks import (
    MockBot,
    MockContext,
    MockInteraction,
    MockReply,
    create_mock_bot,
    create_mock_context,
    create_mock_interaction,
)

if TYPE_CHECKING:
    from ..bot import Bot

__all__ = [
    "Change",
    "Channel",
    "Discord",
    "File",
    "Guild",
    "Impossible",
    "Message",
    "MockBot",
    "MockContext",
    "MockInteraction",
    "MockReply",
    "Person",
    "Reply",
    "Role",
    "connect",
    "create_mock_bot",
    "create_mock_context",
    "create_mock_interaction",
]

Names: TypeAlias = int | Sequence[str]
"""People or guilds: their names, or how many."""


@asynccontextmanager
async def connect(
    bot: Bot,
    *,
    guilds: int | Sequence[str] | Mapping[str, Names] = ("Sandbox",),
    members: Names = ("ada", "bob"),
) -> AsyncGenerator[Discord, None]:
    """Run a bot on a local Discord, with an empty temporary database, for the length of a test.

    The bot is in these `guilds`: names, or how many; a mapping gives the members of each. `members` are those of all
    other guilds: names, or how many. The first member owns the guild, and the first guild is where people are by
    default.

    An error in the bot's code fails the test: the call that led to it raises an AssertionError from the bot's own
    exception; if there was no such call, the end of the block does. Several errors are raised as an ExceptionGroup. An
    error inside `discord.expects` does not count. If the bot used a part of Discord that the sandbox does not have, the
    end of the block raises AssertionError. Errors that end the test get the conversation so far as a note.
    """
    with virtual_time() as time:
        prepare = partial(_populate, guilds=guilds, members=members)
        async with on_sandbox(bot, clock=time.clock, prepare=prepare) as sandbox:
            discord = Discord(sandbox, bot, time)
            try:
                yield discord
                await discord.finish()
            except Exception as error:
                discord.explain(error)
                raise
            finally:
                discord.clear_faults()  # so that the bot can close


def _populate(world: World, guilds: int | Sequence[str] | Mapping[str, Names], members: Names) -> None:
    """Create these guilds with these members in a new world."""
    by_guild = guilds if isinstance(guilds, Mapping) else dict.fromkeys(_names(guilds, ["Sandbox"], "Guild"), members)
    if not by_guild:
        raise ValueError("guilds: expected at least one, got none")
    people = People(world)
    for name, whom in by_guild.items():
        names = _names(whom, ["ada", "bob"], "member")
        if not names:
            raise ValueError(f"members of {name}: expected at least one, got none: each guild has an owner")
        users = [people.known(one) or world.users.add(one) for one in names]
        if name == next(iter(by_guild)):
            guild = people.home
            world.guilds.edit(guild, name=name)
        else:
            guild = world.guilds.add(name, owner=users[0])
        for user in users:
            world.members.add(guild, user)
        world.guilds.edit(guild, owner=users[0])
        for member in list(guild.members.values()):
            if not member.user.bot and member.user not in users:
                world.members.remove(member)


def _names(named: Names, first: list[str], noun: str) -> list[str]:
    """Return these names, each once, or as many default names: `first`, then "member 3" and so on."""
    if not isinstance(named, int):
        return [named] if isinstance(named, str) else list(dict.fromkeys(named))
    return [*first[:named], *(f"{noun} {number}" for number in range(len(first) + 1, named + 1))]
