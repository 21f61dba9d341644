"""The exceptions of wisp, and the problems that `wisp check` prints. Each says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")


class WispError(Exception):
    """The base of all exceptions that wisp raises on purpose."""


class UserError(WispError):
    """A refusal that only the user sees, in exactly these words.

    Raise it from a handler. It is not logged as an error.
    """


class AnswerError(WispError):
    """An answer to an interaction that Discord would refuse, or has refused.

    Raised by `ctx.respond`, `ctx.edit` and `ctx.respond_with_modal`, for the value that a command returns, and when
    buttons, selects and rows are built.
    """


class InteractionOver(AnswerError):
    """An answer that came too late for its interaction. `place` is that of the handler, as " (bot.py:12)"."""

    def __init__(self, place: str) -> None:
        super().__init__(
            "This interaction is over: it can be answered, and its answers changed, for 15 minutes after it came."
        )
        self.place: str = place


class StartError(WispError):
    """The bot cannot start: no database, an invalid token, an intent that is not enabled, Discord unreachable."""


class Problem(msgspec.Struct, frozen=True):
    """Something that is wrong in a bot, found before it connects.

    `where` names the part (`command "greet", option "times"`), `message` says what was expected and what was found,
    `fix` what to do. `file` and `line` (from 1) are None if they are unknown. A warning does not stop the bot.
    """

    where: str
    message: str
    fix: str
    file: str | None = None
    line: int | None = None
    is_warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        return f"{place}{self.where}: {self.message}. {self.fix}"


class CheckError(StartError):
    """All problems of a bot and its settings, in `problems` in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{count} to fix before the bot can start:", *map(str, self.problems)]))


class DatabaseError(WispError):
    """An operation of the database failed, and changed nothing.

    `path` is its file, `message` says what was wrong and what to do, `code` is SQLite's name for it ("SQLITE_FULL",
    "SQLITE_CONSTRAINT_UNIQUE"), None if it did not come from SQLite. If a migration failed, `migration` is its number,
    and `problems` says where it is defined if a bot or module registered it.
    """

    migration: int | None = None
    problems: tuple[Problem, ...] = ()

    def __init__(self, path: str, problem: str, code: str | None = None) -> None:
        self.path: str = path
        self.message: str = problem
        self.code: str | None = code
        super().__init__(f"the database {path}: {problem}")


class DataError(WispError):
    """A key, value or type that guild data cannot store, or cannot read as asked. Nothing was changed."""


class ServiceError(WispError):
    """A service is missing, or has another type than asked for."""


class JobError(WispError):
    """A job that cannot be scheduled as asked, or data that it does not accept. Nothing was changed."""


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return '. Did you mean "greeter"?' with the known name nearest to an unknown one, "" if none is near."""
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
