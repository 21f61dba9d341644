"""The chat in a terminal: typed or piped lines, what the bot answers to each, and the run of the bot around them."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import textwrap
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from typing import TYPE_CHECKING, Any, TextIO, cast

from ..clock import parse_duration
from ..errors import StartError
from ..program import stop_signals
from ..sandbox.breakable import Breakable
from ..sandbox.page.page import Page
from ..sandbox.people.person import People
from ..sandbox.people.reply import Reply
from ..sandbox.people.typed import Say, parse
from ..sandbox.server import Sandbox
from ..sandbox.terminal.chat import Terminal, complaint, example, is_advance
from ..sandbox.terminal.console import Console, Lines
from ..sandbox.world.changes import Change, MessageCreated, MessageEdited
from ..sandbox.world.objects import (
    INTERACTION_DEADLINE,
    INTERACTION_LIFETIME,
    LAST_MOMENT,
    UNANSWERED,
    Attachment,
    Impossible,
    Message,
)
from ..tasks import Exit, contained, described, end, to_the_end
from .browser_log import open_on_desktop, show_failures
from .runner import is_undelivered, on_sandbox, restart
from .virtual_time import Overdue, Stuck, VirtualTime, virtual_time

if TYPE_CHECKING:
    from ..bot import Bot

PATIENCE = 10.0
"""Seconds that a line waits for a deferred response of a bot in another process, after the 3 s for any response."""

_READY_TIMEOUT = 60.0
"""Seconds that `:ready` and `:wait` wait for a bot in another process."""

_PROMPT_DELAY = 0.5
"""Seconds that the next prompt waits for the answer to a line, so that most answers appear above it."""

_IDLE_AFTER = 0.25
"""Seconds without an event after which a bot in another process is taken to be idle, since it cannot be asked."""

_SHUTDOWN_TIMEOUT = 1.0
"""Seconds that running handlers have at the end of a chat in a terminal, so that the user need not wait long."""

_CLOSE_TIMEOUT = 10.0
"""Seconds that the local Discord has to close after the bot."""


# ---- a wisp bot ----


async def chat(
    bot: Bot,
    *,
    lines: Sequence[str] = (),
    as_json: bool = False,
    keep: str | None = None,
    open_browser: bool = True,
    output: TextIO | None = None,
) -> int:
    """Run a bot on a local Discord and enter these lines, or those of standard input if there are none.

    Results are written to `output` (stdout by default); with `as_json`, as one JSON object per line. `keep` is a
    database file to use, and to keep.

    If a user types at a terminal (without `lines` and `as_json`), time is real except during `:advance`, and a page
    shows the Discord in a browser: its address is written, and with `open_browser` it is opened if there is a desktop.
    The next line can be typed while a handler still runs.

    All other lines run as in a test: from the first line on, time stands still, and only passes as far as an answer
    needs it, or by `:advance`. If standard input ends without a line, the address of the page is written, time is real,
    and the bot runs until a signal.

    Returns an exit code: 1 if a line could not be executed, a command was not answered, or the bot's code failed on it;
    128 plus the number of the signal that ended the chat, as shells report it. Raises SystemExit if a handler exits.
    """
    with stop_signals() as signalled, virtual_time(flows=True) as time:
        console = Console(sys.stdin, output or sys.stdout)
        console.interactive &= not as_json
        bot_chat = _BotChat(bot, time, console, lines, as_json=as_json)
        chatting = asyncio.create_task(contained(bot_chat.run(keep=keep, open_browser=open_browser)))
        try:
            await asyncio.wait({chatting, signalled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_over = chatting.done()
            if not is_over:
                time.flow()
                chatting.cancel()  # restores the terminal before anything else
                await to_the_end(bot.close())
                await end({chatting}, after=_CLOSE_TIMEOUT)
    if not is_over:
        return 128 + signalled.result()
    try:
        return chatting.result()
    except Exit as exiting:
        raise exiting.error from None


class _BotChat:
    """A chat with one bot, from its start on a sandbox to its end."""

    _sandbox: Sandbox
    _chat: Chat

    def __init__(self, bot: Bot, time: VirtualTime, console: Console, lines: Sequence[str], *, as_json: bool) -> None:
        self._bot = bot
        self._time = time
        self._console = console
        self._lines = iter(lines) if lines else None
        self._as_json = as_json
        self._exit: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def run(self, *, keep: str | None, open_browser: bool) -> int:
        """Run the bot and its chat to the end, and return the exit code. Raises the SystemExit of a handler."""
        has_page = self._lines is None and not self._as_json
        async with on_sandbox(self._bot, keep=keep, clock=self._time.clock, page=has_page) as sandbox:
            self._sandbox = sandbox
            people = People(sandbox.world, patience=None)
            people.settle = self._settle
            advance = advancer(self._time, sandbox.page)
            self._chat = Chat(
                people,
                self._console,
                as_json=self._as_json,
                breakable=sandbox,
                restart=self._restart,
                advance=advance,
            )
            self._watch_run()
            if sandbox.page is not None:
                sandbox.page.advance = advance
            return await self._until_exit(self._run_chat(sandbox.page, open_browser))

    def _watch_run(self) -> None:
        """Connect the current run of the bot with the chat."""
        runtime = self._bot.runtime
        runtime.exit_requested = self._exit
        runtime.on_failure = lambda failure: self._chat.fail(failure.where, failure.error)
        # a timeout never expires while time stands still
        runtime.shutdown_timeout = _SHUTDOWN_TIMEOUT if self._time.flows else 0.0
        if self._sandbox.page is not None:
            show_failures(self._sandbox.page, runtime)

    async def _run_chat(self, page: Page | None, open_browser: bool) -> int:
        """Enter line after line, and return the exit code."""
        if page is not None and self._console.attended:
            self._write_address(page)
            if open_browser:
                open_on_desktop(page)
            await self._chat.interactive()
            return 0
        first = await self._read()
        if first is None and page is not None:
            self._write_address(page)
            print("There is no input: the bot runs until it is stopped.", file=sys.stderr, flush=True)
            await asyncio.Event().wait()
        self._time.stop()
        await self._time.until()  # timers that were due come before the line
        self._watch_run()
        return 0 if await self._chat.run_lines(first, self._read) else 1

    async def _read(self) -> str | None:
        return await self._console.read("") if self._lines is None else next(self._lines, None)

    def _write_address(self, page: Page) -> None:
        self._console.write(f"In a browser: {page.url}")

    async def _settle(self, is_answered: Callable[[], bool]) -> None:
        """Wait until a line is answered and the bot is idle, or note why it is not."""

        def is_met() -> bool:
            return is_answered() and not is_undelivered(self._sandbox, self._bot.runtime.gateway)

        try:
            await self._time.until(is_met, within=INTERACTION_LIFETIME + 1)
        except Stuck as error:
            is_over = isinstance(error, Overdue)
            if is_over or not self._time.flows:  # otherwise the error ended an `advance()`, which reports it itself
                reason = UNANSWERED if is_over else str(error)
                self._chat.give_up(f"{reason}. Still running: {self._bot.runtime.unfinished() or 'no handler'}")

    async def _restart(self) -> None:
        """Restart the bot. Raises StartError if it does not start."""
        restarting = asyncio.create_task(restart(self._bot))
        if not self._time.flows:
            try:
                await self._time.until(restarting.done)
            except Stuck as error:
                restarting.cancel()
                raise StartError(f"The bot does not restart: {error}.") from None
        await restarting
        self._watch_run()

    async def _until_exit(self, talk: Awaitable[int]) -> int:
        """Wait until the chat ends, or until a handler exits, and raise its SystemExit then."""
        talking = asyncio.ensure_future(talk)
        try:
            await asyncio.wait({talking, self._exit}, return_when=asyncio.FIRST_COMPLETED)
            self._time.flow()
            await self._bot.close()  # the chat shows its last answers
        finally:
            talking.cancel()
            await asyncio.wait({talking})
        if self._exit.done():
            raise self._exit.result()
        return talking.result()


def advancer(time: VirtualTime, page: Page | None) -> Callable[[str], Awaitable[None]]:
    """Return a function that moves the time of the bot and of Discord by a typed duration, for `:advance` and the page.

    Concurrent calls run one after the other, and the page shows that time moves. The function raises Impossible if the
    str is not a duration, if time cannot be moved by it, and if the bot keeps the time from passing.
    """
    lock = asyncio.Lock()

    async def advance(typed: str) -> None:
        async with lock:
            seconds = _seconds_ahead(typed, time.clock.time())
            with page.time_moves() if page else nullcontext():
                try:
                    await time.advance(seconds)
                except Stuck as error:
                    raise Impossible(f"the time cannot pass: {error}") from None

    return advance


def _seconds_ahead(typed: str, now: float) -> float:
    """Return the seconds of a typed duration. Raises Impossible if time cannot be moved by them."""
    text = typed.strip().strip('"').strip()
    shown = text if len(text) <= 50 else f"{text[:50]}..."
    duration = parse_duration(text)
    if duration is None and parse_duration(text.removeprefix("-")) is None:
        raise Impossible(f"expected a duration such as 90s, 2h or 1d 6h, got {shown!r}")
    if not duration:
        raise Impossible(f"time moves forward only: expected more than 0s, got {shown!r}")
    seconds = duration.total_seconds()
    if now + seconds > LAST_MOMENT:
        raise Impossible(f"time cannot be moved by {shown!r}: Discord's ids, which contain the time, end in 2084")
    return seconds


# ---- a bot of any library ----


async def serve(output: TextIO, *, patience: float = PATIENCE) -> int:
    """Run a local Discord for a bot of any library until a signal or `:quit`, and return the exit code.

    The first line of `output` is a JSON object: "rest" and "gateway" (their addresses), "token", which the bot must
    use, "page", the address for a browser, and the ids "guild", "owner" and "channels" (by name). Each line of standard
    input then writes one more, as with `--json`. The end of standard input does not end it.

    If the bot defers its response, a line waits for `patience` seconds at most, after the 3 s for any response.
    """
    async with Sandbox(page=True) as sandbox:
        assert sandbox.page is not None
        people = People(sandbox.world, patience=INTERACTION_DEADLINE + patience)
        console = Console(sys.stdin, output)
        console.interactive = False
        bot = _ForeignBot(people, sandbox)
        people.settle = bot.settle
        chat = Chat(people, console, as_json=True, breakable=sandbox, ready=bot.ready, wait=bot.wait)
        home = people.home
        place = {
            "rest": sandbox.rest_url,
            "gateway": sandbox.gateway_url,
            "token": sandbox.token,
            "page": sandbox.page.url,
            "guild": str(home.id),
            "owner": str(home.owner.id),
            "channels": {channel.name: str(channel.id) for channel in home.channels.values()},
        }
        console.write(json.dumps(place))
        return await chat.serve()


class _ForeignBot:
    """A bot in another process, of which only its calls and its connection can be seen."""

    def __init__(self, people: People, sandbox: Sandbox) -> None:
        self._people = people
        self._sandbox = sandbox

    async def settle(self, is_answered: Callable[[], bool]) -> None:
        """Wait until a line is answered and nothing visible has happened for a while."""
        await self._people.answered(is_answered)
        await self._idle()

    async def _idle(self) -> None:
        happened = asyncio.Event()
        stop = self._people.world.changes.subscribe(lambda _: happened.set())
        try:
            while True:
                happened.clear()
                await asyncio.wait_for(happened.wait(), _IDLE_AFTER)
        except TimeoutError:
            return
        finally:
            stop()

    async def ready(self, commands: Sequence[str]) -> None:
        """Wait until the bot is connected and has these commands. Raises Impossible after 60 s."""
        try:
            await self._within(lambda: self._is_connected() and not self._missing(commands))
        except TimeoutError:
            why = "it is not connected"
            if self._is_connected():
                why = f"it has no command {', '.join(f'/{name}' for name in self._missing(commands))}"
            raise Impossible(f"the bot is not ready after {_READY_TIMEOUT:g} s: {why}") from None
        await self._idle()

    async def wait(self, is_met: Callable[[], bool]) -> None:
        """Wait until the bot has done something. Raises Impossible after 60 s."""
        try:
            await self._within(is_met)
        except TimeoutError:
            raise Impossible(f"no answer within {_READY_TIMEOUT:g} s more") from None
        await self._idle()

    async def _within(self, is_met: Callable[[], bool]) -> None:
        async with asyncio.timeout(_READY_TIMEOUT):
            await self._people.answered(is_met)

    def _is_connected(self) -> bool:
        return any(session.connection for session in self._sandbox.gateway.sessions)

    def _missing(self, commands: Sequence[str]) -> list[str]:
        there = {command["name"] for command in self._people.world.commands.visible(self._people.home)}
        return [name for name in commands if name not in there]


# ---- lines ----


class Chat:
    """Lines that are entered in a terminal on a sandbox, and what happened since the last one."""

    def __init__(
        self,
        people: People,
        console: Console,
        *,
        as_json: bool,
        breakable: Breakable,
        restart: Callable[[], Awaitable[object]] | None = None,
        advance: Callable[[str], Awaitable[object]] | None = None,
        ready: Callable[[Sequence[str]], Awaitable[object]] | None = None,
        wait: Callable[[Callable[[], bool]], Awaitable[object]] | None = None,
    ) -> None:
        self._people = people
        self._as_json = as_json
        self._failed: str | None = None
        self._notes: list[str] = []
        self._posted: list[Message] = []  # by the bot
        self._console = console
        write = self._notes.append if as_json else console.write
        colour = console.colour and not as_json
        self._terminal = Terminal(
            people.member("ada"),
            write,
            colour=colour,
            breakable=breakable,
            restart=restart,
            advance=advance,
            ready=ready,
            wait=wait,
        )
        self._console.complete = self._terminal.completions

    async def run_lines(self, typed: str | None, read: Callable[[], Awaitable[str | None]]) -> bool:
        """Execute this line and those that `read` returns, until `:quit` or None. Return whether all succeeded."""
        self._people.world.changes.subscribe(self._watch)
        has_succeeded = True
        while typed is not None:
            has_succeeded &= await self._run_line(typed)
            typed = None if self._terminal.over else await read()
        return has_succeeded

    async def serve(self) -> int:
        """Execute the lines of standard input until `:quit` or a signal, and return the exit code 0."""
        self._people.world.changes.subscribe(self._watch)
        with stop_signals() as signalled:
            serving = asyncio.create_task(self._serve())
            try:
                await asyncio.wait({serving, signalled}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end({serving})
        if not serving.cancelled():
            serving.result()
        return 0

    async def _serve(self) -> None:
        while not self._terminal.over:
            typed = await self._console.read("")
            if typed is None:  # the input has ended, the bot has not
                await asyncio.Event().wait()
            else:
                await self._run_line(typed)

    def fail(self, where: str, error: BaseException) -> None:
        """Note that the bot's code failed on the current line."""
        self._failed = f"{where}: {described(error)}"

    def give_up(self, reason: str) -> None:
        """Note why the current line has no answer, and write it."""
        self._failed = self._failed or reason
        if not self._as_json:
            print(complaint(Impossible(reason)), file=sys.stderr)

    async def _run_line(self, typed: str) -> bool:
        """Execute one line, write the result, and return whether it succeeded."""
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
            self._console.write(json.dumps(self._as_dict(typed, reply, failed)))
        elif not failed and not self._posted and _is_message(typed):
            print(f"-- no answer; a command begins with /{self._example()}", file=sys.stderr)
        self._notes.clear()
        self._posted.clear()  # messages between two lines belong to the second
        return not failed

    def _example(self) -> str:
        commands = self._terminal.person.commands()
        return f", as in {example(commands[0])}" if commands else ""

    def _as_dict(self, typed: str, reply: Reply | None, failed: str | None) -> dict[str, Any]:
        """Return what `--json` prints for a line. `failed` is None if it succeeded."""
        return {
            "command": typed,
            **_content(reply),
            "modal": reply.modal if reply else None,
            "followups": [_content(followup) for followup in reply.followups] if reply else [],
            "messages": [_message(message) for message in self._posted if not _is_part_of(message, reply)],
            "notes": self._notes,
            "result": self._terminal.speaker.result,
            "failed": failed,
        }

    def _unanswered(self, reply: Reply) -> str | None:
        if not reply.thinking:
            return reply.failed
        return f"no answer within {self._people.patience:g} s; :wait waits for it"

    async def interactive(self) -> None:
        """Let a user type line after line, until `:quit` or the end of the input."""
        terminal, console = self._terminal, self._console
        running: set[asyncio.Task[None]] = set()
        with console, terminal, _logs_to(console):
            console.write(self._welcome())
            try:
                while not terminal.over and (typed := await console.read(terminal.prompt)) is not None:
                    task = asyncio.create_task(self._enter(typed))
                    running.add(task)
                    task.add_done_callback(running.discard)
                    await asyncio.wait({task}, timeout=None if is_advance(typed) else _PROMPT_DELAY)
            finally:
                for task in running:
                    task.cancel()

    async def _enter(self, typed: str) -> None:
        try:
            await self._terminal.enter(typed)
        except Impossible as error:
            self._terminal.complain(error)

    def _welcome(self) -> str:
        person = self._terminal.person
        commands = ", ".join(f"/{command['name']}" for command in person.commands()) or "no commands"
        text = (
            f"A local Discord. You are {person.name}; {self._people.world.bot.name} has {commands}. :help shows more."
        )
        width = shutil.get_terminal_size().columns
        return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)

    def _watch(self, change: Change) -> None:
        """Note the messages that the bot posts, a deferred response once it has content."""
        match change:
            case MessageCreated(message) if self._is_bots(message) and not message.loading:
                self._posted.append(message)
            case MessageEdited(message) if self._is_bots(message) and message.interaction and not message.edits:
                self._posted.append(message)
            case _:
                pass

    def _is_bots(self, message: Message) -> bool:
        """Return whether a message is by the bot or one of its webhooks."""
        bot, webhook = self._people.world.bot, message.webhook
        return message.author is bot if webhook is None else webhook.creator is bot


@contextmanager
def _logs_to(console: Console) -> Generator[None]:
    """Write what is logged or printed to stderr above the line that the user is typing."""
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


def _is_message(typed: str) -> bool:
    """Return whether a valid line is a message for the channel."""
    line = parse(typed)
    return isinstance(line, Say) and bool(line.text)


def _is_part_of(message: Message, reply: Reply | None) -> bool:
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
    """Return a message as JSON, ids as strings; in direct messages `guild` is None, `channel` the other user."""
    guild, recipient = message.channel.guild, message.channel.recipient
    return {
        "id": str(message.id),
        "guild": guild and guild.name,
        "channel": recipient.name if recipient else message.channel.name,
        "content": message.content,
        "embeds": message.embeds,
        "attachments": _files(message.attachments),
        "components": message.components,
    }


def _files(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [{"filename": file.filename, "size": file.size} for file in attachments]
