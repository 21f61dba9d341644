"""Stage instances over REST: making a stage channel live, changing its topic and ending it."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    MISSING_ACCESS,
    UNKNOWN_CHANNEL,
    UNKNOWN_SCHEDULED_EVENT,
    UNKNOWN_STAGE_INSTANCE,
    WRONG_CHANNEL_TYPE,
    DiscordError,
)
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.audit_log import STAGE_INSTANCE, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import STAGE_TOPIC
from wisp.sandbox.world.objects import JSON, STAGE, Channel, ScheduledEvent, StageInstance
from wisp.sandbox.world.permissions import Permission

MODERATOR = Permission.MANAGE_CHANNELS | Permission.MUTE_MEMBERS | Permission.MOVE_MEMBERS
"""What makes a stage moderator (resources/stage-instance#definitions)."""

_GUILD_ONLY = (2,)
"""The privacy levels that are left: Discord has no public stages any more."""


def create(call: Call) -> Answer:
    """Make a stage channel live (resources/stage-instance#create-stage-instance)."""
    fields = call.fields
    topic, id = fields.text("topic", STAGE_TOPIC, required=True), fields.snowflake("channel_id", required=True)
    fields.choice("privacy_level", _GUILD_ONLY)
    notify, event_id = fields.boolean("send_start_notification"), fields.snowflake("guild_scheduled_event_id")
    fields.check()
    channel = _channel(call, id)
    call.need(MODERATOR, channel)
    if notify:
        call.need(Permission.MENTION_EVERYONE, channel)
    stage = call.world.stages.start(channel, topic, event=_event(channel, event_id))
    _log(call, AuditLogEvent.STAGE_INSTANCE_CREATE, stage, {}, stage.payload())
    return 200, stage.payload()


def get(call: Call) -> Answer:
    """Return the stage instance of a channel."""
    return 200, _stage(call).payload()


def edit(call: Call) -> Answer:
    """Change the topic of a stage instance."""
    stage = _moderated(call)
    before, topic = stage.payload(), _read_topic(call.fields)
    if topic is not None:
        call.world.stages.edit(stage, topic=topic)
        _log(call, AuditLogEvent.STAGE_INSTANCE_UPDATE, stage, before, stage.payload())
    return 200, stage.payload()


def delete(call: Call) -> Answer:
    """End a stage instance."""
    stage = _moderated(call)
    call.world.stages.end(stage)
    _log(call, AuditLogEvent.STAGE_INSTANCE_DELETE, stage, stage.payload(), {})
    return 204, None


def _read_topic(fields: Fields) -> str | None:
    topic = fields.text("topic", STAGE_TOPIC)
    fields.choice("privacy_level", _GUILD_ONLY)
    fields.check()
    return topic


def _channel(call: Call, id: int) -> Channel:
    """Return the stage channel with this id, which the bot must see."""
    channel = call.world.channels.get(id)
    if channel is None:
        raise DiscordError(UNKNOWN_CHANNEL)
    if not call.world.sees(call.world.bot, channel):
        raise DiscordError(MISSING_ACCESS)
    if channel.kind != STAGE:
        raise DiscordError(WRONG_CHANNEL_TYPE)
    return channel


def _event(channel: Channel, id: int | None) -> ScheduledEvent | None:
    """Return the scheduled event with this id that takes place in a channel, None if no id is given."""
    if id is None:
        return None
    event = channel.guild.scheduled_events.get(id) if channel.guild else None
    if event is None or event.channel is not channel or event.finished:
        raise DiscordError(UNKNOWN_SCHEDULED_EVENT)
    return event


def _stage(call: Call) -> StageInstance:
    """Return the stage instance of the channel in the path."""
    stage = call.world.stages.get(call.channel.id)
    if stage is None:
        raise DiscordError(UNKNOWN_STAGE_INSTANCE)
    return stage


def _moderated(call: Call) -> StageInstance:
    """Return the stage instance of the channel in the path, of which the bot must be a moderator."""
    stage = _stage(call)
    call.need(MODERATOR, stage.channel)
    return stage


def _log(call: Call, deed: AuditLogEvent, stage: StageInstance, before: JSON, after: JSON) -> None:
    changes, options = changes_of(STAGE_INSTANCE, before, after), {"channel_id": str(stage.channel.id)}
    call.log(deed, stage.id, guild=stage.guild, changes=changes, options=options)


ROUTES = [
    Route("POST", "/stage-instances", create),
    Route("GET", "/stage-instances/{channel}", get),
    Route("PATCH", "/stage-instances/{channel}", edit),
    Route("DELETE", "/stage-instances/{channel}", delete),
]
