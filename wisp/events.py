"""Events: custom events, listeners for them and for Discord's events, and the intents that listeners need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import hikari
import msgspec

# hikari does not export this function at its top level, but documents it
from hikari.events.base_events import get_required_intents_for

from .errors import Problem
from .guards import misplaced_rules
from .inspection import InvalidDefinition, call_problem, expand, read_parameters, union_parts, unpack
from .locations import place_of
from .runtime import BotContext
from .structs import AnyOrder

if TYPE_CHECKING:
    from .runtime import Runtime

PRIVILEGED = hikari.Intents.ALL_PRIVILEGED


class Event(msgspec.Struct, metaclass=AnyOrder):
    """The base of custom events: the annotations are the fields, as in `class LevelUp(wisp.Event): user_id: int`.

    `await bot.emit(LevelUp(user_id=1))` calls every listener for its class or a base class. If it has a field
    `guild_id`, listeners of modules that are disabled in that guild are not called.
    """


class ModuleEnabled(Event):
    """A module was enabled in a guild."""

    guild_id: int
    module: str


class ModuleDisabled(Event):
    """A module was disabled in a guild."""

    guild_id: int
    module: str


class EventContext(BotContext):
    """The context that error handlers get when a listener fails: the `event`, and the name of the `listener`.

    There is no interaction to respond to.
    """

    __slots__ = ("event", "listener")

    def __init__(self, runtime: Runtime, event: Any, listener: str) -> None:
        super().__init__(runtime)
        self.event: Any = event
        self.listener: str = listener

    @property
    def guild_id(self) -> int | None:
        """The guild of the event, None if it has none."""
        return guild_of(self.event)


def guild_of(event: Any) -> int | None:
    """Return the guild of an event, None if it has none."""
    source = event.interaction if isinstance(event, hikari.InteractionCreateEvent) else event
    return getattr(source, "guild_id", None)


class Listener:
    """A function that is called once for each event of `event_types`, and the `problems` of its definition.

    `label` is its name in logs and problems.
    """

    def __init__(
        self, function: Callable[[Any], Awaitable[object]], event_types: tuple[Any, ...], names: Mapping[str, Any]
    ) -> None:
        self.function: Callable[[Any], Awaitable[object]] = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.label: str = f'listener "{self.name}"'
        self.problems: list[Problem] = []
        types = [part for one in self._annotations(event_types, names) for part in union_parts(unpack(one).type)]
        self.event_types: tuple[type[Any], ...] = tuple(dict.fromkeys(filter(_is_event, types)))
        for one in types:
            if not _is_event(one):
                fix = "Use a class like hikari.MemberCreateEvent, or one of your own that derives from wisp.Event"
                self._note(f"{one!r} is not an event", fix)
        if problem := call_problem(function, "event"):
            self._note(problem, f"Write `async def {self.name}(event: ...)`")

    def check(self) -> list[Problem]:
        """Return all problems of the listener, including guards above its decorator."""
        return [*self.problems, *misplaced_rules(self.function, self.problem)]

    def intents(self) -> hikari.Intents:
        """Return all intents that its events can need."""
        return _union(intents_of(cls) for cls in self.event_types if not issubclass(cls, Event))

    def _annotations(self, event_types: tuple[Any, ...], names: Mapping[str, Any]) -> list[Any]:
        """Return what the decorator names, or else the annotation of the parameter; nothing if it is wrong."""
        try:
            if event_types:
                return [expand(one) for one in event_types]
            return [parameter.resolve() for parameter in read_parameters(self.function, names)[:1]]
        except InvalidDefinition as invalid:
            message = f"its parameter for the event: {invalid.message}"
        except Exception as error:
            message = f"the events that the decorator names cannot be evaluated ({error})"
        fix = "Write `async def name(event: hikari.MemberCreateEvent)`, or `@bot.listen(hikari.MemberCreateEvent)`"
        self._note(message, fix)
        return []

    def problem(self, message: str, fix: str) -> Problem:
        """Return a problem of this listener."""
        return Problem(self.label, message, fix, file=self.file, line=self.line)

    def _note(self, message: str, fix: str) -> None:
        self.problems.append(self.problem(message, fix))


def intents_of(event_type: type[hikari.Event]) -> hikari.Intents:
    """Return all intents that an event type can need: both, if Discord sends it under either of two.

    A base class without intents of its own (`hikari.Event`) needs the intents of its subclasses, except for
    privileged ones: a listener for a base class must not require the approval of those.
    """
    if groups := get_required_intents_for(event_type):
        return _union(groups)
    return _union(map(intents_of, event_type.__subclasses__())) & ~PRIVILEGED


def listens_to_messages(listeners: Iterable[Listener]) -> bool:
    """Return whether any of these listeners receives messages, whose content needs an intent of its own."""
    return any(listener.intents() & hikari.Intents.ALL_MESSAGES for listener in listeners)


def _union(groups: Iterable[hikari.Intents]) -> hikari.Intents:
    union = hikari.Intents.NONE
    for group in groups:
        union |= group
    return union


def _is_event(event_type: Any) -> bool:
    return isinstance(event_type, type) and issubclass(event_type, (hikari.Event, Event))
