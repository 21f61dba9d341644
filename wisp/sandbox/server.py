"""A sandbox that runs: one world behind its REST API and gateway, on a free port of 127.0.0.1."""

from __future__ import annotations

import socket
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from wisp.clock import Clock
from wisp.sandbox.faults import Breakable, Faults
from wisp.sandbox.gateway.gateway import Gateway
from wisp.sandbox.page.page import Page, local_only
from wisp.sandbox.rest.app import Rest
from wisp.sandbox.rest.rate_limits import GLOBAL, Quotas
from wisp.sandbox.world.world import World

BACKLOG = 4096
"""Connections that may wait to be accepted: a bot whose handlers all answer at once opens hundreds."""


class Sandbox(Breakable):
    """A Discord on loopback, from `start` to `close` or in an `async with`.

    Point a bot at `rest_url` and give it `token`; the gateway is where REST says. `shards` is what
    GET /gateway/bot recommends. With `waits` a bot may identify every 5 s, request all members of a guild every 30 s,
    and make 50 calls of REST a second, as on Discord; without, as often as it likes; `quotas` can limit routes.
    With `page` people can look at it in a browser, too. `async with` ends in an ExceptionGroup where the sandbox
    itself failed (`world.errors`), so that a test cannot pass over it.
    """

    def __init__(self, *, clock: Clock | None = None, shards: int = 1, waits: bool = False, page: bool = False) -> None:
        self.world: World = World(clock=clock, shards=shards)
        self.faults: Faults = Faults(self.world.clock)
        self.gateway: Gateway = Gateway(self.world, self.faults)
        if not waits:
            self.gateway.identify_window = self.gateway.members_window = 0.0
        self.page: Page | None = Page(self.world, self.gateway) if page else None
        self.rest_url: str = ""
        self.gateway_url: str = ""
        self._rest = Rest(self.world, self.gateway.start_limit)
        self.quotas: Quotas = self._rest.quotas
        if waits:
            self.quotas.on_all = GLOBAL
        self._runner: web.AppRunner | None = None

    @property
    def token(self) -> str:
        """What the bot logs in with."""
        return self.world.token

    async def start(self) -> None:
        """Listen. Raises RuntimeError where it listens already."""
        if self._runner is not None:
            raise RuntimeError("the sandbox is started already: expected one start() before each close()")
        around: list[Middleware] = [self.faults.around, local_only]
        if self.page is not None:
            around.insert(1, partial(self.page.records.middleware, sent=self._rest.sent))

        def within(handler: Handler) -> Handler:
            # as middlewares of the application they would stay in a cache of aiohttp, and the sandbox with them
            for middleware in around:
                handler = partial(middleware, handler=handler)
            return handler

        application = self._rest.application(self.gateway.handle, within)
        if self.page is not None:
            self.page.join(application, within)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(self._runner, listener, backlog=BACKLOG).start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        self.rest_url = f"http://{place}/api/v10"
        self.gateway_url = self.gateway.url = self._rest.gateway_url = f"ws://{place}/gateway"
        self.world.files_url = f"http://{place}/attachments"
        self.world.webhooks_url = f"{self.rest_url}/webhooks"
        if self.page is not None:
            self.page.url = f"http://{place}/page/{self.page.secret}/"

    async def close(self) -> None:
        """Close every connection at once. Does nothing where it is closed."""
        runner, self._runner = self._runner, None
        if runner is not None:
            if self.page is not None:
                await self.page.close()
            await self.gateway.close()
            self.faults.close()
            await runner.cleanup()

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
