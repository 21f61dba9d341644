"""The bot's life: settings, start, what it says of itself, signals, close."""

import asyncio
import logging
import os
import re
import signal
import sqlite3
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import hikari
import msgspec
import pytest
from aiohttp import web

import wisp
from wisp.config import Config
from wisp.local.virtual_time import VirtualTime
from wisp.program import stop_signals
from wisp.sandbox import Sandbox
from wisp.sandbox.rest.call import Route
from wisp.sandbox.rest.rate_limits import Quotas
from wisp.sandbox.world.objects import Interaction
from wisp.testing import connect


@pytest.fixture
async def sandbox(time: VirtualTime) -> AsyncIterator[Sandbox]:
    """A sandbox for a bot in the process of the test."""
    async with Sandbox(clock=time.clock) as sandbox:
        yield sandbox


@pytest.fixture
async def served() -> AsyncIterator[Sandbox]:
    """A sandbox for another program, in real time."""
    async with Sandbox() as sandbox:
        yield sandbox


def config_for(sandbox: Sandbox, **settings: Any) -> Config:
    return Config(token=sandbox.token, rest_url=sandbox.rest_url, database=":memory:", **settings)


def hello_bot(**settings: Any) -> wisp.Bot:
    bot = wisp.Bot(**settings)

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        """Say hello."""
        return "Hello!"

    return bot


# ---- in one process ----


async def test_a_bot_starts_answers_closes_and_starts_again() -> None:
    bot = hello_bot()
    for _ in range(3):
        async with connect(bot) as discord:
            assert (await discord.member("ada").slash("hello")).content == "Hello!"


async def test_async_with_starts_and_closes_the_bot(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", sandbox.token)
    bot = hello_bot(rest_url=sandbox.rest_url, database=":memory:")
    async with bot as entered:
        assert entered is bot
        assert bot.gateway.is_alive
        gateway = bot.gateway
    assert not gateway.is_alive


def call(sandbox: Sandbox, name: str) -> Interaction:
    """Ada uses a command. Nothing waits for the answer."""
    ada = next(user for user in sandbox.world.users.values() if user.name == "ada")
    (guild,) = sandbox.world.guilds.values()
    channel = guild.channel("general")
    assert channel is not None
    (command,) = (command for command in sandbox.world.commands.visible(None) if command["name"] == name)
    return sandbox.world.interactions.create(2, ada, channel, {"id": command["id"], "name": name, "type": 1})


async def until(is_met: Callable[[], object]) -> None:
    """Wait for something that another program does, but not for ever."""
    async with asyncio.timeout(20):
        while not is_met():
            await asyncio.sleep(0.001)


async def test_closing_twice_or_before_the_start_does_nothing(sandbox: Sandbox) -> None:
    bot = hello_bot()
    await bot.close()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await asyncio.gather(bot.close(), bot.close())
    await bot.close()


async def test_what_stands_underneath_exists_from_the_start_on_and_says_so_before(sandbox: Sandbox) -> None:
    bot = hello_bot()
    for name in ("gateway", "client", "runtime"):
        with pytest.raises(wisp.WispError, match="on_start"):
            getattr(bot, name)
    seen: list[str] = []

    @bot.on_start
    async def prepare() -> None:
        assert isinstance(bot.gateway, hikari.GatewayBot)
        seen.append("prepared" if not bot.gateway.is_alive else "too late")

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()
    assert seen == ["prepared"]


async def test_registering_while_the_bot_runs_is_a_clear_error() -> None:
    bot = hello_bot()
    async with connect(bot):
        with pytest.raises(wisp.WispError, match="before it starts"):
            bot.command(name="late")(lambda ctx: None)  # type: ignore[arg-type, return-value]


async def test_starting_twice_is_a_clear_error(sandbox: Sandbox) -> None:
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    with pytest.raises(wisp.WispError, match="runs already"):
        await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()


async def test_all_mistakes_are_reported_at_once_before_anything_is_opened() -> None:
    bot = wisp.Bot()

    @bot.command
    async def Shouting(ctx: wisp.Context) -> None:
        """A name that Discord refuses."""

    @bot.command
    def not_async(ctx: wisp.Context) -> None:  # type: ignore[misc]
        """Not async."""

    @bot.command(name="twice")
    async def first(ctx: wisp.Context) -> None:
        """One."""

    @bot.command(name="twice")
    async def second(ctx: wisp.Context) -> None:
        """Two."""

    @bot.listen
    async def hear(event: int) -> None: ...

    with pytest.raises(wisp.errors.CheckError) as caught:
        await bot.start(Config())
    places = [mistake.line for mistake in caught.value.problems if mistake.line]
    assert places == sorted(places)
    told = str(caught.value)
    for part in ("Shouting", "not async", '"twice"', "is not an event", "token: there is none"):
        assert part in told
    assert Path(__file__).name in told


async def test_the_summary_says_what_is_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wisp")
    bot = hello_bot()
    async with connect(bot):
        pass
    (summary,) = [record.getMessage() for record in caplog.records if "is up" in record.getMessage()]
    assert "1 command, 0 listeners, 1 server" in summary
    assert "commands registered: 1 created in" in summary


async def test_the_summary_counts_servers_that_discord_has_not_sent_yet(sandbox: Sandbox) -> None:
    (guild,) = sandbox.world.guilds.values()
    sandbox.outage(guild)
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    summary = bot._session.summary()
    await bot.close()
    assert "1 command, 0 listeners, 1 server " in summary


async def test_running_handlers_get_their_grace_and_late_ones_are_told(sandbox: Sandbox, time: VirtualTime) -> None:
    bot = wisp.Bot()
    ended: list[str] = []
    hold = asyncio.Event()

    @bot.command
    async def quick(ctx: wisp.Context) -> str:
        await asyncio.sleep(0.01)
        ended.append("quick")
        return "done"

    @bot.command
    async def endless(ctx: wisp.Context) -> None:
        await hold.wait()

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    session = bot.runtime
    session.shutdown_timeout = 0.05
    asked = [call(sandbox, name) for name in ("quick", "endless")]
    await time.until(lambda: len(session.tasks.running) == 2)
    await bot.close()
    assert ended == ["quick"]
    answers = [interaction.original.content for interaction in asked if interaction.original]
    assert answers == ["done", "The bot is restarting. Please try again in a moment."]


async def test_each_close_that_fails_is_logged_and_the_rest_still_closes(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    gateway = bot.gateway
    closed: list[str] = []

    async def fine() -> None:
        closed.append("fine")

    async def broken() -> None:
        raise OSError("stuck")

    bot._session._opened[:0] = [("first", fine)]
    bot._session._opened += [("last", broken)]
    await bot.close()
    assert closed == ["fine"]
    assert not gateway.is_alive
    assert "last did not close properly" in caplog.text


async def test_answers_of_429_and_5xx_are_tried_again(sandbox: Sandbox) -> None:
    sandbox.fail("GET", r"/applications/@me$", 503)
    sandbox.fail("GET", r"/commands", 429, headers={"Retry-After": "0.01"}, body={"retry_after": 0.01, "global": False})
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()


async def test_a_refused_token_is_said_plainly_and_never_shown(sandbox: Sandbox) -> None:
    bot = hello_bot()
    wrong = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wrong1.aaaaaaaaaaaaaaaaaaaaaaaaaaa"
    with pytest.raises(wisp.errors.StartError, match=r"refused the token \(401\)") as caught:
        await bot.start(Config(token=wrong, rest_url=sandbox.rest_url, database=":memory:"))
    assert "wrong1" not in str(caught.value)
    with pytest.raises(wisp.WispError):
        bot.runtime  # noqa: B018


async def test_a_server_that_cannot_be_reached_is_said_plainly() -> None:
    from wisp.start_errors import explained

    told = explained(OSError("Connect call failed"))
    assert str(told) == "Discord cannot be reached: Connect call failed. Is there a network, and is rest_url right?"
    timeout = hikari.HTTPError("")
    timeout.__cause__ = TimeoutError()
    assert "Discord cannot be reached: TimeoutError." in str(explained(timeout))
    assert "cannot be reached: Server disconnected" in str(explained(aiohttp.ServerDisconnectedError()))
    behind_a_proxy = hikari.HTTPResponseError("https://ada:secret@proxy/users", 500, {}, b"")
    assert "Discord answered 500 to https://proxy/users." in str(explained(behind_a_proxy))


ANSWERS = [
    (200, "text/html", "<p>Log in first</p>", "Discord's answer could not be read (HTTPError: Expected JSON"),
    (200, "application/json", "{", "Discord's answer could not be read (DecodeError: "),
    (200, "application/json", "[]", "Discord's answer could not be read (AssertionError). "),
    (200, "application/json", "{}", "Discord's answer could not be read (KeyError: "),
    (
        403,
        "text/html",
        "<p>Blocked</p>",
        "Discord answered 403 to http://127.0.0.1:PORT/oauth2/applications/@me. Starting again",
    ),
    (429, "text/html", "<p>Banned</p>", "Discord answered 429 to http://127.0.0.1:PORT/oauth2/applications/@me"),
    (403, "application/json", '{"message": "No bots", "code": 20001}', "/applications/@me: No bots. Starting again"),
    (
        501,
        "text/html",
        "<p>Broken</p>",
        "Discord answered 501 to http://127.0.0.1:PORT/oauth2/applications/@me. Its state: ",
    ),
]


@pytest.mark.parametrize("path", ["/applications/@me", "/gateway/bot"])
async def test_a_long_rate_limit_of_the_first_requests_is_said_with_its_length(sandbox: Sandbox, path: str) -> None:
    headers = {"Retry-After": "4000", "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0"}
    headers |= {"X-RateLimit-Reset-After": "4000", "X-RateLimit-Bucket": "b", "X-RateLimit-Scope": "user"}
    body = {"message": "You are being rate limited.", "retry_after": 4000.0, "global": False}
    sandbox.fail("GET", f"{path}$", 429, headers=headers, body=body)
    with pytest.raises(wisp.errors.StartError, match=f"Discord answered 429 .*{path}: .* Start again in 4000 s"):
        await hello_bot().start(config_for(sandbox), clock=sandbox.world.clock)
    sandbox.fail("GET", f"{path}$", 429, headers={**headers, "Retry-After": "0.01"}, body={**body, "retry_after": 0.01})
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()


@pytest.mark.skipif(sys.platform == "win32", reason="hikari has trouble there with connections that stay open")
async def test_calls_one_after_the_other_share_a_connection(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    transports: list[asyncio.Transport | None] = []
    take = Quotas.take

    def noted(quotas: Quotas, route: Route, request: web.Request) -> dict[str, str]:
        transports.append(request.transport)
        return take(quotas, route, request)

    monkeypatch.setattr(Quotas, "take", noted)
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()
    assert len(transports) == 5
    assert len(set(transports)) == 1


async def test_an_answer_that_is_not_discords_is_said_in_words() -> None:
    answer: dict[str, Any] = {}

    async def handle(request: web.Request) -> web.Response:
        return web.Response(**answer)

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    config = Config(token=Sandbox().token, rest_url=f"http://127.0.0.1:{port}", database=":memory:")
    for status, kind, text, told in ANSWERS:
        answer |= {"status": status, "content_type": kind, "text": text}
        with pytest.raises(wisp.errors.StartError) as caught:
            await hello_bot().start(config)
        assert told.replace("PORT", str(port)) in str(caught.value)
        assert caught.value.__cause__ is not None
    await runner.cleanup()


async def test_without_session_starts_no_shard_connects_and_the_error_says_until_when(sandbox: Sandbox) -> None:
    sandbox.gateway.sessions.session_starts = 1
    bot = hello_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()
    sandbox.world.commands.replace(None, [])
    with pytest.raises(wisp.errors.StartError, match=r"of 1 session starts 0 are left, and 1 are needed\.") as caught:
        await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    assert re.search(r"Start the bot again at \d\d:\d\d UTC \(in 24 hours\)", str(caught.value))
    assert sandbox.world.commands[None] == {}  # nothing is registered for a bot that cannot connect
    sandbox.gateway.sessions.session_starts, sandbox.world.shards = 2, 2
    with pytest.raises(wisp.errors.StartError, match=r"of 2 session starts 1 are left, and 2 are needed\."):
        await bot.start(config_for(sandbox), clock=sandbox.world.clock)


@pytest.mark.parametrize("url", ["", "gateway.discord.gg", "ftp://gateway", "wss://", "ws://["])
async def test_a_gateway_without_a_usable_address_is_said_in_words(sandbox: Sandbox, url: str) -> None:
    sandbox._rest.gateway_url = url
    with pytest.raises(wisp.errors.StartError, match="Discord's answer could not be read"):
        await hello_bot().start(config_for(sandbox), clock=sandbox.world.clock)


class Doorman:
    """A gateway that begins with `greeting`, or says nothing."""

    def __init__(self, greeting: str | None = None) -> None:
        self.greeting = greeting
        self.came = asyncio.Event()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        self.came.set()
        if self.greeting is not None:
            await connection.send_bytes(self.greeting.encode())
        await connection.receive()
        return connection

    async def start(self, sandbox: Sandbox) -> web.AppRunner:
        application = web.Application()
        application.router.add_get("/", self.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sandbox._rest.gateway_url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
        return runner


async def test_a_gateway_that_is_not_discords_is_said_in_words(sandbox: Sandbox) -> None:
    runner = await Doorman("<p>Log in first</p>").start(sandbox)
    with pytest.raises(wisp.errors.StartError, match="Discord's answer could not be read"):
        await hello_bot().start(config_for(sandbox), clock=sandbox.world.clock)
    await runner.cleanup()


async def test_a_gateway_that_keeps_silent_is_told_of_after_30_s(
    sandbox: Sandbox, time: VirtualTime, timers: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    doorman, bot = Doorman(), hello_bot()
    runner = await doorman.start(sandbox)
    starting = asyncio.create_task(bot.start(config_for(sandbox), clock=time.clock))
    await time.until(doorman.came.is_set)
    await time.advance(29)
    assert "Discord has not let the bot in" not in caplog.text
    await time.advance(1)
    assert "The bot could not connect to Discord within 30 s. It keeps trying" in caplog.text
    await bot.close()
    with pytest.raises(wisp.errors.StartError, match="closed while it started"):
        await starting
    assert timers() == []
    await runner.cleanup()


async def test_a_privileged_intent_that_is_off_is_named_with_its_page_and_its_listener(sandbox: Sandbox) -> None:
    sandbox.world.application_flags = 0
    bot = hello_bot(intents="MESSAGE_CONTENT")

    @bot.listen
    async def welcome(event: hikari.MemberCreateEvent) -> None: ...

    with pytest.raises(wisp.errors.CheckError) as caught:
        await bot.start(config_for(sandbox, intents=("MESSAGE_CONTENT",)))
    page = f"https://discord.com/developers/applications/{sandbox.world.bot.id}/bot"
    assert [(mistake.where, page in mistake.fix) for mistake in caught.value.problems] == [
        ('listener "welcome"', True),
        ("intents=", True),
    ]


async def test_listening_to_messages_without_their_content_warns(caplog: pytest.LogCaptureFixture) -> None:
    bot = hello_bot()

    @bot.listen
    async def hear(event: hikari.GuildMessageCreateEvent) -> None: ...

    async with connect(bot):
        pass
    assert "without their content" in caplog.text


async def test_a_bot_that_is_closed_while_it_starts_leaves_nothing(sandbox: Sandbox) -> None:
    for turns in (0, 1, 5, 20, 60, 150):
        bot = hello_bot()
        before = asyncio.all_tasks()
        starting = asyncio.create_task(bot.start(config_for(sandbox), clock=sandbox.world.clock))
        for _ in range(turns):
            await asyncio.sleep(0)
        await bot.close()
        outcome = (await asyncio.gather(starting, return_exceptions=True))[0]
        await bot.close()
        assert outcome is None or "closed while it started" in str(outcome), turns
        assert {task.get_name() for task in asyncio.all_tasks() - before if "shard" in task.get_name()} == set()


async def test_closing_in_on_start_ends_the_start(sandbox: Sandbox) -> None:
    bot = hello_bot()

    @bot.on_start
    async def never() -> None:
        await bot.close()

    with pytest.raises(wisp.errors.StartError, match="closed while it started"):
        await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    with pytest.raises(wisp.WispError):
        bot.runtime  # noqa: B018


async def test_a_listener_for_the_start_that_closes_the_bot_goes_on_then(sandbox: Sandbox, time: VirtualTime) -> None:
    for event_type in (hikari.StartingEvent, hikari.StartedEvent):
        bot = hello_bot()
        closed: list[bool] = []

        @bot.listen(event_type)
        async def never(event: hikari.Event, bot: wisp.Bot = bot, closed: list[bool] = closed) -> None:
            await bot.close()
            closed.append(not bot.is_running)

        with pytest.raises(wisp.errors.StartError, match="closed while it started"):
            await bot.start(config_for(sandbox), clock=sandbox.world.clock)
        await time.until(lambda closed=closed: bool(closed))
        assert closed == [True]


async def test_a_listener_for_the_start_that_goes_on_does_not_hold_it_up(sandbox: Sandbox) -> None:
    bot = hello_bot()

    @bot.listen
    async def rotate(event: hikari.StartedEvent) -> None:
        await asyncio.Event().wait()

    await asyncio.wait_for(bot.start(config_for(sandbox), clock=sandbox.world.clock), 20)
    bot.runtime.shutdown_timeout = 0.0
    await bot.close()


async def test_a_start_that_waits_for_a_listener_names_it(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    bot = hello_bot()

    @bot.listen
    async def warm(event: hikari.StartingEvent) -> None:
        await asyncio.sleep(45)
        assert "is not up" in caplog.text

    @bot.on_start
    async def raw() -> None:
        async def slow(event: hikari.StartedEvent) -> None:
            await asyncio.sleep(45)
            assert "a raw listener for StartedEvent" in caplog.text

        bot.gateway.subscribe(hikari.StartedEvent, slow)

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    await bot.close()
    assert 'The bot is not ready after 30 s: hikari waits for listener "warm" (tests/test_bot.py:' in caplog.text
    assert "Discord has not let the bot in" not in caplog.text


CLOSED_AT_THE_START = """
    import hikari, wisp
    bot = wisp.Bot()

    {decorator}
    async def never({parameter}):
        print("closing")
        await bot.close()

    bot.run()
"""


@pytest.mark.parametrize(
    ("decorator", "parameter"), [("@bot.on_start", ""), ("@bot.listen", "event: hikari.StartedEvent")]
)
async def test_a_bot_that_closes_itself_while_it_starts_ends_in_order(
    served: Sandbox, tmp_path: Path, decorator: str, parameter: str
) -> None:
    text = CLOSED_AT_THE_START.format(decorator=decorator, parameter=parameter)
    process = await start_program(program(tmp_path, text), served)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, out) == (0, b"closing\n"), err.decode()
    assert b"The bot was closed while it started." in err
    assert b"Traceback" not in err


async def test_a_close_that_is_cancelled_goes_on(sandbox: Sandbox, time: VirtualTime) -> None:
    bot = wisp.Bot()
    released = asyncio.Event()

    @bot.listen
    async def hold(event: hikari.ShardReadyEvent) -> None:
        await released.wait()

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    gateway = bot.gateway
    await time.until(lambda: bool(bot.runtime.tasks.running))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.close(), 0.01)
    released.set()
    await bot.close()
    assert not gateway.is_alive


async def test_a_refused_gateway_is_said_in_words(sandbox: Sandbox) -> None:
    from wisp.start_errors import explained

    closed = hikari.GatewayServerClosedConnectionError("no", 4014, False)
    assert "a privileged intent is not switched on" in str(explained(closed))
    assert explained(closed).__cause__ is closed
    assert "could not be read (KeyError: 'id')" in str(explained(KeyError("id")))
    assert "refused the connection: Expected HELLO." in str(explained(hikari.GatewayError("Expected HELLO")))
    assert "refused the connection: One or more shards" in str(explained(RuntimeError("One or more shards closed")))


async def test_run_inside_a_loop_is_a_clear_error() -> None:
    with pytest.raises(wisp.WispError, match="async with bot"):
        hello_bot().run()


# ---- no data, no bot ----


async def in_a_database(path: Path, sql: str) -> None:
    db = wisp.DatabaseService(path)
    await db.start()
    await db.execute(sql)
    await db.stop()


async def cut_short(path: Path) -> None:
    await in_a_database(path, "CREATE TABLE page AS SELECT zeroblob(20000)")
    os.truncate(path, os.stat(path).st_size // 2)


SPOILED: dict[str, Callable[[Path], Any]] = {
    "it cannot be opened. Expected a file": Path.mkdir,
    "the file is not an SQLite database": lambda path: path.write_text("this is no database" * 100),
    "the file is damaged": cut_short,
    "it comes from a newer wisp": lambda path: in_a_database(
        path, "INSERT INTO wisp_migrations VALUES ('wisp', 99, 0)"
    ),
    "in a folder that exists and that the bot's user may write to": lambda path: Path(f"{path}-lock").mkdir(),
    "no such table: wisp_jobs": lambda path: in_a_database(path, "DROP TABLE wisp_jobs"),
    "no such table: wisp_cooldowns": lambda path: in_a_database(path, "DROP TABLE wisp_cooldowns"),
    "no such table: wisp_modules": lambda path: in_a_database(path, "DROP TABLE wisp_modules"),
}


@pytest.mark.parametrize("told", SPOILED)
async def test_a_bot_whose_database_cannot_be_used_does_not_connect(tmp_path: Path, told: str) -> None:
    path = tmp_path / "wisp.db"
    if (spoiling := SPOILED[told](path)) is not None and asyncio.iscoroutine(spoiling):
        await spoiling
    bot = hello_bot(modules=[Quiet()])
    nowhere = Config(token=Sandbox().token, rest_url="http://127.0.0.1:1", database=str(path))
    with pytest.raises(wisp.errors.StartError) as caught:  # not that Discord cannot be reached
        await bot.start(nowhere)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert not bot.is_running


class Quiet(wisp.Module):
    name = "quiet"


async def test_a_service_for_data_that_does_not_start_keeps_the_bot_offline_and_another_one_does_not() -> None:
    class Broken:
        def __init__(self) -> None:
            self.stopped = False

        async def start(self, session: Any) -> None:
            raise RuntimeError("no power")

    for name in ("db", "guild_data"):
        bot = hello_bot()
        bot.services.register(name, Broken())
        with pytest.raises(wisp.errors.StartError, match=f'the bot needs the service "{name}": RuntimeError: no power'):
            async with connect(bot):
                pass
        assert bot.services.names() == []
    bot = hello_bot()
    for name in ("cache", "audit", "metrics", "scheduler"):
        bot.services.register(name, Broken())
    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("hello")).content == "Hello!"
        assert set(bot.services.missing) == {"cache", "audit", "metrics", "scheduler"}


async def test_a_bot_waits_for_its_database_and_goes_on_or_is_closed_at_once(
    sandbox: Sandbox, time: VirtualTime, tmp_path: Path
) -> None:
    path = tmp_path / "wisp.db"
    await in_a_database(path, "CREATE TABLE t (a)")
    config = msgspec.structs.replace(config_for(sandbox), database=str(path))
    for close in (True, False):
        bot = hello_bot()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            starting = asyncio.create_task(bot.start(config, clock=time.clock))
            await time.until()
            assert not starting.done()
            if close:
                await bot.close()
                with pytest.raises(wisp.errors.StartError, match="closed while it started"):
                    await starting
        if not close:
            await starting
            await bot.close()


async def test_a_bot_that_keeps_no_data_says_so_and_works(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wisp")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WISP_DATABASE", "other.db")
    bot = hello_bot(database=None, token=sandbox.token, rest_url=sandbox.rest_url)
    for _ in range(2):
        async with bot:
            assert await bot.guild_data.increment(guild_id=1, key="starts") == 1
            assert bot.services.missing == {}
    assert os.listdir(tmp_path) == []
    told = [record.getMessage() for record in caplog.records if "database=None" in record.getMessage()]
    assert told == ["the bot keeps its data in memory (database=None): it is lost when the bot stops"] * 2
    assert hello_bot().settings().database == "other.db"
    assert hello_bot(database=Path("mine.db")).settings().database == "mine.db"


# ---- the end ----

RESTARTING = "The bot is restarting. Please try again in a moment."


class Leave(wisp.Event):
    pass


def closing_bot() -> wisp.Bot:
    """A bot that closes in each place that code can stand in."""
    bot = wisp.Bot()

    @bot.command
    async def directly(ctx: wisp.Context) -> None:
        await bot.close()

    @bot.command
    async def three_times(ctx: wisp.Context) -> None:
        await asyncio.gather(bot.close(), bot.close(), bot.close())

    @bot.command
    async def in_time(ctx: wisp.Context) -> None:
        await asyncio.wait_for(asyncio.create_task(bot.close()), 1000)

    @bot.command
    async def in_passing(ctx: wisp.Context) -> str:
        ctx.bot.log.debug("%s", asyncio.create_task(bot.close()))
        await asyncio.sleep(0.02)
        return "Bye!"

    @bot.command
    async def by_event(ctx: wisp.Context) -> None:
        await bot.emit(Leave())

    @bot.listen
    async def leave(event: Leave) -> None:
        await bot.close()

    @bot.command
    async def by_error(ctx: wisp.Context) -> None:
        raise ValueError("oh no")

    @by_error.on_error
    async def close(ctx: Any, error: Exception) -> bool:
        await bot.close()
        return False

    @bot.command
    async def by_job(ctx: wisp.Context) -> None:
        await ctx.services.get("scheduler").once("leave", delay=0)

    @bot.job("leave")
    async def leave_by_job() -> None:
        await asyncio.gather(bot.close(), bot.close())

    wanted = asyncio.Event()

    @bot.command
    async def by_tick(ctx: wisp.Context) -> None:
        wanted.set()

    @bot.every(seconds=0.01)
    async def tick() -> None:
        if wanted.is_set():
            await asyncio.gather(bot.close(), bot.close())

    return bot


@pytest.mark.parametrize(
    "names",
    [
        ["directly"] * 3,
        ["three_times", "directly"],
        ["in_time"],
        ["in_passing"],
        ["by_event"],
        ["by_error"],
        ["by_job"],
        ["by_tick"],
    ],
    ids=" ".join,
)
async def test_a_handler_that_closes_the_bot_does_not_wait_for_itself(
    sandbox: Sandbox, time: VirtualTime, names: list[str]
) -> None:
    bot = closing_bot()
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    bot.runtime.shutdown_timeout = 1000.0
    asked = [call(sandbox, name) for name in names]
    await time.until(lambda: not bot.is_running)
    assert all(one.answered for one in asked)
    if names == ["in_passing"]:
        assert asked[0].original
        assert asked[0].original.content == "Bye!"


async def test_code_that_runs_at_the_end_may_close_the_bot_too(sandbox: Sandbox) -> None:
    bot = wisp.Bot()
    closed: list[str] = []

    class Closing(wisp.Module):
        name = "m"

        async def teardown(self, mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            await bot.close()
            closed.append("teardown")

    class Service:
        async def stop(self) -> None:
            await bot.close()
            closed.append("service")

    bot.modules.register(Closing())
    bot.services.register("mine", Service())

    @bot.listen(hikari.StoppingEvent, hikari.StoppedEvent)
    async def stopping(event: hikari.Event) -> None:
        await bot.close()
        closed.append(type(event).__name__)

    @bot.on_stop
    async def stop() -> None:
        await asyncio.gather(bot.close(), bot.close())
        closed.append("on_stop")

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    async with asyncio.timeout(5):
        await bot.close()
    assert closed == ["StoppingEvent", "teardown", "on_stop", "StoppedEvent", "service"]


async def test_calls_that_come_while_the_bot_closes_are_refused_and_do_not_prolong_it(
    sandbox: Sandbox, time: VirtualTime
) -> None:
    bot = hello_bot()
    enough = asyncio.Event()

    @bot.command
    async def slow(ctx: wisp.Context) -> str:
        await enough.wait()
        return "done"

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    bot.runtime.shutdown_timeout = 1000.0
    running = call(sandbox, "slow")
    await time.until(lambda: bool(bot.runtime.tasks.running))
    closing = asyncio.create_task(bot.close())
    refused: list[Interaction] = []
    async with asyncio.timeout(20):
        while not closing.done():
            if sum(not one.answered for one in refused) < 5:  # at each moment some are on their way
                refused.append(call(sandbox, "hello"))
            if len(refused) > 30:
                enough.set()
            await asyncio.sleep(0.01)
    assert [one.original.content for one in (running, *refused[:20]) if one.original] == ["done", *[RESTARTING] * 20]


async def test_a_person_who_is_asked_while_the_bot_closes_is_told_at_once(sandbox: Sandbox, time: VirtualTime) -> None:
    bot = wisp.Bot()
    closing = asyncio.Event()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        await closing.wait()
        await ctx.confirm("Sure?")

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    bot.runtime.shutdown_timeout = 1000.0
    call(sandbox, "ask")
    await time.until(lambda: bool(bot.runtime.tasks.running))
    ending = asyncio.create_task(bot.close())
    await time.until(lambda: bot.runtime.closing)
    closing.set()
    async with asyncio.timeout(5):
        await ending


async def test_all_closes_in_order_and_what_is_still_open_works(sandbox: Sandbox, time: VirtualTime) -> None:
    order: list[str] = []

    async def works() -> None:
        await bot.gateway.rest.fetch_my_user()
        await bot.guild_data.increment(guild_id=1, key="ends")

    class Part(wisp.Module):
        name = "part"

        @wisp.listen(hikari.StoppingEvent, hikari.StoppedEvent)
        async def stopping(self, event: hikari.Event) -> None:
            order.append(f"{type(event).__name__} in the module")

        async def teardown(self, mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            await works()
            order.append("teardown")

    bot = wisp.Bot(modules=[Part()])

    @bot.listen
    async def every_event(event: hikari.Event) -> None:
        if bot.runtime.closing:
            order.append(type(event).__name__)
        if isinstance(event, hikari.StoppingEvent):
            await works()

    @bot.on_start
    async def start() -> None:
        order.append("on_start")

    @bot.on_stop
    async def last() -> None:
        await works()
        order.append("the first on_stop")

    @bot.on_stop
    async def first(given: wisp.Bot) -> None:
        assert given is bot
        order.append("the last on_stop")

    @bot.command
    async def slow(ctx: wisp.Context) -> None:
        await time.until(lambda: bot.runtime.closing)
        order.append("command")

    for _ in range(2):
        order.clear()
        await bot.start(config_for(sandbox), clock=sandbox.world.clock)
        call(sandbox, "slow")
        await time.until(lambda: bool(bot.runtime.tasks.running))
        await bot.close()
        assert order == [
            "on_start",
            "command",
            "StoppingEvent",
            "StoppingEvent in the module",
            "teardown",
            "the last on_stop",
            "the first on_stop",
            "StoppedEvent in the module",
            "StoppedEvent",
        ]


async def test_on_stop_is_called_if_the_start_fails_after_on_start(sandbox: Sandbox) -> None:
    called: list[str] = []

    def failing_bot(*fails: bool) -> wisp.Bot:
        bot = hello_bot()

        async def start(number: int, fail: bool) -> None:
            called.append(f"start {number}")
            if fail:
                raise ValueError("oh no")

        for number, fail in enumerate(fails):
            bot.on_start(partial(start, number, fail))

        @bot.on_stop
        async def stop() -> None:
            called.append("stop")

        return bot

    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wrong1.aaaaaaaaaaaaaaa"
    wrong = Config(token=token, rest_url=sandbox.rest_url, database=":memory:")
    for fails, expected in {
        (False,): ["start 0", "stop"],
        (): ["stop"],
        (False, True): ["start 0", "start 1", "stop"],
        (True,): ["start 0"],
    }.items():
        called.clear()
        with pytest.raises((wisp.errors.StartError, ValueError)):
            await failing_bot(*fails).start(wrong)
        assert called == expected


async def test_an_on_stop_function_that_is_not_async_is_a_problem() -> None:
    bot = hello_bot()
    bot.on_stop(lambda: None)  # type: ignore[arg-type, return-value]
    (mistake,) = bot.check()
    assert "on_stop" in str(mistake)
    assert "not async" in str(mistake)


class Deaf:
    """Code that ignores its cancellation, until the test is over."""

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        while not self.released.is_set():
            with suppress(asyncio.CancelledError):
                await self.released.wait()


@pytest.fixture
async def deaf(time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deaf]:
    for name in (
        "tasks.CANCEL_TIMEOUT",
        "session.CANCEL_TIMEOUT",
        "runtime.CANCEL_TIMEOUT",
        "listeners.CANCEL_TIMEOUT",
    ):
        monkeypatch.setattr(f"wisp.{name}", 0.01)
    monkeypatch.setattr("wisp.runtime._CLOSING_LIMIT", 0.01)
    monkeypatch.setattr("wisp.bridge._CLOSE_TIMEOUT", 0.01)
    deaf = Deaf()
    yield deaf
    deaf.released.set()
    await time.until()


async def test_what_ignores_its_cancellation_is_named_and_left_behind(
    sandbox: Sandbox, time: VirtualTime, deaf: Deaf, caplog: pytest.LogCaptureFixture
) -> None:
    order: list[str] = []

    class Part(wisp.Module):
        name = "part"

        @wisp.command
        async def hang(self, ctx: wisp.Context) -> None:
            await deaf()

        async def teardown(self, mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            order.append("teardown")
            await deaf()

    class Service:
        async def stop(self) -> None:
            order.append("service")
            await deaf()

    bot = wisp.Bot(modules=[Part()])
    bot.services.register("mine", Service())

    @bot.listen
    async def started(event: hikari.ShardReadyEvent) -> None:
        await deaf()

    @bot.listen(hikari.StoppingEvent, hikari.StoppedEvent)
    async def stopping(event: hikari.Event) -> None:
        order.append(type(event).__name__)
        await deaf()

    @bot.every(seconds=0.01)
    async def tick() -> None:
        await deaf()

    @bot.on_start
    async def listen() -> None:
        bot.gateway.subscribe(hikari.StoppingEvent, deaf)

    @bot.on_stop
    async def farewell() -> None:
        order.append("on_stop")
        await deaf()

    deaf.__name__ = "raw"  # type: ignore[attr-defined]
    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    bot.runtime.shutdown_timeout = 0.02
    call(sandbox, "hang")
    await time.until(lambda: len(bot.runtime.tasks.running) == 3)
    began = time.time()
    await bot.close()
    assert time.time() - began < 0.5
    assert order == ["StoppingEvent", "teardown", "on_stop", "service"]
    assert caplog.text.count("cancelled after") == 1
    place = r" \(tests/test_bot\.py:\d+, in __call__\)"
    for line in (
        f'abandoned, since it ignores cancellation: /hang{place}, job "tick"{place}, listener "started"{place}',
        f'listener "stopping" for StoppingEvent took more than 0.01 s{place}',
        f'the teardown of module "part" took more than 0.01 s{place}',
        f'the on_stop function "farewell" did not close properly: it took more than 0.01 s{place}',
        f'service "mine" did not stop properly: it took more than 0.01 s{place}',
        "the connection to Discord did not close properly: it took more than 0.01 s: does a raw listener hold it up",
    ):
        assert re.search(line, caplog.text), line


async def test_a_start_that_ignores_its_cancellation_does_not_hold_up_the_close(
    sandbox: Sandbox, time: VirtualTime, deaf: Deaf, caplog: pytest.LogCaptureFixture
) -> None:
    bot = hello_bot()
    called: list[str] = []

    @bot.on_start
    async def begin() -> None:
        called.append("begin")

    @bot.on_stop
    async def end() -> None:
        called.append("end")

    @bot.on_start
    async def hang() -> None:
        bot.runtime.shutdown_timeout = 0.01
        await deaf()

    starting = asyncio.create_task(bot.start(config_for(sandbox), clock=sandbox.world.clock))
    await time.until(lambda: bot.is_running and bot.runtime.shutdown_timeout < 1)
    await bot.close()
    assert "abandoned, since it ignores cancellation: the start (tests/test_bot.py:" in caplog.text
    assert not bot.is_running
    assert called == ["begin", "end"]
    deaf.released.set()
    with pytest.raises(wisp.errors.StartError, match="closed while it started"):
        await starting


async def test_parts_that_hang_share_the_time_to_close(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.runtime._CLOSING_LIMIT", 0.2)
    monkeypatch.setattr("wisp.session.CANCEL_TIMEOUT", 0.01)
    monkeypatch.setattr("wisp.runtime.CANCEL_TIMEOUT", 0.01)
    limits: list[float] = []
    real = wisp.session.within
    monkeypatch.setattr("wisp.session.within", lambda seconds, work: limits.append(seconds) or real(seconds, work))
    bot = hello_bot()
    for _ in range(5):

        @bot.on_stop
        async def hang() -> None:
            await asyncio.Event().wait()

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    limits.clear()
    await bot.close()
    first, *others = limits[:5]
    assert first > 0.01
    assert others == [0.01] * 4


async def test_each_part_closes_whatever_the_others_raise(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    bot = hello_bot()
    errors: list[BaseException] = [ValueError("oh no"), asyncio.CancelledError(), SystemExit(3)]
    called: list[str] = []

    @bot.listen
    async def stopping(event: hikari.StoppingEvent) -> None:
        raise ValueError("stopping")

    async def stop(error: BaseException) -> None:
        called.append(type(error).__name__)
        raise error

    for error in errors:
        bot.on_stop(partial(stop, error))

    @bot.on_start
    async def listen() -> None:
        async def raw(event: hikari.StoppingEvent) -> None:
            raise asyncio.CancelledError

        bot.gateway.subscribe(hikari.StoppingEvent, raw)

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    left = bot.runtime.exit_requested = asyncio.get_running_loop().create_future()
    rest = bot.gateway.rest
    await bot.close()
    assert called == ["SystemExit", "CancelledError", "ValueError"]
    assert left.result() is errors[2]
    assert not rest.is_alive
    assert 'in listener "stopping"' in caplog.text


async def test_an_answer_after_the_close_is_one_error_that_says_so(
    sandbox: Sandbox, time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    bot = wisp.Bot()

    @bot.command
    async def late(ctx: wisp.Context) -> str:
        await bot.close()
        return "Bye!"

    await bot.start(config_for(sandbox), clock=sandbox.world.clock)
    call(sandbox, "late")
    await time.until(lambda: "in /late" in caplog.text)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info
    assert "Answer before `await bot.close()`" in str(record.exc_info[1])


async def test_an_exit_in_on_start_ends_a_program_in_order(served: Sandbox) -> None:
    bot = hello_bot()
    called: list[str] = []

    @bot.on_start
    async def open_it() -> None:
        called.append("on_start")

    @bot.on_start
    async def leave() -> None:
        sys.exit(4)

    @bot.on_stop
    async def close_it() -> None:
        called.append("on_stop")

    with pytest.raises(SystemExit) as caught:
        await bot._serve(config_for(served))
    assert (caught.value.code, called, bot.is_running) == (4, ["on_start", "on_stop"], False)


# ---- as a program ----


def program(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bot.py"
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file


HELLO = """
    import asyncio, sys, time, wisp
    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        \"\"\"Say hello.\"\"\"
        await asyncio.sleep(DELAY)
        return "Hello!"

    bot.run()
"""


async def start_program(file: Path, sandbox: Sandbox | None = None, **environ: str) -> asyncio.subprocess.Process:
    environ = {"PYTHONASYNCIODEBUG": "", **environ}  # in which a program writes how long callbacks took
    if sandbox is not None:
        environ = {"DISCORD_TOKEN": sandbox.token, "WISP_REST_URL": sandbox.rest_url, **environ}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        cwd=file.parent,
        env={**{name: value for name, value in os.environ.items() if "DISCORD" not in name}, **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def is_up(process: asyncio.subprocess.Process, sign: bytes = b"is up") -> None:
    assert process.stderr is not None
    lines = b""
    while sign not in lines:
        line = await process.stderr.readline()
        assert line, lines.decode()
        lines += line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_program_in_order_after_running_commands(
    served: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    process = await start_program(program(tmp_path, HELLO.replace("DELAY", "0.2")), served)
    await is_up(process)
    asked = call(served, "hello")
    await asyncio.sleep(0.05)
    process.send_signal(number)
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert asked.original is not None
    assert asked.original.content == "Hello!"
    assert f"{number.name}: closing" in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_signal_that_the_process_ignores_stays_ignored_and_handlers_are_put_back() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with stop_signals() as signalled:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) is not interrupt
            assert not signalled.done()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is interrupt
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12: a process with threads forks
async def test_signals_of_a_forked_child_do_not_count_for_the_program() -> None:
    with stop_signals() as signalled:
        assert [code_of_terminated_child() for _ in range(2)] == [-signal.SIGTERM] * 2
        await asyncio.sleep(0.1)
        assert not signalled.done()


def code_of_terminated_child() -> int:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"ready")
        for _ in range(200):
            time.sleep(0.05)
        os._exit(0)
    assert os.read(reader, 5) == b"ready"
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def test_a_handler_that_exits_ends_the_program_in_order_with_its_code(served: Sandbox, tmp_path: Path) -> None:
    text = HELLO.replace("await asyncio.sleep(DELAY)", "raise SystemExit(3)")
    process = await start_program(program(tmp_path, text), served)
    await is_up(process)
    asked = call(served, "hello")
    _, err = await process.communicate()
    assert process.returncode == 3, err.decode()
    assert asked.answered
    assert "Unclosed" not in err.decode()


@pytest.mark.parametrize("wait", ["await asyncio.sleep(3600)", "time.sleep(3600)"], ids=["waiting", "blocking"])
async def test_a_second_signal_ends_the_program_at_once(served: Sandbox, tmp_path: Path, wait: str) -> None:
    text = HELLO.replace("await asyncio.sleep(DELAY)", f"print('runs', file=sys.stderr, flush=True); {wait}")
    process = await start_program(program(tmp_path, text), served)
    await is_up(process)
    call(served, "hello")
    await is_up(process, b"runs")
    first = time.monotonic()
    while process.returncode is None and time.monotonic() - first < 20:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)  # send_signal() may take the exit code before asyncio does
        await asyncio.sleep(0.05)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)
    assert time.monotonic() - first < 5


BLOCKED_IN_C = """
    import hashlib, wisp, wisp.program
    wisp.program.CANCEL_TIMEOUT = 0.1
    bot = wisp.Bot()

    @bot.command
    async def crunch(ctx: wisp.Context) -> None:
        print("crunching", flush=True)
        hashlib.pbkdf2_hmac("sha512", b"x", b"y", 500_000_000)

    bot.run()
"""


async def test_a_second_signal_ends_a_program_that_is_blocked_in_c(served: Sandbox, tmp_path: Path) -> None:
    process = await start_program(program(tmp_path, BLOCKED_IN_C), served)
    await is_up(process)
    call(served, "crunch")
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 20)
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)  # two that come at once are one for the kernel
    assert await asyncio.wait_for(process.wait(), 20) in (128 + signal.SIGTERM, -signal.SIGTERM)


EXITS_OF_TASKS = """
    import asyncio, sys, wisp
    bot = wisp.Bot()
    tasks = []

    async def exits(seconds: float, code: int) -> None:
        await asyncio.sleep(seconds)
        sys.exit(code)

    @bot.command
    async def slow(ctx: wisp.Context) -> str:
        tasks.append(asyncio.create_task(exits(0.05, 3)))
        tasks.append(asyncio.create_task(exits(0.1, 4)))
        print("called", flush=True)
        await asyncio.wait(tasks)
        return "answered"

    @bot.on_stop
    async def stop() -> None:
        print("on_stop")

    bot.run()
"""


@pytest.mark.parametrize("is_closing", [False, True])
async def test_exits_of_a_bots_own_tasks_do_not_cut_its_close_short(
    served: Sandbox, tmp_path: Path, is_closing: bool
) -> None:
    process = await start_program(program(tmp_path, EXITS_OF_TASKS), served)
    await is_up(process)
    asked = call(served, "slow")
    if is_closing:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), 20)
        process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 3, err.decode()
    assert b"on_stop" in out
    assert asked.original is not None
    assert asked.original.content == "answered"
    assert b"still run" not in err


LEFT_BEHIND = """
    import asyncio, atexit, sys, threading, time, wisp, wisp.runtime, wisp.session, wisp.tasks
    wisp.tasks.CANCEL_TIMEOUT = wisp.session.CANCEL_TIMEOUT = 0.1
    wisp.runtime.CANCEL_TIMEOUT = wisp.runtime._CLOSING_LIMIT = 0.5  # also for the database, on a busy machine
    bot = wisp.Bot()
    tasks = []

    async def deaf():
        while True:
            try:
                await asyncio.sleep(3600)
            except BaseException:
                pass

    @bot.on_start
    async def start():
        bot.runtime.shutdown_timeout = 0.1

    @bot.command
    async def hang(ctx: wisp.Context) -> None:
        tasks.append(asyncio.create_task(deaf()))
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
        threading.Thread(target=lambda: time.sleep(3600), name="mine").start()
        await ctx.respond("ready")
        await deaf()

    @bot.command
    async def leave(ctx: wisp.Context) -> None:
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
        sys.exit(3)

    @bot.on_stop
    async def stop():
        await asyncio.to_thread(time.sleep, 3600)

    atexit.register(print, "at exit")
    try:
        bot.run()
    finally:
        print("after the run")
"""


@pytest.mark.parametrize(("name", "code"), [("hang", 0), ("leave", 3)])
async def test_what_is_left_does_not_hold_up_the_end_of_the_program(
    served: Sandbox, tmp_path: Path, name: str, code: int
) -> None:
    process = await start_program(program(tmp_path, LEFT_BEHIND), served)
    await is_up(process)
    asked = call(served, name)
    await until(lambda: asked.answered)
    if name == "hang":
        process.send_signal(signal.SIGTERM)
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == code, err.decode()
    assert out.decode().split("\n") == ["after the run", "at exit", ""]
    assert sorted(os.listdir(tmp_path)) == ["bot.py", "wisp.db", "wisp.db-lock"]  # the database was closed
    lines = [
        'function "stop" did not close properly: it took more than 0.5 s (bot.py:',
        "the process ends without the threads and processes that still run: asyncio_0",
    ]
    if name == "hang":
        lines += ["abandoned, since it ignores cancellation: /hang (bot.py:", "cancellation: deaf (bot.py:"]
        lines += ["mine (bot.py:"]
    assert [line for line in lines if line not in err.decode()] == []
    assert "Traceback" not in err.decode()


PROCESSES = """
    import multiprocessing, threading, time, wisp, wisp.program
    wisp.program.CANCEL_TIMEOUT = 0.1
    bot = wisp.Bot()

    @bot.on_start
    async def start():
        bot.runtime.shutdown_timeout = 0.1
        multiprocessing.get_context("spawn").Process(target=time.sleep, args=(3600,), name="counting").start()

    def keep_alive():
        open("ended").read()

    if __name__ == "__main__":
        threading.Thread(target=keep_alive, name="keep_alive").start()
        bot.run()
"""


RUNS_TWICE = """
    import threading, wisp.program

    def keep_alive():
        open("ended").read()

    async def main(): ...

    threading.Thread(target=keep_alive, name="keep_alive").start()
    wisp.program.run(main())
    wisp.program.run(main())
    print("ran twice", file=wisp.program.sys.stderr, flush=True)
"""


async def test_a_program_that_ran_twice_waits_once_for_its_own_threads(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ended")
    process = await start_program(program(tmp_path, RUNS_TWICE))
    for sign in (b"ran twice", b"that it had before the bot ran: keep_alive"):
        await is_up(process, sign)
    (tmp_path / "ended").write_text("")
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, err) == (0, b"")


async def test_processes_do_not_hold_up_the_end_and_threads_of_the_program_are_named(
    served: Sandbox, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "ended")  # to open it for reading waits for a writer
    process = await start_program(program(tmp_path, PROCESSES), served)
    await is_up(process)
    process.send_signal(signal.SIGTERM)
    await is_up(process, b"the process waits for threads that it had before the bot ran: keep_alive (bot.py:")
    (tmp_path / "ended").write_text("")
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, err.decode()
    assert "the process ends without the threads and processes that still run: counting" in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_connection_that_discord_ends_for_good_is_said_in_words(served: Sandbox, tmp_path: Path) -> None:
    process = await start_program(program(tmp_path, HELLO.replace("DELAY", "0")), served)
    await is_up(process)
    served.drop(code=4004)
    _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert "Discord closed the connection (4004): the token was reset meanwhile: set DISCORD_TOKEN" in err.decode()


async def test_a_refused_token_ends_the_program_with_1_and_a_plain_line(served: Sandbox, tmp_path: Path) -> None:
    file = program(tmp_path, HELLO.replace("DELAY", "0"))
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wrong1.aaaaaaaaaaaaaaaaaaaaaaaaaaa"
    process = await start_program(file, DISCORD_TOKEN=token, WISP_REST_URL=served.rest_url)
    out, err = await process.communicate()
    assert process.returncode == 1
    assert "Discord refused the token (401)" in err.decode()
    assert "Traceback" not in err.decode()
    assert "wrong1" not in (out + err).decode()


async def test_a_database_that_cannot_be_opened_ends_the_program_with_1_and_a_plain_line(tmp_path: Path) -> None:
    file = program(tmp_path, HELLO.replace("DELAY", "0"))
    process = await start_program(file, DISCORD_TOKEN=Sandbox().token, WISP_DATABASE="nowhere/wisp.db")
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "the database nowhere/wisp.db: it cannot be opened. Expected a file" in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_signal_ends_a_program_that_waits_for_its_database(tmp_path: Path) -> None:
    await in_a_database(tmp_path / "wisp.db", "CREATE TABLE t (a)")
    with closing(sqlite3.connect(tmp_path / "wisp.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        process = await start_program(program(tmp_path, HELLO), DISCORD_TOKEN=Sandbox().token)
        assert process.stderr is not None
        line = await process.stderr.readline()
        assert b"the database wisp.db: another process holds it. " in line
        process.send_signal(signal.SIGTERM)
        _, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, err.decode()
    assert "Traceback" not in err.decode()


async def test_without_a_token_and_a_terminal_the_program_names_both_ways_on(tmp_path: Path) -> None:
    process = await start_program(program(tmp_path, HELLO.replace("DELAY", "0")))
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "DISCORD_TOKEN" in err.decode()
    assert 'wisp sandbox bot.py --run "/hello"' in err.decode()


async def test_mistakes_end_the_program_with_1_file_and_line(tmp_path: Path) -> None:
    text = HELLO.replace("async def hello(ctx: wisp.Context)", "async def hello(ctx: wisp.Context, x)").replace(
        "DELAY", "0"
    )
    process = await start_program(
        program(tmp_path, text), DISCORD_TOKEN="MTIzNDU2Nzg5MDEyMzQ1Njc4.wrong1.aaaaaaaaaaaaaaa"
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert 'bot.py:5: command "hello", option "x": it has no annotation' in err.decode()
    assert "Traceback" not in err.decode()


async def test_run_does_nothing_in_an_imported_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import importlib.util

    caplog.set_level(logging.INFO, "wisp.bot")
    spec = importlib.util.spec_from_file_location("imported_bot", program(tmp_path, HELLO.replace("DELAY", "0")))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "bot.run() does nothing" in caplog.text
    async with connect(module.bot) as discord:
        assert (await discord.member("ada").slash("hello")).content == "Hello!"


@pytest.mark.parametrize(
    ("ending", "code", "logged"),
    [("raise SystemExit(4)", 4, "SIGTERM: closing"), ('raise ValueError("oh no")', 0, "ValueError: oh no")],
)
async def test_what_a_start_raises_while_a_signal_stops_it_is_not_lost(
    served: Sandbox, tmp_path: Path, ending: str, code: int, logged: str
) -> None:
    text = f"""
        import asyncio
        import wisp

        bot = wisp.Bot(database=":memory:")


        @bot.on_start
        async def hang() -> None:
            print("hangs", flush=True)
            try:
                await asyncio.sleep(60)
            finally:
                {ending}


        bot.run()
    """
    process = await start_program(program(tmp_path, textwrap.dedent(text)), served)
    assert process.stdout is not None
    assert b"hangs" in await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, err = await process.communicate()
    assert process.returncode == code, err.decode()
    assert logged in err.decode()


async def nothing() -> None:
    """Take no parameters."""


async def nothing_by_position(*, event: hikari.StartedEvent) -> None:
    """Take no positional parameters."""


async def three(a: object, b: object, c: object) -> None:
    """Take more parameters than any handler gets."""


def no_context() -> bool:
    return True


FITTING: list[Callable[[wisp.Bot], object]] = [
    lambda bot: bot.on_start(nothing),
    lambda bot: bot.on_stop(partial(three, 1, 2)),
    lambda bot: bot.on_error(partial(three, 1)),
    lambda bot: bot.migration(1)(partial(three, 1, 2)),
    lambda bot: bot.component("shows")(partial(three, b=1, c=2)),
    lambda bot: bot.modal("keeps:{c}")(wrapped),
    lambda bot: bot.listen(hikari.Event)(partial(three, 1, 2)),
    lambda bot: bot.command(wisp.guard(lambda *args: True)(wisp.cooldown(1, bucket=lambda ctx, x=1: x)(wrapped_all))),
]


async def wrapped(ctx: wisp.ModalContext, *, c: str) -> None:
    """Take a field by name only."""


async def wrapped_all(ctx: wisp.Context) -> None:
    """Take the context."""


UNFITTING: dict[str, Callable[[wisp.Bot], object]] = {
    'component "x": it is called with (ctx), which fails': lambda bot: bot.component("x")(nothing),  # type: ignore[arg-type]
    'modal "x": it is called with (ctx), which fails': lambda bot: bot.modal("x")(nothing),  # type: ignore[arg-type]
    'component "x:{a}": it is called with (ctx, a=), which fails': lambda bot: bot.component("x:{a}")(positional),
    'error handler "nothing": it is called with (ctx, error), which fails': lambda bot: bot.on_error(nothing),  # type: ignore[type-var]
    'error handler "three": it is called with (ctx, error), which fails': lambda bot: bot.command(wrapped_all).on_error(
        three
    ),  # type: ignore[type-var]
    'command "wrapped_all": guard "no_context": it is called with (ctx), which fails': lambda bot: bot.command(
        wisp.guard(no_context)(shown())
    ),
    'command "wrapped_all": cooldown has bucket=<function': lambda bot: bot.command(
        wisp.cooldown(1, bucket=no_context)(shown())
    ),
    'command "wrapped_all": concurrency has bucket=<function': lambda bot: bot.command(
        wisp.concurrency(1, bucket=no_context)(shown())
    ),
    "migration 1: it is called with (tx), which fails": lambda bot: bot.migration(1)(nothing),  # type: ignore[type-var]
    'on_start "three": it is called with (bot), which fails': lambda bot: bot.on_start(three),
    'on_stop "nothing_by_position": it is called with (bot), which fails': lambda bot: bot.on_stop(nothing_by_position),
    'listener "nothing_by_position": it is called with (event), which fails': lambda bot: bot.listen(
        nothing_by_position
    ),
    'listener "three": it is called with (event), which fails': lambda bot: bot.listen(hikari.Event)(three),
    'job "three": it is called with (), which fails': lambda bot: bot.every(hours=1)(three),  # type: ignore[type-var]
}


async def positional(ctx: wisp.ComponentContext, a: str, /) -> None:
    """Take a field by position only."""


def shown() -> Callable[[wisp.Context], Any]:
    async def wrapped_all(ctx: wisp.Context) -> None:
        """Carry a rule of its own."""

    return wrapped_all


def test_functions_that_do_not_take_what_they_are_called_with_are_mistakes_with_their_place() -> None:
    for expected, register in UNFITTING.items():
        bot = wisp.Bot()
        register(bot)
        (mistake,) = bot.check()
        assert f"{mistake.where}: {mistake.message}".startswith(expected)
        assert str(mistake.file).endswith("test_bot.py")
        assert mistake.line
    for register in FITTING:
        bot = wisp.Bot()
        register(bot)
        assert bot.check() == []


async def test_an_error_handler_of_a_module_that_takes_too_little_keeps_it_from_loading() -> None:
    class Handling(wisp.Module):
        name = "handling"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            bot.on_error(nothing)  # type: ignore[type-var]

    bot = wisp.Bot(modules=[Handling()])
    async with connect(bot):
        assert 'error handler "nothing": it is called with (ctx, error)' in bot.modules.missing["handling"]
