"""When a bot is at rest: what handlers wait for, through tasks, locks and queues of their own."""

import asyncio
from asyncio import tasks as asyncio_tasks
from collections.abc import Awaitable, Callable

import hikari
import pytest

import wisp
from wisp.services import Cache
from wisp.testing import connect

Wait = Callable[[float], Awaitable[None]]
"""Sleeps by the bot's clock."""


async def gathered(sleep: Wait) -> None:
    await asyncio.gather(sleep(60), asyncio.gather(sleep(30), sleep(0)))


async def grouped(sleep: Wait) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(sleep(60))
        group.create_task(grand(sleep))


async def grand(sleep: Wait) -> None:
    await asyncio.create_task(sleep(30))


async def awaited(sleep: Wait) -> None:
    await asyncio.create_task(sleep(60))


async def shielded(sleep: Wait) -> None:
    await asyncio.shield(sleep(60))


async def waited_for(sleep: Wait) -> None:
    async with asyncio.timeout(1000):
        await asyncio.wait_for(sleep(60), 1000)


async def waited(sleep: Wait) -> None:
    await asyncio.wait({asyncio.ensure_future(sleep(60)), asyncio.ensure_future(sleep(30))})


async def completed(sleep: Wait) -> None:
    for one in asyncio.as_completed([sleep(60), sleep(30)]):
        await one


async def locked(sleep: Wait) -> None:
    lock = asyncio.Lock()

    async def hold() -> None:
        async with lock:
            await sleep(30)

    await asyncio.gather(hold(), hold())


async def queued(sleep: Wait) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(1)

    async def produce() -> None:
        for number in range(3):
            await sleep(20)
            await queue.put(number)

    producing = asyncio.create_task(produce())
    for _ in range(3):
        await queue.get()
    await producing


async def signalled(sleep: Wait) -> None:
    event = asyncio.Event()

    async def signal() -> None:
        await sleep(60)
        event.set()

    signalling = asyncio.create_task(signal())
    await event.wait()
    await signalling


WAYS = [gathered, grouped, awaited, shielded, waited_for, waited, completed, locked, queued, signalled]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_who_waits_for_tasks_that_wait_for_the_clock_is_at_rest(way: Callable[[Wait], Awaitable[None]]) -> None:
    bot = wisp.Bot()

    @bot.command
    async def patient(ctx: wisp.Context) -> str:
        await way(bot.session.clock.sleep)
        return "done"

    async with connect(bot) as discord, asyncio.timeout(30):
        reply = await discord.member("ada").slash("patient")
        await discord.advance(seconds=59)
        assert (reply.content, reply.thinking) == ("", True)
        await discord.advance(seconds=2)
        assert reply.content == "done"


async def test_who_waits_for_a_task_that_works_is_not() -> None:
    bot = wisp.Bot()

    @bot.command
    async def posts(ctx: wisp.Context) -> None:
        async def post(number: int) -> None:
            if number:
                await asyncio.create_task(post(number - 1))
            await bot.gateway.rest.create_message(ctx.channel_id, f"{number}")

        await asyncio.gather(post(1), post(2), bot.session.clock.sleep(30))

    async with connect(bot) as discord:
        await discord.member("ada").slash("posts")
        assert sorted(message.content for message in discord.messages()) == ["0", "0", "1", "1", "2"]


async def test_a_task_that_a_handler_leaves_behind_is_its_work_until_it_waits_for_real_time() -> None:
    bot = wisp.Bot()
    left: list[asyncio.Task[None]] = []

    @bot.command
    async def leaves(ctx: wisp.Context) -> str:
        async def later() -> None:
            await bot.gateway.rest.create_message(ctx.channel_id, "later")
            await asyncio.sleep(1000)

        left.append(asyncio.create_task(later()))
        return "now"

    async with connect(bot) as discord, asyncio.timeout(30):
        await discord.member("ada").slash("leaves")
        assert [message.content for message in discord.messages()] == ["now", "later"]
    left[0].cancel()


async def test_a_cache_whose_factory_waits_for_the_clock_keeps_all_who_ask_at_rest() -> None:
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> str:
        async def compute() -> str:
            await bot.session.clock.sleep(60)
            return "computed"

        cache = bot.services.get_typed("cache", Cache)
        assert cache
        return await cache.get_or_set("key", compute)

    async with connect(bot) as discord, asyncio.timeout(30):
        replies = [await discord.member(name).slash("ask") for name in ("ada", "bob")]
        await discord.advance(minutes=2)
        assert [reply.content for reply in replies] == ["computed"] * 2


async def test_who_waits_for_a_lock_that_another_holds_before_a_person_is_at_rest() -> None:
    bot = wisp.Bot()
    lock = asyncio.Lock()

    @bot.command
    async def ask(ctx: wisp.Context) -> str:
        async with lock:
            return str(await ctx.confirm("Sure?"))

    async with connect(bot) as discord, asyncio.timeout(30):
        ada, bob = discord.member("ada"), discord.member("bob")
        first, second = await ada.slash("ask"), await bob.slash("ask")
        assert (first.content, second.interaction.answered) == ("Sure?", False)
        await ada.click(first, "Yes")
        assert second.content == "Sure?"


async def test_a_listener_that_is_not_wisps_is_waited_for_unless_it_waits_for_real_time() -> None:
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

    async with connect(bot) as discord, asyncio.timeout(30):
        await discord.member("ada").say("hi")
        assert [message.content for message in discord.messages()] == ["hi", "heard"]


@pytest.mark.parametrize("wait", [lambda: asyncio.sleep(1000), lambda: asyncio.Event().wait()], ids=["time", "event"])
async def test_what_does_not_come_to_rest_is_named_with_its_place(
    wait: Callable[[], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.testing._SOON", 0.1)
    bot = wisp.Bot(intents="GUILD_MESSAGES")

    @bot.command
    async def endless(ctx: wisp.Context) -> None:
        async def child() -> None:
            await wait()

        await asyncio.gather(child())

    @bot.listen
    async def hang(event: hikari.GuildMessageCreateEvent) -> None:
        await wait()

    with pytest.raises(AssertionError, match=r"/endless \(tests/test_stillness\.py:\d+, in (child|<lambda>)\) did not"):
        async with connect(bot) as discord:
            await discord.member("ada").slash("endless")
    with pytest.raises(
        AssertionError, match=r"^listener \"hang\" \(tests/test_stillness\.py:\d+, in (hang|<lambda>)\) did not"
    ):
        async with connect(bot) as discord:
            await discord.member("ada").say("hi")


@pytest.mark.parametrize("alone", [True, False], ids=["by itself", "with another"])
async def test_a_deadlock_is_named_beside_a_handler_that_waits_for_the_clock(
    alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisp.testing._SOON", 0.1)
    bot = wisp.Bot()

    @bot.command
    async def later(ctx: wisp.Context) -> str:
        await bot.session.clock.sleep(60)
        return "done"

    @bot.command
    async def stuck(ctx: wisp.Context) -> None:
        one, other = asyncio.Lock(), asyncio.Lock()

        async def take(first: asyncio.Lock, second: asyncio.Lock) -> None:
            async with first:
                await asyncio.sleep(0)
                async with second:
                    pass

        if alone:
            await take(one, one)
        await asyncio.gather(take(one, other), take(other, one))

    async def ask() -> None:
        async with connect(bot) as discord:
            await discord.member("ada").slash("later")
            await discord.member("ada").slash("stuck")

    with pytest.raises(AssertionError, match=r"/stuck \(tests/test_stillness\.py:\d+, in take\) did not"):
        await ask()


async def test_who_waits_for_a_lock_in_its_turn_is_in_no_deadlock() -> None:
    bot = wisp.Bot()
    inner, outer = asyncio.Lock(), asyncio.Lock()

    @bot.command
    async def turn(ctx: wisp.Context) -> str:
        async with outer, inner:
            await bot.session.clock.sleep(60)
        return "done"

    async with connect(bot) as discord:
        replies = [await discord.member(name).slash("turn") for name in ("ada", "bob", "eve")]
        await discord.advance(seconds=200)  # each begins to wait a moment after the one before has ended
        assert [reply.content for reply in replies] == ["done"] * 3


async def test_the_loops_own_task_factory_is_used_and_put_back() -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: object, **options: object) -> asyncio.Task[object]:
        made.append(getattr(coro, "__name__", ""))
        return asyncio.Task(coro, loop=loop, **options)  # type: ignore[arg-type]

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        async def child() -> None: ...

        await asyncio.gather(child())

    async with connect(bot) as discord:
        await discord.member("ada").slash("ask")
    assert "child" in made
    assert loop.get_task_factory() is factory
    loop.set_task_factory(None)


async def test_asyncio_keeps_what_tasks_wait_for_where_we_look_for_it() -> None:
    moved = "a new release moved this: mend wisp/stillness.py"

    async def wait() -> None:
        await asyncio.sleep(0.01)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert isinstance(task._fut_waiter, asyncio.Future), moved  # type: ignore[attr-defined]
    both = asyncio.gather(task)
    assert both._children == [task], moved  # type: ignore[attr-defined]
    assert task._callbacks[0][0].__closure__, moved  # type: ignore[attr-defined]
    lock = asyncio.Lock()
    async with lock:
        waiting = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        assert waiting.get_coro().cr_frame.f_locals["self"] is lock, moved  # type: ignore[union-attr]
    assert await waiting
    assert asyncio_tasks.sleep.__code__ is task.get_coro().cr_await.cr_code, moved  # type: ignore[union-attr]
    await both
