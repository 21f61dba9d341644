"""Handlers that block the event loop: each is named once."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import hikari
import lightbulb
import pytest

import wisp
from wisp.local.virtual_time import virtual_time
from wisp.sandbox.server import Sandbox
from wisp.testing import Discord, connect
from wisp.watchdog import Watchdog


class Time:
    """Real time as the watchdog sees it.

    `block` lets it pass at once, for the clock of bot and sandbox as well, while the watchdog's thread looks on.
    """

    def __init__(self, bot: wisp.Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.bot = bot
        monkeypatch.setattr("wisp.watchdog.perf_counter", lambda: self.now)
        monkeypatch.setattr("wisp.local.virtual_time._VirtualClock.is_flowing", True)
        monkeypatch.setattr(Watchdog, "_look_on", lambda self: None)

    def block(self, seconds: float = 4.0) -> None:
        self.bot.runtime.watchdog.look()  # asks for a reply
        for _ in range(int(seconds / 0.125)):
            self.now += 0.125
            self.bot.runtime.watchdog.look()
        self.bot.runtime.clock.offset += seconds


@pytest.fixture
def bot() -> wisp.Bot:
    return wisp.Bot()


@pytest.fixture
def time(bot: wisp.Bot, monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(bot, monkeypatch)


def lines(caplog: pytest.LogCaptureFixture, name: str = "wisp.watchdog") -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == name]


class Up(wisp.Event):
    pass


def command(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.command
    async def work(ctx: wisp.Context) -> None:
        await ctx.respond("first")
        block()

    return lambda discord: discord.member("ada").slash("work")


def guard(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    def ask(ctx: wisp.Context) -> bool:
        block()
        return True

    @bot.command
    @wisp.guard(ask)
    async def work(ctx: wisp.Context) -> None: ...

    return lambda discord: discord.member("ada").slash("work")


def button(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.component("work")
    async def work(ctx: wisp.ComponentContext) -> None:
        await ctx.edit("pressed")
        block()

    @bot.command
    async def menu(ctx: wisp.Context) -> None:
        await ctx.respond("menu", components=[wisp.row(work.bind().button("Go"))])

    async def press(discord: Discord) -> None:
        ada = discord.member("ada")
        await ada.click(await ada.slash("menu"), "Go")

    return press


def autocomplete(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    async def suggest(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        block()
        return []

    @bot.command
    async def work(ctx: wisp.Context, text: Annotated[str, wisp.Option("Text", autocomplete=suggest)]) -> None: ...

    return lambda discord: discord.member("ada").autocomplete("work", "text", "a")


def listener(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.listen
    async def work(event: hikari.MemberCreateEvent) -> None:
        block()

    return lambda discord: discord.join("eve")


def own_event(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.listen
    async def work(event: Up) -> None:
        block()

    return lambda discord: bot.emit(Up())


def recurring_job(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    async def other() -> None: ...

    bot.every(seconds=30, name="one")(other)

    @bot.every(seconds=30)
    async def work() -> None:
        block()

    bot.every(seconds=30, name="three")(other)
    return lambda discord: discord.advance(seconds=31)


def one_shot_job(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.job("work")
    async def work() -> None:
        block()

    async def run(discord: Discord) -> None:
        await bot.services.get("scheduler").once("work", delay=1)
        await discord.advance(seconds=2)

    return run


def error_handler(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.on_error
    async def work(ctx: Any, error: Exception) -> bool:
        block()
        return True

    @bot.command
    async def fail(ctx: wisp.Context) -> None:
        await ctx.respond("first")
        raise ValueError

    return lambda discord: discord.member("ada").slash("fail")


def with_hooks(bot: wisp.Bot, block: Callable[[], None]) -> None:
    @lightbulb.hook(lightbulb.ExecutionSteps.CHECKS)
    async def check(pipeline: lightbulb.ExecutionPipeline, ctx: lightbulb.Context) -> None:
        block()

    @bot.on_start
    async def hooks() -> None:
        bot.client.hooks = [check]


def hook(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    with_hooks(bot, block)
    return command(bot, lambda: None)


def command_in_pipeline(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    with_hooks(bot, lambda: None)
    return command(bot, block)


def raw_command(bot: wisp.Bot, block: Callable[[], None]) -> Callable[[Discord], Awaitable[object]]:
    @bot.on_start
    async def raw() -> None:
        @bot.client.register
        class Work(lightbulb.SlashCommand, name="work", description="Work"):
            @lightbulb.invoke
            async def invoke(self, ctx: lightbulb.Context) -> None:
                await ctx.respond("first")
                block()

    return lambda discord: discord.member("ada").slash("work")


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (command, "/work"),
        (command_in_pipeline, "/work"),
        (button, 'component "work"'),
        (listener, 'listener "work"'),
        (own_event, 'listener "work"'),
        (recurring_job, 'job "work"'),
        (one_shot_job, 'job "work"'),
        (error_handler, "the error handler work"),
        (raw_command, '"work" of lightbulb'),
    ],
)
async def test_what_blocks_is_named_once_with_how_long_and_where(
    bot: wisp.Bot, time: Time, caplog: pytest.LogCaptureFixture, make: Any, label: str
) -> None:
    act = make(bot, time.block)
    async with connect(bot) as discord:
        await act(discord)
        await discord.advance(seconds=1)
    (line,) = lines(caplog)
    assert line.startswith(f"{label} blocked the event loop for 4.0 s (tests/test_blocking.py:")


@pytest.mark.parametrize(
    ("make", "label"), [(guard, "/work"), (hook, "/work"), (autocomplete, 'autocomplete of "text" in /work')]
)
async def test_what_blocks_before_the_answer_is_named_although_that_is_lost(
    bot: wisp.Bot, time: Time, caplog: pytest.LogCaptureFixture, make: Any, label: str
) -> None:
    act = make(bot, time.block)
    async with connect(bot) as discord:
        with discord.expects(Exception):
            await act(discord)
            await discord.rest()
        await discord.advance(seconds=1)
    (line,) = lines(caplog)
    assert line.startswith(f"{label} blocked the event loop for 4.0 s (tests/test_blocking.py:")


async def test_a_handler_that_blocks_between_two_waits_is_named_and_shorter_blocks_are_not_added_up(
    bot: wisp.Bot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    @bot.command
    async def work(ctx: wisp.Context) -> None:
        await ctx.respond("first")
        for _ in range(4):
            time.block(0.5)  # each of them is short enough
            await asyncio.sleep(1)
        time.block(2.0)
        await asyncio.sleep(1)

    async with connect(bot) as discord:
        await discord.member("ada").slash("work")
        await discord.advance(seconds=10)
    (line,) = lines(caplog)
    assert line.startswith("/work blocked the event loop for 2.0 s (tests/test_blocking.py:")


async def test_a_page_function_that_blocks_is_reported_as_the_command_that_shows_the_pages(
    bot: wisp.Bot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    def page(number: int) -> str:
        if number:
            time.block(2.0)
        return f"Page {number}"

    @bot.command
    async def pages(ctx: wisp.Context) -> None:
        await wisp.paginate(ctx, page, 2)

    async with connect(bot) as discord:
        ada = discord.member("ada")
        await ada.click(await ada.slash("pages"), "Next")
        await discord.advance(seconds=1)
    (line,) = lines(caplog)
    assert line.startswith("/pages blocked the event loop for 2.0 s (tests/test_blocking.py:")


async def test_of_many_handlers_that_block_together_none_is_named_as_the_reason(
    bot: wisp.Bot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    def add(name: str) -> None:
        async def job() -> None:
            for _ in range(4):
                time.now += 0.125
                bot.runtime.watchdog.look()

        bot.every(seconds=30, name=name)(job)

    for name in "abcd":
        add(name)
    async with connect(bot) as discord:
        await discord.advance(seconds=31)
    (line,) = lines(caplog)
    assert line.startswith("the event loop did not run for 1.9 s, not because of a single handler")


async def test_no_block_is_reported_while_the_time_of_the_bot_is_advanced(caplog: pytest.LogCaptureFixture) -> None:
    with virtual_time(flows=True) as time:
        watchdog = Watchdog()
        watchdog.start()
        time.stop()
        for _ in range(3):
            watchdog.look()
            await time.advance(300)
        watchdog.stop()
    assert lines(caplog) == []


async def test_a_block_by_nothing_that_wisp_runs_is_reported_too(
    bot: wisp.Bot, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    @bot.command
    async def ping(ctx: wisp.Context) -> str:
        return "pong"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        (id,) = [one["id"] for one in discord.world.commands.visible(ada.guild)]
        discord.world.interactions.create(2, ada.user, ada.channel, {"id": id, "name": "ping", "type": 1})
        time.block()  # in a task of the bot's own
        with discord.expects(wisp.AnswerError):
            await discord.rest()
        await discord.advance(seconds=1)
    (line,) = lines(caplog)
    assert line.startswith("the event loop did not run for 4.0 s (tests/test_blocking.py:")
    assert "not because of a single handler" in line


async def test_the_watchdogs_thread_sees_the_line_that_blocks(
    bot: wisp.Bot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.watchdog._LIMIT", 0.0)

    @bot.listen
    async def work(event: Up) -> None:
        while not bot.runtime.watchdog._samples:
            pass

    async with Sandbox() as sandbox:
        await bot.start(bot.settings(token=sandbox.token, rest_url=sandbox.rest_url, database=":memory:"))
        await bot.emit(Up())
        async with asyncio.timeout(10):
            while not any("listener" in line for line in lines(caplog)):
                await asyncio.sleep(0.01)
        await bot.close()
    pattern = r'listener "work" blocked the event loop for \d\.\d s \(tests/test_blocking.py:\d+, in work\)\. '
    assert any(re.match(pattern, line) for line in lines(caplog))


async def test_handlers_raise_return_and_are_cancelled_as_if_nothing_watched_them(bot: wisp.Bot) -> None:
    ended: list[str] = []

    @bot.command
    async def work(ctx: wisp.Context) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            await asyncio.sleep(0)
            raise ValueError("instead") from None
        return "never"

    async with connect(bot) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("work"))
        while not bot._session._dispatcher.calls:
            await asyncio.sleep(0)
        (task,) = (task for task in bot.runtime.tasks.running if task.get_name() == "/work")
        for _ in range(20):
            await asyncio.sleep(0)
        with discord.expects(ValueError):
            task.cancel()
            await asking
    assert ended == ["cancelled"]
