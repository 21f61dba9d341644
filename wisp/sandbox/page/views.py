"""What a person's browser is shown: the place where they are, and messages, as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from wisp.sandbox.people.commands import CHAT_INPUT, offered
from wisp.sandbox.people.components import MESSAGE_MENU, USER_MENU
from wisp.sandbox.people.person import Person
from wisp.sandbox.world.objects import CATEGORY, JSON, Channel, Guild, Member, Message, Role, User, dumps
from wisp.sandbox.world.permissions import CHANNEL_NAMES, CLIENT_NAMES, Permission
from wisp.sandbox.world.world import World

MOST_LISTED = 250
"""How many guilds, channels, members, people are listed at most; the rest is counted."""

MOST_NAMES = 200
"""How many mentions of one message are named."""

PAGE_OF_MESSAGES = 50

_MENTIONS = re.compile(r"<(?P<sign>@!?|@&|#)(?P<id>\d{1,20})>")


def place_view(person: Person) -> JSON:
    """Everything around the messages: guilds, channels, roles and members here, who there is, what can be typed."""
    world, channel, guild = person.people.world, person.channel, person.guild
    mine = [one for one in world.guilds.values() if person.id in one.members]
    people = [user for user in world.users.values() if not user.bot]
    return {
        "me": user_view(person.user),
        "bot": user_view(world.bot),
        "people": [user_view(user) for user in people[:MOST_LISTED]],
        "guilds": [{"id": str(one.id), "name": one.name} for one in mine[:MOST_LISTED]],
        "more_guilds": max(0, len(mine) - MOST_LISTED),
        "guild": guild and guild_view(person, guild),
        "channel": channel_view(channel, world),
        "permissions": str(world.permissions(person.user, channel)),
        "commands": offered(world, person.user, channel, CHAT_INPUT),
        "menus": {
            "user": [command["name"] for command in offered(world, person.user, channel, USER_MENU)],
            "message": [command["name"] for command in offered(world, person.user, channel, MESSAGE_MENU)],
        },
    }


def permissions_view() -> list[JSON]:
    """What can be allowed, by bit: the API's name, and the client's names for it in roles and in channels."""
    return [
        {"api": one.name, "bit": str(one.value), "server": CLIENT_NAMES[one], "channel": CHANNEL_NAMES[one]}
        for one in Permission
    ]


def user_view(user: User) -> JSON:
    """Somebody by id and name."""
    return {"id": str(user.id), "name": user.name, "bot": user.bot}


def channel_view(channel: Channel, world: World) -> JSON:
    """A channel; direct messages are called as the bot is, who writes them."""
    return {
        "id": str(channel.id),
        "name": channel.name if channel.guild else world.bot.name,
        "kind": channel.kind,
        "guild": str(channel.guild.id) if channel.guild else None,
        "topic": channel.topic,
        "overwrites": [
            {"id": str(one.id), "allow": str(one.allow), "deny": str(one.deny)} for one in channel.overwrites.values()
        ],
    }


def guild_view(person: Person, guild: Guild) -> JSON:
    """A guild as this person sees it: only channels that they see."""
    world = person.people.world
    channels = [channel for channel in _in_order(guild) if sees_channel(person, channel)]
    members = list(guild.members.values())
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner": str(guild.owner.id),
        "channels": [channel_view(channel, world) for channel in channels[:MOST_LISTED]],
        "roles": [role_view(role) for role in sorted(guild.roles.values(), key=lambda role: -role.position)],
        "members": [member_view(member) for member in members[:MOST_LISTED]],
        "member_count": len(members),
    }


def _in_order(guild: Guild) -> list[Channel]:
    """A guild's channels as a client lists them: by position, each before those in it."""

    def place(channel: Channel) -> tuple[int, bool, int]:
        top = channel.parent or channel
        return top.position if top.kind == CATEGORY else -1, top is not channel, channel.position

    threads = [thread for thread in guild.threads.values() if not _archived(thread)]
    return [
        one
        for channel in sorted(guild.channels.values(), key=place)
        for one in (channel, *(thread for thread in threads if thread.parent is channel))
    ]


def _archived(channel: Channel) -> bool:
    return channel.thread is not None and channel.thread.archived


def role_view(role: Role) -> JSON:
    """A role, with what it allows."""
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "fixed": role.managed,
    }


def member_view(member: Member) -> JSON:
    """A member with the ids of their roles."""
    roles = [str(role.id) for role in sorted(member.roles, key=lambda role: role.rank, reverse=True)]
    return user_view(member.user) | {"nick": member.nick, "roles": roles}


def sees_channel(person: Person, channel: Channel) -> bool:
    """Whether a channel is listed for this person; a category where one of its channels is."""
    world = person.people.world
    if channel.kind == CATEGORY and channel.guild is not None:
        return any(one.parent is channel and world.sees(person.user, one) for one in channel.guild.channels.values())
    return world.sees(person.user, channel)


def seen_messages(person: Person, *, before: int | None = None) -> tuple[list[Message], bool]:
    """The newest messages here (older than `before`, where that is given), oldest first; whether there are more."""
    found = list(islice(_backwards(person, before), PAGE_OF_MESSAGES + 1))
    return found[PAGE_OF_MESSAGES - 1 :: -1], len(found) > PAGE_OF_MESSAGES


def _backwards(person: Person, before: int | None) -> Iterator[Message]:
    for message in reversed(person.people.world.messages.values()):
        if message.channel is person.channel and (before is None or message.id < before) and person.sees(message):
            yield message


def message_view(person: Person, message: Message) -> JSON:
    """A message as this person sees it, with the names of whom and what it mentions."""
    interaction = message.interaction
    payload = message.payload(with_reference=False)
    shown: JSON = {
        "id": str(message.id),
        "channel": str(message.channel.id),
        "moment": message.created,
        "author": _author(message.author, message.channel),
        "webhook": message.webhook and message.webhook.name,
        "edited": message.edited,
        "private": message.ephemeral,
        "thinking": message.loading,
        "kind": message.kind,
        "reply": message.reference and _reply(message.reference),
        "thread": message.thread and _thread(person, message.thread),
        "used": None,
        "mentions_me": _mentions(message, person),
    }
    if interaction is not None and interaction.command_kind and message is interaction.original:
        shown["used"] = {"user": user_view(interaction.user), "command": _typed(interaction.data)}
    shown |= {name: payload[name] for name in ("content", "embeds", "components", "attachments", "flags")}
    shown["pinned"] = message.pinned is not None
    shown["reactions"] = [
        {
            "emoji": {"name": emoji.name, "id": emoji.id and str(emoji.id)},
            "count": len(reaction.users),
            "mine": person.id in reaction.users,
            "by": [user.name for user in islice(reaction.users.values(), 10)],
        }
        for emoji, reaction in message.reactions.items()
    ]
    return shown | {"names": _names(person, message, shown)}


def _mentions(message: Message, person: Person) -> bool:
    """Whether a message pings somebody: all, one of their roles, or them."""
    roles = person.member.roles if person.member else ()
    theirs = any(role.id in message.mention_roles for role in roles)
    return message.mention_everyone or person.user in message.mentions or theirs


def _typed(command: JSON) -> str:
    """A command as its header on an answer names it: with its subcommand, without options."""
    words, options = [command["name"]], command.get("options", [])
    while options and options[0]["type"] in (1, 2):
        words.append(options[0]["name"])
        options = options[0].get("options", [])
    return " ".join(words)


def _author(user: User, channel: Channel) -> JSON:
    member = channel.guild.members.get(user.id) if channel.guild else None
    return user_view(user) | {"nick": member.nick if member else None}


def _reply(message: Message) -> JSON:
    return {
        "id": str(message.id),
        "author": _author(message.author, message.channel),
        "content": message.content[:200],
        "deleted": message.deleted,
    }


def _thread(person: Person, thread: Channel) -> JSON | None:
    """The thread that a message began, None where it is not to be seen."""
    if not sees_channel(person, thread):
        return None
    return {"id": str(thread.id), "name": thread.name}


def _names(person: Person, message: Message, shown: JSON) -> JSON:
    """The names of what a message mentions, by how it is written ("@1", "@&2", "#3"); a channel unseen is None."""
    world, guild = person.people.world, message.channel.guild
    texts = dumps([shown["content"], shown["embeds"], shown["components"], shown["reply"]]).decode()
    names: JSON = {}
    for match in islice(_MENTIONS.finditer(texts), MOST_NAMES):
        sign, number = match["sign"].replace("!", ""), int(match["id"])
        if sign == "@":
            if user := world.users.get(number):
                names[f"@{number}"] = _author(user, message.channel)["nick"] or user.name
        elif sign == "#":
            channel = world.channels.get(number)
            names[f"#{number}"] = channel.name if channel and sees_channel(person, channel) else None
        elif guild and (role := guild.roles.get(number)):
            names[f"@&{number}"] = role.name
    return names
