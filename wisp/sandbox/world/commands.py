"""The commands that the bot registered in a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wisp.sandbox.world.changes import CommandsChanged
from wisp.sandbox.world.objects import JSON, Guild
from wisp.sandbox.world.state import Registry, State


class Commands(Registry[int | None, dict[int, JSON]]):
    """The bot's commands by scope (the id of a guild, None for global ones) and id."""

    def __init__(self, world: State) -> None:
        super().__init__(world)
        self._items[None] = {}

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
        self._world.changes.send(CommandsChanged(guild))

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
