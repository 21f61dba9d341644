"""Reminders that come after the bot was killed and started again, a list of them with buttons, and a daily greeting."""

import datetime
from typing import Annotated

import hikari

import wisp
from wisp.jobs.scheduler import SchedulerService

bot = wisp.Bot()


def scheduler() -> SchedulerService:
    found = bot.services.get_typed("scheduler", SchedulerService)
    if found is None:
        raise wisp.UserError("There are no reminders today.")
    return found


@bot.command(guild_only=True, ephemeral=True)
async def remind(
    ctx: wisp.Context,
    text: Annotated[str, wisp.Option("Of what", max_length=200)],
    after: Annotated[datetime.timedelta, wisp.Option("How long from now, like 1h30m")],
) -> str:
    """Be reminded of something, here."""
    data = {"channel_id": ctx.channel_id, "user_id": ctx.user.id, "text": text}
    job = await scheduler().once("remind", delay=after, data=data, guild_id=ctx.guild_id)
    return f"I will remind you <t:{job.due.timestamp():.0f}:R>."


@bot.job("remind")
async def say(channel_id: hikari.Snowflake, user_id: hikari.Snowflake, text: str) -> None:
    """Post a reminder."""
    await bot.gateway.rest.create_message(channel_id, f"<@{user_id}>: {text}", user_mentions=[user_id])


@bot.command(guild_only=True, ephemeral=True)
async def reminders(ctx: wisp.Context) -> None:
    """See what you will be reminded of."""
    jobs = await scheduler().pending("remind", guild_id=ctx.guild_id, limit=1000)
    own = [job for job in jobs if job.data["user_id"] == ctx.user.id][:5]
    if not own:
        await ctx.respond("Of nothing.")
        return
    lines = [f"<t:{job.due.timestamp():.0f}:R> {job.data['text']}" for job in own]
    buttons = [cancel.bind(job.id, ctx.user.id).button(f"Forget {job.data['text']}"[:80]) for job in own]
    await ctx.respond("\n".join(lines), components=[wisp.row(*buttons)])


@bot.component("cancel:{number}:{owner}", only="owner")
async def cancel(ctx: wisp.ComponentContext, number: int, owner: hikari.Snowflake) -> None:
    """Take a reminder back."""
    was_pending = await scheduler().cancel(number)
    await ctx.edit("Forgotten." if was_pending else "It was on its way already.", components=[])


@bot.every(hours=24)
async def count() -> None:
    """Tell the log how many there are."""
    bot.log.info("%d reminders are pending", len(await scheduler().pending("remind", limit=1000)))


bot.run()
