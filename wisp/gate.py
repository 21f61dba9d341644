"""The gate: whether a module acts in a guild."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .owner import Owner

if TYPE_CHECKING:
    from .services.database import DatabaseService as Database


class Gate:
    """Where each module acts: what servers decided, by server and module, in the bot's database and in memory.

    Before it is read, no module acts.
    """

    def __init__(self) -> None:
        self._decided: dict[tuple[int, str], bool] = {}
        self._db: Database | None = None
        self._readable = False

    async def start(self, db: Database) -> None:
        """Read what was decided. Raises DatabaseError if that cannot be read."""
        self._db, self._readable = db, False
        self._decided.clear()
        rows = await db.fetchall("SELECT guild, module, is_enabled FROM wisp_modules")
        self._decided = {(guild, module): bool(is_enabled) for guild, module, is_enabled in rows}
        self._readable = True

    def is_open(self, owner: Owner, guild_id: int | None) -> bool:
        """Whether this bot or module acts in this server; outside of servers all do."""
        if guild_id is None or not owner.is_switchable:
            return True
        decided = self._decided.get((guild_id, owner.name))
        if decided is None:
            return self._readable and owner.is_on_by_default
        return decided

    async def decide(self, guild_id: int, names: Iterable[str], is_enabled: bool) -> None:
        """Keep that these modules are on (or off) in this server. Raises DatabaseError, and changes nothing then."""
        assert self._db is not None
        names = list(names)
        async with self._db.transaction() as tx:
            for name in names:
                await tx.execute("INSERT OR REPLACE INTO wisp_modules VALUES (?, ?, ?)", (guild_id, name, is_enabled))
        for name in names:
            self._decided[guild_id, name] = is_enabled
