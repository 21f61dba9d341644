"""What channels and guilds have besides people and messages: webhooks, invites and emojis."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from wisp.clock import Clock
from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import GuildChanged, InvitesChanged, WebhooksChanged
from wisp.sandbox.world.guilds import Places, refuse_length
from wisp.sandbox.world.objects import (
    CATEGORY,
    JSON,
    Channel,
    Emoji,
    Guild,
    Impossible,
    LimitReached,
    Member,
    Role,
    User,
    Webhook,
    timestamp,
)

DAY = 86_400

_OF_CODES = string.ascii_letters + string.digits


class WebhookChanges(TypedDict, total=False):
    """What can be changed of a webhook. `avatar` is the hash of its picture, None for none."""

    name: str
    avatar: str | None
    channel: Channel


@dataclass(eq=False, slots=True)
class Invite:
    """A way into a guild, landing in `channel`. `uses` counts who came by it; `roles` are given to them.

    `max_age` is in seconds, `created` in seconds since the Unix epoch; no `max_age` or `max_uses` (0) is no bound.
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
        """The guild that it leads into."""
        assert self.channel.guild is not None
        return self.channel.guild

    @property
    def expires(self) -> float | None:
        """When it ends, in seconds since the Unix epoch; None for never."""
        return self.created + self.max_age if self.max_age else None

    def is_over(self, now: float) -> bool:
        """Whether nobody can come by it any more."""
        return self.expires is not None and self.expires <= now

    def payload(self) -> JSON:
        """Discord's invite object, as everybody may see it."""
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
        """Discord's invite metadata, which who manages the place is shown, too."""
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
        """Where it leads: the beginning of its events' data."""
        return {"channel_id": str(self.channel.id), "guild_id": str(self.guild.id), "code": self.code}


class Belongings(Places):
    """Webhooks by id, invites by code, and the application's emojis by id (a guild's own are with it)."""

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        super().__init__(clock=clock, shards=shards)
        self.webhooks: dict[int, Webhook] = {}
        self.invites: dict[str, Invite] = {}
        self.application_emojis: dict[int, Emoji] = {}

    # Webhooks

    def webhooks_of(self, channel: Channel) -> list[Webhook]:
        """The webhooks of a channel, the oldest first."""
        return [webhook for webhook in self.webhooks.values() if webhook.channel is channel]

    def add_webhook(self, channel: Channel, name: str, *, creator: User, avatar: str | None = None) -> Webhook:
        """A new webhook of a channel. Raises Impossible where there are 15, and where a channel has none."""
        _refuse_webhook(channel)
        if len(self.webhooks_of(channel)) >= bounds.WEBHOOKS.most:
            raise LimitReached(f"a channel has at most {bounds.WEBHOOKS.most} webhooks", bounds.WEBHOOKS)
        number, token = self.next_id(), secrets.token_urlsafe(51)
        url = f"{self.webhooks_url}/{number}/{token}"
        webhook = self.webhooks[number] = Webhook(number, channel, name, token, url, creator, avatar)
        self._webhooks_changed(channel)
        return webhook

    def edit_webhook(self, webhook: Webhook, **changes: Unpack[WebhookChanges]) -> None:
        """Change a webhook. Raises Impossible for a channel that has none, or is another guild's."""
        before, after = webhook.channel, changes.get("channel", webhook.channel)
        _refuse_webhook(after)
        if after.guild is not before.guild:
            raise Impossible("a webhook stays in its guild")
        if after is not before and len(self.webhooks_of(after)) >= bounds.WEBHOOKS.most:
            raise LimitReached(f"a channel has at most {bounds.WEBHOOKS.most} webhooks", bounds.WEBHOOKS)
        for name, value in changes.items():
            setattr(webhook, name, value)
        for channel in dict.fromkeys((before, after)):
            self._webhooks_changed(channel)

    def delete_webhook(self, webhook: Webhook) -> None:
        """Take a webhook away; nothing happens where it is gone. What it posted stays."""
        if self.webhooks.pop(webhook.id, None) is not None:
            self._webhooks_changed(webhook.channel)

    def _webhooks_changed(self, channel: Channel) -> None:
        self.dispatch("WEBHOOKS_UPDATE", self._place(channel), channel.guild, seen_in=channel)
        self.happen(WebhooksChanged(channel))

    # Invites

    def invite(self, code: str) -> Invite | None:
        """The invite of a code, None where there is none or it is over."""
        self._drop_old_invites()
        return self.invites.get(code)

    def invites_of(self, place: Channel | Guild) -> list[Invite]:
        """The invites to a channel, or to all of a guild's, the oldest first; those that are over are gone."""
        self._drop_old_invites()
        return [one for one in self.invites.values() if place in (one.channel, one.guild)]

    def add_invite(
        self,
        channel: Channel,
        inviter: User,
        *,
        max_age: int = DAY,
        max_uses: int = 0,
        temporary: bool = False,
        roles: Iterable[Role] = (),
    ) -> Invite:
        """A new invite to a channel, which ends after `max_age` seconds and `max_uses` uses (0: never).

        Raises Impossible where the guild has 1000, and where nobody can be invited.
        """
        if channel.guild is None or channel.is_thread or channel.kind == CATEGORY:
            raise Impossible(f"nobody can be invited to {channel}, only to a guild's channels that hold something")
        if len(self.invites_of(channel.guild)) >= bounds.INVITES.most:
            raise LimitReached(f"a guild has at most {bounds.INVITES.most} invites", bounds.INVITES)
        code = "".join(secrets.choice(_OF_CODES) for _ in range(8))
        invite = Invite(code, channel, inviter, self.clock.time(), max_age, max_uses, temporary, list(roles))
        self.invites[code] = invite
        self.dispatch("INVITE_CREATE", invite.gateway_payload(), channel.guild)
        self.happen(InvitesChanged(channel))
        return invite

    def use_invite(self, code: str, user: User) -> Member:
        """Let a user join by an invite, with its roles; where they are a member already, that member.

        Raises Impossible for who is banned, and where there is no such invite (any more).
        """
        invite = self.invite(code)
        if invite is None:
            raise Impossible(f"there is no invite {code!r} (any more)")
        guild = invite.guild
        if user.id in guild.members:
            return guild.members[user.id]
        if user.id in guild.bans:
            raise Impossible(f"{user.name} is banned from {guild.name}")
        invite.uses += 1
        if invite.max_uses and invite.uses >= invite.max_uses:
            self.delete_invite(invite)
        return self.add_member(guild, user, roles=[role for role in invite.roles if role.id in guild.roles])

    def delete_invite(self, invite: Invite) -> None:
        """Take an invite back; nothing happens where it is gone."""
        if self.invites.pop(invite.code, None) is not None:
            self.dispatch("INVITE_DELETE", invite.place(), invite.guild)
            self.happen(InvitesChanged(invite.channel))

    def _drop_old_invites(self) -> None:
        now = self.clock.time()
        self.invites = {code: invite for code, invite in self.invites.items() if not invite.is_over(now)}

    # Emojis

    def add_emoji(
        self,
        guild: Guild | None,
        name: str,
        *,
        animated: bool = False,
        roles: Iterable[Role] = (),
        creator: User | None = None,
    ) -> Emoji:
        """A new emoji of a guild, or (None) of the application. Raises Impossible where there are too many."""
        refuse_length("an emoji's name", name, bounds.EMOJI_NAME)
        bound = bounds.ANIMATED_EMOJIS if animated else bounds.EMOJIS
        if guild is not None and sum(one.animated is animated for one in guild.emojis.values()) >= bound.most:
            raise LimitReached(f"{guild.name} has {bound.most} {'animated ' if animated else ''}emojis already", bound)
        if guild is None and len(self.application_emojis) >= bounds.APPLICATION_EMOJIS.most:
            raise LimitReached(
                f"the application has {bounds.APPLICATION_EMOJIS.most} emojis already", bounds.APPLICATION_EMOJIS
            )
        emoji = Emoji(name, self.next_id(), animated, tuple(role.id for role in roles), creator or self.owner)
        self._keep(guild, emoji)
        return emoji

    def edit_emoji(
        self, guild: Guild | None, emoji: Emoji, *, name: str | None = None, roles: Iterable[Role] | None = None
    ) -> Emoji:
        """Give an emoji another name or other roles; what it is then. Raises Impossible where there is none like it."""
        refuse_length("an emoji's name", emoji.name if name is None else name, bounds.EMOJI_NAME)
        old = self._kept(guild, emoji)
        ids = old.roles if roles is None else tuple(role.id for role in roles)
        changed = replace(old, name=old.name if name is None else name, roles=ids)
        self._keep(guild, changed)
        return changed

    def remove_emoji(self, guild: Guild | None, emoji: Emoji) -> None:
        """Take an emoji away from a guild, or (None) the application. Raises Impossible where there is none like it."""
        emojis = self.application_emojis if guild is None else guild.emojis
        del emojis[self._kept(guild, emoji).id or 0]
        self._emojis_changed(guild)

    def _keep(self, guild: Guild | None, emoji: Emoji) -> None:
        emojis = self.application_emojis if guild is None else guild.emojis
        emojis[emoji.id or 0] = emoji
        self._emojis_changed(guild)

    def _kept(self, guild: Guild | None, emoji: Emoji) -> Emoji:
        emojis = self.application_emojis if guild is None else guild.emojis
        found = emojis.get(emoji.id or 0)
        if found is None:
            raise Impossible(f"{guild.name if guild else 'the application'} has no emoji {emoji}")
        return found

    def _emojis_changed(self, guild: Guild | None) -> None:
        if guild is None:
            return
        emojis = [emoji.guild_payload() for emoji in guild.emojis.values()]
        self.dispatch("GUILD_EMOJIS_UPDATE", {"guild_id": str(guild.id), "emojis": emojis}, guild)
        self.happen(GuildChanged(guild))

    # What goes with a channel, and with a role

    def _drop_role(self, guild: Guild, role: Role) -> None:
        super()._drop_role(guild, role)
        for number, emoji in guild.emojis.items():
            if role.id in emoji.roles:
                guild.emojis[number] = replace(emoji, roles=tuple(one for one in emoji.roles if one != role.id))

    def _forget(self, channel: Channel) -> None:
        super()._forget(channel)
        self.invites = {code: invite for code, invite in self.invites.items() if invite.channel is not channel}
        for webhook in self.webhooks_of(channel):
            del self.webhooks[webhook.id]


def _invited_role(role: Role) -> JSON:
    payload = role.payload()
    return {name: payload[name] for name in ("id", "name", "position", "color", "colors", "icon", "unicode_emoji")}


def _refuse_webhook(channel: Channel) -> None:
    if channel.guild is None or channel.is_thread or channel.kind == CATEGORY:
        raise Impossible(f"{channel} has no webhooks: channels of a guild that people write in have")
