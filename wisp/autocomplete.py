"""Autocomplete: what a person typed so far, and what the bot suggests."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import hikari

from .context import InteractionContext
from .options import Choices, choice_payloads

if TYPE_CHECKING:
    from .commands import Command
    from .session import Session

_log = logging.getLogger("wisp.autocomplete")

# https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-choice-structure
_MOST, _LONGEST = 25, 100
# Discord waits 3 s; a suggestion that comes later than this would be for a text that has changed since
_PATIENCE = 2.5


class AutocompleteContext(InteractionContext[hikari.AutocompleteInteraction]):
    """One question for suggestions: who types, where, and what was chosen already.

    `options` maps the names of the options filled so far to their raw values (ids for members and channels).
    """

    __slots__ = ("options",)

    def __init__(
        self, session: Session, command: Command[..., Any], interaction: hikari.AutocompleteInteraction
    ) -> None:
        super().__init__(session, command, interaction)
        self.options: dict[str, Any] = {
            option.name: option.value for option in interaction.options if not option.is_focused
        }


async def suggest(session: Session, command: Command[..., Any], interaction: hikari.AutocompleteInteraction) -> None:
    """Ask the option's function, and answer with what it gives; with nothing where it fails or is slow."""
    with session.work:
        choices: Choices = ()
        focused = next((option for option in interaction.options if option.is_focused), None)
        parameter = command.by_name.get(focused.name) if focused else None
        if focused is not None and parameter is not None and parameter.autocomplete is not None:
            where = f'autocomplete of "{parameter.name}" in /{command.name}'
            ctx = AutocompleteContext(session, command, interaction)
            try:
                asked = parameter.autocomplete(ctx, str(focused.value))
                choices = await session.clock.wait_for(asked, _PATIENCE)
            except TimeoutError:
                _log.warning("%s took more than %g s: nothing is suggested", where, _PATIENCE)
            except Exception as error:
                session.report(where, error)
        await offer(session, interaction, choices)


async def offer(session: Session, interaction: hikari.AutocompleteInteraction, choices: Choices) -> None:
    """Send the first 25 of `choices` whose names and texts are of a length that Discord takes."""
    try:
        builders = [
            hikari.impl.AutocompleteChoiceBuilder(name=choice["name"], value=choice["value"])
            for choice in _fitting(choice_payloads(choices))
        ]
        await interaction.create_response(builders[:_MOST])
    except Exception as error:
        session.report(f"suggestions for /{interaction.command_name}", error)


def _fitting(payloads: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return (
        payload
        for payload in payloads
        if 1 <= len(payload["name"]) <= _LONGEST
        and not (isinstance(payload["value"], str) and len(payload["value"]) > _LONGEST)
    )
