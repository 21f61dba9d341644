"""Messages in the sandbox, with their files and reactions."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wisp.sandbox.model import JSON, Channel, Emoji, User, Webhook, timestamp

if TYPE_CHECKING:
    from wisp.sandbox.interaction import Interaction

EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_EMBEDS = 1 << 2
COMPONENTS_V2 = 1 << 15
"""Flags of messages."""

PINNED, THREAD_CREATED, REPLY, THREAD_STARTER = 6, 18, 19, 21
JOINED = 7
"""Types of messages besides what somebody wrote (0)."""


@dataclass(eq=False, slots=True)
class Reaction:
    """One emoji under a message. `users` are who reacted with it, in order; `me` is whether the bot is among them."""

    emoji: Emoji
    users: dict[int, User] = field(default_factory=dict[int, User])
    me: bool = False

    def payload(self) -> JSON:
        """Discord's reaction object."""
        count = len(self.users)
        return {
            "emoji": self.emoji.payload(),
            "count": count,
            "count_details": {"burst": 0, "normal": count},
            "burst_colors": [],
            "me_burst": False,
            "me": self.me,
        }


@dataclass(eq=False, slots=True)
class Attachment:
    """A file on a message or given to an option. `url` answers its `content` while the sandbox runs."""

    id: int
    filename: str
    content: bytes = field(repr=False)
    url: str
    description: str | None = None
    ephemeral: bool = False

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.content)

    @property
    def content_type(self) -> str:
        """The media type that the file's name says."""
        return mimetypes.guess_type(self.filename)[0] or "application/octet-stream"

    def payload(self) -> JSON:
        """Discord's attachment object."""
        attachment: JSON = {
            "id": str(self.id),
            "filename": self.filename,
            "size": self.size,
            "url": self.url,
            "proxy_url": self.url,
            "content_type": self.content_type,
        }
        if self.description is not None:
            attachment["description"] = self.description
        if self.ephemeral:
            attachment["ephemeral"] = True
        return attachment


@dataclass(eq=False, slots=True, repr=False)
class Message:
    """A message as it stands now.

    `edits` holds the contents that it had before, oldest first. `ephemeral_for` is its one reader, None
    where everybody in the channel sees it. While `loading` it reads "the bot is thinking". `reference` is
    what it answers, `interaction` what caused it, `webhook` what it was posted with. `reactions` are in the order in
    which they came; `pinned` is when it was pinned, None where it is not; `thread` is the thread that began with it.
    """

    id: int
    channel: Channel
    author: User
    created: float
    content: str = ""
    embeds: list[JSON] = field(default_factory=list[JSON])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    components: list[JSON] = field(default_factory=list[JSON])
    flags: int = 0
    kind: int = 0
    ephemeral_for: User | None = None
    interaction: Interaction | None = None
    reference: Message | None = None
    edits: list[str] = field(default_factory=list[str])
    edited: float | None = None
    deleted: bool = False
    tts: bool = False
    nonce: str | int | None = None
    mentions: list[User] = field(default_factory=list[User])
    mention_roles: list[int] = field(default_factory=list[int])
    mention_everyone: bool = False
    reactions: dict[Emoji, Reaction] = field(default_factory=dict[Emoji, Reaction])
    pinned: float | None = None
    thread: Channel | None = None
    webhook: Webhook | None = None

    def __repr__(self) -> str:
        counts = {"embeds": self.embeds, "attachments": self.attachments, "components": self.components}
        facts = [f"{name}={len(found)}" for name, found in counts.items() if found]
        facts += [f"{reaction.emoji}={len(reaction.users)}" for reaction in self.reactions.values()]
        if self.edits:
            facts.append(f"edits={len(self.edits)}")
        facts += [name for name in ("loading", "deleted", "pinned") if getattr(self, name)]
        if self.ephemeral_for is not None:
            facts.append(f"only for {self.ephemeral_for.name}")
        return f"<{' '.join(['Message', repr(self.content), 'by', self.author.name, 'in', str(self.channel), *facts])}>"

    @property
    def loading(self) -> bool:
        """Whether this stands for an answer that was deferred and has not come yet."""
        return bool(self.flags & LOADING)

    @property
    def ephemeral(self) -> bool:
        """Whether only `ephemeral_for` sees it."""
        return self.ephemeral_for is not None

    def payload(self, *, with_reference: bool = True) -> JSON:
        """Discord's message object, as REST answers it."""
        message: JSON = {
            "id": str(self.id),
            "type": self.kind,
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "content": self.content,
            "timestamp": timestamp(self.created),
            "edited_timestamp": None if self.edited is None else timestamp(self.edited),
            "tts": self.tts,
            "mention_everyone": self.mention_everyone,
            "mentions": [user.payload() for user in self.mentions],
            "mention_roles": [str(role) for role in self.mention_roles],
            "attachments": [attachment.payload() for attachment in self.attachments],
            "embeds": [] if self.flags & SUPPRESS_EMBEDS else self.embeds,
            "components": self.components,
            "flags": self.flags,
            "pinned": self.pinned is not None,
        }
        if self.reactions:
            message["reactions"] = [reaction.payload() for reaction in self.reactions.values()]
        if self.thread is not None:
            message["thread"] = self.thread.payload()
        if self.webhook is not None:
            message |= self.webhook.message_fields()
        if self.nonce is not None:
            message["nonce"] = self.nonce
        if self.interaction is not None:
            message |= self.interaction.message_fields(self)
        if self.reference is not None and with_reference:
            message |= self._reference_fields(self.reference)
        return message

    def gateway_payload(self) -> JSON:
        """The data of MESSAGE_CREATE and MESSAGE_UPDATE: in a guild with its id and the author's member."""
        message = self.payload()
        guild = self.channel.guild
        if guild is not None and not self.ephemeral:
            message["guild_id"] = str(guild.id)
            if self.webhook is None and (member := guild.members.get(self.author.id)):
                message["member"] = member.payload(with_user=False)
        return message

    def _reference_fields(self, reference: Message) -> JSON:
        place: JSON = {"type": 0, "channel_id": str(reference.channel.id), "message_id": str(reference.id)}
        if reference.channel.guild is not None:
            place["guild_id"] = str(reference.channel.guild.id)
        replied = None if reference.deleted else reference.payload(with_reference=False)
        return {"message_reference": place, "referenced_message": replied}
