"""Search over REST: the messages of a guild, and the threads of a channel, that fit all filters of a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import MISSING_ACCESS, DiscordError
from wisp.sandbox.rest.fields import LAST_ID, Fields
from wisp.sandbox.rest.threads import listing
from wisp.sandbox.world.bounds import Bound
from wisp.sandbox.world.objects import JSON, REPLY, Channel, Guild, Message
from wisp.sandbox.world.permissions import Permission

MESSAGES, THREADS = "resources/message#search-guild-messages", "resources/channel#search-threads"

OFFSET, SLOP = Bound(0, 9975, MESSAGES), Bound(0, 100, MESSAGES)
CONTENT, FILENAME, WORD = Bound(0, 1024, MESSAGES), Bound(0, 1024, MESSAGES), Bound(0, 256, MESSAGES)
THREAD_NAME = Bound(0, 100, THREADS)

PAGE_SIZE = 25

CONTENT_INTENT = 1 << 18 | 1 << 19
"""The flags of an application that may read the content of messages, without which it cannot search."""

_LINK = re.compile(r"https?://([^\s/:?#]+)", re.IGNORECASE)

_HAS: Mapping[str, Callable[[Message], bool]] = {
    "link": lambda message: _LINK.search(message.content) is not None,
    "embed": lambda message: bool(message.embeds),
    "file": lambda message: bool(message.attachments),
    "image": lambda message: _has_file(message, "image/"),
    "video": lambda message: _has_file(message, "video/"),
    "sound": lambda message: _has_file(message, "audio/"),
    "sticker": lambda message: bool(message.payload().get("sticker_items")),
    "poll": lambda message: "poll" in message.payload(),
    "snapshot": lambda message: "message_snapshots" in message.payload(),
}
"""What a message can have, by the names of the query."""

_AUTHORS: Mapping[str, Callable[[Message], bool]] = {
    "user": lambda message: message.webhook is None and not message.author.bot,
    "bot": lambda message: message.webhook is None and message.author.bot,
    "webhook": lambda message: message.webhook is not None,
}
"""Types of authors, by the names of the query."""


class Filters:
    """The filters of a search for messages, read from a query. A list in the query fits if one of its values does."""

    def __init__(self, call: Call) -> None:
        query = call.query
        lists = Fields({name: call.query_list(name) for name in _LISTS})
        self.words: Sequence[str] = (query.text("content", CONTENT) or "").lower().split()
        query.integer("slop", SLOP)  # words fit here wherever they stand
        self.ids: dict[str, list[int]] = {name: lists.snowflakes(name, most) for name, most in _ID_LISTS.items()}
        self.texts: dict[str, list[str]] = {
            name: [text.lower() for text in lists.texts(name, 100, bound)] for name, bound in _TEXT_LISTS.items()
        }
        self.flags: dict[str, bool | None] = {name: query.boolean(name) for name in ("mention_everyone", "pinned")}
        self.nsfw: bool = query.boolean("include_nsfw") or False
        self.has: list[str] = lists.words("has", [*_HAS, *(f"-{name}" for name in _HAS)])
        self.authors: list[str] = lists.words("author_type", [*_AUTHORS, *(f"-{name}" for name in _AUTHORS)])
        self.after: int = query.snowflake("min_id") or 0
        self.before: int = query.snowflake("max_id") or LAST_ID
        query.check()
        lists.check()

    @cached_property
    def channels(self) -> frozenset[int]:
        """The ids of the channels to search in; all if there are none."""
        return frozenset(self.ids["channel_id"])

    def searches(self, channel: Channel) -> bool:
        """Return whether a channel is searched."""
        shown = channel.parent if channel.is_thread and channel.parent is not None else channel
        return (not self.channels or channel.id in self.channels) and (self.nsfw or not shown.nsfw)

    def fit(self, message: Message) -> bool:
        """Return whether a message fits all filters."""
        content = message.content.lower()
        replied = message.reference if message.kind == REPLY else None
        found: dict[str, set[Any]] = {
            "author_id": {message.author.id},
            "mentions": {user.id for user in message.mentions},
            "mentions_role_id": set(message.mention_roles),
            "replied_to_user_id": {replied.author.id} if replied else set(),
            "replied_to_message_id": {replied.id} if replied else set(),
            "link_hostname": {host.lower() for host in _LINK.findall(message.content)},
            "embed_provider": {embed["provider"]["name"].lower() for embed in message.embeds if embed.get("provider")},
            "embed_type": {embed.get("type", "") for embed in message.embeds},
            "attachment_filename": {file.filename.lower() for file in message.attachments},
            "attachment_extension": {file.filename.rpartition(".")[2].lower() for file in message.attachments},
        }
        wanted: Mapping[str, Sequence[Any]] = {**self.ids, **self.texts}
        flags = {"mention_everyone": message.mention_everyone, "pinned": message.pinned is not None}
        return (
            self.after < message.id < self.before
            and all(word in content for word in self.words)
            and all(not found[name].isdisjoint(wanted[name]) for name in found if wanted[name])
            and all(value is None or flags[name] is value for name, value in self.flags.items())
            and all(_fits(name, _HAS, message) for name in self.has)
            and _is_by(message, self.authors)
        )


_ID_LISTS = {
    "author_id": 100,
    "mentions": 100,
    "mentions_role_id": 100,
    "replied_to_user_id": 100,
    "replied_to_message_id": 100,
    "channel_id": 500,
}
_TEXT_LISTS = {
    "link_hostname": WORD,
    "embed_provider": WORD,
    "embed_type": WORD,
    "attachment_extension": WORD,
    "attachment_filename": FILENAME,
}
_LISTS = (*_ID_LISTS, *_TEXT_LISTS, "has", "author_type")
"""Filters that a query can name several times."""


def search_messages(call: Call) -> Answer:
    """List a guild's messages that fit the query and that the bot may read, each in a list of its own."""
    if not call.world.application_flags & CONTENT_INTENT:
        raise DiscordError(MISSING_ACCESS)
    filters, limit, offset, oldest_first = Filters(call), *_part(call, ("timestamp", "relevance"))
    places = [place for place in call.guild.places if _readable(call, place) and filters.searches(place)]
    found = [message for place in places for message in place.messages.values() if filters.fit(message)]
    found.sort(key=lambda message: message.id, reverse=not oldest_first)
    shown = found[offset : offset + limit]
    threads = list(dict.fromkeys(message.channel for message in shown if message.channel.is_thread))
    listed = listing(call, threads)
    return 200, {
        "messages": [[_hit(message)] for message in shown],
        "doing_deep_historical_index": False,
        "total_results": len(found),
        "threads": listed["threads"],
        "members": listed["members"],
    }


def search_threads(call: Call) -> Answer:
    """List a channel's threads whose names and tags fit the query, with the first message of each."""
    query = call.query
    lists = Fields({"tag": [tag for text in call.query_list("tag") for tag in text.split(",")]})
    words, tags = (query.text("name", THREAD_NAME) or "").lower().split(), set(lists.snowflakes("tag", 20))
    query.integer("slop", SLOP)
    every = query.word("tag_setting", ("match_all", "match_some")) != "match_some"
    archived = query.boolean("archived")
    after, before = query.snowflake("min_id") or 0, query.snowflake("max_id") or LAST_ID
    sorts = ("last_message_time", "creation_time", "archive_time", "relevance")
    limit, offset, oldest_first = _part(call, sorts)
    lists.check()

    def fits(thread: Channel) -> bool:
        about = thread.thread
        assert about is not None
        own = tags & set(about.tags)
        return (
            after < thread.id < before
            and all(word in thread.name.lower() for word in words)
            and (not tags or (own == tags if every else bool(own)))
            and archived in (None, about.archived)
        )

    def moment(thread: Channel) -> float:
        about = thread.thread
        if query.raw("sort_by") == "archive_time" and about is not None:
            return about.archive_moment
        return thread.id if query.raw("sort_by") == "creation_time" else thread.last_message_id or thread.id

    guild: Guild = call.guild
    mine = [one for one in guild.threads.values() if one.parent is call.channel and _readable(call, one) and fits(one)]
    mine.sort(key=moment, reverse=not oldest_first)
    shown = mine[offset : offset + limit]
    firsts = [message for one in shown if (message := one.messages.get(one.id)) is not None]
    return 200, listing(call, shown) | {
        "has_more": len(mine) > offset + limit,
        "first_messages": [message.payload() for message in firsts],
        "total_results": len(mine),
    }


def _part(call: Call, sorts: Sequence[str]) -> tuple[int, int, bool]:
    """Read how many results a query asks for, how many to leave out before, and whether the oldest come first."""
    query = call.query
    limit, offset = query.integer("limit", Bound(1, PAGE_SIZE, MESSAGES)), query.integer("offset", OFFSET)
    query.word("sort_by", sorts)
    order = query.word("sort_order", ("asc", "desc"))
    query.check()
    return limit or PAGE_SIZE, offset or 0, order == "asc"


def _readable(call: Call, place: Channel) -> bool:
    """Return whether the bot sees a channel and may read its history."""
    return call.world.sees(call.world.bot, place) and call.may(Permission.READ_MESSAGE_HISTORY, place)


def _hit(message: Message) -> JSON:
    """Return a message as a result: without its reactions."""
    return {name: value for name, value in message.payload().items() if name != "reactions"} | {"hit": True}


def _has_file(message: Message, kind: str) -> bool:
    return any(file.content_type.startswith(kind) for file in message.attachments)


def _fits(name: str, known: Mapping[str, Callable[[Message], bool]], message: Message) -> bool:
    """Return whether a message has what is named, or (with a minus before the name) has it not."""
    return known[name.removeprefix("-")](message) is not name.startswith("-")


def _is_by(message: Message, authors: Sequence[str]) -> bool:
    """Return whether a message is by one of the wanted types of authors, and by none of the unwanted."""
    wanted = [name for name in authors if not name.startswith("-")]
    unwanted = [name for name in authors if name.startswith("-")]
    fits = all(_fits(name, _AUTHORS, message) for name in unwanted)
    return fits and (not wanted or any(_fits(name, _AUTHORS, message) for name in wanted))


ROUTES = [
    Route("GET", "/guilds/{guild}/messages/search", search_messages, needs=Permission.READ_MESSAGE_HISTORY),
    Route("GET", "/channels/{channel}/threads/search", search_threads, needs=Permission.READ_MESSAGE_HISTORY),
]
