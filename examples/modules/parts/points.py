"""Points: what others give, and how many somebody has."""

import hikari

import wisp


class PointsGiven(wisp.Event):
    """Somebody has more points now."""

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
        """Give somebody a point."""
        total = await ctx.data.increment(f"points {member.id}")
        await ctx.bot.emit(PointsGiven(guild_id=member.guild_id, user_id=member.id, total=total))
        return f"{member.mention} has {total} points."

    @wisp.command
    @wisp.require_guild
    async def points(self, ctx: wisp.Context) -> str:
        """How many points you have."""
        return f"You have {await ctx.data.get(f'points {ctx.user.id}', default=0)} points."
