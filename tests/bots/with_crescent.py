"""A bot on hikari-crescent."""

import asyncio
import os

import crescent
import hikari
from crescent.ext import tasks

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], intents=hikari.Intents.ALL, banner=None)
client = crescent.Client(bot)

FRUITS = ["apple", "apricot", "banana"]


async def fruits(
    ctx: crescent.AutocompleteContext, option: hikari.AutocompleteInteractionOption
) -> list[tuple[str, str]]:
    return [(one.title(), one) for one in FRUITS if one.startswith(str(option.value))]


@client.include
@crescent.command(name="greet", description="Greet a member.")
class Greet:
    user = crescent.option(hikari.User, "Whom")
    times = crescent.option(int, "How often", default=1, min_value=1, max_value=3)

    async def callback(self, ctx: crescent.Context) -> None:
        buttons = bot.rest.build_message_action_row()
        buttons.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again", emoji="🔁")
        drinks = bot.rest.build_message_action_row()
        drinks.add_text_menu("drink", placeholder="A drink").add_option("Tea", "tea").add_option("Coffee", "coffee")
        await ctx.respond(f"Hello {self.user.mention}!" * self.times, components=[buttons, drinks])


@client.include
@crescent.command(name="fruit", description="Order a fruit.")
class Fruit:
    name = crescent.option(str, "Which", autocomplete=fruits)

    async def callback(self, ctx: crescent.Context) -> None:
        await ctx.respond(f"One {self.name}, please.")


@client.include
@crescent.command(description="Answer later.")
async def later(ctx: crescent.Context) -> None:
    await ctx.defer()
    await asyncio.sleep(0.1)
    await ctx.respond("Done.")
    await ctx.interaction.execute("And for you alone.", flags=hikari.MessageFlag.EPHEMERAL)


@client.include
@crescent.command(description="Open a form.")
async def feedback(ctx: crescent.Context) -> None:
    rows = [bot.rest.build_modal_action_row() for _ in range(2)]
    rows[0].add_text_input("subject", "Subject")
    rows[1].add_text_input("body", "Details", style=hikari.TextInputStyle.PARAGRAPH, required=False)
    await ctx.respond_with_modal("Feedback", "feedback", components=rows)


@client.include
@crescent.command(description="Send an embed with a file.")
async def card(ctx: crescent.Context) -> None:
    embed = hikari.Embed(title="A card", color=0x5865F2).add_field("Kind", "note")
    embed.set_footer(ctx.user.username).set_image(hikari.Bytes(b"pixels", "card.png"))
    await ctx.respond(embed=embed)


@client.include
@crescent.user_command(name="Who")
async def who(ctx: crescent.Context, user: hikari.User) -> None:
    await ctx.respond(f"That is {user.mention}.", ephemeral=True)


@client.include
@crescent.message_command(name="Quote")
async def quote(ctx: crescent.Context, message: hikari.Message) -> None:
    await ctx.respond(f"> {message.content}")


@client.include
@tasks.loop(seconds=60)
async def awake() -> None:
    (guild,) = await bot.rest.fetch_my_guilds()
    channels = await bot.rest.fetch_guild_channels(guild)
    await bot.rest.create_message(next(one for one in channels if one.name == "general"), "Awake.")


@client.include
@crescent.event
async def used(event: hikari.ComponentInteractionCreateEvent) -> None:
    interaction = event.interaction
    if interaction.custom_id == "again":
        text = f"Again, {interaction.user.mention}!"
        flags = hikari.MessageFlag.EPHEMERAL
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, text, flags=flags)
    if interaction.custom_id == "drink":
        text = f"You picked {interaction.values[0]}."
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, text, components=[])


@client.include
@crescent.event
async def submitted(event: hikari.ModalInteractionCreateEvent) -> None:
    text = f"Thanks for {event.interaction.components[0][0].value}."
    flags = hikari.MessageFlag.EPHEMERAL
    await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, text, flags=flags)


@client.include
@crescent.event
async def said(event: hikari.GuildMessageCreateEvent) -> None:
    if event.content == "Hello?":
        await event.message.respond("I heard that.", reply=True)


@client.include
@crescent.event
async def reacted(event: hikari.GuildReactionAddEvent) -> None:
    if event.user_id != bot.get_me().id:
        await bot.rest.add_reaction(event.channel_id, event.message_id, event.emoji_name)


@client.include
@crescent.event
async def joined(event: hikari.MemberCreateEvent) -> None:
    channels = bot.cache.get_guild_channels_view_for_guild(event.guild_id).values()
    room = next(one for one in channels if isinstance(one, hikari.GuildTextChannel))
    await room.send(f"Welcome {event.member.mention}!")


bot.run(activity=hikari.Activity(name="with wisp"), check_for_updates=False)
