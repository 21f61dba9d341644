"""Commands: a function, what Discord is told of it, and what stands wrong in it."""

from __future__ import annotations

import difflib
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypedDict, TypeVar, cast

import hikari

from . import limits
from .errors import Mistake
from .options import Localizations, Parameter, localizations, read_signature, resolve_annotation, underlying

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
        settings, wrong = _checked_settings(settings)
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
        self.mistakes += [self.mistake("", problem, fix) for problem, fix in wrong]
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
        if bare := [parameter.name for parameter in self.parameters if not parameter.described]:
            of = f", option{'s' if len(bare) > 1 else ''} {', '.join(bare)}"
            problem = "no description; the name is shown instead"
            found.append(self.mistake(of, problem, 'Write `Annotated[..., wisp.Option("what it is")]`', remark=True))
        found += [mistake for handler in self.error_handlers for mistake in handler_mistakes(handler)]
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
        got = f" (got {problem.got})" if problem.got else ""
        return self.mistake(of, f"{about}{problem.message.rstrip('.')}{got}", f"See {_DOCUMENTATION}")

    def _read(self, names: Mapping[str, Any]) -> tuple[list[Parameter], list[Mistake]]:
        if not is_async(self.function):
            fix = f"Write `async def {self.__name__}(...)`"
            return [], [self.mistake("", "its function is not async", fix)]
        parameters, mistakes = read_signature(self.function, names, self.mistake)
        return parameters, mistakes + self._read_return(names)

    def _read_return(self, names: Mapping[str, Any]) -> list[Mistake]:
        try:
            returned = resolve_annotation(self.function, "return", names)
        except Exception:  # none, or a name for type checkers alone
            return []
        if isinstance(returned, type) and issubclass(returned, (int, float, bytes, list, tuple, set, dict)):
            fix = "Return a str, a hikari.Embed, or None after ctx.respond(...)"
            return [self.mistake("", f"it returns `{returned.__name__}`, and a reply is a text or an embed", fix)]
        return []


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, cast("Mapping[Any, Any]", value).values()))


def _are(cls: type) -> Callable[[object], bool]:
    """Whether a value is a filled list, tuple or set of whole numbers (such as ids) or of members of `cls`."""

    def check(value: object) -> bool:
        if not isinstance(value, (list, tuple, set, frozenset)):
            return False
        values = cast("list[object]", value)
        return bool(values) and all(isinstance(one, cls) and not isinstance(one, bool) for one in values)

    return check


# what each setting must be, and the words for it
_SETTINGS: dict[str, tuple[Callable[[object], bool], str]] = {
    "name": (_is_text, "a text"),
    "description": (_is_text, "a text"),
    "ephemeral": (_is_truth, "True or False"),
    "guild_only": (_is_truth, "True or False"),
    "contexts": (_are(hikari.ApplicationContextType), "a filled list of hikari.ApplicationContextType"),
    "integration_types": (
        _are(hikari.ApplicationIntegrationType),
        "a filled list of hikari.ApplicationIntegrationType",
    ),
    "permissions": (lambda value: isinstance(value, hikari.Permissions), "hikari.Permissions"),
    "nsfw": (_is_truth, "True or False"),
    "guilds": (_are(int), "a filled list of server ids (left out: everywhere)"),
    "name_localizations": (_are_texts, 'a mapping like {"de": "hallo"}'),
    "description_localizations": (_are_texts, 'a mapping like {"de": "Sagt hallo"}'),
}


def _checked_settings(settings: CommandSettings) -> tuple[CommandSettings, list[tuple[str, str]]]:
    """The settings that can be used, and (problem, fix) of the others: a wrong one must not be passed over."""
    usable: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, value in settings.items():
        if name not in _SETTINGS:
            nearest = difflib.get_close_matches(name, _SETTINGS, 1) or ["permissions"] * ("permission" in name)
            fix = f"Did you mean {nearest[0]}=?" if nearest else f"It takes {', '.join(_SETTINGS)}"
            wrong.append((f"@command has no setting {name}=", fix))
        elif value is not None:
            fits, words = _SETTINGS[name]
            if fits(value):
                usable[name] = value
            else:
                wrong.append((f"{name}= is {value!r}", f"Give it {words}"))
    return cast(CommandSettings, usable), wrong


def handler_mistakes(handler: Callable[..., Any], what: str = "error handler") -> list[Mistake]:
    """What is wrong with an error handler or the like: it must be async."""
    if is_async(handler):
        return []
    name = getattr(handler, "__name__", repr(handler))
    file, line = place_of(handler)
    fix = f"Write `async def {name}(...)`"
    return [Mistake(f'{what} "{name}"', "its function is not async", fix, file=file, line=line)]


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling `function` gives a coroutine: an async function or method, or an object with such a call."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(underlying(function))


def in_words(name: str) -> str:
    """A name as a sentence's beginning: `last_seen` is "Last seen"."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """The file (as short as it can be said from here) and line where `function` stands, as far as known."""
    code: CodeType | None = getattr(underlying(function), "__code__", None)
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
