"""The terminal chat: typed lines become what people do, and what happens becomes lines that they read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from wisp.sandbox.faults import LINES, Breakable, do
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
    Chosen,
    File,
    Value,
    choose,
    closest,
    offered,
)
from wisp.sandbox.people.components import (
    BUTTON,
    CHANNEL_SELECT,
    MENTIONABLE_SELECT,
    MESSAGE_MENU,
    ROLE_SELECT,
    SELECTS,
    TEXT_INPUT,
    USER_MENU,
    USER_SELECT,
    called,
    controls,
    name_of,
)
from wisp.sandbox.people.person import NO_ANSWER, People, Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.people.typed import Local, Say, Slash, field_name, fields, parse, quoted
from wisp.sandbox.people.typed import words as line_words
from wisp.sandbox.terminal.text import mentioning, on_one_line, written_moment
from wisp.sandbox.terminal.transcript import Transcript, where
from wisp.sandbox.world.changes import Happening, MessageCreated
from wisp.sandbox.world.objects import JSON, Channel, Guild, Impossible, Message, Role, User
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
NO_ADVANCE = (
    "the bot runs in another process, whose time the sandbox cannot move: "
    "`wisp sandbox bot.py` runs a wisp bot in the same process"
)
"""What is said where `advance` is not given."""

RESTART_HELP = ":restart                   stop the bot, and start it again on the same data"
SAMPLES = {
    BOOLEAN: "true",
    USER: "@bob",
    ROLE: "@everyone",
    MENTIONABLE: "@bob",
    CHANNEL: "#general",
    ATTACHMENT: "a.png",
}
"""What may be typed for an option, by its type."""

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")


class Terminal:
    """A chat in which one person at a time speaks, `person`. `write` puts one whole line before the reader's eyes.

    `breakable` is what `:drop` and its like break, `restart` what `:restart` does, `advance` moves the time of the bot
    and of the world by a typed duration. Use it as a context manager: inside, what happens in the world is written as
    it happens.
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
        self._stop = self.world.watch(self._show)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop:
            self._stop()

    @property
    def prompt(self) -> str:
        """Who speaks, and where: "ada in Sandbox #general> "."""
        return f"{on_one_line(self.person.name)} in {where(self.person.channel)}> "

    async def enter(self, typed: str) -> Reply | None:
        """Do what a typed line says; the reply where it asked the bot for something. Raises Impossible."""
        match parse(typed):
            case Local(name, argument):
                return await self._local(name, argument)
            case Say(text) if text:
                await self._say(text)
            case Slash(words, options):
                return await self._slash(words, options)
            case _:
                pass
        return None

    def complain(self, error: Exception) -> None:
        """Write that something could not be done, in one line."""
        self.write(self.transcript.paint(complaint(error), "red"))

    def note(self, text: str) -> None:
        """Write what the terminal itself has to say."""
        self.transcript.note(text)

    def write(self, text: str) -> None:
        """Write one thing, which may be of several lines."""
        self._write(text)

    async def completions(self, typed: str) -> list[str]:
        """What the last word of a line may become, the part before the cursor being `typed`."""
        head, word = split_last(typed)
        if typed.startswith(":"):
            found = beginning(word, self._local_completions(head.strip()))
        elif typed.startswith("/"):
            found = await self._slash_completions(head, word)
        else:
            found = beginning(word, self._named(word))
        return found

    # What a line does

    async def _say(self, text: str) -> None:
        message = mentioning(text, self.person.guild)
        self._posting = True
        try:
            self.person.post(message)
        finally:
            self._posting = False
        await self.person.rest()

    async def _slash(self, words: Sequence[str], options: Sequence[tuple[str, str]]) -> Reply:
        chosen = choose(self.world, self.person.user, self.person.channel, words)
        values = {name: self._value(chosen, name, typed) for name, typed in options}
        return self._keep(await self.person.slash(" ".join(words), **values))

    def _value(self, chosen: Chosen, name: str, typed: str) -> Value:
        option = next((option for option in chosen.options if option["name"] == name), None)
        return typed if option is None else value(option, typed, self.person.guild)

    async def _local(self, name: str, argument: str) -> Reply | None:
        commands = self._locals()
        if name == "advance" and name not in commands:
            raise Impossible(NO_ADVANCE)
        if name not in commands:
            near = [f":{other}" for other in closest(name, commands) or commands]
            raise Impossible(f"there is no :{name}; there is {', '.join(near)} (to say it, write \\:{name})")
        action, expected = commands[name]
        if bool(argument) != bool(expected) and not (expected.startswith("[") and not argument):
            raise Impossible(f"expected :{name} {expected}" if expected else f":{name} stands alone")
        return await action(argument)

    def _locals(self) -> dict[str, tuple[Callable[[str], Awaitable[Reply | None]], str]]:
        return {
            "click": (self._click, "BUTTON"),
            "select": (self._select, "VALUE ..."),
            "submit": (self._submit, "FIELD:TEXT ..."),
            "menu": (self._menu, "COMMAND [@MEMBER]"),
            "as": (self._as, "NAME"),
            "join": (self._join, "NAME"),
            "in": (self._in, "#CHANNEL"),
            "guild": (self._guild, "NAME"),
            "dm": (self._dm, ""),
            "help": (self._help, ""),
            "quit": (self._quit, ""),
            **({verb: (partial(self._break, verb), expected) for verb, expected in LINES.items() if self._breakable}),
            **({"restart": (self._restart_bot, "")} if self._restart else {}),
            **({"advance": (self._advance_time, "DURATION")} if self._advance else {}),
        }

    async def _break(self, verb: str, argument: str) -> None:
        assert self._breakable is not None
        self.note(do(self._breakable, verb, argument, here=self.person.guild))
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
        on = self._newest((BUTTON,), button) or self._newest((BUTTON,), None)
        if on is None:
            raise Impossible("no message here has a button")
        return self._keep(await self.person.click(on, button))

    async def _select(self, typed: str) -> Reply:
        words = line_words(typed)
        on = self._newest(SELECTS, words[0]) or self._newest(SELECTS, None)
        if on is None:
            raise Impossible("no message here has a select")
        found = list(controls(on.components, SELECTS))
        known = next((one for one in found if words[0] in (one.get("placeholder"), one["custom_id"])), None)
        if known:
            words = words[1:]
        named_id = str(known["custom_id"]) if known else None
        select = known or found[0]
        values = [self._selected(select, word) for word in words]
        return self._keep(await self.person.select(on, *values, menu=named_id))

    def _selected(self, select: JSON, typed: str) -> Value:
        kind = {USER_SELECT: USER, ROLE_SELECT: ROLE, MENTIONABLE_SELECT: MENTIONABLE, CHANNEL_SELECT: CHANNEL}
        if select["type"] not in kind:
            return typed
        return named({"name": name_of(select), "type": kind[select["type"]]}, typed, self.person.guild)

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
            newest = next((message for message in self._messages() if not message.ephemeral), None)
            if newest is None:
                raise Impossible("there is no message here")
            target = newest
        return self._keep(await self.person.menu(name.strip('"'), target))

    def _user(self, typed: str) -> User:
        found = named({"name": "target", "type": USER}, typed, self.person.guild)
        assert isinstance(found, User)
        return found

    def _keep(self, reply: Reply) -> Reply:
        """Remember the form that a reply opened; say where nobody answered."""
        self._form = reply if reply.modal else None
        if reply.failed:
            self.transcript.say(self.world.bot, [self.transcript.paint(NO_ANSWER, "red")], self.person.user)
        return reply

    def _messages(self) -> Iterator[Message]:
        """What the person sees here, the newest first."""
        for message in reversed(self.world.messages.values()):
            if message.channel is self.person.channel and not message.deleted and self.person.sees(message):
                yield message

    def _newest(self, kinds: Sequence[int], name: str | None) -> Message | None:
        """The newest message with such a component, of this name where one is given."""
        for message in self._messages():
            for control in controls(message.components, kinds):
                if name is None or called(control, name):
                    return message
        return None

    async def _as(self, name: str) -> None:
        name = name.removeprefix("@")
        user = self.people.known(name)
        guild = self.person.guild
        if user is None or user.bot:
            names = ", ".join(self._member_names(guild or self.people.home))
            raise Impossible(f"nobody is called {name!r}; here are {names} (:join {name} lets them in)")
        place = self.person.channel if guild else self.world.dm(user)
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
            channel = self.world.add_channel(guild, name)
            self.note(f"there was no #{name}: it is new")
        self.person = self.person.at(channel)
        await self.person.rest()

    async def _guild(self, name: str) -> None:
        guild = next((guild for guild in self.world.guilds.values() if guild.name == name), None)
        if guild is None:
            guild = self.world.add_guild(name, owner=self.person.user)
            self.note(f"there was no guild {name}: it is new, and {self.person.name}'s")
        self.person = self.person.at(guild)
        await self.person.rest()

    async def _dm(self, _: str) -> None:
        self.person = self.person.at(self.world.dm(self.person.user))

    async def _help(self, _: str) -> None:
        commands = self.person.commands()
        # One with options shows how they are written.
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

    def _show(self, happening: Happening) -> None:
        if not (self._posting and isinstance(happening, MessageCreated)):
            self.transcript.show(happening)

    # What may be typed

    def _local_completions(self, head: str) -> list[str]:
        match head:
            case "":
                return [f":{name}" for name in self._locals()]
            case ":click":
                return self._names((BUTTON,))
            case ":select":
                return [quoted(name) for name in self._names(SELECTS)]
            case ":submit" if self._form and self._form.modal:
                inputs = controls(self._form.modal["components"], (TEXT_INPUT,))
                return [f"{field_name(one['custom_id'])}:" for one in inputs]
            case ":menu":
                return self._menu_names()
            case ":as":
                return [user.name for user in self.world.users.values() if not user.bot]
            case ":in":
                guild = self.person.guild or self.people.home
                return [f"#{channel.name}" for channel in guild.places]
            case ":guild":
                return [guild.name for guild in self.world.guilds.values()]
            case ":advance":
                return ["1m", "1h", "1d"]
            case _:
                return []

    def _menu_names(self) -> list[str]:
        person = self.person
        kinds = (USER_MENU, MESSAGE_MENU)
        return [one["name"] for kind in kinds for one in offered(self.world, person.user, person.channel, kind)]

    def _names(self, kinds: Sequence[int]) -> list[str]:
        message = self._newest(kinds, None)
        return [name_of(control) for control in controls(message.components, kinds)] if message else []

    async def _slash_completions(self, head: str, word: str) -> list[str]:
        if not head.strip():
            return beginning(word, [f"/{command['name']}" for command in self.person.commands()])
        try:
            line = parse(head)
            assert isinstance(line, Slash)
            return await self._inner_completions(line, word)
        except Impossible:
            return []

    async def _inner_completions(self, line: Slash, word: str) -> list[str]:
        below = self._below(line.words)
        parts = [option for option in below if option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP)]
        if parts:
            return beginning(word, [part["name"] for part in parts])
        name, colon, typed = word.partition(":")
        given = dict(line.options)
        if not colon:
            return beginning(word, [f"{option['name']}:" for option in below if option["name"] not in given])
        option = next((option for option in below if option["name"] == name), None)
        values = await self._value_completions(line, option, typed) if option else []
        return [f"{name}:{quoted(value)}" for value in beginning(typed.lstrip('"'), values)]

    def _below(self, words: Sequence[str]) -> list[JSON]:
        """What can come after these words: subcommands, or options."""
        level: list[JSON] = self.person.commands()
        for word in words:
            found = [part for part in level if part["name"] == word]
            level = found[0].get("options", []) if found else []
        return level

    async def _value_completions(self, line: Slash, option: JSON, typed: str) -> list[str]:
        if option.get("autocomplete"):
            chosen = choose(self.world, self.person.user, self.person.channel, line.words)
            values: dict[str, Value] = {}
            for name, given in line.options:
                with suppress(Impossible):
                    values[name] = self._value(chosen, name, given)
            suggested = await self.person.autocomplete(" ".join(line.words), option["name"], typed, values)
            return [str(choice["value"]) for choice in suggested]
        if choices := option.get("choices"):
            return [choice["name"] for choice in choices]
        if option["type"] == BOOLEAN:
            return ["true", "false"]
        if option["type"] in (USER, ROLE, MENTIONABLE, CHANNEL):
            return self._named("#" if option["type"] == CHANNEL else "@")
        return self._named(typed)

    def _named(self, word: str) -> list[str]:
        """Everybody for a word that begins with @, every channel for one with #."""
        guild = self.person.guild or self.people.home
        if word.startswith("@"):
            roles = [role.name for role in guild.roles.values() if role is not guild.everyone]
            # The bot's own role bears its name: offered once, it is the bot.
            return list(dict.fromkeys(f"@{name}" for name in [*self._member_names(guild), self.world.bot.name, *roles]))
        return [f"#{channel.name}" for channel in guild.places] if word.startswith("#") else []

    def _member_names(self, guild: Guild) -> list[str]:
        return [member.user.name for member in guild.members.values() if not member.user.bot]


def complaint(error: Exception) -> str:
    """That something could not be done, in one line."""
    return f"! {on_one_line(str(error))}"


def is_advance(typed: str) -> bool:
    """Return whether a line moves the time. One that cannot be read does not."""
    try:
        line = parse(typed)
    except Impossible:
        return False
    return isinstance(line, Local) and line.name == "advance"


def example(command: JSON) -> str:
    """A command as it may be typed, with its required options, or the first one where none is required."""
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


def value(option: JSON, typed: str, guild: Guild | None) -> Value:
    """What a typed option means, by the option's type. Raises Impossible where it means nothing."""
    for choice in option.get("choices", []):
        if typed in (str(choice["value"]), choice["name"]):
            return choice["value"]
    kind = option["type"]
    try:
        if kind == INTEGER:
            return int(typed)
        if kind == NUMBER:
            return float(typed)
    except ValueError:
        expected = "a whole number" if kind == INTEGER else "a number"
        raise Impossible(f"option {option['name']!r}: expected {expected}, got {typed!r}") from None
    if kind == BOOLEAN and typed.lower() in (*TRUE, *FALSE):
        return typed.lower() in TRUE
    if kind in (USER, ROLE, MENTIONABLE, CHANNEL):
        return named(option, typed, guild)
    if kind == ATTACHMENT:
        return attached(option, typed)
    return mentioning(typed, guild)


def named(option: JSON, typed: str, guild: Guild | None) -> User | Role | Channel:
    """The user, role or channel of a guild that "@bob", "#general", a bare name, an id or a mention names."""
    if guild is None:
        raise Impossible(f"option {option['name']!r}: direct messages have no members, roles or channels to name")
    found: dict[int, list[User | Role | Channel]] = {
        USER: [member.user for member in guild.members.values()],
        ROLE: list(guild.roles.values()),
        MENTIONABLE: [*(member.user for member in guild.members.values()), *guild.roles.values()],
        CHANNEL: [*guild.places],
    }
    bare = typed.lstrip("@#")
    for one in found[option["type"]]:
        if bare in (one.name, one.name.lstrip("@")) or typed in (str(one.id), one.mention):
            return one
    sign = "#" if option["type"] == CHANNEL else "@"
    names = ", ".join(sign + one.name.lstrip("@") for one in found[option["type"]])
    raise Impossible(f"option {option['name']!r}: {guild.name} has no {typed!r}; it has {names}")


def attached(option: JSON, typed: str) -> File:
    """The file at a path."""
    try:
        path = Path(typed).expanduser()
        return File(path.name, path.read_bytes())
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Impossible(f"option {option['name']!r}: expected a path to a file, got {typed!r}: {reason}") from None


def beginning(word: str, found: Sequence[str]) -> list[str]:
    """Those that begin with `word`, in upper or lower case."""
    return [one for one in found if one.lower().startswith(word.lower())]


def split_last(typed: str) -> tuple[str, str]:
    """A line up to its last word, and that word, which may be empty."""
    cut = max((number for number, character in enumerate(typed) if character.isspace()), default=-1) + 1
    return typed[:cut], typed[cut:]
