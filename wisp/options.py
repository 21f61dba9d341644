"""A function's signature becomes Discord options: what is shown, what is sent, and how a value arrives."""

from __future__ import annotations

import datetime
import enum
import inspect
import math
import re
import typing
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, cast

import hikari

from . import limits
from .clock import LONGEST, duration_in_words, parse_duration
from .errors import Problem, UserError
from .inspection import (
    Metadata,
    call_problem,
    foreign_metadata,
    misplaced_metadata,
    resolve_annotation,
    union_parts,
    unpack,
    wrong_context,
)

if TYPE_CHECKING:
    from .context import Context

    Reader = Callable[[Context, Any], Any]
    """From what Discord sent to what the annotation promises: the value, or a coroutine that fetches it."""

ChoiceValue = str | int | float
Choices = Iterable[ChoiceValue | enum.Enum | hikari.CommandChoice] | Mapping[str, ChoiceValue]
Localizations = Mapping[hikari.Locale | str, str]
Bound = float | datetime.timedelta | str
"""The least or greatest value of an option: a number, or for a duration a timedelta or a text like "1h30m"."""

_CHOICES_READ = 1000
"""How many choices are taken of what gives one after another, such as a generator, which may have no end."""


class Option(Metadata):
    """What Discord shows of one option and what it lets people enter: `Annotated[int, Option("How often", min=1)]`.

    `description` is 1 to 100 characters. `name` replaces the parameter's name. `min` and `max` bound a number
    (within 2**53) or a duration (a timedelta, or a text like "1h30m"; without `max`, about a hundred years),
    `min_length` and `max_length` (0 to 6000) a text. `choices` are at most 25 values, a mapping of what is shown to
    what arrives, or hikari's `CommandChoice`. `autocomplete` is `async (ctx, typed)` giving up to 25 values or a
    mapping like `choices`; it excludes them. Localizations map a locale ("de") to a text.

    The limits are Discord's: https://discord.com/developers/docs/interactions/application-commands
    """

    of = "options of commands"
    __slots__ = (
        "autocomplete",
        "choices",
        "description",
        "description_localizations",
        "max",
        "max_length",
        "min",
        "min_length",
        "name",
        "name_localizations",
    )

    def __init__(
        self,
        description: str = "",
        *,
        name: str | None = None,
        min: Bound | None = None,
        max: Bound | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        choices: Choices | None = None,
        autocomplete: Callable[..., Any] | None = None,
        name_localizations: Localizations | None = None,
        description_localizations: Localizations | None = None,
    ) -> None:
        self.description: str = description
        self.name: str | None = name
        self.min: Bound | None = min
        self.max: Bound | None = max
        self.min_length: int | None = min_length
        self.max_length: int | None = max_length
        self.choices: Choices | None = _repeatable(choices)
        self.autocomplete: Callable[..., Any] | None = autocomplete
        self.name_localizations: Localizations | None = name_localizations
        self.description_localizations: Localizations | None = description_localizations


def _repeatable(choices: Choices | None) -> Choices | None:
    """Return choices that can be read more than once, in the same order each time."""
    given: Any = choices  # users err
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        return choices
    listed = list(islice(cast("Iterable[Any]", given), _CHOICES_READ))
    return sorted(listed, key=str) if isinstance(given, (set, frozenset)) else listed


class Parameter:
    """One option of one command: `payload` is what Discord is told, `read` how its value arrives.

    `type` is Discord's type of the option, `durations` the bounds of a duration, None for any other option.
    `has_warned` says that a warning about its suggestions was logged.
    """

    __slots__ = (
        "argument",
        "autocomplete",
        "described",
        "durations",
        "fills_none",
        "has_warned",
        "name",
        "payload",
        "read",
        "required",
        "type",
    )

    def __init__(self, argument: str, kind: _Kind, option: Option, *, required: bool, fills_none: bool) -> None:
        self.argument: str = argument
        self.name: str = option.name or argument.rstrip("_")
        self.required: bool = required
        self.type: hikari.OptionType = kind.type
        self.has_warned: bool = False
        self.fills_none: bool = fills_none
        durations = _duration_bounds(option) if kind is _DURATION else None
        self.durations: tuple[datetime.timedelta | None, datetime.timedelta] | None = durations
        self.autocomplete: Callable[..., Any] | None = option.autocomplete
        self.described: bool = bool(option.description)
        self.payload: dict[str, Any] = _payload(self.name, kind, option, required)
        self.read: Reader = _within(self.payload, kind.read if self.durations is None else _duration(*self.durations))

    def refuses(self, value: Any) -> str:
        """Return the sentence's end for a suggestion that the option would refuse if it was sent, "" for another."""
        problem = _outside(self.payload, value)
        return problem or ("" if self.durations is None else _wrong_duration(value, *self.durations))


# the types of a choice's value; True is an int to Python and none to Discord
_CHOICES_OF: dict[hikari.OptionType | int, tuple[type, ...]] = {
    hikari.OptionType.STRING: (str,),
    hikari.OptionType.INTEGER: (int,),
    hikari.OptionType.FLOAT: (int, float),
}


class _Kind:
    """What an annotation stands for: Discord's option type, its choices or channel kinds, and the reader.

    `words` name what arrives, `classes` are its types; `values` are all values that can arrive, if they are few.
    """

    __slots__ = ("channel_types", "choices", "classes", "read", "type", "values", "words")

    def __init__(
        self,
        type: hikari.OptionType,
        read: Reader,
        words: str,
        classes: tuple[type, ...] = (),
        *,
        choices: list[dict[str, Any]] | None = None,
        values: Sequence[Any] = (),
        channel_types: list[int] | None = None,
    ) -> None:
        self.type: hikari.OptionType = type
        self.read: Reader = read
        self.words: str = words
        self.classes: tuple[Any, ...] = classes
        self.choices: list[dict[str, Any]] | None = choices
        self.values: Sequence[Any] = values
        self.channel_types: list[int] | None = channel_types


class _Unusable(Exception):
    """An annotation or an Option that Discord has nothing for: (problem, fix)."""


def read_signature(
    function: Callable[..., Any], names: Mapping[str, Any], mistake: Callable[[str, str, str], Problem]
) -> tuple[list[Parameter], list[Problem]]:
    """The options of `function`, required ones first as Discord wants them, and all that is wrong with it.

    `names` is what the code around the function could see, for annotations that are text. `mistake` makes a
    Mistake at the function's place from (what of it, problem, fix).
    """
    found: list[Parameter] = []
    mistakes: list[Problem] = []
    arguments = list(inspect.signature(function).parameters.values())
    if not arguments or arguments[0].kind not in (
        arguments[0].POSITIONAL_ONLY,
        arguments[0].POSITIONAL_OR_KEYWORD,
    ):
        fix = "Write `async def name(ctx: wisp.Context, ...)`"
        return [], [mistake("", "its first parameter must take the context, and it has none", fix)]
    if arguments[0].name == "self":
        fix = "Register the bound method instead: `bot.command(thing.method)`"
        return [], [mistake("", "it is a method without its object", fix)]
    if taken := _taken_for_context(function, arguments[0], names):
        fix = f"Put the context first: `async def name(ctx: wisp.Context, {arguments[0]})`"
        return [], [mistake("", f"its first parameter is `{arguments[0]}`, where the context comes ({taken})", fix)]
    if wrong := wrong_context(function, "Context", names):
        mistakes.append(mistake("", *wrong))
    for argument in arguments[1:]:
        try:
            found.append(_parameter(function, argument, names))
        except _Unusable as unusable:
            problem, fix = unusable.args
            mistakes.append(mistake(f', option "{argument.name}"', problem, fix))
    return sorted(found, key=lambda parameter: not parameter.required), mistakes


class Target:
    """What a command in a menu was opened on: the argument that takes it, and how it arrives."""

    __slots__ = ("argument", "read")

    def __init__(self, argument: str, read: Reader) -> None:
        self.argument: str = argument
        self.read: Reader = read


def read_target(
    function: Callable[..., Any],
    kind: hikari.CommandType,
    names: Mapping[str, Any],
    mistake: Callable[[str, str, str], Problem],
) -> tuple[Target | None, list[Problem]]:
    """The target that `function` takes as its second parameter, and all that is wrong with it.

    The rest is as in `read_signature`.
    """
    on_user = kind is hikari.CommandType.USER
    written = "member: hikari.Member" if on_user else "message: hikari.Message"
    fix = f"Write `async def name(ctx: wisp.Context, {written})`"
    arguments = list(inspect.signature(function).parameters.values())
    if len(arguments) != 2:
        return None, [mistake("", f"it takes the context and its target, and has {len(arguments)} parameters", fix)]
    if wrong := wrong_context(function, "Context", names):
        return None, [mistake("", *wrong)]
    argument = arguments[1]
    if argument.kind is not argument.POSITIONAL_OR_KEYWORD:
        return None, [mistake("", f"its target `{argument}` does not come by name", fix)]
    if argument.annotation is argument.empty:
        return Target(argument.name, _read_member_or_user if on_user else _read_message), []
    try:
        annotation = resolve_annotation(function, argument.name, names)
    except Exception as error:
        return None, [mistake("", f"`{argument}` means nothing at run time ({error})", fix)]
    target, metadata, _ = unpack(annotation)
    if foreign := foreign_metadata(metadata):
        return None, [mistake("", *foreign)]
    reader = _TARGETS.get((on_user, frozenset(union_parts(target))))
    if reader is None:
        return None, [mistake("", f"its target is {_words(target)}", fix)]
    return Target(argument.name, reader), []


def _taken_for_context(function: Callable[..., Any], first: inspect.Parameter, names: Mapping[str, Any]) -> str:
    """Why `first` is an option that stands where the context belongs; "" where it is none."""
    if first.annotation is first.empty:
        return ""
    try:
        kind = _kind(unpack(resolve_annotation(function, first.name, names)).type)
    except Exception:
        return ""  # no option: wisp.Context, a class of the user's, a name for type checkers alone
    return f"an option of Discord's type {hikari.OptionType(kind.type).name}"


def _parameter(function: Callable[..., Any], argument: inspect.Parameter, names: Mapping[str, Any]) -> Parameter:
    if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
        raise _Unusable(f"`{argument}` stands for any number of options", "Name each option")
    if argument.kind is argument.POSITIONAL_ONLY:
        raise _Unusable("it is positional-only, and options come by name", "Move it behind the `/`")
    if misplaced := misplaced_metadata(argument.name, argument.annotation, argument.default):
        raise _Unusable(*misplaced)
    annotation, metadata, allows_none = unpack(_annotation(function, argument, names))
    option = _option(metadata)
    kind = _kind(annotation)
    _fit(kind, option)
    has_default = argument.default is not argument.empty
    parameter = Parameter(
        argument.name,
        kind,
        option,
        required=not (has_default or allows_none),
        fills_none=allows_none and not has_default,
    )
    if has_default:
        _check_default(argument.default, kind, option, parameter.payload)
    return parameter


def _check_default(default: Any, kind: _Kind, option: Option, payload: Mapping[str, Any]) -> None:
    """Refuse a default that could not arrive from Discord. None, UNDEFINED and "" stand for an option left out."""
    if default is None or default is hikari.UNDEFINED or (default == "" and str in kind.classes):
        return
    shown = short_repr(default)
    if kind.values:
        if not any(value is default or (type(value) is type(default) and value == default) for value in kind.values):
            listed = ", ".join(map(short_repr, kind.values[:25]))
            raise _Unusable(f"its default {shown} is not one of its values", f"Use one of {listed}, or None")
        return
    if not isinstance(default, kind.classes) or (isinstance(default, bool) and bool not in kind.classes):
        raise _Unusable(f"its default {shown} is not {kind.words}", f"Give it {kind.words}, or None")
    problem = _outside(payload, default)
    if not problem and isinstance(default, datetime.timedelta):
        problem = _too_short_or_long(default, *_duration_bounds(option))
    if problem:
        raise _Unusable(f"its default {shown} {problem}", "Change the default or the limit")


def short_repr(value: object) -> str:
    """Return a value of the user's code in a message: short, and whatever its `__repr__` does."""
    try:
        text = str(value) if isinstance(value, enum.Enum) else repr(value)
    except Exception:
        text = f"of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."


def _annotation(function: Callable[..., Any], argument: inspect.Parameter, names: Mapping[str, Any]) -> Any:
    if argument.annotation is argument.empty:
        raise _Unusable("it has no annotation", f"Say what it takes: `{argument.name}: str`")
    try:
        return resolve_annotation(function, argument.name, names)
    except Exception as error:
        raise _Unusable(
            f"its annotation `{argument.annotation}` means nothing at run time ({error})",
            "Import the name outside `if TYPE_CHECKING:`, and define it before the command",
        ) from None


def _option(metadata: Sequence[Any]) -> Option:
    """Return the Option in the metadata of an annotation, an empty one if there is none."""
    if Option in metadata:
        raise _Unusable("`wisp.Option` is not called", 'Write `wisp.Option("description")`')
    if foreign := foreign_metadata(metadata, Option):
        raise _Unusable(*foreign)
    options = [one for one in metadata if isinstance(one, Option)]
    if len(options) > 1:
        raise _Unusable(f"it has {len(options)} `wisp.Option`s", "Keep one of them")
    return options[0] if options else Option()


def _kind(annotation: Any) -> _Kind:
    if isinstance(annotation, Hashable) and annotation in _PLAIN:
        return _PLAIN[annotation]
    if typing.get_origin(annotation) is Literal:
        values = tuple(value for value in typing.get_args(annotation) if value is not None)
        if all(isinstance(value, enum.Enum) for value in values):
            return _enum_kind(values)
        return _choice_kind([(str(value), value, value) for value in values])
    if isinstance(annotation, type):
        if issubclass(annotation, enum.Enum):
            return _enum_kind(list(annotation))
        if issubclass(annotation, hikari.PartialChannel):
            return _channel_kind((annotation,))
    if len(parts := union_parts(annotation)) > 1:
        if all(isinstance(part, type) and issubclass(part, hikari.PartialChannel) for part in parts):
            return _channel_kind(parts)
        if all(part in (hikari.User, hikari.Member, hikari.Role) for part in parts):
            classes = (*parts, hikari.Snowflake)
            if hikari.Role in parts:
                read = _mentionable(needs_member=hikari.User not in parts)
                return _Kind(hikari.OptionType.MENTIONABLE, read, "a user or role", classes)
            return _Kind(hikari.OptionType.USER, _read_member_or_user, "a user", classes)
    raise _Unusable(
        f"Discord has no option of type {_words(annotation)}",
        "Use str, int, float, bool, datetime.timedelta, Literal, Enum, hikari.User, hikari.Member, hikari.Role, "
        "`hikari.User | hikari.Role`, a hikari channel class or hikari.Attachment",
    )


def _words(annotation: Any) -> str:
    return f"`{annotation.__name__}`" if isinstance(annotation, type) else f"`{annotation}`"


# ---- reading a value ----


_OLDER = "Discord may be showing an older version of this command: try again."


def _refuse(what: str) -> UserError:
    return UserError(f"That is not {what}. {_OLDER}")


def _typed(what: str, *accepted: type) -> Reader:
    def read(ctx: Context, value: Any) -> Any:
        # `type(...) in` and not isinstance: True is an int to isinstance
        if type(value) in accepted:
            return value
        raise _refuse(what)

    return read


def _read_int(ctx: Context, value: Any) -> int:
    if type(value) is int and _LEAST <= value <= _GREATEST:
        return value
    raise _refuse("a whole number that Discord can send")


def _read_float(ctx: Context, value: Any) -> float:
    if type(value) in (int, float) and _LEAST <= value <= _GREATEST:
        return float(value)  # JSON writes 3.0 as 3
    raise _refuse("a number that Discord can send")


_LEAST, _GREATEST = limits.OPTION_NUMBER


def _duration(low: datetime.timedelta | None, high: datetime.timedelta) -> Reader:
    def read(ctx: Context, value: Any) -> datetime.timedelta:
        text = str(value).strip()
        duration = parse_duration(text)
        shown = text if len(text) <= 50 else f"{text[:50]}..."
        if duration is None:
            raise UserError(f"“{shown}” is not a duration. Write it like 1h30m, 45s or 2d.")
        if problem := _too_short_or_long(duration, low, high):
            raise UserError(f"“{shown}” {problem}.")
        return duration

    return read


def _too_short_or_long(duration: datetime.timedelta, low: datetime.timedelta | None, high: datetime.timedelta) -> str:
    """Return the sentence's end for a duration outside of these bounds, "" for one inside."""
    if low is not None and duration < low:
        return f"is too short: {duration_in_words(low)} or more is possible"
    if duration > high:
        most = "about a hundred years" if high == LONGEST else duration_in_words(high)
        return f"is too long: {most} or less is possible"
    return ""


def _wrong_duration(value: str, low: datetime.timedelta | None, high: datetime.timedelta) -> str:
    """Return the sentence's end for a text that is no duration within these bounds, "" for one that is."""
    duration = parse_duration(value)
    return "is not a duration" if duration is None else _too_short_or_long(duration, low, high)


def _duration_bounds(option: Option) -> tuple[datetime.timedelta | None, datetime.timedelta]:
    """Return the least and the greatest duration that an option takes."""
    low, high = _duration_bound("min", option.min), _duration_bound("max", option.max)
    return low, LONGEST if high is None else high


def _duration_bound(name: str, bound: Any) -> datetime.timedelta | None:
    duration = parse_duration(bound) if isinstance(bound, str) else bound
    if bound is None or isinstance(duration, datetime.timedelta):
        return duration
    raise _Unusable(f"{name}={bound!r} is not a duration", f'Write {name}="1h30m", or a timedelta')


def _read_user(ctx: Context, value: Any) -> Any:
    resolved = ctx.interaction.resolved
    return (resolved and resolved.users.get(value)) or _fetch_user(ctx, value)


def _read_member(ctx: Context, value: Any) -> Any:
    resolved = ctx.interaction.resolved
    return (resolved and resolved.members.get(value)) or _find_member(ctx, value)


def _read_member_or_user(ctx: Context, value: Any) -> Any:
    resolved = ctx.interaction.resolved
    return (resolved and resolved.members.get(value)) or _read_user(ctx, value)


def _read_role(ctx: Context, value: Any) -> Any:
    resolved = ctx.interaction.resolved
    role = (resolved and resolved.roles.get(value)) or ctx.bot.gateway.cache.get_role(value)
    return role or _fetch_role(ctx, value)


def _read_attachment(ctx: Context, value: Any) -> Any:
    resolved = ctx.interaction.resolved
    if resolved and (attachment := resolved.attachments.get(value)):
        return attachment
    raise _refuse("a file that came with the command")


def _read_message(ctx: Context, value: Any) -> Any:
    resolved = ctx.interaction.resolved
    if resolved and (message := resolved.messages.get(value)):
        return message
    raise _refuse("a message that came with the command")


def _mentionable(*, needs_member: bool) -> Reader:
    def read(ctx: Context, value: Any) -> Any:
        resolved = ctx.interaction.resolved
        if resolved and (role := resolved.roles.get(value)):
            return role
        return _read_member(ctx, value) if needs_member else _read_member_or_user(ctx, value)

    return read


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


async def _find_member(ctx: Context, value: Any) -> hikari.Member:
    if ctx.guild_id is None:
        raise UserError("This works in a server only: it needs one of its members.")
    if cached := ctx.bot.gateway.cache.get_member(ctx.guild_id, value):
        return cached
    try:
        return await ctx.bot.gateway.rest.fetch_member(ctx.guild_id, value)
    except (hikari.NotFoundError, hikari.ForbiddenError, hikari.BadRequestError):
        raise UserError(f"<@{int(value)}> is not a member of this server.") from None


async def _fetch_role(ctx: Context, value: Any) -> hikari.Role:
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


def _within(payload: Mapping[str, Any], read: Reader) -> Reader:
    """`read`, refusing what lies outside the bounds and choices that `payload` told Discord of.

    Discord holds people to them, but by the version of the command that it knows, which can be older.
    """
    if not payload.keys() & {"choices", "min_value", "max_value", "min_length", "max_length"}:
        return read

    def read_within(ctx: Context, value: Any) -> Any:
        arrived = read(ctx, value)
        if problem := _outside(payload, value):
            raise UserError(f"That {problem}. {_OLDER}")
        return arrived

    return read_within


def _outside(payload: Mapping[str, Any], value: Any) -> str:
    """Return the sentence's end for a value outside of the bounds and choices of a payload, "" for one inside."""
    if (choices := payload.get("choices")) and all(choice["value"] != value for choice in choices):
        return "is not one of the choices"
    return _outside_length(payload, value) if isinstance(value, str) else _outside_range(payload, value)


def _outside_range(payload: Mapping[str, Any], value: Any) -> str:
    if payload["type"] not in (hikari.OptionType.INTEGER, hikari.OptionType.FLOAT):
        return ""
    if math.isnan(value):
        return "is not a number"
    low, high = payload.get("min_value", _LEAST), payload.get("max_value", _GREATEST)
    if value < low:
        return f"is less than {low}"
    return f"is more than {high}" if value > high else ""


def _outside_length(payload: Mapping[str, Any], value: str) -> str:
    shortest, longest = payload.get("min_length", 0), payload.get("max_length", limits.OPTION_MAX_LENGTH[1])
    if len(value) < shortest or (shortest and not value.strip()):
        return f"is shorter than {shortest} characters" if value.strip() else "is blank"
    return f"is longer than {longest} characters" if len(value) > longest else ""


# ---- kinds ----

_DURATION = _Kind(hikari.OptionType.STRING, _duration(None, LONGEST), "a datetime.timedelta", (datetime.timedelta,))

_PLAIN: dict[Any, _Kind] = {
    str: _Kind(hikari.OptionType.STRING, _typed("a text", str), "a str", (str,)),
    int: _Kind(hikari.OptionType.INTEGER, _read_int, "an int", (int,)),
    float: _Kind(hikari.OptionType.FLOAT, _read_float, "a float", (int, float)),
    bool: _Kind(hikari.OptionType.BOOLEAN, _typed("true or false", bool), "True or False", (bool,)),
    datetime.timedelta: _DURATION,
    hikari.User: _Kind(hikari.OptionType.USER, _read_user, "a user", (hikari.User, hikari.Snowflake)),
    hikari.Member: _Kind(hikari.OptionType.USER, _read_member, "a member", (hikari.Member, hikari.Snowflake)),
    hikari.Role: _Kind(hikari.OptionType.ROLE, _read_role, "a role", (hikari.Role, hikari.Snowflake)),
    hikari.Attachment: _Kind(hikari.OptionType.ATTACHMENT, _read_attachment, "a file", (hikari.Attachment,)),
}

# of a user's menu (True) or a message's, and what the target may be
_TARGETS: dict[tuple[bool, frozenset[Any]], Reader] = {
    (True, frozenset({hikari.User})): _read_user,
    (True, frozenset({hikari.Member})): _read_member,
    (True, frozenset({hikari.User, hikari.Member})): _read_member_or_user,
    (False, frozenset({hikari.Message})): _read_message,
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


def _channel_kind(classes: tuple[type, ...]) -> _Kind:
    kinds = [int(kind) for kind, channel in _CHANNELS.items() if issubclass(channel, classes)]
    if not kinds:
        raise _Unusable(
            f"no channel of a server is a {' or '.join(map(_words, classes))}",
            "Use hikari.PartialChannel for any channel, or hikari.GuildTextChannel and its siblings",
        )
    words = " or ".join(f"a {_in_words(cls.__name__).lower()}" for cls in classes)
    everything = len(kinds) == len(_CHANNELS)
    return _Kind(
        hikari.OptionType.CHANNEL,
        _channel(classes, words),
        words,
        (*classes, hikari.Snowflake),
        channel_types=None if everything else sorted(kinds),
    )


def _in_words(name: str) -> str:
    """`GuildTextChannel` and `dark_red` as a person would write them."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").strip()


def _enum_kind(members: Sequence[enum.Enum]) -> _Kind:
    names = [_capitalized(member.name) for member in members]
    if len(set(names)) < len(names):
        names = [member.name for member in members]  # DARK_RED beside dark_red
    values = [member.value for member in members]
    if not values or None in {_choice_type(value) for value in values} or len({_choice_type(v) for v in values}) > 1:
        # values that Discord cannot carry (objects, a mixture) travel under the member's name
        values = [member.name for member in members]
    return _choice_kind(list(zip(names, values, members, strict=True)))


def _capitalized(name: str) -> str:
    words = _in_words(name)
    return words.capitalize() if words.isupper() or words.islower() else words


def _choice_type(value: Any) -> hikari.OptionType | None:
    if isinstance(value, bool):
        return None
    for cls, type in (
        (str, hikari.OptionType.STRING),
        (int, hikari.OptionType.INTEGER),
        (float, hikari.OptionType.FLOAT),
    ):
        if isinstance(value, cls):
            return type
    return None


def _choice_kind(shown: Sequence[tuple[str, Any, Any]]) -> _Kind:
    """A kind of choices, each (the name that is shown, what Discord carries, what arrives)."""
    if not shown:
        raise _Unusable("it has no members, so that nothing can be chosen", "Give it some, or use another type")
    if all(isinstance(carried, bool) for _, carried, _ in shown):
        raise _Unusable("its choices are True and False alone", "Use `bool`")
    types_found = {_choice_type(carried) for _, carried, _ in shown}
    if len(types_found) != 1 or None in types_found:
        raise _Unusable(
            "its choices are not all texts, all whole numbers or all numbers",
            'Use values of one type: `Literal["red", "green"]`',
        )
    arriving = {carried: value for _, carried, value in shown}

    def read(ctx: Context, value: Any) -> Any:
        try:
            return arriving[value]
        except (KeyError, TypeError):
            raise _refuse("one of the choices") from None

    choices = [{"name": name, "value": carried} for name, carried, _ in shown]
    kind = cast(hikari.OptionType, types_found.pop())
    return _Kind(kind, read, "one of its values", choices=choices, values=[value for _, _, value in shown])


# ---- Option ----


def choices_in(choices: Choices) -> Iterator[Any]:
    """Return the choices one by one, those of a mapping as pairs. TypeError for a text, and for what has none."""
    if isinstance(choices, (str, bytes)):
        raise TypeError(f"expected a list of choices, got {short_repr(choices)}")
    return iter(cast("Mapping[Any, Any]", choices).items() if isinstance(choices, Mapping) else choices)


def choice_payload(choice: Any) -> dict[str, Any]:
    """Return the JSON of one choice: a value, a pair of name and value, or hikari's. TypeError for anything else."""
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
    raise TypeError(f"expected a text or a number, got {short_repr(cast(object, choice))}")


def localizations(texts: Localizations | None) -> dict[str, str]:
    """Locales and texts as Discord is told them."""
    return {str(locale): text for locale, text in (texts or {}).items()}


def _fit(kind: _Kind, option: Option) -> None:
    """Refuse settings of `option` that Discord has no place for on `kind`."""
    for texts in (option.name_localizations, option.description_localizations):
        if texts is not None and not isinstance(texts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _Unusable("its localizations are no mapping", 'Write `{"de": "..."}`')
    numeric = kind.type in (hikari.OptionType.INTEGER, hikari.OptionType.FLOAT)
    _check_bounds(kind, option, numeric=numeric)
    text = kind.type is hikari.OptionType.STRING
    if not text and (option.min_length is not None or option.max_length is not None):
        raise _Unusable("min_length= and max_length= bound texts, and this is none", "Use min= and max= for a number")
    if option.choices is not None or option.autocomplete is not None:
        if not (text or numeric):
            raise _Unusable("choices= and autocomplete= offer texts or numbers, and this is neither", "Drop them")
        if option.autocomplete is not None and (option.choices is not None or kind.choices):
            raise _Unusable("it has both choices and autocomplete", "Keep one of them")
    if option.choices is not None:
        _check_choices(kind, option, option.choices)
    if option.autocomplete is not None:
        _check_autocomplete(option.autocomplete)


def _check_bounds(kind: _Kind, option: Option, *, numeric: bool) -> None:
    bounds = {name: bound for name, bound in (("min", option.min), ("max", option.max)) if bound is not None}
    if kind is _DURATION:
        low, high = _duration_bounds(option)
        if low is not None and low > high:
            raise _Unusable(f"min= is longer than {duration_in_words(high)}, which is the most", "Change min= or max=")
    elif bounds and not numeric:
        problem = "min= and max= bound numbers and durations, and this is neither"
        raise _Unusable(problem, "Use min_length= and max_length= for a text")
    for name, bound in bounds.items():
        if numeric and (not isinstance(bound, (int, float)) or isinstance(bound, bool) or math.isnan(bound)):
            raise _Unusable(f"{name}={bound!r} is not a number", f"Write {name}=5")


def _check_autocomplete(function: Any) -> None:
    fix = "Write `async def fruits(ctx, typed: str) -> list[str]`"
    if inspect.isasyncgenfunction(function):
        raise _Unusable("autocomplete= is an async generator, which yields", f"Return a list. {fix}")
    if problem := call_problem(function, "ctx", "typed"):
        raise _Unusable(f"autocomplete=: {problem}", fix)
    if wrong := wrong_context(function, "AutocompleteContext", {}):
        problem, fix = wrong
        raise _Unusable(f"autocomplete=: {problem}", fix)


def _check_choices(kind: _Kind, option: Option, choices: Choices) -> None:
    if isinstance(choices, str):
        raise _Unusable("choices= is one text", 'Write `choices=["red", "green"]`')
    try:
        payloads = list(map(choice_payload, choices_in(choices)))
    except Exception as error:
        raise _Unusable(f"choices= cannot be read ({error})", 'Write `choices=["red", "green"]`') from None
    accepted = _CHOICES_OF[kind.type]
    if not payloads:
        raise _Unusable("choices= is empty, so that nothing can be chosen", "Leave it out, or offer something")
    if kind.choices:
        raise _Unusable("its annotation and choices= both name choices", "Keep one of them")
    for value in (payload["value"] for payload in payloads):
        if not isinstance(value, accepted) or isinstance(value, bool):
            raise _Unusable(f"the choice {short_repr(value)} is not of the option's type", "Use values of that type")
        if kind is _DURATION:
            if problem := _wrong_duration(value, *_duration_bounds(option)):
                raise _Unusable(f"the choice {value!r} {problem}", "Write it like 1h30m, within min= and max=")
        elif (option.min is not None and value < option.min) or (option.max is not None and value > option.max):
            raise _Unusable(f"the choice {value!r} is not between min= and max=", "Change one of them")


def _payload(name: str, kind: _Kind, option: Option, required: bool) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "type": int(kind.type),
        "name": name,
        "description": option.description or _in_words(name).capitalize(),
        "required": required,
    }
    choices = kind.choices if option.choices is None else list(map(choice_payload, choices_in(option.choices)))
    bounds = (None, None) if kind is _DURATION else (option.min, option.max)
    optional = {
        "choices": choices,
        "channel_types": kind.channel_types,
        "min_value": bounds[0],
        "max_value": bounds[1],
        "min_length": option.min_length,
        "max_length": option.max_length,
        "autocomplete": True if option.autocomplete is not None else None,
        "name_localizations": localizations(option.name_localizations) or None,
        "description_localizations": localizations(option.description_localizations) or None,
    }
    payload.update({key: value for key, value in optional.items() if value is not None})
    return payload
