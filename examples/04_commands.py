"""Slash commands: an async function, registered with `@bot.command`.

Its name is the command's name, the first paragraph of its docstring the description, its annotated parameters the
options, and what it returns (a `str` or a `hikari.Embed`) the reply. The annotation decides what users enter and what
the function gets:

    str, int, float, bool                        text, a whole number, a number, true or false
    datetime.timedelta                           text such as `1h30m`, `2 hours` or `45s`
    hikari.User, hikari.Member                   a user; a member of this server
    hikari.Role, hikari.User | hikari.Role       a role; anything that can be mentioned
    hikari.PartialChannel                        a channel of any kind
    hikari.GuildTextChannel and the like         a channel of that kind
    hikari.Attachment                            a file
    Literal[...], an Enum                        one of these choices

A default value, or `| None`, makes an option optional. A value that does not fit its annotation never reaches the
function: the user is told which options are wrong and why.

`wisp.Option("description")` describes an option and takes `name`, `min`, `max`, `min_length`, `max_length`, `choices`,
`autocomplete` (see 05_autocomplete.py) and localizations; `help(wisp.Option)` states their limits. `min` and `max` of a
duration can be text, too. `@bot.command` takes `name`, `description`, `ephemeral`, `guild_only`, `contexts`,
`integration_types`, `permissions`, `nsfw`, `guilds` and localizations. `ctx: wisp.GuildContext` instead of
`wisp.Context` makes a command guild-only, and its `ctx.guild_id` and `ctx.member` are never None.

Problems are found before the bot connects, all of them at once, with file and line. `wisp check bot.py` lists them:

    bot.py:6: command "greet", option "times": it has no annotation. Add one, for example `times: str`

When the bot starts, only commands that changed are sent to Discord. If Discord refuses that for now (a rate limit, an
outage), the bot starts with the commands that Discord has, and keeps trying.
"""

import datetime
from typing import Annotated, Literal

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command(ephemeral=True)
async def remind(
    ctx: wisp.Context,
    text: Annotated[str, wisp.Option("What to remember", max_length=100)],
    after: Annotated[datetime.timedelta, wisp.Option("How long from now, like 1h30m", max="7 days")],
    member: Annotated[hikari.Member | None, wisp.Option("Someone else")],
    tone: Annotated[Literal["gently", "loudly"], wisp.Option("In which tone")] = "gently",
) -> str:
    """Set a reminder."""
    target = member.mention if member else "you"
    return f"I will {tone} remind {target} of {text} in {after.total_seconds():.0f} s."


bot.run()


async def test_options_arrive_as_they_are_annotated(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    reply = await ada.slash("remind", text="tea", after="1h30m", member=bob, tone="loudly")
    assert reply.content == f"I will loudly remind {bob.mention} of tea in 5400 s."
    assert reply.ephemeral


async def test_a_value_that_does_not_fit_is_refused(discord: Discord) -> None:
    reply = await discord.member("ada").slash("remind", text="tea", after="soon")
    assert "1h30m" in reply.content  # it says how a duration is written
    assert reply.ephemeral
