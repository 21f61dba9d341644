"""A list that grows, shown in pages, and emptied only by who is sure."""

from typing import Annotated

import hikari

import wisp

bot = wisp.Bot()

PER_PAGE = 5


@bot.command
async def quote(ctx: wisp.Context, text: Annotated[str, wisp.Option("What was said", max_length=500)]) -> str:
    """Remember what somebody said."""
    quotes = await ctx.data.update("quotes", lambda quotes: [*quotes, text], default=[])
    return f"That is quote {len(quotes)}."


@bot.message_command(name="Quote this")
async def quote_this(ctx: wisp.Context, message: hikari.Message) -> str:
    if not message.content:
        raise wisp.UserError("There are no words in that message.")
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
