"""`wisp sandbox --serve`: a bot of another library in one process, on a local Discord in another."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest

from wisp.cli import main
from wisp.local import chat
from wisp.sandbox.people.person import People
from wisp.sandbox.server import Sandbox
from wisp.sandbox.world.objects import Impossible

BOT = Path(__file__).parent / "bots" / "with_lightbulb.py"
PATIENCE = 30.0
"""Seconds in which a bot must have come up."""


class Served:
    """A process of `wisp sandbox --serve`."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wisp", "sandbox", "--serve", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.place = self.answer()

    def answer(self) -> dict[str, Any]:
        return json.loads(stream(self.process.stdout).readline())

    def type(self, line: str) -> dict[str, Any]:
        """Type a line; what is said of it."""
        typing = stream(self.process.stdin)
        typing.write(line + "\n")
        typing.flush()
        answer = self.answer()
        assert answer["command"] == line
        return answer

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it wrote to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


def stream(one: IO[str] | None) -> IO[str]:
    assert one is not None
    return one


@pytest.fixture
def served() -> Iterator[Served]:
    running = Served()
    yield running
    running.process.kill()
    running.process.communicate()


def bot_process(served: Served, bot: Path = BOT) -> subprocess.Popen[str]:
    place = {"REST": served.place["rest"], "GATEWAY": served.place["gateway"], "TOKEN": served.place["token"]}
    return subprocess.Popen([sys.executable, str(bot)], env=os.environ | place, stderr=subprocess.PIPE, text=True)


def rest(served: Served, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the bot's own call is answered."""
    request = urllib.request.Request(served.place["rest"] + path, method=method)
    request.add_header("Authorization", f"Bot {served.place['token']}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read() or b"null")


def test_a_bot_of_another_library_runs_on_it_unchanged(served: Served) -> None:
    bot = bot_process(served)
    try:
        end = time.monotonic() + PATIENCE
        ready = served.type(":ready /greet")
        assert (ready["result"]["ready"], ready["failed"]) == (True, None)
        assert "greet" in ready["result"]["commands"]
        greeted = served.type("/greet user:@bob")
        assert greeted["failed"] is None
        assert greeted["content"].startswith("Hello <@")
        assert greeted["ephemeral"] is False
        suggested = served.type(":complete /fruit name:ap")
        assert [choice["value"] for choice in suggested["result"]["choices"]] == ["apple", "apricot"]
        assert suggested["notes"] == ["-- name: Apple, Apricot"]
        assert "no option 'user' with autocomplete" in served.type(":complete /greet user:b")["failed"]
        clicked = served.type(":click Again")
        assert (clicked["content"][:9], clicked["ephemeral"], clicked["failed"]) == ("Again, <@", True, None)
        messages = served.type("Hello?")["messages"]
        while not messages and time.monotonic() < end:  # on a busy machine it comes after the line has been answered
            time.sleep(0.1)
            messages = served.type(":as ada")["messages"]
        assert [message["content"] for message in messages] == ["I heard that."]
    finally:
        bot.terminate()
        bot.communicate(timeout=10)
    assert served.stop() == (0, "")  # nothing was asked that the sandbox does not serve


def test_it_stays_up_when_its_input_ends_and_stops_on_a_signal(served: Served) -> None:
    stream(served.process.stdin).close()
    with pytest.raises(subprocess.TimeoutExpired):
        served.process.wait(timeout=0.5)
    served.process.stdin = None
    assert served.stop(signal.SIGINT) == (0, "")


def test_a_bot_that_is_refused_at_the_gateway_reads_on_stderr_why(served: Served) -> None:
    async def identify() -> aiohttp.WSMessage:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(served.place["gateway"] + "?v=10&encoding=json", autoclose=False) as socket,
        ):
            await socket.receive(timeout=10)  # the hello
            await socket.send_json({"op": 2, "d": {"token": "wrong", "properties": {}, "intents": 0}})
            return await socket.receive(timeout=10)

    closed = asyncio.run(identify())
    reason = "authentication failed: this is not the sandbox's token"
    assert (closed.data, closed.extra) == (4004, reason)
    assert served.stop() == (0, f"the sandbox's gateway closed the bot's connection with 4004: {reason}\n")


def test_the_time_of_a_bot_in_another_process_stays(served: Served) -> None:
    refused = served.type(":advance 2h")["failed"]
    assert refused == (
        "the bot runs in another process, whose time the sandbox cannot move: "
        "`wisp sandbox bot.py` runs a wisp bot in the same process"
    )


def test_the_first_line_says_where_to_connect_and_quit_stops_it(served: Served) -> None:
    place = served.place
    assert place["rest"].startswith("http://127.0.0.1:")
    assert place["rest"].endswith("/api/v10")
    assert place["gateway"].startswith("ws://127.0.0.1:")
    assert place["token"].count(".") == 2
    assert urllib.request.urlopen(place["page"], timeout=10).status == 200
    (guild,) = rest(served, "GET", "/users/@me/guilds")
    assert guild["id"] == place["guild"]
    assert rest(served, "GET", f"/guilds/{place['guild']}")["owner_id"] == place["owner"]
    channels = rest(served, "GET", f"/guilds/{place['guild']}/channels")
    assert place["channels"] == {channel["name"]: channel["id"] for channel in channels}
    assert place["channels"]
    assert served.type(":quit")["failed"] is None
    assert served.process.wait(timeout=10) == 0


DEFERS = """
import asyncio, os, hikari

bot = hikari.GatewayBot(os.environ["TOKEN"], rest_url=os.environ["REST"], banner=None)

@bot.listen()
async def start(event: hikari.StartedEvent) -> None:
    me = await bot.rest.fetch_application()
    for name in ("fails", "slow", "locale"):
        await bot.rest.create_slash_command(me.id, name, "-")

@bot.listen()
async def answer(event: hikari.InteractionCreateEvent) -> None:
    interaction = event.interaction
    if interaction.command_name == "locale":
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, str(interaction.locale))
        return
    await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
    if interaction.command_name == "fails":
        raise RuntimeError("after it deferred")
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
    await interaction.edit_initial_response("at last")

bot.run()
"""


def test_a_bot_that_defers_and_fails_does_not_block_the_input_and_a_late_answer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "defers.py").write_text(DEFERS)
    served = Served("--patience", "0.5")
    bot = bot_process(served, tmp_path / "defers.py")
    try:
        assert served.type(":ready /fails /slow /locale")["failed"] is None
        begun = time.monotonic()
        failed = served.type("/fails")
        assert time.monotonic() - begun < 10
        assert (failed["deferred"], failed["failed"]) == (True, "no answer within 3.5 s; :wait waits for it")
        assert served.type("/slow")["failed"] == "no answer within 3.5 s; :wait waits for it"
        (tmp_path / "go").touch()
        waited = served.type(":wait")
        assert (waited["content"], waited["deferred"], waited["failed"]) == ("at last", True, None)
        assert served.type("/locale")["content"] == "en-US"
        assert served.type(":locale de")["result"] == {"locale": "de"}
        assert served.type("/locale")["content"] == "de"
        assert served.type(":as bob")["failed"] is None
        assert served.type("/locale")["content"] == "en-US"
    finally:
        bot.terminate()
        bot.communicate(timeout=10)
        served.stop()


def test_a_bot_that_is_not_there_does_not_respond(served: Served) -> None:
    rest(served, "POST", f"/applications/{_application(served)}/commands", {"name": "hi", "description": "-"})
    assert served.type("/hi")["failed"] == "The application did not respond"
    assert served.type(":wait")["failed"] == "The application did not respond"


def _application(served: Served) -> str:
    return rest(served, "GET", "/applications/@me")["id"]


def test_what_people_do_in_lines_is_what_the_bot_reads_over_rest(served: Served, tmp_path: Path) -> None:
    guild, general = served.place["guild"], served.place["channels"]["general"]
    (tmp_path / "a b.txt").write_bytes(b"hello")

    def do(line: str) -> dict[str, Any]:
        answer = served.type(line)
        assert answer["failed"] is None, answer
        return answer["result"]

    def message(id: str) -> Any:
        return rest(served, "GET", f"/channels/{general}/messages/{id}")

    first = do("first")["message"]
    do(":as bob")
    second = do(":reply ^ yes #general")["message"]
    assert message(second)["message_reference"]["message_id"] == first
    assert [user["username"] for user in message(second)["mentions"]] == ["ada"]
    assert message(do(f":reply ^{first} @off no")["message"])["mentions"] == []
    assert do(":edit ^2 no #general")["message"] == second
    assert message(second)["content"] == f"no <#{general}>"
    do(":as ada")
    assert "can edit their own messages, not bob's" in served.type(":edit ^2 mine")["failed"]
    assert do(f":react ^{second} 👍")["message"] == second
    assert do(":emoji wave")["name"] == "wave"
    do(":react ^2 :wave:")
    reacted = message(second)["reactions"]
    assert [one["emoji"]["name"] for one in reacted] == ["👍", "wave"]
    do(":unreact ^2 👍")
    assert [one["emoji"]["name"] for one in message(second)["reactions"]] == ["wave"]
    third = do(f':attach "{tmp_path / "a b.txt"}" -- here')["message"]
    assert (message(third)["content"], message(third)["attachments"][0]["size"]) == ("here", 5)
    assert do(":delete")["message"] == third
    assert [one["id"] for one in rest(served, "GET", f"/channels/{general}/messages?limit=2")][1:] == [second]
    plans = do(f":thread ^{first} plans")["channel"]
    assert rest(served, "GET", f"/channels/{plans}")["parent_id"] == general
    assert do(":in #general")["channel"] == general

    rooms = do(":channel Rooms category")["channel"]
    for kind, number in (("voice", 2), ("forum", 15), ("announcement", 5), ("stage", 13), ("text", 0)):
        made = rest(served, "GET", f"/channels/{do(f':channel of-{kind} {kind} in Rooms')['channel']}")
        assert (made["type"], made["parent_id"], made["name"]) == (number, rooms, f"of-{kind}")

    mods = do(":role Mods #ff8800 +KICK_MEMBERS +BAN_MEMBERS")["role"]
    assert do(":role Mods -BAN_MEMBERS") == {"role": mods, "permissions": ["KICK_MEMBERS"], "color": 0xFF8800}
    bob = do(":give @bob Mods")["user"]
    assert rest(served, "GET", f"/guilds/{guild}/members/{bob}")["roles"] == [mods]
    do(":overwrite @Mods +VIEW_CHANNEL -SEND_MESSAGES")
    (denied,) = rest(served, "GET", f"/channels/{general}")["permission_overwrites"]
    assert denied == {"id": mods, "type": 0, "allow": str(1 << 10), "deny": str(1 << 11)}
    do(":as bob")
    assert "needs SEND_MESSAGES" in served.type("hi")["failed"]
    do(":as ada")
    do(":overwrite @Mods")
    assert rest(served, "GET", f"/channels/{general}")["permission_overwrites"] == []
    do(":take @bob Mods")
    assert rest(served, "GET", f"/guilds/{guild}/members/{bob}")["roles"] == []
    do(":unrole Mods")
    assert mods not in {role["id"] for role in rest(served, "GET", f"/guilds/{guild}/roles")}
    do(":role @everyone -SEND_MESSAGES")
    assert do(":bot -ALL +VIEW_CHANNEL +READ_MESSAGE_HISTORY")["permissions"] == [
        "VIEW_CHANNEL",
        "READ_MESSAGE_HISTORY",
    ]
    with pytest.raises(urllib.error.HTTPError) as refused:
        rest(served, "POST", f"/channels/{general}/messages", {"content": "may I?"})
    assert (refused.value.code, json.loads(refused.value.read())["code"]) == (403, 50013)
    do(":bot +ALL")
    rest(served, "POST", f"/channels/{general}/messages", {"content": "I may"})

    eve = do(":join eve")["user"]
    do(":kick @eve too loud")
    assert eve not in {one["user"]["id"] for one in rest(served, "GET", f"/guilds/{guild}/members?limit=100")}
    do(":join eve")
    do(":ban @eve spam and eggs")
    (ban,) = rest(served, "GET", f"/guilds/{guild}/bans")
    assert (ban["user"]["id"], ban["reason"]) == (eve, "spam and eggs")
    assert "banned" in served.type(":join eve")["failed"]
    do(":unban eve")
    do(":join eve")
    do(":leave @eve")
    logged = rest(served, "GET", f"/guilds/{guild}/audit-logs")["audit_log_entries"]
    assert [(one["action_type"], one.get("reason")) for one in logged] == [
        (23, None),
        (22, "spam and eggs"),
        (20, "too loud"),
    ]
    assert served.stop() == (0, "")


def test_a_user_who_has_left_is_still_who_wrote_and_can_be_named_by_id(served: Served) -> None:
    guild, general = served.place["guild"], served.place["channels"]["general"]
    options = [{"type": 6, "name": "who", "description": "-"}]
    command = {"name": "who", "description": "-", "options": options}
    rest(served, "POST", f"/applications/{_application(served)}/commands", command)
    bob = served.type(":as bob")["result"]["user"]
    said = served.type("I go, @bob")["result"]["message"]
    left = served.type(":leave")
    assert (left["result"], left["notes"]) == ({"user": bob}, ["-- bob left Sandbox"])
    assert "bob is not a member" in served.type(":in #general")["failed"]
    served.type(":as ada")
    served.type(":guild Sandbox")
    message = rest(served, "GET", f"/channels/{general}/messages/{said}")
    assert (message["author"]["id"], [user["id"] for user in message["mentions"]]) == (bob, [bob])
    with pytest.raises(urllib.error.HTTPError) as missing:
        rest(served, "GET", f"/guilds/{guild}/members/{bob}")
    assert json.loads(missing.value.read())["code"] == 10007
    data = asyncio.run(_invoked(served, f"/who who:{bob}"))
    assert data["data"]["options"] == [{"type": 6, "name": "who", "value": bob}]
    assert [*data["data"]["resolved"]] == ["users"]  # no member any more
    assert data["data"]["resolved"]["users"][bob]["username"] == "bob"
    assert "has no '@bob'" in served.type("/who who:@bob")["failed"]


async def _invoked(served: Served, line: str) -> dict[str, Any]:
    """The interaction that a line sends to a bot."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(served.place["gateway"] + "?v=10&encoding=json") as socket,
    ):
        await socket.receive_json(timeout=10)
        token = served.place["token"]
        await socket.send_json({"op": 2, "d": {"token": token, "properties": {}, "intents": 0}})
        typing = asyncio.create_task(asyncio.to_thread(served.type, line))
        async for frame in socket:
            event = json.loads(frame.data)
            if event["t"] == "INTERACTION_CREATE":
                await typing
                return event["d"]
    raise AssertionError("the gateway closed")


@pytest.mark.parametrize(
    "arguments",
    [
        ["bot.py", "--serve"],
        ["--serve", "--run", "/x"],
        ["--serve", "--keep", "x"],
        ["bot.py", "--patience", "1"],
        [],
    ],
)
def test_a_command_line_that_makes_no_sense_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", *arguments]) == 2
    assert "--serve" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "901", "soon"])
def test_patience_is_some_seconds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "--serve", "--patience", seconds]) == 2
    assert "--patience" in capsys.readouterr().err.splitlines()[-1]


def test_whatever_is_fed_to_it_each_line_has_one_answer_and_the_next_is_done(served: Served) -> None:
    garbage = [
        b"\xff\xfe\x00",
        b"\x00\x1b[2J",
        b":react " + b"x" * 200_000,
        b":role " + b'"' * 50,
        b":menu ^",
        b":reply ^99999999999999999999 x",
        b":complete /",
        b":complete hi",
        ":edit ^ \u202e\u2028".encode(),
        b":bot +",
        b":wait",
        b":channel x y z in",
        b":attach /dev/null --",
        b":attach /proc/self/mem",
        b":attach / -- x",
    ]
    pipe = stream(served.process.stdin).buffer
    for line in garbage:
        pipe.write(line + b"\n")
        pipe.flush()
        answer = served.answer()
        assert answer["failed"] is None or "\n" not in answer["failed"]
    assert served.type(":react 👍")["failed"] is None
    assert served.stop() == (0, "")


def test_a_bot_that_is_killed_while_it_thinks_ends_its_line(tmp_path: Path) -> None:
    (tmp_path / "defers.py").write_text(DEFERS)
    served = Served("--patience", "0.5")
    try:
        bot = bot_process(served, tmp_path / "defers.py")
        assert served.type(":ready /slow")["failed"] is None
        assert served.type("/slow")["deferred"]
        bot.kill()
        bot.communicate()
        assert served.type("/locale")["failed"] == "The application did not respond"
        assert served.type("hello")["failed"] is None
    finally:
        served.process.kill()
        served.process.communicate()


@pytest.mark.parametrize("connects_first", [True, False])
async def test_ready_waits_for_the_connection_and_for_the_commands(
    connects_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "_IDLE_AFTER", 0.01)
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        sockets: list[aiohttp.ClientWebSocketResponse] = []

        async def connect() -> None:
            socket = await session.ws_connect(sandbox.gateway_url + "?v=10&encoding=json")
            sockets.append(socket)
            await socket.receive_json(timeout=10)
            await socket.send_json({"op": 2, "d": {"token": sandbox.token, "properties": {}, "intents": 0}})
            assert (await socket.receive_json(timeout=10))["t"] == "READY"

        async def register() -> None:
            sandbox.world.commands.set(None, {"name": "hi", "description": "-"})

        steps = [connect, register] if connects_first else [register, connect]
        bot = chat._ForeignBot(People(sandbox.world), sandbox)  # type: ignore[reportPrivateUsage]
        ready = asyncio.create_task(bot.ready(["hi"]))
        await steps[0]()
        await asyncio.sleep(0.1)
        assert not ready.done()
        await steps[1]()
        await asyncio.wait_for(ready, 10)


async def test_ready_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "_READY_TIMEOUT", 0.01)
    async with Sandbox() as sandbox:
        bot = chat._ForeignBot(People(sandbox.world), sandbox)  # type: ignore[reportPrivateUsage]
        with pytest.raises(Impossible, match=r"not ready after 0.01 s: it is not connected"):
            await bot.ready([])
        with pytest.raises(Impossible, match=r"no answer within 0.01 s more"):
            await bot.wait(lambda: False)
