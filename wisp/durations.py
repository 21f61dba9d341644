"""Durations: how people type them, like 1h30m or "2 hours", and how they are shown."""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=100 * 366)
"""About a hundred years: the scheduler takes no longer delay, and the sum with a date of today is a date."""

_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*(?:,|and\b)?", re.IGNORECASE)

_UNITS = {
    **dict.fromkeys(("w", "week", "weeks"), "weeks"),
    **dict.fromkeys(("d", "day", "days"), "days"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hours"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "seconds"),
}


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that a text says, or None if it says none: numbers with units, each unit at most once.

    What does not fit into a timedelta becomes the longest timedelta.
    """
    parts: dict[str, float] = {}
    end, text = 0, text.strip()
    while end < len(text):
        match = _PART.match(text, end)
        unit = _UNITS.get(match[2].lower()) if match else None
        if match is None or unit is None or unit in parts:
            return None
        parts[unit] = float(match[1])
        end = match.end()
    try:
        return timedelta(**parts) if parts else None
    except OverflowError:
        return timedelta.max


def duration_in_words(duration: timedelta) -> str:
    """Return a duration as people type it: "1h30m", "0s"."""
    sign, duration = ("-", -duration) if duration < timedelta() else ("", duration)
    minutes, seconds = divmod(duration.seconds, 60)
    exact = f"{seconds}.{duration.microseconds:06}".rstrip("0").rstrip(".")
    parts = ((duration.days, "d"), (minutes // 60, "h"), (minutes % 60, "m"), (exact if float(exact) else 0, "s"))
    return sign + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0s")
