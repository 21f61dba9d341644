"""From an interaction to its answer: who is asked, what is read, what is called, what goes wrong. Read this first."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import hikari

from . import autocomplete, bridge
from .commands import ApplicationCommand, Command
from .components import UNKNOWN, Component, Modal, Routes
from .context import Context, InteractionContext
from .errors import AnswerError, InteractionOver, UserError
from .guards import Counter, Limit, Rule, Rules
from .logs import get_logger, redacted
from .replies import settings_in_use
from .tasks import EXITS, Exit, contained, described, is_cancelled, shielded, text_of
from .watchdog import Function

if TYPE_CHECKING:
    from .command_tree import Root
    from .decorators import Registrar
    from .events import EventContext
    from .handlers import ErrorHandler, Handler
    from .jobs import JobContext
    from .measures import Outcome
    from .session import Session

_log = get_logger("wisp.dispatch")

_CLOSING = "The bot is restarting. Please try again in a moment."
_REFUSED = "This was refused."
_UNKNOWN_COMMAND = "This command is no longer here. Discord will stop showing it soon."
_WENT_WRONG = "Something went wrong{shown} If you tell somebody, mention error `{id}`."
_NO_ANSWER = "This command gave no answer."
_UNREADABLE = "The bot could not read what Discord sent. Please try again."


_HANDLER_PATIENCE = 30.0
"""Seconds that an error handler may take."""

_LONGEST_ERROR = 1000
"""Characters of an exception that people see."""

_REMEMBERED = 1000
"""Interactions of which it is known that they came."""

_PRIVATE = int(hikari.MessageFlag.EPHEMERAL)
_COMMAND_TYPES = (hikari.CommandType.SLASH, hikari.CommandType.USER, hikari.CommandType.MESSAGE)
_BELOW = (hikari.OptionType.SUB_COMMAND, hikari.OptionType.SUB_COMMAND_GROUP)


class Dispatcher:
    """Brings the interactions of one session to the handlers that they name."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._commands: dict[tuple[int | None, int, tuple[str, ...]], ApplicationCommand[..., Any]] = {}
        self._components: Routes[Component[..., Any]] = Routes()
        self._modals: Routes[Modal[..., Any]] = Routes()
        self._rules: dict[Handler[..., Any], Rules] = {}
        self._counters: dict[Limit, Counter] = {}
        self._names: set[str] = set()  # of the limits that are counted
        self._in_pipeline: dict[int, Context] = {}
        self._awaited: set[int] = set()  # interactions that a raw `wait_for` may answer, while they are dispatched
        self._came: OrderedDict[int, None] = OrderedDict()

    def route(self, roots: Iterable[tuple[Root, Sequence[int]]], registrars: Iterable[Registrar]) -> None:
        """Bring interactions to these from now on: commands of these guilds alone (or of everywhere, for none), and
        what else the registrars hold."""
        known, self._counters = self._counters, {}
        self._names.clear()
        self._commands, self._rules = {}, {}
        self._components, self._modals = Routes(), Routes()
        for root, guilds in roots:
            for command in root.commands:
                for guild in guilds or (None,):
                    self._commands[guild, int(command.kind), command.path] = command
                self._read_rules(command, known)
        prompts = self.session.prompts.component
        for component in (prompts, *(component for registrar in registrars for component in registrar.components)):
            assert component.pattern is not None
            self._components.add(component.pattern, component)
            self._read_rules(component, known)
        for modal in (modal for registrar in registrars for modal in registrar.modals):
            assert modal.pattern is not None
            self._modals.add(modal.pattern, modal)
            self._read_rules(modal, known)

    def _read_rules(self, handler: Handler[..., Any], known: Mapping[Limit, Counter]) -> None:
        """What stands before a handler; commands of a group share what its limits count, and go on counting."""
        found: dict[Rule, None] = {}  # one that stands on a group and on its command is asked once
        for name, rules in handler.guarded_by():
            for limit in (rule for rule in rules if isinstance(rule, Limit)):
                if limit not in self._counters:
                    named = self._free_name(f"{handler.owner.namespace or ''}:{name}")
                    self._counters[limit] = known[limit] if limit in known else limit.counter(self.session, named)
            found.update(dict.fromkeys(rules))
        limits = sorted((rule for rule in found if isinstance(rule, Limit)), key=lambda limit: limit.rank)
        if found:
            self._rules[handler] = Rules([*found], [self._counters[limit] for limit in limits])

    def _free_name(self, name: str) -> str:
        """A name for a limit that no other has, and that it has again after a restart."""
        name = next(free for number in itertools.count() if (free := f"{name}#{number}") not in self._names)
        self._names.add(name)
        return name

    async def on_interaction(self, event: hikari.InteractionCreateEvent) -> None:
        """Answer an interaction, or pass it to what does. This is wisp's only listener for them, and never raises."""
        settings_in_use.set(self.session.config)  # of this interaction's task
        with self.session.work:
            try:
                await shielded(partial(self._route, event), partial(self._fail_unrouted, event), is_ending=lambda: True)
            finally:
                self._awaited.discard(event.interaction.id)

    async def _route(self, event: hikari.InteractionCreateEvent) -> None:
        interaction = event.interaction
        if isinstance(interaction, hikari.AutocompleteInteraction):
            path, options = _path_of(interaction)
            command = self._find(interaction, path)
            if isinstance(command, Command):
                if self._is_on(command.owner, interaction.guild_id):
                    choices = await autocomplete.suggest(self.session, command, interaction, options)
                    await autocomplete.offer(self.session, interaction, choices)
                else:
                    self.session.measures.refused("off")
                    await autocomplete.offer(self.session, interaction, [])
                return
        elif isinstance(interaction, hikari.ModalInteraction) and (
            owner := self.session.prompts.opened_by(interaction.custom_id)
        ):
            if self._is_on(owner, interaction.guild_id):
                self.session.prompts.submit(interaction)  # the handler that opened it continues, and answers
            else:
                self.session.measures.refused("off")
                await self._answer_stranger(interaction, self._off(owner, interaction.member))
            return
        elif ctx := self._context_of(interaction):
            await self._call(ctx)
            return
        await self._pass_on(event)

    async def _fail_unrouted(self, event: hikari.InteractionCreateEvent, error: BaseException) -> None:
        """Answer an interaction that failed outside of any handler, such as in a lightbulb hook or command."""
        if isinstance(error, EXITS):
            await self._answer_stranger(event.interaction, _CLOSING)
            self.session.leave(error)
            return
        id = self.session.report("an interaction", error)
        await self._answer_stranger(event.interaction, _WENT_WRONG.format(shown=".", id=id))

    def _context_of(self, interaction: hikari.PartialInteraction) -> InteractionContext[Any] | None:
        """The context of one of our handlers; None where it is not for us."""
        if isinstance(interaction, hikari.CommandInteraction):
            path, options = _path_of(interaction)
            command = self._find(interaction, path)
            return command.context(self.session, command, interaction, options) if command else None
        if isinstance(interaction, hikari.ComponentInteraction):
            if found := self._components.find(interaction.custom_id):
                component, fields = found
                return component.context(self.session, component, interaction, fields)
        elif isinstance(interaction, hikari.ModalInteraction) and (found := self._modals.find(interaction.custom_id)):
            modal, fields = found
            return modal.context(self.session, modal, interaction, fields)
        return None

    def _find(
        self, interaction: hikari.CommandInteraction | hikari.AutocompleteInteraction, path: tuple[str, ...]
    ) -> ApplicationCommand[..., Any] | None:
        return self._commands.get((interaction.registered_guild_id, interaction.command_type, path))

    async def _call(self, ctx: InteractionContext[Any]) -> None:
        """Run one call where it belongs: straight, or inside lightbulb's pipeline where somebody put hooks there."""
        owner = ctx.handler.owner
        if self.session.closing:
            self.session.measures.refused("closing")
            await self._refuse_while_closing(ctx)
            return
        if owner is not self.session.bot and not self._is_on(owner, ctx.guild_id):
            self.session.measures.refused("off")
            await self._say(ctx, self._off(owner, ctx.member))
            return
        self.session.begin(ctx)
        try:
            if isinstance(ctx, Context) and bridge.takes_pipeline(self.session.client):
                await self.session.blocking.watch(self._through_pipeline(ctx), ctx.handler)
            else:
                await self.run(ctx)
        finally:
            self.session.end(ctx)

    async def _refuse_while_closing(self, ctx: InteractionContext[Any]) -> None:
        """Answer as well as it goes: the connection closes meanwhile."""
        try:
            await ctx.respond(_CLOSING, ephemeral=True)
        except Exception as error:
            _log.info("could not answer %s while the bot closes: %s", ctx.handler.label, error)

    def _is_on(self, owner: Registrar, guild_id: int | None) -> bool:
        return self.session.gate.is_open(owner, guild_id)

    def _off(self, owner: Registrar, member: hikari.InteractionMember | None) -> str:
        """The words for whoever used a module that is off, with the way to turn it on for those who may."""
        name = getattr(owner, "name", "")
        granted = member.permissions if member else hikari.Permissions.NONE
        if granted & (hikari.Permissions.MANAGE_GUILD | hikari.Permissions.ADMINISTRATOR):
            return f"“{name}” is off in this server. `/modules enable module:{name}` turns it on."
        return f"“{name}” is off in this server. Somebody who manages the server can turn it on."

    async def run(self, ctx: InteractionContext[Any]) -> None:
        """The life of a call: arguments, function, reply; a refusal in its words, an error by its id."""
        handler = ctx.handler
        began = self.session.clock.monotonic()
        outcome: Outcome = "done"

        async def failed(error: BaseException) -> None:
            nonlocal outcome
            outcome = "refused" if isinstance(error, UserError) else "failed"
            await self._fail(ctx, error)

        try:
            await shielded(partial(self._invoke, ctx), failed, is_ending=lambda: self.session.is_ending(handler.owner))
            await self._finish(ctx)
        except asyncio.CancelledError:
            outcome = "cancelled"
            if not ctx.has_open_form:  # it may have been dismissed long ago: the user waits for nothing
                await self._say(ctx, _CLOSING)
            raise
        finally:
            self.session.measures.ran(handler.measured_as, handler.label, outcome, began)

    async def _invoke(self, ctx: InteractionContext[Any]) -> None:
        handler, watch = ctx.handler, self.session.blocking.watch
        rules = self._rules.get(handler)
        if rules is None:
            reply = await watch(handler.function(ctx, **await handler.arguments(ctx)), handler)
        else:
            await watch(rules.check(ctx), handler)
            reply = await watch(rules.call(ctx, handler.function, await handler.arguments(ctx)), handler)
        if reply is not None:
            await ctx.respond(_checked(handler, reply))

    async def _fail(self, ctx: InteractionContext[Any], error: BaseException) -> None:
        """Answer a refusal in its words, and an error that no error handler handles with its id."""
        if isinstance(error, UserError):
            await self._refuse(ctx, error)
        elif isinstance(error, EXITS):
            await self._say(ctx, _CLOSING)
            self.session.leave(error)
        elif not await self.ask_error_handlers(ctx, error, ctx.handler.error_handlers, ctx.handler.owner):
            id = self.session.report(ctx.handler.label, error)
            rules = self._rules.get(ctx.handler)
            shown = f": {self._shown(error)}" if rules is not None and rules.shows_errors else "."
            await self._say(ctx, _WENT_WRONG.format(shown=shown, id=id))

    async def _refuse(self, ctx: InteractionContext[Any], refusal: UserError) -> None:
        try:
            await ctx.respond(text_of(refusal).strip() or _REFUSED, ephemeral=True)
        except Exception as error:
            await self._fail(ctx, error)

    def _shown(self, error: BaseException) -> str:
        """An error as people may see it: short, and without secrets."""
        text = redacted(described(error))
        text = text.replace(self.session.config.token or "\0", "<token>")
        return f"{text[:_LONGEST_ERROR]}..." if len(text) > _LONGEST_ERROR else f"{text.rstrip('.')}."

    async def failed(self, ctx: EventContext | JobContext, where: str, error: BaseException, owner: Registrar) -> None:
        """Ask the error handlers about what a listener or a job raised; log what none of them handles."""
        if isinstance(error, EXITS):
            self.session.leave(error)
        elif not await self.ask_error_handlers(ctx, error, (), owner):
            self.session.report(where, error)

    async def ask_error_handlers(
        self,
        ctx: InteractionContext[Any] | EventContext | JobContext,
        error: BaseException,
        own: Sequence[ErrorHandler],
        owner: Registrar,
    ) -> bool:
        """Ask a handler's own error handlers, then its module's and the bot's; whether one handled the error."""
        bot = self.session.bot
        outer = [] if owner is bot else owner.error_handlers
        for handler in (*own, *outer, *bot.error_handlers):
            name = getattr(handler, "__name__", type(handler).__name__)
            source = Function(f"the error handler {name}", handler)
            try:
                # an error handler that never ends must not keep the first error to itself
                asking = self.session.blocking.watch(handler(ctx, cast(Exception, error)), source)
                asked = asyncio.create_task(contained(asking), name=source.label)
                if await self.session.clock.wait_for(asked, _HANDLER_PATIENCE):
                    return True
            except UserError as refusal:
                if isinstance(ctx, InteractionContext):
                    await self._say(ctx, text_of(refusal).strip() or _REFUSED)
                return True
            except Exit as exit:
                self.session.leave(exit.error)
            except BaseException as second:
                if is_cancelled(second):
                    raise
                self.session.report(source.label, second)
        return False

    async def _say(self, ctx: InteractionContext[Any], text: str) -> None:
        """Tell the user privately, if Discord still takes an answer."""
        if ctx.lost or self.session.closed:
            return
        try:
            await ctx.respond(text, ephemeral=True)
        except InteractionOver:
            return
        except Exception as error:
            id = self.session.report(f"answering {ctx.handler.label}", error)
            if isinstance(error, (AnswerError, ValueError)) and not ctx.lost:  # Discord takes another text
                with suppress(Exception):
                    await ctx.respond(_WENT_WRONG.format(shown=".", id=id), ephemeral=True)

    async def _finish(self, ctx: InteractionContext[Any]) -> None:
        try:
            await ctx.finish()
        except Exception as error:
            self.session.report(ctx.handler.label, error)

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
            await self._say(ctx, _CLOSING)
            raise
        finally:
            self._in_pipeline.pop(ctx.interaction.id, None)

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
        if self.session.closing:
            self.session.measures.refused("closing")
            await self._answer_stranger(interaction, _CLOSING)
        elif isinstance(interaction, (hikari.ComponentInteraction, hikari.ModalInteraction)):
            if bridge.knows_component(self.session.client, interaction.custom_id):
                await self._hand_over(interaction)
            else:
                await self._answer_unknown(event, UNKNOWN)
        elif not isinstance(interaction, (hikari.CommandInteraction, hikari.AutocompleteInteraction)):
            _log.warning("an interaction of the unknown type %s is refused", interaction.type)
            await self._answer_unknown(event, _UNREADABLE)
        elif interaction.command_type not in _COMMAND_TYPES:
            _log.warning("a command of the unknown type %s is refused", interaction.command_type)
            await self._answer_unknown(event, _UNKNOWN_COMMAND)
        elif bridge.knows_command(self.session.client, interaction):
            heard = asyncio.Event()
            await self._hand_over(interaction, heard)
            if not heard.is_set():
                await self._answer_stranger(interaction, _NO_ANSWER)
        else:
            await self._answer_unknown(event, _UNKNOWN_COMMAND)

    async def _hand_over(self, interaction: Any, *heard: asyncio.Event) -> None:
        """Let lightbulb's own commands and components answer."""
        handling = self.session.client.handle_interaction_create(interaction, *heard)
        name = getattr(interaction, "command_name", None) or getattr(interaction, "custom_id", "")
        await self.session.blocking.watch(handling, Function(f'"{name}" of lightbulb'))

    async def _answer_unknown(self, event: hikari.InteractionCreateEvent, line: str) -> None:
        self.session.measures.refused("unknown")
        if event.interaction.id in self._awaited or bridge.others_listen(self.session.gateway, type(event)):
            # it may answer, or only look: it has as long as Discord's patience lets us wait
            await asyncio.sleep(self.session.patience)
        await self._answer_stranger(event.interaction, line)

    async def _answer_stranger(self, interaction: hikari.PartialInteraction, line: str) -> None:
        kind = int(interaction.type)
        await self._answer_raw(kind, interaction.id, interaction.token, line)

    def came_before(self, id: int) -> bool:
        """Whether this interaction has come already: what Discord sends twice must not be done twice."""
        if id in self._came:
            return True
        self._came[id] = None
        if len(self._came) > _REMEMBERED:
            self._came.popitem(last=False)
        return False

    def on_awaited(self, id: int) -> None:
        """A raw `wait_for` may answer this interaction."""
        self._awaited.add(id)

    def on_undecodable(self, payload: Any, error: Exception) -> None:
        """An interaction that hikari could not read: logged without its token, answered by its id."""
        self.session.report("an interaction that hikari could not read", error)
        id = bridge.interaction_id(payload)
        if id is not None and isinstance(token := payload.get("token"), str):
            self.session.spawn(self._answer_raw(payload.get("type"), id, token, _UNREADABLE))

    async def _answer_raw(self, kind: object, id: int, token: str, line: str) -> None:
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
            if getattr(error, "code", None) != bridge.ALREADY_ACKNOWLEDGED:
                _log.warning("could not answer an unknown interaction: %s", error)


def _path_of(
    interaction: hikari.CommandInteraction | hikari.AutocompleteInteraction,
) -> tuple[tuple[str, ...], Sequence[Any]]:
    """The names of a command from its groups down, and the options of the command itself."""
    path: tuple[str, ...] = (interaction.command_name,)
    options: Sequence[Any] = interaction.options
    while options and options[0].type in _BELOW:
        path = (*path, options[0].name)
        options = options[0].options or ()
    return path, options


def _checked(handler: Handler[..., Any], reply: Any) -> Any:
    if isinstance(reply, (str, hikari.Embed)):
        return reply
    hint = "A handler returns a str or a hikari.Embed as its reply, or None after ctx.respond(...)."
    if asyncio.iscoroutine(reply):
        reply.close()  # the error says what is wrong: nobody needs to hear that it was never awaited
        hint = f"Await it: `return await {reply.__qualname__}(...)`."
    raise AnswerError(f"{handler.file}:{handler.line}: {handler.label} returned `{type(reply).__name__}`. {hint}")
