"""Guilds over REST: their name and roles, and that the bot leaves."""

from __future__ import annotations

from typing import cast

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
from wisp.sandbox.world.bounds import COLOR, GUILD_DESCRIPTION, GUILD_NAME, POSITION, ROLE_NAME
from wisp.sandbox.world.guilds import GuildChanges
from wisp.sandbox.world.objects import JSON, TEXT, Guild, Role
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.roles import RoleChanges


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
        "banner": None,
        "owner": guild.owner is call.world.bot,
        "permissions": str(call.permissions(guild)),
        "features": [],
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
    """Change a guild's name, description, icon or system channel."""
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
    if "icon" in fields:
        icon = read_image(fields, "icon")
        changes["settings"] = {"icon": icon and icon.hash}
    fields.check()
    before = guild.payload()
    call.world.guilds.edit(guild, **changes)
    keep_image(call.world, fields, "icon", f"icons/{guild.id}")
    call.log(AuditLogEvent.GUILD_UPDATE, guild.id, changes=changes_of(GUILD, before, guild.payload()))
    return 200, guild.payload()


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
    Route("GET", GUILD_ROLES, list_roles),
    Route("POST", GUILD_ROLES, create_role, needs=Permission.MANAGE_ROLES),
    Route("PATCH", GUILD_ROLES, move_roles, needs=Permission.MANAGE_ROLES),
    Route("GET", A_ROLE, get_role),
    Route("PATCH", A_ROLE, edit_role, needs=Permission.MANAGE_ROLES),
    Route("DELETE", A_ROLE, delete_role, needs=Permission.MANAGE_ROLES),
]
