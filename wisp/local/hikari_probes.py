"""Probes into hikari for a local Discord and for tests: the state of its connection, and its clock."""

from __future__ import annotations

# pyright: reportPrivateUsage=false
import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

import hikari
from hikari.internal import time as hikari_time

if TYPE_CHECKING:
    from ..clock import Clock


def is_reconnecting(gateway: hikari.GatewayBot) -> bool:
    """Return whether a shard is not connected, and tries to be."""
    shards: list[Any] = list(gateway.shards.values())
    return any(not one.is_connected for one in shards if one._keep_alive_task and not one._keep_alive_task.done())


def fatal_close_reason(gateway: hikari.GatewayBot) -> str | None:
    """Return why a shard has given up and will not reconnect; None if each is connected, or tries to be."""
    shards: list[Any] = list(gateway.shards.values())
    for one in shards:
        task: asyncio.Task[None] | None = one._keep_alive_task
        if task is not None and task.done() and not task.cancelled():
            return str(task.exception() or "it was closed")
    return None


def use_loop_time(clock: Clock) -> None:
    """Let hikari take the time from the event loop, whose time can be virtual; the date is that of this clock.

    No two moments are equal, even if time stands still: hikari takes a connection for dead if a heartbeat was answered
    at the moment at which it was sent.
    """
    epoch, last = clock.time() - clock.monotonic(), 0.0

    def now() -> float:
        nonlocal last
        try:
            moment = epoch + asyncio.get_running_loop().time()
        except RuntimeError:
            return time.time()
        last = math.nextafter(last, math.inf) if moment <= last < moment + 1 else moment
        return last

    hikari_time.time = now
