"""Migrations that a bot or module registered, checked before they run."""

from __future__ import annotations

from typing import Any

from .errors import DatabaseError, Problem
from .inspection import call_problem
from .locations import place_of
from .tasks import described

Place = tuple[str | None, int | None]
"""A file and a line, None if they are not known."""

_NUMBERED = "Number them 1, 2, 3, and so on, and never change the number of one that has run"
_FAILED = "Correct it. In a new database only the migrations before it have run"
_NO_WORK = "Give it SQL, or decorate an `async def name(tx)`"

_MOST_STEPS = 1_000_000
"""Instructions of SQLite's machine that a statement gets in a rehearsal: about 10 ms."""

_UNREADABLE = ("syntax error", "incomplete input", "unrecognized token")
_DEPENDS_ON_DATA = ("no such ", "interrupted", "not authorized")


class Migrations(dict[Any, Any]):
    """SQL, or async functions of a transaction, by number. `places` says where each was registered."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[object, Place] = {}

    def add(self, number: object, work: object, place: Place) -> None:
        """Add a migration. Whether it is a correct one, `problems` says."""
        self[number] = work
        self.places[number] = place_of(work) if callable(work) else place

    def problems(self, *, is_sqlite: bool) -> list[Problem]:
        """Return why they cannot run, without using the bot's database. SQL is tried only if it `is_sqlite`."""
        wrong = [number for number in self if type(number) is not int or not 0 < number <= len(self)]
        problem = f"its number is not one of 1 to {len(self)}"
        found = [self._problem(number, problem, _NUMBERED) for number in wrong]
        for number, work in self.items():
            if wrong_work := _wrong_work(work):
                found.append(self._problem(number, *wrong_work))
        if self and is_sqlite and not wrong:
            for number, problem in _rehearsed(self).items():
                found.append(self._problem(number, f"SQLite refuses it: {problem}", "Correct the statement"))
        return found

    def failed(self, error: DatabaseError) -> tuple[Problem, ...]:
        """Return the migration that failed as a problem with its file and line, if the error is of one."""
        if error.migration is None:
            return ()
        cause = error.__cause__
        message = cause.message if isinstance(cause, DatabaseError) else described(cause or error)
        return (self._problem(error.migration, f"it failed: {message}", _FAILED),)

    def _problem(self, number: object, message: str, fix: str) -> Problem:
        file, line = self.places[number]
        name = getattr(number, "__name__", None) or repr(number)
        return Problem(f"migration {name}", message, fix, file=file, line=line)


def _wrong_work(work: object) -> tuple[str, str] | None:
    """Return what is wrong with a migration's work, and the fix."""
    if isinstance(work, str):
        return None if work.strip(" \t\r\n;") else ("it has no statement", _NO_WORK)
    if not callable(work):
        return f"it is {work!r}, not SQL", _NO_WORK
    problem = call_problem(work, "tx")
    return (problem, f"Write `async def {getattr(work, '__name__', 'name')}(tx)`") if problem else None


def _rehearsed(migrations: Migrations) -> dict[int, str]:
    """Run SQL migrations in an empty database in memory. Return, by number, what cannot run in any database.

    After a function, which is not run, and after a table that is missing here but may be in the bot's database, only
    errors of syntax count.
    """
    import sqlite3  # a bot without migrations does not need SQLite until it starts
    from contextlib import closing

    from .services.database import run, split_statements, with_statement

    def refuse_files(action: int, *_: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK

    problems: dict[int, str] = {}
    is_complete = True  # it has everything that the migrations before would have made
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.set_progress_handler(lambda: 1, _MOST_STEPS)
        connection.set_authorizer(refuse_files)
        connection.execute("BEGIN")
        for number, work in sorted(migrations.items()):
            is_complete = is_complete and isinstance(work, str)
            for statement in split_statements(work) if isinstance(work, str) else ():
                try:
                    run(connection, statement, (), connection.in_transaction)
                except Exception as error:
                    text = str(error)
                    is_syntax = isinstance(error, sqlite3.ProgrammingError) or any(one in text for one in _UNREADABLE)
                    if is_syntax or (is_complete and not any(one in text for one in _DEPENDS_ON_DATA)):
                        problems.setdefault(number, with_statement(error))
                    is_complete = False
    return problems
