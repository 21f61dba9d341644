"""A whole bot: a poll whose buttons keep counting after the bot was killed and started again."""

from collections import Counter
from typing import Annotated

import hikari

import wisp
from wisp.testing import Discord, Reply

bot = wisp.Bot()


@bot.command(guild_only=True)
async def poll(
    ctx: wisp.Context,
    question: Annotated[str, wisp.Option("What to ask", max_length=256)],
    choices: Annotated[str, wisp.Option("2 to 5 choices, separated by commas", max_length=400)],
) -> None:
    """Let people vote."""
    labels = [choice.strip()[:80] for choice in choices.split(",") if choice.strip()]
    if not 2 <= len(labels) <= 5:
        raise wisp.UserError("Give me 2 to 5 choices, separated by commas.")
    number = await ctx.data.increment("polls")
    embed = wisp.EmbedBuilder.info(title=question)
    for label in labels:
        embed.add_field(label, "0", inline=True)
    buttons = [vote.bind(number, choice).button(label) for choice, label in enumerate(labels)]
    await ctx.respond(embed=embed, components=[wisp.row(*buttons)])


@bot.component("vote:{poll_number}:{choice}")
async def vote(ctx: wisp.ComponentContext, poll_number: int, choice: int) -> None:
    """Count the vote, which replaces an earlier one of the same user."""
    key = f"votes {poll_number}"
    votes = await ctx.data.update(key, lambda votes: {**votes, ctx.user.id: choice}, default={})
    await ctx.edit(embed=counted(ctx.message.embeds[0], Counter(votes.values())))


def counted(embed: hikari.Embed, votes: Counter[int]) -> hikari.Embed:
    for choice, field in enumerate(embed.fields):
        embed.edit_field(choice, field.name, str(votes[choice]))
    return embed


bot.run()


def counts(reply: Reply) -> dict[str, str]:
    return {field.name: field.value for field in reply.embeds[0].fields}


async def test_each_person_has_one_vote(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    assert (await ada.slash("poll", question="Tea?", choices="yes")).ephemeral
    reply = await ada.slash("poll", question="Tea?", choices="yes, no: never")
    other = await ada.slash("poll", question="Cake?", choices="yes, no")
    await ada.click(reply, "yes")
    await bob.click(reply, "yes")
    await bob.click(reply, "no: never")
    await bob.click(other, "no")
    assert counts(reply) == {"yes": "1", "no: never": "1"}
    assert counts(other) == {"yes": "0", "no": "1"}


async def test_votes_count_after_a_crash(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    reply = await ada.slash("poll", question="Tea?", choices="yes, no")
    await ada.click(reply, "yes")
    await discord.restart(kill=True)
    await bob.click(reply, "yes")
    assert counts(reply) == {"yes": "2", "no": "0"}
