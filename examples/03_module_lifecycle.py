"""The life cycle of a module: loaded and unloaded while the bot runs, enabled and disabled in each server.

`setup(bot, ctx)` registers everything. `teardown(bot, ctx)` closes what wisp cannot know of, such as a connection that
the module opened; commands, listeners, jobs and components are removed automatically. A `setup` that raises is rolled
back.

All of this is on `bot.modules`:

    register(module)                add a module, before the start or while the bot runs
    discover("package")             add all modules that a package defines, as modules/bot.py does
    await load(name)                load a module and the modules it depends on
    await unload(name)              unload it and the modules that depend on it; running calls get 10 s to finish
    await reload(name)              read its file again, and if the module is a package, all files of that package;
                                    if the new code does not import or set up, the old code stays
    await enable(name, guild_id=)   turn it on in one server, with the modules it depends on; effective at once and
                                    after a restart
    await disable(name, guild_id=)  turn it off there, with the modules that depend on it
    await is_enabled(name, guild_id=)
    list(), get(name), missing      the names, a module, and why something did not load

The events `wisp.events.ModuleEnabled` and `ModuleDisabled` report changes. Discord takes intents only when the bot
connects, so a module that needs further ones cannot be loaded while the bot runs; the error names the intent.
"""

import wisp
from wisp.events import ModuleDisabled
from wisp.testing import Discord

life: list[str] = []


class Lively(wisp.Module):
    name = "lively"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        life.append("setup")

        @bot.command
        async def ping(ctx: wisp.Context) -> str:
            """Answer."""
            return "Pong!"

    async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        life.append("teardown")


bot = wisp.Bot(modules=[Lively()])


@bot.listen
async def disabled(event: ModuleDisabled) -> None:
    life.append(f"{event.module} is off")


bot.run()


async def test_a_module_is_set_up_again_when_it_is_loaded_again(discord: Discord) -> None:
    life.clear()
    await bot.modules.unload("lively")
    await bot.modules.load("lively")
    assert life == ["teardown", "setup"]
    assert (await discord.member("ada").slash("ping")).content == "Pong!"


async def test_a_module_that_is_disabled_stays_off_after_a_restart(discord: Discord) -> None:
    ada = discord.member("ada")
    assert ada.guild
    await bot.modules.disable("lively", guild_id=ada.guild.id)
    assert life[-1] == "lively is off"
    await discord.restart()
    assert "off in this server" in (await ada.slash("ping")).content
