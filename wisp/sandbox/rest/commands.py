"""The bot's commands over REST: registering, changing and removing them, everywhere or in one guild."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from wisp.limits import COMMANDS, Violation
from wisp.sandbox.rest.call import Answer, Lookups, Route, wanted
from wisp.sandbox.rest.errors import (
    MISSING_ACCESS,
    NOT_THIS_APPLICATION,
    UNKNOWN_COMMAND,
    Reason,
    Refusal,
    invalid_form,
)
from wisp.sandbox.rest.forms import path_id, read_form
from wisp.sandbox.rest.payload_limits import DUPLICATE_NAME, command_violations, commands_violations
from wisp.sandbox.world.objects import JSON, Guild, is_list, is_object


class Registrations(Lookups):
    """The routes of application commands."""

    def routes(self) -> list[Route]:
        """Their rows of the table."""
        return [
            Route(method, root + path, handler)
            for root in (
                "/applications/{application}/commands",
                "/applications/{application}/guilds/{guild}/commands",
            )
            for method, path, handler in (
                ("GET", "", self.list_commands),
                ("POST", "", self.create_command),
                ("PUT", "", self.replace_commands),
                ("GET", "/{command}", self.get_command),
                ("PATCH", "/{command}", self.edit_command),
                ("DELETE", "/{command}", self.delete_command),
            )
        ]

    async def list_commands(self, request: web.Request) -> Answer:
        """A scope's commands, with their localizations where asked for."""
        commands = self._commands(self._scope(request)).values()
        if wanted(request, "with_localizations"):
            return 200, list(commands)
        return 200, [_without_localizations(command) for command in commands]

    async def create_command(self, request: web.Request) -> Answer:
        """Register a command, in the place of one with its type and name."""
        guild = self._scope(request)
        command = (await read_form(request)).object()
        _refuse(command_violations(command))
        existed = self._same_command(guild, command) is not None
        if not existed:
            self._refuse_one_more(guild, command.get("type") or 1)
        return 200 if existed else 201, self.world.set_command(guild, command)

    async def replace_commands(self, request: web.Request) -> Answer:
        """Make the commands of a scope exactly these."""
        guild = self._scope(request)
        payload = (await read_form(request)).payload
        commands: list[Any] = [] if payload is None else payload
        if not is_list(commands):
            raise invalid_form(Violation((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
        for kind, limit in COMMANDS.items():
            if sum(is_object(command) and (command.get("type") or 1) == kind for command in commands) > limit:
                raise Refusal(_too_many_commands(limit))
        _refuse(commands_violations(commands))
        return 200, self.world.replace_commands(guild, commands)

    async def get_command(self, request: web.Request) -> Answer:
        """One command."""
        return 200, self._command(request)

    async def edit_command(self, request: web.Request) -> Answer:
        """Change some fields of a command."""
        old = self._command(request)
        guild = self._scope(request)
        changes = (await read_form(request)).object()
        command = old | changes | {"type": old["type"]}
        _refuse(command_violations(command))
        if (same := self._same_command(guild, command)) is not None and same is not old:
            raise invalid_form(Violation(("name",), DUPLICATE_NAME, "Application command names must be unique"))
        return 200, self.world.change_command(guild, int(old["id"]), command)

    async def delete_command(self, request: web.Request) -> Answer:
        """Remove a command."""
        self.world.remove_command(self._scope(request), int(self._command(request)["id"]))
        return 204, None

    def _scope(self, request: web.Request) -> Guild | None:
        """The guild of a route for commands, None for global ones. Raises `Refusal` where it is not ours."""
        if path_id(request, "application") != self.world.application:
            raise Refusal(NOT_THIS_APPLICATION)
        if "guild" not in request.match_info:
            return None
        guild = self.world.guilds.get(path_id(request, "guild"))
        if guild is None or self.world.bot.id not in guild.members:
            raise Refusal(MISSING_ACCESS)
        return guild

    def _commands(self, guild: Guild | None) -> dict[int, JSON]:
        return self.world.commands.get(guild.id if guild else None, {})

    def _command(self, request: web.Request) -> JSON:
        command = self._commands(self._scope(request)).get(path_id(request, "command"))
        if command is None:
            raise Refusal(UNKNOWN_COMMAND)
        return command

    def _same_command(self, guild: Guild | None, command: JSON) -> JSON | None:
        key = (command["name"], command.get("type") or 1)
        return next((o for o in self._commands(guild).values() if (o["name"], o["type"]) == key), None)

    def _refuse_one_more(self, guild: Guild | None, kind: int) -> None:
        limit = COMMANDS[kind]
        if sum(command["type"] == kind for command in self._commands(guild).values()) >= limit:
            raise Refusal(_too_many_commands(limit))


def _refuse(problems: Iterable[Violation]) -> None:
    if found := list(problems):
        raise invalid_form(*found)


def _too_many_commands(limit: int) -> Reason:
    return Reason(400, 30032, f"Maximum number of application commands reached ({limit})")


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
