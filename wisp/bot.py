"""The bot: it collects what a file registers, checks it, starts it, stops it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from . import checks
from .clock import Clock
from .decorators import Decorators
from .errors import CheckError, Problem, StartError, WispError
from .locations import place_of_caller
from .logs import StderrHandler, get_logger
from .services import Services
from .tasks import EXITS

# imports that only a start needs are made there, so that checking or importing a bot stays cheap
if TYPE_CHECKING:
    import hikari
    import lightbulb

    from .config import Config
    from .events import Event
    from .modules import Module
    from .modules.registry import ModuleRegistry
    from .runtime import Runtime
    from .services.guild_data import GuildData
    from .session import Session
    from .wiring import Wiring

_log = get_logger("wisp.bot")

Starter = TypeVar("Starter", bound=Callable[..., Awaitable[object]])

_NO_TOKEN = """\
There is no token, and no terminal to try the bot in. Either:
  - set DISCORD_TOKEN, in the environment or in a file .env in this folder, to run it on Discord
    (a token comes from https://discord.com/developers/applications: Bot, Reset Token);
  - `wisp sandbox {file} --run "/hello"` tries it on a local Discord, without a token."""


class Bot(Decorators):
    """A Discord bot: it collects commands and listeners, and touches no network before it starts.

    Settings come from the arguments, else the environment, else `.env`, else `wisp.toml`, each of the last two
    in the current directory:

    - `token`: DISCORD_TOKEN.
    - `rest_url`: another address of Discord's REST API, such as a proxy for large bots (WISP_REST_URL).
    - `database`: the file of the bot's data (WISP_DATABASE, "wisp.db"). A bot whose file cannot be opened does not
      connect. With None (WISP_DATABASE=:memory:) the bot keeps its data in memory: it is lost when the bot stops.
    - `owners`: user ids (WISP_OWNERS, separated by commas).
    - `intents`: names of intents beyond what the listeners need, such as "MESSAGE_CONTENT" (WISP_INTENTS).
    - `guilds`: register commands in these servers only, for development (WISP_GUILDS).
    - `durability`: "normal" survives `kill -9`, "full" a power cut as well, at the cost of one disk sync per
      write (WISP_DURABILITY, "normal").
    - `embed_color`: of `EmbedBuilder.info`, as "#5865F2" or a number (WISP_EMBED_COLOR).
    - `strict`: do not start if a module does not load, instead of starting without it (WISP_STRICT, false).
    - `embed_footer`: the footer of the embeds of `EmbedBuilder` (WISP_EMBED_FOOTER).
    - `log_level`: DEBUG, INFO, WARNING, ERROR or CRITICAL (WISP_LOG_LEVEL, "INFO").

    `modules` are registered with `bot.modules`.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        rest_url: str | None = None,
        database: str | os.PathLike[str] | EllipsisType | None = ...,
        owners: Sequence[int] | None = None,
        intents: hikari.Intents | Sequence[str] | str | None = None,
        guilds: Sequence[int] | None = None,
        log_level: str | None = None,
        durability: Literal["normal", "full"] | None = None,
        embed_color: int | str | None = None,
        embed_footer: str | None = None,
        strict: bool | None = None,
        modules: Iterable[Module] = (),
    ) -> None:
        super().__init__()
        self.file: str = place_of_caller()[0]
        self.log: logging.Logger = _log
        self.namespace: str | None = None
        self.services: Services = Services()
        self.starters: list[Callable[..., Awaitable[object]]] = []
        self.stoppers: list[Callable[..., Awaitable[object]]] = []
        self._session: Session | None = None
        self._modules: ModuleRegistry | None = None
        for module in modules:
            self.modules.register(module)
        self._arguments = {
            "token": token,
            "rest_url": rest_url,
            # None is a value of this argument, and says "not given" below
            "database": ":memory:" if database is None else None if database is ... else os.fspath(database),
            "owners": owners,
            "intents": intents,
            "guilds": guilds,
            "log_level": log_level,
            "durability": durability,
            "embed_color": embed_color,
            "embed_footer": embed_footer,
            "strict": strict,
        }

    # ---- what it stands on ----

    @property
    def runtime(self) -> Runtime:
        """What the parts of the running bot share. Raises WispError before the bot starts, and after it closed."""
        return self._running().runtime

    @property
    def wiring(self) -> Wiring:
        """What the bot and its modules registered, in action. Raises WispError before the bot starts."""
        return self._running().wiring

    def _running(self) -> Session:
        if not self.is_running or self._session is None:
            raise WispError("The bot is not running. This exists once it starts: use it in @bot.on_start, for example.")
        return self._session

    @property
    def modules(self) -> ModuleRegistry:
        """Its modules: to register before the start, to load, unload and reload while it runs."""
        if self._modules is None:
            from .modules.registry import ModuleRegistry

            self._modules = ModuleRegistry(self)
        return self._modules

    @property
    def has_modules(self) -> bool:
        """Whether `modules` has been used: before that, the code of modules is not loaded."""
        return self._modules is not None

    async def emit(self, event: Event) -> None:
        """Call every listener for a custom event. Return when all have ended.

        What one raises does not stop the others: it goes to the error handlers, or is logged. Raises WispError before
        the bot starts.
        """
        await self.wiring.listeners.emit(event)

    @property
    def gateway(self) -> hikari.GatewayBot:
        """hikari's bot, for everything that wisp does not do. Raises WispError before the bot starts."""
        return self.runtime.gateway

    @property
    def client(self) -> lightbulb.GatewayEnabledClient:
        """lightbulb's client, for raw commands, loaders and hooks. Raises WispError before the bot starts."""
        return self.runtime.client

    @property
    def guild_data(self) -> GuildData:
        """What the bot keeps for its servers. Raises WispError before the bot starts."""
        return self.runtime.guild_data

    def on_start(self, function: Starter) -> Starter:
        """Call an async function at each start, once `bot.gateway` and `bot.client` exist and before they connect.

        It takes nothing, or the bot. It is the place for raw lightbulb commands and raw hikari listeners.
        """
        self.starters.append(function)
        return function

    def on_stop(self, function: Starter) -> Starter:
        """Call an async function when the bot closes, to close what an `on_start` function opened.

        It takes nothing, or the bot. It is called when handlers have ended and modules are torn down, while the
        services and the connection to Discord still work, in reverse order of registration. All parts have
        10 s together, and each part at least 1 s. What one raises is logged, and the others are called all the same.
        If the start fails, it is called if an `on_start` function had returned.
        """
        self.stoppers.append(function)
        return function

    @property
    def is_running(self) -> bool:
        """Whether it has started, and not closed."""
        return self._session is not None and not self._session.runtime.closed

    def ensure_open(self) -> None:
        """Raise WispError while the bot runs: anything registered then would have no effect."""
        if self.is_running:
            raise WispError("The bot runs already: register commands and listeners before it starts.")

    # ---- settings and problems ----

    def settings(self, **overrides: Any) -> Config:
        """Return the settings as they are now; `overrides` come first. Raises CheckError with all wrong ones."""
        from . import config as configuration

        arguments = {name: value for name, value in self._arguments.items() if value is not None}
        return configuration.load(Path.cwd(), os.environ, overrides=overrides, **arguments)

    def check(self) -> list[Problem]:
        """Return the problems and warnings of the bot, in the order of files and lines."""
        found = checks.owner_problems(self, self.services)
        found += checks.starter_problems("on_start", self.starters)
        found += checks.starter_problems("on_stop", self.stoppers)
        found += checks.service_problems(self.services)
        has_modules = self.has_modules and bool(self.modules.list())
        found += checks.unattached_problems(self.file, before_setups=has_modules)
        return sorted(found, key=lambda problem: (problem.file or "", problem.line or 0))

    # ---- start and stop ----

    async def start(self, config: Config | None = None, *, clock: Clock | None = None) -> None:
        """Check the bot, register its commands and connect; returns once it is ready.

        `config` replaces `settings()`, `clock` replaces real time. Raises CheckError with all that is wrong in the bot
        or its settings before anything is opened, StartError if its data cannot be opened or Discord does not let it
        connect, and WispError if it runs already. If Discord refuses to register commands for now, the bot starts
        with those that Discord has, logs the reason, and goes on trying.
        """
        await self._prepared(config, clock).start()

    def _prepared(self, config: Config | None = None, clock: Clock | None = None) -> Session:
        """Return the session that `start` starts. Raises CheckError, and WispError if the bot runs already."""
        from .session import Session

        if self.is_running:
            raise WispError("The bot runs already.")
        config = config or self.settings()
        problems = [problem for problem in self.check() if not problem.is_warning]
        if config.token is None:
            problems.append(Problem("token", "there is none", "Set DISCORD_TOKEN, or try `wisp sandbox` without one"))
        if problems:
            raise CheckError(problems)
        self._session = Session(self, config, clock or Clock())
        return self._session

    async def close(self) -> None:
        """Stop: no new work, up to 10 s for running handlers, then everything closes. Does nothing when not running.

        A handler that awaits this goes on once all is closed. In a task that a handler has started it returns at once,
        since the handler may wait for that task: the bot closes when the handler has ended. While the bot starts this
        ends the start: an `on_start` function that awaits it is cancelled, `start()` raises StartError, and `run()`
        exits with code 0.
        """
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Bot:
        """Start the bot, which closes when the block is left.

        Unlike `run()`, this leaves the end of the process to the program: a handler that ignores its cancellation is
        named in the log, and `asyncio.run` waits for it.
        """
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def run(self) -> None:
        """Run until SIGINT (Ctrl-C), SIGTERM or SIGHUP; a second signal ends the process at once.

        Running handlers get 10 s then. Tasks and threads that go on for longer are named in the log, and the process
        ends without them once the main thread has ended.

        At the top level of an imported file it does nothing, so that a test can import the bot. Without a token, in
        a terminal, the bot starts on a local Discord instead. Exits with code 1 and a message if it cannot start.
        """
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        if caller.f_code.co_name == "<module>" and caller.f_globals.get("__name__") != "__main__":
            _log.info("%s was imported: bot.run() does nothing", caller.f_globals.get("__name__"))
            return
        if threading.current_thread() is not threading.main_thread() or _in_a_loop():
            raise WispError("bot.run() is a whole program, in the main thread. Elsewhere, use `async with bot:`.")
        from . import program

        try:
            config = self.settings()
            _set_up_logging(config.log_level)
            if config.token is None:
                code = self._run_without_token(caller.f_code.co_filename)
            else:
                code = program.run(self._serve(config), self.shutdown_left)
        except StartError as error:
            print(error, file=sys.stderr)
            code = 1
        if code:
            raise SystemExit(code)

    def _run_without_token(self, file: str) -> int:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise StartError(_NO_TOKEN.format(file=os.path.relpath(file)))
        from . import program
        from .local.chat import chat
        from .local.virtual_time import new_event_loop

        print("There is no DISCORD_TOKEN: this is a LOCAL Discord, and nobody else can see it.", file=sys.stderr)
        return program.run(chat(self), self.shutdown_left, loop_factory=new_event_loop)

    def shutdown_left(self) -> float:
        """Return how many seconds the tasks that still run have left while the bot closes."""
        return 0.0 if self._session is None else self._session.runtime.shutdown_left()

    async def _serve(self, config: Config) -> int:
        """Run until a signal, a handler's `sys.exit()`, or the end of the connection; then close in any case."""
        from .program import stop_signals
        from .session import ClosedMeanwhile
        from .tasks import CANCEL_TIMEOUT, end, to_the_end

        leaving: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        with stop_signals() as signalled:
            running = asyncio.create_task(self._run_to_the_end(config, leaving))
            try:
                await asyncio.wait({signalled, running, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if signalled.done():
                    _log.info(
                        "%s: closing (a second one ends the process at once)", signal.Signals(signalled.result()).name
                    )
            finally:
                await to_the_end(self.close())
        if signalled.done():
            await end({running}, after=CANCEL_TIMEOUT)  # what the start raises at last counts, too
        if leaving.done():
            raise leaving.result()
        if not signalled.done():
            try:
                await running
            except ClosedMeanwhile as closed:
                _log.info("%s", closed)
        elif running.done() and not running.cancelled():
            error = running.exception()
            if error is not None and not isinstance(error, StartError):
                _log.error("the start failed while it was stopped", exc_info=error)
        return 0

    async def _run_to_the_end(self, config: Config, leaving: asyncio.Future[BaseException]) -> None:
        from .start_errors import explained

        session = self._prepared(config)
        session.runtime.exit_requested = leaving
        try:
            await session.start()
        except EXITS as error:  # a task that raised it would end the event loop at once
            session.runtime.request_exit(error)
            return
        try:
            await self.gateway.join()
        except Exception as error:
            raise explained(error)  # noqa: B904 - it has its cause


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _set_up_logging(level: str) -> None:
    """Log to standard error, unless the program has set up logging already: its handlers and formatters stay."""
    logging.basicConfig(level=level, handlers=[StderrHandler()])
    if level == "INFO":
        # hikari logs each step of connecting and lightbulb each command, which only helps debugging
        for library in ("hikari", "lightbulb"):
            logging.getLogger(library).setLevel("WARNING")
