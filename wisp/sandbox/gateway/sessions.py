"""What a shard is to the gateway: a session that hears events, and the websocket over which it hears them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from wisp.sandbox.gateway.frames import (
    ALREADY_AUTHENTICATED,
    AUTHENTICATION_FAILED,
    DECODE_ERROR,
    DISALLOWED_INTENTS,
    DISPATCH,
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
    UNKNOWN_ERROR,
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
    ZlibPayloads,
    decode,
)
from wisp.sandbox.gateway.intents import Intent, as_seen, guild_as_seen, hears
from wisp.sandbox.world.changes import BotConnected, BotDisconnected
from wisp.sandbox.world.objects import JSON, Guild, dumps
from wisp.sandbox.world.state import Event

if TYPE_CHECKING:
    from wisp.sandbox.gateway.gateway import Gateway

_LOG = logging.getLogger(__name__)

KEPT_EVENTS = 10_000
"""Events that a session holds back for a resume, at most; those that a heartbeat confirmed are let go."""

RESUMABLE = 180.0
"""Seconds after which a session that nobody resumed is over: Discord says "a few minutes"."""

FRAMES, FRAMES_WINDOW = 120, 60.0
"""Frames that a bot may send in how many seconds over one connection (events/gateway, "Rate Limiting")."""

TOLERANCE = 1.5
"""How many heartbeat intervals may pass without a heartbeat."""

MEMBERS_PER_CHUNK = 1000
LISTED_MEMBERS = 100
"""Members that a request by name or by ids gets at most."""


class Session:
    """What a shard hears of, across reconnections. `sent` holds what a resume would repeat."""

    def __init__(self, gateway: Gateway, shard: tuple[int, int], intents: int, large_threshold: int) -> None:
        self.id: str = secrets.token_hex(16)
        self.shard: int = shard[0]
        self.shards: int = shard[1]
        self.intents = intents
        self.large_threshold = large_threshold
        self.sequence: int = 0
        self.sent: deque[tuple[int, bytes]] = deque(maxlen=KEPT_EVENTS)
        self.connection: Connection | None = None
        self.left: float = 0.0
        self._gateway = gateway
        self._world = gateway.world

    def deliver(self, event: Event) -> None:
        """Send an event, as far as this session is told of it."""
        if not self.is_for(event) or not hears(self._world, self.intents, event):
            return
        guild = self._world.guilds.get(event.guild_id or 0)
        if event.name == "GUILD_CREATE" and guild is not None:
            self.show(guild, joined=True)
        else:
            self.send(event.name, as_seen(self._world, self.intents, event))

    def is_for(self, event: Event) -> bool:
        """Whether an event is for this shard: those outside of guilds are for the first."""
        return self.shard == (0 if event.guild_id is None else (event.guild_id >> 22) % self.shards)

    def show(self, guild: Guild, *, joined: bool = False) -> None:
        """Send a guild: after READY, when it is available again, or when the bot `joined` it."""
        if self.intents & Intent.GUILDS and self._world.bot.id in guild.members:
            data = guild_as_seen(self._world, self.intents, self.large_threshold, guild, joined=joined)
            self.send("GUILD_CREATE", data)

    def send(self, name: str, data: JSON) -> None:
        """Send an event, or keep it where the shard is away."""
        self.sequence += 1
        payload = dumps({"op": DISPATCH, "t": name, "s": self.sequence, "d": data})
        self.sent.append((self.sequence, payload))
        for witness in self._gateway.witnesses:
            witness(self.shard, name, data)
        if self.connection is not None:
            self.connection.send_payload(payload)

    def confirm(self, sequence: int | None) -> None:
        """Let go of what the shard says it has."""
        while sequence is not None and self.sent and self.sent[0][0] <= sequence:
            self.sent.popleft()

    def missed(self, sequence: int) -> list[bytes] | None:
        """What came after an event, None where it is not all held any more."""
        held = [payload for number, payload in self.sent if number > sequence]
        return held if len(held) == self.sequence - sequence else None


class Connection:
    """One websocket of a shard: reads its frames, and writes what is queued for it. Its time is the event loop's."""

    def __init__(self, gateway: Gateway, request: web.Request, socket: web.WebSocketResponse, encoder: Encoder) -> None:
        self._gateway = gateway
        self._world = gateway.world
        self._transport = request.transport
        self._socket = socket
        self._encoder = encoder
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
        """Queue a payload that is no event."""
        self.send_payload(dumps({"op": op, "d": data, "s": None, "t": None}))

    def send_payload(self, payload: bytes) -> None:
        """Queue a payload."""
        self._queue.put_nowait(payload)

    def close(self, code: int, reason: str) -> None:
        """End the connection, after what was queued before; the session stays, for a resume."""
        self._closing = True
        self._queue.put_nowait(Closed(code, reason))
        self._leave(code)

    def refuse(self, closed: Closed) -> None:
        """End the connection for a mistake of the bot's, which the log names."""
        log_refusal(closed)
        self.close(closed.code, closed.reason)

    def invalidate(self, *, resumable: bool) -> None:
        """Take the session from the connection, which waits for an identify (or a resume, where that may be)."""
        session = self.session
        assert session is not None
        self.send(INVALID_SESSION, resumable)
        self._leave(None)
        self.session = None
        if not resumable:
            self._gateway.forget(session)

    def cut(self) -> None:
        """Break off without a word; the session stays, for a resume."""
        self._leave(None)
        if self._transport is not None:
            self._transport.abort()

    async def run(self) -> None:
        """Serve the shard until it leaves, breaks the protocol or is closed."""
        writer = asyncio.create_task(self._write())
        try:
            interval = self._gateway.heartbeat_interval
            self.send(HELLO, {"heartbeat_interval": round(interval * 1000), "_trace": []})
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
        # A bot that says goodbye is gone; one that breaks off may come back and resume.
        if code in {WSCloseCode.OK, WSCloseCode.GOING_AWAY}:
            self._gateway.forget(session)
        self._world.happen(BotDisconnected(session.shard, code))

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
        patience = self._gateway.heartbeat_interval * TOLERANCE
        closed = Closed(TIMED_OUT, f"no heartbeat within {patience:g} s")
        self._deadline = self._loop.call_later(patience, self.refuse, closed)

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
        self._gateway.check_shard(identify.shard)
        intents = self._gateway.check_intents(identify.intents)
        if identify.presence is not None:
            self._check_presence(identify.presence)
        if not self._gateway.may_identify(identify.shard[0]):
            window = f"{self._gateway.identify_window:g} s"
            self._refuse_session(
                f"shard {identify.shard[0]} identified within {window} of the last of its rate limit key"
            )
            return
        if identify.compress and isinstance(self._encoder, PlainText):
            self._encoder = ZlibPayloads()
        if identify.presence is not None:
            self._show_presence(identify.presence)
        session = Session(self._gateway, identify.shard, intents, identify.large_threshold)
        self._gateway.begin(session)
        self._attach(session)
        guilds = self._gateway.guilds_of(session)
        session.send("READY", self._gateway.ready(session, guilds))
        for guild in guilds:
            if guild.id not in self._gateway.down:
                session.show(guild)
        self._world.happen(BotConnected(session.shard, resumed=False))

    def _resume(self, raw: msgspec.Raw) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED, "already authenticated")
        resume = decode(raw, Resume)
        self._check_token(resume.token)
        session = self._gateway.sessions.get(resume.session_id)
        if session is None:
            self._refuse_session("there is no session of the id that it resumes")
            return
        if not 0 <= resume.seq <= session.sequence:
            raise Closed(INVALID_SEQUENCE, f"expected a seq of 0 to {session.sequence}, got {resume.seq}")
        missed = session.missed(resume.seq)
        too_late = session.connection is None and self._loop.time() - session.left > RESUMABLE
        if missed is None or too_late:
            self._gateway.forget(session)
            self._refuse_session("the session that it resumes is over")
            return
        self._attach(session)
        for payload in missed:
            self.send_payload(payload)
        session.send("RESUMED", {"_trace": []})
        self._world.happen(BotConnected(session.shard, resumed=True))

    def _refuse_session(self, reason: str) -> None:
        """Ask for a new identify: that frame has no room for a reason, the log has."""
        _LOG.warning("the sandbox's gateway sent the bot opcode 9, Invalid Session: %s", reason)
        self.send(INVALID_SESSION, data=False)

    def _attach(self, session: Session) -> None:
        if session.connection is not None:
            session.connection.refuse(Closed(UNKNOWN_ERROR, "the session was resumed elsewhere"))
        session.connection = self
        self.session = session

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
        self._world.set_presence(self._world.bot, presence.status or "online", presence.activities or game)

    def _update_voice_state(self, raw: msgspec.Raw) -> None:
        self._does_not_serve("update voice state", "the sandbox has no voice")

    def _request_sounds(self, raw: msgspec.Raw) -> None:
        self._does_not_serve("request soundboard sounds", "the sandbox has no sounds")

    def _request_channel_info(self, raw: msgspec.Raw) -> None:
        self._does_not_serve("request channel info", "the sandbox has no voice")

    def _does_not_serve(self, request: str, reason: str) -> None:
        self._world.unserved[f"gateway: {request}"] += 1
        _LOG.warning("%s: the bot's request goes nowhere (%s)", reason, request)

    def _request_members(self, raw: msgspec.Raw) -> None:
        session = self.session
        assert session is not None
        request = decode(raw, RequestMembers)
        if request.query is None and request.user_ids is None:
            raise Closed(DECODE_ERROR, "expected d.query or d.user_ids")
        everybody = not request.query and not request.limit and request.user_ids is None
        if everybody and not session.intents & Intent.GUILD_MEMBERS:
            raise Closed(DISALLOWED_INTENTS, "all members of a guild need the GUILD_MEMBERS intent")
        guild = self._world.guilds.get(_number(request.guild_id))
        if guild is None or guild not in self._gateway.guilds_of(session):
            return
        if everybody and (wait := self._gateway.wait_for_everybody(guild)):
            meta = {"guild_id": str(guild.id)} | ({} if request.nonce is None else {"nonce": request.nonce})
            session.send("RATE_LIMITED", {"opcode": REQUEST_MEMBERS, "retry_after": wait, "meta": meta})
            return
        told = request.presences and bool(session.intents & Intent.GUILD_PRESENCES)
        for chunk in _chunks(guild, request):
            if told:
                members = [guild.members[int(member["user"]["id"])] for member in chunk["members"]]
                chunk["presences"] = self._world.presences_of(members)
            session.send("GUILD_MEMBERS_CHUNK", chunk)


def log_refusal(closed: Closed) -> None:
    """Log why a connection of the bot's is closed: not every library shows the reason of a close frame."""
    _LOG.warning("the sandbox's gateway closed the bot's connection with %d: %s", closed.code, closed.reason)


def _number(snowflake: str | int) -> int:
    return int(snowflake) if str(snowflake).isdecimal() else 0


def _chunks(guild: Guild, request: RequestMembers) -> list[JSON]:
    """The data of each GUILD_MEMBERS_CHUNK that answers a request."""
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
        members = {number: guild.members.get(_number(number)) for number in wanted[:LISTED_MEMBERS]}
        missing = [str(number) for number, member in members.items() if member is None]
        return [member.payload() for member in members.values() if member], missing
    query = (request.query or "").lower()
    found = [
        member.payload()
        for member in guild.members.values()
        if member.user.name.lower().startswith(query) or (member.nick or "").lower().startswith(query)
    ]
    most = request.limit or None if not query else min(request.limit or LISTED_MEMBERS, LISTED_MEMBERS)
    return found[:most], []
