"""Members over REST: who is in a guild, what they are called and may do there, kicks, bans and time-outs."""

from __future__ import annotations

from aiohttp import web

from wisp.limits import Violation
from wisp.sandbox.rest.call import Answer, Lookups, Route, limit, page, reason
from wisp.sandbox.rest.errors import (
    BANS_FAILED,
    INVALID_OAUTH2_TOKEN,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_IN_VOICE,
    UNKNOWN_BAN,
    UNKNOWN_ROLE,
    Refusal,
    invalid_form,
)
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.forms import path_id, read_form
from wisp.sandbox.world.audit_log import MEMBER, Deed, changes_of
from wisp.sandbox.world.bounds import ACCESS_TOKEN, BAN_DELETES, BULK_BAN, NICK, TIME_OUT, Bound
from wisp.sandbox.world.guilds import MemberChanges
from wisp.sandbox.world.objects import Guild, Member, Role, User
from wisp.sandbox.world.permissions import ADMINISTRATOR, Permission

MEMBERS_INTENT = 1 << 14 | 1 << 15
"""Application flags of a bot that the members intent is switched on for."""

_NEEDED = {
    "nick": Permission.MANAGE_NICKNAMES,
    "roles": Permission.MANAGE_ROLES,
    "mute": Permission.MUTE_MEMBERS,
    "deaf": Permission.DEAFEN_MEMBERS,
    "channel_id": Permission.MOVE_MEMBERS,
    "communication_disabled_until": Permission.MODERATE_MEMBERS,
}
"""What each field of a member takes to change (resources/guild#modify-guild-member)."""


class Members(Lookups):
    """The routes under /guilds/{guild}/members and /guilds/{guild}/bans."""

    def routes(self) -> list[Route]:
        """Their rows of the table: what is named by a word stands before what is named by an id."""
        members, bans = "/guilds/{guild}/members", "/guilds/{guild}/bans"
        return [
            Route("GET", members, self.list_members),
            Route("GET", members + "/search", self.search_members),
            Route("PATCH", members + "/@me", self.edit_me),
            Route("GET", members + "/{user}", self.get_member),
            Route("PUT", members + "/{user}", self.add),
            Route("PATCH", members + "/{user}", self.edit_member),
            Route("DELETE", members + "/{user}", self.kick),
            Route("PUT", members + "/{user}/roles/{role}", self.give_role),
            Route("DELETE", members + "/{user}/roles/{role}", self.take_role),
            Route("GET", bans, self.list_bans),
            Route("GET", bans + "/{user}", self.get_ban),
            Route("PUT", bans + "/{user}", self.ban),
            Route("DELETE", bans + "/{user}", self.unban),
            Route("POST", "/guilds/{guild}/bulk-ban", self.bulk_ban),
        ]

    async def list_members(self, request: web.Request) -> Answer:
        """A guild's members, ordered by id; for bots that the members intent is switched on for."""
        guild, (most, _, after) = self.guild(request), page(request, most=1000, default=1)
        if not self.world.application_flags & MEMBERS_INTENT:
            raise Refusal(MISSING_ACCESS)
        members = sorted((m for m in guild.members.values() if m.user.id > after), key=lambda member: member.user.id)
        return 200, [member.payload() for member in members[:most]]

    async def search_members(self, request: web.Request) -> Answer:
        """The members whose name or nickname begins with a text."""
        guild, most = self.guild(request), limit(request, most=1000, default=1)
        text = request.query.get("query", "").lower()
        if not 1 <= len(text) <= 100:
            raise invalid_form(Violation(("query",), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length."))
        found = [m for m in guild.members.values() if any(n.lower().startswith(text) for n in (m.name, m.user.name))]
        return 200, [member.payload() for member in found[:most]]

    async def get_member(self, request: web.Request) -> Answer:
        """One member of a guild."""
        return 200, self.member(request, self.guild(request)).payload()

    async def add(self, request: web.Request) -> Answer:
        """Let a user join who allowed the application that: nobody can in the sandbox, which has no OAuth2."""
        guild = self.guild(request)
        self.user(request)
        fields = Fields(await read_form(request))
        fields.text("access_token", ACCESS_TOKEN, required=True)
        fields.check()
        self.need(guild, Permission.CREATE_INSTANT_INVITE)
        raise Refusal(INVALID_OAUTH2_TOKEN)

    async def edit_me(self, request: web.Request) -> Answer:
        """Change the bot's own nickname."""
        guild = self.guild(request)
        me, fields = self.me(guild), Fields(await read_form(request))
        nick = fields.text("nick", NICK)
        fields.check()
        why = reason(request)
        if "nick" in fields:
            self.need(guild, Permission.CHANGE_NICKNAME)
            self._edit(me, {"nick": nick}, why)
        return 200, {**me.payload(), "permissions": str(me.permissions)}

    async def edit_member(self, request: web.Request) -> Answer:
        """Change a member's nickname, roles or time-out."""
        guild = self.guild(request)
        member, fields = self.member(request, guild), Fields(await read_form(request))
        why = reason(request)
        changes = self._changes(guild, member, fields)
        for name, permission in _NEEDED.items():
            if name in fields:
                self.need(guild, permission)
        if {"nick", "timed_out_until"} & changes.keys():
            self._need_above(guild, member.user)
        if changes.get("timed_out_until") is not None and member.permissions & ADMINISTRATOR:
            raise Refusal(MISSING_PERMISSIONS)
        if {"mute", "deaf", "channel_id"} & {name for name in _NEEDED if name in fields}:
            # Nobody in the sandbox is in a voice channel.
            raise Refusal(NOT_IN_VOICE)
        self._edit(member, changes, why)
        return 200, member.payload()

    def _edit(self, member: Member, changes: MemberChanges, why: str | None) -> None:
        """Change a member; the audit log tells of roles apart from the rest."""
        before, roles = member.payload(), list(member.roles)
        self.world.edit_member(member, **changes)
        told = changes_of(MEMBER, before, member.payload())
        self.log(member.guild, Deed.MEMBER_UPDATE, member.user.id, why, changes=told)
        differing = [
            {"key": key, "new_value": [{"id": str(role.id), "name": role.name} for role in found]}
            for key, found in (
                ("$add", [role for role in member.roles if role not in roles]),
                ("$remove", [role for role in roles if role not in member.roles]),
            )
            if found
        ]
        self.log(member.guild, Deed.MEMBER_ROLES, member.user.id, why, changes=differing)

    def _changes(self, guild: Guild, member: Member, fields: Fields) -> MemberChanges:
        changes: MemberChanges = {}
        if "nick" in fields:
            changes["nick"] = fields.text("nick", NICK)
        if "communication_disabled_until" in fields:
            until = changes["timed_out_until"] = fields.moment("communication_disabled_until")
            if until is not None and until - self.world.clock.time() > TIME_OUT.most:
                words = "Invalid communication disabled timestamp"
                fields.refuse("communication_disabled_until", "INVALID_COMMUNICATION_DISABLED_TIMESTAMP", words)
        numbers = fields.snowflakes("roles", 350)
        fields.check()
        if "roles" in fields:
            unknown = [number for number in numbers if number not in guild.roles]
            if unknown:
                raise Refusal(UNKNOWN_ROLE)
            wanted = [guild.roles[number] for number in numbers if number != guild.id]
            for role in {*wanted} ^ {*member.roles}:
                self.need_rank(guild, role)
                if role.managed:
                    raise Refusal(MISSING_PERMISSIONS)
            changes["roles"] = wanted
        return changes

    async def give_role(self, request: web.Request) -> Answer:
        """Give a member a role."""
        member, role, why = self._with_role(request)
        if role not in member.roles:
            self._edit(member, {"roles": [*member.roles, role]}, why)
        return 204, None

    async def take_role(self, request: web.Request) -> Answer:
        """Take a role from a member."""
        member, role, why = self._with_role(request)
        if role in member.roles:
            self._edit(member, {"roles": [other for other in member.roles if other is not role]}, why)
        return 204, None

    def _with_role(self, request: web.Request) -> tuple[Member, Role, str | None]:
        """The member and the role in the path, which the bot may give and take; and why it does."""
        guild = self.guild(request)
        member, role = self.member(request, guild), self.role(request, guild)
        why = reason(request)
        self.need(guild, Permission.MANAGE_ROLES)
        self.need_rank(guild, role)
        if role.managed or role is guild.everyone:
            raise Refusal(MISSING_PERMISSIONS)
        return member, role, why

    async def kick(self, request: web.Request) -> Answer:
        """Remove a member."""
        guild = self.guild(request)
        member = self.member(request, guild)
        why = reason(request)
        self.need(guild, Permission.KICK_MEMBERS)
        self._need_above(guild, member.user)
        if member.user is self.world.bot:
            raise Refusal(MISSING_PERMISSIONS)
        self.world.remove_member(member, how="kicked")
        self.log(guild, Deed.KICK, member.user.id, why)
        return 204, None

    # Bans

    async def list_bans(self, request: web.Request) -> Answer:
        """A guild's bans, ordered by the users' ids."""
        guild, (most, before, after) = self.guild(request), page(request, most=1000, default=1000)
        self.need(guild, Permission.BAN_MEMBERS)
        found = [guild.bans[number] for number in sorted(guild.bans) if after < number < before]
        chosen = found[-most:] if "before" in request.query else found[:most]
        return 200, [ban.payload() for ban in chosen]

    async def get_ban(self, request: web.Request) -> Answer:
        """One ban."""
        guild = self.guild(request)
        self.need(guild, Permission.BAN_MEMBERS)
        ban = guild.bans.get(path_id(request, "user"))
        if ban is None:
            raise Refusal(UNKNOWN_BAN)
        return 200, ban.payload()

    async def ban(self, request: web.Request) -> Answer:
        """Ban a user, a member or not."""
        guild = self.guild(request)
        user, fields = self.user(request), Fields(await read_form(request))
        seconds = self._delete_seconds(fields)
        days = fields.integer("delete_message_days", _DAYS)
        fields.check()
        self.need(guild, Permission.BAN_MEMBERS)
        self._need_above(guild, user)
        if user is self.world.bot:
            raise Refusal(MISSING_PERMISSIONS)
        self._ban(guild, user, reason(request), seconds or (days or 0) * 86_400)
        return 204, None

    async def bulk_ban(self, request: web.Request) -> Answer:
        """Ban up to 200 users; those who cannot be are named in the answer, the bot itself is passed over."""
        guild = self.guild(request)
        fields = Fields(await read_form(request))
        numbers = dict.fromkeys(fields.snowflakes("user_ids", BULK_BAN.most))
        if not numbers:
            fields.refuse("user_ids", "BASE_TYPE_REQUIRED", "This field is required")
        seconds = self._delete_seconds(fields)
        fields.check()
        self.need(guild, Permission.BAN_MEMBERS)
        self.need(guild, Permission.MANAGE_GUILD)
        why = reason(request)
        users = [user for number in numbers if (user := self.world.users.get(number)) and self._can_ban(guild, user)]
        for user in users:
            self._ban(guild, user, why, seconds)
        banned = {user.id for user in users}
        numbers.pop(self.world.bot.id, None)
        if numbers and not banned:
            raise Refusal(BANS_FAILED)
        failed = [str(number) for number in numbers if number not in banned]
        return 200, {"banned_users": [str(number) for number in banned], "failed_users": failed}

    def _ban(self, guild: Guild, user: User, why: str | None, delete_seconds: int) -> None:
        if user.id not in guild.bans:
            self.world.ban(guild, user, reason=why, delete_seconds=delete_seconds)
            self.log(guild, Deed.BAN, user.id, why)

    async def unban(self, request: web.Request) -> Answer:
        """Let a banned user come back."""
        guild = self.guild(request)
        self.need(guild, Permission.BAN_MEMBERS)
        why = reason(request)
        ban = guild.bans.get(path_id(request, "user"))
        if ban is None:
            raise Refusal(UNKNOWN_BAN)
        self.world.unban(guild, ban.user)
        self.log(guild, Deed.UNBAN, ban.user.id, why)
        return 204, None

    def _delete_seconds(self, fields: Fields) -> int:
        return fields.integer("delete_message_seconds", BAN_DELETES) or 0

    def _can_ban(self, guild: Guild, user: User) -> bool:
        member = guild.members.get(user.id)
        above = member is None or self.me(guild).outranks(member)
        return above and user is not self.world.bot and user is not guild.owner and user.id not in guild.bans

    def _need_above(self, guild: Guild, user: User) -> None:
        """Refuse where a member does not stand below the bot, which may act on itself."""
        member = guild.members.get(user.id)
        if member is not None and user is not self.world.bot and not self.me(guild).outranks(member):
            raise Refusal(MISSING_PERMISSIONS)


_DAYS = Bound(0, 7, "resources/guild#create-guild-ban")
