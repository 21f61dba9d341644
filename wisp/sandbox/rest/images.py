"""Pictures in a form, as data URIs: their type is read from their bytes, as Discord does, not from the URI."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from wisp.sandbox.rest.errors import INVALID_ASSET, DiscordError
from wisp.sandbox.rest.fields import Fields
from wisp.sandbox.world.objects import APNG, GIF, PNG
from wisp.sandbox.world.world import World

_DATA_URI = re.compile(r"data:[\w.+-]{1,50}/[\w.+-]{1,50};base64,([A-Za-z0-9+/=\s]*)")

_KNOWN = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|.{4}ftypavi[fs]", re.DOTALL)
"""How PNG, JPEG, GIF, WebP and AVIF begin."""

_ANIMATED = re.compile(rb"GIF8|RIFF.{4}WEBP.{18}ANIM|.{4}ftypavis", re.DOTALL)
"""How animated pictures begin: every GIF counts as one."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: its bytes, and whether it is animated."""

    content: bytes
    animated: bool

    @property
    def hash(self) -> str:
        """The name that Discord gives it."""
        return ("a_" if self.animated else "") + image_hash(self.content)


def image_hash(content: bytes) -> str:
    """32 hexadecimal digits that stand for a picture."""
    return hashlib.blake2s(content, digest_size=16).hexdigest()


def sticker_format(content: bytes) -> int | None:
    """Return the format of a sticker's file; None if Discord takes no such file from this guild.

    Lottie is for verified guilds and partners (resources/sticker#create-guild-sticker), of which there are none.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        # the chunk that makes it an animated one stands before the pixels
        return APNG if b"acTL" in content.partition(b"IDAT")[0] else PNG
    return GIF if content.startswith((b"GIF87a", b"GIF89a")) else None


def media_type(content: bytes) -> str:
    """Return the media type of a picture."""
    if content.startswith(b"\x89PNG"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"GIF8"):
        return "image/gif"
    return "image/webp" if content.startswith(b"RIFF") else "image/avif"


def keep_image(world: World, fields: Fields, name: str, place: str) -> None:
    """Keep the picture in a field that was read and checked, by its hash, in this place of the CDN: "avatars/1"."""
    if image := read_image(fields, name):
        world.pictures.keep(f"{place}/{image.hash}", image.content)


def read_image(fields: Fields, name: str) -> Image | None:
    """Read a picture; None if the field is absent, null, or (which is noted) no data URI.

    Raises DiscordError if the data are not PNG, JPEG, GIF, WebP or AVIF.
    """
    text = fields.raw(name)
    if text is None:
        return None
    found = _DATA_URI.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        fields.refuse(name, "BINARY_TYPE_INVALID_DATA_URI", "Only data uri strings can be used.")
        return None
    try:
        content = base64.b64decode(found[1])
    except binascii.Error:
        raise DiscordError(INVALID_ASSET) from None
    if not _KNOWN.match(content):
        raise DiscordError(INVALID_ASSET)
    return Image(content, bool(_ANIMATED.match(content)))
