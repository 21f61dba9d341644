"""The properties of a module: class attributes, or properties if you prefer those.

    name               identifies the module in `/modules`, in `depends_on` and for its data; the only required one
    description        what it is for, shown by `/modules list`
    default_enabled    whether it is on in a server that has not decided; True unless you say otherwise
    required_services  services without which the module does not load, such as {"db", "cache"}
    depends_on         modules that are loaded first, and without which this one does not load
    namespace          the name under which its data is kept; its `name` unless you say otherwise

Keep the old name as `namespace` if you rename a module whose data should stay.
"""

import wisp
from wisp.testing import Discord


class Counter(wisp.Module):
    name = "counter"
    description = "Counts"
    required_services = {"db", "cache"}
    namespace = "tally"  # what this module was called last year

    @wisp.command
    async def count(self, ctx: wisp.Context) -> str:
        """Count up."""
        return str(await ctx.data.increment("n"))


class Quiet(wisp.Module):
    """The same, written as properties."""

    @property
    def name(self) -> str:
        return "quiet"

    @property
    def default_enabled(self) -> bool:
        return False

    @property
    def depends_on(self) -> list[str]:
        return ["counter"]


bot = wisp.Bot(modules=[Quiet(), Counter()])

bot.run()


async def test_a_module_is_off_until_a_server_enables_it(discord: Discord) -> None:
    guild = discord.guild("Somewhere")
    assert not await bot.modules.is_enabled("quiet", guild_id=guild.id)
    await bot.modules.enable("quiet", guild_id=guild.id)
    assert await bot.modules.is_enabled("quiet", guild_id=guild.id)


async def test_data_is_kept_under_the_namespace(discord: Discord) -> None:
    ada = discord.member("ada")
    assert (await ada.slash("count")).content == "1"
    assert ada.guild
    assert await bot.guild_data.get(guild_id=ada.guild.id, key="n", module_name="tally") == 1
