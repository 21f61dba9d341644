"""How long and how many things can be in a guild, each with the page of Discord's documentation that says so.

Pages are those under https://docs.discord.com/developers; what commands, messages and forms can hold is in
`wisp.limits`, the error for each limit in `wisp.sandbox.rest.errors`.
"""

from __future__ import annotations

from typing import NamedTuple


class Bound(NamedTuple):
    """The least and the most of something, and the page that says so."""

    least: int
    most: int
    page: str

    def holds(self, number: int) -> bool:
        """Whether a number is within."""
        return self.least <= number <= self.most


GUILD_NAME = Bound(2, 100, "resources/guild#guild-object")
GUILD_DESCRIPTION = Bound(0, 300, "resources/guild#modify-guild")
WELCOME_DESCRIPTION = Bound(0, 140, "resources/guild#modify-guild-welcome-screen")
WELCOME_CHANNEL = Bound(1, 50, "resources/guild#modify-guild-welcome-screen")
WELCOME_CHANNELS = Bound(0, 5, "resources/guild#welcome-screen-object")
SYSTEM_CHANNEL_FLAGS = Bound(0, 2**31 - 1, "resources/guild#guild-object-system-channel-flags")
PROMPT_TITLE = Bound(1, 100, "resources/guild#guild-onboarding-object-onboarding-prompt-structure")
OPTION_TITLE = Bound(1, 50, "resources/guild#guild-onboarding-object-prompt-option-structure")
OPTION_DESCRIPTION = Bound(0, 100, "resources/guild#guild-onboarding-object-prompt-option-structure")
INCIDENT = Bound(0, 86_400, "resources/guild#modify-guild-incident-actions")
FEATURE = Bound(0, 152_133, "resources/guild#guild-object-guild-features")
COMMAND_OVERWRITES = Bound(0, 100, "interactions/application-commands#application-command-permissions-object")
CHANNEL_NAME = Bound(1, 100, "resources/channel#modify-channel")
TOPIC = Bound(0, 1024, "resources/channel#modify-channel")
FORUM_TOPIC = Bound(0, 4096, "resources/channel#modify-channel")
SLOWMODE = Bound(0, 21_600, "resources/channel#modify-channel")
BITRATE = Bound(8_000, 96_000, "resources/channel#modify-channel")
USER_LIMIT = Bound(0, 99, "resources/channel#modify-channel")
STAGE_USER_LIMIT = Bound(0, 10_000, "resources/channel#modify-channel")
ROLE_NAME = Bound(0, 100, "resources/guild#create-guild-role")
POSITION = Bound(0, 2**31 - 1, "resources/channel#modify-channel")
COLOR = Bound(0, 0xFFFFFF, "topics/permissions#role-object")
USERNAME = Bound(2, 32, "resources/user#usernames-and-nicknames")
BIO = Bound(0, 190, "resources/guild#modify-current-member")
NICK = Bound(0, 32, "resources/user#usernames-and-nicknames")
REASON = Bound(0, 512, "resources/audit-log#audit-log-entry-object")
TIME_OUT = Bound(0, 28 * 86_400, "resources/guild#modify-guild-member")
BAN_DELETES = Bound(0, 7 * 86_400, "resources/guild#create-guild-ban")
BULK_BAN = Bound(1, 200, "resources/guild#bulk-guild-ban")
BULK_DELETE = Bound(2, 100, "resources/message#bulk-delete-messages")
BULK_DELETE_AGE = Bound(0, 14 * 86_400, "resources/message#bulk-delete-messages")
WEBHOOK_NAME = Bound(1, 80, "resources/webhook#create-webhook")
THREAD_NAME = Bound(0, 100, "resources/webhook#execute-webhook")
AVATAR_URL = Bound(0, 2048, "resources/webhook#execute-webhook")
INVITE_AGE = Bound(0, 604_800, "resources/channel#create-channel-invite")
INVITE_USES = Bound(0, 100, "resources/channel#create-channel-invite")
APPLICATION_DESCRIPTION = Bound(0, 400, "resources/application#edit-current-application")
APPLICATION_URL = Bound(0, 2048, "resources/application#edit-current-application")
APPLICATION_TAG = Bound(1, 20, "resources/application#edit-current-application")
APPLICATION_TAGS = Bound(0, 5, "resources/application#edit-current-application")
APPLICATION_FLAGS = Bound(0, 2**53 - 1, "resources/application#application-object-application-flags")
PRUNE_DAYS = Bound(1, 30, "resources/guild#begin-guild-prune")
ACCESS_TOKEN = Bound(0, 10_240, "resources/guild#add-guild-member")
TAG_NAME = Bound(0, 20, "resources/channel#forum-tag-object")
STICKER_NAME = Bound(2, 30, "resources/sticker#create-guild-sticker")
STICKER_DESCRIPTION = Bound(0, 100, "resources/sticker#create-guild-sticker")
STICKER_TAGS = Bound(1, 200, "resources/sticker#create-guild-sticker")
EVENT_NAME = Bound(1, 100, "resources/guild-scheduled-event#guild-scheduled-event-object")
EVENT_DESCRIPTION = Bound(0, 1000, "resources/guild-scheduled-event#guild-scheduled-event-object")
EVENT_LOCATION = Bound(1, 100, "resources/guild-scheduled-event#guild-scheduled-event-object")
VOICE_STATUS = Bound(0, 500, "resources/channel#set-voice-channel-status")
STAGE_TOPIC = Bound(1, 120, "resources/stage-instance#create-stage-instance")
EMOJI_NAME = Bound(2, 32, "resources/emoji#create-guild-emoji")
POLL_QUESTION = Bound(1, 300, "resources/poll#poll-media-object")
POLL_ANSWER = Bound(1, 55, "resources/poll#poll-media-object")
POLL_ANSWERS = Bound(1, 10, "resources/poll#poll-answer-object")
POLL_HOURS = Bound(1, 768, "resources/poll#poll-create-request-object")
ARCHIVE_AFTER = (60, 1440, 4320, 10080)
"""Minutes after which a thread can be archived (resources/channel#thread-metadata-object)."""
AUTO_MODERATION_NAME = Bound(1, 100, "resources/auto-moderation#create-auto-moderation-rule")
AUTO_MODERATION_WORD = Bound(1, 60, "resources/auto-moderation#auto-moderation-rule-object-trigger-metadata")
AUTO_MODERATION_REGEX = Bound(1, 260, "resources/auto-moderation#auto-moderation-rule-object-trigger-metadata")
AUTO_MODERATION_MENTIONS = Bound(0, 50, "resources/auto-moderation#auto-moderation-rule-object-trigger-metadata")
AUTO_MODERATION_MESSAGE = Bound(0, 300, "resources/auto-moderation#auto-moderation-action-object-action-metadata")
AUTO_MODERATION_RULES = {
    trigger: Bound(0, most, f"resources/auto-moderation#auto-moderation-rule-object-trigger-types: {trigger}")
    for trigger, most in {1: 6, 3: 1, 4: 1, 5: 1, 6: 1}.items()
}
"""The rules that a guild can have, by the type of their trigger."""

ROLES = Bound(1, 250, "topics/opcodes-and-status-codes#json: 30005")
CHANNELS = Bound(0, 500, "topics/opcodes-and-status-codes#json: 30013")
IN_CATEGORY = Bound(0, 50, "resources/channel#channel-object-channel-types")
REACTIONS = Bound(0, 20, "topics/opcodes-and-status-codes#json: 30010")
PINS = Bound(0, 250, "resources/message#pin-message")
INVITES = Bound(0, 1000, "topics/opcodes-and-status-codes#json: 30016")
WEBHOOKS = Bound(0, 15, "topics/opcodes-and-status-codes#json: 30007")
APPLICATION_EMOJIS = Bound(0, 2000, "resources/emoji#emoji-object-applicationowned-emoji")
EMOJI_SIZE = Bound(1, 256 * 1024, "resources/emoji#create-guild-emoji")
EMOJIS = Bound(0, 50, "topics/opcodes-and-status-codes#json: 30008")
ANIMATED_EMOJIS = Bound(0, 50, "topics/opcodes-and-status-codes#json: 30018")
STICKER_SIZE = Bound(1, 512 * 1024, "resources/sticker#create-guild-sticker")
MESSAGE_STICKERS = Bound(0, 3, "resources/message#create-message")
STICKERS = Bound(0, 5, "topics/opcodes-and-status-codes#json: 30039")
RENAMINGS = Bound(0, 2, "resources/user#modify-current-user")
"""In an hour; the documentation has no number."""
STAGE_INSTANCES = Bound(0, 1, "topics/opcodes-and-status-codes#json: 150006")
"""In a stage channel."""
SCHEDULED_EVENTS = Bound(0, 100, "topics/opcodes-and-status-codes#json: 30038")
ACTIVE_THREADS = Bound(0, 1000, "topics/opcodes-and-status-codes#json: 160006")
"""The documentation has no number: it was counted (thomasloupe/Slackord, issue 101)."""
THREAD_MEMBERS = Bound(0, 1000, "topics/threads#thread-members")
