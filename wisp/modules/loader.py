"""Loading modules: finding them in packages, what is wrong with one, and the order in which they load."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import cast

from ..errors import CheckError, WispError, did_you_mean
from ..handlers import SettingChecks, is_text, is_truth
from ..inspection import method_problem
from ..locations import short_path
from ..logs import get_logger
from ..options import short_repr
from ..tasks import described
from . import Module

LONGEST_NAME = 100
"""The maximum length of a module's name, which Discord takes as a choice."""

_log = get_logger("wisp.modules")


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
    "description": (is_text, "a text"),
    "default_enabled": (is_truth, "True or False"),
    "required_services": (_are_names, 'names, as in ["cache"]'),
    "depends_on": (_are_names, 'names, as in ["greeter"]'),
    "namespace": (lambda value: value is None or is_text(value), "a text, or None"),
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
