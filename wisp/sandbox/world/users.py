"""Users in a world, and their presences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wisp.sandbox.world.changes import PresenceChanged
from wisp.sandbox.world.objects import JSON, Guild, Member, User
from wisp.sandbox.world.state import Registry, State


class Users(Registry[int, User]):
    """All users by id: people and bots."""

    def add(self, name: str, *, bot: bool = False) -> User:
        """Add a user, who is in no guild yet."""
        user = User(self._world.next_id(), name, bot)
        self._items[user.id] = user
        return user


class Presences(Registry[int, JSON]):
    """Discord's presence objects by user id, of all users whose presence was set."""

    def __init__(self, world: State, guilds: Mapping[int, Guild]) -> None:
        super().__init__(world)
        self._guilds = guilds

    def set(self, user: User, status: str, activities: Iterable[JSON] = ()) -> None:
        """Show a user as "online", "idle", "dnd", "offline" or "invisible" (which is offline), with `activities`.

        Those are Discord's activity objects (`name`, `type`).
        """
        shown = "offline" if status == "invisible" else status
        now = int(self._world.clock.time() * 1000)
        self._items[user.id] = presence = {
            "user": {"id": str(user.id)},
            "status": shown,
            "activities": [{"created_at": now, **activity} for activity in activities],
            "client_status": {} if shown == "offline" else {"desktop": shown},
        }
        for guild in self._guilds.values():
            if user.id in guild.members:
                self._world.dispatch("PRESENCE_UPDATE", {**presence, "guild_id": str(guild.id)}, guild)
        self._world.changes.send(PresenceChanged(user))

    def of(self, members: Iterable[Member]) -> list[JSON]:
        """Return the presences of those members who are not offline."""
        found = [self._items.get(member.user.id) for member in members]
        return [presence for presence in found if presence is not None and presence["status"] != "offline"]
