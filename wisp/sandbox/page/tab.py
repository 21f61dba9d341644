"""One browser tab on the page: who its person is, what they do, and what they are shown."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import WSMsgType, web

from wisp.sandbox.page import actions
from wisp.sandbox.page.views import message_view, permissions_view, place_view, seen_messages, sees_channel
from wisp.sandbox.people.commands import ATTACHMENT, Value, choose
from wisp.sandbox.people.components import SELECTS, TEXT_SELECT, controls
from wisp.sandbox.people.person import Person, front
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.people.typed import Slash, parse
from wisp.sandbox.terminal.chat import NO_ADVANCE, value
from wisp.sandbox.terminal.text import mentioning
from wisp.sandbox.world.changes import (
    Happening,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    PinsChanged,
    ReactionAdded,
    ReactionRemoved,
    Typing,
)
from wisp.sandbox.world.objects import (
    CATEGORY,
    FORUM,
    JSON,
    MEDIA,
    Channel,
    Emoji,
    Guild,
    Impossible,
    Message,
    Role,
    User,
    dumps,
)
from wisp.sandbox.world.permissions import ALL_PERMISSIONS
from wisp.sandbox.world.world import World

if TYPE_CHECKING:
    from wisp.sandbox.page.log import Record
    from wisp.sandbox.page.page import Page

LARGEST_FRAME = 256 * 1024
"""Bytes of one frame from a browser: five inputs of a form, full of characters that JSON escapes."""

PACE, BURST = 30.0, 60
"""Frames a second that are read from a browser, and how many may come at once. The rest waits in the socket."""

MOST_DOING = 40
"""How many actions of one browser may be under way."""

RHYTHM = 0.03
"""Seconds between two looks at what changed: what comes in between goes out together."""

MOST_RECORDS = 100
"""Records of each kind that a browser is shown of what was before."""

MOST_CHANGED = 50
"""Where more messages changed between two looks, the channel is shown anew instead."""


class Visitor:
    """One browser. `serve` lasts as long as it is connected."""

    def __init__(self, page: Page, socket: web.WebSocketResponse) -> None:
        self._page = page
        self._socket = socket
        self._world: World = page.people.world
        self._person: Person = self._first_person()
        self._forms: dict[int, Reply] = {}
        self._doing: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._answers: list[JSON] = []
        self._changed: dict[int, Message] = {}
        self._typing: set[str] = set()
        self._records: list[Record] = []
        self._unread: Counter[int] = Counter()
        self._new = True
        self._anew = True
        self._shown = b""
        self._unfollow: Callable[[], None] | None = None

    def _first_person(self) -> Person:
        """The world's owner, in the first guild that they are in."""
        owner = self._world.owner
        person = Person(self._page.people, owner, self._world.dm(owner))
        home = next((guild for guild in self._world.guilds.values() if owner.id in guild.members), None)
        return person.at(self._landing(person, home)) if home else person

    async def serve(self) -> None:
        """Do what the browser asks and show what happens, until it goes."""
        stops = [self._world.watch(self._see), self._page.changes(self._wake)]
        writing = asyncio.create_task(self._write())
        self._wake()
        try:
            await self._read()
        finally:
            for stop in [*stops, *([self._unfollow] if self._unfollow else [])]:
                stop()
            for task in (writing, *self._doing):
                task.cancel()
            await asyncio.gather(writing, *self._doing, return_exceptions=True)

    # What comes in

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        allowance, since = float(BURST), loop.time()
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                await self._socket.close(code=1003, message=b"expected text")
                return
            try:
                action = actions.decoder.decode(frame.data)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                await self._socket.close(code=1008, message=f"not an action: {error}".encode()[:120])
                return
            self._start(action)
            allowance, since = min(BURST, allowance + (loop.time() - since) * PACE) - 1, loop.time()
            if allowance < 0:
                # the event loop's time: an `advance()` that runs meanwhile ends the pause at once
                await asyncio.sleep(-allowance / PACE)

    def _start(self, action: actions.Anything) -> None:
        if len(self._doing) >= MOST_DOING:
            self._answer({"re": action.n, "no": f"{MOST_DOING} things are under way already: wait for one of them"})
            return
        task = asyncio.create_task(self._do(action))
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _do(self, action: actions.Anything) -> None:
        try:
            answer: JSON = {"re": action.n, "ok": await _HANDLERS[type(action)](self, action)}
        except Impossible as error:
            answer = {"re": action.n, "no": str(error)}
        except Exception as error:
            self._page.fail(error)
            answer = {"re": action.n, "no": "the sandbox itself failed: see the terminal"}
        self._answer(answer)
        self._page.changed()

    # What goes out

    def _wake(self) -> None:
        self._news.set()

    def _answer(self, answer: JSON) -> None:
        self._answers.append(answer)
        self._wake()

    def _see(self, happening: Happening) -> None:
        match happening:
            case MessageCreated(message) | MessageEdited(message) | MessageDeleted(message):
                self._note(message, new=isinstance(happening, MessageCreated))
            case ReactionAdded(message) | ReactionRemoved(message) | PinsChanged(message):
                self._note(message, new=False)
            case Typing(channel, user) if channel is self._person.channel and user is not self._person.user:
                self._typing.add(user.name)
            case _:
                pass
        self._wake()

    def _note(self, message: Message, *, new: bool) -> None:
        if message.channel is not self._person.channel:
            if new and message.author is not self._person.user and self._person.sees(message):
                self._unread[message.channel.id] += 1
        elif self._person.sees(message):
            self._changed[message.id] = message
            if len(self._changed) > MOST_CHANGED:
                self._changed.clear()
                self._anew = True

    def _record(self, record: Record) -> None:
        self._records.append(record)
        del self._records[: -4 * MOST_RECORDS]
        self._wake()

    async def _write(self) -> None:
        try:
            await self._tell()
        except ConnectionError:
            return
        except Exception as error:
            self._page.fail(error)
            await self._socket.close(code=1011, message=b"the sandbox itself failed: see the terminal")

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            for frame in self._collected():
                await self._socket.send_str(frame)
            # the event loop's time: while an `advance()` runs, the pause is over at once
            await asyncio.sleep(RHYTHM)

    def _collected(self) -> list[str]:
        """The frames that tell of everything since the last time, answers last: what they changed is there by then."""
        self._stay_where_one_can_be()
        pushes: list[JSON] = []
        if self._new:
            self._new = False
            pushes.append({"push": "hello", "permissions": permissions_view()})
        place = place_view(self._person) | self._unread_view()
        place |= {"online": self._page.online, "time": self._page.time_view()}
        packed = dumps(place)
        if packed != self._shown:
            self._shown = packed
            pushes.append({"push": "place", **place})
        changed, self._changed = self._changed, {}
        if self._anew:
            self._anew = False
            pushes.append({"push": "channel", **self._channel_view()})
        elif changed:
            pushes.append({"push": "messages", **self._changes_view(list(changed.values()))})
        if self._typing:
            pushes.append({"push": "typing", "names": sorted(self._typing)})
            self._typing.clear()
        if self._records:
            pushes.append({"push": "records", "records": [record.payload() for record in self._records]})
            self._records.clear()
        answers, self._answers = self._answers, []
        now = self._world.clock.time()
        return [dumps({**frame, "now": now}).decode() for frame in (*pushes, *answers)]

    def _channel_view(self) -> JSON:
        messages, more = seen_messages(self._person)
        shown = [message_view(self._person, one) for one in messages if one.id not in self._page.dismissed]
        return {"channel": str(self._person.channel.id), "messages": shown, "more": more}

    def _changes_view(self, changed: list[Message]) -> JSON:
        there = [one for one in changed if not one.deleted and one.id not in self._page.dismissed]
        return {
            "changed": [message_view(self._person, message) for message in there],
            "gone": [str(message.id) for message in changed if message not in there],
        }

    def _unread_view(self) -> JSON:
        channels = {number: self._world.channels[number] for number in self._unread if number in self._world.channels}
        guilds = {str(channel.guild.id) for channel in channels.values() if channel.guild}
        counts = {str(number): self._unread[number] for number in channels}
        direct = any(channel.guild is None for channel in channels.values())
        return {"unread": counts, "unread_guilds": sorted(guilds), "unread_direct": direct}

    def _stay_where_one_can_be(self) -> None:
        """Who left the guild, or sees the channel no more, finds themselves elsewhere."""
        channel = self._person.channel
        if channel.guild is None or sees_channel(self._person, channel):
            return
        if self._person.id in channel.guild.members:
            self._look_at(self._landing(self._person, channel.guild))
            return
        other = next((guild for guild in self._world.guilds.values() if self._person.id in guild.members), None)
        self._look_at(self._landing(self._person, other) if other else self._world.dm(self._person.user))

    def _landing(self, person: Person, guild: Guild) -> Channel:
        """The first channel of a guild that a person sees; their direct messages where there is none."""
        seen = (one for one in guild.channels.values() if one.kind not in SILENT and sees_channel(person, one))
        return next(seen, None) or self._world.dm(person.user)

    def _look_at(self, channel: Channel) -> None:
        self._person = self._person.at(channel)
        self._unread.pop(channel.id, None)
        self._typing.clear()
        self._anew = True
        self._wake()

    # What is asked for

    async def be(self, action: actions.Be) -> None:
        """Switch persons; what the new one cannot see is left."""
        user = self._user(action.user)
        if user.bot:
            raise Impossible(f"{user.name} is a bot: expected a person")
        channel = self._person.channel
        place = channel if channel.guild and user.id in channel.guild.members else self._world.dm(user)
        self._person = Person(self._page.people, user, place)
        self._forms.clear()
        self._unread.clear()
        self._look_at(place)

    async def go(self, action: actions.Go) -> None:
        """Look at another place."""
        if action.channel is not None:
            channel = self._world.channels.get(int(action.channel))
            if channel is None or channel.kind in SILENT or not self._world.sees(self._person.user, channel):
                raise Impossible(f"{self._person.name} sees no such channel")
            self._look_at(channel)
        elif action.guild is not None:
            self._look_at(self._landing(self._person, self._guild(action.guild)))
        else:
            self._look_at(self._world.dm(self._person.user))

    async def older(self, action: actions.Older) -> JSON:
        """The messages before one."""
        messages, more = seen_messages(self._person, before=int(action.before))
        shown = [message_view(self._person, one) for one in messages if one.id not in self._page.dismissed]
        return {"channel": str(self._person.channel.id), "messages": shown, "more": more}

    async def say(self, action: actions.Say) -> None:
        """Put a message into the channel."""
        self._person.post(
            mentioning(action.text, self._person.guild),
            files=[self._page.uploaded(key) for key in action.files],
            reply_to=self._message(action.reply) if action.reply else None,
            ping=action.ping,
        )
        self._page.spend(action.files)

    async def edit(self, action: actions.Edit) -> None:
        """Change one's own message."""
        await self._person.edit(self._message(action.message), mentioning(action.text, self._person.guild))

    async def delete(self, action: actions.Delete) -> None:
        """Delete a message."""
        await self._person.delete(self._message(action.message))

    async def start_thread(self, action: actions.StartThread) -> None:
        """Start a thread and look at it."""
        on = self._message(action.message) if action.message else None
        self._look_at((await self._person.start_thread(action.name, on)).channel)

    async def slash(self, action: actions.Slash) -> JSON:
        """Use a slash command."""
        return await self._slash(action.words, action.options)

    async def enter(self, action: actions.Enter) -> JSON:
        """Use a slash command that is typed as one line."""
        typed = _parsed(action.line)
        return await self._slash(typed.words, dict(typed.options))

    async def parse(self, action: actions.Parse) -> JSON:
        """Return the words of a typed slash command, and its options as pairs of name and text."""
        typed = _parsed(action.line)
        return {"words": typed.words, "options": typed.options}

    async def complete(self, action: actions.Complete) -> list[JSON]:
        """What the bot suggests."""
        person = self._person
        chosen = choose(self._world, person.user, person.channel, action.words)
        given: dict[str, Value] = {}
        for name, typed in action.options.items():
            try:
                given |= self._values(chosen.options, {name: typed})
            except Impossible:  # not whole yet, as in a client
                continue
        return await person.autocomplete(" ".join(action.words), action.option, action.typed, given)

    async def menu(self, action: actions.Menu) -> JSON:
        """Use a command from a menu."""
        if action.message is not None:
            return self._outcome(await self._person.menu(action.command, self._message(action.message)))
        return self._outcome(await self._person.menu(action.command, self._user(action.user or "0")))

    async def click(self, action: actions.Click) -> JSON:
        """Press a button."""
        return self._outcome(await self._person.click(self._message(action.message), action.button))

    async def select(self, action: actions.Select) -> JSON:
        """Choose in a select."""
        message = self._message(action.message)
        kinds = [one["type"] for one in controls(message.components, SELECTS) if one["custom_id"] == action.select]
        texts = not kinds or kinds[0] == TEXT_SELECT
        values = [text if texts else self._entity(text) for text in action.values]
        return self._outcome(await self._person.select(message, *values, menu=action.select))

    async def submit(self, action: actions.Submit) -> JSON:
        """Send a form; it stays open where nobody answers."""
        form = self._form(action.form)
        reply = await self._person.submit(form, action.values)
        if not reply.failed:
            self._forms.pop(form.interaction.id, None)
        return self._outcome(reply)

    async def cancel(self, action: actions.Cancel) -> None:
        """Close a form, of which the bot hears nothing."""
        self._forms.pop(int(action.form), None)

    async def dismiss(self, action: actions.Dismiss) -> None:
        """Take a private answer out of sight."""
        message = self._message(action.message)
        if not message.ephemeral:
            raise Impossible("only private answers can be dismissed")
        self._page.dismissed.add(message.id)
        self._changed[message.id] = message

    async def follow(self, action: actions.Follow) -> None:
        """Follow the records, beginning with those that are kept."""
        if self._unfollow:
            self._unfollow()
            self._unfollow = None
        if action.on:
            self._records = self._page.records.newest(MOST_RECORDS)
            self._unfollow = self._page.records.watch(self._record)

    async def join(self, action: actions.Join) -> str:
        """Let somebody join; their id."""
        guild = self._here()
        known = self._page.people.known(action.name)
        if known and known.id in guild.members:
            raise Impossible(f"{action.name} is a member of {guild.name} already")
        return str(self._page.people.member(action.name, guild).id)

    async def leave(self, action: actions.Leave) -> None:
        """Let a member leave."""
        await self._member(action.user).leave()

    async def give_role(self, action: actions.GiveRole) -> None:
        """Give a member a role, or take it."""
        people = self._page.people
        change = people.give if action.on else people.take
        await change(self._member(action.user), self._role(action.role))

    async def add_role(self, action: actions.AddRole) -> str:
        """Make a role; its id."""
        return str(self._world.add_role(self._here(), action.name).id)

    async def change_role(self, action: actions.ChangeRole) -> None:
        """Change what a role allows, and its colour."""
        permissions = int(action.permissions) & ALL_PERMISSIONS
        self._world.edit_role(self._here(), self._role(action.role), permissions=permissions, color=action.color)

    async def delete_role(self, action: actions.DeleteRole) -> None:
        """Take a role away."""
        self._world.delete_role(self._here(), self._role(action.role))

    async def overwrite(self, action: actions.Overwrite) -> None:
        """Change what a channel says of a role or a member."""
        guild, number = self._here(), int(action.target)
        channel = guild.channels.get(int(action.channel))
        target = guild.roles.get(number) or guild.members.get(number)
        if channel is None or target is None:
            raise Impossible(f"{guild.name} has no such channel, role or member")
        allow, deny = int(action.allow) & ALL_PERMISSIONS, int(action.deny) & ALL_PERMISSIONS
        if allow or deny:
            self._world.set_overwrite(channel, target, allow=allow, deny=deny)
        else:
            self._world.remove_overwrite(channel, target)

    async def react(self, action: actions.React) -> None:
        """React to a message."""
        change = self._person.react if action.on else self._person.unreact
        await change(self._message(action.message), self._emoji(action))

    async def add_channel(self, action: actions.AddChannel) -> None:
        """Make a channel and look at it."""
        self._look_at(self._world.add_channel(self._here(), action.name))

    async def add_guild(self, action: actions.AddGuild) -> None:
        """Make a guild, which is this person's, and look at it."""
        self._look_at(front(self._world.add_guild(action.name, owner=self._person.user)))

    async def advance(self, action: actions.Advance) -> None:
        """Move the time of the bot and the world."""
        if self._page.advance is None:
            raise Impossible(NO_ADVANCE)
        await self._page.advance(action.by)

    # What is meant

    async def _slash(self, words: Sequence[str], options: Mapping[str, str]) -> JSON:
        person = self._person
        chosen = choose(self._world, person.user, person.channel, words)
        values = self._values(chosen.options, options)
        return self._outcome(await person.slash(" ".join(words), **values))

    def _outcome(self, reply: Reply) -> JSON:
        """What became of an interaction: the form that it opened, or why the client says that it failed."""
        if reply.modal is None:
            return {"failed": reply.failed}
        self._forms[reply.interaction.id] = reply
        return {"failed": None, "form": str(reply.interaction.id), "modal": reply.modal}

    def _values(self, options: tuple[JSON, ...], typed: Mapping[str, str]) -> dict[str, Value]:
        kinds = {option["name"]: option for option in options}
        return {name: self._value(kinds[name], text) if name in kinds else text for name, text in typed.items()}

    def _value(self, option: JSON, typed: str) -> Value:
        # never a path, as the terminal takes it: a browser's files are those that were uploaded
        return self._page.uploaded(typed) if option["type"] == ATTACHMENT else value(option, typed, self._person.guild)

    def _message(self, number: str) -> Message:
        message = self._world.messages.get(int(number))
        if message is None or not self._person.sees(message):
            raise Impossible("this message is gone")
        return message

    def _emoji(self, action: actions.React) -> str | Emoji:
        guild = self._person.guild
        if action.emoji_id is not None:
            emoji = guild.emojis.get(int(action.emoji_id)) if guild else None
            if emoji is None:
                raise Impossible("there is no such emoji here")
            return emoji
        return action.emoji

    def _user(self, number: str) -> User:
        user = self._world.users.get(int(number))
        if user is None:
            raise Impossible("there is no such user")
        return user

    def _entity(self, number: str) -> Value:
        guild, key = self._person.guild, int(number) if number.isdecimal() and len(number) <= 20 else 0
        found = guild and (guild.roles.get(key) or guild.channels.get(key) or guild.threads.get(key))
        return self._world.users.get(key) or found or number

    def _form(self, number: str) -> Reply:
        form = self._forms.get(int(number))
        if form is None:
            raise Impossible("this form is not open any more")
        return form

    def _guild(self, number: str) -> Guild:
        guild = self._world.guilds.get(int(number))
        if guild is None or self._person.id not in guild.members:
            raise Impossible(f"{self._person.name} is in no such guild")
        return guild

    def _member(self, number: str) -> Person:
        """A member of the guild that is looked at."""
        member = self._here().members.get(int(number))
        if member is None:
            raise Impossible(f"nobody of this id is in {self._here().name}")
        return Person(self._page.people, member.user, self._person.channel)

    def _role(self, number: str) -> Role:
        role = self._here().roles.get(int(number))
        if role is None:
            raise Impossible(f"{self._here().name} has no such role")
        return role

    def _here(self) -> Guild:
        if self._person.guild is None:
            raise Impossible("these are direct messages: go to a guild first")
        return self._person.guild


def _parsed(line: str) -> Slash:
    """Read a slash command as the terminal does. Raises Impossible if the line is none, or cannot be read."""
    typed = parse(line)
    if not isinstance(typed, Slash):
        raise Impossible(f"a slash command is expected, such as /hello, not {line!r}")
    return typed


SILENT = (CATEGORY, FORUM, MEDIA)
"""Kinds of channels that nobody talks in: of categories and forums only what is in them is a place to be."""

_HANDLERS: Mapping[type[actions.Action], Callable[[Visitor, Any], Awaitable[object]]] = {
    actions.Be: Visitor.be,
    actions.Go: Visitor.go,
    actions.Older: Visitor.older,
    actions.Say: Visitor.say,
    actions.Edit: Visitor.edit,
    actions.Delete: Visitor.delete,
    actions.StartThread: Visitor.start_thread,
    actions.Slash: Visitor.slash,
    actions.Enter: Visitor.enter,
    actions.Parse: Visitor.parse,
    actions.Complete: Visitor.complete,
    actions.Menu: Visitor.menu,
    actions.Click: Visitor.click,
    actions.Select: Visitor.select,
    actions.Submit: Visitor.submit,
    actions.Cancel: Visitor.cancel,
    actions.Dismiss: Visitor.dismiss,
    actions.Follow: Visitor.follow,
    actions.Join: Visitor.join,
    actions.Leave: Visitor.leave,
    actions.GiveRole: Visitor.give_role,
    actions.AddRole: Visitor.add_role,
    actions.ChangeRole: Visitor.change_role,
    actions.DeleteRole: Visitor.delete_role,
    actions.Overwrite: Visitor.overwrite,
    actions.React: Visitor.react,
    actions.AddChannel: Visitor.add_channel,
    actions.AddGuild: Visitor.add_guild,
    actions.Advance: Visitor.advance,
}
