"""Guards: who is refused, in which words, in which order, and on what they can stand."""

from functools import partial, partialmethod, wraps
from typing import Any

import hikari
import pytest

import wisp
from wisp.testing import Discord, connect

BAN = hikari.Permissions.BAN_MEMBERS


def guarded(*decorators: Any) -> wisp.Bot:
    bot = wisp.Bot()

    async def act(ctx: wisp.Context) -> str:
        """Act."""
        return "done"

    for decorator in reversed(decorators):
        act = decorator(act)
    bot.command(act)
    return bot


async def said(discord: Discord, name: str = "ada", *, direct: bool = False) -> str:
    person = discord.member(name)
    place = discord.world.channels.dm(person.user) if direct else person.channel
    reply = await person.at(place).slash("act")
    assert reply.ephemeral == (reply.content != "done")
    return reply.content


@pytest.mark.parametrize(
    ("decorator", "ada", "bob", "direct"),
    [
        (wisp.require_guild, "done", "done", "This works in servers only."),
        (
            wisp.require_admin,
            "done",
            "You need the permission Administrator for this.",
            "This works in servers only.",
        ),
        (
            wisp.require_permissions(BAN, hikari.Permissions.KICK_MEMBERS),
            "done",
            "You need the permissions Kick Members and Ban Members for this.",
            "This works in servers only.",
        ),
        (wisp.guard(lambda ctx: ctx.user.username == "ada"), "done", "You cannot use this.", "done"),
        (wisp.guard(lambda ctx: ctx.user.username == "ada" or "Only ada."), "done", "Only ada.", "done"),
    ],
)
async def test_each_guard_lets_in_and_refuses_in_its_words(decorator: Any, ada: str, bob: str, direct: str) -> None:
    async with connect(guarded(decorator)) as discord:
        assert await said(discord, "ada") == ada
        assert await said(discord, "bob") == bob
        assert await said(discord, "ada", direct=True) == direct


async def test_the_owner_is_the_applications_unless_the_bot_names_others() -> None:
    bot = guarded(wisp.require_owner)
    async with connect(bot) as discord:
        owner = next(iter(bot.runtime.owner_ids))
        names = {user.id: user.name for user in discord.world.users.values()}
        assert await said(discord, names[owner]) == "done"
        stranger = next(name for id, name in names.items() if id != owner and name in ("ada", "bob"))
        assert await said(discord, stranger) == "This is for the owner of the bot only."


async def test_what_the_bot_itself_lacks_is_told() -> None:
    async with connect(guarded(wisp.require_permissions(bot=hikari.Permissions.ADMINISTRATOR))) as discord:
        assert await said(discord) == "I need the permission Administrator for this."


async def test_cheap_refusals_come_first_whatever_order_they_are_written_in() -> None:
    asked: list[str] = []

    def own(ctx: Any) -> bool:
        asked.append("own")
        return True

    async def slow(ctx: Any) -> str:
        asked.append("slow")
        return "No."

    decorators = [
        wisp.cooldown(60.0),
        wisp.concurrency(1),
        wisp.guard(own),
        wisp.guard(slow),
        wisp.require_permissions(BAN),
        wisp.require_guild,
    ]
    async with connect(guarded(*decorators)) as discord:
        assert await said(discord, "ada", direct=True) == "This works in servers only."
        assert await said(discord, "bob") == "You need the permission Ban Members for this."
        assert asked == []
        assert await said(discord, "ada") == "No."
        assert asked == ["own", "slow"]
        assert await said(discord, "ada") == "No."  # and not that it cools down


async def test_guards_on_a_group_hold_for_all_below() -> None:
    bot = wisp.Bot()
    group = wisp.require_admin(bot.group("top", "Top"))
    inner = wisp.guard(lambda ctx: "Not inside.")(group.group("inner", "Inner"))

    @group.command
    async def one(ctx: wisp.Context) -> str:
        """One."""
        return "one"

    @inner.command
    async def two(ctx: wisp.Context) -> str:
        """Two."""
        return "two"

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await bob.slash("top one")).content.startswith("You need")
        assert (await ada.slash("top one")).content == "one"
        assert (await ada.slash("top inner two")).content == "Not inside."
        assert (await bob.slash("top inner two")).content.startswith("You need")


async def test_guards_are_found_above_the_command_and_behind_wrappers_and_partials() -> None:
    bot = wisp.Bot()
    refuse = wisp.guard(lambda ctx: "No.")

    @refuse
    @bot.command
    async def above(ctx: wisp.Context) -> str:
        """Above."""
        return "done"

    @refuse
    async def plain(ctx: wisp.Context, text: str = "x") -> str:
        """Plain."""
        return "done"

    @wraps(plain)
    async def wrapper(*args: Any, **kwargs: Any) -> str:
        return await plain(*args, **kwargs)

    bot.command(name="wrapped")(wrapper)
    bot.command(name="part")(partial(plain, text="y"))
    assert above
    async with connect(bot) as discord:
        ada = discord.member("ada")
        for name in ("above", "wrapped", "part"):
            assert (await ada.slash(name)).content == "No.", name


async def test_each_level_of_wrappers_partials_and_methods_is_guarded_by_its_own() -> None:
    bot = wisp.Bot()
    inner = wisp.guard(lambda ctx: ctx.user.username == "ada" or "Inner.")
    outer = wisp.guard(lambda ctx: ctx.channel_id == 0 or "Outer.")
    middle = wisp.guard(lambda ctx: ctx.user.username != "ada" or "Middle.")

    @inner
    async def plain(ctx: wisp.Context, text: str = "x", more: str = "x") -> str:
        """Plain."""
        return "done"

    class Holder:
        @inner
        async def method(self, ctx: wisp.Context, text: str = "x") -> str:
            """Method."""
            return "done"

        @inner
        async def __call__(self, ctx: wisp.Context) -> str:
            """Call."""
            return "done"

    @wraps(plain)
    async def wrapper(*args: Any, **kwargs: Any) -> str:
        return await plain(*args, **kwargs)

    harmless = wisp.guard(lambda ctx: True)
    bot.command(name="part")(harmless(partial(plain, text="y")))
    bot.command(name="parts")(harmless(partial(middle(partial(plain, text="y")), more="z")))
    bot.command(name="wrapped")(harmless(wrapper))
    bot.command(name="method")(harmless(partial(Holder().method, text="y")))
    bot.command(name="object")(harmless(Holder()))
    harmless(bot.command(name="made")(harmless(partial(bot.command(name="below")(plain), text="y"))))
    bot.command(name="both")(outer(partial(plain, text="y")))
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        for name in ("part", "parts", "wrapped", "method", "object", "made", "below"):
            assert (await bob.slash(name)).content == "Inner.", name
            assert (await ada.slash(name)).content == ("Middle." if name == "parts" else "done"), name
        assert (await ada.slash("both")).content == "Outer."


async def test_a_limit_that_is_met_twice_on_the_way_counts_a_call_once() -> None:
    bot = wisp.Bot()
    twice = wisp.cooldown(uses=2, per=60.0)
    group = twice(bot.group("g", "G"))

    @twice
    async def plain(ctx: wisp.Context) -> str:
        """Plain."""
        return "done"

    @wraps(plain)
    async def wrapper(*args: Any, **kwargs: Any) -> str:
        return await plain(*args, **kwargs)

    group.command(name="act")(wrapper)
    async with connect(bot) as discord:
        ada = discord.member("ada")
        replies = [(await ada.slash("g act")).content for _ in range(3)]
    assert replies[:2] == ["done", "done"]
    assert replies[2].startswith("Slow down")


def test_a_guard_where_the_class_would_leave_it_behind_is_refused_in_words() -> None:
    async def act(ctx: wisp.Context) -> None: ...

    for kind in (staticmethod, classmethod, partialmethod):
        with pytest.raises(TypeError, match=f"above @{kind.__name__} has no effect: write it below"):
            wisp.require_guild(kind(act))


async def test_a_guard_above_a_marked_method_holds() -> None:
    class Marked(wisp.Module):
        name = "marked"

        @wisp.guard(lambda ctx: "Above.")
        @wisp.command
        async def above(self, ctx: wisp.Context) -> str:
            """Above."""
            return "done"

        @wisp.command
        @wisp.guard(lambda ctx: "Below.")
        async def below(self, ctx: wisp.Context) -> str:
            """Below."""
            return "done"

    async with connect(wisp.Bot(modules=[Marked()])) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("above")).content == "Above."
        assert (await ada.slash("below")).content == "Below."


def test_decorators_without_their_parentheses_say_how_they_are_written() -> None:
    bot = wisp.Bot()
    decorators: list[Any] = [wisp.cooldown, wisp.concurrency, wisp.require_permissions]
    for number, decorator in enumerate(decorators):

        @bot.command(name=f"act{number}", description="Act")
        @decorator
        async def act(ctx: wisp.Context) -> None: ...

        assert callable(act)
    wisp.cooldown(bot.group("g", "G")).command(name="act", description="Act")(decorators[0](act.function))  # pyright: ignore
    found = [problem for problem in bot.check() if not problem.is_warning]
    assert {(problem.message, problem.fix) for problem in found} == {
        ("@wisp.cooldown needs parentheses", "Write `@wisp.cooldown(5.0)`"),
        ("@wisp.concurrency needs parentheses", "Write `@wisp.concurrency(1)`"),
        (
            "@wisp.require_permissions needs parentheses",
            "Write `@wisp.require_permissions(hikari.Permissions.BAN_MEMBERS)`",
        ),
    }
    assert all(problem.file and problem.line for problem in found)


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        (hikari.Permissions.MANAGE_GUILD, "Manage Server"),
        (hikari.Permissions.MODERATE_MEMBERS, "Timeout Members"),
        (hikari.Permissions.MANAGE_GUILD_EXPRESSIONS, "Manage Expressions"),
        (hikari.Permissions.MANAGE_ROLES, "Manage Roles"),
    ],
)
async def test_permissions_are_named_as_people_see_them(permission: hikari.Permissions, words: str) -> None:
    async with connect(guarded(wisp.require_permissions(permission))) as discord:
        assert await said(discord, "bob") == f"You need the permission {words} for this."


async def test_a_guard_that_gives_no_answer_is_an_error_and_not_a_way_in() -> None:
    async with connect(guarded(wisp.guard(lambda ctx: None))) as discord:
        with discord.expects(wisp.WispError):
            assert (await said(discord)).startswith("Something went wrong")


async def test_handle_errors_shows_the_text_and_no_token() -> None:
    bot = wisp.Bot()

    @bot.command
    @wisp.handle_errors
    async def act(ctx: wisp.Context, long: bool = False) -> None:
        """Act."""
        raise ValueError("x" * 5000 if long else f"This will be caught! {bot.runtime.config.token}")

    async with connect(bot) as discord:
        with discord.expects(ValueError):
            reply = await discord.member("ada").slash("act")
        assert "ValueError: This will be caught! <token>." in reply.content
        assert "mention error `" in reply.content
        with discord.expects(ValueError):
            reply = await discord.member("ada").slash("act", long=True)
        assert len(reply.content) < 2000


def test_guards_that_are_written_wrongly_are_problems() -> None:
    found = "\n".join(
        map(
            str,
            guarded(
                wisp.require_permissions(),
                wisp.require_permissions("BAN"),  # pyright: ignore[reportArgumentType]
                wisp.guard("no"),  # pyright: ignore[reportArgumentType]
                wisp.cooldown("5"),  # pyright: ignore[reportArgumentType]
                wisp.concurrency("1"),  # pyright: ignore[reportArgumentType]
                wisp.cooldown(-1.0),
                wisp.cooldown(5.0, per=3.0),
                wisp.cooldown(5.0, bucket="nobody"),  # pyright: ignore[reportArgumentType]
                wisp.concurrency(0),
            ).check(),
        )
    )
    for words in (
        "require_permissions names no permission",
        "require_permissions got 'BAN'",
        "wisp.guard got 'no'",
        "cooldown got seconds='5'",
        "concurrency got '1'",
        "cooldown got seconds=-1.0, uses=1, per=None",
        "cooldown got seconds=5.0, uses=1, per=3.0",
        "bucket='nobody'",
        "concurrency got 0",
    ):
        assert words in found, words


def test_a_guard_where_the_function_should_be_and_one_on_a_listener_are_problems() -> None:
    bot = wisp.Bot()
    anything: Any = bot

    @anything.command(description="Act")
    @wisp.guard
    async def act(ctx: wisp.Context) -> bool:
        return True

    @bot.listen
    @wisp.require_guild
    async def hear(event: hikari.MemberCreateEvent) -> None: ...

    @wisp.cooldown(1, per=60)
    @bot.every(minutes=5)
    async def sweep() -> None: ...

    assert act
    assert hear
    assert sweep
    found = bot.check()
    assert [(problem.where, problem.message) for problem in found] == [
        ('command "act"', "it is a guard, not a handler function"),
        ('listener "hear"', "guards only apply to handlers that users invoke"),
        ('job "sweep"', "guards only apply to handlers that users invoke"),
    ]
    assert all(problem.file and problem.file.endswith("test_guards.py") for problem in found)
