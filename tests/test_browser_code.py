"""The page's code: its pure functions under `node --test`, its numbers, and the length of its lines."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hikari
import pytest

from wisp.sandbox.page.site import FILES
from wisp.sandbox.world.permissions import Permission

ROOT = Path(__file__).parents[1]
TESTS = Path(__file__).parent / "browser"
NODE = shutil.which("node")
REQUIRED = os.environ.get("REQUIRE_BROWSER", "") == "1"


needs_node = pytest.mark.skipif(NODE is None and not REQUIRED, reason="there is no Node.js: apt-get install nodejs")


@needs_node
def test_the_pages_pure_functions_pass_their_own_tests(tmp_path: Path) -> None:
    assert NODE, "REQUIRE_BROWSER=1, and there is no Node.js"
    shutil.copytree(FILES, tmp_path / "wisp/sandbox/page/static")  # FILES may be those of an installed package
    shutil.copytree(TESTS, tmp_path / TESTS.relative_to(ROOT))
    # what the page loads as modules are modules for Node.js only if a package says so
    (tmp_path / "package.json").write_text('{"type": "module"}')
    files = sorted((tmp_path / TESTS.relative_to(ROOT)).glob("*.test.js"))
    assert files
    command = [NODE, "--test", "--test-reporter=tap", *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# fail 0" in run.stdout
    assert "# pass 0" not in run.stdout


NUMBERS = """
import * as discord from "./discord.js";
const text = (key, value) => (typeof value === "bigint" ? Number(value) : value);
console.log(JSON.stringify(discord, text));
"""


@needs_node
def test_the_pages_numbers_are_discords(tmp_path: Path) -> None:
    shutil.copy(FILES / "discord.js", tmp_path)
    (tmp_path / "numbers.mjs").write_text(NUMBERS)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    numbers = json.loads(subprocess.check_output([str(NODE), "numbers.mjs"], cwd=tmp_path, timeout=60))
    known: dict[str, type[Any]] = {
        "Permission": Permission,
        "ChannelType": hikari.ChannelType,
        "MessageType": hikari.MessageType,
        "MessageFlag": hikari.MessageFlag,
        "OptionType": hikari.OptionType,
        "ComponentType": hikari.ComponentType,
        "ButtonStyle": hikari.ButtonStyle,
        "TextInputStyle": hikari.TextInputStyle,
    }
    for kind, enum in known.items():
        # hikari has other names for some of them, and none for what is new
        shared = {name: value for name, value in numbers[kind].items() if name in enum.__members__}
        assert len(shared) * 2 >= len(numbers[kind]), kind
        assert {name: int(enum[name]) for name in shared} == shared


def test_no_line_is_longer_than_120_columns() -> None:
    files = [path for folder in (FILES, TESTS) for path in folder.iterdir()]
    assert {".js", ".css", ".html", ".svg"} <= {path.suffix for path in files}
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 120, f"{path.name}:{number}"
