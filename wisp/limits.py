"""Discord's limits in one place, and what in a raw JSON payload breaks them.

Every limit stands below under the page of https://docs.discord.com/developers that states it; where a
page and Discord's OpenAPI file differ, the one that a bot meets is taken. Lengths are in characters as
Python's `len` counts them: Discord counts code points too (discord/discord-api-docs issue 1315).

The functions take any JSON value and never raise. A problem's code is Discord's own; `INVALID` stands
where Discord's documentation forbids something without naming the code of its refusal.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # nothing is imported at run time: `import wisp` stays light
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TypeGuard

# interactions/application-commands
COMMAND_NAME = (1, 32)
COMMAND_DESCRIPTION = (1, 100)
COMMAND_SIZE = 8000  # names, descriptions and choice values of a command, the longest localization of each
CHAT_INPUT_COMMANDS = 100
USER_COMMANDS = 15
MESSAGE_COMMANDS = 15
OPTIONS = 25
CHOICES = 25
CHOICE_NAME = (1, 100)
CHOICE_TEXT = (1, 100)
OPTION_NUMBER = (-(2**53) + 1, 2**53 - 1)
OPTION_MIN_LENGTH = (0, 6000)
OPTION_MAX_LENGTH = (1, 6000)
# reference#locales
# fmt: off
LOCALES = frozenset((
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he", "hi", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th", "tr", "uk", "vi",
    "zh-CN", "zh-TW",
))
# fmt: on
# resources/channel#channel-object-channel-types
CHANNEL_TYPES = (0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16)
# resources/message#create-message; 4000 in the OpenAPI file is for people with Nitro
CONTENT = 2000
EMBEDS = 10
ATTACHMENTS = 10
ATTACHMENT_SIZE = 10 * 1024 * 1024  # bytes of a file, in a guild without boosts (reference#uploading-files)
ATTACHMENT_DESCRIPTION = 1024
STICKERS = 3
ALLOWED_MENTIONS_IDS = 100
# resources/message#embed-object-embed-limits
EMBEDS_SIZE = 6000  # titles, descriptions, field names and values, footers and authors of all embeds
EMBED_TITLE = 256
EMBED_DESCRIPTION = 4096
EMBED_FIELDS = 25
EMBED_FIELD_NAME = 256
EMBED_FIELD_VALUE = 1024
EMBED_FOOTER = 2048
EMBED_AUTHOR = 256
EMBED_URL = 2048
EMBED_COLOR = (0, 0xFFFFFF)
# components/reference
COMPONENTS_V2 = 1 << 15  # the message flag
COMPONENTS = 40  # of a message with that flag, nested ones counted
COMPONENTS_TEXT = 4000  # of all text displays of a message
ROWS = 5
ROW_BUTTONS = 5
CUSTOM_ID = (1, 100)
BUTTON_LABEL = 80
BUTTON_URL = 512
EMOJI_NAME = 32
PLACEHOLDER = 150
SELECT_OPTIONS = 25
SELECT_OPTION_TEXT = (1, 100)
SELECT_MIN_VALUES = (0, 25)
SELECT_MAX_VALUES = (1, 25)
SECTION_TEXTS = (1, 3)
GALLERY_ITEMS = (1, 10)
MEDIA_DESCRIPTION = 1024
MEDIA_URL = 2048
# interactions/receiving-and-responding#interaction-response-object-modal
MODAL_TITLE = (1, 45)
MODAL_COMPONENTS = (1, 5)
INPUT_LABEL = (1, 45)
LABEL_DESCRIPTION = 100
INPUT_PLACEHOLDER = 100
INPUT_VALUE = 4000
INPUT_MIN_LENGTH = (0, 4000)
INPUT_MAX_LENGTH = (1, 4000)
BOXES = (1, 10)  # options of a checkbox group; a radio group has two or more
BOXES_MIN_VALUES = (0, 10)  # of a checkbox group, and files of an upload
BOXES_MAX_VALUES = (1, 10)

INVALID = "INVALID"

DUPLICATE_NAME = "APPLICATION_COMMANDS_DUPLICATE_NAME"
"""The code for two commands of one name."""

_CHAT_INPUT, _USER, _MESSAGE, _ENTRY_POINT = 1, 2, 3, 4
_SUBCOMMAND, _GROUP, _STRING, _INTEGER, _CHANNEL, _NUMBER = 1, 2, 3, 4, 7, 10
_VALUE_TYPES = (3, 4, 5, 6, 7, 8, 9, 10, 11)
_ROW, _BUTTON, _STRING_SELECT, _TEXT_INPUT, _SECTION, _TEXT = 1, 2, 3, 4, 9, 10
_THUMBNAIL, _GALLERY, _FILE, _SEPARATOR, _CONTAINER, _LABEL = 11, 12, 13, 14, 17, 18
_UPLOAD, _RADIO_GROUP, _CHECKBOX_GROUP, _CHECKBOX = 19, 21, 22, 23
_SELECTS = (3, 5, 6, 7, 8)
_DEFAULT_TYPES = {5: ("user",), 6: ("role",), 7: ("user", "role"), 8: ("channel",)}
_IN_CONTAINER = (_ROW, _SECTION, _TEXT, _GALLERY, _FILE, _SEPARATOR)
_MEDIA_SCHEMES = ("http", "https", "attachment")
_IN_LABEL = (_TEXT_INPUT, *_SELECTS, _UPLOAD, _RADIO_GROUP, _CHECKBOX_GROUP, _CHECKBOX)
_SHOWN_PARTS = (("footer", "text"), ("author", "name"), ("image", "url"), ("thumbnail", "url"))

# One emoji, as far as its code points tell: a flag or a letter of one, a keycap, or pictographs joined by U+200D, each
# with variation selectors, skin tones and tags. The range of pictographs is wider than what Discord knows: its list
# grows with Unicode, and an emoji that is refused here could not be used at all.
_PICTOGRAPH = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001ffff][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
)
_EMOJI = rf"[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_PICTOGRAPH}(?:\u200d{_PICTOGRAPH})*"


_SHORTEN = "Shorten it, or send the rest in another answer."
_OTHERS = "Send the others in another answer."
_LINK = "A button that opens a URL is wisp.link_button(label, url): it calls no handler."
_FILL_IN = "Fill it in."

# (code, the end of the path without indexes, what to do about it): the first that fits counts.
_FIXES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("BASE_TYPE_MAX_LENGTH", ("content",), _SHORTEN),
    ("BASE_TYPE_BAD_LENGTH", ("content",), _SHORTEN),
    ("COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", (), _SHORTEN),
    ("COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", (), _SHORTEN),
    ("MAX_EMBED_SIZE_EXCEEDED", (), _SHORTEN),
    ("BASE_TYPE_MAX_LENGTH", ("embeds",), _OTHERS),
    ("BASE_TYPE_MAX_LENGTH", ("attachments",), _OTHERS),
    ("BASE_TYPE_MAX_LENGTH", ("components",), _OTHERS),
    ("BASE_TYPE_MAX_LENGTH", ("fields",), "Put the others into another embed."),
    (
        "BASE_TYPE_BAD_LENGTH",
        ("components", "components"),
        "wisp.row(...) takes 1 to 5 buttons, or one select: put the others into another row.",
    ),
    ("BASE_TYPE_BAD_LENGTH", ("components",), "A form has 1 to 5 rows, each with one text input."),
    (
        "BASE_TYPE_BAD_LENGTH",
        ("options",),
        "A select offers as many options as can be chosen, or more, up to 25.",
    ),
    (
        "BASE_TYPE_BAD_LENGTH",
        ("custom_id",),
        "Put less into it: the key of something that is in ctx.data, for example.",
    ),
    ("BASE_TYPE_BAD_LENGTH", (), "Shorten it."),
    ("BASE_TYPE_MAX_LENGTH", (), "Shorten it."),
    (
        "BASE_TYPE_REQUIRED",
        ("embeds", "description"),
        "Give the embed a title, a description, a field, an image, an author or a footer: it shows nothing.",
    ),
    ("BASE_TYPE_REQUIRED", ("fields", "name"), 'A field that shows no name has "" as its name.'),
    ("BASE_TYPE_REQUIRED", ("fields", "value"), 'A field that shows no value has "" as its value.'),
    ("BASE_TYPE_REQUIRED", ("components", "url"), "Name the URL that it opens: wisp.link_button(label, url)."),
    ("BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", (), _LINK),
    ("BASE_TYPE_REQUIRED", (), _FILL_IN),
    ("BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", (), "Make the button with `handler.bind(...).button(...)`."),
    (
        "BUTTON_COMPONENT_INVALID_EMOJI",
        (),
        'Write the emoji itself, such as "👍"; a custom emoji is hikari.Emoji.parse("<:name:id>").',
    ),
    (
        "UNION_TYPE_CHOICES",
        ("components", "components"),
        "A row holds buttons, or one select; a text input belongs to a form, wisp.Form.",
    ),
    ("UNION_TYPE_CHOICES", ("components",), "Buttons and selects go into rows, `components=[wisp.row(...)]`."),
    ("COMPONENT_LAYOUT_WIDTH_EXCEEDED", (), "A select, and a text input of a form, fills a row: give each its own."),
    (
        "COMPONENT_CUSTOM_ID_DUPLICATED",
        (),
        "Give each component of a message a custom id of its own: bind it to other values, or add a field to its id.",
    ),
    ("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", (), "Give each option a value of its own."),
    ("SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", (), "Preselect fewer options, or raise the maximum."),
    ("URL_TYPE_INVALID_URL", (), 'Write it as in "https://example.com".'),
    ("URL_TYPE_INVALID_SCHEME", (), 'Write it as in "https://example.com".'),
    ("STRING_TYPE_CONVERT", (), "Give it a text."),
    ("BOOLEAN_TYPE_CONVERT", (), "Give it True or False."),
    ("NUMBER_TYPE_COERCE", (), "Give it a number."),
    ("NUMBER_TYPE_MIN", (), "Give it a number within these bounds."),
    ("NUMBER_TYPE_MAX", (), "Give it a number within these bounds."),
    ("BASE_TYPE_CHOICES", (), "Give it one of these."),
    (INVALID, ("filename",), "Give the file another name."),
    (INVALID, ("min_values",), "Lower the minimum, or raise the maximum."),
    (INVALID, ("min_length",), "Lower the minimum, or raise the maximum."),
    ("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", (), "Say True for all, or name some."),
    (
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        (),
        "Beside containers, sections and texts, a text is hikari.impl.TextDisplayComponentBuilder(content=...).",
    ),
)


class Violation:
    """One place of a payload that Discord would refuse.

    `path` leads to it from the payload's root (keys and indexes), `code` is Discord's (or `INVALID`),
    `message` says what is expected there, in a sentence. `got` says what came instead where Discord's
    sentence leaves that out: "3000 characters", "27 options", "the same as options.0.name"; else "".
    """

    __slots__ = ("code", "got", "message", "path")

    def __init__(self, path: tuple[str | int, ...], code: str, message: str, got: str = "") -> None:
        self.path: tuple[str | int, ...] = path
        self.code: str = code
        self.message: str = message
        self.got: str = got

    def __str__(self) -> str:
        return f"{_dotted(self.path) or 'payload'}: {self.message} ({self.code})"

    def __repr__(self) -> str:
        return f"<Problem {self}>"


def command_violations(payload: Mapping[str, object]) -> list[Violation]:
    """What Discord would refuse in one application command: chat input, user, message or entry point."""
    problems: list[Violation] = []
    _check_command(_Value(payload, (), problems))
    return problems


def commands_violations(payloads: Sequence[Mapping[str, object]]) -> list[Violation]:
    """What Discord would refuse in all commands of one scope, global or a guild's; paths start with an index.

    Besides each command: the count of each type, and two commands of one type with one name.
    """
    problems: list[Violation] = []
    limits = {_CHAT_INPUT: CHAT_INPUT_COMMANDS, _USER: USER_COMMANDS, _MESSAGE: MESSAGE_COMMANDS, _ENTRY_POINT: 1}
    counts = dict.fromkeys(limits, 0)
    names: dict[tuple[int, str], _Value] = {}
    # Everything past the limits is refused by count alone: an endless list costs no endless walk.
    for command in _Value(payloads, (), problems).items(0, sum(limits.values())):
        kind = _check_command(command)
        counts[kind] += 1
        if counts[kind] == limits[kind] + 1:
            command.refuse(INVALID, f"Maximum number of application commands reached ({limits[kind]} of this type).")
        name = command.get("name")
        if isinstance(name.raw, str) and (first := names.setdefault((kind, name.raw), name)) is not name:
            message = "Application command names must be unique"
            command.refuse(DUPLICATE_NAME, message, _same_as(first))
    return problems


def choice_violations(choice: Mapping[str, object], kind: int) -> list[Violation]:
    """What Discord would refuse in one choice, or suggestion, of an option of this type."""
    problems: list[Violation] = []
    _check_choice(_Value(choice, (), problems), kind)
    return problems


def message_violations(payload: Mapping[str, object]) -> list[Violation]:
    """What Discord would refuse in a message that a bot creates or edits, an interaction's answer included.

    An empty message is no problem here: it is legal as an edit, and has a code of its own (50006).
    """
    problems: list[Violation] = []
    message = _Value(payload, (), problems)
    if not message.is_object():
        return problems
    flags = message.get("flags").integer() or 0
    message.get("tts").boolean()
    message.get("content").text(0, CONTENT)
    _check_embeds(message.get("embeds"))
    _check_allowed_mentions(message.get("allowed_mentions"))
    for sticker in message.get("sticker_ids").items(0, STICKERS):
        sticker.snowflake()
    for attachment in message.get("attachments").items(0, ATTACHMENTS):
        if attachment.is_object():
            attachment.need("id").snowflake()
            _check_filename(attachment.get("filename"))
            attachment.get("description").text(0, ATTACHMENT_DESCRIPTION)
    components = message.get("components")
    if flags & COMPONENTS_V2:
        _refuse_legacy_fields(message)
        _check_layout(components)
    else:
        for row in components.items(0, ROWS):
            if row.is_component((_ROW,)):
                _check_row(row)
    _check_ids(components)
    return problems


def modal_violations(payload: Mapping[str, object]) -> list[Violation]:
    """What Discord would refuse in the `data` of an interaction callback of type 9 (MODAL)."""
    problems: list[Violation] = []
    modal = _Value(payload, (), problems)
    if not modal.is_object():
        return problems
    modal.need("custom_id").text(*CUSTOM_ID)
    modal.need("title").text(*MODAL_TITLE)
    components = modal.need("components")
    for component in components.items(*MODAL_COMPONENTS):
        if component.is_component((_ROW, _TEXT, _LABEL)):
            _check_modal_component(component)
    _check_ids(components)
    return problems


def content_violation(text: str) -> Violation | None:
    """Return the problem of a message's text, None if it has none. This is the cheap check before each send."""
    if len(text) > CONTENT:
        return _too_long(("content",), 0, CONTENT, f"{len(text)} characters")
    return None if _is_encodable(text) else _surrogate(("content",), text)


def explained(problems: Iterable[Violation], *, below: int = 0) -> str:
    """Return the problems in words, each with its fix. Paths are shown without their first `below` parts."""
    told: dict[str, list[str]] = {}
    for problem in problems:
        above = "".join(f"{part}." for part in problem.path[:below])
        place = f"{_dotted(problem.path[below:])}: " if problem.path[below:] else ""
        got = f" (got {problem.got.replace(above, '', 1)})" if problem.got else ""
        told.setdefault(fix_of(problem), []).append(f"{place}{problem.message.rstrip('.')}{got}")
    return " ".join(f"{'; '.join(words)}. {fix}" for fix, words in told.items())


def fix_of(problem: Violation) -> str:
    """Return what to change so that Discord takes a message or a form with this problem, as a sentence."""
    if problem.got == _count(0, "characters"):
        return _FILL_IN
    names = [part for part in problem.path if isinstance(part, str) and not part.isdecimal()]
    for code, tail, fix in _FIXES:
        if code == problem.code and names[len(names) - len(tail) :] == [*tail]:
            return fix
    return "Change it, or leave it out."


def error_tree(problems: Iterable[Violation]) -> dict[str, object]:
    """The `errors` object of Discord's "Invalid Form Body" (50035): paths as nested keys, then `_errors`.

    Discord looks at an object as a whole once its fields are right: what is said of an object is left out
    where something is said of its fields, so that `_errors` never stand beside other keys.
    """
    found = list(problems)
    holders = {problem.path[:depth] for problem in found for depth in range(len(problem.path))}
    tree: dict[str, Any] = {}
    for problem in found:
        if problem.path in holders:
            continue
        branch = tree
        for key in problem.path:
            branch = branch.setdefault(str(key), {})
        branch.setdefault("_errors", []).append({"code": problem.code, "message": problem.message})
    return tree


class _Value:
    """A JSON value with its path; each check reports what is wrong. Absent and null pass all checks but `need`."""

    __slots__ = ("path", "problems", "raw")

    def __init__(self, raw: object, path: tuple[str | int, ...], problems: list[Violation]) -> None:
        self.raw = raw
        self.path = path
        self.problems = problems

    def refuse(self, code: str, message: str, got: str = "") -> None:
        self.problems.append(Violation(self.path, code, message, got))

    def get(self, key: str) -> _Value:
        return _Value(self.raw.get(key) if _is_dict(self.raw) else None, (*self.path, key), self.problems)

    def need(self, key: str) -> _Value:
        """The value of a key that must be there. Discord trims text: blank is absent."""
        value = self.get(key)
        if value.raw is None or (isinstance(value.raw, str) and not value.raw.strip()):
            value.refuse("BASE_TYPE_REQUIRED", "This field is required")
            value.raw = None
        return value

    def forbid(self, key: str, why: str) -> None:
        value = self.get(key)
        if value.raw is not None and value.raw not in ("", []):
            value.refuse(INVALID, why)

    def is_object(self) -> bool:
        if _is_dict(self.raw):
            return True
        self.refuse("MODEL_TYPE_CONVERT", "Expected an object/dictionary.")
        return False

    def is_component(self, allowed: Sequence[int]) -> bool:
        if not self.is_object():
            return False
        kind = self.get("type").raw
        if _is_integer(kind) and kind in allowed:
            self.get("id").integer(0, 2**31 - 1)
            return True
        self.refuse("UNION_TYPE_CHOICES", f'Value of field "type" must be one of {_listed(allowed)}.')
        return False

    def text(self, low: int, high: int) -> str | None:
        if self.raw is None:
            return None
        if not isinstance(self.raw, str):
            return self.refuse("STRING_TYPE_CONVERT", f"Could not interpret {_shown(self.raw)} as string.")
        if not low <= len(self.raw) <= high:
            self.problems.append(_too_long(self.path, low, high, _count(len(self.raw), "characters")))
            return None
        if not _is_encodable(self.raw):
            self.problems.append(_surrogate(self.path, self.raw))
            return None
        return self.raw

    def boolean(self) -> bool | None:
        if self.raw is None or isinstance(self.raw, bool):
            return self.raw
        return self.refuse("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")

    def integer(self, low: int | None = None, high: int | None = None) -> int | None:
        if isinstance(self.raw, float) and self.raw.is_integer():
            self.raw = int(self.raw)
        if self.raw is not None and not _is_integer(self.raw):
            return self.refuse("NUMBER_TYPE_COERCE", f"Value {_shown(self.raw)} is not int.")
        number = self.number(low, high)
        return None if number is None else int(number)

    def number(self, low: int | None = None, high: int | None = None) -> float | None:
        if self.raw is None:
            return None
        # A float is finite where it is not beyond itself: NaN and the infinities are no JSON.
        if isinstance(self.raw, bool) or not isinstance(self.raw, (int, float)) or self.raw - self.raw != 0:
            return self.refuse("NUMBER_TYPE_COERCE", f"Value {_shown(self.raw)} is not float.")
        kind = "int" if isinstance(self.raw, int) else "float"
        if low is not None and self.raw < low:
            message = f"{kind} value should be greater than or equal to {low}."
            return self.refuse("NUMBER_TYPE_MIN", message, _shown(self.raw))
        if high is not None and self.raw > high:
            message = f"{kind} value should be less than or equal to {high}."
            return self.refuse("NUMBER_TYPE_MAX", message, _shown(self.raw))
        return self.raw

    def choice(self, allowed: Sequence[int | str]) -> bool:
        if self.raw is None:
            return False
        if isinstance(self.raw, (str, int)) and not isinstance(self.raw, bool) and self.raw in allowed:
            return True
        self.refuse("BASE_TYPE_CHOICES", f"Value must be one of {_listed(allowed)}.")
        return False

    def snowflake(self) -> None:
        number = _digits(self.raw) if isinstance(self.raw, str) else self.raw
        if self.raw is not None and not (_is_integer(number) and 0 <= number < 2**63):
            self.refuse("NUMBER_TYPE_COERCE", f"Value {_shown(self.raw)} is not snowflake.")

    def url(self, high: int, schemes: Sequence[str]) -> None:
        text = self.text(0, high)
        if not text:
            return
        scheme, separator, rest = text.partition("://")
        if not separator or not rest or any(character.isspace() for character in text):
            self.refuse("URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif scheme.lower() not in schemes:
            self.refuse(
                "URL_TYPE_INVALID_SCHEME",
                f"Scheme {_shown(scheme)} is not supported. Scheme must be one of {_listed(schemes)}.",
            )

    def items(self, low: int, high: int) -> list[_Value]:
        """The entries of a list, as many as may be there: what is past them is refused unread."""
        if self.raw is None:
            return []
        if not _is_list(self.raw):
            self.refuse("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if not low <= len(self.raw) <= high:
            self.problems.append(_too_long(self.path, low, high, _count(len(self.raw), _last_name(self.path))))
        return [_Value(raw, (*self.path, index), self.problems) for index, raw in enumerate(self.raw[:high])]

    def unique(self, allowed: Sequence[int | str], low: int = 0) -> list[int | str]:
        """The entries of a list of different values out of `allowed`."""
        seen: list[int | str] = []
        for item in self.items(low, len(allowed)):
            if item.raw is None:
                item.refuse("BASE_TYPE_REQUIRED", "This field is required")
            elif isinstance(item.raw, (int, str)) and item.raw in seen:
                item.refuse("SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value")
            elif item.choice(allowed) and isinstance(item.raw, (int, str)):
                seen.append(item.raw)
        return seen

    def localizations(self) -> list[_Value]:
        """The texts of a localization dictionary. A key that is no locale is refused on the dictionary."""
        if self.raw is None:
            return []
        if not _is_dict(self.raw):
            self.refuse("DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
            return []
        unknown = [key for key in self.raw if key not in LOCALES]
        if unknown:
            self.refuse(
                "BASE_TYPE_CHOICES",
                f"{_shown(unknown[0])} is not a locale. Key must be one of {_listed(sorted(LOCALES))}.",
            )
        return [self.need(locale) for locale in self.raw if locale in LOCALES]


def _check_command(command: _Value) -> int:
    """Check one command; its type, CHAT_INPUT where that cannot be told."""
    if not command.is_object():
        return _CHAT_INPUT
    problems_before = len(command.problems)
    kind_value = command.get("type")
    given = kind_value.raw
    kind = given if kind_value.choice((_CHAT_INPUT, _USER, _MESSAGE, _ENTRY_POINT)) and _is_integer(given) else 1
    if kind in (_USER, _MESSAGE):
        command.need("name").text(*COMMAND_NAME)
        for name in command.get("name_localizations").localizations():
            name.text(*COMMAND_NAME)
        why = "Must be empty: user and message commands have none."
        for key in ("description", "options"):
            command.forbid(key, why)
        command.get("description_localizations").localizations()
    else:
        _check_names(command)
        _check_options(command, (_SUBCOMMAND, _GROUP, *_VALUE_TYPES))
    for key in ("nsfw", "dm_permission"):
        command.get(key).boolean()
    command.get("contexts").unique((0, 1, 2), low=1)
    command.get("integration_types").unique((0, 1), low=1)
    _check_permissions(command.get("default_member_permissions"))
    # The size of something misshapen is nothing to go by, and mending it comes first anyway.
    if len(command.problems) == problems_before and (size := _size(command)) > COMMAND_SIZE:
        message = f"Command exceeds maximum size ({COMMAND_SIZE})"
        command.refuse("APPLICATION_COMMAND_TOO_LARGE", message, f"{size} characters")
    return kind


def _check_names(owner: _Value) -> None:
    """Check the name and description of a chat input command or an option, with their localizations."""
    for name in (owner.need("name"), *owner.get("name_localizations").localizations()):
        _check_name(name)
    for text in (owner.need("description"), *owner.get("description_localizations").localizations()):
        text.text(*COMMAND_DESCRIPTION)


def _check_name(value: _Value) -> None:
    name = value.text(*COMMAND_NAME)
    if name is None:
        return
    stranger = next((character for character in name if not _in_name(character)), None)
    if stranger is not None:
        why = f"{_shown(stranger)} is neither a letter, a digit nor one of - _ '"
    elif name != name.lower():
        why = f"it must be lowercase, {_shown(name.lower())}"
    else:
        return
    value.refuse("APPLICATION_COMMAND_INVALID_NAME", f"Command name is invalid: {why}")


def _in_name(character: str) -> bool:
    r"""Whether ^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]$ matches: Deva and Thai add their vowel signs."""
    if character.isalpha() or character.isnumeric() or character in "-_'":
        return True
    code = ord(character)
    return (
        0x0900 <= code <= 0x0950
        or 0x0955 <= code <= 0x0963  # what lies between is shared by scripts, so it is not Deva
        or 0x0966 <= code <= 0x097F
        or 0xA8E0 <= code <= 0xA8FF
        or 0x11B00 <= code <= 0x11B09
        or 0x0E01 <= code <= 0x0E3A
        or 0x0E40 <= code <= 0x0E5B
    )


def _check_permissions(value: _Value) -> None:
    number = _digits(value.raw) if isinstance(value.raw, str) else value.raw
    if value.raw is not None and not (_is_integer(number) and number >= 0):
        value.refuse("NUMBER_TYPE_COERCE", f"Value {_shown(value.raw)} is not int.")


def _check_options(owner: _Value, allowed: Sequence[int]) -> None:
    names: dict[str, _Value] = {}
    kinds: set[bool] = set()
    optional_seen = False
    for option in owner.get("options").items(0, OPTIONS):
        if not option.is_object():
            continue
        kind = _check_option(option, allowed)
        kinds.add(kind in (_SUBCOMMAND, _GROUP))
        if len(kinds) > 1:
            option.refuse(
                "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                "Sub-command and sub-command group option types are mutually exclusive to all other types",
            )
        name, required = option.get("name"), option.get("required").raw
        if isinstance(name.raw, str) and (first := names.setdefault(name.raw, name)) is not name:
            code = "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS"
            option.refuse(code, "Option name already exists", _same_as(first))
        if required is True and optional_seen:
            option.refuse(
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or required is not True


def _check_option(option: _Value, allowed: Sequence[int]) -> int:
    """Check one option; its type, STRING where that cannot be told."""
    _check_names(option)
    option.get("required").boolean()
    kind_value = option.need("type")
    kind = kind_value.raw
    if not kind_value.choice(allowed) or not _is_integer(kind):
        return _STRING
    if kind == _GROUP:
        _check_options(option, (_SUBCOMMAND,))
    elif kind == _SUBCOMMAND:
        _check_options(option, _VALUE_TYPES)
    else:
        option.forbid("options", "Only subcommands and groups have options.")
    if kind != _CHANNEL:
        option.forbid("channel_types", "Only channel options have channel types.")
    option.get("channel_types").unique(CHANNEL_TYPES)
    _check_range(option, kind)
    _check_choices(option, kind)
    return kind


def _check_range(option: _Value, kind: int) -> None:
    if kind == _STRING:
        low, high = option.get("min_length"), option.get("max_length")
        _check_order(low, low.integer(*OPTION_MIN_LENGTH), high.integer(*OPTION_MAX_LENGTH))
    else:
        for key in ("min_length", "max_length"):
            option.forbid(key, "Only string options have lengths.")
    low, high = option.get("min_value"), option.get("max_value")
    if kind == _INTEGER:
        _check_order(low, low.integer(*OPTION_NUMBER), high.integer(*OPTION_NUMBER))
    elif kind == _NUMBER:
        _check_order(low, low.number(*OPTION_NUMBER), high.number(*OPTION_NUMBER))
    else:
        for key in ("min_value", "max_value"):
            option.forbid(key, "Only integer and number options have a smallest and a largest value.")


def _check_order(where: _Value, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        where.refuse(INVALID, f"Must not be greater than its maximum ({low} > {high}).")


def _check_choices(option: _Value, kind: int) -> None:
    choices, autocomplete = option.get("choices"), option.get("autocomplete")
    if kind not in (_STRING, _INTEGER, _NUMBER):
        option.forbid("choices", "Only string, integer and number options have choices.")
        if autocomplete.raw is True:
            autocomplete.refuse(INVALID, "Only string, integer and number options have autocomplete.")
        return
    if autocomplete.boolean() and choices.raw:
        autocomplete.refuse(INVALID, "Must not be true where choices are present.")
    names: dict[object, _Value] = {}
    values: dict[object, _Value] = {}
    for choice in choices.items(0, CHOICES):
        if not choice.is_object():
            continue
        name, value = _check_choice(choice, kind)
        for field, seen in ((name, names), (value, values)):
            if isinstance(field.raw, (str, int, float)) and (first := seen.setdefault(field.raw, field)) is not field:
                field.refuse(INVALID, "Must be unique among the choices of its option.", _same_as(first))


def _check_choice(choice: _Value, kind: int) -> tuple[_Value, _Value]:
    """Check one choice of an option of this type; its name and its value."""
    name, value = choice.need("name"), choice.need("value")
    for text in (name, *choice.get("name_localizations").localizations()):
        text.text(*CHOICE_NAME)
    if kind == _STRING:
        value.text(*CHOICE_TEXT)
    elif kind == _INTEGER:
        value.integer(*OPTION_NUMBER)
    else:
        value.number(*OPTION_NUMBER)
    return name, value


def _size(owner: _Value) -> int:
    """The characters of a well-formed command or option that count for COMMAND_SIZE."""
    size = _longest(owner, "name") + _longest(owner, "description")
    size += sum(map(_size, owner.get("options").items(0, OPTIONS)))
    for choice in owner.get("choices").items(0, CHOICES):
        size += _longest(choice, "name") + len(str(choice.get("value").raw))
    return size


def _longest(owner: _Value, key: str) -> int:
    texts = (owner.get(key), *owner.get(f"{key}_localizations").localizations())
    return max(len(text.raw) if isinstance(text.raw, str) else 0 for text in texts)


def _check_embeds(embeds: _Value) -> None:
    size = 0
    for embed in embeds.items(0, EMBEDS):
        if embed.is_object():
            size += _check_embed(embed)
    if size > EMBEDS_SIZE:
        message = f"Embed size exceeds maximum size of {EMBEDS_SIZE}"
        embeds.refuse("MAX_EMBED_SIZE_EXCEEDED", message, f"{size} characters")


def _check_embed(embed: _Value) -> int:
    """Check one embed; the characters of it that count for EMBEDS_SIZE."""
    problems_before = len(embed.problems)
    embed.get("url").url(EMBED_URL, ("http", "https"))
    embed.get("color").integer(*EMBED_COLOR)
    _check_timestamp(embed.get("timestamp"))
    for key in ("image", "thumbnail", "footer", "author", "video", "provider"):
        part = embed.get(key)
        if part.raw is None or not part.is_object():
            continue
        for url in ("url", "icon_url"):
            part.get(url).url(EMBED_URL, _MEDIA_SCHEMES)
    texts = [
        embed.get("title").text(0, EMBED_TITLE),
        embed.get("description").text(0, EMBED_DESCRIPTION),
        embed.get("footer").get("text").text(0, EMBED_FOOTER),
        embed.get("author").get("name").text(0, EMBED_AUTHOR),
    ]
    for field in embed.get("fields").items(0, EMBED_FIELDS):
        if field.is_object():
            texts += [_field_text(field, "name", EMBED_FIELD_NAME), _field_text(field, "value", EMBED_FIELD_VALUE)]
            field.get("inline").boolean()
    if len(embed.problems) == problems_before and not _shows_something(embed):
        embed.get("description").refuse("BASE_TYPE_REQUIRED", "This field is required")
    return sum(len(text) for text in texts if text)


def _field_text(field: _Value, name: str, most: int) -> str | None:
    """Check the name or the value of a field. Discord takes an empty one (hikari-py/hikari#2105), but needs one."""
    return "" if field.get(name).raw == "" else field.need(name).text(1, most)


def _shows_something(embed: _Value) -> bool:
    """Whether a well-formed embed has content. A colour, a URL and a time are none; Discord trims text."""
    shown = [embed.get(name) for name in ("title", "description")]
    shown += [embed.get(part).get(name) for part, name in _SHOWN_PARTS]
    shown += [field.get(name) for field in embed.get("fields").items(0, EMBED_FIELDS) for name in ("name", "value")]
    return any(isinstance(text.raw, str) and text.raw.strip() for text in shown)


def _check_timestamp(value: _Value) -> None:
    from datetime import datetime

    text = value.text(0, 64)
    if not text:
        return
    try:
        datetime.fromisoformat(text)
    except ValueError:
        value.refuse("DATE_TIME_TYPE_PARSE", f"Could not parse {_shown(text)}. Should be ISO8601.")


def _check_filename(value: _Value) -> None:
    name = value.text(1, 1024) or ""
    if any(character < " " or character == "\x7f" for character in name):
        value.refuse(INVALID, "It cannot have control characters, such as line breaks.", _shown(name))


def _check_allowed_mentions(mentions: _Value) -> None:
    if mentions.raw is None or not mentions.is_object():
        return
    mentions.get("replied_user").boolean()
    parsed = mentions.get("parse").unique(("users", "roles", "everyone"))
    for key in ("users", "roles"):
        ids = mentions.get(key).items(0, ALLOWED_MENTIONS_IDS)
        for snowflake in ids:
            snowflake.snowflake()
        if ids and key in parsed:
            mentions.refuse(
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.',
            )


def _refuse_legacy_fields(message: _Value) -> None:
    for key in ("content", "embeds", "poll", "sticker_ids"):
        field = message.get(key)
        if field.raw:
            field.refuse(
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
            )


def _check_layout(components: _Value) -> None:
    """Check the components of a message with the COMPONENTS_V2 flag."""
    count = size = 0
    for component in components.items(0, COMPONENTS):
        if not component.is_component((*_IN_CONTAINER, _CONTAINER)):
            continue
        _check_layout_component(component)
    for component in _walk(components):
        count += 1
        content = component.get("content").raw
        if component.get("type").raw == _TEXT and isinstance(content, str):
            size += len(content)
    if count > COMPONENTS:
        components.refuse(
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            f"Total number of components exceeds maximum of {COMPONENTS}",
            f"{count} components",
        )
    if size > COMPONENTS_TEXT:
        components.refuse(
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            f"Components displayable text size exceeds maximum size of {COMPONENTS_TEXT}",
            f"{size} characters",
        )


def _check_layout_component(component: _Value) -> None:
    kind = component.get("type").raw
    if kind == _ROW:
        _check_row(component)
    elif kind == _TEXT:
        component.need("content").text(1, COMPONENTS_TEXT)
    elif kind == _SECTION:
        for text in component.need("components").items(*SECTION_TEXTS):
            if text.is_component((_TEXT,)):
                text.need("content").text(1, COMPONENTS_TEXT)
        _check_accessory(component.need("accessory"))
    elif kind == _GALLERY:
        for item in component.need("items").items(*GALLERY_ITEMS):
            if item.is_object():
                _check_media(item, "media", _MEDIA_SCHEMES)
    elif kind == _FILE:
        _check_media(component, "file", ("attachment",))
    elif kind == _SEPARATOR:
        component.get("divider").boolean()
        component.get("spacing").choice((1, 2))
    else:
        component.get("accent_color").integer(*EMBED_COLOR)
        component.get("spoiler").boolean()
        for inner in component.need("components").items(1, COMPONENTS):
            if inner.is_component(_IN_CONTAINER):
                _check_layout_component(inner)


def _check_accessory(accessory: _Value) -> None:
    if accessory.raw is None or not accessory.is_component((_BUTTON, _THUMBNAIL)):
        return
    if accessory.get("type").raw == _BUTTON:
        _check_button(accessory)
    else:
        _check_media(accessory, "media", _MEDIA_SCHEMES)


def _check_media(owner: _Value, key: str, schemes: Sequence[str]) -> None:
    owner.get("spoiler").boolean()
    owner.get("description").text(1, MEDIA_DESCRIPTION)
    media = owner.need(key)
    if media.raw is not None and media.is_object():
        media.need("url").url(MEDIA_URL, schemes)


def _check_row(row: _Value) -> None:
    children = [
        child for child in row.need("components").items(1, ROW_BUTTONS) if child.is_component((_BUTTON, *_SELECTS))
    ]
    for child in children:
        if child.get("type").raw == _BUTTON:
            _check_button(child)
        else:
            _check_select(child)
    # A select fills its row, so whatever stands beside it is one too many.
    if any(child.get("type").raw != _BUTTON for child in children):
        _refuse_width(children[1:])


def _refuse_width(components: Sequence[_Value]) -> None:
    for component in components:
        component.refuse("COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")


def _check_button(button: _Value) -> None:
    style_value = button.need("style")
    style = style_value.raw if style_value.choice((1, 2, 3, 4, 5, 6)) else None
    button.get("custom_id").text(*CUSTOM_ID)
    button.get("url").url(BUTTON_URL, ("http", "https", "discord"))
    button.get("label").text(0, BUTTON_LABEL)
    button.get("disabled").boolean()
    _check_emoji(button.get("emoji"))
    has_id, has_url = bool(button.get("custom_id").raw), bool(button.get("url").raw)
    if has_id and has_url:
        button.refuse(
            "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified"
        )
    if style in (1, 2, 3, 4) and not has_id:
        button.get("custom_id").refuse("BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
    if style == 5:  # a link
        button.need("url")
    button.get("sku_id").snowflake()
    if style == 6:  # premium: Discord draws it
        button.need("sku_id")
        for key in ("custom_id", "url", "label", "emoji"):
            button.forbid(key, "A premium button has a sku_id and nothing else.")
        return
    button.forbid("sku_id", "Only premium buttons have a sku_id.")
    label = button.get("label")
    if button.get("emoji").raw is None and (not label.raw or (isinstance(label.raw, str) and not label.raw.strip())):
        label.refuse("BASE_TYPE_REQUIRED", "This field is required: a label or an emoji")


def _check_emoji(emoji: _Value) -> None:
    if emoji.raw is None or not emoji.is_object():
        return
    emoji.get("id").snowflake()
    emoji.get("animated").boolean()
    name = emoji.get("name")
    # Of a custom emoji only the id counts.
    if emoji.get("id").raw is None and (name.raw is None or (isinstance(name.raw, str) and not _is_emoji(name.raw))):
        got = "no name" if name.raw is None else _shown(name.raw)
        name.refuse("BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji", got)
    else:
        name.text(0, EMOJI_NAME)


def _is_emoji(text: str) -> bool:
    """Return False for what is certainly not one Unicode emoji: words, codes like ":smile:", two emojis, nothing."""
    import re

    return re.fullmatch(_EMOJI, text.strip()) is not None


def _check_select(select: _Value) -> None:
    select.need("custom_id").text(*CUSTOM_ID)
    select.get("placeholder").text(0, PLACEHOLDER)
    select.get("disabled").boolean()
    select.get("required").boolean()
    most = _check_values(select, SELECT_MIN_VALUES, SELECT_MAX_VALUES)
    _check_default_values(select, most)
    if select.get("type").raw == _STRING_SELECT:
        # As many options as may be picked are the least that there can be.
        defaults = _check_select_options(select.need("options"), (most, SELECT_OPTIONS))
        if defaults > most:
            select.refuse(
                "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
                "The specified number of default values exceeds the specified maximum values",
            )
    elif select.get("type").raw == 8:  # a channel select
        select.get("channel_types").unique(CHANNEL_TYPES)


def _check_default_values(select: _Value, most: int) -> None:
    for default in select.get("default_values").items(0, most):
        if default.is_object():
            default.need("id").snowflake()
            kind = select.get("type").raw
            default.need("type").choice(_DEFAULT_TYPES.get(kind, ()) if isinstance(kind, int) else ())


def _check_values(owner: _Value, low: tuple[int, int], high: tuple[int, int]) -> int:
    """Check `min_values` and `max_values`; the most that may be picked, 1 unless it says otherwise."""
    least, most = owner.get("min_values").integer(*low), owner.get("max_values").integer(*high)
    _check_order(owner.get("min_values"), least, most)
    return most or 1


def _check_select_options(options: _Value, count: tuple[int, int]) -> int:
    """Check the options of a select or of a group of boxes; how many are picked from the start."""
    defaults = 0
    seen: dict[str, _Value] = {}
    for option in options.items(*count):
        if not option.is_object():
            continue
        option.need("label").text(*SELECT_OPTION_TEXT)
        option.get("description").text(0, SELECT_OPTION_TEXT[1])
        _check_emoji(option.get("emoji"))
        value = option.need("value")
        text = value.text(*SELECT_OPTION_TEXT)
        if text is not None and (first := seen.setdefault(text, value)) is not value:
            message = "The specified option value is already used"
            option.refuse("SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message, _same_as(first))
        defaults += option.get("default").boolean() is True
    return defaults


def _check_modal_component(component: _Value) -> None:
    kind = component.get("type").raw
    if kind == _TEXT:
        component.need("content").text(1, COMPONENTS_TEXT)
    elif kind == _ROW:
        inputs = component.need("components").items(1, ROW_BUTTONS)
        for text_input in inputs:
            if text_input.is_component((_TEXT_INPUT,)):
                text_input.need("label")
                _check_text_input(text_input)
        _refuse_width(inputs[1:])
    else:
        component.need("label").text(*INPUT_LABEL)
        component.get("description").text(1, LABEL_DESCRIPTION)
        _check_labelled(component.need("component"))


def _check_labelled(component: _Value) -> None:
    if component.raw is None or not component.is_component(_IN_LABEL):
        return
    kind = component.get("type").raw
    if kind == _TEXT_INPUT:
        _check_text_input(component)
    elif kind in _SELECTS:
        _check_select(component)
    else:
        component.need("custom_id").text(*CUSTOM_ID)
        component.get("required").boolean()
        if kind == _UPLOAD:
            _check_values(component, BOXES_MIN_VALUES, BOXES_MAX_VALUES)
        elif kind == _CHECKBOX_GROUP:
            _check_values(component, BOXES_MIN_VALUES, BOXES_MAX_VALUES)
            _check_select_options(component.need("options"), BOXES)
        elif kind == _RADIO_GROUP:
            _check_select_options(component.need("options"), (2, BOXES[1]))


def _check_text_input(text_input: _Value) -> None:
    text_input.need("custom_id").text(*CUSTOM_ID)
    text_input.need("style").choice((1, 2))
    text_input.get("label").text(*INPUT_LABEL)
    text_input.get("placeholder").text(0, INPUT_PLACEHOLDER)
    text_input.get("value").text(0, INPUT_VALUE)
    text_input.get("required").boolean()
    low, high = text_input.get("min_length"), text_input.get("max_length")
    _check_order(low, low.integer(*INPUT_MIN_LENGTH), high.integer(*INPUT_MAX_LENGTH))


def _walk(components: _Value, depth: int = 2) -> Iterable[_Value]:
    """All components of a list, nested ones included, each before what it holds."""
    found: list[object] = list(components.raw[: COMPONENTS + 1]) if _is_list(components.raw) else []
    for index, raw in enumerate(found):
        component = _Value(raw, (*components.path, index), components.problems)
        yield component
        for key in ("accessory", "component"):
            if _is_dict(component.get(key).raw):
                yield component.get(key)
        if depth:
            yield from _walk(component.get("components"), depth - 1)


def _check_ids(components: _Value) -> None:
    """Check that no two components share a custom id, or a number other than 0, which asks Discord for one."""
    custom_ids: dict[str, _Value] = {}
    numbers: dict[int, _Value] = {}
    for component in _walk(components):
        field, number = component.get("custom_id"), component.get("id")
        if isinstance(field.raw, str) and (first := custom_ids.setdefault(field.raw, field)) is not field:
            message = "Component custom id cannot be duplicated"
            field.refuse("COMPONENT_CUSTOM_ID_DUPLICATED", message, _same_as(first))
        if _is_integer(number.raw) and number.raw and (one := numbers.setdefault(number.raw, number)) is not number:
            number.refuse(INVALID, "The id of a component must be unique.", _same_as(one))


def _too_long(path: tuple[str | int, ...], low: int, high: int, got: str) -> Violation:
    """The problem of a text or list whose length is outside of `low` and `high`, both included."""
    if low:
        return Violation(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.", got)
    return Violation(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.", got)


def _is_encodable(text: str) -> bool:
    """Return whether a text can be sent. The halves of a surrogate pair are characters to Python alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _surrogate(path: tuple[str | int, ...], text: str) -> Violation:
    """Return the problem of a text that is not encodable."""
    half = next(character for character in text if "\ud800" <= character <= "\udfff")
    return Violation(path, INVALID, "Half of a surrogate pair is no character.", _shown(half))


def _count(number: int, things: str) -> str:
    return f"{number} {things.removesuffix('s') if number == 1 else things}"


def _last_name(path: tuple[str | int, ...]) -> str:
    """What the entries of the list at a path are called."""
    return next((part.replace("_", " ") for part in reversed(path) if isinstance(part, str)), "commands")


def _same_as(first: _Value) -> str:
    return f"the same as {_dotted(first.path)}"


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


def _is_dict(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, (list, tuple))


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _digits(text: str) -> int | None:
    return int(text) if 0 < len(text) <= 20 and text.isascii() and text.isdigit() else None


def _listed(values: Iterable[object]) -> str:
    return f"({', '.join(map(str, values))})"


def _shown(value: object) -> str:
    """A value in a message: short, and never of a size that its sender chose."""
    if isinstance(value, str):
        return repr(value if len(value) <= 50 else f"{value[:50]}…")
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**64):
        return str(value)
    return f"<{type(value).__name__}>"
