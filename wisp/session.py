"""A session: one run of a bot, from its start to its close, and all that is open meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

import hikari

from . import bridge
from .blocking import Blocking
from .cooldowns import CooldownStore
from .deferral import Deferrals
from .dispatch import Dispatcher
from .errors import Mistakes, ServiceError, StartError, WispError
from .events import Event, EventContext, Listener, guild_of, hears_messages
from .groups import Root, forgotten, roots
from .logs import get_logger, protect
from .measures import Measures
from .prompts import Prompts
from .registration import Changes, GuildMemory, Wanted, bring_up_to_date
from .replies import settings_in_use
from .services import Audit, Database, GuildDataStore, Metrics
from .services.audit import AuditService
from .services.cache import CacheService
from .services.database import DatabaseService
from .services.guild_data import GuildData
from .services.metrics import MetricsService
from .services.scheduler import SchedulerService
from .shield import EXITS, described, is_cancelled, refuse_coroutine, shielded
from .start_refusals import check_privileged, explained, page_of
from .work import Work, current_task, named

if TYPE_CHECKING:
    import lightbulb

    from .bot import Bot
    from .clock import Clock
    from .config import Config
    from .context import InteractionContext
    from .measures import Outcome
    from .registrar import Registrar
    from .registry import Gate
    from .services import Services

_log = get_logger("wisp")


class Failure:
    """An error in the bot's code that no error handler dealt with: `id` finds its traceback in the log."""

    __slots__ = ("error", "id", "where")

    def __init__(self, id: str, where: str, error: BaseException) -> None:
        self.id: str = id
        self.where: str = where
        self.error: BaseException = error


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
        self.blocking: Blocking = Blocking(clock)
        self.measures: Measures = Measures(clock)
        self.dispatcher: Dispatcher = Dispatcher(self)
        self.prompts: Prompts = Prompts(self)
        self.cooldowns: CooldownStore = CooldownStore(clock)
        self.owners: frozenset[int] = frozenset(config.owners)
        self.gate: Gate = bot.modules.gate
        db = self._make_database()
        self._db: DatabaseService = db
        self.scheduler: SchedulerService = SchedulerService(db, clock=clock)
        self._subscriptions: dict[Registrar, list[tuple[type[hikari.Event], Any]]] = {}
        self._is_set_up = False
        self._is_registered = False
        self._application: int | None = None
        self._asked: dict[int | None, list[dict[str, Any]]] | None = None  # what Discord was told last
        self._registering: asyncio.Task[None] | None = None
        self._registration = asyncio.Lock()
        self._lightbulb_commands: list[Any] = []
        self._deferrals = Deferrals(clock, self.patience, self._defer, self.spawn)
        self._calls: dict[InteractionContext[Any], asyncio.Task[Any]] = {}
        self._background: set[asyncio.Task[Any]] = set()
        self._opened: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._starting: asyncio.Task[Any] | None = None
        self._start_ended = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self.leaving: asyncio.Future[BaseException] | None = None
        self._guild_data: GuildDataStore | None = None
        self._stages: list[str] = []
        self._stage_began = time.perf_counter()
        assert config.token is not None
        self.gateway: hikari.GatewayBot = bridge.gateway_bot(config.token, config.rest_url)
        self.client: lightbulb.GatewayEnabledClient = bridge.lightbulb_client(self.gateway)

    # ---- start ----

    async def start(self) -> None:
        """Set everything up, register the commands, connect. What was opened is closed again where it fails.

        Raises StartError where the bot is closed meanwhile.
        """
        self._starting = current_task()
        protect()
        try:
            await self._start_services()
            await self._set_up()
            await self._connect()
            self._begin_jobs()
        except BaseException as error:
            self.closing = True
            await self._close_opened()
            self.closed = True
            if isinstance(error, asyncio.CancelledError) and self._closing is not None:
                self._starting.uncancel()
                raise StartError("The bot was closed while it started.") from None
            raise
        finally:
            self._starting = None
            self._start_ended.set()
        self.blocking.start()
        self._stage("connected")
        _log.info("%s", self.summary())

    def summary(self) -> str:
        """What runs, in a few words: commands, listeners, servers, what was registered, how long each stage took."""
        me = self.gateway.get_me()
        counts = [
            _count(sum(len(root.commands) for root in self._roots()), "command"),
            _count(sum(len(registrar.listeners) for registrar in self._registrars()), "listener"),
            *([_count(jobs, "job")] if (jobs := self.scheduler.count()) else []),
            *self.bot.modules.counts(),
            _count(len(self.gateway.cache.get_available_guilds_view()), "server"),
        ]
        return f"{me.username if me else 'the bot'} is up: {', '.join(counts)} ({', '.join(self._stages)})"

    @property
    def services(self) -> Services:
        """What the bot runs on, by name."""
        return self.bot.services

    @property
    def guild_data(self) -> GuildDataStore:
        """What the bot keeps for its servers. Raises ServiceError where the database did not start."""
        if self._guild_data is None:
            raise ServiceError(f"there is no guild data: {self.services.missing.get('guild_data', 'not started')}")
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
        self._opened.append(("the services", self.services.stop))
        await self.services.start(built_in, session=self)
        self.measures.start(self.services.get_typed("metrics", Metrics))
        for database in (db, self.services.get("db")):
            if isinstance(database, DatabaseService):
                database.watch = partial(self.measures.ran, "statement")
        self._guild_data = self.services.get_typed("guild_data", GuildDataStore)
        self.services.get_typed("db", Database)  # another one must be able to do the same
        self.services.get_typed("audit", Audit)
        await self.cooldowns.start(self.own_database)
        self._opened.append(("the cooldowns", self.cooldowns.stop))
        try:
            await self.migrate("bot", self.bot.migrations)
        except (WispError, ValueError) as error:
            raise StartError(str(error)) from error
        self._stage("services started")

    @property
    def database(self) -> Database | None:
        """The service "db", None where it did not start."""
        return self.services.get_typed("db", Database)

    @property
    def own_database(self) -> Database | None:
        """Where the tables of wisp itself are: the built-in database, whatever "db" is; None where it did not start."""
        return self.services.get_typed("guild_data_db" if "db" in self.services.registered else "db", Database)

    async def migrate(self, owner: str, migrations: Mapping[int, Any]) -> None:
        """Bring tables up to date, where there is anything to do. Raises WispError and ValueError where that fails."""
        if migrations:
            if self.database is None:
                raise WispError(f"There are migrations, and no database: {self.services.missing.get('db')}")
            await self.database.migrate(owner, migrations)

    async def _set_up(self) -> None:
        self.gateway.subscribe(hikari.InteractionCreateEvent, self.dispatcher.on_interaction)
        dispatcher = self.dispatcher
        bridge.on_interaction_payload(
            self.gateway, dispatcher.came_before, dispatcher.on_awaited, dispatcher.on_undecodable
        )
        for starter in self.bot.starters:
            await self._call_starter(starter)
        self.attach(self.bot)
        self._opened.append(("the modules", self._stop_modules))
        await self.bot.modules.start(self)
        if not self.bot.modules.missing and (mistakes := forgotten(self.bot.file)):
            raise Mistakes(mistakes)
        self._is_set_up = True
        self._route()
        bridge.set_intents(self.gateway, self._intents())
        self._stage("set up")

    async def _call_starter(self, starter: Callable[..., Awaitable[object]]) -> None:
        try:
            refuse_coroutine(await (starter(self.bot) if inspect.signature(starter).parameters else starter()))
        except (Exception, *EXITS):
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            name = getattr(starter, "__name__", type(starter).__name__)
            raise StartError(f"on_start {name} raised {described(error)}") from error

    def _begin_jobs(self) -> None:
        context = Context()
        context.run(settings_in_use.set, self.config)
        self.scheduler.begin(context)

    async def _stop_modules(self) -> None:
        self._is_set_up = False
        await self.bot.modules.stop(self)

    # ---- what bot and modules registered ----

    def attach(self, registrar: Registrar) -> None:
        """Bring what a bot or module registered into action."""
        self._subscriptions[registrar] = [
            (event_type, self._subscribe(registrar, listener, event_type))
            for listener in registrar.listeners
            for event_type in listener.event_types
            if not issubclass(event_type, Event)
        ]
        self.scheduler.attach(registrar)
        self._route()

    def is_attached(self, registrar: Registrar) -> bool:
        """Whether what a bot or module registered is in action."""
        return registrar in self._subscriptions

    def detach(self, registrar: Registrar) -> None:
        """Take what a module registered out of action: nothing new reaches it."""
        for event_type, callback in self._subscriptions.pop(registrar, ()):
            self.gateway.unsubscribe(event_type, callback)
        self.scheduler.detach(registrar)
        self._route()

    def _route(self) -> None:
        if not self._is_set_up:  # once for all that load, before anything can come in
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

    def refuse_new_intents(self, registrar: Registrar) -> None:
        """Raise WispError where the listeners need an intent that this run, being connected, has not asked for."""
        if self._is_registered and (missing := _intents_of(registrar.listeners) & ~self._intents()):
            names = ", ".join(str(intent.name) for intent in missing.split())
            raise WispError(f"its listeners need the intent {names}, which is settled at the start. Restart the bot")

    async def register_again(self) -> None:
        """Bring Discord's commands up to date while the bot runs: once for all who ask before it begins."""
        if self._registering is None:
            self._registering = asyncio.create_task(self._register_in_turn())
        await asyncio.shield(self._registering)

    async def _register_in_turn(self) -> None:
        async with self._registration:
            self._registering = None  # who asks from now on has changed something since
            assert self._application is not None
            changes = await self._registered(self._application)
            _log.info("commands registered: %s", changes)

    async def emit(self, event: Event) -> None:
        """Call every listener for an event of one's own, and return when all are done."""
        heard = [
            self._hear(registrar, listener, event)
            for registrar in self._registrars()
            for listener in registrar.listeners
            if isinstance(event, listener.event_types)
        ]
        await asyncio.gather(*heard)

    async def _hear(self, owner: Registrar, listener: Listener, event: Any) -> None:
        """Call a listener, unless its module is off where that happened."""
        if self.closing or not self.gate.is_open(owner, guild_of(event)):
            return
        settings_in_use.set(self.config)
        began = self.clock.monotonic()
        outcome: Outcome = "cancelled"
        ctx = EventContext(self.bot, event, listener.name)

        async def failed(error: BaseException) -> None:
            await self.dispatcher.failed(ctx, f'listener "{listener.name}"', error, owner)

        with self.work.of(owner):
            try:
                hearing = partial(self._heard, listener, event)
                done = await shielded(hearing, failed, is_ending=lambda: self.is_ending(owner))
                outcome = "done" if done else "failed"
            finally:
                self.measures.ran("event", type(event).__name__, outcome, began)

    def _heard(self, listener: Listener, event: Any) -> Awaitable[object]:
        return self.blocking.watch(listener.function(event), listener)

    def _subscribe(self, owner: Registrar, listener: Listener, event_type: type[hikari.Event]) -> Any:
        async def hear(event: hikari.Event) -> None:
            await self._hear(owner, listener, event)

        self.gateway.subscribe(event_type, hear)
        return hear

    async def _connect(self) -> None:
        failure: BaseException | None = None

        async def register(event: hikari.StartingEvent) -> None:
            nonlocal failure
            try:
                await self._register()
            except Exception as error:
                failure = error
                raise _Stop from error

        self.gateway.subscribe(hikari.StartingEvent, register)
        self._opened.append(("the connection to Discord", self._close_gateway))
        try:
            await self.gateway.start(check_for_updates=False)
        except _Stop:
            assert failure is not None
            raise explained(failure)  # noqa: B904 - it has its cause
        except (hikari.HikariError, OSError, KeyError, TypeError) as error:
            raise explained(error)  # noqa: B904 - it has its cause

    async def _register(self) -> None:
        """With REST open and nothing connected: ask who the bot is, and bring its commands up to date."""
        rest = bridge.reporting_date(self.gateway.rest, self._deferrals.observe)
        application = await rest.fetch_application()
        self._application = int(application.id)
        self._is_registered = True
        listeners = [listener for registrar in self._registrars() for listener in registrar.listeners]
        self.owners = self.owners or _owners_of(application)
        check_privileged(self._intents(), application, listeners)
        await self.client.start()
        self._opened.append(("lightbulb", self.client.stop))
        if hears_messages(listeners) and not self._intents() & hikari.Intents.MESSAGE_CONTENT:
            _log.warning(
                "messages are listened to, but without their content: most arrive empty. If the bot needs to read "
                'them, say wisp.Bot(intents="MESSAGE_CONTENT") and switch the intent on at %s',
                page_of(application),
            )
        changes = await self._registered(self._application)
        self._stage(f"commands registered: {changes}")

    async def _registered(self, application: int) -> Changes:
        wanted: dict[int | None, list[Wanted]] = {None: []}
        for root in self._roots():
            for guild in self._guilds_of(root) or (None,):
                wanted.setdefault(guild, []).append(Wanted(root.payload(), root))
        for _, guild, payload in await bridge.raw_lightbulb_payloads(
            self.client, self._lightbulb_commands, self.gateway.entity_factory
        ):
            wanted.setdefault(guild, []).append(Wanted(payload, None))
        asked = {guild: [one.payload for one in commands] for guild, commands in wanted.items()}
        if asked == self._asked:
            return Changes()
        memory = GuildMemory(self.own_database, application)
        guilds = {guild for guild in wanted if guild is not None}
        earlier = await memory.recall()
        await memory.remember(earlier | guilds)
        changes = await bring_up_to_date(self.gateway.rest, application, {**{guild: [] for guild in earlier}, **wanted})
        await memory.remember(guilds)
        self._asked = asked
        return changes

    def _registrars(self) -> list[Registrar]:
        return self.bot.modules.registrars()

    def _roots(self) -> list[Root]:
        return roots(self._registrars())

    def _guilds_of(self, root: Root) -> tuple[int, ...]:
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
        now = time.perf_counter()
        self._stages.append(f"{name} in {now - self._stage_began:.2f} s")
        self._stage_began = now

    # ---- while it runs ----

    async def idle(self) -> None:
        """Wait until no handler of the bot runs, but those that wait for a person."""
        await self.work.done()

    def report(self, where: str, error: BaseException) -> str:
        """Log an error in the bot's code with its traceback; the short id that finds it there."""
        id = secrets.token_hex(3)
        self.measures.failed(where, error)
        with suppress(Exception):  # a logging handler that raises must not keep the answer from the user
            reason = self.blocking.explain(error)
            if reason is None:
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
        named_after_job = task.get_name() if task.get_name().startswith("job ") else None
        return label or named_after_job or "a listener"

    def is_ending(self, owner: Registrar) -> bool:
        """Whether handlers of a bot or module are cancelled: it is unloaded, or the bot closes."""
        return self.closing or owner.is_leaving

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

        Who is cancelled while it waits here does not stop the closing: it goes on by itself.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(current_task()))
        await asyncio.shield(self._closing)

    async def _close(self, caller: asyncio.Task[Any]) -> None:
        self.closing = True
        if self._starting is not None:
            self._starting.cancel()
            await self._start_ended.wait()
        try:
            await self._drain(caller)
            for ctx in tuple(self._calls):
                try:
                    await ctx.finish()
                except Exception as error:
                    self.report(ctx.handler.label, error)
        finally:
            self._deferrals.stop()
            self.blocking.stop()
            self.prompts.stop()
            await self._close_opened()
            self.closed = True

    async def _drain(self, caller: asyncio.Task[Any]) -> None:
        """Wait for the handlers that run, `caller` apart: it may be one of them, and waits for this."""
        for task in self.work.waiting:  # the person has no time any more, and is told
            task.cancel()
        end = asyncio.get_running_loop().time() + self.grace
        while running := self.work.tasks.keys() - {caller, current_task()}:
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if late := self.work.tasks.keys() - {caller, current_task()}:
            _log.warning("cancelled after %g s: %s", self.grace, self.under_way())
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=1)

    async def _close_opened(self) -> None:
        while self._opened:
            what, close = self._opened.pop()
            try:
                await close()
            except EXITS as error:
                self.leave(error)
            except (Exception, asyncio.CancelledError):
                _log.exception("%s did not close properly", what)

    async def _close_gateway(self) -> None:
        if self.gateway.is_alive:
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
