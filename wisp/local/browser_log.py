"""The browser log: the page of a local Discord shows what the bot logs, and its errors."""

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
from ..logs import Formatter, StderrHandler, traceback_of
from ..sandbox.page.page import Page

if TYPE_CHECKING:
    from ..bot import Bot
    from ..runtime import Failure, Runtime


@contextmanager
def show_log(page: Page, bot: Bot) -> Generator[None]:
    """Show log records on the page, with the bot's real token redacted.

    If logging is not set up, these are records from INFO on, of hikari and lightbulb from WARNING on. Standard error
    still gets warnings only, as by Python's default.
    """
    with suppress(StartError):  # the start of the bot reports invalid settings
        page.records.secrets.update(filter(None, [bot.settings().token]))
    root = logging.getLogger()
    handlers: list[logging.Handler] = [PageLogHandler(page)]
    levels: dict[logging.Logger, int] = {}
    if not root.handlers:
        warnings = StderrHandler("%(message)s")
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


class PageLogHandler(logging.Handler):
    """Shows log records on a page."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.setFormatter(Formatter())
        self._page = page
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, from any thread."""
        with suppress(RuntimeError):  # the event loop, which the page belongs to, may be closed
            log = self._page.records.log
            self._loop.call_soon_threadsafe(log, record.levelname.lower(), record.name, self.format(record))


def show_failures(page: Page, runtime: Runtime) -> None:
    """Show errors in the bot's code on the page, in addition to what `runtime.on_failure` does already."""
    inner = runtime.on_failure

    def note(failure: Failure) -> None:
        page.records.failed(failure.where, failure.id, traceback_of(failure.error))
        if inner is not None:
            inner(failure)

    runtime.on_failure = note


def open_on_desktop(page: Page) -> None:
    """Open the page in the desktop's browser, unless there is no desktop on this machine."""
    browser = desktop_browser()
    if browser is not None:
        # a daemon, so that a browser that starts slowly delays neither the chat nor its end
        threading.Thread(target=browser.open, args=(page.opening(),), name="wisp browser", daemon=True).start()


def desktop_browser() -> webbrowser.BaseBrowser | None:
    """Return the browser that opens beside the terminal, or None."""
    display = sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not display or os.environ.get("SSH_CONNECTION"):
        return None
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    # a browser of this type runs in the terminal
    return None if type(browser) is webbrowser.GenericBrowser else browser
