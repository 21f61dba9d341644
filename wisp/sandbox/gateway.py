"""The gateway: the websocket over which a bot's shards hear what happens in the world."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import secrets
import struct
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from enum import IntFlag
from typing import Any, Protocol

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from wisp.sandbox.world import JSON, BotConnected, BotDisconnected, Event, Guild, World, dumps

_LOG = logging.getLogger(__name__)

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, RECONNECT = 0, 1, 2, 3, 4, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11

UNKNOWN_ERROR, UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED = 4000, 4001, 4002, 4003
AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED, INVALID_SEQUENCE = 4004, 4005, 4007
INVALID_SHARD, SHARDING_REQUIRED, INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = range(4010, 4015)

HEARTBEAT_INTERVAL = 41_250
"""Milliseconds between two heartbeats of a bot."""

LARGEST_FRAME = 4096
"""Bytes that a bot may send at once (Discord's documentation of the gateway, "Sending Events")."""

KEPT_EVENTS = 10_000
"""Events that a session holds back for a resume, at most; those that a heartbeat confirmed are let go."""

GUILDS_PER_SHARD = 2500
MEMBERS_PER_CHUNK = 1000


class Intent(IntFlag):
    """What a session wants to hear of."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


_EVERY_INTENT = sum(Intent)

_PRIVILEGED = {
    Intent.GUILD_PRESENCES: 1 << 12 | 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 14 | 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 18 | 1 << 19,
}
"""Which application flags (of verified and of small bots) switch on which intent."""

_NEEDED: dict[str, tuple[Intent, Intent]] = {
    "GUILD_CREATE": (Intent.GUILDS, Intent.GUILDS),
    "GUILD_ROLE_CREATE": (Intent.GUILDS, Intent.GUILDS),
    "CHANNEL_CREATE": (Intent.GUILDS, Intent.GUILDS),
    "GUILD_MEMBER_ADD": (Intent.GUILD_MEMBERS, Intent.GUILD_MEMBERS),
    "MESSAGE_CREATE": (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES),
    "MESSAGE_UPDATE": (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES),
    "MESSAGE_DELETE": (Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES),
    "TYPING_START": (Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING),
}
"""Which intent an event needs in a guild and outside of one; what is not named here comes always."""


class Closed(Exception):
    """The connection is to be closed: Discord's close code, and words for the bot's log."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Frame(msgspec.Struct):
    """What a bot sends."""

    op: int
    d: msgspec.Raw = msgspec.Raw(b"null")


class Identify(msgspec.Struct):
    """The data of an identify."""

    token: str
    properties: dict[str, Any]
    intents: int | None = None
    shard: tuple[int, int] = (0, 1)
    large_threshold: int = 50


class Resume(msgspec.Struct):
    """The data of a resume."""

    token: str
    session_id: str
    seq: int


class PresenceUpdate(msgspec.Struct):
    """The data of a presence update. Discord takes it without `activities`: hikari still sends `game`."""

    status: str
    since: float | None = None
    activities: list[dict[str, Any]] = []
    game: dict[str, Any] | None = None
    afk: bool = False


class RequestMembers(msgspec.Struct):
    """The data of a request for guild members."""

    guild_id: str | int
    query: str | None = None
    limit: int = 0
    presences: bool = False
    user_ids: list[str | int] | str | int | None = None
    nonce: str | None = None


class Encoder(Protocol):
    """Turns a payload into what goes over the wire."""

    kind: WSMsgType

    def encode(self, payload: bytes) -> bytes:
        """The bytes of one frame."""
        ...


class PlainText:
    """No transport compression."""

    kind = WSMsgType.TEXT

    def encode(self, payload: bytes) -> bytes:
        """The payload itself."""
        return payload


class ZlibStream:
    """One zlib stream over the whole connection, flushed after each payload."""

    kind = WSMsgType.BINARY

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def encode(self, payload: bytes) -> bytes:
        """The next piece of the stream."""
        return self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """One zstd stream over the whole connection, flushed after each payload."""

    kind = WSMsgType.BINARY

    def __init__(self) -> None:
        name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        try:
            zstd: Any = importlib.import_module(name)
        except ImportError:
            raise Closed(DECODE_ERROR, "zstd-stream needs backports.zstd: pip install it") from None
        self._stream = zstd.ZstdCompressor()
        self._flush = zstd.ZstdCompressor.FLUSH_BLOCK

    def encode(self, payload: bytes) -> bytes:
        """The next piece of the stream."""
        return self._stream.compress(payload, self._flush)


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "": PlainText,
    "zlib-stream": ZlibStream,
    "zstd-stream": ZstdStream,
}


class Session:
    """What a shard hears of, across reconnections. `sent` holds what a resume would repeat."""

    def __init__(self, shard: tuple[int, int], intents: int, large_threshold: int) -> None:
        self.id: str = secrets.token_hex(16)
        self.shard: int = shard[0]
        self.shards: int = shard[1]
        self.intents = intents
        self.large_threshold = large_threshold
        self.sequence: int = 0
        self.sent: deque[tuple[int, bytes]] = deque(maxlen=KEPT_EVENTS)
        self.connection: Connection | None = None

    def hears(self, event: Event) -> bool:
        """Whether an event is for this shard and one of its intents."""
        shard = 0 if event.guild_id is None else (event.guild_id >> 22) % self.shards
        in_guild, outside = _NEEDED.get(event.name, (0, 0))
        needed = outside if event.guild_id is None else in_guild
        return shard == self.shard and self.intents & needed == needed

    def send(self, name: str, data: JSON) -> None:
        """Send an event, or keep it where the shard is away."""
        self.sequence += 1
        payload = dumps({"op": DISPATCH, "t": name, "s": self.sequence, "d": data})
        self.sent.append((self.sequence, payload))
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
    """One websocket of a shard: reads its frames, and writes what is queued for it."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, encoder: Encoder) -> None:
        self._gateway = gateway
        self._world = gateway.world
        self._socket = socket
        self._encoder = encoder
        self._queue: asyncio.Queue[bytes | Closed] = asyncio.Queue()
        self._closing = False
        self.session: Session | None = None
        self._handlers: dict[int, Callable[[msgspec.Raw], None]] = {
            HEARTBEAT: self._heartbeat,
            IDENTIFY: self._identify,
            PRESENCE: self._update_presence,
            VOICE_STATE: self._update_voice_state,
            RESUME: self._resume,
            REQUEST_MEMBERS: self._request_members,
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

    async def run(self) -> None:
        """Serve the shard until it leaves, breaks the protocol or is closed."""
        writer = asyncio.create_task(self._write())
        try:
            self.send(HELLO, {"heartbeat_interval": HEARTBEAT_INTERVAL, "_trace": []})
            await self._read()
        except Closed as closed:
            self.close(closed.code, closed.reason)
        finally:
            if self._closing:
                await writer
            writer.cancel()
            self._leave(self._socket.close_code)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self._receive(message.data)

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
        # A bot that says goodbye is gone; one that breaks off may come back and resume.
        if code in {WSCloseCode.OK, WSCloseCode.GOING_AWAY}:
            self._gateway.forget(session)
        self._world.happen(BotDisconnected(session.shard, code))

    def _receive(self, raw: str | bytes) -> None:
        if len(raw) > LARGEST_FRAME:
            raise Closed(DECODE_ERROR, f"expected at most {LARGEST_FRAME} bytes, got {len(raw)}")
        frame = _decode(raw, Frame)
        handler = self._handlers.get(frame.op)
        if handler is None:
            raise Closed(UNKNOWN_OPCODE, f"unknown opcode {frame.op}")
        if self.session is None and frame.op not in {HEARTBEAT, IDENTIFY, RESUME}:
            raise Closed(NOT_AUTHENTICATED, "not authenticated: identify first")
        handler(frame.d)

    def _heartbeat(self, raw: msgspec.Raw) -> None:
        sequence = _decode(raw, int | None)
        if self.session is not None:
            self.session.confirm(sequence)
        self.send(HEARTBEAT_ACK)

    def _identify(self, raw: msgspec.Raw) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED, "already authenticated")
        identify = _decode(raw, Identify)
        self._check_token(identify.token)
        self._gateway.check_shard(identify.shard)
        intents = self._gateway.check_intents(identify.intents)
        session = Session(identify.shard, intents, identify.large_threshold)
        self._gateway.begin(session)
        self._attach(session)
        guilds = self._gateway.guilds_of(session)
        session.send("READY", self._gateway.ready(session, guilds))
        if intents & Intent.GUILDS:
            for guild in guilds:
                shown = (
                    guild.members.values() if _shows_members(session, guild) else [guild.members[self._world.bot.id]]
                )
                session.send("GUILD_CREATE", guild.gateway_payload(shown))
        self._world.happen(BotConnected(session.shard, resumed=False))

    def _resume(self, raw: msgspec.Raw) -> None:
        if self.session is not None:
            raise Closed(ALREADY_AUTHENTICATED, "already authenticated")
        resume = _decode(raw, Resume)
        self._check_token(resume.token)
        session = self._gateway.sessions.get(resume.session_id)
        if session is None:
            self.send(INVALID_SESSION, data=False)
            return
        if not 0 <= resume.seq <= session.sequence:
            raise Closed(INVALID_SEQUENCE, f"expected a seq of 0 to {session.sequence}, got {resume.seq}")
        missed = session.missed(resume.seq)
        if missed is None:
            self._gateway.forget(session)
            self.send(INVALID_SESSION, data=False)
            return
        self._attach(session)
        for payload in missed:
            self.send_payload(payload)
        session.send("RESUMED", {"_trace": []})
        self._world.happen(BotConnected(session.shard, resumed=True))

    def _attach(self, session: Session) -> None:
        if session.connection is not None:
            session.connection.close(UNKNOWN_ERROR, "the session was resumed elsewhere")
        session.connection = self
        self.session = session

    def _check_token(self, token: str) -> None:
        if token != self._world.token:
            raise Closed(AUTHENTICATION_FAILED, "authentication failed: this is not the sandbox's token")

    def _update_presence(self, raw: msgspec.Raw) -> None:
        _decode(raw, PresenceUpdate)

    def _update_voice_state(self, raw: msgspec.Raw) -> None:
        self._world.unserved["gateway: update voice state"] += 1
        _LOG.warning("the sandbox has no voice: the bot's update of its voice state goes nowhere")

    def _request_members(self, raw: msgspec.Raw) -> None:
        session = self.session
        assert session is not None
        request = _decode(raw, RequestMembers)
        if request.query is None and request.user_ids is None:
            raise Closed(DECODE_ERROR, "expected d.query or d.user_ids")
        everybody = not request.query and not request.limit and request.user_ids is None
        if everybody and not session.intents & Intent.GUILD_MEMBERS:
            raise Closed(DISALLOWED_INTENTS, "all members of a guild need the GUILD_MEMBERS intent")
        guild = self._world.guilds.get(_number(request.guild_id))
        if guild is None or guild not in self._gateway.guilds_of(session):
            return
        for chunk in _chunks(guild, request):
            session.send("GUILD_MEMBERS_CHUNK", chunk)


class Gateway:
    """All shards of the bot, and what a test can do to them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[str, Session] = {}
        self._sockets: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self.url = ""
        world.outlets.append(self.deliver)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket."""
        socket = web.WebSocketResponse(max_msg_size=4 * LARGEST_FRAME, timeout=1.0, compress=False)
        await socket.prepare(request)
        self._sockets[socket] = request.transport
        try:
            await Connection(self, socket, _encoder(request)).run()
        except Closed as closed:
            await socket.close(code=closed.code, message=closed.reason.encode())
        except Exception as error:
            _LOG.exception("the sandbox's gateway failed")
            self.world.errors.append(error)
            await socket.close(code=UNKNOWN_ERROR, message=b"the sandbox failed: see its log")
        finally:
            del self._sockets[socket]
        return socket

    def deliver(self, event: Event) -> None:
        """Send an event to every session that hears it, as far as its intents let it see."""
        for session in self.sessions.values():
            if session.hears(event):
                session.send(event.name, self._tailored(session, event))

    def reconnect(self, shard: int | None = None) -> None:
        """Tell a shard (None: all) to reconnect and resume, as Discord does before maintenance."""
        for connection in self._connections(shard):
            connection.send(RECONNECT)

    def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Tell a shard (None: all) that its session is invalid; where not `resumable` it is forgotten, too."""
        for connection in self._connections(shard):
            connection.send(INVALID_SESSION, resumable)
            if not resumable and connection.session is not None:
                self.forget(connection.session)

    def disconnect(self, shard: int | None = None, *, code: int = UNKNOWN_ERROR, reason: str = "") -> None:
        """Close a shard's websocket (None: all) with a close code. The session stays, for a resume."""
        for connection in self._connections(shard):
            connection.close(code, reason)

    async def close(self) -> None:
        """Close every websocket at once, without waiting for the bot to agree."""
        for socket, transport in tuple(self._sockets.items()):
            with contextlib.suppress(ConnectionError):
                await socket.send_frame(struct.pack("!H", WSCloseCode.GOING_AWAY), WSMsgType.CLOSE)
            if transport is not None:
                transport.close()

    def begin(self, session: Session) -> None:
        """Take up a new session; those of the same shard that wait for a resume are over."""
        for old in tuple(self.sessions.values()):
            if old.connection is None and (old.shard, old.shards) == (session.shard, session.shards):
                self.forget(old)
        self.sessions[session.id] = session

    def forget(self, session: Session) -> None:
        """End a session: it cannot be resumed any more."""
        self.sessions.pop(session.id, None)

    def check_shard(self, shard: tuple[int, int]) -> None:
        """Raise `Closed` where a shard cannot be, or would hold more guilds than one may."""
        number, count = shard
        if not 0 <= number < count:
            raise Closed(INVALID_SHARD, f"expected shard [id, count] with 0 <= id < count, got {list(shard)}")
        if len(self._guilds(number, count)) > GUILDS_PER_SHARD:
            raise Closed(SHARDING_REQUIRED, f"more than {GUILDS_PER_SHARD} guilds on a shard: use more shards")

    def check_intents(self, intents: int | None) -> int:
        """The intents, where they exist and are switched on; else raise `Closed`."""
        if intents is None or intents < 0 or intents & ~_EVERY_INTENT:
            raise Closed(INVALID_INTENTS, f"invalid intents {intents}")
        for intent, switches in _PRIVILEGED.items():
            if intents & intent and not self.world.application_flags & switches:
                raise Closed(DISALLOWED_INTENTS, f"the {intent.name} intent is not switched on for this bot")
        return intents

    def guilds_of(self, session: Session) -> list[Guild]:
        """The bot's guilds on a session's shard."""
        return self._guilds(session.shard, session.shards)

    def ready(self, session: Session, guilds: Iterable[Guild]) -> JSON:
        """The data of READY."""
        world = self.world
        return {
            "v": 10,
            "user": {**world.bot.payload(), "verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(world.application), "flags": world.application_flags},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
            "_trace": [],
        }

    def _guilds(self, shard: int, shards: int) -> list[Guild]:
        return [
            guild
            for guild in self.world.guilds.values()
            if (guild.id >> 22) % shards == shard and self.world.bot.id in guild.members
        ]

    def _connections(self, shard: int | None) -> list[Connection]:
        return [
            session.connection
            for session in self.sessions.values()
            if session.connection is not None and shard in {None, session.shard}
        ]

    def _tailored(self, session: Session, event: Event) -> JSON:
        bot = str(self.world.bot.id)
        if event.name == "GUILD_CREATE" and event.guild_id is not None:
            if _shows_members(session, self.world.guilds[event.guild_id]):
                return event.data
            return {**event.data, "members": [m for m in event.data["members"] if m["user"]["id"] == bot]}
        if event.name in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} and not session.intents & Intent.MESSAGE_CONTENT:
            return event.data if _concerns(event, bot) else event.data | _NO_CONTENT
        return event.data


_NO_CONTENT: JSON = {"content": "", "embeds": [], "attachments": [], "components": []}


def _concerns(event: Event, bot: str) -> bool:
    """Whether a bot sees a message's content anyway: in direct messages, from itself, or when mentioned."""
    author, mentions = event.data["author"]["id"], event.data["mentions"]
    return event.guild_id is None or author == bot or any(user["id"] == bot for user in mentions)


def _shows_members(session: Session, guild: Guild) -> bool:
    """Whether GUILD_CREATE lists all members, not the bot alone: small guilds, with the presences intent."""
    return bool(session.intents & Intent.GUILD_PRESENCES) and len(guild.members) <= session.large_threshold


def _encoder(request: web.Request) -> Encoder:
    """The encoder that the query asks for. Raises `Closed` where the sandbox does not speak that."""
    if request.query.get("v", "10") not in {"9", "10"}:
        raise Closed(INVALID_VERSION, "expected v=10")
    if request.query.get("encoding", "json") != "json":
        raise Closed(DECODE_ERROR, "expected encoding=json: the sandbox speaks no other")
    make = _ENCODERS.get(request.query.get("compress", ""))
    if make is None:
        raise Closed(DECODE_ERROR, "expected compress=zlib-stream, compress=zstd-stream or none")
    return make()


def _decode(raw: str | bytes | msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A close frame has room for 123 bytes.
        raise Closed(DECODE_ERROR, f"decode error: {error}"[:100]) from None


def _number(snowflake: str | int) -> int:
    return int(snowflake) if str(snowflake).isdecimal() else 0


def _chunks(guild: Guild, request: RequestMembers) -> list[JSON]:
    """The data of each GUILD_MEMBERS_CHUNK that answers a request."""
    found, missing = _find_members(guild, request)
    pages = [found[at : at + MEMBERS_PER_CHUNK] for at in range(0, len(found), MEMBERS_PER_CHUNK)] or [[]]
    common: JSON = {"guild_id": str(guild.id), "not_found": missing}
    if request.presences:
        common["presences"] = []
    if request.nonce is not None and len(request.nonce.encode()) <= 32:
        common["nonce"] = request.nonce
    return [
        {**common, "members": page, "chunk_index": index, "chunk_count": len(pages)} for index, page in enumerate(pages)
    ]


def _find_members(guild: Guild, request: RequestMembers) -> tuple[list[JSON], list[str]]:
    if request.user_ids is not None:
        wanted = request.user_ids if isinstance(request.user_ids, list) else [request.user_ids]
        members = {number: guild.members.get(_number(number)) for number in wanted}
        missing = [str(number) for number, member in members.items() if member is None]
        return [member.payload() for member in members.values() if member], missing
    query = (request.query or "").lower()
    found = [
        member.payload()
        for member in guild.members.values()
        if member.user.name.lower().startswith(query) or (member.nick or "").lower().startswith(query)
    ]
    return found[: request.limit or None], []
