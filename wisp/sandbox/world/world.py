"""One Discord: all parts of a sandbox's world, and how it begins."""

from __future__ import annotations

import base64
import secrets

from wisp.clock import Clock
from wisp.sandbox.world.announcements import Announcements
from wisp.sandbox.world.attachments import Attachments
from wisp.sandbox.world.audit_log import AuditLog
from wisp.sandbox.world.auto_moderation import AutoModeration
from wisp.sandbox.world.channels import Channels
from wisp.sandbox.world.commands import Commands
from wisp.sandbox.world.emojis import Emojis
from wisp.sandbox.world.guilds import Guilds
from wisp.sandbox.world.interactions import Interactions
from wisp.sandbox.world.invites import Invites
from wisp.sandbox.world.members import Members
from wisp.sandbox.world.messages import Messages
from wisp.sandbox.world.objects import JSON, User
from wisp.sandbox.world.pictures import Pictures
from wisp.sandbox.world.polls import Polls
from wisp.sandbox.world.reactions import Reactions
from wisp.sandbox.world.roles import Roles
from wisp.sandbox.world.scheduled_events import ScheduledEvents
from wisp.sandbox.world.stages import Stages
from wisp.sandbox.world.state import State
from wisp.sandbox.world.stickers import Stickers
from wisp.sandbox.world.threads import Threads
from wisp.sandbox.world.users import Presences, Users
from wisp.sandbox.world.voice import Voice
from wisp.sandbox.world.webhooks import Webhooks


class World(State):
    """Everything in one sandbox. It begins with the guild "Sandbox": #general; ada (its owner), bob, the bot.

    Each part is for one kind of things: `world.messages.add(channel, author, content="Hello")` posts a message, sends
    MESSAGE_CREATE to the bot and MessageCreated to the subscribers of `changes`. Not thread-safe: use it on the
    sandbox's event loop.
    """

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        super().__init__(clock=clock, shards=shards)
        self.users: Users = Users(self)
        self.attachments: Attachments = Attachments(self)
        self.messages: Messages = Messages(self, self.users)
        self.polls: Polls = Polls(self, self.messages)
        self.reactions: Reactions = Reactions(self)
        self.webhooks: Webhooks = Webhooks(self)
        self.announcements: Announcements = Announcements(self, self.messages, self.webhooks)
        self.emojis: Emojis = Emojis(self)
        self.pictures: Pictures = Pictures(self)
        self.stickers: Stickers = Stickers(self, self.pictures)
        self.roles: Roles = Roles(self, self.emojis)
        self.voice: Voice = Voice(self)
        self.members: Members = Members(self, self.roles, self.messages, self.voice)
        self.invites: Invites = Invites(self, self.members)
        self.stages: Stages = Stages(self)
        self.channels: Channels = Channels(self, self.messages, self.webhooks, self.invites, self.voice, self.stages)
        self.threads: Threads = Threads(self, self.channels, self.messages)
        self.guilds: Guilds = Guilds(self, self.channels, self.members)
        self.presences: Presences = Presences(self, self.guilds)
        self.commands: Commands = Commands(self)
        self.scheduled_events: ScheduledEvents = ScheduledEvents(self)
        self.interactions: Interactions = Interactions(self)
        self.audit_log: AuditLog = AuditLog(self)
        self.auto_moderation: AutoModeration = AutoModeration(self, self.members, self.messages, self.audit_log)
        self.bot: User = self.users.add("wisp", bot=True)
        self.application: int = self.bot.id
        self.token: str = ""
        self.reset_token()
        self.owner: User = self.users.add("ada")
        sandbox = self.guilds.add("Sandbox", owner=self.owner)
        self.members.add(sandbox, self.users.add("bob"))
        self._founding = False

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
            "summary": "",
            "type": None,
            "bot": self.bot.payload(),
            "bot_public": True,
            "bot_require_code_grant": False,
            "rpc_origins": [],
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
