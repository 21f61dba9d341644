"""A bot on hikari-arc."""

import asyncio
import os

import arc
import hikari

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], intents=hikari.Intents.ALL, banner=None)
client = arc.GatewayClient(bot)

FRUITS = ["apple", "apricot", "banana"]
EPHEMERAL = hikari.MessageFlag.EPHEMERAL


async def fruits(data: arc.AutocompleteData[arc.GatewayClient, str]) -> list[str]:
    return [one for one in FRUITS if one.startswith(data.focused_value or "")]


@client.include
@arc.slash_command("greet", "Greet a member.")
async def greet(
    ctx: arc.GatewayContext,
    user: arc.Option[hikari.User, arc.UserParams("Whom")],
    times: arc.Option[int, arc.IntParams("How often", min=1, max=3)] = 1,
) -> None:
    buttons = bot.rest.build_message_action_row()
    buttons.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again", emoji="🔁")
    drinks = bot.rest.build_message_action_row()
    drinks.add_text_menu("drink", placeholder="A drink").add_option("Tea", "tea").add_option("Coffee", "coffee")
    await ctx.respond(f"Hello {user.mention}!" * times, components=[buttons, drinks])


@client.include
@arc.slash_command("fruit", "Order a fruit.")
async def fruit(
    ctx: arc.GatewayContext, name: arc.Option[str, arc.StrParams("Which", autocomplete_with=fruits)]
) -> None:
    await ctx.respond(f"One {name}, please.")


@client.include
@arc.slash_command("later", "Answer later.")
async def later(ctx: arc.GatewayContext) -> None:
    await ctx.defer()
    await asyncio.sleep(0.1)
    await ctx.respond("Done.")
    await ctx.respond("And for you alone.", flags=EPHEMERAL)


@client.include
@arc.slash_command("feedback", "Open a form.")
async def feedback(ctx: arc.GatewayContext) -> None:
    rows = [bot.rest.build_modal_action_row() for _ in range(2)]
    rows[0].add_text_input("subject", "Subject")
    rows[1].add_text_input("body", "Details", style=hikari.TextInputStyle.PARAGRAPH, required=False)
    await ctx.respond_with_modal("Feedback", "feedback", components=rows)


@client.include
@arc.slash_command("card", "Send an embed with a file.")
async def card(ctx: arc.GatewayContext) -> None:
    embed = hikari.Embed(title="A card", color=0x5865F2).add_field("Kind", "note")
    embed.set_footer(ctx.user.username).set_image(hikari.Bytes(b"pixels", "card.png"))
    await ctx.respond(embed=embed)


@client.include
@arc.user_command("Who")
async def who(ctx: arc.GatewayContext, user: hikari.User) -> None:
    await ctx.respond(f"That is {user.mention}.", flags=EPHEMERAL)


@client.include
@arc.message_command("Quote")
async def quote(ctx: arc.GatewayContext, message: hikari.Message) -> None:
    await ctx.respond(f"> {message.content}")


@arc.utils.interval_loop(seconds=60.0)
async def awake() -> None:
    (guild,) = await bot.rest.fetch_my_guilds()
    channels = await bot.rest.fetch_guild_channels(guild)
    await bot.rest.create_message(next(one for one in channels if one.name == "general"), "Awake.")


@client.add_startup_hook
async def startup(client: arc.GatewayClient) -> None:
    awake.start()


@client.listen()
async def used(event: hikari.ComponentInteractionCreateEvent) -> None:
    interaction = event.interaction
    if interaction.custom_id == "again":
        text = f"Again, {interaction.user.mention}!"
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, text, flags=EPHEMERAL)
    if interaction.custom_id == "drink":
        text = f"You picked {interaction.values[0]}."
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, text, components=[])


@client.listen()
async def submitted(event: hikari.ModalInteractionCreateEvent) -> None:
    await event.interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE, f"Thanks for {event.interaction.components[0][0].value}.", flags=EPHEMERAL
    )


@client.listen()
async def said(event: hikari.GuildMessageCreateEvent) -> None:
    if event.content == "Hello?":
        await event.message.respond("I heard that.", reply=True)


@client.listen()
async def reacted(event: hikari.GuildReactionAddEvent) -> None:
    if event.user_id != bot.get_me().id:
        await bot.rest.add_reaction(event.channel_id, event.message_id, event.emoji_name)


@client.listen()
async def joined(event: hikari.MemberCreateEvent) -> None:
    channels = bot.cache.get_guild_channels_view_for_guild(event.guild_id).values()
    room = next(one for one in channels if isinstance(one, hikari.GuildTextChannel))
    await room.send(f"Welcome {event.member.mention}!")


bot.run(activity=hikari.Activity(name="with wisp"), check_for_updates=False)
