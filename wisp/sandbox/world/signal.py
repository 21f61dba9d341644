"""Signals: what one part of the sandbox tells all that subscribed to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Signal(Generic[T]):
    """A stream of values of one kind. Subscribers are called at once, in the order in which they subscribed.

    If one of them raises, `on_error` is called with the exception, and the other subscribers are called all the same.
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._on_error = on_error
        self._subscribers: list[Callable[[T], None]] = []

    def __bool__(self) -> bool:
        """Return whether anything is subscribed."""
        return bool(self._subscribers)

    def subscribe(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Call `callback` with every value from now on. Call the result to stop that, any number of times."""
        self._subscribers.append(callback)

        def stop() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return stop

    def send(self, value: T) -> None:
        """Call all subscribers with a value."""
        for callback in tuple(self._subscribers):
            try:
                callback(value)
            except Exception as error:
                self._on_error(error)
