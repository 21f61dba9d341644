"""The shape of the package: who may import whom, what `import wisp` loads, what is public."""

import ast
import inspect
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import wisp

PACKAGE = Path(wisp.__file__).parent


def listed(docstring: str) -> list[str]:
    """Return the files and folders that a package lists in its docstring, the latter with a slash."""
    lines: list[str] = re.findall(r"^((?:\w+/?, )*\w+/?)  +\S", docstring, re.MULTILINE)
    return [name.strip() for line in lines for name in line.split(",")]


ORDER = [name.strip("/") for name in listed(inspect.getdoc(wisp) or "")]
"""The files and folders, as the docstring of the package lists them: each imports only what stands above it there.

Imports for annotations and inside functions count as well.
"""

UPWARD = {
    ("bot", "local"): "`python bot.py` without a token, in a terminal, runs on the local Discord",
    ("modules", "bot"): "the type of `bot.bot` and `ctx.bot` in a module, for editors",
    ("runtime", "bot"): "the type of `ctx.bot`, for editors",
    ("runtime", "prompts"): "`runtime.prompts`, by which a context asks its user, is loaded when it is first used",
    ("services", "jobs"): "`from wisp.services import SchedulerService`, loaded when it is used",
    ("session", "bot"): "the type of the bot that a session runs",
}
"""The imports that point the other way, each with its reason."""

SANDBOX_MAY_IMPORT = {"errors", "clock", "limits", "sandbox"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def names_imported(path: Path) -> set[str]:
    """Return the full names that a file imports from wisp anywhere in its code, such as "wisp.clock.Clock"."""
    found: set[str] = set()
    package = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(["wisp", *package[: len(package) - node.level + 1], *filter(None, [node.module])])
            found.update(f"{base}.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{name.name}" for name in node.names)
    return {name for name in found if name.startswith("wisp.")}


def imports_of(path: Path) -> set[str]:
    """Return the top-level files and folders of wisp that a file imports anywhere in its code."""
    return {name.split(".")[1] for name in names_imported(path)} & set(ORDER)


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def upward_imports() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in files():
        place = place_of(path)
        allowed = SANDBOX_MAY_IMPORT if place == "sandbox" else {place, *ORDER[: ORDER.index(place)]}
        found |= {(place, name) for name in imports_of(path) - allowed}
    return found


SANDBOX = PACKAGE / "sandbox"

SANDBOX_APART = {
    ("gateway", "rest"),
    ("people", "rest"),
    ("people", "gateway"),
    ("terminal", "rest"),
    ("page", "rest"),
    ("page", "terminal"),
}
"""The folders of the sandbox of which the first must not import the second, though it stands above it."""


def sandbox_order() -> list[str]:
    """Return the files of the sandbox, such as "rest/app", as its docstring and those of its folders list them."""
    order: list[str] = []
    for name in listed(ast.get_docstring(parsed(SANDBOX / "__init__.py")) or ""):
        if name.endswith("/"):
            order += [name + file for file in listed(ast.get_docstring(parsed(SANDBOX / name / "__init__.py")) or "")]
        else:
            order.append(name)
    return order


def sandbox_imports() -> dict[str, set[str]]:
    """Return the files of the sandbox that each of them imports; one that is imported by way of a package is that."""
    found: dict[str, set[str]] = {}
    for path in SANDBOX.rglob("*.py"):
        if path.name != "__init__.py":
            names = [name.split(".")[2:] for name in names_imported(path) if name.startswith("wisp.sandbox.")]
            file = path.relative_to(SANDBOX).with_suffix("").as_posix()
            found[file] = {"/".join(parts[: 2 if (SANDBOX / parts[0]).is_dir() else 1]) for parts in names}
    return found


def test_every_file_of_the_sandbox_has_its_place_in_the_order() -> None:
    order = sandbox_order()
    assert sorted(order) == sorted(sandbox_imports())
    assert len(order) > 40


def test_imports_in_the_sandbox_point_one_way() -> None:
    order, imports = sandbox_order(), sandbox_imports()
    assert sum(map(len, imports.values())) > 150
    below = {file: set(order[:place]) for place, file in enumerate(order)}
    assert {file: up for file, names in imports.items() if (up := names - below[file])} == {}


def test_folders_of_the_sandbox_that_stand_side_by_side_do_not_import_each_other() -> None:
    pairs = {(file.split("/")[0], name.split("/")[0]) for file, names in sandbox_imports().items() for name in names}
    assert {above for above, _ in SANDBOX_APART} <= {above for above, _ in pairs}
    assert pairs & SANDBOX_APART == set()


def test_every_file_has_its_place_in_the_order() -> None:
    assert sorted(ORDER) == sorted({place_of(path) for path in files()})


def test_imports_point_one_way_but_for_a_few_with_a_reason() -> None:
    assert upward_imports() == set(UPWARD)
    assert len(UPWARD) <= 6


@pytest.mark.parametrize("path", [PACKAGE / "__init__.py", *files()], ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_file_opens_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(parsed(path)) or ""
    first = docstring.split("\n")[0]
    assert first.endswith((".", ":")), f"{path.name}: {first!r}"


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.usefixtures("real_start")
def test_import_wisp_alone_loads_nothing_that_it_does_not_use() -> None:
    loaded = modules_after("import wisp")
    assert {"hikari", "lightbulb", "aiohttp", "msgspec", "asyncio", "wisp.bot"} & loaded == set()


STARTED = """
import asyncio, wisp
from wisp.config import Config
from wisp.session import Session

bot = wisp.Bot()

@bot.command
async def hello(ctx: wisp.Context) -> str:
    return "Hello!"

async def start_and_close():
    await bot.start(Config(token="MTE4.a.b", database=":memory:"))
    await bot.close()

Session._connect = lambda session: asyncio.sleep(0)
asyncio.run(start_and_close())
"""


@pytest.mark.usefixtures("real_start")
def test_a_bot_loads_only_what_it_uses() -> None:
    loaded = modules_after(STARTED)
    unused = ["sandbox", "testing", "cli", "local", "modules", "jobs", "components", "forms", "prompts", "cooldowns"]
    assert "wisp.session" in loaded
    assert {name for name in loaded if name.startswith(tuple(f"wisp.{name}" for name in unused))} == set()
    assert {
        "wisp.autocomplete",
        "wisp.services.guild_data",
        "wisp.services.cache",
        "wisp.services.audit",
    } & loaded == set()


def test_every_public_name_can_be_reached_and_an_unknown_one_is_an_attribute_error() -> None:
    assert [name for name in wisp.__all__ if not hasattr(wisp, name)] == []
    assert set(wisp.__all__) <= set(dir(wisp))
    with pytest.raises(AttributeError, match="Modul"):
        wisp.Modul  # noqa: B018
