"""The REST side: a table of routes, what each answers, and Discord's refusals."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from functools import cache
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from wisp.sandbox.rest.applications import Applications
from wisp.sandbox.rest.audit_log import AuditLog
from wisp.sandbox.rest.call import Answer, Lookups, Route
from wisp.sandbox.rest.channels import Channels
from wisp.sandbox.rest.commands import Registrations
from wisp.sandbox.rest.emojis import Emojis
from wisp.sandbox.rest.errors import CANNOT_MESSAGE_USER, UNAUTHORIZED, UNKNOWN_USER, Refusal, Unserved, snowflake
from wisp.sandbox.rest.forms import LARGEST_BODY, read_form
from wisp.sandbox.rest.guilds import Guilds
from wisp.sandbox.rest.interactions import Answers
from wisp.sandbox.rest.invites import Invites
from wisp.sandbox.rest.members import Members
from wisp.sandbox.rest.messages import Messages
from wisp.sandbox.rest.prunes import Prunes
from wisp.sandbox.rest.rate_limits import Limited, Quotas
from wisp.sandbox.rest.threads import Threads
from wisp.sandbox.rest.webhooks import Webhooks
from wisp.sandbox.world.objects import JSON, dumps
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

UNSERVED = ("/applications/{application}/guilds/{guild}/commands/permissions", "/guilds/{guild}/roles/member-counts")
"""Routes of Discord's that the sandbox does not have, and that look like ones that it has: a word stands for an id."""


_PART = re.compile(r"\{(\w+)(?::([^{}]+))?\}")
"""A part of a path that has a name, and a pattern if it is not just any text."""


class Rest(Lookups):
    """Discord's REST API over one world. `start_limit` says how many sessions a bot may still start."""

    def __init__(self, world: World, start_limit: Callable[[], JSON]) -> None:
        super().__init__(world)
        self._start_limit = start_limit
        self.quotas: Quotas = Quotas(world.clock)
        self.gateway_url = ""
        answers = Answers(world)
        self.routes: list[Route] = [
            Route("GET", "/gateway", self.get_gateway, bot=False),
            Route("GET", "/gateway/bot", self.get_gateway_bot),
            Route("GET", "/users/@me", self.get_me),
            Route("POST", "/users/@me/channels", self.create_dm),
            Route("GET", "/users/{user}", self.get_user),
            *Applications(world).routes(),
            *Registrations(world).routes(),
            Route("POST", "/interactions/{interaction}/{token}/callback", answers.callback, bot=False),
            *Webhooks(world, answers).routes(),
            *Messages(world).routes(),
            *Threads(world).routes(),
            *Channels(world).routes(),
            *Members(world).routes(),
            *Prunes(world).routes(),
            *Guilds(world).routes(),
            *Invites(world).routes(),
            *Emojis(world).routes(),
            *AuditLog(world).routes(),
        ]
        self._patterns = _patterns(tuple((route.method, route.path) for route in self.routes))

    def application(self, gateway: Handler, within: Callable[[Handler], Handler]) -> web.Application:
        """Return the routes, the gateway and the files of messages as an application, each handler `within` others."""
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_get("/gateway", within(gateway))
        application.router.add_get("/attachments/{attachment}/{filename}", within(self.download))
        application.router.add_route("*", r"/{rest:[\s\S]*}", within(self._serve))
        application.on_response_prepare.append(self._date)
        return application

    async def _date(self, request: web.Request, response: web.StreamResponse) -> None:
        """Date a response by the world's clock: bots may learn from it what time it is for Discord."""
        response.headers["Date"] = formatdate(self.world.clock.time(), usegmt=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a call by the first route that it fits, or say that the sandbox has none."""
        path = request.rel_url.path_safe
        for pattern, number in self._patterns.get((request.method, path.count("/")), ()):
            if match := pattern.fullmatch(path):
                if number is None:
                    break
                request.match_info.update((name, _unquoted(value)) for name, value in match.groupdict().items())
                return await self._answer(self.routes[number], request)
        return self._refuse_unserved(f"{request.method} {_route_name(request.path)}")

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        """Answer a call of this route: authorized, refusals in Discord's words, failures logged."""
        try:
            headers = self.quotas.take(route, request)
        except Limited as limited:
            return _json_response(429, limited.body, limited.headers)
        try:
            if route.bot and request.headers.get("Authorization") != f"Bot {self.world.token}":
                raise Refusal(UNAUTHORIZED)
            status, body = await route.handler(request)
        except Refusal as refusal:
            return _json_response(refusal.status, refusal.body, headers)
        except Unserved as unserved:
            return self._refuse_unserved(str(unserved), headers)
        except Exception as error:
            _LOG.exception("the sandbox failed to answer %s %s", route.method, route.path)
            self.world.errors.append(error)
            return _json_response(500, {"message": "500: Internal Server Error", "code": 0}, headers)
        return _json_response(status, body, headers)

    def _refuse_unserved(self, what: str, headers: Mapping[str, str] | None = None) -> web.Response:
        self.world.unserved[what] += 1
        message = f'the sandbox does not serve {what} yet: see README, "What the sandbox serves"'
        _LOG.warning("%s", message)
        return _json_response(404, {"message": message, "code": 0}, headers)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes of an attachment."""
        number = request.match_info["attachment"]
        attachment = self.world.attachments.get(int(number)) if number.isdecimal() and len(number) < 20 else None
        if attachment is None or attachment.filename != request.match_info["filename"]:
            return web.Response(status=404, text="This content is no longer available.")
        # A bot may upload a web page; opened in a browser it must not act as the sandbox's own.
        harmless = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=attachment.content, content_type=attachment.content_type, headers=harmless)

    async def get_gateway(self, request: web.Request) -> Answer:
        """Where the gateway is."""
        return 200, {"url": self.gateway_url}

    async def get_gateway_bot(self, request: web.Request) -> Answer:
        """Where the gateway is, and how many shards to use."""
        limit = self._start_limit()
        return 200, {"url": self.gateway_url, "shards": self.world.shards, "session_start_limit": limit}

    async def get_me(self, request: web.Request) -> Answer:
        """The bot's own user."""
        me = {"mfa_enabled": False, "locale": "en-US", "verified": True, "email": None, "premium_type": 0}
        return 200, self.world.bot.payload() | me

    async def get_user(self, request: web.Request) -> Answer:
        """Any user."""
        return 200, self.user(request).payload()

    async def create_dm(self, request: web.Request) -> Answer:
        """Open direct messages with a user."""
        form = (await read_form(request)).object()
        user = self.world.users.get(snowflake(form.get("recipient_id"), ("recipient_id",)))
        if user is None:
            raise Refusal(UNKNOWN_USER)
        if user is self.world.bot:
            raise Refusal(CANNOT_MESSAGE_USER)
        return 200, self.world.dm(user).payload()


@cache
def _patterns(
    routes: tuple[tuple[str, str], ...],
) -> Mapping[tuple[str, int], Sequence[tuple[re.Pattern[str], int | None]]]:
    """Return the patterns of these paths and their places in `routes`, by method and number of slashes.

    None stands for what is not served. All sandboxes of a process share them: aiohttp's own router would read a hundred
    paths anew for each.
    """
    found: dict[tuple[str, int], list[tuple[re.Pattern[str], int | None]]] = {}
    unserved = [(method, path, None) for path in UNSERVED for method in {method for method, _ in routes}]
    for method, path, number in (*unserved, *((*route, number) for number, route in enumerate(routes))):
        whole = f"/api/v{{version:9|10}}{path}"
        pattern = re.compile(_PART.sub(lambda part: f"(?P<{part[1]}>{part[2] or '[^{}/]+'})", whole))
        found.setdefault((method, whole.count("/")), []).append((pattern, number))
    return found


def _unquoted(value: str) -> str:
    """Return a part of a path that yarl left quoted as far as that tells one part from another."""
    return value.replace("%2F", "/").replace("%25", "%")


def _json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers=headers)
    return web.Response(status=status, body=dumps(body), content_type="application/json", headers=headers)


def _route_name(path: str) -> str:
    """A path that can be logged and counted: without ids, and above all without tokens."""
    parts = ["{id}" if part.isdecimal() else "{token}" if len(part) > 32 else part for part in path.split("/")]
    return "/".join(parts)
