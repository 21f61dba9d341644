"""The session: one run of a bot, from its start to its close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import hikari

from . import bridge
from .checks import unattached_problems
from .clock import moment
from .dispatch import Dispatcher
from .errors import CheckError, Problem, StartError, WispError
from .events import PRIVILEGED, Listener, listens_to_messages
from .gate import Gate
from .inspection import misfit
from .lightbulb_compat import LightbulbCompat
from .locations import place
from .logs import get_logger, protect
from .router import Router
from .runtime import Runtime, label_of
from .services.database import MEMORY, DatabaseService
from .services.metrics import MetricsService
from .tasks import (
    CANCEL_TIMEOUT,
    EXITS,
    Overdue,
    current_task,
    described,
    end,
    is_cancelled,
    left_behind,
    named,
    refuse_coroutine,
    within,
)
from .wiring import Wiring

if TYPE_CHECKING:
    from .bot import Bot
    from .clock import Clock
    from .config import Config
    from .services.audit import AuditService
    from .services.cache import CacheService
    from .services.guild_data import GuildData

_log = get_logger("wisp")

_ANSWER_LIMIT = 3.0
"""Seconds in which the last answers are sent before the connection closes."""

_LONGEST_WAIT = 300.0
"""Seconds that a start waits for rate limits."""

_LATE = 30.0
_STILL_OUTSIDE = (
    "The bot could not connect to Discord within %g s. It keeps trying. Discord's state: https://discordstatus.com"
)
_HELD_UP = "The bot is not ready after %g s: hikari waits for %s. Move long-running code to a job or a task"


class ClosedMeanwhile(StartError):
    """Raised by a start if the bot was closed before it was up."""

    def __init__(self) -> None:
        super().__init__("The bot was closed while it started.")


class _Stop(BaseException):
    """Ends hikari's start from within a listener. hikari shields its start against the Exceptions of listeners."""


class Session:
    """One run of a bot. `runtime` is what its parts share, `wiring` what bot and modules registered, in action.

    It starts once and closes once. What it opens is recorded with how to close it, and closed in reverse order.
    """

    def __init__(self, bot: Bot, config: Config, clock: Clock, *, database: DatabaseService | None = None) -> None:
        assert config.token is not None
        gateway = bridge.gateway_bot(config.token, config.rest_url)
        lightbulb = LightbulbCompat(gateway)
        database = database or DatabaseService(config.database, durability=config.durability, clock=clock)
        runtime = Runtime(
            bot,
            config,
            clock,
            gateway,
            lightbulb.client,
            services=bot.services,
            database=database,
            gate=Gate(),
        )
        self.runtime: Runtime = runtime
        self._bot = bot
        self._router = Router(runtime)
        self._dispatcher = Dispatcher(runtime, self._router, lightbulb)
        self.wiring: Wiring = Wiring(runtime, self._router, lightbulb)
        self._opened: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._starting: asyncio.Task[object] | None = None
        self._start_ended = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._guilds: set[hikari.Snowflake] = set()  # that Discord named when the shards became ready
        self._stages: list[str] = []
        self._stage_began = time.perf_counter()

    # ---- start ----

    async def start(self) -> None:
        """Set everything up, register the commands, connect. If that fails, close what was opened.

        Raises StartError with what keeps the bot from starting, also if the bot is closed meanwhile.
        """
        starting = self._starting = current_task()
        protect()
        try:
            await self._start_services()
            await self._set_up()
            await self._connect()
            self.wiring.begin_jobs()
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
        if self.runtime.clock.is_flowing:
            self.runtime.watchdog.start()
        self._stage("connected")
        _log.info("%s", self.summary())

    def _end_starting(self) -> None:
        self._starting = None
        self._start_ended.set()

    def summary(self) -> str:
        """Return what runs, in a few words, and how long each stage of the start took."""
        gateway, wiring = self.runtime.gateway, self.wiring
        me = gateway.get_me()
        counts = [
            _count(sum(len(command.commands) for command in wiring.commands()), "command"),
            _count(len([*wiring.listeners]), "listener"),
            *([_count(jobs, "job")] if (jobs := wiring.count_jobs()) else []),
            *(self._bot.modules.counts() if self._bot.has_modules else []),
            _count(len(self._guilds | gateway.cache.get_guilds_view().keys()), "server"),
        ]
        return f"{me.username if me else 'the bot'} is up: {', '.join(counts)} ({', '.join(self._stages)})"

    def _stage(self, name: str) -> None:
        if self.runtime.closing:  # code of the bot has ignored that the start was cancelled
            raise ClosedMeanwhile
        now = time.perf_counter()
        self._stages.append(f"{name} in {now - self._stage_began:.2f} s")
        self._stage_began = now

    async def _start_services(self) -> None:
        runtime, db, registered = self.runtime, self.runtime.database, self._bot.services.registered
        built_in: dict[str, object] = {"metrics": MetricsService(clock=runtime.clock), "db": db}
        if "db" in registered:
            built_in["guild_data_db"] = db  # guild data stays in SQLite unless it is replaced as well
        if "scheduler" in registered:
            self.wiring.scheduler_name = "job_scheduler"  # jobs of @bot.every and the like stay with the built-in one
        on_demand = {
            "guild_data": self._make_guild_data,
            "cache": self._make_cache,
            "audit": partial(self._make_audit, asyncio.get_running_loop()),
            self.wiring.scheduler_name: self.wiring.make_scheduler,
        }
        services = runtime.services
        self._opened.append(("the services", services.stop))
        required = {"db", "guild_data", "guild_data_db"}
        await services.start(built_in, on_demand=on_demand, session=runtime, required=required)
        runtime.instrumentation.start(services.get("metrics"))
        for database in (db, services.get("db")):
            if isinstance(database, DatabaseService):
                database.watch = partial(runtime.instrumentation.record, "statement")
        await runtime.gate.start(db)
        if await db.fetchone("SELECT 1 FROM wisp_jobs LIMIT 1"):
            services.get(self.wiring.scheduler_name)  # it runs the jobs that are pending
        if await db.fetchone("SELECT 1 FROM wisp_cooldowns LIMIT 1"):
            await self._router.cooldowns.read()
        self._open("the cooldowns", self._router.stop)
        try:
            await self.wiring.migrate("bot", self._bot.migrations)
        except ValueError as error:
            raise StartError(str(error)) from error
        if runtime.config.database == MEMORY:
            _log.info("the bot keeps its data in memory (database=None): it is lost when the bot stops")
        self._stage("services started")

    def _make_guild_data(self) -> GuildData:
        from .services.guild_data import GuildData

        return GuildData(self.runtime.database)

    def _make_cache(self) -> CacheService:
        from .services.cache import CacheService

        return CacheService(clock=self.runtime.clock)

    def _make_audit(self, loop: asyncio.AbstractEventLoop) -> AuditService:
        from .services.audit import AuditService

        audit = AuditService()
        audit.use(self.runtime.database, self.runtime.clock, token=self.runtime.config.token, loop=loop)
        return audit

    async def _set_up(self) -> None:
        gateway, dispatcher = self.runtime.gateway, self._dispatcher
        gateway.subscribe(hikari.InteractionCreateEvent, dispatcher.on_interaction)
        bridge.on_interaction_payload(gateway, dispatcher.accept, dispatcher.on_undecodable)
        # calls are still answered while modules are torn down and on_stop runs: the connection closes after them
        self._opened.append(("the connection to Discord", self._close_gateway))
        self._open("lightbulb", self.runtime.client.stop)
        await self._call_starters()
        self.wiring.attach(self._bot)
        self._opened.append(("the modules", self._stop_modules))
        if self._bot.has_modules:
            await self._bot.modules.start()
        are_all_loaded = not (self._bot.has_modules and self._bot.modules.missing)
        if are_all_loaded and (problems := unattached_problems(self._bot.file)):
            raise CheckError(problems)
        self.wiring.set_complete(True)
        bridge.set_intents(gateway, self.wiring.intents())
        self._stage("set up")

    async def _call_starters(self) -> None:
        """Call the on_start functions. The on_stop functions are called at the end if the first one has returned."""
        if not self._bot.starters:
            self._opened.append(("the on_stop functions", self._open_stoppers))
        for number, starter in enumerate(self._bot.starters):
            await self._call_starter(starter)
            if number == 0:  # a later one may never return
                self._opened.append(("the on_stop functions", self._open_stoppers))

    async def _open_stoppers(self) -> None:
        # one entry for each: what one raises is logged with its name, and the others are called
        for stopper in self._bot.stoppers:
            name = getattr(stopper, "__name__", type(stopper).__name__)
            self._open(f'the on_stop function "{name}"', partial(self._call, stopper))

    async def _call_starter(self, starter: Callable[..., Awaitable[object]]) -> None:
        try:
            await self._call(starter)
        except (Exception, *EXITS):
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            name = getattr(starter, "__name__", type(starter).__name__)
            raise StartError(f"on_start {name} raised {described(error)}") from error

    async def _call(self, function: Callable[..., Awaitable[object]]) -> None:
        """Call an on_start or on_stop function, which takes nothing or the bot."""
        refuse_coroutine(await (function() if misfit(function, "bot") else function(self._bot)))

    # ---- connection ----

    async def _connect(self) -> None:
        gateway = self.runtime.gateway
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

        gateway.subscribe(hikari.StartingEvent, register)
        gateway.subscribe(hikari.ShardReadyEvent, note_guilds)
        self._opened.append(("the listeners for StoppingEvent", self.wiring.listeners.announce_stopping))
        watching = asyncio.create_task(self._warn_of_a_late_start())
        try:
            await gateway.start(check_for_updates=False)
        except _Stop:
            assert failure is not None
            raise failure  # noqa: B904 - it has its cause
        except Exception as error:  # hikari alone is asked here
            raise _explained(error)  # noqa: B904 - it has its cause
        finally:
            await end({watching})

    async def _warn_of_a_late_start(self) -> None:
        """Log once what the start waits for, if no shard has been let in for a while."""
        gateway, running = self.runtime.gateway, self.runtime.tasks.running
        let_in = -1
        while len(gateway.shards) > let_in:  # hikari starts those of a large bot in groups, with pauses
            let_in = len(gateway.shards)
            await asyncio.sleep(_LATE)
        if gateway.shards and all(shard.is_connected for shard in gateway.shards.values()):
            _log.warning(_HELD_UP, _LATE, "a raw listener for StartedEvent")
        elif running:
            _log.warning(_HELD_UP, _LATE, named(f"{label_of(task)}{place(task)}" for task in running))
        else:
            _log.warning(_STILL_OUTSIDE, _LATE)

    async def _register(self) -> None:
        """Ask Discord who the bot is, and bring its commands up to date, before the gateway connects."""
        runtime = self.runtime
        application = await self._ask_discord()
        runtime.owner_ids = runtime.owner_ids or _owners_of(application)
        listeners, intents = [*self.wiring.listeners], self.wiring.intents()
        _check_privileged(intents, application, listeners)
        await runtime.client.start()
        if listens_to_messages(listeners) and not intents & hikari.Intents.MESSAGE_CONTENT:
            _log.warning(
                "the bot listens to messages without their content: most arrive empty. If the bot needs to read them, "
                'pass wisp.Bot(intents="MESSAGE_CONTENT") and enable the intent at %s',
                _page_of(application),
            )
        self._opened.append(("the registration of commands", self.wiring.stop_sync))
        try:
            changes = await self.wiring.sync_commands(int(application.id))
        except hikari.HTTPError as error:
            raise _explained(error)  # noqa: B904 - it has its cause
        self._stage("registration of commands postponed" if changes is None else f"commands registered: {changes}")

    async def _ask_discord(self) -> hikari.Application:
        """Return the bot's application. Raises StartError if Discord does not answer, or lets no bot connect now."""
        runtime = self.runtime
        rest = bridge.rest_client(runtime.gateway.rest, max_wait=_LONGEST_WAIT, on_date=runtime.discord_time.responded)
        try:
            application, gateway = await rest.fetch_application(), await rest.fetch_gateway_bot_info()
        except Exception as error:
            raise _explained(error)  # noqa: B904 - it has its cause
        _check_session_starts(gateway, runtime.clock.time())
        return application

    # ---- close ----

    async def close(self) -> None:
        """Accept no new work, let running handlers end in time, then close what was opened, last first, once.

        A caller that is cancelled while it waits does not stop the close. A handler may call this, and continues once
        all is closed. In a task that a handler has started it returns at once, since the handler may wait for that
        task: the bot closes when the handler has ended.
        """
        if self._closing is None:
            self.runtime.begin_shutdown()
            self._closing = asyncio.create_task(self._close())
        if not self.runtime.tasks.is_within_handler():
            with self.runtime.tasks.apart():
                await asyncio.shield(self._closing)

    async def _close(self) -> None:
        runtime = self.runtime
        if self._starting is not None:
            await self._end_start(self._starting)
        await self.wiring.stop_sync()  # its attempts count as handlers, which would be waited for
        try:
            if waiting := runtime.tasks.end_waiting():  # the user is told, even if no time is left
                await asyncio.wait(waiting, timeout=CANCEL_TIMEOUT)
            # those that begin from now on are refusals
            await runtime.end_handlers(runtime.tasks.running, runtime.shutdown_left())
            finishing = {asyncio.create_task(self._dispatcher.finish(call)) for call in self._dispatcher.calls}
            await end(finishing, after=_ANSWER_LIMIT)
        finally:
            for call in self._dispatcher.calls:
                if call.responder is not None:
                    call.responder.stop()
            runtime.stop_waiting()
            await self._close_opened()

    async def _end_start(self, starting: asyncio.Task[object]) -> None:
        """End a start that is running, unless it ignores its cancellation for too long."""
        starting.cancel()
        try:
            async with asyncio.timeout(self.runtime.shutdown_timeout):
                await self._start_ended.wait()
        except TimeoutError:
            _log.error("abandoned, since it ignores cancellation: the start%s", place(starting))
            left_behind.add(starting)

    def _open(self, what: str, close: Callable[[], Awaitable[object]]) -> None:
        """Note what must be closed, in what is left of the time that all parts have."""
        self._opened.append((what, lambda: within(self.runtime.closing_left(), close())))

    async def _close_opened(self) -> None:
        runtime = self.runtime
        is_awaited = runtime.exit_requested is not None
        exit_requested = runtime.exit_requested or asyncio.get_running_loop().create_future()
        runtime.exit_requested = exit_requested
        runtime.begin_closing_parts()
        with runtime.tasks.closing():
            while self._opened:
                what, close = self._opened.pop()
                try:
                    await close()
                except EXITS as error:
                    runtime.request_exit(error)
                except Overdue as error:
                    _log.error("%s did not close properly: it %s", what, error)
                except BaseException:  # the others close all the same
                    _log.exception("%s did not close properly", what)
        runtime.closed = True
        if exit_requested.done() and not is_awaited:
            raise exit_requested.result()

    async def _stop_modules(self) -> None:
        self.wiring.set_complete(False)
        if self._bot.has_modules:
            await self._bot.modules.stop()

    async def _close_gateway(self) -> None:
        if not self.runtime.gateway.is_alive:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_TIMEOUT):
                await self.runtime.tasks.wait_for(self.runtime.tasks.running.keys() - left_behind)  # last refusals
        await bridge.close_gateway(self.runtime.gateway)


def _owners_of(application: hikari.Application) -> frozenset[int]:
    return frozenset(map(int, application.team.members if application.team else [application.owner.id]))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# ---- what keeps a bot from starting ----


def _explained(error: BaseException) -> StartError:
    from .start_errors import explained  # loaded only if a start fails

    return explained(error)


def _page_of(application: hikari.Application) -> str:
    return f"https://discord.com/developers/applications/{int(application.id)}/bot"


_FLAGS_OF_INTENTS = {
    hikari.Intents.GUILD_PRESENCES: (
        hikari.ApplicationFlags.VERIFIED_FOR_GUILD_PRESENCES | hikari.ApplicationFlags.GUILD_PRESENCES_INTENT
    ),
    hikari.Intents.GUILD_MEMBERS: (
        hikari.ApplicationFlags.VERIFIED_FOR_GUILD_MEMBERS_INTENT | hikari.ApplicationFlags.GUILD_MEMBERS_INTENT
    ),
    hikari.Intents.MESSAGE_CONTENT: (
        hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT | hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED
    ),
}


def _check_privileged(intents: hikari.Intents, application: hikari.Application, listeners: list[Listener]) -> None:
    """Raise CheckError if privileged intents are requested that are not enabled for the bot."""
    problems: list[Problem] = []
    for intent in (intents & PRIVILEGED).split():
        if application.flags & _FLAGS_OF_INTENTS[intent]:
            continue
        why = next((listener for listener in listeners if listener.intents() & intent), None)
        where = f'listener "{why.name}"' if why else "intents="
        problems.append(
            Problem(
                where,
                f"it needs the privileged intent {intent.name}, which is not switched on for this bot",
                f"Switch it on at {_page_of(application)}",
                file=why.file if why else None,
                line=why.line if why else None,
            )
        )
    if problems:
        raise CheckError(problems)


def _check_session_starts(gateway: hikari.GatewayBotInfo, now: float) -> None:
    """Raise StartError if too few session starts are left. `now` is in seconds since the epoch."""
    limit, needed = gateway.session_start_limit, gateway.shard_count
    if limit.remaining < needed:
        raise StartError(
            f"Discord limits how often a bot connects: of {limit.total} session starts {limit.remaining} are left, and "
            f"{needed} are needed. Start the bot again at {moment(now, limit.reset_after.total_seconds())}. "
            "If it restarts again and again, its log says why."
        )
