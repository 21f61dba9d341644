"""Requests per answer when Discord takes long to confirm: what wisp repeats, with this many people at once.

python tests/bench/confirmations.py [--rounds 3] [--seconds 1.0]

A real bot on a sandbox in the same process answers each of 1, 10, 100 and 300 commands that come at once. The sandbox
takes each answer at once, and confirms it after `--seconds`. Budget at 1.0 s: 1.01 requests per answer.
"""

import argparse
import asyncio
from tempfile import TemporaryDirectory

from aiohttp import web
from aiohttp.typedefs import Handler

import wisp
from wisp.sandbox.people.person import People
from wisp.sandbox.server import Sandbox

BUDGET = 1.01
AT_ONCE = (1, 10, 100, 300)


class Counter:
    """A Discord that confirms late, and counts the requests that answer interactions."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.requests = 0

    @web.middleware
    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.path.endswith("/callback"):
            self.requests += 1
            await asyncio.sleep(self.seconds)
        return response


def bot_on(sandbox: Sandbox, folder: str) -> wisp.Bot:
    bot = wisp.Bot(token=sandbox.token, rest_url=sandbox.rest_url, database=f"{folder}/wisp.db", log_level="ERROR")

    @bot.command
    async def ping(ctx: wisp.Context) -> str:
        """Ping."""
        return "pong"

    return bot


async def measure(seconds: float, rounds: int) -> None:
    counter = Counter(seconds)
    sandbox = Sandbox()
    sandbox.faults.around = counter.around  # type: ignore[method-assign, assignment]
    with TemporaryDirectory() as folder:
        async with sandbox, bot_on(sandbox, folder):
            people = People(sandbox.world, patience=20)
            print(f"{'at once':>8}{'answered':>10}{'requests per answer':>22}")
            for at_once in AT_ONCE:
                counter.requests = answered = 0
                for _ in range(rounds):
                    asking = [people.member(f"p{number}").slash("ping") for number in range(at_once)]
                    answered += sum(reply.content == "pong" for reply in await asyncio.gather(*asking))
                    await asyncio.sleep(seconds + 1)
                ratio = counter.requests / (at_once * rounds)
                verdict = "" if seconds > 1 else "  ok" if ratio <= BUDGET else "  MISSED"
                print(f"{at_once:>8}{answered:>10}{ratio:>22.3f}{verdict}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.seconds, arguments.rounds))
