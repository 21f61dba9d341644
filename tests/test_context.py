"""Answers: whatever a handler does, somebody gets an answer, as Discord would have it."""

import asyncio
import logging
import re
from typing import Any

import hikari
import pytest

import wisp
from wisp.context import runtime_of
from wisp.testing import connect


def bot_with(function: Any, **settings: Any) -> wisp.Bot:
    bot = wisp.Bot()
    bot.command(name="go", description="Go", **settings)(function)
    return bot


async def test_what_a_command_returns_is_its_reply() -> None:
    async def go(ctx: wisp.Context) -> str:
        return "gone"

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert (reply.content, reply.ephemeral, reply.deferred, reply.followups) == ("gone", False, False, [])


async def test_a_returned_embed_is_the_reply() -> None:
    async def go(ctx: wisp.Context) -> hikari.Embed:
        return hikari.Embed(title="Gone", description="far")

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert [(embed.title, embed.description) for embed in reply.embeds] == [("Gone", "far")]


async def test_anything_else_returned_fails_with_what_was_expected_and_the_place() -> None:
    async def go(ctx: wisp.Context) -> Any:
        return 3

    async with connect(bot_with(go)) as discord:
        with discord.expects(wisp.AnswerError):
            reply = await discord.member("ada").slash("go")
    assert reply.content.startswith("Something went wrong.")
    assert reply.ephemeral


async def test_later_answers_are_follow_ups_and_each_can_be_changed_and_taken_away() -> None:
    async def go(ctx: wisp.Context) -> None:
        first = await ctx.respond("one")
        second = await ctx.respond("two", ephemeral=True)
        third = await ctx.respond("three")
        await first.edit("uno")
        await second.edit("dos")
        await third.delete()
        assert (await first.message()).content == "uno"
        assert (await second.message()).content == "dos"

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert (reply.content, reply.edits) == ("uno", ["one"])
    assert [(f.content, f.ephemeral, f.deleted) for f in reply.followups] == [
        ("dos", True, False),
        ("three", False, True),
    ]


async def test_edit_and_delete_concern_the_first_answer() -> None:
    async def go(ctx: wisp.Context) -> None:
        with pytest.raises(wisp.AnswerError, match="no answer to edit"):
            await ctx.edit("early")
        with pytest.raises(wisp.AnswerError, match="no answer to delete"):
            await ctx.delete()
        await ctx.respond("one", embed=hikari.Embed(title="e"))
        await ctx.respond("two")
        await ctx.edit("ONE", embed=None)
        await ctx.delete()

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert (reply.deleted, reply.edits, reply.embeds) == (True, ["one"], [])
    assert [followup.content for followup in reply.followups] == ["two"]


async def test_files_arrive_with_the_first_answer_the_follow_up_and_the_edit() -> None:
    async def go(ctx: wisp.Context) -> None:
        await ctx.respond("first", attachment=hikari.Bytes(b"1", "one.txt"))
        answer = await ctx.respond(hikari.Bytes(b"2", "two.txt"))
        await answer.edit("second", attachments=[hikari.Bytes(b"3", "three.txt")])

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert [(file.filename, file.content) for file in reply.attachments] == [("one.txt", b"1")]
    assert [(file.filename, file.content) for file in reply.followups[0].attachments] == [("three.txt", b"3")]


@pytest.mark.parametrize("ephemeral", [True, False])
async def test_a_late_handler_is_deferred_in_time_as_privately_as_its_command(ephemeral: bool) -> None:
    async def go(ctx: wisp.Context) -> str:
        await asyncio.sleep(60)
        return "at last"

    async with connect(bot_with(go, ephemeral=ephemeral)) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("go"))
        await asyncio.sleep(0)
        await discord.advance(seconds=2.5)
        (interaction,) = discord.world.interactions.values()
        assert interaction.deferred
        await discord.advance(seconds=60)
        reply = await asking
    assert (reply.content, reply.deferred, reply.ephemeral) == ("at last", True, ephemeral)
    assert reply.followups == []


@pytest.mark.parametrize("deferred_privately", [True, False])
async def test_an_answer_of_other_privacy_than_the_deferral_takes_it_away_and_follows_up(
    deferred_privately: bool,
) -> None:
    async def go(ctx: wisp.Context) -> None:
        await ctx.defer(ephemeral=deferred_privately)
        await ctx.respond("answer", ephemeral=not deferred_privately)
        await ctx.edit("changed")

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert reply.deleted
    (followup,) = reply.followups
    assert (followup.content, followup.ephemeral, followup.edits) == ("changed", not deferred_privately, ["answer"])


async def test_a_deferral_is_filled_by_respond_and_by_edit_alike_and_a_second_does_nothing() -> None:
    async def go(ctx: wisp.Context, by_edit: bool) -> None:
        await ctx.defer(ephemeral=True)
        await ctx.defer(ephemeral=False)
        await (ctx.edit("filled") if by_edit else ctx.respond("filled", ephemeral=True))

    async with connect(bot_with(go)) as discord:
        for by_edit in (True, False):
            reply = await discord.member("ada").slash("go", by_edit=by_edit)
            assert (reply.content, reply.ephemeral, reply.followups) == ("filled", True, [])


async def test_a_handler_that_says_nothing_gets_an_answer_that_nobody_sees() -> None:
    async def go(ctx: wisp.Context) -> None: ...

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
        (interaction,) = discord.world.interactions.values()
    assert (interaction.answered, reply.ephemeral, reply.deleted, reply.failed) == (True, True, True, None)


async def test_a_deferral_that_nothing_follows_is_taken_away() -> None:
    async def go(ctx: wisp.Context) -> None:
        await ctx.defer()

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert (reply.deferred, reply.deleted) == (True, True)


async def test_answers_sent_at_once_are_one_response_and_follow_ups() -> None:
    async def go(ctx: wisp.Context) -> None:
        await asyncio.gather(*(ctx.respond(str(number)) for number in range(4)))

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert sorted([reply.content, *(followup.content for followup in reply.followups)]) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"content": "x" * 2001}, "content: "),
        ({"content": ""}, "empty"),
        ({}, "empty"),
        ({"embed": hikari.Embed(title="x" * 257)}, "embeds.0.title: "),
        ({"embeds": [hikari.Embed(description="x" * 4000), hikari.Embed(description="x" * 2001)]}, "6000"),
    ],
)
async def test_what_discord_would_refuse_is_refused_before_it_is_sent(fields: dict[str, Any], told: str) -> None:
    errors: list[str] = []

    async def go(ctx: wisp.Context) -> str:
        with pytest.raises(wisp.AnswerError) as caught:
            await ctx.respond(**fields)
        errors.append(str(caught.value))
        return "refused"

    async with connect(bot_with(go)) as discord:
        assert (await discord.member("ada").slash("go")).content == "refused"
    assert told in errors[0]


async def test_exactly_2000_characters_are_sent_whole() -> None:
    async def go(ctx: wisp.Context) -> str:
        return "ß" * 2000

    async with connect(bot_with(go)) as discord:
        assert (await discord.member("ada").slash("go")).content == "ß" * 2000


async def test_an_answer_that_comes_too_late_says_so() -> None:
    errors: list[str] = []

    async def go(ctx: wisp.Context) -> None:
        runtime_of(ctx).clock.offset += 4  # as if the event loop had been blocked
        with pytest.raises(wisp.AnswerError) as caught:
            await ctx.respond("late")
        errors.append(str(caught.value))

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert reply.failed == "The application did not respond"
    assert "more than 3 s after" in errors[0]


async def test_after_a_raw_answer_ours_are_follow_ups() -> None:
    async def go(ctx: wisp.Context) -> str:
        await ctx.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "raw")
        return "ours"

    async with connect(bot_with(go)) as discord:
        reply = await discord.member("ada").slash("go")
    assert reply.content == "raw"
    assert [followup.content for followup in reply.followups] == ["ours"]


async def test_a_raw_deferral_is_filled_and_a_raw_answer_alone_is_one() -> None:
    async def go(ctx: wisp.Context, fill: bool) -> str | None:
        await ctx.interaction.create_initial_response(
            hikari.ResponseType.DEFERRED_MESSAGE_CREATE if fill else hikari.ResponseType.MESSAGE_CREATE,
            **({} if fill else {"content": "raw"}),
        )
        return "filled" if fill else None

    async with connect(bot_with(go)) as discord:
        ada = discord.member("ada")
        filled, raw = await ada.slash("go", fill=True), await ada.slash("go", fill=False)
    assert (filled.content, filled.followups) == ("filled", [])
    assert (raw.content, raw.deleted, raw.followups) == ("raw", False, [])


async def test_a_deferral_can_be_taken_away_and_edits_at_once_fill_it_once() -> None:
    async def go(ctx: wisp.Context, at_once: bool) -> None:
        await ctx.defer()
        if at_once:
            await asyncio.gather(*(ctx.edit(f"{number}") for number in range(3)))
        else:
            await ctx.delete()
            await ctx.respond("after")

    async with connect(bot_with(go)) as discord:
        ada = discord.member("ada")
        edited, deleted = await ada.slash("go", at_once=True), await ada.slash("go", at_once=False)
    assert (edited.content, edited.edits[-1:], edited.followups) == ("2", ["1"], [])
    assert deleted.deleted
    assert [followup.content for followup in deleted.followups] == ["after"]


async def test_what_an_edit_cannot_do_is_said() -> None:
    async def go(ctx: wisp.Context) -> None:
        answer = await ctx.respond("a")
        with pytest.raises(wisp.AnswerError, match="cannot be made ephemeral"):
            await ctx.edit("secret", flags=hikari.MessageFlag.EPHEMERAL)
        await answer.delete()
        with pytest.raises(wisp.AnswerError, match="was deleted"):
            await ctx.edit("gone")

    async with connect(bot_with(go)) as discord:
        await discord.member("ada").slash("go")


@pytest.mark.parametrize(
    ("answer", "place", "fix"),
    [
        (lambda ctx: ctx.respond("a\ud800"), r"content: Half of a surrogate pair .* \(got '\\ud800'\)", "Change it"),
        (lambda ctx: ctx.edit("\ud800"), "content: Half of a surrogate pair", "Change it"),
        (lambda ctx: ctx.respond("a", embed=hikari.Embed(title="\udfff")), "embeds.0.title: Half", "Change it"),
        (lambda ctx: ctx.form(Topic, title="\ud800"), "title: Half of a surrogate pair", "Change it"),
        (lambda ctx: ctx.confirm("\ud800"), "content: Half of a surrogate pair", "Change it"),
        (lambda ctx: ctx.respond(hikari.Bytes(b"x", "a\nb.txt")), r"filename: .* \(got 'a\\nb.txt'\)", "another name"),
        (lambda ctx: ctx.respond(hikari.Bytes(b"x", "\ud800")), "filename: Half of a surrogate pair", "another name"),
        (lambda ctx: ctx.respond(hikari.Bytes(b"x", "")), "filename: Must be between 1 and 1024", "Fill it in"),
    ],
)
async def test_a_text_that_cannot_be_sent_is_an_answer_error_with_its_place(answer: Any, place: str, fix: str) -> None:
    async def go(ctx: wisp.Context) -> str:
        with pytest.raises(wisp.AnswerError, match=f"Discord would refuse this answer: .*{place}.*{fix}"):
            await answer(ctx)
        return "done"

    async with connect(bot_with(go)) as discord:
        assert (await discord.member("ada").slash("go")).content == "done"


class Topic(wisp.Form):
    text: str


async def test_an_answer_after_15_minutes_is_logged_in_one_line_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = wisp.Bot()

    @bot.command
    async def returns(ctx: wisp.Context) -> str:
        await ctx.respond("first")
        await asyncio.sleep(1000)
        return "late"

    @bot.command
    async def responds(ctx: wisp.Context) -> None:
        await ctx.respond("first")
        await asyncio.sleep(1000)
        await ctx.respond("late")

    async with connect(bot) as discord:
        ada = discord.member("ada")
        for name in ("returns", "responds"):
            await ada.slash(name)
        with discord.expects(wisp.AnswerError):
            await discord.advance(minutes=20)
    told = [(record.getMessage(), record.exc_info) for record in caplog.records if record.levelno >= logging.ERROR]
    returned, responded = returns.line, (responds.line or 0) + 4
    over = "This interaction is over: it can be answered, and its answers changed, for 15 minutes after it came."
    assert sorted(re.sub(r"^error \w+ in ", "", line) for line, _ in told) == [
        f"/responds (tests/test_context.py:{responded}, in responds): {over}",
        f"/returns (tests/test_context.py:{returned}): {over}",
    ]
    assert not any(exc_info for _, exc_info in told)


async def test_a_closing_bot_says_nothing_to_an_interaction_that_is_over(caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot()

    @bot.command
    async def forever(ctx: wisp.Context) -> None:
        await ctx.respond("first")
        await asyncio.Event().wait()

    async with connect(bot) as discord:
        await discord.member("ada").slash("forever")
        await discord.advance(minutes=20)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith("cancelled: /forever (tests/test_context.py:")


async def test_after_15_minutes_an_answer_says_that_it_is_over() -> None:
    told: list[str] = []

    async def go(ctx: wisp.Context) -> None:
        await ctx.respond("early")
        await asyncio.sleep(15 * 60 + 1)
        with pytest.raises(wisp.AnswerError) as caught:
            await ctx.respond("late")
        told.append(str(caught.value))

    async with connect(bot_with(go)) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("go"))
        await asyncio.sleep(0)
        await discord.advance(minutes=16)
        await asking
    assert "for 15 minutes" in told[0]


async def test_a_call_that_was_late_when_it_came_is_deferred_the_sooner() -> None:
    async def go(ctx: wisp.Context) -> str:
        await asyncio.sleep(1.5)
        return "in time"

    bot = bot_with(go)
    async with connect(bot) as discord:
        ada = discord.member("ada")
        made = discord.world.interactions.create(
            2,
            ada.user,
            ada.channel,
            {"id": str(discord.world.commands.visible(None)[0]["id"]), "name": "go", "type": 1},
        )
        discord.world.clock.offset += 1.9  # it waited before the bot saw it
        await discord.advance(seconds=0.5)
        assert made.deferred
        await discord.advance(seconds=2)
    assert made.original is not None
    assert made.original.content == "in time"


async def test_a_deferral_that_cannot_be_taken_away_is_filled_instead() -> None:
    async def go(ctx: wisp.Context) -> None:
        await ctx.defer()

    async with connect(bot_with(go)) as discord:
        discord.sandbox.fail("DELETE", r"@original$", 403, body={"message": "Missing Access", "code": 50001})
        reply = await discord.member("ada").slash("go")
    assert reply.content == "Done."


async def test_a_modal_opens_as_the_first_answer_and_is_a_clear_error_after_a_deferral() -> None:
    def rows() -> list[hikari.api.ComponentBuilder]:
        row = hikari.impl.ModalActionRowBuilder()
        row.add_text_input("subject", "Subject")
        return [row]

    async def go(ctx: wisp.Context, first: bool) -> None:
        if not first:
            await ctx.defer()
            with pytest.raises(wisp.AnswerError, match="must be the first answer, and a deferral was sent already"):
                await ctx.respond_with_modal("Feedback", "feedback:1", components=rows())
        else:
            with pytest.raises(wisp.AnswerError, match="title"):
                await ctx.respond_with_modal("x" * 46, "feedback:1", components=rows())
            await ctx.respond_with_modal("Feedback", "feedback:1", components=rows())

    async with connect(bot_with(go)) as discord:
        ada = discord.member("ada")
        opened = await ada.slash("go", first=True)
        assert opened.modal is not None
        assert (opened.modal["title"], opened.modal["custom_id"]) == ("Feedback", "feedback:1")
        assert (await ada.slash("go", first=False)).deleted


async def test_nobody_is_pinged_unless_the_answer_says_so() -> None:
    async def go(ctx: wisp.Context, ping: bool) -> None:
        if ping:
            await ctx.respond(f"{ctx.user.mention}", user_mentions=True)
        else:
            await ctx.respond(f"{ctx.user.mention} @everyone")

    async with connect(bot_with(go)) as discord:
        ada = discord.member("ada")
        quiet, loud = await ada.slash("go", ping=False), await ada.slash("go", ping=True)
        pinged = [
            [user["username"] for user in reply.message.payload()["mentions"]]
            for reply in (quiet, loud)
            if reply.message
        ]
    assert pinged[1] == ["ada"]
    assert quiet.message is not None
    assert not quiet.message.payload()["mention_everyone"]


async def test_the_context_tells_who_and_where() -> None:
    seen: list[Any] = []

    async def go(ctx: wisp.Context) -> None:
        assert ctx.member is not None
        seen.extend(
            [ctx.user.username, ctx.member.username, ctx.guild_id, ctx.channel_id, ctx.bot is bot, ctx.log.name]
        )

    bot = bot_with(go)
    async with connect(bot) as discord:
        await discord.member("ada").slash("go")
        general = discord.channel("general")
    assert general.guild is not None
    assert seen == ["ada", "ada", general.guild.id, general.id, True, "wisp.bot"]


async def test_a_command_that_stays_private_answers_privately_unless_told() -> None:
    async def go(ctx: wisp.Context) -> None:
        await ctx.respond("mine")
        await ctx.respond("everybody's", ephemeral=False)

    async with connect(bot_with(go, ephemeral=True)) as discord:
        reply = await discord.member("ada").slash("go")
    assert reply.ephemeral
    assert not reply.followups[0].ephemeral
