"""Invites into guilds of a world."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import InvitesChanged
from wisp.sandbox.world.members import Members
from wisp.sandbox.world.objects import (
    CATEGORY,
    JSON,
    Channel,
    Guild,
    Impossible,
    LimitReached,
    Member,
    Role,
    User,
    timestamp,
)
from wisp.sandbox.world.state import Registry, State

DAY = 86_400

_CODE_LETTERS = string.ascii_letters + string.digits


@dataclass(eq=False, slots=True)
class Invite:
    """An invite to a guild and one of its channels. `uses` counts the members who joined by it; they get its `roles`.

    `max_age` is in seconds, `created` in seconds since the Unix epoch; a `max_age` or `max_uses` of 0 is no bound.
    """

    code: str
    channel: Channel
    inviter: User
    created: float
    max_age: int = DAY
    max_uses: int = 0
    temporary: bool = False
    roles: list[Role] = field(default_factory=list[Role])
    uses: int = 0

    @property
    def guild(self) -> Guild:
        """The guild that it is for."""
        assert self.channel.guild is not None
        return self.channel.guild

    @property
    def expires(self) -> float | None:
        """When it expires, in seconds since the Unix epoch; None for never."""
        return self.created + self.max_age if self.max_age else None

    def is_over(self, now: float) -> bool:
        """Return whether it has expired."""
        return self.expires is not None and self.expires <= now

    def payload(self) -> JSON:
        """Discord's invite object without metadata, which every user may see."""
        guild, channel = self.guild.payload(), self.channel
        shown = """
            id name splash banner description icon features verification_level vanity_url_code nsfw_level nsfw
            premium_subscription_count
        """
        invite: JSON = {
            "type": 0,
            "code": self.code,
            "guild": {name: guild[name] for name in shown.split()},
            "guild_id": guild["id"],
            "channel": {"id": str(channel.id), "type": channel.kind, "name": channel.name},
            "inviter": self.inviter.payload(),
            "expires_at": None if self.expires is None else timestamp(self.expires),
            "flags": 0,
        }
        if self.roles:
            invite["roles"] = [_invited_role(role) for role in self.roles]
        return invite

    def metadata(self) -> JSON:
        """Discord's invite metadata, for those who manage the channel or the guild."""
        return {
            "uses": self.uses,
            "max_uses": self.max_uses,
            "max_age": self.max_age,
            "temporary": self.temporary,
            "created_at": timestamp(self.created),
        }

    def gateway_payload(self) -> JSON:
        """The data of INVITE_CREATE."""
        kept = {name: value for name, value in self.payload().items() if name in ("code", "inviter", "expires_at")}
        roles = {"role_ids": [str(role.id) for role in self.roles]} if self.roles else {}
        return {**self.place(), **kept, **self.metadata(), **roles}

    def place(self) -> JSON:
        """Its channel, guild and code, with which the data of its events begins."""
        return {"channel_id": str(self.channel.id), "guild_id": str(self.guild.id), "code": self.code}


class Invites(Registry[str, Invite]):
    """All invites by code. Those that expired are dropped."""

    def __init__(self, world: State, members: Members) -> None:
        super().__init__(world)
        self._members = members

    def find(self, code: str) -> Invite | None:
        """Return the invite with this code, None if there is none or it has expired."""
        self._drop_old()
        return self._items.get(code)

    def of(self, place: Channel | Guild) -> list[Invite]:
        """Return the invites to a channel or to all channels of a guild, oldest first."""
        self._drop_old()
        return [one for one in self._items.values() if place in (one.channel, one.guild)]

    def add(
        self,
        channel: Channel,
        inviter: User,
        *,
        max_age: int = DAY,
        max_uses: int = 0,
        temporary: bool = False,
        roles: Iterable[Role] = (),
    ) -> Invite:
        """Add an invite to a channel, which expires after `max_age` seconds or `max_uses` uses (0: never).

        Raises LimitReached if the guild has 1000, and Impossible for a channel that cannot have invites.
        """
        if channel.guild is None or channel.is_thread or channel.kind == CATEGORY:
            raise Impossible(f"nobody can be invited to {channel}, only to a guild's channels that hold something")
        if len(self.of(channel.guild)) >= bounds.INVITES.most:
            raise LimitReached(f"a guild has at most {bounds.INVITES.most} invites", bounds.INVITES)
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(8))
        invite = Invite(code, channel, inviter, self._world.clock.time(), max_age, max_uses, temporary, list(roles))
        self._items[code] = invite
        self._world.dispatch("INVITE_CREATE", invite.gateway_payload(), channel.guild)
        self._world.changes.send(InvitesChanged(channel))
        return invite

    def use(self, code: str, user: User) -> Member:
        """Let a user join by an invite, with its roles, and return the member; they may be one already.

        Raises Impossible if they are banned, or there is no such invite (any more).
        """
        invite = self.find(code)
        if invite is None:
            raise Impossible(f"there is no invite {code!r} (any more)")
        guild = invite.guild
        if user.id in guild.members:
            return guild.members[user.id]
        if user.id in guild.bans:
            raise Impossible(f"{user.name} is banned from {guild.name}")
        invite.uses += 1
        if invite.max_uses and invite.uses >= invite.max_uses:
            self.delete(invite)
        return self._members.add(guild, user, roles=[role for role in invite.roles if role.id in guild.roles])

    def delete(self, invite: Invite) -> None:
        """Delete an invite; does nothing if it is deleted."""
        if self._items.pop(invite.code, None) is not None:
            self._world.dispatch("INVITE_DELETE", invite.place(), invite.guild)
            self._world.changes.send(InvitesChanged(invite.channel))

    def forget(self, channel: Channel) -> None:
        """Drop the invites to a channel, without telling of it."""
        self._items = {code: invite for code, invite in self._items.items() if invite.channel is not channel}

    def _drop_old(self) -> None:
        now = self._world.clock.time()
        self._items = {code: invite for code, invite in self._items.items() if not invite.is_over(now)}


def _invited_role(role: Role) -> JSON:
    payload = role.payload()
    return {name: payload[name] for name in ("id", "name", "position", "color", "colors", "icon", "unicode_emoji")}
