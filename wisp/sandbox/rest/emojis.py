"""Emojis over REST: a guild's own, and those of the application."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import ASSET_TOO_LARGE, MISSING_PERMISSIONS, UNKNOWN_EMOJI, UNKNOWN_ROLE, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.images import Image, read_image
from wisp.sandbox.world.audit_log import EMOJI, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import EMOJI_NAME, EMOJI_SIZE
from wisp.sandbox.world.objects import JSON, Emoji, Role
from wisp.sandbox.world.permissions import Permission

_CREATE, _MANAGE = Permission.CREATE_GUILD_EXPRESSIONS, Permission.MANAGE_GUILD_EXPRESSIONS


def list_of_guild(call: Call) -> Answer:
    """List a guild's own emojis; a bot that may create or manage them sees who created each."""
    with_creator = call.may(_CREATE) or call.may(_MANAGE)
    return 200, [emoji.guild_payload(with_creator=with_creator) for emoji in call.guild.emojis.values()]


def get(call: Call) -> Answer:
    """Return an emoji of a guild."""
    emoji = _emoji(call, call.guild.emojis)
    return 200, emoji.guild_payload(with_creator=_may_change(call, emoji))


def create(call: Call) -> Answer:
    """Create an emoji of a guild."""
    name, image = _read_new(call.fields)
    role_ids = call.fields.snowflakes("roles", 250)
    call.fields.check()
    roles = _roles(call, role_ids)
    picture = _small(image)
    emoji = call.world.emojis.add(call.guild, name, animated=picture.animated, roles=roles, creator=call.world.bot)
    call.world.pictures.keep(f"emojis/{emoji.id}", picture.content)
    _log(call, AuditLogEvent.EMOJI_CREATE, emoji, {}, emoji.guild_payload())
    return 201, emoji.guild_payload(with_creator=True)


def edit(call: Call) -> Answer:
    """Give an emoji of a guild another name, or say which roles can use it."""
    emoji = _changeable(call)
    name, role_ids = _read_name(call.fields), call.fields.snowflakes("roles", 250)
    call.fields.check()
    roles = _roles(call, role_ids) if "roles" in call.fields else None
    changed = call.world.emojis.edit(call.guild, emoji, name=name, roles=roles)
    _log(call, AuditLogEvent.EMOJI_UPDATE, emoji, emoji.guild_payload(), changed.guild_payload())
    return 200, changed.guild_payload(with_creator=True)


def delete(call: Call) -> Answer:
    """Delete an emoji of a guild."""
    emoji = _changeable(call)
    call.world.emojis.remove(call.guild, emoji)
    _log(call, AuditLogEvent.EMOJI_DELETE, emoji, emoji.guild_payload(), {})
    return 204, None


def _log(call: Call, event: AuditLogEvent, emoji: Emoji, before: JSON, after: JSON) -> None:
    call.log(event, emoji.id, changes=changes_of(EMOJI, before, after))


def _may_change(call: Call, emoji: Emoji) -> bool:
    """Return whether the bot manages a guild's emojis, or created this one and can create more."""
    return call.may(_MANAGE) or (emoji.creator is call.world.bot and call.may(_CREATE))


def _changeable(call: Call) -> Emoji:
    """Return the guild's emoji in the path, which the bot may change."""
    emoji = _emoji(call, call.guild.emojis)
    if not _may_change(call, emoji):
        raise DiscordError(MISSING_PERMISSIONS)
    return emoji


def _roles(call: Call, ids: Sequence[int]) -> list[Role]:
    if any(id not in call.guild.roles for id in ids):
        raise DiscordError(UNKNOWN_ROLE)
    return [call.guild.roles[id] for id in dict.fromkeys(ids)]


def _emoji(call: Call, emojis: Mapping[int, Emoji]) -> Emoji:
    emoji = emojis.get(call.path_id("emoji"))
    if emoji is None:
        raise DiscordError(UNKNOWN_EMOJI)
    return emoji


# Of the application


def list_own(call: Call) -> Answer:
    """List the application's emojis."""
    return 200, {"items": [emoji.guild_payload(with_creator=True) for emoji in _own(call).values()]}


def get_own(call: Call) -> Answer:
    """Return an emoji of the application."""
    return 200, _emoji(call, _own(call)).guild_payload(with_creator=True)


def create_own(call: Call) -> Answer:
    """Create an emoji of the application."""
    call.check_application()
    name, image = _read_new(call.fields)
    call.fields.check()
    picture = _small(image)
    emoji = call.world.emojis.add(None, name, animated=picture.animated, creator=call.world.bot)
    call.world.pictures.keep(f"emojis/{emoji.id}", picture.content)
    return 201, emoji.guild_payload(with_creator=True)


def edit_own(call: Call) -> Answer:
    """Give an emoji of the application another name."""
    emoji, name = _emoji(call, _own(call)), _read_name(call.fields)
    call.fields.check()
    return 200, call.world.emojis.edit(None, emoji, name=name).guild_payload(with_creator=True)


def delete_own(call: Call) -> Answer:
    """Delete an emoji of the application."""
    call.world.emojis.remove(None, _emoji(call, _own(call)))
    return 204, None


def _own(call: Call) -> dict[int, Emoji]:
    call.check_application()
    return call.world.emojis.application


# What a form says of an emoji


def _read_new(fields: Fields) -> tuple[str, Image | None]:
    """Read the name and the picture of a new emoji."""
    fields.require("image")
    return _read_name(fields, required=True) or "", read_image(fields, "image")


def _read_name(fields: Fields, *, required: bool = False) -> str | None:
    name = fields.text("name", EMOJI_NAME, required=required)
    if name and not re.fullmatch(r"\w+", name, re.ASCII):
        fields.refuse("name", "STRING_TYPE_REGEX", "String value did not match validation regex.")
    return name


def _small(image: Image | None) -> Image:
    """Return a picture. Raises DiscordError if it is larger than an emoji's may be."""
    assert image is not None  # or the form was refused
    if not EMOJI_SIZE.holds(len(image.content)):
        raise DiscordError(ASSET_TOO_LARGE)
    return image


OF_GUILD, OF_APPLICATION = "/guilds/{guild}/emojis", "/applications/{application}/emojis"

ROUTES = [
    Route("GET", OF_GUILD, list_of_guild),
    Route("POST", OF_GUILD, create, needs=_CREATE),
    Route("GET", OF_GUILD + "/{emoji}", get),
    Route("PATCH", OF_GUILD + "/{emoji}", edit),
    Route("DELETE", OF_GUILD + "/{emoji}", delete),
    Route("GET", OF_APPLICATION, list_own),
    Route("POST", OF_APPLICATION, create_own),
    Route("GET", OF_APPLICATION + "/{emoji}", get_own),
    Route("PATCH", OF_APPLICATION + "/{emoji}", edit_own),
    Route("DELETE", OF_APPLICATION + "/{emoji}", delete_own),
]
