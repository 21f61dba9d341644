"""The database: one SQLite file that many tasks use at once, and that keeps what it acknowledged."""

from __future__ import annotations

import abc
import asyncio
import os
import re
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any, Concatenate, Literal, NamedTuple, TypeVar, cast, get_args

import aiosqlite

from ..clock import Clock
from ..errors import DatabaseError
from ..logs import get_logger

T = TypeVar("T")

_log = get_logger("wisp.database")

Parameters = Sequence[Any] | Mapping[str, Any]
"""The values for `?` (in order), or for `:name` (by name), in a statement."""

Row = tuple[Any, ...]

Statements = Sequence[tuple[str, Parameters]]

Work = Callable[Concatenate[sqlite3.Connection, ...], T]
"""A function that is called in the thread of a connection."""

Operation = Literal["read", "write"]

Outcome = Literal["done", "failed", "cancelled"]

Fetch = Literal["nothing", "first", "all"]
"""Which rows a caller wants."""

Durability = Literal["off", "normal", "full"]

MEMORY = ":memory:"
"""The path of a database in memory, which is lost at `stop()`."""

OWN_MIGRATIONS: dict[int, str] = {
    1: """
        CREATE TABLE guild_data (
            guild INTEGER NOT NULL,    -- 0 for a person's own data, kept in direct messages
            user INTEGER NOT NULL,     -- 0 for a guild's
            namespace TEXT NOT NULL,   -- '' is shared by the whole bot, ':name' is a module's
            key TEXT NOT NULL,
            value BLOB NOT NULL,       -- msgpack
            PRIMARY KEY (guild, user, namespace, key)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS wisp_command_guilds (  -- the guilds that hold commands of an application
            application INTEGER NOT NULL, guild INTEGER NOT NULL, PRIMARY KEY (application, guild)
        ) WITHOUT ROWID;
    """,
    2: """
        CREATE TABLE wisp_cooldowns (
            name TEXT NOT NULL,        -- of the limit
            key TEXT NOT NULL,         -- for whom it is counted, as JSON
            times TEXT NOT NULL,       -- of the uses, as JSON: seconds since the epoch, oldest first
            until REAL NOT NULL,       -- when none of them counts any more
            PRIMARY KEY (name, key)
        ) WITHOUT ROWID;
    """,
    3: """
        CREATE TABLE wisp_modules (    -- where modules were turned on or off
            guild INTEGER NOT NULL, module TEXT NOT NULL, is_enabled INTEGER NOT NULL, PRIMARY KEY (guild, module)
        ) WITHOUT ROWID;
    """,
    4: """
        CREATE TABLE wisp_jobs (       -- one-shot jobs that are still to run
            id INTEGER PRIMARY KEY AUTOINCREMENT,  -- none is given twice
            name TEXT NOT NULL,
            due REAL NOT NULL,         -- in seconds since the epoch
            guild INTEGER,
            failures INTEGER NOT NULL,
            data BLOB NOT NULL         -- msgpack: a mapping of the job's parameters
        );
        CREATE INDEX wisp_jobs_due ON wisp_jobs (due);
    """,
    5: """
        CREATE TABLE IF NOT EXISTS wisp_audit (
            id INTEGER PRIMARY KEY,    -- in the order of the calls
            time REAL NOT NULL,        -- seconds since the epoch
            guild INTEGER,
            user INTEGER,
            action TEXT NOT NULL,
            metadata TEXT NOT NULL     -- JSON
        );
        CREATE INDEX IF NOT EXISTS wisp_audit_of_guild ON wisp_audit (guild, id);
    """,
}

_MIGRATIONS_TABLE = """
    CREATE TABLE IF NOT EXISTS wisp_migrations (
        owner TEXT NOT NULL, number INTEGER NOT NULL, applied REAL NOT NULL, PRIMARY KEY (owner, number)
    ) WITHOUT ROWID
"""

_ENDS_TRANSACTION = re.compile(
    r"(?:\s|;|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(?:BEGIN|COMMIT|END|ROLLBACK(?!\s+(TRANSACTION\s+)?TO\b))\b",
    re.IGNORECASE | re.DOTALL,
)

_BY_HAND = "BEGIN, COMMIT and ROLLBACK would affect all tasks. Use `async with db.transaction()`"

_POLL_LOCK = 0.25
"""Seconds between two attempts to use a file that another process holds."""

_NO_DATA = "For a bot that keeps no data, use wisp.Bot(database=None)"

# What SQLite's primary result codes (https://sqlite.org/rescode.html) mean, and what to do.
_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space. The bot need not be restarted",
    sqlite3.SQLITE_BUSY: "another process holds it. Is the bot running twice, or the file open in a database browser? "
    "Close that, or set another database (WISP_DATABASE)",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only. Let the bot's user write to both (SQLite makes "
    f"more files beside it). {_NO_DATA}",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Expected a file, or a place for a new one, in a folder that exists "
    f"and that the bot's user may write to. {_NO_DATA}",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database, and was left as it is. Move it away, or set another "
    "database (WISP_DATABASE)",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Replace it by a backup, or save what is left with "
    '`sqlite3 {path} ".recover"`',
    sqlite3.SQLITE_IOERR: "the disk failed. Is it full, or gone? Once it is back, the bot need not be restarted",
}


class Result(NamedTuple):
    """How many rows a statement changed, and the row id of the last INSERT (0 before any)."""

    rowcount: int
    lastrowid: int


class _Executor(abc.ABC):
    """What a database and a transaction have in common."""

    async def execute(self, sql: str, parameters: Parameters = ()) -> Result:
        """Execute one statement. Outside of a transaction, it is committed when this returns."""
        _, result = await self._run(sql, parameters, "nothing")
        return result

    async def fetchone(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row of a query, or None if it has none."""
        rows, _ = await self._run(sql, parameters, "first")
        return rows[0] if rows else None

    async def fetchall(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query."""
        rows, _ = await self._run(sql, parameters, "all")
        return rows

    @abc.abstractmethod
    async def _run(self, sql: str, parameters: Parameters, fetch: Fetch) -> tuple[list[Row], Result]: ...


class DatabaseService(_Executor):
    """One SQLite file (`":memory:"` for none), open from `start()` to `stop()`.

    A statement is one trip to SQLite's thread. Writes take turns on one connection. Reads have another and wait for
    nothing (in memory, there is one for both). What was acknowledged survives the end of the process, `kill -9`
    included, and with `durability="full"` also a power cut, at the price of one disk sync per write. With "off", for
    temporary data, the disk is never synced, and a power cut may damage the file.

    Because each bot caches what it has read, only one bot at a time can use the file. It holds a lock on the file
    `-lock` beside it, which the system releases when the process ends. Other programs may read the file meanwhile.

    Everything raises DatabaseError, whose `__cause__` is sqlite3's. It says what is wrong and what to do. Nothing of
    the failed operation is kept, and once the cause is gone the same service works again. A call that is cancelled
    has been carried out completely or not at all.
    """

    busy_timeout: float = 5.0
    """Seconds that a statement waits for another process that writes to the file. Set it before `start()`."""

    lock_timeout: float = 60.0
    """Seconds that `start()` waits, by the clock, for another process that holds the file."""

    start_limit: float | None = None
    """`start()` limits its own wait, and migrations of a large file may take long."""

    def __init__(
        self, path: str | os.PathLike[str], *, durability: Durability = "normal", clock: Clock | None = None
    ) -> None:
        if durability not in get_args(Durability):
            raise ValueError(f'durability: expected "off", "normal" or "full", got {durability!r}')
        self.path: str = os.fspath(path)
        # absolute, because the bot may change its working directory
        self.file: str = self.path if self.path == MEMORY else os.path.abspath(self.path)
        self.durability: Durability = durability
        # called after each trip, with the time of the clock at which it began
        self.watch: Callable[[Operation, Outcome, float], object] | None = None
        self._clock = clock or Clock()
        self._writer: _Connection | None = None
        self._reader: _Connection | None = None
        self._writing = asyncio.Lock()  # held by the task that writes, or that has a transaction open
        self._lock: sqlite3.Connection | None = None
        self._identity: list[tuple[int, int]] = []

    # ---- start and stop ----

    async def start(self, session: object = None) -> None:
        """Open the file, create it if it does not exist, and bring wisp's own tables up to date.

        If another process holds the file, log a warning and wait up to `lock_timeout`. Raises DatabaseError, and leaves
        the file as it is, if it is still held then, is not a database, is damaged, cannot be written, or comes from a
        newer wisp.
        """
        if self._writer is not None:
            raise DatabaseError(self.path, "it is open already")
        self._writing = asyncio.Lock()  # the one from before may belong to another event loop
        try:
            self._writer = self._reader = await self._open(timeout=0)  # a wait inside SQLite cannot be cancelled
            await self._prepare()
            await self._on(self._writer, "write", run, f"PRAGMA busy_timeout = {int(self.busy_timeout * 1000)}")
            if self.path != MEMORY:
                self._reader = await self._open(timeout=self.busy_timeout)
                await self._on(self._reader, "read", run, "PRAGMA query_only = ON")
                self._identity = self._current_identity()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the file. What was asked before is finished, an open transaction rolled back. Can be called twice."""
        reader, writer, lock = self._reader, self._writer, self._lock
        self._reader = self._writer = self._lock = None
        self._identity = []
        try:
            if reader is not None and reader is not writer:
                await reader.close()
        finally:
            if writer is not None:
                await writer.close()
            if lock is not None:
                lock.close()

    def _connect(self, path: str, timeout: float) -> sqlite3.Connection:
        try:
            # isolation_level: sqlite3 begins no transactions of its own
            return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, ValueError) as error:
            raise self._explained(error) from error

    async def _open(self, timeout: float) -> _Connection:
        connection = self._connect(self.file, timeout)

        async def opened() -> _Connection:
            return cast(_Connection, await _Connection(lambda: connection, iter_chunk_size=64))

        opening = asyncio.create_task(opened())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await (await opening).close()  # else its thread outlives this call, and the event loop
            raise

    async def _prepare(self) -> None:
        """Configure, lock and migrate the file. While another process holds it, retry for up to `lock_timeout`."""
        end = self._clock.monotonic() + self.lock_timeout
        has_warned = False
        while True:
            try:
                await self._write(self._configure)
                if self.path != MEMORY and self._lock is None:
                    self._lock = self._locked()
                await self.migrate("wisp", OWN_MIGRATIONS)
                return
            except DatabaseError as error:
                if not (error.code or "").startswith("SQLITE_BUSY") or self._clock.monotonic() >= end:
                    raise
                if not has_warned:
                    _log.warning("%s. Waiting up to %g s", error, self.lock_timeout)
                has_warned = True
            await asyncio.sleep(_POLL_LOCK)

    def _configure(self, connection: sqlite3.Connection) -> None:
        self._recorded(connection, "wisp", len(OWN_MIGRATIONS))  # refuses a newer file before it is changed
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self.durability}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode not in ("wal", "memory"):
            raise DatabaseError(self.path, "this file system has no shared memory for SQLite. Keep it on a local disk")
        # Find out now whether the file can be written. BEGIN alone does not: SQLite lets a read-only file begin.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE wisp_can_write (it)")
        connection.execute("ROLLBACK")

    def _locked(self) -> sqlite3.Connection:
        """Lock the file `-lock`. SQLite's own lock ends with the process, and is not inherited by a forked child."""
        lock = self._connect(os.path.realpath(self.file) + "-lock", timeout=0)  # one for all links to the file
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            lock.close()
            raise self._explained(error) from error
        return lock

    # ---- statements ----

    async def batch(self, statements: Statements) -> None:
        """Execute several statements in one transaction and one trip: all of them are kept, or none."""
        if statements:
            await self._write(_batch, statements)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Keep statements together: `async with db.transaction() as tx: await tx.execute(...)`.

        Until the block ends, only it can write: writes of other tasks wait. It is committed at its end, and rolled back
        if it raises or is cancelled.
        """
        self.refuse_inside_transaction()
        writer = self._writer
        async with self._writing:
            transaction, outer = Transaction(self, writer), _current.get()
            # Cancelling an _on() cancels only the wait for it: what the thread was given is carried out, in order.
            try:
                await self._on(writer, "write", self._checked, sqlite3.Connection.execute, "BEGIN IMMEDIATE")
                _current.set(transaction)
                try:
                    yield transaction
                finally:
                    transaction.is_open = False
                    _current.set(outer)
                await self._on(writer, "write", _commit)
            except BaseException:
                with suppress(DatabaseError):  # closing the file has rolled it back
                    await self._on(writer, "write", sqlite3.Connection.rollback)
                raise

    def refuse_inside_transaction(self) -> None:
        """Raise DatabaseError inside a transaction, or in a task started there: it would wait for itself forever."""
        transaction = _current.get()
        if transaction is not None and transaction.is_open and transaction.database is self:
            raise DatabaseError(
                self.path,
                "this would deadlock inside a transaction. Use the transaction's own execute, "
                "fetchone and fetchall, or do this before or after it",
            )

    async def _run(self, sql: str, parameters: Parameters, fetch: Fetch) -> tuple[list[Row], Result]:
        self.refuse_inside_transaction()
        if fetch != "nothing" and self._reader is not self._writer:
            try:
                return await self._on(self._reader, "read", run, sql, parameters, False, fetch)
            except DatabaseError as error:
                if error.code != "SQLITE_READONLY":  # it writes as well: INSERT ... RETURNING
                    raise
        return await self._write(run, sql, parameters, operation="write" if fetch == "nothing" else "read")

    async def _write(self, work: Work[T], *args: Any, operation: Operation = "write") -> T:
        self.refuse_inside_transaction()
        writer = self._writer
        async with self._writing:
            return await self._on(writer, operation, self._checked, work, *args)

    async def _on(self, connection: _Connection | None, operation: Operation, work: Work[T], *args: Any) -> T:
        if connection is None or connection not in (self._writer, self._reader):
            raise DatabaseError(self.path, "it is not open: the bot has not started yet, or has closed")
        began = self._clock.monotonic()
        outcome: Outcome = "cancelled"
        try:
            result = await connection.do(work, *args)
            outcome = "done"
            return result
        except (sqlite3.Error, OverflowError, ValueError) as error:
            outcome = "failed"
            raise self._explained(error) from error
        finally:
            if self.watch is not None:
                self.watch(operation, outcome, began)

    def _checked(self, connection: sqlite3.Connection, work: Work[T], *args: Any) -> T:
        """Do work, unless the file was replaced: SQLite goes on writing to a file that was deleted."""
        if self._identity and self._identity != self._current_identity():
            raise DatabaseError(
                self.path,
                f"{self.file} or its -wal was deleted, moved or replaced while the bot runs, and nothing more is "
                "written. Put the same file back, or restart the bot",
            )
        return work(connection, *args)

    def _current_identity(self) -> list[tuple[int, int]]:
        try:
            found = [os.stat(path) for path in (self.file, f"{self.file}-wal")]
        except OSError:
            return []
        return [(file.st_dev, file.st_ino) for file in found]

    def _explained(self, error: Exception) -> DatabaseError:
        primary_code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        problem = _EXPLANATIONS.get(primary_code, "").format(path=self.path)
        return DatabaseError(self.path, problem or with_statement(error), getattr(error, "sqlite_errorname", None))

    # ---- migrations ----

    async def migrate(self, owner: str, migrations: Mapping[int, Migration]) -> None:
        """Bring the tables of `owner` (a module's name) up to date: each migration runs once in the file's life.

        They are numbered from 1 without gaps. Each is SQL, of one or several statements, or an async function of the
        transaction. One transaction runs and records those that the file has not run yet. Raises ValueError if there is
        a gap, and DatabaseError if one fails, or if the file has run more than these, because it comes from newer code.
        Nothing is changed then.
        """
        if set(migrations) != set(range(1, len(migrations) + 1)):
            raise ValueError(f"migrations of {owner}: expected them numbered from 1 without gaps, got {[*migrations]}")
        async with self.transaction() as tx:
            recorded = await self._on(self._writer, "write", self._recorded, owner, len(migrations))
            for number in range(recorded + 1, len(migrations) + 1):
                try:
                    await self._migrate(tx, owner, number, migrations[number])
                except Exception as error:
                    problem = f"migration {number} of {owner} failed, and nothing was changed: "
                    problem += error.message if isinstance(error, DatabaseError) else str(error)
                    if owner == "wisp":
                        problem += ". Is it the file of another program? Set another database (WISP_DATABASE)"
                    failed = DatabaseError(self.path, problem, getattr(error, "code", None))
                    failed.migration = number
                    raise failed from error

    async def _migrate(self, tx: Transaction, owner: str, number: int, migration: Migration) -> None:
        statements: list[tuple[str, Parameters]] = [(_MIGRATIONS_TABLE, ())]
        if isinstance(migration, str):
            statements += [(statement, ()) for statement in split_statements(migration)]
        else:
            await migration(tx)
        statements.append(("INSERT INTO wisp_migrations VALUES (?, ?, ?)", (owner, number, self._clock.time())))
        await self._on(self._writer, "write", _run_all, statements)

    def _recorded(self, connection: sqlite3.Connection, owner: str, known: int) -> int:
        """Return how many migrations of `owner` the file has run. Raises DatabaseError if they are more than known."""
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'wisp_migrations'").fetchone():
            return 0
        sql = "SELECT coalesce(max(number), 0) FROM wisp_migrations WHERE owner = ?"
        (recorded,) = connection.execute(sql, (owner,)).fetchone()
        if recorded > known:
            raise DatabaseError(
                self.path,
                f"it comes from a newer {owner}: it has run migration {recorded}, this one knows {known}. "
                f"Update {owner}, or use a backup from before. The file was left as it is",
            )
        return recorded

    # ---- backup ----

    async def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a consistent copy to `path`. Writes of other tasks wait for it. In memory, reads wait as well.

        Raises DatabaseError if there is a file already. If it fails, no half copy is left.
        """
        await self._write(self._copy, os.fspath(path))

    def _copy(self, connection: sqlite3.Connection, target: str) -> None:
        try:
            open(target, "x").close()  # reserves the name
        except OSError as error:
            raise DatabaseError(self.path, f"no backup to {target}: {error.strerror}") from error
        try:
            connection.execute("VACUUM INTO ?", (target,))
        except BaseException:
            os.unlink(target)
            raise


class _Connection(aiosqlite.Connection):
    """aiosqlite's connection and its thread, in which any piece of work takes one trip."""

    async def do(self, work: Work[T], *args: Any) -> T:
        """Do work in the thread."""
        return cast(T, await self._execute(work, self._conn, *args))  # pyright: ignore[reportUnknownMemberType]


class Transaction(_Executor):
    """The statements of a transaction: from `async with db.transaction() as tx`, until the block ends.

    They see what the transaction wrote. Other tasks do not, before it is committed. Tasks started in the block may use
    it. After an error it can go on, unless SQLite has rolled it back.
    """

    def __init__(self, database: DatabaseService, connection: _Connection | None) -> None:
        self.database: DatabaseService = database
        self.is_open: bool = True
        self._connection = connection

    async def _run(self, sql: str, parameters: Parameters, fetch: Fetch) -> tuple[list[Row], Result]:
        if not self.is_open:
            raise DatabaseError(self.database.path, "a transaction ends with its `async with` block")
        on = self.database._on  # pyright: ignore[reportPrivateUsage]
        return await on(self._connection, "write", run, sql, parameters, True, fetch)


Migration = str | Callable[[Transaction], Awaitable[object]]

_current: ContextVar[Transaction | None] = ContextVar("wisp transaction", default=None)


# ---- what runs in the connection's thread ----


def run(
    connection: sqlite3.Connection, sql: str, parameters: Parameters = (), is_inside: bool = False, fetch: Fetch = "all"
) -> tuple[list[Row], Result]:
    """Execute a statement, inside of a transaction or not. Return its rows, or only the first, and what it changed."""
    if is_inside:
        _refuse_rolled_back(connection)
    if _ENDS_TRANSACTION.match(sql):
        raise sqlite3.ProgrammingError(_BY_HAND)
    try:
        cursor = connection.execute(sql, parameters)
        rows = cursor.fetchmany(1) if fetch == "first" else cursor.fetchall()
    except Exception as error:
        error.add_note(" ".join(sql.split())[:200])
        raise
    if connection.in_transaction and not is_inside:
        connection.rollback()
        raise sqlite3.ProgrammingError(_BY_HAND)
    result = Result(max(cursor.rowcount, 0), cursor.lastrowid or 0)
    cursor.close()
    return rows, result


def _run_all(connection: sqlite3.Connection, statements: Statements) -> None:
    for sql, parameters in statements:
        run(connection, sql, parameters, is_inside=True)


def _batch(connection: sqlite3.Connection, statements: Statements) -> None:
    if len(statements) == 1:
        run(connection, *statements[0])
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _run_all(connection, statements)
        _commit(connection)
    except BaseException:
        connection.rollback()
        raise


def _commit(connection: sqlite3.Connection) -> None:
    _refuse_rolled_back(connection)
    connection.commit()


def _refuse_rolled_back(connection: sqlite3.Connection) -> None:
    """SQLite rolls back by itself if the disk is full or fails. Later statements would not belong together."""
    if not connection.in_transaction:
        raise sqlite3.ProgrammingError("SQLite has rolled the transaction back already, after the error before this")


# ---- helpers ----


def split_statements(sql: str) -> list[str]:
    """Return the statements of a script. SQLite decides where one ends."""
    found: list[str] = []
    statement = ""
    for part in re.split(r"(?<=;)", sql):
        statement += part
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return [*found, statement] if statement.strip() else found


def with_statement(error: Exception) -> str:
    """Return an error's message and the statement that it belongs to."""
    return ", in: ".join([str(error), *getattr(error, "__notes__", ())])
