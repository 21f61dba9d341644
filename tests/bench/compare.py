"""What the benches share: interleaved rounds, CPU time, paired ratios, budgets and their tables."""

from __future__ import annotations

import gc
import platform
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

SEED = 20  # any number: the order is shuffled, and the same in every run


def shuffled_rounds(names: Sequence[str], count: int) -> Iterator[list[str]]:
    """`count` times all names, in a new order each time: a slow moment of the machine hits all alike."""
    order = random.Random(SEED)
    for _ in range(count):
        yield order.sample(names, len(names))


def cpu_ns() -> int:
    """CPU time of this process so far, all its threads, user and system, in nanoseconds."""
    return time.process_time_ns()


def settle_garbage() -> None:
    """Collect what is there and exempt it: a round pays for its own garbage, not for walking everybody's."""
    gc.collect()
    gc.freeze()


@dataclass
class Samples:
    """What was measured: for each name one value a round, rounds in the same order for all names."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return median(self.values[name])

    def quiet(self, name: str) -> float:
        """The lower quartile, for figures that stand alone: what else runs on the processor only adds to them."""
        values = sorted(self.values[name])
        return values[len(values) // 4]

    def ratio(self, name: str, against: str) -> float:
        """The median of the rounds' own ratios, which a slow round does not move."""
        return median(one / other for one, other in zip(self.values[name], self.values[against], strict=True))

    def difference(self, name: str, against: str) -> float:
        """The median of the rounds' own differences."""
        return median(one - other for one, other in zip(self.values[name], self.values[against], strict=True))


@dataclass(frozen=True)
class Budget:
    """One promise: `name` costs `at_most` times what `against` costs (or that much more, where `added`).

    `aim` is where we want to arrive, shown beside the verdict.
    """

    name: str
    against: str
    at_most: float
    aim: float | None = None
    added: bool = False

    def applies(self, samples: Samples) -> bool:
        return self.name in samples.values and self.against in samples.values

    def measured(self, samples: Samples) -> float:
        compared = samples.difference if self.added else samples.ratio
        return compared(self.name, self.against)

    def judge(self, title: str, unit: str, samples: Samples) -> Verdict:
        return judge(
            f"{title}: {self.name} against {self.against}",
            self.measured(samples),
            self.at_most,
            unit=f" {unit} more" if self.added else "x",
            aim=self.aim,
        )


class Verdict(NamedTuple):
    """A measured figure held against what was promised: the line to print, and whether it held."""

    line: str
    holds: bool


def judge(what: str, measured: float, at_most: float, *, unit: str, aim: float | None = None) -> Verdict:
    """`what` measured, the promise and the aim beside it, `ok` or `MISSED` at the end."""
    holds = measured <= at_most
    promise = f"at most {at_most:.2f}{unit}" + (f", aim {aim:.2f}{unit}" if aim is not None else "")
    return Verdict(f"  {what:<58} {measured:>7.2f}{unit}, {promise}: {'ok' if holds else 'MISSED'}", holds)


def table(title: str, unit: str, samples: Samples, names: Iterable[str], against: Sequence[str]) -> str:
    """One line a name: its median, and its ratio to each of `against` (a dash where that was not measured)."""
    lines = [f"{title:<34}{unit:>12}" + "".join(f"{'x ' + other:>20}" for other in against)]
    for name in names:
        if name in samples.values:
            ratios = "".join(
                f"{samples.ratio(name, other):>20.2f}" if other in samples.values else f"{'-':>20}" for other in against
            )
            lines.append(f"  {name:<32}{samples.median(name):>12.1f}{ratios}")
    return "\n".join(lines)


def verdicts(title: str, unit: str, samples: Samples, budgets: Iterable[Budget]) -> list[Verdict]:
    """Every budget whose two sides were measured, judged."""
    return [budget.judge(title, unit, samples) for budget in budgets if budget.applies(samples)]


def report(judged: Sequence[Verdict], nothing: str) -> int:
    """Print the budgets (`nothing` where there was none to judge); how many were missed."""
    print("\nbudgets")
    for verdict in judged:
        print(verdict.line)
    if not judged:
        print(f"  {nothing}")
    return sum(not verdict.holds for verdict in judged)


def machine() -> str:
    """What the figures were measured on."""
    return f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()} {platform.system()}"


def importable(module: str) -> bool:
    """Whether `module` can be imported here; a dotted one counts as absent where its package is."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def installed(distribution: str) -> str:
    """The version of an installed distribution, or `source tree` where it is imported from one."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "source tree"
