"""Stage instances in a world: which stage channels are live, and what about."""

from __future__ import annotations

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import GuildChanged
from wisp.sandbox.world.objects import STAGE, Channel, Impossible, LimitReached, ScheduledEvent, StageInstance
from wisp.sandbox.world.state import Registry, refuse_length


class Stages(Registry[int, StageInstance]):
    """All stage instances by the id of their channel."""

    def start(self, channel: Channel, topic: str, *, event: ScheduledEvent | None = None) -> StageInstance:
        """Make a stage channel live. Raises Impossible if it is live already, or for a channel of another type."""
        guild = channel.guild
        if guild is None or channel.kind != STAGE:
            raise Impossible(f"#{channel.name} is not a stage channel")
        refuse_length("the topic of a stage", topic, bounds.STAGE_TOPIC)
        if channel.id in self._items:
            raise LimitReached(f"{channel} is live already", bounds.STAGE_INSTANCES)
        stage = StageInstance(self._world.next_id(), guild, channel, topic, event)
        guild.stages[channel.id] = self._items[channel.id] = stage
        self._told("STAGE_INSTANCE_CREATE", stage)
        return stage

    def edit(self, stage: StageInstance, *, topic: str) -> None:
        """Change the topic of a stage instance. Raises Impossible if it is too short or too long."""
        refuse_length("the topic of a stage", topic, bounds.STAGE_TOPIC)
        stage.topic = topic
        self._told("STAGE_INSTANCE_UPDATE", stage)

    def end(self, stage: StageInstance) -> None:
        """End a stage instance; its channel stays."""
        del stage.guild.stages[stage.channel.id], self._items[stage.channel.id]
        self._told("STAGE_INSTANCE_DELETE", stage)

    def clear(self, channel: Channel) -> None:
        """End the stage instance of a channel if it has one."""
        if channel.id in self._items:
            self.end(self._items[channel.id])

    def _told(self, name: str, stage: StageInstance) -> None:
        self._world.dispatch(name, stage.payload(), stage.guild, seen_in=stage.channel)
        self._world.changes.send(GuildChanged(stage.guild))
