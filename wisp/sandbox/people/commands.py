"""A command and its values as a client sends them: the data of an interaction, or the reason why it cannot be sent."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TypeAlias

from wisp.sandbox.world.objects import JSON, Channel, Guild, Impossible, Role, User
from wisp.sandbox.world.permissions import ADMINISTRATOR, Permission
from wisp.sandbox.world.world import World

CHAT_INPUT = 1
SUBCOMMAND, SUBCOMMAND_GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(
    1, 12
)
"""Discord's types of application commands and of their options."""

SIGNS: Mapping[str, tuple[int, ...]] = {"@": (USER, ROLE, MENTIONABLE), "#": (CHANNEL,)}
"""The characters that typed names of users, roles and channels begin with."""

LONGEST_TEXT = 6000
SAFE_INTEGER = 2**53 - 1

CONTEXTS = {0: "in servers", 1: "in direct messages", 2: "in other people's direct messages"}
"""The places in which commands can be used: Discord's interaction contexts."""

CHANNEL_KINDS = {
    0: "text",
    1: "direct message",
    2: "voice",
    3: "group",
    4: "category",
    5: "announcement",
    10: "announcement thread",
    11: "public thread",
    12: "private thread",
    13: "stage",
    14: "directory",
    15: "forum",
    16: "media",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file that a person attaches."""

    name: str
    content: bytes


Value: TypeAlias = str | int | float | bool | timedelta | Enum | User | Role | Channel | File


@dataclass(frozen=True, slots=True)
class Chosen:
    """A command, or a subcommand of it: `path` is its group and subcommand, `options` are those that it takes."""

    command: JSON
    path: tuple[JSON, ...]
    options: tuple[JSON, ...]

    @property
    def name(self) -> str:
        """The name as it is typed: "/admin kick"."""
        return "/" + " ".join(part["name"] for part in (self.command, *self.path))


def usable(world: World, user: User, channel: Channel) -> list[JSON]:
    """Return the slash commands that a user's client offers in a channel, the guild's own first."""
    return offered(world, user, channel, CHAT_INPUT)


def offered(world: World, user: User, channel: Channel, kind: int) -> list[JSON]:
    """Return the commands of a type that a user's client offers in a channel, the guild's own first."""
    return [
        command
        for command in world.commands.visible(channel.guild)
        if command["type"] == kind and not _hidden(world, command, user, channel) and not _too_adult(command, channel)
    ]


def choose(world: World, user: User, channel: Channel, words: Sequence[str]) -> Chosen:
    """Find a command such as "admin kick" that the user can use there. Raises Impossible, naming those that exist."""
    there = usable(world, user, channel)
    if not words:
        raise Impossible(f"a command's name is expected. {_offer('', there)}")
    command = next((command for command in there if command["name"] == words[0]), None)
    if command is None:
        raise Impossible(why_not(world, user, channel, words[0], there))
    path: list[JSON] = []
    options: list[JSON] = command.get("options", [])
    for word in words[1:]:
        below = [option for option in options if option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP)]
        above = " ".join(("/" + command["name"], *(part["name"] for part in path)))
        if not below:
            raise Impossible(f"{above} has no subcommands, so {word!r} belongs to nothing. {_by_name(word, options)}")
        found = next((option for option in below if option["name"] == word), None)
        if found is None:
            raise Impossible(f"{above} has no subcommand {word!r}. {_there_is(word, names_of(below))}")
        path.append(found)
        options = found.get("options", [])
    chosen = Chosen(command, tuple(path), tuple(options))
    if below := names_of(option for option in options if option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP)):
        raise Impossible(f"{chosen.name} needs a subcommand. {_there_is('', below)}")
    return chosen


def command_data(world: World, user: User, channel: Channel, chosen: Chosen, values: Mapping[str, Value]) -> JSON:
    """Return the `data` of an APPLICATION_COMMAND interaction. Raises Impossible if a value does not fit."""
    resolved = Resolved(world, user, channel)
    filled = _filled(chosen, values, resolved)
    for option in chosen.options:
        if option.get("required") and option["name"] not in values:
            raise Impossible(f"{chosen.name} lacks its required option {option['name']!r}")
    return _nested(chosen, filled) | resolved.data()


def autocomplete_data(
    world: World, user: User, channel: Channel, chosen: Chosen, values: Mapping[str, Value], focused: JSON, typed: str
) -> JSON:
    """Return the `data` of an autocomplete interaction: `typed` so far in the option `focused`, besides `values`.

    Values that do not fit (yet) are left out.
    """
    resolved = Resolved(world, user, channel)
    filled: list[JSON] = []
    for name, value in values.items():
        with suppress(Impossible):
            filled += _filled(chosen, {name: value}, resolved)
    filled.append({"type": focused["type"], "name": focused["name"], "value": typed, "focused": True})
    return _nested(chosen, filled) | resolved.data()


def _filled(chosen: Chosen, values: Mapping[str, Value], resolved: Resolved) -> list[JSON]:
    names = [option["name"] for option in chosen.options]
    for name in values:
        if name not in names:
            there_is = _there_is(name, names) if names else "It has no options."
            raise Impossible(f"{chosen.name} has no option {name!r}. {there_is}")
    return [
        {
            "type": option["type"],
            "name": option["name"],
            "value": _checked(chosen.name, option, values[option["name"]], resolved),
        }
        for option in chosen.options
        if option["name"] in values
    ]


def _nested(chosen: Chosen, filled: list[JSON]) -> JSON:
    """Return the data of a command, with the options in their subcommand and group."""
    for part in reversed(chosen.path):
        filled = [{"type": part["type"], "name": part["name"], "options": filled}]
    command = chosen.command
    data: JSON = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    return data | {"options": filled} if filled else data


class Resolved:
    """The users, members, roles, channels and files that an interaction's values name by id."""

    def __init__(self, world: World, user: User, channel: Channel) -> None:
        self.world = world
        self.user = user
        self.channel = channel
        self._parts: dict[str, JSON] = {}

    @property
    def guild(self) -> Guild | None:
        """The guild that it happens in."""
        return self.channel.guild

    def data(self) -> JSON:
        """Return the interaction's `resolved` object, without the field if it would be empty."""
        return {"resolved": self._parts} if self._parts else {}

    def add(self, value: Value) -> str | None:
        """Return the id of `value`, or None if it is not in this world or guild, or if the user does not see it."""
        match value:
            case File(name, content):
                attachment = self.world.attachments.add(name, content, ephemeral=True)
                return self._put("attachments", attachment.id, attachment.payload())
            case User() if self.world.users.get(value.id) is value:
                if self.guild and (member := self.guild.members.get(value.id)):
                    self._put("members", value.id, self.world.interactions.resolved_member(member, self.channel))
                return self._put("users", value.id, value.payload())
            case Role() if self.guild and self.guild.roles.get(value.id) is value:
                return self._put("roles", value.id, value.payload())
            case Channel() if self.guild and value in self.guild.places and self.world.sees(self.user, value):
                return self._put("channels", value.id, self.world.interactions.partial_channel(value, self.user))
            case _:
                return None

    def _put(self, part: str, id: int, payload: JSON) -> str:
        self._parts.setdefault(part, {})[str(id)] = payload
        return str(id)


def closest(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that are similar to one, the most similar first."""
    return difflib.get_close_matches(name, list(names), n=3)


def names_of(parts: Iterable[JSON]) -> list[str]:
    """Return the names of commands or options."""
    return [part["name"] for part in parts]


def _there_is(name: str, names: Sequence[str], prefix: str = "") -> str:
    if near := closest(name, names):
        return f"Did you mean {' or '.join(prefix + other for other in near)}?"
    return f"There is: {', '.join(prefix + other for other in names)}."


def _offer(name: str, there: Sequence[JSON], kind: int = CHAT_INPUT) -> str:
    prefix = "/" if kind == CHAT_INPUT else ""
    return _there_is(name, names_of(there), prefix) if there else "The bot has no commands here."


def _by_name(word: str, options: Sequence[JSON]) -> str:
    """Return how a word is typed for the option that it may be meant for."""
    if not options:
        return "It has no options."
    fitting = [option for option in options if option["type"] in SIGNS.get(word[:1], ())]
    return f"Options are given by name: {(fitting or options)[0]['name']}:{word}"


def _hidden(world: World, command: JSON, user: User, channel: Channel) -> str:
    """Return why a command is hidden from a user, or "". Administrators see every command.

    What a guild set for the command goes before the permissions that the bot asks for
    (interactions/application-commands#permissions).
    """
    permissions = world.permissions(user, channel)
    if permissions & ADMINISTRATOR:
        return ""
    if not world.commands.allowed_in(command, channel):
        return "the guild does not allow it in this channel"
    member = channel.guild.members.get(user.id) if channel.guild else None
    allowed = world.commands.allowed_to(command, member) if member else None
    if allowed is None:
        lacking = _lacking(command, permissions)
        return f"it needs {lacking}" if lacking else ""
    return "" if allowed else "the guild does not allow it to this member"


def _lacking(command: JSON, permissions: int) -> str:
    """Return the permissions that are missing to see a command, or ""."""
    if command["default_member_permissions"] is None:
        return ""
    needed = int(command["default_member_permissions"])
    if not needed:
        return "ADMINISTRATOR"
    missing = needed & ~permissions
    names = ", ".join(permission.name or "" for permission in Permission(missing))
    return names or (hex(missing) if missing else "")


def _too_adult(command: JSON, channel: Channel) -> bool:
    """Return whether a command is age-restricted and a guild's channel is not."""
    return bool(command.get("nsfw")) and channel.guild is not None and not channel.nsfw


def why_not(
    world: World, user: User, channel: Channel, name: str, there: Sequence[JSON], kind: int = CHAT_INPUT
) -> str:
    """Return why the client does not offer a command: it is hidden from this user, or it does not exist."""
    called = f"/{name}" if kind == CHAT_INPUT else f"{name!r}"
    for command in world.commands.visible(channel.guild):
        if command["name"] == name and command["type"] == kind:
            if _too_adult(command, channel):
                return f"{called} is for age-restricted channels, and {channel} is none"
            return f"{called} is hidden from {user.name} here: {_hidden(world, command, user, channel)}"
    for command in world.commands[None].values():
        if command["name"] == name and command["type"] == kind:
            # Without contexts it is the older dm_permission that keeps a command out of direct messages.
            places = [CONTEXTS[context] for context in sorted(command["contexts"] or (0,))]
            here = CONTEXTS[0 if channel.guild else 1]
            return f"{called} cannot be used {here}, only {' and '.join(places)}"
    place = f"in {channel.guild.name}" if channel.guild else "in direct messages"
    what = {CHAT_INPUT: "command", 2: "command in the menu of users", 3: "command in the menu of messages"}[kind]
    return f"there is no {what} {called} {place}. {_offer(name, there, kind)}"


def _checked(command: str, option: JSON, value: Value, resolved: Resolved) -> str | int | float | bool:
    """Return the value as it is sent. Raises Impossible if the client would not send it."""

    def refuse(expected: str) -> Impossible:
        return Impossible(f"{command}, option {option['name']!r}: expected {expected}, got {described_value(value)}")

    kind = option["type"]
    if choices := option.get("choices"):
        return _choice(choices, value, refuse)
    if isinstance(value, Enum):
        value = value.value
    if kind == STRING:
        return _text(option, _typed_duration(value, refuse) if isinstance(value, timedelta) else value, refuse)
    if kind in (INTEGER, NUMBER):
        return _number(option, value, refuse)
    if kind == BOOLEAN:
        if not isinstance(value, bool):
            raise refuse("True or False")
        return value
    return _resolved(option, value, resolved, refuse)


Refuse: TypeAlias = Callable[[str], Impossible]


def _choice(choices: Sequence[JSON], value: Value, refuse: Refuse) -> str | int | float:
    wanted = (value.value, value.name) if isinstance(value, Enum) else (value,)
    for key in ("value", "name"):
        for choice in choices:
            if choice[key] in wanted and not isinstance(value, bool):
                return choice["value"]
    raise refuse(f"one of {', '.join(choice['name'] for choice in choices)}")


def _typed_duration(duration: timedelta, refuse: Refuse) -> str:
    """Return a duration as users type it: "1h30m"."""
    if duration < timedelta(0) or duration.microseconds:
        raise refuse("a duration of whole seconds, 0 or more")
    minutes, seconds = divmod(duration.seconds, 60)
    parts = ((duration.days, "d"), (minutes // 60, "h"), (minutes % 60, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _text(option: JSON, value: object, refuse: Refuse) -> str:
    if not isinstance(value, str):
        raise refuse("text")
    shortest, longest = max(1, option.get("min_length", 0)), option.get("max_length", LONGEST_TEXT)
    if not shortest <= len(value) <= longest:
        raise refuse(f"{shortest} to {longest} characters")
    return value


def _number(option: JSON, value: object, refuse: Refuse) -> int | float:
    whole = option["type"] == INTEGER
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value):
        raise refuse("a whole number" if whole else "a number")
    lowest, highest = option.get("min_value", -SAFE_INTEGER), option.get("max_value", SAFE_INTEGER)
    if not lowest <= value <= highest:
        raise refuse(f"{lowest} to {highest}")
    return value


def _resolved(option: JSON, value: Value, resolved: Resolved, refuse: Refuse) -> str:
    accepted, expected = {
        USER: (User, "a user of this sandbox"),
        ROLE: (Role, "a role of this guild"),
        MENTIONABLE: ((User, Role), "a user of this sandbox or a role of this guild"),
        CHANNEL: (Channel, "a channel of this guild"),
        ATTACHMENT: (File, "a File(name, content)"),
    }[option["type"]]
    kinds = option.get("channel_types")
    if isinstance(value, Channel) and kinds and value.kind not in kinds:
        names = " or ".join(CHANNEL_KINDS.get(kind, f"type {kind}") for kind in kinds)
        raise refuse(f"a {names} channel")
    if isinstance(value, Channel) and value.guild is resolved.guild and not resolved.world.sees(resolved.user, value):
        raise refuse(f"a channel that {resolved.user.name} sees")
    id = resolved.add(value) if isinstance(value, accepted) else None
    if id is None:
        raise refuse(expected + such_as(option["type"], value))
    return id


def such_as(kind: int, value: Value) -> str:
    """Return how a test gets the object of which it gave the name."""
    if not isinstance(value, str):
        return ""
    if kind in (USER, MENTIONABLE):
        return f', such as discord.member("{value.removeprefix("@")}")'
    return f', such as discord.channel("{value.removeprefix("#")}")' if kind == CHANNEL else ""


def described_value(value: Value) -> str:
    """Return a value in a few words."""
    match value:
        case str():
            return repr(value) if len(value) <= 60 else f"{len(value)} characters"
        case Channel():
            return f"the {CHANNEL_KINDS.get(value.kind, 'unknown')} channel #{value.name}"
        case User() | Role():
            return f"the {type(value).__name__.lower()} {value.name}"
        case File():
            return f"the file {value.name}"
        case _:
            return repr(value)
