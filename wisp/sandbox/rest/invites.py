"""Invites over REST: making them for a channel, looking them up, taking them back."""

from __future__ import annotations

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route, reason, wanted
from wisp.sandbox.rest.errors import MISSING_PERMISSIONS, TOO_MANY_INVITES, UNKNOWN_INVITE, UNKNOWN_ROLE, Refusal
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.forms import read_form
from wisp.sandbox.rest.guilds import counts
from wisp.sandbox.world.audit_log import INVITE, Deed, changes_of
from wisp.sandbox.world.belongings import DAY, Invite
from wisp.sandbox.world.bounds import INVITE_AGE, INVITE_USES, INVITES
from wisp.sandbox.world.objects import JSON, Channel, Guild, Role
from wisp.sandbox.world.permissions import Permission

STREAM, EMBEDDED_APPLICATION = 1, 2
"""What an invite to a voice channel can point at."""


class Invites(Lookups):
    """The routes of invites."""

    def routes(self) -> list[Route]:
        """Their rows of the table; to look an invite up takes no token."""
        of_channel, invite = "/channels/{channel}/invites", "/invites/{code}"
        return [
            Route("GET", of_channel, self.list_of_channel),
            Route("POST", of_channel, self.create),
            Route("GET", "/guilds/{guild}/invites", self.list_of_guild),
            Route("GET", invite, self.get, bot=False),
            Route("DELETE", invite, self.delete),
        ]

    async def list_of_channel(self, request: web.Request) -> Answer:
        """The invites to a channel, with their metadata."""
        channel = self.channel(request)
        self.guild_of(channel)
        self.need(channel, Permission.MANAGE_CHANNELS)
        return 200, [invite.payload() | invite.metadata() for invite in self.world.invites_of(channel)]

    async def list_of_guild(self, request: web.Request) -> Answer:
        """The invites to a guild, with their metadata for who manages it."""
        guild = self.guild(request)
        manages = self.may(guild, Permission.MANAGE_GUILD)
        if not manages:
            self.need(guild, Permission.VIEW_AUDIT_LOG)
        found = self.world.invites_of(guild)
        return 200, [invite.payload() | (invite.metadata() if manages else {}) for invite in found]

    async def create(self, request: web.Request) -> Answer:
        """Make an invite to a channel, or say the one like it that the bot made already."""
        channel = self.channel(request)
        guild = self.guild_of(channel)
        fields = Fields(await read_form(request))
        age, uses = fields.integer("max_age", INVITE_AGE), fields.integer("max_uses", INVITE_USES)
        temporary, unique = fields.boolean("temporary") or False, fields.boolean("unique")
        numbers = fields.snowflakes("role_ids", 250)
        self._refuse_targets(fields)
        fields.check()
        why = reason(request)
        self.need(channel, Permission.CREATE_INSTANT_INVITE)
        wished = (DAY if age is None else age, uses or 0, temporary, self._roles(guild, numbers))
        if not unique and (same := self._like(channel, wished)) is not None:
            return 200, same.payload() | same.metadata()
        if len(self.world.invites_of(guild)) >= INVITES.most:
            raise Refusal(TOO_MANY_INVITES)
        age, uses, temporary, roles = wished
        invite = self.world.add_invite(
            channel, self.world.bot, max_age=age, max_uses=uses, temporary=temporary, roles=roles
        )
        self.log(guild, Deed.INVITE_CREATE, None, why, changes=changes_of(INVITE, {}, _told(invite)))
        return 200, invite.payload() | invite.metadata()

    async def get(self, request: web.Request) -> Answer:
        """One invite, with the counts of its guild where asked for."""
        invite = self._invite(request)
        return 200, invite.payload() | (counts(invite.guild) if wanted(request, "with_counts") else {})

    async def delete(self, request: web.Request) -> Answer:
        """Take an invite back; says what it was."""
        invite = self._invite(request)
        why = reason(request)
        if self.world.bot.id not in invite.guild.members:
            raise Refusal(MISSING_PERMISSIONS)
        if not self.may(invite.channel, Permission.MANAGE_CHANNELS):
            self.need(invite.guild, Permission.MANAGE_GUILD)
        self.world.delete_invite(invite)
        self.log(invite.guild, Deed.INVITE_DELETE, None, why, changes=changes_of(INVITE, _told(invite), {}))
        return 200, invite.payload()

    def _refuse_targets(self, fields: Fields) -> None:
        """Note what an invite cannot point at: nobody streams in the sandbox, and it has no activities."""
        kind = fields.choice("target_type", (STREAM, EMBEDDED_APPLICATION))
        if kind == STREAM or fields.snowflake("target_user_id") is not None:
            fields.refuse("target_user_id", "GUILD_INVITE_INVALID_TARGET_USER_ID", "Invalid target user id")
        if kind == EMBEDDED_APPLICATION or fields.snowflake("target_application_id") is not None:
            words = "Invalid target application id"
            fields.refuse("target_application_id", "GUILD_INVITE_INVALID_TARGET_APPLICATION_ID", words)

    def _roles(self, guild: Guild, numbers: list[int]) -> list[Role]:
        """The roles that an invite gives, which the bot must be able to give."""
        if numbers:
            self.need(guild, Permission.MANAGE_ROLES)
        roles: list[Role] = []
        for number in dict.fromkeys(numbers):
            role = guild.roles.get(number)
            if role is None:
                raise Refusal(UNKNOWN_ROLE)
            self.need_rank(guild, role)
            if role.managed or role is guild.everyone:
                raise Refusal(MISSING_PERMISSIONS)
            roles.append(role)
        return roles

    def _like(self, channel: Channel, wished: tuple[int, int, bool, list[Role]]) -> Invite | None:
        for one in self.world.invites_of(channel):
            if one.inviter is self.world.bot and (one.max_age, one.max_uses, one.temporary, one.roles) == wished:
                return one
        return None

    def _invite(self, request: web.Request) -> Invite:
        invite = self.world.invite(request.match_info["code"])
        if invite is None:
            raise Refusal(UNKNOWN_INVITE)
        return invite


def _told(invite: Invite) -> JSON:
    """An invite's fields as the audit log names them."""
    return {**invite.place(), **invite.metadata(), "inviter_id": str(invite.inviter.id)}
