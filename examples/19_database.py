"""The database: one SQLite file, by default `wisp.db`, and SQL.

`wisp.DatabaseService` has `execute`, `fetchone`, `fetchall`, `transaction()`, which statements of other tasks never
fall into, and `backup(path)`, which works while the bot runs.

Migrations make and change tables. They are numbered from 1 for the bot and for each module, run once in the life of the
database, before the bot connects, and each is recorded in the transaction that makes it. A migration is SQL, or a
decorated `async def name(tx)`. If one fails, nothing is changed and the bot does not start. `wisp check` tries them
on an empty database.

A bot that cannot open its database does not connect: it waits up to 60 s for another process that holds the file, then
stops with the reason. `wisp.Bot(database=None)` keeps data in memory. `durability="full"` survives a power cut as well
as `kill -9`, at the price of a disk sync for each write. Tests and the sandbox never touch the bot's own file.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()

bot.migration(1, "CREATE TABLE scores (user INTEGER PRIMARY KEY, points INTEGER NOT NULL)")


@bot.command
async def score(ctx: wisp.Context, points: int) -> str:
    """Add to your score."""
    db = ctx.services.get_typed("db", wisp.DatabaseService)
    if db is None:
        return "There is no database today."
    async with db.transaction() as tx:
        sql = "INSERT INTO scores VALUES (?, ?) ON CONFLICT (user) DO UPDATE SET points = points + excluded.points"
        await tx.execute(sql, (ctx.user.id, points))
        row = await tx.fetchone("SELECT points FROM scores WHERE user = ?", (ctx.user.id,))
    return f"You have {row[0]} points." if row else "You have no points."


bot.run()


async def test_scores_are_added_up_and_kept(discord: Discord) -> None:
    ada = discord.member("ada")
    await ada.slash("score", points=2)
    await discord.restart(kill=True)
    assert (await ada.slash("score", points=3)).content == "You have 5 points."
