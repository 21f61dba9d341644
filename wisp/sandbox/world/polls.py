"""Polls in messages of a world: votes, and how polls end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from wisp.sandbox.world.changes import Change, MessageCreated, MessageEdited, VoteAdded, VoteRemoved
from wisp.sandbox.world.messages import Messages
from wisp.sandbox.world.objects import POLL_RESULT, Impossible, Message, Poll, User
from wisp.sandbox.world.state import State, place_of, refuse_deleted


class Polls:
    """The polls that messages have. Each ends when its time is over, and its channel is told the result."""

    def __init__(self, world: State, messages: Messages) -> None:
        self._world = world
        self._messages = messages
        self._timers: dict[int, asyncio.TimerHandle] = {}
        world.changes.subscribe(self._look)

    def vote(self, message: Message, user: User, answers: Iterable[int]) -> None:
        """Let a user vote for these answers, by their numbers, instead of those that they chose before; none is fine.

        Raises Impossible if that cannot be, also for a bot: "Apps are not allowed to vote on polls" (resources/poll).
        """
        chosen, poll = set(answers), self.open_poll(message)
        if user.bot:
            raise Impossible(f"{user.name} is a bot: bots do not vote")
        if wrong := [number for number in chosen if not 1 <= number <= len(poll.answers)]:
            raise Impossible(f"the poll has no answer {wrong[0]}: it has {len(poll.answers)}")
        if len(chosen) > 1 and not poll.multiselect:
            raise Impossible("the poll takes one answer")
        for number in range(1, len(poll.answers) + 1):
            users = poll.votes.setdefault(number, {})
            if user.id in users and number not in chosen:
                del users[user.id]
                self._tell("MESSAGE_POLL_VOTE_REMOVE", VoteRemoved(message, user, number))
            elif user.id not in users and number in chosen:
                users[user.id] = user
                self._tell("MESSAGE_POLL_VOTE_ADD", VoteAdded(message, user, number))

    def end(self, message: Message) -> None:
        """End a poll: its results are final, and Discord says them in the channel.

        Raises Impossible if the message has no poll, or if it has ended.
        """
        poll = self.open_poll(message)
        if timer := self._timers.pop(message.id, None):
            timer.cancel()
        poll.finished = True
        poll.expiry = min(poll.expiry, self._world.clock.time())
        self._messages.changed(message)
        self._messages.add(
            message.channel,
            message.author,
            embeds=[poll.result_embed()],
            kind=POLL_RESULT,
            reference=message,
            webhook=message.webhook,
        )

    def open_poll(self, message: Message) -> Poll:
        """Return the poll of a message. Raises Impossible if it has none, or if it has ended."""
        refuse_deleted(message)
        if message.poll is None:
            raise Impossible("the message has no poll")
        if message.ephemeral:
            raise Impossible("nobody can vote in a private answer")
        if message.poll.finished:
            raise Impossible("the poll has ended")
        return message.poll

    def _look(self, change: Change) -> None:
        """Start the time of a new poll."""
        if isinstance(change, MessageCreated | MessageEdited) and change.message.poll is not None:
            message, poll = change.message, change.message.poll
            if not poll.finished and not message.ephemeral and message.id not in self._timers:
                left = poll.expiry - self._world.clock.time()
                self._timers[message.id] = self._world.clock.call_later(left, lambda: self._is_over(message))

    def _is_over(self, message: Message) -> None:
        self._timers.pop(message.id, None)
        if not message.deleted and message.poll is not None and not message.poll.finished:
            self.end(message)

    def _tell(self, event: str, change: VoteAdded | VoteRemoved) -> None:
        channel = change.message.channel
        told = {"message_id": str(change.message.id), "user_id": str(change.user.id), "answer_id": change.answer}
        self._world.dispatch(event, place_of(channel) | told, channel.guild, seen_in=channel)
        self._world.changes.send(change)
