"""The page under attack: other web sites, strangers on this machine, hostile frames, bots that talk too much."""

import asyncio
import io
import json
import logging
import re
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wisp
from wisp.local import browser_log
from wisp.local.runner import on_sandbox
from wisp.local.virtual_time import VirtualTime
from wisp.sandbox.page import actions
from wisp.sandbox.page.log import KEPT, LONGEST_BODY
from wisp.sandbox.page.page import MOST_UPLOADED, Page
from wisp.sandbox.page.site import FILES
from wisp.sandbox.page.tab import BURST, LARGEST_FRAME, MOST_DOING, PACE
from wisp.sandbox.page.views import place_view
from wisp.sandbox.people.person import Person
from wisp.sandbox.people.typed import Slash, parse
from wisp.sandbox.server import Sandbox
from wisp.sandbox.world.objects import Impossible, Message
from wisp.sandbox.world.permissions import Permission

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbCdE.abcdefghijklmnopqrstuvwxyz0123456789AB"


@asynccontextmanager
async def a_sandbox() -> AsyncIterator[tuple[Sandbox, Page, aiohttp.ClientSession]]:
    """A sandbox with its page, on which no bot is."""
    async with Sandbox(page=True) as sandbox, aiohttp.ClientSession() as session:
        assert sandbox.page
        yield sandbox, sandbox.page, session


@asynccontextmanager
async def connected(page: Page, session: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    origin = page.url.split("/page/")[0]
    async with session.ws_connect(page.url + "socket", headers={"Origin": origin}, max_msg_size=0) as socket:
        yield socket


async def ask(socket: aiohttp.ClientWebSocketResponse, what: str, **fields: Any) -> dict[str, Any]:
    """What is answered to an action, whatever is pushed in between."""
    await socket.send_str(json.dumps({"do": what, "n": 7, **fields}))
    while True:
        frame = json.loads((await socket.receive(timeout=10)).data)
        if frame.get("re") == 7:
            return frame


async def test_the_address_holds_a_secret_and_nothing_is_served_without_it() -> None:
    async with a_sandbox() as (_, page, session):
        assert len(page.secret) >= 32
        for path in ("", "page.js", "socket", "../page.py"):
            async with session.get(page.url.replace(page.secret, "x" * len(page.secret)) + path) as answer:
                assert answer.status in (403, 404)
                assert page.secret not in await answer.text()
        async with Sandbox(page=True) as other:
            assert other.page
            assert other.page.secret != page.secret


async def test_what_a_browser_is_started_with_opens_the_page_once() -> None:
    async with a_sandbox() as (_, page, session):
        address = page.opening()
        assert page.secret not in address
        async with session.get(address) as answer:
            assert (answer.status, str(answer.url)) == (200, page.url)
        for gone in (address, address[:-3]):
            async with session.get(gone) as answer:
                assert answer.status == 404
                assert page.secret not in str(answer.url)


async def test_only_files_of_the_page_are_served() -> None:
    async with a_sandbox() as (_, page, session):
        names = sorted(path.name for path in FILES.iterdir())
        assert "index.html" in names
        for name in names:
            async with session.get(page.url + name) as answer:
                assert (answer.status, await answer.read()) == (200, (FILES / name).read_bytes())
        for name in ("..%2fpage.py", "%2e%2e/page.py", "page.py", "..%5cpage.py", "%2fetc%2fpasswd", "browser", ".%00"):
            async with session.get(page.url + name) as answer:
                assert answer.status == 404, name


async def test_every_answer_forbids_what_a_page_of_strangers_could_do() -> None:
    async with a_sandbox() as (_, page, session):
        for name in ("", "page.js", "nothing.js"):
            async with session.get(page.url + name) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "script-src 'self';" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_has_no_inline_script_and_reads_nothing_as_html() -> None:
    html = (FILES / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in html
    assert " style=" not in html
    assert " on" not in html.replace(" one", "").split("<body>")[0]
    scripts = [*FILES.rglob("*.js")]
    assert len(scripts) > 5
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        for sink in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "srcdoc",
        ):
            assert sink not in text, f"{script.name}: {sink}"
        assert "https://" not in text.replace("https?://", "").replace('"https:"', ""), script.name


async def test_a_web_page_that_a_bot_attached_cannot_act_as_the_sandboxs_own() -> None:
    async with a_sandbox() as (sandbox, _, session):
        attached = sandbox.world.attachments.add("page.html", b"<script>alert(1)</script>")
        async with session.get(attached.url) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert answer.headers["Content-Security-Policy"] == "sandbox"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["page", "api/v10/gateway", "attachments/1/a.png", "gateway"])
async def test_a_name_that_another_site_leads_here_is_refused_everywhere(path: str) -> None:
    async with a_sandbox() as (sandbox, page, session):
        address = page.url if path == "page" else f"{sandbox.rest_url.removesuffix('api/v10')}{path}"
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "localhost.evil.example", "[::2]:1"):
            async with session.get(address, headers={"Host": host}) as answer:
                assert answer.status == 421, host
        for host in ("localhost:9000", "127.0.0.1"):
            async with session.get(address, headers={"Host": host}) as answer:
                assert answer.status != 421, host


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1", ""])
async def test_another_sites_script_reaches_neither_page_nor_rest_nor_gateway(origin: str) -> None:
    async with a_sandbox() as (sandbox, page, session):
        headers = {"Origin": origin, "Authorization": f"Bot {sandbox.token}"}
        async with session.get(f"{sandbox.rest_url}/users/@me", headers=headers) as answer:
            assert answer.status == 403
        async with session.post(page.url + "upload", headers=headers, data=b"x") as answer:
            assert answer.status == 403
        for address in (sandbox.gateway_url, page.url + "socket"):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await session.ws_connect(address, headers={"Origin": origin})


async def test_the_socket_and_uploads_want_an_origin() -> None:
    async with a_sandbox() as (_, page, session):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(page.url + "socket")
        async with session.post(page.url + "upload", headers={"X-Filename": "a"}, data=b"x") as answer:
            assert answer.status == 403


async def test_a_frame_that_is_too_long_or_no_text_ends_the_connection() -> None:
    async with a_sandbox() as (_, page, session):
        async with connected(page, session) as socket:
            await socket.send_str(json.dumps({"do": "say", "n": 1, "text": "x" * LARGEST_FRAME}))
            assert await closing(socket) == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        async with connected(page, session) as socket:
            await socket.send_bytes(b'{"do": "say", "n": 1, "text": "x"}')
            assert await closing(socket) == aiohttp.WSCloseCode.UNSUPPORTED_DATA
        async with connected(page, session) as socket:
            assert "ok" in await ask(socket, "say", text="still here")


async def closing(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    while (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
        pass
    return socket.close_code


TAGS = [kind.__struct_config__.tag for kind in actions.Action.__subclasses__()]
assert len(TAGS) > 25


def test_the_browsers_code_asks_for_every_action_and_for_no_other() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FILES.glob("*.js"))
    assert [tag for tag in TAGS if f'"{tag}"' not in code] == []
    asked = set(re.findall(r'\b(?:ask|attempt)\(\s*"([a-z ]+)"', code))
    assert len(asked) > 20
    assert asked - set(TAGS) == set()


IDS = st.sampled_from(["0", "1", "9" * 20, "1258291200000000003", "-1", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    sorted({name for kind in actions.Action.__subclasses__() for name in kind.__struct_fields__} - {"n"})
)
FRAMES = st.one_of(
    st.text(max_size=200),
    VALUES.map(json.dumps),
    st.builds(
        lambda tag, fields: json.dumps({"do": tag, "n": 1, **fields}),
        st.sampled_from(TAGS),
        st.dictionaries(FIELDS, VALUES, max_size=4),
    ),
    st.sampled_from(
        [
            "[" * 100_000,
            '{"do":"say","n":1e400,"text":"x"}',
            '{"do":"go","n":1,"channel":"99999999999999999999"}',
            '{"do":"slash","n":1,"words":["__proto__"],"options":{"constructor":"x"}}',
            '{"do":"menu","n":1,"command":"x"}',
            '{"do":"join","n":1,"name":"\\u202e<img src=x onerror=alert(1)>"}',
            '{"do":"submit","n":1,"form":"1","values":{}}',
            '{"do":"be","n":1,"user":"1"}',
        ]
    ),
)


async def answered_or_ended(page: Page, session: aiohttp.ClientSession, frame: str) -> None:
    async with connected(page, session) as socket:
        await socket.send_str(frame)
        while (answer := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
            said = json.loads(answer.data)
            if "re" in said:
                assert ("ok" in said) != ("no" in said)
                return
        assert socket.close_code in (1007, 1008)


@settings(max_examples=40, deadline=None)
@given(st.lists(FRAMES, min_size=1, max_size=8))
def test_whatever_a_frame_says_is_done_refused_in_words_or_ends_the_connection(frames: list[str]) -> None:
    async def attack() -> None:
        # on its way out the sandbox raises what it failed on itself
        async with a_sandbox() as (_, page, session):
            await asyncio.gather(*(answered_or_ended(page, session, frame) for frame in frames))
            async with connected(page, session) as socket:
                assert "ok" in await ask(socket, "follow", on=True)

    asyncio.run(attack())


async def test_too_many_actions_at_once_are_refused() -> None:
    async with a_sandbox() as (sandbox, page, session), connected(page, session) as socket:
        sandbox.world.commands.set(None, {"name": "hello", "description": "Nobody answers."})
        for number in range(MOST_DOING + 5):
            await socket.send_str(json.dumps({"do": "slash", "n": number, "words": ["hello"]}))
        refused = 0
        while refused < 5:
            frame = json.loads((await socket.receive(timeout=10)).data)
            refused += "things are under way already" in frame.get("no", "")


async def test_messages_do_not_make_a_tab_build_the_view_of_its_place_again(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Person] = []

    def note(person: Person) -> dict[str, Any]:
        built.append(person)
        return place_view(person)

    monkeypatch.setattr("wisp.sandbox.page.tab.place_view", note)
    async with a_sandbox() as (sandbox, page, session), connected(page, session) as socket:
        await ask(socket, "older", before="1")
        world, channel = sandbox.world, next(iter(sandbox.world.channels.values()))
        world.messages.add(channel, world.bot, content="hello")
        await pushed(socket, "messages")
        built.clear()
        for number in range(5):
            message = world.messages.add(channel, world.bot, content=f"number {number}")
            world.messages.edit(message, content="edited")
            assert (await pushed(socket, "messages"))["changed"][0]["content"] == "edited"
        assert built == []
        world.roles.add(next(iter(world.guilds.values())), "new role")
        assert "new role" in json.dumps(await pushed(socket, "place"))
        assert len(built) == 1


async def test_a_mentioned_channel_is_not_named_to_a_person_who_does_not_see_it() -> None:
    async with a_sandbox() as (sandbox, page, session), connected(page, session) as socket:
        world, guild = sandbox.world, next(iter(sandbox.world.guilds.values()))
        bob = next(user for user in world.users.values() if user.name == "bob")
        hidden = world.channels.add(guild, "surprise-party")
        world.channels.set_overwrite(hidden, guild.everyone, deny=int(Permission.VIEW_CHANNEL))
        await ask(socket, "be", user=str(bob.id))
        world.messages.add(next(iter(world.channels.values())), world.owner, content=f"see {hidden.mention}")
        (shown,) = (await pushed(socket, "messages"))["changed"]
        assert shown["names"] == {f"#{hidden.id}": None}
        assert "surprise-party" not in json.dumps(shown)


async def pushed(socket: aiohttp.ClientWebSocketResponse, push: str) -> dict[str, Any]:
    """The next frame of a kind that is no answer."""
    while (frame := json.loads((await socket.receive(timeout=10)).data)).get("push") != push:
        pass
    return frame


async def test_a_flood_of_actions_is_slowed_down(time: VirtualTime) -> None:
    async with a_sandbox() as (_, page, session), connected(page, session) as socket:
        began, last = time.time(), BURST + 3 * int(PACE)
        for number in range(last + 1):
            await socket.send_str(json.dumps({"do": "follow", "n": number, "on": False}))
        while json.loads((await socket.receive()).data).get("re") != last:
            pass
        assert time.time() - began == pytest.approx(3, abs=0.2)


async def test_a_hundred_thousand_messages_reach_a_browser_as_a_page_of_them() -> None:
    async with a_sandbox() as (sandbox, page, session):
        world, channel = sandbox.world, next(iter(sandbox.world.channels.values()))
        for number in range(100_000):  # as `messages.add` leaves them, without telling anybody of each
            message = Message(world.next_id(), channel, world.owner, 0.0, f"number {number}")
            world.messages._items[message.id] = channel.messages[message.id] = message
        async with connected(page, session) as socket:
            sizes: list[int] = []
            while len(sizes) < 3:
                frame = await socket.receive(timeout=10)
                sizes.append(len(frame.data))
            assert sum(sizes) < 200_000
            for number in range(2_000):
                world.messages.add(channel, world.bot, content=f"flood {number}")
            shown = json.loads((await socket.receive(timeout=10)).data)
            assert (shown["push"], len(shown["messages"])) == ("channel", 50)
            assert shown["messages"][-1]["content"] == "flood 1999"
            older = await ask(socket, "older", before=shown["messages"][0]["id"])
            assert [one["content"] for one in older["ok"]["messages"]][-1] == "flood 1949"


async def test_a_private_answer_is_sent_to_no_other_person() -> None:
    async with a_sandbox() as (sandbox, page, session), connected(page, session) as socket:
        world, channel = sandbox.world, next(iter(sandbox.world.channels.values()))
        bob = next(user for user in world.users.values() if user.name == "bob")
        hidden = world.messages.add(channel, world.bot, content="for bob alone", flags=64, ephemeral_for=bob)
        elsewhere = world.messages.add(world.channels.dm(bob), world.bot, content="in his direct messages")
        seen: list[str] = []
        await ask(socket, "say", text="hello")
        for what, fields in {
            "click": {"message": str(hidden.id), "button": "x"},
            "dismiss": {"message": str(hidden.id)},
            "go": {"channel": str(elsewhere.channel.id)},
            "older": {"before": "9" * 19},
        }.items():
            await socket.send_str(json.dumps({"do": what, "n": 7, **fields}))
            while True:
                frame = await socket.receive(timeout=10)
                seen.append(frame.data)
                if json.loads(frame.data).get("re") == 7:
                    break
        assert not any("bob alone" in one or ("direct messages" in one and "content" in one) for one in seen)


async def test_a_person_is_told_nothing_of_a_channel_or_an_answer_that_they_do_not_see() -> None:
    async with a_sandbox() as (sandbox, page, session), connected(page, session) as socket:
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        general = guild.channel("general")
        assert general is not None
        bob = next(user for user in world.users.values() if user.name == "bob")
        hidden = world.channels.add(guild, "secret-channel", topic="secret topic")
        world.channels.set_overwrite(hidden, guild.everyone, deny=Permission.VIEW_CHANNEL)
        assert "ok" in await ask(socket, "be", user=str(bob.id))
        await socket.send_str(json.dumps({"do": "go", "n": 1, "channel": str(hidden.id)}))
        world.messages.add(general, world.bot, content=f"All see this, and no name: {hidden.mention}")
        answer = world.messages.add(general, world.bot, content="secret", flags=64, ephemeral_for=world.owner)
        world.messages.edit(answer, content="secret answer")
        world.messages.add(hidden, world.owner, content="secret message")
        world.threads.start(hidden, "secret thread", world.owner)
        await socket.send_str(json.dumps({"do": "older", "n": 2, "before": "9" * 19}))
        await socket.send_str(json.dumps({"do": "say", "n": 3, "text": "the end"}))
        frames: list[str] = []
        while json.loads(frames[-1] if frames else "{}").get("re") != 3:
            frames.append((await socket.receive(timeout=10)).data)
    told = "".join(frames)
    assert "All see this" in told
    assert "the end" in told
    assert "secret" not in told
    assert str(hidden.id) not in told.replace(hidden.mention, "").replace(f"#{hidden.id}", "")


async def test_files_are_uploaded_within_bounds_and_the_oldest_make_room() -> None:
    async with a_sandbox() as (_, page, session):
        headers = {"Origin": page.url.split("/page/")[0], "X-Filename": "na%20me.txt"}
        keys: list[str] = []
        for number in range(MOST_UPLOADED + 1):
            async with session.post(page.url + "upload", headers=headers, data=str(number).encode()) as answer:
                keys.append((await answer.json())["key"])
        assert page.uploaded(keys[-1]).name == "na me.txt"
        assert page.uploaded(keys[-1]).content == str(MOST_UPLOADED).encode()
        with pytest.raises(wisp.errors.WispError, match="choose it again"):
            page.uploaded(keys[0])
        async with session.post(
            page.url + "upload", headers=headers, data=io.BytesIO(bytes(11 * 1024 * 1024))
        ) as answer:
            assert answer.status == 413


async def test_a_path_on_this_machine_is_no_file_for_a_browser(tmp_path: Path) -> None:
    private = tmp_path / "private.txt"
    private.write_text("secret")
    async with a_sandbox() as (sandbox, page, session), connected(page, session) as socket:
        options = [{"type": 11, "name": "file", "description": "A file", "required": True}]
        sandbox.world.commands.set(None, {"name": "read", "description": "Reads.", "options": options})
        answer = await ask(socket, "slash", words=["read"], options={"file": str(private)})
        assert "choose it again" in answer["no"]
        answer = await ask(socket, "enter", line=f"/read file:{private}")
        assert "choose it again" in answer["no"]


@pytest.mark.parametrize(
    "line",
    [
        "/hello",
        "  /admin kick  user:@bob ",
        '/say text:"a \\"b\\" \\\\ c\\nd" loud:',
        "/go url:https://a.b/c?d=1",
        '/say name:"a"b',
        "/say name:a name:b",
        '/say name:"a',
        "/say name:a b",
        "/say :b",
        "/",
    ],
)
async def test_a_typed_line_is_read_on_the_page_as_in_the_terminal(line: str) -> None:
    try:
        typed = parse(line)
        assert isinstance(typed, Slash)
        expected: dict[str, Any] = {"ok": {"words": list(typed.words), "options": [list(one) for one in typed.options]}}
    except Impossible as refusal:
        expected = {"no": str(refusal)}
    async with a_sandbox() as (_, page, session), connected(page, session) as socket:
        answer = await ask(socket, "parse", line=line)
        assert {key: answer[key] for key in ("ok", "no") if key in answer} == expected
        if "no" in expected:
            assert (await ask(socket, "enter", line=line))["no"] == expected["no"]


@pytest.mark.parametrize("line", ["", "hello", ":as bob", "\\/hello"])
async def test_only_slash_commands_are_read_of_a_typed_line(line: str) -> None:
    async with a_sandbox() as (_, page, session), connected(page, session) as socket:
        for what in ("parse", "enter"):
            assert "a slash command is expected" in (await ask(socket, what, line=line))["no"]


# Secrets


async def overheard(monkeypatch: pytest.MonkeyPatch, use: Callable[[Sandbox], Awaitable[object]]) -> bytes:
    """All that a bot with a real token sends to the sandbox, while it is used."""
    heard = bytearray()

    class Overheard(Sandbox):
        async def start(self) -> None:
            await super().start()
            port = int(self.rest_url.split(":")[2].split("/")[0])

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                there, back = await asyncio.open_connection("127.0.0.1", port)

                async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, note: bool) -> None:
                    while chunk := await source.read(65536):
                        if note:
                            heard.extend(chunk)
                        target.write(chunk)
                    target.close()

                await asyncio.gather(copy(reader, back, note=True), copy(there, writer, note=False))

            self.relay = await asyncio.start_server(relay, "127.0.0.1", 0)
            place = f"127.0.0.1:{self.relay.sockets[0].getsockname()[1]}"
            self.rest_url = f"http://{place}/api/v10"

        async def close(self) -> None:
            self.relay.close()
            await super().close()

    monkeypatch.setattr("wisp.local.runner.Sandbox", Overheard)
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    frames: list[str | bytes] = []
    receive = wisp.sandbox.gateway.connection.Connection._receive  # what a client sends over a websocket is masked

    def noted(connection: Any, raw: str | bytes) -> None:
        frames.append(raw)
        receive(connection, raw)

    monkeypatch.setattr("wisp.sandbox.gateway.connection.Connection._receive", noted)
    async with on_sandbox(wisp.Bot(), page=True) as sandbox:
        await use(sandbox)
    return bytes(heard) + b"".join(frame.encode() if isinstance(frame, str) else frame for frame in frames)


async def test_a_real_token_is_never_sent_to_the_sandbox_which_connects_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places: list[Any] = []
    listening = True
    sys.addaudithook(lambda name, args: places.append(args[1]) if listening and name == "socket.connect" else None)

    async def use(sandbox: Sandbox) -> None:
        await asyncio.sleep(0)

    sent = await overheard(monkeypatch, use)
    listening = False
    assert b"Authorization: Bot " in sent
    assert TOKEN.encode() not in sent
    assert places
    assert all(place[0] == "127.0.0.1" for place in places)


async def test_neither_log_nor_errors_nor_traffic_show_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    other = TOKEN.replace("GAbCdE", "XyZ123")
    async with on_sandbox(wisp.Bot(), page=True) as sandbox:
        assert sandbox.page
        logging.getLogger("bot").warning("my tokens are %s, %s and %s", TOKEN, other, sandbox.token)
        sandbox.page.log.add_error("/leak", "abc", f"Traceback\nValueError: {TOKEN} https://x/webhooks/1/s3cr3t.-/x")
        data = {"token": "abc", "session_id": "ghi", "inner": [{"session_id": "def"}], "text": TOKEN}
        sandbox.page.log.add_event(0, "X", data)
        sandbox.page.log.add_event(0, "X", {"authorization": "jkl"})
        sandbox.page.log.add_line("info", "bot", "POST /interactions/1/t0k3n/callback")
        await asyncio.sleep(0)
        shown = " ".join(f"{one.title} {one.body}" for one in sandbox.page.log.newest())
    assert "my tokens are <token>, <token> and <token>" in shown
    for secret in (TOKEN, other, sandbox.token, "s3cr3t", "t0k3n", '"abc"', '"def"', '"ghi"', '"jkl"'):
        assert secret not in shown


async def test_the_traffic_shows_nothing_that_one_could_post_with() -> None:
    async with on_sandbox(wisp.Bot(), page=True) as sandbox, aiohttp.ClientSession() as session:
        assert sandbox.page
        place = f"{sandbox.rest_url}/channels/{next(iter(sandbox.world.channels))}/webhooks"
        headers = {"Authorization": f"Bot {sandbox.token}"}
        async with session.post(place, json={"name": "Hook"}, headers=headers) as response:
            webhook = await response.json()
        async with session.post(webhook["url"], json={"content": "Ahoy"}) as response:
            assert response.status == 204
        shown = " ".join(f"{one.title} {one.body}" for one in sandbox.page.log.newest())
    assert "Ahoy" in shown
    assert webhook["token"] not in shown


async def test_the_page_shows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PASSWORD", "correct horse battery staple")
    async with on_sandbox(wisp.Bot(), page=True) as sandbox, aiohttp.ClientSession() as session:
        assert sandbox.page
        async with connected(sandbox.page, session) as socket:
            seen = [(await socket.receive(timeout=10)).data for _ in range(2)]
            await socket.send_str(json.dumps({"do": "follow", "n": 7, "on": True}))
            while json.loads(seen[-1]).get("re") != 7:
                seen.append((await socket.receive(timeout=10)).data)
    text = " ".join(seen)
    assert "READY" in text
    for private in ("battery staple", str(Path.home()), str(Path.cwd()), sandbox.token):
        assert private not in text


async def test_records_are_bounded_in_number_and_length() -> None:
    async with a_sandbox() as (_, page, _):
        for number in range(KEPT + 10):
            page.log.add_line("info", "bot", f"{number} " + "x" * 100 + "\n" + "y" * 100_000)
        kept = page.log.newest()
        assert len(kept) == KEPT
        assert max(len(record.body) for record in kept) < LONGEST_BODY + 100


def test_a_browser_is_opened_on_a_desktop_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    assert browser_log.desktop_browser() is None
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert browser_log.desktop_browser() is None
    monkeypatch.delenv("SSH_CONNECTION")
    for browser, opens in (("sh %s &", True), ("true", False)):  # a program that is no browser says no
        monkeypatch.setenv("BROWSER", browser)
        monkeypatch.setattr(webbrowser, "_tryorder", None)
        assert (browser_log.desktop_browser() is not None) is opens
