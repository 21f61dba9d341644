"""What channels and guilds have besides people and messages: webhooks."""

from __future__ import annotations

import secrets
from typing import TypedDict, Unpack

from wisp.clock import Clock
from wisp.sandbox import bounds
from wisp.sandbox.happenings import WebhooksChanged
from wisp.sandbox.model import CATEGORY, Channel, Impossible, User, Webhook
from wisp.sandbox.places import Places


class WebhookChanges(TypedDict, total=False):
    """What can be changed of a webhook. `avatar` is the hash of its picture, None for none."""

    name: str
    avatar: str | None
    channel: Channel


class Belongings(Places):
    """Webhooks, by id."""

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        super().__init__(clock=clock, shards=shards)
        self.webhooks: dict[int, Webhook] = {}

    def webhooks_of(self, channel: Channel) -> list[Webhook]:
        """The webhooks of a channel, the oldest first."""
        return [webhook for webhook in self.webhooks.values() if webhook.channel is channel]

    def add_webhook(self, channel: Channel, name: str, *, creator: User, avatar: str | None = None) -> Webhook:
        """A new webhook of a channel. Raises Impossible where there are 15, and where a channel has none."""
        _refuse_webhook(channel)
        if len(self.webhooks_of(channel)) >= bounds.WEBHOOKS.most:
            raise Impossible(f"a channel has at most {bounds.WEBHOOKS.most} webhooks")
        number, token = self.next_id(), secrets.token_urlsafe(51)
        url = f"{self.webhooks_url}/{number}/{token}"
        webhook = self.webhooks[number] = Webhook(number, channel, name, token, url, creator, avatar)
        self._webhooks_changed(channel)
        return webhook

    def edit_webhook(self, webhook: Webhook, **changes: Unpack[WebhookChanges]) -> None:
        """Change a webhook. Raises Impossible for a channel that has none, or is another guild's."""
        before, after = webhook.channel, changes.get("channel", webhook.channel)
        _refuse_webhook(after)
        if after.guild is not before.guild:
            raise Impossible("a webhook stays in its guild")
        for name, value in changes.items():
            setattr(webhook, name, value)
        for channel in dict.fromkeys((before, after)):
            self._webhooks_changed(channel)

    def delete_webhook(self, webhook: Webhook) -> None:
        """Take a webhook away; nothing happens where it is gone. What it posted stays."""
        if self.webhooks.pop(webhook.id, None) is not None:
            self._webhooks_changed(webhook.channel)

    def _webhooks_changed(self, channel: Channel) -> None:
        self.dispatch("WEBHOOKS_UPDATE", self._place(channel), channel.guild, seen_in=channel)
        self.happen(WebhooksChanged(channel))

    def _forget(self, channel: Channel) -> None:
        super()._forget(channel)
        for webhook in self.webhooks_of(channel):
            del self.webhooks[webhook.id]


def _refuse_webhook(channel: Channel) -> None:
    if channel.guild is None or channel.is_thread or channel.kind == CATEGORY:
        raise Impossible(f"{channel} has no webhooks: channels of a guild that people write in have")
