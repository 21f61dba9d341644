"""Polls: who votes, how they end, and what a bot is told."""

from __future__ import annotations

import asyncio
import datetime
import warnings
from collections.abc import AsyncIterator
from typing import Any

import hikari
import pytest

import wisp
from wisp.sandbox import Impossible, Sandbox
from wisp.sandbox.gateway.intents import as_seen, hears
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.terminal.text import message_lines
from wisp.sandbox.world.objects import Message
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Event
from wisp.testing import connect


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[Any]:
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


@pytest.fixture
def ada(sandbox: Sandbox) -> Person:
    return People(sandbox.world).member("ada")


@pytest.fixture
def bob(sandbox: Sandbox) -> Person:
    return People(sandbox.world).member("bob")


def told(sandbox: Sandbox) -> list[tuple[str, int, str]]:
    """What the bot is told of votes from here on: the event, the answer and the user."""
    found: list[tuple[str, int, str]] = []

    def look(event: Event) -> None:
        if "POLL" in event.name:
            user = sandbox.world.users[int(event.data["user_id"])]
            found.append((event.name.removeprefix("MESSAGE_POLL_VOTE_"), event.data["answer_id"], user.name))

    sandbox.world.events.subscribe(look)
    return found


async def test_a_bots_poll_is_voted_in_and_ended_and_hikari_reads_it(
    sandbox: Sandbox, rest: Any, ada: Person, bob: Person
) -> None:
    tea = hikari.impl.PollAnswerBuilder(text="Tea", emoji=hikari.UnicodeEmoji("🍵"))
    answers: Any = [tea, hikari.impl.PollAnswerBuilder(text="Coffee")]
    poll = hikari.impl.PollBuilder(question_text="Tea or coffee?", answers=answers, duration=2, allow_multiselect=False)
    sent = await rest.create_message(ada.channel.id, poll=poll)
    assert (sent.poll.expiry - sent.timestamp).total_seconds() == pytest.approx(7200, abs=1)
    message = sandbox.world.messages[sent.id]
    events = told(sandbox)
    await ada.vote(message, "Coffee")
    await ada.vote(message, "Tea")
    await bob.vote(message, 1)
    await bob.vote(message)
    await bob.vote(message, "Tea")
    assert events == [
        ("ADD", 2, "ada"),
        ("ADD", 1, "ada"),
        ("REMOVE", 2, "ada"),
        ("ADD", 1, "bob"),
        ("REMOVE", 1, "bob"),
        ("ADD", 1, "bob"),
    ]
    voters = [user.username for user in await rest.fetch_poll_voters(ada.channel.id, sent.id, 1)]
    assert voters == ["ada", "bob"]
    ended = await rest.end_poll(ada.channel.id, sent.id)
    assert (ended.poll.results.is_finalized, ended.edited_timestamp) == (True, None)
    assert [(one.id, one.count) for one in ended.poll.results.answer_counts] == [(1, 2)]
    result = await rest.fetch_message(ada.channel.id, ada.messages[-1].id)
    assert (result.type, result.author.id, result.user_mentions_ids) == (46, sent.author.id, [sent.author.id])
    assert (result.message_reference.id, result.message_reference.guild_id) == (sent.id, None)
    assert {field.name: field.value for field in result.embeds[0].fields} == {
        "poll_question_text": "Tea or coffee?",
        "victor_answer_votes": "2",
        "total_votes": "2",
        "victor_answer_id": "1",
        "victor_answer_text": "Tea",
        "victor_answer_emoji_name": "🍵",
    }


async def test_a_poll_ends_by_itself_when_its_time_is_over() -> None:
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with connect(wisp.Bot()) as discord:
        ada = discord.member("ada")
        message = await ada.start_poll("Tea?", "Yes", "No", hours=1)
        deleted, early = (
            await ada.start_poll("Deleted?", "Yes", hours=1),
            await ada.start_poll("Early?", "Yes", hours=1),
        )
        await ada.delete(deleted)
        await ada.end_poll(early)
        await ada.vote(message, "No")
        await discord.advance(minutes=59)
        assert message.poll is not None
        assert not message.poll.finished
        await discord.advance(minutes=1)
        assert message.poll.finished
        results = [one for one in ada.messages if one.kind == 46]
        assert [one.embeds[0]["fields"][0]["value"] for one in results] == ["Early?", "Tea?"]
        with pytest.raises(Impossible, match="the poll has ended"):
            await ada.vote(message, "Yes")
    assert failures == []


async def test_a_bot_hears_of_votes_and_of_the_end() -> None:
    bot, heard = wisp.Bot(intents=hikari.Intents.ALL), list[tuple[str, int]]()

    @bot.listen()
    async def voted(event: hikari.PollVoteCreateEvent) -> None:
        heard.append(("vote", event.answer_id))

    @bot.listen()
    async def taken_back(event: hikari.PollVoteDeleteEvent) -> None:
        heard.append(("taken back", event.answer_id))

    async with connect(bot) as discord:
        ada = discord.member("ada")
        message = await ada.start_poll("Tea?", "Yes", "No")
        await ada.vote(message, "No")
        await ada.vote(message)
    assert heard == [("vote", 2), ("taken back", 2)]


async def test_an_equal_result_names_no_answer(ada: Person, bob: Person) -> None:
    message = await ada.start_poll("Tea?", "Yes", "No")
    await ada.vote(message, "Yes")
    await bob.vote(message, "No")
    await ada.end_poll(message)
    fields = {field["name"]: field["value"] for field in ada.messages[-1].embeds[0]["fields"]}
    assert fields == {"poll_question_text": "Tea?", "victor_answer_votes": "1", "total_votes": "2"}


async def test_several_answers_are_for_polls_that_take_them(ada: Person) -> None:
    one, several = await ada.start_poll("Tea?", "Yes", "No"), await ada.start_poll("Tea?", "A", "B", multiselect=True)
    with pytest.raises(Impossible, match="the poll takes one answer"):
        await ada.vote(one, "Yes", "No")
    await ada.vote(several, "A", 2)
    assert several.poll is not None
    assert several.poll.count == {1: 1, 2: 1}
    with pytest.raises(Impossible, match="the poll has no answer 'C'; it has A, B"):
        await ada.vote(several, "C")
    with pytest.raises(Impossible, match="the poll has no answer 3: it has 2"):
        await ada.vote(several, 3)
    assert several.poll.count == {1: 1, 2: 1}


async def test_bots_and_those_who_do_not_see_a_poll_do_not_vote(sandbox: Sandbox, ada: Person, bob: Person) -> None:
    world = sandbox.world
    message = await ada.start_poll("Tea?", "Yes")
    with pytest.raises(Impossible, match="wisp is a bot: bots do not vote"):
        world.polls.vote(message, world.bot, [1])
    world.channels.set_overwrite(ada.channel, bob.user, deny=int(Permission.VIEW_CHANNEL))
    with pytest.raises(Impossible, match="bob does not see this message"):
        await bob.vote(message, "Yes")
    assert message.poll is not None
    assert message.poll.count == {}


async def test_a_poll_is_ended_by_its_author_alone_and_never_edited(ada: Person, bob: Person) -> None:
    message = await ada.start_poll("Tea?", "Yes")
    with pytest.raises(Impossible, match="bob can end their own polls, not ada's"):
        await bob.end_poll(message)
    with pytest.raises(Impossible, match="a message with a poll cannot be edited"):
        await ada.edit(message, "x")
    with pytest.raises(Impossible, match="a message with a poll cannot be forwarded"):
        await bob.forward(message, "general")


@pytest.mark.parametrize(
    ("question", "answers", "hours", "why"),
    [
        ("", ["Yes"], 1, "a question has 1 to 300 characters, not 0"),
        ("x" * 301, ["Yes"], 1, "a question has 1 to 300 characters, not 301"),
        ("Tea?", [], 1, "a poll has 1 to 10 answers, not 0"),
        ("Tea?", ["x"] * 11, 1, "a poll has 1 to 10 answers, not 11"),
        ("Tea?", ["x" * 56], 1, "an answer has 1 to 55 characters, not 56"),
        ("Tea?", ["Yes"], 0, "a poll has 1 to 768 hours, not 0"),
        ("Tea?", ["Yes"], 769, "a poll has 1 to 768 hours, not 769"),
    ],
)
async def test_a_poll_that_a_client_does_not_send_is_refused(
    ada: Person, question: str, answers: list[str], hours: int, why: str
) -> None:
    with pytest.raises(Impossible, match=why):
        await ada.start_poll(question, *answers, hours=hours)
    assert ada.messages == []


async def test_votes_are_heard_with_their_intent_and_polls_seen_with_that_for_content(
    sandbox: Sandbox, ada: Person
) -> None:
    events: list[Event] = []
    sandbox.world.events.subscribe(events.append)
    message = await ada.start_poll("Tea?", "Yes")
    created = events[-1]
    assert "poll" not in as_seen(sandbox.world, 1 << 9, created)
    assert as_seen(sandbox.world, 1 << 9 | 1 << 15, created)["poll"]["question"] == {"text": "Tea?"}
    await ada.vote(message, "Yes")
    assert hears(sandbox.world, 1 << 24, events[-1])
    assert not hears(sandbox.world, ~(1 << 24), events[-1])
    assert events[-1].data == {
        "user_id": str(ada.id),
        "channel_id": str(ada.channel.id),
        "message_id": str(message.id),
        "guild_id": str(ada.guild and ada.guild.id),
        "answer_id": 1,
    }


async def test_a_poll_is_shown_with_its_votes_in_the_terminal(sandbox: Sandbox, ada: Person) -> None:
    message = await ada.start_poll("Tea?", "Yes", "No", text="Well:")
    await ada.vote(message, "No")
    assert message_lines(message, sandbox.world) == ["Well:", "  | Tea?", "  | 1. Yes: 0", "  | 2. No: 1"]
    await ada.end_poll(message)
    assert message_lines(message, sandbox.world)[1] == "  | Tea? (ended)"


async def test_discord_py_reads_a_poll_and_its_result(ada: Person) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
        import discord

    class Posted:
        """What a poll of discord.py reads of its message."""

        created_at = datetime.datetime.now(datetime.UTC)
        id = 1
        _state = None

    message: Message = await ada.start_poll("Tea?", "Yes", "No", hours=3)
    await ada.vote(message, "No")
    data = message.payload()["poll"]
    poll: Any = discord.Poll._from_data(data=data, message=Posted(), state=None)  # pyright: ignore
    assert (poll.question, poll.duration, [answer.vote_count for answer in poll.answers]) == (
        "Tea?",
        datetime.timedelta(hours=3),
        [0, 1],
    )
