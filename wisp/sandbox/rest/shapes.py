"""What Discord refuses in messages, commands and modals besides `wisp.limits`: wisp sends none of it, others may."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wisp.limits import (
    CHOICES,
    COMMANDS,
    COMPONENTS,
    COMPONENTS_V2,
    CUSTOM_ID,
    DISTINCT_CHOICES,
    DISTINCT_OPTIONS,
    DISTINCT_VALUES,
    INVALID,
    OPTION_NUMBER,
    OPTIONS,
    SELECT_OPTIONS,
    SELECTS,
    SHAPES,
    TEXT_INPUT,
    Report,
    Shape,
    Violation,
    array,
    command_shape,
    component,
    integer,
    is_integer,
    is_object,
    localized,
    number,
    objects,
    ordered,
    refuse_duplicates,
    shown,
    text,
    url,
    violations,
    walk,
)
from wisp.sandbox.rest.fields import boolean, choice, permissions, snowflake, timestamp
from wisp.sandbox.world.bounds import MESSAGE_STICKERS

if TYPE_CHECKING:
    from wisp.limits import Path, Validator

DUPLICATE_NAME = "APPLICATION_COMMANDS_DUPLICATE_NAME"
"""The code for two commands of one type with the same name."""

STICKERS = MESSAGE_STICKERS.most
COMMAND_SIZE = 8000  # names, descriptions and choice values of a command, the longest localization of each
COMPONENTS_TEXT = 4000  # of all text displays of a message


def _anything(report: Report, value: object, path: Path) -> None:
    pass


def forbidden(why: str) -> Validator:
    """Return the check of a field that must be absent or empty."""

    def check(report: Report, value: Any, path: Path) -> None:
        if value not in ("", []):
            report.refuse(path, INVALID, why)

    return check


def choices(*allowed: int | str, low: int = 0) -> Validator:
    """Return the check of a list of different values out of several."""
    check_choice = choice(*allowed)

    def check_item(report: Report, value: Any, path: Path) -> None:
        if value is None:
            report.refuse(path, "BASE_TYPE_REQUIRED", "This field is required")
        else:
            check_choice(report, value, path)

    check_list = array(low, len(allowed), check_item)

    def check(report: Report, value: Any, path: Path) -> None:
        check_list(report, value, path)
        items: list[Any] = [*value[: len(allowed)]] if isinstance(value, (list, tuple)) else []
        for index, item in enumerate(items):
            if report.is_clean((*path, index)) and item in items[:index]:
                report.refuse((*path, index), "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value")

    return check


def typed(shapes: Mapping[int, str], otherwise: str, required: str = "") -> Validator:
    """Return the check of a command or an option: one shape of the table for each type, `otherwise` without a type."""
    check_type = Shape({"type": choice(*shapes)}, required)

    def check(report: Report, value: Any, path: Path) -> None:
        kind = value.get("type") if is_object(value) else None
        shape = shapes.get(kind, otherwise) if is_integer(kind) else otherwise
        report.check(shape, value, path)
        if is_object(value):
            check_type(report, value, path)

    return check


# ---- rules between fields ----


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


def _check_components(report: Report, message: Any, path: Path) -> None:
    flags = message.get("flags")
    if is_integer(flags) and flags & COMPONENTS_V2:
        _LAYOUT(report, message, path)
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


def _check_emoji(report: Report, emoji: Any, path: Path) -> None:
    name = emoji.get("name")
    is_unicode = emoji.get("id") is None and (name is None or isinstance(name, str))
    if is_unicode and not is_emoji((name or "").strip()):
        got = "no name" if name is None else shown(name)
        report.refuse((*path, "name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji", got)
    elif name is not None:
        text(0, 32)(report, name, (*path, "name"))


def _check_select_options(report: Report, select: Any, path: Path) -> None:
    most = report.valid(select, path, "max_values") or 1
    options = array(int(most), SELECT_OPTIONS, "select option")
    Shape({"options": options}, "options")(report, select, path)
    if sum(option.get("default") is True for _, option in objects(select.get("options"))) > most:
        words = "The specified number of default values exceeds the specified maximum values"
        report.refuse(path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", words)


# One emoji, as far as its code points tell: a flag or a letter of one, a keycap, or pictographs joined by U+200D, each
# with variation selectors, skin tones and tags. The range of pictographs is wider than what Discord knows: its list
# grows with Unicode, and an emoji that is refused here could not be used at all.
_PICTOGRAPH = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001ffff][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
)
_EMOJI = re.compile(rf"[\U0001f1e6-\U0001f1ff]{{1,2}}|[0-9#*]\ufe0f?\u20e3|{_PICTOGRAPH}(?:\u200d{_PICTOGRAPH})*")


def is_emoji(text: str) -> bool:
    """Return whether a text is one emoji, with or without its variation selectors."""
    return len(text) <= 32 and _EMOJI.fullmatch(text) is not None


def _check_option_kinds(report: Report, owner: Any, path: Path) -> None:
    kinds: set[bool] = set()
    has_optional = False
    for index, option in objects(owner.get("options")):
        place = (*path, "options", index)
        kinds.add(report.valid(option, place, "type") in (1, 2))
        if len(kinds) > 1:
            message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
            report.refuse(place, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        if has_optional and option.get("required") is True:
            message = "Required options must be placed before non-required options"
            report.refuse(place, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        has_optional = has_optional or option.get("required") is not True


def _check_autocomplete(report: Report, option: Any, path: Path) -> None:
    if option.get("autocomplete") is True and option.get("choices"):
        report.refuse((*path, "autocomplete"), INVALID, "Must not be true where choices are present.")


def _check_no_autocomplete(report: Report, option: Any, path: Path) -> None:
    if option.get("autocomplete") is True:
        report.refuse((*path, "autocomplete"), INVALID, "Only string, integer and number options have autocomplete.")


def _check_mentions(report: Report, mentions: Any, path: Path) -> None:
    for key in ("users", "roles"):
        parsed = mentions.get("parse")
        if mentions.get(key) and isinstance(parsed, (list, tuple)) and key in parsed:
            words = f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.'
            report.refuse(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words)


def _check_component_ids(report: Report, owner: Any, path: Path) -> None:
    found = walk(owner.get("components"), (*path, "components"))
    ids = [((*place, "id"), one.get("id")) for place, one in found if is_object(one)]
    # 0 asks Discord for a free one
    given = [(place, number) for place, number in ids if is_integer(number) and number]
    refuse_duplicates(report, given, INVALID, "The id of a component must be unique.")


def _check_premium(report: Report, button: Any, path: Path) -> None:
    if report.valid(button, path, "style") == 6:
        report.require(button, path, "sku_id")
        keys, why = ("custom_id", "url", "label", "emoji"), "A premium button has a sku_id and nothing else."
    else:
        keys, why = ("sku_id",), "Only premium buttons have a sku_id."
    Shape(dict.fromkeys(keys, forbidden(why)))(report, button, path)


def _check_default_values(*kinds: str) -> Validator:
    shape = Shape({"id": snowflake, "type": choice(*kinds)}, "id type")

    def rule(report: Report, select: Any, path: Path) -> None:
        most = int(report.valid(select, path, "max_values") or 1)
        Shape({"default_values": array(0, most, shape)})(report, select, path)

    return rule


# ---- the table ----

_COMPONENT: dict[str, Validator | str] = {"id": integer(0, 2**31 - 1)}
_CHANNEL_TYPES = (0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16)
_NO_OPTIONS = "Must be empty: user and message commands have none."
_ONLY_OF = {
    "options": "Only subcommands and groups have options.",
    "channel_types": "Only channel options have channel types.",
    "min_length": "Only string options have lengths.",
    "max_length": "Only string options have lengths.",
    "min_value": "Only integer and number options have a smallest and a largest value.",
    "max_value": "Only integer and number options have a smallest and a largest value.",
    "choices": "Only string, integer and number options have choices.",
}
_VALUE_OPTIONS = {
    **{3: "string option", 4: "integer option", 5: "option", 6: "option", 7: "channel option"},
    **{8: "option", 9: "option", 10: "number option", 11: "option"},
}
_COMMAND: dict[str, Validator | str] = {
    "nsfw": boolean,
    "dm_permission": boolean,
    "contexts": choices(0, 1, 2, low=1),
    "integration_types": choices(0, 1, low=1),
    "default_member_permissions": permissions,
}
_ID: dict[str, Validator | str] = {"custom_id": text(*CUSTOM_ID)}
_IN_CONTAINER = {1: "row", 9: "section", 10: "text display", 12: "gallery", 13: "file", 14: "separator"}
_IN_LABEL = {4: "text input", **SELECTS, 19: "upload", 21: "radio group", 22: "checkbox group", 23: "checkbox"}
_LAYOUT_COMPONENT = component({**_IN_CONTAINER, 17: "container"})
_LAYOUT = Shape({"components": array(0, COMPONENTS, _LAYOUT_COMPONENT)}, "", _check_layout_size)
_BOX: dict[str, Validator | str] = {"required": boolean}
_SELECT: dict[str, Validator | str] = {**_COMPONENT, **_BOX, "disabled": boolean}
_INPUT: dict[str, Validator | str] = {**_COMPONENT, **_BOX, "style": choice(1, 2)}
_BOX_VALUES: dict[str, Validator | str] = {**_BOX, "min_values": integer(0, 10), "max_values": integer(1, 10)}
_ORDERED_VALUES = ordered("min_values", "max_values")
_URL = url(2048, "http", "https")
_MEDIA_URL = url(2048, "http", "https", "attachment")
_URLS = Shape({"url": _MEDIA_URL, "icon_url": _MEDIA_URL})
_MEDIA: dict[str, Validator | str] = {"spoiler": boolean, "description": text(1, 1024)}


def _option(fields: Mapping[str, Validator | str], *rules: Validator) -> Shape:
    wrong = {key: forbidden(why) for key, why in _ONLY_OF.items() if key not in fields}
    more = () if "autocomplete" in fields else (_check_no_autocomplete,)
    return command_shape({"required": boolean, **fields, **wrong}, *rules, *more)


def _options(shapes: Mapping[int, str]) -> dict[str, Validator | str]:
    return {"options": array(0, OPTIONS, typed(shapes, "any option", "type"))}


def _numbers(number: Validator, choice: str) -> dict[str, Validator | str]:
    return {"min_value": number, "max_value": number, **_choices(choice)}


def _choices(shape: str) -> dict[str, Validator | str]:
    return {"choices": array(0, CHOICES, shape), "autocomplete": boolean}


def _more(shape: str, fields: Mapping[str, Validator | str], required: str = "", *rules: Validator) -> dict[str, Shape]:
    return {shape: SHAPES[shape].extended(fields, required, *rules)}


_NUMBER_RULES = (ordered("min_value", "max_value"), *DISTINCT_CHOICES, _check_autocomplete)
TABLE: dict[str, Shape] = {
    **SHAPES,
    **_more(
        "command",
        {**_COMMAND, **_options({1: "subcommand", 2: "group", **_VALUE_OPTIONS})},
        "",
        _check_option_kinds,
        _check_size,
    ),
    **_more(
        "menu",
        {
            "description": forbidden(_NO_OPTIONS),
            "options": forbidden(_NO_OPTIONS),
            "description_localizations": localized(_anything),
            **_COMMAND,
        },
    ),
    "any option": command_shape({"required": boolean}),
    "option": _option({}),
    "subcommand": _option(_options(_VALUE_OPTIONS), DISTINCT_OPTIONS, _check_option_kinds),
    "group": _option(_options({1: "subcommand"}), DISTINCT_OPTIONS, _check_option_kinds),
    "string option": _option(
        {"min_length": integer(0, 6000), "max_length": integer(1, 6000), **_choices("string choice")},
        ordered("min_length", "max_length"),
        *DISTINCT_CHOICES,
        _check_autocomplete,
    ),
    "integer option": _option(_numbers(integer(*OPTION_NUMBER), "integer choice"), *_NUMBER_RULES),
    "number option": _option(_numbers(number(*OPTION_NUMBER), "number choice"), *_NUMBER_RULES),
    "channel option": _option({"channel_types": choices(*_CHANNEL_TYPES)}),
    **_more(
        "message",
        {
            "flags": integer(float("-inf"), float("inf")),
            "tts": boolean,
            "allowed_mentions": "allowed mentions",
            "sticker_ids": array(0, STICKERS, snowflake),
        },
        "",
        _check_components,
        _check_component_ids,
    ),
    "allowed mentions": Shape(
        {
            "replied_user": boolean,
            "parse": choices("users", "roles", "everyone"),
            "users": array(0, 100, snowflake),
            "roles": array(0, 100, snowflake),
        },
        "",
        _check_mentions,
    ),
    **_more(
        "attachment",
        {"id": snowflake, "duration_secs": number(0, 2**31 - 1), "waveform": text(0, 400)},
        "id",
    ),
    **_more(
        "embed",
        {
            "url": _URL,
            "color": integer(0, 0xFFFFFF),
            "timestamp": timestamp,
            "footer": Shape({"text": text(0, 2048), "icon_url": _MEDIA_URL}),
            "author": Shape({"name": text(0, 256), "url": _MEDIA_URL, "icon_url": _MEDIA_URL}),
            **dict.fromkeys(("image", "thumbnail", "video", "provider"), _URLS),
        },
    ),
    **_more("embed field", {"inline": boolean}),
    **_more("row", _COMPONENT, "", _check_width),
    **_more(
        "button",
        {
            **_COMPONENT,
            "style": choice(1, 2, 3, 4, 5, 6),
            "disabled": boolean,
            "emoji": "emoji",
            "sku_id": snowflake,
        },
        "",
        _check_button,
        _check_premium,
    ),
    "emoji": Shape({"id": snowflake, "animated": boolean}, "", _check_emoji),
    **_more("select option", {"emoji": "emoji", "default": boolean}),
    **_more(
        "string select",
        {**_SELECT, "options": _anything},
        "",
        _check_select_options,
        _check_default_values(),
    ),
    **_more("user select", {**_SELECT}, "", _check_default_values("user")),
    **_more("role select", {**_SELECT}, "", _check_default_values("role")),
    **_more("mentionable select", {**_SELECT}, "", _check_default_values("user", "role")),
    **_more(
        "channel select",
        {**_SELECT, "channel_types": choices(*_CHANNEL_TYPES)},
        "",
        _check_default_values("channel"),
    ),
    "text display": Shape({**_COMPONENT, "content": text(1, COMPONENTS_TEXT)}, "content"),
    "section": Shape(
        {
            **_COMPONENT,
            "components": array(1, 3, component({10: "text display"})),
            "accessory": component({2: "button", 11: "thumbnail"}),
        },
        "components accessory",
    ),
    "thumbnail": Shape({**_COMPONENT, **_MEDIA, "media": "media"}, "media"),
    "gallery": Shape({**_COMPONENT, "items": array(1, 10, "gallery item")}, "items"),
    "gallery item": Shape({**_MEDIA, "media": "media"}, "media"),
    "media": Shape({"url": _MEDIA_URL}, "url"),
    "file": Shape({**_COMPONENT, **_MEDIA, "file": Shape({"url": url(2048, "attachment")}, "url")}, "file"),
    "separator": Shape({**_COMPONENT, "divider": boolean, "spacing": choice(1, 2)}),
    "container": Shape(
        {
            **_COMPONENT,
            "components": array(1, COMPONENTS, component(_IN_CONTAINER)),
            "accent_color": integer(0, 0xFFFFFF),
            "spoiler": boolean,
        },
        "components",
    ),
    **_more("modal", {}, "", _check_component_ids),
    **_more("modal row", _COMPONENT, "", _check_width),
    **_more("row input", _INPUT),
    "text input": TEXT_INPUT.extended(_INPUT),
    "label": Shape(
        {**_COMPONENT, "label": text(1, 45), "description": text(1, 100), "component": component(_IN_LABEL)},
        "label component",
    ),
    "upload": Shape({**_COMPONENT, **_ID, **_BOX_VALUES}, "custom_id", _ORDERED_VALUES),
    "checkbox": Shape({**_COMPONENT, **_ID, **_BOX}, "custom_id"),
    "checkbox group": Shape(
        {**_COMPONENT, **_ID, **_BOX_VALUES, "options": array(1, 10, "select option")},
        "custom_id options",
        _ORDERED_VALUES,
        DISTINCT_VALUES,
    ),
    "radio group": Shape(
        {**_COMPONENT, **_ID, **_BOX, "options": array(2, 10, "select option")},
        "custom_id options",
        DISTINCT_VALUES,
    ),
}
_ANY_COMMAND = typed({1: "command", 2: "menu", 3: "menu", 4: "command"}, "command")
_ALL_COMMANDS = array(0, sum(COMMANDS.values()), _ANY_COMMAND)


# ---- what the sandbox asks ----


def message_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in a message that a bot creates or edits, or in its answer to an interaction.

    An empty message passes: it is legal as an edit, and has a code of its own (50006).
    """
    return violations("message", payload, TABLE)


def modal_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in the `data` of an interaction callback of type 9 (MODAL)."""
    return violations("modal", payload, TABLE)


def command_violations(payload: Mapping[str, object]) -> list[Violation]:
    """Return what Discord would refuse in one application command."""
    return violations(_ANY_COMMAND, payload, TABLE)


def commands_violations(payloads: Sequence[Mapping[str, object]]) -> list[Violation]:
    """Return what Discord would refuse in all commands of one scope, in each and in all together."""
    report = Report(TABLE)
    report.check(_ALL_COMMANDS, payloads, ())
    commands = list(objects(payloads, sum(COMMANDS.values())))
    for kind, most in COMMANDS.items():
        of_kind = [(index, one) for index, one in commands if one.get("type", 1) == kind]
        for index, _ in of_kind[most : most + 1]:
            message = f"Maximum number of application commands reached ({most} of this type)."
            report.refuse((index,), INVALID, message)
        names: list[tuple[Path, object]] = [((index, "name"), one.get("name")) for index, one in of_kind]
        refuse_duplicates(report, names, DUPLICATE_NAME, "Application command names must be unique", up=1)
    return report.found
