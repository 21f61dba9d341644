"""A whole bot of modules: each file in parts/ is one, and /modules turns them on and off in each server."""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()
bot.modules.discover("parts")

bot.run()


async def test_every_third_point_is_a_level(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    for _ in range(3):
        await ada.slash("thank", member=bob)
    assert (await bob.slash("points")).content == "You have 3 points."
    assert (await ada.menu("Level", bob)).content == f"{bob.mention} is on level 1."


async def test_a_module_is_off_in_one_of_two_servers_after_a_restart_too(discord: Discord) -> None:
    ada, other = discord.member("ada"), discord.guild("Two")
    assert await bot.modules.disable("points", guild_id=other.id) == ["levels", "points"]
    await discord.restart()
    assert (await ada.slash("points")).content == "You have 0 points."
    assert "off in this server" in (await ada.at(other).slash("points")).content


async def test_newcomers_are_welcomed_where_that_is_on(discord: Discord) -> None:
    ada = discord.member("ada")
    assert ada.guild
    await discord.join("zoe")
    assert discord.messages() == []
    await bot.modules.enable("welcome", guild_id=ada.guild.id)
    tom = await discord.join("tom")
    reply = await ada.click(discord.messages()[-1], "Wave")
    assert reply.content == f"{ada.mention} waves at {tom.mention}."
