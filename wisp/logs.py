"""Logs: a record takes one line, and its traceback indented lines, whatever users typed; no record holds a token."""

from __future__ import annotations

import copy
import logging
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TextIO, cast

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

# one pattern each, since the search for a pattern that begins with a literal is fast
_TOKENS = (
    re.compile(r"(webhooks/\d+/)[\w.~%-]+"),  # in a URL of Discord's REST API
    re.compile(r"(interactions/\d+/)[\w.~%-]+"),
    re.compile(r"(token\\*[\"']?\s*[:=]\s*\\*[\"'])[^\\\"']+"),  # in a payload, or in the repr of an object
    re.compile(r"()aW50ZXJhY3Rpb246[\w+/-]+=*"),  # of an interaction, anywhere: base64 of "interaction:..."
    re.compile(r"([0-9]{17,20}:)[\w-]{60,}"),  # in the name that hikari gives to a rate limit
    re.compile(
        r"()[MNO][\w-]{17,40}\.[\w-]{6,10}\.[\w-]{24,}"
    ),  # of a bot, anywhere: its id in base64, a time, a signature
)

_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that end a line, steer a terminal or reverse the text after them, and halves of characters."""

_INDENT = "  "

_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
"""What every record has."""


def redacted(text: str) -> str:
    """Return the text without the tokens of interactions, webhooks and bots."""
    for pattern in _TOKENS:
        text = pattern.sub(r"\1<token>", text)
    return text


def one_line(text: str) -> str:
    """Return the text with line breaks and control characters as escape sequences: "\\n", "\\x1b"."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class Formatter(logging.Formatter):
    """Format a record as one line, and its traceback and stack as indented lines after it. Never raises."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record, without tokens."""
        record = copy.copy(record)
        _clean(record)
        record.name = one_line(record.name)
        return redacted(super().format(record))


class Handler(logging.StreamHandler[TextIO]):
    """Write records to standard error, with escape sequences for characters that its encoding does not have."""

    def __init__(self, format: str = FORMAT) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Formatter(format))

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record, as far as the stream can take them."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return super().format(record).encode(encoding, "backslashreplace").decode(encoding)


class _Cleaning(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        _clean(record)
        return True


def get_logger(name: str) -> logging.Logger:
    """Return a logger of wisp's own: its records are clean for every handler, whatever formatter that has."""
    logger = logging.getLogger(name)
    if not any(isinstance(present, _Cleaning) for present in logger.filters):
        logger.addFilter(_Cleaning())
    return logger


def protect() -> None:
    """Keep tokens out of the records of all loggers in this process, and format those that no handler is set up for.

    hikari, asyncio and the bot's own code have loggers of their own, and the program may have its own handlers and
    formatters. These are left alone, and so is a record without a token.
    """
    make = logging.getLogRecordFactory()
    if not (isinstance(make, partial) and make.func is _redacted_record):
        logging.setLogRecordFactory(partial(_redacted_record, make))
    if logging.lastResort is not None and logging.lastResort.formatter is None:
        logging.lastResort.setFormatter(Formatter())


def _redacted_record(make: Callable[..., logging.LogRecord], *args: object, **kwargs: object) -> logging.LogRecord:
    record = make(*args, **kwargs)
    try:
        message = record.getMessage()
    except Exception:  # reported where the record is formatted
        return record
    if (safe := redacted(message)) != message:
        record.msg, record.args = safe, None
    if record.exc_info and record.exc_info[1] is not None:
        trace = _traceback(record.exc_info)
        if (safe := redacted(trace)) != trace:
            record.exc_text = safe
            # for formatters that format exc_info themselves, as those for JSON do
            record.exc_info = _without_tokens(record.exc_info)
    return record


def _without_tokens(exc_info: Any) -> Any:
    """Return an exc_info whose exceptions look like those of `exc_info`, without tokens; None if that fails."""
    try:
        copy = _look_alike(exc_info[1])
    except Exception:  # such as a name that no class can have
        return None
    return type(copy), copy, exc_info[2]


def _look_alike(error: BaseException) -> BaseException:
    """Return an exception of the same name, traceback, chain and members, whose texts have no tokens."""
    copies: dict[int, tuple[BaseException, BaseException]] = {}
    linked = [error]

    def copy_of(one: BaseException) -> BaseException:
        if id(one) not in copies:
            members = list(map(copy_of, _members(one)))
            copies[id(one)] = one, _alike(one, members)
            linked.extend(other for other in (one.__cause__, one.__context__) if other is not None)
        return copies[id(one)][1]

    while linked:
        copy_of(linked.pop())
    for one, alike in copies.values():
        alike.__traceback__ = one.__traceback__
        alike.__cause__ = None if one.__cause__ is None else copy_of(one.__cause__)
        alike.__context__ = None if one.__context__ is None else copy_of(one.__context__)
        alike.__suppress_context__ = one.__suppress_context__
    return copy_of(error)


def _alike(error: BaseException, members: list[BaseException]) -> BaseException:
    """Return an exception of the name and text of `error`, a group if it has members, without tokens."""
    kind, text = type(error), redacted(str(error))

    def text_of(_: BaseException) -> str:
        return text

    names: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__str__": text_of}
    make: Any = type(kind.__name__, (BaseExceptionGroup if members else Exception,), names)
    alike = make(text, members) if members else make(text)
    for note in getattr(error, "__notes__", ()):
        alike.add_note(redacted(str(note)))
    return alike


def _members(error: BaseException) -> Sequence[BaseException]:
    return cast("BaseExceptionGroup[BaseException]", error).exceptions if isinstance(error, BaseExceptionGroup) else ()


def _clean(record: logging.LogRecord) -> None:
    """Make the message of a record one line without tokens, and its traceback and stack indented lines."""
    record.msg, record.args = one_line(redacted(_message(record))), None
    if record.exc_info and record.exc_info[1] is not None:
        # formatters use exc_text if it is there, and format exc_info otherwise
        record.exc_text = redacted(_traceback(record.exc_info))
    elif record.exc_text:
        record.exc_text = redacted(_indented(record.exc_text))
    if record.stack_info:
        record.stack_info = redacted(_indented(record.stack_info))
    for name in record.__dict__.keys() - _FIELDS:  # of `extra=`
        if isinstance(value := record.__dict__[name], str):
            record.__dict__[name] = redacted(value)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # the program goes on, and the record is not lost
        where = f"{record.pathname}:{record.lineno}: this log message could not be formatted"
        try:
            return f"{where} ({type(error).__name__}: {error}): {record.msg!r} with {record.args!r}"
        except Exception:
            return f"{where} ({type(error).__name__})"


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error without tokens; the text of each exception takes one line."""
    return redacted(textwrap.dedent(_traceback((type(error), error, error.__traceback__))))


def _traceback(exc_info: Any) -> str:
    """Return a traceback as indented lines, of which the text of each exception takes one."""
    try:
        parts = list(traceback.TracebackException(*exc_info).format())
    except Exception as error:
        parts = [f"{exc_info[0]} (without its traceback: {type(error).__name__})"]
    return _indented("\n".join(map(_one_part, parts)))


def _one_part(part: str) -> str:
    """Return one part of a traceback. Only the parts that traceback itself makes of several lines keep them."""
    part = part.removesuffix("\n")
    is_structure = part.lstrip(" |+-\n").startswith(('File "', "The above exception", "During handling"))
    return part if is_structure else one_line(part)


def _indented(text: str) -> str:
    return "\n".join(f"{_INDENT}{one_line(line)}" if line else line for line in textwrap.dedent(text).split("\n"))
