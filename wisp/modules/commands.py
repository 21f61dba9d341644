"""/modules: the commands by which members who manage a server see its modules, and turn them on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import hikari

from ..errors import UserError
from ..options import Option
from ..prompts import paginate
from ..replies import EmbedBuilder
from . import Module, ModuleBot, ModuleContext

if TYPE_CHECKING:
    from ..autocomplete import AutocompleteContext
    from ..context import Context
    from .registry import ModuleRegistry

_PER_PAGE = 10


class ModuleCommands(Module):
    """The module that holds /modules. It is on everywhere."""

    name = "modules"
    is_switchable = False

    async def setup(self, bot: ModuleBot, ctx: ModuleContext) -> None:
        """Register /modules list, enable and disable."""
        modules: ModuleRegistry = ctx.bot.modules
        group = bot.group(
            "modules",
            "The parts of this bot, and which are on in this server",
            guild_only=True,
            permissions=hikari.Permissions.MANAGE_GUILD,
            ephemeral=True,
        )

        async def names(ctx: AutocompleteContext, typed: str) -> list[str]:
            return [name for name in modules.list() if typed.lower() in name.lower()]

        @group.command(name="list")
        async def list_(ctx: Context) -> None:
            """Show all modules, and which are on here."""
            guild_id = _guild(ctx)
            lines = [await _line(modules, name, guild_id) for name in modules.list()]
            lines += [
                (f"{name}: not loaded"[:256], reason[:500])
                for name, reason in modules.missing.items()
                if name not in modules.list()
            ]

            def page(number: int) -> hikari.Embed:
                embed = EmbedBuilder.info(title="Modules")
                for title, text in lines[number * _PER_PAGE : (number + 1) * _PER_PAGE]:
                    embed.add_field(title, text)
                return embed

            await paginate(ctx, page, -(-len(lines) // _PER_PAGE), empty="There are no modules.")

        @group.command
        async def enable(
            ctx: Context, module: Annotated[str, Option("Which one", autocomplete=names, max_length=100)]
        ) -> str:
            """Turn a module on in this server."""
            _refuse_unknown(modules, module)
            changed = await modules.enable(module, guild_id=_guild(ctx), user_id=ctx.user.id)
            return f"{_named(changed)} now on." if changed else f"“{module}” is on already."

        @group.command
        async def disable(
            ctx: Context, module: Annotated[str, Option("Which one", autocomplete=names, max_length=100)]
        ) -> str | None:
            """Turn a module off in this server."""
            _refuse_unknown(modules, module)
            guild_id = _guild(ctx)
            others = [name for name in modules.needed_by(module) if await modules.is_enabled(name, guild_id=guild_id)]
            if others and not await ctx.confirm(
                f"{_quoted(others)} need{'s' if len(others) == 1 else ''} “{module}”, and will be off with it. Go on?",
                yes="Turn them off",
                no="Leave it on",
            ):
                return "Nothing was changed."
            changed = await modules.disable(module, guild_id=guild_id, user_id=ctx.user.id)
            return f"{_named(changed)} now off." if changed else f"“{module}” is off already."


async def _line(modules: ModuleRegistry, name: str, guild_id: int) -> tuple[str, str]:
    """What the list says of a module: a title, and a text."""
    module = modules.get(name)
    state = "on" if await modules.is_enabled(name, guild_id=guild_id) else "off"
    parts: list[str] = []
    if not modules.is_loaded(name):
        state, parts = "not loaded", [modules.missing.get(name, "It was unloaded.")]
    if module is not None and module.description:
        parts.append(str(module.description))
    if needs := modules.needs(name) if modules.is_loaded(name) else []:
        parts.append(f"needs {', '.join(needs)}")
    return f"{name}: {state}"[:256], (" · ".join(parts) or "no description")[:500]


def _refuse_unknown(modules: ModuleRegistry, name: str) -> None:
    if name == ModuleCommands.name:
        raise UserError("That module holds /modules: it is always on.")
    if name not in modules.list():
        raise UserError(f"There is no module “{name}”.")


def _guild(ctx: Context) -> int:
    assert ctx.guild_id is not None  # Discord offers the group in servers only
    return int(ctx.guild_id)


def _quoted(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _named(names: list[str]) -> str:
    return f"{_quoted(names)} {'is' if len(names) == 1 else 'are'}"
