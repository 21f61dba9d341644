"""Components: buttons, selects and modals, whose handlers are found by their custom ids, also after a restart."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    Literal,
    NamedTuple,
    ParamSpec,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
)

import hikari

from . import limits
from .context import ComponentContext, GuildComponentContext, GuildModalContext, ModalContext
from .errors import AnswerError, Problem, UserError
from .handlers import EXPIRED, RESERVED, Contexts, Handler
from .inspection import (
    InvalidDefinition,
    Parameter,
    SettingChecks,
    checked_settings,
    is_bool,
    is_str,
    misfit,
)
from .locations import place_of_caller

if TYPE_CHECKING:
    from .instrumentation import Kind
    from .owner import Owner

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
B = TypeVar("B", bound=hikari.api.ComponentBuilder)

_NOT_YOURS = "This is for another user."

_INVOKER = "invoker"
"""The value of `only=` that stands for the user who invoked the handler that sent the message."""

_LONGEST_SHOWN = 30
"""Characters of a label in a message about it."""

_FIELD = re.compile(r"\{(\w+)\}")
_ESCAPED = re.compile("%3A|%25")

Emoji = str | hikari.Emoji
"""An emoji as it is written ("👍"), or hikari's."""

Options = Iterable[str | hikari.impl.SelectOptionBuilder] | Mapping[str, str]
"""The options of a select: str, a mapping of shown labels to values, or hikari's builders."""


class ModalSettings(TypedDict, total=False):
    """The settings of `@bot.modal(...)` besides the custom id."""

    ephemeral: bool


class ComponentSettings(ModalSettings, total=False):
    """The settings of `@bot.component(...)` besides the custom id."""

    only: str


class SelectSettings(TypedDict, total=False):
    """The settings of a select: `min` to `max` (0 to 25, by default 1) of its options can be chosen."""

    placeholder: str
    min: int
    max: int
    disabled: bool


# ---- custom ids ----


class Pattern:
    """What the custom ids of one handler look like: "vote:{poll_id}:{choice}".

    Parts stand between colons; the first is a name of letters, digits, "-", "_", ".", the others are names or fields
    of the handler, one each. In a value, "%" and ":" are escaped as %25 and %3A. Raises InvalidDefinition for anything
    else.
    """

    def __init__(self, text: str) -> None:
        # the name of each part, or None for a field
        self.parts: list[str | None] = []
        self.fields: list[str] = []
        for number, part in enumerate(text.split(":")):
            field = _FIELD.fullmatch(part)
            if field and number:
                self.parts.append(None)
                self.fields.append(field[1])
            elif re.fullmatch(r"[\w.-]+", part):
                self.parts.append(part)
            else:
                fix = 'Write names and fields between colons, a name first, like "vote:{poll_id}:{choice}"'
                raise InvalidDefinition(f"{part!r} in the custom id {text!r} is neither a name nor a field", fix)
        if len(set(self.fields)) < len(self.fields):
            raise InvalidDefinition(f"the custom id {text!r} has a field twice", "Name each field once")

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the custom id with these values of fields. Raises InvalidDefinition if it is too long."""
        fields = iter(self.fields)
        filled = ":".join(_escaped(values[next(fields)]) if part is None else part for part in self.parts)
        longest = limits.CUSTOM_ID[1]
        if len(filled) > longest:
            raise InvalidDefinition(
                f"the custom id {filled!r} has {len(filled)} characters, and Discord allows at most {longest}",
                "Shorten it: store the values in ctx.data, for example, and put only their key into it",
            )
        return filled


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace(":", "%3A")


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: ":" if match[0] == "%3A" else "%", value)


class Routes(Generic[T]):
    """A tree of patterns by their parts, which finds the handler of a custom id."""

    def __init__(self) -> None:
        self._below: dict[str | None, Routes[T]] = {}
        self._handler: T | None = None

    def add(self, pattern: Pattern, handler: T) -> T | None:
        """Route the custom ids of `pattern` to `handler`; if another has them, it keeps them and is returned."""
        node = self
        for part in pattern.parts:
            node = node._below.setdefault(part, Routes())
        if node._handler is None:
            node._handler = handler
            return None
        return node._handler

    def find(self, custom_id: str) -> tuple[T, list[str]] | None:
        """Return the handler of a custom id and the values of its fields, in order; None if there is no handler.

        A name goes before a field. A field at the end takes all that is left: an id that was written by hand may have
        colons in it.
        """
        return self._find(custom_id.split(":"), [])

    def _find(self, parts: Sequence[str], values: list[str]) -> tuple[T, list[str]] | None:
        if not parts:
            return None if self._handler is None else (self._handler, [_unescaped(value) for value in values])
        named, field = self._below.get(parts[0]), self._below.get(None)
        if named is not None and (found := named._find(parts[1:], values)):
            return found
        if field is None:
            return None
        return field._find(parts[1:], [*values, parts[0]]) or field._find((), [*values, ":".join(parts)])


class Codec(NamedTuple):
    """How values of one annotation are written as text and read again (ValueError for invalid text).

    `shortest` is the shortest text of a value. `write` raises InvalidDefinition for a value of another type.
    """

    write: Callable[[Any], str]
    read: Callable[[str], Any]
    shortest: str


def codec_of(annotation: Any) -> Codec:
    """Return the codec of str, int, float, bool, hikari.Snowflake, an Enum or a Literal.

    Raises InvalidDefinition for anything else.
    """
    if annotation in _CODECS:
        return _CODECS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _one_of({member.name: member for member in annotation})
    if typing.get_origin(annotation) is Literal:
        values = typing.get_args(annotation)
        if len({str(value) for value in values}) < len(values) or len(set(values)) < len(values):
            raise InvalidDefinition(f"two values of `{annotation}` are the same in a custom id", "Use one type")
        return _one_of({str(value): value for value in values})
    shown = annotation.__name__ if isinstance(annotation, type) else annotation
    raise InvalidDefinition(
        f"a custom id cannot hold a `{shown}`",
        "Use str, int, float, bool, hikari.Snowflake, an Enum or a Literal: the id of a thing, and not the thing",
    )


def _plain(cls: Callable[[str], Any], *kinds: type) -> Codec:
    def write(value: Any) -> str:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise InvalidDefinition(f"it is {value!r}", f"Give it a value of type {kinds[0].__name__}")
        if isinstance(value, str):
            return str.__str__(value)
        # hikari's ids, and members of enums that are numbers: as the plain value
        return repr(float(value)) if float in kinds else str(int(value))

    return Codec(write, cls, "" if str in kinds else "0")


def _one_of(members: Mapping[str, Any]) -> Codec:
    names = {value: name for name, value in members.items()}

    def write(value: Any) -> str:
        try:
            return names[value]
        except (KeyError, TypeError):
            raise InvalidDefinition(f"it is {value!r}", f"Give it one of {', '.join(members)}") from None

    def read(text: str) -> Any:
        if text not in members:
            raise ValueError(text)
        return members[text]

    return Codec(write, read, min(members, key=len, default=""))


def _read_int(text: str) -> int:
    # int() also takes "1_0", " 1" and digits of other scripts, which no codec writes
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _read_snowflake(text: str) -> hikari.Snowflake:
    number = _read_int(text)
    if not 0 <= number < 2**64:
        raise ValueError(text)
    return hikari.Snowflake(number)


_CODECS: dict[Any, Codec] = {
    str: _plain(str, str),
    int: _plain(_read_int, int),
    float: _plain(float, float, int),
    bool: _one_of({"1": True, "0": False}),
    hikari.Snowflake: _plain(_read_snowflake, int),
}


# ---- builders ----


class Bound:
    """A handler with values for its fields: `custom_id`, and the components that carry it.

    Each method raises AnswerError, with the line of the caller, for a component that Discord would refuse: a label of
    more than 80 characters, an invalid emoji, more than 25 options.
    """

    __slots__ = ("custom_id",)

    def __init__(self, custom_id: str) -> None:
        self.custom_id: str = custom_id

    def button(
        self,
        label: str = "",
        *,
        style: hikari.InteractiveButtonTypesT = hikari.ButtonStyle.PRIMARY,
        emoji: Emoji | None = None,
        disabled: bool = False,
    ) -> hikari.impl.InteractiveButtonBuilder:
        """Return a button. `label` has up to 80 characters, and is needed if there is no emoji.

        `emoji` is a character ("👍"), `"<:name:id>"` for a custom one, or one of hikari's.
        """
        button = hikari.impl.InteractiveButtonBuilder(
            custom_id=self.custom_id,
            label=label or hikari.UNDEFINED,
            style=style,
            emoji=_emoji(emoji),
            is_disabled=disabled,
        )
        return _checked(f"the button {_quoted(label)}", button)

    def select(self, options: Options, **settings: Unpack[SelectSettings]) -> hikari.impl.TextSelectMenuBuilder[Any]:
        """Return a select of 1 to 25 texts. `ctx.values` are those that were chosen."""
        fields = _select_fields(**settings)
        menu: hikari.impl.TextSelectMenuBuilder[Any]
        menu = hikari.impl.TextSelectMenuBuilder(custom_id=self.custom_id, **fields)
        for option in _select_options(options):
            menu.add_raw_option(option)
        return _checked("the select", menu)

    def user_select(self, **settings: Unpack[SelectSettings]) -> hikari.impl.SelectMenuBuilder:
        """Return a select of users: `ctx.selected`."""
        return self._select(hikari.ComponentType.USER_SELECT_MENU, settings)

    def role_select(self, **settings: Unpack[SelectSettings]) -> hikari.impl.SelectMenuBuilder:
        """Return a select of roles: `ctx.selected`."""
        return self._select(hikari.ComponentType.ROLE_SELECT_MENU, settings)

    def mentionable_select(self, **settings: Unpack[SelectSettings]) -> hikari.impl.SelectMenuBuilder:
        """Return a select of users and roles: `ctx.selected`."""
        return self._select(hikari.ComponentType.MENTIONABLE_SELECT_MENU, settings)

    def channel_select(
        self, *kinds: hikari.ChannelType, **settings: Unpack[SelectSettings]
    ) -> hikari.impl.ChannelSelectMenuBuilder:
        """Return a select of channels, of these kinds if any are named: `ctx.selected`."""
        fields = _select_fields(**settings)
        menu = hikari.impl.ChannelSelectMenuBuilder(custom_id=self.custom_id, channel_types=kinds, **fields)
        return _checked("the select", menu)

    def _select(self, kind: hikari.ComponentType, settings: SelectSettings) -> hikari.impl.SelectMenuBuilder:
        fields = _select_fields(**settings)
        return _checked("the select", hikari.impl.SelectMenuBuilder(type=kind, custom_id=self.custom_id, **fields))


def _select_fields(placeholder: str = "", min: int = 1, max: int = 1, disabled: bool = False) -> dict[str, Any]:
    return {
        "placeholder": placeholder or hikari.UNDEFINED,
        "min_values": min,
        "max_values": max,
        "is_disabled": disabled,
    }


def _select_options(options: Options) -> Iterable[hikari.impl.SelectOptionBuilder]:
    """Return the options of a select as hikari's builders. Raises AnswerError for anything else."""
    if isinstance(options, Mapping):
        pairs = cast("Mapping[str, str]", options).items()
        return [hikari.impl.SelectOptionBuilder(label, value) for label, value in pairs]
    fix = 'Give it texts, ["Red", "Blue"], or a mapping of texts to values, {"Red": "r"}'
    if isinstance(options, (str, bytes)) or not isinstance(options, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
        raise AnswerError(f"{_here()}the options of a select cannot be a {type(options).__name__}. {fix}.")
    return [_select_option(option, fix) for option in options]


def _select_option(option: str | hikari.impl.SelectOptionBuilder, fix: str) -> hikari.impl.SelectOptionBuilder:
    if isinstance(option, str):
        return hikari.impl.SelectOptionBuilder(option, option)
    if not hasattr(option, "build"):
        raise AnswerError(f"{_here()}an option of a select cannot be a {type(option).__name__}. {fix}.")
    return option


def row(*components: hikari.api.ComponentBuilder) -> hikari.impl.MessageActionRowBuilder:
    """Return a row of a message: up to 5 buttons, or one select.

    Raises AnswerError, with the line of the caller, if Discord would refuse it.
    """
    for component in components:
        if not hasattr(component, "build"):
            fix = "Give it buttons and selects, like `vote.bind(...).button(...)`"
            raise AnswerError(f"{_here()}a row cannot hold a {type(component).__name__}. {fix}.")
    builder = hikari.impl.MessageActionRowBuilder(components=list(cast("Any", components)))
    _refuse("the row", builder.build()[0], below=2)
    return builder


def link_button(
    label: str, url: str, *, emoji: Emoji | None = None, disabled: bool = False
) -> hikari.impl.LinkButtonBuilder:
    """Return a button that opens a page; the bot is not told. Raises AnswerError as `Bound.button` does."""
    button = hikari.impl.LinkButtonBuilder(
        url=url, label=label or hikari.UNDEFINED, emoji=_emoji(emoji), is_disabled=disabled
    )
    return _checked(f"the link {_quoted(label)}", button)


def _emoji(emoji: Emoji | None) -> hikari.UndefinedOr[Emoji]:
    """Return an emoji as hikari's builders take it: they do not read "<:name:id>"."""
    if emoji is None:
        return hikari.UNDEFINED
    if isinstance(emoji, str) and emoji.startswith("<"):
        with suppress(ValueError):
            custom = hikari.CustomEmoji.parse(emoji)
            return custom if custom.mention == emoji else emoji  # hikari passes over what follows it
    return emoji


def _checked(what: str, component: B) -> B:
    """Return the component. Raises AnswerError, with the line of the caller, if Discord would refuse it."""
    _refuse(what, {"type": int(hikari.ComponentType.ACTION_ROW), "components": [component.build()[0]]}, below=4)
    return component


def _refuse(what: str, row: Mapping[str, Any], below: int) -> None:
    if problems := limits.message_violations({"components": [row]}):
        from .limit_fixes import explained

        raise AnswerError(f"{_here()}{what}: {explained(problems, below=below)}")


def _here() -> str:
    """Return the file and line of the caller, as the beginning of a message."""
    file, line = place_of_caller()
    return f"{file}:{line}: "


def _quoted(label: object) -> str:
    text = str(label).encode(errors="backslashreplace").decode()
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}..."'


# ---- handlers ----


class _ByCustomId(Handler[..., Any], Generic[P, R]):
    """A handler that is found by a custom id, whose fields are the parameters of its function."""

    decorator: str
    checks: ClassVar[SettingChecks] = {"ephemeral": (is_bool, "True or False")}

    def __init__(
        self,
        holder: Owner,
        function: Callable[Concatenate[Any, P], Awaitable[R]],
        custom_id: str,
        names: Mapping[str, Any],
        settings: Any,
        *,
        reserved: bool = False,
    ) -> None:
        super().__init__(holder, function)
        self.custom_id: str = custom_id
        self.pattern: Pattern | None = None
        self._codecs: dict[str, Codec] = {}
        self._arguments: list[str] = []
        self._read_pattern(names, reserved)
        fitting, wrong = checked_settings(settings, self.checks, f"@{self.decorator}")
        self.settings: dict[str, Any] = fitting
        self.ephemeral: bool = self.settings.get("ephemeral", False)
        for problem, fix in wrong:
            self.note(problem, fix)

    @property
    def title(self) -> str:
        """`component "vote:{poll_id}"`."""
        return f'{self.decorator} "{self.custom_id}"'

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound:
        """Return the handler with values for its fields, given as the function takes them after the context.

        `.button(...)` and the like make components of it, `.custom_id` is what `ctx.respond_with_modal` takes. Raises
        AnswerError for a value that is not of the annotated type, or if the custom id takes more than 100 characters,
        and TypeError for arguments that the function does not take.
        """
        if self.pattern is None:
            raise AnswerError(str(self.problems[0]))
        if len(args) > len(self._arguments):
            raise TypeError(f"{self.title} takes {len(self._arguments)} values, got {len(args)}")
        values = {**dict(zip(self._arguments, args, strict=False)), **kwargs}
        try:
            return Bound(self.pattern.fill({name: self._written(name, values) for name in self.pattern.fields}))
        except InvalidDefinition as invalid:
            raise AnswerError(f"{_here()}{self.title}: {invalid.message}. {invalid.fix}.") from None

    def _written(self, name: str, values: Mapping[str, Any]) -> str:
        if name not in values:
            raise TypeError(f"{self.title} needs a value for {{{name}}}")
        try:
            return self._codecs[name].write(values[name])
        except InvalidDefinition as invalid:
            raise InvalidDefinition(f"{{{name}}}: {invalid.message}", invalid.fix) from None

    async def arguments(self, ctx: Any) -> dict[str, Any]:
        """Return the fields by name. Raises UserError if they were written by another version of the bot."""
        assert self.pattern is not None
        try:
            fields = zip(self.pattern.fields, ctx.fields, strict=True)
            return {name: self._codecs[name].read(text) for name, text in fields}
        except (ValueError, KeyError):
            raise UserError(EXPIRED) from None

    def _read_pattern(self, names: Mapping[str, Any], reserved: bool) -> None:
        if not isinstance(self.custom_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            self.custom_id = self.__name__
            fix = f'Write `@{self.decorator}("{self.__name__}")`'
            self.note(f"@{self.decorator} has no custom id", fix)
            return
        try:
            self.pattern = Pattern(self.custom_id)
        except InvalidDefinition as invalid:
            self.note(invalid.message, invalid.fix)
            return
        if self.pattern.parts[0] == RESERVED and not reserved:
            self.note(f'the name "{RESERVED}" is for wisp itself', "Choose another name")
        parameters = self.read_parameters(names)
        if parameters is not None:
            self._read_fields(self.pattern, parameters[1:])
        try:
            self.pattern.fill(dict.fromkeys(self.pattern.fields, "") | {n: c.shortest for n, c in self._codecs.items()})
        except InvalidDefinition:
            problem = f"it takes more than {limits.CUSTOM_ID[1]} characters, which Discord does not accept"
            if self.pattern.fields:
                problem += ", whatever its fields hold"
            self.note(problem, "Shorten its names")

    def _read_fields(self, pattern: Pattern, parameters: Sequence[Parameter]) -> None:
        self._arguments = [parameter.name for parameter in parameters]
        if missing := [field for field in pattern.fields if field not in self._arguments]:
            fix = f"Add {' and '.join(f'`{field}: str`' for field in missing)} to its parameters"
            self.note(f"its function does not take {' and '.join(f'{{{field}}}' for field in missing)}", fix)
        for parameter in parameters:
            of = f", parameter `{parameter.name}`"
            try:
                parameter.check_default()
                if parameter.name in pattern.fields:
                    of = f", field {{{parameter.name}}}"
                    annotation = parameter.read()
                    annotation.refuse_metadata()
                    self._codecs[parameter.name] = codec_of(annotation.bare)
                elif not parameter.has_default:
                    of = ""
                    problem = f"its parameter `{parameter.name}` is not a field of the custom id"
                    fix = f"Write it as a field: {self.custom_id}:{{{parameter.name}}}"
                    raise InvalidDefinition(problem, fix)
            except InvalidDefinition as invalid:
                self.note(invalid.message, invalid.fix, of)
        if not self.problems and (problem := misfit(self.function, "ctx", **dict.fromkeys(pattern.fields, ""))):
            fields = "".join(f", {name}" for name in pattern.fields)
            self.note(problem, f"Write `async def {self.__name__}(ctx: wisp.{self.context.__name__}{fields})`")


class Component(_ByCustomId[P, R]):
    """A function that buttons and selects call. It can still be called as the function itself.

    `vote.bind(poll_id=7).button("Yes")` is a button that calls it with these values, also after a restart.
    """

    decorator = "component"
    contexts: ClassVar[Contexts] = (ComponentContext, GuildComponentContext)
    measured_as: Kind = "component"
    checks: ClassVar[SettingChecks] = {**_ByCustomId.checks, "only": (is_str, "the name of a field, as a str")}

    if not TYPE_CHECKING:  # a type checker would allow any attribute

        def __getattr__(self, name: str) -> Any:
            way_out = f": write .bind(...).{name}(...)" if name in Bound.__dict__ else ""
            raise AttributeError(f"a component has no {name}{way_out}")

    @property
    def only(self) -> str | None:
        """The field that holds the id of the one user who may use it, or "invoker"."""
        return self.settings.get("only")

    def check(self) -> list[Problem]:
        """Return all that is wrong with it alone, warnings included."""
        found = super().check()
        if self.pattern is not None and self.only not in (None, _INVOKER, *self.pattern.fields):
            fix = 'Write only="invoker", or name the field that holds the id of the user who may use it'
            found.append(self.problem("", f'only="{self.only}" is not a field of the custom id', fix))
        return found

    async def arguments(self, ctx: ComponentContext) -> dict[str, Any]:
        """Return the fields by name.

        Raises UserError if the component is another user's, or was not offered by this version of the bot.
        """
        fields = await super().arguments(ctx)
        if self.only is not None and _only_user(ctx, fields.get(self.only)) != int(ctx.user.id):
            raise UserError(_NOT_YOURS)
        if not _was_offered(ctx.interaction):
            raise UserError(EXPIRED)
        return fields


class Modal(_ByCustomId[P, R]):
    """A function that is called with a submitted form. It can still be called as the function itself.

    `feedback.bind(topic="food").custom_id` is what `ctx.respond_with_modal` takes.
    """

    decorator = "modal"
    contexts: ClassVar[Contexts] = (ModalContext, GuildModalContext)
    measured_as: Kind = "modal"


def _only_user(ctx: ComponentContext, field: object) -> int | None:
    """Return the id of the one user who may use a component: of its field, else of the user who invoked the handler."""
    if field is not None:
        return int(str(field)) if str(field).isdecimal() else None
    asked = ctx.interaction.message.interaction_metadata  # None if the message is no reply
    return None if asked is None else int(asked.user.id)


def _was_offered(interaction: hikari.ComponentInteraction) -> bool:
    """Return whether the selected values are options of the select: a modified client can send others."""
    if interaction.component_type != hikari.ComponentType.TEXT_SELECT_MENU:
        return True
    for menu in _menus(interaction.message.components):
        if menu.custom_id == interaction.custom_id:
            return set(interaction.values) <= {option.value for option in menu.options}
    return False


def _menus(components: Iterable[Any]) -> Iterable[hikari.TextSelectMenuComponent]:
    for component in components:
        if isinstance(component, hikari.TextSelectMenuComponent):
            yield component
        yield from _menus(getattr(component, "components", ()))
