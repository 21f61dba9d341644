"""Embeds of one look, and answers that say how something went."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.limits import ATTACHMENT_SIZE, message_violations
from wisp.testing import connect

KINDS: list[Callable[..., hikari.Embed]] = [
    wisp.EmbedBuilder.success,
    wisp.EmbedBuilder.error,
    wisp.EmbedBuilder.info,
    wisp.EmbedBuilder.warning,
]


@given(
    kind=st.sampled_from(KINDS),
    title=st.none() | st.text(max_size=300),
    description=st.none() | st.text(min_size=1).filter(str.strip).map(lambda text: text * 2000),
)
def test_no_embed_is_ever_too_long_for_discord(
    kind: Callable[..., hikari.Embed], title: str | None, description: str | None
) -> None:
    embed = kind(title=title, description=description)
    payload = {"embeds": [{"title": embed.title or "", "description": embed.description or "x"}]}
    assert message_violations(payload) == []


def test_what_fits_is_kept_and_what_does_not_is_cut_visibly() -> None:
    embed = wisp.EmbedBuilder.error("t" * 256, "d" * 4096)
    assert (embed.title, embed.description) == ("t" * 256, "d" * 4096)
    embed = wisp.EmbedBuilder.error("t" * 257, "d" * 4097)
    assert (embed.title, embed.description) == ("t" * 255 + "…", "d" * 4095 + "…")


async def test_embeds_carry_the_branding_of_the_bot_that_makes_them() -> None:
    bot = wisp.Bot(embed_color="#123456", embed_footer="My bot")

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond(embeds=[wisp.EmbedBuilder.info(title="i"), wisp.EmbedBuilder.success(title="s")])

    @bot.listen
    async def heard(event: hikari.GuildMessageCreateEvent) -> None:
        if event.is_human:
            await event.message.respond(wisp.EmbedBuilder.info(title="heard"))

    async with connect(bot) as discord:
        ada = discord.member("ada")
        info, success = (await ada.slash("show")).embeds
        assert (info.color, info.footer, success.footer) == (0x123456, "My bot", "My bot")
        assert success.color != info.color
        await ada.say("hello")
        assert discord.messages()[-1].embeds[0]["color"] == 0x123456
    assert wisp.EmbedBuilder.info(title="i").footer is None


async def test_a_long_footer_leaves_room_for_itself() -> None:
    bot = wisp.Bot(embed_footer="f" * 2048)

    @bot.command
    async def show(ctx: wisp.Context) -> hikari.Embed:
        """Show."""
        return wisp.EmbedBuilder.info("t" * 300, "d" * 5000)

    async with connect(bot) as discord:
        (embed,) = (await discord.member("ada").slash("show")).embeds
    assert len((embed.title or "") + (embed.description or "") + (embed.footer or "")) == 6000


@pytest.mark.parametrize(
    ("respond", "private"),
    [
        (wisp.respond_success, False),
        (wisp.respond_error, True),
        (wisp.respond_info, False),
        (wisp.respond_warning, False),
    ],
)
async def test_an_answer_says_how_it_went(respond: Any, private: bool) -> None:
    bot = wisp.Bot()

    @bot.command
    async def go(ctx: wisp.Context) -> None:
        """Go."""
        await respond(ctx, "It is done.")
        await respond(ctx, "Look:", embed=hikari.Embed(title="Mine"), ephemeral=not private)
        with pytest.raises(wisp.AnswerError, match="The reply is empty"):
            await respond(ctx)

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("go")
    assert (reply.content, reply.embeds[0].description, reply.ephemeral) == ("", "It is done.", private)
    (followup,) = reply.followups
    assert (followup.content, followup.embeds[0].title, followup.ephemeral) == ("Look:", "Mine", not private)


@pytest.mark.parametrize("color", ["blue", "#12345", -1, 0x1000000, 1.5, True])
def test_a_colour_that_is_none_is_a_problem(color: Any) -> None:
    with pytest.raises(wisp.errors.CheckError, match="expected a colour"):
        wisp.Bot(embed_color=color).settings()


async def test_an_embed_that_shows_nothing_is_refused_on_every_path() -> None:
    bot = wisp.Bot()
    nothing, colour = hikari.Embed(), hikari.Embed(color=0xFF0000)
    words = "Give the embed a title, a description"
    ways: list[Callable[[Any], Any]] = [
        lambda ctx: ctx.respond(nothing),
        lambda ctx: ctx.respond("text", embeds=[hikari.Embed(title="t"), colour]),
        lambda ctx: ctx.respond(embed=wisp.EmbedBuilder.info("", " ")),
        lambda ctx: ctx.edit(embed=colour),
        lambda ctx: wisp.respond_success(ctx, " "),
        lambda ctx: wisp.respond_error(ctx, "text", embed=colour),
        lambda ctx: ctx.confirm("Sure?", embed=colour),
        lambda ctx: wisp.paginate_embeds(ctx, [colour]),
        lambda ctx: wisp.paginate_embeds(ctx, [colour, nothing]),
    ]

    @bot.command
    async def show(ctx: wisp.Context) -> hikari.Embed:
        """Show."""
        for _ in ("as the first answer", "as a follow-up"):
            for way in ways:
                with pytest.raises(wisp.AnswerError, match=words):
                    await way(ctx)
            for embed in (nothing, colour):
                with pytest.raises(hikari.BadRequestError, match="This field is required"):
                    await ctx.bot.gateway.rest.create_message(ctx.channel_id, embed=embed)
            await ctx.respond("shown")
        with pytest.raises(wisp.AnswerError, match="Cannot send an empty message"):
            await ctx.edit("")
        return colour

    async with connect(bot) as discord:
        with discord.expects(wisp.AnswerError):
            reply = await discord.member("ada").slash("show")
        assert [reply.content, *(followup.content[:20] for followup in reply.followups)] == [
            "shown",
            "shown",
            "Something went wrong",
        ]


async def test_a_file_that_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    bot = wisp.Bot()
    too_many = ATTACHMENT_SIZE + 1
    large, empty = tmp_path / "large.bin", tmp_path / "empty.txt"
    with large.open("wb") as file:
        file.truncate(too_many)  # takes no space
    empty.touch()
    known = f"The file {{}} has more than the {ATTACHMENT_SIZE:,} bytes that Discord accepts here. Send a smaller file"
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"attachment": hikari.Bytes(bytes(too_many), "a.bin")}, wisp.AnswerError, known.format("a.bin")),
        ({"attachments": [hikari.File(large)]}, wisp.AnswerError, known.format("large.bin")),
        ({"content": hikari.File(large)}, wisp.AnswerError, known.format("large.bin")),
        ({"embed": hikari.Embed().set_image(hikari.File(large))}, wisp.AnswerError, known.format("large.bin")),
        ({"attachment": hikari.Bytes([bytes(too_many)], "b.bin")}, wisp.AnswerError, known.format("b.bin")),
        ({"attachments": [hikari.Bytes(b"x", "c.txt")] * 11}, wisp.AnswerError, "Send the others in another answer"),
        ({"attachment": hikari.File(tmp_path / "nowhere.txt")}, FileNotFoundError, "nowhere.txt"),
        ({"attachment": hikari.File(tmp_path)}, IsADirectoryError, str(tmp_path)),
    ]

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        for answer in (ctx.respond, ctx.respond, ctx.edit):
            for fields, error, words in cases:
                with pytest.raises(error, match=re.escape(words)):
                    await answer(**fields)
            await answer("shown", attachments=[hikari.File(empty), hikari.Bytes(bytes(9), "d.bin")])
        await ctx.respond(attachment=hikari.File(tmp_path / "nowhere.txt"))

    async with connect(bot) as discord:
        with discord.expects(FileNotFoundError):
            reply = await discord.member("ada").slash("show")
        assert reply.content == "shown"
        assert reply.followups[-1].content.startswith("Something went wrong")
