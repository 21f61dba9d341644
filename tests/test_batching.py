"""The batch writer: what is added together is written together, and each caller learns what became of its item."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from wisp.services.batching import BatchWriter


class Table:
    """Records the batches that it is asked to store, and fails when told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.error: Exception | None = None

    async def store(self, items: list[str]) -> None:
        self.batches.append(items)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error


async def test_items_that_are_added_together_are_written_together() -> None:
    table = Table()
    writer = BatchWriter(table.store)
    await asyncio.gather(*(writer.add(item) for item in "abc"))
    assert table.batches == [["a", "b", "c"]]


async def test_items_that_are_added_during_a_write_make_the_next_batch() -> None:
    table = Table()
    writer = BatchWriter(table.store)
    first = writer.add("a")
    await asyncio.sleep(0)
    await asyncio.gather(first, writer.add("b"), writer.add("c"))
    assert table.batches == [["a"], ["b", "c"]]


async def test_callers_that_write_in_a_loop_share_their_batches() -> None:
    table = Table()
    writer = BatchWriter(table.store)

    async def write(name: str) -> None:
        for number in range(3):
            await writer.add(f"{name}{number}")

    await asyncio.gather(write("a"), write("b"))
    assert table.batches == [["a0", "b0"], ["a1", "b1"], ["a2", "b2"]]


async def test_a_failure_reaches_each_caller() -> None:
    table = Table()
    writer = BatchWriter(table.store)
    table.error = OSError("the disk is gone")
    assert await asyncio.gather(writer.add("a"), writer.add("b"), return_exceptions=True) == [table.error] * 2


async def test_a_failure_reaches_what_is_queued_behind_and_the_next_item_is_tried_again() -> None:
    table = Table()
    writer = BatchWriter(table.store)
    table.error = OSError("the disk is gone")
    first = writer.add("a")
    await asyncio.sleep(0)
    behind = writer.add("b")
    for waiter in (first, behind):
        with pytest.raises(OSError, match="the disk is gone"):
            await waiter
    table.error = None
    await writer.add("c")
    assert table.batches == [["a"], ["c"]]


async def test_an_item_is_written_though_its_caller_is_cancelled() -> None:
    table = Table()
    writer = BatchWriter(table.store)
    writer.add("a").cancel()
    await writer.drain()
    assert table.batches == [["a"]]


async def test_drain_waits_for_items_that_are_added_meanwhile() -> None:
    table = Table()
    writer = BatchWriter(table.store)
    writer.add("a").add_done_callback(lambda _: writer.add("b"))
    await writer.drain()
    assert table.batches == [["a"], ["b"]]


async def test_the_write_does_not_run_in_the_context_of_a_caller() -> None:
    transaction: ContextVar[str] = ContextVar("transaction")
    found: list[str | None] = []

    async def store(items: list[str]) -> None:
        found.append(transaction.get(None))

    transaction.set("open")
    await BatchWriter(store).add("a")
    assert found == [None]


async def test_a_failure_that_nobody_waits_for_is_not_logged_by_asyncio(caplog: pytest.LogCaptureFixture) -> None:
    table = Table()
    writer = BatchWriter(table.store)
    table.error = OSError("the disk is gone")
    writer.add("a")
    await writer.drain()
    assert caplog.records == []
