"""Decorated methods: registered once for each object of their class, when that is set up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for value in [value for base in cls.__mro__ for value in vars(base).values()]:
            if isinstance(value, Method):
                unattached.pop(cast("Method[Any]", value), None)

    def register_methods(self, owner: object) -> None:
        """Register the decorated methods, in the order of their definition, those of base classes first."""
        for name in dict.fromkeys(name for cls in reversed(type(self).__mro__) for name in vars(cls)):
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
        self.registrations: list[Callable[[Any, Callable[..., Any]], Any]] = []
        self.becomes_handler: bool = False
        self.__doc__ = function.__doc__
        file, line = place_of(function)
        where = f'@wisp.{decorator} on "{underlying(function).__name__}"'
        message = "it is not a method of a module, and is never registered"
        fix = f"Write `@bot.{decorator}`; in a class derived from wisp.Module, put it above all other decorators"
        unattached[self] = Problem(where, message, fix, file=file, line=line)

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
        unattached.pop(self, None)
