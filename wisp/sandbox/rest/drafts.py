"""The message in a body: what a bot sends or edits, checked, and what Discord keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple, TypedDict

from wisp.limits import ATTACHMENTS, Violation, is_integer
from wisp.sandbox.rest.errors import (
    CANNOT_EDIT_POLL,
    CANNOT_EDIT_VOICE,
    EMPTY_MESSAGE,
    INVALID_STICKER,
    NOT_ONE_VOICE,
    VOICE_WITH_MORE,
    VOICE_WITHOUT_METADATA,
    DiscordError,
    Unserved,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields
from wisp.sandbox.rest.shapes import STICKERS, is_emoji, message_violations
from wisp.sandbox.world.bounds import POLL_ANSWER, POLL_HOURS, POLL_QUESTION, Bound
from wisp.sandbox.world.objects import (
    COMPONENTS_V2,
    IS_VOICE,
    JSON,
    LOADING,
    SUPPRESS_EMBEDS,
    Attachment,
    Message,
    Poll,
    Sticker,
    media_type,
)
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
"""The values of a component's optional fields that are left out."""

_EMBED_PARTS = (
    ("footer", "text", ("text", "icon_url")),
    ("author", "name", ("name", "url", "icon_url")),
    ("image", "url", ("url",)),
    ("thumbnail", "url", ("url",)),
)
"""The parts of an embed, the field that each needs, and all its fields."""

_UNSERVED = {"shared_client_theme": "themes in messages"}
"""Fields of a message that Discord has and the sandbox has not."""


class PollDraft(NamedTuple):
    """A poll of a message that is not sent yet. `hours` are those that it will be open."""

    question: str
    answers: list[JSON]
    hours: int
    multiselect: bool

    def opened(self, now: float) -> Poll:
        """Return the poll, open from now on."""
        return Poll(self.question, self.answers, now + self.hours * 3600, self.multiselect)


class Upload(NamedTuple):
    """A file of a message that is not sent yet."""

    filename: str
    content: bytes
    description: str | None
    duration: float | None = None
    waveform: str | None = None


@dataclass(slots=True)
class Draft:
    """A message that a bot sends, or its changes to one: None then is what stays as it was.

    `kept` are the files of an edited message that it keeps, `uploads` the new ones, which are stored when the message
    is. `embeds` and `components` are as the bot sent them.
    """

    content: str | None = None
    embeds: list[JSON] | None = None
    components: list[JSON] | None = None
    kept: list[Attachment] | None = None
    uploads: Sequence[Upload] = ()
    flags: int | None = None
    allowed_mentions: JSON | None = None
    tts: bool = False
    ephemeral: bool = False
    poll: PollDraft | None = None
    stickers: Sequence[Sticker] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        shown = (self.content, self.embeds, self.components, self.kept, self.uploads, self.poll, self.stickers)
        return not any(shown)


class Content(TypedDict):
    """What a new message says, for `World.add_message`."""

    content: str
    embeds: list[JSON]
    components: list[JSON]
    attachments: list[Attachment]
    stickers: list[Sticker]
    allowed_mentions: JSON | None
    tts: bool
    poll: Poll | None


def read_draft(
    fields: Fields,
    files: Mapping[int, tuple[str, bytes]],
    *,
    old: Message | None = None,
    ephemeral: bool = False,
    usable: Mapping[int, Sticker] | None = None,
) -> Draft:
    """Read a new message, or an edit of `old`, and check it; nothing is stored yet. Raises DiscordError.

    `usable` are the stickers that it may have; if it may have none (None), `sticker_ids` are ignored. A new message
    that is empty is refused; an edit may be empty until `apply_draft` knows what is left.
    """
    payload = fields.values
    flags = read_flags(fields)
    # A message of the new components stays one.
    lasting = old.flags & COMPONENTS_V2 if old else 0
    fields.refuse_all(message_violations({**payload, "flags": flags | lasting}))
    fields.check()
    for name, what in _UNSERVED.items():
        if payload.get(name) not in (None, []):
            raise Unserved(what)
    if old is not None and old.poll is not None:
        raise DiscordError(CANNOT_EDIT_POLL)
    if old is not None and old.flags & IS_VOICE:
        raise DiscordError(CANNOT_EDIT_VOICE)
    # Of edits only the one that fills a deferral can add a poll (interactions/receiving-and-responding).
    poll = _read_poll(fields) if old is None or old.loading else None
    kept, uploads = _read_files(fields, files, old)
    seen = [*(kept if kept is not None else old.attachments if old else ()), *uploads]
    fields.refuse_all(_media_problems(payload.get("components") or (), seen))
    fields.check()
    given = payload.keys() if old is not None else {"content", "embeds", "components", "flags"}
    draft = Draft(
        content=(payload.get("content") or "").strip() if "content" in given else None,
        embeds=payload.get("embeds") or [] if "embeds" in given else None,
        components=payload.get("components") or [] if "components" in given else None,
        kept=kept,
        uploads=uploads,
        flags=flags if "flags" in given else None,
        allowed_mentions=payload.get("allowed_mentions"),
        tts=payload.get("tts") is True,
        ephemeral=ephemeral or (old is not None and old.ephemeral),
        poll=poll,
        stickers=[] if usable is None else _read_stickers(fields, usable),
    )
    if old is None and flags & IS_VOICE:
        _check_voice(draft)
    if old is None and draft.empty:
        raise DiscordError(EMPTY_MESSAGE)
    return draft


def _check_voice(draft: Draft) -> None:
    """Raise DiscordError if a voice message is not one audio file that says its duration and waveform.

    See https://docs.discord.com/developers/resources/message#voice-messages.
    """
    if draft.content or draft.embeds or draft.components or draft.poll:
        raise DiscordError(VOICE_WITH_MORE)
    if len(draft.uploads) != 1 or not media_type(draft.uploads[0].filename).startswith("audio/"):
        raise DiscordError(NOT_ONE_VOICE)
    if draft.uploads[0].duration is None or draft.uploads[0].waveform is None:
        raise DiscordError(VOICE_WITHOUT_METADATA)


def _read_poll(fields: Fields) -> PollDraft | None:
    """Read the poll of a new message, None if there is none."""
    poll = fields.object("poll")
    if poll is None:
        return None
    question, medias = poll.object("question"), [answer.object("poll_media") for answer in poll.objects("answers", 10)]
    for name in ("question", "answers"):
        poll.require(name)
    if poll.raw("answers") is not None and not medias:
        poll.refuse("answers", "BASE_TYPE_MIN_LENGTH", "Must be 1 or more in length.")
    answers = [_read_answer(media) for media in medias if media is not None]
    if None in medias:
        poll.refuse("answers", *REQUIRED)
    hours, _ = poll.integer("duration", POLL_HOURS), poll.choice("layout_type", (1,))
    multiselect = poll.boolean("allow_multiselect") or False
    text = question.text("text", POLL_QUESTION, required=True) if question is not None else ""
    fields.check()
    return PollDraft(text, answers, hours or 24, multiselect)


def _read_answer(media: Fields) -> JSON:
    """Read an answer of a poll: a text, and an emoji if there is one."""
    answer: JSON = {"text": media.text("text", POLL_ANSWER, required=True)}
    emoji = media.object("emoji")
    if emoji is None:
        return answer
    id, name = emoji.snowflake("id"), emoji.text("name", Bound(0, 32, ""))
    if id is None and not is_emoji(name or ""):
        media.refuse("emoji", "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")
    return answer | {"emoji": {"id": id and str(id), "name": name}}


def _read_stickers(fields: Fields, usable: Mapping[int, Sticker]) -> list[Sticker]:
    """Read the stickers of a message, each once. Raises DiscordError for one that is not usable there."""
    ids = dict.fromkeys(fields.snowflakes("sticker_ids", STICKERS))
    fields.check()
    if any(id not in usable for id in ids):
        raise DiscordError(INVALID_STICKER)
    return [usable[id] for id in ids]


def read_flags(fields: Fields) -> int:
    """Read the flags of a message, 0 if there are none. Raises DiscordError if they are not an integer."""
    flags = fields.raw("flags") or 0
    if is_integer(flags):
        return flags
    fields.refuse("flags", "NUMBER_TYPE_COERCE", "Value is not int.")
    fields.check()
    return 0


def stored(world: World, draft: Draft) -> Content:
    """Store the files of a new message, and return what it says as Discord keeps it."""
    attachments = _store_files(world, draft)
    return {
        "content": draft.content or "",
        "embeds": _stored_embeds(draft.embeds or (), attachments),
        "components": _stored_components(world, draft.components or (), attachments),
        "attachments": attachments,
        "stickers": list(draft.stickers),
        "allowed_mentions": draft.allowed_mentions,
        "tts": draft.tts,
        "poll": draft.poll and draft.poll.opened(world.clock.time()),
    }


def apply_draft(world: World, message: Message, draft: Draft) -> None:
    """Edit a message. Raises DiscordError if nothing would be left of it."""
    left = (
        message.content if draft.content is None else draft.content,
        message.embeds if draft.embeds is None else draft.embeds,
        message.components if draft.components is None else draft.components,
        message.attachments if draft.kept is None else (*draft.kept, *draft.uploads),
        draft.poll or message.snapshot,
        message.stickers,
    )
    if not any(left):
        raise DiscordError(EMPTY_MESSAGE)
    flags = message.flags
    if draft.flags is not None:
        flags = flags & ~SUPPRESS_EMBEDS | draft.flags & (SUPPRESS_EMBEDS | COMPONENTS_V2)
    attachments = None if draft.kept is None else _store_files(world, draft)
    seen = message.attachments if attachments is None else attachments
    world.messages.edit(
        message,
        content=draft.content,
        embeds=None if draft.embeds is None else _stored_embeds(draft.embeds, seen),
        components=None if draft.components is None else _stored_components(world, draft.components, seen),
        attachments=attachments,
        flags=flags & ~LOADING,
        poll=draft.poll and draft.poll.opened(world.clock.time()),
        allowed_mentions=draft.allowed_mentions,
    )


def _read_files(
    fields: Fields, files: Mapping[int, tuple[str, bytes]], old: Message | None
) -> tuple[list[Attachment] | None, list[Upload]]:
    """Return the files of `old` that the form names (all if it names none; None: all, unchanged), and the new ones."""
    named: list[JSON] | None = fields.raw("attachments") or ([] if "attachments" in fields else None)
    if named is None and not files:
        return None if old is not None else [], []
    old_files = {attachment.id: attachment for attachment in (old.attachments if old else ())}
    kept = list(old_files.values()) if named is None else []
    details: dict[int, JSON] = {}
    for index, detail in enumerate(named or ()):
        number = int(detail["id"])
        if number in old_files:
            kept.append(old_files[number])
        elif number in files:
            details[number] = detail
        else:
            problem = Violation(("attachments", index), "ATTACHMENT_NOT_FOUND", "Attachment data not found")
            fields.refuse_all([problem])
    if len(kept) + len(files) > ATTACHMENTS:
        fields.refuse("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {ATTACHMENTS} or fewer in length.")
    fields.check()
    uploads: list[Upload] = []
    for number, (filename, content) in sorted(files.items()):
        detail = details.get(number, {})
        name, about = detail.get("filename") or filename, detail.get("description")
        uploads.append(Upload(name, content, about, detail.get("duration_secs"), detail.get("waveform")))
    return kept, uploads


def _store_files(world: World, draft: Draft) -> list[Attachment]:
    """Store the new files of a message; return all that it has."""
    new = [
        world.attachments.add(
            upload.filename,
            upload.content,
            description=upload.description,
            ephemeral=draft.ephemeral,
            duration=upload.duration,
            waveform=upload.waveform,
        )
        for upload in draft.uploads
    ]
    return [*(draft.kept or ()), *new]


def _stored_embeds(embeds: Iterable[JSON], attachments: Iterable[Attachment]) -> list[JSON]:
    """Return embeds as Discord gives them back."""
    urls = _urls(attachments)
    return [{"type": "rich", **_stored_embed(embed, urls)} for embed in embeds]


def _stored_components(world: World, components: Iterable[JSON], attachments: Iterable[Attachment]) -> list[JSON]:
    """Return components as Discord gives them back, numbered: one that has no id gets a free one."""
    given = list(components)
    taken = {component.get("id") for _, component in _walk(given)}
    urls, ids = _urls(attachments), (id for id in count(1) if id not in taken)
    return [_stored_component(world, component, urls, ids) for component in given]


def _media_problems(components: Iterable[JSON], files: Iterable[Attachment | Upload]) -> Iterator[Violation]:
    """Yield each place in components that names a file which the message does not have."""
    urls = {_local_url(file) for file in files}
    for path, component in _walk(components):
        known = _pick(component, COMPONENT_FIELDS[component["type"]])
        media = [((*path, name), known[name]) for name in ("media", "file") if name in known]
        media += [((*path, "items", n, "media"), item["media"]) for n, item in enumerate(known.get("items", ()))]
        for place, item in media:
            if item["url"].lower().startswith("attachment:") and item["url"] not in urls:
                code = "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"
                yield Violation((*place, "url"), code, "The referenced attachment was not found.")


def _walk(
    components: Iterable[JSON], path: tuple[str | int, ...] = ("components",)
) -> Iterator[tuple[tuple[str | int, ...], JSON]]:
    """Yield each component with its path, before those in it."""
    for index, component in enumerate(components):
        known = _pick(component, COMPONENT_FIELDS[component["type"]])
        yield (*path, index), component
        yield from _walk(known.get("components", ()), (*path, index, "components"))
        if "accessory" in known:
            yield (*path, index, "accessory"), known["accessory"]


def _urls(attachments: Iterable[Attachment]) -> dict[str, str]:
    """Return the URL of each file by the one that the message itself uses."""
    return {_local_url(attachment): attachment.url for attachment in attachments}


def _local_url(file: Attachment | Upload) -> str:
    return f"attachment://{file.filename}"


def _pick(source: JSON, names: Iterable[str]) -> JSON:
    return {name: source[name] for name in names if source.get(name) is not None}


def _stored_embed(embed: JSON, urls: Mapping[str, str]) -> JSON:
    given = _pick(embed, ("title", "description", "url", "color"))
    stored: JSON = {name: value for name, value in given.items() if value != ""}
    if embed.get("timestamp"):
        moment = datetime.fromisoformat(embed["timestamp"])
        stored["timestamp"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    for name, needed, names in _EMBED_PARTS:
        part: JSON = embed.get(name) or {}
        if part.get(needed):
            texts = {key: text for key, text in _pick(part, names).items() if text}
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
        details = _pick(given, ("description", "spoiler"))
        return {"description": None, "spoiler": False, **details, "media": media(given["media"])}

    number = component.get("id") or next(numbers)
    kind = component["type"]
    stored: JSON = {"type": kind, "id": number} | _COMPONENT_DEFAULTS.get(kind, {})
    for name, value in _pick(component, COMPONENT_FIELDS[kind]).items():
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
    stored = _pick(option, ("label", "value", "description", "default"))
    return {**stored, "emoji": _stored_emoji(option["emoji"])} if option.get("emoji") is not None else stored


def _stored_emoji(emoji: JSON) -> JSON:
    stored = {"name": "", **_pick(emoji, ("name", "animated"))}
    return {**stored, "id": str(emoji["id"])} if emoji.get("id") is not None else stored


def _stored_default(default: JSON) -> JSON:
    return {"type": default["type"], "id": str(default["id"])}
