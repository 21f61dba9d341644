"""Forms: what Discord is asked to show, what comes back, and what no form can be."""

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.forms import form_problems
from wisp.limits import modal_violations
from wisp.testing import Impossible, Reply, connect


class Feedback(wisp.Form):
    """Tell us."""

    title: str
    body: Annotated[str, wisp.Field("Your text", placeholder="Say it", min=3, max=20, multiline=True)]
    name: str = "nobody"
    mail: str | None = None
    kind: Annotated[str, wisp.Field(value="praise")] = "none"


def form_bot(got: list[Any]) -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def feedback(ctx: wisp.Context, slow: bool = False) -> str:
        """Feedback."""
        form = await ctx.form(Feedback)
        got.append(form)
        if slow:
            await asyncio.sleep(30)
        return "Thanks!" if form else "Too late."

    return bot


async def test_a_form_gives_a_typed_value_and_the_answer_goes_to_it() -> None:
    got: list[Any] = []
    async with connect(form_bot(got)) as discord:
        ada = discord.member("ada")
        opened = await ada.slash("feedback")
        assert opened.modal
        assert opened.modal["title"] == "Tell us"
        inputs = [row["components"][0] for row in opened.modal["components"]]
        assert [(one["label"], one["required"]) for one in inputs] == [
            ("Title", True),
            ("Your text", True),
            ("Name", False),
            ("Mail", False),
            ("Kind", False),
        ]
        reply = await ada.submit(opened, {"Your text": "Lovely"}, title="Hi")
        assert reply.content == "Thanks!"
    assert got == [Feedback(title="Hi", body="Lovely", name="nobody", mail=None, kind="praise")]


async def test_what_a_client_would_not_send_is_impossible() -> None:
    async with connect(form_bot([])) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        opened = await ada.slash("feedback")
        with pytest.raises(Impossible, match="'Title' takes 1 to 4000 characters, got 0"):
            await ada.submit(opened, body="four")
        with pytest.raises(Impossible, match="'Your text' takes 3 to 20 characters, got 2"):
            await ada.submit(opened, title="x", body="no")
        with pytest.raises(Impossible, match="no form is open before bob"):
            await bob.submit(opened, title="x", body="four")
        await ada.submit(opened, title="x", body="four")
        with pytest.raises(Impossible, match="no form is open"):
            await ada.submit(opened, title="x", body="four")


async def test_a_form_that_nobody_sends_is_none_after_fifteen_minutes_and_polite_later() -> None:
    got: list[Any] = []
    async with connect(form_bot(got)) as discord:
        ada = discord.member("ada")
        opened = await ada.slash("feedback")
        modal = opened.modal
        await discord.advance(minutes=14, seconds=54)
        assert got == []
        await discord.advance(seconds=2)
        assert got == [None]
        assert [followup.content for followup in opened.followups] == ["Too late."]
        opened.interaction.modal = modal
        late = await ada.submit(opened, title="x", body="four")
        assert "older version" in late.content


def sent_by_hand(discord: Any, opened: Reply, **values: str) -> Reply:
    """A form as a client of somebody's own making sends it."""
    ada = discord.member("ada")
    rows = [
        {"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": name, "value": value}]}
        for name, value in values.items()
    ]
    data = {"custom_id": opened.modal["custom_id"] if opened.modal else "", "components": rows}
    return Reply(discord.world.interactions.create(5, ada.user, ada.channel, data))


async def test_a_form_that_comes_twice_is_taken_once() -> None:
    got: list[Any] = []
    async with connect(form_bot(got)) as discord:
        opened = await discord.member("ada").slash("feedback")
        first = sent_by_hand(discord, opened, title="a", body="first")
        second = sent_by_hand(discord, opened, title="a", body="second")
        await discord.advance(seconds=3)
        assert first.content == "Thanks!"
        assert "older version" in second.content
        assert [form.body for form in got] == ["first"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": "four"}, "Title is needed."),
        ({"title": "x", "body": "y" * 21}, "Your text: enter 3 to 20 characters, not 21."),
        ({}, "Title is needed."),
    ],
)
async def test_what_no_client_would_send_is_refused_in_words(values: dict[str, str], words: str) -> None:
    got: list[Any] = []
    async with connect(form_bot(got)) as discord:
        opened = await discord.member("ada").slash("feedback")
        reply = sent_by_hand(discord, opened, **values)
        await discord.rest()
        assert (reply.content, reply.ephemeral) == (words, True)
    assert got == []


async def test_a_slow_answer_to_a_form_is_deferred_in_time() -> None:
    async with connect(form_bot([])) as discord:
        ada = discord.member("ada")
        opened = await ada.slash("feedback", slow=True)
        reply = sent_by_hand(discord, opened, title="x", body="four")
        await discord.advance(seconds=31)
        assert reply.deferred
        assert reply.content == "Thanks!"


async def test_the_time_of_the_command_that_opened_a_form_does_not_defer_the_form() -> None:
    bot = wisp.Bot()

    @bot.command
    async def feedback(ctx: wisp.Context) -> str:
        await ctx.form(Feedback)
        await asyncio.sleep(1)
        return "Thanks!"

    async with connect(bot) as discord:
        opened = await discord.member("ada").slash("feedback")
        await discord.advance(seconds=1.5)
        reply = sent_by_hand(discord, opened, title="x", body="four")
        await discord.advance(seconds=1.5)
        assert reply.content == "Thanks!"
        assert not reply.deferred


async def test_a_form_can_be_opened_by_a_button_and_changes_its_message() -> None:
    bot = wisp.Bot()

    @bot.component("open")
    async def open_it(ctx: wisp.ComponentContext) -> None:
        form = await ctx.form(Feedback, title="Another title")
        assert form
        await ctx.edit(f"Now {form.title}")

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond("Then", components=[wisp.row(open_it.bind().button("Open"))])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        shown = await ada.slash("show")
        opened = await ada.click(shown, "Open")
        assert opened.modal
        assert opened.modal["title"] == "Another title"
        await ada.submit(opened, title="x", body="four")
        assert shown.content == "Now x"


async def test_a_form_after_an_answer_or_a_deferral_is_an_error_in_words() -> None:
    bot = wisp.Bot()

    @bot.command
    async def late(ctx: wisp.Context) -> None:
        """Late."""
        await ctx.defer()
        with pytest.raises(wisp.AnswerError, match="must be the first answer, and a deferral was sent"):
            await ctx.form(Feedback)

    async with connect(bot) as discord:
        await discord.member("ada").slash("late")


BOT = """
from typing import TYPE_CHECKING, Annotated

import hikari
import wisp
{imports}

bot = wisp.Bot()

@bot.command
async def ask(ctx: wisp.Context) -> None:
    await ctx.form({form})
"""

FORM = """
from typing import TYPE_CHECKING, Annotated

import hikari
import wisp

class Wrong(wisp.Form):
    {fields}
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Any]]:
    """Write a file and import it. All of them are forgotten after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def load(name: str, source: str) -> Any:
        (tmp_path / f"{name}.py").write_text(source)
        names.append(name)
        return importlib.import_module(name)

    yield load
    for name in names:
        sys.modules.pop(name, None)


def problems_of(bot: wisp.Bot) -> list[wisp.errors.Problem]:
    return [problem for problem in bot.check() if not problem.is_warning]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            'text: Annotated[str, wisp.Option("Your text", max_length=5)]',
            'field "text": the `wisp.Option` in its annotation is for options of commands. Write `wisp.Field',
        ),
        ("age: int", 'form "Wrong": field "age": a form has text inputs only, and this is `int`'),
        (
            "a: str; b: str; c: str; d: str; e: str; f: str",
            'form "Wrong": it has 6 fields, and a form takes 1 to 5',
        ),
        ("pass", 'form "Wrong": it has 0 fields, and a form takes 1 to 5. Add one, like `text: str`'),
        (
            'text: Annotated[str, wisp.Field("x", value="abcdef", max=2)]',
            'form "Wrong": field "text": its value \'abcdef\' is longer than max=2',
        ),
        (
            'text: Annotated[str, wisp.Field("x" * 46)]',
            'form "Wrong": field "text": label: Must be between 1 and 45 in length (got 46 characters). Shorten it',
        ),
        (
            "text: Annotated[str, wisp.Field]",
            'field "text": the `wisp.Field` in its annotation is not called',
        ),
        ('text: "Nowhere"', "its annotations cannot be evaluated (name 'Nowhere' is not defined)"),
        ("who: hikari.User", "this is `User`"),
    ],
)
def test_a_form_that_discord_would_refuse_is_found_before_the_bot_connects(
    load: Callable[[str, str], Any], fields: str, words: str
) -> None:
    load("broken_form", FORM.format(fields=fields))
    bot = load("broken_form_bot", BOT.format(imports="from broken_form import Wrong", form="Wrong")).bot
    (problem,) = problems_of(bot)
    assert words in str(problem)
    assert problem.file
    assert problem.file.endswith("broken_form.py")
    assert problem.line == 7


@pytest.mark.parametrize(
    ("imports", "form"),
    [
        (FORM.format(fields="age: int"), "Wrong"),
        ("import broken_form", "broken_form.Wrong"),
        ("from broken_form import Wrong as Renamed", "Renamed"),
        ("from broken_form import helper", "helper()"),
        ("class Feedback:\n    class Wrong(wisp.Form):\n        age: int", "Feedback.Wrong"),
    ],
)
def test_the_forms_of_a_bot_are_those_of_its_files_and_of_what_they_import(
    load: Callable[[str, str], Any], imports: str, form: str
) -> None:
    load("broken_form", FORM.format(fields="age: int") + "\ndef helper():\n    return Wrong\n")
    bot = load("broken_form_bot", BOT.format(imports=imports, form=form)).bot
    assert 'form "Wrong"' in [problem.where.partition(",")[0] for problem in problems_of(bot)]


def test_a_wrong_form_of_another_bot_is_no_problem(load: Callable[[str, str], Any]) -> None:
    other = load("broken_form", FORM.format(fields="age: int"))
    assert problems_of(form_bot([])) == []
    assert form_problems(other.Wrong)


async def test_a_wrong_form_that_no_check_found_is_an_error_where_it_is_opened(load: Callable[[str, str], Any]) -> None:
    bot = wisp.Bot()
    forms: list[type[wisp.Form]] = [load("broken_form", FORM.format(fields="age: int")).Wrong]

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Ask."""
        await ctx.form(forms[0])

    async with connect(bot) as discord:
        with discord.expects(wisp.AnswerError):
            await discord.member("ada").slash("ask")


@given(
    label=st.text(max_size=60),
    placeholder=st.text(max_size=120),
    value=st.text(max_size=10),
    low=st.none() | st.integers(-1, 4001),
    high=st.none() | st.integers(-1, 4001),
)
def test_every_limit_of_an_input_is_found_from_both_sides(
    label: str, placeholder: str, value: str, low: int | None, high: int | None
) -> None:
    field = wisp.Field(label, placeholder=placeholder, value=value, min=low, max=high)
    made: Any = type("Made", (wisp.Form,), {"__annotations__": {"text": Annotated[str, field]}, "__module__": __name__})
    shown: dict[str, Any] = {
        "type": 4,
        "custom_id": "text",
        "style": 1,
        "label": label or "Text",
        "required": True,
    }
    for name, given_value in (("placeholder", placeholder), ("value", value)):
        if given_value:
            shown[name] = given_value
    for name, bound in (("min_length", low), ("max_length", high)):
        if bound is not None:
            shown[name] = bound
    payload = {"title": "Made", "custom_id": "form", "components": [{"type": 1, "components": [shown]}]}
    is_too_long = bool(value) and high is not None and len(value) > high
    assert len(form_problems(made)) == (len(modal_violations(payload)) or is_too_long)


async def test_fields_are_shown_as_they_are_written_optional_ones_above_required_ones() -> None:
    class Report(wisp.Form):
        title: str = ""
        body: str

    class Middle(Report):
        more: str

    class Longer(Middle):
        name: str | None = None
        last: str

    bot = wisp.Bot()
    got: list[Longer | None] = []

    @bot.command
    async def report(ctx: wisp.Context) -> str:
        """Report."""
        got.append(await ctx.form(Longer))
        return "Thanks!"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        opened = await ada.slash("report")
        assert opened.modal
        inputs = [row["components"][0] for row in opened.modal["components"]]
        assert [(one["label"], one["required"]) for one in inputs] == [
            ("Title", False),
            ("Body", True),
            ("More", True),
            ("Name", False),
            ("Last", True),
        ]
        await ada.submit(opened, body="It broke", more="Often", last="Bye")
    assert got == [Longer(title="", body="It broke", more="Often", name=None, last="Bye")]
