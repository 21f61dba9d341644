"""The bot's commands over REST: registering, changing and deleting them, globally or in one guild; permissions."""

from __future__ import annotations

from typing import Any

from wisp.limits import COMMANDS, Violation
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import (
    MISSING_ACCESS,
    NOT_FOR_BOTS,
    UNKNOWN_COMMAND,
    UNKNOWN_COMMAND_PERMISSIONS,
    DiscordError,
    ErrorCode,
    invalid_form,
)
from wisp.sandbox.rest.shapes import DUPLICATE_NAME, command_violations, commands_violations
from wisp.sandbox.world.objects import JSON, Guild, is_list, is_object


def list_commands(call: Call) -> Answer:
    """List the commands of a scope, with their localizations if they are asked for."""
    commands = _commands(call, _scope(call)).values()
    if call.flag("with_localizations"):
        return 200, list(commands)
    return 200, [_without_localizations(command) for command in commands]


def create(call: Call) -> Answer:
    """Register a command; it replaces one with its type and name."""
    guild, command = _scope(call), call.fields.values
    call.fields.refuse_all(command_violations(command))
    call.fields.check()
    existed = _same(call, guild, command) is not None
    if not existed:
        _need_room(call, guild, command.get("type") or 1)
    return 200 if existed else 201, call.world.commands.set(guild, command)


def replace_all(call: Call) -> Answer:
    """Replace all commands of a scope."""
    guild = _scope(call)
    commands: list[Any] = [] if call.body.payload is None else call.body.payload
    if not is_list(commands):
        raise invalid_form(Violation((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
    for kind, limit in COMMANDS.items():
        if sum(is_object(command) and (command.get("type") or 1) == kind for command in commands) > limit:
            raise DiscordError(_too_many(limit))
    if problems := commands_violations(commands):
        raise invalid_form(*problems)
    return 200, call.world.commands.replace(guild, commands)


def get(call: Call) -> Answer:
    """Return a command."""
    return 200, _command(call, _scope(call))


def edit(call: Call) -> Answer:
    """Change some fields of a command."""
    guild = _scope(call)
    old = _command(call, guild)
    command = old | call.fields.values | {"type": old["type"]}
    call.fields.refuse_all(command_violations(command))
    call.fields.check()
    if (same := _same(call, guild, command)) is not None and same is not old:
        raise invalid_form(Violation(("name",), DUPLICATE_NAME, "Application command names must be unique"))
    return 200, call.world.commands.change(guild, int(old["id"]), command)


def delete(call: Call) -> Answer:
    """Delete a command."""
    guild = _scope(call)
    call.world.commands.remove(guild, int(_command(call, guild)["id"]))
    return 204, None


def list_permissions(call: Call) -> Answer:
    """List the overwrites of all commands in a guild, without the commands that have none."""
    guild = _guild(call)
    return 200, call.world.commands.permissions(guild)


def get_permissions(call: Call) -> Answer:
    """Return the overwrites of a command in a guild, or under the id of the application those of all its commands."""
    guild = _guild(call)
    wanted = str(call.path_id("command"))
    found = next((one for one in call.world.commands.permissions(guild) if one["id"] == wanted), None)
    if found is None:
        raise DiscordError(UNKNOWN_COMMAND_PERMISSIONS)
    return 200, found


def set_permissions(call: Call) -> Answer:
    """Refuse to change the overwrites: that takes the token of a user."""
    _guild(call)
    raise DiscordError(NOT_FOR_BOTS)


def _scope(call: Call) -> Guild | None:
    """Return the guild in the path, None for global commands. Raises DiscordError if the bot is not in it."""
    if "guild" in call.path:
        return _guild(call)
    call.check_application()
    return None


def _guild(call: Call) -> Guild:
    """Return the guild in the path. Raises DiscordError if the bot is not in it, or if the application is another."""
    call.check_application()
    guild = call.world.guilds.get(call.path_id("guild"))
    if guild is None or call.world.bot.id not in guild.members:
        raise DiscordError(MISSING_ACCESS)
    return guild


def _commands(call: Call, guild: Guild | None) -> dict[int, JSON]:
    return call.world.commands.get(guild.id if guild else None, {})


def _command(call: Call, guild: Guild | None) -> JSON:
    command = _commands(call, guild).get(call.path_id("command"))
    if command is None:
        raise DiscordError(UNKNOWN_COMMAND)
    return command


def _same(call: Call, guild: Guild | None, command: JSON) -> JSON | None:
    """Return the command with the type and name of this one."""
    key = (command["name"], command.get("type") or 1)
    return next((one for one in _commands(call, guild).values() if (one["name"], one["type"]) == key), None)


def _need_room(call: Call, guild: Guild | None, kind: int) -> None:
    if sum(command["type"] == kind for command in _commands(call, guild).values()) >= COMMANDS[kind]:
        raise DiscordError(_too_many(COMMANDS[kind]))


def _too_many(limit: int) -> ErrorCode:
    return ErrorCode(400, 30032, f"Maximum number of application commands reached ({limit})")


def _without_localizations(value: Any) -> Any:
    if is_object(value):
        return {
            key: _without_localizations(inner)
            for key, inner in value.items()
            if key not in {"name_localizations", "description_localizations"}
        }
    if is_list(value):
        return [_without_localizations(inner) for inner in value]
    return value


_IN_GUILD = "/applications/{application}/guilds/{guild}/commands"

ROUTES = [
    Route("GET", _IN_GUILD + "/permissions", list_permissions),
    Route("GET", _IN_GUILD + "/{command}/permissions", get_permissions),
    Route("PUT", _IN_GUILD + "/{command}/permissions", set_permissions),
] + [
    Route(method, scope + path, handler)
    for scope in ("/applications/{application}/commands", _IN_GUILD)
    for method, path, handler in (
        ("GET", "", list_commands),
        ("POST", "", create),
        ("PUT", "", replace_all),
        ("GET", "/{command}", get),
        ("PATCH", "/{command}", edit),
        ("DELETE", "/{command}", delete),
    )
]
