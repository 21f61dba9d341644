"""What the sandbox's REST answers, held against Discord's own specification of its REST API."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import aiohttp
import pytest
from discord_openapi import specification, validator
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshots import differences, snapshot

from wisp.sandbox import Sandbox, World
from wisp.sandbox.rest import errors
from wisp.sandbox.rest.app import Rest
from wisp.sandbox.rest.drafts import COMPONENT_FIELDS
from wisp.sandbox.rest.unserved import NOT_SERVED
from wisp.sandbox.world import bounds
from wisp.sandbox.world.audit_log import WEBHOOK as OF_WEBHOOKS
from wisp.sandbox.world.audit_log import AuditLogEvent, changes_of
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    AUTOCOMPLETE,
    CATEGORY,
    COMMAND,
    COMPONENT,
    FORUM,
    MODAL_SUBMIT,
    STAGE,
    VOICE,
    Channel,
    Emoji,
    Guild,
    Poll,
    User,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.stickers import PACK_ID

COMMANDS = "/applications/{application_id}/commands"
GUILD_COMMANDS = "/applications/{application_id}/guilds/{guild_id}/commands"
COMMAND_PERMISSIONS = GUILD_COMMANDS + "/{command_id}/permissions"
PERMITTED = {"command_id": "permitted"}
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
ORIGINAL = WEBHOOK + "/messages/@original"
WEBHOOK_MESSAGE = WEBHOOK + "/messages/{message_id}"
MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id}"

GREET = {
    "name": "greet",
    "description": "Greet somebody",
    "name_localizations": {"de": "grüßen"},
    "options": [
        {"type": 6, "name": "user", "description": "Whom", "required": True},
        {
            "type": 3,
            "name": "tone",
            "description": "How",
            "choices": [{"name": "warm", "value": "w", "name_localizations": {"de": "warm"}}],
        },
        {"type": 4, "name": "times", "description": "How often", "min_value": 1, "max_value": 5},
        {"type": 7, "name": "where", "description": "Where", "channel_types": [0, 5]},
        {"type": 10, "name": "height", "description": "How high", "autocomplete": True},
    ],
}
GROUP = {
    "name": "admin",
    "description": "For admins",
    "default_member_permissions": 8,
    "contexts": [0],
    "integration_types": [0, 1],
    "nsfw": True,
    "options": [
        {"type": 1, "name": "kick", "description": "Kick", "options": [GREET["options"][0]]},
        {"type": 2, "name": "more", "description": "More", "options": [{"type": 1, "name": "x", "description": "X"}]},
    ],
}
EMBED = {
    "title": "Title",
    "description": "Text",
    "url": "https://example.com",
    "color": 255,
    "timestamp": "2026-01-01T00:00:00Z",
    "footer": {"text": "foot", "icon_url": "https://example.com/a.png"},
    "author": {"name": "author", "url": "https://example.com"},
    "image": {"url": "https://example.com/b.png"},
    "thumbnail": {"url": "https://example.com/c.png"},
    "fields": [{"name": "a", "value": "b"}],
}
ROWS = [
    {
        "type": 1,
        "components": [
            {"type": 2, "style": 1, "label": "Next", "custom_id": "next", "emoji": {"name": "👍"}},
            {"type": 2, "style": 5, "label": "Open", "url": "https://example.com"},
        ],
    },
    {"type": 1, "components": [{"type": 3, "custom_id": "s", "options": [{"label": "A", "value": "a"}]}]},
    {"type": 1, "components": [{"type": 8, "custom_id": "c", "channel_types": [0]}]},
]
LAYOUT = [
    {
        "type": 17,
        "components": [
            {"type": 10, "content": "text"},
            {
                "type": 9,
                "components": [{"type": 10, "content": "side"}],
                "accessory": {"type": 11, "media": {"url": "https://example.com/d.png"}},
            },
            {"type": 12, "items": [{"media": {"url": "https://example.com/e.png"}}]},
            {"type": 14},
        ],
    }
]
RICH = {"content": "hi <@{bob}> <#{channel_id}>", "embeds": [EMBED], "components": ROWS}
MODAL = {
    "custom_id": "m",
    "title": "Title",
    "components": [{"type": 1, "components": [{"type": 4, "custom_id": "t", "label": "Text", "style": 1}]}],
}
VOICE_NOTES = {"id": "0", "filename": "voice.ogg", "duration_secs": 1.5, "waveform": "AAAA"}
VOICE_MESSAGE = {"flags": 1 << 13, "attachments": [VOICE_NOTES]}
FILE_NOTES = {"content": "file", "attachments": [{"id": "0", "description": "about it"}]}


@dataclass
class Case:
    """One call. `path` is the specification's; its fields are filled from the scene, `names` say otherwise."""

    method: str
    path: str
    status: int
    body: Any = None
    names: dict[str, str] = field(default_factory=dict)
    query: str = ""
    file: bool = False
    authorized: bool = True
    code: int | None = None

    def __str__(self) -> str:
        names = ",".join(f"{key}={value}" for key, value in self.names.items())
        return f"{self.method} {self.path}{self.query} {names} {self.status} {self.code or ''}"


def callback(kind: str, number: int, data: Any = None, status: int = 200, **more: Any) -> Case:
    body = {"type": number} if data is None else {"type": number, "data": data}
    names = {"interaction_id": kind, "interaction_token": f"{kind}_token"}
    return Case("POST", CALLBACK, status, body, names, "?with_response=true" if status == 200 else "", **more)


NOWHERE = "999"
TALKER = {"user_id": "talker"}
VOICE_STATES = "/guilds/{guild_id}/voice-states"
ANSWERED = {"webhook_token": "answered_token"}
DEFERRED = {"webhook_token": "deferred_token"}

GOOD = [
    Case("GET", "/gateway", 200, authorized=False),
    Case("GET", "/gateway/bot", 200),
    Case("GET", "/users/@me", 200),
    Case("GET", "/soundboard-default-sounds", 200),
    Case("GET", "/users/@me/guilds", 200),
    Case("GET", "/users/@me/guilds", 200, query="?with_counts=true&limit=1&after=1"),
    Case("POST", "/users/@me/channels", 200, {"recipient_id": "{bob}"}),
    Case("GET", "/users/{user_id}", 200),
    Case("GET", "/applications/@me", 200),
    Case("GET", "/voice/regions", 200),
    Case("GET", "/guilds/{guild_id}/regions", 200),
    Case("GET", VOICE_STATES + "/@me", 200),
    Case("GET", VOICE_STATES + "/{user_id}", 200, names=TALKER),
    Case("PATCH", VOICE_STATES + "/@me", 204, {"channel_id": "{stage}", "suppress": False}),
    Case("PATCH", VOICE_STATES + "/@me", 204, {"request_to_speak_timestamp": "2026-11-29T00:00:00+00:00"}),
    Case("PATCH", VOICE_STATES + "/{user_id}", 204, {"channel_id": "{stage}", "suppress": True}, TALKER),
    Case("GET", "/applications/{application_id}", 200),
    Case("GET", "/oauth2/applications/@me", 200),
    Case("GET", GUILD_COMMANDS + "/permissions", 200),
    Case("GET", COMMAND_PERMISSIONS, 200, names=PERMITTED),
    *(
        case
        for root in (COMMANDS, GUILD_COMMANDS)
        for case in (
            Case("GET", root, 200),
            Case("GET", root, 200, query="?with_localizations=true"),
            Case("POST", root, 201, {**GREET, "name": "other"}),
            Case("POST", root, 200, GREET),
            Case("POST", root, 201, {"type": 2, "name": "Who"}),
            Case("PUT", root, 200, [GREET, GROUP, {"type": 3, "name": "Quote"}]),
            Case("PUT", root, 200, []),
            Case("GET", root + "/{command_id}", 200, names={"command_id": root}),
            Case("PATCH", root + "/{command_id}", 200, {"description": "new"}, {"command_id": root}),
            Case("DELETE", root + "/{command_id}", 204, names={"command_id": root}),
        )
    ),
    callback("command", 4, RICH),
    callback("command", 4, {"content": "for you", "flags": 64}),
    callback("command", 4, {"components": LAYOUT, "flags": 1 << 15}),
    callback("command", 4, FILE_NOTES, file=True),
    callback("command", 5, {"flags": 64}),
    callback("command", 5),
    callback("command", 9, MODAL),
    callback("component", 4, {"content": "answer"}),
    callback("component", 6),
    callback("component", 7, {"content": "updated", "components": []}),
    callback("autocomplete", 8, {"choices": [{"name": "a", "value": "b"}]}),
    callback("modal", 4, {"content": "thanks"}),
    callback("modal", 7, {"content": "updated"}),
    callback("dm", 4, {"content": "here"}),
    Case("POST", CALLBACK, 204, {"type": 5}, {"interaction_id": "command", "interaction_token": "command_token"}),
    Case("POST", WEBHOOK, 200, RICH, ANSWERED, "?wait=true"),
    Case("POST", WEBHOOK, 200, FILE_NOTES, ANSWERED, "?wait=true", file=True),
    Case("POST", WEBHOOK, 200, {"content": "at last"}, DEFERRED),
    Case("GET", ORIGINAL, 200, names=ANSWERED),
    Case("GET", ORIGINAL, 200, names=DEFERRED),
    Case("PATCH", ORIGINAL, 200, RICH, ANSWERED),
    Case("PATCH", ORIGINAL, 200, FILE_NOTES, DEFERRED, file=True),
    Case("DELETE", ORIGINAL, 204, names=ANSWERED),
    Case("GET", WEBHOOK_MESSAGE, 200, names={**ANSWERED, "message_id": "followup"}),
    Case("PATCH", WEBHOOK_MESSAGE, 200, {"content": "b"}, {**ANSWERED, "message_id": "followup"}),
    Case("DELETE", WEBHOOK_MESSAGE, 204, names={**ANSWERED, "message_id": "followup"}),
    Case("GET", "/channels/{channel_id}", 200),
    *(Case("GET", "/channels/{channel_id}", 200, names={"channel_id": name}) for name in ("voice", "forum", "dms")),
    Case("POST", "/channels/{channel_id}/typing", 204),
    Case("GET", MESSAGES, 200),
    Case("GET", MESSAGES, 200, query="?limit=1&before=9223372036854775807"),
    Case("POST", MESSAGES, 200, RICH),
    Case("POST", MESSAGES, 200, FILE_NOTES, file=True),
    Case("POST", MESSAGES, 200, {"content": "re", "message_reference": {"message_id": "{message_id}"}, "nonce": "n"}),
    Case("GET", MESSAGE, 200),
    Case("GET", MESSAGE, 200, names={"message_id": "original"}),
    Case("PATCH", MESSAGE, 200, {"content": "new", "embeds": [], "flags": 4}),
    Case("DELETE", MESSAGE, 204),
    Case("GET", "/guilds/{guild_id}", 200, query="?with_counts=true"),
    Case("GET", "/guilds/{guild_id}/channels", 200),
    Case("GET", "/guilds/{guild_id}/roles", 200),
    Case("GET", "/guilds/{guild_id}/members/{user_id}", 200),
]

WRONG_OPTION = {"type": 3, "name": "Bad Name", "description": ""}

BAD = [
    Case("GET", "/users/@me", 401, authorized=False, code=0),
    Case("GET", "/users/{user_id}", 404, names={"user_id": NOWHERE}, code=10013),
    Case("GET", "/users/{user_id}", 400, names={"user_id": "somebody"}, code=50035),
    Case("GET", "/users/@me/guilds", 400, query="?limit=900", code=50035),
    Case("POST", "/users/@me/channels", 404, {"recipient_id": NOWHERE}, code=10013),
    Case("GET", COMMANDS, 403, names={"application_id": NOWHERE}, code=20012),
    Case("GET", GUILD_COMMANDS, 403, names={"guild_id": NOWHERE}, code=50001),
    Case("GET", GUILD_COMMANDS + "/permissions", 403, names={"guild_id": NOWHERE}, code=50001),
    Case("GET", GUILD_COMMANDS + "/permissions", 403, names={"application_id": NOWHERE}, code=20012),
    Case("GET", COMMAND_PERMISSIONS, 404, names={"command_id": NOWHERE}, code=10066),
    Case("PUT", COMMAND_PERMISSIONS, 403, {"permissions": []}, PERMITTED, code=20001),
    Case("GET", COMMANDS + "/{command_id}", 404, names={"command_id": NOWHERE}, code=10063),
    Case("POST", COMMANDS, 400, {"name": "Bad Name", "description": "d", "options": [WRONG_OPTION]}, code=50035),
    Case("POST", COMMANDS, 400, [], code=50035),
    Case("PUT", COMMANDS, 400, [GREET, GREET], code=50035),
    Case("PUT", COMMANDS, 400, {"name": "x"}, code=50035),
    Case("PUT", COMMANDS, 400, [{"name": f"c{n}", "description": "d"} for n in range(101)], code=30032),
    Case("POST", GUILD_COMMANDS, 400, {**GREET, "name": "extra"}, {"guild_id": "full"}, code=30032),
    callback("command", 6, status=400, code=50035),
    callback("autocomplete", 4, {"content": "x"}, status=400, code=50035),
    callback("autocomplete", 8, {"choices": [{"name": "", "value": 1}]}, status=400, code=50035),
    callback("command", 4, {"content": ""}, status=400, code=50006),
    callback("command", 4, {"content": "x" * 2001}, status=400, code=50035),
    callback("command", 9, {"title": "x" * 46}, status=400, code=50035),
    callback("answered", 4, {"content": "again"}, status=400, code=40060),
    callback("late", 4, {"content": "late"}, status=404, code=10062),
    callback(NOWHERE, 4, {"content": "x"}, status=404, code=10062),
    Case("POST", WEBHOOK, 404, {"content": "x"}, {"webhook_token": "command_token"}, code=10015),
    Case("POST", WEBHOOK, 404, {"content": "x"}, {**ANSWERED, "webhook_id": NOWHERE}, code=10015),
    Case("POST", WEBHOOK, 401, {"content": "x"}, {"webhook_token": NOWHERE}, code=50027),
    Case("POST", WEBHOOK, 400, {"content": " "}, ANSWERED, code=50006),
    Case("GET", WEBHOOK_MESSAGE, 404, names={**ANSWERED, "message_id": NOWHERE}, code=10008),
    Case("GET", "/channels/{channel_id}", 404, names={"channel_id": NOWHERE}, code=10003),
    Case("GET", "/channels/{channel_id}", 403, names={"channel_id": "foreign_channel"}, code=50001),
    Case("POST", MESSAGES, 400, {"content": "x"}, {"channel_id": "forum"}, code=50008),
    Case("POST", MESSAGES, 400, {}, code=50006),
    Case("POST", MESSAGES, 400, {"content": "x", "attachments": [{"id": 7}]}, code=50035),
    Case("POST", MESSAGES, 400, {"content": "x", "nonce": "x" * 26}, code=50035),
    Case("GET", MESSAGE, 404, names={"message_id": NOWHERE}, code=10008),
    Case("GET", MESSAGE, 404, names={"message_id": "secret"}, code=10008),
    Case("PATCH", MESSAGE, 403, {"content": "x"}, {"message_id": "adas_message"}, code=50005),
    Case("PATCH", MESSAGE, 400, {"content": ""}, code=50006),
    Case("DELETE", MESSAGE, 403, names={"channel_id": "quiet", "message_id": "quiet_message"}, code=50013),
    Case("GET", "/guilds/{guild_id}", 404, names={"guild_id": NOWHERE}, code=10004),
    Case("GET", "/guilds/{guild_id}", 403, names={"guild_id": "foreign"}, code=50001),
    Case("GET", "/guilds/{guild_id}/members/{user_id}", 404, names={"user_id": "stranger"}, code=10007),
]

REACTIONS = MESSAGE + "/reactions"
REACTION = REACTIONS + "/{emoji_name}"
CHANNEL = "/channels/{channel_id}"
OVERWRITE = CHANNEL + "/permissions/{overwrite_id}"
GUILD = "/guilds/{guild_id}"
MEMBER = GUILD + "/members/{user_id}"
MEMBER_ROLE = MEMBER + "/roles/{role_id}"
ROLES = GUILD + "/roles"
ROLE = ROLES + "/{role_id}"
BAN = GUILD + "/bans/{user_id}"
THREAD_MEMBERS = CHANNEL + "/thread-members"
THUMB = {"emoji_name": "👍"}
BANNED = {"user_id": "banned"}
IN_THREAD = {"channel_id": "thread"}
PLAIN = {"channel_id": "plain"}
EMOJIS = GUILD + "/emojis"
EMOJI = EMOJIS + "/{emoji_id}"
EVENTS = GUILD + "/scheduled-events"
STAGES = "/stage-instances"
VOICE_STATUS = CHANNEL + "/voice-status"
IN_VOICE = {"channel_id": "voice"}
STAGE_OF_CHANNEL = STAGES + "/{channel_id}"
LIVE = {"channel_id": "live"}
NEW_STAGE = {"channel_id": "{stage}", "topic": "Talk", "privacy_level": 2}
EVENT = EVENTS + "/{guild_scheduled_event_id}"
STICKERS = GUILD + "/stickers"
STICKER = STICKERS + "/{sticker_id}"
OWN_EMOJIS = "/applications/{application_id}/emojis"
OWN_EMOJI = {"emoji_id": "own_emoji"}
AUDIT_LOG = GUILD + "/audit-logs"
INVITES = CHANNEL + "/invites"
INVITE = "/invites/{code}"
HOOKS = CHANNEL + "/webhooks"
HOOK = "/webhooks/{webhook_id}"
A_HOOK = {"webhook_id": "hook", "webhook_token": "hook_token", "message_id": "hooked"}
FORUM_HOOK = {"webhook_id": "forum_hook", "webhook_token": "forum_token"}
SCREEN = GUILD + "/welcome-screen"
WIDGET = GUILD + "/widget"
RULES = GUILD + "/auto-moderation/rules"
RULE = RULES + "/{rule_id}"
BLOCK = {"type": 1, "metadata": {"custom_message": "No."}}
ALERT = {"type": 2, "metadata": {"channel_id": "{channel_id}"}}
KEYWORD_RULE = {
    "name": "Words",
    "event_type": 1,
    "trigger_type": 1,
    "trigger_metadata": {"keyword_filter": ["cat*"], "regex_patterns": ["d[o0]g"], "allow_list": ["catalog"]},
    "actions": [BLOCK, ALERT, {"type": 3, "metadata": {"duration_seconds": 60}}],
    "enabled": True,
    "exempt_roles": ["{role_id}"],
    "exempt_channels": ["{quiet}"],
}


SEARCH, THREAD_SEARCH = GUILD + "/messages/search", CHANNEL + "/threads/search"
INCIDENTS = GUILD + "/incident-actions"
ONBOARDING = {
    "default_channel_ids": ["{channel_id}"],
    "mode": 1,
    "enabled": False,
    "prompts": [
        {
            "id": "1",
            "title": "What do you like?",
            "options": [
                {"title": "Cats", "emoji_name": "🐈", "role_ids": ["{role_id}"], "channel_ids": ["{channel_id}"]},
                {"title": "Dogs", "description": "Woof"},
            ],
            "single_select": True,
            "type": 0,
        }
    ],
}


def rule(trigger: int, metadata: Any = None, event: int = 1, actions: Any = None) -> dict[str, Any]:
    return {
        "name": "Rule",
        "event_type": event,
        "trigger_type": trigger,
        "trigger_metadata": metadata or {},
        "actions": actions or [BLOCK],
    }


WELCOME = {
    "description": "Hello",
    "welcome_channels": [
        {"channel_id": "{channel_id}", "description": "Talk", "emoji_id": "{emoji_id}", "emoji_name": "blob"},
        {"channel_id": "{voice}", "description": "Speak", "emoji_name": "👋"},
    ],
    "enabled": True,
}
PICTURE = "data:image/png;base64,iVBORw0KGgoA"
NEW_STICKER = {"name": "hello", "tags": "👋", "description": "A wave", "file": PICTURE.partition(",")[2]}
NEW_EVENT = {
    "name": "Party",
    "privacy_level": 2,
    "scheduled_start_time": "2083-01-01T00:00:00Z",
    "scheduled_end_time": "2083-01-02T00:00:00Z",
    "entity_type": 3,
    "entity_metadata": {"location": "The garden"},
}
VOICE_EVENT = {**{key: NEW_EVENT[key] for key in list(NEW_EVENT)[:3]}, "entity_type": 2, "channel_id": "{voice}"}
STAGE_EVENT = {**VOICE_EVENT, "entity_type": 1, "channel_id": "{stage}"}
RECURRENCE = {
    "start": "2083-01-01T00:00:00Z",
    "frequency": 2,
    "interval": 1,
    "by_weekday": [0],
    "by_n_weekday": [{"n": 1, "day": 2}],
}
MOVING = "data:image/gif;base64,R0lGODlh"
GUILD_SETTINGS = {
    "icon": PICTURE,
    "splash": PICTURE,
    "banner": PICTURE,
    "discovery_splash": None,
    "verification_level": 2,
    "default_message_notifications": 1,
    "explicit_content_filter": 1,
    "afk_channel_id": "{voice}",
    "afk_timeout": 900,
    "rules_channel_id": "{channel_id}",
    "public_updates_channel_id": "{channel_id}",
    "safety_alerts_channel_id": "{channel_id}",
    "features": ["INVITES_DISABLED"],
    "preferred_locale": "de",
    "system_channel_flags": 1,
    "premium_progress_bar_enabled": True,
}
COMMUNITY = {
    "features": ["COMMUNITY"],
    "verification_level": 1,
    "explicit_content_filter": 2,
    "rules_channel_id": "{mine_general}",
    "public_updates_channel_id": "{mine_general}",
}
ABOUT = {
    "icon": PICTURE,
    "cover_image": PICTURE,
    "custom_install_url": "https://example.com",
    "role_connections_verification_url": "https://example.com",
    "install_params": {"scopes": ["bot"], "permissions": 8},
    "integration_types_config": {"0": {"oauth2_install_params": {"scopes": ["bot"], "permissions": 8}}, "1": {}},
}
POLLS = CHANNEL + "/polls/{message_id}"
POLL = {"question": {"text": "Tea?"}, "answers": [{"poll_media": {"text": "Yes"}}]}
OWN_ANSWER = {"poll_media": {"text": "Own", "emoji": {"id": "{own_emoji}"}}}
BIG_POLL = {
    **POLL,
    "answers": [{"poll_media": {"text": "Yes", "emoji": {"name": "🍵"}}}, OWN_ANSWER],
    "duration": 768,
    "allow_multiselect": True,
    "layout_type": 1,
}
IN_NEWS = {"channel_id": "news", "message_id": "fresh"}
FULL = {"channel_id": "full_of_pins", "message_id": "251st"}
REPLYING = {"content": "x", "message_reference": {"message_id": "1"}}

GOOD += [
    Case("POST", MESSAGES + "/bulk-delete", 204, {"messages": ["{message_id}", "{adas_message}"]}),
    Case("GET", MESSAGES + "/pins", 200),
    Case("GET", MESSAGES + "/pins", 200, query="?limit=1&before=2100-01-01T00:00:00Z"),
    Case("PUT", MESSAGES + "/pins/{message_id}", 204),
    Case("DELETE", MESSAGES + "/pins/{message_id}", 204, names={"message_id": "pinned"}),
    Case("GET", CHANNEL + "/pins", 200),
    Case("PUT", CHANNEL + "/pins/{message_id}", 204),
    Case("DELETE", CHANNEL + "/pins/{message_id}", 204, names={"message_id": "pinned"}),
    Case("POST", MESSAGE + "/crosspost", 200, names=IN_NEWS),
    Case("POST", MESSAGES, 200, VOICE_MESSAGE, file=True),
    callback("command", 4, VOICE_MESSAGE, file=True),
    Case("POST", MESSAGES, 200, {"content": "x", "flags": 1 << 12}),
    Case("POST", MESSAGES, 200, {"poll": POLL}),
    Case("POST", MESSAGES, 200, {"content": "x", "poll": BIG_POLL}),
    Case("POST", WEBHOOK, 200, {"poll": POLL}, A_HOOK, "?wait=true"),
    Case("PATCH", ORIGINAL, 200, {"poll": POLL}, DEFERRED),
    callback("command", 4, {"poll": POLL}),
    Case("GET", POLLS + "/answers/{answer_id}", 200, names={"message_id": "poll", "answer_id": "1"}),
    Case("GET", POLLS + "/answers/{answer_id}", 200, names={"message_id": "poll", "answer_id": "2"}, query="?limit=1"),
    Case("POST", POLLS + "/expire", 200, names={"message_id": "poll"}),
    *(Case("GET", MESSAGE, 200, names={"message_id": name}) for name in ("poll", "ended", "result")),
    Case("POST", CHANNEL + "/followers", 200, {"webhook_channel_id": "{channel_id}"}, {"channel_id": "news"}),
    *(Case("GET", MESSAGE, 200, names={"message_id": name}) for name in ("copy", "announced")),
    Case("PUT", REACTION + "/@me", 204, names={"emoji_name": "🏳️‍🌈"}),
    Case("PUT", REACTION + "/@me", 204, names={"emoji_name": "blob"}),
    Case("PUT", REACTION + "/@me", 204, names={"emoji_name": "👍", "channel_id": "dms", "message_id": "dm_message"}),
    Case("DELETE", REACTION + "/@me", 204, names={**THUMB, "message_id": "pinned"}),
    Case("DELETE", REACTION + "/{user_id}", 204, names={**THUMB, "message_id": "pinned"}),
    Case("GET", REACTION, 200, names={**THUMB, "message_id": "pinned"}, query="?limit=1"),
    Case("DELETE", REACTION, 204, names={**THUMB, "message_id": "pinned"}),
    Case("DELETE", REACTIONS, 204, names={"message_id": "pinned"}),
    Case("GET", MESSAGE, 200, names={"message_id": "pinned"}),
    Case("POST", MESSAGE + "/threads", 201, {"name": "about it"}),
    Case("POST", CHANNEL + "/threads", 201, {"name": "t", "type": 11, "auto_archive_duration": 60}),
    Case("POST", CHANNEL + "/threads", 201, {"name": "t", "type": 12, "invitable": False, "rate_limit_per_user": 5}),
    Case("POST", CHANNEL + "/threads", 201, {"name": "post", "message": {"content": "first"}}, {"channel_id": "forum"}),
    Case("GET", CHANNEL + "/threads/archived/public", 200),
    Case("GET", CHANNEL + "/threads/archived/private", 200),
    Case("GET", CHANNEL + "/users/@me/threads/archived/private", 200),
    Case("GET", GUILD + "/threads/active", 200),
    Case("GET", THREAD_MEMBERS, 200, names=IN_THREAD),
    Case("GET", THREAD_MEMBERS, 200, names=IN_THREAD, query="?with_member=true&limit=1"),
    Case("PUT", THREAD_MEMBERS + "/@me", 204, names=IN_THREAD),
    Case("DELETE", THREAD_MEMBERS + "/@me", 204, names=IN_THREAD),
    Case("GET", THREAD_MEMBERS + "/{user_id}", 200, names=IN_THREAD),
    Case("PUT", THREAD_MEMBERS + "/{user_id}", 204, names=IN_THREAD),
    Case("DELETE", THREAD_MEMBERS + "/{user_id}", 204, names=IN_THREAD),
    Case("POST", MESSAGES, 200, {"content": "in the thread"}, IN_THREAD),
    Case("GET", CHANNEL, 200, names=IN_THREAD),
    Case("PATCH", CHANNEL, 200, {"archived": True, "locked": True, "name": "done"}, IN_THREAD),
    Case("PATCH", CHANNEL, 200, {"archived": False}, {"channel_id": "archived"}),
    Case("DELETE", CHANNEL, 200, names=IN_THREAD),
    Case(
        "PATCH",
        CHANNEL,
        200,
        {"name": "New Name", "topic": "t", "nsfw": True, "rate_limit_per_user": 5, "parent_id": "{category}"},
    ),
    Case("PATCH", CHANNEL, 200, {"permission_overwrites": [{"id": "{guild_id}", "type": 0, "deny": 2048}]}),
    Case("PATCH", CHANNEL, 200, {"bitrate": 64000, "user_limit": 5}, {"channel_id": "voice"}),
    Case("PATCH", CHANNEL, 200, {"available_tags": [{"name": "bug"}]}, {"channel_id": "forum"}),
    Case("DELETE", CHANNEL, 200),
    Case("DELETE", CHANNEL, 200, names={"channel_id": "category"}),
    Case("DELETE", CHANNEL, 200, names={"channel_id": "dms"}),
    Case("PUT", OVERWRITE, 204, {"type": 0, "allow": 1024, "deny": 2048}, {"overwrite_id": "role_id"}),
    Case("PUT", OVERWRITE, 204, {"type": 1, "deny": 2048}, {"overwrite_id": "bob"}),
    Case("DELETE", OVERWRITE, 204, names={"channel_id": "quiet", "overwrite_id": "bot"}),
    *(
        Case("POST", GUILD + "/channels", 201, {"name": "New Channel", "type": kind, "topic": "t"})
        for kind in (0, 2, 4, 5, 13, 15)
    ),
    Case(
        "POST",
        GUILD + "/channels",
        201,
        {"name": "x", "parent_id": "{category}", "position": 1, "permission_overwrites": [{"id": "{bob}", "type": 1}]},
    ),
    Case("PATCH", GUILD + "/channels", 204, [{"id": "{channel_id}", "position": 3, "parent_id": "{category}"}]),
    Case("PATCH", GUILD, 200, {"name": "Other", "description": "d", "system_channel_id": "{channel_id}"}),
    Case("PATCH", GUILD, 200, {"system_channel_id": None}),
    Case("DELETE", "/users/@me/guilds/{guild_id}", 204),
    Case("POST", ROLES, 200, {}),
    Case("POST", ROLES, 200, {"name": "r", "permissions": 2048, "color": 255, "hoist": True, "mentionable": True}),
    Case("PATCH", ROLES, 200, [{"id": "{role_id}", "position": 1}]),
    Case("GET", ROLE, 200),
    Case("GET", ROLE, 200, names={"role_id": "managed"}),
    Case("PATCH", ROLE, 200, {"name": "other", "colors": {"primary_color": 255}}),
    Case("PATCH", ROLE, 200, {"permissions": 0}, {"role_id": "guild_id"}),
    Case("DELETE", ROLE, 204),
    Case("GET", GUILD + "/members", 200, query="?limit=1000"),
    Case("GET", GUILD + "/members/search", 200, query="?query=bo"),
    Case("PATCH", GUILD + "/members/@me", 200, {"nick": "Botty"}),
    Case("PATCH", MEMBER, 200, {"channel_id": "{voice}", "mute": True, "deaf": True}, TALKER),
    Case("PATCH", MEMBER, 200, {"channel_id": None}, TALKER),
    Case("PATCH", MEMBER, 200, {"nick": "Bobby", "roles": ["{role_id}"]}),
    Case("PATCH", MEMBER, 200, {"communication_disabled_until": "{soon}"}),
    Case("PATCH", MEMBER, 200, {"communication_disabled_until": None}),
    Case("DELETE", MEMBER, 204),
    Case("PUT", MEMBER_ROLE, 204),
    Case("DELETE", MEMBER_ROLE, 204),
    Case("GET", GUILD + "/bans", 200),
    Case("GET", GUILD + "/bans", 200, query="?before=999999999999999999&limit=1"),
    Case("GET", BAN, 200, names=BANNED),
    Case("PUT", BAN, 204, {"delete_message_seconds": 60}),
    Case("PUT", BAN, 204, names={"user_id": "stranger"}),
    Case("DELETE", BAN, 204, names=BANNED),
    Case("POST", GUILD + "/bulk-ban", 200, {"user_ids": ["{bob}", "{stranger}", "{banned}"]}),
    Case("POST", GUILD + "/bulk-ban", 200, {"user_ids": ["{bot}"]}),
    Case("GET", HOOKS, 200),
    Case("POST", HOOKS, 200, {"name": "Hook", "avatar": PICTURE}),
    Case("GET", GUILD + "/webhooks", 200),
    Case("GET", HOOK, 200, names=A_HOOK),
    Case("PATCH", HOOK, 200, {"name": "Other", "avatar": None, "channel_id": "{quiet}"}, A_HOOK),
    Case("DELETE", HOOK, 204, names=A_HOOK),
    Case("GET", WEBHOOK, 200, names=A_HOOK, authorized=False),
    Case("PATCH", WEBHOOK, 200, {"name": "Other"}, A_HOOK, authorized=False),
    Case("DELETE", WEBHOOK, 204, names=A_HOOK, authorized=False),
    Case("POST", WEBHOOK, 204, {"content": "x"}, A_HOOK, authorized=False),
    Case("POST", WEBHOOK, 200, {**RICH, "username": "Captain", "avatar_url": "https://x.y/z"}, A_HOOK, "?wait=true"),
    Case("POST", WEBHOOK, 200, FILE_NOTES, A_HOOK, "?wait=true", file=True),
    Case("POST", WEBHOOK, 200, {"content": "x", "thread_name": "post"}, FORUM_HOOK, "?wait=true"),
    Case("GET", WEBHOOK_MESSAGE, 200, names=A_HOOK, authorized=False),
    Case("PATCH", WEBHOOK_MESSAGE, 200, RICH, A_HOOK, authorized=False),
    Case("DELETE", WEBHOOK_MESSAGE, 204, names=A_HOOK, authorized=False),
    Case("GET", MESSAGE, 200, names={"message_id": "hooked"}),
    Case("PATCH", "/applications/@me", 200, {"description": {"default": "Good"}, "tags": ["fun"], "flags": 1 << 15}),
    Case("PATCH", "/applications/@me", 200, ABOUT),
    Case("PATCH", "/applications/{application_id}", 200, ABOUT),
    Case("PATCH", "/applications/@me", 200, {"cover_image": None, "install_params": None, "custom_install_url": None}),
    Case("GET", GUILD + "/prune", 200, query="?days=1&include_roles={role_id}"),
    Case("POST", GUILD + "/prune", 200, {"days": 30, "include_roles": ["{role_id}"]}),
    Case("POST", GUILD + "/prune", 200, {"compute_prune_count": False}),
    Case("GET", AUDIT_LOG, 200),
    Case("GET", AUDIT_LOG, 200, query="?user_id={ada}&action_type=11&before=999999999999999999&limit=1"),
    Case("GET", AUDIT_LOG, 200, query="?target_id={hook}&after=0"),
    Case("GET", INVITES, 200),
    Case("POST", INVITES, 200, {}),
    Case("POST", INVITES, 200, {"max_age": 0, "max_uses": 1, "temporary": True, "unique": True}),
    Case("POST", INVITES, 200, {"role_ids": ["{role_id}"]}, {"channel_id": "voice"}),
    Case("GET", GUILD + "/invites", 200),
    Case("GET", INVITE, 200, authorized=False),
    Case("GET", INVITE, 200, query="?with_counts=true"),
    Case("DELETE", INVITE, 200),
    Case("GET", EMOJIS, 200),
    Case("POST", EMOJIS, 201, {"name": "party", "image": PICTURE, "roles": ["{role_id}"]}),
    Case("GET", EMOJI, 200),
    Case("PATCH", EMOJI, 200, {"name": "other", "roles": []}),
    Case("DELETE", EMOJI, 204),
    Case("GET", OWN_EMOJIS, 200),
    Case("POST", OWN_EMOJIS, 201, {"name": "party", "image": PICTURE}),
    Case("GET", OWN_EMOJIS + "/{emoji_id}", 200, names=OWN_EMOJI),
    Case("PATCH", OWN_EMOJIS + "/{emoji_id}", 200, {"name": "other"}, OWN_EMOJI),
    Case("DELETE", OWN_EMOJIS + "/{emoji_id}", 204, names=OWN_EMOJI),
    Case("GET", EVENTS, 200, query="?with_user_count=true"),
    Case("POST", EVENTS, 200, NEW_EVENT),
    Case("POST", EVENTS, 200, {**NEW_EVENT, "recurrence_rule": RECURRENCE, "image": PICTURE, "description": "Come"}),
    Case("POST", EVENTS, 200, VOICE_EVENT),
    Case("POST", EVENTS, 200, STAGE_EVENT),
    Case("GET", EVENT, 200),
    Case("PATCH", EVENT, 200, {"name": "other", "status": 2}),
    Case("PATCH", EVENT, 200, {"entity_type": 2, "channel_id": "{voice}"}),
    Case("DELETE", EVENT, 204),
    Case("GET", EVENT + "/users", 200, query="?with_member=true&limit=1&after=1"),
    Case("GET", EVENT + "/users/counts", 200),
    Case("PUT", VOICE_STATUS, 204, {"status": "Chess"}, IN_VOICE),
    Case("PUT", VOICE_STATUS, 204, {"status": None}, IN_VOICE),
    Case("POST", STAGES, 200, NEW_STAGE),
    Case("POST", STAGES, 200, {**NEW_STAGE, "send_start_notification": True}),
    Case("GET", STAGE_OF_CHANNEL, 200, names=LIVE),
    Case("PATCH", STAGE_OF_CHANNEL, 200, {"topic": "other", "privacy_level": 2}, LIVE),
    Case("DELETE", STAGE_OF_CHANNEL, 204, names=LIVE),
    Case("PATCH", "/users/@me", 200, {"username": "other", "avatar": PICTURE, "banner": None}),
    Case("PATCH", GUILD + "/members/@me", 200, {"avatar": PICTURE, "banner": PICTURE, "bio": "A bot"}),
    Case("PATCH", GUILD, 200, {"icon": PICTURE}),
    Case("GET", "/stickers/{sticker_id}", 200),
    Case("GET", "/stickers/{sticker_id}", 200, names={"sticker_id": "standard"}),
    Case("GET", "/sticker-packs", 200),
    Case("GET", "/sticker-packs/{pack_id}", 200),
    Case("GET", STICKERS, 200),
    Case("POST", STICKERS, 201, NEW_STICKER, file=True),
    Case("GET", STICKER, 200),
    Case("PATCH", STICKER, 200, {"name": "other", "tags": "🎉", "description": None}),
    Case("DELETE", STICKER, 204),
    Case("POST", MESSAGES, 200, {"sticker_ids": ["{sticker_id}", "{standard}"]}),
]

GOOD += [
    Case("PATCH", GUILD, 200, GUILD_SETTINGS),
    Case("PATCH", GUILD, 200, COMMUNITY, {"guild_id": "mine"}),
    Case("PATCH", GUILD, 200, dict.fromkeys(GUILD_SETTINGS)),
    Case("GET", GUILD + "/preview", 200),
    Case("GET", GUILD + "/vanity-url", 200),
    Case("GET", GUILD + "/vanity-url", 200, names={"guild_id": "mine"}),
    Case("GET", INVITE, 200, names={"code": "vanity"}),
    Case("GET", ROLES + "/member-counts", 200),
    Case("GET", SCREEN, 200),
    Case("PATCH", SCREEN, 200, WELCOME),
    Case("PATCH", SCREEN, 200, {"description": None, "welcome_channels": None, "enabled": False}),
    Case("GET", WIDGET, 200),
    Case("PATCH", WIDGET, 200, {"enabled": False, "channel_id": None}),
    Case("PATCH", WIDGET, 200, {"enabled": True, "channel_id": "{channel_id}"}),
    Case("GET", WIDGET + ".json", 200, authorized=False),
    Case("GET", SEARCH, 200),
    Case("GET", SEARCH, 200, query="?content=ada&author_id={ada}&has=-file&limit=1&offset=0&sort_order=asc"),
    Case("GET", THREAD_SEARCH, 200),
    Case("GET", THREAD_SEARCH, 200, query="?name=thread&archived=false&sort_by=creation_time&limit=1"),
    Case("GET", GUILD + "/onboarding", 200),
    Case("PUT", GUILD + "/onboarding", 200, ONBOARDING),
    Case("PUT", GUILD + "/onboarding", 200, {"prompts": None, "enabled": None}),
    Case("PUT", INCIDENTS, 200, {"invites_disabled_until": "{soon}", "dms_disabled_until": None}),
    Case("GET", RULES, 200),
    Case("POST", RULES, 200, KEYWORD_RULE),
    Case("POST", RULES, 200, rule(3)),
    Case("POST", RULES, 200, rule(4, {"presets": [1, 2, 3], "allow_list": ["shitake"]})),
    Case("POST", RULES, 200, rule(5, {"mention_total_limit": 3, "mention_raid_protection_enabled": True})),
    Case("POST", RULES, 200, rule(6, {"keyword_filter": ["*x*"]}, event=2, actions=[{"type": 4}, ALERT])),
    Case("GET", RULE, 200),
    Case("PATCH", RULE, 200, {"name": "Other", "enabled": False, "actions": [BLOCK], "exempt_roles": []}),
    Case("PATCH", RULE, 200, {"trigger_metadata": {"keyword_filter": ["*dog"]}}),
    Case("DELETE", RULE, 204),
]


BAD += [
    *(
        Case("POST", MESSAGES, 400, VOICE_MESSAGE | wrong, file=True, code=code)
        for wrong, code in (
            ({"content": "x"}, 50159),
            ({"embeds": [EMBED]}, 50159),
            ({"poll": POLL}, 50159),
            ({"attachments": [VOICE_NOTES | {"filename": "voice.txt"}]}, 50160),
            ({"attachments": [{"id": "0", "filename": "voice.ogg", "duration_secs": 1}]}, 50161),
            ({"attachments": [{"id": "0", "filename": "voice.ogg", "waveform": "AAAA"}]}, 50161),
            ({"attachments": [VOICE_NOTES | {"waveform": "x" * 401}]}, 50035),
            ({"attachments": [VOICE_NOTES | {"duration_secs": -1}]}, 50035),
        )
    ),
    Case("POST", MESSAGES, 400, {"flags": 1 << 13}, code=50160),
    Case("PATCH", MESSAGE, 400, {"content": "x"}, {"message_id": "voice_message"}, code=50162),
    *(
        Case("POST", MESSAGES, 400, {"poll": POLL | wrong}, code=50035)
        for wrong in (
            {"question": None},
            {"question": {"text": ""}},
            {"question": {"text": "x" * 301}},
            {"answers": None},
            {"answers": []},
            {"answers": [{}]},
            {"answers": [{"poll_media": {"text": "x" * 56}}]},
            {"answers": [{"poll_media": {"text": "x", "emoji": {"name": "tea"}}}]},
            {"answers": POLL["answers"] * 11},
            {"duration": 0},
            {"duration": 769},
            {"layout_type": 2},
            {"allow_multiselect": "perhaps"},
        )
    ),
    Case("PATCH", MESSAGE, 400, {"content": "x"}, {"message_id": "poll"}, code=520003),
    Case("POST", POLLS + "/expire", 403, names={"message_id": "adas_poll"}, code=50005),
    Case("POST", POLLS + "/expire", 400, names={"message_id": "ended"}, code=520001),
    Case("POST", POLLS + "/expire", 400, code=520006),
    Case("GET", POLLS + "/answers/{answer_id}", 400, names={"answer_id": "1"}, code=520006),
    Case("GET", POLLS + "/answers/{answer_id}", 400, names={"message_id": "poll", "answer_id": "11"}, code=50035),
    Case(
        "POST",
        MESSAGES,
        400,
        {"message_reference": {"type": 1, "channel_id": "{channel_id}", "message_id": "{poll}"}},
        code=50035,
    ),
    Case(
        "POST",
        MESSAGES,
        400,
        {"message_reference": {"type": 1, "channel_id": "{channel_id}", "message_id": "{message_id}"}, "poll": POLL},
        code=50035,
    ),
    *(
        Case("POST", MESSAGES, 400, {"message_reference": {"type": 1, **reference}, **more}, code=50035)
        for reference, more in (
            ({"message_id": "{message_id}"}, {}),
            ({"channel_id": "{channel_id}", "message_id": NOWHERE}, {}),
            ({"channel_id": NOWHERE, "message_id": "{message_id}"}, {}),
            ({"channel_id": "{channel_id}", "message_id": "{secret}"}, {}),
            ({"channel_id": "{channel_id}", "message_id": "{system}"}, {}),
            ({"channel_id": "{channel_id}", "message_id": "{message_id}"}, {"content": "x"}),
            ({"channel_id": "{channel_id}", "message_id": "{message_id}"}, {"embeds": [EMBED]}),
        )
    ),
    Case(
        "POST",
        MESSAGES,
        403,
        {"message_reference": {"type": 1, "channel_id": "{hidden}", "message_id": "1"}},
        code=50001,
    ),
    Case("POST", MESSAGE + "/crosspost", 400, code=50024),
    Case("POST", MESSAGE + "/crosspost", 400, names={**IN_NEWS, "message_id": "published"}, code=40033),
    Case("POST", MESSAGE + "/crosspost", 404, names={**IN_NEWS, "message_id": NOWHERE}, code=10008),
    Case("POST", MESSAGE + "/crosspost", 400, names={**IN_NEWS, "message_id": "pin_in_news"}, code=50068),
    Case("POST", CHANNEL + "/followers", 400, {"webhook_channel_id": "{quiet}"}, code=50024),
    Case("POST", CHANNEL + "/followers", 400, {"webhook_channel_id": "{voice}"}, {"channel_id": "news"}, code=50024),
    Case("POST", CHANNEL + "/followers", 404, {"webhook_channel_id": NOWHERE}, {"channel_id": "news"}, code=10003),
    Case("POST", CHANNEL + "/followers", 403, {"webhook_channel_id": "{hidden}"}, {"channel_id": "news"}, code=50001),
    Case("POST", CHANNEL + "/followers", 400, {"webhook_channel_id": "{plain}"}, {"channel_id": "news"}, code=30007),
    Case("POST", CHANNEL + "/followers", 400, {}, {"channel_id": "news"}, code=50035),
    Case("GET", SEARCH, 400, query="?limit=26", code=50035),
    Case("GET", SEARCH, 400, query="?has=cats", code=50035),
    Case("GET", SEARCH, 400, query="?author_id=x", code=50035),
    Case("GET", THREAD_SEARCH, 400, query="?sort_by=name", code=50035),
    Case("PUT", GUILD + "/onboarding", 400, {"enabled": True}, code=350000),
    Case("PUT", GUILD + "/onboarding", 400, {"default_channel_ids": ["{foreign_channel}"]}, code=50035),
    Case("PUT", GUILD + "/onboarding", 400, {"prompts": [{"id": "1", "title": "x", "options": []}]}, code=50035),
    Case("PUT", INCIDENTS, 400, {"invites_disabled_until": "2100-01-01T00:00:00Z"}, code=50035),
    Case("GET", RULES, 403, names={"guild_id": "powerless"}, code=50013),
    Case("GET", RULE, 404, names={"rule_id": NOWHERE}, code=0),
    Case("DELETE", RULE, 404, names={"guild_id": "mine"}, code=0),
    Case("POST", RULES, 400, {}, code=50035),
    Case("POST", RULES, 400, rule(2), code=50035),
    Case("POST", RULES, 400, rule(1, event=2), code=50035),
    Case("POST", RULES, 400, rule(1, {"keyword_filter": ["**"]}), code=50035),
    Case("POST", RULES, 400, rule(1, {"keyword_filter": ["x" * 61]}), code=50035),
    Case("POST", RULES, 400, rule(1, {"regex_patterns": ["("]}), code=50035),
    Case("POST", RULES, 400, rule(1, {"regex_patterns": ["(?=x)"]}), code=50035),
    Case("POST", RULES, 400, rule(5, {"mention_total_limit": 51}), code=50035),
    Case("POST", RULES, 400, rule(4, {"presets": [4]}), code=50035),
    Case("POST", RULES, 400, rule(1, actions=[{"type": 4}]), code=50035),
    Case("POST", RULES, 400, rule(3, actions=[{"type": 3, "metadata": {"duration_seconds": 1}}]), code=50035),
    Case("POST", RULES, 400, rule(1, actions=[{"type": 2}]), code=50035),
    Case("POST", RULES, 400, rule(1, actions=[{"type": 2, "metadata": {"channel_id": "1"}}]), code=50035),
    Case("POST", RULES, 400, rule(1, actions=[{"type": 1, "metadata": {"custom_message": "x" * 301}}]), code=50035),
    Case("POST", RULES, 400, rule(1), {"guild_id": "mine"}, code=50035),
    Case("PATCH", RULE, 400, {"actions": []}, code=50035),
    Case("PATCH", GUILD, 400, {"verification_level": 5}, code=50035),
    Case("PATCH", GUILD, 400, {"preferred_locale": "xx"}, code=50035),
    Case("PATCH", GUILD, 400, {"afk_channel_id": "{channel_id}"}, code=50035),
    Case("PATCH", GUILD, 400, {"rules_channel_id": "{foreign_channel}"}, code=50035),
    Case("PATCH", GUILD, 400, {"icon": "https://x.y/z.png"}, code=50035),
    Case("PATCH", GUILD, 400, {"features": ["COMMUNITY"]}, {"guild_id": "mine"}, code=50035),
    Case("GET", GUILD + "/vanity-url", 403, names={"guild_id": "powerless"}, code=50013),
    Case("DELETE", INVITE, 404, names={"code": "vanity"}, code=10006),
    Case("GET", SCREEN, 404, names={"guild_id": "mine"}, code=10069),
    Case("PATCH", SCREEN, 400, {"welcome_channels": [{"channel_id": "1", "description": "x"}]}, code=50035),
    Case("PATCH", SCREEN, 400, {"welcome_channels": [{"channel_id": "{channel_id}"}]}, code=50035),
    Case("PATCH", WIDGET, 400, {"channel_id": "{category}"}, code=50035),
    Case("GET", WIDGET + ".json", 403, names={"guild_id": "mine"}, code=50004),
    Case("GET", WIDGET + ".png", 403, names={"guild_id": "mine"}, code=50004),
    Case("POST", MESSAGES + "/bulk-delete", 400, {"messages": ["{message_id}"]}, code=50016),
    Case("POST", MESSAGES + "/bulk-delete", 400, {"messages": ["{message_id}", "1"]}, code=50034),
    Case("POST", MESSAGES + "/bulk-delete", 403, {"messages": ["1", "2"]}, {"channel_id": "quiet"}, code=50013),
    Case("POST", MESSAGES + "/bulk-delete", 403, {"messages": ["1", "2"]}, {"channel_id": "dms"}, code=50003),
    Case("PUT", MESSAGES + "/pins/{message_id}", 404, names={"message_id": NOWHERE}, code=10008),
    Case("PUT", MESSAGES + "/pins/{message_id}", 403, names={"message_id": "system"}, code=50021),
    Case(
        "PUT",
        MESSAGES + "/pins/{message_id}",
        400,
        names=FULL,
        code=30003,
    ),
    Case("GET", MESSAGES + "/pins", 400, query="?before=x", code=50035),
    Case("PUT", REACTION + "/@me", 400, names={"emoji_name": "thumbs"}, code=10014),
    Case("PUT", REACTION + "/@me", 400, names={"emoji_name": "blob:1"}, code=10014),
    Case("PUT", REACTION + "/@me", 403, names={**THUMB, "message_id": "crowded"}, code=30010),
    Case("DELETE", REACTION + "/@me", 404, names=THUMB, code=10014),
    Case("DELETE", REACTIONS, 403, names={"channel_id": "quiet", "message_id": "quiet_message"}, code=50013),
    Case("GET", CHANNEL, 403, names={"channel_id": "hidden"}, code=50001),
    Case("POST", MESSAGES, 403, {"content": "x"}, {"channel_id": "hidden"}, code=50001),
    Case("POST", MESSAGES, 403, {"content": "x"}, {"channel_id": "silent"}, code=50013),
    Case("POST", MESSAGES, 403, {"embeds": [EMBED]}, {"channel_id": "plain"}, code=50013),
    Case(
        "POST",
        MESSAGES,
        403,
        {"content": "x", "message_reference": {"message_id": "1"}},
        {"channel_id": "plain"},
        code=160002,
    ),
    Case("POST", MESSAGE + "/threads", 400, {"name": "again"}, {"message_id": "threaded"}, code=160004),
    Case("POST", CHANNEL + "/threads", 400, {"name": "x"}, {"channel_id": "voice"}, code=50024),
    Case("POST", CHANNEL + "/threads", 400, {"name": ""}, code=50035),
    Case("PUT", THREAD_MEMBERS + "/@me", 400, names={"channel_id": "archived"}, code=50083),
    Case("GET", THREAD_MEMBERS, 400, code=50024),
    Case("GET", THREAD_MEMBERS + "/{user_id}", 404, names={**IN_THREAD, "user_id": "stranger"}, code=10007),
    Case("PATCH", CHANNEL, 400, {"name": "x" * 101}, code=50035),
    Case("PATCH", CHANNEL, 400, {"rate_limit_per_user": 21601}, code=50035),
    Case("PATCH", CHANNEL, 400, {"parent_id": "{voice}"}, code=50035),
    Case("PATCH", CHANNEL, 403, {"name": "x"}, {"channel_id": "dms"}, code=50003),
    Case("PATCH", CHANNEL, 403, {"name": "x"}, {"channel_id": "silent"}, code=50013),
    Case("DELETE", CHANNEL, 403, names={"channel_id": "silent"}, code=50013),
    Case("PUT", OVERWRITE, 404, {"type": 0}, {"overwrite_id": NOWHERE}, code=10009),
    Case("PUT", OVERWRITE, 403, {"type": 0, "allow": 8}, {"overwrite_id": "role_id"}, code=50013),
    Case("DELETE", OVERWRITE, 404, names={"overwrite_id": NOWHERE}, code=10009),
    Case("POST", GUILD + "/channels", 400, {"name": ""}, code=50035),
    Case("POST", GUILD + "/channels", 400, {"name": "x", "type": 99}, code=50035),
    Case("POST", GUILD + "/channels", 403, {"name": "x"}, {"guild_id": "powerless"}, code=50013),
    Case("PATCH", GUILD, 400, {"name": "x"}, code=50035),
    Case("PATCH", GUILD, 403, {"name": "xyz"}, {"guild_id": "powerless"}, code=50013),
    Case("DELETE", "/users/@me/guilds/{guild_id}", 404, names={"guild_id": "foreign"}, code=10004),
    Case("DELETE", "/users/@me/guilds/{guild_id}", 400, names={"guild_id": "mine"}, code=50055),
    Case("POST", MESSAGES, 403, {"content": "x"}, {"channel_id": "locked"}, code=160005),
    Case("POST", ROLES, 403, {"permissions": 8}, code=50013),
    Case("POST", ROLES, 400, {"color": 1 << 24}, code=50035),
    Case("PATCH", ROLES, 403, [{"id": "{boss}", "position": 1}], code=50013),
    Case("PATCH", ROLES, 404, [{"id": "1", "position": 1}], code=10011),
    Case("GET", ROLE, 404, names={"role_id": NOWHERE}, code=10011),
    Case("PATCH", ROLE, 403, {"name": "x"}, {"role_id": "boss"}, code=50013),
    Case("DELETE", ROLE, 400, names={"role_id": "managed"}, code=50028),
    Case("GET", GUILD + "/members", 400, query="?limit=1001", code=50035),
    Case("PATCH", MEMBER, 400, {"nick": "x" * 33}, code=50035),
    Case("PATCH", MEMBER, 400, {"communication_disabled_until": "2100-01-01T00:00:00Z"}, code=50035),
    Case("PATCH", MEMBER, 403, {"nick": "x"}, {"user_id": "ada"}, code=50013),
    Case("PATCH", MEMBER, 403, {"communication_disabled_until": "{soon}"}, {"user_id": "ada"}, code=50013),
    Case("PATCH", MEMBER, 404, {"roles": ["1"]}, code=10011),
    Case("PATCH", MEMBER, 400, {"mute": True}, code=40032),
    Case("DELETE", MEMBER, 403, names={"user_id": "ada"}, code=50013),
    Case("DELETE", MEMBER, 403, names={"user_id": "boss_member"}, code=50013),
    Case("DELETE", MEMBER, 404, names={"user_id": "stranger"}, code=10007),
    Case("PUT", MEMBER_ROLE, 403, names={"role_id": "boss"}, code=50013),
    Case("PUT", MEMBER_ROLE, 404, names={"role_id": NOWHERE}, code=10011),
    Case("GET", BAN, 404, code=10026),
    Case("PUT", BAN, 403, names={"user_id": "ada"}, code=50013),
    Case("PUT", BAN, 400, {"delete_message_seconds": 604801}, code=50035),
    Case("PUT", BAN, 404, names={"user_id": NOWHERE}, code=10013),
    Case("DELETE", BAN, 404, code=10026),
    Case("POST", GUILD + "/bulk-ban", 400, {"user_ids": ["{ada}"]}, code=500000),
    Case("GET", HOOKS, 403, names={"channel_id": "silent"}, code=50013),
    Case("GET", HOOKS, 403, names={"channel_id": "dms"}, code=50003),
    Case("GET", HOOKS, 400, names={"channel_id": "category"}, code=50024),
    Case("GET", GUILD + "/webhooks", 403, names={"guild_id": "powerless"}, code=50013),
    Case("POST", HOOKS, 400, {"name": "Discord Hook"}, code=50035),
    Case("POST", HOOKS, 400, {"name": "x", "avatar": "https://x.y/z.png"}, code=50035),
    Case("POST", HOOKS, 400, {"name": "x", "avatar": "data:image/png;base64,AAAA"}, code=50046),
    Case("POST", HOOKS, 400, {"name": "x"}, {"channel_id": "plain"}, code=30007),
    Case("GET", HOOK, 404, names={"webhook_id": NOWHERE}, code=10015),
    Case("PATCH", HOOK, 400, {"name": ""}, A_HOOK, code=50035),
    Case("PATCH", HOOK, 404, {"channel_id": "{foreign_channel}"}, A_HOOK, code=10003),
    Case("GET", WEBHOOK, 401, names={**A_HOOK, "webhook_token": NOWHERE}, code=50027),
    Case("POST", WEBHOOK, 400, {}, A_HOOK, code=50006),
    Case("POST", WEBHOOK, 400, {"content": "x", "username": "here"}, A_HOOK, code=50035),
    Case("POST", WEBHOOK, 404, {"content": "x"}, A_HOOK, "?thread_id=1", code=10003),
    Case("POST", WEBHOOK, 400, {"content": "x", "thread_name": "post"}, A_HOOK, code=220003),
    Case("POST", WEBHOOK, 400, {"content": "x"}, FORUM_HOOK, code=220001),
    Case("POST", WEBHOOK, 400, {"content": "x", "thread_name": "x"}, FORUM_HOOK, "?thread_id={post}", code=220002),
    Case("PATCH", WEBHOOK_MESSAGE, 404, {"content": "x"}, {**A_HOOK, "message_id": "adas_message"}, code=10008),
    Case("PATCH", MESSAGE, 403, {"content": "x"}, {"message_id": "hooked"}, code=50005),
    Case("GET", VOICE_STATES + "/{user_id}", 404, code=10065),
    Case("PATCH", VOICE_STATES + "/@me", 403, {"channel_id": "{voice}", "suppress": False}, code=50013),
    Case("PATCH", MEMBER, 404, {"channel_id": "1"}, TALKER, code=10003),
    Case("PATCH", MEMBER, 400, {"channel_id": "{channel_id}"}, TALKER, code=50024),
    Case("PATCH", "/applications/{application_id}", 403, ABOUT, {"application_id": NOWHERE}, code=20012),
    Case("PATCH", "/applications/@me", 400, {"tags": ["x"] * 6, "custom_install_url": "ftp://x"}, code=50035),
    Case("PATCH", "/applications/@me", 400, {"interactions_endpoint_url": "https://example.com"}, code=50035),
    Case("PATCH", "/applications/@me", 400, {"install_params": {"scopes": ["email"]}}, code=50035),
    Case("PATCH", "/applications/@me", 400, {"integration_types_config": {"7": {}}}, code=50035),
    Case("PATCH", "/applications/@me", 400, {"description": {"default": "x" * 401}}, code=50035),
    Case("POST", WEBHOOK, 400, {"content": "x", "avatar_url": "file:///x"}, A_HOOK, code=50035),
    Case("GET", GUILD + "/prune", 403, names={"guild_id": "powerless"}, code=50013),
    Case("GET", GUILD + "/prune", 400, query="?days=31", code=50035),
    Case("POST", GUILD + "/prune", 400, {"days": 0}, code=50035),
    Case("PUT", MEMBER, 400, {}, {"user_id": "stranger"}, code=50035),
    Case("PUT", MEMBER, 403, {"access_token": "x"}, {"user_id": "stranger"}, code=50025),
    Case("GET", AUDIT_LOG, 403, names={"guild_id": "powerless"}, code=50013),
    Case("GET", AUDIT_LOG, 400, query="?limit=101", code=50035),
    Case("GET", AUDIT_LOG, 400, query="?action_type=kick", code=50035),
    Case("GET", INVITES, 403, names={"channel_id": "silent"}, code=50013),
    Case("GET", INVITES, 403, names={"channel_id": "dms"}, code=50003),
    Case("POST", INVITES, 400, {}, {"channel_id": "category"}, code=50024),
    Case("POST", INVITES, 403, {}, {"channel_id": "plain"}, code=50013),
    Case("POST", INVITES, 400, {"max_age": 604801, "max_uses": 101}, code=50035),
    Case("POST", INVITES, 400, {"target_type": 1, "target_user_id": "{bob}"}, {"channel_id": "voice"}, code=50035),
    Case("POST", INVITES, 404, {"role_ids": ["1"]}, code=10011),
    Case("POST", INVITES, 403, {"role_ids": ["{boss}"]}, code=50013),
    Case("GET", GUILD + "/invites", 403, names={"guild_id": "powerless"}, code=50013),
    Case("GET", INVITE, 404, names={"code": NOWHERE}, code=10006),
    Case("DELETE", INVITE, 404, names={"code": NOWHERE}, code=10006),
    Case("DELETE", INVITE, 403, names={"code": "foreign_code"}, code=50013),
    Case("GET", EMOJI, 404, names={"emoji_id": NOWHERE}, code=10014),
    Case("POST", EMOJIS, 403, {"name": "xx", "image": PICTURE}, {"guild_id": "powerless"}, code=50013),
    Case("POST", EMOJIS, 400, {"name": "no-dash", "image": PICTURE}, code=50035),
    Case("POST", EMOJIS, 400, {"name": "xx"}, code=50035),
    Case("POST", EMOJIS, 400, {"name": "xx", "image": PICTURE + "A" * 4 * 90_000}, code=50138),
    Case("POST", EMOJIS, 400, {"name": "xx", "image": PICTURE}, {"guild_id": "full"}, code=30008),
    Case("POST", EMOJIS, 400, {"name": "xx", "image": MOVING}, {"guild_id": "full"}, code=30018),
    Case("POST", EMOJIS, 404, {"name": "xx", "image": PICTURE, "roles": ["1"]}, code=10011),
    Case("GET", OWN_EMOJIS, 403, names={"application_id": NOWHERE}, code=20012),
    Case("GET", OWN_EMOJIS + "/{emoji_id}", 404, code=10014),
    *(
        Case("GET", path, 404, names={"sticker_id": name}, code=10060)
        for path in ("/stickers/{sticker_id}", STICKER)
        for name in (NOWHERE, "foreign_sticker")
    ),
    Case("GET", STICKER, 404, names={"sticker_id": "standard"}, code=10060),
    *(
        Case("PATCH", "/users/@me", 400, body, code=50035)
        for body in ({"username": "x"}, {"username": "My Discord"}, {"username": "here"}, {"avatar": "x"})
    ),
    *(
        Case(method, EVENT, 404, {}, {"guild_scheduled_event_id": NOWHERE}, code=10070)
        for method in ("PATCH", "DELETE")
    ),
    Case("GET", EVENT, 404, names={"guild_scheduled_event_id": NOWHERE}, code=10070),
    *(Case(method, STAGE_OF_CHANNEL, 404, {}, {"channel_id": "stage"}, code=10067) for method in ("PATCH", "DELETE")),
    Case("GET", STAGE_OF_CHANNEL, 404, names={"channel_id": "stage"}, code=10067),
    Case("PUT", VOICE_STATUS, 400, {"status": "x" * 501}, IN_VOICE, code=50035),
    Case("PUT", VOICE_STATUS, 400, {"status": "x"}, {"channel_id": "stage"}, code=50024),
    Case("POST", STAGES, 400, {**NEW_STAGE, "channel_id": "{live}"}, code=150006),
    Case("POST", STAGES, 400, {**NEW_STAGE, "channel_id": "{voice}"}, code=50024),
    Case("POST", STAGES, 404, {**NEW_STAGE, "channel_id": NOWHERE}, code=10003),
    Case("POST", STAGES, 403, {**NEW_STAGE, "channel_id": "{foreign_channel}"}, code=50001),
    Case("POST", STAGES, 404, {**NEW_STAGE, "guild_scheduled_event_id": "{guild_scheduled_event_id}"}, code=10070),
    *(
        Case("POST", STAGES, 400, body, code=50035)
        for body in (
            {},
            {**NEW_STAGE, "topic": ""},
            {**NEW_STAGE, "topic": "x" * 121},
            {**NEW_STAGE, "privacy_level": 1},
        )
    ),
    *(Case("PATCH", STAGE_OF_CHANNEL, 400, {"topic": topic}, LIVE, code=50035) for topic in ("", "x" * 121)),
    Case("PATCH", EVENT, 400, {"name": "x"}, {"guild_scheduled_event_id": "canceled"}, code=180000),
    Case("POST", EVENTS, 400, NEW_EVENT, {"guild_id": "full"}, code=30038),
    Case("POST", EVENTS, 404, {**VOICE_EVENT, "channel_id": NOWHERE}, code=10003),
    *(
        Case("POST", EVENTS, 400, body, code=50035)
        for body in (
            {},
            {**NEW_EVENT, "scheduled_end_time": None},
            {**NEW_EVENT, "entity_metadata": None},
            {**NEW_EVENT, "channel_id": "{voice}"},
            {**NEW_EVENT, "scheduled_start_time": "2020-01-01T00:00:00Z"},
            {**NEW_EVENT, "scheduled_end_time": "2082-01-01T00:00:00Z"},
            {**NEW_EVENT, "privacy_level": 1},
            {**NEW_EVENT, "recurrence_rule": {"frequency": 9, "by_weekday": [7]}},
            {**VOICE_EVENT, "channel_id": None},
            {**VOICE_EVENT, "channel_id": "{stage}"},
        )
    ),
    *(Case("PATCH", EVENT, 400, {"status": status}, code=50035) for status in (3, 5)),
    Case("PATCH", "/users/@me", 400, {"avatar": "data:image/png;base64,AAAA"}, code=50046),
    Case("PATCH", GUILD + "/members/@me", 400, {"bio": "x" * 191}, code=50035),
    Case("GET", "/sticker-packs/{pack_id}", 404, names={"pack_id": NOWHERE}, code=10061),
    Case("POST", STICKERS, 400, {"name": "x", "tags": ""}, code=50035),
    Case("POST", STICKERS, 400, {**NEW_STICKER, "file": "bm8gcGljdHVyZQ=="}, file=True, code=50046),
    Case("POST", STICKERS, 400, {**NEW_STICKER, "file": "A" * 699_056}, file=True, code=50045),
    Case("POST", STICKERS, 400, NEW_STICKER, {"guild_id": "full"}, file=True, code=30039),
    Case("PATCH", STICKER, 400, {"name": "x" * 31, "description": "x" * 101, "tags": "x" * 201}, code=50035),
    Case("POST", MESSAGES, 400, {"content": "x", "sticker_ids": [NOWHERE]}, code=50081),
    Case("POST", MESSAGES, 400, {"content": "x", "sticker_ids": ["{foreign_sticker}"]}, code=50081),
    Case("POST", MESSAGES, 400, {"content": "x", "sticker_ids": ["{sticker_id}"]}, {"channel_id": "dms"}, code=50081),
    Case("POST", MESSAGES, 400, {"content": "x", "sticker_ids": ["{standard}"] * 4}, code=50035),
]


def scene(world: World, wanted: Collection[str] = ()) -> dict[str, str]:
    """Create something of everything; return the ids by the names that the cases use.

    The guild and the channel that are full are so only if their names are wanted.
    """
    guild = next(iter(world.guilds.values()))
    general = guild.channel("general")
    assert general is not None
    bob = next(user for user in world.users.values() if user.name == "bob")
    bots = world.messages.add(general, world.bot, content="bot's")
    foreign = world.guilds.add("Foreign", with_bot=False)
    full = world.guilds.add("Full")
    for number in range(100 if "full" in wanted else 1):
        world.commands.set(full, {"name": f"c{number}", "description": "d"})
    for number in range(50 if "full" in wanted else 1):
        world.emojis.add(full, f"still_{number}")
        world.emojis.add(full, f"moving_{number}", animated=True)
    soon = world.clock.time() + 60
    for _ in range(100 if "full" in wanted else 1):
        world.scheduled_events.add(full, "Party", soon, end=soon + 60, location="Here")
    party, canceled = (
        world.scheduled_events.add(guild, "Party", soon, end=soon + 60, location="Here") for _ in range(2)
    )
    world.scheduled_events.add_interested(party, bob)
    world.scheduled_events.edit(canceled, status=4)
    for _ in range(5):
        world.stickers.add(full, "wave")
    typed = {"type": 3, "name": "fruit", "value": "a", "focused": True}
    command = {"id": "1", "name": "greet", "type": 1}
    made = {
        "late": world.interactions.create(COMMAND, bob, general, command),
        "command": world.interactions.create(COMMAND, bob, general, command),
        "answered": world.interactions.create(COMMAND, bob, general, command),
        "deferred": world.interactions.create(COMMAND, bob, general, command),
        "dm": world.interactions.create(COMMAND, bob, world.channels.dm(bob), command),
        "component": world.interactions.create(COMPONENT, bob, general, {"custom_id": "x"}, message=bots),
        "autocomplete": world.interactions.create(AUTOCOMPLETE, bob, general, {**command, "options": [typed]}),
    }
    data = {"custom_id": "m", "components": []}
    opener = made["component"]
    made["modal"] = world.interactions.create(MODAL_SUBMIT, bob, general, data, message=bots, opened_by=opener)
    made["late"].created -= 4
    answered, deferred = made["answered"], made["deferred"]
    original = world.messages.add(general, world.bot, content="a", interaction=answered, kind=20)
    world.messages.add(general, world.bot, flags=128, interaction=deferred, kind=20)
    answered.answered = deferred.answered = deferred.deferred = True
    followup = world.messages.add(general, world.bot, content="f", interaction=answered, reference=original, kind=19)
    answered.followups.append(followup)
    secret = world.messages.add(general, world.bot, content="s", flags=64, ephemeral_for=bob)
    quiet = world.channels.add(guild, "quiet")
    world.channels.set_overwrite(quiet, world.bot, deny=Permission.MANAGE_MESSAGES)
    stage, talker = world.channels.add(guild, "stage", kind=STAGE), world.users.add("talker")
    world.voice.join(world.members.add(guild, talker), stage)
    world.voice.join(guild.members[world.bot.id], stage)
    permitted = int(world.commands.set(guild, {"type": 3, "name": "Permitted"})["id"])
    allowed = [(guild.id, 1), (bob.id, 2), (guild.id - 1, 3)]
    world.commands.set_permissions(
        guild, permitted, [{"id": id, "type": kind, "permission": True} for id, kind in allowed]
    )
    live = world.channels.add(guild, "live", kind=STAGE)
    world.stages.start(live, "Talk")
    things = {
        "permitted": permitted,
        "stage": stage.id,
        "live": live.id,
        "talker": talker.id,
        "quiet": quiet.id,
        "quiet_message": world.messages.add(quiet, world.owner, content="ada's").id,
        "application_id": world.application,
        "webhook_id": world.application,
        "guild_id": guild.id,
        "channel_id": general.id,
        "message_id": bots.id,
        "user_id": bob.id,
        "bob": bob.id,
        "voice": world.channels.add(guild, "talk", kind=VOICE).id,
        "forum": world.channels.add(guild, "forum", kind=FORUM).id,
        "dms": world.channels.dm(bob).id,
        "foreign": foreign.id,
        "foreign_channel": next(iter(foreign.channels)),
        "full": full.id,
        "guild_scheduled_event_id": party.id,
        "canceled": canceled.id,
        "sticker_id": world.stickers.add(guild, "wave", creator=world.owner).id,
        "foreign_sticker": world.stickers.add(foreign, "wave").id,
        "standard": PACK_ID + 1,
        "pack_id": PACK_ID,
        "original": original.id,
        "followup": followup.id,
        "secret": secret.id,
        "adas_message": world.messages.add(general, world.owner, content="ada's").id,
        "stranger": world.users.add("eve").id,
        COMMANDS: world.commands.set(None, GREET)["id"],
        GUILD_COMMANDS: world.commands.set(guild, GREET)["id"],
    }
    names = {name: str(number) for name, number in things.items()} | server(world, guild, general, bob, wanted)
    names |= ways_in(world, general, world.channels[int(names["forum"])], world.channels[int(names["plain"])])
    for name, interaction in made.items():
        names |= {name: str(interaction.id), f"{name}_token": interaction.token}
    return names


def ways_in(world: World, general: Channel, forum: Channel, plain: Channel) -> dict[str, str]:
    """Webhooks of a text channel and a forum, and a channel that is full of them; invites."""
    hook, of_forum = (world.webhooks.add(channel, "Hook", creator=world.bot) for channel in (general, forum))
    for _ in range(15):
        world.webhooks.add(plain, "Hook", creator=world.owner)
    assert general.guild is not None
    thread = world.threads.start(general, "told of", world.owner)
    for deed, target in (
        (AuditLogEvent.WEBHOOK_CREATE, hook.id),
        (AuditLogEvent.THREAD_CREATE, thread.id),
        (AuditLogEvent.INVITE_CREATE, None),
    ):
        changes, options = changes_of(OF_WEBHOOKS, {}, hook.payload()), {"count": "1"}
        world.audit_log.add(general.guild, deed, world.owner, target, "why not", changes=changes, options=options)
    hooked = world.messages.add(general, hook.author("Captain"), content="ahoy", webhook=hook)
    post = world.threads.start(forum, "post", world.owner)
    things = {"hook": hook, "hooked": hooked, "forum_hook": of_forum, "post": post}
    names = {name: str(thing.id) for name, thing in things.items()}
    foreign = next(guild for guild in world.guilds.values() if guild.name == "Foreign")
    own = world.invites.add(general, world.owner, roles=[world.roles.add(general.guild, "invited")])
    other = world.invites.add(next(iter(foreign.channels.values())), world.owner)
    names |= {"code": own.code, "foreign_code": other.code}
    channels = [{"channel_id": str(general.id), "description": "Talk", "emoji_id": None, "emoji_name": "👋"}]
    world.guilds.edit(
        general.guild,
        settings={"features": ["VANITY_URL"], "widget_enabled": True},
        welcome_screen={"description": "Hi", "welcome_channels": channels},
    )
    world.invites.set_vanity(general.guild, "sandbox")
    mine = next(guild for guild in world.guilds.values() if guild.name == "Mine")
    words: dict[str, Any] = {"keyword_filter": ["cat"], "regex_patterns": [], "allow_list": []}
    first = world.auto_moderation.add(
        general.guild,
        "Rule",
        creator=world.bot,
        trigger=1,
        metadata=words,
        actions=[{"type": 1, "metadata": {}}],
    )
    for _ in range(6):
        world.auto_moderation.add(mine, "Rule", creator=world.bot, trigger=1, metadata=words, actions=[])
    names |= {"vanity": "sandbox", "rule_id": str(first.id)}
    return names | {"hook_token": hook.token, "forum_token": of_forum.token}


def server(world: World, guild: Guild, general: Channel, bob: User, wanted: Collection[str]) -> dict[str, str]:
    """What a server has besides messages: roles, threads, bans, places where the bot may not do everything."""
    managed = guild.role_of(world.bot)
    assert managed is not None
    boss, role = world.roles.add(guild, "boss"), world.roles.add(guild, "role")
    world.roles.move(guild, {boss: 10})
    stand_in = world.members.add(guild, world.users.add("stand-in"), roles=[boss])
    banned = world.users.add("mallory")
    world.members.ban(guild, banned, reason="spam")
    blob = world.emojis.add(guild, "blob")
    pinned, crowded, threaded = (world.messages.add(general, world.owner, content=text) for text in "pct")
    world.messages.pin(pinned, world.owner)
    for user in (bob, world.bot):
        world.reactions.add(pinned, user, Emoji("👍"))
    for number in range(20):
        world.reactions.add(crowded, bob, Emoji(chr(0x1F600 + number)))
    thread = world.threads.start(general, "thread", bob, message=threaded)
    archived = world.threads.start(general, "old", bob)
    private = world.threads.start(general, "private", bob, kind=12)
    world.threads.join(private, world.bot)
    for old in (archived, private):
        world.threads.edit(old, archived=True)
    denied = {
        "hidden": Permission.VIEW_CHANNEL,
        "silent": Permission.SEND_MESSAGES | Permission.MANAGE_CHANNELS | Permission.MANAGE_WEBHOOKS,
        "busy": Permission.MANAGE_THREADS,
        "plain": Permission.EMBED_LINKS | Permission.READ_MESSAGE_HISTORY | Permission.CREATE_INSTANT_INVITE,
    }
    places = {name: world.channels.add(guild, name) for name in denied}
    for name, permission in denied.items():
        world.channels.set_overwrite(places[name], world.bot, deny=permission)
    locked = world.threads.start(places["busy"], "locked", bob)
    world.threads.edit(locked, locked=True)
    powerless = world.guilds.add("Powerless")
    own = powerless.role_of(world.bot)
    assert own is not None
    world.roles.edit(powerless, own, permissions=0)
    full = world.channels.add(guild, "full")
    pins = 251 if "full_of_pins" in wanted else 1
    last = [world.messages.add(full, world.owner, content="p") for _ in range(pins)][-1]
    for message in list(full.messages.values())[:250]:
        message.pinned = 1.0
    mine = world.guilds.add("Mine", owner=world.bot)
    system = next(message for message in general.messages.values() if message.kind == 6)
    news = world.channels.add(guild, "news", kind=ANNOUNCEMENT)
    fresh, published = (world.messages.add(news, world.bot, content=text) for text in ("fresh", "published"))
    world.messages.pin(fresh, world.owner)
    world.announcements.follow(news, general, world.bot)
    world.announcements.publish(published)
    now = world.clock.time()
    poll, ended = (
        world.messages.add(
            general, world.bot, poll=Poll("Tea?", [{"text": "Yes", "emoji": {"id": None, "name": "🍵"}}], now + 3600)
        )
        for _ in range(2)
    )
    for message in (poll, ended):
        world.polls.vote(message, bob, [1])
    world.polls.end(ended)
    things = {
        **places,
        "managed": managed,
        "boss": boss,
        "role_id": role,
        "boss_member": stand_in.user,
        "banned": banned,
        "ada": world.owner,
        "bot": world.bot,
        "pinned": pinned,
        "crowded": crowded,
        "threaded": threaded,
        "system": system,
        "voice_message": world.messages.add(general, world.bot, flags=1 << 13),
        "poll": poll,
        "ended": ended,
        "adas_poll": world.messages.add(general, world.owner, poll=Poll("Tea?", [{"text": "Yes"}], now + 3600)),
        "result": next(message for message in general.messages.values() if message.kind == 46),
        "news": news,
        "fresh": fresh,
        "published": published,
        "pin_in_news": next(message for message in news.messages.values() if message.kind == 6),
        "copy": published.copies[0],
        "announced": next(message for message in general.messages.values() if message.kind == 12),
        "thread": thread,
        "archived": archived,
        "category": world.channels.add(guild, "Category", kind=CATEGORY),
        "powerless": powerless,
        "locked": locked,
        "mine": mine,
        "mine_general": next(iter(mine.channels.values())),
        "full_of_pins": full,
        "251st": last,
        "dm_message": world.messages.add(world.channels.dm(bob), bob, content="hi"),
    }
    soon = timestamp(world.clock.time() + 60)
    return {name: str(thing.id) for name, thing in things.items()} | {
        "soon": soon,
        "blob": f"blob:{blob.id}",
        "emoji_id": str(blob.id),
        "own_emoji": str(world.emojis.add(None, "own").id),
    }


def filled(value: Any, names: dict[str, str]) -> Any:
    """A body with its {names} filled in."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    return [filled(inner, names) for inner in value] if isinstance(value, list) else value


def response_validator(method: str, path: str, status: int) -> Any:
    responses = specification()["paths"][path][method.lower()]["responses"]
    key = str(status) if str(status) in responses else f"{status // 100}XX"
    if "$ref" in responses[key]:
        name = responses[key]["$ref"].rsplit("/", 1)[1]
        return validator("components", "responses", name, "content", "application/json", "schema")
    return validator("paths", path, method.lower(), "responses", key, "content", "application/json", "schema")


def form(case: Case, body: Any) -> dict[str, Any]:
    if not case.file:
        return {} if case.body is None else {"json": body}
    data = aiohttp.FormData()
    if "file" in body:  # a form of fields
        for name, text in body.items():
            if name == "file":
                data.add_field(name, base64.b64decode(text), filename="a.png")
            else:
                data.add_field(name, text)
        return {"data": data}
    data.add_field("payload_json", json.dumps(body), content_type="application/json")
    data.add_field("files[0]", b"content", filename="a.txt")
    return {"data": data}


async def call(case: Case, sandbox: Sandbox, names: dict[str, str] | None = None) -> tuple[int, bytes, Any]:
    """Make the call, in a new scene or in that of these names; its status, body and the JSON that was sent."""
    names = scene(sandbox.world, case.names.values()) if names is None else names
    fields = names | {key: names.get(value, value) for key, value in case.names.items()}
    fields.setdefault(f"{NOWHERE}_token", NOWHERE)
    fields = {key: fields.get(value, value) for key, value in fields.items()}
    body = filled(case.body, fields)
    url = sandbox.rest_url + (case.path + case.query).format_map(fields)
    headers = {"Authorization": f"Bot {sandbox.token}"} if case.authorized else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(case.method, url, headers=headers, **form(case, body)) as response,
    ):
        return response.status, await response.read(), body


@pytest.mark.parametrize("case", GOOD, ids=str)
async def test_an_answer_and_its_request_are_as_specified(case: Case) -> None:
    async with Sandbox() as sandbox:
        status, answer, request = await call(case, sandbox)
    assert (status, answer if status != case.status else b"") == (case.status, b"")
    assert str(status) in specification()["paths"][case.path][case.method.lower()]["responses"]
    if status == 204:
        assert answer == b""
    else:
        response_validator(case.method, case.path, status).validate(json.loads(answer))
    if case.body is not None:
        content = "multipart/form-data" if case.file else "application/json"
        place = ("paths", case.path, case.method.lower(), "requestBody", "content", content, "schema")
        validator(*place).validate(request)


@pytest.mark.parametrize("case", BAD, ids=str)
async def test_a_refusal_is_as_specified_bears_its_code_and_changes_nothing(case: Case) -> None:
    async with Sandbox() as sandbox:
        names = scene(sandbox.world, case.names.values())
        before = snapshot(sandbox.world)
        status, answer, _ = await call(case, sandbox, names)
        assert differences(before, snapshot(sandbox.world)) == {}
    refusal = json.loads(answer)
    assert (status, refusal["code"]) == (case.status, case.code)
    response_validator(case.method, case.path, status).validate(refusal)


async def test_a_rate_limit_that_was_asked_for_is_as_specified() -> None:
    async with Sandbox() as sandbox:
        sandbox.fail("GET", "/users/@me", 429)
        status, answer, _ = await call(Case("GET", "/users/@me", 429), sandbox)
    assert status == 429
    response_validator("GET", "/users/@me", 429).validate(json.loads(answer))


UNSPECIFIED = {("POST", "/channels/{}/thread-members/@me"), ("PATCH", "/guilds/{}/members/@me/nick")}
"""What the specification does not have and Discord takes; test_sandbox_libraries.py holds them."""


def test_every_served_route_is_held_against_the_specification() -> None:
    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path)

    # these take a token of OAuth2, which no bot has
    refused = {("PUT", shape(MEMBER)), ("PUT", shape(COMMAND_PERMISSIONS))}
    pictures = {("GET", shape(WIDGET + ".png"))}  # held in test_sandbox_guilds.py
    held = {(case.method, shape(case.path)) for case in GOOD} | refused | pictures | UNSPECIFIED
    served = {(route.method, shape(route.path)) for route in Rest(World(), dict).routes}
    assert len(served) > 110
    assert served - held == set()


def test_every_operation_of_the_specification_is_served_or_has_the_reason_why_not() -> None:
    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path.replace("@original", "{message_id}"))

    known = {f"{method.upper()} {shape(path)}" for path, row in specification()["paths"].items() for method in row}
    known = {operation for operation in known if not operation.startswith("PARAMETERS")}
    served = {f"{route.method} {shape(route.path)}" for route in Rest(World(), dict).routes}
    refused = {shape(operation) for operation in NOT_SERVED}
    assert len(known) > 200
    assert known - served - refused == set()
    assert served & refused == set()
    assert refused <= known


async def test_a_bot_that_calls_an_operation_that_is_not_served_is_told_why() -> None:
    async with Sandbox() as sandbox:
        status, answer, _ = await call(Case("POST", "/lobbies", 404, {}), sandbox)
    told = "the sandbox does not serve POST /api/v10/lobbies: it is for games with Discord's Social SDK, not for bots"
    assert (status, json.loads(answer)["message"]) == (404, told)


def test_no_path_of_the_specification_is_taken_for_another() -> None:
    def shape(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path)

    rest = Rest(World(), dict)
    swallowed: set[str] = set()
    known = [(method.upper(), path) for path, row in specification()["paths"].items() for method in row]
    for method, path in known:
        found = rest.route(method, "/api/v10" + re.sub(r"\{\w+\}", "1", path))
        own = shape(path.replace("@original", "{message_id}"))  # which the handler of messages serves
        if found is not None and shape(found[0].path) != own:
            swallowed.add(f"{method} {path} by {found[0].path}")
    assert len(known) > 200
    assert swallowed == set()


# Bodies that are almost right

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["", [], {}, [{}], [[]], "0", "attachment://x", "https://example.com", 1 << 63, 15, 2]).map(
        deepcopy
    ),
)
FIELDS = sorted(
    set().union(*COMPONENT_FIELDS.values(), EMBED, GREET, GROUP, *GREET["options"], *ROWS[0]["components"])
    | {"name_localizations", "choices", "autocomplete", "media", "id", "text", "value", "animated", "attachments"}
)
ALMOST = [
    callback("command", 4, RICH),
    callback("command", 4, {"components": LAYOUT, "flags": 1 << 15}),
    callback("command", 9, MODAL),
    callback("component", 7, RICH),
    callback("autocomplete", 8, {"choices": [{"name": "a", "value": "b"}]}),
    Case("POST", MESSAGES, 200, {**RICH, "allowed_mentions": {"parse": ["users"]}, "nonce": "n"}),
    Case("PATCH", MESSAGE, 200, RICH),
    Case("POST", WEBHOOK, 200, RICH, ANSWERED),
    Case(
        "POST", WEBHOOK, 200, {**RICH, "username": "x", "thread_name": None, "applied_tags": []}, A_HOOK, "?wait=true"
    ),
    Case("POST", HOOKS, 200, {"name": "Hook", "avatar": PICTURE}),
    Case("POST", INVITES, 200, {"max_age": 0, "max_uses": 1, "role_ids": ["{role_id}"]}),
    Case("POST", EMOJIS, 201, {"name": "party", "image": PICTURE, "roles": []}),
    Case("POST", GUILD + "/prune", 200, {"days": 30, "include_roles": ["{role_id}"]}),
    Case("PATCH", "/applications/@me", 200, {**ABOUT, "description": {"default": ""}, "tags": ["fun"], "flags": 0}),
    Case("POST", COMMANDS, 200, GREET),
    Case("PUT", COMMANDS, 200, [GREET, GROUP, {"type": 3, "name": "Quote"}]),
]
"""Those of messages, forms and commands, with much inside."""

BODIES = [case for case in GOOD if isinstance(case.body, dict | list) and not case.file]
BODIES += [
    Case("POST", STICKERS, 400, NEW_STICKER),
    Case("PUT", MEMBER, 403, {"access_token": "x"}),
    Case("PUT", COMMAND_PERMISSIONS, 403, {"permissions": []}, PERMITTED),
    Case("DELETE", BAN, 204, {}, BANNED),
]
"""Those of all routes that take a body."""


@cache
def field_names(method: str, path: str) -> set[str]:
    """The names of all fields that Discord's specification knows in a route's body, at any depth."""
    found: set[str] = set()
    seen: set[str] = set()

    def look(schema: Any) -> None:
        if isinstance(schema, list):
            for inner in schema:
                look(inner)
        if not isinstance(schema, dict):
            return
        name = schema.get("$ref", "")
        if name and name not in seen:
            seen.add(name)
            look(specification()["components"]["schemas"][name.rsplit("/", 1)[1]])
        found.update(schema.get("properties", {}))
        look([*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")])
        look([*schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])])

    for content in specification()["paths"][path][method.lower()].get("requestBody", {}).get("content", {}).values():
        look(content["schema"])
    return found


def nodes(value: Any) -> list[Any]:
    """All objects and arrays within a JSON value, itself included."""
    if isinstance(value, dict):
        return [value, *(node for inner in value.values() for node in nodes(inner))]
    return [value, *(node for inner in value for node in nodes(inner))] if isinstance(value, list) else []


@st.composite
def spoiled(draw: st.DrawFn) -> Case:
    """A good case with some of its fields replaced, added or taken away."""
    case = replace(draw(st.sampled_from(BODIES) | st.sampled_from(ALMOST)))
    case.body = deepcopy(case.body)
    known = field_names(case.method, case.path)
    for _ in range(draw(st.integers(1, 3))):
        node = draw(st.sampled_from(nodes(case.body)))
        if isinstance(node, dict):
            name = draw(st.sampled_from(sorted({*node, *known}) or FIELDS) | st.sampled_from(FIELDS))
            if draw(st.integers(0, 4)):
                node[name] = draw(JUNK)
            else:
                node.pop(name, None)
        else:
            node.append(draw(JUNK))
    return case


def inconsistencies(world: World) -> list[str]:
    """What does not fit together in a world, or cannot be told to a bot."""
    found: list[str] = []
    for guild in world.guilds.values():
        places = [*guild.channels.values(), *guild.threads.values()]
        known = {*guild.roles, *world.users}
        facts = {
            "positions of roles": sorted(role.position for role in guild.roles.values()) == [*range(len(guild.roles))],
            "owner": guild.owner.id in guild.members,
            "roles of members": all(guild.roles.get(r.id) is r for m in guild.members.values() for r in m.roles),
            "channels": all(world.channels.get(place.id) is place for place in places),
            "parents": all(p.parent is None or guild.channels.get(p.parent.id) is p.parent for p in places),
            "overwrites": all(number in known for place in places for number in place.overwrites),
            "system channel": guild.system_channel is None or guild.system_channel.id in guild.channels,
            "its telling": bool(json.dumps(world.guild_create(guild, guild.members.values()))),
        }
        found += [f"{guild.name}: {what}" for what, fits in facts.items() if not fits]
    for message in world.messages.values():
        json.dumps(message.gateway_payload())
    return found


@settings(max_examples=60, deadline=None)
@given(cases=st.lists(spoiled(), min_size=1, max_size=3))
def test_bodies_that_are_almost_right_are_taken_or_refused_as_specified(cases: list[Case]) -> None:
    async def play() -> tuple[list[tuple[int, bytes, Any]], list[str]]:
        async with Sandbox() as sandbox:
            names = scene(sandbox.world)
            answers: list[tuple[int, bytes, Any]] = []
            for case in cases:
                before = snapshot(sandbox.world)
                answers.append(await call(case, sandbox, names))
                if answers[-1][0] >= 400:
                    assert differences(before, snapshot(sandbox.world)) == {}
            return answers, inconsistencies(sandbox.world)

    answers, wrong = asyncio.run(play())
    assert wrong == []
    for case, (status, answer, _) in zip(cases, answers, strict=True):
        assert status < 500
        if status != 204:
            response_validator(case.method, case.path, status).validate(json.loads(answer))


def test_every_route_with_a_body_has_one_to_be_spoiled() -> None:
    spoilt = {(case.method, re.sub(r"\{\w+\}", "{}", case.path)) for case in BODIES}
    paths = {re.sub(r"\{\w+\}", "{}", path): row for path, row in specification()["paths"].items()}
    served = {(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in Rest(World(), dict).routes}
    served -= UNSPECIFIED
    with_body = {(method, path) for method, path in served if "requestBody" in paths[path][method.lower()]}
    assert len(with_body) > 35
    assert with_body - spoilt == set()


def test_every_code_that_the_sandbox_refuses_with_is_met_here_or_in_tests_of_their_own() -> None:
    codes = {reason.code for reason in vars(errors).values() if isinstance(reason, errors.ErrorCode) and reason.code}
    assert len(codes) > 50
    elsewhere = {30005, 30013, 30015, 30016, 30033, 40005, 50007, 50109, 160006, 160009, 160014}  # test_sandbox_rest.py
    assert codes - {case.code for case in BAD} - elsewhere == set()


def test_every_refusal_and_bound_names_its_page() -> None:
    said = [*vars(errors).values(), *vars(bounds).values()]
    seen = [one.seen for one in said if isinstance(one, errors.ErrorCode) and one.seen]
    assert len(seen) > 10
    assert [report for report in seen if not re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", report)] == []
    pages = [one.page for one in said if isinstance(one, errors.ErrorCode | bounds.Bound)]
    assert len(pages) > 70
    assert [page for page in pages if not re.fullmatch(r"[a-z-]+(/[a-z-]+)*#[a-z0-9: -]+", page)] == []
