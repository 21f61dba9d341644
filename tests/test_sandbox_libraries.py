"""Other libraries on the sandbox: a bot of each in its own process, and the REST clients of hikari and discord.py."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import time
import warnings
from asyncio.subprocess import STDOUT
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import hikari
import pytest
import yarl
from libraries import BOTS, LIBRARIES, Library

from wisp.sandbox import Person, Reply, Sandbox
from wisp.sandbox.people.components import BUTTON, controls
from wisp.sandbox.people.person import People
from wisp.sandbox.terminal.chat import Terminal
from wisp.sandbox.world.objects import Channel, Emoji, Guild, Member, Message
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[hikari.api.RESTClient]:
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


def home(world: World) -> tuple[Guild, Channel, Member]:
    guild = next(iter(world.guilds.values()))
    general = guild.channel("general")
    assert general is not None
    return guild, general, next(member for member in guild.members.values() if member.user.name == "bob")


# ---- bots ----

FOLDER = Path(os.environ["DISCORD_LIBRARIES"]).resolve() if "DISCORD_LIBRARIES" in os.environ else None
"""Where `python tests/libraries.py FOLDER` has installed the libraries."""

TO_INSTALL = "run `python tests/libraries.py FOLDER`, and set DISCORD_LIBRARIES to the folder"

START, PATIENCE = 30.0, 10.0
"""Seconds in which a bot must have started, and in which it must have done one thing."""

T = TypeVar("T")


async def until(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Wait until `look` returns something true."""
    async with asyncio.timeout(seconds):
        while not (found := look()):
            await asyncio.sleep(0.02)
    return found


async def settled(is_answered: Callable[[], bool], people: People) -> None:
    """Wait as long as a person takes to see the answer: the bot knows then that its call has succeeded, and listens."""
    await people.answered(is_answered)
    await asyncio.sleep(0.2)


class Walk:
    """What people do with a bot, step by step: each method is a step, in this order."""

    def __init__(self, sandbox: Sandbox, process: asyncio.subprocess.Process) -> None:
        self.world = sandbox.world
        self.process = process
        self.people = People(sandbox.world, patience=PATIENCE)
        self.people.settle = lambda is_answered: settled(is_answered, self.people)
        self.ada, self.bob = self.people.member("ada"), self.people.member("bob")
        self.greeting: Reply

    def said(self, text: str) -> Message | None:
        messages = self.world.messages.values()
        return next((one for one in messages if one.author is self.world.bot and one.content == text), None)

    async def start(self) -> None:
        def started() -> bool:
            assert self.process.returncode is None, "the bot has ended"
            return self.said("Awake.") is not None and bool(self.world.commands.visible(self.people.home))

        await until(started, START)

    async def presence(self) -> None:
        (presence,) = self.world.presences.of([self.people.home.members[self.world.bot.id]])
        assert [activity["name"] for activity in presence["activities"]] == ["with wisp"]
        assert presence["status"] == "online"

    async def options(self) -> None:
        self.greeting = await self.ada.slash("greet", user=self.bob, times=2)
        assert self.greeting.content == f"Hello {self.bob.mention}!" * 2

    async def button(self) -> None:
        answer = await self.ada.click(self.greeting, "Again")
        assert (answer.content, answer.ephemeral) == (f"Again, {self.ada.mention}!", True)

    async def select(self) -> None:
        await self.ada.select(self.greeting, "Tea")
        await until(lambda: self.greeting.content == "You picked tea.")
        assert self.greeting.components == []

    async def autocomplete(self) -> None:
        choices = await self.ada.autocomplete("fruit", "name", "ap")
        assert [choice["value"] for choice in choices] == ["apple", "apricot"]
        assert (await self.ada.slash("fruit", name="apple")).content == "One apple, please."

    async def deferral(self) -> None:
        reply = await self.ada.slash("later")
        (followup,) = await until(lambda: reply.followups)
        assert reply.deferred
        assert (reply.content, followup.content, followup.ephemeral) == ("Done.", "And for you alone.", True)

    async def timeout(self) -> None:
        reply = await self.ada.slash("brief")
        await until(lambda: reply.content == "Too late.")
        assert (reply.edits, reply.components) == (["Quick!"], [])

    async def form(self) -> None:
        answer = await self.ada.submit(await self.ada.slash("feedback"), Subject="tea")
        assert (answer.content, answer.ephemeral) == ("Thanks for tea.", True)

    async def embed(self) -> None:
        reply = await self.ada.slash("card")
        (embed,), (file,) = reply.embeds, reply.attachments
        assert (embed.title, [(field.name, field.value) for field in embed.fields]) == ("A card", [("Kind", "note")])
        assert embed.footer
        assert (embed.image, file.filename, file.content) == (file.url, "card.png", b"pixels")

    async def user_menu(self) -> None:
        answer = await self.ada.menu("Who", self.bob)
        assert (answer.content, answer.ephemeral) == (f"That is {self.bob.mention}.", True)

    async def message_menu(self) -> None:
        assert (await self.ada.menu("Quote", await self.ada.say("wise words"))).content == "> wise words"

    async def pages(self) -> None:
        reply = await self.ada.slash("pages")
        assert "Page one" in shown(reply)
        following = ("Next", "next", ">", "\N{BLACK RIGHT-POINTING TRIANGLE}", "\N{BLACK RIGHTWARDS ARROW}")
        buttons = [one for one in controls(reply.components, (BUTTON,)) if not one.get("disabled")]
        button = next(one for one in buttons if any(name in json.dumps(one, ensure_ascii=False) for name in following))
        await self.ada.click(reply, button["custom_id"])
        await until(lambda: "Page two" in shown(reply))

    async def listener(self) -> None:
        asked = await self.ada.say("Hello?")
        assert (await until(lambda: self.said("I heard that."))).reference is asked

    async def prefix(self) -> None:
        await self.ada.say("!ping")
        await until(lambda: self.said("Pong."))

    async def reaction(self) -> None:
        message = await self.ada.say("nice")
        await self.ada.react(message, "\N{THUMBS UP SIGN}")
        await until(lambda: self.world.bot.id in message.reactions[Emoji("\N{THUMBS UP SIGN}")].users)

    async def welcome(self) -> None:
        eve = self.people.member("eve")
        await until(lambda: self.said(f"Welcome {eve.mention}!"))


STEPS = [name for name, value in vars(Walk).items() if asyncio.iscoroutinefunction(value)]
NOT_IN = {
    "hikari": {"timeout", "pages", "prefix"},
    "lightbulb": {"pages", "prefix"},
    "arc": {"timeout", "pages", "prefix"},
    "miru": set(STEPS) - {"start", "presence", "options", "button", "select", "timeout", "form", "pages"},
    "crescent": {"timeout", "pages", "prefix"},
    "discord_py": {"pages"},
    "discord_py_speed": {"pages"},
    "disnake": {"pages"},
    "nextcord": {"pages"},
    "discord_js": {"pages", "prefix"},
}
"""The steps that a library has nothing of its own for. miru adds views and forms to the others of hikari."""


def shown(reply: Reply) -> str:
    return "".join([reply.content, *(embed.title or "" for embed in reply.embeds)])


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str | Path], sandbox: Sandbox, output: Path, variables: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a bot as a process of its own, which writes its log to `output`."""
    place = {"REST": sandbox.rest_url, "GATEWAY": sandbox.gateway_url, "TOKEN": sandbox.token}
    environment = {**os.environ, **(variables or {}), **place}
    environment.pop("PYTHONPATH", None)
    with output.open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=STDOUT)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


def test_every_bot_belongs_to_a_library_and_every_library_has_steps() -> None:
    assert {library.bot for library in LIBRARIES} == {path for path in BOTS.iterdir() if path.is_file()}
    assert len(STEPS) == 17
    assert NOT_IN.keys() <= {library.name for library in LIBRARIES}
    assert set().union(*NOT_IN.values()) <= set(STEPS)


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
async def test_a_bot_of_another_library_does_all_that_it_can(
    library: Library, sandbox: Sandbox, tmp_path: Path
) -> None:
    command = library.command(FOLDER)
    if command is None:
        pytest.skip(f"{library.name} is not installed: {TO_INSTALL}")
    failed: list[Exception] = []
    output = tmp_path / "output"
    async with running(command, sandbox, output, library.environment(FOLDER)) as process:
        walk = Walk(sandbox, process)
        for step in STEPS:
            if step not in NOT_IN.get(library.name, ()):
                try:
                    await getattr(walk, step)()
                except Exception as error:
                    error.add_note(f"in the step {step!r}")
                    failed.append(error)
                    if step == "start" or len(failed) == 3:
                        break
    if failed:
        group = ExceptionGroup(f"{len(failed)} steps of {library.name} failed", failed)
        group.add_note(output.read_text("utf-8", "replace")[-5000:])
        raise group
    assert sandbox.world.unserved == {}


# ---- examples that libraries ship ----

RUN_EXAMPLE = Path(__file__).parent / "run_example.py"

EXAMPLES: dict[tuple[str, str], list[tuple[str, str]]] = {
    ("hikari", "hello_world.py"): [(":dm", ""), ("!ping", "Pong!")],  # in a guild it lacks MESSAGE_CONTENT
    ("arc", "gateway/basic.py"): [("/hi user:@bob", "Hey <@")],
    ("arc", "gateway/context_menu.py"): [(":menu Say Hi @bob", "Hey <@"), (":menu Say Hi", "Hey <@")],
    ("arc", "gateway/custom_client.py"): [("/test", "I'm doing stuff!")],
    ("arc", "gateway/dependency_injection.py"): [("/increment", "Counter is at: `1`")],
    ("arc", "gateway/error_handling.py"): [
        ("/name recoverable:true", "This is fine!"),
        ("/name recoverable:no", "Oops"),
    ],
    ("arc", "gateway/extension_example/bot.py"): [("/foo", "Foo!"), ("/bar", "Bar!")],
    ("arc", "gateway/hooks.py"): [("/ping", "Something went wrong")],  # a hook refuses every user but 1234567890
    ("arc", "gateway/limiters.py"): [("/ping", "Pong!")],
    ("arc", "gateway/limiting_concurrency.py"): [
        ("/name", "Hello, I'm running"),
        ("/name", "Max concurrency reached!"),
    ],
    ("arc", "gateway/localization.py"): [("/hi user:@bob", "Hey <@")],
    ("arc", "gateway/loops.py"): [],
    ("arc", "gateway/options.py"): [
        ("/options number:5 floating:1.5 text:tea user:@bob channel:#general", "Floating: `1.5`"),
        ("/autocomplete complete_me:Short", "You wrote: `Short`"),
    ],
    ("miru", "basic.py"): [
        ("@wisp", "This is a basic component menu"),
        (":click Click me!", "You clicked me!"),
        (':select "Option 1"', "You've chosen Option 1!"),
    ],
    ("miru", "menu.py"): [
        ("@wisp", "Welcome to the Miru Menu example!"),
        (":click Moderation", "This is the moderation screen!"),
        (":click Ban", "Hammer time!"),
    ],
    ("miru", "modals.py"): [
        ("@wisp", "This button triggers a modal!"),
        (":click Click me!", ""),
        (":submit Name:Ada", "Your name: `Ada`"),
    ],
    ("miru", "navigator.py"): [
        ("@wisp", "I'm the first page!"),
        (":click \N{BLACK RIGHT-POINTING TRIANGLE}", "second page!"),
    ],
    ("miru", "persistence.py"): [("@wisp", "persistent component menu"), (":click Button 2", "You pressed button 2.")],
    ("miru", "subclassed.py"): [("@wisp", "pineapple"), (":click No", "This is the only correct answer.")],
}
"""Lines that are typed, and what of the bot is to be read then."""

NOT_RUN = {
    ("hikari", "image_resources.py"): "it sends pictures of Discord's CDN",
    ("hikari", "oauth.py"): "it needs a client secret and a browser",
    ("hikari", "slash.py"): "it registers its commands in a guild of the id 0, for the reader to fill in",
    ("hikari", "voice_message/voice_message.py"): "it needs ffmpeg and a sound of the reader's",
}


@pytest.mark.skipif(FOLDER is None, reason=TO_INSTALL)
def test_every_example_that_libraries_ship_is_run() -> None:
    assert FOLDER is not None
    found = {
        (library.name, path.relative_to(examples).as_posix())
        for library in LIBRARIES
        if library.has_examples
        for examples in [library.examples(FOLDER)]
        for path in examples.rglob("*.py")
        if "extensions" not in path.parts and path.name != "__init__.py"
    }
    # those of arc that answer over HTTP need an address that Discord calls, which the sandbox does not
    assert {one for one in found if not one[1].startswith("rest/")} == EXAMPLES.keys() | NOT_RUN.keys()


@pytest.mark.skipif(FOLDER is None, reason=TO_INSTALL)
@pytest.mark.parametrize("example", EXAMPLES, ids="/".join)
async def test_an_example_of_a_library_runs_as_its_author_wrote_it(
    example: tuple[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    assert FOLDER is not None
    library = next(one for one in LIBRARIES if one.name == example[0])
    path = library.examples(FOLDER) / example[1]
    people = People(sandbox.world, patience=PATIENCE)
    people.settle = lambda is_answered: settled(is_answered, people)
    people.member("bob")
    terminal = Terminal(people.member("ada"), lambda _: None)
    output = tmp_path / "output"
    async with running([library.interpreter(FOLDER), RUN_EXAMPLE, path], sandbox, output) as process:
        needs_command = any(line.startswith(("/", ":menu")) for line, _ in EXAMPLES[example])

        def started() -> bool:
            assert process.returncode is None, output.read_text("utf-8")
            commands = sandbox.world.commands.visible(people.home)
            return bool(sandbox.gateway.sessions and (commands or not needs_command))

        await until(started, START)
        for line, expected in EXAMPLES[example]:
            await terminal.enter(line)
            await until(lambda expected=expected: expected in read_by(terminal.person))
        assert process.returncode is None
    assert sandbox.world.unserved == {}


def read_by(person: Person) -> str:
    """Return what a person can read of the bot in the channel that they look at."""
    texts = [(one.content, json.dumps(one.embeds)) for one in person.messages if one.author.bot]
    return "\n".join(text for pair in texts for text in pair)


# ---- REST clients ----


async def test_calls_of_older_libraries_that_the_specification_lacks_are_served_as_discord_does(
    sandbox: Sandbox,
) -> None:
    world = sandbox.world
    guild, general, bob = home(world)
    me = guild.members[world.bot.id]
    thread = world.threads.start(general, "about it", bob.user)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {sandbox.token}"}) as session:
        nick = f"{sandbox.rest_url}/guilds/{guild.id}/members/@me/nick"
        async with session.post(f"{sandbox.rest_url}/channels/{thread.id}/thread-members/@me") as joined:
            assert joined.status == 204
        async with session.patch(nick, json={"nick": "Botty"}) as changed:
            assert (changed.status, await changed.json(), me.nick) == (200, {"nick": "Botty"}, "Botty")
        assert thread.thread is not None
        assert world.bot.id in thread.thread.members
        everyone = guild.roles[guild.id]
        world.roles.edit(guild, everyone, permissions=everyone.permissions & ~Permission.CHANGE_NICKNAME)
        for role in me.roles:
            world.roles.edit(guild, role, permissions=0)
        async with session.patch(nick, json={"nick": "Other"}) as refused:
            assert (refused.status, (await refused.json())["code"], me.nick) == (403, 50013, "Botty")


async def test_hikari_makes_changes_and_removes_channels_and_roles(
    sandbox: Sandbox, rest: hikari.api.RESTClient
) -> None:
    guild, _, bob = home(sandbox.world)
    role = await rest.create_role(guild.id, name="Muted", color=0xFF0000, permissions=hikari.Permissions.NONE)
    await rest.edit_role(guild.id, role, name="Silent", hoist=True)
    await rest.reposition_roles(guild.id, {1: role})
    category = await rest.create_guild_category(guild.id, "Staff")
    hidden = hikari.PermissionOverwrite(
        id=guild.id, type=hikari.PermissionOverwriteType.ROLE, deny=hikari.Permissions.VIEW_CHANNEL
    )
    seen = hikari.PermissionOverwrite(
        id=sandbox.world.bot.id, type=hikari.PermissionOverwriteType.MEMBER, allow=hikari.Permissions.VIEW_CHANNEL
    )
    room = await rest.create_guild_text_channel(
        guild.id, "Staff Room", category=category, topic="t", permission_overwrites=[hidden, seen]
    )
    voice = await rest.create_guild_voice_channel(guild.id, "Talk", user_limit=5)
    await rest.edit_channel(room, name="other", rate_limit_per_user=5, nsfw=True)
    await rest.edit_permission_overwrite(room, role, deny=hikari.Permissions.SEND_MESSAGES)
    await rest.reposition_channels(guild.id, {0: room})
    kept = sandbox.world.channels[room.id]
    assert (kept.name, kept.slowmode, kept.parent and kept.parent.name) == ("other", 5, "Staff")
    assert kept.overwrites[role.id].deny == hikari.Permissions.SEND_MESSAGES
    assert not sandbox.world.sees(bob.user, kept)
    assert {channel.id for channel in await rest.fetch_guild_channels(guild.id)} == set(guild.channels)
    assert {one.name for one in await rest.fetch_roles(guild.id)} == {"@everyone", "wisp", "Silent"}
    await rest.delete_permission_overwrite(room, role)
    for channel in (room, voice, category):
        await rest.delete_channel(channel)
    await rest.delete_role(guild.id, role)
    assert [channel.name for channel in guild.channels.values()] == ["general"]
    edited = await rest.edit_guild(guild.id, name="Renamed")
    assert (edited.name, guild.name) == ("Renamed", "Renamed")


async def test_hikari_moderates_members(sandbox: Sandbox, rest: hikari.api.RESTClient) -> None:
    world = sandbox.world
    guild, _, bob = home(world)
    role = world.roles.add(guild, "helper")
    await rest.add_role_to_member(guild.id, bob.user.id, role.id)
    until = datetime.datetime.fromtimestamp(world.clock.time() + 60, datetime.UTC)
    member = await rest.edit_member(guild.id, bob.user.id, nickname="Bobby", communication_disabled_until=until)
    assert (member.display_name, member.communication_disabled_until(), member.role_ids[0]) == ("Bobby", until, role.id)
    assert [m.id for m in await rest.search_members(guild.id, "bobb")] == [bob.user.id]
    assert {m.id async for m in rest.fetch_members(guild.id)} == set(guild.members)
    await rest.remove_role_from_member(guild.id, bob.user.id, role.id)
    await rest.edit_my_member(guild.id, nickname="Botty")
    await rest.kick_user(guild.id, bob.user.id, reason="spam")
    await rest.ban_user(guild.id, bob.user.id, delete_message_seconds=60, reason="spam & ads")
    assert [(ban.user.username, ban.reason) async for ban in rest.fetch_bans(guild.id)] == [("bob", "spam & ads")]
    await rest.unban_user(guild.id, bob.user.id)
    with pytest.raises(hikari.ForbiddenError, match="Missing Permissions"):
        await rest.ban_user(guild.id, guild.owner.id)
    await rest.leave_guild(guild.id)
    assert world.bot.id not in guild.members


async def test_hikari_reacts_pins_deletes_in_bulk_and_starts_threads(
    sandbox: Sandbox, rest: hikari.api.RESTClient
) -> None:
    world = sandbox.world
    guild, general, bob = home(world)
    messages = [await rest.create_message(general.id, str(number)) for number in range(4)]
    first = world.messages[messages[0].id]
    blob = world.emojis.add(guild, "blob")
    await rest.add_reaction(general.id, first.id, "👍")
    await rest.add_reaction(general.id, first.id, "blob", blob.id)
    world.reactions.add(first, bob.user, Emoji("👍"))
    users = rest.fetch_reactions_for_emoji(general.id, first.id, "👍")
    assert [user.username async for user in users] == ["wisp", "bob"]
    await rest.delete_reaction(general.id, first.id, bob.user.id, "👍")
    fetched = await rest.fetch_message(general.id, first.id)
    assert [(str(reaction.emoji), reaction.count, reaction.is_me) for reaction in fetched.reactions] == [
        ("👍", 1, True),
        (str(blob), 1, True),
    ]
    await rest.delete_all_reactions(general.id, first.id)
    await rest.pin_message(general.id, first.id)
    assert [pin.message.id async for pin in rest.fetch_pins(general.id)] == [first.id]
    await rest.unpin_message(general.id, first.id)
    thread = await rest.create_message_thread(general.id, first.id, "about it")
    await rest.create_message(thread, "in it")
    await rest.add_thread_member(thread, bob.user.id)
    assert {member.user_id for member in await rest.fetch_thread_members(thread)} == {world.bot.id, bob.user.id}
    await rest.edit_channel(thread, archived=True)
    assert [one.id async for one in rest.fetch_public_archived_threads(general.id)] == [thread.id]
    await rest.delete_messages(general.id, messages[1:])
    assert [m.content for m in general.messages.values() if m.author is world.bot and m.kind == 0] == ["0"]


async def test_hikari_hears_of_every_change(sandbox: Sandbox) -> None:
    world = sandbox.world
    guild, general, bob = home(world)
    bot = hikari.GatewayBot(
        sandbox.token,
        rest_url=sandbox.rest_url,
        banner=None,
        intents=hikari.Intents.ALL,
        suppress_optimization_warning=True,
        logs=None,
    )
    heard: set[str] = set()

    @bot.listen()
    async def hear(event: hikari.Event) -> None:
        heard.add(type(event).__name__)

    await bot.start(check_for_updates=False)
    message = world.messages.add(general, bob.user, content="x")
    world.reactions.add(message, bob.user, Emoji("👍"))
    world.reactions.remove(message, bob.user, Emoji("👍"))
    world.messages.pin(message, bob.user)
    role = world.roles.add(guild, "r")
    world.members.give_role(bob, role)
    world.roles.edit(guild, role, name="s")
    world.roles.delete(guild, role)
    channel = world.channels.add(guild, "c")
    world.channels.edit(channel, topic="t")
    thread = world.threads.start(channel, "t", bob.user)
    world.threads.join(thread, world.bot)
    world.threads.edit(thread, archived=True)
    world.channels.delete(thread)
    world.channels.delete(channel)
    eve = world.members.add(guild, world.users.add("eve"))
    world.members.remove(eve)
    world.members.ban(guild, bob.user)
    world.members.unban(guild, bob.user)
    world.guilds.edit(guild, name="Other")
    world.emojis.add(guild, "blob")
    other = world.guilds.add("Second")
    world.members.remove(other.members[world.bot.id])
    wanted = {
        "GuildReactionAddEvent",
        "GuildReactionDeleteEvent",
        "GuildPinsUpdateEvent",
        "RoleCreateEvent",
        "RoleUpdateEvent",
        "RoleDeleteEvent",
        "MemberCreateEvent",
        "MemberUpdateEvent",
        "MemberDeleteEvent",
        "GuildChannelCreateEvent",
        "GuildChannelUpdateEvent",
        "GuildChannelDeleteEvent",
        "GuildThreadCreateEvent",
        "GuildThreadUpdateEvent",
        "GuildThreadDeleteEvent",
        "ThreadMembersUpdateEvent",
        "BanCreateEvent",
        "BanDeleteEvent",
        "GuildUpdateEvent",
        "EmojisUpdateEvent",
        "GuildJoinEvent",
        "GuildLeaveEvent",
    }
    deadline = time.monotonic() + 10
    while not wanted <= heard and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    await bot.close()
    assert sorted(wanted - heard) == []


async def test_discord_py_does_the_same_and_hears_of_it(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # discord.py's own, of audioop
        discord: Any = pytest.importorskip("discord")
    monkeypatch.setattr(discord.http.Route, "BASE", sandbox.rest_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway_url))
    world = sandbox.world
    guild, general, bob = home(world)
    client: Any = discord.Client(intents=discord.Intents.all())
    ready, heard = asyncio.Event(), set[str]()

    async def on_ready() -> None:
        ready.set()

    client.event(on_ready)
    # The state of its connection was handed the client's own method when it was made.
    monkeypatch.setattr(
        client._connection, "dispatch", lambda name, *args: (heard.add(name), client.dispatch(name, *args))
    )
    running = asyncio.create_task(client.start(sandbox.token))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        place = client.get_guild(guild.id)
        role = await place.create_role(name="Muted", colour=discord.Colour.red(), hoist=True)
        channel = await place.create_text_channel("Room", topic="t")
        await channel.set_permissions(role, send_messages=False)
        await channel.edit(name="other", slowmode_delay=5)
        member = place.get_member(bob.user.id)
        await member.add_roles(role)
        await member.edit(nick="Bobby")
        await member.timeout(datetime.timedelta(minutes=1))
        message = await channel.send("hi")
        await message.add_reaction("👍")
        await message.pin()
        assert [pin.id async for pin in channel.pins(limit=5)] == [message.id]
        thread = await message.create_thread(name="about it")
        await thread.send("in it")
        await thread.edit(archived=True)
        await message.clear_reactions()
        await member.ban(reason="spam", delete_message_seconds=0)
        assert [entry.reason async for entry in place.bans()] == ["spam"]
        await place.unban(member)
        await thread.delete()
        await channel.delete()
        await role.delete()
        await place.edit(name="Renamed")
        with pytest.raises(discord.Forbidden, match="Missing Permissions"):
            await place.owner.kick()
        async with asyncio.timeout(10):
            while "guild_update" not in heard:
                await asyncio.sleep(0.01)
    finally:
        await client.close()
        await running
    wanted = {"guild_role_create", "guild_channel_update", "member_update", "raw_reaction_add", "thread_create"}
    wanted |= {"raw_reaction_clear", "guild_channel_pins_update", "thread_update", "member_ban", "member_unban"}
    assert sorted(wanted - heard) == []
    assert (guild.name, list(guild.channels.values()), bob.user.id in guild.members) == ("Renamed", [general], False)
