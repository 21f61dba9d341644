"""`wisp sandbox --serve`: a bot of another library in one process, on a local Discord in another."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import aiohttp
import pytest

from wisp.cli import main

BOT = Path(__file__).parent / "bots" / "with_lightbulb.py"
PATIENCE = 30.0
"""Seconds in which a bot must have come up."""


class Served:
    """A process of `wisp sandbox --serve`."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wisp", "sandbox", "--serve"],
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


def bot_process(served: Served) -> subprocess.Popen[str]:
    place = {"REST": served.place["rest"], "GATEWAY": served.place["gateway"], "TOKEN": served.place["token"]}
    return subprocess.Popen([sys.executable, str(BOT)], env=os.environ | place, stderr=subprocess.PIPE, text=True)


def test_a_bot_of_another_library_runs_on_it_unchanged(served: Served) -> None:
    bot = bot_process(served)
    try:
        end = time.monotonic() + PATIENCE
        # Until it has registered its command and hears of interactions, as on Discord.
        while (greeted := served.type("/greet user:@bob"))["failed"] and time.monotonic() < end:
            assert bot.poll() is None, bot.communicate()[1]
            time.sleep(0.02)
        assert greeted["failed"] is None
        assert greeted["content"].startswith("Hello <@")
        assert greeted["ephemeral"] is False
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
    assert served.type(":quit")["failed"] is None
    assert served.process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    "arguments", [["bot.py", "--serve"], ["--serve", "--run", "/x"], ["--serve", "--keep", "x"], []]
)
def test_a_command_line_that_makes_no_sense_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", *arguments]) == 2
    assert "--serve" in capsys.readouterr().err.splitlines()[-1]
