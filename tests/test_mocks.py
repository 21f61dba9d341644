"""Mocks: a bot, a context and an interaction for unit tests, on real services in memory."""

import asyncio
import gc
import threading
import warnings
from typing import Any

import hikari
import pytest

import wisp
from wisp.context import runtime_of
from wisp.services.audit import AuditService
from wisp.services.cache import CacheService
from wisp.services.database import DatabaseService
from wisp.services.guild_data import GuildData
from wisp.services.metrics import MetricsService
from wisp.testing import create_mock_bot, create_mock_context, create_mock_interaction


class Joined(wisp.Event):
    """Somebody is here."""

    name: str


class MyModule(wisp.Module):
    """A module as the guide writes one."""

    name = "my_module"
    required_services = frozenset({"cache"})

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name="example", ephemeral=True)
        @wisp.require_guild
        @wisp.cooldown(seconds=5.0)
        async def example(interaction: wisp.Context, times: int = 1) -> None:
            """Do something."""
            cache = ctx.services.get("cache")
            if cache:
                count = await cache.get("example_count") or 0
                await cache.set("example_count", count + times)
            assert interaction.guild_id is not None
            await ctx.guild_data.set(
                guild_id=interaction.guild_id,
                key="last_used",
                value=interaction.interaction.created_at.isoformat(),
                module_name=self.name,
            )
            await wisp.respond_success(interaction, "Success!", embed=wisp.EmbedBuilder.success(title="Example"))

        group = bot.group("admin", "Administration")

        @group.command
        async def kick(interaction: wisp.Context, user: hikari.User) -> str:
            """Kick."""
            return f"Kicked {user.mention}"

        @bot.listen
        async def joined(event: Joined) -> None:
            self.heard.append(event.name)

        ctx.services.get("metrics").increment("modules.set_up")
        ctx.services.get("audit").log_action(action="set_up", guild_id=5)


def test_the_guides_unit_test() -> None:
    interaction = create_mock_interaction(user_id=123456)
    bot = create_mock_bot()
    ctx = create_mock_context()
    module = MyModule()
    assert interaction.user.id == 123456
    assert interaction.user.mention == "<@123456>"
    assert isinstance(bot, wisp.ModuleBot)
    assert isinstance(ctx, wisp.ModuleContext)
    assert isinstance(interaction, wisp.Context)
    assert module.name == "my_module"


async def test_a_module_is_set_up_and_its_commands_are_found_and_called() -> None:
    bot, ctx = create_mock_bot(), create_mock_context()
    await MyModule().setup(bot, ctx)
    interaction = create_mock_interaction(user_id=123456)
    await bot.find("example")(interaction, times=2)
    (reply,) = interaction.replies
    assert (reply.content, reply.embeds[0]["title"]) == ("Success!", "Example")
    assert await ctx.services.get("cache").get("example_count") == 2
    guild_id = interaction.guild_id
    assert guild_id is not None
    kept = await ctx.guild_data.get(guild_id=guild_id, key="last_used", module_name="my_module")
    assert kept == interaction.interaction.created_at.isoformat()
    assert await bot.find("admin kick")(interaction, interaction.user) == "Kicked <@123456>"
    assert ctx.services.get("metrics").snapshot().counters == {"modules.set_up": 1}
    assert [record.action for record in await ctx.services.get("audit").recent(guild_id=5)] == ["set_up"]


async def test_events_reach_the_listeners_of_a_module() -> None:
    bot, module = create_mock_bot(), MyModule()
    await module.setup(bot, create_mock_context(bot))
    await bot.emit(Joined(name="ada"))
    await bot.emit(wisp.events.ModuleEnabled(guild_id=1, module="x"))
    assert module.heard == ["ada"]


def test_services_are_real_made_without_an_event_loop_and_each_bots_own() -> None:
    ctx = create_mock_context()
    kinds = {"cache": CacheService, "metrics": MetricsService, "audit": AuditService}
    for name, kind in {**kinds, "guild_data": GuildData, "db": DatabaseService}.items():
        assert type(ctx.services.get(name)) is kind or issubclass(type(ctx.services.get(name)), kind)
        assert isinstance(ctx.services.get_typed(name, kind), kind)

    async def store(context: Any) -> Any:
        await context.guild_data.set(guild_id=1, key="n", value=[1])
        await asyncio.gather(*(context.guild_data.increment(guild_id=1, key="m") for _ in range(5)))
        async with context.services.get("db").transaction() as tx:
            await tx.execute("CREATE TABLE t (x)")
        return await context.guild_data.get_all(guild_id=1)

    assert asyncio.run(store(ctx)) == {"n": [1], "m": 5}
    assert asyncio.run(ctx.guild_data.get_all(guild_id=1)) == {"n": [1], "m": 5}  # on another event loop
    assert asyncio.run(create_mock_context().guild_data.get_all(guild_id=1)) == {}


async def test_interaction_and_context_can_share_one_bots_services() -> None:
    bot = create_mock_bot()
    ctx, interaction = create_mock_context(bot), create_mock_interaction(bot=bot)
    await interaction.data.set("key", "value")
    guild_id = interaction.guild_id
    assert guild_id is not None
    assert await ctx.guild_data.get(guild_id=guild_id, key="key", module_name="mock") == "value"


async def test_answers_are_recorded_as_discord_would_have_them() -> None:
    interaction = create_mock_interaction()
    await interaction.defer(ephemeral=True)
    await interaction.respond("one", ephemeral=True)
    await interaction.edit("two")
    more = await interaction.respond("more", ephemeral=False, attachment=hikari.Bytes(b"text", "file.txt"))
    await more.delete()
    assert [(reply.content, reply.ephemeral, reply.deleted) for reply in interaction.replies] == [
        ("two", True, False),
        ("more", False, True),
    ]
    assert (interaction.replies[0].deferred, interaction.replies[0].edits) == (True, ["one"])
    assert repr(interaction.replies[0]) == "<MockReply 'two'>"


async def test_what_discord_would_refuse_is_refused() -> None:
    interaction = create_mock_interaction()
    with pytest.raises(wisp.AnswerError, match="2000"):
        await interaction.respond("x" * 2001)
    with pytest.raises(wisp.AnswerError, match="empty"):
        await interaction.respond("")
    assert interaction.replies == []


async def test_a_form_is_recorded() -> None:
    interaction = create_mock_interaction()
    row = hikari.impl.ModalActionRowBuilder()
    row.add_text_input("text", "Text")
    await interaction.respond_with_modal("Title", "form", components=[row])
    (reply,) = interaction.replies
    assert (reply.type, reply.data["title"]) == (hikari.ResponseType.MODAL, "Title")


def test_an_interaction_is_made_at_the_time_of_the_bots_clock() -> None:
    bot = create_mock_bot()
    clock = bot.mock_session.runtime.clock
    clock.offset += 3600
    interaction = create_mock_interaction(bot=bot)
    assert interaction.interaction.created_at.timestamp() == pytest.approx(clock.time(), abs=60)


def test_who_and_where_can_be_said() -> None:
    interaction = create_mock_interaction(7, username="bob", guild_id=5, permissions=hikari.Permissions.BAN_MEMBERS)
    assert (interaction.user.username, interaction.guild_id) == ("bob", 5)
    assert interaction.member is not None
    assert interaction.member.permissions == hikari.Permissions.BAN_MEMBERS
    private = create_mock_interaction(7, guild_id=None)
    assert (private.guild_id, private.member, private.user.id) == (None, None, 7)


@pytest.mark.parametrize(
    ("make", "wrong", "nearest"),
    [
        (create_mock_bot, "comand", "command"),
        (create_mock_context, "guild_dta", "guild_data"),
        (create_mock_interaction, "respnd", "respond"),
        (lambda: runtime_of(create_mock_interaction()).gateway.rest, "replys", "replies"),
    ],
)
def test_a_name_that_does_not_exist_is_an_attribute_error_with_the_nearest(make: Any, wrong: str, nearest: str) -> None:
    made = make()
    with pytest.raises(AttributeError, match=f"has no '{wrong}'. Did you mean '{nearest}'?"):
        getattr(made, wrong)
    assert not hasattr(made, "zzzz")


async def test_what_needs_a_person_or_discord_says_so() -> None:
    interaction = create_mock_interaction()
    with pytest.raises(NotImplementedError, match=r"ctx.confirm waits for a user.*connect\(bot\)"):
        await interaction.confirm("Sure?")
    with pytest.raises(NotImplementedError, match=r"ctx.form waits for a user"):
        await interaction.form(wisp.Form)
    with pytest.raises(LookupError, match="there is no command 'nothing'; commands: none"):
        create_mock_bot().find("nothing")


def test_mocks_leave_nothing_behind() -> None:
    before = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            create_mock_interaction()
        gc.collect()
    assert threading.active_count() == before


async def test_a_module_that_sets_reminders_is_tested_with_them() -> None:
    bot = create_mock_bot()
    ctx = create_mock_context(bot)

    @bot.job("remind")
    async def remind(text: str) -> None: ...

    @bot.command
    async def tea(interaction: wisp.Context) -> None:
        """Make tea."""
        await ctx.services.get("scheduler").once("remind", delay=180, data={"text": "tea"})

    await bot.find("tea")(create_mock_interaction(bot=bot))
    (job,) = await ctx.services.get("scheduler").pending("remind")
    assert job.data == {"text": "tea"}
