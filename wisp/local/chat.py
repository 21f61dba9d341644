"""A chat on a local Discord: lines that somebody types, or a program sends, and what comes of each."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import textwrap
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from typing import Any, TextIO, cast

from ..program import stop_signals
from ..sandbox.console import Console, Lines
from ..sandbox.faults import Breakable
from ..sandbox.invocation import Impossible
from ..sandbox.line import Say, parse
from ..sandbox.people import People, Reply
from ..sandbox.server import Sandbox
from ..sandbox.terminal import Terminal, complaint, example, is_advance
from ..sandbox.world import Attachment, Happening, Message, MessageCreated, MessageEdited, World
from ..tasks import described

PATIENCE = 60.0
"""Seconds that a bot in another process has to answer a line."""

BRISK = 0.5
"""Seconds that the prompt waits for the answer to the last line, so that most answers come above it."""

QUIET = 0.25
"""Seconds without anything new after which a bot of another library is taken to be at rest: it cannot be asked."""


async def serve(output: TextIO) -> int:
    """A local Discord for a bot of any library, until a signal or `:quit` ends it; the exit code.

    The first line of `output` is a JSON object: "rest" and "gateway" (their addresses), "token", which the bot is to
    be given, and "page", the address for a browser. Then each line of standard input gives one more, as `--json`
    does; its end ends nothing.
    """
    async with Sandbox(page=True) as sandbox:
        assert sandbox.page is not None
        people = People(sandbox.world, patience=PATIENCE)
        console = Console(sys.stdin, output)
        console.interactive = False
        chat = Chat(people, console, as_json=True, breakable=sandbox)

        async def settle(is_answered: Callable[[], bool]) -> None:
            await people.answered(is_answered)
            await _quiet(sandbox.world)

        people.settle = settle
        place = {
            "rest": sandbox.rest_url,
            "gateway": sandbox.gateway_url,
            "token": sandbox.token,
            "page": sandbox.page.url,
        }
        console.write(json.dumps(place))
        return await chat.serve()


async def _quiet(world: World) -> None:
    """Wait until nothing that people can see has happened for a while."""
    happened = asyncio.Event()
    stop = world.watch(lambda _: happened.set())
    try:
        while True:
            happened.clear()
            await asyncio.wait_for(happened.wait(), QUIET)
    except TimeoutError:
        return
    finally:
        stop()


class Chat:
    """One chat: a terminal on a sandbox, and what happened since the last line."""

    def __init__(
        self,
        people: People,
        console: Console,
        *,
        as_json: bool,
        breakable: Breakable,
        restart: Callable[[], Awaitable[object]] | None = None,
        advance: Callable[[str], Awaitable[object]] | None = None,
    ) -> None:
        self._people = people
        self._as_json = as_json
        self._failed: str | None = None
        self._notes: list[str] = []
        self._posted: list[Message] = []
        self._console = console
        write = self._notes.append if as_json else console.write
        colour = console.colour and not as_json
        self._terminal = Terminal(
            people.member("ada"), write, colour=colour, breakable=breakable, restart=restart, advance=advance
        )
        self._console.complete = self._terminal.completions

    async def all(self, typed: str | None, read: Callable[[], Awaitable[str | None]]) -> bool:
        """Do this line and those that `read` returns, until `:quit` or None. Return whether all went well."""
        self._people.world.watch(self._watch)
        well = True
        while typed is not None:
            well &= await self._line(typed)
            typed = None if self._terminal.over else await read()
        return well

    async def serve(self) -> int:
        """Do what is piped in, line after line, until `:quit` or a signal; the exit code, 0: that is how it ends."""
        self._people.world.watch(self._watch)
        with stop_signals() as signalled:
            while not self._terminal.over:
                reading = asyncio.create_task(self._console.read(""))
                await asyncio.wait({reading, signalled}, return_when=asyncio.FIRST_COMPLETED)
                if signalled.done():
                    reading.cancel()
                    break
                typed = reading.result()
                if typed is None:  # whoever typed is gone, and the bot is not
                    await signalled
                    break
                doing = asyncio.create_task(self._line(typed))
                await asyncio.wait({doing, signalled}, return_when=asyncio.FIRST_COMPLETED)
                if not doing.done():
                    doing.cancel()
                    break
                doing.result()
        return 0

    def fail(self, where: str, error: BaseException) -> None:
        """Note that the bot's code failed on the line that is being done."""
        self._failed = f"{where}: {described(error)}"

    def give_up(self, reason: str) -> None:
        """Note that nothing more is awaited for a line, and write why."""
        self._failed = self._failed or reason
        if not self._as_json:
            print(complaint(Impossible(reason)), file=sys.stderr)

    async def _line(self, typed: str) -> bool:
        """Do one line and write what comes of it; whether all went well."""
        self._failed = None
        reply = None
        with nullcontext() if self._as_json else self._terminal:
            try:
                reply = await self._terminal.enter(typed)
            except Impossible as error:
                self._failed = str(error)
                if not self._as_json:
                    print(complaint(error), file=sys.stderr)
        failed = self._failed or (reply and self._unanswered(reply))
        if self._as_json:
            self._console.write(json.dumps(self._described(typed, reply, failed)))
        elif not failed and not self._posted and _is_said(typed):
            print(f"-- nothing answered; a command begins with /{self._for_instance()}", file=sys.stderr)
        self._notes.clear()
        self._posted.clear()  # what comes until the next line is told with that
        return not failed

    def _for_instance(self) -> str:
        commands = self._terminal.person.commands()
        return f", as in {example(commands[0])}" if commands else ""

    def _described(self, typed: str, reply: Reply | None, failed: str | None) -> dict[str, Any]:
        """What `--json` prints for a line. `failed` is None where all went well."""
        return {
            "command": typed,
            **_content(reply),
            "modal": reply.modal if reply else None,
            "followups": [_content(followup) for followup in reply.followups] if reply else [],
            "messages": [_message(message) for message in self._posted if not _belongs(message, reply)],
            "notes": self._notes,
            "failed": failed,
        }

    def _unanswered(self, reply: Reply) -> str | None:
        if not reply.thinking:
            return reply.failed
        return f"no answer within {PATIENCE:g} s"

    async def interactive(self) -> None:
        """Let somebody type line after line, until :quit or the end of the input."""
        terminal, console = self._terminal, self._console
        doing: set[asyncio.Task[None]] = set()
        with console, terminal, _logs_to(console):
            console.write(self._welcome())
            try:
                while not terminal.over and (typed := await console.read(terminal.prompt)) is not None:
                    task = asyncio.create_task(self._typed(typed))
                    doing.add(task)
                    task.add_done_callback(doing.discard)
                    await asyncio.wait({task}, timeout=None if is_advance(typed) else BRISK)
            finally:
                for task in doing:
                    task.cancel()

    async def _typed(self, typed: str) -> None:
        try:
            await self._terminal.enter(typed)
        except Impossible as error:
            self._terminal.complain(error)

    def _welcome(self) -> str:
        person = self._terminal.person
        commands = ", ".join(f"/{command['name']}" for command in person.commands()) or "no commands"
        told = (
            f"A local Discord. You are {person.name}; {self._people.world.bot.name} has {commands}. :help tells more."
        )
        width = shutil.get_terminal_size().columns
        return textwrap.fill(told, width, break_long_words=False, break_on_hyphens=False)

    def _watch(self, happening: Happening) -> None:
        """Note what the bot posts, a deferred answer once it is there."""
        match happening:
            case MessageCreated(message) if self._is_bots(message) and not message.loading:
                self._posted.append(message)
            case MessageEdited(message) if self._is_bots(message) and message.interaction and not message.edits:
                self._posted.append(message)
            case _:
                pass

    def _is_bots(self, message: Message) -> bool:
        """Return whether a message is the bot's, or one of its webhooks'."""
        bot, webhook = self._people.world.bot, message.webhook
        return message.author is bot if webhook is None else webhook.creator is bot


@contextmanager
def _logs_to(console: Console) -> Generator[None]:
    """Write what is logged or printed to stderr above the line that is being typed."""
    stream = Lines(console.write)
    handlers = [
        cast("logging.StreamHandler[TextIO]", handler)
        for handler in logging.getLogger().handlers
        if getattr(handler, "stream", None) is sys.stderr
    ]
    for handler in handlers:
        handler.setStream(cast(TextIO, stream))
    try:
        with redirect_stderr(stream):
            yield
    finally:
        for handler in handlers:
            handler.setStream(sys.stderr)


def _is_said(typed: str) -> bool:
    """Whether a line (that could be read) is text for the channel."""
    line = parse(typed)
    return isinstance(line, Say) and bool(line.text)


def _belongs(message: Message, reply: Reply | None) -> bool:
    """Return whether a message is part of this reply."""
    return reply is not None and message.interaction is reply.interaction


def _content(reply: Reply | None) -> dict[str, Any]:
    return {
        "content": reply.content if reply else "",
        "embeds": [embed.raw for embed in reply.embeds] if reply else [],
        "attachments": _files(reply.attachments) if reply else [],
        "ephemeral": reply is not None and reply.ephemeral,
        "deferred": reply is not None and reply.deferred,
        "deleted": reply is not None and reply.deleted,
        "edits": reply.edits if reply else [],
        "components": reply.components if reply else [],
    }


def _message(message: Message) -> dict[str, Any]:
    """A message in a channel; in direct messages (`guild` is None) the channel is the other one's name."""
    guild, recipient = message.channel.guild, message.channel.recipient
    return {
        "guild": guild and guild.name,
        "channel": recipient.name if recipient else message.channel.name,
        "content": message.content,
        "embeds": message.embeds,
        "attachments": _files(message.attachments),
        "components": message.components,
    }


def _files(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [{"filename": file.filename, "size": file.size} for file in attachments]
