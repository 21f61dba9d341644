"""A bot on hikari alone."""

import asyncio
import os

import hikari

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], intents=hikari.Intents.ALL, banner=None)

FRUITS = ["apple", "apricot", "banana"]
EPHEMERAL = hikari.MessageFlag.EPHEMERAL


def option(kind: hikari.OptionType, name: str, text: str, **more: object) -> hikari.CommandOption:
    return hikari.CommandOption(type=kind, name=name, description=text, **more)


@bot.listen()
async def register(event: hikari.StartedEvent) -> None:
    slash, menu = bot.rest.slash_command_builder, bot.rest.context_menu_command_builder
    user = option(hikari.OptionType.USER, "user", "Whom", is_required=True)
    times = option(hikari.OptionType.INTEGER, "times", "How often", min_value=1, max_value=3)
    name = option(hikari.OptionType.STRING, "name", "Which", is_required=True, autocomplete=True)
    commands = [
        slash("greet", "Greet a member.").add_option(user).add_option(times),
        slash("fruit", "Order a fruit.").add_option(name),
        slash("later", "Answer later."),
        slash("feedback", "Open a form."),
        slash("card", "Send an embed with a file."),
        menu(hikari.CommandType.USER, "Who"),
        menu(hikari.CommandType.MESSAGE, "Quote"),
    ]
    await bot.rest.set_application_commands(await bot.rest.fetch_application(), commands)
    (guild,) = bot.cache.get_guilds_view()
    channels = bot.cache.get_guild_channels_view_for_guild(guild).values()
    await bot.rest.create_message(next(one for one in channels if one.name == "general"), "Awake.")


@bot.listen()
async def called(event: hikari.CommandInteractionCreateEvent) -> None:
    interaction = event.interaction
    given = {one.name: one.value for one in interaction.options or ()}
    create = hikari.ResponseType.MESSAGE_CREATE
    match interaction.command_name:
        case "greet":
            buttons = bot.rest.build_message_action_row()
            buttons.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again", emoji="🔁")
            drinks = bot.rest.build_message_action_row()
            drinks.add_text_menu("drink", placeholder="A drink").add_option("Tea", "tea").add_option("Coffee", "coffee")
            text = f"Hello {interaction.resolved.users[given['user']].mention}!" * given.get("times", 1)
            await interaction.create_initial_response(create, text, components=[buttons, drinks])
        case "fruit":
            await interaction.create_initial_response(create, f"One {given['name']}, please.")
        case "later":
            await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
            await asyncio.sleep(0.1)
            await interaction.edit_initial_response("Done.")
            await interaction.execute("And for you alone.", flags=EPHEMERAL)
        case "feedback":
            rows = [bot.rest.build_modal_action_row() for _ in range(2)]
            rows[0].add_text_input("subject", "Subject")
            rows[1].add_text_input("body", "Details", style=hikari.TextInputStyle.PARAGRAPH, required=False)
            await interaction.create_modal_response("Feedback", "feedback", components=rows)
        case "card":
            embed = hikari.Embed(title="A card", color=0x5865F2).add_field("Kind", "note")
            embed.set_footer(interaction.user.username).set_image(hikari.Bytes(b"pixels", "card.png"))
            await interaction.create_initial_response(create, embed=embed)
        case "Who":
            (user,) = interaction.resolved.users.values()
            await interaction.create_initial_response(create, f"That is {user.mention}.", flags=EPHEMERAL)
        case "Quote":
            (message,) = interaction.resolved.messages.values()
            await interaction.create_initial_response(create, f"> {message.content}")


@bot.listen()
async def completed(event: hikari.AutocompleteInteractionCreateEvent) -> None:
    typed = str(event.interaction.options[0].value)
    choices = [hikari.impl.AutocompleteChoiceBuilder(one.title(), one) for one in FRUITS if one.startswith(typed)]
    await event.interaction.create_response(choices)


@bot.listen()
async def used(event: hikari.ComponentInteractionCreateEvent) -> None:
    interaction = event.interaction
    if interaction.custom_id == "again":
        text = f"Again, {interaction.user.mention}!"
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, text, flags=EPHEMERAL)
    if interaction.custom_id == "drink":
        text = f"You picked {interaction.values[0]}."
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, text, components=[])


@bot.listen()
async def submitted(event: hikari.ModalInteractionCreateEvent) -> None:
    subject = event.interaction.components[0][0].value
    await event.interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE, f"Thanks for {subject}.", flags=EPHEMERAL
    )


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
