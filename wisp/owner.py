"""Owner: the bot or the module that a handler belongs to."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

ErrorHandler = Callable[[Any, Exception], Awaitable[bool]]
"""`async (ctx, error) -> bool`: returns True if it has handled the error, and no further handler is asked."""


class Owner:
    """A bot or module.

    `log` is its logger. `namespace` keeps its guild data apart from the data of others; None is the namespace that the
    whole bot shares. `error_handlers` are asked after those of the handler that raised. `is_unloading` is True while
    its handlers are being ended.
    """

    log: logging.Logger
    namespace: str | None

    def __init__(self) -> None:
        self.error_handlers: list[ErrorHandler] = []
        self.is_unloading: bool = False
