"""The examples, run as people run them: on the sandbox, by hand in the terminal, killed and started again."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import hikari
import pytest

import wisp
from wisp.local.runner import on_sandbox
from wisp.local.virtual_time import VirtualTime
from wisp.sandbox import Sandbox
from wisp.sandbox.people import People, Reply
from wisp.sandbox.world import BotConnected, BotDisconnected
from wisp.testing import Impossible, connect, create_mock_bot, create_mock_context, create_mock_interaction

EXAMPLES = Path(__file__).parents[1] / "examples"


def bot_of(name: str) -> wisp.Bot:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    bot: wisp.Bot = module.bot
    return bot


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_no_example_has_a_mistake_or_a_remark(path: Path) -> None:
    assert [str(mistake) for mistake in bot_of(path.stem).check()] == []


# ---- the poll ----


def counts(reply: Reply) -> dict[str, str]:
    return {field.name: field.value for field in reply.embeds[0].fields}


async def test_the_poll_counts_each_person_once() -> None:
    async with connect(bot_of("poll")) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("poll", question="Tea?", choices="yes")).ephemeral
        reply = await ada.slash("poll", question="Tea?", choices="yes, no: never")
        other = await ada.slash("poll", question="Cake?", choices="yes, no")
        await ada.click(reply, "yes")
        await bob.click(reply, "yes")
        await bob.click(reply, "no: never")
        await bob.click(other, "no")
        assert counts(reply) == {"yes": "1", "no: never": "1"}
        assert counts(other) == {"yes": "0", "no": "1"}


@contextmanager
def running(example: str, sandbox: Sandbox, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """An example as a process of its own, on a sandbox of ours."""
    environ = {
        **os.environ,
        "DISCORD_TOKEN": sandbox.token,
        "WISP_REST_URL": sandbox.rest_url,
        "WISP_DATABASE": str(directory / "wisp.db"),
    }
    with subprocess.Popen([sys.executable, EXAMPLES / f"{example}.py"], env=environ, cwd=directory) as process:
        try:
            yield process
        finally:
            process.kill()


async def connected(sandbox: Sandbox, kind: type = BotConnected) -> None:
    """Wait until the bot is on, or off."""
    happened = asyncio.Event()
    stop = sandbox.world.watch(lambda happening: happened.set() if isinstance(happening, kind) else None)
    try:
        async with asyncio.timeout(20):
            await happened.wait()
    finally:
        stop()


async def test_the_polls_buttons_count_on_after_kill_9_and_a_restart(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        people = People(sandbox.world)
        ada, bob = people.member("ada"), people.member("bob")
        with running("poll", sandbox, tmp_path) as process:
            await connected(sandbox)
            reply = await ada.slash("poll", question="Tea?", choices="yes,no")
            await ada.click(reply, "yes")
            assert counts(reply) == {"yes": "1", "no": "0"}
            process.send_signal(signal.SIGKILL)
            await connected(sandbox, BotDisconnected)
        with running("poll", sandbox, tmp_path):
            await connected(sandbox)
            await bob.click(reply, "yes")
            assert counts(reply) == {"yes": "2", "no": "0"}
            await ada.click(reply, "no")
            assert counts(reply) == {"yes": "1", "no": "1"}


# ---- quotes ----


async def test_quotes_are_kept_shown_in_pages_and_forgotten_by_who_is_sure() -> None:
    async with connect(bot_of("quotes")) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("quotes")).content == "There are no quotes yet."
        for number in range(6):
            await bob.slash("quote", text=f"text {number}")
        assert (await ada.menu("Quote this", await bob.say("the last"))).content == "That is quote 7."
        reply = await ada.slash("quotes")
        assert reply.embeds[0].description == "\n".join(f"{number + 1}. text {number}" for number in range(5))
        await ada.click(reply, "Next")
        assert reply.embeds[0].description == "6. text 5\n7. the last"
        assert (await bob.slash("forget")).content == "You need the permission Manage Messages for this."
        asked = await ada.slash("forget")
        await ada.click(asked, "Keep them")
        assert (await ada.slash("quotes")).embeds
        asked = await ada.slash("forget")
        await ada.click(asked, "Forget them")
        assert (await ada.slash("quotes")).content == "There are no quotes yet."


# ---- feedback ----


async def test_feedback_is_a_form_and_its_answer_another_one() -> None:
    async with connect(bot_of("feedback")) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        opened = await ada.slash("feedback")
        reply = await ada.submit(opened, {"In a few words": "Lovely", "Tell us more": "All of it"})
        assert reply.content == f"{ada.mention} says:"
        assert (reply.embeds[0].title, reply.embeds[0].description) == ("Lovely", "All of it")
        answer = await bob.submit(await bob.click(reply, "Answer"), text="Thanks!")
        assert answer.content == f"{bob.mention} on “Lovely”: Thanks!"


# ---- moderation ----


async def test_moderation_is_for_moderators_in_measure() -> None:
    async with connect(bot_of("moderation")) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        refused = await bob.slash("mod warn", member=ada)
        assert refused.content == "You need the permission Timeout Members for this."
        assert (await ada.slash("mod warn", member=ada)).content == "Find somebody else for that."
        for number in range(1, 4):
            reply = await ada.slash("mod warn", member=bob, reason="too loud")
            assert reply.content == f"{bob.mention} is warned: too loud (no. {number})"
            assert reply.ephemeral
        assert (await ada.slash("mod warn", member=bob)).content.startswith("Slow down")
        await discord.advance(minutes=1)
        await ada.slash("mod warn", member=bob)
        assert (await ada.slash("mod notes add", member=bob, text="loud")).content == f"1 notes about {bob.mention}."
        assert (await ada.slash("mod recount")).content == "4 warnings."
        assert (await bob.menu("Warnings", bob)).content == f"{bob.mention}: 4 warnings."
        with pytest.raises(Impossible, match="cannot be used in direct messages"):
            await ada.at(discord.world.dm(ada.user)).slash("mod recount")
    assert hikari.Permissions.MODERATE_MEMBERS


# ---- reminders ----


async def test_reminders_come_are_listed_and_forgotten() -> None:
    async with connect(bot_of("reminders")) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("reminders")).content == "Of nothing."
        for text, after in (("tea", "10m"), ("cake", "2h"), ("sleep", "12h")):
            assert (await ada.slash("remind", text=text, after=after)).content.startswith("I will remind you <t:")
        await bob.slash("remind", text="nothing of hers", after="1h")
        listed = await ada.slash("reminders")
        assert [line.split(" ", 1)[1] for line in listed.content.splitlines()] == ["tea", "cake", "sleep"]
        await ada.click(listed, "Forget cake")
        assert listed.content == "Forgotten."
        await discord.advance(hours=25)
        said = [message.content for message in discord.messages()]
        assert said == [f"{ada.mention}: tea", f"{bob.mention}: nothing of hers", f"{ada.mention}: sleep"]


async def test_reminders_come_after_kill_9_and_a_restart(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        people = People(sandbox.world)
        ada = people.member("ada")

        def said() -> list[str]:
            return [message.content for message in sandbox.world.messages.values() if "tea" in message.content]

        with running("reminders", sandbox, tmp_path) as process:
            await connected(sandbox)
            await ada.slash("remind", text="tea", after="1s")
            await ada.slash("remind", text="more tea", after="2h")
            listed = await ada.slash("reminders")
            process.send_signal(signal.SIGKILL)
            await connected(sandbox, BotDisconnected)
        await asyncio.sleep(1)
        with running("reminders", sandbox, tmp_path):
            await connected(sandbox)
            async with asyncio.timeout(20):
                while f"{ada.mention}: tea" not in said():
                    await asyncio.sleep(0.02)
            await ada.click(listed, "Forget more tea")
            assert listed.content == "Forgotten."
            assert (await ada.slash("reminders")).content == "Of nothing."


# ---- modules ----


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of the bot of modules on sys.path, and its package forgotten afterwards."""
    monkeypatch.syspath_prepend(EXAMPLES / "modules")
    yield
    for name in [name for name in sys.modules if name.split(".", maxsplit=1)[0] == "parts"]:
        del sys.modules[name]


@pytest.mark.usefixtures("parts")
async def test_the_bot_of_modules_has_one_off_in_one_of_two_servers_through_a_restart(
    time: VirtualTime, tmp_path: Path
) -> None:
    database = str(tmp_path / "wisp.db")
    for run in (1, 2):
        bot = bot_of("modules/bot")
        assert bot.modules.list() == ["levels", "points", "welcome"]
        async with on_sandbox(bot, keep=database, clock=time.clock) as sandbox:
            people, world = People(sandbox.world), sandbox.world
            home, other = next(iter(world.guilds.values())), world.add_guild("Other", id=4242)
            ada, bob = people.member("ada"), people.member("bob")
            there, bob_there = people.member("ada", other), people.member("bob", other)
            if run == 1:
                for _ in range(3):
                    await ada.slash("thank", member=bob)
                    await there.slash("thank", member=bob_there)
                assert await bot.modules.disable("points", guild_id=other.id) == ["levels", "points"]
                assert await bot.modules.enable("welcome", guild_id=home.id) == ["welcome"]
            assert (await bob.slash("points")).content == "You have 3 points."
            assert (await ada.menu("Level", bob)).content == f"{bob.mention} is on level 1."
            assert "“points” is off in this server." in (await bob_there.slash("points")).content
            assert "“levels” is off in this server." in (await there.menu("Level", bob)).content
            people.member(f"new{run}")
            people.member(f"new{run}", other)
            await time.until()
            greeted = [message.content for message in world.messages.values() if message.author is world.bot]
            assert [line for line in greeted if line.startswith("Welcome")] == [
                f"Welcome {people.member(f'new{run}').mention}!"
            ]


@pytest.mark.usefixtures("parts")
async def test_a_newcomer_is_waved_at() -> None:
    bot = bot_of("modules/bot")
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert ada.guild
        await bot.modules.enable("welcome", guild_id=ada.guild.id)
        zoe = discord.member("zoe")
        await discord.rest()
        reply = await ada.click(discord.messages()[-1], "Wave")
        assert reply.content == f"{ada.mention} waves at {zoe.mention}."


# ---- by hand ----


@pytest.mark.parametrize(
    ("example", "typed", "expected"),
    [
        (
            "poll",
            ['/poll question:"Tea?" choices:"yes,no"', ":click yes", ":as bob", ":click yes"],
            ["  | yes: 2"],
        ),
        (
            "quotes",
            [
                "/quote text:hello",
                "/quotes",
                "hello there",
                ':menu "Quote this"',
                "/forget",
                ':click "Forget them"',
                "/quotes",
            ],
            ["  | 1. hello", "wisp: That is quote 2.", "wisp: There are no quotes yet."],
        ),
        (
            "feedback",
            ["/feedback", ':submit title:"Very nice"', ":as bob", ":click Answer", ":submit text:Thanks"],
            [
                "wisp: opens the form 'Tell us what you think'  (only ada sees this)",
                "wisp: @bob on “Very nice”: Thanks",
            ],
        ),
        (
            "modules/bot",
            ["/thank member:@bob", "/modules disable module:levels", ":menu Level @bob"],
            [
                "wisp: “levels” is off in this server. `/modules enable module:levels` turns it on.  (only ada sees this)"  # noqa: E501
            ],
        ),
        (
            "reminders",
            ['/remind text:tea after:"1h"', "/reminders", ':click "Forget tea"', "/reminders"],
            ["wisp: Of nothing.  (only ada sees this)"],
        ),
        (
            "moderation",
            ["/mod warn member:@bob", ":menu Warnings @bob"],
            ["wisp: @bob: 1 warnings.  (only ada sees this)"],
        ),
    ],
)
def test_the_examples_can_be_tried_by_hand(example: str, typed: list[str], expected: list[str]) -> None:
    wisp_program = Path(sys.executable).with_name("wisp")
    run = subprocess.run(
        [wisp_program, "sandbox", EXAMPLES / f"{example}.py"],
        input="\n".join(typed) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    told = run.stdout.splitlines()
    assert [line for line in expected if line not in told] == [], run.stdout + run.stderr
    assert run.returncode == 0


# ---- examples/guide.py: the guide's snippets and its complete example, in one bot ----


async def test_the_complete_example_counts_remembers_and_cools_down() -> None:
    bot = bot_of("guide")
    async with connect(bot) as discord:
        assert bot.modules.missing == {}
        ada = discord.member("ada")
        reply = await ada.slash("example")
        assert reply.content == "Success!"
        assert (reply.embeds[0].title, reply.embeds[0].description) == ("Example Command", "This is an example!")
        assert (await ada.slash("example")).content.startswith("Slow down")
        await discord.advance(seconds=5)
        assert (await ada.slash("example")).content == "Success!"
        assert await bot.services.get("cache").get("example_count") == 2
        assert ada.guild
        last_used = await bot.guild_data.get(guild_id=ada.guild.id, key="last_used", module_name="example")
        assert datetime.fromisoformat(last_used).tzinfo is not None
        alone = ada.at(discord.world.dm(ada.user))
        assert (await alone.slash("example")).content == "This works in servers only."


async def test_the_guides_commands_and_groups_answer() -> None:
    async with connect(bot_of("guide")) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("hello")).content == "Hello!"
        assert (await ada.slash("greet", user=bob)).content == f"Hello, {bob.mention}!"
        assert (await ada.slash("guild-only")).content == "This only works in servers!"
        assert (await ada.slash("admin kick", user=bob)).content == f"Kicked {bob.mention}"
        pages = await ada.slash("pages")
        await ada.click(pages, "Next")
        assert pages.embeds[0].title == "Page 2"
        with discord.expects(ValueError):
            assert "This will be caught!" in (await ada.slash("safe")).content


async def test_the_guides_events_are_heard_those_of_its_own_too() -> None:
    async with connect(bot_of("guide")) as discord:
        bob, eve = discord.member("bob"), discord.member("eve")
        await discord.rest()
        for word in ("one", "two", "three"):
            await bob.say(word)
        said = [message.content for message in discord.messages("general")]
        assert said == [f"Welcome {eve.mention}!", "one", "two", "three", f"{bob.mention} talks a lot!"]


async def test_the_guides_task_runs_each_hour_and_its_services_count_and_note() -> None:
    bot = bot_of("guide")
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("hours")).content == "0 so far."
        await discord.advance(hours=24)
        assert (await ada.slash("hours")).content == "24 so far."
        assert (await ada.slash("audited")).content == "\n".join(
            [f"user_action by {ada.mention}: {{'key': 'value'}}"] * 2
        )
        text = bot.services.get("metrics").prometheus()
        assert "commands_executed_total 2" in text
        assert "command_duration_seconds_count 2" in text


async def test_the_guides_module_that_is_off_by_default_is_turned_on_and_keeps_its_data() -> None:
    async with connect(bot_of("guide")) as discord:
        ada = discord.member("ada")
        assert "`/modules enable module:my_module` turns it on" in (await ada.slash("count")).content
        await ada.slash("modules enable", module="my_module")
        await ada.slash("count")
        assert (await ada.slash("count")).content == "Here is {'command_count': 2}"
        await discord.restart()
        assert (await ada.slash("count")).content == "Here is {'command_count': 3}"
        await ada.slash("forget")
        assert (await ada.slash("count")).content == "Here is {'command_count': 1}"


async def test_the_guides_modules_load_after_what_they_depend_on() -> None:
    bot = bot_of("guide")
    async with connect(bot):
        order = bot.modules.list()
        assert order.index("base_module") < order.index("commands") < order.index("my_module")
    alone = wisp.Bot(modules=[bot.modules.get("my_module")])
    async with connect(alone):
        assert "base_module" in alone.modules.missing["my_module"]


def test_the_guides_mocks_have_real_services_and_no_invented_names() -> None:
    interaction = create_mock_interaction(user_id=123456)
    bot = create_mock_bot()
    ctx = create_mock_context()
    assert interaction.user.id == 123456
    for mock in (interaction, bot, ctx):
        with pytest.raises(AttributeError, match="services"):
            mock.servicse  # noqa: B018


async def test_the_guides_complete_module_can_be_tried_with_mocks() -> None:
    bot, ctx = create_mock_bot(), create_mock_context()
    module = bot_of("guide").modules.get("example")
    await module.setup(bot, ctx)
    interaction = create_mock_interaction(user_id=123456)
    await bot.find("example")(interaction)
    assert interaction.replies[0].content == "Success!"
    assert await ctx.services.get("cache").get("example_count") == 1
    await module.teardown(bot, ctx)
