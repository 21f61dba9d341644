"""Embeds of one look, and answers that say how something went."""

from collections.abc import Callable
from typing import Any

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.limits import message_problems
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
    description=st.none() | st.text(min_size=1).map(lambda text: text * 2000),
)
def test_no_embed_is_ever_too_long_for_discord(
    kind: Callable[..., hikari.Embed], title: str | None, description: str | None
) -> None:
    embed = kind(title=title, description=description)
    payload = {"embeds": [{"title": embed.title or "", "description": embed.description or "x"}]}
    assert message_problems(payload) == []


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
        with pytest.raises(wisp.AnswerError, match="nothing to say"):
            await respond(ctx)

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("go")
    assert (reply.content, reply.embeds[0].description, reply.ephemeral) == ("", "It is done.", private)
    (followup,) = reply.followups
    assert (followup.content, followup.embeds[0].title, followup.ephemeral) == ("Look:", "Mine", not private)


@pytest.mark.parametrize("color", ["blue", "#12345", -1, 0x1000000, 1.5, True])
def test_a_colour_that_is_none_is_a_mistake(color: Any) -> None:
    with pytest.raises(wisp.Mistakes, match="expected a colour"):
        wisp.Bot(embed_color=color).settings()
