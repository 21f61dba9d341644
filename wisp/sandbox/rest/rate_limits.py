"""Rate limits of REST: how many calls each route takes in a period, the headers that say so, and the refusals."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from wisp.clock import Clock
from wisp.sandbox.rest.call import Route
from wisp.sandbox.rest.errors import RATE_LIMITED
from wisp.sandbox.world.objects import JSON

MAJOR = ("channel", "guild", "webhook", "token", "interaction")
"""Parts of a path whose values have a bucket each (topics/rate-limits: channels, guilds, webhooks with their token)."""

NOT_GLOBAL = "/webhooks/"
"""How the paths begin that the global limit does not count (topics/rate-limits#global-rate-limit)."""

UNLIMITED = "/interactions/"
"""How the paths begin that have no bucket and count nowhere: hikari warns if a header says that they have one."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`uses` calls in `per` seconds."""

    uses: int
    per: float


DEFAULT = Quota(10_000, 1.0)
"""The limit of a route that has no other: Discord publishes no numbers, and a test should not wait."""

LIMITS = (("POST", re.compile("/crosspost$"), Quota(10, 3600.0)),)
"""Limits that bots meet in practice: a channel publishes ten messages an hour (discordjs/discord.js issue 4956)."""

GLOBAL = Quota(50, 1.0)
"""Discord's limit on all calls of a bot together (topics/rate-limits#global-rate-limit)."""

_EARLY = 0.005
"""Seconds by which a call may come before a window is over: headers are rounded to milliseconds, and clocks differ."""

_KEPT = 1000
"""Number of windows from which on those that are over are removed."""


@dataclass(slots=True)
class _Window:
    """A period that ends at `over`, in seconds of `Clock.monotonic`, with `used` calls so far."""

    over: float
    used: int = 0


class Limited(Exception):
    """A call is one too many: Discord's answer, and the headers that say when to retry."""

    def __init__(self, body: JSON, headers: Mapping[str, str]) -> None:
        super().__init__(body)
        self.body = body
        self.headers = headers


class Quotas:
    """The rate limits of one sandbox. They follow the world's clock, which a test can move.

    `on_all` is the global limit, on all calls of the bot together; None for none.
    `refused` counts the calls that were one too many.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.on_all: Quota | None = None
        self.refused: int = 0
        self._limits: list[tuple[str, re.Pattern[str], Quota]] = [*LIMITS]
        self._windows: dict[tuple[str, ...], _Window] = {}
        self._hashes: dict[Route, str] = {}

    def limit(self, method: str, path: str, uses: int, per: float) -> None:
        """Let the routes of a method whose path the regular expression finds take `uses` calls in `per` seconds.

        The path is a route's as Discord's documentation names it, after /api/v10: "/channels/{channel}/messages$".
        The newest limit that fits a route counts. Raises ValueError for numbers that are not positive.
        """
        if uses < 1 or per <= 0:
            raise ValueError(f"expected at least 1 use in more than 0 seconds, got {uses!r} in {per!r}")
        self._limits.insert(0, (method.upper(), re.compile(path), Quota(uses, per)))
        self._windows.clear()

    def take(self, route: Route, request: web.Request) -> dict[str, str]:
        """Count a call and return the headers that say what is left. Raises `Limited` if nothing is."""
        if route.path.startswith(UNLIMITED):
            return {}
        if self.on_all is not None and not route.path.startswith(NOT_GLOBAL):
            left = self._left(("",), self.on_all)
            if left is not None:
                self.refused += 1
                raise _limited(left, {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"})
        quota = self._quota(route)
        majors = tuple(request.match_info.get(name, "") for name in MAJOR)
        key = (route.method, route.path, *majors)
        left = self._left(key, quota)
        window = self._windows[key]
        after = max(0.0, window.over - self._clock.monotonic())
        headers = {
            "X-RateLimit-Limit": str(quota.uses),
            "X-RateLimit-Remaining": str(max(0, quota.uses - window.used)),
            "X-RateLimit-Reset": f"{self._clock.time() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": self._hash(route),
        }
        if left is not None:
            self.refused += 1
            raise _limited(left, {**headers, "X-RateLimit-Scope": "user"})
        return headers

    def _left(self, key: tuple[str, ...], quota: Quota) -> float | None:
        """Count a call; return None, or if there is no call left the seconds until the next one is allowed."""
        now = self._clock.monotonic()
        window = self._windows.get(key)
        if window is None or now >= window.over - _EARLY:
            if len(self._windows) >= _KEPT:
                # Each interaction has a bucket of its own, and most are never used again.
                self._windows = {k: w for k, w in self._windows.items() if now < w.over}
            window = self._windows[key] = _Window(now + quota.per)
        if window.used >= quota.uses:
            return window.over - now
        window.used += 1
        return None

    def _quota(self, route: Route) -> Quota:
        for method, path, quota in self._limits:
            if method == route.method and path.search(route.path):
                return quota
        return DEFAULT

    def _hash(self, route: Route) -> str:
        if route not in self._hashes:
            self._hashes[route] = hashlib.sha256(f"{route.method} {route.path}".encode()).hexdigest()[:32]
        return self._hashes[route]


def _limited(seconds: float, headers: Mapping[str, str]) -> Limited:
    body: JSON = {
        "message": RATE_LIMITED.message,
        "retry_after": max(0.001, round(seconds, 3)),
        "global": "X-RateLimit-Global" in headers,
        "code": RATE_LIMITED.code,
    }
    return Limited(body, {**headers, "Retry-After": str(math.ceil(round(seconds, 3)))})
