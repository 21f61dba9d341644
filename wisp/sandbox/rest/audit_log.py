"""The audit log over REST: what was done in a guild, page by page, and whom and what that names."""

from __future__ import annotations

import re

from aiohttp import web

from wisp.limits import Violation
from wisp.sandbox.rest.call import Answer, Lookups, Route, page
from wisp.sandbox.rest.errors import invalid_form, snowflake
from wisp.sandbox.world.audit_log import AuditEntry
from wisp.sandbox.world.objects import JSON, Webhook
from wisp.sandbox.world.permissions import Permission


class AuditLog(Lookups):
    """The route of the audit log."""

    def routes(self) -> list[Route]:
        """Its row of the table."""
        return [Route("GET", "/guilds/{guild}/audit-logs", self.list_entries)]

    async def list_entries(self, request: web.Request) -> Answer:
        """What was done, the newest first; after an entry the oldest first."""
        guild = self.guild(request)
        most, before, after = page(request, most=100, default=50)
        wanted = _wanted(request)
        self.need(guild, Permission.VIEW_AUDIT_LOG)
        found = [
            entry
            for entry in self.world.audit_log(guild)
            if after < entry.id < before
            and all(given in (None, said) for given, said in zip(wanted, _said(entry), strict=True))
        ]
        if "after" not in request.query:
            found.reverse()
        return 200, self._log(found[:most])

    def _log(self, entries: list[AuditEntry]) -> JSON:
        """Discord's audit log object: the entries, and those whom and what they name that are still there."""
        world = self.world
        numbers = dict.fromkeys(number for entry in entries for number in (entry.user.id, entry.target) if number)
        places = [world.channels[number] for number in numbers if number in world.channels]
        return {
            "audit_log_entries": [entry.payload() for entry in entries],
            "users": [world.users[number].payload() for number in numbers if number in world.users],
            "webhooks": [_named(world.webhooks[number]) for number in numbers if number in world.webhooks],
            "threads": [place.payload() for place in places if place.is_thread],
            "application_commands": [],
            "auto_moderation_rules": [],
            "guild_scheduled_events": [],
            "integrations": [],
        }


def _wanted(request: web.Request) -> tuple[int | None, ...]:
    """Who, to whom or what, which deed is asked for; None for all. Raises `Refusal`."""
    query = request.query
    who, whom = (snowflake(query[name], (name,)) if name in query else None for name in ("user_id", "target_id"))
    text = query.get("action_type")
    if text is not None and not re.fullmatch(r"[0-9]{1,4}", text):
        raise invalid_form(Violation(("action_type",), "NUMBER_TYPE_COERCE", f'Value "{text[:32]}" is not int.'))
    return who, whom, None if text is None else int(text)


def _said(entry: AuditEntry) -> tuple[int | None, ...]:
    return entry.user.id, entry.target, int(entry.deed)


def _named(webhook: Webhook) -> JSON:
    """A webhook without what one could post with: who reads the audit log need not manage webhooks."""
    return {name: value for name, value in webhook.payload().items() if name not in ("token", "url")}
