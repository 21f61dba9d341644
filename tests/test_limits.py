"""Discord's limits: each rule with what passes and what does not, any JSON, and Discord's own OpenAPI file."""

import copy
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wisp import limits
from wisp.limit_fixes import explained
from wisp.sandbox.rest import errors, shapes

OPENAPI = Path(os.environ.get("DISCORD_OPENAPI", Path(__file__).parents[2] / "shared/discord/openapi.json"))
HUGE = 10**5000  # Python refuses to print it, so it breaks a message that shows it carelessly


def option(kind: int = 3, **entries: Any) -> dict[str, Any]:
    return {"type": kind, "name": "o", "description": "An option", **entries}


def command(*options: Any, **entries: Any) -> dict[str, Any]:
    return {"name": "greet", "description": "Greet somebody", "options": [*options], **entries}


def choices(count: int, **entries: Any) -> list[dict[str, Any]]:
    return [{"name": f"c{n}", "value": f"v{n}", **entries} for n in range(count)]


def button(**entries: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go", **entries}


def select(count: int = 2, **entries: Any) -> dict[str, Any]:
    picks = [{"label": f"l{n}", "value": f"v{n}"} for n in range(count)]
    return {"type": 3, "custom_id": "pick", "options": picks, **entries}


def row(*components: Any) -> dict[str, Any]:
    return {"type": 1, "components": [*components]}


def rows(*components: Any) -> dict[str, Any]:
    return {"components": [row(*components)]}


def text_input(**entries: Any) -> dict[str, Any]:
    return {"type": 4, "custom_id": "subject", "style": 1, "label": "Subject", **entries}


def modal(*components: Any, **entries: Any) -> dict[str, Any]:
    return {"custom_id": "feedback", "title": "Feedback", "components": [*components], **entries}


def labelled(component: Any, **entries: Any) -> dict[str, Any]:
    return {"type": 18, "label": "What", "component": component, **entries}


def v2(*components: Any, **entries: Any) -> dict[str, Any]:
    return {"flags": limits.COMPONENTS_V2, "components": [*components], **entries}


def text(content: Any = "hi") -> dict[str, Any]:
    return {"type": 10, "content": content}


def found(problems: list[limits.Violation]) -> list[tuple[str, str]]:
    return [(".".join(map(str, problem.path)), problem.code) for problem in problems]


GOOD_COMMANDS = {
    "the least": {"name": "a", "description": "b"},
    "absent is null": {"name": "a", "description": "b", "options": None, "type": None, "contexts": None},
    "the longest name": command(name="a" * 32),
    "the longest description": command(description="d" * 100),
    "digits, marks of a name": command(name="a-b_c'9"),
    "Thai with vowel signs": command(name="สวัสดี"),
    "Devanagari with vowel signs": command(name="नमस्ते"),
    "Japanese": command(name="挨拶"),
    "a letter with no lowercase": command(name="\N{DOUBLE-STRUCK CAPITAL C}"),
    "a final sigma": command(name="φίλος"),
    "a user menu of any characters": {"type": 2, "name": "Who is: THIS?!", "description": ""},
    "a message menu": {"type": 3, "name": "Quote"},
    "25 options": command(*(option(name=f"o{n}") for n in range(25))),
    "required before optional": command(option(name="a", required=True), option(name="b", required=False)),
    "a group of subcommands": command(option(2, options=[option(1, options=[option()])])),
    "subcommand beside group": command(option(1, name="a"), option(2, name="b", options=[option(1)])),
    "25 choices": command(option(choices=choices(25))),
    "numbers as choices": command(option(10, choices=[{"name": "half", "value": 0.5}])),
    "an integer written as a float": command(option(4, min_value=1.0)),
    "integers to the edge": command(option(4, min_value=-(2**53) + 1, max_value=2**53 - 1)),
    "lengths to the edge": command(option(min_length=0, max_length=6000)),
    "equal bounds": command(option(4, min_value=3, max_value=3)),
    "autocomplete": command(option(autocomplete=True, choices=[])),
    "channel types": command(option(7, channel_types=[0, 15])),
    "localized": command(name_localizations={"de": "grüßen"}, description_localizations={"de": "Grüße"}),
    "contexts": command(contexts=[0, 1, 2], integration_types=[0, 1]),
    "permissions": command(default_member_permissions="8"),
    "permissions of nobody": command(default_member_permissions="0"),
    "nsfw": command(nsfw=True),
}

BAD_COMMANDS = {
    "no object": ([], [("", "MODEL_TYPE_CONVERT")]),
    "nothing": ({}, [("name", "BASE_TYPE_REQUIRED"), ("description", "BASE_TYPE_REQUIRED")]),
    "a long name": (command(name="a" * 33), [("name", "BASE_TYPE_BAD_LENGTH")]),
    "a blank name": (command(name="  "), [("name", "BASE_TYPE_REQUIRED")]),
    "a space": (command(name="a b"), [("name", "APPLICATION_COMMAND_INVALID_NAME")]),
    "uppercase": (command(name="Greet"), [("name", "APPLICATION_COMMAND_INVALID_NAME")]),
    "titlecase": (command(name="ǅ"), [("name", "APPLICATION_COMMAND_INVALID_NAME")]),
    "an emoji": (command(name="👋"), [("name", "APPLICATION_COMMAND_INVALID_NAME")]),
    "a danda, shared by scripts": (command(name="।"), [("name", "APPLICATION_COMMAND_INVALID_NAME")]),
    "baht, a currency": (command(name="฿"), [("name", "APPLICATION_COMMAND_INVALID_NAME")]),
    "a long description": (command(description="d" * 101), [("description", "BASE_TYPE_BAD_LENGTH")]),
    "an unknown type": (command(type=9), [("type", "BASE_TYPE_CHOICES")]),
    "a type that is true": (command(type=True), [("type", "BASE_TYPE_CHOICES")]),
    "a menu with a description": ({"type": 2, "name": "A", "description": "B"}, [("description", limits.INVALID)]),
    "a menu with options": ({"type": 3, "name": "A", "options": [option()]}, [("options", limits.INVALID)]),
    "a long menu name": ({"type": 2, "name": "A" * 33}, [("name", "BASE_TYPE_BAD_LENGTH")]),
    "options of another type": (command(options={}), [("options", "LIST_TYPE_CONVERT")]),
    "26 options": (command(*(option(name=f"o{n}") for n in range(26))), [("options", "BASE_TYPE_MAX_LENGTH")]),
    "an option of no type": (
        command({"name": "o", "description": "d"}),
        [("options.0.type", "BASE_TYPE_REQUIRED")],
    ),
    "an option of unknown type": (command(option(12)), [("options.0.type", "BASE_TYPE_CHOICES")]),
    "an option that is none": (command(7), [("options.0", "MODEL_TYPE_CONVERT")]),
    "an option without description": (
        command({"type": 3, "name": "o"}),
        [("options.0.description", "BASE_TYPE_REQUIRED")],
    ),
    "an option in uppercase": (
        command(option(name="O")),
        [("options.0.name", "APPLICATION_COMMAND_INVALID_NAME")],
    ),
    "two options of one name": (
        command(option(), option()),
        [("options.1", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS")],
    ),
    "required after optional": (
        command(option(name="a"), option(name="b", required=True)),
        [("options.1", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID")],
    ),
    "required that is no bool": (command(option(required="yes")), [("options.0.required", "BOOLEAN_TYPE_CONVERT")]),
    "a subcommand beside an option": (
        command(option(1, name="a"), option(name="b")),
        [("options.1", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID")],
    ),
    "a group in a group": (
        command(option(2, options=[option(2)])),
        [("options.0.options.0.type", "BASE_TYPE_CHOICES")],
    ),
    "an option in a group": (
        command(option(2, options=[option()])),
        [("options.0.options.0.type", "BASE_TYPE_CHOICES")],
    ),
    "a subcommand in a subcommand": (
        command(option(1, options=[option(1)])),
        [("options.0.options.0.type", "BASE_TYPE_CHOICES")],
    ),
    "options in a string": (command(option(options=[option()])), [("options.0.options", limits.INVALID)]),
    "26 choices": (command(option(choices=choices(26))), [("options.0.choices", "BASE_TYPE_MAX_LENGTH")]),
    "choices of a user": (command(option(6, choices=choices(1))), [("options.0.choices", limits.INVALID)]),
    "a long choice": (
        command(option(choices=[{"name": "n" * 101, "value": "v" * 101}])),
        [("options.0.choices.0.name", "BASE_TYPE_BAD_LENGTH"), ("options.0.choices.0.value", "BASE_TYPE_BAD_LENGTH")],
    ),
    "a choice of no value": (
        command(option(choices=[{"name": "n"}])),
        [("options.0.choices.0.value", "BASE_TYPE_REQUIRED")],
    ),
    "a number for a string": (
        command(option(choices=[{"name": "n", "value": 1}])),
        [("options.0.choices.0.value", "STRING_TYPE_CONVERT")],
    ),
    "a fraction for an integer": (
        command(option(4, choices=[{"name": "n", "value": 0.5}])),
        [("options.0.choices.0.value", "NUMBER_TYPE_COERCE")],
    ),
    "true for a number": (
        command(option(10, choices=[{"name": "n", "value": True}])),
        [("options.0.choices.0.value", "NUMBER_TYPE_COERCE")],
    ),
    "a choice beyond exact numbers": (
        command(option(4, choices=[{"name": "n", "value": 2**53}])),
        [("options.0.choices.0.value", "NUMBER_TYPE_MAX")],
    ),
    "two choices of one name": (
        command(option(choices=[{"name": "n", "value": "a"}, {"name": "n", "value": "b"}])),
        [("options.0.choices.1.name", limits.INVALID)],
    ),
    "two choices of one value": (
        command(option(choices=[{"name": "n", "value": "a"}, {"name": "m", "value": "a"}])),
        [("options.0.choices.1.value", limits.INVALID)],
    ),
    "choices and autocomplete": (
        command(option(autocomplete=True, choices=choices(1))),
        [("options.0.autocomplete", limits.INVALID)],
    ),
    "autocomplete of a user": (
        command(option(6, autocomplete=True)),
        [("options.0.autocomplete", limits.INVALID)],
    ),
    "a smallest string": (command(option(min_value=1)), [("options.0.min_value", limits.INVALID)]),
    "a length of an integer": (command(option(4, max_length=1)), [("options.0.max_length", limits.INVALID)]),
    "minimum over maximum": (
        command(option(4, min_value=2, max_value=1)),
        [("options.0.min_value", limits.INVALID)],
    ),
    "shortest over longest": (
        command(option(min_length=2, max_length=1)),
        [("options.0.min_length", limits.INVALID)],
    ),
    "a negative length": (command(option(min_length=-1)), [("options.0.min_length", "NUMBER_TYPE_MIN")]),
    "a length of nothing": (command(option(max_length=0)), [("options.0.max_length", "NUMBER_TYPE_MIN")]),
    "a length past 6000": (command(option(max_length=6001)), [("options.0.max_length", "NUMBER_TYPE_MAX")]),
    "not a number": (
        command(option(10, min_value=float("nan"))),
        [("options.0.min_value", "NUMBER_TYPE_COERCE")],
    ),
    "infinity": (command(option(4, max_value=float("inf"))), [("options.0.max_value", "NUMBER_TYPE_COERCE")]),
    "channel types of a string": (
        command(option(channel_types=[0])),
        [("options.0.channel_types", limits.INVALID)],
    ),
    "an unknown channel type": (
        command(option(7, channel_types=[99])),
        [("options.0.channel_types.0", "BASE_TYPE_CHOICES")],
    ),
    "a channel type twice": (
        command(option(7, channel_types=[0, 0])),
        [("options.0.channel_types.1", "SET_TYPE_ALREADY_CONTAINS_VALUE")],
    ),
    "an unknown locale": (command(name_localizations={"xx": "a"}), [("name_localizations", "BASE_TYPE_CHOICES")]),
    "a localized name of nothing": (
        command(name_localizations={"de": None}),
        [("name_localizations.de", "BASE_TYPE_REQUIRED")],
    ),
    "a localized name in uppercase": (
        command(name_localizations={"de": "Gruß"}),
        [("name_localizations.de", "APPLICATION_COMMAND_INVALID_NAME")],
    ),
    "a long localized description": (
        command(description_localizations={"de": "d" * 101}),
        [("description_localizations.de", "BASE_TYPE_BAD_LENGTH")],
    ),
    "localizations that are none": (
        command(name_localizations=["de"]),
        [("name_localizations", "DICT_TYPE_CONVERT")],
    ),
    "an unknown context": (command(contexts=[3]), [("contexts.0", "BASE_TYPE_CHOICES")]),
    "no context at all": (command(contexts=[]), [("contexts", "BASE_TYPE_BAD_LENGTH")]),
    "a context of nothing": (command(contexts=[0, None]), [("contexts.1", "BASE_TYPE_REQUIRED")]),
    "an integration type twice": (
        command(integration_types=[0, 0]),
        [("integration_types.1", "SET_TYPE_ALREADY_CONTAINS_VALUE")],
    ),
    "permissions in words": (
        command(default_member_permissions="ADMINISTRATOR"),
        [("default_member_permissions", "NUMBER_TYPE_COERCE")],
    ),
    "negative permissions": (
        command(default_member_permissions="-1"),
        [("default_member_permissions", "NUMBER_TYPE_COERCE")],
    ),
    "nsfw that is no bool": (command(nsfw=1), [("nsfw", "BOOLEAN_TYPE_CONVERT")]),
}


@pytest.mark.parametrize("payload", GOOD_COMMANDS.values(), ids=GOOD_COMMANDS)
def test_a_command_within_the_limits_has_no_problem(payload: Any) -> None:
    assert found(shapes.command_violations(payload)) == []


@pytest.mark.parametrize(("payload", "expected"), BAD_COMMANDS.values(), ids=BAD_COMMANDS)
def test_a_command_beyond_a_limit_is_refused_where_it_is(payload: Any, expected: Any) -> None:
    assert found(shapes.command_violations(payload)) == expected


def sized(size: int, **entries: Any) -> dict[str, Any]:
    """A command of that many characters."""
    full = [option(name=f"o{n}", description="d", choices=choices(25)) for n in range(25)]
    payload = command(*full, **entries)
    missing = size - command_size(payload)
    for filled in full:
        for choice in filled["choices"]:
            grow = min(max(missing, 0), 100 - len(choice["name"]))
            choice["name"] += "x" * grow
            missing -= grow
    return payload


def command_size(payload: dict[str, Any]) -> int:
    texts = [payload["name"], payload["description"]]
    for item in payload["options"]:
        texts += [item["name"], item["description"]]
        texts += [text for choice in item["choices"] for text in (choice["name"], choice["value"])]
    return sum(map(len, texts))


def test_a_command_of_8000_characters_passes_and_one_more_is_too_large() -> None:
    assert found(shapes.command_violations(sized(8000))) == []
    assert found(shapes.command_violations(sized(8001))) == [("", "APPLICATION_COMMAND_TOO_LARGE")]


def test_only_the_longest_localization_counts_for_the_size_of_a_command() -> None:
    localized = sized(8000, name_localizations={"de": "abcde", "fr": "ab"})
    assert found(shapes.command_violations(localized)) == []
    localized["name_localizations"]["de"] += "f"
    assert found(shapes.command_violations(localized)) == [("", "APPLICATION_COMMAND_TOO_LARGE")]


def may_be_in_a_name(character: str) -> bool:
    """Discord's pattern, by Unicode's own tables: letters, numbers, and what is written in the two scripts."""
    name = unicodedata.name(character, "")
    of_script = name.startswith(("DEVANAGARI", "THAI CHARACTER", "THAI DIGIT", "COMBINING DEVANAGARI"))
    # Dandas and stress signs belong to several scripts, the baht sign (of currencies) to all.
    shared = character in "\u0951\u0952\u0953\u0954\u0964\u0965\u0e3f"
    return unicodedata.category(character)[0] in "LN" or character in "-_'" or (of_script and not shared)


def has_stranger(name: str) -> bool:
    problems = shapes.command_violations({"name": name, "description": "d"})
    return any(" is neither a letter" in problem.message for problem in problems)


def test_the_characters_of_a_name_are_those_of_discords_pattern() -> None:
    assigned = [c for c in map(chr, range(0x32000)) if unicodedata.category(c) not in ("Cn", "Co", "Cs")]
    allowed = [character for character in assigned if may_be_in_a_name(character)]
    refused = [character for character in assigned if not may_be_in_a_name(character) and character.strip()]
    assert [
        c
        for n in range(0, len(allowed), 32)
        if has_stranger("".join(allowed[n : n + 32]))
        for c in allowed[n : n + 32]
        if has_stranger(c)
    ] == []
    assert [character for character in refused if not has_stranger(character)] == []


def test_an_invalid_name_is_answered_with_what_is_wrong_and_the_way_out() -> None:
    [space], [case] = (
        shapes.command_violations(command(name="a b")),
        shapes.command_violations(command(name="Ab")),
    )
    assert space.message == "Command name is invalid: ' ' is neither a letter, a digit nor one of - _ '"
    assert case.message == "Command name is invalid: it must be lowercase, 'ab'"


def named(kind: int, count: int, prefix: str = "c") -> list[dict[str, Any]]:
    entries: dict[str, Any] = {"description": "d"} if kind == 1 else {}
    return [{"type": kind, "name": f"{prefix}{n}", **entries} for n in range(count)]


def test_a_scope_holds_100_15_and_15_commands() -> None:
    assert found(shapes.commands_violations([*named(1, 100), *named(2, 15), *named(3, 15)])) == []


@pytest.mark.parametrize(("kind", "most"), [(1, 100), (2, 15), (3, 15)])
def test_one_command_too_many_of_a_type_is_refused_at_its_index(kind: int, most: int) -> None:
    assert found(shapes.commands_violations(named(kind, most + 2))) == [(str(most), limits.INVALID)]


def test_two_commands_of_one_type_with_one_name_are_refused_and_of_two_types_are_not() -> None:
    twice = [*named(1, 1), *named(1, 1), *named(2, 1)]
    assert found(shapes.commands_violations(twice)) == [("1", "APPLICATION_COMMANDS_DUPLICATE_NAME")]


def test_the_problems_of_a_scope_start_with_the_index_of_their_command() -> None:
    assert found(shapes.commands_violations([*named(1, 1), {"name": "b"}])) == [("1.description", "BASE_TYPE_REQUIRED")]


GOOD_MESSAGES = {
    "empty": {},
    "2000 characters": {"content": "x" * 2000},
    "2000 characters beyond the basic plane": {"content": "👋" * 2000},
    "10 embeds": {"embeds": [{"title": "t"}] * 10},
    "a full embed": {
        "embeds": [
            {
                "title": "t" * 256,
                "description": "d" * 4096,
                "url": "https://example.com",
                "color": 0xFFFFFF,
                "timestamp": "2024-01-01T00:00:00+00:00",
                "footer": {"text": "f", "icon_url": "attachment://a.png"},
                "author": {"name": "a", "url": "https://example.com"},
                "image": {"url": "https://example.com/a.png"},
                "fields": [{"name": "n", "value": "v", "inline": True}] * 25,
            }
        ]
    },
    "6000 characters of embeds": {"embeds": [{"description": "d" * 3000}] * 2},
    "5 rows of 5 buttons": {"components": [row(*(button(custom_id=f"{r}{b}") for b in range(5))) for r in range(5)]},
    "a link": rows({"type": 2, "style": 5, "label": "x", "url": "https://example.com"}),
    "a premium button": rows({"type": 2, "style": 6, "sku_id": "1"}),
    "embeds that show one thing alone": {
        "embeds": [
            {"title": "t"},
            {"description": "d", "color": 1},
            {"image": {"url": "https://example.com/a.png"}},
            {"thumbnail": {"url": "attachment://a.png"}},
            {"author": {"name": "a"}},
            {"footer": {"text": "f"}},
            {"fields": [{"name": "", "value": "v"}]},
            {"title": "t", "fields": [{"name": "", "value": ""}]},
        ]
    },
    "a custom emoji of any name": rows(button(emoji={"id": "1", "name": "a b"})),
    "an emoji alone": rows({"type": 2, "style": 1, "custom_id": "a", "emoji": {"name": "👋"}}),
    "25 picks": rows(select(25, min_values=0, max_values=25, placeholder="p" * 150)),
    "a user select": rows({"type": 5, "custom_id": "a"}),
    "components that want a number": rows(button(id=0), button(custom_id="b", id=0)),
    "roles and users to begin with": rows(
        {
            "type": 7,
            "custom_id": "a",
            "max_values": 2,
            "default_values": [{"id": "1", "type": "user"}, {"id": "2", "type": "role"}],
        }
    ),
    "a channel select": rows({"type": 8, "custom_id": "a", "channel_types": [0]}),
    "mentions": {"allowed_mentions": {"parse": ["users"], "roles": ["1"], "replied_user": False}},
    "attachments": {"attachments": [{"id": n, "filename": "a.png", "description": "d" * 1024} for n in range(10)]},
    "layout": v2(
        {
            "type": 17,
            "accent_color": 0,
            "components": [
                {"type": 9, "components": [text()], "accessory": button()},
                {"type": 14, "divider": True, "spacing": 2},
                {"type": 12, "items": [{"media": {"url": "attachment://a.png"}}]},
                {"type": 13, "file": {"url": "attachment://a.txt"}},
                row(select()),
            ],
        },
        {
            "type": 9,
            "components": [text()],
            "accessory": {"type": 11, "media": {"url": "https://example.com/a.png"}},
        },
        text("t" * 3996),
    ),
    "40 components": v2(*[text()] * 40),
}

BAD_MESSAGES = {
    "no object": (None, [("", "MODEL_TYPE_CONVERT")]),
    "2001 characters": ({"content": "x" * 2001}, [("content", "BASE_TYPE_MAX_LENGTH")]),
    "a content that is no text": ({"content": 1}, [("content", "STRING_TYPE_CONVERT")]),
    "flags in words": ({"flags": "EPHEMERAL"}, [("flags", "NUMBER_TYPE_COERCE")]),
    "11 embeds": ({"embeds": [{"title": "t"}] * 11}, [("embeds", "BASE_TYPE_MAX_LENGTH")]),
    "an embed that is none": ({"embeds": ["e"]}, [("embeds.0", "MODEL_TYPE_CONVERT")]),
    "6001 characters of embeds": (
        {"embeds": [{"description": "d" * 3000}, {"title": "t", "description": "d" * 3000}]},
        [("embeds", "MAX_EMBED_SIZE_EXCEEDED")],
    ),
    "a long title": ({"embeds": [{"title": "t" * 257}]}, [("embeds.0.title", "BASE_TYPE_MAX_LENGTH")]),
    "a long description": (
        {"embeds": [{"description": "d" * 4097}]},
        [("embeds.0.description", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a long footer": (
        {"embeds": [{"footer": {"text": "f" * 2049}}]},
        [("embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a long author": (
        {"embeds": [{"author": {"name": "a" * 257}}]},
        [("embeds.0.author.name", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a footer that is text": ({"embeds": [{"footer": "f"}]}, [("embeds.0.footer", "MODEL_TYPE_CONVERT")]),
    "26 fields": (
        {"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]},
        [("embeds.0.fields", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a blank field": (
        {"embeds": [{"fields": [{"name": "n", "value": " "}]}]},
        [("embeds.0.fields.0.value", "BASE_TYPE_REQUIRED")],
    ),
    "a long field": (
        {"embeds": [{"fields": [{"name": "n" * 257, "value": "v" * 1025}]}]},
        [("embeds.0.fields.0.name", "BASE_TYPE_BAD_LENGTH"), ("embeds.0.fields.0.value", "BASE_TYPE_BAD_LENGTH")],
    ),
    **{
        f"an embed that shows nothing: {embed}": ({"embeds": [embed]}, [("embeds.0.description", "BASE_TYPE_REQUIRED")])
        for embed in (
            {},
            {"title": " "},
            {"title": "", "description": "\n"},
            {"color": 1},
            {"url": "https://example.com"},
            {"timestamp": "2024-01-01T00:00:00+00:00"},
            {"footer": {"text": " "}, "author": {"name": ""}},
            {"footer": {"icon_url": "https://example.com/a.png"}, "image": {"url": ""}},
            {"fields": []},
            {"fields": [{"name": "", "value": ""}]},
        )
    },
    "a field without a name": (
        {"embeds": [{"fields": [{"value": "v"}]}]},
        [("embeds.0.fields.0.name", "BASE_TYPE_REQUIRED")],
    ),
    "a colour past white": ({"embeds": [{"color": 0x1000000}]}, [("embeds.0.color", "NUMBER_TYPE_MAX")]),
    "a time in words": ({"embeds": [{"timestamp": "noon"}]}, [("embeds.0.timestamp", "DATE_TIME_TYPE_PARSE")]),
    "no URL": ({"embeds": [{"url": "example"}]}, [("embeds.0.url", "URL_TYPE_INVALID_URL")]),
    "a URL of another scheme": (
        {"embeds": [{"image": {"url": "ftp://example.com"}}]},
        [("embeds.0.image.url", "URL_TYPE_INVALID_SCHEME")],
    ),
    "6 rows": (
        {"components": [row(button(custom_id=f"{n}")) for n in range(6)]},
        [("components", "BASE_TYPE_MAX_LENGTH")],
    ),
    "6 buttons": (
        rows(*(button(custom_id=f"{n}") for n in range(6))),
        [("components.0.components", "BASE_TYPE_BAD_LENGTH")],
    ),
    "no button": (rows(), [("components.0.components", "BASE_TYPE_BAD_LENGTH")]),
    "a button outside of a row": ({"components": [button()]}, [("components.0", "UNION_TYPE_CHOICES")]),
    "a row in a row": (rows(row(button())), [("components.0.components.0", "UNION_TYPE_CHOICES")]),
    "text without the flag": ({"components": [text()]}, [("components.0", "UNION_TYPE_CHOICES")]),
    "an id twice": (
        rows(button(), button()),
        [("components.0.components.1.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED")],
    ),
    "a long id": (rows(button(custom_id="i" * 101)), [("components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH")]),
    "a long label": (rows(button(label="l" * 81)), [("components.0.components.0.label", "BASE_TYPE_MAX_LENGTH")]),
    "a button of no style": (
        rows({"type": 2, "label": "l", "custom_id": "c"}),
        [("components.0.components.0.style", "BASE_TYPE_REQUIRED")],
    ),
    "a button without id": (
        rows({"type": 2, "style": 1, "label": "l"}),
        [("components.0.components.0.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED")],
    ),
    "a button of id and URL": (
        rows(button(style=5, url="https://example.com")),
        [("components.0.components.0", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE")],
    ),
    "a link to nowhere": (
        rows({"type": 2, "style": 5, "label": "l"}),
        [("components.0.components.0.url", "BASE_TYPE_REQUIRED")],
    ),
    "a button that shows nothing": (
        rows({"type": 2, "style": 1, "custom_id": "a"}),
        [("components.0.components.0.label", "BASE_TYPE_REQUIRED")],
    ),
    "a blank label": (
        rows(button(label=" ")),
        [("components.0.components.0.label", "BASE_TYPE_REQUIRED")],
    ),
    **{
        f"no emoji: {emoji}": (
            rows(button(emoji=emoji)),
            [("components.0.components.0.emoji.name", "BUTTON_COMPONENT_INVALID_EMOJI")],
        )
        for emoji in ({}, {"name": ""}, {"name": ":thumbsup:"}, {"id": None, "name": "x" * 33}, {"name": "<:a:1>"})
    },
    "no emoji of a pick": (
        rows({"type": 3, "custom_id": "a", "options": [{"label": "l", "value": "v", "emoji": {"name": "1"}}]}),
        [("components.0.components.0.options.0.emoji.name", "BUTTON_COMPONENT_INVALID_EMOJI")],
    ),
    "a long name of a custom emoji": (
        rows(button(emoji={"id": "1", "name": "x" * 33})),
        [("components.0.components.0.emoji.name", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a sku id of another button": (
        rows(button(sku_id="1")),
        [("components.0.components.0.sku_id", limits.INVALID)],
    ),
    "a sku id that is none": (
        rows({"type": 2, "style": 6, "sku_id": False}),
        [("components.0.components.0.sku_id", "NUMBER_TYPE_COERCE")],
    ),
    "a premium button with words": (
        rows({"type": 2, "style": 6, "sku_id": "1", "label": "Buy"}),
        [("components.0.components.0.label", limits.INVALID)],
    ),
    "a role to begin with among users": (
        rows({"type": 5, "custom_id": "a", "default_values": [{"id": "1", "type": "role"}]}),
        [("components.0.components.0.default_values.0.type", "BASE_TYPE_CHOICES")],
    ),
    "a number twice": (
        rows(button(id=7), button(custom_id="b", id=7)),
        [("components.0.components.1.id", limits.INVALID)],
    ),
    "a select beside a button": (
        rows(select(), button()),
        [("components.0.components.1", "COMPONENT_LAYOUT_WIDTH_EXCEEDED")],
    ),
    "26 picks": (rows(select(26)), [("components.0.components.0.options", "BASE_TYPE_BAD_LENGTH")]),
    "no pick": (rows(select(0)), [("components.0.components.0.options", "BASE_TYPE_BAD_LENGTH")]),
    "fewer picks than may be picked": (
        rows(select(2, max_values=3)),
        [("components.0.components.0.options", "BASE_TYPE_BAD_LENGTH")],
    ),
    "at least over at most": (
        rows(select(2, min_values=2, max_values=1)),
        [("components.0.components.0.min_values", limits.INVALID)],
    ),
    "at most nothing": (rows(select(max_values=0)), [("components.0.components.0.max_values", "NUMBER_TYPE_MIN")]),
    "a long placeholder": (
        rows(select(placeholder="p" * 151)),
        [("components.0.components.0.placeholder", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a pick twice": (
        rows({"type": 3, "custom_id": "a", "options": [{"label": "l", "value": "v"}] * 2}),
        [("components.0.components.0.options.1", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED")],
    ),
    "two defaults of one": (
        rows({"type": 3, "custom_id": "a", "options": [{"label": v, "value": v, "default": True} for v in "ab"]}),
        [("components.0.components.0", "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES")],
    ),
    "mentions parsed and listed": (
        {"allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        [("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE")],
    ),
    "an unknown mention": (
        {"allowed_mentions": {"parse": ["here"]}},
        [("allowed_mentions.parse.0", "BASE_TYPE_CHOICES")],
    ),
    "101 mentions": (
        {"allowed_mentions": {"users": ["1"] * 101}},
        [("allowed_mentions.users", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a mention of a name": (
        {"allowed_mentions": {"users": ["ada"]}},
        [("allowed_mentions.users.0", "NUMBER_TYPE_COERCE")],
    ),
    "11 attachments": ({"attachments": [{"id": n} for n in range(11)]}, [("attachments", "BASE_TYPE_MAX_LENGTH")]),
    "an attachment without id": ({"attachments": [{}]}, [("attachments.0.id", "BASE_TYPE_REQUIRED")]),
    "4 stickers": ({"sticker_ids": ["1"] * 4}, [("sticker_ids", "BASE_TYPE_MAX_LENGTH")]),
    "content with the flag": (
        v2(text(), content="hi"),
        [("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2")],
    ),
    "embeds with the flag": (
        v2(text(), embeds=[{"title": "t"}]),
        [("embeds", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2")],
    ),
    "a button by itself with the flag": (v2(button()), [("components.0", "UNION_TYPE_CHOICES")]),
    "a container in a container": (
        v2({"type": 17, "components": [{"type": 17, "components": [text()]}]}),
        [("components.0.components.0", "UNION_TYPE_CHOICES")],
    ),
    "41 components": (
        v2({"type": 17, "components": [text()] * 40}),
        [("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED")],
    ),
    "4001 characters of text": (
        v2(text("t" * 4000), text("t")),
        [("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED")],
    ),
    "4 texts in a section": (
        v2({"type": 9, "components": [text()] * 4, "accessory": button()}),
        [("components.0.components", "BASE_TYPE_BAD_LENGTH")],
    ),
    "a section without accessory": (
        v2({"type": 9, "components": [text()]}),
        [("components.0.accessory", "BASE_TYPE_REQUIRED")],
    ),
    "a file from elsewhere": (
        v2({"type": 13, "file": {"url": "https://example.com"}}),
        [("components.0.file.url", "URL_TYPE_INVALID_SCHEME")],
    ),
    "an id twice, nested": (
        v2({"type": 9, "components": [text()], "accessory": button()}, row(button())),
        [("components.1.components.0.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED")],
    ),
}


@pytest.mark.parametrize("payload", GOOD_MESSAGES.values(), ids=GOOD_MESSAGES)
def test_a_message_within_the_limits_has_no_problem(payload: Any) -> None:
    assert found(shapes.message_violations(payload)) == []


@pytest.mark.parametrize(("payload", "expected"), BAD_MESSAGES.values(), ids=BAD_MESSAGES)
def test_a_message_beyond_a_limit_is_refused_where_it_is(payload: Any, expected: Any) -> None:
    assert found(shapes.message_violations(payload)) == expected


@pytest.mark.parametrize("length", [0, 1999, 2000, 2001, 5000])
def test_the_cheap_check_of_a_text_agrees_with_the_check_of_its_message(length: int) -> None:
    problem = limits.content_violation("x" * length)
    assert found([problem] if problem else []) == found(shapes.message_violations({"content": "x" * length}))


GOOD_MODALS = {
    "rows": modal(row(text_input(value="v" * 4000, placeholder="p" * 100, min_length=0, max_length=4000))),
    "five": modal(*(row(text_input(custom_id=f"{n}")) for n in range(5)), title="t" * 45),
    "labels": modal(
        labelled({"type": 4, "custom_id": "a", "style": 2}, description="d" * 100),
        labelled(select()),
        labelled({"type": 19, "custom_id": "b", "max_values": 10}),
        labelled({"type": 21, "custom_id": "c", "options": [{"label": v, "value": v} for v in "ab"]}),
        labelled({"type": 22, "custom_id": "d", "options": [{"label": "a", "value": "a"}]}),
    ),
    "text and a box": modal(text(), labelled({"type": 23, "custom_id": "e", "default": True})),
}

BAD_MODALS = {
    "no object": ("modal", [("", "MODEL_TYPE_CONVERT")]),
    "nothing": (
        {},
        [("custom_id", "BASE_TYPE_REQUIRED"), ("title", "BASE_TYPE_REQUIRED"), ("components", "BASE_TYPE_REQUIRED")],
    ),
    "a long title": (modal(row(text_input()), title="t" * 46), [("title", "BASE_TYPE_BAD_LENGTH")]),
    "a long id": (modal(row(text_input()), custom_id="i" * 101), [("custom_id", "BASE_TYPE_BAD_LENGTH")]),
    "no row": (modal(), [("components", "BASE_TYPE_BAD_LENGTH")]),
    "6 rows": (
        modal(*(row(text_input(custom_id=f"{n}")) for n in range(6))),
        [("components", "BASE_TYPE_BAD_LENGTH"), ("components.5", "unread")],
    ),
    "two inputs of a row": (
        modal(row(text_input(), text_input(custom_id="b"))),
        [("components.0.components.1", "COMPONENT_LAYOUT_WIDTH_EXCEEDED")],
    ),
    "a button": (modal(row(button())), [("components.0.components.0", "UNION_TYPE_CHOICES")]),
    "an input without label": (
        modal(row({"type": 4, "custom_id": "a", "style": 1})),
        [("components.0.components.0.label", "BASE_TYPE_REQUIRED")],
    ),
    "a long label": (
        modal(row(text_input(label="l" * 46))),
        [("components.0.components.0.label", "BASE_TYPE_BAD_LENGTH")],
    ),
    "an unknown style": (modal(row(text_input(style=3))), [("components.0.components.0.style", "BASE_TYPE_CHOICES")]),
    "a long placeholder": (
        modal(row(text_input(placeholder="p" * 101))),
        [("components.0.components.0.placeholder", "BASE_TYPE_MAX_LENGTH")],
    ),
    "a long value": (
        modal(row(text_input(value="v" * 4001))),
        [("components.0.components.0.value", "BASE_TYPE_MAX_LENGTH")],
    ),
    "shortest over longest": (
        modal(row(text_input(min_length=2, max_length=1))),
        [("components.0.components.0.min_length", limits.INVALID)],
    ),
    "an id twice": (
        modal(row(text_input()), labelled({"type": 4, "custom_id": "subject", "style": 1})),
        [("components.1.component.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED")],
    ),
    "a button in a label": (modal(labelled(button())), [("components.0.component", "UNION_TYPE_CHOICES")]),
    "a label of nothing": (modal({"type": 18, "label": "l"}), [("components.0.component", "BASE_TYPE_REQUIRED")]),
    "one radio button": (
        modal(labelled({"type": 21, "custom_id": "c", "options": [{"label": "a", "value": "a"}]})),
        [("components.0.component.options", "BASE_TYPE_BAD_LENGTH")],
    ),
    "11 files": (
        modal(labelled({"type": 19, "custom_id": "b", "max_values": 11})),
        [("components.0.component.max_values", "NUMBER_TYPE_MAX")],
    ),
}
BAD_MODALS["6 rows"][1].pop()  # what is past the limit is not read


@pytest.mark.parametrize("payload", GOOD_MODALS.values(), ids=GOOD_MODALS)
def test_a_modal_within_the_limits_has_no_problem(payload: Any) -> None:
    assert found(shapes.modal_violations(payload)) == []


@pytest.mark.parametrize(("payload", "expected"), BAD_MODALS.values(), ids=BAD_MODALS)
def test_a_modal_beyond_a_limit_is_refused_where_it_is(payload: Any, expected: Any) -> None:
    assert found(shapes.modal_violations(payload)) == expected


# What a bot does not check before it sends something: wisp does not make it, or hikari's builders do not.
COMMANDS_LEFT_TO_DISCORD = {
    "an unknown type",
    "a type that is true",
    "a menu with a description",
    "a menu with options",
    "an option of no type",
    "an option of unknown type",
    "required after optional",
    "required that is no bool",
    "a subcommand beside an option",
    "a group in a group",
    "an option in a group",
    "a subcommand in a subcommand",
    "options in a string",
    "choices of a user",
    "choices and autocomplete",
    "autocomplete of a user",
    "a smallest string",
    "a length of an integer",
    "channel types of a string",
    "an unknown channel type",
    "a channel type twice",
    "an unknown context",
    "no context at all",
    "a context of nothing",
    "an integration type twice",
    "permissions in words",
    "negative permissions",
    "nsfw that is no bool",
}
MESSAGES_LEFT_TO_DISCORD = {
    "a colour past white",
    "no URL",
    "a URL of another scheme",
    "a button of no style",
    "a button without id",
    "a button of id and URL",
    "a long name of a custom emoji",
    "a select beside a button",
    "fewer picks than may be picked",
    "two defaults of one",
    "content with the flag",
    "embeds with the flag",
    "a button by itself with the flag",
    "a container in a container",
    "41 components",
    "4001 characters of text",
    "a section without accessory",
    "flags in words",
    "a time in words",
    "a sku id of another button",
    "a sku id that is none",
    "a premium button with words",
    "a role to begin with among users",
    "a number twice",
    "mentions parsed and listed",
    "an unknown mention",
    "101 mentions",
    "a mention of a name",
    "an attachment without id",
    "4 stickers",
    "4 texts in a section",
    "a file from elsewhere",
}
MODALS_LEFT_TO_DISCORD = {
    "an unknown style",
    "two inputs of a row",
    "a button in a label",
    "a label of nothing",
    "one radio button",
    "11 files",
}
CHECKED_BY_A_BOT = [
    *((limits.command_violations, *BAD_COMMANDS[name]) for name in BAD_COMMANDS.keys() - COMMANDS_LEFT_TO_DISCORD),
    *((limits.message_violations, *BAD_MESSAGES[name]) for name in BAD_MESSAGES.keys() - MESSAGES_LEFT_TO_DISCORD),
    *((limits.modal_violations, *BAD_MODALS[name]) for name in BAD_MODALS.keys() - MODALS_LEFT_TO_DISCORD),
]


def test_a_bot_finds_the_same_before_it_sends_something() -> None:
    for check, payload, expected in CHECKED_BY_A_BOT:
        if isinstance(payload, dict):
            assert found(check(payload)) == expected


def test_a_bot_refuses_nothing_that_discord_takes() -> None:
    for check, payloads in (
        (limits.command_violations, GOOD_COMMANDS),
        (limits.message_violations, GOOD_MESSAGES),
        (limits.modal_violations, GOOD_MODALS),
    ):
        assert {name: found(check(payload)) for name, payload in payloads.items()} == {name: [] for name in payloads}


def test_the_error_tree_nests_paths_and_keeps_every_problem_of_a_place() -> None:
    first, second = (
        limits.Violation(("options", 0, "name"), "A", "a"),
        limits.Violation(("options", 0, "name"), "B", "b"),
    )
    below = {"_errors": [{"code": "A", "message": "a"}, {"code": "B", "message": "b"}]}
    assert errors.error_tree([first, second]) == {"options": {"0": {"name": below}}}


def test_the_error_tree_says_nothing_of_an_object_where_it_says_something_of_its_fields() -> None:
    problems = [
        limits.Violation((), "A", "a"),
        limits.Violation((0,), "B", "b"),
        limits.Violation((0, "x"), "C", "c"),
        limits.Violation((1,), "D", "d"),
    ]
    assert errors.error_tree(problems) == {
        "0": {"x": {"_errors": [{"code": "C", "message": "c"}]}},
        "1": {"_errors": [{"code": "D", "message": "d"}]},
    }


def choice(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value}


def test_a_problem_says_what_came_where_discords_sentence_does_not() -> None:
    twins = option(choices=[choice("a", "x"), choice("b", "y"), choice("a", "z")])
    button = {"type": 2, "style": 1, "label": "a", "custom_id": "x"}
    row = {"type": 1, "components": [button, button]}
    select = {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "v"}, {"label": "b", "value": "v"}]}
    boxes = {"type": 21, "custom_id": "r", "options": [{"label": "a", "value": "b"}]}
    group = {"type": 18, "label": "a", "component": boxes}
    cases = [
        (shapes.message_violations({"content": "x" * 3000}), "3000 characters"),
        ([limits.content_violation("x" * 2001)], "2001 characters"),
        (shapes.message_violations({"embeds": [{"title": "t"}] * 11}), "11 embeds"),
        (shapes.message_violations({"sticker_ids": ["1"] * 4}), "4 sticker ids"),
        (shapes.message_violations({"embeds": [{"description": "x" * 4000}] * 2}), "8000 characters"),
        (shapes.command_violations(command(*(option(name=f"o{n}") for n in range(27)))), "27 options"),
        (shapes.modal_violations({"title": "t", "custom_id": "c", "components": [group]}), "1 option"),
        (shapes.command_violations(command(option(type=4, min_value=2**60))), str(2**60)),
        (shapes.command_violations(command(option(), option())), "the same as options.0.name"),
        (shapes.command_violations(command(twins)), "the same as options.0.choices.0.name"),
        (shapes.commands_violations([command(), {**command(), "name": "b"}, command()]), "the same as 0.name"),
        (shapes.message_violations({"components": [row]}), "the same as components.0.components.0.custom_id"),
        (
            shapes.message_violations({"components": [{"type": 1, "components": [select]}]}),
            "the same as components.0.components.0.options.0.value",
        ),
        (shapes.command_violations({"name": "a"}), ""),
    ]
    got = [[problem.got for problem in problems if problem] for problems, _ in cases]
    assert got == [[expected] for _, expected in cases]


def test_problems_are_told_each_with_its_fix_and_a_fix_but_once() -> None:
    problems = shapes.message_violations(
        {"content": "x" * 2001, **rows(button(label="l" * 81), button(emoji={}, url=1))}
    )
    assert explained(problems) == (
        "content: Must be 2000 or fewer in length (got 2001 characters). Shorten it, or send the rest in another "
        "answer. "
        "components.0.components.0.label: Must be 80 or fewer in length (got 81 characters). Shorten it. "
        "components.0.components.1.url: Could not interpret 1 as string. Pass a string. "
        'components.0.components.1.emoji.name: Invalid emoji (got no name). Write the emoji itself, such as "👍"; a '
        'custom emoji is hikari.Emoji.parse("<:name:id>"). '
        "components.0.components.1: A custom id and url cannot both be specified. For a button that opens a URL "
        "and calls no handler, use wisp.link_button(label, url). "
        "components.0.components.1.custom_id: Component custom id cannot be duplicated (got the same as "
        "components.0.components.0.custom_id). Give each component of a message a custom id of its own: bind it to "
        "other values, or add a field to its id."
    )
    twice = shapes.message_violations({"embeds": [{}, {}]})
    assert explained(twice).count("it shows nothing") == 1
    of_discord = limits.Violation(
        ("data", "components", "0", "components", "1", "emoji", "name"), "NEW_CODE", "Strange."
    )
    assert explained([of_discord], below=2) == "0.components.1.emoji.name: Strange. Change it, or leave it out."


def test_a_problem_says_where_it_is_and_what_is_expected() -> None:
    [problem] = shapes.command_violations(command(option(description="d" * 101)))
    assert str(problem) == "options.0.description: Must be between 1 and 100 in length. (BASE_TYPE_BAD_LENGTH)"


CHECKS = [
    shapes.command_violations,
    shapes.message_violations,
    shapes.modal_violations,
    lambda payload: shapes.commands_violations([payload]),  # pyright: ignore[reportUnknownLambdaType]
    shapes.commands_violations,
]
WORDS = """
    name type description options choices value required autocomplete min_value max_value min_length max_length
    channel_types name_localizations description_localizations contexts default_member_permissions de flags content
    embeds fields footer author image url text color timestamp components component accessory items media file
    custom_id style label emoji placeholder min_values max_values default allowed_mentions parse users attachments
    id title spacing _errors
"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 25)
    | st.sampled_from([2**53, -(2**70), limits.COMPONENTS_V2])
    | st.floats()
    | st.text(max_size=5)
    | st.text(st.characters(), max_size=5)
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6),
    max_leaves=25,
)
PAYLOADS = [
    *((0, payload) for payload in GOOD_COMMANDS.values()),
    *((1, payload) for payload in GOOD_MESSAGES.values()),
    *((2, payload) for payload in GOOD_MODALS.values()),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each container of a payload with each of its keys or indexes."""
    keys: Any = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


def branches(tree: Any) -> list[dict[str, Any]]:
    """All objects in a tree of errors, but not the errors."""
    below = [branch for key, inner in tree.items() if key != "_errors" for branch in branches(inner)]
    return [tree, *below]


@given(ANY_JSON)
def test_any_json_gives_problems_and_never_raises(payload: Any) -> None:
    for check in CHECKS:
        tree = errors.error_tree(check(payload))
        json.dumps(tree)
        assert [branch for branch in branches(tree) if "_errors" in branch and len(branch) > 1] == []


def replace_one(data: st.DataObject, payload: Any, value: Any) -> Any:
    """A copy of a payload with one value, anywhere in it, replaced; which one, `data` says."""
    changed = copy.deepcopy(payload)
    spots = places(changed)
    if spots:
        container, key = spots[data.draw(st.integers(0, len(spots) - 1))]
        container[key] = value
    return changed


@given(st.data())
def test_any_json_in_any_place_of_a_good_payload_gives_problems_and_never_raises(data: st.DataObject) -> None:
    index, payload = PAYLOADS[data.draw(st.integers(0, len(PAYLOADS) - 1))]
    for _ in range(data.draw(st.integers(1, 3))):
        payload = replace_one(data, payload, data.draw(ANY_JSON))
    problems = CHECKS[index](payload)
    json.dumps([str(problem) for problem in problems] + [errors.error_tree(problems)]).encode()


def test_a_number_too_large_to_print_is_refused_in_any_place_without_being_printed() -> None:
    for index, payload in PAYLOADS:
        for spot in range(len(places(payload))):
            changed = copy.deepcopy(payload)
            container, key = places(changed)[spot]
            container[key] = HUGE
            assert all(len(str(problem)) < 400 for problem in CHECKS[index](changed))


def test_a_payload_of_endless_lists_costs_no_endless_walk() -> None:
    many = 300_000
    assert len(shapes.command_violations(command(*[{}] * many))) < 200
    assert len(shapes.commands_violations([{}] * many)) < 1000
    assert len(shapes.message_violations({"embeds": [{}] * many, "components": [{}] * many})) < 100
    assert len(shapes.modal_violations(modal(*[{}] * many))) < 100


def test_a_payload_nested_without_end_is_read_to_the_depth_that_discord_knows() -> None:
    endless: dict[str, Any] = option(2)
    endless["options"] = [endless]
    layout: dict[str, Any] = {"type": 17}
    layout["components"] = [layout]
    assert found(shapes.command_violations(command(endless))) == [("options.0.options.0.type", "BASE_TYPE_CHOICES")]
    assert found(shapes.message_violations(v2(layout))) == [("components.0.components.0", "UNION_TYPE_CHOICES")]


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_'äßжสวี", min_size=1, max_size=32)
DESCRIPTIONS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=100).filter(str.strip)
LOCALES = st.sampled_from(sorted(limits.LOCALES))
INTEGERS = st.integers(*limits.OPTION_NUMBER)


def localized(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.none() | st.dictionaries(LOCALES, texts, max_size=2)


@st.composite
def options(draw: st.DrawFn, *, depth: int = 2) -> list[dict[str, Any]]:
    nested = depth > 0 and draw(st.booleans())
    found_options = [
        {
            "name": name,
            "description": draw(DESCRIPTIONS),
            "name_localizations": draw(localized(NAMES)),
            "description_localizations": draw(localized(DESCRIPTIONS)),
            **(draw(subcommand(depth)) if nested else draw(values())),
        }
        for name in draw(st.lists(NAMES, max_size=4, unique=True))
    ]
    return sorted(found_options, key=lambda found_option: not found_option.get("required"))


@st.composite
def subcommand(draw: st.DrawFn, depth: int) -> dict[str, Any]:
    if depth == 2 and draw(st.booleans()):
        nested = draw(options(depth=0).map(lambda leaves: leaves[:1]))
        return {"type": 2, "options": [option(1, options=nested)]}
    return {"type": 1, "options": draw(options(depth=0))}


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([3, 4, 5, 6, 7, 8, 9, 10, 11]))
    entries: dict[str, Any] = {"type": kind, "required": draw(st.none() | st.booleans())}
    if kind == 3:
        entries |= {"min_length": draw(st.integers(0, 9)), "max_length": draw(st.integers(9, 6000))}
    if kind in (4, 10):
        entries["min_value"], entries["max_value"] = sorted([draw(INTEGERS), draw(INTEGERS)])
    if kind == 7:
        entries["channel_types"] = draw(st.lists(st.sampled_from([0, 2, 5, 15]), unique=True))
    if kind in (3, 4, 10) and draw(st.booleans()):
        raw = draw(st.lists(INTEGERS, max_size=5, unique=True))
        entries["choices"] = [{"name": str(n), "value": str(n) if kind == 3 else n} for n in raw]
    elif kind in (3, 4, 10):
        entries["autocomplete"] = draw(st.booleans())
    return entries


@st.composite
def commands(draw: st.DrawFn) -> dict[str, Any]:
    shared = {
        "contexts": draw(st.none() | st.lists(st.sampled_from([0, 1, 2]), min_size=1, unique=True)),
        "default_member_permissions": draw(st.none() | st.integers(0, 2**53)),
    }
    if draw(st.booleans()):
        return {"type": draw(st.sampled_from([2, 3])), "name": draw(DESCRIPTIONS.map(lambda name: name[:32])), **shared}
    entries = {"name": draw(NAMES), "description": draw(DESCRIPTIONS), "options": draw(options())}
    return {**entries, "name_localizations": draw(localized(NAMES)), **shared}


@settings(max_examples=50, deadline=None)
@given(commands())
def test_a_command_made_to_the_rules_has_no_problem(payload: Any) -> None:
    if payload["name"].strip():
        assert found(shapes.command_violations(payload)) == []


@pytest.fixture(scope="module")
def openapi() -> Any:
    if not OPENAPI.is_file():
        pytest.skip(f"Discord's OpenAPI file is not here: {OPENAPI} (set DISCORD_OPENAPI to where it is)")
    return json.loads(OPENAPI.read_text(encoding="utf-8"))


def refusals(openapi: Any, name: str, payload: Any) -> list[str]:
    """What a schema of the specification refuses in a payload."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": openapi["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(payload)]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_discords_specification_accepts_the_commands_that_have_no_problem(openapi: Any, data: st.DataObject) -> None:
    payload = data.draw(commands())
    changed = replace_one(data, payload, data.draw(LEAVES))
    # Permissions are a string to the documentation and an integer to the specification.
    payload = {**changed, "default_member_permissions": payload["default_member_permissions"]}
    if not shapes.command_violations(payload):
        assert refusals(openapi, "ApplicationCommandCreateRequest", payload) == []


@pytest.mark.parametrize("payload", GOOD_MESSAGES.values(), ids=GOOD_MESSAGES)
def test_discords_specification_accepts_the_messages_that_have_no_problem(openapi: Any, payload: Any) -> None:
    # An attachment that is sent along has its index for an id, which the specification calls a snowflake.
    attachments = [{**entry, "id": str(entry["id"])} for entry in payload.get("attachments", [])]
    assert refusals(openapi, "MessageCreateRequest", {**payload, "attachments": attachments}) == []


@pytest.mark.parametrize("payload", GOOD_MODALS.values(), ids=GOOD_MODALS)
def test_discords_specification_accepts_the_modals_that_have_no_problem(openapi: Any, payload: Any) -> None:
    assert refusals(openapi, "ModalInteractionCallbackRequestData", payload) == []


@pytest.mark.parametrize(
    ("where", "limit"),
    [
        ("ApplicationCommandCreateRequest.name", "command.name"),
        ("ApplicationCommandCreateRequest.options", "command.options"),
        ("ApplicationCommandStringOption.name", "string option.name"),
        ("ApplicationCommandStringOption.description", "string option.description"),
        ("ApplicationCommandStringOption.choices", "string option.choices"),
        ("ApplicationCommandStringOption.min_length", "string option.min_length"),
        ("ApplicationCommandStringOption.max_length", "string option.max_length"),
        ("ApplicationCommandOptionStringChoice.name", "string choice.name"),
        ("IncomingWebhookInteractionRequest.content", "message.content"),
        ("MessageCreateRequest.embeds", "message.embeds"),
        ("MessageCreateRequest.attachments", "message.attachments"),
        ("MessageCreateRequest.sticker_ids", "message.sticker_ids"),
        ("MessageAttachmentRequest.description", "attachment.description"),
        ("MessageAllowedMentionsRequest.users", "allowed mentions.users"),
        ("RichEmbed.title", "embed.title"),
        ("RichEmbed.description", "embed.description"),
        ("RichEmbed.url", "embed.url"),
        ("RichEmbed.color", "embed.color"),
        ("RichEmbed.fields", "embed.fields"),
        ("RichEmbedFooter.text", "embed.footer.text"),
        ("RichEmbedAuthor.name", "embed.author.name"),
        ("ActionRowComponentForMessageRequest.components", "row.components"),
        ("ButtonComponentForMessageRequest.custom_id", "button.custom_id"),
        ("ButtonComponentForMessageRequest.label", "button.label"),
        ("ButtonComponentForMessageRequest.url", "button.url"),
        ("StringSelectComponentForMessageRequest.placeholder", "string select.placeholder"),
        ("StringSelectComponentForMessageRequest.min_values", "string select.min_values"),
        ("StringSelectComponentForMessageRequest.max_values", "string select.max_values"),
        ("StringSelectOptionForRequest.label", "select option.label"),
        ("StringSelectOptionForRequest.value", "select option.value"),
        ("SectionComponentForMessageRequest.components", "section.components"),
        ("MediaGalleryComponentForMessageRequest.items", "gallery.items"),
        ("MediaGalleryItemRequest.description", "gallery item.description"),
        ("UnfurledMediaRequest.url", "media.url"),
        ("TextDisplayComponentForMessageRequest.content", "text display.content"),
        ("ModalInteractionCallbackRequestData.title", "modal.title"),
        ("ModalInteractionCallbackRequestData.custom_id", "modal.custom_id"),
        ("LabelComponentForModalRequest.label", "label.label"),
        ("LabelComponentForModalRequest.description", "label.description"),
        ("TextInputComponentForModalRequest.label", "text input.label"),
        ("TextInputComponentForModalRequest.value", "text input.value"),
        ("TextInputComponentForModalRequest.placeholder", "text input.placeholder"),
        ("TextInputComponentForModalRequest.min_length", "text input.min_length"),
        ("TextInputComponentForModalRequest.max_length", "text input.max_length"),
        ("CheckboxGroupComponentForModalRequest.options", "checkbox group.options"),
        ("CheckboxGroupComponentForModalRequest.min_values", "checkbox group.min_values"),
        ("FileUploadComponentForModalRequest.max_values", "upload.max_values"),
    ],
)
def test_a_limit_is_that_of_discords_specification(openapi: Any, where: str, limit: str) -> None:
    name, _, key = where.partition(".")
    stated = openapi["components"]["schemas"][name]["properties"][key]
    kind = {"string": "Length", "array": "Items"}.get(
        stated["type"] if isinstance(stated["type"], str) else stated["type"][0]
    )
    low, high = (f"min{kind}", f"max{kind}") if kind else ("minimum", "maximum")
    shape, *fields = limit.split(".")
    check: Any = shapes.TABLE[shape]
    for field in fields:
        check = check.fields[field]

    def refuses(size: int) -> bool:
        report = limits.Report(shapes.TABLE)
        check(report, {"Length": "x" * size, "Items": [{}] * size, None: size}[kind], ("field",))
        codes = [violation.code for violation in report.found if violation.path == ("field",)]
        return any(code.endswith(("_LENGTH", "_TYPE_MAX", "_TYPE_MIN")) for code in codes)

    assert not refuses(stated[high])
    assert refuses(stated[high] + 1)
    assert not stated.get(low) or refuses(stated[low] - 1)


def test_the_counts_of_components_and_select_options_are_those_of_discords_specification(openapi: Any) -> None:
    schemas = openapi["components"]["schemas"]
    assert schemas["MessageCreateRequest"]["properties"]["components"]["maxItems"] == limits.COMPONENTS
    options = schemas["StringSelectComponentForMessageRequest"]["properties"]["options"]
    assert (options["minItems"], options["maxItems"]) == (1, limits.SELECT_OPTIONS)


def test_the_locales_and_the_count_of_commands_are_those_of_discords_specification(openapi: Any) -> None:
    locales = {entry["const"] for entry in openapi["components"]["schemas"]["AvailableLocalesEnum"]["oneOf"]}
    put = openapi["paths"]["/applications/{application_id}/commands"]["put"]["requestBody"]
    most = put["content"]["application/json"]["schema"]["maxItems"]
    assert locales == limits.LOCALES
    assert most == sum(limits.COMMANDS[kind] for kind in (1, 2, 3))


@pytest.mark.usefixtures("real_start")
def test_checking_a_message_imports_nothing_else() -> None:
    code = """if True:
        import sys, wisp; old = set(sys.modules); import wisp.limits
        wisp.limits.message_violations({"content": "x" * 3000})
        print(*sorted({*sys.modules} - old))
    """
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(printed.split()) <= {"wisp.limits"}
