"""Checks: what is wrong with what bots and modules registered, found before the bot connects."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import limits
from .command_tree import TopLevelCommand, merge_groups, place
from .decorators import Decorators
from .errors import Problem, duplicate_names
from .handlers import error_handler_problems, handler_problems
from .inspection import call_problem, method_problem
from .locations import place_of_class
from .owner import unattached
from .services import Services

if TYPE_CHECKING:
    from .components import Component, Modal

_SERVICE_METHODS = {"start": ("session",), "stop": ()}
"""The methods of a service that wisp calls, and their arguments."""


def owner_problems(owner: Decorators, services: Services, beside: Sequence[Decorators] = ()) -> list[Problem]:
    """Return the problems and warnings of all that a bot or module registered, by itself and beside others."""
    found: list[Problem] = []
    for command in merge_groups([owner]):
        found += command.check()
        found += map(command.limit_problem, limits.command_violations(command.payload()))
    for handler in (*owner.components, *owner.modals):
        found += handler.check()
    if "wisp.forms" in sys.modules:
        from .forms import problems_around

        found += problems_around(handler.function for handler in owner.handlers())
    for part in (*owner.listeners, *owner.jobs):
        found += part.check()
    found += error_handler_problems(owner.error_handlers)
    found += owner.migrations.problems(is_sqlite="db" not in services.registered)
    return found + _problems_together([*beside, owner])


def module_problems(module: Decorators, beside: Sequence[Decorators], services: Services) -> list[Problem]:
    """Return the problems of a module, by itself and beside the bot and other modules; no warnings."""
    found = owner_problems(module, services, beside)
    for command in merge_groups([*beside, module]):
        if len(command.parts) > 1 and set(command.parts) & set(module.groups):
            found += command.check()
    return [problem for problem in found if not problem.is_warning]


def starter_problems(decorator: str, functions: Iterable[Callable[..., Any]]) -> list[Problem]:
    """Return what is wrong with functions that take nothing, or the bot."""
    taking_bot = [function for function in functions if call_problem(function)]
    return [problem for function in taking_bot for problem in handler_problems(function, decorator, "bot")]


def service_problems(services: Services) -> list[Problem]:
    """Return what is wrong with the methods of registered services."""
    found: list[Problem] = []
    for name, service in services.registered.items():
        for method, arguments in _SERVICE_METHODS.items():
            exists = getattr(service, method, None) is not None
            if exists and (message := method_problem(service, method, *arguments)):
                file, line = place_of_class(type(service))  # it parses the whole file
                fix = f"Correct it, or rename it if wisp is not to {method} the service"
                found.append(Problem(f'service "{name}"', message, fix, file=file, line=line))
    return found


def unattached_problems(file: str, *, before_setups: bool = False) -> list[Problem]:
    """Return the groups and decorated methods of a file that belong to no bot or module.

    `before_setups` of modules nothing is known: these can still be given away.
    """
    return [] if before_setups else [problem for problem in unattached.values() if problem.file == file]


@contextmanager
def unattached_after_setup() -> Generator[list[Problem]]:
    """Collect the problems of groups and decorated methods that a setup makes and attaches to nothing."""
    before = set(unattached)
    problems: list[Problem] = []
    try:
        yield problems
    finally:
        problems += [unattached.pop(one) for one in [*unattached] if one not in before]


def _problems_together(owners: Sequence[Decorators]) -> list[Problem]:
    """Return a problem for each part whose name is already used, and for one command too many of its kind."""

    def custom_id(handler: Component[..., Any] | Modal[..., Any]) -> Hashable:
        return type(handler), tuple(handler.pattern.parts) if handler.pattern else id(handler)

    found: list[Problem] = []
    scopes: dict[tuple[int | None, int], list[TopLevelCommand]] = {}
    for command in merge_groups(owners):
        for guild in dict.fromkeys(command.guilds or (None,)):
            scopes.setdefault((guild, command.kind), []).append(command)
    for (_, kind), commands in scopes.items():
        for command, other in duplicate_names(commands, lambda command: command.name):
            message = f'another command is called "{command.name}" ({place(other.first)})'
            found.append(command.first.problem("", message, "Rename one of them"))
        most = limits.COMMANDS[kind]
        for command in commands[most : most + 1]:
            message = f"it is one too many: Discord takes {most} commands of its kind in one place"
            found.append(command.first.problem("", message, "Remove some, or put slash commands into groups"))
    handlers = [handler for owner in owners for handler in (*owner.components, *owner.modals)]
    for handler, other in duplicate_names(handlers, custom_id):
        message = f'"{other.custom_id}" ({other.file}:{other.line}) looks the same'
        found.append(handler.problem("", message, "Give one of them another name"))
    jobs = [job for owner in owners for job in owner.jobs]
    for job, other in duplicate_names(jobs, lambda job: job.name):
        message = f"another job has this name ({other.file}:{other.line})"
        found.append(job.problem(message, "Give one of them another: name="))
    return found
