"""Settings: `wisp.Bot(...)`, environment variables, `.env`, `wisp.toml`, in this order.

The docstring of `wisp.Bot` lists all of them (`python -c "import wisp; help(wisp.Bot)"`). The variable of a setting is
WISP_ and its name, such as WISP_DATABASE; only the token is DISCORD_TOKEN. In `wisp.toml` the keys are the names.

    .env                            wisp.toml
    DISCORD_TOKEN=MTI1...           database = "data/bot.db"
    WISP_LOG_LEVEL=DEBUG            owners = [123456789012345678]

A wrong or unknown entry is reported with file and line, all of them at once. `.env` is read as python-dotenv reads it:
a comment after a value begins with a space and `#`.

The token. Keep it out of your code and your repository: in the environment, or in a `.env` that `.gitignore` lists.
wisp never prints or logs it, and removes tokens of bots, interactions and webhooks from log records.

For development, `guilds=` registers commands in these servers only, where changes show at once. `intents=` adds intents
that no listener implies (16_events.py).
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot(
    embed_color="#57F287",
    embed_footer="Made with wisp",
    durability="full",  # survive a power cut, too
)


@bot.command
async def about(ctx: wisp.Context) -> None:
    """Tell about this bot."""
    await wisp.respond_info(ctx, "An example.")


bot.run()


async def test_the_settings_are_used(discord: Discord) -> None:
    embed = (await discord.member("ada").slash("about")).embeds[0]
    assert embed.footer == "Made with wisp"
