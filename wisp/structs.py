"""Structs: msgspec's structs, with fields in any order."""

from __future__ import annotations

import typing
from typing import Any

import msgspec


@typing.dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class AnyOrder(msgspec.StructMeta):
    """Make a struct whose fields are given by name, so that one with a default can precede one without.

    msgspec does not inherit `kw_only` from a base class.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **settings: Any) -> Any:
        """Make the class. `settings` are those of msgspec."""
        settings.setdefault("kw_only", True)
        return super().__new__(mcs, name, bases, namespace, **settings)
