"""What a browser is shown as JSON: the place where its person is, and messages."""

from __future__ import annotations

import re
from itertools import islice

from wisp.sandbox.people.commands import CHAT_INPUT, offered
from wisp.sandbox.people.components import MESSAGE_MENU, USER_MENU
from wisp.sandbox.people.person import Person
from wisp.sandbox.world.objects import CATEGORY, JSON, Channel, Guild, Member, Message, Role, User, dumps
from wisp.sandbox.world.permissions import CHANNEL_NAMES, CLIENT_NAMES, Permission
from wisp.sandbox.world.world import World

MOST_LISTED = 250
"""Guilds, channels, members and people that are listed at most; the others are counted."""

MOST_NAMES = 200
"""Mentions of one message that are named at most."""

PAGE_OF_MESSAGES = 50

_MENTIONS = re.compile(r"<(?P<sign>@!?|@&|#)(?P<id>\d{1,20})>")


def place_view(person: Person) -> JSON:
    """Return all but the messages: guilds, people, the channels, roles and members here, and the commands."""
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
    """Return the permissions by bit, with the API's name, and the client's names in roles and in channels."""
    return [
        {"api": one.name, "bit": str(one.value), "server": CLIENT_NAMES[one], "channel": CHANNEL_NAMES[one]}
        for one in Permission
    ]


def user_view(user: User) -> JSON:
    """Return a user's id and name."""
    return {"id": str(user.id), "name": user.name, "bot": user.bot}


def channel_view(channel: Channel, world: World) -> JSON:
    """Return a channel; direct messages have the name of the bot."""
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
    """Return a guild, with the channels that this person sees."""
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
    """Return a guild's channels as a client lists them: by position, each before those in it."""

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
    """Return a role with its permissions."""
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "fixed": role.managed,
    }


def member_view(member: Member) -> JSON:
    """Return a member with the ids of their roles."""
    roles = [str(role.id) for role in sorted(member.roles, key=lambda role: role.rank, reverse=True)]
    return user_view(member.user) | {"nick": member.nick, "roles": roles}


def sees_channel(person: Person, channel: Channel) -> bool:
    """Return whether a channel is listed for this person: a category is if one of its channels is."""
    world = person.people.world
    if channel.kind == CATEGORY and channel.guild is not None:
        return any(one.parent is channel and world.sees(person.user, one) for one in channel.guild.channels.values())
    return world.sees(person.user, channel)


def seen_messages(person: Person, *, before: int | None = None) -> tuple[list[Message], bool]:
    """Return the newest messages here, or those before an id, oldest first, and whether there are more."""
    found = list(islice(person.history(before), PAGE_OF_MESSAGES + 1))
    return found[PAGE_OF_MESSAGES - 1 :: -1], len(found) > PAGE_OF_MESSAGES


def message_view(person: Person, message: Message) -> JSON:
    """Return a message as this person sees it, with the names of what it mentions."""
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
        "reply": message.reference and _reply(message.reference) if message.snapshot is None else None,
        "thread": message.thread and _thread(person, message.thread),
        "used": None,
        "mentions_me": _mentions(message, person),
    }
    if interaction is not None and interaction.command_kind and message is interaction.original:
        shown["used"] = {"user": user_view(interaction.user), "command": _typed(interaction.data)}
    shown |= {name: payload[name] for name in ("content", "embeds", "components", "attachments", "flags")}
    if message.snapshot is not None:
        quoted = message.snapshot["content"].replace("\n", "\n> ")
        shown |= {name: message.snapshot[name] for name in ("embeds", "attachments")}
        shown["content"] = f"-# Forwarded\n> {quoted}" if quoted else "-# Forwarded"
    if message.poll is not None:
        shown["content"] = "\n".join([shown["content"], *message.poll.lines]).strip()
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
    """Return whether a message pings a person: everyone, one of their roles, or them."""
    roles = person.member.roles if person.member else ()
    theirs = any(role.id in message.mention_roles for role in roles)
    return message.mention_everyone or person.user in message.mentions or theirs


def _typed(command: JSON) -> str:
    """Return the name of a command with its subcommand, as a response shows it."""
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
    """Return the thread that a message began, or None if the person does not see it."""
    if not sees_channel(person, thread):
        return None
    return {"id": str(thread.id), "name": thread.name}


def _names(person: Person, message: Message, shown: JSON) -> JSON:
    """Return the names of what a message mentions, by its markup ("@1", "@&2", "#3"); None for an unseen channel."""
    world, guild = person.people.world, message.channel.guild
    texts = dumps([shown["content"], shown["embeds"], shown["components"], shown["reply"]]).decode()
    names: JSON = {}
    for match in islice(_MENTIONS.finditer(texts), MOST_NAMES):
        sign, id = match["sign"].replace("!", ""), int(match["id"])
        if sign == "@":
            if user := world.users.get(id):
                names[f"@{id}"] = _author(user, message.channel)["nick"] or user.name
        elif sign == "#":
            channel = world.channels.get(id)
            names[f"#{id}"] = channel.name if channel and sees_channel(person, channel) else None
        elif guild and (role := guild.roles.get(id)):
            names[f"@&{id}"] = role.name
    return names
