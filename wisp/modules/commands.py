"""/modules: the commands by which members who manage a guild see its modules, and turn them on and off."""

from __future__ import annotations

from typing import Annotated

import hikari

from ..autocomplete import AutocompleteContext
from ..context import GuildContext
from ..errors import UserError
from ..options import Option
from ..prompts import paginate_embeds
from ..replies import EmbedBuilder
from . import Module, ModuleBot, ModuleContext

_PER_PAGE = 10


class ModuleCommands(Module):
    """The module that holds /modules. It cannot be turned off."""

    name = "modules"

    async def setup(self, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Register /modules list, enable and disable."""
        group = bot.group(
            self.name,
            "The parts of this bot, and which are on in this server",
            guild_only=True,
            permissions=hikari.Permissions.MANAGE_GUILD,
            ephemeral=True,
        )
        group.command(name="list")(show)
        group.command(enable)
        group.command(disable)


async def show(ctx: GuildContext) -> None:
    """Show all modules, and which are on here."""
    pages: list[hikari.Embed] = []
    for number, name in enumerate(ctx.bot.modules.list()):
        if number % _PER_PAGE == 0:
            pages.append(EmbedBuilder.info(title="Modules"))
        title, text = await _entry(ctx, name)
        pages[-1].add_field(title, text)
    await paginate_embeds(ctx, pages)


async def suggest_modules(ctx: AutocompleteContext, typed: str) -> list[str]:
    """Return the names of the modules with what was typed in them."""
    return [name for name in ctx.bot.modules.list() if typed.lower() in name.lower()]


ModuleName = Annotated[str, Option("Which one", autocomplete=suggest_modules, max_length=100)]


async def enable(ctx: GuildContext, module: ModuleName) -> str:
    """Turn a module on in this server."""
    _refuse_unknown(ctx, module)
    changed = await ctx.bot.modules.enable(module, guild_id=ctx.guild_id, user_id=ctx.user.id)
    return f"{_are(changed)} now on." if changed else f"“{module}” is on already."


async def disable(ctx: GuildContext, module: ModuleName) -> str:
    """Turn a module off in this server."""
    _refuse_unknown(ctx, module)
    modules = ctx.bot.modules
    others = [name for name in modules.needed_by(module) if await modules.is_enabled(name, guild_id=ctx.guild_id)]
    question = (
        f"{_quoted(others)} need{'s' if len(others) == 1 else ''} “{module}”, and will be turned off with it. Continue?"
    )
    if others and not await ctx.confirm(question, yes="Turn them off", no="Leave it on"):
        return "Nothing was changed."
    changed = await modules.disable(module, guild_id=ctx.guild_id, user_id=ctx.user.id)
    return f"{_are(changed)} now off." if changed else f"“{module}” is off already."


async def _entry(ctx: GuildContext, name: str) -> tuple[str, str]:
    """Return the title and text of a module in the list."""
    modules = ctx.bot.modules
    module = modules.get(name)
    parts = [str(module.description)] if module and module.description else []
    if modules.is_loaded(name):
        state = "on" if await modules.is_enabled(name, guild_id=ctx.guild_id) else "off"
        if needs := modules.needs(name):
            parts.append(f"needs {', '.join(needs)}")
    else:
        state = "not loaded"
        parts.insert(0, modules.missing.get(name, "It was unloaded."))
    return f"{name}: {state}"[:256], (" · ".join(parts) or "no description")[:500]


def _refuse_unknown(ctx: GuildContext, name: str) -> None:
    if name == ModuleCommands.name:
        raise UserError("That module holds /modules: it is always on.")
    if name not in ctx.bot.modules.list():
        raise UserError(f"There is no module “{name}”.")


def _quoted(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _are(names: list[str]) -> str:
    return f"{_quoted(names)} {'is' if len(names) == 1 else 'are'}"
