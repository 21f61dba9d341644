"""Guilds in a world: making and changing them."""

from __future__ import annotations

from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import GuildCreated
from wisp.sandbox.world.channels import Channels
from wisp.sandbox.world.members import Members
from wisp.sandbox.world.objects import JSON, TEXT, Channel, Guild, Impossible, Role, User
from wisp.sandbox.world.permissions import EVERYONE_PERMISSIONS
from wisp.sandbox.world.state import Registry, State, assign, refuse_length


class GuildChanges(TypedDict, total=False):
    """What can be changed of a guild. `settings` are further fields of Discord's guild object."""

    name: str
    description: str | None
    owner: User
    system_channel: Channel | None
    settings: JSON
    onboarding: JSON
    welcome_screen: JSON


class Guilds(Registry[int, Guild]):
    """All guilds by id."""

    def __init__(self, world: State, channels: Channels, members: Members) -> None:
        super().__init__(world)
        self._channels = channels
        self._members = members

    def add(self, name: str, *, owner: User | None = None, with_bot: bool = True, id: int | None = None) -> Guild:
        """Add a guild with @everyone and #general, its system channel. Its owner (or ada) and the bot join."""
        guild = Guild(id or self._world.next_id(), name, owner or self._world.owner, self._world.clock.time())
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE_PERMISSIONS, 0)
        self._items[guild.id] = guild
        guild.system_channel = self._channels.add(guild, "general")
        self._members.add(guild, guild.owner)
        if with_bot:
            self._members.add(guild, self._world.bot)
        self._world.changes.send(GuildCreated(guild))
        return guild

    def edit(self, guild: Guild, **changes: Unpack[GuildChanges]) -> None:
        """Change a guild. Raises Impossible for a name out of bounds, and for a foreign channel or owner."""
        if "name" in changes:
            refuse_length("a guild's name", changes["name"], bounds.GUILD_NAME)
        channel, owner = changes.get("system_channel"), changes.get("owner")
        if channel is not None and (channel.guild is not guild or channel.kind != TEXT):
            raise Impossible(f"#{channel.name} is no text channel of {guild.name}")
        if owner is not None and owner.id not in guild.members:
            raise Impossible(f"{owner.name} is not a member of {guild.name}")
        settings = {**guild.settings, **changes.get("settings", {})}
        assign(guild, {**changes, "settings": settings})
        self._world.guild_changed(guild)
