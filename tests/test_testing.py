"""Tests of bots as their authors write them, through `connect`."""

import asyncio
import datetime
import gc
import os
import weakref
from pathlib import Path

import hikari
import pytest

import wisp
from wisp.sandbox.world import objects
from wisp.testing import Impossible, connect


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def greet(ctx: wisp.Context, user: hikari.Member) -> str:
        """Greet a member."""
        return f"Hello {user.mention}!"

    @bot.command
    async def broken(ctx: wisp.Context) -> None:
        """Fail."""
        raise ValueError("oh no")

    @bot.command
    async def story(ctx: wisp.Context) -> None:
        """Tell, change, go on."""
        await ctx.respond("one")
        await ctx.edit("two")
        await ctx.respond("more", ephemeral=True)

    @bot.command
    async def sleepy(ctx: wisp.Context) -> str:
        """Take a minute of the clock."""
        await asyncio.sleep(60)
        return "awake"

    return bot


async def test_the_reply_of_a_command_is_what_it_returned() -> None:
    async with connect(a_bot()) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("greet", user=bob)
        assert reply.content == f"Hello {bob.mention}!"


async def test_edits_and_follow_ups_are_there_when_the_call_returns() -> None:
    async with connect(a_bot()) as discord:
        reply = await discord.member("ada").slash("story")
        assert (reply.content, reply.edits) == ("two", ["one"])
        assert [(more.content, more.ephemeral) for more in reply.followups] == [("more", True)]


async def test_somebody_new_joins_and_is_the_same_afterwards() -> None:
    async with connect(a_bot()) as discord:
        eve = discord.member("eve")
        assert discord.member("eve").user is eve.user
        assert eve.guild
        assert eve.id in eve.guild.members
        reply = await eve.slash("greet", user=eve)
        assert reply.content == f"Hello {eve.mention}!"


async def test_guilds_and_channels_are_made_on_first_use() -> None:
    async with connect(a_bot()) as discord:
        other = discord.guild("Other")
        ops = discord.channel("ops")
        assert (discord.guild("Other"), discord.channel("ops")) == (other, ops)
        eve = discord.member("eve", other)
        reply = await eve.slash("greet", user=eve)
        assert reply.message
        assert reply.message.channel is eve.channel
        assert (await discord.member("ada").at(ops).slash("story")).interaction.channel is ops


async def test_an_error_in_the_bot_fails_the_acting_call() -> None:
    async with connect(a_bot()) as discord:
        with pytest.raises(AssertionError, match="/broken failed: ValueError: oh no") as caught:
            await discord.member("ada").slash("broken")
        assert isinstance(caught.value.__cause__, ValueError)


async def test_an_expected_error_does_not_fail_the_test() -> None:
    async with connect(a_bot()) as discord:
        with discord.expects(ValueError):
            reply = await discord.member("ada").slash("broken")
        assert reply.ephemeral


async def test_another_error_than_the_expected_one_fails_the_test() -> None:
    async with connect(a_bot()) as discord:
        with pytest.raises(AssertionError, match="ValueError: oh no"), discord.expects(KeyError):
            await discord.member("ada").slash("broken")


async def test_an_expected_error_that_does_not_come_fails_the_test() -> None:
    async with connect(a_bot()) as discord:
        with (
            pytest.raises(AssertionError, match="expected ValueError in the bot's code, none was raised"),
            discord.expects(ValueError),
        ):
            await discord.member("ada").slash("story")


async def test_an_error_that_no_call_waited_for_fails_the_test_at_its_end() -> None:
    bot = wisp.Bot()

    @bot.listen
    async def welcome(event: hikari.MemberCreateEvent) -> None:
        raise KeyError(event.member.display_name)

    with pytest.raises(AssertionError, match="KeyError: 'eve'"):
        async with connect(bot) as discord:
            discord.member("eve")


async def test_several_errors_at_once_are_raised_together() -> None:
    bot = wisp.Bot()

    @bot.listen
    async def first(event: hikari.MemberCreateEvent) -> None:
        raise KeyError(event.member.display_name)

    @bot.listen
    async def second(event: hikari.MemberCreateEvent) -> None:
        raise ValueError("oh no")

    async with connect(bot) as discord:
        discord.member("eve")
        with pytest.raises(ExceptionGroup) as caught:
            await discord.rest()
    assert caught.value.message == "2 errors in the bot's code, first listener \"first\" failed: KeyError: 'eve'"
    assert [type(error) for error in caught.value.exceptions] == [AssertionError, AssertionError]
    assert [type(error.__cause__) for error in caught.value.exceptions] == [KeyError, ValueError]


async def test_the_bot_has_heard_of_all_that_happened_when_it_is_at_rest() -> None:
    bot = wisp.Bot(intents="GUILD_MESSAGES")
    heard: list[int] = []

    @bot.listen
    async def count(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append(len(heard))

    async with connect(bot) as discord:
        for _ in range(2000):
            discord.world.messages.add(discord.channel("general"), discord.world.owner, content="x" * 2000)
        await discord.rest()
        assert len(heard) == 2000


async def test_a_bot_that_is_away_is_waited_for() -> None:
    async with connect(a_bot()) as discord:
        ada = discord.member("ada")
        discord.drop()
        assert (await ada.slash("story")).content == "two"
        discord.reorder()
        assert (await ada.slash("story")).content == "two"


async def test_hikaris_pauses_between_connections_make_nobody_wait() -> None:
    async with connect(a_bot()) as discord:
        ada = discord.member("ada")
        for _ in range(4):
            discord.drop()
            assert (await ada.slash("story")).content == "two"
        for _ in range(2):
            discord.invalidate()
            await discord.rest()
            assert (await ada.slash("story")).content == "two"


async def test_a_delay_lasts_as_long_as_the_tests_clock_says() -> None:
    bot = wisp.Bot()

    @bot.command
    async def who(ctx: wisp.Context) -> str:
        return (await ctx.bot.gateway.rest.fetch_my_user()).username

    async with connect(bot) as discord:
        ada = discord.member("ada")
        discord.delay("GET", "/users/@me", 20)
        asking = asyncio.create_task(ada.slash("who"))
        await discord.advance(seconds=19)
        assert not asking.done()
        reply = await asking
        assert reply.content == "wisp"
        assert discord.world.interactions.age(reply.interaction) == pytest.approx(20, abs=0.01)


async def test_who_waits_behind_delayed_calls_fails_the_test_with_the_delay() -> None:
    bot = wisp.Bot()

    @bot.command
    async def who(ctx: wisp.Context) -> None:
        while True:
            await ctx.bot.gateway.rest.fetch_my_user()

    async def ask() -> None:
        async with connect(bot) as discord:
            discord.delay("GET", "/users/@me", 20, times=None)
            await discord.member("ada").slash("who")

    with pytest.raises(
        AssertionError,
        match=r"^no answer within 15 minutes, .*: /who \(.*in who: .*\); the test delays GET /users/@me",
    ):
        await ask()


async def test_what_stands_in_a_channel_is_read_oldest_first() -> None:
    bot = wisp.Bot(intents="MESSAGE_CONTENT")

    @bot.listen
    async def echo(event: hikari.GuildMessageCreateEvent) -> None:
        if event.is_human:
            await event.message.respond(f"{event.content}!")

    async with connect(bot) as discord:
        await discord.member("ada").say("one")
        await discord.member("ada").at(discord.channel("ops")).say("two")
        general, ops = discord.messages(), discord.messages("ops")
        elsewhere = discord.messages("general", discord.guild("Other"))
        with pytest.raises(Impossible, match="Sandbox has no channel 'opps'; it has general, ops"):
            discord.messages("opps")
    assert [(message.author.name, message.content) for message in general] == [("ada", "one"), ("wisp", "one!")]
    assert [message.content for message in ops] == ["two", "two!"]
    assert elsewhere == []


async def test_a_duration_is_given_as_one() -> None:
    bot = wisp.Bot()

    @bot.command
    async def wait(ctx: wisp.Context, how_long: datetime.timedelta) -> str:
        """Wait."""
        return str(how_long)

    async with connect(bot) as discord:
        duration = datetime.timedelta(days=9, hours=1, seconds=7)
        reply = await discord.member("ada").slash("wait", how_long=duration)
    assert reply.content == str(duration)


def test_impossible_is_the_sandboxs_own_exception() -> None:
    assert Impossible is objects.Impossible
    assert Impossible.__module__ == "wisp.sandbox.world.objects"


async def test_settings_that_are_wrong_and_overruled_fail_no_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "DISCORD_TOKEN=your-token-here\nWISP_REST_URL=localhost\nWISP_GUILDS=mine\nWISP_DATABASE='a\nTOKEN=x"
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    (tmp_path / "wisp.toml").write_text("database = 7", encoding="utf-8")
    async with connect(a_bot()) as discord:
        assert (await discord.member("ada").slash("story")).content == "two"


async def test_time_moves_when_the_test_says_so() -> None:
    async with connect(a_bot()) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("sleepy"))
        await discord.advance(seconds=1.9)
        assert discord.conversation().splitlines() == ["  ada: /sleepy"]
        await discord.advance(seconds=58)
        assert discord.conversation().splitlines() == ["  ada: /sleepy", "  wisp is thinking..."]
        assert not asking.done()
        await discord.advance(seconds=1)
        reply = await asking
        assert (reply.content, reply.deferred, reply.thinking) == ("awake", True, False)


async def test_time_moves_as_far_as_an_answer_needs() -> None:
    async with connect(a_bot()) as discord:
        reply = await discord.member("ada").slash("sleepy")
        assert (reply.content, reply.deferred, reply.thinking) == ("awake", True, False)
        assert discord.world.interactions.age(reply.interaction) == pytest.approx(60, abs=0.01)


async def test_a_test_may_end_while_a_command_sleeps() -> None:
    async with connect(a_bot()) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("sleepy"))
        await discord.advance(seconds=5)
    with pytest.raises(AssertionError, match="did not become idle: virtual time ended first"):
        await asking
    assert bot_tasks() == []


async def test_nothing_keeps_the_sandbox_of_a_test() -> None:
    kept: list[weakref.ref[object]] = []
    for _ in range(4):
        async with connect(a_bot()) as discord:
            await discord.member("ada").slash("sleepy")
            kept += [weakref.ref(discord.sandbox), weakref.ref(discord.bot)]
    del discord
    gc.collect()
    assert sum(one() is not None for one in kept) <= 2  # those of the last connection, which its task still holds


async def test_what_no_client_would_send_is_impossible() -> None:
    async with connect(a_bot()) as discord:
        with pytest.raises(Impossible, match="/greet lacks its required option 'user'"):
            await discord.member("ada").slash("greet")


async def test_nothing_of_a_test_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with connect(a_bot()) as discord:
        await discord.member("ada").slash("story")
        assert os.listdir(tmp_path) != []
    assert bot_tasks() == []
    assert os.listdir(tmp_path) == []


async def test_the_same_bot_connects_again_on_empty_data() -> None:
    bot = a_bot()
    for _ in range(2):
        async with connect(bot) as discord:
            assert (await discord.member("ada").slash("story")).content == "two"


def bot_tasks() -> list[asyncio.Task[object]]:
    """What still runs besides the test."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and not task.cancelling()]


async def test_a_command_of_one_guild_alone_is_tried_in_that_guild() -> None:
    bot = wisp.Bot()

    @bot.command(guilds=[123456789012345678])
    async def here(ctx: wisp.Context) -> str:
        return str(ctx.guild_id)

    async with connect(bot) as discord:
        ada = discord.member("ada")
        with pytest.raises(Impossible):
            await ada.slash("here")
        reply = await ada.at(discord.guild("Guild 123456789012345678")).slash("here")
    assert reply.content == "123456789012345678"


async def test_a_handler_that_does_not_come_to_rest_fails_the_test_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.local.virtual_time._MAX_TURNS", 10_000)
    bot = wisp.Bot(intents="GUILD_MESSAGES")

    @bot.listen
    async def endless(event: hikari.GuildMessageCreateEvent) -> None:
        while True:
            await asyncio.sleep(0)

    async def ask() -> None:
        async with connect(bot) as discord:
            discord.world.messages.add(discord.channel("general"), discord.world.owner, content="hi")

    with pytest.raises(
        AssertionError,
        match=r'listener "endless" \(\S*test_testing\.py:\d+, in endless: .*\) did not .*: the event loop made 10,000',
    ):
        await ask()


async def test_a_task_that_spins_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.local.virtual_time._MAX_TURNS", 10_000)
    bot = wisp.Bot()

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    async with connect(bot) as discord:
        spinning = asyncio.create_task(spin())
        where = r"a task \(tests/test_testing\.py:\d+, in spin: await asyncio\.sleep\(0\)\)"
        with pytest.raises(AssertionError, match=f"^{where} did not become idle: the event loop made 10,000 turns"):
            await discord.rest()
        spinning.cancel()


async def test_of_many_handlers_that_do_not_answer_the_number_is_right() -> None:
    bot = wisp.Bot()

    @bot.command
    async def endless(ctx: wisp.Context) -> None:
        await asyncio.Event().wait()

    names = [f"member {number}" for number in range(40)]
    async with connect(bot, members=names) as discord:
        asked = [discord.member(name).slash("endless") for name in names]
        results = await asyncio.gather(*asked, return_exceptions=True)
    assert len(results) == 40
    assert all("/endless (" in str(result) and "(30 times) and 10 more" in str(result) for result in results)


async def test_a_test_fails_whose_bot_asked_for_what_the_sandbox_does_not_serve() -> None:
    bot = wisp.Bot()

    @bot.command
    async def templates(ctx: wisp.Context) -> str:
        assert ctx.guild_id is not None
        try:
            await ctx.bot.gateway.rest.fetch_guild_templates(ctx.guild_id)
        except hikari.NotFoundError:
            return "no templates here"
        return "look"

    async def ask() -> None:
        async with connect(bot) as discord:
            reply = await discord.member("ada").slash("templates")
            assert reply.content == "no templates here"

    with pytest.raises(AssertionError, match=r"does not serve.*GET /api/v10/guilds/\{id\}/templates \(1 x\)"):
        await ask()


async def test_a_bot_moderates_as_far_as_its_role_and_discord_let_it() -> None:
    bot = wisp.Bot()

    @bot.command
    async def kick(ctx: wisp.Context, user: hikari.Member) -> str:
        try:
            await user.kick(reason="spam")
        except hikari.ForbiddenError as error:
            return f"{error.code}"
        return "gone"

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("kick", user=ada)).content == "50013"
        assert (await ada.slash("kick", user=bob)).content == "gone"
        assert bob.id not in discord.guild("Sandbox").members


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 60 * 366 * 86400, 1e300])
async def test_time_moves_forward_and_no_farther_than_ids_reach(seconds: float) -> None:
    async with connect(wisp.Bot()) as discord:
        with pytest.raises(ValueError, match=r"advance\(\)"):
            await discord.advance(seconds=seconds)
        await discord.advance(seconds=0)
