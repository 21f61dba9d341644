"""A whole bot: reminders that survive a crash, a list of them with buttons, and a daily count in the log."""

import datetime
from typing import Annotated

import hikari

import wisp
from wisp.services import SchedulerService
from wisp.testing import Discord

bot = wisp.Bot()


def scheduler() -> SchedulerService:
    found = bot.services.get_typed("scheduler", SchedulerService)
    if found is None:
        raise wisp.UserError("There are no reminders today.")
    return found


@bot.command(guild_only=True, ephemeral=True)
async def remind(
    ctx: wisp.Context,
    text: Annotated[str, wisp.Option("What to remember", max_length=200)],
    after: Annotated[datetime.timedelta, wisp.Option("How long from now, like 1h30m")],
) -> str:
    """Set a reminder in this channel."""
    data = {"channel_id": ctx.channel_id, "user_id": ctx.user.id, "text": text}
    job = await scheduler().once("remind", delay=after, data=data, guild_id=ctx.guild_id)
    return f"I will remind you <t:{job.due.timestamp():.0f}:R>."


@bot.job("remind")
async def say(channel_id: hikari.Snowflake, user_id: hikari.Snowflake, text: str) -> None:
    """Post a reminder."""
    await bot.gateway.rest.create_message(channel_id, f"<@{user_id}>: {text}", user_mentions=[user_id])


@bot.command(guild_only=True, ephemeral=True)
async def reminders(ctx: wisp.Context) -> None:
    """List your reminders."""
    jobs = await scheduler().pending("remind", guild_id=ctx.guild_id, limit=1000)
    own = [job for job in jobs if job.data["user_id"] == ctx.user.id][:5]
    if not own:
        await ctx.respond("You have no reminders.")
        return
    lines = [f"<t:{job.due.timestamp():.0f}:R> {job.data['text']}" for job in own]
    buttons = [cancel.bind(job.id, ctx.user.id).button(f"Forget {job.data['text']}"[:80]) for job in own]
    await ctx.respond("\n".join(lines), components=[wisp.row(*buttons)])


@bot.component("cancel:{number}:{owner}", only="owner")
async def cancel(ctx: wisp.ComponentContext, number: int, owner: hikari.Snowflake) -> None:
    """Cancel a reminder."""
    was_pending = await scheduler().cancel(number)
    await ctx.edit("Forgotten." if was_pending else "It was sent already.", components=[])


@bot.every(hours=24)
async def count() -> None:
    """Log how many there are."""
    bot.log.info("%d reminders are pending", len(await scheduler().pending("remind", limit=1000)))


bot.run()


async def test_reminders_come_are_listed_and_cancelled(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.slash("reminders")).content == "You have no reminders."
    for text, after in (("tea", "10m"), ("cake", "2h"), ("sleep", "12h")):
        await ada.slash("remind", text=text, after=after)
    await bob.slash("remind", text="something of mine", after="1h")
    listed = await ada.slash("reminders")
    assert [line.split(" ", 1)[1] for line in listed.content.splitlines()] == ["tea", "cake", "sleep"]
    await ada.click(listed, "Forget cake")
    assert listed.content == "Forgotten."
    await discord.advance(hours=25)
    posted = [message.content for message in discord.messages()]
    assert posted == [f"{ada.mention}: tea", f"{bob.mention}: something of mine", f"{ada.mention}: sleep"]


async def test_reminders_survive_a_crash(discord: Discord) -> None:
    ada = discord.member("ada")
    await ada.slash("remind", text="tea", after="10m")
    await discord.restart(kill=True)
    await discord.advance(minutes=10)
    assert discord.messages()[-1].content == f"{ada.mention}: tea"
