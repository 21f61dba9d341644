"""Autocomplete: suggestions while the user types.

The function gets a `wisp.AutocompleteContext` and what has been typed, and gives a list, or a mapping of what is shown
to the value that the command gets. It can be a generator as well, even an endless one: 25 suggestions are shown at
most. The context has `ctx.user`, `ctx.data` and `ctx.services` like any other, and `ctx.options`, the options that were
entered so far. A suggestion that Discord or the option's own bounds would refuse is left out, and the first one is
logged. Users can ignore suggestions: the command may get any text.
"""

from typing import Annotated

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

FRUITS = {"Apple": 3, "Apricot": 4, "Banana": 2}


async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
    return [fruit for fruit in FRUITS if fruit.lower().startswith(typed.lower())]


async def prices(ctx: wisp.AutocompleteContext, typed: str) -> dict[str, int]:
    return {f"{fruit} costs {price}": price for fruit, price in FRUITS.items() if typed in str(price)}


@bot.command
async def buy(
    ctx: wisp.Context,
    fruit: Annotated[str, wisp.Option("What to buy", autocomplete=fruits)],
    price: Annotated[int, wisp.Option("What to pay", min=1, autocomplete=prices)] = 1,
) -> str:
    """Buy fruit."""
    return f"One {fruit} for {price}."


bot.run()


async def test_what_begins_like_the_text_is_suggested(discord: Discord) -> None:
    ada = discord.member("ada")
    assert [choice["value"] for choice in await ada.autocomplete("buy", "fruit", "ap")] == ["Apple", "Apricot"]
    assert (await ada.slash("buy", fruit="Apple", price=3)).content == "One Apple for 3."
