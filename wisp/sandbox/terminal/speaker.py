"""The person who speaks in the terminal, and what the words of a line name: messages, members, roles, emojis."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import islice

from wisp.sandbox.people.commands import ROLE, USER
from wisp.sandbox.people.person import NO_ANSWER, People, Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.people.typed import find_named
from wisp.sandbox.terminal.transcript import Transcript
from wisp.sandbox.world.objects import JSON, Emoji, Guild, Impossible, Member, Message, Role, User
from wisp.sandbox.world.permissions import ALL_PERMISSIONS, Permission
from wisp.sandbox.world.world import World

_REFERENCE = re.compile(r"\^([0-9]{0,20})(?:\s+|$)")
_SHORTEST_ID = 15
"""Digits from which on a number after ^ is an id, and not a position."""


class Speaker:
    """The person who speaks at present, and what a line of theirs leaves behind.

    `form` is the form that is open, `pending` the newest reply of an interaction, `result` what the present line made
    or changed, as JSON with ids as strings, and `over` whether the chat has ended.
    """

    def __init__(self, person: Person, write: Callable[[str], object], *, colour: bool = False) -> None:
        self.person: Person = person
        self.people: People = person.people
        self.world: World = person.people.world
        self.transcript: Transcript = Transcript(self.world, write, lambda: self.person.channel, colour=colour)
        self.form: Reply | None = None
        self.pending: Reply | None = None
        self.result: JSON | None = None
        self.over: bool = False
        self.posting: bool = False

    def note(self, text: str) -> None:
        """Write a note of the terminal itself."""
        self.transcript.note(text)

    def keep(self, reply: Reply) -> Reply:
        """Remember a reply and the form that it opened, and write that the bot did not respond if it did not."""
        self.pending = reply
        self.form = reply if reply.modal else None
        if reply.failed:
            self.transcript.say(self.world.bot, [self.transcript.paint(NO_ANSWER, "red")], self.person.user)
        return reply

    @contextmanager
    def unshown(self) -> Generator[None]:
        """Leave the messages that are posted inside out of the transcript: their author has typed them."""
        self.posting = True
        try:
            yield
        finally:
            self.posting = False

    def here(self) -> Guild:
        """Return the guild that the person looks at. Raises Impossible in direct messages."""
        if self.person.guild is None:
            raise Impossible("these are direct messages: go to a guild first, with :guild or :in")
        return self.person.guild

    # What words name

    def message(self, reference: str | None, fits: Callable[[Message], bool], what: str) -> Message:
        """Return the message that "^", "^2" or "^ID" names, or, without a reference, the newest that fits.

        Raises Impossible if there is none.
        """
        if reference is None:
            found = next((message for message in self.person.history() if fits(message)), None)
            if found is None:
                raise Impossible(f"there is no {what} here")
            return found
        if len(reference) >= _SHORTEST_ID:
            named = self.world.messages.get(int(reference))
            if named is None or not self.person.sees(named):
                raise Impossible(f"{self.person.name} sees no message with the id {reference}")
            return named
        nth = int(reference or 1)
        counted = next(islice(self.person.history(), nth - 1, nth), None) if nth else None
        if counted is None:
            raise Impossible(f"there is no message ^{reference}: ^ is the newest here, ^2 the one before it, or ^ID")
        return counted

    def member(self, typed: str) -> Member:
        """Return the member of the guild here that "@bob" names. Raises Impossible if there is none."""
        guild, user = self.here(), self.user(typed)
        member = guild.members.get(user.id)
        if member is None:
            raise Impossible(f"{user.name} is not a member of {guild.name}")
        return member

    def user(self, typed: str) -> User:
        """Return the user that "@bob" names: a member here, or by id or mention any user. Raises Impossible."""
        found = find_named("member", USER, typed.strip('"'), self.here(), users=self.world.users)
        assert isinstance(found, User)
        return found

    def role(self, typed: str) -> Role:
        """Return the role of the guild here that a name names. Raises Impossible if there is none."""
        found = find_named("role", ROLE, typed, self.here(), users={})
        assert isinstance(found, Role)
        return found

    def emoji(self, typed: str) -> str | Emoji:
        """Return the guild's own emoji of this name (":wave:" or "wave"), or else the text itself."""
        name, guild = typed.strip(":"), self.person.guild
        own = guild.emojis.values() if guild else ()
        return next((emoji for emoji in own if emoji.name == name), typed)


def split_reference(typed: str) -> tuple[str | None, str]:
    """Split "^2 text" into the number after ^ and the text; without a reference, the former is None."""
    match = _REFERENCE.match(typed)
    return (match[1], typed[match.end() :]) if match else (None, typed)


def signed_permissions(words: Sequence[str]) -> tuple[int, int]:
    """Return the bits of "+NAME" and of "-NAME", in Discord's names or ALL. Raises Impossible for other words."""
    bits = {"+": 0, "-": 0}
    for word in words:
        sign, name = word[:1], word[1:].upper()
        if sign not in bits or (name != "ALL" and name not in Permission.__members__):
            raise Impossible(
                f"expected +PERMISSION or -PERMISSION in Discord's names, such as +KICK_MEMBERS or -ALL, got {word!r}"
            )
        bits[sign] |= ALL_PERMISSIONS if name == "ALL" else int(Permission[name])
    return bits["+"], bits["-"]


def permission_names(bits: int) -> list[str]:
    """Return Discord's names of the permissions in a bit set."""
    return [str(one.name) for one in Permission if bits & one]
