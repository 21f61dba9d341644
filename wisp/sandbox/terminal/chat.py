"""The chat in a terminal: typed lines become actions of people, and changes become lines to read."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from wisp.sandbox.breakable import Breakable
from wisp.sandbox.people.commands import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    SUBCOMMAND,
    SUBCOMMAND_GROUP,
    USER,
    closest,
)
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.people.typed import NO_ADVANCE, Say, Slash, TerminalCommand, parse, parse_options, quoted, read_file
from wisp.sandbox.terminal import breaking, verbs
from wisp.sandbox.terminal.completion import Completer
from wisp.sandbox.terminal.speaker import Speaker
from wisp.sandbox.terminal.text import on_one_line, written_moment
from wisp.sandbox.terminal.transcript import where
from wisp.sandbox.terminal.verbs import VERBS, Verb
from wisp.sandbox.world.changes import Change, MessageCreated
from wisp.sandbox.world.objects import JSON, Impossible
from wisp.sandbox.world.world import World

_INDENT = 27
"""The column in which the lines of `:help` say what something does."""

SAMPLES = {
    BOOLEAN: "true",
    USER: "@bob",
    ROLE: "@everyone",
    MENTIONABLE: "@bob",
    CHANNEL: "#general",
    ATTACHMENT: "a.png",
}
"""Examples of what may be typed for an option, by its type."""


class Terminal:
    """A chat in which one person at a time speaks, `person`. `write` shows one text of whole lines.

    `breakable` is the Discord that `:drop` and similar commands break. `restart` runs `:restart`, and `advance` moves
    the time of the bot and of the world by a typed duration. For a bot in another process, `ready` waits until it is
    connected and has the commands of these names, and `wait` until a condition is met; both raise Impossible if that
    takes too long. As a context manager it writes changes as they occur.
    """

    def __init__(
        self,
        person: Person,
        write: Callable[[str], object],
        *,
        colour: bool = False,
        breakable: Breakable | None = None,
        restart: Callable[[], Awaitable[object]] | None = None,
        advance: Callable[[str], Awaitable[object]] | None = None,
        ready: Callable[[Sequence[str]], Awaitable[object]] | None = None,
        wait: Callable[[Callable[[], bool]], Awaitable[object]] | None = None,
    ) -> None:
        self.speaker: Speaker = Speaker(person, write, colour=colour)
        self.people: People = person.people
        self.world: World = person.people.world
        self._write = write
        self._breakable = breakable
        self._restart = restart
        self._advance = advance
        self._ready = ready
        self._wait = wait
        self._stop: Callable[[], None] | None = None

    def __enter__(self) -> Terminal:
        self._stop = self.world.changes.subscribe(self._show)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop:
            self._stop()

    @property
    def person(self) -> Person:
        """The person who speaks at present."""
        return self.speaker.person

    @property
    def over(self) -> bool:
        """Whether the chat has ended."""
        return self.speaker.over

    @property
    def prompt(self) -> str:
        """The name of the person, and where they are: "ada in Sandbox #general> "."""
        return f"{on_one_line(self.person.name)} in {where(self.person.channel)}> "

    async def enter(self, typed: str) -> Reply | None:
        """Execute a typed line, and return the reply if it is an interaction. Raises Impossible if it cannot be.

        What else it made or changed is the `result` of the speaker.
        """
        self.speaker.result = None
        match parse(typed):
            case TerminalCommand(name, argument):
                return await self._run(name, argument)
            case Say(text) if text:
                await verbs.say(self.speaker, text)
            case Slash(path, options):
                chosen = self.person.choose(" ".join(path))
                values = parse_options(chosen, dict(options), self.person.guild, read_file, users=self.world.users)
                return self.speaker.keep(await self.person.slash(chosen, **values))
            case _:
                pass
        return None

    def complain(self, error: Exception) -> None:
        """Write an error in one line."""
        self.write(self.speaker.transcript.paint(complaint(error), "red"))

    def write(self, text: str) -> None:
        """Write one text of one or more lines."""
        self._write(text)

    async def completions(self, typed: str) -> list[str]:
        """Return what the last word of a line may become. `typed` is the line up to the cursor."""
        form = self.speaker.form.modal if self.speaker.form else None
        arguments = {name: verb.arguments for name, verb in self.verbs().items()}
        return await Completer(self.person, form, arguments).complete(typed)

    # What a line does

    async def _run(self, name: str, argument: str) -> Reply | None:
        there = self.verbs()
        if name == "advance" and name not in there:
            raise Impossible(NO_ADVANCE)
        if name not in there:
            near = [f":{other}" for other in closest(name, there)] or [":help, which lists all"]
            raise Impossible(f"there is no :{name}; there is {', '.join(near)} (to say it, write \\:{name})")
        verb = there[name]
        if argument and not verb.arguments:
            raise Impossible(f":{name} stands alone")
        if not argument and verb.needs_argument:
            raise Impossible(f"expected :{name} {verb.arguments}")
        return await verb.run(self.speaker, argument)

    def verbs(self) -> dict[str, Verb]:
        """Return all verbs that this chat has, by name, in the order of `:help`."""
        there = dict(VERBS)
        if self._ready is not None:
            there["ready"] = Verb(
                partial(self._await_ready, self._ready),
                "[/COMMAND ...]",
                "wait until the bot is connected and has these",
            )
        if self._wait is not None:
            there["wait"] = Verb(
                partial(self._await_reply, self._wait), "", "wait until the bot has answered what it is thinking about"
            )
        if self._advance is not None:
            there["advance"] = Verb(
                partial(self._advance_time, self._advance),
                "DURATION",
                "let time pass for the bot and Discord: 90s, 2h, 1d 6h",
            )
        if self._breakable is not None:
            for name, usage in breaking.USAGE.items():
                there[name] = Verb(partial(self._break, self._breakable, name), usage.arguments, usage.help)
        if self._restart is not None:
            there["restart"] = Verb(
                partial(self._restart_bot, self._restart), "", "stop the bot, and start it again on the same data"
            )
        there["help"] = Verb(self._help, "", "all of this; Tab completes")
        there["quit"] = Verb(verbs.leave_chat, "", "end the chat, as Ctrl-D does")
        return there

    async def _break(self, discord: Breakable, name: str, speaker: Speaker, argument: str) -> None:
        speaker.note(breaking.apply(discord, name, argument, here=speaker.person.guild))
        await speaker.person.rest()

    async def _restart_bot(self, restart: Callable[[], Awaitable[object]], _: Speaker, __: str) -> None:
        await restart()

    async def _advance_time(self, advance: Callable[[str], Awaitable[object]], speaker: Speaker, duration: str) -> None:
        await advance(duration)
        now = self.world.clock.time()
        speaker.note(f"it is {written_moment(now, seconds=True)} now")
        speaker.result = {"time": now}

    async def _await_ready(
        self, ready: Callable[[Sequence[str]], Awaitable[object]], speaker: Speaker, typed: str
    ) -> None:
        await ready([name.removeprefix("/") for name in typed.split()])
        names = [command["name"] for command in speaker.person.commands()]
        has = ", ".join(f"/{name}" for name in names) or "no commands here"
        speaker.note(f"{self.world.bot.name} is ready: {has}")
        speaker.result = {"ready": True, "commands": names}

    async def _await_reply(
        self, wait: Callable[[Callable[[], bool]], Awaitable[object]], speaker: Speaker, _: str
    ) -> Reply:
        reply = speaker.pending
        if reply is None:
            raise Impossible("there is nothing to wait for: type a command first")
        await wait(lambda: not reply.thinking)
        return reply

    async def _help(self, speaker: Speaker, _: str) -> None:
        commands = self.person.commands()
        # a command with options shows how they are written
        told = next((command for command in commands if command.get("options")), commands[0] if commands else None)
        rows = [
            (
                example(told) if told else "/name option:value",
                'a command of the bot; values with spaces in quotes, reason:"too loud"; '
                "@bob is a user or role, #general a channel, a path a file to attach",
            ),
            ("any other text", "is said in the channel; \\ before it lets it begin with / or :"),
            *((f":{name} {verb.arguments}".rstrip(), verb.help) for name, verb in self.verbs().items()),
            ("[...] may be left out", "^MESSAGE is ^ for the newest message here, ^2 for the one before it, or ^ID"),
        ]
        self.write("\n".join(_help_line(usage, text) for usage, text in rows))

    def _show(self, change: Change) -> None:
        if not (self.speaker.posting and isinstance(change, MessageCreated)):
            self.speaker.transcript.show(change)


def _help_line(usage: str, text: str) -> str:
    """Return a row of `:help`: what is typed, and what it does, below it if it is long."""
    lines = textwrap.wrap(text, 90, break_on_hyphens=False, break_long_words=False)
    first = f"{usage:<{_INDENT - 1}} {lines[0]}" if len(usage) < _INDENT else f"{usage}\n{' ' * _INDENT}{lines[0]}"
    return "\n".join([first, *(" " * _INDENT + line for line in lines[1:])])


def complaint(error: Exception) -> str:
    """Return an error as one line."""
    return f"! {on_one_line(str(error))}"


def is_advance(typed: str) -> bool:
    """Return whether a line moves the time. One that cannot be read does not."""
    try:
        line = parse(typed)
    except Impossible:
        return False
    return isinstance(line, TerminalCommand) and line.name == "advance"


def example(command: JSON) -> str:
    """Return a command as it may be typed, with its required options, or else with its first option."""
    name, options = command["name"], command.get("options", [])
    while options and options[0]["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP):
        name, options = f"{name} {options[0]['name']}", options[0].get("options", [])
    given = [option for option in options if option.get("required")] or options[:1]
    return " ".join([f"/{name}", *(f"{option['name']}:{quoted(_sample(option))}" for option in given)])


def _sample(option: JSON) -> str:
    if choices := option.get("choices"):
        return choices[0]["name"]
    if option["type"] in (INTEGER, NUMBER):
        return str(option.get("min_value", min(1, option.get("max_value", 1))))
    return SAMPLES.get(option["type"], "text")
