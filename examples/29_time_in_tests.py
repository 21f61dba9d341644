"""Time in tests: the test controls it, so a test that covers a day takes milliseconds, on every machine.

Time stands still while anything runs. It passes only by `await discord.advance(...)`, and as far as an awaited answer
needs it: `await ada.slash(...)` returns the answer of a handler that sleeps for a minute (`asyncio.sleep(60)`) at once.
What a handler does after its answer comes with `advance`. Cooldowns, timeouts, jobs, hikari's pauses and Discord's
deadlines happen in their order, and the event loop becomes idle between two of them. To look at the bot in between, run
the call in a task, as below.

`asyncio.get_running_loop().time()` is the test's time; `time.time()`, `time.monotonic()` and `datetime.now()` stay
real. A call without an answer after Discord's 15 minutes fails the test at once and names the handler with its line.

Time also stands still for database calls, `asyncio.to_thread`, threads, other programs and servers, up to a minute of
real time (5 seconds for daemon threads); a timeout around one of them does not run out meanwhile. After that the bot's
time goes on, and a warning in the log names the reason. The event loop must be asyncio's own, not uvloop's.
"""

import asyncio

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def tea(ctx: wisp.Context) -> str:
    """Make tea."""
    await asyncio.sleep(240)
    return "Tea is ready."


bot.run()


async def test_four_minutes_take_no_time(discord: Discord) -> None:
    assert (await discord.member("ada").slash("tea")).content == "Tea is ready."


async def test_what_is_seen_meanwhile(discord: Discord) -> None:
    making = asyncio.create_task(discord.member("ada").slash("tea"))
    await discord.advance(minutes=3)
    assert "thinking" in discord.conversation()
    assert (await making).content == "Tea is ready."
