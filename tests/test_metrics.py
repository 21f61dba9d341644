"""Metrics: counts, durations and states by name and labels, bounded, and as Prometheus reads them."""

import asyncio
import inspect
import logging
import math
import tracemalloc
from datetime import timedelta
from typing import Annotated, Any, get_type_hints

import hikari
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import wisp
from wisp.clock import Clock
from wisp.local.runner import on_sandbox
from wisp.services.metrics import LONGEST_TEXT, MetricsService, Timing
from wisp.testing import connect

Sample = tuple[str, tuple[tuple[str, str], ...]]


def parsed(text: str) -> dict[Sample, float]:
    """What Prometheus reads, each sample once."""
    found: dict[Sample, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"{key} stands there twice"
            found[key] = sample.value
    return found


# ---- counting ----


def test_a_counter_counts() -> None:
    metrics = MetricsService()
    metrics.increment("commands.executed")
    metrics.increment("commands.executed", 2)
    metrics.increment("bytes", 0.5)
    assert metrics.snapshot().counters == {"commands.executed": 3, "bytes": 0.5}


@pytest.mark.parametrize("value", [-1, -0.5, math.nan])
def test_a_counter_only_goes_up(value: float) -> None:
    metrics = MetricsService()
    with pytest.raises(ValueError, match=r'counter "players": expected 0 or more, got .* a gauge'):
        metrics.increment("players", value)
    assert metrics.snapshot().counters == {}


def test_a_gauge_is_what_it_was_set_to_last() -> None:
    metrics = MetricsService()
    for value in (7, -3.5):
        metrics.gauge("players", value)
    assert metrics.snapshot().gauges == {"players": -3.5}


def test_a_timing_knows_how_many_there_were_how_long_they_took_and_how_long_most_take() -> None:
    metrics = MetricsService()
    for number in range(1, 101):
        metrics.timing("work", number / 100)
    timing = metrics.snapshot().timings["work"]
    assert (timing.count, timing.median, timing.p95, timing.p99) == (100, 0.5, 0.95, 0.99)
    assert (timing.total, timing.mean) == (pytest.approx(50.5), pytest.approx(0.505))


def test_quantiles_are_of_the_latest_durations_count_and_total_of_all() -> None:
    metrics = MetricsService()
    for _ in range(10_000):
        metrics.timing("work", 1.0)
    for _ in range(256):
        metrics.timing("work", 0.25)
    timing = metrics.snapshot().timings["work"]
    assert timing == Timing(10_256, 10_064.0, 0.25, 0.25, 0.25)
    assert Timing(0, 0.0, math.nan, math.nan, math.nan).mean == 0


def test_a_negative_duration_counts_as_0_and_one_of_a_wrong_type_is_not_recorded() -> None:
    metrics = MetricsService()
    metrics.timing("work", -5.0)
    metrics.timing("work", math.nan)
    for wrong in (None, "1", timedelta(seconds=1)):
        with pytest.raises(TypeError):
            metrics.timing("work", wrong)  # type: ignore[arg-type]
    assert metrics.snapshot().timings["work"] == Timing(2, 0, 0, 0, 0)


def test_durations_of_any_size_and_kind_stay_readable() -> None:
    metrics = MetricsService()
    for _ in range(100):
        for seconds in (1e308, 5, math.inf):
            metrics.timing("work", seconds)
    timing = metrics.snapshot().timings["work"]
    assert (timing.count, timing.total) == (300, math.inf)
    assert parsed(metrics.prometheus())["work_seconds_sum", ()] == math.inf


# ---- labels ----


def test_labels_tell_series_apart_whatever_their_order() -> None:
    metrics = MetricsService()
    metrics.increment("calls", labels={"command": "/greet", "shard": 0})
    metrics.increment("calls", labels={"shard": 0, "command": "/greet"})
    metrics.increment("calls", labels={"shard": hikari.Snowflake(0), "command": "/greet"})
    metrics.increment("calls", labels={"command": "/greet", "shard": 1})
    metrics.increment("calls", labels={})
    metrics.increment("calls")
    assert metrics.snapshot().counters == {
        'calls{command="/greet",shard="0"}': 3,
        'calls{command="/greet",shard="1"}': 1,
        "calls": 2,
    }


def test_values_of_labels_are_anything() -> None:
    metrics = MetricsService()
    for value in (None, True, [1], "x" * 10_000, "\ud800"):
        metrics.increment("calls", labels={"of": value})
    cut = "x" * LONGEST_TEXT
    found = [key.removeprefix('calls{of="').removesuffix('"}') for key in metrics.snapshot().counters]
    assert found == ["None", "True", "[1]", cut, "?"]


class Changing:
    """Something whose text changes while it stays the same."""

    text = "one"

    def __str__(self) -> str:
        return self.text


def test_a_value_that_changes_is_counted_as_what_it_is_now() -> None:
    metrics = MetricsService()
    value = Changing()
    metrics.increment("calls", labels={"of": value})
    value.text = "two"
    metrics.increment("calls", labels={"of": value})
    assert metrics.snapshot().counters == {'calls{of="one"}': 1, 'calls{of="two"}': 1}


def test_labels_that_explode_end_in_one_series_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    metrics = MetricsService(max_series=3)
    for number in range(1000):
        for _ in range(2):
            metrics.increment("calls", labels={"user": number, "command": "/greet"})
            metrics.timing("work", 0.5, labels={"user": number})
    metrics.increment("calls")
    snapshot = metrics.snapshot()
    assert snapshot.counters == {
        **{f'calls{{command="/greet",user="{number}"}}': 2 for number in range(3)},
        'calls{command="other",user="other"}': 2 * 997,
        "calls": 1,
    }
    assert snapshot.timings['work{user="other"}'].count == 2 * 997
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert 'the labels of counter "calls" are too many' in caplog.text


def test_labels_whose_names_explode_end_there_too_and_the_eleventh_label_is_ignored() -> None:
    metrics = MetricsService(max_series=3)
    for number in range(100):
        metrics.increment("calls", labels={f"user {number}": 1})
    metrics.increment("work", labels=dict.fromkeys("abcdefghijk", 1))
    ten = ",".join(f'{label}="1"' for label in "abcdefghij")
    assert metrics.snapshot().counters == {
        **{f'calls{{user_{number}="1"}}': 1 for number in range(3)},
        'calls{user_0="other"}': 97,
        f"work{{{ten}}}": 1,
    }


def test_names_that_explode_end_in_one_name(caplog: pytest.LogCaptureFixture) -> None:
    metrics = MetricsService(max_series=2)
    for number in range(1000):
        metrics.increment(f"calls.{number}")
        metrics.gauge(f"players.{number}", number, {"of": number})
    snapshot = metrics.snapshot()
    assert len(snapshot.counters) == len(snapshot.gauges) == 20 + 1
    assert snapshot.counters["other"] == 980
    assert snapshot.gauges['other{of="other"}'] == 999
    assert sum("too many metrics" in record.getMessage() for record in caplog.records) == 2


def count_everything(metrics: MetricsService, first: int, last: int) -> None:
    for number in range(first, last):
        text = f"{number}" * 50
        metrics.increment(text)
        metrics.increment("calls", labels={text: text})
        metrics.increment("calls", labels={"a": number, "b": [number]})
        metrics.increment("permuted", labels=dict.fromkeys(["a", "b"][:: (-1) ** number], float(number % 2)))
        metrics.timing("work", number, labels={"user": text})


def test_memory_is_bounded_whatever_is_counted() -> None:
    metrics = MetricsService(max_series=5)
    count_everything(metrics, 0, 3000)
    tracemalloc.start()
    try:
        count_everything(metrics, 3000, 6000)
        peak, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    with pytest.raises(ValueError, match="max_series: expected 1 or more, got 0"):
        MetricsService(max_series=0)


# ---- timed ----


async def test_timed_times_blocks_and_calls_async_or_not_by_the_bots_clock() -> None:
    clock = Clock()
    metrics = MetricsService(clock=clock)

    @metrics.timed("plain", {"of": "call"})
    def plain(by: int) -> int:
        clock.offset += by
        return by

    @metrics.timed("awaited")
    async def awaited(by: float) -> str:
        """Wait."""
        await asyncio.sleep(0)
        clock.offset += by
        return "done"

    with metrics.timed("block"):
        clock.offset += 3600
    assert plain(7200) == 7200
    assert await asyncio.gather(awaited(10), awaited(10)) == ["done", "done"]
    timings = metrics.snapshot().timings
    assert round(timings["block"].total) == 3600
    assert round(timings['plain{of="call"}'].total) == 7200
    assert (timings["awaited"].count, round(timings["awaited"].total)) == (2, 30)
    assert inspect.iscoroutinefunction(awaited)
    assert (awaited.__name__, awaited.__doc__, get_type_hints(awaited)) == (
        "awaited",
        "Wait.",
        {"by": float, "return": str},
    )


def test_a_label_says_what_it_was_given_and_true_is_not_one() -> None:
    metrics = MetricsService()
    for value in (1, True, 1.0, True, 1):
        metrics.increment("x", labels={"ok": value})
    assert metrics.snapshot().counters == {'x{ok="1"}': 2, 'x{ok="True"}': 2, 'x{ok="1.0"}': 1}


def test_what_raises_is_timed_too() -> None:
    metrics = MetricsService()
    with pytest.raises(KeyError), metrics.timed("block"):
        raise KeyError
    assert metrics.snapshot().timings["block"].count == 1


def test_one_timed_is_for_one_block_at_a_time() -> None:
    metrics = MetricsService()
    timed = metrics.timed("block")
    with timed, pytest.raises(RuntimeError, match="already timing a block"), timed:
        pass
    with timed:
        pass
    assert metrics.snapshot().timings["block"].count == 2


# ---- Prometheus ----


def test_prometheus_text() -> None:
    metrics = MetricsService()
    metrics.increment("commands.executed", 3)
    metrics.increment("calls", labels={"command": 'say "hi"\n\\o/'})
    metrics.gauge("players", 2.5)
    metrics.timing("command.duration", 0.25)
    metrics.timing("command.duration", 0.75)
    assert metrics.prometheus() == (
        "# TYPE calls_total counter\n"
        'calls_total{command="say \\"hi\\"\\n\\\\o/"} 1\n'
        "# TYPE commands_executed_total counter\n"
        "commands_executed_total 3\n"
        "# TYPE players gauge\n"
        "players 2.5\n"
        "# TYPE command_duration_seconds summary\n"
        'command_duration_seconds{quantile="0.5"} 0.25\n'
        'command_duration_seconds{quantile="0.95"} 0.75\n'
        'command_duration_seconds{quantile="0.99"} 0.75\n'
        "command_duration_seconds_sum 1\n"
        "command_duration_seconds_count 2\n"
    )
    assert MetricsService().prometheus() == ""


def test_names_that_look_the_same_to_prometheus_are_one_and_other_letters_stay_apart() -> None:
    metrics = MetricsService()
    metrics.increment("a.b")
    metrics.increment("a_b", 2)
    metrics.increment("a-b_total", 3)
    metrics.increment("日")
    metrics.increment("月", 6)
    assert metrics.snapshot().counters == {"a.b": 6, "日": 1, "月": 6}
    assert parsed(metrics.prometheus()) == {
        ("a_b_total", ()): 6,
        ("_65e5__total", ()): 1,
        ("_6708__total", ()): 6,
    }


texts = st.text(max_size=8) | st.sampled_from(
    ["", "le", "quantile", "__name__", "1", "a.b", "a_b", "\ud800", "\n", '"']
)
calls = st.lists(
    st.tuples(
        st.sampled_from(["increment", "timing", "gauge"]),
        texts,
        st.floats(min_value=0) | st.integers(min_value=0),
        st.none() | st.dictionaries(texts, texts | st.integers() | st.none(), max_size=3),
    ),
    max_size=30,
)


@given(calls)
@settings(deadline=None)
def test_whatever_is_counted_prometheus_reads_all_of_it(made: list[tuple[str, str, float, Any]]) -> None:
    metrics = MetricsService(max_series=4)
    for call, name, value, labels in made:
        getattr(metrics, call)(name, value if call != "gauge" else min(value, 1e300), labels)
    text = metrics.prometheus()
    found = parsed(text)
    assert text.encode().decode() == text
    snapshot = metrics.snapshot()
    assert len(found) == len(snapshot.counters) + len(snapshot.gauges) + 5 * len(snapshot.timings)
    counts = sorted(float(value) for value in snapshot.counters.values() if value < 1e300)
    totals = [value for (name, labels), value in found.items() if name.endswith("_total")]
    assert [count for count in counts if count not in totals] == []
    names = {name for name, _ in found}
    assert all(name.isascii() and name.isidentifier() for name in names)
    msgspec.json.encode(snapshot)


# ---- what wisp measures itself ----


class LevelUp(wisp.Event):
    """Somebody is better now."""


def measured_bot() -> wisp.Bot:
    bot = wisp.Bot()

    async def fruits(ctx: Any, typed: str) -> list[str]:
        return ["apple"]

    @bot.command
    async def go(ctx: wisp.Context, how: str = "well") -> str:
        """Go."""
        if how == "not":
            raise wisp.UserError("No.")
        if how == "badly":
            raise ValueError("badly")
        await ctx.data.increment("n")
        return "Gone."

    @bot.command
    async def eat(ctx: wisp.Context, fruit: Annotated[str, wisp.Option("Which", autocomplete=fruits)]) -> None:
        """Eat."""
        await ctx.respond("Yes?", components=[wisp.row(press.bind(7).button("Press"))])

    @bot.component("press:{number}")
    async def press(ctx: wisp.ComponentContext, number: int) -> None:
        await ctx.respond_with_modal("Title", "form:7", components=[text_row()])

    @bot.modal("form:{number}")
    async def form(ctx: wisp.ModalContext, number: int) -> str:
        return "Thanks."

    @bot.listen
    async def cheer(event: LevelUp) -> None:
        pass

    return bot


def text_row() -> hikari.api.ComponentBuilder:
    row = hikari.impl.ModalActionRowBuilder()
    row.add_text_input("text", "Text")
    return row


async def test_wisp_counts_and_times_all_that_runs_and_what_came_of_it() -> None:
    bot = measured_bot()
    async with connect(bot) as discord:
        ada = discord.member("ada")
        await ada.slash("go")
        await ada.slash("go", how="not")
        with discord.expects(ValueError):
            await ada.slash("go", how="badly")
        await ada.autocomplete("eat", "fruit", "a")
        reply = await ada.slash("eat", fruit="apple")
        reply = await ada.click(reply, "Press")
        await ada.submit(reply, text="hi")
        await bot.emit(LevelUp())
        metrics = bot.services.get_typed("metrics", MetricsService)
        assert metrics is not None
        snapshot = metrics.snapshot()
        assert parsed(metrics.prometheus())
    counters = {key: value for key, value in snapshot.counters.items() if not key.startswith("wisp.statements")}
    assert counters == {
        'wisp.commands{command="/go",outcome="done"}': 1,
        'wisp.commands{command="/go",outcome="refused"}': 1,
        'wisp.commands{command="/go",outcome="failed"}': 1,
        'wisp.commands{command="/eat",outcome="done"}': 1,
        'wisp.errors{error="ValueError",where="/go"}': 1,
        'wisp.autocompletes{autocomplete="/eat",outcome="done"}': 1,
        'wisp.components{component="component \\"press:{number}\\"",outcome="done"}': 1,
        'wisp.modals{modal="modal \\"form:{number}\\"",outcome="done"}': 1,
        'wisp.events{event="LevelUp",outcome="done"}': 1,
    }
    assert snapshot.timings['wisp.command.duration{command="/go"}'].count == 3
    assert snapshot.timings['wisp.event.duration{event="LevelUp"}'].count == 1
    assert snapshot.counters['wisp.statements{outcome="done",statement="write"}'] >= 1
    assert snapshot.timings['wisp.statement.duration{statement="read"}'].count >= 1


async def test_a_statement_takes_real_time() -> None:
    bot = measured_bot()
    async with on_sandbox(bot):
        snapshot = bot.services.get("metrics").snapshot()
    assert snapshot.timings['wisp.statement.duration{statement="read"}'].median > 0


async def test_a_command_takes_as_long_as_the_bots_clock_says() -> None:
    bot = wisp.Bot()

    @bot.command
    async def wait(ctx: wisp.Context) -> str:
        """Wait."""
        await asyncio.sleep(60)
        return "Done."

    async with connect(bot) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("wait"))
        await asyncio.sleep(0)
        await discord.advance(minutes=2)
        await asking
        timing = bot.services.get("metrics").snapshot().timings['wisp.command.duration{command="/wait"}']
    assert 60 <= timing.total < 61


async def test_what_reaches_no_handler_is_counted_by_its_reason() -> None:
    class Off(wisp.Module):
        name = "off"
        default_enabled = False

        @wisp.command
        async def never(self, ctx: wisp.Context) -> str:
            """Never."""
            return "never"

    bot = wisp.Bot(modules=[Off()])

    @bot.command
    async def offer(ctx: wisp.Context) -> None:
        """Offer."""
        await ctx.respond(
            "?",
            components=[
                wisp.row(
                    hikari.impl.InteractiveButtonBuilder(
                        style=hikari.ButtonStyle.PRIMARY, custom_id="nobody's", label="Press"
                    )
                )
            ],
        )

    async with connect(bot) as discord:
        ada = discord.member("ada")
        await ada.slash("never")
        await ada.click(await ada.slash("offer"), "Press")
        counters = bot.services.get("metrics").snapshot().counters
    assert counters['wisp.refusals{reason="off"}'] == 1
    assert counters['wisp.refusals{reason="unknown"}'] == 1
    assert 'wisp.commands{command="/never",outcome="done"}' not in counters


class Mine:
    """Metrics of the user's."""

    def __init__(self, *, fails: bool = False) -> None:
        self.told: list[str] = []
        self.fails = fails

    def increment(self, name: str, value: float = 1, labels: Any = None) -> None:
        self.told.append(name)
        if self.fails:
            raise OSError("no network")

    def timing(self, name: str, seconds: float, labels: Any = None) -> None:
        self.told.append(name)

    def gauge(self, name: str, value: float, labels: Any = None) -> None:
        raise AssertionError


async def test_metrics_of_ones_own_are_told_in_their_place() -> None:
    bot = measured_bot()
    mine = Mine()
    bot.services.register("metrics", mine)
    async with connect(bot) as discord:
        await discord.member("ada").slash("go")
        assert bot.services.get("metrics") is mine
    assert {"wisp.commands", "wisp.command.duration", "wisp.statements"} <= set(mine.told)


async def test_metrics_that_fail_stop_nothing_and_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    bot = measured_bot()
    mine = Mine(fails=True)
    bot.services.register("metrics", mine)
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert [(await ada.slash("go")).content for _ in range(2)] == ["Gone.", "Gone."]
    assert len(mine.told) == 1
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        'the service "metrics" failed. wisp records nothing more with it'
    ]


async def test_a_command_can_be_timed_under_its_decorator() -> None:
    class Timed(wisp.Module):
        name = "timed"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            metrics = ctx.services.get_typed("metrics", MetricsService)
            assert metrics is not None

            @bot.command
            @metrics.timed("greeting")
            async def greet(ctx: wisp.Context, user: hikari.Member) -> str:
                """Greet somebody."""
                return f"Hello {user.mention}!"

    bot = wisp.Bot(modules=[Timed()])
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("greet", user=ada)).content == f"Hello {ada.mention}!"
        assert bot.services.get("metrics").snapshot().timings["greeting"].count == 1
