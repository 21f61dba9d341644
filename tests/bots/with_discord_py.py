"""A bot on discord.py. Only its addresses are not Discord's."""

import asyncio
import io
import os
import warnings

import yarl

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
    import discord
    from discord import app_commands
    from discord.ext import commands, tasks

discord.http.Route.BASE = os.environ["REST"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["GATEWAY"])

FRUITS = ["apple", "apricot", "banana"]


class Greeting(discord.ui.View):
    @discord.ui.button(label="Again", style=discord.ButtonStyle.primary, emoji="🔁")
    async def again(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        await interaction.response.send_message(f"Again, {interaction.user.mention}!", ephemeral=True)

    @discord.ui.select(placeholder="A drink", options=[discord.SelectOption(label="Tea", value="tea")])
    async def drink(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.edit_message(content=f"You picked {select.values[0]}.", view=None)


class Brief(discord.ui.View):
    message: discord.InteractionMessage

    def __init__(self) -> None:
        super().__init__(timeout=0.5)
        self.add_item(discord.ui.Button(label="Press", custom_id="press"))

    async def on_timeout(self) -> None:
        await self.message.edit(content="Too late.", view=None)


class Feedback(discord.ui.Modal, title="Feedback"):
    subject = discord.ui.TextInput(label="Subject")
    body = discord.ui.TextInput(label="Details", style=discord.TextStyle.paragraph, required=False)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"Thanks for {self.subject.value}.", ephemeral=True)


class Bot(commands.Bot):
    def __init__(self) -> None:
        super().__init__("!", intents=discord.Intents.all(), activity=discord.Game("with wisp"))

    async def setup_hook(self) -> None:
        await self.add_cog(Listeners(self))
        await self.tree.sync()


class Listeners(commands.Cog):
    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.awake.start()

    @tasks.loop(seconds=0.1, count=1)
    async def awake(self) -> None:
        await discord.utils.get(self.bot.get_all_channels(), name="general").send("Awake.")

    @awake.before_loop
    async def wait(self) -> None:
        await self.bot.wait_until_ready()

    @commands.command()
    async def ping(self, ctx: commands.Context) -> None:
        await ctx.send("Pong.")

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        if message.content == "Hello?":
            await message.reply("I heard that.")

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        if payload.user_id != self.bot.user.id:
            message = await self.bot.get_channel(payload.channel_id).fetch_message(payload.message_id)
            await message.add_reaction(payload.emoji)

    @commands.Cog.listener()
    async def on_member_join(self, member: discord.Member) -> None:
        await member.guild.text_channels[0].send(f"Welcome {member.mention}!")


bot = Bot()


@bot.tree.command()
@app_commands.describe(user="Whom", times="How often")
async def greet(
    interaction: discord.Interaction, user: discord.Member, times: app_commands.Range[int, 1, 3] = 1
) -> None:
    """Greet a member."""
    await interaction.response.send_message(f"Hello {user.mention}!" * times, view=Greeting())


@bot.tree.command()
async def fruit(interaction: discord.Interaction, name: str) -> None:
    """Order a fruit."""
    await interaction.response.send_message(f"One {name}, please.")


@fruit.autocomplete("name")
async def fruits(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=one.title(), value=one) for one in FRUITS if one.startswith(current)]


@bot.tree.command()
async def later(interaction: discord.Interaction) -> None:
    """Answer later."""
    await interaction.response.defer(thinking=True)
    await asyncio.sleep(0.1)
    await interaction.followup.send("Done.")
    await interaction.followup.send("And for you alone.", ephemeral=True)


@bot.tree.command()
async def brief(interaction: discord.Interaction) -> None:
    """Offer a button for a moment."""
    view = Brief()
    await interaction.response.send_message("Quick!", view=view)
    view.message = await interaction.original_response()


@bot.tree.command()
async def feedback(interaction: discord.Interaction) -> None:
    """Open a form."""
    await interaction.response.send_modal(Feedback())


@bot.tree.command()
async def card(interaction: discord.Interaction) -> None:
    """Send an embed with a file."""
    embed = discord.Embed(title="A card", colour=discord.Colour.blurple()).add_field(name="Kind", value="note")
    embed.set_footer(text=str(interaction.user)).set_image(url="attachment://card.png")
    await interaction.response.send_message(embed=embed, file=discord.File(io.BytesIO(b"pixels"), "card.png"))


@bot.tree.context_menu(name="Who")
async def who(interaction: discord.Interaction, member: discord.Member) -> None:
    await interaction.response.send_message(f"That is {member.mention}.", ephemeral=True)


@bot.tree.context_menu(name="Quote")
async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"> {message.content}")


bot.run(os.environ["TOKEN"])
