"""Guild data: values that a bot stores for each guild, and for each user in direct messages, by namespace and key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, overload

import msgspec

from ..errors import DatabaseError, DataError
from .batching import BatchWriter
from .database import DatabaseService
from .encoding import decode, decoder, encode, is_id, signed, unsigned

T = TypeVar("T")
D = TypeVar("D")

LONGEST_NAME = 512
"""The most characters of a key, and of a module's name."""

LARGEST_VALUE = 1024 * 1024
"""The most bytes of a value, encoded as msgpack."""

CACHE_BYTES = 32 * 1024 * 1024
"""About the most memory that cached values take. The largest value must fit."""

_Owner = tuple[int, int]  # guild id and 0, or 0 and user id, as stored
_Place = tuple[int, int, str, str]  # those two, namespace and key: the table's primary key
_Rows = dict[_Place, bytes]  # encoded values

_ABSENT = b""  # no value: nothing is encoded as no bytes

# What a cached value takes beside its own bytes: tuple, number, object headers, dictionary slots. A character of the
# key takes up to 4 bytes, and 4 more if sqlite3 has encoded it as UTF-8.
_OVERHEAD = 360
_BYTES_PER_CHARACTER = 8

_SELECT = "SELECT value FROM guild_data WHERE guild = ? AND user = ? AND namespace = ? AND key = ?"
_REPLACE = "REPLACE INTO guild_data VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM guild_data WHERE guild = ? AND user = ? AND namespace = ? AND key = ?"


class GuildData:
    """Values by guild, namespace and key, in the bot's database and cached in memory.

    A value is anything that msgspec encodes. Without `type=` it is decoded to None, bool, int (64 bits, so that ids
    are exact), float, str, bytes, list, dict, or datetime if it has a time zone: tuples and sets come back as lists,
    structs as dicts, UUIDs and decimals as str. With `type=` the original comes back. What is returned is a copy.

    `module_name` is the namespace. Without it, that is the one which the whole bot shares. Keys and module names are
    str of up to 512 characters, and keys are not empty. Every operation is atomic, whatever other tasks do. When `set`
    or another change returns, the value survives `kill -9`. A change that is cancelled is stored completely or not
    at all.

    Everything raises DataError for a key, value or type that does not fit, and DatabaseError if the database fails.
    Nothing is stored then, and changes that were queued behind a failed one fail with it. Inside `db.transaction()`
    everything raises DatabaseError, because each would wait for the other.
    """

    def __init__(self, db: DatabaseService) -> None:
        self._store = _Store(db)

    async def start(self, session: object = None) -> None:
        """Forget what was cached in an earlier run."""
        self._store.forget_cached()

    async def stop(self) -> None:
        """Wait until all changes so far are stored."""
        await self._store.flush()

    def bind(self, *, guild_id: int | None, user_id: int, module_name: str | None = None) -> BoundData:
        """Return the data of one guild and module, or of the user if `guild_id` is None, in direct messages.

        The data of users and guilds are separate, whatever their ids.
        """
        owner = (_id(guild_id), 0) if guild_id is not None else (0, _id(user_id))
        return BoundData(self._store, owner, module_name)

    def _of(self, guild_id: int, module_name: str | None) -> BoundData:
        return BoundData(self._store, (_id(guild_id), 0), module_name)

    # ---- the operations of BoundData, for any guild and module ----

    @overload
    async def get(
        self, *, guild_id: int, key: str, default: None = None, type: None = None, module_name: str | None = None
    ) -> Any: ...

    @overload
    async def get(
        self, *, guild_id: int, key: str, default: D, type: None = None, module_name: str | None = None
    ) -> D: ...

    @overload
    async def get(
        self, *, guild_id: int, key: str, default: None = None, type: type[T], module_name: str | None = None
    ) -> T | None: ...

    @overload
    async def get(self, *, guild_id: int, key: str, default: T, type: type[T], module_name: str | None = None) -> T: ...

    async def get(
        self, *, guild_id: int, key: str, default: Any = None, type: Any = None, module_name: str | None = None
    ) -> Any:
        """Return a value, or `default` if there is none. See `BoundData.get`."""
        return await self._of(guild_id, module_name).get(key, default, type=type)

    async def set(self, *, guild_id: int, key: str, value: Any, module_name: str | None = None) -> None:
        """Store a value."""
        await self._of(guild_id, module_name).set(key, value)

    async def delete(self, *, guild_id: int, key: str, module_name: str | None = None) -> None:
        """Remove a value, if there is one."""
        await self._of(guild_id, module_name).delete(key)

    @overload
    async def increment(self, *, guild_id: int, key: str, by: int = 1, module_name: str | None = None) -> int: ...

    @overload
    async def increment(self, *, guild_id: int, key: str, by: float, module_name: str | None = None) -> float: ...

    async def increment(self, *, guild_id: int, key: str, by: float = 1, module_name: str | None = None) -> float:
        """Add to a number. See `BoundData.increment`."""
        return await self._of(guild_id, module_name).increment(key, by)

    async def update(
        self, *, guild_id: int, key: str, fn: Callable[[Any], Any], default: Any = None, module_name: str | None = None
    ) -> Any:
        """Replace a value by `fn(value)`. See `BoundData.update`."""
        return await self._of(guild_id, module_name).update(key, fn, default=default)

    async def set_many(self, *, guild_id: int, values: Mapping[str, Any], module_name: str | None = None) -> None:
        """Store several values, all of them or none."""
        await self._of(guild_id, module_name).set_many(values)

    async def get_all(self, *, guild_id: int, module_name: str | None = None) -> dict[str, Any]:
        """Return every key and value of a namespace, keys in order of their code points."""
        return await self._of(guild_id, module_name).get_all()

    async def keys(self, *, guild_id: int, prefix: str = "", module_name: str | None = None) -> list[str]:
        """Return the keys of a namespace that start with `prefix`, in order of their code points."""
        return await self._of(guild_id, module_name).keys(prefix)

    async def clear(self, *, guild_id: int, module_name: str | None = None) -> int:
        """Remove every value of a namespace. Return how many there were."""
        return await self._of(guild_id, module_name).clear()

    async def forget(self, guild_id: int) -> int:
        """Remove everything of a guild, in all namespaces. Return how many values there were."""
        return await self._store.remove((_id(guild_id), 0), None)


class BoundData:
    """The data of one guild and module, or of one user in direct messages: `ctx.data`. See `GuildData`."""

    __slots__ = ("_namespace", "_owner", "_store")

    def __init__(self, store: _Store, owner: _Owner, module_name: str | None) -> None:
        self._store = store
        self._owner = owner
        # "" is what the whole bot shares. The colon is there because "" can be the name of a module.
        self._namespace = "" if module_name is None else ":" + _text("module_name", module_name)

    @overload
    async def get(self, key: str, default: None = None, *, type: None = None) -> Any: ...

    @overload
    async def get(self, key: str, default: D, *, type: None = None) -> D: ...

    @overload
    async def get(self, key: str, default: None = None, *, type: type[T]) -> T | None: ...

    @overload
    async def get(self, key: str, default: T, *, type: type[T]) -> T: ...

    async def get(self, key: str, default: Any = None, *, type: Any = None) -> Any:
        """Return a value, or `default`, as it is, if there is none.

        `type` is any type that msgspec knows: `int`, `list[str]`, a struct, a dataclass. Raises DataError, which
        names the field, if the value does not fit. Without it, a type checker takes it on trust that the value is of
        the same type as `default`.
        """
        place = self._place(key)
        encoded = await self._store.read(place)
        return _decoded(place, encoded, type) if encoded else default

    async def set(self, key: str, value: Any) -> None:
        """Store a value. Raises DataError if msgspec does not encode it, or if it takes more than 1 MiB."""
        place = self._place(key)
        await self._store.write({place: _encoded(place, value)})

    async def delete(self, key: str) -> None:
        """Remove a value, if there is one."""
        await self._store.write({self._place(key): _ABSENT})

    @overload
    async def increment(self, key: str, by: int = 1) -> int: ...

    @overload
    async def increment(self, key: str, by: float) -> float: ...

    async def increment(self, key: str, by: float = 1) -> float:
        """Add `by` to a number, or to 0 if there is none. Return the new number.

        Raises DataError if the value is not a number.
        """
        place = self._place(key)
        encoded = await self._store.read(place)
        value = _decoded(place, encoded) if encoded else 0
        if type(value) not in (int, float):
            raise DataError(f"{_described(place)}: expected a number to add to, got `{type(value).__name__}`")
        value += by
        await self._store.write({place: _encoded(place, value)})
        return value

    async def update(self, key: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace a value by `fn(value)`, or `fn(default)` if there is none. Return the new value.

        `fn` is a plain function. It is called once, with a copy that it may change and return. If it raises, nothing
        changes.
        """
        place = self._place(key)
        before = await self._store.read(place) or _encoded(place, default)
        value = _decoded(place, before)
        changed = fn(value)
        if changed is None and value is not None and _encoded(place, value) != before:
            raise DataError(f"{_described(place)}: fn changed the value and returned None. Return the new value")
        await self._store.write({place: _encoded(place, changed)})
        return changed

    async def set_many(self, values: Mapping[str, Any]) -> None:
        """Store several values, all of them or none."""
        rows: _Rows = {}
        for key, value in values.items():
            place = self._place(key)
            rows[place] = _encoded(place, value)
        await self._store.write(rows)

    async def get_all(self) -> dict[str, Any]:
        """Return every key and value, keys in order of their code points."""
        rows = await self._store.rows("key, value", self._owner, self._namespace)
        return {key: _decoded(self._place(key), encoded) for key, encoded in rows}

    async def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, in order of their code points."""
        rows = await self._store.rows("key", self._owner, self._namespace)
        return [key for (key,) in rows if key.startswith(prefix)]

    async def clear(self) -> int:
        """Remove every value. Return how many there were."""
        return await self._store.remove(self._owner, self._namespace)

    def _place(self, key: str) -> _Place:
        if not (name := _text("key", key)):
            raise DataError(f"key: expected 1 to {LONGEST_NAME} characters, got an empty string")
        return *self._owner, self._namespace, name


class _Store:
    """Encoded values by place, written in groups and cached.

    A value that was written is in `_queued` until the database gets it, in `_sent` until it is stored, and in `_cache`
    from then on. The first of these that has a place has its current value.
    """

    def __init__(self, db: DatabaseService) -> None:
        self._db = db
        self._queued: _Rows = {}  # what the writer's items add up to, so the items themselves are None
        self._sent: _Rows = {}
        self._cache: _Rows = {}
        self._cached_bytes = 0  # counts a value again when it is replaced, so it is an upper bound
        self._writer: BatchWriter[None] = BatchWriter(self._commit)

    def forget_cached(self) -> None:
        self._cache, self._cached_bytes = {}, 0

    async def flush(self) -> None:
        """Wait until what was written before is stored or has failed."""
        if self._queued or self._sent:
            with suppress(DatabaseError):  # its writers get it
                await self._writer.add(None)

    async def read(self, place: _Place) -> bytes:
        """Return the encoded value, or _ABSENT.

        No other task runs between reading the value and returning. So a caller that then writes, without awaiting
        anything else in between, replaces the value that it read.
        """
        self._db.refuse_inside_transaction()
        while True:
            for rows in (self._queued, self._sent, self._cache):
                if place in rows:
                    return rows[place]
            cache = self._cache
            row = await self._db.fetchone(_SELECT, place)
            # What was written and stored meanwhile is in the cache, unless it was emptied: then read again.
            if cache is self._cache and place not in cache:
                self._keep({place: row[0] if row else _ABSENT})

    async def rows(self, columns: str, owner: _Owner, namespace: str | None) -> list[tuple[Any, ...]]:
        """Return `columns` of a namespace, or of all if it is None, in order of namespace and key."""
        self._db.refuse_inside_transaction()
        await self.flush()
        condition = "guild = ? AND user = ?" + ("" if namespace is None else " AND namespace = ?")
        sql = f"SELECT {columns} FROM guild_data WHERE {condition} ORDER BY namespace, key"
        return await self._db.fetchall(sql, owner if namespace is None else (*owner, namespace))

    async def write(self, rows: _Rows) -> None:
        """Write encoded values, all or none. Reads see them at once, and they are stored when this returns."""
        self._db.refuse_inside_transaction()
        self._queued.update(rows)
        await self._writer.add(None)

    async def remove(self, owner: _Owner, namespace: str | None) -> int:
        """Remove a namespace, or all if it is None. Return how many values there were."""
        cache = None
        found: set[_Place] = set()
        while cache is not self._cache:  # what is stored while the rows are read must be in the cache
            cache = self._cache
            found = {(*owner, *row) for row in await self.rows("namespace, key", owner, namespace)}
        for rows in (self._cache, self._sent, self._queued):
            for place, encoded in rows.items():
                if place[:2] == owner and namespace in (None, place[2]):
                    (found.add if encoded else found.discard)(place)
        await self.write(dict.fromkeys(found, _ABSENT))
        return len(found)

    async def _commit(self, _: list[None]) -> None:
        self._sent, self._queued = self._queued, {}
        try:
            rows = self._sent.items()
            await self._db.batch([(_REPLACE, (*place, row)) if row else (_DELETE, place) for place, row in rows])
            self._keep(self._sent)
        except Exception:
            self._queued = {}  # the writer fails what is queued as well
            raise
        finally:
            self._sent = {}

    def _keep(self, rows: _Rows) -> None:
        """Cache values. A full cache is emptied: reading a value again costs little."""
        size = sum(_OVERHEAD + _BYTES_PER_CHARACTER * len(place[3]) + len(rows[place]) for place in rows)
        if self._cached_bytes + size > CACHE_BYTES:
            self.forget_cached()
        if size <= CACHE_BYTES:
            self._cache.update(rows)
            self._cached_bytes += size


# ---- values ----

_ERRORS = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)


def _encoded(place: _Place, value: Any) -> bytes:
    try:
        encoded = encode(value)
        decode(encoded)  # a dict with keys of some types, such as dataclasses, can be encoded but not decoded
    except _ERRORS as error:
        raise DataError(f"{_described(place)}: this `{type(value).__name__}` cannot be kept: {error}") from error
    if len(encoded) > LARGEST_VALUE:
        raise DataError(
            f"{_described(place)}: expected at most {LARGEST_VALUE} bytes, got {len(encoded)}. "
            "Spread it over several keys, or make a table for it"
        )
    return encoded


def _decoded(place: _Place, encoded: bytes, type: Any = None) -> Any:
    try:
        return decode(encoded) if type is None else decoder(type)(encoded)
    except _ERRORS as error:
        raise DataError(f"{_described(place)}: {error}") from error


# ---- places ----


def _id(id: object) -> int:
    """Return an id as it is stored. Raises DataError if it is not one."""
    if not is_id(id):
        raise DataError(f"guild or user id: expected an int from 1 to 2**64 - 1, got {id!r}")
    return signed(id)


def _text(what: str, text: object) -> str:
    """Return `text` as a plain str that SQLite stores. Raises DataError if that is impossible."""
    if isinstance(text, str) and len(text) <= LONGEST_NAME and text.encode(errors="ignore").decode() == text:
        return str.__str__(text)
    raise DataError(f"{what}: expected a str of at most {LONGEST_NAME} Unicode characters, got {repr(text)[:60]}")


def _described(place: _Place) -> str:
    guild, user, namespace, key = place
    owner = f"guild {unsigned(guild)}" if guild else f"user {unsigned(user)}"
    return f'"{key}" of {owner}' + (f', module "{namespace[1:]}"' if namespace else "")
