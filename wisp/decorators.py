"""The decorators of bots and modules, and the same for methods of modules: what each one takes and registers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, Unpack, cast, overload

import hikari

from .commands import (
    ApplicationCommand,
    CommandDecorator,
    CommandGroup,
    CommandOwner,
    GroupSettings,
    MenuCommand,
    MenuSettings,
)
from .errors import WispError
from .events import Event, Listener
from .handlers import AnyErrorHandler, Handler
from .inspection import are_the_function
from .locations import caller_locals, place_of_caller
from .methods import Method, OnMethods, Registration
from .migrations import Migrations

if TYPE_CHECKING:
    from .components import Component, ComponentSettings, Modal, ModalSettings
    from .context import Context, GuildComponentContext, GuildContext, GuildModalContext
    from .jobs import CronSettings, EverySettings, Job, JobSettings
    from .services.database import Transaction

    UserFunction = Callable[[GuildContext, "U"], Awaitable["R"]]
    UserMethod = Callable[[Any, GuildContext, "U"], Awaitable["R"]]
    UserCommand = MenuCommand[[Context, "U"], "R"]
    MessageFunction = Callable[[GuildContext, hikari.Message], Awaitable["R"]]
    MessageMethod = Callable[[Any, GuildContext, hikari.Message], Awaitable["R"]]
    MessageCommand = MenuCommand[[Context, hikari.Message], "R"]

P = ParamSpec("P")
R = TypeVar("R")
U = TypeVar("U", bound=hikari.User)
M = TypeVar("M", bound="Callable[[Transaction], Awaitable[object]]")
L = TypeVar("L", bound=Callable[..., Awaitable[object]])
J = TypeVar("J", bound=Callable[[], Awaitable[object]] | Callable[[Any], Awaitable[object]])

_DECORATED: Any = object()
"""The SQL of a `migration` that decorates a function."""

_KEEP_METHODS = frozenset(("listen", "every", "cron", "job"))
"""The decorators that leave a method what it is."""


class DecoratorMethods(CommandDecorator):
    """The decorators of functions, which bots and modules share; `wisp.component` and its siblings decorate methods."""

    @overload
    def user_command(self: OnMethods, function: UserMethod[U, R], /) -> Method[UserCommand[U, R]]: ...

    @overload
    def user_command(
        self: OnMethods, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[UserMethod[U, R]], Method[UserCommand[U, R]]]: ...

    @overload
    def user_command(self: Decorators, function: UserFunction[U, R], /) -> UserCommand[U, R]: ...

    @overload
    def user_command(
        self: Decorators, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[UserFunction[U, R]], UserCommand[U, R]]: ...

    def user_command(
        self: Any, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[MenuSettings]
    ) -> Any:
        """Make a command in the menu of users of `async def name(ctx, user)`: hikari.User, Member, or either.

        Its name is the function's name in words unless `name=` is given, of 1 to 32 characters. The other settings are
        those of `command`.
        """
        return self._menu_command("user_command", hikari.CommandType.USER, function, settings)

    @overload
    def message_command(self: OnMethods, function: MessageMethod[R], /) -> Method[MessageCommand[R]]: ...

    @overload
    def message_command(
        self: OnMethods, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[MessageMethod[R]], Method[MessageCommand[R]]]: ...

    @overload
    def message_command(self: Decorators, function: MessageFunction[R], /) -> MessageCommand[R]: ...

    @overload
    def message_command(
        self: Decorators, /, **settings: Unpack[MenuSettings]
    ) -> Callable[[MessageFunction[R]], MessageCommand[R]]: ...

    def message_command(
        self: Any, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[MenuSettings]
    ) -> Any:
        """Make a command in the menu of messages of `async def name(ctx, message)`, as `user_command` does."""
        return self._menu_command("message_command", hikari.CommandType.MESSAGE, function, settings)

    def _menu_command(self, decorator: str, kind: hikari.CommandType, function: Any, settings: MenuSettings) -> Any:
        def register(
            owner: Decorators, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any]
        ) -> ApplicationCommand[..., Any]:
            return owner.add(owner.commands, MenuCommand(kind, owner, function, names, settings))

        return self.decorate(decorator, register, function)

    @overload
    def component(
        self: OnMethods, custom_id: str, /, **settings: Unpack[ComponentSettings]
    ) -> Callable[[Callable[Concatenate[Any, GuildComponentContext, P], Awaitable[R]]], Method[Component[P, R]]]: ...

    @overload
    def component(
        self: Decorators, custom_id: str, /, **settings: Unpack[ComponentSettings]
    ) -> Callable[[Callable[Concatenate[GuildComponentContext, P], Awaitable[R]]], Component[P, R]]: ...

    def component(self: Any, custom_id: str, /, **settings: Unpack[ComponentSettings]) -> Any:
        """Call `async def name(ctx, ...)` for each click or choice on a component with such a custom id.

        `custom_id` is a name and fields, like "vote:{poll_id}:{choice}". The fields are the function's parameters,
        converted to their annotations (str, int, float, bool, hikari.Snowflake, an Enum, a Literal).
        `vote.bind(poll_id=7, choice="yes").button("Yes")` makes the button, which still works after a restart.
        `only="invoker"` restricts it to the user whose command sent the message; `only` can also name the field that
        holds the id of the one user who may use it. `ephemeral` makes responses private unless they say otherwise.
        What the function returns is its reply.
        """

        def register(
            owner: Decorators, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any]
        ) -> Component[..., Any]:
            from .components import Component

            return owner.add(owner.components, Component(owner, function, custom_id, names, settings))

        return self.decorate("component", register, custom_id)

    @overload
    def modal(
        self: OnMethods, custom_id: str, /, **settings: Unpack[ModalSettings]
    ) -> Callable[[Callable[Concatenate[Any, GuildModalContext, P], Awaitable[R]]], Method[Modal[P, R]]]: ...

    @overload
    def modal(
        self: Decorators, custom_id: str, /, **settings: Unpack[ModalSettings]
    ) -> Callable[[Callable[Concatenate[GuildModalContext, P], Awaitable[R]]], Modal[P, R]]: ...

    def modal(self: Any, custom_id: str, /, **settings: Unpack[ModalSettings]) -> Any:
        """Call `async def name(ctx, ...)` for each submitted modal with such a custom id, also after a restart.

        `ctx.values` is the input; `ctx.respond_with_modal` opens the modal. `custom_id` is that of `component`.
        """

        def register(
            owner: Decorators, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any]
        ) -> Modal[..., Any]:
            from .components import Modal

            return owner.add(owner.modals, Modal(owner, function, custom_id, names, settings))

        return self.decorate("modal", register, custom_id)

    @overload
    def listen(self, function: L, /) -> L: ...

    @overload
    def listen(self, *event_types: type[hikari.Event] | type[Event]) -> Callable[[L], L]: ...

    def listen(self, *arguments: Any) -> Any:
        """Call an async function for each event of the types that are given, or else of its parameter's annotation.

        A union stands for each of its parts, a base class for all of its subclasses. Events of your own derive from
        `wisp.Event`. The intents follow from the events. If a listener raises, the others are called all the same; the
        error handlers get an EventContext, and if none handles the error, it is logged with an id.
        """
        is_bare = are_the_function(arguments)

        def register(owner: Decorators, function: Callable[..., Any], names: Mapping[str, Any]) -> object:
            owner.add(owner.listeners, Listener(function, () if is_bare else arguments, names))
            return function

        return self.decorate("listen", register, arguments[0] if is_bare else None)

    def every(self, nothing: None = None, /, **settings: Unpack[EverySettings]) -> Callable[[J], J]:
        """Run an async function again and again: `@bot.every(minutes=5)`, or seconds=, hours=, days=; units add up.

        It first runs one interval after the bot has connected, and then each interval, counted from the time that the
        run before was due. While a run is going on the next one waits, unless `overlap=True`. `missed` says what
        happens if times passed because a run or the event loop took long: "once" (the default) runs once for all of
        them, "skip" waits for the next time, "all" runs once for each. Times that pass while the bot is down are not
        made up for.

        If a run raises, this is logged and goes to the error handlers (with a JobContext). After failures in a row, the
        next run is at its next time that is at least 1, 2, 4, 8 s and so on away, up to 5 minutes. `name` is unique
        among all jobs, the function's name by default. These jobs belong to no guild: they run wherever their module
        is off.
        """

        def register(owner: Decorators, function: Callable[..., Any], names: Mapping[str, Any]) -> object:
            from .jobs import Every

            positional = () if nothing is None else (nothing,)
            owner.add(owner.jobs, Every(function, settings, positional))
            return function

        return self.decorate("every", register, nothing)

    def cron(self, times: str, /, **settings: Unpack[CronSettings]) -> Callable[[J], J]:
        """Run an async function at times of the day: `@bot.cron("0 9 * * *", timezone="Europe/Vienna")`.

        `times` are minute, hour, day of the month, month and weekday; `timezone` is UTC by default. It needs the
        package cronsim: `pip install 'wisp-lite[cron]'`. A time that daylight saving skips runs after the gap; a time
        that it repeats runs the first time, or both times if the hour or minute is `*`. If the system clock is set back
        by up to 3 hours, no time runs twice; if by more, the times count anew. The other settings are those of `every`;
        with "once", a time counts as missed when the next one has come.
        """

        def register(owner: Decorators, function: Callable[..., Any], names: Mapping[str, Any]) -> object:
            from .jobs import Cron

            owner.add(owner.jobs, Cron(function, times, settings))
            return function

        return self.decorate("cron", register, times)

    def job(self, name: str, /, **settings: Unpack[JobSettings]) -> Callable[[L], L]:
        """Run an async function when it is scheduled by name: `await scheduler.once("remind", delay=60, data={})`.

        Its parameters come from `data`, converted to their annotations (anything that msgspec reads). It runs at least
        once, also after a restart: if it is killed half-way, it runs again. If it raises, this is logged, goes to the
        error handlers (with a JobContext), and it is tried again after 10 s, 1 minute, 5 minutes and 30 minutes.
        `missed` applies to runs that could not begin within a minute of their time, because the bot was down, or their
        module off or not loaded: "all" (the default) runs each, "once" only the last one of each guild, "skip" none.
        """

        def register(owner: Decorators, function: Callable[..., Any], names: Mapping[str, Any]) -> object:
            from .jobs import OneShot

            owner.add(owner.jobs, OneShot(function, name, names, settings))
            return function

        return self.decorate("job", register, name)


class Decorators(DecoratorMethods, CommandOwner):
    """A bot or module: what its decorators register is recorded here."""

    def __init__(self) -> None:
        super().__init__()
        self.components: list[Component[..., Any]] = []
        self.modals: list[Modal[..., Any]] = []
        self.listeners: list[Listener] = []
        self.jobs: list[Job] = []
        self.migrations: Migrations = Migrations()

    def group(self, name: str, description: str = "", **settings: Unpack[GroupSettings]) -> CommandGroup:
        """Make a group of slash commands, "/admin kick" and "/admin ban": see `wisp.CommandGroup`."""
        return CommandGroup(name, description, **settings).create_group(self)

    def on_error(self, handler: AnyErrorHandler) -> AnyErrorHandler:
        """Call `handler` when a handler raises: `async (ctx, error) -> bool`, True if it has handled the error.

        A command's own error handlers are called first, then its module's, then the bot's. If an error handler raises,
        this is logged, and the next one is called with the first error.
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
        `async def name(tx)` that gets the transaction in which it is recorded as well: if it raises, nothing
        of it is kept and the bot does not start. Raises WispError if the number is taken.

        A gap, and SQL that SQLite cannot run, are problems that are found before the bot starts.
        """
        place = place_of_caller()

        def register(migration: Any) -> Any:
            self.ensure_open()
            if number in self.migrations:
                raise WispError(f"migration {number} is there already: give the new one the next number")
            self.migrations.add(number, migration, place)
            return migration

        if sql is _DECORATED:
            return register(number) if callable(number) else register
        register(sql)
        return None

    def handlers(self) -> Iterator[Handler[..., Any]]:
        """Yield everything that interactions can call: commands, those in groups, components, modals."""
        yield from self.commands
        for group in self.groups:
            yield from group.all_commands()
        yield from self.components
        yield from self.modals


class MethodDecorators(DecoratorMethods, OnMethods):
    """The decorators of methods: the module that has the method registers it when it is set up."""

    def decorate(self, name: str, register: Registration, function: object = None) -> Any:
        """Return the decorator of this name, or the method if the function is given."""

        def apply(function: Any) -> Any:
            method = cast("Method[Any]", function) if isinstance(function, Method) else Method[Any](function, name)
            names = caller_locals(method.function)  # before the frames around the class end
            method.registrations.append(lambda owner, bound: register(owner, bound, names))
            method.becomes_handler |= name not in _KEEP_METHODS
            return method

        return apply(function) if callable(function) else apply


_methods = MethodDecorators()
command: Final = _methods.command
user_command: Final = _methods.user_command
message_command: Final = _methods.message_command
component: Final = _methods.component
modal: Final = _methods.modal
listen: Final = _methods.listen
every: Final = _methods.every
cron: Final = _methods.cron
job: Final = _methods.job
