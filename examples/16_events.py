"""Events of Discord: `@bot.listen` on a function whose parameter is annotated with a hikari event.

A union listens to each of its parts, a base class to everything below it. A listener that raises stops no other: the
error handlers are asked, then it is logged with an id.

The intents follow from the listeners: GUILDS always, and for each listener what its event needs. A privileged intent
that is not switched on for your application is named before the bot connects, with the page where that is done.
`MESSAGE_CONTENT` is never implied: `wisp.Bot(intents="MESSAGE_CONTENT")` asks for it, and without it the text of
messages is empty, except in direct messages and where the bot is mentioned.
"""

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot(intents="MESSAGE_CONTENT")


@bot.listen
async def welcome(event: hikari.MemberCreateEvent) -> None:
    guild = event.get_guild()
    if guild and guild.system_channel_id:
        await bot.gateway.rest.create_message(guild.system_channel_id, f"Welcome {event.member.mention}!")


@bot.listen
async def answer(event: hikari.GuildMessageCreateEvent) -> None:
    if event.is_human and event.content == "ping":
        await event.message.respond("pong")


bot.run()


async def test_newcomers_are_welcomed(discord: Discord) -> None:
    eve = await discord.join("eve")
    assert discord.messages()[-1].content == f"Welcome {eve.mention}!"


async def test_messages_are_answered(discord: Discord) -> None:
    await discord.member("ada").say("ping")
    assert discord.messages()[-1].content == "pong"
