"""Guild data: what a bot remembers of each guild, and of people in direct messages, by namespace and key."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar, overload

import msgspec

from ..errors import DatabaseError, DataError
from .database import DatabaseService, Parameters, copied
from .values import decode, decoder, encode, is_id, signed, unsigned

T = TypeVar("T")
D = TypeVar("D")

LONGEST_NAME = 512
"""The most characters of a key, and of a module's name."""

LARGEST_VALUE = 1024 * 1024
"""The most bytes of a value, encoded as msgpack."""

_Owner = tuple[int, int]  # guild id and 0, or 0 and user id, as SQLite has them
_Place = tuple[int, int, str, str]  # those two, then namespace and key: the table's primary key
_Row = tuple[_Place, bytes]

_ABSENT = b""  # stands for no value: nothing is encoded as no bytes

_SHARED = ""  # the namespace of the whole bot; a module's is its name behind a colon, so that "" is one as well

# Rows a statement: each count is a statement of its own that SQLite keeps compiled.
_CHUNK = 128

# What a cached value takes beside its own bytes and its key's: tuple, number, object heads, dictionary slots. A
# character can take 4 bytes, and 4 more where sqlite3 made UTF-8 of it.
_OVERHEAD = 320
_BYTES_OF_CHARACTER = 8

# Errors that one write of several can bring about, where the others alone would be kept.
_ITS_OWN_FAULT = ("SQLITE_FULL", "SQLITE_TOOBIG")

_PRIMARY_KEY = "(guild, user, namespace, key)"

_SELECT = "SELECT value FROM guild_data WHERE guild = ? AND user = ? AND namespace = ? AND key = ?"


class GuildData:
    """Values by guild, namespace and key, in the bot's database, and as far as they fit in memory.

    A value is whatever msgspec encodes. Without `type=` it comes back as msgpack knows it: None, bool, int (64 bits,
    so that ids are exact), float, str, bytes, list, dict, and datetime where it has a time zone; tuples and sets are
    lists, structs dicts, UUIDs and decimals strings. `type=` gives the original back. What comes back is the
    caller's own: changing it changes nothing here.

    `module_name` is the namespace; left out, it is the one that the whole bot shares. Keys and module names are
    strings of up to 512 characters, keys not empty. Every operation is atomic, whatever other tasks do. When `set`
    (or another that changes something) returns, the value survives `kill -9`; cancelled, it has been carried out
    or will be, whole, or it was not begun.

    Everything raises DataError for a key, a value or a type that does not fit, and DatabaseError where the database
    fails: nothing was kept then, and what was waiting on top of it fails with it. Inside `db.transaction()` it raises
    DatabaseError, since each would wait for the other.
    """

    def __init__(self, db: DatabaseService, *, cache_bytes: int = 32 * 1024 * 1024) -> None:
        if cache_bytes < 0:
            raise ValueError(f"cache_bytes: expected 0 or more, got {cache_bytes}")
        self._db = db
        self._store = _Store(db, cache_bytes)

    async def start(self, session: object = None) -> None:
        """Forget what was cached of an earlier run."""
        self._store.closing = False
        self._store.forget_cached()

    async def stop(self) -> None:
        """Take nothing more, and wait for what is being written."""
        self._store.closing = True
        await self._store.written()

    def bind(self, *, guild_id: int | None, user_id: int, module_name: str | None = None) -> BoundData:
        """The data of one guild and module; where `guild_id` is None, in direct messages, that of the person.

        People and guilds never meet, whatever their ids.
        """
        owner = (_id(guild_id), 0) if guild_id is not None else (0, _id(user_id))
        return BoundData(self._store, owner, _namespace(module_name))

    def _of(self, guild_id: int, module_name: str | None) -> BoundData:
        return BoundData(self._store, (_id(guild_id), 0), _namespace(module_name))

    # ---- one value ----
    # get and set are called all the time, and take the short way: without bound data in between

    @overload
    async def get(
        self, *, guild_id: int, key: str, default: Any = None, type: None = None, module_name: str | None = None
    ) -> Any: ...

    @overload
    async def get(
        self, *, guild_id: int, key: str, default: None = None, type: type[T], module_name: str | None = None
    ) -> T | None: ...

    @overload
    async def get(
        self, *, guild_id: int, key: str, default: D, type: type[T], module_name: str | None = None
    ) -> T | D: ...

    async def get(
        self, *, guild_id: int, key: str, default: Any = None, type: Any = None, module_name: str | None = None
    ) -> Any:
        """The value, `default` (as it is) where there is none.

        `type` is any type that msgspec knows: `int`, `list[str]`, a struct, a dataclass. What does not fit raises
        DataError, naming the field.
        """
        place = _id(guild_id), 0, _namespace(module_name), _key(key)
        encoded = await self._store.read(place)
        return _decoded(place, encoded, type) if encoded else default

    async def set(self, *, guild_id: int, key: str, value: Any, module_name: str | None = None) -> None:
        """Keep a value. Raises DataError where msgspec does not encode it, or it takes more than 1 MiB."""
        place = _id(guild_id), 0, _namespace(module_name), _key(key)
        await self._store.write([(place, _encoded(place, value))])

    async def delete(self, *, guild_id: int, key: str, module_name: str | None = None) -> None:
        """Remove a value. Nothing happens where there is none."""
        await self._of(guild_id, module_name).delete(key)

    @overload
    async def increment(self, *, guild_id: int, key: str, by: int = 1, module_name: str | None = None) -> int: ...

    @overload
    async def increment(self, *, guild_id: int, key: str, by: float, module_name: str | None = None) -> float: ...

    async def increment(self, *, guild_id: int, key: str, by: float = 1, module_name: str | None = None) -> float:
        """Add `by` to a number, 0 where there is none; the new value. Raises DataError where it is no number."""
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
        """Replace a value by `fn(value)`; the new value.

        `fn` is a plain function, called once, with a copy of its own (of `default` where there is no value), so it
        may change and return what it got. Where it raises, nothing changes.
        """
        return await self._of(guild_id, module_name).update(key, fn, default=default)

    # ---- several values ----

    async def set_many(self, *, guild_id: int, values: Mapping[str, Any], module_name: str | None = None) -> None:
        """Keep several values: all of them, or where it raises none."""
        await self._of(guild_id, module_name).set_many(values)

    async def get_all(self, *, guild_id: int, module_name: str | None = None) -> dict[str, Any]:
        """Every key and value of a namespace, keys in order of their code points."""
        return await self._of(guild_id, module_name).get_all()

    async def keys(self, *, guild_id: int, prefix: str = "", module_name: str | None = None) -> list[str]:
        """The keys of a namespace that begin with `prefix`, in order of their code points."""
        return await self._of(guild_id, module_name).keys(prefix)

    async def clear(self, *, guild_id: int, module_name: str | None = None) -> int:
        """Remove every value of a namespace; how many there were."""
        return await self._of(guild_id, module_name).clear()

    async def forget(self, guild_id: int) -> int:
        """Remove everything of a guild, over all namespaces; how many values there were."""
        return await self._store.remove((_id(guild_id), 0), None)


class BoundData:
    """The data of one guild and module, or in direct messages of one person: `ctx.data`.

    The operations are those of GuildData, and raise what they raise.
    """

    __slots__ = ("_guild", "_namespace", "_store", "_user")

    def __init__(self, store: _Store, owner: _Owner, namespace: str) -> None:
        self._store = store
        self._guild, self._user = owner
        self._namespace = namespace

    @overload
    async def get(self, key: str, default: Any = None, *, type: None = None) -> Any: ...

    @overload
    async def get(self, key: str, default: None = None, *, type: type[T]) -> T | None: ...

    @overload
    async def get(self, key: str, default: D, *, type: type[T]) -> T | D: ...

    async def get(self, key: str, default: Any = None, *, type: Any = None) -> Any:
        """The value, of `type` where that is given; `default` (as it is) where there is none."""
        place = self._place(key)
        encoded = await self._store.read(place)
        return _decoded(place, encoded, type) if encoded else default

    async def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        place = self._place(key)
        await self._store.write([(place, _encoded(place, value))])

    async def delete(self, key: str) -> None:
        """Remove a value. Nothing happens where there is none."""
        await self._store.write([(self._place(key), _ABSENT)])

    @overload
    async def increment(self, key: str, by: int = 1) -> int: ...

    @overload
    async def increment(self, key: str, by: float) -> float: ...

    async def increment(self, key: str, by: float = 1) -> float:
        """Add `by` to a number, 0 where there is none; the new value."""
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
            raise DataError(f"{_described(place)}: {value!r} and {by!r} do not add up: {error}") from error
        await self._store.write([(place, _encoded(place, value))])
        return value

    async def update(self, key: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace a value by `fn(value)`, `fn(default)` where there is none; the new value."""
        place = self._place(key)
        before = await self._store.read(place) or _encoded(place, default)
        value = _decoded(place, before)
        changed = fn(value)
        if inspect.isawaitable(changed):
            if inspect.iscoroutine(changed):
                changed.close()
            raise DataError(
                f"{_described(place)}: fn is async, and others would change the value while it waits. "
                "Expected a plain function: await what it needs before update"
            )
        if changed is None and value is not None and _encoded(place, value) != before:
            raise DataError(f"{_described(place)}: fn changed the value and returned None. Return the new value")
        await self._store.write([(place, _encoded(place, changed))])
        return changed

    async def set_many(self, values: Mapping[str, Any]) -> None:
        """Keep several values: all of them, or where it raises none."""
        if not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise DataError(f"set_many: expected a mapping of keys to values, got `{type(values).__name__}`")
        places = [(self._place(key), value) for key, value in values.items()]
        await self._store.write([(place, _encoded(place, value)) for place, value in places])

    async def get_all(self) -> dict[str, Any]:
        """Every key and value, keys in order of their code points."""
        rows = await self._store.rows("key, value", (self._guild, self._user), self._namespace, "")
        return {key: _decoded(self._place(key), encoded) for key, encoded in rows}

    async def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin with `prefix`, in order of their code points."""
        prefix = _text("prefix", prefix)
        return [key for (key,) in await self._store.rows("key", (self._guild, self._user), self._namespace, prefix)]

    async def clear(self) -> int:
        """Remove every value; how many there were."""
        return await self._store.remove((self._guild, self._user), self._namespace)

    def _place(self, key: str) -> _Place:
        return self._guild, self._user, self._namespace, _key(key)


class _Write:
    """Rows that are written together, all or none; `done` tells whether they were."""

    __slots__ = ("done", "rows")

    def __init__(self, rows: Sequence[_Row], done: asyncio.Future[None]) -> None:
        self.rows = rows
        self.done = done


class _Store:
    """Encoded values by place: a write-through cache, and the writes that are on their way to the database.

    A value that was written is seen at once. Until it is kept it also stands in `_unsaved`, from where nothing evicts
    it; a write that fails takes along those that were made on top of it, and what is cached of them.
    """

    def __init__(self, db: DatabaseService, cache_bytes: int) -> None:
        self._db = db
        self._cache_bytes = cache_bytes
        self._cached_bytes = 0
        self._cache: OrderedDict[_Place, bytes] = OrderedDict()
        self._unsaved: dict[_Place, tuple[bytes, _Write]] = {}  # of each place, the last write
        self._queue: list[_Write] = []
        self._sent: list[_Write] = []
        self._flusher: asyncio.Task[None] | None = None
        self._loads: dict[_Place, asyncio.Future[None]] = {}
        self._removals: dict[_Owner, asyncio.Future[None]] = {}
        self.closing: bool = False

    # ---- reading ----

    async def read(self, place: _Place) -> bytes:
        """The encoded value at a place, _ABSENT where there is none.

        Nobody else has run between its being the value and this returning: who writes then, without waiting for
        anything in between, replaces what was read.
        """
        self._db.refuse_inside_transaction()
        while True:
            if self._removals:
                await self._removed(place[:2])
            if place in self._cache:
                self._cache.move_to_end(place)
                return self._cache[place]
            if place in self._unsaved:
                return self._unsaved[place][0]
            if place in self._loads:
                await asyncio.shield(self._loads[place])
                continue
            load = self._loads[place] = asyncio.get_running_loop().create_future()
            try:
                row = await self._db.fetchone(_SELECT, place)
                if self._loads.get(place) is load:  # else it was written meanwhile, and the row may be old
                    encoded = row[0] if row else _ABSENT
                    self._remember(place, encoded)
                    return encoded
            finally:
                if self._loads.get(place) is load:
                    del self._loads[place]
                load.set_result(None)

    async def rows(self, columns: str, owner: _Owner, namespace: str, prefix: str) -> list[tuple[Any, ...]]:
        """The `columns` of a namespace where the key begins with `prefix`, in order of the keys."""
        self._db.refuse_inside_transaction()
        await self._settled()
        sql = f"SELECT {columns} FROM guild_data WHERE guild = ? AND user = ? AND namespace = ? AND key >= ?"
        parameters: list[Any] = [*owner, namespace, prefix]
        if after := _after(prefix):
            sql += " AND key < ?"
            parameters.append(after)
        return await self._db.fetchall(f"{sql} ORDER BY key", parameters)

    # ---- writing ----

    async def write(self, rows: Sequence[_Row]) -> None:
        """Write encoded values, all or none: seen by reads at once, kept when this returns."""
        self._db.refuse_inside_transaction()
        if self.closing and rows:
            raise DatabaseError(self._db.path, "the bot is closing, and keeps nothing more")
        write = _Write(rows, asyncio.get_running_loop().create_future())
        for place, encoded in rows:
            self._loads.pop(place, None)
            self._unsaved[place] = (encoded, write)
            self._remember(place, encoded)
        self._queue.append(write)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
            self._flusher.add_done_callback(self._flusher_ended)
        await write.done

    async def written(self) -> None:
        """Wait until nothing is on its way to the database."""
        while self._flusher is not None:
            await asyncio.wait({self._flusher})
            await asyncio.sleep(0)  # its end is dealt with in a callback

    async def _settled(self) -> None:
        """Wait until what was written before this is kept, or has failed: its writers are told of that."""
        if self._unsaved:
            with suppress(DatabaseError):
                await self.write([])

    async def _flush(self) -> None:
        """Bring what is queued to the database, all of it in one trip, until nothing is."""
        one_by_one = 0
        while self._queue:
            together = 1 if one_by_one else len(self._queue)
            one_by_one -= min(one_by_one, 1)
            self._sent, self._queue = self._queue[:together], self._queue[together:]
            try:
                await self._db.batch(_statements(self._sent))
            except DatabaseError as error:
                if len(self._sent) > 1 and error.code in _ITS_OWN_FAULT:
                    # one of them was too much: the others need not suffer for it
                    one_by_one = len(self._sent)
                    self._queue = [*self._sent, *self._queue]
                else:
                    self._failed(self._sent, error)
            else:
                self._kept(self._sent)
            self._sent = []
            await asyncio.sleep(0)  # who has heard that now writes the next: those go together
        self._flusher = None

    def _flusher_ended(self, flusher: asyncio.Task[None]) -> None:
        """Where it was cancelled, perhaps before it began, nobody waits for ever: the event loop is being closed."""
        if self._flusher is flusher:
            left, self._sent, self._queue, self._flusher = [*self._sent, *self._queue], [], [], None
            problem = "stopped while this was being written: it may be kept, or not"
            self._failed(left, DatabaseError(self._db.path, problem))

    def _kept(self, writes: list[_Write]) -> None:
        for write in writes:
            for place, _ in write.rows:
                unsaved = self._unsaved.get(place)
                if unsaved is not None and unsaved[1] is write:
                    del self._unsaved[place]
            if not write.done.done():
                write.done.set_result(None)

    def _failed(self, writes: list[_Write], error: DatabaseError) -> None:
        lost = {place for write in writes for place, _ in write.rows}
        waiting, self._queue = self._queue, []
        for write in waiting:
            if any(place in lost for place, _ in write.rows):
                lost.update(place for place, _ in write.rows)
                writes.append(write)
            else:
                self._queue.append(write)
        for place in lost:
            self._unsaved.pop(place, None)
            self._drop(place)
        for write in self._queue:
            # what is still to be kept may have stood under what was lost
            for place, encoded in write.rows:
                self._unsaved[place] = (encoded, write)
                self._remember(place, encoded)
        for write in writes:
            if not write.done.done():
                write.done.set_exception(copied(error))

    # ---- removing ----

    async def remove(self, owner: _Owner, namespace: str | None) -> int:
        """Remove a namespace, or all where it is None; how many values there were.

        Reads of this owner wait meanwhile, so that nobody sees or builds on what is going. It goes on where its caller
        is cancelled.
        """
        self._db.refuse_inside_transaction()
        return await asyncio.shield(asyncio.create_task(self._remove(owner, namespace)))

    async def _removed(self, owner: _Owner) -> None:
        """Wait while data of this owner is being removed."""
        while owner in self._removals:
            await asyncio.shield(self._removals[owner])

    async def _remove(self, owner: _Owner, namespace: str | None) -> int:
        await self._removed(owner)
        removal = self._removals[owner] = asyncio.get_running_loop().create_future()
        try:
            for place in [place for place in self._loads if place[:2] == owner]:
                del self._loads[place]
            await self._settled()
            where = "guild = ? AND user = ?" + ("" if namespace is None else " AND namespace = ?")
            parameters = [*owner, *([] if namespace is None else [namespace])]
            async with self._db.transaction() as tx:
                rows = await tx.fetchall(f"SELECT namespace, key FROM guild_data WHERE {where}", parameters)
                await tx.execute(f"DELETE FROM guild_data WHERE {where}", parameters)
            for its_namespace, key in rows:
                self._drop((*owner, its_namespace, key))
            return len(rows)
        finally:
            del self._removals[owner]
            removal.set_result(None)

    # ---- the cache ----

    def forget_cached(self) -> None:
        """Drop all that is cached."""
        self._cache.clear()
        self._cached_bytes = 0

    def _remember(self, place: _Place, encoded: bytes) -> None:
        self._drop(place)
        self._cache[place] = encoded
        self._cached_bytes += _OVERHEAD + _BYTES_OF_CHARACTER * len(place[3]) + len(encoded)
        while self._cached_bytes > self._cache_bytes:
            self._drop(next(iter(self._cache)))

    def _drop(self, place: _Place) -> None:
        encoded = self._cache.pop(place, None)
        if encoded is not None:
            self._cached_bytes -= _OVERHEAD + _BYTES_OF_CHARACTER * len(place[3]) + len(encoded)


# ---- values ----


_SCALARS = frozenset({int, str, bool, float, bytes, type(None)})


def _encoded(place: _Place, value: Any) -> bytes:
    if isinstance(value, msgspec.Raw):
        raise DataError(f"{_described(place)}: msgspec.Raw is kept as it is, readable or not: give it the value itself")
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
    """A dictionary can have keys that msgpack writes and nobody can read: a dataclass, say, comes back as a dict."""
    try:
        decode(encoded)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        what = f"this `{type(value).__name__}` could not be read again: {error}"
        raise DataError(f"{_described(place)}: {what}. Keys of dictionaries are texts, numbers or bytes") from error


def _decoded(place: _Place, encoded: bytes, type: Any = None) -> Any:
    try:
        return (decode if type is None else _typed_decoder(type))(encoded)
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{_described(place)}: {error}") from error


def _typed_decoder(type: Any) -> Callable[[bytes], Any]:
    try:
        return decoder(type)
    except TypeError as error:
        raise TypeError(f"type={type!r} is no type that msgspec knows ({error})") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# ---- places ----


def _id(id: object) -> int:
    """A Discord id as SQLite has it. Raises DataError for anything else."""
    if not is_id(id):
        raise DataError(f"guild or user id: expected an int from 1 to 2**64 - 1, got {id!r}")
    return signed(id)


@lru_cache(maxsize=1024)
def _namespace(module_name: str | None) -> str:
    return _SHARED if module_name is None else ":" + _text("module_name", module_name)


def _key(key: str) -> str:
    if type(key) is str and key.isascii() and 0 < len(key) <= LONGEST_NAME:
        return key
    if key := _text("key", key):
        return key
    raise DataError(f"key: expected 1 to {LONGEST_NAME} characters, got an empty string")


def _text(what: str, text: object) -> str:
    """`text` as a plain str that SQLite keeps. Raises DataError for anything else."""
    if not isinstance(text, str):
        raise DataError(f"{what}: expected a str, got `{type(text).__name__}`")
    if len(text) > LONGEST_NAME:
        raise DataError(f"{what}: expected at most {LONGEST_NAME} characters, got {len(text)}: {text[:40]!r}...")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{what}: expected characters, got half of one (a lone surrogate) in {text!r}") from error
    return str.__str__(text)


def _after(prefix: str) -> str:
    """The first string, in order of code points, after all that begin with `prefix`; empty where there is none."""
    for last in reversed(range(len(prefix))):
        code = ord(prefix[last])
        if code < sys.maxunicode:
            return prefix[:last] + chr(code + 1 if code != 0xD7FF else 0xE000)  # between them: surrogates
    return ""


def _described(place: _Place) -> str:
    guild, user, namespace, key = place
    owner = f"guild {unsigned(guild)}" if guild else f"user {unsigned(user)}"
    return f'"{key}" of {owner}' + (f', module "{namespace[1:]}"' if namespace else "")


# ---- statements ----


def _statements(writes: list[_Write]) -> list[tuple[str, Parameters]]:
    """What brings the last row of each place to the database, in as few statements as will do."""
    upserts: list[Any] = []
    deletes: list[Any] = []
    for place, encoded in {place: encoded for write in writes for place, encoded in write.rows}.items():
        if encoded:
            upserts += place
            upserts.append(encoded)
        else:
            deletes += place
    return [*_chunks(_upsert, 5, upserts), *_chunks(_delete, 4, deletes)]


def _chunks(sql: Callable[[int], str], columns: int, values: list[Any]) -> Iterator[tuple[str, Parameters]]:
    for first in range(0, len(values), columns * _CHUNK):
        chunk = values[first : first + columns * _CHUNK]
        yield sql(len(chunk) // columns), chunk


@lru_cache(maxsize=_CHUNK)
def _upsert(count: int) -> str:
    rows = ", ".join(["(?, ?, ?, ?, ?)"] * count)
    return f"INSERT INTO guild_data VALUES {rows} ON CONFLICT {_PRIMARY_KEY} DO UPDATE SET value = excluded.value"


@lru_cache(maxsize=_CHUNK)
def _delete(count: int) -> str:
    places = " OR ".join(["(guild = ? AND user = ? AND namespace = ? AND key = ?)"] * count)
    return f"DELETE FROM guild_data WHERE {places}"
