"""Commands in the menu of a user or a message (right click, then Apps).

The second parameter is the target: a `hikari.User` or `hikari.Member`, or a `hikari.Message`. These names may have
spaces and capitals. Everything else is as for slash commands: replies, guards, `ephemeral=`, `guild_only=` and so on.
"""

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.user_command(name="Greet", guild_only=True)
async def greet(ctx: wisp.Context, member: hikari.Member) -> str:
    return f"Hello {member.mention}!"


@bot.message_command(name="Quote")
async def quote(ctx: wisp.Context, message: hikari.Message) -> str:
    if not message.content:
        raise wisp.UserError("That message has no text.")
    return f"> {message.content}"


bot.run()


async def test_menus(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.menu("Greet", bob)).content == f"Hello {bob.mention}!"
    assert (await ada.menu("Quote", await bob.say("hello"))).content == "> hello"
