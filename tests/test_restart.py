"""A bot that restarts inside a test, in order or as by `kill -9`: what it had acknowledged is there afterwards."""

import asyncio

import pytest

import wisp
from wisp.testing import connect


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def vote(ctx: wisp.Context) -> None:
        await ctx.respond("Well?", components=[wisp.row(yes.bind(7).button("Yes"))])

    @bot.component("yes:{poll}")
    async def yes(ctx: wisp.ComponentContext, poll: int) -> str:
        return f"{poll}: {await ctx.data.increment('votes')}"

    @bot.command
    async def slow(ctx: wisp.Context) -> None:
        await ctx.data.set("begun", True)
        try:
            await asyncio.sleep(3600)
            await ctx.data.set("done", True)
        finally:
            await ctx.data.set("cleaned", True)
            await bot.gateway.rest.create_message(ctx.channel_id, "cleaned")

    @bot.command
    async def kept(ctx: wisp.Context) -> str:
        return " ".join(await ctx.data.get_all())

    return bot


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "killed"])
async def test_messages_buttons_data_and_time_outlive_a_restart(kill: bool) -> None:
    async with connect(a_bot()) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("vote")
        assert (await ada.click(reply, "Yes")).content == "7: 1"
        await discord.advance(hours=5)
        before = discord.world.clock.time()
        await discord.restart(kill=kill)
        assert 0 <= discord.world.clock.time() - before < 5
        assert [message.content for message in discord.messages()] == ["Well?", "7: 1"]
        assert (await ada.click(reply, "Yes")).content == "7: 2"
        await discord.restart(kill=kill)
        assert (await ada.click(reply, "Yes")).content == "7: 3"


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "killed"])
async def test_what_a_killed_bot_did_not_finish_is_not_finished(kill: bool) -> None:
    async with connect(a_bot()) as discord:
        ada = discord.member("ada")
        asking = asyncio.create_task(ada.slash("slow"))
        await discord.rest()
        (interaction,) = discord.world.interactions.values()
        await discord.restart(kill=kill)
        after = (await ada.slash("kept")).content
        posted = [message.content for message in discord.messages()]
        assert (after, "cleaned" in posted) == (("begun", False) if kill else ("begun cleaned", True))
        assert interaction.answered is not kill
        reply = await asking
        assert reply.failed == ("The application did not respond" if kill else None)


async def test_a_bot_that_fails_after_a_restart_fails_the_test() -> None:
    bot = a_bot()

    @bot.command
    async def broken(ctx: wisp.Context) -> None:
        raise ValueError("oh no")

    async with connect(bot) as discord:
        await discord.restart()
        with pytest.raises(AssertionError, match="ValueError: oh no"):
            await discord.member("ada").slash("broken")
        with discord.expects(ValueError):
            await discord.member("ada").slash("broken")


async def test_nothing_of_a_killed_run_stays() -> None:
    async with connect(a_bot()) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("slow"))
        await discord.rest()
        await discord.restart(kill=True)
        await asking
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.cancelling()]
    assert left == []
