"""People who use the bot as a real client lets them: they post, invoke commands, and see what they may see."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from wisp.limits import ATTACHMENTS, CONTENT
from wisp.sandbox.people.commands import Chosen, File, Value, autocomplete_data, choose, command_data, usable
from wisp.sandbox.people.components import button_data, called, controls, menu_data, select_data, submit_data
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.auto_moderation import Hit
from wisp.sandbox.world.bounds import MESSAGE_STICKERS, POLL_ANSWER, POLL_ANSWERS, POLL_HOURS, POLL_QUESTION
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    ANNOUNCEMENT_THREAD,
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    INTERACTION_DEADLINE,
    JSON,
    MODAL_SUBMIT,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    REPLY,
    TEXT,
    WITHOUT_MESSAGES,
    Channel,
    Emoji,
    Guild,
    Impossible,
    Interaction,
    Member,
    Message,
    Poll,
    Role,
    ScheduledEvent,
    Sticker,
    User,
    VoiceState,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import refuse_length
from wisp.sandbox.world.voice import VoiceChanges
from wisp.sandbox.world.world import World

NO_ANSWER = "The application did not respond"
"""The text that a client shows if the bot did not respond in time."""

_OWN_EMOJI = re.compile(r"<(?P<animated>a?):(?P<name>\w{2,32}):(?P<id>\d{1,20})>")
"""A guild's own emoji in the text of a message."""


class People:
    """The people of a world, by name.

    After an interaction a person waits until the response is visible, for `patience` seconds at most (None: without a
    limit). If `settle` is set, it is awaited instead, after every action of a person: it gets a function that returns
    whether the response is visible, and also waits until the bot is idle, so that edits and follow-ups are there. Its
    exceptions are raised from the person's call. `ready` is awaited before each interaction.
    """

    def __init__(self, world: World, *, patience: float | None = 10.0) -> None:
        self.world = world
        self.patience = patience
        self.ready: Callable[[], Awaitable[object]] | None = None
        self.settle: Callable[[Callable[[], bool]], Awaitable[object]] = self.answered

    async def answered(self, is_answered: Callable[[], bool]) -> None:
        """Wait until the response is visible."""
        answered = asyncio.Event()

        def look(_: object = None) -> None:
            if is_answered():
                answered.set()

        stop = self.world.changes.subscribe(look)
        deadline = self.world.clock.call_later(INTERACTION_DEADLINE, look)
        look()
        try:
            await answered.wait()
        finally:
            stop()
            deadline.cancel()

    @property
    def home(self) -> Guild:
        """The guild where people are by default: the world's first."""
        return next(iter(self.world.guilds.values()))

    def known(self, name: str) -> User | None:
        """Return the user of this name, who may be a bot, or None."""
        return next((user for user in self.world.users.values() if user.name == name), None)

    async def give(self, person: Person, *roles: Role) -> None:
        """Give a person roles in the guild that they look at, and wait until the bot is idle."""
        for role in roles:
            self.world.members.give_role(_member(person), role)
        await person.rest()

    async def take(self, person: Person, *roles: Role) -> None:
        """Take roles from a person in the guild that they look at, and wait until the bot is idle."""
        for role in roles:
            self.world.members.take_role(_member(person), role)
        await person.rest()

    def member(self, name: str, guild: Guild | None = None, *, invite: str | None = None) -> Person:
        """Return the person of this name, looking at a guild (by default the first), which they join if needed.

        With the code of an `invite` they join its guild. Raises Impossible for the name of a bot, for a banned user,
        and if the invite does not exist.
        """
        user = self.known(name) or self.world.users.add(name)
        if user.bot:
            raise Impossible(f"{name} is a bot: expected a person's name")
        if invite is not None:
            member = self.world.invites.use(invite, user)
        else:
            member = self.world.members.add(guild or self.home, user)
        return Person(self, user, front(member.guild))


class Person:
    """One user, looking at one channel. `at` returns the same user in another channel."""

    def __init__(self, people: People, user: User, channel: Channel) -> None:
        self.people = people
        self.user = user
        self.channel = channel

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def name(self) -> str:
        """The user's name."""
        return self.user.name

    @property
    def mention(self) -> str:
        """The text that pings this person in a message."""
        return self.user.mention

    @property
    def guild(self) -> Guild | None:
        """The guild that they look at, or None in direct messages."""
        return self.channel.guild

    @property
    def member(self) -> Member | None:
        """Their membership in the guild that they look at; None in direct messages and after they left."""
        return self.guild.members.get(self.id) if self.guild else None

    @property
    def permissions(self) -> int:
        """Their permissions in the channel that they look at, as Discord's bit set."""
        return self.people.world.permissions(self.user, self.channel)

    @property
    def messages(self) -> list[Message]:
        """The messages that they see in the channel that they look at, oldest first, with their ephemeral ones."""
        everything = self.people.world.messages.values()
        return [message for message in everything if message.channel is self.channel and self.sees(message)]

    def history(self, before: int | None = None) -> Iterator[Message]:
        """Yield the messages that they see in this channel, newest first, or only those before an id."""
        for message in self.people.world.messages.newest_first():
            if message.channel is self.channel and (before is None or message.id < before) and self.sees(message):
                yield message

    def newest_with(self, kinds: Sequence[int], name: str | None = None) -> Message | None:
        """Return the newest message here with a component of these types, and of this name if given, or None."""
        for message in self.history():
            if any(name is None or called(one, name) for one in controls(message.components, kinds)):
                return message
        return None

    @property
    def dm(self) -> Person:
        """The same person, looking at their direct messages with the bot."""
        return Person(self.people, self.user, self.people.world.channels.dm(self.user))

    def __repr__(self) -> str:
        if self.guild is None:
            return f"<Person {self.name} in direct messages>"
        facts = ["owner"] if self.guild.owner is self.user else []
        if self.member is None:
            facts.append("no member")
        elif self.member.roles:
            facts.append(f"roles: {', '.join(role.name for role in self.member.roles)}")
        return f"<Person {', '.join([f'{self.name} in {self.guild.name} {self.channel}', *facts])}>"

    def at(self, place: Channel | Guild | str) -> Person:
        """Return the same person, looking at another channel (of this guild, if it is a name), or at a guild.

        Raises Impossible if it does not exist, or if they do not see it.
        """
        if isinstance(place, str):
            place = self._channel_of(place)
        channel = front(place) if isinstance(place, Guild) else place
        guild = channel.guild
        if guild is None and channel.recipient is not self.user:
            raise Impossible(f"{self.name} cannot look into somebody else's direct messages")
        if guild is not None and self.id not in guild.members:
            raise Impossible(f"{self.name} is not a member of {guild.name}")
        there = Person(self.people, self.user, channel)
        there.check_sight()
        return there

    def _channel_of(self, name: str) -> Channel:
        if self.guild is None:
            raise Impossible("direct messages have no other channels")
        return channel_called(self.guild, name)

    def check_sight(self) -> None:
        """Raise Impossible if they do not see the channel that they look at any more."""
        if self.people.world.sees(self.user, self.channel):
            return
        if self.guild and self.id not in self.guild.members:
            raise Impossible(f"{self.name} is not a member of {self.guild.name}")
        raise Impossible(f"{self.name} does not see {self.channel}: it needs VIEW_CHANNEL")

    def _check_may(self, what: str, *needed: Permission) -> None:
        self.check_sight()
        allowed = self.permissions
        if lacking := [str(one.name) for one in needed if not allowed & one]:
            raise Impossible(f"{self.name} cannot {what} in {self.channel}: it needs {', '.join(lacking)}")

    def _check_pace(self, what: str, *, thread: bool = False) -> None:
        wait = self.people.world.messages.slowed(self.user, self.channel, thread=thread)
        if wait:
            slowmode = f"slowmode of {self.channel.slowmode} s in {self.channel}"
            raise Impossible(f"{self.name} may {what} again in {math.ceil(wait)} s: {slowmode} (Discord's code 20016)")

    async def join(self, guild: Guild | None = None) -> Person:
        """Join a guild (by default the first), wait until the bot is idle, and return the same person, looking at it.

        Nothing happens if they are a member already. Raises Impossible if they are banned.
        """
        guild = guild or self.people.home
        self.people.world.members.add(guild, self.user)
        await self.rest()
        return Person(self.people, self.user, front(guild))

    async def set_vanity(self, code: str | None) -> None:
        """Give the guild a vanity URL (None: take it away). Raises Impossible if they do not manage the guild."""
        self._check_may("set a vanity URL", Permission.MANAGE_GUILD)
        if self.guild is None:
            raise Impossible("direct messages have no vanity URL")
        self.people.world.invites.set_vanity(self.guild, code)
        await self.rest()

    async def leave(self) -> None:
        """Leave the guild that they look at. Raises Impossible for its owner, and if they are not a member."""
        if self.member is None:
            raise Impossible(f"{self.name} is in no guild here, and cannot leave it")
        self.people.world.members.remove(self.member)
        await self.rest()

    async def join_voice(self, channel: Channel | str) -> VoiceState:
        """Connect to a voice or stage channel of the guild, or move to it, and return their voice state.

        Raises Impossible if a client could not.
        """
        place = self._channel_of(channel) if isinstance(channel, str) else channel
        member = self._connectable()
        self.people.world.voice.check(member, place)
        state = self.people.world.voice.join(member, place)
        await self.rest()
        return state

    async def set_voice(self, *, mute: bool | None = None, deaf: bool | None = None) -> VoiceState:
        """Mute or deafen themselves in voice, or undo it; None changes nothing. Raises Impossible if not connected."""
        state, changes = self._connected(), VoiceChanges()
        if mute is not None:
            changes["self_mute"] = mute
        if deaf is not None:
            changes["self_deaf"] = deaf
        self.people.world.voice.edit(state, **changes)
        await self.rest()
        return state

    async def leave_voice(self) -> VoiceState:
        """Disconnect from voice. Raises Impossible if they are not connected."""
        state = self._connected()
        self.people.world.voice.leave(state.member)
        await self.rest()
        return state

    def _connectable(self) -> Member:
        if self.member is None:
            raise Impossible(f"{self.name} is not in a guild here: voice channels are in guilds")
        return self.member

    def _connected(self) -> VoiceState:
        state = self._connectable().guild.voice_states.get(self.id)
        if state is None:
            raise Impossible(f"{self.name} is not connected to voice")
        return state

    async def kick(self, target: Person | User, *, reason: str | None = None) -> None:
        """Kick a member of the guild that they look at, and wait until the bot is idle.

        Raises Impossible without KICK_MEMBERS, and for members who are not below them.
        """
        guild, user = self._check_moderates("kick", target, Permission.KICK_MEMBERS)
        member = guild.members.get(user.id)
        if member is None:
            raise Impossible(f"{user.name} is not a member of {guild.name}")
        self.people.world.members.remove(member, how="kicked")
        self.people.world.audit_log.add(guild, AuditLogEvent.KICK, self.user, user.id, reason)
        await self.rest()

    async def ban(self, target: Person | User, *, reason: str | None = None) -> None:
        """Ban a user, a member or not, from the guild that they look at, and wait until the bot is idle.

        Raises Impossible without BAN_MEMBERS, for members who are not below them, and if the user is banned already.
        """
        guild, user = self._check_moderates("ban", target, Permission.BAN_MEMBERS)
        if user.id in guild.bans:
            raise Impossible(f"{user.name} is banned from {guild.name} already")
        self.people.world.members.ban(guild, user, reason=reason)
        self.people.world.audit_log.add(guild, AuditLogEvent.BAN, self.user, user.id, reason)
        await self.rest()

    async def unban(self, target: Person | User) -> None:
        """Lift the ban of a user. Raises Impossible without BAN_MEMBERS, and if the user is not banned."""
        guild, user = self._check_moderates("unban", target, Permission.BAN_MEMBERS)
        self.people.world.members.unban(guild, user)
        self.people.world.audit_log.add(guild, AuditLogEvent.UNBAN, self.user, user.id)
        await self.rest()

    def _check_moderates(self, what: str, target: Person | User, needed: Permission) -> tuple[Guild, User]:
        """Return the guild and the user. Raises Impossible without a permission in it, and for members not below."""
        guild, me, user = self.guild, self.member, target.user if isinstance(target, Person) else target
        if guild is None or me is None:
            raise Impossible(f"{self.name} is in no guild here, and cannot {what} {user.name}")
        if not me.permissions & needed:
            raise Impossible(f"{self.name} cannot {what} {user.name}: it needs {needed.name} in {guild.name}")
        member = guild.members.get(user.id)
        if member is not None and not me.outranks(member):
            raise Impossible(f"{self.name} cannot {what} {user.name}, whose highest role is not below theirs")
        return guild, user

    def sees(self, message: Message) -> bool:
        """Return whether they see a message: it is ephemeral and theirs, or in a channel that they see."""
        return self.people.world.sees(self.user, message)

    def commands(self) -> list[JSON]:
        """Return the slash commands that the client offers here, as Discord's JSON."""
        return usable(self.people.world, self.user, self.channel)

    def choose(self, command: str) -> Chosen:
        """Find a slash command among those that the client offers here. Raises Impossible, naming what there is."""
        self._check_may("use commands", Permission.USE_APPLICATION_COMMANDS)
        return choose(self.people.world, self.user, self.channel, command.removeprefix("/").split())

    async def slash(self, command: str | Chosen, /, **options: Value | Person) -> Reply:
        """Invoke a slash command ("admin kick" for a subcommand) with its options, and return the reply.

        Values are Python's: str, int, float, bool, a Person or User, Role, Channel, File; for a choice its value, its
        name or an Enum's member; a timedelta is typed as "1h30m". Raises Impossible, before anything is sent, for what
        a client would not let them do. It waits until the bot is idle (or, if that is not known, until a response is
        visible or 3 s are over). The Reply shows later changes too.
        """
        chosen = self.choose(command) if isinstance(command, str) else command
        data = command_data(self.people.world, self.user, self.channel, chosen, _unwrapped(options))
        return await self._ask(COMMAND, data, self.channel)

    async def autocomplete(
        self, command: str | Chosen, option: str, typed: str, values: Mapping[str, Value | Person] | None = None
    ) -> list[JSON]:
        """Return the bot's suggestions for an option in which `typed` is typed so far, besides the other `values`.

        They are choices as Discord's JSON (name, value); none if the bot does not respond. Raises Impossible if the
        command or option does not exist, or if it has no autocomplete.
        """
        chosen = self.choose(command) if isinstance(command, str) else command
        focused = next((one for one in chosen.options if one["name"] == option), None)
        if focused is None or not focused.get("autocomplete"):
            raise Impossible(f"{chosen.name} has no option {option!r} with autocomplete")
        data = autocomplete_data(
            self.people.world, self.user, self.channel, chosen, _unwrapped(values or {}), focused, typed
        )
        reply = await self._ask(AUTOCOMPLETE, data, self.channel)
        return reply.interaction.choices or []

    async def click(self, on: Reply | Message, button: str) -> Reply:
        """Press the button with this label, emoji or custom id, and return the reply.

        The Reply is the new message if the bot responds with one, or else the message that the button is on. Raises
        Impossible, before anything is sent, for what a client would not let them do.
        """
        message = self._seen(on)
        return await self._ask(COMPONENT, button_data(message, button), message.channel, message)

    async def select(self, on: Reply | Message, /, *values: Value | Person, menu: str | None = None) -> Reply:
        """Choose in a select: texts by value or label, a Person or User, Role, Channel. The Reply is as in `click`.

        `menu` is its placeholder or custom id, which is needed if there are several. Raises Impossible as `click` does.
        """
        message = self._seen(on)
        chosen = [value.user if isinstance(value, Person) else value for value in values]
        data = select_data(self.people.world, self.user, message, menu, chosen)
        return await self._ask(COMPONENT, data, message.channel, message)

    async def submit(self, form: Reply, values: Mapping[str, str] | None = None, /, **named: str) -> Reply:
        """Submit the form that a reply opened, with texts by custom id or label of the inputs, and return the reply.

        Other inputs keep their values. If the bot does not respond, the form stays open, as in a client. Raises
        Impossible for what a client would not send.
        """
        opened, modal = form.interaction, form.modal
        if modal is None or opened.user is not self.user:
            raise Impossible(f"no form is open before {self.name}")
        data = submit_data(modal, {**(values or {}), **named})
        reply = await self._ask(MODAL_SUBMIT, data, opened.channel, opened.message, opened)
        if reply.failed:
            opened.modal = modal
        return reply

    async def menu(self, command: str, target: Person | User | Reply | Message) -> Reply:
        """Use a command from the menu of a user or a message. Raises Impossible if the client does not offer it."""
        if isinstance(target, Person):
            on: User | Message = target.user
        else:
            on = target if isinstance(target, User) else self._seen(target)
        place = on.channel if isinstance(on, Message) else self.channel
        self._check_may("use commands", Permission.USE_APPLICATION_COMMANDS)
        return await self._ask(COMMAND, menu_data(self.people.world, self.user, place, command, on), place)

    def _seen(self, on: Reply | Message) -> Message:
        message = on.message if isinstance(on, Reply) else on
        if message is None:
            raise Impossible("there is no message: the bot has not answered with one")
        if not self.sees(message):
            raise Impossible(f"{self.name} does not see this message")
        return message

    def post(
        self,
        text: str = "",
        *,
        files: Sequence[File] = (),
        stickers: Sequence[Sticker | str] = (),
        reply_to: Reply | Message | None = None,
        ping: bool = True,
    ) -> Message:
        """Post a message without waiting for the bot. Raises Impossible as `say` does."""
        self._check_writable()
        if len(text) > CONTENT or not (text.strip() or files or stickers):
            raise Impossible(f"a message has 1 to {CONTENT} characters, not {len(text.strip())}")
        if files:
            self._check_may("attach files", Permission.ATTACH_FILES)
        if len(files) > ATTACHMENTS:
            raise Impossible(f"a message has at most {ATTACHMENTS} files, not {len(files)}")
        if len(stickers) > MESSAGE_STICKERS.most:
            raise Impossible(f"a message has at most {MESSAGE_STICKERS.most} stickers, not {len(stickers)}")
        chosen = [self._sticker(sticker) for sticker in stickers]
        answered = self._repliable(reply_to) if reply_to is not None else None
        hits = self._moderated(text)
        message = self.people.world.messages.add(
            self.channel,
            self.user,
            content=text,
            attachments=[self.people.world.attachments.add(file.name, file.content) for file in files],
            stickers=chosen,
            kind=0 if answered is None else REPLY,
            reference=answered,
            allowed_mentions=None if ping else {"parse": ["users", "roles", "everyone"], "replied_user": False},
        )
        self.people.world.auto_moderation.act(hits, self.channel, self.user, text, message)
        return message

    def _moderated(self, text: str) -> list[Hit]:
        """Return the rules of auto moderation that a text triggers. Raises Impossible if one of them blocks it."""
        rules = self.people.world.auto_moderation
        hits = rules.hits(self.channel, self.user, text)
        blocking = next((hit.rule for hit in hits if hit.rule.message is not None), None)
        if blocking is not None:
            rules.act(hits, self.channel, self.user, text, None)
            raise Impossible(f"AutoMod blocks the message: {blocking.message} (Discord's code 200000)")
        return hits

    def _check_writable(self) -> None:
        """Raise Impossible if they may not write in the channel that they look at, or not yet."""
        self._check_may("write", Permission.SEND_MESSAGES)
        if self.channel.kind in WITHOUT_MESSAGES:
            raise Impossible(f"{self.channel} has no messages of its own to write")
        if self.channel.thread is not None and self.channel.thread.locked:
            self._check_may("write in a locked thread", Permission.MANAGE_THREADS)
        self._check_pace("write")

    async def say(
        self,
        text: str = "",
        *,
        files: Sequence[File] = (),
        stickers: Sequence[Sticker | str] = (),
        reply_to: Reply | Message | None = None,
        ping: bool = True,
    ) -> Message:
        """Post a message, and wait until the bot is idle.

        `stickers` are those of the guild or the standard ones, at most 3, each as it is or by name. A reply mentions
        the author of the message that it replies to, unless `ping` is off. Raises Impossible for what
        a client would not send, and if they may not write here.
        """
        message = self.post(text, files=files, stickers=stickers, reply_to=reply_to, ping=ping)
        await self.rest()
        return message

    def _sticker(self, sticker: Sticker | str) -> Sticker:
        """Return a sticker that the client offers here, by itself or by name. Raises Impossible for another."""
        here = self.guild.id if self.guild else None
        offered = [one for one in self.people.world.stickers.values() if one.guild_id in (here, None)]
        for one in offered:
            if sticker in (one, one.name):
                return one
        name = sticker if isinstance(sticker, str) else sticker.name
        names = ", ".join(one.name for one in offered)
        raise Impossible(f"{self.name} has no sticker {name!r} in {self.channel}; there are {names}")

    def _repliable(self, on: Reply | Message) -> Message:
        message = self._seen(on)
        self._check_there(message)
        self._check_public(message)
        if message.channel is not self.channel:
            raise Impossible(f"a reply stands in the channel of what it answers, {message.channel}")
        self._check_may("reply", Permission.READ_MESSAGE_HISTORY)
        return message

    async def start_poll(
        self, question: str, *answers: str, hours: int = 24, multiselect: bool = False, text: str = ""
    ) -> Message:
        """Post a poll with 1 to 10 answers that is open for some hours, and wait until the bot is idle.

        Raises Impossible for what a client would not send, and if they may not create polls here.
        """
        self._check_writable()
        self._check_may("create polls", Permission.SEND_POLLS)
        refuse_length("a question", question, POLL_QUESTION)
        for answer in answers:
            refuse_length("an answer", answer, POLL_ANSWER)
        for what, number, bound in (("answers", len(answers), POLL_ANSWERS), ("hours", hours, POLL_HOURS)):
            if not bound.holds(number):
                raise Impossible(f"a poll has {bound.least} to {bound.most} {what}, not {number}")
        expiry = self.people.world.clock.time() + hours * 3600
        poll = Poll(question, [{"text": answer} for answer in answers], expiry, multiselect)
        message = self.people.world.messages.add(self.channel, self.user, content=text, poll=poll)
        await self.rest()
        return message

    async def vote(self, on: Reply | Message, *answers: str | int) -> None:
        """Vote for answers of a poll, by their texts or numbers, instead of those that they chose before.

        Without answers they take their votes back. Raises Impossible if a client would not let them vote so.
        """
        message = self._seen(on)
        poll = self.people.world.polls.open_poll(message)
        self.at(message.channel).check_sight()
        texts = [media["text"] for media in poll.answers]
        for answer in answers:
            if isinstance(answer, str) and answer not in texts:
                raise Impossible(f"the poll has no answer {answer!r}; it has {', '.join(texts)}")
        numbers = [texts.index(answer) + 1 if isinstance(answer, str) else answer for answer in answers]
        self.people.world.polls.vote(message, self.user, numbers)
        await self.rest()

    async def end_poll(self, on: Reply | Message) -> None:
        """End a poll of their own. Raises Impossible for those of others, and if it has ended."""
        message = self._seen(on)
        if message.author is not self.user:
            raise Impossible(f"{self.name} can end their own polls, not {message.author.name}'s")
        self.people.world.polls.end(message)
        await self.rest()

    async def start_thread(self, name: str, on: Reply | Message | None = None, *, private: bool = False) -> Person:
        """Start a thread in the channel, on a message if one is given, and return the same person, looking at it.

        It waits until the bot is idle. A `private` thread is seen by its members, and begins with no message. Raises
        Impossible if they may not start it, or if the channel has no threads.
        """
        message = self._seen(on) if on is not None else None
        if message is not None:
            self._check_there(message)
            self._check_public(message)
        plain = self.channel.kind == TEXT or (self.channel.kind == ANNOUNCEMENT and message is not None)
        if not plain or (private and message is not None):
            raise Impossible(f"no such thread begins in {self.channel}")
        needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
        self._check_may("start a thread", needed)
        self._check_pace("start a thread", thread=True)
        public = ANNOUNCEMENT_THREAD if self.channel.kind == ANNOUNCEMENT else PUBLIC_THREAD
        thread = self.people.world.threads.start(
            self.channel, name, self.user, message=message, kind=PRIVATE_THREAD if private else public
        )
        await self.rest()
        return Person(self.people, self.user, thread)

    async def edit(self, message: Message, text: str) -> None:
        """Edit a message of their own. Raises Impossible for those of others, and for what a client would not send."""
        if self._seen(message).author is not self.user:
            raise Impossible(f"{self.name} can edit their own messages, not {message.author.name}'s")
        if message.poll is not None:
            raise Impossible("a message with a poll cannot be edited")
        if len(text) > CONTENT or not (text.strip() or message.attachments or message.stickers):
            raise Impossible(f"a message has 1 to {CONTENT} characters, not {len(text.strip())}")
        self._check_there(message)
        there = Person(self.people, self.user, message.channel)
        hits = there._moderated(text)
        self.people.world.messages.edit(message, content=text)
        self.people.world.auto_moderation.act(hits, message.channel, self.user, text, message)
        await self.rest()

    async def delete(self, message: Reply | Message) -> None:
        """Delete a message. Raises Impossible if it is not their own, unless they may manage messages there."""
        gone = self._seen(message)
        self._check_there(gone)
        if gone.author is not self.user:
            self.at(gone.channel)._check_may("delete what others wrote", Permission.MANAGE_MESSAGES)
        self.people.world.messages.delete(gone)
        await self.rest()

    async def forward(self, message: Reply | Message, to: Channel | str) -> Message:
        """Forward a message to a channel, and wait until the bot is idle.

        Raises Impossible if it cannot be forwarded, and if they may not write there.
        """
        forwarded, there = self._seen(message), self.at(to)
        self.at(forwarded.channel)._check_may("forward", Permission.READ_MESSAGE_HISTORY)
        there._check_writable()
        copy = self.people.world.messages.forward(forwarded, there.channel, self.user)
        await self.rest()
        return copy

    async def publish(self, message: Reply | Message) -> None:
        """Publish a message of an announcement channel to the channels that follow it.

        Raises Impossible if it is not their own, unless they may manage messages there, and if it cannot be published.
        """
        published = self._seen(message)
        there = self.at(published.channel)
        there._check_may("publish", Permission.SEND_MESSAGES)
        if published.author is not self.user:
            there._check_may("publish what others wrote", Permission.MANAGE_MESSAGES)
        self.people.world.announcements.publish(published)
        await self.rest()

    async def react(self, on: Reply | Message, emoji: str | Emoji) -> None:
        """React to a message with an emoji: "👍", or a guild's own. Raises Impossible if a client would not."""
        message, reaction = self._seen(on), _emoji(emoji)
        self._check_there(message)
        self._check_public(message)
        needed = (Permission.READ_MESSAGE_HISTORY,)
        if reaction not in message.reactions:
            needed = (*needed, Permission.ADD_REACTIONS)
        self.at(message.channel)._check_may("react", *needed)
        self.people.world.reactions.add(message, self.user, reaction)
        await self.rest()

    async def mark_interested(self, event: ScheduledEvent) -> None:
        """Mark a scheduled event of the guild as one that they are interested in. Raises Impossible if it is over."""
        if event.channel is not None and not self.people.world.sees(self.user, event.channel):
            raise Impossible(f"{self.name} does not see {event.channel}, where {event.name!r} takes place")
        self.people.world.scheduled_events.add_interested(event, self.user)
        await self.rest()

    async def unmark_interested(self, event: ScheduledEvent) -> None:
        """Take back that they are interested in a scheduled event. Raises Impossible if they are not."""
        self.people.world.scheduled_events.remove_interested(event, self.user)
        await self.rest()

    async def unreact(self, on: Reply | Message, emoji: str | Emoji) -> None:
        """Remove their reaction. Raises Impossible if they have not reacted with it."""
        message, reaction = self._seen(on), _emoji(emoji)
        there = message.reactions.get(reaction)
        if there is None or self.id not in there.users:
            raise Impossible(f"{self.name} has not reacted with {reaction}")
        self.people.world.reactions.remove(message, self.user, reaction)
        await self.rest()

    def _check_there(self, message: Message) -> None:
        if message.deleted:
            raise Impossible("the message is deleted")

    def _check_public(self, message: Message) -> None:
        if message.ephemeral:
            raise Impossible("a private answer has no reactions, replies and threads")

    async def rest(self) -> None:
        """Wait until the bot is idle, if `people.settle` knows that."""
        await self._settle(lambda: True)

    async def _ask(
        self,
        kind: int,
        data: JSON,
        place: Channel,
        message: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Reply:
        Person(self.people, self.user, place).check_sight()  # private answers and forms outlast a membership
        if opened_by is not None:
            opened_by.modal = None
        if self.people.ready:
            await self.people.ready()
        world = self.people.world
        reply = Reply(world.interactions.create(kind, self.user, place, data, message=message, opened_by=opened_by))

        def is_answered() -> bool:
            if not reply.interaction.answered and world.interactions.age(reply.interaction) >= INTERACTION_DEADLINE:
                reply.failed = NO_ANSWER
            return reply.failed is not None or _visible(reply.interaction)

        deadline = world.clock.call_later(INTERACTION_DEADLINE, lambda: None)  # so that virtual time stops there
        try:
            await self._settle(is_answered)
        finally:
            deadline.cancel()
        is_answered()
        return reply

    async def _settle(self, is_answered: Callable[[], bool]) -> None:
        limit = asyncio.timeout(self.people.patience)
        try:
            async with limit:
                await self.people.settle(is_answered)
        except TimeoutError:
            if not limit.expired():
                raise


def _member(person: Person) -> Member:
    if person.member is None:
        raise Impossible(f"{person.name} is not a member of a guild here")
    return person.member


def channel_called(guild: Guild, name: str) -> Channel:
    """Return the channel or thread of this name. Raises Impossible, naming those that exist, if there is none."""
    name = name.removeprefix("#")
    found = guild.channel(name)
    if found is None:
        names = ", ".join(other.name for other in guild.places)
        raise Impossible(f"{guild.name} has no channel {name!r}; it has {names}")
    return found


def _emoji(emoji: str | Emoji) -> Emoji:
    if isinstance(emoji, Emoji):
        return emoji
    if match := _OWN_EMOJI.fullmatch(emoji):
        return Emoji(match["name"], int(match["id"]), bool(match["animated"]))
    if not emoji or emoji.isascii():
        raise Impossible(f"expected an emoji such as 👍, or a guild's own, got {emoji!r}")
    return Emoji(emoji)


def front(guild: Guild) -> Channel:
    """Return the first text channel of a guild. Raises Impossible if it has none."""
    for channel in guild.channels.values():
        if channel.kind == TEXT:
            return channel
    raise Impossible(f"{guild.name} has no text channel")


def _visible(interaction: Interaction) -> bool:
    """Return whether the client shows a response, and not only that the bot is thinking."""
    original = interaction.original
    return interaction.answered and (original is None or original.deleted or not original.loading)


def _unwrapped(options: Mapping[str, Value | Person]) -> dict[str, Value]:
    return {name: value.user if isinstance(value, Person) else value for name, value in options.items()}
