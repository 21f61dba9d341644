"""Loggers that write no secrets: who holds an interaction's token can answer in the bot's name for 15 minutes."""

from __future__ import annotations

import logging
import re

# as they stand in the addresses of Discord's REST API, which errors of hikari and tracebacks quote
_TOKEN = re.compile(r"((?:webhooks|interactions)/\d+/)[\w.~%-]+")


class _Redaction(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            # handlers write exc_text where it is there, and format exc_info themselves only where it is not
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        return True


def redacted(text: str) -> str:
    """The text without interaction tokens."""
    return _TOKEN.sub(r"\1<token>", text)


def get_logger(name: str) -> logging.Logger:
    """The logger of this name, made to write no interaction tokens."""
    logger = logging.getLogger(name)
    if not any(isinstance(present, _Redaction) for present in logger.filters):
        logger.addFilter(_Redaction())
    return logger
