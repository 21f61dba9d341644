"""Decorated methods: registered once for each object of their class, when that is set up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, cast, overload

from .errors import Problem
from .guards import rules_on
from .inspection import underlying
from .locations import place_of
from .owner import unattached

H = TypeVar("H")

Registration = Callable[[Any, Callable[..., Any], Mapping[str, Any]], Any]
"""Makes a handler of (owner, function, local names around it), and returns what the decorated name stands for."""

_HANDLERS = "__wisp_handlers__"


class OnMethods:
    """The base of decorators that decorate methods: they register nothing until an object of the class is set up."""


class MethodHost:
    """The base of classes whose decorated methods are registered: `wisp.Module`."""

    def register_methods(self, owner: object) -> None:
        """Register the decorated methods, in the order of their definition, those of base classes first."""
        names: dict[str, None] = {}
        for cls in reversed(type(self).__mro__):
            for name, value in vars(cls).items():
                names[name] = None
                if isinstance(value, Method):
                    unattached.pop(cast("Method[Any]", value), None)
        for name in names:
            method = inspect.getattr_static(self, name, None)
            if isinstance(method, Method):
                cast("Method[Any]", method).register(self, owner)

    def forget_methods(self) -> None:
        """Forget what the decorated methods were registered as."""
        self.__dict__.pop(_HANDLERS, None)


class Method(Generic[H]):
    """A decorated method. Of an object that is set up, it is what was registered: a Command or a Component.

    A listener or a job stays the method that it is. So does a method of a base class that is called by `super()`.
    """

    def __init__(self, function: Callable[..., Any], decorator: str) -> None:
        self.function: Callable[..., Any] = function
        self.decorator: str = decorator
        self.registrations: list[Callable[[Any, Callable[..., Any]], Any]] = []
        self.becomes_handler: bool = False
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.__doc__ = function.__doc__
        unattached[self] = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method itself, as in `Base.hello(self, ctx)`."""
        return self.function(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Method[H]: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> H: ...

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        handlers: dict[Method[Any], H] = instance.__dict__.get(_HANDLERS, {})
        return handlers[self] if self in handlers else self.function.__get__(instance)

    def register(self, instance: object, owner: object) -> None:
        """Register the method of this object with its owner."""
        result = bound = self.function.__get__(instance)
        for registration in self.registrations:
            result = registration(owner, bound)
        for rule in reversed(rules_on(self)):  # the guards above the decorator
            rule(result if self.becomes_handler else underlying(self.function))
        instance.__dict__.setdefault(_HANDLERS, {})[self] = result

    def unattached_problem(self) -> Problem | None:
        """Return that the method will never be registered; None if it is in a class of modules."""
        classes = {base for cls in _subclasses(MethodHost) for base in cls.__mro__}
        if any(value is self for cls in classes for value in vars(cls).values()):
            return None
        where = f'@wisp.{self.decorator} on "{underlying(self.function).__name__}"'
        message = "it is not a method of a module, and is never registered"
        fix = f"Write `@bot.{self.decorator}`; in a class derived from wisp.Module, put it above all other decorators"
        return Problem(where, message, fix, file=self.file, line=self.line)


def _subclasses(cls: type) -> Iterator[type]:
    for below in cls.__subclasses__():
        yield below
        yield from _subclasses(below)
