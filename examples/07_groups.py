"""Groups: commands under one name, `/mod warn`, and one level deeper, `/mod notes add`.

`bot.group("mod", "Moderation")` makes a group, and so does `wisp.CommandGroup("mod", "Moderation")` followed by
`.create_group(bot)`, which suits groups that are written in another file. Settings such as `guild_only`, `permissions`
and `ephemeral` are given once, to the group, and guards around a group hold for all of its commands.
"""

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

mod = bot.group("mod", "Moderation", guild_only=True, permissions=hikari.Permissions.MODERATE_MEMBERS)


@mod.command
async def warn(ctx: wisp.Context, member: hikari.Member, reason: str = "no reason given") -> str:
    """Warn a member."""
    return f"{member.mention} is warned: {reason}"


notes = mod.group("notes", "Notes about members")


@notes.command
async def add(ctx: wisp.Context, member: hikari.Member, text: str) -> str:
    """Write a note."""
    return f"Noted about {member.mention}: {text}"


admin = wisp.CommandGroup("admin", "Admin commands", guild_only=True)
admin.create_group(bot)


@admin.command(name="announce", description="Announce something")
async def announce(ctx: wisp.Context, text: str) -> str:
    return f"📣 {text}"


bot.run()


async def test_groups(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.slash("mod warn", member=bob)).content == f"{bob.mention} is warned: no reason given"
    assert (await ada.slash("mod notes add", member=bob, text="loud")).content == f"Noted about {bob.mention}: loud"
    assert (await ada.slash("admin announce", text="Cake!")).content == "📣 Cake!"
