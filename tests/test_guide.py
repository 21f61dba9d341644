"""The snippets of the module guide on services and data, as they are written in wisp."""

import asyncio
import time
from typing import Any

import pytest

import wisp
from wisp.testing import connect

GUILD = 123456789012345678


async def run_in_command(snippet: Any) -> Any:
    """Return what `snippet(ctx)` returns inside a command."""
    bot = wisp.Bot()
    bot.migration(1, "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
    got: list[Any] = []

    @bot.command
    async def go(ctx: wisp.Context) -> None:
        """Go."""
        got.append(await snippet(ctx))

    async with connect(bot) as discord:
        await discord.member("ada").slash("go")
    return got[0]


async def test_accessing_services() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        cache = ctx.services.get("cache")
        db = ctx.services.get_typed("db", wisp.DatabaseService)
        if cache:
            await cache.set("key", "value", ttl=3600)
        return await cache.get("key"), type(db), ctx.services.get("nothing")

    assert await run_in_command(snippet) == ("value", wisp.DatabaseService, None)


async def test_a_service_of_another_type_is_a_clear_error() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        with pytest.raises(wisp.WispError, match="expected DatabaseService, it is CacheService"):
            ctx.services.get_typed("cache", wisp.DatabaseService)

    await run_in_command(snippet)


async def test_cache_service() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        cache = ctx.services.get("cache")
        await cache.set("key", "value", ttl=3600)
        value = await cache.get("key")
        await cache.delete("key")
        return value, await cache.get("key")

    assert await run_in_command(snippet) == ("value", None)


async def test_database_service() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        db = ctx.services.get_typed("db", wisp.DatabaseService)
        if db:
            async with db.transaction() as tx:
                await tx.execute("INSERT INTO models (name) VALUES (?)", ("first",))
                return await tx.fetchone("SELECT id, name FROM models")
        return None

    assert await run_in_command(snippet) == (1, "first")


async def test_metrics_service() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        metrics = ctx.services.get("metrics")
        metrics.increment("commands.executed")
        start = time.time()
        await asyncio.sleep(0)
        metrics.timing("command.duration", time.time() - start)
        return metrics.snapshot()

    snapshot = await run_in_command(snippet)
    assert snapshot.counters["commands.executed"] == 1
    assert snapshot.timings["command.duration"].count == 1


async def test_audit_service() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        audit = ctx.services.get("audit")
        if audit:
            audit.log_action(
                action="user_action",
                user_id=ctx.user.id,
                guild_id=ctx.guild_id,
                metadata={"key": "value"},
            )
        (record,) = await audit.recent(guild_id=ctx.guild_id, limit=50)
        return record.action, record.user_id == ctx.user.id, record.guild_id == ctx.guild_id, record.metadata

    assert await run_in_command(snippet) == ("user_action", True, True, {"key": "value"})


async def test_per_guild_data_storage() -> None:
    async def snippet(ctx: wisp.Context) -> Any:
        assert ctx.guild_id is not None
        where: Any = {"guild_id": ctx.guild_id, "module_name": "my_module"}
        await ctx.guild_data.set(guild_id=ctx.guild_id, key="command_count", value=42, module_name="my_module")
        count = await ctx.guild_data.get(guild_id=ctx.guild_id, key="command_count", module_name="my_module")
        all_data = await ctx.guild_data.get_all(**where)
        shared = await ctx.guild_data.get(guild_id=ctx.guild_id, key="command_count")
        await ctx.guild_data.delete(guild_id=ctx.guild_id, key="command_count", module_name="my_module")
        return count, all_data, shared, await ctx.guild_data.get_all(**where)

    assert await run_in_command(snippet) == (42, {"command_count": 42}, None, {})


async def test_ctx_data_is_bound_to_the_server_and_in_direct_messages_to_the_user() -> None:
    bot = wisp.Bot()

    @bot.command
    async def count(ctx: wisp.Context) -> str:
        """Count."""
        return str(await ctx.data.increment("n"))

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        said = [
            (await person.slash("count")).content
            for person in (ada, bob, ada.at(discord.world.channels.dm(ada.user)), ada.at(discord.guild("Other")), ada)
        ]
        home = ada.guild
        assert home is not None
        assert await bot.guild_data.get(guild_id=home.id, key="n") == 3
    assert said == ["1", "2", "1", "1", "3"]


class Recorder:
    """A service of the bot's own."""

    def __init__(self, name: str, events: list[str], *, fails: bool = False) -> None:
        self.name, self.events, self.fails = name, events, fails

    async def start(self, session: Any) -> None:
        if self.fails:
            raise OSError("no socket")
        assert session.services.get("db") is not None
        self.events.append(f"start {self.name}")

    async def stop(self) -> None:
        self.events.append(f"stop {self.name}")


async def test_own_services_start_in_order_stop_in_reverse_and_are_absent_if_they_fail() -> None:
    bot = wisp.Bot()
    events: list[str] = []
    for name in ("one", "broken", "two"):
        bot.services.register(name, Recorder(name, events, fails=name == "broken"))
    async with connect(bot):
        assert bot.services.names()[-2:] == ["one", "two"]
        assert "no socket" in bot.services.missing["broken"]
        with pytest.raises(wisp.WispError, match="before it starts"):
            bot.services.register("late", object())
    assert events == ["start one", "start two", "stop two", "stop one"]


async def test_a_migration_that_fails_stops_the_start_and_keeps_nothing() -> None:
    bot = wisp.Bot()
    bot.migration(1, "CREATE TABLE t (x)")

    @bot.migration(2)
    async def broken(tx: Any) -> None:
        await tx.execute("INSERT INTO t VALUES (1)")
        raise ValueError("half-way")

    with pytest.raises(wisp.WispError, match="3 is there already"):
        bot.migration(3, "SELECT 1") or bot.migration(3, "SELECT 1")
    with pytest.raises(wisp.errors.StartError, match="migration 2 of bot failed, and nothing was changed: half-way"):
        async with connect(bot):
            pass


class Watched(wisp.DatabaseService):
    """Another database with the same methods."""

    asked: list[str]

    async def fetchone(self, sql: str, parameters: Any = ()) -> Any:
        self.asked.append(sql)
        return await super().fetchone(sql, parameters)


async def test_guild_data_works_beside_a_replaced_database() -> None:
    bot = wisp.Bot()
    db = Watched(":memory:")
    db.asked = []
    bot.services.register("db", db)

    @bot.command
    async def count(ctx: wisp.Context) -> str:
        """Count."""
        row = await ctx.services.get("db").fetchone("SELECT 7")
        return f"{row[0]} {await ctx.data.increment('n')}"

    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("count")).content == "7 1"
    assert db.asked[-1] == "SELECT 7"


async def test_durability_is_a_setting() -> None:
    bot = wisp.Bot(durability="full")
    async with connect(bot):
        db = bot.services.get_typed("db", wisp.DatabaseService)
        assert db is not None
        assert await db.fetchone("PRAGMA journal_mode") == ("wal",)
        async with db.transaction() as tx:
            assert await tx.fetchone("PRAGMA synchronous") == (2,)
