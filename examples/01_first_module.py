"""Your first module.

A module is a named part of a bot. It registers commands, listens to events, keeps data for each guild, uses services,
and can depend on other modules. A bot in one file needs none: skip to 04_commands.py if that is what you want.

There are two ways to write one. `setup` registers things on the `bot` that it is given; methods marked with
`@wisp.command`, `@wisp.listen`, `@wisp.component`, `@wisp.every` and so on register themselves. Both offer the same
decorators as the bot itself, so splitting a file into modules changes nothing inside the functions.

Everything that a module registers belongs to it. It is removed when the module is unloaded, and `ctx.data` inside a
module is the module's own. As soon as a module is registered, members who may manage the server get `/modules list`,
`/modules enable` and `/modules disable`. Disabling a module in a server turns off its commands, menus, autocomplete,
buttons, selects, forms, events, and the jobs of that server.

`setup` gets two arguments: `bot`, a `wisp.ModuleBot`, on which things are registered, and `ctx`, a `wisp.ModuleContext`
with the services, data and log of the module.
"""

import hikari

import wisp
from wisp.testing import Discord


class Greeter(wisp.Module):
    name = "greeter"
    description = "Greets people"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        ctx.log.info("Setting up")

        @bot.command
        async def greet(ctx: wisp.Context, member: hikari.Member) -> str:
            """Greet a member."""
            return f"Hello {member.mention}! (no. {await ctx.data.increment('greeted')})"

    async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        ctx.log.info("Bye!")


class Waver(wisp.Module):
    """Has no setup: its marked methods register themselves."""

    name = "waver"
    description = "Waves"
    default_enabled = False

    @wisp.command
    async def wave(self, ctx: wisp.Context) -> str:
        """Wave."""
        return "👋"


bot = wisp.Bot(modules=[Greeter(), Waver()])

bot.run()


async def test_a_module_counts_in_its_own_data(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.slash("greet", member=bob)).content == f"Hello {bob.mention}! (no. 1)"
    assert (await bob.slash("greet", member=ada)).content == f"Hello {ada.mention}! (no. 2)"


async def test_a_module_that_is_off_is_turned_on_by_a_command(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")  # ada owns the server
    refused = await bob.slash("wave")
    assert "off in this server" in refused.content
    assert refused.ephemeral
    await ada.slash("modules enable", module="waver")
    assert (await bob.slash("wave")).content == "👋"
