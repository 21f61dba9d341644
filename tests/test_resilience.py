"""A bot on a Discord that breaks: what was acknowledged stays, and everybody gets one answer or a defined refusal."""

from __future__ import annotations

import asyncio

import pytest

import wisp
from wisp.local import on_sandbox
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
async def test_a_bot_closes_while_it_connects_anew(turns: int) -> None:
    bot = a_bot()
    async with on_sandbox(bot) as sandbox:
        sandbox.reconnect()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await bot.close()
