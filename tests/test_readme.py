"""The README says what is so: its code runs here, its links lead somewhere, and its names exist."""

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
EXAMPLES = ROOT / "examples"
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTENTS = (EXAMPLES / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
CONSOLE = [code for language, code in BLOCKS if language == "console"]
WISP = Path(sys.executable).with_name("wisp")


def module_of(name: str, code: str) -> types.ModuleType:
    module = types.ModuleType(name)
    exec(compile(code, f"{name}.py", "exec", dont_inherit=True), module.__dict__)
    return module


def links_in(text: str) -> list[str]:
    """The links of a Markdown text that are no addresses of web pages."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("https://")]


def public_names() -> list[str]:
    """The names that the README's chapter on them lists, those of other modules not."""
    (chapter,) = re.findall(r"^## Names\n(.*?)^## ", README, flags=re.MULTILINE | re.DOTALL)
    rows = [line.split("|")[1] for line in chapter.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_the_readme_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 250
    assert [line for line in lines if len(line) > 120] == []


def test_the_readme_opens_with_a_bot_its_output_and_its_test() -> None:
    first_screen = README.splitlines()[:45]
    opened = [line for line in first_screen if line.startswith("```") and line != "```"]
    assert opened[:3] == ["```python", "```console", "```python"]
    assert sum(line.startswith("async def test_") for line in first_screen) == 1


def test_the_readme_has_the_two_lines_that_set_up_everything() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert [line.rpartition("/")[2] for line in lines] == ["hello.py", "pytest"]


def test_the_first_bot_is_the_hello_example() -> None:
    example_code = (EXAMPLES / "hello.py").read_text(encoding="utf-8").replace("from wisp.testing import Discord\n", "")
    bot, _, test = example_code.split('"""', 2)[2].partition("bot.run()\n")
    assert bot.strip() + "\n\n\nbot.run()" == PYTHON[0].strip()
    assert "async def test_hello" in test


@pytest.mark.parametrize(("folder", "text"), [(ROOT, README), (EXAMPLES, CONTENTS)], ids=["README", "examples/README"])
def test_every_link_leads_to_a_file(folder: Path, text: str) -> None:
    links = links_in(text)
    assert len(links) > 30
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_contents_list_every_example_once_and_the_chapters_in_order() -> None:
    links = links_in(CONTENTS)
    found = [path for path in EXAMPLES.glob("*.py") if path.name != "conftest.py"]
    files = [str(path.relative_to(EXAMPLES)) for path in [*found, EXAMPLES / "modules" / "bot.py"]]
    assert len(files) > 30
    assert sorted(links) == sorted(files)
    chapters = [link for link in links if link[0].isdigit()]
    assert chapters == sorted(chapters)


def test_the_readme_links_every_chapter() -> None:
    chapters = {f"examples/{path.name}" for path in EXAMPLES.glob("[0-9]*.py")}
    assert chapters - set(links_in(README)) == {"examples/27_good_practice.py", "examples/32_complete_module.py"}


def test_every_name_of_wisp_that_the_readme_mentions_is_there() -> None:
    modules = {"toml", "testing", "services", "events", "jobs", "errors"}
    names = set(re.findall(r"\bwisp\.([A-Za-z]\w*)", README)) - modules
    assert [name for name in sorted(names) if not hasattr(wisp, name)] == []


def test_the_readme_lists_the_public_names() -> None:
    assert len(wisp.__all__) <= 45
    assert sorted(public_names()) == sorted(wisp.__all__)


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
        assert [str(problem) for problem in bot.check()] == []


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
        printed = (run.stdout + run.stderr).splitlines()
        assert [line for line in printed if line in expected] == expected, printed
