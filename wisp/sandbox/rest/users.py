"""Users over REST: the bot itself, others, and direct messages with them."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import CANNOT_MESSAGE_USER, UNKNOWN_USER, DiscordError


def get_me(call: Call) -> Answer:
    """Return the bot's own user."""
    me = {"mfa_enabled": False, "locale": "en-US", "verified": True, "email": None, "premium_type": 0}
    return 200, call.world.bot.payload() | me


def get(call: Call) -> Answer:
    """Return a user."""
    return 200, call.user.payload()


def create_dm(call: Call) -> Answer:
    """Open direct messages with a user."""
    id = call.fields.snowflake("recipient_id", required=True)
    call.fields.check()
    user = call.world.users.get(id)
    if user is None:
        raise DiscordError(UNKNOWN_USER)
    if user is call.world.bot:
        raise DiscordError(CANNOT_MESSAGE_USER)
    return 200, call.world.channels.dm(user).payload()


ROUTES = [
    Route("GET", "/users/@me", get_me),
    Route("POST", "/users/@me/channels", create_dm),
    Route("GET", "/users/{user}", get),
]
