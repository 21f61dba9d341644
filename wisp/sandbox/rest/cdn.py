"""Discord's CDN: pictures that were uploaded, and the default avatars (reference#cdn-endpoints)."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from wisp.sandbox.rest.images import media_type
from wisp.sandbox.world.world import World

HARMLESS = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
"""Headers of a file that a bot uploaded: if it is a web page, it must not act as the sandbox's own in a browser."""

_ENDINGS = {"png", "jpg", "jpeg", "webp", "gif", "avif"}

_DEFAULT_AVATARS = (0x5865F2, 0x757E8A, 0x3BA55C, 0xFAA61A, 0xED4245, 0xEB459F)
"""The color of each default avatar, by the number in its path."""


class Picture(NamedTuple):
    """A picture as the CDN serves it."""

    content: bytes
    media_type: str


def picture(world: World, path: str) -> Picture | None:
    """Return the picture at a path after /cdn/, such as "emojis/1.png"; None if there is none.

    It is served as it was uploaded, whatever ending and size are asked for.
    """
    place, _, ending = path.rpartition(".")
    if ending not in _ENDINGS:
        return None
    folder, _, number = place.rpartition("/")
    if folder == "embed/avatars" and number in map(str, range(len(_DEFAULT_AVATARS))):
        return Picture(_plain_png(_DEFAULT_AVATARS[int(number)]), "image/png")
    content = world.pictures.get(place)
    return None if content is None else Picture(content, media_type(content))


def _plain_png(color: int) -> bytes:
    """Return a picture of one pixel."""
    header = (1).to_bytes(4) * 2 + bytes((8, 2, 0, 0, 0))  # 1 x 1, 8 bits of red, green and blue
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + color.to_bytes(3))), (b"IEND", b""))
    chunks = (len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
