"""What a test costs: to open and close `connect()`, to ask the bot something, and to let a day pass, in CPU time.

    python tests/bench/testing.py [--rounds 5] [--quick]

Each round runs 1, 10, 100 and 1,000 people in one `gather`, in shuffled order, against one bot on one sandbox, and
counts everything that a `slash` costs, the bot's part and Discord's, in the same process. `ms each` is the lower
quartile over rounds of CPU milliseconds a call. `connect` is an empty test in a process that has run one before;
`stock` is the same with hikari and lightbulb as their guides show it, on the same sandbox, and without data. The two
take turns: the ratio holds on any machine, the milliseconds on a quiet one. `a day` is `advance(hours=24)` with a job
every minute. All answers are held to be right.
Ends with 1 if a budget is missed, else with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hikari
import lightbulb
from compare import Samples, Verdict, cpu_ns, judge, machine, report, settle_garbage, shuffled_rounds

import wisp
from wisp.local.virtual_time import virtual_time
from wisp.sandbox.server import Sandbox
from wisp.testing import Discord, connect

AT_ONCE = (1, 10, 100, 1000)
NAMES = [f"member {number}" for number in range(max(AT_ONCE))]
EACH = 3.0  # ms CPU for a slash
FLAT = 1.25  # times what one of ten costs, for one of a thousand
CONNECT = 15.0  # ms CPU to open and close
STOCK = 1.0  # times what the libraries cost
DAY = 1000.0  # ms CPU


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def ping(ctx: wisp.Context) -> str:
        """Ping."""
        return "pong"

    return bot


def a_bot_with_a_job(runs: list[int]) -> wisp.Bot:
    bot = a_bot()

    @bot.every(minutes=1)
    async def tick() -> None:
        runs.append(len(runs))

    return bot


async def people_at_once(rounds: int) -> Samples:
    samples = Samples()
    async with connect(a_bot(), members=NAMES) as discord:
        await ask(discord, max(AT_ONCE))
        for order in shuffled_rounds([str(count) for count in AT_ONCE], rounds):
            for name in order:
                settle_garbage()
                began = cpu_ns()
                for _ in range(max(1, 10 // int(name))):
                    await ask(discord, int(name))
                samples.add(name, (cpu_ns() - began) / 1e6 / max(10, int(name)))
    return samples


async def ask(discord: Discord, count: int) -> None:
    replies = await asyncio.gather(*(discord.member(name).slash("ping") for name in NAMES[:count]))
    assert [reply.content for reply in replies] == ["pong"] * count


async def empty_tests(samples: Samples, rounds: int) -> None:
    for names in shuffled_rounds(["connect", "stock"], rounds):
        for name in names:
            for is_warm in (False, True, True, True, True):
                settle_garbage()
                began = cpu_ns()
                async with connect(a_bot()) if name == "connect" else stock_bot():
                    pass
                if is_warm:  # else it loads what the others find, from the disk or into the processor
                    samples.add(name, (cpu_ns() - began) / 1e6)


@asynccontextmanager
async def stock_bot() -> AsyncIterator[None]:
    with virtual_time() as time:
        async with Sandbox(clock=time.clock) as sandbox:
            bot = hikari.GatewayBot(
                sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None, suppress_optimization_warning=True
            )
            client = lightbulb.client_from_app(bot)
            bot.subscribe(hikari.StartingEvent, client.start)

            @client.register
            class Ping(lightbulb.SlashCommand, name="ping", description="Ping."):
                @lightbulb.invoke
                async def invoke(self, ctx: lightbulb.Context) -> None:
                    await ctx.respond("pong")

            await bot.start(check_for_updates=False)
            yield
            await client.stop()
            await bot.close()


async def days(samples: Samples, rounds: int) -> None:
    for _ in range(rounds):
        runs: list[int] = []
        async with connect(a_bot_with_a_job(runs)) as discord:
            before = len(runs)
            began = cpu_ns()
            await discord.advance(hours=24)
            samples.add("a day", (cpu_ns() - began) / 1e6)
            assert len(runs) - before == 24 * 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round: does it run?")
    arguments = parser.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    samples = asyncio.run(people_at_once(rounds))
    asyncio.run(empty_tests(samples, rounds))
    asyncio.run(days(samples, rounds))
    print(f"{machine()}, {rounds} rounds\n\n{'people at once':<16}{'ms each':>10}")
    for count in AT_ONCE:
        print(f"{count:>14}  {samples.quiet(str(count)):>10.2f}")
    judged: list[Verdict] = [
        judge("slash, 10 people at once", samples.quiet("10"), EACH, unit=" ms"),
        judge("slash, 1,000 people at once", samples.quiet("1000"), EACH, unit=" ms"),
        judge("slash, 1,000 at once against 10", samples.ratio("1000", "10"), FLAT, unit="x"),
        judge("connect(), opened and closed", samples.quiet("connect"), CONNECT, unit=" ms"),
        judge("connect(), against hikari and lightbulb", samples.ratio("connect", "stock"), STOCK, unit="x"),
        judge("advance(hours=24) with a job every minute", samples.quiet("a day"), DAY, unit=" ms"),
    ]
    return 1 if report(judged, "nothing was measured") else 0


if __name__ == "__main__":
    sys.exit(main())
