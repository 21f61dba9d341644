"""A bot on a Discord that breaks: what was acknowledged stays, and everybody gets one answer or a defined refusal."""

from __future__ import annotations

import asyncio
from time import process_time

import pytest

import wisp
from wisp.local.runner import on_sandbox
from wisp.local.virtual_time import VirtualTime
from wisp.sandbox.faults import Failing
from wisp.testing import Discord, Reply, connect


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def count(ctx: wisp.Context) -> str:
        """Count up."""
        return str(await ctx.data.increment("n"))

    return bot


def answers(discord: Discord, reply: Reply) -> list[str]:
    """Every message that came of an interaction, as people see it."""
    return [
        message.content
        for message in discord.world.messages.values()
        if message.interaction is reply.interaction and not message.deleted
    ]


async def test_an_interaction_that_comes_twice_is_done_once() -> None:
    async with connect(a_bot()) as discord:
        ada = discord.member("ada")
        discord.duplicate("INTERACTION_CREATE")
        reply = await ada.slash("count")
        assert answers(discord, reply) == ["1"]
        assert (await ada.slash("count")).content == "2"


@pytest.mark.parametrize("how", [502, "cut", "timeout"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
async def test_an_answer_comes_in_time_though_discord_fails_twice(how: int | str, done: bool) -> None:
    async with connect(a_bot()) as discord:
        discord.fail("POST", "/callback", how, times=2, done=done)
        reply = await discord.member("ada").slash("count")
        assert (reply.content, reply.failed, answers(discord, reply)) == ("1", None, ["1"])


@pytest.mark.parametrize("turns", range(0, 30, 3))
async def test_a_bot_closes_while_it_connects_anew(time: VirtualTime, turns: int) -> None:
    bot = a_bot()
    async with on_sandbox(bot, clock=time.clock) as sandbox:
        sandbox.reconnect()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await bot.close()


@pytest.mark.parametrize("how", [500, 502, "cut"])
async def test_a_route_that_fails_always_costs_no_time_and_its_error_can_be_expected(how: Failing) -> None:
    bot = a_bot()
    async with connect(bot) as discord:
        ada = discord.member("ada")
        discord.fail("POST", "/callback", how, times=None)
        began = process_time()
        with discord.expects(Exception):
            await ada.slash("count")
        discord.clear_faults()
        assert (await ada.slash("count")).content == "2"
        assert process_time() - began < 5


async def test_a_bot_that_waits_for_a_route_that_never_works_is_named_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect(a_bot()) as discord:
        ada = discord.member("ada")
        discord.fail("POST", "/callback", 429, times=None)
        monkeypatch.setattr("wisp.local.virtual_time._MAX_TURNS", 10_000)
        with pytest.raises(AssertionError, match="did not become idle") as raised:
            await ada.slash("count")
        monkeypatch.undo()
        discord.clear_faults()
    assert "/count" in str(raised.value)
    assert "; the test lets POST /callback fail" in str(raised.value)


async def test_a_bot_that_was_sent_away_for_good_is_no_empty_reply() -> None:
    async with connect(a_bot()) as discord:
        discord.drop(code=4001)
        with pytest.raises(AssertionError, match=r"the bot's connection to Discord ended for good: .*4001"):
            await discord.member("ada").slash("count")
        await discord.restart()
        assert (await discord.member("ada").slash("count")).content == "1"


async def test_a_bot_that_is_closed_is_no_empty_reply() -> None:
    async with connect(a_bot()) as discord:
        await discord.bot.close()
        with pytest.raises(AssertionError, match="the bot is closed"):
            await discord.member("ada").slash("count")
