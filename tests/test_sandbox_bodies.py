"""What the sandbox's REST reads: bodies in each encoding that Discord takes, whole numbers, and emojis in paths."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import yarl

from wisp.sandbox import Sandbox
from wisp.sandbox.rest.body import BODY_TIME
from wisp.sandbox.world.objects import COMMAND, Channel, Message
from wisp.sandbox.world.world import World

URLENCODED = "application/x-www-form-urlencoded"
HELLO = {"id": "1", "name": "hello", "type": 1}


class Bot:
    """Calls of the sandbox's REST with bodies of any kind."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self._sandbox = sandbox
        self._session = session

    async def call(self, method: str, path: str, **sent: Any) -> tuple[int, Any]:
        """Status and JSON."""
        headers = {"Authorization": f"Bot {self._sandbox.token}", **sent.pop("headers", {})}
        async with self._session.request(method, self._sandbox.rest_url + path, headers=headers, **sent) as response:
            raw = await response.read()
            return response.status, json.loads(raw) if raw else None


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with aiohttp.ClientSession() as session:
        yield Bot(sandbox, session)


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    return sandbox.world


@pytest.fixture
def channel(world: World) -> Channel:
    return next(iter(next(iter(world.guilds.values())).channels.values()))


async def test_an_interaction_is_answered_with_json_in_a_form_without_files(
    bot: Bot, world: World, channel: Channel
) -> None:
    interaction = world.interactions.create(COMMAND, world.owner, channel, HELLO)
    answer = {"type": 4, "data": {"content": "é & = + %", "embeds": [{"title": "one"}, {"title": "two"}], "flags": 64}}
    # As py-cord does: aiohttp writes a form that has no file in it in this encoding.
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(answer))
    path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=true"
    status, answered = await bot.call("POST", path, data=form)
    message = answered["resource"]["message"]
    assert (status, message["content"], len(message["embeds"]), message["flags"]) == (200, "é & = + %", 2, 64)


async def test_fields_of_a_form_without_files_are_read_each_as_its_kind(
    bot: Bot, world: World, channel: Channel
) -> None:
    messages, invites = f"/channels/{channel.id}/messages", f"/channels/{channel.id}/invites"
    fields = {"content": "one + one", "tts": "true", "flags": "4096", "nonce": ""}
    _, message = await bot.call("POST", messages, data=fields)
    assert (message["content"], message["tts"], message["flags"]) == ("one + one", True, 4096)
    assert message["nonce"] == ""  # a field that is empty is there
    _, edited = await bot.call("PATCH", f"{messages}/{message['id']}", data={"content": "two"})
    assert edited["content"] == "two"
    _, invite = await bot.call("POST", invites, data={"max_age": "60", "temporary": "true", "unique": "true"})
    assert (invite["max_age"], invite["temporary"]) == (60, True)
    _, beside = await bot.call("POST", messages, data={"content": "field", "payload_json": '{"content": "json"}'})
    assert beside["content"] == "json"


@pytest.mark.parametrize(
    ("raw", "refused"),
    [
        (b"payload_json=%7B", (400, 50109)),
        (b"payload_json=%5B%5D", (400, 50035)),
        (b"content=%FF", (400, 0)),
        (b"content=\xff", (400, 0)),
        (b"", (400, 50006)),
    ],
)
async def test_a_malformed_form_is_refused(bot: Bot, channel: Channel, raw: bytes, refused: tuple[int, int]) -> None:
    status, answer = await bot.call(
        "POST", f"/channels/{channel.id}/messages", data=raw, headers={"Content-Type": URLENCODED}
    )
    assert (status, answer["code"], len(channel.messages)) == (*refused, 0)


async def test_a_body_of_another_kind_is_refused_with_those_that_are_taken(bot: Bot, channel: Channel) -> None:
    headers = {"Content-Type": "text/plain"}
    status, answer = await bot.call("POST", f"/channels/{channel.id}/messages", data=b"hello", headers=headers)
    assert (status, answer["code"]) == (400, 50035)
    assert URLENCODED in answer["errors"]["_errors"][0]["message"]


async def test_a_whole_number_may_have_a_point(bot: Bot, channel: Channel) -> None:
    path = f"/channels/{channel.id}"
    _, changed = await bot.call("PATCH", path, json={"rate_limit_per_user": 5.0})
    assert (changed["rate_limit_per_user"], channel.payload()["rate_limit_per_user"]) == (5, 5)
    assert isinstance(channel.payload()["rate_limit_per_user"], int)
    button = {"type": 2.0, "style": 1e0, "label": "Go", "custom_id": "go"}
    body = {
        "content": "x",
        "embeds": [{"title": "t", "color": 255.0}],
        "components": [{"type": 1.0, "components": [button]}],
    }
    status, message = await bot.call("POST", f"{path}/messages", json=body)
    assert (status, message["embeds"][0]["color"], message["components"][0]["type"]) == (200, 255, 1)


@pytest.mark.parametrize("number", ["5.5", "1e30", "-1.0", "true"])
async def test_a_number_that_is_not_whole_or_too_large_is_refused(bot: Bot, channel: Channel, number: str) -> None:
    raw, headers = f'{{"rate_limit_per_user": {number}}}', {"Content-Type": "application/json"}
    status, answer = await bot.call("PATCH", f"/channels/{channel.id}", data=raw, headers=headers)
    assert (status, answer["code"], list(answer["errors"])) == (400, 50035, ["rate_limit_per_user"])
    assert channel.payload()["rate_limit_per_user"] == 0


async def test_a_number_that_is_too_large_for_an_int_is_refused_and_shown_on_the_page() -> None:
    async with Sandbox(page=True) as sandbox, aiohttp.ClientSession() as session:
        assert sandbox.page is not None
        bot, log = Bot(sandbox, session), sandbox.page.log
        (guild,) = sandbox.world.guilds.values()
        (channel,) = guild.channels.values()
        raw, headers = '{"rate_limit_per_user": 1e300}', {"Content-Type": "application/json"}
        status, _ = await bot.call("PATCH", f"/channels/{channel.id}", data=raw, headers=headers)
        assert (status, sandbox.world.errors) == (400, [])
    (call,) = [entry for entry in log.newest() if entry.kind == "rest"]
    assert '"rate_limit_per_user": 1e300' in call.body


HEART, ENVELOPE, EYE, PRESENTATION, JOINER = "\u2764", "\u2709", "\U0001f441", "\ufe0f", "\u200d"
FLAG, RAINBOW, MAN, WOMAN, GIRL, KISS = (
    "\U0001f3f3",
    "\U0001f308",
    "\U0001f468",
    "\U0001f469",
    "\U0001f467",
    "\U0001f48b",
)
MEDIUM, DARK, THUMB, KISS = "\U0001f3fd", "\U0001f3ff", "\U0001f44d", "\U0001f48b"
EMOJIS = {
    "a heart": HEART,
    "a heart as an emoji": HEART + PRESENTATION,
    "a keycap of two code points": "1\u20e3",
    "a keycap of three": "1\ufe0f\u20e3",
    "the keycap of #": "#\ufe0f\u20e3",
    "a rainbow flag": FLAG + PRESENTATION + JOINER + RAINBOW,
    "a rainbow flag without a selector": FLAG + JOINER + RAINBOW,
    "a family": JOINER.join([MAN, WOMAN, GIRL]),
    "a skin tone": THUMB + MEDIUM,
    "a kiss": WOMAN + MEDIUM + JOINER + HEART + PRESENTATION + JOINER + KISS + JOINER + MAN + DARK,
    "a country": "\U0001f1e9\U0001f1ea",
    "a letter of one": "\U0001f1e9",
    "England": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "an eye in a speech bubble": EYE + PRESENTATION + JOINER + "\U0001f5e8" + PRESENTATION,
    "copyright": "\xa9\ufe0f",
    "a trade mark": "\u2122\ufe0f",
    "information, a letter to Unicode": "\u2139\ufe0f",
    "a square, a mathematical symbol to Unicode": "\u25fe",
    "a square as an emoji": "\u25fe\ufe0f",
    "arrows": "\u2194\ufe0f",
    "exclamation marks": "\u203c\ufe0f",
}


def reactions_to(message: Message) -> list[str]:
    return [reaction.emoji.name for reaction in message.reactions.values()]


@pytest.mark.parametrize("emoji", EMOJIS.values(), ids=EMOJIS)
async def test_every_form_of_an_emoji_is_a_reaction(bot: Bot, world: World, channel: Channel, emoji: str) -> None:
    message = world.messages.add(channel, world.owner, content="hello")
    path = f"/channels/{channel.id}/messages/{message.id}/reactions/{quote(emoji)}"
    assert await bot.call("PUT", f"{path}/@me") == (204, None)
    assert reactions_to(message) == [emoji]
    assert await bot.call("DELETE", f"{path}/@me") == (204, None)
    assert reactions_to(message) == []


async def test_an_emoji_with_and_without_its_variation_selector_are_two_reactions(
    bot: Bot, world: World, channel: Channel
) -> None:
    message = world.messages.add(channel, world.owner, content="hello")
    path = f"/channels/{channel.id}/messages/{message.id}/reactions"
    for emoji in (ENVELOPE, ENVELOPE + PRESENTATION):
        assert await bot.call("PUT", f"{path}/{quote(emoji)}/@me") == (204, None)
    assert reactions_to(message) == [ENVELOPE, ENVELOPE + PRESENTATION]
    await bot.call("DELETE", f"{path}/{quote(ENVELOPE + PRESENTATION)}/@me")
    assert reactions_to(message) == [ENVELOPE]


NO_EMOJI = {
    "a letter": "a",
    "a digit": "1",
    "two hearts": HEART * 2,
    "two thumbs": THUMB * 2,
    "a selector": PRESENTATION,
    "a name": ":x:",
    "a letter before": "x" + HEART,
    "too long": THUMB + PRESENTATION * 32,
}


@pytest.mark.parametrize("text", NO_EMOJI.values(), ids=NO_EMOJI)
async def test_what_is_not_one_emoji_is_no_reaction(bot: Bot, world: World, channel: Channel, text: str) -> None:
    message = world.messages.add(channel, world.owner, content="hello")
    status, answer = await bot.call("PUT", f"/channels/{channel.id}/messages/{message.id}/reactions/{quote(text)}/@me")
    assert (status, answer["code"], reactions_to(message)) == (400, 10014, [])


async def test_every_bot_hears_of_discords_default_sounds(bot: Bot) -> None:
    status, sounds = await bot.call("GET", "/soundboard-default-sounds")
    assert (status, [sound["sound_id"] for sound in sounds]) == (200, ["1", "2", "3", "4", "5", "6"])
    assert sounds[0] == {
        "name": "quack",
        "sound_id": "1",
        "volume": 1.0,
        "emoji_id": None,
        "emoji_name": "\U0001f986",
        "available": True,
    }


async def test_the_application_has_the_keys_that_older_libraries_read(bot: Bot) -> None:
    for path in ("/applications/@me", "/oauth2/applications/@me"):
        _, application = await bot.call("GET", path)
        assert (application["summary"], application["rpc_origins"]) == ("", [])


async def test_a_sandbox_closes_at_once_though_half_a_body_has_come() -> None:
    async with Sandbox() as sandbox:
        address = yarl.URL(sandbox.rest_url)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"POST /api/v10/users/@me/channels HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n")
        writer.write(f"Authorization: Bot {sandbox.token}\r\nExpect: 100-continue\r\n\r\n{{".encode())
        assert b"100" in await reader.readline()  # the sandbox waits for the rest of the body
        async with asyncio.timeout(BODY_TIME / 2):
            await sandbox.close()
        writer.close()
