"""The verbs of the terminal that change a guild: its members, roles, channels and emojis."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wisp.sandbox.people.commands import MENTIONABLE
from wisp.sandbox.people.person import Person
from wisp.sandbox.people.typed import CHANNEL_TYPES, find_named, words
from wisp.sandbox.terminal.speaker import Speaker, permission_names, signed_permissions
from wisp.sandbox.world.objects import CATEGORY, TEXT, Channel, Guild, Impossible, Member, Role, User

_LONGEST_NAME = 32
"""Characters of a user's name: https://docs.discord.com/developers/resources/user#usernames-and-nicknames."""

_VOICE: Mapping[str, dict[str, bool]] = {
    "mute": {"mute": True},
    "unmute": {"mute": False},
    "deafen": {"deaf": True},
    "undeafen": {"deaf": False},
}
"""What can be typed, besides "leave", instead of the name of a voice channel."""

_EMOJI_NAME = re.compile(r"[A-Za-z0-9_]{2,32}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


async def join(speaker: Speaker, name: str) -> None:
    """Let a person, who is created if needed, join the guild."""
    name = name.removeprefix("@")
    guild = speaker.person.guild or speaker.people.home
    known = speaker.people.known(name)
    if known and known.id in guild.members:
        raise Impossible(f"{name} is a member of {guild.name} already")
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise Impossible(f"a person's name has 1 to {_LONGEST_NAME} characters, not {len(name)}")
    joined = speaker.people.member(name, guild)
    speaker.note(f"{name} joined {guild.name}")
    speaker.result = {"user": str(joined.id)}
    await speaker.person.rest()


async def leave(speaker: Speaker, typed: str) -> None:
    """Leave the guild, or let a member leave."""
    guild = speaker.here()
    user = speaker.member(typed).user if typed else speaker.person.user
    await Person(speaker.people, user, speaker.person.channel).leave()
    _tell(speaker, f"{user.name} left {guild.name}", user)


async def kick(speaker: Speaker, typed: str) -> None:
    """Kick a member."""
    name, reason = _member_and_rest(typed)
    guild, user = speaker.here(), speaker.member(name).user
    await speaker.person.kick(user, reason=reason or None)
    _tell(speaker, f"{user.name} was kicked from {guild.name}", user)


async def ban(speaker: Speaker, typed: str) -> None:
    """Ban a member, or a user by id."""
    name, reason = _member_and_rest(typed)
    guild, user = speaker.here(), speaker.user(name)
    await speaker.person.ban(user, reason=reason or None)
    _tell(speaker, f"{user.name} was banned from {guild.name}", user)


async def unban(speaker: Speaker, name: str) -> None:
    """Lift a ban."""
    guild, name = speaker.here(), name.removeprefix("@")
    banned = {ban.user.name: ban.user for ban in guild.bans.values()}
    if name not in banned:
        raise Impossible(f"{name} is not banned from {guild.name}; banned are: {', '.join(banned) or 'no users'}")
    await speaker.person.unban(banned[name])
    _tell(speaker, f"{name} may join {guild.name} again", banned[name])


async def voice(speaker: Speaker, typed: str) -> None:
    """Connect to a voice channel, mute or deafen oneself there, or disconnect."""
    person = speaker.person
    if typed == "leave":
        state = await person.leave_voice()
    elif typed in _VOICE:
        state = await person.set_voice(**_VOICE[typed])
    else:
        state = await person.join_voice(typed.removeprefix("#"))
    speaker.note(str(state))


def _tell(speaker: Speaker, text: str, user: User) -> None:
    """Note what happened to a user, and go to the direct messages if the speaker is no member any more."""
    speaker.note(text)
    speaker.result = {"user": str(user.id)}
    if user is speaker.person.user and speaker.person.member is None:
        speaker.person = speaker.person.dm


def _member_and_rest(typed: str) -> tuple[str, str]:
    """Split the first word of a line, which quotes may surround, from the rest."""
    if typed.startswith('"'):
        name, _, rest = typed[1:].partition('"')
        return name, rest.strip()
    name, *rest = typed.split(maxsplit=1)
    return name, rest[0] if rest else ""


async def give(speaker: Speaker, typed: str) -> None:
    """Give a member a role."""
    member, role = _member_and_role(speaker, "give", typed)
    await speaker.people.give(Person(speaker.people, member.user, speaker.person.channel), role)
    speaker.note(f"{member.user.name} has the role {role.name}")


async def take(speaker: Speaker, typed: str) -> None:
    """Take a role from a member."""
    member, role = _member_and_role(speaker, "take", typed)
    await speaker.people.take(Person(speaker.people, member.user, speaker.person.channel), role)
    speaker.note(f"{member.user.name} has the role {role.name} no more")


def _member_and_role(speaker: Speaker, verb: str, typed: str) -> tuple[Member, Role]:
    match words(typed):
        case [name, role_name]:
            member, role = speaker.member(name), speaker.role(role_name)
        case _:
            raise Impossible(f"expected :{verb} @MEMBER ROLE, names with spaces in quotes")
    speaker.result = {"user": str(member.user.id), "role": str(role.id)}
    return member, role


async def role(speaker: Speaker, typed: str) -> None:
    """Make a role, or change its colour and permissions."""
    guild = speaker.here()
    name, *rest = words(typed)
    colours = [int(word[1:], 16) for word in rest if _COLOUR.fullmatch(word)]
    plus, minus = signed_permissions([word for word in rest if not _COLOUR.fullmatch(word)])
    if len(colours) > 1:
        raise Impossible("a role has one colour, not several")
    named = _role_called(guild, name)
    if named is None:
        made = speaker.world.roles.add(
            guild, name.removeprefix("@"), permissions=plus & ~minus, color=colours[0] if colours else 0
        )
        speaker.note(f"the role {made.name} is new")
    else:
        made = named
        permissions = made.permissions & ~minus | plus
        speaker.world.roles.edit(guild, made, permissions=permissions, color=colours[0] if colours else made.color)
        speaker.note(f"the role {made.name} has {', '.join(permission_names(permissions)) or 'no permissions'}")
    speaker.result = {"role": str(made.id), "permissions": permission_names(made.permissions), "color": made.color}
    await speaker.person.rest()


async def unrole(speaker: Speaker, name: str) -> None:
    """Delete a role."""
    guild, gone = speaker.here(), speaker.role(name.strip('"'))
    speaker.world.roles.delete(guild, gone)
    speaker.note(f"the role {gone.name} is deleted")
    speaker.result = {"role": str(gone.id)}
    await speaker.person.rest()


def _role_called(guild: Guild, name: str) -> Role | None:
    bare = name.removeprefix("@")
    return next((role for role in guild.roles.values() if role.name.removeprefix("@") == bare), None)


async def overwrite(speaker: Speaker, typed: str) -> None:
    """Set the permission overwrite of a role or member in this channel, or remove it."""
    guild, channel = speaker.here(), speaker.person.channel
    name, *rest = words(typed)
    allow, deny = signed_permissions(rest)
    target = find_named("target", MENTIONABLE, name, guild, users=speaker.world.users)
    if isinstance(target, Channel):
        raise Impossible(f"expected a role or a member, got {name!r}")
    if allow or deny:
        speaker.world.channels.set_overwrite(channel, target, allow=allow, deny=deny)
    else:
        speaker.world.channels.remove_overwrite(channel, target)
    speaker.result = {"channel": str(channel.id), "target": str(target.id)}
    speaker.note(f"{channel} has {'another' if rest else 'no'} overwrite of {target.name}")
    await speaker.person.rest()


async def bot(speaker: Speaker, typed: str) -> None:
    """Change what the bot's own role allows it in this guild, or tell it."""
    guild, user = speaker.here(), speaker.world.bot
    role = guild.role_of(user)
    if role is None:
        raise Impossible(f"{user.name} is not a member of {guild.name}")
    plus, minus = signed_permissions(typed.split())
    if plus or minus:
        speaker.world.roles.edit(guild, role, permissions=role.permissions & ~minus | plus)
    names = permission_names(role.permissions)
    speaker.note(f"the role of {user.name} has {', '.join(names) or 'no permissions'}")
    speaker.result = {"role": str(role.id), "permissions": names}
    await speaker.person.rest()


async def channel(speaker: Speaker, typed: str) -> None:
    """Make a channel of a type, in a category if one is named."""
    guild = speaker.here()
    name, *rest = words(typed)
    parent: Channel | None = None
    if len(rest) >= 2 and rest[-2] == "in":
        parent = _category(guild, rest[-1])
        rest = rest[:-2]
    if len(rest) > 1 or (rest and rest[0] not in CHANNEL_TYPES):
        raise Impossible(
            "expected :channel NAME [TYPE] [in CATEGORY], names with spaces in quotes, "
            f"and as the type one of {', '.join(CHANNEL_TYPES)}"
        )
    made = speaker.world.channels.add(
        guild, name.removeprefix("#"), kind=CHANNEL_TYPES[rest[0]] if rest else TEXT, parent=parent
    )
    speaker.note(f"{made} is new")
    speaker.result = {"channel": str(made.id), "name": made.name}
    await speaker.person.rest()


def _category(guild: Guild, name: str) -> Channel:
    categories = {channel.name: channel for channel in guild.channels.values() if channel.kind == CATEGORY}
    if name not in categories:
        raise Impossible(f"{guild.name} has no category {name!r}; it has {', '.join(categories) or 'none'}")
    return categories[name]


async def emoji(speaker: Speaker, name: str) -> None:
    """Make an emoji of the guild."""
    name = name.strip(":")
    if not _EMOJI_NAME.fullmatch(name):
        raise Impossible(f"an emoji's name has 2 to 32 letters, digits and _, got {name!r}")
    made = speaker.world.emojis.add(speaker.here(), name, creator=speaker.person.user)
    speaker.note(f"the emoji :{made.name}: is new")
    speaker.result = {"emoji": str(made.id), "name": made.name}
    await speaker.person.rest()
