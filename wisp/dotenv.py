"""The lines of a `.env` file, read as python-dotenv reads them; imported only if there is one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ambiguous(NamedTuple):
    """What is wrong with a value that a shell and python-dotenv read differently, or that they would interpolate."""

    message: str
    fix: str


_LINE = re.compile(r"[^\S\n]*(?:(export)[^\S\n]+)?([^\s#=][^\n=]*|(?==))(?:(=)[^\S\n]*)?")
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)  # a backslash escapes what follows it
_INTERPOLATED = re.compile(r"\$\{[^}]*\}")

_UNCLOSED = Ambiguous(
    "its quotes are not closed at the end of the value",
    "Close the quote at the end of the value, or leave the quotes out",
)
_UNCLEAR = Ambiguous(
    "it has ${...}, a backslash in quotes, or a # at its beginning, which programs read in different ways",
    "Write the value without them, or in single quotes",
)


def assignments(text: str) -> Iterator[tuple[int, str, str | Ambiguous | None]]:
    """Yield line, name and value of each assignment. The name is "" for a line that is not one.

    The value of `export NAME` is None.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    position, number = 0, 1
    while position < len(text):
        end = _end_of_line(text, position)
        if found := _LINE.match(text, position, end):
            exported, name, separator = found[1], found[2].strip(), found[3]
            value = None
            if separator and (quoted := _QUOTED.match(text, found.end())):
                end = _end_of_line(text, quoted.end())
                value = _unquoted(quoted[0], text[quoted.end() : end])
            elif separator:
                value = _plain(text[found.end(3) : end])
            if name or separator:
                yield number, name if separator or exported else "", value
        number += text.count("\n", position, end + 1)
        position = end + 1


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _plain(value: str) -> str | Ambiguous:
    """Return a value without quotes. A comment in it begins with a space."""
    text = re.split(r"\s#", value, maxsplit=1)[0].strip()
    if text[:1] in ("'", '"'):
        return _UNCLOSED
    if text.startswith("#") and not value[0].isspace() and re.search(r"\s", text):
        return _UNCLEAR
    return _UNCLEAR if _INTERPOLATED.search(text) else text


def _unquoted(quoted: str, rest: str) -> str | Ambiguous:
    """Return a value in quotes, after which `rest` stands on its line."""
    text, quote = quoted[1:-1], quoted[0]
    if (rest.strip() and not rest.lstrip().startswith("#")) or "\n" in text:
        return _UNCLOSED
    if quote == "'":
        return _UNCLEAR if "\\\\" in text else text.replace("\\'", "'")
    if any(character in "'abfnrtv$`" for character in re.findall(r"\\(.)", text)):
        return _UNCLEAR
    text = re.sub(r'\\(["\\])', r"\1", text)
    return _UNCLEAR if _INTERPOLATED.search(text) else text
