"""What a typed line or value means: slash commands, text, terminal commands, and mentions by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from wisp.sandbox.people.commands import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    USER,
    Chosen,
    File,
    Value,
)
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    CATEGORY,
    FORUM,
    JSON,
    STAGE,
    TEXT,
    VOICE,
    Channel,
    Guild,
    Impossible,
    Role,
    User,
)

NO_ADVANCE = (
    "the bot runs in another process, whose time the sandbox cannot move: "
    "`wisp sandbox bot.py` runs a wisp bot in the same process"
)
"""The reply to `:advance` if the sandbox cannot move the bot's time."""

OpenFile: TypeAlias = Callable[[str, str], File]
"""Returns the file that a typed text means for the option of a name. Raises Impossible if there is none."""

CHANNEL_TYPES: Mapping[str, int] = {
    "text": TEXT,
    "voice": VOICE,
    "category": CATEGORY,
    "forum": FORUM,
    "announcement": ANNOUNCEMENT,
    "stage": STAGE,
}
"""The types of channels that people can make, by the names that are typed for them."""

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")

_USER_ID = re.compile(r"(?:<@!?)?([0-9]{15,20})>?")
_NAME = re.compile(r"(?<!\S)(?P<sign>[@#])(?P<name>[^\s@#]+)")


@dataclass(frozen=True, slots=True)
class Slash:
    """`/admin kick user:@bob`: words ("admin", "kick") and options (("user", "@bob"),), as typed."""

    words: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "/" + " ".join([*self.words, *(f"{name}:{quoted(value)}" for name, value in self.options)])


@dataclass(frozen=True, slots=True)
class Say:
    """Text for the channel. If it begins with `/` or `:`, it is typed with a backslash before it."""

    text: str

    def __str__(self) -> str:
        return "\\" + self.text if self.text.startswith(("/", ":", "\\")) else self.text


@dataclass(frozen=True, slots=True)
class TerminalCommand:
    """`:as bob`: a command of the terminal itself, "as", with the argument "bob" ("" if there is none)."""

    name: str
    argument: str = ""

    def __str__(self) -> str:
        return f":{self.name} {self.argument}".rstrip()


Line: TypeAlias = Slash | Say | TerminalCommand

_TERMINAL_COMMAND = re.compile(r":([a-z]+)(?:\s+(.*))?", re.DOTALL)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def parse(typed: str) -> Line:
    """Parse a typed line. Raises Impossible if it is not a valid slash command, though it begins as one."""
    text = typed.strip()
    if text.startswith("/"):
        return _slash(text[1:])
    if match := _TERMINAL_COMMAND.fullmatch(text):
        return TerminalCommand(match[1], match[2] or "")
    return Say(text.removeprefix("\\").strip())


def quoted(value: str) -> str:
    """Return an option's value as it is typed: in double quotes if it is empty or could be misread."""
    if value and not value.startswith('"') and not any(character.isspace() for character in value):
        return value
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def words(text: str) -> list[str]:
    """Split a text into words; quoted ones contain spaces. Raises Impossible if a quote is not closed."""
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
    """Parse `name:text name:text`, with quotes around what contains spaces. Raises Impossible if it is not that."""
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
    """Return a field's name as it is typed: in double quotes if it could be misread."""
    return f'"{_escaped(name)}"' if ":" in name else quoted(name)


def parse_options(
    chosen: Chosen,
    typed: Mapping[str, str],
    guild: Guild | None,
    file: OpenFile,
    *,
    users: Mapping[int, User],
    partial: bool = False,
) -> dict[str, Value]:
    """Return the values that typed texts mean for the options of a command. Texts for unknown options stay texts.

    `users` are all users by id: an id or a mention also names those who are not in the guild. Raises Impossible if one
    is not of its option's type; with `partial` it is left out instead.
    """
    options = {option["name"]: option for option in chosen.options}
    values: dict[str, Value] = {}
    for name, text in typed.items():
        with suppress(Impossible) if partial else nullcontext():
            values[name] = parse_value(options[name], text, guild, file, users) if name in options else text
    return values


def parse_value(option: JSON, typed: str, guild: Guild | None, file: OpenFile, users: Mapping[int, User]) -> Value:
    """Return the value that a typed text means for an option. Raises Impossible if it is not of the option's type."""
    for choice in option.get("choices", []):
        if typed in (str(choice["value"]), choice["name"]):
            return choice["value"]
    kind = option["type"]
    try:
        if kind == INTEGER:
            return int(typed)
        if kind == NUMBER:
            return float(typed)
    except ValueError:
        expected = "a whole number" if kind == INTEGER else "a number"
        raise Impossible(f"option {option['name']!r}: expected {expected}, got {typed!r}") from None
    if kind == BOOLEAN and typed.lower() in (*TRUE, *FALSE):
        return typed.lower() in TRUE
    if kind in (USER, ROLE, MENTIONABLE, CHANNEL):
        return find_named(option["name"], kind, typed, guild, users=users)
    if kind == ATTACHMENT:
        return file(option["name"], typed)
    return with_mentions(typed, guild)


def read_file(option: str, typed: str) -> File:
    """Return the file at a path on this machine. Raises Impossible, which names the option, if it cannot be read."""
    try:
        path = Path(typed).expanduser()
        return File(path.name, path.read_bytes())
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Impossible(f"option {option!r}: expected a path to a file, got {typed!r}: {reason}") from None


def find_named(
    option: str, kind: int, typed: str, guild: Guild | None, *, users: Mapping[int, User]
) -> User | Role | Channel:
    """Return the user, role or channel that "@bob", "#general", a bare name, an id or a mention names in a guild.

    `kind` is the type of the option. An id or a mention also names one of `users` who is not a member, as in a client.
    Raises Impossible, which names the option, if there is none.
    """
    if guild is None:
        raise Impossible(f"option {option!r}: direct messages have no members, roles or channels to name")
    members = [member.user for member in guild.members.values()]
    candidates: dict[int, list[User | Role | Channel]] = {
        USER: [*members],
        ROLE: [*guild.roles.values()],
        MENTIONABLE: [*members, *guild.roles.values()],
        CHANNEL: [*guild.places],
    }
    bare = typed.lstrip("@#")
    for one in candidates[kind]:
        if bare in (one.name, one.name.lstrip("@")) or typed in (str(one.id), one.mention):
            return one
    if kind in (USER, MENTIONABLE) and (match := _USER_ID.fullmatch(typed)) and int(match[1]) in users:
        return users[int(match[1])]
    sign = "#" if kind == CHANNEL else "@"
    names = ", ".join(sign + one.name.lstrip("@") for one in candidates[kind])
    raise Impossible(f"option {option!r}: {guild.name} has no {typed!r}; it has {names}")


def with_mentions(text: str, guild: Guild | None) -> str:
    """Replace @bob and #general by mentions, as a client does while its user types."""
    return _NAME.sub(lambda match: _mention(match, guild), text) if guild else text


def _mention(match: re.Match[str], guild: Guild) -> str:
    name = match["name"]
    if match["sign"] == "#":
        channel = guild.channel(name)
        return channel.mention if channel else match[0]
    member = next((member for member in guild.members.values() if member.user.name == name), None)
    role = next((role for role in guild.roles.values() if role.name == name), None)
    named = member.user if member else role
    return named.mention if named else match[0]


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
    """Return the word that begins at `position`, its value without quotes, and the position after it."""
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
    """Return the text from `position` to the closing quote, and the position after that, at a space or `after`."""
    value: list[str] = []
    while position < len(text):
        character = text[position]
        if character == '"':
            end = position + 1
            if end < len(text) and not text[end].isspace() and text[end] != after:
                raise Impossible(f"a space is expected after the closing quote, not {text[end]!r}")
            return "".join(value), end
        if character == "\\" and text[position + 1 : position + 2] in _ESCAPES:
            value.append(_ESCAPES[text[position + 1]])
            position += 2
            continue
        value.append(character)
        position += 1
    raise Impossible('a quote is opened and never closed: a quoted value ends with "')
