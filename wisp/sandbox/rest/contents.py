"""What Discord keeps of a message's embeds and components: the fields that it knows, with its defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import count

from wisp.limits import Violation
from wisp.sandbox.world.objects import JSON, Attachment
from wisp.sandbox.world.world import World

SELECT_FIELDS = ("custom_id", "placeholder", "min_values", "max_values", "disabled")

COMPONENT_FIELDS: Mapping[int, tuple[str, ...]] = {
    1: ("components",),
    2: ("style", "label", "emoji", "custom_id", "url", "sku_id", "disabled"),
    3: (*SELECT_FIELDS, "options"),
    5: (*SELECT_FIELDS, "default_values"),
    6: (*SELECT_FIELDS, "default_values"),
    7: (*SELECT_FIELDS, "default_values"),
    8: (*SELECT_FIELDS, "default_values", "channel_types"),
    9: ("components", "accessory"),
    10: ("content",),
    11: ("media", "description", "spoiler"),
    12: ("items",),
    13: ("file", "spoiler"),
    14: ("divider", "spacing"),
    17: ("components", "accent_color", "spoiler"),
}
"""The fields of each type of component besides `type` and `id` (components/reference)."""

_SELECT_DEFAULTS: JSON = {"min_values": 1, "max_values": 1}
_COMPONENT_DEFAULTS: Mapping[int, JSON] = {
    3: _SELECT_DEFAULTS,
    5: _SELECT_DEFAULTS,
    6: _SELECT_DEFAULTS,
    7: _SELECT_DEFAULTS,
    8: _SELECT_DEFAULTS,
    11: {"description": None, "spoiler": False},
    13: {"name": None, "size": None, "spoiler": False},
    14: {"divider": True, "spacing": 1},
    17: {"accent_color": None, "spoiler": False},
}
"""What Discord fills in where a component's optional fields are left out."""

_EMBED_PARTS = (
    ("footer", "text", ("text", "icon_url")),
    ("author", "name", ("name", "url", "icon_url")),
    ("image", "url", ("url",)),
    ("thumbnail", "url", ("url",)),
)
"""The parts of an embed, what each cannot be without, and all its fields."""


def stored_embeds(embeds: Iterable[JSON], attachments: Iterable[Attachment]) -> list[JSON]:
    """Embeds as Discord gives them back."""
    urls = _urls(attachments)
    return [{"type": "rich", **_stored_embed(embed, urls)} for embed in embeds]


def stored_components(world: World, components: Iterable[JSON], attachments: Iterable[Attachment]) -> list[JSON]:
    """Components as Discord gives them back, numbered through: who came without an id gets a free one."""
    given = list(components)
    taken = {component.get("id") for _, component in _placed(given)}
    urls, numbers = _urls(attachments), (number for number in count(1) if number not in taken)
    return [_stored_component(world, component, urls, numbers) for component in given]


def media_problems(components: Iterable[JSON], attachments: Iterable[Attachment]) -> Iterator[Violation]:
    """What in components names a file that the message does not have."""
    urls = _urls(attachments)
    for path, component in _placed(components):
        known = _given(component, COMPONENT_FIELDS[component["type"]])
        media = [((*path, name), known[name]) for name in ("media", "file") if name in known]
        media += [((*path, "items", n, "media"), item["media"]) for n, item in enumerate(known.get("items", ()))]
        for place, item in media:
            if item["url"].lower().startswith("attachment:") and item["url"] not in urls:
                code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
                yield Violation((*place, "url"), code, "The referenced attachment was not found.")


def _placed(
    components: Iterable[JSON], path: tuple[str | int, ...] = ("components",)
) -> Iterator[tuple[tuple[str | int, ...], JSON]]:
    """Each component with its path, nested ones after what holds them."""
    for index, component in enumerate(components):
        known = _given(component, COMPONENT_FIELDS[component["type"]])
        yield (*path, index), component
        yield from _placed(known.get("components", ()), (*path, index, "components"))
        if "accessory" in known:
            yield (*path, index, "accessory"), known["accessory"]


def _urls(attachments: Iterable[Attachment]) -> dict[str, str]:
    """What an address within the message stands for."""
    return {f"attachment://{attachment.filename}": attachment.url for attachment in attachments}


def _given(source: JSON, names: Iterable[str]) -> JSON:
    return {name: source[name] for name in names if source.get(name) is not None}


def _stored_embed(embed: JSON, urls: Mapping[str, str]) -> JSON:
    given = _given(embed, ("title", "description", "url", "color"))
    stored: JSON = {name: value for name, value in given.items() if value != ""}
    if embed.get("timestamp"):
        moment = datetime.fromisoformat(embed["timestamp"])
        stored["timestamp"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    for name, needed, names in _EMBED_PARTS:
        part: JSON = embed.get(name) or {}
        if part.get(needed):
            texts = {key: text for key, text in _given(part, names).items() if text}
            stored[name] = {key: urls.get(text, text) for key, text in texts.items()}
    if embed.get("fields"):
        stored["fields"] = [
            {"name": item["name"], "value": item["value"], "inline": bool(item.get("inline"))}
            for item in embed["fields"]
        ]
    return stored


def _stored_component(world: World, component: JSON, urls: Mapping[str, str], numbers: Iterator[int]) -> JSON:
    def media(given: JSON) -> JSON:
        url = urls.get(given["url"], given["url"])
        return {"id": str(world.next_id()), "url": url, "proxy_url": url}

    def inner(given: JSON) -> JSON:
        return _stored_component(world, given, urls, numbers)

    def item(given: JSON) -> JSON:
        details = _given(given, ("description", "spoiler"))
        return {"description": None, "spoiler": False, **details, "media": media(given["media"])}

    number = component.get("id") or next(numbers)
    kind = component["type"]
    stored: JSON = {"type": kind, "id": number} | _COMPONENT_DEFAULTS.get(kind, {})
    for name, value in _given(component, COMPONENT_FIELDS[kind]).items():
        match name:
            case "components":
                stored[name] = [inner(child) for child in value]
            case "accessory":
                stored[name] = inner(value)
            case "media" | "file":
                stored[name] = media(value)
            case "items":
                stored[name] = [item(child) for child in value]
            case "emoji":
                stored[name] = _stored_emoji(value)
            case "options":
                stored[name] = [_stored_select_option(option) for option in value]
            case "default_values":
                stored[name] = [_stored_default(default) for default in value]
            case "sku_id":
                stored[name] = str(value)
            case _:
                stored[name] = value
    return stored


def _stored_select_option(option: JSON) -> JSON:
    stored = _given(option, ("label", "value", "description", "default"))
    return {**stored, "emoji": _stored_emoji(option["emoji"])} if option.get("emoji") is not None else stored


def _stored_emoji(emoji: JSON) -> JSON:
    stored = {"name": "", **_given(emoji, ("name", "animated"))}
    return {**stored, "id": str(emoji["id"])} if emoji.get("id") is not None else stored


def _stored_default(default: JSON) -> JSON:
    return {"type": default["type"], "id": str(default["id"])}
