"""The audit log over REST: what was done in a guild, page by page, with the users and things that it names."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.world.audit_log import AuditEntry
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.objects import JSON, Webhook
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World

_ACTION = Bound(0, 9999, "resources/audit-log#audit-log-entry-object-audit-log-events")


def list_entries(call: Call) -> Answer:
    """List what was done, the newest first; after an entry the oldest first."""
    query = call.query
    wanted = query.snowflake("user_id"), query.snowflake("target_id"), query.integer("action_type", _ACTION)
    limit, before, after = call.page(most=100, default=50)
    found = [
        entry
        for entry in call.world.audit_log.of(call.guild)
        if after < entry.id < before
        and all(one in (None, other) for one, other in zip(wanted, _named(entry), strict=True))
    ]
    if "after" not in query:
        found.reverse()
    return 200, _log(call.world, found[:limit])


def _log(world: World, entries: list[AuditEntry]) -> JSON:
    """Return Discord's audit log object: the entries, and those things that they name and that still exist."""
    ids = dict.fromkeys(id for entry in entries for id in (entry.user.id, entry.target) if id)
    places = [world.channels[id] for id in ids if id in world.channels]
    return {
        "audit_log_entries": [entry.payload() for entry in entries],
        "users": [world.users[id].payload() for id in ids if id in world.users],
        "webhooks": [_without_token(world.webhooks[id]) for id in ids if id in world.webhooks],
        "threads": [place.payload() for place in places if place.is_thread],
        "application_commands": [],
        "guild_scheduled_events": [world.scheduled_events[id].payload() for id in ids if id in world.scheduled_events],
        "auto_moderation_rules": [world.auto_moderation[id].payload() for id in ids if id in world.auto_moderation],
        "integrations": [],
    }


def _named(entry: AuditEntry) -> tuple[int, int | None, int]:
    return entry.user.id, entry.target, int(entry.event)


def _without_token(webhook: Webhook) -> JSON:
    """Return a webhook without its token: a bot that reads the audit log need not be able to post with it."""
    return {name: value for name, value in webhook.payload().items() if name not in ("token", "url")}


ROUTES = [Route("GET", "/guilds/{guild}/audit-logs", list_entries, needs=Permission.VIEW_AUDIT_LOG)]
