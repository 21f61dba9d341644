"""The database: one SQLite file, used from many tasks at once, that keeps what it acknowledged."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeVar, cast, get_args

import aiosqlite

from ..clock import Clock
from ..errors import DatabaseError
from ..logs import get_logger

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")
P = ParamSpec("P")

_log = get_logger("wisp.database")

Parameters = Sequence[Any] | Mapping[str, Any]
"""What stands for `?` (in order), or for `:name` (by name), in a statement."""

Row = tuple[Any, ...]

Fetch = Callable[[sqlite3.Connection, str, Parameters], list[Row]]

Operation = Literal["read", "write"]

Outcome = Literal["done", "failed", "cancelled"]

Durability = Literal["off", "normal", "full"]

MEMORY = ":memory:"
"""The path of a database in memory: nothing is kept after `stop()`."""

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

        -- the guilds that hold commands of an application; a bot from before migrations may have made it
        CREATE TABLE IF NOT EXISTS wisp_command_guilds (
            application INTEGER NOT NULL, guild INTEGER NOT NULL, PRIMARY KEY (application, guild)
        ) WITHOUT ROWID;
    """,
    2: """
        CREATE TABLE wisp_cooldowns (
            name TEXT NOT NULL,        -- of the limit
            key TEXT NOT NULL,         -- for whom it is counted, as Python writes it
            times TEXT NOT NULL,       -- of the uses, in seconds since the epoch, oldest first
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
}

_MIGRATIONS_TABLE = """
    CREATE TABLE IF NOT EXISTS wisp_migrations (
        owner TEXT NOT NULL, number INTEGER NOT NULL, applied REAL NOT NULL, PRIMARY KEY (owner, number)
    ) WITHOUT ROWID
"""

_IS_RECORDED = "SELECT 1 FROM wisp_migrations WHERE owner = ? AND number = ?"
_RECORD = "INSERT INTO wisp_migrations VALUES (?, ?, ?)"

_MADE = re.compile(r"CREATE TABLE (?!IF )(\w+)")
"""A table of `OWN_MIGRATIONS` that must not be there before."""

_ENDS_TRANSACTION = re.compile(
    r"(?:\s|;|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(?:BEGIN|COMMIT|END|ROLLBACK(?!\s+(TRANSACTION\s+)?TO\b))\b",
    re.IGNORECASE | re.DOTALL,
)

_NO_TRANSACTION_BY_HAND = (
    "a transaction that is begun or ended by hand would be everybody's. Use `async with db.transaction() as tx`"
)

_OPEN_ALREADY = (
    "another bot{holder} has it open (waited {wait:g} s), and a file serves one at a time. Stop that one, or give this "
    "one a database of its own (WISP_DATABASE)"
)

_POLL_LOCK = 0.25
"""Seconds between two attempts to take a lock that another process holds."""

# Group commit of guild data has a statement for each number of rows, up to 128, and all should stay compiled.
_COMPILED_STATEMENTS = 256

_NO_DATA = "A bot that keeps no data says so with wisp.Bot(database=None)"

_FOREIGN = (
    "the file belongs to another program: its table {table} was not made by wisp. The file was left as it is. Set "
    "another database (WISP_DATABASE), or move this one away"
)

# What SQLite's primary result codes (https://sqlite.org/rescode.html) mean, and the way out.
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space. A bot that runs then goes on by itself",
    sqlite3.SQLITE_BUSY: "another process holds it (waited {wait:g} s). Is the bot running twice, or the file open "
    "in a database browser? Close that",
    sqlite3.SQLITE_LOCKED: "another statement holds it. Read all rows of a query before writing",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only. Let the bot's user write to both (SQLite keeps "
    "two more files beside it while the bot runs), or keep no data, with wisp.Bot(database=None)",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Expected a file, or a place for a new one, in a folder that exists "
    f"and that the bot's user may write to. {_NO_DATA}",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database, and was left as it is. Move it away, or set another "
    "database (WISP_DATABASE)",
    sqlite3.SQLITE_CORRUPT: "the file is damaged. Put a backup in its place, or save what is left with "
    '`sqlite3 {path} ".recover"`',
    sqlite3.SQLITE_IOERR: "the disk failed. Is it full, or gone? Once it is back, a bot that runs goes on by itself",
    sqlite3.SQLITE_TOOBIG: "a value is too large for SQLite",
}


class Result(NamedTuple):
    """What a statement did: how many rows it changed, and the row id that the last INSERT gave (0 before any)."""

    rowcount: int
    lastrowid: int


class DatabaseService:
    """One SQLite file (`":memory:"` for none), open from `start()` to `stop()`.

    A statement is one trip to SQLite's thread. Writes take turns on one connection, reads have another and wait for
    nobody (in memory there is one for both). What was acknowledged survives the end of the process, `kill -9`
    included; with `durability="full"` also a power cut, at the price of one sync of the disk a write. With "off", which
    is for temporary data, the disk is never synced, and a power cut may damage the file.

    The file belongs to one bot at a time, because each bot caches what it has read. The bot holds a lock on the file
    `-lock` beside it, which the system releases when the process ends. A second bot waits up to `lock_timeout` for
    it. Other programs may read the file meanwhile.

    Everything raises DatabaseError, whose `__cause__` is sqlite3's, saying what was wrong and the way out; nothing
    of the failed operation is kept, and once the cause is gone the same service works again. A call that is
    cancelled has been carried out, or not: whole or not at all.
    """

    busy_timeout: float = 5.0
    """Seconds that a statement waits for another process that writes to the file. Set it before `start()`."""

    lock_timeout: float = 60.0
    """Seconds that `start()`, and migrations after it, wait by the clock for another process that holds the file."""

    start_limit: float | None = None
    """`start()` limits its own wait, and migrations of a large file may take long."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "normal",
        clock: Clock | None = None,
    ) -> None:
        if durability not in get_args(Durability):
            raise ValueError(f'durability: expected "off", "normal" or "full", got {durability!r}')
        self.path: str = os.fspath(path)
        self.file: str = self.path  # absolute from start() on: the bot may change its working directory
        self.durability: Durability = durability
        self.watch: Callable[[Operation, Outcome, float], object] | None = None  # told of each trip, with when it began
        self._clock = clock or Clock()
        self._has_clock = clock is not None
        self._wait = self.busy_timeout  # of the statements that run now, for messages
        self._writer: _Connection | None = None
        self._reader: _Connection | None = None
        self._writing = asyncio.Lock()  # whoever writes, or has a transaction open
        self._files: dict[str, tuple[int, int] | None] = {}
        self._lock: int | None = None  # the open lock file
        self._turn: _Turn | None = None  # of the latest start

    # ---- start and stop ----

    async def start(self, session: object = None) -> None:
        """Open the file, create it if it does not exist, and bring wisp's own tables up to date.

        If another process holds the file, log a warning and wait for it up to `lock_timeout`. Raises DatabaseError,
        and leaves the file as it is, if it is still held then, is no database, is damaged, cannot be written, or comes
        from a newer wisp.
        """
        if self._writer is not None:
            raise DatabaseError(self.path, "it is open already")
        if problem := _path_problem(self.path):
            raise DatabaseError(self.path, f"{problem}. {_NO_DATA}")
        self.file = _absolute(self.path)
        self._writing = asyncio.Lock()  # the one from before may belong to another event loop
        if not self._has_clock:
            self._clock = getattr(session, "clock", self._clock)
        self._wait = self.lock_timeout
        self._turn = turn = _Turn(self.path, self._clock, self.lock_timeout)
        try:
            self._writer = await turn.take(lambda: self._open(self._configure_writer))
            self._reader = self._writer if self.path == MEMORY else await self._open(self._configure_reader)
            self._files = self._identities()
            if self.path != MEMORY:
                self._lock = await self._locked(turn)
            await turn.take(lambda: self._write(self._migrate_own, self._clock.time()))
            self._wait = self.busy_timeout
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the file: what was asked before is finished, what comes later refused. Does nothing when closed.

        An open transaction is rolled back.
        """
        reader, writer = self._reader, self._writer
        self._reader = self._writer = None
        try:
            if reader is not None and reader is not writer:
                await reader.close()
        finally:
            if writer is not None:
                await writer.close()
            lock, self._lock = self._lock, None
            if lock is not None:
                _unlock(lock)

    async def _locked(self, turn: _Turn) -> int:
        """Take the lock of the file, once no other bot has it."""
        lock = self._lock_file()
        try:
            await turn.take(partial(self._take, lock), lambda: f"another bot{_holder(lock)} has it open")
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
        except BaseException as error:
            _unlock(lock)
            if isinstance(error, OSError):
                raise self._lock_refused(error) from error
            raise
        return lock

    async def _take(self, lock: int) -> None:
        if not _lock(lock):
            problem = _OPEN_ALREADY.format(holder=_holder(lock), wait=self._wait)
            raise DatabaseError(self.path, problem, "SQLITE_BUSY")

    def _lock_file(self) -> int:
        try:
            lock = os.open(self._lock_path(), os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._lock_refused(error) from error
        _lock_files.add(lock)
        return lock

    def _lock_path(self) -> str:
        return os.path.realpath(self.file) + "-lock"

    def _lock_refused(self, error: OSError) -> DatabaseError:
        way_out = "Let the bot's user write to it, on a local disk with free space"
        return DatabaseError(self.path, f"its lock {self._lock_path()} cannot be taken ({error.strerror}). {way_out}")

    async def _open(self, configure: Callable[[sqlite3.Connection], None]) -> _Connection:
        failures: list[BaseException] = []

        def connect() -> sqlite3.Connection:
            try:
                return self._connected(configure)
            except BaseException as error:
                failures.append(error)
                # aiosqlite waits for its thread to end only where it has a connection to close
                return sqlite3.connect(MEMORY)

        async def opened() -> _Connection:
            return cast(_Connection, await _Connection(connect, iter_chunk_size=64))

        opening = asyncio.create_task(opened())
        try:
            connection = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # its thread is at work and would be left behind
            await (await opening).close()
            raise
        for failure in failures:
            await connection.close()
            if isinstance(failure, sqlite3.Error):
                raise self._explained(failure) from failure
            raise failure
        return connection

    def _connected(self, configure: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.file,
            timeout=0,  # start() waits by the clock; a wait inside SQLite could not be cancelled
            isolation_level=None,  # sqlite3 begins no transaction of its own
            cached_statements=_COMPILED_STATEMENTS,
        )
        try:
            configure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _configure_writer(self, connection: sqlite3.Connection) -> None:
        """Look before changing anything: the file of another program, or of a newer wisp, stays as it is."""
        if table := _foreign_table(connection):
            raise DatabaseError(self.path, _FOREIGN.format(table=table))
        self._refuse_newer("wisp", OWN_MIGRATIONS, _recorded(connection, "wisp"))
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self.durability}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode not in ("wal", "memory"):
            raise DatabaseError(self.path, "this file system has no shared memory for SQLite. Keep it on a local disk")
        # Finds out now whether the file can be written. BEGIN alone does not: SQLite lets a read-only file begin.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE wisp_can_write (it)")
        connection.execute("ROLLBACK")

    def _configure_reader(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = ON")
        _set_busy_timeout(connection, self.busy_timeout)  # nothing is read before start() ends

    # ---- statements ----

    async def execute(self, sql: str, parameters: Parameters = ()) -> Result:
        """Carry out one statement, committed when this returns."""
        self.refuse_inside_transaction()
        return await self._write(_execute, sql, parameters)

    async def fetchone(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row of a query, None where it has none."""
        self.refuse_inside_transaction()
        rows = await self._read(_fetch_first, sql, parameters)
        return rows[0] if rows else None

    async def fetchall(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query."""
        self.refuse_inside_transaction()
        return await self._read(_fetchall, sql, parameters)

    async def batch(self, statements: Sequence[tuple[str, Parameters]]) -> None:
        """Carry out several statements as one transaction, in one trip: all of them are kept, or none."""
        self.refuse_inside_transaction()
        if statements:
            await self._write(_batch, statements)

    def transaction(self) -> Transaction:
        """`async with db.transaction() as tx`: statements that are kept together, or not at all.

        It has the only right to write until it ends: other tasks' writes wait. It is committed at the end of the
        block, and rolled back where the block raises or is cancelled.
        """
        return Transaction(self)

    def refuse_inside_transaction(self) -> None:
        """Raise DatabaseError inside a transaction, or in a task started there: waiting for it would be for ever."""
        transaction = _current.get()
        if transaction is not None and transaction.is_open and transaction.database is self:
            raise DatabaseError(
                self.path,
                "this is inside a transaction, which would wait for itself. Use the transaction's own execute, "
                "fetchone and fetchall, or do this before or after it",
            )

    async def _read(self, fetch: Fetch, sql: str, parameters: Parameters) -> list[Row]:
        if self._reader is not self._writer:
            try:
                return await self._on(self._reader, fetch, sql, parameters)
            except DatabaseError as error:
                if _primary_code(error.__cause__) != sqlite3.SQLITE_READONLY:
                    raise
        # It may write as well (INSERT ... RETURNING), which is committed with its last row; only SQLite can tell.
        return await self._write(_fetchall, sql, parameters)

    async def _write(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **_: P.kwargs) -> T:
        writer = self._writer
        async with self._writing:
            return await self._on(writer, self._in_place, work, *args)

    async def _on(
        self, connection: _Connection | None, work: Callable[Concatenate[sqlite3.Connection, ...], T], *args: Any
    ) -> T:
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
                self.watch("read" if {work, *args[:1]} & _READS else "write", outcome, began)

    # ---- the file, in SQLite's thread ----

    def _identities(self) -> dict[str, tuple[int, int] | None]:
        if self.path == MEMORY:
            return {}
        return {path: _identity(path) for path in (self.file, f"{self.file}-wal")}

    def _in_place(
        self, connection: sqlite3.Connection, work: Callable[Concatenate[sqlite3.Connection, ...], T], *args: Any
    ) -> T:
        """Do work on the file, unless it was replaced: SQLite goes on writing to a file that was deleted."""
        self._refuse_replaced()
        return work(connection, *args)

    def _refuse_replaced(self) -> None:
        for path, identity in self._files.items():
            if _identity(path) != identity:
                raise DatabaseError(
                    self.path,
                    f"{path} was deleted, moved or replaced while the bot runs, and nothing more is written. "
                    "Put the same file back, or restart the bot",
                )

    # ---- migrations ----

    async def migrate(
        self, owner: str, migrations: Mapping[int, str | Callable[[Transaction], Awaitable[object]]]
    ) -> None:
        """Bring the tables of `owner` (a module's name) up to date: each migration runs once in the file's life.

        They are numbered from 1 without gaps; each is SQL, of one or several statements, or an async function of
        the transaction. Each runs in a transaction that also records it. Raises ValueError for a gap, and
        DatabaseError where one fails (nothing of it is kept, those before it are), and where the file has run one
        that is not there: it comes from newer code. While the bot starts, it waits for another process that holds the
        file as `start()` does, in the same `lock_timeout`.
        """
        if self._turn is None or self._turn.is_over():
            return await self._migrate_all(owner, migrations)
        self._wait = self.lock_timeout
        try:
            return await self._turn.take(lambda: self._migrate_all(owner, migrations))
        finally:
            self._wait = self.busy_timeout

    async def _migrate_all(
        self, owner: str, migrations: Mapping[int, str | Callable[[Transaction], Awaitable[object]]]
    ) -> None:
        if not _are_numbered(migrations):
            numbers = ", ".join(map(repr, migrations))
            raise ValueError(f"migrations of {owner}: expected them numbered from 1 without gaps, got {numbers}")
        recorded = await self._write(_recorded, owner)
        self._refuse_newer(owner, migrations, recorded)
        for number in range(recorded + 1, len(migrations) + 1):
            try:
                await self._migrate(owner, number, migrations[number])
            except Exception as error:
                problem = getattr(error, "message", str(error))
                failed = DatabaseError(
                    self.path,
                    f"migration {number} of {owner} failed, and nothing of it was kept: {problem}",
                    getattr(error, "code", None),
                )
                failed.migration = number
                raise failed from error

    async def _migrate(
        self, owner: str, number: int, migration: str | Callable[[Transaction], Awaitable[object]]
    ) -> None:
        record = (owner, number, self._clock.time())
        if isinstance(migration, str):
            await self._write(_run_migration_alone, record, migration)
            return
        async with self.transaction() as tx:
            await tx.execute(_MIGRATIONS_TABLE)
            if not await tx.fetchone(_IS_RECORDED, (owner, number)):
                await migration(tx)
                await tx.execute(_RECORD, record)

    def _migrate_own(self, connection: sqlite3.Connection, now: float) -> None:
        """Bring wisp's own tables up to date, and let statements wait for other processes from now on."""
        recorded = _recorded(connection, "wisp")
        self._refuse_newer("wisp", OWN_MIGRATIONS, recorded)
        for number in range(1, recorded + 1):
            for table in _MADE.findall(OWN_MIGRATIONS[number]):
                connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # else the first use would fail
        missing = range(recorded + 1, len(OWN_MIGRATIONS) + 1)
        if missing:
            with _whole(connection):
                for number in missing:
                    _run_migration(connection, ("wisp", number, now), OWN_MIGRATIONS[number])
        _set_busy_timeout(connection, self.busy_timeout)

    def _refuse_newer(self, owner: str, migrations: Mapping[int, object], recorded: int) -> None:
        if recorded > len(migrations):
            raise DatabaseError(
                self.path,
                f"it comes from a newer {owner}: it has run migration {recorded}, this one knows {len(migrations)}. "
                f"Update {owner}, or use a backup from before. The file was left as it is",
            )

    # ---- backup ----

    async def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a consistent copy to `path` while the bot runs. Raises DatabaseError where a file is there already.

        Nobody waits for it, except in memory. Where it fails, no half copy stays behind.
        """
        self.refuse_inside_transaction()
        if self._writer is None:
            raise DatabaseError(self.path, "it is not open: the bot has not started yet, or has closed")
        target = os.fspath(path)
        if self.path == MEMORY:
            return await self._write(partial(self._copy, target))
        return await asyncio.to_thread(self._copy_file, target)

    def _copy_file(self, target: str) -> None:
        self._refuse_replaced()  # if there is no file, SQLite would make one
        with closing(sqlite3.connect(self.file, timeout=self.busy_timeout, isolation_level=None)) as connection:
            self._in_place(connection, partial(self._copy, target))

    def _copy(self, target: str, connection: sqlite3.Connection) -> None:
        unfinished = f"{target}.{secrets.token_hex(4)}.part"
        try:
            open(target, "x").close()  # the name is taken now, whoever else wants it
        except OSError as error:
            way_out = "A backup overwrites nothing" if isinstance(error, FileExistsError) else "Choose another place"
            raise DatabaseError(self.path, f"no backup to {target}: {error.strerror}. {way_out}") from error
        try:
            connection.execute("VACUUM INTO ?", (unfinished,))
            os.replace(unfinished, target)
        except BaseException as error:
            for path in (unfinished, target):
                if os.path.exists(path):
                    os.unlink(path)
            code = getattr(error, "sqlite_errorname", None)
            raise DatabaseError(self.path, f"the backup to {target} failed: {error}", code) from error

    # ---- errors ----

    def _explained(self, error: Exception) -> DatabaseError:
        words = _WORDS.get(_primary_code(error) or sqlite3.SQLITE_OK)
        problem = words.format(path=self.path, wait=self._wait) if words else _with_notes(error)
        return DatabaseError(self.path, problem, getattr(error, "sqlite_errorname", None))


class Transaction:
    """Statements that are kept together: from `async with db.transaction() as tx`, until the block ends.

    Its statements see what it wrote; nobody else does before it is committed. Tasks started in the block may use it.
    """

    def __init__(self, database: DatabaseService) -> None:
        self.database: DatabaseService = database
        self.is_open: bool = False
        self._connection: _Connection | None = None
        self._lock: asyncio.Lock | None = None
        self._outer: Transaction | None = None

    async def execute(self, sql: str, parameters: Parameters = ()) -> Result:
        """Carry out one statement. Raises DatabaseError, after which the transaction can go on where SQLite lets it."""
        return await self._do(_execute, sql, parameters)

    async def fetchone(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row of a query, None where it has none."""
        rows = await self._do(_fetch_first, sql, parameters)
        return rows[0] if rows else None

    async def fetchall(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query."""
        return await self._do(_fetchall, sql, parameters)

    async def _do(
        self, work: Callable[[sqlite3.Connection, str, Parameters], T], sql: str, parameters: Parameters
    ) -> T:
        if not self.is_open:
            raise DatabaseError(
                self.database.path, "a transaction lives from the beginning of its `async with` block to its end"
            )
        return await self._on_connection(_inside, work, sql, parameters)

    async def _on_connection(self, work: Callable[Concatenate[sqlite3.Connection, ...], T], *args: Any) -> T:
        return await self.database._on(self._connection, work, *args)  # pyright: ignore[reportPrivateUsage]

    async def __aenter__(self) -> Transaction:
        database = self.database
        database.refuse_inside_transaction()
        if self._lock is not None:
            raise DatabaseError(database.path, "a transaction is used once: ask for another with db.transaction()")
        self._lock, self._connection = database._writing, database._writer  # pyright: ignore[reportPrivateUsage]
        await self._lock.acquire()
        try:
            await self._on_connection(database._in_place, _begin)  # pyright: ignore[reportPrivateUsage]
        except BaseException:
            await self._roll_back()
            raise
        self.is_open = True
        self._outer = _current.get()
        _current.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.is_open = False
        _current.set(self._outer)
        if error is None:
            await self._end(_commit)
        else:
            await self._roll_back()

    async def _roll_back(self) -> None:
        with suppress(DatabaseError):  # where it was closed meanwhile, that rolled it back
            await self._end(_rollback)

    async def _end(self, how: Callable[[sqlite3.Connection], None]) -> None:
        assert self._lock is not None
        try:
            # Cancelled here, it happens all the same: it is in the thread's queue, before what others write.
            await self._on_connection(how)
        finally:
            self._lock.release()


_current: ContextVar[Transaction | None] = ContextVar("wisp transaction", default=None)


class _Turn:
    """The wait of one start for other processes that hold the file, in all steps together."""

    def __init__(self, path: str, clock: Clock, seconds: float) -> None:
        self._path = path
        self._clock = clock
        self._seconds = seconds
        self._end = clock.monotonic() + seconds
        self._is_logged = False

    async def take(
        self, attempt: Callable[[], Awaitable[T]], holder: Callable[[], str] = lambda: "another process holds it"
    ) -> T:
        """Return the result of `attempt()`, repeated while another process holds the file and there is time left."""
        is_first = True
        while True:
            try:
                return await attempt()
            except DatabaseError as error:
                if not (error.code or "").startswith("SQLITE_BUSY") or self.is_over():
                    raise
            if not is_first:  # one statement of another program is no news
                self._log_once(holder())
            is_first = False
            await asyncio.sleep(_POLL_LOCK)

    def is_over(self) -> bool:
        """Whether there is no time left."""
        return self._clock.monotonic() >= self._end

    def _log_once(self, holder: str) -> None:
        if not self._is_logged:
            self._is_logged = True
            _log.warning("the database %s: %s. Waiting up to %g s for it to be free", self._path, holder, self._seconds)


class _Connection(aiosqlite.Connection):
    """aiosqlite's connection and its thread, in which any piece of work takes one trip."""

    async def close(self) -> None:
        """Close the connection after what was asked before, and end its thread."""
        # it is None only where no event loop runs
        closed = cast("asyncio.Future[object]", self.stop())  # pyright: ignore[reportUnknownMemberType]
        await closed

    async def do(self, work: Callable[Concatenate[sqlite3.Connection, ...], T], *args: Any) -> T:
        return cast(T, await self._execute(work, self._conn, *args))  # pyright: ignore[reportUnknownMemberType]


# ---- what happens in the connection's thread ----


def _set_busy_timeout(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def _run(connection: sqlite3.Connection, sql: str, parameters: Parameters) -> sqlite3.Cursor:
    inside = connection.in_transaction
    if _ENDS_TRANSACTION.match(sql):
        raise sqlite3.ProgrammingError(_NO_TRANSACTION_BY_HAND)
    try:
        cursor = connection.execute(sql, parameters)
        if connection.in_transaction and not inside:
            connection.execute("ROLLBACK")
            raise sqlite3.ProgrammingError(_NO_TRANSACTION_BY_HAND)
        return cursor
    except Exception as error:
        error.add_note(" ".join(sql.split())[:200])
        raise


def _execute(connection: sqlite3.Connection, sql: str, parameters: Parameters) -> Result:
    cursor = _run(connection, sql, parameters)
    if cursor.description is not None:
        cursor.fetchall()  # a statement has done its work, and is committed, with its last row
    return Result(max(cursor.rowcount, 0), cursor.lastrowid or 0)


def _fetchall(connection: sqlite3.Connection, sql: str, parameters: Parameters) -> list[Row]:
    return _run(connection, sql, parameters).fetchall()


def _fetch_first(connection: sqlite3.Connection, sql: str, parameters: Parameters) -> list[Row]:
    cursor = _run(connection, sql, parameters)
    row = cursor.fetchone()
    cursor.close()
    return [] if row is None else [row]


_READS = frozenset({_fetchall, _fetch_first})


def _batch(connection: sqlite3.Connection, statements: Sequence[tuple[str, Parameters]]) -> None:
    if len(statements) == 1:
        _execute(connection, *statements[0])
        return
    with _whole(connection):
        for sql, parameters in statements:
            _inside(connection, _execute, sql, parameters)


def _run_migration_alone(connection: sqlite3.Connection, record: tuple[str, int, float], script: str) -> None:
    """Run a migration in a transaction of its own."""
    with _whole(connection):
        _run_migration(connection, record, script)


def _run_migration(connection: sqlite3.Connection, record: tuple[str, int, float], script: str) -> None:
    """Run a migration inside a transaction, and record it, unless another task was quicker."""
    _execute(connection, _MIGRATIONS_TABLE, ())
    if _fetch_first(connection, _IS_RECORDED, record[:2]):
        return
    for statement in _statements(script):
        _inside(connection, _execute, statement, ())
    _inside(connection, _execute, _RECORD, record)


def _inside(
    connection: sqlite3.Connection,
    work: Callable[[sqlite3.Connection, str, Parameters], T],
    sql: str,
    parameters: Parameters,
) -> T:
    _refuse_outside(connection)
    return work(connection, sql, parameters)


@contextmanager
def _whole(connection: sqlite3.Connection) -> Generator[None]:
    """Commit what is done in the block, or roll all of it back if the block raises."""
    _begin(connection)
    try:
        yield
    except BaseException:
        _rollback(connection)
        raise
    _commit(connection)


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")


def _commit(connection: sqlite3.Connection) -> None:
    _refuse_outside(connection)
    try:
        connection.execute("COMMIT")
    except BaseException:
        _rollback(connection)
        raise


def _rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _refuse_outside(connection: sqlite3.Connection) -> None:
    """SQLite rolls back by itself where a disk is full or fails: what came next would not belong together."""
    if not connection.in_transaction:
        raise sqlite3.ProgrammingError("SQLite has rolled the transaction back already, after the error before this")


def _foreign_table(connection: sqlite3.Connection) -> str | None:
    """Return a table that has a name of wisp's and that wisp did not make, None if there is none."""
    # The names are read first: another bot that starts may make tables meanwhile, and records that with them.
    names = {name.lower() for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not names:
        return None
    columns = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info('wisp_migrations')")}
    if columns and not columns >= {"owner", "number", "applied"}:
        return "wisp_migrations"
    recorded = _recorded(connection, "wisp")
    made = (table for number in OWN_MIGRATIONS if number > recorded for table in _MADE.findall(OWN_MIGRATIONS[number]))
    return next((table for table in made if table in names), None)


def _recorded(connection: sqlite3.Connection, owner: str) -> int:
    """The number of the last migration of `owner` that the file has run, 0 before any."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'wisp_migrations'").fetchone():
        return 0
    (number,) = connection.execute("SELECT max(number) FROM wisp_migrations WHERE owner = ?", (owner,)).fetchone()
    return number or 0


# ---- migrations, tried without the bot's data ----


def _are_numbered(migrations: Mapping[Any, object]) -> bool:
    numbers = [number for number in migrations if isinstance(number, int) and not isinstance(number, bool)]
    return len(numbers) == len(migrations) and sorted(numbers) == [*range(1, len(numbers) + 1)]


def rehearsed(migrations: Mapping[int, object]) -> dict[int, str]:
    """Run SQL migrations in order in an empty database in memory; what SQLite says of those that it cannot run at all.

    A table that is not there may be in the bot's file, and functions are not run. After either, only what SQLite cannot
    read counts.
    """
    problems: dict[int, str] = {}
    is_whole = True  # it has all that the migrations before would have made in a new file
    with closing(sqlite3.connect(MEMORY, isolation_level=None)) as connection:
        connection.set_progress_handler(lambda: 1, _MOST_STEPS)
        connection.set_authorizer(_refuse_files)
        for number in sorted(migrations):
            work = migrations[number]
            is_whole = is_whole and isinstance(work, str)
            for error in _failures(connection, work) if isinstance(work, str) else ():
                if _is_unreadable(error) or (is_whole and not _depends_on_data(error)):
                    problems.setdefault(number, _with_notes(error))
                is_whole = False
    return problems


def _failures(connection: sqlite3.Connection, script: str) -> Iterator[Exception]:
    """Run the statements of a script in a transaction; the errors of those that fail."""
    try:
        statements = _statements(script)
    except ValueError as error:  # characters that no SQL has
        yield error
        return
    for statement in statements:
        if not connection.in_transaction:
            _begin(connection)
        try:
            _execute(connection, statement, ())
        except sqlite3.Error as error:
            yield error
    if connection.in_transaction:
        connection.execute("COMMIT")


def _refuse_files(action: int, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def _is_unreadable(error: Exception) -> bool:
    """Whether a statement fails whatever the database holds: it is no SQL, or nothing that a migration may do."""
    return isinstance(error, (sqlite3.ProgrammingError, ValueError)) or any(part in str(error) for part in _UNREADABLE)


def _depends_on_data(error: Exception) -> bool:
    return any(part in str(error) for part in _MISSING)


_MOST_STEPS = 1_000_000
"""Instructions of SQLite's machine that a statement gets in a rehearsal: some 10 ms."""

_UNREADABLE = ("syntax error", "incomplete input", "unrecognized token")
_MISSING = ("no such ", "interrupted", "not authorized")


# ---- small things ----


def _statements(sql: str) -> list[str]:
    """The statements of a script, by SQLite's own idea of where one ends."""
    found: list[str] = []
    statement = ""
    for part in re.split(r"(?<=;)", sql):
        statement += part
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return [*found, statement] if statement.strip() else found


_lock_files: set[int] = set()
"""The lock files that this process has open."""


def _lock(file: int) -> bool:
    """Take the lock of an open file; False if it is held already. The system frees it when the process ends.

    flock, because a POSIX lock (fcntl.lockf) does not keep two services of one process apart, and ends as soon as the
    process closes any descriptor of the file, also that of a service that was refused. An flock belongs to the open
    file, which a forked child shares: the child would keep the lock after the bot has ended. So it closes the file.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True


def _unlock(file: int) -> None:
    """Free the lock and close its file. Does nothing in a forked child, which does not have it."""
    if file in _lock_files:
        _lock_files.remove(file)
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_UN)  # C code that forks calls no hooks of Python
        os.close(file)


def _close_lock_files() -> None:
    while _lock_files:
        os.close(_lock_files.pop())


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_lock_files)


def _holder(lock: int) -> str:
    """Who has the lock, as far as the file says: " (process 42)"."""
    with suppress(OSError, ValueError):
        os.lseek(lock, 0, os.SEEK_SET)
        return f" (process {int(os.read(lock, 20))})"
    return ""


def _path_problem(path: str) -> str:
    """Return why a path is none of a file, "" if it may be one. SQLite would use it as something else."""
    if not path.strip() or "\0" in path or path.startswith("file:") or "://" in path:
        return "expected the path of a file"
    if path != MEMORY and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        return "expected a file, found a device, a pipe or a socket"
    return ""


def _absolute(path: str) -> str:
    """Return the path from the root. It is not normalized: "link/../x" is for the system to follow."""
    if path == MEMORY:
        return path
    with suppress(OSError):  # if the working directory was deleted, SQLite says so
        return os.path.join(os.getcwd(), path)
    return path


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _primary_code(error: BaseException | None) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _with_notes(error: Exception) -> str:
    return ", in: ".join([str(error), *getattr(error, "__notes__", ())])


def copied(error: DatabaseError) -> DatabaseError:
    """One for each who waits: an exception that many raise collects all their tracebacks."""
    copy = DatabaseError(error.path, error.message, error.code)
    copy.__cause__ = error
    return copy
