"""A poll whose buttons still count after the bot was killed and started again."""

from collections import Counter
from typing import Annotated

import hikari

import wisp

bot = wisp.Bot()


@bot.command(guild_only=True)
async def poll(
    ctx: wisp.Context,
    question: Annotated[str, wisp.Option("What to ask", max_length=256)],
    choices: Annotated[str, wisp.Option("2 to 5 choices, with commas between", max_length=400)],
) -> None:
    """Let people vote."""
    labels = [choice.strip()[:80] for choice in choices.split(",") if choice.strip()]
    if not 2 <= len(labels) <= 5:
        raise wisp.UserError("Give me 2 to 5 choices, with commas between.")
    number = await ctx.data.increment("polls")
    embed = wisp.EmbedBuilder.info(title=question)
    for label in labels:
        embed.add_field(label, "0", inline=True)
    buttons = [vote.bind(number, choice).button(label) for choice, label in enumerate(labels)]
    await ctx.respond(embed=embed, components=[wisp.row(*buttons)])


@bot.component("vote:{poll_number}:{choice}")
async def vote(ctx: wisp.ComponentContext, poll_number: int, choice: int) -> None:
    """Count the vote, in place of the same person's last one."""
    key = f"votes {poll_number}"
    votes = await ctx.data.update(key, lambda votes: {**votes, ctx.user.id: choice}, default={})
    await ctx.edit(embed=counted(ctx.message.embeds[0], Counter(votes.values())))


def counted(embed: hikari.Embed, votes: Counter[int]) -> hikari.Embed:
    for choice, field in enumerate(embed.fields):
        embed.edit_field(choice, field.name, str(votes[choice]))
    return embed


bot.run()
