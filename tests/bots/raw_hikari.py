"""A bot on hikari alone: one command, one button."""

import os

import hikari

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], banner=None)


@bot.listen()
async def register(event: hikari.StartedEvent) -> None:
    application = await bot.rest.fetch_application()
    greet = bot.rest.slash_command_builder("greet", "Greet a member.").add_option(
        hikari.CommandOption(type=hikari.OptionType.USER, name="user", description="Whom", is_required=True)
    )
    await bot.rest.set_application_commands(application, [greet])


@bot.listen()
async def called(event: hikari.CommandInteractionCreateEvent) -> None:
    interaction = event.interaction
    assert interaction.resolved
    (user,) = interaction.resolved.users.values()
    row = bot.rest.build_message_action_row()
    row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again")
    await interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE, f"Hello {user.mention}!", component=row
    )


@bot.listen()
async def clicked(event: hikari.ComponentInteractionCreateEvent) -> None:
    interaction = event.interaction
    await interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE, f"Again, {interaction.user.mention}!", flags=hikari.MessageFlag.EPHEMERAL
    )


@bot.listen()
async def said(event: hikari.GuildMessageCreateEvent) -> None:
    if event.is_human:
        await event.message.respond("I heard that.")


bot.run(check_for_updates=False)
