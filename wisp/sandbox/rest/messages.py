"""Messages over REST: sending, editing and deleting them, pins, and reactions."""

from __future__ import annotations

import re
from itertools import takewhile

from wisp.limits import Violation, listed
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.drafts import Draft, apply_draft, read_draft, read_flags, stored
from wisp.sandbox.rest.errors import (
    ALREADY_CROSSPOSTED,
    CANNOT_FORWARD,
    CANNOT_REFERENCE,
    CANNOT_REPLY,
    INVALID_MESSAGE_TYPE,
    LOCKED_THREAD,
    MISSING_ACCESS,
    NOT_THE_AUTHOR,
    SYSTEM_MESSAGE,
    TOO_OLD_TO_DELETE,
    UNKNOWN_EMOJI,
    UNKNOWN_REACTION,
    WRONG_CHANNEL_TYPE,
    WRONG_NUMBER_TO_DELETE,
    DiscordError,
    invalid_form,
)
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.shapes import is_emoji
from wisp.sandbox.rest.threads import need_room
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.bounds import BULK_DELETE, BULK_DELETE_AGE
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    COMPONENTS_V2,
    CROSSPOSTED,
    DISCORD_EPOCH,
    FORWARD,
    IS_VOICE,
    REPLY,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    WRITTEN,
    Emoji,
    Message,
    User,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission

BOT_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | IS_VOICE | COMPONENTS_V2
"""Message flags that a bot can set in a channel: no embeds, no notification, a voice message, new components."""

BESIDES_FORWARD = ("content", "embeds", "components", "attachments", "sticker_ids", "poll")
"""What a message cannot have if it forwards another (discord/discord-api-docs issues 7574 and 8561)."""

NONCES_KEPT = 180.0
"""Seconds in which an enforced nonce makes but one message: Discord says "the past few minutes"."""

_OWN_EMOJI = re.compile(r"[\w-]{1,32}:(\d{1,19})")


def start_typing(call: Call) -> Answer:
    """Show that the bot is typing."""
    call.world.messages.show_typing(call.text_channel, call.world.bot)
    return 204, None


def list_messages(call: Call) -> Answer:
    """List a channel's messages, newest first: none if the bot cannot read the history."""
    channel, (limit, before, after) = call.text_channel, call.page(most=100, default=50)
    around = call.query.snowflake("around")
    call.query.check()
    messages = list(channel.messages.values()) if call.may(Permission.READ_MESSAGE_HISTORY) else []
    if around is not None:
        place = sum(message.id < around for message in messages)
        start = max(0, place - limit // 2)
        chosen = messages[start : start + limit]
    else:
        found = [message for message in messages if after < message.id < before]
        chosen = found[:limit] if "after" in call.query else found[-limit:]
    return 200, [message.payload() for message in reversed(chosen)]


def create(call: Call) -> Answer:
    """Send a message as the bot."""
    world, channel, fields = call.world, call.text_channel, call.fields
    _need_to_write(call)
    forwarded = _read_forward(call)
    draft = (
        read_draft(fields, call.body.files, usable=call.usable_stickers)
        if forwarded is None
        else Draft(flags=read_flags(fields))
    )
    _need_for_content(call, draft)
    reference, nonce = _read_reference(call, fields) if forwarded is None else None, _read_nonce(fields)
    if fields.raw("enforce_nonce") is True and (first := _sent_with(call, nonce)):
        return 200, first.payload()
    if channel.is_thread:
        world.threads.join(channel, world.bot)
    flags = (draft.flags or 0) & BOT_FLAGS
    if forwarded is not None:
        message = world.messages.forward(forwarded, channel, world.bot, flags=flags, nonce=nonce)
    else:
        message = world.messages.add(
            channel,
            world.bot,
            **stored(world, draft),
            flags=flags,
            kind=REPLY if reference else 0,
            reference=reference,
            nonce=nonce,
        )
    return 200, message.payload()


def get(call: Call) -> Answer:
    """Return a message of a channel."""
    return 200, call.message.payload()


def edit(call: Call) -> Answer:
    """Change one of the bot's messages."""
    message, fields = call.message, call.fields
    if message.author is not call.world.bot:
        # A bot that manages messages can hide and show the embeds of others' messages, too.
        if set(fields.values) != {"flags"} or not call.may(Permission.MANAGE_MESSAGES):
            raise DiscordError(NOT_THE_AUTHOR)
    elif message.kind not in WRITTEN:
        raise DiscordError(SYSTEM_MESSAGE)
    call.need_open(message.channel)
    apply_draft(call.world, message, read_draft(fields, call.body.files, old=message))
    return 200, message.payload()


def delete(call: Call) -> Answer:
    """Delete a message: the bot's, or any with the permission to manage messages."""
    message = call.message
    mine = message.author is call.world.bot
    if not mine:
        _need_to_manage(call)
    call.need_open(message.channel)
    call.world.messages.delete(message)
    if not mine:
        options = {"channel_id": str(message.channel.id), "count": "1"}
        call.log(AuditLogEvent.MESSAGE_DELETE, message.author.id, options=options)
    return 204, None


def crosspost(call: Call) -> Answer:
    """Publish a message of an announcement channel: the bot's, or any with the permission to manage messages."""
    message = call.message
    if message.author is not call.world.bot:
        call.need(Permission.MANAGE_MESSAGES)
    if message.channel.kind != ANNOUNCEMENT:
        raise DiscordError(WRONG_CHANNEL_TYPE)
    if message.flags & CROSSPOSTED:
        raise DiscordError(ALREADY_CROSSPOSTED)
    if message.kind != 0 or message.snapshot is not None or message.poll is not None:
        raise DiscordError(INVALID_MESSAGE_TYPE)
    call.world.announcements.publish(message)
    return 200, message.payload()


def bulk_delete(call: Call) -> Answer:
    """Delete 2 to 100 messages that are younger than two weeks; those that are gone are passed over."""
    call.need_guild()
    channel, fields = call.text_channel, call.fields
    ids = dict.fromkeys(fields.snowflakes("messages", 10_000))
    fields.check()
    if not BULK_DELETE.holds(len(ids)):
        raise DiscordError(WRONG_NUMBER_TO_DELETE)
    oldest = (int(call.world.clock.time() - BULK_DELETE_AGE.most) * 1000 - DISCORD_EPOCH) << 22
    if min(ids) < oldest:
        raise DiscordError(TOO_OLD_TO_DELETE)
    found = [channel.messages[id] for id in ids if id in channel.messages]
    if found:
        call.world.messages.delete_many(channel, found)
        call.log(AuditLogEvent.MESSAGES_DELETE, channel.id, options={"count": str(len(found))})
    return 204, None


def _sent_with(call: Call, nonce: str | int | None) -> Message | None:
    """Return the message that the bot sent with this nonce in the last few minutes."""
    if nonce is None:
        return None
    since = call.world.clock.time() - NONCES_KEPT
    recent = takewhile(lambda message: message.created >= since, call.world.messages.newest_first())
    mine = (message for message in recent if message.author is call.world.bot and message.nonce is not None)
    return next((message for message in mine if str(message.nonce) == str(nonce)), None)


def _need_to_write(call: Call) -> None:
    """Raise DiscordError if the bot cannot write in the thread in the path; a message reopens an archived one."""
    thread = call.channel.thread
    if thread is not None and thread.locked and not call.may(Permission.MANAGE_THREADS):
        raise DiscordError(LOCKED_THREAD)
    if thread is not None and thread.archived:
        need_room(call, call.channel)


def _need_for_content(call: Call, draft: Draft) -> None:
    """Raise DiscordError if the bot lacks a permission for something in a message."""
    voice = (draft.flags or 0) & IS_VOICE  # which needs no ATTACH_FILES (discord/discord-api-docs#6082)
    for there, permission in (
        (draft.embeds, Permission.EMBED_LINKS),
        (draft.uploads and not voice, Permission.ATTACH_FILES),
        (draft.tts, Permission.SEND_TTS_MESSAGES),
        (draft.poll, Permission.SEND_POLLS),
        (voice, Permission.SEND_VOICE_MESSAGES),
    ):
        if there:
            call.need(permission)


def _need_to_manage(call: Call) -> None:
    """Raise DiscordError if the bot does not manage messages in the channel in the path, one of a guild."""
    call.need_guild()
    call.need(Permission.MANAGE_MESSAGES)


def _read_reference(call: Call, fields: Fields) -> Message | None:
    """Return the message that is replied to. Raises DiscordError if it is not in the channel."""
    reference = fields.object("message_reference")
    fields.check()
    if reference is None:
        return None
    if not call.may(Permission.READ_MESSAGE_HISTORY):
        raise DiscordError(CANNOT_REPLY)
    id = reference.snowflake("message_id", required=True)
    fields.check()
    message = call.channel.messages.get(id)
    if message is None and reference.raw("fail_if_not_exists") is not False:
        fields.refuse("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        fields.check()
    return message


def _read_forward(call: Call) -> Message | None:
    """Return the message that is forwarded, None if the bot forwards none. Raises DiscordError if it cannot."""
    reference = call.fields.object("message_reference")
    if reference is None or reference.raw("type") != FORWARD:
        return None
    channel_id, id = (reference.snowflake(name, required=True) for name in ("channel_id", "message_id"))
    if call.body.files or any(call.fields.raw(name) for name in BESIDES_FORWARD):
        words = f"A forward must not have {listed(BESIDES_FORWARD)}."
        call.fields.refuse("message_reference", "FORWARD_CONTAINS_UNSUPPORTED_CONTENT", words)
    call.fields.check()
    source = call.world.channels.get(channel_id)
    if source is not None and not call.world.sees(call.world.bot, source):
        raise DiscordError(MISSING_ACCESS)
    if source is not None and not call.may(Permission.READ_MESSAGE_HISTORY, source):
        raise DiscordError(CANNOT_REFERENCE)
    message = source and source.messages.get(id)
    if message is None:
        raise invalid_form(Violation(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message"))
    if not call.world.reads(message):
        raise DiscordError(CANNOT_FORWARD)
    return message


def _read_nonce(fields: Fields) -> str | int | None:
    nonce = fields.raw("nonce")
    if nonce is None or (isinstance(nonce, str) and len(nonce) <= 25):
        return nonce
    if isinstance(nonce, int) and not isinstance(nonce, bool) and abs(nonce) < 1 << 63:
        return nonce
    raise invalid_form(Violation(("nonce",), "NONCE_TYPE_COERCE", "Value is not a nonce: 25 characters or an int."))


# Pins


def list_pins(call: Call) -> Answer:
    """List a channel's pins and the moments when they were pinned, newest first, a page at a time."""
    limit, before = call.limit(most=50, default=50), call.before_moment()
    found = [message for message in _pins(call) if (message.pinned or 0) < before]
    items = [{"pinned_at": timestamp(message.pinned or 0), "message": message.payload()} for message in found[:limit]]
    return 200, {"items": items, "has_more": len(found) > limit}


def list_all_pins(call: Call) -> Answer:
    """List up to 50 pinned messages (the route that list_pins replaced)."""
    return 200, [message.payload() for message in _pins(call)[:50]]


def _pins(call: Call) -> list[Message]:
    channel = call.text_channel
    return channel.pins if call.may(Permission.READ_MESSAGE_HISTORY) else []


def pin(call: Call) -> Answer:
    """Pin a message."""
    message = _pinnable(call)
    if message.pinned is None:
        call.world.messages.pin(message, call.world.bot)
        _log_pin(call, AuditLogEvent.PIN, message)
    return 204, None


def unpin(call: Call) -> Answer:
    """Unpin a message."""
    message = _pinnable(call)
    if message.pinned is not None:
        call.world.messages.unpin(message)
        _log_pin(call, AuditLogEvent.UNPIN, message)
    return 204, None


def _log_pin(call: Call, event: AuditLogEvent, message: Message) -> None:
    if message.channel.guild is not None:
        options = {"channel_id": str(message.channel.id), "message_id": str(message.id)}
        call.log(event, message.author.id, options=options)


def _pinnable(call: Call) -> Message:
    message = call.message
    call.need_open(message.channel)
    if message.kind not in WRITTEN:
        raise DiscordError(SYSTEM_MESSAGE)
    return message


# Reactions


def react(call: Call) -> Answer:
    """React to a message as the bot."""
    message, emoji = call.message, _emoji(call)
    call.need_open(message.channel)
    if emoji not in message.reactions:
        call.need(Permission.ADD_REACTIONS)
    call.world.reactions.add(message, call.world.bot, emoji)
    return 204, None


def remove_own_reaction(call: Call) -> Answer:
    """Remove the bot's own reaction."""
    _remove(call, call.world.bot)
    return 204, None


def remove_reaction(call: Call) -> Answer:
    """Remove a user's reaction."""
    user = call.user
    if user is not call.world.bot:
        _need_to_manage(call)
    _remove(call, user)
    return 204, None


def list_reactions(call: Call) -> Answer:
    """List the users who reacted with an emoji, ordered by id."""
    limit, _, after = call.page(most=100, default=25)
    reaction = call.message.reactions.get(_emoji(call))
    users = sorted(reaction.users.values(), key=lambda user: user.id) if reaction else []
    return 200, [user.payload() for user in users if user.id > after][:limit]


def clear_reactions(call: Call) -> Answer:
    """Remove all reactions, or all with one emoji."""
    message = call.message
    _need_to_manage(call)
    call.world.reactions.clear(message, _emoji(call) if "emoji" in call.path else None)
    return 204, None


def _remove(call: Call, user: User) -> None:
    message, emoji = call.message, _emoji(call)
    call.need_open(message.channel)
    reaction = message.reactions.get(emoji)
    if reaction is None or user.id not in reaction.users:
        raise DiscordError(UNKNOWN_EMOJI)
    call.world.reactions.remove(message, user, emoji)


def _emoji(call: Call) -> Emoji:
    """Return the emoji in the path: a character, or name:id of one of the application or of a guild with the bot."""
    text = call.path["emoji"]
    own = _OWN_EMOJI.fullmatch(text)
    if own is None:
        if not is_emoji(text):
            raise DiscordError(UNKNOWN_REACTION)
        return Emoji(text)
    id = int(own[1])
    if id in call.world.emojis.application:
        return call.world.emojis.application[id]
    for guild in call.world.guilds.values():
        if call.world.bot.id in guild.members and id in guild.emojis:
            return guild.emojis[id]
    raise DiscordError(UNKNOWN_REACTION)


MESSAGES, A_MESSAGE = "/channels/{channel}/messages", "/channels/{channel}/messages/{message}"
REACTIONS, PINS = A_MESSAGE + "/reactions", "/channels/{channel}/pins"
WRITE, HISTORY, PIN = Permission.SEND_MESSAGES, Permission.READ_MESSAGE_HISTORY, Permission.PIN_MESSAGES

ROUTES = [
    Route("POST", "/channels/{channel}/typing", start_typing, needs=WRITE),
    Route("GET", MESSAGES, list_messages),
    Route("POST", MESSAGES, create, needs=WRITE),
    Route("POST", MESSAGES + "/bulk-delete", bulk_delete, needs=Permission.MANAGE_MESSAGES),
    Route("GET", MESSAGES + "/pins", list_pins),
    Route("PUT", MESSAGES + "/pins/{message}", pin, needs=PIN),
    Route("DELETE", MESSAGES + "/pins/{message}", unpin, needs=PIN),
    Route("GET", PINS, list_all_pins),
    Route("PUT", PINS + "/{message}", pin, needs=PIN),
    Route("DELETE", PINS + "/{message}", unpin, needs=PIN),
    Route("GET", A_MESSAGE, get, needs=HISTORY),
    Route("PATCH", A_MESSAGE, edit),
    Route("DELETE", A_MESSAGE, delete),
    Route("POST", A_MESSAGE + "/crosspost", crosspost, needs=WRITE),
    Route("PUT", REACTIONS + "/{emoji}/@me", react, needs=HISTORY),
    Route("DELETE", REACTIONS + "/{emoji}/@me", remove_own_reaction),
    Route("DELETE", REACTIONS + "/{emoji}/{user}", remove_reaction),
    Route("GET", REACTIONS + "/{emoji}", list_reactions),
    Route("DELETE", REACTIONS + "/{emoji}", clear_reactions),
    Route("DELETE", REACTIONS, clear_reactions),
]
