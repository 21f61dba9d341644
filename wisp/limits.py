"""Discord's limits: a table of what each payload may hold, and the violations of a payload.

Each limit stands under the page of https://docs.discord.com/developers that states it; if a page and Discord's OpenAPI
file differ, the one that bots meet counts. Lengths are in code points, as `len` and Discord count them
(discord/discord-api-docs issue 1315).

The functions take any JSON value and never raise. The code of a violation is Discord's own, or `INVALID` if Discord's
documentation forbids something without naming a code. This is what a bot checks before it sends something, and
`wisp.sandbox.rest.shapes` extends the table to all that Discord checks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias, TypeGuard

    Path: TypeAlias = tuple[str | int, ...]
    Validator: TypeAlias = Callable[["Report", Any, Path], None]
    """Reports what is wrong with a value, which is not None, at a path."""

COMMANDS = {1: 100, 2: 15, 3: 15, 4: 1}  # of a scope, by type: chat input, user, message, entry point
OPTIONS = 25
CHOICES = 25
OPTION_NUMBER = (-(2**53) + 1, 2**53 - 1)
CONTENT = 2000  # 4000 in the OpenAPI file is for users with Nitro
ATTACHMENTS = 10
ATTACHMENT_SIZE = 10 * 1024 * 1024  # bytes of a file, in a guild without boosts (reference#uploading-files)
EMBEDS = 10
EMBEDS_SIZE = 6000  # titles, descriptions, field names and values, footers and authors of all embeds
EMBED_TITLE = 256
EMBED_DESCRIPTION = 4096
COMPONENTS_V2 = 1 << 15  # the message flag
COMPONENTS = 40  # of a message with that flag, nested ones counted
CUSTOM_ID = (1, 100)
SELECT_OPTIONS = 25
INPUT_VALUE = 4000
_LOCALES = """
    ar bg cs da de el en-GB en-US es-419 es-ES fi fr he hi hr hu id it ja ko lt nl no pl pt-BR ro ru sv-SE th tr uk vi
    zh-CN zh-TW
"""
LOCALES = frozenset(_LOCALES.split())  # reference#locales

INVALID = "INVALID"


class Violation(NamedTuple):
    """One part of a payload that Discord would refuse.

    `path` leads to it from the payload's root (keys and indexes), `code` is Discord's (or `INVALID`), `message` says
    what is expected. `got` is the actual value if Discord's message leaves it out: "3000 characters", "27 options",
    "the same as options.0.name"; else "".
    """

    path: Path
    code: str
    message: str
    got: str = ""

    def __str__(self) -> str:
        return f"{dotted(self.path) or 'payload'}: {self.message} ({self.code})"


class Shape:
    """What an object may hold: the check or shape of each field, the required fields, and the rules between fields."""

    __slots__ = ("fields", "required", "rules")

    def __init__(self, fields: Mapping[str, Validator | str], required: str = "", *rules: Validator) -> None:
        self.fields: Mapping[str, Validator | str] = fields
        self.required: Sequence[str] = required.split()
        self.rules: Sequence[Validator] = rules

    def extended(self, fields: Mapping[str, Validator | str], required: str = "", *rules: Validator) -> Shape:
        """Return this shape with more fields, required fields and rules."""
        return Shape({**self.fields, **fields}, " ".join((*self.required, required)), *self.rules, *rules)

    def __call__(self, report: Report, value: Any, path: Path) -> None:
        """Check an object, its fields first. A field that is absent or null passes unless it is required."""
        if not is_object(value):
            report.refuse(path, "MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
            return
        for key, check in self.fields.items():
            if key in self.required and is_blank(value.get(key)):
                report.require(value, path, key)
            elif value.get(key) is not None:
                report.check(check, value[key], (*path, key))
        for rule in self.rules:
            rule(report, value, path)


class Report:
    """The violations found so far in one payload, and the shapes that it is checked against, by name."""

    __slots__ = ("found", "shapes")

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes: Mapping[str, Shape] = shapes
        self.found: list[Violation] = []

    def refuse(self, path: Path, code: str, message: str, got: str = "") -> None:
        """Add a violation."""
        self.found.append(Violation(path, code, message, got))

    def require(self, owner: Mapping[str, Any], path: Path, key: str, what: str = "This field is required") -> None:
        """Refuse a field that is absent, null or blank, since Discord trims text."""
        if is_blank(owner.get(key)):
            self.refuse((*path, key), "BASE_TYPE_REQUIRED", what)

    def is_clean(self, path: Path) -> bool:
        """Return whether no violation was found at a path and below it."""
        return not any(violation.path[: len(path)] == path for violation in self.found)

    def check(self, check: Validator | str, value: object, path: Path) -> None:
        """Check a value, against a shape of the table if it is named."""
        (self.shapes[check] if isinstance(check, str) else check)(self, value, path)

    def valid(self, owner: Mapping[str, Any], path: Path, key: str) -> Any:
        """Return a field of the object at a path, None if it was refused."""
        return owner.get(key) if self.is_clean((*path, key)) else None


# ---- the check of one value ----


def text(low: int, high: int) -> Validator:
    """Return the check of a string whose length is within these bounds, both included."""

    def check(report: Report, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            report.refuse(path, "STRING_TYPE_CONVERT", f"Could not interpret {shown(value)} as string.")
            return
        if not low <= len(value) <= high:
            _refuse_length(report, path, len(value), "characters", (low, high))
            return
        try:
            value.encode()
        except UnicodeEncodeError as error:
            got = shown(value[error.start])
            report.refuse(path, INVALID, "Half of a surrogate pair is not a character.", got)

    return check


def number(low: float, high: float, kind: str = "float") -> Validator:
    """Return the check of a number within these bounds, both included."""

    def check(report: Report, value: Any, path: Path) -> None:
        # NaN and the infinities are not JSON: the difference to themselves is not 0
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0
        if not is_number or (kind == "int" and value != int(value)):
            report.refuse(path, "NUMBER_TYPE_COERCE", f"Value {shown(value)} is not {kind}.")
        elif not low <= value <= high:
            end, order, bound = ("MIN", "greater", low) if value < low else ("MAX", "less", high)
            shown_kind = "int" if isinstance(value, int) else kind
            message = f"{shown_kind} value should be {order} than or equal to {bound}."
            report.refuse(path, f"NUMBER_TYPE_{end}", message, shown(value))

    return check


def integer(low: float, high: float) -> Validator:
    """Return the check of an integer within these bounds, both included."""
    return number(low, high, "int")


def url(high: int, *schemes: str) -> Validator:
    """Return the check of a URL with one of these schemes, or ""."""
    check_text = text(0, high)

    def check(report: Report, value: Any, path: Path) -> None:
        check_text(report, value, path)
        if not value or not report.is_clean(path):
            return
        scheme, separator, rest = value.partition("://")
        if not separator or not rest or any(character.isspace() for character in value):
            report.refuse(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif scheme.lower() not in schemes:
            message = f"Scheme {shown(scheme)} is not supported. Scheme must be one of {listed(schemes)}."
            report.refuse(path, "URL_TYPE_INVALID_SCHEME", message)

    return check


def array(low: int, high: int, item: Validator | str) -> Validator:
    """Return the check of a list of this many items. Items beyond are refused without being read."""

    def check(report: Report, value: Any, path: Path) -> None:
        if not _is_list(value):
            report.refuse(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        if not low <= len(value) <= high:
            name = next((part for part in reversed(path) if isinstance(part, str)), "commands")
            _refuse_length(report, path, len(value), name.replace("_", " "), (low, high))
        for index, one in enumerate(value[:high]):
            report.check(item, one, (*path, index))

    return check


def _refuse_length(report: Report, path: Path, length: int, things: str, bounds: tuple[int, int]) -> None:
    code, message = "BASE_TYPE_MAX_LENGTH", f"Must be {bounds[1]} or fewer in length."
    if bounds[0]:
        code, message = "BASE_TYPE_BAD_LENGTH", f"Must be between {bounds[0]} and {bounds[1]} in length."
    report.refuse(path, code, message, f"{length} {things.removesuffix('s') if length == 1 else things}")


def localized(text: Validator) -> Validator:
    """Return the check of a dictionary from locales to texts."""

    def check(report: Report, value: Any, path: Path) -> None:
        if not is_object(value):
            report.refuse(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return
        if unknown := [key for key in value if key not in LOCALES]:
            message = f"{shown(unknown[0])} is not a locale. Key must be one of {listed(sorted(LOCALES))}."
            report.refuse(path, "BASE_TYPE_CHOICES", message)
        known = [key for key in value if key in LOCALES]
        Shape(dict.fromkeys(known, text), " ".join(known))(report, value, path)

    return check


def component(shapes: Mapping[int, str]) -> Validator:
    """Return the check of a component: one shape of the table for each type that is allowed."""

    def check(report: Report, value: Any, path: Path) -> None:
        kind = value.get("type") if is_object(value) else None
        if is_integer(kind) and kind in shapes:
            report.check(shapes[kind], value, path)
        elif is_object(value):
            report.refuse(path, "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {listed(shapes)}.')
        else:
            Shape({})(report, value, path)

    return check


_NOT_IN_NAME = re.compile(
    r"[^-'\w\u0900-\u0950\u0955-\u0963\u0966-\u097f\ua8e0-\ua8ff\U00011b00-\U00011b09\u0e01-\u0e3a\u0e40-\u0e5b]"
)
"""Negates [-_'\\p{L}\\p{N}\\p{sc=Deva}\\p{sc=Thai}]: Deva and Thai add their vowel signs."""


def check_command_name(report: Report, value: Any, path: Path) -> None:
    """Check the name of a chat input command or an option."""
    text(1, 32)(report, value, path)
    if not report.is_clean(path):
        return
    if wrong := _NOT_IN_NAME.search(value):
        why = f"{shown(wrong[0])} is neither a letter, a digit nor one of - _ '"
    elif value != value.lower():
        why = f"it must be lowercase, {shown(value.lower())}"
    else:
        return
    report.refuse(path, "APPLICATION_COMMAND_INVALID_NAME", f"Command name is invalid: {why}")


def _check_filename(report: Report, value: Any, path: Path) -> None:
    text(1, 1024)(report, value, path)
    if report.is_clean(path) and any(character < " " or character == "\x7f" for character in value):
        report.refuse(path, INVALID, "It cannot have control characters, such as line breaks.", shown(value))


# ---- rules between fields ----


def ordered(low: str, high: str) -> Validator:
    """Return the rule that a minimum is not greater than its maximum."""

    def rule(report: Report, owner: Any, path: Path) -> None:
        least, most = report.valid(owner, path, low), report.valid(owner, path, high)
        if least is not None and most is not None and least > most:
            report.refuse((*path, low), INVALID, f"Must not be greater than its maximum ({least} > {most}).")

    return rule


def refuse_duplicates(
    report: Report, found: Iterable[tuple[Path, object]], code: str, message: str, *, up: int = 0
) -> None:
    """Refuse each value that came before, at the path of the object `up` levels above it."""
    first: dict[object, Path] = {}
    for path, value in found:
        if isinstance(value, (str, int, float)) and (earlier := first.setdefault(value, path)) is not path:
            report.refuse(path[: len(path) - up], code, message, f"the same as {dotted(earlier)}")


def values(owner: Mapping[str, Any], path: Path, key: str, name: str) -> Iterator[tuple[Path, Any]]:
    """Yield a field of each object in a list, with its path."""
    for index, item in objects(owner.get(key)):
        yield (*path, key, index, name), item.get(name)


def distinct(key: str, name: str, code: str, message: str, *, up: int = 0) -> Validator:
    """Return the rule that the objects in a list differ in a field."""

    def rule(report: Report, owner: Any, path: Path) -> None:
        refuse_duplicates(report, values(owner, path, key, name), code, message, up=up)

    return rule


def _check_embed_size(report: Report, message: Any, path: Path) -> None:
    size = 0
    for index, embed in objects(message.get("embeds")):
        for place, value in _embed_texts(embed, (*path, "embeds", index)):
            size += len(value) if isinstance(value, str) and report.is_clean(place) else 0
    if size > EMBEDS_SIZE:
        words = f"Embed size exceeds maximum size of {EMBEDS_SIZE}"
        report.refuse((*path, "embeds"), "MAX_EMBED_SIZE_EXCEEDED", words, f"{size} characters")


def _check_embed_shows_something(report: Report, embed: Any, path: Path) -> None:
    """Refuse an embed without content. A colour, a URL and a time do not count."""
    urls = [embed[name].get("url") for name in ("image", "thumbnail") if is_object(embed.get(name))]
    if report.is_clean(path) and all(map(is_blank, (*(value for _, value in _embed_texts(embed, path)), *urls))):
        report.require({}, path, "description")


def _embed_texts(embed: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, object]]:
    """Yield the texts of an embed that count for EMBEDS_SIZE, with their paths."""
    for place in (("title",), ("description",), ("footer", "text"), ("author", "name")):
        owner = embed if len(place) == 1 else embed.get(place[0])
        yield (*path, *place), owner.get(place[-1]) if is_object(owner) else None
    for name in ("name", "value"):
        yield from values(embed, path, "fields", name)


def _check_field_texts(report: Report, field: Any, path: Path) -> None:
    for key, high in (("name", 256), ("value", 1024)):
        if field.get(key) != "":  # which Discord accepts (hikari-py/hikari#2105)
            Shape({key: text(1, high)}, key)(report, field, path)


def _check_choices(report: Report, option: Any, path: Path) -> None:
    Shape({"choices": array(0, CHOICES, _choice_of(option.get("type")))})(report, option, path)


def _choice_of(kind: object) -> str:
    """Return the shape of a choice of an option type."""
    return "string choice" if kind == 3 else "integer choice" if kind == 4 else "number choice"


def _check_rows(report: Report, message: Any, path: Path) -> None:
    if not (is_integer(flags := message.get("flags")) and flags & COMPONENTS_V2):
        _ROWS(report, message, path)


def _check_button(report: Report, button: Any, path: Path) -> None:
    if button.get("style") == 5:  # a link
        report.require(button, path, "url")
    if button.get("style") != 6 and button.get("emoji") is None:  # Discord itself draws the premium button, 6
        report.require(button, path, "label", "This field is required: a label or an emoji")


def _check_emoji(report: Report, emoji: Any, path: Path) -> None:
    """Refuse a name instead of an emoji, such as ":thumbsup:"."""
    name = emoji.get("name") or ""
    if emoji.get("id") is None and isinstance(name, str) and name.isascii():
        report.refuse((*path, "name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji", shown(name))


def _check_custom_ids(report: Report, owner: Any, path: Path) -> None:
    found = walk(owner.get("components"), (*path, "components"))
    ids = (((*place, "custom_id"), one.get("custom_id")) for place, one in found if is_object(one))
    message = "Component custom id cannot be duplicated"
    refuse_duplicates(report, ids, "COMPONENT_CUSTOM_ID_DUPLICATED", message)


def walk(components: object, path: Path, depth: int = 2) -> Iterator[tuple[Path, object]]:
    """Yield each component of a list with its path, before those in it, to the depth that Discord allows."""
    for index, one in enumerate(components[: COMPONENTS + 1] if _is_list(components) else ()):
        yield (*path, index), one
        if is_object(one):
            yield from (
                ((*path, index, key), one[key]) for key in ("accessory", "component") if is_object(one.get(key))
            )
            if depth:
                yield from walk(one.get("components"), (*path, index, "components"), depth - 1)


# ---- the table ----

_UNIQUE_CHOICES = "Must be unique among the choices of its option."
_SAME_NAME = "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"
_SAME_VALUE = "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"
DISTINCT_OPTIONS = distinct("options", "name", _SAME_NAME, "Option name already exists", up=1)
DISTINCT_CHOICES = [distinct("choices", name, INVALID, _UNIQUE_CHOICES) for name in ("name", "value")]
DISTINCT_VALUES = distinct("options", "value", _SAME_VALUE, "The specified option value is already used", up=1)

_DESCRIPTION = text(1, 100)
_ID = text(*CUSTOM_ID)
_CONTENT = text(0, CONTENT)
SELECTS = {3: "string select", 5: "user select", 6: "role select", 7: "mentionable select", 8: "channel select"}
_ROWS = Shape({"components": array(0, 5, component({1: "row"}))})


def command_shape(more: Mapping[str, Validator | str], *rules: Validator) -> Shape:
    """Return the shape of a command or an option with more fields than names and descriptions."""
    names = {"name": check_command_name, "name_localizations": localized(check_command_name)}
    descriptions = {"description": _DESCRIPTION, "description_localizations": localized(_DESCRIPTION)}
    return Shape({**names, **descriptions, **more}, "name description", *rules)


def _choice(value: Validator) -> Shape:
    name = text(1, 100)
    return Shape({"name": name, "name_localizations": localized(name), "value": value}, "name value")


_SELECT = Shape(
    {
        "custom_id": _ID,
        "placeholder": text(0, 150),
        "min_values": integer(0, 25),
        "max_values": integer(1, 25),
    },
    "custom_id",
    ordered("min_values", "max_values"),
)
TEXT_INPUT = Shape(
    {
        "custom_id": _ID,
        "label": text(1, 45),
        "placeholder": text(0, 100),
        "value": text(0, INPUT_VALUE),
        "min_length": integer(0, INPUT_VALUE),
        "max_length": integer(1, INPUT_VALUE),
    },
    "custom_id style",
    ordered("min_length", "max_length"),
)
_OPTIONS: dict[str, Validator] = {"options": array(0, OPTIONS, "option")}

SHAPES: dict[str, Shape] = {
    # interactions/application-commands
    "command": command_shape(_OPTIONS, DISTINCT_OPTIONS),
    "menu": Shape({"name": text(1, 32), "name_localizations": localized(text(1, 32))}, "name"),
    "option": command_shape(
        {
            **_OPTIONS,
            "min_value": number(*OPTION_NUMBER),
            "max_value": number(*OPTION_NUMBER),
            "min_length": integer(0, 6000),
            "max_length": integer(1, 6000),
        },
        DISTINCT_OPTIONS,
        _check_choices,
        *DISTINCT_CHOICES,
        ordered("min_value", "max_value"),
        ordered("min_length", "max_length"),
    ),
    "string choice": _choice(text(1, 100)),
    "integer choice": _choice(integer(*OPTION_NUMBER)),
    "number choice": _choice(number(*OPTION_NUMBER)),
    # resources/message#create-message
    "message": Shape(
        {
            "content": _CONTENT,
            "embeds": array(0, EMBEDS, "embed"),
            "attachments": array(0, ATTACHMENTS, "attachment"),
        },
        "",
        _check_embed_size,
        _check_rows,
        _check_custom_ids,
    ),
    "attachment": Shape({"filename": _check_filename, "description": text(0, 1024)}),
    # resources/message#embed-object-embed-limits
    "embed": Shape(
        {
            "title": text(0, EMBED_TITLE),
            "description": text(0, EMBED_DESCRIPTION),
            "footer": Shape({"text": text(0, 2048)}),
            "author": Shape({"name": text(0, 256)}),
            "fields": array(0, 25, "embed field"),
        },
        "",
        _check_embed_shows_something,
    ),
    "embed field": Shape({}, "", _check_field_texts),
    # components/reference
    "row": Shape({"components": array(1, 5, component({2: "button", **SELECTS}))}, "components"),
    "button": Shape(
        {"custom_id": _ID, "url": url(512, "http", "https", "discord"), "label": text(0, 80), "emoji": "emoji"},
        "style",
        _check_button,
    ),
    "emoji": Shape({}, "", _check_emoji),
    "string select": _SELECT.extended(
        {"options": array(1, SELECT_OPTIONS, "select option")}, "options", DISTINCT_VALUES
    ),
    **dict.fromkeys(("user select", "role select", "mentionable select", "channel select"), _SELECT),
    "select option": Shape(
        {"label": text(1, 100), "description": text(0, 100), "emoji": "emoji", "value": text(1, 100)},
        "label value",
    ),
    # interactions/receiving-and-responding#interaction-response-object-modal
    "modal": Shape(
        {
            "custom_id": _ID,
            "title": text(1, 45),
            "components": array(1, 5, component({1: "modal row", 10: "text display", 18: "label"})),
        },
        "custom_id title components",
        _check_custom_ids,
    ),
    "modal row": Shape({"components": array(1, 5, component({4: "row input"}))}, "components"),
    "row input": TEXT_INPUT.extended({}, "label"),
    **dict.fromkeys(("text display", "label"), Shape({})),  # which Discord itself checks
}


def violations(check: Validator | str, payload: object, shapes: Mapping[str, Shape] = SHAPES) -> list[Violation]:
    """Return what a check refuses in a payload."""
    report = Report(shapes)
    report.check(check, payload, ())
    return report.found


def command_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in one application command."""
    return violations("menu" if payload.get("type") in (2, 3) else "command", payload)


def choice_violations(choice: Mapping[str, object], kind: int) -> list[Violation]:
    """Return what Discord would refuse in one choice, or suggestion, of a string, integer or number option."""
    return violations(_choice_of(kind), choice)


def message_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in a message that a bot creates or edits, or in its answer to an interaction.

    An empty message passes: it is legal as an edit, and has a code of its own (50006).
    """
    return violations("message", payload)


def modal_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in the `data` of an interaction callback of type 9 (MODAL)."""
    return violations("modal", payload)


def content_violation(text: str) -> Violation | None:
    """Return what Discord would refuse in a message's text. This is the cheap check before each send."""
    report = Report(SHAPES)
    _CONTENT(report, text, ("content",))
    return report.found[0] if report.found else None


# ---- messages ----


def dotted(path: Iterable[str | int]) -> str:
    """Return a path for a message."""
    return ".".join(map(str, path))


def listed(values: Iterable[object]) -> str:
    """Return values for a message, in parentheses."""
    return f"({', '.join(map(str, values))})"


def shown(value: object) -> str:
    """Return a value for a message: short, whatever size its sender chose."""
    if isinstance(value, str):
        return repr(value if len(value) <= 50 else f"{value[:50]}…")
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**64):
        return str(value)
    return f"<{type(value).__name__}>"


# ---- JSON ----


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a JSON value is an object."""
    return isinstance(value, dict)


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a JSON value is an integer."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_blank(value: object) -> bool:
    """Return whether a JSON value is null, or a string that is empty once Discord has trimmed it."""
    return value is None or (isinstance(value, str) and not value.strip())


def objects(values: object, high: int = 25) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects in a list with their indexes, up to as many as Discord allows; none if it is no list."""
    for index, value in enumerate(values[:high] if _is_list(values) else ()):
        if is_object(value):
            yield index, value


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))
