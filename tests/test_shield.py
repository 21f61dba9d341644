"""Whatever a bot's own code raises, wherever: the user is answered, the error is logged once, and the bot goes on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import hikari
import pytest

import wisp
from wisp.testing import Discord, connect

SAYS_NOTHING = "Something went wrong."
RESTARTING = "The bot is restarting."


class Unspeakable(Exception):
    """An error whose texts cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Odd(BaseException):
    """An exception that `except Exception` misses."""


async def never_awaited() -> None: ...


async def an_error() -> None:
    raise ValueError("planted")


async def without_a_text() -> None:
    raise Unspeakable


async def no_exception() -> None:
    raise Odd


async def a_generator_exit() -> None:
    raise GeneratorExit


async def a_group() -> None:
    raise BaseExceptionGroup("planted", [Odd(), ValueError()])


async def an_exit() -> None:
    raise SystemExit(3)


async def an_interrupt() -> None:
    raise KeyboardInterrupt


async def a_cancelled_download() -> None:
    download = asyncio.create_task(asyncio.sleep(60))
    download.cancel()
    await download


async def cancelling_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def a_coroutine() -> Any:
    return never_awaited()


RAISED: dict[Callable[[], Awaitable[Any]], type[BaseException]] = {
    an_error: ValueError,
    without_a_text: Unspeakable,
    no_exception: Odd,
    a_generator_exit: GeneratorExit,
    a_group: BaseExceptionGroup,
    an_exit: SystemExit,
    an_interrupt: KeyboardInterrupt,
    a_cancelled_download: asyncio.CancelledError,
    cancelling_itself: asyncio.CancelledError,
    a_coroutine: wisp.WispError,
}
EXITS = (an_exit, an_interrupt)


class Broke(wisp.Event):
    """Something broke."""


class Note(wisp.Form):
    """A note"""

    text: str


Raising = Callable[[], Awaitable[Any]]


class Planted:
    """A bot that raises the same thing in every place, and what its error handlers were asked about."""

    def __init__(self, raising: Raising) -> None:
        self.asked: list[str] = []
        self.is_armed = False
        self.bot = bot = wisp.Bot(database=":memory:")

        @bot.on_error
        async def on_error(ctx: Any, error: Exception) -> bool:
            self.asked.append(type(error).__name__)
            return False

        @bot.command
        async def command(ctx: wisp.Context) -> Any:
            """Fail."""
            return await raising()

        @bot.command
        @wisp.guard(lambda ctx: raising())
        async def guarded(ctx: wisp.Context) -> None:
            """Fail in a guard."""

        @bot.user_command(name="Who")
        async def who(ctx: wisp.Context, user: hikari.User) -> Any:
            return await raising()

        @bot.message_command(name="Quote")
        async def quote(ctx: wisp.Context, message: hikari.Message) -> Any:
            return await raising()

        async def suggest(ctx: wisp.AutocompleteContext, typed: str) -> Any:
            return await raising()

        @bot.command
        async def pick(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=suggest)]) -> None:
            """Fail while suggesting."""

        @bot.component("press")
        async def press(ctx: wisp.ComponentContext) -> Any:
            return await raising()

        @bot.command
        async def button(ctx: wisp.Context) -> None:
            """Show a button."""
            await ctx.respond("Press", components=[wisp.row(press.bind().button("Press"))])

        @bot.modal("typed")
        async def typed(ctx: wisp.ModalContext) -> Any:
            return await raising()

        @bot.command
        async def modal(ctx: wisp.Context) -> None:
            """Open a modal."""
            text = hikari.impl.TextInputBuilder(custom_id="text", label="Text")
            row = hikari.impl.ModalActionRowBuilder(components=[text])
            await ctx.respond_with_modal("Typed", "typed", components=[row])

        @bot.command
        async def form(ctx: wisp.Context) -> Any:
            """Open a form, and fail."""
            await ctx.form(Note)
            return await raising()

        @bot.listen
        async def on_message(event: hikari.GuildMessageCreateEvent) -> Any:
            return await raising() if event.is_human and self.is_armed else None

        @bot.listen
        async def on_broke(event: Broke) -> Any:
            return await raising()

        @bot.every(hours=1)
        async def recurring() -> Any:
            return await raising()

        @bot.job("once")
        async def once() -> Any:
            return await raising()


async def on_command(discord: Discord) -> Any:
    return await discord.member("ada").slash("command")


async def on_guard(discord: Discord) -> Any:
    return await discord.member("ada").slash("guarded")


async def on_user_menu(discord: Discord) -> Any:
    return await discord.member("ada").menu("Who", discord.member("bob"))


async def on_message_menu(discord: Discord) -> Any:
    ada = discord.member("ada")
    return await ada.menu("Quote", discord.messages()[0])


async def on_component(discord: Discord) -> Any:
    ada = discord.member("ada")
    return await ada.click(await ada.slash("button"), "Press")


async def on_modal(discord: Discord) -> Any:
    ada = discord.member("ada")
    return await ada.submit(await ada.slash("modal"), text="x")


async def on_form(discord: Discord) -> Any:
    ada = discord.member("ada")
    return await ada.submit(await ada.slash("form"), text="x")


async def on_autocomplete(discord: Discord) -> Any:
    assert await discord.member("ada").autocomplete("pick", "what", "t") == []


async def on_listener(discord: Discord) -> Any:
    await discord.member("ada").say("fail")


async def on_own_event(discord: Discord) -> Any:
    await discord.bot.emit(Broke())
    await discord.rest()


async def on_recurring_job(discord: Discord) -> Any:
    await discord.advance(hours=1, seconds=1)


async def on_one_shot_job(discord: Discord) -> Any:
    scheduler = discord.bot.services.get("scheduler")
    await scheduler.once("once", delay=0)
    await discord.advance(seconds=1)
    (pending,) = await scheduler.pending()
    assert pending.failures == 1
    await scheduler.cancel(pending.id)


ANSWERED = [on_command, on_guard, on_user_menu, on_message_menu, on_component, on_modal, on_form]
UNANSWERED = [on_autocomplete, on_listener, on_own_event, on_recurring_job, on_one_shot_job]


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("raising", RAISED, ids=lambda raising: raising.__name__)
async def test_whatever_is_raised_is_answered_logged_once_and_stops_nothing(
    raising: Raising, caplog: pytest.LogCaptureFixture
) -> None:
    planted = Planted(raising)
    kind = RAISED[raising]
    async with connect(planted.bot) as discord:
        await discord.member("bob").say("for the menu of messages")
        planted.is_armed = True
        for place in (*ANSWERED, *UNANSWERED):
            planted.asked.clear()
            caplog.clear()
            if raising in EXITS:  # each ends the program: what waits for that is asked anew
                discord._watch_run()  # pyright: ignore[reportPrivateUsage]
            where = f"{place.__name__}, {raising.__name__}"
            if place is on_guard and raising is a_coroutine:
                continue  # a guard may return what it likes: it is only asked whether that is true
            with discord.expects(kind if raising is not a_coroutine else wisp.WispError):
                reply = await place(discord)
            logged = errors_in(caplog)
            if place in ANSWERED:
                assert reply.ephemeral, where
                assert reply.failed is None, where
                assert reply.content.startswith(RESTARTING if raising in EXITS else SAYS_NOTHING), where
            if raising in EXITS:
                assert (logged, planted.asked) == ([], []), where
                continue
            assert len(logged) == 1, (where, logged)
            assert logged[0].startswith("error "), where
            if place in ANSWERED:
                assert logged[0].split()[1] in reply.content, where
            assert len(planted.asked) == (place is not on_autocomplete), where


@pytest.mark.parametrize("raising", RAISED, ids=lambda raising: raising.__name__)
async def test_an_error_handler_that_fails_hides_no_error(raising: Raising, caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot(database=":memory:")
    asked: list[str] = []

    @bot.command
    async def go(ctx: wisp.Context) -> None:
        """Fail."""
        raise LookupError("the first error")

    @go.on_error
    async def own(ctx: Any, error: Exception) -> Any:
        return await raising()

    @bot.on_error
    async def outer(ctx: Any, error: Exception) -> bool:
        asked.append(type(error).__name__)
        return False

    async with connect(bot) as discord:
        second = RAISED[raising]
        with discord.expects(LookupError), discord.expects(second):
            reply = await discord.member("ada").slash("go")
        assert reply.content.startswith(SAYS_NOTHING)
    first = [text for text in errors_in(caplog) if "/go" in text]
    assert len(first) == 1
    assert first[0].split()[1] in reply.content
    assert asked == ["LookupError"]


NOT_CANCELLING = [raising for raising in RAISED if raising is not cancelling_itself]
PARTS = ["on_start", "setup", "teardown", "service start", "service stop"]


def bot_that_fails_in(part: str, raising: Raising) -> wisp.Bot:
    class Service:
        async def start(self, session: Any) -> Any:
            return await raising() if part == "service start" else None

        async def stop(self) -> Any:
            return await raising() if part == "service stop" else None

    class Module(wisp.Module):
        name = "m"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> Any:
            return await raising() if part == "setup" else None

        async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> Any:
            return await raising() if part == "teardown" else None

    bot = wisp.Bot(database=":memory:", modules=[Module()])
    bot.services.register("extra", Service())

    @bot.command
    async def ping(ctx: wisp.Context) -> str:
        """Ping."""
        return "pong"

    @bot.on_start
    async def begin() -> Any:
        return await raising() if part == "on_start" else None

    return bot


# a start that cancels its own task cannot be told from one that its caller cancels
@pytest.mark.parametrize("raising", NOT_CANCELLING, ids=lambda raising: raising.__name__)
@pytest.mark.parametrize("part", PARTS)
async def test_what_starts_and_stops_a_bot_may_raise_anything(
    part: str, raising: Raising, caplog: pytest.LogCaptureFixture
) -> None:
    bot = bot_that_fails_in(part, raising)
    kind = RAISED[raising]
    left: list[BaseException] = []
    try:
        async with connect(bot) as discord:
            bot.runtime.exit_requested = leaving = asyncio.get_running_loop().create_future()
            assert (await discord.member("ada").slash("ping")).content == "pong"
        left += [leaving.result()] if leaving.done() else []
    except BaseException as error:
        raised: BaseException | None = error
    else:
        raised = None
    logged = errors_in(caplog)
    if raising in EXITS:
        found = [type(error) for error in (raised, *left) if error is not None]
        assert found == [kind]
        assert not bot.is_running
    elif part == "on_start":
        assert raised is not None
        assert isinstance(raised, (kind, wisp.errors.StartError))
        assert not isinstance(raised, asyncio.CancelledError)
        assert not bot.is_running
    else:
        assert raised is None
        assert len(logged) == 1
        assert ("extra" if "service" in part else "m") in logged[0]
