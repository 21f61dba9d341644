"""The shape of the package: who may import whom, what `import wisp` loads, what is public."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import wisp

PACKAGE = Path(wisp.__file__).parent

# From the ground up: a file imports only what stands above it here, at its top level at least.
ORDER = [
    "errors",
    "logs",
    "clock",
    "shield",
    "limits",
    "config",
    "places",
    "work",
    "program",
    "services",
    "instrumentation",
    "sandbox",
    "annotations",
    "signatures",
    "durations",
    "options",
    "custom_ids",
    "guards",
    "cooldowns",
    "handlers",
    "blocking",
    "commands",
    "groups",
    "components",
    "forms",
    "events",
    "jobs",
    "migrations",
    "bridge",
    "context",
    "deferral",
    "replies",
    "autocomplete",
    "prompts",
    "dispatch",
    "registration",
    "start_refusals",
    "session",
    "registrar",
    "modules",
    "module_commands",
    "registry",
    "bot",
    "chat",
    "outside",
    "virtual_time",
    "shown",
    "local",
    "mocks",
    "testing",
    "pytest_plugin",
    "cli",
    "__main__",
]
SANDBOX_MAY_IMPORT = {"errors", "clock", "limits", "sandbox"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> set[str]:
    """Return the files of wisp that `path` imports when it is imported: not those under `if TYPE_CHECKING`."""
    found: set[str] = set()
    depth = len(path.relative_to(PACKAGE).parts)
    for node in parsed(path).body:
        if isinstance(node, ast.ImportFrom):
            if node.level == depth:
                found.update([node.module.split(".")[0]] if node.module else [name.name for name in node.names])
            elif node.level and node.level < depth:
                found.add(path.relative_to(PACKAGE).parts[0])
            elif (node.module or "").split(".")[0] == "wisp":
                found.update(node.module.split(".")[1:2] or [name.name for name in node.names])
    return found & set(ORDER)


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_file_has_its_place_in_the_order() -> None:
    names = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in files()}
    assert names == set(ORDER)


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    allowed = SANDBOX_MAY_IMPORT if place == "sandbox" else {*ORDER[: ORDER.index(place)]}
    if place == "services":
        allowed |= {"services"}  # its files know each other, as the sandbox's do
    assert imports_of(path) <= allowed


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


@pytest.mark.usefixtures("real_start")
def test_a_bot_does_not_load_the_sandbox_nor_the_command_line() -> None:
    loaded = modules_after("import wisp; wisp.Bot()")
    assert "hikari" in loaded
    assert {name for name in loaded if name.startswith(("wisp.sandbox", "wisp.testing", "wisp.cli"))} == set()
    assert "wisp.local" not in loaded


def test_every_public_name_can_be_reached_and_an_unknown_one_is_an_attribute_error() -> None:
    assert [name for name in wisp.__all__ if not hasattr(wisp, name)] == []
    assert set(wisp.__all__) <= set(dir(wisp))
    with pytest.raises(AttributeError, match="Modul"):
        wisp.Modul  # noqa: B018
