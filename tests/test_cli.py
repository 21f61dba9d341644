"""The command line: what it prints, where, and with which exit code."""

import datetime
import gc
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wisp
from wisp.cli import load, main
from wisp.errors import CheckError
from wisp.sandbox.terminal.console import Console

BOT = '''\
import hikari
import wisp

bot = wisp.Bot()


@bot.command
async def hello(ctx: wisp.Context) -> str:
    """Say hello."""
    return f"Hello {ctx.user.mention}!"


@bot.command(ephemeral=True)
async def more(ctx: wisp.Context) -> None:
    """Say it, change it, go on."""
    await ctx.respond("one")
    await ctx.edit("two")
    await ctx.respond("three")


@bot.command
async def form(ctx: wisp.Context) -> None:
    """Open a form."""
    row = ctx.bot.gateway.rest.build_modal_action_row()
    await ctx.respond_with_modal("Form", "form", components=[row.add_text_input("a", "A")])


@bot.command
async def broken(ctx: wisp.Context) -> None:
    """Fail."""
    raise ValueError("oh no")


@bot.listen
async def welcome(event: hikari.MemberCreateEvent) -> None:
    if event.member.username == "mallory":
        raise RuntimeError("go away")
    await bot.gateway.rest.create_message(await general(event), f"Welcome, {event.member.mention}!")


async def general(event: hikari.MemberCreateEvent) -> int:
    return next(channel.id for channel in await event.app.rest.fetch_guild_channels(event.guild_id))


bot.run()
'''


@pytest.fixture(autouse=True)
def _in_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def write(name: str, text: str | bytes) -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def test_a_line_is_answered_and_that_is_all(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["sandbox", write("my_bot.py", BOT), "--run", "/hello"])
    assert (code, capsys.readouterr().out) == (0, "wisp: Hello @ada!\n")


CONTENT = {"content": "", "embeds": [], "attachments": [], "deferred": False, "deleted": False, "edits": []}
LINE = {"followups": [], "messages": [], "notes": [], "modal": None, "failed": None}
LINE |= {"ephemeral": False, "result": None}


def test_json_tells_everything_of_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["sandbox", write("my_bot.py", BOT), "--json", "--run", "/more", "--run", "/nope"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    nothing = {**CONTENT, "components": []}
    assert told == [
        {
            **nothing,
            **LINE,
            "command": "/more",
            "content": "two",
            "edits": ["one"],
            "ephemeral": True,
            "followups": [{**nothing, "content": "three", "ephemeral": True}],
        },
        {
            **nothing,
            **LINE,
            "command": "/nope",
            "failed": "there is no command /nope in Sandbox. There is: /hello, /more, /form, /broken.",
        },
    ]


def in_json(*lines: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    main(["sandbox", write("my_bot.py", BOT), "--json", *(f"--run={line}" for line in lines)])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_tells_of_the_terminals_own_commands_and_of_what_the_bot_did_besides(
    capsys: pytest.CaptureFixture[str],
) -> None:
    join, mallory, help, form, wrong = in_json(":join eve", ":join mallory", ":help", "/form", ":as x", capsys=capsys)
    (message,) = join.pop("messages")
    assert message.pop("content").startswith("Welcome, <@")
    assert message.pop("id").isdecimal()
    assert message == {"guild": "Sandbox", "channel": "general", "embeds": [], "attachments": [], "components": []}
    assert (join["command"], join["notes"], join["failed"]) == (":join eve", ["-- eve joined Sandbox"], None)
    assert (mallory["messages"], mallory["failed"]) == ([], 'listener "welcome": RuntimeError: go away')
    assert ":quit" in help["notes"][0]
    assert (form["modal"]["title"], form["modal"]["components"][0]["type"]) == ("Form", 1)
    assert (wrong["failed"], wrong["notes"]) == (
        "nobody is called 'x'; here are ada, bob, eve, mallory (:join x lets them in)",
        [],
    )


TIMES = """@bot.job("tea")
async def tea(channel_id: int) -> None:
    await bot.gateway.rest.create_message(channel_id, "Tea is ready")


@bot.command
async def remind(ctx: wisp.Context) -> str:
    await ctx.services.get("scheduler").once("tea", delay=7200, data={"channel_id": ctx.channel_id})
    return "I will"


@bot.command
@wisp.cooldown(seconds=3600)
async def claim(ctx: wisp.Context) -> str:
    return "coins"


@bot.command
async def patient(ctx: wisp.Context) -> str:
    await asyncio.sleep(600)
    await ctx.respond("soon")
    await asyncio.sleep(240)
    return "now"


@bot.command
async def forever(ctx: wisp.Context) -> None:
    await asyncio.Event().wait()


@bot.command
async def late(ctx: wisp.Context) -> str:
    await asyncio.sleep(1200)
    return "late"


@bot.cron("0 3 * * *")
async def nightly() -> None:
    for guild in bot.gateway.cache.get_guilds_view().values():
        await bot.gateway.rest.create_message(next(iter(guild.get_channels())), "Good night")


bot.run()"""


def with_times() -> str:
    in_half_a_day = (datetime.datetime.now(datetime.UTC).hour + 12) % 24  # no test but one reaches the nightly job
    times = TIMES.replace("0 3 * * *", f"0 {in_half_a_day} * * *")
    return write("my_bot.py", "import asyncio\n" + BOT.replace("bot.run()", times))


def test_a_reminder_a_cooldown_and_a_nightly_job_are_tried_from_the_command_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = ["/remind", "/claim", "/claim", ":advance 2h", "/claim", ":advance 1d"]
    assert main(["sandbox", with_times(), *(f"--run={line}" for line in lines)]) == 0
    written = capsys.readouterr().out.splitlines()
    said = [line.partition(":")[2][1:10] for line in written if line.startswith("wisp: ") and "Good night" not in line]
    assert said == ["I will", "coins", "Slow down", "Tea is re", "coins"]
    assert written[-2] == "wisp: Good night"
    assert written[-1].startswith("-- it is ")


def test_json_tells_what_the_bot_did_while_time_was_advanced(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["/patient", ":advance 14m 30s", "/remind", ":advance 2h", ":advance never"]
    assert main(["sandbox", with_times(), "--json", *(f"--run={line}" for line in lines)]) == 1
    patient, later, _, advanced, never = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (patient["content"], patient["deferred"], patient["failed"]) == ("soon", True, None)
    assert (patient["followups"], [message["content"] for message in later["messages"]]) == ([], ["now"])
    assert "Tea is ready" in [message["content"] for message in advanced["messages"]]
    assert (len(advanced["notes"]), advanced["notes"][0][:9], advanced["failed"]) == (1, "-- it is ", None)
    assert (never["notes"], never["failed"]) == (
        [],
        "expected a duration such as 90s, 2h or 1d 6h, got 'never'",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")
def test_a_bot_that_installs_uvloop_is_tried_and_checked_on_asyncios_own_loop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import uvloop

    monkeypatch.setattr("asyncio.new_event_loop", uvloop.new_event_loop)
    module = 'class Quiet(wisp.Module):\n    name = "quiet"\n\nbot = wisp.Bot(modules=[Quiet()])'
    bot = write("my_bot.py", BOT.replace("bot = wisp.Bot()", module))
    assert main(["check", bot]) == 0
    assert main(["sandbox", bot, "--run=:advance 2h"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("-- it is ")


def test_a_job_that_fails_while_time_is_advanced_fails_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    failing = TIMES.replace('"Tea is ready")', '"Tea is ready")\n    raise ValueError("no milk")')
    bot = write("my_bot.py", "import asyncio\n" + BOT.replace("bot.run()", failing))
    assert main(["sandbox", bot, "--json", "--run=/remind", "--run=:advance 2h"]) == 1
    assert "no milk" in json.loads(capsys.readouterr().out.splitlines()[1])["failed"]


COUNTING = """@bot.command
async def count(ctx: wisp.Context) -> str:
    return str(await ctx.data.increment("n"))


bot.run()"""


def test_a_bot_restarts_on_the_same_data_and_outlives_what_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    bot = write("my_bot.py", BOT.replace("bot.run()", COUNTING))
    lines = ["/count", ":restart", "/count", ":fail POST /callback 500 done", "/count", ":drop", ":help", ":drop now"]
    code = main(["sandbox", bot, *(f"--run={line}" for line in lines)])
    captured = capsys.readouterr()
    told = [line for line in captured.out.splitlines() if line.startswith(("wisp: ", "-- the", "-- POST"))]
    assert told == [
        "wisp: 1",
        "wisp: 2",
        "-- POST /callback fails (500), after it was done",
        "wisp: 3",
        "-- the gateway broke off",
    ]
    assert (":mend" in captured.out, ":restart" in captured.out) == (True, True)
    assert (code, captured.err.splitlines()[-1]) == (1, "! expected :drop [CODE]")


def test_what_a_bot_prints_is_not_between_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = 'print("loading")\n' + BOT.replace('    return f"Hello', '    print("greeting")\n    return f"Hello')
    assert main(["sandbox", write("my_bot.py", text), "--json", "--run", "/hello"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["command"] == "/hello"
    assert captured.err == "loading\ngreeting\n"
    assert main(["check", write("other_bot.py", text), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def pipe_in(text: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    reading, writing = os.pipe()
    with open(reading) as piped, open(writing, "w") as typed:
        typed.write(text)
        typed.close()
        monkeypatch.setattr(sys, "stdin", piped)
        return main(["sandbox", *arguments])


def test_a_handler_that_sleeps_holds_up_no_line_of_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "/patient\n:advance 3m\n:advance 2m\n"
    assert pipe_in(lines, monkeypatch, with_times()) == 0
    written = capsys.readouterr().out.splitlines()
    assert [line for line in written if not line.startswith("-- it is ")] == [
        "wisp is thinking...",
        "wisp: soon",
        "wisp: now",
    ]
    assert written[3] == "wisp: now"


TICKING = """ticks = 0


@bot.every(seconds=0.001)
async def tick() -> None:
    global ticks
    ticks += 1


@bot.command
async def count(ctx: wisp.Context) -> str:
    return str(ticks)


bot.run()"""


def test_time_stands_still_while_a_pipe_is_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = Console._piped

    def slowly(console: Console) -> str | None:
        time.sleep(0.02)
        return piped(console)

    monkeypatch.setattr(Console, "_piped", slowly)
    bot = write("my_bot.py", BOT.replace("bot.run()", TICKING))
    assert pipe_in("/count\n/count\n:advance 1s\n/count\n", monkeypatch, "--json", bot) == 0
    first, second, _, last = (json.loads(line)["content"] for line in capsys.readouterr().out.splitlines())
    assert first == second
    assert int(last) - int(second) >= 1000


def test_a_handler_that_does_not_answer_in_time_is_named_in_one_line_and_ended_at_once(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["sandbox", with_times(), "--run=/late"]) == 1
    (said,), (cancelled,) = capsys.readouterr().err.splitlines(), caplog.messages
    assert said.startswith("! no answer within 15 minutes, and Discord takes none after that. Still running: /late (")
    assert said.endswith(", in late: await asyncio.sleep(1200))")
    assert cancelled.startswith("cancelled: /late (my_bot.py:")


def test_an_answer_that_is_late_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["sandbox", with_times(), "--json", "--run=/late", "--run=:advance 1h"]) == 1
    captured = capsys.readouterr()
    late, advanced = (json.loads(line) for line in captured.out.splitlines())
    assert (late["content"], late["deferred"], late["failed"][:30]) == ("", True, "no answer within 15 minutes, a")
    assert advanced["failed"].startswith("/late: InteractionOver: This interaction is over")
    (record,) = caplog.records
    assert "in /late (my_bot.py:" in record.getMessage()
    assert (captured.err, record.exc_info) == ("", None)


def test_a_bot_that_does_not_restart_ends_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    starting = """@bot.on_start
async def start() -> None:
    while starts:
        await asyncio.Event().wait()
    starts.append(None)


starts: list[None] = []
bot.run()"""
    bot = write("my_bot.py", "import asyncio\n" + BOT.replace("bot.run()", starting))
    assert main(["sandbox", bot, "--run=/hello", "--run=:restart", "--run=/hello"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("Hello @ada!") == 1
    assert captured.err == "The bot does not restart: no timer is left, and nothing else can happen.\n"


def test_lines_in_json_are_piped_in_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code = pipe_in("/hello\n:quit\n/hello\n", monkeypatch, write("my_bot.py", BOT), "--json")
    captured = capsys.readouterr()
    assert [json.loads(line)["command"] for line in captured.out.splitlines()] == ["/hello", ":quit"]
    assert (code, captured.err) == (0, "")


def test_quit_is_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", write("my_bot.py", BOT), "--run", "/hello", "--run", ":quit", "--run", "/nope"]) == 0
    assert capsys.readouterr().out == "wisp: Hello @ada!\n"


def test_text_that_nothing_answers_brings_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", write("my_bot.py", BOT), "--run", "hello", "--run", "", "--run", ":join eve"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "-- no answer; a command begins with /, as in /hello\n"
    assert captured.out == "-- eve joined Sandbox\nwisp: Welcome, @eve!\n"


def test_text_that_is_answered_brings_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    listener = """@bot.listen
async def echo(event: hikari.GuildMessageCreateEvent) -> None:
    if event.is_human:
        await event.message.respond(event.content or "")


bot.run()"""
    text = BOT.replace("bot.run()", listener).replace("wisp.Bot()", 'wisp.Bot(intents="MESSAGE_CONTENT")')
    assert main(["sandbox", write("my_bot.py", text), "--run", "hello"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("wisp: hello\n", "")


SETTINGS = "DISCORD_TOKEN=your-token-here\nWISP_REST_URL=localhost\nWISP_GUILDS=mine\n"


def test_settings_that_the_sandbox_overrules_may_be_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    write(".env", SETTINGS)
    write("wisp.toml", "database = 7")
    assert main(["sandbox", write("my_bot.py", BOT), "--run", "/hello"]) == 0
    assert capsys.readouterr().out == "wisp: Hello @ada!\n"


def test_check_lists_the_problems_of_the_settings_too(capsys: pytest.CaptureFixture[str]) -> None:
    write(".env", SETTINGS)
    bot = write("my_bot.py", BOT.replace("async def hello", "async def HELLO"))
    assert main(["check", bot]) == 1
    captured = capsys.readouterr()
    assert captured.out == "my_bot.py: 4 problems, no warnings\n"
    assert len(captured.err.splitlines()) == 4
    assert "your-token-here" not in captured.err
    del sys.modules["my_bot"]
    assert main(["check", bot, "--json"]) == 1
    told = [(Path(problem["file"]).name, problem["where"]) for problem in json.loads(capsys.readouterr().out)]
    assert told == [
        (".env", "DISCORD_TOKEN"),
        (".env", "WISP_REST_URL"),
        (".env", "WISP_GUILDS"),
        ("my_bot.py", 'command "HELLO"'),
    ]


def test_a_command_that_fails_is_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", write("my_bot.py", BOT), "--json", "--run", "/broken", "--run", "/hello"]) == 1
    broken, hello = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (broken["failed"], broken["ephemeral"]) == ("/broken: ValueError: oh no", True)
    assert hello["failed"] is None


def test_a_line_that_cannot_be_read_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", write("my_bot.py", BOT), "--run", '/hello name:"x']) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", '! a quote is opened and never closed: a quoted value ends with "\n')


def test_data_is_temporary_unless_it_is_to_be_kept(capsys: pytest.CaptureFixture[str]) -> None:
    bot = write("my_bot.py", BOT.replace('f"Hello {ctx.user.mention}!"', "bot.runtime.config.database"))
    assert main(["sandbox", bot, "--run", "/hello"]) == 0
    assert main(["sandbox", bot, "--keep", "kept.db", "--run", "/hello"]) == 0
    temporary, kept = capsys.readouterr().out.splitlines()
    assert kept == "wisp: kept.db"
    assert not os.path.exists(os.path.dirname(temporary.removeprefix("wisp: ")))


def test_a_bot_with_problems_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    text = BOT.replace("async def hello", "async def HELLO")
    assert main(["sandbox", write("my_bot.py", text), "--run", "/hello"]) == 1
    assert "my_bot.py" in capsys.readouterr().err


def test_check_is_content_with_a_good_bot(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write("my_bot.py", BOT)]) == 0
    assert capsys.readouterr().out == "my_bot.py: no problems, no warnings\n"


def test_check_lists_problems_with_file_and_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = BOT.replace("async def hello", "async def HELLO")
    assert main(["check", write("my_bot.py", text), "--json"]) == 1
    captured = capsys.readouterr()
    (problem,) = json.loads(captured.out)
    assert set(problem) == {"file", "line", "where", "message", "fix", "is_warning"}
    assert (Path(problem["file"]).name, problem["line"], problem["is_warning"]) == ("my_bot.py", 7, False)
    assert captured.err == ""


def test_warnings_do_not_fail_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    text = BOT.replace('    """Say hello."""\n', "")
    assert main(["check", write("my_bot.py", text)]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: ")
    assert captured.out == "my_bot.py: no problems, 1 warning\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import wisp\nbot = wisp.Boot()\n", r"my_bot\.py:2: import: .*AttributeError: .*Boot"),
        ("import no_such_package\n", r"my_bot\.py:1: import: .*No module named 'no_such_package'\. Install"),
        ("def f(:\n", r"my_bot\.py:1: import: .*SyntaxError: invalid syntax"),
        (b"\xff\xfe", r"my_bot\.py.*: import: .*SyntaxError"),
        ("x\0y", r"my_bot\.py.*: import: .*null bytes"),
        ("import sys\nsys.exit(3)\n", r"my_bot\.py:2: import: .*SystemExit: 3"),
        ("import json\njson.loads('')\n", r"my_bot\.py:2: import: .*JSONDecodeError"),
        ("import my_helper\n", r"my_helper\.py:2: import: .*ZeroDivisionError"),
        ("import wisp\n", r"my_bot\.py: bot file: expected one wisp\.Bot, found none"),
        ("import wisp\na = wisp.Bot()\nb = wisp.Bot()\n", r"expected one wisp\.Bot, found a and b"),
    ],
)
def test_a_file_that_brings_no_bot_says_why(
    text: str | bytes, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("my_helper.py", "import os\n1 / 0\n")
    write("my_bot.py", text)
    with pytest.raises(CheckError, match=complaint):
        load("my_bot.py")
    assert main(["sandbox", "my_bot.py", "--run", "/hello"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ("nope.py", "found no such file"),
        (".", "found a directory"),
        ("bot.txt", r"name ends in \.py"),
        ("json.py", "another module is named 'json'"),
    ],
)
def test_a_path_to_something_else_says_what_it_is(file: str, complaint: str) -> None:
    write("bot.txt", BOT)
    write("json.py", BOT)
    with pytest.raises(CheckError, match=complaint):
        load(file)


def test_one_bot_under_two_names_is_one_bot() -> None:
    bot = load(write("my_bot.py", "import wisp\nbot = app = wisp.Bot()\n"))
    assert sys.modules["my_bot"].bot is bot


@pytest.mark.parametrize("arguments", [[], ["fly"], ["check"], ["sandbox", "bot.py", "--fast"]])
def test_a_wrong_command_line_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: wisp" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["--version"]), capsys.readouterr().out) == (0, f"wisp {wisp.__version__}\n")


RUN = [sys.executable, "-c", "import sys; from wisp.cli import main; sys.exit(main())", "sandbox"]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(sys.path),
    "PYTHONASYNCIODEBUG": "",  # in debug mode a program writes how long callbacks took, which depends on the machine
    "TERM": "xterm",
    "BROWSER": "true",  # one that stays in the foreground is not opened: the tests run on desktops, too
}


def test_lines_can_be_piped_in() -> None:
    piped = ":as bob\n/hello\n\n/nope\n/hello"
    command = [*RUN, write("my_bot.py", BOT)]
    ran = subprocess.run(command, input=piped, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (ran.returncode, ran.stdout) == (1, "wisp: Hello @bob!\nwisp: Hello @bob!\n")
    assert ran.stderr == "! there is no command /nope in Sandbox. There is: /hello, /more, /form, /broken.\n"


LEAVING = """
import sys
import wisp
bot = wisp.Bot()
@bot.command
async def bye(ctx: wisp.Context) -> None:
    sys.exit(3)
@bot.every(seconds=0.1)
async def soon() -> None:
    if SOON:
        sys.exit(4)
"""


@pytest.mark.parametrize(("soon", "arguments", "code"), [(False, ["--run", "/bye"], 3), (True, [], 4)])
def test_a_handler_that_exits_ends_the_chat_in_order_with_its_code(soon: bool, arguments: list[str], code: int) -> None:
    text = LEAVING.replace("SOON", str(soon))
    command = [*RUN, "--no-open", write("my_bot.py", text), *arguments]
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT, check=False
    )
    assert (ran.returncode, "restarting" in ran.stdout) == (code, bool(arguments))
    assert "Traceback" not in ran.stderr


def test_an_exit_in_on_start_ends_the_chat_in_order_with_its_code(caplog: pytest.LogCaptureFixture) -> None:
    file = write(
        "leaving_bot.py", "import sys, wisp\nbot = wisp.Bot()\n@bot.on_start\nasync def go():\n    sys.exit(4)\n"
    )
    with pytest.raises(SystemExit) as caught:
        main(["sandbox", file, "--run", "/hello"])
    assert caught.value.code == 4
    gc.collect()
    assert caplog.text == ""


STOPPED = """
import asyncio, sys, wisp, wisp.program, wisp.tasks
wisp.tasks.CANCEL_TIMEOUT = wisp.program.CANCEL_TIMEOUT = 0.1
bot = wisp.Bot()
hangs = sys.argv[-1].startswith("/hang")
@bot.on_start
async def start() -> None:
    if not hangs:
        print("ready", flush=True)
        await deaf()
@bot.on_stop
async def stop() -> None:
    print("stopped", flush=True)
async def deaf() -> None:
    bot.runtime.shutdown_timeout = 0.1
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
@bot.command
async def hang(ctx: wisp.Context) -> None:
    print("ready", flush=True)
    asyncio.get_running_loop().run_in_executor(None, __import__("time").sleep, 3600)
    await deaf()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGHUP is of POSIX")
@pytest.mark.parametrize(
    ("line", "number", "says"), [("/hang", signal.SIGHUP, "stopped\n"), ("/start", signal.SIGTERM, "")]
)
def test_a_signal_ends_a_line_that_does_not_end_in_order(line: str, number: int, says: str) -> None:
    command = [*RUN, write("my_bot.py", STOPPED), "--run", line]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    try:
        program = subprocess.Popen(command, env=ENVIRONMENT, **pipes)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert program.stdout
    assert program.stdout.readline() == "ready\n"
    program.send_signal(number)
    out, err = program.communicate(timeout=20)
    assert (program.returncode, out) == (128 + number, says), err
    assert "abandoned, since it ignores cancellation: " in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is of POSIX")
@pytest.mark.parametrize("closed", [False, True])
def test_where_nobody_types_the_page_stays_until_it_is_stopped(closed: bool) -> None:
    command = [*RUN, "--no-open", write("my_bot.py", BOT)]
    if closed:
        command = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *command]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as program:
        assert program.stdout
        assert program.stderr
        address = program.stdout.readline().removeprefix("In a browser: ").strip()
        assert urllib.request.urlopen(address, timeout=10).status == 200
        assert program.stderr.readline() == "There is no input: the bot runs until it is stopped.\n"
        program.terminate()
        assert program.wait(20) == 128 + signal.SIGTERM
        assert (program.stdout.read(), program.stderr.read()) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_who_types_while_the_screen_is_piped_elsewhere_has_the_page_too() -> None:
    screen = Screen(["/bin/sh", "-c", '"$@" | cat', "sh", *RUN, "--no-open", with_times()])
    screen.expect("In a browser: http://")
    screen.type("/hello\r")
    screen.expect("wisp: Hello @ada!")
    screen.type("/patient\r:advance 14m\r")  # a line that is read while the handler of another sleeps
    screen.expect("wisp: soon")
    screen.expect("wisp: now")
    screen.type("/nope\r")
    screen.expect("! there is no command /nope")
    screen.type("\x04")
    assert screen.end() == 0


def test_the_package_itself_is_the_command_line() -> None:
    command = [sys.executable, "-m", "wisp", "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert ran.stdout == f"wisp {wisp.__version__}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_somebody_chats_in_a_terminal() -> None:
    screen = Screen([*RUN, write("my_bot.py", BOT)])
    screen.expect("ada in Sandbox #general> ")
    screen.type("/hel\t\r")
    screen.expect("Hello @ada!")
    screen.type("/nope\r")
    screen.expect("! there is no command /nope")
    screen.type(":as b\t\r")
    screen.expect("bob in Sandbox #general> ")
    screen.type("/broken\r")
    screen.expect("ValueError: oh no")
    screen.expect("bob in Sandbox #general> ")
    screen.type(":join eve\r")
    screen.expect("Welcome, @eve!")
    screen.expect("bob in Sandbox #general> ")
    screen.type("\x04")
    assert screen.end() == 0
    assert "Sandbox #general> " not in screen.shown


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_time_is_advanced_in_a_terminal() -> None:
    screen = Screen([*RUN, with_times()])
    screen.expect("ada in Sandbox #general> ")
    screen.type("/remind\r")
    screen.expect("I will")
    screen.expect("ada in Sandbox #general> ")
    screen.type(":adv\t2h\r")
    screen.expect("Tea is ready")
    screen.expect("-- it is ")
    screen.expect("ada in Sandbox #general> ")
    screen.type(":advance never\r")
    screen.expect("! expected a duration such as 90s")
    screen.expect("ada in Sandbox #general> ")
    screen.type("/forever\r")
    screen.expect("ada in Sandbox #general> ")
    screen.type(":advance 20m\r")
    screen.expect("! no answer within 15 minutes, and Discord takes none after that. Still running: /forever (")
    screen.expect("-- it is ")
    screen.expect("ada in Sandbox #general> ")
    screen.type("\x04")
    screen.expect("cancelled after ")
    screen.expect(": /forever (")
    assert screen.end() == 0
    after = re.search(r"cancelled after (\S+) s: ", screen.everything)
    assert after is not None
    assert float(after[1]) <= 1.0  # what is left of 1 s, and not of 10


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_the_greeting_breaks_between_words() -> None:
    screen = Screen([*RUN, write("my_bot.py", BOT)], COLUMNS="40")
    screen.expect("A local Discord. You are ada; wisp has\r\n/hello, /more, /form, /broken. :help\r\nshows more.\r\n")
    screen.expect("ada in Sandbox #general> ")
    screen.type("\x04")
    assert screen.end() == 0


WRITING_EARLY = """
import asyncio, readline, sys, threading
from wisp.sandbox.terminal.console import Console

async def main():
    loop = asyncio.get_running_loop()
    console, written = Console(sys.stdin, sys.stdout), threading.Event()

    def write():
        console.write("posted")
        written.set()

    def before_the_prompt():
        loop.call_soon_threadsafe(write)
        written.wait(0.2)

    readline.set_startup_hook(before_the_prompt)
    with console:
        console.write("typed " + await console.read("prompt> "))

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_what_is_written_while_the_prompt_is_on_its_way_does_not_double_it() -> None:
    screen = Screen([sys.executable, "-c", WRITING_EARLY])
    screen.expect("posted\r\nprompt> ")
    screen.type("x\r")
    screen.expect("typed x")
    assert screen.end() == 0
    assert screen.everything.rpartition("posted")[2].count("prompt> ") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_chat_quietly_and_leaves_the_terminal_as_it_was(number: int, code: int) -> None:
    screen = Screen([*RUN, write("my_bot.py", BOT)])
    screen.expect("ada in Sandbox #general> ")
    screen.type("half a li")
    screen.expect("half a li")
    assert not screen.echoes()
    screen.program.send_signal(number)
    assert screen.end() == code
    assert "Traceback" not in screen.shown
    assert screen.echoes()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")
def test_the_chat_prints_the_address_of_its_page_and_opens_it_where_it_may(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = f"{sys.executable} -c \"import sys; open('{opened}', 'w').write(sys.argv[1])\" %s &"
    for option in ("--no-open", None):
        command = [*RUN, *([option] if option else []), write("my_bot.py", BOT)]
        screen = Screen(command, BROWSER=browser, DISPLAY=":0", SSH_CONNECTION="")
        screen.expect("In a browser: ")
        screen.expect("ada in Sandbox #general> ")
        address = screen.everything.split("In a browser: ")[1].split()[0]
        assert urllib.request.urlopen(address, timeout=10).status == 200
        if option is None:
            deadline = time.monotonic() + 20
            while not (opened.exists() and opened.read_text()):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert address.rpartition("/page/")[2] not in opened.read_text()
            assert urllib.request.urlopen(opened.read_text(), timeout=10).url == address
        screen.type("\x04")
        assert screen.end() == 0
        assert opened.exists() == (option is None)


class Screen:
    """A program in a pseudo-terminal, and what it showed and nobody expected yet."""

    def __init__(self, command: list[str], **environment: str) -> None:
        import pty

        self.shown = self.everything = ""
        self._keyboard, self._terminal = pty.openpty()
        self.program = subprocess.Popen(
            command,
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            env=ENVIRONMENT | environment,
        )

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    def expect(self, text: str) -> None:
        deadline = time.monotonic() + 20
        while text not in self.shown:
            readable, _, _ = select.select([self._keyboard], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                self.program.kill()
                self.program.wait()
                raise AssertionError(f"expected {text!r}, shown so far: {self.shown!r}")
            self._read()
        self.shown = self.shown.partition(text)[2]

    def _read(self) -> None:
        read = os.read(self._keyboard, 4096).decode()
        self.shown += read
        self.everything += read

    def echoes(self) -> bool:
        """Whether the terminal itself shows what is typed, as it does while no program edits a line."""
        import termios

        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def end(self) -> int:
        """Wait until the program ends, and read what it still wrote; its exit code."""
        try:
            code = self.program.wait(20)
            while select.select([self._keyboard], [], [], 0)[0]:
                self._read()
            return code
        finally:
            self.program.kill()
            self.program.wait()


COUNTER = '''\
import wisp

bot = wisp.Bot()


@bot.command
async def count(ctx: wisp.Context) -> str:
    """Count."""
    return str(await ctx.data.increment("n"))
'''


def test_what_is_kept_is_there_in_the_next_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("counter.py").write_text(COUNTER, encoding="utf-8")
    for _ in range(2):
        assert main(["sandbox", "counter.py", "--keep", "kept.db", "--run", "/count"]) == 0
    assert main(["sandbox", "counter.py", "--run", "/count"]) == 0
    assert capsys.readouterr().out.split() == ["wisp:", "1", "wisp:", "2", "wisp:", "1"]


def test_check_says_which_modules_do_not_load_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "checked_modules.py"
    file.write_text(
        "import wisp\n"
        "class A(wisp.Module):\n"
        "    name = 'a'\n"
        "    async def setup(self, bot, ctx):\n"
        "        raise ValueError('no')\n"
        "class B(wisp.Module):\n"
        "    name = 'b'\n"
        "    depends_on = ['a']\n"
        "bot = wisp.Bot(modules=[A(), B()])\n"
    )
    assert main(["check", str(file)]) == 1
    told = capsys.readouterr().err
    assert 'module "a": ValueError: no (' in told
    assert "checked_modules.py:5, in setup)" in told
    assert 'module "b": it needs the module "a", which is not loaded' in told


def test_check_names_file_line_and_the_nearest_name_of_what_a_module_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = """import wisp
class Greeter(wisp.Module):
    name = "greeter"
class Typo(wisp.Module):
    name = "typo"
    depends_on = ["greter"]
class Hungry(wisp.Module):
    name = "hungry"
    @property
    def required_services(self) -> list[str]: return ["Cache"]
class Text(wisp.Module):
    name = "text"
    depends_on = "greeter"
class Selfish(wisp.Module):
    name = "selfish"
    depends_on = ["selfish"]
bot = wisp.Bot(modules=[Greeter(), Typo(), Hungry(), Text(), Selfish()])
"""
    assert main(["check", write("needy_bot.py", text)]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert sorted(told) == [
        'needy_bot.py:11: module "text": its depends_on is \'greeter\': expected names, as in ["greeter"]. '
        "It does not load, nor does what needs it",
        'needy_bot.py:14: module "selfish": circular dependency: selfish -> selfish. '
        "It does not load, nor does what needs it",
        'needy_bot.py:4: module "typo": it needs the module "greter", and there is none of that name. '
        'Did you mean "greeter"?',
        'needy_bot.py:7: module "hungry": it needs the service "Cache": there is none of that name. '
        'Did you mean "cache"?',
    ]


def test_check_names_the_line_of_a_migration_that_fails_and_no_temporary_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = """import wisp
bot = wisp.Bot()
class Greeter(wisp.Module):
    name = "greeter"
    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        bot.migration(1, "CREATE TABLE greeting (text)")
        bot.migration(2, "INSERT INTO nope VALUES (1)")
class Filler(wisp.Module):
    name = "filler"
    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.migration(1)
        async def fill(tx) -> None:
            raise LookupError("no luck")
class Curious(wisp.Module):
    name = "curious"
    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        await ctx.services.get("db").execute("SELECT 1 FROM nope")
for module in (Greeter(), Filler(), Curious()):
    bot.modules.register(module)
"""
    fix = "Correct it. In a new database only the migrations before it have run"
    assert main(["check", write("migrating_bot.py", text)]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert told[:2] == [
        f"migrating_bot.py:7: migration 2: it failed: no such table: nope, in: INSERT INTO nope VALUES (1). {fix}",
        f"migrating_bot.py:11: migration 1: it failed: LookupError: no luck. {fix}",
    ]
    assert 'module "curious": the database :memory:: no such table: nope, in: SELECT 1 FROM nope' in told[2]
    text += 'bot.migration(1, "INSERT INTO nope VALUES (1)")\n'
    assert main(["check", write("migrating_bot.py", text)]) == 1
    told = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert told == [
        f"migrating_bot.py:20: migration 1: it failed: no such table: nope, in: INSERT INTO nope VALUES (1). {fix}"
    ]


def test_check_lists_the_problems_of_the_bot_and_its_modules_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    text = """import wisp
class Broken(wisp.Module):
    name = "broken"
    required_services = ["own"]
    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command
        async def two(ctx: wisp.Context, q: dict) -> str: return ""
        @bot.command(name="two")
        async def other(ctx: wisp.Context) -> str: return ""
class Lonely(wisp.Module):
    name = "lonely"
    depends_on = ["nobody"]
class Mine(wisp.Bot):
    def __init__(self, needed: int) -> None: super().__init__(modules=[Broken(), Lonely()])
bot = Mine(5)
bot.services.register("own", object())
@bot.command
async def one(ctx: wisp.Context, n: dict) -> str: return ""
@bot.command(name="one")
async def again(ctx: wisp.Context) -> str: return ""
"""
    assert main(["check", write("my_bot.py", text)]) == 1
    captured = capsys.readouterr()
    told = [line.split(". ")[0].split(", option")[0] for line in captured.err.splitlines() if "warning" not in line]
    assert told == [
        'my_bot.py:17: command "one"',
        'my_bot.py:19: command "one": another command is called "one" (my_bot.py:17)',
        'my_bot.py:6: command "two"',
        'my_bot.py:8: command "two": another command is called "two" (my_bot.py:6)',
        'my_bot.py:10: module "lonely": it needs the module "nobody", and there is none of that name',
    ]
    assert captured.out.startswith("my_bot.py: 5 problems")


def test_check_names_the_problems_of_a_service_once_beside_modules(capsys: pytest.CaptureFixture[str]) -> None:
    text = """import wisp
class Plain:
    def stop(self): ...
class Greeter(wisp.Module):
    name = "greeter"
bot = wisp.Bot(modules=[Greeter()])
bot.services.register("plain", Plain())
"""
    assert main(["check", write("plain_service_bot.py", text)]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith('plain_service_bot.py:2: service "plain": its stop is not `async def stop(self)`')
