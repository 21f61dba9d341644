"""Discord's errors: HTTP status, code, words, and the page of Discord's documentation that lists each.

Pages are those under https://docs.discord.com/developers. `error_for` has the error of each limit of the world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from wisp.limits import INVALID, Violation
from wisp.sandbox.world import bounds
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.objects import JSON, Impossible, LimitReached

CODES = "topics/opcodes-and-status-codes#json"
"""The page of the table of all codes."""


class ErrorCode(NamedTuple):
    """One of Discord's errors: HTTP status, Discord's own code (0 if it has none), words, and the page that lists it.

    The page of the codes has no status, and often other words than the response: `seen` is a report on GitHub that
    shows one. If it is "", the words are the documentation's, and the status is that of similar errors.
    """

    status: int
    code: int
    message: str
    page: str = CODES
    seen: str = ""


class DiscordError(Exception):
    """A call is refused: `body` is Discord's response, which names the wrong fields of an invalid form."""

    def __init__(self, error: ErrorCode, problems: Sequence[Violation] = ()) -> None:
        super().__init__(error, *problems)
        self.status: int = error.status
        self.body: JSON = {"message": error.message, "code": error.code}
        if problems:
            self.body["errors"] = error_tree(problems)


class Unserved(Exception):
    """A bot asked for something that the sandbox does not have, named in a few words: "stickers in messages"."""


UNKNOWN_CHANNEL = ErrorCode(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = ErrorCode(404, 10004, "Unknown Guild")
UNKNOWN_INVITE = ErrorCode(404, 10006, "Unknown Invite")
UNKNOWN_MEMBER = ErrorCode(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = ErrorCode(404, 10008, "Unknown Message")
UNKNOWN_OVERWRITE = ErrorCode(404, 10009, "Unknown Permission Overwrite")
UNKNOWN_ROLE = ErrorCode(404, 10011, "Unknown Role")
UNKNOWN_USER = ErrorCode(404, 10013, "Unknown User")
UNKNOWN_EMOJI = ErrorCode(404, 10014, "Unknown Emoji")
UNKNOWN_REACTION = ErrorCode(400, 10014, "Unknown Emoji", "resources/message#create-reaction")
UNKNOWN_WEBHOOK = ErrorCode(404, 10015, "Unknown Webhook")
UNKNOWN_BAN = ErrorCode(404, 10026, "Unknown Ban")
UNKNOWN_STICKER = ErrorCode(404, 10060, "Unknown sticker")
UNKNOWN_STICKER_PACK = ErrorCode(404, 10061, "Unknown sticker pack")
UNKNOWN_STAGE_INSTANCE = ErrorCode(404, 10067, "Unknown Stage Instance")
UNKNOWN_SCHEDULED_EVENT = ErrorCode(404, 10070, "Unknown Guild Scheduled Event")
UNKNOWN_INTERACTION = ErrorCode(404, 10062, "Unknown interaction")
UNKNOWN_VOICE_STATE = ErrorCode(404, 10065, "Unknown Voice State")
UNKNOWN_COMMAND = ErrorCode(404, 10063, "Unknown application command")
UNKNOWN_COMMAND_PERMISSIONS = ErrorCode(
    404, 10066, "Unknown application command permissions", seen="discord/discord-api-docs#2737"
)
UNKNOWN_WELCOME_SCREEN = ErrorCode(404, 10069, "Unknown Guild Welcome Screen")
NOT_FOR_BOTS = ErrorCode(403, 20001, "Bots cannot use this endpoint", seen="twilight-rs/twilight#1740")
NOT_THIS_APPLICATION = ErrorCode(403, 20012, "You are not authorized to perform this action on this application")
TOO_MANY_PINS = ErrorCode(400, 30003, "Maximum number of pins reached (250)", seen="FU-Hagen-Discord/fernuni-bot#152")
TOO_MANY_ROLES = ErrorCode(400, 30005, "Maximum number of server roles reached (250)", seen="premint/premintbot#22")
TOO_MANY_WEBHOOKS = ErrorCode(400, 30007, "Maximum number of webhooks reached (15)")
TOO_MANY_EMOJIS = ErrorCode(400, 30008, "Maximum number of emojis reached (50)")
TOO_MANY_APPLICATION_EMOJIS = ErrorCode(400, 30008, "Maximum number of emojis reached (2000)")
TOO_MANY_REACTIONS = ErrorCode(
    403, 30010, "Maximum number of reactions reached (20)", seen="BilliAlpha/discord-transfer#18"
)
TOO_MANY_CHANNELS = ErrorCode(400, 30013, "Maximum number of guild channels reached (500)")
TOO_MANY_FILES = ErrorCode(400, 30015, "Maximum number of attachments in a message reached (10)")
TOO_MANY_INVITES = ErrorCode(
    400, 30016, "Maximum number of invites to this server reached.", seen="discord/discord-api-docs#3192"
)
TOO_MANY_ANIMATED_EMOJIS = ErrorCode(400, 30018, "Maximum number of animated emojis reached (50)")
TOO_MANY_IN_THREAD = ErrorCode(
    400, 30033, "Max number of thread participants has been reached (1000)", seen="discord/discord-api-docs#3938"
)
STAGE_IS_OPEN = ErrorCode(400, 150006, "The Stage is already open")
TOO_MANY_SCHEDULED_EVENTS = ErrorCode(400, 30038, "Maximum number of uncompleted guild scheduled events reached (100)")
TOO_MANY_STICKERS = ErrorCode(400, 30039, "Maximum number of stickers reached (5)")
TOO_LARGE = ErrorCode(413, 40005, "Request entity too large")
NOT_IN_VOICE = ErrorCode(400, 40032, "Target user is not connected to voice.")
ALREADY_CROSSPOSTED = ErrorCode(400, 40033, "This message has already been crossposted.")
ALREADY_ACKNOWLEDGED = ErrorCode(400, 40060, "Interaction has already been acknowledged.")
MISSING_ACCESS = ErrorCode(403, 50001, "Missing Access")
WIDGET_DISABLED = ErrorCode(403, 50004, "Widget Disabled")
NOT_IN_DMS = ErrorCode(403, 50003, "Cannot execute action on a DM channel", seen="Rapptz/discord.py#1219")
NOT_THE_AUTHOR = ErrorCode(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = ErrorCode(400, 50006, "Cannot send an empty message")
CANNOT_MESSAGE_USER = ErrorCode(403, 50007, "Cannot send messages to this user", seen="ScootKit/CustomDCBot#4")
NOT_A_TEXT_CHANNEL = ErrorCode(400, 50008, "Cannot send messages in a non-text channel")
MISSING_PERMISSIONS = ErrorCode(403, 50013, "Missing Permissions")
WRONG_NUMBER_TO_DELETE = ErrorCode(
    400,
    50016,
    "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages to delete.",
    seen="discord-php/DiscordPHP#736",
)
SYSTEM_MESSAGE = ErrorCode(
    403, 50021, "Cannot execute action on a system message", seen="discord/discord-api-docs#1063"
)
WRONG_CHANNEL_TYPE = ErrorCode(400, 50024, "Cannot execute action on this channel type", seen="victornpb/undiscord#651")
INVALID_OAUTH2_TOKEN = ErrorCode(403, 50025, "Invalid OAuth2 access token")
INVALID_WEBHOOK_TOKEN = ErrorCode(401, 50027, "Invalid Webhook Token")
INVALID_ROLE = ErrorCode(400, 50028, "Invalid Role")
TOO_OLD_TO_DELETE = ErrorCode(
    400, 50034, "You can only bulk delete messages that are under 14 days old.", seen="CSSS/wall_e#509"
)
INVALID_FORM = ErrorCode(400, 50035, "Invalid Form Body", "reference#error-messages", "discord/discord-api-docs#1313")
FILE_TOO_LARGE = ErrorCode(400, 50045, "File uploaded exceeds the maximum size")
INVALID_ASSET = ErrorCode(400, 50046, "Invalid Asset")
INVALID_GUILD = ErrorCode(400, 50055, "Invalid Guild", "resources/user#leave-guild")
INVALID_MESSAGE_TYPE = ErrorCode(400, 50068, "Invalid message type")
INVALID_STICKER = ErrorCode(400, 50081, "Cannot use this sticker", seen="DSharpPlus/DSharpPlus#960")
ARCHIVED_THREAD = ErrorCode(400, 50083, "Thread is archived", seen="victornpb/undiscord#399")
INVALID_JSON = ErrorCode(400, 50109, "The request body contains invalid JSON.", seen="dolfies/discord.py-self#484")
ASSET_TOO_LARGE = ErrorCode(400, 50138, "Failed to resize asset below the maximum size: 262144")
VOICE_WITH_MORE = ErrorCode(400, 50159, "Voice messages do not support additional content.")
NOT_ONE_VOICE = ErrorCode(400, 50160, "Voice messages must have a single audio attachment.")
VOICE_WITHOUT_METADATA = ErrorCode(400, 50161, "Voice messages must have supporting metadata.")
CANNOT_EDIT_VOICE = ErrorCode(400, 50162, "Voice messages cannot be edited.")
CANNOT_REPLY = ErrorCode(
    403, 160002, "Cannot reply without permission to read message history", seen="Voxel-Fox-Ltd/Flower#63"
)
HAS_A_THREAD = ErrorCode(400, 160004, "A thread has already been created for this message", seen="vercel/chat#279")
LOCKED_THREAD = ErrorCode(403, 160005, "Thread is locked")
TOO_MANY_THREADS = ErrorCode(400, 160006, "Maximum number of active threads reached", seen="pR0Ps/slack-to-discord#16")
CANNOT_REFERENCE = ErrorCode(
    403,
    160009,
    "Cannot reference a message without permission to read message history",
    seen="discordjs/discord-api-types#1697",
)
CANNOT_FORWARD = ErrorCode(
    403,
    160014,
    "You cannot forward a message whose content you cannot read.",
    "resources/message#message-reference-types",
)
FINISHED_EVENT = ErrorCode(400, 180000, "Cannot update a finished event")
NO_POST_SAID = ErrorCode(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
TWO_POSTS_SAID = ErrorCode(
    400, 220002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id"
)
NO_FORUM = ErrorCode(400, 220003, "Webhooks can only create threads in forum channels")
ONBOARDING_REQUIREMENTS = ErrorCode(400, 350000, "Cannot enable onboarding, requirements are not met")
BANS_FAILED = ErrorCode(400, 500000, "Failed to ban users", "resources/guild#bulk-guild-ban")
POLL_EXPIRED = ErrorCode(400, 520001, "Poll expired")
CANNOT_EDIT_POLL = ErrorCode(400, 520003, "Cannot edit a poll message")
NO_POLL = ErrorCode(400, 520006, "Cannot expire a non-poll message")
RATE_LIMITED = ErrorCode(429, 0, "You are being rate limited.", "topics/rate-limits#exceeding-a-rate-limit")
UNAUTHORIZED = ErrorCode(401, 0, "401: Unauthorized", "topics/opcodes-and-status-codes#http")
NOT_FOUND = ErrorCode(404, 0, "404: Not Found", "topics/opcodes-and-status-codes#http", "discordjs/discord.js#9287")
BAD_REQUEST = ErrorCode(400, 0, "400: Bad Request", "topics/opcodes-and-status-codes#http")


def invalid_form(*problems: Violation) -> DiscordError:
    """Return the error that names each wrong field of a form."""
    return DiscordError(INVALID_FORM, problems)


OF_BOUNDS: Mapping[Bound, ErrorCode | Violation] = {
    bounds.PINS: TOO_MANY_PINS,
    bounds.ROLES: TOO_MANY_ROLES,
    bounds.WEBHOOKS: TOO_MANY_WEBHOOKS,
    bounds.EMOJIS: TOO_MANY_EMOJIS,
    bounds.ANIMATED_EMOJIS: TOO_MANY_ANIMATED_EMOJIS,
    bounds.APPLICATION_EMOJIS: TOO_MANY_APPLICATION_EMOJIS,
    bounds.STAGE_INSTANCES: STAGE_IS_OPEN,
    bounds.SCHEDULED_EVENTS: TOO_MANY_SCHEDULED_EVENTS,
    bounds.STICKERS: TOO_MANY_STICKERS,
    bounds.REACTIONS: TOO_MANY_REACTIONS,
    bounds.CHANNELS: TOO_MANY_CHANNELS,
    bounds.INVITES: TOO_MANY_INVITES,
    bounds.THREAD_MEMBERS: TOO_MANY_IN_THREAD,
    bounds.ACTIVE_THREADS: TOO_MANY_THREADS,
    **{
        bound: Violation(
            (),
            "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED",
            f"Maximum number of rules with trigger type {trigger} is {bound.most}",
        )
        for trigger, bound in bounds.AUTO_MODERATION_RULES.items()
    },
    bounds.IN_CATEGORY: Violation(
        ("parent_id",),
        "CHANNEL_PARENT_MAX_CHANNELS",
        f"Maximum number of channels in category reached ({bounds.IN_CATEGORY.most})",
    ),
    bounds.RENAMINGS: Violation(
        ("username",),
        "USERNAME_RATE_LIMIT",
        "You are changing your username or Discord Tag too fast. Try again later.",
    ),
    bounds.TIME_OUT: Violation(
        ("communication_disabled_until",),
        "INVALID_COMMUNICATION_DISABLED_TIMESTAMP",
        "Invalid communication disabled timestamp",
    ),
}
"""The error for each limit that the world holds: an error of its own, or a problem with a field of the form."""


def error_for(impossible: Impossible) -> DiscordError:
    """Return Discord's error for a change that the world refused."""
    found = OF_BOUNDS.get(impossible.bound) if isinstance(impossible, LimitReached) else None
    if isinstance(found, ErrorCode):
        return DiscordError(found)
    return invalid_form(found or Violation((), INVALID, str(impossible)))


def error_tree(found: Iterable[Violation]) -> JSON:
    """Return the `errors` object of Discord's "Invalid Form Body" (50035): paths as nested keys, then `_errors`.

    Discord checks an object as a whole only if its fields are right: its violations are left out if there are any of
    its fields, so that `_errors` never stands beside other keys.
    """
    everything = list(found)
    holders = {violation.path[:depth] for violation in everything for depth in range(len(violation.path))}
    tree: dict[str, Any] = {}
    for violation in everything:
        if violation.path in holders:
            continue
        branch = tree
        for key in violation.path:
            branch = branch.setdefault(str(key), {})
        branch.setdefault("_errors", []).append({"code": violation.code, "message": violation.message})
    return tree
