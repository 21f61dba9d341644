"""What Discord answers where it refuses: HTTP status, code and words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeGuard

from wisp.limits import Problem, error_tree
from wisp.sandbox.world import JSON


class Reason(NamedTuple):
    """Why Discord refuses: HTTP status, its own code (0 where it has none), its words."""

    status: int
    code: int
    message: str


class Refusal(Exception):
    """What Discord answers instead, and where in the form the fault is."""

    def __init__(self, reason: Reason, problems: Sequence[Problem] = ()) -> None:
        super().__init__(reason)
        self.status: int = reason.status
        self.body: JSON = {"message": reason.message, "code": reason.code}
        if problems:
            self.body["errors"] = error_tree(problems)


UNKNOWN_CHANNEL = Reason(404, 10003, "Unknown Channel")
UNKNOWN_GUILD = Reason(404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = Reason(404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = Reason(404, 10008, "Unknown Message")
UNKNOWN_USER = Reason(404, 10013, "Unknown User")
UNKNOWN_WEBHOOK = Reason(404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = Reason(404, 10062, "Unknown interaction")
UNKNOWN_COMMAND = Reason(404, 10063, "Unknown application command")
NOT_THIS_APPLICATION = Reason(403, 20012, "You are not authorized to perform this action on this application")
TOO_LARGE = Reason(413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED = Reason(400, 40060, "Interaction has already been acknowledged.")
MISSING_ACCESS = Reason(403, 50001, "Missing Access")
NOT_THE_AUTHOR = Reason(403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = Reason(400, 50006, "Cannot send an empty message")
CANNOT_MESSAGE_USER = Reason(403, 50007, "Cannot send messages to this user")
NOT_A_TEXT_CHANNEL = Reason(400, 50008, "Cannot send messages in a non-text channel")
MISSING_PERMISSIONS = Reason(403, 50013, "Missing Permissions")
INVALID_WEBHOOK_TOKEN = Reason(401, 50027, "Invalid Webhook Token")
INVALID_FORM = Reason(400, 50035, "Invalid Form Body")
INVALID_JSON = Reason(400, 50109, "The request body contains invalid JSON.")
UNAUTHORIZED = Reason(401, 0, "401: Unauthorized")
BAD_REQUEST = Reason(400, 0, "400: Bad Request")


def invalid_form(*problems: Problem) -> Refusal:
    """The refusal that names each wrong place of a form."""
    return Refusal(INVALID_FORM, problems)


def is_object(value: object) -> TypeGuard[JSON]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def snowflake(value: object, path: tuple[str | int, ...]) -> int:
    """The number of a snowflake, of which there are 2 to the 63rd. Raises `Refusal` where it is none."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,19}", text) or int(text) >= 1 << 63:
        raise invalid_form(Problem(path, "NUMBER_TYPE_COERCE", f'Value "{text[:32]}" is not snowflake.'))
    return int(text)
