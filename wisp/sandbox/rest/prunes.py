"""Prunes over REST: kicking the members of a guild who have not been there for days, or counting them."""

from __future__ import annotations

import re

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.bounds import PRUNE_DAYS
from wisp.sandbox.world.objects import Member
from wisp.sandbox.world.permissions import Permission

WEEK = 7
DAY = 86_400


def count(call: Call) -> Answer:
    """Count the members that a prune would kick."""
    days, role_ids = _read(call.query)
    call.query.check()
    return 200, {"pruned": len(_idle(call, days, role_ids))}


def prune(call: Call) -> Answer:
    """Kick the members who have not been there, and return how many unless the bot does not want to know."""
    fields = call.fields
    (days, role_ids), counted = _read(fields), fields.boolean("compute_prune_count")
    fields.check()
    members = _idle(call, days, role_ids)
    for member in members:
        call.world.members.remove(member, how="kicked")
    options = {"delete_member_days": str(days), "members_removed": str(len(members))}
    call.log(AuditLogEvent.PRUNE, None, options=options)
    return 200, {"pruned": None if counted is False else len(members)}


def _read(fields: Fields) -> tuple[int, set[int]]:
    """Read the days, and the ids of the roles whose members are pruned too: a list, or one string with commas."""
    given = fields.raw("include_roles")
    if isinstance(given, str):
        given = [part for part in re.split(r"\s*,\s*", given) if part]
    role_ids = fields.snowflakes("include_roles", 100, given)
    return fields.integer("days", PRUNE_DAYS) or WEEK, set(role_ids)


def _idle(call: Call, days: int, role_ids: set[int]) -> list[Member]:
    """Return the people with no roles but these who joined more than `days` ago, did nothing since, and are not online.

    Discord goes by when they were last online; the sandbox by when they last wrote a message, or used something of the
    bot's that it answered.
    """
    world, guild = call.world, call.guild
    since = world.clock.time() - days * DAY
    active = {id for id, presence in world.presences.items() if presence["status"] != "offline"}
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
        and {role.id for role in member.roles} <= role_ids
    ]


NEEDS = Permission.MANAGE_GUILD | Permission.KICK_MEMBERS

ROUTES = [
    Route("GET", "/guilds/{guild}/prune", count, needs=NEEDS),
    Route("POST", "/guilds/{guild}/prune", prune, needs=NEEDS),
]
