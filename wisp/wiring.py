"""Wiring: activates what the bot and its modules registered, locally and on Discord."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import hikari

from .command_sync import CommandSync, Wanted
from .command_tree import merge_groups
from .errors import DatabaseError, WispError
from .listeners import Listeners

if TYPE_CHECKING:
    from .command_tree import TopLevelCommand
    from .decorators import Decorators
    from .events import Listener
    from .jobs.scheduler import SchedulerService
    from .lightbulb_compat import LightbulbCompat
    from .migrations import Migrations
    from .router import Router
    from .runtime import Runtime


class Wiring:
    """The active registrations of the bot and its loaded modules: `owners` are these, the bot first.

    `scheduler_name` is the service that runs their jobs.
    """

    def __init__(
        self,
        runtime: Runtime,
        router: Router,
        lightbulb: LightbulbCompat,
    ) -> None:
        self.owners: list[Decorators] = []
        self.listeners: Listeners = Listeners(runtime)
        self.runtime: Runtime = runtime
        self._router = router
        self._lightbulb = lightbulb
        self.scheduler_name: str = "scheduler"
        self._scheduler: SchedulerService | None = None
        self._job_loop: asyncio.AbstractEventLoop | None = None  # set once jobs run
        self._commands: CommandSync | None = None  # once Discord has said who the bot is
        self.is_complete: bool = False

    # ---- bot and modules ----

    def attach(self, owner: Decorators) -> None:
        """Activate what a bot or module registered."""
        self.owners.append(owner)
        self.listeners.attach(owner, owner.listeners)
        if owner.jobs:
            self.runtime.services.get(self.scheduler_name).attach(owner, owner.jobs)
        self._route()

    def detach(self, owner: Decorators) -> None:
        """Deactivate what a module registered: nothing new reaches it. Does nothing if it is not active."""
        if owner in self.owners:
            self.owners.remove(owner)
        self.listeners.detach(owner)
        if self._scheduler is not None:
            self._scheduler.detach(owner)
        self._route()

    async def migrate(self, owner: str, migrations: Migrations) -> None:
        """Bring tables up to date, if there are migrations. Raises WispError and ValueError if that fails."""
        if migrations:
            try:
                await self.runtime.services.get("db").migrate(owner, migrations)
            except DatabaseError as error:
                error.problems = migrations.failed(error)
                raise

    def set_complete(self, is_complete: bool) -> None:
        """Set whether everything that loads at the start is attached. Commands are routed once it is."""
        self.is_complete = is_complete
        self._route()

    # ---- jobs ----

    def make_scheduler(self) -> SchedulerService:
        """Return the built-in scheduler: this is called once, when it is first needed, by any thread."""
        from .jobs.scheduler import SchedulerService

        self._scheduler = SchedulerService(self.runtime.database, clock=self.runtime.clock)
        self._scheduler.start(self.runtime)
        if self._job_loop is not None:
            self._job_loop.call_soon_threadsafe(self._scheduler.begin)
        return self._scheduler

    def begin_jobs(self) -> None:
        """Run jobs from now on: the bot is connected."""
        self._job_loop = asyncio.get_running_loop()
        if self._scheduler is not None:
            self._scheduler.begin()

    def wake_jobs(self) -> None:
        """Run one-shot jobs that waited for a module: one was loaded, or enabled in a guild."""
        if self._scheduler is not None:
            self._scheduler.wake()

    def count_jobs(self) -> int:
        """Return how many jobs there are, recurring and one-shot."""
        return 0 if self._scheduler is None else self._scheduler.count()

    # ---- commands ----

    def commands(self) -> list[TopLevelCommand]:
        """Return the commands of the bot, as Discord counts them."""
        return merge_groups(self.owners)

    def _guilds_of(self, command: TopLevelCommand) -> tuple[int, ...]:
        return self.runtime.config.guilds if command.guilds is None else command.guilds

    def _route(self) -> None:
        if not self.is_complete:
            return
        commands = [(command, self._guilds_of(command)) for command in self.commands()]
        self._router.update(commands, self.owners)
        self._lightbulb.register(commands)

    async def sync_commands(self, application: int) -> str | None:
        """Sync commands with Discord for the first time, as `CommandSync.update` does."""
        rest, database = self.runtime.gateway.rest, self.runtime.database
        self._commands = CommandSync(rest, application, database, self._wanted, self.runtime.clock)
        return await self._commands.update()

    async def sync_commands_again(self) -> None:
        """Sync commands with Discord after modules were loaded or unloaded, as `CommandSync.update` does."""
        if self._commands is not None:
            await self._commands.update()

    async def stop_sync(self) -> None:
        """Stop syncing commands with Discord."""
        if self._commands is not None:
            await self._commands.close()

    async def _wanted(self) -> dict[int | None, list[Wanted]]:
        """Return the commands of the bot as Discord should have them, by guild; None is everywhere."""
        wanted: dict[int | None, list[Wanted]] = {None: []}
        for command in self.commands():
            for guild in self._guilds_of(command) or (None,):
                wanted.setdefault(guild, []).append(Wanted(command.payload(), command))
        for guild, payload in await self._lightbulb.payloads(self.runtime.gateway.entity_factory):
            wanted.setdefault(guild, []).append(Wanted(payload, None))
        return wanted

    # ---- intents ----

    def intents(self) -> hikari.Intents:
        """Return the intents that the settings name and the listeners need."""
        intents = hikari.Intents.GUILDS | intents_of_listeners(self.listeners)
        for name in self.runtime.config.intents:
            intents |= hikari.Intents[name]
        return intents

    def refuse_new_intents(self, owner: Decorators) -> None:
        """Raise WispError if the listeners of a module need an intent that the connection does not have."""
        if self._commands is not None and (
            missing := intents_of_listeners(owner.listeners) & ~self.runtime.gateway.intents
        ):
            names = ", ".join(str(intent.name) for intent in missing.split())
            raise WispError(f"its listeners need the intent {names}, which is fixed at startup. Restart the bot")


def intents_of_listeners(listeners: Iterable[Listener]) -> hikari.Intents:
    """Return the intents that these listeners need."""
    intents = hikari.Intents.NONE
    for listener in listeners:
        intents |= listener.intents()
    return intents
