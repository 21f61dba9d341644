"""Scheduled events: hikari schedules and hears of them, people are interested, and what is refused or hidden."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import hikari
import pytest

from wisp.sandbox import Impossible, Sandbox
from wisp.sandbox.people.person import People
from wisp.sandbox.world.audit_log import AuditLogEvent
from wisp.sandbox.world.objects import ACTIVE, CANCELED, COMPLETED, IN_VOICE, SCHEDULED, VOICE, Guild
from wisp.sandbox.world.world import World


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


def home(world: World) -> Guild:
    return next(iter(world.guilds.values()))


async def test_hikari_schedules_starts_and_ends_events_and_hears_who_is_interested(sandbox: Sandbox) -> None:
    world, guild = sandbox.world, home(sandbox.world)
    ada = People(world).member("ada")
    bot = hikari.GatewayBot(
        sandbox.token,
        rest_url=sandbox.rest_url,
        banner=None,
        logs=None,
        intents=hikari.Intents.GUILDS | hikari.Intents.GUILD_SCHEDULED_EVENTS,
    )
    heard: list[str] = []
    ended = asyncio.Event()

    async def hear(event: hikari.Event) -> None:
        if "ScheduledEvent" in type(event).__name__:
            heard.append(type(event).__name__)
        if isinstance(event, hikari.ScheduledEventDeleteEvent):
            ended.set()

    bot.subscribe(hikari.Event, hear)
    await bot.start(check_for_updates=False)
    try:
        start = datetime.now(UTC) + timedelta(hours=1)
        talk = world.channels.add(guild, "talk", kind=VOICE)
        event = await bot.rest.create_external_event(
            guild.id, "Party", "Garden", start, start + timedelta(hours=2), description="Come", reason="fun"
        )
        assert (event.name, event.location, event.start_time, event.description) == ("Party", "Garden", start, "Come")
        voice = await bot.rest.create_voice_event(guild.id, talk.id, "Talk", start)
        await ada.mark_interested(world.scheduled_events[event.id])
        await ada.mark_interested(world.scheduled_events[event.id])  # once is enough
        (user,) = await bot.rest.fetch_scheduled_event_users(guild.id, event.id)
        assert (user.user.id, user.member is not None) == (ada.id, True)
        assert (await bot.rest.fetch_scheduled_event(guild.id, event.id)).user_count == 1
        await ada.unmark_interested(world.scheduled_events[event.id])
        for status in (ACTIVE, COMPLETED):
            await bot.rest.edit_scheduled_event(guild.id, event.id, status=status)
        assert [one.id for one in await bot.rest.fetch_scheduled_events(guild.id)] == [voice.id]
        url, headers = f"{sandbox.rest_url}/guilds/{guild.id}/audit-logs", {"Authorization": f"Bot {sandbox.token}"}
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
            named = (await response.json())["guild_scheduled_events"]
        assert {one["id"] for one in named} == {str(event.id), str(voice.id)}
        await bot.rest.delete_scheduled_event(guild.id, voice.id)
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        await bot.close()
    assert heard == [
        "ScheduledEventCreateEvent",
        "ScheduledEventCreateEvent",
        "ScheduledEventUserAddEvent",
        "ScheduledEventUserRemoveEvent",
        "ScheduledEventUpdateEvent",
        "ScheduledEventUpdateEvent",
        "ScheduledEventDeleteEvent",
    ]
    deeds = [(entry.event, entry.reason) for entry in world.audit_log.of(guild)]
    assert deeds[0] == (AuditLogEvent.SCHEDULED_EVENT_CREATE, "fun")
    assert [deed for deed, _ in deeds[-2:]] == [
        AuditLogEvent.SCHEDULED_EVENT_UPDATE,
        AuditLogEvent.SCHEDULED_EVENT_DELETE,
    ]


@pytest.mark.parametrize("taken", [[], [ACTIVE], [ACTIVE, COMPLETED], [CANCELED]])
def test_an_event_changes_its_status_only_as_discord_lets_it(taken: list[int]) -> None:
    world = World()
    soon = world.clock.time() + 60
    allowed = {SCHEDULED: {SCHEDULED, ACTIVE, CANCELED}, ACTIVE: {ACTIVE, COMPLETED}}
    for status in (SCHEDULED, ACTIVE, COMPLETED, CANCELED):
        event = world.scheduled_events.add(home(world), "Party", soon, end=soon + 1, location="Here")
        for one in taken:
            world.scheduled_events.edit(event, status=one)
        if status in allowed.get(event.status, set()):
            world.scheduled_events.edit(event, status=status)
            assert event.status == status
        else:
            with pytest.raises(Impossible, match="does not take status"):
                world.scheduled_events.edit(event, status=status)


def test_an_event_in_a_channel_that_the_bot_does_not_see_is_kept_from_it() -> None:
    world = World()
    guild = home(world)
    told: list[str] = []
    talk = world.channels.add(guild, "talk", kind=VOICE)
    world.channels.set_overwrite(talk, world.bot, deny=1 << 10)
    world.events.subscribe(lambda event: told.append(event.name))
    event = world.scheduled_events.add(guild, "Secret", world.clock.time() + 60, kind=IN_VOICE, channel=talk)
    assert told == []
    assert world.guild_create(guild, [])["guild_scheduled_events"] == []
    world.channels.set_overwrite(talk, world.bot)
    assert [one["id"] for one in world.guild_create(guild, [])["guild_scheduled_events"]] == [str(event.id)]
    world.scheduled_events.edit(event, status=CANCELED)
    assert world.guild_create(guild, [])["guild_scheduled_events"] == []


async def test_people_are_interested_in_what_they_see_and_what_is_not_over() -> None:
    world = World()
    guild, people = home(world), People(world)
    bob, soon = people.member("bob"), world.clock.time() + 60
    talk = world.channels.add(guild, "talk", kind=VOICE)
    world.channels.set_overwrite(talk, bob.user, deny=1 << 10)
    hidden = world.scheduled_events.add(guild, "Hidden", soon, kind=IN_VOICE, channel=talk)
    over = world.scheduled_events.add(guild, "Over", soon, end=soon + 1, location="Here")
    elsewhere = world.scheduled_events.add(world.guilds.add("Other"), "Other", soon, end=soon + 1, location="Here")
    world.scheduled_events.edit(over, status=CANCELED)
    for event, words in ((hidden, "does not see #talk"), (over, "is over"), (elsewhere, "is not a member of Other")):
        with pytest.raises(Impossible, match=words):
            await bob.mark_interested(event)
        with pytest.raises(Impossible, match="is not interested"):
            await bob.unmark_interested(event)
        assert event.interested == {}


async def test_a_recurrence_rule_is_kept_as_discord_gives_it_back(sandbox: Sandbox) -> None:
    rule = {"start": "2083-01-01T00:00:00+01:00", "frequency": 2, "interval": 2, "by_weekday": [0, 4, 0]}
    body = {
        "name": "Weekly",
        "privacy_level": 2,
        "scheduled_start_time": rule["start"],
        "scheduled_end_time": "2083-01-02T00:00:00Z",
        "entity_type": 3,
        "entity_metadata": {"location": "Here"},
        "recurrence_rule": rule,
    }
    url = f"{sandbox.rest_url}/guilds/{home(sandbox.world).id}/scheduled-events"
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {sandbox.token}"}) as session,
        session.post(url, json=body) as response,
    ):
        kept = (await response.json())["recurrence_rule"]
    assert kept == {
        "start": "2082-12-31T23:00:00.000000+00:00",
        "end": None,
        "frequency": 2,
        "interval": 2,
        "count": None,
        "by_weekday": [0, 4],
        "by_n_weekday": None,
        "by_month": None,
        "by_month_day": None,
        "by_year_day": None,
    }


async def test_rest_shows_no_event_in_a_channel_that_the_bot_does_not_see(sandbox: Sandbox) -> None:
    world, guild = sandbox.world, home(sandbox.world)
    talk = world.channels.add(guild, "talk", kind=VOICE)
    event = world.scheduled_events.add(guild, "Secret", world.clock.time() + 60, kind=IN_VOICE, channel=talk)
    url, headers = f"{sandbox.rest_url}/guilds/{guild.id}/scheduled-events", {"Authorization": f"Bot {sandbox.token}"}
    found: list[tuple[int, int]] = []
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(2):
            async with session.get(url) as events, session.get(f"{url}/{event.id}") as one:
                found.append((len(await events.json()), one.status))
            world.channels.set_overwrite(talk, world.bot, deny=1 << 10)
    assert found == [(1, 200), (0, 404)]
