"""Jobs as they are written: what is wrong with one, when cron times come, what data it takes."""

import contextlib
import datetime
import enum
import sys
from typing import Any
from zoneinfo import ZoneInfo

import hikari
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import wisp
from wisp.errors import JobError
from wisp.jobs import Cron, OneShot
from wisp.services.encoding import encode


def problems(bot: wisp.Bot) -> list[str]:
    return [f"{mistake.where}: {mistake.message}. {mistake.fix}" for mistake in bot.check()]


# ---- mistakes ----


async def nothing() -> None: ...


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "every() got no unit. Write every(minutes=5), or seconds=, hours=, days="),
        ({"seconds": 0}, "its interval is 0 s. Give it 0.001 s or more"),
        ({"seconds": -1}, "seconds= is -1. Give it a number"),
        ({"seconds": float("nan")}, "seconds= is nan"),
        ({"seconds": 10**400}, "seconds= is 1000"),
        ({"seconds": float("inf")}, "seconds= is inf"),
        ({"minutes": "5"}, "minutes= is '5'"),
        ({"minutes": True}, "minutes= is True"),
        ({"days": 1e9}, "its interval is 8.64e+13 s. Give it"),
        ({"minutes": 1, "hour": 1}, "every has no setting hour=. Did you mean hours=?"),
        ({"minutes": 1, "missed": "twice"}, 'missed= is \'twice\'. Give it "skip", "once" or "all"'),
        ({"minutes": 1, "overlap": 1}, "overlap= is 1. Give it True or False"),
        ({"minutes": 1, "name": ""}, "its name is ''. Give it a text of 1 to 100 characters"),
        ({"minutes": 1, "name": "x" * 101}, "Give it a text of 1 to 100 characters"),
    ],
)
def test_a_wrong_interval_is_a_mistake_with_its_place(settings: dict[str, Any], words: str) -> None:
    bot = wisp.Bot()
    bot.every(**settings)(nothing)
    assert words in "\n".join(problems(bot))
    assert {(mistake.file, mistake.line) for mistake in bot.check()} == {
        ("tests/test_jobs.py", nothing.__code__.co_firstlineno)
    }


def test_units_add_up() -> None:
    bot = wisp.Bot()
    bot.every(days=1, hours=1, minutes=1, seconds=0.5)(nothing)
    (job,) = bot.jobs
    assert job.next_after(0.0) == 86400 + 3600 + 60 + 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("times", "settings", "words"),
    [
        ("9 o'clock", {}, 'cron() got "9 o\'clock" as its times. Write five fields'),
        ("99 * * * *", {}, 'the times "99 * * * *" never come (Bad minute'),
        ("0 9 * * * *", {}, "cron() got '0 9 * * * *' as its times. Write five fields"),
        ("0 0 30 2 *", {}, 'the times "0 0 30 2 *" never come (Bad day-of-month)'),
        (5, {}, "cron() got 5 as its times"),
        ("0 9 * * *", {"timezone": "Europe/Wien"}, 'there is no time zone "Europe/Wien"'),
        ("0 9 * * *", {"timezone": "Europe/Viena"}, 'Did you mean "Europe/Vienna"?'),
        ("0 9 * * *", {"timezone": "../etc/passwd"}, "there is no time zone"),
        ("0 9 * * *", {"timezone": 2}, "timezone= is 2. Give it a name like"),
    ],
)
def test_wrong_cron_times_are_a_problem(times: Any, settings: dict[str, Any], words: str) -> None:
    bot = wisp.Bot()
    bot.cron(times, **settings)(nothing)
    assert words in "\n".join(problems(bot))


def test_without_cronsim_the_problem_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cronsim", None)
    bot = wisp.Bot()
    bot.cron("0 9 * * *")(nothing)
    bot.cron("0 9 * *", name="short")(nothing)
    missing, short = problems(bot)
    assert missing == "job \"nothing\": cron times need the package cronsim. Install it: pip install 'wisp-lite[cron]'"
    assert "cron() got '0 9 * *' as its times" in short


def test_jobs_that_are_not_async_or_take_what_nobody_gives_are_problems() -> None:
    bot = wisp.Bot()

    def plain() -> Any: ...

    async def greedy(who: str) -> None: ...

    bot.every(minutes=1)(plain)
    bot.every(minutes=1)(greedy)  # type: ignore[arg-type]
    bot.job("plain too")(plain)

    @bot.every(minutes=1)
    async def wrapper(*args: Any, **kwargs: Any) -> None:
        """Take no parameters as well."""

    assert problems(bot) == [
        'job "plain": its function is not async. Write `async def plain(...)`',
        'job "plain too": its function is not async. Write `async def plain(...)`',
        "job \"greedy\": it is called with (), which fails: missing a required argument: 'who'. "
        "Take no parameters: data= is for @bot.job",
    ]


def test_parameters_that_no_data_can_fill_are_problems() -> None:
    bot = wisp.Bot()

    @bot.job("remind")
    async def remind(bare, socket: hikari.GatewayBot, only: int, /, *rest: int, **more: int) -> None:  # type: ignore[no-untyped-def]
        ...

    assert [line.split(": ", 1)[0] for line in problems(bot)] == [
        f'job "remind", parameter "{name}"' for name in ("bare", "socket", "only", "rest", "more")
    ]

    other = wisp.Bot()

    @other.job("two")
    async def two(bare, socket: hikari.GatewayBot) -> None:  # type: ignore[no-untyped-def]
        ...

    first, second = problems(other)
    assert first == 'job "two", parameter "bare": it has no annotation. Add one, for example `bare: str`'
    assert "its annotation `<class 'hikari.impl.gateway_bot.GatewayBot'>` cannot be read from data" in second


def test_decorators_without_parentheses_are_mistakes_and_not_silence() -> None:
    bot = wisp.Bot()
    bot.every(nothing)  # type: ignore[arg-type]
    bot.cron(nothing)  # type: ignore[arg-type]
    bot.job(nothing)  # type: ignore[arg-type]
    told = "\n".join(problems(bot))
    assert "every() got no unit" in told
    assert "cron() got <function nothing" in told
    assert "its name is <function nothing" in told


def test_two_jobs_of_one_name_are_a_problem() -> None:
    bot = wisp.Bot()
    bot.every(minutes=1)(nothing)
    bot.job("nothing")(nothing)
    line = nothing.__code__.co_firstlineno
    assert problems(bot) == [
        f'job "nothing": another job has this name (tests/test_jobs.py:{line}). Give one of them another: name='
    ]


def test_the_function_stays_what_it_is() -> None:
    bot = wisp.Bot()
    assert bot.every(minutes=1)(nothing) is nothing
    assert bot.cron("* * * * *", name="other")(nothing) is nothing
    assert bot.job("third")(nothing) is nothing


# ---- cron times ----

VIENNA = ZoneInfo("Europe/Vienna")


def times(expression: str, start: datetime.datetime, count: int) -> list[str]:
    job = Cron(nothing, expression, {"timezone": start.tzinfo})
    assert job.problems == []
    moment, found = start.timestamp(), []
    for _ in range(count):
        moment = job.next_after(moment)
        found.append(f"{datetime.datetime.fromtimestamp(moment, start.tzinfo):%d %H:%M %z}")
    return found


def test_a_time_that_daylight_saving_leaves_out_comes_after_the_gap() -> None:
    start = datetime.datetime(2026, 3, 28, 12, tzinfo=VIENNA)
    assert times("30 2 * * *", start, 3) == ["29 03:00 +0200", "30 02:30 +0200", "31 02:30 +0200"]
    assert times("0,30 2,3 * * *", start, 3) == ["29 03:00 +0200", "29 03:30 +0200", "30 02:00 +0200"]


def test_a_time_that_comes_twice_is_the_first_of_the_two() -> None:
    start = datetime.datetime(2026, 10, 24, 12, tzinfo=VIENNA)
    assert times("30 2 * * *", start, 2) == ["25 02:30 +0200", "26 02:30 +0100"]
    second_time = datetime.datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=VIENNA)
    assert times("30 2 * * *", second_time, 1) == ["26 02:30 +0100"]


def test_each_hour_runs_through_the_night_of_either_change() -> None:
    spring = datetime.datetime(2026, 3, 29, 0, 30, tzinfo=VIENNA)
    assert times("0 * * * *", spring, 3) == ["29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]
    autumn = datetime.datetime(2026, 10, 25, 1, 30, tzinfo=VIENNA)
    assert times("0 * * * *", autumn, 3) == ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"]


def test_a_time_that_is_far_beyond_the_calendar_never_comes() -> None:
    job = Cron(nothing, "0 0 29 2 *", {})
    assert job.next_after(datetime.datetime(9999, 3, 1, tzinfo=datetime.UTC).timestamp()) == float("inf")


@given(
    st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2060, 1, 1), timezones=st.just(datetime.UTC)),
    st.sampled_from(["* * * * *", "*/7 * * * *", "30 2 * * *", "0 9 * * 1-5", "15 */3 1 * *"]),
    st.sampled_from(["UTC", "Europe/Vienna", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_the_next_time_is_always_later_and_on_a_whole_minute(
    start: datetime.datetime, expression: str, zone: str
) -> None:
    following = Cron(nothing, expression, {"timezone": zone}).next_after(start.timestamp())
    assert start.timestamp() < following
    assert following % 60 == 0


# ---- data ----


class Colour(enum.Enum):
    RED = "red"


class Item(msgspec.Struct):
    name: str
    price: float = 1.0


async def everything(
    user: hikari.Snowflake, when: datetime.datetime, colour: Colour, items: list[Item], note: str | None = "none"
) -> None: ...


def of(function: Any) -> OneShot:
    job = OneShot(function, "it", {}, {})
    assert job.problems == []
    return job


def test_data_arrive_as_annotated() -> None:
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    data = {"user": hikari.Snowflake(2**60), "when": when, "colour": Colour.RED, "items": [Item("tea")]}
    arguments = of(everything).arguments(encode(data))
    assert arguments == {"user": 2**60, "when": when, "colour": Colour.RED, "items": [Item("tea")]}
    assert type(arguments["user"]) is hikari.Snowflake


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, 'job "it": its data do not fit its parameters: Object missing required field `channel_id`'),
        ({"channel_id": 1}, "missing required field `text`"),
        ({"channel_id": "one", "text": "tea"}, "Expected `int`, got `str` - at `$.channel_id`"),
        ({"channel_id": 1, "text": "tea", "txt": ""}, "unknown field `txt`"),
        ({1: 2}, "Expected `str`"),
    ],
)
def test_data_that_do_not_fit_are_refused_in_words(data: Any, words: str) -> None:
    async def remind(channel_id: int, text: str) -> None: ...

    with pytest.raises(JobError) as refused:
        of(remind).arguments(encode(data))
    assert words in str(refused.value)


@given(st.binary(max_size=200))
@example(b"\x81\xa4\x00\x00\x00\x80")  # a name that is no UTF-8
def test_whatever_is_in_the_database_is_data_or_a_job_error(data: bytes) -> None:
    with contextlib.suppress(JobError):
        of(everything).arguments(data)
