"""The fields of a form, each read as the kind that it has, and all that is wrong with them refused at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from wisp.limits import Violation
from wisp.sandbox.rest.errors import Refusal, snowflake
from wisp.sandbox.rest.forms import Form
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.objects import JSON, is_list, is_object
from wisp.sandbox.world.permissions import ALL_PERMISSIONS

REQUIRED = ("BASE_TYPE_REQUIRED", "This field is required")


class Fields:
    """What a form says, field by field. A reader gives None where a field is not there, null or wrong.

    `name in fields` tells whether a field is there, null included; `check` raises `Refusal` for what was wrong so far.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._raw: JSON = form.object()
        self._problems: list[Violation] = []

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def check(self) -> None:
        """Raise `Refusal` where a field that was read is wrong, for all of them."""
        if self._problems:
            raise self._form.refusal(*self._problems)

    def refuse(self, name: str, code: str, message: str) -> None:
        """Note that a field is wrong, with Discord's code and words."""
        self._problems.append(Violation((name,), code, message))

    def raw(self, name: str) -> Any:
        """A field as it came."""
        return self._raw.get(name)

    def text(self, name: str, bound: Bound, *, required: bool = False) -> str | None:
        """A text of this length."""
        value = self.raw(name)
        if value is None:
            if required or (name in self._raw and bound.least):
                self.refuse(name, *REQUIRED)
            return None
        if not isinstance(value, str):
            self.refuse(name, "STRING_TYPE_CONVERT", f'Could not interpret "{str(value)[:32]}" as string.')
            return None
        if not bound.holds(len(value)):
            words = f"Must be between {bound.least} and {bound.most} in length."
            if bound.least == 0:
                words = f"Must be {bound.most} or fewer in length."
            self.refuse(name, "BASE_TYPE_BAD_LENGTH" if bound.least else "BASE_TYPE_MAX_LENGTH", words)
            return None
        return value

    def integer(self, name: str, bound: Bound) -> int | None:
        """A whole number within bounds."""
        number = self._number(name)
        if number is not None and number < bound.least:
            self.refuse(name, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {bound.least}.")
        elif number is not None and number > bound.most:
            self.refuse(name, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {bound.most}.")
        else:
            return number
        return None

    def choice(self, name: str, allowed: Sequence[int]) -> int | None:
        """One of several numbers."""
        number = self._number(name)
        if number is None or number in allowed:
            return number
        words = ", ".join(map(str, allowed))
        self.refuse(name, "BASE_TYPE_CHOICES", f"Value must be one of {{{words}}}.")
        return None

    def boolean(self, name: str) -> bool | None:
        """True or false."""
        value = self.raw(name)
        if value in ("true", "false"):  # as discord.py sends some
            return value == "true"
        if value is None or isinstance(value, bool):
            return value
        self.refuse(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        return None

    def url(self, name: str, bound: Bound) -> str | None:
        """The address of a web page."""
        value = self.text(name, bound)
        if not value:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or not rest or any(character.isspace() for character in value):
            self.refuse(name, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif scheme.lower() not in ("http", "https"):
            words = f"Scheme \"{scheme[:32]}\" is not supported. Scheme must be one of ('http', 'https')."
            self.refuse(name, "URL_TYPE_INVALID_SCHEME", words)
        else:
            return value
        return None

    def snowflake(self, name: str) -> int | None:
        """An id."""
        value = self.raw(name)
        try:
            return None if value is None else snowflake(value, (name,))
        except Refusal:
            self.refuse(name, "NUMBER_TYPE_COERCE", f'Value "{str(value)[:32]}" is not snowflake.')
            return None

    def permissions(self, name: str) -> int | None:
        """A bit set of permissions, which comes as a number or as its digits; unknown bits are left out."""
        value = self.raw(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 40:
            value = int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return None if value is None else value & ALL_PERMISSIONS
        self.refuse(name, "NUMBER_TYPE_COERCE", f'Value "{str(value)[:32]}" is not int.')
        return None

    def moment(self, name: str) -> float | None:
        """A moment in ISO 8601, as seconds since the Unix epoch."""
        value = self.raw(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (TypeError, ValueError, OverflowError):
            code, words = "DATE_TIME_TYPE_PARSE", f"Could not parse {str(value)[:32]}. Should be ISO8601."
            self.refuse(name, code, words)
            return None

    def objects(self, name: str, most: int) -> list[JSON]:
        """A list of objects, empty where there is none."""
        found = self._items(name, most)
        if all(is_object(item) for item in found):
            return found
        self.refuse(name, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
        return []

    def texts(self, name: str, most: int, bound: Bound) -> list[str]:
        """A list of texts of this length, each once, empty where there is none."""
        found = self._items(name, most)
        if all(isinstance(item, str) and bound.holds(len(item)) for item in found):
            return list(dict.fromkeys(found))
        words = f"Must be between {bound.least} and {bound.most} in length."
        self.refuse(name, "BASE_TYPE_BAD_LENGTH", words)
        return []

    def snowflakes(self, name: str, most: int) -> list[int]:
        """A list of ids, empty where there is none."""
        try:
            return [snowflake(item, (name,)) for item in self._items(name, most)]
        except Refusal:
            self.refuse(name, "NUMBER_TYPE_COERCE", "Value is not snowflake.")
            return []

    def _items(self, name: str, most: int) -> list[Any]:
        value = self.raw(name)
        if value is None:
            return []
        if not is_list(value):
            self.refuse(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if len(value) > most:
            self.refuse(name, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
            return []
        return value

    def _number(self, name: str) -> int | None:
        value = self.raw(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
            value = int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.refuse(name, "NUMBER_TYPE_COERCE", f'Value "{str(value)[:32]}" is not int.')
        return None
