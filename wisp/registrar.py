"""The decorators that a bot and its modules share: what they register is recorded here, as their own."""

from __future__ import annotations

import abc
import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, Unpack, overload

import hikari

from .commands import ApplicationCommand, Command, CommandHolder, GroupSettings, MenuCommand, MenuSettings
from .components import Component, ComponentSettings, Modal, ModalSettings
from .errors import WispError
from .events import Event, Listener
from .groups import CommandGroup
from .handlers import AnyErrorHandler, ErrorHandler, Handler, names_around

if TYPE_CHECKING:
    from .context import ComponentContext, Context, ModalContext
    from .services.database import Transaction

    Migration = str | Callable[[Transaction], Awaitable[object]]

P = ParamSpec("P")
R = TypeVar("R")
U = TypeVar("U", bound=hikari.User)
M = TypeVar("M", bound="Callable[[Transaction], Awaitable[object]]")
L = TypeVar("L", bound=Callable[..., Awaitable[object]])


class Registrar(CommandHolder):
    """Something that commands, listeners and error handlers belong to.

    `log` is its logger; `namespace` keeps its guild data apart from others', None is shared by the whole bot;
    `running` are the handlers of it that run now, `is_leaving` says that they are being ended.
    """

    log: logging.Logger
    namespace: str | None

    def __init__(self) -> None:
        self.commands: list[ApplicationCommand[..., Any]] = []
        self.groups: list[CommandGroup] = []
        self.components: list[Component[..., Any]] = []
        self.modals: list[Modal[..., Any]] = []
        self.listeners: list[Listener] = []
        self.error_handlers: list[ErrorHandler] = []
        self.migrations: dict[int, Migration] = {}
        self.running: set[asyncio.Task[Any]] = set()
        self.is_leaving: bool = False

    @property
    def ephemeral(self) -> bool:
        """Answers are public unless a command says otherwise."""
        return False

    @property
    def path(self) -> tuple[str, ...]:
        """Nothing stands above its commands."""
        return ()

    @property
    def owner(self) -> Registrar:
        """Itself."""
        return self

    def guarded_by(self) -> list[tuple[str, tuple[object, ...]]]:
        """No guards stand on it."""
        return []

    def add_command(
        self, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any], settings: Any
    ) -> Command[..., Any]:
        """Make a command of `function` and take it in."""
        self.ensure_open()
        command = Command(self, function, names, settings)
        self.commands.append(command)
        return command

    def group(self, name: str, description: str = "", **settings: Unpack[GroupSettings]) -> CommandGroup:
        """A group of slash commands, "/admin kick" and "/admin ban": see `wisp.CommandGroup`."""
        return CommandGroup(name, description, **settings).create_group(self)

    @overload
    def user_command(self, function: Callable[[Context, U], Awaitable[R]], /) -> MenuCommand[[Context, U], R]: ...

    @overload
    def user_command(
        self, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[Callable[[Context, U], Awaitable[R]]], MenuCommand[[Context, U], R]]: ...

    def user_command(
        self, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[MenuSettings]
    ) -> Any:
        """Make a command in the menu of users of `async def name(ctx, user)`: hikari.User, Member, or either.

        Its name is the function's in words unless `name=` says another, of 1 to 32 characters. The rest is as in
        `command`.
        """
        return self._menu_command(hikari.CommandType.USER, function, settings)

    @overload
    def message_command(
        self, function: Callable[[Context, hikari.Message], Awaitable[R]], /
    ) -> MenuCommand[[Context, hikari.Message], R]: ...

    @overload
    def message_command(
        self, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[Callable[[Context, hikari.Message], Awaitable[R]]], MenuCommand[[Context, hikari.Message], R]]: ...

    def message_command(
        self, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[MenuSettings]
    ) -> Any:
        """Make a command in the menu of messages of `async def name(ctx, message)`. As `user_command` else."""
        return self._menu_command(hikari.CommandType.MESSAGE, function, settings)

    def _menu_command(
        self, kind: hikari.CommandType, function: Callable[..., Awaitable[Any]] | None, settings: MenuSettings
    ) -> Any:
        def register(function: Callable[..., Awaitable[Any]], depth: int = 1) -> MenuCommand[..., Any]:
            return self.add_menu_command(kind, function, names_around(depth), settings)

        return register if function is None else register(function, 3)

    def add_menu_command(
        self,
        kind: hikari.CommandType,
        function: Callable[..., Awaitable[Any]],
        names: Mapping[str, Any],
        settings: MenuSettings,
    ) -> MenuCommand[..., Any]:
        """Make a command in a menu of `function` and take it in."""
        self.ensure_open()
        command = MenuCommand(kind, self, function, names, settings)
        self.commands.append(command)
        return command

    def component(
        self, custom_id: str, /, **settings: Unpack[ComponentSettings]
    ) -> Callable[[Callable[Concatenate[ComponentContext, P], Awaitable[R]]], Component[P, R]]:
        """Call `async def name(ctx, ...)` for each click or choice on a component with such a custom id.

        `custom_id` is a name and fields, like "vote:{poll_id}:{choice}": the fields are the function's parameters,
        converted as they are annotated (str, int, float, bool, hikari.Snowflake, an Enum, a Literal).
        `vote.bind(poll_id=7, choice="yes").button("Yes")` makes the button; it works after a restart, as long as
        there is a handler for it. `only` names the field that holds the id of the one user who may use it;
        `ephemeral` makes answers private unless they say otherwise. What the function returns is its reply.
        """

        def register(function: Callable[Concatenate[ComponentContext, P], Awaitable[R]]) -> Component[P, R]:
            return self.add_component(function, custom_id, names_around(1), settings)

        return register

    def add_component(
        self, function: Callable[..., Awaitable[Any]], custom_id: str, names: Mapping[str, Any], settings: Any
    ) -> Component[..., Any]:
        """Make a handler of components of `function` and take it in."""
        self.ensure_open()
        component: Component[..., Any] = Component(self, function, custom_id, names, settings)
        self.components.append(component)
        return component

    def modal(
        self, custom_id: str, /, **settings: Unpack[ModalSettings]
    ) -> Callable[[Callable[Concatenate[ModalContext, P], Awaitable[R]]], Modal[P, R]]:
        """Call `async def name(ctx, ...)` for each form that comes back with such a custom id, after a restart too.

        `ctx.values` is what was typed. The rest is as in `component`; `ctx.respond_with_modal` opens the form.
        """

        def register(function: Callable[Concatenate[ModalContext, P], Awaitable[R]]) -> Modal[P, R]:
            return self.add_modal(function, custom_id, names_around(1), settings)

        return register

    def add_modal(
        self, function: Callable[..., Awaitable[Any]], custom_id: str, names: Mapping[str, Any], settings: Any
    ) -> Modal[..., Any]:
        """Make a handler of forms of `function` and take it in."""
        self.ensure_open()
        modal: Modal[..., Any] = Modal(self, function, custom_id, names, settings)
        self.modals.append(modal)
        return modal

    @overload
    def listen(self, function: L, /) -> L: ...

    @overload
    def listen(self, *event_types: type[hikari.Event] | type[Event]) -> Callable[[L], L]: ...

    def listen(self, *arguments: Any) -> Any:
        """Call an async function for each event of the type that its parameter is annotated with, or that is named.

        A union is each of its parts, a base class all below it; one of your own derives from `wisp.Event`. The intents
        follow. A listener that raises does not stop the others: the error handlers are asked (with an EventContext),
        and where none deals with it, it is logged with an id.
        """

        def register(function: L, event_types: tuple[type[Any], ...], depth: int) -> L:
            self.add_listener(function, event_types, names_around(depth))
            return function

        if len(arguments) == 1 and not isinstance(arguments[0], type):
            return register(arguments[0], (), 2)

        def decorate(function: L) -> L:
            return register(function, arguments, 2)

        return decorate

    def add_listener(
        self, function: Callable[..., Awaitable[object]], event_types: tuple[type[Any], ...], names: Mapping[str, Any]
    ) -> None:
        """Make a listener of `function` and take it in."""
        self.ensure_open()
        self.listeners.append(Listener(function, event_types, names))

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

    def handlers(self) -> Iterator[Handler[..., Any]]:
        """Everything that interactions can call: commands, those in groups, components, modals."""
        yield from self.commands
        for group in self.groups:
            yield from group.everything()
        yield from self.components
        yield from self.modals

    @abc.abstractmethod
    def ensure_open(self) -> None:
        """Raise WispError where it is too late to register anything."""
