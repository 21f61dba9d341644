"""Jobs that recur, while the bot runs: when the next run of each is, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import math
import sys
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from ..clock import Clock
from ..logs import get_logger
from ..tasks import current_task, set_handler, shielded
from .timeline import GRAIN, Due, Timeline

if TYPE_CHECKING:
    from ..decorators import Decorators
    from ..instrumentation import Outcome
    from ..runtime import Runtime
    from . import Job, Recurring

_log = get_logger("wisp.scheduler")

LONGEST_BACKOFF = 300.0
"""Seconds that a job that recurs waits at most after failures in a row: 1, 2, 4, 8 and so on."""

CORRECTION = 3 * 3600.0
"""Seconds: a wall clock that is set back by more was wrong before, and cron begins anew."""


class Recurrence(Due):
    """A job that recurs, in this run of the bot. `is_here` ends with its module, or when it is unregistered."""

    __slots__ = ("failures", "is_here", "job", "owner", "running")

    def __init__(self, job: Recurring, owner: Decorators, come_due: Callable[[Recurrence, float], object]) -> None:
        super().__init__(math.inf, job.is_wall, come_due, min(job.grain, GRAIN))
        self.job: Recurring = job
        self.owner: Decorators = owner
        self.failures: int = 0
        self.running: int = 0
        self.is_here: bool = True


class Recurrences:
    """The jobs that recur, by name, on a `timeline`. They stand still until `begin`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._session: Runtime | None = None
        self._context = Context()
        self._batch: deque[Recurrence] = deque()
        self.timeline: Timeline = Timeline(clock, self._on_jump)
        self.jobs: dict[str, Recurrence] = {}

    def begin(self, session: Runtime, context: Context) -> None:
        """Let them run, in this context: their intervals begin now."""
        self._session, self._context = session, context
        for one in self.jobs.values():
            self._begin(one)

    def take_in(self, job: Recurring, owner: Decorators) -> None:
        """Let a job recur."""
        one = self.jobs[job.name] = Recurrence(job, owner, self._come_due)
        if self._session is not None:
            self._begin(one)

    def leave(self, name: str) -> bool:
        """Let a job run no more; whether there was one. A run that has begun goes on."""
        one = self.jobs.pop(name, None)
        if one is None:
            return False
        one.is_here = False
        self.timeline.remove(one)
        return True

    def _begin(self, one: Recurrence) -> None:
        one.deadline = one.job.first(self._clock.time(), self._clock.monotonic())
        self._expect(one)

    def _expect(self, one: Recurrence) -> None:
        if one.is_here and one.deadline < math.inf:
            self.timeline.add(one)

    def _come_due(self, one: Recurrence, now: float) -> None:
        """A run is due: begin it, and settle when the next one is. It is expected again once it has ended."""
        assert self._session is not None
        if self._session.closing:
            return
        job = one.job
        following = job.next(one.deadline)
        is_skipped = False
        if following <= now and job.missed != "all":
            following = job.next_after(one.deadline, now)
            is_skipped = job.missed == "skip"
        one.deadline = following
        if job.overlap or is_skipped:
            self._expect(one)
        if not is_skipped:
            one.running += 1
            self._begin_run(one)

    def _begin_run(self, one: Recurrence) -> None:
        """Let a run begin in the next turn of the loop, in one task with others for as long as none of them waits.

        Many jobs wait for nothing, and a task of its own costs more than such a run.
        """
        if self._batch:
            self._batch.append(one)
        else:
            self._batch = deque([one])
            spawn(self._context, self._run_batch(self._batch), one.job.title)
            asyncio.get_running_loop().call_soon(self._spread, self._batch)  # right after the task's first step

    async def _run_batch(self, batch: deque[Recurrence]) -> None:
        """Run one after the other, until one leaves traces in the task: they are not to befall another."""
        task, context = current_task(), copy_context()
        holders = _holders(task)
        try:
            while batch:
                one = batch.popleft()
                task.set_name(one.job.title)
                await self._run(one)
                if task.cancelling() or _holders(task) != holders or copy_context() != context:
                    break
        finally:
            self._spread(batch)

    def _spread(self, batch: deque[Recurrence]) -> None:
        """Give what is left of a batch tasks of its own: the batch's has ended, or is taken by a run that waits."""
        while batch:
            one = batch.popleft()
            spawn(self._context, self._run_batch(deque([one])), one.job.title)

    async def _run(self, one: Recurrence) -> None:
        # a thousand times a second this is what costs: it asks once which task it is
        session, job, task = self._session, one.job, current_task()
        assert session is not None
        session.tasks.running[task] = one.owner
        began = self._clock.monotonic()
        outcome: Outcome = "cancelled"
        failed = partial(tell, session, job, one.owner, None)
        try:
            if one.is_here and not session.closing:
                if await shielded(
                    lambda: session.watchdog.watch(job.function(), job.label),
                    failed,
                    is_ending=lambda: session.is_ending(one.owner),
                ):
                    one.failures = 0
                    outcome = "done"
                else:
                    outcome = "failed"
                    self._back_off(one)
        finally:
            session.instrumentation.record("job", job.name, outcome, began)
            one.running -= 1
            if not job.overlap:
                self._expect(one)
            session.tasks.remove(task)

    def _back_off(self, one: Recurrence) -> None:
        """Leave out those of its times that come too soon after a failure."""
        wait = min(2.0 ** min(one.failures, 30), LONGEST_BACKOFF)
        one.failures += 1
        until = wait + (self._clock.time() if one.is_wall else self._clock.monotonic())
        if one.deadline <= until:
            one.deadline = one.job.next_after(one.deadline, until)
            if one.ticket:
                self._expect(one)

    def _on_jump(self, seconds: float) -> None:
        _log.warning("the system's clock was set %s by %.0f s", "forward" if seconds > 0 else "back", abs(seconds))
        if seconds < -CORRECTION:
            for one in self.jobs.values():
                if one.is_wall:
                    one.deadline = one.job.first(self._clock.time(), self._clock.monotonic())


async def tell(session: Runtime, job: Job, owner: Decorators, guild_id: int | None, error: BaseException) -> None:
    """Ask the error handlers about what a job raised; log what none of them handles."""
    from . import JobContext

    await session.handle_error(JobContext(session.bot, job.name, guild_id), error, job.title, owner)


def _holders(task: asyncio.Task[Any]) -> int:
    """How many refer to a task: one more where a job keeps its own, to cancel it, or (in tests) made others in it."""
    return sys.getrefcount(task) + weakref.getweakrefcount(task)


def spawn(context: Context, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run `work` as a task that does not inherit what the caller is in, such as a transaction."""
    context = context.copy()
    task = asyncio.get_running_loop().create_task(work, name=name, context=context)
    context.run(set_handler, task)
    return task
