"""The scheduler on a running bot: jobs that recur, one-shot jobs, and what can go wrong with both."""

import asyncio
import datetime
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock
from weakref import WeakKeyDictionary

import pytest

import wisp
from wisp.clock import Clock
from wisp.errors import DatabaseError, JobError, ServiceError
from wisp.jobs import PendingJob
from wisp.jobs.one_shots import PAGE
from wisp.jobs.scheduler import SchedulerService
from wisp.jobs.store import JobStore
from wisp.local.runner import on_sandbox
from wisp.local.virtual_time import VirtualTime
from wisp.services.database import MEMORY, DatabaseService
from wisp.testing import Discord, Reply, connect
from wisp.watchdog import Watchdog


def scheduler_of(bot: wisp.Bot) -> SchedulerService:
    found = bot.services.get_typed("scheduler", SchedulerService)
    assert found is not None
    return found


class Times:
    """When something ran, in seconds since the bot was connected, by its own clock."""

    def __init__(self) -> None:
        self.bot = wisp.Bot()
        self.runs: list[float] = []
        self.began = 0.0

    def note(self) -> None:
        self.runs.append(round(self.bot.runtime.clock.monotonic() - self.began, 2))

    def start(self) -> None:
        self.began = self.bot.runtime.clock.monotonic()


# ---- jobs that recur ----


async def test_an_interval_begins_with_itself_and_does_not_drift() -> None:
    times = Times()

    @times.bot.every(minutes=5)
    async def tick() -> None:
        times.note()
        await asyncio.sleep(100)

    async with connect(times.bot) as discord:
        times.start()
        await discord.advance(minutes=21)
        assert times.runs == pytest.approx([300, 600, 900, 1200], abs=1)


async def test_jobs_fire_in_order_each_coming_to_rest_before_the_next() -> None:
    bot = wisp.Bot()
    told: list[str] = []

    def make(name: str) -> Callable[[], Any]:
        async def job() -> None:
            told.append(name)
            await asyncio.sleep(0.002)
            told.append(f"{name} done")

        return job

    for name, hours in (("c", 3), ("a", 1.9), ("b", 2)):
        bot.every(hours=hours, name=name)(make(name))
    async with connect(bot) as discord:
        await discord.advance(hours=3, minutes=1)
        assert told == ["a", "a done", "b", "b done", "c", "c done"]


async def test_nothing_runs_before_the_bot_is_connected() -> None:
    bot = wisp.Bot()
    told: list[bool] = []

    @bot.every(seconds=0.001)
    async def tick() -> None:
        told.append(bot.gateway.is_alive)

    @bot.on_start
    async def slow() -> None:
        await asyncio.sleep(0.02)

    async with connect(bot):
        await asyncio.sleep(0.02)
    assert told
    assert all(told)


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("once", [10, 47, 50, 60]), ("skip", [10, 50, 60]), ("all", [10, 47, 47, 47, 50, 60])],
)
async def test_what_a_long_run_missed_follows_its_policy(missed: Any, expected: list[float]) -> None:
    times = Times()

    @times.bot.every(seconds=10, missed=missed)
    async def tick() -> None:
        times.note()
        if len(times.runs) == 1:
            await asyncio.sleep(37)

    async with connect(times.bot) as discord:
        times.start()
        await discord.advance(seconds=61)
        assert times.runs == pytest.approx(expected, abs=1)


async def test_runs_do_not_overlap_unless_told_to() -> None:
    bot = wisp.Bot()
    running: dict[str, int] = {"one": 0, "many": 0}
    most: dict[str, int] = {"one": 0, "many": 0}

    def make(name: str) -> Callable[[], Any]:
        async def job() -> None:
            running[name] += 1
            most[name] = max(most[name], running[name])
            await asyncio.sleep(25)
            running[name] -= 1

        return job

    bot.every(seconds=10, name="one")(make("one"))
    bot.every(seconds=10, name="many", overlap=True)(make("many"))
    async with connect(bot) as discord:
        await discord.advance(seconds=100)
        assert most == {"one": 1, "many": 3}


async def test_one_that_raises_is_told_with_its_id_and_runs_again_backing_off(caplog: pytest.LogCaptureFixture) -> None:
    times = Times()
    asked: list[wisp.jobs.JobContext] = []

    @times.bot.every(seconds=1)
    async def tick() -> None:
        times.note()
        if len(times.runs) < 5:
            raise ValueError("not now")

    @times.bot.on_error
    async def handler(ctx: Any, error: Exception) -> bool:
        asked.append(ctx)
        return False

    async with connect(times.bot) as discord:
        times.start()
        with discord.expects(ValueError):
            await discord.advance(seconds=20)
        # 1 s, 2 s, 4 s and 8 s after each failure at least, then as ever
        assert times.runs[:6] == pytest.approx([1, 3, 6, 11, 20, 21][: len(times.runs[:6])], abs=0.5)
        assert {(type(ctx), ctx.name, ctx.guild_id, ctx.bot) for ctx in asked} == {
            (wisp.jobs.JobContext, "tick", None, times.bot)
        }
        assert [
            record.getMessage().split(" in ")[1] for record in caplog.records if "error" in record.getMessage()
        ] == ['job "tick"'] * 4


async def test_an_error_that_a_handler_deals_with_is_not_logged() -> None:
    bot = wisp.Bot()

    @bot.every(seconds=1)
    async def tick() -> None:
        raise ValueError

    @bot.on_error
    async def handler(ctx: Any, error: Exception) -> bool:
        return True

    async with connect(bot) as discord:
        await discord.advance(seconds=5)  # an error that is logged fails the test


async def test_what_a_job_waited_for_and_was_cancelled_is_a_failure_of_its_own() -> None:
    times = Times()

    @times.bot.every(seconds=1)
    async def tick() -> None:
        times.note()
        if len(times.runs) == 1:
            raise asyncio.CancelledError

    async with connect(times.bot) as discord:
        with discord.expects(asyncio.CancelledError):
            await discord.advance(seconds=1)
        await discord.advance(seconds=3)
        assert len(times.runs) > 1


async def together(*jobs: Callable[[], Awaitable[None]]) -> None:
    """Let jobs of one moment run once, in this order."""
    bot = wisp.Bot()
    for number, job in enumerate(jobs):
        bot.cron("* * * * *", name=f"job {number}")(job)
    async with connect(bot) as discord:
        await discord.advance(seconds=60)


def this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_each_run_has_a_task_of_its_own_that_is_named_after_its_job() -> None:
    tasks: list[asyncio.Task[Any]] = []
    all_began = asyncio.Event()

    async def quick() -> None:
        tasks.append(this_task())

    async def slow() -> None:
        await quick()
        if len(tasks) == 6:
            all_began.set()
        await all_began.wait()

    await together(quick, quick, slow, slow, quick, slow)
    assert [task.get_name() for task in tasks] == [f'job "job {number}"' for number in range(6)]
    assert len(set(tasks)) == 6


async def test_what_a_job_leaves_in_its_context_no_other_finds() -> None:
    found: list[str] = []
    variable = ContextVar("variable", default="as it was")

    async def leave() -> None:
        found.append(variable.get())
        variable.set("left behind")

    await together(leave, leave, leave)
    assert found == ["as it was"] * 3


async def test_a_job_that_cancels_its_task_at_its_end_cancels_no_other() -> None:
    ended: list[str] = []

    async def cancel() -> None:
        this_task().cancel()

    async def wait() -> None:
        await asyncio.sleep(0)
        ended.append("waited")

    await together(cancel, wait, cancel, wait)
    assert ended == ["waited"] * 2


async def test_who_keeps_the_task_of_a_job_has_no_hold_on_another() -> None:
    kept: list[asyncio.Task[Any]] = []
    by_task: WeakKeyDictionary[asyncio.Task[Any], str] = WeakKeyDictionary()
    ended: list[str] = []

    async def keep() -> None:
        kept.append(this_task())

    async def note() -> None:
        assert by_task.setdefault(this_task(), "mine") == "mine"
        by_task[this_task()] = "of another"

    async def wait() -> None:
        for task in kept:
            task.cancel()
        await asyncio.sleep(0)
        ended.append("waited")

    await together(note, note, keep, wait)
    assert ended == ["waited"]


async def test_register_and_unregister_while_the_bot_runs() -> None:
    bot = wisp.Bot()
    told: list[int] = []

    async def tick() -> None:
        told.append(1)

    async with connect(bot) as discord:
        scheduler = bot.services.get("scheduler")
        scheduler.register(tick, interval=60.0, name="my_task")
        await discord.advance(seconds=59)
        assert told == []
        await discord.advance(seconds=62)
        assert told == [1, 1]
        assert scheduler.unregister("my_task")
        assert not scheduler.unregister("my_task")
        await discord.advance(hours=1)
        assert told == [1, 1]


async def test_a_wrong_registration_is_refused_in_words() -> None:
    bot = wisp.Bot()

    async def tick() -> None: ...

    def plain() -> Any: ...

    bot.every(hours=1, name="taken")(tick)
    bot.job("mine")(tick)
    async with connect(bot):
        scheduler = scheduler_of(bot)
        for wrong, words in [
            (lambda: scheduler.register(tick, 0), "its interval is 0 s"),
            (lambda: scheduler.register(tick, -1), "seconds= is -1"),
            (lambda: scheduler.register(plain, 1), "not async"),
            (lambda: scheduler.register(tick, 1, "taken"), 'job "taken": another job has this name (tests/test_sched'),
            (lambda: scheduler.register(tick, 1, "mine"), "another job has this name"),
        ]:
            with pytest.raises(JobError, match="job") as refused:
                wrong()
            assert words in str(refused.value)
    with pytest.raises(ServiceError, match="has not started"):
        SchedulerService(DatabaseService(MEMORY, clock=Clock()), clock=Clock()).register(tick)


async def test_what_is_registered_in_on_start_is_there_at_each_start_once() -> None:
    bot = wisp.Bot()
    told: list[int] = []

    async def tick() -> None:
        told.append(1)

    @bot.on_start
    async def begin() -> None:
        scheduler_of(bot).register(tick, interval=10, name="tick")
        with pytest.raises(JobError, match="another job has this name"):
            scheduler_of(bot).register(tick, interval=10, name="tick")

    for _ in range(2):
        async with connect(bot) as discord:
            await discord.advance(seconds=11)
    assert told == [1, 1]


async def test_ten_thousand_jobs_due_at_once_leave_room_for_a_command() -> None:
    bot = wisp.Bot()
    ran: list[int] = []

    @bot.job("count")
    async def count(number: int) -> None:
        if not ran:
            asked.append(asyncio.create_task(ada.slash("ping")))
        ran.append(number)

    @bot.command
    async def ping(ctx: wisp.Context) -> str:
        return f"pong after {len(ran)}"

    async with connect(bot) as discord:
        ada, asked = discord.member("ada"), list[asyncio.Task[Reply]]()
        scheduler = scheduler_of(bot)
        at = datetime.datetime.fromtimestamp(bot.runtime.clock.time() + 600, datetime.UTC)
        await asyncio.gather(*[scheduler.once("count", at=at, data={"number": number}) for number in range(10_000)])
        await discord.advance(seconds=601)
        reply = await asked[0]
        assert int(reply.content.split()[-1]) < 9_000
        assert sorted(ran) == list(range(10_000))
        assert await scheduler.pending() == []


# ---- cron, and a wall clock that is set ----


class Wall(Clock):
    """Virtual time whose wall clock can be set."""

    def __init__(self, time: VirtualTime, start: datetime.datetime) -> None:
        super().__init__(time.time)
        self.ahead = start.timestamp() - time.time()

    def time(self) -> float:
        return self.source() + self.ahead


@pytest.fixture
def wall(time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> Wall:
    """It is 08:59:00 in UTC on a Wednesday; the scheduler looks twice a minute whether that was changed."""
    time.clock = Wall(time, datetime.datetime(2026, 3, 25, 8, 59, tzinfo=datetime.UTC))
    monkeypatch.setattr("wisp.jobs.scheduler.CLOCK_CHECK_INTERVAL", 30.0)
    monkeypatch.setattr(Watchdog, "start", lambda self: None)  # it would look twice a second
    monkeypatch.setattr("wisp.sandbox.gateway.gateway.HEARTBEAT_INTERVAL", 3600.0)
    # hikari would look three times a minute for rate limits that it can forget
    monkeypatch.setattr("hikari.impl.buckets.RESTBucketManager.start.__defaults__", (3600.0, 10.0))
    return time.clock


def daily(missed: Any = "once", times: str = "0 9 * * *", **settings: Any) -> tuple[wisp.Bot, list[str]]:
    bot = wisp.Bot()
    told: list[str] = []

    @bot.cron(times, missed=missed, **settings)
    async def nine() -> None:
        zone = settings.get("timezone", datetime.UTC)
        told.append(f"{datetime.datetime.fromtimestamp(bot.runtime.clock.time(), zone):%d %H:%M}")

    return bot, told


async def noticed(discord: Discord) -> None:
    await discord.advance(seconds=30)


@pytest.fixture
def steady(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scheduler look once an hour only: a test of days in which the clock is not set is faster by a second."""
    monkeypatch.setattr("wisp.jobs.scheduler.CLOCK_CHECK_INTERVAL", 3600.0)


@pytest.mark.usefixtures("steady")
async def test_cron_runs_at_its_time_of_each_day() -> None:
    bot, told = daily()
    async with connect(bot) as discord:
        await discord.advance(hours=72)
        assert told == ["25 09:00", "26 09:00", "27 09:00"]


@pytest.mark.usefixtures("steady")
async def test_cron_runs_through_the_nights_of_daylight_saving() -> None:
    from zoneinfo import ZoneInfo

    bot, told = daily(times="30 2 * * *", timezone=ZoneInfo("Europe/Vienna"))
    async with connect(bot) as discord:
        await discord.advance(days=6)
        assert told == ["26 02:30", "27 02:30", "28 02:30", "29 03:00", "30 02:30", "31 02:30"]


async def test_a_clock_that_is_set_back_runs_no_time_twice(wall: Wall) -> None:
    bot, told = daily()
    async with connect(bot) as discord:
        await discord.advance(seconds=61)
        assert told == ["25 09:00"]
        wall.ahead -= 30
        await noticed(discord)
        await discord.advance(minutes=10)
        wall.ahead -= 3600
        await noticed(discord)
        await discord.advance(minutes=70)
        assert told == ["25 09:00"]
        await discord.advance(hours=24)
        assert told == ["25 09:00", "26 09:00"]


async def test_a_clock_that_is_set_back_by_days_was_wrong_before(wall: Wall) -> None:
    bot, told = daily()
    async with connect(bot) as discord:
        await discord.advance(seconds=61)
        wall.ahead -= 3 * 86400
        await noticed(discord)
        await discord.advance(hours=24)
        assert told == ["25 09:00", "23 09:00"]


async def test_a_clock_that_is_set_back_before_the_time_delays_it(wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.jobs.scheduler.CLOCK_CHECK_INTERVAL", 86400.0)
    bot, told = daily()
    async with connect(bot) as discord:
        wall.ahead -= 1800
        await discord.advance(seconds=120)  # noticed when it would have run
        assert told == []
        await discord.advance(seconds=1800)
        assert told == ["25 09:00"]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("once", ["28 08:59", "28 09:00"]),
        ("skip", ["28 09:00"]),
        ("all", ["28 08:59", "28 08:59", "28 08:59", "28 09:00"]),
    ],
)
async def test_what_a_clock_that_is_set_forward_missed_follows_the_policy(
    wall: Wall, missed: Any, expected: list[str]
) -> None:
    bot, told = daily(missed)
    async with connect(bot) as discord:
        wall.ahead += 3 * 86400
        await noticed(discord)
        await discord.advance(minutes=2)
        assert told == expected


async def test_a_time_that_a_clock_set_forward_jumped_over_comes_at_once(wall: Wall) -> None:
    bot, told = daily("skip")  # it is late, and not missed: the next one has not come
    async with connect(bot) as discord:
        wall.ahead += 600
        await noticed(discord)
        assert told == ["25 09:09"]


async def test_intervals_do_not_care_about_the_wall_clock(wall: Wall) -> None:
    times = Times()

    @times.bot.every(seconds=10)
    async def tick() -> None:
        times.note()

    async with connect(times.bot) as discord:
        times.start()
        await discord.advance(seconds=11)
        wall.ahead -= 86400
        await noticed(discord)
        await discord.advance(seconds=10)
        wall.ahead += 86400 * 7
        await noticed(discord)
        await discord.advance(seconds=10)
        assert times.runs == pytest.approx([*range(10, 100, 10)], abs=1)


async def test_one_shot_jobs_follow_the_wall_clock(wall: Wall) -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        await scheduler_of(bot).once(
            "note", at=datetime.datetime(2026, 3, 25, 12, tzinfo=datetime.UTC), data={"text": "noon"}
        )
        await discord.advance(hours=1)
        wall.ahead -= 3600
        await noticed(discord)
        await discord.advance(hours=3)
        assert ran == []
        wall.ahead += 7200
        await noticed(discord)
        assert ran == ["noon"]


# ---- one-shot jobs ----


def with_job(missed: Any = "all") -> tuple[wisp.Bot, list[str]]:
    bot = wisp.Bot()
    ran: list[str] = []

    @bot.job("note", missed=missed)
    async def note(text: str, count: int = 1) -> None:
        ran.extend([text] * count)

    return bot, ran


async def test_once_runs_once_and_is_gone() -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        soon = await scheduler.once("note", delay=60, data={"text": "tea"}, guild_id=2**63 + 1)
        late = await scheduler.once("note", delay=datetime.timedelta(hours=2), data={"text": "cake", "count": 2})
        assert isinstance(soon, PendingJob)
        assert [job.id for job in await scheduler.pending("note")] == [soon.id, late.id]
        assert (soon.data, soon.guild_id, soon.failures, soon.due.tzinfo) == (
            {"text": "tea"},
            2**63 + 1,
            0,
            datetime.UTC,
        )
        assert await scheduler.pending(guild_id=2**63 + 1) == [soon]
        assert await scheduler.pending("other") == []
        await discord.advance(seconds=61)
        assert ran == ["tea"]
        assert await scheduler.pending() == [late]
        await discord.advance(hours=3)
        assert ran == ["tea", "cake", "cake"]
        assert await scheduler.pending() == []


async def test_a_time_that_is_past_and_no_delay_run_at_once() -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        past = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5)))
        await scheduler_of(bot).once("note", at=past, data={"text": "past"})
        await scheduler_of(bot).once("note", delay=0, data={"text": "now"})
        await discord.advance(seconds=0.001)
        assert ran == ["past", "now"]


async def test_ids_and_limits_that_cannot_be_find_nothing() -> None:
    bot, _ = with_job()
    async with connect(bot):
        scheduler = scheduler_of(bot)
        job = await scheduler.once("note", delay=60, data={"text": "tea"})
        assert [await scheduler.cancel(id) for id in (0, -1, 2**60)] == [False] * 3
        for id in (0, -1, 2**64, "1"):
            with pytest.raises(ValueError, match="guild_id: expected an int from 1"):
                await scheduler.pending(guild_id=id)  # pyright: ignore[reportArgumentType]: users err
        assert await scheduler.pending(limit=0) == []
        assert [one.id for one in await scheduler.pending(limit=2**60)] == [job.id]
        for limit in (-1, None, "5"):
            with pytest.raises(ValueError, match="limit: expected an int, 0 or more, got"):
                await scheduler.pending(limit=limit)  # pyright: ignore[reportArgumentType]: users err


async def test_a_guard_on_a_job_that_is_registered_late_is_refused_too() -> None:
    bot, _ = with_job()

    @wisp.cooldown(1, per=60)
    async def sweep() -> None: ...

    async with connect(bot):
        with pytest.raises(JobError, match='job "sweep": guards only apply to handlers that users invoke'):
            scheduler_of(bot).register(sweep, interval=60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "once() takes either delay="),
        ({"delay": 1, "at": datetime.datetime.now(datetime.UTC)}, "once() takes either delay="),
        ({"delay": -1}, "delay=-1: expected a time from now on"),
        ({"delay": float("nan")}, "delay=nan"),
        ({"delay": float("inf")}, "delay=inf"),
        ({"delay": 1e12}, "delay=1000000000000.0"),
        ({"at": datetime.datetime(2026, 1, 1)}, "has no time zone"),
        (
            {"at": datetime.datetime.max.replace(tzinfo=datetime.UTC)},
            "expected a time from now on, within about a hundred years",
        ),
        (
            {"delay": 1, "data": {"text": 1}},
            'job "note": its data do not fit its parameters: Expected `str`, got `int` - at `$.text`',
        ),
        ({"delay": 1, "data": [1]}, "its data cannot be kept"),
        ({"delay": 1, "data": {"text": object()}}, "its data cannot be kept"),
        ({"delay": 1, "data": {"text": "x" * 1024 * 1024}}, "expected at most 1048576 bytes of data, got"),
        ({"delay": 1, "guild_id": 0}, "guild_id=0 is not an id"),
        ({"delay": 1, "guild_id": "1"}, "guild_id='1' is not an id"),
        ({"delay": 1, "guild_id": 2**64}, "is not an id"),
    ],
)
async def test_a_wrong_once_is_refused_in_words_and_keeps_nothing(arguments: dict[str, Any], words: str) -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        with pytest.raises(JobError) as refused:
            await scheduler_of(bot).once("note", **{"data": {"text": "tea"}, **arguments})
        assert words in str(refused.value)
        assert await scheduler_of(bot).pending() == []
        await discord.advance(hours=1)
        assert ran == []


async def test_a_name_that_no_job_has_is_refused_with_the_nearest() -> None:
    bot, _ = with_job()

    @bot.every(hours=1)
    async def hourly() -> None: ...

    async with connect(bot):
        for name, words in [
            ("nota", "there is no job 'nota' that is loaded. Did you mean \"note\"?"),
            ("zzz", "Define it: @bot.job('zzz')"),
            ("hourly", "there is no job 'hourly'"),
        ]:
            with pytest.raises(JobError) as refused:
                await scheduler_of(bot).once(name, delay=1)
            assert words in str(refused.value)


async def test_data_that_contain_themselves_are_refused() -> None:
    bot, _ = with_job()
    data: dict[str, Any] = {"text": "tea"}
    data["count"] = data
    async with connect(bot):
        with pytest.raises(JobError, match="cannot be kept"):
            await scheduler_of(bot).once("note", delay=1, data=data)


async def test_large_data_arrive_whole() -> None:
    bot, ran = with_job()
    text = "x" * 500_000
    async with connect(bot) as discord:
        await scheduler_of(bot).once("note", delay=10, data={"text": text})
        await discord.advance(seconds=11)
        assert ran == [text]


async def test_what_is_taken_back_does_not_run() -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        job = await scheduler.once("note", delay=60, data={"text": "tea"})
        assert await scheduler.cancel(job.id)
        assert not await scheduler.cancel(job.id)
        assert not await scheduler.cancel(-1)
        await discord.advance(hours=1)
        assert ran == []
        following = await scheduler.once("note", delay=60, data={"text": "tea"})
        assert following.id > job.id  # a button for the first one does not take the second one back


async def test_ids_are_not_given_twice_over_a_restart(time: VirtualTime, tmp_path: Path) -> None:
    ids: list[int] = []
    for _ in range(3):
        bot, _ran = with_job()
        async with on_sandbox(bot, keep=str(tmp_path / "wisp.db"), clock=time.clock):
            job = await scheduler_of(bot).once("note", delay=60, data={"text": "tea"})
            assert await scheduler_of(bot).cancel(job.id)
            ids.append(job.id)
    assert len(set(ids)) == 3


async def test_one_that_is_taken_back_while_it_runs_ends_and_is_not_tried_again() -> None:
    bot = wisp.Bot()
    told: list[str] = []

    @bot.job("slow")
    async def slow(fails: bool) -> None:
        told.append("began")
        await asyncio.sleep(100)
        told.append("ended")
        if fails:
            raise ValueError

    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        for fails in (False, True):
            job = await scheduler.once("slow", delay=1, data={"fails": fails})
            await discord.advance(seconds=2)
            assert not await scheduler.cancel(job.id)
            if fails:
                with discord.expects(ValueError):
                    await discord.advance(seconds=100)
            else:
                await discord.advance(seconds=100)
            assert await scheduler.pending() == []
        await discord.advance(hours=10)
        assert told == ["began", "ended"] * 2


async def test_one_that_fails_is_tried_again_and_then_given_up(caplog: pytest.LogCaptureFixture) -> None:
    times = Times()
    asked: list[Any] = []

    @times.bot.job("fail")
    async def fail() -> None:
        times.note()
        raise ValueError("never")

    @times.bot.on_error
    async def handler(ctx: wisp.jobs.JobContext, error: Exception) -> bool:
        asked.append((ctx.name, ctx.guild_id))
        return False

    async with connect(times.bot) as discord:
        times.start()
        with discord.expects(ValueError):
            await scheduler_of(times.bot).once("fail", delay=0, guild_id=7)
            await discord.advance(seconds=1)
        (pending,) = await scheduler_of(times.bot).pending()
        assert pending.failures == 1
        with discord.expects(ValueError):
            await discord.advance(hours=10)
        assert times.runs == pytest.approx([0, 10, 70, 370, 2170], abs=2)
        assert await scheduler_of(times.bot).pending() == []
        assert asked == [("fail", 7)] * 5
        assert 'job "fail" (no. 1) is given up after 5 attempts' in caplog.text


async def test_one_that_fails_at_first_runs_later() -> None:
    bot = wisp.Bot()
    attempts: list[int] = []

    @bot.job("second")
    async def second() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError

    async with connect(bot) as discord:
        await scheduler_of(bot).once("second", delay=0)
        with discord.expects(ValueError):
            await discord.advance(seconds=1)
        await discord.advance(hours=10)
        assert attempts == [1, 1]


async def test_a_job_can_start_the_next_one_and_itself() -> None:
    bot = wisp.Bot()
    told: list[int] = []

    @bot.job("again")
    async def again(left: int) -> None:
        told.append(left)
        if left:
            await scheduler_of(bot).once("again", delay=3600, data={"left": left - 1})

    async with connect(bot) as discord:
        await scheduler_of(bot).once("again", delay=0, data={"left": 3})
        await discord.advance(hours=5)
        assert told == [3, 2, 1, 0]


async def test_inside_a_transaction_once_is_refused_and_not_stuck() -> None:
    bot, _ = with_job()
    async with connect(bot), bot.services.get("db").transaction():
        with pytest.raises(wisp.WispError, match="inside a transaction"):
            await scheduler_of(bot).once("note", delay=1, data={"text": "tea"})


async def test_after_the_bot_has_closed_there_are_no_one_shot_jobs() -> None:
    bot, _ = with_job()
    async with connect(bot):
        scheduler = scheduler_of(bot)
    for asking in (scheduler.cancel(1), scheduler.pending()):
        with pytest.raises(ServiceError, match="the bot has not started, or has closed"):
            await asking


# ---- many of them ----


async def test_many_pending_jobs_run_in_order_except_those_that_were_cancelled() -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        hours = [*range(50, 100), *range(50)]
        for hour in hours:
            await scheduler.once("note", delay=hour * 3600 + 600, data={"text": str(hour)})
        assert len(scheduler._wall._timers) < 5  # pyright: ignore[reportPrivateUsage]: those that wait long cost no memory
        for job in (await scheduler.pending(limit=1000))[::7]:
            assert await scheduler.cancel(job.id)
        await discord.advance(hours=101)
        assert ran == [str(hour) for hour in range(100) if hour % 7]
        assert await scheduler.pending() == []


async def test_jobs_of_a_module_that_comes_back_run_among_many_that_wait_for_long() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    ran: list[int] = []

    @bot.job("note")
    async def note(number: int) -> None:
        ran.append(number)

    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        for number in range(9):
            await scheduler.once("note", delay=30 * 86400, data={"number": number})
        await scheduler.once("remind", delay=3600, data={"text": "tea"})
        await bot.modules.reload("reminders")
        await scheduler.once("note", delay=5, data={"number": 100})
        await discord.advance(hours=2)
        assert ran == [100]
        assert "tea done" in module.told


async def test_hundreds_of_jobs_that_wait_for_a_module_hold_up_no_other_and_run_when_it_comes_back() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    ran: list[float] = []

    @bot.job("note")
    async def note() -> None:
        ran.append(bot.runtime.clock.monotonic())

    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        for number in range(2 * PAGE + 10):
            await scheduler.once("remind", delay=60, data={"text": str(number)})
        await scheduler.once("note", delay=60)
        await scheduler.once("note", delay=120)
        await bot.modules.unload("reminders")
        began = bot.runtime.clock.monotonic()
        await discord.advance(seconds=121)
        assert [round(moment - began) for moment in ran] == [60, 120]
        assert module.told == []
        await bot.modules.load("reminders")
        await discord.advance(seconds=10)
        told = [text.removesuffix(" done") for text in module.told if text.endswith(" done")]
        assert sorted(told, key=int) == [str(number) for number in range(2 * PAGE + 10)]
        assert await scheduler.pending() == []


async def test_jobs_that_cannot_be_read_are_read_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        await scheduler_of(bot).once("note", delay=60, data={"text": "tea"})
        read = AsyncMock(side_effect=DatabaseError("wisp.db", "disk I/O error"))
        with monkeypatch.context() as patched, discord.expects(DatabaseError):
            patched.setattr(JobStore, "read", read)
            await discord.advance(seconds=61)
        assert ran == []
        await discord.advance(seconds=10)
        assert ran == ["tea"]


async def test_a_job_that_cancels_itself_has_failed_and_is_tried_again() -> None:
    bot = wisp.Bot()
    ran: list[str] = []

    @bot.job("odd")
    async def odd() -> None:
        ran.append("odd")
        if len(ran) < 3:
            this_task().cancel()
            await asyncio.sleep(0)

    async with connect(bot) as discord:
        await scheduler_of(bot).once("odd", delay=1)
        with discord.expects(asyncio.CancelledError):
            await discord.advance(seconds=2)
        with discord.expects(asyncio.CancelledError):
            await discord.advance(minutes=1)
        await discord.advance(hours=1)
        assert ran == ["odd"] * 3
        assert await scheduler_of(bot).pending() == []


async def test_at_a_time_that_is_past_is_now_whatever_is_done_with_what_was_missed() -> None:
    bot, ran = with_job(missed="skip")
    async with connect(bot) as discord:
        past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
        await scheduler_of(bot).once("note", at=past, data={"text": "tea"})
        await discord.advance(seconds=1)
        assert ran == ["tea"]


async def test_a_job_is_registered_from_a_callback_of_the_event_loop_too() -> None:
    bot, ran = with_job()

    async def tick() -> None:
        ran.append("tick")

    async with connect(bot) as discord:
        asyncio.get_running_loop().call_soon(scheduler_of(bot).register, tick, 60)
        await asyncio.sleep(0)
        await discord.advance(minutes=1)
        assert ran == ["tick"]


async def test_an_interval_may_be_a_timedelta() -> None:
    bot, ran = with_job()

    async def tick() -> None:
        ran.append("tick")

    async with connect(bot) as discord:
        scheduler_of(bot).register(tick, datetime.timedelta(minutes=1))
        await discord.advance(minutes=2)
        assert ran == ["tick"] * 2


async def test_jobs_that_were_cancelled_do_not_run() -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        for _round in range(5):
            jobs = await asyncio.gather(*[scheduler.once("note", delay=60, data={"text": "t"}) for _ in range(200)])
            assert all(await asyncio.gather(*[scheduler.cancel(job.id) for job in jobs]))
        await discord.advance(seconds=61)
        assert ran == []


# ---- restarts ----


async def test_pending_jobs_survive_a_restart_and_their_policy_says_what_becomes_of_the_missed(
    time: VirtualTime, tmp_path: Path
) -> None:
    path = str(tmp_path / "wisp.db")

    def made() -> tuple[wisp.Bot, list[str]]:
        bot = wisp.Bot()
        ran: list[str] = []
        for missed in ("all", "once", "skip"):

            async def note(text: str, missed: str = missed) -> None:
                ran.append(f"{missed} {text}")

            bot.job(missed, missed=missed)(note)
        return bot, ran

    bot, ran = made()
    async with on_sandbox(bot, keep=path, clock=time.clock):
        for name in ("all", "once", "skip"):
            for text in ("first", "second"):
                await scheduler_of(bot).once(name, delay=3600, data={"text": text})
            await scheduler_of(bot).once(name, delay=3600, data={"text": "elsewhere"}, guild_id=7)
            await scheduler_of(bot).once(name, delay=864000, data={"text": "later"})
    assert ran == []
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE wisp_jobs SET due = due - 7200")
        file.commit()
    bot, ran = made()
    async with on_sandbox(bot, keep=path, clock=time.clock):
        while len(await scheduler_of(bot).pending()) > 3:
            await asyncio.sleep(0.01)
        assert {job.data["text"] for job in await scheduler_of(bot).pending()} == {"later"}
    assert sorted(ran) == ["all elsewhere", "all first", "all second", "once elsewhere", "once second"]


async def test_data_that_fit_no_more_are_told_and_tried_again(time: VirtualTime, tmp_path: Path) -> None:
    bot, _ = with_job()
    async with on_sandbox(bot, keep=str(tmp_path / "wisp.db"), clock=time.clock):
        await scheduler_of(bot).once("note", delay=0.2, data={"text": "tea"})
    newer = wisp.Bot()
    failures: list[Any] = []

    @newer.job("note")
    async def note(text: int) -> None: ...

    async with on_sandbox(newer, keep=str(tmp_path / "wisp.db"), clock=time.clock):
        newer.runtime.on_failure = failures.append
        await time.until(lambda: bool(failures))
    assert "Expected `int`, got `str` - at `$.text`" in str(failures[0].error)


async def test_a_bot_that_closes_in_order_says_nothing_of_jobs_that_wait(caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot(modules=[Reminders()])
    async with connect(bot) as discord:
        await scheduler_of(bot).once("remind", delay=60, data={"text": "tea"})
        await discord.restart()
    assert [record.getMessage() for record in caplog.records if "wait" in record.getMessage()] == []


async def test_one_whose_job_is_gone_waits_with_one_line(
    time: VirtualTime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "wisp.db")
    bot, _ = with_job()
    async with on_sandbox(bot, keep=path, clock=time.clock):
        for _round in range(3):
            await scheduler_of(bot).once("note", delay=0.1, data={"text": "tea"})
    without = wisp.Bot()
    async with on_sandbox(without, keep=path, clock=time.clock):
        await asyncio.sleep(0.2)
        assert len(await scheduler_of(without).pending()) == 3
    lines = [record.getMessage() for record in caplog.records if "wait" in record.getMessage()]
    assert lines == ['one-shot jobs "note" wait: no job of that name is loaded']
    again, ran = with_job()
    async with on_sandbox(again, keep=path, clock=time.clock):
        await time.until(lambda: len(ran) == 3)


async def test_closing_begins_nothing_and_ends_what_runs_in_its_grace(time: VirtualTime, tmp_path: Path) -> None:
    path = str(tmp_path / "wisp.db")
    bot = wisp.Bot()
    told: list[str] = []
    began = asyncio.Event()

    @bot.job("quick")
    async def quick() -> None:
        began.set()
        await asyncio.sleep(0.1)
        await scheduler_of(bot).once("never", delay=0)
        told.append("quick")

    @bot.job("never")
    async def never() -> None:
        told.append("never")

    async with on_sandbox(bot, keep=path, clock=time.clock):
        await scheduler_of(bot).once("quick", delay=0)
        await began.wait()
    assert told == ["quick"]
    async with on_sandbox(bot, keep=path, clock=time.clock):
        await time.until(lambda: told == ["quick", "never"])


async def test_one_that_is_cut_off_by_closing_runs_again(time: VirtualTime, tmp_path: Path) -> None:
    path = str(tmp_path / "wisp.db")
    told: list[str] = []

    def made() -> wisp.Bot:
        bot = wisp.Bot()

        @bot.job("long")
        async def long() -> None:
            told.append("began")
            if len(told) == 1:
                await asyncio.sleep(60)

        return bot

    bot = made()
    async with on_sandbox(bot, keep=path, clock=time.clock):
        await scheduler_of(bot).once("long", delay=0)
        await time.until(lambda: bool(told))
        bot.runtime.shutdown_timeout = 0.05
    bot = made()
    async with on_sandbox(bot, keep=path, clock=time.clock):
        while len(told) < 2 or await scheduler_of(bot).pending():
            await asyncio.sleep(0.01)
    assert told == ["began", "began"]


# ---- modules ----


class Reminders(wisp.Module):
    name = "reminders"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.hang = False

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        scheduler = ctx.services.get("scheduler")
        scheduler.register(self.tick, interval=3600.0, name="my_task")

        @bot.every(minutes=10)
        async def often() -> None:
            self.told.append("often")

        @bot.job("remind")
        async def remind(text: str) -> None:
            self.told.append(text)
            if self.hang:
                await asyncio.sleep(1e6)
            self.told.append(f"{text} done")

        @bot.command
        async def begin(ctx: wisp.Context) -> str:
            """Register another one."""
            ctx.bot.services.get("scheduler").register(self.late, interval=600, name="late")
            return "ok"

    async def tick(self) -> None:
        self.told.append("tick")

    async def late(self) -> None:
        self.told.append("late")


class Marked(wisp.Module):
    name = "marked"

    def __init__(self) -> None:
        self.told: list[str] = []

    @wisp.every(hours=1)
    async def hourly(self) -> None:
        self.told.append("hourly")

    @wisp.cron("30 * * * *")
    async def half_past(self) -> None:
        self.told.append("half past")

    @wisp.job("note")
    async def note(self, text: str) -> None:
        self.told.append(text)


async def test_marked_methods_of_a_module_are_jobs() -> None:
    module = Marked()
    bot = wisp.Bot(modules=[module])
    async with connect(bot) as discord:
        await scheduler_of(bot).once("note", delay=10, data={"text": "hi"})
        await discord.advance(hours=1, seconds=1)
        assert sorted(module.told) == ["half past", "hi", "hourly"]
        await module.note("called")
        assert module.told[-1] == "called"


async def test_jobs_are_gone_with_their_module_and_come_back_with_it() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    async with connect(bot) as discord:
        ada, scheduler = discord.member("ada"), scheduler_of(bot)
        await ada.slash("begin")
        await discord.advance(hours=1, seconds=1)
        assert sorted(module.told) == ["late"] * 6 + ["often"] * 6 + ["tick"]
        await scheduler.once("remind", delay=60, data={"text": "tea"})
        await bot.modules.unload("reminders")
        module.told.clear()
        await discord.advance(hours=5)
        assert module.told == []
        with pytest.raises(JobError, match="no job 'remind'"):
            await scheduler.once("remind", delay=60, data={"text": "cake"})
        assert len(await scheduler.pending()) == 1
        for _ in range(3):
            await bot.modules.load("reminders")
            await discord.advance(seconds=1)
            await bot.modules.unload("reminders")
        assert module.told == ["tea", "tea done"]
        assert scheduler.count() == 0


async def test_a_module_that_a_command_of_another_loads_owns_what_its_setup_registers() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])

    @bot.command
    async def load(ctx: wisp.Context) -> str:
        """Load it."""
        await bot.modules.load("reminders")
        return "ok"

    async with connect(bot) as discord:
        await bot.modules.unload("reminders")
        await discord.member("ada").slash("load")
        await discord.advance(hours=1, seconds=1)
        assert "tick" in module.told
        await bot.modules.unload("reminders")
        assert scheduler_of(bot).count() == 0


async def test_a_setup_that_fails_leaves_no_job_behind() -> None:
    told: list[str] = []

    async def tick() -> None:
        told.append("tick")

    class Broken(wisp.Module):
        name = "broken"
        mended = False

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            ctx.services.get("scheduler").register(tick, interval=1, name="tick")
            bot.every(seconds=1, name="other")(tick)
            if not self.mended:
                raise ValueError("half-way")

    module = Broken()
    bot = wisp.Bot(modules=[module])
    async with connect(bot) as discord:
        await discord.advance(seconds=5)
        assert told == []
        module.mended = True
        await bot.modules.load("broken")
        await discord.advance(seconds=1.5)
        assert told == ["tick", "tick"]


async def test_a_module_whose_job_has_the_name_of_another_does_not_load() -> None:
    bot = wisp.Bot(modules=[Reminders()])

    @bot.job("remind")
    async def remind() -> None: ...

    async with connect(bot):
        assert 'job "remind": another job has this name' in bot.modules.missing["reminders"]


async def test_a_setup_can_start_its_own_job() -> None:
    told: list[str] = []

    class Starts(wisp.Module):
        name = "starts"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            @bot.job("hello")
            async def hello(text: str) -> None:
                told.append(text)

            await ctx.services.get("scheduler").once("hello", delay=1, data={"text": "hi"})

    async with connect(wisp.Bot(modules=[Starts()])) as discord:
        await discord.advance(seconds=2)
        assert told == ["hi"]


async def test_unloading_waits_for_what_runs_and_what_it_cuts_off_runs_again() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        module.hang = True
        await scheduler.once("remind", delay=1, data={"text": "tea"})
        await discord.advance(seconds=2)
        assert module.told == ["tea"]
        assert 'job "remind"' in bot.runtime.unfinished()
        await bot.modules.unload("reminders")
        assert module.told == ["tea"]
        assert 'job "remind"' not in bot.runtime.unfinished()  # a look whether it can run again may be going on
        assert len(await scheduler.pending()) == 1
        module.hang = False
        await bot.modules.load("reminders")
        await discord.advance(seconds=1)
        assert module.told == ["tea", "tea", "tea done"]
        assert await scheduler.pending() == []


async def test_a_reload_keeps_what_is_pending() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    async with connect(bot) as discord:
        await scheduler_of(bot).once("remind", delay=60, data={"text": "tea"})
        await bot.modules.unload("reminders")
        await bot.modules.load("reminders")
        await discord.advance(seconds=61)
        assert module.told == ["tea", "tea done"]


# ---- modules that are off ----


async def test_a_job_of_a_guild_waits_until_its_module_is_on_there() -> None:
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        await bot.modules.disable("reminders", guild_id=7)
        await scheduler.once("remind", delay=60, data={"text": "off"}, guild_id=7)
        await scheduler.once("remind", delay=60, data={"text": "on"}, guild_id=8)
        await scheduler.once("remind", delay=60, data={"text": "none"})
        await discord.advance(minutes=5)
        assert sorted(module.told) == ["none", "none done", "on", "on done"]
        assert [job.data["text"] for job in await scheduler.pending()] == ["off"]
        await bot.modules.enable("reminders", guild_id=9)
        await discord.advance(minutes=1)
        assert "off" not in module.told
        await bot.modules.enable("reminders", guild_id=7)
        await discord.advance(seconds=1)
        assert module.told[-2:] == ["off", "off done"]
        # and jobs that recur belong to no server
        assert "often" not in module.told
        await bot.modules.disable("reminders", guild_id=7)
        await discord.advance(minutes=10)
        assert "often" in module.told


async def test_what_waits_for_its_module_waits_over_a_restart(time: VirtualTime, tmp_path: Path) -> None:
    path = str(tmp_path / "wisp.db")
    bot = wisp.Bot(modules=[Reminders()])
    async with on_sandbox(bot, keep=path, clock=time.clock):
        await bot.modules.disable("reminders", guild_id=7)
        await scheduler_of(bot).once("remind", delay=0, data={"text": "off"}, guild_id=7)
        await asyncio.sleep(0.05)
    module = Reminders()
    bot = wisp.Bot(modules=[module])
    async with on_sandbox(bot, keep=path, clock=time.clock):
        await asyncio.sleep(0.1)
        assert module.told == []
        await bot.modules.enable("reminders", guild_id=7)
        await time.until(lambda: bool(module.told))
    assert module.told == ["off", "off done"]


# ---- whoever replaces it ----


async def test_another_scheduler_takes_the_name_and_the_jobs_of_decorators_go_on() -> None:
    bot, ran = with_job()

    @bot.every(seconds=1)
    async def tick() -> None:
        ran.append("tick")

    bot.services.register("scheduler", SimpleNamespace(mine=True))
    async with connect(bot) as discord:
        assert bot.services.get("scheduler").mine
        await discord.advance(seconds=1.5)
        assert ran == ["tick"]


async def test_runs_are_counted_and_timed_by_what_came_of_them() -> None:
    bot, _ = with_job()

    @bot.every(seconds=10)
    async def fails() -> None:
        raise ValueError

    async with connect(bot) as discord:
        await scheduler_of(bot).once("note", delay=1, data={"text": "tea"})
        with discord.expects(ValueError):
            await discord.advance(seconds=11)
        snapshot = bot.services.get("metrics").snapshot()
        assert snapshot.counters['wisp.jobs{job="note",outcome="done"}'] == 1
        assert snapshot.counters['wisp.jobs{job="fails",outcome="failed"}'] == 1
        assert snapshot.timings['wisp.job.duration{job="note"}'].count == 1


# ---- faults ----


async def test_a_job_that_is_cancelled_while_it_is_being_read_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        scheduler = scheduler_of(bot)
        jobs = [await scheduler.once("note", delay=60, data={"text": text}) for text in "ab"]
        read, cancelled = JobStore.read, list[bool]()

        async def read_slowly(store: JobStore, *args: Any) -> Any:
            rows = await read(store, *args)
            if rows and rows[0].due <= bot.runtime.clock.time():
                cancelled.append(await scheduler.cancel(jobs[0].id))
            return rows

        monkeypatch.setattr(JobStore, "read", read_slowly)
        await discord.advance(seconds=61)
        assert (cancelled, ran) == ([True], ["b"])


async def test_a_database_that_fails_is_told_and_loses_no_job(time: VirtualTime, tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    bot, ran = with_job()
    failures: list[Any] = []
    async with on_sandbox(bot, keep=str(path), clock=time.clock):
        bot.runtime.on_failure = failures.append
        await scheduler_of(bot).once("note", delay=0.2, data={"text": "before"})
        path.rename(tmp_path / "elsewhere.db")
        with pytest.raises(wisp.WispError, match="was deleted, moved or replaced"):
            await scheduler_of(bot).once("note", delay=0, data={"text": "never"})
        await time.until(lambda: bool(failures))
        assert failures[0].where == "removing note, which a restart would run again"
        (tmp_path / "elsewhere.db").rename(path)
        await scheduler_of(bot).once("note", delay=0, data={"text": "after"})
        await time.until(lambda: len(ran) == 2)
    assert ran == ["before", "after"]
    again, ran_again = with_job()
    async with on_sandbox(again, keep=str(path), clock=time.clock):
        await time.until(lambda: bool(ran_again))
    assert ran_again == ["before"]  # at least once: nobody could note that it had run


async def test_who_is_cancelled_while_a_job_is_kept_has_kept_it_or_not() -> None:
    bot, ran = with_job()
    async with connect(bot) as discord:
        await scheduler_of(bot).once("note", delay=60, data={"text": "before all that"})
        await discord.rest()
        for turns in range(6):
            asking = asyncio.create_task(scheduler_of(bot).once("note", delay=60, data={"text": str(turns)}))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait({asking})
        await scheduler_of(bot).once("note", delay=60, data={"text": "after all that"})
        kept = [job.data["text"] for job in await scheduler_of(bot).pending()]
        assert len(kept) >= 4 + 2  # all that had begun to be written
        await discord.advance(seconds=61)
        assert ran == kept
        assert await scheduler_of(bot).pending() == []


async def test_one_that_ends_the_process_is_given_up_after_five_runs(caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot()
    began: list[str] = []

    @bot.job("deadly")
    async def deadly() -> None:
        began.append("deadly")
        await asyncio.sleep(3600)  # until the process is killed

    async with connect(bot) as discord:
        await scheduler_of(bot).once("deadly", delay=0)
        for _ in range(8):
            await discord.advance(seconds=1)
            await discord.restart(kill=True)
        assert began == ["deadly"] * 5
        assert await scheduler_of(bot).pending() == []
    assert 'job "deadly" (no. 1) is given up after 5 attempts' in caplog.text


async def test_one_that_exits_has_failed_and_is_tried_again_later() -> None:
    bot = wisp.Bot()
    runs: list[str] = []

    @bot.job("leave")
    async def leave() -> None:
        runs.append("leave")
        sys.exit(3)

    async with connect(bot) as discord:
        await scheduler_of(bot).once("leave", delay=0)
        for run, wait in enumerate((1, 11, 61, 301, 1801), 1):
            with discord.expects(SystemExit):
                await discord.advance(seconds=wait)
            await discord.restart()
            assert [one.failures for one in await scheduler_of(bot).pending()] == ([run] if run < 5 else [])
        await discord.advance(hours=5)
        assert len(runs) == 5


async def test_runs_that_are_cut_off_in_order_are_not_counted() -> None:
    bot = wisp.Bot()
    began: list[str] = []

    @bot.job("long")
    async def long() -> None:
        began.append("long")
        if len(began) < 8:
            await asyncio.sleep(3600)

    async with connect(bot) as discord:
        await scheduler_of(bot).once("long", delay=0)
        for runs in range(1, 8):
            await discord.advance(seconds=1)
            assert len(began) == runs
            (pending,) = await scheduler_of(bot).pending()
            assert pending.failures == 0  # the one that runs has not failed
            await discord.restart()
        await discord.advance(seconds=1)
        assert len(began) == 8
        assert await scheduler_of(bot).pending() == []
