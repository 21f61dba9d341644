"""A bot on hikari-lightbulb."""

import asyncio
import os

import hikari
import lightbulb

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], intents=hikari.Intents.ALL, banner=None)
client = lightbulb.client_from_app(bot)
bot.subscribe(hikari.StartingEvent, client.start)
bot.subscribe(hikari.StoppingEvent, client.stop)

FRUITS = ["apple", "apricot", "banana"]


class Greeting(lightbulb.components.Menu):
    def __init__(self) -> None:
        self.add_interactive_button(hikari.ButtonStyle.PRIMARY, self.again, label="Again", emoji="🔁")
        self.next_row()
        self.drinks = self.add_text_select([("Tea", "tea"), ("Coffee", "coffee")], self.drink, placeholder="A drink")

    async def again(self, ctx: lightbulb.components.MenuContext) -> None:
        await ctx.respond(f"Again, {ctx.user.mention}!", ephemeral=True)

    async def drink(self, ctx: lightbulb.components.MenuContext) -> None:
        await ctx.respond(f"You picked {ctx.selected_values_for(self.drinks)[0]}.", edit=True, components=[])


class Press(lightbulb.components.Menu):
    def __init__(self) -> None:
        self.add_interactive_button(hikari.ButtonStyle.SECONDARY, self.press, label="Press")

    async def press(self, ctx: lightbulb.components.MenuContext) -> None:
        ctx.stop_interacting()


class Form(lightbulb.components.Modal):
    def __init__(self) -> None:
        self.subject = self.add_short_text_input("Subject")
        self.body = self.add_paragraph_text_input("Details", required=False)

    async def on_submit(self, ctx: lightbulb.components.ModalContext) -> None:
        await ctx.respond(f"Thanks for {ctx.value_for(self.subject)}.", ephemeral=True)


async def fruits(ctx: lightbulb.AutocompleteContext[str]) -> None:
    typed = ctx.focused.value or ""
    await ctx.respond([(one.title(), one) for one in FRUITS if one.startswith(str(typed))])


@client.register
class Greet(lightbulb.SlashCommand, name="greet", description="Greet a member."):
    user = lightbulb.user("user", "Whom")
    times = lightbulb.integer("times", "How often", min_value=1, max_value=3, default=1)

    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        menu = Greeting()
        await ctx.respond(f"Hello {self.user.mention}!" * self.times, components=menu)
        await menu.attach(client, timeout=30)


@client.register
class Fruit(lightbulb.SlashCommand, name="fruit", description="Order a fruit."):
    fruit = lightbulb.string("name", "Which", autocomplete=fruits)

    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        await ctx.respond(f"One {self.fruit}, please.")


@client.register
class Later(lightbulb.SlashCommand, name="later", description="Answer later."):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        await ctx.defer()
        await asyncio.sleep(0.1)
        await ctx.respond("Done.")
        await ctx.respond("And for you alone.", ephemeral=True)


@client.register
class Brief(lightbulb.SlashCommand, name="brief", description="Offer a button for a moment."):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        menu = Press()
        response = await ctx.respond("Quick!", components=menu)
        try:
            await menu.attach(client, timeout=0.5)
        except TimeoutError:
            await ctx.edit_response(response, "Too late.", components=[])


@client.register
class Feedback(lightbulb.SlashCommand, name="feedback", description="Open a form."):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        form = Form()
        await ctx.respond_with_modal("Feedback", "feedback", components=form)
        await form.attach(client, "feedback")


@client.register
class Card(lightbulb.SlashCommand, name="card", description="Send an embed with a file."):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        embed = hikari.Embed(title="A card", color=0x5865F2).add_field("Kind", "note")
        embed.set_footer(ctx.user.username).set_image(hikari.Bytes(b"pixels", "card.png"))
        await ctx.respond(embed=embed)


@client.register
class Who(lightbulb.UserCommand, name="Who"):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        await ctx.respond(f"That is {self.target.mention}.", ephemeral=True)


@client.register
class Quote(lightbulb.MessageCommand, name="Quote"):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        await ctx.respond(f"> {self.target.content}")


@client.task(lightbulb.uniformtrigger(seconds=1, wait_first=False), max_invocations=1)
async def awake() -> None:
    guilds = await bot.rest.fetch_my_guilds()
    channels = await bot.rest.fetch_guild_channels(guilds[0])
    await bot.rest.create_message(next(one for one in channels if one.name == "general"), "Awake.")


@bot.listen()
async def said(event: hikari.GuildMessageCreateEvent) -> None:
    if event.content == "Hello?":
        await event.message.respond("I heard that.", reply=True)


@bot.listen()
async def reacted(event: hikari.GuildReactionAddEvent) -> None:
    if event.user_id != bot.get_me().id:
        await bot.rest.add_reaction(event.channel_id, event.message_id, event.emoji_name)


@bot.listen()
async def joined(event: hikari.MemberCreateEvent) -> None:
    channels = await bot.rest.fetch_guild_channels(event.guild_id)
    room = next(one for one in channels if isinstance(one, hikari.GuildTextChannel))
    await room.send(f"Welcome {event.member.mention}!")


bot.run(activity=hikari.Activity(name="with wisp"), check_for_updates=False)
