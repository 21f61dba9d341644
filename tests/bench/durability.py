"""Whether what was acknowledged survives `kill -9`, and nothing half done is seen after it: a loop of killed writers.

    python tests/bench/durability.py [--rounds 1000]

In each round a process with 100 concurrent writers is killed at a random moment. Before it dies it tells, for
every write that was acknowledged, which one that was; then the file, opened anew, must hold all of them:

- `set`: each writer its own key, numbers that only rise;
- `increment`: all on one key, which must have reached the highest number that anybody was told;
- `set_many`: two keys that must always be the same;
- transactions: money that moves between accounts, of which none may be lost or made, and a ledger with a row for
  each transfer.

The rounds share one file: each begins where the one before was killed. Ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import msgspec

from wisp.services.database import DatabaseService
from wisp.services.guild_data import BoundData, GuildData

GUILD = 81384788765712384
ACCOUNTS, MONEY = 5, 1000
KINDS = {"set": 60, "increment": 20, "set_many": 10, "transfer": 10}  # writers of each kind: 100
LIFETIME = (0.005, 0.06)  # seconds between the first acknowledged write and the kill

Acknowledged = dict[str, int]
"""By writer, the number of the last write that it was told is kept."""


# ---- the process that is killed ----


async def write_for_ever(path: str, tell: Callable[[bytes], object]) -> None:
    """100 tasks that write, and tell what was acknowledged, one line each: `writer number`."""
    db = DatabaseService(path)
    await db.start()
    await db.execute("CREATE TABLE IF NOT EXISTS account (number INTEGER PRIMARY KEY, money INTEGER NOT NULL)")
    await db.execute("CREATE TABLE IF NOT EXISTS ledger (writer TEXT, number INTEGER)")
    await db.batch([("INSERT OR IGNORE INTO account VALUES (?, ?)", (number, MONEY)) for number in range(ACCOUNTS)])
    data = GuildData(db).bind(guild_id=GUILD, user_id=1, module_name="durability")
    writers = [Writer(f"{kind}{number}", kind, data, db) for kind, count in KINDS.items() for number in range(count)]
    await asyncio.gather(*[writer.run(tell) for writer in writers])


class Writer:
    """One task: it writes the next number, and tells it once it is acknowledged."""

    def __init__(self, name: str, kind: str, data: BoundData, db: DatabaseService) -> None:
        self.name = name
        self.data = data
        self.db = db
        self.write: Callable[[int], Awaitable[int]] = getattr(self, kind)

    async def run(self, tell: Callable[[bytes], object]) -> None:
        number = await self.first()
        while True:
            number = await self.write(number)
            tell(f"{self.name} {number}\n".encode())
            number += 1

    async def first(self) -> int:
        row = await self.db.fetchone("SELECT max(number) FROM ledger WHERE writer = ?", (self.name,))
        return max(row[0] or 0 if row else 0, await self.data.get(self.name, default=0, type=int)) + 1

    async def set(self, number: int) -> int:
        await self.data.set(self.name, number)
        return number

    async def increment(self, number: int) -> int:
        return int(await self.data.increment("together"))

    async def set_many(self, number: int) -> int:
        await self.data.set_many({self.name: number, f"{self.name} again": number})
        return number

    async def transfer(self, number: int) -> int:
        giver, taker = random.sample(range(ACCOUNTS), 2)
        async with self.db.transaction() as tx:
            await tx.execute("UPDATE account SET money = money - 1 WHERE number = ?", (giver,))
            await tx.execute("UPDATE account SET money = money + 1 WHERE number = ?", (taker,))
            await tx.execute("INSERT INTO ledger VALUES (?, ?)", (self.name, number))
        return number


# ---- the one that kills and looks ----


def killed_round(path: str) -> Acknowledged:
    """Let a process write, kill it at a random moment: what it had been told is kept."""
    child = subprocess.Popen([sys.executable, __file__, "--write", path], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child, child.stdout as told:
        lines = [told.readline()]
        time.sleep(random.uniform(*LIFETIME))
        child.send_signal(signal.SIGKILL)
        lines += told.readlines()
    return last_numbers(lines)


def last_numbers(lines: list[bytes]) -> Acknowledged:
    last: Acknowledged = {}
    for line in lines:
        writer, number = line.decode().split()
        last[writer] = max(last.get(writer, 0), int(number))
    return last


def losses(path: str, acknowledged: Acknowledged) -> list[str]:
    """What the file should hold and does not, in words; read with nothing of wisp."""
    with closing(sqlite3.connect(path)) as file:
        values = {
            key: msgspec.msgpack.decode(value) for key, value in file.execute("SELECT key, value FROM guild_data")
        }
        ledger = dict(file.execute("SELECT writer, max(number) FROM ledger GROUP BY writer"))
        rows, numbers = file.execute("SELECT count(*), count(DISTINCT writer || ' ' || number) FROM ledger").fetchone()
        (money,) = file.execute("SELECT sum(money) FROM account").fetchone()
        (sound,) = file.execute("PRAGMA integrity_check").fetchone()
    found = [] if sound == "ok" else [f"the file is damaged: {sound}"]
    for writer, number in acknowledged.items():
        kept = ledger if writer.startswith("transfer") else values
        key = "together" if writer.startswith("increment") else writer
        if kept.get(key, 0) < number:
            found.append(f"{writer} was told that {number} is kept, the file has {kept.get(key, 0)}")
    for number in range(KINDS["set_many"]):
        pair = values.get(f"set_many{number}"), values.get(f"set_many{number} again")
        if pair[0] != pair[1]:
            found.append(f"set_many{number} is half done: {pair}")
    if money != ACCOUNTS * MONEY:
        found.append(f"a transfer is half done: {money} of {ACCOUNTS * MONEY} is there")
    if rows != numbers or rows != sum(ledger.values()):
        found.append(f"the ledger has {rows} rows for {sum(ledger.values())} transfers")
    return found


def rounds(count: int, folder: str) -> tuple[int, list[str]]:
    """Kill that often: how many writes were acknowledged in all, and what was lost."""
    path = str(Path(folder) / "wisp.db")
    highest: Acknowledged = {}
    writes = 0
    for _ in range(count):
        told = killed_round(path)
        writes += sum(number - highest.get(writer, 0) for writer, number in told.items() if "increment" not in writer)
        highest |= told
        if lost := losses(path, highest):
            return writes, lost
    return writes, []


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--write", metavar="FILE", help="be the process that is killed")
    arguments = parser.parse_args()
    if arguments.write:
        asyncio.run(write_for_ever(arguments.write, lambda line: os.write(1, line)))
    with tempfile.TemporaryDirectory() as folder:
        writes, lost = rounds(arguments.rounds, folder)
    print(f"{arguments.rounds} rounds, {writes} writes acknowledged (increments not counted), {len(lost)} lost")
    print("\n".join(lost))
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
