"""Active listeners: which of them an event reaches, each isolated from errors of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import hikari

from .events import Event, EventContext, Listener, guild_of
from .logs import get_logger
from .tasks import CANCEL_TIMEOUT, Exit, Overdue, contained, within

if TYPE_CHECKING:
    from .owner import Owner
    from .runtime import Runtime

_log = get_logger("wisp")


class Listeners:
    """The listeners of a running bot and its modules."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._attached: dict[Owner, Sequence[Listener]] = {}
        self._subscriptions: dict[Owner, list[tuple[type[hikari.Event], Any]]] = {}

    def __iter__(self) -> Iterator[Listener]:
        return (listener for listeners in self._attached.values() for listener in listeners)

    def attach(self, owner: Owner, listeners: Sequence[Listener]) -> None:
        """Call these listeners of a bot or module from now on."""
        self._attached[owner] = listeners
        self._subscriptions[owner] = [
            (event_type, self._subscribe(owner, listener, event_type))
            for listener in listeners
            for event_type in listener.event_types
            if not issubclass(event_type, Event)
        ]

    def detach(self, owner: Owner) -> None:
        """Stop calling the listeners of a module."""
        self._attached.pop(owner, None)
        for event_type, callback in self._subscriptions.pop(owner, ()):
            if not (self._runtime.closing and issubclass(hikari.StoppedEvent, event_type)):  # not dispatched yet
                self._runtime.gateway.unsubscribe(event_type, callback)

    async def emit(self, event: Event) -> None:
        """Call every listener for a custom event. Return when all are done."""
        if not self._runtime.closing:
            await asyncio.gather(*(self._call(owner, listener, event) for owner, listener in self._for(event)))

    async def announce_stopping(self) -> None:
        """Call the listeners for StoppingEvent while all works: hikari dispatches it after modules are torn down."""
        if self._runtime.gateway.is_alive:
            event = self._runtime.gateway.event_factory.deserialize_stopping_event()
            await asyncio.gather(*(self._call_last(owner, listener, event) for owner, listener in self._for(event)))

    def _for(self, event: object) -> list[tuple[Owner, Listener]]:
        return [
            (owner, listener)
            for owner, listeners in self._attached.items()
            for listener in listeners
            if isinstance(event, listener.event_types)
        ]

    def _subscribe(self, owner: Owner, listener: Listener, event_type: type[hikari.Event]) -> Any:
        async def on_event(event: hikari.Event) -> None:
            # hikari dispatches an event to its class and to each base class: the first of the listener's types counts
            if next(one for one in listener.event_types if isinstance(event, one)) is event_type:
                await self._dispatch(owner, listener, event)

        self._runtime.gateway.subscribe(event_type, on_event)
        return on_event

    async def _dispatch(self, owner: Owner, listener: Listener, event: hikari.Event) -> None:
        if self._runtime.closing:
            if isinstance(event, hikari.StoppedEvent):
                await self._call_last(owner, listener, event)
        elif isinstance(event, hikari.StartedEvent):
            self._runtime.spawn(self._call(owner, listener, event))  # hikari's start would wait for it
        elif isinstance(event, hikari.StartingEvent):
            try:  # the start waits for it; it continues if the start is cancelled, since it may close the bot
                await asyncio.shield(asyncio.create_task(contained(self._call(owner, listener, event))))
            except Exit as exit:
                raise exit.error from None
        else:
            await self._call(owner, listener, event)

    async def _call(self, owner: Owner, listener: Listener, event: Any) -> None:
        """Call a listener, unless its module is off in the guild of the event."""
        runtime = self._runtime
        if runtime.gate.is_open(owner, guild_of(event)):
            ctx = EventContext(runtime, event, listener.name)

            async def fail(error: BaseException) -> None:
                await runtime.handle_error(ctx, error, listener.label, owner)

            call = partial(listener.function, event)
            await runtime.run("event", type(event).__name__, listener.label, owner, call, fail)

    async def _call_last(self, owner: Owner, listener: Listener, event: hikari.Event) -> None:
        """Call a listener for an event of the bot's end. It has what is left of the shutdown, and at least a second."""
        try:
            await within(max(self._runtime.shutdown_left(), CANCEL_TIMEOUT), self._call(owner, listener, event))
        except Overdue as error:
            _log.error('listener "%s" for %s %s', listener.name, type(event).__name__, error)
