"""What Discord answers where it refuses: HTTP status, code and words, and the page that says so.

Pages are those under https://docs.discord.com/developers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wisp.limits import Violation
from wisp.sandbox.rest.payload_limits import error_tree
from wisp.sandbox.world.objects import JSON

CODES = "topics/opcodes-and-status-codes#json"
"""The page of the table of all codes."""


class Reason(NamedTuple):
    """Why Discord refuses: HTTP status, its own code (0 where it has none), its words, the page that tells of it.

    The page of the codes has no status, and often other words than the answer: `seen` is a report on GitHub that shows
    one. Where it is "" the words are the documentation's, and the status is that of refusals of the same sort.
    """

    status: int
    code: int
    message: str
    page: str = CODES
    seen: str = ""


class Refusal(Exception):
    """What Discord answers instead, and where in the form the fault is."""

    def __init__(self, reason: Reason, problems: Sequence[Violation] = ()) -> None:
        super().__init__(reason)
        self.status: int = reason.status
        self.body: JSON = {"message": reason.message, "code": reason.code}
        if problems:
            self.body["errors"] = error_tree(problems)


class Unserved(Exception):
    """What a bot asked for and the sandbox does not have, as a few words: "polls in messages"."""


UNKNOWN_CHANNEL = Reason(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = Reason(404, 10004, "Unknown Guild")
UNKNOWN_INVITE = Reason(404, 10006, "Unknown Invite")
UNKNOWN_MEMBER = Reason(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = Reason(404, 10008, "Unknown Message")
UNKNOWN_OVERWRITE = Reason(404, 10009, "Unknown Permission Overwrite")
UNKNOWN_ROLE = Reason(404, 10011, "Unknown Role")
UNKNOWN_USER = Reason(404, 10013, "Unknown User")
UNKNOWN_EMOJI = Reason(404, 10014, "Unknown Emoji")
UNKNOWN_REACTION = Reason(400, 10014, "Unknown Emoji", "resources/message#create-reaction")
UNKNOWN_WEBHOOK = Reason(404, 10015, "Unknown Webhook")
UNKNOWN_BAN = Reason(404, 10026, "Unknown Ban")
UNKNOWN_INTERACTION = Reason(404, 10062, "Unknown interaction")
UNKNOWN_COMMAND = Reason(404, 10063, "Unknown application command")
NOT_THIS_APPLICATION = Reason(403, 20012, "You are not authorized to perform this action on this application")
TOO_MANY_PINS = Reason(400, 30003, "Maximum number of pins reached (250)", seen="FU-Hagen-Discord/fernuni-bot#152")
TOO_MANY_ROLES = Reason(400, 30005, "Maximum number of server roles reached (250)", seen="premint/premintbot#22")
TOO_MANY_WEBHOOKS = Reason(400, 30007, "Maximum number of webhooks reached (15)")
TOO_MANY_EMOJIS = Reason(400, 30008, "Maximum number of emojis reached (50)")
TOO_MANY_REACTIONS = Reason(
    403, 30010, "Maximum number of reactions reached (20)", seen="BilliAlpha/discord-transfer#18"
)
TOO_MANY_CHANNELS = Reason(400, 30013, "Maximum number of guild channels reached (500)")
TOO_MANY_FILES = Reason(400, 30015, "Maximum number of attachments in a message reached (10)")
TOO_MANY_INVITES = Reason(
    400, 30016, "Maximum number of invites to this server reached.", seen="discord/discord-api-docs#3192"
)
TOO_MANY_ANIMATED_EMOJIS = Reason(400, 30018, "Maximum number of animated emojis reached (50)")
TOO_MANY_IN_THREAD = Reason(
    400, 30033, "Max number of thread participants has been reached (1000)", seen="discord/discord-api-docs#3938"
)
TOO_LARGE = Reason(413, 40005, "Request entity too large")
NOT_IN_VOICE = Reason(400, 40032, "Target user is not connected to voice.")
ALREADY_ACKNOWLEDGED = Reason(400, 40060, "Interaction has already been acknowledged.")
MISSING_ACCESS = Reason(403, 50001, "Missing Access")
NOT_IN_DMS = Reason(403, 50003, "Cannot execute action on a DM channel", seen="Rapptz/discord.py#1219")
NOT_THE_AUTHOR = Reason(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = Reason(400, 50006, "Cannot send an empty message")
CANNOT_MESSAGE_USER = Reason(403, 50007, "Cannot send messages to this user", seen="ScootKit/CustomDCBot#4")
NOT_A_TEXT_CHANNEL = Reason(400, 50008, "Cannot send messages in a non-text channel")
MISSING_PERMISSIONS = Reason(403, 50013, "Missing Permissions")
WRONG_NUMBER_TO_DELETE = Reason(
    400,
    50016,
    "Provided too few or too many messages to delete. Must provide at least 2 and at most 100 messages to delete.",
    seen="discord-php/DiscordPHP#736",
)
SYSTEM_MESSAGE = Reason(403, 50021, "Cannot execute action on a system message", seen="discord/discord-api-docs#1063")
WRONG_CHANNEL_TYPE = Reason(400, 50024, "Cannot execute action on this channel type", seen="victornpb/undiscord#651")
INVALID_OAUTH2_TOKEN = Reason(403, 50025, "Invalid OAuth2 access token")
INVALID_WEBHOOK_TOKEN = Reason(401, 50027, "Invalid Webhook Token")
INVALID_ROLE = Reason(400, 50028, "Invalid Role")
TOO_OLD_TO_DELETE = Reason(
    400, 50034, "You can only bulk delete messages that are under 14 days old.", seen="CSSS/wall_e#509"
)
INVALID_FORM = Reason(400, 50035, "Invalid Form Body", "reference#error-messages", "discord/discord-api-docs#1313")
INVALID_ASSET = Reason(400, 50046, "Invalid Asset")
INVALID_GUILD = Reason(400, 50055, "Invalid Guild", "resources/user#leave-guild")
ARCHIVED_THREAD = Reason(400, 50083, "Thread is archived", seen="victornpb/undiscord#399")
INVALID_JSON = Reason(400, 50109, "The request body contains invalid JSON.", seen="dolfies/discord.py-self#484")
ASSET_TOO_LARGE = Reason(400, 50138, "Failed to resize asset below the maximum size: 262144")
CANNOT_REPLY = Reason(
    403, 160002, "Cannot reply without permission to read message history", seen="Voxel-Fox-Ltd/Flower#63"
)
HAS_A_THREAD = Reason(400, 160004, "A thread has already been created for this message", seen="vercel/chat#279")
LOCKED_THREAD = Reason(403, 160005, "Thread is locked")
TOO_MANY_THREADS = Reason(400, 160006, "Maximum number of active threads reached", seen="pR0Ps/slack-to-discord#16")
NO_POST_SAID = Reason(400, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
TWO_POSTS_SAID = Reason(400, 220002, "Webhooks posted to forum channels cannot have both a thread_name and thread_id")
NO_FORUM = Reason(400, 220003, "Webhooks can only create threads in forum channels")
BANS_FAILED = Reason(400, 500000, "Failed to ban users", "resources/guild#bulk-guild-ban")
RATE_LIMITED = Reason(429, 0, "You are being rate limited.", "topics/rate-limits#exceeding-a-rate-limit")
UNAUTHORIZED = Reason(401, 0, "401: Unauthorized", "topics/opcodes-and-status-codes#http")
BAD_REQUEST = Reason(400, 0, "400: Bad Request", "topics/opcodes-and-status-codes#http")


def invalid_form(*problems: Violation) -> Refusal:
    """The refusal that names each wrong place of a form."""
    return Refusal(INVALID_FORM, problems)


def snowflake(value: object, path: tuple[str | int, ...]) -> int:
    """The number of a snowflake, of which there are 2 to the 63rd. Raises `Refusal` where it is none."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,19}", text) or int(text) >= 1 << 63:
        raise invalid_form(Violation(path, "NUMBER_TYPE_COERCE", f'Value "{text[:32]}" is not snowflake.'))
    return int(text)
