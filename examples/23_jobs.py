"""Recurring jobs: at an interval, or at times of the day.

    @bot.every(minutes=5)                               also seconds=, hours=, days=; they add up
    @bot.cron("0 9 * * *", timezone="Europe/Vienna")    minute, hour, day, month, weekday

`@bot.cron` needs `pip install 'wisp-lite[cron]'`. `scheduler.register(function, interval=3600.0, name="my_task")` and
`scheduler.unregister("my_task")` do the same while the bot runs. In a module's class, `@wisp.every` and `@wisp.cron`
mark methods.

The first run is one interval after the bot connected, and deadlines do not drift.

- If a run raises, the error is logged, the error handlers get a JobContext, and the job runs again at its next time.
  After several failures in a row it waits at least 1, 2, 4, ... seconds, up to 5 minutes.
- If a run takes longer than the interval, the next one waits for it, unless you say `overlap=True`.
- If runs were missed, `missed="once"`, the default, runs once for all of them, "skip" not at all, and "all" once each.
  What was missed while the bot was down is not made up for.
- If the system clock is changed, intervals do not notice. Cron jobs follow it, and none runs twice if the clock is set
  back by up to 3 hours.
- If daylight saving leaves out a time, the job runs after the gap. If a time comes twice, it runs once.
- If its module is unloaded, the job is gone. It belongs to no server, so it runs even if the module is off in some.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

done: list[str] = []


@bot.every(minutes=5)
async def look_around() -> None:
    done.append("looked around")


@bot.cron("0 9 * * *", timezone="Europe/Vienna")
async def good_morning() -> None:
    done.append("good morning")


bot.run()


async def test_a_day_of_jobs(discord: Discord) -> None:
    done.clear()
    await discord.advance(hours=24)
    assert done.count("looked around") == 288
    assert done.count("good morning") == 1
