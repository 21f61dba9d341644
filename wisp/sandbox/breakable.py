"""The verbs that make a local Discord fail: its REST calls, gateway connections and events, and whole guilds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from wisp.sandbox.faults import Delay, EventFault, Failing, Failure, Faults
from wisp.sandbox.gateway.gateway import Gateway
from wisp.sandbox.world.objects import JSON, Guild


class Breakable:
    """A Discord that can be made to fail, through the `gateway` and the `faults` that its class provides.

    A fault applies to the next `times` calls or events that it matches, or to all of them if `times` is None. `path` is
    a regular expression that is searched for in the path after /api/v10, `event` the name of a gateway event ("" for
    any), and `shard` the number of a shard (None for all).
    """

    gateway: Gateway
    faults: Faults

    def fail(
        self,
        method: str,
        path: str,
        how: Failing = 500,
        *,
        times: int | None = 1,
        done: bool = False,
        headers: Mapping[str, str] | None = None,
        body: JSON | None = None,
    ) -> None:
        """Make REST calls fail with a status, with a connection that is "cut", or with a "timeout".

        With `done` Discord does what the call asks for, and only the response is lost. That is impossible with 429,
        which says that nothing was done. A 429 has the `body` ("retry_after", in seconds) and the `headers`
        ("Retry-After") that are given; by default Discord's, with a wait of 0 s. Raises ValueError if the arguments
        make no sense.
        """
        if how not in ("cut", "timeout", *range(400, 600)):
            raise ValueError(f'fail(how={how!r}): expected a status from 400 to 599, "cut" or "timeout"')
        if done and how == 429:
            raise ValueError("fail(how=429, done=True): expected another status, since 429 says that nothing was done")
        _check_times(times)
        fault = Failure(times, method.upper(), re.compile(path), how, done, headers or {}, body)
        self.faults.failures.append(fault)

    def delay(self, method: str, path: str, seconds: float, *, times: int | None = 1) -> None:
        """Make REST calls wait before Discord reads them, in seconds of the world's clock.

        Raises ValueError if `seconds` is negative or not finite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"delay(seconds={seconds!r}): expected 0 or more")
        _check_times(times)
        self.faults.delays.append(Delay(times, method.upper(), re.compile(path), seconds))

    def drop(self, shard: int | None = None, *, code: int | None = None) -> None:
        """Break the gateway connection off without a close frame, or close it with a code of Discord's, such as 4000.

        The session can be resumed. hikari gives up if the code says that the bot did something wrong. Raises ValueError
        if it is not a close code.
        """
        if code is not None and not 1000 <= code < 5000:
            raise ValueError(f"drop(code={code!r}): expected a close code from 1000 to 4999")
        if code is None:
            self.gateway.cut(shard)
        else:
            self.gateway.disconnect(shard, code=code, reason="the sandbox was asked for it")

    def reconnect(self, shard: int | None = None) -> None:
        """Ask the bot to reconnect and resume, as Discord does before maintenance."""
        self.gateway.reconnect(shard)

    def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Send the bot that its session is invalid. Unless it is `resumable` it ends, and missed events are lost."""
        self.gateway.invalidate(shard, resumable=resumable)

    def ignore_heartbeats(self, shard: int | None = None) -> None:
        """Acknowledge no heartbeats until the bot has reconnected."""
        self.gateway.ignore_heartbeats(shard)

    def duplicate(self, event: str = "", *, times: int | None = 1) -> None:
        """Send gateway events twice."""
        _check_times(times)
        self.faults.duplicates.append(EventFault(times, event))

    def reorder(self, event: str = "", *, times: int | None = 1) -> None:
        """Send gateway events after the event that follows, or 0.2 s late if none does."""
        _check_times(times)
        self.faults.swaps.append(EventFault(times, event))

    def outage(self, guild: Guild) -> None:
        """Make a guild unavailable to the bot until `clear_faults`."""
        self.gateway.take_down(guild)

    def clear_faults(self) -> None:
        """Remove all faults, and make every guild available again."""
        self.faults.clear()
        self.gateway.bring_back()


def _check_times(times: int | None) -> None:
    if times is not None and times < 1:
        raise ValueError(f"times={times!r}: expected 1 or more, or None for always")
