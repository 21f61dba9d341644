"""Answers, one by one: which of them the caller alone sees, and that each is shown once whatever is lost on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.clock import Clock, DiscordTime
from wisp.context import responder_of, runtime_of
from wisp.sandbox.people.person import People
from wisp.sandbox.server import Sandbox
from wisp.testing import Discord, Person, connect

Answering = Callable[[wisp.Context], Awaitable[Any]]


def file(text: str = "text") -> hikari.Bytes:
    return hikari.Bytes(text.encode(), "file.txt")


# ---- who sees it ----


class Note(wisp.Form):
    """A note"""

    text: str


async def returns(ctx: wisp.Context) -> str:
    return "secret"


async def responds(ctx: wisp.Context) -> None:
    await ctx.respond("secret")


async def edits(ctx: wisp.Context) -> None:
    await ctx.edit("secret")


async def follows_up(ctx: wisp.Context) -> None:
    await ctx.respond("secret")
    await ctx.respond("secret, too")


async def sends_a_file(ctx: wisp.Context) -> None:
    await ctx.respond("secret", attachment=file())


async def edits_a_file(ctx: wisp.Context) -> None:
    await ctx.edit("secret", attachment=file())


async def succeeds(ctx: wisp.Context) -> None:
    await wisp.respond_success(ctx, "secret")


async def paginates(ctx: wisp.Context) -> None:
    await wisp.paginate(ctx, ["secret", "secret, too"].__getitem__, 2)


async def confirms(ctx: wisp.Context) -> None:
    await ctx.confirm("secret", timeout=1)


async def fails(ctx: wisp.Context) -> None:
    raise ValueError("secret")


async def refuses(ctx: wisp.Context) -> None:
    raise wisp.UserError("secret")


async def opens_a_form(ctx: wisp.Context) -> None:
    await ctx.form(Note)


AS_DEFERRED: list[Answering] = [
    returns,
    responds,
    edits,
    follows_up,
    sends_a_file,
    edits_a_file,
    succeeds,
    paginates,
    confirms,
]
ALWAYS_PRIVATE: list[Answering] = [fails, refuses, opens_a_form]


def deferring_bot() -> wisp.Bot:
    """Each way to answer, after a deferral of each kind: `/returns-author-private` and so on."""
    bot = wisp.Bot()

    def add(answer: Answering, private: bool) -> None:
        async def after_the_author(ctx: wisp.Context) -> Any:
            await ctx.defer(ephemeral=private)
            return await answer(ctx)

        async def after_wisp(ctx: wisp.Context) -> Any:
            await asyncio.sleep(2.5)
            return await answer(ctx)

        async def after_both(ctx: wisp.Context) -> Any:
            await asyncio.sleep(2.5)  # wisp has deferred as the handler says, and the author says otherwise
            await ctx.defer(ephemeral=True)
            return await answer(ctx)

        name = answer.__name__.replace("_", "-")
        kind = "private" if private else "public"
        bot.command(name=f"{name}-author-{kind}", description="Go", ephemeral=not private)(after_the_author)
        bot.command(name=f"{name}-auto-{kind}", description="Go", ephemeral=private)(after_wisp)
        if private:
            bot.command(name=f"{name}-both-{kind}", description="Go")(after_both)

    for answer in (*AS_DEFERRED, *ALWAYS_PRIVATE):
        add(answer, True)
        add(answer, False)
    return bot


def shown_to(person: Person) -> list[str]:
    return [message.content or str(message.embeds[0]["description"]) for message in person.messages]


@pytest.mark.parametrize("private", [True, False], ids=["private", "public"])
@pytest.mark.parametrize("who", ["author", "auto", "both"])
async def test_an_answer_after_a_deferral_is_as_private_as_that(who: str, private: bool) -> None:
    if who == "both" and not private:
        return  # a public deferral does not make what is private public
    async with connect(deferring_bot()) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        for answer in (*AS_DEFERRED, *ALWAYS_PRIVATE):
            before = len(bob.messages)
            name = f"{answer.__name__.replace('_', '-')}-{who}-{'private' if private else 'public'}"
            asking = asyncio.ensure_future(ada.slash(name))
            await asyncio.sleep(0)
            if answer in ALWAYS_PRIVATE and answer is not refuses:
                with discord.expects(Exception):
                    await discord.advance(seconds=5)
                    await asking
            else:
                await discord.advance(seconds=5)
                await asking
            seen = shown_to(bob)[before:]
            if private or answer in ALWAYS_PRIVATE:
                assert not any("secret" in text for text in seen), name
            else:
                assert "secret" in seen, name
            assert any("secret" in text for text in shown_to(ada)) or answer in ALWAYS_PRIVATE, name


@pytest.mark.parametrize("private", [True, False], ids=["private", "public"])
async def test_an_answer_that_says_its_visibility_has_that_after_every_deferral(private: bool) -> None:
    bot = wisp.Bot()

    @bot.command
    async def go(ctx: wisp.Context) -> None:
        """Go."""
        await ctx.defer(ephemeral=private)
        await ctx.respond("first", ephemeral=not private)
        await ctx.respond("second", ephemeral=not private)
        await ctx.respond("third")

    @bot.command
    async def raw(ctx: wisp.Context) -> str:
        """Defer behind wisp's back."""
        flags = hikari.MessageFlag.EPHEMERAL if private else hikari.MessageFlag.NONE
        await ctx.interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE, flags=flags)
        return "raw"

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        await ada.slash("go")
        await ada.slash("raw")
        assert shown_to(bob) == (["first", "second"] if private else ["third", "raw"])


async def test_what_a_form_asked_for_is_answered_as_privately_as_the_deferral_after_it() -> None:
    bot = wisp.Bot()

    @bot.command
    async def note(ctx: wisp.Context) -> str | None:
        """Take a note."""
        form = await ctx.form(Note)
        await ctx.defer(ephemeral=True)
        return form and form.text

    @bot.component("note")
    async def from_a_button(ctx: wisp.ComponentContext) -> None:
        await ctx.defer(ephemeral=True)
        await ctx.respond("secret")

    @bot.command
    async def button(ctx: wisp.Context) -> None:
        """Show the button."""
        await ctx.respond("button", components=[wisp.row(from_a_button.bind().button("Note"))])

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        await ada.submit(await ada.slash("note"), text="secret")
        await ada.click(await ada.slash("button"), "Note")
        assert shown_to(bob) == ["button"]
        assert shown_to(ada) == ["secret", "button", "secret"]


# ---- how long it may take ----


async def slowly(seconds: float, ctx: wisp.InteractionContext[Any]) -> Any:
    await asyncio.sleep(seconds)
    yield b"drawn"


async def test_a_file_that_takes_long_to_read_is_deferred_in_time() -> None:
    bot = wisp.Bot()

    @bot.component("chart")
    async def on_chart(ctx: wisp.ComponentContext) -> None:
        await ctx.edit("Edited", attachment=hikari.Bytes(slowly(4, ctx), "chart.png"))

    @bot.command
    async def chart(ctx: wisp.Context) -> None:
        """Draw a chart."""
        drawn = hikari.Bytes(slowly(4, ctx), "chart.png")
        await ctx.respond("Here", attachment=drawn, components=[wisp.row(on_chart.bind().button("Again"))])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        asking = asyncio.ensure_future(ada.slash("chart"))
        await asyncio.sleep(0)
        await discord.advance(seconds=5)
        reply = await asking
        assert (reply.content, reply.deferred, len(reply.attachments), reply.failed) == ("Here", True, 1, None)
        clicking = asyncio.ensure_future(ada.click(reply, "Again"))
        await asyncio.sleep(0)
        await discord.advance(seconds=5)
        assert (await clicking).failed is None
        assert reply.content == "Edited"


@pytest.mark.parametrize("kind", ["command", "edit", "respond"])
async def test_an_upload_that_takes_too_long_is_broken_off_for_a_deferral(kind: str) -> None:
    bot = wisp.Bot()

    @bot.component("press:{kind}")
    async def pressed(ctx: wisp.ComponentContext, kind: str) -> None:
        await (ctx.edit if kind == "edit" else ctx.respond)("done", attachment=file())

    @bot.command
    async def go(ctx: wisp.Context) -> None:
        """Go."""
        buttons = [pressed.bind(name).button(name) for name in ("edit", "respond")]
        await ctx.respond("start", attachment=file(), components=[wisp.row(*buttons)])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        shown = None if kind == "command" else await ada.slash("go")
        discord.delay("POST", "/callback", 60)
        asking = asyncio.ensure_future(ada.slash("go") if shown is None else ada.click(shown, kind))
        await asyncio.sleep(0)
        await discord.advance(seconds=2.5)
        reply = await asking
        assert reply.failed is None
        assert [message.content for message in discord.messages()] == {
            "command": ["start"],
            "edit": ["done"],
            "respond": ["start", "done"],
        }[kind]


# ---- how often it is shown ----


def answering_bot(errors: list[Exception]) -> wisp.Bot:
    """First answers of every kind: `/plain` and so on, and buttons of a message."""
    bot = wisp.Bot()
    text = hikari.impl.TextDisplayComponentBuilder(content="v2")
    ways: dict[str, Answering] = {
        "space": lambda ctx: ctx.respond("hello \n"),
        "link": lambda ctx: ctx.respond("https://example.com"),
        "embed": lambda ctx: ctx.respond(embed=hikari.Embed(title="x")),
        "both": lambda ctx: ctx.respond(None, embed=hikari.Embed(title="x")),
        "v2": lambda ctx: ctx.respond(components=[text]),
        "file": lambda ctx: ctx.respond("hello", attachment=file()),
    }

    def add(name: str, answer: Answering) -> None:
        async def go(ctx: wisp.Context) -> None:
            await answer(ctx)

        async def deferred(ctx: wisp.Context) -> None:
            await ctx.defer()
            await answer(ctx)

        bot.command(name=name, description="Go")(go)
        bot.command(name=f"deferred-{name}", description="Go")(deferred)

    for name, answer in ways.items():
        add(name, answer)

    @bot.component("press:{how}")
    async def press(ctx: wisp.ComponentContext, how: str) -> None:
        if how == "defer":
            await ctx.defer()
        elif how == "respond":
            await ctx.respond("one")
        else:
            await ctx.edit("working")
        if how == "delete":
            await ctx.delete()
        else:
            await ctx.edit("done")

    @bot.command
    async def buttons(ctx: wisp.Context) -> None:
        """Show buttons."""
        row = wisp.row(*(press.bind(how).button(how) for how in ("edit", "defer", "respond", "delete")))
        await ctx.respond("start", components=[row])

    @bot.command
    async def taken_away(ctx: wisp.Context) -> None:
        """Defer, and delete that."""
        await ctx.defer()
        await ctx.delete()

    async def suggest(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        return ["tea"]

    @bot.command
    async def drink(ctx: wisp.Context, what: Annotated[str, wisp.Option("What", autocomplete=suggest)]) -> str:
        """Drink."""
        return what

    @bot.command
    async def note(ctx: wisp.Context) -> str | None:
        """Take a note."""
        form = await ctx.form(Note)
        return form and form.text

    @bot.command
    async def twice(ctx: wisp.Context) -> None:
        """Answer twice."""
        await ctx.respond("first")
        try:
            await ctx.respond("second")
        except wisp.AnswerError as error:
            errors.append(error)

    return bot


def posted(discord: Discord) -> list[str]:
    return [message.content for message in discord.messages()]


@pytest.mark.parametrize("how", ["cut", 502])
async def test_a_first_answer_whose_confirmation_was_lost_is_shown_once(how: Any) -> None:
    async with connect(answering_bot([])) as discord:
        ada = discord.member("ada")
        for name in ("space", "link", "embed", "both", "v2", "file"):
            for deferred in ("", "deferred-"):
                before = len(discord.messages())
                discord.fail("POST", "/callback", how, done=True)
                reply = await ada.slash(f"{deferred}{name}")
                assert (len(discord.messages()) - before, reply.failed) == (1, None), name
        discord.fail("POST", "/callback", how, done=True)
        assert await ada.autocomplete("drink", "what", "t") == [{"name": "tea", "value": "tea"}]
        discord.fail("POST", "/callback", how, done=True)
        opened = await ada.slash("note")
        discord.fail("POST", "/callback", how, done=True)
        assert (await ada.submit(opened, text="written")).content == "written"


@pytest.mark.parametrize("how", ["cut", 502])
async def test_a_click_whose_confirmation_was_lost_can_be_answered_further(how: Any) -> None:
    async with connect(answering_bot([])) as discord:
        ada = discord.member("ada")
        for name, texts in (("edit", ["done"]), ("defer", ["done"]), ("respond", ["start", "done"]), ("delete", [])):
            shown = await ada.slash("buttons")
            discord.fail("POST", "/callback", how, done=True)
            await ada.click(shown, name)
            assert posted(discord) == texts, name
            for message in discord.messages():
                discord.world.messages.delete(message)


async def test_an_edit_changes_the_answer_whether_a_click_was_deferred_or_not() -> None:
    bot = wisp.Bot()

    @bot.component("press:{first}")
    async def press(ctx: wisp.ComponentContext, first: str) -> None:
        if first == "defer":
            await ctx.defer()
        elif first == "edit":
            await ctx.edit("edited")
        await ctx.respond("answer")
        await ctx.edit("changed")

    @bot.command
    async def buttons(ctx: wisp.Context) -> None:
        """Show buttons."""
        row = wisp.row(*(press.bind(how).button(how) for how in ("defer", "edit", "neither")))
        await ctx.respond("start", components=[row])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        shown = await ada.slash("buttons")
        for first in ("defer", "neither", "edit"):
            await ada.click(shown, first)
        assert posted(discord) == ["edited", "changed", "changed", "changed"]


async def test_a_follow_up_is_sent_at_most_once_over_a_broken_connection() -> None:
    errors: list[Exception] = []
    async with connect(answering_bot(errors)) as discord:
        ada = discord.member("ada")
        for done, texts in ((True, ["first", "second"]), (False, ["first", "second", "first"])):
            discord.fail("POST", "/webhooks", "cut", done=done)
            await ada.slash("twice")
            assert posted(discord) == texts
        assert all("It is not sent again" in str(error) for error in errors)
        assert len(errors) == 2
        discord.fail("POST", "/webhooks", 503)  # Discord says that it did not do it
        await ada.slash("twice")
        await discord.advance(seconds=10)  # hikari's pause before it tries again
        assert posted(discord)[-2:] == ["first", "second"]
        assert len(errors) == 2


async def test_a_deletion_whose_confirmation_was_lost_is_done() -> None:
    async with connect(answering_bot([])) as discord:
        discord.fail("DELETE", "@original", "cut", done=True)
        reply = await discord.member("ada").slash("taken_away")
        assert (reply.deleted, reply.failed) == (True, None)


async def test_an_answer_that_something_else_gave_is_not_taken_for_the_handlers_own() -> None:
    bot = wisp.Bot()

    @bot.command
    async def go(ctx: wisp.Context) -> str:
        """Go."""
        await ctx.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "same")
        return "same"

    async with connect(bot) as discord:
        await discord.member("ada").slash("go")
        assert posted(discord) == ["same", "same"]


# ---- clocks ----


@given(
    ahead=st.floats(-1e6, 1e6),
    calls=st.lists(st.tuples(st.floats(0, 600), st.floats(0, 2.9)), min_size=1, max_size=20),
)
def test_the_delay_of_a_call_is_known_whatever_the_clocks_say(ahead: float, calls: list[tuple[float, float]]) -> None:
    discord_time = DiscordTime(Clock())
    now = 5e5
    discord_time.observe(now - ahead, now)  # as the first response of REST said
    for pause, delay in calls:
        now += pause + delay
        measured = discord_time.observe(now - delay - ahead, now)
        assert measured == pytest.approx(delay, abs=1e-3 * 603 * len(calls) + 1e-6)
        assert 0 <= measured <= delay + 1e-6


class Behind(Clock):
    """A clock that is ten seconds behind that of everything else."""

    def time(self) -> float:
        return super().time() - 10


@pytest.mark.parametrize("discord_is_behind", [True, False])
async def test_a_machine_whose_clock_is_wrong_defers_no_sooner(discord_is_behind: bool) -> None:
    bot = wisp.Bot()

    @bot.command
    async def note(ctx: wisp.Context) -> str | None:
        """Take a note."""
        left = responder_of(ctx)._defer_at - runtime_of(ctx).clock.monotonic()
        form = await ctx.form(Note)
        return form and f"{form.text}: {left:.0f}"

    async with Sandbox(clock=Behind() if discord_is_behind else Clock()) as sandbox:
        config = bot.settings(token=sandbox.token, rest_url=sandbox.rest_url, database=":memory:")
        await bot.start(config, clock=Clock() if discord_is_behind else Behind())
        try:
            people = People(sandbox.world, patience=10)
            ada = people.member("ada")
            opened = await ada.slash("note")
            reply = await ada.submit(opened, text="left")
            assert (reply.content, reply.deferred) == ("left: 2", False)
        finally:
            await bot.close()


async def test_a_machine_whose_clock_is_wrong_says_by_discords_clock_when_a_cooldown_is_over() -> None:
    bot = wisp.Bot()

    @bot.command
    @wisp.cooldown(30.0)
    async def act(ctx: wisp.Context) -> str:
        """Act."""
        return "done"

    async with Sandbox(clock=Behind()) as sandbox:
        config = bot.settings(token=sandbox.token, rest_url=sandbox.rest_url, database=":memory:")
        await bot.start(config, clock=Clock())
        try:
            ada = People(sandbox.world, patience=10).member("ada")
            await ada.slash("act")
            refused = await ada.slash("act")
            told = int(refused.content.split("<t:")[1].split(":R>")[0])
            assert told - sandbox.world.clock.time() == pytest.approx(30, abs=1.5)
        finally:
            await bot.close()


# ---- the life of a prompt ----


async def test_a_second_click_on_the_same_answer_is_no_news() -> None:
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Ask."""
        await ctx.respond(f"It is {await ctx.confirm('Sure?')}")

    async with connect(bot) as discord:
        ada = discord.member("ada")
        question = await ada.slash("ask")
        first, second = await asyncio.gather(ada.click(question, "Yes"), ada.click(question, "Yes"))
        await discord.rest()
        assert {first.failed, second.failed} == {None}
        assert posted(discord) == ["Sure?", "It is True"]
        assert [message.content for message in ada.messages] == ["Sure?", "It is True"]


async def test_a_click_at_the_end_of_a_question_is_told_that_it_has_ended() -> None:
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Ask."""
        await ctx.respond(f"It is {await ctx.confirm('Sure?', timeout=5)}")

    async with connect(bot) as discord:
        ada = discord.member("ada")
        question = await ada.slash("ask")
        discord.delay("PATCH", "@original", 1)  # the buttons are not switched off yet
        await discord.advance(seconds=5.5)
        assert discord.faults.delayed
        clicked = await ada.click(question, "Yes")
        assert discord.faults.delayed
        await discord.advance(seconds=1)
        assert clicked.content.startswith("This has ended.")
        assert posted(discord)[-1] == "It is None"


async def test_a_form_that_may_have_been_dismissed_is_no_reason_to_write_at_the_end() -> None:
    bot = wisp.Bot()

    @bot.command
    async def note(ctx: wisp.Context) -> str | None:
        """Take a note."""
        form = await ctx.form(Note)
        return form and form.text

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Ask."""
        await ctx.confirm("Sure?")

    async with connect(bot) as discord:
        ada = discord.member("ada")
        await ada.slash("note")
        await ada.slash("ask")
        await bot.close()
        assert shown_to(ada) == ["Sure?", "The bot is restarting. Please try again in a moment."]


async def test_an_open_form_holds_no_place_and_the_submitted_one_waits_for_it() -> None:
    bot = wisp.Bot()
    running = 0

    @bot.command
    @wisp.concurrency(1, bucket="global")
    async def note(ctx: wisp.Context) -> str | None:
        """Take a note."""
        nonlocal running
        form = await ctx.form(Note)
        running += 1
        assert running == 1
        await asyncio.sleep(10)
        running -= 1
        return form and form.text

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        await ada.slash("note")  # and closes it
        opened = [await person.slash("note") for person in (ada, bob)]
        assert all(reply.modal for reply in opened)
        sent = [asyncio.ensure_future(p.submit(o, text=p.name)) for p, o in zip((ada, bob), opened, strict=True)]
        await asyncio.sleep(0)
        await discord.advance(seconds=5)
        assert (await ada.slash("note")).content.startswith("This is running already.")
        await discord.advance(seconds=20)
        assert [(await one).content for one in sent] == ["ada", "bob"]
        assert running == 0
