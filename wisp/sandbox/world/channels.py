"""Channels in a world: making, changing, moving and deleting them, and their overwrites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import ChannelChanged, ChannelCreated, ChannelDeleted, MessageDeleted
from wisp.sandbox.world.invites import Invites
from wisp.sandbox.world.messages import Messages
from wisp.sandbox.world.objects import (
    CATEGORY,
    DM,
    JSON,
    MEMBER_OVERWRITE,
    ROLE_OVERWRITE,
    TEXT,
    Channel,
    Guild,
    Impossible,
    LimitReached,
    Member,
    Overwrite,
    Role,
    User,
    channel_name,
)
from wisp.sandbox.world.roles import refuse_foreign_role
from wisp.sandbox.world.stages import Stages
from wisp.sandbox.world.state import Registry, State, assign, refuse_length
from wisp.sandbox.world.voice import Voice
from wisp.sandbox.world.webhooks import Webhooks


class ChannelChanges(TypedDict, total=False):
    """What can be changed of a channel: a thread has a name and slowmode alone. `slowmode` is in seconds."""

    name: str
    kind: int
    position: int
    parent: Channel | None
    topic: str | None
    nsfw: bool
    slowmode: int
    overwrites: Iterable[Overwrite]
    settings: JSON


class Channels(Registry[int, Channel]):
    """All channels by id: those of guilds, threads, and direct messages."""

    def __init__(
        self,
        world: State,
        messages: Messages,
        webhooks: Webhooks,
        invites: Invites,
        voice: Voice,
        stages: Stages,
    ) -> None:
        super().__init__(world)
        self._messages = messages
        self._webhooks = webhooks
        self._invites = invites
        self._voice = voice
        self._stages = stages

    def dm(self, user: User) -> Channel:
        """Return the direct messages between the bot and a user, and open them if there are none."""
        for channel in self._items.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self._world.next_id(), DM, recipient=user)
        self._items[channel.id] = channel
        return channel

    def add(
        self,
        guild: Guild,
        name: str,
        *,
        kind: int = TEXT,
        parent: Channel | None = None,
        topic: str | None = None,
        nsfw: bool = False,
        slowmode: int = 0,
        overwrites: Iterable[Overwrite] = (),
        settings: JSON | None = None,
    ) -> Channel:
        """Add a channel to a guild, below the others. One in a category (`parent`) starts with its overwrites.

        Names of text channels are written as on Discord: "Bot Spam" is "bot-spam". Raises Impossible if something is
        out of bounds, or the parent is not a category of the guild.
        """
        if len(guild.channels) >= bounds.CHANNELS.most:
            raise LimitReached(f"a guild has at most {bounds.CHANNELS.most} channels", bounds.CHANNELS)
        refuse_length("a channel's name", name, bounds.CHANNEL_NAME)
        _refuse_parent(guild, kind, parent)
        given = list(overwrites)
        if parent is not None and not given:
            given = list(parent.overwrites.values())
        channel = Channel(
            self._world.next_id(),
            kind,
            channel_name(kind, name),
            guild,
            position=len(guild.channels),
            parent=parent,
            topic=topic,
            nsfw=nsfw,
            slowmode=slowmode,
            overwrites={overwrite.id: overwrite for overwrite in given},
            settings=settings or {},
        )
        guild.channels[channel.id] = self._items[channel.id] = channel
        self._world.dispatch("CHANNEL_CREATE", channel.payload(), guild)
        self._world.changes.send(ChannelCreated(channel))
        return channel

    def edit(self, channel: Channel, **changes: Unpack[ChannelChanges]) -> None:
        """Change a channel, or a thread's name and slowmode. Raises Impossible if a change is out of bounds."""
        if channel.guild is None:
            raise Impossible("direct messages cannot be changed")
        changed = dict(changes)
        if "name" in changes:
            refuse_length("a channel's name", changes["name"], bounds.CHANNEL_NAME)
            changed["name"] = channel_name(channel.kind, changes["name"])
        parent = changes.get("parent")
        if parent is not None and parent is not channel.parent:
            _refuse_parent(channel.guild, channel.kind, parent)
        if "overwrites" in changes:
            changed["overwrites"] = {overwrite.id: overwrite for overwrite in changes["overwrites"]}
        changed["settings"] = {**channel.settings, **changes.get("settings", {})}
        assign(channel, changed)
        self.changed(channel)

    def move(self, guild: Guild, positions: Mapping[Channel, int]) -> None:
        """Change the positions of channels. Raises Impossible for another guild's channel."""
        for channel in positions:
            if channel.guild is not guild:
                raise Impossible(f"#{channel.name} is not a channel of {guild.name}")
        for channel, position in positions.items():
            self.edit(channel, position=position)

    def set_overwrite(self, channel: Channel, target: Role | User | Member, *, allow: int = 0, deny: int = 0) -> None:
        """Allow and deny permissions to a role or a user in a channel; the others follow from the roles.

        Raises Impossible for the role of another guild, and in threads and direct messages, which have no overwrites.
        """
        if channel.guild is None or channel.is_thread:
            raise Impossible("only channels of a guild have overwrites: a thread has those of its channel")
        if isinstance(target, Role):
            refuse_foreign_role(channel.guild, target)
        kind = ROLE_OVERWRITE if isinstance(target, Role) else MEMBER_OVERWRITE
        id_ = target.user.id if isinstance(target, Member) else target.id
        channel.overwrites[id_] = Overwrite(id_, kind, allow, deny & ~allow)
        self.changed(channel)

    def remove_overwrite(self, channel: Channel, target: Role | User | Member | int) -> None:
        """Remove the overwrite of a role or a user (or with this id) if there is one."""
        id_ = target if isinstance(target, int) else target.user.id if isinstance(target, Member) else target.id
        if channel.overwrites.pop(id_, None) is not None:
            self.changed(channel)

    def delete(self, channel: Channel) -> None:
        """Delete a channel or thread with its messages and threads; the channels of a category stay, without one."""
        guild = channel.guild
        if guild is None:
            raise Impossible("direct messages cannot be deleted")
        seen = channel.parent if channel.is_thread else None
        self._voice.clear(channel)
        self._stages.clear(channel)
        if channel.thread is not None:
            del guild.threads[channel.id]
            name, data = "THREAD_DELETE", _thread_place(channel, guild)
        else:
            del guild.channels[channel.id]
            name, data = "CHANNEL_DELETE", channel.payload()
        for thread in [thread for thread in guild.threads.values() if thread.parent is channel]:
            del guild.threads[thread.id]
            self._forget(thread)
        self._forget(channel)
        self._world.dispatch(name, data, guild, seen_in=seen)
        for child in guild.channels.values():
            if child.parent is channel:
                child.parent = None
                self.changed(child)
        self._world.changes.send(ChannelDeleted(channel))
        named = [name for name, value in guild.settings.items() if value == str(channel.id)]
        if guild.system_channel is channel or named:
            guild.system_channel = None if guild.system_channel is channel else guild.system_channel
            guild.settings |= dict.fromkeys(named)
            self._world.guild_changed(guild)

    def _forget(self, channel: Channel) -> None:
        del self._items[channel.id]
        for message in tuple(channel.messages.values()):
            self._messages.forget(message)
            self._world.changes.send(MessageDeleted(message))
        self._invites.forget(channel)
        self._webhooks.forget(channel)

    def keep(self, channel: Channel) -> None:
        """Find a channel by its id from now on."""
        self._items[channel.id] = channel

    def changed(self, channel: Channel) -> None:
        """Tell the bot and the subscribers that a channel or thread changed."""
        if channel.is_thread:
            self._world.dispatch("THREAD_UPDATE", channel.payload(), channel.guild, seen_in=channel)
        else:
            self._world.dispatch("CHANNEL_UPDATE", channel.payload(), channel.guild)
        self._world.changes.send(ChannelChanged(channel))


def _refuse_parent(guild: Guild, kind: int, parent: Channel | None) -> None:
    if parent is None:
        return
    if parent.kind != CATEGORY or parent.guild is not guild or kind == CATEGORY:
        raise Impossible(f"{parent.name} is no category that this channel of {guild.name} can be in")
    if sum(channel.parent is parent for channel in guild.channels.values()) >= bounds.IN_CATEGORY.most:
        raise LimitReached(f"a category has at most {bounds.IN_CATEGORY.most} channels", bounds.IN_CATEGORY)


def _thread_place(channel: Channel, guild: Guild) -> JSON:
    parent = channel.parent and str(channel.parent.id)
    return {"id": str(channel.id), "guild_id": str(guild.id), "parent_id": parent, "type": channel.kind}
