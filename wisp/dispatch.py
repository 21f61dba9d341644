"""From an interaction to its answer: who is asked, what is read, what is called, what goes wrong. Read this first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import hikari

from . import autocomplete, bridge
from .context import ALREADY_ACKNOWLEDGED, Context
from .errors import AnswerError, UserError
from .logs import get_logger

if TYPE_CHECKING:
    from .commands import Command
    from .session import Session

_log = get_logger("wisp.dispatch")

_CLOSING = "The bot is restarting. Please try again in a moment."
_REFUSED = "This was refused."
_OUTDATED = "This command has changed since Discord showed it to you. Please try again in a moment."
_UNKNOWN_COMMAND = "This command is no longer here. Discord will stop showing it soon."
_UNKNOWN_COMPONENT = "This no longer works: it belongs to an older version of the bot."
_NO_ANSWER = "This command gave no answer."
_UNREADABLE = "The bot could not read what Discord sent. Please try again."


_HANDLER_PATIENCE = 30.0
"""Seconds that an error handler may take."""

_PRIVATE = int(hikari.MessageFlag.EPHEMERAL)


class Dispatcher:
    """Brings the interactions of one session to the commands that they name."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._routes: dict[tuple[int | None, int, str], Command[..., Any]] = {}
        self._in_pipeline: dict[int, Context] = {}
        self._awaited: set[int] = set()

    def add(self, command: Command[..., Any], guilds: Sequence[int]) -> None:
        """Route interactions for `command`: of these guilds' own commands, or of those for everywhere (none)."""
        for guild in guilds or (None,):
            self._routes[guild, int(hikari.CommandType.SLASH), command.name] = command

    async def on_interaction(self, event: hikari.InteractionCreateEvent) -> None:
        """The one listener for interactions: it must see to it that somebody answers, and never raise."""
        interaction = event.interaction
        with self.session.work:
            if isinstance(interaction, hikari.CommandInteraction) and (command := self._find(interaction)):
                await self._call(Context(self.session, command, interaction))
            elif isinstance(interaction, hikari.AutocompleteInteraction) and (command := self._find(interaction)):
                await autocomplete.suggest(self.session, command, interaction)
            else:
                await self._pass_on(event)

    def _find(
        self, interaction: hikari.CommandInteraction | hikari.AutocompleteInteraction
    ) -> Command[..., Any] | None:
        return self._routes.get((interaction.registered_guild_id, interaction.command_type, interaction.command_name))

    async def _call(self, ctx: Context) -> None:
        """Run one call where it belongs: straight, or inside lightbulb's pipeline where somebody put hooks there."""
        if self.session.closing:
            await self._say(ctx, _CLOSING)
            return
        self.session.begin(ctx)
        try:
            if bridge.takes_pipeline(self.session.client):
                await self._through_pipeline(ctx)
            else:
                await self.run(ctx)
        finally:
            self.session.end(ctx)

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
        except (SystemExit, KeyboardInterrupt) as leaving:
            await self._say(ctx, _CLOSING)
            self.session.leave(leaving)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and self.session.closing:
                await self._say(ctx, _CLOSING)
                raise
            await self._fail(ctx, error)
        await self._finish(ctx)

    async def _refuse(self, ctx: Context, refusal: UserError) -> None:
        try:
            await ctx.respond(str(refusal) or _REFUSED, ephemeral=True)
        except Exception as error:
            await self._fail(ctx, error)

    async def _fail(self, ctx: Context, error: BaseException) -> None:
        """Ask the error handlers, nearest first; where none deals with it, log it and tell the person its id."""
        command = ctx.command
        if isinstance(error, Exception) and await self._dealt_with(ctx, error):
            return
        id = self.session.report(f"/{command.name}", error)
        await self._say(ctx, f"Something went wrong. If you tell somebody, mention error `{id}`.")

    async def _dealt_with(self, ctx: Context, error: Exception) -> bool:
        command, bot = ctx.command, self.session.bot
        outer = [] if command.owner is bot else command.owner.error_handlers
        for handler in (*command.error_handlers, *outer, *bot.error_handlers):
            try:
                # an error handler that never ends must not keep the first error to itself
                if await self.session.clock.wait_for(handler(ctx, error), _HANDLER_PATIENCE):
                    return True
            except UserError as refusal:
                await self._say(ctx, str(refusal))
                return True
            except (Exception, asyncio.CancelledError) as second:
                self.session.report(f"the error handler {getattr(handler, '__name__', handler)}", second)
        return False

    async def _say(self, ctx: Context, text: str) -> None:
        """Tell the person privately, where Discord still lets us."""
        if ctx.lost:
            return
        try:
            await ctx.respond(text, ephemeral=True)
        except Exception as error:
            self.session.report(f"answering /{ctx.command.name}", error)

    async def _finish(self, ctx: Context) -> None:
        try:
            await ctx.finish()
        except Exception as error:
            self.session.report(f"/{ctx.command.name}", error)

    async def _through_pipeline(self, ctx: Context) -> None:
        """Let lightbulb run its hooks around `run`; a hook that stops the call must not leave it unanswered."""
        ctx.heard = heard = asyncio.Event()
        self._in_pipeline[ctx.interaction.id] = ctx
        try:
            await self.session.client.handle_application_command_interaction(ctx.interaction, heard)
            if self._in_pipeline.pop(ctx.interaction.id, None) is None:
                return  # it ran
            if heard.is_set():
                await ctx.catch_up()
                await self._finish(ctx)
            else:
                await self._say(ctx, _REFUSED)
        except asyncio.CancelledError:
            self._in_pipeline.pop(ctx.interaction.id, None)
            await self._say(ctx, _CLOSING)
            raise

    async def invoked_by_lightbulb(self, interaction: hikari.CommandInteraction) -> None:
        """What the lightbulb command of a wisp one does: go on where `_through_pipeline` stopped."""
        ctx = self._in_pipeline.pop(interaction.id)
        if ctx.heard is not None and ctx.heard.is_set():
            await ctx.catch_up()
        await self.run(ctx)

    # ---- what is not ours ----

    async def _pass_on(self, event: hikari.InteractionCreateEvent) -> None:
        """What is not ours is lightbulb's, or a raw listener's; what is nobody's gets a polite line."""
        interaction = event.interaction
        try:
            if self.session.closing:
                await self._answer_stranger(interaction, _CLOSING)
            elif isinstance(interaction, (hikari.ComponentInteraction, hikari.ModalInteraction)):
                if bridge.knows_component(self.session.client, interaction.custom_id):
                    await self.session.client.handle_interaction_create(interaction)
                else:
                    await self._answer_unknown(event, _UNKNOWN_COMPONENT)
            elif isinstance(interaction, (hikari.CommandInteraction, hikari.AutocompleteInteraction)):
                if bridge.knows_command(self.session.client, interaction):
                    heard = asyncio.Event()
                    await self.session.client.handle_interaction_create(interaction, heard)
                    if not heard.is_set():
                        await self._answer_stranger(interaction, _NO_ANSWER)
                else:
                    await self._answer_unknown(event, _UNKNOWN_COMMAND)
        except Exception as error:
            self.session.report("an interaction that is not wisp's", error)

    async def _answer_unknown(self, event: hikari.InteractionCreateEvent, line: str) -> None:
        awaited = event.interaction.id in self._awaited
        self._awaited.discard(event.interaction.id)
        if awaited or bridge.others_listen(self.session.gateway, type(event)):
            # it may answer, or only look: it has as long as Discord's patience lets us wait
            await self.session.clock.sleep(self.session.patience)
        await self._answer_stranger(event.interaction, line)

    async def _answer_stranger(self, interaction: hikari.PartialInteraction, line: str) -> None:
        kind = int(interaction.type)
        await self._answer_raw(kind, interaction.id, interaction.token, line)

    def on_awaited(self, id: int) -> None:
        """A raw `wait_for` may answer this interaction."""
        self._awaited.add(id)

    def on_undecodable(self, payload: Any, error: Exception) -> None:
        """An interaction that hikari could not read: logged without its token, answered by its id."""
        self.session.report("an interaction that hikari could not read", error)
        try:
            kind, id, token = int(payload["type"]), int(payload["id"]), str(payload["token"])
        except (KeyError, TypeError, ValueError):
            return
        self.session.spawn(self._answer_raw(kind, id, token, _UNREADABLE))

    async def _answer_raw(self, kind: int, id: int, token: str, line: str) -> None:
        """Answer what has no context; silently where something else has answered."""
        data: dict[str, Any]
        if kind == hikari.InteractionType.AUTOCOMPLETE:
            type = hikari.ResponseType.AUTOCOMPLETE
            data = {"choices": list[Any]()}
        else:
            type = hikari.ResponseType.MESSAGE_CREATE
            data = {"content": line, "flags": _PRIVATE}
        try:
            await bridge.answer_raw(self.session.gateway.rest, id, token, type, data)
        except Exception as error:
            if getattr(error, "code", None) != ALREADY_ACKNOWLEDGED:
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
        f"{command.file}:{command.line}: /{command.name} returned `{type(reply).__name__}`. A command returns a str "
        "or a hikari.Embed as its reply, or None after ctx.respond(...)."
    )
