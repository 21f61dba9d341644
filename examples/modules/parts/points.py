"""Points: members thank each other, and points are counted."""

import hikari

import wisp


class PointsGiven(wisp.Event):
    """A member was given a point."""

    guild_id: int
    user_id: int
    total: int


class Points(wisp.Module):
    """Marked methods register themselves: this module needs no setup."""

    name = "points"
    description = "Counts points"

    @wisp.command
    @wisp.require_guild
    async def thank(self, ctx: wisp.Context, member: hikari.Member) -> str:
        """Thank a member with a point."""
        total = await ctx.data.increment(f"points {member.id}")
        await ctx.bot.emit(PointsGiven(guild_id=member.guild_id, user_id=member.id, total=total))
        return f"{member.mention} has {total} points."

    @wisp.command
    @wisp.require_guild
    async def points(self, ctx: wisp.Context) -> str:
        """See how many points you have."""
        return f"You have {await ctx.data.get(f'points {ctx.user.id}', default=0)} points."
