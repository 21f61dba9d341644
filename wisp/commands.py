"""Commands: slash, user and message commands; what Discord is told of one, and what stands wrong in it."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypedDict, TypeVar, Unpack, overload

import hikari

from . import limits
from .context import Context, GuildContext
from .errors import Problem, UserError
from .guards import Rule, rules_on
from .handlers import Handler
from .inspection import (
    InvalidDefinition,
    SettingChecks,
    checked_settings,
    first_paragraph,
    in_words,
    is_bool,
    is_filled_with,
    is_str,
    maps_to_str,
)
from .locations import caller_locals
from .options import (
    CommandOption,
    Localizations,
    Target,
    check_first,
    check_target,
    localizations,
    read_option,
    read_target,
)

if TYPE_CHECKING:
    from .command_tree import CommandGroup
    from .decorators import Registrar
    from .measures import Kind

P = ParamSpec("P")
R = TypeVar("R")
X = TypeVar("X", bound=Context)

DOCUMENTATION = "https://discord.com/developers/docs/interactions/application-commands"
OUTDATED = "This command has changed since Discord showed it to you. Please try again in a moment."
_SERVER_AND_BOT_DM = (hikari.ApplicationContextType.GUILD, hikari.ApplicationContextType.BOT_DM)


class PlaceSettings(TypedDict, total=False):
    """Where a command is to be found, and by whom: of a command alone, or of a group for all in it."""

    guild_only: bool
    contexts: Sequence[hikari.ApplicationContextType]
    integration_types: Sequence[hikari.ApplicationIntegrationType]
    permissions: hikari.Permissions
    nsfw: bool
    guilds: Sequence[int]


class GroupSettings(PlaceSettings, total=False):
    """What a group takes besides its name and description; `Registrar.group` says what each means."""

    ephemeral: bool
    name_localizations: Localizations
    description_localizations: Localizations


class MenuSettings(PlaceSettings, total=False):
    """What `@bot.user_command(...)` and `@bot.message_command(...)` take."""

    name: str
    ephemeral: bool
    name_localizations: Localizations


class CommandSettings(MenuSettings, total=False):
    """What `@bot.command(...)` takes; it says what each means."""

    description: str
    description_localizations: Localizations


class ApplicationCommand(Handler[P, R]):
    """A command of any kind. `path` is its name, with the groups that it is in before it ("admin", "kick")."""

    kind: hikari.CommandType
    contexts = (Context, GuildContext)
    measured_as: Kind = "command"

    def __init__(
        self, holder: Registrar | CommandGroup, function: Callable[P, Awaitable[R]], settings: CommandSettings
    ) -> None:
        super().__init__(holder, function)
        self.settings: CommandSettings = settings
        self.name: str = settings.get("name") or self.__name__.rstrip("_")
        self.ephemeral: bool = settings.get("ephemeral", holder.ephemeral)

    @property
    def path(self) -> tuple[str, ...]:
        """Its name, with those of the groups that it is in before it."""
        return (*self.holder.path, self.name)

    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """What guards it: its groups, then itself."""
        guilds = sorted(map(int, self.settings.get("guilds", ())))
        # commands of one name can be in different servers
        name = f"{self.label} of {', '.join(map(str, guilds))}" if guilds else self.label
        return [*self.holder.guarded_by(), (name, rules_on(self))]

    @abc.abstractmethod
    def payload(self) -> dict[str, Any]:
        """The command as Discord is told of it, as JSON."""

    def place(self) -> dict[str, Any]:
        """Return where the command is available as JSON: in guilds alone if its context is a GuildContext."""
        is_guild_only = self.is_guild_only and "contexts" not in self.settings
        return place_payload({**self.settings, "guild_only": True} if is_guild_only else self.settings)

    def limit_problem(self, problem: limits.Violation) -> Problem:
        """A limit of Discord's that the payload breaks, in the words of this command."""
        return self.problem("", *limit_words(problem.path, problem))


class Command(ApplicationCommand[P, R]):
    """A slash command, alone or in a group. It still calls as the function that it was made from.

    `name` and `description` are what Discord shows; `parameters` are its options, required ones first.
    """

    kind = hikari.CommandType.SLASH

    def __init__(
        self,
        holder: Registrar | CommandGroup,
        function: Callable[P, Awaitable[R]],
        names: Mapping[str, Any],
        settings: CommandSettings,
    ) -> None:
        settings, wrong = checked_settings(settings, COMMAND_CHECKS, "@command")
        super().__init__(holder, function, settings)
        self.description: str = settings.get("description") or first_paragraph(function)
        for parameter in (self.read_parameters(names, check_first) or ())[1:]:
            try:
                self.parameters.append(read_option(parameter))
            except InvalidDefinition as invalid:
                self.note(invalid.message, invalid.fix, f', option "{parameter.name}"')
        self.parameters.sort(key=lambda option: not option.required)
        for problem, fix in wrong:
            self.note(problem, fix)
        self.by_name: dict[str, CommandOption] = {parameter.name: parameter for parameter in self.parameters}

    @property
    def title(self) -> str:
        """`command "admin kick"`."""
        return f'command "{" ".join(self.path)}"'

    @property
    def label(self) -> str:
        """`/admin kick`."""
        return f"/{' '.join(self.path)}"

    async def arguments(self, ctx: Context) -> dict[str, Any]:
        """Return the options as the function's annotations say. Raises UserError that names all that do not fit."""
        arguments: dict[str, Any] = {}
        refusals: dict[str, UserError] = {}
        for option in ctx.options:
            parameter = self.by_name.get(option.name)
            if parameter is None:
                raise UserError(OUTDATED)
            try:
                value = parameter.read(ctx, option.value)
                arguments[parameter.argument] = await value if type(value) is CoroutineType else value
            except UserError as refusal:
                refusals[option.name] = refusal
        if refusals:
            raise _together(refusals)
        if len(arguments) < len(self.parameters):
            for parameter in self.parameters:
                if parameter.argument not in arguments:
                    if parameter.required:
                        raise UserError(OUTDATED)
                    if parameter.fills_none:
                        arguments[parameter.argument] = None
        return arguments

    def payload(self) -> dict[str, Any]:
        """The command as Discord is told of it, as JSON."""
        return {
            "type": int(self.kind),
            **self.texts(),
            "options": [parameter.payload for parameter in self.parameters],
            **self.place(),
        }

    def texts(self) -> dict[str, Any]:
        """Name and description as JSON, with their localizations."""
        return text_payload(self.name, self.description, self.settings)

    def check(self) -> list[Problem]:
        """All that is wrong with the command alone, remarks included."""
        found = super().check()
        found += place_problems(self.settings, self.problem)
        if not self.description:
            fix = 'Write a docstring, or description="..."'
            found.append(self.problem("", "it has no description; its name is shown instead", fix, is_warning=True))
        if bare := [parameter.name for parameter in self.parameters if not parameter.described]:
            of = f", option{'s' if len(bare) > 1 else ''} {', '.join(bare)}"
            problem = "no description; the name is shown instead"
            found.append(
                self.problem(of, problem, 'Write `Annotated[..., wisp.Option("what it is")]`', is_warning=True)
            )
        return found

    def limit_problem(self, problem: limits.Violation) -> Problem:
        """A limit of Discord's that the payload breaks, in the words of this command or of its option."""
        keys = problem.path
        if keys[:1] == ("options",) and len(keys) > 1 and int(keys[1]) < len(self.parameters):
            of = f', option "{self.parameters[int(keys[1])].name}"'
            return self.problem(of, *limit_words(keys[2:], problem))
        return super().limit_problem(problem)


class MenuCommand(ApplicationCommand[P, R]):
    """A command in the menu of a user or a message. It still calls as the function that it was made from."""

    def __init__(
        self,
        kind: hikari.CommandType,
        holder: Registrar,
        function: Callable[P, Awaitable[R]],
        names: Mapping[str, Any],
        settings: MenuSettings,
    ) -> None:
        decorator = "@user_command" if kind is hikari.CommandType.USER else "@message_command"
        settings, wrong = checked_settings(settings, _MENU_CHECKS, decorator)
        # a menu shows names as they are
        shown = in_words(getattr(function, "__name__", type(function).__name__).rstrip("_"))
        super().__init__(holder, function, {"name": shown, **settings})
        self.kind: hikari.CommandType = kind
        self._target: Target | None = None
        if parameters := self.read_parameters(names, lambda parameters: check_target(parameters, kind)):
            try:
                self._target = read_target(parameters[1], kind)
            except InvalidDefinition as invalid:
                self.note(invalid.message, invalid.fix)
        for problem, fix in wrong:
            self.note(problem, fix)

    @property
    def title(self) -> str:
        """`user command "Who"`."""
        return f'{"user" if self.kind is hikari.CommandType.USER else "message"} command "{self.name}"'

    async def arguments(self, ctx: Context) -> dict[str, Any]:
        """What the menu was opened on. Raises UserError where that is gone."""
        if self._target is None:
            return {}
        value = self._target.read(ctx, ctx.interaction.target_id)
        return {self._target.argument: await value if inspect.isawaitable(value) else value}

    def payload(self) -> dict[str, Any]:
        """The command as Discord is told of it, as JSON."""
        names = localizations(self.settings.get("name_localizations")) or None
        return {
            "type": int(self.kind),
            "name": self.name,
            "name_localizations": names,
            "options": list[Any](),
            **self.place(),
        }

    def check(self) -> list[Problem]:
        """All that is wrong with the command alone, remarks included."""
        return super().check() + place_problems(self.settings, self.problem)


class CommandHolder(abc.ABC):
    """Something that slash commands are put into: a bot, a module, a group."""

    @property
    @abc.abstractmethod
    def ephemeral(self) -> bool:
        """Whether answers of its commands are private unless they say otherwise."""

    @property
    @abc.abstractmethod
    def path(self) -> tuple[str, ...]:
        """The names of the groups above its commands."""

    @property
    @abc.abstractmethod
    def owner(self) -> Registrar:
        """The bot or module that its commands belong to."""

    @abc.abstractmethod
    def guarded_by(self) -> list[tuple[str, tuple[Rule, ...]]]:
        """What guards its commands, the outermost first, by names that tell their limits apart."""

    @abc.abstractmethod
    def add_command(self, function: Callable[..., Awaitable[Any]], names: Mapping[str, Any], settings: Any) -> Any:
        """Make a command of `function` and take it in."""

    @overload
    def command(self, function: Callable[Concatenate[X, P], Awaitable[R]], /) -> Command[Concatenate[X, P], R]: ...

    @overload
    def command(
        self, /, **settings: Unpack[CommandSettings]
    ) -> Callable[[Callable[Concatenate[X, P], Awaitable[R]]], Command[Concatenate[X, P], R]]: ...

    def command(
        self, function: Callable[..., Awaitable[Any]] | None = None, /, **settings: Unpack[CommandSettings]
    ) -> Any:
        """Make a slash command of `async def name(ctx, ...)`: with arguments or without, as a decorator or a call.

        The function's name is the command's, its docstring's first paragraph the description, its annotated
        parameters the options (see `wisp.Option`), and what it returns (`str`, `hikari.Embed`, None) the reply.

        - `name` and `description` replace what the function says.
        - `ephemeral`: answers and deferrals are private unless they say otherwise.
        - `guild_only`, or `contexts`: where it can be used; in servers and in the bot's direct messages, unless told.
        - `integration_types`: how the app must be installed; to a server, unless told.
        - `permissions`: what a member needs by default; left out, everybody may, `hikari.Permissions.NONE` only
          administrators. A server can change that for itself.
        - `nsfw`: only where age-restricted things are allowed.
        - `guilds`: ids of the only servers that it is registered in.
        - localizations map a locale ("de", `hikari.Locale.DE`) to a text.

        In a group, all of these that say where and for whom (from `guild_only` to `guilds`) are the group's.

        Mistakes are not raised here: all of a bot's are reported at once before it connects.
        """

        def register(function: Callable[..., Awaitable[Any]]) -> Any:
            return self.add_command(function, caller_locals(function), settings)

        return register if function is None else register(function)


def _together(refusals: Mapping[str, UserError]) -> UserError:
    """Return one refusal for several options: the only one in its own words, or each by the option's name."""
    if len(refusals) == 1:
        return next(iter(refusals.values()))
    lines = [f"`{name}`: {refusal}" for name, refusal in refusals.items()]
    return UserError("\n".join(lines)[: limits.CONTENT])


# ---- payloads ----


def text_payload(name: str, description: str, settings: GroupSettings | CommandSettings) -> dict[str, Any]:
    """Name and description as JSON, with their localizations; without a description, the name in words."""
    return {
        "name": name,
        "name_localizations": localizations(settings.get("name_localizations")) or None,
        "description": description or in_words(name),
        "description_localizations": localizations(settings.get("description_localizations")) or None,
    }


def place_payload(settings: PlaceSettings) -> dict[str, Any]:
    """Where a command is to be found, and by whom, as JSON."""
    guild_only = settings.get("guild_only", False)
    contexts = (hikari.ApplicationContextType.GUILD,) if guild_only else settings.get("contexts")
    installs = settings.get("integration_types") or (hikari.ApplicationIntegrationType.GUILD_INSTALL,)
    permissions = settings.get("permissions")
    return {
        # None lets everybody, 0 lets nobody (but administrators), by default
        "default_member_permissions": None if permissions is None else str(int(permissions)),
        "nsfw": settings.get("nsfw", False),
        "contexts": sorted({int(context) for context in contexts or _SERVER_AND_BOT_DM}),
        "integration_types": sorted({int(install) for install in installs}),
    }


# ---- what can be wrong ----


def place_problems(settings: PlaceSettings, mistake: Callable[[str, str, str], Problem]) -> list[Problem]:
    """What is wrong with the settings of a place together."""
    if settings.get("guild_only") and settings.get("contexts") is not None:
        return [mistake("", "it has both guild_only= and contexts=", "Keep one of them")]
    return []


def limit_words(path: Sequence[str | int], problem: limits.Violation) -> tuple[str, str]:
    """A limit that is broken at `path`: (problem, fix)."""
    about = f"{'.'.join(map(str, path))}: " if path else ""
    got = f" (got {problem.got})" if problem.got else ""
    return f"{about}{problem.message.rstrip('.')}{got}", f"See {DOCUMENTATION}"


# what each setting must be, and the words for it
PLACE_CHECKS: SettingChecks = {
    "guild_only": (is_bool, "True or False"),
    "contexts": (is_filled_with(hikari.ApplicationContextType), "a filled list of hikari.ApplicationContextType"),
    "integration_types": (
        is_filled_with(hikari.ApplicationIntegrationType),
        "a filled list of hikari.ApplicationIntegrationType",
    ),
    "permissions": (lambda value: isinstance(value, hikari.Permissions), "hikari.Permissions"),
    "nsfw": (is_bool, "True or False"),
    "guilds": (is_filled_with(int), "a filled list of server ids (left out: everywhere)"),
}
_MENU_CHECKS: SettingChecks = {
    "name": (is_str, "a text"),
    "ephemeral": (is_bool, "True or False"),
    **PLACE_CHECKS,
    "name_localizations": (maps_to_str, 'a mapping like {"de": "hallo"}'),
}
COMMAND_CHECKS: SettingChecks = {
    "description": (is_str, "a text"),
    **_MENU_CHECKS,
    "description_localizations": (maps_to_str, 'a mapping like {"de": "Sagt hallo"}'),
}
GROUP_CHECKS: SettingChecks = {
    name: check for name, check in COMMAND_CHECKS.items() if name not in ("name", "description")
}
