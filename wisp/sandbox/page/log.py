"""The log of the page's panel: the newest lines and errors of the bot and its traffic, without secrets."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, TypeAlias, cast

import msgspec
from aiohttp import web

from wisp.clock import Clock
from wisp.sandbox.world.objects import JSON, dumps
from wisp.sandbox.world.signal import Signal

KEPT = 500
"""How many entries of each kind are kept."""

LONGEST_BODY = 16_000
"""Characters of a body that are shown."""

HIDDEN = "<token>"

Kind: TypeAlias = Literal["log", "error", "rest", "gateway"]

_ADDRESSED = re.compile(r"((?:webhooks|interactions)/\d+/)[\w.~%-]+")
"""Tokens in the addresses of webhooks and interactions, which let their holder respond as the bot."""

_TOKEN = re.compile(r"(?<![\w-])[\w-]{18,40}\.[\w-]{6,10}\.[\w-]{24,}")
"""The format of a bot's token: its id in base64, a time, a signature."""

_SECRET_FIELDS = frozenset({"token", "session_id", "authorization"})


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One thing that happened between the bot and its surroundings.

    `title` is one line, `level` is "debug", "info", "warning" or "error", and `body` is the rest: a traceback, or JSON.
    `moment` is in seconds since the Unix epoch, by the world's clock.
    """

    number: int
    kind: Kind
    moment: float
    level: str
    title: str
    body: str = ""

    def payload(self) -> JSON:
        """Return the entry as the browser gets it."""
        return {name: getattr(self, name) for name in ("number", "kind", "moment", "level", "title", "body")}


@dataclass(frozen=True, slots=True)
class _Raw:
    """An entry before it is formatted: most are never looked at. `body` is a text, or pairs of a sign and JSON."""

    number: int
    kind: Kind
    moment: float
    level: str
    title: str
    body: str | Sequence[tuple[str, bytes]]


class Log:
    """The newest entries of each kind. `secrets` are texts that no entry shows; `added` tells of new entries."""

    def __init__(self, clock: Clock, on_error: Callable[[Exception], None]) -> None:
        self.secrets: set[str] = set()
        self.added: Signal[LogEntry] = Signal(on_error)
        self._clock = clock
        self._numbers = count(1)
        self._kept: dict[Kind, deque[_Raw]] = {kind: deque(maxlen=KEPT) for kind in ("log", "error", "rest", "gateway")}

    def add_line(self, level: str, logger: str, text: str) -> None:
        """Add a line that the bot logged; its further lines (a traceback) are the body."""
        first, _, rest = text.partition("\n")
        self._add("log", level, f"{logger}: {first}", rest)

    def add_error(self, where: str, id: str, traceback: str) -> None:
        """Add an error in the bot's code: where it was raised, and the id that users were told."""
        last = traceback.strip().rpartition("\n")[2]
        self._add("error", "error", f"{where}: {last} ({id})", traceback)

    def add_event(self, shard: int, name: str, data: JSON) -> None:
        """Add a gateway event that was sent to a shard of the bot."""
        self._add("gateway", "info", f"{name} (shard {shard})" if shard else name, [("", dumps(data))])

    def add_unsent(self, name: str, data: JSON, reason: str) -> None:
        """Add a gateway event that was not sent to the bot, with the reason."""
        self._add("gateway", "debug", f"{name} (not sent: {reason})", [("", dumps(data))])

    async def middleware(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        *,
        sent: Callable[[web.Request], Any],
    ) -> web.StreamResponse:
        """Log each call of Discord's REST API: its method, route and status, and the JSON of both sides.

        `sent` returns the JSON of a call that REST has answered: a body can be read only once.
        """
        response = await handler(request)
        if request.path.startswith("/api/"):
            self._call(request, sent(request), response)
        return response

    def newest(self, most: int = KEPT) -> list[LogEntry]:
        """Return the newest `most` entries of each kind, oldest first."""
        found = (raw for kept in self._kept.values() for raw in [*kept][-most:])
        return [self._formatted(raw) for raw in sorted(found, key=lambda raw: raw.number)]

    def redacted(self, text: str) -> str:
        """Return a text without tokens and without `secrets`."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return _TOKEN.sub(HIDDEN, _ADDRESSED.sub(rf"\1{HIDDEN}", text))

    def _call(self, request: web.Request, sent: object, response: web.StreamResponse) -> None:
        answer = response.body if isinstance(response, web.Response) else None
        body = [("-> ", dumps(sent))] if sent is not None else []
        if isinstance(answer, bytes) and answer:
            body.append(("<- ", answer))
        level = "info" if response.status < 400 else "warning"
        self._add("rest", level, f"{request.method} {request.path_qs} {response.status}", body)

    def _add(self, kind: Kind, level: str, title: str, body: str | Sequence[tuple[str, bytes]]) -> None:
        size = len(body) if isinstance(body, str) else sum(len(part) for _, part in body)
        if size > 2 * LONGEST_BODY:
            body = _text(body)[: 2 * LONGEST_BODY]  # not all of it is kept
        raw = _Raw(next(self._numbers), kind, self._clock.time(), level, title[:2000], body)
        self._kept[kind].append(raw)
        if self.added:
            self.added.send(self._formatted(raw))

    def _formatted(self, raw: _Raw) -> LogEntry:
        # cut twice: a text that is far too long is not searched for secrets, and a secret that is cut in two is cut off
        title, body = self.redacted(raw.title)[:500], self.redacted(_text(raw.body)[: 2 * LONGEST_BODY])
        if len(body) > LONGEST_BODY:
            body = f"{body[:LONGEST_BODY]}\n... ({len(body)} characters and more)"
        return LogEntry(raw.number, raw.kind, raw.moment, raw.level, title, body)


def _text(body: str | Sequence[tuple[str, bytes]]) -> str:
    """Return a body as a person reads it: JSON indented, without the values of secret fields."""
    if isinstance(body, str):
        return body
    return "\n\n".join(sign + _json(part) for sign, part in body)


def _json(part: bytes) -> str:
    try:
        value = msgspec.json.decode(part)
    except msgspec.DecodeError:
        value = part.decode("utf-8", "replace")
    return msgspec.json.format(msgspec.json.encode(_hidden(value)), indent=2).decode()


def _hidden(value: object) -> object:
    match value:
        case dict():
            fields = cast("dict[str, object]", value)
            return {name: HIDDEN if name in _SECRET_FIELDS else _hidden(inner) for name, inner in fields.items()}
        case list():
            return [_hidden(inner) for inner in cast("list[object]", value)]
        case _:
            return value
