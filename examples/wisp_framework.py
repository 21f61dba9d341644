"""Coming from Wisp Framework: every snippet of its module guide, chapter by chapter, on hikari.

    there, on discord.py                            here, on hikari
    from wisp_framework.module import Module        wisp.Module; properties or class attributes
    ModuleRegistry(feature_flags).register(M())     bot.modules.register(M())
    feature flags                                   await bot.modules.enable(name, guild_id=...), disable, is_enabled
    /modules enable my_module                       the same, in force at once and everywhere
    @tree.command(name=..., description=...)        @bot.command(name=..., description=...)
    interaction: discord.Interaction                ctx: wisp.Context, with hikari's as ctx.interaction
    interaction.response.send_message("Hello!")     ctx.respond("Hello!"), or return "Hello!"
    @app_commands.describe(user="The user")         user: Annotated[hikari.Member, wisp.Option("The user")]
    interaction.guild.id, interaction.created_at    ctx.guild_id, ctx.interaction.created_at
    require_guild, handle_errors, cooldown          the same
    CommandGroup(...).create_group(bot.tree)        CommandGroup(...).create_group(bot)
    @bot.event, on_member_join(member)              @bot.listen on a function of a hikari.MemberCreateEvent
    on_message(message)                             hikari.MessageCreateEvent, with wisp.Bot(intents="MESSAGE_CONTENT")
    the bot's event system                          class LevelUp(wisp.Event), await bot.emit(LevelUp(...))
    ctx.services.get, get_typed                     the same, with wisp.DatabaseService and so on
    cache.set, get, delete                          the same
    db.session_factory(), SQLAlchemy models         db.transaction() with SQL, and numbered migrations
    scheduler.register(task, interval=, name=)      the same, or @bot.every(hours=1)
    metrics.increment, timing                       the same
    audit.log_action(...)                           the same, read back with await audit.recent(...)
    ctx.guild_data.set(guild_id=, key=, ...)        the same; ctx.data is this server's and this module's
    EmbedBuilder, respond_success, paginate_embeds  the same, with ctx for interaction
    create_mock_interaction, create_mock_bot, ...   the same in wisp.testing, with real services; also connect(bot)

The bot below keeps the guide's names and signatures wherever hikari allows it, `@property` and `interaction` included.
The other examples show the shorter way.
"""

from __future__ import annotations

import logging
import time
from typing import Annotated

import hikari

import wisp
from wisp import CommandGroup, EmbedBuilder, cooldown, handle_errors, paginate_embeds, require_guild, respond_success
from wisp.services import AuditService
from wisp.testing import Discord, create_mock_bot, create_mock_context, create_mock_interaction

logger = logging.getLogger(__name__)


class BaseModule(wisp.Module):
    """Module basics: a name, a setup, and a teardown if there is something to close."""

    @property
    def name(self) -> str:
        return "base_module"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        logger.info("Setting up %s", self.name)

    async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        logger.info("Tearing down %s", self.name)


class Commands(wisp.Module):
    """Working with commands."""

    @property
    def name(self) -> str:
        return "commands"

    @property
    def depends_on(self) -> list[str]:
        return ["base_module"]

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name="hello", description="Say hello")
        async def hello(interaction: wisp.Context) -> None:
            await interaction.respond("Hello!")

        @bot.command(name="greet", description="Greet a user")
        async def greet(
            interaction: wisp.Context, user: Annotated[hikari.Member, wisp.Option("The user to greet")]
        ) -> None:
            await interaction.respond(f"Hello, {user.mention}!")

        @bot.command(name="guild-only", description="Only in servers")
        @require_guild
        @handle_errors
        async def guild_command(interaction: wisp.Context) -> None:
            await interaction.respond("This only works in servers!")

        @bot.command(name="safe", description="Fail and say so")
        @handle_errors
        async def safe_command(interaction: wisp.Context) -> None:
            # Errors are caught and displayed
            raise ValueError("This will be caught!")

        @bot.command(name="pages", description="Turn pages")
        async def pages(interaction: wisp.Context) -> None:
            await paginate_embeds(interaction, [EmbedBuilder.info(title=f"Page {number}") for number in (1, 2, 3)])

        admin_group = CommandGroup("admin", "Admin commands", guild_only=True)
        admin_group.create_group(bot)

        @admin_group.command(name="kick", description="Kick a user")
        async def kick(interaction: wisp.Context, user: hikari.Member) -> None:
            await interaction.respond(f"Kicked {user.mention}")


class LevelUp(wisp.Event):
    """A custom event."""

    guild_id: int
    channel_id: int
    user_id: int


class Events(wisp.Module):
    """Working with events."""

    @property
    def name(self) -> str:
        return "events"

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.listen
        async def on_member_join(event: hikari.MemberCreateEvent) -> None:
            guild = event.get_guild()
            if guild and guild.system_channel_id:
                await bot.gateway.rest.create_message(guild.system_channel_id, f"Welcome {event.member.mention}!")

        @bot.listen
        async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
            if event.is_bot:
                return
            said = await ctx.guild_data.increment(
                guild_id=event.guild_id, key=f"said:{event.author_id}", module_name=self.name
            )
            if said == 3:
                await bot.emit(LevelUp(guild_id=event.guild_id, channel_id=event.channel_id, user_id=event.author_id))

        @bot.listen
        async def on_level_up(event: LevelUp) -> None:
            await bot.gateway.rest.create_message(event.channel_id, f"<@{event.user_id}> talks a lot!")


class UsingServices(wisp.Module):
    """Using services, if they are available."""

    @property
    def name(self) -> str:
        return "services"

    @property
    def required_services(self) -> set[str]:
        return {"db", "cache"}

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        bot.migration(1, "CREATE TABLE model (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")

        # By name, and typed
        cache = ctx.services.get("cache")
        db = ctx.services.get_typed("db", wisp.DatabaseService)
        metrics = ctx.services.get("metrics")
        audit = ctx.services.get_typed("audit", AuditService)
        scheduler = ctx.services.get("scheduler")

        async def periodic_task() -> None:
            if db:
                async with db.transaction() as tx:
                    await tx.execute("INSERT INTO model (text) VALUES (?)", ("another hour",))

        if scheduler:
            scheduler.register(periodic_task, interval=3600.0, name="my_task")

        @bot.command(name="hours", description="How many hours passed")
        async def hours(interaction: wisp.Context) -> None:
            start = time.time()
            if cache:
                await cache.set("key", "value", ttl=3600)
                value = await cache.get("key")
                await cache.delete("key")
                logger.debug("the cache had %s", value)
            rows = await db.fetchall("SELECT id, text FROM model") if db else []
            if audit:
                audit.log_action(
                    action="user_action",
                    user_id=interaction.user.id,
                    guild_id=interaction.guild_id,
                    metadata={"key": "value"},
                )
            if metrics:
                metrics.increment("commands.executed")
                metrics.timing("command.duration", time.time() - start)
            await interaction.respond(f"{len(rows)} so far.")

        @bot.command(name="audited", description="What was recorded")
        @require_guild
        async def audited(interaction: wisp.Context) -> str:
            records = await audit.recent(guild_id=interaction.guild_id, limit=50) if audit else []
            return (
                "\n".join(f"{record.action} by <@{record.user_id}>: {record.metadata}" for record in records)
                or "Nothing."
            )


class PerGuildData(wisp.Module):
    """Per-guild data storage, with the module's name as its namespace."""

    @property
    def name(self) -> str:
        return "my_module"

    @property
    def default_enabled(self) -> bool:
        return False  # Disabled by default

    @property
    def depends_on(self) -> list[str]:
        return ["base_module", "commands"]

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name="count", description="Count in this server")
        @require_guild
        async def count(interaction: wisp.Context) -> str:
            assert interaction.guild_id is not None  # see require_guild
            number = await ctx.guild_data.get(
                guild_id=interaction.guild_id, key="command_count", default=0, module_name="my_module"
            )
            await ctx.guild_data.set(
                guild_id=interaction.guild_id, key="command_count", value=number + 1, module_name="my_module"
            )
            all_data = await ctx.guild_data.get_all(guild_id=interaction.guild_id, module_name="my_module")
            return f"Here is {all_data}"

        @bot.command(name="forget", description="Forget the count of this server")
        @require_guild
        async def forget(interaction: wisp.Context) -> str:
            assert interaction.guild_id is not None
            await ctx.guild_data.delete(guild_id=interaction.guild_id, key="command_count", module_name="my_module")
            return "Forgotten."


class ExampleModule(wisp.Module):
    """Example module demonstrating best practices."""

    @property
    def name(self) -> str:
        return "example"

    @property
    def default_enabled(self) -> bool:
        return True

    @property
    def required_services(self) -> set[str]:
        return {"cache"}  # Requires cache service

    async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        @bot.command(name="example")
        @require_guild
        @handle_errors
        @cooldown(seconds=5.0)
        async def example(interaction: wisp.Context) -> None:
            # Get cache
            cache = ctx.services.get("cache")
            if cache:
                count = await cache.get("example_count") or 0
                await cache.set("example_count", count + 1)

            # Store guild data
            assert interaction.guild_id is not None
            await ctx.guild_data.set(
                guild_id=interaction.guild_id,
                key="last_used",
                value=interaction.interaction.created_at.isoformat(),
                module_name=self.name,
            )

            # Respond
            embed = EmbedBuilder.success(title="Example Command", description="This is an example!")
            await respond_success(interaction, "Success!", embed=embed)

    async def teardown(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
        # Cleanup if needed
        pass


bot = wisp.Bot(modules=[BaseModule(), Commands(), Events(), UsingServices(), PerGuildData(), ExampleModule()])

bot.run()


async def test_commands_and_groups(discord: Discord) -> None:
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


async def test_events(discord: Discord) -> None:
    bob, eve = discord.member("bob"), await discord.join("eve")
    for word in ("one", "two", "three"):
        await bob.say(word)
    texts = [message.content for message in discord.messages("general")]
    assert texts == [f"Welcome {eve.mention}!", "one", "two", "three", f"{bob.mention} talks a lot!"]


async def test_services(discord: Discord) -> None:
    ada = discord.member("ada")
    assert (await ada.slash("hours")).content == "0 so far."
    await discord.advance(hours=24)
    assert (await ada.slash("hours")).content == "24 so far."
    record = f"user_action by {ada.mention}: {{'key': 'value'}}"
    assert (await ada.slash("audited")).content == f"{record}\n{record}"
    assert "commands_executed_total 2" in bot.services.get("metrics").prometheus()


async def test_a_module_that_is_off_by_default(discord: Discord) -> None:
    ada = discord.member("ada")
    assert "off in this server" in (await ada.slash("count")).content
    await ada.slash("modules enable", module="my_module")
    await ada.slash("count")
    assert (await ada.slash("count")).content == "Here is {'command_count': 2}"
    await discord.restart()
    assert (await ada.slash("count")).content == "Here is {'command_count': 3}"
    await ada.slash("forget")
    assert (await ada.slash("count")).content == "Here is {'command_count': 1}"


async def test_modules_load_after_what_they_depend_on(discord: Discord) -> None:
    order = bot.modules.list()
    assert order.index("base_module") < order.index("commands") < order.index("my_module")


async def test_the_complete_example(discord: Discord) -> None:
    ada = discord.member("ada")
    reply = await ada.slash("example")
    assert reply.content == "Success!"
    assert (reply.embeds[0].title, reply.embeds[0].description) == ("Example Command", "This is an example!")
    assert (await ada.slash("example")).content != "Success!"  # it cools down
    await discord.advance(seconds=5)
    assert (await ada.slash("example")).content == "Success!"
    assert await bot.services.get("cache").get("example_count") == 2
    assert ada.guild
    assert await bot.guild_data.get(guild_id=ada.guild.id, key="last_used", module_name="example")
    assert (await ada.dm.slash("example")).content != "Success!"  # it is for servers


async def test_the_complete_example_with_mocks() -> None:
    mock_bot, ctx = create_mock_bot(), create_mock_context()
    module = ExampleModule()
    await module.setup(mock_bot, ctx)
    interaction = create_mock_interaction(user_id=123456)
    await mock_bot.find("example")(interaction)
    assert interaction.replies[0].content == "Success!"
    await module.teardown(mock_bot, ctx)
