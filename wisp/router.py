"""The router: which code of the bot an interaction calls, and how calls of each kind are answered."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import hikari

from . import bridge
from .commands import Command
from .context import InteractionContext, handler_of, responder_of
from .errors import AnswerError
from .guards import NO_RULES, Counter, Limit, Rule, Rules
from .handlers import RESERVED
from .options import AutocompleteContext

if TYPE_CHECKING:
    from .command_tree import TopLevelCommand
    from .commands import ApplicationCommand
    from .components import Component, Modal, Routes
    from .cooldowns import CooldownStore
    from .decorators import Decorators
    from .handlers import Handler
    from .instrumentation import Kind
    from .owner import ErrorHandler, Owner
    from .responder import Responder
    from .runtime import Runtime

ByCustomId = TypeVar("ByCustomId", bound="Component[..., Any] | Modal[..., Any]")

_SUBCOMMANDS = (hikari.OptionType.SUB_COMMAND, hikari.OptionType.SUB_COMMAND_GROUP)


async def _no_arguments() -> dict[str, Any]:
    return {}


async def _nothing(_: Any = None) -> None: ...


@dataclass(slots=True, eq=False)
class Call:
    """One interaction, and the code of the bot that handles it.

    `label` is its name in logs, `owner` the bot or module that it belongs to. `ctx` is what guards and error handlers
    take, None if the call has neither. Metrics know the call by `kind` and `name`.
    """

    kind: Kind
    name: str
    label: str
    owner: Owner
    interaction: Any
    ctx: Any
    invoke: Callable[..., Awaitable[Any]]
    """Call the code with the arguments."""
    refuse: Callable[[str], Awaitable[object]]
    """Answer with a text that only the user sees."""
    answer: Callable[[Any], Awaitable[object]] = _nothing
    """Answer with the result of the code."""
    arguments: Callable[[], Awaitable[dict[str, Any]]] = _no_arguments
    """Return the arguments that the interaction brings. Raises UserError if they do not fit."""
    rules: Rules = NO_RULES
    """What is asked before the call."""
    error_handlers: Sequence[ErrorHandler] = ()
    responder: Responder | None = None
    """What answers the interaction, None if the call itself does not."""

    def follow_context(self) -> None:
        """Continue as the handler of the context: a prompt passes a click on to the handler that asks."""
        if self.ctx is not None:
            handler = handler_of(self.ctx)
            self.label, self.owner, self.error_handlers = handler.label, handler.owner, handler.error_handlers


class Router:
    """Finds the code that an interaction calls."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._cooldowns: CooldownStore | None = None
        self._commands: dict[tuple[int | None, int, tuple[str, ...]], ApplicationCommand[..., Any]] = {}
        self._components: Routes[Component[..., Any]] | None = None
        self._modals: Routes[Modal[..., Any]] | None = None
        self._rules: dict[Handler[..., Any], Rules] = {}
        self._counters: dict[Limit, Counter] = {}

    # ---- cooldowns ----

    @property
    def cooldowns(self) -> CooldownStore:
        """What is counted by the limits of handlers."""
        if self._cooldowns is None:
            from .cooldowns import CooldownStore  # loaded by the first limit

            self._cooldowns = CooldownStore(self._runtime.clock, self._runtime.discord_time, self._runtime.database)
        return self._cooldowns

    async def stop(self) -> None:
        """Finish writing cooldowns."""
        if self._cooldowns is not None:
            await self._cooldowns.stop()

    # ---- what there is ----

    def update(self, commands: Iterable[tuple[TopLevelCommand, Sequence[int]]], owners: Iterable[Decorators]) -> None:
        """Route interactions to these from now on.

        Commands are those of these guilds alone, or of all places if there are none. The owners have the rest.
        """
        known, self._counters = self._counters, {}
        self._commands, self._rules = {}, {}
        names: set[str] = set()
        for top, guilds in commands:
            for command in top.commands:
                for guild in guilds or (None,):
                    self._commands[guild, int(command.kind), command.path] = command
                self._read_rules(command, known, names)
        owners = list(owners)
        components = [component for owner in owners for component in owner.components]
        modals = [modal for owner in owners for modal in owner.modals]
        for handler in (*components, *modals):
            self._read_rules(handler, known, names)
        self._components, self._modals = _by_custom_id(components), _by_custom_id(modals)

    def _read_rules(self, handler: Handler[..., Any], known: Mapping[Limit, Counter], names: set[str]) -> None:
        """Find the rules of a handler. A limit on a group counts the calls of all its commands, and keeps counting."""
        found: dict[Rule, None] = {}  # a rule on a group and on its command is asked once
        for name, rules in handler.guarded_by():
            for limit in (rule for rule in rules if isinstance(rule, Limit)):
                if limit not in self._counters:
                    unique = _free_name(f"{handler.owner.namespace or ''}:{name}", names)
                    counter = known[limit] if limit in known else limit.counter(self.cooldowns, unique)
                    self._counters[limit] = counter
            found.update(dict.fromkeys(rules))
        if found:
            limits = sorted((rule for rule in found if isinstance(rule, Limit)), key=lambda limit: limit.rank)
            self._rules[handler] = Rules([*found], [self._counters[limit] for limit in limits])

    # ---- finding it ----

    def find(self, interaction: hikari.PartialInteraction) -> Call | None:
        """Return the call that an interaction makes, None if no code of wisp handles it."""
        runtime = self._runtime
        if isinstance(interaction, (hikari.CommandInteraction, hikari.AutocompleteInteraction)):
            path, options = _path_of(interaction)
            place = interaction.registered_guild_id, interaction.command_type, path
            command = self._commands.get(place)
            if command is None:
                return None
            if isinstance(interaction, hikari.CommandInteraction):
                return self._call(command, command.context(runtime, command, interaction, options))
            return _autocomplete_call(runtime, command, interaction, options) if isinstance(command, Command) else None
        if isinstance(interaction, hikari.ComponentInteraction):
            if found := self._component(interaction.custom_id):
                component, fields = found
                return self._call(component, component.context(runtime, component, interaction, fields))
        elif isinstance(interaction, hikari.ModalInteraction):
            if _is_reserved(interaction.custom_id) and (owner := runtime.prompts.form_owner(interaction.custom_id)):
                return _form_call(runtime, owner, interaction)
            if self._modals is not None and (found := self._modals.find(interaction.custom_id)):
                modal, fields = found
                return self._call(modal, modal.context(runtime, modal, interaction, fields))
        return None

    def _component(self, custom_id: str) -> tuple[Component[..., Any], list[str]] | None:
        if _is_reserved(custom_id):
            return self._runtime.prompts.component, custom_id.split(":", 2)[1:]
        return None if self._components is None else self._components.find(custom_id)

    def _call(self, handler: Handler[..., Any], ctx: InteractionContext[Any]) -> Call:
        async def answer(result: Any) -> None:
            if result is not None:
                await ctx.respond(_reply(handler, result))

        return Call(
            kind=handler.measured_as,
            name=handler.label,
            label=handler.label,
            owner=handler.owner,
            interaction=ctx.interaction,
            ctx=ctx,
            invoke=partial(handler.function, ctx),
            refuse=partial(ctx.respond, ephemeral=True),
            answer=answer,
            arguments=partial(handler.arguments, ctx),
            rules=self._rules.get(handler, NO_RULES),
            error_handlers=handler.error_handlers,
            responder=responder_of(ctx),
        )


def _autocomplete_call(
    runtime: Runtime, command: Command[..., Any], interaction: hikari.AutocompleteInteraction, options: Sequence[Any]
) -> Call:
    """Return the call of an option's autocomplete function, which suggests choices for what a user types."""
    from .autocomplete import suggest  # loaded by the first of them

    ctx = AutocompleteContext(runtime, command, interaction, options)
    focused = next((option for option in options if option.is_focused), None)

    async def answer(choices: list[dict[str, Any]]) -> None:
        try:
            await bridge.send_choices(interaction, choices)
        except Exception as error:
            if not runtime.closing:  # then the connection closes, and answers are not waited for
                runtime.report(f"the choices of {command.label}", error)
                if choices:
                    await answer([])

    async def refuse(text: str) -> None:
        await answer([])  # Discord shows no text here

    return Call(
        kind="autocomplete",
        name=command.label,
        label=command.label,
        owner=command.owner,
        interaction=interaction,
        ctx=None,
        invoke=partial(suggest, runtime, command, ctx, focused),
        refuse=refuse,
        answer=answer,
    )


def _form_call(runtime: Runtime, owner: Owner, interaction: hikari.ModalInteraction) -> Call:
    """Return the call that passes a form to the handler which waits for it: that handler continues, and answers."""

    async def submit() -> None:
        runtime.prompts.submit(interaction)

    async def refuse(text: str) -> None:
        await bridge.answer_privately(interaction, text)

    return Call("modal", "form", "a form", owner, interaction, None, submit, refuse)


def _by_custom_id(handlers: Sequence[ByCustomId]) -> Routes[ByCustomId] | None:
    """Return where to find handlers by custom id, None if there are none: then their file is not loaded."""
    if not handlers:
        return None
    from .components import Routes

    routes: Routes[ByCustomId] = Routes()
    for handler in handlers:
        assert handler.pattern is not None
        routes.add(handler.pattern, handler)
    return routes


def _is_reserved(custom_id: str) -> bool:
    return custom_id.startswith(f"{RESERVED}:")


def _path_of(
    interaction: hikari.CommandInteraction | hikari.AutocompleteInteraction,
) -> tuple[tuple[str, ...], Sequence[Any]]:
    """Return the names of a command from its groups down, and the options of the command itself."""
    path: tuple[str, ...] = (interaction.command_name,)
    options: Sequence[Any] = interaction.options
    while options and options[0].type in _SUBCOMMANDS:
        path = (*path, options[0].name)
        options = options[0].options or ()
    return path, options


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name for a limit that no other one has, and that it has again after a restart."""
    name = next(free for number in itertools.count() if (free := f"{name}#{number}") not in taken)
    taken.add(name)
    return name


def _reply(handler: Handler[..., Any], result: Any) -> Any:
    """Return the result of a handler as its reply. Raises AnswerError if it is not a reply."""
    if isinstance(result, (str, hikari.Embed)):
        return result
    hint = "A handler returns a str or a hikari.Embed as its reply, or None after ctx.respond(...)."
    if asyncio.iscoroutine(result):
        result.close()  # the error says what is wrong: Python need not warn that it was never awaited
        hint = f"Await it: `return await {result.__qualname__}(...)`."
    raise AnswerError(f"{handler.file}:{handler.line}: {handler.label} returned `{type(result).__name__}`. {hint}")
