"""Loading modules: finding them in packages, what is wrong with one, and the order in which they load."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TypeGuard, cast

from ..errors import CheckError, WispError, did_you_mean
from ..inspection import SettingChecks, is_bool, is_str, method_problem
from ..locations import raised_at, short_path
from ..options import short_repr
from ..tasks import described
from . import Module

_MAX_LENGTH = 100  # of a module's name, which Discord takes as a choice

Needs = Mapping[str, Sequence[str]]
"""The names of the modules that each module needs directly."""


class NotLoadable(WispError):
    """A module cannot load, for each of the `reasons`."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons: tuple[str, ...] = tuple(reasons)
        super().__init__("; ".join(reasons))


# ---- what is wrong with a module ----


def name_of(module: Module) -> str:
    """Return the module's name. Raises WispError if it has none that can be used."""
    name = getattr(module, "name", None)
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_LENGTH or not name.isprintable() or name != name.strip():
        raise WispError(
            f"{type(module).__name__}.name is {name!r}: expected a str of 1 to {_MAX_LENGTH} characters. "
            'Write `name = "greeter"` in the class'
        )
    return name


def names_in(module: Module, attribute: str) -> list[str]:
    """Return `depends_on` or `required_services` as a list, empty if `definition_problems` has one of it."""
    names = _value(module, attribute)
    return [*names] if _are_names(names) else []


def definition_problems(module: Module) -> list[str]:
    """Return what is wrong with the attributes and the methods of a module."""
    found = [
        f"its {attribute} is {short_repr(value)}: expected {expected}"
        for attribute, (fits, expected) in _ATTRIBUTES.items()
        if not fits(value := _value(module, attribute))
    ]
    methods = (method_problem(module, name, "bot", "ctx") for name in ("setup", "teardown"))
    return [*found, *filter(None, methods)]


def _value(module: Module, attribute: str) -> object:
    """Return an attribute of a module, or the error that a property raises, which fits nowhere."""
    try:
        return getattr(module, attribute)
    except Exception as error:
        return error


def _are_names(value: object) -> TypeGuard[Collection[str]]:
    is_collection = isinstance(value, Collection) and not isinstance(value, str)
    return is_collection and all(isinstance(one, str) for one in cast("Collection[object]", value))


_ATTRIBUTES: SettingChecks = {
    "description": (is_str, "a str"),
    "default_enabled": (is_bool, "True or False"),
    "required_services": (_are_names, 'names, as in ["cache"]'),
    "depends_on": (_are_names, 'names, as in ["greeter"]'),
    "namespace": (lambda value: value is None or is_str(value), "a str, or None"),
}


def format_error(error: BaseException) -> str:
    """Return what failed, and where: "ValueError: no (greeter.py:7, in setup)"."""
    if isinstance(error, CheckError):
        return "; ".join(map(str, error.problems))
    text = str(error) if isinstance(error, WispError) else described(error)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} ({short_path(error.filename)}:{error.lineno})"
    return text + raised_at(error.__traceback__)


# ---- the order of all modules ----


def load_order(needs: Needs) -> list[str]:
    """Return all modules in the order in which they load: as they are registered, but each after those it needs."""
    order: dict[str, None] = {}
    for name in needs:
        order |= dict.fromkeys([*dependencies(name, needs), name])
    return [*order]


def problems_of_needs(name: str, needs: Needs, loaded: Collection[str]) -> list[str]:
    """Return why a module cannot load beside those that are `loaded`, empty if it has what it needs."""
    if cycle := _cycle(name, needs):
        return [f"circular dependency: {' -> '.join(cycle)}"]
    found: list[str] = []
    for needed in needs[name]:
        if needed not in needs:
            nearest = did_you_mean(needed, needs)
            found.append(f'it needs the module "{needed}", and there is none of that name{nearest}')
        elif needed not in loaded:
            found.append(f'it needs the module "{needed}", which is not loaded')
    return found


def _cycle(start: str, needs: Needs) -> list[str]:
    """Return the shortest dependency cycle through a module, empty if there is none."""
    paths = [[start]]
    seen: set[str] = set()
    for path in paths:
        for needed in needs.get(path[-1], ()):
            if needed == start:
                return [*path, start]
            if needed not in seen:
                seen.add(needed)
                paths.append([*path, needed])
    return []


def dependencies(name: str, needs: Needs) -> list[str]:
    """Return the modules that this one needs, directly or not, each after those that it needs itself.

    Names of no module are left out.
    """
    found: dict[str, None] = {}
    seen = {name}

    def visit(one: str) -> None:
        for needed in needs.get(one, ()):
            if needed in needs and needed not in seen:
                seen.add(needed)
                visit(needed)
                found[needed] = None

    visit(name)
    return [*found]


def dependents(name: str, needs: Needs) -> list[str]:
    """Return the modules that need this one, directly or not, each after those that need it."""
    return dependencies(name, {one: [other for other, needed in needs.items() if one in needed] for one in needs})


# ---- finding modules in packages ----


def discover_modules(package: str) -> list[Module]:
    """Return a module of each module class that is defined in a package, files in the order of their names.

    Abstract classes, base classes of others there, and classes that are imported from elsewhere are left out, as are
    folders without `__init__.py`. Raises WispError, with file and line, if a file does not import or a module cannot
    be made.
    """
    classes = [
        value
        for source in _import_all(package)
        for value in vars(source).values()
        if isinstance(value, type) and issubclass(value, Module) and value.__module__ == source.__name__
    ]
    is_base = {base for cls in classes for base in cls.__mro__[1:]}
    concrete = [cls for cls in dict.fromkeys(classes) if not inspect.isabstract(cls) and cls not in is_base]
    return [_instantiate(cls) for cls in concrete if hasattr(cls, "name")]


def _import_all(name: str) -> Iterator[ModuleType]:
    """Import a module and, if it is a package, all modules below it."""
    try:
        source = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise WispError(f'"{name}" does not import: {format_error(error)}') from error
    yield source
    for found in pkgutil.iter_modules(getattr(source, "__path__", []), f"{name}."):
        yield from _import_all(found.name)


def _instantiate(cls: type[Module]) -> Module:
    try:
        return cls()
    except (Exception, SystemExit) as error:
        raise WispError(
            f"{cls.__module__}.{cls.__name__} cannot be made without arguments ({described(error)}). Register it by "
            f"hand: bot.modules.register({cls.__name__}(...))"
        ) from error
