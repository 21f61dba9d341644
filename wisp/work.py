"""What runs now: the handlers of a bot, and those among them that wait for a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .registrar import Registrar


class Work:
    """The handlers that run now: whoever enters is one of them until it leaves.

    `tasks` are all of them with whose they are (None until that is known), `waiting` those that wait for a person.
    """

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[Any], Registrar | None] = {}
        self.waiting: set[asyncio.Task[Any]] = set()
        self._watchers: list[asyncio.Future[None]] = []

    def __enter__(self) -> None:
        self.tasks[current_task()] = None

    def __exit__(self, *_: object) -> None:
        self.leave(current_task())

    def leave(self, task: asyncio.Task[Any]) -> None:
        """What this task was doing has ended."""
        self.tasks.pop(task, None)
        if self._watchers:
            self._tell()

    @contextmanager
    def of(self, owner: Registrar) -> Generator[None]:
        """Inside, the task that runs now is a handler of this bot or module."""
        task = current_task()
        self.tasks[task] = owner
        try:
            yield
        finally:
            self.leave(task)

    def done_by(self, owner: Registrar) -> set[asyncio.Task[Any]]:
        """The handlers of a bot or module that run now."""
        return {task for task, whose in self.tasks.items() if whose is owner}

    @contextmanager
    def waits_for_a_person(self) -> Generator[None]:
        """Inside, the handler that runs now is not waited for: nobody knows whether the person will do anything."""
        task = current_task()
        self.waiting.add(task)
        self._tell()
        try:
            yield
        finally:
            self.waiting.discard(task)

    async def done(self) -> None:
        """Wait until none runs, but those that wait for a person."""
        while self.tasks.keys() - self.waiting:
            watcher = asyncio.get_running_loop().create_future()
            self._watchers.append(watcher)
            await watcher

    def _tell(self) -> None:
        if not self.tasks.keys() - self.waiting:
            for watcher in self._watchers:
                if not watcher.done():
                    watcher.set_result(None)
            self._watchers.clear()


def named(names: Iterable[str]) -> str:
    """What runs, in words and in order, each name once."""
    return ", ".join(
        name if count == 1 else f"{name} ({count} times)" for name, count in sorted(Counter(names).items())
    )


def current_task() -> asyncio.Task[Any]:
    """The task that runs now."""
    task = asyncio.current_task()
    assert task is not None
    return task
