"""Why a bot cannot start on Discord, in words for its owner; imported only then."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import aiohttp
import hikari

from .bridge import retry_after
from .clock import moment
from .errors import CheckError, Problem, StartError
from .events import PRIVILEGED, Listener
from .tasks import described

_FLAGS_OF_INTENTS = {
    hikari.Intents.GUILD_PRESENCES: (
        hikari.ApplicationFlags.VERIFIED_FOR_GUILD_PRESENCES | hikari.ApplicationFlags.GUILD_PRESENCES_INTENT
    ),
    hikari.Intents.GUILD_MEMBERS: (
        hikari.ApplicationFlags.VERIFIED_FOR_GUILD_MEMBERS_INTENT | hikari.ApplicationFlags.GUILD_MEMBERS_INTENT
    ),
    hikari.Intents.MESSAGE_CONTENT: (
        hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT | hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED
    ),
}


_APPLICATIONS = "https://discord.com/developers/applications"


def page_of(application: hikari.Application) -> str:
    """Return the page on which the owner of a bot enables its intents."""
    return f"{_APPLICATIONS}/{int(application.id)}/bot"


def check_privileged(intents: hikari.Intents, application: hikari.Application, listeners: list[Listener]) -> None:
    """Raise CheckError if privileged intents are requested that are not enabled for the bot."""
    problems: list[Problem] = []
    for intent in (intents & PRIVILEGED).split():
        if application.flags & _FLAGS_OF_INTENTS[intent]:
            continue
        why = next((listener for listener in listeners if listener.intents() & intent), None)
        where = f'listener "{why.name}"' if why else "intents="
        problems.append(
            Problem(
                where,
                f"it needs the privileged intent {intent.name}, which is not switched on for this bot",
                f"Switch it on at {page_of(application)}",
                file=why.file if why else None,
                line=why.line if why else None,
            )
        )
    if problems:
        raise CheckError(problems)


_CLOSE_CODES = {
    # https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
    4004: "the token was reset meanwhile: set DISCORD_TOKEN to the new one",
    4010: "a shard that does not exist: start all shards with the same shard count",
    4011: "the bot is in too many servers for its shards: let it use more",
    4013: "an intent that Discord does not know: look at intents=",
    4014: f"a privileged intent is not switched on: do that at {_APPLICATIONS} (Bot)",
}


def check_gateway(gateway: hikari.GatewayBotInfo, now: float) -> None:
    """Raise StartError if no session start is left, or the address is unusable. `now` is in seconds since the epoch."""
    if not _is_address(gateway.url):
        raise StartError(f"Discord's gateway has no usable address ({_plain(str(gateway.url))!r}). {_IS_IT_DISCORD}")
    limit, needed = gateway.session_start_limit, gateway.shard_count
    if limit.remaining < needed:
        shards = "1 shard needs 1" if needed == 1 else f"{needed} shards need {needed}"
        raise StartError(
            f"Discord limits how often a bot connects: of {limit.total} session starts {limit.remaining} are left, and "
            f"{shards}. Start the bot again at {moment(now, limit.reset_after.total_seconds())}. If it restarts again "
            "and again, its log says why."
        )


def _is_address(url: object) -> bool:
    try:
        parts = urlsplit(str(url))
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def explained(error: BaseException) -> StartError:
    """Return what kept the bot from connecting, in words for its owner. Its cause is `error`."""
    explained = StartError(_in_words(error))
    explained.__cause__ = error
    return explained


def _in_words(error: BaseException) -> str:
    if isinstance(error, hikari.UnauthorizedError):
        return (
            "Discord refused the token (401). It was reset, or copied incompletely: take a new one from "
            f"{_APPLICATIONS} (Bot, Reset Token) and set DISCORD_TOKEN."
        )
    if isinstance(error, hikari.GatewayServerClosedConnectionError):
        code = int(error.code or 0)
        return f"Discord closed the connection ({code}): {_CLOSE_CODES.get(code, error.reason)}."
    if isinstance(error, hikari.HTTPResponseError):
        return _answered(error)
    if isinstance(error, hikari.GatewayError):
        return f"Discord's gateway did not let the bot in: {error.reason}. Its state: https://discordstatus.com"
    detail = _plain(f"{error}" or type(error.__cause__ or error).__name__)
    if isinstance(error.__cause__ if isinstance(error, hikari.HTTPError) else error, _NETWORK):
        return f"Discord cannot be reached: {detail}. Is there a network, and is rest_url right?"
    if isinstance(error, RuntimeError) and not isinstance(error, hikari.HikariError):
        return f"The connection to Discord ended while it began: {detail}. Its state: https://discordstatus.com"
    return f"Discord's answer could not be read ({_plain(described(error))}). {_IS_IT_DISCORD}"


_NETWORK = (OSError, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)

_IS_IT_DISCORD = "Does rest_url point at Discord, or a proxy of it?"


def _answered(error: hikari.HTTPResponseError) -> str:
    said = f": {error.message}" if error.message else ""
    answer = f"Discord answered {int(error.status)} to {_plain(error.url)}{said}."
    if error.status == 429:
        wait = retry_after(error)
        return f"{answer} Start again {'later' if wait is None else f'in {wait:.0f} s'}."
    if not error.message and error.status < 500:  # of Discord's API, each refusal has a message
        return f"{answer} It is a page of a proxy or a firewall: let the bot through, or correct rest_url."
    if error.status < 500:
        return f"{answer} Starting again will not help: see the bot's page at {_APPLICATIONS}"
    return f"{answer} Its state: https://discordstatus.com"


def _plain(text: str) -> str:
    """Return a text without the names and passwords before the hosts of its URLs."""
    return re.sub(r"//[^/@\s]*@", "//", text)
