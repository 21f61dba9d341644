"""Running for years: start, stop, restarts and logs.

Start. `python bot.py` starts the bot. If Discord refuses to register commands for now, the bot starts with those that
Discord has and keeps trying. If Discord allows no more session starts, it does not connect and logs when to try again.

Stop. SIGINT, SIGTERM and SIGHUP shut the bot down cleanly: new calls are refused, running handlers get up to 10
seconds, modules are torn down, `@bot.on_stop` functions run, services close. A second signal ends it at once, even
while a handler blocks the event loop. Threads and processes that do not end hold it up no longer than 10 s, and are
named. `await bot.close()` and `sys.exit()` in a handler shut it down cleanly, too. `@bot.on_start` functions run at
each start, before the bot connects; they and the `on_stop` functions take nothing, or the bot.

Restart. Guild data, module states, one-shot jobs, buttons, forms by custom id and long cooldowns survive `kill -9`. A
second process on the same database waits up to 60 s for the first to end, then stops with exit code 1.

Logs. Use `ctx.log`, or `bot.log` outside of handlers. Each record is one line, a traceback is indented, and line breaks
and control characters that users typed are escaped, so no user can forge a line. `bot.run()` formats all loggers like
that. If your program configures logging itself, its handlers and formatters stay, and this holds for wisp's own loggers
and `ctx.log`. Tokens are removed from the messages and exceptions of every logger's records, and from text in `extra=`
of `ctx.log`; `extra=` of other loggers stays as it is. Every error has a short id that is also shown to the user. A
handler that blocks the event loop for a second or more is logged with its line.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

life: list[str] = []


@bot.on_start
async def open_door() -> None:
    life.append("open")


@bot.on_stop
async def close_door() -> None:
    life.append("closed")


@bot.command
async def enter(ctx: wisp.Context) -> str:
    """Enter."""
    ctx.log.info("%s enters", ctx.user.username)
    return f"Visit {await ctx.data.increment('visits')}."


bot.run()


async def test_it_goes_on_after_a_restart(discord: Discord) -> None:
    life.clear()
    ada = discord.member("ada")
    assert (await ada.slash("enter")).content == "Visit 1."
    await discord.restart()
    assert life == ["closed", "open"]
    assert (await ada.slash("enter")).content == "Visit 2."
