"""The audit: who did what in which guild, stored in the database for a while, without delaying the caller."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import math
import re
import threading
from collections import deque
from collections.abc import Collection, Mapping, Set
from contextvars import Context
from typing import Any, NamedTuple, cast

import msgspec

from ..clock import Clock
from ..logs import get_logger, redacted
from .database import DatabaseService
from .encoding import check_limit

_log = get_logger("wisp.audit")

LONGEST_TEXT = 1000
"""The most characters of one str in metadata. Longer ones are cut."""

LARGEST_METADATA = 16 * 1024
"""The most bytes of metadata, as JSON. Of larger metadata, only the size is kept."""

_LONGEST_ACTION = 100  # characters
_DEEPEST, _WIDEST, _MOST_PARTS = 8, 100, 1000  # of metadata: levels, entries of one container, all together

# What waits to be written. There is more only if the disk fails, or in a burst.
_MOST_WAITING = 10_000
_MOST_WAITING_BYTES = 8 * 1024 * 1024

_RETRY_AFTER = 10.0  # seconds until a failed write is tried again

_SECRET_KEY = re.compile(
    "(token|secret|passw(or)?d|passphrase|authorization|credential|(api|private)[-_ ]?key)s?$", re.I
)
_HIDDEN = "<hidden>"

_INSERT = "INSERT INTO wisp_audit (time, guild, user, action, metadata) VALUES (?, ?, ?, ?, ?)"
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

    If there are more than `keep_records`, the oldest are removed. Records wait in memory until they are written.
    `dropped` counts those that are only in the log, because more came than could be written.
    """

    def __init__(self, *, keep_days: float = 90.0, keep_records: int = 100_000) -> None:
        if not keep_days > 0 or keep_records < 1:
            raise ValueError(f"expected positive values, got keep_days={keep_days!r}, keep_records={keep_records!r}")
        self.keep_days: float = keep_days
        self.keep_records: int = keep_records
        self.dropped: int = 0
        self._db: DatabaseService | None = None
        self._clock = Clock()
        self._token: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[_Row] = deque()  # rows that are not written yet
        self._waiting_bytes = 0
        self._is_full = False
        self._lock = threading.RLock()  # of those three: other threads log as well
        self._writer: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None  # set while the database fails

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

    async def stop(self) -> None:
        """Write what waits. If that fails, log how many records are in the log alone."""
        if self._db is None:
            return
        try:
            await self._flush()
        finally:
            self._db = self._loop = None
            self._stop_retrying()
        if lost := len(self._waiting):
            _log.error("%d records of the audit could not be written, and are in the log alone", lost)
            self.dropped += lost
            self._forget(lost)

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
            if self._queue(row) and self._loop is not None:
                self._loop.call_soon_threadsafe(self._wake)
        except Exception:
            _log.exception("an action could not be recorded")

    async def recent(self, *, guild_id: int | None = None, limit: int = 50) -> list[AuditRecord]:
        """Return the latest records, newest first, of one guild, or of all (None), with all that were logged before.

        Raises ValueError if `limit` is negative, and DatabaseError if the database cannot be read.
        """
        check_limit(limit)
        written: list[tuple[Any, ...]] = []
        if self._db is not None:
            self._db.refuse_inside_transaction()
            await self._flush()
            condition, parameters = ("", []) if guild_id is None else ("AND guild = ?", [int(guild_id)])
            written = await self._db.fetchall(
                "SELECT time, guild, user, action, metadata FROM wisp_audit "
                f"WHERE time >= ? {condition} ORDER BY id DESC LIMIT ?",
                [self._oldest(), *parameters, min(limit, self.keep_records)],
            )
        waiting = [row for row in reversed([*self._waiting]) if guild_id is None or row.guild == guild_id]
        return [_record(row) for row in [*waiting, *(_Row(*row) for row in written)][:limit]]

    # ---- writing ----

    def _row(self, action: object, user_id: object, guild_id: object, metadata: object) -> _Row:
        plain = _Plain(self._token)
        short = " ".join(str(plain.value(action)).split())[:_LONGEST_ACTION]
        kept = plain.value({} if metadata is None else metadata)
        encoded = msgspec.json.encode(kept if isinstance(kept, dict) else {"metadata": kept})
        if len(encoded) > LARGEST_METADATA:
            encoded = msgspec.json.encode({"cut": f"{len(encoded)} bytes of metadata"})
        return _Row(self._clock.time(), _id(guild_id), _id(user_id), short, encoded.decode())

    def _queue(self, row: _Row) -> bool:
        """Let a row wait to be written. Return False if there is no room for it."""
        with self._lock:
            if len(self._waiting) < _MOST_WAITING and self._waiting_bytes < _MOST_WAITING_BYTES:
                self._waiting.append(row)
                self._waiting_bytes += _size(row)
                return True
            self.dropped += 1
            if not self._is_full:
                self._is_full = True
                _log.warning("the audit queue is full, the database is too slow: new records are only in the log")
            return False

    def _forget(self, count: int) -> None:
        """Remove the rows that have waited the longest."""
        with self._lock:
            for _ in range(count):
                self._waiting_bytes -= _size(self._waiting.popleft())
            self._is_full = False

    def _wake(self) -> None:
        if self._retry is None:
            self._start_writer()

    def _start_writer(self) -> asyncio.Task[None]:
        if self._writer is None or self._writer.done():
            # in an empty context, because the caller's may hold a transaction
            self._writer = asyncio.get_running_loop().create_task(self._write(), context=Context())
        return self._writer

    async def _flush(self) -> None:
        """Wait until everything that was logged is written, or the attempt has failed."""
        await asyncio.wait({self._start_writer()})

    async def _write(self) -> None:
        """Write what waits. Does not raise, but tries again later."""
        while self._waiting and self._db is not None:
            rows = [*self._waiting]
            prune = (_PRUNE, (self.keep_records, self._oldest()))
            try:
                await self._db.batch([*((_INSERT, row) for row in rows), prune])
            except Exception as error:
                if self._retry is None:
                    _log.error("the audit could not be written, and is tried again: %s", error)
                self._stop_retrying()
                self._retry = self._clock.call_later(_RETRY_AFTER, self._start_writer)
                return
            self._stop_retrying()
            self._forget(len(rows))

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
    return id if 0 <= id < 2**63 else None


# ---- metadata ----


class _Plain:
    """Convert any value to what JSON can hold, within bounds and without secrets. `token` is the bot's."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._left = _MOST_PARTS

    def value(self, value: object, depth: int = 0) -> Any:
        """Return the value if JSON has it, else a str that describes it."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return "..."
        what = type(value).__name__
        try:
            if value is None or isinstance(value, bool):
                return value
            if isinstance(value, int) and value.bit_length() < 64:
                return int(value)
            if isinstance(value, float) and math.isfinite(value):
                return float(value)
            if isinstance(value, Mapping):
                return self._mapping(cast("Mapping[object, object]", value), depth)
            if isinstance(value, (list, tuple, Set, deque)):
                return self._list(cast("Collection[object]", value), depth)
            return self._text(value)
        except Exception:  # it breaks when it is read
            return f"<{what}>"

    def _text(self, value: object) -> str:
        """Return the value as a short str that can be encoded as UTF-8."""
        # cut before it is searched, but so late that no secret is cut in half: a redaction is up to 10 times shorter
        text = str(value)[: 20 * LONGEST_TEXT]
        text = redacted(text.replace(self._token, "<token>") if self._token else text)
        return (text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...").encode(errors="replace").decode()

    def _list(self, value: Collection[object], depth: int) -> Any:
        found = [self.value(one, depth + 1) for one in itertools.islice(value, _WIDEST)]
        return [*found, "..."] if len(value) > _WIDEST else found

    def _mapping(self, value: Mapping[object, object], depth: int) -> Any:
        found: dict[str, Any] = {}
        for name, one in itertools.islice(value.items(), _WIDEST):
            key = self._text(name)
            is_secret = one is not None and _SECRET_KEY.search(key)
            found[key] = _HIDDEN if is_secret else self.value(one, depth + 1)
        return {**found, "...": "..."} if len(value) > _WIDEST else found
