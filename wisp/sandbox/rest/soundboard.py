"""The soundboard over REST: the sounds that every guild has."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route

DEFAULT_SOUNDS = {
    "quack": "🦆",
    "airhorn": "🔊",
    "cricket": "🦗",
    "golf clap": "👏",
    "sad horn": "🎺",
    "ba dum tss": "🥁",
}
"""Discord's own sounds by name, each with its emoji, in the order of their ids, which count from 1."""


def list_defaults(call: Call) -> Answer:
    """List Discord's own sounds (resources/soundboard#list-default-soundboard-sounds)."""
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


ROUTES = [Route("GET", "/soundboard-default-sounds", list_defaults)]
