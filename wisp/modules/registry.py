"""The registry: a bot's modules, loaded, unloaded and reloaded, and the gate that says where each one acts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..checks import module_problems, unattached_after_setup
from ..errors import CheckError, DatabaseError, Problem, StartError, WispError, did_you_mean
from ..events import ModuleDisabled, ModuleEnabled
from ..gate import Gate
from ..jobs.scheduler import setting_up
from ..locations import place_of_class
from ..logs import get_logger
from ..tasks import EXITS, Overdue, described, end, is_cancelled, refuse_coroutine, within
from . import Module, ModuleBot, ModuleContext
from .commands import ModuleCommands
from .loader import (
    NotLoadable,
    definition_problems,
    dependents,
    discovered,
    in_words,
    load_order,
    name_of,
    needed_modules,
    needed_services,
)

if TYPE_CHECKING:
    from ..bot import Bot
    from ..decorators import Decorators
    from ..wiring import Wiring

_log = get_logger("wisp.modules")

_SETUP_LIMIT = 60.0
"""Seconds that a module's setup gets."""


class ModuleRegistry:
    """A bot's modules. They are loaded when it starts; loading, unloading and reloading works while it runs.

    `missing` has the reason why a module did not load, by name, of the latest start or load; `mistakes` has the same as
    problems with file and line.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._registered: dict[str, Module] = {}
        self._found_in: list[str] = []  # packages in which modules were discovered
        self._twins: dict[str, str] = {}  # why modules with a name that was taken do not load
        self._loaded: dict[str, ModuleBot] = {}
        self._contexts: dict[str, ModuleContext] = {}
        self._lock = asyncio.Lock()
        self._settling: asyncio.Task[None] | None = None  # done when the changes of now are
        self._changes: asyncio.Task[object] | None = None  # who is loading or unloading now
        self.gate: Gate = Gate()
        self.missing: dict[str, str] = {}
        self.problems: dict[str, tuple[Problem, ...]] = {}

    # ---- what there is ----

    def register(self, module: Module) -> None:
        """Add a module: it loads when the bot starts, or by `load` while it runs.

        One whose name another has does not load: `missing`, the log and `wisp check` say so. Raises WispError where it
        is no module, or has no usable name, and while the bot runs where the name is taken.
        """
        if not isinstance(module, Module):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise WispError(f"expected a module, got {module!r}: an object of a class that derives from wisp.Module")
        name = name_of(module)
        if name == ModuleCommands.name:
            raise WispError(f'"{name}" is the module that holds /modules. Choose another name')
        if name not in self._registered:
            self._registered[name] = module
            return
        first, second = type(self._registered[name]), type(module)
        reason = f'"{name}" is the name of {first.__module__}.{first.__qualname__} already. Rename one of them'
        if self._bot.is_running:
            raise WispError(reason)
        self._twins[f"{name} of {second.__module__}.{second.__qualname__}"] = reason

    def discover(self, package: str) -> list[str]:
        """Register the modules of a package, "my_bot.modules"; their names. Raises WispError as its parts do.

        Each module class that is defined there, by itself or below, is made without arguments. Base classes and what
        is imported from elsewhere are left out.
        """
        known = {type(module) for module in self._registered.values()}
        found = [module for module in discovered(package) if type(module) not in known]
        self._found_in.append(package)
        for module in found:
            self.register(module)
        return [module.name for module in found]

    def list(self) -> list[str]:
        """The names of all modules, loaded or not, as they were registered."""
        return [*self._registered]

    def get(self, name: str) -> Module | None:
        """The module of this name, None where there is none."""
        return self._registered.get(name)

    def place_of(self, name: str) -> tuple[str | None, int | None]:
        """The file and line of a module's class, (None, None) if they are not known."""
        module = self._registered.get(name)
        return (None, None) if module is None else place_of_class(type(module))

    def _place_in_words(self, name: str) -> str:
        file, line = self.place_of(name)
        return f" ({file}:{line})" if line else ""

    def is_loaded(self, name: str) -> bool:
        """Whether the module runs."""
        return name in self._loaded

    def counts(self) -> list[str]:
        """How many run and how many do not, in words for the summary of a start; nothing where there are none."""
        if not self._registered:
            return []
        running = sum(name in self._loaded for name in self._registered)
        broken = [f"{len(self.missing)} not loaded ({', '.join(self.missing)})"] if self.missing else []
        return [f"{running} module{'' if running == 1 else 's'}", *broken]

    def registrars(self) -> list[Decorators]:
        """The bot, and what its loaded modules registered."""
        return [self._bot, *self._loaded.values()]

    def needs(self, name: str) -> list[str]:
        """The modules that this one needs, over however many between, those needed first."""
        graph = self._graph()
        found: dict[str, None] = {}

        def visit(one: str) -> None:
            for needed in graph.get(one, ()):
                if needed not in found and needed != name:
                    visit(needed)
                    found[needed] = None

        visit(name)
        return [*found]

    def needed_by(self, name: str) -> list[str]:
        """The modules that need this one, over however many between, those furthest away first."""
        return dependents(name, self._graph())

    def _graph(self) -> dict[str, list[str]]:
        return {name: needed_modules(module) for name, module in self._registered.items()}

    # ---- with the bot ----

    async def start(self, wiring: Wiring) -> None:
        """Load all modules. Those that cannot load are logged, and the others do; `strict=True` raises StartError."""
        self._lock = asyncio.Lock()
        self._settling = None
        self._loaded.clear()
        self.missing, self.problems = {}, {}
        for name, reason in self._twins.items():
            self._note_missing(name, NotLoadable([reason]))
        if not self._registered:
            return
        await self.gate.start(wiring.runtime.database)
        self._changes = asyncio.current_task()
        try:
            await self._start(wiring)
        finally:
            self._changes = None

    async def _start(self, wiring: Wiring) -> None:
        order, why = load_order(self._graph())
        for name in why:
            self._note_missing(name, NotLoadable(self._unmet(wiring, self._registered[name], why[name])))
        unexpected = {name: await self._try(wiring, name) for name in order}
        if not self.missing or not wiring.runtime.config.strict:
            await self._set_up(wiring, ModuleCommands())
        reasons = {name: f"{reason}{self._place_in_words(name)}" for name, reason in self.missing.items()}
        for name, reason in reasons.items():
            _log.error('module "%s" did not load: %s', name, reason, exc_info=unexpected.get(name))
        if self.missing and wiring.runtime.config.strict:
            reasons = "\n".join(f'  module "{name}": {reason}' for name, reason in reasons.items())
            raise StartError(f"Not all modules load, and strict=True asks for all of them:\n{reasons}")

    async def _try(self, wiring: Wiring, name: str) -> Exception | None:
        """Load a module. Return the error in its own code that kept it from loading, None if there is none to log."""
        try:
            await self._set_up(wiring, self._registered[name])
        except Exception as error:
            self._note_missing(name, error)
            return None if isinstance(error, WispError) else error
        return None

    def _unmet(self, wiring: Wiring, module: Module, why: Iterable[str] = ()) -> list[str]:
        """Return what is wrong with a module and what it needs and does not have, each in words.

        `why` has the reasons of `load_order`, if there are any.
        """
        reasons = [*definition_problems(module), *why]
        if not why:
            for needed in needed_modules(module):
                if needed not in self._loaded:
                    state = "did not load" if needed in self.missing else "is not loaded"
                    reasons.append(f'it needs the module "{needed}", which {state}')
        services = wiring.runtime.services
        for needed in needed_services(module):
            if needed not in services.names():
                reasons.append(f'it needs the service "{needed}": {services.why_missing(needed)}')
        return reasons

    def _note_missing(self, name: str, error: Exception) -> None:
        self.missing[name] = reason = in_words(error)
        if isinstance(error, CheckError) or (isinstance(error, DatabaseError) and error.problems):
            self.problems[name] = error.problems
        else:
            reasons = error.reasons if isinstance(error, NotLoadable) else (reason,)
            self.problems[name] = tuple(self._problem(name, one) for one in reasons)

    def _problem(self, name: str, reason: str) -> Problem:
        file, line = self.place_of(name)
        problem, separator, near = reason.partition(". Did you mean")
        fix = f"Did you mean{near}" if separator else "It does not load, nor does what needs it"
        return Problem(f'module "{name}"', problem, fix, file=file, line=line)

    async def stop(self, wiring: Wiring) -> None:
        """Tear all down, the last loaded first."""
        for name in reversed(list(self._loaded)):
            await self._take_down(wiring, name)

    # ---- one module ----

    async def _set_up(self, wiring: Wiring, module: Module) -> None:
        """Set a module up and let it act; where that fails, nothing of it stays.

        It is torn down only where its setup had ended, as a context manager is left only where it was entered.
        """
        if reasons := self._unmet(wiring, module):
            raise NotLoadable(reasons)
        bot = ModuleBot(self._bot, module, is_switchable=not isinstance(module, ModuleCommands))
        try:
            await self._set_up_as(bot, wiring, module)
        except BaseException:
            bot.is_unloading = True  # what it held, such as a group, is free for the next try
            raise
        self.missing.pop(bot.name, None)
        self.problems.pop(bot.name, None)

    async def _set_up_as(self, bot: ModuleBot, wiring: Wiring, module: Module) -> None:
        ctx = ModuleContext(self._bot, bot.name, bot.log)
        try:
            with unattached_after_setup() as forgotten:
                await self._run_setup(module, bot, ctx)
        except BaseException:
            wiring.detach(bot)
            raise
        try:
            if mistakes := [*forgotten, *module_problems(bot, self.registrars(), self._bot.services)]:
                raise CheckError(mistakes)
            wiring.refuse_new_intents(bot)
            await wiring.migrate(f"module {bot.name}", bot.migrations)
            self._loaded[bot.name], self._contexts[bot.name] = bot, ctx
            wiring.attach(bot)
        except BaseException:
            self._loaded.pop(bot.name, None)
            self._contexts.pop(bot.name, None)
            wiring.detach(bot)
            await self._tear_down(module, bot, ctx)
            raise

    async def _run_setup(self, module: Module, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Let a module register what is its own. Raises WispError where that takes too long."""
        limit = asyncio.timeout(_SETUP_LIMIT)
        try:
            async with limit:
                with setting_up(bot, bot.jobs):
                    refuse_coroutine(await module.setup(bot, ctx))
            module.register_methods(bot)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise WispError(f"its setup took more than {_SETUP_LIMIT:g} s") from error
        except (Exception, *EXITS):
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            met = isinstance(error, asyncio.CancelledError)
            problem = "waited for something that was cancelled" if met else f"raised {described(error)}"
            raise WispError(f"its setup {problem}") from error
        finally:
            bot.is_open = False

    async def _take_down(self, wiring: Wiring, name: str) -> None:
        """Let a module act no more, wait for what it is doing, and tear it down."""
        bot, ctx = self._loaded.pop(name), self._contexts.pop(name)
        wiring.detach(bot)
        bot.is_unloading = True
        runtime = wiring.runtime
        await end(runtime.tasks.tasks_of(bot) & runtime.tasks.waiting)  # their users have no time left, and are told
        handlers = runtime.tasks.tasks_of(bot) - {asyncio.current_task()}
        await runtime.end_handlers(handlers, min(runtime.shutdown_timeout, runtime.closing_left()))
        await self._tear_down(bot.module, bot, ctx)

    async def _tear_down(self, module: Module, bot: ModuleBot, ctx: ModuleContext) -> None:
        changes = self._changes

        async def tear_down() -> None:
            self._changes = asyncio.current_task()
            refuse_coroutine(await module.teardown(bot, ctx))

        try:
            await within(self._bot.runtime.closing_left(), tear_down())
        except Overdue as error:
            _log.error('the teardown of module "%s" %s', bot.name, error)
        except EXITS as error:
            self._bot.runtime.request_exit(error)
        except BaseException as error:
            if is_cancelled(error):
                raise
            _log.exception('the teardown of module "%s" failed', bot.name)
        finally:
            self._changes = changes
        module.forget_methods()

    # ---- while the bot runs ----

    async def load(self, name: str) -> None:
        """Load a module, and those before it that it needs; does nothing where it runs.

        Raises WispError with the reason if it cannot load: nothing of it stays then. Raises Mistakes if Discord refuses
        its commands: the module runs, and they are not shown. If Discord refuses them for now (a rate limit, an
        outage), this is logged, and wisp goes on trying in the background.
        """
        async with self._changing() as wiring:
            before = [*self._loaded]
            await self._load(wiring, [*self._known(wiring, name), name])
            self._note("module.loaded", [one for one in self._loaded if one not in before])
        await self.changed()
        await wiring.sync_commands_again()

    async def unload(self, name: str) -> None:
        """Unload a module, and before it those that need it: what runs of them ends first (10 s at most)."""
        async with self._changing() as wiring:
            self._check_name(name)
            running = [one for one in [*self.needed_by(name), name] if one in self._loaded]
            for one in running:
                await self._take_down(wiring, one)
            self._note("module.unloaded", running)
        await self.changed()
        await wiring.sync_commands_again()

    async def reload(self, name: str) -> None:
        """Read a module's file again, then take the old one down and set the new one up, with those that need it.

        If the module is a package of its own, all files of it are read again; files that it shares with others are not.
        The new one has the attributes of the old one. If a file does not import, or the new one needs a module or
        service that does not run, nothing changes; if the new one cannot be set up, the old one is set up again, with
        its old code. Raises WispError in all these cases. A module in the file of the bot is set up again, and not read
        again.
        """
        async with self._changing() as wiring:
            self._check_name(name)
            old = self._registered[name]
            running = [one for one in [*self.needed_by(name), name] if one in self._loaded]
            others = self._registered.values()
            from .reload import Reading

            reading = Reading(old, beside=others, found_in=self._found_in, bot_file=self._bot.file)
            try:
                new = reading.again()
                if name_of(new) != name:
                    raise WispError(f'it is called "{new.name}" now: unload the old one, and load that')
                order = self._order_with(wiring, name, new)
            except (Exception, SystemExit) as error:
                reading.undo()
                raise self._not_reloaded(name, in_words(error)) from error
            for one in running:
                await self._take_down(wiring, one)
            again = [one for one in order if one in {*running, name}]
            self._registered[name] = new
            try:
                await self._load(wiring, again)
            except WispError as error:
                reading.undo()
                self._registered[name] = old
                await self._load(wiring, running[::-1])
                raise self._not_reloaded(name, str(error)) from error
            self._note("module.reloaded", again)
        await self.changed()
        await wiring.sync_commands_again()

    def _order_with(self, wiring: Wiring, name: str, module: Module) -> list[str]:
        """Return the order in which modules load if `module` has this name. Raises WispError if it cannot load."""
        order, why = load_order({**self._graph(), name: needed_modules(module)})
        if reasons := self._unmet(wiring, module, why.get(name, ())):
            raise NotLoadable(reasons)
        return order

    def _not_reloaded(self, name: str, reason: str) -> WispError:
        result = "was not reloaded, and runs as before" if name in self._loaded else "did not load"
        return WispError(f'module "{name}" {result}: {reason}')

    async def _load(self, wiring: Wiring, names: Sequence[str]) -> None:
        """Load what of these does not run. Where one fails, those before it stay."""
        for name in names:
            if name in self._loaded:
                continue
            try:
                await self._set_up(wiring, self._registered[name])
            except Exception as error:
                self._note_missing(name, error)
                raise WispError(f'module "{name}" did not load: {self.missing[name]}') from error

    def _known(self, wiring: Wiring, name: str) -> list[str]:
        """Return what a module needs, in the order of loading. Raises WispError if it cannot load."""
        self._check_name(name)
        why = load_order(self._graph())[1]
        if name in why:
            reasons = self._unmet(wiring, self._registered[name], why[name])
            raise WispError(f'module "{name}" did not load: {NotLoadable(reasons)}')
        return self.needs(name)

    @asynccontextmanager
    async def _changing(self) -> AsyncGenerator[Wiring]:
        """One change at a time: others wait. Raises WispError where a setup or teardown asks for another."""
        task = asyncio.current_task()
        if self._changes is not None and self._changes is task:
            raise WispError("a module is being loaded or unloaded here: do this once setup, or teardown, has ended")
        wiring = self._running()
        async with self._lock:
            self._changes = task
            try:
                yield wiring
            finally:
                self._changes = None

    def _running(self) -> Wiring:
        wiring = self._bot.wiring
        if not wiring.is_complete:
            raise WispError(
                "modules change while the bot runs, and it is still starting, or closing. wisp.Bot(modules=[...]) "
                "names those that it starts with"
            )
        return wiring

    async def changed(self) -> None:
        """Wait for the changes that are going on, and those that wait for their turn.

        Callers that wait go on at the same time, so that one registration of commands serves all of them.
        """
        if self._settling is None or self._settling.done():
            self._settling = asyncio.create_task(self._settle())
        await asyncio.shield(self._settling)

    async def _settle(self) -> None:
        async with self._lock:
            return

    # ---- the gate ----

    async def enable(self, name: str, *, guild_id: int, user_id: int | None = None) -> list[str]:
        """Turn a module on in a server, and those that it needs; the names of those that were off.

        `user_id` is who wants it, for the audit. Raises WispError where there is no such module, and DatabaseError
        where it cannot be kept.
        """
        return await self._decide([*self._known_here(name), name], guild_id, user_id, is_enabled=True)

    async def disable(self, name: str, *, guild_id: int, user_id: int | None = None) -> list[str]:
        """Turn a module off in a server, and those that need it; the names of those that were on. As `enable` else."""
        self._known_here(name)
        return await self._decide([*self.needed_by(name), name], guild_id, user_id, is_enabled=False)

    async def is_enabled(self, name: str, *, guild_id: int) -> bool:
        """Whether a module acts in a server: it is loaded, and on there. Raises WispError for one that is not there."""
        self._known_here(name)
        return name in self._loaded and self.gate.is_open(self._loaded[name], guild_id)

    def _known_here(self, name: str) -> list[str]:
        if name == ModuleCommands.name:
            raise WispError(f'"{name}" holds /modules, and is always on.')
        self._check_name(name)
        return self.needs(name)

    def _check_name(self, name: str) -> None:
        if name not in self._registered:
            others = f"; there is {', '.join(self._registered) or 'none'}"
            raise WispError(f'there is no module "{name}"{did_you_mean(str(name), self._registered) or others}')

    async def _decide(self, names: Sequence[str], guild_id: int, user_id: int | None, *, is_enabled: bool) -> list[str]:
        wiring, guild_id = self._running(), int(guild_id)
        changed = [name for name in names if self._is_on(name, guild_id) is not is_enabled]
        await self.gate.decide(guild_id, names, is_enabled)
        if is_enabled:
            wiring.scheduler.wake()
        kind = ModuleEnabled if is_enabled else ModuleDisabled
        self._note("module.enabled" if is_enabled else "module.disabled", changed, guild_id, user_id)
        for name in changed:
            await self._bot.emit(kind(guild_id=guild_id, module=name))
        return changed

    def _note(
        self, action: str, modules: Sequence[str], guild_id: int | None = None, user_id: int | None = None
    ) -> None:
        """Tell the audit what became of these modules."""
        audit = self._bot.services.get("audit")
        if audit is None or not modules:
            return
        try:
            audit.log_action(action=action, user_id=user_id, guild_id=guild_id, metadata={"modules": modules})
        except Exception:
            _log.exception("the audit does not know of %s (%s)", action, ", ".join(modules))

    def _is_on(self, name: str, guild_id: int) -> bool:
        owner = self._loaded.get(name) or ModuleBot(self._bot, self._registered[name])
        return self.gate.is_open(owner, guild_id)
