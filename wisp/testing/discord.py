"""Discord: the local Discord of a test, what is in it, and everything that happened there."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..local import hikari_probes, runner
from ..local.runner import is_undelivered
from ..local.virtual_time import Overdue, Stuck, VirtualTime
from ..locations import in_bot, line_of
from ..logs import redacted
from ..runtime import Failure
from ..sandbox.breakable import Breakable
from ..sandbox.people.person import People, Person, channel_called, front
from ..sandbox.server import Sandbox
from ..sandbox.terminal.transcript import Recorder
from ..sandbox.world.changes import Change
from ..sandbox.world.objects import INTERACTION_LIFETIME, LAST_MOMENT, UNANSWERED, Channel, Guild, Message, Role
from ..sandbox.world.world import World
from ..tasks import described, named

if TYPE_CHECKING:
    from ..bot import Bot
    from ..sandbox.faults import Faults
    from ..sandbox.gateway.gateway import Gateway

H = TypeVar("H")

_ANSWER_TIMEOUT = INTERACTION_LIFETIME + 1.0
"""Seconds of virtual time that a person waits for an answer: Discord accepts none after that."""

_CONVERSATION_LENGTH = 60
"""The number of events that a conversation shows."""

_LINE_LENGTH = 200
"""The number of characters that a line of a conversation shows."""

_HEADING = "What happened in the sandbox:"


class Discord(Breakable):
    """The local Discord of a test. `world` is its state, `sandbox` the server that the bot is connected to.

    It can be made to fail: `discord.fail("POST", "/interactions", 500)`, `discord.drop()`, ...
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
        self.is_over: bool = False  # errors in the bot's code no longer count
        self._expected: list[_Expected] = []
        self._failures: list[Failure] = []
        self._record = Recorder(sandbox.world, lambda: front(self._people.home), most=_CONVERSATION_LENGTH)
        self._watch_run()

    def _watch_run(self) -> None:
        """Collect the errors of the bot's current run."""
        runtime = self._runtime = self.bot.runtime  # the bot loses it when it closes
        runtime.shutdown_timeout = 0.0  # a handler that is still waiting when the test ends would wait forever
        runtime.on_failure = self._note
        runtime.exit_requested = asyncio.get_running_loop().create_future()
        runtime.exit_requested.add_done_callback(self._note_exit)

    @property
    def world(self) -> World:
        """The state of this Discord: its guilds, channels, users and messages."""
        return self.sandbox.world

    # ---- guilds, channels, roles and members ----

    def member(
        self, name: str, guild: Guild | None = None, *, roles: Sequence[Role] = (), permissions: int = 0
    ) -> Person:
        """Return the person of this name as a member of a guild (by default the first), whom they join if needed.

        They get these `roles`, and `permissions` (hikari.Permissions) through a role that has their name. Listeners may
        still be running on return: `await discord.join(name)` waits for them. Raises Impossible for the name of a bot.
        """
        person = self._people.member(name, guild)
        assert person.member is not None
        for role in roles:
            self.world.members.give_role(person.member, role)
        if permissions:
            self.world.members.give_role(person.member, self.role(name, person.guild, permissions=permissions))
        return person

    async def join(self, name: str, guild: Guild | None = None, *, invite: str | None = None) -> Person:
        """Let a person join a guild (by default the first), and wait until the bot is idle.

        With the code of an `invite` they join its guild. Raises Impossible if the invite does not exist.
        """
        person = self._people.member(name, guild, invite=invite)
        await self.rest()
        return person

    def guild(self, name: str) -> Guild:
        """Return the guild of this name. If there is none, create it, with the bot as a member."""
        for guild in self.world.guilds.values():
            if guild.name == name:
                return guild
        return self.world.guilds.add(name)

    def channel(self, name: str, guild: Guild | None = None) -> Channel:
        """Return the channel or thread of this name in a guild (by default the first), or create a text channel."""
        guild = guild or self._people.home
        return guild.channel(name) or self.world.channels.add(guild, name)

    def role(self, name: str, guild: Guild | None = None, *, permissions: int | None = None) -> Role:
        """Return the role of this name in a guild (by default the first), or create it.

        It gets these `permissions` (hikari.Permissions) if they are given. All members have the role "@everyone".
        """
        guild = guild or self._people.home
        found = next((role for role in guild.roles.values() if role.name == name), None)
        if found is None:
            return self.world.roles.add(guild, name, permissions=int(permissions or 0))
        if permissions is not None and found.permissions != permissions:
            self.world.roles.edit(guild, found, permissions=int(permissions))
        return found

    async def add_roles(self, person: Person, *roles: Role) -> None:
        """Add roles to a person in the guild that they look at, and wait until the bot is idle."""
        await self._people.give(person, *roles)

    async def remove_roles(self, person: Person, *roles: Role) -> None:
        """Remove roles from a person in the guild that they look at, and wait until the bot is idle."""
        await self._people.take(person, *roles)

    async def overwrite(self, channel: Channel, whom: Role | Person, *, allow: int = 0, deny: int = 0) -> None:
        """Set the permission overwrite of a role or a person in a channel, and wait until the bot is idle.

        `allow` and `deny` (hikari.Permissions) replace those of an earlier overwrite.
        """
        target = whom.user if isinstance(whom, Person) else whom
        self.world.channels.set_overwrite(channel, target, allow=int(allow), deny=int(deny))
        await self.rest()

    # ---- what happened ----

    def messages(self, channel: str | Channel = "general", guild: Guild | None = None) -> list[Message]:
        """Return the messages of a channel, oldest first, without ephemeral ones.

        The name of a channel is looked up in the first guild by default. `content`, `author`, `reactions` and `embeds`
        (Discord's JSON) are what a message contains; `person.messages` is what one person sees. Raises Impossible if
        there is no such channel.
        """
        if isinstance(channel, str):
            channel = channel_called(guild or self._people.home, channel)
        return list(channel.messages.values())

    @overload
    def events(self) -> list[Change]: ...

    @overload
    def events(self, kind: type[H]) -> list[H]: ...

    def events(self, kind: type[Any] | None = None) -> list[Any]:
        """Return what has happened since the bot started, oldest first; if given, only events of one type.

        The types, such as `ReactionAdded`, are in `wisp.sandbox.world.changes`. The messages, interactions and members
        in them have their current state.
        """
        return [one for one in self._record.changes if kind is None or isinstance(one, kind)]

    def conversation(self) -> str:
        """Return the last 60 events, formatted as in the terminal chat."""
        text = "\n".join(f"  {line}" for line in self._record.lines(_LINE_LENGTH))
        return redacted(text.replace(self.world.token, "<token>"))

    # ---- time, and the life of the bot ----

    async def restart(self, *, kill: bool = False) -> None:
        """Stop the bot and start it again, on the same Discord and the same data, at the same time.

        With `kill` its run ends as by `kill -9`: running handlers do not finish, the gateway connection breaks off, and
        only committed data are kept. (`finally` blocks of the old run still run, since it is in the same process; they
        reach neither Discord nor the data of the new run.)
        """
        await (runner.kill(self.bot, self.sandbox) if kill else runner.restart(self.bot))
        self._watch_run()
        await self.rest()

    async def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the time of the bot and Discord forward.

        Timers fire in order, and the bot becomes idle between two of them. Concurrent calls share the time that passes.
        Raises ValueError for a negative time, and for one after 2084.
        """
        total = seconds + 60 * minutes + 3600 * hours + 86400 * days
        if not 0 <= total < math.inf:
            raise ValueError(f"advance() moves time forward: expected seconds >= 0, got {total!r}")
        if self._time.clock.time() + total > LAST_MOMENT:
            raise ValueError(f"advance() by {total:g} s: Discord's ids, which contain the time, end in 2084")
        try:
            await self._time.advance(total)
        except Stuck as error:
            raise AssertionError(self._explained(error)) from None
        await self.rest()

    async def rest(self) -> None:
        """Wait until the bot is idle: all that still runs waits for time to pass, or for a person.

        Raises the errors in the bot's code, and AssertionError, naming the commands, if it does not get idle.
        """
        await self._rest()

    async def _rest(self, is_answered: Callable[[], bool] = lambda: True) -> None:
        await self._settle(is_answered)
        self._raise_failures()
        if self._runtime.closing:
            raise AssertionError("the bot is closed: `await discord.restart()` starts it again")
        if reason := hikari_probes.fatal_close_reason(self._runtime.gateway):
            raise AssertionError(f"the bot's connection to Discord ended for good: {reason}")

    async def finish(self) -> None:
        """Wait as `rest` does, and raise the remaining errors, once. `connect` calls it at the end of a test.

        Raises AssertionError if the bot used a part of Discord that the sandbox does not have.
        """
        if not self.is_over:
            self.is_over = True
            await self._settle()
            self._raise_failures()
            self._refuse_unserved()

    def explain(self, error: BaseException) -> None:
        """Add the conversation so far as a note, once, to an error that ends the test."""
        self.is_over = True
        if not any(note.startswith(_HEADING) for note in getattr(error, "__notes__", ())):
            error.add_note(f"{_HEADING}\n{self.conversation() or '(nothing)'}")

    @contextmanager
    def expects(self, kind: type[BaseException]) -> Generator[None]:
        """Let errors of this type in the bot's code not fail the test. Raises AssertionError if there was none."""
        expected = _Expected(kind)
        self._expected.append(expected)
        try:
            yield
        finally:
            self._expected.remove(expected)
        if not expected.was_raised:
            raise AssertionError(f"expected {kind.__name__} in the bot's code, none was raised")

    async def _connected(self) -> None:
        """Wait until the bot has reconnected: whether an answer is late must not depend on hikari's random delays."""
        sessions = self.gateway.sessions
        if not len(sessions) or any(session.connection is None for session in sessions):
            await self._time.until(
                lambda: not hikari_probes.is_reconnecting(self._runtime.gateway), within=_ANSWER_TIMEOUT
            )

    async def _settle(self, is_answered: Callable[[], bool] = lambda: True) -> None:
        def is_met() -> bool:
            return is_answered() and not is_undelivered(self.sandbox, self._runtime.gateway)

        try:
            await self._time.until(is_met, within=_ANSWER_TIMEOUT)
        except Stuck as error:
            raise AssertionError(self._explained(error, is_answered=is_answered())) from None

    # ---- errors ----

    def _note(self, failure: Failure) -> None:
        for expected in reversed(self._expected):
            if isinstance(failure.error, expected.kind):
                expected.was_raised = True
                return
        self._failures.append(failure)

    def _note_exit(self, leaving: asyncio.Future[BaseException]) -> None:
        """Note that the bot's code asked the program to exit, which would end the test run."""
        if not leaving.cancelled():
            self._note(Failure("", "the bot's code", leaving.result()))

    def _raise_failures(self) -> None:
        errors = [_as_assertion(failure) for failure in self._failures]
        self._failures.clear()
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup(f"{len(errors)} errors in the bot's code, first {errors[0]}", errors)

    def _refuse_unserved(self) -> None:
        """Raise AssertionError if the bot used what the sandbox does not have: Discord may answer differently."""
        if self.world.unserved:
            routes = ", ".join(f"{route} ({times} x)" for route, times in self.world.unserved.items())
            raise AssertionError(f"the sandbox does not serve what the bot used: {routes} (see the README)")

    def _explained(self, error: Stuck, *, is_answered: bool = True) -> str:
        runtime = self._runtime
        if is_undelivered(self.sandbox, runtime.gateway):
            return f"the bot is not connected: {error}"
        faults = [f"; the test delays {method} {path}" for method, path in self.faults.delayed]
        faults += [f"; the test lets {fault.method} {fault.path.pattern} fail" for fault in self.faults.failures]
        names = runtime.unfinished()
        if isinstance(error, Overdue) and not is_answered:
            waited = "".join(f"; {one}" for one in error.waited)
            return f"{UNANSWERED}. Still running: {names or 'no handler'}{waited}{redacted(''.join(faults))}"
        others = asyncio.all_tasks() - {asyncio.current_task()}
        names = names or named(f"a task{line}" for line in map(line_of, others) if line)
        return f"{names or 'the bot'} did not become idle: {error}{redacted(''.join(faults))}"


def _as_assertion(failure: Failure) -> AssertionError:
    """Return a failure as an AssertionError from the bot's own error, whose traceback begins in the bot's code."""
    error = failure.error.with_traceback(in_bot(failure.error.__traceback__))
    raised = AssertionError(f"{failure.where} failed: {described(error)}")
    raised.__cause__ = error
    return raised


class _Expected:
    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind
        self.was_raised = False
