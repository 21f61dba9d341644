"""Guild data: values that a bot stores for each guild, and for each user in direct messages, by namespace and key."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, overload

import msgspec

from ..errors import DatabaseError, DataError
from .batching import BatchWriter
from .database import DatabaseService, Parameters
from .encoding import decode, decoder, encode, is_id, signed, unsigned

T = TypeVar("T")
D = TypeVar("D")

LONGEST_NAME = 512
"""The most characters of a key, and of a module's name."""

LARGEST_VALUE = 1024 * 1024
"""The most bytes of a value, encoded as msgpack."""

_Owner = tuple[int, int]  # guild id and 0, or 0 and user id, as stored
_Place = tuple[int, int, str, str]  # those two, namespace and key: the table's primary key
_Rows = dict[_Place, bytes]  # encoded values

_ABSENT = b""  # no value: nothing is encoded as no bytes

_SHARED = ""  # the namespace of the whole bot. A module's is its name after a colon, because "" is a name as well

# What a cached value takes beside its own bytes: tuple, number, object headers, dictionary slots. A character of the
# key takes up to 4 bytes, and 4 more if sqlite3 has encoded it as UTF-8.
_OVERHEAD = 360
_BYTES_PER_CHARACTER = 8

_SELECT = "SELECT value FROM guild_data WHERE guild = ? AND user = ? AND namespace = ? AND key = ?"
_UPSERT = (
    "INSERT INTO guild_data VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (guild, user, namespace, key) DO UPDATE SET value = excluded.value"
)
_DELETE = "DELETE FROM guild_data WHERE guild = ? AND user = ? AND namespace = ? AND key = ?"


class GuildData:
    """Values by guild, namespace and key, in the bot's database, cached in memory up to `cache_bytes`.

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

    def __init__(self, db: DatabaseService, *, cache_bytes: int = 32 * 1024 * 1024) -> None:
        if cache_bytes < 0:
            raise ValueError(f"cache_bytes: expected 0 or more, got {cache_bytes}")
        self._store = _Store(db, cache_bytes)

    async def start(self, session: object = None) -> None:
        """Accept changes, and forget what was cached in an earlier run."""
        self._store.open()

    async def stop(self) -> None:
        """Refuse further changes, and wait for those that are being stored."""
        await self._store.close()

    def bind(self, *, guild_id: int | None, user_id: int, module_name: str | None = None) -> BoundData:
        """Return the data of one guild and module, or of the user if `guild_id` is None, in direct messages.

        The data of users and guilds are separate, whatever their ids.
        """
        owner = (_id(guild_id), 0) if guild_id is not None else (0, _id(user_id))
        return BoundData(self._store, owner, _namespace(module_name))

    def _of(self, guild_id: int, module_name: str | None) -> BoundData:
        return BoundData(self._store, (_id(guild_id), 0), _namespace(module_name))

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
        self,
        *,
        guild_id: int,
        key: str,
        fn: Callable[[Any], Any],
        default: Any = None,
        module_name: str | None = None,
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

    def __init__(self, store: _Store, owner: _Owner, namespace: str) -> None:
        self._store = store
        self._owner = owner
        self._namespace = namespace

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
        if not _is_number(by):
            raise DataError(f"{_described(place)}: expected a number to add, got {by!r}")
        encoded = await self._store.read(place)
        value = _decoded(place, encoded) if encoded else 0
        if not _is_number(value):
            raise DataError(f"{_described(place)}: expected a number to add to, got `{type(value).__name__}`")
        try:
            value += by
        except OverflowError as error:
            raise DataError(f"{_described(place)}: cannot add {by!r} to {value!r}: {error}") from error
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
        if inspect.isawaitable(changed):
            if inspect.iscoroutine(changed):
                changed.close()
            raise DataError(
                f"{_described(place)}: fn is async, and other tasks would change the value while it waits. "
                "Pass a plain function, and await what it needs before update"
            )
        if changed is None and value is not None and _encoded(place, value) != before:
            raise DataError(f"{_described(place)}: fn changed the value and returned None. Return the new value")
        await self._store.write({place: _encoded(place, changed)})
        return changed

    async def set_many(self, values: Mapping[str, Any]) -> None:
        """Store several values, all of them or none."""
        if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise DataError(f"set_many: expected a mapping of keys to values, got `{type(values).__name__}`")
        places = [(self._place(key), value) for key, value in values.items()]
        await self._store.write({place: _encoded(place, value) for place, value in places})

    async def get_all(self) -> dict[str, Any]:
        """Return every key and value, keys in order of their code points."""
        rows = await self._store.rows("key, value", self._owner, self._namespace)
        return {key: _decoded(self._place(key), encoded) for key, encoded in rows}

    async def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, in order of their code points."""
        prefix = _text("prefix", prefix)
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
    """Encoded values by place: those that are being stored, and a cache of those in the database.

    A written value is seen at once. It stays in `_unsaved` until it is stored, and is cached then.
    """

    def __init__(self, db: DatabaseService, cache_bytes: int) -> None:
        self._db = db
        self._cache_bytes = cache_bytes
        self._cached_bytes = 0
        self._cache: OrderedDict[_Place, bytes] = OrderedDict()
        self._unsaved: dict[_Place, tuple[bytes, _Rows]] = {}  # the last value of each place, and its write
        self._writer = BatchWriter(self._commit)
        self._loads: dict[_Place, asyncio.Future[None]] = {}
        self._removals: list[set[_Place]] = []  # for each removal that runs, what was written since it began
        self._is_closing = False

    def open(self) -> None:
        """Accept writes, and forget what an earlier run left."""
        self._is_closing = False
        self._cached_bytes = 0
        self._cache.clear()
        self._unsaved.clear()

    async def close(self) -> None:
        """Write what is queued, and accept no more."""
        self._is_closing = True
        await self._writer.drain()

    async def read(self, place: _Place) -> bytes:
        """Return the encoded value, or _ABSENT.

        No other task runs between reading the value and returning. So a caller that then writes, without awaiting
        anything else in between, replaces the value that it read.
        """
        self._db.refuse_inside_transaction()
        while True:
            if place in self._unsaved:
                return self._unsaved[place][0]
            if place in self._cache:
                self._cache.move_to_end(place)
                return self._cache[place]
            if place not in self._loads:
                encoded = await self._load(place)
                if encoded is not None:
                    return encoded
            else:
                await asyncio.shield(self._loads[place])

    async def _load(self, place: _Place) -> bytes | None:
        """Read a value from the database. Return None if it was written meanwhile: the row may be older."""
        load = self._loads[place] = asyncio.get_running_loop().create_future()
        try:
            row = await self._db.fetchone(_SELECT, place)
            if self._loads.get(place) is not load:
                return None
            encoded = row[0] if row else _ABSENT
            self._cache_value(place, encoded)
            return encoded
        finally:
            if self._loads.get(place) is load:
                del self._loads[place]
            load.set_result(None)

    async def rows(self, columns: str, owner: _Owner, namespace: str | None) -> list[tuple[Any, ...]]:
        """Return `columns` of a namespace, or of all if it is None, in order of namespace and key."""
        self._db.refuse_inside_transaction()
        if self._unsaved:
            with suppress(DatabaseError):  # its own writers are told
                await self._writer.add({})  # done when what was written before is stored
        condition = "guild = ? AND user = ?" + ("" if namespace is None else " AND namespace = ?")
        sql = f"SELECT {columns} FROM guild_data WHERE {condition} ORDER BY namespace, key"
        return await self._db.fetchall(sql, owner if namespace is None else (*owner, namespace))

    async def write(self, rows: _Rows) -> None:
        """Write encoded values, all or none. Reads see them at once, and they are stored when this returns."""
        self._db.refuse_inside_transaction()
        if self._is_closing:
            raise DatabaseError(self._db.path, "the bot is closing, and stores nothing more")
        for place, encoded in rows.items():
            self._loads.pop(place, None)
            self._uncache(place)
            self._unsaved[place] = (encoded, rows)
        for written in self._removals:
            written.update(rows)
        await self._writer.add(rows)

    async def remove(self, owner: _Owner, namespace: str | None) -> int:
        """Remove a namespace, or all if it is None. Return how many values there were."""
        written: set[_Place] = set()
        self._removals.append(written)
        try:
            found: set[_Place] = {(*owner, *row) for row in await self.rows("namespace, key", owner, namespace)}
        finally:
            self._removals = [other for other in self._removals if other is not written]
        found |= {place for place in written if place[:2] == owner and namespace in (None, place[2])}
        await self.write(dict.fromkeys(found, _ABSENT))
        return len(found)

    async def _commit(self, writes: list[_Rows]) -> None:
        rows = {place: encoded for write in writes for place, encoded in write.items()}
        try:
            await self._db.batch(_statements(rows))
        except BaseException:
            self._unsaved.clear()  # everything in the queue fails as well
            raise
        for write in writes:
            for place, encoded in write.items():
                if place in self._unsaved and self._unsaved[place][1] is write:
                    del self._unsaved[place]
                    self._cache_value(place, encoded)

    def _cache_value(self, place: _Place, encoded: bytes) -> None:
        self._uncache(place)
        self._cache[place] = encoded
        self._cached_bytes += _size(place, encoded)
        while self._cached_bytes > self._cache_bytes:
            self._uncache(next(iter(self._cache)))

    def _uncache(self, place: _Place) -> None:
        encoded = self._cache.pop(place, None)
        if encoded is not None:
            self._cached_bytes -= _size(place, encoded)


def _statements(rows: _Rows) -> list[tuple[str, Parameters]]:
    return [(_UPSERT, (*place, encoded)) if encoded else (_DELETE, place) for place, encoded in rows.items()]


def _size(place: _Place, encoded: bytes) -> int:
    return _OVERHEAD + _BYTES_PER_CHARACTER * len(place[3]) + len(encoded)


# ---- values ----


_SCALARS = frozenset({int, str, bool, float, bytes, type(None)})


def _encoded(place: _Place, value: Any) -> bytes:
    if isinstance(value, msgspec.Raw):
        raise DataError(f"{_described(place)}: msgspec.Raw may be unreadable. Pass the value itself")
    try:
        encoded = encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DataError(f"{_described(place)}: this `{type(value).__name__}` cannot be kept: {error}") from error
    if type(value) not in _SCALARS:
        _refuse_unreadable(place, encoded, value)
    if len(encoded) > LARGEST_VALUE:
        raise DataError(
            f"{_described(place)}: expected at most {LARGEST_VALUE} bytes, got {len(encoded)}. "
            "Spread it over several keys, or make a table for it"
        )
    return encoded


def _refuse_unreadable(place: _Place, encoded: bytes, value: object) -> None:
    """A dict can have keys that msgpack encodes but not decodes: a dataclass, for example, comes back as a dict."""
    try:
        decode(encoded)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        what = f"this `{type(value).__name__}` could not be read again: {error}"
        raise DataError(f"{_described(place)}: {what}. Use str, int or bytes as keys of dicts") from error


def _decoded(place: _Place, encoded: bytes, type: Any = None) -> Any:
    try:
        return (decode if type is None else _typed_decoder(type))(encoded)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{_described(place)}: {error}") from error


def _typed_decoder(type: Any) -> Callable[[bytes], Any]:
    try:
        return decoder(type)
    except TypeError as error:
        raise TypeError(f"type={type!r} is not a type that msgspec knows ({error})") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# ---- places ----


def _id(id: object) -> int:
    """Return an id as it is stored. Raises DataError if it is not one."""
    if not is_id(id):
        raise DataError(f"guild or user id: expected an int from 1 to 2**64 - 1, got {id!r}")
    return signed(id)


def _namespace(module_name: str | None) -> str:
    return _SHARED if module_name is None else ":" + _text("module_name", module_name)


def _text(what: str, text: object) -> str:
    """Return `text` as a plain str that SQLite stores. Raises DataError if that is impossible."""
    if not isinstance(text, str):
        raise DataError(f"{what}: expected a str, got `{type(text).__name__}`")
    if len(text) > LONGEST_NAME:
        raise DataError(f"{what}: expected at most {LONGEST_NAME} characters, got {len(text)}: {text[:40]!r}...")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{what}: expected valid Unicode, got a lone surrogate in {text!r}") from error
    return str.__str__(text)


def _described(place: _Place) -> str:
    guild, user, namespace, key = place
    owner = f"guild {unsigned(guild)}" if guild else f"user {unsigned(user)}"
    return f'"{key}" of {owner}' + (f', module "{namespace[1:]}"' if namespace else "")
