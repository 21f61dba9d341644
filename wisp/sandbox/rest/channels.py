"""Channels over REST: making, changing and removing them, and who may do what in them."""

from __future__ import annotations

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route, reason
from wisp.sandbox.rest.errors import (
    ARCHIVED_THREAD,
    MISSING_PERMISSIONS,
    NOT_IN_DMS,
    TOO_MANY_CHANNELS,
    UNKNOWN_CHANNEL,
    UNKNOWN_OVERWRITE,
    WRONG_CHANNEL_TYPE,
    Refusal,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.forms import Form, path_id, read_form
from wisp.sandbox.rest.guilds import each
from wisp.sandbox.world import bounds
from wisp.sandbox.world.audit_log import CHANNEL, OVERWRITE, THREAD, Deed, changes_of, shown_thread
from wisp.sandbox.world.bounds import (
    ARCHIVE_AFTER,
    BITRATE,
    CHANNEL_NAME,
    CHANNELS,
    FORUM_TOPIC,
    IN_CATEGORY,
    POSITION,
    SLOWMODE,
    STAGE_USER_LIMIT,
    TOPIC,
    USER_LIMIT,
)
from wisp.sandbox.world.guilds import ChannelChanges, ThreadChanges
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    CATEGORY,
    FORUM,
    MEDIA,
    MEMBER_OVERWRITE,
    PRIVATE_THREAD,
    ROLE_OVERWRITE,
    STAGE,
    TEXT,
    VOICE,
    Channel,
    Guild,
    Overwrite,
)
from wisp.sandbox.world.permissions import ADMINISTRATOR, Permission

MADE_BY_BOTS = (TEXT, VOICE, CATEGORY, ANNOUNCEMENT, STAGE, FORUM, MEDIA)


class Channels(Lookups):
    """The routes of channels themselves."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        overwrite = "/channels/{channel}/permissions/{overwrite}"
        return [
            Route("GET", "/guilds/{guild}/channels", self.list_channels),
            Route("POST", "/guilds/{guild}/channels", self.create_channel),
            Route("PATCH", "/guilds/{guild}/channels", self.move_channels),
            Route("GET", "/channels/{channel}", self.get_channel),
            Route("PATCH", "/channels/{channel}", self.edit_channel),
            Route("DELETE", "/channels/{channel}", self.delete_channel),
            Route("PUT", overwrite, self.set_overwrite),
            Route("DELETE", overwrite, self.remove_overwrite),
        ]

    async def list_channels(self, request: web.Request) -> Answer:
        """A guild's channels, threads not among them."""
        return 200, [channel.payload() for channel in self.guild(request).channels.values()]

    async def get_channel(self, request: web.Request) -> Answer:
        """One channel; a thread with the bot's membership."""
        channel = self.channel(request)
        payload = channel.payload()
        if channel.thread is not None and self.world.bot.id in channel.thread.members:
            payload["member"] = channel.thread.members[self.world.bot.id].payload()
        return 200, payload

    async def create_channel(self, request: web.Request) -> Answer:
        """Make a channel of a guild."""
        guild = self.guild(request)
        fields = Fields(await read_form(request))
        kind = fields.choice("type", MADE_BY_BOTS) or TEXT
        if fields.raw("name") is None:
            fields.refuse("name", *REQUIRED)
        changes = self._changes(guild, fields, kind, None)
        why = reason(request)
        self.need(guild, Permission.MANAGE_CHANNELS)
        if len(guild.channels) >= CHANNELS.most:
            raise Refusal(TOO_MANY_CHANNELS)
        channel = self.world.add_channel(
            guild,
            changes.get("name", ""),
            kind=kind,
            parent=changes.get("parent"),
            topic=changes.get("topic"),
            nsfw=changes.get("nsfw", False),
            slowmode=changes.get("slowmode", 0),
            overwrites=changes.get("overwrites", ()),
            settings=changes.get("settings"),
        )
        if "position" in changes:
            self.world.edit_channel(channel, position=changes["position"])
        self.log(guild, Deed.CHANNEL_CREATE, channel.id, why, changes=changes_of(CHANNEL, {}, channel.payload()))
        return 201, channel.payload()

    async def move_channels(self, request: web.Request) -> Answer:
        """Give channels other places: positions, and the categories that they are in."""
        guild = self.guild(request)
        form = await read_form(request)
        self.need(guild, Permission.MANAGE_CHANNELS)
        why = reason(request)
        moves: list[tuple[Channel, ChannelChanges]] = []
        for fields in each(form):
            number, position = fields.snowflake("id"), fields.integer("position", POSITION)
            lock = fields.boolean("lock_permissions")
            channel = guild.channels.get(number or 0)
            if channel is None:
                raise Refusal(UNKNOWN_CHANNEL)
            changes: ChannelChanges = {}
            if position is not None:
                changes["position"] = position
            if "parent_id" in fields:
                parent = changes["parent"] = self._parent(guild, fields, channel.kind, channel)
                if lock and parent is not None:
                    changes["overwrites"] = list(parent.overwrites.values())
            fields.check()
            moves.append((channel, changes))
        for channel, changes in moves:
            self._edit(guild, channel, changes, why)
        return 204, None

    async def edit_channel(self, request: web.Request) -> Answer:
        """Change a channel or a thread."""
        channel = self.channel(request)
        guild = channel.guild
        if guild is None:
            raise Refusal(NOT_IN_DMS)
        fields = Fields(await read_form(request))
        why = reason(request)
        if channel.is_thread:
            self._edit_thread(guild, channel, fields, why)
            return 200, channel.payload()
        kind = fields.choice("type", (TEXT, ANNOUNCEMENT)) if channel.kind in (TEXT, ANNOUNCEMENT) else None
        changes = self._changes(guild, fields, channel.kind, channel)
        self.need(channel, Permission.MANAGE_CHANNELS)
        if "overwrites" in changes:
            self.need(channel, Permission.MANAGE_ROLES)
        if kind is not None:
            changes["kind"] = kind
        self._edit(guild, channel, changes, why)
        return 200, channel.payload()

    def _edit(self, guild: Guild, channel: Channel, changes: ChannelChanges, why: str | None) -> None:
        """Change a channel; the audit log tells of its overwrites one by one."""
        before, overwrites = channel.payload(), dict(channel.overwrites)
        self.world.edit_channel(channel, **changes)
        fields = [name for name in CHANNEL if name != "permission_overwrites"]
        told = changes_of(fields, before, channel.payload())
        self.log(guild, Deed.CHANNEL_UPDATE, channel.id, why, changes=told)
        for number in {**overwrites, **channel.overwrites}:
            self._log_overwrite(guild, channel, overwrites.get(number), channel.overwrites.get(number), why)

    def _log_overwrite(
        self, guild: Guild, channel: Channel, old: Overwrite | None, new: Overwrite | None, why: str | None
    ) -> None:
        """Note what became of an overwrite: None where it was not there before, or is not after."""
        about = new or old
        if about is None:
            return
        role = guild.roles.get(about.id) if about.kind == ROLE_OVERWRITE else None
        options = {"id": str(about.id), "type": str(about.kind)} | ({"role_name": role.name} if role else {})
        deed = Deed.OVERWRITE_UPDATE if old and new else Deed.OVERWRITE_CREATE if new else Deed.OVERWRITE_DELETE
        told = changes_of(OVERWRITE, old.payload() if old else {}, new.payload() if new else {})
        self.log(guild, deed, channel.id, why, changes=told, options=options)

    def _edit_thread(self, guild: Guild, channel: Channel, fields: Fields, why: str | None) -> None:
        thread = channel.thread
        assert thread is not None
        name, slowmode = fields.text("name", CHANNEL_NAME), fields.integer("rate_limit_per_user", SLOWMODE)
        archived, locked = fields.boolean("archived"), fields.boolean("locked")
        invitable, after = fields.boolean("invitable"), fields.choice("auto_archive_duration", ARCHIVE_AFTER)
        tags = fields.snowflakes("applied_tags", 5)
        fields.check()
        manages = self.may(channel, Permission.MANAGE_THREADS)
        mine = thread.owner is self.world.bot
        # A thread that is not locked can be opened again by whoever can write in it.
        opens = archived is False and self.may(channel, Permission.SEND_MESSAGES) and not thread.locked
        others = any(value is not None for value in (name, invitable, after)) or "applied_tags" in fields
        if not manages and (slowmode is not None or locked is not None or not (mine or (opens and not others))):
            raise Refusal(MISSING_PERMISSIONS)
        if thread.archived and archived is not False:
            raise Refusal(ARCHIVED_THREAD)
        if thread.archived:
            self.need_room(channel)
        changes: ThreadChanges = {}
        if archived is not None:
            changes["archived"] = archived
        if locked is not None:
            changes["locked"] = locked
        if invitable is not None and channel.kind == PRIVATE_THREAD:
            changes["invitable"] = invitable
        if after is not None:
            changes["archive_after"] = after
        if "applied_tags" in fields:
            changes["tags"] = tags
        before = shown_thread(channel)
        outer: ChannelChanges = {}
        if name is not None:
            outer["name"] = name
        if slowmode is not None:
            outer["slowmode"] = slowmode
        if outer:
            self.world.edit_channel(channel, **outer)
        if changes:
            self.world.edit_thread(channel, **changes)
        told = changes_of(THREAD, before, shown_thread(channel))
        self.log(guild, Deed.THREAD_UPDATE, channel.id, why, changes=told)

    async def delete_channel(self, request: web.Request) -> Answer:
        """Take a channel or thread away; says what it was. Direct messages are closed, which changes nothing."""
        channel = self.channel(request)
        why, guild = reason(request), channel.guild
        if guild is None:
            return 200, channel.payload()
        self.need(channel, Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS)
        self.world.delete_channel(channel)
        if channel.is_thread:
            deed, told = Deed.THREAD_DELETE, changes_of(THREAD, shown_thread(channel), {})
        else:
            deed, told = Deed.CHANNEL_DELETE, changes_of(CHANNEL, channel.payload(), {})
        self.log(guild, deed, channel.id, why, changes=told)
        return 200, channel.payload()

    async def set_overwrite(self, request: web.Request) -> Answer:
        """Say what a role or member may do in a channel, and what not."""
        channel, guild = self._with_overwrites(request)
        number = path_id(request, "overwrite")
        fields = Fields(await read_form(request))
        kind = fields.choice("type", (ROLE_OVERWRITE, MEMBER_OVERWRITE))
        allow, deny = fields.permissions("allow") or 0, fields.permissions("deny") or 0
        fields.check()
        why = reason(request)
        self._need_to_hand_out(channel, (allow | deny) & ~_said(channel.overwrites.get(number)))
        target = guild.roles.get(number) if kind != MEMBER_OVERWRITE else self.world.users.get(number)
        if target is None:
            raise Refusal(UNKNOWN_OVERWRITE)
        old = channel.overwrites.get(number)
        self.world.set_overwrite(channel, target, allow=allow, deny=deny)
        self._log_overwrite(guild, channel, old, channel.overwrites[number], why)
        return 204, None

    async def remove_overwrite(self, request: web.Request) -> Answer:
        """Take what a channel says of a role or member away."""
        channel, guild = self._with_overwrites(request)
        old, why = channel.overwrites.get(path_id(request, "overwrite")), reason(request)
        if old is None:
            raise Refusal(UNKNOWN_OVERWRITE)
        self.world.remove_overwrite(channel, old.id)
        self._log_overwrite(guild, channel, old, None, why)
        return 204, None

    def _with_overwrites(self, request: web.Request) -> tuple[Channel, Guild]:
        channel = self.channel(request)
        if channel.guild is None:
            raise Refusal(NOT_IN_DMS)
        if channel.is_thread:
            raise Refusal(WRONG_CHANNEL_TYPE)
        self.need(channel, Permission.MANAGE_ROLES)
        return channel, channel.guild

    def _need_to_hand_out(self, place: Channel | Guild, bits: int) -> None:
        """Refuse where an overwrite names what the bot cannot do itself; administrators can name everything."""
        mine = self.me(place).permissions if isinstance(place, Guild) else self.world.permissions(self.world.bot, place)
        guild = place if isinstance(place, Guild) else place.guild
        if guild is not None and self.me(guild).permissions & ADMINISTRATOR:
            return
        if bits & ~mine:
            raise Refusal(MISSING_PERMISSIONS)

    def _changes(self, guild: Guild, fields: Fields, kind: int, old: Channel | None) -> ChannelChanges:
        """What a form says of a channel of this kind; refused as a whole for what is wrong."""
        changes: ChannelChanges = {}
        name, position = fields.text("name", CHANNEL_NAME), fields.integer("position", POSITION)
        slowmode, nsfw = fields.integer("rate_limit_per_user", SLOWMODE), fields.boolean("nsfw")
        if name is not None:
            changes["name"] = name
        if position is not None:
            changes["position"] = position
        if slowmode is not None:
            changes["slowmode"] = slowmode
        if nsfw is not None:
            changes["nsfw"] = nsfw
        if "topic" in fields:
            changes["topic"] = fields.text("topic", FORUM_TOPIC if kind in (FORUM, MEDIA) else TOPIC)
        if "parent_id" in fields:
            changes["parent"] = self._parent(guild, fields, kind, old)
        overwrites = self._overwrites(guild, fields, old)
        if overwrites is not None:
            changes["overwrites"] = overwrites
        changes["settings"] = self._settings(fields, kind)
        fields.check()
        return changes

    def _parent(self, guild: Guild, fields: Fields, kind: int, old: Channel | None) -> Channel | None:
        number = fields.snowflake("parent_id")
        parent = guild.channels.get(number or 0)
        if number is None:
            return None
        if parent is None:
            fields.refuse("parent_id", "CHANNEL_PARENT_INVALID", "Category does not exist")
        elif parent.kind != CATEGORY or kind == CATEGORY:
            fields.refuse("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category")
        elif sum(one.parent is parent and one is not old for one in guild.channels.values()) >= IN_CATEGORY.most:
            words = f"Maximum number of channels in category reached ({IN_CATEGORY.most})"
            fields.refuse("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", words)
        return parent

    def _overwrites(self, guild: Guild, fields: Fields, old: Channel | None) -> list[Overwrite] | None:
        if fields.raw("permission_overwrites") is None:
            return None
        found: list[Overwrite] = []
        for index, raw in enumerate(fields.objects("permission_overwrites", 100)):
            inner = Fields(Form(raw, {}, ("permission_overwrites", index)))
            number, kind = inner.snowflake("id"), inner.choice("type", (ROLE_OVERWRITE, MEMBER_OVERWRITE))
            allow, deny = inner.permissions("allow") or 0, inner.permissions("deny") or 0
            if number is None:
                inner.refuse("id", *REQUIRED)
            inner.check()
            if kind is None:
                kind = ROLE_OVERWRITE if number in guild.roles else MEMBER_OVERWRITE
            found.append(Overwrite(number or 0, kind, allow, deny & ~allow))
        for overwrite in found:
            said = _said(old.overwrites.get(overwrite.id)) if old else 0
            self._need_to_hand_out(old or guild, (overwrite.allow | overwrite.deny) & ~said)
        return found

    def _settings(self, fields: Fields, kind: int) -> dict[str, object]:
        """The fields that channels of a kind have alone."""
        settings: dict[str, object] = {}
        if kind in (VOICE, STAGE):
            settings["bitrate"] = fields.integer("bitrate", BITRATE)
            bound = STAGE_USER_LIMIT if kind == STAGE else USER_LIMIT
            settings["user_limit"] = fields.integer("user_limit", bound)
            settings["video_quality_mode"] = fields.choice("video_quality_mode", (1, 2))
        if kind in (FORUM, MEDIA) and "available_tags" in fields:
            settings["available_tags"] = self._tags(fields)
        if kind in (TEXT, ANNOUNCEMENT, FORUM, MEDIA):
            settings["default_auto_archive_duration"] = fields.choice("default_auto_archive_duration", ARCHIVE_AFTER)
            slowmode = fields.integer("default_thread_rate_limit_per_user", SLOWMODE)
            settings["default_thread_rate_limit_per_user"] = slowmode
        return {name: value for name, value in settings.items() if value is not None}

    def _tags(self, fields: Fields) -> list[dict[str, object]]:
        tags: list[dict[str, object]] = []
        for index, raw in enumerate(fields.objects("available_tags", 20)):
            inner = Fields(Form(raw, {}, ("available_tags", index)))
            name, number = inner.text("name", bounds.TAG_NAME, required=True), inner.snowflake("id")
            moderated, emoji = inner.boolean("moderated"), inner.snowflake("emoji_id")
            emoji_name = inner.raw("emoji_name")
            inner.check()
            tags.append(
                {
                    "id": str(number or self.world.next_id()),
                    "name": name,
                    "moderated": bool(moderated),
                    "emoji_id": emoji and str(emoji),
                    "emoji_name": emoji_name if isinstance(emoji_name, str) else None,
                }
            )
        return tags


def _said(overwrite: Overwrite | None) -> int:
    """The permissions that an overwrite has a word on."""
    return overwrite.allow | overwrite.deny if overwrite else 0
