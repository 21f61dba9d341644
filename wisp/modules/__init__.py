"""Modules: what the parts of a bot are, in which order they load, and what one of them registered."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import logging
import os
import pkgutil
import sys
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Never, ParamSpec, TypeVar, Unpack, cast, overload
from weakref import WeakKeyDictionary

import hikari

from ..command_tree import made_in_setup
from ..commands import Command, CommandSettings, MenuCommand, MenuSettings
from ..components import Component, ComponentSettings, Modal, ModalSettings
from ..decorators import Registrar, decorator
from ..errors import CheckError, Problem, WispError, did_you_mean
from ..guards import rules_on
from ..inspection import SettingChecks, are_the_function, is_bool, is_str, method_problem, short_repr, underlying
from ..jobs import CronSettings, EverySettings, JobSettings
from ..locations import caller_locals, place_of, short_path
from ..logs import get_logger
from ..tasks import described

if TYPE_CHECKING:
    import lightbulb

    from ..bot import Bot
    from ..context import Context, GuildComponentContext, GuildModalContext
    from ..events import Event
    from ..services import GuildDataStore, Services

P = ParamSpec("P")
R = TypeVar("R")
X = TypeVar("X", bound="Context")
H = TypeVar("H")
U = TypeVar("U", bound=hikari.User)
L = TypeVar("L", bound=Callable[..., Awaitable[object]])
J = TypeVar("J", bound=Callable[[Any], Awaitable[object]])

LONGEST_NAME = 100
"""The most characters of a module's name: what Discord takes as a choice."""

_MARK = "__wisp_marks__"

_log = get_logger("wisp.modules")


class Module:
    """A part of a bot: what it registers in `setup`, or with marked methods, is its own, and leaves with it.

    `name` tells it from all others; each of these can be a class attribute or a property. `default_enabled` says
    whether it is on in a server that has not been asked; without all of `required_services` it does not load;
    `depends_on` names modules that load before it. `namespace` keeps its data apart, its name unless it says otherwise.
    """

    if TYPE_CHECKING:
        # Any lets a class override them by an attribute or by a property
        name: Any
        description: Any
        default_enabled: Any
        required_services: Any
        depends_on: Any
        namespace: Any
    else:
        description = ""
        default_enabled = True
        required_services = frozenset()
        depends_on = ()
        namespace = None

    async def setup(self, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Register commands, listeners and the like on `bot`, and begin.

        Where it raises, all that was registered is taken back, and `teardown` is not called.
        """

    async def teardown(self, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Undo what wisp cannot know of: what was registered leaves by itself.

        It has 10 s; when the bot closes, what the parts before it have left of 10 s, and at least 1 s.
        """

    def __repr__(self) -> str:
        return f"<Module {getattr(self, 'name', type(self).__name__)}>"


class ModuleContext:
    """What a module runs with: its `name`, `services`, data, `log`, and the `bot` itself."""

    def __init__(self, bot: Bot, name: str, log: logging.Logger) -> None:
        self.bot: Bot = bot
        self.name: str = name
        self.log: logging.Logger = log

    @property
    def config(self) -> Mapping[str, Any]:
        """The module's table [modules.<name>] of wisp.toml, empty where there is none."""
        return self.bot.session.config.modules.get(self.name, {})

    @property
    def services(self) -> Services:
        """What the bot runs on: "metrics", "db", "guild_data", "cache", "audit" and what was registered."""
        return self.bot.services

    @property
    def guild_data(self) -> GuildDataStore:
        """What the bot keeps for its servers. Raises ServiceError where the database did not start."""
        return self.bot.guild_data


class ModuleBot(Registrar):
    """A module's own face of the bot: what is registered here is the module's.

    It takes registrations while `setup` runs. `gateway`, `client`, `services` and `emit` are the bot's.
    """

    def __init__(self, bot: Bot, module: Module) -> None:
        super().__init__()
        self.bot: Bot = bot
        self.module: Module = module
        self.name: str = module.name
        self.log: logging.Logger = get_logger(f"wisp.modules.{self.name}")
        self.namespace: str | None = module.namespace or self.name
        self.is_open: bool = True

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
        """What the bot runs on."""
        return self.bot.services

    async def emit(self, event: Event) -> None:
        """Call every listener for an event of one's own, and return when all are done."""
        await self.bot.emit(event)

    def ensure_open(self) -> None:
        """Raise WispError after `setup`: what it registered then, nobody would hear of."""
        if not self.is_open:
            raise WispError(f'module "{self.name}" is set up already: register everything in setup')

    def __repr__(self) -> str:
        return f"<ModuleBot {self.name}>"


# ---- marked methods ----


class Method(Generic[H]):
    """A marked method of a module: once that is set up, it is what was registered (a Command, a Component).

    `super().hello` of an overridden one is the base class's method itself.
    """

    def __init__(self, function: Callable[..., Any], register: Callable[[ModuleBot, Callable[..., Any]], H]) -> None:
        self.function: Callable[..., Any] = function
        self.register: Callable[[ModuleBot, Callable[..., Any]], H] = register
        self.__doc__ = function.__doc__
        _note_mark(function, register)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method itself, as in `Base.hello(self, ctx)`."""
        return self.function(*args, **kwargs)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Method[H]: ...

    @overload
    def __get__(self, instance: Module, owner: type) -> H: ...

    def __get__(self, instance: Module | None, owner: type) -> Method[H] | H:
        if instance is None:
            return self
        made: dict[Method[Any], H] = instance.__dict__.get(_MARK, {})
        if self in made:
            return made[self]
        if inspect.getattr_static(instance, self._name, None) is not self:  # asked for by super(), and overridden
            return cast(H, self.function.__get__(instance))
        raise WispError(f'"{self._name}" of module "{instance.name}" is there once the module is set up')

    def set_up(self, instance: Module, bot: ModuleBot) -> None:
        """Register the method of this module."""
        handler = self.register(bot, self.function.__get__(instance))
        for rule in reversed(rules_on(self)):
            rule(handler)  # those written above the mark
        instance.__dict__.setdefault(_MARK, {})[self] = handler


def register_marked(module: Module, bot: ModuleBot) -> None:
    """Register the marked methods of a module, in the order in which they are written, base classes first."""
    seen: set[str] = set()
    for cls in reversed(type(module).__mro__):
        for name in vars(cls):
            if name in seen:
                continue
            found = inspect.getattr_static(module, name, None)
            marks: Sequence[Callable[[ModuleBot, Any], object]] = getattr(found, _MARK, ())
            if isinstance(found, Method):
                seen.add(name)
                cast("Method[Any]", found).set_up(module, bot)
            elif marks:
                seen.add(name)
                for register in marks:
                    register(bot, getattr(module, name))


def forget_marked(module: Module) -> None:
    """Forget what the marked methods of a module were registered as."""
    module.__dict__.pop(_MARK, None)


@overload
def command(function: Callable[Concatenate[Any, X, P], Awaitable[R]], /) -> Method[Command[Concatenate[X, P], R]]: ...


@overload
def command(
    **settings: Unpack[CommandSettings],
) -> Callable[[Callable[Concatenate[Any, X, P], Awaitable[R]]], Method[Command[Concatenate[X, P], R]]]: ...


def command(function: Callable[..., Any] | None = None, /, **settings: Unpack[CommandSettings]) -> Any:
    """Mark a method of a module as a slash command: as `@bot.command` else."""

    def mark(function: Callable[..., Any]) -> Method[Any]:
        names = caller_locals(function)
        return Method(function, lambda bot, bound: bot.add_command(bound, names, settings))

    return mark if function is None else mark(function)


def user_command(
    **settings: Unpack[MenuSettings],
) -> Callable[[Callable[[Any, X, U], Awaitable[R]]], Method[MenuCommand[[X, U], R]]]:
    """Mark a method of a module as a command in the menu of users: as `@bot.user_command(...)` else."""

    def mark(function: Callable[..., Any]) -> Method[Any]:
        names = caller_locals(function)
        kind = hikari.CommandType.USER
        return Method(function, lambda bot, bound: bot.add_menu_command(kind, bound, names, settings))

    return mark


def message_command(
    **settings: Unpack[MenuSettings],
) -> Callable[[Callable[[Any, X, hikari.Message], Awaitable[R]]], Method[MenuCommand[[X, hikari.Message], R]]]:
    """Mark a method of a module as a command in the menu of messages: as `@bot.message_command(...)` else."""

    def mark(function: Callable[..., Any]) -> Method[Any]:
        names = caller_locals(function)
        kind = hikari.CommandType.MESSAGE
        return Method(function, lambda bot, bound: bot.add_menu_command(kind, bound, names, settings))

    return mark


def component(
    custom_id: str, /, **settings: Unpack[ComponentSettings]
) -> Callable[[Callable[Concatenate[Any, GuildComponentContext, P], Awaitable[R]]], Method[Component[P, R]]]:
    """Mark a method of a module as the handler of components: as `@bot.component` else."""

    def mark(function: Callable[..., Any]) -> Method[Any]:
        names = caller_locals(function)
        return Method(function, lambda bot, bound: bot.add_component(bound, custom_id, names, settings))

    return cast(Any, mark)(custom_id) if callable(custom_id) else mark  # the mistake is told later


def modal(
    custom_id: str, /, **settings: Unpack[ModalSettings]
) -> Callable[[Callable[Concatenate[Any, GuildModalContext, P], Awaitable[R]]], Method[Modal[P, R]]]:
    """Mark a method of a module as the handler of forms: as `@bot.modal` else."""

    def mark(function: Callable[..., Any]) -> Method[Any]:
        names = caller_locals(function)
        return Method(function, lambda bot, bound: bot.add_modal(bound, custom_id, names, settings))

    return cast(Any, mark)(custom_id) if callable(custom_id) else mark  # the mistake is told later


@overload
def listen(function: L, /) -> L: ...


@overload
def listen(*event_types: type[hikari.Event] | type[Event]) -> Callable[[L], L]: ...


def listen(*arguments: Any) -> Any:
    """Mark a method of a module as a listener: as `@bot.listen` else."""

    def mark(function: L, event_types: tuple[type[Any], ...]) -> L:
        names = caller_locals(function)
        return _marked(function, lambda bot, bound: bot.add_listener(bound, event_types, names))

    if are_the_function(arguments):
        return mark(arguments[0], ())

    def decorate(function: L) -> L:
        return mark(function, arguments)

    return decorate


def every(*_: Never, **settings: Unpack[EverySettings]) -> Callable[[J], J]:
    """Mark a method of a module as a job that recurs: as `@bot.every` else."""
    return decorator(lambda function: _marked(function, lambda bot, bound: bot.add_every(bound, _, settings)), *_)


def cron(times: str, /, **settings: Unpack[CronSettings]) -> Callable[[J], J]:
    """Mark a method of a module as a job that runs at times of the day: as `@bot.cron` else."""
    return decorator(lambda function: _marked(function, lambda bot, bound: bot.add_cron(bound, times, settings)), times)


def job(name: str, /, **settings: Unpack[JobSettings]) -> Callable[[L], L]:
    """Mark a method of a module as a job that is run by its name: as `@bot.job` else."""

    def mark(function: L) -> L:
        names = caller_locals(function)
        return _marked(function, lambda bot, bound: bot.add_job(bound, name, names, settings))

    return decorator(mark, name)


def _marked(function: L, register: Callable[[ModuleBot, Any], object]) -> L:
    """The method, which stays what it is, with one more mark."""
    _note_mark(function, register)
    setattr(function, _MARK, (*getattr(function, _MARK, ()), register))
    return function


# ---- marks outside of modules ----

_marked_functions: WeakKeyDictionary[FunctionType, str] = WeakKeyDictionary()
"""The functions under marks, and which decorator it was."""

_nested_functions: dict[tuple[str | None, int | None], FunctionType] = {}
"""By place, those that were marked while their file was imported, and that nothing else may hold."""


def misplaced_marks(file: str) -> list[Problem]:
    """Return a problem for each function of a file that was marked as a method and is none of any module."""
    marked = [*_marked_functions]
    paths = {function.__code__.co_filename for function in marked}
    files = {path for path in paths if path.endswith(os.path.basename(file)) and short_path(path) == file}
    return _misplaced([function for function in marked if function.__code__.co_filename in files])


def _misplaced(functions: Sequence[FunctionType]) -> list[Problem]:
    if not functions:
        return []
    methods = [value for cls in _subclasses(Module) for base in cls.__mro__ for value in vars(base).values()]
    marked = {_function_of(value) for value in methods if isinstance(value, Method) or hasattr(value, _MARK)}
    strays = [function for function in functions if function not in marked]
    if not strays:
        return []
    hidden = {_function_of(value) for value in methods if callable(value) or isinstance(value, classmethod)}
    return [_misplaced_mark(function, function in hidden) for function in strays]


def _misplaced_mark(function: FunctionType, is_hidden: bool) -> Problem:
    decorator = _marked_functions[function]
    cls = function.__qualname__.rpartition(".")[0]
    if is_hidden:
        problem, fix = "another decorator stands above it, and hides it", f"Write `@wisp.{decorator}` above that"
    elif cls and not cls.endswith("<locals>"):
        problem, fix = f"its class {cls} is no module", "Derive the class from wisp.Module"
    else:
        problem, fix = "it is no method of a module, and is never registered", f"Write `@bot.{decorator}`"
    file, line = place_of(function)
    return Problem(f'@wisp.{decorator} on "{function.__name__}"', problem, fix, file=file, line=line)


def _note_mark(marked: Callable[..., Any], register: Callable[..., Any]) -> None:
    function = _function_of(marked)
    if not isinstance(function, FunctionType):
        return  # the mistake is told when it is registered
    _marked_functions[function] = register.__qualname__.partition(".")[0]
    if (made := made_in_setup.get()) is not None:
        made.append(lambda: _misplaced([function]))
    elif _is_imported_now(function):
        _nested_functions[place_of(function)] = function


def _is_imported_now(function: FunctionType) -> bool:
    """Return whether this runs while the file of a nested function is imported."""
    if "<locals>" not in function.__qualname__:
        return False
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals is function.__globals__:
            return True
        frame = frame.f_back
    return False


def _function_of(value: Any) -> Callable[..., Any]:
    while isinstance(value, (Method, staticmethod, classmethod)):
        value = cast(Any, value.function if isinstance(value, Method) else cast(Any, value).__func__)
    return underlying(value)


def _subclasses(cls: type) -> Iterator[type]:
    for below in cls.__subclasses__():
        yield below
        yield from _subclasses(below)


# ---- what is wrong with a module, and the order of all ----


def name_of(module: Module) -> str:
    """The module's name. Raises WispError where it has none that can be used."""
    name = getattr(module, "name", None)
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise WispError(
            f"{type(module).__name__}.name is {name!r}: expected a text of 1 to {LONGEST_NAME} characters. "
            'Write `name = "greeter"` in the class'
        )
    return name


class NotLoadable(WispError):
    """A module cannot load: the `reasons`, each in words."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons: tuple[str, ...] = tuple(reasons)
        super().__init__("; ".join(reasons))


def needed_modules(module: Module) -> list[str]:
    """Return `depends_on` as a list, empty if it cannot be read: `definition_problems` has the reason then."""
    return _names(module, "depends_on")


def needed_services(module: Module) -> list[str]:
    """Return `required_services` as a list, empty if it cannot be read, as `needed_modules` does."""
    return _names(module, "required_services")


def _names(module: Module, attribute: str) -> list[str]:
    with suppress(Exception):  # of a property
        if _are_names(names := getattr(module, attribute)):
            return [*names]
    return []


def definition_problems(module: Module) -> list[str]:
    """Return what is wrong with the attributes and the methods of a module, each in words."""
    found: list[str] = []
    for attribute, (fits, expected) in _ATTRIBUTES.items():
        try:
            value = getattr(module, attribute)
        except Exception as error:  # of a property
            found.append(f"its {attribute} cannot be read: {in_words(error)}")
        else:
            if not fits(value):
                found.append(f"its {attribute} is {short_repr(value)}: expected {expected}")
    for name in ("setup", "teardown"):
        if problem := method_problem(module, name, "bot", "ctx"):
            found.append(problem)
    return found


def _are_names(value: object) -> bool:
    is_collection = isinstance(value, Collection) and not isinstance(value, str)
    return is_collection and all(isinstance(one, str) for one in cast("Collection[object]", value))


_ATTRIBUTES: SettingChecks = {
    "description": (is_str, "a text"),
    "default_enabled": (is_bool, "True or False"),
    "required_services": (_are_names, 'names, as in ["cache"]'),
    "depends_on": (_are_names, 'names, as in ["greeter"]'),
    "namespace": (lambda value: value is None or is_str(value), "a text, or None"),
}


def load_order(needs: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the order in which to load modules: those that others need first, else as they are registered.

    The second result has the reasons why a module cannot load, by name: modules that do not exist, or a circle.
    """
    why: dict[str, list[str]] = {}
    for name, needed in needs.items():
        if missing := [one for one in needed if one not in needs]:
            why[name] = [
                f'it needs the module "{one}", and there is none of that name{did_you_mean(one, needs)}'
                for one in missing
            ]
    order: list[str] = []
    placed: set[str] = set()
    left = [name for name in needs if name not in why]
    while left:
        ready = next((name for name in left if all(one in placed or one in why for one in needs[name])), None)
        if ready is None:
            for name in _cycle(left[0], needs, set(left)):
                circle = " -> ".join(_cycle(name, needs, set(left)))
                why[name] = [f"it and what it needs go round in a circle: {circle}"]
            left = [name for name in left if name not in why]
            continue
        left.remove(ready)
        if broken := [one for one in needs[ready] if one in why]:
            why[ready] = [f'it needs the module "{one}", which does not load' for one in broken]
        else:
            order.append(ready)
            placed.add(ready)
    return order, why


def _cycle(start: str, needs: Mapping[str, Sequence[str]], among: set[str]) -> list[str]:
    """A circle that is reached from `start`: its names, in the order of need, the first at the end again."""
    path: list[str] = [start]
    while True:
        following = next(one for one in needs[path[-1]] if one in among)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def dependents(name: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """The modules that need this one, over however many between, those furthest away first."""
    found: list[str] = []
    seen = {name}

    def visit(needed: str) -> None:
        for other, others in needs.items():
            if needed in others and other not in seen:
                seen.add(other)
                visit(other)
                found.append(other)

    visit(name)
    return found


# ---- finding modules in packages ----


def discovered(package: str) -> list[Module]:
    """A module of each module class that is defined in a package, files in order of their names.

    Base classes (from which another one there derives), abstract ones and what is imported from elsewhere are none.
    A folder without `__init__.py` is left out, with a warning. Raises WispError, with file and line, if a file does not
    import or a module cannot be made.
    """
    classes: dict[type[Module], None] = {}
    top = _imported(package)
    names = [package]
    if hasattr(top, "__path__"):
        names += sorted(_names_below(top))
    for name in names:
        for value in vars(_imported(name)).values():
            if isinstance(value, type) and issubclass(value, Module) and value.__module__ == name:
                classes[value] = None
    found = [
        cls
        for cls in classes
        if not inspect.isabstract(cls)
        and not any(other is not cls and issubclass(other, cls) for other in classes)
        and hasattr(cls, "name")
    ]
    return [_made(cls) for cls in found]


def _names_below(package: ModuleType) -> Iterator[str]:
    """Return the names of all files and packages below a package. Raises WispError if one of the packages fails."""
    for folder in package.__path__:
        for left_out in _folders_without_init(folder):
            _log.warning("discover: %s has no __init__.py, and is left out. Add an empty one", short_path(left_out))
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield found.name
        if found.ispkg:
            yield from _names_below(_imported(found.name))


def _folders_without_init(folder: str) -> list[str]:
    """Return the folders with Python files in a folder that Python does not take for packages."""
    below = sorted(file.parent for file in Path(folder).glob("*/*.py"))
    return [str(one) for one in dict.fromkeys(below) if one.name.isidentifier() and not (one / "__init__.py").exists()]


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise WispError(f'"{name}" does not import: {in_words(error)}') from error


def in_words(error: BaseException) -> str:
    """What failed, and where: "ValueError: no (greeter.py:7)"."""
    said = described(error)
    if isinstance(error, CheckError):
        return "; ".join(map(str, error.problems))
    if isinstance(error, WispError):
        said = str(error)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{said} ({short_path(error.filename)}:{error.lineno})"
    ours = os.path.dirname(__file__) + os.sep
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and not frame.filename.startswith(ours)
    ]
    return f"{said} ({short_path(frames[-1].filename)}:{frames[-1].lineno})" if frames else said


def _made(cls: type[Module]) -> Module:
    try:
        return cls()
    except (Exception, SystemExit) as error:
        raise WispError(
            f"{cls.__module__}.{cls.__name__} cannot be made without arguments ({described(error)}). Register it by "
            f"hand: bot.modules.register({cls.__name__}(...))"
        ) from error


# ---- reading files again ----


class Reading:
    """Read the files of a module again: the package that it alone consists of, or else its own file.

    The code that was read before stays as it is, for the calls that still run and for `undo`.
    """

    def __init__(self, module: Module, *, beside: Iterable[Module], found_in: Iterable[str], bot_file: str) -> None:
        self._module = module
        self._bot_file = os.path.abspath(bot_file)
        self._package = self._own_package({type(other) for other in beside}, {*found_in})
        self._before = self._known()

    def again(self) -> Module:
        """Return a module of the class as the files have it now, with the attributes of the old one.

        A module in the file of the bot, and one whose file Python would not find by its name, is returned as it is.
        Raises whatever the import raises, and brings back the old code first.
        """
        cls = type(self._module)
        source = sys.modules.get(cls.__module__)
        if source is None or cls.__qualname__ not in vars(source) or not self._can_be_read(source):
            return self._module
        try:
            fresh = self._read(source, cls.__qualname__)
        except BaseException:
            self.undo()
            raise
        again = fresh.__new__(fresh)
        again.__dict__.update(self._module.__dict__)
        forget_marked(again)
        return again

    def undo(self) -> None:
        """Bring back the code from before. Does nothing if that is in place."""
        read = self._known()
        for name in read:
            del sys.modules[name]
        sys.modules.update(self._before)
        _rebind(read, self._before)

    def _known(self) -> dict[str, ModuleType]:
        """Return what was imported of these files, by name."""
        if self._package is not None:
            return _imported_of(self._package)
        name = type(self._module).__module__
        return {name: sys.modules[name]} if name in sys.modules else {}

    def _own_package(self, classes: Set[type[Module]], found_in: Set[str]) -> str | None:
        """Return the name of the package that the module alone consists of.

        Its `__init__` defines or imports the class of the module, or it has the module's name, or it lies below a
        package of `found_in`, in which modules were discovered. No other module of `classes` is in it, and no bot.
        """
        cls = type(self._module)
        shared = {other.__module__ for other in classes - {cls}} | found_in - {cls.__module__}

        def is_own(package: str) -> bool:
            names = vars(sys.modules[package]) if package in sys.modules else {}
            has_class = any(value is cls for value in names.values())
            has_name = package.rpartition(".")[2] == self._module.name
            is_found = any(package != root and _is_in(package, root) for root in found_in)
            is_alone = not any(_is_in(other, package) for other in shared)
            holds_bot = any(self._is_of_bot(source) for source in _imported_of(package).values())
            return "__path__" in names and (has_class or has_name or is_found) and is_alone and not holds_bot

        return next(filter(is_own, itertools.accumulate(cls.__module__.split("."), "{}.{}".format)), None)

    def _is_of_bot(self, source: ModuleType) -> bool:
        file = getattr(source, "__file__", None)
        return file is not None and os.path.abspath(file) == self._bot_file

    def _can_be_read(self, source: ModuleType) -> bool:
        """Return whether Python finds this file by its name, and no bot is in it: there would be another bot."""
        try:
            spec = importlib.util.find_spec(source.__name__)
        except (ImportError, ValueError):
            return False
        is_found = spec is not None and spec.origin == getattr(source, "__file__", None)
        return source.__name__ != "__main__" and is_found and not self._is_of_bot(source)

    def _read(self, source: ModuleType, name: str) -> type[Module]:
        for known, module in self._before.items():
            del sys.modules[known]
            _forget_compiled(module)
        importlib.invalidate_caches()
        fresh = vars(importlib.import_module(source.__name__)).get(name)
        if not (isinstance(fresh, type) and issubclass(fresh, Module)):
            raise WispError(f"{short_path(str(source.__file__))} has no module class {name} any more")
        for known in self._before:
            _read_unless_deleted(known)
        _rebind(self._before, self._known())
        return fresh


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _imported_of(package: str) -> dict[str, ModuleType]:
    """Return a package and what was imported below it, by name."""
    return {name: module for name, module in sys.modules.copy().items() if _is_in(name, package)}


def _forget_compiled(module: ModuleType) -> None:
    """Remove the compiled file: a source of the same size that was written within a second would not replace it."""
    spec = module.__spec__
    if spec is not None and spec.cached is not None and spec.origin != spec.cached:
        with suppress(OSError):
            os.unlink(spec.cached)


def _read_unless_deleted(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not _is_in(name, error.name):  # another one is missing, which this one imports
            raise


def _rebind(old: Mapping[str, ModuleType], new: Mapping[str, ModuleType]) -> None:
    """Let the names that other files have for these modules mean the new ones: `from parts import greet`."""
    replaced = {id(module): new[name] for name, module in old.items() if name in new}
    for other in sys.modules.copy().values():
        if isinstance(other, ModuleType) and other not in old.values():  # pyright: ignore[reportUnnecessaryIsInstance]
            names = vars(other)
            names.update({name: replaced[id(value)] for name, value in [*names.items()] if id(value) in replaced})


def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """`names` in the order of `order`."""
    wanted = set(names)
    return [name for name in order if name in wanted]
