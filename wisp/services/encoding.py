"""How values and Discord ids are stored: msgpack for values, SQLite's signed integers for ids."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeGuard

import msgspec


def _simplified(value: Any) -> int | str:
    """Convert hikari's ids and enums, which are subclasses of int and str that msgspec does not encode."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"msgspec does not encode `{type(value).__qualname__}`")


def _restored(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, (int, str)) and isinstance(value, (int, str)):
        return kind(value)
    raise TypeError(f"`{kind!r}` is not a type that msgspec knows")


encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder(enc_hook=_simplified).encode
"""Encode a value as msgpack. Raises TypeError, ValueError, OverflowError or RecursionError if that is impossible."""

decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder().decode
"""Decode msgpack to the types that it has itself."""


@lru_cache(maxsize=256)
def decoder(type: Any) -> Callable[[bytes], Any]:
    """Return a function that decodes a value of this type. Raises TypeError if msgspec does not know the type."""
    return msgspec.msgpack.Decoder(type, dec_hook=_restored).decode


def is_id(id: object) -> TypeGuard[int]:
    """Return whether this can be the id of something on Discord."""
    return isinstance(id, int) and not isinstance(id, bool) and 0 < id < 2**64


def check_limit(limit: object) -> None:
    """Raise ValueError if this is not a number of rows."""
    if not isinstance(limit, int) or limit < 0:
        raise ValueError(f"limit: expected an int, 0 or more, got {limit!r}")


def signed(id: int) -> int:
    """Convert an id to SQLite's signed 64 bits: ids from 2**63 on become negative."""
    return int(id) if id < 2**63 else int(id) - 2**64


def unsigned(stored: int) -> int:
    """Convert a stored integer back to the id."""
    return stored % 2**64
