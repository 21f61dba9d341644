"""Guilds and what is in them: members, roles, channels and threads, bans; who comes, changes and goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.changes import (
    BansChanged,
    ChannelChanged,
    ChannelCreated,
    ChannelDeleted,
    GuildChanged,
    GuildCreated,
    MemberChanged,
    MemberJoined,
    MemberLeft,
    MessageDeleted,
    RoleChanged,
    RoleCreated,
    RoleDeleted,
)
from wisp.sandbox.world.messages import Conversation
from wisp.sandbox.world.objects import (
    CATEGORY,
    JSON,
    MEMBER_OVERWRITE,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    ROLE_OVERWRITE,
    TEXT,
    THREAD_CREATED,
    THREAD_STARTER,
    Ban,
    Channel,
    Guild,
    Impossible,
    Member,
    Message,
    Overwrite,
    Role,
    Thread,
    ThreadMember,
    User,
    channel_name,
)
from wisp.sandbox.world.permissions import EVERYONE_PERMISSIONS


class GuildChanges(TypedDict, total=False):
    """What can be changed of a guild. `settings` are other fields of Discord's object, as they are given back."""

    name: str
    description: str | None
    owner: User
    system_channel: Channel | None
    settings: JSON


class MemberChanges(TypedDict, total=False):
    """What can be changed of a member. `timed_out_until` is in seconds since the Unix epoch, None to end a time-out."""

    nick: str | None
    roles: Sequence[Role]
    timed_out_until: float | None
    mute: bool
    deaf: bool


class RoleChanges(TypedDict, total=False):
    """What can be changed of a role."""

    name: str
    permissions: int
    color: int
    hoist: bool
    mentionable: bool


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


class ThreadChanges(TypedDict, total=False):
    """What can be changed of a thread besides its name and slowmode. `archive_after` is in minutes."""

    archived: bool
    locked: bool
    invitable: bool
    archive_after: int
    tags: list[int]


class Places(Conversation):
    """Guilds with their members, roles, channels and threads, and every change to them."""

    owner: User

    # Users and guilds

    def add_user(self, name: str, *, bot: bool = False) -> User:
        """Somebody new, who is in no guild yet."""
        user = User(self.next_id(), name, bot)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, *, owner: User | None = None, with_bot: bool = True, id: int | None = None) -> Guild:
        """A new guild with @everyone and #general, its system channel. The bot joins, and its owner (or ada)."""
        guild = Guild(id or self.next_id(), name, owner or self.owner, self.clock.time())
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE_PERMISSIONS, 0)
        self.guilds[guild.id] = guild
        guild.system_channel = self.add_channel(guild, "general")
        self.add_member(guild, guild.owner)
        if with_bot:
            self.add_member(guild, self.bot)
        self.happen(GuildCreated(guild))
        return guild

    def guild_create(self, guild: Guild, members: Iterable[Member]) -> JSON:
        """The data of GUILD_CREATE, with these members, and with the open threads that the bot sees."""
        threads = [thread for thread in guild.threads.values() if _is_open(thread) and self.sees(self.bot, thread)]
        return guild.gateway_payload(members, threads)

    def edit_guild(self, guild: Guild, **changes: Unpack[GuildChanges]) -> None:
        """Change a guild. Raises Impossible for a name of another length, or another guild's channel or user."""
        if "name" in changes:
            refuse_length("a guild's name", changes["name"], bounds.GUILD_NAME)
        channel, owner = changes.get("system_channel"), changes.get("owner")
        if channel is not None and (channel.guild is not guild or channel.kind != TEXT):
            raise Impossible(f"#{channel.name} is no text channel of {guild.name}")
        if owner is not None and owner.id not in guild.members:
            raise Impossible(f"{owner.name} is not a member of {guild.name}")
        settings = {**guild.settings, **changes.get("settings", {})}
        _change(guild, {**changes, "settings": settings})
        self._guild_changed(guild)

    # Members and bans

    def add_member(self, guild: Guild, user: User, *, roles: Sequence[Role] = ()) -> Member:
        """Let a user join, the bot included; where they are a member already, that member.

        The bot comes with its own role, of `bot_permissions`. Raises Impossible for who is banned.
        """
        if user.id in guild.members:
            return guild.members[user.id]
        if user.id in guild.bans:
            raise Impossible(f"{user.name} is banned from {guild.name}")
        member = Member(user, guild, self.clock.time(), list(roles))
        if user is self.bot:
            member.roles.append(self._bot_role(guild))
        guild.members[user.id] = member
        if user is self.bot:
            self.dispatch("GUILD_CREATE", self.guild_create(guild, guild.members.values()), guild)
        else:
            self.dispatch("GUILD_MEMBER_ADD", {**member.payload(), "guild_id": str(guild.id)}, guild)
        self.happen(MemberJoined(member))
        return member

    def edit_member(self, member: Member, **changes: Unpack[MemberChanges]) -> None:
        """Change a member's nickname, roles, time-out. Raises Impossible for what is out of bounds or elsewhere's."""
        refuse_length("a nickname", changes.get("nick") or "", bounds.NICK)
        guild = member.guild
        for role in changes.get("roles", ()):
            _refuse_foreign(guild, role)
            if role is guild.everyone:
                raise Impossible("everybody has @everyone: it cannot be given")
        until = changes.get("timed_out_until")
        if until is not None and until - self.clock.time() > bounds.TIME_OUT.most:
            raise Impossible("a time-out lasts 28 days at most")
        changed = dict(changes)
        if "nick" in changes:
            changed["nick"] = changes["nick"] or None
        if "roles" in changes:
            changed["roles"] = list(dict.fromkeys(changes["roles"]))
        _change(member, changed)
        self._member_changed(member)

    def give_role(self, member: Member, role: Role) -> None:
        """Give a member a role; nothing happens where they have it. Raises Impossible for @everyone."""
        if role not in member.roles:
            self.edit_member(member, roles=[*member.roles, role])

    def take_role(self, member: Member, role: Role) -> None:
        """Take a role from a member; nothing happens where they do not have it."""
        if role in member.roles:
            self.edit_member(member, roles=[other for other in member.roles if other is not role])

    def remove_member(self, member: Member, *, how: Literal["left", "kicked", "banned"] = "left") -> None:
        """Let a member go, the bot included (GUILD_DELETE, its role goes too). Raises Impossible for the owner."""
        guild, user = member.guild, member.user
        if user is guild.owner:
            raise Impossible(f"{user.name} owns {guild.name}: expected that somebody else owns it first")
        if guild.members.get(user.id) is not member:
            raise Impossible(f"{user.name} is not a member of {guild.name}")
        for thread in guild.threads.values():
            if thread.thread is not None:
                thread.thread.members.pop(user.id, None)
        if user is self.bot:
            self.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild)
            role = guild.role_of(user)
            if role is not None:
                self._drop_role(guild, role)
        del guild.members[user.id]
        if user is not self.bot:
            self.dispatch("GUILD_MEMBER_REMOVE", {"guild_id": str(guild.id), "user": user.payload()}, guild)
        self.happen(MemberLeft(member, how))

    def ban(self, guild: Guild, user: User, *, reason: str | None = None, delete_seconds: float = 0) -> None:
        """Ban a user, a member or not, and delete what they wrote in the last `delete_seconds`.

        Nothing happens where they are banned. Raises Impossible for the owner.
        """
        if user.id in guild.bans:
            return
        member = guild.members.get(user.id)
        if user is guild.owner:
            raise Impossible(f"{user.name} owns {guild.name} and cannot be banned")
        guild.bans[user.id] = Ban(user, reason)
        self.dispatch("GUILD_BAN_ADD", {"guild_id": str(guild.id), "user": user.payload()}, guild)
        self.happen(BansChanged(guild, user, banned=True))
        if member is not None:
            self.remove_member(member, how="banned")
        since = self.clock.time() - delete_seconds
        for channel in (*guild.channels.values(), *guild.threads.values()):
            written = [m for m in channel.messages.values() if m.author is user and m.created >= since]
            if delete_seconds and written:
                self.delete_messages(channel, written)

    def unban(self, guild: Guild, user: User) -> None:
        """Let a banned user come back. Raises Impossible where they are not banned."""
        if guild.bans.pop(user.id, None) is None:
            raise Impossible(f"{user.name} is not banned from {guild.name}")
        self.dispatch("GUILD_BAN_REMOVE", {"guild_id": str(guild.id), "user": user.payload()}, guild)
        self.happen(BansChanged(guild, user, banned=False))

    # Roles

    def add_role(
        self,
        guild: Guild,
        name: str,
        *,
        permissions: int = 0,
        color: int = 0,
        hoist: bool = False,
        mentionable: bool = False,
    ) -> Role:
        """A new role, below all others of a guild but @everyone. Raises Impossible where there are 250."""
        refuse_length("a role's name", name, bounds.ROLE_NAME)
        if len(guild.roles) >= bounds.ROLES.most:
            raise Impossible(f"a guild has at most {bounds.ROLES.most} roles")
        role = self._new_role(guild, Role(self.next_id(), name, permissions, 1, color, hoist, mentionable))
        self.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(guild.id), "role": role.payload()}, guild)
        self.happen(RoleCreated(guild, role))
        return role

    def edit_role(self, guild: Guild, role: Role, **changes: Unpack[RoleChanges]) -> None:
        """Change a role. Raises Impossible for another guild's role, and for a name that is too long."""
        _refuse_foreign(guild, role)
        refuse_length("a role's name", changes.get("name", ""), bounds.ROLE_NAME)
        _change(role, changes)
        self._role_changed(guild, role)

    def move_roles(self, guild: Guild, positions: Mapping[Role, int]) -> None:
        """Give roles other positions: the others close up around them. @everyone stays at the bottom."""
        for role in positions:
            _refuse_foreign(guild, role)
            if role is guild.everyone:
                raise Impossible("@everyone stays at the bottom")
        before = {role: role.position for role in guild.roles.values()}
        movable = sorted((r for r in before if r is not guild.everyone and r not in positions), key=lambda r: r.rank)
        for role, position in sorted(positions.items(), key=lambda pair: (pair[1], pair[0].rank)):
            movable.insert(max(position - 1, 0), role)
        for position, role in enumerate(movable, start=1):
            role.position = position
        for role, old in before.items():
            if role.position != old:
                self._role_changed(guild, role)

    def delete_role(self, guild: Guild, role: Role) -> None:
        """Take a role away from the guild and everybody in it. Raises Impossible for @everyone and a bot's own."""
        _refuse_foreign(guild, role)
        if role is guild.everyone or role.managed:
            raise Impossible(f"the role {role.name} cannot be deleted")
        self._drop_role(guild, role)
        self.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(guild.id), "role_id": str(role.id)}, guild)
        self.happen(RoleDeleted(guild, role))

    # Channels

    def add_channel(
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
        """A new channel of a guild, below the others. In a category (`parent`) it begins with that one's overwrites.

        Names of text channels are written as Discord does: "Bot Spam" is "bot-spam". Raises Impossible for what is out
        of bounds, and for a parent that is no category of the guild.
        """
        if len(guild.channels) >= bounds.CHANNELS.most:
            raise Impossible(f"a guild has at most {bounds.CHANNELS.most} channels")
        refuse_length("a channel's name", name, bounds.CHANNEL_NAME)
        _refuse_parent(guild, kind, parent)
        given = list(overwrites)
        if parent is not None and not given:
            given = list(parent.overwrites.values())
        channel = Channel(
            self.next_id(),
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
        guild.channels[channel.id] = self.channels[channel.id] = channel
        self.dispatch("CHANNEL_CREATE", channel.payload(), guild)
        self.happen(ChannelCreated(channel))
        return channel

    def edit_channel(self, channel: Channel, **changes: Unpack[ChannelChanges]) -> None:
        """Change a channel, or a thread's name and slowmode. Raises Impossible for what cannot be."""
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
        _change(channel, changed)
        self._channel_changed(channel)

    def move_channels(self, guild: Guild, positions: Mapping[Channel, int]) -> None:
        """Give channels other positions. Raises Impossible for another guild's channel."""
        for channel in positions:
            if channel.guild is not guild:
                raise Impossible(f"#{channel.name} is not a channel of {guild.name}")
        for channel, position in positions.items():
            self.edit_channel(channel, position=position)

    def set_overwrite(self, channel: Channel, target: Role | User | Member, *, allow: int = 0, deny: int = 0) -> None:
        """Say what a role or a user may do in a channel, and what not; the rest follows from the roles.

        Raises Impossible for another guild's role, and in threads and direct messages, which have no overwrites.
        """
        if channel.guild is None or channel.is_thread:
            raise Impossible("only channels of a guild have overwrites: a thread has those of its channel")
        if isinstance(target, Role):
            _refuse_foreign(channel.guild, target)
        kind = ROLE_OVERWRITE if isinstance(target, Role) else MEMBER_OVERWRITE
        number = target.user.id if isinstance(target, Member) else target.id
        channel.overwrites[number] = Overwrite(number, kind, allow, deny & ~allow)
        self._channel_changed(channel)

    def remove_overwrite(self, channel: Channel, target: Role | User | Member | int) -> None:
        """Take what a channel says of a role or user (or of this id) away; nothing happens where it says nothing."""
        number = target if isinstance(target, int) else target.user.id if isinstance(target, Member) else target.id
        if channel.overwrites.pop(number, None) is not None:
            self._channel_changed(channel)

    def delete_channel(self, channel: Channel) -> None:
        """Take a channel or thread away, with its messages and threads; a category's channels stay, without it."""
        guild = channel.guild
        if guild is None:
            raise Impossible("direct messages cannot be deleted")
        seen = channel.parent if channel.is_thread else None
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
        self.dispatch(name, data, guild, seen_in=seen)
        for child in guild.channels.values():
            if child.parent is channel:
                child.parent = None
                self._channel_changed(child)
        self.happen(ChannelDeleted(channel))
        if guild.system_channel is channel:
            guild.system_channel = None
            self._guild_changed(guild)

    # Threads

    def start_thread(
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
        """A new thread of a channel, with its owner in it; where it begins with a message, with that one's id.

        An owner who is no member (a webhook that began a post) is not in it.
        `archive_after` is in minutes. Raises Impossible where the message has a thread, or is not in the channel.
        """
        guild = channel.guild
        if guild is None or channel.is_thread:
            raise Impossible("threads begin in channels of a guild")
        refuse_length("a thread's name", name, bounds.CHANNEL_NAME)
        if not self.has_room_for_threads(guild):
            raise Impossible(f"a guild has at most {bounds.ACTIVE_THREADS.most} threads that are not archived")
        if message is not None and (message.channel is not channel or message.thread or message.deleted):
            raise Impossible("the message has a thread already, is gone, or is elsewhere")
        now = self.clock.time()
        about = Thread(owner, now, now, archive_after, invitable=invitable, tags=list(tags))
        number = message.id if message else id or self.next_id()
        thread = Channel(number, kind, name, guild, parent=channel, slowmode=slowmode, thread=about)
        if owner.id in guild.members:
            about.members[owner.id] = ThreadMember(number, owner, now)
        guild.threads[number] = self.channels[number] = thread
        self.dispatch("THREAD_CREATE", {**thread.payload(), "newly_created": True}, guild, seen_in=thread)
        self.happen(ChannelCreated(thread))
        if message is not None:
            message.thread = thread
            self._dispatch_message("MESSAGE_UPDATE", message, message.gateway_payload())
            self.add_message(thread, message.author, kind=THREAD_STARTER, reference=message)
        elif kind != PRIVATE_THREAD and channel.kind == TEXT:
            self.add_message(channel, owner, content=name, kind=THREAD_CREATED)
        return thread

    def has_room_for_threads(self, guild: Guild) -> bool:
        """Whether one more thread of a guild can be open."""
        return sum(map(_is_open, guild.threads.values())) < bounds.ACTIVE_THREADS.most

    def thread_list(self, guild: Guild, parents: Iterable[Channel]) -> JSON:
        """The data of THREAD_LIST_SYNC: the open threads of these channels that the bot sees, and its place in them."""
        channels = list(parents)
        threads = [
            thread
            for thread in guild.threads.values()
            if thread.parent in channels and _is_open(thread) and self.sees(self.bot, thread)
        ]
        mine = [shown_member(thread, self.bot) for thread in threads if self.bot.id in _thread_of(thread).members]
        return {
            "guild_id": str(guild.id),
            "channel_ids": [str(channel.id) for channel in channels],
            "threads": [thread.payload() for thread in threads],
            "members": mine,
        }

    def edit_thread(self, channel: Channel, **changes: Unpack[ThreadChanges]) -> None:
        """Archive, open, lock a thread, and so on. Raises Impossible for what is no thread."""
        thread = _thread_of(channel)
        if "archived" in changes and changes["archived"] != thread.archived:
            thread.archive_moment = self.clock.time()
        _change(thread, changes)
        self._channel_changed(channel)

    def join_thread(self, channel: Channel, user: User) -> None:
        """Let a user into a thread; nothing happens where they are in it. Raises Impossible where it is full."""
        thread = _thread_of(channel)
        if user.id in thread.members:
            return
        if channel.guild is None or user.id not in channel.guild.members:
            raise Impossible(f"{user.name} is not a member of the thread's guild")
        if len(thread.members) >= bounds.THREAD_MEMBERS.most:
            raise Impossible(f"a thread has at most {bounds.THREAD_MEMBERS.most} members")
        thread.members[user.id] = ThreadMember(channel.id, user, self.clock.time())
        self._thread_members_changed(channel, user, joined=True)

    def leave_thread(self, channel: Channel, user: User) -> None:
        """Let a user out of a thread; nothing happens where they are not in it."""
        if _thread_of(channel).members.pop(user.id, None) is not None:
            self._thread_members_changed(channel, user, joined=False)

    # What a change has for consequences

    def _new_role(self, guild: Guild, role: Role) -> Role:
        for other in guild.roles.values():
            other.position += other is not guild.everyone
        guild.roles[role.id] = role
        return role

    def _bot_role(self, guild: Guild) -> Role:
        role = Role(self.next_id(), self.bot.name, self.bot_permissions, 1, bot=self.bot)
        return self._new_role(guild, role)

    def _drop_role(self, guild: Guild, role: Role) -> None:
        del guild.roles[role.id]
        for other in guild.roles.values():
            other.position -= other.position > role.position
        for member in guild.members.values():
            if role in member.roles:
                member.roles.remove(role)
        for channel in guild.channels.values():
            channel.overwrites.pop(role.id, None)

    def _forget(self, channel: Channel) -> None:
        del self.channels[channel.id]
        for message in tuple(channel.messages.values()):
            self._take_away(message)
            self.happen(MessageDeleted(message))

    def _guild_changed(self, guild: Guild) -> None:
        self.dispatch("GUILD_UPDATE", guild.payload(), guild)
        self.happen(GuildChanged(guild))

    def _member_changed(self, member: Member) -> None:
        data = {**member.payload(), "guild_id": str(member.guild.id)}
        self.dispatch("GUILD_MEMBER_UPDATE", data, member.guild)
        self.happen(MemberChanged(member))

    def _role_changed(self, guild: Guild, role: Role) -> None:
        self.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(guild.id), "role": role.payload()}, guild)
        self.happen(RoleChanged(guild, role))

    def _channel_changed(self, channel: Channel) -> None:
        if channel.is_thread:
            self.dispatch("THREAD_UPDATE", channel.payload(), channel.guild, seen_in=channel)
        else:
            self.dispatch("CHANNEL_UPDATE", channel.payload(), channel.guild)
        self.happen(ChannelChanged(channel))

    def _thread_members_changed(self, channel: Channel, user: User, *, joined: bool) -> None:
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
        seen = None if user is self.bot else channel
        if user is self.bot and joined:
            self.dispatch("THREAD_CREATE", {**channel.payload(), "member": shown_member(channel, user)}, guild)
        self.dispatch("THREAD_MEMBERS_UPDATE", data, guild, seen_in=seen)
        self.happen(ChannelChanged(channel))


def shown_member(channel: Channel, user: User) -> JSON:
    """A user's membership of a thread, as the thread itself carries it."""
    return _thread_of(channel).members[user.id].payload()


def _change(thing: object, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        setattr(thing, name, value)


def _thread_of(channel: Channel) -> Thread:
    if channel.thread is None:
        raise Impossible(f"#{channel.name} is no thread")
    return channel.thread


def _thread_place(channel: Channel, guild: Guild) -> JSON:
    parent = channel.parent and str(channel.parent.id)
    return {"id": str(channel.id), "guild_id": str(guild.id), "parent_id": parent, "type": channel.kind}


def _is_open(channel: Channel) -> bool:
    return channel.thread is not None and not channel.thread.archived


def refuse_length(what: str, text: str, bound: Bound) -> None:
    """Raise Impossible where a text is too short or too long."""
    if not bound.holds(len(text)):
        raise Impossible(f"{what} has {bound.least} to {bound.most} characters, not {len(text)}")


def _refuse_foreign(guild: Guild, role: Role) -> None:
    if guild.roles.get(role.id) is not role:
        raise Impossible(f"{guild.name} has no role {role.name}")


def _refuse_parent(guild: Guild, kind: int, parent: Channel | None) -> None:
    if parent is None:
        return
    if parent.kind != CATEGORY or parent.guild is not guild or kind == CATEGORY:
        raise Impossible(f"{parent.name} is no category that this channel of {guild.name} can be in")
    if sum(channel.parent is parent for channel in guild.channels.values()) >= bounds.IN_CATEGORY.most:
        raise Impossible(f"a category has at most {bounds.IN_CATEGORY.most} channels")
