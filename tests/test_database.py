"""The database service: statements, transactions nobody falls into, migrations, backups, and what goes wrong."""

import asyncio
import inspect
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wisp
from wisp.clock import Clock
from wisp.errors import DatabaseError
from wisp.local.runner import on_sandbox, restart
from wisp.local.virtual_time import VirtualTime
from wisp.services import Services
from wisp.services.database import OWN_MIGRATIONS, DatabaseService, Result, Transaction
from wisp.testing import connect

OWN = [("wisp", number) for number in OWN_MIGRATIONS]


@pytest.fixture(autouse=True)
async def nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Stop what a test that failed left open: its thread would keep the process from ending."""
    started: list[DatabaseService] = []
    start = DatabaseService.start

    async def recorded(db: DatabaseService, session: object = None) -> None:
        started.append(db)
        await start(db, session)

    monkeypatch.setattr(DatabaseService, "start", recorded)
    yield
    for db in started:
        await db.stop()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[DatabaseService]:
    """A database in a file, with the table of a small bank."""
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    await db.execute("CREATE TABLE account (name TEXT PRIMARY KEY, money INTEGER NOT NULL)")
    yield db
    await db.stop()


@pytest.fixture(params=["file", "memory"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseService]:
    """The same, in a file and in memory."""
    db = DatabaseService(tmp_path / "wisp.db" if request.param == "file" else ":memory:")
    await db.start()
    await db.execute("CREATE TABLE account (name TEXT PRIMARY KEY, money INTEGER NOT NULL)")
    yield db
    await db.stop()


async def names(db: DatabaseService) -> list[str]:
    return [name for (name,) in await db.fetchall("SELECT name FROM account ORDER BY name")]


async def in_transaction(
    db: DatabaseService, *statements: str | tuple[str, tuple[object, ...]] | type[Exception]
) -> None:
    """One transaction of these statements, in which an exception among them is raised."""
    async with db.transaction() as tx:
        for statement in statements:
            if isinstance(statement, type):
                raise statement
            sql, parameters = (statement, ()) if isinstance(statement, str) else statement
            await tx.execute(sql, parameters)


def files(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


@contextmanager
def held_by_another(path: str | os.PathLike[str]) -> Iterator[None]:
    """Another connection writes to the file, and does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


# ---- statements ----


async def test_statements_take_parameters_in_order_or_by_name(either: DatabaseService) -> None:
    assert await either.execute("INSERT INTO account VALUES (?, ?)", ("ada", 3)) == Result(1, 1)
    assert await either.execute("INSERT INTO account VALUES (:who, :much)", {"who": "bob", "much": 4}) == Result(1, 2)
    assert await either.execute("UPDATE account SET money = money + 1") == Result(2, 2)
    assert await either.fetchone("SELECT money FROM account WHERE name = :who", {"who": "ada"}) == (4,)
    assert await either.fetchone("SELECT money FROM account WHERE name = ?", ["eve"]) is None
    assert await either.fetchall("SELECT * FROM account ORDER BY name DESC") == [("bob", 5), ("ada", 4)]


async def test_a_query_may_write_and_return_rows(either: DatabaseService) -> None:
    assert await either.fetchall("INSERT INTO account VALUES ('ada', 1), ('bob', 2) RETURNING name") == [
        ("ada",),
        ("bob",),
    ]
    assert await either.fetchone("UPDATE account SET money = 0 RETURNING name") is not None
    assert await either.fetchall("SELECT money FROM account") == [(0,), (0,)]
    assert await either.execute("DELETE FROM account RETURNING name") == Result(2, 2)


async def test_what_was_acknowledged_is_in_the_file(db: DatabaseService) -> None:
    await db.execute("INSERT INTO account VALUES ('ada', 1)")
    with closing(sqlite3.connect(db.path)) as other:
        assert other.execute("SELECT * FROM account").fetchall() == [("ada", 1)]


async def test_a_batch_is_kept_whole_or_not_at_all(either: DatabaseService) -> None:
    await either.batch([("INSERT INTO account VALUES (?, 1)", [name]) for name in ("ada", "bob")])
    with pytest.raises(DatabaseError, match=r"UNIQUE constraint failed: account\.name"):
        await either.batch([("INSERT INTO account VALUES (?, 1)", [name]) for name in ("eve", "bob")])
    await either.batch([])
    assert await names(either) == ["ada", "bob"]


@pytest.mark.parametrize(
    ("sql", "parameters", "words"),
    [
        ("SELEC 1", (), 'near "SELEC": syntax error, in: SELEC 1'),
        ("SELECT * FROM acount", (), "no such table: acount, in: SELECT"),
        ("SELECT ?", (), "uses 1, and there are 0 supplied"),
        ("SELECT ?", (object(),), "type 'object' is not supported"),
        ("SELECT ?", (2**64,), "too large"),
        ("SELECT ?", ("\ud800",), "surrogates not allowed"),
        ("SELECT 1; SELECT 2", (), "one statement at a time"),
        ("SELECT '\0'", (), "null character"),
    ],
)
async def test_a_wrong_statement_is_an_error_in_words(
    either: DatabaseService, sql: str, parameters: tuple[object, ...], words: str
) -> None:
    for call in (either.execute, either.fetchone, either.fetchall):
        with pytest.raises(DatabaseError) as caught:
            await call(sql, parameters)
        assert words in str(caught.value)
        assert either.path in str(caught.value)


async def test_an_error_carries_sqlites_name_for_it(db: DatabaseService) -> None:
    with pytest.raises(DatabaseError) as caught:
        await db.execute("INSERT INTO account VALUES ('ada', NULL)")
    assert caught.value.code == "SQLITE_CONSTRAINT_NOTNULL"
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


@given(st.tuples(st.text(), st.binary(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.none()))
@settings(max_examples=25, deadline=None)
def test_what_sqlite_keeps_comes_back(values: tuple[object, ...]) -> None:
    async def check() -> None:
        db = DatabaseService(":memory:")
        await db.start()
        try:
            assert await db.fetchone("SELECT ?, ?, ?, ?, ?", values) == values
        finally:
            await db.stop()

    asyncio.run(check())


# ---- transactions ----


async def test_a_transaction_is_kept_at_its_end(either: DatabaseService) -> None:
    async with either.transaction() as tx:
        await tx.execute("INSERT INTO account VALUES (?, ?)", ("ada", 1))
        await tx.execute("INSERT INTO account VALUES (?, ?)", ("bob", 2))
        assert await tx.fetchone("SELECT sum(money) FROM account") == (3,)
        assert await tx.fetchall("SELECT name FROM account ORDER BY name") == [("ada",), ("bob",)]
    assert await names(either) == ["ada", "bob"]


async def test_a_transaction_that_raises_leaves_nothing(either: DatabaseService) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_transaction(either, "INSERT INTO account VALUES ('ada', 1)", ZeroDivisionError)
    assert await names(either) == []


@pytest.mark.parametrize("turns", range(8))
async def test_a_transaction_cancelled_at_any_point_is_whole_or_nothing(either: DatabaseService, turns: int) -> None:
    async def transfer() -> None:
        async with either.transaction() as tx:
            await tx.execute("INSERT INTO account VALUES ('ada', 1)")
            await asyncio.sleep(0)
            await tx.execute("INSERT INTO account VALUES ('bob', 1)")

    task = asyncio.create_task(transfer())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await names(either) == []
    await either.execute("INSERT INTO account VALUES ('eve', 1)")  # nothing is left open, nobody holds the lock


async def test_who_is_cancelled_while_waiting_leaves_the_turn_to_others(db: DatabaseService) -> None:
    waiting = [asyncio.create_task(coroutine) for coroutine in (hold(db), opened(db), add(db, "ada"))]
    for _ in range(3):
        await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 3
    await add(db, "bob")
    assert await names(db) == ["bob"]


async def hold(db: DatabaseService) -> None:
    """A transaction that does not end by itself."""
    async with db.transaction():
        await asyncio.get_running_loop().create_future()


async def opened(db: DatabaseService) -> None:
    async with db.transaction():
        pass


async def add(db: DatabaseService, name: str) -> None:
    await db.execute("INSERT INTO account VALUES (?, 1)", (name,))


async def test_no_other_task_falls_into_a_transaction(either: DatabaseService) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def given_up() -> None:
        async with either.transaction() as tx:
            await tx.execute("INSERT INTO account VALUES ('ada', 1)")
            begun.set()
            await go_on.wait()
            raise ZeroDivisionError

    giving_up = asyncio.create_task(given_up())
    await begun.wait()
    others = [asyncio.create_task(add(either, "bob")), asyncio.create_task(opened(either))]
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(ZeroDivisionError):
        await giving_up
    await asyncio.gather(*others)
    assert await names(either) == ["bob"]


async def test_reads_wait_for_no_transaction_and_do_not_see_into_it(db: DatabaseService) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def transfer() -> None:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO account VALUES ('ada', 1)")
            begun.set()
            await go_on.wait()

    task = asyncio.create_task(transfer())
    await begun.wait()
    assert await names(db) == []
    go_on.set()
    await task
    assert await names(db) == ["ada"]


async def test_many_transactions_at_once_lose_no_update(either: DatabaseService) -> None:
    await add(either, "ada")

    async def add_one() -> None:
        async with either.transaction() as tx:
            row = await tx.fetchone("SELECT money FROM account WHERE name = 'ada'")
            assert row is not None
            await asyncio.sleep(0)
            await tx.execute("UPDATE account SET money = ? WHERE name = 'ada'", (row[0] + 1,))

    await asyncio.gather(*[add_one() for _ in range(20)])
    assert await either.fetchone("SELECT money FROM account") == (21,)


async def test_waiting_for_its_own_transaction_is_an_error_and_no_deadlock(either: DatabaseService) -> None:
    async with either.transaction() as tx:
        for call in (
            either.execute("DELETE FROM account"),
            either.fetchone("SELECT 1"),
            either.fetchall("SELECT 1"),
            either.batch([("DELETE FROM account", ())]),
            either.backup("never"),
            opened(either),
            asyncio.create_task(add(either, "ada")),  # a task started inside would wait as well
        ):
            with pytest.raises(DatabaseError, match="this would deadlock inside a transaction"):
                await call
        await tx.execute("INSERT INTO account VALUES ('bob', 1)")
    await add(either, "eve")
    assert await names(either) == ["bob", "eve"]


async def test_a_task_started_in_a_transaction_may_write_once_it_is_over(db: DatabaseService) -> None:
    over = asyncio.Event()

    async def later() -> None:
        await over.wait()
        await add(db, "ada")

    async with db.transaction():
        task = asyncio.create_task(later())
    over.set()
    await task
    assert await names(db) == ["ada"]


async def test_transactions_of_two_databases_may_nest(db: DatabaseService) -> None:
    other = DatabaseService(":memory:")
    await other.start()
    async with db.transaction() as tx:
        async with other.transaction():
            await tx.execute("INSERT INTO account VALUES ('ada', 1)")
        with pytest.raises(DatabaseError, match="this would deadlock inside a transaction"):
            await add(db, "bob")
    assert await names(db) == ["ada"]
    await other.stop()


async def test_a_transaction_lives_as_long_as_its_block(db: DatabaseService) -> None:
    async with db.transaction() as tx:
        pass
    for call in (tx.execute("SELECT 1"), tx.fetchone("SELECT 1"), tx.fetchall("SELECT 1")):
        with pytest.raises(DatabaseError, match="a transaction ends with its `async with` block"):
            await call


@pytest.mark.parametrize("sql", ["BEGIN", " begin immediate", "COMMIT", "end", "ROLLBACK", "rollback transaction"])
async def test_transactions_by_hand_are_refused(either: DatabaseService, sql: str) -> None:
    with pytest.raises(DatabaseError, match=r"async with db\.transaction"):
        await either.execute(sql)
    with pytest.raises(DatabaseError, match=r"async with db\.transaction"):
        await in_transaction(either, "INSERT INTO account VALUES ('ada', 1)", sql)
    assert await names(either) == []


@pytest.mark.parametrize("sql", ["SAVEPOINT a", "/* sly */ BEGIN"])
async def test_a_statement_that_leaves_a_transaction_open_is_undone(either: DatabaseService, sql: str) -> None:
    with pytest.raises(DatabaseError, match=r"async with db\.transaction"):
        await either.execute(sql)
    await add(either, "ada")
    assert await names(either) == ["ada"]


async def test_a_transaction_is_not_ended_by_hand_however_it_is_hidden(db: DatabaseService) -> None:
    with pytest.raises(DatabaseError, match="BEGIN, COMMIT and ROLLBACK"):
        await in_transaction(db, "/* sly */ ROLLBACK", "INSERT INTO account VALUES ('ada', 1)")
    with pytest.raises(DatabaseError, match="BEGIN, COMMIT and ROLLBACK"):
        await in_transaction(db, "INSERT INTO account VALUES ('ada', 1)", "/* sly */ ROLLBACK")
    assert await names(db) == []


@pytest.mark.parametrize("after", [[], ["INSERT INTO account VALUES ('bob', 1)"]], ids=["end", "go on"])
async def test_what_follows_in_a_transaction_that_sqlite_rolled_back_is_refused(
    either: DatabaseService, after: list[str]
) -> None:
    async def go_on_regardless() -> None:
        async with either.transaction() as tx:
            await tx.execute("INSERT INTO account VALUES ('ada', 1)")
            with suppress(DatabaseError):
                await tx.execute("INSERT OR ROLLBACK INTO account VALUES ('ada', 2)")
            for sql in after:
                await tx.execute(sql)

    with pytest.raises(DatabaseError, match="rolled the transaction back already"):
        await go_on_regardless()
    assert await names(either) == []


async def test_savepoints_work_inside_a_transaction(db: DatabaseService) -> None:
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO account VALUES ('ada', 1)")
        await tx.execute("SAVEPOINT before_bob")
        await tx.execute("INSERT INTO account VALUES ('bob', 1)")
        await tx.execute("ROLLBACK TO before_bob")
        await tx.execute("RELEASE before_bob")
    assert await names(db) == ["ada"]


async def test_a_deferred_constraint_that_fails_at_the_commit_keeps_nothing(either: DatabaseService) -> None:
    await either.execute(
        "CREATE TABLE debt (who TEXT REFERENCES account (name) DEFERRABLE INITIALLY DEFERRED, much INTEGER)"
    )
    with pytest.raises(DatabaseError, match="FOREIGN KEY constraint failed"):
        async with either.transaction() as tx:
            await tx.execute("INSERT INTO debt VALUES ('nobody', 1)")
    for fetch in (either.fetchone, either.fetchall):
        with pytest.raises(DatabaseError, match="FOREIGN KEY constraint failed"):
            await fetch("INSERT INTO debt VALUES ('nobody', 1), ('nobody', 2) RETURNING much")
    assert await either.fetchall("SELECT * FROM debt") == []
    await add(either, "ada")


# ---- start and stop ----


async def test_before_its_start_and_after_its_stop_it_says_so(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")

    async def refused() -> None:
        for call in (db.execute("SELECT 1"), db.fetchone("SELECT 1"), opened(db), db.migrate("greeter", {})):
            with pytest.raises(DatabaseError, match="it is not open"):
                await call

    await refused()
    await db.start()
    with pytest.raises(DatabaseError, match="it is open already"):
        await db.start()
    await db.stop()
    await db.stop()
    await refused()


def test_it_opens_again_also_on_another_event_loop(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")

    async def run(name: str) -> list[str]:
        await db.start()
        await db.execute("CREATE TABLE IF NOT EXISTS account (name TEXT, money INTEGER)")
        await asyncio.gather(*[add(db, name) for _ in range(3)])
        found = await names(db)
        await db.stop()
        return found

    assert asyncio.run(run("ada")) == ["ada"] * 3
    assert asyncio.run(run("bob")) == ["ada"] * 3 + ["bob"] * 3


async def test_stop_finishes_what_was_asked_and_leaves_one_whole_file(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    await db.execute("CREATE TABLE account (name TEXT, money INTEGER)")
    asked = asyncio.create_task(add(db, "ada"))
    await asyncio.sleep(0)
    await db.stop()
    await asked
    assert files(tmp_path) == ["wisp.db", "wisp.db-lock"]
    await db.start()
    assert await names(db) == ["ada"]
    await db.stop()


async def test_stop_rolls_an_open_transaction_back(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    transaction = db.transaction()
    tx = await asyncio.create_task(transaction.__aenter__())  # type: ignore[arg-type]
    await tx.execute("CREATE TABLE account (name TEXT)")
    await db.stop()
    await db.start()
    with pytest.raises(DatabaseError, match="it is not open"):
        await tx.execute("CREATE TABLE other (name TEXT)")
    with pytest.raises(DatabaseError, match="it is not open"):
        await transaction.__aexit__(None, None, None)
    assert await db.fetchall("SELECT name FROM sqlite_master WHERE name IN ('account', 'other')") == []
    await db.stop()


@pytest.mark.parametrize(("durability", "synchronous"), [("off", 0), ("normal", 1), ("full", 2)])
async def test_settings_of_the_connection(tmp_path: Path, durability: str, synchronous: int) -> None:
    db = DatabaseService(tmp_path / "wisp.db", durability=durability)  # type: ignore[arg-type]
    await db.start()
    async with db.transaction() as tx:
        found = [await tx.fetchone(f"PRAGMA {name}") for name in ("synchronous", "journal_mode", "foreign_keys")]
    assert found == [(synchronous,), ("wal",), (1,)]
    await db.stop()


async def test_temporary_data_are_not_synced_to_the_disk_and_data_that_are_kept_are(
    tmp_path: Path, time: VirtualTime
) -> None:
    found: list[object] = []
    for keep in (None, str(tmp_path / "wisp.db")):
        bot = wisp.Bot()
        async with on_sandbox(bot, clock=time.clock, keep=keep), bot.runtime.database.transaction() as tx:
            found.append(await tx.fetchone("PRAGMA synchronous"))
    assert found == [(0,), (1,)]


def test_another_durability_is_refused() -> None:
    with pytest.raises(ValueError, match='expected "off", "normal" or "full", got \'best\''):
        DatabaseService("wisp.db", durability="best")  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}


async def refused_start(path: Path) -> DatabaseError:
    """What `start` says; the file is as it was, and nothing stands beside it."""
    before = contents(path.parent)
    db = DatabaseService(path)
    with pytest.raises(DatabaseError) as caught:
        await db.start()
    assert contents(path.parent) == before
    assert str(path) in str(caught.value)
    with pytest.raises(DatabaseError, match="it is not open"):
        await db.execute("SELECT 1")
    return caught.value


async def test_a_file_that_is_no_database_is_refused_and_left(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    path.write_text("token = 1\n" * 200)
    assert "not an SQLite database, and was left as it is" in (await refused_start(path)).message


async def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    path.touch()
    db = DatabaseService(path)
    await db.start()
    assert await db.fetchall("SELECT owner, number FROM wisp_migrations ORDER BY number") == OWN
    await db.stop()


async def test_a_folder_and_a_place_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "wisp.db"):
        assert "it cannot be opened. Expected a file" in (await refused_start(path)).message


async def test_what_is_no_path_of_a_file_is_refused(tmp_path: Path) -> None:
    before = contents(tmp_path)
    for path in ("", f"sqlite:///{tmp_path}/wisp.db", "a\0b"):
        with pytest.raises(DatabaseError, match=r"Expected a file|embedded null"):
            await DatabaseService(path).start()
    assert contents(tmp_path) == before


async def filled(path: Path) -> None:
    db = DatabaseService(path)
    await db.start()
    await db.execute("CREATE TABLE page (text TEXT)")
    await db.batch([("INSERT INTO page VALUES (?)", ["x" * 3000])] * 50)
    await db.stop()


async def test_a_file_cut_short_is_refused_and_left(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    await filled(path)
    os.truncate(path, path.stat().st_size // 2)
    error = await refused_start(path)
    assert "the file is damaged. Replace it by a backup" in error.message
    assert error.code == "SQLITE_CORRUPT"


async def test_damage_deeper_in_shows_where_it_is_met_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    await filled(path)
    content = bytearray(path.read_bytes())
    content[-20 * 4096 :] = b"\xa5" * 20 * 4096
    path.write_bytes(content)
    db = DatabaseService(path)
    await db.start()
    with pytest.raises(DatabaseError, match=r'sqlite3 .*wisp\.db "\.recover"'):
        await db.fetchall("SELECT text FROM page")
    assert await db.fetchone("SELECT max(number) FROM wisp_migrations") == (len(OWN_MIGRATIONS),)
    await db.stop()


async def test_a_file_of_another_program_with_a_table_of_wisps_name_is_refused_and_its_tables_are_left(
    tmp_path: Path,
) -> None:
    path = tmp_path / "wisp.db"
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE guild_data (a)")
        foreign.commit()
        words = r"table guild_data already exists.*another program\? Set another database \(WISP_DATABASE\)"
        with pytest.raises(DatabaseError, match=words):
            await DatabaseService(path).start()
        assert foreign.execute("SELECT name FROM sqlite_master").fetchall() == [("guild_data",)]


async def test_a_file_from_a_newer_wisp_is_refused_and_left(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    await filled(path)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("INSERT INTO wisp_migrations VALUES ('wisp', 99, 0)")
        newer.commit()
        newer.execute("PRAGMA journal_mode = DELETE")
    error = await refused_start(path)
    assert f"it has run migration 99, this one knows {len(OWN)}. Update wisp" in error.message


class Held:
    """A file that another process holds, and a service whose start waits for it, as far as the time goes on."""

    def __init__(self, path: Path, time: VirtualTime) -> None:
        self.db = DatabaseService(path, clock=time.clock)
        self.starting = asyncio.create_task(self.db.start())


async def test_a_file_that_another_process_holds_is_waited_for_by_the_clock(
    time: VirtualTime, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.services.database._POLL_LOCK", 9.0)
    path = tmp_path / "wisp.db"
    await filled(path)
    with held_by_another(path):
        held = Held(path, time)
        await time.advance(59)
        assert not held.starting.done()
    await time.advance(9)
    await held.starting
    await held.db.stop()
    assert [record.getMessage() for record in caplog.records] == [
        f"the database {path}: another process holds it. Is the bot running twice, or the file open in a database "
        "browser? Close that, or set another database (WISP_DATABASE). Waiting up to 60 s"
    ]
    with held_by_another(path):
        held = Held(path, time)
        await time.advance(70)
        with pytest.raises(DatabaseError, match=r"another process holds it"):
            await held.starting


@pytest.mark.parametrize("holder", ["a program", "a bot"])
async def test_a_start_that_waits_for_the_file_is_cancelled_at_once(
    time: VirtualTime, tmp_path: Path, holder: str
) -> None:
    path = tmp_path / "wisp.db"
    await filled(path)
    with another_bot(path) if holder == "a bot" else held_by_another(path):
        held = Held(path, time)
        await time.until()
        held.starting.cancel()
        cancelled = time.time()
        with pytest.raises(asyncio.CancelledError):
            await held.starting
        assert time.time() == cancelled


async def test_the_limit_of_a_services_start_does_not_cut_the_wait(
    time: VirtualTime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.services._START_LIMIT", 0.01)
    await filled(tmp_path / "wisp.db")
    db, services = DatabaseService(tmp_path / "wisp.db", clock=time.clock), Services()
    with held_by_another(tmp_path / "wisp.db"):
        starting = asyncio.create_task(services.start({"db": db}))
        await time.advance(0.03)
        assert not starting.done()
    await starting
    assert services.get("db") is db
    await services.stop()


async def test_the_table_of_an_older_bot_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    with closing(sqlite3.connect(path)) as older:
        older.execute(
            "CREATE TABLE wisp_command_guilds (application INTEGER NOT NULL, guild INTEGER NOT NULL, "
            "PRIMARY KEY (application, guild)) WITHOUT ROWID"
        )
        older.execute("INSERT INTO wisp_command_guilds VALUES (1, 2)")
        older.commit()
    db = DatabaseService(path)
    await db.start()
    assert await db.fetchall("SELECT * FROM wisp_command_guilds") == [(1, 2)]
    await db.stop()


# ---- faults while it runs ----


async def test_a_full_disk_keeps_nothing_of_what_failed_and_all_else_and_then_goes_on(db: DatabaseService) -> None:
    await add(db, "ada")
    await db.execute("PRAGMA max_page_count = 12")
    with pytest.raises(DatabaseError, match="the disk is full") as caught:
        await db.execute("INSERT INTO account VALUES (?, 1)", ("x" * 100_000,))
    assert caught.value.code == "SQLITE_FULL"
    with pytest.raises(DatabaseError, match="the disk is full"):
        await in_transaction(
            db,
            "INSERT INTO account VALUES ('bob', 1)",
            ("INSERT INTO account VALUES (?, 1)", ("x" * 100_000,)),
        )
    assert await names(db) == ["ada"]
    await db.execute("PRAGMA max_page_count = 1000")
    await add(db, "bob")
    assert await names(db) == ["ada", "bob"]


async def test_another_process_that_writes_is_waited_for_and_then_told_of(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    db.busy_timeout = 0.05
    await db.start()
    await db.execute("CREATE TABLE account (name TEXT, money INTEGER)")
    with held_by_another(db.path):
        with pytest.raises(DatabaseError, match="another process holds it") as caught:
            await add(db, "ada")
        assert caught.value.code == "SQLITE_BUSY"
        with pytest.raises(DatabaseError, match="another process holds it"):
            await opened(db)
        assert await names(db) == []
    await add(db, "bob")
    assert await names(db) == ["bob"]
    await db.stop()


async def test_a_relative_path_means_one_file_also_after_a_change_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    db = DatabaseService("wisp.db")
    await db.start()
    monkeypatch.chdir(elsewhere)
    await db.execute("CREATE TABLE account (name TEXT, money INTEGER)")
    await db.backup(tmp_path / "copy.db")
    await db.stop()
    assert files(elsewhere) == []
    monkeypatch.chdir(tmp_path)
    await db.start()
    assert await names(db) == []
    await db.stop()


async def test_a_bot_started_again_on_its_local_discord_finds_its_data_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bot = wisp.Bot()
    async with on_sandbox(bot, keep="wisp.db"):
        await bot.runtime.database.execute("CREATE TABLE account (name TEXT)")
        monkeypatch.chdir("/")
        await restart(bot)
        assert await bot.runtime.database.fetchall("SELECT * FROM account") == []


@pytest.mark.parametrize("suffix", ["", "-wal"])
async def test_nothing_is_acknowledged_once_the_file_is_gone_until_it_is_back(
    db: DatabaseService, tmp_path: Path, suffix: str
) -> None:
    await add(db, "ada")
    file = tmp_path / f"wisp.db{suffix}"
    file.rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(DatabaseError, match="was deleted, moved or replaced while the bot runs"):
            await add(db, "bob")
        with pytest.raises(DatabaseError, match="was deleted, moved or replaced"):
            await opened(db)
    file.write_bytes(b"")  # another file in its place is not the same
    with pytest.raises(DatabaseError, match="was deleted, moved or replaced"):
        await add(db, "eve")
    (tmp_path / "elsewhere").replace(file)
    await add(db, "eve")
    assert await names(db) == ["ada", "eve"]


async def test_after_the_file_was_deleted_a_restart_begins_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    db = DatabaseService(path)
    await db.start()
    for name in files(tmp_path):
        (tmp_path / name).unlink()
    with pytest.raises(DatabaseError, match="restart the bot"):
        await db.execute("CREATE TABLE account (name TEXT)")
    await db.stop()
    await db.start()
    await db.execute("CREATE TABLE account (name TEXT)")
    await db.stop()
    assert path.is_file()


def in_a_process(folder: Path, code: str) -> str:
    """Run async code, with `db` for a database in the folder that is not started, on its own: what it prints."""
    script = f"""
import asyncio, os, resource, sys
from wisp.errors import DatabaseError
from wisp.services.database import DatabaseService

async def main(folder, db):
{textwrap.indent(textwrap.dedent(code), "    ")}

async def run(folder):
    db = DatabaseService(folder + "/wisp.db")
    try:
        await main(folder, db)
    finally:
        await db.stop()

asyncio.run(run(sys.argv[1]))
"""
    run = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    return run.stdout


def test_a_file_that_may_grow_no_more_fails_in_words_and_goes_on_when_it_may(tmp_path: Path) -> None:
    printed = in_a_process(
        tmp_path,
        """
        await db.start()
        await db.execute("CREATE TABLE page (text TEXT)")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        kept = 0
        try:
            while True:
                await db.execute("INSERT INTO page VALUES (?)", ("x" * 3000,))
                kept += 1
        except DatabaseError as error:
            print(error.message.split(".")[0])
        print((await db.fetchone("SELECT count(*) FROM page"))[0] - kept)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await db.execute("INSERT INTO page VALUES ('more')")
        print((await db.fetchone("SELECT count(*) FROM page"))[0] - kept)
        """,
    )
    assert printed.splitlines() == ["the disk failed", "0", "1"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_file_or_folder_is_refused_at_the_start(what: str) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        asyncio.run(filled(folder / "wisp.db"))
        (folder / "wisp.db").chmod(0o444 if what == "file" else 0o666)
        folder.chmod(0o555 if what == "folder" else 0o777)
        printed = in_a_process(
            folder,
            """
            if os.geteuid() == 0:
                os.seteuid(65534)  # root may write to everything
            before = open(db.path, "rb").read()
            try:
                await db.start()
            except DatabaseError as error:
                print(error.message)
            print(open(db.path, "rb").read() == before)
            """,
        )
        folder.chmod(0o755)
    problem, untouched = printed.splitlines()
    assert "read-only" in problem or "the bot's user may write to" in problem
    assert untouched == "True"


# ---- migrations ----


async def test_migrations_run_once_and_are_recorded_by_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    clock.offset = 1e9
    ran: list[str] = []

    async def fill(tx: Transaction) -> None:
        ran.append("fill")
        await tx.execute("INSERT INTO greeting VALUES ('hello; -- not the end')")

    script = """
        CREATE TABLE greeting (text TEXT); -- one; two
        CREATE TRIGGER one AFTER INSERT ON greeting BEGIN SELECT 1; SELECT 2; END;
        CREATE TABLE other (text TEXT)
    """
    for _ in range(2):
        db = DatabaseService(tmp_path / "wisp.db", clock=clock)
        await db.start()
        await db.migrate("greeter", {1: script, 2: fill})
        assert await db.fetchall("SELECT * FROM greeting") == [("hello; -- not the end",)]
        await db.stop()
    await db.start()
    await db.migrate("greeter", {2: fill, 1: script, 3: "DROP TABLE other;"})
    recorded = await db.fetchall("SELECT owner, number, applied FROM wisp_migrations ORDER BY owner, number")
    assert [row[:2] for row in recorded] == [("greeter", 1), ("greeter", 2), ("greeter", 3), *OWN]
    assert all(abs(applied - clock.time()) < 60 for *_, applied in recorded)
    assert ran == ["fill"]
    await db.stop()


async def test_a_migration_in_sql_takes_one_trip_however_many_statements_it_has(db: DatabaseService) -> None:
    trips: list[str] = []
    db.watch = lambda operation, outcome, began: trips.append(operation)
    await db.migrate("notes", {1: "CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE c (x)"})
    assert len(trips) == 4  # begin, look up what has been run, the migration, commit


async def test_a_migration_that_fails_changes_nothing_and_runs_again(either: DatabaseService) -> None:
    async def fails(tx: Transaction) -> None:
        await tx.execute("CREATE TABLE second (text TEXT)")
        raise LookupError("no luck")

    for migration, words in (
        (fails, "migration 2 of greeter failed, and nothing was changed: no luck"),
        ("CREATE TABLE second (text TEXT); SELEC 1", 'failed, and nothing was changed: near "SELEC"'),
        ("CREATE TABLE second (text TEXT); COMMIT; SELEC 1", "async with db.transaction"),
    ):
        with pytest.raises(DatabaseError) as caught:
            await either.migrate("greeter", {1: "CREATE TABLE IF NOT EXISTS first (text TEXT)", 2: migration})
        assert words in str(caught.value)
        assert await either.fetchall("SELECT number FROM wisp_migrations WHERE owner = 'greeter'") == []
        assert await either.fetchone("SELECT 1 FROM sqlite_master WHERE name IN ('first', 'second')") is None
    await either.migrate("greeter", {1: "CREATE TABLE first (text TEXT)"})
    await either.migrate("greeter", {1: "never", 2: "CREATE TABLE second (text TEXT)"})


async def test_migrations_with_gaps_or_from_a_newer_module_are_refused(db: DatabaseService) -> None:
    for numbers in ([2], [0, 1], [1, 3], ["1", 2]):
        strange: Any = dict.fromkeys(numbers, "SELECT 1")
        with pytest.raises(ValueError, match="expected them numbered from 1 without gaps"):
            await db.migrate("greeter", strange)
    await db.migrate("greeter", {1: "SELECT 1", 2: "SELECT 1"})
    with pytest.raises(DatabaseError, match="it comes from a newer greeter: it has run migration 2, this one knows 1"):
        await db.migrate("greeter", {1: "SELECT 1"})
    await db.migrate("other", {1: "SELECT 1"})


async def test_two_tasks_that_migrate_the_same_run_it_once(either: DatabaseService) -> None:
    migrations = {1: "CREATE TABLE greeting (text TEXT)", 2: "INSERT INTO greeting VALUES ('hello')"}
    await asyncio.gather(*[either.migrate("greeter", migrations) for _ in range(4)])
    assert await either.fetchall("SELECT text FROM greeting") == [("hello",)]


NUMBERS = "Number them 1, 2, 3, and so on, and never change the number of one that has run"


@pytest.mark.parametrize(
    ("migrations", "where", "problem"),
    [
        ([(1, "SELECT 1"), (3, "SELECT 1")], "migration 3", "its number is not one of 1 to 2"),
        ([(2, "SELECT 1")], "migration 2", "its number is not one of 1 to 1"),
        ([(0, "SELECT 1"), (1, "SELECT 1")], "migration 0", "its number is not one of 1 to 2"),
        ([(-1, "SELECT 1")], "migration -1", "its number is not one of 1 to 1"),
        ([("1", "SELECT 1")], "migration '1'", "its number is not one of 1 to 1"),
        ([(1.0, "SELECT 1")], "migration 1.0", "its number is not one of 1 to 1"),
        ([(True, "SELECT 1")], "migration True", "its number is not one of 1 to 1"),
        ([(1, " ; ")], "migration 1", "it has no statement"),
        ([(1, None)], "migration 1", "it is None, not SQL"),
        ([(1, 5)], "migration 1", "it is 5, not SQL"),
        ([(1, "CREATE TABLE a (x)"), (2, "CREATE TABL b (x)")], "migration 2", 'near "TABL": syntax error'),
        ([(1, "CREATE TABLE a (x")], "migration 1", "incomplete input"),
        ([(1, "SELECT 'a")], "migration 1", "unrecognized token"),
        ([(1, "CREATE TABLE a (x); INSERT INTO a VALUES (1, 2)")], "migration 1", "table a has 1 columns but 2 values"),
        ([(1, "CREATE TABLE a (x)"), (2, "CREATE TABLE a (x)")], "migration 2", "table a already exists"),
        ([(1, "ALTER TABLE old ADD COLUMN x; SELEC 1")], "migration 1", 'near "SELEC": syntax error'),
        ([(1, "SELECT ?")], "migration 1", "Incorrect number of bindings supplied"),
        ([(1, "BEGIN; SELECT 1; COMMIT")], "migration 1", "BEGIN, COMMIT and ROLLBACK would"),
    ],
)
def test_a_migration_that_cannot_run_is_a_mistake_with_its_line(
    migrations: list[tuple[Any, Any]], where: str, problem: str
) -> None:
    bot = wisp.Bot()
    line = inspect.stack(context=0)[0].lineno + 2
    for number, work in migrations:
        bot.migration(number, work)
    [mistake] = bot.check()
    assert mistake.where == where
    assert problem in mistake.message
    assert (mistake.file, mistake.line) == (os.path.join("tests", "test_database.py"), line)
    assert (mistake.fix == "Correct the statement") == ("SQLite refuses it" in mistake.message)


@pytest.mark.parametrize(
    "migrations",
    [
        ["ALTER TABLE old ADD COLUMN x; UPDATE old SET x = 1;", "INSERT INTO old VALUES (1, 2)"],
        ["CREATE TABLE copy AS SELECT * FROM guild_data", "INSERT INTO copy VALUES (1)"],
        ["WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"],
        ["CREATE TABLE g (t); CREATE TRIGGER o AFTER INSERT ON g BEGIN SELECT 1; SELECT 2; END; -- done", "-- gone"],
        ["PRAGMA user_version = 3"],
        ["ATTACH DATABASE 'elsewhere.db' AS e; CREATE TABLE e.t (x)"],
    ],
)
def test_a_migration_that_may_fit_the_bots_data_is_none(
    migrations: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bot = wisp.Bot()
    for number, sql in enumerate(migrations, start=1):
        bot.migration(number, sql)
    assert bot.check() == []
    assert files(tmp_path, "*") == []


def test_what_functions_do_is_not_known_and_all_problems_of_migrations_are_told_at_once() -> None:
    bot = wisp.Bot()
    decorated: Any = bot.migration

    @bot.migration(1)
    async def make(tx: Transaction) -> None: ...

    bot.migration(2, "INSERT INTO made VALUES (1)")
    bot.migration(3, "INSERT INTO made VALUES (1")

    @decorated(4)
    def plain(tx: Transaction) -> None: ...

    assert [(mistake.where, mistake.message) for mistake in bot.check()] == [
        ("migration 3", "SQLite refuses it: incomplete input, in: INSERT INTO made VALUES (1"),
        ("migration 4", "its function is not async"),
    ]

    bot = wisp.Bot()
    decorated = bot.migration

    @decorated
    async def forgotten(tx: Transaction) -> None: ...

    assert [(mistake.where, mistake.fix) for mistake in bot.check()] == [("migration forgotten", NUMBERS)]


async def test_a_mistaken_migration_stops_the_bot_and_leaves_a_module_out_before_anything_is_run(
    tmp_path: Path,
) -> None:
    bot = wisp.Bot()
    bot.migration(1, "CREATE TABLE a (x)")
    bot.migration(2, "CREATE TABL b (x)")
    with pytest.raises(
        wisp.errors.StartError, match=r"test_database.py:\d+: migration 2: SQLite refuses it: near \"TABL\""
    ):
        async with on_sandbox(bot, keep=str(tmp_path / "wisp.db")):
            pass
    assert files(tmp_path, "*") == []

    class Greeter(wisp.Module):
        name = "greeter"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            bot.migration(1, "CREATE TABLE a (x)")
            bot.migration(3, "CREATE TABLE b (x)")

    bot = wisp.Bot(modules=[Greeter()])
    async with connect(bot):
        assert re.search(
            r"test_database.py:\d+: migration 3: its number is not one of 1 to 2", bot.modules.missing["greeter"]
        )
        db = bot.services.get_typed("db", DatabaseService)
        assert db is not None
        assert await db.fetchone("SELECT 1 FROM sqlite_master WHERE name = 'a'") is None


# ---- backup ----


async def test_a_backup_is_a_whole_copy_and_overwrites_nothing(either: DatabaseService, tmp_path: Path) -> None:
    await add(either, "ada")
    target = tmp_path / "it's a copy.db"
    await either.backup(target)
    await add(either, "bob")
    with pytest.raises(DatabaseError, match=r"no backup to .*: File exists"):
        await either.backup(target)
    with pytest.raises(DatabaseError, match="No such file or directory"):
        await either.backup(tmp_path / "nowhere" / "copy.db")
    copy = DatabaseService(target)
    await copy.start()
    assert await names(copy) == ["ada"]
    await copy.stop()
    assert files(tmp_path, "it*.db") == ["it's a copy.db"]


async def test_a_backup_under_writes_is_consistent_and_one_that_fails_leaves_no_half(
    db: DatabaseService, tmp_path: Path
) -> None:
    for name in ("ada", "bob"):
        await add(db, name)

    async def transfer() -> None:
        for _ in range(20):
            async with db.transaction() as tx:
                await tx.execute("UPDATE account SET money = money - 1 WHERE name = 'ada'")
                await tx.execute("UPDATE account SET money = money + 1 WHERE name = 'bob'")

    await asyncio.gather(transfer(), *[db.backup(tmp_path / f"{number}.copy") for number in range(3)])
    for number in range(3):
        with closing(sqlite3.connect(tmp_path / f"{number}.copy")) as copy:
            assert copy.execute("SELECT sum(money) FROM account").fetchone() == (2,)

    (tmp_path / "wisp.db").rename(tmp_path / "moved.copy")
    with pytest.raises(DatabaseError, match="was deleted, moved"):
        await db.backup(tmp_path / "late.copy")
    assert files(tmp_path, "wisp.db") == []
    (tmp_path / "moved.copy").rename(tmp_path / "wisp.db")
    assert files(tmp_path, "*.copy*") == ["0.copy", "1.copy", "2.copy"]


@pytest.mark.parametrize("sql", ["BEGIN IMMEDIATE", "/* done */ COMMIT", "-- done\nCOMMIT", ";;END", "SAVEPOINT s"])
async def test_a_transaction_by_hand_is_refused_on_every_way(tmp_path: Path, sql: str) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    await db.execute("CREATE TABLE t (x)")
    for way in (db.execute, db.fetchone, db.fetchall):
        with pytest.raises(DatabaseError, match="BEGIN, COMMIT and ROLLBACK"):
            await way(sql)
        await db.execute("INSERT INTO t VALUES (1)")
    await db.stop()
    await db.start()
    assert await db.fetchall("SELECT count(*) FROM t") == [(3,)]
    await db.stop()


async def test_a_backup_of_what_is_not_open_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="not open"):
        await DatabaseService(tmp_path / "wisp.db").backup(tmp_path / "copy.db")
    assert os.listdir(tmp_path) == []


# ---- one bot at a time ----

HOLDER = """
import asyncio, sys
from wisp.services.database import DatabaseService

async def main():
    db = DatabaseService(sys.argv[1])
    await db.start()
    print("open", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@contextmanager
def another_bot(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that has the file open."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as bot:
        assert bot.stdout
        assert bot.stdout.readline() == "open\n"
        try:
            yield bot
        finally:
            bot.kill()


async def test_a_second_bot_on_the_file_is_refused_until_the_first_is_gone_even_by_kill(tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    with another_bot(path):
        second = DatabaseService(path)
        second.lock_timeout = 0.1
        with pytest.raises(DatabaseError, match=r"another process holds it.*WISP_DATABASE"):
            await second.start()
    await second.start()
    await second.execute("CREATE TABLE t (a)")
    await second.stop()


FORKING = """
import asyncio, ctypes, os, sys, warnings
from wisp.services.database import DatabaseService

async def main():
    warnings.simplefilter("ignore")  # Python 3.12 and later warn if a process with threads forks
    db = DatabaseService(sys.argv[1])
    await db.start()
    ready, started = os.pipe()
    if {fork}() == 0:
        os.write(started, b"1")
        os.read(0, 1)
        os._exit(0)
    os.read(ready, 1)
    {end}

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize(
    ("fork", "end"),
    [("os.fork", "os.kill(os.getpid(), 9)"), ("ctypes.PyDLL(None).fork", "await db.stop()")],  # the latter has no hooks
)
def test_a_forked_child_that_outlives_the_bot_does_not_keep_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fork: str, end: str
) -> None:
    monkeypatch.setattr(DatabaseService, "lock_timeout", 0)
    path = tmp_path / "wisp.db"
    code = FORKING.format(fork=fork, end=end)
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE) as bot:
        bot.wait()
        asyncio.run(filled(path))


async def test_a_second_service_in_the_same_process_is_refused_by_any_name_of_the_file(tmp_path: Path) -> None:
    path, link = tmp_path / "wisp.db", tmp_path / "link.db"
    first, second = DatabaseService(path), DatabaseService(link)
    await first.start()
    link.symlink_to(path)
    second.lock_timeout = 0
    with pytest.raises(DatabaseError, match="another process holds it"):
        await second.start()
    await first.execute("CREATE TABLE t (a)")  # it goes on undisturbed
    await first.stop()
    await second.start()
    await second.stop()


async def test_a_bot_that_is_closing_is_waited_for(
    time: VirtualTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = DatabaseService(tmp_path / "wisp.db")
    await first.start()
    second = Held(tmp_path / "wisp.db", time)
    await time.until()
    await time.advance(30)
    assert not second.starting.done()
    await first.stop()
    await time.advance(1)
    await second.starting
    await second.db.stop()
    assert [record.getMessage() for record in caplog.records] == [
        f"the database {second.db.path}: another process holds it. Is the bot running twice, or the file open in a "
        "database browser? Close that, or set another database (WISP_DATABASE). Waiting up to 60 s"
    ]


def test_a_start_that_is_cancelled_leaves_no_thread_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)

    async def start_and_cancel(turns: int) -> None:
        db = DatabaseService(tmp_path / "wisp.db")
        starting = asyncio.create_task(db.start())
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})
        await db.stop()

    before = set(threading.enumerate())
    for number in range(200):
        with asyncio.Runner() as runner:  # its event loop closes at once: no thread may call it afterwards
            runner.run(start_and_cancel(number % 9))
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)  # a closed connection's thread ends by itself, a little later
    assert (failures, set(threading.enumerate()) - before) == ([], set())
