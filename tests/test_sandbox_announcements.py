"""Announcement channels: what is published there appears in the channels that follow, and changes with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import hikari
import pytest

from wisp.sandbox import Impossible, Sandbox
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.world.objects import ANNOUNCEMENT, Channel, Message


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[Any]:
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


def places(sandbox: Sandbox) -> tuple[Channel, Channel]:
    """An announcement channel, and a channel of another guild."""
    world = sandbox.world
    home = next(iter(world.guilds.values()))
    other = world.guilds.add("Readers")
    return world.channels.add(home, "news", kind=ANNOUNCEMENT), next(iter(other.channels.values()))


def copies(channel: Channel) -> list[Message]:
    return [message for message in channel.messages.values() if message.flags & 2]


async def test_hikari_follows_and_publishes_and_the_copy_says_where_it_is_from(sandbox: Sandbox, rest: Any) -> None:
    news, readers = places(sandbox)
    followed = await rest.follow_channel(news.id, readers.id)
    (said,) = [message async for message in rest.fetch_messages(readers.id).limit(1)]
    assert (said.type, said.content) == (hikari.MessageType.CHANNEL_FOLLOW_ADD, "Sandbox #news")
    assert (said.message_reference.id, said.message_reference.channel_id) == (None, news.id)
    (webhook,) = await rest.fetch_channel_webhooks(readers.id)
    assert isinstance(webhook, hikari.ChannelFollowerWebhook)
    assert webhook.source_channel is not None
    assert webhook.source_guild is not None
    assert (webhook.id, webhook.source_channel.id, webhook.source_guild.name) == (
        followed.webhook_id,
        news.id,
        "Sandbox",
    )
    post = await rest.create_message(news.id, "Version 2 @everyone", embed=hikari.Embed(title="New"))
    assert copies(readers) == []
    published = await rest.crosspost_message(news.id, post.id)
    assert published.flags & hikari.MessageFlag.CROSSPOSTED
    (copy,) = [message async for message in rest.fetch_messages(readers.id).limit(1)]
    assert (copy.content, copy.embeds[0].title, copy.webhook_id) == (post.content, "New", webhook.id)
    assert copy.flags & hikari.MessageFlag.IS_CROSSPOST
    assert not copy.flags & hikari.MessageFlag.CROSSPOSTED
    reference = copy.message_reference
    assert (reference.id, reference.channel_id, reference.guild_id) == (post.id, news.id, news.guild and news.guild.id)
    assert (copy.author.username, copy.mentions_everyone) == ("Sandbox #news", False)


async def test_a_copy_follows_edits_and_loses_its_content_with_its_original(sandbox: Sandbox, rest: Any) -> None:
    news, readers = places(sandbox)
    sandbox.world.announcements.follow(news, readers, sandbox.world.owner)
    post = await rest.create_message(news.id, "Version 2", embed=hikari.Embed(title="New"))
    await rest.crosspost_message(news.id, post.id)
    (copy,) = copies(readers)
    await rest.edit_message(news.id, post.id, "Version 3")
    assert (copy.content, [embed["title"] for embed in copy.embeds]) == ("Version 3", ["New"])
    await rest.edit_message(news.id, post.id, embeds=[], flags=hikari.MessageFlag.SUPPRESS_EMBEDS)
    assert (copy.content, copy.embeds, copy.flags) == ("Version 3", [], 2 | 4)
    await rest.delete_message(news.id, post.id)
    assert (copy.content, copy.flags & 8, copy.deleted) == ("[Original Message Deleted]", 8, False)


async def test_copies_of_many_messages_deleted_at_once_lose_their_content(sandbox: Sandbox) -> None:
    world = sandbox.world
    news, readers = places(sandbox)
    world.announcements.follow(news, readers, world.owner)
    posts = [world.messages.add(news, world.bot, content=text) for text in ("a", "b")]
    for post in posts:
        world.announcements.publish(post)
    gone, kept = copies(readers)
    world.messages.delete(gone)
    world.messages.delete_many(news, posts)
    assert (gone.content, kept.content) == ("a", "[Original Message Deleted]")


async def test_a_channel_publishes_ten_messages_an_hour(sandbox: Sandbox) -> None:
    news, _ = places(sandbox)
    other = sandbox.world.channels.add(news.guild or sandbox.world.guilds.add("x"), "more", kind=ANNOUNCEMENT)
    headers = {"Authorization": f"Bot {sandbox.token}"}

    async def publish(channel: Channel) -> tuple[int, Any]:
        message = sandbox.world.messages.add(channel, sandbox.world.bot, content="x")
        url = f"{sandbox.rest_url}/channels/{channel.id}/messages/{message.id}/crosspost"
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as response:
            return response.status, await response.json()

    assert [(await publish(news))[0] for _ in range(10)] == [200] * 10
    status, refusal = await publish(news)
    assert (status, refusal["retry_after"] > 3000) == (429, True)
    assert (await publish(other))[0] == 200
    sandbox.world.clock.offset += 3601
    assert (await publish(news))[0] == 200


async def test_a_person_publishes_their_own_message_and_those_of_others_if_they_manage_messages(
    sandbox: Sandbox,
) -> None:
    world = sandbox.world
    news, readers = places(sandbox)
    world.announcements.follow(news, readers, world.owner)
    people = People(world)
    ada, bob = (Person(people, user, news) for user in world.users.values() if user.name in ("ada", "bob"))
    of_ada, of_bob = await ada.say("From Ada"), await bob.say("From Bob")
    with pytest.raises(Impossible, match="bob cannot publish what others wrote in #news: it needs MANAGE_MESSAGES"):
        await bob.publish(of_ada)
    await bob.publish(of_bob)
    await ada.publish(of_ada)
    assert [copy.content for copy in copies(readers)] == ["From Bob", "From Ada"]
    with pytest.raises(Impossible, match="published already"):
        await ada.publish(of_ada)
    with pytest.raises(Impossible, match="#general is no announcement channel"):
        await ada.publish(await ada.at("general").say("Hello"))
