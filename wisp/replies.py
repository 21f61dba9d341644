"""Replies: embeds that look alike over a whole bot, and answers that say how something went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import hikari

from . import limits
from .config import in_use
from .errors import AnswerError

if TYPE_CHECKING:
    from .context import InteractionContext
    from .responder import Answer

_SUCCESS, _ERROR, _INFO, _WARNING = 0x57F287, 0xED4245, 0x5865F2, 0xFEE75C


class EmbedBuilder:
    """Embeds of one look: `EmbedBuilder.success(title="Saved", description="It is kept.")`.

    Each is a `hikari.Embed`, to be filled further. What is too long for Discord is cut, with "…" at its end: a title
    after 256 characters, a description after 4,096, all texts together after 6,000. The bot's `embed_color` is that of
    `info`, its `embed_footer` stands under all.
    """

    @staticmethod
    def success(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Something went well: green."""
        return _embed(_SUCCESS, title, description)

    @staticmethod
    def error(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Something went wrong: red."""
        return _embed(_ERROR, title, description)

    @staticmethod
    def info(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Something to know: the bot's colour, blue where it has none."""
        config = in_use.get()
        brand = config.embed_color if config is not None else None
        return _embed(_INFO if brand is None else brand, title, description)

    @staticmethod
    def warning(title: str | None = None, description: str | None = None) -> hikari.Embed:
        """Something to be careful with: yellow."""
        return _embed(_WARNING, title, description)


async def respond_success(
    ctx: InteractionContext[Any],
    message: str = "",
    *,
    embed: hikari.Embed | None = None,
    ephemeral: bool | None = None,
    components: Sequence[hikari.api.ComponentBuilder] = (),
) -> Answer:
    """Answer that something went well: with `message` in an embed, or beside the one that is given.

    `components` and `ephemeral` are as in `ctx.respond`.
    """
    return await _respond(ctx, EmbedBuilder.success, message, embed, ephemeral, components)


async def respond_error(
    ctx: InteractionContext[Any],
    message: str = "",
    *,
    embed: hikari.Embed | None = None,
    ephemeral: bool | None = True,
    components: Sequence[hikari.api.ComponentBuilder] = (),
) -> Answer:
    """Answer that something went wrong, privately unless told otherwise; else as `respond_success`."""
    return await _respond(ctx, EmbedBuilder.error, message, embed, ephemeral, components)


async def respond_info(
    ctx: InteractionContext[Any],
    message: str = "",
    *,
    embed: hikari.Embed | None = None,
    ephemeral: bool | None = None,
    components: Sequence[hikari.api.ComponentBuilder] = (),
) -> Answer:
    """Answer with something to know, as `respond_success`."""
    return await _respond(ctx, EmbedBuilder.info, message, embed, ephemeral, components)


async def respond_warning(
    ctx: InteractionContext[Any],
    message: str = "",
    *,
    embed: hikari.Embed | None = None,
    ephemeral: bool | None = None,
    components: Sequence[hikari.api.ComponentBuilder] = (),
) -> Answer:
    """Answer with something to be careful with, as `respond_success`."""
    return await _respond(ctx, EmbedBuilder.warning, message, embed, ephemeral, components)


async def _respond(
    ctx: InteractionContext[Any],
    kind: Callable[[None, str], hikari.Embed],
    message: str,
    embed: hikari.Embed | None,
    ephemeral: bool | None,
    components: Sequence[hikari.api.ComponentBuilder],
) -> Answer:
    if not message and embed is None:
        raise AnswerError("There is nothing to say. Give it a message, an embed, or both.")
    content = message if embed is not None and message else hikari.UNDEFINED
    shown = embed or kind(None, message)
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
