"""Guilds over REST: their name and roles, and that the bot leaves."""

from __future__ import annotations

from aiohttp import web

from wisp.limits import Violation
from wisp.sandbox.rest.call import Answer, Lookups, Route, page, reason, wanted
from wisp.sandbox.rest.errors import (
    INVALID_GUILD,
    INVALID_ROLE,
    MISSING_PERMISSIONS,
    TOO_MANY_ROLES,
    UNKNOWN_GUILD,
    UNKNOWN_ROLE,
    Refusal,
    invalid_form,
)
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.forms import Form, path_id, read_form
from wisp.sandbox.world.audit_log import GUILD, ROLE, Deed, changes_of
from wisp.sandbox.world.bounds import COLOR, GUILD_DESCRIPTION, GUILD_NAME, POSITION, ROLE_NAME, ROLES
from wisp.sandbox.world.guilds import GuildChanges, RoleChanges
from wisp.sandbox.world.objects import JSON, TEXT, Guild, Role, is_list
from wisp.sandbox.world.permissions import Permission


class Guilds(Lookups):
    """The routes of guilds and their roles."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        roles = "/guilds/{guild}/roles"
        return [
            Route("GET", "/users/@me/guilds", self.list_mine),
            Route("DELETE", "/users/@me/guilds/{guild}", self.leave),
            Route("GET", "/guilds/{guild}", self.get_guild),
            Route("PATCH", "/guilds/{guild}", self.edit_guild),
            Route("GET", roles, self.list_roles),
            Route("POST", roles, self.create_role),
            Route("PATCH", roles, self.move_roles),
            Route("GET", roles + "/{role}", self.get_role),
            Route("PATCH", roles + "/{role}", self.edit_role),
            Route("DELETE", roles + "/{role}", self.delete_role),
        ]

    async def list_mine(self, request: web.Request) -> Answer:
        """The guilds that the bot is in, ordered by id."""
        most, before, after = page(request, most=200, default=200)
        guilds = [
            guild
            for guild in self.world.guilds.values()
            if self.world.bot.id in guild.members and after < guild.id < before
        ]
        chosen = guilds[:most] if "before" not in request.query else guilds[-most:]
        return 200, [self._mine(guild, with_counts=wanted(request, "with_counts")) for guild in chosen]

    def _mine(self, guild: Guild, *, with_counts: bool) -> JSON:
        payload: JSON = {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": guild.owner is self.world.bot,
            "permissions": str(self.me(guild).permissions),
            "features": [],
        }
        return payload | counts(guild) if with_counts else payload

    async def leave(self, request: web.Request) -> Answer:
        """Let the bot leave a guild."""
        guild = self.world.guilds.get(path_id(request, "guild"))
        if guild is None or self.world.bot.id not in guild.members:
            raise Refusal(UNKNOWN_GUILD)
        if guild.owner is self.world.bot:
            raise Refusal(INVALID_GUILD)
        self.world.remove_member(self.me(guild))
        return 204, None

    async def get_guild(self, request: web.Request) -> Answer:
        """One guild, with its counts where asked for."""
        guild = self.guild(request)
        return 200, guild.payload() | counts(guild) if wanted(request, "with_counts") else guild.payload()

    async def edit_guild(self, request: web.Request) -> Answer:
        """Change a guild's name, description or system channel."""
        guild = self.guild(request)
        fields = Fields(await read_form(request))
        changes: GuildChanges = {}
        name, number = fields.text("name", GUILD_NAME), fields.snowflake("system_channel_id")
        if name is not None:
            changes["name"] = name
        if "description" in fields:
            changes["description"] = fields.text("description", GUILD_DESCRIPTION) or None
        if "system_channel_id" in fields:
            channel = guild.channels.get(number or 0)
            if number is not None and (channel is None or channel.kind != TEXT):
                fields.refuse("system_channel_id", "CHANNEL_TYPE_INVALID", "Invalid channel type")
            changes["system_channel"] = channel
        fields.check()
        why, before = reason(request), guild.payload()
        self.need(guild, Permission.MANAGE_GUILD)
        self.world.edit_guild(guild, **changes)
        self.log(guild, Deed.GUILD_UPDATE, guild.id, why, changes=changes_of(GUILD, before, guild.payload()))
        return 200, guild.payload()

    # Roles

    async def list_roles(self, request: web.Request) -> Answer:
        """A guild's roles."""
        return 200, [role.payload() for role in self.guild(request).roles.values()]

    async def get_role(self, request: web.Request) -> Answer:
        """One role."""
        return 200, self.role(request, self.guild(request)).payload()

    async def create_role(self, request: web.Request) -> Answer:
        """Make a role, below all others; where nothing is said it is "new role" and allows what @everyone does."""
        guild = self.guild(request)
        changes = self._changes(guild, Fields(await read_form(request)))
        if len(guild.roles) >= ROLES.most:
            raise Refusal(TOO_MANY_ROLES)
        why = reason(request)
        role = self.world.add_role(
            guild,
            changes.get("name", "new role"),
            permissions=changes.get("permissions", guild.everyone.permissions),
            color=changes.get("color", 0),
            hoist=changes.get("hoist", False),
            mentionable=changes.get("mentionable", False),
        )
        self.log(guild, Deed.ROLE_CREATE, role.id, why, changes=changes_of(ROLE, {}, role.payload()))
        return 200, role.payload()

    async def edit_role(self, request: web.Request) -> Answer:
        """Change a role that is below the bot's highest."""
        guild = self.guild(request)
        role = self.role(request, guild)
        changes = self._changes(guild, Fields(await read_form(request)))
        why, before = reason(request), role.payload()
        self.need_rank(guild, role)
        self.world.edit_role(guild, role, **changes)
        self.log(guild, Deed.ROLE_UPDATE, role.id, why, changes=changes_of(ROLE, before, role.payload()))
        return 200, role.payload()

    async def move_roles(self, request: web.Request) -> Answer:
        """Give roles other positions; says all roles then."""
        guild = self.guild(request)
        form = await read_form(request)
        self.need(guild, Permission.MANAGE_ROLES)
        reason(request)
        positions: dict[Role, int] = {}
        for fields in each(form):
            number, position = fields.snowflake("id"), fields.integer("position", POSITION)
            fields.check()
            role = guild.roles.get(number or 0)
            if role is None:
                raise Refusal(UNKNOWN_ROLE)
            if position is not None and role is not guild.everyone:
                self.need_rank(guild, role)
                positions[role] = position
        self.world.move_roles(guild, positions)
        return 200, [role.payload() for role in guild.roles.values()]

    async def delete_role(self, request: web.Request) -> Answer:
        """Take a role away from the guild."""
        guild = self.guild(request)
        role = self.role(request, guild)
        why = reason(request)
        self.need(guild, Permission.MANAGE_ROLES)
        if role is guild.everyone or role.managed:
            raise Refusal(INVALID_ROLE)
        self.need_rank(guild, role)
        self.world.delete_role(guild, role)
        self.log(guild, Deed.ROLE_DELETE, role.id, why, changes=changes_of(ROLE, role.payload(), {}))
        return 204, None

    def _changes(self, guild: Guild, fields: Fields) -> RoleChanges:
        changes: RoleChanges = {}
        name, permissions = fields.text("name", ROLE_NAME), fields.permissions("permissions")
        hoist, mentionable = fields.boolean("hoist"), fields.boolean("mentionable")
        color, colors = fields.integer("color", COLOR), fields.raw("colors")
        fields.check()
        if isinstance(colors, dict):
            inner = Fields(Form(colors, {}, ("colors",)))
            color = inner.integer("primary_color", COLOR)
            inner.check()
        if name is not None:
            changes["name"] = name
        if permissions is not None:
            changes["permissions"] = permissions
        if color is not None:
            changes["color"] = color
        if hoist is not None:
            changes["hoist"] = hoist
        if mentionable is not None:
            changes["mentionable"] = mentionable
        self.need(guild, Permission.MANAGE_ROLES)
        # Nobody can hand out what they do not have.
        if (permissions or 0) & ~self.me(guild).permissions:
            raise Refusal(MISSING_PERMISSIONS)
        return changes


def each(form: Form) -> list[Fields]:
    """The objects that a form lists, each with its fields. Raises `Refusal` where it is no list."""
    if not is_list(form.payload):
        raise invalid_form(Violation((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
    return [Fields(Form(item, {}, (index,))) for index, item in enumerate(form.payload)]


def counts(guild: Guild) -> JSON:
    """How many members a guild has, and how many are online, as Discord counts roughly."""
    return {
        "approximate_member_count": len(guild.members),
        "approximate_presence_count": len(guild.members),
    }
