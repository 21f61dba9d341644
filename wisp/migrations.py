"""Migrations: what a bot or module registered to make its tables, checked before it is run."""

from __future__ import annotations

from typing import Any

from .errors import DatabaseError, Problem
from .inspection import call_problem
from .locations import place_of
from .tasks import described

Place = tuple[str | None, int | None]
"""A file and a line, as far as known."""

_NUMBERED = "Number them 1, 2, 3, and so on, and never change the number of one that has run"


_FAILED = "Correct it. In a new database only the migrations before it have run"


class Migrations(dict[Any, Any]):
    """SQL, or async functions of a transaction, by number; `places` says where each was registered."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[object, Place] = {}

    def add(self, number: object, work: object, place: Place) -> None:
        """Take a migration in, right or wrong: `mistakes` tells."""
        self[number] = work
        self.places[number] = place_of(work) if callable(work) else place

    def problems(self, *, is_sqlite: bool) -> list[Problem]:
        """What keeps them from running, without a look at the bot's data; SQL is read only if it `is_sqlite`."""
        wrong_numbers = self._wrong_numbers()
        found = [self._problem(number, *wrong) for number, work in self.items() if (wrong := _wrong_work(work))]
        if self and is_sqlite and not wrong_numbers:
            from .services.database import rehearsed  # a bot without migrations does without SQLite until it starts

            for number, problem in rehearsed(self).items():
                found.append(self._problem(number, f"SQLite refuses it: {problem}", "Correct the statement"))
        return [*wrong_numbers, *found]

    def failed(self, error: DatabaseError) -> tuple[Problem, ...]:
        """Return the migration that failed as it ran, with its file and line, if the error is of one."""
        if error.migration is None:
            return ()
        cause = error.__cause__
        problem = cause.message if isinstance(cause, DatabaseError) else described(cause or error)
        return (self._problem(error.migration, f"it failed: {problem}", _FAILED),)

    def _wrong_numbers(self) -> list[Problem]:
        numbers = [number for number in self if _is_number(number)]
        strange = [number for number in self if not _is_number(number)]
        if strange:
            return [self._problem(number, "it has no number from 1", _NUMBERED) for number in strange]
        for expected, number in enumerate(sorted(numbers), start=1):
            if number != expected:
                return [self._problem(number, f"there is no migration {expected} before it", _NUMBERED)]
        return []

    def _problem(self, number: object, problem: str, fix: str) -> Problem:
        file, line = self.places[number]
        name = getattr(number, "__name__", None) or repr(number)
        return Problem(f"migration {name}", problem, fix, file=file, line=line)


def _wrong_work(work: object) -> tuple[str, str] | None:
    """What is wrong with what a migration does, and the fix."""
    fix = "Give it SQL, or decorate an `async def name(tx)`"
    if isinstance(work, str):
        return None if work.strip(" \t\r\n;") else ("it has no statement", fix)
    if not callable(work):
        return f"it is {work!r}, and no SQL", fix
    problem = call_problem(work, "tx")
    return (problem, f"Write `async def {getattr(work, '__name__', 'name')}(tx)`") if problem else None


def _is_number(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1
