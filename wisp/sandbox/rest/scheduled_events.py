"""Scheduled events over REST: scheduling, changing and deleting them, and who is interested."""

from __future__ import annotations

from wisp.limits import INVALID, is_integer
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    FINISHED_EVENT,
    MISSING_PERMISSIONS,
    UNKNOWN_CHANNEL,
    UNKNOWN_SCHEDULED_EVENT,
    DiscordError,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.images import keep_image, read_image
from wisp.sandbox.world.audit_log import SCHEDULED_EVENT, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import EVENT_DESCRIPTION, EVENT_LOCATION, EVENT_NAME, Bound
from wisp.sandbox.world.objects import (
    EXTERNAL,
    IN_VOICE,
    JSON,
    LAST_MOMENT,
    ON_STAGE,
    Channel,
    ScheduledEvent,
    is_list,
    timestamp,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.scheduled_events import NEXT, EventChanges

_PAGE = "resources/guild-scheduled-event#guild-scheduled-event-recurrence-rule-object"
_INTERVAL, _COUNT = Bound(1, 1000, _PAGE), Bound(1, 1_000_000, _PAGE)

_BY = {"by_weekday": (0, 6), "by_month": (1, 12), "by_month_day": (-1, 31), "by_year_day": (-1, 365)}
"""The least and the most of the numbers in each list of a recurrence rule."""

_TYPES = (ON_STAGE, IN_VOICE, EXTERNAL)


def list_events(call: Call) -> Answer:
    """List a guild's events that are not over, those in channels that the bot does not see left out."""
    with_count = call.flag("with_user_count")
    events = [event for event in call.guild.scheduled_events.values() if not event.finished and _seen(call, event)]
    return 200, [event.payload(with_count=with_count) for event in events]


def get(call: Call) -> Answer:
    """Return an event of a guild."""
    return 200, _event(call).payload(with_count=call.flag("with_user_count"))


def create(call: Call) -> Answer:
    """Schedule an event (resources/guild-scheduled-event#create-guild-scheduled-event)."""
    fields = call.fields
    for name in ("name", "scheduled_start_time", "privacy_level", "entity_type"):
        fields.require(name)
    changes = _read(call, fields, None)
    assert "name" in changes  # or the form was refused
    assert "start" in changes
    assert "kind" in changes
    event = call.world.scheduled_events.add(
        call.guild,
        changes["name"],
        changes["start"],
        kind=changes["kind"],
        creator=call.world.bot,
        end=changes.get("end"),
        description=changes.get("description"),
        channel=changes.get("channel"),
        location=changes.get("location"),
        recurrence=changes.get("recurrence"),
        image=changes.get("image"),
    )
    keep_image(call.world, fields, "image", f"guild-events/{event.id}")
    call.log(AuditLogEvent.SCHEDULED_EVENT_CREATE, event.id, changes=changes_of(SCHEDULED_EVENT, {}, event.payload()))
    return 200, event.payload()


def edit(call: Call) -> Answer:
    """Change an event, start, end or cancel it."""
    event = _changeable(call)
    if event.finished:
        raise DiscordError(FINISHED_EVENT)
    before, changes = event.payload(), _read(call, call.fields, event)
    call.world.scheduled_events.edit(event, **changes)
    keep_image(call.world, call.fields, "image", f"guild-events/{event.id}")
    told = changes_of(SCHEDULED_EVENT, before, event.payload())
    call.log(AuditLogEvent.SCHEDULED_EVENT_UPDATE, event.id, changes=told)
    return 200, event.payload()


def delete(call: Call) -> Answer:
    """Delete an event."""
    event = _changeable(call)
    call.world.scheduled_events.delete(event)
    told = changes_of(SCHEDULED_EVENT, event.payload(), {})
    call.log(AuditLogEvent.SCHEDULED_EVENT_DELETE, event.id, changes=told)
    return 204, None


def list_users(call: Call) -> Answer:
    """List the users who are interested in an event, ordered by id."""
    event, (limit, before, after) = _event(call), call.page(most=100, default=100)
    with_member = call.flag("with_member")
    ids = [id for id in sorted(event.interested) if after < id < before]
    chosen = ids[-limit:] if "before" in call.query else ids[:limit]
    return 200, [_interested(event, id, with_member=with_member) for id in chosen]


def count_users(call: Call) -> Answer:
    """Count the users who are interested in an event; the sandbox has no exceptions of recurring events."""
    count = len(_event(call).interested)
    return 200, {"guild_scheduled_event_count": count, "guild_scheduled_event_exception_counts": {}}


def _interested(event: ScheduledEvent, id: int, *, with_member: bool) -> JSON:
    shown: JSON = {
        "guild_scheduled_event_id": str(event.id),
        "user_id": str(id),
        "user": event.interested[id].payload(),
        "response": 1,
    }
    member = event.guild.members.get(id) if with_member else None
    return {**shown, "member": member.payload()} if member else shown


def _seen(call: Call, event: ScheduledEvent) -> bool:
    return event.channel is None or call.world.sees(call.world.bot, event.channel)


def _event(call: Call) -> ScheduledEvent:
    """Return the event in the path, which the bot must see."""
    event = call.guild.scheduled_events.get(call.path_id("event"))
    if event is None or not _seen(call, event):
        raise DiscordError(UNKNOWN_SCHEDULED_EVENT)
    return event


def _changeable(call: Call) -> ScheduledEvent:
    """Return the event in the path, if the bot manages events, or created this one and can create more."""
    event = _event(call)
    mine = event.creator is call.world.bot
    if not call.may(Permission.MANAGE_EVENTS) and not (mine and call.may(Permission.CREATE_EVENTS)):
        raise DiscordError(MISSING_PERMISSIONS)
    return event


def _read(call: Call, fields: Fields, event: ScheduledEvent | None) -> EventChanges:
    """Read a new event, or changes of one, and check what its type requires. Raises DiscordError."""
    changes: EventChanges = {}
    fields.choice("privacy_level", (2,))
    if (name := fields.text("name", EVENT_NAME)) is not None:
        changes["name"] = name
    if (kind := fields.choice("entity_type", _TYPES)) is not None:
        changes["kind"] = kind
    if "description" in fields:
        changes["description"] = fields.text("description", EVENT_DESCRIPTION) or None
    if (start := _moment(fields, "scheduled_start_time")) is not None:
        changes["start"] = start
    if "scheduled_end_time" in fields:
        changes["end"] = _moment(fields, "scheduled_end_time")
    if "recurrence_rule" in fields:
        changes["recurrence"] = _rule(fields.object("recurrence_rule"))
    if "image" in fields:
        image = read_image(fields, "image")
        changes["image"] = image and image.hash
    metadata = fields.object("entity_metadata")
    if metadata and (location := metadata.text("location", EVENT_LOCATION)) is not None:
        changes["location"] = location
    if (status := fields.choice("status", (1, 2, 3, 4))) is not None and event is not None:
        changes["status"] = status
        if status != event.status and (event.status, status) not in NEXT:
            fields.refuse("status", INVALID, "Invalid status transition")
    channel_id = fields.snowflake("channel_id")
    now = call.world.clock.time()
    if start is not None and start < now:
        fields.refuse(
            "scheduled_start_time", "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST", "Cannot schedule event in the past."
        )
    fields.check()
    if "channel_id" in fields:
        changes["channel"] = _channel(call, channel_id)
    _check_type(call, fields, changes, event)
    return changes


def _channel(call: Call, id: int | None) -> Channel | None:
    if id is None:
        return None
    if id not in call.guild.channels:
        raise DiscordError(UNKNOWN_CHANNEL)
    return call.guild.channels[id]


def _check_type(call: Call, fields: Fields, changes: EventChanges, event: ScheduledEvent | None) -> None:
    """Check what the type of an event requires ("Field Requirements By Entity Type"), and the bot's permissions."""
    kind = changes.get("kind", event.kind if event else EXTERNAL)
    channel = changes.get("channel", event.channel if event else None)
    if kind == EXTERNAL:
        if changes.get("location", event.location if event else None) is None:
            fields.refuse("entity_metadata", *REQUIRED)
        if changes.get("end", event.end if event else None) is None:
            fields.refuse("scheduled_end_time", *REQUIRED)
    elif channel is None:
        fields.refuse("channel_id", *REQUIRED)
    fields.check()
    if channel is not None and kind == ON_STAGE:
        call.need(Permission.MANAGE_CHANNELS | Permission.MUTE_MEMBERS | Permission.MOVE_MEMBERS, channel)
    elif channel is not None:
        call.need(Permission.VIEW_CHANNEL | Permission.CONNECT, channel)


def _moment(fields: Fields, name: str) -> float | None:
    moment = fields.moment(name)
    if moment is not None and not 0 <= moment <= LAST_MOMENT:
        fields.refuse(name, INVALID, "Must be between 1970 and 2084.")
        return None
    return moment


def _rule(fields: Fields | None) -> JSON | None:
    """Read a recurrence rule and return it as Discord keeps it."""
    if fields is None:
        return None
    fields.require("start")
    fields.require("frequency")
    start, end = _moment(fields, "start"), _moment(fields, "end")
    days = [
        {"n": day.integer("n", Bound(1, 5, _PAGE)), "day": day.integer("day", Bound(0, 6, _PAGE))}
        for day in fields.objects("by_n_weekday", 7)
    ]
    if any(None in day.values() for day in days):
        fields.refuse("by_n_weekday", *REQUIRED)
    return {
        "start": timestamp(start or 0.0),
        "end": None if end is None else timestamp(end),
        "frequency": fields.choice("frequency", (0, 1, 2, 3)),
        "interval": fields.integer("interval", _INTERVAL) or 1,
        "by_n_weekday": days or None,
        "count": fields.integer("count", _COUNT),
        **{name: _numbers(fields, name, least, most) for name, (least, most) in _BY.items()},
    }


def _numbers(fields: Fields, name: str, least: int, most: int) -> list[int] | None:
    """Read a list of integers, each once; None if it is absent or empty."""
    value = fields.raw(name)
    if value is None:
        return None
    if not is_list(value) or not all(is_integer(one) and least <= one <= most for one in value):
        fields.refuse(name, "NUMBER_TYPE_COERCE", f"Expected integers from {least} to {most}.")
        return None
    return list(dict.fromkeys(value)) or None


OF_GUILD = "/guilds/{guild}/scheduled-events"

ROUTES = [
    Route("GET", OF_GUILD, list_events),
    Route("POST", OF_GUILD, create, needs=Permission.CREATE_EVENTS),
    Route("GET", OF_GUILD + "/{event}", get),
    Route("PATCH", OF_GUILD + "/{event}", edit),
    Route("DELETE", OF_GUILD + "/{event}", delete),
    Route("GET", OF_GUILD + "/{event}/users", list_users),
    Route("GET", OF_GUILD + "/{event}/users/counts", count_users),
]
