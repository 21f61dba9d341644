"""Buttons and selects that keep working after a restart.

The handler of a component is found by its custom id, `"vote:{choice}"`. The fields are the parameters of the function,
converted as they are annotated (str, int, float, bool, hikari.Snowflake, an Enum, a Literal).

    vote.bind("yes").button("Yes")     a button that calls vote(ctx, "yes"); also style=, emoji=, disabled=
    pick.bind().select(["red", "blue"])   also placeholder=, min=, max=
    .user_select(), .role_select(), .mentionable_select(), .channel_select()
    wisp.row(...)                      a row: up to 5 buttons, or one select
    wisp.link_button("Docs", "https://...")

In the handler `ctx.values` is what was chosen, as text, and `ctx.selected` the members, roles and channels. `ctx.edit`
changes the message that the component is on, `ctx.respond` answers with another one. `ctx.message` is that message.

`only="invoker"` admits only the user whose command sent the message; `only` can also name the field that holds the id
of the only user who may use it. Guards and `ephemeral=` work as on commands. A custom id has at most 100 characters:
`bind` says if that is not enough. hikari's builders go beside these, containers and sections of Components V2 included.
A click on a button whose handler no longer exists gets a polite answer.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.component("vote:{choice}")
async def vote(ctx: wisp.ComponentContext, choice: str) -> None:
    count = await ctx.data.increment(choice)
    await ctx.edit(f"{choice}: {count}")


@bot.component("colour", only="invoker")
async def colour(ctx: wisp.ComponentContext) -> None:
    await ctx.edit(f"Painted {ctx.values[0]}.", components=[])


@bot.command
async def tea(ctx: wisp.Context) -> None:
    """Ask about tea."""
    buttons = [vote.bind(choice).button(choice) for choice in ("yes", "no")]
    await ctx.respond("Tea?", components=[wisp.row(*buttons)])


@bot.command
async def paint(ctx: wisp.Context) -> None:
    """Choose a colour."""
    await ctx.respond("Which colour?", components=[wisp.row(colour.bind().select(["red", "blue"]))])


bot.run()


async def test_buttons_count_after_a_restart_too(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    reply = await ada.slash("tea")
    await ada.click(reply, "yes")
    await discord.restart(kill=True)
    await bob.click(reply, "yes")
    assert reply.content == "yes: 2"


async def test_only_the_user_of_the_command_chooses(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    reply = await ada.slash("paint")
    await bob.select(reply, "blue")
    assert reply.content == "Which colour?"
    await ada.select(reply, "red")
    assert reply.content == "Painted red."
