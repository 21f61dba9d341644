"""Threads in a world: starting, changing, joining and leaving them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import ChannelChanged, ChannelCreated
from wisp.sandbox.world.channels import Channels
from wisp.sandbox.world.messages import Messages
from wisp.sandbox.world.objects import (
    JSON,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    THREAD_CREATED,
    THREAD_STARTER,
    Channel,
    Guild,
    Impossible,
    LimitReached,
    Message,
    Thread,
    ThreadMember,
    User,
)
from wisp.sandbox.world.state import State, assign, refuse_length


class ThreadChanges(TypedDict, total=False):
    """What can be changed of a thread besides its name and slowmode. `archive_after` is in minutes."""

    archived: bool
    locked: bool
    invitable: bool
    archive_after: int
    tags: list[int]


class Threads:
    """The verbs of threads, which are channels, too; a guild has its threads by id."""

    def __init__(self, world: State, channels: Channels, messages: Messages) -> None:
        self._world = world
        self._channels = channels
        self._messages = messages

    def start(
        self,
        channel: Channel,
        name: str,
        owner: User,
        *,
        message: Message | None = None,
        kind: int = PUBLIC_THREAD,
        archive_after: int = 1440,
        invitable: bool = True,
        slowmode: int = 0,
        tags: Iterable[int] = (),
        id: int | None = None,
    ) -> Channel:
        """Start a thread in a channel, with its owner as a member. One that begins with a message has the message's id.

        An owner who is not a member of the guild, such as a webhook, is not in it.
        `archive_after` is in minutes. Raises Impossible if the message has a thread, or is not in the channel.
        """
        guild = channel.guild
        if guild is None or channel.is_thread:
            raise Impossible("threads begin in channels of a guild")
        refuse_length("a thread's name", name, bounds.CHANNEL_NAME)
        if not self.has_room(guild):
            raise LimitReached(
                f"a guild has at most {bounds.ACTIVE_THREADS.most} threads that are not archived", bounds.ACTIVE_THREADS
            )
        if message is not None and (message.channel is not channel or message.thread or message.deleted):
            raise Impossible("the message has a thread already, is gone, or is elsewhere")
        now = self._world.clock.time()
        about = Thread(owner, now, now, archive_after, invitable=invitable, tags=list(tags))
        thread_id = message.id if message else id or self._world.next_id()
        thread = Channel(thread_id, kind, name, guild, parent=channel, slowmode=slowmode, thread=about)
        if owner.id in guild.members:
            about.members[owner.id] = ThreadMember(thread_id, owner, now)
        guild.threads[thread_id] = thread
        self._channels.keep(thread)
        self._world.dispatch("THREAD_CREATE", {**thread.payload(), "newly_created": True}, guild, seen_in=thread)
        self._world.changes.send(ChannelCreated(thread))
        if message is not None:
            message.thread = thread
            self._messages.dispatch("MESSAGE_UPDATE", message, message.gateway_payload())
            self._messages.add(thread, message.author, kind=THREAD_STARTER, reference=message)
        elif kind != PRIVATE_THREAD and channel.kind == TEXT:
            self._messages.add(channel, owner, content=name, kind=THREAD_CREATED, about=thread)
        return thread

    def has_room(self, guild: Guild) -> bool:
        """Return whether one more thread of a guild can be open."""
        return sum(thread.is_open_thread for thread in guild.threads.values()) < bounds.ACTIVE_THREADS.most

    def list_sync(self, guild: Guild, parents: Iterable[Channel]) -> JSON:
        """Return the data of THREAD_LIST_SYNC: the open threads in these channels that the bot sees or is in."""
        channels = list(parents)
        threads = [
            thread
            for thread in guild.threads.values()
            if thread.parent in channels and thread.is_open_thread and self._world.sees(self._world.bot, thread)
        ]
        mine = [
            shown_member(thread, self._world.bot)
            for thread in threads
            if self._world.bot.id in _thread_of(thread).members
        ]
        return {
            "guild_id": str(guild.id),
            "channel_ids": [str(channel.id) for channel in channels],
            "threads": [thread.payload() for thread in threads],
            "members": mine,
        }

    def edit(self, channel: Channel, **changes: Unpack[ThreadChanges]) -> None:
        """Change a thread: archive or lock it, for example. Raises Impossible for other channels."""
        thread = _thread_of(channel)
        if "archived" in changes and changes["archived"] != thread.archived:
            thread.archive_moment = self._world.clock.time()
        assign(thread, changes)
        self._channels.changed(channel)

    def join(self, channel: Channel, user: User) -> None:
        """Let a user join a thread; does nothing if they are in it. Raises LimitReached if it is full."""
        thread = _thread_of(channel)
        if user.id in thread.members:
            return
        if channel.guild is None or user.id not in channel.guild.members:
            raise Impossible(f"{user.name} is not a member of the thread's guild")
        if len(thread.members) >= bounds.THREAD_MEMBERS.most:
            raise LimitReached(f"a thread has at most {bounds.THREAD_MEMBERS.most} members", bounds.THREAD_MEMBERS)
        thread.members[user.id] = ThreadMember(channel.id, user, self._world.clock.time())
        self._members_changed(channel, user, joined=True)

    def leave(self, channel: Channel, user: User) -> None:
        """Let a user leave a thread; does nothing if they are not in it."""
        if _thread_of(channel).members.pop(user.id, None) is not None:
            self._members_changed(channel, user, joined=False)

    def _members_changed(self, channel: Channel, user: User, *, joined: bool) -> None:
        thread, guild = _thread_of(channel), channel.guild
        assert guild is not None
        data: JSON = {
            "id": str(channel.id),
            "guild_id": str(guild.id),
            "member_count": min(len(thread.members), 50),
        }
        if joined:
            shown = {**thread.members[user.id].payload(), "member": guild.members[user.id].payload(), "presence": None}
            data["added_members"] = [shown]
        else:
            data["removed_member_ids"] = [str(user.id)]
        seen = None if user is self._world.bot else channel
        if user is self._world.bot and joined:
            self._world.dispatch("THREAD_CREATE", {**channel.payload(), "member": shown_member(channel, user)}, guild)
        self._world.dispatch("THREAD_MEMBERS_UPDATE", data, guild, seen_in=seen)
        self._world.changes.send(ChannelChanged(channel))


def shown_member(channel: Channel, user: User) -> JSON:
    """Return a user's membership of a thread as the thread's payload has it."""
    return _thread_of(channel).members[user.id].payload()


def _thread_of(channel: Channel) -> Thread:
    if channel.thread is None:
        raise Impossible(f"#{channel.name} is no thread")
    return channel.thread
