"""The gate: whether a module is on in a guild."""

from __future__ import annotations

from collections.abc import Sequence

from .owner import Owner
from .services.database import DatabaseService


class Gate:
    """What guilds decided about modules, kept in the bot's database and in memory.

    Until the decisions are read, no module that can be turned off is on.
    """

    def __init__(self) -> None:
        self._decisions: dict[tuple[int, str], bool] = {}
        self._db: DatabaseService | None = None

    async def start(self, db: DatabaseService) -> None:
        """Read the decisions. Raises DatabaseError if they cannot be read."""
        self._db = None
        self._decisions.clear()
        rows = await db.fetchall("SELECT guild, module, is_enabled FROM wisp_modules")
        self._decisions = {(guild, module): bool(is_enabled) for guild, module, is_enabled in rows}
        self._db = db

    def is_open(self, owner: Owner, guild_id: int | None) -> bool:
        """Return whether a bot or module is on in a guild; outside of guilds everything is on."""
        if guild_id is None or not owner.is_switchable:
            return True
        decision = self._decisions.get((guild_id, owner.name))
        return self._db is not None and owner.default_enabled if decision is None else decision

    async def decide(self, guild_id: int, names: Sequence[str], is_enabled: bool) -> None:
        """Turn modules on or off in a guild. Raises DatabaseError, and changes nothing then."""
        assert self._db is not None
        async with self._db.transaction() as tx:
            for name in names:
                await tx.execute("INSERT OR REPLACE INTO wisp_modules VALUES (?, ?, ?)", (guild_id, name, is_enabled))
        for name in names:
            self._decisions[guild_id, name] = is_enabled
