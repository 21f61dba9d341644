"""What the page's panel shows: the newest of the bot's log, errors and traffic with the sandbox, without secrets."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, TypeAlias, cast

import msgspec
from aiohttp import web

from wisp.clock import Clock
from wisp.sandbox.world.objects import JSON

KEPT = 500
"""How many records of each kind are kept."""

LONGEST_BODY = 16_000
"""Characters that are kept of a body, a traceback or a line of the log."""

HIDDEN = "<token>"

Kind: TypeAlias = Literal["log", "error", "rest", "gateway"]

_ADDRESSED = re.compile(r"((?:webhooks|interactions)/\d+/)[\w.~%-]+")
"""Tokens in the addresses of webhooks and interactions, with which anybody could answer in the bot's name."""

_TOKEN = re.compile(r"(?<![\w-])[\w-]{18,40}\.[\w-]{6,10}\.[\w-]{24,}")
"""What looks like a bot's token, wherever it stands: its id in base64, a time, a signature."""

_SECRET_FIELDS = frozenset({"token", "session_id", "authorization"})


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened between the bot and its surroundings.

    `title` is one line, `level` how much it matters ("info", "warning", "error", "debug"), `body` the rest: a
    traceback, or JSON. `moment` is in seconds since the Unix epoch, by the world's clock.
    """

    number: int
    kind: Kind
    moment: float
    level: str
    title: str
    body: str = ""

    def payload(self) -> JSON:
        """What the browser gets."""
        return {name: getattr(self, name) for name in ("number", "kind", "moment", "level", "title", "body")}


class Records:
    """The newest records of each kind. `secrets` are texts that appear in none of them; `watch` tells of new ones."""

    def __init__(self, clock: Clock) -> None:
        self.secrets: set[str] = set()
        self._clock = clock
        self._numbers = count(1)
        self._kept: dict[Kind, deque[Record]] = {
            kind: deque(maxlen=KEPT) for kind in ("log", "error", "rest", "gateway")
        }
        self._watchers: list[Callable[[Record], object]] = []

    def log(self, level: str, logger: str, text: str) -> None:
        """Note a line that the bot logged; its further lines (a traceback) are the body."""
        first, _, rest = text.partition("\n")
        self._add("log", level, f"{logger}: {first}", rest)

    def failed(self, where: str, id: str, traceback: str) -> None:
        """Note an error in the bot's code: where it came up, under which id people were told of it."""
        last = traceback.strip().rpartition("\n")[2]
        self._add("error", "error", f"{where}: {last} ({id})", traceback)

    def event(self, shard: int, name: str, data: JSON) -> None:
        """Note a gateway event that was sent to a shard of the bot."""
        self._add("gateway", "info", f"{name} (shard {shard})" if shard else name, _json(data))

    def unsent(self, name: str, data: JSON, why: str) -> None:
        """Note an event that the bot is not told of, and why."""
        self._add("gateway", "debug", f"{name} (not sent: {why})", _json(data))

    async def middleware(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        *,
        sent: Callable[[web.Request], Any],
    ) -> web.StreamResponse:
        """Note each call of Discord's REST API: method, route, status, and the JSON of both sides.

        `sent` returns the JSON of a call that REST has answered: a body can be read only once.
        """
        response = await handler(request)
        if request.path.startswith("/api/"):
            self._call(request, sent(request), response)
        return response

    def newest(self, most: int = KEPT) -> list[Record]:
        """The newest `most` of each kind, oldest first."""
        found = (record for kept in self._kept.values() for record in [*kept][-most:])
        return sorted(found, key=lambda record: record.number)

    def watch(self, callback: Callable[[Record], object]) -> Callable[[], None]:
        """Call `callback` at each new record; call the result to stop."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    def redacted(self, text: str) -> str:
        """A text without tokens and without `secrets`."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return _TOKEN.sub(HIDDEN, _ADDRESSED.sub(rf"\1{HIDDEN}", text))

    def _call(self, request: web.Request, sent: object, response: web.StreamResponse) -> None:
        answer = response.body if isinstance(response, web.Response) else None
        answered = answer.decode("utf-8", "replace") if isinstance(answer, bytes) and answer else ""
        parts = [f"-> {_json(sent)}" if sent is not None else "", f"<- {_json(_read(answered))}" if answered else ""]
        level = "info" if response.status < 400 else "warning"
        title = f"{request.method} {request.path_qs} {response.status}"
        self._add("rest", level, title, "\n\n".join(part for part in parts if part))

    def _add(self, kind: Kind, level: str, title: str, body: str) -> None:
        # cut twice: what is far too long is not searched for secrets, and what is cut by the first is cut again
        title, body = self.redacted(title[:2000])[:500], self.redacted(body[: 2 * LONGEST_BODY])
        if len(body) > LONGEST_BODY:
            body = f"{body[:LONGEST_BODY]}\n... ({len(body)} characters and more)"
        record = Record(next(self._numbers), kind, self._clock.time(), level, title, body)
        self._kept[kind].append(record)
        for watcher in tuple(self._watchers):
            watcher(record)


def _read(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _json(value: Any) -> str:
    """JSON as a person reads it, secret fields hidden."""
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
