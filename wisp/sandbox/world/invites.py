"""Invites into guilds of a world."""

from __future__ import annotations

import re
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
    TEXT,
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

_VANITY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){1,24}")


@dataclass(eq=False, slots=True)
class Invite:
    """An invite to a guild and one of its channels. `uses` counts the members who joined by it; they get its `roles`.

    A vanity URL has no `inviter`.

    `max_age` is in seconds, `created` in seconds since the Unix epoch; a `max_age` or `max_uses` of 0 is no bound.
    """

    code: str
    channel: Channel
    inviter: User | None
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
            "expires_at": None if self.expires is None else timestamp(self.expires),
            "flags": 0,
        }
        if self.inviter is not None:
            invite["inviter"] = self.inviter.payload()
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
    """All invites by code; those that expired are dropped. Vanity URLs are beside them, at most one of each guild."""

    def __init__(self, world: State, members: Members) -> None:
        super().__init__(world)
        self._members = members
        self._vanities: dict[int, Invite] = {}

    def find(self, code: str) -> Invite | None:
        """Return the invite or the vanity URL with this code, None if there is none or it has expired."""
        self._drop_old()
        return self._items.get(code) or next((one for one in self._vanities.values() if one.code == code), None)

    def vanity(self, guild: Guild) -> Invite | None:
        """Return the vanity URL of a guild, None if it has none."""
        return self._vanities.get(guild.id)

    def set_vanity(self, guild: Guild, code: str | None) -> None:
        """Give a guild a vanity URL that leads to its first text channel, or take it away.

        Raises Impossible if the code is taken or has other characters than letters, digits and hyphens, if the guild
        has no text channel, and if it lacks the feature VANITY_URL (resources/guild#guild-object-guild-features).
        """
        channel = next((one for one in guild.channels.values() if one.kind == TEXT), None)
        if code is not None:
            if "VANITY_URL" not in guild.features:
                raise Impossible(f"{guild.name} has no vanity URL: it lacks the feature VANITY_URL")
            if not _VANITY.fullmatch(code):
                raise Impossible(f"a vanity URL has 2 to 25 letters, digits and hyphens, not {code!r}")
            if channel is None:
                raise Impossible(f"{guild.name} has no text channel that a vanity URL could lead to")
            known = self.find(code)
            if known is not None and known is not self.vanity(guild):
                raise Impossible(f"the code {code!r} is taken")
            self._vanities[guild.id] = Invite(code, channel, None, self._world.clock.time(), max_age=0)
        else:
            self._vanities.pop(guild.id, None)
        guild.settings["vanity_url_code"] = code
        self._world.guild_changed(guild)

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
        if guild.invites_paused(self._world.clock.time()):
            raise Impossible(f"{guild.name} has paused its invites")
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
        for vanity in self._vanities.values():
            if vanity.channel is channel:
                others = (one for one in vanity.guild.channels.values() if one.kind == TEXT and one is not channel)
                vanity.channel = next(others, channel)

    def _drop_old(self) -> None:
        now = self._world.clock.time()
        self._items = {code: invite for code, invite in self._items.items() if not invite.is_over(now)}


def _invited_role(role: Role) -> JSON:
    payload = role.payload()
    return {name: payload[name] for name in ("id", "name", "position", "color", "colors", "icon", "unicode_emoji")}
