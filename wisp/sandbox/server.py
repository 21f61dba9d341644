"""The running sandbox: one world behind its REST API, its gateway and its page, on a free port of 127.0.0.1."""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from wisp.clock import Clock
from wisp.sandbox.breakable import Breakable
from wisp.sandbox.faults import Faults
from wisp.sandbox.gateway.gateway import Gateway
from wisp.sandbox.page.page import Page
from wisp.sandbox.page.site import Site, local_only
from wisp.sandbox.rest.app import Rest
from wisp.sandbox.rest.rate_limits import GLOBAL, Quotas
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

BACKLOG = 4096
"""Connections that may wait to be accepted: a bot whose handlers all respond at once opens hundreds."""


SHUTDOWN_TIMEOUT = 0.05
"""Seconds that calls have to end when the sandbox closes; to aiohttp 0 would be no limit."""


class Sandbox(Breakable):
    """A Discord on loopback, from `start` to `close` or in an `async with`.

    A bot connects to `rest_url`, which names the gateway, with `token`. `shards` is the number that GET /gateway/bot
    recommends. With `waits` a bot may identify every 5 s, request all members of a guild every 30 s, and make 50 calls
    of REST a second, as on Discord; without, there are no such limits, but `quotas` can limit routes. With `page`
    people can use it in a browser, too. Pictures are at `cdn_url`: libraries have a constant instead of an answer that
    says so (hikari.urls.CDN_URL, discord.Asset.BASE). If the sandbox itself failed (`world.errors`), `async with`
    raises an ExceptionGroup, so that a test cannot miss it.
    """

    def __init__(self, *, clock: Clock | None = None, shards: int = 1, waits: bool = False, page: bool = False) -> None:
        self.world: World = World(clock=clock, shards=shards)
        self.faults: Faults = Faults(self.world.clock)
        self.gateway: Gateway = Gateway(self.world, self.faults)
        if not waits:
            self.gateway.sessions.identify_window = self.gateway.sessions.members_window = 0.0
        self.page: Page | None = Page(self.world, self.gateway) if page else None
        self._site = Site(self.page) if self.page else None
        self.rest_url: str = ""
        self.cdn_url: str = ""
        self.gateway_url: str = ""
        self._rest = Rest(self.world, self.gateway.sessions.start_limit)
        self.quotas: Quotas = self._rest.quotas
        if waits:
            self.quotas.on_all = GLOBAL
        self._runner: web.AppRunner | None = None

    @property
    def token(self) -> str:
        """The token that the bot must use."""
        return self.world.token

    async def start(self) -> None:
        """Listen. Raises RuntimeError if it listens already. If it cannot, nothing is left open."""
        if self._runner is not None:
            raise RuntimeError("the sandbox is started already: expected one start() before each close()")
        around: list[Middleware] = [self.faults.around, local_only]
        if self.page is not None:
            around.insert(1, partial(self.page.log.middleware, sent=self._rest.sent))

        def within(handler: Handler) -> Handler:
            # aiohttp caches the middlewares of an application, which would keep the sandbox in memory
            for middleware in around:
                handler = partial(middleware, handler=handler)
            return handler

        application = self._rest.application(self.gateway.handle, within)
        if self._site is not None:
            self._site.join(application, within)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(runner.cleanup)
            await runner.setup()
            listener = undo.enter_context(socket.create_server(("127.0.0.1", 0)))
            await web.SockSite(runner, listener, backlog=BACKLOG).start()
            undo.pop_all()
        self._runner = runner
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        self.rest_url = f"http://{place}/api/v10"
        self.gateway_url = self.gateway.sessions.resume_url = self._rest.gateway_url = f"ws://{place}/gateway"
        self.cdn_url = f"http://{place}/cdn"
        self.world.files_url = f"http://{place}/attachments"
        self.world.webhooks_url = f"{self.rest_url}/webhooks"
        if self.page is not None:
            self.page.url = f"http://{place}/page/{self.page.secret}/"

    async def close(self) -> None:
        """Close every connection at once. Does nothing if it is closed already.

        An error of one part is logged and added to `world.errors`, and the other parts are closed.
        """
        runner, self._runner = self._runner, None
        if runner is None:
            return
        closes: list[Callable[[], Awaitable[object]]] = [self.gateway.close, self.faults.close, runner.cleanup]
        if self._site is not None:
            closes.insert(0, self._site.close)
        for close in closes:
            try:
                await close()
            except Exception as error:
                _LOG.exception("the sandbox failed to close a part")
                self.world.errors.append(error)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
        if self.world.errors and error is None:
            raise ExceptionGroup("the sandbox itself failed", self.world.errors)
