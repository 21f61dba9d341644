"""What exists in the sandbox: users, guilds, messages, commands, interactions; and what happens to them."""

from __future__ import annotations

import base64
import mimetypes
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import msgspec

from wisp.clock import Clock

JSON: TypeAlias = dict[str, Any]


def dumps(data: object) -> bytes:
    """JSON as Discord writes it."""
    return msgspec.json.encode(data)


def loads(text: bytes) -> Any:
    """What JSON says. Raises msgspec.DecodeError where it is none."""
    return msgspec.json.decode(text)


DISCORD_EPOCH = 1_420_070_400_000
"""The first millisecond of 2015, from which snowflakes count."""

FOUNDING = 300_000_000_000
"""When the first people and guild of each world were made, in milliseconds since then: in July of 2024."""

EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_EMBEDS = 1 << 2
COMPONENTS_V2 = 1 << 15

ADMINISTRATOR = 1 << 3
ALL_PERMISSIONS = (1 << 53) - 1
_EVERYONE_BITS = (0, 6, 9, 10, 11, 14, 15, 16, 17, 18, 20, 21, 25, 26, 31, 32, 35, 36, 37, 38, 39, 42, 45, 46, 49, 50)
EVERYONE_PERMISSIONS = sum(1 << bit for bit in _EVERYONE_BITS)
"""What the @everyone role of a new guild is given: reading, writing, reacting, speaking, using commands."""

PRIVILEGED_INTENTS_ON = 1 << 13 | 1 << 15 | 1 << 19
"""Application flags of a small bot whose presence, members and message content intents are switched on."""

INTERACTION_DEADLINE = 3.0
"""Seconds in which an interaction must get its first answer."""

INTERACTION_LIFETIME = 15 * 60.0
"""Seconds in which an interaction's token can be used for its answers."""

TEXT, DM, VOICE, CATEGORY, ANNOUNCEMENT, STAGE, FORUM = 0, 1, 2, 4, 5, 13, 15
"""Kinds of channels."""

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
"""Kinds of interactions."""

_MENTIONS = re.compile(r"<@(?P<kind>[!&]?)(?P<id>\d{1,20})>")


def timestamp(moment: float) -> str:
    """Discord's way to write a moment: ISO 8601 in UTC, from seconds since the Unix epoch."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


@dataclass(eq=False, slots=True)
class User:
    """A person or a bot. `name` is unique in no way, as display names are."""

    id: int
    name: str
    bot: bool = False

    @property
    def mention(self) -> str:
        """What pings this user in a message."""
        return f"<@{self.id}>"

    def payload(self) -> JSON:
        """Discord's user object."""
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": f"{self.id % 10_000:04}" if self.bot else "0",
            "global_name": None if self.bot else self.name,
            "avatar": None,
            "avatar_decoration_data": None,
            "banner": None,
            "accent_color": None,
            "primary_guild": None,
            "bot": self.bot,
            "system": False,
            "flags": 0,
            "public_flags": 0,
        }


@dataclass(eq=False, slots=True)
class Role:
    """A guild's role. The @everyone role bears its guild's id. `permissions` is Discord's bit set."""

    id: int
    name: str
    permissions: int
    position: int

    @property
    def mention(self) -> str:
        """What pings everybody with this role."""
        return f"<@&{self.id}>"

    def payload(self) -> JSON:
        """Discord's role object."""
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }


@dataclass(eq=False, slots=True)
class Member:
    """A user in a guild, with the roles given to them (@everyone is not among them)."""

    user: User
    guild: Guild = field(repr=False)
    joined: float
    roles: list[Role] = field(default_factory=list[Role])
    nick: str | None = None

    @property
    def permissions(self) -> int:
        """What the roles together allow in the whole guild. Its owner and administrators may everything."""
        if self.guild.owner is self.user:
            return ALL_PERMISSIONS
        allowed = self.guild.everyone.permissions
        for role in self.roles:
            allowed |= role.permissions
        return ALL_PERMISSIONS if allowed & ADMINISTRATOR else allowed

    def payload(self, *, with_user: bool = True) -> JSON:
        """Discord's member object; without its user where that stands beside it, as in messages."""
        member: JSON = {
            "avatar": None,
            "banner": None,
            "communication_disabled_until": None,
            "deaf": False,
            "flags": 0,
            "joined_at": timestamp(self.joined),
            "mute": False,
            "nick": self.nick,
            "pending": False,
            "premium_since": None,
            "roles": [str(role.id) for role in self.roles],
        }
        return {**member, "user": self.user.payload()} if with_user else member


@dataclass(eq=False, slots=True)
class Channel:
    """A place for messages: in a guild, or (`guild` is None) the bot's direct messages with `recipient`.

    `messages` are by id, oldest first, deleted ones gone; ephemeral ones are never among them.
    """

    id: int
    kind: int
    name: str = ""
    guild: Guild | None = field(default=None, repr=False)
    position: int = 0
    recipient: User | None = None
    messages: dict[int, Message] = field(default_factory=dict[int, "Message"], repr=False)
    last_message_id: int | None = None

    @property
    def mention(self) -> str:
        """What links to this channel in a message."""
        return f"<#{self.id}>"

    def payload(self) -> JSON:
        """Discord's channel object, with the fields that its kind has."""
        channel: JSON = {
            "id": str(self.id),
            "type": self.kind,
            "flags": 0,
            "last_message_id": self.last_message_id and str(self.last_message_id),
        }
        if self.guild is None:
            recipients = [self.recipient.payload()] if self.recipient else []
            return {**channel, "recipients": recipients}
        return channel | self._guild_fields(self.guild) | _KIND_FIELDS.get(self.kind, {})

    def _guild_fields(self, guild: Guild) -> JSON:
        return {
            "guild_id": str(guild.id),
            "name": self.name,
            "position": self.position,
            "parent_id": None,
            "permission_overwrites": [],
            "topic": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
        }


_VOICE_FIELDS = {"bitrate": 64_000, "user_limit": 0, "rtc_region": None, "video_quality_mode": 1}
_KIND_FIELDS: Mapping[int, JSON] = {
    VOICE: _VOICE_FIELDS,
    STAGE: _VOICE_FIELDS,
    FORUM: {
        "available_tags": [],
        "default_reaction_emoji": None,
        "default_sort_order": None,
        "default_forum_layout": 0,
        "default_thread_rate_limit_per_user": 0,
    },
}


@dataclass(eq=False, slots=True)
class Guild:
    """A server. `members` and `roles` are by id; the bot is in the guild where it is among the members."""

    id: int
    name: str
    owner: User
    created: float
    roles: dict[int, Role] = field(default_factory=dict[int, Role], repr=False)
    members: dict[int, Member] = field(default_factory=dict[int, Member], repr=False)
    channels: dict[int, Channel] = field(default_factory=dict[int, Channel], repr=False)

    @property
    def everyone(self) -> Role:
        """The role that every member has."""
        return self.roles[self.id]

    def channel(self, name: str) -> Channel | None:
        """The channel of this name, None where there is none."""
        return next((channel for channel in self.channels.values() if channel.name == name), None)

    def payload(self) -> JSON:
        """Discord's guild object, as REST answers it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(self.owner.id),
            "roles": [role.payload() for role in self.roles.values()],
            "afk_channel_id": None,
            "afk_timeout": 300,
            "application_id": None,
            "banner": None,
            "default_message_notifications": 0,
            "description": None,
            "discovery_splash": None,
            "emojis": [],
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
            "stickers": [],
            "system_channel_flags": 0,
            "system_channel_id": None,
            "vanity_url_code": None,
            "verification_level": 0,
            "widget_channel_id": None,
            "widget_enabled": False,
        }

    def gateway_payload(self, members: Iterable[Member]) -> JSON:
        """The data of GUILD_CREATE, with the members that a session is shown."""
        return self.payload() | {
            "joined_at": timestamp(self.created),
            "large": len(self.members) > 250,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member.payload() for member in members],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
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


@dataclass(eq=False, slots=True)
class Message:
    """A message as it stands now.

    `edits` holds the contents that it had before, oldest first. `ephemeral_for` is its one reader, None
    where everybody in the channel sees it. While `loading` it reads "the bot is thinking". `reference` is
    what it answers, `interaction` what caused it.
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
    interaction: Interaction | None = field(default=None, repr=False)
    reference: Message | None = field(default=None, repr=False)
    edits: list[str] = field(default_factory=list[str])
    edited: float | None = None
    deleted: bool = False
    tts: bool = False
    nonce: str | int | None = None
    mentions: list[User] = field(default_factory=list[User])
    mention_roles: list[int] = field(default_factory=list[int])
    mention_everyone: bool = False

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
            "pinned": False,
        }
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
            if member := guild.members.get(self.author.id):
                message["member"] = member.payload(with_user=False)
        return message

    def _reference_fields(self, reference: Message) -> JSON:
        place: JSON = {"type": 0, "channel_id": str(reference.channel.id), "message_id": str(reference.id)}
        if reference.channel.guild is not None:
            place["guild_id"] = str(reference.channel.guild.id)
        replied = None if reference.deleted else reference.payload(with_reference=False)
        return {"message_reference": place, "referenced_message": replied}


@dataclass(eq=False, slots=True)
class Interaction:
    """Something that a user asked of the bot, and what became of it.

    `data` is the raw JSON that the bot got; `message` is where a component sat. `created` is in seconds of
    the world's clock (monotonic). `original` is the first answer: for a component that was answered by
    an update, the message it sat on. `events` says in order what the bot did: "answer", "defer",
    "defer update", "update", "choices", "modal", "edit", "follow-up", "delete".
    """

    id: int
    token: str = field(repr=False)
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

    @property
    def guild(self) -> Guild | None:
        """Where it happened, None for direct messages."""
        return self.channel.guild

    @property
    def command_kind(self) -> int:
        """The type of the command that was used (1 slash, 2 user, 3 message), 0 where it was something else."""
        return self.data["type"] if self.kind == COMMAND else 0

    @property
    def focused_kind(self) -> int:
        """The type of the option that somebody types in (autocomplete), STRING where there is none."""
        options: list[JSON] = list(self.data.get("options", ()))
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
                "name": self.data["name"],
                "user": self.user.payload(),
            }
        return fields


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
class BotConnected:
    """A shard of the bot was greeted (`resumed`: again) and hears of events from here on."""

    shard: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class BotDisconnected:
    """A shard of the bot is gone. `code` is the websocket's close code, None where it just broke off."""

    shard: int
    code: int | None


Happening: TypeAlias = (
    MessageCreated
    | MessageEdited
    | MessageDeleted
    | InteractionAnswered
    | CommandsChanged
    | Typing
    | BotConnected
    | BotDisconnected
)


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway event on its way to the bot's sessions. `guild_id` is None outside of guilds."""

    name: str
    data: JSON
    guild_id: int | None = None


class World:
    """Everything in one sandbox. It starts with the guild "Sandbox": #general; ada (its owner), bob, the bot.

    Ids are real snowflakes: unique, ordered by the clock's time. `watch` tells of every visible change,
    `outlets` carry gateway events to the bot. `interactions` are those that can still be answered.
    `unserved` counts what the bot asked for and the sandbox does not have, `errors` is what broke in the
    sandbox itself. Single-threaded: use it on the sandbox's event loop.
    """

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        self.clock: Clock = clock or Clock()
        self.shards = shards
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.attachments: dict[int, Attachment] = {}
        self.interactions: dict[int, Interaction] = {}
        self.commands: dict[int | None, dict[int, JSON]] = {None: {}}
        self.unserved: Counter[str] = Counter()
        self.outlets: list[Callable[[Event], None]] = []
        self.application_flags = PRIVILEGED_INTENTS_ON
        self.files_url = "http://127.0.0.1/attachments"
        self.errors: list[Exception] = []
        self._last_id = FOUNDING << 22
        self._founding = True
        self._tokens: dict[str, Interaction] = {}
        self._watchers: list[Callable[[Happening], None]] = []

        self.bot: User = self.add_user("wisp", bot=True)
        self.application: int = self.bot.id
        self.token: str = ""
        self.reset_token()
        self.owner: User = self.add_user("ada")
        sandbox = self.add_guild("Sandbox", owner=self.owner)
        self.add_member(sandbox, self.add_user("bob"))
        self._founding = False

    # Who and what there is

    def reset_token(self) -> None:
        """Give the bot another token; the old one is refused from now on."""
        number = base64.urlsafe_b64encode(str(self.bot.id).encode()).decode().rstrip("=")
        self.token = f"{number}.sandbox.{secrets.token_urlsafe(20)}"

    def next_id(self) -> int:
        """A new snowflake: milliseconds since Discord's epoch in the upper 42 bits, unique in this world.

        Whom and what each world begins with has the same id in all of them: data that a bot keeps finds it again.
        """
        moment = FOUNDING if self._founding else int(self.clock.time() * 1000) - DISCORD_EPOCH
        self._last_id = max(moment << 22, self._last_id + 1)
        return self._last_id

    def add_user(self, name: str, *, bot: bool = False) -> User:
        """Somebody new, who is in no guild yet."""
        user = User(self.next_id(), name, bot)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, *, owner: User | None = None, with_bot: bool = True, id: int | None = None) -> Guild:
        """A new guild with @everyone and #general. Its owner (ada, if not said) and the bot are members."""
        guild = Guild(id or self.next_id(), name, owner or self.owner, self.clock.time())
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE_PERMISSIONS, 0)
        self.guilds[guild.id] = guild
        self.add_channel(guild, "general")
        self.add_member(guild, guild.owner)
        if with_bot:
            self.add_member(guild, self.bot)
        return guild

    def add_member(self, guild: Guild, user: User, *, roles: Sequence[Role] = ()) -> Member:
        """Let a user join, the bot included; where they are a member already, that member."""
        if user.id in guild.members:
            return guild.members[user.id]
        member = Member(user, guild, self.clock.time(), list(roles))
        guild.members[user.id] = member
        if user is self.bot:
            self.dispatch("GUILD_CREATE", guild.gateway_payload(guild.members.values()), guild)
        else:
            self.dispatch("GUILD_MEMBER_ADD", {**member.payload(), "guild_id": str(guild.id)}, guild)
        return member

    def add_channel(self, guild: Guild, name: str, *, kind: int = TEXT) -> Channel:
        """A new channel of a guild."""
        channel = Channel(self.next_id(), kind, name, guild, position=len(guild.channels))
        guild.channels[channel.id] = self.channels[channel.id] = channel
        self.dispatch("CHANNEL_CREATE", channel.payload(), guild)
        return channel

    def add_role(self, guild: Guild, name: str, *, permissions: int = 0) -> Role:
        """A new role above all others of a guild."""
        role = Role(self.next_id(), name, permissions, position=len(guild.roles))
        guild.roles[role.id] = role
        self.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": role.payload()}, guild)
        return role

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

    def application_payload(self) -> JSON:
        """Discord's application object, as the bot sees its own."""
        return {
            "id": str(self.application),
            "name": self.bot.name,
            "icon": None,
            "description": "A bot in the sandbox.",
            "type": None,
            "bot": self.bot.payload(),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "00" * 32,
            "flags": self.application_flags,
            "flags_new": str(self.application_flags),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": self.owner.payload(),
            "approximate_guild_count": sum(self.bot.id in guild.members for guild in self.guilds.values()),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": None,
            "eligible_oauth2_scopes": ["bot", "applications.commands"],
            "integration_types_config": {"0": {}},
        }

    # Messages

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
    ) -> Message:
        """Post a message, unchecked: REST refuses what Discord refuses before it comes here."""
        message = Message(
            self.next_id(),
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
        )
        self._mention(message, allowed_mentions)
        self.messages[message.id] = message
        if message.ephemeral_for is None:
            channel.messages[message.id] = message
            channel.last_message_id = message.id
        if interaction is not None and not interaction.answered:
            interaction.original = message
        self._dispatch_message("MESSAGE_CREATE", message, message.gateway_payload())
        self.happen(MessageCreated(message))
        return message

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
        message.deleted = True
        self.messages.pop(message.id, None)
        message.channel.messages.pop(message.id, None)
        place = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if message.channel.guild is not None and not message.ephemeral:
            place["guild_id"] = str(message.channel.guild.id)
        self._dispatch_message("MESSAGE_DELETE", message, place)
        self.happen(MessageDeleted(message))

    def show_typing(self, channel: Channel, user: User) -> None:
        """Show that somebody is typing."""
        data: JSON = {
            "channel_id": str(channel.id),
            "user_id": str(user.id),
            "timestamp": int(self.clock.time()),
        }
        if channel.guild is not None:
            data |= {"guild_id": str(channel.guild.id), "member": channel.guild.members[user.id].payload()}
        self.dispatch("TYPING_START", data, channel.guild)
        self.happen(Typing(channel, user))

    def _mention(self, message: Message, allowed: JSON | None) -> None:
        users: dict[int, User] = {}
        roles: dict[int, None] = {}
        for match in _MENTIONS.finditer(message.content):
            number = int(match["id"])
            if match["kind"] == "&":
                if message.channel.guild and number in message.channel.guild.roles and _pings(allowed, "roles", number):
                    roles[number] = None
            elif number in self.users and _pings(allowed, "users", number):
                users[number] = self.users[number]
        message.mentions = list(users.values())
        message.mention_roles = list(roles)
        named = "@everyone" in message.content or "@here" in message.content
        message.mention_everyone = named and _pings(allowed, "everyone", 0)

    def _dispatch_message(self, name: str, message: Message, data: JSON) -> None:
        # Discord sends ephemeral messages as if they were direct ones: without a guild, to shard 0
        # (discord-api-docs issue 4557).
        self.dispatch(name, data, None if message.ephemeral else message.channel.guild)

    # Commands

    def visible_commands(self, guild: Guild | None) -> list[JSON]:
        """The commands that can be used in a guild (its own, then global ones), or in direct messages (None)."""
        everywhere = [command for command in self.commands[None].values() if _offered(command, guild)]
        return everywhere if guild is None else [*self.commands.get(guild.id, {}).values(), *everywhere]

    def set_command(self, guild: Guild | None, command: JSON) -> JSON:
        """Register one command, in the place of the one with its type and name; says what is registered then.

        `id`, `application_id`, `version` and what Discord fills in itself are added to a copy.
        """
        scope = self.commands.setdefault(guild.id if guild else None, {})
        key = (command["name"], command.get("type") or 1)
        number = next((number for number, old in scope.items() if (old["name"], old["type"]) == key), None)
        return self.change_command(guild, self.next_id() if number is None else number, command)

    def change_command(self, guild: Guild | None, number: int, command: JSON) -> JSON:
        """Let the command of an id be this; says what is registered then. Its `version` tells of each change."""
        scope = self.commands.setdefault(guild.id if guild else None, {})
        full = self._full_command(number, guild, command)
        old = scope.get(number, {})
        if {**old, "version": full["version"]} == full:
            return old
        scope[number] = full
        self.happen(CommandsChanged(guild))
        return full

    def replace_commands(self, guild: Guild | None, commands: Sequence[JSON]) -> list[JSON]:
        """Make these the only commands of a scope; says what is registered then, in the same order."""
        kept = [self.set_command(guild, command) for command in commands]
        scope = self.commands.setdefault(guild.id if guild else None, {})
        numbers = {int(command["id"]) for command in kept}
        for number in [number for number in scope if number not in numbers]:
            self.remove_command(guild, number)
        return kept

    def remove_command(self, guild: Guild | None, number: int) -> None:
        """Forget one command. Raises KeyError where there is none."""
        del self.commands[guild.id if guild else None][number]
        self.happen(CommandsChanged(guild))

    def _full_command(self, number: int, guild: Guild | None, command: JSON) -> JSON:
        full: JSON = {
            "id": str(number),
            "application_id": str(self.application),
            "version": str(self.next_id()),
            "type": command.get("type") or 1,
            "name": command["name"],
            "description": command.get("description") or "",
            "name_localizations": command.get("name_localizations") or None,
            "description_localizations": command.get("description_localizations") or None,
            "default_member_permissions": _permissions_text(command.get("default_member_permissions")),
            "nsfw": bool(command.get("nsfw")),
            "integration_types": command.get("integration_types") or [0],
        }
        if command.get("options"):
            full["options"] = [_stored_option(option) for option in command["options"]]
        if guild is not None:
            return {**full, "guild_id": str(guild.id)}
        in_dms = command.get("dm_permission") is not False
        return {**full, "contexts": command.get("contexts"), "dm_permission": in_dms}

    # Interactions

    def create_interaction(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: JSON,
        *,
        message: Message | None = None,
        opened_by: Interaction | None = None,
        locale: str = "en-US",
    ) -> Interaction:
        """Something that a user asks of the bot, sent to it as INTERACTION_CREATE.

        `kind` is COMMAND, COMPONENT, AUTOCOMPLETE or MODAL_SUBMIT; `data` is Discord's interaction data,
        complete (a command's id, name, type, options and resolved; a component's custom_id, component_type
        and values). `message` is the one that a component sits on, also for the modal that it opened;
        `opened_by` is the interaction that opened a modal. Raises KeyError where the user is no member of
        the channel's guild.
        """
        interaction = Interaction(
            self.next_id(),
            secrets.token_urlsafe(48),
            kind,
            self.application,
            user,
            channel,
            self.clock.monotonic(),
            data,
            message,
            opened_by=opened_by,
        )
        self._forget_old_interactions()
        self.interactions[interaction.id] = self._tokens[interaction.token] = interaction
        self.dispatch("INTERACTION_CREATE", self._interaction_payload(interaction, locale), interaction.guild)
        return interaction

    def interaction_with(self, token: str) -> Interaction | None:
        """The interaction of this token, None where there is none or it is too old to be answered."""
        interaction = self._tokens.get(token)
        return None if interaction is None or self.age(interaction) > INTERACTION_LIFETIME else interaction

    def age(self, interaction: Interaction) -> float:
        """Seconds since an interaction was made."""
        return self.clock.monotonic() - interaction.created

    def _forget_old_interactions(self) -> None:
        for number, interaction in tuple(self.interactions.items()):
            if self.age(interaction) <= INTERACTION_LIFETIME:
                return
            del self.interactions[number], self._tokens[interaction.token]

    def _interaction_payload(self, interaction: Interaction, locale: str) -> JSON:
        guild = interaction.guild
        payload: JSON = {
            "id": str(interaction.id),
            "application_id": str(interaction.application_id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(interaction.channel.id),
            "channel": self.partial_channel(interaction.channel, interaction.user),
            "app_permissions": str(self.permissions(self.bot, interaction.channel)),
            "locale": locale,
            "entitlements": [],
            "authorizing_integration_owners": interaction.integration_owners,
            "context": 1 if guild is None else 0,
            "attachment_size_limit": 10 * 1024 * 1024,
        }
        if interaction.message is not None:
            payload["message"] = interaction.message.payload()
        if guild is None:
            return {**payload, "user": interaction.user.payload()}
        permissions = str(self.permissions(interaction.user, interaction.channel))
        return payload | {
            "guild_id": str(guild.id),
            "guild_locale": "en-US",
            "guild": {"id": str(guild.id), "features": [], "locale": "en-US"},
            "member": {**guild.members[interaction.user.id].payload(), "permissions": permissions},
        }

    def partial_channel(self, channel: Channel, user: User) -> JSON:
        """A channel as interactions carry it, with what `user` may do there."""
        return {**channel.payload(), "permissions": str(self.permissions(user, channel))}

    def resolved_member(self, member: Member, channel: Channel) -> JSON:
        """A member as an interaction's resolved data carries it, with what they may do in `channel`."""
        member_payload = member.payload(with_user=False)
        for left_out in ("deaf", "mute"):
            del member_payload[left_out]
        return {**member_payload, "permissions": str(self.permissions(member.user, channel))}

    def permissions(self, user: User, channel: Channel) -> int:
        """What a user may do in a channel, as Discord's bit set; in direct messages that is everything."""
        if channel.guild is None:
            return ALL_PERMISSIONS
        member = channel.guild.members.get(user.id)
        return member.permissions if member else 0

    # Telling

    def watch(self, callback: Callable[[Happening], None]) -> Callable[[], None]:
        """Call `callback` at every visible change, at once and in order; call the result to stop."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback) if callback in self._watchers else None

    def happen(self, happening: Happening) -> None:
        """Tell everybody who watches."""
        for watcher in tuple(self._watchers):
            watcher(happening)

    def dispatch(self, name: str, data: JSON, guild: Guild | None = None) -> None:
        """Send a gateway event to the bot; one of a guild that it is not in goes nowhere."""
        if guild is not None and self.bot.id not in guild.members:
            return
        event = Event(name, data, guild.id if guild else None)
        for outlet in tuple(self.outlets):
            outlet(event)


def _pings(allowed: JSON | None, kind: Literal["users", "roles", "everyone"], number: int) -> bool:
    """Whether allowed_mentions lets a mention ping; without them every mention does."""
    if allowed is None:
        return True
    return kind in (allowed.get("parse") or ()) or str(number) in map(str, allowed.get(kind) or ())


def _offered(command: JSON, guild: Guild | None) -> bool:
    """Whether a global command can be used in a guild or (None) in the bot's direct messages."""
    contexts = command["contexts"]
    if contexts is not None:
        return (1 if guild is None else 0) in contexts
    return guild is not None or command["dm_permission"]


_OPTION_FIELDS = ("type", "name", "name_localizations", "description", "description_localizations", "required")
_KIND_OPTION_FIELDS: Mapping[int, tuple[str, ...]] = {
    1: ("options",),
    2: ("options",),
    3: ("autocomplete", "choices", "min_length", "max_length"),
    4: ("autocomplete", "choices", "min_value", "max_value"),
    7: ("channel_types",),
    10: ("autocomplete", "choices", "min_value", "max_value"),
}
"""The fields of every option, and those of each type of option (interactions/application-commands)."""


def _stored_option(option: JSON) -> JSON:
    """What Discord keeps of an option: the fields that it knows and that were given."""
    names = (*_OPTION_FIELDS, *_KIND_OPTION_FIELDS.get(option["type"], ()))
    stored = {name: option[name] for name in names if option.get(name) not in (None, "", [])}
    if "choices" in stored:
        stored["choices"] = [
            {name: choice[name] for name in ("name", "name_localizations", "value") if choice.get(name) is not None}
            for choice in stored["choices"]
        ]
    if "options" in stored:
        stored["options"] = [_stored_option(inner) for inner in stored["options"]]
    return stored


def _permissions_text(permissions: str | int | None) -> str | None:
    return None if permissions is None else str(permissions)
