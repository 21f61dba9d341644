"""Cooldowns and concurrency: exact at their edges, given back, kept over a restart, and no place ever lost."""

import asyncio
import enum
import json
import math
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import wisp
from wisp.clock import Clock
from wisp.cooldowns import ConcurrencySlot, ConcurrencySlots, SlidingWindow
from wisp.local.runner import on_sandbox
from wisp.sandbox.people.person import People
from wisp.sandbox.world.changes import InteractionAnswered
from wisp.testing import connect


class Model:
    """A cooldown as its sentence has it: never more than `uses` within any `per` seconds."""

    def __init__(self, uses: int, per: float) -> None:
        self.uses, self.per = uses, per
        self.times: dict[int, list[float]] = {}

    def recent(self, key: int, now: float) -> list[float]:
        return [time for time in self.times.get(key, []) if now < time + self.per]

    def lets_in(self, key: int, now: float) -> bool:
        if len(self.recent(key, now)) >= self.uses:
            return False
        self.times.setdefault(key, []).append(now)
        return True


# until the next call: some seconds, or the very edge of the oldest use, and the floats beside it
STEP = st.one_of(st.floats(0, 10), st.sampled_from(["before", "edge", "after"]))


@given(
    uses=st.integers(1, 4),
    per=st.one_of(st.integers(1, 6), st.floats(1e-9, 1e6)),
    start=st.floats(0, 1e9),
    steps=st.lists(st.tuples(st.integers(0, 2), STEP, st.booleans()), max_size=60),
)
@example(uses=1, per=0.1, start=0.3, steps=[(0, 0.0, False), (0, "edge", False), (0, 0.0, False)])
def test_a_window_is_as_its_model_says_at_every_edge(
    uses: int, per: float, start: float, steps: list[tuple[int, float | str, bool]]
) -> None:
    window, model = SlidingWindow(uses, per), Model(uses, per)
    now = start
    for key, step, fails in steps:
        if isinstance(step, float):
            now += step
        elif recent := model.recent(key, now):
            edge = recent[0] + per
            now = max(now, {"before": math.nextafter(edge, 0), "edge": edge, "after": math.nextafter(edge, 1e10)}[step])
        counted = model.lets_in(key, now)
        wait = window.take(key, now)
        assert wait == 0 if counted else wait > 0
        assert [time for time in window.times(key) if now < time + per] == model.recent(key, now)
        if counted and fails:
            window.give_back(key, now)
            model.times[key].remove(now)
        cooling = sum(bool(model.recent(other, now)) for other in model.times)
        assert cooling <= len(window) <= 3


def test_a_window_holds_who_is_cooling_down_and_nobody_else() -> None:
    window = SlidingWindow(2, 10.0)
    for number in range(100_000):
        window.take(number, number / 1000)
    assert len(window) <= 10_001
    window.take("last", 1000.0)
    assert len(window) == 1


def counting_bot(*decorators: Any) -> tuple[wisp.Bot, list[str]]:
    bot = wisp.Bot()
    calls: list[str] = []

    async def act(ctx: wisp.Context, fail: str = "") -> str:
        """Act."""
        if fail == "refuse":
            raise wisp.UserError("refused")
        if fail:
            raise ValueError(fail)
        calls.append(ctx.user.username)
        return "done"

    for decorator in reversed(decorators):
        act = decorator(act)
    bot.command(act)
    return bot, calls


async def test_a_cooldown_is_told_as_discord_shows_times_and_is_over_at_its_end() -> None:
    bot, _ = counting_bot(wisp.cooldown(seconds=5.0))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("act")).content == "done"
        refused = await ada.slash("act")
        assert refused.ephemeral
        told = int(refused.content.split("<t:")[1].split(":R>")[0])
        assert 4 < told - discord.world.clock.time() <= 6
        assert (await bob.slash("act")).content == "done"
        await discord.advance(seconds=5)
        assert (await ada.slash("act")).content == "done"


async def test_calls_that_fail_or_are_refused_are_not_counted() -> None:
    bot, _ = counting_bot(wisp.cooldown(uses=1, per=60.0))
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("act", fail="refuse")).content == "refused"
        with discord.expects(ValueError):
            await ada.slash("act", fail="oops")
        assert (await ada.slash("act")).content == "done"
        assert (await ada.slash("act")).content.startswith("Slow down")


async def test_several_cooldowns_are_taken_all_or_none() -> None:
    bot, calls = counting_bot(wisp.cooldown(uses=2, per=100.0, bucket="global"), wisp.cooldown(10.0))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        await ada.slash("act")
        for _ in range(3):
            assert (await ada.slash("act")).content.startswith("Slow down")
        assert (await bob.slash("act")).content == "done"
    assert calls == ["ada", "bob"]


@pytest.mark.parametrize(
    ("bucket", "shared"),
    [("user", "ada elsewhere"), ("channel", "bob here"), ("guild", "bob here"), ("global", "everybody")],
)
async def test_buckets_say_who_shares_a_cooldown(bucket: Any, shared: str) -> None:
    bot, _ = counting_bot(wisp.cooldown(60.0, bucket=bucket))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        other = discord.guild("Other")
        elsewhere = discord.member("ada", other)
        await ada.slash("act")
        cools = {
            "ada elsewhere": (await elsewhere.slash("act")).content != "done",
            "bob here": (await bob.slash("act")).content != "done",
        }
    if bucket == "user":
        assert cools == {"ada elsewhere": True, "bob here": False}
    elif bucket == "global":
        assert cools == {"ada elsewhere": True, "bob here": True}
    else:
        assert cools == {"ada elsewhere": False, "bob here": True}
    assert shared


async def test_a_bucket_of_ones_own_counts_by_its_key_and_none_is_not_counted() -> None:
    bot, _ = counting_bot(wisp.cooldown(60.0, bucket=lambda ctx: None if ctx.user.username == "ada" else "others"))
    async with connect(bot) as discord:
        ada, bob, eve = discord.member("ada"), discord.member("bob"), discord.member("eve")
        for _ in range(3):
            assert (await ada.slash("act")).content == "done"
        assert (await bob.slash("act")).content == "done"
        assert (await eve.slash("act")).content.startswith("Slow down")


async def test_a_cooldown_on_a_group_counts_all_its_commands_together() -> None:
    bot = wisp.Bot()
    group = wisp.cooldown(60.0)(bot.group("g", "G"))

    for name in ("one", "two"):

        @group.command(name=name)
        async def act(ctx: wisp.Context) -> str:
            """Act."""
            return "done"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("g one")).content == "done"
        assert (await ada.slash("g two")).content.startswith("Slow down")


async def test_a_long_cooldown_outlives_a_restart_and_a_short_one_need_not(tmp_path: Path) -> None:
    database = str(tmp_path / "wisp.db")

    def bot() -> wisp.Bot:
        bot = wisp.Bot()

        @bot.command
        @wisp.cooldown(uses=2, per=3600.0)
        async def daily(ctx: wisp.Context, fail: bool = False) -> str:
            """Daily."""
            if fail:
                raise wisp.UserError("no")
            return "done"

        return bot

    async with on_sandbox(bot(), keep=database) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("daily")).content == "done"
        assert (await ada.slash("daily", fail=True)).content == "no"
    async with on_sandbox(bot(), keep=database) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("daily")).content == "done"  # the one that failed was given back
        assert (await ada.slash("daily")).content.startswith("Slow down")
    clock = Clock()
    clock.offset = 3601.0
    async with on_sandbox(bot(), keep=database, clock=clock) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("daily")).content == "done"


async def test_a_cooldown_from_the_future_is_no_longer_than_the_cooldown(tmp_path: Path) -> None:
    database = str(tmp_path / "wisp.db")

    def bot() -> wisp.Bot:
        return counting_bot(wisp.cooldown(100.0))[0]

    ahead = Clock()
    ahead.offset = 1_000_000.0
    async with on_sandbox(bot(), keep=database, clock=ahead) as sandbox:
        await People(sandbox.world).member("ada").slash("act")
    async with on_sandbox(bot(), keep=database, clock=(clock := Clock())) as sandbox:
        ada = People(sandbox.world).member("ada")
        assert (await ada.slash("act")).content.startswith("Slow down")
        clock.offset += 101.0
        assert (await ada.slash("act")).content == "done"


async def use(database: str, bot: wisp.Bot, *lines: str, clock: Clock | None = None) -> list[str]:
    """What ada is told for each command, in one run of the bot."""
    async with on_sandbox(bot, keep=database, clock=clock or Clock()) as sandbox:
        ada = People(sandbox.world).member("ada")
        return [(await ada.slash(line)).content.split(":")[0] for line in lines]


def written(database: str, sql: str = "SELECT * FROM wisp_cooldowns", *parameters: Any) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(sql, parameters).fetchall()


COOLING = "Slow down"


async def test_keys_of_hikari_and_of_enums_are_kept_as_the_plain_values(tmp_path: Path) -> None:
    class Kind(enum.StrEnum):
        ONE = "one"

    database = str(tmp_path / "wisp.db")
    buckets: list[Any] = [lambda ctx: ctx.user.id, lambda ctx: (ctx.guild_id, Kind.ONE, None)]
    for bucket in buckets:
        for told in ("done", COOLING):
            bot, _ = counting_bot(wisp.cooldown(3600.0, bucket=bucket))
            assert (await use(database, bot, "act"))[0].startswith(told)
        written(database, "DELETE FROM wisp_cooldowns")


async def test_rows_that_cannot_be_read_do_not_keep_the_bot_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = str(tmp_path / "wisp.db")
    await use(database, counting_bot(wisp.cooldown(3600.0))[0], "act")
    ((name, _, times, until),) = written(database)
    for key, kept in (("1 +", times), ("2", "soon"), ("3", ""), ("4", "[null]"), ("5", "5")):
        written(database, "INSERT INTO wisp_cooldowns VALUES (?, ?, ?, ?)", name, key, kept, until)
    assert (await use(database, counting_bot(wisp.cooldown(3600.0))[0], "act"))[0].startswith(COOLING)
    assert caplog.text.count("cannot be read, and is forgotten") == 4


async def test_a_database_of_ones_own_leaves_wisps_tables_where_they_are(tmp_path: Path) -> None:
    class Own:
        async def execute(self, sql: str, parameters: Any = ()) -> Any:
            raise RuntimeError("there are no such tables here")

        fetchone = fetchall = transaction = migrate = execute

    database = str(tmp_path / "wisp.db")
    for told in ("done", COOLING):
        bot, _ = counting_bot(wisp.cooldown(3600.0))
        bot.services.register("db", Own())
        assert (await use(database, bot, "act"))[0].startswith(told)


async def test_what_could_not_be_written_is_told_and_the_next_use_writes_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = str(tmp_path / "wisp.db")

    bot, _ = counting_bot(wisp.cooldown(uses=3, per=3600.0))
    async with on_sandbox(bot, keep=database, clock=Clock()) as sandbox:
        ada = People(sandbox.world).member("ada")
        written(database, "CREATE TRIGGER full BEFORE INSERT ON wisp_cooldowns BEGIN SELECT RAISE(FAIL, 'full'); END")
        assert (await ada.slash("act")).content == "done"
        written(database, "DROP TRIGGER full")
        assert (await ada.slash("act")).content == "done"
    (told,) = [record for record in caplog.records if record.name == "wisp.cooldowns"]
    assert "cannot be written" in told.getMessage()
    assert not told.exc_info
    ((_, _, times, _),) = written(database)
    assert len(json.loads(times)) == 2


async def test_a_use_is_written_before_the_function_runs_and_given_back_before_its_error_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    execute = wisp.DatabaseService.execute

    async def slow(self: wisp.DatabaseService, sql: str, parameters: Any = ()) -> Any:
        for _ in range(30):  # several times as long as an answer takes
            await asyncio.sleep(0)
        result = await execute(self, sql, parameters)
        happened.append(sql.partition(" ")[0])
        return result

    bot = wisp.Bot()

    @bot.command
    @wisp.cooldown(uses=3, per=3600.0, bucket="channel")
    async def act(ctx: wisp.Context, fail: bool = False) -> str:
        """Act."""
        happened.append("ran")
        if fail:
            raise ValueError
        return "done"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        discord.world.changes.subscribe(
            lambda one: happened.append("answered") if isinstance(one, InteractionAnswered) else None
        )
        monkeypatch.setattr(wisp.DatabaseService, "execute", slow)
        await ada.slash("act")
        assert happened == ["INSERT", "DELETE", "ran", "answered"]  # the first write deletes expired cooldowns
        del happened[:]
        with discord.expects(ValueError):
            await ada.slash("act", fail=True)
        assert happened == ["INSERT", "ran", "INSERT", "answered"]
        del happened[:]
        await asyncio.gather(*(ada.slash("act") for _ in range(5)))
        assert happened.count("INSERT") < 3  # together
        assert happened.count("ran") == 2


async def test_a_call_that_is_cancelled_while_its_use_is_written_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bot, _ = counting_bot(wisp.cooldown(3600.0))
    async with connect(bot) as discord:
        store, (counter,) = bot._session._router.cooldowns, bot._session._router._counters.values()
        unwritten: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        saves = iter([unwritten, asyncio.sleep(0)])
        monkeypatch.setattr(store, "save", lambda name, window, key: next(saves))
        ctx: Any = None
        taking = asyncio.create_task(counter.admit(ctx, int(discord.member("ada").user.id)).__aenter__())
        await asyncio.sleep(0)
        taking.cancel()
        await asyncio.wait({taking})
        assert not list(saves)
        monkeypatch.undo()
        assert (await discord.member("ada").slash("act")).content == "done"


async def test_cooldowns_that_are_over_leave_the_database_while_the_bot_runs() -> None:
    bot, _ = counting_bot(wisp.cooldown(100.0))
    async with connect(bot) as discord:
        for name in ("ada", "bob", "ada"):
            await discord.member(name).slash("act")
            await discord.advance(hours=1)
        db = bot.services.get_typed("db", wisp.DatabaseService)
        assert db is not None
        assert len(await db.fetchall("SELECT * FROM wisp_cooldowns")) == 1


async def test_commands_of_one_name_in_different_servers_keep_their_own_cooldowns(tmp_path: Path) -> None:
    database = str(tmp_path / "wisp.db")

    async def run(servers: list[int], use_in: int) -> list[str]:
        bot = wisp.Bot()
        for server in servers:

            async def act(ctx: wisp.Context) -> str:
                """Act."""
                return "done"

            bot.command(guilds=[server])(wisp.cooldown(3600.0)(act))
        async with on_sandbox(bot, keep=database) as sandbox:
            guild = sandbox.world.guilds[use_in]
            return [(await People(sandbox.world).member("ada", guild).slash("act")).content.split(":")[0]]

    assert await run([7001, 7002], 7001) == ["done"]
    assert await run([7002, 7001], 7002) == ["done"]
    for server in (7001, 7002):
        assert (await run([7001, 7002], server))[0].startswith(COOLING)


async def test_loading_and_reloading_modules_forgets_no_long_cooldown_and_no_other_ones_at_all() -> None:
    class Daily(wisp.Module):
        name = "daily"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            @bot.command
            @wisp.cooldown(uses=2, per=3600.0)
            async def daily(ctx: wisp.Context) -> str:
                """Daily."""
                return "done"

    bot, _ = counting_bot(wisp.cooldown(30.0))
    bot.modules.register(Daily())
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("act")).content == "done"
        assert (await ada.slash("daily")).content == "done"
        for change in (bot.modules.unload, bot.modules.load):
            await change("daily")
            assert (await ada.slash("act")).content.startswith(COOLING)
        assert (await ada.slash("daily")).content == "done"
        assert (await ada.slash("daily")).content.startswith(COOLING)
        await discord.advance(hours=1)
        assert (await ada.slash("daily")).content == "done"


# ---- concurrency ----


async def test_who_comes_too_many_is_refused_or_waits_in_turn() -> None:
    bot = wisp.Bot()
    order: list[str] = []

    @bot.command
    @wisp.concurrency(1, bucket="global", queue=1)
    async def act(ctx: wisp.Context) -> str:
        """Act."""
        order.append(ctx.user.username)
        await asyncio.sleep(1)
        return "done"

    async with connect(bot) as discord:
        people = [discord.member(name) for name in ("ada", "bob", "eve")]
        asking: list[Any] = []
        for person in people:
            asking.append(asyncio.ensure_future(person.slash("act")))
            await asyncio.sleep(0.05)
        await discord.advance(seconds=5)
        replies = await asyncio.gather(*asking)
    assert [reply.content for reply in replies] == [
        "done",
        "done",
        "This is running already. Try again once it has ended.",
    ]
    assert order == ["ada", "bob"]


@given(seed=st.integers(0, 2**32))
def test_no_slot_is_ever_lost_or_held_twice(seed: int) -> None:
    asyncio.run(_at_random(random.Random(seed)))


async def _at_random(chance: random.Random) -> None:
    limit = chance.randint(1, 3)
    slots = ConcurrencySlots(limit, chance.randint(0, 4), lambda ctx: None)
    inside = {"a": 0, "b": 0}

    async def call(key: str) -> None:
        responder: Any = SimpleNamespace(slots=[])
        ctx: Any = SimpleNamespace(_responder=responder)
        async with slots.admit(ctx, key):
            inside[key] += 1
            try:
                assert inside[key] <= limit
                for _ in range(chance.randint(0, 3)):
                    await asyncio.sleep(0)
                    if chance.random() < 0.3:
                        await form(key, responder.slots[0])
                if chance.random() < 0.3:
                    raise ValueError
            finally:
                inside[key] -= 1

    async def form(key: str, slot: ConcurrencySlot) -> None:
        slot.release()
        inside[key] -= 1
        try:
            await asyncio.sleep(0)
            await slot.acquire()
        finally:
            inside[key] += 1

    tasks = [asyncio.create_task(call(chance.choice("ab"))) for _ in range(30)]
    for _ in range(60):
        await asyncio.sleep(0)
        if chance.random() < 0.5:
            chance.choice(tasks).cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in ended} <= {type(None), ValueError, wisp.UserError, asyncio.CancelledError}
    assert not slots.calls
    assert not slots.semaphores
