"""The commands that Discord shows: the groups of all owners, those of one name merged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import hikari

from . import limits
from .commands import ApplicationCommand, Command, CommandGroup, CommandOwner, place_payload, text_payload
from .errors import Problem

_DOCUMENTATION = "https://discord.com/developers/docs/interactions/application-commands"

Part = ApplicationCommand[..., Any] | CommandGroup


class TopLevelCommand:
    """What Discord counts as one command: a command, or the groups of one name in all owners.

    `guilds` are the only guilds that it is in, None if it is in all.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts: Sequence[Part] = parts
        self.first: Part = parts[0]
        self.name: str = self.first.name
        self.groups: list[CommandGroup] = _groups(parts)
        self.kind: hikari.CommandType = getattr(self.first, "kind", hikari.CommandType.SLASH)
        guilds = self.first.settings.get("guilds")
        self.guilds: tuple[int, ...] | None = None if guilds is None else tuple(map(int, guilds))

    @property
    def commands(self) -> list[ApplicationCommand[..., Any]]:
        """All commands in it."""
        if not isinstance(self.first, CommandGroup):
            return [self.first]
        return [command for group in self.groups for command in group.all_commands()]

    def payload(self) -> dict[str, Any]:
        """Return the JSON that registers the command."""
        if not isinstance(self.first, CommandGroup):
            return self.first.payload()
        return {"type": int(self.kind), **_group_payload(self.groups), **place_payload(self.first.settings)}

    def limit_problem(self, violation: limits.Violation) -> Problem:
        """Return a limit that the payload violates as a problem of the command or group that it is in."""
        parts, path, of = self.parts, violation.path, ""
        while path[:1] == ("options",) and len(path) > 1:
            index, path = int(path[1]), path[2:]
            if isinstance(parts[0], CommandGroup):
                parts = _children(parts)[index]
            else:
                of = f', option "{parts[0].parameters[index].name}"'
                break
        about = f"{'.'.join(map(str, path))}: " if path else ""
        got = f" (got {violation.got})" if violation.got else ""
        return parts[0].problem(of, f"{about}{violation.message.rstrip('.')}{got}", f"See {_DOCUMENTATION}")

    def check(self) -> list[Problem]:
        """Return the problems and warnings of each part and of all parts together."""
        found = [problem for part in self.parts for problem in part.check()]
        settings = self.first.settings
        for group in self.groups[1:]:
            same_guilds = group.settings.get("guilds") == settings.get("guilds")
            if not same_guilds or place_payload(group.settings) != place_payload(settings):
                message = f"its contexts, permissions or guilds differ from those of {place(self.first)}"
                found.append(group.problem("", message, "They apply to the whole group: set the same in each"))
        return found + _merge_problems(self.parts)


def merge_groups(owners: Sequence[CommandOwner]) -> list[TopLevelCommand]:
    """Return the commands that bots and modules define together: groups of one name are one."""
    commands = [[command] for owner in owners for command in owner.commands]
    groups = _by_name(group for owner in owners for group in owner.groups)
    return [TopLevelCommand(parts) for parts in (*commands, *groups)]


def place(part: Part) -> str:
    """Return where a command or group is defined: "bot.py:12"."""
    return f"{part.file}:{part.line}"


def _by_name(parts: Iterable[Part]) -> list[list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.name, []).append(part)
    return [*found.values()]


def _groups(parts: Iterable[Part]) -> list[CommandGroup]:
    return [part for part in parts if isinstance(part, CommandGroup)]


def _children(parts: Iterable[Part]) -> list[list[Part]]:
    """Return the commands and groups in groups that are merged, those of one name together."""
    return _by_name(part for group in _groups(parts) for part in (*group.commands, *group.groups))


def _group_payload(groups: Sequence[CommandGroup]) -> dict[str, Any]:
    """Return the texts and options of a group as JSON. The texts are those of the first that has a description."""
    described = next((group for group in groups if group.description), groups[0])
    options = [_option_payload(child) for child in _children(groups)]
    return {**text_payload(described.name, described.description, described.settings), "options": options}


def _option_payload(parts: Sequence[Part]) -> dict[str, Any]:
    """Return the JSON of a command or group within a group."""
    command = parts[0]
    if not isinstance(command, Command):
        return {"type": int(hikari.OptionType.SUB_COMMAND_GROUP), **_group_payload(_groups(parts))}
    options = [parameter.payload for parameter in command.parameters]
    texts = text_payload(command.name, command.description, command.settings)
    return {"type": int(hikari.OptionType.SUB_COMMAND), **texts, "options": options}


def _merge_problems(parts: Sequence[Part]) -> list[Problem]:
    """Return what is wrong with parts of one name together: duplicate names, and empty groups."""
    first = parts[0]
    found = [
        part.problem("", f'duplicate name "{part.name}" ({place(first)})', "Rename one of them")
        for part in parts[1:]
        if not (isinstance(first, CommandGroup) and isinstance(part, CommandGroup))
    ]
    children = _children(parts)
    if isinstance(first, CommandGroup) and not children:
        found.append(first.problem("", "it has no commands, and Discord shows none", "Write `@group.command`"))
    return found + [problem for child in children for problem in _merge_problems(child)]
