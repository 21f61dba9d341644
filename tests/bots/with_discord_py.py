"""A bot on discord.py: one command, one view. Only its addresses are not Discord's."""

import os
import warnings

import yarl

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
    import discord
    from discord import app_commands

discord.http.Route.BASE = os.environ["REST"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["GATEWAY"])


class Again(discord.ui.View):
    @discord.ui.button(label="Again")
    async def again(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        await interaction.response.send_message(f"Again, {interaction.user.mention}!", ephemeral=True)


class Bot(discord.Client):
    async def setup_hook(self) -> None:
        await tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            await message.channel.send("I heard that.")


bot = Bot(intents=discord.Intents.default())
tree = app_commands.CommandTree(bot)


@tree.command()
async def greet(interaction: discord.Interaction, user: discord.Member) -> None:
    """Greet a member."""
    await interaction.response.send_message(f"Hello {user.mention}!", view=Again())


bot.run(os.environ["TOKEN"])
