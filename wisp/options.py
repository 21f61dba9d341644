"""Options: a function's signature becomes what Discord shows, and what Discord sends becomes its arguments."""

from __future__ import annotations

import datetime
import enum
import inspect
import typing
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
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
    from .owner import AnyHandler
    from .runtime import Runtime

Reader = Callable[[Context, Any], Any]
"""From what Discord sent to what the annotation promises: the value, or a coroutine that fetches it."""

ChoiceValue = str | int | float
Choices = Iterable[ChoiceValue | enum.Enum | hikari.CommandChoice] | Mapping[str, ChoiceValue]
Localizations = Mapping[hikari.Locale | str, str]
Bound = float | datetime.timedelta | str
"""The least or greatest value of an option: a number, or for a duration a timedelta or a str like "1h30m"."""


class AutocompleteContext(BaseContext[hikari.AutocompleteInteraction]):
    """A request for suggestions: the user who types, the channel, and the options that are filled so far.

    `options` maps their names to raw values (ids for members and channels).
    """

    __slots__ = ("options",)

    def __init__(
        self,
        runtime: Runtime,
        handler: AnyHandler,
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

    `fills_none` says that it is None if it is left out. `has_warned` says that a warning about its suggestions was
    logged. Raises InvalidDefinition for settings that Discord does not have for this kind of option.
    """

    def __init__(self, argument: str, kind: _Kind, option: Option, *, required: bool, fills_none: bool) -> None:
        _check_settings(kind, option)
        self.argument: str = argument
        self.name: str = option.name or argument.rstrip("_")
        self.required: bool = required
        self.type: hikari.OptionType = kind.type
        self.has_warned: bool = False
        self.fills_none: bool = fills_none
        self.autocomplete: Callable[..., Any] | None = option.autocomplete
        self.described: bool = bool(option.description)
        self._convert: Reader = _duration_reader(option) if kind is _DURATION else kind.read
        try:
            self.payload: dict[str, Any] = _payload(self.name, kind, option, required)
        except Exception as error:  # the bot's own iterables and `__str__` included
            fix = 'Write `choices=["red", "green"]`, and localizations as `{"de": "..."}`'
            raise InvalidDefinition(f"its wisp.Option cannot be read ({error})", fix) from None

    def read(self, ctx: Context, value: Any) -> Any:
        """Return what Discord sent as the annotation promises it, or a coroutine that fetches it.

        Raises UserError if it does not fit. Discord enforces bounds as well, but those of the version that it knows.
        """
        if (choices := self.payload.get("choices")) and all(choice["value"] != value for choice in choices):
            raise UserError("That is not one of the choices.")
        is_text = isinstance(value, str)
        size, unit = (len(value), " characters") if is_text else (value, "")
        low = self.payload.get("min_length" if is_text else "min_value")
        high = self.payload.get("max_length" if is_text else "max_value")
        if low is not None and size < low:
            raise UserError(f"That is less than {low}{unit}.")
        if high is not None and size > high:
            raise UserError(f"That is more than {high}{unit}.")
        return self._convert(ctx, value)


class Target(NamedTuple):
    """The user or message that a menu command was used on: the parameter that takes it, and its reader."""

    argument: str
    read: Reader


# ---- from a signature to options ----


def check_first(parameters: Sequence[Parameter]) -> None:
    """Raise InvalidDefinition if the first parameter of a command cannot take the context."""
    if not parameters or parameters[0].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
        fix = "Write `async def name(ctx: wisp.Context, ...)`"
        raise InvalidDefinition("its first parameter must take the context, and it has none", fix)
    if parameters[0].name == "self":
        fix = "Register the bound method instead: `bot.command(thing.method)`"
        raise InvalidDefinition("it is a method without its object", fix)


def read_option(parameter: Parameter) -> CommandOption:
    """Return the option that a parameter stands for. Raises InvalidDefinition if Discord has no such option."""
    if not parameter.is_named:
        raise InvalidDefinition(f"`{parameter}` cannot be given by name", "Name each option, as in `text: str`")
    parameter.check_default()
    annotation = parameter.read()
    return CommandOption(
        parameter.name,
        _kind(annotation.type),
        annotation.only(Option) or Option(),
        required=not (parameter.has_default or annotation.allows_none),
        fills_none=annotation.allows_none and not parameter.has_default,
    )


def read_target(parameters: Sequence[Parameter], kind: hikari.CommandType) -> Target:
    """Return the target of a menu command. Raises InvalidDefinition if it does not take its context and its target."""
    is_of_user = kind is hikari.CommandType.USER
    target = "member: hikari.Member" if is_of_user else "message: hikari.Message"
    fix = f"Write `async def name(ctx: wisp.Context, {target})`"
    if len(parameters) != 2 or not parameters[1].is_named:
        raise InvalidDefinition(f"it takes the context and its target, and has {len(parameters)} parameters", fix)
    parameter = parameters[1]
    possible = (hikari.Member, hikari.User) if is_of_user else (hikari.Message,)
    classes: tuple[Any, ...] = possible
    if parameter.is_annotated:
        annotation = parameter.read()
        annotation.refuse_metadata()
        classes = union_parts(annotation.type)
        if any(cls not in possible for cls in classes):
            raise InvalidDefinition(f"its target is {_code(annotation.type)}", fix)
    return Target(parameter.name, _resolved(classes))


def _check_settings(kind: _Kind, option: Option) -> None:
    allowed = _SETTINGS.get(kind.type, ())
    if kind is _DURATION:
        allowed = ("min", "max", *allowed)
    for name in ("min", "max", "min_length", "max_length", "choices", "autocomplete"):
        if getattr(option, name) is not None and name not in allowed:
            fix = f"It takes {', '.join(f'{one}=' for one in allowed)}" if allowed else "Remove it"
            raise InvalidDefinition(f"{name}= is not for options of Discord's type {kind.type.name}", fix)
    if (option.choices is not None) + (option.autocomplete is not None) + (kind.choices is not None) > 1:
        message = "its annotation, choices= and autocomplete= exclude each other, and more than one names choices"
        raise InvalidDefinition(message, "Keep one of them")
    if option.autocomplete is not None and (problem := call_problem(option.autocomplete, "ctx", "typed")):
        fix = "Write `async def fruits(ctx, typed: str) -> list[str]`"
        raise InvalidDefinition(f"autocomplete=: {problem}", fix)


def _payload(name: str, kind: _Kind, option: Option, required: bool) -> dict[str, Any]:
    bounds = (None, None) if kind is _DURATION else (option.min, option.max)
    payload = {
        "type": int(kind.type),
        "name": name,
        "description": option.description or in_words(name),
        "required": required,
        "choices": kind.choices if option.choices is None else [*map(choice_payload, choices_in(option.choices))],
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
    """Return the choices one by one, those of a mapping as pairs. Raises TypeError for anything else, and a str."""
    if isinstance(choices, (str, bytes)):
        raise TypeError(f"expected a list of choices, got {short_repr(choices)}")
    return iter(cast("Mapping[Any, Any]", choices).items() if isinstance(choices, Mapping) else choices)


def choice_payload(choice: Any) -> dict[str, Any]:
    """Return the JSON of a value, a pair of name and value, or hikari's choice. Raises TypeError for anything else."""
    if isinstance(choice, hikari.CommandChoice):
        localized = localizations(choice.name_localizations)
        payload: dict[str, Any] = {"name": choice.name, "value": choice.value}
        return {**payload, "name_localizations": localized} if localized else payload
    if isinstance(choice, tuple) and len(pair := cast("tuple[Any, ...]", choice)) == 2:
        name, value = pair
        return {"name": str(name), "value": value.value if isinstance(value, enum.Enum) else value}
    if isinstance(choice, enum.Enum):
        return {"name": _name_of(choice), "value": choice.value}
    if isinstance(choice, (str, int, float)):
        return {"name": str(choice), "value": choice}
    raise TypeError(f"expected a str or a number, got {short_repr(cast(object, choice))}")


def _name_of(member: enum.Enum) -> str:
    name = member.name
    return in_words(name) if name.isupper() or name.islower() else name.replace("_", " ").strip()


# ---- reading a value ----


def _as_sent(ctx: Context, value: Any) -> Any:
    return value


def _as_float(ctx: Context, value: Any) -> float:
    return float(value)  # JSON writes 3.0 as 3


def _duration_reader(option: Option) -> Reader:
    """Return a reader of durations within the bounds of an option. Raises InvalidDefinition if those are invalid."""
    low = _duration_bound("min", option.min, datetime.timedelta())
    high = _duration_bound("max", option.max, LONGEST)
    if low > high:
        raise InvalidDefinition(f"min= is longer than {duration_in_words(high)}, which is the most", "Change one")

    def read(ctx: Context, value: Any) -> datetime.timedelta:
        text = str(value).strip()
        duration = parse_duration(text)
        shown = text if len(text) <= 50 else f"{text[:50]}..."
        if duration is None:
            raise UserError(f"“{shown}” is not a duration. Write it like 1h30m, 45s or 2d.")
        if duration < low:
            raise UserError(f"“{shown}” is too short: {duration_in_words(low)} or more is possible.")
        if duration > high:
            most = "about a hundred years" if high == LONGEST else duration_in_words(high)
            raise UserError(f"“{shown}” is too long: {most} or less is possible.")
        return duration

    return read


def _duration_bound(name: str, bound: Bound | None, default: datetime.timedelta) -> datetime.timedelta:
    if bound is None:
        return default
    duration = parse_duration(bound) if isinstance(bound, str) else bound
    if not isinstance(duration, datetime.timedelta):
        raise InvalidDefinition(f"{name}={bound!r} is not a duration", f'Write {name}="1h30m", or a timedelta')
    return duration


def _resolved(classes: Sequence[Any]) -> Reader:
    """Return a reader of what Discord sends beside its id: an instance of one of these `classes`."""
    kinds = [kind for cls, kind in _RESOLVED.items() if cls in classes]

    def read(ctx: Context, value: Any) -> Any:
        resolved = ctx.interaction.resolved
        for kind in kinds if resolved else ():
            if found := getattr(resolved, kind).get(value):
                return found
        if "members" not in kinds:
            raise UserError("I cannot find that: it may have been deleted.")
        if ctx.guild_id is None:
            raise UserError("This works in a server only: it needs one of its members.")
        raise UserError(f"<@{int(value)}> is not a member of this server.")

    return read


_RESOLVED: dict[type, str] = {
    hikari.Role: "roles",
    hikari.Member: "members",
    hikari.User: "users",
    hikari.Message: "messages",
    hikari.Attachment: "attachments",
}
"""The attributes of hikari's resolved objects that hold them; members before users, since they tell more."""


def _channel(*classes: type) -> Reader:
    async def read(ctx: Context, value: Any) -> hikari.PartialChannel:
        resolved, cache = ctx.interaction.resolved, ctx.bot.gateway.cache
        partial = resolved and resolved.channels.get(value)
        if isinstance(partial, classes):
            return cast(hikari.PartialChannel, partial)
        channel = cache.get_guild_channel(value) or cache.get_thread(value)
        try:
            channel = channel or await ctx.bot.gateway.rest.fetch_channel(value)
        except (hikari.NotFoundError, hikari.ForbiddenError, hikari.BadRequestError):
            raise UserError(f"I cannot see <#{int(value)}>: it is gone, or I may not view it.") from None
        if not isinstance(channel, classes):
            raise UserError(f"<#{int(value)}> is not a channel of the right kind.")
        return channel

    return read


# ---- kinds of options ----


_DURATION = _Kind(hikari.OptionType.STRING, _as_sent)

_KINDS: dict[Any, _Kind] = {
    str: _Kind(hikari.OptionType.STRING, _as_sent),
    int: _Kind(hikari.OptionType.INTEGER, _as_sent),
    float: _Kind(hikari.OptionType.FLOAT, _as_float),
    bool: _Kind(hikari.OptionType.BOOLEAN, _as_sent),
    datetime.timedelta: _DURATION,
    hikari.Attachment: _Kind(hikari.OptionType.ATTACHMENT, _resolved([hikari.Attachment])),
}

_SETTINGS: dict[hikari.OptionType | int, tuple[str, ...]] = {
    hikari.OptionType.STRING: ("min_length", "max_length", "choices", "autocomplete"),
    hikari.OptionType.INTEGER: ("min", "max", "choices", "autocomplete"),
    hikari.OptionType.FLOAT: ("min", "max", "choices", "autocomplete"),
}
"""The settings of `Option` that not all types of options have."""

_CHOICE_TYPES: dict[frozenset[type], hikari.OptionType] = {
    frozenset({str}): hikari.OptionType.STRING,
    frozenset({int}): hikari.OptionType.INTEGER,
    frozenset({float}): hikari.OptionType.FLOAT,
}
"""The types of options by the classes of their choices. A bool is no int here."""

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
        return _choice_kind([value for value in typing.get_args(annotation) if value is not None])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _choice_kind(list(annotation))
    parts = union_parts(annotation)
    if all(part in (hikari.User, hikari.Member, hikari.Role) for part in parts):
        return _mentionable_kind(parts)
    if types := _channel_types(parts):
        narrowed = types if len(types) < len(_CHANNELS) else None
        return _Kind(hikari.OptionType.CHANNEL, _channel(*parts), channel_types=narrowed)
    raise InvalidDefinition(
        f"Discord has no option of type {_code(annotation)}",
        "Use str, int, float, bool, datetime.timedelta, Literal, Enum, hikari.User, hikari.Member, hikari.Role, "
        "`hikari.User | hikari.Role`, a hikari channel class or hikari.Attachment",
    )


def _channel_types(classes: tuple[Any, ...]) -> list[int]:
    if not all(isinstance(cls, type) and issubclass(cls, hikari.PartialChannel) for cls in classes):
        return []
    return sorted(int(type) for type, channel in _CHANNELS.items() if issubclass(channel, classes))


def _code(annotation: Any) -> str:
    return f"`{annotation.__name__}`" if isinstance(annotation, type) else f"`{annotation}`"


def _mentionable_kind(classes: tuple[Any, ...]) -> _Kind:
    if hikari.Role not in classes:
        return _Kind(hikari.OptionType.USER, _resolved(classes))
    type = hikari.OptionType.ROLE if len(classes) == 1 else hikari.OptionType.MENTIONABLE
    return _Kind(type, _resolved(classes))


def _choice_kind(members: Sequence[Any]) -> _Kind:
    """Return the kind of the values of a Literal, or of the members of an Enum."""
    if not members:
        raise InvalidDefinition("it has no members, so nothing can be chosen", "Give it some, or use another type")
    sent = [member.value if isinstance(member, enum.Enum) else member for member in members]
    types = frozenset(map(type, sent))
    option_type = _CHOICE_TYPES.get(types)
    if option_type is None and all(isinstance(member, enum.Enum) for member in members):
        sent = [member.name for member in members]  # Discord cannot carry their values (objects, a mixture)
        option_type = hikari.OptionType.STRING
    if option_type is None:
        fix = 'Use values of one type: `Literal["red", "green"]`'
        raise InvalidDefinition("its choices are not all str, all int or all float", fix)
    names = [_name_of(member) if isinstance(member, enum.Enum) else str(member) for member in members]
    choices = [{"name": name, "value": value} for name, value in zip(names, sent, strict=True)]
    arguments = dict(zip(sent, members, strict=True))

    def read(ctx: Context, value: Any) -> Any:
        return arguments[value]

    return _Kind(option_type, read, choices=choices)
