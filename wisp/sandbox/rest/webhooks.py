"""Webhooks of channels over REST: making and changing them, and posting with their token under another name."""

from __future__ import annotations

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Handler, Lookups, Route, reason, wanted
from wisp.sandbox.rest.errors import (
    EMPTY_MESSAGE,
    INVALID_WEBHOOK_TOKEN,
    MISSING_PERMISSIONS,
    NO_FORUM,
    NO_POST_SAID,
    TOO_MANY_WEBHOOKS,
    TWO_POSTS_SAID,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    Refusal,
    snowflake,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.forms import Form, apply_draft, path_id, read_draft, read_form
from wisp.sandbox.rest.images import image_hash, read_image
from wisp.sandbox.rest.interactions import Answers
from wisp.sandbox.rest.messages import BOT_FLAGS
from wisp.sandbox.world.audit_log import WEBHOOK, Deed, changes_of
from wisp.sandbox.world.belongings import WebhookChanges
from wisp.sandbox.world.bounds import AVATAR_URL, THREAD_NAME, WEBHOOK_NAME, WEBHOOKS
from wisp.sandbox.world.objects import FORUM, JSON, MEDIA, Channel, Message, User, Webhook
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World

_NAMES_OF_DISCORD = ("clyde", "discord")
_NAMES_OF_ALL = ("everyone", "here")


class Webhooks(Lookups):
    """The routes of webhooks; those with a token answer interactions, too, where the id is the application's."""

    def __init__(self, world: World, answers: Answers) -> None:
        super().__init__(world)
        self._answers = answers

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        of_channel, webhook, with_token = (
            "/channels/{channel}/webhooks",
            "/webhooks/{webhook}",
            "/webhooks/{webhook}/{token}",
        )
        message, answers = with_token + "/messages/{message}", self._answers
        return [
            Route("GET", of_channel, self.list_of_channel),
            Route("POST", of_channel, self.create),
            Route("GET", "/guilds/{guild}/webhooks", self.list_of_guild),
            Route("GET", webhook, self.get),
            Route("PATCH", webhook, self.edit),
            Route("DELETE", webhook, self.delete),
            Route("GET", with_token, self.get_with_token, bot=False),
            Route("PATCH", with_token, self.edit_with_token, bot=False),
            Route("DELETE", with_token, self.delete_with_token, bot=False),
            Route("POST", with_token, self._either(self.execute, answers.follow_up), bot=False),
            Route("GET", message, self._either(self.get_message, answers.get_message), bot=False),
            Route("PATCH", message, self._either(self.edit_message, answers.edit_message), bot=False),
            Route("DELETE", message, self._either(self.delete_message, answers.delete_message), bot=False),
        ]

    def _either(self, of_channel: Handler, of_interaction: Handler) -> Handler:
        """What serves a route that webhooks of channels share with those that answer interactions."""

        async def serve(request: web.Request) -> Answer:
            known = path_id(request, "webhook") in self.world.webhooks
            return await (of_channel if known else of_interaction)(request)

        return serve

    # Webhooks themselves

    async def list_of_channel(self, request: web.Request) -> Answer:
        """The webhooks of a channel."""
        channel = self.channel(request)
        self.guild_of(channel)
        self.need(channel, Permission.MANAGE_WEBHOOKS)
        return 200, [webhook.payload() for webhook in self.world.webhooks_of(channel)]

    async def list_of_guild(self, request: web.Request) -> Answer:
        """The webhooks of all channels of a guild."""
        guild = self.guild(request)
        self.need(guild, Permission.MANAGE_WEBHOOKS)
        return 200, [webhook.payload() for webhook in self.world.webhooks.values() if webhook.channel.guild is guild]

    async def create(self, request: web.Request) -> Answer:
        """Make a webhook of a channel."""
        channel = self.channel(request)
        self.guild_of(channel)
        fields = Fields(await read_form(request))
        name, avatar = _name(fields, "name", required=True), read_image(fields, "avatar")
        fields.check()
        why = reason(request)
        self.need(channel, Permission.MANAGE_WEBHOOKS)
        if len(self.world.webhooks_of(channel)) >= WEBHOOKS.most:
            raise Refusal(TOO_MANY_WEBHOOKS)
        webhook = self.world.add_webhook(
            channel, name or "", creator=self.world.bot, avatar=avatar.hash if avatar else None
        )
        self._log(Deed.WEBHOOK_CREATE, webhook, why, {}, _told(webhook))
        return 200, webhook.payload()

    async def get(self, request: web.Request) -> Answer:
        """One webhook: the bot's own, or one where it manages them."""
        webhook = self._webhook(request)
        if webhook.application_id != self.world.application:
            self.need(webhook.channel, Permission.MANAGE_WEBHOOKS)
        return 200, webhook.payload()

    async def get_with_token(self, request: web.Request) -> Answer:
        """One webhook, for who has its token: without who made it."""
        return 200, self._with_token(request).payload(with_creator=False)

    async def edit(self, request: web.Request) -> Answer:
        """Change a webhook's name and picture, or move it to another channel."""
        webhook = self._webhook(request)
        fields = Fields(await read_form(request))
        changes, number = self._changes(fields), fields.snowflake("channel_id")
        fields.check()
        why, before = reason(request), _told(webhook)
        self.need(webhook.channel, Permission.MANAGE_WEBHOOKS)
        if number is not None:
            changes["channel"] = self._new_place(webhook, number)
        self.world.edit_webhook(webhook, **changes)
        self._log(Deed.WEBHOOK_UPDATE, webhook, why, before, _told(webhook))
        return 200, webhook.payload()

    async def edit_with_token(self, request: web.Request) -> Answer:
        """Change a webhook's name and picture."""
        webhook = self._with_token(request)
        fields = Fields(await read_form(request))
        changes = self._changes(fields)
        fields.check()
        reason(request)
        self.world.edit_webhook(webhook, **changes)
        return 200, webhook.payload(with_creator=False)

    async def delete(self, request: web.Request) -> Answer:
        """Take a webhook away."""
        webhook = self._webhook(request)
        why = reason(request)
        self.need(webhook.channel, Permission.MANAGE_WEBHOOKS)
        self.world.delete_webhook(webhook)
        self._log(Deed.WEBHOOK_DELETE, webhook, why, _told(webhook), {})
        return 204, None

    async def delete_with_token(self, request: web.Request) -> Answer:
        """Take a webhook away that one has the token of."""
        webhook = self._with_token(request)
        reason(request)
        self.world.delete_webhook(webhook)
        return 204, None

    def _log(self, deed: Deed, webhook: Webhook, why: str | None, before: JSON, after: JSON) -> None:
        """Note what the bot did; what is done with a token alone is done by nobody that the audit log could name."""
        assert webhook.channel.guild is not None
        self.log(webhook.channel.guild, deed, webhook.id, why, changes=changes_of(WEBHOOK, before, after))

    def _changes(self, fields: Fields) -> WebhookChanges:
        changes: WebhookChanges = {}
        name, avatar = _name(fields, "name"), read_image(fields, "avatar")
        if name is not None:
            changes["name"] = name
        if "avatar" in fields:
            changes["avatar"] = avatar.hash if avatar else None
        return changes

    def _new_place(self, webhook: Webhook, number: int) -> Channel:
        """The channel that a webhook is moved to."""
        channel, old = self.world.channels.get(number), webhook.channel
        if channel is None or self.guild_of(channel) is not old.guild:
            raise Refusal(UNKNOWN_CHANNEL)
        self.need(channel, Permission.MANAGE_WEBHOOKS)
        if channel is not old and len(self.world.webhooks_of(channel)) >= WEBHOOKS.most:
            raise Refusal(TOO_MANY_WEBHOOKS)
        return channel

    def _known(self, request: web.Request) -> Webhook:
        webhook = self.world.webhooks.get(path_id(request, "webhook"))
        if webhook is None:
            raise Refusal(UNKNOWN_WEBHOOK)
        return webhook

    def _webhook(self, request: web.Request) -> Webhook:
        """The webhook in the path, for the bot, which must be in its guild."""
        webhook = self._known(request)
        if webhook.channel.guild is None or self.world.bot.id not in webhook.channel.guild.members:
            raise Refusal(MISSING_PERMISSIONS)
        return webhook

    def _with_token(self, request: web.Request) -> Webhook:
        """The webhook in the path, for whoever has its token."""
        webhook = self._known(request)
        if webhook.token != request.match_info["token"]:
            raise Refusal(INVALID_WEBHOOK_TOKEN)
        return webhook

    # What they post

    async def execute(self, request: web.Request) -> Answer:
        """Post with a webhook: in its channel, in one of its threads, or as a new post of a forum."""
        webhook = self._with_token(request)
        form = self._allowed(request, webhook, await read_form(request))
        fields = Fields(form)
        name, picture = _name(fields, "username"), fields.url("avatar_url", AVATAR_URL)
        post, tags = fields.text("thread_name", THREAD_NAME), fields.snowflakes("applied_tags", 5)
        fields.check()
        draft = read_draft(self.world, form)
        if draft.empty:
            raise Refusal(EMPTY_MESSAGE)
        author = webhook.author(name, image_hash(picture.encode()) if picture else None)
        place = self._place(request, webhook, post, author, tags)
        message = self.world.add_message(
            place,
            author,
            content=draft.content or "",
            embeds=draft.embeds or (),
            components=draft.components or (),
            attachments=draft.attachments or (),
            flags=(draft.flags or 0) & BOT_FLAGS,
            allowed_mentions=draft.allowed_mentions,
            tts=bool(fields.raw("tts")),
            webhook=webhook,
            # A post bears the id of its first message.
            id=place.id if post else None,
        )
        return (200, message.payload()) if wanted(request, "wait") else (204, None)

    async def get_message(self, request: web.Request) -> Answer:
        """A message that a webhook posted."""
        return 200, self._message(request).payload()

    async def edit_message(self, request: web.Request) -> Answer:
        """Change a message that a webhook posted."""
        message = self._message(request)
        form = self._allowed(request, self._with_token(request), await read_form(request))
        apply_draft(self.world, message, read_draft(self.world, form, old=message))
        return 200, message.payload()

    async def delete_message(self, request: web.Request) -> Answer:
        """Delete a message that a webhook posted."""
        self.world.delete_message(self._message(request))
        return 204, None

    def _allowed(self, request: web.Request, webhook: Webhook, form: Form) -> Form:
        """A form as far as it counts: a webhook of no application has components only where they are asked for."""
        if webhook.application_id is not None or wanted(request, "with_components"):
            return form
        return Form({name: value for name, value in form.object().items() if name != "components"}, form.files)

    def _place(
        self, request: web.Request, webhook: Webhook, post: str | None, author: User, tags: list[int]
    ) -> Channel:
        """Where a message goes, the new post that it begins included."""
        channel, thread = webhook.channel, self._thread(request, webhook)
        if thread is not None:
            if post:
                raise Refusal(TWO_POSTS_SAID)
            return thread
        if channel.kind not in (FORUM, MEDIA):
            if post:
                raise Refusal(NO_FORUM)
            return channel
        if not post:
            raise Refusal(NO_POST_SAID)
        self.need_room(channel)
        return self.world.start_thread(channel, post, author, tags=tags)

    def _thread(self, request: web.Request, webhook: Webhook) -> Channel | None:
        """The thread that is asked for, which must be one of the webhook's channel."""
        if "thread_id" not in request.query:
            return None
        thread = self.world.channels.get(snowflake(request.query["thread_id"], ("thread_id",)))
        if thread is None or thread.parent is not webhook.channel or not thread.is_thread:
            raise Refusal(UNKNOWN_CHANNEL)
        return thread

    def _message(self, request: web.Request) -> Message:
        webhook = self._with_token(request)
        place = self._thread(request, webhook) or webhook.channel
        message = place.messages.get(path_id(request, "message"))
        if message is None or message.webhook is not webhook:
            raise Refusal(UNKNOWN_MESSAGE)
        return message


def _told(webhook: Webhook) -> JSON:
    """A webhook's fields as the audit log names them."""
    return {**webhook.payload(), "avatar_hash": webhook.avatar}


def _name(fields: Fields, key: str, *, required: bool = False) -> str | None:
    """A webhook's name, without space around it; what Discord lets nobody be called is noted."""
    if fields.raw(key) is None and not required:
        return None
    name = fields.text(key, WEBHOOK_NAME, required=True)
    if name is None:
        return None
    name = name.strip()
    if not name:
        fields.refuse(key, *REQUIRED)
    for part in _NAMES_OF_DISCORD:
        if part in name.lower():
            fields.refuse(key, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{part}"')
    if name.lower() in _NAMES_OF_ALL:
        fields.refuse(key, "USERNAME_INVALID", f'Username cannot be "{name.lower()}"')
    return name
