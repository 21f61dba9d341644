"""What a scheduled run costs at 1,000 runs a second, and how far its time drifts, beside three other schedulers.

    python tests/bench/scheduler.py [--rounds 3] [--quick]

Jobs that do nothing but note the time: `in a loop` are 100 that run every 0.1 s, begun one right after the other;
`together` are 1,000 that run every second; `spread` are 100 again, begun 1 ms apart, so that each has a moment of its
own. Each library has a process of its own, in each round in a new order: wisp as a whole bot on a local Discord, with
its metrics on; lightbulb's tasks in its client on one as well; discord.py's `tasks.loop` and APScheduler alone, with no
bot beside them.

How to read it: `us` is the median over rounds of the CPU time of a run, all that the process does meanwhile included:
waking up, too, which costs more than the run where each has a moment of its own. `bare task` is one timer that starts
all of them as tasks of asyncio, and knows nothing else. `drift ms` is by how much the last run came later than it
should after the second (the first is slow: nothing is warm yet): the median of the jobs. Jobs that drift fall into step
with each other, and share their wakings. So do those of lightbulb that begin `spread`: soon they are so no more, and
are shown there, but no budget.

Then the memory of 100,000 one-shot jobs that are pending, and the time by the wall to keep them. Ends with 1 where a
budget is missed, else with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
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

WISP, LIGHTBULB, APSCHEDULER, DISCORD_PY = "wisp", "lightbulb tasks", "APScheduler", "discord.py tasks"
BARE = "bare task"
DRIFTS, KEEPS_TIME = Budget(WISP, LIGHTBULB, 0.45), Budget(WISP, APSCHEDULER, 0.45)
DRIFT_MS = 1.0
PENDING = 100_000
PENDING_MB = 10.0

Job = Callable[[], Awaitable[None]]


class Case(NamedTuple):
    """`jobs` that run every `interval` seconds, `runs` times each, begun `apart` seconds from each other."""

    jobs: int
    interval: float
    runs: int
    apart: float


CASES = {
    "in a loop": Case(100, 0.1, 81, 0.0),
    "together": Case(1000, 1.0, 11, 0.0),
    "spread": Case(100, 0.1, 81, 0.001),
}


# ---- a process for each library ----


class Runs:
    """Jobs that note when they ran, until each has run often enough."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.times: list[list[float]] = [[] for _ in range(case.jobs)]
        self.done = asyncio.Event()
        self._left = case.jobs
        self._began = 0
        self._first = 0
        self.cpu = 0.0

    def job(self, number: int) -> Job:
        times = self.times[number]

        async def run() -> None:
            times.append(time.monotonic())
            if len(times) == self._case.runs:
                self._left -= 1
                if not self._left:
                    self.cpu = (cpu_ns() - self._began) / (sum(map(len, self.times)) - self._first)
                    self.done.set()

        return run

    async def measure(self) -> dict[str, float]:
        """Wait until all began, then for the end: us of a run, and ms of drift."""
        while min(map(len, self.times)) < 2:
            await asyncio.sleep(0.01)
        settle_garbage()
        self._first, self._began = sum(map(len, self.times)), cpu_ns()
        await self.done.wait()
        last = self._case.runs - 1
        drifts = [times[last] - times[1] - (last - 1) * self._case.interval for times in self.times]
        return {"us": self.cpu / 1000, "drift": median(drifts) * 1000}


async def begin_each(begin: Callable[[int], object], case: Case) -> None:
    for number in range(case.jobs):
        begin(number)
        if case.apart:
            await asyncio.sleep(case.apart)


async def run_wisp(case: Case) -> dict[str, float]:
    import wisp
    from wisp.local.runner import on_sandbox

    bot, runs = wisp.Bot(), Runs(case)
    async with on_sandbox(bot):
        scheduler = bot.services.get("scheduler")
        await begin_each(
            lambda number: scheduler.register(runs.job(number), case.interval, f"job {number}", missed="all"), case
        )
        return await runs.measure()


async def run_lightbulb(case: Case) -> dict[str, float]:
    import hikari
    import lightbulb

    from wisp.sandbox.server import Sandbox

    runs = Runs(case)
    async with Sandbox() as sandbox:
        bot = hikari.GatewayBot(sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None)
        client = lightbulb.client_from_app(bot)
        bot.subscribe(hikari.StartingEvent, client.start)
        await bot.start(check_for_updates=False)

        def begin(number: int) -> None:
            client.task(lambda _: case.interval)(runs.job(number))

        await begin_each(begin, case)
        try:
            return await runs.measure()
        finally:
            await client.stop()
            await bot.close()


async def run_apscheduler(case: Case) -> dict[str, float]:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    logging.getLogger("apscheduler").setLevel("ERROR")
    scheduler, runs = AsyncIOScheduler(), Runs(case)
    scheduler.start()
    await begin_each(lambda number: scheduler.add_job(runs.job(number), "interval", seconds=case.interval), case)
    try:
        return await runs.measure()
    finally:
        scheduler.shutdown(wait=False)


async def run_discord_py(case: Case) -> dict[str, float]:
    from discord.ext import tasks

    runs = Runs(case)
    loops = [tasks.loop(seconds=case.interval)(runs.job(number)) for number in range(case.jobs)]
    await begin_each(lambda number: loops[number].start(), case)
    try:
        return await runs.measure()
    finally:
        for loop in loops:
            loop.cancel()


async def run_bare(case: Case) -> dict[str, float]:
    runs, loop = Runs(case), asyncio.get_running_loop()
    jobs: list[Job] = []

    def begin() -> None:
        loop.call_at(loop.time() + case.interval, begin)
        for job in jobs:
            spawned = loop.create_task(job())
            running.add(spawned)
            spawned.add_done_callback(running.discard)

    running: set[asyncio.Task[None]] = set()
    begin()
    await begin_each(lambda number: jobs.append(runs.job(number)), case)
    return await runs.measure()


async def keep_many(_: Case) -> dict[str, float]:
    """Keep 100,000 one-shot jobs, 1,000 at a time: MB that they take, and us by the wall for each."""
    import wisp
    from wisp.local.runner import on_sandbox

    bot = wisp.Bot()

    @bot.job("remind")
    async def remind(channel_id: int, text: str) -> None: ...

    with tempfile.TemporaryDirectory() as folder:
        async with on_sandbox(bot, keep=str(Path(folder) / "wisp.db")):
            scheduler = bot.services.get("scheduler")

            async def keep(first: int, count: int) -> None:
                data = {"channel_id": 81384788765712384, "text": "tea is ready"}
                delays = [3600 + number * 7919 % PENDING for number in range(first, first + count)]
                await asyncio.gather(*[scheduler.once("remind", delay=delay, data=data) for delay in delays])

            await keep(0, 2000)
            settle_garbage()
            before, began = resident_mb(), time.perf_counter()
            for first in range(2000, PENDING, 1000):
                await keep(first, 1000)
            took = time.perf_counter() - began
            return {"mb": resident_mb() - before, "us": took / (PENDING - 2000) * 1e6}


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


LIBRARIES: dict[str, tuple[str, Callable[[Case], Awaitable[dict[str, float]]]]] = {
    WISP: ("wisp", run_wisp),
    LIGHTBULB: ("lightbulb", run_lightbulb),
    APSCHEDULER: ("apscheduler", run_apscheduler),
    DISCORD_PY: ("discord", run_discord_py),
    BARE: ("asyncio", run_bare),
}
DISTRIBUTIONS = {LIGHTBULB: "hikari-lightbulb", APSCHEDULER: "apscheduler", DISCORD_PY: "discord.py"}


# ---- side by side ----


def measured(name: str, case: str) -> dict[str, Any]:
    """What a fresh process measured."""
    command = [sys.executable, __file__, "--measure", name, "--case", case]
    child = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(child.stdout.splitlines()[-1])


def compare_all(rounds: int) -> int:
    """Measure every library and print the tables; how many budgets were missed."""
    print(f"scheduler: {rounds} rounds, 1,000 runs a second, CPU time, {machine()}")
    names = [name for name, (module, _) in LIBRARIES.items() if importable(module)]
    print(
        "libraries: " + ", ".join(f"{name} {installed(DISTRIBUTIONS[name])}" for name in names if name in DISTRIBUTIONS)
    )
    judged: list[Verdict] = []
    for case, (_, _, runs, apart) in CASES.items():
        cpu, drift = Samples(), Samples()
        for order in shuffled_rounds(names, rounds):
            for name in order:
                found = measured(name, case)
                cpu.add(name, found["us"])
                drift.add(name, found["drift"])
        print("\n" + table(case, "us", cpu, names, [LIGHTBULB, APSCHEDULER]))
        print(table(f"{case}, after {runs} runs", "drift ms", drift, names, []))
        judged += verdicts(case, "us", cpu, [KEEPS_TIME] if apart else [DRIFTS, KEEPS_TIME])
        judged.append(judge(f"drift of wisp, {case}", abs(drift.median(WISP)), DRIFT_MS, unit=" ms"))
    kept = measured("pending", "spread")
    print(f"\n{PENDING:,} one-shot jobs pending: {kept['mb']:.1f} MB, {kept['us']:.0f} us by the wall to keep one")
    judged.append(judge(f"memory of {PENDING:,} pending", kept["mb"], PENDING_MB, unit=" MB"))
    return report(judged, nothing="none to judge")


def main() -> int:
    parser = argparse.ArgumentParser(description="What a scheduled run costs, libraries side by side.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each library is measured (3)")
    parser.add_argument("--quick", action="store_true", help="a short look: 1 round")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--case", default="spread", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        run = keep_many if arguments.measure == "pending" else LIBRARIES[arguments.measure][1]
        print(json.dumps(asyncio.run(run(CASES[arguments.case]))))
        return 0
    return 1 if compare_all(1 if arguments.quick else arguments.rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
