"""The cache: values in memory, by key, for as long as they live and fit."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from heapq import heappop, heappush
from inspect import isawaitable
from typing import Any, TypeVar

from ..clock import Clock
from ..errors import ServiceError
from ..tasks import Exit, contained

T = TypeVar("T")

# What is kept for a key. A list, since a class with these fields takes four times as long to make.
_VALUE, _DEADLINE, _YOUNG_UNTIL, _SLOT = range(4)

_FOREVER = float("inf")
_ABSENT = object()

# Keys are filed by the slot of time in which they expire. What lives beyond the horizon is filed there, and anew
# when its time has come: so there are never more slots than fit before the horizon, whatever the ttls are.
_SLOT_SECONDS = 4.0
_HORIZON_SECONDS = 4 * 3600.0

_RECLAIMED_AT_ONCE = 4  # set() brings one entry: to look at four that may have expired keeps up, and is never felt


class CacheService:
    """Up to `max_entries` values in memory, gone when the bot stops.

    Keys are strings (anything hashable works here; another cache in this one's place may take nothing else). A value
    is kept as it is, not copied: who changes a list that came from here changes what the next one gets.

    A value lives for `ttl` seconds, to the moment, or for ever where `ttl` is None. When the cache is full, the
    value that went unused the longest makes room. Among the youngest eighth the order of use is not kept: they are
    far from leaving, and most reads are theirs. What expired is taken away bit by bit, by later calls of `set`.

    It belongs to one event loop: no other thread may call it.
    """

    __slots__ = (
        "_calendar",
        "_clock",
        "_due",
        "_entries",
        "_flights",
        "_monotonic",
        "_slots",
        "_uses",
        "_youth",
        "max_entries",
    )

    def __init__(self, *, max_entries: int = 10_000, clock: Clock | None = None) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries: expected 1 or more, got {max_entries!r}")
        self.max_entries: int = max_entries
        self._clock = clock or Clock()
        self._monotonic = self._clock.source
        self._youth = max_entries // 8
        self._empty()

    def _empty(self) -> None:
        self._uses = 0
        self._entries: OrderedDict[Hashable, list[Any]] = OrderedDict()  # the one unused the longest comes first
        self._slots: dict[float, set[Hashable]] = {}  # by the moment at which each begins
        self._calendar: list[float] = [_FOREVER]  # a heap of those moments
        self._due = _FOREVER  # when all in the first slot has expired
        self._flights: dict[Hashable, _Flight] = {}

    # ---- what users call ----

    async def get(self, key: Hashable, default: Any = None) -> Any:
        """The value, `default` where there is none or it expired."""
        try:
            entry = self._entries[key]
        except KeyError:
            return default
        # clock.monotonic() written out, here and below: the call would be a sixth of what a hit costs
        monotonic = self._monotonic
        if entry[_DEADLINE] <= monotonic() + self._clock.offset:
            self._remove(key)
            return default
        if entry[_YOUNG_UNTIL] < self._uses:
            self._rejuvenate(key, entry)
        return entry[_VALUE]

    async def set(self, key: Hashable, value: Any, ttl: float | None = None) -> None:
        """Keep a value for `ttl` seconds, in place of what was there.

        A `ttl` of zero or less keeps nothing, and removes what was there. Raises ValueError, and changes nothing,
        for a `ttl` that is no number of seconds.
        """
        monotonic = self._monotonic
        now = monotonic() + self._clock.offset
        try:
            deadline = _FOREVER if ttl is None else now + ttl
        except (TypeError, OverflowError):
            raise _wrong_ttl(key, ttl) from None
        if not deadline > now:
            if deadline != deadline:
                raise _wrong_ttl(key, ttl)
            await self.delete(key)
            return
        if self._flights:
            self._flights.pop(key, None)  # what is being computed for this key is older than this
        if self._due <= now:
            self._reclaim(now)
        if key in self._entries:
            entry = self._entries[key]
            if entry[_SLOT] <= deadline:  # it is found there in time, and filed anew
                entry[_VALUE] = value
                entry[_DEADLINE] = deadline
                if entry[_YOUNG_UNTIL] < self._uses:
                    self._rejuvenate(key, entry)
                return
            self._remove(key)
        elif len(self._entries) >= self.max_entries:
            oldest, entry = self._entries.popitem(False)
            self._unfile(oldest, entry[_SLOT])
        self._uses += 1
        self._entries[key] = [value, deadline, self._uses + self._youth, self._file(key, deadline, now)]

    async def delete(self, key: Hashable) -> bool:
        """Remove a value; whether there was one."""
        self._flights.pop(key, None)
        if key not in self._entries:
            return False
        return self._remove(key) > self._monotonic() + self._clock.offset

    async def clear(self) -> None:
        """Remove all values."""
        self._empty()

    async def get_or_set(self, key: Hashable, factory: Callable[[], T | Awaitable[T]], ttl: float | None = None) -> T:
        """The value; where there is none, what `factory()` gives, which is then kept for `ttl` seconds.

        `factory` is a plain or an async function. However many ask for the key meanwhile, it is called once, and its
        error reaches them all and is not kept. Who is cancelled does not take it from the others; once nobody waits
        any more, it is cancelled. A value that is set or deleted meanwhile stays so: those who wait still get what
        was computed, and it is not kept.

        Raises ServiceError where `factory` asks for its own key, or for one whose factory asks for this: each would
        wait for the other.
        """
        value = await self.get(key, _ABSENT)
        if value is not _ABSENT:
            return value
        flight = self._flights.get(key)
        if flight is None:
            if not callable(factory):
                raise TypeError(
                    f"the factory of cache key {key!r}: expected a function, got {factory!r}. "
                    "Hand over the function, not what it returns: `fetch` or `lambda: fetch(user)`"
                )
            made = factory()
            if not isawaitable(made):
                await self.set(key, made, ttl)
                return made
            flight = self._flights[key] = _Flight(made)
        return await self._join(key, flight, ttl)

    async def _join(self, key: Hashable, flight: _Flight, ttl: float | None) -> Any:
        asking = _under_way.get()
        if asking is not None:
            if flight.needs(asking):
                raise ServiceError(f"cache key {key!r} is asked for by what computes it, and would wait for itself")
            asking.needed.append(flight)
        flight.waiting += 1
        try:
            value = await asyncio.shield(flight.task)
            if self._flights.get(key) is flight:  # the first of those who waited keeps it
                await self.set(key, value, ttl)
            return value
        except Exit as exit:
            raise exit.error from None
        finally:
            if asking is not None:
                asking.needed.remove(flight)
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()
            if self._flights.get(key) is flight and (flight.task.done() or not flight.waiting):
                del self._flights[key]

    # ---- age, and time ----

    def _rejuvenate(self, key: Hashable, entry: list[Any]) -> None:
        self._uses += 1
        entry[_YOUNG_UNTIL] = self._uses + self._youth
        self._entries.move_to_end(key)

    def _remove(self, key: Hashable) -> float:
        """Remove an entry; its deadline."""
        entry = self._entries.pop(key)
        self._unfile(key, entry[_SLOT])
        return entry[_DEADLINE]

    def _file(self, key: Hashable, deadline: float, now: float) -> float:
        """Put the key into the slot where it will be found once it expired; the slot."""
        if deadline == _FOREVER:
            return _FOREVER
        found = deadline if deadline - now < _HORIZON_SECONDS else now + _HORIZON_SECONDS
        slot = found // _SLOT_SECONDS * _SLOT_SECONDS
        if slot in self._slots:
            self._slots[slot].add(key)
        else:
            self._slots[slot] = {key}
            heappush(self._calendar, slot)
            self._due = self._calendar[0] + _SLOT_SECONDS
        return slot

    def _unfile(self, key: Hashable, slot: float) -> None:
        if slot == _FOREVER:
            return
        keys = self._slots[slot]
        keys.discard(key)
        left = len(keys)
        if not left & (left - 1):  # a set never gives memory back: at each power of two it is made anew
            self._slots[slot] = set(keys)

    def _reclaim(self, now: float) -> None:
        """Remove some of what expired."""
        slot = self._calendar[0]
        keys = self._slots[slot]
        for _ in range(min(len(keys), _RECLAIMED_AT_ONCE)):
            key = keys.pop()
            entry = self._entries[key]
            if entry[_DEADLINE] <= now:
                del self._entries[key]
            else:
                entry[_SLOT] = self._file(key, entry[_DEADLINE], now)
        if not keys:
            heappop(self._calendar)
            del self._slots[slot]
            self._due = self._calendar[0] + _SLOT_SECONDS


class _Flight:
    """A value on its way, how many wait for it, and the others that it waits for itself."""

    __slots__ = ("needed", "task", "waiting")

    def __init__(self, made: Awaitable[Any]) -> None:
        self.waiting = 0
        self.needed: list[_Flight] = []
        self.task = asyncio.ensure_future(self._compute(made))

    async def _compute(self, made: Awaitable[Any]) -> Any:
        _under_way.set(self)  # in its own task, and in those that are started there
        return await contained(made)

    def needs(self, other: _Flight) -> bool:
        """Whether it waits for `other`, over however many between."""
        return self is other or any(needed.needs(other) for needed in self.needed)


_under_way: ContextVar[_Flight | None] = ContextVar("wisp cache flight", default=None)


def _wrong_ttl(key: Hashable, ttl: object) -> ValueError:
    return ValueError(
        f"the ttl of cache key {key!r}: expected a number of seconds, or None for no end, got {ttl!r}. "
        "A timedelta has total_seconds()"
    )
