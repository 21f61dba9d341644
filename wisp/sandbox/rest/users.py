"""Users over REST: the bot itself, others, and direct messages with them."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import CANNOT_MESSAGE_USER, UNKNOWN_USER, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.images import keep_image, read_image
from wisp.sandbox.world.bounds import USERNAME
from wisp.sandbox.world.users import UserChanges


def get_me(call: Call) -> Answer:
    """Return the bot's own user."""
    return 200, call.world.bot.own_payload()


def edit_me(call: Call) -> Answer:
    """Change the bot's username, avatar or banner (resources/user#modify-current-user)."""
    fields, changes = call.fields, UserChanges()
    name = fields.text("username", USERNAME)
    if name is not None:
        _check_name(fields, name)
        changes["name"] = name
    avatar, banner = read_image(fields, "avatar"), read_image(fields, "banner")
    if "avatar" in fields:
        changes["avatar"] = avatar and avatar.hash
    if "banner" in fields:
        changes["banner"] = banner and banner.hash
    fields.check()
    call.world.users.edit_bot(**changes)
    for field, folder in (("avatar", "avatars"), ("banner", "banners")):
        keep_image(call.world, fields, field, f"{folder}/{call.world.bot.id}")
    return 200, call.world.bot.own_payload()


def _check_name(fields: Fields, name: str) -> None:
    """Note what a username must not be or contain (resources/user#usernames-and-nicknames)."""
    for part in ("@", "#", ":", "```", "discord"):
        if part in name.lower():
            fields.refuse("username", "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{part}"')
    if name.lower() in ("everyone", "here"):
        fields.refuse("username", "USERNAME_INVALID_EQUALS", f'Username cannot be "{name.lower()}"')


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
    Route("PATCH", "/users/@me", edit_me),
    Route("POST", "/users/@me/channels", create_dm),
    Route("GET", "/users/{user}", get),
]
