"""Owner: the bot or the module that a handler belongs to."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

ErrorHandler = Callable[[Any, Exception], Awaitable[bool]]
"""`async (ctx, error) -> bool`: returns True if it has handled the error, and no further handler is asked."""


class Owner:
    """A bot or module.

    `name` is that of a module. Guilds can turn it on and off if it `is_switchable`; `is_on_by_default` says whether it
    is on in a guild that did neither. `log` is its logger. `namespace` keeps its guild data apart from the data of
    others; None is the namespace that the whole bot shares. `error_handlers` are asked after those of the handler that
    raised. `is_unloading` is True while its handlers are being ended.
    """

    name: str = ""
    log: logging.Logger
    namespace: str | None
    is_switchable: bool = False
    is_on_by_default: bool = True

    def __init__(self) -> None:
        self.error_handlers: list[ErrorHandler] = []
        self.is_unloading: bool = False


class Source(Protocol):
    """Code of the bot that wisp calls, with its place in the source."""

    @property
    def label(self) -> str:
        """Its name in logs."""
        ...

    @property
    def file(self) -> str | None:
        """The file that defines it."""
        ...

    @property
    def line(self) -> int | None:
        """The line that defines it, from 1."""
        ...


class Handler(Source, Protocol):
    """A function that interactions call."""

    @property
    def ephemeral(self) -> bool:
        """Whether its answers are ephemeral unless they say otherwise."""
        ...

    @property
    def error_handlers(self) -> list[ErrorHandler]:
        """Its own error handlers."""
        ...

    @property
    def owner(self) -> Owner:
        """The bot or module that it belongs to."""
        ...
