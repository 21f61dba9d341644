"""zstd-stream on the sandbox's gateway: its frames, read by the decoders that bots read them with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any

import aiohttp
import pytest

from wisp.sandbox import Sandbox
from wisp.sandbox.gateway.frames import ZstdStream

Decode = Callable[[bytes], bytes]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture(params=["backports.zstd", "compression.zstd", "zstandard"])
def decode(request: pytest.FixtureRequest) -> Decode:
    """A decoder of a stream, as hikari (backports.zstd, compression.zstd) and discord.py (zstandard) make it."""
    library: Any = pytest.importorskip(request.param)
    decompressor = library.ZstdDecompressor()
    return (decompressor.decompressobj() if request.param == "zstandard" else decompressor).decompress


def test_one_of_the_decoders_is_installed() -> None:
    found = []
    for name in ("backports.zstd", "compression.zstd", "zstandard"):
        try:
            found.append(import_module(name))
        except ImportError:
            continue
    assert found


async def test_zstd_stream_is_one_stream_over_all_payloads(sandbox: Sandbox, decode: Decode) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{sandbox.gateway_url}?v=10&encoding=json&compress=zstd-stream") as socket,
    ):

        async def receive() -> dict[str, Any]:
            return json.loads(decode(await socket.receive_bytes(timeout=5)))

        assert (await receive())["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": sandbox.token, "properties": {}, "intents": 1}})
        assert (await receive())["t"] == "READY"
        assert (await receive())["d"]["name"] == "Sandbox"
        await socket.send_json({"op": 1, "d": 2})
        assert (await receive())["op"] == 11


def test_a_payload_of_any_length_comes_through_at_once(decode: Decode) -> None:
    stream = ZstdStream()
    for length in (1, 131_071, 131_072, 131_073, 3 * 131_072, 1_000_000, 2):
        payload = bytes(index % 251 for index in range(length))
        assert decode(stream.encode(payload)) == payload, length
