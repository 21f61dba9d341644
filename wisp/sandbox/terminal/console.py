"""The keyboard and the screen of a chat: lines are read in a thread, and what comes meanwhile leaves them whole."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any, TextIO

try:
    import readline
except ImportError:  # Windows: lines are typed without history and completion
    readline = None

try:
    import termios
except ImportError:  # Windows has no such thing to put back in order
    termios = None

COMPLETION_PATIENCE = 3.5
"""Seconds that a Tab waits: as long as the bot has to suggest something, and a little."""

PROMPT_PATIENCE = 1.0
"""Seconds that what is written waits for a prompt that is on its way to the screen."""

Complete = Callable[[str], Coroutine[Any, Any, list[str]]]


class Console:
    """A keyboard and a screen. Use it as a context manager, which leaves the terminal as it was.

    `attended` is where somebody sits at a terminal's keyboard, `interactive` where they look at its screen, too:
    then there is a prompt, line editing and completion. Piped input is read line by line; where `stdin` is closed
    (None) there is no line.
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
        if self._prompt is not None:  # interrupted in the middle of a line: what comes next begins its own
            self._stdout.write("\n")
        if termios and self._stdin and self._was is not None:
            termios.tcsetattr(self._stdin.fileno(), termios.TCSADRAIN, self._was)

    async def read(self, prompt: str) -> str | None:
        """The next line without its end, None after the last one. One call at a time."""
        loop = asyncio.get_running_loop()
        line: asyncio.Future[str | None] = loop.create_future()

        def deliver(typed: str | None) -> None:
            if not line.done():
                line.set_result(typed)

        def read() -> None:
            typed = self._typed(prompt) if self.interactive else self._piped()
            try:
                loop.call_soon_threadsafe(deliver, typed)
            except RuntimeError:  # the chat ended, and its loop closed, while somebody was typing
                return

        # not a pool's thread: those are waited for at exit, and this one may wait for a key that never comes
        threading.Thread(target=read, name="wisp keyboard", daemon=True).start()
        return await line

    def write(self, text: str) -> None:
        """Put whole lines on the screen, above the line that is being typed."""
        text = shown(text, self._stdout.encoding)
        # A prompt that does not come (some other screen took standard output's place) holds nobody up for long.
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
        """The text in the place of the line that is being typed, and that line once more below it."""
        if os.environ.get("TERM") == "dumb":
            return f"\n{text}\n{typing}"
        rows = len(typing) // max(1, shutil.get_terminal_size().columns)
        return "\r" + "\x1b[A" * rows + f"\x1b[J{text}\n{typing}"

    def _typed(self, prompt: str) -> str | None:
        # Whoever writes while the prompt is on its way would put it on the screen a second time.
        with ExitStack() as opening:
            opening.enter_context(self._screen)

            def stands() -> None:
                self._prompt = prompt
                opening.close()

            try:
                return self._edited(prompt, stands)
            except EOFError:
                self._stdout.write("\n")
                return None
            finally:
                self._prompt = None

    def _edited(self, prompt: str, stands: Callable[[], None]) -> str:
        """A line as it is typed after the prompt; `stands` is called once that is on the screen."""
        if not readline:
            self._stdout.write(prompt)
            self._stdout.flush()
            stands()
            return input()
        if hasattr(readline, "set_pre_input_hook"):
            readline.set_pre_input_hook(stands)
        else:  # a libedit without it
            stands()
        return input(prompt)

    def _piped(self) -> str | None:
        if self._stdin is None:
            return None
        # unbuffered: the interpreter's exit would wait for the lock of a buffer that is being read
        line = io.FileIO(self._stdin.fileno(), closefd=False).readline()
        return line.decode("utf-8", "replace").rstrip("\r\n") if line else None

    def _completion(self, _: str, state: int) -> str | None:
        """readline asks, in the keyboard's thread, for one completion after another until None comes."""
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
    """A text stream that hands whole lines on: what is printed elsewhere comes out above the typed line."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._hand_on = write
        self._part = ""

    def write(self, text: str, /) -> int:
        """Hand on the lines that are complete now."""
        *lines, self._part = (self._part + text).split("\n")
        if lines:
            self._hand_on("\n".join(lines))
        return len(text)


def shown(text: str, encoding: str | None) -> str:
    """The text as far as a screen of this encoding can show it, "?" for the rest."""
    encoding = encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)
