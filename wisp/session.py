"""A session: one run of a bot, from its start to its close, and all that is open meanwhile."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import hikari

from . import bridge
from .commands import Command
from .dispatch import Dispatcher
from .errors import Mistake, Mistakes, StartError
from .events import PRIVILEGED, Listener, hears_messages
from .registration import Changes, GuildMemory, Wanted, bring_up_to_date

if TYPE_CHECKING:
    import lightbulb

    from .bot import Bot
    from .clock import Clock, Timer
    from .config import Config
    from .context import Context

_log = logging.getLogger("wisp")

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


class Failure:
    """An error in the bot's code that no error handler dealt with: `id` finds its traceback in the log."""

    __slots__ = ("error", "id", "where")

    def __init__(self, id: str, where: str, error: BaseException) -> None:
        self.id: str = id
        self.where: str = where
        self.error: BaseException = error


class Work:
    """The handlers that run now: whoever enters is one of them until it leaves."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self._waiting: list[asyncio.Future[None]] = []

    def __enter__(self) -> None:
        self.tasks.add(_current_task())

    def __exit__(self, *_: object) -> None:
        self.tasks.discard(_current_task())
        if not self.tasks and self._waiting:
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)
            self._waiting.clear()

    async def done(self) -> None:
        """Wait until none runs."""
        while self.tasks:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting


class _Stop(BaseException):
    """Ends hikari's start from within a listener. hikari shields its start against listeners' Exceptions."""


class Session:
    """One run of a bot. `gateway` is hikari's bot, `client` lightbulb's client, `clock` the time of all of it.

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
        self.on_failure: Callable[[Failure], object] | None = None
        self.work: Work = Work()
        self.dispatcher: Dispatcher = Dispatcher(self)
        self._lightbulb_commands: set[Any] = set()
        self._due: deque[tuple[float, Context]] = deque()
        self._due_timer: Timer | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._opened: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._closed: asyncio.Future[None] | None = None
        self._stages: list[str] = []
        self._stage_began = time.perf_counter()
        assert config.token is not None
        self.gateway: hikari.GatewayBot = bridge.gateway_bot(config.token, config.rest_url)
        self.client: lightbulb.GatewayEnabledClient = bridge.lightbulb_client(self.gateway)

    # ---- start ----

    async def start(self) -> None:
        """Set everything up, register the commands, connect. What was opened is closed again where it fails."""
        try:
            await self._set_up()
            await self._connect()
        except BaseException:
            await self.close()
            raise
        self._stage("connected")
        _log.info("%s", self.summary())

    def summary(self) -> str:
        """What runs, in a few words: commands, listeners, servers, what was registered, how long each stage took."""
        me = self.gateway.get_me()
        counts = [
            _count(len(self.bot.commands), "command"),
            _count(len(self.bot.listeners), "listener"),
            _count(len(self.gateway.cache.get_available_guilds_view()), "server"),
        ]
        return f"{me.username if me else 'the bot'} is up: {', '.join(counts)} ({', '.join(self._stages)})"

    async def _set_up(self) -> None:
        self.gateway.subscribe(hikari.InteractionCreateEvent, self.dispatcher.on_interaction)
        bridge.on_undecodable_interaction(self.gateway, self.dispatcher.on_undecodable)
        for prepare in self.bot.starters:
            await prepare()
        for command in self.bot.commands:
            guilds = self._guilds_of(command)
            self.dispatcher.add(command, guilds)
            made = bridge.lightbulb_command(command, self.dispatcher.invoked_by_lightbulb)
            self.client.register(made, guilds=guilds or None, global_=None if guilds else True)
            self._lightbulb_commands.add(made)
        for listener in self.bot.listeners:
            self._subscribe(listener)
        bridge.set_intents(self.gateway, self._intents())
        self._stage("set up")

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
            raise _explained(failure) from failure
        except (hikari.HikariError, OSError) as error:
            raise _explained(error) from error

    async def _register(self) -> None:
        """With REST open and nothing connected: ask who the bot is, and bring its commands up to date."""
        application = await self.gateway.rest.fetch_application()
        _check_privileged(self._intents(), application, self.bot.listeners)
        await self.client.start()
        self._opened.append(("lightbulb", self.client.stop))
        if hears_messages(self.bot.listeners) and not self._intents() & hikari.Intents.MESSAGE_CONTENT:
            _log.warning(
                "messages are listened to, but without their content: most arrive empty. If the bot needs to read "
                'them, say wisp.Bot(intents="MESSAGE_CONTENT") and switch the intent on at %s',
                _page(application),
            )
        changes = await self._registered(int(application.id))
        self._stage(f"commands registered: {changes}")

    async def _registered(self, application: int) -> Changes:
        wanted: dict[int | None, list[Wanted]] = {None: []}
        for command in self.bot.commands:
            for guild in self._guilds_of(command) or (None,):
                wanted.setdefault(guild, []).append(Wanted(command.payload(), command))
        for _, guild, payload in await bridge.raw_lightbulb_payloads(
            self.client, self._lightbulb_commands, self.gateway.entity_factory
        ):
            wanted.setdefault(guild, []).append(Wanted(payload, None))
        memory = GuildMemory(self.config.database, application)
        guilds = {guild for guild in wanted if guild is not None}
        try:
            earlier = await memory.recall()
            await memory.remember(earlier | guilds)
            changes = await bring_up_to_date(
                self.gateway.rest, application, {**{guild: [] for guild in earlier}, **wanted}
            )
            await memory.remember(guilds)
        except sqlite3.Error as error:
            raise StartError(f"the database {self.config.database} cannot be used: {error}") from error
        return changes

    def _guilds_of(self, command: Command[..., Any]) -> tuple[int, ...]:
        return self.config.guilds if command.guilds is None else command.guilds

    def _intents(self) -> hikari.Intents:
        intents = hikari.Intents.GUILDS
        for name in self.config.intents:
            intents |= hikari.Intents[name]
        for listener in self.bot.listeners:
            intents |= listener.intents()
        return intents

    def _subscribe(self, listener: Listener) -> None:
        async def hear(event: hikari.Event) -> None:
            with self.work:
                try:
                    await listener.function(event)
                except Exception as error:
                    self.report(f'listener "{listener.name}"', error)

        for event_type in listener.event_types:
            self.gateway.subscribe(event_type, hear)

    def _stage(self, name: str) -> None:
        now = time.perf_counter()
        self._stages.append(f"{name} in {now - self._stage_began:.2f} s")
        self._stage_began = now

    # ---- while it runs ----

    async def idle(self) -> None:
        """Wait until no handler of the bot runs."""
        await self.work.done()

    def report(self, where: str, error: BaseException) -> str:
        """Log an error in the bot's code with its traceback; the short id that finds it there."""
        id = secrets.token_hex(3)
        _log.error("error %s in %s", id, where, exc_info=error)
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

    def defer_in_time(self, ctx: Context) -> None:
        """See to it that `ctx` is deferred before Discord loses patience.

        All calls wait equally long, so they fall due in the order of their coming, and one timer serves them all.
        """
        self._due.append((self.clock.monotonic() + self.patience, ctx))
        if self._due_timer is None:
            self._due_timer = self.clock.call_later(self.patience, self._defer_due)

    def _defer_due(self) -> None:
        now = self.clock.monotonic()
        while self._due and self._due[0][0] <= now:
            _, ctx = self._due.popleft()
            if ctx.unanswered:
                self.spawn(self._defer(ctx))
        self._due_timer = self.clock.call_later(self._due[0][0] - now, self._defer_due) if self._due else None

    async def _defer(self, ctx: Context) -> None:
        try:
            await ctx.defer()
        except Exception as error:
            self.report(f"deferring /{ctx.command.name}", error)

    # ---- close ----

    async def close(self) -> None:
        """Take no new work, give running handlers their grace, then close what was opened, last first, once."""
        if self._closed is not None:
            await asyncio.shield(self._closed)
            return
        self._closed = asyncio.get_running_loop().create_future()
        self.closing = True
        try:
            await self._drain()
            for what, close in reversed(self._opened):
                try:
                    await close()
                except Exception:
                    _log.exception("%s did not close properly", what)
        finally:
            self._closed.set_result(None)

    async def _drain(self) -> None:
        if self._due_timer is not None and not self.work.tasks:
            self._due_timer.cancel()
        if self.work.tasks - {_current_task()}:
            _, late = await asyncio.wait(self.work.tasks - {_current_task()}, timeout=self.grace)
            for task in late:
                task.cancel()
            if late:
                _log.warning("%s did not end within %g s and was cancelled", _count(len(late), "handler"), self.grace)
                await asyncio.wait(late, timeout=1)
        if self._due_timer is not None:
            self._due_timer.cancel()
        if self._background:
            await asyncio.wait(self._background, timeout=1)

    async def _close_gateway(self) -> None:
        if self.gateway.is_alive:
            await bridge.close_gateway(self.gateway)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _page(application: hikari.Application) -> str:
    return f"https://discord.com/developers/applications/{int(application.id)}/bot"


def _check_privileged(intents: hikari.Intents, application: hikari.Application, listeners: list[Listener]) -> None:
    """Raise Mistakes for the privileged intents that are asked for and not switched on."""
    mistakes: list[Mistake] = []
    for intent in (intents & PRIVILEGED).split():
        if application.flags & _FLAGS_OF_INTENTS[intent]:
            continue
        why = next((listener for listener in listeners if listener.intents() & intent), None)
        where = f'listener "{why.name}"' if why else "intents="
        mistakes.append(
            Mistake(
                where,
                f"it needs the privileged intent {intent.name}, which is not switched on for this bot",
                f"Switch it on at {_page(application)}",
                file=why.file if why else None,
                line=why.line if why else None,
            )
        )
    if mistakes:
        raise Mistakes(mistakes)


def _explained(error: BaseException) -> BaseException:
    """What kept the bot from starting, in words for who runs it."""
    if isinstance(error, hikari.UnauthorizedError):
        return StartError(
            "Discord refused the token (401). It was reset, or copied incompletely: take a new one from "
            "https://discord.com/developers/applications (Bot, Reset Token) and set DISCORD_TOKEN."
        )
    if isinstance(error, hikari.GatewayServerClosedConnectionError):
        return StartError(f"Discord closed the connection: {error.reason} (code {error.code}).")
    if isinstance(error, hikari.RateLimitTooLongError):
        return StartError(f"Discord asks to wait {error.retry_after:.0f} s before the next start. Start again then.")
    if isinstance(error, hikari.HTTPResponseError):
        return StartError(f"Discord answered {int(error.status)} to {error.url}. Its state: https://discordstatus.com")
    if isinstance(error, (hikari.HTTPError, OSError)):
        return StartError(f"Discord cannot be reached: {error}. Is there a network, and is rest_url right?")
    return error
