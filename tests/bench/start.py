"""What starting costs: `import` and a bot with one command, in fresh processes, libraries side by side.

    python tests/bench/start.py [--rounds 12] [--quick]

Two stages, each in a process of its own: `built` imports the library, makes a bot with the one command
/hello, and ends. `run` goes on into the library's own way to run a bot, up to the moment when it looks up
the first host name; there the process ends. The second stage is where whoever imports late pays. Its memory has no
budget: wisp has opened its database by then, and the others have none.

How to read it: `ms` is the median over rounds of the CPU time of the whole process, from exec to exit
(user and system, all threads); MB is the most memory that was resident. In each round every library starts
once, in shuffled order; `x other` is the median of the rounds' own ratios. `python` is the interpreter
alone, in every line. One unmeasured round goes first: it writes all byte code, and warms the file cache.

Last, on a warm process, a test that uses `wisp.testing.connect`: open, one command, close, on an event loop
of its own, and a hundred of them. `waits` is the least that one run took longer than its CPU time: a sleep anywhere
shows there.
Ends with 1 where a budget is missed, else with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

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
    shuffled_rounds,
    table,
    verdicts,
)

BARE, LIGHTBULB, WISP, IMPORT_WISP, PYTHON = "bare hikari", "lightbulb", "wisp", "import wisp", "python"
TOKEN = "MTE4MDAwMDAwMDAwMDAwMDAwMQ.bench0.not-a-real-token"

# The child tells its own peak: in ru_maxrss the kernel counts what the parent held before exec.
PEAK = """
def tell_peak():
    import os, resource
    try:
        with open("/proc/self/status") as status:
            peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    except FileNotFoundError:
        peak = str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    os.write(1, b"peak " + peak.encode())
"""

# The look-up happens in a thread of the loop's executor: only _exit ends the process from there.
STOP_AT_NETWORK = """
def stop(*_, **__):
    import os
    tell_peak()
    os._exit(0)
import socket
socket.getaddrinfo = stop
"""


class Program(NamedTuple):
    """The smallest bot in one library: what builds it, what runs it, what must be there for it."""

    build: str
    run: str = ""
    module: str = "sys"
    distribution: str = ""


PROGRAMS = {
    PYTHON: Program(build=""),
    IMPORT_WISP: Program(build="import wisp", module="wisp.bot"),
    BARE: Program(
        build="""
import hikari
bot = hikari.GatewayBot(TOKEN, banner=None)
@bot.listen()
async def answer(event: hikari.InteractionCreateEvent) -> None:
    if isinstance(event.interaction, hikari.CommandInteraction) and event.interaction.command_name == "hello":
        await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "Hello")
""",
        run="bot.run(check_for_updates=False)",
        module="hikari",
        distribution="hikari",
    ),
    LIGHTBULB: Program(
        build="""
import hikari, lightbulb
bot = hikari.GatewayBot(TOKEN, banner=None)
client = lightbulb.client_from_app(bot)
bot.subscribe(hikari.StartingEvent, client.start)
@client.register
class Hello(lightbulb.SlashCommand, name="hello", description="Say hello"):
    @lightbulb.invoke
    async def invoke(self, ctx: lightbulb.Context) -> None:
        await ctx.respond("Hello")
""",
        run="bot.run(check_for_updates=False)",
        module="lightbulb",
        distribution="hikari-lightbulb",
    ),
    WISP: Program(
        build="""
import wisp
bot = wisp.Bot(token=TOKEN)
@bot.command
async def hello(ctx: wisp.Context) -> str:
    "Say hello."
    return "Hello"
""",
        run="bot.run()",
        module="wisp.bot",
        distribution="wisp-lite",
    ),
    "arc": Program(
        build="""
import hikari, arc
bot = hikari.GatewayBot(TOKEN, banner=None)
client = arc.GatewayClient(bot)
@client.include
@arc.slash_command("hello", "Say hello")
async def hello(ctx: arc.GatewayContext) -> None:
    await ctx.respond("Hello")
""",
        run="bot.run(check_for_updates=False)",
        module="arc",
        distribution="hikari-arc",
    ),
    "crescent": Program(
        build="""
import hikari, crescent
bot = hikari.GatewayBot(TOKEN, banner=None)
client = crescent.Client(bot)
@client.include
@crescent.command(name="hello", description="Say hello")
async def hello(ctx: crescent.Context) -> None:
    await ctx.respond("Hello")
""",
        run="bot.run(check_for_updates=False)",
        module="crescent",
        distribution="hikari-crescent",
    ),
    "discord.py": Program(
        build="""
import discord
from discord import app_commands
bot = discord.Client(intents=discord.Intents.default())
tree = app_commands.CommandTree(bot)
@tree.command(name="hello", description="Say hello")
async def hello(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("Hello")
""",
        run="bot.run(TOKEN)",
        module="discord",
        distribution="discord.py",
    ),
}
BUDGETS_CPU = (Budget(WISP, LIGHTBULB, 1.03),)
BUDGETS_MEMORY = (Budget(WISP, LIGHTBULB, 3.0, added=True),)
CONNECT_CPU_MS = 50.0
HUNDRED_S = 10.0  # the wall time of a hundred such tests, one after the other
CONNECT_WAIT_MS = 10.0  # what the loop's own turns and the other end's may take; hikari's sleep would be 250


def source(program: Program, stage: str) -> str:
    """The child's whole program for a stage."""
    setting = f"TOKEN = {TOKEN!r}"
    if stage == "built":
        return "\n".join([PEAK, setting, program.build, "tell_peak()"])
    return "\n".join([PEAK, STOP_AT_NETWORK, setting, program.build, program.run])


class Cost(NamedTuple):
    """One process, from exec to exit: CPU milliseconds and peak resident MB."""

    cpu_ms: float
    peak_mb: float


def start(code: str, directory: str) -> Cost:
    """Run `code` in a new interpreter; raises RuntimeError where it fails or never comes to its end."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, search_path())),
        "PYTHONPYCACHEPREFIX": os.path.join(directory, "bytecode"),  # written by the first round, for all alike
    }
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        out, errors = child.stdout.read(), child.stderr.read()  # type: ignore[union-attr]
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    peak = out.rpartition(b"peak ")[2]
    if child.returncode != 0 or not peak.isdigit():
        raise RuntimeError(f"the child ended with {child.returncode}:\n{(out + errors).decode()}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, int(peak) / 1024)


def search_path() -> list[str]:
    """PYTHONPATH as this process has it: children run elsewhere, so that nothing is left in the sources."""
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def measure(stage: str, names: list[str], rounds: int) -> tuple[Samples, Samples]:
    """CPU milliseconds and peak MB by library, one value a round."""
    cpu, memory = Samples(), Samples()
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            start(source(PROGRAMS[name], stage), directory)
        for order in shuffled_rounds(names, rounds):
            for name in order:
                cost = start(source(PROGRAMS[name], stage), directory)
                cpu.add(name, cost.cpu_ms)
                memory.add(name, cost.peak_mb)
    return cpu, memory


def compare_stages(rounds: int) -> list[Verdict]:
    """Both stages: tables printed, budgets judged."""
    present = [name for name, program in PROGRAMS.items() if importable(program.module)]
    releases = [f"{name} {installed(PROGRAMS[name].distribution)}" for name in present if PROGRAMS[name].distribution]
    print("libraries: " + ", ".join(releases))
    for name, program in PROGRAMS.items():
        if name not in present:
            print(f"{name}: left out, {program.module} cannot be imported")
    judged: list[Verdict] = []
    for stage in ("built", "run"):
        names = [name for name in present if stage == "built" or PROGRAMS[name].run]
        cpu, memory = measure(stage, names, rounds)
        print("\n" + table(f"{stage}, CPU", "ms", cpu, names, [BARE, LIGHTBULB]))
        print("\n" + table(f"{stage}, memory", "MB", memory, names, [BARE, LIGHTBULB]))
        judged += verdicts(f"{stage}, CPU", "ms", cpu, BUDGETS_CPU)
        judged += verdicts(f"{stage}, memory", "MB", memory, BUDGETS_MEMORY if stage == "built" else ())
    return judged


def compare_connects(runs: int) -> list[Verdict]:
    """A `connect()` test on a warm process: figures printed, budgets judged."""
    if not importable("wisp.testing"):
        print("\nconnect(): left out, wisp.testing cannot be imported")
        return []
    import wisp
    from wisp.testing import connect

    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        """Say hello."""
        return "Hello"

    async def test() -> None:
        async with connect(bot) as discord:
            reply = await discord.member("ada").slash("hello")
            assert reply.content == "Hello"

    for _ in range(3):
        asyncio.run(test())
    samples = Samples()
    for _ in range(runs):
        wall, cpu = time.perf_counter_ns(), cpu_ns()
        asyncio.run(test())
        samples.add("CPU", (cpu_ns() - cpu) / 1e6)
        samples.add("wall", (time.perf_counter_ns() - wall) / 1e6)
    waits = min(wall - cpu for wall, cpu in zip(samples.values["wall"], samples.values["CPU"], strict=True))
    print(f"\n{f'a connect() test, {runs} runs':<34}{'ms':>12}")
    print(f"  {'CPU':<32}{samples.median('CPU'):>12.1f}\n  {'wall':<32}{samples.median('wall'):>12.1f}")
    print(f"  {'waits':<32}{waits:>12.1f}")
    began = time.perf_counter()
    for _ in range(100):
        asyncio.run(test())
    hundred = time.perf_counter() - began
    print(f"  {'a hundred of them, wall, s':<32}{hundred:>12.1f}")
    return [
        judge("a connect() test: CPU", samples.median("CPU"), CONNECT_CPU_MS, unit=" ms"),
        judge("a connect() test: waits", waits, CONNECT_WAIT_MS, unit=" ms"),
        judge("a hundred connect() tests: wall", hundred, HUNDRED_S, unit=" s"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="What starting a bot costs, libraries side by side.")
    parser.add_argument("--rounds", type=int, default=12, help="how often each library is started (12)")
    parser.add_argument("--quick", action="store_true", help="a short look: 3 rounds")
    arguments = parser.parse_args()
    rounds = 3 if arguments.quick else arguments.rounds
    print(f"start: {rounds} rounds, fresh processes, {machine()}")
    judged = compare_stages(rounds) + compare_connects(10 if arguments.quick else 30)
    return 1 if report(judged, nothing=f"none to judge: {WISP} is not here") else 0


if __name__ == "__main__":
    sys.exit(main())
