"""Recurring jobs: at an interval, or at times of the day.

    @bot.every(minutes=5)                                   also seconds=, hours=, days=; they add up
    @bot.cron("0 9 * * *", timezone="Europe/Vienna")        minute, hour, day, month, weekday; needs
                                                            pip install 'wisp-lite[cron]'
    scheduler.register(function, interval=3600.0, name="my_task"), scheduler.unregister("my_task")
                                                            the same while the bot runs

The first run is one interval after the bot connected, and deadlines do not drift. A run begins up to 20 ms after its
deadline, together with everything that is due by then.

    a job raises                    it is logged, the error handlers get a JobContext, and it runs again at its next
                                    time; after failures in a row not before 1, 2, 4, ... s (at most 5 minutes) passed
    a run outlasts the interval     the next run waits, unless `overlap=True`
    runs were missed                `missed="once"`, the default, runs once for all, "skip" not at all, "all" each
    the bot was down                it goes on from now
    the system clock is set         intervals do not notice; cron follows it, and no cron time comes twice if the clock
                                    is set back by up to 3 hours
    daylight saving                 a time that is left out comes after the gap; one that comes twice counts once
    the module is unloaded          its jobs are gone with it

Recurring jobs belong to no server, so they run wherever their module is off. In a module's class, `@wisp.every` and
`@wisp.cron` mark methods. The scheduler is `wisp.services.SchedulerService`.
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
