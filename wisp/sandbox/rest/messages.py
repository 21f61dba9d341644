"""Messages over REST: what the bot writes, edits and deletes, pins, and reacts to."""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

from aiohttp import web

from wisp.limits import Violation
from wisp.sandbox.rest.call import Answer, Lookups, Route, before_moment, limit, page, reason
from wisp.sandbox.rest.errors import (
    ARCHIVED_THREAD,
    CANNOT_REPLY,
    EMPTY_MESSAGE,
    LOCKED_THREAD,
    NOT_IN_DMS,
    NOT_THE_AUTHOR,
    SYSTEM_MESSAGE,
    TOO_MANY_PINS,
    TOO_MANY_REACTIONS,
    TOO_OLD_TO_DELETE,
    UNKNOWN_EMOJI,
    UNKNOWN_REACTION,
    WRONG_NUMBER_TO_DELETE,
    Refusal,
    Unserved,
    invalid_form,
    snowflake,
)
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.forms import Draft, apply_draft, read_draft, read_form
from wisp.sandbox.world.audit_log import Deed
from wisp.sandbox.world.bounds import BULK_DELETE, BULK_DELETE_AGE, PINS, REACTIONS
from wisp.sandbox.world.objects import (
    COMPONENTS_V2,
    DISCORD_EPOCH,
    REPLY,
    SUPPRESS_EMBEDS,
    Channel,
    Emoji,
    Message,
    User,
    is_object,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission

BOT_FLAGS = SUPPRESS_EMBEDS | 1 << 12 | COMPONENTS_V2
"""Message flags that a bot can set in a channel: without embeds, without notification, new components."""

EDITABLE = {0, REPLY, 20, 23}
"""Types of messages that somebody wrote; the others are Discord's own."""

FORWARD = 1
"""The type of a reference to a message that is shown again elsewhere; 0 is a reply (resources/message)."""

NONCES_KEPT = 180.0
"""Seconds in which an enforced nonce makes but one message: Discord says "the past few minutes"."""

_OWN_EMOJI = re.compile(r"[\w-]{1,32}:(\d{1,19})")


class Messages(Lookups):
    """The routes under /channels/{channel}/messages, and those of pins."""

    def routes(self) -> list[Route]:
        """Their rows of the table: what is named by a word stands before what is named by an id."""
        messages, message = "/channels/{channel}/messages", "/channels/{channel}/messages/{message}"
        reactions = message + "/reactions"
        return [
            Route("POST", "/channels/{channel}/typing", self.start_typing),
            Route("GET", messages, self.list_messages),
            Route("POST", messages, self.create_message),
            Route("POST", messages + "/bulk-delete", self.bulk_delete),
            Route("GET", messages + "/pins", self.list_pins),
            Route("PUT", messages + "/pins/{message}", self.pin),
            Route("DELETE", messages + "/pins/{message}", self.unpin),
            Route("GET", "/channels/{channel}/pins", self.list_all_pins),
            Route("PUT", "/channels/{channel}/pins/{message}", self.pin),
            Route("DELETE", "/channels/{channel}/pins/{message}", self.unpin),
            Route("GET", message, self.get_message),
            Route("PATCH", message, self.edit_message),
            Route("DELETE", message, self.delete_message),
            Route("PUT", reactions + "/{emoji}/@me", self.react),
            Route("DELETE", reactions + "/{emoji}/@me", self.take_reaction_back),
            Route("DELETE", reactions + "/{emoji}/{user}", self.remove_reaction),
            Route("GET", reactions + "/{emoji}", self.list_reactions),
            Route("DELETE", reactions + "/{emoji}", self.clear_reactions),
            Route("DELETE", reactions, self.clear_reactions),
        ]

    async def start_typing(self, request: web.Request) -> Answer:
        """Show that the bot is typing."""
        channel = self.text_channel(request)
        self.need(channel, Permission.SEND_MESSAGES)
        self.world.show_typing(channel, self.world.bot)
        return 204, None

    async def list_messages(self, request: web.Request) -> Answer:
        """A channel's messages, newest first."""
        most, before, after = page(request, most=100, default=50)
        channel = self.text_channel(request)
        # Who cannot read the history is shown an empty one.
        messages = list(channel.messages.values()) if self.may(channel, Permission.READ_MESSAGE_HISTORY) else []
        if "around" in request.query:
            middle = snowflake(request.query["around"], ("around",))
            place = sum(message.id < middle for message in messages)
            start = max(0, place - most // 2)
            chosen = messages[start : start + most]
        else:
            found = [message for message in messages if after < message.id < before]
            chosen = found[:most] if "after" in request.query else found[-most:]
        return 200, [message.payload() for message in reversed(chosen)]

    async def create_message(self, request: web.Request) -> Answer:
        """Post a message as the bot."""
        channel = self.text_channel(request)
        self._need_writing(channel)
        form = await read_form(request)
        payload = form.object()
        if is_object(to := payload.get("message_reference")) and to.get("type") == FORWARD:
            raise Unserved("forwards of messages")
        draft = read_draft(self.world, form)
        if draft.empty:
            raise Refusal(EMPTY_MESSAGE)
        self._need_for_content(channel, draft, tts=bool(payload.get("tts")))
        reference = self._reference(channel, payload.get("message_reference"))
        nonce = _nonce(payload.get("nonce"))
        if payload.get("enforce_nonce") is True and (first := self._sent_with(nonce)):
            return 200, first.payload()
        message = self.world.add_message(
            channel,
            self.world.bot,
            content=draft.content or "",
            embeds=draft.embeds or (),
            components=draft.components or (),
            attachments=draft.attachments or (),
            flags=(draft.flags or 0) & BOT_FLAGS,
            kind=REPLY if reference else 0,
            reference=reference,
            allowed_mentions=draft.allowed_mentions,
            tts=bool(payload.get("tts")),
            nonce=nonce,
        )
        if channel.is_thread:
            self.world.join_thread(channel, self.world.bot)
        return 200, message.payload()

    async def get_message(self, request: web.Request) -> Answer:
        """One message of a channel."""
        message = self.message(request)
        self.need(message.channel, Permission.READ_MESSAGE_HISTORY)
        return 200, message.payload()

    async def edit_message(self, request: web.Request) -> Answer:
        """Change one of the bot's messages."""
        message = self.message(request)
        form = await read_form(request)
        if message.author is not self.world.bot:
            # Whether a message shows its embeds can be changed by who manages messages, too.
            if set(form.object()) != {"flags"} or not self.may(message.channel, Permission.MANAGE_MESSAGES):
                raise Refusal(NOT_THE_AUTHOR)
        elif message.kind not in EDITABLE:
            raise Refusal(SYSTEM_MESSAGE)
        self._refuse_archived(message.channel)
        draft = read_draft(self.world, form, old=message)
        apply_draft(self.world, message, draft)
        return 200, message.payload()

    async def delete_message(self, request: web.Request) -> Answer:
        """Delete a message: the bot's, or with the permission to manage messages anybody's."""
        message, why = self.message(request), reason(request)
        guild, mine = message.channel.guild, message.author is self.world.bot
        if not mine:
            if guild is None:
                raise Refusal(NOT_IN_DMS)
            self.need(message.channel, Permission.MANAGE_MESSAGES)
        self._refuse_archived(message.channel)
        self.world.delete_message(message)
        if guild is not None and not mine:
            options = {"channel_id": str(message.channel.id), "count": "1"}
            self.log(guild, Deed.MESSAGE_DELETE, message.author.id, why, options=options)
        return 204, None

    async def bulk_delete(self, request: web.Request) -> Answer:
        """Delete 2 to 100 messages that are younger than two weeks; what is not there is passed over."""
        channel, why = self.text_channel(request), reason(request)
        if channel.guild is None:
            raise Refusal(NOT_IN_DMS)
        self.need(channel, Permission.MANAGE_MESSAGES)
        fields = Fields(await read_form(request))
        numbers = dict.fromkeys(fields.snowflakes("messages", 10_000))
        fields.check()
        if not BULK_DELETE.holds(len(numbers)):
            raise Refusal(WRONG_NUMBER_TO_DELETE)
        oldest = (int(self.world.clock.time() - BULK_DELETE_AGE.most) * 1000 - DISCORD_EPOCH) << 22
        if min(numbers) < oldest:
            raise Refusal(TOO_OLD_TO_DELETE)
        found = [channel.messages[number] for number in numbers if number in channel.messages]
        if found:
            self.world.delete_messages(channel, found)
            self.log(channel.guild, Deed.MESSAGES_DELETE, channel.id, why, options={"count": str(len(found))})
        return 204, None

    def _sent_with(self, nonce: str | int | None) -> Message | None:
        """What the bot sent with this nonce in the last few minutes."""
        if nonce is None:
            return None
        since = self.world.clock.time() - NONCES_KEPT
        recent = takewhile(lambda message: message.created >= since, reversed(self.world.messages.values()))
        mine = (message for message in recent if message.author is self.world.bot and message.nonce is not None)
        return next((message for message in mine if str(message.nonce) == str(nonce)), None)

    def _need_writing(self, channel: Channel) -> None:
        self.need(channel, Permission.SEND_MESSAGES)
        if channel.thread is not None and channel.thread.locked and not self.may(channel, Permission.MANAGE_THREADS):
            raise Refusal(LOCKED_THREAD)
        if channel.thread is not None and channel.thread.archived:
            self.need_room(channel)  # what is written opens it

    def _need_for_content(self, channel: Channel, draft: Draft, *, tts: bool) -> None:
        for there, permission in (
            (draft.embeds, Permission.EMBED_LINKS),
            (draft.attachments, Permission.ATTACH_FILES),
            (tts, Permission.SEND_TTS_MESSAGES),
        ):
            if there:
                self.need(channel, permission)

    def _refuse_archived(self, channel: Channel) -> None:
        if channel.thread is not None and channel.thread.archived:
            raise Refusal(ARCHIVED_THREAD)

    # Pins

    async def list_pins(self, request: web.Request) -> Answer:
        """A channel's pins and when they were pinned, newest first, a page at a time."""
        most, before = limit(request, most=50, default=50), before_moment(request)
        found = [message for message in self._pins(request) if (message.pinned or 0) < before]
        items = [
            {"pinned_at": timestamp(message.pinned or 0), "message": message.payload()} for message in found[:most]
        ]
        return 200, {"items": items, "has_more": len(found) > most}

    async def list_all_pins(self, request: web.Request) -> Answer:
        """The messages that are pinned (the route that list_pins took the place of): 50 at most."""
        return 200, [message.payload() for message in self._pins(request)[:50]]

    def _pins(self, request: web.Request) -> list[Message]:
        channel = self.text_channel(request)
        return channel.pins if self.may(channel, Permission.READ_MESSAGE_HISTORY) else []

    async def pin(self, request: web.Request) -> Answer:
        """Pin a message."""
        message = self._pinnable(request)
        if message.pinned is None and len(message.channel.pins) >= PINS.most:
            raise Refusal(TOO_MANY_PINS)
        if message.pinned is None:
            why = reason(request)
            self.world.pin(message, self.world.bot)
            self._log_pin(Deed.PIN, message, why)
        return 204, None

    async def unpin(self, request: web.Request) -> Answer:
        """Take a message off the pins."""
        message = self._pinnable(request)
        if message.pinned is not None:
            why = reason(request)
            self.world.unpin(message)
            self._log_pin(Deed.UNPIN, message, why)
        return 204, None

    def _log_pin(self, deed: Deed, message: Message, why: str | None) -> None:
        guild = message.channel.guild
        if guild is not None:
            options = {"channel_id": str(message.channel.id), "message_id": str(message.id)}
            self.log(guild, deed, message.author.id, why, options=options)

    def _pinnable(self, request: web.Request) -> Message:
        message = self.message(request)
        self.need(message.channel, Permission.PIN_MESSAGES)
        self._refuse_archived(message.channel)
        if message.kind not in EDITABLE:
            raise Refusal(SYSTEM_MESSAGE)
        return message

    # Reactions

    async def react(self, request: web.Request) -> Answer:
        """React to a message as the bot."""
        message, emoji = self.message(request), self._emoji(request)
        self.need(message.channel, Permission.READ_MESSAGE_HISTORY)
        self._refuse_archived(message.channel)
        if emoji not in message.reactions:
            self.need(message.channel, Permission.ADD_REACTIONS)
            if len(message.reactions) >= REACTIONS.most:
                raise Refusal(TOO_MANY_REACTIONS)
        self.world.add_reaction(message, self.world.bot, emoji)
        return 204, None

    async def take_reaction_back(self, request: web.Request) -> Answer:
        """Take the bot's own reaction away."""
        self._withdraw(self.message(request), self.world.bot, self._emoji(request))
        return 204, None

    async def remove_reaction(self, request: web.Request) -> Answer:
        """Take somebody's reaction away."""
        message, user = self.message(request), self.user(request)
        if user is not self.world.bot:
            self._need_for_reactions(message)
        self._withdraw(message, user, self._emoji(request))
        return 204, None

    async def list_reactions(self, request: web.Request) -> Answer:
        """Who reacted with an emoji, ordered by id."""
        message, (most, _, after) = self.message(request), page(request, most=100, default=25)
        reaction = message.reactions.get(self._emoji(request))
        users = sorted(reaction.users.values(), key=lambda user: user.id) if reaction else []
        return 200, [user.payload() for user in users if user.id > after][:most]

    async def clear_reactions(self, request: web.Request) -> Answer:
        """Take all reactions away, or all with one emoji."""
        message = self.message(request)
        self._need_for_reactions(message)
        emoji = self._emoji(request) if "emoji" in request.match_info else None
        self.world.clear_reactions(message, emoji)
        return 204, None

    def _need_for_reactions(self, message: Message) -> None:
        if message.channel.guild is None:
            raise Refusal(NOT_IN_DMS)
        self.need(message.channel, Permission.MANAGE_MESSAGES)

    def _withdraw(self, message: Message, user: User, emoji: Emoji) -> None:
        self._refuse_archived(message.channel)
        reaction = message.reactions.get(emoji)
        if reaction is None or user.id not in reaction.users:
            raise Refusal(UNKNOWN_EMOJI)
        self.world.remove_reaction(message, user, emoji)

    def _emoji(self, request: web.Request) -> Emoji:
        """The emoji in the path: a character, or name:id of one that a guild of the bot's has."""
        text = request.match_info["emoji"]
        own = _OWN_EMOJI.fullmatch(text)
        if own is None:
            if not is_emoji(text):
                raise Refusal(UNKNOWN_REACTION)
            return Emoji(text)
        if int(own[1]) in self.world.application_emojis:
            return self.world.application_emojis[int(own[1])]
        for guild in self.world.guilds.values():
            if self.world.bot.id in guild.members and int(own[1]) in guild.emojis:
                return guild.emojis[int(own[1])]
        raise Refusal(UNKNOWN_REACTION)

    def _reference(self, channel: Channel, reference: object) -> Message | None:
        """The message that is replied to. Raises `Refusal` where it is not in the channel."""
        if reference is None:
            return None
        if not is_object(reference):
            raise invalid_form(
                Violation(("message_reference",), "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
            )
        if not self.may(channel, Permission.READ_MESSAGE_HISTORY):
            raise Refusal(CANNOT_REPLY)
        number = snowflake(reference.get("message_id"), ("message_reference", "message_id"))
        message = channel.messages.get(number)
        if message is None and reference.get("fail_if_not_exists") is not False:
            code = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE"
            raise invalid_form(Violation(("message_reference",), code, "Unknown message"))
        return message


def is_emoji(text: str) -> bool:
    """Whether a text is one emoji: a symbol with what can follow it, a flag, or a digit in a keycap."""
    if not 1 <= len(text) <= 16 or any(unicodedata.category(part) in ("Lu", "Ll", "Zs", "Cc") for part in text):
        return False
    return any(unicodedata.category(part) == "So" or part in "\u20e3\u203c\u2049\u2194\u3030\u303d" for part in text)


def _nonce(nonce: object) -> str | int | None:
    if nonce is None or (isinstance(nonce, str) and len(nonce) <= 25):
        return nonce
    if isinstance(nonce, int) and not isinstance(nonce, bool) and abs(nonce) < 1 << 63:
        return nonce
    raise invalid_form(Violation(("nonce",), "NONCE_TYPE_COERCE", "Value is not a nonce: 25 characters or an int."))
