"""Widgets of guilds over REST: what a web page may show of a guild, as JSON and as a picture."""

from __future__ import annotations

import struct
import zlib

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import WIDGET_DISABLED, DiscordError
from wisp.sandbox.world.audit_log import GUILD, AuditLogEvent, changes_of
from wisp.sandbox.world.objects import CATEGORY, JSON, VOICE, Channel, Guild
from wisp.sandbox.world.permissions import Permission

SHOWN_MEMBERS = 100
"""Online members that a widget names at most (resources/guild#guild-widget-object)."""

STYLES = {"shield": (84, 20), "banner1": (320, 76), "banner2": (320, 76), "banner3": (320, 100), "banner4": (320, 180)}
"""The width and height in pixels of each style of the picture (resources/guild#get-guild-widget-image)."""

BLURPLE = bytes((88, 101, 242))


def get_settings(call: Call) -> Answer:
    """Return whether a guild's widget is enabled, and the channel that it invites to."""
    return 200, _settings(call.guild)


def edit_settings(call: Call) -> Answer:
    """Enable or disable a guild's widget, or let it invite to another channel."""
    guild, fields = call.guild, call.fields
    changes: JSON = {}
    enabled = fields.boolean("enabled")
    if enabled is not None:
        changes["widget_enabled"] = enabled
    if "channel_id" in fields:
        id = fields.snowflake("channel_id")
        channel = guild.channels.get(id or 0)
        if id is not None and (channel is None or channel.kind == CATEGORY):
            fields.refuse("channel_id", "CHANNEL_TYPE_INVALID", "Invalid channel type")
        changes["widget_channel_id"] = channel and str(channel.id)
    fields.check()
    before = guild.payload()
    call.world.guilds.edit(guild, settings=changes)
    call.log(AuditLogEvent.GUILD_UPDATE, guild.id, changes=changes_of(GUILD, before, guild.payload()))
    return 200, _settings(guild)


def get(call: Call) -> Answer:
    """Return what a web page may show of a guild: its members have neither ids nor discriminators there."""
    guild = _enabled(call)
    presences = call.world.presences.of(guild.members.values())
    return 200, {
        "id": str(guild.id),
        "name": guild.name,
        "instant_invite": _invite(call, guild),
        "channels": [
            {"id": str(channel.id), "name": channel.name, "position": channel.position}
            for channel in guild.channels.values()
            if channel.kind == VOICE and _open(guild, channel)
        ],
        "members": [
            {
                "id": str(number),
                "username": guild.members[int(presence["user"]["id"])].name,
                "discriminator": "0000",
                "avatar": None,
                "status": presence["status"],
                "avatar_url": "https://cdn.discordapp.com/embed/avatars/0.png",
            }
            for number, presence in enumerate(presences[:SHOWN_MEMBERS])
        ],
        "presence_count": len(presences),
    }


def get_picture(call: Call) -> Answer:
    """Return a picture of a guild's widget in one of the STYLES, here a plain one of the right size."""
    _enabled(call)
    style = call.query.word("style", STYLES) or "shield"
    call.query.check()
    return 200, picture(*STYLES[style])


def picture(width: int, height: int) -> bytes:
    """Return a PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + BLURPLE * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _settings(guild: Guild) -> JSON:
    payload = guild.payload()
    return {"enabled": payload["widget_enabled"], "channel_id": payload["widget_channel_id"]}


def _enabled(call: Call) -> Guild:
    """Return the guild in the path. Raises DiscordError if its widget is not enabled."""
    if not call.guild.payload()["widget_enabled"]:
        raise DiscordError(WIDGET_DISABLED)
    return call.guild


def _invite(call: Call, guild: Guild) -> str | None:
    """Return the address of an invite that does not end, to the widget's channel; None if there is none."""
    channel_id = guild.payload()["widget_channel_id"]
    for invite in call.world.invites.of(guild):
        if str(invite.channel.id) == channel_id and not invite.max_age and not invite.max_uses:
            return f"https://discord.com/invite/{invite.code}"
    return None


def _open(guild: Guild, channel: Channel) -> bool:
    """Return whether @everyone may enter a voice channel."""
    needed = Permission.VIEW_CHANNEL | Permission.CONNECT
    return guild.allowed_to_all(channel) & needed == needed


WIDGET = "/guilds/{guild}/widget"

ROUTES = [
    Route("GET", WIDGET, get_settings, needs=Permission.MANAGE_GUILD),
    Route("PATCH", WIDGET, edit_settings, needs=Permission.MANAGE_GUILD),
    Route("GET", WIDGET + ".json", get, bot=False),
    Route("GET", WIDGET + ".png", get_picture, bot=False),
]
