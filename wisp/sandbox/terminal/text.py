"""A message as lines of plain text: mentions by name, embeds and files in words, and no control characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from wisp.sandbox.world.objects import JSON, Attachment, Message
from wisp.sandbox.world.world import World

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that reverse the text after them, line breaks except "\\n", and lone surrogates."""

MARKUP = re.compile(
    r"<@!?(?P<user>\d{1,20})>|<@&(?P<role>\d{1,20})>|<#(?P<channel>\d{1,20})>"
    r"|</(?P<command>[^:<>]{1,100}):\d{1,20}>|<a?:(?P<emoji>\w{2,32}):\d{1,20}>"
    r"|<t:(?P<moment>-?\d{1,13})(?::[a-zA-Z])?>"
)


def readable(text: str, world: World) -> str:
    """Return a text with names in place of Discord's markup (`<@1>` is @ada), and without control characters."""
    return CONTROLS.sub("\ufffd", MARKUP.sub(lambda match: _read(match, world), text))


def on_one_line(text: str) -> str:
    """Return a name, or another text that takes one line, without line breaks and control characters."""
    return CONTROLS.sub("\ufffd", text.replace("\n", "\ufffd"))


def message_lines(message: Message, world: World) -> list[str]:
    """Return a message without its author: text, embeds, files, stickers, components; indented from the second line."""
    lines = readable(message.content, world).split("\n") if message.content else []
    if message.snapshot is not None:
        lines.append(f"forwards: {on_one_line(readable(message.snapshot['content'], world))}")
    for embed in message.embeds if message.snapshot is None else message.snapshot["embeds"]:
        lines += [f"| {line}" for line in embed_lines(embed, world)]
    if message.poll is not None:
        lines += [f"| {on_one_line(readable(line, world))}" for line in message.poll.lines]
    lines += [file_line(attachment) for attachment in message.attachments]
    lines += [f"[sticker {on_one_line(sticker.name)}]" for sticker in message.stickers]
    if labels := " ".join(f"[{readable(label, world)}]" for label in _labels(message.components)):
        lines += labels.split("\n")
    return [line if number == 0 else f"  {line}" for number, line in enumerate(lines or [""])]


def embed_lines(embed: JSON, world: World) -> list[str]:
    """Return the lines of an embed, in the order in which a client shows them; images as their URLs."""
    fields = [f"{field.get('name', '')}: {field.get('value', '')}" for field in embed.get("fields", [])]
    parts = [
        embed.get("author", {}).get("name"),
        embed.get("title"),
        embed.get("url"),
        embed.get("description"),
        *fields,
        embed.get("thumbnail", {}).get("url"),
        embed.get("image", {}).get("url"),
        embed.get("footer", {}).get("text"),
    ]
    return [line for part in parts if part for line in readable(str(part), world).split("\n")]


def file_line(attachment: Attachment) -> str:
    """Return the name and size of a file."""
    return f"[file {on_one_line(attachment.filename)}, {attachment.size} byte{'' if attachment.size == 1 else 's'}]"


def written_moment(moment: float, *, seconds: bool = False) -> str:
    """Return a moment in seconds since the Unix epoch as a date and a time of day, to the minute or the second."""
    return datetime.fromtimestamp(moment, UTC).strftime(f"%Y-%m-%d %H:%M{':%S' if seconds else ''} UTC")


def _read(match: re.Match[str], world: World) -> str:
    kind, value = match.lastgroup, match[match.lastgroup or 0]
    if kind in ("command", "emoji"):
        return f"/{value}" if kind == "command" else f":{value}:"
    if kind == "moment":
        return _moment(match, int(value))
    id = int(value)
    if kind == "user" and id in world.users:
        return f"@{on_one_line(world.users[id].name)}"
    if kind == "channel" and id in world.channels:
        return f"#{on_one_line(world.channels[id].name)}"
    if kind == "role":
        for guild in world.guilds.values():
            if id in guild.roles:
                return f"@{on_one_line(guild.roles[id].name.removeprefix('@'))}"
    return match[0]


def _moment(match: re.Match[str], seconds: int) -> str:
    try:
        return written_moment(seconds)
    except (OverflowError, ValueError, OSError):  # a year that Python does not have
        return match[0]


def _labels(components: list[JSON]) -> Iterator[str]:
    """Yield the labels of buttons, selects and texts, in rows and containers too; disabled ones in brackets."""
    for component in components:
        said = next((component[key] for key in ("label", "placeholder", "content") if component.get(key)), None)
        if said is None and component.get("emoji"):
            said = component["emoji"].get("name")
        if said is None and component.get("options"):
            said = " | ".join(option["label"] for option in component["options"])
        if isinstance(said, str):
            yield f"({said})" if component.get("disabled") else said
        yield from _labels(component.get("components", []))
        if accessory := component.get("accessory"):
            yield from _labels([accessory])
