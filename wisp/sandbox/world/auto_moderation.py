"""Auto moderation in a world: rules of guilds, what people write or are called against them, and what follows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.audit_log import AuditLog, AuditLogEvent
from wisp.sandbox.world.changes import Change, MemberChanged, MemberJoined
from wisp.sandbox.world.members import Members
from wisp.sandbox.world.messages import Messages
from wisp.sandbox.world.objects import (
    AUTO_MODERATION_ACTION,
    JSON,
    Channel,
    Guild,
    Impossible,
    LimitReached,
    Member,
    Message,
    User,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Registry, State, assign

KEYWORD, SPAM, KEYWORD_PRESET, MENTION_SPAM, MEMBER_PROFILE = 1, 3, 4, 5, 6
"""Types of triggers (resources/auto-moderation#auto-moderation-rule-object-trigger-types)."""

MESSAGE_SEND, MEMBER_UPDATE = 1, 2
"""What is checked: messages, or the names of members."""

BLOCK_MESSAGE, SEND_ALERT_MESSAGE, TIMEOUT, BLOCK_MEMBER_INTERACTION = 1, 2, 3, 4
"""Types of actions (resources/auto-moderation#auto-moderation-action-object-action-types)."""

PRESETS: Mapping[int, tuple[str, ...]] = {1: ("shit*", "fuck*"), 2: ("porn*", "hentai"), 3: ("slur",)}
"""Words that stand for each of Discord's presets, which are not public: swearing, sex, and slurs."""

_AUDIT_EVENTS = {
    BLOCK_MESSAGE: AuditLogEvent.AUTO_MODERATION_BLOCK_MESSAGE,
    SEND_ALERT_MESSAGE: AuditLogEvent.AUTO_MODERATION_FLAG_TO_CHANNEL,
    TIMEOUT: AuditLogEvent.AUTO_MODERATION_USER_COMMUNICATION_DISABLED,
    BLOCK_MEMBER_INTERACTION: AuditLogEvent.AUTO_MODERATION_QUARANTINE_USER,
}

_UNKNOWN_TO_RUST = re.compile(r"\(\?<?[=!]|\\[1-9]")
"""Look-around and references to groups, which Rust's regular expressions do not have."""

_MENTION = re.compile(r"<@[!&]?\d{1,20}>")


@dataclass(eq=False, slots=True)
class Rule:
    """A rule of a guild. `metadata` and `actions` are Discord's, exemptions are ids."""

    id: int
    guild: Guild
    creator: User
    name: str
    event: int
    trigger: int
    metadata: JSON
    actions: list[JSON]
    enabled: bool = False
    exempt_roles: list[int] = field(default_factory=list[int])
    exempt_channels: list[int] = field(default_factory=list[int])

    def payload(self) -> JSON:
        """Return Discord's auto moderation rule object."""
        return {
            "id": str(self.id),
            "guild_id": str(self.guild.id),
            "creator_id": str(self.creator.id),
            "name": self.name,
            "event_type": self.event,
            "trigger_type": self.trigger,
            "trigger_metadata": self.metadata,
            "actions": self.actions,
            "enabled": self.enabled,
            "exempt_roles": [str(id) for id in self.exempt_roles],
            "exempt_channels": [str(id) for id in self.exempt_channels],
        }

    @property
    def message(self) -> str | None:
        """The text that a client shows if the rule blocks a message; None if it does not block it."""
        for action in self.actions:
            if action["type"] == BLOCK_MESSAGE:
                return action["metadata"].get("custom_message") or "your message contains content that is blocked here"
        return None

    def exempts(self, member: Member, channel: Channel | None) -> bool:
        """Return whether the rule is not for a member, or not in a channel or in the channel of a thread.

        Members who manage the guild are exempt from every rule, and so are bots.
        """
        if member.user.bot or member.permissions & Permission.MANAGE_GUILD:
            return True
        if any(role.id in self.exempt_roles for role in member.roles):
            return True
        places = (channel, channel.parent) if channel is not None else ()
        return any(place is not None and place.id in self.exempt_channels for place in places)

    def find(self, text: str) -> tuple[str | None, str | None] | None:
        """Return the keyword and the part of a text that trigger the rule, each None if it has none; None if none do.

        Whether a text is spam only Discord knows: such a rule never triggers here.
        """
        if self.trigger == MENTION_SPAM:
            return (None, None) if len(set(_MENTION.findall(text))) > self.metadata["mention_total_limit"] else None
        words: Sequence[str] = self.metadata.get("keyword_filter", ())
        if self.trigger == KEYWORD_PRESET:
            words = [word for preset in self.metadata["presets"] for word in PRESETS[preset]]
        patterns = [(word, keyword_pattern(word)) for word in words]
        patterns += [(regex, regex_pattern(regex)) for regex in self.metadata.get("regex_patterns", ())]
        allowed = [found.span() for word in self.metadata.get("allow_list", ()) for found in _found(word, text)]
        for word, pattern in patterns:
            for match in pattern.finditer(text):
                if not any(start <= match.start() and match.end() <= end for start, end in allowed):
                    return word, match[0]
        return None


class RuleChanges(TypedDict, total=False):
    """What can be changed of a rule."""

    name: str
    event: int
    metadata: JSON
    actions: list[JSON]
    enabled: bool
    exempt_roles: list[int]
    exempt_channels: list[int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that a text triggers, with the keyword and the part of the text that do."""

    rule: Rule
    keyword: str | None
    content: str | None


class AutoModeration(Registry[int, Rule]):
    """All rules by id, and what they do."""

    def __init__(self, world: State, members: Members, messages: Messages, audit_log: AuditLog) -> None:
        super().__init__(world)
        self._members = members
        self._messages = messages
        self._audit_log = audit_log
        world.changes.subscribe(self._check_profile)

    def of(self, guild: Guild) -> list[Rule]:
        """Return the rules of a guild, oldest first."""
        return [rule for rule in self._items.values() if rule.guild is guild]

    def add(
        self,
        guild: Guild,
        name: str,
        *,
        creator: User,
        trigger: int,
        metadata: JSON,
        actions: list[JSON],
        event: int = MESSAGE_SEND,
        enabled: bool = True,
        exempt_roles: Sequence[int] = (),
        exempt_channels: Sequence[int] = (),
    ) -> Rule:
        """Create a rule. Raises Impossible if the guild has as many of this trigger as Discord allows."""
        bound = bounds.AUTO_MODERATION_RULES[trigger]
        if sum(rule.trigger == trigger for rule in self.of(guild)) >= bound.most:
            raise LimitReached(f"a guild has at most {bound.most} rules of this trigger", bound)
        rule = Rule(self._world.next_id(), guild, creator, name, event, trigger, metadata, actions, enabled)
        rule.exempt_roles, rule.exempt_channels = list(exempt_roles), list(exempt_channels)
        self._items[rule.id] = rule
        self._world.dispatch("AUTO_MODERATION_RULE_CREATE", rule.payload(), guild)
        return rule

    def edit(self, rule: Rule, **changes: Unpack[RuleChanges]) -> None:
        """Change a rule."""
        assign(rule, changes)
        self._world.dispatch("AUTO_MODERATION_RULE_UPDATE", rule.payload(), rule.guild)

    def delete(self, rule: Rule) -> None:
        """Delete a rule; nothing happens if it is deleted already."""
        if self._items.pop(rule.id, None) is not None:
            self._world.dispatch("AUTO_MODERATION_RULE_DELETE", rule.payload(), rule.guild)

    def hits(self, channel: Channel, user: User, text: str) -> list[Hit]:
        """Return the rules that a message of a user in a channel would trigger."""
        member = channel.guild and channel.guild.members.get(user.id)
        return list(self._hits(member, channel, MESSAGE_SEND, text)) if member else []

    def act(self, hits: Sequence[Hit], channel: Channel, user: User, text: str, message: Message | None) -> None:
        """Take the actions of the rules that a message triggered; `message` is None if it is blocked."""
        member = channel.guild and channel.guild.members.get(user.id)
        for hit in hits:
            if member:
                self._act(hit, member, channel, text, message)

    def _hits(self, member: Member, channel: Channel | None, event: int, text: str) -> Iterator[Hit]:
        for rule in self.of(member.guild):
            if rule.enabled and rule.event == event and not rule.exempts(member, channel):
                found = rule.find(text)
                if found is not None:
                    yield Hit(rule, *found)

    def _act(self, hit: Hit, member: Member, channel: Channel | None, text: str, message: Message | None) -> None:
        """Take the actions of one rule, each with its event and its entry in the audit log."""
        rule, guild = hit.rule, hit.rule.guild
        for action in rule.actions:
            data: JSON = {
                "guild_id": str(guild.id),
                "action": action,
                "rule_id": str(rule.id),
                "rule_trigger_type": rule.trigger,
                "user_id": str(member.user.id),
                "content": text,
                "matched_keyword": hit.keyword,
                "matched_content": hit.content,
            }
            if channel is not None:
                data["channel_id"] = str(channel.id)
            if message is not None:
                data["message_id"] = str(message.id)
            if action["type"] == SEND_ALERT_MESSAGE:
                alert = self._alert(hit, action, member, channel, text, message)
                if alert is None:
                    continue
                data["alert_system_message_id"] = str(alert.id)
            elif action["type"] == TIMEOUT:
                until = self._world.clock.time() + action["metadata"]["duration_seconds"]
                self._members.edit(member, timed_out_until=until)
            elif action["type"] == BLOCK_MEMBER_INTERACTION:
                self._members.edit(member, quarantined=True)
            options = {
                "auto_moderation_rule_name": rule.name,
                "auto_moderation_rule_trigger_type": str(rule.trigger),
            }
            if channel is not None:
                options["channel_id"] = str(channel.id)
            self._audit_log.add(guild, _AUDIT_EVENTS[action["type"]], rule.creator, member.user.id, options=options)
            self._world.dispatch("AUTO_MODERATION_ACTION_EXECUTION", data, guild)

    def _alert(
        self, hit: Hit, action: JSON, member: Member, channel: Channel | None, text: str, message: Message | None
    ) -> Message | None:
        """Post the alert of a rule, as Discord does; None if its channel is deleted."""
        place = hit.rule.guild.channels.get(int(action["metadata"]["channel_id"]))
        if place is None:
            return None
        facts = {
            "rule_name": hit.rule.name,
            "keyword": hit.keyword,
            "keyword_matched_content": hit.content,
            "channel_id": channel and str(channel.id),
            "flagged_message_id": message and str(message.id),
        }
        fields = [{"name": name, "value": value, "inline": False} for name, value in facts.items() if value]
        embed: JSON = {"type": "auto_moderation_message", "description": text, "fields": fields}
        return self._messages.add(place, member.user, kind=AUTO_MODERATION_ACTION, embeds=[embed])

    def _check_profile(self, change: Change) -> None:
        """Check the name of a member who joined or is called otherwise; a good one ends a quarantine."""
        if not isinstance(change, MemberJoined | MemberChanged):
            return
        member = change.member
        hits = list(self._hits(member, None, MEMBER_UPDATE, member.name))
        if member.quarantined and not hits:
            self._members.edit(member, quarantined=False)
        elif hits and not member.quarantined:
            for hit in hits:
                self._act(hit, member, None, member.name, None)


@cache
def keyword_pattern(word: str) -> re.Pattern[str]:
    """Return the pattern of a keyword, whose asterisks at its ends let words go on.

    See resources/auto-moderation#auto-moderation-rule-object-keyword-matching-strategies. Raises Impossible if there
    is nothing besides asterisks.
    """
    text = word.removeprefix("*").removesuffix("*").strip()
    if not text:
        raise Impossible(f"a keyword has other characters than asterisks, not {word!r}")
    before = "" if word.startswith("*") else r"(?<!\S)"
    after = "" if word.endswith("*") else r"(?!\S)"
    return re.compile(before + re.escape(text) + after, re.IGNORECASE)


@cache
def regex_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of a regular expression. Raises Impossible if it is none, or one that Rust does not take."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets that a later Python may read otherwise
            found = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise Impossible(f"{text!r} is no regular expression: {error}") from None
    if _UNKNOWN_TO_RUST.search(text):
        raise Impossible(f"{text!r} has look-around or a reference to a group, which Discord's expressions do not have")
    return found


def _found(word: str, text: str) -> Iterator[re.Match[str]]:
    return keyword_pattern(word).finditer(text)
