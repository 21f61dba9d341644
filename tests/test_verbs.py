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
from wisp.sandbox.world.objects import Impossible
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
