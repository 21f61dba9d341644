"""Audit logs: what was done in a guild, who did it and why."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from wisp.sandbox.world.objects import JSON, Channel, Guild, User
from wisp.sandbox.world.state import State

KEPT = 45 * 86_400
"""Seconds for which an entry is kept (resources/audit-log)."""


class AuditLogEvent(IntEnum):
    """What was done: Discord's audit log events (resources/audit-log) that can happen in the sandbox."""

    GUILD_UPDATE = 1
    CHANNEL_CREATE = 10
    CHANNEL_UPDATE = 11
    CHANNEL_DELETE = 12
    OVERWRITE_CREATE = 13
    OVERWRITE_UPDATE = 14
    OVERWRITE_DELETE = 15
    KICK = 20
    PRUNE = 21
    BAN = 22
    UNBAN = 23
    MEMBER_UPDATE = 24
    MEMBER_ROLES = 25
    MEMBER_MOVE = 26
    MEMBER_DISCONNECT = 27
    ROLE_CREATE = 30
    ROLE_UPDATE = 31
    ROLE_DELETE = 32
    INVITE_CREATE = 40
    INVITE_DELETE = 42
    WEBHOOK_CREATE = 50
    WEBHOOK_UPDATE = 51
    WEBHOOK_DELETE = 52
    EMOJI_CREATE = 60
    EMOJI_UPDATE = 61
    EMOJI_DELETE = 62
    MESSAGE_DELETE = 72
    MESSAGES_DELETE = 73
    PIN = 74
    UNPIN = 75
    STAGE_INSTANCE_CREATE = 83
    STAGE_INSTANCE_UPDATE = 84
    STAGE_INSTANCE_DELETE = 85
    STICKER_CREATE = 90
    STICKER_UPDATE = 91
    STICKER_DELETE = 92
    SCHEDULED_EVENT_CREATE = 100
    SCHEDULED_EVENT_UPDATE = 101
    SCHEDULED_EVENT_DELETE = 102
    THREAD_CREATE = 110
    THREAD_UPDATE = 111
    THREAD_DELETE = 112
    AUTO_MODERATION_RULE_CREATE = 140
    AUTO_MODERATION_RULE_UPDATE = 141
    AUTO_MODERATION_RULE_DELETE = 142
    AUTO_MODERATION_BLOCK_MESSAGE = 143
    AUTO_MODERATION_FLAG_TO_CHANNEL = 144
    AUTO_MODERATION_USER_COMMUNICATION_DISABLED = 145
    AUTO_MODERATION_QUARANTINE_USER = 146
    ONBOARDING_UPDATE = 167


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that `user` did, and why. `changes` and `options` are Discord's.

    `target` is the id of what it was done to, None for an invite; `moment` is in seconds since the Unix epoch.
    """

    id: int
    event: AuditLogEvent
    user: User
    target: int | None
    moment: float
    reason: str | None = None
    changes: tuple[JSON, ...] = ()
    options: Mapping[str, str] | None = None

    def payload(self) -> JSON:
        """Discord's audit log entry object."""
        entry: JSON = {
            "id": str(self.id),
            "action_type": int(self.event),
            "user_id": str(self.user.id),
            "target_id": None if self.target is None else str(self.target),
        }
        if self.changes:
            entry["changes"] = list(self.changes)
        if self.options is not None:
            entry["options"] = dict(self.options)
        return entry if self.reason is None else {**entry, "reason": self.reason}


class AuditLog:
    """What was done in each guild. Members joining, writing or leaving by themselves are not part of it."""

    def __init__(self, world: State) -> None:
        self._world = world
        self._entries: dict[int, deque[AuditEntry]] = {}

    def of(self, guild: Guild) -> list[AuditEntry]:
        """Return what was done in a guild in the last 45 days, oldest first."""
        entries = self._entries.get(guild.id, deque[AuditEntry]())
        while entries and entries[0].moment < self._world.clock.time() - KEPT:
            entries.popleft()
        return list(entries)

    def add(
        self,
        guild: Guild,
        event: AuditLogEvent,
        user: User,
        target: int | None,
        reason: str | None = None,
        *,
        changes: Iterable[JSON] = (),
        options: Mapping[str, str] | None = None,
    ) -> AuditEntry:
        """Note what a user did in a guild; the bot is told if it may see the audit log."""
        world = self._world
        entry = AuditEntry(world.next_id(), event, user, target, world.clock.time(), reason, tuple(changes), options)
        self._entries.setdefault(guild.id, deque()).append(entry)
        world.dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", {**entry.payload(), "guild_id": str(guild.id)}, guild)
        return entry


GUILD = (
    "name",
    "description",
    "system_channel_id",
    "afk_channel_id",
    "afk_timeout",
    "banner",
    "default_message_notifications",
    "discovery_splash",
    "explicit_content_filter",
    "features",
    "icon",
    "preferred_locale",
    "public_updates_channel_id",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "splash",
    "system_channel_flags",
    "verification_level",
    "widget_channel_id",
    "widget_enabled",
)
CHANNEL = (
    "name",
    "type",
    "topic",
    "nsfw",
    "rate_limit_per_user",
    "parent_id",
    "bitrate",
    "user_limit",
    "video_quality_mode",
    "available_tags",
    "default_auto_archive_duration",
    "default_thread_rate_limit_per_user",
    "permission_overwrites",
)
THREAD = (
    "name",
    "type",
    "archived",
    "locked",
    "invitable",
    "auto_archive_duration",
    "rate_limit_per_user",
    "applied_tags",
)
OVERWRITE = ("id", "type", "allow", "deny")
MEMBER = ("nick", "communication_disabled_until", "mute", "deaf")
ROLE = ("name", "permissions", "color", "colors", "hoist", "mentionable")
INVITE = ("code", "channel_id", "inviter_id", "uses", "max_uses", "max_age", "temporary")
WEBHOOK = ("name", "type", "channel_id", "avatar_hash", "application_id")
EMOJI = ("name",)
SCHEDULED_EVENT = (
    "name",
    "description",
    "scheduled_start_time",
    "scheduled_end_time",
    "privacy_level",
    "status",
    "entity_type",
    "channel_id",
)
STAGE_INSTANCE = ("topic", "privacy_level")
STICKER = ("name", "description", "tags", "format_type")
ONBOARDING = ("prompts", "default_channel_ids", "enabled", "mode")
AUTO_MODERATION_RULE = (
    "name",
    "event_type",
    "trigger_type",
    "trigger_metadata",
    "actions",
    "enabled",
    "exempt_roles",
    "exempt_channels",
)
"""The fields of each kind of object whose changes an audit log entry names."""


def shown_thread(thread: Channel) -> JSON:
    """Return the payload of a thread with its metadata beside the other fields, as its changes are named."""
    payload = thread.payload()
    return {**payload, **payload["thread_metadata"]}


def changes_of(fields: Iterable[str], before: JSON, after: JSON) -> list[JSON]:
    """Return Discord's audit log changes of these fields; a value that is null or absent is left out."""
    changes: list[JSON] = []
    for name in fields:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        change: JSON = {"key": name}
        if old is not None:
            change["old_value"] = old
        if new is not None:
            change["new_value"] = new
        changes.append(change)
    return changes
