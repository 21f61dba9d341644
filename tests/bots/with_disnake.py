"""A bot on disnake. Only its address is not Discord's."""

import asyncio
import io
import os

import disnake
from disnake.ext import commands, tasks

disnake.http.Route.BASE = os.environ["REST"]

FRUITS = ["apple", "apricot", "banana"]

bot = commands.Bot(command_prefix="!", intents=disnake.Intents.all(), activity=disnake.Game("with wisp"))


class Greeting(disnake.ui.View):
    @disnake.ui.button(label="Again", style=disnake.ButtonStyle.primary, emoji="🔁")
    async def again(self, button: disnake.ui.Button, inter: disnake.MessageInteraction) -> None:
        await inter.response.send_message(f"Again, {inter.author.mention}!", ephemeral=True)

    @disnake.ui.string_select(placeholder="A drink", options={"Tea": "tea", "Coffee": "coffee"})
    async def drink(self, select: disnake.ui.StringSelect, inter: disnake.MessageInteraction) -> None:
        await inter.response.edit_message(f"You picked {select.values[0]}.", view=None)


class Brief(disnake.ui.View):
    message: disnake.InteractionMessage

    def __init__(self) -> None:
        super().__init__(timeout=0.5)
        self.add_item(disnake.ui.Button(label="Press", custom_id="press"))

    async def on_timeout(self) -> None:
        await self.message.edit("Too late.", view=None)


class Feedback(disnake.ui.Modal):
    def __init__(self) -> None:
        subject = disnake.ui.TextInput(label="Subject", custom_id="subject")
        body = disnake.ui.TextInput(
            label="Details", custom_id="body", style=disnake.TextInputStyle.paragraph, required=False
        )
        super().__init__(title="Feedback", components=[subject, body])

    async def callback(self, inter: disnake.ModalInteraction) -> None:
        await inter.response.send_message(f"Thanks for {inter.text_values['subject']}.", ephemeral=True)


class Commands(commands.Cog):
    @commands.slash_command()
    async def greet(
        self, inter: disnake.ApplicationCommandInteraction, user: disnake.Member, times: commands.Range[int, 1, 3] = 1
    ) -> None:
        """
        Greet a member.

        Parameters
        ----------
        user: Whom
        times: How often
        """
        await inter.response.send_message(f"Hello {user.mention}!" * times, view=Greeting())

    @commands.slash_command()
    async def fruit(self, inter: disnake.ApplicationCommandInteraction, name: str) -> None:
        """Order a fruit."""
        await inter.send(f"One {name}, please.")

    @fruit.autocomplete("name")
    async def fruits(self, inter: disnake.ApplicationCommandInteraction, typed: str) -> dict[str, str]:
        return {one.title(): one for one in FRUITS if one.startswith(typed)}

    @commands.slash_command()
    async def later(self, inter: disnake.ApplicationCommandInteraction) -> None:
        """Answer later."""
        await inter.response.defer()
        await asyncio.sleep(0.1)
        await inter.edit_original_response("Done.")
        await inter.followup.send("And for you alone.", ephemeral=True)

    @commands.slash_command()
    async def brief(self, inter: disnake.ApplicationCommandInteraction) -> None:
        """Offer a button for a moment."""
        view = Brief()
        await inter.response.send_message("Quick!", view=view)
        view.message = await inter.original_response()

    @commands.slash_command()
    async def feedback(self, inter: disnake.ApplicationCommandInteraction) -> None:
        """Open a form."""
        await inter.response.send_modal(Feedback())

    @commands.slash_command()
    async def card(self, inter: disnake.ApplicationCommandInteraction) -> None:
        """Send an embed with a file."""
        embed = disnake.Embed(title="A card", colour=disnake.Colour.blurple()).add_field("Kind", "note")
        embed.set_footer(text=str(inter.author)).set_image(file=disnake.File(io.BytesIO(b"pixels"), "card.png"))
        await inter.response.send_message(embed=embed)

    @commands.user_command(name="Who")
    async def who(self, inter: disnake.UserCommandInteraction, user: disnake.Member) -> None:
        await inter.response.send_message(f"That is {user.mention}.", ephemeral=True)

    @commands.message_command(name="Quote")
    async def quote(self, inter: disnake.MessageCommandInteraction, message: disnake.Message) -> None:
        await inter.response.send_message(f"> {message.content}")

    @commands.command()
    async def ping(self, ctx: commands.Context) -> None:
        await ctx.send("Pong.")


@bot.listen("on_message")
async def hear(message: disnake.Message) -> None:
    if message.content == "Hello?":
        await message.reply("I heard that.")


@bot.event
async def on_raw_reaction_add(payload: disnake.RawReactionActionEvent) -> None:
    if payload.user_id != bot.user.id:
        message = await bot.get_channel(payload.channel_id).fetch_message(payload.message_id)
        await message.add_reaction(payload.emoji)


@bot.event
async def on_member_join(member: disnake.Member) -> None:
    await member.guild.text_channels[0].send(f"Welcome {member.mention}!")


@tasks.loop(seconds=0.1, count=1)
async def awake() -> None:
    await bot.wait_until_ready()
    await disnake.utils.get(bot.get_all_channels(), name="general").send("Awake.")


@bot.event
async def on_connect() -> None:
    if not awake.is_running():
        awake.start()


bot.add_cog(Commands())
bot.run(os.environ["TOKEN"])
