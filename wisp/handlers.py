"""Handlers: a function that an interaction calls, its owner, and the problems in its definition."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeAlias, TypeVar, get_origin

from .errors import Problem
from .guards import Rule, require_guild, rule_problems, rules_on
from .inspection import (
    InvalidDefinition,
    Parameter,
    call_problem,
    is_async,
    read_parameters,
    requested_context,
    resolve_annotation,
    underlying,
    union_parts,
    unpack,
)
from .locations import place_of
from .options import CommandOption
from .owner import ErrorHandler, Owner

if TYPE_CHECKING:
    from .context import InteractionContext
    from .instrumentation import Kind

P = ParamSpec("P")
R = TypeVar("R")

Contexts: TypeAlias = "tuple[type[InteractionContext[Any]], type[InteractionContext[Any]]]"
"""The class of a handler's context, and the one of which guild_id and member are never None."""

AnyErrorHandler = TypeVar("AnyErrorHandler", bound=ErrorHandler)

RESERVED = "wisp"
"""The first part of the custom ids that wisp makes for itself."""

EXPIRED = "This no longer works: it has expired, or belongs to an older version of the bot."
"""What a user is told who uses a component or modal that has no handler."""


class Handler(abc.ABC, Generic[P, R]):
    """A function of a bot or module that interactions call. It can still be called as the function itself.

    `function` is that function, `holder` the bot, module or group that it was registered with; `ephemeral` says
    whether answers are private unless they say otherwise; `parameters` are its options; `problems` is all that is
    wrong with it, `measured_as` what metrics call its kind. `context` is the class of the context that it is called
    with: the first of `contexts`, or the second if its annotation asks for that; then direct messages are refused.
    """

    measured_as: Kind
    contexts: ClassVar[Contexts]

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
        self.context: type[Any] = self.contexts[0]
        self.error_handlers: list[ErrorHandler] = []
        self.parameters: list[CommandOption] = []
        self.problems: list[Problem] = []

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What problems call it: `command "greet"`."""

    @property
    def label(self) -> str:
        """What logs and errors call a run of it: "/greet"."""
        return self.title

    @abc.abstractmethod
    async def arguments(self, ctx: Any) -> dict[str, Any]:
        """Return the arguments of a call, as the function's annotations promise. Raises UserError if that fails."""

    @property
    def owner(self) -> Owner:
        """The bot or module that it belongs to."""
        return self.holder

    @property
    def is_guild_only(self) -> bool:
        """Whether its annotation asks for a context of guilds."""
        return self.context is self.contexts[1]

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """Return its guards, the outermost first, under names that tell their limits apart."""
        return [(self.label, rules_on(self))]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label} at {self.file}:{self.line}>"

    def on_error(self, handler: AnyErrorHandler) -> AnyErrorHandler:
        """Ask `handler` first if this one raises: `async (ctx, error) -> bool`, True if it has handled the error.

        The module's and the bot's handlers are asked after it. A refusal (`UserError`) is an answer and not an
        error: no handler sees it.
        """
        self.error_handlers.append(handler)
        return handler

    def check(self) -> list[Problem]:
        """Return all that is wrong with it alone, warnings included."""
        found = [*self.problems, *rule_problems(rules_on(self), self.problem)]
        return found + error_handler_problems(self.error_handlers)

    def problem(self, of: str, message: str, fix: str, *, is_warning: bool = False) -> Problem:
        """Return a problem at its place. `of` is the part of it ("" for the whole, `, option "times"`)."""
        return Problem(f"{self.title}{of}", message, fix, file=self.file, line=self.line, is_warning=is_warning)

    def note(self, message: str, fix: str, of: str = "", *, is_warning: bool = False) -> None:
        """Add a problem. `of` is as in `problem`."""
        self.problems.append(self.problem(of, message, fix, is_warning=is_warning))

    def read_parameters(
        self, names: Mapping[str, Any], check: Callable[[list[Parameter]], None] | None = None
    ) -> list[Parameter] | None:
        """Return the parameters of its function, None if it cannot be called or `check` raises InvalidDefinition.

        Problems of the function, its context and its result are noted. `names` are the local names around the function.
        """
        if isinstance(self.function, Rule):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            fix = f"Write `@{self.__name__}` over the function that is to be guarded"
            self.note("it is a guard, not a handler function", fix)
            return None
        if not is_async(self.function):
            self.note("its function is not async", f"Write `async def {self.__name__}(...)`")
            return None
        self._check_return(names)
        parameters = read_parameters(self.function, names)
        try:
            if check:
                check(parameters)
        except InvalidDefinition as invalid:
            self.note(invalid.message, invalid.fix)
            return None
        try:
            self.context = requested_context(parameters, *self.contexts)
        except InvalidDefinition as invalid:
            self.note(invalid.message, invalid.fix)
        if self.is_guild_only:
            require_guild(self)
        return parameters

    def _check_return(self, names: Mapping[str, Any]) -> None:
        try:
            returned = unpack(resolve_annotation(self.function, "return", names)).type
        except Exception:  # none, or a name that only a type checker knows
            return
        for part in union_parts(returned):
            cls = get_origin(part) or part
            if isinstance(cls, type) and issubclass(cls, (int, float, bytes, list, tuple, set, dict)):
                fix = "Return a str, a hikari.Embed, or None after ctx.respond(...)"
                self.note(f"it returns `{cls.__name__}`, and a reply is a text or an embed", fix)


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
    return [problem for handler in handlers for problem in handler_problems(handler, "error handler", "ctx", "error")]
