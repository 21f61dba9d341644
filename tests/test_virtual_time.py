"""Virtual time: it stands still while anything runs, and jumps from timer to timer."""

import asyncio
import math
import socket
import sys
import threading
import time as real
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiosqlite
import hikari
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wisp
from wisp.local import external_work
from wisp.local.virtual_time import Overdue, Stuck, VirtualTime, virtual_time
from wisp.services import CacheService
from wisp.testing import connect

HERE = r"\(tests/test_virtual_time\.py:\d+, in "
"""What an error says of a task that waits in this file."""


# ---- the event loop ----


async def test_every_way_to_wait_takes_no_time(time: VirtualTime) -> None:
    loop = asyncio.get_running_loop()
    began, really = loop.time(), real.monotonic()
    await asyncio.sleep(3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 3600)
    await asyncio.wait({loop.create_future()}, timeout=3600)
    assert loop.time() - began == pytest.approx(4 * 3600)
    assert time.clock.monotonic() == loop.time()
    assert real.monotonic() - really < 60


@settings(max_examples=40)
@given(
    st.lists(st.integers(min_value=0, max_value=20), max_size=12),
    st.lists(st.integers(min_value=0, max_value=15), min_size=1, max_size=3),
)
def test_whatever_is_due_happens_once_in_order_and_at_its_moment(delays: list[int], steps: list[int]) -> None:
    async def check() -> None:
        loop = asyncio.get_running_loop()
        with virtual_time() as time:
            began = loop.time()
            happened: list[tuple[int, float]] = []

            def note(delay: int) -> None:
                happened.append((delay, loop.time() - began))

            async def sleep(delay: int) -> None:
                await asyncio.sleep(delay)
                note(delay)

            sleepers = [asyncio.create_task(sleep(delay)) for delay in delays[::2]]
            timers = [loop.call_later(delay, note, delay) for delay in delays[1::2]]
            passed = 0
            for step in steps:
                await time.advance(step)
                passed += step
                assert loop.time() - began == pytest.approx(passed, abs=1e-6)
                assert [delay for delay, _ in happened] == sorted(delay for delay in delays if delay <= passed)
            assert all(at == pytest.approx(delay, abs=1e-6) for delay, at in happened)
            for left in (*sleepers, *timers):
                left.cancel()

    asyncio.run(check())


async def work_on_the_loop() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def work_in_a_thread() -> None:
    await asyncio.to_thread(real.sleep, 0.01)


async def work_in_the_default_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, real.sleep, 0.01)


async def work_on_a_database() -> None:
    async with aiosqlite.connect(":memory:") as database:
        await database.execute("CREATE TABLE t (a)")
        await database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9999) SELECT * FROM n"
        )


async def work_over_a_socket() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(100_000))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(bytes(100_000))
    assert len(await reader.read(-1)) > 0
    writer.close()
    server.close()


async def work_in_a_program() -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=asyncio.subprocess.PIPE)
    assert (await program.communicate())[0].strip() == b"1"


async def work_in_a_thread_of_its_own() -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    threading.Thread(target=lambda: (real.sleep(0.01), loop.call_soon_threadsafe(done.set))).start()
    await done.wait()


async def work_in_a_pool_whose_callbacks_are_slow() -> None:
    with ThreadPoolExecutor(2) as pool:
        future = pool.submit(real.sleep, 0.01)
        future.add_done_callback(lambda _: real.sleep(0.1))  # it is done, and has not told the event loop
        await asyncio.wrap_future(future)


async def work_in_a_pool_of_its_own() -> None:
    with ThreadPoolExecutor(2) as pool:
        await asyncio.wrap_future(pool.submit(real.sleep, 0.01))
        began = real.monotonic()
        await asyncio.sleep(1e-7)  # its idle threads hold up nothing
        assert real.monotonic() - began < 3


WORK = [
    work_in_a_pool_of_its_own,
    work_in_a_pool_whose_callbacks_are_slow,
    work_on_the_loop,
    work_in_a_thread,
    work_in_the_default_executor,
    work_on_a_database,
    work_over_a_socket,
    work_in_a_program,
    work_in_a_thread_of_its_own,
]


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
async def test_time_stands_still_until_work_is_done(time: VirtualTime, work: Callable[[], Awaitable[None]]) -> None:
    told: list[str] = []

    async def first() -> None:
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await work()
        told.append("worked")
        assert asyncio.get_running_loop().time() == pytest.approx(began, abs=1e-6)

    async def second() -> None:
        await asyncio.sleep(1.000_01)
        told.append("next")

    tasks = [asyncio.create_task(first()), asyncio.create_task(second())]
    await time.advance(2)
    assert told == ["worked", "next"]
    await asyncio.gather(*tasks)


async def test_time_stands_still_while_something_is_on_its_way(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = time._selector.select

    def late(timeout: float | None = None) -> object:
        """See nothing at once, as if each byte took a moment to arrive."""
        return [] if timeout == 0 else select(timeout)

    monkeypatch.setattr(time._selector, "select", late)
    await test_time_stands_still_until_work_is_done(time, work_over_a_socket)


async def test_work_that_no_thread_of_a_pool_has_taken_yet_counts(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.local.external_work._may_call_back", lambda thread: False)
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.05)
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(done.wait)
        with pytest.raises(Stuck, match=r"timed out waiting for Event\.wait in a thread"):
            await time.until(lambda: False)
        done.set()


async def test_a_database_that_was_opened_before_counts() -> None:
    async with aiosqlite.connect(":memory:") as database:
        with virtual_time():
            async with asyncio.timeout(0.001):
                await database.execute(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 99999) SELECT max(i) FROM n"
                )


async def test_what_is_due_now_needs_no_time(time: VirtualTime) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    due = loop.create_future()
    loop.call_at(began, due.set_result, None)
    loop.call_later(0, lambda: None)
    loop.call_at(began - 10, lambda: None)
    await due
    assert loop.time() == pytest.approx(began, abs=1e-6)


async def test_until_lets_no_more_time_pass_than_its_condition_needs(time: VirtualTime) -> None:
    loop = asyncio.get_running_loop()
    began, ticks = loop.time(), 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(10)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await time.until()
    assert loop.time() == pytest.approx(began)
    await time.until(lambda: ticks == 3)
    assert loop.time() - began == pytest.approx(30)
    with pytest.raises(Stuck, match="not within 25 s of virtual time"):
        await time.until(lambda: ticks == 1000, within=25)
    assert (loop.time() - began, ticks) == (pytest.approx(55), 5)
    ticking.cancel()


async def test_a_condition_that_fails_fails_who_waits_for_it(time: VirtualTime) -> None:
    with pytest.raises(ZeroDivisionError):
        await time.until(lambda: bool(1 // 0))


async def test_several_wait_for_different_things_at_once(time: VirtualTime) -> None:
    told: list[str] = []
    event = asyncio.Event()

    async def wait() -> None:
        await time.until(event.is_set)
        told.append("event")

    async def advance(seconds: float) -> None:
        await time.advance(seconds)
        told.append(f"{seconds} s")

    asyncio.get_running_loop().call_later(5, event.set)
    await asyncio.gather(advance(7), wait(), advance(3))
    assert told == ["3 s", "event", "7 s"]


async def test_who_stops_waiting_for_time_holds_up_nobody(time: VirtualTime) -> None:
    waiting = [asyncio.create_task(time.advance(math.inf)), asyncio.create_task(time.until(lambda: False))]
    await time.until()
    for task in waiting:
        task.cancel()
    await time.advance(10)
    assert all(task.cancelled() for task in waiting)


# ---- what never ends ----


def test_a_test_that_waits_for_nothing_ends_at_once_with_its_line() -> None:
    async def wait_for_nothing() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        with virtual_time():
            await wait_for_nothing()

    with pytest.raises(Stuck, match=rf"no timer is left.*{HERE}wait_for_nothing: await asyncio\.Event\(\)\.wait\(\)\)"):
        asyncio.run(main())


def test_a_test_that_waits_for_itself_beside_a_clock_ends_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.local.virtual_time._MAX_JUMPS", 100)

    async def tick() -> None:
        while True:
            await asyncio.sleep(1)

    async def main() -> None:
        with virtual_time():
            ticking = asyncio.create_task(tick())
            await asyncio.get_running_loop().create_future()
            ticking.cancel()

    with pytest.raises(Stuck, match=rf"100 timers have fired without a result.*{HERE}main: "):
        asyncio.run(main())


async def test_a_condition_that_is_never_met_ends_beside_a_clock(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.local.virtual_time._MAX_JUMPS", 100)

    async def tick() -> None:
        while True:
            await asyncio.sleep(1)

    ticking = asyncio.create_task(tick())
    with pytest.raises(Stuck, match="100 timers have fired without a result"):
        await time.until(lambda: False)
    ticking.cancel()


async def test_a_loop_that_spins_is_no_endless_wait(time: VirtualTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.local.virtual_time._MAX_TURNS", 1000)

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    spinning = asyncio.create_task(spin())
    with pytest.raises(Stuck, match="the event loop made 1,000 turns and was not idle"):
        await time.until()
    spinning.cancel()


async def test_a_thread_that_does_not_end_is_named_and_time_goes_on_without_it(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.05)
    done = threading.Event()
    working = asyncio.create_task(asyncio.to_thread(done.wait))
    await time.advance(3600)
    assert caplog.messages == [
        "waited 0.05 s of real time for Event.wait in a thread: the bot's time continues without it"
    ]
    with pytest.raises(Stuck, match=r"not within 5 s of virtual time; timed out waiting for Event\.wait in a thread"):
        await time.until(lambda: False, within=5)
    done.set()
    monkeypatch.undo()
    await time.until()  # which gives the call a minute to end
    await working


async def test_each_call_of_a_thread_has_its_time(time: VirtualTime) -> None:
    time._waited = external_work.WORK_TIMEOUT - 0.001
    await asyncio.wait_for(asyncio.to_thread(real.sleep, 0.05), 10)


async def test_a_thread_of_ones_own_that_says_nothing_is_named(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.05)
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="brooding")
    thread.start()
    with pytest.raises(
        Stuck, match="no timer is left, and nothing else can happen; timed out waiting for the thread brooding"
    ):
        await time.until(lambda: False)
    done.set()
    thread.join()


async def test_a_program_and_a_server_that_say_nothing_are_named(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, writer = await asyncio.open_connection(*server.getsockname())
        with monkeypatch.context() as patch:
            patch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.05)  # not while the program starts and ends
            with pytest.raises(Stuck, match=r"the file or program behind descriptor \d+") as caught:
                await time.until(lambda: False)
        assert f"timed out waiting for the connection to {server.getsockname()}" in str(caught.value)
        writer.close()
    await time.until()  # which gives the program a new minute to end
    await program.communicate(b"\n")


@contextmanager
def a_server(time: VirtualTime, *parts: bytes) -> Generator[tuple[str, int]]:
    """A server in a thread that answers each byte with these parts, each after a moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                while client.recv(1):
                    for part in parts:
                        real.sleep(0.02)
                        client.send(part)

        serving = threading.Thread(target=serve)
        time._external._bystanders.add(serving)
        serving.start()
        yield server.getsockname()
        serving.join()


async def test_an_answer_in_parts_is_waited_for_to_its_end(time: VirtualTime) -> None:
    with a_server(time, b"one", b"two") as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(2):  # over the same connection
            writer.write(b"x")
            assert await asyncio.wait_for(reader.readexactly(6), 10) == b"onetwo"
        writer.close()
        await writer.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much was sent over a connection")
async def test_a_server_that_has_answered_is_waited_for_once_until_it_is_asked_again(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wisp.local.external_work._BACKGROUND_TIMEOUT", 0.01)
    monkeypatch.setattr("wisp.local.external_work._RETRY_TIMEOUT", 0.001)
    with a_server(time, b"yes") as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(3):
            writer.write(b"x")
            assert await asyncio.wait_for(reader.readexactly(3), 10) == b"yes"
            await time.advance(3600)
            with monkeypatch.context() as patch:
                patch.setattr("wisp.local.external_work._BACKGROUND_TIMEOUT", 50.0)
                patch.setattr("wisp.local.external_work._RETRY_TIMEOUT", 60.0)
                began = real.monotonic()
                for _ in range(3):
                    time._external.files_have_changed = True
                    await time.advance(3600)
                assert real.monotonic() - began < 25  # half of either
        said = f"real time for the connection to {address}: the bot's time continues without it"
        assert caplog.messages == [f"waited 0.01 s of {said}"]
        writer.close()
        await writer.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much was sent over a connection")
async def test_a_server_that_never_answers_is_waited_for_once(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wisp.local.external_work._RETRY_TIMEOUT", 0.001)
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.01)
    with a_server(time) as address:
        _, writer = await asyncio.open_connection(*address)
        for _ in range(3):
            writer.write(b"x")
            await time.advance(3600)
            monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 60.0)
        assert len(caplog.messages) == 1
        writer.close()
        await writer.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much was sent over a connection")
async def test_a_server_that_answered_too_late_is_waited_for_again(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.local.external_work._RETRY_TIMEOUT", 0.0)
    with a_server(time, b"yes") as address:
        reader, writer = await asyncio.open_connection(*address)
        with monkeypatch.context() as patch:
            patch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.001)
            writer.write(b"x")
            await time.advance(3600)
        await time.until()  # which gives it a new minute
        await reader.readexactly(3)
        writer.write(b"x")
        assert await asyncio.wait_for(reader.readexactly(3), 10) == b"yes"
        writer.close()
        await writer.wait_closed()


async def test_the_other_end_of_a_pair_of_sockets_is_waited_for(time: VirtualTime) -> None:
    own, other = socket.socketpair()
    with other:
        answering = threading.Timer(0.02, other.send, [b"x"])
        time._external._bystanders.add(answering)
        answering.start()
        reader, writer = await asyncio.open_connection(sock=own)
        assert await asyncio.wait_for(reader.read(1), 10) == b"x"
        answering.join()
        writer.close()
        await writer.wait_closed()


async def test_a_socket_without_connections_is_not_waited_for(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wisp.local.external_work._BACKGROUND_TIMEOUT", 0.01)
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.01)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    await time.advance(3600)
    assert caplog.messages == []
    transport.close()
    server.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems queue more connections than they were asked to")
async def test_time_stands_still_while_a_connection_is_opened(time: VirtualTime) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.socket() as first:
        first.connect(server.getsockname())  # which fills the queue of the server
        opened = asyncio.Event()

        async def open_connection() -> None:
            async with asyncio.timeout(10):
                _, writer = await asyncio.open_connection(*server.getsockname())
                writer.close()
                await writer.wait_closed()
                opened.set()

        opening = asyncio.create_task(open_connection())
        accepting = threading.Timer(0.05, lambda: [server.accept()[0].close() for _ in range(2)])
        time._external._bystanders.add(accepting)
        accepting.start()
        await opening
        assert opened.is_set()
        accepting.join()


async def test_a_client_of_a_unix_socket_is_waited_for(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("wisp.local.external_work._BACKGROUND_TIMEOUT", 0.05)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path := str(tmp_path / "server"))
        server.listen()
        _, writer = await asyncio.open_unix_connection(path)
        with pytest.raises(Stuck, match=f"timed out waiting for the connection to {path}"):
            await time.until(lambda: False)
        writer.close()


@pytest.mark.parametrize("is_stuck", [False, True], ids=["alone", "beside a call that does not end"])
async def test_a_thread_that_ticks_for_ever_lets_time_pass(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch, is_stuck: bool
) -> None:
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.1)
    loop, done = asyncio.get_running_loop(), threading.Event()

    def tick() -> None:
        while not done.wait(0.001):
            loop.call_soon_threadsafe(int)

    thread = threading.Thread(target=tick)
    thread.start()
    stuck = asyncio.create_task(asyncio.to_thread(done.wait if is_stuck else int))
    await time.advance(100)
    done.set()
    thread.join()
    monkeypatch.undo()
    await time.until()  # which gives the call a minute to end
    await stuck


def test_a_wait_counts_also_if_something_happens_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 0.0

    def select(timeout: float | None = None) -> list[object]:
        nonlocal seconds
        seconds += 7
        return ["a tick"]

    ticked = external_work.ExternalWork()
    monkeypatch.setattr("wisp.local.external_work.time.monotonic", lambda: seconds)
    monkeypatch.setattr(ticked, "pending", lambda: {"thread": ("the thread", external_work.WORK_TIMEOUT)})
    monkeypatch.setattr(ticked, "select", select)
    assert ticked.wait() == ticked.wait() == ["a tick"]
    assert ticked._left == external_work.WORK_TIMEOUT - 14


async def test_a_daemon_thread_is_waited_for_once_and_then_for_less(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []
    waits: list[float] = []

    def limit(one: object, seconds: float, is_last: bool) -> float:
        limits.append(limit := limit_of(one, seconds, is_last))
        return min(limit, 0.01)

    def give_up_on(silent: dict[object, tuple[str, float]]) -> None:
        waits.append(limits[-1])
        go_on(silent)

    limit_of, go_on = time._external._timeout, time._external.give_up_on
    monkeypatch.setattr(time._external, "_timeout", limit)
    monkeypatch.setattr(time._external, "give_up_on", give_up_on)
    done = threading.Event()
    thread = threading.Thread(target=done.wait, daemon=True)
    thread.start()
    for second in range(100):
        asyncio.get_running_loop().call_later(second, int)
    await time.advance(100)
    await time.advance(100)
    assert waits == [5.0, 1.0]
    done.set()
    thread.join()


async def test_what_was_waited_for_in_vain_does_not_count_against_what_follows(
    time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.local.virtual_time._MAX_JUMPS", 100)
    monkeypatch.setattr("wisp.local.virtual_time._MAX_TURNS", 1000)

    async def tick() -> None:
        while True:
            await asyncio.sleep(1)

    async def turn() -> None:
        for _ in range(800):
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await time.advance(1000)
    await asyncio.sleep(80)
    end = time.time() + 80
    await time.until(lambda: time.time() >= end)
    with pytest.raises(Overdue):
        await time.until(lambda: False, within=1000)
    for _ in range(2):
        with pytest.raises(Stuck, match="100 timers have fired without a result"):
            await time.until(lambda: False)
        await asyncio.sleep(80)
    await turn()
    turning = asyncio.create_task(turn())
    await time.until()
    assert turning.done()
    ticking.cancel()


async def test_what_is_due_at_the_end_of_an_advance_is_done_after_it(time: VirtualTime) -> None:
    started: list[asyncio.Task[None]] = []
    asyncio.get_running_loop().call_later(5, lambda: started.append(asyncio.create_task(work_in_a_thread())))
    await time.advance(5)
    assert [task.done() for task in started] == [True]


# ---- opening and closing ----


async def test_real_time_goes_on_afterwards_and_timers_keep_what_they_had_left() -> None:
    loop = asyncio.get_running_loop()
    with virtual_time() as time:
        timer = loop.call_later(1000, lambda: None)
        await time.advance(300)
        assert timer.when() - loop.time() == pytest.approx(700)
    assert 690 < timer.when() - loop.time() <= 700
    assert abs(loop.time() - real.monotonic()) < 10
    timer.cancel()
    began = real.monotonic()
    await asyncio.sleep(0.01)
    assert real.monotonic() - began >= 0.009


async def test_nothing_of_it_stays() -> None:
    loop = asyncio.get_running_loop()

    def state() -> list[object]:
        return [loop._selector, loop.time, loop._clock_resolution, loop.run_in_executor, ThreadPoolExecutor.submit]

    before = state()
    with virtual_time():
        assert all(now != then for now, then in zip(state(), before, strict=True))
        await work_in_a_thread()
    assert state() == before


async def test_a_timer_that_was_set_before_keeps_what_it_had_left() -> None:
    loop = asyncio.get_running_loop()
    timer = loop.call_later(1000, lambda: None)
    for _ in range(5):  # whatever the fraction of the second at which it begins
        began, left = real.monotonic(), timer.when() - loop.time()
        with virtual_time():
            assert 0 <= left - (timer.when() - loop.time()) <= real.monotonic() - began + 1e-6
        await asyncio.sleep(0.03)
    timer.cancel()


async def test_blocks_share_their_time_whichever_closes_first() -> None:
    first, second = ExitStack(), ExitStack()
    time = first.enter_context(virtual_time())
    assert second.enter_context(virtual_time()) is time
    first.close()
    await asyncio.sleep(3600)
    second.close()
    assert abs(asyncio.get_running_loop().time() - real.monotonic()) < 10


async def test_time_that_flows_is_real_but_for_what_is_advanced() -> None:
    loop = asyncio.get_running_loop()
    with virtual_time(flows=True) as time:
        began, really, told = time.time(), real.monotonic(), list[str]()
        for name, delay in (("hour", 3600), ("day", 86400), ("minute", 60)):
            loop.call_later(delay, told.append, name)
        await asyncio.sleep(0.01)
        assert real.monotonic() - really >= 0.009
        await time.advance(7200)
        assert told == ["minute", "hour"]
        assert 7200 < time.time() - began < 7260
        await asyncio.sleep(0.01)
        assert time.time() - began >= 7200.019
        assert time.clock.time() - real.time() == pytest.approx(7200, abs=60)


async def test_time_that_is_stopped_passes_only_as_far_as_something_awaits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.local.external_work._may_call_back", lambda thread: False)
    loop = asyncio.get_running_loop()
    told: list[str] = []
    with virtual_time(flows=True) as time:
        time.stop()
        began = time.time()
        for name, delay in (("second", 1), ("minute", 60), ("hour", 3600)):
            loop.call_later(delay, told.append, name)
        line = loop.create_future()
        typing = threading.Timer(0.02, loop.call_soon_threadsafe, [line.set_result, None])
        typing.start()
        await line
        assert (time.time(), told) == (began, [])
        await time.until(lambda: "second" in told)
        await time.advance(59)
        assert (time.time() - began, told) == (pytest.approx(60), ["second", "minute"])
        time.flow()
        await asyncio.sleep(0.01)
        assert time.is_flowing
        assert 60.009 < time.time() - began < 120
    typing.join()


async def test_time_that_flows_is_not_rounded_when_it_is_added_to_the_epoch() -> None:
    with virtual_time(flows=True) as time:
        for _ in range(1000):
            moment = time.clock.monotonic()
            assert moment + time.clock.zero() - time.clock.zero() == moment
        assert time.clock.zero() + time.clock.monotonic() == pytest.approx(time.clock.time(), abs=1)


async def test_an_advance_of_time_that_flows_gives_up_on_a_thread_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.05)
    done = threading.Event()
    with virtual_time(flows=True) as time:
        began = time.time()
        working = asyncio.create_task(asyncio.to_thread(done.wait))
        try:
            with pytest.raises(Stuck) as caught:
                await time.advance(3600)
        finally:
            done.set()
        assert str(caught.value) == "not within 0.05 s of virtual time; timed out waiting for Event.wait in a thread"
        assert (time.is_flowing, time.time() - began < 60) == (True, True)
        await working
        await time.advance(3600)
        assert time.time() - began >= 3600


async def test_an_event_loop_without_a_selector_can_have_its_time_moved() -> None:
    class Proactor:
        """What of Windows' event loop is called here, on a selector."""

        def __init__(self, selector: object) -> None:
            self._selector = selector

        def __getattr__(self, name: str) -> object:
            return getattr(self._selector, name)

    loop = asyncio.get_running_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    loop._selector = Proactor(selector)  # type: ignore[attr-defined]
    try:
        with virtual_time() as time:
            await asyncio.gather(work_over_a_socket(), work_in_a_thread(), time.advance(3600))
    finally:
        loop._selector = selector  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")
def test_uvloop_is_refused_in_words() -> None:
    import uvloop

    async def main() -> None:
        async with connect(wisp.Bot()):
            pass

    with pytest.raises(wisp.WispError, match=r"event loop of uvloop.*: run this with asyncio's own, as in "):
        uvloop.run(main())


# ---- a bot ----


async def gathered() -> None:
    await asyncio.gather(asyncio.sleep(60), asyncio.gather(asyncio.sleep(30), asyncio.sleep(0)))


async def grouped() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(60))
        group.create_task(awaited(30))


async def awaited(seconds: float = 60) -> None:
    await asyncio.create_task(asyncio.sleep(seconds))


async def shielded() -> None:
    await asyncio.shield(asyncio.sleep(60))


async def waited_for() -> None:
    async with asyncio.timeout(1000):
        await asyncio.wait_for(asyncio.sleep(60), 1000)


async def waited() -> None:
    await asyncio.wait({asyncio.create_task(asyncio.sleep(60)), asyncio.create_task(asyncio.sleep(30))})


async def completed() -> None:
    for one in asyncio.as_completed([asyncio.sleep(60), asyncio.sleep(30)]):
        await one


async def locked() -> None:
    lock = asyncio.Lock()

    async def hold() -> None:
        async with lock:
            await asyncio.sleep(30)

    await asyncio.gather(hold(), hold())


async def queued() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(1)

    async def produce() -> None:
        for number in range(3):
            await asyncio.sleep(20)
            await queue.put(number)

    producing = asyncio.create_task(produce())
    for _ in range(3):
        await queue.get()
    await producing


async def signalled() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(60, event.set)
    await event.wait()


WAYS = [gathered, grouped, awaited, shielded, waited_for, waited, completed, locked, queued, signalled]


async def test_a_handler_may_wait_in_every_way_and_is_answered_when_it_has() -> None:
    bot = wisp.Bot()

    @bot.command
    async def patient(ctx: wisp.Context, way: int) -> str:
        await WAYS[way]()
        return "done"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        for number in range(len(WAYS)):
            asking = asyncio.create_task(ada.slash("patient", way=number))
            await discord.advance(seconds=59)
            assert not asking.done()
            assert discord.conversation().endswith("wisp is thinking...")
            reply = await asking
            assert (reply.content, reply.deferred) == ("done", True)
            assert discord.world.interactions.age(reply.interaction) == pytest.approx(60, abs=0.1)


async def test_a_handler_that_sleeps_for_an_hour_costs_no_second() -> None:
    bot = wisp.Bot()

    @bot.command
    async def remind(ctx: wisp.Context) -> None:
        await ctx.respond("in an hour")
        await asyncio.sleep(3600)
        await bot.gateway.rest.create_message(ctx.channel_id, "now")

    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("remind")).content == "in an hour"
        await discord.advance(minutes=59)
        assert [message.content for message in discord.messages()] == ["in an hour"]
        await discord.advance(minutes=1)
        assert [message.content for message in discord.messages()] == ["in an hour", "now"]


async def test_what_a_handler_leaves_behind_is_done_when_the_call_returns() -> None:
    bot = wisp.Bot()

    @bot.command
    async def posts(ctx: wisp.Context) -> None:
        async def post(number: int) -> None:
            if number:
                await asyncio.create_task(post(number - 1))
            await bot.gateway.rest.create_message(ctx.channel_id, f"{number}")
            await asyncio.sleep(1000)

        left.extend([asyncio.create_task(post(1)), asyncio.create_task(post(0))])

    left: list[asyncio.Task[None]] = []
    async with connect(bot) as discord:
        await discord.member("ada").slash("posts")
        assert sorted(message.content for message in discord.messages()) == ["0", "0"]
        await discord.advance(seconds=1001)
        assert sorted(message.content for message in discord.messages()) == ["0", "0", "1"]
        left[0].cancel()


async def test_a_cache_whose_factory_sleeps_answers_all_who_asked() -> None:
    bot = wisp.Bot()
    computed = 0

    @bot.command
    async def ask(ctx: wisp.Context) -> str:
        async def compute() -> str:
            nonlocal computed
            computed += 1
            await asyncio.sleep(60)
            return "computed"

        cache = bot.services.get_typed("cache", CacheService)
        assert cache
        return await cache.get_or_set("key", compute)

    async with connect(bot) as discord:
        replies = await asyncio.gather(*(discord.member(name).slash("ask") for name in ("ada", "bob")))
        assert ([reply.content for reply in replies], computed) == (["computed"] * 2, 1)


async def test_a_handler_may_wait_for_a_lock_that_another_holds_before_a_person() -> None:
    bot = wisp.Bot()
    lock = asyncio.Lock()

    @bot.command
    async def ask(ctx: wisp.Context) -> str:
        async with lock:
            return str(await ctx.confirm("Sure?"))

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        first = await ada.slash("ask")
        asking = asyncio.create_task(bob.slash("ask"))
        await discord.rest()
        assert (first.content, asking.done()) == ("Sure?", False)
        await ada.click(first, "Yes")
        assert (await asking).content == "Sure?"


async def test_handlers_that_take_turns_at_a_lock_are_all_answered() -> None:
    bot = wisp.Bot()
    inner, outer = asyncio.Lock(), asyncio.Lock()

    @bot.command
    async def turn(ctx: wisp.Context) -> str:
        async with outer, inner:
            await asyncio.sleep(60)
        return "done"

    async with connect(bot) as discord:
        replies = await asyncio.gather(*(discord.member(name).slash("turn") for name in ("ada", "bob", "eve")))
        assert [reply.content for reply in replies] == ["done"] * 3


async def test_a_listener_of_hikaris_own_is_waited_for_until_it_sleeps() -> None:
    bot = wisp.Bot(intents="GUILD_MESSAGES")

    @bot.on_start
    async def raw() -> None:
        @bot.gateway.listen()
        async def echo(event: hikari.GuildMessageCreateEvent) -> None:
            if event.is_human:
                await event.message.respond("heard")
                await asyncio.sleep(1000)

        @bot.gateway.listen()
        async def wait(event: hikari.GuildMessageCreateEvent) -> None:
            await bot.gateway.wait_for(hikari.GuildMessageDeleteEvent, timeout=None)

    async with connect(bot) as discord:
        await discord.member("ada").say("hi")
        assert [message.content for message in discord.messages()] == ["hi", "heard"]


async def test_a_handler_that_never_answers_is_named_with_its_line() -> None:
    bot = wisp.Bot()

    @bot.command
    async def endless(ctx: wisp.Context) -> None:
        async def child() -> None:
            await asyncio.Event().wait()

        await child()

    async with connect(bot) as discord:
        where = rf"{HERE}child: await asyncio\.Event\(\)\.wait\(\)\)"
        match = rf"^no answer within 15 minutes, and Discord takes none after that\. Still running: /endless {where}$"
        with pytest.raises(AssertionError, match=match):
            await discord.member("ada").slash("endless")


async def test_an_answer_that_a_killed_bot_owes_fails_in_words() -> None:
    bot = wisp.Bot()

    @bot.command
    async def nap(ctx: wisp.Context) -> str:
        await asyncio.sleep(600)
        return "awake"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        killed = asyncio.create_task(ada.slash("nap"))
        await discord.advance(seconds=3)
        await discord.restart(kill=True)
        with pytest.raises(AssertionError, match=r"takes none after that\. Still running: no handler$"):
            await killed


async def test_a_deadlock_is_named_with_its_lines() -> None:
    bot = wisp.Bot()
    one, other = asyncio.Lock(), asyncio.Lock()

    async def take(first: asyncio.Lock, second: asyncio.Lock) -> None:
        async with first:
            await asyncio.sleep(0)
            async with second:
                pass

    @bot.command
    async def forth(ctx: wisp.Context) -> None:
        await take(one, other)

    @bot.command
    async def back(ctx: wisp.Context) -> None:
        await take(other, one)

    async with connect(bot) as discord:
        ada = discord.member("ada")
        results = await asyncio.gather(ada.slash("forth"), ada.slash("back"), return_exceptions=True)
        for error in results:
            assert isinstance(error, AssertionError)
            for name in ("/forth", "/back"):
                assert f"{name} (tests/test_virtual_time.py:" in str(error)
            assert "in take: async with second:)" in str(error)


async def test_the_task_factory_of_a_test_stays_in_use() -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: object, **options: object) -> asyncio.Task[object]:
        made.append(getattr(coro, "__name__", ""))
        return asyncio.Task(coro, loop=loop, **options)  # type: ignore[arg-type]

    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        async def child() -> None: ...

        await asyncio.gather(child())

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    async with connect(bot) as discord:
        await discord.member("ada").slash("ask")
    assert "child" in made
    assert loop.get_task_factory() is factory
    loop.set_task_factory(None)


def test_a_bot_runs_in_asyncios_debug_mode() -> None:
    bot = wisp.Bot()

    @bot.command
    async def nap(ctx: wisp.Context) -> str:
        await asyncio.sleep(5)
        return "awake"

    async def main() -> None:
        async with connect(bot) as discord:
            assert (await discord.member("ada").slash("nap")).content == "awake"
            await discord.advance(hours=1)

    asyncio.run(main(), debug=True)


async def test_hundreds_of_people_ask_at_once_and_all_are_answered() -> None:
    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        await asyncio.sleep(1)
        return f"hello {ctx.user.username}"

    async with connect(bot, members=300) as discord:
        people = [discord.member(name) for name in ("ada", "bob", *(f"member {number}" for number in range(3, 301)))]
        replies = await asyncio.gather(*(person.slash("hello") for person in people))
        assert [reply.content for reply in replies] == [f"hello {person.name}" for person in people]
