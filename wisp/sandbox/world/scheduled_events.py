"""Scheduled events of guilds in a world, and who is interested in them."""

from __future__ import annotations

from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import GuildChanged
from wisp.sandbox.world.objects import (
    ACTIVE,
    CANCELED,
    COMPLETED,
    EXTERNAL,
    IN_VOICE,
    JSON,
    ON_STAGE,
    SCHEDULED,
    STAGE,
    VOICE,
    Channel,
    Guild,
    Impossible,
    LimitReached,
    ScheduledEvent,
    User,
)
from wisp.sandbox.world.state import Registry, assign, refuse_length

NEXT = {(SCHEDULED, ACTIVE), (SCHEDULED, CANCELED), (ACTIVE, COMPLETED)}
"""The changes of state that there are (resources/guild-scheduled-event, "Valid Guild Scheduled Event Status
Transitions")."""

_CHANNELS = {ON_STAGE: STAGE, IN_VOICE: VOICE}


class EventDetails(TypedDict, total=False):
    """What a new scheduled event has besides its name, start and type."""

    end: float | None
    description: str | None
    channel: Channel | None
    location: str | None
    recurrence: JSON | None
    image: str | None


class EventChanges(EventDetails, total=False):
    """What can be changed of a scheduled event."""

    name: str
    kind: int
    start: float
    status: int


class ScheduledEvents(Registry[int, ScheduledEvent]):
    """All scheduled events by id, finished ones among them."""

    def add(
        self,
        guild: Guild,
        name: str,
        start: float,
        *,
        kind: int = EXTERNAL,
        creator: User | None = None,
        **details: Unpack[EventDetails],
    ) -> ScheduledEvent:
        """Schedule an event of a guild; ada is its creator by default. Raises Impossible if 100 are not over yet."""
        if sum(not event.finished for event in guild.scheduled_events.values()) >= bounds.SCHEDULED_EVENTS.most:
            most = bounds.SCHEDULED_EVENTS
            raise LimitReached(f"{guild.name} has {most.most} scheduled events already", most)
        event = ScheduledEvent(self._world.next_id(), guild, creator or self._world.owner, name, kind, start, **details)
        _check(event)
        guild.scheduled_events[event.id] = self._items[event.id] = event
        self._told("GUILD_SCHEDULED_EVENT_CREATE", event)
        return event

    def edit(self, event: ScheduledEvent, **changes: Unpack[EventChanges]) -> None:
        """Change an event. Raises Impossible if it is over, or cannot become what is asked for."""
        status = changes.get("status", event.status)
        if event.finished or (status != event.status and (event.status, status) not in NEXT):
            raise Impossible(f"the event {event.name!r} of status {event.status} does not take status {status}")
        before = {name: getattr(event, name) for name in changes}
        assign(event, changes)
        try:
            _check(event)
        except Impossible:
            assign(event, before)
            raise
        self._told("GUILD_SCHEDULED_EVENT_UPDATE", event)

    def delete(self, event: ScheduledEvent) -> None:
        """Delete an event."""
        del event.guild.scheduled_events[event.id], self._items[event.id]
        self._told("GUILD_SCHEDULED_EVENT_DELETE", event)

    def add_interested(self, event: ScheduledEvent, user: User) -> None:
        """Note that a member is interested; nothing happens if they are already."""
        if user.id not in event.guild.members:
            raise Impossible(f"{user.name} is not a member of {event.guild.name}")
        if event.finished:
            raise Impossible(f"the event {event.name!r} is over")
        if user.id not in event.interested:
            event.interested[user.id] = user
            self._user_told("GUILD_SCHEDULED_EVENT_USER_ADD", event, user)

    def remove_interested(self, event: ScheduledEvent, user: User) -> None:
        """Note that a user is not interested any more. Raises Impossible if they are not."""
        if event.interested.pop(user.id, None) is None:
            raise Impossible(f"{user.name} is not interested in {event.name!r}")
        self._user_told("GUILD_SCHEDULED_EVENT_USER_REMOVE", event, user)

    def _told(self, name: str, event: ScheduledEvent) -> None:
        self._world.dispatch(name, event.payload(), event.guild, seen_in=event.channel)
        self._world.changes.send(GuildChanged(event.guild))

    def _user_told(self, name: str, event: ScheduledEvent, user: User) -> None:
        ids = {"guild_scheduled_event_id": event.id, "user_id": user.id, "guild_id": event.guild.id}
        data = {key: str(id) for key, id in ids.items()}
        self._world.dispatch(name, data, event.guild, seen_in=event.channel)
        self._world.changes.send(GuildChanged(event.guild))


def _check(event: ScheduledEvent) -> None:
    """Raise Impossible if an event lacks what its type requires, or has what another type has."""
    refuse_length("the name of an event", event.name, bounds.EVENT_NAME)
    refuse_length("the description of an event", event.description or "", bounds.EVENT_DESCRIPTION)
    if event.end is not None and event.end <= event.start:
        raise Impossible("an event ends after its start")
    if event.kind == EXTERNAL:
        refuse_length("the location of an event", event.location or "", bounds.EVENT_LOCATION)
        if event.channel is not None or event.end is None:
            raise Impossible("an external event has an end, and no channel")
    elif event.channel is None or event.channel.guild is not event.guild or event.channel.kind != _CHANNELS[event.kind]:
        raise Impossible("an event of a stage or a voice channel needs such a channel of its guild")
