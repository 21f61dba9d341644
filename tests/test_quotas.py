"""Rate limits of REST: what the headers tell, what is refused, and that libraries keep to it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import hikari
import pytest

import wisp
from wisp.local.hikari_probes import use_loop_time
from wisp.local.virtual_time import VirtualTime
from wisp.sandbox import Sandbox
from wisp.sandbox.rest.rate_limits import Quota
from wisp.sandbox.world.objects import Channel
from wisp.testing import connect

MESSAGES = "/channels/{channel}/messages$"


def rooms(sandbox: Sandbox, count: int) -> list[Channel]:
    guild = next(iter(sandbox.world.guilds.values()))
    return [sandbox.world.channels.add(guild, f"room-{number}") for number in range(count)]


async def post(sandbox: Sandbox, path: str) -> aiohttp.ClientResponse:
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with aiohttp.ClientSession() as session:
        response = await session.post(sandbox.rest_url + path, json={"content": "x"}, headers=headers)
        await response.read()
        return response


async def test_headers_tell_what_is_left_of_a_bucket_and_each_channel_has_its_own(time: VirtualTime) -> None:
    async with Sandbox(clock=time.clock) as sandbox:
        sandbox.quotas.limit("POST", MESSAGES, 2, per=30)
        first, second = rooms(sandbox, 2)
        answers = [await post(sandbox, f"/channels/{channel.id}/messages") for channel in (first, first, first, second)]
    assert [answer.status for answer in answers] == [200, 200, 429, 200]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "1"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"2"}
    assert len({answer.headers["X-RateLimit-Bucket"] for answer in answers}) == 1
    for answer in answers:
        assert answer.headers["X-RateLimit-Reset-After"] == "30.000"
        assert float(answer.headers["X-RateLimit-Reset"]) == pytest.approx(time.clock.time() + 30, abs=0.01)
    refused = answers[2]
    assert (refused.headers["X-RateLimit-Scope"], refused.headers["Retry-After"]) == ("user", "30")
    body = json.loads(await refused.read())
    assert (body["global"], body["retry_after"]) == (False, 30)


async def test_a_call_is_taken_again_once_its_retry_after_has_passed(time: VirtualTime) -> None:
    async with Sandbox(clock=time.clock) as sandbox:
        sandbox.quotas.limit("POST", MESSAGES, 1, per=3600)
        (channel,) = rooms(sandbox, 1)
        path = f"/channels/{channel.id}/messages"
        assert (await post(sandbox, path)).status == 200
        await time.advance(600)
        refused = await post(sandbox, path)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "3000")
        await time.advance(2999)
        assert (await post(sandbox, path)).headers["Retry-After"] == "1"
        await time.advance(1)
        assert (await post(sandbox, path)).status == 200


async def test_all_calls_together_have_a_limit_that_answers_to_interactions_do_not_count_in(time: VirtualTime) -> None:
    async with Sandbox(clock=time.clock) as sandbox:
        sandbox.quotas.on_all = Quota(1, 30)
        (channel,) = rooms(sandbox, 1)
        answers = [await post(sandbox, f"/channels/{channel.id}/messages") for _ in range(2)]
        webhook = await post(sandbox, "/webhooks/1/x")
    assert [answer.status for answer in answers] == [200, 429]
    assert (answers[1].headers["X-RateLimit-Global"], answers[1].headers["X-RateLimit-Scope"]) == ("true", "global")
    assert json.loads(await answers[1].read())["global"] is True
    assert webhook.status == 404


async def test_windows_that_are_over_are_forgotten_and_those_that_are_not_stay(time: VirtualTime) -> None:
    async with Sandbox(clock=time.clock) as sandbox:
        sandbox.quotas.limit("POST", MESSAGES, 1, per=3600)
        (channel,) = rooms(sandbox, 1)
        path = f"/channels/{channel.id}/messages"
        assert (await post(sandbox, path)).status == 200
        async with aiohttp.ClientSession() as session:
            for number in range(1100):  # each interaction has a bucket of its own, for a second
                async with session.post(f"{sandbox.rest_url}/webhooks/1/{number}", json={}) as response:
                    assert response.status == 404
                await time.advance(1)
        assert len(sandbox.quotas._windows) < 200
        assert (await post(sandbox, path)).status == 429


async def test_a_limit_that_cannot_be_is_refused() -> None:
    async with Sandbox() as sandbox:
        with pytest.raises(ValueError, match="at least 1"):
            sandbox.quotas.limit("GET", "/", 0, per=1)


async def test_hikari_waits_as_the_headers_say(time: VirtualTime) -> None:
    use_loop_time(time.clock)
    async with Sandbox(clock=time.clock) as sandbox:
        sandbox.quotas.limit("POST", MESSAGES, 2, per=3600)
        (channel,) = rooms(sandbox, 1)
        app = hikari.RESTApp(url=sandbox.rest_url, max_rate_limit=10_000)
        await app.start()
        began = time.time()
        async with app.acquire(sandbox.token, hikari.TokenType.BOT) as rest:
            await asyncio.gather(*(rest.create_message(channel.id, str(number)) for number in range(5)))
        await app.close()
        assert time.time() - began == pytest.approx(7200, abs=1)
        assert (len(channel.messages), sandbox.quotas.refused) == (5, 0)


def talkative_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def talk(ctx: wisp.Context) -> str:
        for number in range(3):
            await ctx.bot.gateway.rest.create_message(ctx.channel_id, str(number))
        return "said"

    return bot


async def test_a_bot_that_reaches_a_limit_goes_on_when_the_test_has_moved_the_time_past_it() -> None:
    async with connect(talkative_bot()) as discord:
        discord.sandbox.quotas.limit("POST", MESSAGES, 1, per=60)
        talking = asyncio.create_task(discord.member("ada").slash("talk"))
        for count, seconds in ((1, 59), (2, 2), (2, 58), (3, 2)):
            await discord.advance(seconds=seconds)
            said = [one.content for one in discord.messages() if one.content.isdigit()]
            assert said == ["0", "1", "2"][:count]
        assert (await talking).content == "said"
        assert discord.sandbox.quotas.refused == 0


async def test_a_bot_that_is_refused_waits_as_retry_after_says_and_a_person_waits_as_long() -> None:
    async with connect(talkative_bot()) as discord:
        discord.sandbox.quotas.on_all = Quota(1, 60)
        began = discord.world.clock.time()
        reply = await discord.member("ada").slash("talk")
        assert (reply.content, reply.deferred) == ("said", True)
        assert discord.world.clock.time() - began == pytest.approx(120, abs=2)
        assert discord.sandbox.quotas.refused == 2
