"""The terminal chat: what a line does, what is written, what Tab offers."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import hikari
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wisp
from wisp.local.chat import advancer
from wisp.local.virtual_time import VirtualTime, virtual_time
from wisp.sandbox.people.commands import File
from wisp.sandbox.people.person import People
from wisp.sandbox.terminal.chat import Terminal, example
from wisp.sandbox.terminal.completion import split_last
from wisp.sandbox.terminal.text import CONTROLS
from wisp.sandbox.world.changes import BotConnected, BotDisconnected, InteractionAnswered
from wisp.sandbox.world.objects import JSON, Impossible
from wisp.sandbox.world.world import World
from wisp.testing import Discord, connect


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        return [fruit for fruit in ("apple", "apricot", "red currant") if fruit.startswith(typed)]

    @bot.command
    async def hello(ctx: wisp.Context, name: str = "you") -> str:
        """Say hello."""
        return f"Hello {name}!"

    @bot.command(ephemeral=True)
    async def secret(ctx: wisp.Context) -> str:
        """Whisper."""
        return "psst"

    @bot.command
    async def story(ctx: wisp.Context) -> None:
        """Defer, answer, change, add, take back."""
        await ctx.defer()
        await ctx.edit("one")
        await ctx.edit("two")
        more = await ctx.respond(embed=hikari.Embed(title="Three"))
        await more.delete()

    @bot.command
    async def choose(
        ctx: wisp.Context,
        mood: Literal["very good", "bad"],
        fruit: Annotated[str, wisp.Option("One", autocomplete=fruits)] = "apple",
        times: int = 1,
        share: float = 0.5,
        loud: bool = False,
        who: hikari.User | None = None,
        where: hikari.PartialChannel | None = None,
        role: hikari.Role | None = None,
        file: hikari.Attachment | None = None,
    ) -> str:
        """Take everything."""
        named = [one and int(one.id) for one in (who, where, role)]
        return f"{mood}, {fruit}, {times}, {share}, {loud}, {named}, {file and file.filename}"

    return bot


@asynccontextmanager
async def a_chat(bot: wisp.Bot | None = None) -> AsyncIterator[tuple[Discord, Terminal, list[str]]]:
    """A terminal on a running bot, and what it wrote."""
    written: list[str] = []
    async with connect(bot or a_bot()) as discord:
        with Terminal(discord.member("ada"), written.append) as terminal:
            yield discord, terminal, written


def quiet_chat(write: Callable[[str], object] = print, time: VirtualTime | None = None) -> Terminal:
    """A terminal in a world without a bot."""
    return Terminal(People(World(clock=time and time.clock)).member("ada"), write)


async def test_a_command_is_typed_and_its_answer_is_written() -> None:
    async with a_chat() as (_, terminal, written):
        reply = await terminal.enter('/hello name:"Ada L."')
        assert (written, reply and reply.content) == (["wisp: Hello Ada L.!"], "Hello Ada L.!")


async def test_mentions_in_an_option_are_sent_as_mentions_and_read_as_names() -> None:
    async with a_chat() as (discord, terminal, written):
        reply = await terminal.enter("/hello name:@bob")
        assert written == ["wisp: Hello @bob!"]
        assert reply
        assert reply.content == f"Hello {discord.member('bob').mention}!"


async def test_what_is_private_says_who_sees_it() -> None:
    async with a_chat() as (_, terminal, written):
        await terminal.enter(":as bob")
        await terminal.enter("/secret")
        assert written == ["wisp: psst  (only bob sees this)"]


async def test_a_story_is_told_as_it_happens() -> None:
    async with a_chat() as (_, terminal, written):
        await terminal.enter("/story")
        assert written == [
            "wisp is thinking...",
            "wisp: one",
            "wisp (edited): two",
            "wisp: | Three",
            "wisp deleted: | Three",
        ]


async def test_every_kind_of_option_can_be_typed(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("x", encoding="utf-8")
    async with a_chat() as (discord, terminal, written):
        mods = discord.world.roles.add(next(iter(discord.world.guilds.values())), "mods")
        bob, general = discord.member("bob"), discord.channel("general")
        await terminal.enter(
            f'/choose mood:"very good" fruit:kiwi times:3 share:0.25 loud:yes who:@bob where:#general role:@mods '
            f'file:"{tmp_path / "a b.txt"}"'
        )
        assert written == [f"wisp: very good, kiwi, 3, 0.25, True, [{bob.id}, {general.id}, {mods.id}], a b.txt"]


async def test_a_thread_can_be_typed_for_a_channel_and_gone_to() -> None:
    async with a_chat() as (discord, terminal, written):
        ada = discord.member("ada")
        thread = (await ada.start_thread("Game plans", await ada.say("plan"))).channel
        written.clear()
        await terminal.enter('/choose mood:bad where:"#Game plans"')
        assert written == [f"wisp: bad, apple, 1, 0.5, False, [None, {thread.id}, None], None"]
        assert await terminal.completions("/choose where:#Ga") == ['where:"#Game plans"']
        await terminal.enter(":in #Game plans")
        assert terminal.person.channel is thread


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("/choose mood:fine", "expected one of very good, bad, got 'fine'"),
        ("/choose mood:bad times:many", "option 'times': expected a whole number, got 'many'"),
        ("/choose mood:bad share:half", "option 'share': expected a number, got 'half'"),
        ("/choose mood:bad share:nan", "option 'share': expected a number"),
        ("/choose mood:bad loud:maybe", "expected True or False, got 'maybe'"),
        ("/choose mood:bad who:@nobody", "Sandbox has no '@nobody'; it has @ada, @wisp, @bob"),
        ("/choose mood:bad where:#no", "Sandbox has no '#no'; it has #general"),
        ("/choose mood:bad file:/no/such", "expected a path to a file, got '/no/such': No such file"),
        ("/choose mood:bad file:\0", "expected a path to a file"),
        ("/hello nam:x", "Did you mean name"),
        ("/helo", "Did you mean /hello"),
        ("/hello 'x", "/hello has no subcommands"),
        ("/choose @bob", r"Options are given by name: who:@bob$"),
        ("/choose mood:bad times:0.5", "expected a whole number, got '0.5'$"),
        (":ass bob", "there is no :ass; there is :as "),
        (":as", "expected :as PERSON"),
        (":help me", ":help stands alone"),
        (":as eve", r"nobody is called 'eve'; here are ada, bob \(:join eve lets them in\)"),
        (":join bob", "bob is a member of Sandbox already"),
        ("x" * 2001, "1 to 2000 characters"),
    ],
)
async def test_a_line_that_cannot_be_done_says_why(typed: str, complaint: str) -> None:
    async with a_chat() as (_, terminal, written):
        with pytest.raises(Impossible, match=complaint) as caught:
            await terminal.enter(typed)
        assert "\n" not in str(caught.value)
        assert written == []


async def test_who_speaks_and_where_is_in_the_prompt() -> None:
    written: list[str] = []
    terminal = quiet_chat(written.append)
    prompts = [terminal.prompt]
    for typed in (":as bob", ":in #ops", ":guild Other", ":join eve", ":as @eve", ":dm", ":guild Sandbox"):
        try:
            await terminal.enter(typed)
        except Impossible as error:
            written.append(str(error))
        prompts.append(terminal.prompt)
    assert prompts == [
        "ada in Sandbox #general> ",
        "bob in Sandbox #general> ",
        "bob in Sandbox #ops> ",
        "bob in Other #general> ",
        "bob in Other #general> ",
        "eve in Other #general> ",
        "eve in direct messages> ",
        "eve in direct messages> ",
    ]
    assert written == [
        "-- there was no #ops: it is new",
        "-- there was no guild Other: it is new, and bob's",
        "-- eve joined Other",
        "eve is not a member of Sandbox",
    ]


async def test_quit_and_help() -> None:
    written: list[str] = []
    terminal = quiet_chat(written.append)
    await terminal.enter(":help")
    assert ":quit" in written[0]
    assert written[0].startswith("/name option:value ")
    assert not terminal.over
    await terminal.enter(":quit")
    assert terminal.over


async def test_the_example_of_help_is_a_command_of_the_bot() -> None:
    async with a_chat() as (_, terminal, written):
        await terminal.enter(":help")
        assert written.pop().startswith("/hello name:text           a command of the bot; ")
        for command in terminal.person.commands():
            await terminal.enter(example(command))
        assert written[0] == "wisp: Hello text!"
        assert written[-1] == "wisp: very good, apple, 1, 0.5, False, [None, None, None], None"


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ([], "/do"),
        ([{"type": 2, "name": "a", "options": [{"type": 1, "name": "b"}]}], "/do a b"),
        ([{"type": 4, "name": "n", "min_value": 7, "required": True}, {"type": 3, "name": "t"}], "/do n:7"),
        ([{"type": 10, "name": "n", "max_value": -2}], "/do n:-2"),
        (
            [{"type": kind, "name": "x", "required": True} for kind in (5, 6, 7, 11)],
            "/do x:true x:@bob x:#general x:a.png",
        ),
        ([{"type": 3, "name": "t", "choices": [{"name": "a b", "value": "c"}]}], '/do t:"a b"'),
    ],
)
def test_an_example_shows_how_options_are_written(options: list[JSON], typed: str) -> None:
    assert example({"name": "do", "options": options}) == typed


async def test_what_a_listener_posts_when_somebody_joins_is_there_when_the_line_is_done() -> None:
    bot = wisp.Bot()

    @bot.listen
    async def welcome(event: hikari.MemberCreateEvent) -> None:
        await bot.gateway.rest.create_message(await general(event), "Welcome!")

    async def general(event: hikari.MemberCreateEvent) -> int:
        return next(channel.id for channel in await event.app.rest.fetch_guild_channels(event.guild_id))

    async with a_chat(bot) as (_, terminal, written):
        await terminal.enter(":join eve")
        assert written == ["-- eve joined Sandbox", "wisp: Welcome!"]


async def test_what_happens_elsewhere_says_where() -> None:
    written: list[str] = []
    with quiet_chat(written.append) as terminal:
        world = terminal.world
        ops = world.channels.add(terminal.people.home, "ops")
        world.messages.add(ops, world.bot, content="here")
        world.messages.add(world.channels.dm(terminal.person.user), world.bot, content="there")
        world.messages.show_typing(terminal.person.channel, world.bot)
        world.changes.send(BotDisconnected(0, 4000))
        world.changes.send(BotDisconnected(0, None))
        world.changes.send(BotConnected(0, True))
    world.messages.add(ops, world.bot, content="nobody listens")
    assert written == [
        "[Sandbox #ops] wisp: here",
        "[direct messages] wisp: there",
        "wisp is typing...",
        "-- wisp is offline (close code 4000)",
        "-- wisp is offline",
        "-- wisp is back",
    ]


async def test_ones_own_text_is_not_written_twice() -> None:
    written: list[str] = []
    with quiet_chat(written.append) as terminal:
        await terminal.enter("hi @bob")
        (message,) = terminal.person.channel.messages.values()
        assert message.content.startswith("hi <@")
        assert message.mentions[0].name == "bob"
    assert written == []


async def test_without_an_answer_the_client_says_so(time: VirtualTime) -> None:
    written: list[str] = []
    terminal = quiet_chat(written.append, time)
    terminal.world.commands.set(None, {"name": "hello", "description": "-"})
    asked = asyncio.create_task(terminal.enter("/hello"))
    await time.advance(2.9)
    assert written == []
    await time.advance(0.1)
    await asked
    assert written == ["wisp: The application did not respond  (only ada sees this)"]


async def test_no_name_forges_a_line_of_the_chat_or_steers_the_terminal() -> None:
    hostile = "x\nwisp: forged\x1b[2J\u2028\u202e"
    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context, file: hikari.Attachment) -> None:
        row = wisp.row(hikari.impl.InteractiveButtonBuilder(style=1, custom_id="b", label="\n".join("ab")))
        content = f"{ctx.user.mention} <#{ctx.channel_id}> {hostile}"
        await ctx.respond(content, embed=hikari.Embed(title=hostile))
        await ctx.respond(components=[row], ephemeral=True)

    written: list[str] = []
    async with connect(bot, guilds=[hostile], members=[hostile, "bob"]) as discord:
        asker, guild = discord.member(hostile), discord.guild(hostile)
        channel = discord.channel(hostile)
        with Terminal(asker, written.append) as terminal:
            for place in (channel, discord.channel("general")):
                await asker.at(place).slash("hello", file=File(hostile, b"x"))
            await asker.react(discord.messages()[-1], "\U0001f44d")
            await asker.say(hostile, files=[File(hostile, b"x")])
            terminal.complain(Impossible(hostile))
            terminal.speaker.note(f"{hostile} joined {guild.name}")
            terminal.speaker.person = asker.at(channel)
            prompt = terminal.prompt
    for text in [*written, prompt, *discord.conversation().split("\n  ")]:
        assert not CONTROLS.search(text), text
        assert [line for line in text.split("\n")[1:] if not line.startswith("  ")] == [], text


async def test_colour_only_where_it_was_asked_for() -> None:
    written: list[str] = []
    terminal = Terminal(People(World()).member("ada"), written.append, colour=True)
    terminal.complain(Impossible("no"))
    quiet_chat(written.append).complain(Impossible("no"))
    assert written == ["\x1b[31m! no\x1b[0m", "! no"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("/he", ["/hello"]),
        ("/", ["/hello", "/secret", "/story", "/choose"]),
        ("/hello ", ["name:"]),
        ("/hello name:x n", []),
        ("/choose mood:v", ['mood:"very good"']),
        ('/choose mood:"v', ['mood:"very good"']),
        ("/choose mood:bad fruit:ap", ["fruit:apple", "fruit:apricot"]),
        ("/choose mood:nonsense fruit:re", ['fruit:"red currant"']),
        ("/choose loud:t", ["loud:true"]),
        ("/choose who:@b", ["who:@bob"]),
        ("/choose who:", ["who:@ada", "who:@bob", "who:@wisp"]),
        ("/choose where:", ["where:#general"]),
        ("/choose times:", []),
        ("/nope x", []),
        ('/hello name:"a b', []),
        (":a", [":attach", ":as"]),
        (":as b", ["bob"]),
        (":in ", ["#general"]),
        (":guild s", ["Sandbox"]),
        ("hi @b", ["@bob"]),
        ("hi", []),
        ("", []),
    ],
)
async def test_tab_offers_what_can_be_typed_next(typed: str, expected: list[str]) -> None:
    async with a_chat() as (_, terminal, _written):
        assert await terminal.completions(typed) == expected


LINES = st.text() | st.text(alphabet='/:hello "\\\n@#b', max_size=30).map(lambda text: "/hello " + text)


@settings(deadline=None, max_examples=60)
@given(typed=LINES)
async def test_any_line_is_done_or_refused(typed: str) -> None:
    terminal = quiet_chat()
    terminal.people.patience = 0.0
    terminal.world.commands.set(None, {"name": "hello", "description": "-"})
    await terminal.completions(typed)
    with suppress(Impossible):
        await terminal.enter(typed)


@given(st.text())
def test_the_last_word_is_what_no_space_follows(typed: str) -> None:
    head, word = split_last(typed)
    assert head + word == typed
    assert not any(character.isspace() for character in word)


# ---- buttons, selects, forms, menus ----


def a_bot_with_buttons() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.component("pick:{what}")
    async def pick(ctx: wisp.ComponentContext, what: str) -> str:
        names = [getattr(one, "name", None) or getattr(one, "display_name", "") for one in ctx.selected]
        return f"{what} {' '.join([*ctx.values, *names] if what == 'colour' else names)}"

    class Card(wisp.Form):
        """A card"""

        text: str
        name: str = "nobody"

    @bot.component("write")
    async def write(ctx: wisp.ComponentContext) -> str:
        form = await ctx.form(Card)
        return f"{form.text} by {form.name}" if form else "nothing"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show everything."""
        await ctx.respond(
            "Here:",
            components=[
                wisp.row(write.bind().button("Write it"), wisp.link_button("Docs", "https://example.com")),
                wisp.row(pick.bind("colour").select(["dark red", "blue"], placeholder="Colour", max=2)),
                wisp.row(pick.bind("user").user_select(placeholder="Who")),
                wisp.row(pick.bind("channel").channel_select(placeholder="Where")),
            ],
        )

    @bot.user_command(name="Who")
    async def who(ctx: wisp.Context, user: hikari.User) -> str:
        return user.username

    @bot.message_command(name="Shout")
    async def shout(ctx: wisp.Context, message: hikari.Message) -> str:
        return (message.content or "").upper()

    return bot


async def test_buttons_selects_forms_and_menus_are_used_by_typing() -> None:
    async with a_chat(a_bot_with_buttons()) as (_, terminal, written):
        for typed, expected in (
            ("/show", "wisp: Here:\n  [Write it] [Docs] [Colour] [Who] [Where]"),
            (':select Colour "dark red" blue', "wisp: colour dark red blue"),
            (":select Who @bob", "wisp: user bob"),
            (":select Where #general", "wisp: channel general"),
            (":menu Who @bob", "wisp: bob"),
            ("hello", ""),
            (":menu Shout", "wisp: HELLO"),
            (
                ":click Write it",
                "wisp: opens the form 'A card'  (only ada sees this)\n  :submit text:... name:(optional)",
            ),
            (':submit text:"so be it" name:Ada', "wisp: so be it by Ada"),
        ):
            written.clear()
            await terminal.enter(typed)
            assert written[-1:] == ([expected] if expected else []), typed


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (":click Nope", "there is no button 'Nope'"),
        (":click Docs", "is a link to https://example.com"),
        (":click", "expected :click BUTTON"),
        (":select Colour purple", "does not offer 'purple'"),
        (':select "open', "a quote is opened and never closed"),
        (":select Who @nobody", "has no '@nobody'"),
        (":submit text:x", "no form is open"),
        (":menu Nope @bob", "no command in the menu of users 'Nope'"),
        (":menu Who @nobody", "has no 'nobody'"),
    ],
)
async def test_what_cannot_be_pressed_says_why(typed: str, complaint: str) -> None:
    async with a_chat(a_bot_with_buttons()) as (_, terminal, _written):
        await terminal.enter("/show")
        with pytest.raises(Impossible) as raised:
            await terminal.enter(typed)
        assert complaint in str(raised.value)


async def test_tab_offers_buttons_selects_menus_and_fields() -> None:
    async with a_chat(a_bot_with_buttons()) as (_, terminal, _written):
        await terminal.enter("/show")
        await terminal.enter(":click Write it")
        for typed, expected in (
            (":click W", ["Write it"]),
            (":select W", ["Who", "Where"]),
            (":menu ", ["Who", "Shout"]),
            (":submit t", ["text:"]),
        ):
            assert await terminal.completions(typed) == expected, typed


async def test_a_form_whose_fields_have_odd_names_can_be_sent() -> None:
    bot = wisp.Bot()

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Open a form."""
        row = hikari.impl.ModalActionRowBuilder().add_text_input("a:b c", "Label")
        await ctx.respond_with_modal("Odd", "odd", components=[row])

    @bot.modal("odd")
    async def odd(ctx: wisp.ModalContext) -> str:
        return ctx.values["a:b c"]

    async with a_chat(bot) as (_, terminal, written):
        await terminal.enter("/ask")
        assert written[-1].endswith(':submit "a:b c":...')
        await terminal.enter(':submit "a:b c":"so be it"')
        assert written[-1] == "wisp: so be it"


async def test_the_newest_message_that_has_the_button_is_meant() -> None:
    terminal = quiet_chat()
    terminal.people.patience = 0.0
    world, channel = terminal.world, terminal.person.channel
    rows = {
        label: [{"type": 1, "components": [{"type": 2, "style": 1, "custom_id": f"id {label}", **look}]}]
        for label, look in {"Old": {"label": "Old"}, "👍": {"emoji": {"name": "👍"}}, "New": {"label": "New"}}.items()
    }
    for label in ("New", "Old", "👍", "New"):
        world.messages.add(channel, world.bot, content=label, components=rows[label])
    for typed in ("Old", "👍", "New"):
        await terminal.enter(f":click {typed}")
    messages = [one.message for one in world.interactions.values()]
    assert [one and one.content for one in messages] == ["Old", "👍", "New"]
    assert messages[-1] is list(world.messages.values())[-1]


async def test_a_form_that_nobody_answered_can_be_sent_again(time: VirtualTime) -> None:
    terminal = quiet_chat(time=time)
    world = terminal.world
    world.commands.set(None, {"name": "ask", "description": "-"})
    asking = asyncio.create_task(terminal.enter("/ask"))
    await asyncio.sleep(0)
    (asked,) = world.interactions.values()
    text = {"type": 4, "custom_id": "t", "label": "T", "style": 1}
    asked.modal = {"custom_id": "m", "title": "M", "components": [{"type": 1, "components": [text]}]}
    asked.answered = True
    world.changes.send(InteractionAnswered(asked, 9))
    await asking
    for sent in (2, 3):
        await terminal.enter(":submit t:x")
        assert len(world.interactions) == sent


def a_bot_of_times() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.job("tea")
    async def tea(channel_id: int) -> None:
        await bot.gateway.rest.create_message(channel_id, "Tea is ready")

    @bot.command
    async def remind(ctx: wisp.Context, delay: timedelta) -> str:
        """Remind of tea."""
        await ctx.services.get("scheduler").once(
            "tea", delay=delay.total_seconds(), data={"channel_id": ctx.channel_id}
        )
        return "I will"

    return bot


@asynccontextmanager
async def a_chat_with_time(bot: wisp.Bot) -> AsyncIterator[tuple[VirtualTime, Terminal, list[str]]]:
    written: list[str] = []
    async with connect(bot) as discord:
        with (
            virtual_time() as time,
            Terminal(discord.member("ada"), written.append, advance=advancer(time, None)) as terminal,
        ):
            yield time, terminal, written


async def test_time_is_advanced_and_what_falls_due_is_written_before_the_new_time() -> None:
    async with a_chat_with_time(a_bot_of_times()) as (time, terminal, written):
        for delay in ("3h", "2h"):
            await terminal.enter(f"/remind delay:{delay}")
        written.clear()
        before = time.clock.time()
        await terminal.enter(":advance 2h 59m")
        assert time.clock.time() - before == pytest.approx(2 * 3600 + 59 * 60, abs=1)
        now = datetime.fromtimestamp(time.clock.time(), UTC)
        assert written == ["wisp: Tea is ready", f"-- it is {now:%Y-%m-%d %H:%M:%S} UTC now"]
        await terminal.enter(':advance "90s"')
        assert written[2] == "wisp: Tea is ready"
        await terminal.enter(":help")
        assert ":advance DURATION" in "\n".join(written)
        assert await terminal.completions(":adv") == [":advance"]
        assert await terminal.completions(":advance 1") == ["1m", "1h", "1d"]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (":advance", "expected :advance DURATION"),
        (":advance soon", "expected a duration such as 90s, 2h or 1d 6h, got 'soon'"),
        (":advance 2", "expected a duration such as 90s, 2h or 1d 6h, got '2'"),
        (f":advance {'x' * 60}", f"got '{'x' * 50}...'"),
        (":advance -2h", "time moves forward only: expected more than 0s, got '-2h'"),
        (":advance 0s", "time moves forward only: expected more than 0s, got '0s'"),
        (":advance 36500d", "time cannot be moved by '36500d': Discord's ids, which contain the time, end in 2084"),
        (":advance 999999999999999d", "end in 2084"),
    ],
)
async def test_time_that_cannot_be_advanced_stays_and_says_why(typed: str, complaint: str) -> None:
    async with a_chat_with_time(a_bot_of_times()) as (time, terminal, written):
        before = time.clock.time()
        with pytest.raises(Impossible) as raised:
            await terminal.enter(typed)
        assert complaint in str(raised.value)
        assert (time.clock.time() - before, written) == (pytest.approx(0, abs=1), [])


async def test_two_who_advance_the_time_take_their_turns() -> None:
    async with a_chat_with_time(a_bot_of_times()) as (time, terminal, _):
        before = time.clock.time()
        await asyncio.gather(terminal.enter(":advance 1h"), terminal.enter(":advance 2h"))
        assert time.clock.time() - before == pytest.approx(3 * 3600, abs=1)


async def test_time_that_a_thread_holds_up_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisp.local.external_work.WORK_TIMEOUT", 0.05)
    written: list[str] = []
    done = threading.Event()
    with virtual_time(flows=True) as time:
        people = People(World(clock=time.clock))
        terminal = Terminal(people.member("ada"), written.append, advance=advancer(time, None))
        working = asyncio.create_task(asyncio.to_thread(done.wait))
        try:
            with pytest.raises(
                Impossible, match=r"the time cannot pass: .* timed out waiting for Event\.wait in a thread"
            ):
                await terminal.enter(":advance 2h")
        finally:
            done.set()
        await working
        await terminal.enter(":advance 2h")
    assert written[0].startswith("-- it is ")


async def test_the_time_of_a_bot_in_another_process_is_not_advanced() -> None:
    terminal = quiet_chat()
    with pytest.raises(Impossible, match="the bot runs in another process, whose time the sandbox cannot move"):
        await terminal.enter(":advance 2h")
    assert await terminal.completions(":adv") == []
