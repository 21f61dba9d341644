"""Cooldowns and concurrency: exact at their edges, given back, kept over a restart, and no place ever lost."""

import asyncio
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.clock import Clock
from wisp.cooldowns import Places, Window
from wisp.local import on_sandbox
from wisp.sandbox.people import People
from wisp.testing import connect


class Model:
    """A cooldown as its sentence has it: never more than `uses` within any `per` seconds."""

    def __init__(self, uses: int, per: float) -> None:
        self.uses, self.per = uses, per
        self.times: dict[int, list[float]] = {}

    def wait(self, key: int, now: float) -> float:
        recent = [time for time in self.times.get(key, []) if now - time < self.per]
        return 0.0 if len(recent) < self.uses else sorted(recent)[-self.uses] + self.per - now


@given(
    uses=st.integers(1, 4),
    per=st.integers(1, 6),
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=60),
)
def test_a_window_is_as_its_model_says_at_every_edge(uses: int, per: int, steps: list[tuple[int, int, bool]]) -> None:
    window, model = Window(uses, per), Model(uses, per)
    now = 100.0
    for key, passed, fails in steps:
        now += passed
        expected = model.wait(key, now)
        assert window.take(key, now) == expected
        if expected == 0:
            model.times.setdefault(key, []).append(now)
            if fails:
                window.give_back(key, now)
                model.times[key].remove(now)
        cooling = sum(any(now - time < per for time in times) for times in model.times.values())
        assert cooling <= len(window) <= 3


def test_a_window_holds_who_is_cooling_down_and_nobody_else() -> None:
    window = Window(2, 10.0)
    for number in range(100_000):
        window.take(number, number / 1000)
    assert len(window) <= 10_001
    window.take("last", 1000.0)
    assert len(window) == 1


def counting_bot(*decorators: Any) -> tuple[wisp.Bot, list[str]]:
    bot = wisp.Bot()
    calls: list[str] = []

    async def act(ctx: wisp.Context, fail: str = "") -> str:
        """Act."""
        if fail == "refuse":
            raise wisp.UserError("refused")
        if fail:
            raise ValueError(fail)
        calls.append(ctx.user.username)
        return "done"

    for decorator in reversed(decorators):
        act = decorator(act)
    bot.command(act)
    return bot, calls


async def test_a_cooldown_is_told_as_discord_shows_times_and_is_over_at_its_end() -> None:
    bot, _ = counting_bot(wisp.cooldown(seconds=5.0))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("act")).content == "done"
        refused = await ada.slash("act")
        assert refused.ephemeral
        told = int(refused.content.split("<t:")[1].split(":R>")[0])
        assert 4 < told - discord.world.clock.time() <= 6
        assert (await bob.slash("act")).content == "done"
        await discord.advance(seconds=5)
        assert (await ada.slash("act")).content == "done"


async def test_calls_that_fail_or_are_refused_are_not_counted() -> None:
    bot, _ = counting_bot(wisp.cooldown(uses=1, per=60.0))
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("act", fail="refuse")).content == "refused"
        with discord.expects(ValueError):
            await ada.slash("act", fail="oops")
        assert (await ada.slash("act")).content == "done"
        assert (await ada.slash("act")).content.startswith("Slow down")


async def test_several_cooldowns_are_taken_all_or_none() -> None:
    bot, calls = counting_bot(wisp.cooldown(uses=2, per=100.0, bucket="global"), wisp.cooldown(10.0))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        await ada.slash("act")
        for _ in range(3):
            assert (await ada.slash("act")).content.startswith("Slow down")
        assert (await bob.slash("act")).content == "done"
    assert calls == ["ada", "bob"]


@pytest.mark.parametrize(
    ("bucket", "shared"),
    [("user", "ada elsewhere"), ("channel", "bob here"), ("guild", "bob here"), ("global", "everybody")],
)
async def test_buckets_say_who_shares_a_cooldown(bucket: Any, shared: str) -> None:
    bot, _ = counting_bot(wisp.cooldown(60.0, bucket=bucket))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        other = discord.guild("Other")
        elsewhere = discord.member("ada", other)
        await ada.slash("act")
        cools = {
            "ada elsewhere": (await elsewhere.slash("act")).content != "done",
            "bob here": (await bob.slash("act")).content != "done",
        }
    if bucket == "user":
        assert cools == {"ada elsewhere": True, "bob here": False}
    elif bucket == "global":
        assert cools == {"ada elsewhere": True, "bob here": True}
    else:
        assert cools == {"ada elsewhere": False, "bob here": True}
    assert shared


async def test_a_bucket_of_ones_own_counts_by_its_key_and_none_is_not_counted() -> None:
    bot, _ = counting_bot(wisp.cooldown(60.0, bucket=lambda ctx: None if ctx.user.username == "ada" else "others"))
    async with connect(bot) as discord:
        ada, bob, eve = discord.member("ada"), discord.member("bob"), discord.member("eve")
        for _ in range(3):
            assert (await ada.slash("act")).content == "done"
        assert (await bob.slash("act")).content == "done"
        assert (await eve.slash("act")).content.startswith("Slow down")


async def test_a_cooldown_on_a_group_counts_all_its_commands_together() -> None:
    bot = wisp.Bot()
    group = wisp.cooldown(60.0)(bot.group("g", "G"))

    for name in ("one", "two"):

        @group.command(name=name)
        async def act(ctx: wisp.Context) -> str:
            """Act."""
            return "done"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("g one")).content == "done"
        assert (await ada.slash("g two")).content.startswith("Slow down")


async def test_a_long_cooldown_outlives_a_restart_and_a_short_one_need_not(tmp_path: Path) -> None:
    database = str(tmp_path / "wisp.db")

    def bot() -> wisp.Bot:
        bot = wisp.Bot()

        @bot.command
        @wisp.cooldown(uses=2, per=3600.0)
        async def daily(ctx: wisp.Context, fail: bool = False) -> str:
            """Daily."""
            if fail:
                raise wisp.UserError("no")
            return "done"

        return bot

    async with on_sandbox(bot(), keep=database) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("daily")).content == "done"
        assert (await ada.slash("daily", fail=True)).content == "no"
    async with on_sandbox(bot(), keep=database) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("daily")).content == "done"  # the one that failed was given back
        assert (await ada.slash("daily")).content.startswith("Slow down")
    clock = Clock()
    clock.offset = 3601.0
    async with on_sandbox(bot(), keep=database, clock=clock) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("daily")).content == "done"


async def test_a_cooldown_from_the_future_is_no_longer_than_the_cooldown(tmp_path: Path) -> None:
    database = str(tmp_path / "wisp.db")

    def bot() -> wisp.Bot:
        return counting_bot(wisp.cooldown(100.0))[0]

    ahead = Clock()
    ahead.offset = 1_000_000.0
    async with on_sandbox(bot(), keep=database, clock=ahead) as sandbox:
        await People(sandbox.world).member("ada").slash("act")
    async with on_sandbox(bot(), keep=database, clock=(clock := Clock())) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("act")).content.startswith("Slow down")
        clock.offset += 101.0
        assert (await ada.slash("act")).content == "done"


# ---- concurrency ----


async def test_who_comes_too_many_is_refused_or_waits_in_turn() -> None:
    bot = wisp.Bot()
    order: list[str] = []

    @bot.command
    @wisp.concurrency(1, bucket="global", queue=1)
    async def act(ctx: wisp.Context) -> str:
        """Act."""
        order.append(ctx.user.username)
        await ctx.session.clock.sleep(1)
        return "done"

    async with connect(bot) as discord:
        people = [discord.member(name) for name in ("ada", "bob", "eve")]
        asking: list[Any] = []
        for person in people:
            asking.append(asyncio.ensure_future(person.slash("act")))
            await asyncio.sleep(0.05)
        await discord.advance(seconds=5)
        replies = await asyncio.gather(*asking)
    assert [reply.content for reply in replies] == [
        "done",
        "done",
        "This is running already. Try again once it has ended.",
    ]
    assert order == ["ada", "bob"]


@given(seed=st.integers(0, 2**32))
def test_no_place_is_ever_lost_or_given_twice(seed: int) -> None:
    asyncio.run(_at_random(random.Random(seed)))


async def _at_random(chance: random.Random) -> None:
    limit = chance.randint(1, 3)
    places = Places(limit, chance.randint(0, 4), lambda ctx: ctx.key, Clock())
    inside = {"a": 0, "b": 0}

    async def call(key: str) -> None:
        try:
            release = await places.take(SimpleNamespace(key=key))  # pyright: ignore[reportArgumentType]
        except wisp.UserError:
            return
        assert release
        inside[key] += 1
        assert inside[key] <= limit
        try:
            for _ in range(chance.randint(0, 3)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:
                raise ValueError
        finally:
            inside[key] -= 1
            release(True)

    tasks = [asyncio.create_task(call(chance.choice("ab"))) for _ in range(30)]
    for _ in range(40):
        await asyncio.sleep(0)
        if chance.random() < 0.5:
            chance.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(places) == 0
    assert not places._waiting  # pyright: ignore[reportPrivateUsage]
