"""What was acknowledged survives `kill -9`; the bench of the same name does this a thousand times."""

import importlib.util
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def durability() -> ModuleType:
    path = Path(__file__).parent / "bench" / "durability.py"
    spec = importlib.util.spec_from_file_location("durability", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ten_killed_processes_lose_no_acknowledged_write(durability: ModuleType, tmp_path: Path) -> None:
    writes, lost = durability.rounds(10, str(tmp_path))
    assert lost == []
    assert writes > 100


@pytest.fixture(scope="module")
def undamaged(durability: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A file that killed processes wrote, and what was acknowledged: at least one write of each kind."""
    directory = tmp_path_factory.mktemp("undamaged")
    path = str(directory / "wisp.db")
    acknowledged: dict[str, int] = {}
    while {writer.rstrip("0123456789") for writer in acknowledged} != set(durability.KINDS):
        acknowledged |= durability.killed_round(path)
    assert durability.losses(path, acknowledged) == []
    return directory, acknowledged


@pytest.fixture
def written(undamaged: tuple[Path, dict[str, int]], tmp_path: Path) -> tuple[str, dict[str, int]]:
    """A copy of that file, and what was acknowledged."""
    directory, acknowledged = undamaged
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    return str(tmp_path / "wisp.db"), acknowledged


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM guild_data WHERE key = 'together'", "the file has 0"),
        ("UPDATE guild_data SET value = x'00' WHERE key GLOB 'set[0-9]*'", "is kept, the file has 0"),
        ("DELETE FROM guild_data WHERE key GLOB 'set_many* again'", "is half done"),
        ("UPDATE account SET money = money + 1 WHERE number = 0", "a transfer is half done: 5001 of 5000"),
        ("INSERT INTO ledger SELECT writer, number FROM ledger LIMIT 1", "the ledger has"),
        ("DELETE FROM ledger", "is kept, the file has 0"),
    ],
)
def test_what_was_lost_is_noticed(
    durability: ModuleType, written: tuple[str, dict[str, int]], damage: str, words: str
) -> None:
    path, acknowledged = written
    with closing(sqlite3.connect(path)) as file:
        file.execute(damage)
        file.commit()
    assert words in " ".join(durability.losses(path, acknowledged))


# ---- one-shot jobs ----

JOBS = """
import asyncio, os, sys
import wisp
from wisp.local.runner import on_sandbox

bot = wisp.Bot()
path, rounds = sys.argv[1], int(sys.argv[2])
log = os.open(path + ".ran", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


@bot.job("work")
async def work(number: int) -> None:
    await asyncio.sleep(0.005)  # so that some are killed while they run
    os.write(log, b"%d\\n" % number)


async def main() -> None:
    async with on_sandbox(bot, keep=path):
        scheduler = bot.services.get("scheduler")
        print("up", flush=True)

        async def ask(number: int) -> None:
            job = await scheduler.once("work", delay=number % 7 * 0.01, data={"number": number})
            os.write(1, b"%d %d\\n" % (job.id, number))

        first = rounds * 100_000
        while rounds >= 0:
            await asyncio.gather(*[ask(first + number) for number in range(20)])
            first += 20
        while await scheduler.pending():
            await asyncio.sleep(0.01)


asyncio.run(main())
"""


def test_killed_processes_lose_no_job_that_was_acknowledged(tmp_path: Path) -> None:
    path = str(tmp_path / "wisp.db")
    program = tmp_path / "jobs.py"
    program.write_text(JOBS)
    asked: dict[int, int] = {}
    for number in range(3):
        command = [sys.executable, str(program), path, str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"up\n"
            time.sleep(random.uniform(0.05, 0.3))
            child.send_signal(signal.SIGKILL)
            for line in child.stdout.readlines():
                if line.endswith(b"\n"):
                    id, work = map(int, line.split())
                    assert id not in asked
                    asked[id] = work
    subprocess.run(
        [sys.executable, str(program), path, "-1"], cwd=tmp_path, check=True, timeout=60, capture_output=True
    )
    ran = [int(line) for line in (tmp_path / "wisp.db.ran").read_text().split()]
    assert set(asked.values()) - set(ran) == set()
    assert len(asked) > 30
    assert len(ran) - len(set(ran)) < len(ran) / 2  # what ran was removed: only what the kill cut off runs twice


# ---- answers: what an answer told is kept ----

ANSWERS = """
import asyncio, os, signal, sys
import wisp
from wisp.local.runner import on_sandbox
from wisp.sandbox.people.person import People
from wisp.sandbox.world.changes import InteractionAnswered
from wisp.services.database import DatabaseService

bot = wisp.Bot()
path, name, *words = sys.argv[1:]
execute = DatabaseService.execute


async def slow(*arguments):
    await asyncio.sleep(0.05)  # a disk that takes longer than an answer
    return await execute(*arguments)


@bot.command
@wisp.cooldown(3600.0)
async def daily(ctx: wisp.Context) -> str:
    return "done"


@bot.command
@wisp.cooldown(uses=2, per=3600.0)
async def fails(ctx: wisp.Context) -> str:
    raise ValueError


class Greeter(wisp.Module):
    name = "greeter"


bot.modules.register(Greeter())


def kill(change: object) -> None:
    if isinstance(change, InteractionAnswered):
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    async with on_sandbox(bot, keep=path) as sandbox:
        ada = People(sandbox.world).member("ada")
        DatabaseService.execute = slow
        sandbox.world.changes.subscribe(kill)
        await ada.slash(name, **dict(word.split(":") for word in words))


asyncio.run(main())
"""


def test_what_an_answer_says_survives_kill_9_at_the_moment_of_the_answer(tmp_path: Path) -> None:
    program = tmp_path / "answers.py"
    program.write_text(ANSWERS)
    expected = {
        ("daily",): ("SELECT name FROM wisp_cooldowns", [(":/daily#0",)]),
        ("fails",): ("SELECT name FROM wisp_cooldowns WHERE until > 0", []),  # given back
        ("modules disable", "module:greeter"): ("SELECT module, is_enabled FROM wisp_modules", [("greeter", 0)]),
    }
    running = {
        words: subprocess.Popen(
            [sys.executable, str(program), str(tmp_path / f"{words[0]}.db"), *words], stderr=subprocess.PIPE
        )
        for words in expected
    }
    for words, process in running.items():
        _, said = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, said.decode()
        sql, rows = expected[words]
        with closing(sqlite3.connect(tmp_path / f"{words[0]}.db")) as file:
            assert file.execute(sql).fetchall() == rows
