"""The runner: start, restart and kill a bot on the sandbox. The one file that knows both the bot and the sandbox."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from .. import bridge
from ..clock import Clock
from ..command_tree import merge_groups
from ..errors import CheckError, DatabaseError, Problem, StartError
from ..sandbox.server import Sandbox
from ..sandbox.world.world import World
from ..services.database import MEMORY
from . import hikari_probes
from .browser_log import show_log
from .virtual_time import virtual_time

if TYPE_CHECKING:
    import hikari

    from ..bot import Bot

_HEARTBEAT_INTERVAL = 600.0
"""Seconds between heartbeats in virtual time: with Discord's 41.25 s, 30 days would contain 63,000 of them."""


@asynccontextmanager
async def on_sandbox(
    bot: Bot,
    *,
    keep: str | None = None,
    clock: Clock | None = None,
    page: bool = False,
    prepare: Callable[[World], object] = lambda world: None,
) -> AsyncGenerator[Sandbox, None]:
    """Run a bot on a local Discord, with an empty temporary database, and close both at the end.

    `keep` is the path of a database file to use instead, which is kept. With `page` a browser can show the Discord.
    `prepare` is called with its world before the bot starts. Raises StartError if the bot does not start.
    """
    clock = clock or Clock()
    hikari_probes.use_loop_time(clock)
    async with AsyncExitStack() as stack:
        database = keep
        if database is None:
            database = str(Path(stack.enter_context(TemporaryDirectory(prefix="wisp-"))) / "wisp.db")
        sandbox = await stack.enter_async_context(Sandbox(clock=clock, page=page))
        if clock.is_virtual:
            sandbox.gateway.heartbeat_interval = _HEARTBEAT_INTERVAL
        if sandbox.page is not None:
            stack.enter_context(show_log(sandbox.page, bot))
        prepare(sandbox.world)
        for guild in sorted({guild for root in merge_groups([bot]) for guild in root.guilds or ()}):
            sandbox.world.guilds.add(f"Guild {guild}", id=guild)  # its commands would have no place otherwise
        config = bot.settings(token=sandbox.token, rest_url=sandbox.rest_url, database=database, guilds=())
        if keep is None and config.durability == "normal":
            config = msgspec.structs.replace(config, durability="off")  # temporary data need not survive a power cut
        await bot.start(config, clock=clock)
        stack.push_async_callback(bot.close)
        yield sandbox


async def restart(bot: Bot) -> None:
    """Close a bot, and start it again on the same Discord and the same data. Raises StartError if it does not start."""
    runtime = bot.runtime
    config = msgspec.structs.replace(runtime.config, database=runtime.database.file)
    await bot.close()
    await bot.start(config, clock=runtime.clock)


async def kill(bot: Bot, sandbox: Sandbox) -> None:
    """Start a bot again from what `kill -9` would have left of its run, which Discord sees break off.

    The new run's data are those committed at this moment, in a copy of the file. Code of the old run that still runs
    while it is taken down (`finally` blocks, teardowns) reaches neither Discord nor these data.
    """
    runtime = bot.runtime
    file = runtime.database.file
    copy = f"{file}-{secrets.token_hex(4)}"
    with closing(sqlite3.connect(file)) as original, closing(sqlite3.connect(copy)) as kept:
        original.backup(kept)
    runtime.on_failure = None
    runtime.shutdown_timeout = 0.0
    log = logging.getLogger("wisp")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)  # a killed process logs nothing
    try:
        sandbox.drop()
        await bridge.cut_off(runtime.gateway)
        await bot.close()
    finally:
        log.setLevel(level)
    await bot.start(msgspec.structs.replace(runtime.config, database=copy), clock=runtime.clock)


async def module_problems(bot: Bot) -> list[Problem]:
    """Return the problems with which modules fail to load, after setting them up and tearing them down on a sandbox."""
    log = logging.getLogger("wisp.modules")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it logs the same problems
    try:
        with virtual_time() as time:
            # in memory, so that no message names a temporary file that means nothing to the reader
            async with on_sandbox(bot, clock=time.clock, keep=MEMORY):
                pass
    except CheckError as error:
        return [*error.problems]
    except StartError as error:
        if not bot.modules.missing:  # strict=True raises for those
            found = error.__cause__.problems if isinstance(error.__cause__, DatabaseError) else ()
            return [*found] or [Problem("start", str(error), "Fix the cause")]
    finally:
        log.setLevel(level)
    return [problem for problems in bot.modules.problems.values() for problem in problems]


def with_modules_of(bot: Bot) -> Bot:
    """Return a new bot that has only the modules and services of this one, so that other problems do not stop it."""
    from ..bot import Bot

    other = Bot()
    for name, service in bot.services.registered.items():
        other.services.register(name, service)
    for module in map(bot.modules.get, bot.modules.list()):
        if module is not None:
            other.modules.register(module)
    return other


def is_undelivered(sandbox: Sandbox, gateway: hikari.GatewayBot) -> bool:
    """Return whether the bot is reconnecting, or the sandbox holds an event back for it."""
    return sandbox.faults.holding or hikari_probes.is_reconnecting(gateway)
