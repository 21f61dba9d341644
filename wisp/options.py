"""Options: a function's signature becomes what Discord shows, and what Discord sends becomes its arguments."""

from __future__ import annotations

import datetime
import enum
import inspect
import math
import re
import typing
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

import hikari

from . import limits
from .clock import LONGEST, duration_in_words, parse_duration
from .context import BaseContext, Context
from .errors import UserError
from .inspection import (
    InvalidDefinition,
    Metadata,
    Parameter,
    call_problem,
    in_words,
    short_repr,
    union_parts,
)

if TYPE_CHECKING:
    from .owner import Handler
    from .runtime import Runtime

Reader = Callable[[Context, Any], Any]
"""From what Discord sent to what the annotation promises: the value, or a coroutine that fetches it."""

ChoiceValue = str | int | float
Choices = Iterable[ChoiceValue | enum.Enum | hikari.CommandChoice] | Mapping[str, ChoiceValue]
Localizations = Mapping[hikari.Locale | str, str]
Bound = float | datetime.timedelta | str
"""The least or greatest value of an option: a number, or for a duration a timedelta or a str like "1h30m"."""

_OLDER = "Discord may be showing an older version of this command: try again."


class AutocompleteContext(BaseContext[hikari.AutocompleteInteraction]):
    """A request for suggestions: the user who types, the channel, and the options that are filled so far.

    `options` maps their names to raw values (ids for members and channels).
    """

    __slots__ = ("options",)

    def __init__(
        self,
        runtime: Runtime,
        handler: Handler,
        interaction: hikari.AutocompleteInteraction,
        options: Sequence[hikari.AutocompleteInteractionOption],
    ) -> None:
        super().__init__(runtime, handler, interaction)
        self.options: dict[str, Any] = {option.name: option.value for option in options if not option.is_focused}


@dataclass(eq=False, slots=True)
class Option(Metadata):
    """What Discord shows of one option and lets users enter: `Annotated[int, wisp.Option("How often", min=1)]`.

    `description` has 1 to 100 characters. `name` replaces the parameter's name. `min` and `max` bound a number
    (within 2**53) or a duration (a timedelta, or a str like "1h30m"; without `max`, about a hundred years),
    `min_length` and `max_length` (0 to 6000) the characters of a str. `choices` are up to 25 values, a mapping of shown
    names to values, or hikari's `CommandChoice`. `autocomplete` is `async (ctx, typed)` that returns up to 25 of the
    same; it excludes `choices`. Localizations map a locale ("de") to a str.

    The limits are Discord's: https://discord.com/developers/docs/interactions/application-commands
    """

    of: ClassVar[str] = "options of commands"

    description: str = ""
    _: KW_ONLY
    name: str | None = None
    min: Bound | None = None
    max: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    choices: Choices | None = None
    autocomplete: Callable[..., Any] | None = None
    name_localizations: Localizations | None = None
    description_localizations: Localizations | None = None

    def __post_init__(self) -> None:
        if isinstance(self.choices, Iterator):
            # they are read more than once, and may have no end
            self.choices = list(islice(self.choices, limits.CHOICES + 1))


class _Kind(NamedTuple):
    """What an annotation stands for: Discord's type of the option, and how its value is read."""

    type: hikari.OptionType
    read: Reader
    choices: list[dict[str, Any]] | None = None
    channel_types: list[int] | None = None


class CommandOption:
    """One option of a command: `payload` is its JSON for Discord, `argument` the parameter that takes it.

    `read` converts its value, `fills_none` says that it is None if it is left out. `has_warned` says that a warning
    about its suggestions was logged.
    """

    def __init__(self, argument: str, kind: _Kind, option: Option, *, required: bool, fills_none: bool) -> None:
        self.argument: str = argument
        self.name: str = option.name or argument.rstrip("_")
        self.required: bool = required
        self.type: hikari.OptionType = kind.type
        self.has_warned: bool = False
        self.fills_none: bool = fills_none
        self.autocomplete: Callable[..., Any] | None = option.autocomplete
        self.described: bool = bool(option.description)
        self.payload: dict[str, Any] = _payload(self.name, kind, option, required)
        read = _duration(_durations(option)) if kind is _DURATION else kind.read
        self.read: Reader = self._within_bounds(read) if self.payload.keys() & _BOUNDS else read

    def _within_bounds(self, read: Reader) -> Reader:
        """Return a reader that also checks the bounds: Discord enforces those of the version that it knows."""

        def read_within(ctx: Context, value: Any) -> Any:
            arrived = read(ctx, value)
            if problem := out_of_bounds(self.payload, value):
                raise UserError(f"That {problem}. {_OLDER}")
            return arrived

        return read_within


class Target(NamedTuple):
    """The user or message that a menu command was used on: the parameter that takes it, and its reader."""

    argument: str
    read: Reader


# ---- from a signature to options ----


def check_first(parameters: Sequence[Parameter]) -> None:
    """Raise InvalidDefinition if the first parameter of a command cannot take the context."""
    fix = "Write `async def name(ctx: wisp.Context, ...)`"
    if not parameters or not parameters[0].is_positional:
        raise InvalidDefinition("its first parameter must take the context, and it has none", fix)
    first = parameters[0]
    if first.name == "self":
        fix = "Register the bound method instead: `bot.command(thing.method)`"
        raise InvalidDefinition("it is a method without its object", fix)
    if not first.is_annotated:
        return
    try:
        kind = _kind(first.read().type)
    except InvalidDefinition:  # no option: a class of the bot's own, or a name that only a type checker knows
        return
    raise InvalidDefinition(
        f"its first parameter is `{first}`, an option of Discord's type {kind.type.name}, in place of the context",
        f"Put the context first: `async def name(ctx: wisp.Context, {first})`",
    )


def read_option(parameter: Parameter) -> CommandOption:
    """Return the option that a parameter stands for. Raises InvalidDefinition if Discord has none such."""
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise InvalidDefinition(f"`{parameter}` stands for any number of options", "Name each option")
    if not parameter.is_named:
        raise InvalidDefinition("it is positional-only, and options are passed by name", "Move it behind the `/`")
    parameter.check_default()
    annotation = parameter.read()
    option = annotation.only(Option, '"description"') or Option()
    kind = _kind(annotation.type)
    _check_settings(kind, option)
    return CommandOption(
        parameter.name,
        kind,
        option,
        required=not (parameter.has_default or annotation.allows_none),
        fills_none=annotation.allows_none and not parameter.has_default,
    )


def check_target(parameters: Sequence[Parameter], kind: hikari.CommandType) -> None:
    """Raise InvalidDefinition if a menu command does not take its context and its target, and nothing else."""
    if len(parameters) != 2:
        problem = f"it takes the context and its target, and has {len(parameters)} parameters"
        raise InvalidDefinition(problem, _target_fix(kind))
    if parameters[1].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        raise InvalidDefinition(f"its target `{parameters[1]}` cannot be passed by name", _target_fix(kind))


def read_target(parameter: Parameter, kind: hikari.CommandType) -> Target:
    """Return the target of a menu command. Raises InvalidDefinition if its annotation is no such target."""
    if not parameter.is_annotated:
        return Target(parameter.name, _MEMBER_OR_USER if kind is hikari.CommandType.USER else _MESSAGE)
    annotation = parameter.read()
    annotation.refuse_metadata()
    reader = _TARGETS.get((kind, frozenset(union_parts(annotation.type))))
    if reader is None:
        raise InvalidDefinition(f"its target is {_code(annotation.type)}", _target_fix(kind))
    return Target(parameter.name, reader)


def _target_fix(kind: hikari.CommandType) -> str:
    target = "member: hikari.Member" if kind is hikari.CommandType.USER else "message: hikari.Message"
    return f"Write `async def name(ctx: wisp.Context, {target})`"


def _payload(name: str, kind: _Kind, option: Option, required: bool) -> dict[str, Any]:
    bounds = (None, None) if kind is _DURATION else (option.min, option.max)
    payload = {
        "type": int(kind.type),
        "name": name,
        "description": option.description or in_words(name),
        "required": required,
        "choices": kind.choices if option.choices is None else choice_payloads(option.choices),
        "channel_types": kind.channel_types,
        "min_value": bounds[0],
        "max_value": bounds[1],
        "min_length": option.min_length,
        "max_length": option.max_length,
        "autocomplete": True if option.autocomplete is not None else None,
        "name_localizations": localizations(option.name_localizations) or None,
        "description_localizations": localizations(option.description_localizations) or None,
    }
    return {key: value for key, value in payload.items() if value is not None}


def localizations(texts: Localizations | None) -> dict[str, str]:
    """Return a mapping of locales to texts as Discord takes it."""
    return {str(locale): text for locale, text in (texts or {}).items()}


# ---- choices ----


def choices_in(choices: Choices) -> Iterator[Any]:
    """Return the choices one by one, those of a mapping as pairs. Raises TypeError for a str or what is no iterable."""
    if isinstance(choices, (str, bytes)):
        raise TypeError(f"expected a list of choices, got {short_repr(choices)}")
    return iter(cast("Mapping[Any, Any]", choices).items() if isinstance(choices, Mapping) else choices)


def choice_payloads(choices: Choices) -> list[dict[str, Any]]:
    """Return the JSON of choices. Raises TypeError for anything else."""
    return list(map(choice_payload, choices_in(choices)))


def choice_payload(choice: Any) -> dict[str, Any]:
    """Return the JSON of a value, a pair of name and value, or hikari's choice. Raises TypeError for anything else."""
    if isinstance(choice, hikari.CommandChoice):
        payload: dict[str, Any] = {"name": choice.name, "value": choice.value}
        if choice.name_localizations:
            payload["name_localizations"] = localizations(choice.name_localizations)
        return payload
    if isinstance(choice, tuple) and len(pair := cast("tuple[Any, ...]", choice)) == 2:
        name, value = pair
        return {"name": str(name), "value": value.value if isinstance(value, enum.Enum) else value}
    if isinstance(choice, enum.Enum):
        return {"name": _capitalized(choice.name), "value": choice.value}
    if isinstance(choice, (str, int, float)):
        return {"name": str(choice), "value": choice}
    raise TypeError(f"expected a str or a number, got {short_repr(cast(object, choice))}")


def _capitalized(name: str) -> str:
    return in_words(name) if name.isupper() or name.islower() else name.replace("_", " ").strip()


# ---- checks ----


def _check_settings(kind: _Kind, option: Option) -> None:
    """Raise InvalidDefinition for settings that Discord does not have for this kind of option."""
    for texts in (option.name_localizations, option.description_localizations):
        if texts is not None and not isinstance(texts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidDefinition("its localizations are not a mapping", 'Write `{"de": "..."}`')
    is_number = kind.type in (hikari.OptionType.INTEGER, hikari.OptionType.FLOAT)
    is_text = kind.type is hikari.OptionType.STRING
    for name, bound in (("min", option.min), ("max", option.max)):
        if bound is not None and kind is not _DURATION:
            if not is_number:
                problem = "min= and max= bound numbers and durations, and this is neither"
                raise InvalidDefinition(problem, "Use min_length= and max_length= for a str")
            if not isinstance(bound, (int, float)) or isinstance(bound, bool) or math.isnan(bound):
                raise InvalidDefinition(f"{name}={bound!r} is not a number", f"Write {name}=5")
    if kind is _DURATION:
        _durations(option)
    if not is_text and (option.min_length is not None or option.max_length is not None):
        fix = "Use min= and max= for a number"
        raise InvalidDefinition("min_length= and max_length= bound a str, and this is not one", fix)
    if option.choices is not None or option.autocomplete is not None:
        if not (is_text or is_number):
            problem = "choices= and autocomplete= offer str or numbers, and this is neither"
            raise InvalidDefinition(problem, "Remove them")
        if option.autocomplete is not None and (option.choices is not None or kind.choices):
            raise InvalidDefinition("it has both choices and autocomplete", "Keep one of them")
    if option.choices is not None:
        _check_choices(kind, option.choices)
    if option.autocomplete is not None:
        _check_autocomplete(option.autocomplete)


def _check_choices(kind: _Kind, choices: Choices) -> None:
    fix = 'Write `choices=["red", "green"]`'
    try:
        payloads = choice_payloads(choices)
    except Exception as error:
        raise InvalidDefinition(f"choices= cannot be read ({error})", fix) from None
    if not payloads:
        raise InvalidDefinition("choices= is empty, so nothing can be chosen", "Leave it out, or offer something")
    if kind.choices:
        raise InvalidDefinition("its annotation and choices= both name choices", "Keep one of them")
    for value in (payload["value"] for payload in payloads):
        if not isinstance(value, _CHOICES_OF[kind.type]) or isinstance(value, bool) or value != value:  # NaN
            problem = f"the choice {short_repr(value)} is not of the option's type"
            raise InvalidDefinition(problem, "Use values of that type")


# the types of a choice's value; True is an int in Python, and Discord takes none such
_CHOICES_OF: dict[hikari.OptionType | int, tuple[type, ...]] = {
    hikari.OptionType.STRING: (str,),
    hikari.OptionType.INTEGER: (int,),
    hikari.OptionType.FLOAT: (int, float),
}


def _check_autocomplete(function: Any) -> None:
    fix = "Write `async def fruits(ctx, typed: str) -> list[str]`"
    if problem := call_problem(function, "ctx", "typed"):
        raise InvalidDefinition(f"autocomplete=: {problem}", fix)


# ---- reading a value ----


_BOUNDS = frozenset({"choices", "min_value", "max_value", "min_length", "max_length"})


def out_of_bounds(payload: Mapping[str, Any], value: Any) -> str:
    """Return why a value is outside of the bounds and choices of a payload ("is less than 1"), "" if it is inside."""
    if (choices := payload.get("choices")) and all(choice["value"] != value for choice in choices):
        return "is not one of the choices"
    if isinstance(value, str):
        if len(value) < (shortest := payload.get("min_length", 0)):
            return f"is shorter than {shortest} characters"
        longest = payload.get("max_length", math.inf)
        return f"is longer than {longest} characters" if len(value) > longest else ""
    if value < (low := payload.get("min_value", -math.inf)):
        return f"is less than {low}"
    high = payload.get("max_value", math.inf)
    return f"is more than {high}" if value > high else ""


def _typed(what: str, cls: type, *accepted: type) -> Reader:
    def read(ctx: Context, value: Any) -> Any:
        # `type(...) in` and not isinstance: True is an int to isinstance
        if type(value) in accepted:
            return cls(value)  # JSON writes 3.0 as 3
        raise _refusal(what)

    return read


def _refusal(what: str) -> UserError:
    return UserError(f"That is not {what}. {_OLDER}")


class _Durations(NamedTuple):
    low: datetime.timedelta | None
    high: datetime.timedelta


def _duration(bounds: _Durations) -> Reader:
    def read(ctx: Context, value: Any) -> datetime.timedelta:
        text = str(value).strip()
        duration = parse_duration(text)
        shown = text if len(text) <= 50 else f"{text[:50]}..."
        if duration is None:
            raise UserError(f"“{shown}” is not a duration. Write it like 1h30m, 45s or 2d.")
        if problem := _too_short_or_long(duration, bounds):
            raise UserError(f"“{shown}” {problem}.")
        return duration

    return read


def _too_short_or_long(duration: datetime.timedelta, bounds: _Durations) -> str:
    if bounds.low is not None and duration < bounds.low:
        return f"is too short: {duration_in_words(bounds.low)} or more is possible"
    if duration > bounds.high:
        most = "about a hundred years" if bounds.high == LONGEST else duration_in_words(bounds.high)
        return f"is too long: {most} or less is possible"
    return ""


def _durations(option: Option) -> _Durations:
    """Return the bounds of a duration. Raises InvalidDefinition if they are invalid."""
    found: dict[str, datetime.timedelta | None] = {}
    for name, bound in (("min", option.min), ("max", option.max)):
        duration = parse_duration(bound) if isinstance(bound, str) else bound
        if bound is not None and not isinstance(duration, datetime.timedelta):
            raise InvalidDefinition(f"{name}={bound!r} is not a duration", f'Write {name}="1h30m", or a timedelta')
        found[name] = cast("datetime.timedelta | None", duration)
    low, high = found["min"], LONGEST if found["max"] is None else found["max"]
    if low is not None and low > high:
        fix = "Change min= or max="
        raise InvalidDefinition(f"min= is longer than {duration_in_words(high)}, which is the most", fix)
    return _Durations(low, high)


def _resolved(*kinds: str, fetch: Callable[[Context, Any], Any]) -> Reader:
    """Return a reader of what Discord resolved among one of these `kinds`; it calls `fetch` if that is missing."""

    def read(ctx: Context, value: Any) -> Any:
        if resolved := ctx.interaction.resolved:
            for kind in kinds:
                if found := getattr(resolved, kind).get(value):
                    return found
        return fetch(ctx, value)

    return read


def _missing(what: str) -> Reader:
    def refuse(ctx: Context, value: Any) -> Any:
        raise _refusal(f"{what} that came with the command")

    return refuse


def _channel(wanted: tuple[type, ...], words: str) -> Reader:
    def read(ctx: Context, value: Any) -> Any:
        resolved = ctx.interaction.resolved
        partial = resolved and resolved.channels.get(value)
        if isinstance(partial, wanted):
            return partial
        cache = ctx.bot.gateway.cache
        cached = cache.get_guild_channel(value) or cache.get_thread(value)
        return cached if isinstance(cached, wanted) else _fetch_channel(ctx, value, wanted, words)

    return read


async def _fetch_user(ctx: Context, value: Any) -> hikari.User:
    try:
        return await ctx.bot.gateway.rest.fetch_user(value)
    except (hikari.NotFoundError, hikari.BadRequestError):
        raise UserError("There is no such user.") from None


async def _fetch_member(ctx: Context, value: Any) -> hikari.Member:
    if ctx.guild_id is None:
        raise UserError("This works in a server only: it needs one of its members.")
    if cached := ctx.bot.gateway.cache.get_member(ctx.guild_id, value):
        return cached
    try:
        return await ctx.bot.gateway.rest.fetch_member(ctx.guild_id, value)
    except (hikari.NotFoundError, hikari.ForbiddenError, hikari.BadRequestError):
        raise UserError(f"<@{int(value)}> is not a member of this server.") from None


async def _fetch_role(ctx: Context, value: Any) -> hikari.Role:
    if cached := ctx.bot.gateway.cache.get_role(value):
        return cached
    if ctx.guild_id is not None:
        with suppress(hikari.NotFoundError, hikari.ForbiddenError):  # the bot itself may not be in the server
            for role in await ctx.bot.gateway.rest.fetch_roles(ctx.guild_id):
                if role.id == value:
                    return role
    raise UserError("There is no such role in this server.")


async def _fetch_channel(ctx: Context, value: Any, wanted: tuple[type, ...], words: str) -> hikari.PartialChannel:
    try:
        channel = await ctx.bot.gateway.rest.fetch_channel(value)
    except (hikari.NotFoundError, hikari.BadRequestError):
        raise UserError("There is no such channel.") from None
    except hikari.ForbiddenError:
        raise UserError(f"I cannot see <#{int(value)}>: let me view that channel first.") from None
    if not isinstance(channel, wanted):
        raise UserError(f"<#{int(value)}> is not {words}.")
    return channel


_USER = _resolved("users", fetch=_fetch_user)
_MEMBER = _resolved("members", fetch=_fetch_member)
_MEMBER_OR_USER = _resolved("members", "users", fetch=_fetch_user)
_ROLE = _resolved("roles", fetch=_fetch_role)
_MEMBER_OR_ROLE = _resolved("roles", "members", fetch=_fetch_member)
_MENTIONABLE = _resolved("roles", "members", "users", fetch=_fetch_user)
_FILE = _resolved("attachments", fetch=_missing("a file"))
_MESSAGE = _resolved("messages", fetch=_missing("a message"))


# ---- kinds of options ----


_DURATION = _Kind(hikari.OptionType.STRING, _duration(_Durations(None, LONGEST)))

_KINDS: dict[Any, _Kind] = {
    str: _Kind(hikari.OptionType.STRING, _typed("a text", str, str)),
    int: _Kind(hikari.OptionType.INTEGER, _typed("a whole number", int, int)),
    float: _Kind(hikari.OptionType.FLOAT, _typed("a number", float, int, float)),
    bool: _Kind(hikari.OptionType.BOOLEAN, _typed("true or false", bool, bool)),
    datetime.timedelta: _DURATION,
    hikari.User: _Kind(hikari.OptionType.USER, _USER),
    hikari.Member: _Kind(hikari.OptionType.USER, _MEMBER),
    hikari.Role: _Kind(hikari.OptionType.ROLE, _ROLE),
    hikari.Attachment: _Kind(hikari.OptionType.ATTACHMENT, _FILE),
}

_UNIONS: dict[frozenset[Any], _Kind] = {
    frozenset({hikari.User, hikari.Member}): _Kind(hikari.OptionType.USER, _MEMBER_OR_USER),
    frozenset({hikari.Member, hikari.Role}): _Kind(hikari.OptionType.MENTIONABLE, _MEMBER_OR_ROLE),
    frozenset({hikari.User, hikari.Role}): _Kind(hikari.OptionType.MENTIONABLE, _MENTIONABLE),
    frozenset({hikari.User, hikari.Member, hikari.Role}): _Kind(hikari.OptionType.MENTIONABLE, _MENTIONABLE),
}

_TARGETS: dict[tuple[hikari.CommandType, frozenset[Any]], Reader] = {
    (hikari.CommandType.USER, frozenset({hikari.User})): _USER,
    (hikari.CommandType.USER, frozenset({hikari.Member})): _MEMBER,
    (hikari.CommandType.USER, frozenset({hikari.User, hikari.Member})): _MEMBER_OR_USER,
    (hikari.CommandType.MESSAGE, frozenset({hikari.Message})): _MESSAGE,
}

_CHANNELS: dict[hikari.ChannelType, type[hikari.PartialChannel]] = {
    hikari.ChannelType.GUILD_TEXT: hikari.GuildTextChannel,
    hikari.ChannelType.GUILD_VOICE: hikari.GuildVoiceChannel,
    hikari.ChannelType.GUILD_CATEGORY: hikari.GuildCategory,
    hikari.ChannelType.GUILD_NEWS: hikari.GuildNewsChannel,
    hikari.ChannelType.GUILD_NEWS_THREAD: hikari.GuildNewsThread,
    hikari.ChannelType.GUILD_PUBLIC_THREAD: hikari.GuildPublicThread,
    hikari.ChannelType.GUILD_PRIVATE_THREAD: hikari.GuildPrivateThread,
    hikari.ChannelType.GUILD_STAGE: hikari.GuildStageChannel,
    hikari.ChannelType.GUILD_FORUM: hikari.GuildForumChannel,
    hikari.ChannelType.GUILD_MEDIA: hikari.GuildMediaChannel,
}


def _kind(annotation: Any) -> _Kind:
    if isinstance(annotation, Hashable) and annotation in _KINDS:
        return _KINDS[annotation]
    if typing.get_origin(annotation) is Literal:
        values = tuple(value for value in typing.get_args(annotation) if value is not None)
        if all(isinstance(value, enum.Enum) for value in values):
            return _enum_kind(values)
        return _choice_kind([(str(value), value, value) for value in values])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _enum_kind(list(annotation))
    parts = union_parts(annotation)
    if all(isinstance(part, type) and issubclass(part, hikari.PartialChannel) for part in parts):
        return _channel_kind(parts)
    if len(parts) > 1 and frozenset(parts) in _UNIONS:
        return _UNIONS[frozenset(parts)]
    raise InvalidDefinition(
        f"Discord has no option of type {_code(annotation)}",
        "Use str, int, float, bool, datetime.timedelta, Literal, Enum, hikari.User, hikari.Member, hikari.Role, "
        "`hikari.User | hikari.Role`, a hikari channel class or hikari.Attachment",
    )


def _code(annotation: Any) -> str:
    return f"`{annotation.__name__}`" if isinstance(annotation, type) else f"`{annotation}`"


def _channel_kind(classes: tuple[type, ...]) -> _Kind:
    types = sorted(int(type) for type, channel in _CHANNELS.items() if issubclass(channel, classes))
    if not types:
        raise InvalidDefinition(
            f"no channel of a server is a {' or '.join(map(_code, classes))}",
            "Use hikari.PartialChannel for any channel, or hikari.GuildTextChannel and its siblings",
        )
    words = " or ".join(f"a {re.sub('(?<=[a-z])(?=[A-Z])', ' ', cls.__name__).lower()}" for cls in classes)
    narrowed = types if len(types) < len(_CHANNELS) else None
    return _Kind(hikari.OptionType.CHANNEL, _channel(classes, words), channel_types=narrowed)


def _enum_kind(members: Sequence[enum.Enum]) -> _Kind:
    values = [member.value for member in members]
    types = {_choice_type(value) for value in values}
    if len(types) != 1 or None in types:
        # values that Discord cannot carry (objects, a mixture) are sent as the member's name
        values = [member.name for member in members]
    return _choice_kind([(_capitalized(one.name), value, one) for one, value in zip(members, values, strict=True)])


def _choice_type(value: Any) -> hikari.OptionType | None:
    for type in () if isinstance(value, bool) else _CHOICES_OF:
        if isinstance(value, _CHOICES_OF[type]):
            return cast(hikari.OptionType, type)
    return None


def _choice_kind(shown: Sequence[tuple[str, Any, Any]]) -> _Kind:
    """Return a kind of choices, each given as (the name that is shown, the value that Discord sends, the argument)."""
    if not shown:
        raise InvalidDefinition("it has no members, so nothing can be chosen", "Give it some, or use another type")
    types = {_choice_type(sent) for _, sent, _ in shown}
    if len(types) != 1 or None in types:
        fix = 'Use values of one type: `Literal["red", "green"]`'
        raise InvalidDefinition("its choices are not all str, all int or all float", fix)
    arguments = {sent: value for _, sent, value in shown}

    def read(ctx: Context, value: Any) -> Any:
        try:
            return arguments[value]
        except (KeyError, TypeError):
            raise _refusal("one of the choices") from None

    return _Kind(
        cast(hikari.OptionType, types.pop()),
        read,
        choices=[{"name": name, "value": sent} for name, sent, _ in shown],
    )
