"""Answers: every user gets one, in time.

`await ctx.respond(...)` answers, as often as you like: the first is the response, later ones are follow-ups. It returns
the answer, which can be edited and deleted. `ctx.edit`, `ctx.delete` and `ctx.defer` act on the first one. Returning a
`str` or a `hikari.Embed` does the same as `ctx.respond`.

Time. Discord shows "The application did not respond" after 3 seconds. A handler that takes longer than 2 seconds is
deferred for you, also while a file is read or uploaded, so users see "thinking..." instead, unless something blocks the
event loop (`time.sleep`). A handler that blocks it for a second or more is logged with its name, its line and how long.
After a deferral there are 15 minutes. A handler that ends without an answer is acknowledged with an ephemeral deferral,
which is then deleted.

Visibility. `ephemeral=True` shows an answer to the user only: for all answers in `@bot.command(ephemeral=True)`, for
one in `ctx.respond(..., ephemeral=True)`. Automatic deferrals follow the command's. After `ctx.defer(ephemeral=True)`
answers are private unless they say `ephemeral=False`.

Delivery. An answer is shown once, even if its confirmation is lost. A follow-up whose connection breaks raises
`wisp.AnswerError`: it is not sent again, since it could then be shown twice.

Limits. What Discord would refuse (more than 2,000 characters, an embed without content, a file over the limit, a second
modal) raises `wisp.AnswerError` before it is sent, with what to change. Buttons, selects and rows are checked where
they are built.

A file is `attachment=hikari.Bytes(b"...", "name.txt")` or `hikari.File("path")`. The other fields (`embeds=`,
`components=`, `user_mentions=`, ...) are hikari's. No one is pinged unless a mentions field says so.
"""

import asyncio

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def roll(ctx: wisp.Context, secretly: bool = False) -> None:
    """Roll a die."""
    answer = await ctx.respond("It rolls...", ephemeral=secretly)
    await answer.edit("A six!", embed=hikari.Embed(title="6", color=0x57F287))


@bot.command
async def report(ctx: wisp.Context) -> None:
    """Write a long report."""
    await asyncio.sleep(60)  # deferred after 2 seconds
    await ctx.respond("Here it is.", attachment=hikari.Bytes(b"All is well.", "report.txt"))
    await ctx.respond("This one is for you alone.", ephemeral=True)


bot.run()


async def test_an_answer_is_edited(discord: Discord) -> None:
    reply = await discord.member("ada").slash("roll", secretly=True)
    assert (reply.content, reply.edits, reply.ephemeral) == ("A six!", ["It rolls..."], True)


async def test_a_slow_handler_is_deferred(discord: Discord) -> None:
    reply = await discord.member("ada").slash("report")
    assert reply.deferred
    assert reply.content == "Here it is."
    assert [attachment.filename for attachment in reply.attachments] == ["report.txt"]
    assert [followup.ephemeral for followup in reply.followups] == [True]
