"""Webhooks of channels over REST: creating and changing them, and posting with their token."""

from __future__ import annotations

from wisp.sandbox.rest import interactions
from wisp.sandbox.rest.call import Answer, Call, Handler, Route
from wisp.sandbox.rest.drafts import apply_draft, read_draft, stored
from wisp.sandbox.rest.errors import (
    INVALID_WEBHOOK_TOKEN,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NO_FORUM,
    NO_POST_SAID,
    TWO_POSTS_SAID,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    WRONG_CHANNEL_TYPE,
    DiscordError,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.images import image_hash, keep_image, read_image
from wisp.sandbox.rest.messages import BOT_FLAGS
from wisp.sandbox.world.audit_log import WEBHOOK, AuditLogEvent, changes_of
from wisp.sandbox.world.bounds import AVATAR_URL, THREAD_NAME, WEBHOOK_NAME
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    CATEGORY,
    FORUM,
    JSON,
    MEDIA,
    TEXT,
    Channel,
    Guild,
    Message,
    Webhook,
)
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.webhooks import WebhookChanges

_NAMES_OF_DISCORD = ("clyde", "discord")
_NAMES_OF_ALL = ("everyone", "here")


def list_of_channel(call: Call) -> Answer:
    """List the webhooks of a channel."""
    return 200, [webhook.payload() for webhook in call.world.webhooks.of(call.landing_channel)]


def list_of_guild(call: Call) -> Answer:
    """List the webhooks of all channels of a guild."""
    found = [webhook for webhook in call.world.webhooks.values() if webhook.channel.guild is call.guild]
    return 200, [webhook.payload() for webhook in found]


def create(call: Call) -> Answer:
    """Create a webhook of a channel."""
    channel, fields = call.landing_channel, call.fields
    name, avatar = _read_name(fields, "name", required=True), read_image(fields, "avatar")
    fields.check()
    webhook = call.world.webhooks.add(
        channel, name or "", creator=call.world.bot, avatar=avatar.hash if avatar else None
    )
    _keep_avatar(call, webhook)
    _log(call, AuditLogEvent.WEBHOOK_CREATE, webhook, {}, _logged(webhook))
    return 200, webhook.payload()


def follow(call: Call) -> Answer:
    """Let a channel in which the bot manages webhooks show what is published in an announcement channel."""
    source = call.channel
    id = call.fields.snowflake("webhook_channel_id", required=True)
    call.fields.check()
    target = call.world.channels.get(id)
    if target is None:
        raise DiscordError(UNKNOWN_CHANNEL)
    if not call.world.sees(call.world.bot, target):
        raise DiscordError(MISSING_ACCESS)
    call.need(Permission.MANAGE_WEBHOOKS, target)
    if source.kind != ANNOUNCEMENT or target.kind not in (TEXT, ANNOUNCEMENT):
        raise DiscordError(WRONG_CHANNEL_TYPE)
    webhook = call.world.announcements.follow(source, target, call.world.bot)
    _log(call, AuditLogEvent.WEBHOOK_CREATE, webhook, {}, _logged(webhook))
    return 200, {"channel_id": str(source.id), "webhook_id": str(webhook.id)}


def get(call: Call) -> Answer:
    """Return a webhook: the bot's own, or one in a channel where the bot manages them."""
    webhook = _webhook(call)
    if webhook.application_id != call.world.application:
        call.need(Permission.MANAGE_WEBHOOKS, webhook.channel)
    return 200, webhook.payload()


def get_with_token(call: Call) -> Answer:
    """Return a webhook to a caller that has its token, without its creator."""
    return 200, _with_token(call).payload(with_creator=False)


def edit(call: Call) -> Answer:
    """Change a webhook's name and picture, or move it to another channel."""
    webhook, fields = _manageable(call), call.fields
    changes, channel_id = _read_changes(fields), fields.snowflake("channel_id")
    fields.check()
    before = _logged(webhook)
    if channel_id is not None:
        changes["channel"] = _new_channel(call, webhook, channel_id)
    call.world.webhooks.edit(webhook, **changes)
    _keep_avatar(call, webhook)
    _log(call, AuditLogEvent.WEBHOOK_UPDATE, webhook, before, _logged(webhook))
    return 200, webhook.payload()


def edit_with_token(call: Call) -> Answer:
    """Change a webhook's name and picture."""
    webhook, changes = _with_token(call), _read_changes(call.fields)
    call.fields.check()
    call.world.webhooks.edit(webhook, **changes)
    _keep_avatar(call, webhook)
    return 200, webhook.payload(with_creator=False)


def delete(call: Call) -> Answer:
    """Delete a webhook."""
    webhook = _manageable(call)
    call.world.webhooks.delete(webhook)
    _log(call, AuditLogEvent.WEBHOOK_DELETE, webhook, _logged(webhook), {})
    return 204, None


def delete_with_token(call: Call) -> Answer:
    """Delete a webhook for a caller that has its token."""
    call.world.webhooks.delete(_with_token(call))
    return 204, None


def _log(call: Call, event: AuditLogEvent, webhook: Webhook, before: JSON, after: JSON) -> None:
    """Note what the bot did. What a caller does with a token alone is not noted: it has no user to name."""
    call.log(event, webhook.id, guild=_guild(webhook), changes=changes_of(WEBHOOK, before, after))


def _keep_avatar(call: Call, webhook: Webhook) -> None:
    keep_image(call.world, call.fields, "avatar", f"avatars/{webhook.id}")


def _read_changes(fields: Fields) -> WebhookChanges:
    changes: WebhookChanges = {}
    name, avatar = _read_name(fields, "name"), read_image(fields, "avatar")
    if name is not None:
        changes["name"] = name
    if "avatar" in fields:
        changes["avatar"] = avatar.hash if avatar else None
    return changes


def _new_channel(call: Call, webhook: Webhook, id: int) -> Channel:
    """Return the channel that a webhook is moved to."""
    channel = call.world.channels.get(id)
    if channel is None or channel.guild is not webhook.channel.guild:
        raise DiscordError(UNKNOWN_CHANNEL)
    if channel.is_thread or channel.kind == CATEGORY:
        raise DiscordError(WRONG_CHANNEL_TYPE)
    call.need(Permission.MANAGE_WEBHOOKS, channel)
    return channel


def _guild(webhook: Webhook) -> Guild:
    assert webhook.channel.guild is not None  # direct messages have no webhooks
    return webhook.channel.guild


def _webhook(call: Call) -> Webhook:
    """Return the webhook in the path; the bot must be in its guild."""
    if call.world.bot.id not in _guild(call.webhook).members:
        raise DiscordError(MISSING_PERMISSIONS)
    return call.webhook


def _manageable(call: Call) -> Webhook:
    """Return the webhook in the path; the bot must manage those of its channel."""
    webhook = _webhook(call)
    call.need(Permission.MANAGE_WEBHOOKS, webhook.channel)
    return webhook


def _with_token(call: Call) -> Webhook:
    """Return the webhook in the path; the caller must have its token."""
    if call.webhook.token != call.path["token"]:
        raise DiscordError(INVALID_WEBHOOK_TOKEN)
    return call.webhook


# What they post


def execute(call: Call) -> Answer:
    """Post with a webhook: in its channel, in one of its threads, or as a new post of a forum."""
    world, webhook, fields = call.world, _with_token(call), _counting(call)
    wait = call.flag("wait")
    name, picture = _read_name(fields, "username"), fields.url("avatar_url", AVATAR_URL)
    post, tags = fields.text("thread_name", THREAD_NAME), fields.snowflakes("applied_tags", 5)
    draft = read_draft(fields, call.body.files)
    author = webhook.author(name, image_hash(picture.encode()) if picture else None)
    channel = _target(call, webhook, post)
    if post:
        channel = world.threads.start(channel, post, author, tags=tags)
    message = world.messages.add(
        channel,
        author,
        **stored(world, draft),
        flags=(draft.flags or 0) & BOT_FLAGS,
        webhook=webhook,
        # A post has the id of its first message.
        id=channel.id if post else None,
    )
    return (200, message.payload()) if wait else (204, None)


def get_message(call: Call) -> Answer:
    """Return a message that a webhook posted."""
    return 200, _message(call).payload()


def edit_message(call: Call) -> Answer:
    """Change a message that a webhook posted."""
    message = _message(call)
    apply_draft(call.world, message, read_draft(_counting(call), call.body.files, old=message))
    return 200, message.payload()


def delete_message(call: Call) -> Answer:
    """Delete a message that a webhook posted."""
    call.world.messages.delete(_message(call))
    return 204, None


def _counting(call: Call) -> Fields:
    """Return the fields that count: a webhook of no application has components only if the query asks for them."""
    if call.webhook.application_id is not None or call.flag("with_components"):
        return call.fields
    return Fields({name: value for name, value in call.fields.values.items() if name != "components"})


def _target(call: Call, webhook: Webhook, post: str | None) -> Channel:
    """Return the channel that a message, or the new `post` that it begins, goes to."""
    channel, thread = webhook.channel, _thread(call, webhook)
    if thread is not None:
        if post:
            raise DiscordError(TWO_POSTS_SAID)
        return thread
    if channel.kind in (FORUM, MEDIA) and not post:
        raise DiscordError(NO_POST_SAID)
    if channel.kind not in (FORUM, MEDIA) and post:
        raise DiscordError(NO_FORUM)
    return channel


def _thread(call: Call, webhook: Webhook) -> Channel | None:
    """Return the thread that the query asks for, which must be one of the webhook's channel."""
    id = call.query.snowflake("thread_id")
    call.query.check()
    if id is None:
        return None
    thread = call.world.channels.get(id)
    if thread is None or thread.parent is not webhook.channel or not thread.is_thread:
        raise DiscordError(UNKNOWN_CHANNEL)
    return thread


def _message(call: Call) -> Message:
    """Return the message in the path, which the webhook must have posted."""
    webhook = _with_token(call)
    message = (_thread(call, webhook) or webhook.channel).messages.get(call.path_id("message"))
    if message is None or message.webhook is not webhook:
        raise DiscordError(UNKNOWN_MESSAGE)
    return message


def _logged(webhook: Webhook) -> JSON:
    """Return a webhook's fields as the audit log names them."""
    return {**webhook.payload(), "avatar_hash": webhook.avatar}


def _read_name(fields: Fields, key: str, *, required: bool = False) -> str | None:
    """Read a webhook's name, without space around it; a name that Discord reserves is noted."""
    if fields.raw(key) is None and not required:
        return None
    found = fields.text(key, WEBHOOK_NAME, required=True)
    name = found.strip()
    if found and not name:
        fields.refuse(key, *REQUIRED)
    for part in _NAMES_OF_DISCORD:
        if part in name.lower():
            fields.refuse(key, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{part}"')
    if name.lower() in _NAMES_OF_ALL:
        fields.refuse(key, "USERNAME_INVALID", f'Username cannot be "{name.lower()}"')
    return name


def _shared(of_channel: Handler, of_interaction: Handler) -> Handler:
    """Return the handler of a route that webhooks of channels share with those that answer interactions."""

    def handle(call: Call) -> Answer:
        return (of_channel if call.path_id("webhook") in call.world.webhooks else of_interaction)(call)

    return handle


OF_CHANNEL, A_WEBHOOK, WITH_TOKEN = "/channels/{channel}/webhooks", "/webhooks/{webhook}", "/webhooks/{webhook}/{token}"
A_MESSAGE, MANAGE = WITH_TOKEN + "/messages/{message}", Permission.MANAGE_WEBHOOKS

ROUTES = [
    Route("GET", OF_CHANNEL, list_of_channel, needs=MANAGE),
    Route("POST", OF_CHANNEL, create, needs=MANAGE),
    Route("POST", "/channels/{channel}/followers", follow),
    Route("GET", "/guilds/{guild}/webhooks", list_of_guild, needs=MANAGE),
    Route("GET", A_WEBHOOK, get),
    Route("PATCH", A_WEBHOOK, edit),
    Route("DELETE", A_WEBHOOK, delete),
    Route("GET", WITH_TOKEN, get_with_token, bot=False),
    Route("PATCH", WITH_TOKEN, edit_with_token, bot=False),
    Route("DELETE", WITH_TOKEN, delete_with_token, bot=False),
    Route("POST", WITH_TOKEN, _shared(execute, interactions.follow_up), bot=False),
    Route("GET", A_MESSAGE, _shared(get_message, interactions.get_message), bot=False),
    Route("PATCH", A_MESSAGE, _shared(edit_message, interactions.edit_message), bot=False),
    Route("DELETE", A_MESSAGE, _shared(delete_message, interactions.delete_message), bot=False),
]
