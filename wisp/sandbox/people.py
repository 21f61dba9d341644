"""People who use the bot as a real client lets them: they type, invoke commands, and see what is for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wisp.sandbox.controls import BUTTON, SELECTS, button_data, controls, menu_data, name_of, select_data, submit_data
from wisp.sandbox.invocation import (
    Chosen,
    File,
    Impossible,
    Value,
    autocomplete_data,
    choose,
    command_data,
    usable,
)
from wisp.sandbox.permissions import Permission
from wisp.sandbox.world import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    INTERACTION_DEADLINE,
    JSON,
    MODAL_SUBMIT,
    TEXT,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Message,
    User,
    World,
)

__all__ = ["Embed", "EmbedField", "File", "Impossible", "People", "Person", "Reply"]

NO_ANSWER = "The application did not respond"
"""What a client shows where no answer came in time."""


@dataclass(frozen=True, slots=True)
class EmbedField:
    """One field of an embed."""

    name: str
    value: str
    inline: bool


@dataclass(frozen=True, slots=True)
class Embed:
    """An embed as it is read: texts, addresses of pictures, None where there is none. `raw` is Discord's JSON."""

    title: str | None
    description: str | None
    url: str | None
    color: int | None
    author: str | None
    footer: str | None
    image: str | None
    thumbnail: str | None
    timestamp: str | None
    fields: tuple[EmbedField, ...]
    raw: JSON

    @classmethod
    def of(cls, raw: JSON) -> Embed:
        """Read Discord's JSON."""
        return cls(
            title=raw.get("title"),
            description=raw.get("description"),
            url=raw.get("url"),
            color=raw.get("color"),
            author=raw.get("author", {}).get("name"),
            footer=raw.get("footer", {}).get("text"),
            image=raw.get("image", {}).get("url"),
            thumbnail=raw.get("thumbnail", {}).get("url"),
            timestamp=raw.get("timestamp"),
            fields=tuple(
                EmbedField(field["name"], field["value"], bool(field.get("inline"))) for field in raw.get("fields", [])
            ),
            raw=raw,
        )


class Reply:
    """What a person got for something they did: a live view, which later edits and follow-ups show up in.

    A follow-up is a Reply itself. Where the bot opened a form, `modal` holds it; where it did not answer
    in time, `failed` holds what the client says then.
    """

    def __init__(self, interaction: Interaction, followup: Message | None = None) -> None:
        self.interaction = interaction
        self.failed: str | None = None
        self._followup = followup

    @property
    def message(self) -> Message | None:
        """The message itself, None where there is none (yet)."""
        return self._followup or self.interaction.original

    @property
    def content(self) -> str:
        """The text as it stands now; "" where there is none (yet)."""
        return self.message.content if self.message else ""

    @property
    def embeds(self) -> list[Embed]:
        """The embeds as they stand now."""
        return [Embed.of(raw) for raw in self.message.embeds] if self.message else []

    @property
    def attachments(self) -> list[Attachment]:
        """The files: `filename` and `content` (bytes) of each."""
        return list(self.message.attachments) if self.message else []

    @property
    def components(self) -> list[JSON]:
        """The rows of buttons and selects, as Discord's JSON."""
        return list(self.message.components) if self.message else []

    @property
    def ephemeral(self) -> bool:
        """Whether only the person who asked sees it."""
        return self.message is not None and self.message.ephemeral

    @property
    def deferred(self) -> bool:
        """Whether the bot asked for more time before it answered."""
        return self.interaction.deferred and self._followup is None

    @property
    def thinking(self) -> bool:
        """Whether the client still shows that the bot is thinking."""
        return self.message is not None and self.message.loading and not self.message.deleted

    @property
    def deleted(self) -> bool:
        """Whether the bot took it away."""
        return self.message is not None and self.message.deleted

    @property
    def edits(self) -> list[str]:
        """The texts that it had before, oldest first."""
        return list(self.message.edits) if self.message else []

    @property
    def followups(self) -> list[Reply]:
        """The messages that followed it, oldest first; a follow-up has none of its own."""
        if self._followup:
            return []
        return [Reply(self.interaction, message) for message in self.interaction.followups]

    @property
    def modal(self) -> JSON | None:
        """The form that the bot opened, as Discord's JSON."""
        return None if self._followup else self.interaction.modal

    def __repr__(self) -> str:
        flags = [name for name in ("ephemeral", "deferred", "thinking", "deleted") if getattr(self, name)]
        counts = [
            f"{name}={len(getattr(self, name))}"
            for name in ("embeds", "attachments", "edits", "followups")
            if getattr(self, name)
        ]
        if self.message and (named := list(controls(self.message.components, (BUTTON, *SELECTS)))):
            counts.append(" ".join(f"[{name_of(one)}{' (off)' if one.get('disabled') else ''}]" for one in named))
        said = (
            f"failed: {self.failed}" if self.failed else f"modal {self.modal!r}" if self.modal else repr(self.content)
        )
        return f"<{' '.join(['Reply', said, *flags, *counts])}>"


class People:
    """The people of a world, by name.

    `settled`, where it is set, is awaited after each thing that a person did: what knows the bot sets it
    to wait until the bot is at rest, so that edits and follow-ups have come. What it raises is raised from
    the person's call. Who asked the bot for something waits for a visible answer first, unless `watchful` is set to
    False because the bot can be at rest without one: where time stands still. `patience` is how many seconds of real
    time a person waits for all of that.
    """

    def __init__(self, world: World, *, patience: float = 10.0) -> None:
        self.world = world
        self.patience = patience
        self.watchful = True
        self.settled: Callable[[], Awaitable[object]] | None = None

    @property
    def home(self) -> Guild:
        """The guild where people are if nothing else is said: the world's first."""
        return next(iter(self.world.guilds.values()))

    def known(self, name: str) -> User | None:
        """The user of this name, None where there is none; bots are users too."""
        return next((user for user in self.world.users.values() if user.name == name), None)

    def member(self, name: str, guild: Guild | None = None) -> Person:
        """The person of this name, looking at a guild (the first one by default); they join where they had not.

        Raises Impossible for the name of a bot.
        """
        guild = guild or self.home
        user = self.known(name) or self.world.add_user(name)
        if user.bot:
            raise Impossible(f"{name} is a bot: expected a person's name")
        self.world.add_member(guild, user)
        return Person(self, user, front(guild))


class Person:
    """One user, looking at one channel. `at` gives the same user at another place."""

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
        """What pings this person in a message."""
        return self.user.mention

    @property
    def guild(self) -> Guild | None:
        """The guild that they look at, None in direct messages."""
        return self.channel.guild

    def __repr__(self) -> str:
        return f"<Person {self.name} in {self.guild.name if self.guild else 'direct messages'} #{self.channel.name}>"

    def at(self, place: Channel | Guild) -> Person:
        """The same person, looking at another channel, or at a guild's first text channel.

        Raises Impossible where they are not a member, or it is somebody else's direct messages.
        """
        channel = front(place) if isinstance(place, Guild) else place
        guild = channel.guild
        if guild is None and channel.recipient is not self.user:
            raise Impossible(f"{self.name} cannot look into somebody else's direct messages")
        if guild is not None and self.id not in guild.members:
            raise Impossible(f"{self.name} is not a member of {guild.name}")
        return Person(self.people, self.user, channel)

    def sees(self, message: Message) -> bool:
        """Whether a message is shown to this person: it is theirs alone, or in a channel that they see."""
        return self.people.world.sees(self.user, message)

    def commands(self) -> list[JSON]:
        """The slash commands that the client offers here, as Discord's JSON."""
        return usable(self.people.world, self.user, self.channel)

    async def slash(self, command: str, /, **options: Value | Person) -> Reply:
        """Invoke a slash command ("admin kick" for a subcommand) with its options, and wait for what comes.

        Values are Python's: str, int, float, bool, a Person or User, Role, Channel, File; for a choice its
        value, its name or an Enum's member; a timedelta is typed as "1h30m". Raises Impossible, before anything
        is sent, for what a client would not let them do. It waits until the bot is at rest (where nothing can tell,
        until an answer is to be seen or 3 s are over): what is there is the Reply, and what comes later shows up in it.
        """
        chosen = self._choose(command)
        data = command_data(self.people.world, self.user, self.channel, chosen, _unwrapped(options))
        return await self._ask(COMMAND, data, self.channel)

    async def autocomplete(
        self, command: str, option: str, typed: str, values: Mapping[str, Value | Person] | None = None
    ) -> list[JSON]:
        """What the bot suggests for an option in which `typed` stands so far, beside the other `values`.

        Choices as Discord's JSON (name, value); none where the bot does not answer. Raises Impossible for
        a command or option that is not there, or that has no autocomplete.
        """
        chosen = self._choose(command)
        focused = next((one for one in chosen.options if one["name"] == option), None)
        if focused is None or not focused.get("autocomplete"):
            raise Impossible(f"{chosen.name} has no option {option!r} with autocomplete")
        data = autocomplete_data(
            self.people.world, self.user, self.channel, chosen, _unwrapped(values or {}), focused, typed
        )
        reply = await self._ask(AUTOCOMPLETE, data, self.channel)
        return reply.interaction.choices or []

    async def click(self, on: Reply | Message, button: str) -> Reply:
        """Press the button of this label, emoji or custom id, and wait for what comes.

        The Reply is the new message where the bot answers with one, else the message that the button is on. Raises
        Impossible, before anything is sent, for what a client would not let them do.
        """
        message = self._seen(on)
        return await self._ask(COMPONENT, button_data(message, button), message.channel, message)

    async def select(self, on: Reply | Message, /, *values: Value | Person, menu: str | None = None) -> Reply:
        """Choose in a select: texts by value or label, a Person or User, Role, Channel. The Reply is as in `click`.

        `menu` is its placeholder or custom id, where there are several. Raises Impossible as `click` does.
        """
        message = self._seen(on)
        chosen = [value.user if isinstance(value, Person) else value for value in values]
        data = select_data(self.people.world, self.user, message, menu, chosen)
        return await self._ask(COMPONENT, data, message.channel, message)

    async def submit(self, form: Reply, values: Mapping[str, str] | None = None, /, **named: str) -> Reply:
        """Send the form that a reply opened, with these texts by custom id or label of the inputs; it is gone then.

        What is not named is sent as it came. Where the bot does not answer, the form stays open, as in a client.
        Raises Impossible for what a client would not send.
        """
        opened, modal = form.interaction, form.modal
        if modal is None or opened.user is not self.user:
            raise Impossible(f"no form is open before {self.name}")
        data = submit_data(modal, {**(values or {}), **named})
        opened.modal = None
        reply = await self._ask(MODAL_SUBMIT, data, opened.channel, opened.message, opened)
        if reply.failed:
            opened.modal = modal
        return reply

    async def menu(self, command: str, target: Person | User | Reply | Message) -> Reply:
        """Use a command from the menu of a user or a message. Raises Impossible where it is not on offer."""
        if isinstance(target, Person):
            on: User | Message = target.user
        else:
            on = target if isinstance(target, User) else self._seen(target)
        place = on.channel if isinstance(on, Message) else self.channel
        return await self._ask(COMMAND, menu_data(self.people.world, self.user, place, command, on), place)

    def _seen(self, on: Reply | Message) -> Message:
        message = on.message if isinstance(on, Reply) else on
        if message is None:
            raise Impossible("there is no message: the bot has not answered with one")
        if not self.sees(message):
            raise Impossible(f"{self.name} does not see this message")
        return message

    def post(self, text: str) -> Message:
        """Put a message into the channel, and do not wait for what the bot makes of it."""
        if not text.strip() or len(text) > 2000:
            raise Impossible(f"a message has 1 to 2000 characters, not {len(text.strip())}")
        if not self.people.world.permissions(self.user, self.channel) & Permission.SEND_MESSAGES:
            raise Impossible(f"{self.name} may not write in #{self.channel.name}: SEND_MESSAGES is missing")
        return self.people.world.add_message(self.channel, self.user, content=text)

    async def say(self, text: str) -> Message:
        """Put a message into the channel and wait until the bot is at rest again."""
        message = self.post(text)
        await self.rest()
        return message

    async def rest(self) -> None:
        """Wait until the bot is at rest, where `people.settled` can tell."""
        await self._patiently(self._settle())

    def _choose(self, command: str) -> Chosen:
        return choose(self.people.world, self.user, self.channel, command.removeprefix("/").split())

    async def _ask(
        self,
        kind: int,
        data: JSON,
        place: Channel,
        message: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Reply:
        world = self.people.world
        reply = Reply(world.create_interaction(kind, self.user, place, data, message=message, opened_by=opened_by))
        await self._patiently(self._answered(reply))
        return reply

    async def _answered(self, reply: Reply) -> None:
        world = self.people.world
        visible = asyncio.Event()

        def look(_: object) -> None:
            if _visible(reply.interaction):
                visible.set()

        def give_up() -> None:
            if not reply.interaction.answered:
                reply.failed = NO_ANSWER
                visible.set()

        stop = world.watch(look)
        timer = world.clock.call_later(INTERACTION_DEADLINE, give_up)
        try:
            if self.people.watchful:
                await visible.wait()
            await self._settle()
        finally:
            stop()
            if world.age(reply.interaction) >= INTERACTION_DEADLINE:
                give_up()
            if reply.interaction.answered or reply.failed or self.people.watchful:
                timer.cancel()  # else the answer has until the time is moved so far

    async def _settle(self) -> None:
        if self.people.settled:
            await self.people.settled()

    async def _patiently(self, waiting: Awaitable[None]) -> None:
        limit = asyncio.timeout(self.people.patience)
        try:
            async with limit:
                await waiting
        except TimeoutError:
            if not limit.expired():
                raise


def front(guild: Guild) -> Channel:
    """Where one lands in a guild: its first text channel. Raises Impossible where it has none."""
    for channel in guild.channels.values():
        if channel.kind == TEXT:
            return channel
    raise Impossible(f"{guild.name} has no text channel")


def _visible(interaction: Interaction) -> bool:
    """Whether the client shows something else than that the bot is thinking."""
    original = interaction.original
    return interaction.answered and (original is None or original.deleted or not original.loading)


def _unwrapped(options: Mapping[str, Value | Person]) -> dict[str, Value]:
    return {name: value.user if isinstance(value, Person) else value for name, value in options.items()}
