"""The clock: real time plus an offset, and timers that fire in order when it moves."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.clock import Clock


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_time_is_real_time_until_it_is_moved() -> None:
    clock = Clock()
    assert abs(clock.time() - time.time()) < 1
    before = clock.monotonic()
    await clock.advance(3600, settle)
    assert 3600 <= clock.monotonic() - before < 3601
    assert abs(clock.time() - time.time() - 3600) < 1


async def test_what_falls_due_fires_in_order_and_what_does_not_waits() -> None:
    clock = Clock()
    fired: list[tuple[str, float]] = []
    began = clock.monotonic()
    for name, delay in (("late", 300), ("second", 20), ("first", 10), ("cancelled", 15)):
        timer = clock.call_later(delay, lambda name=name: fired.append((name, round(clock.monotonic() - began))))
        if name == "cancelled":
            timer.cancel()
    await clock.advance(60, settle)
    assert fired == [("first", 10), ("second", 20)]
    assert len(clock.timers) == 1
    await clock.advance(240, settle)
    assert fired[2:] == [("late", 300)]
    assert clock.timers == set()


async def test_a_timer_that_a_timer_sets_fires_in_its_turn() -> None:
    clock = Clock()
    fired: list[int] = []

    def again() -> None:
        fired.append(len(fired))
        if len(fired) < 5:
            clock.call_later(10, again)

    clock.call_later(10, again)
    await clock.advance(45, settle)
    assert fired == [0, 1, 2, 3]


async def test_sleepers_wake_and_a_cancelled_one_leaves_no_timer() -> None:
    clock = Clock()
    sleeping = asyncio.create_task(clock.sleep(3600))
    cancelled = asyncio.create_task(clock.sleep(3600))
    await settle()
    cancelled.cancel()
    await settle()
    assert len(clock.timers) == 1
    await clock.advance(3600, settle)
    assert sleeping.done()
    assert clock.timers == set()


async def test_wait_for_gives_the_result_or_times_out_by_this_clock() -> None:
    clock = Clock()

    async def soon() -> str:
        await clock.sleep(1)
        return "done"

    in_time = asyncio.create_task(clock.wait_for(soon(), 2))
    too_late = asyncio.create_task(clock.wait_for(soon(), 0.5))
    await settle()
    await clock.advance(1, settle)
    assert await in_time == "done"
    with pytest.raises(TimeoutError):
        await too_late


async def test_cancelling_who_waits_cancels_what_it_waits_for() -> None:
    clock = Clock()
    inner = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(clock.wait_for(inner, 60))
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert inner.cancelled()


async def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="expected seconds >= 0, got -1"):
        await Clock().advance(-1, settle)


@given(st.lists(st.integers(min_value=0, max_value=50), max_size=12), st.integers(min_value=0, max_value=60))
def test_whatever_the_delays_exactly_those_that_are_due_fire_in_their_order(delays: list[int], moved: int) -> None:
    async def check() -> None:
        clock = Clock()
        fired: list[int] = []
        for delay in delays:
            clock.call_later(delay + 0.5, lambda delay=delay: fired.append(delay))
        await clock.advance(moved, settle)
        assert fired == sorted(delay for delay in delays if delay + 0.5 <= moved)
        for timer in set(clock.timers):
            timer.cancel()

    asyncio.run(check())
