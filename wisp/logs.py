"""Loggers that redact tokens, and write a record as one line and its traceback as indented lines, whatever it holds."""

from __future__ import annotations

import copy
import logging
import re
import sys
import textwrap
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

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
"""Characters that end a line, control a terminal or reverse the text after them, and surrogates."""

_INDENT = "  "

_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
"""The attributes that every record has; all others come from `extra=`."""


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


class StderrHandler(logging.StreamHandler[TextIO]):
    """Write records to standard error."""

    def __init__(self, format: str = FORMAT) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(Formatter(format))


def get_logger(name: str) -> logging.Logger:
    """Return a logger of wisp itself. Its records are one line without tokens for every handler and formatter."""
    logger = logging.getLogger(name)
    logger.addFilter(_clean)
    return logger


def protect() -> None:
    """Redact tokens in the records of all loggers in this process, and format the records that have no handler.

    hikari, asyncio and the bot's own code have their own loggers, and the program may have its own handlers and
    formatters. These are not changed, and neither are records without a token.
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
            record.exc_info = None  # formatters write exc_text, and none may format the exception itself
    return record


def _clean(record: logging.LogRecord) -> bool:
    """Make the message of a record one line without tokens, and its traceback and stack indented lines."""
    record.msg, record.args = one_line(redacted(_message(record))), None
    if record.exc_info and record.exc_info[1] is not None:
        # formatters use exc_text if it is there, and format exc_info otherwise
        record.exc_text = redacted(_traceback(record.exc_info))
    elif record.exc_text:
        record.exc_text = redacted(_indented(record.exc_text))
    if record.stack_info:
        record.stack_info = redacted(_indented(record.stack_info))
    for name in record.__dict__.keys() - _FIELDS:
        if isinstance(value := record.__dict__[name], str):
            record.__dict__[name] = redacted(value)
    return True  # as a filter: log it


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # a log call must not stop the program, and the record must not be lost
        text = repr(record.msg) if isinstance(record.msg, str) else f"<{type(record.msg).__name__}>"
        where = f"{record.pathname}:{record.lineno}"
        return f"{where}: this log message could not be formatted: {text} ({type(error).__name__})"


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error without tokens; the text of each exception takes one line."""
    return redacted(textwrap.dedent(_traceback((type(error), error, error.__traceback__))))


def _traceback(exc_info: Any) -> str:
    """Return a traceback as indented lines, of which the text of each exception takes one."""
    parts = traceback.TracebackException(*exc_info).format()
    return _indented("\n".join(map(_one_part, parts)))


def _one_part(part: str) -> str:
    """Return one part of a traceback. Only parts in which `traceback` itself breaks lines keep their lines."""
    part = part.removesuffix("\n")
    is_structure = part.lstrip(" |+-\n").startswith(('File "', "The above exception", "During handling"))
    return part if is_structure else one_line(part)


def _indented(text: str) -> str:
    return "\n".join(f"{_INDENT}{one_line(line)}" if line else line for line in textwrap.dedent(text).split("\n"))
