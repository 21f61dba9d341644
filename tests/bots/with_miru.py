"""A bot on hikari-miru, with hikari-arc for its commands, as miru's own documentation has it."""

import os

import arc
import hikari
import miru
from miru.ext import nav

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], intents=hikari.Intents.ALL, banner=None)
client = arc.GatewayClient(bot)
views = miru.Client.from_arc(client)

EPHEMERAL = hikari.MessageFlag.EPHEMERAL


class Greeting(miru.View):
    @miru.button(label="Again", style=hikari.ButtonStyle.PRIMARY, emoji="🔁")
    async def again(self, ctx: miru.ViewContext, button: miru.Button) -> None:
        await ctx.respond(f"Again, {ctx.user.mention}!", flags=EPHEMERAL)

    @miru.text_select(placeholder="A drink", options=[miru.SelectOption("Tea", "tea"), miru.SelectOption("Coffee")])
    async def drink(self, ctx: miru.ViewContext, select: miru.TextSelect) -> None:
        await ctx.edit_response(f"You picked {select.values[0]}.", components=[])


class Brief(miru.View):
    def __init__(self) -> None:
        super().__init__(timeout=0.5)

    @miru.button(label="Press")
    async def press(self, ctx: miru.ViewContext, button: miru.Button) -> None:
        self.stop()

    async def on_timeout(self) -> None:
        await self.message.edit("Too late.", components=[])


class Feedback(miru.Modal, title="Feedback"):
    subject = miru.TextInput(label="Subject", required=True)
    body = miru.TextInput(label="Details", style=hikari.TextInputStyle.PARAGRAPH)

    async def callback(self, ctx: miru.ModalContext) -> None:
        await ctx.respond(f"Thanks for {self.subject.value}.", flags=EPHEMERAL)


@client.include
@arc.slash_command("greet", "Greet a member.")
async def greet(
    ctx: arc.GatewayContext,
    user: arc.Option[hikari.User, arc.UserParams("Whom")],
    times: arc.Option[int, arc.IntParams("How often", min=1, max=3)] = 1,
) -> None:
    view = Greeting()
    await ctx.respond(f"Hello {user.mention}!" * times, components=view)
    views.start_view(view)


@client.include
@arc.slash_command("brief", "Offer a button for a moment.")
async def brief(ctx: arc.GatewayContext) -> None:
    view = Brief()
    response = await ctx.respond("Quick!", components=view)
    views.start_view(view, bind_to=await response.retrieve_message())


@client.include
@arc.slash_command("feedback", "Open a form.")
async def feedback(ctx: arc.GatewayContext) -> None:
    modal = Feedback()
    await ctx.respond_with_builder(modal.build_response(views))
    views.start_modal(modal)


@client.include
@arc.slash_command("pages", "Turn pages.")
async def pages(ctx: arc.GatewayContext) -> None:
    navigator = nav.NavigatorView(pages=["Page one", hikari.Embed(title="Page two")])
    await ctx.respond_with_builder(await navigator.build_response_async(views))
    views.start_view(navigator)


@client.add_startup_hook
async def startup(client: arc.GatewayClient) -> None:
    (guild,) = await bot.rest.fetch_my_guilds()
    channels = await bot.rest.fetch_guild_channels(guild)
    await next(one for one in channels if isinstance(one, hikari.GuildTextChannel)).send("Awake.")


bot.run(activity=hikari.Activity(name="with wisp"), check_for_updates=False)
