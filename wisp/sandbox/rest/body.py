"""The body of a request: JSON, or a form with files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp import ClientPayloadError as PayloadError
from aiohttp.http_exceptions import HttpProcessingError

from wisp.limits import ATTACHMENT_SIZE, ATTACHMENTS, Violation
from wisp.sandbox.rest.errors import BAD_REQUEST, INVALID_JSON, TOO_LARGE, TOO_MANY_FILES, DiscordError, invalid_form
from wisp.sandbox.world.objects import JSON, loads

LARGEST_BODY = ATTACHMENTS * ATTACHMENT_SIZE + 1024 * 1024

BODY_TIME = 30.0
"""Real seconds in which a body must arrive: aiohttp reports no error for a later chunk that is malformed."""

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
"""What aiohttp's parser raises for a body that is malformed or breaks off."""

_FILE_FIELD = re.compile(r"files\[([0-9]{1,19})\]")

_SWITCHES, _NUMBERS = ("tts", "enforce_nonce"), ("flags",)
"""Fields of a form that stand for another type than a string."""


@dataclass(slots=True)
class Body:
    """A request's body: its JSON, and its files by the n of `files[n]` (filename, bytes)."""

    payload: Any = None
    files: Mapping[int, tuple[str, bytes]] = field(default_factory=dict[int, tuple[str, bytes]])


NO_BODY = Body()


async def read_body(request: web.Request) -> Body:
    """Read the body of a request: JSON, or a form in one of its two encodings. Raises DiscordError for anything else.

    No body is None (docs.discord.com/developers/reference, "Content Type").
    """
    if not request.can_read_body:
        return NO_BODY
    try:
        async with asyncio.timeout(BODY_TIME):
            if request.content_type == "multipart/form-data":
                return await _read_multipart(request)
            raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise DiscordError(TOO_LARGE) from None
    except _BROKEN:
        raise DiscordError(BAD_REQUEST) from None
    if request.content_type == "application/json":
        return Body(parse_json(raw))
    if request.content_type == "application/x-www-form-urlencoded":
        return _read_fields(raw)
    allowed = "{'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'}"
    words = f'Expected "Content-Type" header to be one of {allowed}.'
    raise invalid_form(Violation((), "CONTENT_TYPE_INVALID", words))


def parse_json(raw: bytes) -> Any:
    """Return the JSON value of some bytes. Raises DiscordError if they are not JSON."""
    try:
        return loads(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DiscordError(INVALID_JSON) from None


def _read_fields(raw: bytes) -> Body:
    """Read the fields of a form that has no files: py-cord answers interactions with `payload_json` alone in one."""
    payload: Any = None
    fields: JSON = {}
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except ValueError:
        raise DiscordError(BAD_REQUEST) from None
    for name, text in pairs:
        if name == "payload_json":
            payload = parse_json(text.encode())
        else:
            fields[name] = _field_value(name, text)
    return Body(fields if payload is None else payload)


async def _read_multipart(request: web.Request) -> Body:
    """Read files, and the JSON in `payload_json`. The other fields are the JSON if there is no `payload_json`."""
    payload: Any = None
    fields: JSON = {}
    numbered: dict[int, tuple[str, bytes]] = {}
    others: list[tuple[str, bytes]] = []
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise DiscordError(BAD_REQUEST)
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
            raise DiscordError(TOO_MANY_FILES)
    files = numbered | dict(enumerate(others, max(numbered, default=-1) + 1))
    return Body(fields if payload is None else payload, files)


async def _read_part(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > ATTACHMENT_SIZE:
            raise DiscordError(TOO_LARGE)
    return bytes(content)


def _field_value(name: str, text: str) -> Any:
    """Return the value of a field of a form; a string that does not fit its type stays one, and is refused later."""
    if name in _SWITCHES:
        return {"true": True, "false": False}.get(text.lower(), text)
    return int(text) if name in _NUMBERS and re.fullmatch("[0-9]{1,9}", text) else text
