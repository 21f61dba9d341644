"""Discord's limits: a table of what each payload may hold, and the violations of a payload.

Each limit stands under the page of https://docs.discord.com/developers that states it; if a page and Discord's OpenAPI
file differ, the one that bots meet counts. Lengths are in code points, as `len` and Discord count them
(discord/discord-api-docs issue 1315).

The functions take any JSON value and never raise. The code of a violation is Discord's own, or `INVALID` if Discord's
documentation forbids something without naming a code. This is what a bot checks before it sends something, and
`wisp.sandbox.payload_limits` extends the table to all that Discord checks.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # nothing is imported at run time: `import wisp` stays light
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias, TypeGuard

    Path: TypeAlias = tuple[str | int, ...]
    Check: TypeAlias = Callable[["Report", Any, Path], None]
    """Reports what is wrong with a value, which is not None, at a path."""

COMMANDS = {1: 100, 2: 15, 3: 15, 4: 1}  # of a scope, by type: chat input, user, message, entry point
COMMAND_SIZE = 8000  # names, descriptions and choice values of a command, the longest localization of each
OPTIONS = 25
CHOICES = 25
OPTION_NUMBER = (-(2**53) + 1, 2**53 - 1)
OPTION_MAX_LENGTH = (1, 6000)
CONTENT = 2000  # 4000 in the OpenAPI file is for users with Nitro
ATTACHMENTS = 10
ATTACHMENT_SIZE = 10 * 1024 * 1024  # bytes of a file, in a guild without boosts (reference#uploading-files)
EMBEDS = 10
EMBEDS_SIZE = 6000  # titles, descriptions, field names and values, footers and authors of all embeds
EMBED_TITLE = 256
EMBED_DESCRIPTION = 4096
COMPONENTS_V2 = 1 << 15  # the message flag
COMPONENTS = 40  # of a message with that flag, nested ones counted
COMPONENTS_TEXT = 4000  # of all text displays of a message
CUSTOM_ID = (1, 100)
SELECT_OPTIONS = 25
INPUT_VALUE = 4000
# reference#locales
# fmt: off
LOCALES = frozenset((
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he", "hi", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th", "tr", "uk", "vi",
    "zh-CN", "zh-TW",
))
# fmt: on

INVALID = "INVALID"

DUPLICATE_NAME = "APPLICATION_COMMANDS_DUPLICATE_NAME"
"""The code for two commands of one type with the same name."""


class Violation:
    """One part of a payload that Discord would refuse.

    `path` leads to it from the payload's root (keys and indexes), `code` is Discord's (or `INVALID`), `message` says
    what is expected. `got` is the actual value if Discord's message leaves it out: "3000 characters", "27 options",
    "the same as options.0.name"; else "".
    """

    __slots__ = ("code", "got", "message", "path")

    def __init__(self, path: Path, code: str, message: str, got: str = "") -> None:
        self.path: Path = path
        self.code: str = code
        self.message: str = message
        self.got: str = got

    def __str__(self) -> str:
        return f"{_dotted(self.path) or 'payload'}: {self.message} ({self.code})"

    def __repr__(self) -> str:
        return f"<Violation {self}>"


class Shape:
    """What an object may hold: the check or shape of each field, the required fields, and the rules between fields."""

    __slots__ = ("fields", "required", "rules")

    def __init__(self, fields: Mapping[str, Check | str], required: str = "", *rules: Check) -> None:
        self.fields: Mapping[str, Check | str] = fields
        self.required: Sequence[str] = required.split()
        self.rules: Sequence[Check] = rules

    def extended(self, fields: Mapping[str, Check | str], required: str = "", *rules: Check) -> Shape:
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

    def check(self, check: Check | str, value: object, path: Path) -> None:
        """Check a value, against a shape of the table if it is named."""
        (self.shapes[check] if isinstance(check, str) else check)(self, value, path)

    def valid(self, owner: Mapping[str, Any], path: Path, key: str) -> Any:
        """Return a field of the object at a path, None if it was refused."""
        return owner.get(key) if self.is_clean((*path, key)) else None


# ---- the check of one value ----


class Limit:
    """The check of one value, by default with bounds, both included."""

    def __init__(self, low: float, high: float) -> None:
        self.low: float = low
        self.high: float = high

    def __call__(self, report: Report, value: Any, path: Path) -> None:
        """Report what is wrong with a value that is not None."""
        self._check(report, value, path)

    def _check(self, report: Report, value: Any, path: Path) -> None:
        raise NotImplementedError

    def _refuse_length(self, report: Report, path: Path, length: int, things: str) -> None:
        code, message = "BASE_TYPE_MAX_LENGTH", f"Must be {self.high} or fewer in length."
        if self.low:
            code, message = "BASE_TYPE_BAD_LENGTH", f"Must be between {self.low} and {self.high} in length."
        report.refuse(path, code, message, f"{length} {things.removesuffix('s') if length == 1 else things}")


class Text(Limit):
    """A string of a length within bounds."""

    def _check(self, report: Report, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            report.refuse(path, "STRING_TYPE_CONVERT", f"Could not interpret {shown(value)} as string.")
            return
        if not self.low <= len(value) <= self.high:
            self._refuse_length(report, path, len(value), "characters")
            return
        try:
            value.encode()
        except UnicodeEncodeError as error:
            got = shown(value[error.start])
            report.refuse(path, INVALID, "Half of a surrogate pair is no character.", got)


class Number(Limit):
    """A number within bounds."""

    kind = "float"

    def _check(self, report: Report, value: Any, path: Path) -> None:
        # NaN and the infinities are not JSON: the difference to themselves is not 0
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0
        if not is_number or (self.kind == "int" and value != int(value)):
            report.refuse(path, "NUMBER_TYPE_COERCE", f"Value {shown(value)} is not {self.kind}.")
            return
        kind = "int" if isinstance(value, int) else self.kind
        if value < self.low:
            message = f"{kind} value should be greater than or equal to {self.low}."
            report.refuse(path, "NUMBER_TYPE_MIN", message, shown(value))
        elif value > self.high:
            message = f"{kind} value should be less than or equal to {self.high}."
            report.refuse(path, "NUMBER_TYPE_MAX", message, shown(value))


class Integer(Number):
    """An integer within bounds."""

    kind = "int"


def boolean(report: Report, value: object, path: Path) -> None:
    """Check a bool."""
    if not isinstance(value, bool):
        report.refuse(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")


class Choice(Limit):
    """One of several strings or integers."""

    def __init__(self, *allowed: int | str) -> None:
        self.allowed: tuple[int | str, ...] = allowed

    def _check(self, report: Report, value: Any, path: Path) -> None:
        if not isinstance(value, (str, int)) or isinstance(value, bool) or value not in self.allowed:
            report.refuse(path, "BASE_TYPE_CHOICES", f"Value must be one of {listed(self.allowed)}.")


class Url(Text):
    """A URL with one of several schemes, or ""."""

    def __init__(self, high: int, *schemes: str) -> None:
        super().__init__(0, high)
        self.schemes: tuple[str, ...] = schemes

    def _check(self, report: Report, value: Any, path: Path) -> None:
        super()._check(report, value, path)
        if not value or not report.is_clean(path):
            return
        scheme, separator, rest = value.partition("://")
        if not separator or not rest or any(character.isspace() for character in value):
            report.refuse(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif scheme.lower() not in self.schemes:
            message = f"Scheme {shown(scheme)} is not supported. Scheme must be one of {listed(self.schemes)}."
            report.refuse(path, "URL_TYPE_INVALID_SCHEME", message)


class Array(Limit):
    """A list of a length within bounds. Items beyond it are refused without being read."""

    def __init__(self, low: int, high: int, check: Check | str) -> None:
        super().__init__(low, high)
        self.check: Check | str = check

    def _check(self, report: Report, value: Any, path: Path) -> None:
        if not _is_list(value):
            report.refuse(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return
        if not self.low <= len(value) <= self.high:
            name = next((part for part in reversed(path) if isinstance(part, str)), "commands")
            self._refuse_length(report, path, len(value), name.replace("_", " "))
        for index, item in enumerate(value[: int(self.high)]):
            report.check(self.check, item, (*path, index))


class Localized(Limit):
    """A dictionary from locales to texts."""

    def __init__(self, check: Check) -> None:
        self.check: Check = check

    def _check(self, report: Report, value: Any, path: Path) -> None:
        if not is_object(value):
            report.refuse(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return
        if unknown := [key for key in value if key not in LOCALES]:
            message = f"{shown(unknown[0])} is not a locale. Key must be one of {listed(sorted(LOCALES))}."
            report.refuse(path, "BASE_TYPE_CHOICES", message)
        known = [key for key in value if key in LOCALES]
        Shape(dict.fromkeys(known, self.check), " ".join(known))(report, value, path)


class Component(Limit):
    """A component: one shape of the table for each type that is allowed."""

    def __init__(self, shapes: Mapping[int, str]) -> None:
        self.shapes: Mapping[int, str] = shapes

    def _check(self, report: Report, value: Any, path: Path) -> None:
        kind = value.get("type") if is_object(value) else None
        if is_integer(kind) and kind in self.shapes:
            report.check(self.shapes[kind], value, path)
        elif is_object(value):
            message = f'Value of field "type" must be one of {listed(self.shapes)}.'
            report.refuse(path, "UNION_TYPE_CHOICES", message)
        else:
            Shape({})(report, value, path)


class CommandName(Text):
    """The name of a chat input command or an option."""

    def _check(self, report: Report, value: Any, path: Path) -> None:
        super()._check(report, value, path)
        if not report.is_clean(path):
            return
        wrong = next((character for character in value if not _in_name(character)), None)
        if wrong is not None:
            why = f"{shown(wrong)} is neither a letter, a digit nor one of - _ '"
        elif value != value.lower():
            why = f"it must be lowercase, {shown(value.lower())}"
        else:
            return
        report.refuse(path, "APPLICATION_COMMAND_INVALID_NAME", f"Command name is invalid: {why}")


def _in_name(character: str) -> bool:
    r"""Return whether ^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]$ matches: Deva and Thai add their vowel signs."""
    if character.isalpha() or character.isnumeric() or character in "-_'":
        return True
    # a gap in Deva is shared by scripts
    ranges = (0x900, 0x950), (0x955, 0x963), (0x966, 0x97F), (0xA8E0, 0xA8FF), (0x11B00, 0x11B09), (0xE01, 0xE3A)
    return any(low <= ord(character) <= high for low, high in (*ranges, (0xE40, 0xE5B)))


def _check_choice_value(report: Report, value: Any, path: Path) -> None:
    check = Text(1, 100) if isinstance(value, str) else Number(*OPTION_NUMBER)
    check(report, value, path)


def _check_filename(report: Report, value: Any, path: Path) -> None:
    Text(1, 1024)(report, value, path)
    if report.is_clean(path) and any(character < " " or character == "\x7f" for character in value):
        report.refuse(path, INVALID, "It cannot have control characters, such as line breaks.", shown(value))


# ---- rules between fields ----


def ordered(low: str, high: str) -> Check:
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
            report.refuse(path[: len(path) - up], code, message, f"the same as {_dotted(earlier)}")


def values(owner: Mapping[str, Any], path: Path, key: str, name: str) -> Iterator[tuple[Path, Any]]:
    """Yield a field of each object in a list, with its path."""
    for index, item in objects(owner.get(key)):
        yield (*path, key, index, name), item.get(name)


def distinct(key: str, name: str, code: str, message: str, *, up: int = 0) -> Check:
    """Return the rule that the objects in a list differ in a field."""

    def rule(report: Report, owner: Any, path: Path) -> None:
        refuse_duplicates(report, values(owner, path, key, name), code, message, up=up)

    return rule


def _check_size(report: Report, command: Any, path: Path) -> None:
    # the size of a malformed command means nothing, and its other violations come first anyway
    if report.is_clean(path) and (size := _size(command)) > COMMAND_SIZE:
        message = f"Command exceeds maximum size ({COMMAND_SIZE})"
        report.refuse(path, "APPLICATION_COMMAND_TOO_LARGE", message, f"{size} characters")


def _size(owner: Mapping[str, Any]) -> int:
    """Return the characters of a well-formed command, option or choice that count for COMMAND_SIZE."""
    size = 0
    for key in ("name", "description"):
        localizations = owner.get(f"{key}_localizations")
        texts = [owner.get(key), *(localizations.values() if is_object(localizations) else ())]
        size += max(len(text) if isinstance(text, str) else 0 for text in texts)
    if (value := owner.get("value")) is not None:
        size += len(value if isinstance(value, str) else shown(value))
    return size + sum(_size(inner) for key in ("options", "choices") for _, inner in objects(owner.get(key)))


def _check_embed_size(report: Report, message: Any, path: Path) -> None:
    texts = [text for n, embed in objects(message.get("embeds")) for text in _embed_texts(embed, (*path, "embeds", n))]
    size = sum(len(text) for place, text in texts if isinstance(text, str) and report.is_clean(place))
    if size > EMBEDS_SIZE:
        words = f"Embed size exceeds maximum size of {EMBEDS_SIZE}"
        report.refuse((*path, "embeds"), "MAX_EMBED_SIZE_EXCEEDED", words, f"{size} characters")


def _check_embed_shows_something(report: Report, embed: Any, path: Path) -> None:
    """Refuse an embed without content. A colour, a URL and a time are none."""
    urls = [embed[name].get("url") for name in ("image", "thumbnail") if is_object(embed.get(name))]
    if report.is_clean(path) and all(map(is_blank, (*(text for _, text in _embed_texts(embed, path)), *urls))):
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
            Shape({key: Text(1, high)}, key)(report, field, path)


def _check_components(report: Report, message: Any, path: Path) -> None:
    flags = message.get("flags")
    has_layout = is_integer(flags) and bool(flags & COMPONENTS_V2)
    (_LAYOUT if has_layout else _ROWS)(report, message, path)
    if has_layout:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if message.get(key):
                words = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                report.refuse((*path, key), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", words)


def _check_layout_size(report: Report, message: Any, path: Path) -> None:
    place = (*path, "components")
    everything = [one for _, one in walk(message.get("components"), place)]
    texts = [one.get("content") for one in everything if is_object(one) and one.get("type") == 10]
    size = sum(len(text) for text in texts if isinstance(text, str))
    if len(everything) > COMPONENTS:
        words = f"Total number of components exceeds maximum of {COMPONENTS}"
        report.refuse(place, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", words, f"{len(everything)} components")
    if size > COMPONENTS_TEXT:
        words = f"Components displayable text size exceeds maximum size of {COMPONENTS_TEXT}"
        report.refuse(place, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", words, f"{size} characters")


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


def _check_width(report: Report, row: Any, path: Path) -> None:
    """Refuse the components beside a select or a text input, which fills a row."""
    refused = [violation.path for violation in report.found if violation.code == "UNION_TYPE_CHOICES"]
    placed = [((*path, "components", index), child) for index, child in objects(row.get("components"), 5)]
    children = [(place, child) for place, child in placed if place not in refused]
    if any(child.get("type") != 2 for _, child in children):
        for place, _ in children[1:]:
            report.refuse(place, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")


def _check_button(report: Report, button: Any, path: Path) -> None:
    style = report.valid(button, path, "style")
    if button.get("custom_id") and button.get("url"):
        code = "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"
        report.refuse(path, code, "A custom id and url cannot both be specified")
    if style in (1, 2, 3, 4) and not button.get("custom_id"):
        report.refuse((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
    if style == 5:  # a link
        report.require(button, path, "url")
    if style != 6 and button.get("emoji") is None:  # Discord itself draws the premium button, 6
        report.require(button, path, "label", "This field is required: a label or an emoji")


def _check_emoji(report: Report, emoji: Any, path: Path) -> None:
    import re

    name = emoji.get("name")
    is_unicode = emoji.get("id") is None and (name is None or isinstance(name, str))
    if is_unicode and not re.fullmatch(_EMOJI, (name or "").strip()):
        got = "no name" if name is None else shown(name)
        report.refuse((*path, "name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji", got)
    elif name is not None:
        Text(0, 32)(report, name, (*path, "name"))


# One emoji, as far as its code points tell: a flag or a letter of one, a keycap, or pictographs joined by U+200D, each
# with variation selectors, skin tones and tags. The range of pictographs is wider than what Discord knows: its list
# grows with Unicode, and an emoji that is refused here could not be used at all.
_PICTOGRAPH = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001ffff][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
)
_EMOJI = rf"[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_PICTOGRAPH}(?:\u200d{_PICTOGRAPH})*"


def _check_select_options(report: Report, select: Any, path: Path) -> None:
    most = report.valid(select, path, "max_values") or 1
    options = Array(int(most), SELECT_OPTIONS, "select option")
    Shape({"options": options}, "options", DISTINCT_VALUES)(report, select, path)
    if sum(option.get("default") is True for _, option in objects(select.get("options"))) > most:
        words = "The specified number of default values exceeds the specified maximum values"
        report.refuse(path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", words)


# ---- the table ----

_UNIQUE_CHOICES = "Must be unique among the choices of its option."
_SAME_NAME = "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"
_SAME_VALUE = "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"
DISTINCT_OPTIONS = distinct("options", "name", _SAME_NAME, "Option name already exists", up=1)
DISTINCT_CHOICES = [distinct("choices", name, INVALID, _UNIQUE_CHOICES) for name in ("name", "value")]
DISTINCT_VALUES = distinct("options", "value", _SAME_VALUE, "The specified option value is already used", up=1)

_NAME = CommandName(1, 32)
_DESCRIPTION = Text(1, 100)
_URL = Url(2048, "http", "https")
_MEDIA = Url(2048, "http", "https", "attachment")
_ID = Text(*CUSTOM_ID)
_CONTENT = Text(0, CONTENT)
_SELECTS = {3: "string select", 5: "user select", 6: "role select", 7: "mentionable select", 8: "channel select"}
_IN_CONTAINER = {1: "row", 9: "section", 10: "text display", 12: "gallery", 13: "file", 14: "separator"}
_ROWS = Shape({"components": Array(0, 5, Component({1: "row"}))})
_LAYOUT_COMPONENT = Component({**_IN_CONTAINER, 17: "container"})
_LAYOUT = Shape({"components": Array(0, COMPONENTS, _LAYOUT_COMPONENT)}, "", _check_layout_size)
_IN_LABEL = {4: "text input", **_SELECTS, 19: "upload", 21: "radio group", 22: "checkbox group", 23: "checkbox"}
CHANNEL_TYPES = Choice(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16)


def named(name: Check, more: Mapping[str, Check | str], *rules: Check) -> Shape:
    """Return the shape of a command or an option with more fields than names and descriptions."""
    names = {"name": name, "name_localizations": Localized(name)}
    descriptions = {"description": _DESCRIPTION, "description_localizations": Localized(_DESCRIPTION)}
    return Shape({**names, **descriptions, **more}, "name description", *rules)


def _choice(value: Check) -> Shape:
    name = Text(1, 100)
    return Shape({"name": name, "name_localizations": Localized(name), "value": value}, "name value")


_SELECT = Shape(
    {
        "custom_id": _ID,
        "placeholder": Text(0, 150),
        "disabled": boolean,
        "min_values": Integer(0, 25),
        "max_values": Integer(1, 25),
    },
    "custom_id",
    ordered("min_values", "max_values"),
)
_TEXT_INPUT = Shape(
    {
        "custom_id": _ID,
        "style": Choice(1, 2),
        "label": Text(1, 45),
        "placeholder": Text(0, 100),
        "value": Text(0, INPUT_VALUE),
        "min_length": Integer(0, INPUT_VALUE),
        "max_length": Integer(1, INPUT_VALUE),
    },
    "custom_id style",
    ordered("min_length", "max_length"),
)
_OPTIONS: dict[str, Check] = {"options": Array(0, OPTIONS, "option")}

SHAPES: dict[str, Shape] = {
    # interactions/application-commands
    "command": named(_NAME, _OPTIONS, DISTINCT_OPTIONS, _check_size),
    "menu": Shape({"name": Text(1, 32), "name_localizations": Localized(Text(1, 32))}, "name"),
    "option": named(
        _NAME,
        {
            **_OPTIONS,
            "choices": Array(0, CHOICES, "choice"),
            "min_value": Number(*OPTION_NUMBER),
            "max_value": Number(*OPTION_NUMBER),
            "min_length": Integer(0, 6000),
            "max_length": Integer(*OPTION_MAX_LENGTH),
        },
        DISTINCT_OPTIONS,
        *DISTINCT_CHOICES,
        ordered("min_value", "max_value"),
        ordered("min_length", "max_length"),
    ),
    "choice": _choice(_check_choice_value),
    "string choice": _choice(Text(1, 100)),
    "integer choice": _choice(Integer(*OPTION_NUMBER)),
    "number choice": _choice(Number(*OPTION_NUMBER)),
    # resources/message#create-message
    "message": Shape(
        {
            "content": _CONTENT,
            "embeds": Array(0, EMBEDS, "embed"),
            "attachments": Array(0, ATTACHMENTS, "attachment"),
        },
        "",
        _check_embed_size,
        _check_components,
        _check_custom_ids,
    ),
    "attachment": Shape({"filename": _check_filename, "description": Text(0, 1024)}),
    # resources/message#embed-object-embed-limits
    "embed": Shape(
        {
            "url": _URL,
            "color": Integer(0, 0xFFFFFF),
            "title": Text(0, EMBED_TITLE),
            "description": Text(0, EMBED_DESCRIPTION),
            "image": Shape({"url": _MEDIA}),
            "thumbnail": Shape({"url": _MEDIA}),
            "footer": Shape({"text": Text(0, 2048), "icon_url": _MEDIA}),
            "author": Shape({"name": Text(0, 256), "url": _MEDIA, "icon_url": _MEDIA}),
            "fields": Array(0, 25, "embed field"),
        },
        "",
        _check_embed_shows_something,
    ),
    "embed field": Shape({}, "", _check_field_texts),
    # components/reference
    "row": Shape({"components": Array(1, 5, Component({2: "button", **_SELECTS}))}, "components", _check_width),
    "button": Shape(
        {
            "style": Choice(1, 2, 3, 4, 5, 6),
            "custom_id": _ID,
            "url": Url(512, "http", "https", "discord"),
            "label": Text(0, 80),
            "disabled": boolean,
            "emoji": "emoji",
        },
        "style",
        _check_button,
    ),
    "emoji": Shape({}, "", _check_emoji),
    "string select": _SELECT.extended({}, "", _check_select_options),
    "user select": _SELECT,
    "role select": _SELECT,
    "mentionable select": _SELECT,
    "channel select": _SELECT.extended({"channel_types": Array(0, len(CHANNEL_TYPES.allowed), CHANNEL_TYPES)}),
    "select option": Shape(
        {"label": Text(1, 100), "description": Text(0, 100), "emoji": "emoji", "value": Text(1, 100)},
        "label value",
    ),
    "container": Shape({"components": Array(1, COMPONENTS, Component(_IN_CONTAINER))}, "components"),
    "section": Shape({"accessory": Component({2: "button", 11: "thumbnail"})}, "accessory"),
    **dict.fromkeys(("text display", "thumbnail", "gallery", "file", "separator"), Shape({})),
    # interactions/receiving-and-responding#interaction-response-object-modal
    "modal": Shape(
        {
            "custom_id": _ID,
            "title": Text(1, 45),
            "components": Array(1, 5, Component({1: "modal row", 10: "text display", 18: "label"})),
        },
        "custom_id title components",
        _check_custom_ids,
    ),
    "modal row": Shape({"components": Array(1, 5, Component({4: "row input"}))}, "components", _check_width),
    "row input": _TEXT_INPUT.extended({}, "label"),
    "label": Shape(
        {"label": Text(1, 45), "description": Text(1, 100), "component": Component(_IN_LABEL)}, "label component"
    ),
    "text input": _TEXT_INPUT,
    **dict.fromkeys(("upload", "radio group", "checkbox group", "checkbox"), Shape({"custom_id": _ID}, "custom_id")),
}


def violations(check: Check | str, payload: object, shapes: Mapping[str, Shape] = SHAPES) -> list[Violation]:
    """Return what a check refuses in a payload."""
    report = Report(shapes)
    report.check(check, payload, ())
    return report.found


def command_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in one application command."""
    return violations("menu" if payload.get("type") in (2, 3) else "command", payload)


def commands_violations(payloads: Sequence[Mapping[str, object]]) -> list[Violation]:
    """Return what Discord would refuse in all commands of one scope, global or a guild's, taken together.

    That is the number of commands of each type, and two commands of one type and name. Paths start with an index.
    """
    report = Report({})
    places: dict[int, list[tuple[Path, object]]] = {kind: [] for kind in COMMANDS}
    for index, command in objects(payloads, sum(COMMANDS.values())):
        kind = command.get("type")
        place = places[kind if is_integer(kind) and kind in COMMANDS else 1]
        place.append(((index, "name"), command.get("name")))
    for kind, found in places.items():
        for path, _ in found[COMMANDS[kind] : COMMANDS[kind] + 1]:
            message = f"Maximum number of application commands reached ({COMMANDS[kind]} of this type)."
            report.refuse(path[:1], INVALID, message)
        refuse_duplicates(report, found, DUPLICATE_NAME, "Application command names must be unique", up=1)
    return report.found


def choice_violations(choice: Mapping[str, object], kind: int) -> list[Violation]:
    """Return what Discord would refuse in one choice, or suggestion, of a string, integer or number option."""
    return violations({3: "string choice", 4: "integer choice"}.get(kind, "number choice"), choice)


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


# ---- words ----


def explained(found: Iterable[Violation], *, below: int = 0) -> str:
    """Return the violations as sentences, each with its fix. Paths are shown without their first `below` parts."""
    explanations: dict[str, list[str]] = {}
    for violation in found:
        above = "".join(f"{part}." for part in violation.path[:below])
        place = f"{_dotted(violation.path[below:])}: " if violation.path[below:] else ""
        got = f" (got {violation.got.replace(above, '', 1)})" if violation.got else ""
        explanations.setdefault(fix_of(violation), []).append(f"{place}{violation.message.rstrip('.')}{got}")
    return " ".join(f"{'; '.join(words)}. {fix}" for fix, words in explanations.items())


def fix_of(violation: Violation) -> str:
    """Return what to change so that Discord accepts a message or a modal with this violation, as a sentence."""
    from .limit_fixes import FILL_IN, FIXES

    if violation.got == "0 characters":
        return FILL_IN
    names = [part for part in violation.path if isinstance(part, str) and not part.isdecimal()]
    keys = [f"{violation.code} {_dotted(names[start:])}".rstrip() for start in range(len(names) + 1)]
    return next((FIXES[key] for key in keys if key in FIXES), "Change it, or leave it out.")


def _dotted(path: Iterable[str | int]) -> str:
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
