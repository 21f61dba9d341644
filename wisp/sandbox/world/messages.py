"""What is said in a world: messages, their edits and reactions, pins, and who types."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import quote

from wisp.sandbox.world.bounds import PINS, REACTIONS
from wisp.sandbox.world.changes import (
    ChannelChanged,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    PinsChanged,
    ReactionAdded,
    ReactionRemoved,
    Typing,
)
from wisp.sandbox.world.objects import (
    DM,
    JSON,
    LOADING,
    PINNED,
    REPLY,
    Attachment,
    Channel,
    Emoji,
    Impossible,
    Interaction,
    Message,
    Reaction,
    User,
    Webhook,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Ground

_MENTIONS = re.compile(r"<@(?P<kind>[!&]?)(?P<id>\d{1,20})>")


class Conversation(Ground):
    """Channels' messages, and what happens to them."""

    def add_attachment(
        self, filename: str, content: bytes, *, description: str | None = None, ephemeral: bool = False
    ) -> Attachment:
        """A new file, which is downloaded from its `url`."""
        number = self.next_id()
        url = f"{self.files_url}/{number}/{quote(filename, safe='')}"
        attachment = Attachment(number, filename, content, url, description, ephemeral)
        self.attachments[number] = attachment
        return attachment

    def dm(self, user: User) -> Channel:
        """The direct messages between the bot and a user, opened where they were not."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.next_id(), DM, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def add_message(
        self,
        channel: Channel,
        author: User,
        *,
        content: str = "",
        embeds: Iterable[JSON] = (),
        components: Iterable[JSON] = (),
        attachments: Iterable[Attachment] = (),
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
            id or self.next_id(),
            channel,
            author,
            self.clock.time(),
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
        )
        self._mention(message, allowed_mentions)
        self.messages[message.id] = message
        if message.ephemeral_for is None:
            channel.messages[message.id] = message
            channel.last_message_id = message.id
            if kind in (0, REPLY):  # what people write, and nothing that Discord says of them
                channel.spoke[author.id] = message.created
            self._bump(channel)
        if interaction is not None and not interaction.answered:
            interaction.original = message
        self._dispatch_message("MESSAGE_CREATE", message, message.gateway_payload())
        self.happen(MessageCreated(message))
        return message

    def slowed(self, user: User, channel: Channel, *, thread: bool = False) -> float:
        """Seconds that a user must wait before they may write in a channel (start a `thread` there) again, or 0.

        Slowmode is for people without BYPASS_SLOWMODE: no bot is under it (resources/channel, `rate_limit_per_user`).
        """
        if user.bot or channel.guild is None or self.permissions(user, channel) & Permission.BYPASS_SLOWMODE:
            return 0.0
        last = channel.spoke.get(user.id, -math.inf)
        if thread:
            of_channel = (one.thread for one in channel.guild.threads.values() if one.parent is channel and one.thread)
            last = max((about.created for about in of_channel if about.owner is user), default=-math.inf)
        return max(0.0, last + channel.slowmode - self.clock.time())

    def edit_message(
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
            message.edited = self.clock.time()
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
        self._dispatch_message("MESSAGE_UPDATE", message, message.gateway_payload())
        self.happen(MessageEdited(message))

    def delete_message(self, message: Message) -> None:
        """Take a message away. Who holds it still can read it; it is `deleted`."""
        self._take_away(message)
        place = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild is not None and not message.ephemeral:
            place["guild_id"] = str(message.channel.guild.id)
        self._dispatch_message("MESSAGE_DELETE", message, place)
        self.happen(MessageDeleted(message))

    def delete_messages(self, channel: Channel, messages: Sequence[Message]) -> None:
        """Take several messages of a channel away at once: one event tells of all."""
        for message in messages:
            self._take_away(message)
        data = self._place(channel) | {"ids": [str(message.id) for message in messages]}
        self.dispatch("MESSAGE_DELETE_BULK", data, channel.guild, seen_in=channel)
        for message in messages:
            self.happen(MessageDeleted(message))

    # Reactions and pins

    def add_reaction(self, message: Message, user: User, emoji: Emoji) -> None:
        """Let somebody react to a message; nothing happens where they did with this emoji already.

        Raises Impossible for a message that is gone or private, and for a 21st emoji.
        """
        self._refuse_lost(message)
        if message.ephemeral:
            raise Impossible("nobody can react to a private answer")
        reaction = message.reactions.get(emoji)
        if reaction is None:
            if len(message.reactions) >= REACTIONS.most:
                raise Impossible(f"a message has at most {REACTIONS.most} different reactions")
            reaction = message.reactions[emoji] = Reaction(emoji)
        if user.id in reaction.users:
            return
        reaction.users[user.id] = user
        reaction.me |= user is self.bot
        data = self._reaction_data(message, emoji) | {"user_id": str(user.id), "burst": False, "type": 0}
        data["message_author_id"] = str(message.author.id)
        guild = message.channel.guild
        if guild is not None and user.id in guild.members:
            data["member"] = guild.members[user.id].payload()
        self.dispatch("MESSAGE_REACTION_ADD", data, guild, seen_in=message.channel)
        self.happen(ReactionAdded(message, user, emoji))

    def remove_reaction(self, message: Message, user: User, emoji: Emoji) -> None:
        """Take somebody's reaction away; nothing happens where there is none. Raises Impossible for a lost message."""
        self._refuse_lost(message)
        reaction = message.reactions.get(emoji)
        if reaction is None or user.id not in reaction.users:
            return
        self._withdraw(message, reaction, user)
        data = self._reaction_data(message, emoji) | {"user_id": str(user.id), "burst": False, "type": 0}
        self.dispatch("MESSAGE_REACTION_REMOVE", data, message.channel.guild, seen_in=message.channel)
        self.happen(ReactionRemoved(message, user, emoji))

    def clear_reactions(self, message: Message, emoji: Emoji | None = None) -> None:
        """Take all reactions to a message away, or all with one emoji. Raises Impossible for a lost message."""
        self._refuse_lost(message)
        gone = [reaction for reaction in message.reactions.values() if emoji in (None, reaction.emoji)]
        if not gone:
            return
        gone_users = [(reaction, user) for reaction in gone for user in reaction.users.values()]
        for reaction, user in gone_users:
            self._withdraw(message, reaction, user)
        if emoji is None:
            data = {**self._place(message.channel), "message_id": str(message.id)}
            self.dispatch("MESSAGE_REACTION_REMOVE_ALL", data, message.channel.guild, seen_in=message.channel)
        else:
            data = self._reaction_data(message, emoji)
            self.dispatch("MESSAGE_REACTION_REMOVE_EMOJI", data, message.channel.guild, seen_in=message.channel)
        for reaction, user in gone_users:
            self.happen(ReactionRemoved(message, user, reaction.emoji))

    def pin(self, message: Message, user: User) -> None:
        """Pin a message, which Discord says in the channel; nothing happens where it is pinned.

        Raises Impossible for a message that is gone or private, and where the channel has 250 pins.
        """
        self._refuse_lost(message)
        if message.ephemeral:
            raise Impossible("a private answer cannot be pinned")
        if message.pinned is not None:
            return
        channel = message.channel
        if len(channel.pins) >= PINS.most:
            raise Impossible(f"a channel has at most {PINS.most} pinned messages")
        message.pinned = channel.last_pin = self.clock.time()
        self._pins_changed(message)
        self.add_message(channel, user, kind=PINNED, reference=message)

    def unpin(self, message: Message) -> None:
        """Take a message off the pins; nothing happens where it is not pinned."""
        self._refuse_lost(message)
        if message.pinned is not None:
            message.pinned = None
            self._pins_changed(message)

    def _pins_changed(self, message: Message) -> None:
        channel = message.channel
        last = None if channel.last_pin is None else timestamp(channel.last_pin)
        data = {**self._place(channel), "last_pin_timestamp": last}
        self.dispatch("CHANNEL_PINS_UPDATE", data, channel.guild, seen_in=channel)
        self._dispatch_message("MESSAGE_UPDATE", message, message.gateway_payload())
        self.happen(PinsChanged(message))

    def _withdraw(self, message: Message, reaction: Reaction, user: User) -> None:
        del reaction.users[user.id]
        if user is self.bot:
            reaction.me = False
        if not reaction.users:
            del message.reactions[reaction.emoji]

    def _refuse_lost(self, message: Message) -> None:
        if message.deleted:
            raise Impossible("the message is deleted")

    def _reaction_data(self, message: Message, emoji: Emoji) -> JSON:
        return {**self._place(message.channel), "message_id": str(message.id), "emoji": emoji.payload()}

    def _place(self, channel: Channel) -> JSON:
        guild = {"guild_id": str(channel.guild.id)} if channel.guild else {}
        return {"channel_id": str(channel.id), **guild}

    def _take_away(self, message: Message) -> None:
        message.deleted = True
        self.messages.pop(message.id, None)
        message.channel.messages.pop(message.id, None)

    def show_typing(self, channel: Channel, user: User) -> None:
        """Show that somebody is typing."""
        data: JSON = {
            "channel_id": str(channel.id),
            "user_id": str(user.id),
            "timestamp": int(self.clock.time()),
        }
        if channel.guild is not None:
            data |= {"guild_id": str(channel.guild.id), "member": channel.guild.members[user.id].payload()}
        self.dispatch("TYPING_START", data, channel.guild, seen_in=channel)
        self.happen(Typing(channel, user))

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
            elif number in self.users and _pings(allowed, "users", number):
                users[number] = self.users[number]
        if (replied := _replied_to(message, allowed)) and replied.id in self.users:
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
        return webhook or bool(self.permissions(message.author, message.channel) & Permission.MENTION_EVERYONE)

    def _dispatch_message(self, name: str, message: Message, data: JSON) -> None:
        # Discord sends ephemeral messages as if they were direct ones: without a guild, to shard 0
        # (discord-api-docs issue 4557).
        if message.ephemeral:
            self.dispatch(name, data)
        else:
            self.dispatch(name, data, message.channel.guild, seen_in=message.channel)

    def _bump(self, channel: Channel) -> None:
        """Count a message in a thread, which opens it again where it was archived."""
        thread = channel.thread
        if thread is None:
            return
        thread.sent += 1
        if thread.archived:
            thread.archived, thread.archive_moment = False, self.clock.time()
            self.dispatch("THREAD_UPDATE", channel.payload(), channel.guild, seen_in=channel)
            self.happen(ChannelChanged(channel))


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
