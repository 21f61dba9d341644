"""A bot on nextcord. Only its address is not Discord's."""

import asyncio
import io
import os
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
    import nextcord
    from nextcord.ext import commands, tasks

nextcord.http.Route.BASE = os.environ["REST"]

FRUITS = ["apple", "apricot", "banana"]

bot = commands.Bot(command_prefix="!", intents=nextcord.Intents.all(), activity=nextcord.Game("with wisp"))


class Greeting(nextcord.ui.View):
    @nextcord.ui.button(label="Again", style=nextcord.ButtonStyle.primary, emoji="🔁")
    async def again(self, button: nextcord.ui.Button, interaction: nextcord.Interaction) -> None:
        await interaction.send(f"Again, {interaction.user.mention}!", ephemeral=True)

    @nextcord.ui.string_select(placeholder="A drink", options=[nextcord.SelectOption(label="Tea", value="tea")])
    async def drink(self, select: nextcord.ui.StringSelect, interaction: nextcord.Interaction) -> None:
        await interaction.response.edit_message(content=f"You picked {select.values[0]}.", view=None)


class Brief(nextcord.ui.View):
    message: nextcord.PartialInteractionMessage

    def __init__(self) -> None:
        super().__init__(timeout=0.5)
        self.add_item(nextcord.ui.Button(label="Press", custom_id="press"))

    async def on_timeout(self) -> None:
        await self.message.edit(content="Too late.", view=None)


class Feedback(nextcord.ui.Modal):
    def __init__(self) -> None:
        super().__init__("Feedback")
        self.subject = nextcord.ui.TextInput("Subject")
        self.body = nextcord.ui.TextInput("Details", style=nextcord.TextInputStyle.paragraph, required=False)
        self.add_item(self.subject)
        self.add_item(self.body)

    async def callback(self, interaction: nextcord.Interaction) -> None:
        await interaction.send(f"Thanks for {self.subject.value}.", ephemeral=True)


class Commands(commands.Cog):
    @nextcord.slash_command()
    async def greet(
        self,
        interaction: nextcord.Interaction,
        user: nextcord.Member,
        times: int = nextcord.SlashOption(description="How often", min_value=1, max_value=3, default=1),
    ) -> None:
        """Greet a member."""
        await interaction.response.send_message(f"Hello {user.mention}!" * times, view=Greeting())

    @nextcord.slash_command(description="Order a fruit.")
    async def fruit(self, interaction: nextcord.Interaction, name: str) -> None:
        await interaction.send(f"One {name}, please.")

    @fruit.on_autocomplete("name")
    async def fruits(self, interaction: nextcord.Interaction, name: str) -> None:
        await interaction.response.send_autocomplete({one.title(): one for one in FRUITS if one.startswith(name)})

    @nextcord.slash_command(description="Answer later.")
    async def later(self, interaction: nextcord.Interaction) -> None:
        await interaction.response.defer()
        await asyncio.sleep(0.1)
        await interaction.edit_original_message(content="Done.")
        await interaction.followup.send("And for you alone.", ephemeral=True)

    @nextcord.slash_command(description="Offer a button for a moment.")
    async def brief(self, interaction: nextcord.Interaction) -> None:
        view = Brief()
        view.message = await interaction.send("Quick!", view=view)

    @nextcord.slash_command(description="Open a form.")
    async def feedback(self, interaction: nextcord.Interaction) -> None:
        await interaction.response.send_modal(Feedback())

    @nextcord.slash_command(description="Send an embed with a file.")
    async def card(self, interaction: nextcord.Interaction) -> None:
        embed = nextcord.Embed(title="A card", colour=nextcord.Colour.blurple()).add_field(name="Kind", value="note")
        embed.set_footer(text=str(interaction.user)).set_image("attachment://card.png")
        await interaction.send(embed=embed, file=nextcord.File(io.BytesIO(b"pixels"), "card.png"))

    @nextcord.user_command(name="Who")
    async def who(self, interaction: nextcord.Interaction, member: nextcord.Member) -> None:
        await interaction.send(f"That is {member.mention}.", ephemeral=True)

    @nextcord.message_command(name="Quote")
    async def quote(self, interaction: nextcord.Interaction, message: nextcord.Message) -> None:
        await interaction.send(f"> {message.content}")

    @commands.command()
    async def ping(self, ctx: commands.Context) -> None:
        await ctx.send("Pong.")

    @commands.Cog.listener()
    async def on_message(self, message: nextcord.Message) -> None:
        if message.content == "Hello?":
            await message.reply("I heard that.")


@bot.event
async def on_raw_reaction_add(payload: nextcord.RawReactionActionEvent) -> None:
    if payload.user_id != bot.user.id:
        message = await bot.get_channel(payload.channel_id).fetch_message(payload.message_id)
        await message.add_reaction(payload.emoji)


@bot.event
async def on_member_join(member: nextcord.Member) -> None:
    await member.guild.text_channels[0].send(f"Welcome {member.mention}!")


@tasks.loop(seconds=0.1, count=1)
async def awake() -> None:
    await nextcord.utils.get(bot.get_all_channels(), name="general").send("Awake.")


@bot.event
async def on_ready() -> None:
    awake.start()


bot.add_cog(Commands())
bot.run(os.environ["TOKEN"])
