"""Commands: a function, what Discord is told of it, and what stands wrong in it."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypedDict, TypeVar

import hikari

from . import limits
from .errors import Mistake
from .options import Localizations, Parameter, localizations, read_signature

if TYPE_CHECKING:
    from .context import Context
    from .registrar import Registrar

P = ParamSpec("P")
R = TypeVar("R")

ErrorHandler = Callable[["Context", Exception], Awaitable[bool]]
"""`async (ctx, error) -> bool`: True where the error is dealt with, and nobody further needs to hear of it."""
AnyErrorHandler = TypeVar("AnyErrorHandler", bound=ErrorHandler)

_DOCUMENTATION = "https://discord.com/developers/docs/interactions/application-commands"
_SERVER_AND_BOT_DM = (hikari.ApplicationContextType.GUILD, hikari.ApplicationContextType.BOT_DM)


class CommandSettings(TypedDict, total=False):
    """What `@bot.command(...)` takes; `Registrar.command` says what each means."""

    name: str
    description: str
    ephemeral: bool
    guild_only: bool
    contexts: Sequence[hikari.ApplicationContextType]
    integration_types: Sequence[hikari.ApplicationIntegrationType]
    permissions: hikari.Permissions
    nsfw: bool
    guilds: Sequence[int]
    name_localizations: Localizations
    description_localizations: Localizations


class Command(Generic[P, R]):
    """A command of a bot. It still calls as the function that it was made from.

    `function` is that function; `name` and `description` are what Discord shows; `ephemeral` says whether
    answers are private unless they say otherwise; `parameters` are its options, required ones first;
    `mistakes` is all that is wrong with it; `owner` is the bot or module that it belongs to.
    """

    def __init__(
        self,
        owner: Registrar,
        function: Callable[P, Awaitable[R]],
        names: Mapping[str, Any],
        settings: CommandSettings,
    ) -> None:
        self.owner = owner
        self.function = function
        self.__wrapped__ = function
        self.__doc__ = function.__doc__
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.name: str = settings.get("name") or self.__name__.rstrip("_")
        self.description: str = settings.get("description") or _first_paragraph(function)
        self.ephemeral: bool = settings.get("ephemeral", False)
        self.permissions: hikari.Permissions | None = settings.get("permissions")
        self.nsfw: bool = settings.get("nsfw", False)
        guilds = settings.get("guilds")
        self.guilds: tuple[int, ...] | None = None if guilds is None else tuple(map(int, guilds))
        self.settings = settings
        self.error_handlers: list[ErrorHandler] = []
        self.parameters: list[Parameter]
        self.mistakes: list[Mistake]
        self.parameters, self.mistakes = self._read(names)
        self.by_name: dict[str, Parameter] = {parameter.name: parameter for parameter in self.parameters}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Call the function itself, as if it had not been decorated."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Command /{self.name} at {self.file}:{self.line}>"

    def on_error(self, handler: AnyErrorHandler) -> AnyErrorHandler:
        """Ask `handler` first when this command raises: `async (ctx, error) -> bool`, True where it is dealt with.

        The module's and the bot's handlers are asked after it. A refusal (`UserError`) is an answer and not an
        error: no handler sees it.
        """
        self.error_handlers.append(handler)
        return handler

    def payload(self) -> dict[str, Any]:
        """The command as Discord is told of it, as JSON."""
        settings = self.settings
        guild_only = settings.get("guild_only", False)
        contexts = (hikari.ApplicationContextType.GUILD,) if guild_only else settings.get("contexts")
        installs = settings.get("integration_types") or (hikari.ApplicationIntegrationType.GUILD_INSTALL,)
        return {
            "type": int(hikari.CommandType.SLASH),
            "name": self.name,
            "name_localizations": localizations(settings.get("name_localizations")) or None,
            "description": self.description or in_words(self.name),
            "description_localizations": localizations(settings.get("description_localizations")) or None,
            "options": [parameter.payload for parameter in self.parameters],
            # None lets everybody, 0 lets nobody (but administrators), by default
            "default_member_permissions": None if self.permissions is None else str(int(self.permissions)),
            "nsfw": self.nsfw,
            "contexts": sorted({int(context) for context in contexts or _SERVER_AND_BOT_DM}),
            "integration_types": sorted({int(install) for install in installs}),
        }

    def mistake(self, of: str, problem: str, fix: str, *, remark: bool = False) -> Mistake:
        """A Mistake at this command's place. `of` is what of it ("" for the whole, `, option "times"`)."""
        where = f'command "{self.name}"{of}'
        return Mistake(where, problem, fix, file=self.file, line=self.line, remark=remark)

    def check(self) -> list[Mistake]:
        """All that is wrong with the command alone, remarks included."""
        found = [*self.mistakes, *self.limit_mistakes(limits.command_problems(self.payload()))]
        if self.settings.get("guild_only") and self.settings.get("contexts") is not None:
            found.append(self.mistake("", "it has both guild_only= and contexts=", "Keep one of them"))
        if not self.description:
            fix = 'Write a docstring, or description="..."'
            found.append(self.mistake("", "it has no description; its name is shown instead", fix, remark=True))
        for parameter in self.parameters:
            if not parameter.described:
                found.append(
                    self.mistake(
                        f', option "{parameter.name}"',
                        "it has no description; its name is shown instead",
                        'Write `Annotated[..., wisp.Option("what it is")]`',
                        remark=True,
                    )
                )
        return found

    def limit_mistakes(self, problems: Sequence[limits.Problem]) -> list[Mistake]:
        """Discord's limits that the payload breaks, in the words of this command."""
        return [self._limit_mistake(problem) for problem in problems]

    def _limit_mistake(self, problem: limits.Problem) -> Mistake:
        of = ""
        keys = list(problem.path)
        if keys[:1] == ["options"] and len(keys) > 1 and int(keys[1]) < len(self.parameters):
            of = f', option "{self.parameters[int(keys[1])].name}"'
            keys = keys[2:]
        about = f"{'.'.join(map(str, keys))}: " if keys else ""
        return self.mistake(of, f"{about}{problem.message.rstrip('.')}", f"See {_DOCUMENTATION}")

    def _read(self, names: Mapping[str, Any]) -> tuple[list[Parameter], list[Mistake]]:
        if not is_async(self.function):
            fix = f"Write `async def {self.__name__}(...)`"
            return [], [self.mistake("", "its function is not async", fix)]
        return read_signature(self.function, names, self.mistake)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling `function` gives a coroutine: an async function or method, or an object with such a call."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def in_words(name: str) -> str:
    """A name as a sentence's beginning: `last_seen` is "Last seen"."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """The file (as short as it can be said from here) and line where `function` stands, as far as known."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    code: CodeType | None = getattr(plain, "__code__", None)
    if code is None:
        return None, None
    file = code.co_filename
    below = os.path.exists(file) and not os.path.relpath(file).startswith("..")
    return (os.path.relpath(file) if below else file), code.co_firstlineno


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


def _first_paragraph(function: Callable[..., Any]) -> str:
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
