"""Locations: the file and line of functions, classes, callers, waiting tasks and tracebacks."""

from __future__ import annotations

import asyncio
import inspect
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

from .inspection import underlying

_LIBRARIES = (
    str(Path(__file__).parent),
    *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")),
    *site.getsitepackages(),
)


# ---- definitions and callers ----


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """Return the file and line in which a function is defined, (None, None) if it is written in C."""
    code = getattr(underlying(function), "__code__", None)
    return (None, None) if code is None else (short_path(code.co_filename), code.co_firstlineno)


def place_of_class(cls: type) -> tuple[str | None, int | None]:
    """Return the file and line in which a class is defined, (None, None) without a source. It parses the whole file."""
    try:
        return short_path(inspect.getsourcefile(cls) or ""), inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return None, None


def place_of_caller() -> tuple[str, int]:
    """Return the file and line of the code outside of wisp that is calling now."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("wisp."):
        frame = frame.f_back
    return short_path(frame.f_code.co_filename), frame.f_lineno


def caller_locals(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the local names that the code that is defining a function can see, for annotations that are text.

    `from __future__ import annotations` keeps no trace of the local names that an annotation uses. They are read from
    the frames of the enclosing functions while these still run.
    """
    module = getattr(underlying(function), "__globals__", None)
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_globals is not module:
        frame = frame.f_back
    names: dict[str, Any] = {}
    while frame is not None and frame.f_globals is module and frame.f_code.co_name != "<module>":
        names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


def short_path(file: str) -> str:
    """Return a file relative to the current directory, or unchanged if it is outside of it or does not exist."""
    if not os.path.exists(file):
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith("..") else relative


# ---- tasks and tracebacks ----


def place(task: asyncio.Task[Any]) -> str:
    """Return where in the bot's code a task waits, as " (bot.py:12, in greet)"; "" if it is in none of it."""
    return place_in(_frames(task.get_coro()))


def place_in(frames: Iterable[FrameType]) -> str:
    """Return the innermost of these frames (outermost first) that is the bot's code, formatted as by `place`."""
    return _innermost((frame, frame.f_lineno) for frame in frames)


def line_of(task: asyncio.Task[Any]) -> str:
    """Return the same as `place`, with the line of code: " (bot.py:12, in greet: await door.wait())"."""
    return _innermost(((frame, frame.f_lineno) for frame in _frames(task.get_coro())), with_code=True)


def raised_at(traceback: TracebackType | None) -> str:
    """Return the innermost line of the bot's code in a traceback, formatted as by `place`."""
    return _innermost(walk_tb(traceback))


def in_bot(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first line of the bot's own code on; all of it if there is none."""
    begin = traceback
    while begin is not None and not _is_of_bot(begin.tb_frame):
        begin = begin.tb_next
    return begin or traceback


def _innermost(lines: Iterable[tuple[FrameType, int]], *, with_code: bool = False) -> str:
    of_bot = [(frame.f_code, line) for frame, line in lines if _is_of_bot(frame)]
    if not of_bot:
        return ""
    code, line = of_bot[-1]
    text = linecache.getline(code.co_filename, line).strip() if with_code else ""
    return f" ({os.path.relpath(code.co_filename)}:{line}, in {code.co_name}{text and ': '}{text})"


def _is_of_bot(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith(_LIBRARIES)


def _frames(coroutine: Any) -> list[FrameType]:
    """Return the frames of a coroutine and of the coroutines and generators that it awaits, outermost first."""
    found: list[FrameType | None] = []
    at = coroutine
    while kind := next((kind for kind in ("cr", "gi", "ag") if hasattr(at, f"{kind}_frame")), ""):
        found.append(getattr(at, f"{kind}_frame"))
        at = getattr(at, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return [frame for frame in found if frame]
