"""The chat in a terminal: typed lines become actions of people, and changes become lines to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

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
    Value,
    closest,
)
from wisp.sandbox.people.components import (
    BUTTON,
    CHANNEL_SELECT,
    MENTIONABLE_SELECT,
    ROLE_SELECT,
    SELECTS,
    USER_SELECT,
    controls,
    name_of,
)
from wisp.sandbox.people.person import NO_ANSWER, People, Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.people.typed import (
    NO_ADVANCE,
    Say,
    Slash,
    TerminalCommand,
    fields,
    find_named,
    parse,
    parse_options,
    quoted,
    read_file,
    with_mentions,
    words,
)
from wisp.sandbox.terminal import breaking
from wisp.sandbox.terminal.completion import Completer, member_names
from wisp.sandbox.terminal.text import on_one_line, written_moment
from wisp.sandbox.terminal.transcript import Transcript, where
from wisp.sandbox.world.changes import Change, MessageCreated
from wisp.sandbox.world.objects import JSON, Impossible, Message, User
from wisp.sandbox.world.world import World

HELP = """\
{example:<26} a command of the bot; values with spaces in quotes, reason:"too loud"
                           @bob is a user or role, #general a channel, a path a file to attach
any other text             is said in the channel; \\ before it lets it begin with / or :
:click Next                press a button of the newest message that has it
:select red blue           choose in a select; of several :select Colour red (values with spaces in quotes)
:submit title:Hello        send the form that is open
:menu Who @bob             a command from the menu of a member; without a name, of the newest message
:as bob                    speak as bob             :join eve     eve joins this guild
:in #general               go to a channel          :guild Other  go to a guild
                           (both are made where there is none of that name)
:dm                        go to the direct messages with the bot
:help   :quit              Tab completes, Ctrl-D quits\
"""
BREAK_HELP = """\
:fail POST /interactions 500 2
                           the next two such calls of the bot fail; also cut or timeout, always, done (but done)
:delay POST /interactions 2
                           the next such call waits 2 s
:drop   :reconnect         break the gateway off, or ask the bot to connect anew
:invalidate   :heartbeats  end its session (resumable: it may go on), or acknowledge no heartbeat
:duplicate   :reorder      the next event comes twice, or after the one that follows it
:outage Sandbox            a guild is unavailable to the bot (without a name, this one)
:mend                      nothing goes wrong any more\
"""
ADVANCE_HELP = """\
:advance 2h                let time pass for the bot and Discord: 90s, 2h, 1d 6h\
"""
RESTART_HELP = ":restart                   stop the bot, and start it again on the same data"
SAMPLES = {
    BOOLEAN: "true",
    USER: "@bob",
    ROLE: "@everyone",
    MENTIONABLE: "@bob",
    CHANNEL: "#general",
    ATTACHMENT: "a.png",
}
"""Examples of what may be typed for an option, by its type."""


class _Command(NamedTuple):
    """A command of the terminal itself, and its arguments in words: "" for none, optional in brackets."""

    run: Callable[[str], Awaitable[Reply | None]]
    arguments: str


class Terminal:
    """A chat in which one person at a time speaks, `person`. `write` shows one text of whole lines.

    `breakable` is the Discord that `:drop` and similar commands break. `restart` runs `:restart`, and `advance` moves
    the time of the bot and of the world by a typed duration. As a context manager it writes changes as they occur.
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
    ) -> None:
        self.person: Person = person
        self.people: People = person.people
        self.world: World = person.people.world
        self.over: bool = False
        self._form: Reply | None = None
        self.transcript: Transcript = Transcript(self.world, write, lambda: self.person.channel, colour=colour)
        self._write = write
        self._breakable = breakable
        self._restart = restart
        self._advance = advance
        self._posting = False
        self._stop: Callable[[], None] | None = None

    def __enter__(self) -> Terminal:
        self._stop = self.world.changes.subscribe(self._show)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop:
            self._stop()

    @property
    def prompt(self) -> str:
        """The name of the person, and where they are: "ada in Sandbox #general> "."""
        return f"{on_one_line(self.person.name)} in {where(self.person.channel)}> "

    async def enter(self, typed: str) -> Reply | None:
        """Execute a typed line, and return the reply if it is an interaction. Raises Impossible if it cannot be."""
        match parse(typed):
            case TerminalCommand(name, argument):
                return await self._run(name, argument)
            case Say(text) if text:
                await self._say(text)
            case Slash(path, options):
                chosen = self.person.choose(" ".join(path))
                values = parse_options(chosen, dict(options), self.person.guild, read_file)
                return self._keep(await self.person.slash(chosen, **values))
            case _:
                pass
        return None

    def complain(self, error: Exception) -> None:
        """Write an error in one line."""
        self.write(self.transcript.paint(complaint(error), "red"))

    def note(self, text: str) -> None:
        """Write a note of the terminal itself."""
        self.transcript.note(text)

    def write(self, text: str) -> None:
        """Write one text of one or more lines."""
        self._write(text)

    async def completions(self, typed: str) -> list[str]:
        """Return what the last word of a line may become. `typed` is the line up to the cursor."""
        form = self._form.modal if self._form else None
        return await Completer(self.person, form, [*self._commands()]).complete(typed)

    # What a line does

    async def _say(self, text: str) -> None:
        message = with_mentions(text, self.person.guild)
        self._posting = True
        try:
            self.person.post(message)
        finally:
            self._posting = False
        await self.person.rest()

    async def _run(self, name: str, argument: str) -> Reply | None:
        commands = self._commands()
        if name == "advance" and name not in commands:
            raise Impossible(NO_ADVANCE)
        if name not in commands:
            near = [f":{other}" for other in closest(name, commands) or commands]
            raise Impossible(f"there is no :{name}; there is {', '.join(near)} (to say it, write \\:{name})")
        command = commands[name]
        is_optional = command.arguments.startswith("[")
        if bool(argument) != bool(command.arguments) and not (is_optional and not argument):
            expected = f"expected :{name} {command.arguments}" if command.arguments else f":{name} stands alone"
            raise Impossible(expected)
        return await command.run(argument)

    def _commands(self) -> dict[str, _Command]:
        commands = {
            "click": _Command(self._click, "BUTTON"),
            "select": _Command(self._select, "VALUE ..."),
            "submit": _Command(self._submit, "FIELD:TEXT ..."),
            "menu": _Command(self._menu, "COMMAND [@MEMBER]"),
            "as": _Command(self._as, "NAME"),
            "join": _Command(self._join, "NAME"),
            "in": _Command(self._in, "#CHANNEL"),
            "guild": _Command(self._guild, "NAME"),
            "dm": _Command(self._dm, ""),
            "help": _Command(self._help, ""),
            "quit": _Command(self._quit, ""),
        }
        if self._breakable is not None:
            breaks = {verb: partial(self._break, self._breakable, verb) for verb in breaking.USAGE}
            commands |= {verb: _Command(run, breaking.USAGE[verb]) for verb, run in breaks.items()}
        if self._restart is not None:
            commands["restart"] = _Command(self._restart_bot, "")
        if self._advance is not None:
            commands["advance"] = _Command(self._advance_time, "DURATION")
        return commands

    async def _break(self, discord: Breakable, verb: str, argument: str) -> None:
        self.note(breaking.apply(discord, verb, argument, here=self.person.guild))
        await self.person.rest()

    async def _restart_bot(self, _: str) -> None:
        assert self._restart is not None
        await self._restart()

    async def _advance_time(self, duration: str) -> None:
        assert self._advance is not None
        await self._advance(duration)
        self.note(f"it is {written_moment(self.world.clock.time(), seconds=True)} now")

    async def _click(self, button: str) -> Reply:
        button = button.strip('"')
        on = self.person.newest_with((BUTTON,), button) or self.person.newest_with((BUTTON,))
        if on is None:
            raise Impossible("no message here has a button")
        return self._keep(await self.person.click(on, button))

    async def _select(self, typed: str) -> Reply:
        values = words(typed)
        on = self.person.newest_with(SELECTS, values[0]) or self.person.newest_with(SELECTS)
        if on is None:
            raise Impossible("no message here has a select")
        found = list(controls(on.components, SELECTS))
        named = next((one for one in found if values[0] in (one.get("placeholder"), one["custom_id"])), None)
        if named is not None:
            values = values[1:]
        select = found[0] if named is None else named
        chosen = [self._selected(select, value) for value in values]
        return self._keep(await self.person.select(on, *chosen, menu=str(named["custom_id"]) if named else None))

    def _selected(self, select: JSON, typed: str) -> Value:
        kind = {USER_SELECT: USER, ROLE_SELECT: ROLE, MENTIONABLE_SELECT: MENTIONABLE, CHANNEL_SELECT: CHANNEL}
        if select["type"] not in kind:
            return typed
        return find_named(name_of(select), kind[select["type"]], typed, self.person.guild)

    async def _submit(self, typed: str) -> Reply:
        form = self._form
        if form is None:
            raise Impossible("no form is open: :click or type what opens one")
        reply = self._keep(await self.person.submit(form, fields(typed)))
        if reply.failed:
            self._form = form
        return reply

    async def _menu(self, typed: str) -> Reply:
        name, _, at = typed.rpartition(" @")
        if name:
            target: User | Message = self._user(at)
        else:
            name = typed
            newest = next((message for message in self.person.history() if not message.ephemeral), None)
            if newest is None:
                raise Impossible("there is no message here")
            target = newest
        return self._keep(await self.person.menu(name.strip('"'), target))

    def _user(self, typed: str) -> User:
        found = find_named("target", USER, typed, self.person.guild)
        assert isinstance(found, User)
        return found

    def _keep(self, reply: Reply) -> Reply:
        """Remember the form that a reply opened, and write that the bot did not respond if it did not."""
        self._form = reply if reply.modal else None
        if reply.failed:
            self.transcript.say(self.world.bot, [self.transcript.paint(NO_ANSWER, "red")], self.person.user)
        return reply

    async def _as(self, name: str) -> None:
        name = name.removeprefix("@")
        user = self.people.known(name)
        guild = self.person.guild
        if user is None or user.bot:
            names = ", ".join(member_names(guild or self.people.home))
            raise Impossible(f"nobody is called {name!r}; here are {names} (:join {name} lets them in)")
        place = self.person.channel if guild else self.world.channels.dm(user)
        self.person = Person(self.people, user, place).at(place)

    async def _join(self, name: str) -> None:
        name = name.removeprefix("@")
        guild = self.person.guild or self.people.home
        known = self.people.known(name)
        if known and known.id in guild.members:
            raise Impossible(f"{name} is a member of {guild.name} already")
        self.people.member(name, guild)
        self.note(f"{name} joined {guild.name}")
        await self.person.rest()

    async def _in(self, name: str) -> None:
        name = name.removeprefix("#")
        guild = self.person.guild or self.people.home
        channel = guild.channel(name)
        if channel is None:
            channel = self.world.channels.add(guild, name)
            self.note(f"there was no #{name}: it is new")
        self.person = self.person.at(channel)
        await self.person.rest()

    async def _guild(self, name: str) -> None:
        guild = next((guild for guild in self.world.guilds.values() if guild.name == name), None)
        if guild is None:
            guild = self.world.guilds.add(name, owner=self.person.user)
            self.note(f"there was no guild {name}: it is new, and {self.person.name}'s")
        self.person = self.person.at(guild)
        await self.person.rest()

    async def _dm(self, _: str) -> None:
        self.person = self.person.at(self.world.channels.dm(self.person.user))

    async def _help(self, _: str) -> None:
        commands = self.person.commands()
        # a command with options shows how they are written
        told = next((command for command in commands if command.get("options")), commands[0] if commands else None)
        self.write(HELP.format(example=example(told) if told else "/name option:value"))
        if self._advance:
            self.write(ADVANCE_HELP)
        if self._breakable:
            self.write(BREAK_HELP)
        if self._restart:
            self.write(RESTART_HELP)

    async def _quit(self, _: str) -> None:
        self.over = True

    def _show(self, change: Change) -> None:
        if not (self._posting and isinstance(change, MessageCreated)):
            self.transcript.show(change)


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
