"""Dispatch: how an interaction gets from its arrival to its response. Read this first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import hikari

from . import bridge
from .config import in_use
from .errors import AnswerError, InteractionOver, UserError
from .handlers import EXPIRED
from .logs import get_logger, redacted
from .tasks import EXITS, current_task, described, must_raise, text_of

if TYPE_CHECKING:
    from .instrumentation import Outcome
    from .lightbulb_compat import LightbulbCompat
    from .router import Call, Router
    from .runtime import Runtime

_log = get_logger("wisp.dispatch")

_CLOSING = "The bot is restarting. Please try again in a moment."
_OFF = "“{name}” is off in this server. `/modules enable module:{name}` turns it on, which needs Manage Server."
_REFUSED = "This was refused."
_UNKNOWN_COMMAND = "This command no longer exists. Discord will stop showing it soon."
_WENT_WRONG = "Something went wrong{shown} If you report it, mention error `{id}`."
_NO_ANSWER = "This command gave no answer."
_UNREADABLE = "The bot could not read what Discord sent. Please try again."

_LONGEST_ERROR = 1000
"""The most characters of an exception that users see."""

_REMEMBERED = 1000
"""How many recent interactions are remembered, to detect duplicates."""


class Dispatcher:
    """Answers the interactions of one run. `calls` are those that run now."""

    def __init__(self, runtime: Runtime, router: Router, lightbulb: LightbulbCompat) -> None:
        self.calls: set[Call] = set()
        self._runtime = runtime
        self._router = router
        self._lightbulb = lightbulb
        self._seen: OrderedDict[int, bool] = OrderedDict()  # recent interactions, and whether a raw `wait_for` has it

    # ---- handling an interaction ----

    async def on_interaction(self, event: hikari.InteractionCreateEvent) -> None:
        """Answer an interaction, from its arrival to its handler. This is wisp's only listener, and never raises."""
        runtime, interaction = self._runtime, event.interaction
        in_use.set(runtime.config)
        with runtime.tasks.track() as task:
            try:
                call = self._router.find(interaction)
                if refusal := self._gate(interaction, call):
                    await self._answer_raw(interaction, refusal)
                elif call is None:
                    await self._forward(event)
                else:
                    with self._running(call, task):
                        await self._answer(call)
            except BaseException as error:
                if must_raise(error, task, is_ending=True):
                    raise
                await self._fail_unrouted(interaction, error)

    def _gate(self, interaction: hikari.PartialInteraction, call: Call | None) -> str | None:
        """Return why an interaction is refused, None if it is not: the bot closes, or the module is off there."""
        runtime = self._runtime
        if runtime.closing:
            runtime.instrumentation.refused("closing")
            return _CLOSING
        if call is None or runtime.gate.is_open(call.owner, interaction.guild_id):
            return None
        runtime.instrumentation.refused("off")
        return _OFF.format(name=call.owner.name)

    @contextmanager
    def _running(self, call: Call, task: asyncio.Task[Any]) -> Generator[None]:
        """Count the call as running inside of the block, and defer its answer in time."""
        self._runtime.tasks.add(task, call.owner)
        task.set_name(call.label)
        self.calls.add(call)
        if call.responder is not None:
            call.responder.start()
        try:
            yield
        finally:
            self.calls.discard(call)
            if call.responder is not None:
                call.responder.stop()

    async def _answer(self, call: Call) -> None:
        """Run a call, inside of lightbulb's hooks if there are any, and tell its user if it is cancelled."""
        try:
            if call.kind == "command" and self._lightbulb.client.hooks:
                await self._through_lightbulb(call)
            else:
                await self.run(call)
        except asyncio.CancelledError:
            if call.responder is None or not call.responder.has_open_form:  # one that may have been dismissed long ago
                await self._tell(call, _CLOSING)
            raise

    async def run(self, call: Call) -> None:
        """Answer an interaction, from the guards of its handler to the answer or the failure.

        Slash commands, menu commands, autocompletion, components, modals and forms all go through here.
        """
        runtime, watch, task = self._runtime, self._runtime.watchdog.watch, current_task()
        began = runtime.clock.monotonic()
        outcome: Outcome = "cancelled"
        try:
            await watch(call.rules.check(call.ctx), call.label)  # guards
            arguments = await call.arguments()  # options
            async with call.rules.limits(call.ctx):  # concurrency, then cooldown
                await call.answer(await watch(call.invoke(**arguments), call.label))
            outcome = "done"
        except BaseException as error:
            if must_raise(error, task, is_ending=runtime.is_ending(call.owner)):
                raise
            outcome = "refused" if isinstance(error, UserError) else "failed"
            await self._fail(call, error)
        finally:
            runtime.instrumentation.record(call.kind, call.name, outcome, began)
        await self.finish(call)

    async def _through_lightbulb(self, call: Call) -> None:
        """Let lightbulb run its hooks around `run`. A hook that stops the call must not leave it unanswered."""
        assert call.responder is not None
        running = self._lightbulb.run_with_hooks(call.ctx, partial(self.run, call))
        if await self._runtime.watchdog.watch(running, call.label):
            return
        if call.responder.sent is not None and call.responder.sent.is_set():
            await call.responder.catch_up()
            await self.finish(call)
        else:
            await self._tell(call, _REFUSED)

    # ---- failures ----

    async def _fail(self, call: Call, error: BaseException) -> None:
        """Respond with the text of a UserError, or with the id of an error that no error handler handled."""
        call.follow_context()
        if isinstance(error, EXITS):
            await self._tell(call, _CLOSING)
            self._runtime.request_exit(error)
            return
        try:
            ask, can_ask = self._runtime.ask_error_handlers, call.ctx is not None and not isinstance(error, UserError)
            if can_ask and await ask(call.ctx, error, call.error_handlers, call.owner):
                return
        except UserError as refusal:
            error = refusal
        if isinstance(error, UserError):
            await self._tell(call, text_of(error).strip() or _REFUSED)
            return
        id = self._runtime.report(call.label, error)
        shown = f": {self._shown(error)}" if call.rules.shows_errors else "."
        await self._tell(call, _WENT_WRONG.format(shown=shown, id=id))

    def _shown(self, error: BaseException) -> str:
        """Return an error as users may see it: short, and without secrets."""
        text = redacted(described(error))
        text = text.replace(self._runtime.config.token or "\0", "<token>")
        return f"{text[:_LONGEST_ERROR]}..." if len(text) > _LONGEST_ERROR else f"{text.rstrip('.')}."

    async def _tell(self, call: Call, text: str) -> None:
        """Answer the user, if Discord still accepts an answer."""
        try:
            await call.refuse(text)
        except InteractionOver:
            return
        except Exception as error:
            if self._runtime.closing:  # the connection closes meanwhile
                _log.info("could not answer %s while the bot closes: %s", call.label, error)
                return
            id = self._runtime.report(f"answering {call.label}", error)
            if isinstance(error, AnswerError):  # another text may do
                with suppress(Exception):
                    await call.refuse(_WENT_WRONG.format(shown=".", id=id))

    async def finish(self, call: Call) -> None:
        """Acknowledge the interaction of a call if its handler did not answer it."""
        if call.responder is not None:
            try:
                await call.responder.finish()
            except Exception as error:
                self._runtime.report(call.label, error)

    async def _fail_unrouted(self, interaction: hikari.PartialInteraction, error: BaseException) -> None:
        """Answer an interaction that failed outside of any handler, such as in a lightbulb hook or command."""
        if isinstance(error, EXITS):
            await self._answer_raw(interaction, _CLOSING)
            self._runtime.request_exit(error)
        else:
            id = self._runtime.report("an interaction", error)
            await self._answer_raw(interaction, _WENT_WRONG.format(shown=".", id=id))

    # ---- interactions that no handler of wisp answers ----

    async def _forward(self, event: hikari.InteractionCreateEvent) -> None:
        """Leave an interaction to lightbulb or a raw listener, and answer what neither handles."""
        interaction = event.interaction
        is_command = isinstance(interaction, (hikari.CommandInteraction, hikari.AutocompleteInteraction))
        if self._lightbulb.handles(interaction):
            sent = asyncio.Event()
            handling = self._lightbulb.client.handle_interaction_create(interaction, sent)
            name = getattr(interaction, "command_name", None) or getattr(interaction, "custom_id", "")
            await self._runtime.watchdog.watch(handling, f'"{name}" of lightbulb')
            if is_command and not sent.is_set():
                await self._answer_raw(interaction, _NO_ANSWER)
        else:
            self._runtime.instrumentation.refused("unknown")
            if self._seen.get(interaction.id) or len(self._runtime.gateway.get_listeners(type(event))) > 1:
                # a raw listener may answer or only observe: give it as long as Discord waits
                await asyncio.sleep(self._runtime.defer_after)
            await self._answer_raw(interaction, _UNKNOWN_COMMAND if is_command else EXPIRED)

    async def _answer_raw(self, interaction: bridge.Interaction, line: str) -> None:
        """Answer an interaction without a context. Does nothing if something else has answered it."""
        try:
            await bridge.answer_privately(interaction, line)
        except Exception as error:
            if getattr(error, "code", None) != bridge.ALREADY_ACKNOWLEDGED:
                _log.warning("could not answer an interaction: %s", error)

    # ---- interactions before hikari reads them: see `bridge.on_interaction_payload` ----

    def accept(self, id: int, is_awaited: bool) -> bool:
        """Return False for an interaction that has arrived already: what Discord sends twice must not be done twice.

        `is_awaited` is True if a raw `wait_for` may answer it.
        """
        if id in self._seen:
            return False
        self._seen[id] = is_awaited
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def on_undecodable(self, interaction: bridge.Undecodable, error: Exception) -> None:
        """Log an interaction that hikari could not read, without its token, and answer it."""
        self._runtime.report("an interaction that hikari could not read", error)
        self._runtime.spawn(self._answer_raw(interaction, _UNREADABLE))
