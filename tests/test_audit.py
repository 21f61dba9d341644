"""The audit: what was done is kept, bounded, without waiting and without breaking anything."""

import asyncio
import datetime
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hikari
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wisp
from wisp.clock import Clock
from wisp.errors import DatabaseError
from wisp.local.virtual_time import VirtualTime
from wisp.services import audit as audit_file
from wisp.services.audit import LARGEST_METADATA, LONGEST_TEXT, AuditRecord, AuditService
from wisp.services.database import DatabaseService
from wisp.testing import connect

GUILD, OTHER = 123456789012345678, 223456789012345678
TOKEN = "MTE4MDAwMDAwMDAwMDAwMDAwMQ.secret.not-a-real-token"


def metadata_of(value: Any) -> Any:
    """What is kept of `metadata`, without a database."""
    audit = AuditService()
    audit.use(None, Clock(), token=TOKEN)
    audit.log_action("test", metadata=value)
    return msgspec.json.decode(audit._waiting[-1].metadata)


class Broken(DatabaseService):
    """A database whose disk is full while `is_full`."""

    is_full = False

    async def batch(self, statements: Any) -> None:
        if self.is_full:
            raise DatabaseError(self.path, "the disk is full", "SQLITE_FULL")
        await super().batch(statements)


@asynccontextmanager
async def running(
    path: Any = ":memory:", clock: Clock | None = None, audit: AuditService | None = None
) -> AsyncIterator[tuple[AuditService, Broken]]:
    """An audit on a database of its own."""
    clock = clock or Clock()
    db = Broken(path, clock=clock)
    await db.start()
    audit = audit or AuditService()
    await audit.start(SimpleNamespace(database=db, clock=clock, config=SimpleNamespace(token=TOKEN)))
    try:
        yield audit, db
    finally:
        await audit.stop()
        await db.stop()


async def rows(db: DatabaseService) -> list[str]:
    return [action for (action,) in await db.fetchall("SELECT action FROM wisp_audit ORDER BY id")]


# ---- what is kept ----


async def test_what_was_logged_is_there_newest_first_and_of_one_server_where_asked() -> None:
    async with running() as (audit, _):
        audit.log_action(action="one", user_id=1, guild_id=GUILD, metadata={"key": "value"})
        audit.log_action(action="two", guild_id=OTHER)
        audit.log_action("three", 3, GUILD)
        found = await audit.recent(guild_id=GUILD)
        assert [(record.action, record.user_id, record.guild_id, record.metadata) for record in found] == [
            ("three", 3, GUILD, {}),
            ("one", 1, GUILD, {"key": "value"}),
        ]
        assert isinstance(found[0], AuditRecord)
        assert datetime.datetime.now(datetime.UTC) - found[0].time < datetime.timedelta(minutes=1)
        assert [record.action for record in await audit.recent()] == ["three", "two", "one"]
        assert [record.action for record in await audit.recent(limit=1)] == ["three"]
        assert await audit.recent(limit=0) == []
        for limit in (-1, None, "5"):
            with pytest.raises(ValueError, match="limit: expected an int, 0 or more, got"):
                await audit.recent(limit=limit)  # pyright: ignore[reportArgumentType]: users err


async def test_it_stands_in_the_log_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wisp.audit")
    AuditService().log_action("user_action\nforged line", user_id=1, guild_id=2, metadata={"a": "b\nc"})
    assert [record.getMessage() for record in caplog.records] == ['user_action forged line by 1 in 2: {"a":"b\\nc"}']


async def test_what_was_logged_survives_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path / "wisp.db") as (audit, _):
        audit.log_action("before")
    async with running(tmp_path / "wisp.db") as (audit, _):
        audit.log_action("after")
        assert [record.action for record in await audit.recent()] == ["after", "before"]


async def test_many_are_written_in_one_trip() -> None:
    async with running() as (audit, db):
        await audit.recent()  # makes the table
        operations: list[str] = []
        db.watch = lambda operation, outcome, began: operations.append(operation)
        for number in range(400):
            audit.log_action(f"action {number}")
        assert [record.action for record in await audit.recent(limit=2)] == ["action 399", "action 398"]
        assert operations.count("write") == 1


async def test_nobody_waits_for_it_and_it_is_written_soon() -> None:
    async with running() as (audit, db):
        audit.log_action("one")
        while not await rows(db):
            await asyncio.sleep(0)
        async with db.transaction() as tx:
            audit.log_action("inside")  # is written once the transaction has ended
            assert await tx.fetchone("SELECT count(*) FROM wisp_audit") == (1,)
            with pytest.raises(DatabaseError, match="inside a transaction"):
                await audit.recent()
        assert [record.action for record in await audit.recent()] == ["inside", "one"]


async def test_other_threads_log_as_well() -> None:
    async with running() as (audit, db):

        def log() -> None:
            for _ in range(500):
                audit.log_action("from a thread")

        await asyncio.gather(*(asyncio.to_thread(log) for _ in range(4)))
        assert len(await audit.recent(limit=5000)) == 2000
        assert await rows(db) == ["from a thread"] * 2000
        assert audit._waiting_bytes == 0


async def test_what_is_logged_before_the_start_waits_in_memory() -> None:
    audit = AuditService()
    for number in range(1200):
        audit.log_action(f"action {number}", guild_id=number % 2 + 1)
    assert [record.action for record in await audit.recent(limit=2)] == ["action 1199", "action 1198"]
    assert [record.action for record in await audit.recent(guild_id=1, limit=1)] == ["action 1198"]
    async with running(audit=audit) as (_, db):
        await audit.recent()
        assert len(await rows(db)) == 1200


# ---- age and count ----


async def test_what_is_too_old_goes() -> None:
    clock = Clock()
    async with running(clock=clock, audit=AuditService(keep_days=7)) as (audit, db):
        audit.log_action("old")
        await audit.recent()
        clock.offset += 7 * 86400 + 1
        assert await audit.recent() == []
        audit.log_action("new")
        assert [record.action for record in await audit.recent()] == ["new"]
        assert await rows(db) == ["new"]
        clock.offset += 30 * 86400
        audit.log_action("newer")
        assert [record.action for record in await audit.recent()] == ["newer"]
        assert await rows(db) == ["newer"]


async def test_of_a_bot_that_logs_little_the_old_goes_too() -> None:
    clock = Clock()
    async with running(clock=clock, audit=AuditService(keep_days=1, keep_records=10)) as (audit, db):
        for number in range(200):
            audit.log_action(f"action {number}")
        assert len(await audit.recent()) == 10
        assert len(await rows(db)) <= 10 + 200
        clock.offset += 3 * 86400
        audit.log_action("new")
        assert len(await audit.recent()) == 1
        assert await rows(db) == ["new"]


async def test_of_too_many_the_oldest_go() -> None:
    async with running(audit=AuditService(keep_records=100)) as (audit, db):
        for number in range(2500):
            audit.log_action(f"action {number}")
        found = await audit.recent(limit=5000)
        assert [record.action for record in found] == [f"action {number}" for number in range(2499, 2399, -1)]
        assert len(await rows(db)) <= 100 + 1000


@pytest.mark.parametrize("wrong", [{"keep_days": 0}, {"keep_records": 0}, {"keep_days": float("nan")}])
def test_to_keep_nothing_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="expected positive values, got"):
        AuditService(**wrong)


# ---- faults ----


async def test_a_full_disk_breaks_nothing_is_said_once_and_is_tried_again(
    time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(clock=time.clock) as (audit, db):
        audit.log_action("before")
        await audit.recent()
        db.is_full = True
        audit.log_action("meanwhile", guild_id=GUILD)
        assert [record.action for record in await audit.recent()] == ["meanwhile", "before"]
        assert await audit.recent(guild_id=OTHER) == []
        await time.advance(300)
        assert [record.levelno for record in caplog.records if "tried again" in record.message] == [logging.ERROR]
        db.is_full = False
        await time.advance(61)
        assert await rows(db) == ["before", "meanwhile"]


async def test_what_cannot_be_written_at_the_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as (audit, db):
        db.is_full = True
        audit.log_action("lost")
    assert "1 records of the audit could not be written" in caplog.text
    assert audit.dropped == 1
    audit.log_action("afterwards")
    assert [record.action for record in await audit.recent()] == ["afterwards"]


async def test_a_burst_is_bounded_and_what_is_dropped_is_counted_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("wisp.audit")
    logger.setLevel(logging.WARNING)
    try:
        async with running() as (audit, db):
            for _ in range(30_000):
                audit.log_action("burst", user_id=1)
            assert audit.dropped == 20_000
            found = await audit.recent(limit=20_000)
            assert len(found) == 10_000
            audit.log_action("after")
            assert (await audit.recent(limit=1))[0].action == "after"
            assert "after" in await rows(db)
    finally:
        logger.setLevel(logging.NOTSET)
    assert [record.getMessage() for record in caplog.records] == [
        "the audit queue is full, the database is too slow: new records are only in the log",
    ]


async def test_large_metadata_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_file, "_MOST_WAITING_BYTES", 100_000)
    async with running() as (audit, _):
        for _ in range(1000):
            audit.log_action("large", metadata={str(number): "x" * 900 for number in range(10)})
        assert audit._waiting_bytes < 100_000 + LARGEST_METADATA
        assert audit.dropped > 900


async def test_a_closed_database_does_not_hold_it_up() -> None:
    async with running() as (audit, db):
        await audit.recent()
        await db.stop()
        audit.log_action("late")
        with pytest.raises(DatabaseError, match="not open"):
            await audit.recent()


# ---- metadata ----


class Silent:
    """It cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Trap(Mapping[str, Any]):
    """A mapping that breaks when it is read."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Any:
        raise OSError

    def __len__(self) -> int:
        return 1


def test_metadata_is_what_json_has_of_it() -> None:
    kept = metadata_of(
        {
            "id": hikari.Snowflake(5),
            1: (True, None, 1.5, "text"),
            "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
            "set": {7},
            "deque": deque([1]),
            "bytes": b"\xff",
            "decimal": Decimal("1.5"),
            "nan": float("nan"),
            "inf": float("-inf"),
            "long": 2**100,
            "silent": Silent(),
            "trap": Trap(),
            "half": "\ud800",
        }
    )
    assert kept == {
        "id": 5,
        "1": [True, None, 1.5, "text"],
        "when": "2026-01-02 00:00:00+00:00",
        "set": [7],
        "deque": [1],
        "bytes": r"b'\xff'",
        "decimal": "1.5",
        "nan": "nan",
        "inf": "-inf",
        "long": str(2**100),
        "silent": "<Silent>",
        "trap": "<Trap>",
        "half": "?",
    }


def test_metadata_that_is_no_mapping_is_kept_and_an_id_that_is_none_is_not() -> None:
    assert metadata_of(["a"]) == {"metadata": ["a"]}
    audit = AuditService()
    audit.log_action(5, user_id="ada", guild_id=2**70, metadata=None)  # type: ignore[arg-type]
    (row,) = audit._waiting
    assert (row.action, row.user, row.guild) == ("5", None, None)
    assert row.metadata == "{}"


def test_cyclic_deep_wide_and_huge_metadata_is_cut() -> None:
    cyclic: dict[str, Any] = {"name": "me"}
    cyclic["self"] = cyclic
    assert metadata_of(cyclic)["self"]["self"]["name"] == "me"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(str(metadata_of({"deep": deep}))) < 100
    while deep:
        deep = deep.pop()  # piece by piece: to free it at once would be too deep for Python
    wide = metadata_of({"wide": range(10**9), "list": list(range(10**5)), "dict": dict.fromkeys(range(10**5))})
    assert wide["wide"] == "range(0, 1000000000)"
    assert (len(wide["list"]), wide["list"][-1]) == (101, "...")
    assert (len(wide["dict"]), wide["dict"]["..."]) == (101, "...")
    assert metadata_of({"text": "x" * 10**7})["text"] == "x" * LONGEST_TEXT + "..."
    every = metadata_of([[["x" * 900] * 100] * 100] * 100)
    assert list(every) == ["cut"]


def test_secrets_are_hidden() -> None:
    url = "https://discord.com/api/v10/webhooks/123/aW50ZXJhY3Rpb246/messages/@original"
    kept = metadata_of({"url": url, "error": f"refused {TOKEN}", "Token": "abc", "token_count": 5, TOKEN: {TOKEN}})
    assert kept == {
        "url": "https://discord.com/api/v10/webhooks/123/<token>/messages/@original",
        "error": "refused <token>",
        "Token": "<hidden>",
        "token_count": 5,
        "<token>": ["<token>"],
    }
    names = ("PASSWORD", "user_password", "access_token", "apiKey", "api-key", "client_secret", "passwd", "credentials")
    for value in (5, "s", ["s"]):
        assert metadata_of(dict.fromkeys(names, value)) == dict.fromkeys(names, "<hidden>")
    assert metadata_of({"tokenizer": "a", "keyboard": "b", "password": None}) == {
        "tokenizer": "a",
        "keyboard": "b",
        "password": None,
    }
    assert TOKEN[:20] not in str(metadata_of({"many": f"{TOKEN} " * 10_000}))


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=20)
    | st.decimals()
    | st.builds(Silent)
    | st.builds(Trap)
    | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=30,
)


@given(anything, anything, anything, anything)
@settings(deadline=None)
def test_whatever_it_is_given_it_raises_nothing_and_keeps_something_small(
    action: Any, user_id: Any, guild_id: Any, metadata: Any
) -> None:
    audit = AuditService()
    audit.log_action(action, user_id, guild_id, metadata)
    (row,) = audit._waiting
    assert isinstance(msgspec.json.decode(row.metadata), dict)
    assert len(row.metadata.encode()) <= LARGEST_METADATA
    assert len(row.action) <= 100
    with sqlite3.connect(":memory:") as connection:
        connection.execute("SELECT ?, ?, ?, ?", row[1:])
    connection.close()


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), plain_values))
@settings(deadline=None)
def test_what_json_knows_comes_back_as_it_was(metadata: dict[str, Any]) -> None:
    kept = metadata_of(metadata)
    assert kept == metadata or len(str(metadata)) > 200  # deep ones are cut


# ---- in a bot ----


def a_bot() -> wisp.Bot:
    class Greeter(wisp.Module):
        name = "greeter"

        @wisp.command
        async def greet(self, ctx: wisp.Context) -> str:
            """Greet."""
            audit = ctx.services.get_typed("audit", AuditService)
            if audit:
                audit.log_action(action="greeted", user_id=ctx.user.id, guild_id=ctx.guild_id, metadata={"ok": True})
            return "Hello"

    class Other(wisp.Module):
        name = "other"
        depends_on = ("greeter",)

    return wisp.Bot(modules=[Greeter(), Other()])


async def told(bot: wisp.Bot) -> list[tuple[str, int | None, int | None, Any]]:
    """What the audit has, oldest first."""
    found: list[AuditRecord] = await bot.services.get("audit").recent()
    return [(one.action, one.user_id, one.guild_id, one.metadata) for one in reversed(found)]


async def test_what_members_do_with_modules_is_in_the_audit() -> None:
    bot = a_bot()
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert ada.guild is not None
        await ada.slash("greet")
        await ada.slash("modules disable", module="other")
        await ada.slash("modules disable", module="other")  # changes nothing
        await ada.slash("modules enable", module="other")
        by, where = int(ada.user.id), int(ada.guild.id)
        assert await told(bot) == [
            ("greeted", by, where, {"ok": True}),
            ("module.disabled", by, where, {"modules": ["other"]}),
            ("module.enabled", by, where, {"modules": ["other"]}),
        ]


async def test_what_code_does_with_modules_is_there_too() -> None:
    bot = a_bot()
    async with connect(bot) as discord:
        guild_id = int(discord.guild("Home").id)
        await bot.modules.disable("greeter", guild_id=guild_id)
        await bot.modules.unload("greeter")
        await bot.modules.unload("greeter")
        await bot.modules.load("other")
        await bot.modules.reload("greeter")
        assert await told(bot) == [
            ("module.disabled", None, guild_id, {"modules": ["other", "greeter"]}),
            ("module.unloaded", None, None, {"modules": ["other", "greeter"]}),
            ("module.loaded", None, None, {"modules": ["greeter", "other"]}),
            ("module.reloaded", None, None, {"modules": ["greeter", "other"]}),
        ]


class Mine:
    """An audit of the user's, whose network fails."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def log_action(self, action: str, user_id: Any = None, guild_id: Any = None, metadata: Any = None) -> None:
        self.told.append(action)
        raise OSError("no network")

    async def recent(self, *, guild_id: int | None = None, limit: int = 50) -> list[AuditRecord]:
        return []


async def test_an_audit_of_ones_own_stands_in_its_place_and_where_it_fails_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = a_bot()
    mine = Mine()
    bot.services.register("audit", mine)
    async with connect(bot) as discord:
        assert bot.services.get("audit") is mine
        assert await bot.modules.disable("other", guild_id=int(discord.guild("Home").id)) == ["other"]
    assert mine.told == ["module.disabled"]
    assert "module.disabled (other) is not in the audit log" in caplog.text


async def test_the_bots_token_is_not_in_the_audit() -> None:
    bot = a_bot()
    async with connect(bot) as discord:
        audit = bot.services.get("audit")
        audit.log_action("leak", metadata={"error": f"401 for {discord.sandbox.token}"})
        assert (await audit.recent())[0].metadata == {"error": "401 for <token>"}
