"""Frames of the gateway: opcodes, close codes, the data that a bot sends, and the compression of what it gets."""

from __future__ import annotations

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

_ZSTD_BLOCK = 1 << 17
"""The bytes of a zstd block at most (RFC 8878, 3.1.1.2.4)."""

_ZSTD_FRAME = b"\x28\xb5\x2f\xfd\x00\x38"
"""The header of a zstd frame: its magic number, no checksum, no known size, a window of one block (RFC 8878, 3.1.1)."""

STATUSES = {"online", "dnd", "idle", "invisible", "offline"}


class Closed(Exception):
    """The connection must be closed, with Discord's close code and a reason for the bot's log."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Frame(msgspec.Struct):
    """What a bot sends."""

    op: int
    d: msgspec.Raw = msgspec.Raw(b"null")


class PresenceUpdate(msgspec.Struct):
    """The data of a presence update. Discord takes it without `activities`: hikari still sends `game`.

    A status of null is "online": discord.py, nextcord and py-cord identify with it if the bot has an activity alone.
    """

    status: str | None
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


class UpdateVoiceState(msgspec.Struct):
    """The data of an update of the bot's voice state; a `channel_id` of None disconnects it."""

    guild_id: str | int
    channel_id: str | int | None = None
    self_mute: bool = False
    self_deaf: bool = False


class RequestMembers(msgspec.Struct):
    """The data of a request for guild members."""

    guild_id: str | int
    query: str | None = None
    limit: int = 0
    presences: bool = False
    user_ids: list[str | int] | str | int | None = None
    nonce: str | None = None


def decode(raw: str | bytes | msgspec.Raw, kind: Any) -> Any:
    """Read what a bot sent as `kind`. Raises `Closed` if it is something else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # A close frame has room for 123 bytes.
        raise Closed(DECODE_ERROR, f"decode error: {error}"[:100]) from None


class Encoder(Protocol):
    """Turns a payload into the content of a frame."""

    kind: WSMsgType

    def encode(self, payload: bytes) -> bytes:
        """Return the content of one frame."""
        ...


class PlainText:
    """No compression."""

    kind = WSMsgType.TEXT

    def encode(self, payload: bytes) -> bytes:
        """The payload itself."""
        return payload


class ZlibPayloads:
    """Each payload compressed by itself, as a bot requests it in its identify."""

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
    """One zstd frame over the whole connection, of raw blocks: they need no library, and every decoder reads them."""

    kind = WSMsgType.BINARY

    def __init__(self) -> None:
        self._start = _ZSTD_FRAME

    def encode(self, payload: bytes) -> bytes:
        """The next blocks of the frame, and before the first its header."""
        pieces, self._start = [self._start], b""
        for at in range(0, len(payload), _ZSTD_BLOCK):
            block = payload[at : at + _ZSTD_BLOCK]
            pieces += (len(block) << 3).to_bytes(3, "little"), block
        return b"".join(pieces)


_ENCODERS: Mapping[str, Callable[[], Encoder]] = {
    "": PlainText,
    "zlib-stream": ZlibStream,
    "zstd-stream": ZstdStream,
}


def encoder(query: Mapping[str, str]) -> Encoder:
    """Return the encoder that the gateway's address asks for. Raises `Closed` if the sandbox does not have it."""
    if query.get("v", "10") not in {"9", "10"}:
        raise Closed(INVALID_VERSION, "invalid API version: expected v=10")
    if query.get("encoding", "json") != "json":
        raise Closed(DECODE_ERROR, "expected encoding=json: the sandbox speaks no other")
    make = _ENCODERS.get(query.get("compress", ""))
    if make is None:
        raise Closed(DECODE_ERROR, "expected compress=zlib-stream, compress=zstd-stream or none")
    return make()
