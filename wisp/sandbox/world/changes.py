"""What changes in a world, as the subscribers of `world.changes` are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from wisp.sandbox.world.objects import Channel, Emoji, Guild, Interaction, Member, Message, Role, User


@dataclass(frozen=True, slots=True)
class MessageCreated:
    """A message appeared, or (`message.loading`) the sign that the bot is thinking."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A message changed, or the answer took the place of the thinking sign."""

    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A message is gone."""

    message: Message


@dataclass(frozen=True, slots=True)
class ReactionAdded:
    """Somebody reacted to a message."""

    message: Message
    user: User
    emoji: Emoji


@dataclass(frozen=True, slots=True)
class ReactionRemoved:
    """A reaction is gone, taken back by its user or taken away by somebody else."""

    message: Message
    user: User
    emoji: Emoji


@dataclass(frozen=True, slots=True)
class PinsChanged:
    """A message was pinned, or is pinned no more."""

    message: Message


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """Somebody joined a guild, or (`member.user` is the bot) the bot did."""

    member: Member


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """A member has other roles, another nickname, or a time-out that began or ended."""

    member: Member


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """Somebody left a guild: of their own ("left"), "kicked" or "banned"."""

    member: Member
    how: Literal["left", "kicked", "banned"]


@dataclass(frozen=True, slots=True)
class BansChanged:
    """A user was banned from a guild, or (`banned` is False) may come back."""

    guild: Guild
    user: User
    banned: bool


@dataclass(frozen=True, slots=True)
class GuildCreated:
    """A guild came into being."""

    guild: Guild


@dataclass(frozen=True, slots=True)
class GuildChanged:
    """A guild has another name, system channel, emojis, stickers or scheduled events."""

    guild: Guild


@dataclass(frozen=True, slots=True)
class ChannelCreated:
    """A channel or thread came into being."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelChanged:
    """A channel or thread changed: its name, place, topic, who may do what in it, who is in it."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class WebhooksChanged:
    """A channel has a webhook more or less, or one that changed."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class InvitesChanged:
    """An invite to a channel was made, or is gone: taken back, or used as often as it can be."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    """A channel or thread is gone, its messages with it."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class RoleCreated:
    """A role came into being."""

    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A role changed: its name, permissions, place or looks."""

    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class RoleDeleted:
    """A role is gone, from everybody who had it."""

    guild: Guild
    role: Role


@dataclass(frozen=True, slots=True)
class InteractionCreated:
    """Somebody asked the bot for something: `interaction.data` is what, and what becomes of it is told there later."""

    interaction: Interaction


@dataclass(frozen=True, slots=True)
class InteractionAnswered:
    """The bot gave its first answer, of Discord's callback type 4 to 9; its message, if any, comes before."""

    interaction: Interaction
    callback: int


@dataclass(frozen=True, slots=True)
class CommandsChanged:
    """The bot registered, changed or removed commands: global ones where `guild` is None."""

    guild: Guild | None


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody is typing."""

    channel: Channel
    user: User


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Somebody is shown as online, idle, busy or offline, or as doing something else."""

    user: User


@dataclass(frozen=True, slots=True)
class UserChanged:
    """A user has another name or picture."""

    user: User


@dataclass(frozen=True, slots=True)
class BotConnected:
    """A shard of the bot was greeted (`resumed`: again) and hears of events from here on."""

    shard: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class BotDisconnected:
    """A shard of the bot is gone. `code` is the websocket's close code, None where it just broke off."""

    shard: int
    code: int | None


Change: TypeAlias = (
    MessageCreated
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | PinsChanged
    | MemberJoined
    | MemberChanged
    | MemberLeft
    | BansChanged
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
