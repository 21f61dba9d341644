"""Modules that depend on each other.

Modules load in the order of `depends_on`. A module that cannot load (its `setup` raises, a service or module is
missing, a circular dependency) leaves nothing behind, and keeps only those from loading that depend on it. The log,
`/modules list`, `wisp check` and `bot.modules.missing` say why. `wisp.Bot(strict=True)` stops instead.

modules/ is a bot of three modules in a package, which communicate through a custom event.
"""

import wisp
from wisp.testing import Discord

loaded: list[str] = []


class Base(wisp.Module):
    name = "base"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        loaded.append(self.name)


class Top(Base):
    name = "top"
    depends_on = ["base"]


class Broken(wisp.Module):
    name = "broken"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        raise OSError("no connection to the coffee machine")


class Coffee(wisp.Module):
    name = "coffee"
    depends_on = ["broken"]


bot = wisp.Bot(modules=[Coffee(), Top(), Broken(), Base()])

bot.run()


async def test_modules_load_after_what_they_depend_on(discord: Discord) -> None:
    assert loaded[-2:] == ["base", "top"]


async def test_a_broken_module_stops_only_what_depends_on_it(discord: Discord) -> None:
    assert set(bot.modules.missing) == {"broken", "coffee"}
    assert "no connection to the coffee machine" in bot.modules.missing["broken"]
