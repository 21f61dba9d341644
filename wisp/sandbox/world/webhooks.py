"""Webhooks of channels in a world."""

from __future__ import annotations

import secrets
from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import WebhooksChanged
from wisp.sandbox.world.objects import CATEGORY, Channel, Impossible, LimitReached, User, Webhook
from wisp.sandbox.world.state import Registry, place_of


class WebhookChanges(TypedDict, total=False):
    """What can be changed of a webhook. `avatar` is the hash of its picture, None for none."""

    name: str
    avatar: str | None
    channel: Channel


class Webhooks(Registry[int, Webhook]):
    """All webhooks by id."""

    def of(self, channel: Channel) -> list[Webhook]:
        """Return the webhooks of a channel, oldest first."""
        return [webhook for webhook in self._items.values() if webhook.channel is channel]

    def add(
        self, channel: Channel, name: str, *, creator: User, avatar: str | None = None, source: Channel | None = None
    ) -> Webhook:
        """Add a webhook to a channel, one that follows a `source` if that is given.

        Raises LimitReached if the channel has 15, and Impossible in threads and categories.
        """
        _refuse_webhook(channel)
        if len(self.of(channel)) >= bounds.WEBHOOKS.most:
            raise LimitReached(f"a channel has at most {bounds.WEBHOOKS.most} webhooks", bounds.WEBHOOKS)
        id_, token = self._world.next_id(), secrets.token_urlsafe(51)
        url = f"{self._world.webhooks_url}/{id_}/{token}"
        webhook = self._items[id_] = Webhook(id_, channel, name, token, url, creator, avatar, source)
        self._changed(channel)
        return webhook

    def edit(self, webhook: Webhook, **changes: Unpack[WebhookChanges]) -> None:
        """Change a webhook. Raises Impossible for a channel that cannot have webhooks, or of another guild."""
        before, after = webhook.channel, changes.get("channel", webhook.channel)
        _refuse_webhook(after)
        if after.guild is not before.guild:
            raise Impossible("a webhook stays in its guild")
        if after is not before and len(self.of(after)) >= bounds.WEBHOOKS.most:
            raise LimitReached(f"a channel has at most {bounds.WEBHOOKS.most} webhooks", bounds.WEBHOOKS)
        for name, value in changes.items():
            setattr(webhook, name, value)
        for channel in dict.fromkeys((before, after)):
            self._changed(channel)

    def delete(self, webhook: Webhook) -> None:
        """Delete a webhook; does nothing if it is deleted. Its messages stay."""
        if self._items.pop(webhook.id, None) is not None:
            self._changed(webhook.channel)

    def forget(self, channel: Channel) -> None:
        """Drop the webhooks of a channel, without telling of it."""
        for webhook in self.of(channel):
            del self._items[webhook.id]

    def _changed(self, channel: Channel) -> None:
        self._world.dispatch("WEBHOOKS_UPDATE", place_of(channel), channel.guild, seen_in=channel)
        self._world.changes.send(WebhooksChanged(channel))


def _refuse_webhook(channel: Channel) -> None:
    if channel.guild is None or channel.is_thread or channel.kind == CATEGORY:
        raise Impossible(f"{channel} has no webhooks: channels of a guild that people write in have")
