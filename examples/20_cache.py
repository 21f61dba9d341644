"""The cache: values in memory, bounded, gone after a restart.

    await cache.set(key, value, ttl=3600)      keep a value, for so many seconds; a ttl of 0 or less keeps nothing
    await cache.get(key, default)              the value, or the default once it has expired
    await cache.get_or_set(key, factory, ttl)  the value, or what the factory (plain or async) gives, which is called
                                               once for all tasks that wait for it
    await cache.delete(key), cache.clear()

`from wisp.services import CacheService` is its type.
"""

import wisp
from wisp.services import CacheService
from wisp.testing import Discord

bot = wisp.Bot()

questions: list[str] = []


async def ask_the_oracle() -> str:
    questions.append("What is the answer?")
    return "42"


@bot.command
async def oracle(ctx: wisp.Context) -> str:
    """Ask the oracle, who is slow and should not be asked too often."""
    cache = ctx.services.get_typed("cache", CacheService)
    return await cache.get_or_set("oracle", ask_the_oracle, ttl=3600) if cache else await ask_the_oracle()


bot.run()


async def test_the_oracle_is_asked_once_an_hour(discord: Discord) -> None:
    questions.clear()
    ada = discord.member("ada")
    for _ in range(3):
        assert (await ada.slash("oracle")).content == "42"
    assert len(questions) == 1
    await discord.advance(hours=1)
    await ada.slash("oracle")
    assert len(questions) == 2
