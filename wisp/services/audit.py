"""The audit: who did what in which guild, stored in the database for a while, without delaying the caller."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import math
import re
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Set
from typing import Any, NamedTuple, cast

import msgspec

from ..clock import Clock
from ..logs import get_logger, redacted
from .batching import BatchWriter
from .database import DatabaseService, Parameters
from .encoding import check_limit

_log = get_logger("wisp.audit")

LONGEST_ACTION = 100
"""The most characters of an action."""

LONGEST_TEXT = 1000
"""The most characters of one str in metadata. Longer ones are cut."""

LARGEST_METADATA = 16 * 1024
"""The most bytes of metadata, as JSON. Of larger metadata, only the size is kept."""

_DEEPEST, _WIDEST, _MOST_PARTS = 8, 100, 1000  # of metadata: levels, entries of one container, all together

# What waits to be written. There is more only if the disk fails, or in a burst.
_MOST_WAITING = 10_000
_MOST_WAITING_BYTES = 8 * 1024 * 1024

_PRUNED_EVERY = 1000  # records, or fewer if fewer are kept, ...
_PRUNED_AFTER = 86400.0  # ... and seconds
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds until a failed write is tried again, doubled each time

_LARGEST_ID = 2**63 - 1

_SECRET_KEY = re.compile(
    "(token|secret|passw(or)?d|passphrase|authorization|credential|(api|private)[-_ ]?key)s?$", re.I
)
_HIDDEN = "<hidden>"

_COLUMNS = "time, guild, user, action, metadata"
_INSERT = f"INSERT INTO wisp_audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
_PRUNE = """
    DELETE FROM wisp_audit WHERE id <= (SELECT max(id) FROM wisp_audit) - ? OR id < coalesce(
        (SELECT id FROM wisp_audit WHERE time >= ? ORDER BY id LIMIT 1), (SELECT max(id) + 1 FROM wisp_audit)
    )
"""


class AuditRecord(msgspec.Struct, frozen=True):
    """An action: when, by which user and in which guild (None if that was not said), and `metadata` as JSON has it.

    `time` has a time zone (UTC).
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
    """Records of actions: in the log (`wisp.audit`), and in the bot's database for `keep_days` days.

    If there are more than `keep_records`, the oldest are removed. Without a database the latest 1,000 are kept in
    memory. `dropped` counts the records that are only in the log, because more came than could be written.
    """

    def __init__(self, *, keep_days: float = 90.0, keep_records: int = 100_000) -> None:
        if not keep_days > 0 or keep_records < 1:
            raise ValueError(f"expected positive values, got keep_days={keep_days!r}, keep_records={keep_records!r}")
        self.keep_days: float = keep_days
        self.keep_records: int = keep_records
        self.dropped: int = 0
        self._unreported = 0  # dropped records that were not reported in the log yet
        self._db: DatabaseService | None = None
        self._clock = Clock()
        self._token: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_memory: deque[_Row] = deque(maxlen=1000)  # without a database
        self._lock = threading.Lock()  # of the two counts: other threads log as well
        self._waiting = 0  # rows that are not written yet
        self._waiting_bytes = 0
        self._writer: BatchWriter[list[_Row]] = BatchWriter(self._write)
        self._unwritten: list[_Row] = []  # rows that the database refused
        self._retry: asyncio.TimerHandle | None = None
        self._retry_after = _FIRST_RETRY
        self._until_pruned = 0
        self._prune_at = 0.0

    async def start(self, session: Any) -> None:
        """Write records to the database of this session from now on."""
        loop = asyncio.get_running_loop()
        self.use(session.database, session.clock, token=session.config.token, loop=loop)

    def use(
        self,
        db: DatabaseService | None,
        clock: Clock,
        *,
        token: str | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Write records to this database, by this clock and in this event loop. `token` is the bot's: it is hidden."""
        self._db, self._clock, self._token, self._loop = db, clock, token, loop
        self._until_pruned = 0

    async def stop(self) -> None:
        """Write what waits. If that fails, log how many records are in the log alone."""
        if self._db is None:
            return
        try:
            await self._flush()
        finally:
            self._db = self._loop = None
            self._stop_retrying()
        if self._unwritten:
            self.dropped += len(self._unwritten)
            _log.error("%d records of the audit could not be written, and are in the log alone", len(self._unwritten))
            self._forget(self._unwritten)
            self._unwritten = []

    def log_action(
        self,
        action: str,
        user_id: int | None = None,
        guild_id: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Record an action. It never waits and never raises, whatever its arguments are, and works in any thread.

        `metadata` is converted to JSON now: other values become str, what is too deep, wide or long is cut, and secrets
        are hidden.
        """
        try:
            row = self._row(action, user_id, guild_id, metadata)
            _log.info("%s by %s in %s: %s", row.action, row.user or "-", row.guild or "-", row.metadata)
            if self._db is None:
                self._in_memory.append(row)
            elif self._has_room_for(row):
                if self._loop is None:  # not started: the next call of recent() writes it
                    self._unwritten.append(row)
                else:
                    self._loop.call_soon_threadsafe(self._add, row)
        except Exception:
            _log.exception("an action could not be recorded")

    async def recent(self, *, guild_id: int | None = None, limit: int = 50) -> list[AuditRecord]:
        """Return the latest records, newest first, of one guild, or of all (None), with all that were logged before.

        Raises ValueError if `limit` is negative or `guild_id` is not an id, and DatabaseError if the database cannot
        be read.
        """
        check_limit(limit)
        if guild_id is not None and _id(guild_id) is None:
            raise ValueError(f"guild_id: expected the id of a server, got {guild_id!r}")
        if self._db is None:
            unwritten: Iterable[_Row] = self._in_memory
            found: list[tuple[Any, ...]] = []
        else:
            self._db.refuse_inside_transaction()
            await self._flush()
            unwritten = self._unwritten
            condition, parameters = ("", []) if guild_id is None else ("AND guild = ?", [int(guild_id)])
            sql = f"SELECT {_COLUMNS} FROM wisp_audit WHERE time >= ? {condition} ORDER BY id DESC LIMIT ?"
            found = await self._db.fetchall(sql, [self._oldest(), *parameters, min(limit, self.keep_records)])
        rows = [row for row in reversed([*unwritten]) if guild_id is None or row.guild == guild_id]
        return [_record(row) for row in [*rows, *(_Row(*row) for row in found)][:limit]]

    # ---- writing ----

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

    def _has_room_for(self, row: _Row) -> bool:
        with self._lock:
            if self._waiting < _MOST_WAITING and self._waiting_bytes < _MOST_WAITING_BYTES:
                self._waiting += 1
                self._waiting_bytes += _size(row)
                return True
            self.dropped += 1
            self._unreported += 1
            is_first = self._unreported == 1
        if is_first:
            _log.warning("the audit queue is full, the database is too slow: new records are dropped")
        return False

    def _forget(self, rows: list[_Row]) -> None:
        """Make room: these rows do not wait any longer."""
        with self._lock:
            self._waiting -= len(rows)
            self._waiting_bytes -= sum(map(_size, rows))

    def _add(self, row: _Row) -> None:
        if self._retry is None:
            self._writer.add([row])
        else:
            self._unwritten.append(row)

    async def _flush(self) -> None:
        """Wait until everything that was logged is written, or the attempt has failed."""
        await asyncio.sleep(0)  # rows that were logged before are added
        self._stop_retrying()
        self._writer.add([])
        await self._writer.drain()

    async def _write(self, batches: list[list[_Row]]) -> None:
        """Write a batch, after the rows that could not be written before. Does not raise, but tries again later."""
        db = self._db
        rows = [*self._unwritten, *itertools.chain.from_iterable(batches)]
        if db is None or not rows:
            return
        self._unwritten = rows.copy()
        missing = self._unreported
        hole = [self._row("audit.dropped", None, None, {"count": missing})] if missing else []
        statements: list[tuple[str, Parameters]] = [(_INSERT, row) for row in [*rows, *hole]]
        if is_pruning := self._until_pruned <= len(rows) or self._clock.time() >= self._prune_at:
            statements.append((_PRUNE, (self.keep_records, self._oldest())))
        try:
            await db.batch(statements)
        except Exception as error:
            if self._retry_after == _FIRST_RETRY:
                _log.error("the audit could not be written, and is tried again: %s", error)
            self._stop_retrying()
            self._retry = self._clock.call_later(self._retry_after, self._try_again)
            self._retry_after = min(2 * self._retry_after, _LAST_RETRY)
            return
        del self._unwritten[: len(rows)]
        self._forget(rows)
        self._retry_after = _FIRST_RETRY
        self._until_pruned -= len(rows)
        if is_pruning:
            self._until_pruned = min(_PRUNED_EVERY, self.keep_records)
            self._prune_at = self._clock.time() + min(_PRUNED_AFTER, 86400 * self.keep_days)
        if missing:
            self._unreported -= missing
            _log.warning("the audit dropped %d records: they are only in the log", missing)

    def _try_again(self) -> None:
        self._retry = None
        self._writer.add([])

    def _stop_retrying(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _oldest(self) -> float:
        return self._clock.time() - 86400 * self.keep_days


def _size(row: _Row) -> int:
    return 200 + len(row.action) + len(row.metadata)


def _record(row: _Row) -> AuditRecord:
    time = datetime.datetime.fromtimestamp(row.time, datetime.UTC)
    return AuditRecord(time, row.action, row.user, row.guild, msgspec.json.decode(row.metadata))


def _id(value: object) -> int | None:
    """Return an id, given as a number or as an object of hikari's that has one, None if it is not an id."""
    try:
        id = int(cast(Any, value))
    except Exception:
        return None
    return id if 0 <= id <= _LARGEST_ID and not isinstance(value, (str, bytes)) else None


# ---- metadata ----


class _Plain:
    """Convert any value to what JSON can hold, within bounds and without secrets. `token` is the bot's."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._left = _MOST_PARTS

    def value(self, value: object, depth: int) -> Any:
        """Return the value if JSON has it, else a str that describes it."""
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
        """Return the value as a short str that can be encoded as UTF-8."""
        try:
            text = str.__str__(value) if isinstance(value, str) else str(value)
        except Exception:  # its __str__ is broken
            text = f"<{type(value).__name__}>"
        # cut before it is searched, but so late that no secret is cut in half: a redaction is up to 10 times shorter
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
