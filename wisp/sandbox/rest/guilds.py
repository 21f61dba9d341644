"""Guilds over REST: their settings and roles, and that the bot leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from wisp.limits import LOCALES
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    INVALID_GUILD,
    INVALID_ROLE,
    MISSING_PERMISSIONS,
    UNKNOWN_GUILD,
    UNKNOWN_ROLE,
    DiscordError,
)
from wisp.sandbox.rest.fields import present
from wisp.sandbox.rest.images import keep_image, read_image
from wisp.sandbox.world.audit_log import GUILD, ROLE, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import (
    COLOR,
    FEATURE,
    GUILD_DESCRIPTION,
    GUILD_NAME,
    INCIDENT,
    POSITION,
    ROLE_NAME,
    SYSTEM_CHANNEL_FLAGS,
)
from wisp.sandbox.world.guilds import GuildChanges
from wisp.sandbox.world.objects import JSON, TEXT, VOICE, Guild, Role, timestamp
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.roles import RoleChanges

ALL_MEMBERS = 2
"""The explicit content filter that scans the media of all members."""


def list_mine(call: Call) -> Answer:
    """List the guilds that the bot is in, ordered by id."""
    (limit, before, after), with_counts = call.page(most=200, default=200), call.flag("with_counts")
    guilds = [
        guild
        for guild in call.world.guilds.values()
        if call.world.bot.id in guild.members and after < guild.id < before
    ]
    chosen = guilds[-limit:] if "before" in call.query else guilds[:limit]
    return 200, [_mine(call, guild, with_counts=with_counts) for guild in chosen]


def _mine(call: Call, guild: Guild, *, with_counts: bool) -> JSON:
    payload: JSON = {
        "id": str(guild.id),
        "name": guild.name,
        "icon": guild.settings.get("icon"),
        "banner": guild.settings.get("banner"),
        "owner": guild.owner is call.world.bot,
        "permissions": str(call.permissions(guild)),
        "features": guild.features,
    }
    return payload | counts(guild) if with_counts else payload


def leave(call: Call) -> Answer:
    """Let the bot leave a guild."""
    guild = call.world.guilds.get(call.path_id("guild"))
    if guild is None or call.world.bot.id not in guild.members:
        raise DiscordError(UNKNOWN_GUILD)
    if guild.owner is call.world.bot:
        raise DiscordError(INVALID_GUILD)
    call.world.members.remove(call.me)
    return 204, None


def get(call: Call) -> Answer:
    """Return a guild, with its counts if they are asked for."""
    guild = call.guild
    return 200, guild.payload() | counts(guild) if call.flag("with_counts") else guild.payload()


def edit(call: Call) -> Answer:
    """Change a guild."""
    guild, fields = call.guild, call.fields
    changes: GuildChanges = {}
    name, channel_id = fields.text("name", GUILD_NAME), fields.snowflake("system_channel_id")
    if name is not None:
        changes["name"] = name
    if "description" in fields:
        changes["description"] = fields.text("description", GUILD_DESCRIPTION) or None
    if "system_channel_id" in fields:
        channel = guild.channels.get(channel_id or 0)
        if channel_id is not None and (channel is None or channel.kind != TEXT):
            fields.refuse("system_channel_id", "CHANNEL_TYPE_INVALID", "Invalid channel type")
        changes["system_channel"] = channel
    changes["settings"] = _read_settings(call)
    fields.check()
    if "COMMUNITY" in set(guild.features) ^ set(changes["settings"].get("features", guild.features)):
        call.need(Permission.ADMINISTRATOR)
    before = guild.payload()
    call.world.guilds.edit(guild, **changes)
    keep_image(call.world, fields, "icon", f"icons/{guild.id}")
    call.log(AuditLogEvent.GUILD_UPDATE, guild.id, changes=changes_of(GUILD, before, guild.payload()))
    return 200, guild.payload()


_CHOICES: Mapping[str, tuple[int, Sequence[int]]] = {
    "verification_level": (0, range(5)),
    "default_message_notifications": (0, range(2)),
    "explicit_content_filter": (0, range(3)),
    "afk_timeout": (300, (60, 300, 900, 1800, 3600)),
}
"""Fields of a guild that hold one of several numbers, with their values if they are null."""

_CHANNELS: Mapping[str, int] = {
    "afk_channel_id": VOICE,
    "rules_channel_id": TEXT,
    "public_updates_channel_id": TEXT,
    "safety_alerts_channel_id": TEXT,
}
"""Fields of a guild that hold one of its channels, with their types."""

_PICTURES: Mapping[str, str | None] = {
    "icon": None,
    "splash": "INVITE_SPLASH",
    "discovery_splash": "DISCOVERABLE",
    "banner": "BANNER",
}
"""Fields of a guild that hold a picture, with the feature that it needs: without that, Discord leaves them alone."""

_SWITCHES = frozenset({"COMMUNITY", "DISCOVERABLE", "INVITES_DISABLED", "RAID_ALERTS_DISABLED"})
"""Features that a bot can switch (resources/guild#guild-object-mutable-guild-features)."""


def _read_settings(call: Call) -> JSON:
    """Return the changes of a guild's other fields; null stands for the default."""
    fields, found = call.fields, dict[str, object]()
    for name, (default, allowed) in _CHOICES.items():
        if name in fields:
            value = fields.choice(name, allowed)
            found[name] = default if value is None else value
    for name, kind in _CHANNELS.items():
        if name in fields:
            id = fields.snowflake(name)
            channel = call.guild.channels.get(id or 0)
            if id is not None and (channel is None or channel.kind != kind):
                fields.refuse(name, "CHANNEL_TYPE_INVALID", "Invalid channel type")
            found[name] = channel and str(channel.id)
    for name, feature in _PICTURES.items():
        if name in fields:
            image = read_image(fields, name)
            if feature is None or feature in call.guild.features:
                found[name] = image and image.hash
    if "features" in fields:
        wanted = _SWITCHES & set(fields.texts("features", 1521, FEATURE))
        found["features"] = [*(one for one in call.guild.features if one not in _SWITCHES), *sorted(wanted)]
    if "preferred_locale" in fields:
        found["preferred_locale"] = fields.word("preferred_locale", LOCALES) or "en-US"
    if "system_channel_flags" in fields:
        found["system_channel_flags"] = fields.integer("system_channel_flags", SYSTEM_CHANNEL_FLAGS) or 0
    if "premium_progress_bar_enabled" in fields:
        found["premium_progress_bar_enabled"] = fields.boolean("premium_progress_bar_enabled") or False
    _check_community(call, found)
    return found


def _check_community(call: Call, changes: JSON) -> None:
    """Note what a community server lacks (resources/guild#modify-guild): channels, verification, a content filter."""
    after = call.guild.payload() | changes
    if "COMMUNITY" not in after["features"]:
        return
    code = "GUILD_COMMUNITY_REQUIREMENT"
    for name in ("rules_channel_id", "public_updates_channel_id"):
        if after[name] is None:
            call.fields.refuse(name, code, "Community servers must have this channel")
    if not after["verification_level"]:
        call.fields.refuse("verification_level", code, "Community servers must have at least level 1")
    if after["explicit_content_filter"] != ALL_MEMBERS:
        call.fields.refuse("explicit_content_filter", code, "Community servers must scan the media of all members")


def edit_incidents(call: Call) -> Answer:
    """Pause the invites to a guild, or direct messages between its members, for a day at most; null ends that."""
    guild, fields = call.guild, call.fields
    now = call.world.clock.time()
    known: JSON = guild.settings.get("incidents_data") or {}
    data: JSON = {"invites_disabled_until": None, "dms_disabled_until": None, **known}
    for name in ("invites_disabled_until", "dms_disabled_until"):
        if name in fields:
            until = fields.moment(name)
            if until is not None and until - now > INCIDENT.most:
                fields.refuse(name, "INCIDENT_ACTION_TOO_LONG", "Must be at most 24 hours in the future.")
            data[name] = timestamp(until) if until is not None and now < until <= now + INCIDENT.most else None
    fields.check()
    call.world.guilds.edit(guild, settings={"incidents_data": data})
    return 200, data


def get_preview(call: Call) -> Answer:
    """Return what a guild shows to users who are not in it."""
    guild = call.guild.payload()
    shown = "id name icon splash discovery_splash home_header emojis stickers features description"
    return 200, {name: guild[name] for name in shown.split()} | counts(call.guild)


def get_vanity(call: Call) -> Answer:
    """Return the code of a guild's vanity URL, null if it has none."""
    vanity = call.world.invites.vanity(call.guild)
    return 200, {"code": vanity and vanity.code, "uses": vanity.uses if vanity else 0}


def counts(guild: Guild) -> JSON:
    """Return how many members a guild has, and how many are online, as Discord roughly counts them."""
    return {
        "approximate_member_count": len(guild.members),
        "approximate_presence_count": len(guild.members),
    }


# Roles


def list_roles(call: Call) -> Answer:
    """List a guild's roles."""
    return 200, [role.payload() for role in call.guild.roles.values()]


def count_members(call: Call) -> Answer:
    """Count the members of each role but @everyone."""
    members = call.guild.members.values()
    roles = [role for role in call.guild.roles.values() if role is not call.guild.everyone]
    return 200, {str(role.id): sum(role in member.roles for member in members) for role in roles}


def get_role(call: Call) -> Answer:
    """Return a role."""
    return 200, call.role.payload()


def create_role(call: Call) -> Answer:
    """Create a role below all others; by default it is "new role" and allows what @everyone does."""
    guild, changes = call.guild, _role_changes(call)
    role = call.world.roles.add(
        guild,
        changes.get("name", "new role"),
        permissions=changes.get("permissions", guild.everyone.permissions),
        color=changes.get("color", 0),
        hoist=changes.get("hoist", False),
        mentionable=changes.get("mentionable", False),
    )
    call.log(AuditLogEvent.ROLE_CREATE, role.id, changes=changes_of(ROLE, {}, role.payload()))
    return 200, role.payload()


def edit_role(call: Call) -> Answer:
    """Change a role that is below the bot's highest."""
    role = call.role
    changes, before = _role_changes(call), role.payload()
    call.need_above(role)
    call.world.roles.edit(call.guild, role, **changes)
    call.log(AuditLogEvent.ROLE_UPDATE, role.id, changes=changes_of(ROLE, before, role.payload()))
    return 200, role.payload()


def move_roles(call: Call) -> Answer:
    """Give roles other positions; return all roles."""
    guild = call.guild
    moves = [(fields.snowflake("id", required=True), fields.integer("position", POSITION)) for fields in call.items]
    for fields in call.items:
        fields.check()
    positions: dict[Role, int] = {}
    for id, position in moves:
        role = guild.roles.get(id)
        if role is None:
            raise DiscordError(UNKNOWN_ROLE)
        if position is not None and role is not guild.everyone:
            call.need_above(role)
            positions[role] = position
    call.world.roles.move(guild, positions)
    return 200, [role.payload() for role in guild.roles.values()]


def delete_role(call: Call) -> Answer:
    """Delete a role of the guild."""
    guild, role = call.guild, call.role
    if role is guild.everyone or role.managed:
        raise DiscordError(INVALID_ROLE)
    call.need_above(role)
    call.world.roles.delete(guild, role)
    call.log(AuditLogEvent.ROLE_DELETE, role.id, changes=changes_of(ROLE, role.payload(), {}))
    return 204, None


def _role_changes(call: Call) -> RoleChanges:
    fields, colors = call.fields, call.fields.object("colors")
    color = fields.integer("color", COLOR)
    changes = present(
        name=fields.text("name", ROLE_NAME),
        permissions=fields.permissions("permissions"),
        color=color if colors is None else colors.integer("primary_color", COLOR),
        hoist=fields.boolean("hoist"),
        mentionable=fields.boolean("mentionable"),
    )
    fields.check()
    # No bot can hand out what it does not have.
    if changes.get("permissions", 0) & ~call.me.permissions:
        raise DiscordError(MISSING_PERMISSIONS)
    return cast("RoleChanges", changes)


GUILD_ROLES, A_ROLE = "/guilds/{guild}/roles", "/guilds/{guild}/roles/{role}"

ROUTES = [
    Route("GET", "/users/@me/guilds", list_mine),
    Route("DELETE", "/users/@me/guilds/{guild}", leave),
    Route("GET", "/guilds/{guild}", get),
    Route("PATCH", "/guilds/{guild}", edit, needs=Permission.MANAGE_GUILD),
    Route("PUT", "/guilds/{guild}/incident-actions", edit_incidents, needs=Permission.MANAGE_GUILD),
    Route("GET", "/guilds/{guild}/preview", get_preview),
    Route("GET", "/guilds/{guild}/vanity-url", get_vanity, needs=Permission.MANAGE_GUILD),
    Route("GET", GUILD_ROLES, list_roles),
    Route("GET", "/guilds/{guild}/roles/member-counts", count_members),
    Route("POST", GUILD_ROLES, create_role, needs=Permission.MANAGE_ROLES),
    Route("PATCH", GUILD_ROLES, move_roles, needs=Permission.MANAGE_ROLES),
    Route("GET", A_ROLE, get_role),
    Route("PATCH", A_ROLE, edit_role, needs=Permission.MANAGE_ROLES),
    Route("DELETE", A_ROLE, delete_role, needs=Permission.MANAGE_ROLES),
]
