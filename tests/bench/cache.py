"""What a call of the cache costs, beside cachetools and aiocache in one process.

    python tests/bench/cache.py [--rounds 15] [--quick]

How to read it: `ns` is the median over rounds of the CPU time of one call, the loop around it included: awaited for
wisp and aiocache, plain for cachetools. Every value has a time to live of an hour, keys are strings, and each cache
has room for 10,000. `x other` is the median of the rounds' own ratios. `cachetools []` is a hit by `cache[key]`
in place of `cache.get(key)`, for who catches the KeyError.

Last, a cache of a million: the slowest `set` of a thousand where nothing has expired, and where everything has.
Ends with 1 where a budget is missed, else with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from compare import (
    Budget,
    Samples,
    Verdict,
    cpu_ns,
    importable,
    installed,
    judge,
    machine,
    report,
    settle_garbage,
    shuffled_rounds,
    table,
    verdicts,
)

from wisp.clock import Clock
from wisp.services.cache import CacheService

WISP, CACHETOOLS, SUBSCRIPT, AIOCACHE = "wisp", "cachetools", "cachetools []", "aiocache"
ROOM = 10_000
TTL = 3600
MILLION = 1_000_000
SWEEP_MS = 0.1

Work = Callable[[Any, Sequence[str]], Awaitable[None]]


async def get(cache: Any, keys: Sequence[str]) -> None:
    for key in keys:
        await cache.get(key)


async def set(cache: Any, keys: Sequence[str]) -> None:
    for key in keys:
        await cache.set(key, key, ttl=TTL)


async def plain_get(cache: Any, keys: Sequence[str]) -> None:
    for key in keys:
        cache.get(key)


async def plain_subscript(cache: Any, keys: Sequence[str]) -> None:
    for key in keys:
        cache[key]


async def plain_set(cache: Any, keys: Sequence[str]) -> None:
    for key in keys:
        cache[key] = key


class Library(NamedTuple):
    make: Callable[[], Any]
    get: Work
    set: Work | None  # None: it is there for its get only


class Case(NamedTuple):
    """`work` ("get" or "set") with `keys`, after `before` were set."""

    name: str
    work: str
    before: Sequence[str]
    keys: Sequence[str]
    budgets: Sequence[Budget] = ()


def names(word: str, count: int) -> list[str]:
    return [f"{word}:{number}" for number in range(count)]


CASES = [
    Case("hit", "get", names("user", 1000), names("user", 1000), [Budget(WISP, CACHETOOLS, 0.15)]),
    Case("hit, all of a full cache in turn", "get", names("user", ROOM), names("user", ROOM)),
    Case("miss", "get", names("user", 1000), names("nobody", 1000)),
    Case("set", "set", names("user", 1000), names("user", 1000), [Budget(WISP, CACHETOOLS, 0.32)]),
    Case("set of new keys", "set", [], names("user", ROOM)),
    Case("set of new keys in a full cache", "set", names("user", ROOM), names("new", ROOM)),
]


def libraries() -> dict[str, Library]:
    """Those that can be imported here."""
    found = {WISP: Library(lambda: CacheService(max_entries=ROOM), get, set)}
    if importable("cachetools"):
        from cachetools import TTLCache

        def make() -> Any:
            return TTLCache(ROOM, TTL)

        found[CACHETOOLS] = Library(make, plain_get, plain_set)
        found[SUBSCRIPT] = Library(make, plain_subscript, None)
    if importable("aiocache"):
        from aiocache import SimpleMemoryCache

        found[AIOCACHE] = Library(SimpleMemoryCache, get, set)
    return found


async def measure(found: dict[str, Library], case: Case, rounds: int) -> Samples:
    """Nanoseconds a call, by library, one value a round."""
    samples = Samples()
    miss = case.work == "get" and case.before != case.keys
    taking_part = [name for name in found if not (name == SUBSCRIPT and (case.work == "set" or miss))]
    for order in shuffled_rounds(taking_part, rounds):
        for name in order:
            library = found[name]
            cache = library.make()
            await (library.set or plain_set)(cache, case.before)
            work = library.get if case.work == "get" else library.set or plain_set
            settle_garbage()
            began = cpu_ns()
            await work(cache, case.keys)
            samples.add(name, (cpu_ns() - began) / len(case.keys))
    return samples


async def slowest_set_ms(cache: CacheService) -> float:
    """CPU time of the slowest of 1,000 calls, in ms: the least of three tries, since a machine has its own hiccups."""
    tries: list[int] = []
    for _ in range(3):
        slowest = 0
        for _ in range(1000):
            began = cpu_ns()
            await cache.set("hot", None, ttl=TTL)
            slowest = max(slowest, cpu_ns() - began)
        tries.append(slowest)
    return min(tries) / 1e6


async def measure_sweeps() -> list[Verdict]:
    """What a `set` pays for a million other keys."""
    clock = Clock()
    cache = CacheService(max_entries=MILLION + 1, clock=clock)
    for number in range(MILLION):
        await cache.set(str(number), None, ttl=60)
    settle_garbage()
    live = await slowest_set_ms(cache)
    clock.offset += 120
    expired = await slowest_set_ms(cache)
    return [
        judge("slowest set, a million others live", live, SWEEP_MS, unit=" ms"),
        judge("slowest set, a million others expired", expired, SWEEP_MS, unit=" ms"),
    ]


def compare_all(rounds: int) -> int:
    """Run every case and print its table; how many budgets were missed."""
    print(f"cache: {rounds} rounds, CPU time, {machine()}")
    found = libraries()
    print("libraries: " + ", ".join(f"{name} {installed(name)}" for name in (CACHETOOLS, AIOCACHE) if name in found))
    for name in (CACHETOOLS, AIOCACHE):
        if name not in found:
            print(f"{name}: left out, it cannot be imported")
    judged: list[Verdict] = []
    for case in CASES:
        samples = asyncio.run(measure(found, case, rounds))  # a loop each: aiocache leaves its timers in it
        print("\n" + table(case.name, "ns", samples, found, [CACHETOOLS, AIOCACHE]))
        judged += verdicts(case.name, "ns", samples, case.budgets)
    judged += asyncio.run(measure_sweeps())
    return report(judged, nothing="none to judge")


def main() -> int:
    parser = argparse.ArgumentParser(description="What a call of the cache costs, libraries side by side.")
    parser.add_argument("--rounds", type=int, default=15, help="how often each library is measured (15)")
    parser.add_argument("--quick", action="store_true", help="a short look: 5 rounds")
    arguments = parser.parse_args()
    return 1 if compare_all(5 if arguments.quick else arguments.rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
