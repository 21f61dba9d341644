"""Handlers: a function that an interaction calls, where it stands, and what is wrong with it."""

from __future__ import annotations

import abc
import difflib
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, get_origin

from .errors import Problem
from .guards import Rule, rule_problems, rules_on
from .inspection import call_problem, is_async, resolve_annotation, underlying, union_parts, unpack
from .locations import place_of
from .options import Parameter
from .owner import ErrorHandler, Owner

if TYPE_CHECKING:
    from .instrumentation import Kind

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

AnyErrorHandler = TypeVar("AnyErrorHandler", bound=ErrorHandler)

SettingChecks = Mapping[str, tuple[Callable[[object], bool], str]]
"""Of each setting that a decorator takes: whether a value fits, and the words for what does."""


class Handler(abc.ABC, Generic[P, R]):
    """A function of a bot or module that interactions call. It still calls as the function that it was made from.

    `function` is that function, `holder` the bot, module or group that it was registered with; `ephemeral` says
    whether answers are private unless they say otherwise; `parameters` are what it takes of an interaction;
    `mistakes` is all that is wrong with it, `measured_as` what metrics call its kind.
    """

    measured_as: Kind

    def __init__(self, holder: Any, function: Callable[P, Awaitable[R]]) -> None:
        self.holder: Any = holder
        self.function = function
        self.__wrapped__ = function
        self.__doc__ = underlying(function).__doc__
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.ephemeral: bool = False
        self.error_handlers: list[ErrorHandler] = []
        self.parameters: list[Parameter] = []
        self.problems: list[Problem] = []

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What it is called in mistakes: `command "greet"`."""

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """What logs and errors call a run of it: "/greet"."""

    @abc.abstractmethod
    async def arguments(self, ctx: Any) -> dict[str, Any]:
        """What the interaction brings, as the function's annotations promise. Raises UserError where that cannot be."""

    @property
    def owner(self) -> Owner:
        """The bot or module that it belongs to."""
        return self.holder

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """What guards it, the outermost first, by names that tell their limits apart."""
        return [(self.label, rules_on(self))]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label} at {self.file}:{self.line}>"

    def on_error(self, handler: AnyErrorHandler) -> AnyErrorHandler:
        """Ask `handler` first when this one raises: `async (ctx, error) -> bool`, True where it is dealt with.

        The module's and the bot's handlers are asked after it. A refusal (`UserError`) is an answer and not an
        error: no handler sees it.
        """
        self.error_handlers.append(handler)
        return handler

    def check(self) -> list[Problem]:
        """All that is wrong with it alone, remarks included."""
        found = [*self.problems, *rule_problems(rules_on(self), self.problem)]
        return found + error_handler_problems(self.error_handlers)

    def problem(self, of: str, problem: str, fix: str, *, is_warning: bool = False) -> Problem:
        """A Mistake at its place. `of` is what of it ("" for the whole, `, option "times"`)."""
        return Problem(f"{self.title}{of}", problem, fix, file=self.file, line=self.line, is_warning=is_warning)

    def is_async_or_problem(self) -> bool:
        """Whether its function is async; the mistake is noted where it is not."""
        if isinstance(self.function, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            fix = f"Write `@{self.__name__}` over the function that is to be guarded"
            self.problems.append(self.problem("", "it is a guard, and no function of its own", fix))
            return False
        if is_async(self.function):
            return True
        self.problems.append(self.problem("", "its function is not async", f"Write `async def {self.__name__}(...)`"))
        return False

    def check_return(self, names: Mapping[str, Any]) -> None:
        """Note a mistake where its annotation promises what is no reply."""
        try:
            returned = unpack(resolve_annotation(self.function, "return", names)).type
        except Exception:  # none, or a name for type checkers alone
            return
        for part in union_parts(returned):
            cls = get_origin(part) or part
            if isinstance(cls, type) and issubclass(cls, (int, float, bytes, list, tuple, set, dict)):
                fix = "Return a str, a hikari.Embed, or None after ctx.respond(...)"
                problem = f"it returns `{cls.__name__}`, and a reply is a text or an embed"
                self.problems.append(self.problem("", problem, fix))


# ---- settings ----


def checked_settings(settings: S, checks: SettingChecks, decorator: str) -> tuple[S, list[tuple[str, str]]]:
    """The settings that can be used, and (problem, fix) of the others: a wrong one must not be passed over."""
    usable: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in cast("dict[str, Any]", settings).items():
        if name not in checks:
            nearest = difflib.get_close_matches(name, checks, 1)
            nearest = nearest or ["permissions"] * ("permission" in name and "permissions" in checks)
            fix = f"Did you mean {nearest[0]}=?" if nearest else f"It takes {', '.join(checks)}"
            wrong.append((f"{decorator} has no setting {name}=", fix))
        elif value is not None:
            fits, words = checks[name]
            if fits(value):
                usable[name] = value
            else:
                wrong.append((f"{name}= is {value!r}", f"Give it {words}"))
    return cast(S, usable), wrong


def is_text(value: object) -> bool:
    """Whether a setting is a str."""
    return isinstance(value, str)


def is_truth(value: object) -> bool:
    """Whether a setting is True or False."""
    return isinstance(value, bool)


def are_texts(value: object) -> bool:
    """Whether a setting maps something to texts."""
    return isinstance(value, Mapping) and all(map(is_text, cast("Mapping[Any, Any]", value).values()))


def are(cls: type) -> Callable[[object], bool]:
    """Whether a value is a filled list, tuple or set of whole numbers (such as ids) or of members of `cls`."""

    def check(value: object) -> bool:
        if not isinstance(value, (list, tuple, set, frozenset)):
            return False
        values = cast("list[object]", value)
        return bool(values) and all(isinstance(one, cls) and not isinstance(one, bool) for one in values)

    return check


# ---- functions ----


def handler_problems(handler: Callable[..., Any], what: str, *arguments: str) -> list[Problem]:
    """Return what is wrong with a function that is called with these positional arguments, such as an error handler."""
    problem = call_problem(handler, *arguments)
    if not problem:
        return []
    name = getattr(handler, "__name__", repr(handler))
    file, line = place_of(handler) if callable(handler) else (None, None)
    fix = f"Write `async def {name}({', '.join(arguments)})`"
    return [Problem(f'{what} "{name}"', problem, fix, file=file, line=line)]


def error_handler_problems(handlers: Iterable[ErrorHandler]) -> list[Problem]:
    """Return what is wrong with the error handlers of a bot, a module or a handler."""
    return [mistake for handler in handlers for mistake in handler_problems(handler, "error handler", "ctx", "error")]


def in_words(name: str) -> str:
    """A name as a sentence's beginning: `last_seen` is "Last seen"."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name


def names_around(depth: int) -> Mapping[str, Any]:
    """What the code `depth` calls up can see besides its globals, for annotations that are text.

    `from __future__ import annotations` leaves no trace of the local names that an annotation uses, so they
    are read from the frames of the functions around, while these still run.
    """
    frame: FrameType | None = sys._getframe(depth + 1)  # pyright: ignore[reportPrivateUsage]
    inner = frame.f_globals
    names: dict[str, Any] = {}
    while frame is not None and frame.f_globals is inner and frame.f_code.co_name != "<module>":
        names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


def first_paragraph(function: Callable[..., Any]) -> str:
    """The first paragraph of a docstring, on one line."""
    # functools.partial and the like have docstrings about themselves
    return " ".join((inspect.getdoc(underlying(function)) or "").split("\n\n")[0].split())
