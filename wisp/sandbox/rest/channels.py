"""Channels over REST: creating, changing and deleting them, and who may do what in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    ARCHIVED_THREAD,
    MISSING_PERMISSIONS,
    UNKNOWN_CHANNEL,
    UNKNOWN_OVERWRITE,
    WRONG_CHANNEL_TYPE,
    DiscordError,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields, present
from wisp.sandbox.rest.threads import need_room
from wisp.sandbox.world.audit_log import CHANNEL, OVERWRITE, THREAD, AuditLogEvent, changes_of, shown_thread
from wisp.sandbox.world.bounds import (
    ARCHIVE_AFTER,
    BITRATE,
    CHANNEL_NAME,
    FORUM_TOPIC,
    IN_CATEGORY,
    POSITION,
    SLOWMODE,
    STAGE_USER_LIMIT,
    TAG_NAME,
    TOPIC,
    USER_LIMIT,
)
from wisp.sandbox.world.channels import ChannelChanges
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    CATEGORY,
    FORUM,
    JSON,
    MEDIA,
    MEMBER_OVERWRITE,
    PRIVATE_THREAD,
    ROLE_OVERWRITE,
    STAGE,
    TEXT,
    VOICE,
    Channel,
    Guild,
    LimitReached,
    Overwrite,
    Thread,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.threads import ThreadChanges

MADE_BY_BOTS = (TEXT, VOICE, CATEGORY, ANNOUNCEMENT, STAGE, FORUM, MEDIA)


def list_channels(call: Call) -> Answer:
    """List a guild's channels, without threads."""
    return 200, [channel.payload() for channel in call.guild.channels.values()]


def get(call: Call) -> Answer:
    """Return a channel; a thread with the bot's membership."""
    channel = call.channel
    payload = channel.payload()
    if channel.thread is not None and call.world.bot.id in channel.thread.members:
        payload["member"] = channel.thread.members[call.world.bot.id].payload()
    return 200, payload


def create(call: Call) -> Answer:
    """Create a channel of a guild."""
    guild, fields = call.guild, call.fields
    kind = fields.choice("type", MADE_BY_BOTS) or TEXT
    if "name" not in fields:
        fields.refuse("name", *REQUIRED)
    changes = _read_changes(call, fields, kind, None)
    channel = call.world.channels.add(
        guild,
        changes.get("name", ""),
        kind=kind,
        parent=changes.get("parent"),
        topic=changes.get("topic"),
        nsfw=changes.get("nsfw", False),
        slowmode=changes.get("slowmode", 0),
        overwrites=changes.get("overwrites", ()),
        settings=changes.get("settings"),
    )
    if "position" in changes:
        call.world.channels.edit(channel, position=changes["position"])
    call.log(AuditLogEvent.CHANNEL_CREATE, channel.id, changes=changes_of(CHANNEL, {}, channel.payload()))
    return 201, channel.payload()


def move(call: Call) -> Answer:
    """Give channels other positions, and move them into and out of categories."""
    guild = call.guild
    moves: list[tuple[Channel, ChannelChanges]] = []
    for fields in call.items:
        id, position = fields.snowflake("id", required=True), fields.integer("position", POSITION)
        lock, channel = fields.boolean("lock_permissions"), guild.channels.get(id)
        if channel is None:
            fields.check()
            raise DiscordError(UNKNOWN_CHANNEL)
        changes: ChannelChanges = {}
        if position is not None:
            changes["position"] = position
        if "parent_id" in fields:
            parent = changes["parent"] = _read_parent(call, fields, channel.kind)
            if lock and parent is not None:
                changes["overwrites"] = list(parent.overwrites.values())
        moves.append((channel, changes))
    for fields in call.items:
        fields.check()
    _need_room_in_categories(call.guild, moves)
    for channel, changes in moves:
        _edit(call, channel, changes)
    return 204, None


def _need_room_in_categories(guild: Guild, moves: Sequence[tuple[Channel, ChannelChanges]]) -> None:
    """Raise LimitReached if one of these moves, made in turn, would find its category full."""
    parents = {channel: channel.parent for channel in guild.channels.values()}
    held = Counter(parents.values())
    for channel, changes in moves:
        old, new = parents[channel], changes.get("parent", parents[channel])
        if new is not None and new is not old and held[new] >= IN_CATEGORY.most:
            raise LimitReached(f"a category has at most {IN_CATEGORY.most} channels", IN_CATEGORY)
        held[old] -= 1
        held[new] += 1
        parents[channel] = new


def edit(call: Call) -> Answer:
    """Change a channel or a thread."""
    channel, fields = call.channel, call.fields
    if channel.thread is not None:
        return _edit_thread(call, channel, channel.thread)
    call.need_guild()
    call.need(Permission.MANAGE_CHANNELS)
    kind = fields.choice("type", (TEXT, ANNOUNCEMENT)) if channel.kind in (TEXT, ANNOUNCEMENT) else None
    changes = _read_changes(call, fields, channel.kind, channel)
    if kind is not None:
        changes["kind"] = kind
    _edit(call, channel, changes)
    return 200, channel.payload()


def _edit(call: Call, channel: Channel, changes: ChannelChanges) -> None:
    """Change a channel; the audit log has each of its overwrites apart."""
    before, overwrites = channel.payload(), dict(channel.overwrites)
    call.world.channels.edit(channel, **changes)
    names = [name for name in CHANNEL if name != "permission_overwrites"]
    call.log(AuditLogEvent.CHANNEL_UPDATE, channel.id, changes=changes_of(names, before, channel.payload()))
    for id in {**overwrites, **channel.overwrites}:
        _log_overwrite(call, channel, overwrites.get(id), channel.overwrites.get(id))


def _log_overwrite(call: Call, channel: Channel, old: Overwrite | None, new: Overwrite | None) -> None:
    """Note a changed overwrite: `old` is None for a new one, `new` for one that is deleted."""
    about = new or old
    if about is None:
        return
    role = call.guild.roles.get(about.id) if about.kind == ROLE_OVERWRITE else None
    options = {"id": str(about.id), "type": str(about.kind)} | ({"role_name": role.name} if role else {})
    event = (
        AuditLogEvent.OVERWRITE_UPDATE
        if old and new
        else AuditLogEvent.OVERWRITE_CREATE
        if new
        else AuditLogEvent.OVERWRITE_DELETE
    )
    changes = changes_of(OVERWRITE, old.payload() if old else {}, new.payload() if new else {})
    call.log(event, channel.id, changes=changes, options=options)


def _edit_thread(call: Call, channel: Channel, thread: Thread) -> Answer:
    """Change a thread."""
    fields = call.fields
    outer = present(name=fields.text("name", CHANNEL_NAME), slowmode=fields.integer("rate_limit_per_user", SLOWMODE))
    inner = present(
        archived=fields.boolean("archived"),
        locked=fields.boolean("locked"),
        invitable=fields.boolean("invitable"),
        archive_after=fields.choice("auto_archive_duration", ARCHIVE_AFTER),
        tags=fields.snowflakes("applied_tags", 5) if "applied_tags" in fields else None,
    )
    fields.check()
    archived = inner.get("archived")
    if not _may_edit(call, channel, thread, {*outer, *inner}, reopen=archived is False):
        raise DiscordError(MISSING_PERMISSIONS)
    if thread.archived and archived is not False:
        raise DiscordError(ARCHIVED_THREAD)
    if thread.archived:
        need_room(call, channel)
    if channel.kind != PRIVATE_THREAD:
        inner.pop("invitable", None)
    before = shown_thread(channel)
    if outer:
        call.world.channels.edit(channel, **cast("ChannelChanges", outer))
    if inner:
        call.world.threads.edit(channel, **cast("ThreadChanges", inner))
    call.log(AuditLogEvent.THREAD_UPDATE, channel.id, changes=changes_of(THREAD, before, shown_thread(channel)))
    return 200, channel.payload()


def _may_edit(call: Call, channel: Channel, thread: Thread, changed: set[str], *, reopen: bool) -> bool:
    """Return whether the bot may change these things of a thread.

    The bot that started a thread may change all but slowmode and lock. Whoever can write in a thread that is not locked
    may reopen it (resources/channel#modify-channel).
    """
    if call.may(Permission.MANAGE_THREADS):
        return True
    if changed & {"slowmode", "locked"}:
        return False
    if thread.owner is call.world.bot:
        return True
    return reopen and changed == {"archived"} and not thread.locked and call.may(Permission.SEND_MESSAGES)


def delete(call: Call) -> Answer:
    """Delete a channel or thread and return what it was. Direct messages are closed, which changes nothing."""
    channel = call.channel
    if channel.guild is None:
        return 200, channel.payload()
    call.need(Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS)
    call.world.channels.delete(channel)
    if channel.is_thread:
        event, changes = AuditLogEvent.THREAD_DELETE, changes_of(THREAD, shown_thread(channel), {})
    else:
        event, changes = AuditLogEvent.CHANNEL_DELETE, changes_of(CHANNEL, channel.payload(), {})
    call.log(event, channel.id, changes=changes)
    return 200, channel.payload()


# Overwrites


def set_overwrite(call: Call) -> Answer:
    """Allow and deny a role or member permissions in a channel."""
    channel, id, fields = _with_overwrites(call), call.path_id("overwrite"), call.fields
    kind = fields.choice("type", (ROLE_OVERWRITE, MEMBER_OVERWRITE))
    allow, deny = fields.permissions("allow") or 0, fields.permissions("deny") or 0
    fields.check()
    old = channel.overwrites.get(id)
    call.need_to_grant((allow | deny) & ~_named(old))
    target = call.guild.roles.get(id) if kind != MEMBER_OVERWRITE else call.world.users.get(id)
    if target is None:
        raise DiscordError(UNKNOWN_OVERWRITE)
    call.world.channels.set_overwrite(channel, target, allow=allow, deny=deny)
    _log_overwrite(call, channel, old, channel.overwrites[id])
    return 204, None


def remove_overwrite(call: Call) -> Answer:
    """Delete the overwrite of a role or member."""
    channel = _with_overwrites(call)
    old = channel.overwrites.get(call.path_id("overwrite"))
    if old is None:
        raise DiscordError(UNKNOWN_OVERWRITE)
    call.world.channels.remove_overwrite(channel, old.id)
    _log_overwrite(call, channel, old, None)
    return 204, None


def _with_overwrites(call: Call) -> Channel:
    """Return the channel in the path, which must be one of a guild and no thread."""
    call.need_guild()
    if call.channel.is_thread:
        raise DiscordError(WRONG_CHANNEL_TYPE)
    return call.channel


def _named(overwrite: Overwrite | None) -> int:
    """Return the permissions that an overwrite allows or denies."""
    return overwrite.allow | overwrite.deny if overwrite else 0


# What a form says of a channel


def _read_changes(call: Call, fields: Fields, kind: int, old: Channel | None) -> ChannelChanges:
    """Read what a form says of a channel of this kind. Raises DiscordError with all that is wrong."""
    changes = present(
        name=fields.text("name", CHANNEL_NAME),
        position=fields.integer("position", POSITION),
        slowmode=fields.integer("rate_limit_per_user", SLOWMODE),
        nsfw=fields.boolean("nsfw"),
        settings=_read_settings(call, fields, kind),
    )
    if "topic" in fields:
        changes["topic"] = fields.text("topic", FORUM_TOPIC if kind in (FORUM, MEDIA) else TOPIC)
    if "parent_id" in fields:
        changes["parent"] = _read_parent(call, fields, kind)
    overwrites = _read_overwrites(call, fields)
    fields.check()
    if fields.raw("permission_overwrites") is not None:
        changes["overwrites"] = overwrites
        _need_for_overwrites(call, overwrites, old)
    return cast("ChannelChanges", changes)


def _read_parent(call: Call, fields: Fields, kind: int) -> Channel | None:
    id = fields.snowflake("parent_id")
    if id is None:
        return None
    parent = call.guild.channels.get(id)
    if parent is None:
        fields.refuse("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")
    elif parent.kind != CATEGORY or kind == CATEGORY:
        fields.refuse("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category")
    return parent


def _read_overwrites(call: Call, fields: Fields) -> list[Overwrite]:
    found: list[Overwrite] = []
    for inner in fields.objects("permission_overwrites", 100):
        id, kind = inner.snowflake("id", required=True), inner.choice("type", (ROLE_OVERWRITE, MEMBER_OVERWRITE))
        allow, deny = inner.permissions("allow") or 0, inner.permissions("deny") or 0
        if kind is None:
            kind = ROLE_OVERWRITE if id in call.guild.roles else MEMBER_OVERWRITE
        found.append(Overwrite(id, kind, allow, deny & ~allow))
    return found


def _need_for_overwrites(call: Call, overwrites: Sequence[Overwrite], old: Channel | None) -> None:
    """Raise DiscordError if the bot may not give a channel these overwrites; those that it has can stay."""
    if old is not None:
        call.need(Permission.MANAGE_ROLES)
    for overwrite in overwrites:
        before = old.overwrites.get(overwrite.id) if old else None
        call.need_to_grant((overwrite.allow | overwrite.deny) & ~_named(before))


def _read_settings(call: Call, fields: Fields, kind: int) -> JSON:
    """Read the fields that only channels of this kind have."""
    settings: JSON = {}
    if kind in (VOICE, STAGE):
        settings["bitrate"] = fields.integer("bitrate", BITRATE)
        settings["user_limit"] = fields.integer("user_limit", STAGE_USER_LIMIT if kind == STAGE else USER_LIMIT)
        settings["video_quality_mode"] = fields.choice("video_quality_mode", (1, 2))
    if kind in (FORUM, MEDIA) and "available_tags" in fields:
        settings["available_tags"] = [_read_tag(call, inner) for inner in fields.objects("available_tags", 20)]
    if kind in (TEXT, ANNOUNCEMENT, FORUM, MEDIA):
        settings["default_auto_archive_duration"] = fields.choice("default_auto_archive_duration", ARCHIVE_AFTER)
        slowmode = fields.integer("default_thread_rate_limit_per_user", SLOWMODE)
        settings["default_thread_rate_limit_per_user"] = slowmode
    return present(**settings)


def _read_tag(call: Call, fields: Fields) -> JSON:
    id, emoji_id, emoji_name = fields.snowflake("id"), fields.snowflake("emoji_id"), fields.raw("emoji_name")
    return {
        "id": str(id or call.world.next_id()),
        "name": fields.text("name", TAG_NAME, required=True),
        "moderated": fields.boolean("moderated") or False,
        "emoji_id": emoji_id and str(emoji_id),
        "emoji_name": emoji_name if isinstance(emoji_name, str) else None,
    }


A_CHANNEL, AN_OVERWRITE = "/channels/{channel}", "/channels/{channel}/permissions/{overwrite}"

ROUTES = [
    Route("GET", "/guilds/{guild}/channels", list_channels),
    Route("POST", "/guilds/{guild}/channels", create, needs=Permission.MANAGE_CHANNELS),
    Route("PATCH", "/guilds/{guild}/channels", move, needs=Permission.MANAGE_CHANNELS),
    Route("GET", A_CHANNEL, get),
    Route("PATCH", A_CHANNEL, edit),
    Route("DELETE", A_CHANNEL, delete),
    Route("PUT", AN_OVERWRITE, set_overwrite, needs=Permission.MANAGE_ROLES),
    Route("DELETE", AN_OVERWRITE, remove_overwrite, needs=Permission.MANAGE_ROLES),
]
