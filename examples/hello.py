"""The smallest bot: one command that greets."""

import wisp

bot = wisp.Bot()


@bot.command
async def hello(ctx: wisp.Context) -> str:
    """Say hello."""
    return f"Hello {ctx.user.mention}!"


bot.run()
