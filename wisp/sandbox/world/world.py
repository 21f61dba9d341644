"""One Discord: everything in a sandbox, and how it begins."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable

from wisp.clock import Clock
from wisp.sandbox.world.audit_log import AuditLogs
from wisp.sandbox.world.belongings import Belongings
from wisp.sandbox.world.changes import PresenceChanged
from wisp.sandbox.world.commands import Calls
from wisp.sandbox.world.objects import JSON, Member, User


class World(Belongings, AuditLogs, Calls):
    """Everything in one sandbox. It starts with the guild "Sandbox": #general; ada (its owner), bob, the bot.

    Ids are real snowflakes: unique, ordered by the clock's time. `watch` tells of every visible change,
    `outlets` carry gateway events to the bot, `unseen` get those of channels that it does not see instead.
    `interactions` are those that can still be answered. `unserved` counts what the bot asked for and the sandbox
    does not have, `errors` is what broke in the sandbox itself. What people and the bot may do is asked of
    `permissions` and `sees`: the other methods do what they are told, and raise Impossible for what cannot be.
    Single-threaded: use it on the sandbox's event loop.
    """

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        super().__init__(clock=clock, shards=shards)
        self.presences: dict[int, JSON] = {}
        self.bot: User = self.add_user("wisp", bot=True)
        self.application: int = self.bot.id
        self.token: str = ""
        self.reset_token()
        self.owner: User = self.add_user("ada")
        sandbox = self.add_guild("Sandbox", owner=self.owner)
        self.add_member(sandbox, self.add_user("bob"))
        self._founding = False

    def set_presence(self, user: User, status: str, activities: Iterable[JSON] = ()) -> None:
        """Show somebody as "online", "idle", "dnd", "offline" or "invisible" (which is offline), doing `activities`.

        Those are Discord's activity objects (`name`, `type`). The bot sets its own, and is told of everybody's.
        """
        shown = "offline" if status == "invisible" else status
        now = int(self.clock.time() * 1000)
        self.presences[user.id] = presence = {
            "user": {"id": str(user.id)},
            "status": shown,
            "activities": [{"created_at": now, **activity} for activity in activities],
            "client_status": {} if shown == "offline" else {"desktop": shown},
        }
        for guild in self.guilds.values():
            if user.id in guild.members:
                self.dispatch("PRESENCE_UPDATE", {**presence, "guild_id": str(guild.id)}, guild)
        self.happen(PresenceChanged(user))

    def presences_of(self, members: Iterable[Member]) -> list[JSON]:
        """The presences of those among these members who are not offline."""
        found = [self.presences.get(member.user.id) for member in members]
        return [presence for presence in found if presence is not None and presence["status"] != "offline"]

    def reset_token(self) -> None:
        """Give the bot another token; the old one is refused from now on."""
        number = base64.urlsafe_b64encode(str(self.bot.id).encode()).decode().rstrip("=")
        self.token = f"{number}.sandbox.{secrets.token_urlsafe(20)}"

    def application_payload(self) -> JSON:
        """Discord's application object, as the bot sees its own, with the `application_settings` that it gave."""
        application: JSON = {
            "id": str(self.application),
            "name": self.bot.name,
            "icon": None,
            "description": "A bot in the sandbox.",
            "type": None,
            "bot": self.bot.payload(),
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "00" * 32,
            "flags": self.application_flags,
            "flags_new": str(self.application_flags),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": self.owner.payload(),
            "approximate_guild_count": sum(self.bot.id in guild.members for guild in self.guilds.values()),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": None,
            "eligible_oauth2_scopes": ["bot", "applications.commands"],
            "integration_types_config": {"0": {}},
        }
        return application | self.application_settings
