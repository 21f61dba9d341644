"""The state that all parts of a world share: clock, ids, the bot, permissions, and the signals of changes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar, overload

from wisp.clock import Clock
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.changes import Change, GuildChanged
from wisp.sandbox.world.objects import (
    DISCORD_EPOCH,
    FOUNDING,
    JSON,
    MESSAGE_CONTENT_ON,
    PRIVATE_THREAD,
    PRIVILEGED_INTENTS_ON,
    Channel,
    Guild,
    Impossible,
    Member,
    Message,
    User,
)
from wisp.sandbox.world.permissions import ALL_PERMISSIONS, BOT_PERMISSIONS, Permission
from wisp.sandbox.world.signal import Signal

_LOG = logging.getLogger(__name__)

_MANAGE_THREADS, _VIEW_CHANNEL = int(Permission.MANAGE_THREADS), int(Permission.VIEW_CHANNEL)

K = TypeVar("K")
T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway event on its way to the bot's sessions. `guild_id` is None outside of guilds."""

    name: str
    data: JSON
    guild_id: int | None = None


class State:
    """What all parts of a world share.

    `changes` tells of every visible change. `events` carries the gateway events that the bot sees, `unseen_events`
    those of channels that it does not see. `unserved` counts what the bot asked for and the sandbox does not have;
    `errors` is what failed in the sandbox itself.
    """

    bot: User
    owner: User
    application: int

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        self.clock: Clock = clock or Clock()
        self.shards = shards
        self.errors: list[Exception] = []
        self.changes: Signal[Change] = Signal(self.failed)
        self.events: Signal[Event] = Signal(self.failed)
        self.unseen_events: Signal[Event] = Signal(self.failed)
        self.unserved: Counter[str] = Counter()
        self.application_flags = PRIVILEGED_INTENTS_ON
        self.application_settings: JSON = {}
        self.bot_permissions = BOT_PERMISSIONS
        self.files_url = "http://127.0.0.1/attachments"
        self.webhooks_url = "http://127.0.0.1/api/webhooks"
        self._last_id = FOUNDING << 22
        self._founding = True

    def next_id(self) -> int:
        """Return a new snowflake: milliseconds since Discord's epoch in the upper 42 bits, unique in this world.

        The users and the guild that each world begins with have the same ids in all of them: data that a bot keeps
        refers to them again.
        """
        moment = FOUNDING if self._founding else int(self.clock.time() * 1000) - DISCORD_EPOCH
        self._last_id = max(moment << 22, self._last_id + 1)
        return self._last_id

    def permissions(self, user: User, channel: Channel) -> int:
        """Return what a user may do in a channel, as Discord's bit set; in direct messages that is everything.

        Computed as https://docs.discord.com/developers/topics/permissions says: roles, then the channel's overwrites,
        then what follows from a missing permission and from a time-out. Threads have the permissions of their channel.
        """
        if channel.guild is None:
            return ALL_PERMISSIONS
        member = channel.guild.members.get(user.id)
        return member.permissions_in(channel, self.clock.time()) if member else 0

    def sees(self, user: User, place: Channel | Message) -> bool:
        """Return whether a user sees a channel or a message. Only its reader and the bot see an ephemeral message."""
        if isinstance(place, Message):
            if place.ephemeral_for is not None:
                return user is place.ephemeral_for or user is self.bot
            return self.sees(user, place.channel)
        if place.guild is None:
            return user is place.recipient or user is self.bot
        allowed = self.permissions(user, place)
        if place.thread is not None and place.kind == PRIVATE_THREAD and user.id not in place.thread.members:
            return bool(allowed & _MANAGE_THREADS)
        return bool(allowed & _VIEW_CHANNEL)

    def reads(self, message: Message) -> bool:
        """Return whether the bot reads the content of a message that it sees.

        Without the message content intent it reads its own, those that mention it, and direct ones.
        """
        own = message.author is self.bot or self.bot in message.mentions or message.channel.guild is None
        return own or bool(self.application_flags & MESSAGE_CONTENT_ON)

    def dispatch(self, name: str, data: JSON, guild: Guild | None = None, *, seen_in: Channel | None = None) -> None:
        """Send a gateway event to the bot, unless it is of a guild that the bot is not in.

        If it is about something in the channel `seen_in`, which the bot does not see, it goes to `unseen_events`.
        """
        if guild is not None and self.bot.id not in guild.members:
            return
        seen = seen_in is None or self.sees(self.bot, seen_in)
        (self.events if seen else self.unseen_events).send(Event(name, data, guild.id if guild else None))

    def guild_create(self, guild: Guild, members: Iterable[Member]) -> JSON:
        """Return the data of GUILD_CREATE with these members, and the open threads, events, stages the bot sees."""
        threads = [one for one in guild.threads.values() if one.is_open_thread and self.sees(self.bot, one)]
        events = [
            event.payload()
            for event in guild.scheduled_events.values()
            if not event.finished and (event.channel is None or self.sees(self.bot, event.channel))
        ]
        stages = [stage.payload() for stage in guild.stages.values() if self.sees(self.bot, stage.channel)]
        shown = {"guild_scheduled_events": events, "stage_instances": stages}
        return guild.gateway_payload(members, threads) | shown

    def guild_changed(self, guild: Guild) -> None:
        """Tell the bot and the subscribers that a guild changed."""
        self.dispatch("GUILD_UPDATE", guild.payload(), guild)
        self.changes.send(GuildChanged(guild))

    def failed(self, error: Exception) -> None:
        """Note that the sandbox itself failed: a test that uses it fails, too."""
        _LOG.error("the sandbox failed", exc_info=error)
        self.errors.append(error)


class Registry(Mapping[K, T]):
    """A part of a world that keeps things of one kind, in the order in which they were added.

    It is read as a mapping; its verbs change it. They ask no permissions (REST and people do), and raise Impossible for
    what Discord has for no one.
    """

    def __init__(self, world: State) -> None:
        self._world = world
        self._items: dict[K, T] = {}

    def __getitem__(self, key: K) -> T:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def get(self, key: K, /) -> T | None: ...
    @overload
    def get(self, key: K, /, default: T | D) -> T | D: ...
    def get(self, key: K, /, default: object = None) -> object:
        """Return what it holds for a key, or the default: as `Mapping` does, in a third of the time."""
        return self._items.get(key, default)  # type: ignore[arg-type]

    def newest_first(self) -> Iterator[T]:
        """Return what it holds, the last added first."""
        return reversed(self._items.values())


def place_of(channel: Channel) -> JSON:
    """Return the ids of a channel and its guild, as the data of events begin."""
    guild = {"guild_id": str(channel.guild.id)} if channel.guild else {}
    return {"channel_id": str(channel.id), **guild}


def refuse_deleted(message: Message) -> None:
    """Raise Impossible if a message is deleted."""
    if message.deleted:
        raise Impossible("the message is deleted")


def refuse_length(what: str, text: str, bound: Bound) -> None:
    """Raise Impossible if a text is too short or too long."""
    if not bound.holds(len(text)):
        raise Impossible(f"{what} has {bound.least} to {bound.most} characters, not {len(text)}")


def assign(target: object, changes: Mapping[str, object]) -> None:
    """Set several attributes of an object."""
    for name, value in changes.items():
        setattr(target, name, value)
