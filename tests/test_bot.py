"""The bot's life: settings, start, what it says of itself, signals, close."""

import asyncio
import logging
import os
import re
import signal
import sqlite3
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import hikari
import msgspec
import pytest
from aiohttp import web

import wisp
from wisp.clock import Clock
from wisp.config import Config
from wisp.sandbox import Sandbox
from wisp.testing import connect


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
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


async def test_closing_twice_or_before_the_start_does_nothing(sandbox: Sandbox) -> None:
    bot = hello_bot()
    await bot.close()
    await bot.start(config_for(sandbox))
    await asyncio.gather(bot.close(), bot.close())
    await bot.close()


async def test_what_stands_underneath_exists_from_the_start_on_and_says_so_before(sandbox: Sandbox) -> None:
    bot = hello_bot()
    for name in ("gateway", "client", "session"):
        with pytest.raises(wisp.WispError, match="on_start"):
            getattr(bot, name)
    seen: list[str] = []

    @bot.on_start
    async def prepare() -> None:
        assert isinstance(bot.gateway, hikari.GatewayBot)
        seen.append("prepared" if not bot.gateway.is_alive else "too late")

    await bot.start(config_for(sandbox))
    await bot.close()
    assert seen == ["prepared"]


async def test_registering_while_the_bot_runs_is_a_clear_error() -> None:
    bot = hello_bot()
    async with connect(bot):
        with pytest.raises(wisp.WispError, match="before it starts"):
            bot.command(name="late")(lambda ctx: None)  # type: ignore[arg-type, return-value]


async def test_starting_twice_is_a_clear_error(sandbox: Sandbox) -> None:
    bot = hello_bot()
    await bot.start(config_for(sandbox))
    with pytest.raises(wisp.WispError, match="runs already"):
        await bot.start(config_for(sandbox))
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

    with pytest.raises(wisp.Mistakes) as caught:
        await bot.start(Config())
    places = [mistake.line for mistake in caught.value.mistakes if mistake.line]
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
    await bot.start(config_for(sandbox))
    summary = bot.session.summary()
    await bot.close()
    assert "1 command, 0 listeners, 1 server " in summary


async def test_running_handlers_get_their_grace_and_late_ones_are_told(sandbox: Sandbox) -> None:
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

    await bot.start(config_for(sandbox))
    session = bot.session
    session.grace = 0.05
    ada = next(user for user in sandbox.world.users.values() if user.name == "ada")
    (guild,) = sandbox.world.guilds.values()
    channel = guild.channel("general")
    assert channel is not None
    commands = {command["name"]: command for command in sandbox.world.visible_commands(None)}
    asked = [
        sandbox.world.create_interaction(2, ada, channel, {"id": commands[name]["id"], "name": name, "type": 1})
        for name in ("quick", "endless")
    ]
    while len(session.work.tasks) < 2:
        await asyncio.sleep(0)
    await bot.close()
    assert ended == ["quick"]
    answers = [interaction.original.content for interaction in asked if interaction.original]
    assert answers == ["done", "The bot is restarting. Please try again in a moment."]


async def test_each_close_that_fails_is_logged_and_the_rest_still_closes(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    bot = hello_bot()
    await bot.start(config_for(sandbox))
    gateway = bot.gateway
    closed: list[str] = []

    async def fine() -> None:
        closed.append("fine")

    async def broken() -> None:
        raise OSError("stuck")

    bot.session._opened[:0] = [("first", fine)]
    bot.session._opened += [("last", broken)]
    await bot.close()
    assert closed == ["fine"]
    assert not gateway.is_alive
    assert "last did not close properly" in caplog.text


async def test_answers_of_429_and_5xx_are_tried_again(sandbox: Sandbox) -> None:
    sandbox.fail("GET", r"/applications/@me$", 503)
    sandbox.fail("GET", r"/commands", 429, headers={"Retry-After": "0.01"}, body={"retry_after": 0.01, "global": False})
    bot = hello_bot()
    await bot.start(config_for(sandbox))
    await bot.close()


async def test_a_refused_token_is_said_plainly_and_never_shown(sandbox: Sandbox) -> None:
    bot = hello_bot()
    wrong = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wrong1.aaaaaaaaaaaaaaaaaaaaaaaaaaa"
    with pytest.raises(wisp.StartError, match=r"refused the token \(401\)") as caught:
        await bot.start(Config(token=wrong, rest_url=sandbox.rest_url, database=":memory:"))
    assert "wrong1" not in str(caught.value)
    with pytest.raises(wisp.WispError):
        bot.session  # noqa: B018


async def test_a_server_that_cannot_be_reached_is_said_plainly() -> None:
    from wisp.start_refusals import explained

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
    (200, "application/json", "[]", "Discord's answer could not be read (AssertionError: "),
    (200, "application/json", "{}", "Discord's answer could not be read (KeyError: "),
    (
        403,
        "text/html",
        "<p>Blocked</p>",
        "Discord answered 403 to http://127.0.0.1:PORT/oauth2/applications/@me. It is a page of",
    ),
    (429, "text/html", "<p>Banned</p>", "Discord answered 429 to http://127.0.0.1:PORT/oauth2/applications/@me"),
    (403, "application/json", '{"message": "No bots", "code": 20001}', "/applications/@me: No bots. Its state: https"),
    (
        501,
        "text/html",
        "<p>Broken</p>",
        "Discord answered 501 to http://127.0.0.1:PORT/oauth2/applications/@me. Its state: ",
    ),
]


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
        with pytest.raises(wisp.StartError) as caught:
            await hello_bot().start(config)
        assert told.replace("PORT", str(port)) in str(caught.value)
        assert caught.value.__cause__ is not None
    await runner.cleanup()


async def test_without_session_starts_no_shard_connects_and_the_error_says_until_when(sandbox: Sandbox) -> None:
    sandbox.gateway.session_starts = 1
    bot = hello_bot()
    await bot.start(config_for(sandbox))
    await bot.close()
    sandbox.world.commands.clear()
    with pytest.raises(wisp.StartError, match=r"of 1 session starts 0 are left, and 1 shard needs 1\.") as caught:
        await bot.start(config_for(sandbox))
    assert re.search(r"Start the bot again at \d\d:\d\d UTC \(in 24 hours\)", str(caught.value))
    assert sandbox.world.commands == {}  # nothing is registered for a bot that cannot connect
    sandbox.gateway.session_starts, sandbox.world.shards = 2, 2
    with pytest.raises(wisp.StartError, match=r"of 2 session starts 1 are left, and 2 shards need 2\."):
        await bot.start(config_for(sandbox))


@pytest.mark.parametrize("url", ["", "gateway.discord.gg", "ftp://gateway", "wss://", "ws://[", "ws://host:0"])
async def test_a_gateway_without_a_usable_address_is_said_in_words(sandbox: Sandbox, url: str) -> None:
    sandbox._rest.gateway_url = url
    with pytest.raises(wisp.StartError, match="Discord's gateway has no usable address"):
        await hello_bot().start(config_for(sandbox))


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
    with pytest.raises(wisp.StartError, match="Discord's answer could not be read"):
        await hello_bot().start(config_for(sandbox))
    await runner.cleanup()


async def test_a_gateway_that_keeps_silent_is_told_of_after_30_s(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    doorman, clock, bot = Doorman(), Clock(), hello_bot()
    runner = await doorman.start(sandbox)
    starting = asyncio.create_task(bot.start(config_for(sandbox), clock=clock))
    await doorman.came.wait()
    await clock.advance(31, lambda: asyncio.sleep(0))
    assert "Discord has not let the bot in after 30 s, and the bot goes on trying" in caplog.text
    await bot.close()
    with pytest.raises(wisp.StartError, match="closed while it started"):
        await starting
    assert clock.timers == set()
    await runner.cleanup()


async def test_a_privileged_intent_that_is_off_is_named_with_its_page_and_its_listener(sandbox: Sandbox) -> None:
    sandbox.world.application_flags = 0
    bot = hello_bot(intents="MESSAGE_CONTENT")

    @bot.listen
    async def welcome(event: hikari.MemberCreateEvent) -> None: ...

    with pytest.raises(wisp.Mistakes) as caught:
        await bot.start(config_for(sandbox, intents=("MESSAGE_CONTENT",)))
    page = f"https://discord.com/developers/applications/{sandbox.world.bot.id}/bot"
    assert [(mistake.where, page in mistake.fix) for mistake in caught.value.mistakes] == [
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
        starting = asyncio.create_task(bot.start(config_for(sandbox)))
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

    with pytest.raises(wisp.StartError, match="closed while it started"):
        await bot.start(config_for(sandbox))
    with pytest.raises(wisp.WispError):
        bot.session  # noqa: B018


async def test_a_close_that_is_cancelled_goes_on(sandbox: Sandbox) -> None:
    bot = wisp.Bot()
    released = asyncio.Event()

    @bot.listen
    async def hold(event: hikari.ShardReadyEvent) -> None:
        await released.wait()

    await bot.start(config_for(sandbox))
    gateway = bot.gateway
    while not bot.session.work.tasks:
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.close(), 0.01)
    released.set()
    await bot.close()
    assert not gateway.is_alive


async def test_a_refused_gateway_is_said_in_words(sandbox: Sandbox) -> None:
    from wisp.start_refusals import explained

    closed = hikari.GatewayServerClosedConnectionError("no", 4014, False)
    assert "a privileged intent is not switched on" in str(explained(closed))
    assert explained(closed).__cause__ is closed
    assert "could not be read (KeyError: 'id')" in str(explained(KeyError("id")))
    assert "did not let the bot in: Expected HELLO." in str(explained(hikari.GatewayError("Expected HELLO")))
    assert "ended while it began: One or more shards" in str(explained(RuntimeError("One or more shards closed")))


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
    "cannot be taken (Is a directory)": lambda path: Path(f"{path}-lock").mkdir(),
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
    with pytest.raises(wisp.StartError) as caught:  # not that Discord cannot be reached
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
        with pytest.raises(wisp.StartError, match=f'no start without the service "{name}": RuntimeError: no power'):
            async with connect(bot):
                pass
        assert bot.services.names() == []
    bot = hello_bot()
    for name in ("cache", "audit", "metrics", "scheduler"):
        bot.services.register(name, Broken())
    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("hello")).content == "Hello!"
        assert set(bot.services.missing) == {"cache", "audit", "metrics", "scheduler"}


async def test_a_bot_waits_for_its_database_and_goes_on_or_is_closed_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "wisp.db"
    await in_a_database(path, "CREATE TABLE t (a)")
    config = msgspec.structs.replace(config_for(sandbox), database=str(path))
    for close in (True, False):
        bot, clock = hello_bot(), Clock()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            starting = asyncio.create_task(bot.start(config, clock=clock))
            while not clock.timers:
                await asyncio.sleep(0.001)
            if close:
                await asyncio.wait_for(bot.close(), 1)
                with pytest.raises(wisp.StartError, match="closed while it started"):
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
    assert told == ["the bot keeps its data in memory (database=None): they are lost when it stops"] * 2
    assert hello_bot().settings().database == "other.db"
    assert hello_bot(database=Path("mine.db")).settings().database == "mine.db"


# ---- as a program ----


def program(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bot.py"
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file


HELLO = """
    import asyncio, wisp
    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        \"\"\"Say hello.\"\"\"
        await asyncio.sleep(DELAY)
        return "Hello!"

    bot.run()
"""


async def start_program(file: Path, **environ: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        cwd=file.parent,
        env={**{name: value for name, value in os.environ.items() if "DISCORD" not in name}, **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def is_up(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    lines = b""
    while b"is up" not in lines:
        line = await process.stderr.readline()
        assert line, lines.decode()
        lines += line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_program_in_order_after_running_commands(
    sandbox: Sandbox, tmp_path: Path, number: signal.Signals
) -> None:
    file = program(tmp_path, HELLO.replace("DELAY", "0.2"))
    process = await start_program(file, DISCORD_TOKEN=sandbox.token, WISP_REST_URL=sandbox.rest_url)
    await is_up(process)
    ada = next(user for user in sandbox.world.users.values() if user.name == "ada")
    (guild,) = sandbox.world.guilds.values()
    channel = guild.channel("general")
    assert channel is not None
    (command,) = sandbox.world.visible_commands(None)
    asked = sandbox.world.create_interaction(2, ada, channel, {"id": command["id"], "name": "hello", "type": 1})
    await asyncio.sleep(0.05)
    process.send_signal(number)
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert asked.original is not None
    assert asked.original.content == "Hello!"
    assert "Traceback" not in err.decode()


async def test_a_handler_that_exits_ends_the_program_in_order_with_its_code(sandbox: Sandbox, tmp_path: Path) -> None:
    text = HELLO.replace("await asyncio.sleep(DELAY)", "raise SystemExit(3)")
    process = await start_program(program(tmp_path, text), DISCORD_TOKEN=sandbox.token, WISP_REST_URL=sandbox.rest_url)
    await is_up(process)
    ada = next(user for user in sandbox.world.users.values() if user.name == "ada")
    (guild,) = sandbox.world.guilds.values()
    channel = guild.channel("general")
    assert channel is not None
    (command,) = sandbox.world.visible_commands(None)
    asked = sandbox.world.create_interaction(2, ada, channel, {"id": command["id"], "name": "hello", "type": 1})
    _, err = await process.communicate()
    assert process.returncode == 3, err.decode()
    assert asked.answered
    assert "Unclosed" not in err.decode()


async def test_a_second_signal_ends_the_program_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    file = program(tmp_path, HELLO.replace("DELAY", "3600"))
    process = await start_program(file, DISCORD_TOKEN=sandbox.token, WISP_REST_URL=sandbox.rest_url)
    await is_up(process)
    ada = next(user for user in sandbox.world.users.values() if user.name == "ada")
    (guild,) = sandbox.world.guilds.values()
    channel = guild.channel("general")
    assert channel is not None
    (command,) = sandbox.world.visible_commands(None)
    sandbox.world.create_interaction(2, ada, channel, {"id": command["id"], "name": "hello", "type": 1})
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    while b"closing" not in await process.stderr.readline():
        pass
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == -signal.SIGTERM


async def test_a_refused_token_ends_the_program_with_1_and_a_plain_line(sandbox: Sandbox, tmp_path: Path) -> None:
    file = program(tmp_path, HELLO.replace("DELAY", "0"))
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wrong1.aaaaaaaaaaaaaaaaaaaaaaaaaaa"
    process = await start_program(file, DISCORD_TOKEN=token, WISP_REST_URL=sandbox.rest_url)
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
        assert b"the database wisp.db: another process holds it. Waiting up to 60 s for it to be free" in line
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
