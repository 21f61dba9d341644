"""The timeline alone: what is due comes in order, once, and never early."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wisp.clock import Clock
from wisp.jobs.timeline import GRAIN, SLACK, Due, Timeline
from wisp.local.virtual_time import VirtualTime, virtual_time


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.booleans()), max_size=150),
    st.lists(st.floats(0, 30), max_size=10),
)
@settings(deadline=None, max_examples=50)
def test_whatever_is_added_and_removed_comes_in_order_once_and_not_early(
    things: list[tuple[bool, float, bool]], steps: list[float]
) -> None:
    async def play(time: VirtualTime) -> None:
        clock = time.clock
        timeline = Timeline(clock, lambda _: None)
        timeline.begin()
        came: list[Due] = []

        def come(thing: Due, now: float) -> None:
            assert now + SLACK >= thing.deadline
            came.append(thing)

        kept: list[tuple[float, Due]] = []
        for is_wall, delay, is_removed in things:
            thing = Due((clock.time() if is_wall else clock.monotonic()) + delay, is_wall, come)
            timeline.add(thing)
            timeline.add(thing)  # twice is once
            if is_removed:
                timeline.remove(thing)
                timeline.remove(thing)
            else:
                kept.append((delay, thing))
        assert len(timeline) == len(kept)
        for step in [*steps, 200.0]:
            await time.advance(step)
        assert len(came) == len({id(thing) for thing in came}) == len(kept)
        delays = {id(thing): delay for delay, thing in kept}
        in_order = [delays[id(thing)] for thing in came]
        assert all(first <= second + 2 * SLACK for first, second in itertools.pairwise(in_order))
        assert not timeline._heap  # pyright: ignore[reportPrivateUsage]
        timeline.stop()
        timers = asyncio.get_running_loop()._scheduled  # pyright: ignore
        assert [timer for timer in timers if not timer.cancelled()] == []

    async def play_in_virtual_time() -> None:
        with virtual_time() as time:
            await play(time)

    asyncio.run(play_in_virtual_time())


async def test_many_due_within_a_moment_share_a_waking_and_none_is_early(time: VirtualTime) -> None:
    clock = Clock(time.time)
    timeline = Timeline(clock, lambda _: None)
    wakings: list[float] = []
    done = asyncio.Event()

    def come(thing: Due, now: float) -> None:
        assert now + SLACK >= thing.deadline
        wakings.append(now)
        if len(wakings) == 100:
            done.set()

    timeline.begin()
    start = clock.monotonic() + 0.02
    for number in range(100):
        timeline.add(Due(start + number / 1000, False, come))
    await done.wait()
    assert len(set(wakings)) <= 6  # of 20 ms each
    timeline.stop()


async def test_what_comes_back_is_late_by_the_grain_at_most_and_never_by_more_each_time(time: VirtualTime) -> None:
    clock = Clock(time.time)
    timeline = Timeline(clock, lambda _: None)
    late: list[float] = []
    done = asyncio.Event()

    def come(thing: Due, now: float) -> None:
        late.append(now - thing.deadline)
        if len(late) == 10:
            done.set()
        else:
            thing.deadline += 0.02
            timeline.add(thing)

    timeline.begin()
    timeline.add(Due(clock.monotonic() + 0.02, False, come))
    await done.wait()
    assert max(late) <= GRAIN
    timeline.stop()


async def test_one_that_may_not_be_late_is_not_though_the_first_may(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.jobs.timeline.GRAIN", 10.0)
    clock = Clock(time.time)
    timeline = Timeline(clock, lambda _: None)
    done = asyncio.Event()
    late: list[float] = []

    def come(thing: Due, now: float) -> None:
        late.append(now - thing.deadline)
        done.set()

    timeline.begin()
    start = clock.monotonic() + 0.03
    timeline.add(Due(start, False, lambda thing, now: None, 10.0))
    timeline.add(Due(start + 0.001, False, come, 0.001))
    await done.wait()
    timeline.stop()
    assert late[0] <= 0.001


async def test_what_is_added_right_after_the_first_shares_its_waking_again_and_again(time: VirtualTime) -> None:
    clock = Clock(time.time)
    timeline = Timeline(clock, lambda _: None)
    wakings: list[float] = []
    done = asyncio.Event()

    def come(thing: Due, now: float) -> None:
        wakings.append(now)
        if len(wakings) == 100:
            done.set()
        thing.deadline += 0.06
        timeline.add(thing)

    timeline.begin()
    start = clock.monotonic() + 0.06
    for number in range(10):
        timeline.add(Due(start + number / 2000, False, come))
    await done.wait()
    timeline.stop()
    assert len(set(wakings)) == 10
