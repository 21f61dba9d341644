"""One browser tab: which person it is, the actions that it asks for, and what it is shown."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Annotated

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Meta, Struct

from wisp.sandbox.page.log import LogEntry
from wisp.sandbox.page.page import Page
from wisp.sandbox.page.views import message_view, permissions_view, place_view, seen_messages, sees_channel
from wisp.sandbox.people.commands import File, Value
from wisp.sandbox.people.person import Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.world.changes import (
    Change,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    PinsChanged,
    ReactionAdded,
    ReactionRemoved,
    Typing,
    VoteAdded,
    VoteRemoved,
)
from wisp.sandbox.world.objects import (
    JSON,
    WITHOUT_MESSAGES,
    Channel,
    Guild,
    Impossible,
    Message,
    Role,
    User,
    dumps,
)
from wisp.sandbox.world.world import World

LARGEST_FRAME = 256 * 1024
"""Bytes of one frame from a browser: five inputs of a form, full of characters that JSON escapes."""

PACE, BURST = 30.0, 60
"""Frames per second that are read from a browser, and how many may come at once. The rest waits in the socket."""

MOST_DOING = 40
"""Actions of one browser that may run at once."""

RHYTHM = 0.03
"""Seconds between two groups of frames to a browser."""

MOST_ENTRIES = 100
"""Log entries of each kind that a browser is shown when its panel opens."""

MOST_CHANGED = 50
"""If more messages changed than this, the whole channel is sent again."""


class Action(Struct, tag_field="do", forbid_unknown_fields=True):
    """An action that a browser asks for. The answer has the same `n`."""

    n: Annotated[int, Meta(ge=0, le=2**53)]

    async def run(self, tab: Tab) -> object:
        """Do it, and return what the browser is answered. Raises Impossible if it cannot be done."""
        raise NotImplementedError


class Tab:
    """One browser. `serve` lasts as long as it is connected, and `decode` reads its frames.

    Raises msgspec.DecodeError if a frame is not an action.
    """

    def __init__(self, page: Page, socket: web.WebSocketResponse, decode: Callable[[str], Action]) -> None:
        self.page = page
        self.world: World = page.people.world
        self.person: Person = self._first_person()
        self._socket = socket
        self._decode = decode
        self._forms: dict[int, Reply] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._answers: list[JSON] = []
        self._changed: dict[int, Message] = {}
        self._typing: set[str] = set()
        self._entries: list[LogEntry] = []
        self._unread: Counter[int] = Counter()
        self._is_new = True
        self._channel_is_stale = True
        self._place: JSON | None = None
        self._sent_place = b""
        self._unfollow: Callable[[], None] | None = None

    def _first_person(self) -> Person:
        """Return the world's owner, in the first guild that they are in."""
        owner = self.world.owner
        person = Person(self.page.people, owner, self.world.channels.dm(owner))
        home = next((guild for guild in self.world.guilds.values() if owner.id in guild.members), None)
        return person.at(self._landing(person, home)) if home else person

    async def serve(self) -> None:
        """Run the browser's actions and show it all changes, until it disconnects."""
        stops = [self.world.changes.subscribe(self._watch), self.page.changed.subscribe(self._refresh)]
        writing = asyncio.create_task(self._write())
        self._wake()
        try:
            await self._read()
        finally:
            self.follow(on=False)
            for stop in stops:
                stop()
            for task in (writing, *self._running):
                task.cancel()
            await asyncio.gather(writing, *self._running, return_exceptions=True)

    # Frames from the browser

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        allowance, since = float(BURST), loop.time()
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                await self._socket.close(code=1003, message=b"expected text")
                return
            try:
                action = self._decode(frame.data)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                await self._socket.close(code=1008, message=f"not an action: {error}".encode()[:120])
                return
            self._start(action)
            allowance, since = min(BURST, allowance + (loop.time() - since) * PACE) - 1, loop.time()
            if allowance < 0:
                # the event loop's time: a concurrent `advance()` ends the pause at once
                await asyncio.sleep(-allowance / PACE)

    def _start(self, action: Action) -> None:
        if len(self._running) >= MOST_DOING:
            self._answer({"re": action.n, "no": f"{MOST_DOING} things are under way already: wait for one of them"})
            return
        task = asyncio.create_task(self._run(action))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, action: Action) -> None:
        try:
            answer: JSON = {"re": action.n, "ok": await action.run(self)}
        except Impossible as error:
            answer = {"re": action.n, "no": str(error)}
        except Exception as error:
            self.page.fail(error)
            answer = {"re": action.n, "no": "the sandbox itself failed: see the terminal"}
        self._answer(answer)
        self.page.changed.send(None)

    # Frames to the browser

    def _wake(self) -> None:
        self._news.set()

    def _refresh(self, _: None = None) -> None:
        """Build the view of the place again."""
        self._place = None
        self._wake()

    def _answer(self, answer: JSON) -> None:
        self._answers.append(answer)
        self._wake()

    def _watch(self, change: Change) -> None:
        match change:
            case MessageCreated(message) | MessageEdited(message) | MessageDeleted(message):
                self._note(message, new=isinstance(change, MessageCreated))
            case (
                ReactionAdded(message)
                | ReactionRemoved(message)
                | VoteAdded(message)
                | VoteRemoved(message)
                | PinsChanged(message)
            ):
                self._note(message, new=False)
            case Typing(channel, user):
                if channel is self.person.channel and user is not self.person.user:
                    self._typing.add(user.name)
            case _:
                self._place = None
        self._wake()

    def _note(self, message: Message, *, new: bool) -> None:
        if message.channel is not self.person.channel:
            if new and message.author is not self.person.user and self.person.sees(message):
                self._unread[message.channel.id] += 1
        elif self.person.sees(message):
            self._changed[message.id] = message
            if len(self._changed) > MOST_CHANGED:
                self._changed.clear()
                self._channel_is_stale = True

    def _note_entry(self, entry: LogEntry) -> None:
        self._entries.append(entry)
        del self._entries[: -4 * MOST_ENTRIES]
        self._wake()

    async def _write(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                for frame in self._collect():
                    await self._socket.send_str(frame)
                # the event loop's time: a concurrent `advance()` ends the pause at once
                await asyncio.sleep(RHYTHM)
        except ConnectionError:
            return
        except Exception as error:
            self.page.fail(error)
            await self._socket.close(code=1011, message=b"the sandbox itself failed: see the terminal")

    def _collect(self) -> list[str]:
        """Return the frames since the last call. Answers are the last: they come after what their actions changed."""
        self._leave_unseen_channel()
        pushes: list[JSON] = []
        if self._is_new:
            self._is_new = False
            pushes.append({"push": "hello", "permissions": permissions_view()})
        pushes += self._place_frame()
        pushes += self._messages_frame()
        if self._typing:
            pushes.append({"push": "typing", "names": sorted(self._typing)})
            self._typing.clear()
        if self._entries:
            pushes.append({"push": "records", "records": [entry.payload() for entry in self._entries]})
            self._entries.clear()
        answers, self._answers = self._answers, []
        now = self.world.clock.time()
        return [dumps({**frame, "now": now}).decode() for frame in (*pushes, *answers)]

    def _place_frame(self) -> list[JSON]:
        """Return the view of the place, if it changed."""
        if self._place is None:
            self._place = place_view(self.person)
        place = {
            **self._place,
            **self._unread_view(),
            "online": self.page.online,
            "time": self.page.time_view(),
        }
        packed = dumps(place)
        if packed == self._sent_place:
            return []
        self._sent_place = packed
        return [{"push": "place", **place}]

    def _messages_frame(self) -> list[JSON]:
        """Return the whole channel, or the messages that changed, if there are any."""
        changed, self._changed = self._changed, {}
        if self._channel_is_stale:
            self._channel_is_stale = False
            return [{"push": "channel", **self.channel_view()}]
        return [{"push": "messages", **self._changes_view(list(changed.values()))}] if changed else []

    def channel_view(self, before: int | None = None) -> JSON:
        """Return the newest messages of the channel, or those before an id."""
        messages, more = seen_messages(self.person, before=before)
        shown = [message_view(self.person, one) for one in messages if one.id not in self.page.dismissed]
        return {"channel": str(self.person.channel.id), "messages": shown, "more": more}

    def _changes_view(self, changed: list[Message]) -> JSON:
        there = [one for one in changed if not one.deleted and one.id not in self.page.dismissed]
        return {
            "changed": [message_view(self.person, message) for message in there],
            "gone": [str(message.id) for message in changed if message not in there],
        }

    def _unread_view(self) -> JSON:
        channels = {id: self.world.channels[id] for id in self._unread if id in self.world.channels}
        guilds = {str(channel.guild.id) for channel in channels.values() if channel.guild}
        counts = {str(id): self._unread[id] for id in channels}
        direct = any(channel.guild is None for channel in channels.values())
        return {"unread": counts, "unread_guilds": sorted(guilds), "unread_direct": direct}

    # Where the person is

    def _leave_unseen_channel(self) -> None:
        """Look elsewhere if the person has left the guild, or no longer sees the channel."""
        channel = self.person.channel
        if channel.guild is None or sees_channel(self.person, channel):
            return
        if self.person.id in channel.guild.members:
            self.look_at_guild(channel.guild)
            return
        other = next((guild for guild in self.world.guilds.values() if self.person.id in guild.members), None)
        self.look_at(self._landing(self.person, other) if other else self.world.channels.dm(self.person.user))

    def _landing(self, person: Person, guild: Guild) -> Channel:
        """Return the first channel of a guild that a person sees, or else their direct messages."""
        seen = (
            one for one in guild.channels.values() if one.kind not in WITHOUT_MESSAGES and sees_channel(person, one)
        )
        return next(seen, None) or self.world.channels.dm(person.user)

    def look_at(self, channel: Channel) -> None:
        """Show another channel. Raises Impossible if the person does not see it."""
        self.person = self.person.at(channel)
        self._unread.pop(channel.id, None)
        self._typing.clear()
        self._channel_is_stale = True
        self._refresh()

    def look_at_guild(self, guild: Guild) -> None:
        """Show the first channel of a guild that the person sees, or else their direct messages."""
        self.look_at(self._landing(self.person, guild))

    def become(self, user: User) -> None:
        """Be another person, in the same channel if they are in its guild. Open forms are closed."""
        channel = self.person.channel
        place = channel if channel.guild and user.id in channel.guild.members else self.world.channels.dm(user)
        self.person = Person(self.page.people, user, place)
        self._forms.clear()
        self._unread.clear()
        self.look_at(place)

    # What actions need

    def outcome(self, reply: Reply) -> JSON:
        """Return the result of an interaction: the form that it opened, or why the client shows a failure."""
        if reply.modal is None:
            return {"failed": reply.failed}
        self._forms[reply.interaction.id] = reply
        return {"failed": None, "form": str(reply.interaction.id), "modal": reply.modal}

    def close_form(self, id: str) -> None:
        """Close an open form."""
        self._forms.pop(int(id), None)

    def dismiss(self, message: Message) -> None:
        """Remove a message from the page."""
        self.page.dismissed.add(message.id)
        self._changed[message.id] = message

    def follow(self, *, on: bool) -> None:
        """Show the log from its newest entries on, or no longer."""
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None
        if on:
            self._entries = self.page.log.newest(MOST_ENTRIES)
            self._unfollow = self.page.log.added.subscribe(self._note_entry)

    def uploaded(self, _: str, key: str) -> File:
        """Return an uploaded file, as the value of an option. A path is not a key. Raises Impossible."""
        return self.page.uploaded(key)

    def form(self, id: str) -> Reply:
        """Return an open form. Raises Impossible if it is not open."""
        form = self._forms.get(int(id))
        if form is None:
            raise Impossible("this form is not open any more")
        return form

    def message(self, id: str) -> Message:
        """Return a message. Raises Impossible if the person does not see it."""
        message = self.world.messages.get(int(id))
        if message is None or not self.person.sees(message):
            raise Impossible("this message is gone")
        return message

    def user(self, id: str) -> User:
        """Return a user. Raises Impossible if there is none with this id."""
        user = self.world.users.get(int(id))
        if user is None:
            raise Impossible("there is no such user")
        return user

    def entity(self, id: str) -> Value:
        """Return the user, role or channel with an id, or the id if there is none."""
        guild, key = self.person.guild, int(id) if id.isdecimal() and len(id) <= 20 else 0
        found = guild and (guild.roles.get(key) or guild.channels.get(key) or guild.threads.get(key))
        return self.world.users.get(key) or found or id

    def guild(self, id: str) -> Guild:
        """Return a guild. Raises Impossible if the person is not in it."""
        guild = self.world.guilds.get(int(id))
        if guild is None or self.person.id not in guild.members:
            raise Impossible(f"{self.person.name} is in no such guild")
        return guild

    def here(self) -> Guild:
        """Return the guild that the person looks at. Raises Impossible in direct messages."""
        if self.person.guild is None:
            raise Impossible("these are direct messages: go to a guild first")
        return self.person.guild

    def member(self, id: str) -> Person:
        """Return a member of the guild that the person looks at. Raises Impossible if there is none with this id."""
        member = self.here().members.get(int(id))
        if member is None:
            raise Impossible(f"nobody of this id is in {self.here().name}")
        return Person(self.page.people, member.user, self.person.channel)

    def role(self, id: str) -> Role:
        """Return a role of the guild that the person looks at. Raises Impossible if there is none with this id."""
        role = self.here().roles.get(int(id))
        if role is None:
            raise Impossible(f"{self.here().name} has no such role")
        return role
