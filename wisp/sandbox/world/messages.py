"""Messages in a world: posting, editing and deleting them, pins, and who types."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from wisp.sandbox.world.bounds import PINS
from wisp.sandbox.world.changes import (
    ChannelChanged,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    PinsChanged,
    Typing,
)
from wisp.sandbox.world.objects import (
    JSON,
    LOADING,
    PINNED,
    REPLY,
    Attachment,
    Channel,
    Impossible,
    Interaction,
    LimitReached,
    Message,
    Sticker,
    User,
    Webhook,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Registry, State, place_of, refuse_deleted

_MENTIONS = re.compile(r"<@(?P<kind>[!&]?)(?P<id>\d{1,20})>")


class Messages(Registry[int, Message]):
    """All messages by id, and what happens to them."""

    def __init__(self, world: State, users: Mapping[int, User]) -> None:
        super().__init__(world)
        self._users = users

    def add(
        self,
        channel: Channel,
        author: User,
        *,
        content: str = "",
        embeds: Iterable[JSON] = (),
        components: Iterable[JSON] = (),
        attachments: Iterable[Attachment] = (),
        stickers: Iterable[Sticker] = (),
        flags: int = 0,
        kind: int = 0,
        ephemeral_for: User | None = None,
        interaction: Interaction | None = None,
        reference: Message | None = None,
        allowed_mentions: JSON | None = None,
        tts: bool = False,
        nonce: str | int | None = None,
        webhook: Webhook | None = None,
        id: int | None = None,
    ) -> Message:
        """Post a message, unchecked: REST refuses what Discord refuses before it comes here."""
        message = Message(
            id or self._world.next_id(),
            channel,
            author,
            self._world.clock.time(),
            content,
            list(embeds),
            list(attachments),
            list(components),
            flags,
            kind,
            ephemeral_for,
            interaction,
            reference,
            tts=tts,
            nonce=nonce,
            webhook=webhook,
            stickers=list(stickers),
        )
        self._mention(message, allowed_mentions)
        self._items[message.id] = message
        if message.ephemeral_for is None:
            channel.messages[message.id] = message
            channel.last_message_id = message.id
            if kind in (0, REPLY):  # what people write, and nothing that Discord says of them
                channel.spoke[author.id] = message.created
            self._bump(channel)
        if interaction is not None and not interaction.answered:
            interaction.original = message
        self.dispatch("MESSAGE_CREATE", message, message.gateway_payload())
        self._world.changes.send(MessageCreated(message))
        return message

    def slowed(self, user: User, channel: Channel, *, thread: bool = False) -> float:
        """Seconds that a user must wait before they may write in a channel (start a `thread` there) again, or 0.

        Slowmode is for people without BYPASS_SLOWMODE: no bot is under it (resources/channel, `rate_limit_per_user`).
        """
        if user.bot or channel.guild is None or self._world.permissions(user, channel) & Permission.BYPASS_SLOWMODE:
            return 0.0
        last = channel.spoke.get(user.id, -math.inf)
        if thread:
            of_channel = (one.thread for one in channel.guild.threads.values() if one.parent is channel and one.thread)
            last = max((about.created for about in of_channel if about.owner is user), default=-math.inf)
        return max(0.0, last + channel.slowmode - self._world.clock.time())

    def edit(
        self,
        message: Message,
        *,
        content: str | None = None,
        embeds: Iterable[JSON] | None = None,
        components: Iterable[JSON] | None = None,
        attachments: Iterable[Attachment] | None = None,
        flags: int | None = None,
        allowed_mentions: JSON | None = None,
    ) -> None:
        """Change what is given, leave what is None. An answer that fills a deferral is not an edit."""
        if message.loading:
            message.flags &= ~LOADING
        else:
            message.edits.append(message.content)
            message.edited = self._world.clock.time()
        if content is not None:
            message.content = content
            self._mention(message, allowed_mentions)
        if embeds is not None:
            message.embeds = list(embeds)
        if components is not None:
            message.components = list(components)
        if attachments is not None:
            message.attachments = list(attachments)
        if flags is not None:
            message.flags = flags
        self.dispatch("MESSAGE_UPDATE", message, message.gateway_payload())
        self._world.changes.send(MessageEdited(message))

    def delete(self, message: Message) -> None:
        """Take a message away. Who holds it still can read it; it is `deleted`."""
        self.forget(message)
        place = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild is not None and not message.ephemeral:
            place["guild_id"] = str(message.channel.guild.id)
        self.dispatch("MESSAGE_DELETE", message, place)
        self._world.changes.send(MessageDeleted(message))

    def delete_many(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Take several messages of a channel away at once: one event tells of all."""
        for message in messages:
            self.forget(message)
        data = place_of(channel) | {"ids": [str(message.id) for message in messages]}
        self._world.dispatch("MESSAGE_DELETE_BULK", data, channel.guild, seen_in=channel)
        for message in messages:
            self._world.changes.send(MessageDeleted(message))

    def forget(self, message: Message) -> None:
        """Mark a message as deleted and let go of it, without telling the bot or the subscribers."""
        message.deleted = True
        self._items.pop(message.id, None)
        message.channel.messages.pop(message.id, None)

    def pin(self, message: Message, user: User) -> None:
        """Pin a message, which Discord says in the channel; nothing happens where it is pinned.

        Raises Impossible for a message that is gone or private, and where the channel has 250 pins.
        """
        refuse_deleted(message)
        if message.ephemeral:
            raise Impossible("a private answer cannot be pinned")
        if message.pinned is not None:
            return
        channel = message.channel
        if len(channel.pins) >= PINS.most:
            raise LimitReached(f"a channel has at most {PINS.most} pinned messages", PINS)
        message.pinned = channel.last_pin = self._world.clock.time()
        self._pins_changed(message)
        self.add(channel, user, kind=PINNED, reference=message)

    def unpin(self, message: Message) -> None:
        """Take a message off the pins; nothing happens where it is not pinned."""
        refuse_deleted(message)
        if message.pinned is not None:
            message.pinned = None
            self._pins_changed(message)

    def _pins_changed(self, message: Message) -> None:
        channel = message.channel
        last = None if channel.last_pin is None else timestamp(channel.last_pin)
        data = {**place_of(channel), "last_pin_timestamp": last}
        self._world.dispatch("CHANNEL_PINS_UPDATE", data, channel.guild, seen_in=channel)
        self.dispatch("MESSAGE_UPDATE", message, message.gateway_payload())
        self._world.changes.send(PinsChanged(message))

    def show_typing(self, channel: Channel, user: User) -> None:
        """Show that somebody is typing."""
        data: JSON = {
            "channel_id": str(channel.id),
            "user_id": str(user.id),
            "timestamp": int(self._world.clock.time()),
        }
        if channel.guild is not None:
            data |= {"guild_id": str(channel.guild.id), "member": channel.guild.members[user.id].payload()}
        self._world.dispatch("TYPING_START", data, channel.guild, seen_in=channel)
        self._world.changes.send(Typing(channel, user))

    def _mention(self, message: Message, allowed: JSON | None) -> None:
        users: dict[int, User] = {}
        roles: dict[int, None] = {}
        for match in _MENTIONS.finditer(message.content):
            number = int(match["id"])
            if match["kind"] == "&":
                role = message.channel.guild and message.channel.guild.roles.get(number)
                may = role and (role.mentionable or self._may_mention_all(message))
                if may and _pings(allowed, "roles", number):
                    roles[number] = None
            elif number in self._users and _pings(allowed, "users", number):
                users[number] = self._users[number]
        if (replied := _replied_to(message, allowed)) and replied.id in self._users:
            users.setdefault(replied.id, replied)
        message.mentions = list(users.values())
        message.mention_roles = list(roles)
        named = "@everyone" in message.content or "@here" in message.content
        message.mention_everyone = named and _pings(allowed, "everyone", 0) and self._may_mention_all(message)

    def _may_mention_all(self, message: Message) -> bool:
        """Whether the author's @everyone, and mentions of roles that are not mentionable, ping: webhooks' always do."""
        guild = message.channel.guild
        if guild is None:
            return False
        webhook = message.author.id not in guild.members
        return webhook or bool(self._world.permissions(message.author, message.channel) & Permission.MENTION_EVERYONE)

    def dispatch(self, name: str, message: Message, data: JSON) -> None:
        """Send the bot an event about a message."""
        # Discord sends ephemeral messages as if they were direct ones: without a guild, to shard 0
        # (discord-api-docs issue 4557).
        if message.ephemeral:
            self._world.dispatch(name, data)
        else:
            self._world.dispatch(name, data, message.channel.guild, seen_in=message.channel)

    def _bump(self, channel: Channel) -> None:
        """Count a message in a thread, which opens it again where it was archived."""
        thread = channel.thread
        if thread is None:
            return
        thread.sent += 1
        if thread.archived:
            thread.archived, thread.archive_moment = False, self._world.clock.time()
            self._world.dispatch("THREAD_UPDATE", channel.payload(), channel.guild, seen_in=channel)
            self._world.changes.send(ChannelChanged(channel))


def _replied_to(message: Message, allowed: JSON | None) -> User | None:
    """Whom a reply pings besides those whom its text names; an edit leaves that as it was."""
    if message.kind != REPLY or message.reference is None or message.reference.author is message.author:
        return None
    author = message.reference.author
    pings = author in message.mentions if message.edited else allowed is None or allowed.get("replied_user")
    return author if pings else None


def _pings(allowed: JSON | None, kind: Literal["users", "roles", "everyone"], number: int) -> bool:
    """Whether allowed_mentions lets a mention ping; without them every mention does."""
    if allowed is None:
        return True
    return kind in (allowed.get("parse") or ()) or str(number) in map(str, allowed.get(kind) or ())
