"""Tests of a bot without mocks: `connect(bot)` runs it on a local Discord, in which people do things.

from wisp.testing import connect

async def test_greet() -> None:
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("greet", user=bob)
        assert reply.content == f"Hello {bob.mention}!"

People press buttons on a reply (`await ada.click(reply, "Next")`), choose there (`ada.select(reply, "red")`),
send the form that it opened (`ada.submit(reply, title="Hi")`) and use commands in menus (`ada.menu("Who", bob)`).

For a module alone there are `create_mock_bot`, `create_mock_context` and `create_mock_interaction`: see `wisp.mocks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from . import bridge
from .local import delivered, on_sandbox, undelivered
from .mocks import (
    MockBot,
    MockContext,
    MockInteraction,
    MockReply,
    create_mock_bot,
    create_mock_context,
    create_mock_interaction,
)
from .sandbox.faults import Breakable
from .sandbox.people import File, Impossible, People, Person, Reply
from .sandbox.server import Sandbox
from .sandbox.world import Channel, Guild, Message, World
from .stillness import Stillness, WatchedClock, place
from .work import named

if TYPE_CHECKING:
    from .bot import Bot
    from .sandbox.faults import Faults
    from .sandbox.gateway import Gateway
    from .session import Failure, Session

__all__ = [
    "Discord",
    "File",
    "Impossible",
    "Message",
    "MockBot",
    "MockContext",
    "MockInteraction",
    "MockReply",
    "Person",
    "Reply",
    "connect",
    "create_mock_bot",
    "create_mock_context",
    "create_mock_interaction",
]

Impossible.__module__ = __name__  # tracebacks call it what tests import it as


@asynccontextmanager
async def connect(bot: Bot) -> AsyncGenerator[Discord, None]:
    """Run a bot on a local Discord with empty temporary data, for the length of a test; nothing of it stays.

    An error in the bot's code fails the test: it is raised, as an AssertionError from the bot's own
    exception, from the call that led to it, or else at the end; unless inside `discord.expects`. Several that
    came at once are raised together, as an ExceptionGroup. What the bot asked for and the sandbox does not serve fails
    the test at its end.
    """
    clock = WatchedClock()
    async with on_sandbox(bot, clock=clock) as sandbox:
        session = bot.session
        session.grace = 0.0  # what still waits when the test is over would wait for ever
        with _stillness(session, clock) as stillness:
            discord = Discord(sandbox, session, clock, stillness)
            yield discord
            await discord.rest()
            _refuse_unserved(sandbox.world)


def _stillness(session: Session, clock: WatchedClock) -> Stillness:
    return Stillness(
        lambda: session.work.tasks,
        lambda: bridge.listening(session.gateway),
        lambda: clock.waiting | session.work.waiting,
    )


def _refuse_unserved(world: World) -> None:
    """Fail a test whose bot asked for what the sandbox does not have: on Discord it may well do something else."""
    if world.unserved:
        routes = ", ".join(f"{route} ({times} x)" for route, times in world.unserved.items())
        raise AssertionError(f"the sandbox does not serve what the bot used: {routes} (README names what it does)")


_SOON = 5.0
"""Seconds of real time in which handlers must come to rest."""

_GLANCE = 0.002
"""Seconds after which busy handlers are looked at again: what they wait for may have come to rest."""

_CALM = 8
"""Turns of the event loop that nothing may be busy: what one task leaves another gets within a few."""


class Discord(Breakable):
    """The local Discord of a test. `world` is everything in it, `sandbox` the server that the bot is on.

    It can be broken: `discord.fail("POST", "/interactions", 500)`, `discord.drop()`, ...
    """

    def __init__(self, sandbox: Sandbox, session: Session, clock: WatchedClock, stillness: Stillness) -> None:
        self.sandbox = sandbox
        self.gateway: Gateway = sandbox.gateway
        self.faults: Faults = sandbox.faults
        self._session = session
        self._clock = clock
        self._people = People(sandbox.world)
        self._people.settled = self.rest
        self._people.watchful = False  # a handler that waits for the clock answers when the test moves it
        self._stillness = stillness
        self._expected: list[_Expected] = []
        self._failures: list[Failure] = []
        session.on_failure = self._note

    @property
    def world(self) -> World:
        """Everything that there is in this Discord."""
        return self.sandbox.world

    def member(self, name: str, guild: Guild | None = None) -> Person:
        """The person of this name, who joins the guild (the first one by default) where they had not."""
        return self._people.member(name, guild)

    def guild(self, name: str) -> Guild:
        """The guild of this name, made with the bot in it where there was none."""
        for guild in self.world.guilds.values():
            if guild.name == name:
                return guild
        return self.world.add_guild(name)

    def channel(self, name: str, guild: Guild | None = None) -> Channel:
        """The channel of this name in a guild (the first one by default), a new text channel where there was none."""
        guild = guild or self._people.home
        return guild.channel(name) or self.world.add_channel(guild, name)

    def messages(self, channel: str = "general", guild: Guild | None = None) -> list[Message]:
        """What stands in the channel of this name (in the first guild by default), oldest first, private answers not.

        `content`, `author` and `embeds` (Discord's JSON) are what it says. Raises Impossible for a channel that is
        not there.
        """
        guild = guild or self._people.home
        found = guild.channel(channel)
        if found is None:
            names = ", ".join(other.name for other in guild.channels.values())
            raise Impossible(f"{guild.name} has no channel {channel!r}; it has {names}")
        return list(found.messages.values())

    async def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the time of bot and Discord forward: what falls due happens in order, each coming to rest first.

        Raises ValueError for a negative time.
        """
        total = seconds + 60 * minutes + 3600 * hours + 86400 * days
        await self._clock.advance(total, self._settle)
        await self.rest()

    async def rest(self) -> None:
        """Wait until every handler of the bot has ended, or waits for the clock; raises what the bot failed on.

        Raises AssertionError, naming the commands, where one does neither within 5 seconds of real time.
        """
        await self._settle()
        self._raise_failures()

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

    def _note(self, failure: Failure) -> None:
        for expected in reversed(self._expected):
            if isinstance(failure.error, expected.kind):
                expected.came = True
                return
        self._failures.append(failure)

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(_SOON):
                await self._settled()
        except TimeoutError:
            raise AssertionError(self._restless()) from None

    async def _settled(self) -> None:
        calm = 0
        while calm < _CALM:
            await delivered(self.sandbox, self._session.gateway)
            if busy := self._stillness.busy():
                calm = 0
                waiting = {*busy, self._clock.changed()}
                await asyncio.wait(waiting, timeout=_GLANCE, return_when=asyncio.FIRST_COMPLETED)
            else:
                calm += 1

    def _restless(self) -> str:
        busy = self._stillness.busy()
        if not busy and undelivered(self.sandbox, self._session.gateway):
            return f"the bot did not hear within {_SOON:g} s of all that happened: it is not connected, or hangs"
        at = {root: root for root in busy.values()} | {root: task for task, root in busy.items() if task is not root}
        names = named(f"{self._session.label_of(root)}{place(task)}" for root, task in at.items())
        return (
            f"{names or 'the bot'} did not come to rest within {_SOON:g} s: waiting for something that no test can "
            "bring about, or for real time (asyncio.sleep) in place of wisp's clock"
        )


def _as_assertion(failure: Failure) -> AssertionError:
    error = failure.error
    raised = AssertionError(f"{failure.where} failed: {type(error).__name__}: {error}")
    raised.__cause__ = error
    return raised


class _Expected:
    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind
        self.came = False
