"""A whole bot: moderation commands in a group, behind guards and a cooldown."""

import datetime
from typing import Annotated

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

mod = wisp.require_guild(bot.group("mod", "Moderation", guild_only=True, ephemeral=True))


@wisp.guard
def not_yourself(ctx: wisp.Context) -> bool | str:
    """A guard of our own: True allows the call, text refuses it."""
    return all(option.value != ctx.user.id for option in ctx.options) or "You cannot do that to yourself."


@mod.command
@wisp.require_permissions(hikari.Permissions.MODERATE_MEMBERS)
@not_yourself
@wisp.cooldown(uses=3, per=60.0)
async def warn(
    ctx: wisp.Context,
    member: Annotated[hikari.Member, wisp.Option("Who is warned")],
    reason: Annotated[str, wisp.Option("Why", max_length=200)] = "no reason given",
) -> str:
    """Warn a member."""
    count = await ctx.data.increment(f"warnings {member.id}")
    return f"{member.mention} is warned: {reason} (no. {count})"


notes = mod.group("notes", "Notes about members")


@notes.command
@wisp.require_permissions(hikari.Permissions.MODERATE_MEMBERS)
async def add(
    ctx: wisp.Context,
    member: Annotated[hikari.Member, wisp.Option("Who it is about")],
    text: Annotated[str, wisp.Option("What to remember", max_length=500)],
) -> str:
    """Write a note about a member."""
    line = f"{datetime.date.today()} {ctx.user.username}: {text}"
    kept = await ctx.data.update(f"notes {member.id}", lambda notes: [*notes, line], default=[])
    return f"{len(kept)} notes about {member.mention}."


@mod.command
@wisp.require_admin
@wisp.handle_errors
@wisp.concurrency(1, bucket="guild")
async def recount(ctx: wisp.Context) -> str:
    """Count all warnings of this server."""
    warnings = await ctx.data.get_all()
    return f"{sum(count for key, count in warnings.items() if key.startswith('warnings '))} warnings in this server."


@bot.user_command(name="Warnings", guild_only=True, ephemeral=True)
async def warnings(ctx: wisp.Context, member: hikari.Member) -> str:
    return f"{member.mention} has {await ctx.data.get(f'warnings {member.id}', default=0)} warnings."


bot.run()


async def test_only_moderators_warn_and_only_others(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert "Timeout Members" in (await bob.slash("mod warn", member=ada)).content
    assert (await ada.slash("mod warn", member=ada)).content == "You cannot do that to yourself."


async def test_warnings_are_counted_three_a_minute(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    for number in range(1, 4):
        reply = await ada.slash("mod warn", member=bob, reason="too loud")
        assert reply.content == f"{bob.mention} is warned: too loud (no. {number})"
        assert reply.ephemeral
    assert "is warned" not in (await ada.slash("mod warn", member=bob)).content
    await discord.advance(minutes=1)
    await ada.slash("mod warn", member=bob)
    assert (await ada.slash("mod recount")).content == "4 warnings in this server."
    assert (await bob.menu("Warnings", bob)).content == f"{bob.mention} has 4 warnings."


async def test_notes_are_written(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    await ada.slash("mod notes add", member=bob, text="loud")
    reply = await ada.slash("mod notes add", member=bob, text="but kind")
    assert reply.content == f"2 notes about {bob.mention}."
