"""Reloading: read the files of a module again, and go back to the code from before if that fails."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from types import ModuleType

from ..errors import WispError
from ..locations import short_path
from . import Module


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
        again.forget_methods()
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
