"""The cache: expiry to the moment, bounded memory, one computation for all who wait."""

import asyncio
import random
import tracemalloc
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from math import inf, nan, nextafter
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wisp.clock import Clock
from wisp.errors import ServiceError
from wisp.local.virtual_time import VirtualTime
from wisp.services.cache import CacheService

T = TypeVar("T")

NOW = 1000.0


@pytest.fixture
def still() -> Clock:
    """A clock that only its offset moves: without that it stands still at `NOW`."""
    return Clock(lambda: NOW)


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


class Value:
    """Something that a weak reference can watch."""


# ---- values ----


async def test_a_value_comes_back_until_it_is_deleted() -> None:
    cache = CacheService()
    await cache.set("key", "value")
    assert await cache.get("key") == "value"
    assert await cache.delete("key") is True
    assert await cache.get("key") is None
    assert await cache.delete("key") is False


async def test_an_absent_key_gives_the_default_and_a_kept_none_is_not_absent() -> None:
    cache = CacheService()
    await cache.set("nothing", None)
    assert await cache.get("nothing", "default") is None
    assert await cache.get("absent", "default") == "default"


async def test_a_value_is_kept_as_it_is() -> None:
    cache = CacheService()
    names = ["ada"]
    await cache.set("names", names)
    assert await cache.get("names") is names


async def test_clear_removes_everything_and_the_cache_goes_on() -> None:
    cache = CacheService()
    await cache.set("a", 1, ttl=60)
    await cache.set("b", 2)
    await cache.clear()
    assert (await cache.get("a"), await cache.get("b")) == (None, None)
    await cache.set("a", 3, ttl=60)
    assert await cache.get("a") == 3


@pytest.mark.parametrize("size", [0, -1])
def test_a_cache_without_room_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"max_entries: expected 1 or more, got {size}"):
        CacheService(max_entries=size)


# ---- time ----


async def test_a_value_lives_to_the_moment_and_not_beyond(still: Clock) -> None:
    cache = CacheService(clock=still)
    await cache.set("key", "value", ttl=5)
    still.offset = nextafter(NOW + 5, 0) - NOW
    assert await cache.get("key") == "value"
    still.offset = 5
    assert await cache.get("key") is None


async def test_what_expired_was_not_there_to_be_deleted(still: Clock) -> None:
    cache = CacheService(clock=still)
    await cache.set("key", "value", ttl=5)
    still.offset = 5
    assert await cache.delete("key") is False


async def test_a_test_that_advances_the_clock_sees_values_expire(time: VirtualTime) -> None:
    cache = CacheService(clock=time.clock)
    await cache.set("short", 1, ttl=3600)
    await cache.set("long", 2, ttl=7201)
    await cache.set("for ever", 3)
    await time.advance(7200)
    assert [await cache.get(key) for key in ("short", "long", "for ever")] == [None, 2, 3]


async def test_setting_again_counts_from_then_and_may_shorten_or_lift_the_end(still: Clock) -> None:
    cache = CacheService(clock=still)
    for key in ("longer", "shorter", "lifted", "limited"):
        await cache.set(key, "first", ttl=None if key == "limited" else 100)
    still.offset = 50
    await cache.set("longer", "again", ttl=100)
    await cache.set("shorter", "again", ttl=1)
    await cache.set("lifted", "again")
    await cache.set("limited", "again", ttl=1)
    still.offset = 51
    assert [await cache.get(key) for key in ("longer", "shorter", "lifted", "limited")] == [
        "again",
        None,
        "again",
        None,
    ]
    still.offset = 149
    assert [await cache.get(key) for key in ("longer", "lifted")] == ["again", "again"]
    still.offset = 150
    assert [await cache.get(key) for key in ("longer", "lifted")] == [None, "again"]


@pytest.mark.parametrize("ttl", [0, -1, -0.5, -inf, nan])
async def test_no_time_to_live_keeps_nothing_and_removes_what_was_there(ttl: float) -> None:
    cache = CacheService()
    await cache.set("key", "old")
    await cache.set("key", "new", ttl=ttl)
    assert await cache.get("key") is None


async def test_an_endless_ttl_is_no_ttl(still: Clock) -> None:
    cache = CacheService(clock=still)
    await cache.set("key", "value", ttl=inf)
    still.offset = 1e12
    assert await cache.get("key") == "value"


@pytest.mark.parametrize("ttl", ["60", timedelta(minutes=1)], ids=["str", "timedelta"])
async def test_a_ttl_that_is_no_number_of_seconds_is_refused_and_changes_nothing(ttl: Any) -> None:
    cache = CacheService()
    await cache.set("key", "old")
    with pytest.raises(TypeError):
        await cache.set("key", "new", ttl=ttl)
    assert await cache.get("key") == "old"


# ---- room ----


async def test_the_value_that_went_unused_the_longest_makes_room() -> None:
    cache = CacheService(max_entries=3)
    for key in "abc":
        await cache.set(key, key)
    await cache.get("b")
    await cache.get("a")
    await cache.get("b")
    await cache.set("d", "d")
    await cache.set("e", "e")
    assert [await cache.get(key) for key in "abcde"] == [None, "b", None, "d", "e"]


async def test_setting_a_key_again_needs_no_room() -> None:
    cache = CacheService(max_entries=2)
    await cache.set("a", 1)
    await cache.set("b", 1)
    await cache.set("b", 2)
    assert [await cache.get(key) for key in "ab"] == [1, 2]


async def test_what_is_read_stays_in_a_large_cache_through_any_number_of_others() -> None:
    cache = CacheService(max_entries=100)
    await cache.set("read", True)
    for number in range(1000):
        await cache.set(f"other {number}", number)
        assert await cache.get("read") is True


async def test_a_value_that_outlives_every_horizon_is_kept_to_its_moment(still: Clock) -> None:
    cache = CacheService(clock=still)
    await cache.set("key", "value", ttl=1e6)
    while still.offset < 1e6:
        assert await cache.get("key") == "value"
        for _ in range(3):
            await cache.set("other", None, ttl=10)
        still.offset += 5000
    still.offset = 1e6
    assert await cache.get("key") is None


async def test_the_books_about_time_stay_small_however_many_keys_come_and_go(still: Clock) -> None:
    cache = CacheService(max_entries=50, clock=still)
    ttls = random.Random(3)

    async def churn() -> int:
        for number in range(3000):
            still.offset += ttls.uniform(0, 2)
            await cache.set(f"key {number}", None, ttl=ttls.choice([1, 60, 3600, 1e6]))
            await cache.set("hot", None, ttl=ttls.uniform(1, 1e6))
            await cache.get("hot")
            await cache.delete(f"key {number - 1}")
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        for _ in range(3):
            before = await churn()
        after = await churn()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


async def test_one_value_that_is_left_of_many_takes_no_memory_for_the_others(still: Clock) -> None:
    cache = CacheService(clock=still)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for moment in range(40):
            still.offset += 10
            for number in range(200):
                await cache.set((moment, number), None, ttl=10_000)
            for number in range(1, 200):
                await cache.delete((moment, number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 200_000


class AgainstAPlainModel(RuleBasedStateMachine):
    """A cache beside a dictionary that never forgets: what may be absent is what expired, or was crowded out."""

    keys = st.sampled_from([f"key {number}" for number in range(9)])
    ttls = st.none() | st.sampled_from([-1, 0, 1, 3, 4, 60, 20_000]) | st.floats(0, 1e5)

    @initialize(max_entries=st.integers(1, 7))
    def begin(self, max_entries: int) -> None:
        self.clock = Clock(lambda: NOW)
        self.cache = CacheService(max_entries=max_entries, clock=self.clock)
        self.kept: dict[str, tuple[int, float]] = {}
        self.uses: list[str] = []  # keys, the one used last at the end
        self.values: weakref.WeakSet[Value] = weakref.WeakSet()
        self.count = 0

    def value(self) -> Value:
        value = Value()
        value.number = self.count = self.count + 1
        self.values.add(value)
        return value

    def use(self, key: str) -> None:
        self.uses = [other for other in self.uses if other != key] + [key]

    def expected(self, key: str) -> int | None:
        number, deadline = self.kept.get(key, (None, 0))
        return number if NOW + self.clock.offset < deadline else None

    def keep(self, key: str, number: int, ttl: float | None) -> None:
        self.kept.pop(key, None)
        deadline = inf if ttl is None else NOW + self.clock.offset + ttl
        if deadline > NOW + self.clock.offset:
            self.kept[key] = number, deadline
            self.use(key)

    @rule(key=keys, ttl=ttls)
    def set(self, key: str, ttl: float | None) -> None:
        value = self.value()
        at_once(self.cache.set(key, value, ttl))
        self.keep(key, value.number, ttl)

    @rule(key=keys)
    def get(self, key: str) -> None:
        value = at_once(self.cache.get(key))
        if value is not None:
            assert value.number == self.expected(key)
            self.use(key)
        elif self.expected(key) is not None:
            assert self.uses.index(key) + self.cache.max_entries < len(self.uses), "crowded out too early"
            del self.kept[key]

    @rule(key=keys, ttl=ttls)
    def get_or_set(self, key: str, ttl: float | None) -> None:
        made = self.value()
        value = at_once(self.cache.get_or_set(key, lambda: made, ttl))
        if value is made:
            assert self.expected(key) is None or self.uses.index(key) + self.cache.max_entries < len(self.uses)
            self.keep(key, made.number, ttl)
        else:
            assert value.number == self.expected(key)
            self.use(key)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        if at_once(self.cache.delete(key)):
            assert self.expected(key) is not None
        self.kept.pop(key, None)

    @rule()
    def clear(self) -> None:
        at_once(self.cache.clear())
        self.kept.clear()

    @rule(seconds=st.sampled_from([0.5, 1, 3, 4, 60, 14_400, 20_000]) | st.floats(0, 1e6))
    def time_jumps(self, seconds: float) -> None:
        self.clock.offset += seconds

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.values) <= self.cache.max_entries


TestAgainstAPlainModel = AgainstAPlainModel.TestCase
TestAgainstAPlainModel.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


@given(
    max_entries=st.integers(1, 7),
    calls=st.lists(st.tuples(st.sampled_from(["get", "set", "delete"]), st.integers(0, 9)), max_size=60),
)
def test_a_small_cache_forgets_exactly_as_a_dictionary_ordered_by_use(
    max_entries: int, calls: list[tuple[str, int]]
) -> None:
    cache = CacheService(max_entries=max_entries)
    model: OrderedDict[int, int] = OrderedDict()
    for time, (call, key) in enumerate(calls):
        if call == "get":
            assert at_once(cache.get(key)) == model.get(key)
        elif call == "set":
            at_once(cache.set(key, time))
            model[key] = time
        else:
            assert at_once(cache.delete(key)) is (model.pop(key, None) is not None)
        if key in model:
            model.move_to_end(key)
        if len(model) > max_entries:
            model.popitem(last=False)
    assert [at_once(cache.get(key)) for key in range(10)] == [model.get(key) for key in range(10)]


# ---- one computation for many ----


class Factory:
    """An async factory that counts its calls and waits until it may end."""

    def __init__(self, outcome: object = "made") -> None:
        self.outcome = outcome
        self.calls = 0
        self.cancelled = False
        self.may_end = asyncio.Event()

    async def __call__(self) -> object:
        self.calls += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_get_or_set_takes_a_plain_function_and_an_async_one_and_calls_neither_for_what_is_there() -> None:
    cache = CacheService()

    async def fetch() -> str:
        return "fetched"

    async def fetch_as(name: str) -> str:
        return name

    def fail() -> str:
        raise AssertionError("called")

    assert await cache.get_or_set("plain", lambda: "made") == "made"
    assert await cache.get_or_set("async", fetch) == "fetched"
    assert await cache.get_or_set("wrapped", lambda: fetch_as("wrapped")) == "wrapped"
    await cache.set("none", None)
    assert [await cache.get_or_set(key, fail) for key in ("plain", "async", "wrapped", "none")] == [
        "made",
        "fetched",
        "wrapped",
        None,
    ]


async def test_many_who_ask_at_once_wait_for_one_computation() -> None:
    cache, factory = CacheService(), Factory()
    asking = [asyncio.create_task(cache.get_or_set("key", factory)) for _ in range(100)]
    await turns()
    factory.may_end.set()
    assert await asyncio.gather(*asking) == ["made"] * 100
    assert factory.calls == 1
    assert await cache.get("key") == "made"


async def test_other_keys_are_computed_meanwhile() -> None:
    cache, slow = CacheService(), Factory()
    asking = asyncio.create_task(cache.get_or_set("slow", slow))
    await turns()
    assert await cache.get_or_set("quick", lambda: 1) == 1
    slow.may_end.set()
    assert await asking == "made"


async def test_the_time_to_live_counts_from_when_the_value_is_there(still: Clock) -> None:
    cache, factory = CacheService(clock=still), Factory()
    asking = asyncio.create_task(cache.get_or_set("key", factory, ttl=10))
    await turns()
    still.offset = 60
    factory.may_end.set()
    await asking
    still.offset = 69
    assert await cache.get("key") == "made"
    still.offset = 70
    assert await cache.get("key") is None


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    cache, factory = CacheService(), Factory(LookupError("no such guild"))
    asking = [asyncio.create_task(cache.get_or_set("key", factory)) for _ in range(3)]
    await turns()
    factory.may_end.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert answers == [factory.outcome] * 3
    assert await cache.get_or_set("key", lambda: "now it works") == "now it works"


async def test_a_factory_that_leaves_the_program_reaches_who_waits_and_not_the_event_loop() -> None:
    cache = CacheService()

    async def leave() -> None:
        raise SystemExit(3)

    left = await asyncio.gather(*(_exit_code(cache.get_or_set("key", leave)) for _ in range(2)))
    assert left == [3, 3]
    assert await cache.get("key") is None


async def _exit_code(asking: Awaitable[object]) -> object:
    with pytest.raises(SystemExit) as caught:
        await asking
    return caught.value.code


async def test_who_asks_again_right_after_a_failure_computes_anew() -> None:
    cache, factory = CacheService(), Factory(LookupError("once"))

    async def ask_until_it_works() -> object:
        try:
            return await cache.get_or_set("key", factory)
        except LookupError:
            return await cache.get_or_set("key", lambda: "now it works")

    asking = [asyncio.create_task(ask_until_it_works()) for _ in range(3)]
    await turns()
    factory.may_end.set()
    assert await asyncio.gather(*asking) == ["now it works"] * 3
    assert factory.calls == 1


async def test_a_plain_factory_that_raises_leaves_nothing() -> None:
    cache = CacheService()

    def fail() -> str:
        raise LookupError("no such guild")

    with pytest.raises(LookupError):
        await cache.get_or_set("key", fail)
    assert await cache.get("key", "absent") == "absent"


@pytest.mark.parametrize("leaver", [0, 1])
async def test_who_is_cancelled_does_not_take_it_from_the_others(leaver: int) -> None:
    cache, factory = CacheService(), Factory()
    asking = [asyncio.create_task(cache.get_or_set("key", factory)) for _ in range(2)]
    await turns()
    asking[leaver].cancel()
    await turns()
    factory.may_end.set()
    assert await asking[1 - leaver] == "made"
    with pytest.raises(asyncio.CancelledError):
        await asking[leaver]
    assert (factory.calls, factory.cancelled) == (1, False)
    assert await cache.get("key") == "made"


async def test_once_nobody_waits_the_computation_is_cancelled_and_the_next_one_begins_anew() -> None:
    cache, abandoned, factory = CacheService(), Factory("abandoned"), Factory("anew")
    asking = [asyncio.create_task(cache.get_or_set("key", abandoned)) for _ in range(2)]
    await turns()
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    factory.may_end.set()
    assert await cache.get_or_set("key", factory) == "anew"
    await turns()
    assert abandoned.cancelled
    assert await cache.get("key") == "anew"


async def test_a_value_that_is_set_meanwhile_stays() -> None:
    cache, factory = CacheService(), Factory("older")
    asking = asyncio.create_task(cache.get_or_set("key", factory))
    await turns()
    await cache.set("key", "newer")
    factory.may_end.set()
    assert await asking == "older"
    assert await cache.get("key") == "newer"


@pytest.mark.parametrize("how", ["delete", "clear", "ttl of zero"])
async def test_what_is_removed_meanwhile_stays_removed_and_is_computed_anew(how: str) -> None:
    cache, older, newer = CacheService(), Factory("older"), Factory("newer")
    asking = asyncio.create_task(cache.get_or_set("key", older))
    await turns()
    if how == "delete":
        assert await cache.delete("key") is False
    elif how == "clear":
        await cache.clear()
    else:
        await cache.set("key", "gone", ttl=0)
    asking_later = asyncio.create_task(cache.get_or_set("key", newer))
    await turns()
    older.may_end.set()
    assert await asking == "older"
    assert await cache.get("key") is None
    newer.may_end.set()
    assert await asking_later == "newer"
    assert await cache.get("key") == "newer"


async def test_a_computed_value_without_time_to_live_is_handed_over_and_not_kept() -> None:
    cache, factory = CacheService(), Factory()
    factory.may_end.set()
    assert await cache.get_or_set("key", factory, ttl=0) == "made"
    assert await cache.get_or_set("key", factory, ttl=0) == "made"
    assert factory.calls == 2


async def test_a_factory_that_asks_for_its_own_key_is_told_instead_of_waiting_for_ever() -> None:
    cache = CacheService()

    async def fetch() -> str:
        return await cache.get_or_set("key", fetch)

    with pytest.raises(ServiceError, match="'key' is asked for by its own factory"):
        await cache.get_or_set("key", fetch)


async def test_factories_that_ask_for_each_others_keys_are_told_instead_of_waiting_for_ever() -> None:
    cache = CacheService()

    async def a() -> str:
        await asyncio.sleep(0)
        return await cache.get_or_set("b", b)

    async def b() -> str:
        await asyncio.sleep(0)
        (found,) = await asyncio.gather(cache.get_or_set("a", a))  # in a task of its own
        return found

    async with asyncio.timeout(5):
        with pytest.raises(ServiceError, match="'a' is asked for by its own factory"):
            await cache.get_or_set("a", a)


async def test_factories_may_ask_for_other_keys_and_for_the_same_one_together() -> None:
    cache = CacheService()

    async def leaf() -> int:
        await asyncio.sleep(0)
        return 1

    async def two() -> int:
        return sum(await asyncio.gather(cache.get_or_set("leaf", leaf), cache.get_or_set("leaf", leaf)))

    assert await cache.get_or_set("two", two) == 2
