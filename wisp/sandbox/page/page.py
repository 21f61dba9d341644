"""The page: the sandbox in a browser, for whom it is local and who has its address."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

from aiohttp import web

from wisp.limits import ATTACHMENT_SIZE, ATTACHMENTS
from wisp.sandbox.gateway.gateway import Gateway
from wisp.sandbox.page.log import Records
from wisp.sandbox.page.tab import LARGEST_FRAME, Visitor
from wisp.sandbox.people.commands import File
from wisp.sandbox.people.person import People
from wisp.sandbox.world.changes import BotConnected, BotDisconnected, Happening
from wisp.sandbox.world.objects import JSON, Impossible, dumps
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

FILES = Path(__file__).parent / "static"
"""What the browser runs, as it stands: no build makes it, and it fetches nothing from anywhere else."""

PATIENCE = 5.0
"""Seconds until a browser is told what became of an action: longer than an interaction waits for its first answer."""

MOST_VISITORS = 50
MOST_UPLOADED = 2 * ATTACHMENTS
"""Files that wait to be sent with a command or a message; the oldest goes first."""

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_HEADERS = {
    # nothing but our own files and what bots attach, no inline script or style, in nobody's frame
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # the address holds the secret
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page:
    """The sandbox in a browser, under an address that nobody can guess.

    `url` is that address once the sandbox listens. `records` is what its panel shows; who runs the bot puts the
    bot's log and errors there, and what moves the time by a typed duration into `advance` (None: the bot's time cannot
    be moved). Several browsers can look at once, each as a person of its own.
    """

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.people: People = People(world, patience=PATIENCE)
        self.records: Records = Records(world.clock)
        self.records.secrets.add(world.token)
        self.secret: str = secrets.token_urlsafe(24)
        self.url: str = ""
        self.dismissed: set[int] = set()
        self.online: bool = False
        self.advance: Callable[[str], Awaitable[object]] | None = None
        self._moving = False
        self._moves = 0
        self._world = world
        self._gateway = gateway
        self._opening: set[str] = set()
        self._uploads: dict[str, File] = {}
        self._sent: set[str] = set()
        self._watchers: list[Callable[[], object]] = []
        self._sockets: set[web.WebSocketResponse] = set()
        gateway.witnesses.append(self._note_sent)
        world.outlets.append(self._note_event)
        world.unseen.append(self._note_unseen)
        world.watch(self._see)

    def join(self, application: web.Application, within: Callable[[Handler], Handler]) -> None:
        """Serve the page beside what an application serves, each handler `within` others."""
        root = "/page/{secret}/"
        application.router.add_get(root, within(self._guarded(self._index)))
        application.router.add_get(root + "socket", within(self._guarded(self._socket)))
        application.router.add_post(root + "upload", within(self._guarded(self._upload)))
        application.router.add_get(root + "{file}", within(self._guarded(self._file)))
        application.router.add_get("/open/{code}", within(self._open))
        application.router.add_get("/favicon.ico", within(self._icon))

    def opening(self) -> str:
        """An address that leads to the page once: everybody on a machine sees what a browser is started with."""
        code = secrets.token_urlsafe(24)
        self._opening.add(code)
        return f"{self.url.split('/page/')[0]}/open/{code}"

    async def close(self) -> None:
        """Let every browser go."""
        for socket in tuple(self._sockets):
            with suppress(ConnectionError):
                await socket.close(code=1001, message=b"the sandbox is over")

    def changes(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` when anything but a message may have changed; call the result to stop."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    def changed(self) -> None:
        """Let all browsers look again."""
        for watcher in tuple(self._watchers):
            watcher()

    def uploaded(self, key: str) -> File:
        """A file that a browser uploaded. Raises Impossible where there is none of this key."""
        if key not in self._uploads:
            raise Impossible("this file is not there any more: choose it again")
        return self._uploads[key]

    def spend(self, keys: Iterable[str]) -> None:
        """Let go of uploaded files that a message took: no other will ask for them."""
        for key in keys:
            self._uploads.pop(key, None)

    @contextmanager
    def time_moves(self) -> Generator[None]:
        """Show on the page that the time is being moved, and in the end what time it is."""
        self._moving = True
        self.changed()
        try:
            yield
        finally:
            self._moving = False
            self._moves += 1
            self.changed()

    def time_view(self) -> JSON:
        """Return what a browser is told of the time: whether it can be moved, is being moved, and how often it was."""
        return {"movable": self.advance is not None, "moving": self._moving, "moves": self._moves}

    def fail(self, error: Exception) -> None:
        """Log an error of the page's own, which the sandbox raises in the end."""
        self._world.errors.append(error)
        _LOG.error("the sandbox's page failed", exc_info=error)

    def _see(self, happening: Happening) -> None:
        match happening:
            case BotConnected():
                self.online = True
            case BotDisconnected():
                self.online = any(session.connection for session in self._gateway.sessions.values())
            case _:
                return
        self.changed()

    def _note_sent(self, shard: int, name: str, data: JSON) -> None:
        self._sent.add(name)
        self.records.event(shard, name, data)

    def _note_event(self, event: Event) -> None:
        """Note what happened in the world, where the gateway (which was told before) sent the bot nothing of it."""
        if event.name not in self._sent:
            self.records.unsent(event.name, event.data, self._gateway.unheard(event))
        self._sent.clear()
        self.changed()

    def _note_unseen(self, event: Event) -> None:
        self.records.unsent(event.name, event.data, "the bot does not see this channel")
        self.changed()

    # Requests

    def _guarded(self, handler: Handler) -> Handler:
        """A handler for whom knows the address alone; its answers say what a browser may do with them."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not hmac.compare_digest(request.match_info["secret"].encode(), self.secret.encode()):
                return web.Response(status=404, text="Not found: open the address that the sandbox printed.")
            response = await handler(request)
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return guarded

    async def _index(self, request: web.Request) -> web.Response:
        return _static("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _static(request.match_info["file"])

    async def _open(self, request: web.Request) -> web.Response:
        code = request.match_info["code"]
        if code not in self._opening:
            return web.Response(status=404, text="This was opened already: open the address that the sandbox printed.")
        self._opening.discard(code)
        return web.Response(status=303, headers={**_HEADERS, "Location": self.url})

    async def _icon(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") != f"http://{request.host}":
            return web.Response(status=403, text="Only the page itself may connect.")
        if len(self._sockets) >= MOST_VISITORS:
            return web.Response(status=503, text=f"{MOST_VISITORS} browsers look already.")
        # without a heartbeat: a browser cannot answer in time while the time is moved
        socket = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, timeout=1.0)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await Visitor(self, socket).serve()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _upload(self, request: web.Request) -> web.Response:
        """Keep a file until it is sent. The body is the file, the header X-Filename its name, quoted."""
        name = unquote(request.headers.get("X-Filename", ""))[:260]
        if request.headers.get("Origin") != f"http://{request.host}" or not name:
            return web.Response(status=403, text="Only the page itself may upload.")
        content = bytearray()
        async for chunk in request.content.iter_chunked(1 << 16):
            content += chunk
            if len(content) > ATTACHMENT_SIZE:
                return web.Response(status=413, text=f"The max file size is {ATTACHMENT_SIZE // (1024 * 1024)} MB.")
        key = secrets.token_urlsafe(12)
        self._uploads[key] = File(name, bytes(content))
        while len(self._uploads) > MOST_UPLOADED:
            del self._uploads[next(iter(self._uploads))]
        return web.Response(body=dumps({"key": key}), content_type="application/json")


def _static(name: str) -> web.Response:
    path = FILES / name
    kind = _KINDS.get(path.suffix)
    if kind is None or path.parent != FILES or not path.is_file():
        return web.Response(status=404, text="Not found.")
    return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8")


async def local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what other web sites make a browser send, to REST and gateway as to the page.

    A name that leads here but is not ours is DNS rebinding; an Origin that is not ours is another site's script.
    Bots send no Origin.
    """
    name = request.host.rpartition(":")[0] or request.host
    if name not in ("127.0.0.1", "localhost", "[::1]"):
        return web.Response(status=421, text="The sandbox is 127.0.0.1, and goes by no other name.")
    if request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
        return web.Response(status=403, text="Other web sites have no business here.")
    return await handler(request)
