"""What a typed line means, and that any text at all can be typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.sandbox.people.typed import Local, Say, Slash, field_name, fields, parse, quoted
from wisp.sandbox.world.objects import Impossible


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/hello", Slash(("hello",))),
        ("/hello name:Ada", Slash(("hello",), (("name", "Ada"),))),
        (
            '/greet user:@bob times:3 reason:"too loud"',
            Slash(("greet",), (("user", "@bob"), ("times", "3"), ("reason", "too loud"))),
        ),
        ("/admin kick user:@bob", Slash(("admin", "kick"), (("user", "@bob"),))),
        ('/say text:"a \\"b\\" \\\\ c\\nd"', Slash(("say",), (("text", 'a "b" \\ c\nd'),))),
        ("/go url:https://a.b/c?d=1", Slash(("go",), (("url", "https://a.b/c?d=1"),))),
        ("/hello name:", Slash(("hello",), (("name", ""),))),
        ("  /hello  ", Slash(("hello",))),
        (":as bob", Local("as", "bob")),
        (":quit", Local("quit")),
        (":guild My place", Local("guild", "My place")),
        (":) nice", Say(":) nice")),
        (":smile: nice", Say(":smile: nice")),
        ("good morning", Say("good morning")),
        ("\\/shrug", Say("/shrug")),
        ("\\:as bob", Say(":as bob")),
        ("", Say("")),
    ],
)
def test_a_line_is_read_as_what_it_looks_like(typed: str, expected: object) -> None:
    assert parse(typed) == expected


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ('/hello name:"Ada', "never closed"),
        ('/hello name:"Ada"x', "after the closing quote, not 'x'"),
        ("/greet reason:too loud", "'loud' belongs to no option"),
        ("/hello name:a name:b", "'name' is given twice"),
        ("/hello :b", "lacks the option's name"),
        ("/", "a command's name is expected"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(typed: str, complaint: str) -> None:
    with pytest.raises(Impossible, match=complaint):
        parse(typed)


LINES = st.text() | st.text(alphabet='/: "\\n@ab\n\t', max_size=40)


@given(LINES | LINES.map("/x ".__add__) | LINES.map("/x y:".__add__) | LINES.map('/x y:"'.__add__))
def test_what_was_read_can_be_typed_again(typed: str) -> None:
    try:
        line = parse(typed)
    except Impossible:
        return
    assert parse(str(line)) == line


@given(st.text())
def test_any_value_can_be_typed(value: str) -> None:
    assert parse(f"/x y:{quoted(value)} z:1") == Slash(("x",), (("y", value), ("z", "1")))


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_any_field_of_a_form_can_be_typed(given: dict[str, str]) -> None:
    assert fields(" ".join(f"{field_name(name)}:{quoted(text)}" for name, text in given.items())) == given


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("loud", "'loud' belongs to no field: fields are written name:text"),
        (":x", "':x' belongs to no field"),
        ('"a b" c', "belongs to no field"),
        ("a:1 a:2", "'a' is given twice"),
        ('a:"b', "never closed"),
    ],
)
def test_fields_that_cannot_be_told_apart_are_refused(typed: str, complaint: str) -> None:
    with pytest.raises(Impossible, match=complaint):
        fields(typed)
