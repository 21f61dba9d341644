"""Auto moderation: rules that a bot makes over REST hold for what people write, and the bot hears of what they do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import hikari
import pytest
from hikari.events import auto_mod_events

from wisp.sandbox import Impossible, Person, Sandbox
from wisp.sandbox.gateway.intents import Intent, as_seen
from wisp.sandbox.people.person import People
from wisp.sandbox.world.auto_moderation import Rule
from wisp.sandbox.world.objects import QUARANTINED, Channel, Guild
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Event

BLOCK: Any = {"type": 1, "metadata": {}}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return next(iter(sandbox.world.guilds.values()))


@pytest.fixture
def general(guild: Guild) -> Channel:
    return next(iter(guild.channels.values()))


@pytest.fixture
def bob(sandbox: Sandbox) -> Person:
    return People(sandbox.world, patience=0.01).member("bob")


def words(
    sandbox: Sandbox, *keywords: str, actions: Any = (BLOCK,), allowed: Any = (), patterns: Any = (), **more: Any
) -> Rule:
    """A rule of the first guild against keywords."""
    return sandbox.world.auto_moderation.add(
        next(iter(sandbox.world.guilds.values())),
        "Words",
        creator=sandbox.world.bot,
        trigger=1,
        metadata={"keyword_filter": [*keywords], "regex_patterns": [*patterns], "allow_list": [*allowed]},
        actions=list(actions),
        **more,
    )


def events(sandbox: Sandbox) -> list[Event]:
    """What the bot is told of actions, from now on."""
    heard: list[Event] = []

    def hear(event: Event) -> None:
        if event.name == "AUTO_MODERATION_ACTION_EXECUTION":
            heard.append(event)

    sandbox.world.events.subscribe(hear)
    return heard


@pytest.mark.parametrize(
    ("keyword", "blocked", "taken"),
    [
        ("cat", ["cat", "a CAT sat"], ["catch", "wildcat", "location"]),
        ("cat*", ["catch", "Catapult"], ["wildcat", "location"]),
        ("*cat", ["wildcat", "copyCat"], ["catch", "location"]),
        ("*cat*", ["location", "eduCation"], ["dog"]),
        ("the mat*", ["in the matrix"], ["breathe mat"]),
        ("*the mat", ["breathe mat"], ["the matrix"]),
    ],
)
def test_a_keyword_matches_as_the_documentation_says(
    sandbox: Sandbox, bob: Person, keyword: str, blocked: list[str], taken: list[str]
) -> None:
    words(sandbox, keyword)
    for text in blocked:
        with pytest.raises(Impossible, match="AutoMod"):
            bob.post(text)
    assert [bob.post(text).content for text in taken] == taken
    assert [message.content for message in bob.messages if message.author is bob.user and message.content] == taken


def test_a_text_of_the_allow_list_does_not_trigger_a_rule_but_another_one_beside_it_does(
    sandbox: Sandbox, bob: Person
) -> None:
    words(sandbox, "cat*", allowed=["catalog"], patterns=["d[o0]g", "[x||z]y"])
    assert bob.post("the catalog").content == "the catalog"
    for text in ("catalog catch", "a d0g", "xy"):
        with pytest.raises(Impossible, match="AutoMod"):
            bob.post(text)


def test_a_rule_that_is_not_enabled_and_one_of_another_guild_do_nothing(sandbox: Sandbox, bob: Person) -> None:
    words(sandbox, "cat", enabled=False)
    other = sandbox.world.guilds.add("Other")
    metadata: Any = {"keyword_filter": ["cat"], "regex_patterns": [], "allow_list": []}
    sandbox.world.auto_moderation.add(
        other, "Words", creator=sandbox.world.bot, trigger=1, metadata=metadata, actions=[BLOCK]
    )
    assert bob.post("cat").content == "cat"


async def test_managers_exempt_roles_and_exempt_channels_are_free_of_a_rule(
    sandbox: Sandbox, guild: Guild, general: Channel, bob: Person
) -> None:
    world = sandbox.world
    role = world.roles.add(guild, "trusted")
    manager = world.roles.add(guild, "manager", permissions=int(Permission.MANAGE_GUILD))
    free = world.channels.add(guild, "free")
    thread = world.threads.start(free, "thread", bob.user)
    words(sandbox, "cat", exempt_roles=[role.id], exempt_channels=[free.id])
    assert People(world, patience=0.01).member("ada").post("cat").content == "cat"
    for place in (free, thread):
        assert bob.at(place).post("cat").content == "cat"
    for held in (role, manager):
        with pytest.raises(Impossible, match="AutoMod"):
            bob.post("cat")
        await bob.people.give(bob, held)
        assert bob.post("cat").content == "cat"
        await bob.people.take(bob, held)


def test_a_blocked_message_shows_the_text_of_the_rule_and_everything_it_does_is_told_and_logged(
    sandbox: Sandbox, guild: Guild, bob: Person
) -> None:
    world, heard = sandbox.world, events(sandbox)
    log = world.channels.add(guild, "log")
    rule = words(
        sandbox,
        "cat*",
        actions=[
            {"type": 1, "metadata": {"custom_message": "No cats!"}},
            {"type": 2, "metadata": {"channel_id": str(log.id)}},
            {"type": 3, "metadata": {"duration_seconds": 60}},
        ],
    )
    with pytest.raises(Impossible, match="No cats!"):
        bob.post("two cats")
    (alert,) = log.messages.values()
    assert (alert.kind, alert.author, alert.embeds[0]["type"]) == (24, bob.user, "auto_moderation_message")
    assert alert.embeds[0]["description"] == "two cats"
    assert bob.member is not None
    assert bob.member.timed_out_until == pytest.approx(world.clock.time() + 60, abs=5)
    assert [event.data["action"]["type"] for event in heard] == [1, 2, 3]
    assert {key: heard[1].data[key] for key in ("content", "matched_keyword", "matched_content", "rule_id")} == {
        "content": "two cats",
        "matched_keyword": "cat*",
        "matched_content": "cat",
        "rule_id": str(rule.id),
    }
    assert heard[1].data["alert_system_message_id"] == str(alert.id)
    assert not any("message_id" in event.data for event in heard)
    assert [int(entry.event) for entry in world.audit_log.of(guild)] == [143, 144, 145]
    with pytest.raises(Impossible, match="SEND_MESSAGES"):
        bob.post("dogs")


def test_a_rule_that_only_alerts_lets_the_message_through_and_names_it(
    sandbox: Sandbox, general: Channel, bob: Person
) -> None:
    heard = events(sandbox)
    words(sandbox, "cat", actions=[{"type": 2, "metadata": {"channel_id": str(general.id)}}])
    message = bob.post("cat")
    (event,) = heard
    assert event.data["message_id"] == str(message.id)


async def test_an_edit_is_checked_as_a_message_is(sandbox: Sandbox, bob: Person) -> None:
    words(sandbox, "cat")
    message = bob.post("dog")
    with pytest.raises(Impossible, match="AutoMod"):
        await bob.edit(message, "cat")
    assert message.content == "dog"


def test_too_many_different_mentions_trigger_a_rule_and_the_same_one_twice_does_not(
    sandbox: Sandbox, guild: Guild, bob: Person
) -> None:
    sandbox.world.auto_moderation.add(
        guild,
        "Mentions",
        creator=sandbox.world.bot,
        trigger=5,
        metadata={"mention_total_limit": 2, "mention_raid_protection_enabled": False},
        actions=[BLOCK],
    )
    assert bob.post("<@1> <@&2> <@1>").content
    with pytest.raises(Impossible, match="AutoMod"):
        bob.post("<@1> <@&2> <@3>")


def test_a_preset_has_words_and_an_allow_list(sandbox: Sandbox, guild: Guild, bob: Person) -> None:
    sandbox.world.auto_moderation.add(
        guild,
        "Swearing",
        creator=sandbox.world.bot,
        trigger=4,
        metadata={"presets": [1], "allow_list": ["shitake"]},
        actions=[BLOCK],
    )
    assert bob.post("shitake").content
    with pytest.raises(Impossible, match="AutoMod"):
        bob.post("shit")


def test_a_member_with_a_forbidden_name_can_only_read_until_they_are_called_otherwise(
    sandbox: Sandbox, guild: Guild
) -> None:
    world, heard = sandbox.world, events(sandbox)
    world.auto_moderation.add(
        guild,
        "Names",
        creator=world.bot,
        trigger=6,
        event=2,
        metadata={"keyword_filter": ["*cat*"], "regex_patterns": [], "allow_list": []},
        actions=[{"type": 4, "metadata": {}}],
    )
    cat = People(world, patience=0.01).member("copycat")
    assert cat.member is not None
    assert cat.member.payload()["flags"] == QUARANTINED
    with pytest.raises(Impossible, match="SEND_MESSAGES"):
        cat.post("hello")
    world.members.edit(cat.member, nick="dog")
    assert cat.post("hello").content == "hello"
    assert cat.member.payload()["flags"] == 0
    assert [(event.data["action"]["type"], event.data["user_id"]) for event in heard] == [(4, str(cat.id))]
    assert "channel_id" not in heard[0].data


def test_the_content_is_told_only_with_its_intent(sandbox: Sandbox, bob: Person) -> None:
    heard = events(sandbox)
    words(sandbox, "cat")
    with pytest.raises(Impossible, match="AutoMod"):
        bob.post("cat")
    execution = int(Intent.AUTO_MODERATION_EXECUTION)
    shown = as_seen(sandbox.world, execution | int(Intent.MESSAGE_CONTENT), heard[0])
    assert (shown["content"], shown["matched_content"]) == ("cat", "cat")
    hidden = as_seen(sandbox.world, execution, heard[0])
    assert (hidden["content"], hidden["matched_content"], hidden["matched_keyword"]) == ("", "", "cat")


async def test_a_bot_of_hikari_makes_changes_and_deletes_rules_and_hears_of_all_that_happens(
    sandbox: Sandbox, guild: Guild, bob: Person
) -> None:
    bot = hikari.GatewayBot(
        sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None, intents=hikari.Intents.ALL
    )
    heard: asyncio.Queue[hikari.Event] = asyncio.Queue()
    for kind in (
        auto_mod_events.AutoModRuleCreateEvent,
        auto_mod_events.AutoModRuleUpdateEvent,
        auto_mod_events.AutoModRuleDeleteEvent,
        auto_mod_events.AutoModActionExecutionEvent,
    ):
        bot.subscribe(kind, heard.put)
    await bot.start(check_for_updates=False)
    try:
        rule = await bot.rest.create_auto_mod_rule(
            guild.id,
            name="Words",
            event_type=hikari.AutoModEventType.MESSAGE_SEND,
            trigger=hikari.impl.AutoModKeywordTriggerBuilder(keyword_filter=["cat*"]),
            actions=[hikari.impl.AutoModBlockMessageActionBuilder(custom_message="No cats!")],
            enabled=True,
        )
        assert rule.is_enabled
        await bot.rest.edit_auto_mod_rule(guild.id, rule, name="Other")
        assert [one.name for one in await bot.rest.fetch_auto_mod_rules(guild.id)] == ["Other"]
        with pytest.raises(Impossible, match="AutoMod"):
            bob.post("cats")
        await bot.rest.delete_auto_mod_rule(guild.id, rule)
        async with asyncio.timeout(5):
            told = [type(await heard.get()).__name__ for _ in range(4)]
    finally:
        await bot.close()
    assert told == [
        "AutoModRuleCreateEvent",
        "AutoModRuleUpdateEvent",
        "AutoModActionExecutionEvent",
        "AutoModRuleDeleteEvent",
    ]
    assert [int(entry.event) for entry in sandbox.world.audit_log.of(guild)] == [140, 141, 143, 142]
