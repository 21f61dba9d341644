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
        # value and deadline, the least recently used first
        self._entries: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()
        self._computations: dict[Hashable, _Computation] = {}

    async def get(self, key: Hashable, default: Any = None) -> Any:
        """Return the value, or `default` if there is none or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return default
        value, deadline = entry
        if deadline <= self._now():
            del self._entries[key]
            return default
        self._entries.move_to_end(key)
        return value

    async def set(self, key: Hashable, value: Any, ttl: float | None = None) -> None:
        """Keep a value for `ttl` seconds, or without end if it is None. A `ttl` of 0 or less removes the value.

        Raises TypeError, and changes nothing, if `ttl` is not a number: a timedelta has `total_seconds()`.
        """
        now = self._now()
        deadline = _FOREVER if ttl is None else now + ttl
        if self._computations:
            self._computations.pop(key, None)  # its result would be older than this value
        if not deadline > now:
            self._entries.pop(key, None)
            return
        self._entries[key] = (value, deadline)
        self._entries.move_to_end(key)
        if len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)

    async def delete(self, key: Hashable) -> bool:
        """Remove a value. Return whether there was one."""
        self._computations.pop(key, None)
        _, deadline = self._entries.pop(key, (None, 0.0))
        return deadline > self._now()

    async def clear(self) -> None:
        """Remove all values."""
        self._entries.clear()
        self._computations.clear()

    async def get_or_set(self, key: Hashable, factory: Callable[[], T | Awaitable[T]], ttl: float | None = None) -> T:
        """Return the value. If there is none, keep what `factory()`, plain or async, returns for `ttl` seconds.

        All callers that ask for the key meanwhile wait for one call of `factory`, and all get its error, which is not
        kept. It is cancelled when the last of them is. If the value is set or deleted meanwhile, the callers still get
        what was computed, but it is not kept.

        Raises ServiceError if `factory`, or a factory that it waits for, asks for the key: it would wait for itself.
        """
        value = await self.get(key, _ABSENT)
        if value is not _ABSENT:
            return value
        computation = self._computations.get(key)
        if computation is None:
            made = factory()
            if not isawaitable(made):
                await self.set(key, made, ttl)
                return made
            computation = self._computations[key] = _Computation(made)
        elif computation in _running.get():
            raise ServiceError(f"cache key {key!r} is asked for by its own factory, which would wait for itself")
        computation.waiting += 1
        try:
            value = await asyncio.shield(computation.task)
            if self._computations.get(key) is computation:  # not kept by another caller, set or deleted
                await self.set(key, value, ttl)
            return value
        except Exit as exit:
            raise exit.error from None
        finally:
            computation.waiting -= 1
            if not computation.waiting:
                computation.task.cancel()
            is_over = computation.task.done() or not computation.waiting
            if is_over and self._computations.get(key) is computation:
                del self._computations[key]


class _Computation:
    """A value that is being computed, and how many callers wait for it."""

    def __init__(self, made: Awaitable[Any]) -> None:
        self.waiting = 0
        self.task = asyncio.ensure_future(self._run(made))

    async def _run(self, made: Awaitable[Any]) -> Any:
        _running.set((*_running.get(), self))  # also in tasks that the factory starts
        return await contained(made)


_running: ContextVar[tuple[_Computation, ...]] = ContextVar("wisp cache computations", default=())
"""The computation that this code belongs to, after those whose factories asked for it."""
