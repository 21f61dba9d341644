"""Embeds with a consistent look, and replies that report success or failure.

`wisp.EmbedBuilder.success`, `.error`, `.info` and `.warning` make a `hikari.Embed` in their colour; add fields and
images as usual. Text that is too long for Discord is cut with "…" at its end. `wisp.respond_success`, `respond_error`,
`respond_info` and `respond_warning` answer with such an embed, or with a message beside one; `respond_error` is private
unless it says otherwise. `wisp.Bot(embed_color="#5865F2", embed_footer="My bot")` sets the colour of `info` and the
line below all of them.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot(embed_footer="The example bot")


@bot.command
async def save(ctx: wisp.Context, text: str = "") -> None:
    """Save a text."""
    if not text:
        await wisp.respond_error(ctx, "There is nothing to save.")
        return
    await ctx.data.set("text", text)
    await wisp.respond_success(ctx, "It is saved.")


@bot.command
async def show(ctx: wisp.Context) -> None:
    """Show what is saved."""
    embed = wisp.EmbedBuilder.info(title="Saved", description=await ctx.data.get("text", default="Nothing."))
    embed.add_field("By", ctx.user.mention)
    await ctx.respond(embed=embed)


bot.run()


async def test_replies_look_alike(discord: Discord) -> None:
    ada = discord.member("ada")
    refused = await ada.slash("save")
    assert refused.ephemeral
    assert refused.embeds[0].description == "There is nothing to save."
    assert (await ada.slash("save", text="tea")).embeds[0].description == "It is saved."
    embed = (await ada.slash("show")).embeds[0]
    assert (embed.title, embed.description) == ("Saved", "tea")
