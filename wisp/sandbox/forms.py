"""What a bot sends over REST: read, held against Discord's limits, and made into what the world keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple, TypeGuard

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp import ClientPayloadError as PayloadError
from aiohttp.http_exceptions import HttpProcessingError

from wisp.limits import ATTACHMENTS, Problem, error_tree, message_problems
from wisp.sandbox.world import COMPONENTS_V2, JSON, LOADING, SUPPRESS_EMBEDS, Attachment, Message, World, loads

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes of one attachment, in a guild without boosts."""

LARGEST_BODY = ATTACHMENTS * LARGEST_FILE + 1024 * 1024

_FILE_FIELD = re.compile(r"files\[(\d{1,2})\]")


class Reason(NamedTuple):
    """Why Discord refuses: HTTP status, its own code (0 where it has none), its words."""

    status: int
    code: int
    message: str


class Refusal(Exception):
    """What Discord answers instead, and where in the form the fault is."""

    def __init__(self, reason: Reason, problems: Sequence[Problem] = ()) -> None:
        super().__init__(reason)
        self.status = reason.status
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
NOT_FOUND = Reason(404, 0, "404: Not Found")
BAD_REQUEST = Reason(400, 0, "400: Bad Request")


def invalid_form(*problems: Problem) -> Refusal:
    """The refusal that names each wrong place of a form."""
    return Refusal(INVALID_FORM, problems)


@dataclass(slots=True)
class Form:
    """A request's body: its JSON, and its files by the n of `files[n]` (filename, bytes).

    `at` is where in the body this JSON stands, for what is refused in it.
    """

    payload: Any
    files: dict[int, tuple[str, bytes]]
    at: tuple[str | int, ...] = ()

    def object(self) -> JSON:
        """The JSON as an object, empty where there is none. Raises `Refusal` where it is something else."""
        if self.payload is None:
            return {}
        if not is_object(self.payload):
            raise self.refusal(Problem((), "MODEL_TYPE_CONVERT", "Expected an object/dictionary."))
        return self.payload

    def data(self) -> Form:
        """The part of an interaction's callback that depends on its type."""
        return Form(self.object().get("data"), self.files, (*self.at, "data"))

    def flags(self) -> int:
        """The message flags, 0 where there are none. Raises `Refusal` where they are no number."""
        flags = self.object().get("flags") or 0
        if not isinstance(flags, int):
            raise self.refusal(Problem(("flags",), "NUMBER_TYPE_COERCE", "Value is not int."))
        return flags

    def refusal(self, *problems: Problem) -> Refusal:
        """What refuses this form for its problems."""
        return invalid_form(*(Problem((*self.at, *p.path), p.code, p.message) for p in problems))


@dataclass(slots=True)
class Draft:
    """A message as it is sent. In an edit None is what stays as it was."""

    content: str | None
    embeds: list[JSON] | None
    components: list[JSON] | None
    attachments: list[Attachment] | None
    flags: int | None
    allowed_mentions: JSON | None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not (self.content or self.embeds or self.components or self.attachments)


async def read_form(request: web.Request) -> Form:
    """The body of a request, JSON or multipart. Raises `Refusal` where it is neither; no body is None."""
    if not request.can_read_body:
        return Form(None, {})
    # A malformed or broken-off body shows as whatever aiohttp's parser trips over.
    try:
        if request.content_type == "multipart/form-data":
            return await _read_multipart(request)
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(TOO_LARGE) from None
    except (ValueError, AssertionError, RuntimeError, LookupError, OSError, HttpProcessingError, PayloadError):
        raise Refusal(BAD_REQUEST) from None
    if request.content_type == "application/json":
        return Form(parse_json(raw), {})
    expected = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}."
    raise invalid_form(Problem((), "CONTENT_TYPE_INVALID", expected))


def parse_json(raw: bytes) -> Any:
    """The JSON value of some bytes. Raises `Refusal` where they are none."""
    try:
        return loads(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(INVALID_JSON) from None


def is_object(value: object) -> TypeGuard[JSON]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def path_id(request: web.Request, name: str) -> int:
    """The id in a part of the path. Raises `Refusal` where it is none."""
    return snowflake(request.match_info[name], (f"{name}_id",))


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def snowflake(value: object, path: tuple[str | int, ...]) -> int:
    """The number of a snowflake, of which there are 2 to the 63rd. Raises `Refusal` where it is none."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,19}", text) or int(text) >= 1 << 63:
        raise invalid_form(Problem(path, "NUMBER_TYPE_COERCE", f'Value "{text[:32]}" is not snowflake.'))
    return int(text)


async def _read_multipart(request: web.Request) -> Form:
    form = Form({}, {})
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise Refusal(BAD_REQUEST)
        await _read_part(part, form)
    return form


async def _read_part(part: BodyPartReader, form: Form) -> None:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > LARGEST_FILE:
            raise Refusal(TOO_LARGE)
    field = _FILE_FIELD.fullmatch(part.name or "")
    if part.name == "payload_json":
        form.payload = parse_json(bytes(content))
    elif field is not None:
        form.files[int(field[1])] = (part.filename or "unknown.bin", bytes(content))


def read_draft(world: World, form: Form, *, old: Message | None = None, ephemeral: bool = False) -> Draft:
    """The message in a form: a new one, or an edit of `old`. Raises `Refusal` where Discord would refuse it."""
    payload = form.object()
    flags = form.flags()
    # A message of the new components stays one.
    lasting = old.flags & COMPONENTS_V2 if old else 0
    if problems := message_problems({**payload, "flags": flags | lasting}):
        raise form.refusal(*problems)
    attachments = _attachments(world, form, old, ephemeral=ephemeral)
    seen = attachments if attachments is not None else old.attachments if old else []
    given = payload.keys() if old is not None else {"content", "embeds", "components", "flags"}
    return Draft(
        content=(payload.get("content") or "").strip() if "content" in given else None,
        embeds=_stored_embeds(payload.get("embeds") or [], seen) if "embeds" in given else None,
        components=_stored_components(world, payload.get("components") or [], seen) if "components" in given else None,
        attachments=attachments,
        flags=flags if "flags" in given else None,
        allowed_mentions=payload.get("allowed_mentions"),
    )


def apply_draft(world: World, message: Message, draft: Draft) -> None:
    """Edit a message. Raises `Refusal` where nothing would be left of it."""
    left = Draft(
        message.content if draft.content is None else draft.content,
        message.embeds if draft.embeds is None else draft.embeds,
        message.components if draft.components is None else draft.components,
        message.attachments if draft.attachments is None else draft.attachments,
        None,
        None,
    )
    if left.empty:
        raise Refusal(EMPTY_MESSAGE)
    flags = message.flags
    if draft.flags is not None:
        flags = flags & ~SUPPRESS_EMBEDS | draft.flags & (SUPPRESS_EMBEDS | COMPONENTS_V2)
    world.edit_message(
        message,
        content=draft.content,
        embeds=draft.embeds,
        components=draft.components,
        attachments=draft.attachments,
        flags=flags & ~LOADING,
        allowed_mentions=draft.allowed_mentions,
    )


def _attachments(world: World, form: Form, old: Message | None, *, ephemeral: bool) -> list[Attachment] | None:
    """The message's files: those of `old` that the form names (all, if it names none), then the new ones."""
    payload, files = form.object(), form.files
    named: list[JSON] | None = payload.get("attachments") or ([] if "attachments" in payload else None)
    if named is None and not files:
        return None if old is not None else []
    old_files = {attachment.id: attachment for attachment in (old.attachments if old else ())}
    kept = list(old_files.values()) if named is None else []
    details: dict[int, JSON] = {}
    for index, detail in enumerate(named or ()):
        number = int(detail["id"])
        if number in old_files:
            kept.append(old_files[number])
        elif number in files:
            details[number] = detail
        else:
            raise invalid_form(Problem(("attachments", index), "ATTACHMENT_NOT_FOUND", "Attachment data not found"))
    if len(kept) + len(files) > ATTACHMENTS:
        raise form.refusal(
            Problem(("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {ATTACHMENTS} or fewer in length.")
        )
    for number, (filename, content) in sorted(files.items()):
        detail = details.get(number, {})
        name = detail.get("filename") or filename
        about = detail.get("description")
        kept.append(world.add_attachment(name, content, description=about, ephemeral=ephemeral))
    return kept


def _stored_embeds(embeds: Iterable[JSON], attachments: Iterable[Attachment]) -> list[JSON]:
    """Embeds as Discord gives them back; those without anything to see are left out."""
    urls = {f"attachment://{attachment.filename}": attachment.url for attachment in attachments}
    stored = [_stored_embed(embed, urls) for embed in embeds]
    return [{"type": "rich", **embed} for embed in stored if embed]


def _stored_embed(embed: JSON, urls: Mapping[str, str]) -> JSON:
    stored: JSON = {
        name: embed[name] for name in ("title", "description", "url", "color") if embed.get(name) not in {None, ""}
    }
    if embed.get("timestamp"):
        moment = datetime.fromisoformat(embed["timestamp"])
        stored["timestamp"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    for name, needed in (("footer", "text"), ("author", "name"), ("image", "url"), ("thumbnail", "url")):
        part = embed.get(name)
        if part and part.get(needed):
            texts = {key: part[key] for key in ("text", "name", "url", "icon_url") if part.get(key)}
            stored[name] = {key: urls.get(text, text) for key, text in texts.items()}
    if embed.get("fields"):
        stored["fields"] = [
            {"name": item["name"], "value": item["value"], "inline": bool(item.get("inline"))}
            for item in embed["fields"]
        ]
    return stored


_SELECT_DEFAULTS: JSON = {"min_values": 1, "max_values": 1}
_COMPONENT_DEFAULTS: Mapping[int, JSON] = {
    3: _SELECT_DEFAULTS,
    5: _SELECT_DEFAULTS,
    6: _SELECT_DEFAULTS,
    7: _SELECT_DEFAULTS,
    8: _SELECT_DEFAULTS,
    11: {"description": None, "spoiler": False},
    13: {"name": None, "size": None, "spoiler": False},
    14: {"divider": True, "spacing": 1},
    17: {"accent_color": None, "spoiler": False},
}
"""What Discord fills in where a component's optional fields are left out, by its type."""


def _stored_components(world: World, components: Iterable[JSON], attachments: Iterable[Attachment]) -> list[JSON]:
    """Components as Discord gives them back: numbered through, with their defaults."""
    urls = {f"attachment://{attachment.filename}": attachment.url for attachment in attachments}
    numbers = count(1)

    def stored(component: JSON) -> JSON:
        given = {name: value for name, value in component.items() if value is not None}
        full = _COMPONENT_DEFAULTS.get(component["type"], {}) | given
        full["id"] = component.get("id") or next(numbers)
        for name in ("media", "file"):
            if name in full:
                full[name] = media(full[name])
        if "items" in full:
            full["items"] = [
                {"description": None, "spoiler": False} | item | {"media": media(item["media"])}
                for item in full["items"]
            ]
        if "emoji" in full:
            full["emoji"] = _stored_emoji(full["emoji"])
        if "options" in full:
            full["options"] = [_stored_select_option(option) for option in full["options"]]
        if "components" in full:
            full["components"] = [stored(inner) for inner in full["components"]]
        if "accessory" in full:
            full["accessory"] = stored(full["accessory"])
        return full

    def media(given: JSON) -> JSON:
        url = urls.get(given["url"], given["url"])
        return {"id": str(world.next_id()), "url": url, "proxy_url": url}

    return [stored(component) for component in components]


def _stored_select_option(option: JSON) -> JSON:
    stored = {name: value for name, value in option.items() if value is not None}
    return stored | {"emoji": _stored_emoji(stored["emoji"])} if "emoji" in stored else stored


def _stored_emoji(emoji: JSON) -> JSON:
    stored = {name: value for name, value in emoji.items() if value is not None}
    return {"name": "", **stored, **({"id": str(stored["id"])} if "id" in stored else {})}
