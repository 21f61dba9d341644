"""Pictures that were uploaded to a world, by their paths on the CDN."""

from __future__ import annotations

from wisp.sandbox.world.state import Registry


class Pictures(Registry[str, bytes]):
    """All pictures by path, without an ending: "emojis/1", "avatars/1/0af3" (reference#cdn-endpoints)."""

    def keep(self, path: str, content: bytes) -> None:
        """Keep a picture under a path, in place of the one that is there."""
        self._items[path] = content
