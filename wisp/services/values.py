"""Values in the database: what msgspec encodes, with hikari's ids and enums, and ids as SQLite has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeGuard

import msgspec


def _simplified(value: Any) -> Any:
    """What msgspec does not take: ids and enums of hikari's are subclasses of int and str."""
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError(f"msgspec does not encode `{type(value).__qualname__}`")


def _restored(type: Any, value: Any) -> Any:
    if inspect.isclass(type) and issubclass(type, (int, str, float)) and isinstance(value, (int, str, float)):
        return type(value)
    raise TypeError(f"`{type!r}` is no type that msgspec knows")


encode: Callable[[Any], bytes] = msgspec.msgpack.Encoder(enc_hook=_simplified).encode
"""A value as msgpack. Raises TypeError, ValueError, OverflowError or RecursionError for what cannot be encoded."""

decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder().decode
"""The value of msgpack, as msgpack knows it."""


@lru_cache(maxsize=256)
def decoder(type: Any) -> Callable[[bytes], Any]:
    """What reads a value of this type. Raises TypeError where it is none that msgspec knows."""
    return msgspec.msgpack.Decoder(type, dec_hook=_restored).decode


def is_id(id: object) -> TypeGuard[int]:
    """Whether this can be an id of Discord's."""
    return isinstance(id, int) and not isinstance(id, bool) and 0 < id < 2**64


def check_limit(limit: object) -> None:
    """Raise ValueError for what is no number of rows."""
    if not isinstance(limit, int) or limit < 0:
        raise ValueError(f"limit: expected an int, 0 or more, got {limit!r}")


def signed(id: int) -> int:
    """An id as SQLite has it: integers have a sign there, ids from 2**63 on stand as the negative ones."""
    return int(id) if id < 2**63 else int(id) - 2**64


def unsigned(stored: int) -> int:
    """The id that SQLite has."""
    return stored % 2**64
