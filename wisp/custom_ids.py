"""Custom ids: typed fields in the 100 characters that Discord gives back with a click or a form."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import hikari

T = TypeVar("T")

LONGEST = 100
"""The most characters of a custom id: https://discord.com/developers/docs/components/reference#anatomy-of-a-component."""

RESERVED = "wisp"
"""The first part of the custom ids that wisp makes for itself."""

_FIELD = re.compile(r"\{(\w+)\}")
_ESCAPED = re.compile("%3A|%25")


class Unfit(Exception):
    """A pattern, an annotation or a value that cannot be (in) a custom id: (problem, fix)."""


class Pattern:
    """How the custom ids of one handler look: "vote:{poll_id}:{choice}".

    Parts stand between colons; the first is a name of letters, digits, "-", "_", ".", the others are names or fields
    of the handler, one each. In a value, "%" and ":" stand as %25 and %3A. Raises Unfit for anything else.
    """

    def __init__(self, text: str) -> None:
        self.text: str = text
        # of each part, the name as it is, or None for a field
        self.parts: list[str | None] = []
        self.fields: list[str] = []
        for number, part in enumerate(text.split(":")):
            field = _FIELD.fullmatch(part)
            if field and number:
                self.parts.append(None)
                self.fields.append(field[1])
            elif re.fullmatch(r"[\w.-]+", part):
                self.parts.append(part)
            else:
                fix = 'Write names and fields between colons, a name first, like "vote:{poll_id}:{choice}"'
                raise Unfit(f"{part!r} in the custom id {text!r} is neither a name nor a field", fix)
        if len(set(self.fields)) < len(self.fields):
            raise Unfit(f"the custom id {text!r} has a field twice", "Name each field once")

    def fill(self, values: Mapping[str, str]) -> str:
        """The custom id with these texts for its fields. Raises Unfit where it takes more than 100 characters."""
        fields = iter(self.fields)
        filled = ":".join(_escaped(values[next(fields)]) if part is None else part for part in self.parts)
        if len(filled) > LONGEST:
            raise Unfit(
                f"the custom id {filled!r} takes {len(filled)} characters, and Discord keeps {LONGEST}",
                "Put less into it: the key of something that is in ctx.data, for example",
            )
        return filled


class Codec:
    """How values of one annotation travel as text: `write` makes it, `read` takes it (ValueError where it cannot).

    `shortest` is the shortest text that `write` makes.
    """

    __slots__ = ("read", "shortest", "write")

    def __init__(self, write: Callable[[Any], str], read: Callable[[str], Any], shortest: str) -> None:
        self.write: Callable[[Any], str] = write
        self.read: Callable[[str], Any] = read
        self.shortest: str = shortest


def codec_of(annotation: Any) -> Codec:
    """The codec of str, int, float, bool, hikari.Snowflake, an Enum or a Literal. Raises Unfit for anything else."""
    if annotation in _CODECS:
        return _CODECS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _one_of({member.name: member for member in annotation})
    if typing.get_origin(annotation) is Literal:
        values = typing.get_args(annotation)
        if len({str(value) for value in values}) < len(values) or len(set(values)) < len(values):
            raise Unfit(f"two values of `{annotation}` are the same in a custom id", "Use values of one type")
        return _one_of({str(value): value for value in values})
    shown = annotation.__name__ if isinstance(annotation, type) else annotation
    raise Unfit(
        f"a custom id cannot hold a `{shown}`",
        "Use str, int, float, bool, hikari.Snowflake, an Enum or a Literal: the id of a thing, and not the thing",
    )


def _plain(cls: Callable[[str], Any], *kinds: type) -> Codec:
    def write(value: Any) -> str:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise Unfit(f"it is {value!r}", f"Give it a {kinds[0].__name__}")
        if isinstance(value, str):
            return str.__str__(value)
        # hikari's ids, and members of enums that are numbers: as the plain value
        return repr(float(value)) if float in kinds else str(int(value))

    return Codec(write, cls, "" if str in kinds else "0")


def _one_of(members: Mapping[str, Any]) -> Codec:
    names = {value: name for name, value in members.items()}

    def write(value: Any) -> str:
        try:
            return names[value]
        except (KeyError, TypeError):
            raise Unfit(f"it is {value!r}", f"Give it one of {', '.join(members)}") from None

    def read(text: str) -> Any:
        try:
            return members[text]
        except KeyError:
            raise ValueError(text) from None

    return Codec(write, read, min(members, key=len, default=""))


def _read_int(text: str) -> int:
    # what int() takes besides ("1_0", " 1", digits of other scripts) was never written here
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _read_snowflake(text: str) -> hikari.Snowflake:
    number = _read_int(text)
    if not 0 <= number < 2**64:
        raise ValueError(text)
    return hikari.Snowflake(number)


_CODECS: dict[Any, Codec] = {
    str: _plain(str, str),
    int: _plain(_read_int, int),
    float: _plain(float, float, int),
    bool: _one_of({"1": True, "0": False}),
    hikari.Snowflake: _plain(_read_snowflake, int),
}


class Routes(Generic[T]):
    """Which custom ids belong to whom: found by their parts, however many there are of either."""

    def __init__(self) -> None:
        self._top: _Node[T] = _Node()

    def add(self, pattern: Pattern, handler: T) -> T | None:
        """Send the custom ids of `pattern` to `handler`; whoever had them is given back, and keeps them."""
        node = self._top
        for part in pattern.parts:
            node = node.below.setdefault(part, _Node())
        if node.handler is None:
            node.handler = handler
            return None
        return node.handler

    def find(self, custom_id: str) -> tuple[T, list[str]] | None:
        """The handler of a custom id, and the texts of its fields, in order; None where nobody knows it.

        A name goes before a field. A field at the end takes all that is left: who wrote the id by hand may have
        left colons in it.
        """
        return _find(self._top, custom_id.split(":"), [])


class _Node(Generic[T]):
    __slots__ = ("below", "handler")

    def __init__(self) -> None:
        self.below: dict[str | None, _Node[T]] = {}
        self.handler: T | None = None


def _find(node: _Node[T], parts: Sequence[str], values: list[str]) -> tuple[T, list[str]] | None:
    if not parts:
        return None if node.handler is None else (node.handler, [_unescaped(value) for value in values])
    named = node.below.get(parts[0])
    if named is not None and (found := _find(named, parts[1:], values)):
        return found
    field = node.below.get(None)
    if field is None:
        return None
    if found := _find(field, parts[1:], [*values, parts[0]]):
        return found
    return _find(field, (), [*values, ":".join(parts)])


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace(":", "%3A")


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: ":" if match[0] == "%3A" else "%", value)


def names_of(fields: Iterable[str]) -> str:
    """Fields in words: `{a} and {b}`."""
    return " and ".join(f"{{{field}}}" for field in fields)
