"""Group commit: writes that arrive while another one runs go to the database together, in one trip."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")


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
        self._task: asyncio.Task[None] | None = None

    def add(self, item: T) -> asyncio.Future[None]:
        """Queue an item. The future is done when it is stored, and raises what `write` raised if it was not."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._queue.append((item, waiter))
        if self._task is None or self._task.done():
            # in an empty context, because the caller's may hold a transaction
            self._task = loop.create_task(self._run(), context=Context())
        return waiter

    async def drain(self) -> None:
        """Wait until every item that was added is stored or has failed."""
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            error: Exception | None = None
            try:
                await self._write([item for item, _ in batch])
            except Exception as raised:
                error = raised
                batch, self._queue = batch + self._queue, []
            for _, waiter in batch:
                if waiter.done():  # its caller was cancelled
                    continue
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)
                    waiter.exception()  # asyncio logs an exception that is never retrieved
            await asyncio.sleep(0)  # let those who waited add their next items: these make the next batch
