"""Good practice, in nine sentences.

1. Annotate everything: options follow from annotations, and pyright checks a bot in strict mode.
2. Write docstrings: they are what Discord shows.
3. Let errors be errors (12_errors.py): wisp answers, logs and counts them.
4. Check a service that may be absent (`if cache:`), or list it in `required_services`.
5. Keep data in `ctx.data`, which is this server's and this module's. Pass `module_name=self.name` to `ctx.guild_data`.
6. Write a `teardown` for what you opened yourself, and for nothing else.
7. Answer with `wisp.respond_success` and its siblings, `wisp.EmbedBuilder` and `wisp.paginate_embeds`.
8. Log with `ctx.log`, which carries the module's name (35_long_running.py).
9. Run `wisp check bot.py` before you commit, and test what users do (28_testing.py).
"""

import wisp
from wisp.services import CacheService
from wisp.testing import Discord


class Careful(wisp.Module):
    """Remembers in the cache, if there is one."""

    name = "careful"
    description = "Shows good practice"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        ctx.log.info("Setting up %s", self.name)
        cache = ctx.services.get_typed("cache", CacheService)

        @bot.command
        @wisp.handle_errors
        async def safe(ctx: wisp.Context) -> None:
            """Fail, and say so."""
            if cache:
                await cache.set("tried", True)
            raise ValueError("This will be caught!")


bot = wisp.Bot(modules=[Careful()])

bot.run()


async def test_the_error_is_shown(discord: Discord) -> None:
    with discord.expects(ValueError):
        reply = await discord.member("ada").slash("safe")
    assert "This will be caught!" in reply.content
    assert await bot.services.get("cache").get("tried")
