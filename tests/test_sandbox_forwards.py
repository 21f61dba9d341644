"""Forwards: a message shown again elsewhere, as it was when it was forwarded."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import hikari
import pytest

from wisp.sandbox import Impossible, Sandbox
from wisp.sandbox.gateway.intents import as_seen
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.terminal.text import message_lines
from wisp.sandbox.world.objects import Channel, Message
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Event


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


@pytest.fixture
def ada(sandbox: Sandbox) -> Person:
    return People(sandbox.world).member("ada")


@pytest.fixture
def bob(sandbox: Sandbox) -> Person:
    return People(sandbox.world).member("bob")


async def forward(sandbox: Sandbox, message: Message, to: Channel, **more: Any) -> tuple[int, Any]:
    reference = {"type": 1, "channel_id": str(message.channel.id), "message_id": str(message.id)}
    headers, url = {"Authorization": f"Bot {sandbox.token}"}, f"{sandbox.rest_url}/channels/{to.id}/messages"
    body = {"message_reference": reference, **more}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_a_forward_shows_the_message_as_it_was_and_not_its_author(sandbox: Sandbox, ada: Person) -> None:
    elsewhere = sandbox.world.channels.add(ada.guild or sandbox.world.guilds.add("x"), "elsewhere")
    message = await ada.say("Hello <@1>")
    status, forwarded = await forward(sandbox, message, elsewhere, flags=1 << 12)
    assert (status, forwarded["content"], forwarded["flags"], forwarded["type"]) == (200, "", 1 << 14 | 1 << 12, 0)
    assert forwarded["message_reference"] == {
        "type": 1,
        "channel_id": str(ada.channel.id),
        "message_id": str(message.id),
        "guild_id": str(ada.guild and ada.guild.id),
    }
    assert "referenced_message" not in forwarded
    await ada.edit(message, "Changed")
    await ada.delete(message)
    kept = next(iter(elsewhere.messages.values()))
    (snapshot,) = kept.payload()["message_snapshots"]
    assert (snapshot["message"]["content"], "author" in snapshot["message"]) == ("Hello <@1>", False)
    assert message_lines(kept, sandbox.world) == ["forwards: Hello <@1>"]


async def test_hikari_and_discord_py_read_a_forward(sandbox: Sandbox, ada: Person) -> None:
    forwarded = await ada.forward(await ada.say("Hello"), "general")
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        read = await client.fetch_message(ada.channel.id, forwarded.id)
        assert [one.content for one in read.message_snapshots] == ["Hello"]
        assert read.message_reference is not None
        assert read.message_reference.type == 1
    await app.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
        import discord
    snapshot = discord.MessageSnapshot(None, forwarded.payload()["message_snapshots"][0]["message"])  # pyright: ignore
    assert (snapshot.content, snapshot.type) == ("Hello", discord.MessageType.default)


async def test_a_forward_of_a_forward_shows_the_first_message(sandbox: Sandbox, ada: Person) -> None:
    first = await ada.forward(await ada.say("Hello"), "general")
    second = await ada.forward(first, "general")
    assert second.snapshot is not None
    assert (second.snapshot["content"], second.reference) == ("Hello", first)


async def test_a_bot_forwards_only_what_it_can_read(sandbox: Sandbox, ada: Person) -> None:
    world = sandbox.world
    message, pinging = await ada.say("Hello"), await ada.say(f"Hello {world.bot.mention}")
    own = world.messages.add(ada.channel, world.bot, content="Own")
    private = world.messages.add(world.channels.dm(ada.user), ada.user, content="Private")
    world.application_flags = 0
    status, refusal = await forward(sandbox, message, ada.channel)
    assert (status, refusal["code"]) == (403, 160014)
    assert [(await forward(sandbox, one, ada.channel))[0] for one in (pinging, own, private)] == [200] * 3
    world.application_flags = 1 << 19
    assert (await forward(sandbox, message, ada.channel))[0] == 200
    world.channels.set_overwrite(ada.channel, world.bot, deny=int(Permission.READ_MESSAGE_HISTORY))
    status, refusal = await forward(sandbox, message, world.channels.dm(ada.user))
    assert (status, refusal["code"]) == (403, 160009)


async def test_without_the_content_intent_a_bot_is_not_shown_what_is_forwarded(sandbox: Sandbox, ada: Person) -> None:
    events: list[Event] = []
    sandbox.world.events.subscribe(events.append)
    await ada.forward(await ada.say("Hello"), "general")
    created = events[-1]
    assert as_seen(sandbox.world, 1 << 9, created)["message_snapshots"][0]["message"]["content"] == ""
    seen = as_seen(sandbox.world, 1 << 9 | 1 << 15, created)
    assert seen["message_snapshots"][0]["message"]["content"] == "Hello"


async def test_an_enforced_nonce_makes_but_one_forward(sandbox: Sandbox, ada: Person) -> None:
    message = await ada.say("Hello")
    first, second = [await forward(sandbox, message, ada.channel, nonce="n", enforce_nonce=True) for _ in range(2)]
    assert first[1]["id"] == second[1]["id"]


async def test_people_forward_what_they_see_to_where_they_may_write(sandbox: Sandbox, ada: Person, bob: Person) -> None:
    world = sandbox.world
    guild = ada.guild or world.guilds.add("x")
    secret, silent = world.channels.add(guild, "secret"), world.channels.add(guild, "silent")
    world.channels.set_overwrite(secret, guild.everyone, deny=int(Permission.VIEW_CHANNEL))
    world.channels.set_overwrite(silent, guild.everyone, deny=int(Permission.SEND_MESSAGES))
    hidden = await ada.at("secret").say("Secret")
    with pytest.raises(Impossible, match="bob does not see this message"):
        await bob.forward(hidden, "general")
    open_message = await ada.say("Hello")
    with pytest.raises(Impossible, match="bob does not see #secret"):
        await bob.forward(open_message, "secret")
    with pytest.raises(Impossible, match="bob cannot write in #silent: it needs SEND_MESSAGES"):
        await bob.forward(open_message, "silent")
    await bob.react(open_message, "👍")
    world.messages.pin(open_message, ada.user)
    pinned = ada.messages[-1]
    with pytest.raises(Impossible, match="Discord wrote it"):
        await bob.forward(pinned, "general")
    assert [message.snapshot for message in bob.messages] == [None, None]
