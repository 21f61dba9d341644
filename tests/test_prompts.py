"""Questions and pages: for one person, for a while, in one call to Discord for each click."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import hikari
import pytest

import wisp
from wisp.testing import Discord, Impossible, Person, Reply, connect


def buttons(reply: Reply) -> dict[str, bool]:
    """Of each button, whether it can be pressed."""
    rows = [row["components"] for row in reply.components]
    return {button["label"]: not button["disabled"] for row in rows for button in row}


def asking_bot(answers: list[Any], **settings: Any) -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> str:
        """Ask."""
        answers.append(await ctx.confirm("Sure?", **settings))
        return f"It was {answers[-1]}."

    return bot


async def asked(discord: Discord, person: Person) -> Reply:
    reply = await person.slash("ask")
    assert reply.content == "Sure?"
    return reply


@pytest.mark.parametrize(("button", "answer"), [("Yes", True), ("No", False)])
async def test_a_question_waits_for_the_one_who_was_asked(button: str, answer: bool) -> None:
    answers: list[Any] = []
    async with connect(asking_bot(answers)) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await asked(discord, ada)
        refused = await bob.click(reply, button)
        assert (refused.content, refused.ephemeral) == (f"Only {ada.mention} can use this.", True)
        assert answers == []
        await ada.click(reply, button)
        assert answers == [answer]
        assert buttons(reply) == {"Yes": False, "No": False}
        assert [followup.content for followup in reply.followups] == [f"It was {answer}."]


async def test_a_question_expires_and_shows_it() -> None:
    answers: list[Any] = []
    async with connect(asking_bot(answers, timeout=30.0)) as discord:
        ada = discord.member("ada")
        reply = await asked(discord, ada)
        await discord.advance(seconds=29)
        assert answers == []
        await discord.advance(seconds=2)
        assert answers == [None]
        assert buttons(reply) == {"Yes": False, "No": False}


async def test_a_second_press_within_the_same_moment_is_told_that_it_is_over() -> None:
    answers: list[Any] = []
    async with connect(asking_bot(answers)) as discord:
        ada = discord.member("ada")
        reply = await asked(discord, ada)
        first, second = await asyncio.gather(ada.click(reply, "Yes"), ada.click(reply, "No"))
        await discord.rest()
        assert answers == [True]
        assert first.message is reply.message
        assert second.content.startswith("This has ended.")


async def test_the_message_of_an_answered_question_stays_as_the_handler_leaves_it() -> None:
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Ask."""
        await ctx.confirm("Sure?")
        await ctx.edit("Done.", components=[])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await asked(discord, ada)
        await ada.click(reply, "Yes")
        await discord.advance(minutes=14)
        assert (reply.content, buttons(reply)) == ("Done.", {})
        assert not bot.runtime.prompts.open


async def test_a_question_from_before_a_restart_answers_politely() -> None:
    bot = asking_bot([])
    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await asked(discord, ada)
        bot.runtime.prompts.stop()
        late = await ada.click(reply, "Yes")
        assert late.content.startswith("This has ended.")


@pytest.mark.parametrize("timeout", [0, -1, 841, float("nan")])
async def test_a_question_can_wait_as_long_as_its_message_can_be_changed(timeout: float) -> None:
    async with connect(asking_bot([], timeout=timeout)) as discord:
        with discord.expects(ValueError):
            await discord.member("ada").slash("ask")


async def test_a_question_in_an_answer_to_a_click_and_a_private_one_work_alike() -> None:
    bot = wisp.Bot()
    answers: list[Any] = []

    @bot.component("ask")
    async def ask(ctx: wisp.ComponentContext) -> None:
        answers.append(await ctx.confirm("Sure?", yes="Do it", no="Leave it", ephemeral=True))

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond("x", components=[wisp.row(ask.bind().button("Ask"))])

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        question = await ada.click(await ada.slash("show"), "Ask")
        assert question.ephemeral
        with pytest.raises(Impossible, match="bob does not see this message"):
            await bob.click(question, "Do it")
        await ada.click(question, "Do it")
    assert answers == [True]


async def test_a_bot_that_closes_waits_for_no_answer_and_says_so() -> None:
    answers: list[Any] = []
    bot = asking_bot(answers)
    async with connect(bot) as discord:
        bot.runtime.shutdown_timeout = 1000.0
        reply = await asked(discord, discord.member("ada"))
        await bot.close()
        assert [followup.content for followup in reply.followups] == [
            "The bot is restarting. Please try again in a moment."
        ]
    assert answers == []


# ---- pages ----


def pages_bot(pages: Sequence[hikari.Embed], **settings: Any) -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def show(ctx: wisp.Context, slow: bool = False) -> None:
        """Show."""
        if slow:
            await ctx.defer()
        await wisp.paginate_embeds(ctx, pages, **settings)

    return bot


THREE = [hikari.Embed(title=f"Page {number}") for number in (1, 2, 3)]


@pytest.mark.parametrize(("private", "slow"), [(False, False), (True, False), (False, True)])
async def test_pages_are_turned_by_one_call_each_and_stop_at_the_ends(private: bool, slow: bool) -> None:
    async with connect(pages_bot(THREE, ephemeral=private)) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show", slow=slow)
        assert reply.ephemeral == private
        assert reply.embeds[0].title == "Page 1"
        assert buttons(reply) == {"Previous": False, "1/3": False, "Next": True}
        click = await ada.click(reply, "Next")
        assert reply.embeds[0].title == "Page 2"
        assert click.interaction.events == ["update"]
        await ada.click(reply, "Next")
        assert buttons(reply) == {"Previous": True, "3/3": False, "Next": False}
        with pytest.raises(Impossible, match="'Next' is disabled"):
            await ada.click(reply, "Next")
        await ada.click(reply, "Previous")
        assert reply.embeds[0].title == "Page 2"


async def test_only_who_asked_turns_pages_and_a_double_click_turns_one() -> None:
    async with connect(pages_bot(THREE)) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("show")
        assert (await bob.click(reply, "Next")).content == f"Only {ada.mention} can use this."
        await asyncio.gather(ada.click(reply, "Next"), ada.click(reply, "Next"))
        assert reply.embeds[0].title == "Page 2"


async def test_buttons_are_off_after_a_while_without_a_click() -> None:
    bot = pages_bot(THREE, timeout=60.0)
    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        for _ in range(20):  # longer than the first interaction can be answered
            await discord.advance(seconds=50)
            await ada.click(reply, "Next" if buttons(reply)["Next"] else "Previous")
        await discord.advance(seconds=61)
        assert not any(buttons(reply).values())
        assert len(reply.embeds) == 1
        assert not bot.runtime.prompts.open


async def test_one_page_has_no_buttons_and_none_is_said_kindly() -> None:
    async with connect(pages_bot(THREE[:1])) as discord:
        reply = await discord.member("ada").slash("show")
        assert (reply.embeds[0].title, reply.components) == ("Page 1", [])
    async with connect(pages_bot([])) as discord:
        assert (await discord.member("ada").slash("show")).content == "There is nothing to show."


async def test_pages_are_made_when_they_are_shown_and_a_failing_one_leaves_the_last() -> None:
    bot = wisp.Bot()
    made: list[int] = []

    async def page(number: int) -> str:
        made.append(number)
        if number == 2:
            raise ValueError
        return f"Text {number}"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await wisp.paginate(ctx, page, 1000)

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        await ada.click(reply, "Next")
        assert (reply.content, made) == ("Text 1", [0, 1])
        with discord.expects(ValueError):
            failed = await ada.click(reply, "Next")
        assert "Something went wrong" in failed.content
        assert reply.content == "Text 1"
        await ada.click(reply, "Previous")
        assert reply.content == "Text 0"


async def test_what_a_page_function_raises_after_a_click_is_an_error_of_the_command(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = wisp.Bot()
    asked: list[str] = []

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await wisp.paginate(ctx, lambda number: raises(number) if number else "Page 0", 2)

    @show.on_error
    async def note(ctx: Any, error: Exception) -> bool:
        asked.append(f"{type(ctx).__name__}: {error!r}")
        return False

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        with discord.expects(LookupError):
            await ada.click(reply, "Next")
    assert [text.split(":")[0] for text in asked] == ["ComponentContext"]
    assert "in /show" in caplog.records[-1].getMessage()


class Card(hikari.Embed):
    """An embed of a kind of its own."""


@pytest.mark.parametrize("first", ["answer", "deferral", "follow-up", "click"])
async def test_a_page_leaves_nothing_of_the_one_before_it(first: str) -> None:
    pages = [
        "Only text",
        hikari.Embed(title="Only embed"),
        Card(title="Image").set_image(hikari.Bytes(b"x", "a.png")),
        Card(title="Another").set_image(hikari.Bytes(b"y", "b.png")),
        "Text again",
    ]
    bot = wisp.Bot()

    @bot.component("open")
    async def open_it(ctx: wisp.ComponentContext) -> None:
        await wisp.paginate(ctx, pages.__getitem__, len(pages))

    @bot.command
    async def book(ctx: wisp.Context) -> None:
        """Read."""
        if first == "click":
            await ctx.respond("x", components=[wisp.row(open_it.bind().button("Open"))])
            return
        if first == "deferral":
            await ctx.defer()
        if first == "follow-up":
            await ctx.respond("x")
        await wisp.paginate(ctx, pages.__getitem__, len(pages))

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply: Any = await ada.slash("book")
        if first == "click":
            reply = await ada.click(reply, "Open")
        if first == "follow-up":
            [reply] = reply.followups

        def shown() -> tuple[str, list[str | None], list[str]]:
            message = reply.message if isinstance(reply, Reply) else reply
            assert message
            titles = [embed["title"] for embed in message.embeds]
            return message.content, titles, [file.filename for file in message.attachments]

        expected: list[Any] = [
            ("Only text", [], []),
            ("", ["Only embed"], []),
            ("", ["Image"], ["a.png"]),
            ("", ["Another"], ["b.png"]),
            ("Text again", [], []),
        ]
        for page in expected[:-1]:
            assert shown() == page
            await ada.click(reply, "Next")
        for page in reversed(expected[1:]):
            assert shown() == page
            await ada.click(reply, "Previous")
        assert shown() == expected[0]


def raises(number: int) -> str:
    raise LookupError(str(number))


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda _: None, wisp.AnswerError, r"tests.test_prompts\.py:\d+: page {} \(.*\) is `NoneType`\. Return a str"),
        (lambda _: 5, wisp.AnswerError, r"page {} \(.*\) is `int`"),
        (lambda _: ["a"], wisp.AnswerError, r"page {} \(.*\) is `list`"),
        (lambda _: " \n", wisp.AnswerError, r"page {} \(.*\) is a blank str"),
        (lambda _: "x" * 2001, wisp.AnswerError, "Must be 2000 or fewer in length"),
        (lambda _: hikari.Embed(), wisp.AnswerError, "Give the embed a title"),
        (raises, LookupError, "{}"),
    ],
)
async def test_a_page_that_is_none_is_a_clear_error_first_and_later_and_is_answered(
    wrong: Any, error: type[Exception], words: str
) -> None:
    bot = wisp.Bot()
    told: list[Exception] = []

    @bot.on_error
    async def tell(ctx: Any, error: Exception) -> bool:
        told.append(error)
        return False

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        for count in (1, 2):
            with pytest.raises(error, match=words.format(0)):
                await wisp.paginate(ctx, wrong, count)
        await wisp.paginate(ctx, lambda number: wrong(number) if number else "Page 0", 2)

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        assert len(bot.runtime.prompts.open) == 1
        with discord.expects(error):
            failed = await ada.click(reply, "Next")
        assert (failed.content.split(".")[0], failed.ephemeral) == ("Something went wrong", True)
        assert (reply.content, buttons(reply)["Next"]) == ("Page 0", True)
    [last] = told
    assert re.search(words.format(1), str(last))


async def test_pages_that_somebody_deleted_end_without_a_word() -> None:
    async with connect(pages_bot(THREE, timeout=60.0)) as discord:
        reply = await discord.member("ada").slash("show")
        assert reply.message
        discord.world.messages.delete(reply.message)
        await discord.advance(seconds=61)
