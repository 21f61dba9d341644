"""Frames of the gateway: opcodes, close codes, what a bot may send, and how what it gets is written."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from aiohttp import WSMsgType

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, RECONNECT = 0, 1, 2, 3, 4, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11
REQUEST_SOUNDS, REQUEST_CHANNEL_INFO = 31, 43

UNKNOWN_ERROR, UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED = 4000, 4001, 4002, 4003
AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED, INVALID_SEQUENCE, RATE_LIMITED, TIMED_OUT = 4004, 4005, 4007, 4008, 4009
INVALID_SHARD, SHARDING_REQUIRED, INVALID_VERSION, INVALID_INTENTS, DISALLOWED_INTENTS = range(4010, 4015)

LARGEST_FRAME = 4096
"""Bytes that a bot may send at once (Discord's documentation of the gateway, "Sending Events")."""

STATUSES = {"online", "dnd", "idle", "invisible", "offline"}


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


class PresenceUpdate(msgspec.Struct):
    """The data of a presence update. Discord takes it without `activities`: hikari still sends `game`."""

    status: str
    since: float | None = None
    activities: list[dict[str, Any]] | None = None
    game: dict[str, Any] | None = None
    afk: bool = False


class Identify(msgspec.Struct):
    """The data of an identify."""

    token: str
    properties: dict[str, Any]
    intents: int | None = None
    shard: tuple[int, int] = (0, 1)
    large_threshold: int = 50
    compress: bool = False
    presence: PresenceUpdate | None = None


class Resume(msgspec.Struct):
    """The data of a resume."""

    token: str
    session_id: str
    seq: int


class RequestMembers(msgspec.Struct):
    """The data of a request for guild members."""

    guild_id: str | int
    query: str | None = None
    limit: int = 0
    presences: bool = False
    user_ids: list[str | int] | str | int | None = None
    nonce: str | None = None


def decode(raw: str | bytes | msgspec.Raw, kind: Any) -> Any:
    """What a bot sent, as `kind`. Raises `Closed` where it is something else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A close frame has room for 123 bytes.
        raise Closed(DECODE_ERROR, f"decode error: {error}"[:100]) from None


class Encoder(Protocol):
    """Turns a payload into what goes over the wire."""

    kind: WSMsgType

    def encode(self, payload: bytes) -> bytes:
        """The bytes of one frame."""
        ...


class PlainText:
    """No compression."""

    kind = WSMsgType.TEXT

    def encode(self, payload: bytes) -> bytes:
        """The payload itself."""
        return payload


class ZlibPayloads:
    """Each payload compressed by itself, as a bot asks for in its identify."""

    kind = WSMsgType.BINARY

    def encode(self, payload: bytes) -> bytes:
        """The payload, compressed."""
        return zlib.compress(payload)


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


_ENCODERS: Mapping[str, Callable[[], Encoder]] = {
    "": PlainText,
    "zlib-stream": ZlibStream,
    "zstd-stream": ZstdStream,
}


def encoder(query: Mapping[str, str]) -> Encoder:
    """The encoder that the gateway's address asks for. Raises `Closed` where the sandbox does not speak that."""
    if query.get("v", "10") not in {"9", "10"}:
        raise Closed(INVALID_VERSION, "expected v=10")
    if query.get("encoding", "json") != "json":
        raise Closed(DECODE_ERROR, "expected encoding=json: the sandbox speaks no other")
    make = _ENCODERS.get(query.get("compress", ""))
    if make is None:
        raise Closed(DECODE_ERROR, "expected compress=zlib-stream, compress=zstd-stream or none")
    return make()
