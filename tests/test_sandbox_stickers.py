"""Stickers: hikari makes and sends them, people post them, and what is refused."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import hikari
import pytest

from wisp.sandbox import Impossible, Sandbox
from wisp.sandbox.people.person import People
from wisp.sandbox.rest.images import sticker_format
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.objects import APNG, GIF, PNG
from wisp.sandbox.world.world import World

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[hikari.api.RESTClient]:
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


async def test_hikari_creates_edits_sends_and_deletes_a_sticker(sandbox: Sandbox, rest: hikari.api.RESTClient) -> None:
    home = next(iter(sandbox.world.guilds.values()))
    general = home.channel("general")
    assert general is not None
    file = hikari.Bytes(PIXEL, "wave.png", "image/png")
    made = await rest.create_sticker(home.id, "wave", "👋", file, description="A wave", reason="fun")
    assert (made.name, made.tag, made.description, made.format_type) == ("wave", "👋", "A wave", PNG)
    assert made.user is not None
    assert made.user.id == sandbox.world.bot.id
    edited = await rest.edit_sticker(home.id, made, name="hello")
    (pack,) = await rest.fetch_available_sticker_packs()
    assert [await rest.fetch_guild_sticker(home.id, made)] == list(await rest.fetch_guild_stickers(home.id)) == [edited]
    assert (await rest.fetch_sticker(pack.stickers[0].id)).name == "hello"
    message = await rest.create_message(general.id, stickers=[made.id, pack.stickers[0].id])
    assert [item.name for item in message.stickers] == ["hello", "hello"]
    await rest.delete_sticker(home.id, made)
    assert home.stickers == {}
    kept = await rest.fetch_message(general.id, message)
    assert [item.id for item in kept.stickers] == [made.id, pack.stickers[0].id]
    log = [(entry.event, entry.reason) for entry in sandbox.world.audit_log.of(home)]
    assert log == [
        (AuditLogEvent.STICKER_CREATE, "fun"),
        (AuditLogEvent.STICKER_UPDATE, None),
        (AuditLogEvent.STICKER_DELETE, None),
    ]


async def test_a_message_with_a_sticker_may_lose_its_text(sandbox: Sandbox, rest: hikari.api.RESTClient) -> None:
    home = next(iter(sandbox.world.guilds.values()))
    general, wave = home.channel("general"), sandbox.world.stickers.add(home, "wave")
    assert general is not None
    message = await rest.create_message(general.id, "Hello", sticker=wave.id)
    assert (await rest.edit_message(general.id, message, "")).content is None
    assert len(sandbox.world.messages[message.id].stickers) == 1


async def test_people_post_the_stickers_that_their_client_offers() -> None:
    world = World()
    ada = People(world).member("ada")
    home, other = next(iter(world.guilds.values())), world.guilds.add("Other")
    wave, foreign = world.stickers.add(home, "wave"), world.stickers.add(other, "foreign")
    message = await ada.say(stickers=[wave, "party"])
    assert [item["name"] for item in message.payload()["sticker_items"]] == ["wave", "party"]
    assert (await ada.dm.say(stickers=["party"])).stickers
    for person, stickers, words in (
        (ada, [foreign], "no sticker 'foreign'"),
        (ada, ["wav"], "there are hello, thanks, party, wave"),
        (ada, [wave] * 4, "at most 3 stickers"),
        (ada.dm, [wave], "no sticker 'wave'"),
    ):
        with pytest.raises(Impossible, match=words):
            await person.say("x", stickers=stickers)
    assert len(world.messages) == 2


def test_the_format_of_a_sticker_is_read_from_its_bytes() -> None:
    animated = PIXEL.replace(b"IDAT", b"acTL0000IDAT")
    found = [sticker_format(content) for content in (PIXEL, animated, b"GIF89a", b'{"v": "5.5"}', b"\xff\xd8\xff", b"")]
    assert found == [PNG, APNG, GIF, None, None, None]
