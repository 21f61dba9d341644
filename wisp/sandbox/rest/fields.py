"""The fields of a JSON object, read one by one: each has a type and bounds, and each problem is noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

from wisp import limits
from wisp.limits import Report, Violation, array, is_integer, is_object, listed, shown
from wisp.sandbox.rest.errors import invalid_form
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.objects import JSON, is_list
from wisp.sandbox.world.permissions import ALL_PERMISSIONS

if TYPE_CHECKING:
    from wisp.limits import Path, Validator

REQUIRED = ("BASE_TYPE_REQUIRED", "This field is required")

LAST_ID = 2**63 - 1
"""The largest id."""

_DIGITS = 20
"""Digits of the longest integer that is read from a string: a bit set of 64 bits."""


class Fields:
    """The fields of an object in a body or a query, with its path there.

    A reader returns None for a field that is absent, null or wrong, and notes what is wrong: call `check` before
    the values are used. `name in fields` says whether a field is there, null included. The objects in an object share
    its notes, so that one `check` raises all problems of a form at once.
    """

    __slots__ = ("_report", "path", "values")

    def __init__(self, value: object, path: Path = (), report: Report | None = None) -> None:
        self._report: Report = Report({}) if report is None else report
        self.path: Path = path
        self.values: JSON = {}
        if is_object(value):
            self.values = value
        elif value is not None:
            self._report.refuse(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def check(self) -> None:
        """Raise DiscordError if a field that was read is wrong, with all problems of the form."""
        if self._report.found:
            raise invalid_form(*self._report.found)

    def refuse(self, name: str | int, code: str, message: str) -> None:
        """Note that a field is wrong, with Discord's code and words."""
        self._report.refuse((*self.path, name), code, message)

    def refuse_all(self, problems: Iterable[Violation]) -> None:
        """Note problems whose paths begin at this object."""
        for problem in problems:
            self._report.refuse((*self.path, *problem.path), problem.code, problem.message)

    def require(self, name: str) -> None:
        """Note that a field is missing if it is absent or null."""
        if self.raw(name) is None:
            self.refuse(name, *REQUIRED)

    def raw(self, name: str) -> Any:
        """Return a field as it was sent, None if it is absent."""
        return self.values.get(name)

    @overload
    def text(self, name: str, bound: Bound, *, required: Literal[True]) -> str: ...

    @overload
    def text(self, name: str, bound: Bound, *, required: bool = False) -> str | None: ...

    def text(self, name: str, bound: Bound, *, required: bool = False) -> str | None:
        """Read a string of this length. A required one is "" if it is wrong."""
        if self.values.get(name) is None:
            if required or (name in self.values and bound.least):
                self.refuse(name, *REQUIRED)
            return "" if required else None
        found = self._read(name, _text(bound))
        return "" if required and found is None else found

    def integer(self, name: str, bound: Bound) -> int | None:
        """Read an integer within bounds, or its digits."""
        value = self.values.get(name)
        found = None if value is None else self._read(name, _bounded(bound), _number(value))
        return None if found is None else int(found)

    def choice(self, name: str, allowed: Sequence[int]) -> int | None:
        """Read one of several integers."""
        value = self.values.get(name)
        found = None if value is None else self._read(name, choice(*allowed), _number(value))
        return None if found is None else int(found)

    def numbers(self, name: str, allowed: Sequence[int]) -> list[int]:
        """Read a list of some of several integers, each once, empty if the field is absent or null."""
        return list(dict.fromkeys(self._read(name, array(0, len(allowed), choice(*allowed))) or ()))

    def words(self, name: str, allowed: Sequence[str]) -> list[str]:
        """Read a list of some of several words, empty if the field is absent or null."""
        return list(self._read(name, array(0, len(allowed), choice(*allowed))) or ())

    def word(self, name: str, allowed: Iterable[str]) -> str | None:
        """Read one of several words."""
        return self._read(name, choice(*sorted(allowed)))

    def boolean(self, name: str) -> bool | None:
        """Read true or false, or the words for it: discord.py sends some, and a query has nothing else."""
        value = self.raw(name)
        if isinstance(value, str):
            value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
        return self._read(name, boolean, value)

    def url(self, name: str, bound: Bound) -> str | None:
        """Read the address of a web page, None if it is empty."""
        return self._read(name, limits.url(bound.most, "http", "https")) or None

    @overload
    def snowflake(self, name: str, *, required: Literal[True]) -> int: ...

    @overload
    def snowflake(self, name: str, *, required: bool = False) -> int | None: ...

    def snowflake(self, name: str, *, required: bool = False) -> int | None:
        """Read an id. A required one is 0 if it is wrong."""
        if required:
            self.require(name)
        found = self._read(name, snowflake)
        return int(found) if found is not None else 0 if required else None

    def permissions(self, name: str) -> int | None:
        """Read a bit set of permissions, a number or its digits; unknown bits are left out."""
        found = self._read(name, permissions)
        return None if found is None else int(found) & ALL_PERMISSIONS

    def moment(self, name: str) -> float | None:
        """Read a moment in ISO 8601, as seconds since the Unix epoch."""
        found = self._read(name, timestamp)
        return seconds(found) if found else None

    def object(self, name: str) -> Fields | None:
        """Read an object, None if the field is absent or null."""
        value = self.raw(name)
        return None if value is None else Fields(value, (*self.path, name), self._report)

    def objects(self, name: str, most: int) -> list[Fields]:
        """Read a list of objects, empty if the field is absent or null."""
        found = self._read(name, array(0, most, is_model)) or ()
        return [Fields(item, (*self.path, name, index), self._report) for index, item in enumerate(found)]

    def texts(self, name: str, most: int, bound: Bound) -> list[str]:
        """Read a list of strings of this length, each once, empty if the field is absent or null."""
        return list(dict.fromkeys(self._read(name, array(0, most, _text(bound))) or ()))

    def snowflakes(self, name: str, most: int, value: Any = None) -> list[int]:
        """Read a list of ids, empty if the field is absent or null. A `value` stands for what was sent."""
        return [int(item) for item in self._read(name, array(0, most, snowflake), value) or ()]

    def _read(self, name: str, check: Validator, value: Any = None) -> Any:
        """Return a field, or the `value` that stands for it, if a check finds nothing wrong with it."""
        value = self.values.get(name) if value is None else value
        if value is None:
            return None
        known = len(self._report.found)
        check(self._report, value, (*self.path, name))
        return value if len(self._report.found) == known else None


def field_list(value: object) -> list[Fields]:
    """Return the objects of a body that is a list; one `check` checks all. Raises DiscordError if it is no list."""
    if not is_list(value):
        raise invalid_form(Violation((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
    report = Report({})
    for index, item in enumerate(value):
        is_model(report, item, (index,))
    return [Fields(item if is_object(item) else {}, (index,), report) for index, item in enumerate(value)]


def present(**values: Any) -> JSON:
    """Return the values that were read, without those that are None: what an edit changes."""
    return {name: value for name, value in values.items() if value is not None}


def read_id(value: object, path: Path) -> int:
    """Return the id that a part of a path is. Raises DiscordError if it is not an id."""
    if not 0 <= (id := _integer(value)) <= LAST_ID:
        report = Report({})
        snowflake(report, value, path)
        raise invalid_form(*report.found)
    return id


def seconds(moment: str) -> float:
    """Return a moment in ISO 8601 as seconds since the Unix epoch; one without an offset is in UTC."""
    read = datetime.fromisoformat(moment)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


# ---- the check of one value, besides those of `wisp.limits` ----


def boolean(report: Report, value: object, path: Path) -> None:
    """Check a bool."""
    if not isinstance(value, bool):
        report.refuse(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


def choice(*allowed: int | str) -> Validator:
    """Return the check of one of several strings or integers."""

    def check(report: Report, value: Any, path: Path) -> None:
        if not isinstance(value, (str, int)) or isinstance(value, bool) or value not in allowed:
            report.refuse(path, "BASE_TYPE_CHOICES", f"Value must be one of {listed(allowed)}.")

    return check


def snowflake(report: Report, value: Any, path: Path) -> None:
    """Check an id, a string or an integer."""
    if not 0 <= _integer(value) <= LAST_ID:
        report.refuse(path, "NUMBER_TYPE_COERCE", f"Value {shown(value)} is not snowflake.")


def permissions(report: Report, value: Any, path: Path) -> None:
    """Check a bit set, a string or an integer."""
    if _integer(value) < 0:
        report.refuse(path, "NUMBER_TYPE_COERCE", f"Value {shown(value)} is not int.")


def timestamp(report: Report, value: Any, path: Path) -> None:
    """Check a moment in ISO 8601, or ""."""
    known = len(report.found)
    limits.text(0, 64)(report, value, path)
    if not value or len(report.found) > known:
        return
    try:
        seconds(value)
    except (ValueError, OverflowError):
        report.refuse(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {shown(value)}. Should be ISO8601.")


def is_model(report: Report, value: object, path: Path) -> None:
    """Check that a value is an object."""
    if not is_object(value):
        report.refuse(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")


@cache
def _text(bound: Bound) -> Validator:
    return limits.text(bound.least, bound.most)


@cache
def _bounded(bound: Bound) -> Validator:
    return limits.integer(bound.least, bound.most)


def _integer(value: object) -> int:
    """Return an integer, also if it is written as a string; -1 for anything else."""
    if isinstance(value, str) and 0 < len(value) <= _DIGITS and value.isascii() and value.isdigit():
        return int(value)
    return value if is_integer(value) else -1


def _number(value: object) -> object:
    """Return the integer that a string of digits stands for; anything else as it is."""
    number = _integer(value)
    return number if number >= 0 else value
