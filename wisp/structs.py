"""Structs: msgspec's structs, with fields in any order."""

from __future__ import annotations

import typing
from typing import Any

import msgspec

_BY_NAME = "__wisp_fields_by_name__"


@typing.dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class AnyOrder(msgspec.StructMeta):
    """Make a struct in which a field with a default can precede one without. Its fields are then given by name.

    msgspec does not inherit `kw_only` from a base class.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **settings: Any) -> Any:
        """Make the class. `settings` are those of msgspec, `kw_only` included."""
        if any(hasattr(base, _BY_NAME) for base in bases):
            settings.setdefault("kw_only", True)  # else msgspec puts the fields of the base class last
        try:
            return super().__new__(mcs, name, bases, namespace, **settings)
        except TypeError:
            if "kw_only" in settings:
                raise
        return super().__new__(mcs, name, bases, {**namespace, _BY_NAME: True}, kw_only=True, **settings)
