"""Intents: which events a session requests, which permissions the bot needs for them, and which fields it sees."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag
from typing import NamedTuple

from wisp.sandbox.world.objects import CATEGORY, JSON, MESSAGE_CONTENT_ON, Channel, Guild
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World


class Intent(IntFlag):
    """A group of events that a session requests."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


INTENT_BITS = (1 << 30) - 1
"""Every bit that Discord takes: undocumented ones among them, as many bots send 0x3fffff for all, or 1 << 17."""

PRIVILEGED: Mapping[Intent, int] = {
    Intent.GUILD_PRESENCES: 1 << 12 | 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 14 | 1 << 15,
    Intent.MESSAGE_CONTENT: MESSAGE_CONTENT_ON,
}
"""The application flags (of verified and of small bots) that switch an intent on."""

# as plain numbers: operators of an IntFlag make an object each time
MANAGE_CHANNELS, MANAGE_GUILD = int(Permission.MANAGE_CHANNELS), int(Permission.MANAGE_GUILD)
VIEW_AUDIT_LOG, VIEW_CHANNEL = int(Permission.VIEW_AUDIT_LOG), int(Permission.VIEW_CHANNEL)


class Need(NamedTuple):
    """The requirements of an event: an intent in guilds, one outside of them, and a permission of the bot."""

    in_guild: int = 0
    outside: int = 0
    permission: int = 0


def _needs() -> dict[str, Need]:
    """Return the requirements of all events (docs.discord.com/developers/events/gateway, "List of Intents")."""
    of_guilds = """
        GUILD_CREATE GUILD_UPDATE GUILD_DELETE GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE
        CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE THREAD_LIST_SYNC
        STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE STAGE_INSTANCE_DELETE
    """
    in_channels = """
        THREAD_CREATE THREAD_UPDATE THREAD_DELETE THREAD_MEMBER_UPDATE THREAD_MEMBERS_UPDATE
        VOICE_CHANNEL_STATUS_UPDATE VOICE_CHANNEL_START_TIME_UPDATE
    """
    expressions = """
        GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE
        GUILD_SOUNDBOARD_SOUND_DELETE GUILD_SOUNDBOARD_SOUNDS_UPDATE
    """
    scheduled = """
        GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE GUILD_SCHEDULED_EVENT_DELETE
        GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE
    """
    reactions = """
        MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI
    """
    always = """
        APPLICATION_COMMAND_PERMISSIONS_UPDATE ENTITLEMENT_CREATE ENTITLEMENT_UPDATE ENTITLEMENT_DELETE
        INTERACTION_CREATE USER_UPDATE VOICE_SERVER_UPDATE GUILD_MEMBERS_CHUNK SOUNDBOARD_SOUNDS
        SUBSCRIPTION_CREATE SUBSCRIPTION_UPDATE SUBSCRIPTION_DELETE
    """
    rows: list[tuple[str, Need]] = [
        (of_guilds, Need(Intent.GUILDS)),
        (in_channels, Need(Intent.GUILDS, 0, VIEW_CHANNEL)),
        ("CHANNEL_PINS_UPDATE", Need(Intent.GUILDS, Intent.DIRECT_MESSAGES, VIEW_CHANNEL)),
        ("GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE", Need(Intent.GUILD_MEMBERS)),
        ("GUILD_AUDIT_LOG_ENTRY_CREATE", Need(Intent.GUILD_MODERATION, 0, VIEW_AUDIT_LOG)),
        ("GUILD_BAN_ADD GUILD_BAN_REMOVE", Need(Intent.GUILD_MODERATION)),
        (expressions, Need(Intent.GUILD_EXPRESSIONS)),
        (
            "GUILD_INTEGRATIONS_UPDATE INTEGRATION_CREATE INTEGRATION_UPDATE INTEGRATION_DELETE",
            Need(Intent.GUILD_INTEGRATIONS),
        ),
        ("WEBHOOKS_UPDATE", Need(Intent.GUILD_WEBHOOKS, 0, VIEW_CHANNEL)),
        ("INVITE_CREATE INVITE_DELETE", Need(Intent.GUILD_INVITES, 0, MANAGE_CHANNELS)),
        ("VOICE_CHANNEL_EFFECT_SEND VOICE_STATE_UPDATE", Need(Intent.GUILD_VOICE_STATES)),
        ("PRESENCE_UPDATE", Need(Intent.GUILD_PRESENCES)),
        (
            "MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK",
            Need(Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES, VIEW_CHANNEL),
        ),
        (reactions, Need(Intent.GUILD_MESSAGE_REACTIONS, Intent.DIRECT_MESSAGE_REACTIONS, VIEW_CHANNEL)),
        ("TYPING_START", Need(Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING, VIEW_CHANNEL)),
        (
            "MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE",
            Need(Intent.GUILD_MESSAGE_POLLS, Intent.DIRECT_MESSAGE_POLLS, VIEW_CHANNEL),
        ),
        (scheduled, Need(Intent.GUILD_SCHEDULED_EVENTS)),
        (
            "AUTO_MODERATION_RULE_CREATE AUTO_MODERATION_RULE_UPDATE AUTO_MODERATION_RULE_DELETE",
            Need(Intent.AUTO_MODERATION_CONFIGURATION, 0, MANAGE_GUILD),
        ),
        ("AUTO_MODERATION_ACTION_EXECUTION", Need(Intent.AUTO_MODERATION_EXECUTION, 0, MANAGE_GUILD)),
        (always, Need()),
    ]
    # plain numbers: operators of an IntFlag make an object each time
    return {name: Need(*map(int, need)) for names, need in rows for name in names.split()}


EVENTS: Mapping[str, Need] = _needs()

HIDDEN_NAME = "___hidden___"
HIDDEN_FLAG = 1 << 17
"""What stands for a channel that the bot cannot see, since November 2026 (resources/channel, "Obfuscated Channels")."""

_NO_CONTENT: JSON = {"content": "", "embeds": [], "attachments": [], "components": []}


def hears(world: World, intents: int, event: Event) -> bool:
    """Return whether a bot with these intents hears an event. Raises KeyError if Discord does not have the event."""
    return lacks(world, intents, event) == (0, 0)


def lacks(world: World, intents: int, event: Event) -> tuple[int, int]:
    """Return the intent and the permission that a bot with these intents lacks for an event; 0 for none.

    Raises KeyError if Discord does not have the event.
    """
    need = EVENTS[event.name]
    if event.guild_id is None:
        return need.outside & ~intents, 0
    if event.name == "GUILD_MEMBER_UPDATE" and event.data["user"]["id"] == str(world.bot.id):
        return int(Intent.GUILDS) & ~intents, 0
    if event.name == "THREAD_MEMBERS_UPDATE" and not intents & Intent.GUILD_MEMBERS:
        needed = Intent.GUILDS if _concerns(event.data, str(world.bot.id)) else Intent.GUILD_MEMBERS
        return int(needed) & ~intents, 0
    if missing := need.in_guild & ~intents:
        return missing, 0
    return 0, 0 if _is_allowed(world, event, need.permission) else need.permission


def _concerns(thread: JSON, bot: str) -> bool:
    """Return whether a change of a thread's members is about the bot, which hears of others only with GUILD_MEMBERS."""
    added = [member["user_id"] for member in thread.get("added_members", ())]
    return bot in added or bot in thread.get("removed_member_ids", ())


def _is_allowed(world: World, event: Event, permission: int) -> bool:
    if not permission or event.guild_id is None:
        return True
    # events of a thread have its id, and those of a deleted thread the id of its channel
    keys = () if permission == MANAGE_GUILD else ("channel_id", "id", "parent_id")
    places = (event.data.get(key) for key in keys)
    channel = next((world.channels[int(place)] for place in places if place and int(place) in world.channels), None)
    if channel is not None:
        return bool(world.permissions(world.bot, channel) & permission)
    guild = world.guilds.get(event.guild_id)
    me = guild.members.get(world.bot.id) if guild else None
    return me is not None and bool(me.permissions & permission)


def as_seen(world: World, intents: int, event: Event) -> JSON:
    """Return an event's data as these intents, and the bot's permissions, show it."""
    if event.name in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} and not intents & Intent.MESSAGE_CONTENT:
        return _without_content(event.data, str(world.bot.id), direct=event.guild_id is None)
    if event.name == "AUTO_MODERATION_ACTION_EXECUTION" and not intents & Intent.MESSAGE_CONTENT:
        return event.data | {"content": "", "matched_content": ""}
    if event.name in {"CHANNEL_CREATE", "CHANNEL_UPDATE"}:
        channel = world.channels.get(int(event.data["id"]))
        return event.data if channel is None or visible(world, channel) else hidden(event.data)
    return event.data


def _without_content(message: JSON, bot: str, *, direct: bool) -> JSON:
    """Return a message without its content, unless it is the bot's, mentions the bot or is a direct message."""
    if direct or message["author"]["id"] == bot or any(user["id"] == bot for user in message["mentions"]):
        return message
    shown = {key: value for key, value in message.items() if key != "poll"} | _NO_CONTENT
    if "message_snapshots" in message:
        shown["message_snapshots"] = [{"message": one["message"] | _NO_CONTENT} for one in message["message_snapshots"]]
    if message.get("referenced_message"):
        shown["referenced_message"] = _without_content(message["referenced_message"], bot, direct=False)
    return shown


def guild_as_seen(world: World, intents: int, large_threshold: int, guild: Guild, *, joined: bool) -> JSON:
    """Return the data of GUILD_CREATE. If the bot just `joined` the guild, it has no field `unavailable`.

    In a large guild, and without the GUILD_PRESENCES intent, it has only the bot and the members in voice
    (events/gateway-events#guild-create).
    """
    full = bool(intents & Intent.GUILD_PRESENCES) and len(guild.members) <= large_threshold
    shown = guild.members if full else {world.bot.id: None, **guild.voice_states}
    data = world.guild_create(guild, [guild.members[id] for id in shown])
    data["large"] = len(guild.members) > large_threshold
    unseen = {str(channel.id) for channel in guild.channels.values() if not visible(world, channel)}
    data["channels"] = [hidden(channel) if channel["id"] in unseen else channel for channel in data["channels"]]
    if intents & Intent.GUILD_PRESENCES:
        data["presences"] = world.presences.of(guild.members.values())
    if joined:
        del data["unavailable"]
    return data


def visible(world: World, channel: Channel) -> bool:
    """Return whether the bot may see a channel: a category if it may see one of its channels."""
    if world.permissions(world.bot, channel) & VIEW_CHANNEL:
        return True
    if channel.kind != CATEGORY or channel.guild is None:
        return False
    return any(one.parent is channel and visible(world, one) for one in channel.guild.channels.values())


def hidden(channel: JSON) -> JSON:
    """Return a channel's object for a bot that may not see it: only its id, type and place are true."""
    overwrite = {"id": channel["guild_id"], "type": 0, "allow": "0", "deny": str(VIEW_CHANNEL)}
    kept = {key: channel[key] for key in ("id", "guild_id", "type", "position", "parent_id")}
    emptied = {key: _emptied(value) for key, value in channel.items() if key not in kept}
    told = {"name": HIDDEN_NAME, "flags": channel["flags"] | HIDDEN_FLAG, "permission_overwrites": [overwrite]}
    return {**emptied, **kept, **told}


def _emptied(value: object) -> object:
    """Return the empty value of a field's type."""
    return [] if isinstance(value, list) else type(value)() if isinstance(value, int) else None
