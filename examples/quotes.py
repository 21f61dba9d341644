"""A whole bot: a list of quotes, shown in pages, emptied only after a question."""

from typing import Annotated

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

PER_PAGE = 5


@bot.command
async def quote(ctx: wisp.Context, text: Annotated[str, wisp.Option("What was said", max_length=500)]) -> str:
    """Keep a quote."""
    quotes = await ctx.data.update("quotes", lambda quotes: [*quotes, text], default=[])
    return f"That is quote {len(quotes)}."


@bot.message_command(name="Quote this")
async def quote_this(ctx: wisp.Context, message: hikari.Message) -> str:
    if not message.content:
        raise wisp.UserError("That message has no text.")
    return await quote(ctx, message.content)


@bot.command
async def quotes(ctx: wisp.Context) -> None:
    """Show all quotes."""
    kept: list[str] = await ctx.data.get("quotes", default=[])

    def page(number: int) -> hikari.Embed:
        first = number * PER_PAGE
        lines = [f"{first + line}. {text}" for line, text in enumerate(kept[first : first + PER_PAGE], 1)]
        return wisp.EmbedBuilder.info(title="Quotes", description="\n".join(lines))

    await wisp.paginate(ctx, page, -(-len(kept) // PER_PAGE), empty="There are no quotes yet.")


@bot.command
@wisp.require_permissions(hikari.Permissions.MANAGE_MESSAGES)
async def forget(ctx: wisp.Context) -> None:
    """Forget all quotes."""
    if await ctx.confirm("Forget all quotes?", yes="Forget them", no="Keep them", ephemeral=True):
        await ctx.data.delete("quotes")
        await wisp.respond_success(ctx, "They are forgotten.", ephemeral=True)


bot.run()


async def test_quotes_are_kept_and_shown_in_pages(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.slash("quotes")).content == "There are no quotes yet."
    for number in range(6):
        await bob.slash("quote", text=f"text {number}")
    assert (await ada.menu("Quote this", await bob.say("the last"))).content == "That is quote 7."
    reply = await ada.slash("quotes")
    assert reply.embeds[0].description == "\n".join(f"{number + 1}. text {number}" for number in range(5))
    await ada.click(reply, "Next")
    assert reply.embeds[0].description == "6. text 5\n7. the last"


async def test_quotes_are_forgotten_if_a_moderator_is_sure(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    await bob.slash("quote", text="Hm.")
    assert (await bob.slash("forget")).ephemeral  # bob may not
    await ada.click(await ada.slash("forget"), "Keep them")
    assert (await ada.slash("quotes")).embeds
    await ada.click(await ada.slash("forget"), "Forget them")
    assert (await ada.slash("quotes")).content == "There are no quotes yet."
