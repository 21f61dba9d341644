"""Group commit: writes that arrive while another one runs go to the database together, in one trip."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


class BatchWriter(Generic[T]):
    """Write items in batches, in the order in which they were added.

    `write(items)` stores a batch, all of it or nothing. If it raises, all callers that wait for its items get the
    error, and so do those whose item is queued behind it, since later items may build on earlier ones. The next
    item that is added is tried again.

        writer = BatchWriter(store)     # async def store(items: list[Item]) -> None
        await writer.add(item)          # returns when the item is stored

    An item is written even if the caller that waits for it is cancelled. Callers that wait for nothing can ignore the
    future that `add` returns. A writer belongs to one event loop.
    """

    def __init__(self, write: Callable[[list[T]], Awaitable[object]]) -> None:
        self._write = write
        self._queue: list[tuple[T, asyncio.Future[None]]] = []
        self._sent: list[tuple[T, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, item: T) -> asyncio.Future[None]:
        """Queue an item. The future is done when it is stored, and raises what `write` raised if it was not."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._queue.append((item, waiter))
        if self._task is None:
            # in an empty context, because the caller's may hold a transaction
            self._task = loop.create_task(self._run(), context=Context())
            self._task.add_done_callback(self._ended)
        return waiter

    def pending(self) -> list[T]:
        """Return the items that are not stored yet, oldest first."""
        return [item for item, _ in (*self._sent, *self._queue)]

    async def drain(self) -> None:
        """Wait until every item that was added is stored or has failed."""
        while self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while self._queue:
            self._sent, self._queue = self._queue, []
            try:
                await self._write([item for item, _ in self._sent])
            except Exception as error:
                self._fail(error)
            else:
                for _, waiter in self._sent:
                    if not waiter.done():
                        waiter.set_result(None)
            self._sent = []
            await asyncio.sleep(0)  # let those who waited add their next items: these make the next batch
        self._task = None

    def _fail(self, error: Exception) -> None:
        failed, self._queue = [*self._sent, *self._queue], []
        for _, waiter in failed:
            if not waiter.done():
                waiter.set_exception(copied(error))
                waiter.exception()  # asyncio logs an exception that is never retrieved

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Release the waiters if the task was cancelled, which may be before it began: the event loop is closing."""
        if self._task is task:
            self._task = None
            abandoned, self._sent, self._queue = [*self._sent, *self._queue], [], []
            for _, waiter in abandoned:
                waiter.cancel()


def copied(error: E) -> E:
    """Return a copy for one of several callers: one that all of them raise would collect all their tracebacks."""
    copy = error.__class__.__new__(error.__class__, *error.args)
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error
    return copy
