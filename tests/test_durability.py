"""What was acknowledged survives `kill -9`; the bench of the same name does this a thousand times."""

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def durability() -> ModuleType:
    path = Path(__file__).parent / "bench" / "durability.py"
    spec = importlib.util.spec_from_file_location("durability", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ten_killed_processes_lose_no_acknowledged_write(durability: ModuleType, tmp_path: Path) -> None:
    writes, lost = durability.rounds(10, str(tmp_path))
    assert lost == []
    assert writes > 100


@pytest.fixture
def written(durability: ModuleType, tmp_path: Path) -> tuple[str, dict[str, int]]:
    """A file that killed processes wrote, and what was acknowledged: at least one write of each kind."""
    path = str(tmp_path / "wisp.db")
    acknowledged: dict[str, int] = {}
    while {writer.rstrip("0123456789") for writer in acknowledged} != set(durability.KINDS):
        acknowledged |= durability.killed_round(path)
    assert durability.losses(path, acknowledged) == []
    return path, acknowledged


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM guild_data WHERE key = 'together'", "the file has 0"),
        ("UPDATE guild_data SET value = x'00' WHERE key GLOB 'set[0-9]*'", "is kept, the file has 0"),
        ("DELETE FROM guild_data WHERE key GLOB 'set_many* again'", "is half done"),
        ("UPDATE account SET money = money + 1 WHERE number = 0", "a transfer is half done: 5001 of 5000"),
        ("INSERT INTO ledger SELECT writer, number FROM ledger LIMIT 1", "the ledger has"),
        ("DELETE FROM ledger", "is kept, the file has 0"),
    ],
)
def test_what_was_lost_is_noticed(
    durability: ModuleType, written: tuple[str, dict[str, int]], damage: str, words: str
) -> None:
    path, acknowledged = written
    with closing(sqlite3.connect(path)) as file:
        file.execute(damage)
        file.commit()
    assert words in " ".join(durability.losses(path, acknowledged))
