"""Stickers over REST: those of guilds, and the pack that everyone has."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    FILE_TOO_LARGE,
    INVALID_ASSET,
    MISSING_PERMISSIONS,
    UNKNOWN_STICKER,
    UNKNOWN_STICKER_PACK,
    DiscordError,
)
from wisp.sandbox.rest.fields import REQUIRED
from wisp.sandbox.rest.images import sticker_format
from wisp.sandbox.world.audit_log import STICKER, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import STICKER_DESCRIPTION, STICKER_NAME, STICKER_SIZE, STICKER_TAGS
from wisp.sandbox.world.objects import JSON, Sticker
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.stickers import PACK_ID, StickerChanges

_CREATE, _MANAGE = Permission.CREATE_GUILD_EXPRESSIONS, Permission.MANAGE_GUILD_EXPRESSIONS


def get(call: Call) -> Answer:
    """Return a sticker by its id alone: a standard one, or one of a guild that the bot is in."""
    sticker = call.world.stickers.get(call.path_id("sticker"))
    guild = call.world.guilds.get(sticker.guild_id or 0) if sticker else None
    if sticker is None or (guild is not None and call.world.bot.id not in guild.members):
        raise DiscordError(UNKNOWN_STICKER)
    return 200, sticker.payload()


def list_packs(call: Call) -> Answer:
    """List the sticker packs."""
    return 200, {"sticker_packs": [call.world.stickers.pack()]}


def get_pack(call: Call) -> Answer:
    """Return a sticker pack."""
    if call.path_id("pack") != PACK_ID:
        raise DiscordError(UNKNOWN_STICKER_PACK)
    return 200, call.world.stickers.pack()


def list_of_guild(call: Call) -> Answer:
    """List a guild's stickers; a bot that may create or manage them sees who created each."""
    with_creator = call.may(_CREATE) or call.may(_MANAGE)
    return 200, [sticker.payload(with_creator=with_creator) for sticker in call.guild.stickers.values()]


def get_of_guild(call: Call) -> Answer:
    """Return a sticker of a guild; a bot that may create or manage them sees who created it."""
    return 200, _sticker(call).payload(with_creator=call.may(_CREATE) or call.may(_MANAGE))


def create(call: Call) -> Answer:
    """Create a sticker of a guild, from a form with its file (resources/sticker#create-guild-sticker)."""
    fields, file = call.fields, next(iter(call.body.files.values()), None)
    name = fields.text("name", STICKER_NAME, required=True)
    tags = fields.text("tags", STICKER_TAGS, required=True)
    description = fields.text("description", STICKER_DESCRIPTION)
    if file is None:
        fields.refuse("file", *REQUIRED)
    fields.check()
    assert file is not None  # or the form was refused
    content = file[1]
    if not STICKER_SIZE.holds(len(content)):
        raise DiscordError(FILE_TOO_LARGE)
    format = sticker_format(content)
    if format is None:
        raise DiscordError(INVALID_ASSET)
    sticker = call.world.stickers.add(
        call.guild,
        name,
        tags=tags,
        description=description or None,
        format=format,
        content=content,
        creator=call.world.bot,
    )
    _log(call, AuditLogEvent.STICKER_CREATE, sticker, {}, sticker.payload())
    return 201, sticker.payload(with_creator=True)


def edit(call: Call) -> Answer:
    """Change the name, description or tags of a sticker of a guild."""
    sticker, fields = _changeable(call), call.fields
    changes: StickerChanges = {}
    if name := fields.text("name", STICKER_NAME):
        changes["name"] = name
    if tags := fields.text("tags", STICKER_TAGS):
        changes["tags"] = tags
    if "description" in fields:
        changes["description"] = fields.text("description", STICKER_DESCRIPTION) or None
    fields.check()
    changed = call.world.stickers.edit(call.guild, sticker, **changes)
    _log(call, AuditLogEvent.STICKER_UPDATE, sticker, sticker.payload(), changed.payload())
    return 200, changed.payload(with_creator=True)


def delete(call: Call) -> Answer:
    """Delete a sticker of a guild."""
    sticker = _changeable(call)
    call.world.stickers.remove(call.guild, sticker)
    _log(call, AuditLogEvent.STICKER_DELETE, sticker, sticker.payload(), {})
    return 204, None


def _log(call: Call, deed: AuditLogEvent, sticker: Sticker, before: JSON, after: JSON) -> None:
    call.log(deed, sticker.id, changes=changes_of(STICKER, before, after))


def _sticker(call: Call) -> Sticker:
    """Return the sticker in the path, which must be the guild's."""
    sticker = call.guild.stickers.get(call.path_id("sticker"))
    if sticker is None:
        raise DiscordError(UNKNOWN_STICKER)
    return sticker


def _changeable(call: Call) -> Sticker:
    """Return the guild's sticker in the path, if the bot manages them, or created this one and can create more."""
    sticker = _sticker(call)
    if not call.may(_MANAGE) and not (sticker.creator is call.world.bot and call.may(_CREATE)):
        raise DiscordError(MISSING_PERMISSIONS)
    return sticker


OF_GUILD = "/guilds/{guild}/stickers"

ROUTES = [
    Route("GET", "/stickers/{sticker}", get),
    Route("GET", "/sticker-packs", list_packs, bot=False),
    Route("GET", "/sticker-packs/{pack}", get_pack),
    Route("GET", OF_GUILD, list_of_guild),
    Route("POST", OF_GUILD, create, needs=_CREATE),
    Route("GET", OF_GUILD + "/{sticker}", get_of_guild),
    Route("PATCH", OF_GUILD + "/{sticker}", edit),
    Route("DELETE", OF_GUILD + "/{sticker}", delete),
]
