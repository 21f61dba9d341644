"""Roles of guilds in a world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import RoleChanged, RoleCreated, RoleDeleted
from wisp.sandbox.world.emojis import Emojis
from wisp.sandbox.world.objects import Guild, Impossible, LimitReached, Role
from wisp.sandbox.world.state import State, assign, refuse_length


class RoleChanges(TypedDict, total=False):
    """What can be changed of a role."""

    name: str
    permissions: int
    color: int
    hoist: bool
    mentionable: bool


class Roles:
    """The verbs of roles; a guild has its roles by id."""

    def __init__(self, world: State, emojis: Emojis) -> None:
        self._world = world
        self._emojis = emojis

    def add(
        self,
        guild: Guild,
        name: str,
        *,
        permissions: int = 0,
        color: int = 0,
        hoist: bool = False,
        mentionable: bool = False,
    ) -> Role:
        """Add a role, below all others of a guild but @everyone. Raises LimitReached if there are 250."""
        refuse_length("a role's name", name, bounds.ROLE_NAME)
        if len(guild.roles) >= bounds.ROLES.most:
            raise LimitReached(f"a guild has at most {bounds.ROLES.most} roles", bounds.ROLES)
        role = self._new_role(guild, Role(self._world.next_id(), name, permissions, 1, color, hoist, mentionable))
        self._world.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": role.payload()}, guild)
        self._world.changes.send(RoleCreated(guild, role))
        return role

    def edit(self, guild: Guild, role: Role, **changes: Unpack[RoleChanges]) -> None:
        """Change a role. Raises Impossible for the role of another guild and a name that is too long."""
        refuse_foreign_role(guild, role)
        refuse_length("a role's name", changes.get("name", ""), bounds.ROLE_NAME)
        assign(role, changes)
        self._role_changed(guild, role)

    def move(self, guild: Guild, positions: Mapping[Role, int]) -> None:
        """Change the positions of roles; the others close up around them. @everyone stays at the bottom."""
        for role in positions:
            refuse_foreign_role(guild, role)
            if role is guild.everyone:
                raise Impossible("@everyone stays at the bottom")
        before = {role: role.position for role in guild.roles.values()}
        movable = sorted((r for r in before if r is not guild.everyone and r not in positions), key=lambda r: r.rank)
        for role, position in sorted(positions.items(), key=lambda pair: (pair[1], pair[0].rank)):
            movable.insert(max(position - 1, 0), role)
        for position, role in enumerate(movable, start=1):
            role.position = position
        for role, old in before.items():
            if role.position != old:
                self._role_changed(guild, role)

    def delete(self, guild: Guild, role: Role) -> None:
        """Delete a role, and take it from all members. Raises Impossible for @everyone and the role of a bot."""
        refuse_foreign_role(guild, role)
        if role is guild.everyone or role.managed:
            raise Impossible(f"the role {role.name} cannot be deleted")
        self.forget(guild, role)
        self._world.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(guild.id), "role_id": str(role.id)}, guild)
        self._world.changes.send(RoleDeleted(guild, role))

    def add_of_bot(self, guild: Guild) -> Role:
        """Add the bot's own role, which comes and goes with it, without telling of it."""
        role = Role(self._world.next_id(), self._world.bot.name, self._world.bot_permissions, 1, bot=self._world.bot)
        return self._new_role(guild, role)

    def _new_role(self, guild: Guild, role: Role) -> Role:
        for other in guild.roles.values():
            other.position += other is not guild.everyone
        guild.roles[role.id] = role
        return role

    def forget(self, guild: Guild, role: Role) -> None:
        """Take a role from the guild, its members, overwrites and emojis, without telling of it."""
        self._emojis.forget_role(guild, role)
        del guild.roles[role.id]
        for other in guild.roles.values():
            other.position -= other.position > role.position
        for member in guild.members.values():
            if role in member.roles:
                member.roles.remove(role)
        for channel in guild.channels.values():
            channel.overwrites.pop(role.id, None)

    def _role_changed(self, guild: Guild, role: Role) -> None:
        self._world.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(guild.id), "role": role.payload()}, guild)
        self._world.changes.send(RoleChanged(guild, role))


def refuse_foreign_role(guild: Guild, role: Role) -> None:
    """Raise Impossible if a role is not one of the guild's."""
    if guild.roles.get(role.id) is not role:
        raise Impossible(f"{guild.name} has no role {role.name}")
