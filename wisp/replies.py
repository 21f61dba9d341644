"""Replies: embeds in one style for the whole bot, and responses that report success, an error or a warning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import hikari

from . import limits
from .config import in_use
from .errors import AnswerError

if TYPE_CHECKING:
    from .context import InteractionContext
    from .responder import Answer

_GREEN, _RED, _BLUE, _YELLOW = 0x57F287, 0xED4245, 0x5865F2, 0xFEE75C


class EmbedBuilder:
    """Embeds in one style: `EmbedBuilder.success(title="Saved", description="The settings are saved.")`.

    Each method returns a `hikari.Embed`, to be filled further. A str that is too long for Discord is cut, and ends in
    "…": a title after 256 characters, a description after 4,096, all of them together after 6,000. The bot's
    `embed_color` is the colour of `info`, its `embed_footer` the footer of all.
    """

    @staticmethod
    def success(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Return a green embed, for success."""
        return _embed(_GREEN, title, description)

    @staticmethod
    def error(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Return a red embed, for errors."""
        return _embed(_RED, title, description)

    @staticmethod
    def info(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Return an embed in the bot's colour (blue by default), for information."""
        config = in_use.get()
        return _embed(_BLUE if config is None or config.embed_color is None else config.embed_color, title, description)

    @staticmethod
    def warning(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Return a yellow embed, for warnings."""
        return _embed(_YELLOW, title, description)


class ReplySettings(TypedDict, total=False):
    """The settings of `respond_success` and its siblings; `ephemeral` and `components` are those of `ctx.respond`."""

    embed: hikari.Embed | None
    ephemeral: bool | None
    components: Sequence[hikari.api.ComponentBuilder]


async def respond_success(ctx: InteractionContext[Any], message: str = "", **settings: Unpack[ReplySettings]) -> Answer:
    """Respond that something succeeded: with `message` in a green embed, or beside the `embed` that is given.

    Raises AnswerError if there is neither.
    """
    return await _respond(ctx, EmbedBuilder.success, message, **settings)


async def respond_error(ctx: InteractionContext[Any], message: str = "", **settings: Unpack[ReplySettings]) -> Answer:
    """Respond that something failed, privately unless `ephemeral=False`; otherwise like `respond_success`."""
    settings.setdefault("ephemeral", True)
    return await _respond(ctx, EmbedBuilder.error, message, **settings)


async def respond_info(ctx: InteractionContext[Any], message: str = "", **settings: Unpack[ReplySettings]) -> Answer:
    """Respond with information, like `respond_success`."""
    return await _respond(ctx, EmbedBuilder.info, message, **settings)


async def respond_warning(ctx: InteractionContext[Any], message: str = "", **settings: Unpack[ReplySettings]) -> Answer:
    """Respond with a warning, like `respond_success`."""
    return await _respond(ctx, EmbedBuilder.warning, message, **settings)


async def _respond(
    ctx: InteractionContext[Any],
    build: Callable[[None, str], hikari.Embed],
    message: str,
    embed: hikari.Embed | None = None,
    ephemeral: bool | None = None,
    components: Sequence[hikari.api.ComponentBuilder] = (),
) -> Answer:
    if not message and embed is None:
        raise AnswerError("The reply is empty. Pass a message, an embed, or both.")
    content = message if embed is not None and message else hikari.UNDEFINED
    shown = embed or build(None, message)
    return await ctx.respond(content, embed=shown, ephemeral=ephemeral, components=components or hikari.UNDEFINED)


def _embed(color: int, title: str | None, description: str | None) -> hikari.Embed:
    config = in_use.get()
    footer = (config.embed_footer if config is not None else None) or ""
    title = _cut(title or "", limits.EMBED_TITLE)
    left = limits.EMBEDS_SIZE - len(title) - len(footer)
    description = _cut(description or "", min(limits.EMBED_DESCRIPTION, left))
    embed = hikari.Embed(title=title or None, description=description or None, color=color)
    return embed.set_footer(footer) if footer else embed


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
