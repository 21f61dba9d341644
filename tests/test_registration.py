"""Registration: Discord's list of commands follows the bot's, and only what changed is sent."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import hikari
import lightbulb
import pytest

import wisp
from wisp.config import Config
from wisp.sandbox import Sandbox
from wisp.sandbox.world import CommandsChanged


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@asynccontextmanager
async def running(bot: wisp.Bot, sandbox: Sandbox, database: str = ":memory:", **settings: Any) -> AsyncIterator[None]:
    config = Config(token=sandbox.token, rest_url=sandbox.rest_url, database=database, **settings)
    await bot.start(config, clock=sandbox.world.clock)
    try:
        yield
    finally:
        await bot.close()


def registered(sandbox: Sandbox, guild: Any = None) -> dict[str, dict[str, Any]]:
    commands = sandbox.world.commands.get(guild.id if guild else None, {})
    return {command["name"]: command for command in commands.values()}


def watch_changes(sandbox: Sandbox) -> list[object]:
    changes: list[object] = []
    sandbox.world.watch(lambda happening: changes.append(happening) if isinstance(happening, CommandsChanged) else None)
    return changes


def rich_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command(
        permissions=hikari.Permissions.BAN_MEMBERS,
        nsfw=True,
        name_localizations={hikari.Locale.DE: "bannen"},
        description_localizations={"de": "Verbannt jemanden"},
    )
    async def ban(
        ctx: wisp.Context,
        user: Annotated[hikari.Member, wisp.Option("Who", description_localizations={"de": "Wer"})],
        why: Annotated[str, wisp.Option("Why", choices=["spam", "rude"])] = "spam",
        days: Annotated[float, wisp.Option("How long", min=0.5, max=7)] = 1,
        where: hikari.GuildTextChannel | None = None,
    ) -> None:
        """Ban somebody."""

    @bot.command(permissions=hikari.Permissions.NONE)
    async def secret(ctx: wisp.Context) -> None:
        """For administrators."""

    @bot.command(guild_only=True)
    async def here(ctx: wisp.Context) -> None:
        """Here."""

    return bot


async def test_commands_are_registered_with_all_that_they_say(sandbox: Sandbox) -> None:
    async with running(rich_bot(), sandbox):
        commands = registered(sandbox)
    assert set(commands) == {"ban", "secret", "here"}
    ban = commands["ban"]
    assert (ban["default_member_permissions"], ban["nsfw"]) == ("4", True)
    assert (ban["name_localizations"], ban["description_localizations"]) == (
        {"de": "bannen"},
        {"de": "Verbannt jemanden"},
    )
    assert ban["options"][0]["description_localizations"] == {"de": "Wer"}
    assert (ban["contexts"], ban["integration_types"]) == ([0, 1], [0])
    assert commands["secret"]["default_member_permissions"] == "0"
    assert commands["here"]["contexts"] == [0]
    assert commands["here"]["default_member_permissions"] is None


async def test_an_unchanged_bot_restarts_with_reads_only(sandbox: Sandbox) -> None:
    async with running(rich_bot(), sandbox):
        before = copy.deepcopy(registered(sandbox))
    changes = watch_changes(sandbox)
    bot = rich_bot()
    async with running(bot, sandbox):
        assert "nothing changed" in bot.session.summary()
    assert changes == []
    assert registered(sandbox) == before


def base(**settings: Any) -> wisp.Bot:
    """A bot of two commands, of which the second has `settings`."""
    bot = wisp.Bot()
    option = settings.pop("option", wisp.Option("Text"))

    @bot.command
    async def same(ctx: wisp.Context) -> None:
        """Always the same."""

    async def other(ctx: wisp.Context, text: str) -> None:
        """The other."""

    other.__annotations__["text"] = Annotated[str, option]
    bot.command(**settings)(other)
    return bot


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        ({"permissions": hikari.Permissions.NONE}, "default_member_permissions", "0"),
        ({"permissions": hikari.Permissions.BAN_MEMBERS}, "default_member_permissions", "4"),
        ({"nsfw": True}, "nsfw", True),
        ({"guild_only": True}, "contexts", [0]),
        ({"integration_types": [hikari.ApplicationIntegrationType.USER_INSTALL]}, "integration_types", [1]),
        ({"description": "New"}, "description", "New"),
        ({"name_localizations": {"de": "anderer"}}, "name_localizations", {"de": "anderer"}),
        ({"description_localizations": {"de": "Der andere"}}, "description_localizations", {"de": "Der andere"}),
        ({"option": wisp.Option("Changed")}, "options", "Changed"),
        ({"option": wisp.Option("Text", choices=["a"])}, "options", "'choices'"),
        ({"option": wisp.Option("Text", max_length=5)}, "options", "5"),
        ({"option": wisp.Option("Text", name_localizations={"de": "worte"})}, "options", "worte"),
    ],
)
async def test_every_change_is_noticed_and_only_it_is_sent_there_and_back(
    sandbox: Sandbox, settings: dict[str, Any], field: str, value: Any
) -> None:
    async with running(base(), sandbox):
        before = copy.deepcopy(registered(sandbox))
    async with running(base(**settings), sandbox):
        changed = copy.deepcopy(registered(sandbox))
    assert changed["same"] == before["same"]
    assert changed["other"]["id"] == before["other"]["id"]
    if field == "options":
        assert value in str(changed["other"]["options"])
    else:
        assert changed["other"][field] == value
    async with running(base(), sandbox):
        back = registered(sandbox)
    assert {**back["other"], "version": 0} == {**before["other"], "version": 0}
    assert back["same"] == before["same"]


async def test_a_command_that_the_bot_no_longer_has_disappears(sandbox: Sandbox) -> None:
    async with running(rich_bot(), sandbox):
        assert len(registered(sandbox)) == 3
    bot = rich_bot()
    bot.commands.pop(0)
    async with running(bot, sandbox):
        assert set(registered(sandbox)) == {"secret", "here"}


async def test_many_commands_are_registered_in_one_call(sandbox: Sandbox) -> None:
    bot = wisp.Bot()
    for number in range(100):

        async def command(ctx: wisp.Context) -> None:
            """Do it."""

        bot.command(name=f"command-{number}")(command)
    sandbox.fail("POST", r"/commands$", 400, times=100)  # one by one would fail
    async with running(bot, sandbox):
        assert len(registered(sandbox)) == 100


async def test_guilds_hold_the_commands_meant_for_them_and_lose_them_in_a_later_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    database = str(tmp_path / "wisp.db")
    guild = sandbox.world.add_guild("Workshop")
    bot = wisp.Bot()

    @bot.command(guilds=[guild.id])
    async def local(ctx: wisp.Context) -> None:
        """Only there."""

    @bot.command
    async def everywhere(ctx: wisp.Context) -> None:
        """Everywhere."""

    async with running(bot, sandbox, database):
        assert set(registered(sandbox)) == {"everywhere"}
        assert set(registered(sandbox, guild)) == {"local"}
    bot.commands.pop(0)
    async with running(bot, sandbox, database):
        assert registered(sandbox, guild) == {}


async def test_development_guilds_take_all_commands_and_leave_none_everywhere(sandbox: Sandbox, tmp_path: Path) -> None:
    guild = sandbox.world.add_guild("Workshop")
    database = str(tmp_path / "wisp.db")
    async with running(rich_bot(), sandbox, database, guilds=(guild.id,)):
        assert registered(sandbox) == {}
        assert set(registered(sandbox, guild)) == {"ban", "secret", "here"}
    changes = watch_changes(sandbox)
    async with running(rich_bot(), sandbox, database, guilds=(guild.id,)):
        assert changes == []
    async with running(rich_bot(), sandbox, database):
        assert set(registered(sandbox)) == {"ban", "secret", "here"}
        assert registered(sandbox, guild) == {}


async def test_a_guild_that_the_bot_is_not_in_is_named_with_the_command(sandbox: Sandbox) -> None:
    bot = wisp.Bot()

    @bot.command(guilds=[123456789012345678])
    async def nowhere(ctx: wisp.Context) -> None:
        """Nowhere."""

    with pytest.raises(wisp.Mistakes, match="its server 123456789012345678 cannot be reached") as caught:
        async with running(bot, sandbox):
            pass
    assert caught.value.mistakes[0].line == bot.commands[0].line


@pytest.mark.parametrize("number", [1, 6])
async def test_discords_refusal_is_shown_against_the_command_that_caused_it(sandbox: Sandbox, number: int) -> None:
    bot = wisp.Bot()
    for index in range(number):

        async def command(ctx: wisp.Context, text: str) -> None:
            """Do it."""

        bot.command(name=f"command-{index}")(command)
    errors: Any = {"options": {"0": {"description": {"_errors": [{"code": "NEW_RULE", "message": "No vowels."}]}}}}
    body = {
        "message": "Invalid Form Body",
        "code": 50035,
        "errors": errors if number == 1 else {str(number - 1): errors},
    }
    sandbox.fail("POST" if number == 1 else "PUT", r"/commands$", 400, body=body)
    with pytest.raises(wisp.Mistakes) as caught:
        async with running(bot, sandbox):
            pass
    (mistake,) = caught.value.mistakes
    assert mistake.where == f'command "command-{number - 1}"'
    assert (mistake.file, mistake.line) == (bot.commands[0].file, bot.commands[0].line)
    assert "options.0.description: No vowels. (NEW_RULE)" in mistake.problem


async def test_two_commands_of_one_name_are_noticed_also_where_one_is_lightbulbs(sandbox: Sandbox) -> None:
    bot = rich_bot()

    @bot.on_start
    async def raw() -> None:
        @bot.client.register
        class Raw(lightbulb.SlashCommand, name="ban", description="Raw"):
            @lightbulb.invoke
            async def invoke(self, ctx: lightbulb.Context) -> None: ...

    with pytest.raises(wisp.Mistakes, match='another command is called "ban"'):
        async with running(bot, sandbox):
            pass


async def test_a_scope_that_is_full_takes_a_renamed_command(sandbox: Sandbox) -> None:
    def full(last: str) -> wisp.Bot:
        bot = wisp.Bot()
        for name in [*(f"command-{number}" for number in range(99)), last]:

            async def command(ctx: wisp.Context) -> None:
                """Do it."""

            bot.command(name=name)(command)
        return bot

    async with running(full("old"), sandbox):
        pass
    async with running(full("new"), sandbox):
        assert "new" in registered(sandbox)
        assert "old" not in registered(sandbox)


async def test_an_activitys_entry_point_is_left_alone(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from wisp import bridge

    entry = {"id": "1", "type": 4, "name": "launch", "handler": 2}
    fetch, put = bridge.fetch_commands, bridge.put_commands
    sent: list[Any] = []

    async def with_entry(*where: Any) -> list[dict[str, Any]]:
        return [*await fetch(*where), entry]

    async def recorded(rest: Any, application: int, guild: int | None, payloads: list[dict[str, Any]]) -> None:
        sent.extend(payload["name"] for payload in payloads)
        await put(rest, application, guild, [payload for payload in payloads if payload is not entry])

    async def refuse(*where: Any) -> None:
        raise AssertionError("deleted")

    monkeypatch.setattr(bridge, "fetch_commands", with_entry)
    monkeypatch.setattr(bridge, "put_commands", recorded)
    monkeypatch.setattr(bridge, "delete_command", refuse)
    bot = rich_bot()
    for number in range(5):

        async def more(ctx: wisp.Context) -> None:
            """More."""

        bot.command(name=f"more-{number}")(more)
    async with running(bot, sandbox):
        assert "launch" in sent
    async with running(bot, sandbox):
        assert "nothing changed" in bot.session.summary()
