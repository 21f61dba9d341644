"""The soundboard over REST: the sounds that every guild has."""

from __future__ import annotations

from aiohttp import web

from wisp.sandbox.rest.call import Answer, Lookups, Route

DEFAULT_SOUNDS = {
    "quack": "🦆",
    "airhorn": "🔊",
    "cricket": "🦗",
    "golf clap": "👏",
    "sad horn": "🎺",
    "ba dum tss": "🥁",
}
"""Discord's own sounds by name, each with its emoji, in the order of their ids, which count from 1."""


class Soundboard(Lookups):
    """The route of the default sounds."""

    def routes(self) -> list[Route]:
        """Its row of the table."""
        return [Route("GET", "/soundboard-default-sounds", self.list_defaults)]

    async def list_defaults(self, request: web.Request) -> Answer:
        """Discord's own sounds (docs.discord.com/developers/resources/soundboard, "List Default Soundboard Sounds")."""
        return 200, [
            {
                "name": name,
                "sound_id": str(number),
                "volume": 1.0,
                "emoji_id": None,
                "emoji_name": emoji,
                "available": True,
            }
            for number, (name, emoji) in enumerate(DEFAULT_SOUNDS.items(), 1)
        ]
