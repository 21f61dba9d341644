"""A line that somebody typed: a slash command, plain text, or a command to the terminal itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wisp.sandbox.world.objects import Impossible


@dataclass(frozen=True, slots=True)
class Slash:
    """`/admin kick user:@bob`: words ("admin", "kick") and options (("user", "@bob"),), as typed."""

    words: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "/" + " ".join([*self.words, *(f"{name}:{quoted(value)}" for name, value in self.options)])


@dataclass(frozen=True, slots=True)
class Say:
    """Text for the channel. A backslash before it lets it begin with `/` or `:`."""

    text: str

    def __str__(self) -> str:
        return "\\" + self.text if self.text.startswith(("/", ":", "\\")) else self.text


@dataclass(frozen=True, slots=True)
class Local:
    """`:as bob`: the terminal's own command "as" with the argument "bob" ("" where there is none)."""

    name: str
    argument: str = ""

    def __str__(self) -> str:
        return f":{self.name} {self.argument}".rstrip()


Line = Slash | Say | Local
LOCAL = re.compile(r":([a-z]+)(?:\s+(.*))?", re.DOTALL)
ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def parse(typed: str) -> Line:
    """What a typed line means. Raises Impossible where a slash command's options cannot be told apart."""
    text = typed.strip()
    if text.startswith("/"):
        return _slash(text[1:])
    if match := LOCAL.fullmatch(text):
        return Local(match[1], match[2] or "")
    return Say(text.removeprefix("\\").strip())


def quoted(value: str) -> str:
    """An option's value as it is typed: in double quotes where it is empty or could be misread."""
    if value and not value.startswith('"') and not any(character.isspace() for character in value):
        return value
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def words(text: str) -> list[str]:
    """Words, those in quotes with their spaces. Raises Impossible where a quote stays open."""
    found: list[str] = []
    position = 0
    while (position := _skip_spaces(text, position)) < len(text):
        if text[position] == '"':
            word, position = _quoted(text, position + 1)
        else:
            begin = position
            while position < len(text) and not text[position].isspace():
                position += 1
            word = text[begin:position]
        found.append(word)
    return found


def fields(text: str) -> dict[str, str]:
    """`name:text` by name; names and texts with spaces stand in quotes. Raises Impossible where it is not that."""
    found: dict[str, str] = {}
    position = 0
    while (position := _skip_spaces(text, position)) < len(text):
        begin = position
        if text[position] == '"':
            name, position = _quoted(text, position + 1, ":")
        else:
            end = next((n for n in range(position, len(text)) if text[n] == ":" or text[n].isspace()), len(text))
            name, position = text[position:end], end
        if not name or text[position : position + 1] != ":":
            word = text[begin:].split(maxsplit=1)[0]
            raise Impossible(f"{word!r} belongs to no field: fields are written name:text, texts with spaces in quotes")
        if name in found:
            raise Impossible(f"the field {name!r} is given twice")
        position += 1
        if text[position : position + 1] == '"':
            found[name], position = _quoted(text, position + 1)
        else:
            end = next((n for n in range(position, len(text)) if text[n].isspace()), len(text))
            found[name], position = text[position:end], end
    return found


def field_name(name: str) -> str:
    """A field's name as it is typed: in double quotes where it could be misread."""
    return f'"{_escaped(name)}"' if ":" in name else quoted(name)


def _slash(text: str) -> Slash:
    words: list[str] = []
    options: dict[str, str] = {}
    position = 0
    while (position := _skip_spaces(text, position)) < len(text):
        word, position = _word(text, position)
        name, colon, value = word.partition(":")
        if not colon:
            if options:
                raise Impossible(
                    f"{word!r} belongs to no option: options are written name:value, and a value "
                    'with spaces stands in quotes, reason:"too loud"'
                )
            words.append(word)
            continue
        if not name:
            raise Impossible(f"{word!r} lacks the option's name: options are written name:value")
        if name in options:
            raise Impossible(f"the option {name!r} is given twice")
        options[name] = value
    if not words:
        raise Impossible("a command's name is expected after the /, as in /hello name:Ada")
    return Slash(tuple(words), tuple(options.items()))


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _word(text: str, position: int) -> tuple[str, int]:
    """The word that begins at `position`, a quoted value taken out of its quotes, and where it ends."""
    begin = position
    named = False
    while position < len(text) and not text[position].isspace():
        if text[position] == ":" and not named:
            named = True
            if text[position + 1 : position + 2] == '"':
                value, end = _quoted(text, position + 2)
                return text[begin : position + 1] + value, end
        position += 1
    return text[begin:position], position


def _quoted(text: str, position: int, after: str = "") -> tuple[str, int]:
    """What stands in quotes from `position` on, and where they end; a space, or `after`, has to come then."""
    value: list[str] = []
    while position < len(text):
        character = text[position]
        if character == '"':
            end = position + 1
            if end < len(text) and not text[end].isspace() and text[end] != after:
                raise Impossible(f"a space is expected after the closing quote, not {text[end]!r}")
            return "".join(value), end
        if character == "\\" and text[position + 1 : position + 2] in ESCAPES:
            value.append(ESCAPES[text[position + 1]])
            position += 2
            continue
        value.append(character)
        position += 1
    raise Impossible('a quote is opened and never closed: a quoted value ends with "')
