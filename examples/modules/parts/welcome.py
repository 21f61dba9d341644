"""Welcome: greets new members, with a button to wave at them. Off until a server turns it on."""

import hikari

import wisp


class Welcome(wisp.Module):
    name = "welcome"
    description = "Greets new members"
    default_enabled = False

    @wisp.listen
    async def greet(self, event: hikari.MemberCreateEvent) -> None:
        guild = event.get_guild()
        channel = guild and next(iter(guild.get_channels().values()), None)
        if isinstance(channel, hikari.GuildTextChannel):
            button = self.wave.bind(event.user_id).button("Wave", emoji="👋")
            await channel.send(f"Welcome {event.user.mention}!", component=wisp.row(button))

    @wisp.component("wave:{newcomer}")
    async def wave(self, ctx: wisp.ComponentContext, newcomer: hikari.Snowflake) -> str:
        return f"{ctx.user.mention} waves at <@{newcomer}>."
