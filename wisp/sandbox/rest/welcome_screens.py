"""Welcome screens over REST: the channels that a guild shows to new members."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import UNKNOWN_WELCOME_SCREEN, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.bounds import FEATURE, WELCOME_CHANNEL, WELCOME_CHANNELS, WELCOME_DESCRIPTION
from wisp.sandbox.world.objects import JSON
from wisp.sandbox.world.permissions import Permission

ENABLED = "WELCOME_SCREEN_ENABLED"
"""The feature of a guild that shows its welcome screen."""


def get(call: Call) -> Answer:
    """Return a guild's welcome screen; one that is not enabled only to bots that manage the guild."""
    guild = call.guild
    if ENABLED not in guild.features:
        call.need(Permission.MANAGE_GUILD)
        if not guild.welcome_screen["welcome_channels"]:
            raise DiscordError(UNKNOWN_WELCOME_SCREEN)
    return 200, guild.welcome_payload()


def edit(call: Call) -> Answer:
    """Change a guild's welcome screen, and whether it is shown."""
    guild, fields = call.guild, call.fields
    screen = guild.welcome_payload()
    if "description" in fields:
        screen["description"] = fields.text("description", WELCOME_DESCRIPTION)
    if "welcome_channels" in fields:
        screen["welcome_channels"] = [
            _channel(call, inner) for inner in fields.objects("welcome_channels", WELCOME_CHANNELS.most)
        ]
    enabled = fields.boolean("enabled")
    fields.check()
    features = [one for one in guild.features if one != ENABLED]
    if enabled or (enabled is None and ENABLED in guild.features):
        features.append(ENABLED)
    call.world.guilds.edit(guild, welcome_screen=screen, settings={"features": features})
    return 200, guild.welcome_payload()


def _channel(call: Call, fields: Fields) -> JSON:
    """Read one of the channels, which the guild must have."""
    channel_id = fields.snowflake("channel_id", required=True)
    emoji_id = fields.snowflake("emoji_id")
    emoji = call.guild.emojis.get(emoji_id or 0)
    if channel_id not in call.guild.channels:
        fields.refuse("channel_id", "CHANNEL_ID_INVALID", "Channel ID is invalid")
    if emoji_id is not None and emoji is None:
        fields.refuse("emoji_id", "EMOJI_ID_INVALID", "Emoji ID is invalid")
    name = fields.text("emoji_name", FEATURE)
    return {
        "channel_id": str(channel_id),
        "description": fields.text("description", WELCOME_CHANNEL, required=True),
        "emoji_id": emoji and str(emoji.id),
        "emoji_name": emoji.name if emoji else name,
    }


SCREEN = "/guilds/{guild}/welcome-screen"

ROUTES = [
    Route("GET", SCREEN, get),
    Route("PATCH", SCREEN, edit, needs=Permission.MANAGE_GUILD),
]
