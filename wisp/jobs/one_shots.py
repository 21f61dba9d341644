"""One-shot jobs of a running bot: when each runs, and what happens after failures and restarts."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ..errors import DatabaseError
from ..instrumentation import Outcome
from ..logs import get_logger
from ..owner import Owner
from . import OneShot
from .recurring import run, spawn
from .store import JobStore, Row
from .timeline import SLACK, Timeline

if TYPE_CHECKING:
    from ..runtime import Runtime

_log = get_logger("wisp.scheduler")

RETRY_AFTER = (10.0, 60.0, 300.0, 1800.0)
"""Seconds that a job waits after each failure. After one more it is given up."""

MISSED_AFTER = 60.0
"""Seconds after its time from which a job counts as missed."""

READ_AHEAD = 60.0
"""Seconds before its time from which a job has a timer. What is due later is in the database alone."""


class OneShotJobs:
    """Runs the one-shot jobs of a `store` at their times on the `timeline` of the wall clock.

    `definitions` are the jobs that are loaded, by name, with their owners. Jobs whose definition is not loaded, or
    whose owner is off in their guild, are held until `resume`.
    """

    _runtime: Runtime  # set before the timeline starts

    def __init__(self, store: JobStore, timeline: Timeline) -> None:
        self.definitions: dict[str, tuple[OneShot, Owner]] = {}
        self.running: dict[int, Row] = {}
        self._store = store
        self._timeline = timeline
        self._read_until = self._next_read = math.inf
        self._held: dict[int, float] = {}
        self._reported: set[str] = set()  # names that have no definition

    def add(self, job: OneShot, owner: Owner) -> None:
        """Add the definition of a job."""
        self.definitions[job.name] = job, owner
        self._reported.discard(job.name)

    def remove_all(self, owner: Owner) -> None:
        """Remove the definitions of a bot or module."""
        self.definitions = {name: (job, its) for name, (job, its) in self.definitions.items() if its is not owner}

    def start(self, runtime: Runtime) -> None:
        """Schedule the stored jobs."""
        self._runtime = runtime
        self._read_until = -math.inf
        self._read_at(self._timeline.now())

    def expect(self, id: int, due: float) -> None:
        """Schedule a stored job. It may have more than one timer: the first that finds it due runs it."""
        if due <= self._read_until:
            self._timeline.add(due, lambda: spawn(self._run(id)))
        elif due < self._next_read:
            self._read_at(due)

    def _read_at(self, time: float) -> None:
        self._next_read = time
        self._timeline.add(time, lambda: spawn(self._read()))

    async def _read(self) -> None:
        """Schedule the jobs that are due soon, and read again when the first of the others is."""
        now, after = self._timeline.now(), self._read_until
        self._read_until, self._next_read = now + READ_AHEAD, math.inf
        with self._runtime.tasks.track():
            try:
                for id, due in await self._store.due_between(after, self._read_until):
                    self.expect(id, due)
                later = await self._store.first_after(self._read_until)
            except DatabaseError as error:
                self._runtime.report("reading one-shot jobs", error)
                self._read_until = after
                self._read_at(now + RETRY_AFTER[0])
                return
        if later is not None and later < self._next_read:
            self._read_at(later)

    def resume(self) -> None:
        """Run the jobs that were held, since a module was loaded or enabled."""
        held, self._held = self._held, {}
        for id, due in held.items():
            self.expect(id, due)

    async def _run(self, id: int) -> None:
        runtime, now = self._runtime, self._timeline.now()
        with runtime.tasks.track():
            try:
                row = await self._store.get(id)
            except DatabaseError as error:
                runtime.report(f"reading one-shot job no. {id}", error)
                self.expect(id, now + RETRY_AFTER[0])
                return
        if row is None or row.due > now + SLACK or id in self.running or runtime.closing:
            return
        job, owner = self.definitions.get(row.name, (None, None))
        if job is not None and owner is not None and runtime.gate.is_open(owner, row.guild_id):
            await self._run_row(row, job, owner, now)
            return
        self._held[id] = row.due
        if job is None and row.name not in self._reported:
            self._reported.add(row.name)
            _log.warning('one-shot jobs "%s" wait: no job of that name is loaded', row.name)

    async def _run_row(self, row: Row, job: OneShot, owner: Owner, now: float) -> None:
        self.running[row.id] = row
        outcome: Outcome = "failed"  # each attempt ended the process, if there were too many
        try:
            if row.failures <= len(RETRY_AFTER):
                outcome = await run(self._runtime, job, owner, row.guild_id, partial(self._call, row, job, now))
            with self._runtime.tasks.track():
                await self._settle(row, job, outcome)
        except asyncio.CancelledError:  # its module is unloaded, or the bot closes: that is no failure
            await self._try_again(row, row.due, row.failures)
            raise
        finally:
            del self.running[row.id]

    async def _call(self, row: Row, job: OneShot, now: float) -> object:
        is_missed = job.missed != "all" and now - row.due > MISSED_AFTER
        if is_missed and (job.missed == "skip" or await self._store.is_followed(row, now)):
            _log.info("%s (no. %d) was missed, and is skipped", job.title, row.id)
            return None
        arguments = job.arguments(row.data)
        # The failure is counted before the run: a job that ends the process would else end it at each start. If the
        # database fails, the job runs all the same.
        with suppress(DatabaseError):
            await self._store.update(row.id, row.due, row.failures + 1)
        return await job.function(**arguments)

    async def _settle(self, row: Row, job: OneShot, outcome: Outcome) -> None:
        """Store what happens after a run: nothing more, or another attempt."""
        if outcome == "failed":
            if row.failures < len(RETRY_AFTER):
                due = self._timeline.now() + RETRY_AFTER[row.failures]
                await self._try_again(row, due, row.failures + 1)
                return
            _log.error("%s (no. %d) is given up after %d attempts", job.title, row.id, len(RETRY_AFTER) + 1)
        await self._written(self._store.remove(row.id), f"removing {row.name}, which a restart would run again")

    async def _try_again(self, row: Row, due: float, failures: int) -> None:
        await self._written(self._store.update(row.id, due, failures), f"storing the next attempt of {row.name}")
        self.expect(row.id, due)

    async def _written(self, writing: asyncio.Future[None], where: str) -> None:
        try:
            await writing
        except DatabaseError as error:
            self._runtime.report(where, error)
