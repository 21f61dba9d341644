"""What a person got for something they did: a message with its embeds and files, as it stands now."""

from __future__ import annotations

from dataclasses import dataclass

from wisp.sandbox.people.components import BUTTON, SELECTS, controls, name_of
from wisp.sandbox.world.objects import JSON, Attachment, Interaction, Message


@dataclass(frozen=True, slots=True)
class EmbedField:
    """One field of an embed."""

    name: str
    value: str
    inline: bool


@dataclass(frozen=True, slots=True)
class Embed:
    """An embed as it is read: texts, addresses of pictures, None where there is none. `raw` is Discord's JSON."""

    title: str | None
    description: str | None
    url: str | None
    color: int | None
    author: str | None
    footer: str | None
    image: str | None
    thumbnail: str | None
    timestamp: str | None
    fields: tuple[EmbedField, ...]
    raw: JSON

    @classmethod
    def of(cls, raw: JSON) -> Embed:
        """Read Discord's JSON."""
        return cls(
            title=raw.get("title"),
            description=raw.get("description"),
            url=raw.get("url"),
            color=raw.get("color"),
            author=raw.get("author", {}).get("name"),
            footer=raw.get("footer", {}).get("text"),
            image=raw.get("image", {}).get("url"),
            thumbnail=raw.get("thumbnail", {}).get("url"),
            timestamp=raw.get("timestamp"),
            fields=tuple(
                EmbedField(field["name"], field["value"], bool(field.get("inline"))) for field in raw.get("fields", [])
            ),
            raw=raw,
        )


class Reply:
    """What a person got for something they did: a live view, which later edits and follow-ups show up in.

    A follow-up is a Reply itself. Where the bot opened a form, `modal` holds it; where it did not answer
    in time, `failed` holds what the client says then.
    """

    def __init__(self, interaction: Interaction, followup: Message | None = None) -> None:
        self.interaction = interaction
        self.failed: str | None = None
        self._followup = followup

    @property
    def message(self) -> Message | None:
        """The message itself, None where there is none (yet)."""
        return self._followup or self.interaction.original

    @property
    def content(self) -> str:
        """The text as it stands now; "" where there is none (yet)."""
        return self.message.content if self.message else ""

    @property
    def embeds(self) -> list[Embed]:
        """The embeds as they stand now."""
        return [Embed.of(raw) for raw in self.message.embeds] if self.message else []

    @property
    def attachments(self) -> list[Attachment]:
        """The files: `filename` and `content` (bytes) of each."""
        return list(self.message.attachments) if self.message else []

    @property
    def components(self) -> list[JSON]:
        """The rows of buttons and selects, as Discord's JSON."""
        return list(self.message.components) if self.message else []

    @property
    def ephemeral(self) -> bool:
        """Whether only the person who asked sees it."""
        return self.message is not None and self.message.ephemeral

    @property
    def deferred(self) -> bool:
        """Whether the bot asked for more time before it answered."""
        return self.interaction.deferred and self._followup is None

    @property
    def thinking(self) -> bool:
        """Whether the client still shows that the bot is thinking."""
        return self.message is not None and self.message.loading and not self.message.deleted

    @property
    def deleted(self) -> bool:
        """Whether the bot took it away."""
        return self.message is not None and self.message.deleted

    @property
    def edits(self) -> list[str]:
        """The texts that it had before, oldest first."""
        return list(self.message.edits) if self.message else []

    @property
    def followups(self) -> list[Reply]:
        """The messages that followed it, oldest first; a follow-up has none of its own."""
        if self._followup:
            return []
        return [Reply(self.interaction, message) for message in self.interaction.followups]

    @property
    def modal(self) -> JSON | None:
        """The form that the bot opened, as Discord's JSON."""
        return None if self._followup else self.interaction.modal

    def __repr__(self) -> str:
        flags = [name for name in ("ephemeral", "deferred", "thinking", "deleted") if getattr(self, name)]
        counts = [
            f"{name}={len(getattr(self, name))}"
            for name in ("embeds", "attachments", "edits", "followups")
            if getattr(self, name)
        ]
        if self.message and (named := list(controls(self.message.components, (BUTTON, *SELECTS)))):
            counts.append(" ".join(f"[{name_of(one)}{' (off)' if one.get('disabled') else ''}]" for one in named))
        said = (
            f"failed: {self.failed}" if self.failed else f"modal {self.modal!r}" if self.modal else repr(self.content)
        )
        return f"<{' '.join(['Reply', said, *flags, *counts])}>"
