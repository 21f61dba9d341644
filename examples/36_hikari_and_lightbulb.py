"""hikari and lightbulb: everything that wisp does not do.

`bot.gateway` is hikari's `GatewayBot`; `bot.gateway.rest` calls anything of Discord's API. `bot.client` is lightbulb's
client: raw lightbulb commands, loaders and hooks, and raw hikari listeners, work beside wisp's. Both exist once
`@bot.on_start` functions are called, which is the place to register raw things. `ctx.interaction` is hikari's
interaction.
"""

import hikari
import lightbulb

import wisp
from wisp.testing import Discord

bot = wisp.Bot(intents="GUILD_MESSAGES")  # raw listeners imply no intents

deleted_ids: list[int] = []


@bot.on_start
async def register_raw_things() -> None:
    @bot.client.register
    class Ping(lightbulb.SlashCommand, name="ping", description="Ping"):  # pyright: ignore[reportUnusedClass]
        @lightbulb.invoke
        async def invoke(self, ctx: lightbulb.Context) -> None:
            await ctx.respond("Pong!")

    async def deleted(event: hikari.GuildMessageDeleteEvent) -> None:
        deleted_ids.append(event.message_id)

    bot.gateway.subscribe(hikari.GuildMessageDeleteEvent, deleted)


@bot.command
async def topic(ctx: wisp.Context, text: str) -> str:
    """Set the topic of this channel."""
    await bot.gateway.rest.edit_channel(ctx.channel_id, topic=text)
    return f"We talk about {text} now."


bot.run()


async def test_a_lightbulb_command(discord: Discord) -> None:
    assert (await discord.member("ada").slash("ping")).content == "Pong!"


async def test_a_rest_call(discord: Discord) -> None:
    await discord.member("ada").slash("topic", text="tea")
    assert discord.channel("general").topic == "tea"


async def test_a_raw_listener(discord: Discord) -> None:
    deleted_ids.clear()
    ada = discord.member("ada")
    message = await ada.say("oops")
    await ada.delete(message)
    assert deleted_ids == [message.id]
