"""The decorators that a bot and its modules share: what they register is recorded here, as their own."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Never, ParamSpec, TypeVar, Unpack, overload

import hikari

from .command_tree import CommandGroup
from .commands import ApplicationCommand, Command, CommandHolder, GroupSettings, MenuCommand, MenuSettings
from .components import Component, ComponentSettings, Modal, ModalSettings
from .errors import WispError
from .events import Event, Listener
from .guards import Rule
from .handlers import AnyErrorHandler, Handler
from .inspection import are_the_function
from .jobs import Cron, CronSettings, Every, EverySettings, Job, JobSettings, OneTime
from .locations import caller_locals, place_of_caller
from .migrations import Migrations
from .owner import Owner

if TYPE_CHECKING:
    from .context import Context, GuildComponentContext, GuildModalContext
    from .services.database import Transaction

P = ParamSpec("P")
R = TypeVar("R")
X = TypeVar("X", bound="Context")
U = TypeVar("U", bound=hikari.User)
M = TypeVar("M", bound="Callable[[Transaction], Awaitable[object]]")
L = TypeVar("L", bound=Callable[..., Awaitable[object]])
D = TypeVar("D", bound=Callable[[Any], Any])
J = TypeVar("J", bound=Callable[[], Awaitable[object]])


_DECORATED: Any = object()
"""What `migration` gets as SQL if it decorates a function."""


class Registrar(Owner, CommandHolder):
    """Something that commands, listeners and error handlers belong to.

    `log` is its logger; `namespace` keeps its guild data apart from others', None is shared by the whole bot;
    `is_unloading` says that its handlers are being ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[ApplicationCommand[..., Any]] = []
        self.groups: list[CommandGroup] = []
        self.components: list[Component[..., Any]] = []
        self.modals: list[Modal[..., Any]] = []
        self.listeners: list[Listener] = []
        self.jobs: list[Job] = []
        self.migrations: Migrations = Migrations()

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

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
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
    def user_command(self, function: Callable[[X, U], Awaitable[R]], /) -> MenuCommand[[X, U], R]: ...

    @overload
    def user_command(
        self, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[Callable[[X, U], Awaitable[R]]], MenuCommand[[X, U], R]]: ...

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
        self, function: Callable[[X, hikari.Message], Awaitable[R]], /
    ) -> MenuCommand[[X, hikari.Message], R]: ...

    @overload
    def message_command(
        self, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[Callable[[X, hikari.Message], Awaitable[R]]], MenuCommand[[X, hikari.Message], R]]: ...

    def message_command(
        self, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[MenuSettings]
    ) -> Any:
        """Make a command in the menu of messages of `async def name(ctx, message)`. As `user_command` else."""
        return self._menu_command(hikari.CommandType.MESSAGE, function, settings)

    def _menu_command(
        self, kind: hikari.CommandType, function: Callable[..., Awaitable[Any]] | None, settings: MenuSettings
    ) -> Any:
        def register(function: Callable[..., Awaitable[Any]]) -> MenuCommand[..., Any]:
            return self.add_menu_command(kind, function, caller_locals(function), settings)

        return register if function is None else register(function)

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
    ) -> Callable[[Callable[Concatenate[GuildComponentContext, P], Awaitable[R]]], Component[P, R]]:
        """Call `async def name(ctx, ...)` for each click or choice on a component with such a custom id.

        `custom_id` is a name and fields, like "vote:{poll_id}:{choice}": the fields are the function's parameters,
        converted as they are annotated (str, int, float, bool, hikari.Snowflake, an Enum, a Literal).
        `vote.bind(poll_id=7, choice="yes").button("Yes")` makes the button; it works after a restart, as long as
        there is a handler for it. `only="invoker"` lets in whoever called for the message that it is on, and nobody
        else; `only` can also name the field that holds the id of the one user who may use it. `ephemeral`
        makes answers private unless they say otherwise. What the function returns is its reply.
        """

        def register(function: Callable[Concatenate[GuildComponentContext, P], Awaitable[R]]) -> Component[P, R]:
            return self.add_component(function, custom_id, caller_locals(function), settings)

        return decorator(register, custom_id)

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
    ) -> Callable[[Callable[Concatenate[GuildModalContext, P], Awaitable[R]]], Modal[P, R]]:
        """Call `async def name(ctx, ...)` for each form that comes back with such a custom id, after a restart too.

        `ctx.values` is what was typed. The rest is as in `component`; `ctx.respond_with_modal` opens the form.
        """

        def register(function: Callable[Concatenate[GuildModalContext, P], Awaitable[R]]) -> Modal[P, R]:
            return self.add_modal(function, custom_id, caller_locals(function), settings)

        return decorator(register, custom_id)

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

        def register(function: L, event_types: tuple[type[Any], ...]) -> L:
            self.add_listener(function, event_types, caller_locals(function))
            return function

        if are_the_function(arguments):
            return register(arguments[0], ())

        def decorate(function: L) -> L:
            return register(function, arguments)

        return decorate

    def add_listener(
        self, function: Callable[..., Awaitable[object]], event_types: tuple[type[Any], ...], names: Mapping[str, Any]
    ) -> None:
        """Make a listener of `function` and take it in."""
        self.ensure_open()
        self.listeners.append(Listener(function, event_types, names))

    def every(self, *_: Never, **settings: Unpack[EverySettings]) -> Callable[[J], J]:
        """Run an async function again and again: `@bot.every(minutes=5)`, or seconds=, hours=, days=; units add up.

        It runs first in one interval after the bot is connected, and each next time one interval after the time
        before, however late that began. It begins up to 20 ms late, or a fifth of a shorter interval: what is due by
        then shares a waking. A run that is still going on when the next is due delays it, unless `overlap=True`.
        `missed` says what to do where one or more times went by, because a run or the event loop took so long: "once"
        (the default) runs once for all of them, "skip" waits for the next time, "all" runs each. What was missed while
        the bot was down is not made up for.

        One that raises is logged and reaches the error handlers (with a JobContext). It runs again at its next time
        that is 1 s later, then 2, 4, 8 up to 5 minutes as long as it fails. `name` (the function's, unless it says
        another) is not that of another job. Jobs that recur belong to no server: they run wherever their module is off.
        """

        def register(function: J) -> J:
            self.add_every(function, _, settings)
            return function

        return decorator(register, *_)

    def add_every(
        self, function: Callable[[], Awaitable[object]], positional: tuple[object, ...], settings: Any
    ) -> None:
        """Make a job that recurs of `function` and take it in."""
        self.ensure_open()
        self.jobs.append(Every(function, settings, positional))

    def cron(self, times: str, /, **settings: Unpack[CronSettings]) -> Callable[[J], J]:
        """Run an async function at times of the day: `@bot.cron("0 9 * * *", timezone="Europe/Vienna")`.

        `times` are minute, hour, day of the month, month and weekday; `timezone` is UTC unless it says another. It
        needs the package cronsim: `pip install 'wisp-lite[cron]'`. Where daylight saving leaves a time out, it runs
        after the gap; where a time comes twice, it runs the first time (what has `*` for its hour or minute runs
        through both). Where the system's clock is set back by up to 3 hours, no time comes twice; by more, the
        times count anew. The rest is as in `every`; with "once", a time is not missed before the next one has come.
        """

        def register(function: J) -> J:
            self.add_cron(function, times, settings)
            return function

        return decorator(register, times)

    def add_cron(self, function: Callable[[], Awaitable[object]], times: str, settings: Any) -> None:
        """Make a job of `function` that runs at times of the day, and take it in."""
        self.ensure_open()
        self.jobs.append(Cron(function, times, settings))

    def job(self, name: str, /, **settings: Unpack[JobSettings]) -> Callable[[L], L]:
        """Run an async function when somebody asks for it by name: `await scheduler.once("remind", delay=60, data={})`.

        Its parameters come from `data`, converted as they are annotated (anything that msgspec reads). It runs at
        least once, after a restart too: where it is killed half-way it runs again. One that raises is logged, reaches
        the error handlers (with a JobContext), and is tried again after 10 s, 1 minute, 5 minutes and 30 minutes;
        then it is given up. `missed` is for those that could not begin within a minute of their time, because the bot
        was down, or their module off or not loaded: "all" (the default) runs each, "once" only the last of those for
        the same server, "skip" none.
        """

        def register(function: L) -> L:
            self.add_job(function, name, caller_locals(function), settings)
            return function

        return decorator(register, name)

    def add_job(
        self, function: Callable[..., Awaitable[object]], name: object, names: Mapping[str, Any], settings: Any
    ) -> None:
        """Make a job of `function` that is run by its name, and take it in."""
        self.ensure_open()
        self.jobs.append(OneTime(function, name, names, settings))

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

    def migration(self, number: int, sql: Any = _DECORATED, /) -> Any:
        """Make or change tables of the database, once in its life: before the bot connects, in order of numbers.

        They count from 1 without gaps. Each is SQL, of one or several statements, or a decorated
        `async def name(tx)` that gets the transaction in which it is recorded as well: where it raises, nothing
        of it is kept and the bot does not start. Raises WispError where the number is taken.

        A gap, and SQL that SQLite cannot run, are mistakes that are found before the bot starts.
        """
        place = place_of_caller()

        def register(migration: Any) -> Any:
            self.ensure_open()
            if number in self.migrations:
                raise WispError(f"migration {number} is there already: give the new one the next number")
            self.migrations.add(number, migration, place)
            return migration

        if sql is _DECORATED:
            return decorator(register, number)
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


def decorator(register: D, *positional: Any) -> D:
    """What registers a function; one that was decorated without parentheses is registered now, with its mistake."""
    if positional and callable(positional[0]):
        return register(positional[0])
    return register
