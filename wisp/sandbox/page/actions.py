"""The actions that a browser can ask for: one class for each, which reads its frame strictly and runs it."""

# ruff: noqa: D102  # the docstring of an action says what its `run` does

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, cast

import msgspec
from msgspec import Meta, field

from wisp.limits import ATTACHMENTS
from wisp.sandbox.page.tab import Action, Tab
from wisp.sandbox.people.components import SELECTS, TEXT_SELECT, controls
from wisp.sandbox.people.person import front
from wisp.sandbox.people.typed import NO_ADVANCE, parse, parse_options, with_mentions
from wisp.sandbox.people.typed import Slash as TypedSlash
from wisp.sandbox.world.objects import JSON, WITHOUT_MESSAGES, Emoji, Impossible
from wisp.sandbox.world.permissions import ALL_PERMISSIONS

Id = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")]
"""A snowflake as text, since JavaScript's numbers cannot hold it."""

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=8000)]
Bits = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")]
Options = Annotated[dict[Name, Text], Meta(max_length=25)]
Keys = Annotated[list[Name], Meta(max_length=ATTACHMENTS)]
Words = Annotated[list[Name], Meta(min_length=1, max_length=3)]


class Be(Action, tag="be"):
    """Be another person from now on."""

    user: Id

    async def run(self, tab: Tab) -> None:
        user = tab.user(self.user)
        if user.bot:
            raise Impossible(f"{user.name} is a bot: expected a person")
        tab.become(user)


class Go(Action, tag="go"):
    """Look at a channel, at a guild's first channel, or, if neither is given, at the direct messages with the bot."""

    channel: Id | None = None
    guild: Id | None = None

    async def run(self, tab: Tab) -> None:
        user = tab.person.user
        if self.channel is not None:
            channel = tab.world.channels.get(int(self.channel))
            if channel is None or channel.kind in WITHOUT_MESSAGES or not tab.world.sees(user, channel):
                raise Impossible(f"{user.name} sees no such channel")
            tab.look_at(channel)
        elif self.guild is not None:
            tab.look_at_guild(tab.guild(self.guild))
        else:
            tab.look_at(tab.world.channels.dm(user))


class Older(Action, tag="older"):
    """Show the messages before one."""

    before: Id

    async def run(self, tab: Tab) -> JSON:
        return tab.channel_view(int(self.before))


class Say(Action, tag="say"):
    """Post a message, with uploaded files, and as a reply to a message, whose author is pinged if `ping`."""

    text: Text
    files: Keys = field(default_factory=list[str])
    reply: Id | None = None
    ping: bool = True

    async def run(self, tab: Tab) -> None:
        tab.person.post(
            with_mentions(self.text, tab.person.guild),
            files=[tab.page.uploaded(key) for key in self.files],
            reply_to=tab.message(self.reply) if self.reply else None,
            ping=self.ping,
        )
        tab.page.spend(self.files)


class Edit(Action, tag="edit"):
    """Edit the text of a message of one's own."""

    message: Id
    text: Text

    async def run(self, tab: Tab) -> None:
        await tab.person.edit(tab.message(self.message), with_mentions(self.text, tab.person.guild))


class Delete(Action, tag="delete"):
    """Delete a message."""

    message: Id

    async def run(self, tab: Tab) -> None:
        await tab.person.delete(tab.message(self.message))


class StartThread(Action, tag="start thread"):
    """Start a thread, on a message if one is given, and look at it."""

    name: Name
    message: Id | None = None

    async def run(self, tab: Tab) -> None:
        on = tab.message(self.message) if self.message else None
        tab.look_at((await tab.person.start_thread(self.name, on)).channel)


class Slash(Action, tag="slash"):
    """Invoke a slash command, with its options as typed."""

    words: Words
    options: Options = field(default_factory=dict[str, str])

    async def run(self, tab: Tab) -> JSON:
        return await _invoke(tab, self.words, self.options)


class Enter(Action, tag="enter"):
    """Invoke a slash command that is typed as one line."""

    line: Text

    async def run(self, tab: Tab) -> JSON:
        typed = _parsed(self.line)
        return await _invoke(tab, typed.words, dict(typed.options))


class Parse(Action, tag="parse"):
    """Read the words and options of a slash command that is typed as one line, without invoking it."""

    line: Text

    async def run(self, tab: Tab) -> JSON:
        typed = _parsed(self.line)
        return {"words": typed.words, "options": typed.options}


class Complete(Action, tag="complete"):
    """Ask the bot for suggestions for an option in which something is typed."""

    words: Words
    option: Name
    typed: Text
    options: Options = field(default_factory=dict[str, str])

    async def run(self, tab: Tab) -> list[JSON]:
        chosen = tab.person.choose(" ".join(self.words))
        values = parse_options(
            chosen, self.options, tab.person.guild, tab.uploaded, users=tab.world.users, partial=True
        )
        return await tab.person.autocomplete(chosen, self.option, self.typed, values)


class Menu(Action, tag="menu"):
    """Use a command from the menu of a user or a message."""

    command: Name
    user: Id | None = None
    message: Id | None = None

    async def run(self, tab: Tab) -> JSON:
        target = tab.user(self.user or "0") if self.message is None else tab.message(self.message)
        return tab.outcome(await tab.person.menu(self.command, target))


class Click(Action, tag="click"):
    """Press a button."""

    message: Id
    button: Name

    async def run(self, tab: Tab) -> JSON:
        return tab.outcome(await tab.person.click(tab.message(self.message), self.button))


class Select(Action, tag="select"):
    """Choose in a select: values of its options, or ids."""

    message: Id
    select: Name
    values: Annotated[list[Name], Meta(max_length=25)]

    async def run(self, tab: Tab) -> JSON:
        message = tab.message(self.message)
        kinds = [one["type"] for one in controls(message.components, SELECTS) if one["custom_id"] == self.select]
        is_text = not kinds or kinds[0] == TEXT_SELECT
        values = [text if is_text else tab.entity(text) for text in self.values]
        return tab.outcome(await tab.person.select(message, *values, menu=self.select))


class Submit(Action, tag="submit"):
    """Submit an open form, with texts by custom id. It stays open if the bot does not respond."""

    form: Id
    values: Annotated[dict[Name, Text], Meta(max_length=5)]

    async def run(self, tab: Tab) -> JSON:
        reply = await tab.person.submit(tab.form(self.form), self.values)
        if not reply.failed:
            tab.close_form(self.form)
        return tab.outcome(reply)


class Cancel(Action, tag="cancel"):
    """Close an open form without submitting it. The bot does not hear of this."""

    form: Id

    async def run(self, tab: Tab) -> None:
        tab.close_form(self.form)


class Dismiss(Action, tag="dismiss"):
    """Dismiss an ephemeral message."""

    message: Id

    async def run(self, tab: Tab) -> None:
        message = tab.message(self.message)
        if not message.ephemeral:
            raise Impossible("only private answers can be dismissed")
        tab.dismiss(message)


class Follow(Action, tag="follow"):
    """Show the log of the bot and its traffic, from the newest entries on, or, if not `on`, no longer."""

    on: bool

    async def run(self, tab: Tab) -> None:
        tab.follow(on=self.on)


class Join(Action, tag="join"):
    """Let a person, who is created if needed, join the guild. The answer is their id."""

    name: Annotated[str, Meta(min_length=1, max_length=32)]

    async def run(self, tab: Tab) -> str:
        guild, people = tab.here(), tab.page.people
        known = people.known(self.name)
        if known and known.id in guild.members:
            raise Impossible(f"{self.name} is a member of {guild.name} already")
        return str(people.member(self.name, guild).id)


class Leave(Action, tag="leave"):
    """Let a member leave the guild."""

    user: Id

    async def run(self, tab: Tab) -> None:
        await tab.member(self.user).leave()


class GiveRole(Action, tag="give role"):
    """Give a member a role, or, if not `on`, take it."""

    user: Id
    role: Id
    on: bool

    async def run(self, tab: Tab) -> None:
        people = tab.page.people
        change = people.give if self.on else people.take
        await change(tab.member(self.user), tab.role(self.role))


class AddRole(Action, tag="add role"):
    """Create a role in the guild. The answer is its id."""

    name: Name

    async def run(self, tab: Tab) -> str:
        return str(tab.world.roles.add(tab.here(), self.name).id)


class ChangeRole(Action, tag="change role"):
    """Change the permissions of a role in the whole guild, and its colour."""

    role: Id
    permissions: Bits
    color: Annotated[int, Meta(ge=0, le=0xFFFFFF)]

    async def run(self, tab: Tab) -> None:
        permissions = int(self.permissions) & ALL_PERMISSIONS
        tab.world.roles.edit(tab.here(), tab.role(self.role), permissions=permissions, color=self.color)


class DeleteRole(Action, tag="delete role"):
    """Delete a role."""

    role: Id

    async def run(self, tab: Tab) -> None:
        tab.world.roles.delete(tab.here(), tab.role(self.role))


class Overwrite(Action, tag="overwrite"):
    """Set the permission overwrite of a role or a member in a channel, or remove it if both bit sets are 0."""

    channel: Id
    target: Id
    allow: Bits
    deny: Bits

    async def run(self, tab: Tab) -> None:
        guild, id = tab.here(), int(self.target)
        channel = guild.channels.get(int(self.channel))
        target = guild.roles.get(id) or guild.members.get(id)
        if channel is None or target is None:
            raise Impossible(f"{guild.name} has no such channel, role or member")
        allow, deny = int(self.allow) & ALL_PERMISSIONS, int(self.deny) & ALL_PERMISSIONS
        if allow or deny:
            tab.world.channels.set_overwrite(channel, target, allow=allow, deny=deny)
        else:
            tab.world.channels.remove_overwrite(channel, target)


class React(Action, tag="react"):
    """React to a message with an emoji (of the guild if it has an `emoji_id`), or, if not `on`, remove the reaction."""

    message: Id
    emoji: Name
    on: bool
    emoji_id: Id | None = None

    async def run(self, tab: Tab) -> None:
        change = tab.person.react if self.on else tab.person.unreact
        await change(tab.message(self.message), self._emoji(tab))

    def _emoji(self, tab: Tab) -> str | Emoji:
        if self.emoji_id is None:
            return self.emoji
        guild = tab.person.guild
        emoji = guild.emojis.get(int(self.emoji_id)) if guild else None
        if emoji is None:
            raise Impossible("there is no such emoji here")
        return emoji


class AddChannel(Action, tag="add channel"):
    """Create a channel in the guild and look at it."""

    name: Name

    async def run(self, tab: Tab) -> None:
        tab.look_at(tab.world.channels.add(tab.here(), self.name))


class AddGuild(Action, tag="add guild"):
    """Create a guild of this person, with the bot in it, and look at it."""

    name: Name

    async def run(self, tab: Tab) -> None:
        tab.look_at(front(tab.world.guilds.add(self.name, owner=tab.person.user)))


class Advance(Action, tag="advance"):
    """Move the time of the bot and Discord by a typed duration."""

    by: Name

    async def run(self, tab: Tab) -> None:
        if tab.page.advance is None:
            raise Impossible(NO_ADVANCE)
        await tab.page.advance(self.by)


async def _invoke(tab: Tab, words: Sequence[str], options: Mapping[str, str]) -> JSON:
    chosen = tab.person.choose(" ".join(words))
    values = parse_options(chosen, options, tab.person.guild, tab.uploaded, users=tab.world.users)
    return tab.outcome(await tab.person.slash(chosen, **values))


def _parsed(line: str) -> TypedSlash:
    """Parse a slash command as the terminal does. Raises Impossible if the line is not one."""
    typed = parse(line)
    if not isinstance(typed, TypedSlash):
        raise Impossible(f"a slash command is expected, such as /hello, not {line!r}")
    return typed


decoder: msgspec.json.Decoder[Action] = msgspec.json.Decoder(cast("Any", Union[tuple(Action.__subclasses__())]))  # noqa: UP007
"""Reads a frame. Raises msgspec.DecodeError (ValidationError) if it is none of these actions."""
