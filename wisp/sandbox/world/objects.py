"""Discord's objects: users, guilds with their roles, members, channels and webhooks, messages, interactions."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeGuard

import msgspec

from wisp.errors import WispError
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.permissions import (
    ADMINISTRATOR,
    ALL_PERMISSIONS,
    WHILE_TIMED_OUT,
    Allowance,
    overwritten,
    without_implied,
)

JSON: TypeAlias = dict[str, Any]


def dumps(data: object) -> bytes:
    """JSON as Discord writes it."""
    return msgspec.json.encode(data)


def _whole(text: str) -> int | float:
    """Return a JSON number with a point or an exponent as int if it is whole: 5.0 is 5 to Discord.

    From 2 ** 53 on a float is not exact, and stays one.
    """
    number = float(text)
    return int(number) if abs(number) < 1 << 53 and number.is_integer() else number


_JSON = msgspec.json.Decoder(float_hook=_whole)


def loads(text: bytes) -> Any:
    """Return what JSON says. Raises msgspec.DecodeError if it is not JSON."""
    return _JSON.decode(text)


def is_object(value: object) -> TypeGuard[JSON]:
    """Return whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a JSON value is an array."""
    return isinstance(value, list)


DISCORD_EPOCH = 1_420_070_400_000
"""The first millisecond of 2015, from which snowflakes count."""

LAST_MOMENT = (DISCORD_EPOCH + (1 << 41)) / 1000
"""The end of their time, in seconds since the Unix epoch: in September of 2084."""

FOUNDING = 300_000_000_000
"""When the first people and guild of each world were made, in milliseconds since then: in July of 2024."""

PRIVILEGED_INTENTS_ON = 1 << 13 | 1 << 15 | 1 << 19
"""Application flags of a small bot whose presence, members and message content intents are switched on."""

MESSAGE_CONTENT_ON = 1 << 18 | 1 << 19
"""Application flags of verified and of small bots that can read the content of all messages."""

TEXT, DM, VOICE, CATEGORY, ANNOUNCEMENT, STAGE, FORUM, MEDIA = 0, 1, 2, 4, 5, 13, 15, 16
ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD = 10, 11, 12
"""Kinds of channels."""

WITHOUT_MESSAGES = (CATEGORY, FORUM, MEDIA)
"""Kinds of channels that have no messages of their own: those are in their channels and threads."""

THREADS = (ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD)

ROLE_OVERWRITE, MEMBER_OVERWRITE = 0, 1
"""Whom an overwrite of a channel is for."""


class Impossible(WispError, AssertionError):
    """What a person asked for cannot be done in a real client: expected what, came what, what there is.

    An AssertionError too, so that test runners report it as a failed test rather than a broken one.
    """


class LimitReached(Impossible):
    """Something has as many parts as Discord allows. `bound` says how many; REST has an error code for each."""

    def __init__(self, message: str, bound: Bound) -> None:
        super().__init__(message)
        self.bound: Bound = bound


def channel_name(kind: int, name: str) -> str:
    """Return a channel's name as Discord keeps it: for text and announcements in lower case and without spaces."""
    return "-".join(name.lower().split()) if kind in (TEXT, ANNOUNCEMENT) else name


def timestamp(moment: float) -> str:
    """Discord's way to write a moment: ISO 8601 in UTC, from seconds since the Unix epoch."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


@dataclass(eq=False, slots=True, repr=False)
class User:
    """A person or a bot. Several users may have the same `name`; `avatar` and `banner` are hashes.

    What a webhook posts has a user of its own as its author (`webhook`), with the webhook's id. `locale` is their
    client's language.
    """

    id: int
    name: str
    bot: bool = False
    avatar: str | None = None
    webhook: bool = False
    locale: str = "en-US"
    banner: str | None = None

    def __repr__(self) -> str:
        return f"<User {self.name}>"

    @property
    def mention(self) -> str:
        """What pings this user in a message."""
        return f"<@{self.id}>"

    def payload(self) -> JSON:
        """Discord's user object."""
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0000" if self.webhook else f"{self.id % 10_000:04}" if self.bot else "0",
            "global_name": None if self.bot else self.name,
            "avatar": self.avatar,
            "avatar_decoration_data": None,
            "banner": self.banner,
            "accent_color": None,
            "primary_guild": None,
            "bot": self.bot,
            "system": False,
            "flags": 0,
            "public_flags": 0,
        }

    def own_payload(self) -> JSON:
        """Return Discord's user object as a bot sees its own."""
        me = {"mfa_enabled": False, "locale": "en-US", "verified": True, "email": None, "premium_type": 0}
        return self.payload() | me


@dataclass(frozen=True, slots=True, eq=False)
class Emoji:
    """An emoji: a character (`id` is None), or one of a guild or the application.

    One's own stays the same under another name. `roles` are the ids of those who can use it, all if there are none.
    """

    name: str
    id: int | None = None
    animated: bool = False
    roles: tuple[int, ...] = ()
    creator: User | None = field(default=None, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Emoji) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> int | str:
        return self.name if self.id is None else self.id

    def __str__(self) -> str:
        return self.name if self.id is None else f"<{'a' if self.animated else ''}:{self.name}:{self.id}>"

    def payload(self) -> JSON:
        """Discord's partial emoji, as reactions carry it."""
        return {"id": self.id and str(self.id), "name": self.name, **({"animated": True} if self.animated else {})}

    def guild_payload(self, *, with_creator: bool = False) -> JSON:
        """Discord's emoji object, for one of a guild or of the application."""
        emoji: JSON = {
            "id": str(self.id),
            "name": self.name,
            "roles": [str(role) for role in self.roles],
            "require_colons": True,
            "managed": False,
            "animated": self.animated,
            "available": True,
        }
        return {**emoji, "user": self.creator.payload()} if with_creator and self.creator else emoji


PNG, APNG, LOTTIE, GIF = 1, 2, 3, 4
"""Formats of stickers."""


@dataclass(frozen=True, slots=True, eq=False)
class Sticker:
    """A sticker of a guild, or (`guild_id` is None) of the sandbox's own pack, at its place `sort_value` there.

    `tags` are the emojis that suggest it. `format` is PNG, APNG, LOTTIE or GIF.
    """

    id: int
    name: str
    tags: str
    format: int = PNG
    description: str | None = None
    guild_id: int | None = None
    creator: User | None = field(default=None, repr=False)
    pack_id: int = 0
    sort_value: int = 0

    def item(self) -> JSON:
        """Return Discord's sticker item object, as messages carry it."""
        return {"id": str(self.id), "name": self.name, "format_type": self.format}

    def payload(self, *, with_creator: bool = False) -> JSON:
        """Return Discord's sticker object."""
        sticker = {**self.item(), "tags": self.tags, "description": self.description}
        if self.guild_id is None:
            return sticker | {"type": 1, "pack_id": str(self.pack_id), "sort_value": self.sort_value}
        sticker |= {"type": 2, "available": True, "guild_id": str(self.guild_id)}
        return {**sticker, "user": self.creator.payload()} if with_creator and self.creator else sticker


@dataclass(eq=False, slots=True, repr=False)
class Role:
    """A guild's role. The @everyone role bears its guild's id. `permissions` is Discord's bit set.

    `color` is 0xRRGGBB, 0 for none; `bot` is the bot that a managed role belongs to: it cannot be given or deleted.
    """

    id: int
    name: str
    permissions: int
    position: int
    color: int = 0
    hoist: bool = False
    mentionable: bool = False
    bot: User | None = None

    def __repr__(self) -> str:
        return f"<Role {self.name}>"

    @property
    def mention(self) -> str:
        """What pings everybody with this role."""
        return f"<@&{self.id}>"

    @property
    def managed(self) -> bool:
        """Whether it came with a bot and goes with it."""
        return self.bot is not None

    @property
    def rank(self) -> tuple[int, int]:
        """What roles are ordered by, the lowest first: of two at one position the newer is below."""
        return self.position, -self.id

    def payload(self) -> JSON:
        """Discord's role object."""
        role: JSON = {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": self.color,
            "colors": {"primary_color": self.color, "secondary_color": None, "tertiary_color": None},
            "hoist": self.hoist,
            "managed": self.managed,
            "mentionable": self.mentionable,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        return {**role, "tags": {"bot_id": str(self.bot.id)}} if self.bot else role


QUARANTINED = 1 << 7
"""The flag of a member whose name a rule of auto moderation forbids (resources/guild#guild-member-object)."""


@dataclass(eq=False, slots=True, repr=False)
class Member:
    """A user in a guild, with the roles given to them (@everyone is not among them).

    `timed_out_until` is in seconds since the Unix epoch, None if there is no time-out. A `quarantined` member can only
    read: a rule of auto moderation forbids their name.
    """

    user: User
    guild: Guild
    joined: float
    roles: list[Role] = field(default_factory=list[Role])
    nick: str | None = None
    timed_out_until: float | None = None
    mute: bool = False
    deaf: bool = False
    avatar: str | None = None
    banner: str | None = None
    quarantined: bool = False

    def __repr__(self) -> str:
        return f"<Member {self.user.name} of {self.guild.name}>"

    @property
    def name(self) -> str:
        """What the guild calls them."""
        return self.nick or self.user.name

    @property
    def permissions(self) -> int:
        """What the roles together allow in the whole guild. Its owner and administrators may everything."""
        if self.guild.owner is self.user:
            return ALL_PERMISSIONS
        allowed = self.guild.everyone.permissions
        for role in self.roles:
            allowed |= role.permissions
        return ALL_PERMISSIONS if allowed & ADMINISTRATOR else allowed

    @property
    def top(self) -> Role:
        """Their highest role. They can act on members and give roles below it."""
        return max(self.roles, key=lambda role: role.rank, default=self.guild.everyone)

    def timed_out(self, now: float) -> bool:
        """Whether a time-out is in force, which is without effect on the owner and administrators."""
        until = self.timed_out_until
        return until is not None and until > now and not self.permissions & ADMINISTRATOR

    def outranks(self, other: Member) -> bool:
        """Return whether they are above another member: the owner is above all, others by their highest roles."""
        if other.user is self.guild.owner:
            return False
        return self.user is self.guild.owner or self.top.rank > other.top.rank

    def permissions_in(self, channel: Channel, now: float) -> int:
        """What they may do in one of the guild's channels, its overwrites and a time-out considered."""
        allowed = self.permissions
        if not allowed & ADMINISTRATOR:
            allowed = self._overwritten(allowed, (channel.parent or channel) if channel.is_thread else channel)
        allowed = without_implied(allowed, voice=channel.kind in (VOICE, STAGE), thread=channel.is_thread)
        return allowed & WHILE_TIMED_OUT if self.timed_out(now) or self.quarantined else allowed

    def _overwritten(self, allowed: int, channel: Channel) -> int:
        if not channel.overwrites:
            return allowed
        none, found = Allowance(), channel.overwrites
        roles = (found[role.id].allowance for role in self.roles if role.id in found)
        everyone, mine = found.get(self.guild.id), found.get(self.user.id)
        return overwritten(allowed, everyone.allowance if everyone else none, roles, mine.allowance if mine else none)

    def payload(self, *, with_user: bool = True) -> JSON:
        """Discord's member object; without its user for messages and interactions, which have it beside the member."""
        until = self.timed_out_until
        member: JSON = {
            "avatar": self.avatar,
            "banner": self.banner,
            "communication_disabled_until": None if until is None else timestamp(until),
            "deaf": self.deaf,
            "flags": QUARANTINED if self.quarantined else 0,
            "joined_at": timestamp(self.joined),
            "mute": self.mute,
            "nick": self.nick,
            "pending": False,
            "premium_since": None,
            "roles": [str(role.id) for role in self.roles],
        }
        return {**member, "user": self.user.payload()} if with_user else member


@dataclass(eq=False, slots=True)
class VoiceState:
    """A member's connection to voice. `channel` is None once they left.

    `suppress` is whether they are in the audience of a stage channel; `requested` is when they asked to speak there, in
    seconds since the Unix epoch. Whether the guild muted and deafened them is part of the member.
    """

    member: Member
    channel: Channel | None
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    suppress: bool = False
    requested: float | None = None

    def __str__(self) -> str:
        """Return where the member is, as a line for people."""
        if self.channel is None:
            return f"{self.member.name} left voice"
        deafened, muted = self.self_deaf or self.member.deaf, self.self_mute or self.member.mute
        return f"{self.member.name} is in {self.channel}" + (", deafened" if deafened else ", muted" if muted else "")

    def payload(self) -> JSON:
        """Discord's voice state object without guild and member, as guilds have it."""
        return {
            "channel_id": self.channel and str(self.channel.id),
            "user_id": str(self.member.user.id),
            "session_id": self.session_id,
            "deaf": self.member.deaf,
            "mute": self.member.mute,
            "self_deaf": self.self_deaf,
            "self_mute": self.self_mute,
            "self_stream": False,
            "self_video": False,
            "suppress": self.suppress,
            "request_to_speak_timestamp": None if self.requested is None else timestamp(self.requested),
        }

    def gateway_payload(self) -> JSON:
        """The data of VOICE_STATE_UPDATE, and what REST answers."""
        return {**self.payload(), "guild_id": str(self.member.guild.id), "member": self.member.payload()}


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel allows and denies a role (`kind` ROLE_OVERWRITE) or a member (MEMBER_OVERWRITE) of this id."""

    id: int
    kind: int
    allow: int = 0
    deny: int = 0

    @property
    def allowance(self) -> Allowance:
        """What it allows and denies."""
        return Allowance(self.allow, self.deny)

    def payload(self) -> JSON:
        """Discord's overwrite object."""
        return {"id": str(self.id), "type": self.kind, "allow": str(self.allow), "deny": str(self.deny)}


@dataclass(eq=False, slots=True)
class Thread:
    """What a thread has besides a channel. Moments are in seconds since the Unix epoch; `members` are by user id.

    `archive_after` is in minutes without a message; `archive_moment` is when its archived state changed last.
    """

    owner: User
    created: float
    archive_moment: float
    archive_after: int = 1440
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    sent: int = 0
    members: dict[int, ThreadMember] = field(default_factory=dict[int, "ThreadMember"], repr=False)
    tags: list[int] = field(default_factory=list[int])

    def metadata(self, kind: int) -> JSON:
        """Discord's thread metadata."""
        data: JSON = {
            "archived": self.archived,
            "archive_timestamp": timestamp(self.archive_moment),
            "auto_archive_duration": self.archive_after,
            "locked": self.locked,
            "create_timestamp": timestamp(self.created),
        }
        return {**data, "invitable": self.invitable} if kind == PRIVATE_THREAD else data


@dataclass(frozen=True, slots=True)
class ThreadMember:
    """A user in a thread. `joined` is in seconds since the Unix epoch."""

    thread_id: int
    user: User
    joined: float

    def payload(self) -> JSON:
        """Discord's thread member object."""
        return {
            "id": str(self.thread_id),
            "user_id": str(self.user.id),
            "join_timestamp": timestamp(self.joined),
            "flags": 0,
        }


@dataclass(eq=False, slots=True, repr=False)
class Channel:
    """A place for messages: in a guild, or (`guild` is None) the bot's direct messages with `recipient`.

    `messages` are by id, oldest first, deleted ones gone; ephemeral ones are never among them. `parent` is the category
    that it is in, for a thread (which `thread` tells more of) the channel. `overwrites` are by the id of role or user.
    `slowmode` is in seconds, `spoke` says when each author, by id, wrote last. `settings` holds what Discord's object
    has for its kind alone, as it was given.
    """

    id: int
    kind: int
    name: str = ""
    guild: Guild | None = None
    position: int = 0
    recipient: User | None = None
    messages: dict[int, Message] = field(default_factory=dict[int, "Message"])
    last_message_id: int | None = None
    parent: Channel | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict[int, Overwrite])
    topic: str | None = None
    nsfw: bool = False
    slowmode: int = 0
    spoke: dict[int, float] = field(default_factory=dict[int, float])
    last_pin: float | None = None
    settings: JSON = field(default_factory=dict[str, Any])
    thread: Thread | None = None

    def __str__(self) -> str:
        if self.guild is not None:
            return f"#{self.name}"
        return f"direct messages with {self.recipient.name}" if self.recipient else "direct messages"

    def __repr__(self) -> str:
        return f"<Channel {self}>"

    @property
    def mention(self) -> str:
        """What links to this channel in a message."""
        return f"<#{self.id}>"

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread of its `parent`."""
        return self.thread is not None

    @property
    def is_open_thread(self) -> bool:
        """Whether it is a thread that is not archived."""
        return self.thread is not None and not self.thread.archived

    @property
    def pins(self) -> list[Message]:
        """The pinned messages, those pinned last first."""
        pinned = [message for message in self.messages.values() if message.pinned is not None]
        return sorted(pinned, key=lambda message: (message.pinned or 0, message.id), reverse=True)

    def payload(self) -> JSON:
        """Discord's channel object, with the fields that its kind has."""
        channel: JSON = {
            "id": str(self.id),
            "type": self.kind,
            "flags": 0,
            "last_message_id": self.last_message_id and str(self.last_message_id),
        }
        if self.last_pin is not None:
            channel["last_pin_timestamp"] = timestamp(self.last_pin)
        if self.guild is None:
            recipients = [self.recipient.payload()] if self.recipient else []
            return {**channel, "recipients": recipients}
        channel |= {
            "guild_id": str(self.guild.id),
            "name": self.name,
            "parent_id": self.parent and str(self.parent.id),
            "rate_limit_per_user": self.slowmode,
        }
        if self.thread is not None:
            return channel | self._thread_fields(self.thread)
        return channel | self._guild_fields() | _KIND_FIELDS.get(self.kind, {}) | self.settings

    def _guild_fields(self) -> JSON:
        return {
            "position": self.position,
            "permission_overwrites": [overwrite.payload() for overwrite in self.overwrites.values()],
            "topic": self.topic,
            "nsfw": self.nsfw,
        }

    def _thread_fields(self, thread: Thread) -> JSON:
        fields: JSON = {
            "owner_id": str(thread.owner.id),
            "thread_metadata": thread.metadata(self.kind),
            "message_count": min(thread.sent, 50),
            "member_count": min(len(thread.members), 50),
            "total_message_sent": thread.sent,
        }
        if self.parent is not None and self.parent.kind in (FORUM, MEDIA):
            fields["applied_tags"] = [str(tag) for tag in thread.tags]
        return fields


_VOICE_FIELDS = {"bitrate": 64_000, "user_limit": 0, "rtc_region": None, "video_quality_mode": 1}
_FORUM_FIELDS: JSON = {
    "available_tags": [],
    "default_reaction_emoji": None,
    "default_sort_order": None,
    "default_forum_layout": 0,
    "default_thread_rate_limit_per_user": 0,
}
_KIND_FIELDS: Mapping[int, JSON] = {
    VOICE: _VOICE_FIELDS,
    STAGE: _VOICE_FIELDS,
    FORUM: _FORUM_FIELDS,
    MEDIA: _FORUM_FIELDS,
}


@dataclass(frozen=True, slots=True)
class Ban:
    """A banned user, and the reason."""

    user: User
    reason: str | None = None

    def payload(self) -> JSON:
        """Discord's ban object."""
        return {"user": self.user.payload(), "reason": self.reason}


_NO_ONBOARDING: JSON = {"prompts": [], "default_channel_ids": [], "enabled": False, "mode": 0}


@dataclass(eq=False, slots=True, repr=False)
class Guild:
    """A server. `members`, `roles`, `channels`, `threads`, `emojis`, `stickers`, `scheduled_events` are by id,
    `bans` by the user's.

    The bot is in the guild if it is among the members. `system_channel` is the channel in which Discord posts system
    messages and bots welcome members, None if there is none. `settings` are further fields of Discord's guild object.
    """

    id: int
    name: str
    owner: User
    created: float
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    channels: dict[int, Channel] = field(default_factory=dict[int, Channel])
    threads: dict[int, Channel] = field(default_factory=dict[int, Channel])
    voice_states: dict[int, VoiceState] = field(default_factory=dict[int, VoiceState])
    bans: dict[int, Ban] = field(default_factory=dict[int, Ban])
    emojis: dict[int, Emoji] = field(default_factory=dict[int, Emoji])
    stickers: dict[int, Sticker] = field(default_factory=dict[int, Sticker])
    scheduled_events: dict[int, ScheduledEvent] = field(default_factory=dict[int, "ScheduledEvent"])
    stages: dict[int, StageInstance] = field(default_factory=dict[int, "StageInstance"])
    system_channel: Channel | None = None
    description: str | None = None
    settings: JSON = field(default_factory=dict[str, Any])
    onboarding: JSON = field(default_factory=lambda: dict(_NO_ONBOARDING))
    welcome_screen: JSON = field(default_factory=lambda: {"description": None, "welcome_channels": []})

    def __repr__(self) -> str:
        return f"<Guild {self.name}>"

    @property
    def features(self) -> list[str]:
        """What Discord has unlocked or switched on in the guild, such as "COMMUNITY"."""
        return self.settings.get("features", [])

    def onboarding_payload(self) -> JSON:
        """Return Discord's guild onboarding object, without the channels and roles that are deleted."""

        def kept(ids: Iterable[str], known: Mapping[int, object]) -> list[str]:
            return [id for id in ids if int(id) in known]

        def option(given: JSON) -> JSON:
            roles, channels = kept(given["role_ids"], self.roles), kept(given["channel_ids"], self.channels)
            return {**given, "role_ids": roles, "channel_ids": channels}

        given = self.onboarding["prompts"]
        prompts = [{**prompt, "options": [option(one) for one in prompt["options"]]} for prompt in given]
        channels = kept(self.onboarding["default_channel_ids"], self.channels)
        return {
            **self.onboarding,
            "guild_id": str(self.id),
            "prompts": prompts,
            "default_channel_ids": channels,
        }

    def welcome_payload(self) -> JSON:
        """Return Discord's welcome screen object, without the channels that are deleted."""
        shown = [one for one in self.welcome_screen["welcome_channels"] if int(one["channel_id"]) in self.channels]
        return {**self.welcome_screen, "welcome_channels": shown}

    def allowed_to_all(self, channel: Channel) -> int:
        """Return what @everyone may do in a channel."""
        overwrite = channel.overwrites.get(self.id)
        own = overwrite.allowance if overwrite else Allowance()
        return overwritten(self.everyone.permissions, own, (), Allowance())

    def invites_paused(self, now: float) -> bool:
        """Return whether nobody can join by an invite: they are switched off, or paused because of an incident."""
        incidents: JSON = self.settings.get("incidents_data") or {}
        until: str | None = incidents.get("invites_disabled_until")
        paused = until is not None and datetime.fromisoformat(until).timestamp() > now
        return paused or "INVITES_DISABLED" in self.features

    @property
    def everyone(self) -> Role:
        """The role that every member has."""
        return self.roles[self.id]

    def role_of(self, bot: User) -> Role | None:
        """Return the managed role of a bot, None if it has none."""
        return next((role for role in self.roles.values() if role.bot is bot), None)

    @property
    def places(self) -> list[Channel]:
        """All channels, then all threads: what can be chosen for an option, a select or a mention."""
        return [*self.channels.values(), *self.threads.values()]

    def channel(self, name: str) -> Channel | None:
        """The channel of this name, else the thread, None if there is neither."""
        for channel in self.places:
            if channel.name == channel_name(channel.kind, name):
                return channel
        return None

    def payload(self) -> JSON:
        """Discord's guild object, as REST answers it."""
        payload: JSON = {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id),
            "roles": [role.payload() for role in self.roles.values()],
            "afk_channel_id": None,
            "afk_timeout": 300,
            "application_id": None,
            "banner": None,
            "default_message_notifications": 0,
            "description": self.description,
            "discovery_splash": None,
            "emojis": [emoji.guild_payload() for emoji in self.emojis.values()],
            "explicit_content_filter": 0,
            "features": [],
            "home_header": None,
            "icon": None,
            "incidents_data": None,
            "max_members": 500_000,
            "max_presences": None,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "mfa_level": 0,
            "nsfw": False,
            "nsfw_level": 0,
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": False,
            "premium_subscription_count": 0,
            "premium_tier": 0,
            "public_updates_channel_id": None,
            "region": "deprecated",
            "rules_channel_id": None,
            "safety_alerts_channel_id": None,
            "splash": None,
            "stickers": [sticker.payload() for sticker in self.stickers.values()],
            # Discord's own lines about who joined, boosted and so on are switched off: bots say that.
            "system_channel_flags": 0b111111,
            "system_channel_id": self.system_channel and str(self.system_channel.id),
            "vanity_url_code": None,
            "verification_level": 0,
            "widget_channel_id": None,
            "widget_enabled": False,
        }
        return payload | self.settings

    def gateway_payload(self, members: Iterable[Member], threads: Iterable[Channel] = ()) -> JSON:
        """The data of GUILD_CREATE, with the members and the open threads that a session is shown."""
        return self.payload() | {
            "joined_at": timestamp(self.created),
            "large": len(self.members) > 250,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [thread.payload() for thread in threads],
            "presences": [],
            "voice_states": [state.payload() for state in self.voice_states.values()],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


SCHEDULED, ACTIVE, COMPLETED, CANCELED = 1, 2, 3, 4
"""States of scheduled events."""

ON_STAGE, IN_VOICE, EXTERNAL = 1, 2, 3
"""Where scheduled events take place (`entity_type`)."""


@dataclass(eq=False, slots=True)
class ScheduledEvent:
    """An event of a guild: in a `channel` for stages or voice, or (EXTERNAL) at a `location`.

    `start` and `end` are in seconds since the Unix epoch; `recurrence` is Discord's recurrence rule. `interested` are
    the users who want to come, by id; `image` is a picture's hash.
    """

    id: int
    guild: Guild = field(repr=False)
    creator: User
    name: str
    kind: int
    start: float
    end: float | None = None
    description: str | None = None
    channel: Channel | None = None
    location: str | None = None
    recurrence: JSON | None = None
    image: str | None = None
    status: int = SCHEDULED
    interested: dict[int, User] = field(default_factory=dict[int, User], repr=False)

    @property
    def finished(self) -> bool:
        """Whether it is over or canceled."""
        return self.status in (COMPLETED, CANCELED)

    def payload(self, *, with_count: bool = False) -> JSON:
        """Return Discord's guild scheduled event object."""
        event: JSON = {
            "id": str(self.id),
            "guild_id": str(self.guild.id),
            "channel_id": self.channel and str(self.channel.id),
            "creator_id": str(self.creator.id),
            "creator": self.creator.payload(),
            "name": self.name,
            "description": self.description,
            "image": self.image,
            "scheduled_start_time": timestamp(self.start),
            "scheduled_end_time": None if self.end is None else timestamp(self.end),
            "privacy_level": 2,
            "status": self.status,
            "entity_type": self.kind,
            "entity_id": None,
            "entity_metadata": {"location": self.location} if self.kind == EXTERNAL else None,
            "recurrence_rule": self.recurrence,
            "guild_scheduled_event_exceptions": [],
        }
        return {**event, "user_count": len(self.interested)} if with_count else event


@dataclass(eq=False, slots=True)
class StageInstance:
    """What makes a stage channel live, with its topic; `event` is the scheduled event that it is for."""

    id: int
    guild: Guild = field(repr=False)
    channel: Channel
    topic: str
    event: ScheduledEvent | None = None

    def payload(self) -> JSON:
        """Return Discord's stage instance object."""
        return {
            "id": str(self.id),
            "guild_id": str(self.guild.id),
            "channel_id": str(self.channel.id),
            "topic": self.topic,
            "privacy_level": 2,
            "discoverable_disabled": True,
            "guild_scheduled_event_id": self.event and str(self.event.id),
        }


@dataclass(eq=False, slots=True)
class Webhook:
    """A way to post in a channel, under a name of its own, with its `token`. `creator` is the user who made it.

    `avatar` is the hash of its picture; `url` takes what it is to post while the sandbox runs. One with a `source`, an
    announcement channel, posts what is published there, and only Discord can use it.
    """

    id: int
    channel: Channel
    name: str
    token: str = field(repr=False)
    url: str = field(repr=False)
    creator: User
    avatar: str | None = None
    source: Channel | None = None

    @property
    def application_id(self) -> int | None:
        """The application that it belongs to, whose id is its bot's; None if a person made it, or if it follows."""
        return self.creator.id if self.creator.bot and self.source is None else None

    def author(self, name: str | None = None, avatar: str | None = None) -> User:
        """Whom a message of it is by, under its own name and picture if no others are said."""
        return User(self.id, name or self.name, bot=True, avatar=avatar or self.avatar, webhook=True)

    def payload(self, *, with_creator: bool = True) -> JSON:
        """Discord's webhook object; without its creator for callers that only have its token."""
        guild = self.channel.guild
        webhook: JSON = {
            "id": str(self.id),
            "type": INCOMING if self.source is None else FOLLOWER,
            "guild_id": guild and str(guild.id),
            "channel_id": str(self.channel.id),
            "name": self.name,
            "avatar": self.avatar,
            "application_id": self.application_id and str(self.application_id),
            **({"token": self.token, "url": self.url} if self.source is None else self._source_fields(self.source)),
        }
        return {**webhook, "user": self.creator.payload()} if with_creator else webhook

    @staticmethod
    def _source_fields(source: Channel) -> JSON:
        guild = source.guild and {"id": str(source.guild.id), "name": source.guild.name, "icon": None}
        return {"source_channel": {"id": str(source.id), "name": source.name}, "source_guild": guild}

    def message_fields(self) -> JSON:
        """What tells of it on a message that it posted."""
        application = {"application_id": str(self.application_id)} if self.application_id else {}
        return {"webhook_id": str(self.id), **application}


INCOMING, FOLLOWER = 1, 2
"""Types of webhooks."""

CROSSPOSTED = 1 << 0
IS_CROSSPOST = 1 << 1
SOURCE_DELETED = 1 << 3
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_EMBEDS = 1 << 2
SUPPRESS_NOTIFICATIONS = 1 << 12
IS_VOICE = 1 << 13
HAS_SNAPSHOT = 1 << 14
COMPONENTS_V2 = 1 << 15
"""Flags of messages."""

PINNED, FOLLOWED, THREAD_CREATED, REPLY, THREAD_STARTER, POLL_RESULT = 6, 12, 18, 19, 21, 46
AUTO_MODERATION_ACTION = 24
JOINED = 7
"""Types of messages besides those that users write (0)."""

WRITTEN = (0, REPLY, 20, 23)
"""Types of messages that users and bots write, commands' answers among them; the others are Discord's own."""


@dataclass(eq=False, slots=True)
class Reaction:
    """A reaction to a message. `users` are those who reacted, in order; `me` is whether the bot is one of them."""

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
class Poll:
    """A question to the readers of a message. `answers` are Discord's media (`text`, `emoji`), numbered from 1.

    `expiry` is in seconds since the Unix epoch; `votes` are the users by the number of the answer that they chose.
    """

    question: str
    answers: list[JSON]
    expiry: float
    multiselect: bool = False
    finished: bool = False
    votes: dict[int, dict[int, User]] = field(default_factory=dict[int, dict[int, User]])

    def text(self, number: int) -> str:
        """The text of an answer."""
        return self.answers[number - 1]["text"]

    @property
    def count(self) -> dict[int, int]:
        """How many users chose each answer that was chosen."""
        return {number: len(users) for number, users in sorted(self.votes.items()) if users}

    @property
    def lines(self) -> list[str]:
        """The question, and the answers with their votes."""
        question = f"{self.question} (ended)" if self.finished else self.question
        count = self.count
        return [question, *(f"{n}. {media['text']}: {count.get(n, 0)}" for n, media in enumerate(self.answers, 1))]

    def payload(self) -> JSON:
        """Discord's poll object. Bots do not vote."""
        answers = [{"answer_id": number, "poll_media": media} for number, media in enumerate(self.answers, 1)]
        counts = [{"id": number, "count": count, "me_voted": False} for number, count in self.count.items()]
        return {
            "question": {"text": self.question},
            "answers": answers,
            "expiry": timestamp(self.expiry),
            "allow_multiselect": self.multiselect,
            "layout_type": 1,
            "results": {"answer_counts": counts, "is_finalized": self.finished},
        }

    def result_embed(self) -> JSON:
        """Discord's embed of type `poll_result`; it names an answer only if no other has as many votes."""
        count = self.count
        most = max(count.values(), default=0)
        first = [number for number, votes in count.items() if votes == most]
        told = {
            "poll_question_text": self.question,
            "victor_answer_votes": str(most),
            "total_votes": str(sum(count.values())),
        }
        if len(first) == 1:
            media = self.answers[first[0] - 1]
            told |= {"victor_answer_id": str(first[0]), "victor_answer_text": media["text"]}
            if emoji := media.get("emoji"):
                told |= {f"victor_answer_emoji_{key}": str(emoji[key]) for key in ("id", "name") if emoji.get(key)}
        fields = [{"name": name, "value": value, "inline": False} for name, value in told.items()]
        return {"type": "poll_result", "fields": fields}


@dataclass(eq=False, slots=True)
class Attachment:
    """A file on a message or given to an option. `url` answers its `content` while the sandbox runs.

    `duration` (in seconds) and `waveform` (in Base64) are those of a voice message.
    """

    id: int
    filename: str
    content: bytes = field(repr=False)
    url: str
    description: str | None = None
    ephemeral: bool = False
    duration: float | None = None
    waveform: str | None = None

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.content)

    @property
    def content_type(self) -> str:
        """The media type that the file's name says."""
        return media_type(self.filename)

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
        if self.duration is not None and self.waveform is not None:
            attachment |= {"duration_secs": self.duration, "waveform": self.waveform}
        return attachment


def media_type(filename: str) -> str:
    """Return the media type that a file's name says; not all systems know the one of voice messages."""
    if filename.lower().endswith(".ogg"):
        return "audio/ogg"
    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


@dataclass(eq=False, slots=True, repr=False)
class Message:
    """A message as it stands now.

    `edits` holds the contents that it had before, oldest first. `ephemeral_for` is its one reader, None
    if all who see the channel see it. While `loading` it reads "the bot is thinking". `reference` is
    what it answers, `interaction` what caused it, `webhook` what it was posted with. `reactions` are in the order in
    which they came; `pinned` is when it was pinned, None if it is not; `thread` is the thread that began with it.
    `copies` are those in channels that follow; a forward has a `snapshot` of its `reference`. `about` is the channel
    that a message of Discord's own is about.
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
    copies: list[Message] = field(default_factory=list["Message"])
    snapshot: JSON | None = None
    about: Channel | None = None
    poll: Poll | None = None
    stickers: list[Sticker] = field(default_factory=list[Sticker])

    def __repr__(self) -> str:
        counts = {
            "embeds": self.embeds,
            "attachments": self.attachments,
            "components": self.components,
            "stickers": self.stickers,
        }
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
        if self.stickers:
            message["sticker_items"] = [sticker.item() for sticker in self.stickers]
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
        if self.poll is not None:
            message["poll"] = self.poll.payload()
        if self.snapshot is not None:
            message["message_snapshots"] = [{"message": self.snapshot}]
        if self.about is not None:
            message["message_reference"] = _place(self.about)
        if self.reference is not None and with_reference:
            message |= self._reference_fields(self.reference)
        return message

    def as_snapshot(self) -> JSON:
        """What a forward of it shows: Discord's message snapshot, that of the first message if it is a forward."""
        if self.snapshot is not None:
            return self.snapshot
        names = ("type", "content", "mentions", "mention_roles", "attachments", "embeds", "timestamp")
        message = self.payload(with_reference=False)
        return {name: message[name] for name in (*names, "edited_timestamp", "flags", "components")}

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
        place = _place(reference.channel) | {"message_id": str(reference.id)}
        if self.snapshot is not None:
            return {"message_reference": {**place, "type": FORWARD}}
        if self.kind == POLL_RESULT:
            return {"message_reference": {name: place[name] for name in ("type", "channel_id", "message_id")}}
        if self.flags & IS_CROSSPOST:
            return {"message_reference": place}
        replied = None if reference.deleted else reference.payload(with_reference=False)
        return {"message_reference": place, "referenced_message": replied}


FORWARD = 1
"""The type of a reference to a message that is shown again elsewhere; 0 is a reply (resources/message)."""


def _place(channel: Channel) -> JSON:
    """Return a message reference to a channel."""
    guild = {"guild_id": str(channel.guild.id)} if channel.guild else {}
    return {"type": 0, "channel_id": str(channel.id), **guild}


INTERACTION_DEADLINE = 3.0
"""Seconds in which an interaction must get its first answer."""

UNANSWERED = "no answer within 15 minutes, and Discord takes none after that"
"""What is said of a bot that does not answer within `INTERACTION_LIFETIME`."""

INTERACTION_LIFETIME = 15 * 60.0
"""Seconds in which an interaction's token can be used for its answers."""

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
"""Kinds of interactions."""


@dataclass(eq=False, slots=True, repr=False)
class Interaction:
    """Something that a user asked of the bot, and what became of it.

    `data` is the raw JSON that the bot got; `message` has the component that was used. `created` is in seconds of
    the world's clock (monotonic). `original` is the first answer: for a component that was answered by
    an update, the message it sat on. `events` says in order what the bot did: "answer", "defer",
    "defer update", "update", "choices", "modal", "edit", "follow-up", "delete".
    """

    id: int
    token: str
    kind: int
    application_id: int
    user: User
    channel: Channel
    created: float
    data: JSON
    message: Message | None = None
    answered: bool = False
    deferred: bool = False
    original: Message | None = None
    followups: list[Message] = field(default_factory=list[Message])
    modal: JSON | None = None
    choices: list[JSON] | None = None
    events: list[str] = field(default_factory=list[str])
    opened_by: Interaction | None = None

    def __repr__(self) -> str:
        name = self.data.get("name") or self.data.get("custom_id")
        done = ", ".join(self.events) or "unanswered"
        return f"<Interaction {name!r} by {self.user.name} in {self.channel}: {done}>"

    @property
    def guild(self) -> Guild | None:
        """Where it happened, None for direct messages."""
        return self.channel.guild

    @property
    def command_kind(self) -> int:
        """The type of the command that was used (1 slash, 2 user, 3 message), 0 for other interactions."""
        return self.data.get("type", 0) if self.kind == COMMAND else 0

    @property
    def focused_kind(self) -> int:
        """The type of the option that the user is typing in (autocomplete), STRING if it cannot be read."""
        given = self.data.get("options", ())
        options: list[JSON] = [*given] if is_list(given) else []
        for option in options:
            if option.get("focused"):
                return option["type"]
            options.extend(option.get("options", ()))
        return 3

    @property
    def integration_owners(self) -> JSON:
        """Which installation of the application let it through: Discord's authorizing_integration_owners."""
        return {"0": str(self.guild.id) if self.guild else "0"}

    def metadata(self) -> JSON:
        """Discord's interaction metadata, which its answers carry."""
        data: JSON = {
            "id": str(self.id),
            "type": self.kind,
            "user": self.user.payload(),
            "authorizing_integration_owners": self.integration_owners,
        }
        if self.kind == COMPONENT and self.message is not None:
            data["interacted_message_id"] = str(self.message.id)
        if self.kind == MODAL_SUBMIT and self.opened_by is not None:
            data["triggering_interaction_metadata"] = self.opened_by.metadata()
        return data

    def message_fields(self, message: Message) -> JSON:
        """What tells of this interaction on an answer to it."""
        metadata = self.metadata()
        if self.original is not None and self.original is not message:
            metadata["original_response_message_id"] = str(self.original.id)
        application = str(self.application_id)
        fields: JSON = {
            "application_id": application,
            "webhook_id": application,
            "interaction_metadata": metadata,
        }
        if self.kind == COMMAND and message is self.original:
            fields["interaction"] = {
                "id": str(self.id),
                "type": self.kind,
                "name": self.data.get("name", ""),
                "user": self.user.payload(),
            }
        return fields
