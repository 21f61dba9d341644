"""Groups: commands under one name, and the commands of Discord that all bots' and modules' parts make together."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Unpack
from weakref import WeakSet

import hikari

from . import limits
from .commands import (
    GROUP_CHECKS,
    PLACE_CHECKS,
    ApplicationCommand,
    Command,
    CommandHolder,
    GroupSettings,
    limit_words,
    place_payload,
    place_problems,
    text_payload,
)
from .errors import Problem, WispError
from .guards import Rule, rule_problems, rules_on
from .inspection import checked_settings
from .locations import place_of_caller

if TYPE_CHECKING:
    from .decorators import Registrar

Part = ApplicationCommand[..., Any]

_not_given: WeakSet[CommandGroup] = WeakSet()
made_in_setup: ContextVar[list[Callable[[], list[Problem]]] | None] = ContextVar("wisp_made_in_setup", default=None)
"""While a module is set up, functions that find the problems of what was made meanwhile once the setup has ended."""


class CommandGroup(CommandHolder):
    """Slash commands under one name: "/admin kick" and "/admin ban" of the group "admin".

    `create_group(bot)` gives it to a bot or module (`bot.group(...)` makes one that has been given). `@group.command`
    takes what `@bot.command` takes; where and for whom the commands are is said here, for all of them:
    `guild_only` (or `contexts`), `permissions`, `integration_types`, `nsfw`, `guilds`, as there. `ephemeral` is what
    they are unless they say otherwise. Guards around the group (`wisp.require_admin(group)`) hold for all below.

    Several owners can name the same group, and share it: what Discord shows is all parts together.
    """

    def __init__(self, name: str, description: str = "", **settings: Unpack[GroupSettings]) -> None:
        self.file: str
        self.line: int
        self.file, self.line = place_of_caller()
        self.name: str = name
        self.description: str = description
        self.settings: GroupSettings
        self.settings, self._wrong = checked_settings(settings, GROUP_CHECKS, "a group")
        self.above: CommandGroup | None = None
        self.commands: list[Command[..., Any]] = []
        self.groups: list[CommandGroup] = []
        self._owner: Registrar | None = None
        _not_given.add(self)
        if (made := made_in_setup.get()) is not None:
            made.append(lambda: [*map(_nobodys, _forgotten([self]))])

    @property
    def ephemeral(self) -> bool:
        """Whether answers of its commands are private unless they say otherwise."""
        return self.settings.get("ephemeral", self.above.ephemeral if self.above else False)

    @property
    def path(self) -> tuple[str, ...]:
        """Its name, with that of the group that it is in before it."""
        return (*(self.above.path if self.above else ()), self.name)

    @property
    def owner(self) -> Registrar:
        """The bot or module that it was given to. Raises WispError before that."""
        top = self.above or self
        if top._owner is None:
            raise WispError(f'group "{top.name}" belongs to no bot yet: call group.create_group(bot)')
        return top._owner

    def __repr__(self) -> str:
        return f"<CommandGroup /{' '.join(self.path)} at {self.file}:{self.line}>"

    def create_group(self, owner: Registrar) -> CommandGroup:
        """Give it to a bot or module, with all that is in it and will be; the group itself.

        Raises WispError where it was given already, or is part of another group.
        """
        if self.above is not None:
            raise WispError(f'"{self.name}" is part of the group "{self.above.name}": give that to the bot')
        if self._owner is not None and not self._owner.is_unloading:
            raise WispError(f'group "{self.name}" was given to a bot already')
        owner.ensure_open()
        self._owner = owner
        _not_given.discard(self)
        owner.groups.append(self)
        return self

    def group(self, name: str, description: str = "", **settings: Unpack[GroupSettings]) -> CommandGroup:
        """A group within this one: "/admin roles add". Discord has one level of them.

        Raises WispError within such a group.
        """
        if self.above is not None:
            raise WispError(f'"/{" ".join(self.path)}" is a group in a group already: Discord has no deeper level')
        below = CommandGroup(name, description, **settings)
        below.above = self
        _not_given.discard(below)
        self.groups.append(below)
        return below

    def add_command(
        self, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any], settings: Any
    ) -> Command[..., Any]:
        """Make a command of `function` and take it in."""
        if (self.above or self)._owner is not None:
            self.owner.ensure_open()
        command = Command(self, function, names, settings)
        self.commands.append(command)
        return command

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """What guards its commands: the group above it, then itself."""
        above = self.above.guarded_by() if self.above else []
        return [*above, (f"group {' '.join(self.path)}", rules_on(self))]

    def problem(self, of: str, problem: str, fix: str, *, is_warning: bool = False) -> Problem:
        """A Mistake at its place. `of` is what of it ("" for the whole)."""
        where = f'group "{" ".join(self.path)}"{of}'
        return Problem(where, problem, fix, file=self.file, line=self.line, is_warning=is_warning)

    def check(self) -> list[Problem]:
        """All that is wrong with the group and what is in it, each alone, remarks included."""
        found = [self.problem("", problem, fix) for problem, fix in self._wrong]
        found += place_problems(self.settings, self.problem)
        found += rule_problems(rules_on(self), self.problem)
        if not self.description:
            fix = f'Write `group("{self.name}", "what it is for")`'
            found.append(self.problem("", "it has no description; its name is shown instead", fix, is_warning=True))
        for command in self.commands:
            found += command.check()
            for name in PLACE_CHECKS.keys() & command.settings.keys():
                problem = f"{name}= is for the whole group, and stands on one of its commands"
                found.append(command.problem("", problem, f"Give it to the group {self.path[0]}"))
        for group in self.groups:
            found += group.check()
            for name in PLACE_CHECKS.keys() & group.settings.keys():
                problem = f"{name}= is for the whole command, and stands on a group within a group"
                found.append(group.problem("", problem, f"Give it to the group {self.name}"))
        return found

    def everything(self) -> Iterable[Command[..., Any]]:
        """All its commands, those of the groups within it included."""
        yield from self.commands
        for group in self.groups:
            yield from group.commands


def forgotten(file: str) -> list[Problem]:
    """The groups of a file that have commands and were given to nobody: Discord would never show them."""
    if not _forgotten(_not_given, file):
        return []
    gc.collect()  # some may be of a function that has ended
    return [*map(_nobodys, _forgotten(_not_given, file))]


@contextmanager
def watched() -> Generator[list[Problem], None, None]:
    """Collect, while a module is set up, the problems of what was made meanwhile and is registered nowhere.

    These are groups that were given to no bot, and functions that were marked as methods of a module.
    """
    made: list[Callable[[], list[Problem]]] = []
    mistakes: list[Problem] = []
    token = made_in_setup.set(made)
    try:
        yield mistakes
    finally:
        made_in_setup.reset(token)
        mistakes += [mistake for find in made for mistake in find()]
        made.clear()  # timers that began meanwhile hold it on in their contexts


def _forgotten(groups: Iterable[CommandGroup], file: str | None = None) -> list[CommandGroup]:
    return [
        group
        for group in groups
        if group in _not_given and file in (None, group.file) and next(iter(group.everything()), None)
    ]


def _nobodys(group: CommandGroup) -> Problem:
    problem = "it was given to no bot, and nobody will see its commands"
    return group.problem("", problem, "Call its create_group(bot), or make it with bot.group(...)")


class Root:
    """One command as Discord counts them: a command alone, or a group with the parts of all its owners."""

    def __init__(self, first: Part | CommandGroup) -> None:
        self.first: Part | CommandGroup = first
        self.parts: list[CommandGroup] = [first] if isinstance(first, CommandGroup) else []
        self.name: str = first.name
        self.kind: hikari.CommandType = hikari.CommandType.SLASH if isinstance(first, CommandGroup) else first.kind
        guilds = first.settings.get("guilds")
        self.guilds: tuple[int, ...] | None = None if guilds is None else tuple(map(int, guilds))

    @property
    def commands(self) -> list[Part]:
        """All commands in it."""
        if isinstance(self.first, CommandGroup):
            return [command for part in self.parts for command in part.everything()]
        return [self.first]

    def payload(self) -> dict[str, Any]:
        """The command as Discord is told of it, as JSON."""
        if not isinstance(self.first, CommandGroup):
            return self.first.payload()
        return {
            "type": int(self.kind),
            **_texts(self.parts),
            "options": [_child_payload(children) for children in self._children()],
            **place_payload(self.first.settings),
        }

    def problem(self, of: str, problem: str, fix: str) -> Problem:
        """A Mistake at the place of the first part."""
        return self.first.problem(of, problem, fix)

    def limit_problems(self, problems: Sequence[limits.Violation]) -> list[Problem]:
        """Discord's limits that the payload breaks, each against the command or group that it is in."""
        return [self._limit_problem(problem) for problem in problems]

    def check(self) -> list[Problem]:
        """All that is wrong with it, its parts together and each alone, remarks included."""
        if not isinstance(self.first, CommandGroup):
            return self.first.check()
        found = [mistake for part in self.parts for mistake in part.check()]
        if not self.commands:
            found.append(self.problem("", "it has no commands, and Discord shows none", "Write `@group.command`"))
        for part in self.parts[1:]:
            if place_payload(part.settings) != place_payload(self.first.settings) or part.settings.get(
                "guilds"
            ) != self.first.settings.get("guilds"):
                problem = f"it says another place, permission or server than {_place(self.first)} does"
                found.append(part.problem("", problem, "Discord has one answer for the whole group: say the same"))
        for children in self._children():
            found += _clashes(children)
            if isinstance(children[0], CommandGroup):
                below = [child for child in children if isinstance(child, CommandGroup)]
                for grandchildren in _by_name(command for group in below for command in group.commands):
                    found += _clashes(grandchildren)
                if not any(group.commands for group in below):
                    found.append(below[0].problem("", "it has no commands", "Write `@group.command`, or drop it"))
        return found

    def _children(self) -> list[list[Command[..., Any] | CommandGroup]]:
        return _by_name(child for part in self.parts for child in (*part.commands, *part.groups))

    def _limit_problem(self, problem: limits.Violation) -> Problem:
        if not isinstance(self.first, CommandGroup):
            return self.first.limit_problem(problem)
        where: Command[..., Any] | CommandGroup = self.first
        keys = problem.path
        level: list[list[Command[..., Any] | CommandGroup]] = self._children()
        while isinstance(where, CommandGroup) and keys[:1] == ("options",) and len(keys) > 1 and level:
            children = level[int(keys[1])]
            where, keys = children[0], keys[2:]
            groups = [child for child in children if isinstance(child, CommandGroup)]
            level = _by_name(command for group in groups for command in group.commands)
        if isinstance(where, CommandGroup):
            return where.problem("", *limit_words(keys, problem))
        return where.limit_problem(limits.Violation(keys, problem.code, problem.message, problem.got))


def roots(registrars: Iterable[Registrar]) -> list[Root]:
    """The commands of Discord that bots and modules make together: groups of one name are one."""
    found: list[Root] = []
    groups: dict[str, Root] = {}
    for registrar in registrars:
        found += [Root(command) for command in registrar.commands]
        for group in registrar.groups:
            if group.name in groups:
                groups[group.name].parts.append(group)
            else:
                groups[group.name] = Root(group)
                found.append(groups[group.name])
    return found


def _texts(groups: Sequence[CommandGroup]) -> dict[str, Any]:
    """Name and description of a group: those of the first part that has a description."""
    told = next((group for group in groups if group.description), groups[0])
    return text_payload(told.name, told.description, told.settings)


def _child_payload(children: Sequence[Command[..., Any] | CommandGroup]) -> dict[str, Any]:
    first = children[0]
    if isinstance(first, Command):
        options = [parameter.payload for parameter in first.parameters]
        return {"type": int(hikari.OptionType.SUB_COMMAND), **first.texts(), "options": options}
    groups = [child for child in children if isinstance(child, CommandGroup)]
    below = _by_name(command for group in groups for command in group.commands)
    options = [_child_payload(commands) for commands in below]
    return {"type": int(hikari.OptionType.SUB_COMMAND_GROUP), **_texts(groups), "options": options}


def _by_name(
    children: Iterable[Command[..., Any] | CommandGroup],
) -> list[list[Command[..., Any] | CommandGroup]]:
    """Children of one name together, in the order of their first."""
    found: dict[str, list[Command[..., Any] | CommandGroup]] = {}
    for child in children:
        found.setdefault(child.name, []).append(child)
    return list(found.values())


def _clashes(children: Sequence[Command[..., Any] | CommandGroup]) -> Iterable[Problem]:
    """Children of one name, of which Discord can show one: only groups go together."""
    if all(isinstance(child, CommandGroup) for child in children):
        return
    for other in children[1:]:
        problem = f'"{other.name}" is there already ({_place(children[0])})'
        yield other.problem("", problem, "Rename one of them")


def _place(part: Part | CommandGroup) -> str:
    return f"{part.file}:{part.line}"
