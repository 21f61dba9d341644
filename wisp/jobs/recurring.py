"""Recurring jobs of a running bot: when each runs next, and what happens after missed times and failures."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any

from ..instrumentation import Outcome
from ..owner import Owner
from . import Job, JobContext, Recurring
from .timeline import Timeline, Timer

if TYPE_CHECKING:
    from ..runtime import Runtime

LONGEST_BACKOFF = 300.0
"""The most seconds that a job waits after failures in a row: 1, 2, 4, 8 and so on."""


class Schedule:
    """The runs of a recurring job, on the timeline of its clock. They begin with `start`."""

    def __init__(self, job: Recurring, owner: Owner, runtime: Runtime, timeline: Timeline) -> None:
        self.job: Recurring = job
        self.owner: Owner = owner
        self._runtime = runtime
        self._timeline = timeline
        self._due = math.inf
        self._failures = 0  # in a row
        self._timer: Timer | None = None  # None while a run delays the next one
        self._is_stopped = False

    def start(self) -> None:
        """Run the job from now on."""
        self._due = self.job.next_after(self._timeline.now())
        self._wait()

    def restart(self) -> None:
        """Forget the time of the next run, and count from now."""
        self._due = self.job.next_after(self._timeline.now())
        if self._timer is not None:
            self._wait()

    def stop(self) -> None:
        """Start no more runs. A run that has started continues."""
        self._is_stopped = True
        if self._timer is not None:
            self._timeline.cancel(self._timer)

    def _wait(self) -> None:
        if self._timer is not None:
            self._timeline.cancel(self._timer)
        if self._due < math.inf and not self._is_stopped:
            self._timer = self._timeline.add(self._due, self._begin)

    def _begin(self) -> None:
        """Begin the run that is due, and decide when the next one is: without `overlap` it waits for the end."""
        self._timer = None
        now = self._timeline.now()
        following = self.job.next_after(self._due)
        is_skipped = False
        if following <= now and self.job.missed != "all":
            following = self.job.next_after(self._due, now)
            is_skipped = self.job.missed == "skip"
        self._due = following
        if self.job.overlap or is_skipped:
            self._wait()
        if not is_skipped:
            spawn(self._run())

    async def _run(self) -> None:
        if self._is_stopped or self._runtime.closing:
            return
        outcome = await run(self._runtime, self.job, self.owner, None, self.job.function)
        if outcome == "failed":
            until = self._timeline.now() + min(2.0 ** min(self._failures, 10), LONGEST_BACKOFF)
            self._failures += 1
            if self._due <= until:
                self._due = self.job.next_after(self._due, until)
        else:
            self._failures = 0
        if outcome == "failed" or not self.job.overlap:
            self._wait()


def spawn(work: Coroutine[Any, Any, object]) -> None:
    """Start a task in an empty context: the current one can be that of a handler, inside of a transaction."""
    asyncio.get_running_loop().create_task(work, context=Context())


async def run(
    runtime: Runtime, job: Job, owner: Owner, guild_id: int | None, call: Callable[[], Awaitable[object]]
) -> Outcome:
    """Run a job by `call` as a handler of its owner. The error handlers get what it raises."""

    async def fail(error: BaseException) -> None:
        await runtime.handle_error(JobContext(runtime, job.name, guild_id), error, job.title, owner)

    return await runtime.run("job", job.name, job.title, owner, call, fail)
