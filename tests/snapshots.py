"""Snapshots of a sandbox's world, by which a test sees whether a call changed anything in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

LEFT_OUT = {"clock", "unserved", "errors", "_last_id", "_timers"}
"""Attributes that bots and people do not see: time, timers, what was asked for in vain, the last id given out."""


def snapshot(world: object) -> dict[str, object]:
    """Return every value that can be reached from a world, by the path to it. Callbacks are left out.

    An object that is reached twice stands at its first path, and at the others that path stands for it.
    """
    found: dict[str, object] = {}
    first: dict[int, str] = {}
    waiting: list[tuple[str, Any]] = [("world", world)]
    while waiting:
        path, value = waiting.pop()
        if value is None or isinstance(value, (str, bytes, int, float)):
            found[path] = value
        elif id(value) in first:
            found[path] = first[id(value)]
        elif not callable(value):
            first[id(value)] = path
            parts = list(_parts(value))
            found[path] = f"{type(value).__name__} of {[name for name, _ in parts]}"
            waiting += [(f"{path}{name}", part) for name, part in reversed(parts)]
    return found


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"[{key!r}]", inner
    elif isinstance(value, (list, tuple, deque)):
        for index, inner in enumerate(value):
            yield f"[{index}]", inner
    elif isinstance(value, (set, frozenset)):
        for index, inner in enumerate(sorted(value, key=repr)):  # whatever their hashes are
            yield f"{{{index}}}", inner
    else:
        slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
        for name in [*slots, *getattr(value, "__dict__", {})]:
            if name not in LEFT_OUT and hasattr(value, name):
                yield f".{name}", getattr(value, name)


def differences(before: dict[str, object], after: dict[str, object]) -> dict[str, tuple[object, object]]:
    """Return the values that differ between two snapshots, by path."""
    assert len(before) > 100  # or the snapshot has lost the world
    return {
        path: (before.get(path), after.get(path))
        for path in {**before, **after}
        if before.get(path, ...) != after.get(path, ...)
    }
