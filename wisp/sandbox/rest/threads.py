"""Threads over REST: starting them, who is in them, which there are."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route, before_moment, limit, page, reason, wanted
from wisp.sandbox.rest.errors import (
    ARCHIVED_THREAD,
    EMPTY_MESSAGE,
    HAS_A_THREAD,
    MISSING_PERMISSIONS,
    NOT_IN_DMS,
    TOO_MANY_IN_THREAD,
    UNKNOWN_MEMBER,
    WRONG_CHANNEL_TYPE,
    Refusal,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.forms import Form, read_draft, read_form
from wisp.sandbox.world.audit_log import THREAD, Deed, changes_of, shown_thread
from wisp.sandbox.world.bounds import ARCHIVE_AFTER, CHANNEL_NAME, SLOWMODE, THREAD_MEMBERS
from wisp.sandbox.world.objects import (
    ANNOUNCEMENT,
    ANNOUNCEMENT_THREAD,
    FORUM,
    JSON,
    MEDIA,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    THREADS,
    Channel,
    Thread,
    User,
)
from wisp.sandbox.world.permissions import Permission


class Threads(Lookups):
    """The routes of threads; what changes one is that of channels."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        threads, members = "/channels/{channel}/threads", "/channels/{channel}/thread-members"
        return [
            Route("POST", "/channels/{channel}/messages/{message}/threads", self.start_from_message),
            Route("POST", threads, self.start),
            Route("GET", threads + "/archived/public", self.list_archived_public),
            Route("GET", threads + "/archived/private", self.list_archived_private),
            Route("GET", "/channels/{channel}/users/@me/threads/archived/private", self.list_archived_joined),
            Route("GET", "/guilds/{guild}/threads/active", self.list_active),
            Route("GET", members, self.list_members),
            Route("PUT", members + "/@me", self.join),
            Route("DELETE", members + "/@me", self.leave),
            Route("GET", members + "/{user}", self.get_member),
            Route("PUT", members + "/{user}", self.add_member),
            Route("DELETE", members + "/{user}", self.remove_member),
        ]

    async def start_from_message(self, request: web.Request) -> Answer:
        """Start a thread that begins with a message, and has its id."""
        message = self.message(request)
        channel = message.channel
        fields = Fields(await read_form(request))
        name, after, slowmode = self._basics(fields)
        fields.check()
        why = reason(request)
        self._need_for(channel, PUBLIC_THREAD)
        if message.thread is not None:
            raise Refusal(HAS_A_THREAD)
        self.need_room(channel)
        kind = ANNOUNCEMENT_THREAD if channel.kind == ANNOUNCEMENT else PUBLIC_THREAD
        thread = self.world.start_thread(
            channel, name, self.world.bot, message=message, kind=kind, archive_after=after, slowmode=slowmode
        )
        return 201, self._begun(thread, why)

    async def start(self, request: web.Request) -> Answer:
        """Start a thread by itself; in a forum, with its first message."""
        channel = self.channel(request)
        form = await read_form(request)
        fields = Fields(form)
        name, after, slowmode = self._basics(fields)
        why = reason(request)
        if channel.kind in (FORUM, MEDIA):
            return self._start_post(channel, form, fields, (name, after, slowmode), why)
        kind, invitable = fields.choice("type", THREADS), fields.boolean("invitable")
        fields.check()
        default = ANNOUNCEMENT_THREAD if channel.kind == ANNOUNCEMENT else PRIVATE_THREAD
        kind = default if kind is None else kind
        self._need_for(channel, kind)
        self.need_room(channel)
        thread = self.world.start_thread(
            channel,
            name,
            self.world.bot,
            kind=kind,
            archive_after=after,
            slowmode=slowmode,
            invitable=invitable is not False,
        )
        return 201, self._begun(thread, why)

    def _start_post(
        self, channel: Channel, form: Form, fields: Fields, basics: tuple[str, int, int], why: str | None
    ) -> Answer:
        tags = fields.snowflakes("applied_tags", 5)
        inner = fields.raw("message")
        if inner is None:
            fields.refuse("message", *REQUIRED)
        fields.check()
        self.need(channel, Permission.SEND_MESSAGES)
        draft = read_draft(self.world, Form(inner, form.files, ("message",)))
        if draft.empty:
            raise Refusal(EMPTY_MESSAGE)
        self.need_room(channel)
        name, after, slowmode = basics
        thread = self.world.start_thread(
            channel, name, self.world.bot, archive_after=after, slowmode=slowmode, tags=tags
        )
        message = self.world.add_message(
            thread,
            self.world.bot,
            content=draft.content or "",
            embeds=draft.embeds or (),
            components=draft.components or (),
            attachments=draft.attachments or (),
            allowed_mentions=draft.allowed_mentions,
            id=thread.id,
        )
        return 201, {**self._begun(thread, why), "message": message.payload()}

    def _begun(self, thread: Channel, why: str | None) -> JSON:
        """A thread that has just begun, of which the audit log tells."""
        if thread.guild is not None:
            told = changes_of(THREAD, {}, shown_thread(thread))
            self.log(thread.guild, Deed.THREAD_CREATE, thread.id, why, changes=told)
        return {**thread.payload(), "member": self._thread(thread).members[self.world.bot.id].payload()}

    def _basics(self, fields: Fields) -> tuple[str, int, int]:
        """A new thread's name, minutes until it is archived, and slowmode."""
        name = fields.text("name", CHANNEL_NAME, required=True)
        after = fields.choice("auto_archive_duration", ARCHIVE_AFTER)
        return name or "", after or 1440, fields.integer("rate_limit_per_user", SLOWMODE) or 0

    def _need_for(self, channel: Channel, kind: int) -> None:
        if channel.guild is None:
            raise Refusal(NOT_IN_DMS)
        if channel.kind not in (TEXT, ANNOUNCEMENT) or (channel.kind == ANNOUNCEMENT and kind == PRIVATE_THREAD):
            raise Refusal(WRONG_CHANNEL_TYPE)
        private = kind == PRIVATE_THREAD
        self.need(channel, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS)

    # Who is in them

    async def join(self, request: web.Request) -> Answer:
        """Let the bot into a thread."""
        return self._let_in(self._open_thread(request), self.world.bot)

    async def add_member(self, request: web.Request) -> Answer:
        """Let somebody into a thread."""
        channel = self._open_thread(request)
        self.need(channel, Permission.SEND_MESSAGES)
        user = self.user(request)
        if channel.guild is None or user.id not in channel.guild.members:
            raise Refusal(UNKNOWN_MEMBER)
        return self._let_in(channel, user)

    def _let_in(self, channel: Channel, user: User) -> Answer:
        members = self._thread(channel).members
        if user.id not in members and len(members) >= THREAD_MEMBERS.most:
            raise Refusal(TOO_MANY_IN_THREAD)
        self.world.join_thread(channel, user)
        return 204, None

    async def leave(self, request: web.Request) -> Answer:
        """Let the bot out of a thread."""
        self.world.leave_thread(self._open_thread(request), self.world.bot)
        return 204, None

    async def remove_member(self, request: web.Request) -> Answer:
        """Let somebody out of a thread: with the permission to manage threads, or from the bot's own private one."""
        channel, user = self._open_thread(request), self.user(request)
        own = channel.kind == PRIVATE_THREAD and self._thread(channel).owner is self.world.bot
        if not own and user is not self.world.bot and not self.may(channel, Permission.MANAGE_THREADS):
            raise Refusal(MISSING_PERMISSIONS)
        self.world.leave_thread(channel, user)
        return 204, None

    async def list_members(self, request: web.Request) -> Answer:
        """Who is in a thread, ordered by id."""
        channel, (most, _, after) = self.channel(request), page(request, most=100, default=100)
        users = sorted(number for number in self._thread(channel).members if number > after)
        with_member = wanted(request, "with_member")
        return 200, [self._member(channel, number, with_member=with_member) for number in users[:most]]

    async def get_member(self, request: web.Request) -> Answer:
        """One member of a thread."""
        channel, user = self.channel(request), self.user(request)
        if user.id not in self._thread(channel).members:
            raise Refusal(UNKNOWN_MEMBER)
        return 200, self._member(channel, user.id, with_member=wanted(request, "with_member"))

    def _member(self, channel: Channel, number: int, *, with_member: bool) -> JSON:
        payload = self._thread(channel).members[number].payload()
        if with_member and channel.guild is not None:
            payload["member"] = channel.guild.members[number].payload()
        return payload

    def _open_thread(self, request: web.Request) -> Channel:
        channel = self.channel(request)
        if self._thread(channel).archived:
            raise Refusal(ARCHIVED_THREAD)
        return channel

    def _thread(self, channel: Channel) -> Thread:
        if channel.thread is None:
            raise Refusal(WRONG_CHANNEL_TYPE)
        return channel.thread

    # Which there are

    async def list_active(self, request: web.Request) -> Answer:
        """A guild's threads that are not archived and that the bot sees, newest first."""
        threads = self._seen(self.guild(request).threads.values(), archived=False)
        return 200, self._list(sorted(threads, key=lambda thread: -thread.id))

    async def list_archived_public(self, request: web.Request) -> Answer:
        """A channel's archived threads that everybody sees."""
        return 200, self._archived(request, (PUBLIC_THREAD, ANNOUNCEMENT_THREAD), joined=False)

    async def list_archived_private(self, request: web.Request) -> Answer:
        """A channel's archived private threads."""
        self.need(self.channel(request), Permission.MANAGE_THREADS)
        return 200, self._archived(request, (PRIVATE_THREAD,), joined=False)

    async def list_archived_joined(self, request: web.Request) -> Answer:
        """A channel's archived private threads that the bot is in."""
        return 200, self._archived(request, (PRIVATE_THREAD,), joined=True)

    def _archived(self, request: web.Request, kinds: Iterable[int], *, joined: bool) -> JSON:
        channel = self.channel(request)
        # Those that the bot joined are paged by their id, the others by when they were archived.
        most = limit(request, most=100, default=50, least=2)
        before = page(request, most=100, default=50)[1] if joined else before_moment(request)
        if channel.guild is None:
            raise Refusal(NOT_IN_DMS)
        self.need(channel, Permission.READ_MESSAGE_HISTORY)
        found = [
            (thread.id if joined else about.archive_moment, thread)
            for thread in self._seen(channel.guild.threads.values(), archived=True)
            if thread.parent is channel
            and thread.kind in kinds
            and (about := self._thread(thread))
            and (not joined or self.world.bot.id in about.members)
        ]
        threads = [
            thread for moment, thread in sorted(found, key=lambda pair: pair[0], reverse=True) if moment < before
        ]
        return self._list(threads[:most]) | {"has_more": len(threads) > most}

    def _seen(self, threads: Iterable[Channel], *, archived: bool) -> list[Channel]:
        return [
            thread
            for thread in threads
            if self._thread(thread).archived is archived and self.world.sees(self.world.bot, thread)
        ]

    def _list(self, threads: list[Channel]) -> JSON:
        mine = [self._thread(thread).members.get(self.world.bot.id) for thread in threads]
        members = [member.payload() for member in mine if member]
        return {"threads": [thread.payload() for thread in threads], "members": members, "has_more": False}
