"""What can go wrong: each error carries its data, and the sentence that says the way out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class WispError(Exception):
    """The base of everything that wisp raises on purpose."""


class UserError(WispError):
    """A refusal, told to the person who asked in exactly these words, privately.

    Raise it from a command. It is not logged as an error: the person is told, and nobody else needs to know.
    """


class AnswerError(WispError):
    """An answer to an interaction that Discord would refuse, stopped before it was sent.

    Raised by `ctx.respond`, `ctx.edit`, `ctx.respond_with_modal`, by what a command returns, and by buttons, selects
    and rows as they are built.
    """


class InteractionOver(AnswerError):
    """An answer to an interaction that Discord does not take any more. `place` is the handler's, as " (bot.py:12)"."""

    def __init__(self, place: str) -> None:
        super().__init__(
            "This interaction is over: it can be answered, and its answers changed, for 15 minutes after it came."
        )
        self.place: str = place


class StartError(WispError):
    """The bot cannot start: no database, a refused token, an intent that is not switched on, Discord out of reach."""


class Problem:
    """One thing that is wrong in a bot, found before it connects.

    `where` names the thing (`command "greet", option "times"`), `message` says what was expected and what was found,
    `fix` what to do. `file` and `line` (from 1) are None if they are not known. A warning does not stop the bot.
    """

    __slots__ = ("file", "fix", "is_warning", "line", "message", "where")

    def __init__(
        self,
        where: str,
        message: str,
        fix: str,
        *,
        file: str | None = None,
        line: int | None = None,
        is_warning: bool = False,
    ) -> None:
        self.where: str = where
        self.message: str = message
        self.fix: str = fix
        self.file: str | None = file
        self.line: int | None = line
        self.is_warning: bool = is_warning

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.where}: {self.message}. {self.fix}"

    def __repr__(self) -> str:
        return f"<Problem {self}>"


class CheckError(StartError):
    """All problems of a bot and its settings, in `problems` in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{count} to fix before the bot can start:", *map(str, self.problems)]))


class DatabaseError(WispError):
    """The database did not do what it was asked, and kept nothing of it.

    `path` is its file, `problem` what was wrong and the way out, `code` SQLite's name for it ("SQLITE_FULL",
    "SQLITE_CONSTRAINT_UNIQUE"), None where SQLite was not asked. If a migration failed, `migration` is its number, and
    `problems` says where it is defined if a bot or module registered it.
    """

    migration: int | None = None
    problems: tuple[Problem, ...] = ()

    def __init__(self, path: str, problem: str, code: str | None = None) -> None:
        self.path: str = path
        self.message: str = problem
        self.code: str | None = code
        super().__init__(f"the database {path}: {problem}")


class DataError(WispError):
    """A key, a value or a type that guild data cannot keep, or not read as asked: nothing was changed."""


class ServiceError(WispError):
    """A service is not there, or is not what was asked for."""


class JobError(WispError):
    """A job that cannot be scheduled as asked, or data that it does not take: nothing was changed."""


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return '. Did you mean "greeter"?' with the known name that is nearest to an unknown one, "" if none is near."""
    import difflib

    names = list(known)
    near = [one for one in names if one.casefold() == name.casefold()]
    near = near or difflib.get_close_matches(name, names, 1, cutoff)
    return f'. Did you mean "{near[0]}"?' if near else ""


def duplicate_names(things: Iterable[T], name_of: Callable[[T], Hashable]) -> Iterator[tuple[T, T]]:
    """Yield each thing whose name another one before it has, and the first one of that name."""
    first: dict[Hashable, T] = {}
    for thing in things:
        other = first.setdefault(name_of(thing), thing)
        if other is not thing:
            yield thing, other
