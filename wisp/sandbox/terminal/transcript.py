"""A transcript: the changes of a world as lines, for a reader who looks at one of its channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from wisp.sandbox.people.commands import ATTACHMENT, CHANNEL, CHAT_INPUT, MENTIONABLE, ROLE, USER
from wisp.sandbox.people.components import SELECTS, TEXT_INPUT, TEXT_SELECT, controls, name_of
from wisp.sandbox.people.typed import Slash, field_name, quoted
from wisp.sandbox.terminal.text import message_lines, on_one_line, readable
from wisp.sandbox.world.changes import (
    BotConnected,
    BotDisconnected,
    Change,
    InteractionAnswered,
    InteractionCreated,
    MemberJoined,
    MemberLeft,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
    Typing,
    VoiceStateChanged,
    VoteAdded,
    VoteRemoved,
)
from wisp.sandbox.world.objects import (
    AUTOCOMPLETE,
    COMPONENT,
    JSON,
    MODAL_SUBMIT,
    Channel,
    Interaction,
    Message,
    User,
)
from wisp.sandbox.world.world import World

CHOICES, MODAL = 8, 9
"""The callbacks that suggest values and open a form."""

STYLES = {"bold": 1, "dim": 2, "red": 31}
"""Parameters of ANSI's "select graphic rendition"."""


class Transcript:
    """Writes each change of a world as one text of one or more lines, for a reader who looks at `here()`.

    Of what people do it writes only their messages, as they know what they typed, unless `actions` is set.
    """

    def __init__(
        self,
        world: World,
        write: Callable[[str], object],
        here: Callable[[], Channel],
        *,
        colour: bool = False,
        actions: bool = False,
    ) -> None:
        self._world = world
        self._write = write
        self._here = here
        self._colour = colour
        self._actions = actions

    def paint(self, text: str, style: str) -> str:
        """Return the text in one of STYLES, if there is colour."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self._colour else text

    def note(self, text: str, style: str = "dim") -> None:
        """Write a line that no user said."""
        self._write(self.paint(f"-- {on_one_line(text)}", style))

    def say(self, user: User, lines: Sequence[str], reader: User | None = None, channel: Channel | None = None) -> None:
        """Write what a user says in a channel (by default here), to one reader alone or to all."""
        self._write(self._line(self._name(user), lines, reader, channel or self._here()))

    def show(self, change: Change) -> None:
        """Write a change if users see it."""
        match change:
            case MessageCreated(message):
                self._show_message(message)
            case MessageEdited(message):
                self._show_message(message, edited=bool(message.edits))
            case MessageDeleted(message):
                self._show_deletion(message)
            case ReactionAdded(message, user, emoji):
                self._aside(message.channel, f"{self._name(user)} reacts {emoji} to: {self._first(message)}")
            case ReactionRemoved(message, user, emoji):
                self._aside(message.channel, f"{self._name(user)} reacts no more {emoji} to: {self._first(message)}")
            case VoteAdded(message, user, answer) if message.poll:
                self._aside(message.channel, f"{self._name(user)} votes {message.poll.text(answer)}")
            case VoteRemoved(message, user, answer) if message.poll:
                self._aside(message.channel, f"{self._name(user)} votes no more {message.poll.text(answer)}")
            case InteractionCreated(interaction) if self._actions:
                self._show_action(interaction)
            case InteractionAnswered(interaction, callback) if callback == MODAL and interaction.modal:
                self._show_form(interaction, interaction.modal)
            case InteractionAnswered(interaction, callback) if callback == CHOICES and self._actions:
                offered = ", ".join(choice["name"] for choice in interaction.choices or ())
                self._aside(interaction.channel, f"{self._name(self._world.bot)} offers {offered or 'nothing'}")
            case Typing(channel, user) if user is self._world.bot:
                self._aside(channel, f"{self._name(user)} is typing...")
            case MemberJoined(member) if self._actions:
                self.note(f"{self._name(member.user)} joined {member.guild.name}")
            case MemberLeft(member, how) if self._actions:
                self.note(
                    f"{self._name(member.user)} {'left' if how == 'left' else f'was {how} from'} {member.guild.name}"
                )
            case VoiceStateChanged(state) if self._actions:
                self.note(str(state))
            case BotConnected(resumed=resumed):
                self.note(f"{self._world.bot.name} is {'back' if resumed else 'online'}")
            case BotDisconnected(code=code):
                why = "" if code is None else f" (close code {code})"
                self.note(f"{self._world.bot.name} is offline{why}", "red")
            case _:
                pass

    def _show_message(self, message: Message, *, edited: bool = False) -> None:
        name = self._author(message)
        if message.loading:
            self._aside(message.channel, f"{name} is thinking...", message.ephemeral_for)
            return
        lines = message_lines(message, self._world)
        name = f"{name} (edited)" if edited else name
        self._write(self._line(name, lines, message.ephemeral_for, message.channel))

    def _show_deletion(self, message: Message) -> None:
        what = "stopped thinking" if message.loading else f"deleted: {self._first(message)}"
        self._aside(message.channel, f"{self._author(message)} {what}", message.ephemeral_for)

    def _show_form(self, interaction: Interaction, modal: JSON) -> None:
        title = readable(str(modal.get("title")), self._world)
        inputs = " ".join(
            f"{field_name(one['custom_id'])}:{'(optional)' if one.get('required') is False else '...'}"
            for one in controls(modal["components"], (TEXT_INPUT,))
        )
        lines = [f"opens the form {title!r}", f"  :submit {on_one_line(readable(inputs, self._world))}"]
        self.say(self._world.bot, lines, interaction.user, interaction.channel if self._actions else None)

    def _line(self, name: str, lines: Sequence[str], reader: User | None, channel: Channel) -> str:
        first, *rest = lines
        return "\n".join([f"{self._place(channel)}{self.paint(name, 'bold')}: {first}{self._privacy(reader)}", *rest])

    def _aside(self, channel: Channel, text: str, reader: User | None = None) -> None:
        self._write(self._place(channel) + self.paint(on_one_line(text), "dim") + self._privacy(reader))

    def _privacy(self, reader: User | None) -> str:
        return self.paint(f"  (only {self._name(reader)} sees this)", "dim") if reader else ""

    def _place(self, channel: Channel) -> str:
        return "" if channel is self._here() else self.paint(f"[{where(channel)}] ", "dim")

    def _name(self, user: User) -> str:
        return on_one_line(user.name)

    def _author(self, message: Message) -> str:
        """Return the name of a message's author. A webhook is marked, since it may have the name of a person."""
        return f"{self._name(message.author)}{' (webhook)' if message.webhook else ''}"

    def _first(self, message: Message) -> str:
        return message_lines(message, self._world)[0]

    # What people do

    def _show_action(self, interaction: Interaction) -> None:
        try:
            action = self._action(interaction)
        except (TypeError, ValueError, AttributeError, LookupError):  # a test may send what no client sends
            action = "(what no client sends)"
        self.say(interaction.user, [on_one_line(action)], channel=interaction.channel)

    def _action(self, interaction: Interaction) -> str:
        """Return an interaction as its user would type it."""
        data = interaction.data
        if interaction.kind == COMPONENT:
            return self._use(interaction)
        if interaction.kind == MODAL_SUBMIT:
            sent = controls(data["components"], (TEXT_INPUT,))
            return self._read(
                ":submit " + " ".join(f"{field_name(one['custom_id'])}:{quoted(one['value'])}" for one in sent)
            )
        if data["type"] == CHAT_INPUT:
            words, options = self._typed(data)
            return f"{Slash(words, options)}{'...' if interaction.kind == AUTOCOMPLETE else ''}"
        return self._read(f":menu {quoted(data['name'])} {self._target(data)}")

    def _typed(self, data: JSON) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        words, options = [data["name"]], data.get("options", [])
        while options and "options" in options[0]:
            words.append(options[0]["name"])
            options = options[0]["options"]
        return tuple(words), tuple((one["name"], self._value(one, data)) for one in options if "value" in one)

    def _value(self, option: JSON, data: JSON) -> str:
        value = option["value"]
        if option["type"] == ATTACHMENT:
            return data["resolved"]["attachments"][value]["filename"]
        if isinstance(value, bool):
            return str(value).lower()
        return self._entity(value) if option["type"] in (USER, ROLE, MENTIONABLE, CHANNEL) else self._read(str(value))

    def _entity(self, id: str) -> str:
        """Return the name of a user, role or channel."""
        for mention in (f"<@{id}>", f"<@&{id}>", f"<#{id}>"):
            if (read := self._read(mention)) != mention:
                return read
        return id

    def _target(self, data: JSON) -> str:
        message = self._world.messages.get(int(data["target_id"]))
        return self._entity(data["target_id"]) if message is None else f"on {self._first(message)!r}"

    def _use(self, interaction: Interaction) -> str:
        data, message = interaction.data, interaction.message
        found = controls(message.components if message else (), (data["component_type"],))
        control = next((one for one in found if one.get("custom_id") == data["custom_id"]), data)
        name = quoted(name_of(control))
        if data["component_type"] not in SELECTS:
            return self._read(f":click {name}")
        labels = {option["value"]: option["label"] for option in control.get("options", ())}
        text = data["component_type"] == TEXT_SELECT
        values = " ".join(quoted(labels.get(one, one) if text else self._entity(one)) for one in data["values"])
        return self._read(f":select {name} {values}")

    def _read(self, text: str) -> str:
        return readable(text, self._world)


def where(channel: Channel) -> str:
    """Return a channel as the prompt names it: "Sandbox #general", or "direct messages"."""
    return on_one_line(f"{channel.guild.name} #{channel.name}") if channel.guild else "direct messages"


class Recorder:
    """Records what happens in a world until `stop()`: all `changes` in order, and the newest lines of them."""

    def __init__(self, world: World, here: Callable[[], Channel], *, most: int) -> None:
        self.changes: list[Change] = []
        self._texts: list[str] = []
        self._left_out = 0
        self._most = most
        self._transcript = Transcript(world, self._keep, here, actions=True)
        self.stop: Callable[[], None] = world.changes.subscribe(self._note)

    def _note(self, change: Change) -> None:
        self.changes.append(change)
        self._transcript.show(change)

    def _keep(self, text: str) -> None:
        self._texts.append(text)
        if len(self._texts) > self._most:
            del self._texts[0]
            self._left_out += 1

    def lines(self, longest: int) -> Iterator[str]:
        """Yield the lines, oldest first; those of more than `longest` characters are cut."""
        if self._left_out:
            yield f"({self._left_out} before)"
        for text in self._texts:
            for line in text.split("\n"):
                yield line if len(line) <= longest else f"{line[:longest]}..."
