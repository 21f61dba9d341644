"""The cache: values in memory by key, until they expire or make room for others."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from inspect import isawaitable
from typing import Any, TypeVar

from ..clock import Clock
from ..errors import ServiceError
from ..tasks import Exit, contained

T = TypeVar("T")

_FOREVER = float("inf")
_ABSENT = object()

# Expiry is checked on reading. For entries that are not read again, `set` checks up to this many, this often.
_CHECKED_ENTRIES = 100
_CHECK_SECONDS = 0.1


class CacheService:
    """Up to `max_entries` values in memory, lost when the bot stops. A full cache drops the least recently used one.

    Keys are strings (any hashable works here, but perhaps not in a cache that replaces this one). A value is not
    copied: changing a list that came from the cache changes the cached one. Only one event loop may use it.
    """

    def __init__(self, *, max_entries: int = 10_000, clock: Clock | None = None) -> None:
        if max_entries < 1:
            raise ValueError(f"max_entries: expected 1 or more, got {max_entries!r}")
        self.max_entries: int = max_entries
        self._now = (clock or Clock()).monotonic
        self._next_check = 0.0
        self._entries: OrderedDict[Hashable, tuple[Any, float]] = (
            OrderedDict()
        )  # value and deadline, next to drop first
        self._rotation: OrderedDict[Hashable, float] = OrderedDict()  # every deadline again, next to check first
        self._computations: dict[Hashable, _Computation] = {}

    async def get(self, key: Hashable, default: Any = None) -> Any:
        """Return the value, or `default` if there is none or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return default
        value, deadline = entry
        if deadline <= self._now():
            self._remove(key)
            return default
        self._entries.move_to_end(key)
        return value

    async def set(self, key: Hashable, value: Any, ttl: float | None = None) -> None:
        """Keep a value for `ttl` seconds, or without end if it is None. A `ttl` of 0 or less removes the value.

        Raises ValueError, and changes nothing, if `ttl` is not a number of seconds.
        """
        now = self._now()
        try:
            deadline = _FOREVER if ttl is None else now + ttl
        except (TypeError, OverflowError):
            raise _wrong_ttl(key, ttl) from None
        if deadline != deadline:  # NaN
            raise _wrong_ttl(key, ttl)
        if deadline <= now:
            await self.delete(key)
            return
        if self._computations:
            self._computations.pop(key, None)  # its result would be older than this value
        if now >= self._next_check:
            self._remove_some_expired(now)
        self._rotation[key] = deadline
        self._entries[key] = (value, deadline)
        self._entries.move_to_end(key)
        if len(self._entries) > self.max_entries:
            self._remove(next(iter(self._entries)))

    async def delete(self, key: Hashable) -> bool:
        """Remove a value. Return whether there was one."""
        self._computations.pop(key, None)
        return self._remove(key) > self._now()

    async def clear(self) -> None:
        """Remove all values."""
        for kept in (self._entries, self._rotation, self._computations):
            kept.clear()

    async def get_or_set(self, key: Hashable, factory: Callable[[], T | Awaitable[T]], ttl: float | None = None) -> T:
        """Return the value. If there is none, keep what `factory()`, plain or async, returns for `ttl` seconds.

        All callers that ask for the key meanwhile wait for one call of `factory`, and all get its error, which is not
        kept. It is cancelled when the last of them is. If the value is set or deleted meanwhile, the callers still get
        what was computed, but it is not kept.

        Raises ServiceError if `factory` asks for its own key, or for one whose factory asks for this key: each would
        wait for the other.
        """
        value = await self.get(key, _ABSENT)
        if value is not _ABSENT:
            return value
        computation = self._computations.get(key)
        if computation is None:
            if not callable(factory):
                raise TypeError(
                    f"the factory of cache key {key!r}: expected a function, got {factory!r}. "
                    "Pass the function, not what it returns: `fetch` or `lambda: fetch(user)`"
                )
            made = factory()
            if not isawaitable(made):
                await self.set(key, made, ttl)
                return made
            computation = self._computations[key] = _Computation(made)
        return await self._join(key, computation, ttl)

    async def _join(self, key: Hashable, computation: _Computation, ttl: float | None) -> Any:
        caller = _current.get()
        if caller is not None:
            if computation.needs(caller):
                raise ServiceError(f"cache key {key!r} is asked for by its own factory, which would wait for itself")
            caller.needed.append(computation)
        computation.waiting += 1
        try:
            value = await asyncio.shield(computation.task)
            if self._computations.get(key) is computation:  # not kept by another caller, set or deleted
                await self.set(key, value, ttl)
            return value
        except Exit as exit:
            raise exit.error from None
        finally:
            if caller is not None:
                caller.needed.remove(computation)
            computation.waiting -= 1
            if not computation.waiting:
                computation.task.cancel()
            is_over = computation.task.done() or not computation.waiting
            if is_over and self._computations.get(key) is computation:
                del self._computations[key]

    def _remove(self, key: Hashable) -> float:
        """Remove a value. Return its deadline, or 0.0 if there is no value."""
        self._rotation.pop(key, None)
        _, deadline = self._entries.pop(key, (None, 0.0))
        return deadline

    def _remove_some_expired(self, now: float) -> None:
        """Check entries in rotation."""
        self._next_check = now + _CHECK_SECONDS
        for _ in range(min(_CHECKED_ENTRIES, len(self._rotation))):
            key, deadline = next(iter(self._rotation.items()))
            if deadline <= now:
                self._remove(key)
            else:
                self._rotation.move_to_end(key)


class _Computation:
    """A value that is being computed, how many callers wait for it, and the computations that it waits for itself."""

    def __init__(self, made: Awaitable[Any]) -> None:
        self.waiting = 0
        self.needed: list[_Computation] = []
        self.task = asyncio.ensure_future(self._compute(made))

    async def _compute(self, made: Awaitable[Any]) -> Any:
        _current.set(self)  # also in tasks that the factory starts
        return await contained(made)

    def needs(self, other: _Computation) -> bool:
        """Return whether this waits for `other`, directly or not."""
        return self is other or any(needed.needs(other) for needed in self.needed)


_current: ContextVar[_Computation | None] = ContextVar("wisp cache computation", default=None)


def _wrong_ttl(key: Hashable, ttl: object) -> ValueError:
    return ValueError(
        f"the ttl of cache key {key!r}: expected a number of seconds, or None for no end, got {ttl!r}. "
        "A timedelta has total_seconds()"
    )
