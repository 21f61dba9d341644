"""Prunes over REST: taking those out of a guild who have not been there for days, or counting them."""

from __future__ import annotations

import re

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route, reason
from wisp.sandbox.rest.errors import snowflake
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.rest.forms import Form, read_form
from wisp.sandbox.world.audit_log import Deed
from wisp.sandbox.world.bounds import PRUNE_DAYS
from wisp.sandbox.world.objects import Guild, Member
from wisp.sandbox.world.permissions import Permission

WEEK = 7
DAY = 86_400


class Prunes(Lookups):
    """The routes of prunes."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        return [
            Route("GET", "/guilds/{guild}/prune", self.count),
            Route("POST", "/guilds/{guild}/prune", self.prune),
        ]

    async def count(self, request: web.Request) -> Answer:
        """How many members a prune would take out."""
        guild = self.guild(request)
        fields = Fields(Form(dict(request.query), {}))
        days, roles = fields.integer("days", PRUNE_DAYS), _roles(fields)
        fields.check()
        self._need(guild)
        return 200, {"pruned": len(self._idle(guild, days or WEEK, roles))}

    async def prune(self, request: web.Request) -> Answer:
        """Take the members out who have not been there; says how many unless that is not asked for."""
        guild = self.guild(request)
        fields = Fields(await read_form(request))
        days, roles, told = fields.integer("days", PRUNE_DAYS), _roles(fields), fields.boolean("compute_prune_count")
        fields.check()
        why = reason(request)
        self._need(guild)
        members = self._idle(guild, days or WEEK, roles)
        for member in members:
            self.world.remove_member(member, how="kicked")
        options = {"delete_member_days": str(days or WEEK), "members_removed": str(len(members))}
        self.log(guild, Deed.PRUNE, None, why, options=options)
        return 200, {"pruned": None if told is False else len(members)}

    def _need(self, guild: Guild) -> None:
        self.need(guild, Permission.MANAGE_GUILD)
        self.need(guild, Permission.KICK_MEMBERS)

    def _idle(self, guild: Guild, days: int, roles: set[int]) -> list[Member]:
        """The people with none but these roles who came more than `days` ago, did nothing since and are not online.

        Who they are on Discord is told by when they were last online there; here by when they last wrote something, or
        used something of the bot's that it answered.
        """
        since = self.world.clock.time() - days * DAY
        active = {number for number, presence in self.world.presences.items() if presence["status"] != "offline"}
        for channel in (*guild.channels.values(), *guild.threads.values()):
            for message in channel.messages.values():
                if message.created >= since:
                    active.add(message.author.id)
                    active.update([message.interaction.user.id] if message.interaction else [])
        return [
            member
            for member in guild.members.values()
            if member.joined < since
            and member.user.id not in active
            and not member.user.bot
            and member.user is not guild.owner
            and {role.id for role in member.roles} <= roles
        ]


def _roles(fields: Fields) -> set[int]:
    """The roles that do not keep somebody in: a list of ids, or one text with commas."""
    given = fields.raw("include_roles")
    if not isinstance(given, str):
        return set(fields.snowflakes("include_roles", 100))
    return {snowflake(part, ("include_roles",)) for part in re.split(r"\s*,\s*", given) if part}
