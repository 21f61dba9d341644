"""The timeline alone: functions are called in order, once, and never early."""

import asyncio
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from wisp.jobs.timeline import SLACK, SLICE, Timeline
from wisp.local.virtual_time import VirtualTime, virtual_time


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.booleans()), max_size=150),
    st.lists(st.floats(0, 30), max_size=10),
)
@settings(deadline=None, max_examples=50)
def test_whatever_is_added_and_cancelled_comes_in_order_once_and_not_early(
    added: list[tuple[bool, float, bool]], steps: list[float]
) -> None:
    async def play(time: VirtualTime, *, is_wall: bool) -> None:
        clock = time.clock
        timeline = Timeline(clock, clock.time if is_wall else clock.monotonic)
        timeline.start()
        called: list[float] = []

        def call(due: float) -> None:
            assert timeline.now() + SLACK >= due
            called.append(due)

        kept: list[float] = []
        for _, delay, is_cancelled in (one for one in added if one[0] is is_wall):
            due = timeline.now() + delay
            timer = timeline.add(due, lambda due=due: call(due))
            if is_cancelled:
                timeline.cancel(timer)
                timeline.cancel(timer)
            else:
                kept.append(due)
        for step in [*steps, 200.0]:
            await time.advance(step)
        assert called == sorted(kept)
        assert all(first <= second for first, second in itertools.pairwise(called))
        timeline.stop()
        timers = asyncio.get_running_loop()._scheduled  # pyright: ignore
        assert [timer for timer in timers if not timer.cancelled()] == []

    async def play_in_virtual_time() -> None:
        with virtual_time() as time:
            await play(time, is_wall=True)
            await play(time, is_wall=False)

    asyncio.run(play_in_virtual_time())


async def test_many_that_are_due_at_once_leave_room_for_other_callbacks(time: VirtualTime) -> None:
    timeline = Timeline(time.clock, time.clock.monotonic)
    called: list[int] = []
    others: list[int] = []

    def call(number: int) -> None:
        if not called:
            asyncio.get_running_loop().call_soon(lambda: others.append(len(called)))
        called.append(number)

    for number in range(3 * SLICE):
        timeline.add(time.clock.monotonic(), lambda number=number: call(number))
    timeline.start()
    await time.advance(1.0)
    timeline.stop()
    assert others == [SLICE]
    assert called == [*range(3 * SLICE)]


async def test_nothing_is_called_before_the_start_and_after_the_stop(time: VirtualTime) -> None:
    timeline = Timeline(time.clock, time.clock.monotonic)
    called: list[str] = []
    timeline.add(time.clock.monotonic(), lambda: called.append("early"))
    await time.advance(1.0)
    assert called == []
    timeline.start()
    await time.advance(0.0)
    assert called == ["early"]
    timeline.add(time.clock.monotonic() + 1.0, lambda: called.append("late"))
    timeline.stop()
    await time.advance(2.0)
    assert called == ["early"]
