"""Autocomplete: what a person typed so far, and what the bot suggests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import hikari

from . import limits
from .context import BaseContext
from .logs import get_logger
from .options import Choices, Parameter, choice_payload, choices_in, short_repr
from .tasks import EXITS, Exit, contained, is_cancelled

if TYPE_CHECKING:
    from .commands import Command
    from .runtime import Runtime

_log = get_logger("wisp.autocomplete")

_LOOKED_AT = 10_000
"""How many choices are looked at for those 25: a generator may have no end."""

# Discord waits 3 s; a suggestion that comes later than this would be for a text that has changed since
_PATIENCE = 2.5


class AutocompleteContext(BaseContext[hikari.AutocompleteInteraction]):
    """One question for suggestions: who types, where, and what was chosen already.

    `options` maps the names of the options filled so far to their raw values (ids for members and channels).
    """

    __slots__ = ("options",)

    def __init__(
        self,
        runtime: Runtime,
        command: Command[..., Any],
        interaction: hikari.AutocompleteInteraction,
        options: Sequence[hikari.AutocompleteInteractionOption],
    ) -> None:
        super().__init__(runtime, command, interaction)
        self.options: dict[str, Any] = {option.name: option.value for option in options if not option.is_focused}


async def suggest(
    runtime: Runtime,
    command: Command[..., Any],
    ctx: AutocompleteContext,
    focused: hikari.AutocompleteInteractionOption | None,
) -> list[dict[str, Any]]:
    """Call the option's function, and return its choices as JSON: those before an error, none if it is slow.

    A choice that Discord or the option would refuse is left out.
    """
    parameter = command.by_name.get(focused.name) if focused else None
    choices: list[dict[str, Any]] = []
    if focused is None or parameter is None or parameter.autocomplete is None:
        return choices
    where = f'autocomplete of "{parameter.name}" in {command.label}'
    asked: asyncio.Task[Any] | None = None
    try:
        asking = runtime.watchdog.watch(parameter.autocomplete(ctx, str(focused.value)), where)
        asked = asyncio.create_task(contained(asking), name=where)
        given = await runtime.clock.wait_for(asked, _PATIENCE)
        for choice in _fitting(given, parameter, where):  # a generator may raise after some that are good
            choices.append(choice)
    except TimeoutError as error:
        if asked is not None and asked.done():  # it is the function's own
            runtime.report(where, error)
        else:
            _log.warning("%s took more than %g s: nothing is suggested", where, _PATIENCE)
    except Exit as exit:
        runtime.request_exit(exit.error)
    except EXITS as error:
        runtime.request_exit(error)
    except BaseException as error:
        if is_cancelled(error):
            raise
        runtime.report(where, error)
    return choices


def _fitting(given: Choices | None, parameter: Parameter, where: str) -> Iterator[dict[str, Any]]:
    """Return the first 25 choices that can be sent; the first of the others is logged, once for each option."""
    count = 0
    seen: set[tuple[str, object]] = set()
    for choice in islice(choices_in(() if given is None else given), _LOOKED_AT):
        try:
            payload = choice_payload(choice)
            problem = _problem(payload, parameter, seen)
        except Exception as error:  # of the user's own __str__ as well
            payload, problem = {}, str(error)
        if not problem:
            yield payload
            count += 1
            if count == limits.CHOICES:
                return
        elif not parameter.has_warned:
            parameter.has_warned = True
            _log.warning("%s: a suggestion is left out, %s: %s", where, short_repr(choice), problem)


def _problem(payload: dict[str, Any], parameter: Parameter, seen: set[tuple[str, object]]) -> str:
    """Return why a choice cannot be offered beside those seen, "" if it can: it is seen then."""
    if problems := limits.choice_violations(payload, parameter.type):
        return str(problems[0])
    if problem := parameter.refuses(payload["value"]):
        return f"it {problem}"
    keys = {("name", payload["name"]), ("value", payload["value"])}
    if again := keys & seen:
        return f"another suggestion has the same {' and '.join(sorted(key for key, _ in again))}"
    seen |= keys
    return ""
