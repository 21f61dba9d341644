"""The README and the examples say what is so: every piece of code in them runs here."""

import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import wisp
from wisp.testing import connect

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
CONSOLE = [code for language, code in BLOCKS if language == "console"]
WISP = Path(sys.executable).with_name("wisp")


def module_of(name: str, code: str) -> types.ModuleType:
    module = types.ModuleType(name)
    exec(compile(code, f"{name}.py", "exec", dont_inherit=True), module.__dict__)
    return module


def example(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_opens_with_a_bot_its_output_and_its_test() -> None:
    first_screen = README.splitlines()[:45]
    opened = [line for line in first_screen if line.startswith("```") and line != "```"]
    assert opened[:3] == ["```python", "```console", "```python"]
    assert sum(line.startswith("async def test_") for line in first_screen) == 1


def test_the_first_bot_is_the_hello_example() -> None:
    example_code = (ROOT / "examples" / "hello.py").read_text(encoding="utf-8")
    assert example_code.split('"""', 2)[2].strip() == PYTHON[0].strip()


def test_every_name_of_wisp_that_the_readme_mentions_is_there() -> None:
    names = set(re.findall(r"\bwisp\.([A-Za-z]\w*)", README)) - {
        "db",
        "toml",
        "testing",
        "services",
        "errors",
        "refusals",
    }
    assert [name for name in sorted(names) if not hasattr(wisp, name)] == []


def test_the_readme_has_the_guides_chapters_in_its_order() -> None:
    chapters = re.findall(r"^## (.+)$", README, flags=re.MULTILINE)
    guide = [
        "Modules",
        "Commands",
        "Events",
        "Services",
        "Data",
        "Dependencies",
        "Good practice",
        "Tests",
        "A complete module",
    ]
    assert [chapter for chapter in chapters if chapter in guide] == guide


@pytest.mark.parametrize("number", range(len(PYTHON)))
async def test_every_piece_of_python_in_the_readme_runs(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hello", module_of("hello", PYTHON[0]))
    module = module_of(f"readme_{number}", PYTHON[number])
    for name, thing in vars(module).copy().items():
        if name.startswith("test_") and inspect.iscoroutinefunction(thing):
            if "discord" in inspect.signature(thing).parameters:  # the fixture of our pytest plugin
                async with connect(module.bot) as discord:
                    await thing(discord)
            else:
                await thing()
    bot: Any = getattr(module, "bot", None)
    if bot is not None:
        assert [str(mistake) for mistake in bot.check() if not mistake.is_warning] == []
        async with connect(bot):
            pass


def test_every_console_line_in_the_readme_prints_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(PYTHON[0], encoding="utf-8")
    unannotated = PYTHON[0].replace("hello(ctx: wisp.Context)", "greet(ctx: wisp.Context, times)")
    (tmp_path / "bot.py").write_text(unannotated, encoding="utf-8")
    assert len(CONSOLE) == 2
    for block in CONSOLE:
        typed, *expected = block.strip().splitlines()
        program, *arguments = shlex.split(typed.removeprefix("$ "))
        assert program == "wisp"
        run = subprocess.run([WISP, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        told = (run.stdout + run.stderr).splitlines()
        assert [line for line in told if line in expected] == expected, told


async def test_the_readmes_answers_are_what_it_says() -> None:
    (code,) = [code for code in PYTHON if "async def roll" in code]
    async with connect(module_of("roll", code).bot) as discord:
        reply = await discord.member("ada").slash("roll", secretly=True)
    assert (reply.content, reply.edits, reply.ephemeral) == ("A six!", ["It rolls..."], True)


async def test_the_readmes_command_takes_what_it_says() -> None:
    (code,) = [code for code in PYTHON if "async def remind(\n    ctx" in code]
    async with connect(module_of("remind", code).bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("remind", what="tea", after="1h30m", who=bob, how="loudly")
    assert reply.content == f"I will loudly remind {bob.mention} of tea in 5400 s."
    assert reply.ephemeral


async def test_the_readmes_listener_hears_who_joins() -> None:
    (code,) = [code for code in PYTHON if "async def welcome" in code]
    module = module_of("welcome", code)
    async with connect(module.bot) as discord:
        discord.member("newcomer")
        await discord.rest()
    assert module.seen == ["newcomer"]


async def test_the_hello_example_greets() -> None:
    bot: wisp.Bot = example("hello").bot
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("hello")).content == f"Hello {ada.mention}!"
