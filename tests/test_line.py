"""What a typed line means, and that any text at all can be typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.sandbox.people.commands import CHANNEL, MENTIONABLE, ROLE, USER
from wisp.sandbox.people.typed import (
    Say,
    Slash,
    TerminalCommand,
    field_name,
    fields,
    find_named,
    parse,
    quoted,
    with_mentions,
)
from wisp.sandbox.world.objects import Impossible
from wisp.sandbox.world.world import World


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
        (":as bob", TerminalCommand("as", "bob")),
        (":quit", TerminalCommand("quit")),
        (":guild My place", TerminalCommand("guild", "My place")),
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


def test_names_become_mentions_as_one_types() -> None:
    world = World()
    (guild,) = world.guilds.values()
    general = guild.channel("general")
    assert general is not None
    typed = "@bob come to #general, not a@bob or @nobody"
    bob = next(user for user in world.users.values() if user.name == "bob")
    assert with_mentions("@bob #general", guild) == f"{bob.mention} {general.mention}"
    assert with_mentions(typed, guild).endswith("not a@bob or @nobody")
    assert with_mentions("@bob", None) == "@bob"


def test_a_user_who_is_not_a_member_is_named_by_id_or_mention_and_only_where_a_user_is_expected() -> None:
    world = World()
    (guild,) = world.guilds.values()
    eve = world.users.add("eve")
    for typed in (str(eve.id), eve.mention, f"<@!{eve.id}>"):
        for kind in (USER, MENTIONABLE):
            assert find_named("who", kind, typed, guild, users=world.users) is eve
        for kind in (ROLE, CHANNEL):
            with pytest.raises(Impossible, match="option 'who': Sandbox has no"):
                find_named("who", kind, typed, guild, users=world.users)
    for typed in ("@eve", "eve", "<@1>", f"<#{eve.id}>", f"<@&{eve.id}>", str(eve.id + 1), "9" * 5000):
        with pytest.raises(Impossible, match="option 'who': Sandbox has no"):
            find_named("who", USER, typed, guild, users=world.users)
