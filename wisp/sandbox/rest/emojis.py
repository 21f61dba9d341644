"""Emojis over REST: a guild's own, and those of the application."""

from __future__ import annotations

import re

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route, reason
from wisp.sandbox.rest.errors import (
    ASSET_TOO_LARGE,
    MISSING_PERMISSIONS,
    NOT_THIS_APPLICATION,
    TOO_MANY_ANIMATED_EMOJIS,
    TOO_MANY_EMOJIS,
    UNKNOWN_EMOJI,
    UNKNOWN_ROLE,
    Reason,
    Refusal,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.forms import path_id, read_form
from wisp.sandbox.rest.images import Image, read_image
from wisp.sandbox.world.audit_log import EMOJI, Deed, changes_of
from wisp.sandbox.world.bounds import APPLICATION_EMOJIS, EMOJI_NAME, EMOJI_SIZE, EMOJIS
from wisp.sandbox.world.objects import JSON, Emoji, Guild, Role
from wisp.sandbox.world.permissions import Permission

_OF_APPLICATION = Reason(400, 30008, f"Maximum number of emojis reached ({APPLICATION_EMOJIS.most})")


class Emojis(Lookups):
    """The routes of emojis."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        emojis, own = "/guilds/{guild}/emojis", "/applications/{application}/emojis"
        return [
            Route("GET", emojis, self.list_of_guild),
            Route("POST", emojis, self.create),
            Route("GET", emojis + "/{emoji}", self.get),
            Route("PATCH", emojis + "/{emoji}", self.edit),
            Route("DELETE", emojis + "/{emoji}", self.delete),
            Route("GET", own, self.list_own),
            Route("POST", own, self.create_own),
            Route("GET", own + "/{emoji}", self.get_own),
            Route("PATCH", own + "/{emoji}", self.edit_own),
            Route("DELETE", own + "/{emoji}", self.delete_own),
        ]

    # Of guilds

    async def list_of_guild(self, request: web.Request) -> Answer:
        """A guild's own emojis; who may make or manage them sees who made them."""
        guild = self.guild(request)
        told = self._creates(guild) or self._manages(guild)
        return 200, [emoji.guild_payload(with_creator=told) for emoji in guild.emojis.values()]

    async def get(self, request: web.Request) -> Answer:
        """One emoji of a guild."""
        guild = self.guild(request)
        emoji = self._emoji(request, guild.emojis)
        return 200, emoji.guild_payload(with_creator=self._may_change(guild, emoji))

    async def create(self, request: web.Request) -> Answer:
        """Make an emoji of a guild."""
        guild = self.guild(request)
        fields = Fields(await read_form(request))
        name, image, roles = _name(fields, required=True), _picture(fields), fields.snowflakes("roles", 250)
        fields.check()
        why = reason(request)
        if not self._creates(guild):
            raise Refusal(MISSING_PERMISSIONS)
        allowed, image = self._roles(guild, roles), _small(image)
        if sum(emoji.animated is image.animated for emoji in guild.emojis.values()) >= EMOJIS.most:
            raise Refusal(TOO_MANY_ANIMATED_EMOJIS if image.animated else TOO_MANY_EMOJIS)
        emoji = self.world.add_emoji(guild, name or "", animated=image.animated, roles=allowed, creator=self.world.bot)
        self._log(guild, Deed.EMOJI_CREATE, emoji, why, {}, emoji.guild_payload())
        return 201, emoji.guild_payload(with_creator=True)

    async def edit(self, request: web.Request) -> Answer:
        """Give an emoji of a guild another name, or say which roles can use it."""
        guild = self.guild(request)
        emoji, fields = self._emoji(request, guild.emojis), Fields(await read_form(request))
        name, roles = _name(fields), fields.snowflakes("roles", 250)
        fields.check()
        why = reason(request)
        self._need_to_change(guild, emoji)
        allowed = self._roles(guild, roles) if "roles" in fields else None
        changed = self.world.edit_emoji(guild, emoji, name=name, roles=allowed)
        self._log(guild, Deed.EMOJI_UPDATE, emoji, why, emoji.guild_payload(), changed.guild_payload())
        return 200, changed.guild_payload(with_creator=True)

    async def delete(self, request: web.Request) -> Answer:
        """Take an emoji away from a guild."""
        guild = self.guild(request)
        emoji = self._emoji(request, guild.emojis)
        why = reason(request)
        self._need_to_change(guild, emoji)
        self.world.remove_emoji(guild, emoji)
        self._log(guild, Deed.EMOJI_DELETE, emoji, why, emoji.guild_payload(), {})
        return 204, None

    def _log(self, guild: Guild, deed: Deed, emoji: Emoji, why: str | None, before: JSON, after: JSON) -> None:
        self.log(guild, deed, emoji.id, why, changes=changes_of(EMOJI, before, after))

    def _creates(self, guild: Guild) -> bool:
        return self.may(guild, Permission.CREATE_GUILD_EXPRESSIONS)

    def _manages(self, guild: Guild) -> bool:
        return self.may(guild, Permission.MANAGE_GUILD_EXPRESSIONS)

    def _may_change(self, guild: Guild, emoji: Emoji) -> bool:
        """Whether the bot manages a guild's emojis, or made this one and can make more."""
        return self._manages(guild) or (emoji.creator is self.world.bot and self._creates(guild))

    def _need_to_change(self, guild: Guild, emoji: Emoji) -> None:
        if not self._may_change(guild, emoji):
            raise Refusal(MISSING_PERMISSIONS)

    def _roles(self, guild: Guild, numbers: list[int]) -> list[Role]:
        if any(number not in guild.roles for number in numbers):
            raise Refusal(UNKNOWN_ROLE)
        return [guild.roles[number] for number in dict.fromkeys(numbers)]

    def _emoji(self, request: web.Request, emojis: dict[int, Emoji]) -> Emoji:
        emoji = emojis.get(path_id(request, "emoji"))
        if emoji is None:
            raise Refusal(UNKNOWN_EMOJI)
        return emoji

    # Of the application

    async def list_own(self, request: web.Request) -> Answer:
        """The emojis of the application."""
        return 200, {"items": [emoji.guild_payload(with_creator=True) for emoji in self._own(request).values()]}

    async def get_own(self, request: web.Request) -> Answer:
        """One emoji of the application."""
        return 200, self._emoji(request, self._own(request)).guild_payload(with_creator=True)

    async def create_own(self, request: web.Request) -> Answer:
        """Make an emoji of the application."""
        own, fields = self._own(request), Fields(await read_form(request))
        name, image = _name(fields, required=True), _picture(fields)
        fields.check()
        image = _small(image)
        if len(own) >= APPLICATION_EMOJIS.most:
            raise Refusal(_OF_APPLICATION)
        emoji = self.world.add_emoji(None, name or "", animated=image.animated, creator=self.world.bot)
        return 201, emoji.guild_payload(with_creator=True)

    async def edit_own(self, request: web.Request) -> Answer:
        """Give an emoji of the application another name."""
        emoji, fields = self._emoji(request, self._own(request)), Fields(await read_form(request))
        name = _name(fields)
        fields.check()
        return 200, self.world.edit_emoji(None, emoji, name=name).guild_payload(with_creator=True)

    async def delete_own(self, request: web.Request) -> Answer:
        """Take an emoji away from the application."""
        self.world.remove_emoji(None, self._emoji(request, self._own(request)))
        return 204, None

    def _own(self, request: web.Request) -> dict[int, Emoji]:
        if path_id(request, "application") != self.world.application:
            raise Refusal(NOT_THIS_APPLICATION)
        return self.world.application_emojis


def _name(fields: Fields, *, required: bool = False) -> str | None:
    name = fields.text("name", EMOJI_NAME, required=required)
    if name is not None and not re.fullmatch(r"\w+", name, re.ASCII):
        fields.refuse("name", "STRING_TYPE_REGEX", "String value did not match validation regex.")
    return name


def _picture(fields: Fields) -> Image | None:
    if fields.raw("image") is None:
        fields.refuse("image", *REQUIRED)
    return read_image(fields, "image")


def _small(image: Image | None) -> Image:
    """The same picture, which must not be larger than an emoji's."""
    assert image is not None  # else the form was refused
    if not EMOJI_SIZE.holds(len(image.content)):
        raise Refusal(ASSET_TOO_LARGE)
    return image
