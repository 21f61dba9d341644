"""Loading modules: finding them in packages, what is wrong with one, and the order in which they load."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import cast

from ..errors import CheckError, WispError, did_you_mean
from ..inspection import SettingChecks, is_bool, is_str, method_problem
from ..locations import short_path
from ..options import short_repr
from ..tasks import described
from . import Module

LONGEST_NAME = 100
"""The maximum length of a module's name, which Discord takes as a choice."""

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
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise WispError(
            f"{type(module).__name__}.name is {name!r}: expected a str of 1 to {LONGEST_NAME} characters. "
            'Write `name = "greeter"` in the class'
        )
    return name


def names_in(module: Module, attribute: str) -> list[str]:
    """Return `depends_on` or `required_services` as a list, empty if `definition_problems` has one of it."""
    with suppress(Exception):  # of a property
        if _are_names(names := getattr(module, attribute)):
            return [*names]
    return []


def definition_problems(module: Module) -> list[str]:
    """Return what is wrong with the attributes and the methods of a module."""
    found: list[str] = []
    for attribute, (fits, expected) in _ATTRIBUTES.items():
        try:
            value = getattr(module, attribute)
        except Exception as error:  # of a property
            found.append(f"its {attribute} cannot be read: {format_error(error)}")
        else:
            if not fits(value):
                found.append(f"its {attribute} is {short_repr(value)}: expected {expected}")
    methods = (method_problem(module, name, "bot", "ctx") for name in ("setup", "teardown"))
    return [*found, *filter(None, methods)]


def _are_names(value: object) -> bool:
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
    """Return what failed, and where: "ValueError: no (greeter.py:7)"."""
    if isinstance(error, CheckError):
        return "; ".join(map(str, error.problems))
    text = str(error) if isinstance(error, WispError) else described(error)
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} ({short_path(error.filename)}:{error.lineno})"
    ours = os.path.dirname(__file__) + os.sep
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and not frame.filename.startswith(ours)
    ]
    return f"{text} ({short_path(frames[-1].filename)}:{frames[-1].lineno})" if frames else text


# ---- the order of all modules ----


def load_order(needs: Needs) -> tuple[list[str], dict[str, list[str]]]:
    """Return the order in which to load modules: as they are registered, but each after those that it needs.

    The second result has the reasons why a module cannot load, by name.
    """
    reasons: dict[str, list[str]] = {}
    for name, needed in needs.items():
        if unknown := [one for one in needed if one not in needs]:
            reasons[name] = [
                f'it needs the module "{one}", and there is none of that name{did_you_mean(one, needs)}'
                for one in unknown
            ]
        elif cycle := _cycle(name, needs):
            reasons[name] = [f"circular dependency: {' -> '.join(cycle)}"]
    order: dict[str, None] = {}

    def place(name: str) -> None:
        if name in order or name in reasons:
            return
        for needed in needs[name]:
            place(needed)
        if broken := [needed for needed in needs[name] if needed in reasons]:
            reasons[name] = [f'it needs the module "{needed}", which does not load' for needed in broken]
        else:
            order[name] = None

    for name in needs:
        place(name)
    return [*order], reasons


def dependencies(name: str, needs: Needs) -> list[str]:
    """Return the modules that this one needs, directly or not, each after those that it needs itself."""
    found: dict[str, None] = {}
    seen = {name}

    def visit(one: str) -> None:
        for needed in needs.get(one, ()):
            if needed not in seen:
                seen.add(needed)
                visit(needed)
                found[needed] = None

    visit(name)
    return [*found]


def dependents(name: str, needs: Needs) -> list[str]:
    """Return the modules that need this one, directly or not, each after those that need it."""
    return dependencies(name, {one: [other for other, needed in needs.items() if one in needed] for one in needs})


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


# ---- finding modules in packages ----


def discover_modules(package: str) -> list[Module]:
    """Return a module of each module class that is defined in a package, files in the order of their names.

    Abstract classes, base classes of others there, and classes that are imported from elsewhere are left out, as are
    folders without `__init__.py`. Raises WispError, with file and line, if a file does not import or a module cannot
    be made.
    """
    classes = [cls for name in [package, *sorted(_names_below(package))] for cls in _classes_in(name)]
    is_base = {base for cls in classes for base in cls.__mro__[1:]}
    concrete = [cls for cls in dict.fromkeys(classes) if not inspect.isabstract(cls) and cls not in is_base]
    return [_instantiate(cls) for cls in concrete if hasattr(cls, "name")]


def _classes_in(name: str) -> Iterable[type[Module]]:
    values = vars(_import(name)).values()
    return [
        value for value in values if isinstance(value, type) and issubclass(value, Module) and value.__module__ == name
    ]


def _names_below(name: str) -> Iterator[str]:
    for found in pkgutil.iter_modules(getattr(_import(name), "__path__", []), f"{name}."):
        yield found.name
        yield from _names_below(found.name)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise WispError(f'"{name}" does not import: {format_error(error)}') from error


def _instantiate(cls: type[Module]) -> Module:
    try:
        return cls()
    except (Exception, SystemExit) as error:
        raise WispError(
            f"{cls.__module__}.{cls.__name__} cannot be made without arguments ({described(error)}). Register it by "
            f"hand: bot.modules.register({cls.__name__}(...))"
        ) from error
