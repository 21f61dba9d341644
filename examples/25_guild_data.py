"""Data for each server, without SQL.

`ctx.data` keeps values for this server and this bot or module (in direct messages, for this user). When
`await set(...)` returns, the value survives `kill -9`. A value is anything that msgspec encodes, up to 1 MiB: numbers,
text, lists, dicts, dataclasses, msgspec structs. 64-bit ids stay exact, and changing what `get` returned changes
nothing.

    get(key, default=None, type=None)       the value; `type=list[Quote]` converts it and is what type checkers see
    set(key, value), set_many({...})        keep one; keep several, all or none
    delete(key), clear()                    remove one; remove everything here
    increment(key, by=1)                    count, atomically; returns the new value
    update(key, function, default=None)     change a value atomically, whatever other calls do; returns the new value
    get_all(), keys(prefix="")              everything here

`ctx.guild_data`, in listeners and jobs `bot.guild_data`, has the same for any server, and `forget(guild_id)`, which
removes everything of a server. Without `module_name` it keeps values shared by the whole bot; in a module, pass
`module_name=self.name`:

    await ctx.guild_data.set(guild_id=guild_id, key="count", value=42, module_name="my_module")
    await ctx.guild_data.get(guild_id=guild_id, key="count", module_name="my_module")
"""

import hikari
import msgspec

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


class Quote(msgspec.Struct):
    text: str
    by: int


@bot.command
async def remember(ctx: wisp.Context, text: str) -> str:
    """Keep a quote."""
    quote = Quote(text, ctx.user.id)
    quotes = await ctx.data.update("quotes", lambda quotes: [*quotes, quote], default=[])
    return f"That is quote {len(quotes)}."


@bot.command
async def quotes(ctx: wisp.Context) -> str:
    """Show all quotes."""
    kept: list[Quote] = await ctx.data.get("quotes", type=list[Quote]) or []
    return "\n".join(f"“{quote.text}” <@{quote.by}>" for quote in kept) or "None yet."


@bot.listen
async def count(event: hikari.GuildMessageCreateEvent) -> None:
    await bot.guild_data.increment(guild_id=event.guild_id, key="messages")


bot.run()


async def test_quotes_are_kept_through_a_crash(discord: Discord) -> None:
    ada = discord.member("ada")
    assert (await ada.slash("remember", text="Hm.")).content == "That is quote 1."
    await discord.restart(kill=True)
    assert (await ada.slash("quotes")).content == f"“Hm.” {ada.mention}"


async def test_each_server_has_its_own(discord: Discord) -> None:
    ada = discord.member("ada")
    await ada.slash("remember", text="Hm.")
    assert (await ada.at(discord.guild("Two")).slash("quotes")).content == "None yet."


async def test_a_listener_counts_for_its_server(discord: Discord) -> None:
    ada = discord.member("ada")
    await ada.say("hello")
    assert ada.guild
    assert await bot.guild_data.get(guild_id=ada.guild.id, key="messages") == 1
