"""Stickers in a world: those of guilds, and those of a pack that everyone has."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict, Unpack

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import GuildChanged
from wisp.sandbox.world.objects import FOUNDING, JSON, PNG, Guild, Impossible, LimitReached, Sticker, User
from wisp.sandbox.world.pictures import Pictures
from wisp.sandbox.world.state import Registry, State, refuse_length

PACK_ID = (FOUNDING - 1) << 22
"""The id of the pack, and of what it is sold as: older than everything in a world."""

_STANDARD = {"hello": "👋", "thanks": "🙏", "party": "🎉"}
"""The stickers of the pack by name, each with its tag."""


class StickerChanges(TypedDict, total=False):
    """What can be changed of a sticker."""

    name: str
    description: str | None
    tags: str


class Stickers(Registry[int, Sticker]):
    """All stickers by id: those of guilds, and the standard ones of the pack."""

    def __init__(self, world: State, pictures: Pictures) -> None:
        super().__init__(world)
        self._pictures = pictures
        for place, (name, tag) in enumerate(_STANDARD.items(), 1):
            self._items[PACK_ID + place] = Sticker(PACK_ID + place, name, tag, pack_id=PACK_ID, sort_value=place)

    def add(
        self,
        guild: Guild,
        name: str,
        *,
        tags: str = "👋",
        description: str | None = None,
        format: int = PNG,
        content: bytes = b"",
        creator: User | None = None,
    ) -> Sticker:
        """Add a sticker to a guild; ada is its creator by default. Raises Impossible if there are too many."""
        _refuse_lengths(name, description, tags)
        if len(guild.stickers) >= bounds.STICKERS.most:
            raise LimitReached(f"{guild.name} has {bounds.STICKERS.most} stickers already", bounds.STICKERS)
        sticker = Sticker(
            self._world.next_id(), name, tags, format, description, guild.id, creator or self._world.owner
        )
        self._pictures.keep(f"stickers/{sticker.id}", content)
        self._keep(guild, sticker)
        return sticker

    def edit(self, guild: Guild, sticker: Sticker, **changes: Unpack[StickerChanges]) -> Sticker:
        """Change a sticker of a guild and return it as it is then. Raises Impossible if the guild does not have it."""
        changed = replace(self._kept(guild, sticker), **changes)
        _refuse_lengths(changed.name, changed.description, changed.tags)
        self._keep(guild, changed)
        return changed

    def remove(self, guild: Guild, sticker: Sticker) -> None:
        """Remove a sticker from a guild; messages keep it. Raises Impossible if the guild does not have it."""
        id = self._kept(guild, sticker).id
        del guild.stickers[id], self._items[id]
        self._changed(guild)

    def pack(self) -> JSON:
        """Return Discord's sticker pack object of the pack that everyone has."""
        standard = [sticker for sticker in self._items.values() if sticker.pack_id == PACK_ID]
        return {
            "id": str(PACK_ID),
            "sku_id": str(PACK_ID),
            "name": "Sandbox",
            "description": "Stickers that everyone has.",
            "cover_sticker_id": str(standard[0].id),
            "banner_asset_id": str(PACK_ID),
            "stickers": [sticker.payload() for sticker in standard],
        }

    def _keep(self, guild: Guild, sticker: Sticker) -> None:
        guild.stickers[sticker.id] = self._items[sticker.id] = sticker
        self._changed(guild)

    def _kept(self, guild: Guild, sticker: Sticker) -> Sticker:
        found = guild.stickers.get(sticker.id)
        if found is None:
            raise Impossible(f"{guild.name} has no sticker {sticker.name}")
        return found

    def _changed(self, guild: Guild) -> None:
        stickers = [sticker.payload() for sticker in guild.stickers.values()]
        self._world.dispatch("GUILD_STICKERS_UPDATE", {"guild_id": str(guild.id), "stickers": stickers}, guild)
        self._world.changes.send(GuildChanged(guild))


def _refuse_lengths(name: str, description: str | None, tags: str) -> None:
    refuse_length("a sticker's name", name, bounds.STICKER_NAME)
    refuse_length("a sticker's description", description or "", bounds.STICKER_DESCRIPTION)
    refuse_length("a sticker's tags", tags, bounds.STICKER_TAGS)
