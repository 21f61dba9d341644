"""The page over HTTP: its files, uploads and websockets, for browsers on this machine that know its address."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

from aiohttp import web

from wisp.limits import ATTACHMENT_SIZE
from wisp.sandbox.page.actions import decoder
from wisp.sandbox.page.page import Page
from wisp.sandbox.page.tab import LARGEST_FRAME, Tab
from wisp.sandbox.people.commands import File
from wisp.sandbox.world.objects import dumps

FILES = Path(__file__).parent / "static"
"""The files that the browser runs. There is no build, and they load nothing from elsewhere."""

MOST_TABS = 50

_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_HEADERS = {
    # only our own files and what bots attach; no inline scripts and styles, and no frames
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


class Site:
    """The addresses of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._sockets: set[web.WebSocketResponse] = set()

    def join(self, application: web.Application, within: Callable[[Handler], Handler]) -> None:
        """Add the routes of the page to an application, each handler `within` others."""
        root = "/page/{secret}/"
        application.router.add_get(root, within(self._guarded(self._index)))
        application.router.add_get(root + "socket", within(self._guarded(self._socket)))
        application.router.add_post(root + "upload", within(self._guarded(self._upload)))
        application.router.add_get(root + "{file}", within(self._guarded(self._file)))
        application.router.add_get("/open/{code}", within(self._open))
        application.router.add_get("/favicon.ico", within(self._icon))

    async def close(self) -> None:
        """Close the websockets of all browsers."""
        for socket in tuple(self._sockets):
            with suppress(ConnectionError):
                await socket.close(code=1001, message=b"the sandbox is over")

    def _guarded(self, handler: Handler) -> Handler:
        """Return a handler that requires the secret of the page, and that tells the browser what it may do."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            if not hmac.compare_digest(request.match_info["secret"].encode(), self._page.secret.encode()):
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
        if not self._page.open(request.match_info["code"]):
            return web.Response(status=404, text="This was opened already: open the address that the sandbox printed.")
        return web.Response(status=303, headers={**_HEADERS, "Location": self._page.url})

    async def _icon(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Origin") != f"http://{request.host}":
            return web.Response(status=403, text="Only the page itself may connect.")
        if len(self._sockets) >= MOST_TABS:
            return web.Response(status=503, text=f"{MOST_TABS} browsers look already.")
        # without heartbeats, which a browser cannot answer in time while the time is moved
        socket = web.WebSocketResponse(max_msg_size=LARGEST_FRAME, timeout=1.0)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await Tab(self._page, socket, decoder.decode).serve()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _upload(self, request: web.Request) -> web.Response:
        """Store a file until it is sent. The body is the file, the header X-Filename its quoted name."""
        name = unquote(request.headers.get("X-Filename", ""))[:260]
        if request.headers.get("Origin") != f"http://{request.host}" or not name:
            return web.Response(status=403, text="Only the page itself may upload.")
        content = bytearray()
        async for chunk in request.content.iter_chunked(1 << 16):
            content += chunk
            if len(content) > ATTACHMENT_SIZE:
                return web.Response(status=413, text=f"The max file size is {ATTACHMENT_SIZE // (1024 * 1024)} MB.")
        key = self._page.upload(File(name, bytes(content)))
        return web.Response(body=dumps({"key": key}), content_type="application/json")


def _static(name: str) -> web.Response:
    path = FILES / name
    kind = _KINDS.get(path.suffix)
    if kind is None or path.parent != FILES or not path.is_file():
        return web.Response(status=404, text="Not found.")
    return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8")


async def local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what other web sites make a browser send, to REST, the gateway and the page.

    Another host name that leads here is DNS rebinding, and another Origin is a script of another site. Bots send no
    Origin.
    """
    name = request.host.rpartition(":")[0] or request.host
    if name not in ("127.0.0.1", "localhost", "[::1]"):
        return web.Response(status=421, text="The sandbox is 127.0.0.1, and goes by no other name.")
    if request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
        return web.Response(status=403, text="Other web sites have no business here.")
    return await handler(request)
