"""Components: buttons, selects and modals, whose handlers are found by their custom ids, also after a restart."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_args,
    get_origin,
)

import hikari
import msgspec

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
    short_repr,
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
            field = re.fullmatch(r"\{(\w+)\}", part)
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
        self.fill(dict.fromkeys(self.fields, ""))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the custom id with these values of fields. Raises InvalidDefinition if it is too long."""
        escaped = (values[field].replace("%", "%25").replace(":", "%3A") for field in self.fields)
        filled = ":".join(next(escaped) if part is None else part for part in self.parts)
        if len(filled) > limits.CUSTOM_ID[1]:
            problem = f"{filled!r} has {len(filled)} characters, and Discord allows at most {limits.CUSTOM_ID[1]}"
            raise InvalidDefinition(problem, "Shorten it: store the values in ctx.data, and put only their key into it")
        return filled

    def match(self, custom_id: str) -> list[str] | None:
        """Return the values of the fields in a custom id, in order; None if it does not look like this.

        A field at the end takes all that is left: an id that was written by hand may have colons in it.
        """
        texts = custom_id.split(":", len(self.parts) - 1)
        if len(texts) < len(self.parts):
            return None
        pairs = list(zip(self.parts, texts, strict=True))
        if any(part not in (None, text) for part, text in pairs):
            return None
        return [text.replace("%3A", ":").replace("%25", "%") for part, text in pairs if part is None]

    def rank(self) -> list[int]:
        """Return a key that sorts patterns: a name comes before a field, and a field before the end."""
        return [0 if part else 1 for part in self.parts] + [2]


class Routes(Generic[T]):
    """Finds the handlers of custom ids."""

    def __init__(self) -> None:
        self._by_first_part: dict[str | None, list[tuple[Pattern, T]]] = {}

    def add(self, pattern: Pattern, handler: T) -> None:
        """Route the custom ids of `pattern` to `handler`, unless an earlier one has them."""
        routes = self._by_first_part.setdefault(pattern.parts[0], [])
        routes.append((pattern, handler))
        routes.sort(key=lambda route: route[0].rank())

    def find(self, custom_id: str) -> tuple[T, list[str]] | None:
        """Return the handler of a custom id and the values of its fields, in order; None if there is no handler."""
        for pattern, handler in self._by_first_part.get(custom_id.partition(":")[0], ()):
            if (values := pattern.match(custom_id)) is not None:
                return handler, values
        return None


class _Field:
    """A field of a custom id: a str, int, float, bool, hikari.Snowflake, an Enum (by name) or a Literal.

    Raises InvalidDefinition for any other annotation.
    """

    def __init__(self, name: str, annotation: Any) -> None:
        self.name = name
        self.type = annotation
        self._choices: dict[str, Any] | None = None  # by their texts
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            self._choices = dict(annotation.__members__)
        elif get_origin(annotation) is Literal:
            values = get_args(annotation)
            self._choices = {str(value): value for value in values}
            if len(self._choices) < len(values):
                raise InvalidDefinition(f"two values of `{self}` are the same in a custom id", "Use one type")
        elif annotation not in _TYPES:
            fix = "Use str, int, float, bool, hikari.Snowflake, an Enum or a Literal, like the id of a thing"
            raise InvalidDefinition(f"a custom id cannot hold a `{self}`", fix)

    def __str__(self) -> str:
        return self.type.__name__ if isinstance(self.type, type) else str(self.type)

    def write(self, value: Any) -> str:
        """Return a value as text. Raises InvalidDefinition if it is none of its type."""
        texts = [_text_of(value)] if self._choices is None else self._choices
        for text in texts:
            with suppress(ValueError):
                if self.read(text) == value:
                    return text
        raise InvalidDefinition(f"{{{self.name}}}: it is {value!r}", f"Give it a value of type {self}")

    def read(self, text: str) -> Any:
        """Return the value that was written as this text. Raises ValueError if there is none."""
        try:
            if self._choices is not None:
                return self._choices[text]
            return msgspec.convert(text, self.type, strict=False, dec_hook=_read_id)
        except (KeyError, msgspec.ValidationError):
            raise ValueError(text) from None


_TYPES = (str, int, float, bool, hikari.Snowflake)


def _text_of(value: object) -> str:
    # hikari's ids, and members of enums that are numbers or str: as the plain value
    if isinstance(value, int):
        return str(int(value))
    return str.__str__(value) if isinstance(value, str) else str(value)


def _read_id(_: Any, text: str) -> hikari.Snowflake:
    return hikari.Snowflake(msgspec.convert(text, int, strict=False))


# ---- builders ----


class Bound:
    """A handler with values for its fields: `custom_id`, and the components that carry it.

    Each method raises AnswerError, with the line of the caller, for a component that Discord would refuse: a label of
    more than 80 characters, an invalid emoji, more than 25 options.
    """

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
        return _checked(f"the button {short_repr(label)}", button)

    def select(self, options: Options, **settings: Unpack[SelectSettings]) -> hikari.impl.TextSelectMenuBuilder[Any]:
        """Return a select of 1 to 25 texts. `ctx.values` are those that were chosen."""
        if isinstance(options, Mapping):
            pairs = cast("Mapping[str, str]", options).items()
            options = [hikari.impl.SelectOptionBuilder(label, value) for label, value in pairs]
        builders = [hikari.impl.SelectOptionBuilder(one, one) if isinstance(one, str) else one for one in options]
        return self._select(hikari.impl.TextSelectMenuBuilder[Any], settings, options=builders)

    def user_select(self, **settings: Unpack[SelectSettings]) -> hikari.impl.SelectMenuBuilder:
        """Return a select of users: `ctx.selected`."""
        return self._select(hikari.impl.SelectMenuBuilder, settings, type=hikari.ComponentType.USER_SELECT_MENU)

    def role_select(self, **settings: Unpack[SelectSettings]) -> hikari.impl.SelectMenuBuilder:
        """Return a select of roles: `ctx.selected`."""
        return self._select(hikari.impl.SelectMenuBuilder, settings, type=hikari.ComponentType.ROLE_SELECT_MENU)

    def mentionable_select(self, **settings: Unpack[SelectSettings]) -> hikari.impl.SelectMenuBuilder:
        """Return a select of users and roles: `ctx.selected`."""
        return self._select(hikari.impl.SelectMenuBuilder, settings, type=hikari.ComponentType.MENTIONABLE_SELECT_MENU)

    def channel_select(
        self, *kinds: hikari.ChannelType, **settings: Unpack[SelectSettings]
    ) -> hikari.impl.ChannelSelectMenuBuilder:
        """Return a select of channels, of these kinds if any are named: `ctx.selected`."""
        return self._select(hikari.impl.ChannelSelectMenuBuilder, settings, channel_types=kinds)

    def _select(self, builder: Callable[..., B], settings: SelectSettings, **fields: Any) -> B:
        menu = builder(
            custom_id=self.custom_id,
            placeholder=settings.get("placeholder") or hikari.UNDEFINED,
            min_values=settings.get("min", 1),
            max_values=settings.get("max", 1),
            is_disabled=settings.get("disabled", False),
            **fields,
        )
        return _checked("the select", menu)


def row(*components: hikari.api.ComponentBuilder) -> hikari.impl.MessageActionRowBuilder:
    """Return a row of a message: up to 5 buttons, or one select.

    Raises AnswerError, with the line of the caller, if Discord would refuse it.
    """
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
    return _checked(f"the link {short_repr(label)}", button)


def _emoji(emoji: Emoji | None) -> hikari.UndefinedOr[Emoji]:
    """Return an emoji as hikari's builders take it: they do not read "<:name:id>"."""
    if isinstance(emoji, str):
        with suppress(ValueError):
            return hikari.Emoji.parse(emoji)
    return hikari.UNDEFINED if emoji is None else emoji


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
        self._fields: dict[str, _Field] = {}
        self._signature: inspect.Signature | None = None
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
        if self.pattern is None or self._signature is None:
            raise AnswerError(str(self.problems[0]))
        given = self._signature.bind(None, *args, **kwargs)
        given.apply_defaults()
        try:
            written = {name: field.write(given.arguments[name]) for name, field in self._fields.items()}
            return Bound(self.pattern.fill(written))
        except InvalidDefinition as invalid:
            raise AnswerError(f"{_here()}{self.title}: {invalid.message}. {invalid.fix}.") from None

    async def arguments(self, ctx: Any) -> dict[str, Any]:
        """Return the fields by name. Raises UserError if they were written by another version of the bot."""
        try:
            fields = zip(self._fields.values(), ctx.fields, strict=True)
            return {field.name: field.read(text) for field, text in fields}
        except ValueError:
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
            self._read_fields(self.pattern, {parameter.name: parameter for parameter in parameters[1:]})

    def _read_fields(self, pattern: Pattern, parameters: Mapping[str, Parameter]) -> None:
        problem = misfit(self.function, "ctx", **dict.fromkeys(pattern.fields, ""))
        if not problem and not set(pattern.fields) <= set(parameters):
            problem = "its function does not name each field"
        if problem:
            arguments = ", ".join([f"ctx: wisp.{self.context.__name__}", *pattern.fields])
            self.note(problem, f"Write `async def {self.__name__}({arguments})`, or change the custom id")
            return
        for name, parameter in parameters.items():
            try:
                parameter.check_default()
                if name in pattern.fields:
                    annotation = parameter.read()
                    annotation.refuse_metadata()
                    self._fields[name] = _Field(name, annotation.bare)
            except InvalidDefinition as invalid:
                of = f", field {{{name}}}" if name in pattern.fields else f", parameter `{name}`"
                self.note(invalid.message, invalid.fix, of)
        self._fields = {name: self._fields[name] for name in pattern.fields if name in self._fields}
        if not self.problems:
            self._signature = inspect.signature(self.function)


class Component(_ByCustomId[P, R]):
    """A function that buttons and selects call. It can still be called as the function itself.

    `vote.bind(poll_id=7).button("Yes")` is a button that calls it with these values, also after a restart.
    """

    decorator = "component"
    contexts: ClassVar[Contexts] = (ComponentContext, GuildComponentContext)
    measured_as: Kind = "component"
    checks: ClassVar[SettingChecks] = {**_ByCustomId.checks, "only": (is_str, "the name of a field, as a str")}

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
    menus = [menu for menu in _menus(interaction.message.components) if menu.custom_id == interaction.custom_id]
    return any(set(interaction.values) <= {option.value for option in menu.options} for menu in menus)


def _menus(components: Iterable[Any]) -> Iterable[hikari.TextSelectMenuComponent]:
    for component in components:
        if isinstance(component, hikari.TextSelectMenuComponent):
            yield component
        yield from _menus(getattr(component, "components", ()))
