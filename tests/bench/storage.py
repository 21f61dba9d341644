"""What keeping a value and reading it cost, beside what people write by hand, in CPU time and in rate.

    python tests/bench/storage.py [--rounds 9] [--quick] [--full]

`aiosqlite` is the usual hand-made store: one connection (WAL, synchronous NORMAL), each write an `execute` and a
`commit`, each read an `execute` and a `fetchone`, values in JSON. `autocommit` is the same where each write is a
transaction of its own, in one trip. `SQLAlchemy` is its asyncio ORM on the same driver and settings, a session a
call. Each round begins with an empty file for everybody.

- `100 tasks set`: 100 tasks at once, each setting its own keys, one after the other.
  `aiosqlite` commits each write there only by luck: tasks that share a connection fall into step in some runs, all
  execute, the first commit serves all, and the rest find nothing to do, which makes it three times cheaper. The
  budget is for a commit each, so `autocommit` is judged, the cheapest store that truly commits each write; what
  `aiosqlite` took in this run stands beside it.
- `1 task sets`: the same by one task alone, judged against `aiosqlite`, which here commits each.
- `hot get`: a few keys again and again. `cold get`: each key once, nothing of them in memory.

How to read it: `us` is the median over rounds of a call's CPU time (all threads, user and system) or, in the
tables of rates, of the time by the wall that it took; `x other` is the median of the rounds' own ratios, which a
slow moment of the machine does not move.

Last, `latency`: the time by the wall of single reads, hot and cold, in a file of 10,000 and 100,000 values
(and of a million, with --full). Ends with 1 where a budget is missed, else with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from statistics import quantiles
from typing import Any, Literal, Protocol

import aiosqlite
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

from wisp.services.database import DatabaseService
from wisp.services.guild_data import GuildData

WISP, NAIVE, COMMITTING, ORM = "wisp", "aiosqlite", "autocommit", "SQLAlchemy"
TASKS = 100
HOT_KEYS = 20
BUDGETS_CPU = {
    "100 tasks set": Budget(WISP, COMMITTING, 0.3),
    "1 task sets": Budget(WISP, NAIVE, 1.0),
    "hot get": Budget(WISP, NAIVE, 0.03),
    "cold get": Budget(WISP, NAIVE, 0.5),
}
BUDGETS_WALL = {
    "100 tasks set": Budget(WISP, COMMITTING, 1 / 2.5),  # 2.5 times the rate
    "1 task sets": Budget(WISP, NAIVE, 1.0),
}


class Store(Protocol):
    """What every side does: keep and read one value of a guild."""

    async def open(self, path: str) -> None: ...

    async def set(self, guild: int, key: str, value: Any) -> None: ...

    async def get(self, guild: int, key: str) -> Any: ...

    async def cool(self) -> None:
        """Forget what is in memory."""
        ...

    async def close(self) -> None: ...


class WispStore:
    """Guild data, through the calls of the guide."""

    async def open(self, path: str) -> None:
        self.db = DatabaseService(path)
        self.data = GuildData(self.db)
        await self.db.start()

    async def set(self, guild: int, key: str, value: Any) -> None:
        await self.data.set(guild_id=guild, key=key, value=value, module_name="bench")

    async def get(self, guild: int, key: str) -> Any:
        return await self.data.get(guild_id=guild, key=key, module_name="bench")

    async def cool(self) -> None:
        await self.data.start()

    async def close(self) -> None:
        await self.data.stop()
        await self.db.stop()


class NaiveStore:
    """aiosqlite as its README has it."""

    isolation_level: Literal["DEFERRED"] | None = "DEFERRED"

    async def open(self, path: str) -> None:
        self.db = await aiosqlite.connect(path, isolation_level=self.isolation_level)
        await self.db.execute("PRAGMA journal_mode = WAL")
        await self.db.execute("PRAGMA synchronous = NORMAL")
        await self.db.execute("CREATE TABLE guild_data (guild INTEGER, key TEXT, value TEXT, PRIMARY KEY (guild, key))")

    async def set(self, guild: int, key: str, value: Any) -> None:
        await self.db.execute("INSERT OR REPLACE INTO guild_data VALUES (?, ?, ?)", (guild, key, json.dumps(value)))
        await self.db.commit()

    async def get(self, guild: int, key: str) -> Any:
        async with self.db.execute("SELECT value FROM guild_data WHERE guild = ? AND key = ?", (guild, key)) as cursor:
            row = await cursor.fetchone()
        return json.loads(row[0]) if row else None

    async def cool(self) -> None:
        pass

    async def close(self) -> None:
        await self.db.close()


class CommittingStore(NaiveStore):
    """The same in SQLite's autocommit mode: a write is a transaction of its own, whoever else writes."""

    isolation_level = None

    async def set(self, guild: int, key: str, value: Any) -> None:
        await self.db.execute("INSERT OR REPLACE INTO guild_data VALUES (?, ?, ?)", (guild, key, json.dumps(value)))


class OrmStore:
    """SQLAlchemy's asyncio ORM: merge and commit, get by primary key."""

    async def open(self, path: str) -> None:
        from sqlalchemy import event
        from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

        self.entry = orm_entry()
        self.engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

        @event.listens_for(self.engine.sync_engine, "connect")
        def configure(connection: Any, _: object) -> None:
            for setting in ("journal_mode = WAL", "synchronous = NORMAL"):
                connection.cursor().execute(f"PRAGMA {setting}")

        self.session = async_sessionmaker(self.engine)
        async with self.engine.begin() as connection:
            await connection.run_sync(self.entry.metadata.create_all)

    async def set(self, guild: int, key: str, value: Any) -> None:
        async with self.session() as session:
            await session.merge(self.entry(guild=guild, key=key, value=value))
            await session.commit()

    async def get(self, guild: int, key: str) -> Any:
        async with self.session() as session:
            entry = await session.get(self.entry, (guild, key))
        return entry.value if entry else None

    async def cool(self) -> None:
        pass

    async def close(self) -> None:
        await self.engine.dispose()


@cache  # SQLAlchemy keeps a registry of mapped classes, and takes each once
def orm_entry() -> Any:
    """The mapped class of a value."""
    from sqlalchemy import JSON, BigInteger, String
    from sqlalchemy.orm import DeclarativeBase, mapped_column

    class Base(DeclarativeBase):
        pass

    class Entry(Base):
        __tablename__ = "guild_data"
        guild = mapped_column(BigInteger, primary_key=True)
        key = mapped_column(String, primary_key=True)
        value = mapped_column(JSON)

    return Entry


STORES: dict[str, Callable[[], Store]] = {
    WISP: WispStore,
    NAIVE: NaiveStore,
    COMMITTING: CommittingStore,
    ORM: OrmStore,
}


# ---- the work ----


async def sets(store: Store, guild: int, count: int) -> None:
    for number in range(count):
        await store.set(guild, f"key{number}", number)


async def gets(store: Store, guild: int, keys: Sequence[str]) -> None:
    for key in keys:
        await store.get(guild, key)


class Round:
    """One round of one store, in a file of its own: what each kind of call took."""

    def __init__(self, name: str, cpu: dict[str, Samples], wall: dict[str, Samples]) -> None:
        self.name = name
        self.cpu = cpu
        self.wall = wall

    async def timed(self, case: str, calls: int, work: Awaitable[object]) -> None:
        settle_garbage()
        began, began_cpu = time.perf_counter_ns(), cpu_ns()
        await work
        self.cpu.setdefault(case, Samples()).add(self.name, (cpu_ns() - began_cpu) / calls / 1000)
        self.wall.setdefault(case, Samples()).add(self.name, (time.perf_counter_ns() - began) / calls / 1000)

    async def run(self, store: Store, path: str, calls: int) -> None:
        await store.open(path)
        try:
            each = calls // 20
            tasks = [sets(store, guild + 1, each) for guild in range(TASKS)]
            await sets(store, TASKS + 1, HOT_KEYS)  # the first of a store pays for its preparations
            await self.timed("100 tasks set", TASKS * each, asyncio.gather(*tasks))
            await self.timed("1 task sets", calls, sets(store, TASKS + 2, calls))
            hot = [f"key{number % HOT_KEYS}" for number in range(calls * 5)]
            await self.timed("hot get", len(hot), gets(store, TASKS + 1, hot))
            await store.cool()
            await self.timed("cold get", calls, gets(store, TASKS + 2, [f"key{number}" for number in range(calls)]))
            assert await store.get(TASKS + 2, f"key{calls - 1}") == calls - 1
        finally:
            await store.close()


def compare(rounds: int, calls: int, directory: str) -> list[Verdict]:
    """All stores: tables printed, budgets judged."""
    present = [name for name in STORES if name != ORM or importable("sqlalchemy.ext.asyncio")]
    print(
        f"libraries: aiosqlite {installed('aiosqlite')}" + f", SQLAlchemy {installed('sqlalchemy')}" * (ORM in present)
    )
    if ORM not in present:
        print(f"{ORM}: left out, it cannot be imported")
    cpu: dict[str, Samples] = {}
    wall: dict[str, Samples] = {}
    for number, order in enumerate(shuffled_rounds(present, rounds)):
        for name in order:
            path = str(Path(directory) / f"{name}{number}.db")
            asyncio.run(Round(name, cpu, wall).run(STORES[name](), path, calls))
    judged: list[Verdict] = []
    for title, unit, samples, budgets in (("CPU", "us", cpu, BUDGETS_CPU), ("wall", "us", wall, BUDGETS_WALL)):
        for case, measured in samples.items():
            print("\n" + table(f"{case}, {title}", unit, measured, present, [NAIVE, COMMITTING]))
            judged += verdicts(f"{case}, {title}", unit, measured, [budgets[case]] if case in budgets else [])
    return judged


# ---- latency in a large file ----


async def latency(size: int, path: str) -> None:
    """Read single values out of `size`, and print how long that took."""
    store = WispStore()
    await store.open(path)
    guilds = 1000
    for guild in range(1, guilds + 1):
        values = {f"key{number}": number for number in range(size // guilds)}
        await store.data.set_many(guild_id=guild, values=values, module_name="bench")
    await store.cool()
    order = random.Random(SEED)
    places = [(order.randrange(guilds) + 1, f"key{order.randrange(size // guilds)}") for _ in range(1000)]
    for kind in ("cold", "hot"):
        took: list[float] = []
        for guild, key in places:
            began = time.perf_counter_ns()
            await store.get(guild, key)
            took.append((time.perf_counter_ns() - began) / 1000)
        cuts = quantiles(took, n=100)
        print(f"  {f'{size:,} values, {kind}':<32}{cuts[49]:>12.1f}{cuts[98]:>12.1f}")
    await store.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="What keeping and reading a value cost, beside hand-made stores.")
    parser.add_argument("--rounds", type=int, default=9, help="how often each store is measured (9)")
    parser.add_argument("--quick", action="store_true", help="a short look: 3 rounds, fewer calls")
    parser.add_argument("--full", action="store_true", help="latency among a million values as well")
    arguments = parser.parse_args()
    rounds, calls = (3, 200) if arguments.quick else (arguments.rounds, 600)
    print(f"storage: {rounds} rounds, {machine()}")
    with tempfile.TemporaryDirectory() as directory:
        judged = compare(rounds, calls, directory)
        print(f"\n{'latency of a get':<34}{'median us':>12}{'99 % us':>12}")
        for size in (10_000, 100_000, *([1_000_000] if arguments.full else [])):
            asyncio.run(latency(size, str(Path(directory) / f"{size}.db")))
    return 1 if report(judged, nothing="none to judge") else 0


if __name__ == "__main__":
    sys.exit(main())
