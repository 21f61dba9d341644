"""The verbs of the terminal: one table, which the page's actions and `:help` are held against, and any line at all."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wisp.sandbox.page import actions
from wisp.sandbox.page.tab import Action
from wisp.sandbox.people.person import People
from wisp.sandbox.server import Sandbox
from wisp.sandbox.terminal.chat import Terminal
from wisp.sandbox.terminal.verbs import VERBS
from wisp.sandbox.world.objects import VOICE, Impossible
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World

ONLY_PAGE = {
    "older": "a terminal scrolls",
    "slash": "a line that begins with / is one",
    "enter": "a line that begins with / is one",
    "parse": "the page shows a typed command as fields",
    "dismiss": "a terminal keeps what it has shown",
    "follow": "the log is on standard error",
    "advance": "offered where the time can be moved, by the terminal itself",
}
ONLY_TERMINAL = {
    "locale": "the page speaks the browser's language",
    "kick": "the page's members leave",
    "ban": "the page's members leave",
    "unban": "the page's members join",
    "bot": "the page's roles have the bot's among them",
    "voice": "the page shows no voice",
    "emoji": "the page shows what emojis there are",
}


async def nothing(_: object = None) -> None:
    """Do nothing."""


def a_terminal() -> tuple[Terminal, list[str]]:
    """A terminal that has every verb, on a world without a bot."""
    people = People(World(), patience=0.0)
    people.settle = nothing
    written: list[str] = []
    sandbox = Sandbox()
    terminal = Terminal(
        people.member("ada"),
        written.append,
        breakable=sandbox,
        restart=nothing,  # type: ignore[arg-type]
        advance=nothing,
        ready=nothing,
        wait=nothing,
    )
    return terminal, written


def test_the_page_has_an_action_for_each_verb_and_the_terminal_a_verb_for_each_action() -> None:
    tags = {msgspec.inspect.type_info(action).tag for action in Action.__subclasses__()}  # type: ignore[attr-defined]
    assert len(tags) > 25
    assert actions.decoder is not None
    named = {tag for verb in VERBS.values() for tag in verb.page}
    assert named | set(ONLY_PAGE) == tags
    assert named.isdisjoint(ONLY_PAGE)
    assert {name for name, verb in VERBS.items() if not verb.page} == set(ONLY_TERMINAL)


async def test_help_has_a_line_for_each_verb_with_its_arguments() -> None:
    terminal, written = a_terminal()
    await terminal.enter(":help")
    lines = written[0].split("\n")
    assert len(terminal.verbs()) > 40
    for name, verb in terminal.verbs().items():
        usage = f":{name} {verb.arguments}".rstrip()
        assert [line for line in lines if line == usage or line.startswith(usage + " ")], usage
        assert verb.help.split(",")[0][:40] in written[0]
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", [name for name, verb in VERBS.items() if verb.needs_argument])
async def test_a_verb_without_its_arguments_says_which_are_expected(name: str) -> None:
    terminal, written = a_terminal()
    with pytest.raises(Impossible) as caught:
        await terminal.enter(f":{name}")
    assert str(caught.value) == f"expected :{name} {VERBS[name].arguments}"
    assert written == []


WORDS = r"""^ ^2 ^0 ^99999999999999999999 @bob @off #general @everyone " "a +ALL x -KICK_MEMBERS #ff0000 in voice
category forum -- / 👍 :x: de \ 500"""
ARGUMENTS = st.text(max_size=30) | st.lists(st.sampled_from(WORDS.split()), max_size=4).map(" ".join)


@settings(deadline=None, max_examples=250)
@given(lines=st.lists(st.tuples(st.sampled_from([*VERBS, "ready", "wait", "fail", "outage"]), ARGUMENTS), max_size=5))
async def test_any_line_of_verbs_is_done_or_refused_in_one_line(lines: list[tuple[str, str]]) -> None:
    terminal, _ = a_terminal()
    for name, argument in [("in", "#general"), ("reply", "x"), *lines]:
        await terminal.completions(f":{name} {argument}")
        with suppress(Impossible):
            await terminal.enter(f":{name} {argument}")
        terminal.prompt.encode()


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (":react ^3 👍", r"there is no message \^3: \^ is the newest here, \^2 the one before it, or \^ID"),
        (":react ^0 👍", r"there is no message \^0"),
        (":react ^123456789012345678 👍", "ada sees no message with the id 123456789012345678"),
        (":react :nope:", "expected an emoji such as 👍, or a guild's own, got ':nope:'"),
        (":delete the last", r"expected :delete \[\^MESSAGE\], where \^ is the newest"),
        (":attach /no/such", "expected a path to a file, got '/no/such': No such file"),
        (":complete hi", "expected a command with the option to complete as its last, as in :complete /play song:ab"),
        (":cancel", "no form is open"),
        (":cancel it", ":cancel stands alone"),
        (":locale tlh", "expected one of Discord's locales, ar, bg, cs, .*, got 'tlh'"),
        (":join @", "a person's name has 1 to 32 characters, not 0"),
        (f":join {'x' * 33}", "a person's name has 1 to 32 characters, not 33"),
        (":kick @eve", "Sandbox has no '@eve'; it has @ada, @wisp, @bob"),
        (":unban eve", "eve is not banned from Sandbox; banned are: no users"),
        (":leave", "ada owns Sandbox"),
        (":give @bob", "expected :give @MEMBER ROLE, names with spaces in quotes"),
        (":give @bob Nope", "Sandbox has no 'Nope'; it has @everyone, @wisp"),
        (":role Mods KICK_MEMBERS", r"expected \+PERMISSION or -PERMISSION in Discord's names, .*, got 'KICK_MEMBERS'"),
        (":role Mods +KICK", "got '\\+KICK'"),
        (":role Mods #ff0000 #00ff00", "a role has one colour, not several"),
        (":unrole @everyone", "the role @everyone cannot be deleted"),
        (":unrole <@{bob}>", "Sandbox has no '<@"),
        (":overwrite #general", "Sandbox has no '#general'"),
        (":channel x loud", r"expected :channel NAME \[TYPE\] \[in CATEGORY\], .*one of text, voice, category, forum"),
        (":channel x in Nowhere", "Sandbox has no category 'Nowhere'; it has none"),
        (":channel x in general", "Sandbox has no category 'general'"),
        (":emoji x", "an emoji's name has 2 to 32 letters, digits and _, got 'x'"),
        (":emoji a-b", "an emoji's name has 2 to 32 letters"),
        (":wait", "there is nothing to wait for: type a command first"),
        (":nope", r"there is no :nope; there is "),
    ],
)
async def test_a_verb_that_cannot_be_done_changes_nothing_and_says_what_was_expected(
    typed: str, complaint: str
) -> None:
    terminal, written = a_terminal()
    await terminal.enter("one")
    await terminal.enter("two")
    changes: list[object] = []
    terminal.world.changes.subscribe(changes.append)
    bob = terminal.people.member("bob")
    with pytest.raises(Impossible, match=complaint) as caught:
        await terminal.enter(typed.replace("{bob}", str(bob.id)))
    assert "\n" not in str(caught.value)
    assert (changes, written, terminal.speaker.result) == ([], [], None)


async def test_a_message_that_a_person_does_not_see_is_not_named_by_its_id() -> None:
    terminal, _ = a_terminal()
    world = terminal.world
    private = world.messages.add(
        terminal.person.channel, world.bot, content="psst", flags=64, ephemeral_for=terminal.person.user
    )
    await terminal.enter(":as bob")
    with pytest.raises(Impossible, match=f"bob sees no message with the id {private.id}"):
        await terminal.enter(f":delete ^{private.id}")
    assert not private.deleted


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (":give @b", ["@bob"]),
        (":give @bob ev", ["everyone"]),
        (":react :w", [":wave:"]),
        (":react ^2 :w", [":wave:"]),
        (":role Mods #ff0000 +kick", ["+KICK_MEMBERS"]),
        (":bot -kick", ["-KICK_MEMBERS"]),
        (":overwrite @bob +VIEW_CHANNEL -send_m", ["-SEND_MESSAGES", "-SEND_MESSAGES_IN_THREADS"]),
        (":channel x v", ["voice"]),
        (":locale en", ["en-GB", "en-US"]),
        (":kick @b", ["@bob"]),
        (":kick @bob lo", []),
        (":dm x", []),
        (":nope x", []),
    ],
)
async def test_tab_completes_the_arguments_of_a_verb(typed: str, expected: list[str]) -> None:
    terminal, _ = a_terminal()
    await terminal.enter(":emoji wave")
    assert await terminal.completions(typed) == expected


async def test_a_speaker_who_leaves_looks_at_their_direct_messages() -> None:
    terminal, written = a_terminal()
    for typed in (":as bob", ":leave"):
        await terminal.enter(typed)
    assert (written, terminal.prompt) == (["-- bob left Sandbox"], "bob in direct messages> ")


async def test_voice_connects_mutes_and_disconnects() -> None:
    terminal, written = a_terminal()
    world = terminal.speaker.world
    guild = next(iter(world.guilds.values()))
    lounge = world.channels.add(guild, "Lounge", kind=VOICE)
    for line in (":voice Lounge", ":voice mute", ":voice leave"):
        await terminal.enter(line)
    assert written == ["-- ada is in #Lounge", "-- ada is in #Lounge, muted", "-- ada left voice"]
    assert guild.voice_states == {}
    with pytest.raises(Impossible, match="ada is not connected to voice"):
        await terminal.enter(":voice unmute")
    world.channels.set_overwrite(lounge, guild.everyone, deny=Permission.CONNECT)
    await terminal.enter(":as bob")
    with pytest.raises(Impossible, match="bob is not allowed to connect"):
        await terminal.enter(":voice Lounge")
