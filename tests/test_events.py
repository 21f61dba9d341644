"""Listeners: which events they hear, what they need, and that one cannot harm another."""

from __future__ import annotations

import hikari
import pytest

import wisp
from wisp.events import intents_of
from wisp.testing import connect


@pytest.mark.parametrize(
    ("event_type", "intents"),
    [
        (hikari.GuildMessageCreateEvent, hikari.Intents.GUILD_MESSAGES),
        (hikari.DMMessageCreateEvent, hikari.Intents.DM_MESSAGES),
        (hikari.MessageCreateEvent, hikari.Intents.GUILD_MESSAGES | hikari.Intents.DM_MESSAGES),
        (hikari.MemberCreateEvent, hikari.Intents.GUILD_MEMBERS),
        (hikari.VoiceStateUpdateEvent, hikari.Intents.GUILD_VOICE_STATES),
        (hikari.InteractionCreateEvent, hikari.Intents.NONE),
        (hikari.StartedEvent, hikari.Intents.NONE),
    ],
)
def test_each_event_brings_the_intents_that_it_can_need(
    event_type: type[hikari.Event], intents: hikari.Intents
) -> None:
    assert intents_of(event_type) == intents


def test_a_base_class_brings_what_lies_below_it_as_far_as_no_privilege_is_needed() -> None:
    everything = intents_of(hikari.Event)
    assert everything & hikari.Intents.GUILD_MESSAGES
    assert not everything & hikari.Intents.ALL_PRIVILEGED


async def test_the_bot_asks_for_guilds_and_what_its_listeners_need_and_no_more() -> None:
    bot = wisp.Bot(intents=["DM_MESSAGE_TYPING"])

    @bot.listen
    async def hear(event: hikari.GuildMessageCreateEvent) -> None: ...

    async with connect(bot):
        (shard,) = bot.gateway.shards.values()
        assert shard.intents == (
            hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES | hikari.Intents.DM_MESSAGE_TYPING
        )


async def test_events_are_heard_by_annotation_by_union_and_by_name() -> None:
    bot = wisp.Bot(intents="MESSAGE_CONTENT")
    heard: list[str] = []

    @bot.listen
    async def annotated(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append(f"annotated {event.content}")

    @bot.listen()
    async def union(event: hikari.GuildMessageCreateEvent | hikari.MemberCreateEvent) -> None:
        heard.append(f"union {type(event).__name__}")

    @bot.listen(hikari.MemberCreateEvent)
    async def named(event) -> None:  # type: ignore[no-untyped-def]
        heard.append("named")

    async with connect(bot) as discord:
        await discord.member("ada").say("hi")
        discord.member("newcomer")
        await discord.rest()
    assert sorted(heard) == [
        "annotated hi",
        "named",
        "union GuildMessageCreateEvent",
        "union MemberCreateEvent",
    ]


async def test_a_listener_is_called_once_for_each_event_however_often_its_types_match() -> None:
    bot = wisp.Bot(intents="MESSAGE_CONTENT")
    heard: list[str] = []

    def listen(name: str, *event_types: type[hikari.Event]) -> None:
        async def hear(event: hikari.Event) -> None:
            if isinstance(event, (hikari.GuildMessageCreateEvent, hikari.GuildReactionAddEvent)):
                heard.append(name)

        bot.listen(*event_types)(hear)

    listen("twice", hikari.GuildMessageCreateEvent, hikari.GuildMessageCreateEvent)
    listen("base first", hikari.MessageCreateEvent, hikari.GuildMessageCreateEvent)
    listen("base last", hikari.GuildMessageCreateEvent, hikari.MessageCreateEvent)
    listen("union", hikari.GuildMessageCreateEvent | hikari.MessageCreateEvent)  # type: ignore[arg-type]
    listen("two bases", hikari.GuildReactionEvent, hikari.ReactionAddEvent)
    listen("all", hikari.Event, hikari.MemberCreateEvent, hikari.MessageCreateEvent)
    assert bot.check() == []
    assert bot.listeners[-1].intents() & hikari.Intents.GUILD_MEMBERS  # a base class alone does not ask for it
    async with connect(bot) as discord:
        ada = discord.member("ada")
        message = await ada.say("hi")
        assert sorted(heard) == ["all", "base first", "base last", "twice", "union"]
        heard.clear()
        await ada.react(message, "👍")
        assert sorted(heard) == ["all", "two bases"]


async def test_a_listener_that_raises_is_reported_and_does_not_stop_the_others() -> None:
    bot = wisp.Bot()
    heard: list[str] = []

    @bot.listen
    async def broken(event: hikari.GuildMessageCreateEvent) -> None:
        raise ValueError("broken")

    @bot.listen
    async def fine(event: hikari.GuildMessageCreateEvent) -> None:
        heard.append("fine")

    async with connect(bot) as discord:
        with discord.expects(ValueError):
            await discord.member("ada").say("hi")
    assert heard == ["fine"]


async def test_the_decorated_listener_is_the_function_itself() -> None:
    bot = wisp.Bot()

    async def hear(event: hikari.StartedEvent) -> None: ...

    assert bot.listen(hear) is hear
    assert bot.listen(hikari.StartedEvent)(hear) is hear


def test_what_no_listener_can_be_is_a_problem_with_its_place() -> None:
    bot = wisp.Bot()

    @bot.listen
    async def nothing() -> None: ...

    @bot.listen
    async def bare(event) -> None: ...  # type: ignore[no-untyped-def]

    @bot.listen
    async def unknown(event: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821

    @bot.listen
    async def number(event: int) -> None: ...

    @bot.listen
    def blocking(event: hikari.StartedEvent) -> None: ...

    @bot.listen([hikari.StartedEvent])  # type: ignore[arg-type]
    async def listed(event: hikari.StartedEvent) -> None: ...

    @bot.listen("started")  # type: ignore[arg-type]
    async def text(event: hikari.StartedEvent) -> None: ...

    found = bot.check()
    assert [problem.where for problem in found] == [
        f'listener "{name}"' for name in ("nothing", "bare", "unknown", "number", "blocking", "listed", "text")
    ]
    assert all(problem.file and problem.line for problem in found)
    parts = (
        "it is called with (event), which fails",
        "no annotation",
        "cannot be evaluated",
        "not an event",
        "not async",
        "is not an event",
        "is not an event",
    )
    assert [part in problem.message for part, problem in zip(parts, found, strict=True)] == [True] * 7


def test_a_field_with_a_default_can_stand_above_one_without_in_an_event() -> None:
    class LevelUp(wisp.Event):
        reason: str = ""
        level: int

    assert LevelUp(level=2) == LevelUp(reason="", level=2)
    with pytest.raises(TypeError, match="Required field 'level' cannot follow optional fields"):

        class Wrong(wisp.Event, kw_only=False):  # pyright: ignore[reportGeneralTypeIssues]
            reason: str = ""
            level: int
