"""Mocks: unit tests of one module, without a Discord.

Their services are real ones in memory, answers are checked and recorded, and a name that does not exist is an
AttributeError that suggests the closest one. A command is called as the plain function that it is; guards and options
need the real thing (28_testing.py). Each mock has data of its own, unless they are made for one bot:
`create_mock_context(bot)`, `create_mock_interaction(bot=bot)`.
"""

import wisp
from wisp.testing import create_mock_bot, create_mock_context, create_mock_interaction


class Counter(wisp.Module):
    name = "counter"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command
        async def count(interaction: wisp.Context, by: int) -> None:
            """Count."""
            assert interaction.guild_id is not None
            total = await ctx.guild_data.increment(guild_id=interaction.guild_id, key="total", by=by)
            await interaction.respond(f"That makes {total}.")


bot = wisp.Bot(modules=[Counter()])

bot.run()


async def test_the_counter_counts() -> None:
    mock_bot, ctx = create_mock_bot(), create_mock_context()
    await Counter().setup(mock_bot, ctx)
    interaction = create_mock_interaction(user_id=123456)
    await mock_bot.find("count")(interaction, 3)
    assert interaction.replies[0].content == "That makes 3."
    assert interaction.guild_id
    assert await ctx.guild_data.get(guild_id=interaction.guild_id, key="total") == 3
