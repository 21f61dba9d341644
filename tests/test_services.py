"""The container of services: names, order, replacements, failures."""

import asyncio
import logging
import subprocess
import sys
import time
from typing import Any
from unittest.mock import AsyncMock

import pytest

import wisp
import wisp.services
from wisp.errors import ServiceError, WispError
from wisp.services import Services
from wisp.services.cache import CacheService
from wisp.services.database import DatabaseService
from wisp.testing import connect


class Recorder:
    """A service that writes down what happens to it."""

    def __init__(self, name: str, events: list[str], *, fails: str = "", error: BaseException | None = None) -> None:
        self.name = name
        self.events = events
        self.fails = fails
        self.error = error or RuntimeError("no power")
        self.session: object = None

    async def start(self, session: object) -> None:
        self.session = session
        await self._do("start")

    async def stop(self) -> None:
        await self._do("stop")

    async def _do(self, what: str) -> None:
        self.events.append(f"{what} {self.name}")
        await asyncio.sleep(0)
        if self.fails == what:
            raise self.error


def recorders(*names: str) -> tuple[list[str], dict[str, object]]:
    events: list[str] = []
    return events, {name: Recorder(name, events) for name in names}


async def test_services_start_in_order_and_stop_in_reverse_once() -> None:
    events, built_in = recorders("db", "cache")
    services = Services()
    services.register("weather", Recorder("weather", events))
    await services.start(built_in)
    assert services.names() == ["db", "cache", "weather"]
    await services.stop()
    await services.stop()
    assert events == ["start db", "start cache", "start weather", "stop weather", "stop cache", "stop db"]
    assert services.names() == []


async def test_two_who_stop_at_once_stop_each_service_once() -> None:
    events, built_in = recorders("db", "cache")
    services = Services()
    await services.start(built_in)
    await asyncio.gather(services.stop(), services.stop())
    assert events[2:] == ["stop cache", "stop db"]


async def test_get_gives_the_service_and_none_where_there_is_none() -> None:
    services = Services()
    weather = object()
    services.register("weather", weather)
    assert services.get("weather") is None
    await services.start()
    assert services.get("weather") is weather
    assert services.get("whether") is None
    await services.stop()
    assert services.get("weather") is None


async def test_get_typed_gives_it_or_none_and_refuses_a_wrong_type_in_words() -> None:
    services = Services()
    cache = CacheService()
    await services.start({"cache": cache})
    assert services.get_typed("cache", CacheService) is cache
    assert services.get_typed("db", CacheService) is None
    with pytest.raises(ServiceError, match=r'"cache": expected DatabaseService, it is CacheService'):
        services.get_typed("cache", DatabaseService)


async def test_a_name_that_is_almost_that_of_a_service_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    services = Services()
    _, recorded = recorders("cache", "metrics")
    await services.start(recorded)
    for _ in range(2):
        assert services.get("cahce") is None
        assert services.get_typed("metric", CacheService) is None
        assert services.get("redis_cache") is services.get("elsewhere") is None
    await services.stop()
    assert services.get("cachee") is None
    assert [record.getMessage() for record in caplog.records] == [
        'there is no service "cahce". Did you mean "cache"?',
        'there is no service "metric". Did you mean "metrics"?',
    ]


async def test_an_empty_cache_is_true_as_the_guides_check_needs() -> None:
    services = Services()
    await services.start({"cache": CacheService()})
    cache = services.get("cache")
    if cache:
        await cache.set("key", "value", ttl=3600)
    assert await cache.get("key") == "value"


async def test_a_registered_service_takes_the_place_of_a_built_in_one_in_the_order_too() -> None:
    events, built_in = recorders("db", "cache", "audit")
    services = Services()
    mine = Recorder("my cache", events)
    services.register("cache", mine)
    await services.start(built_in)
    assert services.get("cache") is mine
    assert events == ["start db", "start my cache", "start audit"]


async def test_registering_twice_under_one_name_keeps_the_later_service() -> None:
    events, _ = recorders()
    services = Services()
    services.register("weather", Recorder("first", events))
    services.register("weather", Recorder("second", events))
    await services.start()
    assert events == ["start second"]


async def test_what_is_registered_while_the_bot_runs_is_refused_until_it_stopped() -> None:
    services = Services()
    await services.start()
    with pytest.raises(WispError, match=r'"weather": the bot runs already'):
        services.register("weather", object())
    await services.stop()
    services.register("weather", object())
    await services.start()
    assert services.names() == ["weather"]


def test_none_and_an_object_with_another_name_are_refused() -> None:
    services = Services()
    with pytest.raises(ServiceError, match=r'"weather": expected an object, got None'):
        services.register("weather", None)
    weather = object()
    services.register("weather", weather)
    services.register("weather", weather)
    with pytest.raises(ServiceError, match=r'"sky": it is "weather" already'):
        services.register("sky", weather)


async def test_a_service_that_does_not_start_is_absent_and_its_reason_kept_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events, built_in = recorders("db", "cache")
    built_in["db"] = Recorder("db", events, fails="start")
    services = Services()
    await services.start(built_in)
    assert services.get("db") is None
    assert services.names() == ["cache"]
    assert services.missing == {"db": "RuntimeError: no power"}
    (record,) = caplog.records
    assert record.getMessage() == 'service "db" did not start: RuntimeError: no power'
    assert record.exc_info
    await services.stop()
    assert events == ["start db", "start cache", "stop cache"]


async def test_a_failure_that_says_the_way_out_is_logged_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    services = Services()
    services.register("weather", Recorder("weather", [], fails="start", error=WispError("the file is gone")))
    await services.start()
    assert services.missing == {"weather": "the file is gone"}
    (record,) = caplog.records
    assert not record.exc_info


async def test_a_required_service_that_does_not_start_stops_the_start(caplog: pytest.LogCaptureFixture) -> None:
    for error in (WispError("the file is gone"), RuntimeError("no power")):
        caplog.clear()
        events, built_in = recorders("metrics", "db", "cache")
        built_in["db"] = Recorder("db", events, fails="start", error=error)
        services = Services()
        with pytest.raises(ServiceError, match=f'the bot needs the service "db": .*{error}') as caught:
            await services.start(built_in, required={"db", "guild_data"})
        assert caught.value.__cause__ is error
        assert events == ["start metrics", "start db", "stop metrics"]
        assert services.names() == []
        assert len(caplog.records) == isinstance(error, RuntimeError)  # with its traceback; the other says all itself


async def test_what_was_missing_is_forgotten_at_the_next_start() -> None:
    services = Services()
    weather = Recorder("weather", [], fails="start")
    services.register("weather", weather)
    await services.start()
    await services.stop()
    assert set(services.missing) == {"weather"}
    weather.fails = ""
    await services.start()
    assert services.missing == {}
    assert services.get("weather") is weather


async def test_an_error_while_stopping_is_logged_and_the_others_still_stop(caplog: pytest.LogCaptureFixture) -> None:
    events, built_in = recorders("db", "cache", "audit")
    built_in["cache"] = Recorder("cache", events, fails="stop")
    services = Services()
    await services.start(built_in)
    await services.stop()
    assert events[3:] == ["stop audit", "stop cache", "stop db"]
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.ERROR, 'service "cache" did not stop properly')
    ]


class Held(Recorder):
    """A service that is at it until it is cancelled."""

    async def _do(self, what: str) -> None:
        await super()._do(what)
        if self.fails == f"hold {what}":
            await asyncio.Event().wait()


async def cancel_once(task: "asyncio.Task[None]", events: list[str], event: str) -> None:
    while event not in events:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_stop_that_is_cancelled_still_stops_the_others() -> None:
    events, built_in = recorders("db", "cache")
    built_in["cache"] = Held("cache", events, fails="hold stop")
    services = Services()
    await services.start(built_in)
    await cancel_once(asyncio.create_task(services.stop()), events, "stop cache")
    assert events[2:] == ["stop cache", "stop db"]
    await services.start(built_in)
    assert services.names() == ["db", "cache"]


async def test_a_start_that_is_cancelled_stops_what_had_started() -> None:
    events, built_in = recorders("db", "cache")
    built_in["slow"] = Held("slow", events, fails="hold start")
    services = Services()
    await cancel_once(asyncio.create_task(services.start(built_in)), events, "start slow")
    assert events[-2:] == ["stop cache", "stop db"]
    assert services.names() == []
    services.register("weather", object())


async def test_services_that_run_are_not_started_again() -> None:
    events, built_in = recorders("db")
    services = Services()
    await services.start(built_in)
    with pytest.raises(ServiceError, match="run already"):
        await services.start(built_in)
    assert events == ["start db"]


async def test_stopped_while_they_start_all_of_them_are_stopped() -> None:
    events, built_in = recorders("db", "cache")
    services = Services()
    starting = asyncio.create_task(services.start(built_in))
    while "start cache" not in events:
        await asyncio.sleep(0)
    await services.stop()
    with pytest.raises(ServiceError, match="stopped while they started"):
        await starting
    assert events == ["start db", "start cache", "stop db", "stop cache"]
    assert services.names() == []
    await services.start(built_in)
    assert services.names() == ["db", "cache"]


async def test_a_service_gets_the_session_and_finds_those_before_it() -> None:
    class Weather:
        async def start(self, session: Services) -> None:
            self.seen = (session.names(), session.get("cache"))

    services = Services()
    weather, cache = Weather(), CacheService()
    services.register("weather", weather)
    await services.start({"cache": cache}, session=services)
    assert weather.seen == (["cache"], cache)


def test_the_classes_of_the_built_in_services_are_loaded_on_demand() -> None:
    for name in wisp.services._PLACES:  # pyright: ignore[reportPrivateUsage]
        assert getattr(wisp.services, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Redis'"):
        _ = wisp.services.Redis  # type: ignore[attr-defined]


@pytest.mark.usefixtures("real_start")
def test_the_container_loads_no_database() -> None:
    code = "import wisp.services, sys; print(sorted({'aiosqlite', 'sqlite3', 'hikari'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


async def test_a_cancellation_inside_a_service_is_its_own_failure(caplog: pytest.LogCaptureFixture) -> None:
    class Worker:
        async def start(self, session: object) -> None:
            self.task = asyncio.create_task(asyncio.sleep(60))

        async def stop(self) -> None:
            self.task.cancel()
            await self.task

    class Cancelled:
        async def start(self, session: object) -> None:
            raise asyncio.CancelledError

    services = Services()
    services.register("worker", Worker())
    services.register("cancelled", Cancelled())
    await services.start()
    assert services.names() == ["worker"]
    assert "CancelledError" in services.missing["cancelled"]
    await services.stop()
    assert 'service "worker" did not stop properly' in caplog.text


async def test_a_service_that_hangs_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.services._START_LIMIT", 0.01)
    monkeypatch.setattr("wisp.services._STOP_LIMIT", 0.01)

    class HangsAtStart:
        async def start(self, session: object) -> None:
            await asyncio.Event().wait()

    class HangsAtStop:
        async def stop(self) -> None:
            await asyncio.Event().wait()

    class Patient:
        start_limit = None

        async def start(self, session: object) -> None:
            await asyncio.sleep(0.02)

    class TimesOut:
        async def start(self, session: object) -> None:
            raise TimeoutError("no answer")

    services = Services()
    services.register("start", HangsAtStart())
    services.register("patient", Patient())
    services.register("times out", TimesOut())
    services.register("stop", HangsAtStop())
    await services.start()
    assert services.names() == ["patient", "stop"]
    assert services.missing == {"start": "it did not finish within 0.01 s", "times out": "TimeoutError: no answer"}
    await services.stop()
    assert services.names() == []


async def test_a_service_whose_methods_are_not_as_described_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    class NoSession:
        async def start(self) -> None: ...

    class NotAsync:
        def start(self, session: Any) -> None: ...

    services = Services()
    services.register("one", NoSession())
    services.register("two", NotAsync())
    await services.start()
    assert services.missing["one"].startswith("expected `async def one.start(session)`, got another signature")
    assert services.missing["two"] == "expected `async def two.start(session)`, and it is not async"
    await services.stop()


def test_wrong_methods_of_a_service_are_mistakes_with_the_place_of_its_class() -> None:
    class Plain:
        def start(self, session: Any) -> None: ...

        async def stop(self, force: bool) -> None: ...

    class Value:
        start = 5
        stop = None

    class Fine:
        start = AsyncMock()

        async def stop(self, force: bool = False) -> None: ...

    bot = wisp.Bot()
    for name, service in {"plain": Plain(), "cache": Value(), "fine": Fine(), "bare": object()}.items():
        bot.services.register(name, service)
    line = Plain.start.__code__.co_firstlineno - 1
    first, second, third = bot.check()
    assert (str(first.file).endswith("test_services.py"), first.line, second.line) == (True, line, line)
    assert [f"{mistake.where}: {mistake.message}" for mistake in (first, second, third)] == [
        'service "plain": its start is not `async def start(self, session)`: its function is not async',
        'service "plain": its stop is not `async def stop(self)`: it is called with (), which fails: '
        "missing a required argument: 'force'",
        'service "cache": its start is not `async def start(self, session)`: it is a value of type int, not a function',
    ]


# ---- made on demand ----


async def test_a_service_that_several_threads_use_first_is_made_once() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        time.sleep(0.01)  # the others come meanwhile
        return made[-1]

    services = Services()
    await services.start(on_demand={"slow": make})
    assert services.names() == ["slow"]
    found = await asyncio.gather(*[asyncio.to_thread(services.get, "slow") for _ in range(4)])
    assert found == made * 4
    await services.stop()
    assert (services.names(), services.get("slow")) == ([], None)


async def test_a_service_that_could_not_be_made_is_made_at_the_next_use() -> None:
    attempts = iter([OSError("no file"), "it"])

    def make() -> object:
        result = next(attempts)
        if isinstance(result, Exception):
            raise result
        return result

    services = Services()
    await services.start(on_demand={"one": make})
    with pytest.raises(OSError, match="no file"):
        services.get("one")
    assert services.get("one") == "it"


async def test_jobs_run_if_a_thread_was_the_first_to_ask_for_the_scheduler() -> None:
    bot, ran = wisp.Bot(), list[int]()
    async with connect(bot) as discord:
        scheduler = await asyncio.to_thread(bot.services.get, "scheduler")

        async def tick() -> None:
            ran.append(1)

        scheduler.register(tick, interval=1.0)
        await discord.advance(seconds=3.5)
        assert len(ran) == 3
