"""The keyboard and the screen of the chat, without somebody at them (tests of the command line type into one)."""

import io
import os
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.sandbox.terminal import console as console_module
from wisp.sandbox.terminal.console import Console, Lines, encodable, rows_before_end


class FakeTerminal(io.StringIO):
    """A screen that says it is one."""

    def isatty(self) -> bool:
        return True


async def test_piped_lines_are_read_one_by_one_until_their_end() -> None:
    read, write = os.pipe()
    os.write(write, "one\r\ntwo \u00e9\n\nlast".encode() + b"\xff")
    os.close(write)
    with os.fdopen(read) as stdin, Console(stdin, io.StringIO()) as console:
        lines = [await console.read("> ") for _ in range(5)]
    assert lines == ["one", "two \u00e9", "", "last\ufffd", None]


async def test_a_closed_keyboard_has_no_line() -> None:
    with Console(None, io.StringIO()) as console:
        assert not console.interactive
        assert await console.read("> ") is None


def test_what_is_written_stands_on_its_own_lines() -> None:
    screen = io.StringIO()
    console = Console(None, screen)
    console.write("a\nb")
    console.write("c")
    assert screen.getvalue() == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm"}, False, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    environment: dict[str, str], terminal: bool, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Console(sys.stdin, FakeTerminal() if terminal else io.StringIO()).colour is colour


@pytest.mark.parametrize(
    ("library", "binding"),
    [("Importing this module enables GNU readline.", "tab: complete"), ("... libedit ...", "bind ^I rl_complete")],
)
async def test_tab_completes_with_either_library_for_editing_lines(
    library: str, binding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[str] = []
    fake = types.SimpleNamespace(
        __doc__=library,
        set_completer=lambda completer: None,
        set_completer_delims=lambda delimiters: None,
        parse_and_bind=bound.append,
    )
    monkeypatch.setattr(console_module, "readline", fake)
    monkeypatch.setattr(console_module, "termios", None)
    keyboard = FakeTerminal()
    monkeypatch.setattr(sys, "stdin", keyboard)
    with Console(keyboard, FakeTerminal()):
        assert bound == [binding]


def test_a_screen_of_ascii_is_given_ascii() -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(None, screen).write("caf\u00e9 \U0001f600")
    assert screen.buffer.getvalue() == b"caf? ?\n"  # type: ignore[attr-defined]


@given(st.text(), st.sampled_from(["ascii", "utf-8", "latin-1", "cp1252", None]))
def test_any_text_can_be_shown_anywhere(text: str, encoding: str | None) -> None:
    encodable(text, encoding).encode(encoding or "ascii")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", 0),
        ("a" * 39, 0),
        ("a" * 40, 1),  # the cursor waits at the beginning of the next row
        ("a" * 81, 2),
        ("日" * 19, 0),
        ("日" * 20, 1),
        ("a" + "日" * 20, 1),  # the last one does not fit into the first row
        ("a" + "日" * 39, 2),
        ("\U0001f600" * 30, 1),
        ("e\u0301" * 39, 0),  # an accent takes no column
    ],
)
def test_the_row_of_the_cursor_counts_columns_and_not_characters(text: str, rows: int) -> None:
    assert rows_before_end(text, 40) == rows


def test_output_replaces_all_rows_of_the_line_that_is_being_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    screen = io.StringIO()
    console = Console(None, screen)
    console._prompt = "日本> " * 10
    console.write("posted")
    assert screen.getvalue() == f"\r\x1b[A\x1b[Jposted\n{console._prompt}"


@given(st.lists(st.text()))
def test_lines_are_handed_on_whole(parts: list[str]) -> None:
    handed: list[str] = []
    stream = Lines(handed.append)
    for part in parts:
        print(part, end="", file=stream)
    print(file=stream)
    assert "\n".join(handed) + "\n" == "".join(parts) + "\n"
