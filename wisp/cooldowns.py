"""Cooldowns and concurrency: how often a handler runs, and how many at a time, per user, member, channel or guild."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter as Count
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .context import responder_of
from .errors import UserError
from .guards import Counter, Limit, can_be_decorated, without_parentheses
from .inspection import is_async, misfit
from .logs import get_logger
from .services.batching import BatchWriter

if TYPE_CHECKING:
    from .clock import Clock, DiscordTime
    from .context import InteractionContext
    from .services.database import DatabaseService

T = TypeVar("T")

_log = get_logger("wisp.cooldowns")

Bucket = Literal["user", "member", "channel", "guild", "global"] | Callable[..., Hashable]
"""What calls are counted by: a name, or a function of the context that returns a key (None: not counted)."""

_SHORT = 60.0
"""Seconds up to which a cooldown is not stored, and is forgotten in a restart."""

_PURGE_INTERVAL = 3600.0
"""Seconds after which expired cooldowns are deleted from the database."""

_LONGEST_WAIT = 14 * 60.0
"""Seconds that a call waits for a slot: Discord accepts its answer for 15 minutes."""

_RUNNING = "This is running already. Try again once it has ended."

_KEY_FUNCTIONS: dict[str, Callable[[InteractionContext[Any]], Hashable]] = {
    "user": lambda ctx: int(ctx.user.id),
    "member": lambda ctx: (int(ctx.guild_id or 0), int(ctx.user.id)),
    "channel": lambda ctx: int(ctx.channel_id),
    "guild": lambda ctx: int(ctx.guild_id or ctx.channel_id),  # each direct message channel counts as a guild
    "global": lambda ctx: 0,
}


def cooldown(
    seconds: float | None = None, *, uses: int = 1, per: float | None = None, bucket: Bucket = "user"
) -> Callable[[T], T]:
    """Let a handler run `uses` times within any `per` seconds: `cooldown(5.0)`, `cooldown(uses=3, per=60.0)`.

    Calls are counted per "user", unless `bucket` is "member" (a user in one guild), "channel", "guild", "global", or
    a function of the context that returns a key (None: this call is not counted). Calls that are refused or that
    raise are not counted. On a group, or used on several handlers, it counts all their calls together. A cooldown of
    more than a minute survives a restart and `kill -9`: the call is stored before the function runs.
    """
    length = seconds if per is None else per
    limit = Limit(1, lambda store, name: _Cooldown(uses, length or 0.0, bucket, store, name))
    if can_be_decorated(seconds):
        return without_parentheses(limit, seconds, "wisp.cooldown", "5.0")
    limit.problem = _bucket_problem("cooldown", bucket)
    is_length = isinstance(length, (int, float)) and 0 < length < math.inf
    if not is_length or None not in (seconds, per) or not _is_count(uses, 1):
        problem = f"cooldown got seconds={seconds!r}, uses={uses!r}, per={per!r}"
        limit.problem = (problem, "Write cooldown(5.0), or cooldown(uses=3, per=60.0)")
    return limit


def concurrency(limit: int, *, bucket: Bucket = "user", queue: int = 0) -> Callable[[T], T]:
    """Let a handler run at most `limit` times at once for each bucket (see `cooldown`).

    When all slots are taken, `queue` calls wait for one, in order; further calls are refused. A call releases its slot
    while it waits for `ctx.form`, since Discord does not report a form that was dismissed, and waits for one again
    when the form is submitted.
    """
    rule = Limit(0, lambda store, name: ConcurrencySlots(limit, queue, _key_function(bucket)))
    if can_be_decorated(limit):
        return without_parentheses(rule, limit, "wisp.concurrency", "1")
    rule.problem = _bucket_problem("concurrency", bucket)
    if not _is_count(limit, 1) or not _is_count(queue, 0):
        rule.problem = (f"concurrency got {limit!r} and queue={queue!r}", "Write concurrency(1), queue=0 or more")
    return rule


# ---- cooldown ----


class _Cooldown(Counter):
    def __init__(self, uses: int, per: float, bucket: Bucket, store: CooldownStore, name: str) -> None:
        self.key_of = _key_function(bucket)
        self._store = store
        self._name = name if per > _SHORT else ""
        self._window = SlidingWindow(uses, per, store.times(name) if self._name else None)

    @asynccontextmanager
    async def admit(self, ctx: InteractionContext[Any], key: Hashable) -> AsyncGenerator[None]:
        """Count a call, unless it raises."""
        if self._name:
            key = _as_text(key)
        now = self._store.clock.monotonic()
        wait = self._window.take(key, now)
        if wait > 0:
            # Discord shows such a timestamp as "in 3 seconds", and counts down
            at = math.ceil(self._store.discord_time.now() + wait)
            raise UserError(f"Slow down: you can use this again <t:{at}:R>.")
        try:
            await self._store.save(self._name, self._window, key)
            yield
        except BaseException:
            self._window.give_back(key, now)
            await self._store.save(self._name, self._window, key)
            raise


Times = OrderedDict[Hashable, list[float]]
"""The times of uses by key. The key with the latest use is last."""


class SlidingWindow:
    """The times of the last uses by key: never more than `uses` within any `per` seconds.

    A key is forgotten once its last use has expired. Times are in seconds of `Clock.monotonic`. Windows that are made
    with the same `times` count together.
    """

    def __init__(self, uses: int, per: float, times: Times | None = None) -> None:
        self.uses: int = uses
        self.per: float = per
        self._times: Times = OrderedDict() if times is None else times

    def __len__(self) -> int:
        return len(self._times)

    def take(self, key: Hashable, now: float) -> float:
        """Count a use now, and return 0; or return the seconds until the next use is allowed."""
        # compared this way everywhere: `now - time < per` rounds differently
        while self._times and next(iter(self._times.values()))[-1] + self.per <= now:
            self._times.popitem(last=False)
        times = [time for time in self.times(key) if now < time + self.per]
        if len(times) >= self.uses:
            return times[-self.uses] + self.per - now
        self._times[key] = [*times, now]
        self._times.move_to_end(key)
        return 0.0

    def give_back(self, key: Hashable, time: float) -> None:
        """Uncount the use at this time."""
        times = self.times(key)
        if time in times:
            times.remove(time)
            if not times:
                del self._times[key]

    def times(self, key: Hashable) -> list[float]:
        """Return the times of the uses that may still count, oldest first."""
        return self._times.get(key, [])


# ---- storage of long cooldowns ----

_READ = "SELECT name, key, times FROM wisp_cooldowns WHERE until > ? ORDER BY until"
_WRITE = """INSERT OR REPLACE INTO wisp_cooldowns (name, key, times, until)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
    json_extract(value, '$[3]') FROM json_each(?)"""
_PURGE = "DELETE FROM wisp_cooldowns WHERE until <= ?"


class CooldownStore:
    """The cooldowns of a run of the bot, the long ones stored in its database.

    If the database fails, calls are not held up, and a restart would forget these cooldowns.
    """

    def __init__(self, clock: Clock, discord_time: DiscordTime, db: DatabaseService) -> None:
        self.clock: Clock = clock
        self.discord_time: DiscordTime = discord_time
        self._db = db
        self._times: defaultdict[str, Times] = defaultdict(OrderedDict)
        self._writer = BatchWriter(self._write)
        self._purge_at = 0.0

    async def read(self) -> None:
        """Read the stored cooldowns. Raises DatabaseError if that fails."""
        now, offset = self.clock.time(), self.clock.zero()
        for name, key, stored in await self._db.fetchall(_READ, (now,)):
            try:
                # a time in the future is of a clock that was set back
                self._times[name][key] = [min(time, now) - offset for time in json.loads(stored)]
            except (TypeError, ValueError):
                _log.warning("the stored cooldown %s of %s cannot be read, and is forgotten", key, name)

    async def stop(self) -> None:
        """Finish writing."""
        await self._writer.drain()

    def times(self, name: str) -> Times:
        """Return the times of uses that were counted under this name before a restart or a reload."""
        return self._times[name]

    async def save(self, name: str, window: SlidingWindow, key: Hashable) -> None:
        """Write the uses by a key of a long cooldown, and wait until that is done or has failed."""
        if name and isinstance(key, str):
            await self._writer.add((name, window, key))

    async def _write(self, changed: Sequence[tuple[str, SlidingWindow, str]]) -> None:
        now = self.clock.time()
        rows = [self._row(*one) for one in dict.fromkeys(changed)]
        try:
            await self._db.execute(_WRITE, (json.dumps(rows),))
            if now >= self._purge_at:
                self._purge_at = now + _PURGE_INTERVAL
                await self._db.execute(_PURGE, (now,))
        except Exception as error:
            _log.error("long cooldowns cannot be written, and a restart would forget them: %s", error)

    def _row(self, name: str, window: SlidingWindow, key: str) -> tuple[str, str, str, float]:
        times = [time + self.clock.zero() for time in window.times(key)]
        return name, key, json.dumps(times), times[-1] + window.per if times else 0.0


def _as_text(key: Hashable) -> Hashable:
    """Return a key as JSON, so that it is the same after a restart; unchanged if that is impossible."""
    try:
        return json.dumps(key)
    except (TypeError, ValueError):
        return key


# ---- concurrency ----


class ConcurrencySlots(Counter):
    """The slots of each key. A slot that is released goes to the call that has waited longest."""

    def __init__(self, limit: int, queue: int, key_of: Callable[..., Hashable]) -> None:
        self.key_of = key_of
        self.limit: int = limit
        self.queue: int = queue
        self.calls: Count[Hashable] = Count()  # that have a slot or wait for one
        self.semaphores: dict[Hashable, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def admit(self, ctx: InteractionContext[Any], key: Hashable) -> AsyncGenerator[None]:
        """Hold a slot, once one is free. Raises UserError if the queue is full, or the call has waited too long."""
        if self.calls[key] >= self.limit + self.queue:
            raise UserError(_RUNNING)
        slot = ConcurrencySlot(self, key)
        await slot.acquire()
        responder_of(ctx).slots.append(slot)
        try:
            yield
        finally:
            slot.release()


class ConcurrencySlot:
    """The slot of one call, released when the call ends, and while it waits for a form."""

    def __init__(self, slots: ConcurrencySlots, key: Hashable) -> None:
        self._slots = slots
        self._key = key
        self._is_held = False

    async def acquire(self) -> None:
        """Wait for a slot, unless one is held. Raises UserError if that takes too long."""
        if self._is_held:
            return
        self._slots.calls[self._key] += 1
        semaphore = self._slots.semaphores.setdefault(self._key, asyncio.Semaphore(self._slots.limit))
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                await semaphore.acquire()
            self._is_held = True
        except TimeoutError:
            raise UserError(_RUNNING) from None
        finally:
            if not self._is_held:
                self._leave()

    def release(self) -> None:
        """Release the slot, if one is held."""
        if self._is_held:
            self._is_held = False
            self._slots.semaphores[self._key].release()
            self._leave()

    def _leave(self) -> None:
        self._slots.calls[self._key] -= 1
        if not self._slots.calls[self._key]:
            del self._slots.calls[self._key], self._slots.semaphores[self._key]


# ---- settings ----


def _key_function(bucket: Bucket) -> Callable[..., Hashable]:
    return _KEY_FUNCTIONS[bucket] if isinstance(bucket, str) else bucket


def _bucket_problem(decorator: str, bucket: object) -> tuple[str, str] | None:
    if isinstance(bucket, str):
        is_valid = bucket in _KEY_FUNCTIONS
    else:
        is_valid = callable(bucket) and not is_async(bucket) and not misfit(bucket, "ctx")
    fix = f"Use one of {', '.join(_KEY_FUNCTIONS)}, or a plain function of the context"
    return None if is_valid else (f"{decorator} has bucket={bucket!r}", fix)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and value >= least
