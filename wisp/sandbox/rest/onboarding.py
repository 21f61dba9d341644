"""Onboarding over REST: what new members of a guild are asked, and the channels that they begin with."""

from __future__ import annotations

from collections.abc import Container

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import ONBOARDING_REQUIREMENTS, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.audit_log import ONBOARDING, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import OPTION_DESCRIPTION, OPTION_TITLE, PROMPT_TITLE
from wisp.sandbox.world.objects import JSON
from wisp.sandbox.world.permissions import Permission

DEFAULT, ADVANCED = 0, 1
"""Modes: whether the channels of prompts count for the requirements."""

LEAST_CHANNELS, LEAST_WRITABLE = 7, 5
"""The channels that new members must begin with, and in how many of them @everyone must be able to write."""


def get(call: Call) -> Answer:
    """Return a guild's onboarding."""
    return 200, call.guild.onboarding_payload()


def edit(call: Call) -> Answer:
    """Change a guild's onboarding. It can be enabled only if enough channels are open to new members."""
    guild, fields = call.guild, call.fields
    before = guild.onboarding_payload()
    after = dict(before)
    if fields.raw("prompts") is not None:
        after["prompts"] = [_prompt(call, one) for one in fields.objects("prompts", 15)]
    if fields.raw("default_channel_ids") is not None:
        after["default_channel_ids"] = _known(fields, "default_channel_ids", 500, guild.channels)
    for name, value in (("enabled", fields.boolean("enabled")), ("mode", fields.choice("mode", (DEFAULT, ADVANCED)))):
        if value is not None:
            after[name] = value
    fields.check()
    if after["enabled"]:
        _check_requirements(call, after)
    call.world.guilds.edit(guild, onboarding=after)
    told = changes_of(ONBOARDING, before, guild.onboarding_payload())
    call.log(AuditLogEvent.ONBOARDING_UPDATE, guild.id, changes=told)
    return 200, guild.onboarding_payload()


def _check_requirements(call: Call, onboarding: JSON) -> None:
    """Raise DiscordError if too few channels are open to new members (resources/guild#modify-guild-onboarding)."""
    guild, ids = call.guild, set(onboarding["default_channel_ids"])
    if onboarding["mode"] == ADVANCED:
        for prompt in onboarding["prompts"]:
            ids |= {id for option in prompt["options"] for id in option["channel_ids"]}
    needed = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES
    writable = [id for id in ids if guild.allowed_to_all(guild.channels[int(id)]) & needed == needed]
    if len(ids) < LEAST_CHANNELS or len(writable) < LEAST_WRITABLE:
        raise DiscordError(ONBOARDING_REQUIREMENTS)


def _prompt(call: Call, fields: Fields) -> JSON:
    """Read a prompt; one that is new gets an id."""
    options = fields.objects("options", 50)
    if not options:
        fields.refuse("options", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 50 in length.")
    known = {prompt["id"] for prompt in call.guild.onboarding_payload()["prompts"]}
    id = str(fields.snowflake("id", required=True))
    return {
        "id": id if id in known else str(call.world.next_id()),
        "title": fields.text("title", PROMPT_TITLE, required=True),
        "options": [_option(call, one) for one in options],
        "single_select": fields.boolean("single_select") or False,
        "required": fields.boolean("required") or False,
        "in_onboarding": fields.boolean("in_onboarding") or False,
        "type": fields.choice("type", (0, 1)) or 0,
    }


def _option(call: Call, fields: Fields) -> JSON:
    """Read an option of a prompt; one that is new gets an id."""
    emoji_id, name = fields.snowflake("emoji_id"), fields.text("emoji_name", OPTION_DESCRIPTION)
    animated = fields.boolean("emoji_animated") or False
    return {
        "id": str(fields.snowflake("id") or call.world.next_id()),
        "title": fields.text("title", OPTION_TITLE, required=True),
        "description": fields.text("description", OPTION_DESCRIPTION) or "",
        "emoji": {"id": emoji_id and str(emoji_id), "name": name, "animated": animated},
        "role_ids": _known(fields, "role_ids", 50, call.guild.roles),
        "channel_ids": _known(fields, "channel_ids", 50, call.guild.channels),
    }


def _known(fields: Fields, name: str, most: int, known: Container[int]) -> list[str]:
    """Read ids of things that the guild must have."""
    ids = list(dict.fromkeys(fields.snowflakes(name, most)))
    if any(id not in known for id in ids):
        fields.refuse(name, "INVALID_ID", "Unknown id")
    return [str(id) for id in ids]


PAGE = "/guilds/{guild}/onboarding"

ROUTES = [
    Route("GET", PAGE, get),
    Route("PUT", PAGE, edit, needs=Permission.MANAGE_GUILD | Permission.MANAGE_ROLES),
]
