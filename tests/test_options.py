"""Options: what a signature becomes, and what a function gets."""

from __future__ import annotations

import asyncio
import datetime
import enum
import itertools
import math
from collections.abc import AsyncGenerator, Callable
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NewType, Protocol, TypeVar, Union

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

import wisp
from wisp.clock import duration_in_words, parse_duration
from wisp.jobs import JobContext
from wisp.testing import Impossible, connect


class Color(enum.Enum):
    DARK_RED = "r"
    GREEN = "g"


class Odd(enum.Enum):
    FIRST = ("a", 1)
    SECOND = ("b", 2)


async def _yielding() -> AsyncGenerator[str]:
    yield "tea"


async def _taking_nothing() -> list[str]:
    return []


class Wordless(str):
    def __str__(self) -> str:
        raise ValueError("no words")


def options_of(bot: wisp.Bot, command: int = 0) -> dict[str, dict[str, Any]]:
    return {option["name"]: option for option in bot.commands[command].payload()["options"]}


def problems_of(bot: wisp.Bot) -> list[str]:
    return [mistake.message for mistake in bot.check() if not mistake.is_warning]


# ---- what Discord is told ----


def test_every_option_type_that_discord_has_comes_from_an_annotation() -> None:
    bot = wisp.Bot()

    @bot.command
    async def everything(
        ctx: wisp.Context,
        text: str,
        whole: int,
        number: float,
        truth: bool,
        user: hikari.User,
        member: hikari.Member,
        role: hikari.Role,
        mentionable: hikari.User | hikari.Role,
        anywhere: hikari.PartialChannel,
        talk: hikari.GuildTextChannel | hikari.GuildVoiceChannel,
        file: hikari.Attachment,
        duration: datetime.timedelta,
    ) -> None: ...

    assert problems_of(bot) == []
    kinds = {name: option["type"] for name, option in options_of(bot).items()}
    assert kinds == {
        "text": 3,
        "whole": 4,
        "number": 10,
        "truth": 5,
        "user": 6,
        "member": 6,
        "role": 8,
        "mentionable": 9,
        "anywhere": 7,
        "talk": 7,
        "file": 11,
        "duration": 3,
    }
    assert "channel_types" not in options_of(bot)["anywhere"]
    assert options_of(bot)["talk"]["channel_types"] == [0, 2]


def test_a_default_or_none_makes_an_option_optional_and_required_ones_go_first() -> None:
    bot = wisp.Bot()

    @bot.command
    async def order(ctx: wisp.Context, maybe: str | None, often: int = 1, *, must: str) -> None: ...

    assert [(name, option["required"]) for name, option in options_of(bot).items()] == [
        ("must", True),
        ("maybe", False),
        ("often", False),
    ]


def test_literals_and_enums_are_choices() -> None:
    bot = wisp.Bot()

    @bot.command
    async def paint(ctx: wisp.Context, size: Literal[1, 2], color: Color, odd: Odd) -> None: ...

    assert [options_of(bot)[name]["choices"] for name in ("size", "color", "odd")] == [
        [{"name": "1", "value": 1}, {"name": "2", "value": 2}],
        [{"name": "Dark red", "value": "r"}, {"name": "Green", "value": "g"}],
        [{"name": "First", "value": "FIRST"}, {"name": "Second", "value": "SECOND"}],
    ]


def test_an_option_says_all_that_discord_can_know() -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        return []

    @bot.command
    async def buy(
        ctx: wisp.Context,
        what: Annotated[str, wisp.Option("The fruit", name="fruit", autocomplete=fruits, max_length=10)],
        many: Annotated[int, wisp.Option("How many", min=1, max=5, name_localizations={hikari.Locale.DE: "anzahl"})],
        size: Annotated[str, wisp.Option("Its size", choices={"Big": "b", "Small": "s"})] = "b",
    ) -> None: ...

    assert problems_of(bot) == []
    assert bot.commands[0].payload()["options"] == [
        {"type": 3, "name": "fruit", "description": "The fruit", "required": True, "max_length": 10}
        | {"autocomplete": True},
        {"type": 4, "name": "many", "description": "How many", "required": True, "min_value": 1, "max_value": 5}
        | {"name_localizations": {"de": "anzahl"}},
        {"type": 3, "name": "size", "description": "Its size", "required": False}
        | {"choices": [{"name": "Big", "value": "b"}, {"name": "Small", "value": "s"}]},
    ]


def test_annotations_that_are_text_are_read_in_nested_functions_too() -> None:
    bot = wisp.Bot()

    def setup() -> None:
        local_limit = 7

        class Mood(enum.Enum):
            GOOD = "good"

        @bot.command
        async def nested(
            ctx: wisp.Context, mood: Mood, n: Annotated[int, wisp.Option("N", max=local_limit)]
        ) -> None: ...

    setup()
    assert problems_of(bot) == []
    assert options_of(bot)["mood"]["choices"] == [{"name": "Good", "value": "good"}]
    assert options_of(bot)["n"]["max_value"] == 7


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (dict, "Discord has no option of type `dict`"),
        (list[str], "Discord has no option of type `list[str]`"),
        (str | int, "Discord has no option of type"),
        (hikari.DMChannel, "Discord has no option of type `DMChannel`"),
        (Literal["a", 1], "its choices are not all str, all int or all float"),
        (Literal[True], "its choices are not all str, all int or all float"),
        (Literal[True, False], "its choices are not all str, all int or all float"),
        (Literal[True, "a"], "its choices are not all str, all int or all float"),
        (Literal[None], "it has no members"),
        (enum.Enum("Nothing", []), "it has no members"),
        (Annotated[str, wisp.Option("x", min=1)], "min= is not for options of Discord's type STRING"),
        (Annotated[int, wisp.Option("x", max_length=1)], "max_length= is not for options of Discord's type INTEGER"),
        (Annotated[bool, wisp.Option("x", choices=["a"])], "choices= is not for options of Discord's type BOOLEAN"),
        (Annotated[int, wisp.Option("x", choices=["a"])], "choices.0.value: Value 'a' is not int"),
        ([str], "Discord has no option of type"),
        (Literal["1", 1], "its choices are not all str"),
        (Annotated[Literal["a"], wisp.Option("x", choices=["c"])], "more than one names choices"),
        (Annotated[str, wisp.Option("x", choices="abc")], "its wisp.Option cannot be read"),
        (Annotated[str, wisp.Option("x", name_localizations=["a"])], "its wisp.Option cannot be read"),  # type: ignore[arg-type]
        (Annotated[str, wisp.Option("x", choices=[None])], "its wisp.Option cannot be read"),  # type: ignore[list-item]
        (Annotated[str, wisp.Option("x", autocomplete=print)], "autocomplete=: its function is not async"),
        (Annotated[str, wisp.Option("x", autocomplete=_yielding)], "its function is not async"),
        (
            Annotated[str, wisp.Option("x", autocomplete=_taking_nothing)],
            "autocomplete=: it is called with (ctx, typed), which fails",
        ),
        (Annotated[str, wisp.Option("x", choices=b"abc")], "its wisp.Option cannot be read"),  # type: ignore[arg-type]
        (Annotated[str, wisp.Option("x", choices=5)], "its wisp.Option cannot be read"),  # type: ignore[arg-type]
        (Annotated[str, wisp.Option("x", choices=[("A", "a"), ("A", "b")])], "Must be unique among the choices"),
        (Annotated[str, wisp.Option("x", choices={"A": "a", "B": "a"})], "Must be unique among the choices"),
        (Annotated[str, wisp.Option("x", choices={"A": "a", " ": "b"})], "choices.1.name: This field is required"),
        (Annotated[str, wisp.Option("x", choices=["a", 1])], "Could not interpret 1 as string"),
        (Annotated[str, wisp.Option("x", choices=[str(one) for one in range(26)])], "Must be 25 or fewer in length"),
        (Annotated[int, wisp.Option("x", choices=itertools.count())], "Must be 25 or fewer in length"),
        (Annotated[int, wisp.Option("x", choices=[True])], "Value True is not int"),
        (Annotated[float, wisp.Option("x", choices=[math.nan])], "Value nan is not float"),
        (Annotated[int, wisp.Option("x", min="1", choices=[1])], "min_value: Value '1' is not float"),
        (Annotated[int, wisp.Option("x", max=datetime.timedelta(1))], "max_value: Value <timedelta> is not float"),
        (Annotated[datetime.timedelta, wisp.Option("x", min=5)], "min=5 is not a duration"),
        (Annotated[datetime.timedelta, wisp.Option("x", max="soon")], "max='soon' is not a duration"),
        (Annotated[datetime.timedelta, wisp.Option("x", min="2d", max="1d")], "min= is longer than 1d"),
        (Annotated[str, wisp.Option], "the `wisp.Option` in its annotation is not called"),
        (Annotated[int, wisp.Option(min=2), wisp.Option("Sides")], "it has 2 `wisp.Option`s"),
        (Annotated[str, wisp.Field("x")], "the `wisp.Field` in its annotation is for inputs of forms"),
        (Annotated[str, wisp.Field] | None, "the `wisp.Field` in its annotation is for inputs of forms"),
        (Annotated[str, wisp.Option("x" * 101)], "Must be between 1 and 100"),
        (Annotated[int, wisp.Option("x", min=5, max=1)], "m"),
        ("Nowhere", "its annotation `Nowhere` cannot be evaluated"),
    ],
)
def test_what_discord_has_nothing_for_is_a_mistake_with_its_place(annotation: Any, problem: str) -> None:
    bot = wisp.Bot()

    async def broken(ctx: wisp.Context, thing: Any) -> None: ...

    broken.__annotations__["thing"] = annotation
    bot.command(broken)
    found = [mistake for mistake in bot.check() if not mistake.is_warning]
    assert len(found) == 1
    assert problem in found[0].message
    assert 'option "thing"' in found[0].where
    assert (found[0].file, found[0].line) == (bot.commands[0].file, broken.__code__.co_firstlineno)


def test_an_option_or_field_where_nothing_reads_it_is_a_problem() -> None:
    bot = wisp.Bot()
    of_option = "the `wisp.Option` in its annotation is for options of commands. Remove it"
    of_field = "the `wisp.Field` in its annotation is for inputs of forms. Remove it"

    @bot.component("c:{x}")
    async def press(ctx: wisp.ComponentContext, x: Annotated[str, wisp.Option("x", max_length=3)]) -> None: ...

    @bot.modal("m:{x}")
    async def send(ctx: wisp.ModalContext, x: Annotated[str, wisp.Field("x")]) -> None: ...

    @bot.job("j")
    async def job(x: Annotated[int, wisp.Option("x")]) -> None: ...

    @bot.user_command
    async def who(ctx: wisp.Context, member: Annotated[hikari.Member, wisp.Option("x")]) -> None: ...

    assert sorted(str(mistake).partition(": ")[2] for mistake in bot.check()) == [
        f'component "c:{{x}}", field {{x}}: {of_option}',
        f'job "j", parameter "x": {of_option}',
        f'modal "m:{{x}}", field {{x}}: {of_field}',
        f'user command "Who": {of_option}',
    ]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Annotated[str, wisp.Option("x", choices=(letter for letter in "ab"))], ["a", "b"]),
        (Annotated[str, wisp.Option("x", choices=iter({"A": "a"}.items()))], ["a"]),  # type: ignore[arg-type]
        (Annotated[str, wisp.Option("x", choices=Color)], ["r", "g"]),
        (Annotated[str, wisp.Option("x", choices={"A": Color.GREEN})], ["g"]),  # type: ignore[dict-item]
    ],
)
def test_choices_can_come_from_anything_that_gives_them_and_are_read_once(annotation: Any, expected: list[str]) -> None:
    bot = wisp.Bot()

    async def first(ctx: wisp.Context, thing: Any) -> None: ...

    async def second(ctx: wisp.Context, thing: Any) -> None: ...

    for number, function in enumerate((first, second)):
        function.__annotations__["thing"] = annotation
        bot.command(function)
        assert [choice["value"] for choice in options_of(bot, number)["thing"]["choices"]] == expected
    assert problems_of(bot) == []


# ---- defaults ----


@pytest.mark.parametrize(
    ("annotation", "default", "problem"),
    [
        ("str", wisp.Option("What"), "`wisp.Option` is its default"),
        ("str", wisp.Option, "`wisp.Option` is its default"),
        (str, wisp.Field("What"), "`wisp.Field` is its default"),
    ],
)
def test_an_option_or_field_as_a_default_is_a_problem(annotation: Any, default: Any, problem: str) -> None:
    bot = wisp.Bot()

    async def broken(ctx: wisp.Context, thing: Any = default) -> None: ...

    broken.__annotations__["thing"] = annotation
    bot.command(broken)
    (mistake,) = [mistake for mistake in bot.check() if not mistake.is_warning]
    assert problem in mistake.message
    assert mistake.line == broken.__code__.co_firstlineno
    assert "wisp." not in problem or "Write `thing: Annotated[str, wisp." in mistake.fix


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        *((annotation, None) for annotation in (int, str, Color, Literal["a"], hikari.Member, datetime.timedelta)),
        *((annotation, hikari.UNDEFINED) for annotation in (int, Literal["a"], hikari.Member)),
        (Annotated[int, wisp.Option("x", min=1)], None),
        (Annotated[str, wisp.Option("x", min_length=2, choices=["ab"])], ""),
        (float, 1),
        (int, hikari.Snowflake(5)),
        (hikari.Member, hikari.Snowflake(5)),
        (str, enum.StrEnum("Word", {"A": "a"}).A),  # type: ignore[attr-defined]
        (Color, Color.GREEN),
        (Literal["a", "b"], "a"),
        (Annotated[str, wisp.Option("x", choices={"Big": "b"})], "b"),
        (Annotated[datetime.timedelta, wisp.Option("x", max="1h")], datetime.timedelta(hours=1)),
        (Annotated[datetime.timedelta, wisp.Option("x", min_length=2)], datetime.timedelta(hours=1)),
        (str, "a" * 6000),
        (int, 2**53 - 1),
    ],
)
def test_a_default_that_can_arrive_or_says_that_nothing_did_is_fine(annotation: Any, default: Any) -> None:
    bot = wisp.Bot()

    async def fine(ctx: wisp.Context, thing: Any = default) -> None: ...

    fine.__annotations__["thing"] = annotation
    bot.command(fine)
    assert problems_of(bot) == []


def test_an_option_or_field_as_a_default_is_a_mistake_in_components_modals_jobs_and_forms_too() -> None:
    bot = wisp.Bot()

    class Note(wisp.Form):
        """A note"""

        text: str = wisp.Field("Text")  # type: ignore[assignment]

    class Number(wisp.Form):
        """A number"""

        text: str = 5  # type: ignore[assignment]

    @bot.component("vote:{poll}")
    async def vote(ctx: wisp.ComponentContext, poll: int = wisp.Option("Poll")) -> None:  # type: ignore[assignment]
        await ctx.form(Note)
        await ctx.form(Number)

    @bot.modal("ask")
    async def ask(ctx: wisp.ModalContext, poll: int = wisp.Option("Poll")) -> None: ...  # type: ignore[assignment]

    @bot.job("brew")
    async def brew(much: int = wisp.Option) -> None: ...  # type: ignore[assignment]

    found = [mistake for mistake in bot.check() if not mistake.is_warning]
    assert [mistake.where for mistake in found] == [
        'form "Note"',
        'form "Number"',
        'component "vote:{poll}", field {poll}',
        'modal "ask", parameter `poll`',
        'job "brew", parameter "much"',
    ]
    assert [mistake.fix for mistake in found][0::2] == [
        "Write `text: Annotated[str, wisp.Field(...)]`",
        "Write `poll: Annotated[int, wisp.Option(...)]`",
        "Write `much: Annotated[int, wisp.Option(...)]`",
    ]


# ---- aliases ----

T = TypeVar("T")

# as `type Drink = Literal["tea", "milk"]` of Python 3.12 makes them
Drink = TypeAliasType("Drink", Literal["tea", "milk"])
Told = TypeAliasType("Told", Annotated[Drink, wisp.Option("Told by an alias")])
Spoken = TypeAliasType("Spoken", Union[hikari.GuildVoiceChannel, hikari.GuildStageChannel])  # noqa: UP007
Who = TypeAliasType("Who", Annotated[hikari.Member, "whom it is about"])
Heard = TypeAliasType("Heard", Union[hikari.GuildMessageCreateEvent, hikari.GuildMessageDeleteEvent])  # noqa: UP007
Line = TypeAliasType("Line", Union[Annotated[str, wisp.Field("A line", multiline=True)], None])  # noqa: UP007
PollId = NewType("PollId", int)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Drink, {"choices": ["tea", "milk"], "required": True}),
        (Told, {"choices": ["tea", "milk"], "description": "Told by an alias"}),
        (Annotated[Drink, wisp.Option("Inside")], {"choices": ["tea", "milk"], "description": "Inside"}),
        (Told | None, {"choices": ["tea", "milk"], "required": False, "description": "Told by an alias"}),
        (Literal["a", None], {"choices": ["a"], "required": False}),
        (Literal["a", "b"] | None, {"choices": ["a", "b"], "required": False}),
        (Drink | Literal["juice"] | None, {"choices": ["tea", "milk", "juice"], "required": False}),
        (Literal[Literal[1, 2], Literal[3]], {"choices": [1, 2, 3], "type": 4}),  # noqa: RUF041
        (Literal[Color.DARK_RED], {"choices": ["r"]}),
        (Spoken | hikari.GuildTextChannel, {"channel_types": [0, 2, 13]}),
        (Annotated[hikari.User, "x"] | Annotated[hikari.Role, "y"], {"type": 9}),
        (PollId, {"type": 4}),
    ],
)
def test_an_alias_a_new_type_and_annotated_mean_what_they_stand_for(annotation: Any, expected: dict[str, Any]) -> None:
    bot = wisp.Bot()

    async def pick(ctx: wisp.Context, what: Any) -> None: ...

    pick.__annotations__["what"] = annotation
    bot.command(pick)
    assert problems_of(bot) == []
    (option,) = options_of(bot).values()
    option["choices"] = [choice["value"] for choice in option.get("choices", ())]
    assert {name: option[name] for name in expected} == expected


async def test_aliases_mean_the_same_in_menus_listeners_components_modals_forms_jobs_and_returns() -> None:
    bot = wisp.Bot(intents="MESSAGE_CONTENT")
    got: list[Any] = []
    heard: set[Any] = set()
    Words = TypeAliasType("Words", Annotated[str, "a reply"])

    class Note(wisp.Form):
        """A note"""

        text: Line

    @bot.user_command
    async def menu(ctx: wisp.Context, who: Who) -> Words:
        got.append(type(who))
        return "menu"

    @bot.listen
    async def listener(event: Heard) -> None:
        heard.add(type(event))

    @bot.listen(Heard)
    async def named(event: Any) -> None: ...

    @bot.component("vote:{poll}:{drink}:{size}")
    async def vote(ctx: wisp.ComponentContext, poll: PollId, drink: Drink, size: Literal[1, 2] | None) -> Words:
        got.append((poll, drink, size))
        return "vote"

    @bot.modal("ask:{drink}")
    async def ask(ctx: wisp.ModalContext, drink: Annotated[Drink, "which"]) -> None: ...

    @bot.job("brew")
    async def brew(drinks: list[Drink], poll: PollId | None = None) -> None:
        got.append((drinks, poll))

    @bot.command
    async def start(ctx: wisp.Context) -> None:
        await ctx.services.get("scheduler").once("brew", delay=1, data={"drinks": ["tea"], "poll": 3})
        button = vote.bind(poll=PollId(7), drink="milk", size=None).button("Vote")
        await ctx.respond("Vote", components=[wisp.row(button)])

    @bot.command
    async def write(ctx: wisp.Context) -> str | None:
        note = await ctx.form(Note)
        return note and f"{note.text}"

    assert problems_of(bot) == []
    assert bot.listeners[1].event_types == (hikari.GuildMessageCreateEvent, hikari.GuildMessageDeleteEvent)
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.menu("Menu", bob)).content == "menu"
        await ada.click(await ada.slash("start"), "Vote")
        await discord.advance(seconds=2)
        opened = await ada.slash("write")
        assert opened.modal is not None
        assert opened.modal["components"][0]["components"][0]["label"] == "A line"
        assert (await ada.submit(opened)).content == "None"
    assert issubclass(got[0], hikari.Member)
    assert got[1:] == [(7, "milk", None), (["tea"], 3)]
    assert heard == {hikari.GuildMessageCreateEvent}


def lazy_alias(value: Callable[[Any], Any]) -> Any:
    """Return what `type Lazy = ...` of Python 3.12 makes: its value is evaluated when it is read."""
    return type("TypeAliasType", (), {"__type_params__": (), "__value__": property(value)})()


@pytest.mark.parametrize("value", ["Nowhere", "str | Nowhere"])
def test_an_alias_that_means_nothing_is_a_mistake_in_each_place(value: str) -> None:
    alias = lazy_alias(lambda alias: eval(value))
    bot = wisp.Bot()

    async def function(ctx: Any, thing: Any) -> None: ...

    async def event(event: Any) -> None: ...

    function.__annotations__["thing"] = event.__annotations__["event"] = alias
    bot.command(function)
    bot.user_command(function)
    bot.component("x:{thing}")(function)
    bot.job("x")(lambda thing: None)
    bot.listen(event)
    bot.listen(alias)(event)
    found = [problem for problem in problems_of(bot) if "name 'Nowhere' is not defined" in problem]
    assert len(found) == 5


def test_an_alias_of_itself_is_a_mistake_and_no_endless_loop() -> None:
    bot = wisp.Bot()

    async def function(ctx: wisp.Context, thing: Any) -> None: ...

    function.__annotations__["thing"] = lazy_alias(lambda alias: dict[str, alias])
    bot.command(function)
    assert "Discord has no option of type" in problems_of(bot)[0]


def test_values_of_a_literal_that_read_alike_in_a_custom_id_are_a_problem() -> None:
    bot = wisp.Bot()

    @bot.component("vote:{choice}")
    async def vote(ctx: wisp.ComponentContext, choice: Literal["1", 1]) -> None: ...

    assert "are the same in a custom id" in problems_of(bot)[0]


@pytest.mark.parametrize("returned", [int, list[str], "int | None", TypeAliasType("Numbers", dict[str, int])])
def test_a_return_annotation_that_is_no_reply_is_found_behind_aliases_and_unions(returned: Any) -> None:
    bot = wisp.Bot()

    async def count(ctx: wisp.Context) -> None: ...

    count.__annotations__["return"] = returned
    bot.command(count)
    assert "and a reply is a text or an embed" in problems_of(bot)[0]


# ---- what arrives ----


async def test_each_value_arrives_as_what_it_is_annotated_with() -> None:
    bot = wisp.Bot()
    got: dict[str, Any] = {}

    @bot.command
    async def everything(
        ctx: wisp.Context,
        text: str,
        whole: int,
        number: float,
        truth: bool,
        user: hikari.User,
        member: hikari.Member,
        duration: datetime.timedelta,
        color: Color,
        odd: Odd,
        channel: hikari.PartialChannel,
        text_channel: hikari.GuildTextChannel,
        anybody: hikari.User | hikari.Role,
        left_out: str | None,
        default: int = 4,
    ) -> None:
        got.update(locals())

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        general = discord.channel("general")
        await ada.slash(
            "everything",
            text="a",
            whole=2**53 - 1,
            number=3,
            truth=True,
            user=bob,
            member=bob,
            duration="1d2h3m4s",
            color="Dark red",
            odd="Second",
            channel=general,
            text_channel=general,
            anybody=bob,
        )
    assert (got["text"], got["whole"], got["truth"], got["left_out"], got["default"]) == ("a", 2**53 - 1, True, None, 4)
    assert (type(got["number"]), got["number"]) == (float, 3.0)
    assert isinstance(got["user"], hikari.User)
    assert isinstance(got["member"], hikari.Member)
    assert got["member"].username == "bob"
    assert got["duration"] == datetime.timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert (got["color"], got["odd"]) == (Color.DARK_RED, Odd.SECOND)
    assert got["channel"].name == "general"
    assert isinstance(got["text_channel"], hikari.GuildTextChannel)
    assert got["anybody"].id == got["user"].id


async def test_a_member_who_is_not_in_the_guild_is_refused_in_words() -> None:
    bot = wisp.Bot()

    @bot.command
    async def greet(ctx: wisp.Context, user: hikari.Member) -> str:
        return "greeted"

    async with connect(bot) as discord:
        stranger = discord.world.users.add("stranger")
        reply = await discord.member("ada").slash("greet", user=stranger)
        assert reply.content == f"<@{stranger.id}> is not a member of this server."
        assert reply.ephemeral


async def test_a_duration_that_is_none_is_refused_in_words() -> None:
    bot = wisp.Bot()

    @bot.command
    async def remind(ctx: wisp.Context, after: datetime.timedelta) -> str:
        return f"{after.total_seconds():.0f}"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("remind", after="90m")).content == "5400"
        refused = await ada.slash("remind", after="soon")
        assert refused.content == "“soon” is not a duration. Write it like 1h30m, 45s or 2d."
        assert refused.ephemeral


async def test_a_duration_is_read_as_people_write_it_and_held_to_its_bounds() -> None:
    bot = wisp.Bot()
    bounds = wisp.Option("When", min="10s", max=datetime.timedelta(days=1))

    @bot.command
    async def remind(ctx: wisp.Context, after: datetime.timedelta) -> str:
        return f"{after.total_seconds():g}"

    @bot.command
    async def soon(ctx: wisp.Context, after: Annotated[datetime.timedelta, bounds]) -> str:
        return f"{after.total_seconds():g}"

    @bot.command
    async def far(ctx: wisp.Context, after: Annotated[datetime.timedelta, wisp.Option("x", max="9000w")]) -> str:
        return f"{after.days}"

    assert problems_of(bot) == []
    assert options_of(bot, 1)["after"].keys() == {"type", "name", "description", "required"}
    read = {"1 hour": "3600", "2 hours 30 minutes": "9000", "1h30m": "5400", "1.5h": "5400", "30 min and 1 h": "5400"}
    no_duration = ["90", "-5m", " ", "\N{ARABIC-INDIC DIGIT ONE}h", "1h1h", "1 fortnight"]
    too_long = ["6000w", "9" * 5000 + "w", "999999999999d"]
    async with connect(bot) as discord:
        ada = discord.member("ada")
        for written, seconds in read.items():
            assert (await ada.slash("remind", after=written)).content == seconds
        for written in no_duration:
            refused = (await ada.slash("remind", after=written)).content
            assert refused == f"“{written.strip()}” is not a duration. Write it like 1h30m, 45s or 2d."
        for written in too_long:
            refused = (await ada.slash("remind", after=written)).content
            assert refused.endswith("is too long: about a hundred years or less is possible.")
        assert (await ada.slash("far", after="6000w")).content == "42000"
        assert (await ada.slash("soon", after="10s")).content == "10"
        assert (await ada.slash("soon", after="5s")).content == "“5s” is too short: 10s or more is possible."
        assert (await ada.slash("soon", after="2d")).content == "“2d” is too long: 1d or less is possible."


async def test_threads_arrive_as_the_channels_that_they_are() -> None:
    bot = wisp.Bot()

    @bot.command
    async def archive(ctx: wisp.Context, thread: hikari.GuildThreadChannel) -> str:
        return f"{type(thread).__name__} {thread.name}"

    @bot.command
    async def anywhere(ctx: wisp.Context, place: hikari.PartialChannel) -> str:
        return f"{place.name}"

    @bot.command
    async def private(ctx: wisp.Context, place: hikari.GuildPrivateThread) -> str:
        return f"{type(place).__name__} {place.name}"

    @bot.component("choose")
    async def choose(ctx: wisp.ComponentContext) -> str:
        return f"{ctx.selected[0]}"

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        await ctx.respond("Where?", components=[wisp.row(choose.bind().channel_select())])

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        plans = (await ada.start_thread("Game plans", await ada.say("let us plan"))).channel
        hidden = (await ada.start_thread("Surprise", private=True)).channel
        news = discord.world.channels.add(discord.guild("Sandbox"), "news", kind=5)
        said = await ada.at(news).say("news")
        told = (await ada.at(news).start_thread("Details", said)).channel
        forum = discord.world.channels.add(discord.guild("Sandbox"), "questions", kind=15)
        post = discord.world.threads.start(forum, "How?", ada.user)
        assert discord.channel("Game plans") is plans
        assert (await ada.slash("archive", thread=plans)).content == "GuildPublicThread Game plans"
        assert (await ada.slash("archive", thread=told)).content == "GuildNewsThread Details"
        assert (await ada.slash("archive", thread=post)).content == "GuildPublicThread How?"
        assert (await ada.slash("private", place=hidden)).content == "GuildPrivateThread Surprise"
        assert (await ada.slash("anywhere", place=plans)).content == "Game plans"
        with pytest.raises(Impossible, match="got the public thread channel #Game plans"):
            await ada.slash("private", place=plans)
        with pytest.raises(Impossible, match="expected a channel that bob sees, got the private thread"):
            await bob.slash("private", place=hidden)
        reply = await ada.slash("ask")
        assert (await ada.select(reply, plans)).content == "Game plans"


async def test_what_is_gone_when_the_call_arrives_is_refused_in_words() -> None:
    bot = wisp.Bot()

    @bot.command
    async def show(ctx: wisp.Context, role: hikari.Role, where: hikari.GuildTextChannel, user: hikari.User) -> None: ...

    async with connect(bot) as discord:
        for guild_id in (discord.guild("Sandbox").id, 6, None):  # the bot is in none of the others
            call: Any = SimpleNamespace(bot=bot, guild_id=guild_id, interaction=SimpleNamespace(resolved=None))
            for parameter in bot.commands[0].parameters:
                with pytest.raises(wisp.UserError, match=r"I cannot find|I cannot see"):
                    await parameter.read(call, hikari.Snowflake(5))


def test_a_value_that_only_an_older_version_of_the_command_allows_is_refused() -> None:
    bot = wisp.Bot()

    @bot.command
    async def order(
        ctx: wisp.Context,
        drink: Literal["tea"],
        many: Annotated[int, wisp.Option("x", min=1, max=9)],
        note: Annotated[str, wisp.Option("x", max_length=3)],
    ) -> None: ...

    call: Any = None
    drink, many, note = bot.commands[0].parameters
    assert (drink.read(call, "tea"), many.read(call, 9), note.read(call, "abc")) == ("tea", 9, "abc")
    for option, value, refusal in (
        (drink, "milk", "That is not one of the choices."),
        (many, 0, "That is less than 1."),
        (note, "abcd", "That is more than 3 characters."),
    ):
        with pytest.raises(wisp.UserError, match=refusal):
            option.read(call, value)


async def test_an_option_whose_type_has_changed_is_refused_in_words() -> None:
    bot = wisp.Bot()

    @bot.command
    async def order(ctx: wisp.Context, many: int) -> None: ...

    sent = SimpleNamespace(name="many", type=hikari.OptionType.STRING, value="three")
    call: Any = SimpleNamespace(options=[sent])
    with pytest.raises(wisp.UserError, match="This command has changed"):
        await order.arguments(call)


async def test_autocomplete_gets_what_was_typed_and_chosen_and_offers_at_most_25() -> None:
    bot = wisp.Bot()
    asked: list[tuple[str, dict[str, Any]]] = []

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        asked.append((typed, ctx.options))
        return ["x" * 101, *(f"{typed}{number}" for number in range(40))]

    @bot.command
    async def buy(
        ctx: wisp.Context, many: int, what: Annotated[str, wisp.Option("What", autocomplete=fruits)]
    ) -> None: ...

    async with connect(bot) as discord:
        offered = await discord.member("ada").autocomplete("buy", "what", "ap", {"many": 3})
    assert asked == [("ap", {"many": 3})]
    assert [choice["value"] for choice in offered] == [f"ap{number}" for number in range(25)]


@pytest.mark.parametrize("error", [ValueError, TimeoutError])
async def test_autocomplete_that_fails_offers_nothing_and_is_reported(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        raise error("no fruit")

    @bot.command
    async def buy(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=fruits)]) -> None: ...

    async with connect(bot) as discord:
        with discord.expects(error):
            assert await discord.member("ada").autocomplete("buy", "what", "ap") == []
    assert "took more than" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "offered", "expected"),
    [
        (str, None, []),
        (str, [object(), "a"], ["a"]),
        (str, ["a", 2, True, None, "", "   ", "x" * 101, {"b": "b"}, "b"], ["a", "b"]),
        (str, ["tea", "tea", "milk"], ["tea", "milk"]),
        (str, {"Tea": "t", "The same": "t", "x" * 101: "x", "Milk": "m"}, ["t", "m"]),
        (str, [Wordless("a"), "b"], ["b"]),
        (str, [hikari.CommandChoice(name="A", value="a"), hikari.CommandChoice(name=" ", value="b")], ["a"]),
        (str, [("Shown", "sent"), Color.GREEN, ("a", "b", "c")], ["sent", "g"]),
        (str, {"Shown": "sent"}.items(), ["sent"]),
        (str, ("a", "b"), ["a", "b"]),
        (str, map(str, itertools.count()), [str(number) for number in range(25)]),
        (str, [str(number) for number in range(26)], [str(number) for number in range(25)]),
        (int, {"one": 1, "id": 2**60, "text": "2", "half": 0.5, "yes": True}, [1]),
        (float, {"one": 1, "nan": math.nan, "much": math.inf, "two": 2.0}, [1, 2.0]),
        (datetime.timedelta, ["1h", 5], ["1h"]),
    ],
)
async def test_autocomplete_leaves_out_what_discord_would_refuse(
    kind: Any, offered: Any, expected: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> Any:
        return offered

    @bot.command
    async def buy(ctx: wisp.Context, what: Annotated[kind, wisp.Option("What", autocomplete=fruits)]) -> None: ...

    async with connect(bot) as discord:
        choices = await discord.member("ada").autocomplete("buy", "what", "1")
    assert [choice["value"] for choice in choices] == expected


@pytest.mark.parametrize(
    ("kind", "bounds", "offered", "expected"),
    [
        (int, {"min": 1, "max": 10}, [0, 1, 10, 11], [1, 10]),
        (float, {"max": 1.5}, [1.5, 2], [1.5]),
        (str, {"min_length": 2, "max_length": 3}, ["a", "ab", "abcd"], ["ab"]),
        (datetime.timedelta, {"min": "1m", "max": "1h"}, ["1s", "5m", "soon", "2h"], ["5m"]),
    ],
)
async def test_autocomplete_leaves_out_what_the_option_refuses(
    kind: Any, bounds: Any, offered: Any, expected: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> Any:
        return offered

    @bot.command
    async def buy(
        ctx: wisp.Context, what: Annotated[kind, wisp.Option("What", autocomplete=fruits, **bounds)]
    ) -> None: ...

    async with connect(bot) as discord:
        choices = await discord.member("ada").autocomplete("buy", "what", "1")
    assert [choice["value"] for choice in choices] == expected
    assert "a suggestion is left out" in caplog.text


async def test_autocomplete_logs_the_first_suggestion_that_is_left_out_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        return ["tea", "bad\nline" * 20, " "]

    @bot.command
    async def buy(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=fruits)]) -> None: ...

    async with connect(bot) as discord:
        for typed in "ab":
            assert len(await discord.member("ada").autocomplete("buy", "what", typed)) == 1
    (warning,) = [record.getMessage() for record in caplog.records if record.name == "wisp.autocomplete"]
    assert warning.startswith('autocomplete of "what" in /buy: a suggestion is left out, \'bad\\nline')
    assert "name: Must be between 1 and 100 in length." in warning


@pytest.mark.parametrize("offered", ["tea", b"tea", 5, _yielding()])
async def test_autocomplete_that_gives_no_list_is_reported_and_offers_nothing(offered: Any) -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> Any:
        return offered

    @bot.command
    async def buy(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=fruits)]) -> None: ...

    async with connect(bot) as discord:
        with discord.expects(TypeError):
            assert await discord.member("ada").autocomplete("buy", "what", "a") == []


async def test_autocomplete_without_end_of_what_does_not_fit_offers_nothing() -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> Any:
        return ("x" * 101 for _ in itertools.count())

    @bot.command
    async def buy(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=fruits)]) -> None: ...

    async with connect(bot) as discord:
        assert await discord.member("ada").autocomplete("buy", "what", "a") == []


async def test_autocomplete_that_will_not_end_offers_nothing_in_time(caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)  # it refuses
        return ["late"]

    @bot.command
    async def buy(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=fruits)]) -> None: ...

    async with connect(bot) as discord:
        asking = asyncio.create_task(discord.member("ada").autocomplete("buy", "what", "a"))
        await asyncio.sleep(0)
        await discord.advance(seconds=2.9)
        assert await asking == []
        (asked,) = discord.world.interactions.values()
        assert asked.answered
        assert 'autocomplete of "what" in /buy took more than 2.5 s: nothing is suggested' in caplog.text
        await discord.advance(minutes=2)


@pytest.mark.parametrize(
    ("settings", "problem", "fix"),
    [
        ({"ephemral": True}, "no setting ephemral=", "Did you mean ephemeral=?"),
        ({"default_member_permissions": hikari.Permissions.NONE}, "no setting default_member", "permissions="),
        ({"permissions": "ADMINISTRATOR"}, "permissions= is 'ADMINISTRATOR'", "hikari.Permissions"),
        ({"guilds": []}, "guilds= is []", "leave it out for all guilds"),
        ({"guilds": "123"}, "guilds= is '123'", "ids"),
        ({"guilds": 123}, "guilds= is 123", "ids"),
        ({"contexts": []}, "contexts= is []", "non-empty list"),
        ({"name_localizations": ["a"]}, "name_localizations= is ['a']", "mapping"),
        ({"ephemeral": "yes"}, "ephemeral= is 'yes'", "True or False"),
    ],
)
def test_a_wrong_setting_of_a_command_is_never_passed_over(settings: Any, problem: str, fix: str) -> None:
    bot = wisp.Bot()

    @bot.command(**settings)
    async def wipe(ctx: wisp.Context) -> None:
        """Wipe."""

    (mistake,) = bot.check()
    assert problem in mistake.message
    assert fix in mistake.fix


def test_a_forgotten_context_is_found() -> None:
    bot = wisp.Bot()

    @bot.command
    async def add(a: int, b: int) -> None: ...  # type: ignore[arg-type]

    assert "its first parameter is annotated as `int`, and it gets a `wisp.Context`" in problems_of(bot)[0]


class Named(Protocol):
    name: str


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("command", wisp.Context),
        ("user_command", wisp.Context),
        ("component", wisp.ComponentContext),
        ("modal", wisp.ModalContext),
    ],
)
def test_a_context_of_another_kind_is_found_with_the_right_one(kind: str, right: Any) -> None:
    def problems(annotation: Any) -> list[tuple[str, str]]:
        bot = wisp.Bot()

        async def function(ctx: Any, second: str = "") -> None: ...

        async def menu(ctx: Any, user: hikari.User) -> None: ...

        function.__annotations__["ctx"] = menu.__annotations__["ctx"] = annotation
        if kind in ("component", "modal"):
            getattr(bot, kind)("x")(function)
        else:
            getattr(bot, kind)(menu if kind == "user_command" else function)
        return [(mistake.message, mistake.fix) for mistake in bot.check() if not mistake.is_warning]

    classes = {wisp.Context, wisp.ComponentContext, wisp.ModalContext, wisp.AutocompleteContext} - {right}
    wrong = [*classes, wisp.ModuleContext, JobContext, hikari.Event, hikari.CommandInteraction, wisp.Event]
    wrong += [Annotated[cls, "x"] for cls in classes] + [TypeAliasType("Alias", next(iter(classes)))]
    for annotation in wrong:
        ((problem, fix),) = problems(annotation)
        assert f"and it gets a `wisp.{right.__name__}`" in problem
        assert fix == f"Write `ctx: wisp.{right.__name__}`"
    special = type("Special", (right,), {})
    for annotation in (right, Any, object, right | wisp.Event, right | None, Named, special, "Nowhere", T):
        assert problems(annotation) == []
    assert problems(wisp.InteractionContext) == problems(wisp.InteractionContext[Any]) == []


def test_handlers_that_are_not_async_are_found() -> None:
    bot = wisp.Bot()

    @bot.command
    async def fine(ctx: wisp.Context) -> None: ...

    @fine.on_error  # type: ignore[arg-type]
    def of_command(ctx: Any, error: Any) -> bool:
        return True

    @bot.on_error  # type: ignore[arg-type]
    def of_bot(ctx: Any, error: Any) -> bool:
        return True

    @bot.on_start  # type: ignore[arg-type]
    def prepare() -> None: ...

    wheres = [mistake.where for mistake in bot.check() if not mistake.is_warning]
    assert wheres == ['error handler "of_command"', 'error handler "of_bot"', 'on_start "prepare"']


# ---- properties ----

_PART = st.integers(min_value=0, max_value=10_000)


@given(_PART, _PART, _PART, _PART, _PART)
def test_any_duration_that_is_written_is_read(weeks: int, days: int, hours: int, minutes: int, seconds: int) -> None:
    written = f"{weeks}w{days}d {hours}h{minutes}m{seconds}s"
    assert parse_duration(written) == datetime.timedelta(
        weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds
    )


@given(st.timedeltas(min_value=datetime.timedelta()))
def test_any_duration_that_is_shown_is_read_again(duration: datetime.timedelta) -> None:
    assert parse_duration(duration_in_words(duration)) == duration


@given(st.text())
def test_any_other_text_is_no_duration_and_never_an_exception(text: str) -> None:
    assert isinstance(parse_duration(text), datetime.timedelta | None)


_ANNOTATIONS = st.sampled_from(
    [
        *(str, int, float, bool, datetime.timedelta, hikari.User, hikari.Member, hikari.Role, hikari.Attachment),
        *(hikari.PartialChannel, hikari.GuildTextChannel, Color, Odd, Literal["a", "b"], Literal[1], dict),
        *("Nowhere", None),
    ]
)


@given(st.lists(st.tuples(_ANNOTATIONS, st.booleans(), st.booleans()), max_size=30))
def test_any_signature_becomes_options_or_mistakes_and_never_an_exception(
    parameters: list[tuple[Any, bool, bool]],
) -> None:
    bot = wisp.Bot()
    listed = ", ".join(f"p{index}=None" if default else f"p{index}" for index, (_, _, default) in enumerate(parameters))
    names: dict[str, Any] = {}
    exec(f"async def made(ctx, *, {listed}): ..." if listed else "async def made(ctx): ...", names)
    for index, (annotation, optional, _) in enumerate(parameters):
        combinable = optional and not isinstance(annotation, str) and annotation is not None
        names["made"].__annotations__[f"p{index}"] = annotation | None if combinable else annotation
    bot.command(names["made"])
    mistakes = [mistake for mistake in bot.check() if not mistake.is_warning]
    unusable = [annotation for annotation, _, _ in parameters if annotation in (dict, "Nowhere", None)]
    expected = len(unusable) + (len(parameters) - len(unusable) > 25)
    assert len(mistakes) == expected
    required = [option["required"] for option in bot.commands[0].payload()["options"]]
    assert required == sorted(required, reverse=True)
