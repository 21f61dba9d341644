"""What a bot finds in a search of messages or threads, and what it must not find."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from wisp.sandbox import Sandbox
from wisp.sandbox.world.objects import FORUM, PRIVATE_THREAD, REPLY, Channel, Emoji, Guild
from wisp.sandbox.world.permissions import Permission


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return next(iter(sandbox.world.guilds.values()))


@pytest.fixture
def general(guild: Guild) -> Channel:
    return next(iter(guild.channels.values()))


async def get(sandbox: Sandbox, path: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(sandbox.rest_url + path) as response,
    ):
        return response.status, await response.json()


async def found(sandbox: Sandbox, guild: Guild, query: str) -> list[str]:
    status, body = await get(sandbox, f"/guilds/{guild.id}/messages/search?{query}")
    assert status == 200, body
    assert all(hit["hit"] is True and "reactions" not in hit for (hit,) in body["messages"])
    return [hit["content"] for (hit,) in body["messages"]]


async def test_messages_are_found_by_each_filter(sandbox: Sandbox, guild: Guild, general: Channel) -> None:
    world = sandbox.world
    ada = world.owner
    bob = next(user for user in world.users.values() if user.name == "bob")
    first = world.messages.add(general, ada, content="A first Word")
    link = world.messages.add(general, bob, content="see https://Example.com/x", kind=REPLY, reference=first)
    mention = world.messages.add(general, ada, content=f"word {bob.mention}")
    picture = world.messages.add(
        general, world.bot, content="look", attachments=[world.attachments.add("Cat.PNG", b"x")]
    )
    world.messages.pin(first, ada)
    world.reactions.add(first, bob, Emoji("👍"))
    hook = world.webhooks.add(general, "Hook", creator=ada)
    world.messages.add(general, hook.author("Hook"), content="hooked", webhook=hook)
    for query, expected in (
        ("content=WORD", [mention.content, first.content]),
        ("content=word&sort_order=asc", [first.content, mention.content]),
        ("content=word%20first", [first.content]),
        (f"author_id={bob.id}&has=link", [link.content]),
        (f"author_id={bob.id}&author_id={world.bot.id}&content=loo", ["look"]),
        (f"mentions={bob.id}", [mention.content]),
        (f"replied_to_message_id={first.id}", [link.content]),
        (f"replied_to_user_id={ada.id}&author_type=user&has=link", [link.content]),
        ("has=image", ["look"]),
        ("has=file&has=-image", []),
        ("attachment_extension=png", ["look"]),
        ("attachment_filename=cat.png", ["look"]),
        ("link_hostname=example.com", [link.content]),
        ("pinned=true", [first.content]),
        ("author_type=webhook", ["hooked"]),
        ("author_type=-user&author_type=-webhook", ["look"]),
        (f"min_id={mention.id}&max_id={picture.id + 1}", ["look"]),
        ("content=word&limit=1&offset=1", [first.content]),
        (f"channel_id={general.id + 1}", []),
    ):
        assert await found(sandbox, guild, query) == expected, query
    _, body = await get(sandbox, f"/guilds/{guild.id}/messages/search?content=word&limit=1")
    assert (body["total_results"], len(body["messages"])) == (2, 1)


async def test_nothing_is_found_of_what_the_bot_may_not_read(sandbox: Sandbox, guild: Guild) -> None:
    world = sandbox.world
    ada = world.owner
    hidden, mute, adult = (world.channels.add(guild, name) for name in ("hidden", "mute", "adult"))
    world.channels.set_overwrite(hidden, world.bot, deny=Permission.VIEW_CHANNEL)
    world.channels.set_overwrite(mute, world.bot, deny=Permission.READ_MESSAGE_HISTORY)
    world.channels.edit(adult, nsfw=True)
    private = world.threads.start(adult, "private", ada, kind=PRIVATE_THREAD)
    elsewhere = next(iter(world.guilds.add("Other").channels.values()))
    own = guild.role_of(world.bot)
    assert own is not None
    world.roles.edit(guild, own, permissions=own.permissions & ~Permission.MANAGE_THREADS)
    for place in (hidden, mute, adult, private, elsewhere):
        world.messages.add(place, ada, content=f"secret in {place.name}")
    general = next(iter(guild.channels.values()))
    world.messages.add(general, ada, content="secret for bob alone", ephemeral_for=ada)
    assert await found(sandbox, guild, "content=secret") == []
    assert await found(sandbox, guild, "content=secret&include_nsfw=true") == ["secret in adult"]
    world.application_flags = 0
    status, refusal = await get(sandbox, f"/guilds/{guild.id}/messages/search?content=secret")
    assert (status, refusal["code"]) == (403, 50001)


async def test_threads_are_found_by_name_tags_and_state(sandbox: Sandbox, guild: Guild) -> None:
    world = sandbox.world
    forum = world.channels.add(guild, "forum", kind=FORUM)
    red, blue = 1, 2
    posts = {name: world.threads.start(forum, name, world.owner) for name in ("red post", "blue post", "both")}
    for name, tags in (("red post", [red]), ("blue post", [blue]), ("both", [red, blue])):
        about = posts[name].thread
        assert about is not None
        about.tags = tags
    world.threads.edit(posts["blue post"], archived=True)
    for query, names in (
        ("sort_by=creation_time", ["both", "blue post", "red post"]),
        ("sort_by=creation_time&sort_order=asc", ["red post", "blue post", "both"]),
        ("name=POST&sort_by=creation_time", ["blue post", "red post"]),
        ("archived=true", ["blue post"]),
        (f"tag={red},{blue}", ["both"]),
        (f"tag={red}&tag={blue}&tag_setting=match_some&archived=false&sort_by=creation_time", ["both", "red post"]),
        (f"min_id={posts['blue post'].id}", ["both"]),
        ("sort_by=creation_time&limit=1&offset=1", ["blue post"]),
    ):
        status, body = await get(sandbox, f"/channels/{forum.id}/threads/search?{query}")
        assert (status, [thread["name"] for thread in body["threads"]]) == (200, names), query
    assert (body["total_results"], body["has_more"]) == (3, True)
