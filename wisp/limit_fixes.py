"""The sentences that say what to change in a payload that Discord would refuse; imported only when that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .limits import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .limits import Violation

_FILL_IN = "Fill it in."
_SHORTEN = "Shorten it, or send the rest in another answer."
_OTHERS = "Send the others in another answer."
_BOUNDS = "Lower the minimum, or raise the maximum."
_NUMBER = "Pass a number within these bounds."
_URL = 'Write it as in "https://example.com".'

_FIXES = {
    "BASE_TYPE_MAX_LENGTH content": _SHORTEN,
    "BASE_TYPE_BAD_LENGTH content": _SHORTEN,
    "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED": _SHORTEN,
    "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED": _SHORTEN,
    "MAX_EMBED_SIZE_EXCEEDED": _SHORTEN,
    "BASE_TYPE_MAX_LENGTH embeds": _OTHERS,
    "BASE_TYPE_MAX_LENGTH attachments": _OTHERS,
    "BASE_TYPE_MAX_LENGTH components": _OTHERS,
    "BASE_TYPE_MAX_LENGTH fields": "Put the others into another embed.",
    "BASE_TYPE_BAD_LENGTH components.components": (
        "wisp.row(...) takes 1 to 5 buttons, or one select: put the others into another row."
    ),
    "BASE_TYPE_BAD_LENGTH components": "A form has 1 to 5 rows, each with one text input.",
    "BASE_TYPE_BAD_LENGTH options": "A select offers as many options as can be chosen, or more, up to 25.",
    "BASE_TYPE_BAD_LENGTH custom_id": "Put less into it: store the rest in ctx.data, and put its key here.",
    "BASE_TYPE_BAD_LENGTH": "Shorten it.",
    "BASE_TYPE_MAX_LENGTH": "Shorten it.",
    "BASE_TYPE_REQUIRED embeds.description": (
        "Give the embed a title, a description, a field, an image, an author or a footer: it shows nothing."
    ),
    "BASE_TYPE_REQUIRED fields.name": 'For a field without a name, pass "" as its name.',
    "BASE_TYPE_REQUIRED fields.value": 'For a field without a value, pass "" as its value.',
    "BASE_TYPE_REQUIRED components.url": "Name the URL that it opens: wisp.link_button(label, url).",
    "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE": (
        "For a button that opens a URL and calls no handler, use wisp.link_button(label, url)."
    ),
    "BASE_TYPE_REQUIRED": _FILL_IN,
    "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED": "Make the button with `handler.bind(...).button(...)`.",
    "BUTTON_COMPONENT_INVALID_EMOJI": (
        'Write the emoji itself, such as "👍"; a custom emoji is hikari.Emoji.parse("<:name:id>").'
    ),
    "UNION_TYPE_CHOICES components.components": (
        "A row holds buttons, or one select; a text input belongs to a form, wisp.Form."
    ),
    "UNION_TYPE_CHOICES components": "Buttons and selects go into rows, `components=[wisp.row(...)]`.",
    "COMPONENT_LAYOUT_WIDTH_EXCEEDED": "A select or text input fills a row: put each into its own.",
    "COMPONENT_CUSTOM_ID_DUPLICATED": (
        "Give each component of a message a custom id of its own: bind it to other values, or add a field to its id."
    ),
    "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED": "Give each option a value of its own.",
    "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES": "Preselect fewer options, or raise the maximum.",
    "URL_TYPE_INVALID_URL": _URL,
    "URL_TYPE_INVALID_SCHEME": _URL,
    "STRING_TYPE_CONVERT": "Pass a string.",
    "BOOLEAN_TYPE_CONVERT": "Pass True or False.",
    "NUMBER_TYPE_COERCE": "Pass a number.",
    "NUMBER_TYPE_MIN": _NUMBER,
    "NUMBER_TYPE_MAX": _NUMBER,
    "BASE_TYPE_CHOICES": "Pass one of these.",
    "INVALID filename": "Give the file another name.",
    "INVALID min_values": _BOUNDS,
    "INVALID min_length": _BOUNDS,
    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2": (
        "Beside containers, sections and texts, a text is hikari.impl.TextDisplayComponentBuilder(content=...)."
    ),
}
"""The fix by code, or by code and the end of the path without indexes; the longest end counts."""


def explained(found: Iterable[Violation], *, below: int = 0) -> str:
    """Return the violations as sentences, each with its fix. Paths are shown without their first `below` parts."""
    explanations: dict[str, list[str]] = {}
    for violation in found:
        above = "".join(f"{part}." for part in violation.path[:below])
        place = f"{dotted(violation.path[below:])}: " if violation.path[below:] else ""
        got = f" (got {violation.got.replace(above, '', 1)})" if violation.got else ""
        explanations.setdefault(fix_of(violation), []).append(f"{place}{violation.message.rstrip('.')}{got}")
    return " ".join(f"{'; '.join(words)}. {fix}" for fix, words in explanations.items())


def fix_of(violation: Violation) -> str:
    """Return what to change so that Discord accepts a message or a modal with this violation, as a sentence."""
    if violation.got == "0 characters":
        return _FILL_IN
    names = [part for part in violation.path if isinstance(part, str) and not part.isdecimal()]
    keys = [f"{violation.code} {dotted(names[start:])}".rstrip() for start in range(len(names) + 1)]
    return next((_FIXES[key] for key in keys if key in _FIXES), "Change it, or leave it out.")
