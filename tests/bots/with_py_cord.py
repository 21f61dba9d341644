"""A bot on py-cord. Only its address is not Discord's."""

import asyncio
import io
import os
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
    import discord
    from discord.ext import commands, pages, tasks

discord.http.Route.API_BASE_URL = os.environ["REST"]

FRUITS = ["apple", "apricot", "banana"]

bot = commands.Bot(command_prefix="!", intents=discord.Intents.all(), activity=discord.Game("with wisp"))


class Greeting(discord.ui.View):
    @discord.ui.button(label="Again", style=discord.ButtonStyle.primary, emoji="🔁")
    async def again(self, button: discord.ui.Button, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"Again, {interaction.user.mention}!", ephemeral=True)

    @discord.ui.select(placeholder="A drink", options=[discord.SelectOption(label="Tea", value="tea")])
    async def drink(self, select: discord.ui.Select, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"You picked {select.values[0]}.", view=None)


class Brief(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Press", custom_id="press"), timeout=0.5)

    async def on_timeout(self) -> None:
        await self.message.edit(content="Too late.", view=None)


class Feedback(discord.ui.Modal):
    def __init__(self) -> None:
        super().__init__(title="Feedback")
        self.add_item(discord.ui.InputText(label="Subject"))
        self.add_item(discord.ui.InputText(label="Details", style=discord.InputTextStyle.long, required=False))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"Thanks for {self.children[0].value}.", ephemeral=True)


async def fruits(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    return [discord.OptionChoice(one.title(), one) for one in FRUITS if one.startswith(ctx.value)]


class Commands(commands.Cog):
    @discord.slash_command()
    @discord.option("user", discord.Member, description="Whom")
    @discord.option("times", int, description="How often", min_value=1, max_value=3, default=1)
    async def greet(self, ctx: discord.ApplicationContext, user: discord.Member, times: int) -> None:
        """Greet a member."""
        await ctx.respond(f"Hello {user.mention}!" * times, view=Greeting())

    @discord.slash_command(description="Order a fruit.")
    @discord.option("name", str, autocomplete=fruits)
    async def fruit(self, ctx: discord.ApplicationContext, name: str) -> None:
        await ctx.respond(f"One {name}, please.")

    @discord.slash_command(description="Answer later.")
    async def later(self, ctx: discord.ApplicationContext) -> None:
        await ctx.defer()
        await asyncio.sleep(0.1)
        await ctx.respond("Done.")
        await ctx.followup.send("And for you alone.", ephemeral=True)

    @discord.slash_command(description="Offer a button for a moment.")
    async def brief(self, ctx: discord.ApplicationContext) -> None:
        await ctx.respond("Quick!", view=Brief())

    @discord.slash_command(description="Open a form.")
    async def feedback(self, ctx: discord.ApplicationContext) -> None:
        await ctx.send_modal(Feedback())

    @discord.slash_command(description="Send an embed with a file.")
    async def card(self, ctx: discord.ApplicationContext) -> None:
        embed = discord.Embed(title="A card", colour=discord.Colour.blurple()).add_field(name="Kind", value="note")
        embed.set_footer(text=str(ctx.author)).set_image(url="attachment://card.png")
        await ctx.respond(embed=embed, file=discord.File(io.BytesIO(b"pixels"), "card.png"))

    @discord.slash_command(description="Turn pages.")
    async def pages(self, ctx: discord.ApplicationContext) -> None:
        await pages.Paginator(["Page one", "Page two"]).respond(ctx.interaction)

    @discord.user_command(name="Who")
    async def who(self, ctx: discord.ApplicationContext, member: discord.Member) -> None:
        await ctx.respond(f"That is {member.mention}.", ephemeral=True)

    @discord.message_command(name="Quote")
    async def quote(self, ctx: discord.ApplicationContext, message: discord.Message) -> None:
        await ctx.respond(f"> {message.content}")

    @commands.command()
    async def ping(self, ctx: commands.Context) -> None:
        await ctx.send("Pong.")

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        if message.content == "Hello?":
            await message.reply("I heard that.")


@bot.event
async def on_raw_reaction_add(payload: discord.RawReactionActionEvent) -> None:
    if payload.user_id != bot.user.id:
        message = await bot.get_channel(payload.channel_id).fetch_message(payload.message_id)
        await message.add_reaction(payload.emoji)


@bot.event
async def on_member_join(member: discord.Member) -> None:
    await member.guild.text_channels[0].send(f"Welcome {member.mention}!")


@tasks.loop(seconds=0.1, count=1)
async def awake() -> None:
    await discord.utils.get(bot.get_all_channels(), name="general").send("Awake.")


@bot.event
async def on_ready() -> None:
    awake.start()


bot.add_cog(Commands())
bot.run(os.environ["TOKEN"])
