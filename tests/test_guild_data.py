"""Guild data: exact, atomic, kept; held against a plain dictionary."""

import asyncio
import contextlib
import dataclasses
import datetime
import enum
import sqlite3
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import hikari
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from wisp.errors import DatabaseError, DataError
from wisp.services import guild_data
from wisp.services.database import DatabaseService
from wisp.services.guild_data import GuildData

GUILD, OTHER_GUILD = 2**63 + 1, 81384788765712384


@pytest.fixture(autouse=True)
async def nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Stop what a test that failed left open: its thread would keep the process from ending."""
    started: list[DatabaseService] = []
    start = DatabaseService.start

    async def recorded(db: DatabaseService, session: object = None) -> None:
        started.append(db)
        await start(db, session)

    monkeypatch.setattr(DatabaseService, "start", recorded)
    yield
    for db in started:
        await db.stop()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[DatabaseService]:
    db = DatabaseService(tmp_path / "wisp.db")
    db.busy_timeout = 0.05
    await db.start()
    yield db
    await db.stop()


@pytest.fixture
async def data(db: DatabaseService) -> AsyncIterator[GuildData]:
    data = GuildData(db)
    await data.start()
    yield data
    await data.stop()


async def stored(db: DatabaseService) -> int:
    """How many values the file holds."""
    row = await db.fetchone("SELECT count(*) FROM guild_data")
    assert row is not None
    return row[0]


@contextlib.contextmanager
def writing_refused(db: DatabaseService) -> Iterator[None]:
    """Another connection holds the file: writes fail after the busy timeout."""
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


# ---- the guide's calls ----


async def test_what_was_set_comes_back_and_can_be_deleted(data: GuildData) -> None:
    await data.set(guild_id=GUILD, key="command_count", value=42, module_name="my_module")
    assert await data.get(guild_id=GUILD, key="command_count", module_name="my_module") == 42
    assert await data.get_all(guild_id=GUILD, module_name="my_module") == {"command_count": 42}
    await data.delete(guild_id=GUILD, key="command_count", module_name="my_module")
    await data.delete(guild_id=GUILD, key="command_count", module_name="my_module")
    assert await data.get(guild_id=GUILD, key="command_count", module_name="my_module") is None
    assert await data.get(guild_id=GUILD, key="command_count", module_name="my_module", default=0) == 0
    assert await data.get_all(guild_id=GUILD, module_name="my_module") == {}


async def test_guilds_namespaces_and_people_never_meet(data: GuildData, db: DatabaseService) -> None:
    places = [
        data.bind(guild_id=guild, user_id=1, module_name=module)
        for guild in (1, 2, 2**63 - 1, 2**63, 2**64 - 1, None)
        for module in (None, "", "None", ":", "a", "A", "a\0", "\0a", "é", "e\u0301")
    ]
    places += [data.bind(guild_id=None, user_id=user) for user in (2, 2**63, 2**64 - 1)]
    keys = ["k", "K", "k\0", "k\0k", " k", "%", "_", "\U0010ffff", "'; DROP TABLE guild_data; --"]
    for number, place in enumerate(places):
        await place.set_many({key: [number, key] for key in keys})
    await data.start()  # nothing is cached any more
    for number, place in enumerate(places):
        assert await place.get_all() == {key: [number, key] for key in keys}
        assert await place.get("k") == [number, "k"]
    assert await stored(db) == len(places) * len(keys)


async def test_in_direct_messages_the_data_is_the_persons(data: GuildData) -> None:
    in_guild = data.bind(guild_id=7, user_id=5, module_name="greeter")
    in_messages = data.bind(guild_id=None, user_id=5, module_name="greeter")
    guild_of_that_id = data.bind(guild_id=5, user_id=5, module_name="greeter")
    for place, value in ((in_guild, "guild"), (in_messages, "person"), (guild_of_that_id, "other guild")):
        await place.set("greeting", value)
    assert await data.get(guild_id=7, key="greeting", module_name="greeter") == "guild"
    assert await data.forget(5) == 1
    assert await in_messages.get("greeting") == "person"
    assert await guild_of_that_id.get("greeting") is None


# ---- values ----


class Colour(enum.Enum):
    RED = "red"


class Song(msgspec.Struct):
    title: str
    seconds: int


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        2**64 - 1,
        -(2**63),
        0.1,
        float("inf"),
        "",
        "\0 é \U0010ffff",
        b"\0\xff",
        [],
        {1: {"two": [3.0, b"4"]}, 2**64 - 1: None},
        datetime.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC),
    ],
    ids=repr,
)
async def test_a_value_comes_back_as_it_was_also_from_the_file(data: GuildData, value: object) -> None:
    await data.set(guild_id=GUILD, key="k", value=value)
    for _ in range(2):
        found = await data.get(guild_id=GUILD, key="k", default="none")
        assert (found, type(found)) == (value, type(value))
        await data.start()


async def test_ids_and_enums_of_hikari_are_values_and_types(data: GuildData) -> None:
    ids = {hikari.Snowflake(2**63): [hikari.Snowflake(3)]}
    await data.set(guild_id=hikari.Snowflake(GUILD), key="ids", value=ids)
    await data.set(guild_id=GUILD, key="locale", value=hikari.Locale.DE)
    await data.set(guild_id=GUILD, key="kind", value=hikari.ChannelType.GUILD_NEWS)
    assert await data.get(guild_id=GUILD, key="ids") == {2**63: [3]}
    assert await data.get(guild_id=GUILD, key="locale") == "de"
    assert await data.get(guild_id=GUILD, key="kind") == 5
    found = await data.get(guild_id=GUILD, key="ids", type=dict[hikari.Snowflake, list[hikari.Snowflake]])
    assert found == ids
    assert [type(key) for key in found or ()] == [hikari.Snowflake]


@given(st.binary(max_size=20))
@example(b"\xa1\xff")  # a text that is no UTF-8
def test_whatever_is_in_the_database_is_a_value_or_a_data_error(raw: bytes) -> None:
    place = (GUILD, 0, "music", "songs")
    with contextlib.suppress(DataError):
        guild_data._decoded(place, raw)  # pyright: ignore[reportPrivateUsage]


async def test_a_type_gives_the_original_back_or_says_which_field_does_not_fit(data: GuildData) -> None:
    playlist = [Song("one", 1), Song("two", 2)]
    await data.set(guild_id=GUILD, key="songs", value=playlist, module_name="music")
    await data.set(guild_id=GUILD, key="colours", value={Colour.RED}, module_name="music")
    bound = data.bind(guild_id=GUILD, user_id=1, module_name="music")
    assert await bound.get("songs", type=list[Song]) == playlist
    assert await bound.get("colours", type=set[Colour]) == {Colour.RED}
    assert await bound.get("songs") == [{"title": "one", "seconds": 1}, {"title": "two", "seconds": 2}]
    assert await bound.get("nothing", type=list[Song]) is None
    assert await bound.get("nothing", default=0, type=list[Song]) == 0
    await bound.set("songs", [{"title": "one", "seconds": "1"}])
    with pytest.raises(DataError) as caught:
        await bound.get("songs", type=list[Song])
    assert str(caught.value) == (
        f'"songs" of guild {GUILD}, module "music": Expected `int`, got `str` - at `$[0].seconds`'
    )
    person = data.bind(guild_id=None, user_id=2**63)
    await person.set("age", "old")
    with pytest.raises(DataError, match=f'"age" of user {2**63}: Expected `int`, got `str`'):
        await person.get("age", type=int)
    with pytest.raises(DataError, match="is not a type that msgspec knows"):
        await person.get("age", type=asyncio.Task)


async def test_what_cannot_be_kept_is_refused_and_changes_nothing(data: GuildData) -> None:
    endless: list[Any] = []
    endless.append(endless)
    refused = [object(), lambda: None, {1: object()}, 2**64, "\ud800", endless, "x" * 1024 * 1024]
    await data.set(guild_id=GUILD, key="k", value="before")
    for value in refused:
        with pytest.raises(DataError, match=r'"k" of guild|"other" of guild'):
            await data.set(guild_id=GUILD, key="k", value=value)
        with pytest.raises(DataError):
            await data.set_many(guild_id=GUILD, values={"k": 1, "other": value})
        with pytest.raises(DataError):
            await data.update(guild_id=GUILD, key="k", fn=lambda _, value=value: value)
    assert await data.get_all(guild_id=GUILD) == {"k": "before"}
    with pytest.raises(DataError, match=r'"k" of guild .*: this `object` cannot be kept: .*`object`'):
        await data.set(guild_id=GUILD, key="k", value=object())
    with pytest.raises(DataError, match="expected at most 1048576 bytes, got 1048577"):
        await data.set(guild_id=GUILD, key="k", value="x" * (1024 * 1024 - 4))
    await data.set(guild_id=GUILD, key="k", value="x" * (1024 * 1024 - 5))


@pytest.mark.parametrize("key", ["", "x" * 513, "\ud800", 5, None, ["k"], b"k"], ids=repr)
async def test_a_key_that_is_none_is_refused(data: GuildData, key: Any) -> None:
    bound = data.bind(guild_id=1, user_id=1)
    for call in (
        data.get(guild_id=1, key=key),
        data.set(guild_id=1, key=key, value=1),
        data.delete(guild_id=1, key=key),
        bound.increment(key),
        bound.update(key, lambda value: value),
    ):
        with pytest.raises(DataError, match=r"^key: expected"):
            await call
    if key != "" and key != ["k"]:
        with pytest.raises(DataError, match=r"^module_name: expected" if key is not None else "^guild"):
            data.bind(guild_id=0 if key is None else 1, user_id=1, module_name=key)


@pytest.mark.parametrize("guild_id", [0, -1, 2**64, True, "1", 1.0, None], ids=repr)
async def test_an_id_that_is_none_is_refused(data: GuildData, guild_id: Any) -> None:
    with pytest.raises(DataError, match=r"guild or user id: expected an int from 1 to 2\*\*64 - 1"):
        await data.set(guild_id=guild_id, key="k", value=1)
    with pytest.raises(DataError, match="guild or user id: expected"):
        await data.forget(guild_id)


async def test_nobody_can_change_what_is_kept_by_changing_what_they_gave_or_got(data: GuildData) -> None:
    given_list, default = [1], [0]
    await data.set(guild_id=GUILD, key="k", value=given_list)
    given_list.append(2)
    (await data.get(guild_id=GUILD, key="k")).append(3)

    def appended(value: list[int]) -> list[int]:
        value.append(4)
        return value

    result = await data.update(guild_id=GUILD, key="k", fn=appended)
    result.append(5)
    assert await data.get(guild_id=GUILD, key="k") == [1, 4]
    assert await data.update(guild_id=GUILD, key="new", fn=appended, default=default) == [0, 4]
    assert default == [0]
    assert await data.get(guild_id=GUILD, key="none", default=default) is default


# ---- atomic operations ----


async def test_increment_counts_from_nothing_and_refuses_what_is_no_number(data: GuildData) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    assert [await bound.increment("n"), await bound.increment("n", 5), await bound.increment("n", by=-0.5)] == [
        1,
        6,
        5.5,
    ]
    assert await data.increment(guild_id=GUILD, key="n", by=0.5) == 6.0
    for value in (None, True, "1", [1]):
        await bound.set("k", value)
        with pytest.raises(DataError, match=rf'"k" of guild {GUILD}: expected a number to add to, got `'):
            await bound.increment("k")
        assert await bound.get("k") == value
    await bound.set("n", 2**64 - 1)
    with pytest.raises(DataError, match="this `int` cannot be kept"):
        await bound.increment("n")
    assert await bound.get("n") == 2**64 - 1


async def test_update_takes_a_plain_function_that_returns_the_value(data: GuildData) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    assert await bound.update("list", lambda value: [*value, 1], default=[]) == [1]

    def fails(value: list[int]) -> list[int]:
        value.clear()
        raise LookupError

    with pytest.raises(DataError, match=r"fn changed the value and returned None\. Return the new value"):
        await bound.update("list", lambda value: value.append(2))
    with pytest.raises(LookupError):
        await bound.update("list", fails)
    assert await bound.get("list") == [1]
    assert await bound.update("list", lambda _: None) is None
    assert await bound.get_all() == {"list": None}


@pytest.mark.parametrize("cache_bytes", [4000, 2**20])
async def test_no_update_is_lost_whatever_other_tasks_do(
    data: GuildData, monkeypatch: pytest.MonkeyPatch, cache_bytes: int
) -> None:
    monkeypatch.setattr(guild_data, "CACHE_BYTES", cache_bytes)
    bound = data.bind(guild_id=GUILD, user_id=1)

    async def count(number: int) -> None:
        key = f"k{number % 3}"
        for step in range(6):
            await bound.increment(key)
            await bound.update("list", lambda value, step=step: [*value, (number, step)], default=[])
            await bound.set(f"noise{number}", step)
            await bound.get(f"k{step % 3}")

    await asyncio.gather(*[count(number) for number in range(30)])
    for _ in range(2):
        assert [await bound.get(f"k{number}") for number in range(3)] == [60, 60, 60]
        assert sorted(await bound.get("list")) == sorted([number, step] for number in range(30) for step in range(6))
        await data.start()


async def test_set_many_is_seen_and_kept_whole(data: GuildData, db: DatabaseService) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)

    async def both(value: int) -> None:
        for step in range(10):
            await bound.set_many({"left": [value, step], "right": [value, step]})

    async def watch() -> None:
        for _ in range(20):
            found = await bound.get_all()
            assert found.get("left") == found.get("right")

    await asyncio.gather(*map(both, range(4)), watch())
    await bound.set_many({})
    assert await stored(db) == 2


async def test_many_more_keys_than_fit_one_statement(data: GuildData, db: DatabaseService) -> None:
    values = {f"k{number:04}": number for number in range(1000)}
    await data.set_many(guild_id=GUILD, values=values)
    assert await data.get_all(guild_id=GUILD) == values
    await asyncio.gather(*[data.delete(guild_id=GUILD, key=f"k{number:04}") for number in range(0, 1000, 2)])
    assert await data.keys(guild_id=GUILD) == [f"k{number:04}" for number in range(1, 1000, 2)]
    assert await stored(db) == 500


@given(
    st.sets(st.text(st.sampled_from("ab\0\x7f\u07ff\ud7ff\ue000\uffff\U00010000\U0010ffff"), min_size=1, max_size=3)),
    st.text(st.sampled_from("ab\ud7ff\uffff\U0010ffff"), max_size=2),
)
@settings(max_examples=40, deadline=None)
def test_keys_by_prefix_are_those_that_begin_with_it_in_order(keys: set[str], prefix: str) -> None:
    async def check() -> None:
        db = DatabaseService(":memory:")
        await db.start()
        try:
            bound = GuildData(db).bind(guild_id=1, user_id=1)
            await bound.set_many(dict.fromkeys(keys, 1))
            assert await bound.keys(prefix) == sorted(key for key in keys if key.startswith(prefix))
            assert list(await bound.get_all()) == sorted(keys)
        finally:
            await db.stop()

    asyncio.run(check())


# ---- removing ----


async def test_clear_empties_a_namespace_and_forget_all_of_a_guild(data: GuildData, db: DatabaseService) -> None:
    for guild_id in (GUILD, OTHER_GUILD):
        for module_name in (None, "", "greeter"):
            await data.set_many(guild_id=guild_id, values={"a": 1, "b": 2}, module_name=module_name)
    assert await data.clear(guild_id=GUILD, module_name="greeter") == 2
    assert await data.clear(guild_id=GUILD, module_name="greeter") == 0
    assert await data.get(guild_id=GUILD, key="a", module_name="greeter") is None
    assert await data.get(guild_id=GUILD, key="a") == 1
    assert await data.forget(GUILD) == 4
    assert await data.get(guild_id=GUILD, key="a") is None
    assert await data.get(guild_id=OTHER_GUILD, key="a", module_name="greeter") == 1
    assert await stored(db) == 6


@pytest.mark.parametrize("cache_bytes", [800, 2**20])
async def test_clear_among_other_operations_is_before_or_after_each(
    data: GuildData, monkeypatch: pytest.MonkeyPatch, cache_bytes: int
) -> None:
    monkeypatch.setattr(guild_data, "CACHE_BYTES", cache_bytes)
    bound = data.bind(guild_id=GUILD, user_id=1)

    async def work(number: int) -> None:
        for step in range(5):
            await bound.set_many({f"left{number}": step, f"right{number}": step})
            await bound.increment("n")
            await bound.get(f"left{(number + 1) % 10}")

    async def clear() -> None:
        for _ in range(5):
            await bound.clear()
            await asyncio.sleep(0)

    await asyncio.gather(*map(work, range(10)), clear(), clear())
    seen = {key: await bound.get(key) for key in await bound.keys()}
    await data.start()
    assert await bound.get_all() == seen
    for number in range(10):
        assert seen.get(f"left{number}") == seen.get(f"right{number}")
    await bound.clear()
    assert await bound.get("n") is None


class SlowReads(DatabaseService):
    """A database whose rows arrive only when `arrive` is set."""

    arrive: asyncio.Event
    reads: int = 0

    async def fetchone(self, sql: str, parameters: Any = ()) -> Any:
        row = await super().fetchone(sql, parameters)
        self.reads += 1
        await self.arrive.wait()
        return row

    async def fetchall(self, sql: str, parameters: Any = ()) -> Any:
        rows = await super().fetchall(sql, parameters)
        self.reads += 1
        await self.arrive.wait()
        return rows


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[SlowReads]:
    slow = SlowReads(tmp_path / "slow.db")
    slow.arrive = asyncio.Event()
    slow.arrive.set()
    await slow.start()
    yield slow
    await slow.stop()


@pytest.mark.parametrize("cache_bytes", [1000, 2**20])  # the value may have left the cache again
async def test_a_value_that_changes_while_it_is_read_is_not_remembered_as_it_was(
    slow: SlowReads, monkeypatch: pytest.MonkeyPatch, cache_bytes: int
) -> None:
    monkeypatch.setattr(guild_data, "CACHE_BYTES", cache_bytes)
    data = GuildData(slow)
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set("k", 1)
    await data.start()
    slow.arrive.clear()
    reading = asyncio.create_task(bound.get("k"))
    while not slow.reads:
        await asyncio.sleep(0)
    await bound.set("k", 2)
    for number in range(3):
        await bound.set(f"other{number}", 1)
    slow.arrive.set()
    assert await reading == 2
    assert await bound.get("k") == 2


@pytest.mark.parametrize("cache_bytes", [1000, 2**20])
async def test_clear_removes_what_was_written_while_it_read_the_keys(
    slow: SlowReads, monkeypatch: pytest.MonkeyPatch, cache_bytes: int
) -> None:
    monkeypatch.setattr(guild_data, "CACHE_BYTES", cache_bytes)
    data = GuildData(slow)
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set_many({"a": 1, "b": 1})
    slow.arrive.clear()
    clearing = asyncio.create_task(bound.clear())
    while not slow.reads:
        await asyncio.sleep(0)
    await bound.delete("a")
    for number in range(3):
        await bound.set(f"new{number}", 1)
    await data.bind(guild_id=OTHER_GUILD, user_id=1).set("k", 1)
    slow.arrive.set()
    assert await clearing == 4
    assert await bound.get_all() == {}
    assert [await bound.get(key) for key in ("a", "b", "new0", "new2")] == [None] * 4
    assert await data.get(guild_id=OTHER_GUILD, key="k") == 1


async def test_what_is_on_its_way_is_seen_and_cleared(data: GuildData, db: DatabaseService) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    writing = [asyncio.create_task(bound.set("a", 1))]
    await asyncio.sleep(0)
    assert await bound.get_all() == {"a": 1}
    writing += [asyncio.create_task(bound.set("b", 1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # that one is being written, and the next waits for its turn
    writing += [asyncio.create_task(bound.set("c", 1))]
    await asyncio.sleep(0)
    assert await bound.clear() == 3
    await asyncio.gather(*writing)
    assert await bound.get_all() == {}
    assert await bound.get("c") is None


async def test_nothing_is_built_on_what_is_being_cleared(data: GuildData, db: DatabaseService) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set("n", 5)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.transaction():
            begun.set()
            await go_on.wait()

    holding = asyncio.create_task(hold())
    await begun.wait()
    clearing = asyncio.create_task(bound.clear())
    for _ in range(3):
        await asyncio.sleep(0)
    counting = asyncio.create_task(bound.increment("n"))
    elsewhere = data.bind(guild_id=OTHER_GUILD, user_id=1)
    assert await elsewhere.get("n") is None
    go_on.set()
    cleared, counted, _ = await asyncio.gather(clearing, counting, holding)
    assert (cleared, counted, await bound.get("n")) in [(1, 1, 1), (1, 6, None)]


async def test_clear_goes_on_where_its_caller_is_cancelled(data: GuildData, db: DatabaseService) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    for turns in range(0, 300, 5):
        await bound.set("k", 1)
        clearing = asyncio.create_task(bound.clear())
        for _ in range(turns):
            await asyncio.sleep(0)
        clearing.cancel()
        await asyncio.wait({clearing})
        assert await bound.get("k") == (await bound.get_all()).get("k")


# ---- when the database fails ----


async def test_a_write_that_fails_raises_for_all_who_wait_and_nothing_of_it_is_seen(
    data: GuildData, db: DatabaseService
) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set("n", 1)
    with writing_refused(db):
        first = [asyncio.create_task(bound.increment("n")) for _ in range(3)]
        first += [asyncio.create_task(bound.set("new", 1))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # those are on their way now: what comes next waits in the queue
        assert await bound.get("n") == 4
        on_top = [
            asyncio.create_task(bound.increment("n")),
            asyncio.create_task(bound.set_many({"n": 9, "far": 9})),
            asyncio.create_task(bound.increment("far")),
        ]
        results = await asyncio.gather(*first, return_exceptions=True)
    results += await asyncio.gather(*on_top, return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseError] * 7
    assert "another process holds it" in str(results[0])
    assert await bound.get_all() == {"n": 1}
    assert [await bound.get(key) for key in ("n", "new", "far")] == [1, None, None]
    assert await bound.increment("n") == 2


async def test_a_write_that_waits_behind_a_failed_one_fails_with_it(data: GuildData, db: DatabaseService) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    with writing_refused(db):
        failing = asyncio.create_task(bound.set("a", 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = asyncio.create_task(bound.set("b", 1))
        for task in (failing, waiting):
            with pytest.raises(DatabaseError):
                await task
    assert await bound.get_all() == {}
    await bound.set("b", 2)
    assert await bound.get_all() == {"b": 2}


async def test_a_full_disk_is_told_and_the_next_write_works_again(data: GuildData, db: DatabaseService) -> None:
    await db.execute("PRAGMA max_page_count = 20")
    kept = 0
    with contextlib.suppress(DatabaseError):
        while kept < 100:
            await data.set(guild_id=GUILD, key=f"k{kept}", value="x" * 5000)
            kept += 1
    assert 0 < kept < 100
    with pytest.raises(DatabaseError, match="the disk is full"):
        await data.set_many(guild_id=GUILD, values={"small": 1, "large": "x" * 50_000})
    assert await data.get(guild_id=GUILD, key="small") is None
    assert await data.get(guild_id=GUILD, key=f"k{kept}") is None
    assert len(await data.keys(guild_id=GUILD)) == kept
    await db.execute("PRAGMA max_page_count = 1000")
    await data.set(guild_id=GUILD, key="large", value="x" * 50_000)
    await data.start()
    assert await data.get(guild_id=GUILD, key="large") == "x" * 50_000


async def test_clear_that_fails_leaves_everything(data: GuildData, db: DatabaseService) -> None:
    await data.set(guild_id=GUILD, key="k", value=1)
    with writing_refused(db), pytest.raises(DatabaseError, match="another process holds it"):
        await data.clear(guild_id=GUILD)
    assert await data.get(guild_id=GUILD, key="k") == 1
    assert await data.clear(guild_id=GUILD) == 1


async def test_inside_a_transaction_it_is_an_error_and_no_deadlock(data: GuildData, db: DatabaseService) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set("k", 1)
    async with db.transaction():
        for call in (
            bound.get("k"),
            bound.set("k", 2),
            bound.delete("k"),
            bound.increment("k"),
            bound.update("k", lambda value: value),
            bound.set_many({"k": 2}),
            bound.get_all(),
            bound.keys(),
            bound.clear(),
            data.forget(GUILD),
        ):
            with pytest.raises(DatabaseError, match="this would deadlock inside a transaction"):
                await call
    assert await bound.get_all() == {"k": 1}


async def test_before_the_database_runs_it_says_so(tmp_path: Path) -> None:
    data = GuildData(DatabaseService(tmp_path / "wisp.db"))
    for call in (data.get(guild_id=1, key="k"), data.set(guild_id=1, key="k", value=1), data.clear(guild_id=1)):
        with pytest.raises(DatabaseError, match="it is not open"):
            await call


# ---- cancelled ----


@pytest.mark.parametrize("turns", range(7))
async def test_who_is_cancelled_has_changed_all_or_nothing(data: GuildData, db: DatabaseService, turns: int) -> None:
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set_many({"left": 0, "right": 0})
    await data.start()
    tasks = [
        asyncio.create_task(bound.set_many({"left": 1, "right": 1})),
        asyncio.create_task(bound.get("left")),
        asyncio.create_task(bound.increment("n")),
        asyncio.create_task(bound.clear()),
    ]
    others = [asyncio.create_task(bound.increment("m")), asyncio.create_task(bound.get("right"))]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, *others, return_exceptions=True)
    assert [type(result) for result in results[len(tasks) :]] == [int, int] or results[-1] is None
    await data.stop()
    seen = {key: await bound.get(key) for key in ("left", "right", "n", "m")}
    await data.start()
    assert seen == {key: await bound.get(key) for key in ("left", "right", "n", "m")}
    assert seen["left"] == seen["right"]
    assert seen["n"] in (None, 1)


async def test_stop_waits_for_what_is_being_written(data: GuildData, db: DatabaseService) -> None:
    setting = asyncio.create_task(data.set(guild_id=GUILD, key="k", value=1))
    await asyncio.sleep(0)
    setting.cancel()
    await data.stop()
    assert await stored(db) == 1


# ---- the cache ----


async def test_a_value_in_memory_is_read_without_the_database(data: GuildData, db: DatabaseService) -> None:
    await data.set(guild_id=GUILD, key="k", value=1)
    assert await data.get(guild_id=GUILD, key="absent") is None
    await db.stop()
    assert await data.get(guild_id=GUILD, key="k") == 1
    assert await data.get(guild_id=GUILD, key="absent") is None
    with pytest.raises(DatabaseError, match="it is not open"):
        await data.get(guild_id=GUILD, key="other")
    await db.start()


@pytest.mark.parametrize("key", ["k" * 20, "\U0001f600" * 20], ids=["ascii", "emoji"])
async def test_what_is_cached_takes_no_more_memory_than_it_may(
    data: GuildData, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    limit = 400_000
    monkeypatch.setattr(guild_data, "CACHE_BYTES", limit)
    bound = data.bind(guild_id=GUILD, user_id=1)
    await bound.set("warm", 1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        taken: list[int] = []
        for first in range(0, 3000, 50):
            await bound.set_many({f"{key}{number}": number for number in range(first, first + 50)})
            taken.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    assert limit / 3 < max(taken) < limit * 1.1


async def test_writes_that_wait_together_make_one_trip(db: DatabaseService) -> None:
    trips: list[int] = []

    class Counting(DatabaseService):
        async def batch(self, statements: Any) -> None:
            trips.append(sum(len(parameters) // 5 for _, parameters in statements))
            await super().batch(statements)

    counting = Counting(f"{db.path}-counting")
    await counting.start()
    data = GuildData(counting)

    async def write(number: int) -> None:
        for step in range(3):
            await data.set(guild_id=GUILD, key=f"k{number}", value=step)

    first = asyncio.gather(*map(write, range(100)))
    while not trips:
        await asyncio.sleep(0)
    await asyncio.gather(first, *map(write, range(100, 300)))  # those go with the first ones' next
    assert trips == [100, 300, 300, 200]
    await counting.stop()


# ---- held against a plain dictionary ----

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["a", "b", "ab", "\0", "é", "a:b", ":"])
SPACES = st.sampled_from([(1, None), (1, ""), (1, "a"), (2**64 - 1, None), (2**64 - 1, "a")])


class GuildDataMachine(RuleBasedStateMachine):
    """Every operation on guild data and on a dictionary: they always say the same, also after a restart."""

    @initialize(cache_bytes=st.sampled_from([2000, 2**20]))
    def begin(self, cache_bytes: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(guild_data, "CACHE_BYTES", cache_bytes)
        self.model: dict[tuple[int, str | None], dict[str, Any]] = {}
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.db = DatabaseService(Path(self.folder.name) / "wisp.db")
        self.data = GuildData(self.db)
        self.runner.run(self.db.start())

    def teardown(self) -> None:
        self.runner.run(self.data.stop())
        self.runner.run(self.db.stop())
        self.runner.close()
        self.folder.cleanup()
        self.patch.undo()

    def of(self, space: tuple[int, str | None]) -> dict[str, Any]:
        return self.model.setdefault(space, {})

    def run(self, name: str, space: tuple[int, str | None], **arguments: Any) -> Any:
        operation = getattr(self.data, name)
        return self.runner.run(operation(guild_id=space[0], module_name=space[1], **arguments))

    @rule(space=SPACES, key=KEYS, value=VALUES)
    def set(self, space: tuple[int, str | None], key: str, value: Any) -> None:
        self.run("set", space, key=key, value=value)
        self.of(space)[key] = value

    @rule(space=SPACES, key=KEYS)
    def get(self, space: tuple[int, str | None], key: str) -> None:
        assert self.run("get", space, key=key, default="none") == self.of(space).get(key, "none")

    @rule(space=SPACES, key=KEYS)
    def delete(self, space: tuple[int, str | None], key: str) -> None:
        self.run("delete", space, key=key)
        self.of(space).pop(key, None)

    @rule(space=SPACES, key=KEYS, by=st.integers(-5, 5) | st.floats(-1, 1))
    def increment(self, space: tuple[int, str | None], key: str, by: float) -> None:
        value = self.of(space).get(key, 0)
        if type(value) in (int, float) and -(2**63) <= value + by < 2**64:
            expected = value + by
            assert self.run("increment", space, key=key, by=by) == expected
            self.of(space)[key] = expected
        elif type(value) not in (int, float):
            with pytest.raises(DataError):
                self.run("increment", space, key=key, by=by)

    @rule(space=SPACES, key=KEYS, value=VALUES)
    def update(self, space: tuple[int, str | None], key: str, value: Any) -> None:
        expected = [self.of(space).get(key), value]
        assert self.run("update", space, key=key, fn=lambda found: [found, value]) == expected
        self.of(space)[key] = expected

    @rule(space=SPACES, values=st.dictionaries(KEYS, VALUES))
    def set_many(self, space: tuple[int, str | None], values: dict[str, Any]) -> None:
        self.run("set_many", space, values=values)
        self.of(space).update(values)

    @rule(space=SPACES, prefix=st.sampled_from(["", "a", ":", "é", "z"]))
    def list(self, space: tuple[int, str | None], prefix: str) -> None:
        assert self.run("get_all", space) == self.of(space)
        expected = sorted(key for key in self.of(space) if key.startswith(prefix))
        assert self.run("keys", space, prefix=prefix) == expected

    @rule(space=SPACES)
    def clear(self, space: tuple[int, str | None]) -> None:
        assert self.run("clear", space) == len(self.of(space))
        self.model[space] = {}

    @rule(guild_id=st.sampled_from([1, 2**64 - 1]))
    def forget(self, guild_id: int) -> None:
        removed = [values for space, values in self.model.items() if space[0] == guild_id]
        assert self.runner.run(self.data.forget(guild_id)) == sum(map(len, removed))
        for values in removed:
            values.clear()

    @rule(space=SPACES, counts=st.dictionaries(st.sampled_from(["n", "m"]), st.integers(1, 20), min_size=1))
    def at_once(self, space: tuple[int, str | None], counts: dict[str, int]) -> None:
        async def together() -> None:
            await asyncio.gather(
                *[
                    self.data.increment(guild_id=space[0], key=key, module_name=space[1])
                    for key, count in counts.items()
                    for _ in range(count)
                ]
            )

        self.runner.run(together())
        for key, count in counts.items():
            self.of(space)[key] = self.of(space).get(key, 0) + count

    @rule()
    def restart(self) -> None:
        self.runner.run(self.data.stop())
        self.runner.run(self.db.stop())
        self.runner.run(self.db.start())
        self.runner.run(self.data.start())


GuildDataMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestGuildData = GuildDataMachine.TestCase


async def nearly_full(db: DatabaseService, pages: int) -> None:
    row = await db.fetchone("PRAGMA page_count")
    assert row is not None
    await db.execute(f"PRAGMA max_page_count = {row[0] + pages}")


async def test_after_a_failed_write_what_is_stored_is_what_is_read(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    data = GuildData(db).bind(guild_id=GUILD, user_id=1)
    await data.set_many({"a": 0, "b": 0})
    await nearly_full(db, 2)

    async def too_much() -> None:
        with pytest.raises(DatabaseError):
            await data.set("a", "x" * 500_000)

    async def on_top() -> None:
        with contextlib.suppress(DatabaseError):
            await data.set_many({"a": 1, "b": 2})
        await data.get("b")

    big = asyncio.create_task(too_much())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    behind = asyncio.create_task(data.set("b", 100))
    await asyncio.sleep(0)
    await asyncio.gather(big, behind, asyncio.create_task(on_top()), return_exceptions=True)
    assert await data.get("b") == (await data.get_all())["b"]
    assert await data.increment("b") == (await data.get_all())["b"]
    await db.stop()


async def test_a_write_that_is_too_much_fails_those_written_with_it_and_the_next_one_works(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    data = GuildData(db)
    await data.set(guild_id=1, key="n", value=0)
    await nearly_full(db, 4)
    writes = [data.set(guild_id=1, key="big", value="x" * 500_000)]
    writes += [data.set(guild_id=guild, key="n", value=1) for guild in range(2, 12)]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseError] * 11
    assert [await data.increment(guild_id=guild, key="n") for guild in range(2, 12)] == [1] * 10
    await db.stop()


async def test_closing_waits_for_what_is_being_written_and_not_for_what_is_written_after_it(tmp_path: Path) -> None:
    db = DatabaseService(tmp_path / "wisp.db")
    await db.start()
    data = GuildData(db)
    written: list[int] = []

    async def write_on() -> None:
        while True:
            await data.set(guild_id=1, key="n", value=len(written))
            written.append(len(written))

    writing = asyncio.create_task(write_on())
    while len(written) < 5:
        await asyncio.sleep(0)
    await data.stop()
    await db.stop()
    with pytest.raises(DatabaseError, match="it is not open"):
        await writing
    await db.start()
    await data.start()
    assert await data.get(guild_id=1, key="n") == written[-1]
    await db.stop()


# ---- what is refused in words ----


@dataclasses.dataclass(frozen=True)
class Pair:
    """A key that Python takes and nobody can read back."""

    left: int


async def test_a_value_that_could_not_be_read_again_is_refused_when_it_is_set(data: GuildData) -> None:
    for value in ({Pair(1): 1}, [{"deep": {Pair(1): 1}}]):
        with pytest.raises(DataError, match=r"this `.*` cannot be kept"):
            await data.set(guild_id=GUILD, key="k", value=value)
    assert await data.get(guild_id=GUILD, key="k") is None
    await data.set(guild_id=GUILD, key="k", value={1: "a", (1, 2): "b", "c": {b"d": None}})
    assert await data.get_all(guild_id=GUILD) == {"k": {1: "a", (1, 2): "b", "c": {b"d": None}}}
