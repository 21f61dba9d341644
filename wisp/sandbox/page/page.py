"""The page: what all browsers share that look at one sandbox, and its secret address."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager

from wisp.limits import ATTACHMENTS
from wisp.sandbox.gateway.gateway import Gateway, Unsent
from wisp.sandbox.gateway.sessions import Sent
from wisp.sandbox.page.log import Log
from wisp.sandbox.people.commands import File
from wisp.sandbox.people.person import People
from wisp.sandbox.world.changes import BotConnected, BotDisconnected, Change
from wisp.sandbox.world.objects import JSON, Impossible
from wisp.sandbox.world.signal import Signal
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds until a browser gets the result of an action: longer than an interaction waits for its first response."""

MOST_UPLOADED = 2 * ATTACHMENTS
"""Files that are stored until a command or a message takes them. The oldest is removed first."""

_OF_MESSAGES = ("MESSAGE_", "TYPING_", "INTERACTION_")
"""What the names of events begin with after which only messages look different."""


class Page:
    """One sandbox in browsers, of which each looks at it as a person of its own.

    `url` is the address of the page once the sandbox listens, and contains the `secret`. `log` is what its panel shows:
    the runner of the bot adds the bot's log and errors. `advance` moves the time by a typed duration (None: the bot's
    time cannot be moved). `changed` is sent when anything but messages may have changed.
    """

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.people: People = People(world, patience=TIMEOUT)
        self.log: Log = Log(world.clock, self.fail)
        self.log.secrets.add(world.token)
        self.secret: str = secrets.token_urlsafe(24)
        self.url: str = ""
        self.dismissed: set[int] = set()
        self.online: bool = False
        self.advance: Callable[[str], Awaitable[object]] | None = None
        self.changed: Signal[None] = Signal(self.fail)
        self._moving = False
        self._moves = 0
        self._world = world
        self._gateway = gateway
        self._opening: set[str] = set()
        self._uploads: dict[str, File] = {}
        gateway.sessions.sent.subscribe(self._log_sent)
        gateway.unsent.subscribe(self._log_unsent)
        world.unseen_events.subscribe(self._log_unseen)
        world.changes.subscribe(self._watch)

    def opening(self) -> str:
        """Return an address that leads to the page once: other users can see the arguments of a browser's process."""
        code = secrets.token_urlsafe(24)
        self._opening.add(code)
        return f"{self.url.split('/page/')[0]}/open/{code}"

    def open(self, code: str) -> bool:
        """Return whether the code of an `opening` address is valid, and use it up."""
        is_valid = code in self._opening
        self._opening.discard(code)
        return is_valid

    def upload(self, file: File) -> str:
        """Store a file until it is sent, and return its key."""
        key = secrets.token_urlsafe(12)
        self._uploads[key] = file
        while len(self._uploads) > MOST_UPLOADED:
            del self._uploads[next(iter(self._uploads))]
        return key

    def uploaded(self, key: str) -> File:
        """Return the uploaded file with this key. Raises Impossible if there is none."""
        if key not in self._uploads:
            raise Impossible("this file is not there any more: choose it again")
        return self._uploads[key]

    def spend(self, keys: Iterable[str]) -> None:
        """Remove uploaded files that were sent with a message."""
        for key in keys:
            self._uploads.pop(key, None)

    @contextmanager
    def time_moves(self) -> Generator[None]:
        """Show on the page that the time is being moved, and then what time it is."""
        self._moving = True
        self.changed.send(None)
        try:
            yield
        finally:
            self._moving = False
            self._moves += 1
            self.changed.send(None)

    def time_view(self) -> JSON:
        """Return whether the time can be moved, whether it is being moved, and how often it was."""
        return {"movable": self.advance is not None, "moving": self._moving, "moves": self._moves}

    def fail(self, error: Exception) -> None:
        """Log an error of the page itself, which the sandbox raises at its end."""
        self._world.errors.append(error)
        _LOG.error("the sandbox's page failed", exc_info=error)

    def _watch(self, change: Change) -> None:
        match change:
            case BotConnected():
                self.online = True
            case BotDisconnected():
                self.online = any(session.connection for session in self._gateway.sessions)
            case _:
                return
        self.changed.send(None)

    def _log_sent(self, sent: Sent) -> None:
        self.log.add_event(sent.shard, sent.name, sent.data)
        self._note(sent.name)

    def _log_unsent(self, unsent: Unsent) -> None:
        self.log.add_unsent(unsent.event.name, unsent.event.data, unsent.reason)
        self._note(unsent.event.name)

    def _log_unseen(self, event: Event) -> None:
        self.log.add_unsent(event.name, event.data, "the bot does not see this channel")
        self._note(event.name)

    def _note(self, event: str) -> None:
        if not event.startswith(_OF_MESSAGES):
            self.changed.send(None)
