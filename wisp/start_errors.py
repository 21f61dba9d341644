"""Why a bot cannot start on Discord, in words for its owner. Loaded only if a start fails."""

from __future__ import annotations

import re

import aiohttp
import hikari

from .bridge import retry_after
from .errors import StartError
from .tasks import described

_APPLICATIONS = "https://discord.com/developers/applications"
_STATE = "Its state: https://discordstatus.com"
_CLOSE_CODES = {
    # https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
    4004: "the token was reset meanwhile: set DISCORD_TOKEN to the new one",
    4014: f"a privileged intent is not switched on: do that at {_APPLICATIONS} (Bot)",
}
_NETWORK = (OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def explained(error: BaseException) -> StartError:
    """Return what kept the bot from connecting, in words for its owner. Its cause is `error`."""
    # a proxy's URL can hold a name and a password
    explained = StartError(re.sub(r"//[^/@\s]*@", "//", _in_words(error)))
    explained.__cause__ = error
    return explained


def _in_words(error: BaseException) -> str:
    if isinstance(error, hikari.UnauthorizedError):
        return (
            "Discord refused the token (401). It was reset, or copied incompletely: take a new one from "
            f"{_APPLICATIONS} (Bot, Reset Token) and set DISCORD_TOKEN."
        )
    if isinstance(error, hikari.HTTPResponseError):
        return _answered(error)
    if isinstance(error, hikari.GatewayServerClosedConnectionError):
        code = int(error.code or 0)
        return f"Discord closed the connection ({code}): {_CLOSE_CODES.get(code, error.reason)}."
    detail = str(error) or type(error.__cause__ or error).__name__
    if isinstance(error.__cause__ if isinstance(error, hikari.HTTPError) else error, _NETWORK):
        return f"Discord cannot be reached: {detail}. Is there a network, and is rest_url right?"
    if isinstance(error, (hikari.GatewayError, RuntimeError)) and not isinstance(error, hikari.HTTPError):
        return f"Discord's gateway refused the connection: {detail}. {_STATE}"
    return f"Discord's answer could not be read ({described(error)}). Does rest_url point at Discord, or a proxy of it?"


def _answered(error: hikari.HTTPResponseError) -> str:
    said = f": {error.message}" if error.message else ""
    answer = f"Discord answered {int(error.status)} to {error.url}{said}."
    if error.status == 429:
        wait = retry_after(error)
        return f"{answer} Start again {'later' if wait is None else f'in {wait:.0f} s'}."
    if error.status >= 500:
        return f"{answer} {_STATE}"
    return f"{answer} Starting again will not help: see the bot's page at {_APPLICATIONS}, or correct rest_url"
