"""What every part of a world stands on: who and what there is, ids, who may do and see what, and the telling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from wisp.clock import Clock
from wisp.sandbox.world.changes import Happening
from wisp.sandbox.world.objects import (
    DISCORD_EPOCH,
    FOUNDING,
    JSON,
    PRIVATE_THREAD,
    PRIVILEGED_INTENTS_ON,
    Attachment,
    Channel,
    Guild,
    Message,
    User,
)
from wisp.sandbox.world.permissions import ALL_PERMISSIONS, BOT_PERMISSIONS, Permission

_MANAGE_THREADS, _VIEW_CHANNEL = int(Permission.MANAGE_THREADS), int(Permission.VIEW_CHANNEL)


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway event on its way to the bot's sessions. `guild_id` is None outside of guilds."""

    name: str
    data: JSON
    guild_id: int | None = None


class Ground:
    """The registers of a world, and who hears of what happens in it."""

    bot: User

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        self.clock: Clock = clock or Clock()
        self.shards = shards
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.attachments: dict[int, Attachment] = {}
        self.unserved: Counter[str] = Counter()
        self.outlets: list[Callable[[Event], None]] = []
        self.unseen: list[Callable[[Event], None]] = []
        self.application_flags = PRIVILEGED_INTENTS_ON
        self.application_settings: JSON = {}
        self.bot_permissions = BOT_PERMISSIONS
        self.files_url = "http://127.0.0.1/attachments"
        self.webhooks_url = "http://127.0.0.1/api/webhooks"
        self.errors: list[Exception] = []
        self._last_id = FOUNDING << 22
        self._founding = True
        self._watchers: list[Callable[[Happening], None]] = []

    def next_id(self) -> int:
        """A new snowflake: milliseconds since Discord's epoch in the upper 42 bits, unique in this world.

        Whom and what each world begins with has the same id in all of them: data that a bot keeps finds it again.
        """
        moment = FOUNDING if self._founding else int(self.clock.time() * 1000) - DISCORD_EPOCH
        self._last_id = max(moment << 22, self._last_id + 1)
        return self._last_id

    # Who may do and see what

    def permissions(self, user: User, channel: Channel) -> int:
        """What a user may do in a channel, as Discord's bit set; in direct messages that is everything.

        Computed as https://docs.discord.com/developers/topics/permissions says: roles, then the channel's overwrites,
        then what follows from a permission that is not there, and from a time-out. Threads have their channel's.
        """
        if channel.guild is None:
            return ALL_PERMISSIONS
        member = channel.guild.members.get(user.id)
        return member.permissions_in(channel, self.clock.time()) if member else 0

    def sees(self, user: User, place: Channel | Message) -> bool:
        """Whether a channel or a message is shown to a user: private answers to their one reader and the bot alone."""
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

    # Telling

    def watch(self, callback: Callable[[Happening], None]) -> Callable[[], None]:
        """Call `callback` at every visible change, at once and in order; call the result to stop."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback) if callback in self._watchers else None

    def happen(self, happening: Happening) -> None:
        """Tell everybody who watches."""
        for watcher in tuple(self._watchers):
            watcher(happening)

    def dispatch(self, name: str, data: JSON, guild: Guild | None = None, *, seen_in: Channel | None = None) -> None:
        """Send a gateway event to the bot; one of a guild that it is not in goes nowhere.

        Nor does what happens in the channel `seen_in` where the bot does not see that: it goes to `unseen` alone.
        """
        if guild is not None and self.bot.id not in guild.members:
            return
        seen = seen_in is None or self.sees(self.bot, seen_in)
        event = Event(name, data, guild.id if guild else None)
        for outlet in tuple(self.outlets if seen else self.unseen):
            outlet(event)
