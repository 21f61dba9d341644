"""Messages in a world: posting, editing, deleting and pinning them, and typing."""

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
    HAS_SNAPSHOT,
    JSON,
    LOADING,
    PINNED,
    POLL_RESULT,
    REPLY,
    SOURCE_DELETED,
    SUPPRESS_EMBEDS,
    WRITTEN,
    Attachment,
    Channel,
    Impossible,
    Interaction,
    LimitReached,
    Message,
    Poll,
    Sticker,
    User,
    Webhook,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Registry, State, place_of, refuse_deleted

NO_MENTIONS: JSON = {"parse": []}
"""Allowed mentions that let no mention ping."""

SOURCE_GONE = "[Original Message Deleted]"
"""The text of what was published of a message that is deleted."""

_MENTIONS = re.compile(r"<@(?P<kind>[!&]?)(?P<id>\d{1,20})>")


class Messages(Registry[int, Message]):
    """All messages by id."""

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
        snapshot: JSON | None = None,
        about: Channel | None = None,
        poll: Poll | None = None,
        id: int | None = None,
    ) -> Message:
        """Post a message. Its content is not checked: REST has done that.

        A forward has a `snapshot` of its `reference`.
        """
        if snapshot is not None:
            flags |= HAS_SNAPSHOT
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
            snapshot=snapshot,
            about=about,
            poll=poll,
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

    def forward(
        self, message: Message, channel: Channel, author: User, *, flags: int = 0, nonce: str | int | None = None
    ) -> Message:
        """Show a message as it is now in another channel, or the same. Raises Impossible if it cannot be forwarded."""
        refuse_deleted(message)
        if message.ephemeral:
            raise Impossible("a private answer cannot be forwarded")
        if message.kind not in WRITTEN:
            raise Impossible("this message cannot be forwarded: Discord wrote it")
        if message.poll is not None:
            raise Impossible("a message with a poll cannot be forwarded")
        return self.add(channel, author, flags=flags, nonce=nonce, reference=message, snapshot=message.as_snapshot())

    def slowed(self, user: User, channel: Channel, *, thread: bool = False) -> float:
        """Return the seconds for which slowmode keeps a user from writing in a channel or starting a `thread` there.

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
        poll: Poll | None = None,
        allowed_mentions: JSON | None = None,
    ) -> None:
        """Change what is not None, also in published copies. The answer to a deferred interaction is not an edit."""
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
        if poll is not None:
            message.poll = poll
        self.changed(message)
        for copy in [copy for copy in message.copies if not copy.deleted]:
            hidden = None if flags is None else copy.flags & ~SUPPRESS_EMBEDS | flags & SUPPRESS_EMBEDS
            self.edit(
                copy,
                content=content,
                embeds=None if embeds is None else message.embeds,
                components=None if components is None else message.components,
                attachments=None if attachments is None else message.attachments,
                flags=hidden,
                allowed_mentions=NO_MENTIONS,
            )

    def mark(self, message: Message, flags: int) -> None:
        """Set flags that Discord itself sets, which is no edit of its author's."""
        message.flags |= flags
        self.changed(message)

    def changed(self, message: Message) -> None:
        """Tell the bot and the subscribers that a message changed."""
        self.dispatch("MESSAGE_UPDATE", message, message.gateway_payload())
        self._world.changes.send(MessageEdited(message))

    def _disown_copies(self, message: Message) -> None:
        """Leave nothing of a deleted message in what was published of it."""
        for copy in [copy for copy in message.copies if not copy.deleted]:
            flags = copy.flags | SOURCE_DELETED
            self.edit(copy, content=SOURCE_GONE, embeds=(), components=(), attachments=(), flags=flags)

    def delete(self, message: Message) -> None:
        """Delete a message. The object stays readable; it is `deleted`."""
        self.forget(message)
        place = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild is not None and not message.ephemeral:
            place["guild_id"] = str(message.channel.guild.id)
        self.dispatch("MESSAGE_DELETE", message, place)
        self._world.changes.send(MessageDeleted(message))
        self._disown_copies(message)

    def delete_many(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Delete several messages of a channel with one event."""
        for message in messages:
            self.forget(message)
        data = place_of(channel) | {"ids": [str(message.id) for message in messages]}
        self._world.dispatch("MESSAGE_DELETE_BULK", data, channel.guild, seen_in=channel)
        for message in messages:
            self._world.changes.send(MessageDeleted(message))
            self._disown_copies(message)

    def forget(self, message: Message) -> None:
        """Mark a message as deleted and let go of it, without telling the bot or the subscribers."""
        message.deleted = True
        self._items.pop(message.id, None)
        message.channel.messages.pop(message.id, None)

    def pin(self, message: Message, user: User) -> None:
        """Pin a message, which posts a system message in the channel; does nothing if it is pinned.

        Raises Impossible for a deleted or ephemeral message, and LimitReached if the channel has 250 pins.
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
        """Unpin a message; does nothing if it is not pinned."""
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
        """Show that a user is typing."""
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
            id_ = int(match["id"])
            if match["kind"] == "&":
                role = message.channel.guild and message.channel.guild.roles.get(id_)
                may = role and (role.mentionable or self._may_mention_all(message))
                if may and _pings(allowed, "roles", id_):
                    roles[id_] = None
            elif id_ in self._users and _pings(allowed, "users", id_):
                users[id_] = self._users[id_]
        if (replied := _replied_to(message, allowed)) and replied.id in self._users:
            users.setdefault(replied.id, replied)
        if message.kind == POLL_RESULT and message.author.id in self._users:
            users[message.author.id] = message.author
        message.mentions = list(users.values())
        message.mention_roles = list(roles)
        named = "@everyone" in message.content or "@here" in message.content
        message.mention_everyone = named and _pings(allowed, "everyone", 0) and self._may_mention_all(message)

    def _may_mention_all(self, message: Message) -> bool:
        """Return whether @everyone and roles that are not mentionable ping in this message: webhooks always may."""
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
        """Count a message in a thread, and unarchive the thread."""
        thread = channel.thread
        if thread is None:
            return
        thread.sent += 1
        if thread.archived:
            thread.archived, thread.archive_moment = False, self._world.clock.time()
            self._world.dispatch("THREAD_UPDATE", channel.payload(), channel.guild, seen_in=channel)
            self._world.changes.send(ChannelChanged(channel))


def _replied_to(message: Message, allowed: JSON | None) -> User | None:
    """Return the author of the message that is replied to if the reply pings them; an edit does not change that."""
    if message.kind != REPLY or message.reference is None or message.reference.author is message.author:
        return None
    author = message.reference.author
    pings = author in message.mentions if message.edited else allowed is None or allowed.get("replied_user")
    return author if pings else None


def _pings(allowed: JSON | None, kind: Literal["users", "roles", "everyone"], number: int) -> bool:
    """Return whether allowed_mentions lets a mention ping; without them every mention does."""
    if allowed is None:
        return True
    return kind in (allowed.get("parse") or ()) or str(number) in map(str, allowed.get(kind) or ())
