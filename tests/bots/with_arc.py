"""A bot on hikari-arc: one command, one button."""

import os

import arc
import hikari

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], banner=None)
client = arc.GatewayClient(bot)


@client.include
@arc.slash_command("greet", "Greet a member.")
async def greet(ctx: arc.GatewayContext, user: arc.Option[hikari.User, arc.UserParams("Whom")]) -> None:
    row = bot.rest.build_message_action_row()
    row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again")
    await ctx.respond(f"Hello {user.mention}!", component=row)


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
