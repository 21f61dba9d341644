"""The keyboard and the screen of a chat: lines are read in a thread, and output appears above the line being typed."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
import threading
import unicodedata
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any, TextIO

try:
    import readline
except ImportError:  # Windows: lines are typed without history and completion
    readline = None

try:
    import termios
except ImportError:  # Windows
    termios = None

COMPLETION_PATIENCE = 3.5
"""Seconds that a Tab waits: the 3 s that the bot has for its suggestions, and a little more."""

PROMPT_PATIENCE = 1.0
"""Seconds that output waits for a prompt that is being written."""

Complete = Callable[[str], Coroutine[Any, Any, list[str]]]


class Console:
    """A keyboard and a screen. Use it as a context manager, which restores the terminal at its end.

    It is `attended` if input comes from a terminal, and `interactive` if output goes to one too: then there is a
    prompt, line editing and completion. Piped input is read line by line. If `stdin` is closed (None) there are no
    lines.
    """

    def __init__(self, stdin: TextIO | None, stdout: TextIO, *, complete: Complete | None = None) -> None:
        self.attended: bool = stdin is not None and stdin is sys.stdin and stdin.isatty()
        self.interactive: bool = self.attended and stdout.isatty()
        self.colour: bool = stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.complete = complete
        self._stdin = stdin
        self._stdout = stdout
        self._prompt: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._screen = threading.RLock()
        self._completions: list[str] = []
        self._was: list[Any] | None = None

    def __enter__(self) -> Console:
        self._loop = asyncio.get_running_loop()
        if self.interactive and termios and self._stdin:
            self._was = termios.tcgetattr(self._stdin.fileno())
        if self.interactive and readline:
            readline.set_completer(self._completion)
            readline.set_completer_delims(" \t\n")
            libedit = "libedit" in (readline.__doc__ or "")
            readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
        return self

    def __exit__(self, *_: object) -> None:
        if self.interactive and readline:
            readline.set_completer(None)
            if hasattr(readline, "set_pre_input_hook"):
                readline.set_pre_input_hook(None)
        if self._prompt is not None:  # interrupted in the middle of a line
            self._stdout.write("\n")
        if termios and self._stdin and self._was is not None:
            termios.tcsetattr(self._stdin.fileno(), termios.TCSADRAIN, self._was)

    async def read(self, prompt: str) -> str | None:
        """Return the next line without its end, or None after the last. Call it again only after it has returned."""
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str | None] = loop.create_future()

        def deliver(typed: str | None) -> None:
            if not line.done():
                line.set_result(typed)

        def read() -> None:
            typed = self._typed(prompt) if self.interactive else self._piped()
            try:
                loop.call_soon_threadsafe(deliver, typed)
            except RuntimeError:  # the chat ended, and its event loop closed, meanwhile
                return

        # not a thread of a pool: Python waits for those at exit, and this one may wait for a key forever
        threading.Thread(target=read, name="wisp keyboard", daemon=True).start()
        return await line

    def write(self, text: str) -> None:
        """Write whole lines, above the line that is being typed."""
        text = encodable(text, self._stdout.encoding)
        # a timeout, since the prompt never appears if standard output was redirected
        free = self._screen.acquire(timeout=PROMPT_PATIENCE)
        try:
            if self._prompt is not None:
                text = self._above(text, self._prompt + (readline.get_line_buffer() if readline else ""))
            else:
                text += "\n"
            self._stdout.write(text)
            self._stdout.flush()
        finally:
            if free:
                self._screen.release()

    def _above(self, text: str, typing: str) -> str:
        """Return what replaces the line that is being typed by the text, with that line below it."""
        if os.environ.get("TERM") == "dumb":
            return f"\n{text}\n{typing}"
        rows = rows_before_end(typing, shutil.get_terminal_size().columns)
        return "\r" + "\x1b[A" * rows + f"\x1b[J{text}\n{typing}"

    def _typed(self, prompt: str) -> str | None:
        # output that is written before the prompt appears would write the prompt a second time
        with ExitStack() as opening:
            opening.enter_context(self._screen)

            def appeared() -> None:
                self._prompt = prompt
                opening.close()

            try:
                return self._edited(prompt, appeared)
            except EOFError:
                self._stdout.write("\n")
                return None
            finally:
                self._prompt = None

    def _edited(self, prompt: str, appeared: Callable[[], None]) -> str:
        """Return a line that is typed after the prompt. `appeared` is called when the prompt is on the screen."""
        if not readline:
            self._stdout.write(prompt)
            self._stdout.flush()
            appeared()
            return input()
        if hasattr(readline, "set_pre_input_hook"):
            readline.set_pre_input_hook(appeared)
        else:  # a libedit without it
            appeared()
        return input(prompt)

    def _piped(self) -> str | None:
        if self._stdin is None:
            return None
        # unbuffered: at exit the interpreter would wait for the lock of a buffer that is being read
        line = io.FileIO(self._stdin.fileno(), closefd=False).readline()
        return line.decode("utf-8", "replace").rstrip("\r\n") if line else None

    def _completion(self, _: str, state: int) -> str | None:
        """Return the completion of a number, or None after the last, as readline asks in the keyboard's thread."""
        if state == 0:
            self._completions = self._ask(readline.get_line_buffer()[: readline.get_endidx()] if readline else "")
        return self._completions[state] if state < len(self._completions) else None

    def _ask(self, typed: str) -> list[str]:
        if self.complete is None or self._loop is None:
            return []
        asked = asyncio.run_coroutine_threadsafe(self.complete(typed), self._loop)
        try:
            found = asked.result(COMPLETION_PATIENCE)
        except TimeoutError:
            asked.cancel()
            return []
        return [one if one.endswith(":") else f"{one} " for one in found]


class Lines(io.TextIOBase):
    """A text stream that passes whole lines on, so that printed output appears above the typed line."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._pass_on = write
        self._part = ""

    def write(self, text: str, /) -> int:
        """Pass on the lines that are complete now."""
        *lines, self._part = (self._part + text).split("\n")
        if lines:
            self._pass_on("\n".join(lines))
        return len(text)


def rows_before_end(text: str, columns: int) -> int:
    """Return in which row a text ends that begins in row 0 of a screen with so many columns.

    East Asian characters and emoji are two columns wide, and combining characters none.
    """
    columns = max(2, columns)
    row = column = 0
    for character in text:
        width = _width(character)
        if column + width > columns:
            row, column = row + 1, 0
        column += width
    return row + (column == columns)


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def encodable(text: str, encoding: str | None) -> str:
    """Return a text with "?" for each character that this encoding does not have."""
    encoding = encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)
