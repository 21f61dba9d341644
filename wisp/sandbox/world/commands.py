"""The commands that the bot registered in a world, and who can use them in each guild."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wisp.sandbox.world.bounds import COMMAND_OVERWRITES
from wisp.sandbox.world.changes import CommandsChanged
from wisp.sandbox.world.objects import JSON, Channel, Guild, Impossible, Member
from wisp.sandbox.world.state import Registry, State

OF_ROLE, OF_USER, OF_CHANNEL = 1, 2, 3
"""Discord's types of overwrites of commands."""


class Commands(Registry[int | None, dict[int, JSON]]):
    """The bot's commands by scope (the id of a guild, None for global ones) and id."""

    def __init__(self, world: State) -> None:
        super().__init__(world)
        self._items[None] = {}
        self._overwrites: dict[tuple[int, int], list[JSON]] = {}

    def visible(self, guild: Guild | None) -> list[JSON]:
        """Return the commands that can be used in a guild (its own, then global ones) or in direct messages (None)."""
        everywhere = [command for command in self._items[None].values() if _offered(command, guild)]
        return everywhere if guild is None else [*self._items.get(guild.id, {}).values(), *everywhere]

    def set(self, guild: Guild | None, command: JSON) -> JSON:
        """Register a command, in place of the one with the same type and name, and return it as it is registered.

        `id`, `application_id`, `version` and Discord's defaults are added to a copy.
        """
        scope = self._items.setdefault(guild.id if guild else None, {})
        key = (command["name"], command.get("type") or 1)
        number = next((number for number, old in scope.items() if (old["name"], old["type"]) == key), None)
        return self.change(guild, self._world.next_id() if number is None else number, command)

    def change(self, guild: Guild | None, number: int, command: JSON) -> JSON:
        """Replace the command with this id, and return it as it is registered. Its `version` changes if it does."""
        scope = self._items.setdefault(guild.id if guild else None, {})
        full = self._full_command(number, guild, command)
        old = scope.get(number, {})
        if {**old, "version": full["version"]} == full:
            return old
        scope[number] = full
        self._world.changes.send(CommandsChanged(guild))
        return full

    def replace(self, guild: Guild | None, commands: Sequence[JSON]) -> list[JSON]:
        """Make these the only commands of a scope, and return them as they are registered, in the same order."""
        kept = [self.set(guild, command) for command in commands]
        scope = self._items.setdefault(guild.id if guild else None, {})
        numbers = {int(command["id"]) for command in kept}
        for number in [number for number in scope if number not in numbers]:
            self.remove(guild, number)
        return kept

    def remove(self, guild: Guild | None, number: int) -> None:
        """Remove a command. Raises KeyError if there is none."""
        del self._items[guild.id if guild else None][number]
        self._overwrites = {key: kept for key, kept in self._overwrites.items() if key[1] != number}
        self._world.changes.send(CommandsChanged(guild))

    def set_permissions(self, guild: Guild, command_id: int, permissions: Sequence[JSON]) -> None:
        """Set who can use a command in a guild, and where: `{"id", "type", "permission"}` of roles, users and channels.

        The id of the application stands for all commands, that of the guild for @everyone, and the one before it for
        all channels (interactions/application-commands#permissions). Raises Impossible for a command that the guild
        does not have, for a role, user or channel that is not in it, for two of one, and for more than 100.
        """
        if command_id != self._world.application and not self._in(guild, command_id):
            raise Impossible(f"{guild.name} has no command with the id {command_id}")
        if not COMMAND_OVERWRITES.holds(len(permissions)):
            raise Impossible(f"a command has at most {COMMAND_OVERWRITES.most} overwrites, not {len(permissions)}")
        there = {
            OF_ROLE: {str(id) for id in guild.roles},
            OF_USER: {str(id) for id in guild.members},
            OF_CHANNEL: {str(id) for id in (guild.id - 1, *guild.channels)},
        }
        overwrites: list[JSON] = [
            {"id": str(one["id"]), "type": one["type"], "permission": bool(one["permission"])} for one in permissions
        ]
        for one in overwrites:
            if one["id"] not in there.get(one["type"], ()):
                raise Impossible(f"{guild.name} has no role (1), user (2) or channel (3) for the overwrite {one}")
        if len({(one["type"], one["id"]) for one in overwrites}) < len(overwrites):
            raise Impossible("a command has at most one overwrite of each role, user and channel")
        if overwrites:
            self._overwrites[guild.id, command_id] = overwrites
        else:
            self._overwrites.pop((guild.id, command_id), None)
        payload = self._permissions_payload(guild, command_id, overwrites)
        self._world.dispatch("APPLICATION_COMMAND_PERMISSIONS_UPDATE", payload, guild)
        self._world.changes.send(CommandsChanged(guild))

    def permissions(self, guild: Guild) -> list[JSON]:
        """Return the permissions of the commands with overwrites in a guild, as Discord's objects."""
        return [
            self._permissions_payload(guild, command_id, overwrites)
            for (guild_id, command_id), overwrites in self._overwrites.items()
            if guild_id == guild.id
        ]

    def allowed_in(self, command: JSON, channel: Channel) -> bool:
        """Return whether the overwrites of a command let it be used in a channel; a thread has those of its parent."""
        if channel.guild is None:
            return True
        place = channel.parent if channel.is_thread and channel.parent else channel
        overwrites = self._in_force(channel.guild, command)
        everywhere = overwrites.get((OF_CHANNEL, channel.guild.id - 1), True)
        return overwrites.get((OF_CHANNEL, place.id), everywhere)

    def allowed_to(self, command: JSON, member: Member) -> bool | None:
        """Return what the overwrites of a command say of a member, None if nothing: its default permissions decide.

        An overwrite of the user goes before those of roles, of which one that allows is enough; @everyone is last.
        """
        overwrites = self._in_force(member.guild, command)
        if (own := overwrites.get((OF_USER, member.user.id))) is not None:
            return own
        of_roles = [overwrites[OF_ROLE, role.id] for role in member.roles if (OF_ROLE, role.id) in overwrites]
        return any(of_roles) if of_roles else overwrites.get((OF_ROLE, member.guild.id))

    def _in_force(self, guild: Guild, command: JSON) -> dict[tuple[int, int], bool]:
        """Return the overwrites of a command by type and id: its own go before those of all commands.

        "Individual command changes only overwrite conflicting settings" (support.discord.com, article 10952896421783).
        """
        return {
            (one["type"], int(one["id"])): one["permission"]
            for command_id in (self._world.application, int(command["id"]))
            for one in self._overwrites.get((guild.id, command_id), ())
        }

    def _in(self, guild: Guild, command_id: int) -> bool:
        return any(command_id in self._items.get(scope, {}) for scope in (guild.id, None))

    def _permissions_payload(self, guild: Guild, command_id: int, overwrites: list[JSON]) -> JSON:
        return {
            "id": str(command_id),
            "application_id": str(self._world.application),
            "guild_id": str(guild.id),
            "permissions": [dict(one) for one in overwrites],
        }

    def _full_command(self, number: int, guild: Guild | None, command: JSON) -> JSON:
        full: JSON = {
            "id": str(number),
            "application_id": str(self._world.application),
            "version": str(self._world.next_id()),
            "type": command.get("type") or 1,
            "name": command["name"],
            "description": command.get("description") or "",
            "name_localizations": command.get("name_localizations") or None,
            "description_localizations": command.get("description_localizations") or None,
            "default_member_permissions": _permissions_text(command.get("default_member_permissions")),
            "nsfw": bool(command.get("nsfw")),
            "integration_types": command.get("integration_types") or [0],
        }
        if command.get("options"):
            full["options"] = [_stored_option(option) for option in command["options"]]
        if guild is not None:
            return {**full, "guild_id": str(guild.id)}
        in_dms = command.get("dm_permission") is not False
        return {**full, "contexts": command.get("contexts"), "dm_permission": in_dms}


def _offered(command: JSON, guild: Guild | None) -> bool:
    """Return whether a global command can be used in a guild or (None) in the bot's direct messages."""
    contexts = command["contexts"]
    if contexts is not None:
        return (1 if guild is None else 0) in contexts
    return guild is not None or command["dm_permission"]


_OPTION_FIELDS = ("type", "name", "name_localizations", "description", "description_localizations", "required")
_KIND_OPTION_FIELDS: Mapping[int, tuple[str, ...]] = {
    1: ("options",),
    2: ("options",),
    3: ("autocomplete", "choices", "min_length", "max_length"),
    4: ("autocomplete", "choices", "min_value", "max_value"),
    7: ("channel_types",),
    10: ("autocomplete", "choices", "min_value", "max_value"),
}
"""The fields of every option, and those of each type of option (interactions/application-commands)."""


def _stored_option(option: JSON) -> JSON:
    """Return the fields of an option that Discord knows and that were given."""
    names = (*_OPTION_FIELDS, *_KIND_OPTION_FIELDS.get(option["type"], ()))
    stored = {name: option[name] for name in names if option.get(name) not in (None, "", [])}
    if "choices" in stored:
        stored["choices"] = [
            {name: choice[name] for name in ("name", "name_localizations", "value") if choice.get(name) is not None}
            for choice in stored["choices"]
        ]
    if "options" in stored:
        stored["options"] = [_stored_option(inner) for inner in stored["options"]]
    return stored


def _permissions_text(permissions: str | int | None) -> str | None:
    return None if permissions is None else str(permissions)
