"""A whole bot: a form for feedback, and a button below each that opens a second form, even after a restart."""

from typing import Annotated

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


class Feedback(wisp.Form):
    """Tell us what you think"""

    title: Annotated[str, wisp.Field("In a few words", max=100)]
    body: Annotated[str, wisp.Field("Tell us more", placeholder="Take your time", multiline=True)] = ""


@bot.command
async def feedback(ctx: wisp.Context) -> None:
    """Tell us what you think."""
    form = await ctx.form(Feedback)
    if form is None:
        return
    number = await ctx.data.increment("feedback")
    await ctx.data.set(f"feedback {number}", form)
    embed = wisp.EmbedBuilder.success(title=form.title, description=form.body)
    button = answer.bind(number).button("Answer", style=hikari.ButtonStyle.SECONDARY)
    await ctx.respond(f"{ctx.user.mention} says:", embed=embed, components=[wisp.row(button)])


@bot.component("answer:{number}")
async def answer(ctx: wisp.ComponentContext, number: int) -> None:
    row = hikari.impl.ModalActionRowBuilder().add_text_input("text", "What do you answer?")
    await ctx.respond_with_modal(f"Feedback {number}", answered.bind(number).custom_id, components=[row])


@bot.modal("answered:{number}")
async def answered(ctx: wisp.ModalContext, number: int) -> str:
    form = await ctx.data.get(f"feedback {number}", type=Feedback)
    about = form.title if form else "something"
    return f"{ctx.user.mention} on “{about}”: {ctx.values['text']}"


bot.run()


async def test_feedback_is_answered(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    opened = await ada.slash("feedback")
    reply = await ada.submit(opened, {"In a few words": "Lovely", "Tell us more": "All of it"})
    assert reply.content == f"{ada.mention} says:"
    assert (reply.embeds[0].title, reply.embeds[0].description) == ("Lovely", "All of it")
    answer = await bob.submit(await bob.click(reply, "Answer"), text="Thanks!")
    assert answer.content == f"{bob.mention} on “Lovely”: Thanks!"
