"""What a bot sends over REST: read, held against Discord's limits, and made into what the world keeps."""

from __future__ import annotations

import asyncio
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp import ClientPayloadError as PayloadError
from aiohttp.http_exceptions import HttpProcessingError

from wisp.limits import ATTACHMENT_SIZE, ATTACHMENTS, Violation
from wisp.sandbox.rest.contents import media_problems, stored_components, stored_embeds
from wisp.sandbox.rest.errors import (
    BAD_REQUEST,
    EMPTY_MESSAGE,
    INVALID_JSON,
    TOO_LARGE,
    TOO_MANY_FILES,
    Refusal,
    Unserved,
    invalid_form,
    snowflake,
)
from wisp.sandbox.rest.payload_limits import message_violations
from wisp.sandbox.world.objects import (
    COMPONENTS_V2,
    JSON,
    LOADING,
    SUPPRESS_EMBEDS,
    Attachment,
    Message,
    is_object,
    loads,
)
from wisp.sandbox.world.world import World

LARGEST_BODY = ATTACHMENTS * ATTACHMENT_SIZE + 1024 * 1024

BODY_TIME = 30.0
"""Real seconds in which a body must be here: of chunks that turn out malformed later on aiohttp tells nobody."""

received: ContextVar[Any] = ContextVar("received", default=None)
"""The JSON of the request that is being answered."""

_BROKEN = (
    ValueError,
    AssertionError,
    RuntimeError,
    LookupError,
    OSError,
    HttpProcessingError,
    PayloadError,
    web.RequestPayloadError,
)
"""What a malformed or broken-off body shows as: whatever aiohttp's parser trips over."""

_FILE_FIELD = re.compile(r"files\[([0-9]{1,19})\]")

_SWITCHES, _NUMBERS = ("tts", "enforce_nonce"), ("flags",)
"""Fields that are no text, though all is text that comes as fields of a form."""

_UNSERVED = {"poll": "polls in messages", "sticker_ids": "stickers in messages"}
"""What a message can have on Discord, and not here."""


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
            raise self.refusal(Violation((), "MODEL_TYPE_CONVERT", "Expected an object/dictionary."))
        return self.payload

    def data(self) -> Form:
        """The part of an interaction's callback that depends on its type."""
        return Form(self.object().get("data"), self.files, (*self.at, "data"))

    def flags(self) -> int:
        """The message flags, 0 where there are none. Raises `Refusal` where they are no number."""
        flags = self.object().get("flags") or 0
        if not isinstance(flags, int):
            raise self.refusal(Violation(("flags",), "NUMBER_TYPE_COERCE", "Value is not int."))
        return flags

    def refusal(self, *problems: Violation) -> Refusal:
        """What refuses this form for its problems."""
        return invalid_form(*(Violation((*self.at, *p.path), p.code, p.message) for p in problems))


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
    """The body of a request, JSON or multipart. Raises `Refusal` where it is neither; no body is None.

    Its JSON is noted in `received`, for who watches the traffic: a body is read but once.
    """
    form = await _read_body(request)
    received.set(form.payload)
    return form


async def _read_body(request: web.Request) -> Form:
    if not request.can_read_body:
        return Form(None, {})
    try:
        async with asyncio.timeout(BODY_TIME):
            if request.content_type == "multipart/form-data":
                return await _read_multipart(request)
            raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(TOO_LARGE) from None
    except _BROKEN:
        raise Refusal(BAD_REQUEST) from None
    if request.content_type == "application/json":
        return Form(parse_json(raw), {})
    expected = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}."
    raise invalid_form(Violation((), "CONTENT_TYPE_INVALID", expected))


def parse_json(raw: bytes) -> Any:
    """The JSON value of some bytes. Raises `Refusal` where they are none."""
    try:
        return loads(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(INVALID_JSON) from None


def path_id(request: web.Request, name: str) -> int:
    """The id in a part of the path. Raises `Refusal` where it is none."""
    return snowflake(request.match_info[name], (f"{name}_id",))


async def _read_multipart(request: web.Request) -> Form:
    """Files, and the JSON in `payload_json`; without that the fields beside them, which it makes count for nothing."""
    payload: Any = None
    fields: JSON = {}
    numbered: dict[int, tuple[str, bytes]] = {}
    others: list[tuple[str, bytes]] = []
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise Refusal(BAD_REQUEST)
        name, content = part.name or "", await _read_part(part)
        if name == "payload_json":
            payload = parse_json(content)
        elif number := _FILE_FIELD.fullmatch(name):
            numbered[int(number[1])] = (part.filename or "unknown.bin", content)
        elif part.filename is not None:
            others.append((part.filename, content))
        else:
            fields[name] = _field_value(name, content.decode())
        if len(numbered) + len(others) > ATTACHMENTS:
            raise Refusal(TOO_MANY_FILES)
    files = numbered | dict(enumerate(others, max(numbered, default=-1) + 1))
    return Form(fields if payload is None else payload, files)


async def _read_part(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > ATTACHMENT_SIZE:
            raise Refusal(TOO_LARGE)
    return bytes(content)


def _field_value(name: str, text: str) -> Any:
    """What a field of a form says; what it cannot say stays a text, and is refused as one."""
    if name in _SWITCHES:
        return {"true": True, "false": False}.get(text.lower(), text)
    return int(text) if name in _NUMBERS and re.fullmatch("[0-9]{1,9}", text) else text


def read_draft(world: World, form: Form, *, old: Message | None = None, ephemeral: bool = False) -> Draft:
    """The message in a form: a new one, or an edit of `old`. Raises `Refusal` where Discord would refuse it."""
    payload = form.object()
    flags = form.flags()
    # A message of the new components stays one.
    lasting = old.flags & COMPONENTS_V2 if old else 0
    if problems := message_violations({**payload, "flags": flags | lasting}):
        raise form.refusal(*problems)
    for name, what in _UNSERVED.items():
        if payload.get(name) not in (None, []):
            raise Unserved(what)
    private = ephemeral or (old is not None and old.ephemeral)
    attachments = _attachments(world, form, old, ephemeral=private)
    seen = attachments if attachments is not None else old.attachments if old else []
    if problems := list(media_problems(payload.get("components") or (), seen)):
        raise form.refusal(*problems)
    given = payload.keys() if old is not None else {"content", "embeds", "components", "flags"}
    return Draft(
        content=(payload.get("content") or "").strip() if "content" in given else None,
        embeds=stored_embeds(payload.get("embeds") or [], seen) if "embeds" in given else None,
        components=stored_components(world, payload.get("components") or [], seen) if "components" in given else None,
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
            raise invalid_form(Violation(("attachments", index), "ATTACHMENT_NOT_FOUND", "Attachment data not found"))
    if len(kept) + len(files) > ATTACHMENTS:
        raise form.refusal(
            Violation(("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {ATTACHMENTS} or fewer in length.")
        )
    for number, (filename, content) in sorted(files.items()):
        detail = details.get(number, {})
        name = detail.get("filename") or filename
        about = detail.get("description")
        kept.append(world.add_attachment(name, content, description=about, ephemeral=ephemeral))
    return kept
