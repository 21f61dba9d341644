"""Rate limits of REST: what the headers tell, what is refused, and that libraries keep to it."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import hikari
import pytest

from wisp.sandbox import Sandbox
from wisp.sandbox.quotas import Quota
from wisp.sandbox.world import Channel

MESSAGES = "/channels/{channel}/messages$"


def rooms(sandbox: Sandbox, count: int) -> list[Channel]:
    guild = next(iter(sandbox.world.guilds.values()))
    return [sandbox.world.add_channel(guild, f"room-{number}") for number in range(count)]


async def post(sandbox: Sandbox, path: str) -> aiohttp.ClientResponse:
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with aiohttp.ClientSession() as session:
        response = await session.post(sandbox.rest_url + path, json={"content": "x"}, headers=headers)
        await response.read()
        return response


async def test_headers_tell_what_is_left_of_a_bucket_and_each_channel_has_its_own() -> None:
    async with Sandbox() as sandbox:
        sandbox.quotas.limit("POST", MESSAGES, 2, per=30)
        first, second = rooms(sandbox, 2)
        answers = [await post(sandbox, f"/channels/{channel.id}/messages") for channel in (first, first, first, second)]
    assert [answer.status for answer in answers] == [200, 200, 429, 200]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "1"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"2"}
    assert len({answer.headers["X-RateLimit-Bucket"] for answer in answers}) == 1
    for answer in answers:
        after = float(answer.headers["X-RateLimit-Reset-After"])
        assert 25 < after <= 30
        assert float(answer.headers["X-RateLimit-Reset"]) == pytest.approx(time.time() + after, abs=5)
    refused = answers[2]
    assert (refused.headers["X-RateLimit-Scope"], refused.headers["Retry-After"]) == ("user", "30")
    body = json.loads(await refused.read())
    assert (body["global"], 25 < body["retry_after"] <= 30) == (False, True)


async def test_all_calls_together_have_a_limit_that_answers_to_interactions_do_not_count_in() -> None:
    async with Sandbox() as sandbox:
        sandbox.quotas.on_all = Quota(1, 30)
        (channel,) = rooms(sandbox, 1)
        answers = [await post(sandbox, f"/channels/{channel.id}/messages") for _ in range(2)]
        webhook = await post(sandbox, "/webhooks/1/x")
    assert [answer.status for answer in answers] == [200, 429]
    assert (answers[1].headers["X-RateLimit-Global"], answers[1].headers["X-RateLimit-Scope"]) == ("true", "global")
    assert json.loads(await answers[1].read())["global"] is True
    assert webhook.status == 404


async def test_a_limit_that_cannot_be_is_refused() -> None:
    async with Sandbox() as sandbox:
        with pytest.raises(ValueError, match="at least 1"):
            sandbox.quotas.limit("GET", "/", 0, per=1)


async def test_hikari_waits_as_the_headers_say() -> None:
    async with Sandbox() as sandbox:
        sandbox.quotas.limit("POST", MESSAGES, 2, per=0.3)
        (channel,) = rooms(sandbox, 1)
        app = hikari.RESTApp(url=sandbox.rest_url)
        await app.start()
        began = time.monotonic()
        async with app.acquire(sandbox.token, hikari.TokenType.BOT) as rest:
            await asyncio.gather(*(rest.create_message(channel.id, str(number)) for number in range(5)))
        await app.close()
        assert time.monotonic() - began >= 0.6
        assert (len(channel.messages), sandbox.quotas.refused) == (5, 0)
