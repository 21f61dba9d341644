"""What a command call costs: raw gateway text in, REST call out, in CPU time, libraries side by side.

    python tests/bench/dispatch.py [--rounds 30] [--calls 100] [--quick]

One call begins with a complete INTERACTION_CREATE as bytes, decoded with the JSON that the library uses as
pip installs it, handed to the library where its shard would, and ends below its REST client, where the
request would leave for the network: an object in place of the aiohttp session keeps method, URL and body and
answers with the message that Discord would return, which the library then reads. What is left out is what
all share: the websocket, decompression, HTTP.

How to read it: `us` is the median over rounds of CPU microseconds a call (all threads, user and system).
In each round every library makes the same calls, in shuffled order; `x other` is the median of the rounds'
own ratios, which a slow moment of the machine does not move. `one by one` waits for each answer before the
next call, `burst` has all calls outstanding at once. `harness` answers without any library: it is what the
measuring itself adds to every line. Before anything is timed, the answers of all libraries are held to be
the same. `wisp module` is the same bot in a module, whose gate is asked before each call.
Ends with 1 where a budget is missed or an answer differs, else with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import wire
from compare import (
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
from libraries import BARE, BUTTONS, IN_MODULE, LIBRARIES, LIGHTBULB, WISP, Bot, Feed

HARNESS = "harness"
PATIENCE = 30.0  # seconds for a batch, before a library counts as one that does not answer


@dataclass(frozen=True)
class Case:
    """One line of work: what Discord sends, and the answer that every library must give to it."""

    name: str
    data: Callable[[int], Mapping[str, Any]]
    content: str
    kind: int = wire.COMMAND
    libraries: tuple[str, ...] = (*LIBRARIES, HARNESS)
    live: int = 1  # messages with buttons that are alive
    budgets: tuple[Budget, ...] = (Budget(WISP, BARE, 1.0), Budget(WISP, LIGHTBULB, 0.40))

    def texts(self, count: int, first: int) -> list[bytes]:
        numbers = range(first, first + count)
        return [wire.interaction_text(self.kind, self.data(number % self.live), number) for number in numbers]


# /guarded has a cooldown and a permission check: beside a bare listener without any, and lightbulb with its own.
# wisp counts and times every call, as it always does; the others have no metrics.
CASES = (
    Case("/ping", lambda _: wire.PING, content="Pong"),
    Case("/greet", lambda _: wire.GREET, content=f"Hello <@{wire.BOB}>! (3 times)"),
    Case(
        "/guarded",
        lambda _: wire.GUARDED,
        content="Pong",
        libraries=tuple(name for name in (*LIBRARIES, HARNESS) if name != IN_MODULE),
    ),
    *(
        Case(
            f"a button, {live:,} live message{'s' if live > 1 else ''}",
            wire.press,
            content="Voted yes",
            kind=wire.COMPONENT,
            libraries=(*BUTTONS, HARNESS),
            live=live,
            budgets=(),
        )
        for live in (1, 10_000)
    ),
)


@asynccontextmanager
async def harness_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    """No library at all: one task a call, one request."""
    tasks: set[asyncio.Task[None]] = set()

    async def answer() -> None:
        url = "https://discord.com/api/v10/interactions/1/token/callback?with_response=true"
        async with session.request("POST", url, data=b'{"type":4,"data":{"content":""}}') as response:
            await response.read()

    async def feed(text: bytes) -> None:
        task = asyncio.create_task(answer())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    yield feed


class Bench:
    """The bots that run, and the numbers that make each interaction of a run the only one of its kind."""

    def __init__(self, live: int) -> None:
        self.live = live
        self.bots: dict[str, tuple[Feed, wire.Session]] = {}
        self._made = 0

    async def start(self, stack: AsyncExitStack) -> list[str]:
        """Start every library that is here; the names of those that are not."""
        absent: list[str] = []
        for name, library in LIBRARIES.items():
            if importable(library.module):
                await self._start(stack, name, library.bot)
            else:
                absent.append(name)
        await self._start(stack, HARNESS, harness_bot)
        return absent

    async def _start(self, stack: AsyncExitStack, name: str, bot: Bot) -> None:
        session = wire.Session()
        self.bots[name] = (await stack.enter_async_context(bot(session, self.live)), session)

    async def run(self, name: str, case: Case, calls: int, *, burst: bool) -> tuple[int, list[Any]]:
        """Make `calls` calls: the CPU nanoseconds that they took in all, and what was sent."""
        feed, session = self.bots[name]
        texts = case.texts(calls, self._made)
        self._made += calls
        session.forget(case.content)
        others = asyncio.all_tasks()
        try:
            async with asyncio.timeout(PATIENCE):
                began = cpu_ns()
                if burst:
                    for text in texts:
                        await feed(text)
                    await session.reached(calls)
                else:
                    for number, text in enumerate(texts, start=1):
                        await feed(text)
                        await session.reached(number)
                await at_rest(others)
                took = cpu_ns() - began
        except TimeoutError:
            raise SystemExit(
                f"{name}, {case.name}: {len(session.calls)} of {calls} answers after {PATIENCE:.0f} s"
            ) from None
        if len(session.calls) != calls:
            raise SystemExit(f"{name}, {case.name}: {len(session.calls)} requests for {calls} calls")
        return took, list(session.calls)


async def at_rest(others: set[asyncio.Task[Any]]) -> None:
    """Let handlers end: what they do after their request belongs to the call."""
    for _ in range(20):  # a task that waits for something else, such as a timer, is not waited for
        await asyncio.sleep(0)
        if asyncio.all_tasks() <= others:
            return


async def wrong_answers(bench: Bench, case: Case) -> dict[str, str]:
    """What is wrong with each library's answer to one call of `case`: nothing, and the bench may begin."""
    wrong: dict[str, str] = {}
    expected = ("POST", "interactions/{id}/{token}/callback", 4, case.content)
    for name in bench.bots.keys() & set(case.libraries) - {HARNESS}:
        _, calls = await bench.run(name, case, 1, burst=True)
        method, path, body = wire.sent(calls[0])
        got = (method, path, body["type"], body["data"].get("content"))
        if got != expected:
            wrong[name] = f"expected {expected}, got {got}"
    return wrong


async def measure(bench: Bench, case: Case, rounds: int, calls: int, *, burst: bool) -> Samples:
    """Microseconds a call, by library, one value a round."""
    samples = Samples()
    names = [name for name in bench.bots if name in case.libraries]
    for name in names:
        await bench.run(name, case, calls, burst=burst)
    for order in shuffled_rounds(names, rounds):
        settle_garbage()
        for name in order:
            took, _ = await bench.run(name, case, calls, burst=burst)
            samples.add(name, took / calls / 1000)
    return samples


def introduce(absent: Sequence[str], rounds: int, calls: int) -> None:
    print(f"dispatch: {rounds} rounds of {calls} calls, CPU time, {machine()}")
    if importable("orjson"):
        print("ATTENTION: orjson is here and in use: these are not the figures of a plain pip install")
    present = [name for name in LIBRARIES if name not in absent]
    print("libraries: " + ", ".join(f"{name} {installed(LIBRARIES[name].distribution)}" for name in present))
    for name in absent:
        print(f"{name}: left out, {LIBRARIES[name].module} cannot be imported")


async def compare_all(rounds: int, calls: int) -> int:
    """Run every case and print its tables; how many budgets were missed or answers were wrong."""
    judged: list[Verdict] = []
    wrong = 0
    for live in sorted({case.live for case in CASES}):
        bench = Bench(live)
        async with AsyncExitStack() as stack:
            absent = await bench.start(stack)
            if live == 1:
                introduce(absent, rounds, calls)
            for case in [case for case in CASES if case.live == live]:
                for name, problem in (await wrong_answers(bench, case)).items():
                    print(f"{case.name}: {name} does not answer as the others: {problem}")
                    wrong += 1
                judged += await compare(bench, case, rounds, calls)
    return wrong + report(judged, nothing=f"none to judge: {WISP} is not here")


async def compare(bench: Bench, case: Case, rounds: int, calls: int) -> list[Verdict]:
    """Measure one case, print its tables, judge its budgets."""
    judged: list[Verdict] = []
    for burst in (False, True):
        samples = await measure(bench, case, rounds, calls, burst=burst)
        title = f"{case.name}, {f'burst of {calls}' if burst else 'one by one'}"
        present = [name for name in bench.bots if name in case.libraries]
        print("\n" + table(title, "us", samples, present, [BARE, LIGHTBULB]))
        judged += verdicts(title, "us", samples, case.budgets)
    return judged


def main() -> int:
    parser = argparse.ArgumentParser(description="What a command call costs, libraries side by side.")
    parser.add_argument("--rounds", type=int, default=30, help="how often each library is measured (30)")
    parser.add_argument("--calls", type=int, default=100, help="calls in a round (100)")
    parser.add_argument("--quick", action="store_true", help="a short look: 5 rounds")
    arguments = parser.parse_args()
    rounds = 5 if arguments.quick else arguments.rounds
    return 1 if asyncio.run(compare_all(rounds, arguments.calls)) else 0


if __name__ == "__main__":
    sys.exit(main())
