"""Reloading: read the files of a module again, and go back to the code from before if that fails."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import ModuleType

from ..errors import WispError
from ..locations import short_path
from ..owner import unattached
from . import Module


class Reading:
    """Read the files of a module again: those of the package that it alone consists of, or else its own file.

    The old code is kept, for calls that still run and for `undo`.
    """

    def __init__(self, module: Module, *, beside: Iterable[Module], found_in: Iterable[str], bot_file: str) -> None:
        self._module = module
        self._bot_file = os.path.abspath(bot_file)
        self._package = self._own_package({type(other) for other in beside}, {*found_in})
        self._before = self._imported()
        self._unattached_before = {*unattached}

    def again(self) -> Module:
        """Return a module of the class in the files as they are now, with the attributes of the old one.

        Returns the module itself if it is defined in the file of the bot, or Python does not find its file by name.
        Raises what the import raises, and brings back the old code first.
        """
        cls = type(self._module)
        source = sys.modules.get(cls.__module__)
        if source is None or cls.__qualname__ not in vars(source) or not self._can_be_read(source):
            return self._module
        try:
            new_class = self._read(source, cls.__qualname__)
        except BaseException:
            self.undo()
            raise
        module = new_class.__new__(new_class)
        module.__dict__.update(self._module.__dict__)
        module.forget_methods()
        return module

    def undo(self) -> None:
        """Bring back the old code. Does nothing if it is in place."""
        new = self._imported()
        for name in new:
            del sys.modules[name]
        sys.modules.update(self._before)
        _rebind(new, self._before)
        for one in unattached.keys() - self._unattached_before:
            del unattached[one]

    def _imported(self) -> dict[str, ModuleType]:
        """Return what is imported of the files to read, by name."""
        name = self._package or type(self._module).__module__
        return {known: source for known, source in _imported_in(name).items() if self._package or known == name}

    def _own_package(self, classes: set[type[Module]], found_in: set[str]) -> str | None:
        """Return the name of the package that the module alone consists of.

        The package has the module's class, or its name, or lies below a package of `found_in`, in which modules were
        discovered. It contains no other module of `classes`, and no bot.
        """
        cls = type(self._module)
        shared = {other.__module__ for other in classes - {cls}} | found_in - {cls.__module__}
        for package in itertools.accumulate(cls.__module__.split("."), "{}.{}".format):
            names = vars(sys.modules[package]) if package in sys.modules else {}
            is_own = (
                any(value is cls for value in names.values())
                or package.rpartition(".")[2] == self._module.name
                or any(package != root and _is_in(package, root) for root in found_in)
            )
            is_shared = any(_is_in(other, package) for other in shared)
            has_bot = any(map(self._is_of_bot, _imported_in(package).values()))
            if "__path__" in names and is_own and not is_shared and not has_bot:
                return package
        return None

    def _is_of_bot(self, source: ModuleType) -> bool:
        file = getattr(source, "__file__", None)
        return file is not None and os.path.abspath(file) == self._bot_file

    def _can_be_read(self, source: ModuleType) -> bool:
        try:
            spec = importlib.util.find_spec(source.__name__)
        except (ImportError, ValueError):
            return False
        is_found = spec is not None and spec.origin == getattr(source, "__file__", None)
        # reading the file of the bot would make another bot
        return source.__name__ != "__main__" and is_found and not self._is_of_bot(source)

    def _read(self, source: ModuleType, class_name: str) -> type[Module]:
        for name, old in self._before.items():
            del sys.modules[name]
            _forget_compiled(old)
        importlib.invalidate_caches()
        cls = vars(importlib.import_module(source.__name__)).get(class_name)
        if not (isinstance(cls, type) and issubclass(cls, Module)):
            raise WispError(f"{short_path(str(source.__file__))} has no module class {class_name} any more")
        for name in self._before:
            _import_unless_deleted(name)
        _rebind(self._before, self._imported())
        return cls


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _imported_in(package: str) -> dict[str, ModuleType]:
    return {name: source for name, source in sys.modules.copy().items() if _is_in(name, package)}


def _forget_compiled(source: ModuleType) -> None:
    # Python would take it for a new source of the same size that is written within the same second
    spec = source.__spec__
    if spec is not None and spec.cached is not None and spec.origin != spec.cached:
        with suppress(OSError):
            os.unlink(spec.cached)


def _import_unless_deleted(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not _is_in(name, error.name):  # a file is missing that this one imports
            raise


def _rebind(old: Mapping[str, ModuleType], new: Mapping[str, ModuleType]) -> None:
    """Replace the old modules by the new ones in files that imported them, as in `from parts import greet`."""
    replaced = {id(source): new[name] for name, source in old.items() if name in new}
    for other in sys.modules.copy().values():
        if isinstance(other, ModuleType) and other not in old.values():  # pyright: ignore[reportUnnecessaryIsInstance]
            names = vars(other)
            names.update({name: replaced[id(value)] for name, value in [*names.items()] if id(value) in replaced})
