"""Where in a bot's own code a task waits, or an error was raised."""

from __future__ import annotations

import asyncio
import inspect
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FrameType, TracebackType
from typing import Any
from weakref import WeakKeyDictionary

from .inspection import underlying

_OTHERS = (
    str(Path(__file__).parent),
    *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")),
    *site.getsitepackages(),
)


def place(task: asyncio.Task[Any]) -> str:
    """Return where in the bot's code a task waits, as " (bot.py:12, in greet)"; "" if it is in none of it."""
    return place_in(_frames(task))


def place_in(frames: Iterable[FrameType]) -> str:
    """Return the innermost of these frames, outermost first, that is the bot's code, in words as `place` gives them."""
    frame = _innermost(frames)
    return f" ({_where(frame)})" if frame else ""


def line_of(task: asyncio.Task[Any]) -> str:
    """Return as `place`, with the line of code: " (bot.py:12, in greet: await door.wait())"."""
    frame = _innermost(_frames(task))
    if frame is None:
        return ""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return f" ({_where(frame)}{line and ': '}{line})"


def raised_at(traceback: TracebackType | None) -> str:
    """Return the innermost line of the bot's code in a traceback, in words as `place` gives them."""
    lines = [f" ({_where(frame, line)})" for frame, line in walk_tb(traceback) if _is_of_bot(frame)]
    return lines[-1] if lines else ""


def in_bot(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first line of the bot's own code on; all of it if there is none."""
    begin = traceback
    while begin is not None and not _is_of_bot(begin.tb_frame):
        begin = begin.tb_next
    return begin or traceback


def _where(frame: FrameType, line: int | None = None) -> str:
    return f"{os.path.relpath(frame.f_code.co_filename)}:{line or frame.f_lineno}, in {frame.f_code.co_name}"


def _innermost(frames: Iterable[FrameType]) -> FrameType | None:
    return next((frame for frame in reversed([*frames]) if _is_of_bot(frame)), None)


def _is_of_bot(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(_OTHERS)


def _frames(task: asyncio.Task[Any]) -> list[FrameType]:
    """Return the frames of the coroutines and generators that a task is in, outermost first."""
    found: list[FrameType] = []
    at: Any = task.get_coro()
    while at is not None:
        found += [getattr(at, name) for name in ("cr_frame", "gi_frame", "ag_frame") if getattr(at, name, None)]
        at = next((getattr(at, name) for name in ("cr_await", "gi_yieldfrom", "ag_await") if hasattr(at, name)), None)
    return found


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """The file (as short as it can be said from here) and line where `function` stands, as far as known."""
    code: CodeType | None = getattr(underlying(function), "__code__", None)
    return (None, None) if code is None else (short_path(code.co_filename), code.co_firstlineno)


def place_of_class(cls: type) -> tuple[str | None, int | None]:
    """Return the file (as short as it can be said from here) and line of a class, (None, None) without a source."""
    if cls not in _places_of_classes:
        _places_of_classes[cls] = _find_class(cls)
    file, line = _places_of_classes[cls]
    return file and short_path(file), line


_places_of_classes: WeakKeyDictionary[type, tuple[str | None, int | None]] = WeakKeyDictionary()
"""What was found, since each search parses the whole file."""


def _find_class(cls: type) -> tuple[str | None, int | None]:
    try:
        return inspect.getsourcefile(cls), inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return None, None


def place_of_caller() -> tuple[str, int]:
    """The file and line of the code outside wisp that is calling now."""
    frame: FrameType = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("wisp."):
        frame = frame.f_back
    return short_path(frame.f_code.co_filename), frame.f_lineno


def short_path(file: str) -> str:
    """A file as short as it can be said from here."""
    if not os.path.exists(file):
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative
