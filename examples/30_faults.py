"""Faults: break Discord, and check that the bot loses nothing that it acknowledged.

    discord.fail("POST", "/interactions", 500)    a REST call fails: with a status, "cut" or "timeout"; `times=None`
                                                  is always, `done=True` does it and loses only the answer
    discord.delay("POST", "/callback", 2.0)       a REST call is slow, by the test's clock
    discord.drop(), discord.reconnect(), discord.invalidate(), discord.ignore_heartbeats()
                                                  the gateway breaks off, asks to reconnect, ...
    discord.duplicate("INTERACTION_CREATE"), discord.reorder()
                                                  events come twice, or out of order
    discord.outage(guild)                         a server is unavailable
    discord.sandbox.quotas.limit("POST", "/channels/{channel}/messages$", 5, per=5.0)
                                                  a rate limit that is tight
    discord.clear_faults()                        ends all of it

The pauses that hikari makes before it connects or calls again take no time in a test. The terminal has the same verbs,
such as `:drop` and `:fail POST /interactions 500 2`.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def count(ctx: wisp.Context) -> str:
    """Count up."""
    return str(await ctx.data.increment("n"))


bot.run()


async def test_each_call_counts_once(discord: Discord) -> None:
    ada = discord.member("ada")
    discord.fail("POST", "/callback", "cut", done=True)  # Discord got the answer, its confirmation is lost
    assert (await ada.slash("count")).content == "1"
    discord.duplicate("INTERACTION_CREATE")
    assert (await ada.slash("count")).content == "2"
    discord.drop()
    assert (await ada.slash("count")).content == "3"
