"""Forms: what Discord calls modals.

A form is a class. Each field is a `str` and becomes an input; one with a default may stay empty. `wisp.Field` sets the
label, a placeholder, a first value, `min` and `max` characters, and `multiline=True`.

`await ctx.form(Feedback)` opens it and returns the filled form, or None after almost 15 minutes (Discord does not
report a form that was dismissed). It must be the first answer of the handler, and it ends with the process.

A form that has to outlive a restart is written as two handlers: `ctx.respond_with_modal(title, custom_id, components)`
opens it, and `@bot.modal("topic:{topic}")` handles what comes back, found by its custom id like a button, with
`ctx.values["text"]` holding what was typed.
"""

from typing import Annotated

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


class Feedback(wisp.Form):
    """Tell us"""

    title: str
    body: Annotated[str, wisp.Field("Your text", max=1000, multiline=True)] = ""


@bot.command
async def feedback(ctx: wisp.Context) -> None:
    """Tell us what you think."""
    form = await ctx.form(Feedback)
    if form:
        await ctx.respond(f"“{form.title}”: {form.body or 'no more words'}")


@bot.command
async def suggest(ctx: wisp.Context, topic: str) -> None:
    """Suggest something, even if the bot restarts while you type."""
    row = hikari.impl.ModalActionRowBuilder().add_text_input("text", "Your suggestion")
    await ctx.respond_with_modal("A suggestion", suggested.bind(topic).custom_id, components=[row])


@bot.modal("suggested:{topic}")
async def suggested(ctx: wisp.ModalContext, topic: str) -> str:
    return f"On {topic}: {ctx.values['text']}"


bot.run()


async def test_a_form_is_filled_in(discord: Discord) -> None:
    ada = discord.member("ada")
    reply = await ada.submit(await ada.slash("feedback"), title="Lovely")
    assert reply.content == "“Lovely”: no more words"


async def test_a_form_is_sent_after_the_bot_restarted(discord: Discord) -> None:
    ada = discord.member("ada")
    form = await ada.slash("suggest", topic="tea")
    await discord.restart()
    assert (await ada.submit(form, text="More of it")).content == "On tea: More of it"
