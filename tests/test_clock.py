"""The clock: real time, or a test's."""

import asyncio
import time as real

import pytest

from wisp.clock import Clock
from wisp.local.virtual_time import VirtualTime


def test_a_clock_has_the_systems_time_and_can_be_set_apart_from_it() -> None:
    clock = Clock()
    assert clock.time() == pytest.approx(real.time(), abs=1)
    assert clock.monotonic() == pytest.approx(real.monotonic(), abs=1)
    clock.offset = 3600
    assert clock.time() == pytest.approx(real.time() + 3600, abs=1)
    assert clock.monotonic() == pytest.approx(real.monotonic() + 3600, abs=1)


async def test_what_is_called_later_comes_in_order_unless_it_is_cancelled(time: VirtualTime) -> None:
    clock, fired = time.clock, list[tuple[str, float]]()
    began = clock.monotonic()
    for name, delay in (("late", 300), ("second", 20), ("first", 10), ("cancelled", 15)):
        timer = clock.call_later(delay, lambda name=name: fired.append((name, clock.monotonic() - began)))
        if name == "cancelled":
            timer.cancel()
    await time.advance(60)
    assert fired == [("first", pytest.approx(10)), ("second", pytest.approx(20))]
    await time.advance(240)
    assert fired[2:] == [("late", pytest.approx(300))]


async def test_a_timer_that_a_timer_sets_fires_in_its_turn(time: VirtualTime) -> None:
    fired: list[int] = []

    def again() -> None:
        fired.append(len(fired))
        if len(fired) < 5:
            time.clock.call_later(10, again)

    time.clock.call_later(10, again)
    await time.advance(45)
    assert fired == [0, 1, 2, 3]


async def test_wait_for_gives_the_result_or_times_out(time: VirtualTime) -> None:
    async def soon() -> str:
        await asyncio.sleep(1)
        return "done"

    assert await time.clock.wait_for(soon(), 2) == "done"
    with pytest.raises(TimeoutError):
        await time.clock.wait_for(soon(), 0.5)


async def test_wait_for_does_not_wait_for_what_ignores_its_end(time: VirtualTime) -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                continue

    began = time.time()
    with pytest.raises(TimeoutError):
        await time.clock.wait_for(stubborn(), 10)
    assert time.time() - began == pytest.approx(10)
    await time.advance(100)


async def test_cancelling_who_waits_cancels_what_it_waits_for(time: VirtualTime) -> None:
    inner = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(time.clock.wait_for(inner, 60))
    await time.until()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert inner.cancelled()
