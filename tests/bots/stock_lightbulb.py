"""A bot on hikari-lightbulb: one command, one menu."""

import os

import hikari
import lightbulb

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], banner=None)
client = lightbulb.client_from_app(bot)
bot.subscribe(hikari.StartingEvent, client.start)


class Menu(lightbulb.components.Menu):
    def __init__(self) -> None:
        self.add_interactive_button(hikari.ButtonStyle.PRIMARY, self.again, label="Again")

    async def again(self, ctx: lightbulb.components.MenuContext) -> None:
        await ctx.respond(f"Again, {ctx.user.mention}!", ephemeral=True)


@client.register
class Greet(lightbulb.SlashCommand, name="greet", description="Greet a member."):
    user = lightbulb.user("user", "Whom")

    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        menu = Menu()
        await ctx.respond(f"Hello {self.user.mention}!", components=menu)
        await menu.attach(client, timeout=30)


@bot.listen()
async def said(event: hikari.GuildMessageCreateEvent) -> None:
    if event.is_human:
        await event.message.respond("I heard that.")


bot.run(check_for_updates=False)
