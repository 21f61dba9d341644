"""From an interaction to its answer: who is asked, what is read, what is called, what goes wrong. Read this first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import hikari

from . import autocomplete, bridge
from .context import Context
from .errors import AnswerError, UserError

if TYPE_CHECKING:
    from .commands import Command
    from .session import Session

_log = logging.getLogger("wisp.dispatch")

_CLOSING = "The bot is restarting. Please try again in a moment."
_REFUSED = "This was refused."
_OUTDATED = "This command has changed since Discord showed it to you. Please try again in a moment."
_UNKNOWN_COMMAND = "This command is no longer here. Discord will stop showing it soon."
_UNKNOWN_COMPONENT = "This no longer works: it belongs to an older version of the bot."
_UNREADABLE = "The bot could not read what Discord sent. Please try again."


class Dispatcher:
    """Brings the interactions of one session to the commands that they name."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._routes: dict[tuple[int | None, int, str], Command[..., Any]] = {}
        self._in_pipeline: dict[int, Context] = {}

    def add(self, command: Command[..., Any], guilds: Sequence[int]) -> None:
        """Route interactions for `command`: of these guilds' own commands, or of those for everywhere (none)."""
        for guild in guilds or (None,):
            self._routes[guild, int(hikari.CommandType.SLASH), command.name] = command

    async def on_interaction(self, event: hikari.InteractionCreateEvent) -> None:
        """The one listener for interactions: it must see to it that somebody answers, and never raise."""
        interaction = event.interaction
        if isinstance(interaction, hikari.CommandInteraction):
            command = self._find(interaction)
            if command is not None:
                await self._call(Context(self.session, command, interaction))
                return
        elif isinstance(interaction, hikari.AutocompleteInteraction):
            command = self._find(interaction)
            if command is not None:
                await autocomplete.suggest(self.session, command, interaction)
                return
        try:
            await self._pass_on(event)
        except Exception as error:
            self.session.report("an interaction that is not wisp's", error)

    def _find(
        self, interaction: hikari.CommandInteraction | hikari.AutocompleteInteraction
    ) -> Command[..., Any] | None:
        return self._routes.get((interaction.registered_guild_id, interaction.command_type, interaction.command_name))

    async def _call(self, ctx: Context) -> None:
        """Run one call where it belongs: straight, or inside lightbulb's pipeline where somebody put hooks there."""
        with self.session.work:
            if self.session.closing:
                await self._say(ctx, _CLOSING)
                return
            self.session.defer_in_time(ctx)
            if bridge.takes_pipeline(self.session.client):
                await self._through_pipeline(ctx)
            else:
                await self.run(ctx)

    async def run(self, ctx: Context) -> None:
        """The life of a call: options, function, reply; a refusal in its words, an error by its id."""
        command = ctx.command
        try:
            arguments = await _read_arguments(ctx) if command.parameters or ctx.interaction.options else {}
            reply = await command.function(ctx, **arguments)
            if reply is not None:
                await ctx.respond(_checked(command, reply))
        except UserError as refusal:
            await self._refuse(ctx, refusal)
        except Exception as error:
            await self._fail(ctx, error)
        except asyncio.CancelledError as error:
            if self.session.closing:
                await self._say(ctx, _CLOSING)
                raise
            await self._fail(ctx, error)  # something that it waited for was cancelled: an error like others
        try:
            await ctx.finish()
        except Exception as error:
            self.session.report(f"/{command.name}", error)

    async def _refuse(self, ctx: Context, refusal: UserError) -> None:
        try:
            await ctx.respond(str(refusal) or _REFUSED, ephemeral=True)
        except Exception as error:
            await self._fail(ctx, error)

    async def _fail(self, ctx: Context, error: Exception | asyncio.CancelledError) -> None:
        """Ask the error handlers, nearest first; where none deals with it, log it and tell the person its id."""
        command, bot = ctx.command, self.session.bot
        outer = [] if command.owner is bot else command.owner.error_handlers
        for handler in (*command.error_handlers, *outer, *bot.error_handlers):
            try:
                if isinstance(error, Exception) and await handler(ctx, error):
                    return
            except UserError as refusal:
                await self._say(ctx, str(refusal))
                return
            except Exception as second:
                self.session.report(f"the error handler {getattr(handler, '__name__', handler)}", second)
        id = self.session.report(f"/{command.name}", error)
        await self._say(ctx, f"Something went wrong. If you tell somebody, mention error `{id}`.")

    async def _say(self, ctx: Context, text: str) -> None:
        """Tell the person privately, where Discord still lets us."""
        try:
            await ctx.respond(text, ephemeral=True)
        except Exception as error:
            self.session.report(f"answering /{ctx.command.name}", error)

    async def _through_pipeline(self, ctx: Context) -> None:
        """Let lightbulb run its hooks around `run`; a hook that stops the call must not leave it unanswered."""
        answered = asyncio.Event()
        self._in_pipeline[ctx.interaction.id] = ctx
        await self.session.client.handle_application_command_interaction(ctx.interaction, answered)
        stopped = self._in_pipeline.pop(ctx.interaction.id, None) is not None
        if stopped and not answered.is_set():
            await self._say(ctx, _REFUSED)

    async def invoked_by_lightbulb(self, interaction: hikari.CommandInteraction) -> None:
        """What the lightbulb command of a wisp one does: go on where `_through_pipeline` stopped."""
        await self.run(self._in_pipeline.pop(interaction.id))

    async def _pass_on(self, event: hikari.InteractionCreateEvent) -> None:
        """What is not ours is lightbulb's, or a raw listener's; what is nobody's gets a polite line."""
        interaction, client = event.interaction, self.session.client
        if isinstance(interaction, (hikari.CommandInteraction, hikari.AutocompleteInteraction)):
            known, line = bridge.knows_command(client, interaction), _UNKNOWN_COMMAND
        elif isinstance(interaction, (hikari.ComponentInteraction, hikari.ModalInteraction)):
            known, line = bridge.knows_component(client, interaction.custom_id), _UNKNOWN_COMPONENT
        else:
            return
        if known:
            await client.handle_interaction_create(interaction)
        elif len(self.session.gateway.get_listeners(type(event))) > 1:
            return  # a raw listener of the user's hears it as well, and may answer
        elif isinstance(interaction, hikari.AutocompleteInteraction):
            await autocomplete.offer(self.session, interaction, ())
        else:
            await self._answer_raw(interaction.id, interaction.token, line)

    def on_undecodable(self, payload: Any, error: Exception) -> None:
        """An interaction that hikari could not read: logged without its token, answered by its id."""
        self.session.report("an interaction that hikari could not read", error)
        try:
            id, token = int(payload["id"]), str(payload["token"])
        except (KeyError, TypeError, ValueError):
            return
        self.session.spawn(self._answer_raw(id, token, _UNREADABLE))

    async def _answer_raw(self, id: int, token: str, text: str) -> None:
        data = {"content": text, "flags": int(hikari.MessageFlag.EPHEMERAL)}
        try:
            await bridge.answer_raw(self.session.gateway.rest, id, token, data)
        except Exception as error:
            _log.warning("could not answer an unknown interaction: %s", error)


async def _read_arguments(ctx: Context) -> dict[str, Any]:
    """What Discord sent, as what the function's annotations promise; UserError where that cannot be."""
    parameters = ctx.command.by_name
    arguments: dict[str, Any] = {}
    for option in ctx.interaction.options:
        parameter = parameters.get(option.name)
        if parameter is None:
            raise UserError(_OUTDATED)
        value = parameter.read(ctx, option.value)
        arguments[parameter.argument] = await value if type(value) is CoroutineType else value
    if len(arguments) < len(parameters):
        for parameter in ctx.command.parameters:
            if parameter.argument not in arguments:
                if parameter.required:
                    raise UserError(_OUTDATED)
                if parameter.fills_none:
                    arguments[parameter.argument] = None
    return arguments


def _checked(command: Command[..., Any], reply: Any) -> Any:
    if isinstance(reply, (str, hikari.Embed)):
        return reply
    raise AnswerError(
        f"{command.file}:{command.line}: /{command.name} returned a {type(reply).__name__}. A command returns a str "
        "or a hikari.Embed as its reply, or None after ctx.respond(...)."
    )
