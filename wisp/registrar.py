"""The decorators that a bot and its modules share: what they register is recorded here, as their own."""

from __future__ import annotations

import abc
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, overload

from .commands import AnyErrorHandler, Command, CommandSettings, ErrorHandler, names_around
from .errors import WispError
from .events import Listener

if TYPE_CHECKING:
    import hikari

    from .context import Context
    from .services.database import Transaction

    Migration = str | Callable[[Transaction], Awaitable[object]]

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound="Callable[[Transaction], Awaitable[object]]")
L = TypeVar("L", bound=Callable[..., Awaitable[object]])


class Registrar(abc.ABC):
    """Something that commands, listeners and error handlers belong to.

    `log` is its logger; `namespace` keeps its guild data apart from others', None is shared by the whole bot.
    """

    log: logging.Logger
    namespace: str | None

    def __init__(self) -> None:
        self.commands: list[Command[..., Any]] = []
        self.listeners: list[Listener] = []
        self.error_handlers: list[ErrorHandler] = []
        self.migrations: dict[int, Migration] = {}

    @overload
    def command(
        self, function: Callable[Concatenate[Context, P], Awaitable[R]], /
    ) -> Command[Concatenate[Context, P], R]: ...

    @overload
    def command(
        self, /, **settings: Unpack[CommandSettings]
    ) -> Callable[[Callable[Concatenate[Context, P], Awaitable[R]]], Command[Concatenate[Context, P], R]]: ...

    def command(
        self, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[CommandSettings]
    ) -> Any:
        """Make a slash command of `async def name(ctx, ...)`: with arguments or without, as a decorator or a call.

        The function's name is the command's, its docstring's first paragraph the description, its annotated
        parameters the options (see `wisp.Option`), and what it returns (`str`, `hikari.Embed`, None) the reply.

        - `name` and `description` replace what the function says.
        - `ephemeral`: answers and deferrals are private unless they say otherwise.
        - `guild_only`, or `contexts`: where it can be used; in servers and in the bot's direct messages, unless told.
        - `integration_types`: how the app must be installed; to a server, unless told.
        - `permissions`: what a member needs by default; left out, everybody may, `hikari.Permissions.NONE` only
          administrators. A server can change that for itself.
        - `nsfw`: only where age-restricted things are allowed.
        - `guilds`: ids of the only servers that it is registered in.
        - localizations map a locale ("de", `hikari.Locale.DE`) to a text.

        Mistakes are not raised here: all of a bot's are reported at once before it connects.
        """

        def register(function: Callable[..., Awaitable[Any]], depth: int = 1) -> Command[..., Any]:
            self.ensure_open()
            command = Command(self, function, names_around(depth), settings)
            self.commands.append(command)
            return command

        return register if function is None else register(function, 2)

    @overload
    def listen(self, function: L, /) -> L: ...

    @overload
    def listen(self, *event_types: type[hikari.Event]) -> Callable[[L], L]: ...

    def listen(self, *arguments: Any) -> Any:
        """Call an async function for each event of the type that its parameter is annotated with, or that is named.

        A union is each of its parts, a base class all below it. The intents follow. A listener that raises
        does not stop the others: the error is logged with an id.
        """

        def register(function: L, event_types: tuple[type[Any], ...], depth: int) -> L:
            self.ensure_open()
            self.listeners.append(Listener(function, event_types, names_around(depth)))
            return function

        if len(arguments) == 1 and not isinstance(arguments[0], type):
            return register(arguments[0], (), 2)

        def decorate(function: L) -> L:
            return register(function, arguments, 2)

        return decorate

    def on_error(self, handler: AnyErrorHandler) -> AnyErrorHandler:
        """Ask `handler` when a command raises: `async (ctx, error) -> bool`, True where it is dealt with.

        A command's own handlers are asked first, then its module's, then the bot's. A handler that raises is
        logged, and the next one is asked: the first error is never hidden.
        """
        self.error_handlers.append(handler)
        return handler

    @overload
    def migration(self, number: int, sql: str, /) -> None: ...

    @overload
    def migration(self, number: int, /) -> Callable[[M], M]: ...

    def migration(self, number: int, sql: str | None = None, /) -> Any:
        """Make or change tables of the database, once in its life: before the bot connects, in order of numbers.

        They count from 1 without gaps. Each is SQL, of one or several statements, or a decorated
        `async def name(tx)` that gets the transaction in which it is recorded as well: where it raises, nothing
        of it is kept and the bot does not start. Raises WispError where the number is taken.
        """

        def register(migration: Any) -> Any:
            self.ensure_open()
            if number in self.migrations:
                raise WispError(f"migration {number} is there already: give the new one the next number")
            self.migrations[number] = migration
            return migration

        if sql is None:
            return register
        register(sql)
        return None

    @abc.abstractmethod
    def ensure_open(self) -> None:
        """Raise WispError where it is too late to register anything."""
