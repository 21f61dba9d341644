"""The REST side: the table of routes, authorization, rate limits, and Discord's errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from functools import cache
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from wisp.sandbox.rest import (
    applications,
    audit_log,
    auto_moderation,
    channels,
    commands,
    emojis,
    guilds,
    interactions,
    invites,
    members,
    messages,
    onboarding,
    polls,
    prunes,
    scheduled_events,
    search,
    soundboard,
    stage_instances,
    stickers,
    threads,
    users,
    voice,
    webhooks,
    welcome_screens,
    widgets,
)
from wisp.sandbox.rest.body import LARGEST_BODY, read_body
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.cdn import HARMLESS, picture
from wisp.sandbox.rest.errors import UNAUTHORIZED, DiscordError, Unserved, error_for
from wisp.sandbox.rest.rate_limits import Limited, Quotas
from wisp.sandbox.rest.unserved import NOT_SERVED
from wisp.sandbox.world.objects import JSON, Impossible, dumps
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

FILES = (
    users,
    applications,
    commands,
    interactions,
    webhooks,
    search,
    messages,
    polls,
    threads,
    channels,
    members,
    prunes,
    guilds,
    welcome_screens,
    onboarding,
    widgets,
    invites,
    emojis,
    stickers,
    scheduled_events,
    audit_log,
    auto_moderation,
    soundboard,
    stage_instances,
    voice,
)
"""The files that have routes."""

_request_key: Any = getattr(web, "RequestKey", None)  # aiohttp has it since 3.14
_SENT: Any = _request_key("sent", object) if _request_key else "sent"

_PART = re.compile(r"\{(\w+)(?::([^{}]+))?\}")
"""A part of a path that has a name, and a pattern if it is not just any text."""


class Rest:
    """Discord's REST API over one world. `start_limit` returns how many sessions a bot may still start."""

    def __init__(self, world: World, start_limit: Callable[[], JSON]) -> None:
        self.world: World = world
        self._start_limit = start_limit
        self.quotas: Quotas = Quotas(world.clock)
        self.gateway_url = ""
        self.routes: list[Route] = [
            Route("GET", "/gateway", self.get_gateway, bot=False),
            Route("GET", "/gateway/bot", self.get_gateway_bot),
            *(route for file in FILES for route in file.ROUTES),
        ]
        self._patterns = _patterns(tuple((route.method, route.path) for route in self.routes))

    def application(self, gateway: Handler, within: Callable[[Handler], Handler]) -> web.Application:
        """Return the routes, the gateway, files and the CDN as an application, each handler `within` others."""
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/gateway", within(gateway))
        application.router.add_get("/attachments/{attachment}/{filename}", within(self.download))
        application.router.add_get("/cdn/{path:.+}", within(self.show))
        application.router.add_route("*", r"/{rest:[\s\S]*}", within(self._serve))
        application.on_response_prepare.append(self._date)
        return application

    async def _date(self, request: web.Request, response: web.StreamResponse) -> None:
        """Date a response by the world's clock: bots may learn from it what time it is for Discord."""
        response.headers["Date"] = formatdate(self.world.clock.time(), usegmt=True)

    def route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Find the route of a path from /api on, and the parts of the path by name; None if it is not served."""
        number, names = self._find(method, path)
        return (self.routes[number], names) if isinstance(number, int) else None

    def _find(self, method: str, path: str) -> tuple[int | str, dict[str, str]]:
        """Return the number of a path's route and the path's parts by name; or the reason why it is not served."""
        for pattern, found in self._patterns.get(_key(method, path), ()):
            if match := pattern.fullmatch(path):
                return found, {name: _unquoted(value) for name, value in match.groupdict().items()}
        return "", {}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a call by the first route that it fits, or say that the sandbox has none."""
        found, names = self._find(request.method, request.rel_url.path_safe)
        if isinstance(found, str):
            return self._refuse_unserved(f"{request.method} {_route_name(request.path)}", reason=found)
        request.match_info.update(names)
        return await self._answer(self.routes[found], request)

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        """Answer a call of this route: authorized, errors in Discord's words, failures logged."""
        try:
            headers = self.quotas.take(route, request)
        except Limited as limited:
            return _json_response(429, limited.body, limited.headers)
        try:
            status, body = await self._handle(route, request)
        except Impossible as impossible:
            error = error_for(impossible)
            return _json_response(error.status, error.body, headers)
        except DiscordError as error:
            return _json_response(error.status, error.body, headers)
        except Unserved as unserved:
            return self._refuse_unserved(str(unserved), headers)
        except Exception as error:
            _LOG.exception("the sandbox failed to answer %s %s", route.method, route.path)
            self.world.errors.append(error)
            return _json_response(500, {"message": "500: Internal Server Error", "code": 0}, headers)
        return _json_response(status, body, headers)

    async def _handle(self, route: Route, request: web.Request) -> Answer:
        """Check a call, read its body and let its handler answer it. Raises DiscordError.

        The body's JSON is kept with the request, for `sent`.
        """
        if route.bot and request.headers.get("Authorization") != f"Bot {self.world.token}":
            raise DiscordError(UNAUTHORIZED)
        call = Call(self.world, route, request)
        call.check()
        if route.method != "GET":
            call.body = await read_body(request)
            if call.body.payload is not None:
                request[_SENT] = call.body.payload
        return route.handler(call)

    def sent(self, request: web.Request) -> Any:
        """Return the JSON that a bot sent with a request that is answered; None if there is none or it was not read."""
        return request.get(_SENT)

    def _refuse_unserved(
        self, what: str, headers: Mapping[str, str] | None = None, *, reason: str = ""
    ) -> web.Response:
        self.world.unserved[what] += 1
        way_out = reason or 'see README, "What the sandbox serves"'
        message = f"the sandbox does not serve {what}: {way_out}"
        _LOG.warning("%s", message)
        return _json_response(404, {"message": message, "code": 0}, headers)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Return the bytes of an attachment."""
        number = request.match_info["attachment"]
        attachment = self.world.attachments.get(int(number)) if number.isdecimal() and len(number) < 20 else None
        if attachment is None or attachment.filename != request.match_info["filename"]:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=attachment.content, content_type=attachment.content_type, headers=HARMLESS)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Return a picture of the CDN."""
        found = picture(self.world, request.match_info["path"])
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.content, content_type=found.media_type, headers=HARMLESS)

    def get_gateway(self, call: Call) -> Answer:
        """Say where the gateway is."""
        return 200, {"url": self.gateway_url}

    def get_gateway_bot(self, call: Call) -> Answer:
        """Say where the gateway is, and how many shards to use."""
        limit = self._start_limit()
        return 200, {"url": self.gateway_url, "shards": self.world.shards, "session_start_limit": limit}


@cache
def _patterns(
    routes: tuple[tuple[str, str], ...],
) -> Mapping[tuple[str, ...], Sequence[tuple[re.Pattern[str], int | str]]]:
    """Return the patterns of all known paths by `_key`, those of `NOT_SERVED` first.

    Each stands with the place of its route in `routes`, or the reason why it is not served. All sandboxes of a process
    share them: aiohttp's own router would read a hundred paths anew for each.
    """
    found: dict[tuple[str, ...], list[tuple[re.Pattern[str], int | str]]] = {}
    refused = [(*operation.split(" "), reason) for operation, reason in NOT_SERVED.items()]
    for method, path, meaning in (*refused, *((*route, number) for number, route in enumerate(routes))):
        whole = f"/api/v{{version:9|10}}{path}"
        pattern = re.compile(_PART.sub(lambda part: f"(?P<{part[1]}>{part[2] or '[^{}/]+'})", whole))
        found.setdefault(_key(method, whole), []).append((pattern, meaning))
    return found


def _key(method: str, path: str) -> tuple[str, ...]:
    """Return what the path of a call and the pattern that fits it have in common: method, length, and first word."""
    parts = path.split("/", 4)  # "", "api", "v10", "channels", and the rest
    return (method, str(path.count("/")), parts[3] if len(parts) > 3 else "")


def _unquoted(value: str) -> str:
    """Return a part of a path that yarl left quoted as far as that tells one part from another."""
    return value.replace("%2F", "/").replace("%25", "%")


def _json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers=headers)
    if isinstance(body, bytes):
        return web.Response(status=status, body=body, content_type="image/png", headers=headers)
    return web.Response(status=status, body=dumps(body), content_type="application/json", headers=headers)


def _route_name(path: str) -> str:
    """Return a path that can be logged and counted: without ids, and above all without tokens."""
    parts = ["{id}" if part.isdecimal() else "{token}" if len(part) > 32 else part for part in path.split("/")]
    return "/".join(parts)
