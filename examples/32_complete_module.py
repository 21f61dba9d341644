"""A complete module: what the chapters so far have shown, in one place.

`from wisp import ...` works for every public name. wisp_framework.py has all snippets of Wisp Framework's module guide
in one bot.
"""

import wisp
from wisp import EmbedBuilder, cooldown, handle_errors, require_guild, respond_success
from wisp.services import CacheService
from wisp.testing import Discord


class ExampleModule(wisp.Module):
    """Example module demonstrating best practices."""

    name = "example"
    description = "Counts how often it is used"
    default_enabled = True
    required_services = {"cache"}

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        cache = ctx.services.get_typed("cache", CacheService)

        @bot.command
        @require_guild
        @handle_errors
        @cooldown(seconds=5.0)
        async def example(ctx: wisp.Context) -> None:
            """Use the example."""
            if cache:
                await cache.set("example_count", await cache.get("example_count", 0) + 1)
            await ctx.data.set("last_used", ctx.interaction.created_at)
            embed = EmbedBuilder.success(title="Example Command", description="This is an example!")
            await respond_success(ctx, "Success!", embed=embed)

    async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        ctx.log.info("Nothing to close")


bot = wisp.Bot(modules=[ExampleModule()])

bot.run()


async def test_the_example_counts_and_cools_down(discord: Discord) -> None:
    ada = discord.member("ada")
    assert (await ada.slash("example")).embeds[0].title == "Example Command"
    assert (await ada.slash("example")).ephemeral  # it is too soon
    await discord.advance(seconds=5)
    await ada.slash("example")
    assert await bot.services.get("cache").get("example_count") == 2
