"""The verbs of the terminal, such as `:react 👍`: one table of all that a person can type besides commands and text."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from wisp.limits import LOCALES
from wisp.sandbox.people.commands import CHANNEL, MENTIONABLE, ROLE, USER, Value
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
from wisp.sandbox.people.person import Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.people.typed import (
    CHANNEL_TYPES,
    Slash,
    fields,
    find_named,
    parse,
    parse_options,
    read_file,
    with_mentions,
    words,
)
from wisp.sandbox.terminal import guild_verbs
from wisp.sandbox.terminal.completion import member_names
from wisp.sandbox.terminal.speaker import Speaker, split_reference
from wisp.sandbox.world.objects import JSON, Impossible, Message, User

Run = Callable[[Speaker, str], Awaitable[Reply | None]]


class Verb(NamedTuple):
    """A verb: what it does, its arguments in words (optional ones in brackets), and a line of `:help`.

    `page` are the tags of the page's actions that do the same.
    """

    run: Run
    arguments: str
    help: str
    page: tuple[str, ...] = ()

    @property
    def needs_argument(self) -> bool:
        """Whether one of its arguments is not optional."""
        return bool(re.sub(r"\[[^]]*\]", "", self.arguments).strip())


# What the bot is asked


async def click(speaker: Speaker, button: str) -> Reply:
    """Press a button."""
    person, button = speaker.person, button.strip('"')
    on = person.newest_with((BUTTON,), button) or person.newest_with((BUTTON,))
    if on is None:
        raise Impossible("no message here has a button")
    return speaker.keep(await person.click(on, button))


async def select(speaker: Speaker, typed: str) -> Reply:
    """Choose in a select, which the first word may name."""
    values = words(typed)
    person = speaker.person
    on = person.newest_with(SELECTS, values[0]) or person.newest_with(SELECTS)
    if on is None:
        raise Impossible("no message here has a select")
    found = list(controls(on.components, SELECTS))
    named = next((one for one in found if values[0] in (one.get("placeholder"), one["custom_id"])), None)
    if named is not None:
        values = values[1:]
    chosen = [_selected(speaker, found[0] if named is None else named, value) for value in values]
    return speaker.keep(await person.select(on, *chosen, menu=str(named["custom_id"]) if named else None))


def _selected(speaker: Speaker, select: JSON, typed: str) -> Value:
    kind = {USER_SELECT: USER, ROLE_SELECT: ROLE, MENTIONABLE_SELECT: MENTIONABLE, CHANNEL_SELECT: CHANNEL}
    if select["type"] not in kind:
        return typed
    return find_named(name_of(select), kind[select["type"]], typed, speaker.person.guild, users=speaker.world.users)


async def submit(speaker: Speaker, typed: str) -> Reply:
    """Submit the form that is open."""
    form = speaker.form
    if form is None:
        raise Impossible("no form is open: :click or type what opens one")
    reply = speaker.keep(await speaker.person.submit(form, fields(typed)))
    if reply.failed:
        speaker.form = form
    return reply


async def cancel(speaker: Speaker, _: str) -> None:
    """Close the form that is open. The bot does not hear of this."""
    if speaker.form is None:
        raise Impossible("no form is open")
    speaker.form = None


async def menu(speaker: Speaker, typed: str) -> Reply:
    """Use a command from the menu of a member, or of a message."""
    name, _, at = typed.rpartition(" @")
    if name:
        target: User | Message = speaker.user(at)
    else:
        name, caret, reference = typed.rpartition(" ^")
        if not caret or (split := split_reference(f"^{reference}"))[1] or split[0] is None:
            name, split = typed, (None, "")
        target = speaker.message(split[0], lambda message: not message.ephemeral, "message")
    return speaker.keep(await speaker.person.menu(name.strip('"'), target))


async def complete(speaker: Speaker, typed: str) -> None:
    """Ask the bot for suggestions for the last option of a command that is typed so far."""
    line = parse(typed)
    if not isinstance(line, Slash) or not line.options:
        raise Impossible("expected a command with the option to complete as its last, as in :complete /play song:ab")
    *given, (option, begun) = line.options
    chosen = speaker.person.choose(" ".join(line.words))
    users = speaker.world.users
    values = parse_options(chosen, dict(given), speaker.person.guild, read_file, users=users, partial=True)
    choices = await speaker.person.autocomplete(chosen, option, begun, values)
    speaker.note(f"{option}: {', '.join(str(choice['name']) for choice in choices) or 'no suggestions'}")
    speaker.result = {"choices": choices}


# Messages


async def say(speaker: Speaker, text: str) -> None:
    """Post a message."""
    await _post(speaker, text)


async def reply(speaker: Speaker, typed: str) -> None:
    """Reply to a message, without a ping after "@off"."""
    reference, text = split_reference(typed)
    quiet = text.startswith("@off ")
    on = speaker.message(reference, lambda message: not message.ephemeral, "message to reply to")
    await _post(speaker, text.removeprefix("@off ") if quiet else text, reply_to=on, ping=not quiet)


async def attach(speaker: Speaker, typed: str) -> None:
    """Post files, with the text after "--"."""
    paths, _, text = typed.partition(" -- ")
    await _post(speaker, text, paths=words(paths))


async def _post(
    speaker: Speaker, text: str, *, paths: list[str] | None = None, reply_to: Message | None = None, ping: bool = True
) -> None:
    files = [read_file("file", path) for path in paths or ()]
    text = with_mentions(text, speaker.person.guild)
    with speaker.unshown():
        message = speaker.person.post(text, files=files, reply_to=reply_to, ping=ping)
    speaker.result = {"message": str(message.id)}
    await speaker.person.rest()


async def edit(speaker: Speaker, typed: str) -> None:
    """Edit a message of one's own."""
    reference, text = split_reference(typed)
    message = speaker.message(reference, lambda message: message.author is speaker.person.user, "message of yours")
    await speaker.person.edit(message, with_mentions(text, speaker.person.guild))
    speaker.result = {"message": str(message.id)}


async def delete(speaker: Speaker, typed: str) -> None:
    """Delete a message."""
    reference = _only_reference("delete", typed)
    message = speaker.message(reference, lambda message: message.author is speaker.person.user, "message of yours")
    await speaker.person.delete(message)
    speaker.result = {"message": str(message.id)}


def _only_reference(verb: str, typed: str) -> str | None:
    reference, rest = split_reference(typed)
    if rest:
        raise Impossible(f"expected :{verb} [^MESSAGE], where ^ is the newest message, ^2 the one before it, or ^ID")
    return reference


async def react(speaker: Speaker, typed: str) -> None:
    """React to a message."""
    message, emoji = _on(speaker, typed)
    await speaker.person.react(message, speaker.emoji(emoji))
    speaker.result = {"message": str(message.id)}


async def unreact(speaker: Speaker, typed: str) -> None:
    """Remove a reaction of one's own."""
    message, emoji = _on(speaker, typed)
    await speaker.person.unreact(message, speaker.emoji(emoji))
    speaker.result = {"message": str(message.id)}


def _on(speaker: Speaker, typed: str) -> tuple[Message, str]:
    reference, emoji = split_reference(typed)
    return speaker.message(reference, lambda message: not message.ephemeral, "message"), emoji.strip()


async def thread(speaker: Speaker, typed: str) -> None:
    """Start a thread, on a message if one is named, and go to it."""
    reference, name = split_reference(typed)
    on = None if reference is None else speaker.message(reference, lambda _: True, "message")
    speaker.person = await speaker.person.start_thread(name.strip('"'), on)
    speaker.result = {"channel": str(speaker.person.channel.id)}


# Who speaks, and where


async def speak_as(speaker: Speaker, name: str) -> None:
    """Be another person."""
    name = name.removeprefix("@")
    user = speaker.people.known(name)
    guild = speaker.person.guild
    if user is None or user.bot:
        names = ", ".join(member_names(guild or speaker.people.home))
        raise Impossible(f"nobody is called {name!r}; here are {names} (:join {name} lets them in)")
    place = speaker.person.channel if guild else speaker.world.channels.dm(user)
    speaker.person = Person(speaker.people, user, place).at(place)
    speaker.result = {"user": str(user.id)}


async def go(speaker: Speaker, name: str) -> None:
    """Go to a channel, which is made if there is none of this name."""
    name = name.removeprefix("#")
    guild = speaker.person.guild or speaker.people.home
    channel = guild.channel(name)
    if channel is None:
        channel = speaker.world.channels.add(guild, name)
        speaker.note(f"there was no #{name}: it is new")
    speaker.person = speaker.person.at(channel)
    speaker.result = {"channel": str(channel.id)}
    await speaker.person.rest()


async def go_to_guild(speaker: Speaker, name: str) -> None:
    """Go to a guild, which is made if there is none of this name."""
    guild = next((guild for guild in speaker.world.guilds.values() if guild.name == name), None)
    if guild is None:
        guild = speaker.world.guilds.add(name, owner=speaker.person.user)
        speaker.note(f"there was no guild {name}: it is new, and {speaker.person.name}'s")
    speaker.person = speaker.person.at(guild)
    speaker.result = {"guild": str(guild.id), "channel": str(speaker.person.channel.id)}
    await speaker.person.rest()


async def direct(speaker: Speaker, _: str) -> None:
    """Go to the direct messages with the bot."""
    speaker.person = speaker.person.at(speaker.world.channels.dm(speaker.person.user))
    speaker.result = {"channel": str(speaker.person.channel.id)}


async def set_locale(speaker: Speaker, locale: str) -> None:
    """Choose the language of the person's client."""
    if locale not in LOCALES:
        raise Impossible(f"expected one of Discord's locales, {', '.join(sorted(LOCALES))}, got {locale!r}")
    speaker.person.user.locale = locale
    speaker.result = {"locale": locale}


async def leave_chat(speaker: Speaker, _: str) -> None:
    """End the chat."""
    speaker.over = True


VERBS: Mapping[str, Verb] = {
    "click": Verb(click, "BUTTON", "press a button of the newest message that has it", ("click",)),
    "select": Verb(
        select,
        "VALUE ...",
        'choose in a select: :select red "dark blue"; of several, named first: :select Colour red',
        ("select",),
    ),
    "submit": Verb(submit, "FIELD:TEXT ...", 'send the form that is open: title:Hello text:"with spaces"', ("submit",)),
    "cancel": Verb(cancel, "", "close the form that is open", ("cancel",)),
    "menu": Verb(menu, "COMMAND [@MEMBER|^MESSAGE]", "a command from the menu of a member or message", ("menu",)),
    "complete": Verb(complete, "/COMMAND", "the bot's suggestions for the last option: /play song:ab", ("complete",)),
    "reply": Verb(reply, "[^MESSAGE] [@off] TEXT", "reply to a message, and with @off without a ping", ("say",)),
    "attach": Verb(attach, "PATH ... [-- TEXT]", "post files, with a text", ("say",)),
    "edit": Verb(edit, "[^MESSAGE] TEXT", "edit your newest message, or another of yours", ("edit",)),
    "delete": Verb(delete, "[^MESSAGE]", "delete your newest message, or another", ("delete",)),
    "react": Verb(react, "[^MESSAGE] EMOJI", "react: 👍, or an emoji of the guild by its name", ("react",)),
    "unreact": Verb(unreact, "[^MESSAGE] EMOJI", "take a reaction of yours back", ("react",)),
    "thread": Verb(thread, "[^MESSAGE] NAME", "start a thread, on a message or not, and go to it", ("start thread",)),
    "as": Verb(speak_as, "PERSON", "speak as a person", ("be",)),
    "in": Verb(go, "#CHANNEL", "go to a channel or thread; it is made if there is none of that name", ("go",)),
    "guild": Verb(go_to_guild, "GUILD", "go to a guild; it is made if there is none of that name", ("go", "add guild")),
    "dm": Verb(direct, "", "go to the direct messages with the bot", ("go",)),
    "locale": Verb(set_locale, "LOCALE", "the language of your client, such as de or en-GB"),
    "join": Verb(guild_verbs.join, "NAME", "a person, new or not, joins this guild", ("join",)),
    "leave": Verb(guild_verbs.leave, "[@MEMBER]", "leave this guild, or let a member leave", ("leave",)),
    "voice": Verb(
        guild_verbs.voice,
        "CHANNEL|mute|unmute|deafen|undeafen|leave",
        "connect to a voice channel, mute or deafen yourself in it, or leave it",
    ),
    "kick": Verb(guild_verbs.kick, "@MEMBER [REASON]", "kick a member"),
    "ban": Verb(guild_verbs.ban, "@MEMBER [REASON]", "ban a member, or any user by id"),
    "unban": Verb(guild_verbs.unban, "NAME", "lift a ban"),
    "give": Verb(guild_verbs.give, "@MEMBER ROLE", "give a member a role", ("give role",)),
    "take": Verb(guild_verbs.take, "@MEMBER ROLE", "take a role from a member", ("give role",)),
    "role": Verb(
        guild_verbs.role,
        "ROLE [#COLOUR] [±PERMISSION ...]",
        "make or change a role: :role Mods #ff8800 +KICK_MEMBERS",
        ("add role", "change role"),
    ),
    "unrole": Verb(guild_verbs.unrole, "ROLE", "delete a role", ("delete role",)),
    "overwrite": Verb(
        guild_verbs.overwrite,
        "@ROLE|@MEMBER [±PERMISSION ...]",
        "what they may do in this channel; nothing after the name removes it",
        ("overwrite",),
    ),
    "bot": Verb(
        guild_verbs.bot,
        "[±PERMISSION ...]",
        "what the bot's own role allows in this guild: :bot -ALL +VIEW_CHANNEL",
    ),
    "channel": Verb(
        guild_verbs.channel,
        "NAME [TYPE] [in CATEGORY]",
        f"make a channel: {', '.join(CHANNEL_TYPES)}",
        ("add channel",),
    ),
    "emoji": Verb(guild_verbs.emoji, "NAME", "make an emoji of this guild"),
}
"""What people do, in the order of `:help`: a verb is a row here, and a function over its `Speaker`.

Its arguments are completed by their names (see `Completer`). `tests/test_verbs.py` holds that the page has an action
for each verb, and that the terminal has a verb for each action of the page, or gives the reason.
"""
