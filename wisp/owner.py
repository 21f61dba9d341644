"""Owner: the bot or module that a handler belongs to, and what was made for one and not yet given to it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from .errors import Problem

ErrorHandler = Callable[[Any, Exception], Awaitable[bool]]
"""`async (ctx, error) -> bool`: returns True if it has handled the error, and no further handler is asked."""


class Owner:
    """A bot or module.

    `log` is its logger. `namespace` keeps its guild data apart from the data of others; None is the namespace that the
    whole bot shares. `error_handlers` are asked after those of the handler that raised. `is_unloading` is True while
    its handlers are being ended. If it `is_switchable`, guilds can turn it off by its `name`.
    """

    name: str = ""
    log: logging.Logger
    namespace: str | None
    is_switchable: bool = False

    def __init__(self) -> None:
        self.error_handlers: list[ErrorHandler] = []
        self.is_unloading: bool = False

    @property
    def default_enabled(self) -> bool:
        """Whether it is on in guilds that have not decided."""
        return True


in_setup: ContextVar[tuple[Owner, Sequence[Any]] | None] = ContextVar("wisp module in setup", default=None)
"""The module whose setup is running, and the jobs that it has defined."""


unattached: dict[object, Problem] = {}
"""The command groups and decorated methods that have no owner yet, with the problem to report if that stays so."""


class Source(Protocol):
    """Code of the bot that wisp calls, with the file that defines it and the line, from 1."""

    file: str | None
    line: int | None

    @property
    def label(self) -> str:
        """Its name in logs."""
        ...


class AnyHandler(Source, Protocol):
    """A function that interactions call.

    `ephemeral` says whether its answers are private unless they say otherwise, `error_handlers` are its own.
    """

    ephemeral: bool
    error_handlers: list[ErrorHandler]

    @property
    def owner(self) -> Owner:
        """The bot or module that it belongs to."""
        ...
