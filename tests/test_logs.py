"""Logs: what users type forges no line and steers no terminal, and no record holds a token, by whatever way."""

import asyncio
import gc
import io
import logging
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.bot import _set_up_logging
from wisp.clock import Clock
from wisp.logs import (
    Formatter,
    get_logger,
    redacted,
    traceback_of,
)
from wisp.sandbox.page.log import Log
from wisp.testing import Discord, connect

FORGED = "2030-01-01 00:00:00,000 ERROR   wisp: forged"
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"]
STEERING = ["\x00", "\x07", "\x08", "\x1b[2J", "\x9b2J", "\x7f", "\u202e", "\u2066", "\u200f", "\ud800"]
TYPED = st.text() | st.lists(st.sampled_from([*BREAKS, *STEERING, FORGED, "hi"])).map("".join)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def failure(text: str) -> BaseException:
    """An error with a cause, a context, a note and members, each of which quotes the text."""
    try:
        try:
            raise KeyError(text)
        except KeyError as cause:
            error = ValueError(text)
            error.add_note(text)
            raise ExceptionGroup(text, [error, SyntaxError(text)]) from cause
    except ExceptionGroup as group:
        return group


def record_of(message: object, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("bot", logging.INFO, __file__, 1, message, args, exc_info)


def assert_one_record(lines: list[str]) -> None:
    """The first line is the record; the others are indented or empty; none holds a control character."""
    assert lines[0].startswith("bot: ")
    assert [line for line in lines[1:] if line and not line.startswith("  ")] == []
    assert CONTROLS.search("\n".join(lines)) is None


@given(TYPED)
def test_whatever_is_typed_a_record_is_one_line_and_an_indented_traceback(text: str) -> None:
    formatter = Formatter("%(name)s: %(message)s")
    for record in (record_of(text.replace("%", "")), record_of("%s", text), record_of("%s", text, error=failure(text))):
        record.stack_info = f"Stack (most recent call last):\n{text}" if record.exc_info else None
        assert_one_record(formatter.format(record).split("\n"))


def test_a_traceback_stays_readable_and_the_text_of_its_exception_takes_one_line() -> None:
    written = Formatter("%(message)s").format(record_of("failed", error=failure(f"first\n{FORGED}")))
    assert written.startswith("failed\n  Traceback (most recent call last):\n    File ")
    assert f"\n  KeyError: 'first\\n{FORGED}'\n" in written
    assert "\n  The above exception was the direct cause of the following exception:\n" in written
    assert "ValueError: first\\n" in written


def test_an_error_on_the_page_has_its_own_title_whatever_its_text_ends_with() -> None:
    log = Log(Clock(), pytest.fail)
    try:
        raise ValueError(f"first\n{FORGED}")
    except ValueError as error:
        log.add_error("/say", "abc123", traceback_of(error))
    (entry,) = log.newest()
    assert entry.title == f"/say: ValueError: first\\n{FORGED} (abc123)"
    assert entry.body.startswith("Traceback (most recent call last):\n  File ")


def test_a_message_that_cannot_be_formatted_is_logged_all_the_same_and_raises_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise TypeError("no text")

        __repr__ = __str__

    log = get_logger("wisp.tests")
    log.error("%d items", "seven")
    log.error("%s", Unprintable())
    log.error(Unprintable())
    first, *others = caplog.messages
    assert "could not be formatted: '%d items' (TypeError)" in first
    assert [f"{__file__}:" in one and "could not be formatted" in one for one in (first, *others)] == [True] * 3


@contextmanager
def logging_of(*handlers: logging.Handler, level: int | str = "INFO") -> Generator[None]:
    """The logging of a program of its own: these handlers on the root logger, and no others."""
    root = logging.getLogger()
    levels = {logger: logger.level for logger in (root, logging.getLogger("hikari"), logging.getLogger("lightbulb"))}
    before, root.handlers = root.handlers, list(handlers)
    try:
        if handlers:
            root.setLevel(level)
        yield
    finally:
        root.handlers = before
        for logger, level in levels.items():
            logger.setLevel(level)


def speaking_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def say(ctx: wisp.Context, text: str) -> str:
        ctx.log.warning("%s says %s", ctx.user.username, text)
        logging.getLogger("mine").warning(f"{text}")
        raise ValueError(text)

    return bot


async def say(bot: wisp.Bot) -> None:
    async with connect(bot, members=[f"ada\n{FORGED}"]) as discord:
        with discord.expects(ValueError):
            await discord.member(f"ada\n{FORGED}").slash("say", text=f"hi\n{FORGED}\x1b[2J")


async def test_what_is_typed_forges_no_line_in_the_log_that_run_sets_up(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_of():
        _set_up_logging("INFO")
        await say(speaking_bot())
    lines = capsys.readouterr().err.splitlines()
    assert f"ada\\n{FORGED} says hi\\n{FORGED}\\x1b[2J" in "\n".join(lines)
    assert [line for line in lines if line.strip().startswith("2030") or "\x1b" in line] == []


async def test_what_is_typed_forges_no_line_in_a_program_that_set_up_no_logging(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with logging_of():
        await say(speaking_bot())
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if line.startswith("hi\\n")]) == 1  # of the bot's own logger
    assert [line for line in lines if line.strip().startswith("2030") or "\x1b" in line] == []


async def test_what_is_typed_forges_no_line_of_wisp_where_the_program_has_its_own_formatter() -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    handler.addFilter(lambda record: record.name.startswith("wisp"))
    with logging_of(handler):
        await say(speaking_bot())
    lines = handler.stream.getvalue().splitlines()
    assert [line for line in lines if not line.startswith(("wisp", "  "))] == []


# ---- tokens ----


TOKEN = "aW50ZXJhY3Rpb246MTE4MDAwMDAwMDAwMDAwMDAwMTpBQkNERUZ"
WEBHOOK = "abcDEF-_" * 8 + "abcd"
BOT = "MTE4MDAwMDAwMDAwMDAwMDAwMQ.GabcDe.abcdefghijklmnopqrstuvwxyz-_0123456789"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"https://discord.com/api/v10/webhooks/1/{WEBHOOK}/messages/@original", WEBHOOK),
        ("POST /interactions/1/unusual.tok~en%3D/callback", "unusual"),
        (f"POST /webhooks/1/{WEBHOOK} is being mapped to new bucket x;y;1180000000000000001:{WEBHOOK}", WEBHOOK),
        (f"the token {TOKEN}, by itself", TOKEN),
        ("{'type': 2, 'token': 'short/1', 'id': '1'}", "short"),
        ('{"type":2,"token":"short/1","id":"1"}', "short"),
        ("PartialInteraction(id=1, token='short/1', version=1)", "short"),
        (r"'{\"token\": \"short/1\"}'", "short"),
        (f"Authorization: Bot {BOT}", BOT),
    ],
)
def test_tokens_are_found_wherever_they_stand(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert "<token>" in redacted(text)


def leaking_bot() -> wisp.Bot:
    """A bot whose commands bring the tokens of their interactions, of a webhook and of the bot to logs."""
    bot = wisp.Bot()
    mine = logging.getLogger("mine")

    @bot.command
    async def fails(ctx: wisp.Context) -> None:
        await ctx.respond("a")
        await ctx.interaction.fetch_message(1)  # its error quotes the URL

    @bot.command
    async def chains(ctx: wisp.Context) -> None:
        await ctx.respond("a")
        try:
            await ctx.interaction.fetch_message(1)
        except hikari.NotFoundError as error:
            raise ExceptionGroup(ctx.interaction.token, [error, ValueError(ctx.interaction.token)]) from error

    @bot.command
    async def tells(ctx: wisp.Context) -> None:
        interaction, config = ctx.interaction, bot.runtime.config
        webhook = await bot.gateway.rest.create_webhook(ctx.channel_id, "hook")
        await webhook.execute("hi")
        for log in (ctx.log, mine):
            log.info("%s %r %r", interaction.token, interaction, ctx)
            log.info("%s", {"token": interaction.token, "authorization": f"Bot {config.token}"}, stack_info=True)
            log.info(f"{webhook!r} {config.token} https://discord.com/api/webhooks/{webhook.id}/{webhook.token}")
            try:
                raise ValueError(f"{interaction.token} {config.token}")
            except ValueError:
                log.exception("failed")
        ctx.log.info("with a field", extra={"field": interaction.token})

    @bot.command
    async def forgets(ctx: wisp.Context) -> str:
        async def fail() -> None:
            raise ValueError(ctx.interaction.token)

        await asyncio.wait({asyncio.create_task(fail())})
        gc.collect()  # now, and not while Python parses something: that fails if a traceback is formatted meanwhile
        return "a task whose exception was never retrieved"

    @bot.on_start
    async def raw() -> None:
        async def hear(event: hikari.InteractionCreateEvent) -> None:
            raise ValueError(event.interaction.token)

        bot.gateway.subscribe(hikari.InteractionCreateEvent, hear)

    return bot


async def leak(discord: Discord) -> list[str]:
    """Let the bot bring tokens to logs by every way; those tokens."""
    ada = discord.member("ada")
    for name in ("fails", "chains"):
        with discord.expects(Exception):
            await ada.slash(name)
    await ada.slash("tells")
    await ada.slash("forgets")
    gc.collect()  # here, and at no other moment: CPython 3.11 fails if a finalizer formats a traceback within another
    unreadable = discord.world.interactions.create(
        2, ada.user, ada.channel, {"name": "fails", "type": 1, "options": "no", "id": "no"}
    )
    with discord.expects(Exception):
        await discord.rest()
    assert unreadable.original is not None
    tokens = [interaction.token for interaction in discord.world.interactions.values()]
    assert len(tokens) == 5
    (webhook,) = discord.world.webhooks.values()
    return [*tokens, webhook.token, discord.world.token]


@pytest.fixture
def _no_gc() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


class Raw(logging.Formatter):
    """A formatter that formats exceptions itself and shows the fields of `extra=`, as those for JSON do."""

    def format(self, record: logging.LogRecord) -> str:
        error = self.formatException(record.exc_info) if record.exc_info else ""
        return f"{record.name} {record.getMessage()} {vars(record).get('field')} {error}"


@pytest.mark.usefixtures("_no_gc")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("formatter", [logging.Formatter, Formatter, Raw])
async def test_no_token_reaches_a_log_by_any_way(formatter: type[logging.Formatter]) -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(formatter("%(name)s %(message)s"))
    with logging_of(handler, level=1):  # below hikari's TRACE, which writes all payloads
        async with connect(leaking_bot()) as discord:
            secrets = await leak(discord)
    written = handler.stream.getvalue()
    for logger in ("wisp", "mine", "asyncio", *(f"hikari.{name}" for name in ("rest", "gateway.0", "ratelimits"))):
        assert f"\n{logger} " in written
    assert [line for secret in secrets for line in written.split("\n") if secret in line] == []
