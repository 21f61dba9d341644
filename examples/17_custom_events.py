"""Events of your own: a class that derives from `wisp.Event`, whose annotations are its fields.

`await bot.emit(LevelUp(...))` calls every listener, in the bot and in its modules, and returns when all are done. This
is how modules talk to each other without knowing each other. What a listener raises goes to the error handlers or the
log, never to the caller of `emit`. Raw hikari listeners do not see these events.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


class LevelUp(wisp.Event):
    channel_id: int
    user_id: int
    level: int


@bot.command
async def train(ctx: wisp.Context) -> str:
    """Train."""
    times = await ctx.data.increment(f"trained {ctx.user.id}")
    if times % 3 == 0:
        await bot.emit(LevelUp(channel_id=ctx.channel_id, user_id=ctx.user.id, level=times // 3))
    return f"You trained {times} times."


@bot.listen
async def cheer(event: LevelUp) -> None:
    await bot.gateway.rest.create_message(event.channel_id, f"<@{event.user_id}> is on level {event.level}!")


bot.run()


async def test_every_third_time_is_a_level(discord: Discord) -> None:
    ada = discord.member("ada")
    for _ in range(3):
        await ada.slash("train")
    assert f"{ada.mention} is on level 1!" in [message.content for message in discord.messages()]
