"""Polls over REST: who voted, and ending a poll. A poll is created with its message (resources/poll)."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import NO_POLL, NOT_THE_AUTHOR, POLL_EXPIRED, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.bounds import POLL_ANSWERS
from wisp.sandbox.world.objects import Message, Poll


def list_voters(call: Call) -> Answer:
    """List the users who voted for an answer, ordered by id."""
    _, poll = _poll(call)
    path = Fields({"answer_id": call.path["answer"]})
    answer = path.integer("answer_id", POLL_ANSWERS)
    path.check()
    limit, _, after = call.page(most=100, default=25)
    users = sorted(poll.votes.get(answer or 0, {}).values(), key=lambda user: user.id)
    return 200, {"users": [user.payload() for user in users if user.id > after][:limit]}


def end(call: Call) -> Answer:
    """End one of the bot's polls."""
    message, poll = _poll(call)
    if message.author is not call.world.bot:
        raise DiscordError(NOT_THE_AUTHOR)
    if poll.finished:
        raise DiscordError(POLL_EXPIRED)
    call.world.polls.end(message)
    return 200, message.payload()


def _poll(call: Call) -> tuple[Message, Poll]:
    """Return the message in the path and its poll."""
    message = call.message
    if message.poll is None:
        raise DiscordError(NO_POLL)
    return message, message.poll


A_POLL = "/channels/{channel}/polls/{message}"

ROUTES = [
    Route("GET", A_POLL + "/answers/{answer}", list_voters),
    Route("POST", A_POLL + "/expire", end),
]
