"""A group of commands behind guards: who may, how often, and what happens when something fails."""

import datetime
from typing import Annotated

import hikari

import wisp

bot = wisp.Bot()

mod = wisp.require_guild(bot.group("mod", "Moderation", guild_only=True, ephemeral=True))


@wisp.guard
def not_oneself(ctx: wisp.Context) -> bool | str:
    """A guard of one's own: True lets a call through, a text refuses it."""
    return all(option.value != ctx.user.id for option in ctx.options) or "Find somebody else for that."


@mod.command
@wisp.require_permissions(hikari.Permissions.MODERATE_MEMBERS)
@not_oneself
@wisp.cooldown(uses=3, per=60.0)
async def warn(
    ctx: wisp.Context,
    member: Annotated[hikari.Member, wisp.Option("Whom")],
    reason: Annotated[str, wisp.Option("Why", max_length=200)] = "no reason given",
) -> str:
    """Warn a member."""
    count = await ctx.data.increment(f"warnings {member.id}")
    return f"{member.mention} is warned: {reason} (no. {count})"


notes = mod.group("notes", "What moderators write about members")


@notes.command
@wisp.require_permissions(hikari.Permissions.MODERATE_MEMBERS)
async def add(
    ctx: wisp.Context,
    member: Annotated[hikari.Member, wisp.Option("About whom")],
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
    return f"{sum(count for key, count in warnings.items() if key.startswith('warnings '))} warnings."


@bot.user_command(name="Warnings", guild_only=True, ephemeral=True)
async def warnings(ctx: wisp.Context, member: hikari.Member) -> str:
    return f"{member.mention}: {await ctx.data.get(f'warnings {member.id}', default=0)} warnings."


bot.run()
