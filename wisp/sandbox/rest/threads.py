"""Threads over REST: starting them, their members, and lists of them."""

from __future__ import annotations

from collections.abc import Iterable

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.drafts import read_draft, stored
from wisp.sandbox.rest.errors import (
    HAS_A_THREAD,
    MISSING_PERMISSIONS,
    TOO_MANY_THREADS,
    UNKNOWN_MEMBER,
    WRONG_CHANNEL_TYPE,
    DiscordError,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.world.audit_log import THREAD, AuditLogEvent, changes_of, shown_thread
from wisp.sandbox.world.bounds import ARCHIVE_AFTER, CHANNEL_NAME, SLOWMODE
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    ANNOUNCEMENT_THREAD,
    FORUM,
    JSON,
    MEDIA,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    THREADS,
    Channel,
    Thread,
)
from wisp.sandbox.world.permissions import Permission

DAY = 1440
"""Minutes after which a thread is archived by default."""


def start_from_message(call: Call) -> Answer:
    """Start a thread of a message, whose id it has."""
    message = call.message
    channel, fields = message.channel, call.fields
    name, after, slowmode = _read_basics(fields)
    fields.check()
    _need_to_start(call, PUBLIC_THREAD)
    if message.thread is not None:
        raise DiscordError(HAS_A_THREAD)
    kind = ANNOUNCEMENT_THREAD if channel.kind == ANNOUNCEMENT else PUBLIC_THREAD
    thread = call.world.threads.start(
        channel, name, call.world.bot, message=message, kind=kind, archive_after=after, slowmode=slowmode
    )
    return 201, _started(call, thread)


def start(call: Call) -> Answer:
    """Start a thread of its own; in a forum, with its first message."""
    channel, fields = call.channel, call.fields
    if channel.kind in (FORUM, MEDIA):
        return _start_post(call, channel, fields)
    name, after, slowmode = _read_basics(fields)
    kind, invitable = fields.choice("type", THREADS), fields.boolean("invitable")
    fields.check()
    default = ANNOUNCEMENT_THREAD if channel.kind == ANNOUNCEMENT else PRIVATE_THREAD
    kind = default if kind is None else kind
    _need_to_start(call, kind)
    thread = call.world.threads.start(
        channel,
        name,
        call.world.bot,
        kind=kind,
        archive_after=after,
        slowmode=slowmode,
        invitable=invitable is not False,
    )
    return 201, _started(call, thread)


def _start_post(call: Call, channel: Channel, fields: Fields) -> Answer:
    """Start a post of a forum: a thread with its first message."""
    call.need(Permission.SEND_MESSAGES)
    name, after, slowmode = _read_basics(fields)
    tags, inner = fields.snowflakes("applied_tags", 5), fields.object("message")
    if inner is None:
        fields.refuse("message", *REQUIRED)
    fields.check()
    assert inner is not None  # or the form was refused
    draft = read_draft(inner, call.body.files, usable=call.usable_stickers)
    thread = call.world.threads.start(channel, name, call.world.bot, archive_after=after, slowmode=slowmode, tags=tags)
    # A post has the id of its first message.
    message = call.world.messages.add(thread, call.world.bot, **stored(call.world, draft), id=thread.id)
    return 201, {**_started(call, thread), "message": message.payload()}


def _started(call: Call, thread: Channel) -> JSON:
    """Note in the audit log that a thread was started, and return it with the bot's membership."""
    call.log(AuditLogEvent.THREAD_CREATE, thread.id, changes=changes_of(THREAD, {}, shown_thread(thread)))
    return {**thread.payload(), "member": _thread(thread).members[call.world.bot.id].payload()}


def _read_basics(fields: Fields) -> tuple[str, int, int]:
    """Read a new thread's name, the minutes until it is archived, and its slowmode."""
    name = fields.text("name", CHANNEL_NAME, required=True)
    after = fields.choice("auto_archive_duration", ARCHIVE_AFTER)
    return name, after or DAY, fields.integer("rate_limit_per_user", SLOWMODE) or 0


def _need_to_start(call: Call, kind: int) -> None:
    """Raise DiscordError if the bot cannot start a thread of this type in the channel in the path."""
    call.need_guild()
    private = kind == PRIVATE_THREAD
    if call.channel.kind not in (TEXT, ANNOUNCEMENT) or (call.channel.kind == ANNOUNCEMENT and private):
        raise DiscordError(WRONG_CHANNEL_TYPE)
    call.need(Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)


def need_room(call: Call, channel: Channel) -> None:
    """Raise DiscordError if an archived thread of the channel's guild cannot be opened: as many as can be are open."""
    if channel.guild is not None and not call.world.threads.has_room(channel.guild):
        raise DiscordError(TOO_MANY_THREADS)


# Members


def join(call: Call) -> Answer:
    """Add the bot to a thread."""
    call.world.threads.join(_open_thread(call), call.world.bot)
    return 204, None


def add_member(call: Call) -> Answer:
    """Add a member of the guild to a thread."""
    channel, user = _open_thread(call), call.user
    if user.id not in call.guild.members:
        raise DiscordError(UNKNOWN_MEMBER)
    call.world.threads.join(channel, user)
    return 204, None


def leave(call: Call) -> Answer:
    """Remove the bot from a thread."""
    call.world.threads.leave(_open_thread(call), call.world.bot)
    return 204, None


def remove_member(call: Call) -> Answer:
    """Remove a member from a thread: with the permission to manage threads, or from the bot's own private one."""
    channel, user = _open_thread(call), call.user
    own = channel.kind == PRIVATE_THREAD and _thread(channel).owner is call.world.bot
    if not own and user is not call.world.bot and not call.may(Permission.MANAGE_THREADS):
        raise DiscordError(MISSING_PERMISSIONS)
    call.world.threads.leave(channel, user)
    return 204, None


def list_members(call: Call) -> Answer:
    """List the members of a thread, ordered by id."""
    channel, (limit, _, after) = call.channel, call.page(most=100, default=100)
    with_member = call.flag("with_member")
    ids = sorted(id for id in _thread(channel).members if id > after)
    return 200, [_member(channel, id, with_member=with_member) for id in ids[:limit]]


def get_member(call: Call) -> Answer:
    """Return a member of a thread."""
    channel, user, with_member = call.channel, call.user, call.flag("with_member")
    if user.id not in _thread(channel).members:
        raise DiscordError(UNKNOWN_MEMBER)
    return 200, _member(channel, user.id, with_member=with_member)


def _member(channel: Channel, id: int, *, with_member: bool) -> JSON:
    payload = _thread(channel).members[id].payload()
    if with_member and channel.guild is not None:
        payload["member"] = channel.guild.members[id].payload()
    return payload


def _open_thread(call: Call) -> Channel:
    """Return the thread in the path, which must not be archived."""
    _thread(call.channel)
    call.need_open(call.channel)
    return call.channel


def _thread(channel: Channel) -> Thread:
    if channel.thread is None:
        raise DiscordError(WRONG_CHANNEL_TYPE)
    return channel.thread


# Lists of threads


def list_active(call: Call) -> Answer:
    """List a guild's threads that are not archived and that the bot sees, newest first."""
    threads = _seen(call, call.guild.threads.values(), archived=False)
    return 200, listing(call, sorted(threads, key=lambda thread: -thread.id))


def list_archived_public(call: Call) -> Answer:
    """List a channel's archived threads that everyone sees."""
    return 200, _archived(call, (PUBLIC_THREAD, ANNOUNCEMENT_THREAD), joined=False)


def list_archived_private(call: Call) -> Answer:
    """List a channel's archived private threads."""
    return 200, _archived(call, (PRIVATE_THREAD,), joined=False)


def list_archived_joined(call: Call) -> Answer:
    """List a channel's archived private threads that the bot is a member of."""
    return 200, _archived(call, (PRIVATE_THREAD,), joined=True)


def _archived(call: Call, kinds: Iterable[int], *, joined: bool) -> JSON:
    # Those that the bot joined are paged by id, the others by the moment when they were archived.
    limit = call.limit(most=100, default=50, least=2)
    before = call.page(most=100, default=50, least=2).before if joined else call.before_moment()
    found = [
        (thread.id if joined else about.archive_moment, thread)
        for thread in _seen(call, call.guild.threads.values(), archived=True)
        if thread.parent is call.channel
        and thread.kind in kinds
        and (about := _thread(thread))
        and (not joined or call.world.bot.id in about.members)
    ]
    threads = [thread for moment, thread in sorted(found, key=lambda pair: pair[0], reverse=True) if moment < before]
    return listing(call, threads[:limit]) | {"has_more": len(threads) > limit}


def _seen(call: Call, threads: Iterable[Channel], *, archived: bool) -> list[Channel]:
    return [
        thread for thread in threads if _thread(thread).archived is archived and call.world.sees(call.world.bot, thread)
    ]


def listing(call: Call, threads: list[Channel]) -> JSON:
    """Return threads, and the bot's membership of those that it is in."""
    mine = [_thread(thread).members.get(call.world.bot.id) for thread in threads]
    members = [member.payload() for member in mine if member]
    return {"threads": [thread.payload() for thread in threads], "members": members, "has_more": False}


OF_CHANNEL, MEMBERS = "/channels/{channel}/threads", "/channels/{channel}/thread-members"
HISTORY, MANAGE = Permission.READ_MESSAGE_HISTORY, Permission.MANAGE_THREADS

ROUTES = [
    Route("POST", "/channels/{channel}/messages/{message}/threads", start_from_message),
    Route("POST", OF_CHANNEL, start),
    Route("GET", OF_CHANNEL + "/archived/public", list_archived_public, needs=HISTORY),
    Route("GET", OF_CHANNEL + "/archived/private", list_archived_private, needs=HISTORY | MANAGE),
    Route("GET", "/channels/{channel}/users/@me/threads/archived/private", list_archived_joined, needs=HISTORY),
    Route("GET", "/guilds/{guild}/threads/active", list_active),
    Route("GET", MEMBERS, list_members),
    Route("PUT", MEMBERS + "/@me", join),
    Route("POST", MEMBERS + "/@me", join),  # of nextcord, and of discord.py before 2.7; Discord takes both
    Route("DELETE", MEMBERS + "/@me", leave),
    Route("GET", MEMBERS + "/{user}", get_member),
    Route("PUT", MEMBERS + "/{user}", add_member, needs=Permission.SEND_MESSAGES),
    Route("DELETE", MEMBERS + "/{user}", remove_member),
]
