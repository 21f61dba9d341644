"""The examples, run as people run them: their own tests, by hand in the terminal, killed and started again."""

import ast
import asyncio
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import wisp
from wisp.sandbox import Sandbox
from wisp.sandbox.people.person import People
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.world.changes import BotConnected, BotDisconnected
from wisp.testing import connect

EXAMPLES = Path(__file__).parents[1] / "examples"
BOTS = sorted({*EXAMPLES.glob("*.py"), EXAMPLES / "modules" / "bot.py"} - {EXAMPLES / "conftest.py"})


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def names_of_tests(path: Path) -> list[str]:
    """The names of a file's tests, without importing it."""
    functions = ast.parse(path.read_text(encoding="utf-8")).body
    return [one.name for one in functions if isinstance(one, ast.AsyncFunctionDef) and one.name.startswith("test_")]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import an example, with its folder on sys.path as `python` puts it there; both are undone afterwards."""
    before = set(sys.modules)

    def load(path: Path) -> ModuleType:
        monkeypatch.syspath_prepend(path.parent)
        spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in [name for name in sys.modules if name.partition(".")[0] == "parts" and name not in before]:
        del sys.modules[name]


def test_the_guide_and_the_whole_bots_are_found() -> None:
    names = [name_of(path) for path in BOTS]
    chapters = [name for name in names if name[0].isdigit()]
    assert [int(name[:2]) for name in chapters] == list(range(1, len(chapters) + 1))
    assert len(chapters) >= 30
    assert {"hello.py", "poll.py", "reminders.py", "modules/bot.py"} <= set(names)


def test_every_file_is_a_bot_with_a_test_or_part_of_one() -> None:
    others = set(EXAMPLES.rglob("*.py")) - set(BOTS)
    assert {name_of(path) for path in others if path.parent != EXAMPLES / "modules" / "parts"} == {"conftest.py"}
    assert [name_of(path) for path in BOTS if not names_of_tests(path)] == []


@pytest.mark.parametrize("path", BOTS, ids=name_of)
def test_no_example_has_a_problem_or_a_warning(path: Path, load: Any) -> None:
    problems = [str(problem) for problem in load(path).bot.check()]
    if path.name[0].isdigit():  # a chapter describes options only if that is what it shows
        problems = [problem for problem in problems if "no description" not in problem]
    assert problems == []


@pytest.mark.parametrize("path", BOTS, ids=name_of)
def test_every_example_begins_with_what_it_shows_and_runs_its_bot(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert "bot.run()" in [ast.unparse(statement) for statement in tree.body]


@pytest.mark.parametrize("path", BOTS, ids=name_of)
def test_what_the_prose_refers_to_is_there(path: Path) -> None:
    prose = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    chapters = re.findall(r"\b\d\d_\w+\.py\b", prose)
    assert [chapter for chapter in chapters if not (EXAMPLES / chapter).exists()] == []
    names = set(re.findall(r"\bwisp\.(\w+)", prose)) - {
        "db",
        "toml",
        "testing",
        "services",
        "events",
        "jobs",
        "refusals",
    }
    assert [name for name in sorted(names) if not hasattr(wisp, name)] == []


@pytest.mark.parametrize(
    ("path", "test"),
    [pytest.param(path, test, id=f"{name_of(path)}:{test}") for path in BOTS for test in names_of_tests(path)],
)
async def test_the_tests_of_the_examples_pass(path: Path, test: str, load: Any) -> None:
    module = load(path)
    function = getattr(module, test)
    if function.__code__.co_argcount:  # it takes the fixture `discord`
        async with connect(module.bot) as discord:
            await function(discord)
    else:
        await function()


def test_a_reader_runs_them_with_pytest() -> None:
    files = [EXAMPLES / "hello.py", EXAMPLES / "modules"]
    arguments = ["-n", "0", "-p", "no:cacheprovider", *map(str, files)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    expected = len(names_of_tests(files[0])) + len(names_of_tests(files[1] / "bot.py"))
    assert f"{expected} passed" in run.stdout, run.stdout + run.stderr


# ---- as a process of its own ----


def counts(reply: Reply) -> dict[str, str]:
    return {field.name: field.value for field in reply.embeds[0].fields}


@contextmanager
def running(example: str, sandbox: Sandbox, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """An example as a process of its own, on a sandbox of ours."""
    environ = {
        **os.environ,
        "DISCORD_TOKEN": sandbox.token,
        "WISP_REST_URL": sandbox.rest_url,
        "WISP_DATABASE": str(directory / "wisp.db"),
    }
    with subprocess.Popen([sys.executable, EXAMPLES / f"{example}.py"], env=environ, cwd=directory) as process:
        try:
            yield process
        finally:
            process.kill()


async def connected(sandbox: Sandbox, kind: type = BotConnected) -> None:
    """Wait until the bot is connected, or disconnected."""
    happened = asyncio.Event()
    stop = sandbox.world.changes.subscribe(lambda change: happened.set() if isinstance(change, kind) else None)
    try:
        async with asyncio.timeout(20):
            await happened.wait()
    finally:
        stop()


async def test_the_polls_buttons_count_on_after_kill_9_and_a_restart(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        people = People(sandbox.world)
        ada, bob = people.member("ada"), people.member("bob")
        with running("poll", sandbox, tmp_path) as process:
            await connected(sandbox)
            reply = await ada.slash("poll", question="Tea?", choices="yes,no")
            await ada.click(reply, "yes")
            assert counts(reply) == {"yes": "1", "no": "0"}
            process.send_signal(signal.SIGKILL)
            await connected(sandbox, BotDisconnected)
        with running("poll", sandbox, tmp_path):
            await connected(sandbox)
            await bob.click(reply, "yes")
            assert counts(reply) == {"yes": "2", "no": "0"}
            await ada.click(reply, "no")
            assert counts(reply) == {"yes": "1", "no": "1"}


async def test_reminders_come_after_kill_9_and_a_restart(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        people = People(sandbox.world)
        ada = people.member("ada")

        def said() -> list[str]:
            return [message.content for message in sandbox.world.messages.values() if "tea" in message.content]

        with running("reminders", sandbox, tmp_path) as process:
            await connected(sandbox)
            await ada.slash("remind", text="tea", after="1s")
            await ada.slash("remind", text="more tea", after="2h")
            listed = await ada.slash("reminders")
            process.send_signal(signal.SIGKILL)
            await connected(sandbox, BotDisconnected)
        await asyncio.sleep(1)
        with running("reminders", sandbox, tmp_path):
            await connected(sandbox)
            async with asyncio.timeout(20):
                while f"{ada.mention}: tea" not in said():
                    await asyncio.sleep(0.02)
            await ada.click(listed, "Forget more tea")
            assert listed.content == "Forgotten."
            assert (await ada.slash("reminders")).content == "You have no reminders."


# ---- by hand ----


@pytest.mark.parametrize(
    ("example", "typed", "expected"),
    [
        (
            "poll",
            ['/poll question:"Tea?" choices:"yes,no"', ":click yes", ":as bob", ":click yes"],
            ["  | yes: 2"],
        ),
        (
            "quotes",
            [
                "/quote text:hello",
                "/quotes",
                "hello there",
                ':menu "Quote this"',
                "/forget",
                ':click "Forget them"',
                "/quotes",
            ],
            ["  | 1. hello", "wisp: That is quote 2.", "wisp: There are no quotes yet."],
        ),
        (
            "feedback",
            ["/feedback", ':submit title:"Very nice"', ":as bob", ":click Answer", ":submit text:Thanks"],
            [
                "wisp: opens the form 'Tell us what you think'  (only ada sees this)",
                "wisp: @bob on “Very nice”: Thanks",
            ],
        ),
        (
            "modules/bot",
            ["/thank member:@bob", "/modules disable module:levels", ":menu Level @bob"],
            ["wisp: @bob has 1 points."],
        ),
        (
            "reminders",
            ['/remind text:tea after:"1h"', "/reminders", ':click "Forget tea"', "/reminders"],
            ["wisp: You have no reminders.  (only ada sees this)"],
        ),
        (
            "moderation",
            ["/mod warn member:@bob", ":menu Warnings @bob"],
            ["wisp: @bob has 1 warnings.  (only ada sees this)"],
        ),
    ],
)
def test_the_examples_can_be_tried_by_hand(example: str, typed: list[str], expected: list[str]) -> None:
    wisp_program = Path(sys.executable).with_name("wisp")
    run = subprocess.run(
        [wisp_program, "sandbox", EXAMPLES / f"{example}.py"],
        input="\n".join(typed) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    printed = run.stdout.splitlines()
    assert [line for line in expected if line not in printed] == [], run.stdout + run.stderr
    assert run.returncode == 0
