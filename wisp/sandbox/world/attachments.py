"""Files in a world: those of messages, and those that users give to options."""

from __future__ import annotations

from urllib.parse import quote

from wisp.sandbox.world.objects import Attachment
from wisp.sandbox.world.state import Registry


class Attachments(Registry[int, Attachment]):
    """All files by id."""

    def add(
        self,
        filename: str,
        content: bytes,
        *,
        description: str | None = None,
        ephemeral: bool = False,
        duration: float | None = None,
        waveform: str | None = None,
    ) -> Attachment:
        """Add a file, which is downloaded from its `url`."""
        id_ = self._world.next_id()
        url = f"{self._world.files_url}/{id_}/{quote(filename, safe='')}"
        attachment = Attachment(id_, filename, content, url, description, ephemeral, duration, waveform)
        self._items[id_] = attachment
        return attachment
