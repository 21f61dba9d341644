"""Levels: every third point is a level."""

import hikari

import wisp

from .points import PointsGiven


class Levels(wisp.Module):
    name = "levels"
    description = "Cheers at every third point"
    depends_on = ["points"]

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.listen
        async def cheer(event: PointsGiven) -> None:
            if event.total % 3 == 0:
                level = event.total // 3
                await ctx.guild_data.set(
                    guild_id=event.guild_id, key=f"level {event.user_id}", value=level, module_name=self.name
                )
                ctx.log.info("level %d for %d", level, event.user_id)

        @bot.user_command(name="Level", guild_only=True)
        async def level(ctx: wisp.Context, user: hikari.Member) -> str:
            return f"{user.mention} is on level {await ctx.data.get(f'level {user.id}', default=0)}."
