"""The people and places of a test: who is there, what they may do, what happened, and what a failing test tells."""

import asyncio
import traceback

import hikari
import pytest

import wisp
from wisp.sandbox.world.changes import MemberJoined, MemberLeft, MessageCreated, ReactionAdded, ReactionRemoved
from wisp.testing import File, Impossible, connect

Permissions = hikari.Permissions


def a_bot() -> wisp.Bot:
    bot = wisp.Bot(intents="MESSAGE_CONTENT")

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        return f"Hello {ctx.user.mention}!"

    @bot.command(ephemeral=True)
    async def secret(ctx: wisp.Context) -> None:
        await ctx.respond("psst", components=[wisp.row(press.bind().button("Press"))])

    @bot.component("press")
    async def press(ctx: wisp.ComponentContext) -> str:
        return "pressed"

    @bot.command(permissions=Permissions.MANAGE_GUILD)
    async def manage(ctx: wisp.Context) -> str:
        return "managed"

    @bot.command(nsfw=True)
    async def adult(ctx: wisp.Context) -> str:
        return "ok"

    return bot


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"Sandbox": ["ada", "bob"]}),
        ({"members": ["eve", "ada"]}, {"Sandbox": ["eve", "ada"]}),
        ({"members": 4}, {"Sandbox": ["ada", "bob", "member 3", "member 4"]}),
        ({"guilds": 2, "members": 1}, {"Sandbox": ["ada"], "Guild 2": ["ada"]}),
        ({"guilds": ["One", "Two"]}, {"One": ["ada", "bob"], "Two": ["ada", "bob"]}),
        ({"guilds": {"One": ["eve"], "Two": 3}}, {"One": ["eve"], "Two": ["ada", "bob", "member 3"]}),
    ],
)
async def test_the_guilds_and_members_are_those_that_were_asked_for(
    asked: dict[str, object], found: dict[str, list[str]]
) -> None:
    bot = a_bot()
    async with connect(bot, **asked) as discord:  # type: ignore[arg-type]
        there = {
            guild.name: (guild.owner.name, sorted(member.user.name for member in guild.members.values()))
            for guild in discord.world.guilds.values()
        }
        assert there == {name: (names[0], sorted([*names, "wisp"])) for name, names in found.items()}
        seen = bot.gateway.cache.get_guilds_view().values()
        assert {guild.name: guild.member_count for guild in seen} == {
            name: len(names) + 1 for name, names in found.items()
        }


@pytest.mark.parametrize("asked", [{"guilds": 0}, {"members": []}, {"guilds": {"One": 0}}])
async def test_a_guild_without_anybody_and_no_guild_at_all_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected at least one, got none"):
        async with connect(a_bot(), **asked):  # type: ignore[arg-type]
            pass


async def test_roles_and_permissions_are_given_and_taken() -> None:
    async with connect(a_bot()) as discord:
        bob = discord.member("bob")
        with pytest.raises(Impossible, match="/manage is hidden from bob here: it needs MANAGE_GUILD"):
            await bob.slash("manage")
        mods = discord.role("mods", permissions=Permissions.MANAGE_GUILD)
        await discord.add_roles(bob, mods)
        assert (await bob.slash("manage")).content == "managed"
        assert repr(bob) == "<Person bob in Sandbox #general, roles: mods>"
        await discord.remove_roles(bob, mods)
        assert not bob.permissions & Permissions.MANAGE_GUILD
        eve = discord.member("eve", permissions=Permissions.MANAGE_GUILD)
        assert (await eve.slash("manage")).content == "managed"
        assert discord.member("zoe", roles=[mods]).permissions & Permissions.MANAGE_GUILD
        assert repr(discord.member("ada")) == "<Person ada in Sandbox #general, owner>"


async def test_a_channel_that_is_closed_to_somebody_is_not_there_for_them() -> None:
    async with connect(a_bot()) as discord:
        ops, mods = discord.channel("ops"), discord.role("mods")
        eve, bob = discord.member("eve", roles=[mods]), discord.member("bob")
        there = bob.at(ops)
        await discord.overwrite(ops, discord.role("@everyone"), deny=Permissions.VIEW_CHANNEL)
        await discord.overwrite(ops, mods, allow=Permissions.VIEW_CHANNEL)
        await discord.overwrite(ops, discord.role("wisp"), allow=Permissions.VIEW_CHANNEL)
        assert (await eve.at("ops").slash("hello")).content == f"Hello {eve.mention}!"
        (message,) = discord.messages(ops)
        for act in (lambda: there.say("hi"), lambda: there.slash("hello"), lambda: there.react(message, "👍")):
            with pytest.raises(Impossible, match="bob does not see"):
                await act()
        with pytest.raises(Impossible, match="bob does not see #ops: it needs VIEW_CHANNEL"):
            bob.at("ops")
        with pytest.raises(Impossible, match="Sandbox has no channel 'opps'; it has general, ops"):
            bob.at("opps")


async def test_what_a_member_may_not_do_is_impossible() -> None:
    async with connect(a_bot()) as discord:
        ada, bob, general = discord.member("ada"), discord.member("bob"), discord.channel("general")
        everyone = discord.role("@everyone")
        said = await ada.say("hi")
        with pytest.raises(Impossible, match="bob can edit their own messages, not ada's"):
            await bob.edit(said, "no")
        with pytest.raises(Impossible, match="delete what others wrote in #general: it needs MANAGE_MESSAGES"):
            await bob.delete(said)
        with pytest.raises(Impossible, match="bob has not reacted with 👍"):
            await bob.unreact(said, "👍")
        with pytest.raises(Impossible, match="expected an emoji such as 👍"):
            await bob.react(said, "thumbs up")
        with pytest.raises(Impossible, match="at most 10 files, not 11"):
            await bob.say(files=[File("a", b"")] * 11)
        with pytest.raises(Impossible, match="is for age-restricted channels, and #general is none"):
            await bob.slash("adult")
        discord.world.channels.edit(general, nsfw=True)
        assert (await bob.slash("adult")).content == "ok"
        await discord.overwrite(
            general, everyone, deny=Permissions.SEND_MESSAGES | Permissions.USE_APPLICATION_COMMANDS
        )
        with pytest.raises(Impossible, match="bob cannot write in #general: it needs SEND_MESSAGES"):
            await bob.say("hi")
        with pytest.raises(Impossible, match="bob cannot use commands in #general: it needs USE_APPLICATION_COMMANDS"):
            await bob.slash("hello")
        await ada.delete(said)
        with pytest.raises(Impossible, match="deleted"):
            await ada.delete(said)


async def test_a_private_answer_is_nobody_elses() -> None:
    async with connect(a_bot()) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("secret")
        assert [message.content for message in ada.messages] == ["psst"]
        assert (bob.messages, discord.messages()) == ([], [])
        with pytest.raises(Impossible, match="bob does not see this message"):
            await bob.click(reply, "Press")
        assert (await ada.click(ada.messages[-1], "Press")).content == "pressed"


async def test_direct_messages_have_commands_and_messages() -> None:
    bot = a_bot()

    @bot.listen
    async def answer(event: hikari.DMMessageCreateEvent) -> None:
        if event.is_human:
            await event.message.respond(f"you said {event.content}")

    async with connect(bot) as discord:
        bob = discord.member("bob")
        await bob.dm.say("hi")
        assert [message.content for message in bob.dm.messages] == ["hi", "you said hi"]
        assert repr(bob.dm) == "<Person bob in direct messages>"
        with pytest.raises(Impossible, match="somebody else's direct messages"):
            discord.member("ada").at(bob.dm.channel)


async def test_files_replies_edits_and_reactions_reach_the_bot() -> None:
    bot = a_bot()
    heard: list[object] = []

    @bot.listen
    async def created(event: hikari.GuildMessageCreateEvent) -> None:
        message = event.message
        replied = message.referenced_message
        files = [(file.filename, await file.read()) for file in message.attachments]
        heard.append((message.content, replied and replied.content, files))

    @bot.listen
    async def updated(event: hikari.GuildMessageUpdateEvent) -> None:
        heard.append(("edit", event.old_message and event.old_message.content, event.message.content))

    @bot.listen
    async def deleted(event: hikari.GuildMessageDeleteEvent) -> None:
        heard.append("delete")

    @bot.listen
    async def reacted(event: hikari.GuildReactionAddEvent) -> None:
        heard.append(("react", str(event.emoji_name)))

    @bot.listen
    async def unreacted(event: hikari.GuildReactionDeleteEvent) -> None:
        heard.append(("unreact", str(event.emoji_name)))

    async with connect(bot) as discord:
        ada = discord.member("ada")
        first = await ada.say("one", files=[File("a.txt", b"abc")])
        second = await ada.say("two", reply_to=first)
        await ada.edit(second, "2")
        await ada.react(first, "👍")
        await ada.unreact(first, "👍")
        await ada.delete(second)
        (added,), (removed,) = discord.events(ReactionAdded), discord.events(ReactionRemoved)
        assert (added.user.name, str(added.emoji), removed.message) == ("ada", "👍", first)
        assert repr(second) == "<Message '2' by ada in #general edits=1 deleted>"
        assert repr(first) == "<Message 'one' by ada in #general attachments=1>"
    assert heard == [
        ("one", None, [("a.txt", b"abc")]),
        ("two", "one", []),
        ("edit", "two", "2"),
        ("react", "👍"),
        ("unreact", "👍"),
        "delete",
    ]


async def test_people_join_and_leave() -> None:
    bot = a_bot()
    heard: list[str] = []

    @bot.listen
    async def joined(event: hikari.MemberCreateEvent) -> None:
        heard.append(f"{event.member.username} joined")

    @bot.listen
    async def left(event: hikari.MemberDeleteEvent) -> None:
        heard.append(f"{event.user.username} left")

    async with connect(bot, guilds=["One", "Two"]) as discord:
        eve = await discord.join("eve")
        assert heard == ["eve joined"]
        await (await eve.join(discord.guild("Two"))).leave()
        await eve.leave()
        assert heard == ["eve joined", "eve joined", "eve left", "eve left"]
        with pytest.raises(Impossible, match="eve is not a member of One"):
            await eve.slash("hello")
        with pytest.raises(Impossible, match="ada owns One"):
            await discord.member("ada").leave()
        assert [one.member.guild.name for one in discord.events(MemberJoined)] == ["One", "Two"]
        assert [one.member.guild.name for one in discord.events(MemberLeft)] == ["Two", "One"]
        assert [one.message for one in discord.events(MessageCreated)] == []


async def failing(bot: wisp.Bot) -> str:
    """The note of a test that fails."""
    with pytest.raises(AssertionError) as caught:  # noqa: PT012 - the test that fails is what this is about
        async with connect(bot) as discord:
            ada, bob = discord.member("ada"), discord.member("bob")
            await ada.say(f"look <@{bob.id}>, {discord.world.token}\x1b[0m")
            reply = await ada.slash("secret")
            await ada.click(reply, "Press")
            await bob.dm.slash("hello")
            await ada.react(discord.messages()[0], "👍")
            for _ in range(3):
                await bob.say("x" * 1999)
            assert reply.content == "something else"
    (note,) = caught.value.__notes__
    return note


async def test_a_failing_test_is_told_the_conversation_without_secrets_and_in_few_words() -> None:
    note = await failing(a_bot())
    assert note.startswith(
        "What happened in the sandbox:\n"
        "  ada: look @bob, <token>\ufffd[0m\n"
        "  ada: /secret\n"
        "  wisp: psst  (only ada sees this)\n"
        "    [Press]\n"
        "  ada: :click Press\n"
        "  wisp: pressed"
    )
    assert "\n  [direct messages] bob: /hello\n  [direct messages] wisp: Hello @bob!\n" in note
    assert "\n  ada reacts 👍 to: look @bob, <token>" in note
    assert max(map(len, note.split("\n"))) < 220


async def test_a_long_conversation_is_told_from_its_end() -> None:
    async with connect(a_bot()) as discord:
        for number in range(100):
            discord.world.messages.add(discord.channel("general"), discord.member("ada").user, content=str(number))
        lines = discord.conversation().split("\n")
    assert (lines[0], lines[1], lines[-1], len(lines)) == ("  (40 before)", "  ada: 40", "  ada: 99", 61)


async def test_what_a_test_expects_to_be_impossible_has_no_note() -> None:
    async with connect(a_bot()) as discord:
        with pytest.raises(Impossible) as caught:
            await discord.member("ada").slash("nothing")
    assert not hasattr(caught.value, "__notes__")


async def test_an_error_of_the_bot_has_its_own_traceback_first() -> None:
    bot = wisp.Bot()

    @bot.command
    async def broken(ctx: wisp.Context) -> None:
        await asyncio.sleep(0)
        raise ValueError("oh no")

    with pytest.raises(AssertionError) as caught:
        async with connect(bot) as discord:
            await discord.member("ada").slash("broken")
    told = "".join(traceback.format_exception(caught.value))
    frames = traceback.extract_tb(caught.value.__cause__.__traceback__)  # type: ignore[union-attr]
    assert [frame.name for frame in frames] == ["broken"]
    assert told.index('raise ValueError("oh no")') < told.index("/broken failed: ValueError: oh no")
    assert "wisp: Something went wrong." in told
