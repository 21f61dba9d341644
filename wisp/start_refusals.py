"""Why Discord does not let a bot start: what it answers, in words for whoever runs the bot."""

from __future__ import annotations

import hikari

from .errors import Mistake, Mistakes, StartError
from .events import PRIVILEGED, Listener

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


def page_of(application: hikari.Application) -> str:
    """Where the bot's owner switches its intents on."""
    return f"https://discord.com/developers/applications/{int(application.id)}/bot"


def check_privileged(intents: hikari.Intents, application: hikari.Application, listeners: list[Listener]) -> None:
    """Raise Mistakes for the privileged intents that are asked for and not switched on."""
    mistakes: list[Mistake] = []
    for intent in (intents & PRIVILEGED).split():
        if application.flags & _FLAGS_OF_INTENTS[intent]:
            continue
        why = next((listener for listener in listeners if listener.intents() & intent), None)
        where = f'listener "{why.name}"' if why else "intents="
        mistakes.append(
            Mistake(
                where,
                f"it needs the privileged intent {intent.name}, which is not switched on for this bot",
                f"Switch it on at {page_of(application)}",
                file=why.file if why else None,
                line=why.line if why else None,
            )
        )
    if mistakes:
        raise Mistakes(mistakes)


_CLOSE_CODES = {
    # https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
    4004: "the token was reset meanwhile: set DISCORD_TOKEN to the new one",
    4010: "a shard that does not exist: start all shards with the same shard count",
    4011: "the bot is in too many servers for its shards: let it use more",
    4013: "an intent that Discord does not know: look at intents=",
    4014: "a privileged intent is not switched on: do that at https://discord.com/developers/applications (Bot)",
}


def explained(error: BaseException) -> BaseException:
    """What kept the bot from starting, in words for who runs it; what needs no words is given back."""
    words = _in_words(error)
    if words is None:
        return error
    explained = StartError(words)
    explained.__cause__ = error
    return explained


def _in_words(error: BaseException) -> str | None:
    if isinstance(error, hikari.UnauthorizedError):
        return (
            "Discord refused the token (401). It was reset, or copied incompletely: take a new one from "
            "https://discord.com/developers/applications (Bot, Reset Token) and set DISCORD_TOKEN."
        )
    if isinstance(error, hikari.GatewayServerClosedConnectionError):
        code = int(error.code or 0)
        return f"Discord closed the connection ({code}): {_CLOSE_CODES.get(code, error.reason)}."
    if isinstance(error, hikari.RateLimitTooLongError):
        return f"Discord asks to wait {error.retry_after:.0f} s before the next start. Start again then."
    if isinstance(error, hikari.HTTPResponseError):
        return f"Discord answered {int(error.status)} to {error.url}. Its state: https://discordstatus.com"
    if isinstance(error, (hikari.HTTPError, OSError)):
        return f"Discord cannot be reached: {error}. Is there a network, and is rest_url right?"
    if isinstance(error, (KeyError, TypeError)):
        return f"Discord's answer could not be read ({error!r}). Does rest_url point at Discord, or a proxy of it?"
    return None
