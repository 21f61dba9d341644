"""What counting and timing cost, beside prometheus_client in one process.

    python tests/bench/metrics.py [--rounds 30] [--quick]

How to read it: `ns` is the median over rounds of the CPU time of one call, the loop around it included. Both are called
as their documentation writes it: wisp by name, prometheus_client on an object that was made before; with a label, wisp
by a dictionary, prometheus_client by `labels("/greet")`, its quickest way. Durations are those of work that takes about
50 ms, none like the other. wisp keeps count, sum and quantiles of the latest durations; of prometheus_client the
Histogram tells how they are distributed, and is what the budget is held against, and the Summary does not.

Ends with 1 where a budget is missed, else with 0.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from compare import (
    SEED,
    Budget,
    Samples,
    Verdict,
    cpu_ns,
    importable,
    installed,
    machine,
    report,
    settle_garbage,
    shuffled_rounds,
    table,
    verdicts,
)

from wisp.services.metrics import MetricsService

WISP, PROMETHEUS, SUMMARY = "wisp", "prometheus_client", "prometheus_client Summary"
CALLS = 20_000

Work = Callable[[Sequence[float]], None]


class Case(NamedTuple):
    """One line of work, as each library does it."""

    name: str
    works: dict[str, Work]
    budgets: Sequence[Budget] = ()


def wisp_works() -> dict[str, Work]:
    metrics = MetricsService()

    def count(durations: Sequence[float]) -> None:
        for _ in durations:
            metrics.increment("commands.executed")

    def count_labelled(durations: Sequence[float]) -> None:
        for _ in durations:
            metrics.increment("commands.labelled", labels={"command": "/greet"})

    def time(durations: Sequence[float]) -> None:
        for seconds in durations:
            metrics.timing("command.duration", seconds)

    def time_labelled(durations: Sequence[float]) -> None:
        for seconds in durations:
            metrics.timing("command.labelled", seconds, labels={"command": "/greet"})

    return {"counter": count, "counter, a label": count_labelled, "timing": time, "timing, a label": time_labelled}


def prometheus_works(kind: str) -> dict[str, Work]:
    """Those of prometheus_client, with a Histogram or a Summary for durations."""
    import prometheus_client

    registry = prometheus_client.CollectorRegistry()
    counter = prometheus_client.Counter("commands_executed", "Commands", registry=registry)
    labelled = prometheus_client.Counter("commands_labelled", "Commands", ["command"], registry=registry)
    make: Any = getattr(prometheus_client, kind)
    timing = make("command_duration", "Seconds", registry=registry)
    timing_labelled = make("command_labelled", "Seconds", ["command"], registry=registry)

    def count(durations: Sequence[float]) -> None:
        for _ in durations:
            counter.inc()

    def count_labelled(durations: Sequence[float]) -> None:
        for _ in durations:
            labelled.labels("/greet").inc()

    def time(durations: Sequence[float]) -> None:
        for seconds in durations:
            timing.observe(seconds)

    def time_labelled(durations: Sequence[float]) -> None:
        for seconds in durations:
            timing_labelled.labels("/greet").observe(seconds)

    return {"counter": count, "counter, a label": count_labelled, "timing": time, "timing, a label": time_labelled}


def cases() -> list[Case]:
    """The work of those libraries that can be imported here."""
    works = {WISP: wisp_works()}
    if importable(PROMETHEUS):
        works[PROMETHEUS] = prometheus_works("Histogram")
        works[SUMMARY] = prometheus_works("Summary")
    budgets = {"counter": [Budget(WISP, PROMETHEUS, 0.35)], "timing": [Budget(WISP, PROMETHEUS, 0.25)]}
    return [
        Case(
            name,
            {library: of[name] for library, of in works.items() if library != SUMMARY or name.startswith("timing")},
            budgets.get(name, ()),
        )
        for name in works[WISP]
    ]


def measure(case: Case, rounds: int) -> Samples:
    """Nanoseconds a call, by library, one value a round."""
    samples = Samples()
    chance = random.Random(SEED)
    durations = [chance.lognormvariate(-3, 0.7) for _ in range(CALLS)]
    for work in case.works.values():
        work(durations)
    for order in shuffled_rounds(list(case.works), rounds):
        settle_garbage()
        for name in order:
            began = cpu_ns()
            case.works[name](durations)
            samples.add(name, (cpu_ns() - began) / CALLS)
    return samples


def compare_all(rounds: int) -> int:
    """Run every case and print its table; how many budgets were missed."""
    print(f"metrics: {rounds} rounds of {CALLS:,} calls, CPU time, {machine()}")
    if importable(PROMETHEUS):
        print(f"libraries: {PROMETHEUS} {installed('prometheus-client')}")
    else:
        print(f"{PROMETHEUS}: left out, it cannot be imported")
    judged: list[Verdict] = []
    for case in cases():
        samples = measure(case, rounds)
        print("\n" + table(case.name, "ns", samples, case.works, [PROMETHEUS]))
        judged += verdicts(case.name, "ns", samples, case.budgets)
    return report(judged, nothing="none to judge")


def main() -> int:
    parser = argparse.ArgumentParser(description="What counting and timing cost, libraries side by side.")
    parser.add_argument("--rounds", type=int, default=30, help="how often each library is measured (30)")
    parser.add_argument("--quick", action="store_true", help="a short look: 5 rounds")
    arguments = parser.parse_args()
    return 1 if compare_all(5 if arguments.quick else arguments.rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
