"""A session: one run of a bot, from its start to its close, and all that is open meanwhile."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from contextvars import Context
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import hikari

from . import bridge
from .checks import unattached_problems
from .command_sync import CommandSync, Wanted
from .command_tree import TopLevelCommand, merge_groups
from .cooldowns import CooldownStore
from .deferral import Deferrals, DiscordTime
from .dispatch import Dispatcher
from .errors import CheckError, DatabaseError, InteractionOver, ServiceError, StartError, WispError
from .events import Event, EventContext, Listener, guild_of, hears_messages
from .inspection import misfit
from .jobs.scheduler import SchedulerService
from .locations import line_of, place, raised_at
from .logs import get_logger, protect
from .measures import Measures
from .migrations import Migrations
from .prompts import Prompts
from .replies import settings_in_use
from .services import Audit, Database, GuildDataStore, Metrics
from .services.audit import AuditService
from .services.cache import CacheService
from .services.database import MEMORY, DatabaseService
from .services.guild_data import GuildData
from .services.metrics import MetricsService
from .start_errors import check_gateway, check_privileged, explained, page_of
from .tasks import (
    EXITS,
    LAST_WORDS,
    Exit,
    Overdue,
    Work,
    contained,
    current_task,
    described,
    end,
    is_cancelled,
    left_behind,
    named,
    refuse_coroutine,
    shielded,
    within,
)
from .watchdog import Blocking

if TYPE_CHECKING:
    import lightbulb

    from .bot import Bot
    from .clock import Clock
    from .config import Config
    from .context import InteractionContext
    from .decorators import Decorators
    from .gate import Gate
    from .measures import Outcome
    from .owner import Owner
    from .services import Services

_log = get_logger("wisp")

_CLOSING_LIMIT = 10.0
"""Seconds that the parts of the bot have to close, all together. Those that hang do not hold up the process."""

_ANSWER_LIMIT = 3.0
"""Seconds in which the last answers go out before the connection closes."""

_NAMED = 30
"""Handlers that `Session.unfinished` names at most."""

_LONGEST_WAIT = 300.0
"""Seconds that a start waits for rate limits."""

_LATE = 30.0
_STILL_OUTSIDE = (
    "Discord has not let the bot in after %g s, and the bot goes on trying. Discord's state: https://discordstatus.com"
)
_HELD_UP = "The bot is not up after %g s: hikari waits for %s. A loop that goes on belongs in a job, or in a task"


class Failure:
    """An error in the bot's code that no error handler dealt with: `id` finds its traceback in the log."""

    __slots__ = ("error", "id", "where")

    def __init__(self, id: str, where: str, error: BaseException) -> None:
        self.id: str = id
        self.where: str = where
        self.error: BaseException = error


class ClosedMeanwhile(StartError):
    """Raised by a start when the bot was closed before it was up."""

    def __init__(self) -> None:
        super().__init__("The bot was closed while it started.")


class _Stop(BaseException):
    """Ends hikari's start from within a listener. hikari shields its start against listeners' Exceptions."""


class Session:
    """One run of a bot. `gateway` is hikari's bot, `client` lightbulb's client, `clock` the time of all of it;
    `closing` says that no new work is taken, `closed` that all is over.

    `on_failure` is called with each Failure. `patience` is the seconds before a late answer is deferred (Discord
    waits 3), `grace` those that running handlers get when the bot closes.
    """

    patience: float = 2.0

    def __init__(self, bot: Bot, config: Config, clock: Clock) -> None:
        self.bot = bot
        self.config = config
        self.clock = clock
        self.grace: float = 10.0
        self.closing: bool = False
        self.closed: bool = False
        self.on_failure: Callable[[Failure], object] | None = None
        self.work: Work = Work()
        self.discord_time: DiscordTime = DiscordTime(clock)
        self.blocking: Blocking = Blocking(clock, self.discord_time)
        self.measures: Measures = Measures(clock)
        self.dispatcher: Dispatcher = Dispatcher(self)
        self.prompts: Prompts = Prompts(self)
        self.cooldowns: CooldownStore = CooldownStore(clock)
        self.owners: frozenset[int] = frozenset(config.owners)
        self.gate: Gate = bot.modules.gate
        db = self._make_database()
        self._db: DatabaseService = db
        self.scheduler: SchedulerService = SchedulerService(db, clock=clock)
        self._subscriptions: dict[Decorators, list[tuple[type[hikari.Event], Any]]] = {}
        self.is_set_up: bool = False  # the on_start functions and the modules' setups have ended
        self._is_registered = False
        self._commands: CommandSync | None = None  # once Discord has said who the bot is
        self._lightbulb_commands: list[Any] = []
        self._deferrals = Deferrals(clock, self.discord_time, self.patience, self._defer, self.spawn)
        self._calls: dict[InteractionContext[Any], asyncio.Task[Any]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._opened: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._starting: asyncio.Task[Any] | None = None
        self._start_ended = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._closing_since: float | None = None
        self._parts_since: float | None = None  # when the first part of the bot began to close
        self.leaving: asyncio.Future[BaseException] | None = None
        self._guild_data: GuildDataStore | None = None
        self._guilds: set[hikari.Snowflake] = set()  # that Discord named when the shards became ready
        self._known_gateway: list[hikari.GatewayBotInfo] = []  # until hikari takes it
        self._stages: list[str] = []
        self._stage_began = time.perf_counter()
        assert config.token is not None
        self.gateway: hikari.GatewayBot = bridge.gateway_bot(config.token, config.rest_url)
        self.client: lightbulb.GatewayEnabledClient = bridge.lightbulb_client(self.gateway)

    # ---- start ----

    async def start(self) -> None:
        """Set everything up, register the commands, connect. If that fails, close again what was opened.

        Raises StartError with what keeps the bot from starting, also if the bot is closed meanwhile.
        """
        starting = self._starting = current_task()
        protect()
        try:
            await self._start_services()
            await self._set_up()
            await self._connect()
            self._begin_jobs()
        except BaseException as error:
            is_closed_meanwhile = self._closing is not None
            self._end_starting()
            await self.close()
            if isinstance(error, asyncio.CancelledError) and is_closed_meanwhile:
                starting.uncancel()
                raise ClosedMeanwhile from None
            if isinstance(error, WispError) and not isinstance(error, StartError):
                raise StartError(str(error)) from error
            raise
        self._end_starting()
        if self.clock.is_flowing:
            self.blocking.start()
        self._stage("connected")
        _log.info("%s", self.summary())

    def _end_starting(self) -> None:
        self._starting = None
        self._start_ended.set()

    def summary(self) -> str:
        """What runs, in a few words: commands, listeners, servers, what was registered, how long each stage took."""
        me = self.gateway.get_me()
        counts = [
            _count(sum(len(root.commands) for root in self._roots()), "command"),
            _count(sum(len(registrar.listeners) for registrar in self._registrars()), "listener"),
            *([_count(jobs, "job")] if (jobs := self.scheduler.count()) else []),
            *self.bot.modules.counts(),
            _count(len(self._guilds | self.gateway.cache.get_guilds_view().keys()), "server"),
        ]
        return f"{me.username if me else 'the bot'} is up: {', '.join(counts)} ({', '.join(self._stages)})"

    @property
    def services(self) -> Services:
        """What the bot runs on, by name."""
        return self.bot.services

    @property
    def guild_data(self) -> GuildDataStore:
        """What the bot keeps for its servers. Raises ServiceError before it has started."""
        if self._guild_data is None:
            raise ServiceError("there is no guild data: the service has not started")
        return self._guild_data

    def _make_database(self) -> DatabaseService:
        return DatabaseService(self.config.database, durability=self.config.durability, clock=self.clock)

    async def _start_services(self) -> None:
        db = self._db
        built_in: dict[str, object] = {"metrics": MetricsService(clock=self.clock), "db": db}
        if "db" in self.services.registered:
            built_in["guild_data_db"] = db  # guild data stays in SQLite until somebody replaces it as well
        built_in |= {"guild_data": GuildData(db), "cache": CacheService(clock=self.clock), "audit": AuditService()}
        built_in["scheduler"] = self.scheduler
        if "scheduler" in self.services.registered:
            built_in["job_scheduler"] = self.scheduler  # the jobs of @bot.every and its siblings stay with it
        own = {name for name in ("guild_data_db", "scheduler", "job_scheduler") if name not in self.services.registered}
        self._opened.append(("the services", self.services.stop))
        await self.services.start(built_in, session=self, required={"db", "guild_data", *own})
        self.measures.start(self.services.get_typed("metrics", Metrics))
        for database in (db, self.services.get("db")):
            if isinstance(database, DatabaseService):
                database.watch = partial(self.measures.ran, "statement")
        self._guild_data = self.services.get_typed("guild_data", GuildDataStore)
        self.services.get_typed("db", Database)  # another one must be able to do the same
        self.services.get_typed("audit", Audit)
        await self.cooldowns.start(db)
        self._opened.append(("the cooldowns", lambda: within(self.closing_left(), self.cooldowns.stop())))
        try:
            await self.migrate("bot", self.bot.migrations)
        except ValueError as error:
            raise StartError(str(error)) from error
        if self.config.database == MEMORY:
            _log.info("the bot keeps its data in memory (database=None): they are lost when it stops")
        self._stage("services started")

    @property
    def database(self) -> Database | None:
        """The service "db", None while the bot does not run."""
        return self.services.get_typed("db", Database)

    @property
    def own_database(self) -> DatabaseService:
        """The built-in database with wisp's own tables, also if another service is "db"."""
        return self._db

    async def migrate(self, owner: str, migrations: Migrations) -> None:
        """Bring tables up to date, if there are migrations. Raises WispError and ValueError if that fails."""
        if migrations:
            assert self.database is not None
            try:
                await self.database.migrate(owner, migrations)
            except DatabaseError as error:
                error.problems = migrations.failed(error)
                raise

    async def _set_up(self) -> None:
        self.gateway.subscribe(hikari.InteractionCreateEvent, self.dispatcher.on_interaction)
        dispatcher = self.dispatcher
        bridge.on_interaction_payload(
            self.gateway, dispatcher.came_before, dispatcher.on_awaited, dispatcher.on_undecodable
        )
        # while modules are torn down and on_stop runs, calls are still answered, so the connection closes after them
        self._opened.append(("the connection to Discord", self._close_gateway))
        self._opened.append(("lightbulb", lambda: within(self.closing_left(), self.client.stop())))
        await self._call_starters()
        self.attach(self.bot)
        self._opened.append(("the modules", self._stop_modules))
        await self.bot.modules.start()
        if not self.bot.modules.missing and (mistakes := unattached_problems(self.bot.file)):
            raise CheckError(mistakes)
        self.is_set_up = True
        self._route()
        bridge.set_intents(self.gateway, self._intents())
        self._stage("set up")

    async def _call_starters(self) -> None:
        """Call the on_start functions. The on_stop functions are called at the end once the first has returned."""
        if not self.bot.starters:
            self._opened.append(("the on_stop functions", self._open_stoppers))
        for number, starter in enumerate(self.bot.starters):
            await self._call_starter(starter)
            if number == 0:  # a later one may never return
                self._opened.append(("the on_stop functions", self._open_stoppers))

    async def _open_stoppers(self) -> None:
        # one entry for each: what one raises is logged with its name, and the others are called
        for stopper in self.bot.stoppers:
            name = getattr(stopper, "__name__", type(stopper).__name__)
            self._opened.append((f'the on_stop function "{name}"', partial(self._call_stopper, stopper)))

    async def _call_starter(self, starter: Callable[..., Awaitable[object]]) -> None:
        try:
            refuse_coroutine(await self._called(starter))
        except (Exception, *EXITS):
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            name = getattr(starter, "__name__", type(starter).__name__)
            raise StartError(f"on_start {name} raised {described(error)}") from error

    async def _call_stopper(self, stopper: Callable[..., Awaitable[object]]) -> None:
        refuse_coroutine(await within(self.closing_left(), self._called(stopper)))

    def _called(self, function: Callable[..., Awaitable[object]]) -> Awaitable[object]:
        return function() if misfit(function, "bot") else function(self.bot)

    def _begin_jobs(self) -> None:
        context = Context()
        context.run(settings_in_use.set, self.config)
        self.scheduler.begin(context)

    async def _stop_modules(self) -> None:
        self.is_set_up = False
        await self.bot.modules.stop()

    # ---- what bot and modules registered ----

    def attach(self, registrar: Decorators) -> None:
        """Bring what a bot or module registered into action."""
        self._subscriptions[registrar] = [
            (event_type, self._subscribe(registrar, listener, event_type))
            for listener in registrar.listeners
            for event_type in listener.event_types
            if not issubclass(event_type, Event)
        ]
        self.scheduler.attach(registrar)
        self._route()

    def is_attached(self, registrar: Owner) -> bool:
        """Whether what a bot or module registered is in action."""
        return registrar in self._subscriptions

    def detach(self, registrar: Decorators) -> None:
        """Take what a module registered out of action: nothing new reaches it."""
        for event_type, callback in self._subscriptions.pop(registrar, ()):
            if not (self.closing and issubclass(hikari.StoppedEvent, event_type)):  # that one is still to come
                self.gateway.unsubscribe(event_type, callback)
        self.scheduler.detach(registrar)
        self._route()

    def _route(self) -> None:
        if not self.is_set_up:  # once for all that load, before anything can come in
            return
        roots = [(root, self._guilds_of(root)) for root in self._roots()]
        self.dispatcher.route(roots, self._registrars())
        for made in self._lightbulb_commands:
            self.client.unregister(made)
        self._lightbulb_commands.clear()
        for root, guilds in roots:
            made = bridge.lightbulb_command(root, self.dispatcher.invoked_by_lightbulb)
            self.client.register(made, guilds=guilds or None, global_=None if guilds else True)
            self._lightbulb_commands.append(made)

    def refuse_new_intents(self, registrar: Decorators) -> None:
        """Raise WispError where the listeners need an intent that this run, being connected, has not asked for."""
        if self._is_registered and (missing := _intents_of(registrar.listeners) & ~self._intents()):
            names = ", ".join(str(intent.name) for intent in missing.split())
            raise WispError(f"its listeners need the intent {names}, which is settled at the start. Restart the bot")

    async def register_again(self) -> None:
        """Bring Discord's commands up to date while the bot runs, as `CommandSync.update` does."""
        assert self._commands is not None
        await self.bot.modules.changed()  # those that are going on are registered with this one
        await self._commands.update()

    async def emit(self, event: Event) -> None:
        """Call every listener for an event of one's own, and return when all are done."""
        heard = [
            self._hear(registrar, listener, event)
            for registrar in self._registrars()
            for listener in registrar.listeners
            if isinstance(event, listener.event_types) and not self.closing
        ]
        await asyncio.gather(*heard)

    async def _hear(self, owner: Decorators, listener: Listener, event: Any) -> None:
        """Call a listener, unless its module is off where that happened."""
        if not self.gate.is_open(owner, guild_of(event)):
            return
        settings_in_use.set(self.config)
        title = f'listener "{listener.name}"'
        current_task().set_name(title)
        began = self.clock.monotonic()
        outcome: Outcome = "cancelled"
        ctx = EventContext(self.bot, event, listener.name)

        async def failed(error: BaseException) -> None:
            await self.dispatcher.failed(ctx, title, error, owner)

        with self.work.of(owner):
            try:
                hearing = partial(self._heard, listener, event)
                done = await shielded(hearing, failed, is_ending=lambda: self.is_ending(owner))
                outcome = "done" if done else "failed"
            finally:
                self.measures.ran("event", type(event).__name__, outcome, began)

    def _heard(self, listener: Listener, event: Any) -> Awaitable[object]:
        return self.blocking.watch(listener.function(event), listener)

    def _subscribe(self, owner: Decorators, listener: Listener, event_type: type[hikari.Event]) -> Any:
        async def hear(event: hikari.Event) -> None:
            if not listener.receives(event, event_type):
                return
            if self.closing:
                if isinstance(event, hikari.StoppedEvent):
                    await self._hear_last(owner, listener, event)
            elif isinstance(event, hikari.StartedEvent):
                self.spawn(self._hear(owner, listener, event))  # hikari's start would wait for it
            elif isinstance(event, hikari.StartingEvent):
                await self._hear_whole(owner, listener, event)
            else:
                await self._hear(owner, listener, event)

        self.gateway.subscribe(event_type, hear)
        return hear

    async def _hear_whole(self, owner: Decorators, listener: Listener, event: hikari.Event) -> None:
        """Call a listener that the start waits for. It goes on if the start is cancelled: it may close the bot."""
        try:
            await asyncio.shield(asyncio.create_task(contained(self._hear(owner, listener, event))))
        except Exit as exit:
            raise exit.error from None

    async def _connect(self) -> None:
        failure: BaseException | None = None

        async def register(event: hikari.StartingEvent) -> None:
            nonlocal failure
            try:
                await self._register()
            except Exception as error:
                failure = error
                raise _Stop from error

        async def note_guilds(event: hikari.ShardReadyEvent) -> None:
            self._guilds.update(event.unavailable_guilds)

        self.gateway.subscribe(hikari.StartingEvent, register)
        self.gateway.subscribe(hikari.ShardReadyEvent, note_guilds)
        self._opened.append(("the listeners for StoppingEvent", self._announce_stopping))
        watching = asyncio.create_task(self._warn_of_a_late_start())
        try:
            await bridge.start_gateway(self.gateway, self._known_gateway)
        except _Stop:
            assert failure is not None
            raise failure  # noqa: B904 - it has its cause
        except Exception as error:  # hikari alone is asked here
            raise explained(error)  # noqa: B904 - it has its cause
        finally:
            await end({watching})

    async def _warn_of_a_late_start(self) -> None:
        """Log once what the start waits for, if no shard has been let in for a while."""
        let_in = -1
        while len(self.gateway.shards) > let_in:  # hikari starts those of a large bot in groups, with pauses
            let_in = len(self.gateway.shards)
            await asyncio.sleep(_LATE)
        if self.gateway.shards and all(shard.is_connected for shard in self.gateway.shards.values()):
            _log.warning(_HELD_UP, _LATE, "a raw listener for StartedEvent")
        elif self.work.tasks:
            _log.warning(_HELD_UP, _LATE, named(f"{self.label_of(task)}{place(task)}" for task in self.work.tasks))
        else:
            _log.warning(_STILL_OUTSIDE, _LATE)

    async def _register(self) -> None:
        """With REST open and nothing connected: ask who the bot is, and bring its commands up to date."""
        application = await self._ask_discord()
        self._is_registered = True
        listeners = [listener for registrar in self._registrars() for listener in registrar.listeners]
        self.owners = self.owners or _owners_of(application)
        check_privileged(self._intents(), application, listeners)
        await self.client.start()
        if hears_messages(listeners) and not self._intents() & hikari.Intents.MESSAGE_CONTENT:
            _log.warning(
                "messages are listened to, but without their content: most arrive empty. If the bot needs to read "
                'them, say wisp.Bot(intents="MESSAGE_CONTENT") and switch the intent on at %s',
                page_of(application),
            )
        await self._register_commands(int(application.id))

    async def _ask_discord(self) -> hikari.Application:
        """Return the bot's application. Raises StartError if Discord gives no answer, or lets no bot connect now."""
        rest = bridge.reporting_date(self.gateway.rest, self.discord_time.responded)
        try:
            with bridge.patience(_LONGEST_WAIT):
                application, gateway = await rest.fetch_application(), await rest.fetch_gateway_bot_info()
        except Exception as error:
            raise explained(error)  # noqa: B904 - it has its cause
        check_gateway(gateway, self.clock.time())
        self._known_gateway.append(gateway)
        return application

    async def _register_commands(self, application: int) -> None:
        rest, db = self.gateway.rest, self.own_database
        self._commands = CommandSync(rest, application, db, self._wanted, clock=self.clock, spawn=self.spawn)
        self._opened.append(("the registration of commands", self._commands.close))
        try:
            changes = await self._commands.update()
        except hikari.HTTPError as error:
            raise explained(error)  # noqa: B904 - it has its cause
        self._stage("registration of commands postponed" if changes is None else f"commands registered: {changes}")

    async def _wanted(self) -> dict[int | None, list[Wanted]]:
        """The commands of the bot, as Discord should have them."""
        wanted: dict[int | None, list[Wanted]] = {None: []}
        for root in self._roots():
            for guild in self._guilds_of(root) or (None,):
                wanted.setdefault(guild, []).append(Wanted(root.payload(), root))
        for _, guild, payload in await bridge.raw_lightbulb_payloads(
            self.client, self._lightbulb_commands, self.gateway.entity_factory
        ):
            wanted.setdefault(guild, []).append(Wanted(payload, None))
        return wanted

    def _registrars(self) -> list[Decorators]:
        return self.bot.modules.owners()

    def _roots(self) -> list[TopLevelCommand]:
        return merge_groups(self._registrars())

    def _guilds_of(self, root: TopLevelCommand) -> tuple[int, ...]:
        return self.config.guilds if root.guilds is None else root.guilds

    def _intents(self) -> hikari.Intents:
        """What this run asks for; settled once it is connected."""
        if self._is_registered:
            return self.gateway.intents
        intents = hikari.Intents.GUILDS
        for name in self.config.intents:
            intents |= hikari.Intents[name]
        for registrar in self._registrars():
            intents |= _intents_of(registrar.listeners)
        return intents

    def _stage(self, name: str) -> None:
        if self.closing:  # code of the bot has ignored that the start was cancelled
            raise ClosedMeanwhile
        now = time.perf_counter()
        self._stages.append(f"{name} in {now - self._stage_began:.2f} s")
        self._stage_began = now

    # ---- while it runs ----

    async def idle(self) -> None:
        """Wait until no handler of the bot runs, but those that wait for a person."""
        await self.work.done()

    def report(self, where: str, error: BaseException) -> str:
        """Log an error in the bot's code, and return the short id that finds it in the log.

        It has its traceback, unless one line can say all that it does.
        """
        id = secrets.token_hex(3)
        self.measures.failed(where, error)
        with suppress(Exception):  # a logging handler that raises must not keep the answer from the user
            reason = self.blocking.explain(error)
            if reason is None and isinstance(error, InteractionOver):
                _log.error("error %s in %s%s: %s", id, where, raised_at(error.__traceback__) or error.place, error)
            elif reason is None:
                _log.error("error %s in %s", id, where, exc_info=error)
            elif reason:
                _log.error("error %s in %s: %s", id, where, reason)
        if self.on_failure is not None:
            self.on_failure(Failure(id, where, error))
        return id

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Run `work` beside everything else, as one of the handlers."""

        async def at_work() -> None:
            with self.work:
                await work

        task = asyncio.create_task(at_work())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def begin(self, ctx: InteractionContext[Any]) -> None:
        """A call began: it is deferred in time, and answered before the bot closes."""
        task = self._calls[ctx] = current_task()
        self.work.tasks[task] = ctx.handler.owner
        self.expect(ctx)

    def expect(self, ctx: InteractionContext[Any]) -> None:
        """Defer `ctx` in time, unless it is answered by then."""
        self._deferrals.expect(ctx)

    def end(self, ctx: InteractionContext[Any]) -> None:
        """A call ended."""
        self._calls.pop(ctx, None)

    def under_way(self) -> str:
        """The commands and jobs that run now, in words."""
        calls = [ctx.handler.label for ctx in self._calls]
        return named([*calls, *self.scheduler.under_way()]) or "listeners"

    def label_of(self, task: asyncio.Task[Any]) -> str:
        """The command, component, form or job that a task runs, in words."""
        label = next((ctx.handler.label for ctx, running in self._calls.items() if running is task), None)
        name = task.get_name() if task.get_name().startswith(("job ", "listener ")) else None
        return label or name or "a listener"

    def unfinished(self) -> str:
        """Return the handlers that run now, each with the line of the bot's code where it waits."""
        tasks = self.work.tasks
        names = named(f"{self.label_of(task)}{line_of(task)}" for task in islice(tasks, _NAMED))
        return f"{names} and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else names

    def is_ending(self, owner: Owner) -> bool:
        """Whether handlers of a bot or module are cancelled: it is unloaded, or the bot closes."""
        return self.closing or owner.is_unloading

    def leave(self, leaving: BaseException) -> None:
        """End the program as a handler asked (`sys.exit()`): in order where `leaving` is waited for, else at once."""
        if self.leaving is None:
            raise leaving
        if not self.leaving.done():
            self.leaving.set_result(leaving)

    async def _defer(self, ctx: InteractionContext[Any]) -> None:
        try:
            await ctx.defer()
        except Exception as error:
            self.report(f"deferring {ctx.handler.label}", error)

    # ---- close ----

    async def close(self) -> None:
        """Take no new work, give running handlers their grace, then close what was opened, last first, once.

        A caller that is cancelled while it waits does not stop the closing. A handler may call this, and goes on once
        all is closed. In a task that a handler has started it returns at once, since the handler may wait for that
        task: the bot closes when the handler has ended.
        """
        if self._closing is None:
            self.closing = True
            self._closing_since = self.clock.monotonic()
            self._closing = asyncio.create_task(self._close())
        if not self.work.is_within_handler():
            with self.work.apart():
                await asyncio.shield(self._closing)

    def grace_left(self) -> float:
        """Return how many seconds are left of the grace of what runs while the bot closes."""
        since = self.clock.monotonic() if self._closing_since is None else self._closing_since
        return max(0.0, since + self.grace - self.clock.monotonic())

    def closing_left(self) -> float:
        """Return how many seconds a part of the bot (module, on_stop function, service) has to close.

        At the end of the bot it has what the parts before it have left of 10 s, and at least 1.
        """
        since = self.clock.monotonic() if self._parts_since is None else self._parts_since
        return max(LAST_WORDS, since + _CLOSING_LIMIT - self.clock.monotonic())

    async def end_handlers(self, handlers: Iterable[asyncio.Task[Any]], grace: float) -> None:
        """Wait for handlers, cancel those that run for longer than `grace`, and leave behind those that ignore it."""
        handlers = set(handlers)
        try:
            async with asyncio.timeout(grace):
                await self.work.ended(handlers)
        except TimeoutError:
            names = {task: self._place_of(task) for task in handlers & self.work.tasks.keys()}
            _log.warning("cancelled%s: %s", f" after {grace:.3g} s" if grace else "", named(names.values()))
            for task in (deaf := await end(names)):
                self.work.leave(task)
            if deaf:
                _log.error("left behind, since it ignores its cancellation: %s", named(names[task] for task in deaf))

    def _place_of(self, task: asyncio.Task[Any]) -> str:
        """Return what a task runs, and where in the bot's code it waits."""
        return f"{'the start' if task is self._starting else self.label_of(task)}{place(task)}"

    async def _close(self) -> None:
        if self._starting is not None:
            await self._end_start(self._starting)
        if self._commands is not None:
            await self._commands.close()  # its attempts count as work, which would be waited for
        try:
            if waiting := self.work.end_waiting():  # the user is told, even if there is no grace
                await asyncio.wait(waiting, timeout=LAST_WORDS)
            await self.end_handlers(self.work.tasks, self.grace_left())  # those that begin from now on are refusals
            finishing = {asyncio.create_task(self._finish(ctx)) for ctx in self._calls}
            await end(finishing, after=_ANSWER_LIMIT)
        finally:
            self._deferrals.stop()
            self.blocking.stop()
            self.prompts.stop()
            await self._close_opened()

    async def _end_start(self, starting: asyncio.Task[Any]) -> None:
        """End a start that is going on, unless it ignores its cancellation for too long."""
        starting.cancel()
        try:
            async with asyncio.timeout(self.grace):
                await self._start_ended.wait()
        except TimeoutError:
            _log.error("left behind, since it ignores its cancellation: %s", self._place_of(starting))
            left_behind.add(starting)

    async def _finish(self, ctx: InteractionContext[Any]) -> None:
        try:
            await ctx.finish()
        except Exception as error:
            self.report(ctx.handler.label, error)

    async def _close_opened(self) -> None:
        is_waited_for = self.leaving is not None
        leaving = self.leaving = self.leaving or asyncio.get_running_loop().create_future()
        self._parts_since = self.clock.monotonic()
        with self.work.closing():
            while self._opened:
                what, close = self._opened.pop()
                try:
                    await close()
                except EXITS as error:
                    self.leave(error)
                except Overdue as error:
                    _log.error("%s did not close properly: it %s", what, error)
                except BaseException:  # the others close all the same
                    _log.exception("%s did not close properly", what)
        self.closed = True
        if leaving.done() and not is_waited_for:
            raise leaving.result()

    async def _announce_stopping(self) -> None:
        """Call the listeners for StoppingEvent while all works: hikari dispatches it after modules are torn down."""
        if self.gateway.is_alive:
            event = self.gateway.event_factory.deserialize_stopping_event()
            await asyncio.gather(
                *(
                    self._hear_last(registrar, listener, event)
                    for registrar in self._registrars()
                    for listener in registrar.listeners
                    if isinstance(event, listener.event_types)
                )
            )

    async def _hear_last(self, owner: Decorators, listener: Listener, event: hikari.Event) -> None:
        """Call a listener for an event of the bot's end. It gets what is left of the grace, and at least a second."""
        try:
            await within(max(self.grace_left(), LAST_WORDS), self._hear(owner, listener, event))
        except Overdue as error:
            _log.error('listener "%s" for %s %s', listener.name, type(event).__name__, error)

    async def _close_gateway(self) -> None:
        if not self.gateway.is_alive:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.work.ended(self.work.tasks.keys() - left_behind)  # refusals that are on their way
        await bridge.close_gateway(self.gateway)


def _intents_of(listeners: Iterable[Listener]) -> hikari.Intents:
    intents = hikari.Intents.NONE
    for listener in listeners:
        intents |= listener.intents()
    return intents


def _owners_of(application: hikari.Application) -> frozenset[int]:
    return frozenset(map(int, application.team.members if application.team else [application.owner.id]))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
