"""Services: what a bot runs on, by name.

Built in are "db", "cache", "metrics", "audit", "scheduler" and "guild_data", which chapters 19 to 25 show.
`ctx.services.get("cache")` returns a service, or None if there is none of that name;
`get_typed("db", wisp.DatabaseService)` is typed for editors and type checkers. Outside of a handler, use
`bot.services`.

`bot.services.register("weather", Weather())` adds a service of your own before the bot starts, or replaces a built-in
one. It is any object; if it has `async start(session)` and `async stop()`, they are awaited in order of registration,
and in reverse at the end. A service that fails to start is absent, and `bot.services.missing` says why. Without "db" or
"guild_data" the bot does not start.

So check a service that may be absent (`if weather:`), or list it in a module's `required_services`.
"""

from typing import Any

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


class Weather:
    """A client of a weather station."""

    def __init__(self) -> None:
        self.is_open = False

    async def start(self, session: Any) -> None:
        self.is_open = True

    async def stop(self) -> None:
        self.is_open = False

    async def today(self) -> str:
        return "Sunny."


class Horoscope:
    async def start(self, session: Any) -> None:
        raise OSError("the stars do not answer")


bot.services.register("weather", Weather())
bot.services.register("horoscope", Horoscope())


@bot.command
async def today(ctx: wisp.Context) -> str:
    """Tell the weather."""
    weather = ctx.services.get_typed("weather", Weather)
    return await weather.today() if weather else "Look outside."


bot.run()


async def test_a_service_of_your_own(discord: Discord) -> None:
    assert (await discord.member("ada").slash("today")).content == "Sunny."


async def test_a_service_that_does_not_start_is_absent(discord: Discord) -> None:
    assert bot.services.get("horoscope") is None
    assert "the stars do not answer" in bot.services.missing["horoscope"]
