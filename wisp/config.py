"""A bot's settings: from arguments, the environment, `.env` and `wisp.toml`, all checked before anything starts."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from .errors import CheckError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
VARIABLES = {
    "token": "DISCORD_TOKEN",
    "rest_url": "WISP_REST_URL",
    "database": "WISP_DATABASE",
    "owners": "WISP_OWNERS",
    "intents": "WISP_INTENTS",
    "guilds": "WISP_GUILDS",
    "log_level": "WISP_LOG_LEVEL",
    "durability": "WISP_DURABILITY",
    "embed_color": "WISP_EMBED_COLOR",
    "embed_footer": "WISP_EMBED_FOOTER",
    "strict": "WISP_STRICT",
}

_NEW_TOKEN = "Copy it anew: https://discord.com/developers/applications, your application, Bot, Reset Token"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one start of a bot.

    `intents` are names of hikari.Intents, added to those that listeners need. Commands are registered in
    `guilds` only where there are any, else everywhere. `modules` holds the tables [modules.<name>] of
    wisp.toml, unchecked. Neither `repr` nor `str` show the token.
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

    def __rich_repr__(self) -> list[tuple[str, Any]]:  # of itself, msgspec tells rich the token
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.token:
            shown["token"] = "<hidden>"
        if self.rest_url and "@" in self.rest_url:  # a name and a password stand before it
            shown["rest_url"] = "<hidden>"
        shown["modules"] = sorted(self.modules)  # their settings may be secrets too
        return list(shown.items())


def load(
    directory: Path, environ: Mapping[str, str], *, overrides: Mapping[str, object] | None = None, **arguments: object
) -> Config:
    """The settings of the bot in `directory`.

    For each setting the first source that says something wins: `arguments`, `environ`, the file `.env`, the
    file `wisp.toml`; None and empty text say nothing. Raises Mistakes with every unknown or wrong entry of all
    sources, the overruled ones too. The value of a token is in no message.

    What is in `overrides` is settled: no source is asked for it, and what they say of it may be wrong.
    Raises TypeError where it names no setting.
    """
    overrides = overrides or {}
    if unknown := overrides.keys() - VARIABLES.keys():
        raise TypeError(f"expected overrides out of {', '.join(VARIABLES)}, got {', '.join(sorted(unknown))}")
    mistakes: list[Problem] = []
    settings: dict[str, object] = {}
    strays: list[_Entry] = []
    entries = [
        *_argument_entries(arguments, mistakes),
        *_environment_entries(environ, mistakes),
        *_dotenv_entries(directory / ".env", mistakes, strays),
        *_toml_entries(directory / "wisp.toml", mistakes),
    ]
    for entry in [*_argument_entries(overrides, mistakes), *(one for one in entries if one.name not in overrides)]:
        if entry.is_empty:
            continue
        result = entry.value if isinstance(entry.value, _Wrong) else _READERS[entry.name](entry.value)
        if isinstance(result, _Wrong):
            mistakes.append(entry.problem(result.message, result.fix))
        else:
            settings.setdefault(entry.name, result)
    if all(entry.name != "token" or entry.is_empty for entry in entries) and "token" not in overrides:
        mistakes += _misnamed_tokens(strays)
    if mistakes:
        raise CheckError(sorted(mistakes, key=lambda mistake: (mistake.file or "", mistake.line or 0)))
    return msgspec.convert(settings, Config)


in_use: ContextVar[Config | None] = ContextVar("settings of the bot that runs here", default=None)
"""The settings of the bot whose code runs in this context: set when a handler, listener or job is called."""


class _Entry:
    """A value as one source gives it, by its setting's name (or its own, of no setting), and where that is.

    The value is a _Wrong where the source itself cannot be read there.
    """

    __slots__ = ("file", "line", "name", "value", "where")

    def __init__(
        self, name: str, value: object, where: str, *, file: str | None = None, line: int | None = None
    ) -> None:
        self.name = name
        self.value = value
        self.where = where
        self.file = file
        self.line = line

    @property
    def is_empty(self) -> bool:
        return self.value is None or (isinstance(self.value, str) and not self.value.strip())

    def problem(self, problem: str, fix: str) -> Problem:
        return Problem(self.where, problem, fix, file=self.file, line=self.line)


class _Wrong:
    """What is wrong with a value, and the way out."""

    __slots__ = ("fix", "message")

    def __init__(self, problem: str, fix: str) -> None:
        self.message = problem
        self.fix = fix


# ---- the sources ----


def _argument_entries(arguments: Mapping[str, object], mistakes: list[Problem]) -> Iterator[_Entry]:
    for name, value in arguments.items():
        if name in VARIABLES:
            yield _Entry(name, value, f"argument {name}")
        else:
            mistakes.append(Problem(f"argument {_shown(name)}", "there is no such setting", _nearest(name, VARIABLES)))


def _environment_entries(environ: Mapping[str, str], mistakes: list[Problem]) -> Iterator[_Entry]:
    settings = {variable: name for name, variable in VARIABLES.items()}
    for variable in environ:
        if variable not in settings and not variable.startswith("WISP_"):
            continue
        where = f"environment variable {_shown(variable)}"
        if variable in settings:
            yield _Entry(settings[variable], environ[variable], where)
        else:
            mistakes.append(Problem(where, "there is no such setting", _nearest_variable(variable)))


def _dotenv_entries(path: Path, mistakes: list[Problem], strays: list[_Entry]) -> list[_Entry]:
    """The settings in .env. `strays` gets the entries of names that are no settings."""
    entries: dict[str, _Entry] = {}
    settings = {variable: name for name, variable in VARIABLES.items()}
    for number, variable, value in _dotenv_lines(_read(path, mistakes) or ""):
        entry = _Entry(settings.get(variable, variable), value, _shown(variable), file=str(path), line=number)
        if not _is_variable(variable):
            entry.where = "line"
            mistakes.append(entry.problem("it is not of the form NAME=value", "Begin a comment with #"))
        elif variable in settings:
            entries[variable] = entry  # as in a shell, the last of several counts
        elif variable.startswith("WISP_"):
            mistakes.append(entry.problem("there is no such setting", _nearest_variable(variable)))
        elif not isinstance(value, _Wrong):
            strays.append(entry)
    return list(entries.values())


def _dotenv_lines(text: str) -> Iterator[tuple[int, str, str | _Wrong | None]]:
    """(line, name, value) of each assignment, as python-dotenv reads it; "" for the name where a line is none.

    What it and a shell read differently, and what they would replace, is wrong instead of one or the other. None is the
    value of `export NAME`.
    """
    import re

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    line = re.compile(r"[^\S\n]*(?:(export)[^\S\n]+)?([^\s#=][^\n=]*|(?==))(?:(=)[^\S\n]*)?")
    position, number = 0, 1
    while position < len(text):
        end = _end_of_line(text, position)
        if found := line.match(text, position, end):
            exported, variable, separator = found[1], found[2].strip(), found[3]
            value = None
            if separator and (quoted := re.compile(_QUOTED, re.DOTALL).match(text, found.end())):
                end = _end_of_line(text, quoted.end())
                value = _unquoted(quoted[0], text[quoted.end() : end])
            elif separator:
                value = _plain(text[found.end(3) : end])
            if variable or separator:
                yield number, variable if separator or exported else "", value
        number += text.count("\n", position, end + 1)
        position = end + 1


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


_QUOTED = r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\""""
"""A value in quotes, over several lines if need be; a backslash goes with what follows it."""

_UNCLOSED = _Wrong(
    "what is quoted ends before its line does, or never",
    "Close the quote at the end of the value, or leave the quotes out",
)
_NOT_REPLACED = _Wrong(
    "it has ${...}, which wisp does not replace", "Write the value itself. In single quotes, ${...} stays as it is"
)
_BACKSLASH = _Wrong(
    "it has a backslash in quotes, which some programs keep and others replace", "Write it without the quotes"
)
_HASH = _Wrong(
    "it begins with # and goes on after a space: a value to some programs, a comment to others",
    "Leave a space before a comment, or write quotes around the value",
)


def _plain(value: str) -> str | _Wrong:
    """A value without quotes: up to a comment, which begins with a space."""
    import re

    text = re.split(r"\s#", value, maxsplit=1)[0].strip()
    if text[:1] in ("'", '"'):
        return _UNCLOSED
    if text.startswith("#") and not value[0].isspace() and re.search(r"\s", text):
        return _HASH
    return _NOT_REPLACED if re.search(r"\$\{[^}]*\}", text) else text


def _unquoted(quoted: str, rest: str) -> str | _Wrong:
    """A value in quotes, `rest` being what follows it on its line."""
    import re

    text, quote = quoted[1:-1], quoted[0]
    if (rest.strip() and not rest.lstrip().startswith("#")) or "\n" in text:
        return _UNCLOSED
    if quote == "'":
        return _BACKSLASH if "\\\\" in text else text.replace("\\'", "'")
    if any(character in "'abfnrtv$`" for character in re.findall(r"\\(.)", text)):
        return _BACKSLASH
    text = re.sub(r'\\(["\\])', r"\1", text)
    return _NOT_REPLACED if re.search(r"\$\{[^}]*\}", text) else text


_OTHER_NAMES = ("TOKEN", "BOT_TOKEN", "DISCORD_BOT_TOKEN")
"""Under which other bots of this language are often given theirs."""


def _misnamed_tokens(strays: list[_Entry]) -> Iterator[Problem]:
    """What was meant to be the token, where no source has one; all other names are somebody else's."""
    import difflib

    for entry in strays:
        name = entry.name.upper()
        near = name in _OTHER_NAMES or difflib.get_close_matches(name, ["DISCORD_TOKEN"], cutoff=0.9)
        if near and not entry.is_empty:
            yield entry.problem("there is no such setting, and no token", "Did you mean DISCORD_TOKEN?")


def _toml_entries(path: Path, mistakes: list[Problem]) -> list[_Entry]:
    text = _read(path, mistakes)
    if text is None:
        return []
    table = _parse_toml(text)
    if isinstance(table, Problem):
        mistakes.append(Problem(table.where, table.message, table.fix, file=str(path), line=table.line))
        return []
    entries: list[_Entry] = []
    for name, value in table.items():
        entry = _Entry(name, value, _shown(name), file=str(path), line=_line_of(name, text))
        if name in _READERS:
            entries.append(entry)
        else:
            mistakes.append(entry.problem("there is no such setting", _nearest(name, _READERS)))
    return entries


def _parse_toml(text: str) -> dict[str, Any] | Problem:
    import re
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError:
        return Problem("file", "its arrays or tables are nested too deep", "Flatten them")
    except ValueError as error:
        reason, _, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        number = int(line[1]) if line else text.count("\n") + 1 if place else None
        # What quotes a name of the file could quote a token that was pasted in the wrong place.
        if "(" in reason or reason.startswith("Duplicate"):
            reason = "a name stands there twice" if place else "a value is too long to be read"
        return Problem("file", f"it is not TOML: {reason}", "See https://toml.io, or remove the line", line=number)


def _line_of(name: str, text: str) -> int | None:
    """The line of wisp.toml on which a top-level name first stands, None where it is written in another way."""
    import re

    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    return next((number for number, line in enumerate(text.split("\n"), start=1) if pattern.match(line)), None)


def _read(path: Path, mistakes: list[Problem]) -> str | None:
    """The text of a file, None where there is none or it cannot be read, which is a mistake."""
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a directory")
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        mistakes.append(Problem("file", "it is not UTF-8 text", "Save it as UTF-8", file=str(path), line=line))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        mistakes.append(Problem("file", f"it cannot be read: {reason}", "Make it a readable file", file=str(path)))
    return None


# ---- the settings ----


def _token(value: object) -> str | _Wrong:
    if not isinstance(value, str):
        return _Wrong(f"expected the token as text, got {_kind(value)}", _NEW_TOKEN)
    token = value.strip()
    if token[:4].lower() == "bot ":
        return _Wrong('it begins with the word "Bot"', "Leave the word out: wisp sends it itself")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        return _Wrong(f"expected three parts with dots between, got {len([p for p in parts if p])}", _NEW_TOKEN)
    if not all(part.isascii() and part.replace("-", "").replace("_", "").isalnum() for part in parts):
        return _Wrong("it has characters that no token has (quotes, spaces, ...)", _NEW_TOKEN)
    if not _is_encoded_id(parts[0]):
        return _Wrong("its first part is not that of a bot's token (the bot's id in Base64)", _NEW_TOKEN)
    return token


def _is_encoded_id(part: str) -> bool:
    import binascii

    try:
        decoded = binascii.a2b_base64(part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4))
    except ValueError:
        return False
    return decoded.isdigit()


def _rest_url(value: object) -> str | _Wrong:
    from urllib.parse import urlsplit

    fix = "Write it as in https://discord.com/api/v10"
    if not isinstance(value, str):
        return _Wrong(f"expected a URL as text, got {_kind(value)}", fix)
    url = value.strip()
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        return _Wrong(f"expected a URL that begins with http:// or https:// and a host, got {_shown(url)}", fix)
    return url.rstrip("/")


def _database(value: object) -> str | _Wrong:
    if not isinstance(value, str):
        return _Wrong(f"expected a file's path as text, got {_kind(value)}", 'Write it as in "wisp.db"')
    if "\0" in value:
        return _Wrong("expected a file's path, got text with a NUL character", "Remove that character")
    return value.strip()


def _ids(value: object) -> tuple[int, ...] | _Wrong:
    """Snowflakes: a list of them, one alone, or text with commas or spaces between."""
    fix = 'Write ids as in [123, 456], or "123, 456" in an environment variable (Discord: Copy ID)'
    ids: list[int] = []
    for item in _listed(value):
        if isinstance(item, str) and 0 < len(item) < 20 and item.isascii() and item.isdigit():
            ids.append(int(item))
        elif isinstance(item, int) and not isinstance(item, bool):
            ids.append(item)
        else:
            return _Wrong(f"expected ids, whole numbers, got {_shown(item)}", fix)
        if not 0 < ids[-1] < 2**63:
            return _Wrong(f"expected ids, whole numbers from 1 to 2^63 - 1, got {_shown(ids[-1])}", fix)
    return tuple(dict.fromkeys(ids))


def _intents(value: object) -> tuple[str, ...] | _Wrong:
    """Names of intents: a list of them, text with commas or spaces between, or hikari.Intents."""
    fix = "Write names of hikari.Intents, as in MESSAGE_CONTENT"
    names: list[str] = []
    for item in _listed(value):
        if isinstance(item, str):
            from hikari import Intents

            if item not in Intents.__members__:
                return _Wrong(f"{_shown(item)} is no intent", _nearest(item.upper(), Intents.__members__, fix))
            names.append(item)
        elif isinstance(item, int) and hasattr(item, "split"):  # hikari.Intents, told without importing hikari
            names += [flag.name for flag in cast("Any", item).split()]
        else:
            return _Wrong(f"expected names of intents, got {_shown(item)}", fix)
    return tuple(dict.fromkeys(names))


def _durability(value: object) -> str | _Wrong:
    durability = str(value).lower()
    if durability not in ("normal", "full"):
        return _Wrong(f"expected normal or full, got {_shown(value)}", "Write one of them")
    return durability


def _log_level(value: object) -> str | _Wrong:
    level = value.strip().upper() if isinstance(value, str) else value
    if level not in LOG_LEVELS:
        return _Wrong(f"expected one of {', '.join(LOG_LEVELS)}, got {_shown(value)}", "Write one of them")
    return cast("str", level)


def _color(value: object) -> int | _Wrong:
    """A colour of 24 bits: a number, or text like "#5865F2"."""
    import re

    if isinstance(value, str) and (digits := re.fullmatch(r"(?:#|0x)?([0-9a-f]{6})", value.strip(), re.I | re.A)):
        return int(digits[1], 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFF:
        return int(value)
    return _Wrong(f"expected a colour, got {_shown(value)}", 'Write it as in "#5865F2"')


def _footer(value: object) -> str | _Wrong:
    if not isinstance(value, str) or len(value) > 2048:
        return _Wrong(f"expected a text of up to 2048 characters, got {_shown(value)}", "Write less, as text")
    return value.strip()


def _truth(value: object) -> bool | _Wrong:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "yes", "1", "false", "no", "0"):
        return value.strip().lower() in ("true", "yes", "1")
    return _Wrong(f"expected true or false, got {_shown(value)}", "Write one of them")


def _modules(value: object) -> dict[str, dict[str, Any]] | _Wrong:
    tables = cast("dict[str, dict[str, Any]]", value if isinstance(value, dict) else {"": value})
    for name, table in cast("dict[str, object]", tables).items():
        if not isinstance(table, dict):
            problem = f"expected a table for each module, got {_kind(table)}{f' for {_shown(name)}' if name else ''}"
            return _Wrong(problem, "Write them as in [modules.greeter]")
    return tables


_READERS: dict[str, Callable[[object], object]] = {
    "token": _token,
    "rest_url": _rest_url,
    "database": _database,
    "owners": _ids,
    "intents": _intents,
    "guilds": _ids,
    "log_level": _log_level,
    "durability": _durability,
    "embed_color": _color,
    "embed_footer": _footer,
    "strict": _truth,
    "modules": _modules,
}


# ---- words ----


def _listed(value: object) -> list[object]:
    if isinstance(value, str):
        return list(value.replace(",", " ").split())
    return list(cast("list[object]", value)) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _is_variable(name: str) -> bool:
    return bool(name) and name.isascii() and name.replace(".", "").replace("-", "").replace("_", "").isalnum()


def _nearest(name: str, known: Mapping[str, object], otherwise: str | None = None) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else otherwise or f"Known are {', '.join(known)}"


def _nearest_variable(variable: str) -> str:
    import difflib

    near = difflib.get_close_matches(variable.removeprefix("WISP_").lower(), VARIABLES, n=1)
    return f"Did you mean {VARIABLES[near[0]]}?" if near else f"Known are {', '.join(VARIABLES.values())}"


def _kind(value: object) -> str:
    for kind, words in _KINDS:
        if isinstance(value, kind):
            return words
    return f"a value of type {type(value).__name__}"


_KINDS: tuple[tuple[type, str], ...] = (
    (str, "text"),
    (bool, "true or false"),
    (int, "a number"),
    (float, "a fraction"),
    (dict, "a table"),
    (list, "a list"),
)


def _shown(value: object) -> str:
    """A value in a message: short, and nothing that could be a token pasted in the wrong place."""
    if isinstance(value, str):
        if len(value) > 60 or _resembles_token(value):
            return f"text of {len(value)} characters"
        return value if value.isidentifier() else repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value)) if abs(value) < 2**70 else "a number far too large"
    return _kind(value)


def _resembles_token(text: str) -> bool:
    """Whether there are three parts with dots between, or so long a run of mixed characters as a token's last part."""
    import re

    runs = re.findall(r"[\w-]{25,}", text)
    return bool(re.search(r"\.[^.]*\.", text)) or any(run != run.upper() or re.search(r"\d", run) for run in runs)
