"""The module registry: load, unload and reload modules, and turn them on and off in guilds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence, Set
from typing import TYPE_CHECKING

from ..checks import module_problems, unattached_after_setup
from ..decorators import Decorators
from ..errors import CheckError, DatabaseError, Problem, StartError, WispError, did_you_mean
from ..events import ModuleDisabled, ModuleEnabled
from ..locations import place_of_class
from ..logs import get_logger
from ..owner import in_setup
from ..tasks import EXITS, Overdue, described, end, is_cancelled, refuse_coroutine, within
from . import Module, ModuleBot
from .commands import ModuleCommands
from .loader import (
    NotLoadable,
    definition_problems,
    dependencies,
    dependents,
    discover_modules,
    format_error,
    load_order,
    name_of,
    names_in,
    problems_of_needs,
)

if TYPE_CHECKING:
    from ..bot import Bot
    from ..runtime import Runtime

_log = get_logger("wisp.modules")

_SETUP_LIMIT = 60.0  # seconds that a module's setup gets


class ModuleRegistry:
    """A bot's modules. They load when the bot starts, and can be loaded, unloaded and reloaded while it runs.

    `missing` has the reason why a module did not load, by name, of the latest start or load; `problems` has the same as
    problems with file and line.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._registered: dict[str, Module] = {}
        self._packages: list[str] = []  # in which modules were discovered
        self._loaded: dict[str, ModuleBot] = {}
        self._lock = asyncio.Lock()
        self._calling: asyncio.Task[object] | None = None  # the task in which a setup or teardown runs
        self.missing: dict[str, str] = {}
        self.problems: dict[str, tuple[Problem, ...]] = {}

    # ---- what is registered ----

    def register(self, module: Module) -> None:
        """Add a module: it loads when the bot starts, or by `load` while it runs.

        Raises WispError if it is not a module, or its name cannot be used or is taken.
        """
        if not isinstance(module, Module):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise WispError(f"expected a module, got {module!r}: an object of a class that derives from wisp.Module")
        name = name_of(module)
        if name == ModuleCommands.name:
            raise WispError(f'"{name}" is the module that holds /modules. Choose another name')
        if name in self._registered:
            cls = type(self._registered[name])
            raise WispError(f'"{name}" is the name of {cls.__module__}.{cls.__qualname__} already. Rename one of them')
        self._registered[name] = module

    def discover(self, package: str) -> list[str]:
        """Register the modules of a package, "my_bot.modules", and return their names.

        Each module class that is defined in the package, or below it, is instantiated without arguments. Base classes
        and classes that are imported from elsewhere are left out. Raises WispError if one of the files does not import,
        or a module cannot be made or registered.
        """
        known = {type(module) for module in self._registered.values()}
        found = [module for module in discover_modules(package) if type(module) not in known]
        self._packages.append(package)
        for module in found:
            self.register(module)
        return [module.name for module in found]

    def list(self) -> list[str]:
        """Return the names of all modules, loaded or not, in the order of registration."""
        return [*self._registered]

    def get(self, name: str) -> Module | None:
        """Return the module of this name, None if there is none."""
        return self._registered.get(name)

    def is_loaded(self, name: str) -> bool:
        """Return whether the module is loaded."""
        return name in self._loaded

    def needs(self, name: str) -> list[str]:
        """Return the modules that this one needs, directly or not, in the order in which they load."""
        return dependencies(name, self._graph())

    def needed_by(self, name: str) -> list[str]:
        """Return the modules that need this one, directly or not, in the order in which they unload."""
        return dependents(name, self._graph())

    def owners(self) -> list[Decorators]:
        """Return the bot and its loaded modules."""
        return [self._bot, *self._loaded.values()]

    def counts(self) -> list[str]:
        """Return how many modules are loaded and how many are not, for the summary of a start."""
        if not self._registered:
            return []
        loaded = sum(name in self._loaded for name in self._registered)
        missing = [f"{len(self.missing)} not loaded ({', '.join(self.missing)})"] if self.missing else []
        return [f"{loaded} module{'' if loaded == 1 else 's'}", *missing]

    def _graph(self) -> dict[str, list[str]]:
        return {name: names_in(module, "depends_on") for name, module in self._registered.items()}

    def _check_name(self, name: str) -> None:
        if name not in self._registered:
            others = f"; there is {', '.join(self._registered) or 'none'}"
            raise WispError(f'there is no module "{name}"{did_you_mean(str(name), self._registered) or others}')

    # ---- start and stop ----

    async def start(self) -> None:
        """Load all modules. Those that cannot load are logged; with `strict=True`, StartError is raised."""
        self._lock = asyncio.Lock()  # of the event loop of this run
        self._loaded.clear()
        self.missing, self.problems = {}, {}
        if not self._registered:
            return
        reasons: list[str] = []
        for name in load_order(self._graph()):
            try:
                await self._set_up(self._registered[name])
            except Exception as error:
                self._note_missing(name, error)
                file, line = place_of_class(type(self._registered[name]))
                reason = self.missing[name] + (f" ({file}:{line})" if line else "")
                reasons.append(f'\n  module "{name}": {reason}')
                unexpected = None if isinstance(error, WispError) else error
                _log.error('module "%s" did not load: %s', name, reason, exc_info=unexpected)
        if reasons and self._bot.runtime.config.strict:
            raise StartError(f"Some modules did not load, and strict=True requires all of them:{''.join(reasons)}")
        await self._set_up(ModuleCommands())

    async def stop(self) -> None:
        """Unload all modules, the last loaded first."""
        for name in reversed([*self._loaded]):
            await self._take_down(name)

    # ---- one module ----

    def _why_not(self, module: Module) -> list[str]:
        """Return why a module cannot load, empty if it can."""
        needs = {**self._graph(), module.name: names_in(module, "depends_on")}
        found = [*definition_problems(module), *problems_of_needs(module.name, needs, self._loaded)]
        services = self._bot.services
        for needed in names_in(module, "required_services"):
            if needed not in services.names():
                found.append(f'it needs the service "{needed}": {services.why_missing(needed)}')
        return found

    def _note_missing(self, name: str, error: Exception) -> None:
        self.missing[name] = reason = format_error(error)
        if isinstance(error, (CheckError, DatabaseError)) and error.problems:
            self.problems[name] = error.problems
            return
        file, line = place_of_class(type(self._registered[name]))
        problems: list[Problem] = []
        for one in error.reasons if isinstance(error, NotLoadable) else [reason]:
            message, hint, near = one.partition(". Did you mean")
            fix = f"Did you mean{near}" if hint else "It does not load, nor does what needs it"
            problems.append(Problem(f'module "{name}"', message, fix, file=file, line=line))
        self.problems[name] = tuple(problems)

    async def _set_up(self, module: Module) -> None:
        """Set a module up. If that fails, it is rolled back. It is torn down only if its setup has ended."""
        if reasons := self._why_not(module):
            raise NotLoadable(reasons)
        wiring = self._bot.wiring
        bot = ModuleBot(self._bot, module, is_switchable=not isinstance(module, ModuleCommands))

        async def set_up() -> None:
            in_setup.set((bot, bot.jobs))
            try:
                refuse_coroutine(await module.setup(bot, bot.context))
                module.register_methods(bot)
            finally:
                bot.is_open = False

        is_set_up = False
        try:
            with unattached_after_setup() as unattached:
                await self._run(set_up(), _SETUP_LIMIT)
            is_set_up = True
            if wiring.runtime.closing:
                raise WispError("the bot has closed meanwhile")
            if problems := [*unattached, *module_problems(bot, self.owners(), self._bot.services)]:
                raise CheckError(problems)
            wiring.refuse_new_intents(bot)
            await wiring.migrate(f"module {bot.name}", bot.migrations)
            self._loaded[bot.name] = bot
            wiring.attach(bot)
        except BaseException as error:
            self._loaded.pop(bot.name, None)
            bot.is_unloading = True  # its groups can be given to the next one
            wiring.detach(bot)
            if is_set_up:
                await self._tear_down(bot, wiring.runtime)
            if isinstance(error, Overdue):
                raise WispError(f"its setup {error}") from error
            raise
        self.missing.pop(bot.name, None)
        self.problems.pop(bot.name, None)

    async def _take_down(self, name: str) -> None:
        """Stop a module: nothing new reaches it, its handlers end, and it is torn down."""
        wiring, bot = self._bot.wiring, self._loaded.pop(name)
        runtime = wiring.runtime
        wiring.detach(bot)
        bot.is_unloading = True
        await end(runtime.tasks.tasks_of(bot) & runtime.tasks.waiting)  # their users are told at once
        handlers = runtime.tasks.tasks_of(bot) - {asyncio.current_task()}
        await runtime.end_handlers(handlers, min(runtime.shutdown_timeout, runtime.closing_left()))
        await self._tear_down(bot, runtime)

    async def _tear_down(self, bot: ModuleBot, runtime: Runtime) -> None:
        try:
            await self._run(bot.module.teardown(bot, bot.context), runtime.closing_left())
        except Overdue as error:
            _log.error('the teardown of module "%s" %s', bot.name, error)
        except EXITS as error:
            runtime.request_exit(error)
        except Exception:
            _log.exception('the teardown of module "%s" failed', bot.name)
        bot.module.forget_methods()

    async def _run(self, work: Awaitable[object], seconds: float) -> None:
        """Run a module's setup or teardown in a task of its own, in which modules cannot change."""

        async def run() -> None:
            self._calling = asyncio.current_task()
            refuse_coroutine(await work)

        try:
            await within(seconds, run())
        except (Exception, *EXITS):
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            raise WispError(f"it raised {described(error)}") from error
        finally:
            self._calling = None

    # ---- while the bot runs ----

    async def load(self, name: str) -> None:
        """Load a module, and before it those that it needs. Does nothing if it is loaded.

        Raises WispError with the reason if it cannot load: it is rolled back then. Raises CheckError if Discord
        refuses its commands: the module is loaded, without them. If Discord refuses them for now (a rate limit, an
        outage), this is logged, and wisp tries again in the background.
        """
        async with self._change():
            self._check_name(name)
            self._audit("module.loaded", await self._load({*self.needs(name), name}))
        await self._bot.wiring.sync_commands_again()

    async def unload(self, name: str) -> None:
        """Unload a module, and before it those that need it. Handlers that are running get up to 10 s to end."""
        async with self._change():
            loaded = self._loaded_with(name)
            for one in loaded:
                await self._take_down(one)
            self._audit("module.unloaded", loaded)
        await self._bot.wiring.sync_commands_again()

    async def reload(self, name: str) -> None:
        """Read a module's file again, then unload the old module and load the new one, with those that need it.

        If the module is a package of its own, all files of the package are read again; files that it shares with
        others are not. The new module has the attributes of the old one. A module in the file of the bot is set up
        again without reading the file.

        Raises WispError if this fails. If a file does not import, or the new module needs a module or service that
        does not run, nothing changes; if the new module cannot be set up, the old one is set up again, with its old
        code.
        """
        from .reload import Reading

        async with self._change():
            loaded = self._loaded_with(name)
            old, others = self._registered[name], self._registered.values()
            reading = Reading(old, beside=others, found_in=self._packages, bot_file=self._bot.file)
            try:
                new = reading.again()
                if name_of(new) != name:
                    raise WispError(f'it is called "{new.name}" now: unload the old one, and load that')
                if reasons := self._why_not(new):
                    raise NotLoadable(reasons)
            except (Exception, SystemExit) as error:
                reading.undo()
                raise self._not_reloaded(name, format_error(error)) from error
            for one in loaded:
                await self._take_down(one)
            self._registered[name] = new
            try:
                reloaded = await self._load({*loaded, name})
            except WispError as error:
                reading.undo()
                self._registered[name] = old
                await self._load({*loaded})
                raise self._not_reloaded(name, str(error)) from error
            self._audit("module.reloaded", reloaded)
        await self._bot.wiring.sync_commands_again()

    def _not_reloaded(self, name: str, reason: str) -> WispError:
        result = "was not reloaded, and runs as before" if name in self._loaded else "did not load"
        return WispError(f'module "{name}" {result}: {reason}')

    def _loaded_with(self, name: str) -> list[str]:
        """Return which of a module and those that need it are loaded, in the order in which they unload."""
        self._check_name(name)
        return [one for one in [*self.needed_by(name), name] if one in self._loaded]

    async def _load(self, names: Set[str]) -> list[str]:
        """Load those of these modules that are not loaded, and return them. If one fails, those before it stay."""
        missing = [name for name in load_order(self._graph()) if name in names and name not in self._loaded]
        for name in missing:
            try:
                await self._set_up(self._registered[name])
            except Exception as error:
                self._note_missing(name, error)
                raise WispError(f'module "{name}" did not load: {self.missing[name]}') from error
        return missing

    def _change(self) -> asyncio.Lock:
        """Return the lock of changes. Raises WispError in a setup or teardown, which would wait for itself."""
        if self._calling is asyncio.current_task():
            raise WispError("a module is being loaded or unloaded here: do this once setup, or teardown, has ended")
        self._ensure_running()
        return self._lock

    def _ensure_running(self) -> None:
        if not self._bot.wiring.is_complete:
            raise WispError("modules change while the bot runs, and it is still starting, or closing")

    # ---- on and off ----

    async def enable(self, name: str, *, guild_id: int, user_id: int | None = None) -> list[str]:
        """Turn a module on in a guild, and those that it needs. Return the names of those that were off.

        `user_id` is the user who asked for it, for the audit. Raises WispError if there is no such module, and
        DatabaseError if the decision cannot be stored.
        """
        self._check_switchable(name)
        return await self._switch([*self.needs(name), name], guild_id, user_id, is_enabled=True)

    async def disable(self, name: str, *, guild_id: int, user_id: int | None = None) -> list[str]:
        """Turn a module off in a guild, and those that need it. Return the names of those that were on.

        `user_id` and what is raised are those of `enable`.
        """
        self._check_switchable(name)
        return await self._switch([*self.needed_by(name), name], guild_id, user_id, is_enabled=False)

    async def is_enabled(self, name: str, *, guild_id: int) -> bool:
        """Return whether a module is loaded, and on in a guild. Raises WispError if there is no such module."""
        self._check_switchable(name)
        return name in self._loaded and self._is_on(name, guild_id)

    def _check_switchable(self, name: str) -> None:
        if name == ModuleCommands.name:
            raise WispError(f'"{name}" holds /modules, and is always on.')
        self._check_name(name)

    async def _switch(self, names: Sequence[str], guild_id: int, user_id: int | None, *, is_enabled: bool) -> list[str]:
        self._ensure_running()
        guild_id = int(guild_id)
        changed = [name for name in names if self._is_on(name, guild_id) is not is_enabled]
        await self._bot.runtime.gate.decide(guild_id, names, is_enabled)
        if is_enabled:
            self._bot.wiring.wake_jobs()
        kind, action = (ModuleEnabled, "module.enabled") if is_enabled else (ModuleDisabled, "module.disabled")
        self._audit(action, changed, guild_id, user_id)
        for name in changed:
            await self._bot.emit(kind(guild_id=guild_id, module=name))
        return changed

    def _is_on(self, name: str, guild_id: int) -> bool:
        bot = self._loaded.get(name) or ModuleBot(self._bot, self._registered[name])
        return self._bot.runtime.gate.is_open(bot, guild_id)

    def _audit(
        self, action: str, modules: Sequence[str], guild_id: int | None = None, user_id: int | None = None
    ) -> None:
        audit = self._bot.services.get("audit")
        if audit is None or not modules:
            return
        try:
            audit.log_action(action=action, user_id=user_id, guild_id=guild_id, metadata={"modules": modules})
        except Exception:
            _log.exception("%s (%s) is not in the audit log", action, ", ".join(modules))
