"""Modules: the parts of a bot, each with its own commands, listeners, jobs and data, loaded and unloaded as one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import hikari

from ..decorators import Decorators
from ..errors import WispError
from ..logs import get_logger
from ..methods import MethodHost

if TYPE_CHECKING:
    import lightbulb

    from ..bot import Bot
    from ..events import Event
    from ..services import Services
    from ..services.guild_data import GuildData


class Module(MethodHost):
    """A part of a bot. What it registers in `setup`, or by decorated methods, belongs to it, and is removed with it.

    `name` is unique; each of these can be a class attribute or a property. `default_enabled` says whether it is on in
    guilds that have not decided. It does not load without all of its `required_services`. `depends_on` names modules
    that load before it. `namespace` keeps its guild data apart from those of others; None is its name.
    """

    # Any lets a class override them by an attribute or by a property
    name: Any
    description: Any = ""
    default_enabled: Any = True
    required_services: Any = ()
    depends_on: Any = ()
    namespace: Any = None

    async def setup(self, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Register commands, listeners and the like on `bot`, and open what the module needs.

        If it raises, everything that it registered is removed, and `teardown` is not called.
        """

    async def teardown(self, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Close what `setup` opened. What the module registered is removed without it.

        It has 10 s. When the bot closes, it has what remains of 10 s for all parts together, and at least 1 s.
        """


class ModuleContext:
    """What a module runs with: its `name`, `services`, guild data, `log`, and the `bot` itself."""

    def __init__(self, bot: Bot, name: str, log: logging.Logger) -> None:
        self.bot: Bot = bot
        self.name: str = name
        self.log: logging.Logger = log

    @property
    def config(self) -> Mapping[str, Any]:
        """The module's table [modules.<name>] of wisp.toml, empty if there is none."""
        return self.bot.runtime.config.modules.get(self.name, {})

    @property
    def services(self) -> Services:
        """The services of the bot: "metrics", "db", "guild_data", "cache", "audit" and those that it registered."""
        return self.bot.services

    @property
    def guild_data(self) -> GuildData:
        """The data that the bot keeps for its guilds. Raises ServiceError if the database did not start."""
        return self.bot.guild_data


class ModuleBot(Decorators):
    """The bot as one module sees it: what is registered here belongs to the module.

    It takes registrations while `setup` runs. `gateway`, `client`, `services` and `emit` are the bot's.
    """

    def __init__(self, bot: Bot, module: Module, *, is_switchable: bool = True) -> None:
        super().__init__()
        self.bot: Bot = bot
        self.module: Module = module
        self.name: str = module.name
        self.log: logging.Logger = get_logger(f"wisp.modules.{self.name}")
        self.namespace: str | None = module.namespace or self.name
        self.is_switchable: bool = is_switchable
        self.is_open: bool = True
        self.context: ModuleContext = ModuleContext(bot, self.name, self.log)

    @property
    def default_enabled(self) -> bool:
        """Whether the module is on in guilds that have not decided."""
        return bool(self.module.default_enabled)

    @property
    def gateway(self) -> hikari.GatewayBot:
        """hikari's bot."""
        return self.bot.gateway

    @property
    def client(self) -> lightbulb.GatewayEnabledClient:
        """lightbulb's client."""
        return self.bot.client

    @property
    def services(self) -> Services:
        """The services of the bot."""
        return self.bot.services

    async def emit(self, event: Event) -> None:
        """Call every listener for an event of your own, and return when all have ended."""
        await self.bot.emit(event)

    def ensure_open(self) -> None:
        """Raise WispError after `setup`, when it is too late to register anything."""
        if not self.is_open:
            raise WispError(f'module "{self.name}" is set up already: register everything in setup')
