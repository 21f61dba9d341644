"""What a browser is shown of the bot itself: its log and its errors, beside the sandbox that shows the rest."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import webbrowser
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ..errors import StartError
from ..logs import Formatter, Handler, traceback_of
from ..sandbox.page import Page

if TYPE_CHECKING:
    from ..bot import Bot
    from ..runtime import Failure, Runtime


@contextmanager
def log_on(page: Page, bot: Bot) -> Generator[None]:
    """Show on the page what is logged, without the token that the bot has for Discord.

    Where nobody has set up logging that is INFO and above, of hikari and lightbulb WARNING; standard error still gets
    warnings alone then, as Python gives it.
    """
    with suppress(StartError):  # a mistake in the settings, of which the start tells
        page.records.secrets.update(filter(None, [bot.settings().token]))
    root = logging.getLogger()
    handlers: list[logging.Handler] = [_Shown(page)]
    levels: dict[logging.Logger, int] = {}
    if not root.handlers:
        warnings = Handler("%(message)s")
        warnings.setLevel(logging.WARNING)
        handlers.append(warnings)
        levels = {
            logger: logger.level for logger in (root, logging.getLogger("hikari"), logging.getLogger("lightbulb"))
        }
        for logger in levels:
            logger.setLevel(logging.INFO if logger is root else logging.WARNING)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
        for logger, level in levels.items():
            logger.setLevel(level)


class _Shown(logging.Handler):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.setFormatter(Formatter())
        self._page = page
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        # threads log, too, and the page lives on the event loop
        with suppress(RuntimeError):  # which may be closed
            log = self._page.records.log
            self._loop.call_soon_threadsafe(log, record.levelname.lower(), record.name, self.format(record))


def failures_on(page: Page, runtime: Runtime) -> None:
    """Show on the page each error in the bot's code, besides telling whoever is told already."""
    told = runtime.on_failure

    def note(failure: Failure) -> None:
        page.records.failed(failure.where, failure.id, traceback_of(failure.error))
        if told is not None:
            told(failure)

    runtime.on_failure = note


def open_on_desktop(page: Page) -> None:
    """Open the page in the desktop's browser; nothing happens where there is none, or only over a network."""
    browser = desktop_browser()
    if browser is not None:
        # a browser that is slow to start holds nobody up, also not at the end
        threading.Thread(target=browser.open, args=(page.opening(),), name="wisp browser", daemon=True).start()


def desktop_browser() -> webbrowser.BaseBrowser | None:
    """The browser that opens beside the terminal."""
    display = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not display or os.environ.get("SSH_CONNECTION"):
        return None
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    # one that stays in the foreground would take the terminal for itself
    return None if type(browser) is webbrowser.GenericBrowser else browser
