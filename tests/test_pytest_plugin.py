"""The fixture `discord`, in projects of their own: with pytest alone, with pytest-asyncio in both modes, with anyio."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import wisp

BOT = """
import wisp
bot = wisp.Bot()

@bot.command
async def hello(ctx: wisp.Context) -> str:
    return f"Hello {ctx.user.mention}!"

@bot.command
async def broken(ctx: wisp.Context) -> None:
    raise ValueError("oh no")

@bot.listen
async def left(event: wisp.events.ModuleEnabled) -> None: ...

bot.run()
"""
TEST = """
import asyncio
import pytest
from my_bot import bot

@pytest.fixture
def ada(discord):
    return discord.member("ada")

{mark}
async def test_hello(discord, ada):
    assert (await ada.slash("hello")).content == f"Hello {{ada.mention}}!"
    await discord.advance(hours=1)

{mark}
class TestClass:
    {mark}
    @pytest.mark.parametrize("name", ["bob", "eve"])
    async def test_names(self, discord, name):
        person = discord.member(name)
        assert (await person.slash("hello")).content == f"Hello {{person.mention}}!"
"""
SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")  # which pytest-asyncio asks every project for
PLUGINS = {  # the marks of the tests, each kind in a file of its own, and what pytest is told
    "pytest alone": ([""], ["-p", "no:asyncio", "-p", "no:anyio"]),
    "asyncio auto": ([""], ["-o", "asyncio_mode=auto", *SCOPE, "-p", "no:anyio"]),
    "asyncio strict": (
        ["@pytest.mark.asyncio", "", '@pytest.mark.asyncio(loop_scope="class")'],
        ["-o", "asyncio_mode=strict", *SCOPE, "-p", "no:anyio"],
    ),
    "asyncio, one loop for all": (
        [""],
        ["-o", "asyncio_mode=auto", *SCOPE, "-o", "asyncio_default_test_loop_scope=session"],
    ),
    "anyio": (["@pytest.mark.anyio"], ["-o", "asyncio_mode=strict", *SCOPE]),
}


class Project:
    """A directory with a bot and its tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("my_bot.py", BOT)

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8")

    def pytest(self, *options: str) -> subprocess.CompletedProcess[str]:
        """What pytest says of it; warnings are errors."""
        search = [str(Path(wisp.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-rN"]
        command += ["-p", "no:hypothesispytest"]  # a second to import, and nothing here is its
        return subprocess.run(
            [*command, *options],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(search), "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("plugins", PLUGINS)
def test_a_test_runs_with_whatever_runs_async_tests(project: Project, plugins: str) -> None:
    marks, options = PLUGINS[plugins]
    if plugins == "anyio":
        if importlib.util.find_spec("anyio") is None:
            pytest.skip("anyio is not installed")
        project.write("conftest.py", "import pytest\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    for number, mark in enumerate(marks):
        project.write(f"test_{number}.py", TEST.format(mark=mark))
    ran = project.pytest(*options)
    assert f"{3 * len(marks)} passed" in ran.stdout, ran.stdout + ran.stderr
    assert "warning" not in ran.stdout


@pytest.mark.parametrize("plugins", ["pytest alone", "asyncio auto"])
def test_what_fails_says_the_bots_own_traceback_and_the_conversation(project: Project, plugins: str) -> None:
    project.write(
        "test_bot.py",
        """
from my_bot import bot

async def test_wrong(discord):
    assert (await discord.member("ada").slash("hello")).content == "Bye!"

async def test_broken(discord):
    await discord.member("ada").slash("broken")

async def test_late(discord):
    ada = discord.member("ada")
    (command,) = [one for one in discord.world.commands.visible(None) if one["name"] == "broken"]
    data = {"id": command["id"], "name": "broken", "type": 1}
    discord.world.interactions.create(2, ada.user, ada.channel, data)
""",
    )
    ran = project.pytest(*PLUGINS[plugins][1])
    assert "3 failed" in ran.stdout, ran.stdout
    assert "error" not in ran.stdout.splitlines()[-1]
    assert ran.stdout.count("What happened in the sandbox:") == 3
    assert "ada: /hello" in ran.stdout
    assert 'raise ValueError("oh no")' in ran.stdout
    assert "my_bot.py:11: ValueError" in ran.stdout
    assert "/broken failed: ValueError: oh no" in ran.stdout


MISSING = {
    "nothing": ("async def test_it(discord): ...", "expected one as `bot` in test_nothing.py, got nothing"),
    "number": (
        "bot = 5\nasync def test_it(discord): ...",
        "expected one as `bot` in test_number.py, got a builtins.int",
    ),
    "fixture": (
        "import pytest\n@pytest.fixture\ndef bot():\n    return 5\nasync def test_it(discord): ...",
        "expected one as the fixture `bot`, got a builtins.int",
    ),
    "plain": ("from my_bot import bot\ndef test_it(discord): ...", "expected `async def`, got a plain function"),
}
OWN_BOT = """
import pytest, wisp
bot = 5

@pytest.fixture
def bot():
    made = wisp.Bot()

    @made.command
    async def other(ctx: wisp.Context) -> str:
        return "other"

    return made

async def test_it(discord, bot):
    assert discord.bot is bot
    assert (await discord.member("ada").slash("other")).content == "other"
"""


def test_what_is_missing_is_said_and_a_fixture_called_bot_comes_before_the_modules_own(project: Project) -> None:
    for name, (text, _) in MISSING.items():
        project.write(f"test_{name}.py", text)
    project.write("test_own_bot.py", OWN_BOT)
    ran = project.pytest(*PLUGINS["pytest alone"][1])
    assert [said for _, said in MISSING.values() if said not in ran.stdout] == []
    assert f"1 passed, {len(MISSING)} errors" in ran.stdout, ran.stdout


@pytest.mark.usefixtures("real_start")
def test_pytest_starts_without_loading_what_only_bots_need(project: Project) -> None:
    project.write(
        "test_bot.py",
        "import sys\ndef test_it():\n    assert not {'hikari', 'aiohttp', 'wisp.testing', 'wisp.bot'} & {*sys.modules}",
    )
    ran = project.pytest("-p", "no:asyncio", "-p", "no:anyio")
    assert "1 passed" in ran.stdout, ran.stdout


def test_the_plugin_is_found_by_its_entry_point() -> None:
    found = importlib.metadata.entry_points(group="pytest11", name="wisp")
    assert {entry.value for entry in found} == {"wisp.pytest_plugin"}


def test_unittest_needs_no_helper(project: Project) -> None:
    project.write(
        "test_bot.py",
        """
import unittest
from my_bot import bot
from wisp.testing import connect

class Tests(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.discord = await self.enterAsyncContext(connect(bot))

    async def test_hello(self):
        ada = self.discord.member("ada")
        self.assertEqual((await ada.slash("hello")).content, f"Hello {ada.mention}!")

class Others(unittest.IsolatedAsyncioTestCase):
    async def test_wrong(self):
        async with connect(bot) as discord:
            self.assertEqual((await discord.member("ada").slash("hello")).content, "Bye!")
""",
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "unittest", "test_bot"],
        cwd=project.path,
        env={**os.environ, "PYTHONPATH": str(Path(wisp.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Ran 2 tests" in ran.stderr, ran.stderr
    assert "FAILED (failures=1)" in ran.stderr, ran.stderr
    assert "What happened in the sandbox:\n  ada: /hello" in ran.stderr
