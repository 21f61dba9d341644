"""What a browser may ask the sandbox for: one type for each action, read strictly."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from wisp.limits import ATTACHMENTS

Id = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")]
"""A snowflake, as text: JavaScript's numbers are too short for it."""

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=8000)]
Bits = Annotated[str, Meta(pattern=r"^[0-9]{1,20}$")]
Options = Annotated[dict[Name, Text], Meta(max_length=25)]
Keys = Annotated[list[Name], Meta(max_length=ATTACHMENTS)]
Words = Annotated[list[Name], Meta(min_length=1, max_length=3)]


class Action(Struct, tag_field="do", forbid_unknown_fields=True):
    """Something asked for. The answer bears the same `n`."""

    n: Annotated[int, Meta(ge=0, le=2**53)]


class Be(Action, tag="be"):
    """Be this person from now on."""

    user: Id


class Go(Action, tag="go"):
    """Look at a channel, at a guild's first channel, or (neither is given) at the direct messages with the bot."""

    channel: Id | None = None
    guild: Id | None = None


class Older(Action, tag="older"):
    """Show the messages before this one."""

    before: Id


class Say(Action, tag="say"):
    """Put a message into the channel: with these uploaded files, as a reply to a message, which pings its author."""

    text: Text
    files: Keys = []
    reply: Id | None = None
    ping: bool = True


class Edit(Action, tag="edit"):
    """Change the text of one's own message."""

    message: Id
    text: Text


class Delete(Action, tag="delete"):
    """Delete a message."""

    message: Id


class StartThread(Action, tag="start thread"):
    """Start a thread, which may begin with a message, and look at it."""

    name: Name
    message: Id | None = None


class Slash(Action, tag="slash"):
    """Use a slash command, with its options as typed."""

    words: Words
    options: Options = {}


class Enter(Action, tag="enter"):
    """Use a slash command that is typed as one line."""

    line: Text


class Parse(Action, tag="parse"):
    """Read the words and options of a slash command that is typed as one line, and do not use it."""

    line: Text


class Complete(Action, tag="complete"):
    """Ask what the bot suggests for an option in which something is typed."""

    words: Words
    option: Name
    typed: Text
    options: Options = {}


class Menu(Action, tag="menu"):
    """Use a command from the menu of a user or a message."""

    command: Name
    user: Id | None = None
    message: Id | None = None


class Click(Action, tag="click"):
    """Press a button."""

    message: Id
    button: Name


class Select(Action, tag="select"):
    """Choose in a select: values of its options, or ids."""

    message: Id
    select: Name
    values: Annotated[list[Name], Meta(max_length=25)]


class Submit(Action, tag="submit"):
    """Send an open form, with texts by custom id."""

    form: Id
    values: Annotated[dict[Name, Text], Meta(max_length=5)]


class Cancel(Action, tag="cancel"):
    """Close an open form without sending it."""

    form: Id


class Dismiss(Action, tag="dismiss"):
    """Take a private answer out of sight."""

    message: Id


class Follow(Action, tag="follow"):
    """Follow the records of the bot's log and traffic, or (not `on`) no longer."""

    on: bool


class Join(Action, tag="join"):
    """Let somebody, who may be new, join the guild."""

    name: Annotated[str, Meta(min_length=1, max_length=32)]


class Leave(Action, tag="leave"):
    """Let a member leave the guild."""

    user: Id


class GiveRole(Action, tag="give role"):
    """Give a member a role, or (not `on`) take it."""

    user: Id
    role: Id
    on: bool


class AddRole(Action, tag="add role"):
    """Make a role in the guild."""

    name: Name


class ChangeRole(Action, tag="change role"):
    """Let a role allow this in the whole guild, and have this colour."""

    role: Id
    permissions: Bits
    color: Annotated[int, Meta(ge=0, le=0xFFFFFF)]


class DeleteRole(Action, tag="delete role"):
    """Take a role away."""

    role: Id


class Overwrite(Action, tag="overwrite"):
    """Say what a role or a member may do in a channel and what not; where both are 0, the channel says nothing."""

    channel: Id
    target: Id
    allow: Bits
    deny: Bits


class React(Action, tag="react"):
    """React to a message with an emoji (of the guild, where it has an `emoji_id`), or (not `on`) take it back."""

    message: Id
    emoji: Name
    on: bool
    emoji_id: Id | None = None


class AddChannel(Action, tag="add channel"):
    """Make a channel in the guild."""

    name: Name


class AddGuild(Action, tag="add guild"):
    """Make a guild, with the bot in it."""

    name: Name


class Advance(Action, tag="advance"):
    """Move the time of the bot and Discord by a duration, as typed."""

    by: Name


Anything: TypeAlias = (
    Be
    | Go
    | Older
    | Say
    | Edit
    | Delete
    | StartThread
    | Slash
    | Enter
    | Parse
    | Complete
    | Menu
    | Click
    | Select
    | Submit
    | Cancel
    | Dismiss
    | Follow
    | Join
    | Leave
    | GiveRole
    | AddRole
    | ChangeRole
    | DeleteRole
    | Overwrite
    | React
    | AddChannel
    | AddGuild
    | Advance
)

decoder: msgspec.json.Decoder[Anything] = msgspec.json.Decoder(Anything)
"""Reads a frame. Raises msgspec.DecodeError (ValidationError) where it is none of these."""
