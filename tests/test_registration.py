"""Registration: Discord's list of commands follows the bot's, and only what changed is sent."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import hikari
import lightbulb
import pytest

import wisp
from wisp.config import Config
from wisp.local.virtual_time import VirtualTime
from wisp.sandbox import Sandbox
from wisp.sandbox.world.changes import CommandsChanged
from wisp.testing import connect


@pytest.fixture
async def sandbox(time: VirtualTime) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=time.clock) as sandbox:
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
    sandbox.world.changes.subscribe(
        lambda change: changes.append(change) if isinstance(change, CommandsChanged) else None
    )
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
        assert "nothing changed" in bot._session.summary()
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
        ({"option": wisp.Option("Text", min_length=0)}, "options", "'min_length': 0"),
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
    guild = sandbox.world.guilds.add("Workshop")
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
    guild = sandbox.world.guilds.add("Workshop")
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

    with pytest.raises(wisp.errors.CheckError, match="its server 123456789012345678 cannot be reached") as caught:
        async with running(bot, sandbox):
            pass
    assert caught.value.problems[0].line == bot.commands[0].line


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
        "errors": {str(number - 1): errors},
    }
    sandbox.fail("PUT", r"/commands$", 400, body=body)
    with pytest.raises(wisp.errors.CheckError) as caught:
        async with running(bot, sandbox):
            pass
    (mistake,) = caught.value.problems
    assert mistake.where == f'command "command-{number - 1}"'
    assert (mistake.file, mistake.line) == (bot.commands[0].file, bot.commands[0].line)
    assert "options.0.description: No vowels. (NEW_RULE)" in mistake.message


async def test_two_commands_of_one_name_are_noticed_also_where_one_is_lightbulbs(sandbox: Sandbox) -> None:
    bot = rich_bot()

    @bot.on_start
    async def raw() -> None:
        @bot.client.register
        class Raw(lightbulb.SlashCommand, name="ban", description="Raw"):
            @lightbulb.invoke
            async def invoke(self, ctx: lightbulb.Context) -> None: ...

    with pytest.raises(
        wisp.errors.CheckError, match='lightbulb command "ban": Application command names must be unique'
    ):
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

    monkeypatch.setattr(bridge, "fetch_commands", with_entry)
    monkeypatch.setattr(bridge, "put_commands", recorded)
    bot = rich_bot()
    for number in range(5):

        async def more(ctx: wisp.Context) -> None:
            """More."""

        bot.command(name=f"more-{number}")(more)
    async with running(bot, sandbox):
        assert "launch" in sent
    async with running(bot, sandbox):
        assert "nothing changed" in bot._session.summary()


# ---- when Discord refuses for now ----


def short_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        """Say hello."""
        return "hello"

    @bot.on_start
    async def hurry() -> None:
        bot.gateway.rest._max_retries = 0  # hikari's own, of 1 s and more

    return bot


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "wisp.command_sync"]


DAILY = {"message": "Max number of daily application command creates has been reached (200)", "code": 30034}
LIMITED = {"message": "You are being rate limited.", "retry_after": 600.0, "global": False}
HEADERS = {
    "Retry-After": "600",
    "X-RateLimit-Limit": "5",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "9999999999",
    "X-RateLimit-Reset-After": "600",
    "X-RateLimit-Bucket": "b",
    "X-RateLimit-Scope": "user",
}
EVERYBODY = {"Retry-After": "700", "X-RateLimit-Global": "true"}


@pytest.mark.parametrize(
    ("method", "how", "answer", "wait", "reason"),
    [
        ("PUT", 429, {"body": LIMITED, "headers": HEADERS}, 600, "Discord answered 429 (You are being rate limited.)"),
        ("GET", 429, {"body": LIMITED}, 600, "Discord answered 429 (You are being rate limited.)"),
        ("PUT", 429, {"body": {**LIMITED, "global": True}, "headers": EVERYBODY}, 700, "Discord answered 429"),
        ("PUT", 429, {"body": {"error": "banned"}, "headers": {"Retry-After": "soon"}}, 15, "Discord answered 429"),
        ("PUT", 400, {"body": DAILY}, 15, "Discord answered 400 (Max number of daily application command creates"),
        ("PUT", 429, {"body": {**DAILY, "retry_after": 9000.5}}, 9000.5, "Discord answered 429 (Max number of daily"),
        ("PUT", 429, {"times": 11}, 15, "Discord answered 429"),  # it says 0 s each time
        ("PUT", 503, {}, 15, "Discord answered 503"),
        ("GET", 502, {"headers": {"Retry-After": "120"}}, 120, "Discord answered 502"),
        ("PUT", 403, {"body": {}}, 15, "Discord answered 403"),
        ("PUT", "cut", {"times": 2}, 15, "no usable response from Discord"),  # aiohttp repeats the first one
    ],
)
async def test_a_registration_that_is_refused_for_now_keeps_no_bot_offline_and_is_made_later(
    sandbox: Sandbox,
    time: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    method: str,
    how: Any,
    answer: dict[str, Any],
    wait: float,
    reason: str,
) -> None:
    caplog.set_level("INFO", "wisp.command_sync")
    sandbox.fail(method, r"/commands$", how, **answer)
    bot = short_bot()
    async with running(bot, sandbox):
        assert all(shard.is_connected for shard in bot.gateway.shards.values())
        assert "registration of commands postponed" in bot._session.summary()
        (line,) = logged(caplog)
        assert f"the commands are not synced yet: {reason}" in line
        assert "tries again at" in line
        assert "UTC (in " in line
        await time.advance(wait - 1)
        assert registered(sandbox) == {}  # the next attempt would succeed
        await time.advance(2)
        assert set(registered(sandbox)) == {"hello"}
        assert logged(caplog)[1:] == ["commands registered: 1 created"]


async def test_attempts_that_fail_again_and_again_become_rarer_and_end_with_the_bot(
    sandbox: Sandbox, time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fail("GET", r"/commands$", 500, times=None)
    bot = short_bot()
    async with running(bot, sandbox):
        for attempts, seconds in enumerate((16, 61, 301, 901, 901), start=1):
            assert len(logged(caplog)) == attempts
            await time.advance(seconds)
    assert "(in 15 seconds)" in logged(caplog)[0]
    assert "(in 15 minutes)" in logged(caplog)[-1]


async def test_loading_modules_in_an_outage_does_not_put_the_next_attempt_off(
    sandbox: Sandbox, time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fail("GET", r"/commands$", 503, times=2)
    bot = short_bot()
    bot.modules.register(Late("one"))
    async with running(bot, sandbox):  # the first attempt
        for action in (bot.modules.unload, bot.modules.load):
            await time.advance(5)
            await action("one")
        await time.advance(6)
        assert [re.findall(r"\(in .*\)", line) for line in logged(caplog)] == [
            ["(in 15 seconds)"],
            ["(in 10 seconds)"],
            ["(in 5 seconds)"],
            ["(in 60 seconds)"],
        ]
        await time.advance(61)
        assert set(registered(sandbox)) == {"hello", "one", "modules"}


async def test_an_attempt_that_meets_a_mistake_of_the_bot_is_the_last_and_logged(
    sandbox: Sandbox, time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fail("PUT", r"/commands$", 503)
    errors = {"0": {"_errors": [{"code": "NEW_RULE", "message": "No vowels."}]}}
    sandbox.fail("PUT", r"/commands$", 400, body={"message": "Invalid Form Body", "code": 50035, "errors": errors})
    bot = short_bot()
    async with running(bot, sandbox):
        await time.advance(16)
        assert "test_registration.py" in logged(caplog)[1]
        assert 'command "hello": No vowels.' in logged(caplog)[1]
        await time.advance(3600)
        assert registered(sandbox) == {}


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_registration_that_is_refused_for_good_is_an_error_of_the_start(sandbox: Sandbox, status: int) -> None:
    sandbox.fail("GET", r"/commands$", status)
    with pytest.raises(wisp.errors.StartError, match=rf"\(401\)|Discord answered {status}"):
        async with running(short_bot(), sandbox):
            pass


@pytest.mark.parametrize("is_closed", [True, False])
async def test_a_slow_registration_is_waited_for_10_s_and_goes_on_until_the_bot_closes(
    sandbox: Sandbox, time: VirtualTime, caplog: pytest.LogCaptureFixture, is_closed: bool
) -> None:
    caplog.set_level("INFO", "wisp.command_sync")
    clock = sandbox.world.clock
    sandbox.delay("PUT", r"/commands$", 20)
    bot = short_bot()
    config = Config(token=sandbox.token, rest_url=sandbox.rest_url, database=":memory:")
    starting = asyncio.create_task(bot.start(config, clock=clock))
    await time.until(lambda: bool(sandbox.faults.delayed))
    await time.advance(9)
    assert not starting.done()
    await time.advance(1)
    await starting
    assert logged(caplog) == ["the commands are not synced yet: this takes Discord more than 10 s, and goes on"]
    if not is_closed:
        await time.advance(10)
        assert logged(caplog)[1:] == ["commands registered: 1 created"]
    await asyncio.wait_for(bot.close(), 5)
    assert not {task for task in asyncio.all_tasks() if "CommandSync" in repr(task)}


async def test_closing_does_not_wait_for_an_attempt_that_is_made_again(sandbox: Sandbox, time: VirtualTime) -> None:
    sandbox.fail("GET", r"/commands$", 503)
    sandbox.delay("PUT", r"/commands$", 60)
    bot = short_bot()
    async with running(bot, sandbox):
        await time.advance(16)
        await time.until(lambda: bool(sandbox.faults.delayed))
        await asyncio.wait_for(bot.close(), 5)


async def test_a_scope_that_takes_no_new_commands_today_does_not_hold_up_the_others(
    sandbox: Sandbox, time: VirtualTime
) -> None:
    sandbox.fail("PUT", r"/commands$", 400, body=DAILY)
    bot = short_bot()
    guild = sandbox.world.guilds.add("Workshop")

    @bot.command(guilds=[guild.id])
    async def local(ctx: wisp.Context) -> None:
        """Only there."""

    async with running(bot, sandbox):
        assert registered(sandbox) == {}
        assert set(registered(sandbox, guild)) == {"local"}
        await time.advance(16)
        assert set(registered(sandbox)) == {"hello"}


class Late(wisp.Module):
    def __init__(self, name: str) -> None:
        self.name = name

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name=self.name, description="Late")
        async def late(ctx: wisp.Context) -> str:
            return "late"


async def test_a_module_that_loads_while_discord_refuses_runs_and_its_commands_follow(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = wisp.Bot(modules=[Late("one"), Late("two")])

    async with connect(bot) as discord:

        def commands() -> set[str]:
            return {command["name"] for command in discord.world.commands[None].values()} - {"modules"}

        for name in ("one", "two"):
            await bot.modules.unload(name)
        discord.fail("PUT", r"/commands$", 429, body=LIMITED)
        await bot.modules.load("one")
        await discord.advance(minutes=5)
        await bot.modules.load("two")  # Discord asked to wait, and is not asked again before that
        assert bot.modules.is_loaded("one")
        assert bot.modules.is_loaded("two")
        assert commands() == set()
        assert "the commands are not synced yet: Discord answered 429" in logged(caplog)[0]
        assert "the commands are not synced yet: Discord refused for now" in logged(caplog)[1]
        assert "(in 5 minutes)" in logged(caplog)[1]
        await discord.advance(minutes=5)
        assert commands() == {"one", "two"}
        assert (await discord.member("ada").slash("two")).content == "late"


async def test_what_a_failed_attempt_sent_is_taken_back_when_the_bot_no_longer_has_it() -> None:
    bot = wisp.Bot(modules=[Late("one")])
    async with connect(bot) as discord:
        await bot.modules.unload("one")
        discord.fail("PUT", r"/commands$", 400, done=True, body={"message": "No vowels.", "code": 50035})
        with pytest.raises(wisp.errors.CheckError, match="No vowels"):
            await bot.modules.load("one")
        await bot.modules.unload("one")
        assert {command["name"] for command in discord.world.commands[None].values()} == {"modules"}
