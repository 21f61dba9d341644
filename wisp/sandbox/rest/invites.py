"""Invites over REST: creating them for a channel, looking them up, revoking them."""

from __future__ import annotations

from collections.abc import Sequence

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import MISSING_PERMISSIONS, UNKNOWN_INVITE, UNKNOWN_ROLE, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.guilds import counts
from wisp.sandbox.world.audit_log import INVITE, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import INVITE_AGE, INVITE_USES
from wisp.sandbox.world.invites import DAY, Invite
from wisp.sandbox.world.objects import JSON, Channel, Role
from wisp.sandbox.world.permissions import Permission

STREAM, EMBEDDED_APPLICATION = 1, 2
"""What an invite to a voice channel can point at."""


def list_of_channel(call: Call) -> Answer:
    """List the invites to a channel, with their metadata."""
    return 200, [invite.payload() | invite.metadata() for invite in call.world.invites.of(call.landing_channel)]


def list_of_guild(call: Call) -> Answer:
    """List the invites to a guild, with their metadata for bots that manage it."""
    manages = call.may(Permission.MANAGE_GUILD)
    if not manages:
        call.need(Permission.VIEW_AUDIT_LOG)
    found = call.world.invites.of(call.guild)
    return 200, [invite.payload() | (invite.metadata() if manages else {}) for invite in found]


def create(call: Call) -> Answer:
    """Create an invite to a channel, or return the same one if the bot has created it already."""
    channel, fields = call.landing_channel, call.fields
    max_age, max_uses = fields.integer("max_age", INVITE_AGE), fields.integer("max_uses", INVITE_USES) or 0
    temporary, unique = fields.boolean("temporary") or False, fields.boolean("unique")
    role_ids = fields.snowflakes("role_ids", 250)
    _refuse_targets(fields)
    fields.check()
    wanted = DAY if max_age is None else max_age, max_uses, temporary, _roles(call, role_ids)
    if not unique and (same := _like(call, channel, wanted)) is not None:
        return 200, same.payload() | same.metadata()
    max_age, max_uses, temporary, roles = wanted
    invite = call.world.invites.add(
        channel, call.world.bot, max_age=max_age, max_uses=max_uses, temporary=temporary, roles=roles
    )
    call.log(AuditLogEvent.INVITE_CREATE, None, changes=changes_of(INVITE, {}, _logged(invite)))
    return 200, invite.payload() | invite.metadata()


def get(call: Call) -> Answer:
    """Return an invite, with the counts of its guild if they are asked for."""
    invite = _invite(call)
    return 200, invite.payload() | (counts(invite.guild) if call.flag("with_counts") else {})


def delete(call: Call) -> Answer:
    """Revoke an invite and return what it was."""
    invite = _invite(call)
    if invite is call.world.invites.vanity(invite.guild):
        raise DiscordError(UNKNOWN_INVITE)
    if call.world.bot.id not in invite.guild.members:
        raise DiscordError(MISSING_PERMISSIONS)
    if not call.may(Permission.MANAGE_CHANNELS, invite.channel):
        call.need(Permission.MANAGE_GUILD, invite.guild)
    call.world.invites.delete(invite)
    call.log(AuditLogEvent.INVITE_DELETE, None, guild=invite.guild, changes=changes_of(INVITE, _logged(invite), {}))
    return 200, invite.payload()


def _refuse_targets(fields: Fields) -> None:
    """Note targets of an invite: no user streams in the sandbox, and it has no activities."""
    kind = fields.choice("target_type", (STREAM, EMBEDDED_APPLICATION))
    if kind == STREAM or fields.snowflake("target_user_id") is not None:
        fields.refuse("target_user_id", "GUILD_INVITE_INVALID_TARGET_USER_ID", "Invalid target user id")
    if kind == EMBEDDED_APPLICATION or fields.snowflake("target_application_id") is not None:
        words = "Invalid target application id"
        fields.refuse("target_application_id", "GUILD_INVITE_INVALID_TARGET_APPLICATION_ID", words)


def _roles(call: Call, ids: Sequence[int]) -> list[Role]:
    """Return the roles that an invite gives, which the bot must be able to give."""
    if ids:
        call.need(Permission.MANAGE_ROLES, call.guild)
    roles: list[Role] = []
    for id in dict.fromkeys(ids):
        role = call.guild.roles.get(id)
        if role is None:
            raise DiscordError(UNKNOWN_ROLE)
        call.need_above(role)
        if role.managed or role is call.guild.everyone:
            raise DiscordError(MISSING_PERMISSIONS)
        roles.append(role)
    return roles


def _like(call: Call, channel: Channel, wanted: tuple[int, int, bool, list[Role]]) -> Invite | None:
    for one in call.world.invites.of(channel):
        if one.inviter is call.world.bot and (one.max_age, one.max_uses, one.temporary, one.roles) == wanted:
            return one
    return None


def _invite(call: Call) -> Invite:
    invite = call.world.invites.find(call.path["code"])
    if invite is None:
        raise DiscordError(UNKNOWN_INVITE)
    return invite


def _logged(invite: Invite) -> JSON:
    """Return an invite's fields as the audit log names them."""
    return {**invite.place(), **invite.metadata(), "inviter_id": invite.inviter and str(invite.inviter.id)}


OF_CHANNEL, AN_INVITE = "/channels/{channel}/invites", "/invites/{code}"

ROUTES = [
    Route("GET", OF_CHANNEL, list_of_channel, needs=Permission.MANAGE_CHANNELS),
    Route("POST", OF_CHANNEL, create, needs=Permission.CREATE_INSTANT_INVITE),
    Route("GET", "/guilds/{guild}/invites", list_of_guild),
    Route("GET", AN_INVITE, get, bot=False),
    Route("DELETE", AN_INVITE, delete),
]
