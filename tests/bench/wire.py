"""Both ends of a bot for the benches: the gateway text that Discord sends, and a session that takes its REST calls."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import aiohttp

BOT, APPLICATION, GUILD, CHANNEL, ADA, BOB = (
    "1180000000000000001",
    "1180000000000000001",
    "1180000000000000010",
    "1180000000000000011",
    "1180000000000000020",
    "1180000000000000021",
)
TOKEN = f"{b64encode(BOT.encode()).decode().rstrip('=')}.bench0.not-a-real-token"
COMMAND, COMPONENT = 2, 3  # Discord's types of interactions
DISCORD_EPOCH_MS = 1_420_070_400_000


def user(user_id: str, name: str, **more: object) -> dict[str, Any]:
    return {
        "id": user_id,
        "username": name,
        "global_name": name.title(),
        "discriminator": "0",
        "avatar": "8342729096ea3675442027381ff50dfe",
        "avatar_decoration_data": None,
        "clan": None,
        "collectibles": None,
        "display_name_styles": None,
        "primary_guild": None,
        "public_flags": 64,
        **more,
    }


def member(**more: object) -> dict[str, Any]:
    return {
        "nick": None,
        "avatar": None,
        "banner": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "display_name_styles": None,
        "roles": [],
        "joined_at": "2024-03-05T18:22:05.213000+00:00",
        "premium_since": None,
        "communication_disabled_until": None,
        "unusual_dm_activity_until": None,
        "pending": False,
        "flags": 0,
        **more,
    }


CHANNEL_PAYLOAD: dict[str, Any] = {
    "id": CHANNEL,
    "type": 0,
    "name": "general",
    "topic": None,
    "position": 0,
    "parent_id": None,
    "nsfw": False,
    "flags": 0,
    "last_message_id": "1180000000000000900",
    "rate_limit_per_user": 0,
    "icon_emoji": {"id": None, "name": "👋"},
    "theme_color": None,
}

READY: dict[str, Any] = {
    "v": 10,
    "user": user(BOT, "wisp", bot=True, verified=True, mfa_enabled=True, email=None, flags=0),
    "user_settings": {},
    "session_type": "normal",
    "session_id": "6f0a2b8c4d1e4f5a9b7c3d2e1f0a9b8c",
    "resume_gateway_url": "wss://gateway-us-east1-b.discord.gg",
    "relationships": [],
    "private_channels": [],
    "presences": [],
    "guilds": [{"id": GUILD, "unavailable": True}],
    "guild_join_requests": [],
    "geo_ordered_rtc_regions": ["frankfurt"],
    "application": {"id": APPLICATION, "flags": 565248},
    "_trace": [],
    "shard": [0, 1],
}

GUILD_CREATE: dict[str, Any] = {
    "id": GUILD,
    "name": "Benches",
    "icon": None,
    "description": None,
    "splash": None,
    "discovery_splash": None,
    "banner": None,
    "owner_id": ADA,
    "application_id": None,
    "region": "deprecated",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "system_channel_id": CHANNEL,
    "system_channel_flags": 0,
    "rules_channel_id": None,
    "public_updates_channel_id": None,
    "safety_alerts_channel_id": None,
    "widget_enabled": False,
    "widget_channel_id": None,
    "verification_level": 0,
    "default_message_notifications": 0,
    "mfa_level": 0,
    "nsfw": False,
    "nsfw_level": 0,
    "explicit_content_filter": 0,
    "max_presences": None,
    "max_members": 500_000,
    "max_video_channel_users": 25,
    "max_stage_video_channel_users": 50,
    "vanity_url_code": None,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "premium_progress_bar_enabled": False,
    "preferred_locale": "en-US",
    "hub_type": None,
    "features": [],
    "emojis": [],
    "stickers": [],
    "incidents_data": None,
    "joined_at": "2024-03-05T18:22:05.213000+00:00",
    "large": False,
    "unavailable": False,
    "member_count": 3,
    "voice_states": [],
    "presences": [],
    "stage_instances": [],
    "guild_scheduled_events": [],
    "soundboard_sounds": [],
    "threads": [],
    "channels": [{**CHANNEL_PAYLOAD, "permission_overwrites": []}],
    "members": [member(user=READY["user"], deaf=False, mute=False)],
    "roles": [
        {
            "id": GUILD,
            "name": "@everyone",
            "description": None,
            "permissions": "2248473465835073",
            "position": 0,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
    ],
}

APPLICATION_PAYLOAD: dict[str, Any] = {
    "id": APPLICATION,
    "name": "wisp",
    "icon": None,
    "description": "",
    "type": None,
    "bot": user(BOT, "wisp", bot=True),
    "bot_public": True,
    "bot_require_code_grant": False,
    "summary": "",
    "verify_key": "0" * 64,
    "flags": 565248,
    "owner": user(ADA, "ada"),
    "team": None,
    "approximate_guild_count": 1,
    "approximate_user_install_count": 0,
    "integration_types_config": {"0": {}},
}


def command_data(name: str, *, options: list[dict[str, Any]] | None = None, **more: object) -> dict[str, Any]:
    """What was typed: the `data` of an interaction with a chat command."""
    data: dict[str, Any] = {"id": "1180000000000000100", "name": name, "type": 1, **more}
    return {**data, "options": options} if options is not None else data


PING = command_data("ping")
GREET = command_data(
    "greet",
    options=[{"name": "user", "type": 6, "value": BOB}, {"name": "times", "type": 4, "value": 3}],
    resolved={"users": {BOB: user(BOB, "bob")}, "members": {BOB: member(permissions="2248473465835073")}},
)


GUARDED = command_data("guarded")


def press(number: int) -> dict[str, Any]:
    """The `data` of a press on the button of the message of this number."""
    return {"component_type": 2, "custom_id": f"vote:{number}:yes", "id": 2}


def gateway_text(event: str, payload: Mapping[str, Any], sequence: int = 2) -> bytes:
    """A dispatch as it comes off the websocket, decompressed."""
    return json.dumps({"t": event, "s": sequence, "op": 0, "d": payload}, separators=(",", ":")).encode()


def pressed_message(data: Mapping[str, Any]) -> dict[str, Any]:
    """The message that a pressed button is on, as the interaction carries it."""
    button = {"type": 2, "id": 2, "style": 1, "label": "Yes", "custom_id": data["custom_id"], "disabled": False}
    message = json.loads(callback_body("Which?"))["resource"]["message"]
    return {**message, "components": [{"type": 1, "id": 1, "components": [button]}]}


def interaction_text(kind: int, data: Mapping[str, Any], number: int) -> bytes:
    """INTERACTION_CREATE, made now by ada in the guild; ids and tokens differ by `number`, as Discord's do."""
    snowflake = (int(time.time() * 1000) - DISCORD_EPOCH_MS << 22) + number
    token = b64encode(f"interaction:{snowflake}:{number:0120d}".encode()).decode()
    return gateway_text(
        "INTERACTION_CREATE",
        {
            "version": 1,
            "type": kind,
            "token": token,
            "member": member(user=user(ADA, "ada"), permissions="9007199254740991", deaf=False, mute=False),
            "locale": "en-GB",
            "id": str(snowflake),
            "guild_locale": "en-US",
            "guild_id": GUILD,
            "guild": {"locale": "en-US", "id": GUILD, "features": []},
            "entitlements": [],
            "entitlement_sku_ids": [],
            "data": dict(data),
            "context": 0,
            "channel_id": CHANNEL,
            "channel": {**CHANNEL_PAYLOAD, "guild_id": GUILD, "permissions": "9007199254740991"},
            "authorizing_integration_owners": {"0": GUILD},
            "attachment_size_limit": 10_485_760,
            "application_id": APPLICATION,
            "app_permissions": "2251799813685247",
            **({"message": pressed_message(data)} if kind == COMPONENT else {}),
        },
        sequence=number,
    )


def callback_body(content: str) -> bytes:
    """What Discord gives back to an answered interaction with `with_response=true`: the message made of it."""
    message = {
        "id": "1180000000000000901",
        "type": 20,
        "channel_id": CHANNEL,
        "guild_id": GUILD,
        "content": content,
        "author": user(BOT, "wisp", bot=True),
        "attachments": [],
        "embeds": [],
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "pinned": False,
        "tts": False,
        "timestamp": "2026-01-05T18:22:05.213000+00:00",
        "edited_timestamp": None,
        "flags": 0,
        "components": [],
        "webhook_id": APPLICATION,
        "application_id": APPLICATION,
        "interaction": {"id": "1180000000000000902", "type": 2, "name": "ping", "user": user(ADA, "ada")},
        "interaction_metadata": {
            "id": "1180000000000000902",
            "type": 2,
            "name": "ping",
            "command_type": 1,
            "user": user(ADA, "ada"),
            "authorizing_integration_owners": {"0": GUILD},
        },
    }
    interaction = {
        "id": "1180000000000000902",
        "type": 2,
        "response_message_id": message["id"],
        "response_message_loading": False,
        "response_message_ephemeral": False,
        "channel_id": CHANNEL,
        "guild_id": GUILD,
    }
    return json.dumps({"interaction": interaction, "resource": {"type": 4, "message": message}}).encode()


class Answer:
    """The part of an aiohttp response that REST clients read, with a body that is there already."""

    reason = "OK"
    content_type = "application/json"

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers = {"content-type": self.content_type} if body else {}
        self.real_url = "https://discord.com"
        self._body = body

    async def read(self) -> bytes:
        return self._body

    async def text(self, encoding: str = "utf-8") -> str:
        return self._body.decode(encoding)

    async def __aenter__(self) -> Answer:
        await asyncio.sleep(0)  # as over a network, the answer comes on a later turn of the loop
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class Session:
    """Takes the place of a library's aiohttp session: keeps each call as it came, answers at once.

    `calls` holds (method, url, body) in order of arrival, untouched, so that the timed part does nothing
    but append; `sent` reads one of them.
    """

    closed = False

    def __init__(self) -> None:
        self.calls: list[tuple[str, object, object]] = []
        self._goal = -1
        self._reached: asyncio.Future[None] | None = None
        self._no_content = Answer(204, b"")
        self._application = Answer(200, json.dumps(APPLICATION_PAYLOAD).encode())
        self._answer = self._no_content

    def forget(self, callback_content: str) -> None:
        """Start anew: no calls so far, and `callback_content` in the messages that callbacks return."""
        self.calls.clear()
        self._goal = -1
        self._answer = Answer(200, callback_body(callback_content))

    def request(self, method: str, url: object, **keywords: Any) -> Answer:
        self.calls.append((method, url, keywords.get("data")))
        if len(self.calls) == self._goal and self._reached is not None:
            self._reached.set_result(None)
        if method == "GET":
            return self._application
        return self._answer if keywords.get("params") or "with_response=" in str(url) else self._no_content

    def reached(self, calls: int) -> asyncio.Future[None]:
        """Done when there have been `calls` calls since `forget`."""
        self._reached = asyncio.get_running_loop().create_future()
        self._goal = calls
        if len(self.calls) >= calls:
            self._reached.set_result(None)
        return self._reached

    async def close(self) -> None:
        pass


def sent(call: tuple[str, object, object]) -> tuple[str, str, Any]:
    """A call of `Session.calls` as (method, path without token and query, decoded body)."""
    method, url, data = call
    path = str(url).partition("?")[0].partition("/api/")[2]
    parts = ["{token}" if len(part) > 100 else "{id}" if part.isdigit() else part for part in path.split("/")[1:]]
    raw = data.decode() if isinstance(data, (bytes, aiohttp.BytesPayload)) else data
    return method, "/".join(parts), json.loads(raw) if isinstance(raw, str) else raw
