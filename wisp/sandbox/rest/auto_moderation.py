"""Auto moderation over REST: the rules of a guild."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import NOT_FOUND, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.audit_log import AUTO_MODERATION_RULE, AuditLogEvent, changes_of
from wisp.sandbox.world.auto_moderation import (
    BLOCK_MEMBER_INTERACTION,
    BLOCK_MESSAGE,
    KEYWORD,
    KEYWORD_PRESET,
    MEMBER_PROFILE,
    MEMBER_UPDATE,
    MENTION_SPAM,
    MESSAGE_SEND,
    PRESETS,
    SEND_ALERT_MESSAGE,
    SPAM,
    TIMEOUT,
    Rule,
    RuleChanges,
    regex_pattern,
)
from wisp.sandbox.world.bounds import (
    AUTO_MODERATION_MENTIONS,
    AUTO_MODERATION_MESSAGE,
    AUTO_MODERATION_NAME,
    AUTO_MODERATION_REGEX,
    AUTO_MODERATION_WORD,
    TIME_OUT,
)
from wisp.sandbox.world.objects import JSON, WITHOUT_MESSAGES, Impossible
from wisp.sandbox.world.permissions import Permission

TRIGGERS = (KEYWORD, SPAM, KEYWORD_PRESET, MENTION_SPAM, MEMBER_PROFILE)

ACTIONS: Mapping[int, tuple[int, ...]] = {
    KEYWORD: (BLOCK_MESSAGE, SEND_ALERT_MESSAGE, TIMEOUT),
    SPAM: (BLOCK_MESSAGE, SEND_ALERT_MESSAGE),
    KEYWORD_PRESET: (BLOCK_MESSAGE, SEND_ALERT_MESSAGE),
    MENTION_SPAM: (BLOCK_MESSAGE, SEND_ALERT_MESSAGE, TIMEOUT),
    MEMBER_PROFILE: (SEND_ALERT_MESSAGE, BLOCK_MEMBER_INTERACTION),
}
"""The actions that each trigger can have (resources/auto-moderation#auto-moderation-action-object-action-types)."""

USUAL_MENTIONS = 20
"""The mentions that a message may have if a rule does not say it (discord/discord-api-docs#5542)."""


def list_rules(call: Call) -> Answer:
    """List the rules of a guild."""
    return 200, [rule.payload() for rule in call.world.auto_moderation.of(call.guild)]


def get(call: Call) -> Answer:
    """Return a rule."""
    return 200, _rule(call).payload()


def create(call: Call) -> Answer:
    """Create a rule, which is not enabled by default."""
    fields = call.fields
    for name in ("name", "event_type", "trigger_type", "actions"):
        fields.require(name)
    trigger = fields.choice("trigger_type", TRIGGERS) or KEYWORD
    found = _changes(call, trigger)
    if "metadata" not in found:
        found["metadata"] = _metadata(Fields({}), trigger)
    fields.check()
    rule = call.world.auto_moderation.add(
        call.guild,
        found.get("name", ""),
        creator=call.world.bot,
        trigger=trigger,
        metadata=found["metadata"],
        actions=found.get("actions", []),
        event=found.get("event", MESSAGE_SEND),
        enabled=found.get("enabled", False),
        exempt_roles=found.get("exempt_roles", ()),
        exempt_channels=found.get("exempt_channels", ()),
    )
    changes = changes_of(AUTO_MODERATION_RULE, {}, rule.payload())
    call.log(AuditLogEvent.AUTO_MODERATION_RULE_CREATE, rule.id, changes=changes)
    return 200, rule.payload()


def edit(call: Call) -> Answer:
    """Change a rule; its trigger stays the same."""
    rule, before = _rule(call), _rule(call).payload()
    changes = _changes(call, rule.trigger)
    call.fields.check()
    call.world.auto_moderation.edit(rule, **changes)
    told = changes_of(AUTO_MODERATION_RULE, before, rule.payload())
    call.log(AuditLogEvent.AUTO_MODERATION_RULE_UPDATE, rule.id, changes=told)
    return 200, rule.payload()


def delete(call: Call) -> Answer:
    """Delete a rule."""
    rule = _rule(call)
    call.world.auto_moderation.delete(rule)
    changes = changes_of(AUTO_MODERATION_RULE, rule.payload(), {})
    call.log(AuditLogEvent.AUTO_MODERATION_RULE_DELETE, rule.id, changes=changes)
    return 204, None


def _rule(call: Call) -> Rule:
    rule = call.world.auto_moderation.get(call.path_id("rule"))
    if rule is None or rule.guild is not call.guild:
        raise DiscordError(NOT_FOUND)
    return rule


def _changes(call: Call, trigger: int) -> RuleChanges:
    """Read the fields of a rule of this trigger, and note what is wrong. Raises DiscordError for a missing permission.

    A null leaves a field as it is.
    """
    fields = call.fields
    changes: RuleChanges = {}
    name = fields.text("name", AUTO_MODERATION_NAME)
    event = fields.choice("event_type", (MEMBER_UPDATE if trigger == MEMBER_PROFILE else MESSAGE_SEND,))
    enabled, metadata = fields.boolean("enabled"), fields.object("trigger_metadata")
    if name is not None:
        changes["name"] = name
    if event is not None:
        changes["event"] = event
    if enabled is not None:
        changes["enabled"] = enabled
    if metadata is not None:
        changes["metadata"] = _metadata(metadata, trigger)
    if fields.raw("actions") is not None:
        changes["actions"] = []
        for one in fields.objects("actions", 5):
            changes["actions"].append(_action(call, one, trigger))
        if not changes["actions"]:
            fields.refuse("actions", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    if fields.raw("exempt_roles") is not None:
        changes["exempt_roles"] = _known(fields, "exempt_roles", 20, call.guild.roles)
    if fields.raw("exempt_channels") is not None:
        changes["exempt_channels"] = _known(fields, "exempt_channels", 50, call.guild.channels)
    return changes


def _known(fields: Fields, name: str, most: int, known: Iterable[int]) -> list[int]:
    """Read ids of things that the guild has; Discord leaves out the others."""
    return [id for id in dict.fromkeys(fields.snowflakes(name, most)) if id in known]


def _metadata(fields: Fields, trigger: int) -> JSON:
    """Read the metadata of a trigger: all fields that it has, and no others."""
    if trigger == MENTION_SPAM:
        limit = fields.integer("mention_total_limit", AUTO_MODERATION_MENTIONS)
        return {
            "mention_total_limit": USUAL_MENTIONS if limit is None else limit,
            "mention_raid_protection_enabled": fields.boolean("mention_raid_protection_enabled") or False,
        }
    if trigger == KEYWORD_PRESET:
        presets = fields.numbers("presets", tuple(PRESETS))
        return {"presets": presets, "allow_list": _words(fields, "allow_list", 1000)}
    if trigger == SPAM:
        return {}
    patterns = fields.texts("regex_patterns", 10, AUTO_MODERATION_REGEX)
    for pattern in patterns:
        if not _compiles(pattern):
            fields.refuse("regex_patterns", "AUTO_MODERATION_INVALID_REGEX", "Regex pattern is invalid.")
    return {
        "keyword_filter": _words(fields, "keyword_filter", 1000),
        "regex_patterns": patterns,
        "allow_list": _words(fields, "allow_list", 100),
    }


def _words(fields: Fields, name: str, most: int) -> list[str]:
    words = fields.texts(name, most, AUTO_MODERATION_WORD)
    if any(not word.replace("*", "").strip() for word in words):
        fields.refuse(name, "AUTO_MODERATION_INVALID_KEYWORD", "Keywords must have other characters than wildcards.")
    return words


def _compiles(pattern: str) -> bool:
    try:
        regex_pattern(pattern)
    except Impossible:
        return False
    return True


def _action(call: Call, fields: Fields, trigger: int) -> JSON:
    """Read an action that the trigger can have. Raises DiscordError if the bot may not time out members."""
    fields.require("type")
    kind, metadata = fields.choice("type", ACTIONS[trigger]), fields.object("metadata")
    given = Fields({}) if metadata is None else metadata
    if kind in (SEND_ALERT_MESSAGE, TIMEOUT):
        fields.require("metadata")
    if kind == BLOCK_MESSAGE:
        text = given.text("custom_message", AUTO_MODERATION_MESSAGE)
        return {"type": kind, "metadata": {"custom_message": text} if text else {}}
    if kind == SEND_ALERT_MESSAGE:
        id = given.snowflake("channel_id")
        channel = call.guild.channels.get(id or 0)
        if channel is None or channel.kind in WITHOUT_MESSAGES:
            given.refuse("channel_id", "CHANNEL_TYPE_INVALID", "Invalid channel type")
        return {"type": kind, "metadata": {"channel_id": str(id)}}
    if kind == TIMEOUT:
        call.need(Permission.MODERATE_MEMBERS)
        return {"type": kind, "metadata": {"duration_seconds": given.integer("duration_seconds", TIME_OUT) or 0}}
    return {"type": kind, "metadata": {}}


RULES, A_RULE = "/guilds/{guild}/auto-moderation/rules", "/guilds/{guild}/auto-moderation/rules/{rule}"

ROUTES = [
    Route("GET", RULES, list_rules, needs=Permission.MANAGE_GUILD),
    Route("POST", RULES, create, needs=Permission.MANAGE_GUILD),
    Route("GET", A_RULE, get, needs=Permission.MANAGE_GUILD),
    Route("PATCH", A_RULE, edit, needs=Permission.MANAGE_GUILD),
    Route("DELETE", A_RULE, delete, needs=Permission.MANAGE_GUILD),
]
