"""A bot on a local Discord: the one place that knows both the bot and the sandbox."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import signal
import sys
import textwrap
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext, redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO, cast

from . import bridge
from .clock import Clock
from .errors import Mistake, Mistakes, StartError
from .groups import roots
from .sandbox.console import Console, Lines
from .sandbox.invocation import Impossible
from .sandbox.line import Say, parse
from .sandbox.people import People, Reply
from .sandbox.server import Sandbox
from .sandbox.terminal import Terminal, complaint, example
from .sandbox.world import Attachment, Happening, Message, MessageCreated

if TYPE_CHECKING:
    import hikari

    from .bot import Bot
    from .session import Failure

PATIENCE = 60.0
"""Seconds that a line of the chat may take until its last edit: more than a test has, as a person watches."""

BRISK = 0.5
"""Seconds that the prompt waits for the answer to the last line, so that most answers come above it."""

TURNS = 100
"""Turns of the event loop in which a gateway event has usually gone from the sandbox to the bot's listeners."""


@asynccontextmanager
async def on_sandbox(bot: Bot, *, keep: str | None = None, clock: Clock | None = None) -> AsyncGenerator[Sandbox, None]:
    """Run a bot on a local Discord, on empty temporary data, and close both in the end.

    `keep` names a database file that is used, and kept, instead. Raises StartError where the bot does not start.
    """
    clock = clock or Clock()
    async with AsyncExitStack() as stack:
        database = keep
        if database is None:
            database = str(Path(stack.enter_context(TemporaryDirectory(prefix="wisp-"))) / "wisp.db")
        sandbox = await stack.enter_async_context(Sandbox(clock=clock, waits=False))
        for guild in sorted({guild for root in roots([bot]) for guild in root.guilds or ()}):
            sandbox.world.add_guild(f"Guild {guild}", id=guild)  # where commands of that guild alone can be tried
        config = bot.settings(token=sandbox.token, rest_url=sandbox.rest_url, database=database, guilds=())
        await bot.start(config, clock=clock)
        stack.push_async_callback(bot.close)
        yield sandbox


async def module_mistakes(bot: Bot) -> list[Mistake]:
    """What keeps modules from loading: they are set up on a local Discord, with empty data, and torn down again."""
    log = logging.getLogger("wisp.modules")
    level, log.level = log.level, logging.CRITICAL  # it says the same
    try:
        async with on_sandbox(bot):
            pass
    except Mistakes as error:
        return [*error.mistakes]
    except StartError as error:
        if not bot.modules.missing:  # which strict=True stops over
            return [Mistake("start", str(error), "Mend it")]
    finally:
        log.level = level
    return [
        Mistake(f'module "{name}"', reason, "It does not load, nor does what needs it")
        for name, reason in bot.modules.missing.items()
    ]


async def delivered(sandbox: Sandbox, gateway: hikari.GatewayBot) -> None:
    """Wait until each gateway event that the sandbox sent has set the bot's listeners going."""
    turns = 0
    while undelivered(sandbox, gateway):
        turns += 1
        await asyncio.sleep(0 if turns < TURNS else 0.001)
    await asyncio.sleep(0)  # what was set going takes its first step


def undelivered(sandbox: Sandbox, gateway: hikari.GatewayBot) -> bool:
    """Whether the sandbox sent, or holds for a bot that comes back, what the bot has not heard of."""
    heard = bridge.heard(gateway)
    return any(
        heard.get(session.id, 0) < session.sequence
        for session in sandbox.gateway.sessions.values()
        if session.connection is not None or session.id in heard
    )


async def chat(
    bot: Bot,
    *,
    lines: Sequence[str] = (),
    as_json: bool = False,
    keep: str | None = None,
    output: TextIO | None = None,
) -> int:
    """Run a bot on a local Discord and type these lines; without any, let somebody chat with it.

    What is answered goes to `output` (stdout by default); with `as_json` each line gives one JSON object
    instead, and nobody is prompted for one. The result is an exit code: 1 where a line could not be done,
    nobody answered a command, or the bot's code failed on it.
    """
    async with on_sandbox(bot, keep=keep) as sandbox:
        people = People(sandbox.world, patience=PATIENCE)
        console = Console(sys.stdin, output or sys.stdout)
        console.interactive &= not as_json
        run = _Run(bot, sandbox, people, console, as_json=as_json)
        if console.interactive and not lines:
            return await run.interactive()
        return 0 if await run.all(lines or None) else 1


class _Run:
    """One chat: a terminal on a sandbox, and what happened since the last line."""

    def __init__(self, bot: Bot, sandbox: Sandbox, people: People, console: Console, *, as_json: bool) -> None:
        self._sandbox = sandbox
        self._session = bot.session
        self._session.on_failure = self._note
        self._people = people
        people.settled = self._settled
        self._as_json = as_json
        self._failed: str | None = None
        self._notes: list[str] = []
        self._posted: list[Message] = []
        self._console = console
        write = self._notes.append if as_json else console.write
        self._terminal = Terminal(people.member("ada"), write, colour=console.colour and not as_json)
        self._console.complete = self._terminal.completions

    async def all(self, lines: Sequence[str] | None) -> bool:
        """Do these lines, or (None) those that are piped in, until :quit or the last; whether all went well."""
        self._people.world.watch(self._watch)
        well = True
        given = iter(lines or ())
        while not self._terminal.over:
            typed = await self._console.read("") if lines is None else next(given, None)
            if typed is None:
                break
            well &= await self._line(typed)
        return well

    async def _line(self, typed: str) -> bool:
        """Do one line and write what comes of it; whether all went well."""
        self._failed = None
        self._notes.clear()
        self._posted.clear()
        reply = None
        with nullcontext() if self._as_json else self._terminal:
            try:
                reply = await self._terminal.enter(typed)
            except Impossible as error:
                self._failed = str(error)
                if not self._as_json:
                    print(complaint(error), file=sys.stderr)
        failed = self._failed or (reply and _unanswered(reply))
        if self._as_json:
            self._console.write(json.dumps(self._described(typed, reply, failed)))
        elif not failed and not self._posted and _is_said(typed):
            print(f"-- nothing answered; a command begins with /{self._for_instance()}", file=sys.stderr)
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
            "messages": [_message(message) for message in self._posted],
            "notes": self._notes,
            "failed": failed,
        }

    async def interactive(self) -> int:
        """Let somebody type line after line, until :quit, the end of the input or a signal; the exit code."""
        terminal, console = self._terminal, self._console
        doing: set[asyncio.Task[None]] = set()
        with console, terminal, _logs_to(console), _signals() as signalled:
            console.write(self._welcome())
            while not terminal.over:
                reading = asyncio.create_task(console.read(terminal.prompt))
                await asyncio.wait({reading, signalled}, return_when=asyncio.FIRST_COMPLETED)
                if signalled.done():
                    reading.cancel()
                    return 128 + signalled.result()  # what a shell reports for a program that a signal ended
                typed = reading.result()
                if typed is None:
                    break
                task = asyncio.create_task(self._typed(typed))
                doing.add(task)
                task.add_done_callback(doing.discard)
                await asyncio.wait({task, signalled}, timeout=BRISK, return_when=asyncio.FIRST_COMPLETED)
            for task in doing:
                task.cancel()
        return 0

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

    async def _settled(self) -> None:
        await delivered(self._sandbox, self._session.gateway)
        await self._session.idle()

    def _watch(self, happening: Happening) -> None:
        """Note what the bot posts besides its replies."""
        match happening:
            case MessageCreated(message) if message.author is self._people.world.bot and not message.interaction:
                self._posted.append(message)
            case _:
                pass

    def _note(self, failure: Failure) -> None:
        self._failed = f"{failure.where}: {type(failure.error).__name__}: {failure.error}"


@contextmanager
def _signals() -> Generator[asyncio.Future[int]]:
    """Done with the number of the first SIGINT or SIGTERM that comes, so that the chat ends like any other."""
    loop = asyncio.get_running_loop()
    signalled: asyncio.Future[int] = loop.create_future()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def note(number: int) -> None:
        if not signalled.done():
            signalled.set_result(number)

    try:
        for number in numbers:
            loop.add_signal_handler(number, note, number)
    except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt
        yield signalled
        return
    try:
        yield signalled
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


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


def _unanswered(reply: Reply) -> str | None:
    return f"no answer within {PATIENCE:g} s" if reply.thinking else reply.failed


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
