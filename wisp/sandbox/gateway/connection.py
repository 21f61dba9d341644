"""One websocket of a shard: frames come in, and what is queued goes out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from wisp.sandbox.gateway.frames import (
    ALREADY_AUTHENTICATED,
    AUTHENTICATION_FAILED,
    DECODE_ERROR,
    DISALLOWED_INTENTS,
    HEARTBEAT,
    HEARTBEAT_ACK,
    HELLO,
    IDENTIFY,
    INVALID_SEQUENCE,
    INVALID_SESSION,
    LARGEST_FRAME,
    NOT_AUTHENTICATED,
    PRESENCE,
    RATE_LIMITED,
    REQUEST_CHANNEL_INFO,
    REQUEST_MEMBERS,
    REQUEST_SOUNDS,
    RESUME,
    STATUSES,
    TIMED_OUT,
    UNKNOWN_OPCODE,
    VOICE_STATE,
    Closed,
    Encoder,
    Frame,
    Identify,
    PlainText,
    PresenceUpdate,
    RequestMembers,
    Resume,
    UpdateVoiceState,
    ZlibPayloads,
    decode,
    encoder,
)
from wisp.sandbox.gateway.intents import Intent
from wisp.sandbox.gateway.sessions import Session, Sessions
from wisp.sandbox.world.changes import BotConnected, BotDisconnected
from wisp.sandbox.world.objects import JSON, Guild, Impossible, dumps

_LOG = logging.getLogger(__name__)

FRAMES, FRAMES_WINDOW = 120, 60.0
"""Frames that a bot may send over one connection in this many seconds (events/gateway, "Rate Limiting")."""

TOLERANCE = 1.5
"""How many heartbeat intervals may pass without a heartbeat."""

MEMBERS_PER_CHUNK = 1000
LISTED_MEMBERS = 100
"""Members that a response to a request by name or by ids has at most."""


class Connection:
    """One websocket of a shard: it reads frames, and writes what is queued. Its time is the event loop's.

    `heartbeat_interval` is in seconds. `session` is None until the shard identifies or resumes.
    """

    def __init__(
        self, sessions: Sessions, request: web.Request, socket: web.WebSocketResponse, *, heartbeat_interval: float
    ) -> None:
        self._sessions = sessions
        self._world = sessions.world
        self._query = request.query
        self._transport = request.transport
        self._socket = socket
        self._heartbeat_interval = heartbeat_interval
        self._encoder: Encoder = PlainText()
        self._queue: asyncio.Queue[bytes | Closed] = asyncio.Queue()
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._received: deque[float] = deque(maxlen=FRAMES)
        self._deadline: asyncio.TimerHandle | None = None
        self.ignores_heartbeats = False
        self.session: Session | None = None
        self._handlers: dict[int, Callable[[msgspec.Raw], None]] = {
            HEARTBEAT: self._heartbeat,
            IDENTIFY: self._identify,
            PRESENCE: self._update_presence,
            VOICE_STATE: self._update_voice_state,
            RESUME: self._resume,
            REQUEST_MEMBERS: self._request_members,
            REQUEST_SOUNDS: self._request_sounds,
            REQUEST_CHANNEL_INFO: self._request_channel_info,
        }

    def send(self, op: int, data: Any = None) -> None:
        """Queue a payload that is not an event."""
        self.send_payload(dumps({"op": op, "d": data, "s": None, "t": None}))

    def send_payload(self, payload: bytes) -> None:
        """Queue a payload."""
        self._queue.put_nowait(payload)

    def close(self, code: int, reason: str) -> None:
        """Close the websocket after what is queued. The session stays, for a resume."""
        self._closing = True
        self._queue.put_nowait(Closed(code, reason))
        self._leave(code)

    def refuse(self, closed: Closed) -> None:
        """Close the websocket because of a problem of the bot, and log it: not every library shows close reasons."""
        _LOG.warning("the sandbox's gateway closed the bot's connection with %d: %s", closed.code, closed.reason)
        self.close(closed.code, closed.reason)

    def invalidate(self, *, resumable: bool) -> None:
        """Detach the session. The connection then waits for an identify, or for a resume if that is possible."""
        session = self.session
        assert session is not None
        self.send(INVALID_SESSION, resumable)
        self._leave(None)
        self.session = None
        if not resumable:
            self._sessions.end(session)

    def cut(self) -> None:
        """Break off without a close frame. The session stays, for a resume."""
        self._leave(None)
        if self._transport is not None:
            self._transport.abort()

    async def go_away(self) -> None:
        """Close the websocket at once, without waiting for the bot to agree."""
        frame = struct.pack("!H", WSCloseCode.GOING_AWAY) + b"the sandbox is closed"
        with contextlib.suppress(ConnectionError):
            await self._socket.send_frame(frame, WSMsgType.CLOSE)
        if self._transport is not None:
            self._transport.close()

    async def run(self) -> None:
        """Serve the shard until it leaves, breaks the protocol or is closed."""
        writer = asyncio.create_task(self._write())
        try:
            self._encoder = encoder(self._query)
            self.send(HELLO, {"heartbeat_interval": round(self._heartbeat_interval * 1000), "_trace": []})
            self._wait_for_heartbeat()
            await self._read()
        except Closed as closed:
            self.refuse(closed)
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            if self._closing:
                await writer
            writer.cancel()
            self._leave(self._socket.close_code)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self._receive(message.data)
            elif message.type is WSMsgType.ERROR:  # aiohttp has closed the connection already
                _LOG.warning("the sandbox's gateway could not read what the bot sent: %s", message.data)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                item = await self._queue.get()
                if isinstance(item, Closed):
                    await self._socket.close(code=item.code, message=item.reason.encode())
                    return
                await self._socket.send_frame(self._encoder.encode(item), self._encoder.kind)

    def _leave(self, code: int | None) -> None:
        session = self.session
        if session is None or session.connection is not self:
            return
        session.connection = None
        session.left = self._loop.time()
        # a close with one of these codes ends the session (events/gateway, "Initiating a Disconnect")
        if code in {WSCloseCode.OK, WSCloseCode.GOING_AWAY}:
            self._sessions.end(session)
        self._world.changes.send(BotDisconnected(session.shard, code))

    def _receive(self, raw: str | bytes) -> None:
        now = self._loop.time()
        if len(self._received) == FRAMES and now - self._received[0] < FRAMES_WINDOW:
            raise Closed(RATE_LIMITED, f"rate limited: more than {FRAMES} frames in {FRAMES_WINDOW:g} s")
        self._received.append(now)
        if len(raw) > LARGEST_FRAME:
            raise Closed(DECODE_ERROR, f"expected at most {LARGEST_FRAME} bytes, got {len(raw)}")
        frame = decode(raw, Frame)
        handler = self._handlers.get(frame.op)
        if handler is None:
            raise Closed(UNKNOWN_OPCODE, f"unknown opcode {frame.op}")
        if self.session is None and frame.op not in {HEARTBEAT, IDENTIFY, RESUME}:
            raise Closed(NOT_AUTHENTICATED, "not authenticated: identify first")
        handler(frame.d)

    def _wait_for_heartbeat(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        timeout = self._heartbeat_interval * TOLERANCE
        closed = Closed(TIMED_OUT, f"no heartbeat within {timeout:g} s")
        self._deadline = self._loop.call_later(timeout, self.refuse, closed)

    def _heartbeat(self, raw: msgspec.Raw) -> None:
        sequence = decode(raw, int | None)
        self._wait_for_heartbeat()
        if self.session is not None:
            self.session.confirm(sequence)
        if not self.ignores_heartbeats:
            self.send(HEARTBEAT_ACK)

    def _identify(self, raw: msgspec.Raw) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED, "already authenticated")
        identify = decode(raw, Identify)
        self._check_token(identify.token)
        self._sessions.check_shard(identify.shard)
        intents = self._sessions.check_intents(identify.intents)
        if identify.presence is not None:
            self._check_presence(identify.presence)
        if not self._sessions.may_identify(identify.shard[0]):
            shard, window = identify.shard[0], self._sessions.identify_window
            self._refuse_session(f"shard {shard} identified within {window:g} s of the last of its rate limit key")
            return
        if identify.compress and isinstance(self._encoder, PlainText):
            self._encoder = ZlibPayloads()
        if identify.presence is not None:
            self._show_presence(identify.presence)
        session = self.session = self._sessions.start(identify.shard, intents, identify.large_threshold)
        session.attach(self)
        guilds = self._sessions.guilds_of(session)
        session.send_ready(self._sessions.resume_url, guilds)
        for guild in guilds:
            if guild.id not in self._sessions.unavailable:
                session.send_guild(guild)
        self._world.changes.send(BotConnected(session.shard, resumed=False))

    def _resume(self, raw: msgspec.Raw) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED, "already authenticated")
        resume = decode(raw, Resume)
        self._check_token(resume.token)
        session = self._sessions.get(resume.session_id)
        if session is None:
            self._refuse_session("there is no session of the id that it resumes")
            return
        if not 0 <= resume.seq <= session.sequence:
            raise Closed(INVALID_SEQUENCE, f"expected a seq of 0 to {session.sequence}, got {resume.seq}")
        missed = self._sessions.resume(session, resume.seq)
        if missed is None:
            self._refuse_session("the session that it resumes is over")
            return
        session.attach(self)
        self.session = session
        for payload in missed:
            self.send_payload(payload)
        session.send("RESUMED", {"_trace": []})
        self._world.changes.send(BotConnected(session.shard, resumed=True))

    def _refuse_session(self, reason: str) -> None:
        """Ask for a new identify, and log the reason, for which the frame has no room."""
        _LOG.warning("the sandbox's gateway sent the bot opcode 9, Invalid Session: %s", reason)
        self.send(INVALID_SESSION, data=False)

    def _check_token(self, token: str) -> None:
        if token != self._world.token:
            raise Closed(AUTHENTICATION_FAILED, "authentication failed: this is not the sandbox's token")

    def _check_presence(self, presence: PresenceUpdate) -> None:
        if presence.status is not None and presence.status not in STATUSES:
            raise Closed(DECODE_ERROR, f"expected a status of {', '.join(sorted(STATUSES))}")

    def _update_presence(self, raw: msgspec.Raw) -> None:
        presence = decode(raw, PresenceUpdate)
        self._check_presence(presence)
        self._show_presence(presence)

    def _show_presence(self, presence: PresenceUpdate) -> None:
        game = [presence.game] if presence.game else []
        self._world.presences.set(self._world.bot, presence.status or "online", presence.activities or game)

    def _update_voice_state(self, raw: msgspec.Raw) -> None:
        """Connect the bot to a voice channel, or disconnect it. A refusal is logged: Discord does not send one."""
        update, session, voice = decode(raw, UpdateVoiceState), self.session, self._world.voice
        assert session is not None
        guild = self._world.guilds.get(_id(update.guild_id))
        if guild is None or guild not in self._sessions.guilds_of(session):
            return
        me = guild.members[self._world.bot.id]
        if update.channel_id is None:
            voice.leave(me)
            return
        channel = guild.channels.get(_id(update.channel_id))
        try:
            if channel is None:
                raise Impossible(f"{guild.name} has no channel {update.channel_id}")
            voice.check(me, channel)
            voice.join(me, channel, self_mute=update.self_mute, self_deaf=update.self_deaf)
        except Impossible as impossible:
            _LOG.warning("the sandbox's gateway did not connect the bot to voice: %s", impossible)

    def _request_sounds(self, raw: msgspec.Raw) -> None:
        self._ignore("request soundboard sounds", "the sandbox has no sounds")

    def _request_channel_info(self, raw: msgspec.Raw) -> None:
        self._ignore("request channel info", "the sandbox has no statuses of voice channels")

    def _ignore(self, request: str, reason: str) -> None:
        self._world.unserved[f"gateway: {request}"] += 1
        _LOG.warning("%s: the bot's request goes nowhere (%s)", reason, request)

    def _request_members(self, raw: msgspec.Raw) -> None:
        session = self.session
        assert session is not None
        request = decode(raw, RequestMembers)
        if request.query is None and request.user_ids is None:
            raise Closed(DECODE_ERROR, "expected d.query or d.user_ids")
        all_members = not request.query and not request.limit and request.user_ids is None
        if all_members and not session.intents & Intent.GUILD_MEMBERS:
            raise Closed(DISALLOWED_INTENTS, "all members of a guild need the GUILD_MEMBERS intent")
        guild = self._world.guilds.get(_id(request.guild_id))
        if guild is None or guild not in self._sessions.guilds_of(session):
            return
        if all_members and (wait := self._sessions.members_retry_after(guild)):
            meta = {"guild_id": str(guild.id)} | ({} if request.nonce is None else {"nonce": request.nonce})
            session.send("RATE_LIMITED", {"opcode": REQUEST_MEMBERS, "retry_after": wait, "meta": meta})
            return
        has_presences = request.presences and bool(session.intents & Intent.GUILD_PRESENCES)
        for chunk in _chunks(guild, request):
            if has_presences:
                members = [guild.members[int(member["user"]["id"])] for member in chunk["members"]]
                chunk["presences"] = self._world.presences.of(members)
            session.send("GUILD_MEMBERS_CHUNK", chunk)


def _id(snowflake: str | int) -> int:
    return int(snowflake) if str(snowflake).isdecimal() else 0


def _chunks(guild: Guild, request: RequestMembers) -> list[JSON]:
    """Return the data of each GUILD_MEMBERS_CHUNK that answers a request."""
    found, missing = _find_members(guild, request)
    pages = [found[at : at + MEMBERS_PER_CHUNK] for at in range(0, len(found), MEMBERS_PER_CHUNK)] or [[]]
    common: JSON = {"guild_id": str(guild.id), "not_found": missing}
    if request.nonce is not None and len(request.nonce.encode()) <= 32:
        common["nonce"] = request.nonce
    return [
        {**common, "members": page, "chunk_index": index, "chunk_count": len(pages)} for index, page in enumerate(pages)
    ]


def _find_members(guild: Guild, request: RequestMembers) -> tuple[list[JSON], list[str]]:
    if request.user_ids is not None:
        wanted = request.user_ids if isinstance(request.user_ids, list) else [request.user_ids]
        members = {id: guild.members.get(_id(id)) for id in wanted[:LISTED_MEMBERS]}
        missing = [str(id) for id, member in members.items() if member is None]
        return [member.payload() for member in members.values() if member], missing
    query = (request.query or "").lower()
    found = [
        member.payload()
        for member in guild.members.values()
        if member.user.name.lower().startswith(query) or (member.nick or "").lower().startswith(query)
    ]
    most = request.limit or None if not query else min(request.limit or LISTED_MEMBERS, LISTED_MEMBERS)
    return found[:most], []
