"""The same bot in each library: /ping and /greet as its own documentation writes them, fed with gateway text.

Each `..._bot` is an async context manager around a bot that has done what it does at start, except connect:
its REST client is alive above a `wire.Session`, READY and GUILD_CREATE have been fed to it. It gives the
`Feed` that takes one gateway message where the library's shard would have read it off the websocket.
JSON is what the library uses as pip installs it. /guarded has a cooldown and a permission check where the library has
such (bare hikari and crescent answer at once); a button is pressed on one of `live` messages.
"""

# No `from __future__ import annotations`: the libraries read the handlers' annotations, whose names are local.

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

import wire

Feed = Callable[[bytes], Awaitable[None]]
Bot = Callable[[wire.Session, int], AbstractAsyncContextManager[Feed]]


class Shard:
    """What hikari's event manager asks of the shard that an event came from."""

    id = 0
    is_alive = True

    def get_user_id(self) -> int:
        return int(wire.BOT)


def feed_hikari(gateway: Any) -> Feed:
    """What `GatewayShardImpl` does with a message: decode it, hand `d` to the event manager."""
    loads, consume, shard = gateway._loads, gateway._event_manager.consume_raw_event, Shard()

    async def feed(text: bytes) -> None:
        message = loads(text)
        consume(message["t"], shard, message["d"])

    return feed


@asynccontextmanager
async def alive(gateway: Any, session: wire.Session) -> AsyncIterator[Feed]:
    """A hikari bot above `session`: REST started, READY and GUILD_CREATE seen, StartedEvent handled."""
    import hikari

    gateway.rest._client_session_owner, gateway.rest._client_session = False, session
    gateway.rest.start()
    feed = feed_hikari(gateway)
    await feed(wire.gateway_text("READY", wire.READY))
    await feed(wire.gateway_text("GUILD_CREATE", wire.GUILD_CREATE))
    await gateway.event_manager.dispatch(hikari.StartedEvent(app=gateway), return_tasks=True)
    yield feed
    await gateway.rest.close()


def gateway_bot() -> Any:
    import hikari

    return hikari.GatewayBot(wire.TOKEN, banner=None, logs=None, suppress_optimization_warning=True)


@asynccontextmanager
async def hikari_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import hikari

    bot = gateway_bot()

    @bot.listen()
    async def answer(event: hikari.InteractionCreateEvent) -> None:
        interaction = event.interaction
        if isinstance(interaction, hikari.ComponentInteraction) and interaction.custom_id.startswith("vote:"):
            choice = interaction.custom_id.split(":")[2]
            await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, f"Voted {choice}")
        if not isinstance(interaction, hikari.CommandInteraction):
            return
        if interaction.command_name in ("ping", "guarded"):
            await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "Pong")
        elif interaction.command_name == "greet":
            given = {option.name: option.value for option in interaction.options or ()}
            user = interaction.resolved.members[given["user"]]  # type: ignore[union-attr,index]
            await interaction.create_initial_response(
                hikari.ResponseType.MESSAGE_CREATE, f"Hello {user.mention}! ({given['times']} times)"
            )

    async with alive(bot, session) as feed:
        yield feed


@asynccontextmanager
async def lightbulb_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import hikari
    import lightbulb

    bot = gateway_bot()
    client = lightbulb.client_from_app(bot, sync_commands=False)
    bot.subscribe(hikari.StartedEvent, client.start)

    @client.register
    class Ping(lightbulb.SlashCommand, name="ping", description="Answer"):
        @lightbulb.invoke
        async def invoke(self, ctx: lightbulb.Context) -> None:
            await ctx.respond("Pong")

    @client.register
    class Greet(lightbulb.SlashCommand, name="greet", description="Greet a member"):
        user = lightbulb.user("user", "Whom")
        times = lightbulb.integer("times", "How often")

        @lightbulb.invoke
        async def invoke(self, ctx: lightbulb.Context) -> None:
            await ctx.respond(f"Hello {self.user.mention}! ({self.times} times)")

    @client.register
    class Guarded(
        lightbulb.SlashCommand,
        name="guarded",
        description="Answer",
        hooks=[
            lightbulb.prefab.has_permissions(hikari.Permissions.MANAGE_GUILD),
            lightbulb.prefab.sliding_window(5.0, 1, lambda ctx: ctx.interaction.id),
        ],
    ):
        @lightbulb.invoke
        async def invoke(self, ctx: lightbulb.Context) -> None:
            await ctx.respond("Pong")

    async def vote(ctx: lightbulb.components.MenuContext) -> None:
        await ctx.respond("Voted yes")

    for number in range(live):
        menu = lightbulb.components.Menu()
        menu.add_interactive_button(hikari.ButtonStyle.PRIMARY, vote, custom_id=f"vote:{number}:yes", label="Yes")
        menu.attach_persistent(client, timeout=None)

    async with alive(bot, session) as feed:
        yield feed
        await client.stop()


@asynccontextmanager
async def wisp_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import hikari

    import wisp
    from wisp.local.runner import on_sandbox

    bot = wisp.Bot()

    @bot.command
    async def ping(ctx: wisp.Context) -> str:
        """Answer."""
        return "Pong"

    @bot.command
    async def greet(ctx: wisp.Context, user: hikari.Member, times: int) -> str:
        """Greet a member."""
        return f"Hello {user.mention}! ({times} times)"

    @bot.command
    @wisp.require_permissions(hikari.Permissions.MANAGE_GUILD)
    @wisp.cooldown(5.0, bucket=lambda ctx: int(ctx.interaction.id))
    async def guarded(ctx: wisp.Context) -> str:
        """Answer."""
        return "Pong"

    @bot.component("vote:{poll}:{choice}")
    async def vote(ctx: wisp.ComponentContext, poll: int, choice: str) -> str:
        return f"Voted {choice}"

    # A wisp bot starts whole: on the sandbox, whose REST is then exchanged for ours.
    async with on_sandbox(bot):
        rest: Any = bot.gateway.rest
        own, rest._client_session = rest._client_session, session
        feed = feed_hikari(bot.gateway)
        await feed(wire.gateway_text("GUILD_CREATE", wire.GUILD_CREATE))
        yield feed
        rest._client_session = own


@asynccontextmanager
async def wisp_module_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import hikari

    import wisp
    from wisp.local.runner import on_sandbox

    class Both(wisp.Module):
        name = "both"

        async def setup(self, bot: wisp.ModuleBot, ctx: wisp.ModuleContext) -> None:
            @bot.command
            async def ping(ctx: wisp.Context) -> str:
                """Answer."""
                return "Pong"

            @bot.command
            async def greet(ctx: wisp.Context, user: hikari.Member, times: int) -> str:
                """Greet a member."""
                return f"Hello {user.mention}! ({times} times)"

    bot = wisp.Bot(modules=[Both()])
    async with on_sandbox(bot):
        rest: Any = bot.gateway.rest
        own, rest._client_session = rest._client_session, session
        feed = feed_hikari(bot.gateway)
        await feed(wire.gateway_text("GUILD_CREATE", wire.GUILD_CREATE))
        yield feed
        rest._client_session = own


@asynccontextmanager
async def arc_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import arc
    import hikari

    bot = gateway_bot()
    client = arc.GatewayClient(bot, autosync=False)

    @client.include
    @arc.slash_command("ping", "Answer")
    async def ping(ctx: arc.GatewayContext) -> None:
        await ctx.respond("Pong")

    @client.include
    @arc.slash_command("greet", "Greet a member")
    async def greet(
        ctx: arc.GatewayContext,
        user: arc.Option[hikari.Member, arc.MemberParams("Whom")],
        times: arc.Option[int, arc.IntParams("How often")],
    ) -> None:
        await ctx.respond(f"Hello {user.mention}! ({times} times)")

    @client.include
    @arc.with_hook(arc.user_limiter(5.0, 10**9))
    @arc.with_hook(arc.has_permissions(hikari.Permissions.MANAGE_GUILD))
    @arc.slash_command("guarded", "Answer")
    async def guarded(ctx: arc.GatewayContext) -> None:
        await ctx.respond("Pong")

    async with alive(bot, session) as feed:
        yield feed


@asynccontextmanager
async def crescent_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import crescent
    import hikari

    bot = gateway_bot()
    client = crescent.Client(bot, update_commands=False)

    @client.include
    @crescent.command(name="ping", description="Answer")
    async def ping(ctx: crescent.Context) -> None:
        await ctx.respond("Pong")

    @client.include
    @crescent.command(name="greet", description="Greet a member")
    class Greet:
        user = crescent.option(hikari.User, "Whom")
        times = crescent.option(int, "How often")

        async def callback(self, ctx: crescent.Context) -> None:
            await ctx.respond(f"Hello {self.user.mention}! ({self.times} times)")

    @client.include
    @crescent.command(name="guarded", description="Answer")
    async def guarded(ctx: crescent.Context) -> None:
        await ctx.respond("Pong")

    async with alive(bot, session) as feed:
        yield feed


@asynccontextmanager
async def discord_py_bot(session: wire.Session, live: int) -> AsyncIterator[Feed]:
    import discord
    from discord import app_commands
    from discord.gateway import DiscordWebSocket

    client: Any = discord.Client(intents=discord.Intents.default(), guild_ready_timeout=0)
    tree = app_commands.CommandTree(client)

    @tree.command(name="ping", description="Answer")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Pong")

    @tree.command(name="greet", description="Greet a member")
    async def greet(interaction: discord.Interaction, user: discord.Member, times: int) -> None:
        await interaction.response.send_message(f"Hello {user.mention}! ({times} times)")

    @tree.command(name="guarded", description="Answer")
    @app_commands.checks.has_permissions(manage_guild=True)
    @app_commands.checks.cooldown(10**9, 5.0)
    async def guarded(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("Pong")

    await client._async_setup_hook()
    client.http._HTTPClient__session = session
    # What DiscordWebSocket.from_client sets up once its socket is open.
    socket: Any = DiscordWebSocket(None, loop=client.loop)  # type: ignore[arg-type]
    socket.shard_id = None
    socket._connection = client._connection
    socket._discord_parsers = client._connection.parsers
    socket._dispatch = client.dispatch

    async def feed(text: bytes) -> None:
        await socket.received_message(text.decode())

    await feed(wire.gateway_text("READY", wire.READY))
    await feed(wire.gateway_text("GUILD_CREATE", wire.GUILD_CREATE))
    await client.wait_until_ready()
    yield feed


BARE, LIGHTBULB, WISP, IN_MODULE = "bare hikari", "lightbulb", "wisp", "wisp module"


BUTTONS = (BARE, LIGHTBULB, WISP)
"""Those whose bot has a handler for the button."""


class Library(NamedTuple):
    """One column of the comparison: its bot, the module that must be there for it, what pip calls it."""

    bot: Bot
    module: str
    distribution: str


LIBRARIES = {
    BARE: Library(hikari_bot, "hikari", "hikari"),
    LIGHTBULB: Library(lightbulb_bot, "lightbulb", "hikari-lightbulb"),
    WISP: Library(wisp_bot, "wisp.testing", "wisp-lite"),
    IN_MODULE: Library(wisp_module_bot, "wisp.testing", "wisp-lite"),
    "arc": Library(arc_bot, "arc", "hikari-arc"),
    "crescent": Library(crescent_bot, "crescent", "hikari-crescent"),
    "discord.py": Library(discord_py_bot, "discord", "discord.py"),
}
