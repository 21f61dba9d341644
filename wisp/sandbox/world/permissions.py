"""What roles and channels can allow: Discord's permissions by name, and how they add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntFlag
from typing import NamedTuple


class Permission(IntFlag):
    """Discord's permissions: https://docs.discord.com/developers/topics/permissions."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    VIEW_GUILD_INSIGHTS = 1 << 19
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    VIEW_CREATOR_MONETIZATION_ANALYTICS = 1 << 41
    USE_SOUNDBOARD = 1 << 42
    CREATE_GUILD_EXPRESSIONS = 1 << 43
    CREATE_EVENTS = 1 << 44
    USE_EXTERNAL_SOUNDS = 1 << 45
    SEND_VOICE_MESSAGES = 1 << 46
    SET_VOICE_CHANNEL_STATUS = 1 << 48
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


CLIENT_NAMES: Mapping[Permission, str] = {
    **{one: str(one.name).replace("_", " ").title() for one in Permission},
    Permission.CREATE_INSTANT_INVITE: "Create Invite",
    Permission.KICK_MEMBERS: "Kick, Approve, and Reject Members",
    Permission.MANAGE_GUILD: "Manage Server",
    Permission.STREAM: "Video",
    Permission.VIEW_CHANNEL: "View Channels",
    Permission.SEND_TTS_MESSAGES: "Send Text-to-Speech Messages",
    Permission.MENTION_EVERYONE: "Mention @everyone, @here, and All Roles",
    Permission.USE_EXTERNAL_EMOJIS: "Use External Emoji",
    Permission.VIEW_GUILD_INSIGHTS: "View Server Insights",
    Permission.USE_VAD: "Use Voice Activity",
    Permission.MANAGE_GUILD_EXPRESSIONS: "Manage Expressions",
    Permission.REQUEST_TO_SPEAK: "Request to Speak",
    Permission.SEND_MESSAGES_IN_THREADS: "Send Messages in Threads",
    Permission.USE_EMBEDDED_ACTIVITIES: "Use Activities",
    Permission.MODERATE_MEMBERS: "Timeout Members",
    Permission.VIEW_CREATOR_MONETIZATION_ANALYTICS: "View Server Subscription Insights",
    Permission.CREATE_GUILD_EXPRESSIONS: "Create Expressions",
    Permission.SEND_POLLS: "Create Polls",
}
"""What Discord's client calls them in a server's roles: https://support.discord.com/hc/en-us/articles/206029707."""

CHANNEL_NAMES: Mapping[Permission, str] = {
    **CLIENT_NAMES,
    Permission.MANAGE_CHANNELS: "Manage Channel",
    Permission.VIEW_CHANNEL: "View Channel",
    Permission.MANAGE_ROLES: "Manage Permissions",
}
"""What the client calls them in the settings of one channel."""

ADMINISTRATOR = 1 << 3
ALL_PERMISSIONS = (1 << 53) - 1
_EVERYONE_BITS = (0, 6, 9, 10, 11, 14, 15, 16, 17, 18, 20, 21, 25, 26, 31, 32, 35, 36, 37, 38, 39, 42, 45, 46, 49, 50)
EVERYONE_PERMISSIONS = sum(1 << bit for bit in _EVERYONE_BITS)
"""What the @everyone role of a new guild is given: reading, writing, reacting, speaking, using commands."""

BOT_PERMISSIONS = int(sum(Permission)) & ~ADMINISTRATOR
"""What the bot's own role is given where it joins a guild: all but Administrator, as if its invitation asked for it."""

# Plain numbers: operators of an IntFlag make an object each time, and every event asks what the bot sees.
_VIEW, _SEND, _HISTORY, _CONNECT = 1 << 10, 1 << 11, 1 << 16, 1 << 20
_SENDING = int(
    Permission.SEND_TTS_MESSAGES | Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE
)
_VOICE = int(
    Permission.PRIORITY_SPEAKER
    | Permission.STREAM
    | Permission.SPEAK
    | Permission.MUTE_MEMBERS
    | Permission.DEAFEN_MEMBERS
    | Permission.MOVE_MEMBERS
    | Permission.USE_VAD
    | Permission.REQUEST_TO_SPEAK
    | Permission.USE_EMBEDDED_ACTIVITIES
    | Permission.USE_SOUNDBOARD
    | Permission.SET_VOICE_CHANNEL_STATUS
    | Permission.MANAGE_CHANNELS
    | Permission.MANAGE_ROLES
)

WHILE_TIMED_OUT = _VIEW | _HISTORY
"""What is left to a member during a time-out."""


class Allowance(NamedTuple):
    """What an overwrite of a channel allows and denies."""

    allow: int = 0
    deny: int = 0


def overwritten(base: int, everyone: Allowance, roles: Iterable[Allowance], member: Allowance) -> int:
    """What a channel's overwrites make of a member's `base`: @everyone's first, all roles' together, the member's.

    As https://docs.discord.com/developers/topics/permissions#permission-overwrites computes it.
    """
    allowed = base & ~everyone.deny | everyone.allow
    allow = deny = 0
    for role in roles:
        allow |= role.allow
        deny |= role.deny
    allowed = allowed & ~deny | allow
    return allowed & ~member.deny | member.allow


def without_implied(allowed: int, *, voice: bool, thread: bool) -> int:
    """What is left of permissions in a channel: who cannot see it can do nothing there, and so on.

    The documentation's "Implicit Permissions". In threads SEND_MESSAGES_IN_THREADS stands for SEND_MESSAGES.
    """
    if not allowed & _VIEW:
        return 0
    if thread:
        sends = allowed & Permission.SEND_MESSAGES_IN_THREADS
        allowed = allowed | _SEND if sends else allowed & ~_SEND
    if not allowed & _SEND:
        allowed &= ~_SENDING
    if voice and not allowed & _CONNECT:
        allowed &= ~_VOICE
    return int(allowed)
