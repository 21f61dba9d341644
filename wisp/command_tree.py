"""The commands that Discord shows: the groups of all owners, those of one name merged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hikari

from . import limits
from .commands import (
    ApplicationCommand,
    Command,
    CommandGroup,
    CommandOwner,
    limit_words,
    place_payload,
    text_payload,
)
from .errors import Problem, duplicate_names

Part = ApplicationCommand[..., Any] | CommandGroup


class MergedCommand:
    """What Discord shows as one command or group: a command, or the groups of one name in one place."""

    def __init__(self, part: Part) -> None:
        self.first: Part = part
        self.parts: list[Part] = [part]
        self.name: str = part.name

    @property
    def groups(self) -> list[CommandGroup]:
        """The groups that are merged; empty for a command."""
        return [part for part in self.parts if isinstance(part, CommandGroup)]

    @property
    def children(self) -> list[MergedCommand]:
        """What is in the groups."""
        return _merged(self._parts_below())

    def problem(self, of: str, message: str, fix: str) -> Problem:
        """Return a problem of the first part."""
        return self.first.problem(of, message, fix)

    def texts(self) -> dict[str, Any]:
        """Return the name and description as JSON: those of the first group that has a description."""
        described = next((group for group in self.groups if group.description), self.groups[0])
        return text_payload(described.name, described.description, described.settings)

    def option_payload(self) -> dict[str, Any]:
        """Return the JSON of a command or group within a group."""
        if isinstance(self.first, Command):
            options = [parameter.payload for parameter in self.first.parameters]
            return {"type": int(hikari.OptionType.SUB_COMMAND), **self.first.texts(), "options": options}
        options = [child.option_payload() for child in self.children]
        return {"type": int(hikari.OptionType.SUB_COMMAND_GROUP), **self.texts(), "options": options}

    def limit_problem(self, violation: limits.Violation, path: tuple[str | int, ...]) -> Problem:
        """Return the limit that is violated at a path of the payload as a problem of the part that it is in."""
        if not isinstance(self.first, CommandGroup):
            return self.first.limit_problem(limits.Violation(path, violation.code, violation.message, violation.got))
        if path[:1] == ("options",) and len(path) > 1:
            return self.children[int(path[1])].limit_problem(violation, path[2:])
        return self.problem("", *limit_words(path, violation))

    def merge_problems(self) -> list[Problem]:
        """Return what is wrong with the parts of merged groups together: duplicate names, and empty groups."""
        found: list[Problem] = []
        for part, first in duplicate_names(self._parts_below(), lambda part: part.name):
            if not (isinstance(part, CommandGroup) and isinstance(first, CommandGroup)):
                found.append(part.problem("", f'duplicate name "{part.name}" ({place(first)})', "Rename one of them"))
        if self.groups and not self.children:
            found.append(self.problem("", "it has no commands, and Discord shows none", "Write `@group.command`"))
        return found + [problem for child in self.children for problem in child.merge_problems()]

    def _parts_below(self) -> list[Part]:
        return [part for group in self.groups for part in (*group.commands, *group.groups)]


class TopLevelCommand(MergedCommand):
    """A command as Discord counts them. `guilds` are the only guilds that it is in, None if it is in all."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.kind: hikari.CommandType = hikari.CommandType.SLASH if isinstance(part, CommandGroup) else part.kind
        guilds = part.settings.get("guilds")
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
        return {
            "type": int(self.kind),
            **self.texts(),
            "options": [child.option_payload() for child in self.children],
            **place_payload(self.first.settings),
        }

    def limit_problems(self, violations: Iterable[limits.Violation]) -> list[Problem]:
        """Return the limits that the payload violates as problems of the commands and groups that they are in."""
        return [self.limit_problem(violation, violation.path) for violation in violations]

    def check(self) -> list[Problem]:
        """Return the problems and warnings of each part and of all parts together."""
        found = [problem for part in self.parts for problem in part.check()]
        settings = self.first.settings
        for group in self.groups[1:]:
            same_guilds = group.settings.get("guilds") == settings.get("guilds")
            if not same_guilds or place_payload(group.settings) != place_payload(settings):
                message = f"its contexts, permissions or guilds differ from those of {place(self.first)}"
                found.append(group.problem("", message, "They apply to the whole group: set the same in each"))
        return found + self.merge_problems()


def merge_groups(owners: Iterable[CommandOwner]) -> list[TopLevelCommand]:
    """Return the commands that bots and modules define together: groups of one name are one."""
    found: list[TopLevelCommand] = []
    groups: dict[str, TopLevelCommand] = {}
    for owner in owners:
        found += map(TopLevelCommand, owner.commands)
        for group in owner.groups:
            if group.name in groups:
                groups[group.name].parts.append(group)
            else:
                groups[group.name] = TopLevelCommand(group)
                found.append(groups[group.name])
    return found


def place(part: Part) -> str:
    """Return where a command or group is defined: "bot.py:12"."""
    return f"{part.file}:{part.line}"


def _merged(parts: Iterable[Part]) -> list[MergedCommand]:
    """Merge the parts of one name, in the order of their first."""
    found: dict[str, MergedCommand] = {}
    for part in parts:
        if part.name in found:
            found[part.name].parts.append(part)
        else:
            found[part.name] = MergedCommand(part)
    return [*found.values()]
