"""Messages as plain text: readable for a person, harmless for a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.sandbox.terminal.text import message_lines, readable
from wisp.sandbox.world.objects import Message
from wisp.sandbox.world.world import World


def message(world: World, **fields: object) -> Message:
    (guild,) = world.guilds.values()
    channel = guild.channel("general")
    assert channel is not None
    return world.messages.add(channel, world.bot, **fields)  # type: ignore[arg-type]


def test_markup_is_read_by_name() -> None:
    world = World()
    (guild,) = world.guilds.values()
    general = guild.channel("general")
    assert general is not None
    mods = world.roles.add(guild, "mods")
    text = f"{world.owner.mention} <@!{world.owner.id}> {general.mention} {mods.mention}"
    assert readable(text, world) == "@ada @ada #general @mods"
    assert readable("</admin kick:1> <:wave:2> <a:hop:3>", world) == "/admin kick :wave: :hop:"
    assert readable("<t:0> <t:60:R>", world) == "1970-01-01 00:00 UTC 1970-01-01 00:01 UTC"


@pytest.mark.parametrize("text", ["<@1>", "<#1>", "<@&1>", "<t:9999999999999>", "<@99999999999999999999>", "<@>"])
def test_markup_that_names_nothing_stays_as_it_is(text: str) -> None:
    assert readable(text, World()) == text


def test_what_would_steer_a_terminal_is_taken_out() -> None:
    assert readable("a\x1b[2Jb\x07\u202ec\nd", World()) == "a\ufffd[2Jb\ufffd\ufffdc\nd"


def test_embeds_files_and_buttons_are_spelled_out() -> None:
    world = World()
    embed = {
        "title": "Score",
        "description": "of today\nso far",
        "fields": [{"name": "ada", "value": "3"}],
        "footer": {"text": "end"},
    }
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Next", "custom_id": "n"}]}
    shown = message(
        world,
        content="Look:",
        embeds=[embed],
        attachments=[world.attachments.add("a.txt", b"x")],
        components=[row],
    )
    assert message_lines(shown, world) == [
        "Look:",
        "  | Score",
        "  | of today",
        "  | so far",
        "  | ada: 3",
        "  | end",
        "  [file a.txt, 1 byte]",
        "  [Next]",
    ]


def steers(character: str) -> bool:
    """Whether a character is a control but a tab, a half of a character, or separates lines or paragraphs."""
    return character != "\t" and unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


TURNING = [chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
"""All characters that Unicode calls controls of the direction of text (UAX #9)."""


@pytest.mark.parametrize("character", TURNING, ids=unicodedata.name)
def test_no_character_that_turns_the_text_after_it_reaches_a_terminal(character: str) -> None:
    world = World()
    world.owner.name = f"a{character}da"
    assert readable(f"1{character}2 {world.owner.mention}", world) == "1\ufffd2 @a\ufffdda"


def test_the_characters_that_turn_text_are_those_that_unicode_has() -> None:
    classes = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert {chr(n) for n in range(0x110000) if unicodedata.bidirectional(chr(n)) in classes} <= set(TURNING)


@given(st.text())
def test_any_message_can_be_shown(content: str) -> None:
    world = World()
    lines = message_lines(message(world, content=content), world)
    assert [character for character in "".join(lines) if steers(character) or character in TURNING] == []
