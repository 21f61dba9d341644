"""What people can do in a real client, what they cannot, and what they see of the bot's answers."""

import asyncio
from datetime import timedelta
from enum import Enum

import hikari
import pytest

from wisp.clock import Clock
from wisp.local.virtual_time import Stuck, VirtualTime
from wisp.sandbox import Sandbox
from wisp.sandbox.people.commands import File
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.world.objects import JSON, VOICE, Impossible
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World


def option(kind: int, name: str, **fields: object) -> JSON:
    return {"type": kind, "name": name, "description": "-", **fields}


def command(name: str, *options: JSON, **fields: object) -> JSON:
    return {"name": name, "description": "-", "options": list(options), **fields}


def ada_with(*commands: JSON, clock: Clock | None = None) -> Person:
    """Ada, in a world where a bot has these commands."""
    people = People(World(clock=clock))
    for one in commands:
        people.world.commands.set(None, one)
    return people.member("ada")


KICK = command(
    "admin",
    option(1, "kick", options=[option(6, "user", required=True)]),
    option(2, "set", options=[option(1, "colour", options=[option(4, "red", min_value=0, max_value=255)])]),
)
EVERYTHING = command(
    "all",
    option(3, "text", min_length=2, max_length=5),
    option(4, "whole", min_value=1, max_value=5),
    option(5, "flag"),
    option(6, "user"),
    option(7, "channel", channel_types=[0]),
    option(8, "role"),
    option(9, "whoever"),
    option(10, "number", max_value=1.5),
    option(11, "file"),
    option(3, "mood", choices=[{"name": "Very good", "value": "good"}, {"name": "Bad", "value": "bad"}]),
)


async def test_slowmode_is_for_people_who_may_not_bypass_it() -> None:
    people = People(World())
    world, ada = people.world, people.member("ada")
    bob, eve = people.member("bob"), people.member("eve")
    world.channels.edit(ada.channel, slowmode=10)
    assert eve.member
    world.members.give_role(
        eve.member, world.roles.add(eve.member.guild, "host", permissions=Permission.BYPASS_SLOWMODE)
    )
    for person in (ada, eve):  # who owns the guild may all
        assert [person.post("hi").content for _ in range(2)] == ["hi", "hi"]
    world.clock.offset += 5
    bob.post("first")
    with pytest.raises(Impossible, match=r"bob may write again in 10 s: slowmode of 10 s in #general"):
        bob.post("second")
    world.clock.offset += 9.5
    with pytest.raises(Impossible, match="in 1 s"):
        bob.post("second")
    elsewhere = world.channels.add(people.home, "elsewhere")
    assert bob.at(elsewhere).post("second").channel is elsewhere
    world.clock.offset += 1
    assert bob.post("second").content == "second"


async def test_slowmode_lets_people_start_one_thread_beside_one_message() -> None:
    people = People(World())
    bob = people.member("bob")
    people.world.channels.edit(bob.channel, slowmode=10)
    await bob.start_thread("first")
    bob.post("a message")
    with pytest.raises(Impossible, match="bob may start a thread again in 10 s: slowmode of 10 s"):
        await bob.start_thread("second")
    people.world.clock.offset += 10
    assert (await bob.start_thread("second")).channel.name == "second"


class Mood(Enum):
    GREAT = "good"


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("hallo", r"no command /hallo in Sandbox\. Did you mean /all\?"),
        ("zzz", r"There is: /admin, /all, /hidden"),
        ("", r"a command's name is expected"),
        ("admin", r"/admin needs a subcommand\. There is: kick, set\."),
        ("admin kik", r"/admin has no subcommand 'kik'\. Did you mean kick\?"),
        ("admin set", r"/admin set needs a subcommand\. There is: colour\."),
        ("all now", r"/all has no subcommands, so 'now' belongs to nothing\. Options are given by name: text:now"),
        ("all @bob", r"Options are given by name: user:@bob"),
        ("all #general", r"Options are given by name: channel:#general"),
        ("hidden now", r"'now' belongs to nothing\. It has no options\."),
    ],
)
async def test_a_command_that_is_not_there_is_named_with_what_there_is(typed: str, complaint: str) -> None:
    ada = ada_with(KICK, EVERYTHING, command("hidden"))
    with pytest.raises(Impossible, match=complaint):
        await ada.slash(typed)
    assert not ada.people.world.interactions


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"txt": "abc"}, r"/all has no option 'txt'\. Did you mean text\?"),
        ({"text": 5}, r"/all, option 'text': expected text, got 5$"),
        ({"text": "a"}, r"expected 2 to 5 characters, got 'a'"),
        ({"text": "abcdef"}, r"expected 2 to 5 characters"),
        ({"whole": 0}, r"expected 1 to 5, got 0$"),
        ({"whole": True}, r"expected a whole number, got True$"),
        ({"whole": 1.0}, r"expected a whole number"),
        ({"number": 2}, r"expected -9007199254740991 to 1.5, got 2"),
        ({"number": float("nan")}, r"expected a number"),
        ({"flag": 1}, r"expected True or False, got 1"),
        ({"user": "bob"}, r"expected a user of this sandbox, such as discord\.member\(\"bob\"\), got 'bob'"),
        ({"user": 1}, r"expected a user of this sandbox, got 1$"),
        ({"whoever": "@bob"}, r"a role of this guild, such as discord\.member\(\"bob\"\), got '@bob'"),
        ({"channel": "#general"}, r"this guild, such as discord\.channel\(\"general\"\), got '#general'"),
        ({"text": timedelta(milliseconds=1)}, r"option 'text': expected a duration of whole seconds, 0 or more, got"),
        ({"text": -timedelta(hours=1)}, r"expected a duration of whole seconds, 0 or more"),
        ({"channel": 1}, r"expected a channel of this guild"),
        ({"role": "mods"}, r"expected a role of this guild"),
        ({"file": b"abc"}, r"expected a File\(name, content\)"),
        ({"mood": "fine"}, r"expected one of Very good, Bad, got 'fine'"),
    ],
)
async def test_a_value_that_no_client_would_send_is_refused(values: dict[str, object], complaint: str) -> None:
    with pytest.raises(Impossible, match=complaint):
        await ada_with(EVERYTHING).slash("all", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("duration", "typed"),
    [
        (timedelta(hours=2), "2h"),
        (timedelta(days=15, seconds=59), "15d59s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(0), "0s"),
    ],
)
async def test_a_duration_is_typed_as_a_person_would(duration: timedelta, typed: str) -> None:
    ada = ada_with(command("remind", option(3, "after")))
    asked = asyncio.create_task(ada.slash("remind", after=duration))
    await asyncio.sleep(0)
    (interaction,) = ada.people.world.interactions.values()
    asked.cancel()
    assert interaction.data["options"] == [{"type": 3, "name": "after", "value": typed}]


async def test_where_there_is_nothing_to_name_that_is_said() -> None:
    with pytest.raises(Impossible, match=r"there is no command /hello in Sandbox\. The bot has no commands here\."):
        await ada_with().slash("hello")
    with pytest.raises(Impossible, match=r"/hello has no option 'name'\. It has no options\."):
        await ada_with(command("hello")).slash("hello", name="x")


async def test_a_required_option_is_asked_for() -> None:
    with pytest.raises(Impossible, match=r"/admin kick lacks its required option 'user'"):
        await ada_with(KICK).slash("admin kick")


async def test_channels_roles_and_users_of_elsewhere_are_refused() -> None:
    ada = ada_with(EVERYTHING)
    other = ada.people.world.guilds.add("Other")
    talk = ada.people.world.channels.add(ada.people.home, "talk", kind=VOICE)
    with pytest.raises(Impossible, match="expected a text channel, got the voice channel #talk"):
        await ada.slash("all", channel=talk)
    with pytest.raises(Impossible, match="expected a channel of this guild, got the text channel #general"):
        await ada.slash("all", channel=next(iter(other.channels.values())))
    with pytest.raises(Impossible, match="expected a role of this guild, got the role @everyone"):
        await ada.slash("all", role=other.everyone)
    with pytest.raises(Impossible, match="expected a user of this sandbox, got the user ada"):
        await ada.slash("all", user=World().owner)


async def test_a_command_is_hidden_from_who_lacks_its_permissions() -> None:
    ban = command("ban", default_member_permissions=str(1 << 2 | 1 << 40))
    ada = ada_with(ban, command("locked", default_member_permissions="0"))
    bob = ada.people.member("bob")
    assert [one["name"] for one in ada.commands()] == ["ban", "locked"]
    assert bob.commands() == []
    with pytest.raises(Impossible, match=r"/ban is hidden from bob here: it needs BAN_MEMBERS, MODERATE_MEMBERS"):
        await bob.slash("ban")
    with pytest.raises(Impossible, match=r"/locked is hidden from bob here: it needs ADMINISTRATOR"):
        await bob.slash("locked")


async def test_a_command_is_there_only_in_its_contexts() -> None:
    ada = ada_with(command("here", contexts=[0]), command("there", contexts=[1]), command("older", dm_permission=False))
    away = ada.at(ada.people.world.channels.dm(ada.user))
    assert [one["name"] for one in ada.commands()] == ["here", "older"]
    assert [one["name"] for one in away.commands()] == ["there"]
    with pytest.raises(Impossible, match=r"^/there cannot be used in servers, only in direct messages$"):
        await ada.slash("there")
    for name in ("here", "older"):
        with pytest.raises(Impossible, match=rf"^/{name} cannot be used in direct messages, only in servers$"):
            await away.slash(name)


async def test_a_guild_command_is_there_in_its_guild_alone() -> None:
    ada = ada_with()
    other = ada.people.world.guilds.add("Other")
    ada.people.world.commands.set(other, command("only"))
    assert [one["name"] for one in ada.at(other).commands()] == ["only"]
    with pytest.raises(Impossible, match="no command /only in Sandbox"):
        await ada.slash("only")


def test_people_are_where_they_are_members() -> None:
    people = People(World())
    ada, eve = people.member("ada"), people.member("eve")
    other = people.world.guilds.add("Other")
    assert people.member("eve").user is eve.user
    with pytest.raises(Impossible, match="eve is not a member of Other"):
        eve.at(other)
    with pytest.raises(Impossible, match="somebody else's direct messages"):
        eve.at(people.world.channels.dm(ada.user))
    assert people.member("eve", other).guild is other
    with pytest.raises(Impossible, match="wisp is a bot"):
        people.member("wisp")


def test_a_private_message_is_seen_by_its_reader_alone() -> None:
    people = People(World())
    ada, bob = people.member("ada"), people.member("bob")
    world = people.world
    public = world.messages.add(ada.channel, world.bot, content="all")
    private = world.messages.add(ada.channel, world.bot, content="you", ephemeral_for=ada.user)
    direct = world.messages.add(world.channels.dm(bob.user), world.bot, content="psst")
    assert [ada.sees(one) for one in (public, private, direct)] == [True, True, False]
    assert [bob.sees(one) for one in (public, private, direct)] == [True, False, True]


async def test_an_over_long_message_cannot_be_said() -> None:
    with pytest.raises(Impossible, match="1 to 2000 characters, not 2001"):
        await ada_with().say("a" * 2001)


async def test_a_reply_mentions_whom_it_answers_unless_the_ping_is_off_and_an_edit_changes_nothing_of_that() -> None:
    people = People(World())
    ada, bob = people.member("ada"), people.member("bob")
    first = await ada.say("tea?")
    for ping, mentioned in ((True, [ada.user]), (False, [])):
        reply = await bob.say("yes", reply_to=first, ping=ping)
        assert reply.mentions == mentioned
        await bob.edit(reply, "no")
        assert reply.mentions == mentioned
    assert (await ada.say("me too", reply_to=first)).mentions == []
    private = people.world.messages.add(ada.channel, people.world.bot, content="psst", ephemeral_for=ada.user)
    for doing in (ada.say("x", reply_to=private), ada.react(private, "👍"), ada.start_thread("x", private)):
        with pytest.raises(Impossible, match="a private answer has no reactions, replies and threads"):
            await doing
    await ada.delete(first)
    for doing in (bob.say("late", reply_to=first), bob.react(first, "👍"), bob.start_thread("late", first)):
        with pytest.raises(Impossible, match="deleted"):
            await doing


async def test_the_text_of_a_message_with_a_file_can_be_taken_away_and_that_of_another_not() -> None:
    ada = ada_with()
    message = await ada.say("look", files=[File("a.txt", b"a")])
    await ada.edit(message, "")
    assert message.content == ""
    with pytest.raises(Impossible, match="1 to 2000 characters, not 0"):
        await ada.edit(await ada.say("plain"), " ")


async def test_people_start_threads_where_they_may() -> None:
    people = People(World())
    world = people.world
    ada, bob = people.member("ada"), people.member("bob")
    first = await bob.say("lunch?")
    there = await bob.start_thread("Lunch", first)
    assert first.thread is there.channel
    assert (there.channel.id, there.channel.parent, there.channel.name) == (first.id, ada.channel, "Lunch")
    await there.say("soup")
    assert [message.content for message in ada.at(there.channel).messages][-1] == "soup"
    assert (await bob.start_thread("Dinner")).channel in people.home.threads.values()
    hidden = await ada.start_thread("Surprise", private=True)
    with pytest.raises(Impossible, match="bob does not see"):
        bob.at(hidden.channel)
    with pytest.raises(Impossible, match="no such thread begins in"):
        await there.start_thread("Thread in a thread")
    with pytest.raises(Impossible, match="no such thread begins in"):
        await bob.dm.start_thread("Alone")
    world.channels.set_overwrite(ada.channel, people.home.everyone, deny=1 << 35)
    with pytest.raises(Impossible, match="it needs CREATE_PUBLIC_THREADS"):
        await bob.start_thread("No")


async def test_without_an_answer_in_three_seconds_the_client_says_so(time: VirtualTime) -> None:
    ada = ada_with(command("hello"), clock=time.clock)
    asked = asyncio.create_task(ada.slash("hello"))
    await time.advance(2.9)
    assert not asked.done()
    await time.advance(0.1)
    reply = await asked
    assert reply.failed == "The application did not respond"
    assert repr(reply) == "<Reply failed: The application did not respond>"
    with pytest.raises(Stuck, match="no timer is left"):
        await time.until(lambda: False)


async def test_a_deferral_that_is_never_filled_ends_with_the_persons_patience(time: VirtualTime) -> None:
    ada = ada_with(command("hello"), clock=time.clock)
    world = ada.people.world
    ada.people.patience = 10
    asked = asyncio.create_task(ada.slash("hello"))
    await time.until()
    (interaction,) = world.interactions.values()
    world.messages.add(ada.channel, world.bot, flags=1 << 7, interaction=interaction)
    interaction.answered = interaction.deferred = True
    await time.advance(9.9)
    assert not asked.done()
    await time.advance(0.1)
    reply = await asked
    assert (reply.thinking, reply.deferred, reply.failed, reply.content) == (True, True, None, "")


async def test_an_error_of_whoever_watches_the_bot_is_raised_from_the_call() -> None:
    ada = ada_with()

    async def broken(is_answered: object) -> None:
        raise TimeoutError("of the bot's own")

    ada.people.settle = broken
    with pytest.raises(TimeoutError, match="of the bot's own"):
        await ada.say("hi")


async def test_hikari_reads_every_option_as_it_was_given() -> None:
    async with Sandbox() as sandbox:
        people = People(sandbox.world)
        sandbox.world.commands.set(None, EVERYTHING)
        sandbox.world.commands.set(None, KICK)
        bot = hikari.GatewayBot(sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None)
        heard: list[hikari.CommandInteraction] = []

        @bot.listen(hikari.InteractionCreateEvent)
        async def answer(event: hikari.InteractionCreateEvent) -> None:
            assert isinstance(event.interaction, hikari.CommandInteraction)
            heard.append(event.interaction)
            await event.interaction.create_initial_response(
                hikari.ResponseType.MESSAGE_CREATE,
                "first",
                flags=hikari.MessageFlag.EPHEMERAL,
                embed=hikari.Embed(title="Title", description="Text").add_field("name", "value"),
                attachment=hikari.Bytes(b"data", "a.txt"),
            )

        await bot.start(check_for_updates=False)
        ada, bob = people.member("ada"), people.member("bob")
        mods = sandbox.world.roles.add(people.home, "mods")
        reply = await ada.slash(
            "all",
            text="abc",
            whole=3,
            flag=True,
            user=bob,
            channel=ada.channel,
            role=mods,
            whoever=bob.user,
            number=1,
            file=File("f.txt", b"content"),
            mood=Mood.GREAT,
        )
        kicked = await ada.slash("admin kick", user=bob)
        await bot.close()

    given = heard[0]
    assert given.options
    assert given.resolved
    assert {one.name: one.value for one in given.options} | {"file": None} == {
        "text": "abc",
        "whole": 3,
        "flag": True,
        "user": bob.id,
        "channel": ada.channel.id,
        "role": mods.id,
        "whoever": bob.id,
        "number": 1,
        "file": None,
        "mood": "good",
    }
    assert given.resolved.members[hikari.Snowflake(bob.id)].display_name == "bob"
    assert given.resolved.roles[hikari.Snowflake(mods.id)].name == "mods"
    assert given.resolved.channels[hikari.Snowflake(ada.channel.id)].name == "general"
    assert [file.filename for file in given.resolved.attachments.values()] == ["f.txt"]
    assert given.member
    assert given.member.permissions & hikari.Permissions.ADMINISTRATOR

    assert (reply.content, reply.ephemeral, reply.deferred, reply.failed) == ("first", True, False, None)
    assert (reply.embeds[0].title, reply.embeds[0].fields[0].value) == ("Title", "value")
    assert [(file.filename, file.content) for file in reply.attachments] == [("a.txt", b"data")]
    assert repr(reply) == "<Reply 'first' ephemeral embeds=1 attachments=1>"
    assert kicked.content == "first"
    assert heard[1].options
    assert heard[1].options[0].name == "kick"
    assert heard[1].options[0].options
    assert heard[1].options[0].options[0].value == bob.id
