"""Members over REST: listing them, changing their names, roles and time-outs, kicks and bans."""

from __future__ import annotations

from collections.abc import Iterable

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    BANS_FAILED,
    INVALID_OAUTH2_TOKEN,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_IN_VOICE,
    UNKNOWN_BAN,
    UNKNOWN_CHANNEL,
    UNKNOWN_ROLE,
    WRONG_CHANNEL_TYPE,
    DiscordError,
)
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.images import keep_image, read_image
from wisp.sandbox.world.audit_log import MEMBER, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import ACCESS_TOKEN, BAN_DELETES, BIO, BULK_BAN, NICK, Bound
from wisp.sandbox.world.members import MemberChanges
from wisp.sandbox.world.objects import STAGE, VOICE, Ban, Channel, Guild, Member, Role, User
from wisp.sandbox.world.permissions import ADMINISTRATOR, Permission

MEMBER_QUERY = Bound(1, 100, "resources/guild#search-guild-members")

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
"""The permission that each field of a member needs (resources/guild#modify-guild-member)."""

_DAYS = Bound(0, 7, "resources/guild#create-guild-ban")


def list_members(call: Call) -> Answer:
    """List a guild's members, ordered by id, for bots that the members intent is switched on for."""
    limit, _, after = call.page(most=1000, default=1)
    if not call.world.application_flags & MEMBERS_INTENT:
        raise DiscordError(MISSING_ACCESS)
    found = (member for member in call.guild.members.values() if member.user.id > after)
    members = sorted(found, key=lambda member: member.user.id)
    return 200, [member.payload() for member in members[:limit]]


def search_members(call: Call) -> Answer:
    """List the members whose name or nickname begins with a text."""
    text, limit = call.query.text("query", MEMBER_QUERY, required=True).lower(), call.limit(most=1000, default=1)
    found = [
        member
        for member in call.guild.members.values()
        if member.name.lower().startswith(text) or member.user.name.lower().startswith(text)
    ]
    return 200, [member.payload() for member in found[:limit]]


def get(call: Call) -> Answer:
    """Return a member of a guild."""
    return 200, call.member.payload()


def add(call: Call) -> Answer:
    """Refuse to add a user who authorized the application: the sandbox has no OAuth2, so no user can."""
    _ = call.user  # who must exist
    call.fields.text("access_token", ACCESS_TOKEN, required=True)
    call.fields.check()
    raise DiscordError(INVALID_OAUTH2_TOKEN)


def edit_me(call: Call) -> Answer:
    """Change the bot's nickname, avatar, banner or bio in a guild; nobody in the sandbox reads a bio."""
    me, fields = call.me, call.fields
    changes: MemberChanges = {}
    nick, avatar, banner = fields.text("nick", NICK), read_image(fields, "avatar"), read_image(fields, "banner")
    fields.text("bio", BIO)
    fields.check()
    if "nick" in fields:
        call.need(Permission.CHANGE_NICKNAME)
        changes["nick"] = nick
    if "avatar" in fields:
        changes["avatar"] = avatar and avatar.hash
    if "banner" in fields:
        changes["banner"] = banner and banner.hash
    if changes:
        _edit(call, me, changes)
    for name in ("avatar", "banner"):
        keep_image(call.world, fields, name, f"guilds/{call.guild.id}/users/{me.user.id}/{name}s")
    return 200, {**me.payload(), "permissions": str(me.permissions)}


def edit_my_nick(call: Call) -> Answer:
    """Change the bot's own nickname as nextcord and interactions.py do (deprecated for `edit_me`), and return it."""
    edit_me(call)
    return 200, {"nick": call.me.nick}


def edit(call: Call) -> Answer:
    """Change a member's nickname, roles, time-out or voice channel."""
    member, fields = call.member, call.fields
    for name, permission in _NEEDED.items():
        if name in fields:
            call.need(permission)
    changes = _read_changes(call, member, fields)
    if {"nick", "timed_out_until"} & changes.keys():
        _need_above(call, member.user)
    if changes.get("timed_out_until") is not None and member.permissions & ADMINISTRATOR:
        raise DiscordError(MISSING_PERMISSIONS)
    channel = _read_voice_channel(call, member, fields)
    _edit(call, member, changes)
    if "channel_id" in fields:
        _move(call, member, channel)
    return 200, member.payload()


def _read_voice_channel(call: Call, member: Member, fields: Fields) -> Channel | None:
    """Read the voice channel that a connected member is moved to, None for out of voice.

    Raises DiscordError if they are not connected and the body has a field for members who are.
    """
    if not any(name in fields for name in ("mute", "deaf", "channel_id")):
        return None
    channel_id = fields.snowflake("channel_id")
    fields.check()
    if member.user.id not in call.guild.voice_states:
        raise DiscordError(NOT_IN_VOICE)
    if channel_id is None:
        return None
    channel = call.guild.channels.get(channel_id)
    if channel is None:
        raise DiscordError(UNKNOWN_CHANNEL)
    if channel.kind not in (VOICE, STAGE):
        raise DiscordError(WRONG_CHANNEL_TYPE)
    call.need(Permission.CONNECT | Permission.MOVE_MEMBERS, channel)
    return channel


def _move(call: Call, member: Member, channel: Channel | None) -> None:
    """Move a member to a voice channel, or disconnect them; the audit log counts them."""
    if channel is None:
        call.world.voice.leave(member)
        call.log(AuditLogEvent.MEMBER_DISCONNECT, None, options={"count": "1"})
    elif member.guild.voice_states[member.user.id].channel is not channel:
        call.world.voice.join(member, channel)
        call.log(AuditLogEvent.MEMBER_MOVE, None, options={"channel_id": str(channel.id), "count": "1"})


def _edit(call: Call, member: Member, changes: MemberChanges) -> None:
    """Change a member; the audit log has the roles apart from the rest."""
    before, roles = member.payload(), list(member.roles)
    call.world.members.edit(member, **changes)
    call.log(AuditLogEvent.MEMBER_UPDATE, member.user.id, changes=changes_of(MEMBER, before, member.payload()))
    differing = [
        {"key": key, "new_value": [{"id": str(role.id), "name": role.name} for role in found]}
        for key, found in (
            ("$add", [role for role in member.roles if role not in roles]),
            ("$remove", [role for role in roles if role not in member.roles]),
        )
        if found
    ]
    call.log(AuditLogEvent.MEMBER_ROLES, member.user.id, changes=differing)


def _read_changes(call: Call, member: Member, fields: Fields) -> MemberChanges:
    changes: MemberChanges = {}
    if "nick" in fields:
        changes["nick"] = fields.text("nick", NICK)
    if "communication_disabled_until" in fields:
        changes["timed_out_until"] = fields.moment("communication_disabled_until")
    for name in ("mute", "deaf"):
        if (value := fields.boolean(name)) is not None:
            changes[name] = value
    role_ids = fields.snowflakes("roles", 350)
    fields.check()
    if "roles" in fields:
        changes["roles"] = _assignable(call, member, role_ids)
    return changes


def _assignable(call: Call, member: Member, ids: Iterable[int]) -> list[Role]:
    """Return the roles that a member is to have. Raises DiscordError if the bot may not give or take one of them."""
    guild = call.guild
    if any(id not in guild.roles for id in ids):
        raise DiscordError(UNKNOWN_ROLE)
    wanted = [guild.roles[id] for id in ids if id != guild.id]
    for role in {*wanted} ^ {*member.roles}:
        call.need_above(role)
        if role.managed:
            raise DiscordError(MISSING_PERMISSIONS)
    return wanted


def give_role(call: Call) -> Answer:
    """Give a member a role."""
    member, role = _with_role(call)
    if role not in member.roles:
        _edit(call, member, {"roles": [*member.roles, role]})
    return 204, None


def take_role(call: Call) -> Answer:
    """Take a role from a member."""
    member, role = _with_role(call)
    if role in member.roles:
        _edit(call, member, {"roles": [other for other in member.roles if other is not role]})
    return 204, None


def _with_role(call: Call) -> tuple[Member, Role]:
    """Return the member and the role in the path, which the bot may give and take."""
    member, role = call.member, call.role
    call.need_above(role)
    if role.managed or role is call.guild.everyone:
        raise DiscordError(MISSING_PERMISSIONS)
    return member, role


def kick(call: Call) -> Answer:
    """Kick a member."""
    user = call.member.user
    _need_above(call, user)
    if user is call.world.bot:
        raise DiscordError(MISSING_PERMISSIONS)
    call.world.members.remove(call.member, how="kicked")
    call.log(AuditLogEvent.KICK, user.id)
    return 204, None


# Bans


def list_bans(call: Call) -> Answer:
    """List a guild's bans, ordered by the users' ids."""
    (limit, before, after), bans = call.page(most=1000, default=1000), call.guild.bans
    found = [bans[id] for id in sorted(bans) if after < id < before]
    chosen = found[-limit:] if "before" in call.query else found[:limit]
    return 200, [ban.payload() for ban in chosen]


def get_ban(call: Call) -> Answer:
    """Return a ban."""
    return 200, _ban_in_path(call).payload()


def ban(call: Call) -> Answer:
    """Ban a user, a member or not."""
    user, fields = call.user, call.fields
    seconds, days = _read_seconds(fields), fields.integer("delete_message_days", _DAYS) or 0
    fields.check()
    _need_above(call, user)
    if user is call.world.bot:
        raise DiscordError(MISSING_PERMISSIONS)
    _ban(call, user, seconds or days * 86_400)
    return 204, None


def bulk_ban(call: Call) -> Answer:
    """Ban up to 200 users; the answer names those who cannot be banned, and the bot itself is passed over."""
    guild, fields = call.guild, call.fields
    ids = dict.fromkeys(fields.snowflakes("user_ids", BULK_BAN.most))
    if fields.raw("user_ids") in (None, []):
        fields.refuse("user_ids", "BASE_TYPE_REQUIRED", "This field is required")
    seconds = _read_seconds(fields)
    fields.check()
    users = [user for id in ids if (user := call.world.users.get(id)) and _can_ban(call, guild, user)]
    for user in users:
        _ban(call, user, seconds)
    banned = {user.id for user in users}
    ids.pop(call.world.bot.id, None)
    if ids and not banned:
        raise DiscordError(BANS_FAILED)
    failed = [str(id) for id in ids if id not in banned]
    return 200, {"banned_users": [str(id) for id in banned], "failed_users": failed}


def unban(call: Call) -> Answer:
    """Lift a ban."""
    user = _ban_in_path(call).user
    call.world.members.unban(call.guild, user)
    call.log(AuditLogEvent.UNBAN, user.id)
    return 204, None


def _ban(call: Call, user: User, delete_seconds: int) -> None:
    if user.id not in call.guild.bans:
        call.world.members.ban(call.guild, user, reason=call.reason, delete_seconds=delete_seconds)
        call.log(AuditLogEvent.BAN, user.id)


def _ban_in_path(call: Call) -> Ban:
    ban = call.guild.bans.get(call.path_id("user"))
    if ban is None:
        raise DiscordError(UNKNOWN_BAN)
    return ban


def _read_seconds(fields: Fields) -> int:
    """Read for how many seconds back the messages of a banned user are deleted."""
    return fields.integer("delete_message_seconds", BAN_DELETES) or 0


def _can_ban(call: Call, guild: Guild, user: User) -> bool:
    member = guild.members.get(user.id)
    above = member is None or call.me.outranks(member)
    return above and user is not call.world.bot and user is not guild.owner and user.id not in guild.bans


def _need_above(call: Call, user: User) -> None:
    """Raise DiscordError if a member is not below the bot, which may act on itself."""
    member = call.guild.members.get(user.id)
    if member is not None and user is not call.world.bot and not call.me.outranks(member):
        raise DiscordError(MISSING_PERMISSIONS)


MEMBERS, A_MEMBER = "/guilds/{guild}/members", "/guilds/{guild}/members/{user}"
A_ROLE, BANS, A_BAN = A_MEMBER + "/roles/{role}", "/guilds/{guild}/bans", "/guilds/{guild}/bans/{user}"
BAN = Permission.BAN_MEMBERS

ROUTES = [
    Route("GET", MEMBERS, list_members),
    Route("GET", MEMBERS + "/search", search_members),
    Route("PATCH", MEMBERS + "/@me", edit_me),
    Route("PATCH", MEMBERS + "/@me/nick", edit_my_nick),
    Route("GET", A_MEMBER, get),
    Route("PUT", A_MEMBER, add, needs=Permission.CREATE_INSTANT_INVITE),
    Route("PATCH", A_MEMBER, edit),
    Route("DELETE", A_MEMBER, kick, needs=Permission.KICK_MEMBERS),
    Route("PUT", A_ROLE, give_role, needs=Permission.MANAGE_ROLES),
    Route("DELETE", A_ROLE, take_role, needs=Permission.MANAGE_ROLES),
    Route("GET", BANS, list_bans, needs=BAN),
    Route("GET", A_BAN, get_ban, needs=BAN),
    Route("PUT", A_BAN, ban, needs=BAN),
    Route("DELETE", A_BAN, unban, needs=BAN),
    Route("POST", "/guilds/{guild}/bulk-ban", bulk_ban, needs=BAN | Permission.MANAGE_GUILD),
]
