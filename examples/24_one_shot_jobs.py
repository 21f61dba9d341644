"""One-shot jobs: run once at a given time, even if the bot is killed in between.

`@bot.job("remind")` names a function. `await scheduler.once("remind", delay=..., data={...})` schedules a run; `at=`, a
`datetime` with a time zone, takes the place of `delay=`. `data` holds the arguments, converted as the parameters are
annotated. When `once` returns, the job is in the database and survives `kill -9`. It runs at least once: if the bot is
killed half-way, it runs again.

- If it raises, the error is logged, the error handlers get a JobContext, and the job is tried again after 10 seconds,
  1, 5 and 30 minutes; then it is given up.
- If it cannot begin within a minute of its time, because the bot was down, `missed="all"`, the default, runs each such
  job, "once" only the last one of each server, and "skip" none.
- If the system clock is changed, the job follows the new time.
- If its module is off in the server given as `guild_id=`, the job waits until the module is on again. If the module is
  unloaded, the job waits in the database until the module is loaded.

`await scheduler.pending("remind", guild_id=...)` lists jobs, `await scheduler.cancel(job.id)` cancels one. In a
module's class, `@wisp.job("remind")` marks a method. reminders.py is a whole bot of this kind, with a list and buttons.
"""

import datetime

import hikari

import wisp
from wisp.services import SchedulerService
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command(name="remind")
async def remind_me(ctx: wisp.Context, text: str, after: datetime.timedelta) -> str:
    """Set a reminder."""
    scheduler = ctx.services.get_typed("scheduler", SchedulerService)
    if scheduler is None:
        raise wisp.UserError("There are no reminders today.")
    data = {"channel_id": ctx.channel_id, "user_id": ctx.user.id, "text": text}
    job = await scheduler.once("remind", delay=after, data=data, guild_id=ctx.guild_id)
    return f"I will remind you <t:{job.due.timestamp():.0f}:R>."


@bot.job("remind")
async def remind(channel_id: hikari.Snowflake, user_id: hikari.Snowflake, text: str) -> None:
    await bot.gateway.rest.create_message(channel_id, f"<@{user_id}>: {text}", user_mentions=[user_id])


bot.run()


async def test_a_reminder_survives_a_crash(discord: Discord) -> None:
    ada = discord.member("ada")
    await ada.slash("remind", text="tea", after="10m")
    await discord.restart(kill=True)
    await discord.advance(minutes=10)
    assert discord.messages()[-1].content == f"{ada.mention}: tea"
