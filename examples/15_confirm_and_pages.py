"""Questions and pages: handlers that wait for a click.

    await ctx.confirm("Sure?")                  True or False as the user pressed, None after `timeout` (60 seconds
                                                unless you say otherwise); only the user of the command can press
    await wisp.paginate_embeds(ctx, embeds)     shows pages with buttons to turn them
    await wisp.paginate(ctx, make, count)       the same, with pages that `make(number)` builds when they are turned to

`make`, plain or async, returns text or an embed; pages count from 0. Only the user of the command can turn them, and
the buttons are disabled after 180 seconds without a click (`timeout=`). A single page has no buttons, and with no pages
the answer is a friendly line (`empty=`). These handlers end with the process: a click on a button from before a restart
gets a polite answer. Use components (13_components.py) for what must survive a restart.
"""

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def forget(ctx: wisp.Context) -> None:
    """Forget everything."""
    if await ctx.confirm("Forget everything?", yes="Forget", no="Keep", ephemeral=True):
        await ctx.data.clear()
        await ctx.respond("Forgotten.")


@bot.command
async def book(ctx: wisp.Context) -> None:
    """Read the book."""
    await wisp.paginate_embeds(ctx, [hikari.Embed(title=f"Page {number}") for number in (1, 2, 3)])


@bot.command
async def numbers(ctx: wisp.Context) -> None:
    """See very many numbers."""

    async def page(number: int) -> hikari.Embed:
        return wisp.EmbedBuilder.info(description=", ".join(str(number * 10 + digit) for digit in range(10)))

    await wisp.paginate(ctx, page, 1000)


bot.run()


async def test_confirm(discord: Discord) -> None:
    ada = discord.member("ada")
    question = await ada.slash("forget")
    await ada.click(question, "Forget")
    assert [followup.content for followup in question.followups] == ["Forgotten."]


async def test_pages_are_turned(discord: Discord) -> None:
    ada = discord.member("ada")
    book = await ada.slash("book")
    await ada.click(book, "Next")
    assert book.embeds[0].title == "Page 2"
    numbers = await ada.slash("numbers")
    await ada.click(numbers, "Next")
    assert numbers.embeds[0].description == "10, 11, 12, 13, 14, 15, 16, 17, 18, 19"
