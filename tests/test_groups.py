"""Groups of commands, and commands in the menus of users and messages."""

from collections.abc import Iterator

import hikari
import lightbulb
import pytest

import wisp
from wisp.context import handler_of
from wisp.errors import CheckError
from wisp.owner import unattached
from wisp.testing import Impossible, connect


@pytest.fixture(autouse=True)
def forget_groups() -> Iterator[None]:
    """Drop the groups that a test gave to no bot, which the bots of the next tests in this file would report."""
    yield
    unattached.clear()


def admin_bot() -> tuple[wisp.Bot, wisp.CommandGroup]:
    bot = wisp.Bot()
    admin = wisp.CommandGroup("admin", "Admin commands", guild_only=True)
    admin.create_group(bot)

    @admin.command(name="kick", description="Kick a user")
    async def kick(ctx: wisp.Context, user: hikari.Member, reason: str = "none") -> str:
        return f"Kicked {user.mention}: {reason}"

    return bot, admin


async def test_a_command_of_a_group_is_called_by_both_names() -> None:
    bot, _ = admin_bot()
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("admin kick", user=bob, reason="too loud")
    assert reply.content == f"Kicked {bob.mention}: too loud"


async def test_a_group_in_a_group_is_one_more_word() -> None:
    bot, admin = admin_bot()
    roles = admin.group("roles", "Roles of members")

    @roles.command
    async def add(ctx: wisp.Context, name: str) -> str:
        """Add a role."""
        return f"{handler_of(ctx).label} {name}"

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("admin roles add", name="mod")
    assert reply.content == "/admin roles add mod"


async def test_a_group_takes_commands_before_and_after_it_was_given_to_the_bot() -> None:
    bot = wisp.Bot()
    group = wisp.CommandGroup("math", "Numbers")

    @group.command
    async def before(ctx: wisp.Context) -> str:
        """Before."""
        return "before"

    group.create_group(bot)

    @group.command
    async def after(ctx: wisp.Context) -> str:
        """After."""
        return "after"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("math before")).content == "before"
        assert (await ada.slash("math after")).content == "after"


async def test_what_a_group_says_of_places_and_permissions_is_what_discord_is_told() -> None:
    bot = wisp.Bot()
    group = bot.group("ban", "Bans", guild_only=True, permissions=hikari.Permissions.BAN_MEMBERS, nsfw=True)

    @group.command
    async def add(ctx: wisp.Context) -> None:
        """Ban."""

    async with connect(bot) as discord:
        (command,) = discord.world.commands[None].values()
    assert command["contexts"] == [0]
    assert command["default_member_permissions"] == str(int(hikari.Permissions.BAN_MEMBERS))
    assert command["nsfw"] is True


async def test_two_parts_of_one_group_are_one_command_of_discord() -> None:
    bot, _ = admin_bot()
    second = bot.group("admin", guild_only=True)

    @second.command
    async def ban(ctx: wisp.Context) -> str:
        """Ban."""
        return "banned"

    async with connect(bot) as discord:
        assert [command["name"] for command in discord.world.commands[None].values()] == ["admin"]
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("admin ban")).content == "banned"
        assert (await ada.slash("admin kick", user=bob)).content.startswith("Kicked")


def wrong(bot: wisp.Bot) -> list[str]:
    return [f"{mistake.where}: {mistake.message}" for mistake in bot.check() if not mistake.is_warning]


def test_what_is_wrong_in_groups_is_found_before_the_bot_connects() -> None:
    bot, _ = admin_bot()
    twin = bot.group("admin", "Twin")

    @twin.command(name="kick")
    async def kick(ctx: wisp.Context) -> None:
        """Kick again."""

    @twin.command(guild_only=True)
    async def place(ctx: wisp.Context) -> None:
        """Place."""

    bot.group("empty", "Nothing in it")
    found = wrong(bot)
    assert any('command "admin kick": duplicate name "kick"' in line for line in found), found
    assert any("its contexts, permissions or guilds differ" in line for line in found), found
    assert any('command "admin place": guild_only= is for the whole group' in line for line in found), found
    assert any('group "empty": it has no commands' in line for line in found), found


def test_a_limit_in_a_group_is_told_with_the_command_that_breaks_it() -> None:
    bot = wisp.Bot()
    group = bot.group("admin", "Admin")

    @group.command(name="Kick Him")
    async def kick(ctx: wisp.Context) -> None:
        """Kick."""

    (mistake,) = [mistake for mistake in bot.check() if not mistake.is_warning]
    assert mistake.where == 'command "admin Kick Him"'
    assert mistake.file
    assert mistake.file.endswith("test_groups.py")


NOBODYS = "it is not attached to a bot, so its commands are not registered"


def nobodys_group() -> wisp.CommandGroup:
    group = wisp.CommandGroup("lost", "Lost")

    @group.group("below", "Below").command
    async def act(ctx: wisp.Context) -> str:
        """Act."""
        return "done"

    return group


async def test_a_group_that_was_given_to_nobody_is_a_mistake_until_it_is_given_to_a_bot() -> None:
    bot = wisp.Bot()
    group = nobodys_group()
    (mistake,) = bot.check()
    assert (mistake.message, mistake.file, mistake.line) == (NOBODYS, group.file, group.line)
    group.create_group(bot)
    assert bot.check() == []


def test_a_group_that_a_function_made_and_gave_to_nobody_is_a_mistake() -> None:
    nobodys_group()
    (mistake,) = wisp.Bot().check()
    assert (mistake.message, mistake.where) == (NOBODYS, 'group "lost"')


async def test_a_group_that_only_a_modules_setup_gives_away_is_no_mistake_at_any_start_or_load() -> None:
    group = nobodys_group()

    class Giving(wisp.Module):
        name = "giving"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            group.create_group(bot)

    bot = wisp.Bot(modules=[Giving()])
    assert bot.check() == []
    for _ in range(2):
        async with connect(bot) as discord:
            ada = discord.member("ada")
            assert (await ada.slash("lost below act")).content == "done"
            await bot.modules.unload("giving")
            await bot.modules.load("giving")
            assert (await ada.slash("lost below act")).content == "done"


async def test_a_group_that_no_setup_gave_away_is_a_mistake_before_connecting() -> None:
    class Empty(wisp.Module):
        name = "empty"

    group = nobodys_group()
    with pytest.raises(CheckError, match=NOBODYS):
        async with connect(wisp.Bot(modules=[Empty()])):
            pass
    assert group.commands == []


async def test_a_group_that_a_setup_makes_and_forgets_keeps_its_module_from_loading() -> None:
    class Forgetful(wisp.Module):
        name = "forgetful"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            nobodys_group()

    bot = wisp.Bot(modules=[Forgetful()])
    async with connect(bot):
        assert NOBODYS in bot.modules.missing["forgetful"]


def test_a_third_level_and_a_second_owner_are_refused_in_words() -> None:
    bot, admin = admin_bot()
    with pytest.raises(wisp.WispError, match="no deeper level"):
        admin.group("one", "One").group("two", "Two")
    with pytest.raises(wisp.WispError, match="given to a bot already"):
        admin.create_group(bot)


async def test_a_group_can_make_all_its_answers_private() -> None:
    bot = wisp.Bot()
    group = bot.group("secret", "Secret", ephemeral=True)

    @group.command
    async def word(ctx: wisp.Context) -> str:
        """Say it."""
        return "hush"

    @group.command(ephemeral=False)
    async def loud(ctx: wisp.Context) -> str:
        """Shout it."""
        return "HUSH"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("secret word")).ephemeral
        assert not (await ada.slash("secret loud")).ephemeral


async def test_hooks_of_lightbulb_run_around_commands_in_groups() -> None:
    bot, admin = admin_bot()
    seen: list[str] = []
    roles = admin.group("roles", "Roles")

    @roles.command
    async def add(ctx: wisp.Context) -> str:
        """Add."""
        return "added"

    @lightbulb.hook(lightbulb.ExecutionSteps.CHECKS)
    async def look(pipeline: lightbulb.ExecutionPipeline, ctx: lightbulb.Context) -> None:
        seen.append(ctx.command_data.qualified_name)

    @bot.on_start
    async def hooks(given: wisp.Bot) -> None:
        given.client.hooks = [look]

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.slash("admin roles add")).content == "added"
        assert (await ada.slash("admin kick", user=bob)).content.startswith("Kicked")
    assert seen == ["admin roles add", "admin kick"]


# ---- menus ----


def menu_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.user_command(name="Who")
    async def who(ctx: wisp.Context, member: hikari.Member) -> str:
        return f"{member.mention} {type(member).__name__}"

    @bot.message_command
    async def quote_this(ctx: wisp.Context, message: hikari.Message) -> str:
        return f"> {message.content}"

    return bot


async def test_a_user_command_gets_the_member_and_a_message_command_the_message() -> None:
    async with connect(menu_bot()) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.menu("Who", bob)).content == f"{bob.mention} InteractionMember"
        message = await bob.say("hello")
        assert (await ada.menu("Quote this", message)).content == "> hello"


async def test_a_user_command_on_somebody_who_has_left_is_refused_in_words() -> None:
    async with connect(menu_bot()) as discord:
        ada, eve = discord.member("ada"), discord.world.users.add("eve")
        reply = await ada.menu("Who", eve)
    assert reply.content == f"{eve.mention} is not a member of this server."
    assert reply.ephemeral


async def test_menus_hide_what_is_not_for_somebody() -> None:
    bot = wisp.Bot()

    @bot.user_command(name="Ban", permissions=hikari.Permissions.BAN_MEMBERS)
    async def ban(ctx: wisp.Context, user: hikari.User) -> str:
        return "banned"

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        with pytest.raises(Impossible, match="hidden from bob here: it needs BAN_MEMBERS"):
            await bob.menu("Ban", ada)
        with pytest.raises(Impossible, match="no command in the menu of messages 'Ban'"):
            await ada.menu("Ban", await ada.say("x"))
        assert (await ada.menu("Ban", bob)).content == "banned"


def test_a_menu_command_without_a_fitting_target_is_a_problem() -> None:
    bot = wisp.Bot()

    @bot.user_command
    async def nobody(ctx: wisp.Context) -> None: ...  # pyright: ignore[reportCallIssue, reportArgumentType]

    @bot.message_command
    async def wrong_kind(ctx: wisp.Context, message: hikari.User) -> None: ...  # pyright: ignore

    found = wrong(bot)
    assert any('user command "Nobody": it takes the context and its target, and has 1' in line for line in found)
    assert any('message command "Wrong kind": its target is `User`' in line for line in found)


def test_a_command_more_than_discord_takes_of_its_kind_in_a_place_is_a_problem() -> None:
    bot = wisp.Bot()
    for number in range(16):

        @bot.user_command(name=f"Who {number}")
        async def everywhere(ctx: wisp.Context, user: hikari.User) -> None: ...

    for guild in (1, 2):
        for number in range(10):

            @bot.message_command(name=f"What {number}", guilds=[guild])
            async def in_one_guild(ctx: wisp.Context, message: hikari.Message) -> None: ...

    (problem,) = bot.check()
    assert problem.where == 'user command "Who 15"'
    assert "one too many: Discord takes 15 commands of its kind" in problem.message


async def test_autocomplete_works_in_groups_and_knows_what_was_chosen() -> None:
    from typing import Annotated

    bot = wisp.Bot()
    group = bot.group("fruit", "Fruit")

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        return [f"{typed} {ctx.options.get('colour')} {ctx.guild_id is not None}"]

    @group.command
    async def eat(
        ctx: wisp.Context,
        name: Annotated[str, wisp.Option("Which", autocomplete=fruits)],
        colour: str = "red",
    ) -> str:
        """Eat."""
        return name

    async with connect(bot) as discord:
        (choice,) = await discord.member("ada").autocomplete("fruit eat", "name", "app", {"colour": "green"})
    assert choice["value"] == "app green True"
