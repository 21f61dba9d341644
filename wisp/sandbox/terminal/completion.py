"""Completion: what the last word of a line in the terminal may become."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wisp.limits import LOCALES
from wisp.sandbox.people.commands import (
    BOOLEAN,
    CHANNEL,
    MENTIONABLE,
    ROLE,
    SUBCOMMAND,
    SUBCOMMAND_GROUP,
    USER,
    offered,
)
from wisp.sandbox.people.components import BUTTON, MESSAGE_MENU, SELECTS, TEXT_INPUT, USER_MENU, controls, name_of
from wisp.sandbox.people.person import Person
from wisp.sandbox.people.typed import CHANNEL_TYPES, Slash, field_name, parse, parse_options, quoted, read_file
from wisp.sandbox.world.objects import JSON, Guild, Impossible
from wisp.sandbox.world.permissions import Permission

_PLACE = re.compile(r"(?<!\S)\[?([^\s\[\]^]+)\]?( \.\.\.)?")
"""An argument in the words of a verb, and whether there may be more of it. References to messages are left out."""


class Completer:
    """Completes lines of a person, who sees the open `form`, in a terminal with these verbs.

    `verbs` maps their names to their arguments in words, by which the arguments are completed.
    """

    def __init__(self, person: Person, form: JSON | None, verbs: Mapping[str, str]) -> None:
        self._person = person
        self._people = person.people
        self._world = person.people.world
        self._form = form
        self._verbs = verbs

    async def complete(self, typed: str) -> list[str]:
        """Return what the last word of a line may become. `typed` is the line up to the cursor."""
        head, word = split_last(typed)
        if typed.startswith(":"):
            return _matching(word, self._arguments(head.split(), word))
        if typed.startswith("/"):
            return await self._slash(head, word)
        return _matching(word, self._names(word))

    def _arguments(self, before: Sequence[str], word: str) -> list[str]:
        """Return the verbs, or what the next argument of the one that the line begins with may be."""
        if not before:
            return [f":{name}" for name in self._verbs]
        given = [one for one in before[1:] if not one.startswith("^")]
        places = _PLACE.findall(self._verbs.get(before[0].removeprefix(":"), ""))
        if len(given) < len(places):
            names, _ = places[len(given)]
        elif places and places[-1][1]:  # "...": more of the last
            names, _ = places[-1]
        else:
            return []
        return [one for name in names.split("|") for one in self._fitting(name, word)]

    def _fitting(self, argument: str, word: str) -> list[str]:
        """Return what may stand for an argument as the verbs name it."""
        guild = self._person.guild or self._people.home
        match argument:
            case "BUTTON":
                return self._controls((BUTTON,))
            case "VALUE":
                return [quoted(name) for name in self._controls(SELECTS)]
            case "FIELD:TEXT" if self._form is not None:
                inputs = controls(self._form["components"], (TEXT_INPUT,))
                return [f"{field_name(one['custom_id'])}:" for one in inputs]
            case "COMMAND":
                return self._menus()
            case "/COMMAND":
                return [f"/{command['name']}" for command in self._person.commands()]
            case "PERSON":
                return [user.name for user in self._world.users.values() if not user.bot]
            case "@MEMBER":
                return [quoted(f"@{member.user.name}") for member in guild.members.values()]
            case "@ROLE" | "ROLE":
                sign = "@" if argument == "@ROLE" else ""
                return [quoted(sign + role.name.removeprefix("@")) for role in guild.roles.values()]
            case "#CHANNEL":
                return [f"#{channel.name}" for channel in guild.places]
            case "GUILD":
                return [guild.name for guild in self._world.guilds.values()]
            case "EMOJI":
                return [f":{emoji.name}:" for emoji in guild.emojis.values()]
            case "LOCALE":
                return sorted(LOCALES)
            case "±PERMISSION":
                sign = "-" if word.startswith("-") else "+"
                return [sign + name for name in (*Permission.__members__, "ALL")]
            case "TYPE":
                return [*CHANNEL_TYPES]
            case "DURATION":
                return ["1m", "1h", "1d"]
            case _:
                return []

    def _menus(self) -> list[str]:
        person = self._person
        kinds = (USER_MENU, MESSAGE_MENU)
        return [one["name"] for kind in kinds for one in offered(self._world, person.user, person.channel, kind)]

    def _controls(self, kinds: Sequence[int]) -> list[str]:
        message = self._person.newest_with(kinds)
        return [name_of(control) for control in controls(message.components, kinds)] if message else []

    async def _slash(self, head: str, word: str) -> list[str]:
        if not head.strip():
            return _matching(word, [f"/{command['name']}" for command in self._person.commands()])
        try:
            line = parse(head)
            assert isinstance(line, Slash)
            return await self._option(line, word)
        except Impossible:
            return []

    async def _option(self, line: Slash, word: str) -> list[str]:
        """Return what may follow a command: subcommands, options, or values of an option."""
        below = self._below(line.words)
        parts = [option for option in below if option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP)]
        if parts:
            return _matching(word, [part["name"] for part in parts])
        name, colon, typed = word.partition(":")
        given = dict(line.options)
        if not colon:
            return _matching(word, [f"{option['name']}:" for option in below if option["name"] not in given])
        option = next((option for option in below if option["name"] == name), None)
        values = await self._values(line, option, typed) if option else []
        return [f"{name}:{quoted(value)}" for value in _matching(typed.lstrip('"'), values)]

    def _below(self, words: Sequence[str]) -> list[JSON]:
        """Return the subcommands or options that follow these words."""
        level: list[JSON] = self._person.commands()
        for word in words:
            found = [part for part in level if part["name"] == word]
            level = found[0].get("options", []) if found else []
        return level

    async def _values(self, line: Slash, option: JSON, typed: str) -> list[str]:
        if option.get("autocomplete"):
            chosen = self._person.choose(" ".join(line.words))
            guild, users = self._person.guild, self._world.users
            values = parse_options(chosen, dict(line.options), guild, read_file, users=users, partial=True)
            suggested = await self._person.autocomplete(chosen, option["name"], typed, values)
            return [str(choice["value"]) for choice in suggested]
        if choices := option.get("choices"):
            return [choice["name"] for choice in choices]
        if option["type"] == BOOLEAN:
            return ["true", "false"]
        if option["type"] in (USER, ROLE, MENTIONABLE, CHANNEL):
            return self._names("#" if option["type"] == CHANNEL else "@")
        return self._names(typed)

    def _names(self, word: str) -> list[str]:
        """Return all members and roles for a word that begins with @, and all channels for one with #."""
        guild = self._person.guild or self._people.home
        if word.startswith("@"):
            roles = [role.name for role in guild.roles.values() if role is not guild.everyone]
            # the bot's own role has its name
            return list(dict.fromkeys(f"@{name}" for name in [*member_names(guild), self._world.bot.name, *roles]))
        return [f"#{channel.name}" for channel in guild.places] if word.startswith("#") else []


def member_names(guild: Guild) -> list[str]:
    """Return the names of the people in a guild."""
    return [member.user.name for member in guild.members.values() if not member.user.bot]


def split_last(typed: str) -> tuple[str, str]:
    """Split a line before its last word, which may be empty."""
    cut = max((number for number, character in enumerate(typed) if character.isspace()), default=-1) + 1
    return typed[:cut], typed[cut:]


def _matching(word: str, found: Sequence[str]) -> list[str]:
    """Return those that begin with `word`, in upper or lower case."""
    return [one for one in found if one.lower().startswith(word.lower())]
