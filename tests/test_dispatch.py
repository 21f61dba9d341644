"""Calls: refusals, errors and their handlers, and interactions that nobody expected."""

import asyncio
import functools
import logging
import re
from collections.abc import Callable
from typing import Any

import hikari
import lightbulb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wisp
from wisp.local.virtual_time import VirtualTime
from wisp.testing import Discord, connect


def failing_bot() -> tuple[wisp.Bot, wisp.commands.Command[..., Any]]:
    bot = wisp.Bot()

    @bot.command
    async def fail(ctx: wisp.Context) -> None:
        """Fail."""
        raise ValueError("secret detail")

    return bot, fail


async def test_an_error_is_answered_privately_with_an_id_that_finds_the_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot, _ = failing_bot()
    async with connect(bot) as discord:
        with discord.expects(ValueError):
            reply = await discord.member("ada").slash("fail")
    assert reply.ephemeral
    assert "secret detail" not in reply.content
    found = re.search("error `([0-9a-f]{6})`", reply.content)
    assert found
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert found[1] in record.getMessage()
    assert record.exc_info
    assert "secret detail" in str(record.exc_info[1])


async def test_an_error_after_an_answer_is_told_in_a_private_follow_up() -> None:
    bot = wisp.Bot()

    @bot.command
    async def half(ctx: wisp.Context) -> None:
        await ctx.respond("one")
        raise ValueError

    async with connect(bot) as discord:
        with discord.expects(ValueError):
            reply = await discord.member("ada").slash("half")
    assert reply.content == "one"
    assert [followup.ephemeral for followup in reply.followups] == [True]


async def test_a_refusal_is_told_in_its_own_words_and_is_no_error() -> None:
    bot = wisp.Bot()
    asked: list[str] = []

    @bot.command
    async def buy(ctx: wisp.Context) -> None:
        raise wisp.UserError("We are closed.")

    @bot.on_error
    async def handler(ctx: wisp.Context, error: Exception) -> bool:
        asked.append("bot")
        return True

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("buy")
    assert (reply.content, reply.ephemeral, asked) == ("We are closed.", True, [])


async def test_error_handlers_are_asked_from_the_command_outwards_until_one_deals_with_it() -> None:
    bot, fail = failing_bot()
    asked: list[str] = []

    @fail.on_error
    async def of_command(ctx: wisp.Context, error: Exception) -> bool:
        asked.append("command")
        return False

    @bot.on_error
    async def of_bot(ctx: wisp.Context, error: Exception) -> bool:
        asked.append(f"bot {error}")
        await ctx.respond("dealt with")
        return True

    @bot.on_error
    async def too_late(ctx: wisp.Context, error: Exception) -> bool:
        asked.append("too late")
        return True

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("fail")
    assert asked == ["command", "bot secret detail"]
    assert reply.content == "dealt with"


async def test_an_error_handler_that_raises_cannot_hide_the_first_error(caplog: pytest.LogCaptureFixture) -> None:
    bot, fail = failing_bot()

    @fail.on_error
    async def broken(ctx: wisp.Context, error: Exception) -> bool:
        raise KeyError("second")

    async with connect(bot) as discord:
        with discord.expects(ValueError), discord.expects(KeyError):
            reply = await discord.member("ada").slash("fail")
    assert reply.content.startswith("Something went wrong.")
    raised = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert raised == [KeyError, ValueError]


async def test_an_error_in_the_bots_code_fails_the_test_that_met_it() -> None:
    bot, _ = failing_bot()
    with pytest.raises(AssertionError, match="secret detail") as caught:
        async with connect(bot) as discord:
            await discord.member("ada").slash("fail")
    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_command_that_discord_still_shows_and_the_bot_no_longer_has_is_answered_politely() -> None:
    bot, _ = failing_bot()
    async with connect(bot) as discord:
        bot._session._router._commands.clear()
        bot.wiring._lightbulb.register([])
        reply = await discord.member("ada").slash("fail")
    assert "no longer exists" in reply.content
    assert reply.ephemeral


def ask(discord: Discord, data: dict[str, Any], kind: int = 2) -> Any:
    ada = discord.member("ada")
    return discord.world.interactions.create(kind, ada.user, ada.channel, data)


def data_of(discord: Discord, name: str) -> dict[str, Any]:
    command = next(one for one in discord.world.commands.visible(None) if one["name"] == name)
    return {"id": command["id"], "name": name, "type": 1}


async def test_options_that_the_command_does_not_have_any_more_are_answered_politely() -> None:
    bot = wisp.Bot()

    @bot.command
    async def add(ctx: wisp.Context, number: int) -> str:
        return str(number)

    async with connect(bot) as discord:
        data = data_of(discord, "add")
        for options in (
            [],
            [{"type": 4, "name": "other", "value": 1}],
            [{"type": 3, "name": "number", "value": "text"}],
            [{"type": 5, "name": "number", "value": True}],
        ):
            asked = ask(discord, {**data, "options": options})
            await discord.rest()
            assert asked.original is not None
            assert "try again" in asked.original.content
            assert asked.original.ephemeral


async def test_an_interaction_that_hikari_cannot_read_is_answered_and_logged_without_its_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot, _ = failing_bot()
    async with connect(bot) as discord:
        with discord.expects(Exception):
            asked = ask(discord, {"name": "fail", "type": 1, "options": "nonsense", "id": "none"})
            await discord.rest()
        assert asked.original is not None
        assert "could not read" in asked.original.content
    assert asked.token not in caplog.text


UNREADABLE, WRONG, GONE = "could not read", "Something went wrong", "no longer"
COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5


async def test_payloads_of_unknown_types_or_with_wrong_names_are_answered_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot, _ = failing_bot()
    async with connect(bot) as discord:
        bot.runtime.on_failure = None
        known = data_of(discord, "fail")
        option = {"type": 3, "name": ["text"], "value": "x", "focused": True}
        cases: list[tuple[int, dict[str, Any], str]] = [
            (1, {}, UNREADABLE),  # a ping
            (99, {}, UNREADABLE),
            (COMMAND, {**known, "type": "x"}, WRONG),
            (COMMAND, {**known, "name": ["fail"]}, WRONG),
            (COMMAND, {"id": known["id"], "type": 1}, UNREADABLE),
            (COMMAND, {**known, "id": "abc"}, UNREADABLE),
            (COMMAND, {**known, "options": {"a": 1}}, UNREADABLE),
            (COMMAND, {**known, "options": 5}, UNREADABLE),
            (COMMAND, {**known, "guild_id": ["x"]}, UNREADABLE),
            (COMMAND, {**known, "options": [option]}, WRONG),
            (COMPONENT, {"component_type": 2}, UNREADABLE),
            (MODAL, {"components": []}, UNREADABLE),
            (MODAL, {"custom_id": 7, "components": []}, WRONG),
            (MODAL, {"custom_id": ["sheet"], "components": []}, WRONG),
            (AUTOCOMPLETE, {**known, "name": ["fail"], "options": []}, ""),
            (AUTOCOMPLETE, {**known, "options": [option]}, ""),
            (AUTOCOMPLETE, {**known, "options": "nonsense"}, ""),
        ]
        for kind, data, words in cases:
            caplog.clear()
            asked = ask(discord, data, kind)
            await discord.rest()
            assert asked.answered, data
            if words:
                assert asked.original is not None
                assert words in asked.original.content, data
            noted = [record for record in caplog.records if record.levelno >= logging.WARNING]
            assert len(noted) == 1, data
            assert asked.token not in caplog.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (COMMAND, {"id": "1", "name": "launch", "type": 4}),  # a primary entry point
        (AUTOCOMPLETE, {"id": "1", "name": "launch", "type": 4, "options": []}),
    ],
)
async def test_interactions_of_kinds_that_the_bot_does_not_know_are_answered(kind: int, data: dict[str, Any]) -> None:
    bot, _ = failing_bot()
    async with connect(bot) as discord:
        asked = ask(discord, data, kind)
        await discord.rest()
        assert asked.answered
        if kind != AUTOCOMPLETE:
            assert asked.original is not None
            assert GONE in asked.original.content


async def test_an_id_or_a_type_that_cannot_be_read_ends_no_shard_and_logs_no_token(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        return "hello"

    async with connect(bot) as discord:
        bot.runtime.on_failure = None
        consumer: Any = bot.gateway._event_manager._consumers["interaction_create"]  # type: ignore[attr-defined]
        receive = consumer.callback

        async def receives(change: Any) -> Any:
            monkeypatch.setattr(consumer, "callback", lambda shard, payload: receive(shard, change(payload)))
            caplog.clear()
            asked = ask(discord, data_of(discord, "hello"))
            await discord.rest()
            assert any(record.levelno >= logging.ERROR for record in caplog.records)
            assert asked.token not in caplog.text
            return asked

        for field, value in (("type", "x"), ("type", [2]), ("guild_id", ["x"]), ("guild_id", "abc"), ("member", "x")):
            asked = await receives(lambda payload, field=field, value=value: {**payload, field: value})
            assert UNREADABLE in asked.original.content, field
        for id in ("abc", None, [1], "-4", float("inf"), "9" * 5000):
            await receives(lambda payload, id=id: {**payload, "id": id})
        monkeypatch.setattr(consumer, "callback", receive)
        assert (await discord.member("ada").slash("hello")).content == "hello"


async def test_fields_that_discord_adds_later_disturb_nothing() -> None:
    bot = wisp.Bot()

    @bot.command
    async def add(ctx: wisp.Context, number: int) -> str:
        return str(number + 1)

    async with connect(bot) as discord:
        option = {"type": 4, "name": "number", "value": 1, "brand_new": {"x": 1}}
        asked = ask(discord, {**data_of(discord, "add"), "options": [option], "new_field": [1]})
        await discord.rest()
        assert asked.original is not None
        assert asked.original.content == "2"


async def test_a_button_that_nobody_knows_gets_a_polite_line() -> None:
    bot = wisp.Bot()

    @bot.command
    async def menu(ctx: wisp.Context) -> None:
        row = hikari.impl.MessageActionRowBuilder()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "of:yesterday", label="Old")
        await ctx.respond("Press", components=[row])

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("menu")
        ada = discord.member("ada")
        clicked = discord.world.interactions.create(
            3, ada.user, ada.channel, {"custom_id": "of:yesterday", "component_type": 2}, message=reply.message
        )
        await discord.rest()
        assert clicked.followups or clicked.original
    answer = clicked.original or clicked.followups[0]
    assert "no longer works" in answer.content
    assert answer.ephemeral


async def test_raw_lightbulb_commands_and_raw_listeners_work_beside_ours() -> None:
    bot = wisp.Bot()
    heard: list[str] = []

    @bot.command
    async def ours(ctx: wisp.Context) -> str:
        return "ours"

    @bot.on_start
    async def raw() -> None:
        @bot.client.register
        class Raw(lightbulb.SlashCommand, name="raw", description="Raw", nsfw=True):
            text = lightbulb.string("text", "Some text")

            @lightbulb.invoke
            async def invoke(self, ctx: lightbulb.Context) -> None:
                await ctx.respond(f"raw {self.text}")

        @bot.gateway.listen()
        async def hear(event: hikari.CommandInteractionCreateEvent) -> None:
            heard.append(event.interaction.command_name)

    async with connect(bot) as discord:
        (raw_command,) = [one for one in discord.world.commands.visible(None) if one["name"] == "raw"]
        assert raw_command["nsfw"]
        ada = discord.member("ada")
        assert (await ada.slash("ours")).content == "ours"
        asked = ask(discord, {**data_of(discord, "raw"), "options": [{"type": 3, "name": "text", "value": "x"}]})
        await discord.rest()
        assert asked.original is not None
        assert asked.original.content == "raw x"
        assert {command._command_data.name for command in bot.client.registered_commands} == {"ours", "raw"}  # type: ignore[union-attr]
    assert heard == ["ours", "raw"]


@pytest.mark.parametrize("allow", [True, False])
async def test_hooks_on_the_lightbulb_client_run_around_our_commands(allow: bool) -> None:
    bot = wisp.Bot()
    order: list[str] = []

    @bot.command
    async def ours(ctx: wisp.Context, text: str) -> str:
        order.append("command")
        return text

    @lightbulb.hook(lightbulb.ExecutionSteps.CHECKS)
    async def check(pipeline: lightbulb.ExecutionPipeline, ctx: lightbulb.Context) -> None:
        order.append("hook")
        if not allow:
            raise RuntimeError("not today")

    @bot.on_start
    async def hooks(given: wisp.Bot) -> None:
        assert given is bot
        given.client.hooks = [check]

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("ours", text="through")
    assert order == (["hook", "command"] if allow else ["hook"])
    assert reply.content == ("through" if allow else "This was refused.")
    assert reply.ephemeral is not allow


async def test_the_decorated_function_still_calls_as_the_function() -> None:
    bot = wisp.Bot()

    @bot.command
    async def double(ctx: Any, number: int = 2) -> str:
        """Double it."""
        return str(number * 2)

    assert await double(None) == "4"
    assert await double(None, number=3) == "6"
    assert (double.__name__, double.__doc__) == ("double", "Double it.")


async def test_bound_methods_partials_and_plain_calls_make_commands() -> None:
    bot = wisp.Bot()

    class Counter:
        count = 0

        async def up(self, ctx: wisp.Context, by: int = 1) -> str:
            """Count up."""
            self.count += by
            return str(self.count)

    async def say(prefix: str, ctx: wisp.Context) -> str:
        return prefix

    counter = Counter()
    bot.command(counter.up)
    bot.command(name="say", description="Say")(functools.partial(say, "partial"))
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("up", by=2)).content == "2"
        assert (await ada.slash("say")).content == "partial"
    assert counter.count == 2


# ---- hostile payloads ----

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


async def test_whatever_discord_sends_somebody_is_answered_and_the_bot_lives() -> None:
    bot = wisp.Bot()

    @bot.command
    async def add(ctx: wisp.Context, number: int, who: hikari.User | None = None) -> str:
        return str(number)

    async with connect(bot) as discord:
        base = data_of(discord, "add")
        examples: list[Any] = []

        @settings(max_examples=60, database=None, suppress_health_check=list(HealthCheck))
        @given(
            st.lists(
                st.fixed_dictionaries({"type": _JSON, "name": st.just("number") | _JSON, "value": _JSON}), max_size=2
            )
            | _JSON
        )
        def collect(options: Any) -> None:
            examples.append(options)

        collect()
        bot.runtime.on_failure = None
        for options in examples:
            asked = ask(discord, {**base, "options": options})
            await discord.rest()
            if bot.runtime._background:
                assert asked.answered, options
        assert (await discord.member("ada").slash("add", number=1)).content == "1"


async def test_a_coroutine_that_is_returned_and_not_awaited_is_told_with_the_way_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = wisp.Bot()

    async def total() -> str:
        return "5"

    @bot.command
    async def count(ctx: wisp.Context) -> object:
        return total()

    async with connect(bot) as discord:
        with discord.expects(wisp.AnswerError):
            await discord.member("ada").slash("count")
    assert "/count returned `coroutine`. Await it: `return await " in caplog.text
    assert "total(...)`." in caplog.text


async def test_a_refusal_that_is_too_long_is_an_error_and_not_cut() -> None:
    bot = wisp.Bot()

    @bot.command
    async def buy(ctx: wisp.Context) -> None:
        raise wisp.UserError("x" * 2001)

    async with connect(bot) as discord:
        with discord.expects(wisp.AnswerError):
            reply = await discord.member("ada").slash("buy")
    assert reply.content.startswith("Something went wrong.")


async def test_what_a_handler_waited_for_and_was_cancelled_is_an_error_of_its_own() -> None:
    bot = wisp.Bot()

    @bot.command
    async def wait(ctx: wisp.Context) -> None:
        waiting = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await waiting

    async with connect(bot) as discord:
        with discord.expects(asyncio.CancelledError):
            reply = await discord.member("ada").slash("wait")
    assert reply.content.startswith("Something went wrong.")


async def test_an_error_handler_that_never_ends_keeps_nothing_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    bot, fail = failing_bot()

    @fail.on_error
    async def endless(ctx: wisp.Context, error: Exception) -> bool:
        await asyncio.sleep(3600)
        return True

    async with connect(bot) as discord:
        with discord.expects(ValueError), discord.expects(TimeoutError):
            asking = asyncio.create_task(discord.member("ada").slash("fail"))
            await asyncio.sleep(0)
            await discord.advance(seconds=60)
            reply = await asking
    assert any("Something went wrong" in one.content for one in (reply, *reply.followups))
    assert "secret detail" in caplog.text


class Odd(BaseException):
    """Not an Exception."""


async def test_even_a_base_exception_is_an_error_like_others() -> None:
    bot = wisp.Bot()

    @bot.command
    async def odd(ctx: wisp.Context) -> None:
        raise Odd

    async with connect(bot) as discord:
        with discord.expects(Odd):
            reply = await discord.member("ada").slash("odd")
    assert reply.content.startswith("Something went wrong.")


async def test_a_handler_that_leaves_the_program_answers_first() -> None:
    bot = wisp.Bot()

    @bot.command
    async def bye(ctx: wisp.Context) -> None:
        raise SystemExit(3)

    async with connect(bot) as discord:
        left = bot.runtime.exit_requested = asyncio.get_running_loop().create_future()
        reply = await discord.member("ada").slash("bye")
    assert "restarting" in reply.content
    assert left.result().args == (3,)


async def test_a_command_that_closes_the_bot_without_a_word_is_answered(time: VirtualTime) -> None:
    bot = wisp.Bot()

    @bot.command
    async def shutdown(ctx: wisp.Context) -> None:
        await ctx.bot.close()

    async with connect(bot) as discord:
        asked = ask(discord, data_of(discord, "shutdown"))
        await time.until(lambda: not bot.is_running)
        assert asked.answered


@pytest.mark.parametrize("behaviour", ["answers and refuses", "defers", "answers late"])
async def test_a_lightbulb_hook_and_our_context_know_of_each_others_answers(behaviour: str) -> None:
    bot = wisp.Bot()

    @bot.command
    async def ours(ctx: wisp.Context) -> str:
        return "ours"

    @lightbulb.hook(lightbulb.ExecutionSteps.CHECKS)
    async def check(pipeline: lightbulb.ExecutionPipeline, ctx: lightbulb.Context) -> None:
        if behaviour == "answers and refuses":
            await ctx.respond("no")
            raise RuntimeError("no")
        if behaviour == "defers":
            await ctx.defer()
        else:
            await asyncio.sleep(2.5)
            await ctx.respond("late")

    @bot.on_start
    async def hooks() -> None:
        bot.client.hooks = [check]

    async with connect(bot) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("ours"))
        await asyncio.sleep(0)
        await discord.advance(seconds=5)
        reply = await asking
    told = [reply.content, *(followup.content for followup in reply.followups)]
    assert told == {"answers and refuses": ["no"], "defers": ["ours"], "answers late": ["late", "ours"]}[behaviour]


async def test_a_raw_wait_for_gets_the_button_that_it_waits_for() -> None:
    bot = wisp.Bot()

    @bot.command
    async def menu(ctx: wisp.Context) -> None:
        row = hikari.impl.MessageActionRowBuilder()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "go", label="Go")
        await ctx.respond("Press", components=[row])
        event = await ctx.bot.gateway.wait_for(hikari.ComponentInteractionCreateEvent, 5)
        await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "pressed")

    async with connect(bot) as discord:
        asking = asyncio.create_task(discord.member("ada").slash("menu"))
        await discord.rest()
        message = list(discord.world.messages.values())[-1]
        ada = discord.member("ada")
        data = {"custom_id": "go", "component_type": 2}
        clicked = discord.world.interactions.create(3, ada.user, ada.channel, data, message=message)
        await asking
        await discord.advance(seconds=3)
    assert clicked.original is not None
    assert clicked.original.content == "pressed"


async def test_a_raw_wait_for_any_event_can_answer_too() -> None:
    bot = wisp.Bot()
    async with connect(bot) as discord:
        waiting = asyncio.create_task(
            bot.gateway.wait_for(hikari.Event, 5, lambda event: isinstance(event, hikari.InteractionCreateEvent))
        )
        await asyncio.sleep(0)
        asked = ask(discord, {"id": "1", "name": "raw", "type": 1})
        event: Any = await waiting
        await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "raw")
        await discord.advance(seconds=3)
    assert asked.original is not None
    assert asked.original.content == "raw"


async def test_no_interaction_is_remembered_once_it_is_over(timers: Callable[[], list[str]]) -> None:
    class Name(wisp.Form):
        name: str

    bot, _ = failing_bot()

    @bot.command
    @wisp.cooldown(5.0)
    @wisp.concurrency(1, queue=1)
    async def late(ctx: wisp.Context) -> str:
        await asyncio.sleep(4)
        return "late"

    @bot.command
    async def form(ctx: wisp.Context) -> None:
        await ctx.form(Name, title="Name")

    @bot.command
    async def pages(ctx: wisp.Context) -> None:
        await ctx.confirm("Sure?")
        await wisp.paginate(ctx, str, 3)

    async with connect(bot) as discord:
        runtime = bot.runtime
        dispatcher, prompts, tasks = bot._session._dispatcher, runtime.prompts, runtime.tasks
        waiters = [
            asyncio.create_task(bot.gateway.wait_for(event_type, None, lambda event: False))
            for event_type in (hikari.InteractionCreateEvent, hikari.ComponentInteractionCreateEvent, hikari.Event)
        ]
        before = timers()
        ada = discord.member("ada")
        with discord.expects(Exception):
            await ada.slash("fail")
            for name in ("late", "late", "form", "pages"):
                await ada.slash(name)
            for kind, data in [
                (2, {"id": "1", "name": "gone", "type": 1}),
                (4, {"id": "1", "name": "gone", "type": 1, "options": []}),
                (3, {"custom_id": "gone", "component_type": 2}),
                (2, {"id": "none", "name": "fail", "type": 1, "options": "nonsense"}),
                (5, {"custom_id": "gone", "components": []}),
            ]:
                ask(discord, data, kind)
            await discord.advance(hours=1)
        for waiter in waiters:
            waiter.cancel()
        await asyncio.wait(waiters)
        kept = [dispatcher._lightbulb._calls, prompts.open, prompts._forms]
        kept += [tasks.running, tasks.waiting, dispatcher.calls, runtime._background]
        assert [*map(len, kept)] == [0] * len(kept)
        assert timers() == before
        assert len(dispatcher._seen) == 10


async def test_a_raw_listener_that_only_looks_does_not_silence_the_polite_line() -> None:
    bot = wisp.Bot()

    @bot.listen
    async def look(event: hikari.InteractionCreateEvent) -> None: ...

    async with connect(bot) as discord:
        asked = ask(discord, {"id": "1", "name": "gone", "type": 1})
        await discord.rest()
        await discord.advance(seconds=3)
        await discord.rest()
    assert asked.original is not None
    assert "no longer exists" in asked.original.content


async def test_a_raw_lightbulb_command_that_raises_is_answered() -> None:
    bot = wisp.Bot()

    @bot.on_start
    async def raw() -> None:
        @bot.client.register
        class Boom(lightbulb.SlashCommand, name="boom", description="Boom"):
            @lightbulb.invoke
            async def invoke(self, ctx: lightbulb.Context) -> None:
                raise RuntimeError("boom")

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("boom")
    assert reply.content == "This command gave no answer."


async def test_no_interaction_token_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot()

    @bot.command
    async def leak(ctx: wisp.Context) -> None:
        await ctx.respond("a")
        await ctx.interaction.fetch_message(1)

    async with connect(bot) as discord:
        with discord.expects(hikari.NotFoundError):
            await discord.member("ada").slash("leak")
        (interaction,) = discord.world.interactions.values()
    written = "".join(logging.Formatter().format(record) for record in caplog.records if record.name == "wisp")
    assert "/messages/1" in written
    assert interaction.token not in written


async def test_hooks_of_lightbulb_run_around_commands_of_a_module_that_is_loaded_again() -> None:
    class Part(wisp.Module):
        name = "part"

        @wisp.command
        async def ours(self, ctx: wisp.Context) -> str:
            return "answer"

    bot = wisp.Bot(modules=[Part()])
    seen: list[str] = []

    @lightbulb.hook(lightbulb.ExecutionSteps.CHECKS)
    async def look(pipeline: lightbulb.ExecutionPipeline, ctx: lightbulb.Context) -> None:
        seen.append(ctx.command_data.name)

    @bot.on_start
    async def hooks() -> None:
        bot.client.hooks = [look]

    async with connect(bot) as discord:
        await bot.modules.unload("part")
        await bot.modules.load("part")
        assert (await discord.member("ada").slash("ours")).content == "answer"
    assert seen == ["ours"]
