"""Members of guilds in a world: joining, changing and leaving, and bans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import BansChanged, MemberChanged, MemberJoined, MemberLeft
from wisp.sandbox.world.messages import Messages
from wisp.sandbox.world.objects import Ban, Guild, Impossible, LimitReached, Member, Role, User
from wisp.sandbox.world.roles import Roles, refuse_foreign_role
from wisp.sandbox.world.state import State, assign, refuse_length
from wisp.sandbox.world.voice import Voice


class MemberChanges(TypedDict, total=False):
    """What can be changed of a member. `timed_out_until` is in seconds since the Unix epoch, None to end a time-out."""

    nick: str | None
    roles: Sequence[Role]
    timed_out_until: float | None
    mute: bool
    deaf: bool
    avatar: str | None
    banner: str | None
    quarantined: bool


class Members:
    """The verbs of members and bans; a guild has its members by user id."""

    def __init__(self, world: State, roles: Roles, messages: Messages, voice: Voice) -> None:
        self._world = world
        self._roles = roles
        self._messages = messages
        self._voice = voice

    def add(self, guild: Guild, user: User, *, roles: Sequence[Role] = ()) -> Member:
        """Let a user or the bot join, and return the member; they may be one already.

        The bot comes with its own role, with `bot_permissions`. Raises Impossible if they are banned.
        """
        if user.id in guild.members:
            return guild.members[user.id]
        if user.id in guild.bans:
            raise Impossible(f"{user.name} is banned from {guild.name}")
        member = Member(user, guild, self._world.clock.time(), list(roles))
        if user is self._world.bot:
            member.roles.append(self._roles.add_of_bot(guild))
        guild.members[user.id] = member
        if user is self._world.bot:
            self._world.dispatch("GUILD_CREATE", self._world.guild_create(guild, guild.members.values()), guild)
        else:
            self._world.dispatch("GUILD_MEMBER_ADD", {**member.payload(), "guild_id": str(guild.id)}, guild)
        self._world.changes.send(MemberJoined(member))
        return member

    def edit(self, member: Member, **changes: Unpack[MemberChanges]) -> None:
        """Change a member. Raises Impossible if a change is out of bounds or a role is not the guild's."""
        refuse_length("a nickname", changes.get("nick") or "", bounds.NICK)
        guild = member.guild
        for role in changes.get("roles", ()):
            refuse_foreign_role(guild, role)
            if role is guild.everyone:
                raise Impossible("everybody has @everyone: it cannot be given")
        until = changes.get("timed_out_until")
        if until is not None and until - self._world.clock.time() > bounds.TIME_OUT.most:
            raise LimitReached("a time-out lasts at most 28 days", bounds.TIME_OUT)
        changed = dict(changes)
        if "nick" in changes:
            changed["nick"] = changes["nick"] or None
        if "roles" in changes:
            changed["roles"] = list(dict.fromkeys(changes["roles"]))
        assign(member, changed)
        self._member_changed(member)
        if "mute" in changes or "deaf" in changes:
            self._voice.changed(member)

    def give_role(self, member: Member, role: Role) -> None:
        """Give a member a role; does nothing if they have it. Raises Impossible for @everyone."""
        if role not in member.roles:
            self.edit(member, roles=[*member.roles, role])

    def take_role(self, member: Member, role: Role) -> None:
        """Take a role from a member; does nothing if they do not have it."""
        if role in member.roles:
            self.edit(member, roles=[other for other in member.roles if other is not role])

    def remove(self, member: Member, *, how: Literal["left", "kicked", "banned"] = "left") -> None:
        """Let a member or the bot leave; the bot's role is deleted, too. Raises Impossible for the owner."""
        guild, user = member.guild, member.user
        if user is guild.owner:
            raise Impossible(f"{user.name} owns {guild.name}: expected that somebody else owns it first")
        if guild.members.get(user.id) is not member:
            raise Impossible(f"{user.name} is not a member of {guild.name}")
        self._voice.leave(member)
        for thread in guild.threads.values():
            if thread.thread is not None:
                thread.thread.members.pop(user.id, None)
        if user is self._world.bot:
            self._world.dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild)
            role = guild.role_of(user)
            if role is not None:
                self._roles.forget(guild, role)
        del guild.members[user.id]
        if user is not self._world.bot:
            self._world.dispatch("GUILD_MEMBER_REMOVE", {"guild_id": str(guild.id), "user": user.payload()}, guild)
        self._world.changes.send(MemberLeft(member, how))

    def ban(self, guild: Guild, user: User, *, reason: str | None = None, delete_seconds: float = 0) -> None:
        """Ban a user, member or not, and delete their messages of the last `delete_seconds`.

        Does nothing if they are banned. Raises Impossible for the owner.
        """
        if user.id in guild.bans:
            return
        member = guild.members.get(user.id)
        if user is guild.owner:
            raise Impossible(f"{user.name} owns {guild.name} and cannot be banned")
        guild.bans[user.id] = Ban(user, reason)
        self._world.dispatch("GUILD_BAN_ADD", {"guild_id": str(guild.id), "user": user.payload()}, guild)
        self._world.changes.send(BansChanged(guild, user, banned=True))
        if member is not None:
            self.remove(member, how="banned")
        since = self._world.clock.time() - delete_seconds
        for channel in (*guild.channels.values(), *guild.threads.values()):
            written = [m for m in channel.messages.values() if m.author is user and m.created >= since]
            if delete_seconds and written:
                self._messages.delete_many(channel, written)

    def unban(self, guild: Guild, user: User) -> None:
        """Unban a user. Raises Impossible if they are not banned."""
        if guild.bans.pop(user.id, None) is None:
            raise Impossible(f"{user.name} is not banned from {guild.name}")
        self._world.dispatch("GUILD_BAN_REMOVE", {"guild_id": str(guild.id), "user": user.payload()}, guild)
        self._world.changes.send(BansChanged(guild, user, banned=False))

    def _member_changed(self, member: Member) -> None:
        data = {**member.payload(), "guild_id": str(member.guild.id)}
        self._world.dispatch("GUILD_MEMBER_UPDATE", data, member.guild)
        self._world.changes.send(MemberChanged(member))
