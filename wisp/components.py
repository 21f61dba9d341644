"""Components: buttons, selects and forms whose handlers are found by their custom ids, after a restart too."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypedDict, TypeVar, cast

import hikari

from . import limits
from .custom_ids import RESERVED, Codec, Pattern, Unfit, codec_of, names_of
from .errors import AnswerError, UserError
from .handlers import Handler, SettingChecks, checked_settings, is_text, is_truth
from .inspection import foreign_metadata, misfit, misplaced_metadata, resolve_annotation, unpack, wrong_context
from .locations import place_of_caller
from .owner import Owner

if TYPE_CHECKING:
    from .context import ComponentContext, ModalContext
    from .instrumentation import Kind

P = ParamSpec("P")
R = TypeVar("R")
B = TypeVar("B", bound=hikari.api.ComponentBuilder)

UNKNOWN = "This no longer works: it has expired, or belongs to an older version of the bot."
_NOT_YOURS = "This is for somebody else."

_ASKER = "invoker"
"""What `only=` says, where it names no field, for whoever called for the message."""

Emoji = str | hikari.Emoji
"""An emoji as it is written ("👍"), or hikari's."""

_LONGEST_SHOWN = 30
"""Characters of a label in a message about it."""

Options = Iterable[str | hikari.impl.SelectOptionBuilder] | Mapping[str, str]
"""What a select offers: texts, a mapping of what is shown to its value, or hikari's builders."""


class ModalSettings(TypedDict, total=False):
    """What `@bot.modal(...)` takes besides the custom id."""

    ephemeral: bool


class ComponentSettings(ModalSettings, total=False):
    """What `@bot.component(...)` takes besides the custom id."""

    only: str


class Bound:
    """A handler with values for its fields: `custom_id`, and the components that carry it.

    Each raises AnswerError, with the line of the caller, for what Discord would refuse: a label of more than 80
    characters, an emoji that is none, more than 25 options.
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

    def select(
        self, options: Options, *, placeholder: str = "", min: int = 1, max: int = 1, disabled: bool = False
    ) -> hikari.impl.TextSelectMenuBuilder[Any]:
        """A select of 1 to 25 texts. What was chosen is `ctx.values`, of `min` to `max` (0 to 25) of them."""
        builder: hikari.impl.TextSelectMenuBuilder[Any] = hikari.impl.TextSelectMenuBuilder(
            custom_id=self.custom_id, **_select_fields(placeholder, min, max, disabled)
        )
        for option in _select_options(options):
            builder.add_raw_option(option)
        return _checked("the select", builder)

    def user_select(
        self, *, placeholder: str = "", min: int = 1, max: int = 1, disabled: bool = False
    ) -> hikari.impl.SelectMenuBuilder:
        """A select of users: `ctx.selected`."""
        return self._select(hikari.ComponentType.USER_SELECT_MENU, placeholder, min, max, disabled)

    def role_select(
        self, *, placeholder: str = "", min: int = 1, max: int = 1, disabled: bool = False
    ) -> hikari.impl.SelectMenuBuilder:
        """A select of roles: `ctx.selected`."""
        return self._select(hikari.ComponentType.ROLE_SELECT_MENU, placeholder, min, max, disabled)

    def mentionable_select(
        self, *, placeholder: str = "", min: int = 1, max: int = 1, disabled: bool = False
    ) -> hikari.impl.SelectMenuBuilder:
        """A select of users and roles: `ctx.selected`."""
        return self._select(hikari.ComponentType.MENTIONABLE_SELECT_MENU, placeholder, min, max, disabled)

    def channel_select(
        self,
        *kinds: hikari.ChannelType,
        placeholder: str = "",
        min: int = 1,
        max: int = 1,
        disabled: bool = False,
    ) -> hikari.impl.ChannelSelectMenuBuilder:
        """A select of channels, of these kinds where any are named: `ctx.selected`."""
        menu = hikari.impl.ChannelSelectMenuBuilder(
            custom_id=self.custom_id, channel_types=kinds, **_select_fields(placeholder, min, max, disabled)
        )
        return _checked("the select", menu)

    def _select(
        self, kind: hikari.ComponentType, placeholder: str, min: int, max: int, disabled: bool
    ) -> hikari.impl.SelectMenuBuilder:
        fields = _select_fields(placeholder, min, max, disabled)
        return _checked("the select", hikari.impl.SelectMenuBuilder(type=kind, custom_id=self.custom_id, **fields))


def _select_fields(placeholder: str, min: int, max: int, disabled: bool) -> dict[str, Any]:
    return {
        "placeholder": placeholder or hikari.UNDEFINED,
        "min_values": min,
        "max_values": max,
        "is_disabled": disabled,
    }


def _select_options(options: Options) -> Iterable[hikari.impl.SelectOptionBuilder]:
    """The options of a select as hikari's builders. Raises AnswerError for what is none."""
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

    Raises AnswerError, with the line of the caller, for what Discord would refuse in it.
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
    """An emoji as hikari's builders take it: they do not read "<:name:id>"."""
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
        raise AnswerError(f"{_here()}{what}: {limits.explained(problems, below=below)}")


def _here() -> str:
    """The line of the caller, as the beginning of a message."""
    file, line = place_of_caller()
    return f"{file}:{line}: "


def _quoted(label: object) -> str:
    text = str(label).encode(errors="backslashreplace").decode()
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}..."'


class _ByCustomId(Handler[..., Any]):
    """A handler that is found by a custom id, whose fields are the parameters of its function."""

    decorator: str
    context: str
    """The name of the class of its context in `wisp`."""

    def __init__(
        self,
        holder: Owner,
        function: Callable[..., Awaitable[Any]],
        pattern: str,
        names: Mapping[str, Any],
        *,
        reserved: bool = False,
    ) -> None:
        super().__init__(holder, function)
        self.custom_id: str = pattern
        self.pattern: Pattern | None = None
        self._codecs: dict[str, Codec] = {}
        self._arguments: list[str] = []
        if not isinstance(pattern, str):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            self.custom_id = self.__name__
            fix = f'Write `@{self.decorator}("{self.__name__}")`'
            self.problems.append(self.problem("", f"@{self.decorator} stands without a custom id", fix))
            return
        try:
            self.pattern = Pattern(pattern)
        except Unfit as unfit:
            self.problems.append(self.problem("", *unfit.args))
            return
        if self.pattern.parts[0] == RESERVED and not reserved:
            self.problems.append(self.problem("", f'the name "{RESERVED}" is for wisp itself', "Choose another name"))
        if self.is_async_or_problem():
            self._read_parameters(self.pattern, names)
            self.check_return(names)
        self._check_length(self.pattern)

    @property
    def title(self) -> str:
        """`component "vote:{poll_id}"`."""
        return f'{self.decorator} "{self.custom_id}"'

    @property
    def label(self) -> str:
        """What logs and errors call a run of it: as its title."""
        return self.title

    def custom_id_of(self, *args: Any, **kwargs: Any) -> str:
        """The custom id with these values for the fields, given as the function takes them.

        Raises AnswerError for a value that is not of the annotated type, or where it takes more than 100 characters,
        and TypeError for arguments that the function does not take.
        """
        if self.pattern is None:
            raise AnswerError(str(self.problems[0]))
        if len(args) > len(self._arguments):
            raise TypeError(f"{self.title} takes {len(self._arguments)} values, got {len(args)}")
        values = {**dict(zip(self._arguments, args, strict=False)), **kwargs}
        try:
            return self.pattern.fill({name: self._written(name, values) for name in self.pattern.fields})
        except Unfit as unfit:
            problem, fix = unfit.args
            raise AnswerError(f"{_here()}{self.title}: {problem}. {fix}.") from None

    def _written(self, name: str, values: Mapping[str, Any]) -> str:
        if name not in values:
            raise TypeError(f"{self.title} needs a value for {{{name}}}")
        try:
            return self._codecs[name].write(values[name])
        except Unfit as unfit:
            problem, fix = unfit.args
            raise Unfit(f"{{{name}}}: {problem}", fix) from None

    def read(self, texts: Sequence[str]) -> dict[str, Any]:
        """The fields by name, of these texts. Raises UserError where they are of another version of the bot."""
        assert self.pattern is not None
        try:
            return {name: self._codecs[name].read(text) for name, text in zip(self.pattern.fields, texts, strict=True)}
        except (ValueError, KeyError):
            raise UserError(UNKNOWN) from None

    def _read_parameters(self, pattern: Pattern, names: Mapping[str, Any]) -> None:
        parameters = list(inspect.signature(self.function).parameters.values())[1:]
        self._arguments = [parameter.name for parameter in parameters]
        if wrong := wrong_context(self.function, self.context, names):
            self.problems.append(self.problem("", *wrong))
        if missing := [field for field in pattern.fields if field not in self._arguments]:
            fix = f"Add {' and '.join(f'`{field}: str`' for field in missing)} to its parameters"
            self.problems.append(self.problem("", f"its function does not take {names_of(missing)}", fix))
        for parameter in parameters:
            if misplaced := misplaced_metadata(parameter.name, parameter.annotation, parameter.default):
                self.problems.append(self.problem(f", parameter `{parameter.name}`", *misplaced))
            if parameter.name not in pattern.fields:
                if parameter.default is parameter.empty:
                    problem = f"its parameter `{parameter.name}` is no field of the custom id"
                    fix = f"Write it as a field: {self.custom_id}:{{{parameter.name}}}"
                    self.problems.append(self.problem("", problem, fix))
                continue
            try:
                self._codecs[parameter.name] = self._codec(parameter, names)
            except Unfit as unfit:
                self.problems.append(self.problem(f", field {{{parameter.name}}}", *unfit.args))
        if not self.problems and (problem := misfit(self.function, "ctx", **dict.fromkeys(pattern.fields, ""))):
            fields = "".join(f", {name}" for name in pattern.fields)
            fix = f"Write `async def {self.__name__}(ctx: wisp.{self.context}{fields})`"
            self.problems.append(self.problem("", problem, fix))

    def _check_length(self, pattern: Pattern) -> None:
        """Note a mistake if no values are short enough for a custom id."""
        shortest = {name: self._codecs[name].shortest if name in self._codecs else "" for name in pattern.fields}
        try:
            pattern.fill(shortest)
        except Unfit:
            problem = f"it takes more than {limits.CUSTOM_ID[1]} characters, which Discord does not keep"
            if pattern.fields:
                problem += ", whatever its fields hold"
            self.problems.append(self.problem("", problem, "Shorten its names"))

    def _codec(self, parameter: inspect.Parameter, names: Mapping[str, Any]) -> Codec:
        if parameter.annotation is parameter.empty:
            raise Unfit("it has no annotation", f"Say what it is: `{parameter.name}: int`")
        try:
            annotation = resolve_annotation(self.function, parameter.name, names)
        except Exception as error:
            raise Unfit(
                f"its annotation `{parameter.annotation}` means nothing at run time ({error})",
                "Import the name outside `if TYPE_CHECKING:`",
            ) from None
        unpacked = unpack(annotation)
        if foreign := foreign_metadata(unpacked.metadata):
            raise Unfit(*foreign)
        return codec_of(unpacked.bare)


class Component(_ByCustomId, Generic[P, R]):
    """A function that buttons and selects call. It still calls as the function that it was made from.

    `vote.bind(poll_id=7).button("Yes")` is a button that calls it with these values, also after a restart.
    """

    decorator = "component"
    context = "ComponentContext"
    measured_as: Kind = "component"

    def __init__(
        self,
        holder: Owner,
        function: Callable[Concatenate[ComponentContext, P], Awaitable[R]],
        custom_id: str,
        names: Mapping[str, Any],
        settings: ComponentSettings,
        *,
        reserved: bool = False,
    ) -> None:
        super().__init__(holder, function, custom_id, names, reserved=reserved)
        settings, wrong = checked_settings(settings, _COMPONENT_CHECKS, "@component")
        self.ephemeral: bool = settings.get("ephemeral", False)
        self.only: str | None = settings.get("only")
        self.problems.extend(self.problem("", problem, fix) for problem, fix in wrong)
        if self.pattern is not None and self.only not in (None, _ASKER, *self.pattern.fields):
            problem = f'only="{self.only}" is no field of the custom id'
            fix = 'Write only="invoker", or name the field that holds the id of the user who may use it'
            self.problems.append(self.problem("", problem, fix))

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound:
        """The handler with values for its fields, given as the function takes them after the context.

        Raises AnswerError where the custom id takes more than 100 characters, or a value is not of its type.
        """
        return Bound(self.custom_id_of(*args, **kwargs))

    if not TYPE_CHECKING:  # which would take any name then

        def __getattr__(self, name: str) -> Any:
            way_out = f": write .bind(...).{name}(...)" if name in Bound.__dict__ else ""
            raise AttributeError(f"a component has no {name}{way_out}")

    async def arguments(self, ctx: ComponentContext) -> dict[str, Any]:
        """The fields. Raises UserError where it is another's, or was never offered by this version of the bot."""
        fields = self.read(ctx.fields)
        if self.only is not None and _only_user(ctx, fields.get(self.only)) != int(ctx.user.id):
            raise UserError(_NOT_YOURS)
        if not _was_offered(ctx.interaction):
            raise UserError(UNKNOWN)
        return fields


class Modal(_ByCustomId, Generic[P, R]):
    """A function that is called with a form that somebody sent. It still calls as the function that it was made from.

    `feedback.bind(topic="food").custom_id` is what `ctx.respond_with_modal` takes.
    """

    decorator = "modal"
    context = "ModalContext"
    measured_as: Kind = "modal"

    def __init__(
        self,
        holder: Owner,
        function: Callable[Concatenate[ModalContext, P], Awaitable[R]],
        custom_id: str,
        names: Mapping[str, Any],
        settings: ModalSettings,
        *,
        reserved: bool = False,
    ) -> None:
        super().__init__(holder, function, custom_id, names, reserved=reserved)
        settings, wrong = checked_settings(settings, _MODAL_CHECKS, "@modal")
        self.ephemeral: bool = settings.get("ephemeral", False)
        self.problems.extend(self.problem("", problem, fix) for problem, fix in wrong)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> Bound:
        """The handler with values for its fields: `.custom_id` is for the form. Raises as `Component.bind` does."""
        return Bound(self.custom_id_of(*args, **kwargs))

    async def arguments(self, ctx: ModalContext) -> dict[str, Any]:
        """The fields. Raises UserError where they are of another version of the bot."""
        return self.read(ctx.fields)


def _only_user(ctx: ComponentContext, field: object) -> int | None:
    """The id of the one who may use a component: what its field says, else who called for the message."""
    if field is not None:
        return int(str(field)) if str(field).isdecimal() else None
    asked = ctx.interaction.message.interaction_metadata  # None where the message answers nobody
    return None if asked is None else int(asked.user.id)


def _was_offered(interaction: hikari.ComponentInteraction) -> bool:
    """Whether what was selected stood in the select: Discord holds clients to that, and others can ask too."""
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


_MODAL_CHECKS: SettingChecks = {"ephemeral": (is_truth, "True or False")}
_COMPONENT_CHECKS: SettingChecks = {**_MODAL_CHECKS, "only": (is_text, "the name of a field, as a text")}
