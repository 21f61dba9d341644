"""Where in a bot's own code a task waits, or an error was raised."""

from __future__ import annotations

import asyncio
import linecache
import os
import site
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

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
