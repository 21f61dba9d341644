"""Cooldowns limit how often a handler runs, concurrency how many run at a time.

    @wisp.cooldown(5.0)                               once in 5 seconds for each user
    @wisp.cooldown(uses=3, per=60.0)                  3 times within any 60 seconds
    @wisp.cooldown(uses=3, per=60.0, bucket="guild")  the same, counted for the whole server
    @wisp.concurrency(1)                              one at a time for each user; more are refused
    @wisp.concurrency(1, bucket="guild", queue=2)     one at a time in the server; two more wait for their turn

`bucket` is "user", "member" (a user in one server), "channel", "guild", "global", or a function of the context that
returns a key (None means that this call is not counted). On a group, all commands count together.

Calls that are refused or raise do not count. A cooldown of more than a minute survives a restart and `kill -9`: it is
written to the database before the function runs. While a form from `ctx.form` is open, the call does not count as
running, since Discord does not report a form that was dismissed.
"""

import asyncio

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
@wisp.cooldown(uses=3, per=60.0)
async def roll(ctx: wisp.Context) -> str:
    """Roll a die, three times a minute."""
    return "A six!"


@bot.command
@wisp.cooldown(3600.0, bucket="guild")
async def feast(ctx: wisp.Context) -> str:
    """Hold a feast, once an hour in each server."""
    return "🍰"


@bot.command
@wisp.concurrency(1, bucket="channel")
async def cook(ctx: wisp.Context) -> str:
    """Cook, one dish at a time."""
    await asyncio.sleep(60)
    return "Done."


bot.run()


async def test_a_cooldown_ends_with_time(discord: Discord) -> None:
    ada = discord.member("ada")
    assert [(await ada.slash("roll")).content for _ in range(3)] == ["A six!"] * 3
    assert (await ada.slash("roll")).content != "A six!"
    await discord.advance(minutes=1)
    assert (await ada.slash("roll")).content == "A six!"


async def test_a_long_cooldown_survives_a_crash(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    await ada.slash("feast")
    await discord.restart(kill=True)
    assert (await bob.slash("feast")).content != "🍰"


async def test_only_one_cooks_at_a_time(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    replies = await asyncio.gather(ada.slash("cook"), bob.slash("cook"))
    assert sorted(reply.content == "Done." for reply in replies) == [False, True]
