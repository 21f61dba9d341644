"""One HTTP call as its handler sees it: what the path names, the query, the body, and what the bot may do.

How to write a handler: a function from a `Call` to an `Answer`, and a row for it in the `ROUTES` of its file, which
`app.py` puts into the table:

    ROUTES = [Route("POST", "/channels/{channel}/webhooks", create, needs=Permission.MANAGE_WEBHOOKS)]

    def create(call: Call) -> Answer:
        name = call.fields.text("name", WEBHOOK_NAME, required=True)
        call.fields.check()
        webhook = call.world.webhooks.add(call.channel, name, creator=call.world.bot)
        call.log(AuditLogEvent.WEBHOOK_CREATE, webhook.id)
        return 200, webhook.payload()

Before it runs the table has checked that the bot can get at the guild or channel at the beginning of the path, that it
has the permissions that the route `needs` there, the reason for the audit log, and that the body is JSON or a form: in
this order. The handler checks the rest and raises DiscordError, all of it before its first change. A limit that the
world itself holds (`LimitReached`) needs no check: `app.py` answers with the error of `errors.OF_BOUNDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from aiohttp import web

from wisp.limits import Violation
from wisp.sandbox.rest.body import NO_BODY, Body
from wisp.sandbox.rest.errors import (
    ARCHIVED_THREAD,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_A_TEXT_CHANNEL,
    NOT_IN_DMS,
    NOT_THIS_APPLICATION,
    UNKNOWN_CHANNEL,
    UNKNOWN_GUILD,
    UNKNOWN_MEMBER,
    UNKNOWN_MESSAGE,
    UNKNOWN_ROLE,
    UNKNOWN_USER,
    UNKNOWN_WEBHOOK,
    WRONG_CHANNEL_TYPE,
    DiscordError,
    invalid_form,
)
from wisp.sandbox.rest.fields import LAST_ID, Fields, field_list, read_id
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.bounds import REASON, Bound
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    CATEGORY,
    DM,
    JSON,
    STAGE,
    TEXT,
    THREADS,
    VOICE,
    Channel,
    Guild,
    Member,
    Message,
    Role,
    Sticker,
    User,
    Webhook,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World

TEXT_CHANNELS = {TEXT, DM, VOICE, ANNOUNCEMENT, STAGE, *THREADS}

Answer: TypeAlias = tuple[int, Any]
"""HTTP status and JSON, or the bytes of a PNG; None with 204."""

Handler: TypeAlias = "Callable[[Call], Answer]"


class Route(NamedTuple):
    """One row of the table. `path` follows /api/v10; a literal path stands before one with an id in that place.

    `needs` are the permissions that the bot needs in the guild or channel at the beginning of the path, all of them.
    A route that is not for the `bot` goes without Authorization.
    """

    method: str
    path: str
    handler: Handler
    needs: Permission | None = None
    bot: bool = True

    @property
    def in_place(self) -> bool:
        """Whether the path begins with a guild or a channel."""
        return self.path.startswith(("/guilds/{guild}", "/channels/{channel}"))


class Page(NamedTuple):
    """The part of a list that is asked for: how many items, and between which ids, both excluded."""

    limit: int
    before: int
    after: int


class Call:
    """One call of a route. What its path names is looked up once, and raises DiscordError if the bot cannot get at it.

    `path` has the parts of the path by name, `body` the body as it was read.
    """

    def __init__(self, world: World, route: Route, request: web.Request) -> None:
        self.world: World = world
        self.route: Route = route
        self.path: Mapping[str, str] = request.match_info
        self.body: Body = NO_BODY
        self._request = request

    def check(self) -> None:
        """Raise DiscordError for what refuses this call whatever its body says."""
        if self.route.in_place:
            place = self.place
            if self.route.needs is not None:
                self.need(self.route.needs, place)
        if self.route.method != "GET":
            self._check_reason()

    # What the path names

    def path_id(self, name: str) -> int:
        """Return the id in a part of the path."""
        return read_id(self.path[name], (f"{name}_id",))

    @property
    def place(self) -> Channel | Guild:
        """The guild or the channel in the path."""
        return self.guild if "guild" in self.path else self.channel

    @cached_property
    def guild(self) -> Guild:
        """The guild in the path, which the bot must be in, or that of the channel in the path."""
        if "guild" not in self.path:
            if self.channel.guild is None:
                raise DiscordError(NOT_IN_DMS)
            return self.channel.guild
        guild = self.world.guilds.get(self.path_id("guild"))
        if guild is None:
            raise DiscordError(UNKNOWN_GUILD)
        if self.world.bot.id not in guild.members:
            raise DiscordError(MISSING_ACCESS)
        return guild

    @property
    def me(self) -> Member:
        """The bot as a member of the guild."""
        return self.guild.members[self.world.bot.id]

    @cached_property
    def user(self) -> User:
        """The user in the path."""
        user = self.world.users.get(self.path_id("user"))
        if user is None:
            raise DiscordError(UNKNOWN_USER)
        return user

    @cached_property
    def member(self) -> Member:
        """The user in the path, as a member of the guild there."""
        member = self.guild.members.get(self.user.id)
        if member is None:
            raise DiscordError(UNKNOWN_MEMBER)
        return member

    @cached_property
    def role(self) -> Role:
        """The role in the path."""
        role = self.guild.roles.get(self.path_id("role"))
        if role is None:
            raise DiscordError(UNKNOWN_ROLE)
        return role

    @cached_property
    def channel(self) -> Channel:
        """The channel in the path, which the bot must see."""
        channel = self.world.channels.get(self.path_id("channel"))
        if channel is None:
            raise DiscordError(UNKNOWN_CHANNEL)
        if not self.world.sees(self.world.bot, channel):
            raise DiscordError(MISSING_ACCESS)
        return channel

    @property
    def text_channel(self) -> Channel:
        """The channel in the path, which must be one for messages."""
        if self.channel.kind not in TEXT_CHANNELS:
            raise DiscordError(NOT_A_TEXT_CHANNEL)
        return self.channel

    @property
    def landing_channel(self) -> Channel:
        """The channel in the path, which must be one that invites and webhooks lead to: no thread and no category."""
        self.need_guild()
        if self.channel.is_thread or self.channel.kind == CATEGORY:
            raise DiscordError(WRONG_CHANNEL_TYPE)
        return self.channel

    @cached_property
    def message(self) -> Message:
        """The message in the path."""
        message = self.channel.messages.get(self.path_id("message"))
        if message is None:
            raise DiscordError(UNKNOWN_MESSAGE)
        return message

    @cached_property
    def webhook(self) -> Webhook:
        """The webhook in the path."""
        webhook = self.world.webhooks.get(self.path_id("webhook"))
        if webhook is None:
            raise DiscordError(UNKNOWN_WEBHOOK)
        return webhook

    def check_application(self) -> None:
        """Raise DiscordError if the application in the path is not the bot's."""
        if self.path_id("application") != self.world.application:
            raise DiscordError(NOT_THIS_APPLICATION)

    # What was sent

    @cached_property
    def query(self) -> Fields:
        """The fields of the query."""
        return Fields(dict(self._request.query))

    def query_list(self, name: str) -> list[str]:
        """Return all values that the query has for a name."""
        return list(self._request.query.getall(name, ()))

    def flag(self, name: str) -> bool:
        """Return whether a flag of the query is set."""
        found = self.query.boolean(name) or False
        self.query.check()
        return found

    def limit(self, *, most: int, default: int, least: int = 1) -> int:
        """Return how many items the query asks for."""
        found = self.query.integer("limit", Bound(least, most, ""))
        self.query.check()
        return default if found is None else found

    def page(self, *, most: int, default: int, least: int = 1) -> Page:
        """Return the part of a list that the query asks for."""
        before, after = self.query.snowflake("before"), self.query.snowflake("after")
        limit = self.limit(most=most, default=default, least=least)
        return Page(limit, LAST_ID + 1 if before is None else before, after or 0)

    def before_moment(self) -> float:
        """Return the moment before which the query asks for items, in seconds since the epoch; infinite by default."""
        moment = self.query.moment("before")
        self.query.check()
        return float("inf") if moment is None else moment

    @cached_property
    def fields(self) -> Fields:
        """The fields of the body, none if there is no body."""
        fields = Fields(self.body.payload)
        fields.check()
        return fields

    @cached_property
    def items(self) -> list[Fields]:
        """The objects of a body that is a list."""
        return field_list(self.body.payload)

    @property
    def reason(self) -> str | None:
        """The reason for the audit log, None if there is none."""
        text = self._request.headers.get("X-Audit-Log-Reason")
        return unquote(text) or None if text else None

    def _check_reason(self) -> None:
        if not REASON.holds(len(self.reason or "")):
            words = f"Must be {REASON.most} or fewer in length."
            raise invalid_form(Violation(("reason",), "BASE_TYPE_MAX_LENGTH", words))

    # What the bot may do

    def permissions(self, place: Channel | Guild | None = None) -> int:
        """Return the bot's permissions in a channel or a whole guild, or in the place in the path."""
        place = self.place if place is None else place
        if isinstance(place, Guild):
            return place.members[self.world.bot.id].permissions
        return self.world.permissions(self.world.bot, place)

    def may(self, permission: Permission, place: Channel | Guild | None = None) -> bool:
        """Return whether the bot has all these permissions in a place, or in the place in the path."""
        needed = int(permission)
        return self.permissions(place) & needed == needed

    def need(self, permission: Permission, place: Channel | Guild | None = None) -> None:
        """Raise DiscordError if the bot lacks one of these permissions; in direct messages it has all."""
        if not self.may(permission, place):
            raise DiscordError(MISSING_PERMISSIONS)

    def need_guild(self) -> None:
        """Raise DiscordError if the channel in the path is one of direct messages, which have no guild."""
        _ = self.guild

    def need_to_grant(self, permissions: int) -> None:
        """Raise DiscordError if the bot lacks one of the permissions that it hands out or denies to others."""
        if permissions & ~self.permissions():
            raise DiscordError(MISSING_PERMISSIONS)

    def need_above(self, role: Role) -> None:
        """Raise DiscordError if a role is not below the bot's highest."""
        if self.guild.owner is not self.me.user and role.rank >= self.me.top.rank:
            raise DiscordError(MISSING_PERMISSIONS)

    def need_open(self, channel: Channel) -> None:
        """Raise DiscordError if a channel is an archived thread."""
        if channel.thread is not None and channel.thread.archived:
            raise DiscordError(ARCHIVED_THREAD)

    @property
    def usable_stickers(self) -> Mapping[int, Sticker]:
        """The stickers that a message may have here: the guild's, and the standard ones (discord-api-docs#6399)."""
        here = self.channel.guild.id if self.channel.guild else None
        return {id: sticker for id, sticker in self.world.stickers.items() if sticker.guild_id in (None, here)}

    # What the bot did

    def log(
        self,
        event: AuditLogEvent,
        target: int | None,
        *,
        guild: Guild | None = None,
        changes: Sequence[JSON] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Note in the audit log of the guild (else that in the path) what the bot did, and the reason that it gave.

        Nothing is noted for empty `changes`; None is for an event that has none.
        """
        if changes is None or changes:
            place = self.guild if guild is None else guild
            self.world.audit_log.add(
                place, event, self.world.bot, target, self.reason, changes=changes or (), options=options
            )
