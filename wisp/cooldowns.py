"""Cooldowns and concurrency: how often a handler runs, and how many at a time, for each person, channel or server."""

from __future__ import annotations

import ast
import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from contextvars import Context
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from .errors import UserError
from .guards import Counter, Limit, Release, can_be_decorated, without_parentheses
from .inspection import is_async, misfit
from .logs import get_logger

if TYPE_CHECKING:
    from .clock import Clock, DiscordTime
    from .context import InteractionContext
    from .runtime import Runtime
    from .services.database import DatabaseService as Database

T = TypeVar("T")

_log = get_logger("wisp.cooldowns")

Bucket = Literal["user", "member", "channel", "guild", "global"] | Callable[..., Hashable]
"""For whom something is counted: a name, or a function of the context that gives a key (None: not counted)."""

_SHORT = 60.0
"""Seconds up to which a cooldown may be forgotten by a restart."""

_FORGET_EVERY = 3600.0
"""Seconds after which cooldowns that are over are removed from the database."""

_CHUNK = 200
"""Rows that one statement writes."""

_LONGEST_WAIT = 14 * 60.0
"""Seconds that a call waits for its place: it can be answered for 15 minutes."""

_RUNNING = "This is running already. Try again once it has ended."

_WRITE_COOLDOWN = "Write cooldown(5.0), or cooldown(uses=3, per=60.0)"

_BUCKETS: dict[str, Callable[[InteractionContext[Any]], Hashable]] = {
    "user": lambda ctx: int(ctx.user.id),
    "member": lambda ctx: (int(ctx.guild_id or 0), int(ctx.user.id)),
    "channel": lambda ctx: int(ctx.channel_id),
    # direct messages are a place of their own
    "guild": lambda ctx: int(ctx.guild_id or ctx.channel_id),
    "global": lambda ctx: 0,
}


def cooldown(
    seconds: float | None = None, *, uses: int = 1, per: float | None = None, bucket: Bucket = "user"
) -> Callable[[T], T]:
    """Let a handler run `uses` times within any `per` seconds: `cooldown(5.0)`, `cooldown(uses=3, per=60.0)`.

    It is counted for each "user", unless `bucket` says "member" (a user in one server), "channel", "guild", "global",
    or is a function of the context that gives a key (None: this call is not counted). Calls that are refused or that
    raise are not counted. On a group, or used on several handlers, all their calls count together. One of more than a
    minute survives a restart and `kill -9`: the function runs once its use is written.
    """
    limit = _Cooldown(uses, seconds if per is None else per, bucket)
    if can_be_decorated(seconds):
        return without_parentheses(limit, seconds, "wisp.cooldown", "5.0")
    if seconds is not None and (per is not None or uses != 1):
        limit.wrong = (
            "cooldown has seconds= beside uses= or per=",
            "Write cooldown(5.0), or cooldown(uses=3, per=60.0)",
        )
    return limit


def concurrency(limit: int, *, bucket: Bucket = "user", queue: int = 0) -> Callable[[T], T]:
    """Let a handler run at most `limit` times at once for each bucket (as in `cooldown`).

    A call that comes when all places are taken is refused; `queue` of them wait for a place instead, in their order.
    A call gives its place up while it waits for `ctx.form`, since Discord does not report a form that was dismissed,
    and takes one again, in its turn, when the form comes back.
    """
    rule = _Concurrency(limit, bucket, queue)
    return without_parentheses(rule, limit, "wisp.concurrency", "1") if can_be_decorated(limit) else rule


# ---- cooldown ----


class _Cooldown(Limit):
    rank = 1

    def __init__(self, uses: int, per: float | None, bucket: Bucket) -> None:
        self.wrong = _wrong_bucket("cooldown", bucket)
        if per is None or not _is_number(per) or per <= 0 or not _is_whole(uses) or uses < 1:
            got = f"cooldown got {uses!r} uses per {per!r} seconds"
            self.wrong = (got, _WRITE_COOLDOWN)
        self.uses = uses
        self.per = per or 0.0
        self.bucket: Bucket = bucket

    def counter(self, runtime: Runtime, store: CooldownStore, name: str) -> Counter:
        """What counts in this session."""
        window = Window(self.uses, self.per)
        counter = _CooldownCounter(window, _key_function(self.bucket), runtime.clock, runtime.discord_time)
        if self.per > _SHORT:
            store.keep(name, window)
            counter.store, counter.name = store, name
        return counter


class _CooldownCounter(Counter):
    def __init__(
        self, window: Window, key_of: Callable[..., Hashable], clock: Clock, discord_time: DiscordTime
    ) -> None:
        self._window = window
        self._key_of = key_of
        self._clock = clock
        self._discord_time = discord_time
        self.store: CooldownStore | None = None
        self.name = ""

    async def take(self, ctx: InteractionContext[Any]) -> Release | None:
        """Count a call."""
        key = self._key_of(ctx)
        if key is None:
            return None
        now = self._clock.monotonic()
        wait = self._window.take(key, now)
        if wait > 0:
            # Discord shows such times as "in 3 seconds", and counts down
            at = math.ceil(self._discord_time.now() + wait)
            raise UserError(f"Slow down: you can use this again <t:{at}:R>.")

        def release(failed: bool) -> Awaitable[object] | None:
            if not failed:
                return None
            self._window.give_back(key, now)
            return self.store.changed(self.name, key) if self.store is not None else None

        if self.store is not None and (kept := self.store.changed(self.name, key)) is not None:
            try:
                await kept
            except BaseException:
                release(True)
                raise
        return release


class Window:
    """The times of the last uses by each key: never more than `uses` within any `per` seconds.

    A key whose uses are all older is forgotten, so that it holds who is cooling down and nobody else. Times are
    seconds of `Clock.monotonic`.
    """

    __slots__ = ("_times", "per", "uses")

    def __init__(self, uses: int, per: float) -> None:
        self.uses: int = uses
        self.per: float = per
        self._times: OrderedDict[Hashable, list[float]] = OrderedDict()  # who used it last stands last

    def __len__(self) -> int:
        return len(self._times)

    def take(self, key: Hashable, now: float) -> float:
        """Count a use now, and give 0; where there are too many, the seconds until there are not."""
        self._forget(now)
        times = [time for time in self._times.get(key, ()) if self._counts(time, now)]
        if len(times) >= self.uses:
            return times[-self.uses] + self.per - now
        self._times[key] = [*times, now]
        self._times.move_to_end(key)
        return 0.0

    def give_back(self, key: Hashable, time: float) -> None:
        """Uncount the use at this time."""
        times = self._times.get(key)
        if times is not None and time in times:
            times.remove(time)
            if not times:
                del self._times[key]

    def times(self, key: Hashable) -> list[float]:
        """The times of the uses that may still count, oldest first."""
        return list(self._times.get(key, ()))

    def restore(self, key: Hashable, times: list[float]) -> None:
        """Take over uses from before."""
        self._times[key] = times

    def go_on_from(self, other: Window) -> None:
        """Count together with what another window counted, and still gets back."""
        self._times = other._times

    def _counts(self, time: float, now: float) -> bool:
        # the one way to ask: `now - time < per` is rounded otherwise, and the edge would be two
        return now < time + self.per

    def _forget(self, now: float) -> None:
        while self._times:
            key, times = next(iter(self._times.items()))
            if self._counts(times[-1], now):
                return
            del self._times[key]


# ---- long cooldowns survive a restart ----


class CooldownStore:
    """Long cooldowns in the bot's database. What changes together is written together.

    A call waits until its use is written, so that whatever the function does and answers, `kill -9` cannot bring the
    use back. If the database fails, the calls go on, and the next write tries again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._db: Database | None = None
        self._windows: dict[str, Window] = {}
        self._kept: dict[str, dict[Hashable, list[float]]] = {}
        self._changed: set[tuple[str, Hashable]] = set()
        self._next: asyncio.Future[None] | None = None  # done when what has changed since the last write is written
        self._writing: asyncio.Task[None] | None = None
        self._forget_again = 0.0  # what is over: with the first write from this time on
        self._told = False  # that it cannot be written

    async def start(self, db: Database) -> None:
        """Read what is still cooling down, and keep it in this database. Raises DatabaseError if that fails."""
        await self._read(db)
        self._db = db

    async def _read(self, db: Database) -> None:
        now, monotonic = self._clock.time(), self._clock.monotonic()
        unreadable: list[tuple[Any, ...]] = []
        for name, key, written, until in await db.fetchall(_READ, (now,)):
            row = _read_row(key, written, until)
            if row is None:
                unreadable.append((name, key))
                continue
            bucket, times, end = row
            if (ahead := times[-1] - now) > 0:  # the system's clock was set back: they begin now, and not at each start
                times = [min(time, now) for time in times]
                await db.execute(_KEEP, (name, key, _written(times), end - ahead))
            self._kept.setdefault(name, {})[bucket] = [monotonic - (now - time) for time in times]
        for name, key in unreadable:
            await db.execute("DELETE FROM wisp_cooldowns WHERE name IS ? AND key IS ?", (name, key))
        if unreadable:
            _log.warning("%d long cooldowns could not be read, and are over", len(unreadable))

    def keep(self, name: str, window: Window) -> None:
        """Keep this window under this name, and bring back what it had before the restart, or before a reload."""
        if name in self._windows:
            window.go_on_from(self._windows[name])
        self._windows[name] = window
        for key, times in self._kept.pop(name, {}).items():
            window.restore(key, times)

    def changed(self, name: str, key: Hashable) -> Awaitable[object] | None:
        """Write what the window of this name has for this key. The result is done when it is written, or failed.

        Returns None if it is not kept.
        """
        if self._db is None or not _can_be_kept(key):
            return None
        self._changed.add((name, key))
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._writing is None:
            # in a context of its own: the caller's may hold a transaction
            self._writing = asyncio.create_task(self._write(self._db), context=Context())
        return asyncio.shield(self._next)

    async def stop(self) -> None:
        """Wait for what is being written, and try once more to write what could not be."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        db, self._db = self._db, None
        if db is not None and self._changed:
            self._next = asyncio.get_running_loop().create_future()
            await self._write(db)

    async def _write(self, db: Database) -> None:
        """Write what has changed, in one trip to the database, until nothing has."""
        written: asyncio.Future[None] | None = None
        try:
            while self._next is not None:
                written, self._next = self._next, None
                await self._try_to_write(db)
                written.set_result(None)
        finally:
            self._writing = None
            for waited in (written, self._next):  # the event loop is being closed
                if waited is not None and not waited.done():
                    waited.cancel()

    async def _try_to_write(self, db: Database) -> None:
        changed, self._changed = self._changed, set()
        try:
            for statement, parameters in self._statements(changed):
                await db.execute(statement, parameters)
            self._told = False
        except Exception as error:
            self._changed |= changed  # the next one tries again
            if not self._told:
                _log.error("long cooldowns cannot be written, and a restart would forget them: %s", error)
            self._told = True  # a full disk is full for each use

    def _statements(self, changed: Iterable[tuple[str, Hashable]]) -> Iterator[tuple[str, list[Any]]]:
        now = self._clock.time()
        offset = now - self._clock.monotonic()
        rows: list[tuple[str, str, str, float]] = []
        over: list[tuple[str, str]] = []
        for name, key in changed:
            window = self._windows[name]
            if times := [time + offset for time in window.times(key)]:
                rows.append((name, repr(key), _written(times), times[-1] + window.per))
            else:
                over.append((name, repr(key)))
        for chunk in _chunks(rows):
            places = ", ".join(["(?, ?, ?, ?)"] * len(chunk))
            yield f"INSERT OR REPLACE INTO wisp_cooldowns VALUES {places}", [value for row in chunk for value in row]
        for chunk in _chunks(over):
            places = ", ".join(["(?, ?)"] * len(chunk))
            keys = [value for row in chunk for value in row]
            yield f"DELETE FROM wisp_cooldowns WHERE (name, key) IN (VALUES {places})", keys
        if now >= self._forget_again:
            self._forget_again = now + _FORGET_EVERY
            yield _FORGET, [now]


_KEEP = "INSERT OR REPLACE INTO wisp_cooldowns VALUES (?, ?, ?, ?)"
_READ = "SELECT * FROM wisp_cooldowns WHERE until > ? ORDER BY until"
_FORGET = "DELETE FROM wisp_cooldowns WHERE until <= ?"


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return the rows in parts, each of which fits one statement."""
    return (rows[first : first + _CHUNK] for first in range(0, len(rows), _CHUNK))


def _written(times: Iterable[float]) -> str:
    return " ".join(map(repr, times))


def _read_row(key: Any, written: Any, until: Any) -> tuple[Hashable, list[float], float] | None:
    """A key, its times, oldest first, and when the last is over; None where they are not as they were written."""
    try:
        bucket = ast.literal_eval(key)
        times = sorted(map(float, written.split()))
        until = float(until)
    except Exception:
        return None
    good = _can_be_kept(bucket) and times and all(map(math.isfinite, (*times, until)))
    return (bucket, times, until) if good else None


def _can_be_kept(key: Hashable) -> bool:
    """Whether a key can be read back from how it is written."""
    return type(key) in (int, str, bool, NoneType) or (type(key) is tuple and all(map(_can_be_kept, key)))


# ---- concurrency ----


class _Concurrency(Limit):
    rank = 0

    def __init__(self, limit: int, bucket: Bucket, queue: int) -> None:
        self.wrong = _wrong_bucket("concurrency", bucket)
        if not _is_whole(limit) or limit < 1 or not _is_whole(queue) or queue < 0:
            self.wrong = (f"concurrency got {limit!r} and queue={queue!r}", "Write concurrency(1), queue=0 or more")
        self.limit = limit
        self.bucket: Bucket = bucket
        self.queue = queue

    def counter(self, runtime: Runtime, store: CooldownStore, name: str) -> Counter:
        """What counts in this session."""
        return Places(self.limit, self.queue, _key_function(self.bucket), runtime.clock)


class Slot:
    """The place of one call, given up when the call ends. A call that waits for a person can give it up before."""

    def __init__(self, places: Places, key: Hashable) -> None:
        self._places = places
        self._key = key
        self._is_held = True

    def __call__(self, failed: bool) -> None:
        """Give the place up, as a `Release`."""
        self.release()

    def release(self) -> None:
        """Give the place up. Does nothing if that is done."""
        if self._is_held:
            self._is_held = False
            self._places.give_up(self._key)

    async def acquire(self) -> None:
        """Take a place again, in the call's turn. Raises UserError if that takes too long."""
        if not self._is_held:
            await self._places.take_again(self._key)
            self._is_held = True


class Places(Counter):
    """Who has a place, and who waits for one, by key. A place that is given up passes to who waits longest."""

    def __init__(self, limit: int, queue: int, key_of: Callable[..., Hashable], clock: Clock) -> None:
        self._limit = limit
        self._queue = queue
        self._key_of = key_of
        self._clock = clock
        self._taken: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return sum(self._taken.values())

    async def take(self, ctx: InteractionContext[Any]) -> Release | None:
        """Take a place, or wait for one. Raises UserError where too many wait already, or it took too long."""
        key = self._key_of(ctx)
        if key is None:
            return None
        full = self._taken.get(key, 0) >= self._limit
        if full and len(self._waiting.get(key, ())) >= self._queue:
            raise UserError(_RUNNING)
        await self.take_again(key)
        return Slot(self, key)

    async def take_again(self, key: Hashable) -> None:
        """Take a place for a call that left its own, in its turn. Raises UserError if that takes too long."""
        if self._taken.get(key, 0) < self._limit:
            self._taken[key] = self._taken.get(key, 0) + 1
        else:
            await self._wait(key)

    async def _wait(self, key: Hashable) -> None:
        waiting = self._waiting.setdefault(key, deque())
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            await self._clock.wait_for(place, _LONGEST_WAIT)
        except BaseException as error:
            if place.done() and not place.cancelled():
                self.give_up(key)  # it came at the same moment, and nobody would use it
            elif place in waiting:
                waiting.remove(place)
            self._forget(key)
            if isinstance(error, TimeoutError):
                raise UserError(_RUNNING) from None
            raise

    def give_up(self, key: Hashable) -> None:
        """Give up a place: it passes to the call that has waited longest for one."""
        waiting = self._waiting.get(key, ())
        while waiting:
            place = waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._forget(key)
                return
        self._forget(key)
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]

    def _forget(self, key: Hashable) -> None:
        if not self._waiting.get(key):
            self._waiting.pop(key, None)


# ---- arguments ----


def _key_function(bucket: Bucket) -> Callable[..., Hashable]:
    if isinstance(bucket, str):
        return _BUCKETS[bucket]

    def key_of(ctx: InteractionContext[Any]) -> Hashable:
        return _plain(bucket(ctx))

    return key_of


def _plain(key: Hashable) -> Hashable:
    """A key without what subclasses add: hikari's ids are numbers, members of enums may be texts."""
    if isinstance(key, tuple):
        return tuple(map(_plain, cast("tuple[Hashable, ...]", key)))
    if isinstance(key, int) and not isinstance(key, bool):
        return int(key)
    return str.__str__(key) if isinstance(key, str) else key


def _wrong_bucket(decorator: str, bucket: object) -> tuple[str, str] | None:
    fix = f"Use one of {', '.join(_BUCKETS)}, or a function of the context"
    if bucket in _BUCKETS if isinstance(bucket, str) else callable(bucket) and not is_async(bucket):
        problem = misfit(bucket, "ctx") if callable(bucket) else ""
        return (f"{decorator} has a bucket= that does not fit: {problem}", fix) if problem else None
    return f"{decorator} has bucket={bucket!r}", fix


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
