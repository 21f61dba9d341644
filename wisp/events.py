"""Events of one's own, listeners that hear them and Discord's, and the intents that those need."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import hikari
import msgspec

# hikari keeps this one out of its top level, and documents it
from hikari.events.base_events import get_required_intents_for

from .errors import Problem
from .guards import misplaced_rules
from .inspection import InvalidDefinition, call_problem, expand, read_parameters, union_parts, unpack
from .locations import place_of
from .structs import AnyOrder

if TYPE_CHECKING:
    from .bot import Bot

PRIVILEGED = hikari.Intents.ALL_PRIVILEGED
_MESSAGE_EVENTS = hikari.Intents.ALL_MESSAGES


class Event(msgspec.Struct, metaclass=AnyOrder):
    """An event of your own: its annotations are its fields, as in `class LevelUp(wisp.Event): user_id: int`.

    `await bot.emit(LevelUp(user_id=1))` calls every listener for it, or for a class that it derives from. Where it has
    a field `guild_id`, modules that are off in that server do not hear it.
    """


class ModuleEnabled(Event):
    """A module was turned on in a server."""

    guild_id: int
    module: str


class ModuleDisabled(Event):
    """A module was turned off in a server."""

    guild_id: int
    module: str


class EventContext:
    """What an error handler gets where a listener failed: the `event`, the `listener`'s name, the `bot`.

    There is nobody to answer. `guild_id` is None where the event has none.
    """

    __slots__ = ("bot", "event", "listener")

    def __init__(self, bot: Bot, event: Any, listener: str) -> None:
        self.bot: Bot = bot
        self.event: Any = event
        self.listener: str = listener

    @property
    def guild_id(self) -> int | None:
        """The server that it happened in."""
        return guild_of(self.event)


def guild_of(event: Any) -> int | None:
    """The server that an event happened in, None where it has none."""
    guild_id = getattr(event, "guild_id", None)
    if guild_id is None and isinstance(event, hikari.InteractionCreateEvent):
        guild_id = getattr(event.interaction, "guild_id", None)
    return guild_id


class Listener:
    """A function that is called once for each event of `event_types`, and the `mistakes` in its definition."""

    __slots__ = ("event_types", "file", "function", "line", "name", "problems")

    def __init__(
        self, function: Callable[[Any], Awaitable[object]], event_types: tuple[type[Any], ...], names: Mapping[str, Any]
    ) -> None:
        self.function: Callable[[Any], Awaitable[object]] = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.file: str | None
        self.line: int | None
        self.file, self.line = place_of(function)
        self.problems: list[Problem] = []
        self.event_types: tuple[type[Any], ...] = self._read_types(event_types, names)
        if inspect.signature(function).parameters and (problem := call_problem(function, "event")):
            self._problem(problem, f"Write `async def {self.name}(event: ...)`")
        for event_type in self.event_types:
            if not _is_event(event_type):
                fix = "Use a class like hikari.MemberCreateEvent, or one of your own that derives from wisp.Event"
                self._problem(f"{event_type!r} is not an event", fix)

    @property
    def label(self) -> str:
        """What logs call it."""
        return f'listener "{self.name}"'

    def check(self) -> list[Problem]:
        """All that is wrong with it, guards that stand above its decorator included."""
        return [*self.problems, *misplaced_rules(self.function, self.problem)]

    def intents(self) -> hikari.Intents:
        """All that its events can need to arrive."""
        needed = hikari.Intents.NONE
        for event_type in self.event_types:
            if not issubclass(event_type, Event):
                needed |= intents_of(event_type)
        return needed

    def receives(self, event: object, event_type: type[Any]) -> bool:
        """Return whether an event reaches the listener through its subscription to this type.

        hikari dispatches an event to its class and to each base class. Of those that the listener names, the first
        counts, so that the listener is called once.
        """
        return next(one for one in self.event_types if isinstance(event, one)) is event_type

    def _read_types(self, named: tuple[Any, ...], names: Mapping[str, Any]) -> tuple[type[Any], ...]:
        """Return the events that the decorator names, or else the annotation, each once."""
        fix = "Write `async def name(event: hikari.MemberCreateEvent)`, or `@bot.listen(hikari.MemberCreateEvent)`"
        first = next(iter(read_parameters(self.function, names)), None)
        if first is None:
            self._problem("it has no parameter for the event", fix)
            return ()
        try:
            annotated = _types_in([first.resolve()])
        except InvalidDefinition as invalid:
            if not named:
                self._problem(f"parameter `{first.name}`: {invalid.message}", fix)
            annotated = ()
        if not named:
            return annotated
        try:
            types = _types_in(map(expand, named))
        except Exception as error:
            self._problem(f"the events that the decorator names cannot be evaluated ({error})", fix)
            return ()
        are_events = annotated and all(map(_is_event, (*types, *annotated)))
        if are_events and not any(issubclass(one, annotated) for one in types):
            given = " and ".join(one.__name__ for one in types)
            wanted = " | ".join(one.__name__ for one in annotated)
            problem = f"the decorator names {given}, and `{first.name}` is annotated as `{wanted}`"
            self._problem(problem, "Write the same event in both places, or write `@bot.listen` alone")
        return types

    def problem(self, problem: str, fix: str) -> Problem:
        """A Mistake at its place."""
        return Problem(self.label, problem, fix, file=self.file, line=self.line)

    def _problem(self, problem: str, fix: str) -> None:
        self.problems.append(self.problem(problem, fix))


def intents_of(event_type: type[hikari.Event]) -> hikari.Intents:
    """All intents that `event_type` can need: where Discord sends it under either of two, both.

    A base class that hikari gives no intents (`hikari.Event`) stands for what lies below it, as far as that
    needs no privilege: nobody should have to apply for everything by listening to a base class.
    """
    groups = get_required_intents_for(event_type)
    if groups:
        return _union(groups)
    below = _union(intents_of(child) for child in event_type.__subclasses__())
    return below & ~PRIVILEGED


def hears_messages(listeners: Iterable[Listener]) -> bool:
    """Whether any of `listeners` gets messages, whose content takes an intent of its own."""
    return any(listener.intents() & _MESSAGE_EVENTS for listener in listeners)


def _union(groups: Iterable[hikari.Intents]) -> hikari.Intents:
    union = hikari.Intents.NONE
    for group in groups:
        union |= group
    return union


def _types_in(annotations: Iterable[Any]) -> tuple[Any, ...]:
    """Return the parts of these annotations, each once."""
    return tuple(dict.fromkeys(part for one in annotations for part in union_parts(unpack(one).type)))


def _is_event(event_type: Any) -> bool:
    return isinstance(event_type, type) and issubclass(event_type, (hikari.Event, Event))
