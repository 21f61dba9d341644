"""The smallest bot: one command that greets."""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def hello(ctx: wisp.Context) -> str:
    """Say hello."""
    return f"Hello {ctx.user.mention}!"


bot.run()


async def test_hello(discord: Discord) -> None:
    ada = discord.member("ada")
    reply = await ada.slash("hello")
    assert reply.content == f"Hello {ada.mention}!"
