"""What the routes of REST share: the table's rows, whom and what a path names, and whether the bot may."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from aiohttp import web

from wisp.limits import Violation
from wisp.sandbox.rest.errors import (
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_A_TEXT_CHANNEL,
    NOT_IN_DMS,
    TOO_MANY_THREADS,
    UNKNOWN_CHANNEL,
    UNKNOWN_GUILD,
    UNKNOWN_MEMBER,
    UNKNOWN_MESSAGE,
    UNKNOWN_ROLE,
    UNKNOWN_USER,
    WRONG_CHANNEL_TYPE,
    Refusal,
    invalid_form,
    snowflake,
)
from wisp.sandbox.rest.forms import path_id
from wisp.sandbox.world.audit_log import Deed
from wisp.sandbox.world.bounds import REASON
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
    User,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World

TEXT_CHANNELS = {TEXT, DM, VOICE, ANNOUNCEMENT, STAGE, *THREADS}

Answer: TypeAlias = tuple[int, Any]
"""HTTP status and JSON; None with 204."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[Answer]]


class Route(NamedTuple):
    """One row of the table. `path` follows /api/v10; those that are not `bot` go without Authorization."""

    method: str
    path: str
    handler: Handler
    bot: bool = True


class Lookups:
    """What a request's path names, as far as the bot can get at it; all raise `Refusal` with Discord's reason."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guild(self, request: web.Request) -> Guild:
        """The guild in the path, which the bot must be in."""
        guild = self.world.guilds.get(path_id(request, "guild"))
        if guild is None:
            raise Refusal(UNKNOWN_GUILD)
        if self.world.bot.id not in guild.members:
            raise Refusal(MISSING_ACCESS)
        return guild

    def me(self, guild: Guild) -> Member:
        """The bot as a member of a guild that it is in."""
        return guild.members[self.world.bot.id]

    def user(self, request: web.Request) -> User:
        """The user in the path."""
        user = self.world.users.get(path_id(request, "user"))
        if user is None:
            raise Refusal(UNKNOWN_USER)
        return user

    def member(self, request: web.Request, guild: Guild) -> Member:
        """The member in the path."""
        member = guild.members.get(self.user(request).id)
        if member is None:
            raise Refusal(UNKNOWN_MEMBER)
        return member

    def role(self, request: web.Request, guild: Guild) -> Role:
        """The role in the path."""
        role = guild.roles.get(path_id(request, "role"))
        if role is None:
            raise Refusal(UNKNOWN_ROLE)
        return role

    def channel(self, request: web.Request) -> Channel:
        """The channel in the path, which the bot must see."""
        channel = self.world.channels.get(path_id(request, "channel"))
        if channel is None:
            raise Refusal(UNKNOWN_CHANNEL)
        if not self.world.sees(self.world.bot, channel):
            raise Refusal(MISSING_ACCESS)
        return channel

    def text_channel(self, request: web.Request) -> Channel:
        """The channel in the path, which must be one for messages."""
        channel = self.channel(request)
        if channel.kind not in TEXT_CHANNELS:
            raise Refusal(NOT_A_TEXT_CHANNEL)
        return channel

    def message(self, request: web.Request) -> Message:
        """The message in the path."""
        message = self.channel(request).messages.get(path_id(request, "message"))
        if message is None:
            raise Refusal(UNKNOWN_MESSAGE)
        return message

    def may(self, place: Channel | Guild, permission: Permission) -> bool:
        """Whether the bot has a permission in a channel or a whole guild."""
        if isinstance(place, Guild):
            return bool(self.me(place).permissions & permission)
        return bool(self.world.permissions(self.world.bot, place) & permission)

    def need(self, place: Channel | Guild, permission: Permission) -> None:
        """Refuse where the bot lacks a permission; in direct messages it has all."""
        if not self.may(place, permission):
            raise Refusal(MISSING_PERMISSIONS)

    def need_room(self, channel: Channel) -> None:
        """Refuse where no more threads of the channel's guild can be open."""
        if channel.guild is not None and not self.world.has_room_for_threads(channel.guild):
            raise Refusal(TOO_MANY_THREADS)

    def guild_of(self, channel: Channel) -> Guild:
        """The guild of a channel that can have webhooks and invites, as threads and categories cannot."""
        if channel.guild is None:
            raise Refusal(NOT_IN_DMS)
        if channel.is_thread or channel.kind == CATEGORY:
            raise Refusal(WRONG_CHANNEL_TYPE)
        return channel.guild

    def log(
        self,
        guild: Guild,
        deed: Deed,
        target: int | None,
        why: str | None,
        *,
        changes: Sequence[JSON] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Note in the audit log what the bot did; nothing where no `changes` came of it (None: it has none)."""
        if changes is None or changes:
            self.world.log(guild, deed, self.world.bot, target, why, changes=changes or (), options=options)

    def need_rank(self, guild: Guild, role: Role) -> None:
        """Refuse where a role is not below the bot's highest."""
        me = self.me(guild)
        if guild.owner is not me.user and role.rank >= me.top.rank:
            raise Refusal(MISSING_PERMISSIONS)


def page(request: web.Request, *, most: int, default: int, least: int = 1) -> tuple[int, int, int]:
    """What a list is asked for: how many, before which id, after which. Raises `Refusal`."""
    query = request.query
    before = snowflake(query["before"], ("before",)) if "before" in query else 1 << 63
    after = snowflake(query["after"], ("after",)) if "after" in query else 0
    return limit(request, most=most, default=default, least=least), before, after


def limit(request: web.Request, *, most: int, default: int, least: int = 1) -> int:
    """How many are asked for. Raises `Refusal`."""
    text = request.query.get("limit", str(default))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not least <= int(text) <= most:
        words = f'Value "{text[:32]}" is not int between {least} and {most}.'
        raise invalid_form(Violation(("limit",), "NUMBER_TYPE_COERCE", words))
    return int(text)


def before_moment(request: web.Request) -> float:
    """The moment before which things are asked for, in seconds since the Unix epoch; infinite where there is none."""
    text = request.query.get("before")
    try:
        if text is None:
            return float("inf")
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        words = f"Could not parse {str(text)[:32]}. Should be ISO8601."
        raise invalid_form(Violation(("before",), "DATE_TIME_TYPE_PARSE", words)) from None


def wanted(request: web.Request, name: str) -> bool:
    """Whether a flag of the query is set."""
    return request.query.get(name, "").lower() in {"true", "1"}


def reason(request: web.Request) -> str | None:
    """What the audit log is to say, None where nothing. Raises `Refusal` where it is too long."""
    text = unquote(request.headers.get("X-Audit-Log-Reason", ""))
    if not REASON.holds(len(text)):
        words = f"Must be {REASON.most} or fewer in length."
        raise invalid_form(Violation(("reason",), "BASE_TYPE_MAX_LENGTH", words))
    return text or None
