"""The sandbox's REST: what a bot can do over it, and what it refuses."""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from snapshots import differences, snapshot

from wisp.sandbox import Sandbox
from wisp.sandbox.rest import body as bodies
from wisp.sandbox.rest import errors
from wisp.sandbox.rest.app import Rest
from wisp.sandbox.world import bounds
from wisp.sandbox.world import world as world_package
from wisp.sandbox.world.changes import (
    Change,
    CommandsChanged,
    InteractionAnswered,
    InteractionCreated,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
)
from wisp.sandbox.world.objects import (
    AUTOCOMPLETE,
    CATEGORY,
    COMMAND,
    COMPONENT,
    COMPONENTS_V2,
    FORUM,
    MODAL_SUBMIT,
    Channel,
    Emoji,
    Guild,
    Impossible,
    Interaction,
    LimitReached,
    Message,
    User,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.stickers import PACK_ID
from wisp.sandbox.world.world import World

GREET: dict[str, Any] = {"name": "greet", "description": "Greet somebody"}
HELLO = {"id": "1", "name": "hello", "type": 1}


@dataclass
class Bot:
    """Calls of the sandbox's REST as a bot makes them."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None, **files: str) -> tuple[int, Any]:
        """Status and JSON. `files` are name=content, uploaded in order."""
        sent: dict[str, Any] = {} if body is None else {"json": body}
        if files:
            form = aiohttp.FormData({"payload_json": json.dumps(body)})
            for number, (name, content) in enumerate(files.items()):
                form.add_field(f"files[{number}]", io.BytesIO(content.encode()), filename=f"{name}.txt")
            sent = {"data": form}
        headers = {"Authorization": f"Bot {self.sandbox.token}"}
        url = self.sandbox.rest_url + path
        async with self.session.request(method, url, headers=headers, **sent) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None

    async def answer(self, interaction: Interaction, kind: int, **data: Any) -> tuple[int, Any]:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=true"
        return await self.call("POST", path, {"type": kind, "data": data})

    async def webhook(
        self, method: str, interaction: Interaction, path: str = "", body: Any = None, **files: str
    ) -> tuple[int, Any]:
        place = f"/webhooks/{interaction.application_id}/{interaction.token}{path}"
        return await self.call(method, place, body, **files)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        yield Bot(sandbox, session)


@pytest.fixture
def world(bot: Bot) -> World:
    return bot.sandbox.world


@pytest.fixture
def guild(world: World) -> Guild:
    return next(iter(world.guilds.values()))


@pytest.fixture
def channel(guild: Guild) -> Channel:
    return next(iter(guild.channels.values()))


@pytest.fixture
def bob(world: World) -> User:
    return next(user for user in world.users.values() if user.name == "bob")


@pytest.fixture
def hello(world: World, bob: User, channel: Channel) -> Interaction:
    """Bob has just used a command."""
    return world.interactions.create(COMMAND, bob, channel, HELLO)


@pytest.fixture
def seen(world: World) -> list[Change]:
    """What happens from here on."""
    changes: list[Change] = []
    world.changes.subscribe(changes.append)
    return changes


# First answers


async def test_an_answer_is_a_message_in_the_channel(
    bot: Bot, hello: Interaction, channel: Channel, seen: list[Change]
) -> None:
    status, response = await bot.answer(hello, 4, content="hi")
    message = hello.original
    assert message is not None
    assert (status, response["interaction"]["response_message_id"]) == (200, str(message.id))
    assert (message.content, message.kind, message.interaction) == ("hi", 20, hello)
    assert list(channel.messages.values()) == [message]
    assert seen == [MessageCreated(message), InteractionAnswered(hello, 4)]


async def test_an_ephemeral_answer_is_seen_by_its_reader_alone(
    bot: Bot, hello: Interaction, channel: Channel, bob: User
) -> None:
    await bot.answer(hello, 4, content="psst", flags=64)
    assert hello.original is not None
    assert (hello.original.ephemeral_for, channel.messages) == (bob, {})
    status, refusal = await bot.call("GET", f"/channels/{channel.id}/messages/{hello.original.id}")
    assert (status, refusal["code"]) == (404, 10008)


async def test_without_with_response_nothing_is_answered(bot: Bot, hello: Interaction) -> None:
    path = f"/interactions/{hello.id}/{hello.token}/callback"
    assert await bot.call("POST", path, {"type": 4, "data": {"content": "hi"}}) == (204, None)


async def test_a_second_answer_is_refused_with_40060(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 4, content="one")
    status, refusal = await bot.answer(hello, 4, content="two")
    assert (status, refusal["code"]) == (400, 40060)
    assert hello.original is not None
    assert hello.original.content == "one"


async def test_a_late_answer_is_refused_with_10062(bot: Bot, world: World, hello: Interaction) -> None:
    world.clock.offset += 3.1
    status, refusal = await bot.answer(hello, 4, content="late")
    assert (status, refusal["code"], hello.answered) == (404, 10062, False)


async def test_a_refused_answer_can_be_given_again(bot: Bot, hello: Interaction) -> None:
    status, refusal = await bot.answer(hello, 4, content="x" * 2001)
    too_long = {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}
    assert (status, refusal["errors"]) == (400, {"data": {"content": {"_errors": [too_long]}}})
    assert (await bot.answer(hello, 4, content="shorter"))[0] == 200


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [(COMMAND, {4, 5, 9}), (COMPONENT, {4, 5, 6, 7, 9}), (AUTOCOMPLETE, {8}), (MODAL_SUBMIT, {4, 5, 6})],
)
async def test_each_kind_of_interaction_takes_its_own_answers(
    bot: Bot, world: World, bob: User, channel: Channel, kind: int, allowed: set[int]
) -> None:
    button = world.messages.add(channel, world.bot, content="buttons") if kind == COMPONENT else None
    rows = [{"type": 1, "components": [{"type": 4, "custom_id": "t", "label": "T", "style": 1}]}]
    modal = {"custom_id": "m", "title": "T", "components": rows}
    bodies: dict[int, dict[str, Any]] = {8: {"choices": []}, 9: modal}
    taken: set[int] = set()
    for callback in range(1, 14):
        interaction = world.interactions.create(kind, bob, channel, HELLO, message=button)
        status, answer = await bot.answer(interaction, callback, **bodies.get(callback, {"content": "x"}))
        if status == 200:
            taken.add(callback)
        else:
            assert (answer["code"], list(answer["errors"])) == (50035, ["type"])
    assert taken == allowed


async def test_an_update_edits_the_message_with_the_button(
    bot: Bot, world: World, bob: User, channel: Channel, seen: list[Change]
) -> None:
    button = world.messages.add(channel, world.bot, content="before")
    click = world.interactions.create(COMPONENT, bob, channel, {"custom_id": "x"}, message=button)
    await bot.answer(click, 7, content="after")
    assert (button.content, button.edits, click.original) == ("after", ["before"], button)
    assert seen[1:] == [InteractionCreated(click), MessageEdited(button), InteractionAnswered(click, 7)]


async def test_a_silently_deferred_button_edits_its_message_and_follows_up_anew(
    bot: Bot, world: World, bob: User, channel: Channel
) -> None:
    button = world.messages.add(channel, world.bot, content="before")
    click = world.interactions.create(COMPONENT, bob, channel, {"custom_id": "x"}, message=button)
    await bot.answer(click, 6)
    await bot.webhook("POST", click, body={"content": "more"})
    await bot.webhook("PATCH", click, "/messages/@original", {"content": "after"})
    assert (button.content, [message.content for message in click.followups]) == ("after", ["more"])


async def test_choices_are_shown_and_must_fit_their_option(bot: Bot, world: World, bob: User, channel: Channel) -> None:
    typed = {"type": 4, "name": "times", "value": "1", "focused": True}
    data = {**HELLO, "options": [{"type": 1, "name": "sub", "options": [typed]}]}
    typing = world.interactions.create(AUTOCOMPLETE, bob, channel, data)
    status, refusal = await bot.answer(typing, 8, choices=[{"name": "a", "value": "text"}])
    assert (status, list(refusal["errors"]["data"]["choices"]["0"])) == (400, ["value"])
    assert (await bot.answer(typing, 8, choices=[{"name": "a", "value": 1}] * 26))[0] == 400
    assert (await bot.answer(typing, 8, choices=[{"name": "a", "value": 1}]))[0] == 200
    assert typing.choices == [{"name": "a", "value": 1}]


WRONG_CHOICES = [
    (3, {"name": "", "value": "a"}, "name"),
    (3, {"name": "x" * 101, "value": "a"}, "name"),
    (3, {"value": "a"}, "name"),
    (3, {"name": "a", "value": ""}, "value"),
    (3, {"name": "a", "value": "x" * 101}, "value"),
    (3, {"name": "a", "value": 1}, "value"),
    (4, {"name": "a", "value": "1"}, "value"),
    (4, {"name": "a", "value": 1.5}, "value"),
    (4, {"name": "a", "value": 2**53}, "value"),
    (10, {"name": "a", "value": -(2.0**53)}, "value"),
    (10, {"name": "a", "value": True}, "value"),
]


@pytest.mark.parametrize(("kind", "choice", "wrong"), WRONG_CHOICES)
async def test_a_choice_that_discord_would_not_show_is_refused(
    bot: Bot, world: World, bob: User, channel: Channel, kind: int, choice: dict[str, Any], wrong: str
) -> None:
    data = {**HELLO, "options": [{"type": kind, "name": "o", "value": "", "focused": True}]}
    typing = world.interactions.create(AUTOCOMPLETE, bob, channel, data)
    status, refusal = await bot.answer(typing, 8, choices=[choice])
    assert (status, refusal["code"], list(refusal["errors"]["data"]["choices"]["0"])) == (400, 50035, [wrong])
    assert not typing.answered


@pytest.mark.parametrize(("kind", "value"), [(3, "x" * 100), (4, 2**53 - 1), (10, 0.5), (10, 3)])
async def test_a_choice_within_the_limits_is_shown(
    bot: Bot, world: World, bob: User, channel: Channel, kind: int, value: object
) -> None:
    data = {**HELLO, "options": [{"type": kind, "name": "o", "value": "", "focused": True}]}
    typing = world.interactions.create(AUTOCOMPLETE, bob, channel, data)
    choices = [{"name": "n" * 100, "value": value}]
    assert (await bot.answer(typing, 8, choices=choices))[0] == 200
    assert typing.choices == choices


def _longest_queue() -> int:
    """How many connections this system lets wait at all."""
    try:
        return int(Path("/proc/sys/net/core/somaxconn").read_text(encoding="ascii"))
    except OSError:
        return 0


@pytest.mark.skipif(_longest_queue() < 300, reason="this system lets fewer connections wait")
async def test_hundreds_of_connections_at_once_are_all_taken(bot: Bot) -> None:
    place = urlsplit(bot.sandbox.rest_url)
    # Nobody accepts them meanwhile: the sandbox runs on the event loop that this test holds.
    opened = [socket.create_connection((place.hostname, place.port), timeout=2) for _ in range(300)]
    for connection in opened:
        connection.close()
    assert (await bot.call("GET", "/users/@me"))[0] == 200


async def test_a_modal_is_kept_for_the_person(bot: Bot, hello: Interaction) -> None:
    rows = [{"type": 1, "components": [{"type": 4, "custom_id": "t", "label": "T", "style": 1}]}]
    modal = {"custom_id": "m", "title": "T", "components": rows}
    await bot.answer(hello, 9, **modal)
    assert (hello.modal, hello.original, hello.events) == (modal, None, ["modal"])


async def test_components_get_numbers_that_are_free(bot: Bot, hello: Interaction) -> None:
    buttons = [{"type": 2, "style": 1, "label": "a", "custom_id": str(n)} for n in range(3)]
    buttons[0]["id"] = 2
    _, answer = await bot.answer(hello, 4, components=[{"type": 1, "components": buttons}])
    (row,) = answer["resource"]["message"]["components"]
    assert [row["id"], *(one["id"] for one in row["components"])] == [1, 2, 3, 4]


async def test_a_component_of_a_file_that_was_not_sent_is_refused(bot: Bot, hello: Interaction) -> None:
    gallery = {"type": 12, "items": [{"media": {"url": "attachment://a.png"}}]}
    box = {"type": 17, "components": [gallery]}
    status, refusal = await bot.answer(hello, 4, components=[box], flags=COMPONENTS_V2)
    place = refusal["errors"]["data"]["components"]["0"]["components"]["0"]["items"]["0"]["media"]["url"]
    code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
    assert (status, [error["code"] for error in place["_errors"]]) == (400, [code])


# After the first answer


async def test_the_first_follow_up_fills_a_deferral_and_takes_its_privacy(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 5)
    thinking = hello.original
    assert thinking is not None
    assert (thinking.loading, hello.deferred) == (True, True)
    status, message = await bot.webhook("POST", hello, body={"content": "done", "flags": 64})
    assert (status, message["id"], message["flags"] & 64) == (200, str(thinking.id), 0)
    assert (thinking.content, thinking.loading, thinking.ephemeral, hello.followups) == ("done", False, False, [])
    _, second = await bot.webhook("POST", hello, body={"content": "more", "flags": 64})
    assert (second["flags"], second["id"]) == (64, str(hello.followups[0].id))


async def test_a_private_deferral_makes_the_answer_private(bot: Bot, hello: Interaction, bob: User) -> None:
    await bot.answer(hello, 5, flags=64)
    await bot.webhook("PATCH", hello, "/messages/@original", {"content": "done"})
    assert hello.original is not None
    assert (hello.original.ephemeral_for, hello.original.flags, hello.original.edits) == (bob, 64, [])


async def test_a_deleted_deferral_leaves_nothing(bot: Bot, hello: Interaction, seen: list[Change]) -> None:
    await bot.answer(hello, 5, flags=64)
    assert await bot.webhook("DELETE", hello, "/messages/@original") == (204, None)
    assert hello.original is not None
    assert seen[-1] == MessageDeleted(hello.original)
    status, refusal = await bot.webhook("GET", hello, "/messages/@original")
    assert (status, refusal["code"]) == (404, 10008)
    status, _ = await bot.webhook("POST", hello, body={"content": "after all"})
    assert (status, [message.content for message in hello.followups]) == (200, ["after all"])


async def test_the_webhook_comes_with_the_first_answer(bot: Bot, hello: Interaction) -> None:
    status, refusal = await bot.webhook("POST", hello, body={"content": "too early"})
    assert (status, refusal["code"]) == (404, 10015)


async def test_the_token_lives_15_minutes(bot: Bot, world: World, hello: Interaction) -> None:
    await bot.answer(hello, 4, content="hi")
    world.clock.offset += 14 * 60
    assert (await bot.webhook("GET", hello, "/messages/@original"))[0] == 200
    world.clock.offset += 61
    status, refusal = await bot.webhook("GET", hello, "/messages/@original")
    assert (status, refusal["code"]) == (401, 50027)


async def test_an_edit_cannot_make_a_public_answer_private(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 4, content="hi")
    await bot.webhook("PATCH", hello, "/messages/@original", {"flags": 64 | 4})
    assert hello.original is not None
    assert (hello.original.flags, hello.original.ephemeral) == (4, False)


async def test_an_edit_that_leaves_nothing_is_refused_with_50006(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 4, content="hi")
    status, refusal = await bot.webhook("PATCH", hello, "/messages/@original", {"content": None})
    assert (status, refusal["code"]) == (400, 50006)


async def test_an_interaction_keeps_the_order_of_what_was_done(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 5)
    await bot.webhook("PATCH", hello, "/messages/@original", {"content": "a"})
    await bot.webhook("POST", hello, body={"content": "b"})
    await bot.webhook("DELETE", hello, f"/messages/{hello.followups[0].id}")
    assert hello.events == ["defer", "edit", "follow-up", "delete"]


# Files


async def test_files_are_kept_added_and_taken_away_by_an_edit(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 5)
    notes = {"content": "files", "attachments": [{"id": 0, "description": "first"}, {"id": 1}]}
    _, message = await bot.webhook("POST", hello, body=notes, a="one", b="two")
    first, second = message["attachments"]
    assert (first["filename"], first["description"], second["size"]) == ("a.txt", "first", 3)
    async with bot.session.get(first["url"]) as download:
        assert (await download.read(), download.content_type) == (b"one", "text/plain")
    keep = {"attachments": [{"id": second["id"]}, {"id": 0}]}
    _, message = await bot.webhook("PATCH", hello, "/messages/@original", keep, c="three")
    assert [attachment["filename"] for attachment in message["attachments"]] == ["b.txt", "c.txt"]
    _, message = await bot.webhook("PATCH", hello, "/messages/@original", {"content": "same files"})
    assert len(message["attachments"]) == 2


async def test_a_file_that_an_edit_adds_to_a_private_answer_is_private(bot: Bot, hello: Interaction) -> None:
    await bot.answer(hello, 4, content="for you", flags=64)
    _, message = await bot.webhook("PATCH", hello, "/messages/@original", {"content": "with a file"}, a="one")
    assert [attachment.get("ephemeral") for attachment in message["attachments"]] == [True]


async def test_an_embed_shows_a_file_of_its_message(bot: Bot, channel: Channel) -> None:
    body = {"embeds": [{"image": {"url": "attachment://a.txt"}}]}
    _, message = await bot.call("POST", f"/channels/{channel.id}/messages", body, a="picture")
    assert message["embeds"] == [{"type": "rich", "image": {"url": message["attachments"][0]["url"]}}]


async def test_a_file_that_is_too_large_is_refused(bot: Bot, channel: Channel) -> None:
    large = "x" * (10 * 1024 * 1024 + 1)
    status, refusal = await bot.call("POST", f"/channels/{channel.id}/messages", {}, a=large)
    assert (status, refusal["code"]) == (413, 40005)


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"--x\r\nnonsense", b"--x\r\nA: b\r\n\r\n{}\r\n--x--", b"\xff"])
async def test_a_malformed_upload_is_refused(bot: Bot, channel: Channel, body: bytes) -> None:
    headers = {
        "Authorization": f"Bot {bot.sandbox.token}",
        "Content-Type": "multipart/form-data; boundary=x",
    }
    url = f"{bot.sandbox.rest_url}/channels/{channel.id}/messages"
    async with bot.session.post(url, data=body, headers=headers) as response:
        assert response.status == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
async def test_a_body_that_is_not_encoded_as_it_says_is_refused(
    bot: Bot, channel: Channel, kind: str, encoding: str
) -> None:
    headers = {"Authorization": f"Bot {bot.sandbox.token}", "Content-Type": kind, "Content-Encoding": encoding}
    url = f"{bot.sandbox.rest_url}/channels/{channel.id}/messages"
    async with bot.session.post(url, data=b'{"content": "x"}', headers=headers) as response:
        assert response.status == 400


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
async def test_a_body_that_becomes_malformed_on_its_way_is_refused(
    bot: Bot, channel: Channel, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIME", 0.2)
    place = urlsplit(bot.sandbox.rest_url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = [
        f"POST {place.path}/channels/{channel.id}/messages HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: Bot {bot.sandbox.token}",
        f"Content-Type: {kind}",
        "Transfer-Encoding: chunked",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    await writer.drain()
    await asyncio.sleep(0.05)  # until the headers have been read by themselves
    writer.write(b"zz\r\n")
    async with asyncio.timeout(30):
        assert await reader.readline() == b"HTTP/1.1 400 Bad Request\r\n"
    writer.close()


async def upload(bot: Bot, path: str, fields: dict[str, str], files: list[str]) -> tuple[int, Any]:
    """Send a form with fields of text, and a file "x.txt" in each of these fields."""
    form = aiohttp.FormData(fields, default_to_multipart=True)
    for name in files:
        form.add_field(name, name.encode(), filename="x.txt")
    headers = {"Authorization": f"Bot {bot.sandbox.token}"}
    async with bot.session.post(bot.sandbox.rest_url + path, data=form, headers=headers) as response:
        return response.status, await response.json()


async def test_a_message_can_be_sent_as_the_fields_of_a_form(bot: Bot, world: World, channel: Channel) -> None:
    path = f"/channels/{channel.id}/messages"
    fields = {"content": "true", "tts": "true", "flags": "4096", "nonce": "7", "enforce_nonce": "false"}
    _, alone = await upload(bot, path, fields, [])
    assert (alone["content"], alone["tts"], alone["flags"], alone["nonce"]) == ("true", True, 4096, "7")
    _, beside = await upload(bot, path, {"content": "hello"}, ["file", "files[1]", "other"])
    sent = [world.attachments[int(one["id"])].content for one in beside["attachments"]]
    assert (beside["content"], sent) == ("hello", [b"files[1]", b"file", b"other"])
    webhook = world.webhooks.add(channel, "hook", creator=world.bot)
    _, posted = await upload(
        bot, f"/webhooks/{webhook.id}/{webhook.token}?wait=1", {"content": "x", "username": "y"}, []
    )
    assert (posted["content"], posted["author"]["username"]) == ("x", "y")


async def test_json_in_a_form_makes_its_fields_count_for_nothing(bot: Bot, channel: Channel) -> None:
    fields = {"content": "field", "payload_json": '{"content": "json"}', "tts": "true"}
    _, message = await upload(bot, f"/channels/{channel.id}/messages", fields, ["files[0]"])
    assert (message["content"], message["tts"], len(message["attachments"])) == ("json", False, 1)


@pytest.mark.parametrize(("name", "text"), [("tts", "perhaps"), ("flags", "many"), ("embeds", "[]")])
async def test_a_field_of_a_form_that_is_not_what_it_should_be_is_refused(
    bot: Bot, channel: Channel, name: str, text: str
) -> None:
    status, refusal = await upload(bot, f"/channels/{channel.id}/messages", {"content": "x", name: text}, [])
    assert (status, refusal["code"], list(refusal["errors"])) == (400, 50035, [name])


async def test_files_may_have_any_number_and_be_ten_at_most(bot: Bot, channel: Channel) -> None:
    path = f"/channels/{channel.id}/messages"
    body = {"payload_json": '{"attachments": [{"id": 1234567890123456789, "description": "far"}]}'}
    _, message = await upload(bot, path, body, ["files[1234567890123456789]"])
    assert [one["description"] for one in message["attachments"]] == ["far"]
    assert len((await upload(bot, path, {}, [f"files[{n}]" for n in range(91, 101)]))[1]["attachments"]) == 10
    told = {"message": "Maximum number of attachments in a message reached (10)", "code": 30015}
    assert await upload(bot, path, {}, [f"files[{n}]" for n in range(90, 101)]) == (400, told)


# Channel messages


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"content": "x", "shared_client_theme": {"colors": ["ffffff"]}}, "themes in messages"),
    ],
)
async def test_what_a_message_cannot_have_here_is_told_and_counted(
    bot: Bot, world: World, channel: Channel, hello: Interaction, body: dict[str, Any], what: str
) -> None:
    status, refusal = await bot.call("POST", f"/channels/{channel.id}/messages", body)
    told = f'the sandbox does not serve {what}: see README, "What the sandbox serves"'
    assert (status, refusal) == (404, {"message": told, "code": 0})
    assert (dict(world.unserved), channel.messages) == ({what: 1}, {})
    assert (await bot.answer(hello, 4, **body))[0] == 404
    assert (world.unserved[what], hello.answered) == (2, False)


async def test_an_enforced_nonce_makes_one_message_in_a_few_minutes(bot: Bot, world: World, channel: Channel) -> None:
    path = f"/channels/{channel.id}/messages"
    world.messages.add(channel, world.owner, content="somebody else's", nonce="n")

    async def send(**changes: Any) -> str:
        body = {"content": "x", "nonce": "n", "enforce_nonce": True, **changes}
        return (await bot.call("POST", path, body))[1]["id"]

    first = await send()
    world.clock.offset += 170
    assert await send(content="y") == first
    assert first not in {await send(nonce="other"), await send(nonce=None)}
    assert await send(enforce_nonce=False) != first
    assert (await send(nonce=7), len(channel.messages)) == (await send(nonce="7"), 6)
    world.clock.offset += 200
    assert await send() != first


async def test_mentions_ping_as_far_as_they_are_allowed_to(bot: Bot, world: World, channel: Channel, bob: User) -> None:
    content = f"{bob.mention} {world.owner.mention} @everyone <@123>"
    path = f"/channels/{channel.id}/messages"
    _, everybody = await bot.call("POST", path, {"content": content})
    allowed = {"parse": [], "users": [str(bob.id)]}
    _, one = await bot.call("POST", path, {"content": content, "allowed_mentions": allowed})
    assert (len(everybody["mentions"]), everybody["mention_everyone"]) == (2, True)
    assert ([user["username"] for user in one["mentions"]], one["mention_everyone"]) == (["bob"], False)


async def test_all_are_pinged_by_those_alone_who_may_mention_everyone(
    bot: Bot, world: World, guild: Guild, channel: Channel, bob: User
) -> None:
    quiet, loud = world.roles.add(guild, "quiet"), world.roles.add(guild, "loud", mentionable=True)
    content = f"@everyone @here {quiet.mention} {loud.mention} {bob.mention}"

    def pinged(message: Message) -> tuple[bool, list[int], list[User]]:
        return message.mention_everyone, message.mention_roles, message.mentions

    path = f"/channels/{channel.id}/messages"
    for author in (world.bot, bob):
        message = world.messages.add(channel, author, content=content)
        assert pinged(message) == (True, [quiet.id, loud.id], [bob])
    world.roles.edit(guild, guild.everyone, permissions=guild.everyone.permissions & ~Permission.MENTION_EVERYONE)
    world.channels.set_overwrite(channel, world.bot, deny=Permission.MENTION_EVERYONE)
    for author in (world.bot, bob):
        message = world.messages.add(channel, author, content=content)
        assert pinged(message) == (False, [loud.id], [bob])
    _, sent = await bot.call("POST", path, {"content": content})
    assert (sent["mention_everyone"], sent["mention_roles"]) == (False, [str(loud.id)])
    assert pinged(world.messages.add(channel, world.users.add("hook"), content=content))[0]  # a webhook's
    assert not world.messages.add(world.channels.dm(bob), world.bot, content="@everyone").mention_everyone


async def test_slowmode_holds_no_bot_up(bot: Bot, world: World, guild: Guild, channel: Channel) -> None:
    world.channels.edit(channel, slowmode=60)
    own = guild.role_of(world.bot)
    assert own is not None
    world.roles.edit(guild, own, permissions=int(Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES))
    path = f"/channels/{channel.id}/messages"
    assert [(await bot.call("POST", path, {"content": "x"}))[0] for _ in range(3)] == [200] * 3


async def test_the_251st_role_is_refused_with_30005(bot: Bot, world: World, guild: Guild) -> None:
    while len(guild.roles) < 250:
        world.roles.add(guild, "role")
    status, refusal = await bot.call("POST", f"/guilds/{guild.id}/roles", {"name": "one more"})
    assert (status, refusal["code"], len(guild.roles)) == (400, 30005, 250)
    world.roles.delete(guild, max(guild.roles.values(), key=lambda role: role.id))
    assert (await bot.call("POST", f"/guilds/{guild.id}/roles", {"name": "one more"}))[0] == 200


async def test_channels_move_into_a_category_with_or_without_its_overwrites(
    bot: Bot, world: World, guild: Guild, bob: User
) -> None:
    category = world.channels.add(guild, "category", kind=CATEGORY)
    world.channels.set_overwrite(category, bob, deny=Permission.VIEW_CHANNEL)
    synced, kept = world.channels.add(guild, "synced"), world.channels.add(guild, "kept")
    for channel in (synced, kept):
        world.channels.set_overwrite(channel, guild.everyone, deny=Permission.SEND_MESSAGES)
    place = {"parent_id": str(category.id)}
    moves = [{"id": str(synced.id), **place, "lock_permissions": True}, {"id": str(kept.id), **place}]
    assert (await bot.call("PATCH", f"/guilds/{guild.id}/channels", moves))[0] == 204
    assert (synced.parent, kept.parent) == (category, category)
    assert (synced.overwrites, set(kept.overwrites)) == (category.overwrites, {guild.id})


async def test_the_501st_channel_is_refused_with_30013(bot: Bot, world: World, guild: Guild) -> None:
    while len(guild.channels) < 500:
        world.channels.add(guild, "channel")
    status, refusal = await bot.call("POST", f"/guilds/{guild.id}/channels", {"name": "one-more"})
    assert (status, refusal["code"], len(guild.channels)) == (400, 30013, 500)
    with pytest.raises(Impossible, match="at most 500 channels"):
        world.channels.add(guild, "one-more")


async def test_the_1001st_invite_is_refused_with_30016(bot: Bot, world: World, guild: Guild, channel: Channel) -> None:
    while len(world.invites.of(guild)) < 1000:
        world.invites.add(channel, world.owner)
    status, refusal = await bot.call("POST", f"/channels/{channel.id}/invites", {"unique": True})
    assert (status, refusal["code"], len(world.invites.of(guild))) == (400, 30016, 1000)


async def test_the_1001st_member_of_a_thread_is_refused_with_30033(
    bot: Bot, world: World, guild: Guild, channel: Channel, bob: User
) -> None:
    thread = world.threads.start(channel, "crowded", world.owner)
    while thread.thread and len(thread.thread.members) < 1000:
        world.threads.join(thread, world.members.add(guild, world.users.add("guest")).user)
    for path in (f"/channels/{thread.id}/thread-members/{who}" for who in ("@me", bob.id)):
        status, refusal = await bot.call("PUT", path)
        assert (status, refusal["code"]) == (400, 30033)
    assert (await bot.call("PUT", f"/channels/{thread.id}/thread-members/{world.owner.id}"))[0] == 204  # who is in it


async def test_the_1001st_open_thread_is_refused_with_160006(
    bot: Bot, world: World, guild: Guild, channel: Channel
) -> None:
    first, *_ = [world.threads.start(channel, "thread", world.bot, kind=12) for _ in range(1000)]
    message = world.messages.add(channel, world.owner, content="about it")
    forum = world.channels.add(guild, "forum", kind=FORUM)
    started = [
        (f"/channels/{channel.id}/threads", {"name": "one more", "type": 11}),
        (f"/channels/{channel.id}/messages/{message.id}/threads", {"name": "one more"}),
        (f"/channels/{forum.id}/threads", {"name": "one more", "message": {"content": "x"}}),
    ]
    for path, body in started:
        status, refusal = await bot.call("POST", path, body)
        assert (status, refusal["code"]) == (400, 160006)
    with pytest.raises(Impossible, match="at most 1000 threads"):
        world.threads.start(channel, "one more", world.owner)
    world.threads.edit(first, archived=True)
    assert (await bot.call("POST", *started[0]))[0] == 201
    for method, path, body in (
        ("PATCH", f"/channels/{first.id}", {"archived": False}),
        ("POST", f"/channels/{first.id}/messages", {"content": "opens it"}),
    ):
        status, refusal = await bot.call(method, path, body)
        assert (status, refusal["code"]) == (400, 160006)


# What is refused changes nothing


async def test_a_thread_that_is_full_takes_no_message_of_a_bot_that_is_not_in_it(
    bot: Bot, world: World, guild: Guild, channel: Channel
) -> None:
    thread = world.threads.start(channel, "crowded", world.owner)
    while thread.thread and len(thread.thread.members) < 1000:
        world.threads.join(thread, world.members.add(guild, world.users.add("guest")).user)
    before = snapshot(world)
    status, refusal = await bot.call("POST", f"/channels/{thread.id}/messages", {"content": "hi"}, a="file")
    assert (status, refusal["code"]) == (400, 30033)
    assert differences(before, snapshot(world)) == {}


async def test_channels_that_do_not_all_fit_into_a_category_stay_where_they_are(
    bot: Bot, world: World, guild: Guild
) -> None:
    category = world.channels.add(guild, "Category", kind=CATEGORY)
    inside = [world.channels.add(guild, "inside", parent=category) for _ in range(49)]
    movers = [world.channels.add(guild, "mover") for _ in range(2)]
    before = snapshot(world)
    moves = [{"id": str(one.id), "parent_id": str(category.id), "position": 0} for one in movers]
    status, refusal = await bot.call("PATCH", f"/guilds/{guild.id}/channels", moves)
    assert (status, refusal["code"]) == (400, 50035)
    assert [one["code"] for one in refusal["errors"]["parent_id"]["_errors"]] == ["CHANNEL_PARENT_MAX_CHANNELS"]
    assert differences(before, snapshot(world)) == {}
    # one that leaves makes room for one that comes
    moves[0] = {"id": str(inside[0].id), "parent_id": None}
    moves.append({"id": str(movers[0].id), "parent_id": str(category.id)})
    assert await bot.call("PATCH", f"/guilds/{guild.id}/channels", moves) == (204, None)
    assert sum(one.parent is category for one in guild.channels.values()) == 50


@pytest.mark.parametrize("how", ["POST", "PATCH"])
async def test_the_51st_channel_of_a_category_is_refused(bot: Bot, world: World, guild: Guild, how: str) -> None:
    category = world.channels.add(guild, "Category", kind=CATEGORY)
    for _ in range(50):
        world.channels.add(guild, "inside", parent=category)
    path = f"/channels/{world.channels.add(guild, 'x').id}" if how == "PATCH" else f"/guilds/{guild.id}/channels"
    status, refusal = await bot.call(how, path, {"name": "y", "parent_id": str(category.id)})
    code = refusal["errors"]["parent_id"]["_errors"][0]["code"]
    assert (status, refusal["code"], code) == (400, 50035, "CHANNEL_PARENT_MAX_CHANNELS")


async def test_a_webhook_cannot_be_moved_to_a_channel_that_has_15(
    bot: Bot, world: World, guild: Guild, channel: Channel
) -> None:
    full, webhook = world.channels.add(guild, "full"), world.webhooks.add(channel, "Hook", creator=world.bot)
    for _ in range(15):
        world.webhooks.add(full, "Hook", creator=world.bot)
    status, refusal = await bot.call("PATCH", f"/webhooks/{webhook.id}", {"channel_id": str(full.id)})
    assert (status, refusal["code"], webhook.channel) == (400, 30007, channel)
    there = world.webhooks.of(full)[0]
    status, _ = await bot.call("PATCH", f"/webhooks/{there.id}", {"name": "Other", "channel_id": str(full.id)})
    assert (status, there.name) == (200, "Other")


@pytest.mark.parametrize(
    ("body", "allowed", "code"),
    [
        ({"content": "x", "embeds": [{}]}, True, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, True, 50035),
        ({"content": "x"}, False, 50013),
        ({"flags": COMPONENTS_V2, "components": [{"type": 13, "file": {"url": "attachment://b.txt"}}]}, True, 50035),
    ],
)
async def test_the_file_of_a_refused_message_is_not_kept(
    bot: Bot, world: World, channel: Channel, body: dict[str, Any], allowed: bool, code: int
) -> None:
    if not allowed:
        world.channels.set_overwrite(channel, world.bot, deny=Permission.ATTACH_FILES)
    status, refusal = await bot.call("POST", f"/channels/{channel.id}/messages", body, a="file")
    assert (status // 100, refusal["code"], world.attachments) == (4, code, {})


async def test_a_missing_file_is_told_at_its_place_in_an_answer(bot: Bot, hello: Interaction) -> None:
    status, refusal = await bot.answer(hello, 4, content="x", attachments=[{"id": 0}])
    assert (status, list(refusal["errors"]), list(refusal["errors"]["data"])) == (400, ["data"], ["attachments"])


async def test_all_that_is_wrong_in_a_form_is_refused_at_once_and_each_only_once(
    bot: Bot, world: World, channel: Channel
) -> None:
    assert channel.guild is not None
    own = channel.guild.role_of(world.bot)
    assert own is not None
    world.roles.edit(channel.guild, own, permissions=Permission.MANAGE_CHANNELS | Permission.MANAGE_ROLES)
    overwrites = [{"id": "x"}, {}, {"id": str(channel.guild.id), "allow": "8", "type": 7}]
    body = {"name": "x" * 101, "nsfw": "maybe", "permission_overwrites": overwrites}
    status, refusal = await bot.call("PATCH", f"/channels/{channel.id}", body)
    assert (status, refusal["code"]) == (400, 50035)
    wrong = refusal["errors"]
    codes = {name: [one["code"] for one in wrong[name]["_errors"]] for name in ("name", "nsfw")}
    assert codes == {"name": ["BASE_TYPE_BAD_LENGTH"], "nsfw": ["BOOLEAN_TYPE_CONVERT"]}
    inner = wrong["permission_overwrites"]
    assert [one["code"] for one in inner["0"]["id"]["_errors"]] == ["NUMBER_TYPE_COERCE"]
    assert [one["code"] for one in inner["1"]["id"]["_errors"]] == ["BASE_TYPE_REQUIRED"]
    assert [one["code"] for one in inner["2"]["type"]["_errors"]] == ["BASE_TYPE_CHOICES"]


async def test_a_bot_without_the_permission_is_told_so_before_its_body_is_read(
    bot: Bot, world: World, guild: Guild, channel: Channel
) -> None:
    world.channels.set_overwrite(channel, world.bot, deny=Permission.MANAGE_WEBHOOKS)
    path = f"/channels/{channel.id}/webhooks"
    assert (await bot.call("POST", path, {"name": ""}))[1]["code"] == 50013
    world.channels.set_overwrite(channel, world.bot)
    assert (await bot.call("POST", path, {"name": ""}))[1]["code"] == 50035
    assert (await bot.call("POST", "/channels/1/webhooks", {"name": ""}))[1]["code"] == 10003
    world.channels.set_overwrite(channel, world.bot, deny=Permission.MANAGE_WEBHOOKS)
    headers = {"Authorization": f"Bot {bot.sandbox.token}", "Content-Type": "application/json"}
    async with bot.session.post(bot.sandbox.rest_url + path, data=b"{", headers=headers) as response:
        assert (await response.json())["code"] == 50013


async def test_a_bot_cannot_change_or_give_away_its_own_highest_role(bot: Bot, world: World, guild: Guild) -> None:
    managed, own = guild.role_of(world.bot), world.roles.add(guild, "own", permissions=Permission.ADMINISTRATOR)
    assert managed is not None
    world.roles.move(guild, {own: 9})
    world.members.give_role(guild.members[world.bot.id], own)
    path, bob = f"/guilds/{guild.id}/roles", next(one for one in guild.members.values() if one.user.name == "bob")
    refused = [
        ("PATCH", f"{path}/{own.id}", {"name": "x"}),
        ("PATCH", path, [{"id": str(own.id), "position": 1}]),
        ("DELETE", f"{path}/{own.id}", None),
        ("PUT", f"/guilds/{guild.id}/members/{bob.user.id}/roles/{own.id}", None),
        # nor a managed role, though it is below that one
        ("PUT", f"/guilds/{guild.id}/members/{bob.user.id}/roles/{managed.id}", None),
        ("PATCH", f"/guilds/{guild.id}/members/{bob.user.id}", {"roles": [str(managed.id)]}),
        ("POST", f"/channels/{next(iter(guild.channels))}/invites", {"role_ids": [str(managed.id)]}),
    ]
    for method, where, body in refused:
        status, refusal = await bot.call(method, where, body)
        assert (status, refusal["code"]) == (403, 50013)


async def test_without_managing_threads_a_bot_changes_its_own_and_reopens_those_of_others(
    bot: Bot, world: World, channel: Channel
) -> None:
    world.channels.set_overwrite(channel, world.bot, deny=Permission.MANAGE_THREADS)
    mine, adas = (world.threads.start(channel, "thread", owner) for owner in (world.bot, world.owner))

    async def codes(thread: Channel, *bodies: dict[str, Any]) -> list[int]:
        answers = [await bot.call("PATCH", f"/channels/{thread.id}", body) for body in bodies]
        return [answer["code"] if status >= 400 else status for status, answer in answers]

    assert await codes(mine, {"name": "other"}, {"auto_archive_duration": 60}) == [200, 200]
    assert await codes(mine, {"locked": True}, {"rate_limit_per_user": 5}, {"name": "x", "locked": True}) == [50013] * 3
    assert await codes(adas, {"name": "other"}, {"archived": True}, {"archived": False, "name": "x"}) == [50013] * 3
    world.threads.edit(adas, archived=True)
    assert await codes(adas, {"archived": False}) == [200]
    world.threads.edit(adas, archived=True, locked=True)
    assert await codes(adas, {"archived": False}) == [50013]
    world.threads.edit(adas, locked=False)
    world.channels.set_overwrite(
        channel, world.bot, deny=Permission.MANAGE_THREADS | Permission.SEND_MESSAGES_IN_THREADS
    )
    assert await codes(adas, {"archived": False}) == [50013]


async def test_a_bot_gives_a_channel_only_overwrites_that_it_could_use(
    bot: Bot, world: World, guild: Guild, channel: Channel, bob: User
) -> None:
    own = guild.role_of(world.bot)
    assert own is not None
    allowed = Permission.VIEW_CHANNEL | Permission.MANAGE_CHANNELS | Permission.SEND_MESSAGES
    world.roles.edit(guild, guild.everyone, permissions=0)
    world.roles.edit(guild, own, permissions=allowed | Permission.MANAGE_ROLES)
    path, strong = f"/channels/{channel.id}", str(int(Permission.BAN_MEMBERS))

    async def code(**more: str) -> int:
        body = {"permission_overwrites": [{"id": str(bob.id), "type": 1, **more}]}
        status, answer = await bot.call("PATCH", path, body)
        return answer["code"] if status >= 400 else status

    assert await code(allow=str(int(Permission.SEND_MESSAGES))) == 200
    assert (await code(allow=strong), await code(deny=strong)) == (50013, 50013)
    world.channels.set_overwrite(channel, bob, allow=Permission.BAN_MEMBERS)
    assert await code(allow=strong) == 200  # which it has already
    assert await code(allow=str(1 << 60)) == 200  # a bit that Discord does not know yet
    assert channel.overwrites[bob.id].allow == 0
    world.roles.edit(guild, own, permissions=allowed)
    assert await code(allow=str(int(Permission.SEND_MESSAGES))) == 50013


async def test_reactions_are_added_and_removed_only_as_far_as_the_bot_may(
    bot: Bot, world: World, channel: Channel, bob: User
) -> None:
    message = world.messages.add(channel, bob, content="x")
    world.reactions.add(message, bob, Emoji("👍"))
    world.channels.set_overwrite(channel, world.bot, deny=Permission.ADD_REACTIONS | Permission.MANAGE_MESSAGES)
    path = f"/channels/{channel.id}/messages/{message.id}/reactions"
    there, new = (f"{path}/{quote(emoji)}" for emoji in "👍🎉")
    assert await bot.call("PUT", f"{there}/@me") == (204, None)
    for method, where in (("PUT", f"{new}/@me"), ("DELETE", f"{there}/{bob.id}"), ("DELETE", there), ("DELETE", path)):
        status, refusal = await bot.call(method, where)
        assert (method, where, status, refusal["code"]) == (method, where, 403, 50013)
    assert await bot.call("DELETE", f"{there}/{world.bot.id}") == (204, None)
    assert [[*reaction.users] for reaction in message.reactions.values()] == [[bob.id]]


async def test_a_bot_switches_only_the_flags_of_its_intents(bot: Bot, world: World) -> None:
    intents, other = 1 << 13 | 1 << 15 | 1 << 19, 1 << 23
    world.application_flags = other
    _, application = await bot.call("PATCH", "/applications/@me", {"flags": intents | 1 << 17})
    assert (application["flags"], world.application_flags) == (intents | other, intents | other)
    await bot.call("PATCH", "/applications/@me", {"flags": 0})
    assert world.application_flags == other


async def test_an_invite_gives_roles_only_if_the_bot_manages_them(
    bot: Bot, world: World, guild: Guild, channel: Channel
) -> None:
    role, path = world.roles.add(guild, "role"), f"/channels/{channel.id}/invites"
    assert (await bot.call("POST", path, {"role_ids": [str(role.id)]}))[0] == 200
    own = guild.role_of(world.bot)
    assert own is not None
    world.roles.edit(guild, own, permissions=own.permissions & ~Permission.MANAGE_ROLES)
    status, refusal = await bot.call("POST", path, {"role_ids": [str(role.id)], "unique": True})
    assert (status, refusal["code"], (await bot.call("POST", path, {"unique": True}))[0]) == (403, 50013, 200)


NEEDED = {
    "POST /channels/{channel}/typing": "SEND_MESSAGES",
    "POST /channels/{channel}/messages": "SEND_MESSAGES",
    "POST /channels/{channel}/messages/bulk-delete": "MANAGE_MESSAGES",
    "GET /channels/{channel}/messages/{message}": "READ_MESSAGE_HISTORY",
    "POST /channels/{channel}/messages/{message}/crosspost": "SEND_MESSAGES",
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": "READ_MESSAGE_HISTORY",
    **{
        f"{method} /channels/{{channel}}/{path}{{message}}": "PIN_MESSAGES"
        for method in ("PUT", "DELETE")
        for path in ("pins/", "messages/pins/")
    },
    "GET /channels/{channel}/threads/archived/public": "READ_MESSAGE_HISTORY",
    "GET /channels/{channel}/threads/archived/private": "READ_MESSAGE_HISTORY MANAGE_THREADS",
    "GET /channels/{channel}/users/@me/threads/archived/private": "READ_MESSAGE_HISTORY",
    "PUT /channels/{channel}/thread-members/{user}": "SEND_MESSAGES",
    "PUT /channels/{channel}/permissions/{overwrite}": "MANAGE_ROLES",
    "DELETE /channels/{channel}/permissions/{overwrite}": "MANAGE_ROLES",
    "GET /channels/{channel}/invites": "MANAGE_CHANNELS",
    "POST /channels/{channel}/invites": "CREATE_INSTANT_INVITE",
    "GET /channels/{channel}/webhooks": "MANAGE_WEBHOOKS",
    "POST /channels/{channel}/webhooks": "MANAGE_WEBHOOKS",
    "GET /guilds/{guild}/webhooks": "MANAGE_WEBHOOKS",
    "POST /guilds/{guild}/channels": "MANAGE_CHANNELS",
    "PATCH /guilds/{guild}/channels": "MANAGE_CHANNELS",
    "PATCH /guilds/{guild}": "MANAGE_GUILD",
    "PUT /guilds/{guild}/incident-actions": "MANAGE_GUILD",
    "GET /guilds/{guild}/vanity-url": "MANAGE_GUILD",
    "PATCH /guilds/{guild}/welcome-screen": "MANAGE_GUILD",
    "PUT /guilds/{guild}/onboarding": "MANAGE_GUILD MANAGE_ROLES",
    "GET /guilds/{guild}/widget": "MANAGE_GUILD",
    "PATCH /guilds/{guild}/widget": "MANAGE_GUILD",
    "GET /guilds/{guild}/auto-moderation/rules": "MANAGE_GUILD",
    "POST /guilds/{guild}/auto-moderation/rules": "MANAGE_GUILD",
    "GET /guilds/{guild}/auto-moderation/rules/{rule}": "MANAGE_GUILD",
    "PATCH /guilds/{guild}/auto-moderation/rules/{rule}": "MANAGE_GUILD",
    "DELETE /guilds/{guild}/auto-moderation/rules/{rule}": "MANAGE_GUILD",
    "GET /guilds/{guild}/messages/search": "READ_MESSAGE_HISTORY",
    "GET /channels/{channel}/threads/search": "READ_MESSAGE_HISTORY",
    "POST /guilds/{guild}/roles": "MANAGE_ROLES",
    "PATCH /guilds/{guild}/roles": "MANAGE_ROLES",
    "PATCH /guilds/{guild}/roles/{role}": "MANAGE_ROLES",
    "DELETE /guilds/{guild}/roles/{role}": "MANAGE_ROLES",
    "PUT /guilds/{guild}/members/{user}": "CREATE_INSTANT_INVITE",
    "DELETE /guilds/{guild}/members/{user}": "KICK_MEMBERS",
    "PUT /guilds/{guild}/members/{user}/roles/{role}": "MANAGE_ROLES",
    "DELETE /guilds/{guild}/members/{user}/roles/{role}": "MANAGE_ROLES",
    "GET /guilds/{guild}/bans": "BAN_MEMBERS",
    "GET /guilds/{guild}/bans/{user}": "BAN_MEMBERS",
    "PUT /guilds/{guild}/bans/{user}": "BAN_MEMBERS",
    "DELETE /guilds/{guild}/bans/{user}": "BAN_MEMBERS",
    "POST /guilds/{guild}/bulk-ban": "BAN_MEMBERS MANAGE_GUILD",
    "GET /guilds/{guild}/prune": "MANAGE_GUILD KICK_MEMBERS",
    "POST /guilds/{guild}/prune": "MANAGE_GUILD KICK_MEMBERS",
    "PUT /channels/{channel}/voice-status": "SET_VOICE_CHANNEL_STATUS",
    "POST /guilds/{guild}/emojis": "CREATE_GUILD_EXPRESSIONS",
    "POST /guilds/{guild}/stickers": "CREATE_GUILD_EXPRESSIONS",
    "POST /guilds/{guild}/scheduled-events": "CREATE_EVENTS",
    "GET /guilds/{guild}/audit-logs": "VIEW_AUDIT_LOG",
}
"""The permissions that Discord's documentation asks for, all of them, whatever the call says."""


async def test_each_permission_that_a_route_needs_is_needed(
    bot: Bot, world: World, guild: Guild, channel: Channel, bob: User
) -> None:
    own = guild.role_of(world.bot)
    assert own is not None
    everything = sum(Permission) & ~Permission.ADMINISTRATOR
    world.roles.edit(guild, guild.everyone, permissions=0)
    role, emoji, message = world.roles.add(guild, "role"), quote("👍"), world.messages.add(channel, bob, content="x")
    names = {"guild": guild, "channel": channel, "user": bob, "role": role, "overwrite": role, "message": message}
    ids = {name: thing.id for name, thing in names.items()} | {"emoji": emoji, "rule": 1}
    for row, needed in NEEDED.items():
        method, path = row.split()
        for name in needed.split():
            world.roles.edit(guild, own, permissions=everything & ~Permission[name])
            status, refusal = await bot.call(method, path.format_map(ids), {} if method != "GET" else None)
            assert (row, name, status, refusal["code"]) == (row, name, 403, 50013)


def test_every_route_that_needs_a_permission_is_in_the_table_above() -> None:
    rows = {
        f"{route.method} {route.path}": route.needs for route in Rest(World(), dict).routes if route.needs is not None
    }
    assert rows == {row: sum(Permission[name] for name in needed.split()) for row, needed in NEEDED.items()}


async def test_a_reason_that_is_too_long_is_refused_before_anything_changes(
    bot: Bot, world: World, channel: Channel
) -> None:
    before = snapshot(world)
    url, headers = f"{bot.sandbox.rest_url}/channels/{channel.id}", {"Authorization": f"Bot {bot.sandbox.token}"}
    for method, body in (("PATCH", {"topic": "x"}), ("DELETE", None)):
        reason = {"X-Audit-Log-Reason": quote("ü" * 513)}
        async with bot.session.request(method, url, json=body, headers=headers | reason) as response:
            refusal = await response.json()
        assert (response.status, refusal["code"], list(refusal["errors"])) == (400, 50035, ["reason"])
    assert differences(before, snapshot(world)) == {}


def test_whatever_the_world_refuses_is_an_error_of_discords() -> None:
    for bound, expected in errors.OF_BOUNDS.items():
        error = errors.error_for(LimitReached("too many", bound))
        code = expected.code if isinstance(expected, errors.ErrorCode) else 50035
        assert (400 <= error.status < 500, error.body["code"]) == (True, code)
    other = errors.error_for(Impossible("ada owns Sandbox"))
    told = {"_errors": [{"code": "INVALID", "message": "ada owns Sandbox"}]}
    assert (other.status, other.body["code"], other.body["errors"]) == (400, 50035, told)


def test_every_limit_of_the_world_has_an_error() -> None:
    text = "".join(path.read_text() for path in Path(world_package.__file__).parent.glob("*.py"))
    raised = set(re.findall(r"LimitReached\((?:[^()]|\([^()]*\))*?(?:bounds\.)?([A-Z_]{4,}|bound)\s*\)", text))
    assert len(raised) > 9
    assert {getattr(bounds, name) for name in raised - {"bound"}} <= set(errors.OF_BOUNDS)


# Lists


async def test_messages_are_listed_newest_first_in_pages(bot: Bot, world: World, channel: Channel) -> None:
    made = [world.messages.add(channel, world.bot, content=str(number)).id for number in range(5)]

    async def listed(query: str) -> list[str]:
        _, messages = await bot.call("GET", f"/channels/{channel.id}/messages?{query}")
        return [message["content"] for message in messages]

    assert await listed("limit=2") == ["4", "3"]
    assert await listed(f"limit=2&before={made[3]}") == ["2", "1"]
    assert await listed(f"limit=2&after={made[0]}") == ["2", "1"]
    assert await listed(f"limit=3&around={made[2]}") == ["3", "2", "1"]


async def test_a_reply_bears_the_message_that_it_answers(bot: Bot, world: World, channel: Channel) -> None:
    asked = world.messages.add(channel, world.owner, content="why?")
    path = f"/channels/{channel.id}/messages"
    _, reply = await bot.call("POST", path, {"content": "so", "message_reference": {"message_id": str(asked.id)}})
    assert (reply["type"], reply["referenced_message"]["content"]) == (19, "why?")
    status, _ = await bot.call("POST", path, {"content": "so", "message_reference": {"message_id": "1"}})
    assert status == 400


async def test_the_bot_edits_and_deletes_only_what_it_may(bot: Bot, world: World, channel: Channel) -> None:
    adas = world.messages.add(channel, world.owner, content="ada's")
    path = f"/channels/{channel.id}/messages/{adas.id}"
    assert (await bot.call("PATCH", path, {"content": "mine"}))[1]["code"] == 50005
    guild = channel.guild
    assert guild is not None
    own = guild.role_of(world.bot)
    assert own is not None
    world.roles.edit(guild, own, permissions=0)
    assert (await bot.call("DELETE", path))[1]["code"] == 50013
    world.members.give_role(guild.members[world.bot.id], world.roles.add(guild, "moderator", permissions=1 << 13))
    assert await bot.call("DELETE", path) == (204, None)
    assert adas.deleted


async def test_direct_messages_with_a_user_are_opened_once(bot: Bot, world: World, bob: User) -> None:
    _, first = await bot.call("POST", "/users/@me/channels", {"recipient_id": str(bob.id)})
    _, second = await bot.call("POST", "/users/@me/channels", {"recipient_id": bob.id})
    assert (first, first["recipients"][0]["username"]) == (second, "bob")
    await bot.call("POST", f"/channels/{first['id']}/messages", {"content": "psst"})
    assert [message.content for message in world.channels.dm(bob).messages.values()] == ["psst"]
    status, refusal = await bot.call("POST", "/users/@me/channels", {"recipient_id": world.bot.id})
    assert (status, refusal["code"]) == (403, 50007)


# Commands


async def test_a_command_of_the_same_name_takes_the_old_ones_place(bot: Bot, world: World, seen: list[Change]) -> None:
    path = f"/applications/{world.application}/commands"
    assert (await bot.call("POST", path, GREET))[0] == 201
    _, same = await bot.call("POST", path, GREET)
    status, changed = await bot.call("POST", path, {**GREET, "description": "Anew"})
    assert (status, changed["id"], changed["version"] > same["version"]) == (200, same["id"], True)
    # The second one changed nothing.
    assert seen == [CommandsChanged(None)] * 2


async def test_an_overwrite_keeps_ids_and_removes_the_rest(bot: Bot, world: World, guild: Guild) -> None:
    path = f"/applications/{world.application}/guilds/{guild.id}/commands"
    _, kept = await bot.call("POST", path, GREET)
    await bot.call("POST", path, {"name": "old", "description": "d"})
    _, now = await bot.call("PUT", path, [{"type": 2, "name": "Who"}, GREET])
    assert ([command["name"] for command in now], now[1]) == (["Who", "greet"], kept)
    assert (await bot.call("GET", path))[1] == [
        {key: value for key, value in command.items() if "localizations" not in key} for command in now[::-1]
    ]


async def test_nobody_by_default_is_not_everybody(bot: Bot, world: World) -> None:
    path = f"/applications/{world.application}/commands"
    _, nobody = await bot.call("POST", path, {**GREET, "default_member_permissions": "0"})
    _, everybody = await bot.call("PATCH", f"{path}/{nobody['id']}", {"default_member_permissions": None})
    found = (nobody["default_member_permissions"], everybody["default_member_permissions"])
    assert found == ("0", None)


async def test_renaming_a_command_keeps_its_id_and_names_stay_unique(bot: Bot, world: World) -> None:
    path = f"/applications/{world.application}/commands"
    _, greet = await bot.call("POST", path, GREET)
    await bot.call("POST", path, {"name": "other", "description": "d"})
    _, renamed = await bot.call("PATCH", f"{path}/{greet['id']}", {"name": "wave"})
    assert (renamed["id"], renamed["name"], renamed["description"]) == (greet["id"], "wave", "Greet somebody")
    status, refusal = await bot.call("PATCH", f"{path}/{greet['id']}", {"name": "other"})
    assert (status, list(refusal["errors"])) == (400, ["name"])


async def test_the_101st_command_is_refused_with_30032(bot: Bot, world: World) -> None:
    path = f"/applications/{world.application}/commands"
    await bot.call("PUT", path, [{"name": f"c{number}", "description": "d"} for number in range(100)])
    status, refusal = await bot.call("POST", path, GREET)
    assert (status, refusal["code"]) == (400, 30032)
    assert (await bot.call("POST", path, {"type": 2, "name": "Who"}))[0] == 201


# The whole


async def test_a_wrong_token_is_unauthorized_and_never_logged(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Authorization": "Bot wrong.sandbox.token"}
    async with bot.session.get(bot.sandbox.rest_url + "/users/@me", headers=headers) as response:
        refusal = await response.json()
    assert (response.status, refusal) == (401, {"message": "401: Unauthorized", "code": 0})
    assert caplog.text == ""


async def test_broken_json_and_foreign_content_are_told_apart(bot: Bot, channel: Channel) -> None:
    url = f"{bot.sandbox.rest_url}/channels/{channel.id}/messages"
    codes: list[int] = []
    for kind in ("application/json", "text/plain"):
        headers = {"Authorization": f"Bot {bot.sandbox.token}", "Content-Type": kind}
        async with bot.session.post(url, data=b"{", headers=headers) as response:
            codes.append((await response.json())["code"])
    assert codes == [50109, 50035]


async def test_json_that_is_nested_without_end_is_refused(bot: Bot, channel: Channel) -> None:
    headers = {"Authorization": f"Bot {bot.sandbox.token}", "Content-Type": "application/json"}
    url = f"{bot.sandbox.rest_url}/channels/{channel.id}/messages"
    async with bot.session.post(url, data=b'{"a":' * 100_000, headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)


async def test_what_is_not_served_is_counted_and_logged_without_tokens(
    bot: Bot, world: World, hello: Interaction, caplog: pytest.LogCaptureFixture
) -> None:
    status, refusal = await bot.webhook("POST", hello, "/slack", {})
    way_out = 'see README, "What the sandbox serves"'
    other = "it takes the format of another service, and libraries for bots send Discord's own"
    told = f"the sandbox does not serve POST /api/v10/webhooks/{{id}}/{{token}}/slack: {other}"
    assert (status, refusal) == (404, {"message": told, "code": 0})
    await bot.call("DELETE", "/guilds/1")
    await bot.call("GET", "/lobbies/1")
    assert dict(world.unserved) == {
        "POST /api/v10/webhooks/{id}/{token}/slack": 1,
        "DELETE /api/v10/guilds/{id}": 1,
        "GET /api/v10/lobbies/{id}": 1,
    }
    assert hello.token not in caplog.text
    assert f"the sandbox does not serve DELETE /api/v10/guilds/{{id}}: {way_out}" in caplog.messages


async def test_a_call_fails_as_often_as_asked_for(bot: Bot) -> None:
    slow = {"message": "slow", "retry_after": 1.5, "global": False, "code": 0}
    bot.sandbox.fail("GET", r"/users/@me$", 429, headers={"Retry-After": "2"}, body=slow)
    bot.sandbox.fail("get", r"^/users/", 503, times=2)
    answers = [await bot.call("GET", "/users/@me") for _ in range(4)]
    assert [status for status, _ in answers] == [429, 503, 503, 200]
    assert answers[0][1] == slow


async def test_what_breaks_in_the_sandbox_is_logged_and_fails_the_test(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def watcher(change: Change) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup, match="the sandbox itself failed"):  # noqa: PT012
        async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
            sandbox.world.changes.subscribe(watcher)
            channel = next(iter(sandbox.world.channels))
            status, _ = await Bot(sandbox, session).call("POST", f"/channels/{channel}/messages", {"content": "x"})
            assert status == 200  # the bot is not to blame
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()


async def test_a_sandbox_starts_once_and_closes_any_number_of_times() -> None:
    sandbox = Sandbox()
    await sandbox.close()
    await sandbox.start()
    with pytest.raises(RuntimeError, match="already"):
        await sandbox.start()
    await sandbox.close()
    await sandbox.close()


async def test_a_sandbox_that_cannot_start_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    listeners: list[socket.socket] = []
    create_server = socket.create_server

    def listen(address: Any) -> socket.socket:
        listeners.append(create_server(address))
        return listeners[-1]

    async def fail(_: object) -> None:
        raise OSError("no more sockets")

    with monkeypatch.context() as broken:
        broken.setattr("socket.create_server", listen)
        broken.setattr("aiohttp.web.SockSite.start", fail)
        with pytest.raises(OSError, match="no more sockets"):
            await sandbox.start()
    assert [listener.fileno() for listener in listeners] == [-1]
    await sandbox.start()
    await sandbox.close()


async def test_a_part_that_fails_to_close_is_logged_and_the_others_are_closed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = Sandbox(page=True)
    await sandbox.start()

    async def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sandbox._site, "close", fail)
    monkeypatch.setattr(sandbox.gateway, "close", fail)
    address = urlsplit(sandbox.rest_url)
    await sandbox.close()
    assert [type(error) for error in sandbox.world.errors] == [ZeroDivisionError, ZeroDivisionError]
    assert caplog.text.count("failed to close a part") == 2
    caplog.clear()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(address.hostname, address.port)


def test_snowflakes_are_unique_and_tell_the_time() -> None:
    world = World()
    numbers = [world.next_id() for _ in range(1000)]
    world.clock.offset += 60
    later = world.next_id()
    assert sorted({*numbers, later}) == [*numbers, later]
    assert (later >> 22) - (numbers[0] >> 22) >= 60_000


def test_commands_are_offered_where_they_may_be_used() -> None:
    world = World()
    guild = next(iter(world.guilds.values()))
    for name, contexts in (("both", None), ("guilds", [0]), ("direct", [1])):
        world.commands.set(None, {"name": name, "description": "d", "contexts": contexts})
    world.commands.set(guild, {"name": "own", "description": "d"})
    assert [command["name"] for command in world.commands.visible(guild)] == ["own", "both", "guilds"]
    assert [command["name"] for command in world.commands.visible(None)] == ["both", "direct"]


def test_interactions_that_nobody_can_answer_are_forgotten() -> None:
    world = World()
    channel = next(iter(world.channels.values()))
    first = world.interactions.create(COMMAND, world.owner, channel, HELLO)
    world.clock.offset += 16 * 60
    second = world.interactions.create(COMMAND, world.owner, channel, HELLO)
    assert list(world.interactions.values()) == [second]
    assert (world.interactions.with_token(first.token), world.interactions.with_token(second.token)) == (None, second)


def test_a_watcher_that_stopped_hears_nothing() -> None:
    world = World()
    heard: list[Change] = []
    stop = world.changes.subscribe(heard.append)
    message = world.messages.add(next(iter(world.channels.values())), world.owner, content="x")
    stop()
    stop()
    world.messages.delete(message)
    assert heard == [MessageCreated(message)]


# Anything at all

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
MESSAGE_FIELDS = ("content", "embeds", "components", "attachments", "flags", "allowed_mentions", "nonce", "tts")
ANSWER_FIELDS = ("type", "data", "choices", "custom_id", "title", "message_reference", "recipient_id")
COMMAND_FIELDS = ("name", "description", "options", "contexts", "integration_types", "default_member_permissions")
FIELDS = (*MESSAGE_FIELDS, *ANSWER_FIELDS, *COMMAND_FIELDS)
EMBED = ("title", "description", "url", "timestamp", "color", "footer", "image", "author", "fields")
COMPONENT_FIELDS = ("type", "components", "custom_id", "style", "label", "options", "emoji", "media", "items", "id")


def objects(names: tuple[str, ...], value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), value, max_size=5)


COMPONENTS = st.recursive(
    objects(COMPONENT_FIELDS, ANYTHING),
    lambda inner: st.fixed_dictionaries({"type": st.integers(0, 20), "components": st.lists(inner, max_size=2)}),
    max_leaves=4,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "content": st.text(max_size=10),
        "embeds": st.lists(objects(EMBED, ANYTHING), max_size=2),
        "components": st.lists(COMPONENTS, max_size=2),
        "flags": st.sampled_from([0, 4, 64, 1 << 15]) | ANYTHING,
        "allowed_mentions": objects(("parse", "users", "roles"), ANYTHING),
        "attachments": st.lists(objects(("id", "filename", "description"), ANYTHING), max_size=2),
        "type": st.integers(1, 9),
        "data": objects(FIELDS, ANYTHING),
    },
)
BODIES = ANYTHING | MESSAGES | objects(FIELDS, ANYTHING) | st.lists(objects(FIELDS, ANYTHING), max_size=2)
PARTS = st.text(max_size=8) | st.integers().map(str)
ROUTES = [(route.method, route.path) for route in Rest(World(), dict).routes]
CALLS = st.tuples(st.sampled_from(ROUTES), st.lists(PARTS | st.just(""), min_size=4, max_size=4), PARTS, BODIES)

Call: TypeAlias = tuple[tuple[str, str], list[str], str, Any]
"""A route's method and path, the parts of its path (empty: one that exists), a query, a body."""


def filled(route: str, parts: list[str], known: Mapping[str, object]) -> str:
    """Return a route's path with these parts, and with what is `known` for the empty ones."""
    left = iter(parts)
    return re.sub(r"\{(\w+)\}", lambda name: quote(next(left), safe="") or str(known[name[1]]), route)


async def play(calls: list[Call]) -> None:
    """Make each call, and one more that must be answered."""
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        world, bot = sandbox.world, Bot(sandbox, session)
        channel = next(iter(world.channels.values()))
        guild = next(iter(world.guilds.values()))
        message = world.messages.add(channel, world.bot, content="x")
        interaction = world.interactions.create(COMPONENT, world.owner, channel, {"custom_id": "x"}, message=message)
        hook = world.webhooks.add(channel, "hook", creator=world.bot)
        known: dict[str, object] = {
            "application": world.application,
            "guild": guild.id,
            "channel": channel.id,
            "user": world.owner.id,
            "message": message.id,
            "command": world.commands.set(None, GREET)["id"],
            "interaction": interaction.id,
            "webhook": hook.id,
            "overwrite": world.owner.id,
            "role": world.roles.add(guild, "role").id,
            "answer": 1,
            "emoji": "👍",
            "event": world.scheduled_events.add(guild, "Party", 2e9, end=3e9, location="Here").id,
            "pack": PACK_ID,
            "sticker": world.stickers.add(guild, "wave").id,
            "code": world.invites.add(channel, world.owner).code,
            "rule": world.auto_moderation.add(guild, "Rule", creator=world.bot, trigger=3, metadata={}, actions=[]).id,
        }
        for (method, route), parts, query, body in calls:
            token = hook.token if route.startswith("/webhooks") else interaction.token
            path = filled(route, parts, {**known, "token": token})
            before = snapshot(world)
            status, answer = await bot.call(method, f"{path}?limit={quote(query)}&before={quote(query)}", body)
            assert status < 500
            assert status < 400 or differences(before, snapshot(world)) == {}
            assert status in {200, 201, 204} or isinstance(answer["code"], int)
        assert (await bot.call("GET", "/users/@me"))[0] == 200


@settings(max_examples=50, deadline=None)
@given(calls=st.lists(CALLS, min_size=1, max_size=6))
# aiohttp matches no path with a line break unless it is told to.
@example(calls=[(("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me"), ["", "", "\n"], "", {})])
def test_no_call_breaks_rest(calls: list[Call]) -> None:
    asyncio.run(play(calls))
