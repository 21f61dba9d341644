"""Faults and use at random: whatever breaks, what the bot acknowledged stays, and nobody waits for ever.

RESILIENCE_EXAMPLES=500 pytest tests/test_resilience_at_random.py looks longer than the suite has time for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from unittest.mock import patch

from hikari.impl import rate_limits
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import wisp
from wisp import bridge
from wisp.clock import Clock
from wisp.local import delivered, on_sandbox, restart
from wisp.sandbox import answers, people
from wisp.sandbox.people import People, Person, Reply
from wisp.sandbox.world import BotConnected

T = TypeVar("T")

EXAMPLES = int(os.environ.get("RESILIENCE_EXAMPLES", "6"))
DEADLINE = 8.0
"""Seconds that Discord waits for a first answer here."""

SOON = 15.0
"""Seconds of real time that a step may take: it does not wait for them."""


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def add(ctx: wisp.Context) -> str:
        """Count up."""
        return str(await ctx.data.increment("n"))

    @bot.command
    async def slowly(ctx: wisp.Context) -> str:
        """Count up, after a minute."""
        await bot.session.clock.sleep(60)
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
        # So that a step takes no seconds: hikari's pauses, and wisp's patience with an answer that does not come.
        self.stack.enter_context(patch.object(rate_limits.ExponentialBackOff, "__next__", lambda _: 0.01))
        for tries in ("_CALLBACK_TRIES", "_TRIES"):
            self.stack.enter_context(patch.object(bridge, tries, ((0.2, 0.0), (0.2, 0.01), (0.2, 0.01), (1.0, None))))
        for place in (people, answers):  # a machine that is busy for three seconds has nothing to do with it
            self.stack.enter_context(patch.object(place, "INTERACTION_DEADLINE", DEADLINE))
        self.bot = a_bot()
        self.clock = Clock()
        self.asked = 0
        self.counts: list[int] = []
        self.kept: dict[str, str] = {}
        self.failures: list[str] = []
        self.polls: list[Reply] = []
        self.run(self._begin())

    async def _begin(self) -> None:
        self.sandbox = await self.stack.enter_async_context(on_sandbox(self.bot, clock=self.clock))
        self.sandbox.gateway.heartbeat_interval = 0.6
        self.people = People(self.sandbox.world, patience=SOON)
        self.people.settled = self._settled
        self._listen()

    def _listen(self) -> None:
        self.bot.session.on_failure = lambda failure: self.failures.append(f"{failure.where}: {failure.error!r}")

    async def _settled(self) -> None:
        await delivered(self.sandbox, self.bot.session.gateway)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.stack.aclose())
            self.runner.close()

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        async def soon() -> T:
            async with asyncio.timeout(SOON):
                return await step

        return self.runner.run(soon())

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
        stop = self.sandbox.world.watch(lambda happening: again.set() if isinstance(happening, BotConnected) else None)
        change()
        await again.wait()
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
            asking = asyncio.create_task(self.counted(self.person().slash("slowly")))
            await asyncio.sleep(0)
            interaction = next(reversed(self.sandbox.world.interactions.values()))
            await self._calm()
            await self.clock.advance(2.2, self._calm)
            while not interaction.answered:  # a deferral may need some tries
                await asyncio.sleep(0.01)
            await self.clock.advance(seconds, self._calm)
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

    @rule(hours=st.sampled_from([0.1, 30]))
    def advance(self, hours: float) -> None:
        self.run(self.clock.advance(hours * 3600, self._calm))

    async def _calm(self) -> None:
        """Let what is under way go on for a moment."""
        await self._settled()
        await asyncio.sleep(0.05)

    # Faults

    @rule(how=HOW | st.just("timeout"), times=TIMES, done=st.booleans())
    def fail_first_answers(self, how: Any, times: int, done: bool) -> None:
        self.sandbox.mend()  # more than two at once are more than hikari's tries, or three seconds
        self.sandbox.fail("POST", r"/interactions/.*/callback", how, times=times, done=done)

    @rule(method=st.sampled_from(["PATCH", "DELETE", "GET"]), how=HOW, times=TIMES, done=st.booleans())
    def fail_later_ones(self, method: str, how: Any, times: int, done: bool) -> None:
        self.sandbox.mend()
        self.sandbox.fail(method, r"/webhooks/.*/messages/@original", how, times=times, done=done)

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
        self.run(self._settled())
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
        self.sandbox.mend()

    @rule()
    def restart(self) -> None:
        self.sandbox.mend()  # a bot need not start on a Discord that is down
        self.run(restart(self.bot))
        self._listen()

    @rule(people=st.integers(1, 3), after=st.sampled_from([0.0, 0.001, 0.01]))
    def restart_meanwhile(self, people: int, after: float) -> None:
        async def meanwhile() -> None:
            self.sandbox.mend()
            asking = [
                asyncio.create_task(self.counted(self.person(f"p{number}").slash("add"), lost=True))
                for number in range(people)
            ]
            await asyncio.sleep(after)
            await restart(self.bot)
            self._listen()
            await self.clock.advance(DEADLINE, self._calm)
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
    phases=[Phase.explicit, Phase.generate],  # a failure takes seconds of real time: too long to shrink it
    suppress_health_check=list(HealthCheck),
)
TestResilience = Resilience.TestCase
