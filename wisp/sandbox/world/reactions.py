"""Reactions to messages in a world."""

from __future__ import annotations

from wisp.sandbox.world.bounds import REACTIONS
from wisp.sandbox.world.changes import ReactionAdded, ReactionRemoved
from wisp.sandbox.world.objects import JSON, Emoji, Impossible, LimitReached, Message, Reaction, User
from wisp.sandbox.world.state import State, place_of, refuse_deleted


class Reactions:
    """The verbs of reactions; a message has its reactions by emoji."""

    def __init__(self, world: State) -> None:
        self._world = world

    def add(self, message: Message, user: User, emoji: Emoji) -> None:
        """Let a user react to a message; does nothing if they did with this emoji.

        Raises Impossible for a deleted or ephemeral message, and LimitReached for a 21st emoji.
        """
        refuse_deleted(message)
        if message.ephemeral:
            raise Impossible("nobody can react to a private answer")
        reaction = message.reactions.get(emoji)
        if reaction is None:
            if len(message.reactions) >= REACTIONS.most:
                raise LimitReached(f"a message has at most {REACTIONS.most} different reactions", REACTIONS)
            reaction = message.reactions[emoji] = Reaction(emoji)
        if user.id in reaction.users:
            return
        reaction.users[user.id] = user
        reaction.me |= user is self._world.bot
        data = self._reaction_data(message, emoji) | {"user_id": str(user.id), "burst": False, "type": 0}
        data["message_author_id"] = str(message.author.id)
        guild = message.channel.guild
        if guild is not None and user.id in guild.members:
            data["member"] = guild.members[user.id].payload()
        self._world.dispatch("MESSAGE_REACTION_ADD", data, guild, seen_in=message.channel)
        self._world.changes.send(ReactionAdded(message, user, emoji))

    def remove(self, message: Message, user: User, emoji: Emoji) -> None:
        """Remove a user's reaction if there is one. Raises Impossible for a deleted message."""
        refuse_deleted(message)
        reaction = message.reactions.get(emoji)
        if reaction is None or user.id not in reaction.users:
            return
        self._withdraw(message, reaction, user)
        data = self._reaction_data(message, emoji) | {"user_id": str(user.id), "burst": False, "type": 0}
        self._world.dispatch("MESSAGE_REACTION_REMOVE", data, message.channel.guild, seen_in=message.channel)
        self._world.changes.send(ReactionRemoved(message, user, emoji))

    def clear(self, message: Message, emoji: Emoji | None = None) -> None:
        """Remove all reactions to a message, or all with one emoji. Raises Impossible for a deleted message."""
        refuse_deleted(message)
        gone = [reaction for reaction in message.reactions.values() if emoji in (None, reaction.emoji)]
        if not gone:
            return
        gone_users = [(reaction, user) for reaction in gone for user in reaction.users.values()]
        for reaction, user in gone_users:
            self._withdraw(message, reaction, user)
        if emoji is None:
            data = {**place_of(message.channel), "message_id": str(message.id)}
            self._world.dispatch("MESSAGE_REACTION_REMOVE_ALL", data, message.channel.guild, seen_in=message.channel)
        else:
            data = self._reaction_data(message, emoji)
            self._world.dispatch("MESSAGE_REACTION_REMOVE_EMOJI", data, message.channel.guild, seen_in=message.channel)
        for reaction, user in gone_users:
            self._world.changes.send(ReactionRemoved(message, user, reaction.emoji))

    def _withdraw(self, message: Message, reaction: Reaction, user: User) -> None:
        del reaction.users[user.id]
        if user is self._world.bot:
            reaction.me = False
        if not reaction.users:
            del message.reactions[reaction.emoji]

    def _reaction_data(self, message: Message, emoji: Emoji) -> JSON:
        return {**place_of(message.channel), "message_id": str(message.id), "emoji": emoji.payload()}
