"""Autocomplete: ask an option's function for suggestions, and leave out those that Discord would refuse."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import hikari

from . import limits
from .inspection import short_repr
from .logs import get_logger
from .options import AutocompleteContext, Choices, CommandOption, choice_payload, choices_in
from .tasks import EXITS, Exit, contained, is_cancelled

if TYPE_CHECKING:
    from .commands import Command
    from .runtime import Runtime

_log = get_logger("wisp.autocomplete")

_CHOICES_READ = 10_000
"""Choices that are read from an iterator, which may have no end, to find 25 that fit."""

_TIMEOUT = 2.5
"""Seconds for the function. Discord waits 3 s, and the user has typed on by then."""


async def suggest(
    runtime: Runtime,
    command: Command[..., Any],
    ctx: AutocompleteContext,
    focused: hikari.AutocompleteInteractionOption | None,
) -> list[dict[str, Any]]:
    """Return the suggestions of the option's function: none if it raises, or takes more than 2.5 s.

    A choice that Discord or the option would refuse is left out. Errors are reported and not raised.
    """
    option = command.by_name.get(focused.name) if focused else None
    if focused is None or option is None or option.autocomplete is None:
        return []
    where = f'autocomplete of "{option.name}" in {command.label}'
    asking = runtime.watchdog.watch(option.autocomplete(ctx, str(focused.value)), where)
    asked = asyncio.create_task(contained(asking), name=where)
    try:
        return _fitting(await runtime.clock.wait_for(asked, _TIMEOUT), option, where)
    except Exit as exit:
        runtime.request_exit(exit.error)
    except EXITS as error:
        runtime.request_exit(error)
    except BaseException as error:
        if is_cancelled(error):
            raise
        if isinstance(error, TimeoutError) and not asked.done():  # else it is the function's own
            _log.warning("%s took more than %g s: nothing is suggested", where, _TIMEOUT)
        else:
            runtime.report(where, error)
    return []


def _fitting(given: Choices | None, option: CommandOption, where: str) -> list[dict[str, Any]]:
    """Return the first 25 choices that can be sent; the first of the others is logged, once for each option."""
    fitting: list[dict[str, Any]] = []
    seen: set[object] = set()
    for choice in islice(choices_in(() if given is None else given), _CHOICES_READ):
        try:
            payload = choice_payload(choice)
            _check(payload, option, seen)
        except Exception as error:  # of the choice's own __str__ as well
            if not option.has_warned:
                option.has_warned = True
                _log.warning("%s: a suggestion is left out, %s: %s", where, short_repr(choice), error)
            continue
        fitting.append(payload)
        if len(fitting) == limits.CHOICES:
            break
    return fitting


def _check(payload: dict[str, Any], option: CommandOption, seen: set[object]) -> None:
    """Raise an exception if a choice cannot be offered beside those seen; else add it to them."""
    if violations := limits.choice_violations(payload, option.type):
        raise ValueError(violations[0])
    option.read(cast(Any, None), payload["value"])  # such a value needs no context
    keys = {("name", payload["name"]), ("value", payload["value"])}
    if keys & seen:
        raise ValueError("another suggestion has the same name or value")
    seen |= keys
