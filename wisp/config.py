"""A bot's settings: from arguments, the environment, `.env` and `wisp.toml`, all checked before anything starts."""

from __future__ import annotations

import difflib
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import msgspec

from .errors import CheckError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

_NEW_TOKEN = "Copy it again: https://discord.com/developers/applications, your application, Bot, Reset Token"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one start of a bot.

    `intents` are names of hikari.Intents, added to those that listeners need. If there are any `guilds`, commands are
    registered only in those, else globally. `modules` holds the tables [modules.<name>] of wisp.toml, unchecked.
    Neither `repr` nor `str` shows the token.
    """

    token: str | None = None
    rest_url: str | None = None
    database: str = "wisp.db"
    owners: tuple[int, ...] = ()
    intents: tuple[str, ...] = ()
    guilds: tuple[int, ...] = ()
    log_level: str = "INFO"
    durability: Literal["off", "normal", "full"] = "normal"  # "off" for temporary data
    embed_color: int | None = None
    embed_footer: str | None = None
    strict: bool = False
    modules: dict[str, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"Config({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # msgspec's own would show rich the token
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.token:
            values["token"] = "<hidden>"
        if self.rest_url and "@" in self.rest_url:  # the URL contains credentials
            values["rest_url"] = "<hidden>"
        values["modules"] = sorted(self.modules)  # their settings may be secrets, too
        return list(values.items())


VARIABLES = {
    name: "DISCORD_TOKEN" if name == "token" else f"WISP_{name.upper()}"
    for name in Config.__struct_fields__
    if name != "modules"
}
_SETTINGS = {variable: name for name, variable in VARIABLES.items()}

in_use: ContextVar[Config | None] = ContextVar("settings of the bot that runs here", default=None)
"""The settings of the bot whose code runs in this context: set when a handler, listener or job is called."""


def load(
    directory: Path, environ: Mapping[str, str], *, overrides: Mapping[str, object] | None = None, **arguments: object
) -> Config:
    """Return the settings of the bot in `directory`.

    Each setting is taken from the first of these sources that has it: `arguments`, `environ`, the file `.env`, the file
    `wisp.toml`. None and blank strings count as absent. Raises CheckError with every unknown or invalid entry of all
    sources, including those that another source overrides. No message contains the value of a token.

    A setting in `overrides` is taken from there, and not even checked in the sources. Raises TypeError if `overrides`
    has a name that is not a setting.
    """
    overrides = overrides or {}
    if unknown := overrides.keys() - VARIABLES.keys():
        raise TypeError(f"expected overrides out of {', '.join(VARIABLES)}, got {', '.join(sorted(unknown))}")
    sources = [
        *_argument_entries(arguments),
        *_environment_entries(environ),
        *_file_entries(directory / ".env", _dotenv_entries),
        *_file_entries(directory / "wisp.toml", _toml_entries),
    ]
    entries = [*_argument_entries(overrides), *(entry for entry in sources if entry.name not in overrides)]
    settings: dict[str, object] = {}
    problems: list[Problem] = []
    for entry in entries:
        if entry.value is None or (isinstance(entry.value, str) and not entry.value.strip()):
            continue
        try:
            settings.setdefault(entry.name, entry.read())
        except _Invalid as error:
            problems.append(Problem(entry.where, *error.args, file=entry.file, line=entry.line))
    if problems:
        raise CheckError(sorted(problems, key=lambda problem: (problem.file or "", problem.line or 0)))
    return msgspec.convert(settings, Config)


class _Invalid(Exception):
    """Its arguments are what is wrong with an entry, and what to do about it."""


class _Entry(NamedTuple):
    """The value of a setting in one source, or an _Invalid."""

    name: str
    value: object
    where: str
    file: str | None = None
    line: int | None = None

    def read(self) -> object:
        if isinstance(self.value, _Invalid):
            raise self.value
        return _READERS[self.name](self.value)


# ---- the sources ----


def _argument_entries(arguments: Mapping[str, object]) -> Iterator[_Entry]:
    for name, value in arguments.items():
        known = value if name in VARIABLES else _unknown(name, {one: one for one in VARIABLES})
        yield _Entry(name, known, f"argument {_shown(name)}")


def _environment_entries(environ: Mapping[str, str]) -> Iterator[_Entry]:
    for variable, value in environ.items():
        if variable in _SETTINGS or variable.startswith("WISP_"):
            yield _variable_entry(variable, value, f"environment variable {_shown(variable)}")


def _variable_entry(
    variable: str, value: object, where: str, file: str | None = None, line: int | None = None
) -> _Entry:
    if variable not in _SETTINGS:
        value = _unknown(variable.removeprefix("WISP_").lower(), VARIABLES)
    return _Entry(_SETTINGS.get(variable, ""), value, where, file, line)


def _file_entries(path: Path, parse: Callable[[str, str], Iterator[_Entry]]) -> Iterable[_Entry]:
    """Return what `parse` yields for the name and the text of a file, nothing if there is no file."""
    line = None
    try:
        return parse(str(path), path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except UnicodeDecodeError as error:
        wrong = _Invalid("it is not UTF-8 text", "Save it as UTF-8")
        line = error.object[: error.start].count(b"\n") + 1
    except OSError as error:
        wrong = _Invalid(f"it cannot be read: {error.strerror or type(error).__name__}", "Make it a readable file")
    return [_Entry("", wrong, "file", str(path), line)]


def _dotenv_entries(file: str, text: str) -> Iterator[_Entry]:
    from .dotenv import Ambiguous, assignments

    lines = [*assignments(text)]
    last = {variable: line for line, variable, _ in lines}  # as in a shell, the last one counts
    for line, variable, value in lines:
        if not re.fullmatch(r"[\w.-]+", variable, re.ASCII):
            wrong = _Invalid("it is not of the form NAME=value", "Begin a comment with #")
            yield _Entry("", wrong, "line", file, line)
        elif line == last[variable] and (variable in _SETTINGS or variable.startswith("WISP_")):
            known = _Invalid(*value) if isinstance(value, Ambiguous) else value
            yield _variable_entry(variable, known, _shown(variable), file, line)


def _toml_entries(file: str, text: str) -> Iterator[_Entry]:
    import tomllib

    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # its message may quote a token that was pasted there
        line = re.search(r"\(at line (\d+)", str(error))
        number = int(line[1]) if line else text.count("\n") + 1 if "end of document" in str(error) else None
        yield _Entry("", _Invalid("it is not TOML", "See https://toml.io, or remove the line"), "file", file, number)
        return
    for name, value in table.items():
        known = value if name in _READERS else _unknown(name, {one: one for one in _READERS})
        yield _Entry(name, known, _shown(name), file, _line_of(name, text))


def _line_of(name: str, text: str) -> int | None:
    """Return the first line of wisp.toml that begins with a top-level name, None if it is written in another way."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    return next((number for number, line in enumerate(text.split("\n"), start=1) if pattern.match(line)), None)


# ---- the settings ----


def _token(value: object) -> str:
    token = _string(value, "the token", _NEW_TOKEN)
    if token[:4].lower() == "bot ":
        raise _Invalid('it begins with the word "Bot"', "Remove that word: wisp adds it itself")
    if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token, re.ASCII):
        raise _Invalid("expected three parts of letters, digits, - and _, with dots between", _NEW_TOKEN)
    return token


def _rest_url(value: object) -> str:
    from urllib.parse import urlsplit

    fix = "Write it as in https://discord.com/api/v10"
    url = _string(value, "a URL", fix)
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or not url.isprintable() or " " in url:
        raise _Invalid(f"expected a URL that begins with http:// or https:// and a host, got {_shown(url)}", fix)
    return url.rstrip("/")


def _ids(value: object) -> tuple[int, ...]:
    """Read snowflakes: a list of them, a single one, or a string with commas or spaces between."""
    ids: list[int] = []
    for item in _items(value):
        id = int(item) if isinstance(item, str) and re.fullmatch("[0-9]{1,19}", item) else item
        if not isinstance(id, int) or isinstance(id, bool) or not 0 < id < 2**63:
            fix = 'Write ids as in [123, 456], or "123, 456" in an environment variable (Discord: Copy ID)'
            raise _Invalid(f"expected ids, which are integers from 1 to 2^63 - 1, got {_shown(item)}", fix)
        ids.append(int(id))
    return tuple(dict.fromkeys(ids))


def _intents(value: object) -> tuple[str, ...]:
    """Read names of intents: a list of them, a string with commas or spaces between, or hikari.Intents."""
    from hikari import Intents

    names: list[str] = []
    for item in _items(value):
        if isinstance(item, Intents):
            names += [str(flag.name) for flag in item.split()]
        elif isinstance(item, str) and item in Intents.__members__:
            names.append(item)
        else:
            near = difflib.get_close_matches(_shown(item).upper(), Intents.__members__, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Write names of hikari.Intents, as in MESSAGE_CONTENT"
            raise _Invalid(f"expected names of intents, got {_shown(item)}", fix)
    return tuple(dict.fromkeys(names))


def _color(value: object) -> int:
    """Read a colour of 24 bits: an integer, or a string such as "#5865F2"."""
    if isinstance(value, str) and (digits := re.fullmatch(r"(?:#|0x)?([0-9a-f]{6})", value.strip(), re.I | re.A)):
        return int(digits[1], 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFF:
        return int(value)
    raise _Invalid(f"expected a colour, got {_shown(value)}", 'Write it as in "#5865F2"')


def _footer(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2048:
        raise _Invalid(f"expected a string of up to 2048 characters, got {_shown(value)}", "Shorten it")
    return value.strip()


def _modules(value: object) -> object:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in cast("Any", value).values()):
        raise _Invalid("expected a table for each module", "Write it as [modules.greeter]")
    return cast("object", value)


def _one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = str(value).strip().lower() if isinstance(value, (str, bool)) else None
        for one in allowed:
            if one.lower() == word:
                return one
        raise _Invalid(f"expected one of {', '.join(allowed)}, got {_shown(value)}", "Write one of them")

    return read


_yes_or_no = _one_of("true", "yes", "1", "false", "no", "0")

_READERS: dict[str, Callable[[object], object]] = {
    "token": _token,
    "rest_url": _rest_url,
    "database": lambda value: _string(value, "the path of a file", 'Write it as in "wisp.db"'),
    "owners": _ids,
    "intents": _intents,
    "guilds": _ids,
    "log_level": _one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    "durability": _one_of("normal", "full"),
    "embed_color": _color,
    "embed_footer": _footer,
    "strict": lambda value: _yes_or_no(value) in ("true", "yes", "1"),
    "modules": _modules,
}


def _string(value: object, what: str, fix: str) -> str:
    if not isinstance(value, str):
        raise _Invalid(f"expected {what} as a string, got a value of type {type(value).__name__}", fix)
    return value.strip()


def _items(value: object) -> list[object]:
    if isinstance(value, str):
        return list(value.replace(",", " ").split())
    return list(cast("list[object]", value)) if isinstance(value, (list, tuple, set, frozenset)) else [value]


# ---- messages ----


def _unknown(name: str, known: Mapping[str, str]) -> _Invalid:
    """Return what is wrong with a name. `known` maps each name that it may resemble to what to write instead."""
    near = difflib.get_close_matches(name, known, n=1)
    fix = f"Did you mean {known[near[0]]}?" if near else f"Known are {', '.join(known.values())}"
    return _Invalid("there is no such setting", fix)


def _shown(value: object) -> str:
    """Return a value for a message: short, and without a token that was pasted in the wrong place."""
    if isinstance(value, str):
        if len(value) > 60 or _resembles_token(value):
            return f"a string of {len(value)} characters"
        return value if value.isidentifier() else repr(value)
    if isinstance(value, (int, float)) and abs(value) < 2**70:
        return repr(value)
    return f"a value of type {type(value).__name__}"


def _resembles_token(text: str) -> bool:
    """Return whether there are three parts with dots between, or a long run of characters like a token's last part."""
    runs = re.findall(r"[\w-]{25,}", text)
    return bool(re.search(r"\.[^.]*\.", text)) or any(run != run.upper() or re.search(r"\d", run) for run in runs)
