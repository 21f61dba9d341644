"""One-shot jobs in the database: written in groups, in one trip, and read in order of their time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextvars import Context
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import DatabaseError
from ..services.batching import copied
from ..services.database import DatabaseService, Parameters
from ..services.encoding import signed, unsigned

START = (float("-inf"), 0)
"""The place before all rows."""

_SMALL = 1024
"""Bytes of data that are read along with the row; more is read when the job runs."""

# Rows a statement: each count is a statement of its own that SQLite keeps compiled.
_CHUNK = 64

_COLUMNS = "id, name, due, guild, failures"
_SELECT = f"SELECT {_COLUMNS}, CASE WHEN length(data) <= {_SMALL} THEN data END FROM wisp_jobs"


class Row(NamedTuple):
    """One job that is to run at `due`, in seconds since the epoch. `data` is None where it is too long to be held."""

    id: int
    name: str
    due: float
    guild_id: int | None
    failures: int
    data: bytes | None


class OneShots:
    """The table of one-shot jobs. Everything raises DatabaseError, as DatabaseService does."""

    def __init__(self, db: DatabaseService) -> None:
        self._db = db
        self._last_id = 0
        self._added: list[Row] = []
        self._removed: list[int] = []
        self._moved: list[tuple[float, int, int]] = []
        self._next: asyncio.Future[None] | None = None  # of those that are queued
        self._sent: asyncio.Future[None] | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        """Return whether there are jobs, and read which ids were given, so that none is given twice.

        Raises DatabaseError if jobs cannot be read.
        """
        last_id = "SELECT seq FROM sqlite_sequence WHERE name = 'wisp_jobs'"
        rows = await self._db.fetchall(f"SELECT ({last_id}), EXISTS ({_SELECT})")
        self._last_id = rows[0][0] or 0
        return bool(rows[0][1])

    async def stop(self) -> None:
        """Wait for what is being written."""
        while self._flusher is not None:
            await asyncio.wait({self._flusher})
            await asyncio.sleep(0)  # its end is dealt with in a callback

    # ---- writing: what is done once it is kept, to be awaited by `kept` ----

    async def kept(self, written: asyncio.Future[None]) -> None:
        """Wait until a write is kept. Cancelled, it will be all the same."""
        try:
            await asyncio.shield(written)
        except DatabaseError as error:
            raise copied(error) from None

    def add(self, name: str, due: float, guild_id: int | None, data: bytes) -> tuple[Row, asyncio.Future[None]]:
        """Keep a job."""
        self._db.refuse_inside_transaction()
        self._last_id += 1
        row = Row(self._last_id, name, due, guild_id, 0, data)
        self._added.append(row)
        return row if len(data) <= _SMALL else row._replace(data=None), self._written()

    def remove(self, id: int) -> asyncio.Future[None]:
        """Remove a job."""
        self._removed.append(id)
        return self._written()

    def move(self, id: int, due: float, failures: int) -> asyncio.Future[None]:
        """Keep that a job is to run at another time."""
        self._moved.append((due, failures, id))
        return self._written()

    def _written(self) -> asyncio.Future[None]:
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            # where nobody waits any more, its failure is not news
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._flusher is None:
            # in a context of its own: the caller's may hold a transaction
            self._flusher = asyncio.create_task(self._flush(), context=Context())
            self._flusher.add_done_callback(self._flusher_ended)
        return self._next

    async def _flush(self) -> None:
        """Bring what is queued to the database, all of it in one trip, until nothing is."""
        while self._next is not None:
            self._sent, self._next = self._next, None
            statements = [*_inserts(self._added), *_deletes(self._removed), *_updates(self._moved)]
            self._added, self._removed, self._moved = [], [], []
            try:
                await self._db.batch(statements)
            except DatabaseError as error:
                self._sent.set_exception(error)
            else:
                self._sent.set_result(None)
            await asyncio.sleep(0)  # who has heard that now writes the next: those go together
        self._flusher = None

    def _flusher_ended(self, flusher: asyncio.Task[None]) -> None:
        """Where it was cancelled, nobody waits for ever: the event loop is being closed."""
        if self._flusher is not flusher:
            return
        self._flusher = None
        for done in (self._sent, self._next):
            if done is not None and not done.done():
                problem = "stopped while this was being written: it may be kept, or not"
                done.set_exception(DatabaseError(self._db.path, problem))
        self._sent = self._next = None

    async def take_back(self, id: int) -> bool:
        """Remove a job; whether there was one."""
        return bool((await self._db.execute("DELETE FROM wisp_jobs WHERE id = ?", (id,))).rowcount)

    # ---- reading ----

    async def page(self, after: tuple[float, int], count: int) -> list[Row]:
        """The rows that follow a place (a time and an id), in order of time."""
        rows = await self._db.fetchall(f"{_SELECT} WHERE (due, id) > (?, ?) ORDER BY due, id LIMIT ?", (*after, count))
        return [*map(_row, rows)]

    async def data(self, id: int) -> bytes | None:
        """The data of a job, None where there is no such job any more."""
        row = await self._db.fetchone("SELECT data FROM wisp_jobs WHERE id = ?", (id,))
        return row[0] if row else None

    async def is_followed(self, row: Row, until: float) -> bool:
        """Whether a later one of the same job and guild was due by `until` as well."""
        sql = "SELECT 1 FROM wisp_jobs WHERE name = ? AND guild IS ? AND (due, id) > (?, ?) AND due <= ? LIMIT 1"
        return await self._db.fetchone(sql, (row.name, _guild(row.guild_id), row.due, row.id, until)) is not None

    async def find(self, name: str | None, guild_id: int | None, count: int) -> list[Row]:
        """The first rows of a job, or of any, in a guild, or in any: data included."""
        where: list[str] = []
        parameters: list[Any] = []
        for column, value in (("name", name), ("guild", _guild(guild_id))):
            if value is not None:
                where.append(f"{column} = ?")
                parameters.append(value)
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        sql = f"SELECT {_COLUMNS}, data FROM wisp_jobs{condition} ORDER BY due, id LIMIT ?"
        return [*map(_row, await self._db.fetchall(sql, [*parameters, count]))]


def _guild(guild_id: int | None) -> int | None:
    return None if guild_id is None else signed(guild_id)


def _row(columns: Sequence[Any]) -> Row:
    id, name, due, guild, failures, data = columns
    return Row(id, name, due, None if guild is None else unsigned(guild), failures, data)


def _inserts(rows: Sequence[Row]) -> Iterator[tuple[str, Parameters]]:
    for first in range(0, len(rows), _CHUNK):
        chunk = rows[first : first + _CHUNK]
        values = [(row.id, row.name, row.due, _guild(row.guild_id), row.failures, row.data) for row in chunk]
        yield _insert(len(chunk)), [value for row in values for value in row]


def _deletes(ids: Sequence[int]) -> Iterator[tuple[str, Parameters]]:
    for first in range(0, len(ids), _CHUNK):
        chunk = ids[first : first + _CHUNK]
        yield _delete(len(chunk)), chunk


def _updates(moves: Sequence[tuple[float, int, int]]) -> Iterator[tuple[str, Parameters]]:
    for move in moves:
        yield "UPDATE wisp_jobs SET due = ?, failures = ? WHERE id = ?", move


@lru_cache(maxsize=_CHUNK)
def _insert(count: int) -> str:
    return f"INSERT INTO wisp_jobs ({_COLUMNS}, data) VALUES {', '.join(['(?, ?, ?, ?, ?, ?)'] * count)}"


@lru_cache(maxsize=_CHUNK)
def _delete(count: int) -> str:
    return f"DELETE FROM wisp_jobs WHERE id IN ({', '.join('?' * count)})"
