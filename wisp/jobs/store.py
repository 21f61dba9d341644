"""The database table of one-shot jobs. Its writes are committed in groups."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ..services.batching import BatchWriter
from ..services.database import DatabaseService, Parameters
from ..services.encoding import signed, unsigned

_COLUMNS = "id, name, due, guild, failures, data"


class Row(NamedTuple):
    """A one-shot job. `due` is in seconds since the epoch, `data` are its encoded arguments by name."""

    id: int
    name: str
    due: float
    guild_id: int | None
    failures: int
    data: bytes


class JobStore:
    """The one-shot jobs in the database. Reading raises DatabaseError, and so do the futures of writes."""

    def __init__(self, db: DatabaseService) -> None:
        self._db = db
        self._writer: BatchWriter[tuple[str, Parameters]] = BatchWriter(db.batch)
        self._last_id: int | None = None

    async def start(self) -> None:
        """Before `add`, read the last id that was given. Raises DatabaseError if that fails."""
        if self._last_id is None:
            last_given = "SELECT seq FROM sqlite_sequence WHERE name = 'wisp_jobs'"
            row = await self._db.fetchone(f"SELECT coalesce(({last_given}), max(id), 0) FROM wisp_jobs")
            self._last_id = max(self._last_id or 0, row[0] if row else 0)  # another task may have read it meanwhile

    async def stop(self) -> None:
        """Wait until everything is written."""
        await self._writer.drain()

    # ---- writing ----

    def add(self, name: str, due: float, guild_id: int | None, data: bytes) -> tuple[Row, asyncio.Future[None]]:
        """Store a new job. The future is done when it is stored. Raises DatabaseError inside of a transaction."""
        assert self._last_id is not None
        self._db.refuse_inside_transaction()
        self._last_id += 1
        row = Row(self._last_id, name, due, guild_id, 0, data)
        values = row._replace(guild_id=_stored(guild_id))
        return row, self._writer.add((f"INSERT INTO wisp_jobs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values))

    def update(self, id: int, due: float, failures: int) -> asyncio.Future[None]:
        """Store when a job runs, and how often it has failed. Does nothing if it was cancelled."""
        return self._writer.add(("UPDATE wisp_jobs SET due = ?, failures = ? WHERE id = ?", (due, failures, id)))

    def remove(self, id: int) -> asyncio.Future[None]:
        """Remove a job that is over."""
        return self._writer.add(("DELETE FROM wisp_jobs WHERE id = ?", (id,)))

    async def cancel(self, id: int) -> bool:
        """Remove a job. Return whether it existed."""
        return (await self._db.execute("DELETE FROM wisp_jobs WHERE id = ?", (id,))).rowcount > 0

    # ---- reading ----

    async def read(self, due: float, id: int, limit: int) -> list[Row]:
        """Return the first jobs from a time and id on, in the order in which they run."""
        return await self._select("(due, id) >= (?1, ?2)", due, id, limit)

    async def find(self, name: str | None, guild_id: int | None, limit: int) -> list[Row]:
        """Return the first jobs of a name (None: of any) and guild (None: of any), in the order in which they run."""
        condition = "(?1 IS NULL OR name = ?1) AND (?2 IS NULL OR guild = ?2)"
        return await self._select(condition, name, _stored(guild_id), limit)

    async def is_followed(self, row: Row, until: float) -> bool:
        """Return whether a later job of the same name and guild is due by a time as well."""
        sql = "SELECT 1 FROM wisp_jobs WHERE name = ? AND guild IS ? AND (due, id) > (?, ?) AND due <= ? LIMIT 1"
        return await self._db.fetchone(sql, (row.name, _stored(row.guild_id), row.due, row.id, until)) is not None

    async def _select(self, condition: str, *parameters: float | str | None) -> list[Row]:
        sql = f"SELECT {_COLUMNS} FROM wisp_jobs WHERE {condition} ORDER BY due, id LIMIT ?3"
        rows = [Row(*columns) for columns in await self._db.fetchall(sql, parameters)]
        return [row._replace(guild_id=None if row.guild_id is None else unsigned(row.guild_id)) for row in rows]


def _stored(guild_id: int | None) -> int | None:
    return None if guild_id is None else signed(guild_id)
