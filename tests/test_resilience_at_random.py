"""Faults and use at random: whatever breaks, what the bot acknowledged stays, and nobody waits for ever.

RESILIENCE_EXAMPLES=500 pytest tests/test_resilience_at_random.py looks longer than the suite has time for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import wisp
from wisp.local.runner import is_undelivered, on_sandbox, restart
from wisp.local.virtual_time import virtual_time
from wisp.sandbox.people import person as people
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.rest import interactions as answers
from wisp.sandbox.world.changes import BotConnected
from wisp.sandbox.world.objects import INTERACTION_LIFETIME

T = TypeVar("T")

EXAMPLES = int(os.environ.get("RESILIENCE_EXAMPLES", "6"))
DEADLINE = 8.0
"""Seconds that Discord waits for a first answer here: a deferral after 2 s may meet two faults."""

PATIENCE = INTERACTION_LIFETIME + 1.0
"""Seconds in which whatever is waited for must happen."""


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def add(ctx: wisp.Context) -> str:
        """Count up."""
        return str(await ctx.data.increment("n"))

    @bot.command
    async def slowly(ctx: wisp.Context) -> str:
        """Count up, after a minute."""
        await asyncio.sleep(60)
        return str(await ctx.data.increment("n"))

    @bot.command(ephemeral=True)
    async def keep(ctx: wisp.Context, key: str, text: str) -> str:
        """Keep a text."""
        await ctx.data.set(key, text)
        return "kept"

    @bot.command
    async def poll(ctx: wisp.Context) -> None:
        """Post a button."""
        await ctx.respond("Vote!", components=[wisp.row(vote.bind(1).button("Yes"))])

    @bot.component("vote:{poll}")
    async def vote(ctx: wisp.ComponentContext, poll: int) -> None:
        await ctx.respond(str(await ctx.data.increment("n")), ephemeral=True)

    return bot


HOW = st.sampled_from([429, 500, 502, 503, "cut"])
EVENTS = st.sampled_from(["", "INTERACTION_CREATE", "MESSAGE_CREATE"])
TIMES = st.integers(1, 2)


class Resilience(RuleBasedStateMachine):
    """A bot that counts. `asked` are the increments that people asked for, `counts` those that they were told of."""

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        for place in (people, answers):
            self.stack.enter_context(patch.object(place, "INTERACTION_DEADLINE", DEADLINE))
        self.bot = a_bot()
        self.asked = 0
        self.counts: list[int] = []
        self.kept: dict[str, str] = {}
        self.failures: list[str] = []
        self.polls: list[Reply] = []
        self.run(self._begin())

    async def _begin(self) -> None:
        self.time = self.stack.enter_context(virtual_time())
        self.sandbox = await self.stack.enter_async_context(on_sandbox(self.bot, clock=self.time.clock))
        self.people = People(self.sandbox.world, patience=None)
        self.people.ready = self._is_back
        self.people.settle = self._settle
        self._listen()

    def _listen(self) -> None:
        self.bot.runtime.on_failure = lambda failure: self.failures.append(f"{failure.where}: {failure.error!r}")

    def _is_connected(self) -> bool:
        return not is_undelivered(self.sandbox, self.bot.runtime.gateway)

    async def _is_back(self) -> None:
        """Wait until the bot is connected: hikari's pauses before it connects anew may last longer than an answer."""
        await self.time.until(self._is_connected, within=PATIENCE)

    async def _settle(self, is_answered: Callable[[], bool]) -> None:
        await self.time.until(lambda: is_answered() and self._is_connected(), within=PATIENCE)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.stack.aclose())
            self.runner.close()

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(step)

    def person(self, name: str = "ada") -> Person:
        return self.people.member(name)

    async def answered(self, asking: Awaitable[Reply], *, lost: bool = False) -> Reply:
        """What somebody got: one answer that they can see, or (where it may be `lost`) the client's own words."""
        reply = await asking
        seen = [
            message
            for message in self.sandbox.world.messages.values()
            if message.interaction is reply.interaction and not message.loading and not message.deleted
        ]
        assert lost or not reply.failed, reply
        assert len(seen) == (0 if reply.failed else 1), (reply, seen)
        return reply

    async def counted(self, asking: Awaitable[Reply], *, lost: bool = False) -> None:
        self.asked += 1
        reply = await self.answered(asking, lost=lost)
        if reply.content.isdecimal():
            self.counts.append(int(reply.content))
        else:
            assert lost, reply

    async def connected(self, change: Any) -> None:
        """Do what makes the bot connect anew, and wait for that."""
        again = asyncio.Event()
        stop = self.sandbox.world.changes.subscribe(
            lambda change: again.set() if isinstance(change, BotConnected) else None
        )
        change()
        await self.time.until(again.is_set, within=PATIENCE)
        stop()

    # Use

    @rule(people=st.integers(1, 4))
    def add(self, people: int) -> None:
        async def together() -> None:
            await asyncio.gather(*(self.counted(self.person(f"p{number}").slash("add")) for number in range(people)))

        self.run(together())

    @rule(seconds=st.sampled_from([60, 100]))
    def add_slowly(self, seconds: float) -> None:
        async def slowly() -> None:
            interactions = self.sandbox.world.interactions
            newest = next(reversed(list(interactions)), None)
            asking = asyncio.create_task(self.counted(self.person().slash("slowly")))
            await self.time.until(lambda: next(reversed(list(interactions)), None) != newest, within=PATIENCE)
            interaction = next(interactions.newest_first())
            await self.time.advance(2.2)
            await self.time.until(lambda: interaction.answered, within=DEADLINE)  # a deferral may need some tries
            assert not asking.done()
            await self.time.advance(seconds)
            await asking

        self.run(slowly())

    @rule(key=st.sampled_from("ab"), text=st.text("xyz ", min_size=1, max_size=5))
    def keep(self, key: str, text: str) -> None:
        reply = self.run(self.answered(self.person().slash("keep", key=key, text=text)))
        assert (reply.content, reply.ephemeral) == ("kept", True)
        self.kept[key] = text

    @rule()
    def open_poll(self) -> None:
        self.polls.append(self.run(self.answered(self.person().slash("poll"))))

    @rule(which=st.integers(0, 3), twice=st.booleans())
    def vote(self, which: int, twice: bool) -> None:
        async def click() -> None:
            poll = self.polls[which % len(self.polls)]
            await asyncio.gather(
                *(self.counted(self.person(name).click(poll, "Yes")) for name in ("ada", "bob")[: 1 + twice])
            )

        if self.polls:
            self.run(click())

    @rule(hours=st.sampled_from([0.5, 30]))
    def advance(self, hours: float) -> None:
        self.run(self.time.advance(hours * 3600))

    # Faults

    @rule(how=HOW | st.just("timeout"), times=TIMES, done=st.booleans())
    def fail_first_answers(self, how: Any, times: int, done: bool) -> None:
        self._mend_alone()
        self.sandbox.fail("POST", r"/interactions/.*/callback", how, times=times, done=done and how != 429)

    @rule(method=st.sampled_from(["PATCH", "DELETE", "GET"]), how=HOW, times=TIMES, done=st.booleans())
    def fail_later_ones(self, method: str, how: Any, times: int, done: bool) -> None:
        self._mend_alone()
        self.sandbox.fail(method, r"/webhooks/.*/messages/@original", how, times=times, done=done and how != 429)

    def _mend_alone(self) -> None:
        """End earlier faults, also for requests that met them: more than two are more than hikari's tries."""
        self.sandbox.clear_faults()
        self.run(self.time.advance(DEADLINE))

    @rule(seconds=st.floats(0.01, 0.3), times=TIMES)
    def delay(self, seconds: float, times: int) -> None:
        self.sandbox.delay("POST", "/interactions", seconds, times=times)

    @rule(code=st.sampled_from([None, 1006, 4000, 4009]))
    def drop(self, code: int | None) -> None:
        self.sandbox.drop(code=None if code == 1006 else code)

    @rule()
    def reconnect(self) -> None:
        self.sandbox.reconnect()

    @rule(resumable=st.booleans())
    def invalidate(self, resumable: bool) -> None:
        # Nobody asks for anything meanwhile: Discord would lose it.
        self.run(self._is_back())
        self.run(self.connected(lambda: self.sandbox.invalidate(resumable=resumable)))

    @rule()
    def ignore_heartbeats(self) -> None:
        self.sandbox.ignore_heartbeats()

    @rule(event=EVENTS, times=TIMES)
    def duplicate(self, event: str, times: int) -> None:
        self.sandbox.duplicate(event, times=times)

    @rule(event=EVENTS, times=TIMES)
    def reorder(self, event: str, times: int) -> None:
        self.sandbox.reorder(event, times=times)

    @rule()
    def mend(self) -> None:
        self.sandbox.clear_faults()

    @rule()
    def restart(self) -> None:
        self.sandbox.clear_faults()  # a bot need not start on a Discord that is down
        self.run(restart(self.bot))
        self._listen()

    @rule(people=st.integers(1, 3), turns=st.integers(0, 60))
    def restart_meanwhile(self, people: int, turns: int) -> None:
        async def meanwhile() -> None:
            self.sandbox.clear_faults()
            asking = [
                asyncio.create_task(self.counted(self.person(f"p{number}").slash("add"), lost=True))
                for number in range(people)
            ]
            for _ in range(turns):
                await asyncio.sleep(0)
            await restart(self.bot)
            self._listen()
            await self.time.advance(DEADLINE)
            await asyncio.gather(*asking)

        self.run(meanwhile())

    # What holds

    @invariant()
    def what_was_acknowledged_is_there(self) -> None:
        if not hasattr(self, "sandbox"):
            return
        home = self.people.home.id
        data = self.run(self.bot.guild_data.get_all(guild_id=home))
        count = data.pop("n", 0)
        assert max(self.counts, default=0) <= count <= self.asked
        assert len(set(self.counts)) == len(self.counts)
        assert len(self.counts) <= count
        assert data == self.kept
        assert (self.failures, self.sandbox.world.errors) == ([], [])


Resilience.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # without a database: what failed once may depend on chance
    suppress_health_check=list(HealthCheck),
)
TestResilience = Resilience.TestCase
