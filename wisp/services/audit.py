"""The audit: who did what where, kept in the database for a while, without anybody waiting for it."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import itertools
import math
import re
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec

from ..clock import Clock
from ..logs import get_logger, redacted
from . import Database
from .encoding import check_limit

_log = get_logger("wisp.audit")

LONGEST_ACTION = 100
"""The most characters of an action."""

LONGEST_TEXT = 1000
"""The most characters of one text in metadata; what is longer is cut."""

LARGEST_METADATA = 16 * 1024
"""The most bytes of metadata, as JSON; of what is larger, nothing is kept but that it was."""

_DEEPEST, _WIDEST, _MOST_PARTS = 8, 100, 1000  # of metadata: levels, entries of one container, all together

# What waits to be written. More than that comes only while the disk fails, or before it had a chance.
_MOST_WAITING = 10_000
_MOST_WAITING_BYTES = 8 * 1024 * 1024

_BATCH = 200  # rows an INSERT
_PRUNED_EVERY = 1000  # records, fewer where fewer are kept, ...
_PRUNED_AFTER = 86400.0  # ... and seconds
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds after which a failed write is tried again, doubled each time

_LARGEST_ID = 2**63 - 1

_SECRET_KEY = re.compile(
    "(token|secret|passw(or)?d|passphrase|authorization|credential|(api|private)[-_ ]?key)s?$", re.I
)
_HIDDEN = "<hidden>"

_MIGRATIONS = {
    1: """
        CREATE TABLE wisp_audit (
            id INTEGER PRIMARY KEY,    -- in the order of the calls
            time REAL NOT NULL,        -- seconds since the epoch
            guild INTEGER,
            user INTEGER,
            action TEXT NOT NULL,
            metadata TEXT NOT NULL     -- JSON
        );
        CREATE INDEX wisp_audit_of_guild ON wisp_audit (guild, id);
    """,
}

_COLUMNS = "time, guild, user, action, metadata"


class AuditRecord(msgspec.Struct, frozen=True):
    """Something that was done: the `action`, when, by whom and where (None where nobody said), and what goes with it.

    `time` has a time zone (UTC). `metadata` is what was given, as JSON has it.
    """

    time: datetime.datetime
    action: str
    user_id: int | None
    guild_id: int | None
    metadata: dict[str, Any]


class _Row(NamedTuple):
    time: float
    guild: int | None
    user: int | None
    action: str
    metadata: str


class AuditService:
    """What was done, by whom and where: in the log (`wisp.audit`), and in the bot's database for `keep_days` days.

    Of more than `keep_records` records the oldest go. Without a database the latest 1,000 are remembered while the bot
    runs. `dropped` counts the records that are in the log alone, since more came than could be written.
    """

    def __init__(self, *, keep_days: float = 90.0, keep_records: int = 100_000) -> None:
        if not keep_days > 0 or keep_records < 1:
            raise ValueError(f"expected to keep something, got keep_days={keep_days!r}, keep_records={keep_records!r}")
        self.keep_days: float = keep_days
        self.keep_records: int = keep_records
        self.dropped: int = 0
        self._unsaid = 0  # dropped since the database was last told
        self._db: Database | None = None
        self._clock = Clock()
        self._token: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_prepared = False
        self._lock = threading.Lock()  # of what waits: other threads log as well
        self._waiting: deque[_Row] = deque()
        self._waiting_bytes = 0
        self._remembered: deque[_Row] = deque(maxlen=1000)
        self._writing: asyncio.Task[None] | None = None
        self._is_woken = False
        self._retry: asyncio.TimerHandle | None = None
        self._retry_after = _FIRST_RETRY
        self._until_pruned = 0
        self._prune_again = 0.0  # at that time

    async def start(self, session: Any) -> None:
        """Keep records in the database of this session from now on."""
        self.use(session.own_database, session.clock, token=session.config.token)
        self._loop = asyncio.get_running_loop()
        if self._waiting:
            self._wake()

    def use(self, db: Database | None, clock: Clock, *, token: str | None = None) -> None:
        """Keep records in this database, by this clock. `token` is the bot's, which is written nowhere."""
        self._db, self._clock, self._token = db, clock, token
        self._is_prepared = False

    async def stop(self) -> None:
        """Write what waits. Where that fails it is in the log alone, which says how much that is."""
        if self._db is None:
            return
        try:
            await self._written()
        finally:
            self._db = self._loop = None
            self._stop_retrying()
        if self._waiting:
            self.dropped += len(self._waiting)
            _log.error("%d records of the audit could not be written, and are in the log alone", len(self._waiting))
            self._forget_waiting(len(self._waiting))

    # ---- what users call ----

    def log_action(
        self,
        action: str,
        user_id: int | None = None,
        guild_id: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Note that something was done. It waits for nothing and raises nothing, whatever it is given.

        `metadata` is read now, as JSON: what JSON does not know becomes a text, what is too deep, wide or long is cut,
        and secrets are hidden. It works in any thread.
        """
        try:
            row = self._row(action, user_id, guild_id, metadata)
            _log.info("%s by %s in %s: %s", row.action, row.user or "-", row.guild or "-", row.metadata)
            if self._db is None:
                self._remembered.append(row)
            else:
                self._enqueue(row)
        except Exception:
            _log.exception("an action was not kept by the audit")

    async def recent(self, *, guild_id: int | None = None, limit: int = 50) -> list[AuditRecord]:
        """The latest records, newest first, of one server or (None) of all: what was logged before this is there.

        Raises ValueError for a limit below 0 and for what is no id, and DatabaseError where the database cannot be
        read.
        """
        check_limit(limit)
        if guild_id is not None and _id(guild_id) is None:
            raise ValueError(f"guild_id: expected the id of a server, got {guild_id!r}")
        db = self._db
        if db is None:
            rows = [row for row in reversed(self._remembered) if guild_id is None or row.guild == guild_id]
            return [_record(row) for row in rows[:limit]]
        await db.fetchone("SELECT 1")  # inside a transaction this raises, where waiting for the writes would not end
        await self._written()
        await self._prepare(db)
        unwritten = [row for row in reversed(self._waiting) if guild_id is None or row.guild == guild_id]
        where, parameters = ("", []) if guild_id is None else ("AND guild = ?", [int(guild_id)])
        sql = f"SELECT {_COLUMNS} FROM wisp_audit WHERE time >= ? {where} ORDER BY id DESC LIMIT ?"
        found = await db.fetchall(sql, [self._oldest(), *parameters, min(limit, self.keep_records)])
        return [_record(row) for row in [*unwritten, *(_Row(*row) for row in found)][:limit]]

    # ---- one record ----

    def _row(self, action: object, user_id: object, guild_id: object, metadata: object) -> _Row:
        plain = _Plain(self._token)
        text = plain.text(action)
        kept = plain.value({} if metadata is None else metadata, 0)
        for name, id in (("user_id", user_id), ("guild_id", guild_id)):
            if id is not None and _id(id) is None:
                kept = {name: plain.value(id, 1), "metadata": kept}
        if not isinstance(kept, dict):
            kept = {"metadata": kept}
        encoded = msgspec.json.encode(kept)
        if len(encoded) > LARGEST_METADATA:
            encoded = msgspec.json.encode({"cut": f"{len(encoded)} bytes of metadata"})
        short = " ".join(text.split())[:LONGEST_ACTION]
        return _Row(self._clock.time(), _id(guild_id), _id(user_id), short, encoded.decode())

    # ---- writing ----

    def _enqueue(self, row: _Row) -> None:
        with self._lock:
            if is_full := len(self._waiting) >= _MOST_WAITING or self._waiting_bytes >= _MOST_WAITING_BYTES:
                self.dropped += 1
                self._unsaid += 1
            else:
                self._wait_with(row)
        if not is_full:
            self._wake()
        elif self._unsaid == 1:
            _log.warning("more is logged than the database takes: the audit drops what comes now, and counts it")

    def _wait_with(self, row: _Row) -> None:
        self._waiting.append(row)
        self._waiting_bytes += _size(row)

    def _wake(self) -> None:
        """Let the writing begin, once the event loop comes to it."""
        if self._loop is not None and not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._begin, context=contextvars.Context())

    def _begin(self) -> None:
        """Write what waits, in a context of its own: the caller's may hold a transaction."""
        self._is_woken = False
        if self._writing is None and self._retry is None and self._db is not None:
            self._writing = asyncio.get_running_loop().create_task(self._write(self._db), context=contextvars.Context())

    async def _written(self) -> None:
        """Wait until what waits is written, or that failed."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        if self._waiting or self._unsaid:
            self._stop_retrying()
            self._begin()
            if self._writing is not None:
                await asyncio.wait({self._writing})

    async def _write(self, db: Database) -> None:
        try:
            await self._prepare(db)
            while self._waiting or self._unsaid:
                self._tell_dropped()
                with self._lock:
                    batch = list(itertools.islice(self._waiting, _BATCH))
                await db.execute(_insert(len(batch)), [value for row in batch for value in row])
                self._forget_waiting(len(batch))
                await self._prune(db, len(batch))
            self._retry_after = _FIRST_RETRY
        except Exception as error:
            if self._retry_after == _FIRST_RETRY:
                _log.error("the audit could not be written, and is tried again: %s", error)
            if self._db is not None:
                self._retry = self._clock.call_later(self._retry_after, self._try_again)
            self._retry_after = min(2 * self._retry_after, _LAST_RETRY)
        finally:
            self._writing = None

    def _try_again(self) -> None:
        self._retry = None
        self._begin()

    def _stop_retrying(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _tell_dropped(self) -> None:
        """Leave a record of what is missing, where there is room again."""
        if self._unsaid and len(self._waiting) < _MOST_WAITING // 2:
            count, self._unsaid = self._unsaid, 0
            _log.warning("the audit dropped %d records: they are in the log alone", count)
            with self._lock:
                self._wait_with(self._row("audit.dropped", None, None, {"count": count}))

    def _forget_waiting(self, count: int) -> None:
        with self._lock:
            for _ in range(count):
                self._waiting_bytes -= _size(self._waiting.popleft())

    async def _prepare(self, db: Database) -> None:
        """Make the table, once: a bot that logs nothing has none."""
        if not self._is_prepared:
            await db.migrate("audit", _MIGRATIONS)
            self._is_prepared = True
            self._until_pruned = 0

    async def _prune(self, db: Database, written: int) -> None:
        self._until_pruned -= written
        if self._until_pruned > 0 and self._clock.time() < self._prune_again:
            return
        self._until_pruned = min(_PRUNED_EVERY, self.keep_records)
        self._prune_again = self._clock.time() + min(_PRUNED_AFTER, 86400 * self.keep_days)
        await db.execute(
            "DELETE FROM wisp_audit WHERE id <= (SELECT max(id) FROM wisp_audit) - ? OR id < coalesce("
            "(SELECT id FROM wisp_audit WHERE time >= ? ORDER BY id LIMIT 1), (SELECT max(id) + 1 FROM wisp_audit))",
            (self.keep_records, self._oldest()),
        )

    def _oldest(self) -> float:
        return self._clock.time() - 86400 * self.keep_days


@lru_cache(maxsize=_BATCH)
def _insert(count: int) -> str:
    return f"INSERT INTO wisp_audit ({_COLUMNS}) VALUES {', '.join(['(?, ?, ?, ?, ?)'] * count)}"


def _size(row: _Row) -> int:
    return 200 + len(row.action) + len(row.metadata)


def _record(row: _Row) -> AuditRecord:
    time = datetime.datetime.fromtimestamp(row.time, datetime.UTC)
    return AuditRecord(time, row.action, row.user, row.guild, msgspec.json.decode(row.metadata))


def _id(value: object) -> int | None:
    """An id, or something of hikari's that has one; None where it is none."""
    try:
        id = int(cast(Any, value))
    except Exception:
        return None
    return id if 0 <= id <= _LARGEST_ID and not isinstance(value, (str, bytes)) else None


# ---- metadata ----


class _Plain:
    """Makes of any value what JSON can hold, within bounds and without secrets. `token` is the bot's."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._left = _MOST_PARTS

    def value(self, value: object, depth: int) -> Any:
        """The value, as far as JSON knows it; else a text that says what it was."""
        self._left -= 1
        if self._left < 0:
            return "..."
        what = type(value).__name__
        try:
            if value is None or isinstance(value, bool):
                return value
            if isinstance(value, int):
                whole = int(value)
                return whole if whole.bit_length() < 64 else f"<number of {whole.bit_length()} bits>"
            if isinstance(value, float):
                return float(value) if math.isfinite(value) else str(float(value))
            if isinstance(value, (bytes, bytearray)):
                return f"<{len(value)} bytes>"
            if isinstance(value, (Mapping, list, tuple, Set, deque)):
                return self._container(cast("Iterable[object]", value), depth)
            return self.text(value)
        except Exception:
            return f"<{what}>"

    def text(self, value: object) -> str:
        """The value as a short text that can be written as UTF-8."""
        try:
            text = str.__str__(value) if isinstance(value, str) else str(value)
        except Exception:  # it cannot say what it is
            text = f"<{type(value).__name__}>"
        # cut before it is searched, but where no secret is cut in half: what hides one is up to ten times shorter
        text = text[: 20 * LONGEST_TEXT]
        text = redacted(text.replace(self._token, "<token>") if self._token else text)
        return (text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...").encode(errors="replace").decode()

    def _container(self, value: Iterable[object], depth: int) -> Any:
        if depth >= _DEEPEST:
            return "..."
        if not isinstance(value, Mapping):
            found = [self.value(one, depth + 1) for one in itertools.islice(value, _WIDEST)]
            return [*found, "..."] if len(cast("list[object]", value)) > _WIDEST else found
        plain: dict[str, Any] = {}
        for number, (name, one) in enumerate(cast("Mapping[object, object]", value).items()):
            if number == _WIDEST or self._left <= 0:
                plain["..."] = "..."
                break
            key = self.text(name)
            is_secret = one is not None and _SECRET_KEY.search(key)
            plain[key] = _HIDDEN if is_secret else self.value(one, depth + 1)
        return plain
