"""The runtime: what the parts of a running bot share, from its clock to the report of its errors."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import hikari

from .clock import DiscordTime
from .config import in_use
from .errors import InteractionOver, ServiceError, UserError
from .instrumentation import Instrumentation, Kind, Outcome
from .locations import line_of, place, raised_at
from .logs import get_logger
from .owner import ErrorHandler, Owner
from .tasks import (
    CANCEL_TIMEOUT,
    EXITS,
    Exit,
    TaskTracker,
    contained,
    end,
    is_cancelled,
    must_raise,
    named,
    refuse_coroutine,
)
from .watchdog import Watchdog

if TYPE_CHECKING:
    import lightbulb

    from .bot import Bot
    from .clock import Clock
    from .config import Config
    from .gate import Gate
    from .prompts import Prompts
    from .services import Services
    from .services.database import DatabaseService
    from .services.guild_data import GuildData

_log = get_logger("wisp")

_ERROR_HANDLER_LIMIT = 30.0
"""Seconds that an error handler may take."""

_CLOSING_LIMIT = 10.0
"""Seconds that the parts of the bot have to close, all together. Those that hang do not hold up the process."""

_MOST_NAMED = 30
"""The most handlers that `unfinished` names."""


class Failure:
    """An error in the bot's code that no error handler handled. `id` finds its traceback in the log."""

    __slots__ = ("error", "id", "where")

    def __init__(self, id: str, where: str, error: BaseException) -> None:
        self.id: str = id
        self.where: str = where
        self.error: BaseException = error


class Runtime:
    """What the parts of a running bot share.

    `gateway` is hikari's bot, `client` lightbulb's client, `clock` the time of all parts, `database` the built-in
    one with wisp's own tables, even if another service is "db". `closing` means that no new
    work is accepted, `closed` that the bot has ended. `owner_ids` are the users who own the bot.

    `defer_after` is the number of seconds after which a late answer is deferred: Discord waits for 3.
    `shutdown_timeout` is the number of seconds that running handlers have when the bot closes. `on_failure` is called
    with each Failure. `exit_requested` is set to the SystemExit or KeyboardInterrupt of a handler.
    """

    defer_after: float = 2.0

    def __init__(
        self,
        bot: Bot,
        config: Config,
        clock: Clock,
        gateway: hikari.GatewayBot,
        client: lightbulb.GatewayEnabledClient,
        *,
        services: Services,
        database: DatabaseService,
        gate: Gate,
    ) -> None:
        self.bot: Bot = bot
        self.config: Config = config
        self.clock: Clock = clock
        self.gateway: hikari.GatewayBot = gateway
        self.client: lightbulb.GatewayEnabledClient = client
        self.services: Services = services
        self.database: DatabaseService = database
        self.gate: Gate = gate
        self.owner_ids: frozenset[int] = frozenset(config.owners)
        self.tasks: TaskTracker = TaskTracker()
        self.discord_time: DiscordTime = DiscordTime(clock)
        self.watchdog: Watchdog = Watchdog()
        self.instrumentation: Instrumentation = Instrumentation(clock)
        self.shutdown_timeout: float = 10.0
        self.closing: bool = False
        self.closed: bool = False
        self.on_failure: Callable[[Failure], object] | None = None
        self.exit_requested: asyncio.Future[BaseException] | None = None
        self._guild_data: GuildData | None = None
        self._prompts: Prompts | None = None
        self._closing_since: float | None = None
        self._parts_since: float | None = None  # when the first part of the bot began to close
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def guild_data(self) -> GuildData:
        """What the bot stores for its guilds. Raises ServiceError if the service has not started."""
        if self._guild_data is None:
            self._guild_data = self.services.get("guild_data")
        if self._guild_data is None:
            raise ServiceError("There is no guild data: the service has not started.")
        return self._guild_data

    @property
    def prompts(self) -> Prompts:
        """The questions, pages and forms that wait for users."""
        if self._prompts is None:
            from .prompts import Prompts  # loaded by the first of them

            self._prompts = Prompts(self)
        return self._prompts

    def stop_waiting(self) -> None:
        """Stop waiting for users and for handlers that block the event loop."""
        self.watchdog.stop()
        if self._prompts is not None:
            self._prompts.stop()

    # ---- running the bot's code ----

    async def run(
        self,
        kind: Kind,
        name: str,
        label: str,
        owner: Owner,
        call: Callable[[], Awaitable[object]],
        fail: Callable[[BaseException], Awaitable[object]],
    ) -> Outcome:
        """Run code of the bot as one of its handlers: tracked, watched and measured. Call `fail` with what it raises.

        Only the end of the handler's task is raised: its module is unloaded, or the bot closes.
        """
        in_use.set(self.config)
        began = self.clock.monotonic()
        outcome: Outcome = "cancelled"
        with self.tasks.track(owner) as task:
            task.set_name(label)
            try:
                refuse_coroutine(await self.watchdog.watch(call(), label))
                outcome = "done"
            except BaseException as error:
                if must_raise(error, task, is_ending=self.is_ending(owner)):
                    raise
                outcome = "failed"
                await fail(error)
            finally:
                self.instrumentation.record(kind, name, outcome, began)
        return outcome

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` in the background, as one of the handlers."""

        async def tracked() -> None:
            with self.tasks.track():
                await work

        task = asyncio.create_task(tracked())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def is_ending(self, owner: Owner) -> bool:
        """Return whether the handlers of a bot or module are being cancelled: it is unloaded, or the bot closes."""
        return self.closing or owner.is_unloading

    # ---- errors ----

    async def handle_error(self, ctx: Any, error: BaseException, where: str, owner: Owner) -> None:
        """Ask the error handlers about what a listener or a job raised. Report what none of them handles."""
        if isinstance(error, EXITS):
            self.request_exit(error)
            return
        with suppress(UserError):  # there is no user to answer
            if not await self.ask_error_handlers(ctx, error, (), owner):
                self.report(where, error)

    async def ask_error_handlers(
        self, ctx: Any, error: BaseException, own: Sequence[ErrorHandler], owner: Owner
    ) -> bool:
        """Ask the error handlers of a handler, then of its module and of the bot, whether they handle an error.

        Raises UserError if one of them does.
        """
        outer = [] if owner is self.bot else owner.error_handlers
        for handler in (*own, *outer, *self.bot.error_handlers):
            label = f"the error handler {getattr(handler, '__name__', type(handler).__name__)}"
            try:
                asking = self.watchdog.watch(handler(ctx, error), label)  # type: ignore[arg-type]
                # in a task of its own: an error handler that never ends must not hide the error
                asked = asyncio.create_task(contained(asking), name=label)
                if await self.clock.wait_for(asked, _ERROR_HANDLER_LIMIT):
                    return True
            except UserError:
                raise
            except Exit as exit:
                self.request_exit(exit.error)
            except BaseException as second:
                if is_cancelled(second):
                    raise
                self.report(label, second)
        return False

    def report(self, where: str, error: BaseException) -> str:
        """Log an error in the bot's code with its traceback. Return the short id that finds it in the log.

        If the interaction was over before the answer, one line is logged instead.
        """
        id = secrets.token_hex(3)
        self.instrumentation.failed(where, error)
        with suppress(Exception):  # a logging handler that raises must not keep the answer from the user
            if isinstance(error, InteractionOver):
                _log.error("error %s in %s%s: %s", id, where, raised_at(error.__traceback__) or error.place, error)
            else:
                _log.error("error %s in %s", id, where, exc_info=error)
        if self.on_failure is not None:
            self.on_failure(Failure(id, where, error))
        return id

    def request_exit(self, error: BaseException) -> None:
        """Exit the program as a handler asked: gracefully if `exit_requested` is awaited, else at once."""
        if self.exit_requested is None:
            raise error
        if not self.exit_requested.done():
            self.exit_requested.set_result(error)

    # ---- shutdown ----

    def begin_shutdown(self) -> None:
        """Accept no new work. The running handlers have `shutdown_timeout` seconds from now on."""
        self.closing = True
        self._closing_since = self.clock.monotonic()

    def begin_closing_parts(self) -> None:
        """Note that the handlers have ended, and that the parts of the bot close now."""
        self._parts_since = self.clock.monotonic()

    def shutdown_left(self) -> float:
        """Return how many seconds the running handlers still have while the bot closes."""
        since = self.clock.monotonic() if self._closing_since is None else self._closing_since
        return max(0.0, since + self.shutdown_timeout - self.clock.monotonic())

    def closing_left(self) -> float:
        """Return how many seconds a part of the bot (module, on_stop function, service) has to close.

        At the end of the bot it has what the parts before it have left of 10 s, and at least 1.
        """
        since = self.clock.monotonic() if self._parts_since is None else self._parts_since
        return max(CANCEL_TIMEOUT, since + _CLOSING_LIMIT - self.clock.monotonic())

    async def end_handlers(self, handlers: Iterable[asyncio.Task[Any]], timeout: float) -> None:
        """Wait for handlers, cancel those that run for longer than `timeout`, and abandon those that ignore that."""
        handlers = set(handlers)
        try:
            async with asyncio.timeout(timeout):
                await self.tasks.wait_for(handlers)
        except TimeoutError:
            names = {task: f"{label_of(task)}{place(task)}" for task in handlers & self.tasks.running.keys()}
            if names:
                _log.warning("cancelled%s: %s", f" after {timeout:.3g} s" if timeout else "", named(names.values()))
            for task in (stuck := await end(names)):
                self.tasks.remove(task)
            if stuck:
                _log.error("abandoned, since it ignores cancellation: %s", named(names[task] for task in stuck))

    def unfinished(self) -> str:
        """Return the handlers that run now, each with the line of the bot's code at which it waits."""
        running = self.tasks.running
        names = named(f"{label_of(task)}{line_of(task)}" for task in islice(running, _MOST_NAMED))
        return f"{names} and {len(running) - _MOST_NAMED} more" if len(running) > _MOST_NAMED else names


class BotContext:
    """The base of contexts: what code of the bot is called with. It has the `bot` and its `services`."""

    __slots__ = ("_runtime",)

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def bot(self) -> Bot:
        """The bot."""
        return self._runtime.bot

    @property
    def services(self) -> Services:
        """The bot's services: "metrics", "db", "guild_data", "cache", "audit", "scheduler" and the bot's own."""
        return self._runtime.services

    @property
    def guild_data(self) -> GuildData:
        """What the bot stores for its guilds. Raises ServiceError if the service has not started."""
        return self._runtime.guild_data


def label_of(task: asyncio.Task[Any]) -> str:
    """Return the handler that a task runs, as logs call it."""
    name = task.get_name()
    return "a listener" if name.startswith(("Task-", "handler '")) else name
