"""Modules: the contract, the order, loading while the bot runs, and the gate on every path."""

import asyncio
import gc
import importlib
import logging
import os
import re
import runpy
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.local.runner import on_sandbox
from wisp.modules.loader import dependents, load_order, problems_of_needs
from wisp.owner import unattached
from wisp.sandbox.people.person import People
from wisp.testing import Discord, Impossible, connect


def module(
    name: str,
    setup: Any = None,
    *,
    teardown: Any = None,
    depends_on: Any = (),
    required_services: Any = (),
    default_enabled: Any = True,
) -> wisp.Module:
    """A module of this name with a command /<name>, unless `setup` does something else."""

    async def command_alone(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name=name.lower().replace(" ", "-"))
        async def say(ctx: wisp.Context) -> str:
            """Say the name."""
            return name

    async def setup_(self: Any, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        await (setup or command_alone)(bot, ctx)

    async def teardown_(self: Any, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        if teardown:
            await teardown(bot, ctx)

    body = {
        "name": name,
        "setup": setup_,
        "teardown": teardown_,
        "depends_on": depends_on,
        "required_services": required_services,
        "default_enabled": default_enabled,
    }
    made: wisp.Module = type("Made", (wisp.Module,), body)()
    return made


# ---- the contract ----


class ByProperties(wisp.Module):
    """As the guide writes it."""

    @property
    def name(self) -> str:
        return "guided"

    @property
    def default_enabled(self) -> bool:
        return True

    @property
    def required_services(self) -> set[str]:
        return {"cache"}

    @property
    def depends_on(self) -> list[str]:
        return []

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name="hello", description="Say hello")
        async def hello(inner: wisp.Context) -> str:
            await ctx.guild_data.set(guild_id=inner.guild_id or 0, key="k", value=1, module_name=self.name)
            return f"{await inner.data.get('k')} {ctx.name} {ctx.services.get('cache') is not None} {ctx.config}"


async def test_a_module_of_the_guide_works_and_its_data_is_its_own() -> None:
    bot = wisp.Bot(modules=[ByProperties()])
    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("hello")
        assert reply.content == "1 guided True {}"
        assert bot.modules.list() == ["guided"]
        assert isinstance(bot.modules.get("guided"), ByProperties)
        assert bot.modules.get("other") is None


class Marked(wisp.Module):
    name = "marked"

    def __init__(self) -> None:
        self.heard: list[str] = []

    @wisp.command(name="press")
    async def show(self, ctx: wisp.Context) -> None:
        """Show a button."""
        await ctx.respond("x", components=[wisp.row(self.button.bind(7).button("Go"))])

    @wisp.component("marked:{number}")
    @wisp.cooldown(60.0)
    async def button(self, ctx: wisp.ComponentContext, number: int) -> str:
        return f"{self.name} {number}"

    @wisp.user_command(name="Who")
    async def who(self, ctx: wisp.Context, user: hikari.User) -> str:
        return user.username

    @wisp.listen
    async def joined(self, event: hikari.MemberCreateEvent) -> None:
        self.heard.append(event.user.username)


async def test_marked_methods_register_themselves_and_bind() -> None:
    marked = Marked()
    async with connect(wisp.Bot(modules=[marked])) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("press")
        assert (await ada.click(reply, "Go")).content == "marked 7"
        assert (await ada.click(reply, "Go")).content.startswith("Slow down")
        assert (await ada.menu("Who", ada)).content == "ada"
        discord.member("newcomer")
        await discord.rest()
        assert marked.heard == ["newcomer"]


MARKS = """
import hikari, wisp

bot = wisp.Bot(database=":memory:")

@wisp.command
async def one(ctx: wisp.Context) -> str: "It is a command."

@wisp.command(name="two")
async def two(ctx: wisp.Context) -> str: "It is a command."

@wisp.user_command(name="Three")
async def three(ctx: wisp.Context, user: hikari.User) -> None: ...

@wisp.message_command(name="Four")
async def four(ctx: wisp.Context, message: hikari.Message) -> None: ...

@wisp.component("five")
async def five(ctx: wisp.ComponentContext) -> None: ...

@wisp.modal("six")
async def six(ctx: wisp.ModalContext) -> None: ...

@wisp.listen
async def seven(event: hikari.StartedEvent) -> None: ...

@wisp.listen(hikari.StartedEvent)
async def eight(event: hikari.StartedEvent) -> None: ...

@wisp.every(minutes=1)
async def nine() -> None: ...

@wisp.cron("* * * * *")
async def ten() -> None: ...

@wisp.job("eleven")
async def eleven() -> None: ...

def nested():
    @wisp.command
    async def twelve(ctx: wisp.Context) -> None: ...

nested()

class NoModule:
    @wisp.command
    async def thirteen(self, ctx: wisp.Context) -> None: ...

class Hidden(wisp.Module):
    @staticmethod
    @wisp.command
    async def fourteen(ctx: wisp.Context) -> None: ...

    @classmethod
    @wisp.listen
    async def fifteen(cls, event: hikari.StartedEvent) -> None: ...

def made():
    @wisp.command
    async def in_a_class(self, ctx: wisp.Context) -> None: "It is used below."
    return in_a_class

class Mixin:
    @wisp.every(minutes=1)
    async def of_a_module(self) -> None: ...

class Fine(Mixin, wisp.Module):
    name = "fine"
    used = made()

    @wisp.command
    @staticmethod
    async def above(ctx: wisp.Context) -> None: "It is registered."

    @wisp.listen
    @classmethod
    async def above_as_well(cls, event: hikari.StartedEvent) -> None: ...
"""


async def test_a_mark_on_what_is_no_method_of_a_module_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "marks.py"
    file.write_text(MARKS)
    bot = runpy.run_path(str(file))["bot"]
    found = {mistake.where.split('"')[1]: mistake for mistake in bot.check()}
    numbers = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    assert list(found) == numbers.split()
    kinds = "command command user_command message_command component modal listen listen every cron job command"
    for mistake, kind in zip(found.values(), kinds.split(), strict=False):
        assert mistake.message == "it is not a method of a module, and is never registered"
        assert mistake.fix.startswith(f"Write `@bot.{kind}`; in a class derived from wisp.Module, put it above all")
    lines = MARKS.splitlines()
    for name, mistake in found.items():
        assert mistake.file == str(file)
        assert any(f"async def {name}(" in line for line in lines[mistake.line : mistake.line + 3])
    with pytest.raises(wisp.errors.CheckError, match="never registered"):
        async with connect(bot):
            pass


LATE = """
import wisp
bot = wisp.Bot()

class Late(wisp.Module):
    name = "late"

    @wisp.command
    async def first(self, ctx: wisp.Context) -> None: "It is there from the start."

@wisp.command
async def second(self, ctx: wisp.Context) -> str: return "It comes later."

Late.second = second
bot.modules.register(Late())
"""


async def test_a_method_that_a_module_class_got_later_is_registered(tmp_path: Path) -> None:
    file = tmp_path / "late.py"
    file.write_text(LATE)
    bot = runpy.run_path(str(file))["bot"]
    assert not [problem for problem in bot.check() if not problem.is_warning]
    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("second")).content == "It comes later."


async def test_a_mark_in_a_setup_keeps_the_module_from_loading(caplog: pytest.LogCaptureFixture) -> None:
    async def setup(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @wisp.command
        async def inside(ctx: wisp.Context) -> None: ...

    bot = wisp.Bot(modules=[module("marks", setup=setup)])
    async with connect(bot):
        assert "it is not a method of a module, and is never registered" in bot.modules.missing["marks"]
    assert bot.check() == []


@pytest.mark.parametrize("name", ["", " x", "x" * 101, "a\nb", None, 7])
def test_a_name_that_cannot_be_used_is_refused_in_words(name: Any) -> None:
    with pytest.raises(wisp.WispError, match=r"Made\.name is .*: expected a str of 1 to 100 characters"):
        wisp.Bot(modules=[module("x") if name == "x" else type("Made", (wisp.Module,), {"name": name})()])


def test_a_second_module_of_one_name_is_refused() -> None:
    bot = wisp.Bot(modules=[ByProperties()])
    with pytest.raises(wisp.WispError, match="ByProperties already"):
        bot.modules.register(module("guided"))


def test_what_is_no_module_is_refused() -> None:
    bot = wisp.Bot()
    with pytest.raises(wisp.WispError, match="expected a module, got"):
        bot.modules.register(ByProperties)  # type: ignore[arg-type]
    with pytest.raises(wisp.WispError, match="holds /modules"):
        bot.modules.register(module("modules"))


# ---- the order, and what does not load ----

GRAPHS = st.integers(1, 8).flatmap(
    lambda count: st.lists(st.lists(st.integers(0, count), max_size=3), min_size=count, max_size=count)
)


@given(GRAPHS)
def test_for_any_graph_the_order_holds_and_failures_reach_exactly_the_dependents(graph: list[list[int]]) -> None:
    needs = {f"m{number}": [f"m{one}" for one in needed] for number, needed in enumerate(graph)}
    order = load_order(needs)
    assert sorted(order) == sorted(needs)
    loaded: list[str] = []
    for name in order:
        if not problems_of_needs(name, needs, loaded):
            loaded.append(name)
    broken = {name for name in needs if any(one not in needs for one in needs[name])}
    broken |= {name for name in needs if reaches(name, name, needs)}
    reached = {name for name in needs if any(reaches(name, one, needs) for one in broken)}
    assert {*needs} - {*loaded} == broken | reached


def reaches(start: str, end: str, needs: dict[str, list[str]]) -> bool:
    seen: set[str] = set()
    left = list(needs.get(start, ()))
    while left:
        one = left.pop()
        if one == end:
            return True
        if one not in seen:
            seen.add(one)
            left += needs.get(one, ())
    return False


@given(GRAPHS)
def test_dependents_come_before_what_they_need(graph: list[list[int]]) -> None:
    needs = {f"m{number}": [f"m{one}" for one in needed] for number, needed in enumerate(graph)}
    order = [name for name in load_order(needs) if not reaches(name, name, needs)]
    for name in order:
        found = [one for one in dependents(name, needs) if one in order]
        assert {one for one in order if reaches(one, name, needs)} == set(found)
        for place, one in enumerate(found):
            assert not any(reaches(later, one, needs) for later in found[place + 1 :])


async def fails(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
    @bot.command
    async def half(ctx: wisp.Context) -> None:
        """Half of it."""

    @bot.listen
    async def heard(event: hikari.MemberCreateEvent) -> None:
        raise AssertionError("it was rolled back")

    raise ValueError("oops")


async def mistaken(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
    @bot.command
    async def wrong(ctx: wisp.Context, times) -> None:  # type: ignore[no-untyped-def]
        """Wrong."""


class Typo(wisp.Module):
    name = "typo"
    depends_on = ("fines",)


async def test_what_cannot_load_says_why_and_everything_else_runs(caplog: pytest.LogCaptureFixture) -> None:
    bot = wisp.Bot(
        modules=[
            module("late", depends_on=["fine"]),
            module("fine"),
            module("failing", fails),
            module("over", depends_on=["failing"]),
            module("lonely", depends_on=["nobody"]),
            module("one", depends_on=["two"]),
            module("two", depends_on=["one"]),
            module("itself", depends_on=["itself"]),
            module("hungry", required_services={"soup"}),
            Typo(),
            module("mistaken", mistaken),
            module("odd", depends_on="fine"),
            module("twice", lambda bot, ctx: again(bot)),
        ]
    )

    async def again(bot: wisp.ModuleBot) -> None:
        @bot.command(name="fine")
        async def fine(ctx: wisp.Context) -> None:
            """Taken."""

    with caplog.at_level(logging.INFO, "wisp"):
        async with connect(bot) as discord:
            ada = discord.member("ada")
            assert [command["name"] for command in ada.commands()] == ["fine", "late", "modules"]
            assert (await ada.slash("late")).content == "late"
            discord.member("newcomer")
            await discord.rest()
            listed = "\n".join(
                f"{field.name} {field.value}" for field in (await ada.slash("modules list")).embeds[0].fields
            )
    missing = bot.modules.missing
    assert sorted(missing) == sorted(
        ["failing", "over", "lonely", "one", "two", "itself", "hungry", "mistaken", "odd", "twice", "typo"]
    )
    assert missing["failing"].startswith("ValueError: oops (")
    assert "test_modules.py:" in missing["failing"]
    assert missing["over"] == 'it needs the module "failing", which is not loaded'
    assert missing["lonely"] == 'it needs the module "nobody", and there is none of that name'
    assert "one -> two -> one" in missing["one"]
    assert "itself -> itself" in missing["itself"]
    assert missing["hungry"] == 'it needs the service "soup": there is none of that name'
    assert 'option "times": it has no annotation' in missing["mistaken"]
    assert missing["odd"] == """its depends_on is 'fine': expected names, as in ["greeter"]"""
    assert 'another command is called "fine"' in missing["twice"]
    assert "failing: not loaded ValueError: oops" in listed
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert 'module "hungry" did not load: it needs the service "soup"' in logged
    assert re.search(r'none of that name[.] Did you mean "fine"[?] \(\S*test_modules[.]py:\d+\)', logged)
    assert "2 modules, 11 not loaded (" in logged


async def without_context(self: wisp.Module) -> None:
    """Take too few parameters to be a setup or a teardown."""


DEFINITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no": ({"default_enabled": "no"}, "its default_enabled is 'no': expected True or False"),
    "broken": (
        {"default_enabled": property(lambda self: 1 / 0)},
        "its default_enabled is ZeroDivisionError('division by zero'): expected True or False",
    ),
    "text": ({"description": 5}, "its description is 5: expected a str"),
    "space": ({"namespace": 5}, "its namespace is 5: expected a str, or None"),
    "bytes": ({"required_services": [b"db"]}, "its required_services is [b'db']: expected names, as in"),
    "number": ({"setup": 5}, "its setup is not `async def setup(self, bot, ctx)`: it is a value of type int, not a"),
    "plain": ({"setup": lambda *_: None}, "`async def setup(self, bot, ctx)`: its function is not async"),
    "short": (
        {"teardown": without_context},
        "teardown(self, bot, ctx)`: it is called with (bot, ctx)",
    ),
}


async def test_wrong_attributes_and_methods_of_a_module_are_named_before_it_is_set_up() -> None:
    bot = wisp.Bot(
        modules=[type("Made", (wisp.Module,), {"name": name, **DEFINITIONS[name][0]})() for name in DEFINITIONS]
    )
    bot.modules.register(
        type("All", (wisp.Module,), {"name": "all", "namespace": 5, "description": 5, "depends_on": "x"})()
    )
    async with connect(bot):
        for name, (_, expected) in DEFINITIONS.items():
            assert expected in bot.modules.missing[name]
            with pytest.raises(wisp.WispError, match=re.escape(expected)):
                await bot.modules.load(name)
        assert [mistake.message.split(":")[0] for mistake in bot.modules.problems["all"]] == [
            "its description is 5",
            "its depends_on is 'x'",
            "its namespace is 5",
        ]


async def test_all_modules_and_services_that_a_module_lacks_are_named_at_once() -> None:
    lacking = {"depends_on": ["nobody", "nothing"], "required_services": ["soup", "salt"]}
    bot = wisp.Bot(
        modules=[
            module("lonely", **lacking),
            module("failing", fails),
            module("broken", fails),
            module("over", depends_on=["failing", "broken"], required_services=["soup"]),
        ]
    )
    async with connect(bot):
        for name, names in {
            "lonely": ["nobody", "nothing", "soup", "salt"],
            "over": ["failing", "broken", "soup"],
        }.items():
            problems = [mistake.message for mistake in bot.modules.problems[name]]
            assert [re.findall('"(.+?)"', problem) for problem in problems] == [[one] for one in names]
            assert bot.modules.missing[name] == "; ".join(problems)
        with pytest.raises(wisp.WispError, match=r'"nobody".*"nothing".*"soup".*"salt"'):
            await bot.modules.load("lonely")


async def test_strict_stops_with_every_reason() -> None:
    bot = wisp.Bot(strict=True, modules=[module("a", fails), module("b", depends_on=["nobody"]), module("c")])
    with pytest.raises(wisp.errors.StartError) as raised:
        async with connect(bot):
            pass
    assert 'module "a": ValueError: oops' in str(raised.value)
    assert 'module "b": it needs the module "nobody"' in str(raised.value)


async def test_hundreds_of_modules_load_in_their_order() -> None:
    order: list[str] = []

    def setup(name: str) -> Any:
        async def noted(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            order.append(name)

            @bot.component(f"{name}:{{number}}")
            async def press(ctx: wisp.ComponentContext, number: int) -> None: ...

        return noted

    names = [f"m{number}" for number in range(300)]
    bot = wisp.Bot(
        modules=[
            module(name, setup(name), depends_on=names[number + 1 : number + 2]) for number, name in enumerate(names)
        ]
    )
    async with connect(bot):
        assert order == names[::-1]


# ---- while the bot runs ----


async def test_a_module_is_unloaded_and_loaded_with_those_that_need_it() -> None:
    order: list[str] = []

    def noted(word: str) -> Any:
        async def note(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            order.append(word)
            if word.startswith("+"):

                @bot.command(name=word[1:])
                async def say(ctx: wisp.Context) -> str:
                    """Say."""
                    return word

        return note

    bot = wisp.Bot(
        modules=[
            module("base", noted("+base"), teardown=noted("-base")),
            module("top", noted("+top"), teardown=noted("-top"), depends_on=["base"]),
        ]
    )
    async with connect(bot) as discord:
        ada = discord.member("ada")
        await bot.modules.unload("base")
        assert order == ["+base", "+top", "-top", "-base"]
        assert [command["name"] for command in ada.commands()] == ["modules"]
        await bot.modules.load("top")
        assert order[4:] == ["+base", "+top"]
        assert (await ada.slash("top")).content == "+top"
        await bot.modules.load("top")  # it runs already
        await bot.modules.reload("base")
        assert order[6:] == ["-top", "-base", "+base", "+top"]
        assert (await ada.slash("top")).content == "+top"
        for act in (bot.modules.load, bot.modules.unload, bot.modules.reload):
            with pytest.raises(wisp.WispError, match=r'there is no module "Basse"[.] Did you mean "base"[?]'):
                await act("Basse")
        for decide in (bot.modules.enable, bot.modules.disable, bot.modules.is_enabled):
            with pytest.raises(wisp.WispError, match=r'there is no module "tops"[.] Did you mean "top"[?]'):
                await decide("tops", guild_id=1)
        with pytest.raises(wisp.WispError, match='there is no module "nobody"; there is base, top'):
            await bot.modules.load("nobody")
    assert order[10:] == ["-top", "-base"]


async def test_calls_that_run_end_first_and_nothing_new_comes_in() -> None:
    bot = wisp.Bot()
    events: list[str] = []

    async def setup(mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @mine.command
        async def slow(ctx: wisp.Context) -> str:
            """Slow."""
            await asyncio.sleep(0.2)
            events.append("ended")
            return "done"

    async def teardown(mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        events.append("torn down")

    bot.modules.register(module("m", setup, teardown=teardown))
    async with connect(bot) as discord:
        bot.runtime.shutdown_timeout = 5.0
        ada = discord.member("ada")
        calling = asyncio.ensure_future(ada.slash("slow"))
        await asyncio.sleep(0.05)
        await bot.modules.unload("m")
        assert (await calling).content == "done"
        assert events == ["ended", "torn down"]
        with pytest.raises(Impossible):
            await ada.slash("slow")


async def test_who_waits_for_a_person_holds_up_no_unload_and_the_person_is_told() -> None:
    async def setup(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command
        async def ask(ctx: wisp.Context) -> None:
            """Ask."""
            await ctx.confirm("Sure?")

        @bot.command
        async def hang(ctx: wisp.Context) -> None:
            """Never end."""
            await asyncio.Event().wait()

    bot = wisp.Bot(modules=[module("m", setup)])
    async with connect(bot) as discord:
        bot.runtime.shutdown_timeout = 0.2
        ada = discord.member("ada")
        asked = await ada.slash("ask")
        hanging = asyncio.ensure_future(ada.slash("hang"))
        await asyncio.sleep(0.05)
        await bot.modules.unload("m")
        restarting = "The bot is restarting. Please try again in a moment."
        assert [followup.content for followup in asked.followups] == [restarting]
        assert (await hanging).content == restarting
        assert (await ada.click(asked, "Yes")).content.startswith("This has ended.")


async def test_a_module_can_unload_itself_from_its_own_command() -> None:
    bot = wisp.Bot()

    async def setup(mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @mine.command
        async def leave(inner: wisp.Context) -> str:
            """Leave."""
            await ctx.bot.modules.unload("m")
            return "bye"

    bot.modules.register(module("m", setup))
    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("leave")).content == "bye"
        assert not bot.modules.is_loaded("m")


async def test_a_teardown_that_raises_is_logged_and_the_module_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    async def raises(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        raise ValueError("stuck")

    bot = wisp.Bot(modules=[module("m", teardown=raises)])
    async with connect(bot):
        await bot.modules.unload("m")
        assert not bot.modules.is_loaded("m")
    assert 'the teardown of module "m" failed' in caplog.text


async def test_what_a_module_cancels_itself_ends_nothing_but_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async def cancelled(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        task = asyncio.create_task(asyncio.sleep(1000))
        task.cancel()
        await task

    bot = wisp.Bot(modules=[module("a", teardown=cancelled), module("b", cancelled), module("c")])
    async with connect(bot):
        assert bot.modules.missing == {"b": "it raised CancelledError"}
        await bot.modules.unload("a")
        assert not bot.modules.is_loaded("a")
        assert bot.modules.is_loaded("c")
    assert 'the teardown of module "a" failed' in caplog.text


async def test_a_setup_and_a_teardown_that_hang_are_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def hangs(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("wisp.modules.registry._SETUP_LIMIT", 0.05)
    monkeypatch.setattr("wisp.runtime._CLOSING_LIMIT", 0.05)
    monkeypatch.setattr("wisp.session.CANCEL_TIMEOUT", 0.05)
    monkeypatch.setattr("wisp.runtime.CANCEL_TIMEOUT", 0.05)
    bot = wisp.Bot(modules=[module("a", hangs), module("b", teardown=hangs)])
    async with connect(bot):
        assert bot.modules.missing["a"].startswith("its setup took more than 0.05 s (")
        assert "in hangs)" in bot.modules.missing["a"]
        await bot.modules.unload("b")
    assert 'the teardown of module "b" took more than 0.05 s' in caplog.text


async def test_a_setup_that_fails_while_the_bot_runs_leaves_nothing() -> None:
    bot = wisp.Bot(modules=[module("a")])
    async with connect(bot) as discord:
        bot.modules.register(module("b", fails))
        with pytest.raises(wisp.WispError, match='module "b" did not load: ValueError: oops'):
            await bot.modules.load("b")
        ada = discord.member("ada")
        assert [command["name"] for command in ada.commands()] == ["a", "modules"]
        discord.member("newcomer")
        await discord.rest()


async def test_a_module_that_needs_another_intent_is_refused_once_the_bot_is_connected() -> None:
    async def setup(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.listen
        async def heard(event: hikari.MemberCreateEvent) -> None: ...

    bot = wisp.Bot(modules=[module("a")])
    async with connect(bot):
        bot.modules.register(module("b", setup))
        with pytest.raises(wisp.WispError, match="its listeners need the intent GUILD_MEMBERS"):
            await bot.modules.load("b")


async def test_modules_do_not_change_while_the_bot_starts() -> None:
    bot = wisp.Bot(modules=[module("a")])
    refused: list[str] = []

    @bot.on_start
    async def too_early() -> None:
        for change in (bot.modules.load("a"), bot.modules.unload("a"), bot.modules.disable("a", guild_id=1)):
            with pytest.raises(wisp.WispError, match="it is still starting") as caught:
                await change
            refused.append(str(caught.value))

    async with connect(bot):
        assert len(refused) == 3
        assert bot.modules.is_loaded("a")


async def test_changes_at_once_take_turns_and_one_inside_a_setup_is_refused() -> None:
    async def nested(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        await ctx.bot.modules.load("a")

    bot = wisp.Bot(modules=[module("a"), module("b"), module("nested", nested)])
    async with connect(bot) as discord:
        assert "do this once setup, or teardown, has ended" in bot.modules.missing["nested"]
        with pytest.raises(wisp.WispError, match="once setup, or teardown, has ended"):
            await bot.modules.load("nested")
        await asyncio.gather(
            *(bot.modules.unload("a") for _ in range(3)),
            *(bot.modules.load("a") for _ in range(3)),
            *(bot.modules.reload("b") for _ in range(3)),
        )
        ada = discord.member("ada")
        assert (await ada.slash("a")).content == "a"
        assert (await ada.slash("b")).content == "b"


async def test_what_is_registered_after_setup_is_refused() -> None:
    kept: list[wisp.ModuleBot] = []

    async def setup(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        kept.append(bot)

    async with connect(wisp.Bot(modules=[module("m", setup)])):
        with pytest.raises(wisp.WispError, match="register everything in setup"):

            @kept[0].command
            async def late(ctx: wisp.Context) -> None:
                """Late."""


async def test_hundreds_of_rounds_leave_nothing_behind(timers: Callable[[], list[str]]) -> None:
    left: list[weakref.ref[Any]] = []

    class Busy(wisp.Module):
        name = "busy"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            class Card(wisp.Form):
                text: str

            @bot.command
            @wisp.cooldown(5.0)
            async def hello(ctx: wisp.Context) -> str:
                """Say hello."""
                await ctx.form(Card)
                return self.name

            group = bot.group("grouped", "Grouped")

            @group.command
            async def inside(ctx: wisp.Context) -> None:
                """Inside."""

            @bot.component("busy:{number}")
            async def press(ctx: wisp.ComponentContext, number: int) -> None: ...

            @bot.modal("busy:{number}")
            async def send(ctx: wisp.ModalContext, number: int) -> None: ...

            @bot.user_command
            async def who(ctx: wisp.Context, user: hikari.User) -> None: ...

            @bot.listen
            async def heard(event: hikari.GuildAvailableEvent) -> None: ...

            @bot.every(hours=1)
            async def hourly() -> None: ...

            @bot.job("later")
            async def later(number: int) -> None: ...

            left.extend(map(weakref.ref, (bot, ctx, hello, inside, press, send, who, heard, hourly, later, Card)))

    bot = wisp.Bot(modules=[Busy()])
    async with connect(bot) as discord:
        await discord.rest()
        tasks = len(asyncio.all_tasks())
        listeners = len(bot.gateway.get_listeners(hikari.GuildAvailableEvent))
        for number in range(200):
            await bot.modules.reload("busy")
            if number % 10 == 0:
                await bot.modules.unload("busy")
                await bot.modules.load("busy")
        await bot.modules.unload("busy")
        await discord.rest()
        gc.collect()
        assert len(left) == 11 * (1 + 200 + 20)
        assert [reference() for reference in left if reference() is not None] == []
        assert len(asyncio.all_tasks()) == tasks
        assert len(bot.gateway.get_listeners(hikari.GuildAvailableEvent)) == listeners - 1
        assert timers() == []


# ---- packages, and reading files again ----


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package of this test alone, called `parts_<something>`."""
    name = f"parts_{abs(hash(str(tmp_path)))}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield folder
    for imported in [one for one in sys.modules if one.split(".")[0] == name]:
        del sys.modules[imported]


SAYING = """
import wisp

class {cls}(wisp.Module):
    name = "{name}"

    async def setup(self, bot, ctx):
        @bot.command(name="{name}")
        async def say(ctx: wisp.Context) -> str:
            "Say it."
            return "{text}"
"""


def test_a_package_gives_the_modules_that_are_defined_in_it(package: Path) -> None:
    (package / "a.py").write_text(
        "import wisp\n"
        "class Base(wisp.Module):\n    name = 'base'\n"
        "class A(Base):\n    name = 'a'\n"
        "class Unnamed(wisp.Module):\n    pass\n"
    )
    (package / "b.py").write_text(
        f"from {package.name}.a import A\nfrom wisp import Module\nclass B(Module):\n    name = 'b'\n"
    )
    bot = wisp.Bot()
    assert bot.modules.discover(package.name) == ["a", "b"]
    assert bot.modules.discover(package.name) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_of_that_name", r"ModuleNotFoundError.*broken\.py:1"),
        ("x = 1\nraise ValueError('no')", r"ValueError: no \(.*broken\.py:2, in <module>\)"),
        ("def (", r"SyntaxError.*broken\.py:1"),
        (
            "import wisp\nclass M(wisp.Module):\n  name='m'\n  def __init__(self, x): ...",
            "cannot be made without arguments",
        ),
    ],
)
def test_a_file_that_does_not_import_is_named_with_its_line(package: Path, text: str, words: str) -> None:
    (package / "broken.py").write_text(text)
    with pytest.raises(wisp.WispError, match=words):
        wisp.Bot().modules.discover(package.name)


@pytest.mark.parametrize("text", ["import sys\nsys.exit(3)", "raise ValueError('no')"])
def test_a_package_below_that_does_not_import_is_named_with_its_line(package: Path, text: str) -> None:
    (package / "below").mkdir()
    (package / "below" / "__init__.py").write_text(text)
    with pytest.raises(wisp.WispError, match=r'below" does not import: .*__init__.py:\d'):
        wisp.Bot().modules.discover(package.name)


async def test_a_reload_reads_the_file_again_and_keeps_the_old_one_where_that_fails(package: Path) -> None:
    file = package / "one.py"
    file.write_text(SAYING.format(cls="One", name="one", text="first"))
    bot = wisp.Bot()
    bot.modules.discover(package.name)
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("one")).content == "first"
        file.write_text(SAYING.format(cls="One", name="one", text="second"))
        await bot.modules.reload("one")
        assert (await ada.slash("one")).content == "second"
        for broken in (
            "def (",
            "raise ValueError('no')",
            "import sys; sys.exit(3)",
            "import wisp\nclass Other(wisp.Module):\n    name = 'one'\n",
            SAYING.format(cls="One", name="renamed", text="x"),
            SAYING.format(cls="One", name="one", text="x").replace(
                "setup(self, bot, ctx):", "setup(self, bot, ctx):\n        1/0"
            ),
        ):
            file.write_text(broken)
            with pytest.raises(wisp.WispError, match='module "one" was not reloaded, and runs as before'):
                await bot.modules.reload("one")
            assert (await ada.slash("one")).content == "second"


async def test_a_reload_is_refused_if_the_new_version_cannot_load_and_nothing_is_taken_down(package: Path) -> None:
    def write_one(needs: str) -> None:
        saying = SAYING.format(cls="One", name="one", text="one")
        (package / "one.py").write_text(saying.replace('name = "one"', f'name = "one"; {needs}'))

    write_one("")
    bot = wisp.Bot(modules=[module("failing", fails), module("off"), module("top", depends_on=["one"])])
    bot.modules.discover(package.name)
    refused = {
        'depends_on = ["nobody"]': 'it needs the module "nobody", and there is none of that name',
        'depends_on = ["one"]': "circular dependency: one -> one",
        'depends_on = ["top"]': "circular dependency: one -> top -> one",
        'depends_on = ["failing"]': 'it needs the module "failing", which is not loaded',
        'depends_on = ["off"]': 'it needs the module "off", which is not loaded',
        'depends_on = "text"': "its depends_on is 'text': expected names",
        'required_services = ["soup"]': 'it needs the service "soup": there is none of that name',
        'default_enabled = "no"': "its default_enabled is 'no'",
        'depends_on = ["nobody"]; required_services = ["soup"]': 'of that name; it needs the service "soup"',
    }
    async with connect(bot) as discord:
        ada = discord.member("ada")
        await bot.modules.unload("off")
        running = [*bot.modules.owners()]
        for needs, reason in refused.items():
            write_one(needs)
            with pytest.raises(
                wisp.WispError, match=f'"one" was not reloaded, and runs as before: .*{re.escape(reason)}'
            ):
                await bot.modules.reload("one")
            assert bot.modules.owners() == running
            assert (await ada.slash("one")).content == "one"


async def test_a_reload_loads_a_module_whose_wrong_needs_are_corrected(package: Path) -> None:
    saying = SAYING.format(cls="One", name="one", text="one")
    (package / "one.py").write_text(saying.replace('name = "one"', 'name = "one"; depends_on = ["nobody"]'))
    bot = wisp.Bot(modules=[module("base")])
    bot.modules.discover(package.name)
    async with connect(bot) as discord:
        with pytest.raises(wisp.WispError, match='module "one" did not load: it needs the module "nobody"'):
            await bot.modules.reload("one")
        (package / "one.py").write_text(saying.replace('name = "one"', 'name = "one"; depends_on = ["base"]'))
        await bot.modules.reload("one")
        assert (await discord.member("ada").slash("one")).content == "one"
        assert bot.modules.missing == bot.modules.problems == {}


async def test_a_reload_that_fails_keeps_nothing_of_the_new_code(package: Path) -> None:
    text = GREET.format(imports="", text="'hello'")
    (package / "greet.py").write_text(text)
    bot = wisp.Bot()
    bot.modules.discover(package.name)
    async with connect(bot) as discord:
        before = {*unattached}
        (package / "greet.py").write_text(f"{text}\nlost = wisp.CommandGroup('lost')\nraise ValueError")
        with pytest.raises(wisp.WispError, match="runs as before"):
            await bot.modules.reload("greet")
        assert {*unattached} == before
        assert (await discord.member("ada").slash("hello")).content == "hello"


GREET = """
import wisp
{imports}

class Greet(wisp.Module):
    name = "greet"

    @wisp.command
    async def hello(self, ctx: wisp.Context) -> str:
        "Hello."
        return {text}
"""

IMPORTS = {
    "from . import texts": "texts.HELLO",
    "from .texts import HELLO": "HELLO",
    "import {package}.texts as texts": "texts.HELLO",
    "from {package}.texts import HELLO": "HELLO",
    "from .more import HELLO": "HELLO",  # a package below, which imports the file beside it
    "from .circle import hello": "hello()",  # which imports the package itself
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("layout", ["in the package", "imported by it", "in a file of it", "registered by hand"])
async def test_a_reload_reads_all_files_of_a_modules_own_package_however_they_import_each_other(
    package: Path, layout: str
) -> None:
    file = "__init__.py" if layout == "in the package" else "module.py"
    greet, bot = package / ("salute" if layout == "in a file of it" else "greet"), wisp.Bot()
    write(greet, {"__init__.py": "", "more/__init__.py": "from .deep import HELLO", "more/deep.py": ""})
    write(greet, {"circle.py": "from . import texts\ndef hello(): return texts.HELLO"})
    if layout == "imported by it":
        write(greet, {"__init__.py": "from .module import Greet"})
    write(greet, {"more/deep.py": "from ..texts import HELLO", "texts.py": "HELLO = 'hello'"})
    write(greet, {file: GREET.format(imports="", text="'nothing'")})
    if layout == "registered by hand":
        bot.modules.register(importlib.import_module(f"{package.name}.greet.module").Greet())
    else:
        bot.modules.discover(package.name)
    async with connect(bot) as discord:
        ada = discord.member("ada")
        for number, (imports, text) in enumerate(IMPORTS.items()):
            write(
                greet, {file: GREET.format(imports=imports.format(package=f"{package.name}.{greet.name}"), text=text)}
            )
            for word in ("hello", "hallo"):  # of one length, and most likely of one second
                write(greet, {"texts.py": f"HELLO = '{word} {number}'"})
                await bot.modules.reload("greet")
                assert (await ada.slash("hello")).content == f"{word} {number}"


async def test_a_compiled_file_of_the_same_second_and_size_is_not_taken_for_the_source(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    greet, bot = package / "greet", wisp.Bot()
    write(greet, {"__init__.py": GREET.format(imports="from .texts import HELLO", text="HELLO")})
    for word in ("hello", "hallo", "hullo"):
        write(greet, {"texts.py": f"HELLO = '{word}'"})
        os.utime(greet / "texts.py", (1_000_000_000, 1_000_000_000))
        if word == "hello":
            bot.modules.discover(package.name)
            continue
        async with connect(bot) as discord:
            await bot.modules.reload("greet")
            assert (await discord.member("ada").slash("hello")).content == word


async def test_where_a_file_of_the_package_does_not_import_or_set_up_all_of_the_old_code_goes_on(package: Path) -> None:
    files = {
        "__init__.py": GREET.format(imports="from . import checks, texts", text="texts.HELLO + checks.check()"),
        "scores.py": "class Score: pass",
        "checks.py": "from . import scores\ndef check(): return str(isinstance(make(), scores.Score))\n"
        "def make():\n from .scores import Score\n return Score()",
        "texts.py": "HELLO = 'old '",
        "lazy.py": "",  # imported when it is needed
    }
    greet, bot = package / "greet", wisp.Bot()
    write(greet, files)
    write(package, {"outside.py": "from . import greet", "shared.py": "read = []"})
    bot.modules.discover(package.name)
    outside = importlib.import_module(f"{package.name}.outside")
    shared = importlib.import_module(f"{package.name}.shared")

    async with connect(bot) as discord:
        ada = discord.member("ada")

        async def said() -> str:
            reply = await ada.slash("hello")
            assert outside.greet is sys.modules[f"{package.name}.greet"]
            assert outside.greet.texts is sys.modules[f"{package.name}.greet.texts"]
            assert outside.greet.texts.HELLO.strip() in reply.content
            return reply.content

        assert await said() == "old True"
        for broken in (
            {"texts.py": "HELLO = 'new '", "scores.py": "def ("},
            {"texts.py": "HELLO = 'new '", "checks.py": "raise ValueError"},
            {"texts.py": "HELLO = 'new '", "lazy.py": "import nothing_of_this_name"},
            {"texts.py": "HELLO = 'new '", "__init__.py": files["__init__.py"].replace('"greet"', '"other"')},
            {"texts.py": "HELLO = 'new '", "__init__.py": files["__init__.py"] + "    async def setup(*_): 1 / 0\n"},
        ):
            write(greet, {**files, **broken})
            with pytest.raises(wisp.WispError, match="runs as before"):
                await bot.modules.reload("greet")
            assert await said() == "old True"
        write(greet, {**files, "texts.py": "HELLO = 'new '"})
        old = weakref.ref(sys.modules[f"{package.name}.greet.scores"])
        await bot.modules.reload("greet")
        assert await said() == "new True"
        (greet / "scores.py").unlink()
        with pytest.raises(wisp.WispError, match="scores"):
            await bot.modules.reload("greet")
        assert await said() == "new True"
        write(greet, {"checks.py": "def check(): return ''"})
        await bot.modules.reload("greet")
        assert await said() == "new"
        assert f"{package.name}.greet.scores" not in sys.modules
        await discord.advance(seconds=3)  # the calls are no longer expected to be late
        gc.collect()
        assert old() is None
        assert sys.modules[f"{package.name}.shared"] is shared


async def test_files_that_a_module_shares_with_others_or_with_the_bot_are_not_read_again(package: Path) -> None:
    write(package, {"shared.py": "", "one.py": SAYING.format(cls="One", name="one", text="1")})
    write(package, {"two/__init__.py": SAYING.format(cls="Two", name="two", text="2"), "two/helper.py": ""})
    write(package, {"two/inner.py": SAYING.format(cls="Inner", name="inner", text="3")})
    write(package, {"app/__init__.py": "", "app/app.py": SAYING.format(cls="App", name="app", text="4")})
    write(package, {"app/bot.py": "import wisp\nbot = wisp.Bot()"})
    write(package, {"here.py": SAYING.format(cls="Here", name="here", text="5") + "\nbot = wisp.Bot()"})
    bot = importlib.import_module(f"{package.name}.app.bot").bot
    bot.modules.discover(package.name)
    before = {name: module for name, module in sys.modules.items() if name.startswith(package.name)}
    expected = {"one": {"one"}, "two": {"two"}, "inner": {"two.inner"}, "app": {"app.app"}}
    here = importlib.import_module(f"{package.name}.here")
    here.bot.modules.register(here.Here())
    async with connect(here.bot):
        await here.bot.modules.reload("here")
        assert sys.modules[here.__name__] is here
    async with connect(bot):
        for name, read in expected.items():
            await bot.modules.reload(name)
            changed = {name for name, module in before.items() if sys.modules[name] is not module}
            assert changed == {f"{package.name}.{file}" for file in read}
            sys.modules.update(before)


# ---- the gate ----


class Everything(wisp.Module):
    """Acts on every path that there is, and tells what it did."""

    name = "everything"

    def __init__(self) -> None:
        self.done: list[str] = []

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        done = self.done

        async def suggest(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
            done.append("autocomplete")
            return ["suggested"]

        @bot.command(name="slash")
        async def real(ctx: wisp.Context, text: Annotated[str, wisp.Option("Text", autocomplete=suggest)] = "") -> None:
            """Show everything."""
            done.append("slash")
            await ctx.respond(
                "x",
                components=[
                    wisp.row(button.bind().button("Button"), opens.bind().button("Opens"), asks.bind().button("Asks")),
                    wisp.row(select.bind().select(["a"])),
                ],
            )

        group = bot.group("grouped", "Grouped")

        @group.command
        async def inside(ctx: wisp.Context) -> str:
            """Inside."""
            done.append("group")
            return "x"

        @bot.user_command(name="On user")
        async def on_user(ctx: wisp.Context, user: hikari.User) -> str:
            done.append("user")
            return "x"

        @bot.message_command(name="On message")
        async def on_message(ctx: wisp.Context, message: hikari.Message) -> str:
            done.append("message")
            return "x"

        @bot.component("button")
        async def button(ctx: wisp.ComponentContext) -> str:
            done.append("button")
            return "x"

        @bot.component("select")
        async def select(ctx: wisp.ComponentContext) -> str:
            done.append("select")
            return "x"

        @bot.component("opens")
        async def opens(ctx: wisp.ComponentContext) -> None:
            row = hikari.impl.ModalActionRowBuilder().add_text_input("text", "Text", required=False)
            await ctx.respond_with_modal("Form", "form", components=[row])

        @bot.modal("form")
        async def form(ctx: wisp.ModalContext) -> str:
            done.append("modal")
            return "x"

        @bot.component("asks")
        async def asks(ctx: wisp.ComponentContext) -> None:
            if await ctx.confirm("Sure?"):
                done.append("confirmed")

        @bot.listen
        async def joined(event: hikari.MemberCreateEvent) -> None:
            done.append("event")

        @bot.listen
        async def own(event: LevelUp) -> None:
            done.append("own event")

        @bot.listen
        async def raw(event: hikari.InteractionCreateEvent) -> None:
            done.append("raw")


class LevelUp(wisp.Event):
    user_id: int
    guild_id: int | None = None


async def everything_is_tried(discord: Discord, bot: wisp.Bot, reply: Any, name: str) -> list[Any]:
    ada = discord.member("ada")
    assert ada.guild
    opened = await ada.click(reply, "Opens") if reply else None
    replies = [
        await ada.slash("slash"),
        await ada.slash("grouped inside"),
        await ada.menu("On user", ada),
        await ada.menu("On message", await ada.say("hello")),
    ]
    if reply:
        replies += [await ada.click(reply, "Button"), await ada.select(reply, "a"), opened]
    await ada.autocomplete("slash", "text", "x")
    discord.member(name)
    await discord.rest()
    await bot.emit(LevelUp(user_id=1, guild_id=ada.guild.id))
    return replies


async def test_a_module_that_is_off_does_nothing_on_any_path_and_says_how_to_turn_it_on() -> None:
    everything = Everything()
    bot = wisp.Bot(modules=[everything])
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert ada.guild
        guild_id = ada.guild.id
        reply = await ada.slash("slash")
        asked = await ada.click(reply, "Asks")
        form = await ada.click(reply, "Opens")
        everything.done.clear()

        assert await bot.modules.disable("everything", guild_id=guild_id) == ["everything"]
        assert not await bot.modules.is_enabled("everything", guild_id=guild_id)
        replies = await everything_is_tried(discord, bot, reply, "one")
        replies.append(await ada.submit(form, text="x"))
        for refused in replies:
            assert refused.ephemeral, refused
            assert refused.content == (
                "“everything” is off in this server. `/modules enable module:everything` turns it on, which needs "
                "Manage Server."
            )
        assert (await ada.click(asked, "Yes")).content.startswith("This has ended.")
        assert "which needs Manage Server" in (await bob.slash("slash")).content
        assert everything.done == []

        await bot.emit(LevelUp(user_id=1))  # nobody's server
        direct = await ada.at(discord.world.channels.dm(ada.user)).slash("grouped inside")
        assert direct.content == "x"
        other = discord.guild("Other")
        assert (await discord.member("ada", other).slash("grouped inside")).content == "x"
        assert [done for done in everything.done if done != "raw"] == ["own event", "group", "group"]

        everything.done.clear()
        assert await bot.modules.enable("everything", guild_id=guild_id) == ["everything"]
        await everything_is_tried(discord, bot, reply, "two")
        assert set(everything.done) == {
            "slash", "group", "user", "message", "button", "select", "autocomplete", "event", "own event", "raw",
        }  # fmt: skip


async def test_where_modules_are_on_outlives_a_restart_and_default_is_what_the_module_says(tmp_path: Path) -> None:
    database = str(tmp_path / "wisp.db")

    def bot() -> wisp.Bot:
        return wisp.Bot(modules=[module("usual"), module("shy", default_enabled=False)])

    async with on_sandbox(first := bot(), keep=database) as sandbox:
        guild_id = next(iter(sandbox.world.guilds))
        assert not await first.modules.is_enabled("shy", guild_id=guild_id)
        await first.modules.enable("shy", guild_id=guild_id)
        await first.modules.disable("usual", guild_id=guild_id)
    async with on_sandbox(second := bot(), keep=database) as sandbox:
        other = sandbox.world.guilds.add("Other")
        assert await second.modules.is_enabled("shy", guild_id=guild_id)
        assert not await second.modules.is_enabled("usual", guild_id=guild_id)
        assert not await second.modules.is_enabled("shy", guild_id=other.id)
        assert await second.modules.is_enabled("usual", guild_id=other.id)
        ada = People(sandbox.world).member("ada")
        assert "is off in this server" in (await ada.slash("usual")).content
        assert (await People(sandbox.world).member("ada", other).slash("usual")).content == "usual"


async def test_where_modules_are_on_is_kept_by_wisp_whatever_database_the_bot_brings() -> None:
    class Own:
        async def execute(self, sql: str, parameters: Any = ()) -> Any:
            raise RuntimeError("there are no such tables here")

        fetchone = fetchall = transaction = migrate = execute

    bot = wisp.Bot(modules=[module("m")])
    bot.services.register("db", Own())
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert ada.guild
        assert (await ada.slash("m")).content == "m"
        await bot.modules.disable("m", guild_id=ada.guild.id)
        assert "is off in this server" in (await ada.slash("m")).content


async def test_a_decision_that_the_database_refuses_changes_nothing() -> None:
    bot = wisp.Bot(modules=[module("m")])
    async with connect(bot) as discord:
        guild_id = next(iter(discord.world.guilds))
        db = bot.runtime.database
        assert db
        await db.execute("DROP TABLE wisp_modules")
        with pytest.raises(Exception, match="no such table"):
            await bot.modules.disable("m", guild_id=guild_id)
        assert await bot.modules.is_enabled("m", guild_id=guild_id)


async def test_many_guilds_decide_at_once_and_each_gets_its_way() -> None:
    bot = wisp.Bot(modules=[module("m")])
    async with connect(bot):
        await asyncio.gather(*(bot.modules.disable("m", guild_id=number) for number in range(1, 101)))
        await asyncio.gather(*(bot.modules.enable("m", guild_id=number) for number in range(1, 101, 2)))
        on = [await bot.modules.is_enabled("m", guild_id=number) for number in range(1, 101)]
    assert on == [True, False] * 50


async def test_modules_hear_of_what_was_turned_on_and_off() -> None:
    heard: list[tuple[str, int, str]] = []
    bot = wisp.Bot(modules=[module("base"), module("top", depends_on=["base"])])

    @bot.listen
    async def changed(event: wisp.events.ModuleEnabled | wisp.events.ModuleDisabled) -> None:
        heard.append((type(event).__name__, event.guild_id, event.module))

    async with connect(bot):
        assert await bot.modules.disable("base", guild_id=5) == ["top", "base"]
        assert await bot.modules.disable("base", guild_id=5) == []
        assert await bot.modules.enable("top", guild_id=5) == ["base", "top"]
    assert heard == [
        ("ModuleDisabled", 5, "top"),
        ("ModuleDisabled", 5, "base"),
        ("ModuleEnabled", 5, "base"),
        ("ModuleEnabled", 5, "top"),
    ]


# ---- /modules ----


async def test_members_who_manage_the_server_turn_modules_on_and_off() -> None:
    bot = wisp.Bot(modules=[module("base"), module("top", depends_on=["base"]), module("shy", default_enabled=False)])
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        with pytest.raises(Impossible, match="hidden from bob here: it needs MANAGE_GUILD"):
            await bob.slash("modules list")
        with pytest.raises(Impossible, match="cannot be used in direct messages"):
            await ada.at(discord.world.channels.dm(ada.user)).slash("modules list")
        choices = await ada.autocomplete("modules enable", "module", "S")
        assert [choice["name"] for choice in choices] == ["base", "shy"]
        asked = await ada.slash("modules disable", module="base")
        assert asked.content == "“top” needs “base”, and will be turned off with it. Continue?"
        await ada.click(asked, "Leave it on")
        assert (await ada.slash("top")).content == "top"
        asked = await ada.slash("modules disable", module="base")
        await ada.click(asked, "Turn them off")
        assert asked.followups[-1].content == "“top”, “base” are now off."
        assert "is off" in (await ada.slash("top")).content
        assert (await ada.slash("modules enable", module="top")).content == "“base”, “top” are now on."
        assert (await ada.slash("modules enable", module="top")).content == "“top” is on already."
        assert (await ada.slash("modules disable", module="modules")).content.endswith("it is always on.")
        assert (await ada.slash("modules disable", module="nope")).content == "There is no module “nope”."
        listed = {field.name: field.value for field in (await ada.slash("modules list")).embeds[0].fields}
        assert listed["top: on"] == "needs base"
        assert "shy: off" in listed


async def test_without_modules_there_is_no_command_for_them() -> None:
    async with connect(wisp.Bot()) as discord:
        assert discord.member("ada").commands() == []


async def test_a_long_list_has_pages() -> None:
    async def nothing(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None: ...

    bot = wisp.Bot(modules=[module(f"m{number}", nothing) for number in range(25)])
    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("modules list")
        assert len(reply.embeds[0].fields) == 10
        await ada.click(reply, "Next")
        await ada.click(reply, "Next")
        assert len(reply.embeds[0].fields) == 5


async def test_modules_that_name_the_same_group_share_it_and_each_takes_its_own_part_away() -> None:
    def part(name: str) -> Any:
        async def setup(bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            group = bot.group("shared", "Shared")

            @group.command(name=name)
            async def say(ctx: wisp.Context) -> str:
                """Say it."""
                return name

        return setup

    bot = wisp.Bot(modules=[module("one", part("one")), module("two", part("two"))])
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert ada.guild
        assert [(await ada.slash(f"shared {name}")).content for name in ("one", "two")] == ["one", "two"]
        await bot.modules.disable("one", guild_id=ada.guild.id)
        assert "is off" in (await ada.slash("shared one")).content
        assert (await ada.slash("shared two")).content == "two"
        await bot.modules.unload("one")
        with pytest.raises(Impossible, match="no subcommand 'one'"):
            await ada.slash("shared one")
        assert (await ada.slash("shared two")).content == "two"
        await bot.modules.unload("two")
        with pytest.raises(Impossible, match="no command /shared"):
            await ada.slash("shared two")


# ---- marked methods that a subclass overrides ----


class Basis(wisp.Module):
    """A module with each mark."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @property
    def name(self) -> str:
        return "basis"

    @wisp.command
    async def hello(self, ctx: wisp.Context) -> str:
        return "hello"

    @wisp.command
    async def twice(self, ctx: wisp.Context) -> str:
        return f"{await self.hello(ctx)} {await self.hello(ctx)}"

    @wisp.user_command(name="Who")
    async def who(self, ctx: wisp.Context, user: hikari.User) -> str:
        return "who"

    @wisp.message_command(name="Quote")
    async def quote(self, ctx: wisp.Context, message: hikari.Message) -> str:
        return "quote"

    @wisp.component("press:{number}")
    async def press(self, ctx: wisp.ComponentContext, number: int) -> str:
        return f"press {number}"

    @wisp.modal("sheet")
    async def sheet(self, ctx: wisp.ModalContext) -> str:
        return "sheet"

    @wisp.listen
    async def hear(self, event: LevelUp) -> None:
        self.told.append("hear")

    @wisp.every(hours=1)
    async def tick(self) -> None:
        self.told.append("tick")

    @wisp.cron("30 * * * *")
    async def strike(self) -> None:
        self.told.append("strike")

    @wisp.job("note")
    async def note(self, text: str) -> None:
        self.told.append(text)

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        group = bot.group("basis", "Basis")

        @group.command
        async def show(ctx: wisp.Context) -> str:
            """Show."""
            return await self.hello(ctx)


class Louder(Basis):
    """Overrides all of it, and calls the base's."""

    @property
    def name(self) -> str:
        return f"{super().name}-louder"

    @wisp.command
    async def hello(self, ctx: wisp.Context, times: int = 1) -> str:
        return (await super().hello(ctx)).upper() * times

    @wisp.user_command(name="Who")
    async def who(self, ctx: wisp.Context, user: hikari.User) -> str:
        return (await super().who(ctx, user)).upper()

    @wisp.message_command(name="Quote")
    async def quote(self, ctx: wisp.Context, message: hikari.Message) -> str:
        return (await Basis.quote(self, ctx, message)).upper()

    @wisp.component("press:{number}")
    async def press(self, ctx: wisp.ComponentContext, number: int) -> str:
        return (await super().press(ctx, number)).upper()

    @wisp.modal("sheet")
    async def sheet(self, ctx: wisp.ModalContext) -> str:
        return (await super().sheet(ctx)).upper()

    @wisp.listen
    async def hear(self, event: LevelUp) -> None:
        await super().hear(event)
        self.told.append("HEAR")

    @wisp.every(hours=1)
    async def tick(self) -> None:
        await super().tick()
        self.told.append("TICK")

    @wisp.cron("30 * * * *")
    async def strike(self) -> None:
        await super().strike()
        self.told.append("STRIKE")

    @wisp.job("note")
    async def note(self, text: str) -> None:
        await super().note(text)
        self.told.append(text.upper())

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        await super().setup(bot, ctx)

        @bot.command
        async def buttons(ctx: wisp.Context) -> None:
            await ctx.respond("Press", components=[wisp.row(self.press.bind(7).button("Go"))])

        @bot.command
        async def sheets(ctx: wisp.Context) -> None:
            row = hikari.impl.ModalActionRowBuilder()
            row.add_text_input("text", "Text")
            await ctx.respond_with_modal("Sheet", "sheet", components=[row])


class Mixin:
    """Not a module, with a mark of its own."""

    @wisp.command
    async def hello(self, ctx: wisp.Context, times: int = 1) -> str:
        return f"<{await super().hello(ctx, times)}>"  # type: ignore[misc]


class Loudest(Mixin, Louder):
    """Two levels, and a mixin between."""

    @wisp.command
    async def hello(self, ctx: wisp.Context, times: int = 1) -> str:
        return f"{await super().hello(ctx, times)}!"


class Unmarked(Louder):
    """Takes the command away: what overrides it bears no mark."""

    async def hello(self, ctx: wisp.Context, times: int = 1) -> str:  # type: ignore[override]
        return f"{await super().hello(ctx, times)}?"


async def test_a_marked_method_that_overrides_another_runs_the_bases_by_super() -> None:
    loud = Louder()
    bot = wisp.Bot(modules=[loud])
    async with connect(bot) as discord:
        assert bot.modules.list() == ["basis-louder"]
        ada = discord.member("ada")
        for _ in range(2):  # before and after a reload
            loud.told.clear()
            assert (await ada.slash("hello", times=2)).content == "HELLOHELLO"
            assert (await ada.slash("twice")).content == "HELLO HELLO"
            assert (await ada.slash("basis show")).content == "HELLO"
            assert (await ada.menu("Who", discord.member("bob"))).content == "WHO"
            await ada.say("quote me")
            assert (await ada.menu("Quote", discord.messages()[-1])).content == "QUOTE"
            assert (await ada.click(await ada.slash("buttons"), "Go")).content == "PRESS 7"
            assert (await ada.submit(await ada.slash("sheets"), text="x")).content == "SHEET"
            await bot.emit(LevelUp(user_id=1))
            await bot.services.get("scheduler").once("note", delay=1, data={"text": "a"})
            await discord.advance(hours=1, seconds=1)
            assert sorted(loud.told) == ["A", "HEAR", "STRIKE", "TICK", "a", "hear", "strike", "tick"]
            await bot.modules.unload("basis-louder")
            await bot.modules.load("basis-louder")


@pytest.mark.parametrize(
    ("made", "shown", "twice"),
    [(Basis, "hello", "hello hello"), (Loudest, "<HELLO>!", "<HELLO>! <HELLO>!"), (Unmarked, None, "HELLO? HELLO?")],
)
async def test_super_goes_up_level_by_level(made: type[Basis], shown: str | None, twice: str) -> None:
    bot = wisp.Bot(modules=[made()])
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("twice")).content == twice
        if shown is None:
            with pytest.raises(Impossible, match="no command /hello"):
                await ada.slash("hello")
        else:
            assert (await ada.slash("hello")).content == shown


DECORATORS = "command user_command message_command component modal listen every cron job"


@pytest.mark.parametrize("name", DECORATORS.split())
def test_a_decorator_of_methods_is_the_decorator_of_bots(name: str) -> None:
    assert getattr(wisp, name).__func__ is getattr(wisp.Bot, name) is getattr(wisp.ModuleBot, name)


class Plain(wisp.Module):
    name = "plain"

    def __init__(self) -> None:
        self.heard: list[str] = []

    @wisp.listen
    @wisp.every(hours=1)
    async def tick(self, event: LevelUp | None = None) -> None:
        self.heard.append("tick" if event is None else "level up")

    @wisp.user_command
    async def who_is_it(self, ctx: wisp.Context, user: hikari.User) -> str:
        return user.username

    @wisp.require_admin
    @wisp.listen
    async def guarded(self, event: LevelUp) -> None: ...


async def test_listeners_and_jobs_of_a_module_can_be_called_before_it_is_set_up() -> None:
    plain = Plain()
    await plain.tick()
    await plain.tick(LevelUp(user_id=1))
    assert plain.heard == ["tick", "level up"]


async def test_a_guard_above_a_listener_of_a_module_is_a_problem() -> None:
    bot = wisp.Bot(modules=[Plain()])
    async with connect(bot):
        assert "guards only apply" in bot.modules.missing["plain"]


async def test_a_method_can_be_a_listener_and_a_job_and_menus_need_no_parentheses() -> None:
    class Fine(Plain):
        guarded = None  # type: ignore[assignment]

    fine = Fine()
    async with connect(wisp.Bot(modules=[fine])) as discord:
        await discord.advance(hours=1)
        await fine.tick(LevelUp(user_id=1))
        ada = discord.member("ada")
        assert (await ada.menu("Who is it", ada)).content == "ada"
    assert fine.heard == ["tick", "level up"]


# ---- events of one's own ----


async def test_an_event_reaches_all_who_listen_and_one_that_fails_stops_nobody() -> None:
    bot = wisp.Bot()
    heard: list[str] = []
    asked: list[str] = []

    async def setup(mine: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @mine.listen
        async def fails(event: LevelUp) -> None:
            await asyncio.sleep(0)
            raise ValueError("oops")

        @mine.on_error
        async def handler(ctx: Any, error: Exception) -> bool:
            asked.append(f"{type(ctx).__name__} {ctx.listener} {ctx.event.user_id} {error}")
            return len(asked) == 1

    @bot.listen
    async def base(event: wisp.Event) -> None:
        await asyncio.sleep(0.01)
        heard.append("base")

    @bot.listen(LevelUp)
    async def named(event: Any) -> None:
        heard.append("named")

    bot.modules.register(module("m", setup))
    async with connect(bot) as discord:
        await bot.emit(LevelUp(user_id=1))
        assert sorted(heard) == ["base", "named"]
        with discord.expects(ValueError):
            await bot.emit(LevelUp(user_id=2))
    assert asked == ["EventContext fails 1 oops", "EventContext fails 2 oops"]


async def test_an_event_before_the_start_says_so() -> None:
    with pytest.raises(wisp.WispError, match="The bot is not running"):
        await wisp.Bot().emit(LevelUp(user_id=1))


async def test_a_module_that_is_still_being_set_up_when_the_bot_closes_is_torn_down() -> None:
    told: list[str] = []

    class Slow(wisp.Module):
        name = "slow"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            told.append("setup")
            await asyncio.sleep(5)

            @bot.every(seconds=1)
            async def tick() -> None:
                told.append("tick")

        async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            told.append("teardown")

    bot = wisp.Bot()
    async with connect(bot) as discord:
        bot.modules.register(Slow())
        loading = asyncio.create_task(bot.modules.load("slow"))
        await discord.advance(seconds=1)
        await bot.close()
        with pytest.raises(wisp.WispError, match="the bot has closed meanwhile"):
            await loading
    assert told == ["setup", "teardown"]
