"""A bot on a local Discord: the one place that knows both the bot and the sandbox."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from .. import bridge
from ..clock import Clock, parse_duration
from ..command_tree import roots
from ..errors import CheckError, DatabaseError, Problem, StartError
from ..program import stop_signals
from ..sandbox.console import Console
from ..sandbox.interaction import INTERACTION_LIFETIME, UNANSWERED
from ..sandbox.invocation import Impossible
from ..sandbox.model import LAST_MOMENT
from ..sandbox.page import Page
from ..sandbox.people import People
from ..sandbox.server import Sandbox
from ..sandbox.world import World
from ..services.database import MEMORY
from ..tasks import Exit, contained, end, to_the_end
from .browser_log import failures_on, log_on, open_on_desktop
from .chat import Chat
from .virtual_time import Overdue, Stuck, VirtualTime, virtual_time

if TYPE_CHECKING:
    import hikari

    from ..bot import Bot

_QUIET_HEART = 600.0
"""Seconds between heartbeats if time is virtual: with Discord's 41.25 s, 30 days would be 63,000 of them."""

_GRACE = 1.0
"""Seconds that running handlers have at the end of a chat: a person does not want to wait for one that sleeps."""

_CLOSING_LIMIT = 10.0
"""Seconds that the local Discord has to close after the bot."""


@asynccontextmanager
async def on_sandbox(
    bot: Bot,
    *,
    keep: str | None = None,
    clock: Clock | None = None,
    page: bool = False,
    prepare: Callable[[World], object] = lambda world: None,
) -> AsyncGenerator[Sandbox, None]:
    """Run a bot on a local Discord, on empty temporary data, and close both in the end.

    `keep` names a database file that is used, and kept, instead; with `page` a browser can look at it; `prepare` makes
    of the world what the bot shall find. Raises StartError where the bot does not start.
    """
    clock = clock or Clock()
    bridge.let_hikari_ask_the_loop(clock)
    async with AsyncExitStack() as stack:
        database = keep
        if database is None:
            database = str(Path(stack.enter_context(TemporaryDirectory(prefix="wisp-"))) / "wisp.db")
        sandbox = await stack.enter_async_context(Sandbox(clock=clock, page=page))
        if clock.is_virtual:
            sandbox.gateway.heartbeat_interval = _QUIET_HEART
        if sandbox.page is not None:
            stack.enter_context(log_on(sandbox.page, bot))
        prepare(sandbox.world)
        for guild in sorted({guild for root in roots([bot]) for guild in root.guilds or ()}):
            sandbox.world.add_guild(f"Guild {guild}", id=guild)  # where commands of that guild alone can be tried
        config = bot.settings(token=sandbox.token, rest_url=sandbox.rest_url, database=database, guilds=())
        if keep is None and config.durability == "normal":
            config = msgspec.structs.replace(config, durability="off")  # no power cut leaves these data
        await bot.start(config, clock=clock)
        stack.push_async_callback(bot.close)
        yield sandbox


async def restart(bot: Bot) -> None:
    """Close a bot, and start it again on the same Discord and the same data. Raises StartError where it does not."""
    session = bot.runtime
    config = msgspec.structs.replace(session.config, database=session.database.file)
    await bot.close()
    await bot.start(config, clock=session.clock)


async def kill(bot: Bot, sandbox: Sandbox) -> None:
    """Start a bot anew on what `kill -9` would have left of its run: Discord hears nothing more of that.

    The data are those that were committed at this moment, in a file of their own. What the old run still does while
    it is taken down (its `finally` blocks, its teardowns) reaches neither Discord nor these data.
    """
    session = bot.runtime
    file = session.database.file
    copy = f"{file}-{secrets.token_hex(4)}"
    with closing(sqlite3.connect(file)) as left, closing(sqlite3.connect(copy)) as kept:
        left.backup(kept)
    session.on_failure = None
    session.shutdown_timeout = 0.0
    log = logging.getLogger("wisp")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # the dead complain to nobody
    try:
        sandbox.drop()
        await bridge.cut_off(session.gateway)
        await bot.close()
    finally:
        log.setLevel(level)
    await bot.start(msgspec.structs.replace(session.config, database=copy), clock=session.clock)


async def module_problems(bot: Bot) -> list[Problem]:
    """What keeps modules from loading: they are set up on a local Discord, with empty data, and torn down again."""
    log = logging.getLogger("wisp.modules")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it says the same
    try:
        with virtual_time() as time:
            # messages name no temporary file, which the reader does not know
            async with on_sandbox(bot, clock=time.clock, keep=MEMORY):
                pass
    except CheckError as error:
        return [*error.problems]
    except StartError as error:
        if not bot.modules.missing:  # which strict=True stops over
            failed = error.__cause__.problems if isinstance(error.__cause__, DatabaseError) else ()
            return [*failed] or [Problem("start", str(error), "Mend it")]
    finally:
        log.setLevel(level)
    return [mistake for mistakes in bot.modules.problems.values() for mistake in mistakes]


def with_modules_of(bot: Bot) -> Bot:
    """A bot with the modules and services of another alone: what is wrong there is told beside the other's mistakes."""
    from ..bot import Bot

    alone = Bot()
    for name, service in bot.services.registered.items():
        alone.services.register(name, service)
    for module in map(bot.modules.get, bot.modules.list()):
        if module is not None:
            alone.modules.register(module)
    return alone


def advancer(time: VirtualTime, page: Page | None) -> Callable[[str], Awaitable[None]]:
    """Return a function that moves the time of bot and Discord by a typed duration, as `:advance` and the page do.

    The page shows it meanwhile. Calls at the same time take their turns. The function raises Impossible for a text
    that is no duration, or one that leads nowhere, and if the bot does not let the time pass.
    """
    turn = asyncio.Lock()

    async def advance(typed: str) -> None:
        async with turn:
            seconds = _seconds_ahead(typed, time.clock.time())
            with page.time_moves() if page else nullcontext():
                try:
                    await time.advance(seconds)
                except Stuck as error:
                    raise Impossible(f"the time cannot pass: {error}") from None

    return advance


def _seconds_ahead(typed: str, now: float) -> float:
    """Return the seconds that a typed duration says. Raises Impossible if time cannot be moved by them."""
    text = typed.strip().strip('"').strip()
    shown = text if len(text) <= 50 else f"{text[:50]}..."
    duration = parse_duration(text)
    if duration is None and parse_duration(text.removeprefix("-")) is None:
        raise Impossible(f"expected a duration such as 90s, 2h or 1d 6h, got {shown!r}")
    if not duration:
        raise Impossible(f"time moves forward only: expected more than 0s, got {shown!r}")
    seconds = duration.total_seconds()
    if now + seconds > LAST_MOMENT:
        raise Impossible(f"time cannot be moved by {shown!r}: Discord's ids, which hold the time, end in 2084")
    return seconds


def undelivered(sandbox: Sandbox, gateway: hikari.GatewayBot) -> bool:
    """Whether the bot is away and comes back, or the sandbox holds an event for it."""
    return sandbox.faults.holding or bridge.away(gateway)


async def chat(
    bot: Bot,
    *,
    lines: Sequence[str] = (),
    as_json: bool = False,
    keep: str | None = None,
    opens: bool = True,
    output: TextIO | None = None,
) -> int:
    """Run a bot on a local Discord, and type these lines, or those of standard input if there are none.

    The result is written to `output` (stdout by default), with `as_json` as one JSON object for each line.

    At a terminal's keyboard, unless lines or `as_json` are given, time is real except during `:advance`, and there is a
    page for the browser: its address is written, and with `opens` it is opened if there is a desktop. The next line is
    read while a handler still runs.

    All other lines are typed as in a test: from the first one on, time stands still and only passes as far as an answer
    needs it, or by `:advance`. If standard input ends without a line, the address of the page is written, time is real,
    and all this stays until a signal.

    Return an exit code: 1 if a line could not be done, a command was not answered, or the bot's code failed on it; 128
    and the number of a signal that ended it, as a shell reports that. Raises SystemExit as a handler asked.
    """
    with stop_signals() as signalled, virtual_time(flows=True) as time:
        chatting = asyncio.create_task(contained(_chat(bot, time, lines, as_json, keep, opens, output)))
        try:
            await asyncio.wait({chatting, signalled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_over = chatting.done()
            if not is_over:
                time.flow()
                chatting.cancel()  # first of all the terminal is put in order
                await to_the_end(bot.close())
                await end({chatting}, after=_CLOSING_LIMIT)
    if not is_over:
        return 128 + signalled.result()
    try:
        return chatting.result()
    except Exit as leaving:
        raise leaving.error from None


async def _chat(
    bot: Bot,
    time: VirtualTime,
    lines: Sequence[str],
    as_json: bool,
    keep: str | None,
    opens: bool,
    output: TextIO | None,
) -> int:
    """Do what `chat` does, except for signals."""
    console = Console(sys.stdin, output or sys.stdout)
    console.interactive &= not as_json
    is_attended = console.attended and not lines and not as_json
    leaving: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    async with on_sandbox(bot, keep=keep, clock=time.clock, page=not lines and not as_json) as sandbox:
        people = People(sandbox.world, patience=None)

        async def settle(is_answered: Callable[[], bool]) -> None:
            def is_met() -> bool:
                return is_answered() and not undelivered(sandbox, bot.runtime.gateway)

            try:
                await time.until(is_met, within=INTERACTION_LIFETIME + 1)
            except Stuck as error:
                is_over = isinstance(error, Overdue)
                if is_over or not time.flows:  # otherwise the error ended an `advance()`, which complains itself
                    reason = UNANSWERED if is_over else str(error)
                    talk.give_up(f"{reason}. Still running: {bot.runtime.unfinished() or 'no handler'}")

        def listen() -> None:
            bot.runtime.exit_requested = leaving
            bot.runtime.on_failure = lambda failure: talk.fail(failure.where, failure.error)
            bot.runtime.shutdown_timeout = _GRACE if time.flows else 0.0  # it cannot pass while time stands still
            if sandbox.page is not None:
                failures_on(sandbox.page, bot.runtime)

        async def restarted() -> None:
            restarting = asyncio.create_task(restart(bot))
            if not time.flows:
                try:
                    await time.until(restarting.done)
                except Stuck as error:
                    restarting.cancel()
                    raise StartError(f"The bot does not restart: {error}.") from None
            await restarting
            listen()

        advance = advancer(time, sandbox.page)
        talk = Chat(people, console, as_json=as_json, breakable=sandbox, restart=restarted, advance=advance)
        people.settle = settle
        listen()
        if sandbox.page is not None:
            sandbox.page.advance = advance
        if sandbox.page is not None and is_attended:
            console.write(f"In a browser: {sandbox.page.url}")
            if opens:
                open_on_desktop(sandbox.page)

        given = iter(lines)

        async def read() -> str | None:
            return next(given, None) if lines else await console.read("")

        async def talks() -> int:
            if is_attended:
                await talk.interactive()
                return 0
            first = await read()
            if first is None and sandbox.page is not None:
                console.write(f"In a browser: {sandbox.page.url}")
                print("Nobody types here: this stays until it is stopped.", file=sys.stderr, flush=True)
                await asyncio.Event().wait()
            time.stop()
            await time.until()  # what was due by then comes before the line
            listen()
            return 0 if await talk.all(first, read) else 1

        return await _until_left(bot, time, talks(), leaving)


async def _until_left(
    bot: Bot, time: VirtualTime, talks: Coroutine[Any, Any, int], leaving: asyncio.Future[BaseException]
) -> int:
    """Run a chat to its end, or until a handler asks for the end of the program, which is raised then."""
    talking = asyncio.create_task(talks)
    try:
        await asyncio.wait({talking, leaving}, return_when=asyncio.FIRST_COMPLETED)
        time.flow()
        await bot.close()  # what it still answers is shown
    finally:
        talking.cancel()
        await asyncio.wait({talking})
    if leaving.done():
        raise leaving.result()
    return talking.result()
