"""Tests: people use your bot on a local Discord, and you look at what they see.

`pip install wisp-lite pytest` is all it takes. A test that takes the fixture `discord` has its bot running on a Discord
of its own, with empty temporary data. The bot is the fixture `bot` if you write one, else what the test's file calls
`bot`, so in your project `test_bot.py` begins with `from bot import bot`. It works with pytest alone, pytest-asyncio or
anyio, without configuration. For other test runners there is `async with wisp.testing.connect(bot) as discord:`, which
also says who is there: `connect(bot, guilds=["One", "Two"], members=100)`. By default ada owns the first server and bob
is a member.

What people can do (the bot is idle again when the call returns):

    await ada.slash("admin kick", user=bob)       a reply: `.content`, `.embeds`, `.components`, `.attachments`,
                                                  `.ephemeral`, `.deferred`, `.edits`, `.followups`, `.failed`
    await ada.autocomplete("buy", "fruit", "ap")  the choices that are offered
    await ada.click(reply, "Next")                the new message, or the changed one
    await ada.select(reply, "red", menu="Colour")
    await ada.submit(reply, title="Hi")           sends the form `reply.modal`
    await ada.menu("Quote", message)              uses a command in a menu
    await ada.say("hi", files=[File("a.txt", b"...")], reply_to=message, ping=False)
    await ada.edit(message, "ho"), ada.delete(message), ada.react(message, "👍"), ada.unreact(message, "👍")
    await ada.forward(message, "plans"), ada.publish(message)         publishes it from an announcement channel
    poll = await ada.start_poll("Tea?", "Yes", "No", hours=24)
    await ada.vote(poll, "Yes"), ada.vote(poll), ada.end_poll(poll)   without an answer a vote is taken back
    plans = await ada.start_thread("Plans", message)
    eve = await discord.join("eve")               joins, by an invite with `invite=code`; `await eve.leave()`
    ada.at("plans"), ada.at(discord.guild("Two")), ada.dm    the same person in another channel, server, or in DMs

What there is on `discord`:

    member(name, guild, roles=, permissions=), guild(name), channel(name), role(name, permissions=)   made if missing
    await add_roles(person, role), await remove_roles(person, role)
    await overwrite(channel, role_or_person, allow=, deny=)
    messages("general")                           the messages of a channel; `ada.messages` is what ada sees
    events(), events(ReactionAdded)               everything that happened, typed
    conversation()                                the same as a chat to read; a failing test shows it
    await advance(hours=24)                       let time pass: 29_time_in_tests.py
    await restart(), await restart(kill=True)     restart the bot, cleanly or like `kill -9`
    fail(...), drop(), ...                        break things: 30_faults.py

`wisp.testing.Impossible` is raised for what a real client would not let a person do. An error in the bot's code
fails the test, unless it is expected, and so does a call that the local Discord does not serve.
"""

import hikari
import pytest

import wisp
from wisp.testing import Discord, Impossible

bot = wisp.Bot()


@bot.command(permissions=hikari.Permissions.MANAGE_GUILD)
async def divide(ctx: wisp.Context, number: int, by: int) -> str:
    """Divide."""
    return str(number / by)


bot.run()


async def test_what_a_user_sees(discord: Discord) -> None:
    reply = await discord.member("ada").slash("divide", number=6, by=3)
    assert reply.content == "2.0"
    assert not reply.ephemeral


async def test_an_error_that_is_expected(discord: Discord) -> None:
    with discord.expects(ZeroDivisionError):
        reply = await discord.member("ada").slash("divide", number=1, by=0)
    assert reply.ephemeral


async def test_what_a_client_does_not_let_people_do(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    with pytest.raises(Impossible):  # an option is missing
        await ada.slash("divide", number=1)
    with pytest.raises(Impossible):  # Discord hides the command from bob
        await bob.slash("divide", number=1, by=1)
    await discord.add_roles(bob, discord.role("mods", permissions=hikari.Permissions.MANAGE_GUILD))
    assert (await bob.slash("divide", number=1, by=1)).content == "1.0"
