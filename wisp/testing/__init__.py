"""Tests of a bot without mocks: `connect(bot)` runs it on a local Discord, in which people do things.

from wisp.testing import connect

async def test_greet() -> None:
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("greet", user=bob)
        assert reply.content == f"Hello {bob.mention}!"

People press buttons on a reply (`await ada.click(reply, "Next")`), choose there (`ada.select(reply, "red")`),
send the form that it opened (`ada.submit(reply, title="Hi")`) and use commands in menus (`ada.menu("Who", bob)`).

For a module alone there are `create_mock_bot`, `create_mock_context` and `create_mock_interaction`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from .. import bridge
from ..local import runner as local
from ..local.runner import on_sandbox, undelivered
from ..local.virtual_time import Overdue, Stuck, VirtualTime, virtual_time
from ..locations import in_bot, line_of
from ..logs import redacted
from ..runtime import Failure
from ..sandbox.faults import Breakable
from ..sandbox.happenings import Happening
from ..sandbox.interaction import INTERACTION_LIFETIME, UNANSWERED
from ..sandbox.model import LAST_MOMENT
from ..sandbox.people import File, Impossible, People, Person, Reply, channel_called, front
from ..sandbox.server import Sandbox
from ..sandbox.transcript import Record
from ..sandbox.world import Channel, Guild, Message, Role, World
from ..tasks import described, named
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
    from ..sandbox.faults import Faults
    from ..sandbox.gateway import Gateway

__all__ = [
    "Channel",
    "Discord",
    "File",
    "Guild",
    "Happening",
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

H = TypeVar("H")

Impossible.__module__ = __name__  # tracebacks call it what tests import it as


Names: TypeAlias = int | Sequence[str]
"""People or guilds: their names, or how many."""


@asynccontextmanager
async def connect(
    bot: Bot,
    *,
    guilds: int | Sequence[str] | Mapping[str, Names] = ("Sandbox",),
    members: Names = ("ada", "bob"),
) -> AsyncGenerator[Discord, None]:
    """Run a bot on a local Discord with empty temporary data, for the length of a test; nothing of it stays.

    The bot finds these `guilds`, the first being where people are if nothing else is said: names, or how many; a
    mapping tells who is in each. `members` are in every other guild: names, or how many. The first owns it.

    An error in the bot's code fails the test: it is raised, as an AssertionError from the bot's own
    exception, from the call that led to it, or else at the end; unless inside `discord.expects`. Several that
    came at once are raised together, as an ExceptionGroup. What the bot asked for and the sandbox does not serve fails
    the test at its end. To an error that ends the test the conversation so far is added, as a note.
    """
    with virtual_time() as time:
        prepare = partial(_populate, guilds=guilds, members=members)
        async with on_sandbox(bot, clock=time.clock, prepare=prepare) as sandbox:
            discord = Discord(sandbox, bot, time)
            try:
                yield discord
                await discord.finish()
            except Exception as error:
                explain(error, discord)
                raise
            finally:
                discord.mend()  # the bot closes in peace


def explain(error: BaseException, discord: Discord) -> None:
    """Add the conversation so far to an error that ends a test as a note, once."""
    discord.is_over = True
    if not any(note.startswith(_HEADING) for note in getattr(error, "__notes__", ())):
        error.add_note(f"{_HEADING}\n{discord.conversation() or '(nothing)'}")


def _populate(world: World, guilds: int | Sequence[str] | Mapping[str, Names], members: Names) -> None:
    """Let there be these guilds with these members in a new world."""
    names = guilds if isinstance(guilds, Mapping) else dict.fromkeys(_names(guilds, ["Sandbox"], "Guild"), members)
    if not names:
        raise ValueError("guilds: expected one at least, got none")
    people = People(world)
    for name, whom in names.items():
        inside = _names(whom, ["ada", "bob"], "member")
        if not inside:
            raise ValueError(f"members of {name}: expected one at least, got none: somebody owns the guild")
        users = [people.known(one) or world.add_user(one) for one in inside]
        if name == next(iter(names)):
            guild = people.home
            world.edit_guild(guild, name=name)
        else:
            guild = world.add_guild(name, owner=users[0])
        for user in users:
            world.add_member(guild, user)
        world.edit_guild(guild, owner=users[0])
        for member in list(guild.members.values()):
            if not member.user.bot and member.user not in users:
                world.remove_member(member)


def _names(named: Names, first: list[str], noun: str) -> list[str]:
    """The names, or so many of them: the first ones, then "member 3"."""
    if not isinstance(named, int):
        return [named] if isinstance(named, str) else list(dict.fromkeys(named))
    return [*first[:named], *(f"{noun} {number}" for number in range(len(first) + 1, named + 1))]


def _refuse_unserved(world: World) -> None:
    """Fail a test whose bot asked for what the sandbox does not have: on Discord it may well do something else."""
    if world.unserved:
        routes = ", ".join(f"{route} ({times} x)" for route, times in world.unserved.items())
        raise AssertionError(f"the sandbox does not serve what the bot used: {routes} (README names what it does)")


_PATIENCE = INTERACTION_LIFETIME + 1.0
"""Seconds of the bot's time that a person waits for an answer: Discord takes none after that."""

_REMEMBERED = 60
"""Things that happened of which a conversation tells at most."""

_LONGEST_LINE = 200
"""Characters of a line of it, at most."""

_HEADING = "What happened in the sandbox:"


class Discord(Breakable):
    """The local Discord of a test. `world` is everything in it, `sandbox` the server that the bot is on.

    It can be broken: `discord.fail("POST", "/interactions", 500)`, `discord.drop()`, ...
    """

    def __init__(self, sandbox: Sandbox, bot: Bot, time: VirtualTime) -> None:
        self.sandbox = sandbox
        self.bot: Bot = bot
        self.gateway: Gateway = sandbox.gateway
        self.faults: Faults = sandbox.faults
        self._time = time
        self._people = People(sandbox.world, patience=None)
        self._people.settle = self._rest
        self._people.ready = self._connected
        self.is_over: bool = False  # what the bot fails on from now on is no news
        self._expected: list[_Expected] = []
        self._failures: list[Failure] = []
        self._record = Record(sandbox.world, lambda: front(self._people.home), most=_REMEMBERED)
        self._attend()

    def _attend(self) -> None:
        """Hear of the run's failures."""
        session = self._session = self.bot.runtime  # which the bot does not have any more once it is closed
        session.shutdown_timeout = 0.0  # what still waits when the test is over would wait for ever
        session.on_failure = self._note
        session.exit_requested = asyncio.get_running_loop().create_future()
        session.exit_requested.add_done_callback(self._note_exit)

    @property
    def world(self) -> World:
        """Everything that there is in this Discord."""
        return self.sandbox.world

    # Who and what there is

    def member(
        self, name: str, guild: Guild | None = None, *, roles: Sequence[Role] = (), permissions: int = 0
    ) -> Person:
        """The person of this name, who joins the guild (the first one by default) where they had not.

        `roles` are given to them; `permissions` (hikari.Permissions) too, by a role of their own name. A listener may
        still be at work on that: `await discord.join(name)` waits. Raises Impossible for the name of a bot.
        """
        person = self._people.member(name, guild)
        assert person.member is not None
        for role in roles:
            self.world.give_role(person.member, role)
        if permissions:
            self.world.give_role(person.member, self.role(name, person.guild, permissions=permissions))
        return person

    async def join(self, name: str, guild: Guild | None = None, *, invite: str | None = None) -> Person:
        """Let a person join a guild (the first one by default), and wait until the bot is at rest.

        With the code of an `invite` they come by that, into its guild. Raises Impossible for one that is not there.
        """
        person = self._people.member(name, guild, invite=invite)
        await self.rest()
        return person

    def guild(self, name: str) -> Guild:
        """The guild of this name, made with the bot in it where there was none."""
        for guild in self.world.guilds.values():
            if guild.name == name:
                return guild
        return self.world.add_guild(name)

    def channel(self, name: str, guild: Guild | None = None) -> Channel:
        """The channel or thread of this name in a guild (the first one by default), else a new text channel."""
        guild = guild or self._people.home
        return guild.channel(name) or self.world.add_channel(guild, name)

    def role(self, name: str, guild: Guild | None = None, *, permissions: int | None = None) -> Role:
        """The role of this name in a guild (the first one by default), a new one where there was none.

        It gets these `permissions` (hikari.Permissions), where they are said. "@everyone" is everybody's.
        """
        guild = guild or self._people.home
        found = next((role for role in guild.roles.values() if role.name == name), None)
        if found is None:
            return self.world.add_role(guild, name, permissions=int(permissions or 0))
        if permissions is not None and found.permissions != permissions:
            self.world.edit_role(guild, found, permissions=int(permissions))
        return found

    async def give(self, person: Person, *roles: Role) -> None:
        """Give a person roles in the guild that they look at, and wait until the bot is at rest."""
        await self._people.give(person, *roles)

    async def take(self, person: Person, *roles: Role) -> None:
        """Take roles from a person in the guild that they look at, and wait until the bot is at rest."""
        await self._people.take(person, *roles)

    async def overwrite(self, channel: Channel, whom: Role | Person, *, allow: int = 0, deny: int = 0) -> None:
        """Say what a role or a person may (hikari.Permissions) and may not do in a channel, whatever their roles say.

        It replaces what was said of them there before, and waits until the bot is at rest.
        """
        target = whom.user if isinstance(whom, Person) else whom
        self.world.set_overwrite(channel, target, allow=int(allow), deny=int(deny))
        await self.rest()

    # What happened

    def messages(self, channel: str | Channel = "general", guild: Guild | None = None) -> list[Message]:
        """What stands in a channel (by name: in the first guild by default), oldest first, private answers not.

        `content`, `author`, `reactions` and `embeds` (Discord's JSON) are what it says; `person.messages` is what
        somebody sees. Raises Impossible for a channel that is not there.
        """
        if isinstance(channel, str):
            channel = channel_called(guild or self._people.home, channel)
        return list(channel.messages.values())

    @overload
    def happened(self) -> list[Happening]: ...

    @overload
    def happened(self, kind: type[H]) -> list[H]: ...

    def happened(self, kind: type[Any] | None = None) -> list[Any]:
        """What happened since the bot started, oldest first; of one type, such as `ReactionAdded`, where it is said.

        The types are in `wisp.sandbox.happenings`. What they hold (messages, interactions, members) shows how it
        stands now.
        """
        return [one for one in self._record.happenings if kind is None or isinstance(one, kind)]

    def conversation(self) -> str:
        """What people and bot said and did so far, as the chat in the terminal shows it; the last 60 things."""
        text = "\n".join(f"  {line}" for line in self._record.lines(_LONGEST_LINE))
        return redacted(text.replace(self.world.token, "<token>"))

    # Time, and the life of the bot

    async def restart(self, *, kill: bool = False) -> None:
        """Stop the bot and start it again: on the same Discord, the same data, at the same time.

        With `kill` its run breaks off as by `kill -9`: what was being done is not finished, Discord hears no goodbye,
        and of the data what had been committed is there. (In one process the old run's `finally` blocks still run;
        nothing of what they do reaches Discord, or the data of the new run.)
        """
        await (local.kill(self.bot, self.sandbox) if kill else local.restart(self.bot))
        self._attend()
        await self.rest()

    async def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the time of bot and Discord forward: what falls due happens in order, each coming to rest first.

        Several at once pass together. Raises ValueError for a negative time, and for one after the year 2084.
        """
        total = seconds + 60 * minutes + 3600 * hours + 86400 * days
        if not 0 <= total < math.inf:
            raise ValueError(f"advance() moves time forward: expected seconds >= 0, got {total!r}")
        if self._time.clock.time() + total > LAST_MOMENT:
            raise ValueError(f"advance() by {total:g} s: Discord's ids, which hold the time, end in 2084")
        try:
            await self._time.advance(total)
        except Stuck as error:
            raise AssertionError(self._explained(error)) from None
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing runs that has not to wait for the time or a person; raises what the bot failed on.

        Raises AssertionError, naming the commands, if that does not happen.
        """
        await self._rest()

    async def _rest(self, is_answered: Callable[[], bool] = lambda: True) -> None:
        await self._settle(is_answered)
        self._raise_failures()
        if self._session.closing:
            raise AssertionError("the bot is closed: `await discord.restart()` starts it again")
        if why := bridge.ended(self._session.gateway):
            raise AssertionError(f"the bot's connection to Discord ended for good: {why}")

    async def finish(self) -> None:
        """Wait as `rest` does, and raise what is left to fail the test at its end, once: `connect` calls it there.

        Raises AssertionError for what the bot asked for and the sandbox does not serve.
        """
        if not self.is_over:
            self.is_over = True
            await self._settle()
            self._raise_failures()
            _refuse_unserved(self.world)

    async def _connected(self) -> None:
        """Wait for a bot that is away: after hikari's pauses of random length some answers would be late, some not."""
        sessions = self.gateway.sessions.values()
        if not sessions or any(session.connection is None for session in sessions):
            await self._time.until(lambda: not bridge.away(self._session.gateway), within=_PATIENCE)

    def _raise_failures(self) -> None:
        errors = [_as_assertion(failure) for failure in self._failures]
        self._failures.clear()
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup(f"{len(errors)} errors in the bot's code, first {errors[0]}", errors)

    @contextmanager
    def expects(self, kind: type[BaseException]) -> Generator[None]:
        """Inside, errors of this type in the bot's code do not fail the test. Raises AssertionError where none came."""
        expected = _Expected(kind)
        self._expected.append(expected)
        try:
            yield
        finally:
            self._expected.remove(expected)
        if not expected.came:
            raise AssertionError(f"expected {kind.__name__} in the bot's code, none came")

    def _note_exit(self, leaving: asyncio.Future[BaseException]) -> None:
        """Note that the bot's code asked for the end of the program: it would end the test run."""
        if not leaving.cancelled():
            self._note(Failure("", "the bot's code", leaving.result()))

    def _note(self, failure: Failure) -> None:
        for expected in reversed(self._expected):
            if isinstance(failure.error, expected.kind):
                expected.came = True
                return
        self._failures.append(failure)

    async def _settle(self, is_answered: Callable[[], bool] = lambda: True) -> None:
        def is_met() -> bool:
            return is_answered() and not undelivered(self.sandbox, self._session.gateway)

        try:
            await self._time.until(is_met, within=_PATIENCE)
        except Stuck as error:
            raise AssertionError(self._explained(error, is_answered=is_answered())) from None

    def _explained(self, error: Stuck, *, is_answered: bool = True) -> str:
        session = self._session
        if undelivered(self.sandbox, session.gateway):
            return f"the bot is not connected: {error}"
        broken = [f"; the test delays {method} {path}" for method, path in self.faults.delayed]
        broken += [f"; the test lets {fault.method} {fault.path.pattern} fail" for fault in self.faults.failures]
        names = session.unfinished()
        if isinstance(error, Overdue) and not is_answered:
            waited = "".join(f"; {one}" for one in error.waited)
            return f"{UNANSWERED}. Still running: {names or 'no handler'}{waited}{redacted(''.join(broken))}"
        others = asyncio.all_tasks() - {asyncio.current_task()}
        names = names or named(f"a task{line}" for line in map(line_of, others) if line)
        return f"{names or 'the bot'} did not come to rest: {error}{redacted(''.join(broken))}"


def _as_assertion(failure: Failure) -> AssertionError:
    """A failure as an error of the test, from the bot's own, whose traceback begins in the bot's code."""
    error = failure.error.with_traceback(in_bot(failure.error.__traceback__))
    raised = AssertionError(f"{failure.where} failed: {described(error)}")
    raised.__cause__ = error
    return raised


class _Expected:
    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind
        self.came = False
