"""Commands: slash, user and message commands and groups, their payloads, and what is wrong in them."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, TypedDict, TypeVar, Unpack, overload

import hikari

from .context import Context, GuildContext
from .errors import Problem, UserError, WispError
from .guards import Rule, rule_problems, rules_on
from .handlers import Contexts, Handler
from .inspection import (
    InvalidDefinition,
    Parameter,
    SettingChecks,
    checked_settings,
    first_paragraph,
    in_words,
    is_bool,
    is_filled_with,
    is_str,
    maps_to_str,
)
from .locations import caller_locals, place_of_caller
from .methods import Method, OnMethods, Registration
from .options import (
    CommandOption,
    Localizations,
    Target,
    check_first,
    localizations,
    read_option,
    read_target,
)
from .owner import Owner, unattached

if TYPE_CHECKING:
    from .instrumentation import Kind

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="PlaceSettings")
T = TypeVar("T")

OUTDATED = "This command has changed since Discord showed it to you. Please try again in a moment."
_SERVER_AND_BOT_DM = (hikari.ApplicationContextType.GUILD, hikari.ApplicationContextType.BOT_DM)


class PlaceSettings(TypedDict, total=False):
    """Where and by whom a command can be used. In a group, these settings are the group's."""

    guild_only: bool
    contexts: Sequence[hikari.ApplicationContextType]
    integration_types: Sequence[hikari.ApplicationIntegrationType]
    permissions: hikari.Permissions
    nsfw: bool
    guilds: Sequence[int]


class GroupSettings(PlaceSettings, total=False):
    """What a group takes besides its name and description; `bot.command` says what each means."""

    ephemeral: bool
    name_localizations: Localizations
    description_localizations: Localizations


class MenuSettings(PlaceSettings, total=False):
    """What `@bot.user_command(...)` and `@bot.message_command(...)` take."""

    name: str
    ephemeral: bool
    name_localizations: Localizations


class CommandSettings(MenuSettings, total=False):
    """What `@bot.command(...)` takes."""

    description: str
    description_localizations: Localizations


class ApplicationCommand(Handler[P, R]):
    """A command of any kind. `path` is its name, preceded by those of its groups ("admin", "kick")."""

    contexts: ClassVar[Contexts] = (Context, GuildContext)
    measured_as: Kind = "command"
    description: str = ""

    def __init__(
        self,
        kind: hikari.CommandType,
        holder: Owner | CommandGroup,
        function: Callable[P, Awaitable[R]],
        settings: CommandSettings,
    ) -> None:
        super().__init__(holder, function)
        self.kind: hikari.CommandType = kind
        self.group: CommandGroup | None = holder if isinstance(holder, CommandGroup) else None
        decorator, known = _DECORATORS[kind]
        self.settings: CommandSettings
        self.settings, wrong = _read_settings(settings, known, decorator)
        name = self.__name__.rstrip("_")
        # a menu shows names as they are
        self.name: str = self.settings.get("name") or (name if kind is hikari.CommandType.SLASH else in_words(name))
        self.path: tuple[str, ...] = (*(self.group.path if self.group else ()), self.name)
        self.ephemeral: bool = self.settings.get("ephemeral", self.group.ephemeral if self.group else False)
        for message, fix in wrong:
            self.note(message, fix)

    @property
    def owner(self) -> Owner:
        """The bot or module that it belongs to. Raises WispError if its group was given to none yet."""
        return self.group.owner if self.group else super().owner

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """Return its guards, those of its groups first, with names that tell their limits apart."""
        guilds = sorted(map(int, self.settings.get("guilds", ())))
        # commands of one name can be in different guilds
        name = f"{self.label} of {', '.join(map(str, guilds))}" if guilds else self.label
        return [*(self.group.guarded_by() if self.group else ()), (name, rules_on(self))]

    def payload(self) -> dict[str, Any]:
        """Return the JSON that registers the command."""
        texts = text_payload(self.name, self.description, self.settings)
        if self.kind is not hikari.CommandType.SLASH:  # menus have no descriptions
            texts = {name: texts[name] for name in ("name", "name_localizations")}
        is_guild_only = self.is_guild_only and "contexts" not in self.settings
        place = place_payload({**self.settings, "guild_only": True} if is_guild_only else self.settings)
        options = [parameter.payload for parameter in self.parameters]
        return {"type": int(self.kind), **texts, "options": options, **place}


class Command(ApplicationCommand[P, R]):
    """A slash command, alone or in a group. Calling it calls the function that it was made from.

    `name` and `description` are what Discord shows; `parameters` are its options, required ones first.
    """

    def __init__(
        self,
        holder: Owner | CommandGroup,
        function: Callable[P, Awaitable[R]],
        names: Mapping[str, Any],
        settings: CommandSettings,
    ) -> None:
        super().__init__(hikari.CommandType.SLASH, holder, function, settings)
        self.description: str = self.settings.get("description") or first_paragraph(function)
        for parameter in (self.read_parameters(names, check_first) or ())[1:]:
            try:
                self.parameters.append(read_option(parameter))
            except InvalidDefinition as invalid:
                self.note(invalid.message, invalid.fix, f', option "{parameter.name}"')
        self.parameters.sort(key=lambda option: not option.required)
        self._note_missing_descriptions()
        self.by_name: dict[str, CommandOption] = {parameter.name: parameter for parameter in self.parameters}

    @property
    def title(self) -> str:
        """`command "admin kick"`."""
        return f'command "{" ".join(self.path)}"'

    @property
    def label(self) -> str:
        """`/admin kick`."""
        return f"/{' '.join(self.path)}"

    def _note_missing_descriptions(self) -> None:
        if not self.description:
            fix = 'Write a docstring, or description="..."'
            self.note("it has no description; its name is shown instead", fix, is_warning=True)
        if bare := [parameter.name for parameter in self.parameters if not parameter.described]:
            fix = 'Write `Annotated[..., wisp.Option("what it is")]`'
            of = f", option{'s' if len(bare) > 1 else ''} {', '.join(bare)}"
            self.note("no description; the name is shown instead", fix, of, is_warning=True)

    async def arguments(self, ctx: Context) -> dict[str, Any]:
        """Return the options, converted to the annotations. Raises UserError if one does not fit."""
        arguments: dict[str, Any] = {}
        for option in ctx.options:
            parameter = self.by_name.get(option.name)
            if parameter is None or parameter.type != option.type:
                raise UserError(OUTDATED)
            value = parameter.read(ctx, option.value)
            arguments[parameter.argument] = await value if type(value) is CoroutineType else value
        for parameter in self.parameters:
            if parameter.argument not in arguments:
                if parameter.required:
                    raise UserError(OUTDATED)
                if parameter.fills_none:
                    arguments[parameter.argument] = None
        return arguments


class MenuCommand(ApplicationCommand[P, R]):
    """A command in the menu of a user or a message. Calling it calls the function that it was made from."""

    def __init__(
        self,
        kind: hikari.CommandType,
        owner: Owner,
        function: Callable[P, Awaitable[R]],
        names: Mapping[str, Any],
        settings: MenuSettings,
    ) -> None:
        super().__init__(kind, owner, function, {**settings})
        self._target: Target | None = None
        self.read_parameters(names, self._read_target)

    def _read_target(self, parameters: list[Parameter]) -> None:
        self._target = read_target(parameters, self.kind)

    @property
    def title(self) -> str:
        """`user command "Who"`."""
        return f'{"user" if self.kind is hikari.CommandType.USER else "message"} command "{self.name}"'

    async def arguments(self, ctx: Context) -> dict[str, Any]:
        """Return the user or message that the menu was opened on. Raises UserError if it is gone."""
        if self._target is None:
            return {}
        value = self._target.read(ctx, ctx.interaction.target_id)
        return {self._target.argument: await value if inspect.isawaitable(value) else value}


if TYPE_CHECKING:
    CommandFunction = Callable[Concatenate[GuildContext, P], Awaitable[R]]
    CommandMethod = Callable[Concatenate[Any, GuildContext, P], Awaitable[R]]
    SlashCommand = Command[Concatenate[Context, P], R]


class CommandDecorator:
    """The decorator `@command` of bots, modules and groups, and of methods as `@wisp.command`."""

    @overload
    def command(self: OnMethods, function: CommandMethod[P, R], /) -> Method[SlashCommand[P, R]]: ...

    @overload
    def command(
        self: OnMethods, /, **settings: Unpack[CommandSettings]
    ) -> Callable[[CommandMethod[P, R]], Method[SlashCommand[P, R]]]: ...

    @overload
    def command(self: CommandOwner | CommandGroup, function: CommandFunction[P, R], /) -> SlashCommand[P, R]: ...

    @overload
    def command(
        self: CommandOwner | CommandGroup, /, **settings: Unpack[CommandSettings]
    ) -> Callable[[CommandFunction[P, R]], SlashCommand[P, R]]: ...

    def command(
        self: Any, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[CommandSettings]
    ) -> Any:
        """Make a slash command of `async def name(ctx, ...)`, with or without settings: `@bot.command(name="hi")`.

        The function's name is the command's name, the first paragraph of its docstring the description, and its
        annotated parameters are the options (see `wisp.Option`). What it returns (`str`, `hikari.Embed`, None) is the
        reply.

        - `name` and `description` replace those of the function.
        - `ephemeral`: responses and deferrals are private unless they say otherwise.
        - `guild_only` or `contexts`: where it can be used. The default is guilds and the bot's direct messages.
        - `integration_types`: how the app must be installed. The default is to a guild.
        - `permissions`: what a member needs by default. Without it everyone can use the command; with
          `hikari.Permissions.NONE` only administrators can. A guild can change that for itself.
        - `nsfw`: only in age-restricted channels.
        - `guilds`: ids of the only guilds that it is registered in.
        - localizations map a locale ("de", `hikari.Locale.DE`) to a str.

        In a group, all settings from `guild_only` to `guilds` belong to the group.

        Problems are not raised here: all problems of a bot are reported at once before it connects.
        """

        def register(
            holder: Any, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any]
        ) -> Command[..., Any]:
            return holder.add(holder.commands, Command(holder, function, names, settings))

        return self.decorate("command", register, function)

    def decorate(self, name: str, register: Registration, function: object = None) -> Any:
        """Return the decorator of this name, which registers a function; its result if the function is given."""

        def apply(function: Callable[..., Any]) -> Any:
            return register(self, function, caller_locals(function))

        return apply(function) if callable(function) else apply


class CommandGroup(CommandDecorator):
    """Slash commands under one name: "/admin kick" and "/admin ban" of the group "admin".

    `create_group(bot)` gives it to a bot or module; `bot.group(...)` makes one that has been given. `@group.command`
    takes what `@bot.command` takes. The settings that say where and by whom commands can be used (`guild_only` or
    `contexts`, `permissions`, `integration_types`, `nsfw`, `guilds`) are given to the group, for all its commands.
    `ephemeral` is the default of its commands. Guards around the group (`wisp.require_admin(group)`) guard all of them.

    Several owners can define the same group: Discord shows all their commands in it.
    """

    def __init__(self, name: str, description: str = "", **settings: Unpack[GroupSettings]) -> None:
        self.file: str | None
        self.line: int
        self.file, self.line = place_of_caller()
        self.name: str = name
        self.description: str = description
        self.settings: GroupSettings
        self.settings, self._wrong_settings = _read_settings(settings, GroupSettings, "a group")
        self.path: tuple[str, ...] = (name,)
        self.ephemeral: bool = self.settings.get("ephemeral", False)
        self.parent: CommandGroup | None = None
        self.commands: list[Command[..., Any]] = []
        self.groups: list[CommandGroup] = []
        self._owner: CommandOwner | None = None
        message = "it is not attached to a bot, so its commands are not registered"
        unattached[self] = self.problem("", message, "Call its create_group(bot), or make it with bot.group(...)")

    @property
    def owner(self) -> Owner:
        """The bot or module that it was given to. Raises WispError before that."""
        top = self.parent or self
        if top._owner is None:
            raise WispError(f'group "{top.name}" belongs to no bot yet: call group.create_group(bot)')
        return top._owner

    def create_group(self, owner: CommandOwner) -> CommandGroup:
        """Give the group, with all that is or will be in it, to a bot or module, and return the group.

        Raises WispError if it was given already, or has a parent.
        """
        if self.parent is not None:
            raise WispError(f'"{self.name}" is part of the group "{self.parent.name}": give that to the bot')
        if self._owner is not None and not self._owner.is_unloading:
            raise WispError(f'group "{self.name}" was given to a bot already')
        owner.add(owner.groups, self)
        self._owner = owner
        unattached.pop(self, None)
        return self

    def group(self, name: str, description: str = "", **settings: Unpack[GroupSettings]) -> CommandGroup:
        """Make a group within this one: "/admin roles add". Discord has one level of them.

        Raises WispError if this group has a parent.
        """
        if self.parent is not None:
            raise WispError(f'"/{" ".join(self.path)}" is a group in a group already: Discord has no deeper level')
        group = CommandGroup(name, description, **settings)
        group.parent, group.path = self, (*self.path, name)
        group.ephemeral = group.settings.get("ephemeral", self.ephemeral)
        unattached.pop(group, None)
        return self.add(self.groups, group)

    def add(self, parts: list[T], part: T) -> T:
        """Record a command or group in a list of the group. Raises WispError if its owner has been set up."""
        owner = (self.parent or self)._owner
        if owner is not None:
            owner.ensure_open()
        parts.append(part)
        return part

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """Return the guards of its commands, the outermost first, with names that tell their limits apart."""
        outer = self.parent.guarded_by() if self.parent else []
        return [*outer, (f"group {' '.join(self.path)}", rules_on(self))]

    def all_commands(self) -> list[Command[..., Any]]:
        """Return its commands and those of the groups in it."""
        return [*self.commands, *(command for group in self.groups for command in group.commands)]

    def problem(self, of: str, message: str, fix: str) -> Problem:
        """Return a problem of the group. `of` names a part of it ("" for the whole group)."""
        return Problem(f'group "{" ".join(self.path)}"{of}', message, fix, file=self.file, line=self.line)

    def check(self) -> list[Problem]:
        """Return the problems and warnings of the group and of each part of it."""
        found = [self.problem("", problem, fix) for problem, fix in self._wrong_settings]
        found += rule_problems(rules_on(self), self.problem)
        for part in (*self.commands, *self.groups):
            found += part.check()
            for name in PlaceSettings.__annotations__.keys() & part.settings.keys():
                message = f"{name}= is for the whole group, and is set on a part of it"
                found.append(part.problem("", message, f"Give it to the group {self.path[0]}"))
        return found


class CommandOwner(CommandDecorator, Owner, abc.ABC):
    """A bot or module, with its commands and groups."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[ApplicationCommand[..., Any]] = []
        self.groups: list[CommandGroup] = []

    def add(self, parts: list[T], part: T) -> T:
        """Record a part in one of the lists of the owner, and return it. Raises WispError if it is too late."""
        self.ensure_open()
        parts.append(part)
        return part

    @abc.abstractmethod
    def ensure_open(self) -> None:
        """Raise WispError if it is too late to register anything."""


# ---- payloads ----


def text_payload(name: str, description: str, settings: GroupSettings | CommandSettings) -> dict[str, Any]:
    """Return name and description as JSON, with their localizations. The default description is the name in words."""
    return {
        "name": name,
        "name_localizations": localizations(settings.get("name_localizations")) or None,
        "description": description or in_words(name),
        "description_localizations": localizations(settings.get("description_localizations")) or None,
    }


def place_payload(settings: PlaceSettings) -> dict[str, Any]:
    """Return where and by whom a command can be used, as JSON."""
    guild_only = settings.get("guild_only", False)
    contexts = (hikari.ApplicationContextType.GUILD,) if guild_only else settings.get("contexts")
    installs = settings.get("integration_types") or (hikari.ApplicationIntegrationType.GUILD_INSTALL,)
    permissions = settings.get("permissions")
    return {
        # the default of Discord: None lets everyone use it, 0 only administrators
        "default_member_permissions": None if permissions is None else str(int(permissions)),
        "nsfw": settings.get("nsfw", False),
        "contexts": sorted({int(context) for context in contexts or _SERVER_AND_BOT_DM}),
        "integration_types": sorted({int(install) for install in installs}),
    }


# ---- what can be wrong ----


def _read_settings(settings: S, known: type[PlaceSettings], decorator: str) -> tuple[S, list[tuple[str, str]]]:
    """Return the settings that can be used, and (message, fix) of each that cannot."""
    checks = {name: _CHECKS[name] for name in known.__annotations__}
    settings, wrong = checked_settings(settings, checks, decorator)
    if settings.get("guild_only") and settings.get("contexts") is not None:
        wrong.append(("it has both guild_only= and contexts=", "Keep one of them"))
    return settings, wrong


_CHECKS: SettingChecks = {
    "name": (is_str, "a str"),
    "description": (is_str, "a str"),
    "ephemeral": (is_bool, "True or False"),
    "guild_only": (is_bool, "True or False"),
    "contexts": (is_filled_with(hikari.ApplicationContextType), "a non-empty list of hikari.ApplicationContextType"),
    "integration_types": (
        is_filled_with(hikari.ApplicationIntegrationType),
        "a non-empty list of hikari.ApplicationIntegrationType",
    ),
    "permissions": (lambda value: isinstance(value, hikari.Permissions), "hikari.Permissions"),
    "nsfw": (is_bool, "True or False"),
    "guilds": (is_filled_with(int), "a non-empty list of guild ids (leave it out for all guilds)"),
    "name_localizations": (maps_to_str, 'a mapping like {"de": "hallo"}'),
    "description_localizations": (maps_to_str, 'a mapping like {"de": "Sagt hallo"}'),
}

_DECORATORS: dict[hikari.CommandType, tuple[str, type[PlaceSettings]]] = {
    hikari.CommandType.SLASH: ("@command", CommandSettings),
    hikari.CommandType.USER: ("@user_command", MenuSettings),
    hikari.CommandType.MESSAGE: ("@message_command", MenuSettings),
}
