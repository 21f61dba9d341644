"""Autocomplete: what a person typed so far, and what the bot suggests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import hikari

from . import bridge
from .blocking import Function
from .context import BaseContext
from .logs import get_logger
from .options import Choices, Parameter, choice_payloads
from .shield import Exit, contained, is_cancelled

if TYPE_CHECKING:
    from .commands import Command
    from .measures import Outcome
    from .session import Session

_log = get_logger("wisp.autocomplete")

# https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure
_MOST, _LONGEST = 25, 100

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
        session: Session,
        command: Command[..., Any],
        interaction: hikari.AutocompleteInteraction,
        options: Sequence[hikari.AutocompleteInteractionOption],
    ) -> None:
        super().__init__(session, command, interaction)
        self.options: dict[str, Any] = {option.name: option.value for option in options if not option.is_focused}


async def suggest(
    session: Session,
    command: Command[..., Any],
    interaction: hikari.AutocompleteInteraction,
    options: Sequence[hikari.AutocompleteInteractionOption],
) -> None:
    """Ask the option's function, and answer with what it gives; with nothing where it fails or is slow."""
    focused = next((option for option in options if option.is_focused), None)
    parameter = command.by_name.get(focused.name) if focused else None
    choices: list[dict[str, Any]] = []
    if focused is not None and parameter is not None and parameter.autocomplete is not None and not session.closing:
        where = f'autocomplete of "{parameter.name}" in {command.label}'
        ctx = AutocompleteContext(session, command, interaction, options)
        began = session.clock.monotonic()
        outcome: Outcome = "failed"
        try:
            source = Function(where, parameter.autocomplete)
            asked = contained(session.blocking.watch(parameter.autocomplete(ctx, str(focused.value)), source))
            choices = _fitting(await session.clock.wait_for(asked, _PATIENCE), parameter)
            outcome = "done"
        except TimeoutError:
            _log.warning("%s took more than %g s: nothing is suggested", where, _PATIENCE)
        except Exit as exit:
            session.leave(exit.error)
        except BaseException as error:
            if is_cancelled(error):
                raise
            session.report(where, error)
        session.measures.ran("autocomplete", command.label, outcome, began)
    await offer(session, interaction, choices)


async def offer(session: Session, interaction: hikari.AutocompleteInteraction, choices: list[dict[str, Any]]) -> None:
    """Send these choices, as Discord's JSON; none of them where Discord does not take them."""
    try:
        await bridge.answer_raw(
            session.gateway.rest,
            interaction.id,
            interaction.token,
            hikari.ResponseType.AUTOCOMPLETE,
            {"choices": choices},
        )
    except Exception as error:
        session.report(f"what /{interaction.command_name} suggests", error)
        if choices:
            await offer(session, interaction, [])


def _fitting(choices: Choices | None, parameter: Parameter) -> list[dict[str, Any]]:
    """The first 25 that Discord would take: names and texts of 1 to 100 characters, values of the option's type."""
    payloads = islice(choice_payloads(choices or ()), _LOOKED_AT)
    return list(islice((payload for payload in payloads if _fits(payload, parameter)), _MOST))


def _fits(payload: dict[str, Any], parameter: Parameter) -> bool:
    value = payload["value"]
    if not 1 <= len(payload["name"]) <= _LONGEST or not parameter.takes(value):
        return False
    return not isinstance(value, str) or 1 <= len(value) <= _LONGEST
