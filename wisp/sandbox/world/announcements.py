"""Announcement channels in a world: channels that follow them, and the messages that are published there."""

from __future__ import annotations

from wisp.sandbox.world.messages import NO_MENTIONS, Messages
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    CROSSPOSTED,
    FOLLOWED,
    IS_CROSSPOST,
    TEXT,
    Channel,
    Impossible,
    Message,
    User,
    Webhook,
)
from wisp.sandbox.world.state import State, refuse_deleted
from wisp.sandbox.world.webhooks import Webhooks


class Announcements:
    """What channels follow is kept with the webhooks: one of type 2 for each channel that follows another."""

    def __init__(self, world: State, messages: Messages, webhooks: Webhooks) -> None:
        self._world = world
        self._messages = messages
        self._webhooks = webhooks

    def follow(self, source: Channel, target: Channel, user: User) -> Webhook:
        """Let a channel show what is published in another, which Discord says there; return its new webhook.

        Raises Impossible if the source is no announcement channel, if the target is none for messages, or if that has
        15 webhooks.
        """
        if source.kind != ANNOUNCEMENT or source.guild is None:
            raise Impossible(f"{source} cannot be about: it is no announcement channel")
        if target.kind not in (TEXT, ANNOUNCEMENT):
            raise Impossible(f"{target} cannot follow {source}: it is no text channel")
        name = f"{source.guild.name} #{source.name}"
        webhook = self._webhooks.add(target, name, creator=user, source=source)
        self._messages.add(target, user, content=name, kind=FOLLOWED, about=source)
        return webhook

    def publish(self, message: Message) -> None:
        """Publish a message: each channel that follows gets a copy, which changes with it.

        Raises Impossible if it is not in an announcement channel, is published already, or is none that can be.
        """
        refuse_deleted(message)
        if message.channel.kind != ANNOUNCEMENT:
            raise Impossible(f"{message.channel} is no announcement channel")
        if (
            message.kind != 0
            or message.snapshot is not None
            or message.poll is not None
            or message.flags & IS_CROSSPOST
        ):
            raise Impossible("this message cannot be published: only those that users and bots write can")
        if message.flags & CROSSPOSTED:
            raise Impossible("the message is published already")
        self._messages.mark(message, CROSSPOSTED)
        for webhook in [one for one in self._webhooks.values() if one.source is message.channel]:
            message.copies.append(self._copy(message, webhook))

    def _copy(self, message: Message, webhook: Webhook) -> Message:
        return self._messages.add(
            webhook.channel,
            webhook.author(),
            content=message.content,
            embeds=message.embeds,
            components=message.components,
            attachments=message.attachments,
            flags=message.flags & ~CROSSPOSTED | IS_CROSSPOST,
            reference=message,
            allowed_mentions=NO_MENTIONS,
            webhook=webhook,
        )
