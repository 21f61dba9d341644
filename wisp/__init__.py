"""wisp: write a Discord bot in 30 lines, try it on a local Discord, test it without mocks, run it for years.

import wisp

bot = wisp.Bot()

@bot.command
async def hello(ctx: wisp.Context) -> str:
    \"\"\"Say hello.\"\"\"
    return f"Hello {ctx.user.mention}!"

bot.run()

To read the code, start with `dispatch`: it takes an interaction from its arrival to its response. Then `router` (which
handler), `responder` (what Discord is told and when) and `session` (what a start opens and a close closes).

All files, from the ground up. At run time each imports only those before it; `tests/test_architecture.py` reads this
list, and names the few exceptions.

Modules, jobs, components, forms, prompts, cooldowns, guild data, the cache and the audit log are loaded when a bot
first uses them.

errors, structs, logs, clock   exceptions, the base of records, loggers that redact tokens, the clock of all parts
limits, limit_fixes     Discord's limits, and which part of a payload breaks one; what to do about it
dotenv, config          settings from arguments, environment, .env and wisp.toml
inspection, locations   what annotations and signatures mean; file and line of code
owner                   the bot or module that a handler belongs to
tasks                   running the bot's own code safely, and ending it in time
services/               database, guild data, cache, metrics, audit: they know nothing of Discord
instrumentation         what wisp itself counts and times
watchdog                handlers that block the event loop
gate                    whether a module is on in a guild
runtime                 what the parts of a running bot share
bridge                  hikari's private parts
forms                   a class becomes a modal
responder, context      answering an interaction, and what handlers see of that
guards, cooldowns       the checks before a handler runs
options, handlers       a signature becomes Discord's options
methods                 decorated methods of modules and groups
commands, autocomplete, components   slash and menu commands, suggestions, buttons, selects and modals
events, migrations, jobs/   listeners, changes of the database, functions that run at a time
replies, prompts        embeds, questions, pages
command_tree, command_sync   the commands of all owners together, brought to Discord
decorators              @bot.command and the like, for the bot and for modules
lightbulb_compat        raw lightbulb commands and hooks
router, dispatch        from an interaction to its response
listeners, checks, wiring   which handlers an event reaches; problems found before the start; activates all of them
modules/                Module, loading, reloading, /modules
start_errors, session   why a start fails; what a start opens and a close closes
program, bot            the process around it; the object that users hold

These are loaded only when they are used:

sandbox/                the local Discord, which knows nothing of wisp
local/, testing/        a bot on the local Discord, and in tests
pytest_plugin, cli, __main__   the fixture `discord`, and the command `wisp`
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bot import Bot as Bot
    from .commands import CommandGroup as CommandGroup
    from .components import link_button as link_button
    from .components import row as row
    from .context import ComponentContext as ComponentContext
    from .context import Context as Context
    from .context import GuildContext as GuildContext
    from .context import InteractionContext as InteractionContext
    from .context import ModalContext as ModalContext
    from .cooldowns import concurrency as concurrency
    from .cooldowns import cooldown as cooldown
    from .decorators import command as command
    from .decorators import component as component
    from .decorators import cron as cron
    from .decorators import every as every
    from .decorators import job as job
    from .decorators import listen as listen
    from .decorators import message_command as message_command
    from .decorators import modal as modal
    from .decorators import user_command as user_command
    from .errors import AnswerError as AnswerError
    from .errors import UserError as UserError
    from .errors import WispError as WispError
    from .events import Event as Event
    from .forms import Field as Field
    from .forms import Form as Form
    from .guards import guard as guard
    from .guards import handle_errors as handle_errors
    from .guards import require_admin as require_admin
    from .guards import require_guild as require_guild
    from .guards import require_owner as require_owner
    from .guards import require_permissions as require_permissions
    from .modules import Module as Module
    from .modules import ModuleBot as ModuleBot
    from .modules import ModuleContext as ModuleContext
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

_NAMES = {
    "bot": "Bot",
    "commands": "CommandGroup",
    "components": "link_button row",
    "context": "ComponentContext Context GuildContext InteractionContext ModalContext",
    "cooldowns": "concurrency cooldown",
    "decorators": "command component cron every job listen message_command modal user_command",
    "errors": "AnswerError UserError WispError",
    "events": "Event",
    "forms": "Field Form",
    "guards": "guard handle_errors require_admin require_guild require_owner require_permissions",
    "modules": "Module ModuleBot ModuleContext",
    "options": "AutocompleteContext Option",
    "prompts": "paginate paginate_embeds",
    "replies": "EmbedBuilder respond_error respond_info respond_success respond_warning",
    "services.database": "DatabaseService",
}
"""The public names by file: they are loaded on first use, so that `import wisp` loads neither hikari nor lightbulb."""

_FILES = {name: file for file, names in _NAMES.items() for name in names.split()}

if not TYPE_CHECKING:
    __all__ = []
    __all__.extend(sorted(_FILES))


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module 'wisp' has no attribute {name!r}")
    value = getattr(import_module(f".{_FILES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_FILES)
