"""A form that people fill in, and a button under each answer that opens another one."""

from typing import Annotated

import hikari

import wisp

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
