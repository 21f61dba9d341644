"""The scheduler: runs recurring jobs and one-shot jobs of the bot and its modules at their times."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..clock import LONGEST, Clock
from ..errors import JobError, ServiceError, did_you_mean
from ..logs import get_logger
from ..owner import Owner, in_setup
from ..services.database import DatabaseService
from ..services.encoding import check_limit, decode, encode, is_id
from . import Every, Job, Missed, OneShot, PendingJob, Recurring
from .one_shots import OneShotJobs
from .recurring import Schedule
from .store import JobStore, Row
from .timeline import Timeline

if TYPE_CHECKING:
    from ..runtime import Runtime

_log = get_logger("wisp.scheduler")

CLOCK_CHECK_INTERVAL = 10.0
"""Seconds between two checks whether the system's clock was set."""

LARGEST_CORRECTION = 3 * 3600.0
"""Seconds by which the system's clock can be set back without a time of the day running again."""

LARGEST_DATA = 1024 * 1024
"""The most bytes of a one-shot job's data, encoded as msgpack."""


class SchedulerService:
    """Runs jobs at their times, each run in a task of its own that the bot waits for when it closes.

    Jobs belong to the bot or module that registered them, and stop with it. Intervals follow `Clock.monotonic`, cron
    and one-shot jobs the wall clock. One-shot jobs are stored in the database, and run at least once.
    """

    def __init__(self, db: DatabaseService, *, clock: Clock) -> None:
        self._clock = clock
        self._monotonic = Timeline(clock, clock.monotonic)
        self._wall = Timeline(clock, clock.time)
        self._schedules: dict[str, Schedule] = {}
        self._store = JobStore(db)
        self._one_shots = OneShotJobs(self._store, self._wall)
        self._runtime: Runtime | None = None  # while the bot runs
        self._zero = clock.zero()

    # ---- for handlers ----

    def register(
        self,
        fn: Callable[[], Awaitable[object]],
        interval: float | datetime.timedelta = 3600.0,
        name: str | None = None,
        *,
        missed: Missed = "once",
        overlap: bool = False,
    ) -> None:
        """Run an async function every `interval` (seconds, or a timedelta), like `@bot.every`.

        The job belongs to the module in whose setup or handler this is called, else to the bot. Raises JobError if
        something is wrong with it, or if another job has its name (by default the function's); ServiceError if the bot
        does not run.
        """
        seconds = interval.total_seconds() if isinstance(interval, datetime.timedelta) else interval
        job = Every(fn, {"seconds": seconds, "name": name, "missed": missed, "overlap": overlap})
        owner = self._caller(self._running())
        if problems := job.check():
            raise JobError(str(problems[0]))
        if owner.is_unloading:
            raise JobError(f"{job.title}: its module is being unloaded")
        self._add(job, owner)

    def unregister(self, name: str) -> bool:
        """Stop running a recurring job. Return whether it existed. A run that has begun continues."""
        schedule = self._schedules.pop(name, None)
        if schedule is not None:
            schedule.stop()
        return schedule is not None

    async def once(
        self,
        name: str,
        *,
        delay: float | datetime.timedelta | None = None,
        at: datetime.datetime | None = None,
        data: Mapping[str, Any] | None = None,
        guild_id: int | None = None,
    ) -> PendingJob:
        """Run the job of this name once, in `delay` (seconds, or a timedelta) or `at` a time (now, if that is past).

        When this returns, the job survives `kill -9`, and will run at least once. `data` are its arguments by name, of
        types that msgspec encodes, up to 1 MiB. With a `guild_id`, it waits while its module is off in that guild.

        Raises JobError if no job has the name, the time is not valid (a datetime needs a time zone), or the job does
        not take the data; ServiceError if the bot does not run, and DatabaseError if the database fails.
        """
        due = self._due(delay, at)
        job = self._definition(name, self._running())
        if guild_id is not None and not is_id(guild_id):
            raise JobError(f"{job.title}: guild_id={guild_id!r} is not an id: expected an int from 1 to 2**64 - 1")
        encoded = _encode(job, data)
        await self._store.start()
        row, stored = self._store.add(name, due, None if guild_id is None else int(guild_id), encoded)
        # a callback, since the job is stored and runs even if the caller is cancelled meanwhile
        stored.add_done_callback(
            lambda done: done.cancelled() or done.exception() or self._one_shots.expect(row.due, row.id)
        )
        await asyncio.shield(stored)
        return _pending(row, 0)

    async def cancel(self, id: int) -> bool:
        """Cancel a one-shot job. Return whether it had not begun. One that runs continues, and is not tried again.

        Raises ServiceError and DatabaseError like `once`.
        """
        self._running()
        has_begun = id in self._one_shots.running
        existed = await self._store.cancel(id)
        self._one_shots.forget(id)
        return existed and not has_begun and id not in self._one_shots.running

    async def pending(
        self, name: str | None = None, *, guild_id: int | None = None, limit: int = 100
    ) -> list[PendingJob]:
        """Return one-shot jobs that have not ended, those due first, of this name and guild (None: of any).

        Raises ValueError if `limit` is below 0 or `guild_id` is not an id, ServiceError and DatabaseError like `once`.
        """
        check_limit(limit)
        self._running()
        if guild_id is not None and not is_id(guild_id):
            raise ValueError(f"guild_id: expected an int from 1 to 2**64 - 1, got {guild_id!r}")
        rows = await self._store.find(name, guild_id, limit)
        # the failure of a run is counted before it begins
        return [_pending(row, self._one_shots.running.get(row.id, row).failures) for row in rows]

    # ---- with the bot ----

    def start(self, runtime: Runtime) -> None:
        """Accept jobs."""
        self._one_shots.start(runtime)
        self._runtime = runtime

    def begin(self) -> None:
        """Run jobs from now on: the bot is connected. Does nothing if it has closed meanwhile."""
        if self._runtime is None:
            return
        for schedule in self._schedules.values():
            schedule.start()
        if not self._clock.is_virtual:
            self._check_clock()
        self._monotonic.start()
        self._wall.start()

    async def stop(self) -> None:
        """Run no more jobs, and wait until everything is written."""
        self._monotonic.stop()
        self._wall.stop()
        self._runtime = None
        await self._store.stop()

    def attach(self, owner: Owner, jobs: Sequence[Job]) -> None:
        """Run the jobs of a bot or module. Raises JobError if a name is taken."""
        for job in jobs:
            self._add(job, owner)
        self.wake()

    def detach(self, owner: Owner) -> None:
        """Stop running the jobs of a module. Its pending one-shot jobs wait until it is loaded again."""
        for name, schedule in [*self._schedules.items()]:
            if schedule.owner is owner:
                self.unregister(name)
        self._one_shots.remove_all(owner)

    def wake(self) -> None:
        """Run one-shot jobs that waited for a module: one was loaded, or enabled in a guild."""
        self._one_shots.resume()

    def count(self) -> int:
        """Return how many jobs there are, of either kind."""
        return len(self._schedules) + len(self._one_shots.definitions)

    def _check_clock(self) -> None:
        """Let the wall timeline follow if the system's clock was set, and do so again later."""
        zero = self._clock.zero()
        moved, self._zero = zero - self._zero, zero
        if moved < -LARGEST_CORRECTION:
            _log.warning("the system's clock was set back by %.0f s: cron schedules restart", -moved)
            for schedule in self._schedules.values():
                if schedule.job.is_wall:
                    schedule.restart()
        self._wall.rearm()
        self._monotonic.add(self._monotonic.now() + CLOCK_CHECK_INTERVAL, self._check_clock)

    def _add(self, job: Job, owner: Owner) -> None:
        schedule = self._schedules.get(job.name)
        if other := schedule.job if schedule else self._one_shots.definitions.get(job.name, (None,))[0]:
            raise JobError(f"{job.title}: another job has this name ({other.file}:{other.line})")
        if isinstance(job, Recurring):
            schedule = Schedule(job, owner, self._running(), self._wall if job.is_wall else self._monotonic)
            self._schedules[job.name] = schedule
            if self._monotonic.is_running:
                schedule.start()
        elif isinstance(job, OneShot):
            self._one_shots.add(job, owner)

    # ---- arguments ----

    def _running(self) -> Runtime:
        if self._runtime is None:
            raise ServiceError("there are no jobs: the bot has not started, or has closed")
        return self._runtime

    def _caller(self, runtime: Runtime) -> Owner:
        """Return the module that is calling, as far as can be told, else the bot."""
        if context := in_setup.get():
            return context[0]
        task = asyncio.current_task()  # None in a callback of the event loop
        calling = None if task is None else runtime.tasks.running.get(task)
        return calling or runtime.bot

    def _definition(self, name: str, runtime: Runtime) -> OneShot:
        context = in_setup.get()
        unattached = context[1] if context else runtime.bot.jobs  # jobs can be scheduled before they are attached
        known = {job.name: job for job in unattached if isinstance(job, OneShot)}
        known |= {name: job for name, (job, _) in self._one_shots.definitions.items()}
        if name not in known:
            hint = did_you_mean(name, known) or f". Define it: @bot.job({name!r})"
            raise JobError(f"there is no job {name!r} that is loaded{hint}")
        return known[name]

    def _due(self, delay: float | datetime.timedelta | None, at: datetime.datetime | None) -> float:
        """Return a time in seconds since the epoch. Raises JobError if it is not valid."""
        now = self._clock.time()
        if at is not None and delay is None:
            if at.utcoffset() is None:
                raise JobError(f"at={at!r} has no time zone. Expected one, as in datetime.datetime.now(datetime.UTC)")
            due = max(at.timestamp(), now)
        elif delay is not None and at is None:
            due = now + (delay.total_seconds() if isinstance(delay, datetime.timedelta) else delay)
        else:
            raise JobError("once() takes either delay=, in seconds, or at=, a datetime with a time zone")
        if not now <= due <= now + LONGEST.total_seconds():
            given = f"delay={delay!r}" if at is None else f"at={at.isoformat()!r}"
            raise JobError(f"{given}: expected a time from now on, within about a hundred years")
        return due


def _encode(job: OneShot, data: Mapping[str, Any] | None) -> bytes:
    """Encode the data of a job. Raises JobError if the job does not take them."""
    try:
        encoded = encode(dict(data or {}))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise JobError(f"{job.title}: its data cannot be kept: {error}") from error
    if len(encoded) > LARGEST_DATA:
        size = f"expected at most {LARGEST_DATA} bytes of data, got {len(encoded)}"
        raise JobError(f"{job.title}: {size}. Keep them elsewhere, and give the job what finds them")
    job.arguments(encoded)
    return encoded


def _pending(row: Row, failures: int) -> PendingJob:
    due = datetime.datetime.fromtimestamp(row.due, datetime.UTC)
    return PendingJob(row.id, row.name, due, decode(row.data), row.guild_id, failures)
