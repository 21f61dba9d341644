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
from .timeline import SLACK, Timeline, Timer

if TYPE_CHECKING:
    from ..runtime import Runtime

_log = get_logger("wisp.scheduler")

RETRY_AFTER = (10.0, 60.0, 300.0, 1800.0)
"""Seconds that a job waits after each failure. After one more it is given up."""

MISSED_AFTER = 60.0
"""Seconds after its time from which a job counts as missed."""

PAGE = 50
"""The most jobs that are read from the database at once."""

_FIRST, _LAST = (-math.inf, 0), (math.inf, 0)


class OneShotJobs:
    """Runs the one-shot jobs of a `store` at their times on the `timeline` of the wall clock.

    `definitions` are the jobs that are loaded, by name, with their owners. The jobs wait in the database, in the order
    of their times and ids, and are read from `_next` on when that is due. A job whose definition is not loaded, or
    whose owner is off in its guild, is passed over until `resume`.
    """

    _runtime: Runtime  # set before the timeline starts

    def __init__(self, store: JobStore, timeline: Timeline) -> None:
        self.definitions: dict[str, tuple[OneShot, Owner]] = {}
        self.running: dict[int, Row] = {}
        self._store = store
        self._timeline = timeline
        self._next = _LAST
        self._timer: Timer | None = None
        self._is_reading = False
        self._read_too_late: set[int] = set()  # jobs that may be among the rows being read, and must not begin
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
        self.resume()

    def resume(self) -> None:
        """Run the jobs that were passed over, since a module was loaded or enabled."""
        self.expect(*_FIRST)

    def expect(self, due: float, id: int) -> None:
        """Run a stored job when it is due."""
        if (due, id) < self._next:
            self._next = due, id
            if not self._is_reading:
                self._read_at(due)

    def forget(self, id: int) -> None:
        """Do not run a job that was removed from the database, even if it has been read meanwhile."""
        self._read_too_late.add(id)

    def _read_at(self, time: float) -> None:
        if self._timer is not None:
            self._timeline.cancel(self._timer)
        self._timer = self._timeline.add(time, lambda: spawn(self._read()))

    async def _read(self) -> None:
        """Run the jobs that are due, and read again when the next one is."""
        self._is_reading = True
        first, self._next = self._next, _LAST
        self._read_too_late = {*self.running}
        retry_at = -math.inf
        with self._runtime.tasks.track():
            try:
                rows = await self._store.read(*first, PAGE)
            except DatabaseError as error:
                self._runtime.report("reading one-shot jobs", error)
                rows, retry_at = [], self._timeline.now() + RETRY_AFTER[0]
                self.expect(*first)
        now = self._timeline.now()
        due = [row for row in rows if row.due <= now + SLACK]
        for row in due:
            if row.id not in self._read_too_late:
                self._begin(row, now)
        if len(due) < len(rows):
            self.expect(rows[len(due)].due, rows[len(due)].id)
        elif len(rows) == PAGE:
            self.expect(rows[-1].due, rows[-1].id + 1)
        self._is_reading = False
        if self._next < _LAST:
            self._read_at(max(self._next[0], retry_at))

    def _begin(self, row: Row, now: float) -> None:
        job, owner = self.definitions.get(row.name, (None, None))
        if job is None or owner is None:
            if row.name not in self._reported:
                self._reported.add(row.name)
                _log.warning('one-shot jobs "%s" wait: no job of that name is loaded', row.name)
        elif self._runtime.gate.is_open(owner, row.guild_id):
            self.running[row.id] = row
            spawn(self._run(row, job, owner, now))

    async def _run(self, row: Row, job: OneShot, owner: Owner, now: float) -> None:
        runtime = self._runtime
        outcome: Outcome = "failed"  # each attempt ended the process, if there were too many
        try:
            if runtime.is_ending(owner):
                return
            if row.failures <= len(RETRY_AFTER):
                outcome = await run(runtime, job, owner, row.guild_id, partial(self._call, row, job, now))
            with runtime.tasks.track():
                if outcome == "failed" and row.failures < len(RETRY_AFTER):
                    due = self._timeline.now() + RETRY_AFTER[row.failures]
                    await self._try_again(row, due, row.failures + 1)
                    return
                if outcome == "failed":
                    _log.error("%s (no. %d) is given up after %d attempts", job.title, row.id, len(RETRY_AFTER) + 1)
                what = f"removing {row.name}, which a restart would run again"
                await self._written(self._store.remove(row.id), what)
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

    async def _try_again(self, row: Row, due: float, failures: int) -> None:
        await self._written(self._store.update(row.id, due, failures), f"storing the next attempt of {row.name}")
        # read from its previous time on, which it still has if the database failed
        self._timeline.add(due, lambda: self.expect(row.due, row.id))

    async def _written(self, writing: asyncio.Future[None], where: str) -> None:
        try:
            await writing
        except DatabaseError as error:
            self._runtime.report(where, error)
