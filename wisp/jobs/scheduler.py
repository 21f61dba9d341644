"""The scheduler: jobs that recur, and one-shot jobs that are kept in the database, run at their time."""

from __future__ import annotations

import asyncio
import datetime
import difflib
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..clock import Clock
from ..errors import DatabaseError, JobError, ServiceError
from ..logs import get_logger
from ..services.database import DatabaseService
from ..services.encoding import check_limit, decode, encode, is_id
from ..tasks import shielded
from .recurring import Recurrences, spawn, tell
from .store import START, OneShots, Row
from .timeline import Due

if TYPE_CHECKING:
    from ..decorators import Decorators
    from ..instrumentation import Outcome
    from ..runtime import Runtime
    from . import Job, Missed, OneTime, Recurring

_log = get_logger("wisp.scheduler")


class PendingJob(NamedTuple):
    """A one-shot job that has not run yet: its id, when it is due (in UTC), its data, and how often it has failed."""

    id: int
    name: str
    due: datetime.datetime
    data: dict[str, Any]
    guild_id: int | None
    failures: int


RETRY_AFTER = (10.0, 60.0, 300.0, 1800.0)
"""Seconds that a one-shot job waits after each failure. After one more it is given up."""

MISSED_AFTER = 60.0
"""Seconds after its time from which a one-shot job counts as missed."""

LARGEST_DATA = 1024 * 1024
"""The most bytes of a one-shot job's data, encoded as msgpack."""

LONGEST_DELAY = 100 * 366 * 86400.0
"""Seconds, about a hundred years."""

_MOST = 2**63 - 1  # the largest number that SQLite knows

WINDOW = 1000
"""About how many one-shot jobs are held in memory, those due first. The others wait in the database."""

_setting_up: ContextVar[Decorators | None] = ContextVar("wisp module that is set up", default=None)


@contextmanager
def setting_up(owner: Decorators) -> Generator[None]:
    """Inside, and in tasks started there, what is scheduled belongs to this module."""
    token = _setting_up.set(owner)
    try:
        yield
    finally:
        _setting_up.reset(token)


class SchedulerService:
    """Runs jobs at their time, each as a task of its own that the bot waits for when it closes.

    Jobs belong to the module that registered them, and leave with it. Intervals follow `Clock.monotonic`; cron times
    and one-shot jobs follow the wall clock. One-shot jobs are kept in the database, run at least once, and about a
    thousand of them are held in memory.
    """

    def __init__(self, db: DatabaseService, *, clock: Clock) -> None:
        self._clock = clock
        self._recurring = Recurrences(clock)
        self._timeline = self._recurring.timeline
        self._store = OneShots(db)
        self._missing: str | None = "the bot has not started"
        self._session: Runtime | None = None
        self._context = Context()
        self._begun = False
        self._one_time: dict[str, tuple[OneTime, Decorators]] = {}
        self._early: dict[Decorators, list[Recurring]] = {}  # registered while their module was set up
        # One-shot jobs up to the cursor are in memory, running, or held (their module is off, or not there); those
        # after it are in the database alone.
        self._cursor: tuple[float, int] = START
        self._read_all = False
        self._shots: dict[int, _Shot] = {}
        self._running = 0  # of them
        self._filling: asyncio.Task[None] | None = None
        self._gone: set[int] = set()  # since the page was asked for that is being read
        self._owners: set[Decorators] = set()
        self._any_held = False
        self._told: set[str] = set()

    # ---- for everybody ----

    def register(
        self,
        fn: Callable[[], Awaitable[object]],
        interval: float | datetime.timedelta = 3600.0,
        name: str | None = None,
        *,
        missed: Missed = "once",
        overlap: bool = False,
    ) -> None:
        """Run an async function every `interval` (seconds, or a timedelta), first in one; as `@bot.every` else.

        It belongs to the module in whose setup or handler this is called. Raises JobError where that cannot be, or
        another job has the name (the function's, unless it says another).
        """
        from . import Every

        seconds = interval.total_seconds() if isinstance(interval, datetime.timedelta) else interval
        if not isinstance(seconds, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise JobError(f"register(interval={interval!r}): expected seconds, or a timedelta")
        job = Every(fn, {"seconds": seconds, "name": name, "missed": missed, "overlap": overlap})
        if mistakes := job.check():
            raise JobError(str(mistakes[0]))
        owner = self._owner()
        if other := self._of_name(job.name, owner):
            raise JobError(f"{job.title}: another job has this name ({other.file}:{other.line}). Unregister that first")
        if owner.is_unloading:
            raise JobError(f"{job.title}: its module is being unloaded")
        if self._is_attached(owner):
            self._recurring.take_in(job, owner)
        else:
            self._early.setdefault(owner, []).append(job)

    def unregister(self, name: str) -> bool:
        """Let a job that recurs run no more; whether there was one. A run that has begun goes on."""
        for jobs in self._early.values():
            for job in jobs:
                if job.name == name:
                    jobs.remove(job)
                    return True
        return self._recurring.leave(name)

    async def once(
        self,
        name: str,
        *,
        delay: float | datetime.timedelta | None = None,
        at: datetime.datetime | None = None,
        data: Mapping[str, Any] | None = None,
        guild_id: int | None = None,
    ) -> PendingJob:
        """Run the job of this name once, in `delay` (seconds, or a timedelta) or `at` a time (now, where that is past).

        When this returns the job survives `kill -9`, and runs at least once. `data` are its parameters by name, of
        anything that msgspec encodes, up to 1 MiB. With `guild_id` it runs only where its module is on in that
        server, and waits until it is. Raises JobError for a name that no job has, a time that is none (a datetime
        needs a time zone), and data that it does not take; ServiceError while the bot does not run, and DatabaseError
        if the database fails.
        """
        due = self._due(delay, at)
        job = self._one_time_of(name)
        if guild_id is not None and not is_id(guild_id):
            raise JobError(f"{job.title}: guild_id={guild_id!r} is no id: expected an int from 1 to 2**64 - 1")
        encoded = _encoded(job, data)
        if self._missing is not None:
            raise ServiceError(f"{job.title} cannot be kept: {self._missing}")
        row, written = self._store.add(name, due, None if guild_id is None else int(guild_id), encoded)
        written.add_done_callback(lambda done: done.cancelled() or done.exception() or self._expect(row))
        await self._store.kept(written)
        return _pending(row._replace(data=encoded))

    async def cancel(self, id: int) -> bool:
        """Take a one-shot job back; whether it had not begun. One that runs goes on, and is not tried again.

        Raises JobError for what is no int, ServiceError and DatabaseError as `once` does.
        """
        if not isinstance(id, int):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise JobError(f"cancel({id!r}): expected the `id` of a PendingJob, an int")
        self._ensure_kept()
        if not 0 < id <= _MOST:
            return False
        shot = self._shots.get(id)
        if shot is not None:
            self._timeline.remove(shot)
        try:
            was_kept = await self._store.take_back(id)
        except BaseException:
            if shot is not None and not shot.is_running and self._shots.get(id) is shot:
                self._timeline.add(shot)
            raise
        if shot is not None and shot.is_running:
            shot.is_cancelled = True
            return False
        self._forget(id)
        return was_kept

    async def pending(
        self, name: str | None = None, *, guild_id: int | None = None, limit: int = 100
    ) -> list[PendingJob]:
        """The one-shot jobs that are to run, of this name or of any, in this server or in any: those due first.

        Those that run now are among them. Raises ValueError for a limit below 0 and for what is no id, ServiceError
        and DatabaseError as `once` does.
        """
        check_limit(limit)
        self._ensure_kept()
        if guild_id is not None and not is_id(guild_id):
            raise ValueError(f"guild_id: expected an int from 1 to 2**64 - 1, got {guild_id!r}")
        rows = await self._store.find(name, guild_id, min(limit, _MOST))
        running = {id: shot.row.failures for id, shot in self._shots.items() if shot.is_running}
        return [_pending(row._replace(failures=running.get(row.id, row.failures))) for row in rows]

    # ---- with the bot ----

    async def start(self, session: Runtime) -> None:
        """Look into the database. Raises DatabaseError if it cannot be read."""
        self._session = session
        self._read_all = not await self._store.start()
        self._missing = None

    async def stop(self) -> None:
        """Nothing begins any more; wait for what is being written."""
        self._timeline.stop()
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait({self._filling})
        self._missing = "the bot has closed"
        await self._store.stop()

    def begin(self, context: Context) -> None:
        """Let jobs run, in this context: the bot is connected."""
        self._context = context
        self._begun = True
        self._recurring.begin(self._of_run(), context)
        self._timeline.begin()
        self._fill()

    def attach(self, owner: Decorators, jobs: Sequence[Job]) -> None:
        """Take in the jobs of a bot or module. Raises JobError where a name is taken."""
        from . import OneTime, Recurring

        self._owners.add(owner)
        for job in [*jobs, *self._early.pop(owner, [])]:
            if job.name in self._recurring.jobs or job.name in self._one_time:
                raise JobError(f"{job.title} ({job.file}:{job.line}): another job has this name")
            if isinstance(job, Recurring):
                self._recurring.take_in(job, owner)
            elif isinstance(job, OneTime):
                self._one_time[job.name] = job, owner
                self._told.discard(job.name)
        self.wake()

    def detach(self, owner: Decorators) -> None:
        """Let the jobs of a module run no more. What is pending of them waits until it is there again."""
        self._early.pop(owner, None)
        self._owners.discard(owner)
        for name, one in [*self._recurring.jobs.items()]:
            if one.owner is owner:
                self._recurring.leave(name)
        for name, (_, its_owner) in [*self._one_time.items()]:
            if its_owner is owner:
                del self._one_time[name]
        for shot in [*self._shots.values()]:
            if not shot.is_running and shot.row.name not in self._one_time:
                self._hold(shot)

    def wake(self) -> None:
        """A module was turned on, or is there: look at those that waited for it."""
        if self._any_held:
            self._any_held, self._read_all = False, False
            self._cursor = START
            for shot in [*self._shots.values()]:
                if not shot.is_running:  # it is read again, in its turn: else these alone may be enough to read no more
                    self._drop(shot)
            self._fill()

    def under_way(self) -> list[str]:
        """The jobs that run now, in words."""
        recurring = [one.job.title for one in self._recurring.jobs.values() if one.running]
        return [*recurring, *(f'job "{shot.row.name}"' for shot in self._shots.values() if shot.is_running)]

    def count(self) -> int:
        """How many jobs there are, of either kind."""
        return len(self._recurring.jobs) + len(self._one_time)

    def _due(self, delay: object, at: object) -> float:
        """When that is, in seconds since the epoch. Raises JobError where it is no time."""
        if (delay is None) is (at is None):
            raise JobError("when? Give once() either delay=, in seconds, or at=, a datetime with a time zone")
        if at is not None:
            if not isinstance(at, datetime.datetime) or at.utcoffset() is None:
                raise JobError(
                    f"at={at!r} has no time zone, so that it could be several times: expected an aware datetime, as in "
                    "datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)"
                )
            if at.timestamp() - self._clock.time() > LONGEST_DELAY:
                raise JobError(f"at={at.isoformat()!r}: expected a time within about a hundred years")
            return max(at.timestamp(), self._clock.time())
        seconds = delay.total_seconds() if isinstance(delay, datetime.timedelta) else delay
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST_DELAY:
            raise JobError(f"delay={delay!r}: expected seconds, or a timedelta, from 0 to about a hundred years")
        return self._clock.time() + seconds

    # ---- whose it is ----

    def _owner(self) -> Decorators:
        """The module that is calling, as far as can be told; else the bot."""
        if self._session is None:
            raise JobError("the bot has not started: register jobs with @bot.every, or in on_start, or in a setup")
        if owner := _setting_up.get():
            return owner
        task = asyncio.current_task()  # None in a plain callback of the event loop
        calling = None if task is None else self._session.tasks.running.get(task)
        return cast("Decorators", calling or self._session.bot)

    def _is_attached(self, owner: Decorators) -> bool:
        return owner in self._owners

    def _of_name(self, name: str, owner: Decorators) -> Job | None:
        if name in self._recurring.jobs:
            return self._recurring.jobs[name].job
        if name in self._one_time:
            return self._one_time[name][0]
        early = [job for jobs in self._early.values() for job in jobs]
        own = [] if self._is_attached(owner) else owner.jobs
        return next((job for job in (*early, *own) if job.name == name), None)

    def _one_time_of(self, name: str) -> OneTime:
        if isinstance(name, str) and name in self._one_time:  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            return self._one_time[name][0]
        from . import OneTime

        found: list[OneTime] = [job for job, _ in self._one_time.values()]
        if self._session is not None:  # what is being set up is not attached yet
            found += [job for job in self._owner().jobs if isinstance(job, OneTime)]
        for job in found:
            if job.name == name:
                return job
        nearest = difflib.get_close_matches(str(name), [job.name for job in found], 1)
        hint = f'Did you mean "{nearest[0]}"?' if nearest else f"Make it: @bot.job({name!r})"
        if str(name) in self._recurring.jobs:
            hint = "It is one that recurs: @bot.job makes those that can be started"
        raise JobError(f"there is no job {name!r} that is loaded. {hint}")

    # ---- one-shot jobs that run ----

    def _shot_due(self, shot: _Shot, now: float) -> None:
        if self._of_run().closing:
            return
        job, owner = self._one_time.get(shot.row.name, (None, None))
        if job is None or owner is None or not self._is_on(owner, shot.row.guild_id):
            self._hold(shot)
        else:
            shot.is_running = True
            self._running += 1
            spawn(self._context, self._run_shot(shot, job, owner, now), f'job "{shot.row.name}"')
        self._fill()

    async def _run_shot(self, shot: _Shot, job: OneTime, owner: Decorators, now: float) -> None:
        session = self._of_run()
        if session.is_ending(owner):
            self._hold(shot)
            return
        outcome: Outcome = "done"

        async def run() -> object:
            nonlocal outcome
            if shot.row.failures > len(RETRY_AFTER):  # each attempt ended the process
                self._log_given_up(shot, job, shot.row.failures)
                outcome = "failed"
                return None
            if not await self._is_wanted(shot.row, job, now):
                _log.info("%s (no. %d) was missed, and is left out", job.title, shot.row.id)
                outcome = "refused"
                return None
            data = await self._store.data(shot.row.id) if shot.row.data is None else shot.row.data
            if data is None:  # it was cancelled
                return None
            arguments = job.arguments(data)
            await self._count_failure(shot)
            return await session.watchdog.watch(job.function(**arguments), job.label)

        async def failed(error: BaseException) -> None:
            nonlocal outcome
            outcome = "failed"
            await self._shot_failed(shot, job, owner, error)

        with session.tasks.track(owner):
            began = self._clock.monotonic()
            try:
                if await shielded(run, failed, is_ending=lambda: session.is_ending(owner)):
                    await self._done(shot)
            except asyncio.CancelledError:  # it was cut off, which is no failure, and runs again
                outcome = "cancelled"
                await self._uncount_failure(shot)
                self._hold(shot)
                raise
            finally:
                session.instrumentation.record("job", job.name, outcome, began)

    async def _count_failure(self, shot: _Shot) -> None:
        """Keep that a run has failed, before it begins: it may end the process.

        Else a job that does so would end the bot again at each start. A database that fails keeps no job from running:
        it is reported when the run has ended.
        """
        with suppress(DatabaseError):
            await self._store.kept(self._store.move(shot.row.id, shot.row.due, shot.row.failures + 1))

    async def _uncount_failure(self, shot: _Shot) -> None:
        try:
            await self._store.kept(self._store.move(shot.row.id, shot.row.due, shot.row.failures))
        except DatabaseError as error:
            self._of_run().report(f"keeping that {shot.row.name} runs again", error)

    async def _is_wanted(self, row: Row, job: OneTime, now: float) -> bool:
        """Whether a job is to run, or was missed and its policy is against it."""
        if job.missed == "all" or now - row.due <= MISSED_AFTER:
            return True
        return job.missed == "once" and not await self._store.is_followed(row, now)

    async def _done(self, shot: _Shot) -> None:
        try:
            await self._store.kept(self._store.remove(shot.row.id))
        except DatabaseError as error:
            self._of_run().report(f"removing {shot.row.name}, which a restart would run again", error)
        self._forget(shot.row.id)

    async def _shot_failed(self, shot: _Shot, job: OneTime, owner: Decorators, error: BaseException) -> None:
        """Try again later, or give up."""
        await tell(self._of_run(), job, owner, shot.row.guild_id, error)
        failures = shot.row.failures + 1
        if shot.is_cancelled:
            self._forget(shot.row.id)
        elif failures > len(RETRY_AFTER):
            self._log_given_up(shot, job, failures)
            await self._done(shot)
        else:
            await self._try_again(shot, failures)

    def _log_given_up(self, shot: _Shot, job: OneTime, attempts: int) -> None:
        _log.error("%s (no. %d) is given up after %d attempts", job.title, shot.row.id, attempts)

    async def _try_again(self, shot: _Shot, failures: int) -> None:
        due = self._clock.time() + RETRY_AFTER[failures - 1]
        try:
            await self._store.kept(self._store.move(shot.row.id, due, failures))
        except DatabaseError as error:
            self._of_run().report(f"keeping when {shot.row.name} runs again", error)
        if shot.is_cancelled:
            self._forget(shot.row.id)
        elif shot.row.name not in self._one_time:
            self._hold(shot)
        else:
            shot.row = shot.row._replace(due=due, failures=failures)
            shot.deadline = due
            self._rest(shot)
            self._timeline.add(shot)

    def _of_run(self) -> Runtime:
        assert self._session is not None
        return self._session

    # ---- one-shot jobs in memory ----

    def _ensure_kept(self) -> None:
        if self._missing is not None:
            raise ServiceError(f"there are no one-shot jobs: {self._missing}")

    def _expect(self, row: Row) -> None:
        """A job was kept: hold it in memory, where it is due before those that are in the database alone."""
        if self._filling is not None or self._read_all or (row.due, row.id) <= self._cursor:
            self._take(row)
            self._shorten()

    def _take(self, row: Row) -> None:
        if not self._begun:
            self._read_all = False  # begin() reads it, once all jobs have their functions
            return
        if row.id in self._shots or row.id in self._gone:
            return
        job, owner = self._one_time.get(row.name, (None, None))
        if job is None or owner is None:
            self._any_held = True
            self._tell_held(row.name)
        elif row.due <= self._clock.time() and not self._is_on(owner, row.guild_id):
            self._any_held = True
        else:
            shot = self._shots[row.id] = _Shot(row, self._shot_due)
            self._timeline.add(shot)

    def _tell_held(self, name: str) -> None:
        if name not in self._told:
            self._told.add(name)
            _log.warning('one-shot jobs "%s" wait: no job of that name is loaded', name)

    def _is_on(self, owner: Decorators, guild_id: int | None) -> bool:
        return self._of_run().gate.is_open(owner, guild_id)

    def _hold(self, shot: _Shot) -> None:
        """Leave a job to the database until its module is there, and on."""
        self._drop(shot)
        self._any_held = True
        if shot.row.name not in self._one_time and not self._of_run().closing:
            self._tell_held(shot.row.name)

    def _forget(self, id: int) -> None:
        """A job is done, or taken back."""
        if shot := self._shots.get(id):
            self._drop(shot)
        if self._filling is not None:
            self._gone.add(id)
        self._fill()

    def _drop(self, shot: _Shot) -> None:
        self._timeline.remove(shot)
        self._rest(shot)
        self._shots.pop(shot.row.id, None)

    def _rest(self, shot: _Shot) -> None:
        self._running -= shot.is_running
        shot.is_running = False

    def _shorten(self) -> None:
        """Leave those due last to the database, where there are too many."""
        if len(self._shots) - self._running <= 2 * WINDOW or self._filling is not None:
            return
        waiting = sorted((shot.row.due, id) for id, shot in self._shots.items() if shot.ticket)
        for _, id in waiting[WINDOW:]:
            self._drop(self._shots[id])
        self._cursor, self._read_all = waiting[WINDOW - 1], False

    def _fill(self) -> None:
        """Read those due next, where few are left in memory."""
        few = len(self._shots) - self._running <= WINDOW // 2
        if few and not self._read_all and self._begun and self._missing is None and self._filling is None:
            self._filling = spawn(self._context, self._read_pages(), "reading jobs")

    async def _read_pages(self) -> None:
        session = self._of_run()
        with session.tasks.track():
            try:
                while not self._read_all and len(self._shots) - self._running < WINDOW:
                    await self._read_page()
            except DatabaseError as error:
                session.report("reading one-shot jobs", error)
                self._clock.call_later(RETRY_AFTER[0], self._fill)
            finally:
                self._filling = None
                self._gone.clear()
            self._shorten()

    async def _read_page(self) -> None:
        cursor = self._cursor
        self._gone.clear()
        rows = await self._store.page(cursor, WINDOW)
        if self._cursor is not cursor:
            return  # it begins anew
        for row in rows:
            self._take(row)
        if len(rows) < WINDOW:
            self._read_all = True
        else:
            self._cursor = rows[-1].due, rows[-1].id


class _Shot(Due):
    """A one-shot job in memory. `is_cancelled` says that it was taken back while it ran."""

    __slots__ = ("is_cancelled", "is_running", "row")

    def __init__(self, row: Row, come_due: Callable[[_Shot, float], object]) -> None:
        super().__init__(row.due, True, come_due)
        self.row: Row = row
        self.is_running: bool = False
        self.is_cancelled: bool = False


def _encoded(job: OneTime, data: object) -> bytes:
    """The data of a job. Raises JobError where it does not take them."""
    if data is not None and not isinstance(data, Mapping):
        raise JobError(f"{job.title}: data={data!r} is no mapping of its parameters' names to values")
    try:
        encoded = encode(dict(cast("Mapping[Any, Any]", data or {})))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise JobError(f"{job.title}: its data cannot be kept: {error}") from error
    if len(encoded) > LARGEST_DATA:
        what = f"expected at most {LARGEST_DATA} bytes of data, got {len(encoded)}"
        raise JobError(f"{job.title}: {what}. Keep them elsewhere, and give the job what finds them")
    job.arguments(encoded)
    return encoded


def _pending(row: Row) -> PendingJob:
    due = datetime.datetime.fromtimestamp(row.due, datetime.UTC)
    return PendingJob(row.id, row.name, due, decode(row.data or b"\x80"), row.guild_id, row.failures)
