"""wisp: write a Discord bot in 30 lines, try it on a local Discord, test it without mocks, run it for years.

import wisp

bot = wisp.Bot()

@bot.command
async def hello(ctx: wisp.Context) -> str:
    \"\"\"Say hello.\"\"\"
    return f"Hello {ctx.user.mention}!"

bot.run()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bot import Bot as Bot
    from .command_tree import CommandGroup as CommandGroup
    from .commands import Command as Command
    from .commands import MenuCommand as MenuCommand
    from .components import Bound as Bound
    from .components import Component as Component
    from .components import Modal as Modal
    from .components import link_button as link_button
    from .components import row as row
    from .context import Answer as Answer
    from .context import ComponentContext as ComponentContext
    from .context import Context as Context
    from .context import GuildComponentContext as GuildComponentContext
    from .context import GuildContext as GuildContext
    from .context import GuildModalContext as GuildModalContext
    from .context import InteractionContext as InteractionContext
    from .context import ModalContext as ModalContext
    from .cooldowns import concurrency as concurrency
    from .cooldowns import cooldown as cooldown
    from .errors import AnswerError as AnswerError
    from .errors import CheckError as CheckError
    from .errors import Problem as Problem
    from .errors import StartError as StartError
    from .errors import UserError as UserError
    from .errors import WispError as WispError
    from .events import Event as Event
    from .events import EventContext as EventContext
    from .events import ModuleDisabled as ModuleDisabled
    from .events import ModuleEnabled as ModuleEnabled
    from .forms import Field as Field
    from .forms import Form as Form
    from .guards import guard as guard
    from .guards import handle_errors as handle_errors
    from .guards import require_admin as require_admin
    from .guards import require_guild as require_guild
    from .guards import require_owner as require_owner
    from .guards import require_permissions as require_permissions
    from .jobs import JobContext as JobContext
    from .modules import Module as Module
    from .modules import ModuleBot as ModuleBot
    from .modules import ModuleContext as ModuleContext
    from .modules import command as command
    from .modules import component as component
    from .modules import cron as cron
    from .modules import every as every
    from .modules import job as job
    from .modules import listen as listen
    from .modules import message_command as message_command
    from .modules import modal as modal
    from .modules import user_command as user_command
    from .modules.registry import ModuleRegistry as ModuleRegistry
    from .options import AutocompleteContext as AutocompleteContext
    from .options import Option as Option
    from .prompts import paginate as paginate
    from .prompts import paginate_embeds as paginate_embeds
    from .replies import EmbedBuilder as EmbedBuilder
    from .replies import respond_error as respond_error
    from .replies import respond_info as respond_info
    from .replies import respond_success as respond_success
    from .replies import respond_warning as respond_warning
    from .services.database import DatabaseService as DatabaseService

__version__ = "0.1.0"

# names are loaded when they are first used: `import wisp` alone brings in neither hikari nor lightbulb
_PLACES = {
    "Answer": "context",
    "AnswerError": "errors",
    "AutocompleteContext": "options",
    "Bot": "bot",
    "Bound": "components",
    "Command": "commands",
    "CommandGroup": "command_tree",
    "Component": "components",
    "ComponentContext": "context",
    "Context": "context",
    "DatabaseService": "services.database",
    "EmbedBuilder": "replies",
    "Event": "events",
    "EventContext": "events",
    "Field": "forms",
    "Form": "forms",
    "GuildComponentContext": "context",
    "GuildContext": "context",
    "GuildModalContext": "context",
    "InteractionContext": "context",
    "JobContext": "jobs",
    "MenuCommand": "commands",
    "Problem": "errors",
    "CheckError": "errors",
    "Modal": "components",
    "ModalContext": "context",
    "Module": "modules",
    "ModuleBot": "modules",
    "ModuleContext": "modules",
    "ModuleDisabled": "events",
    "ModuleEnabled": "events",
    "ModuleRegistry": "modules.registry",
    "Option": "options",
    "StartError": "errors",
    "UserError": "errors",
    "WispError": "errors",
    "command": "modules",
    "component": "modules",
    "concurrency": "cooldowns",
    "cooldown": "cooldowns",
    "cron": "modules",
    "every": "modules",
    "guard": "guards",
    "handle_errors": "guards",
    "job": "modules",
    "link_button": "components",
    "listen": "modules",
    "message_command": "modules",
    "modal": "modules",
    "paginate": "prompts",
    "paginate_embeds": "prompts",
    "require_admin": "guards",
    "require_guild": "guards",
    "require_owner": "guards",
    "require_permissions": "guards",
    "respond_error": "replies",
    "respond_info": "replies",
    "respond_success": "replies",
    "respond_warning": "replies",
    "row": "components",
    "user_command": "modules",
}

__all__ = [
    "Answer",
    "AnswerError",
    "AutocompleteContext",
    "Bot",
    "Bound",
    "CheckError",
    "Command",
    "CommandGroup",
    "Component",
    "ComponentContext",
    "Context",
    "DatabaseService",
    "EmbedBuilder",
    "Event",
    "EventContext",
    "Field",
    "Form",
    "GuildComponentContext",
    "GuildContext",
    "GuildModalContext",
    "InteractionContext",
    "JobContext",
    "MenuCommand",
    "Modal",
    "ModalContext",
    "Module",
    "ModuleBot",
    "ModuleContext",
    "ModuleDisabled",
    "ModuleEnabled",
    "ModuleRegistry",
    "Option",
    "Problem",
    "StartError",
    "UserError",
    "WispError",
    "command",
    "component",
    "concurrency",
    "cooldown",
    "cron",
    "every",
    "guard",
    "handle_errors",
    "job",
    "link_button",
    "listen",
    "message_command",
    "modal",
    "paginate",
    "paginate_embeds",
    "require_admin",
    "require_guild",
    "require_owner",
    "require_permissions",
    "respond_error",
    "respond_info",
    "respond_success",
    "respond_warning",
    "row",
    "user_command",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'wisp' has no attribute {name!r}")
    value = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
