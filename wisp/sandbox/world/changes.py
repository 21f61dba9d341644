"""What changes in a world, as the subscribers of `world.changes` are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wisp.sandbox.world.objects import Channel, Emoji, Guild, Interaction, Member, Message, Role, User, VoiceState


@dataclass(frozen=True, slots=True)
class MessageCreated:
    """A message was posted, or (`message.loading`) the bot deferred its answer."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A message was edited, or a deferred answer was given."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message was deleted."""

    message: Message


@dataclass(frozen=True, slots=True)
class ReactionAdded:
    """A user reacted to a message."""

    message: Message
    user: User
    emoji: Emoji


@dataclass(frozen=True, slots=True)
class ReactionRemoved:
    """A reaction was removed, by its user or by another one."""

    message: Message
    user: User
    emoji: Emoji


@dataclass(frozen=True, slots=True)
class VoteAdded:
    """A user voted for an answer of the message's poll, by its number."""

    message: Message
    user: User
    answer: int


@dataclass(frozen=True, slots=True)
class VoteRemoved:
    """A user took back their vote for an answer of the message's poll."""

    message: Message
    user: User
    answer: int


@dataclass(frozen=True, slots=True)
class PinsChanged:
    """A message was pinned or unpinned."""

    message: Message


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A user joined a guild; the bot, too."""

    member: Member


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """A member has other roles, another nickname, or a time-out that began or ended."""

    member: Member


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A member left a guild: by themselves ("left"), or "kicked" or "banned"."""

    member: Member
    how: Literal["left", "kicked", "banned"]


@dataclass(frozen=True, slots=True)
class BansChanged:
    """A user was banned from a guild, or unbanned (`banned` is False)."""

    guild: Guild
    user: User
    banned: bool


@dataclass(frozen=True, slots=True)
class VoiceStateChanged:
    """A member joined a voice channel, moved, left it (`state.channel` is None), or was muted or deafened."""

    state: VoiceState


@dataclass(frozen=True, slots=True)
class GuildCreated:
    """A guild was created."""

    guild: Guild


@dataclass(frozen=True, slots=True)
class GuildChanged:
    """A guild has another name, system channel, emojis, stickers, scheduled events or stage instances."""

    guild: Guild


@dataclass(frozen=True, slots=True)
class ChannelCreated:
    """A channel or thread was created."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel or thread changed: its name, position, topic, overwrites or members."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class WebhooksChanged:
    """A webhook of a channel was created, changed or deleted."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class InvitesChanged:
    """An invite to a channel was created or deleted, or reached its number of uses."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    """A channel or thread was deleted, with its messages."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class RoleCreated:
    """A role was created."""

    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A role changed: its name, permissions, position or looks."""

    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class RoleDeleted:
    """A role was deleted, and no member has it any more."""

    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class InteractionCreated:
    """A user sent an interaction to the bot. The object has its data, and later the bot's answers."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class InteractionAnswered:
    """The bot gave its first answer, of Discord's callback type 4 to 9; its message, if any, comes before."""

    interaction: Interaction
    callback: int


@dataclass(frozen=True, slots=True)
class CommandsChanged:
    """The bot registered, changed or removed commands: global ones if `guild` is None."""

    guild: Guild | None


@dataclass(frozen=True, slots=True)
class Typing:
    """A user is typing."""

    channel: Channel
    user: User


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """The status or the activities of a user changed."""

    user: User


@dataclass(frozen=True, slots=True)
class UserChanged:
    """A user has another name or picture."""

    user: User


@dataclass(frozen=True, slots=True)
class BotConnected:
    """A shard of the bot was identified or (`resumed`) resumed, and gets events from now on."""

    shard: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class BotDisconnected:
    """A shard of the bot disconnected. `code` is the close code of its websocket, None if the connection was lost."""

    shard: int
    code: int | None


Change: TypeAlias = (
    MessageCreated
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | VoteAdded
    | VoteRemoved
    | PinsChanged
    | MemberJoined
    | MemberChanged
    | MemberLeft
    | BansChanged
    | VoiceStateChanged
    | GuildCreated
    | GuildChanged
    | ChannelCreated
    | ChannelChanged
    | ChannelDeleted
    | WebhooksChanged
    | InvitesChanged
    | RoleCreated
    | RoleChanged
    | RoleDeleted
    | InteractionCreated
    | InteractionAnswered
    | CommandsChanged
    | Typing
    | PresenceChanged
    | UserChanged
    | BotConnected
    | BotDisconnected
)
