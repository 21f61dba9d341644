"""Registration: Discord's list of the bot's commands is brought up to date, sending only what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import hikari

from . import bridge
from .errors import Mistake, Mistakes

if TYPE_CHECKING:
    from .groups import Root
    from .services import Database

# One command a call: at most this many. Discord counts creations (200 a day and scope) and allows a handful of
# such calls in a row, so what is more goes in one call that replaces the whole scope.
# https://discord.com/developers/docs/interactions/application-commands#registering-a-command
_ONE_BY_ONE = 4

# slash, user and message commands; an Activity's entry point (4) is not ours to touch
_KINDS = (1, 2, 3)

Key = tuple[int, str]
"""A command's type and name: what makes it one in its scope."""


class Wanted:
    """One command as it should be: its JSON, and the command to name where Discord refuses it.

    `command` is None for one of lightbulb's; `where` says where it stands.
    """

    __slots__ = ("command", "payload", "where")

    def __init__(self, payload: dict[str, Any], command: Root | None) -> None:
        self.where: str = f"{command.first.file}:{command.first.line}" if command else "registered with lightbulb"
        self.payload: dict[str, Any] = payload
        self.command: Root | None = command

    @property
    def key(self) -> Key:
        """Its type and name."""
        return _key(self.payload)


class Changes:
    """What one registration sent: names of commands created, updated and deleted, over all scopes."""

    def __init__(self) -> None:
        self.created: list[str] = []
        self.updated: list[str] = []
        self.deleted: list[str] = []

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {word}"
            for word, names in (("created", self.created), ("updated", self.updated), ("deleted", self.deleted))
            if names
        ]
        return ", ".join(parts) or "nothing changed"


async def bring_up_to_date(
    rest: hikari.api.RESTClient, application: int, wanted: Mapping[int | None, list[Wanted]]
) -> Changes:
    """Make Discord's commands those of `wanted`: guild id (None is everywhere) to the commands of that scope.

    A scope that is wanted empty is emptied; a scope that is not named is left alone. Raises Mistakes with the
    command's file and line where Discord refuses a command.
    """
    changes = Changes()
    if twice := [mistake for commands in wanted.values() for mistake in _of_one_name(commands)]:
        raise Mistakes(twice)
    for guild, commands in wanted.items():
        try:
            await _bring_scope_up_to_date(rest, application, guild, commands, changes)
        except (hikari.ForbiddenError, hikari.NotFoundError) as error:
            if guild is None:
                raise
            if commands:
                raise _unreachable(guild, commands, error) from error
            # a server that the bot has left keeps no commands of it
    return changes


def _of_one_name(commands: list[Wanted]) -> Iterable[Mistake]:
    """Two commands of one kind and name in one scope, which would replace each other for ever."""
    first: dict[Key, Wanted] = {}
    for command in commands:
        other = first.setdefault(command.key, command)
        if other is not command:
            problem = f'another command is called "{command.payload["name"]}" ({other.where})'
            yield _mistake(command.command, problem, "Rename one of them")


async def _bring_scope_up_to_date(
    rest: hikari.api.RESTClient, application: int, guild: int | None, wanted: list[Wanted], changes: Changes
) -> None:
    everything = await bridge.fetch_commands(rest, application, guild)
    existing = {_key(payload): payload for payload in everything if _key(payload)[0] in _KINDS}
    new = [command for command in wanted if command.key not in existing]
    changed = [
        command
        for command in wanted
        if command.key in existing and _comparable(command.payload, guild) != _comparable(existing[command.key], guild)
    ]
    gone = existing.keys() - {command.key for command in wanted}
    if len(new) + len(changed) + len(gone) > _ONE_BY_ONE:
        kept = [payload for payload in everything if _key(payload)[0] not in _KINDS]
        await _replace_all(rest, application, guild, wanted, kept)
    else:
        # what goes makes room first: a scope can be full
        for key in gone:
            await bridge.delete_command(rest, application, guild, int(existing[key]["id"]))
        for command in (*new, *changed):
            await _send(rest, application, guild, command)
    changes.created += [command.payload["name"] for command in new]
    changes.updated += [command.payload["name"] for command in changed]
    changes.deleted += [name for _, name in gone]


async def _send(rest: hikari.api.RESTClient, application: int, guild: int | None, wanted: Wanted) -> None:
    try:
        await bridge.post_command(rest, application, guild, wanted.payload)
    except hikari.BadRequestError as error:
        raise Mistakes(list(_refusals(wanted, error.errors or {}, error.message))) from error


async def _replace_all(
    rest: hikari.api.RESTClient, application: int, guild: int | None, wanted: list[Wanted], kept: list[dict[str, Any]]
) -> None:
    try:
        await bridge.put_commands(rest, application, guild, [*(command.payload for command in wanted), *kept])
    except hikari.BadRequestError as error:
        mistakes = [
            mistake
            for index, errors in (error.errors or {}).items()
            if index.isdecimal() and int(index) < len(wanted)
            for mistake in _refusals(wanted[int(index)], errors, error.message)
        ]
        raise Mistakes(mistakes or [_mistake(None, error.message, _CHANGE_IT)]) from error


_CHANGE_IT = "Discord refused it: change what it names"


def _refusals(wanted: Wanted, errors: Any, message: str) -> Iterable[Mistake]:
    """Discord's tree of errors, flat, against the command that caused them."""
    problems = list(_flatten(errors, ())) or [message]
    return (_mistake(wanted.command, f'"{wanted.payload["name"]}": {problem}', _CHANGE_IT) for problem in problems)


def _mistake(command: Root | None, problem: str, fix: str) -> Mistake:
    return Mistake("registration", problem, fix) if command is None else command.mistake("", problem, fix)


def _flatten(errors: Any, path: tuple[str, ...]) -> Iterable[str]:
    tree = cast("dict[str, Any]", errors) if isinstance(errors, dict) else {}
    for key, below in tree.items():
        if key == "_errors":
            for error in below:
                place = f"{'.'.join(path)}: " if path else ""
                yield f"{place}{error.get('message')} ({error.get('code')})"
        else:
            yield from _flatten(below, (*path, str(key)))


def _unreachable(guild: int | None, commands: list[Wanted], error: hikari.ClientHTTPResponseError) -> Mistakes:
    problem = f"its server {guild} cannot be reached ({error.message})"
    fix = "Invite the bot there (with the scope applications.commands), or take the id out of guilds="
    return Mistakes([_mistake(command.command, problem, fix) for command in commands])


# ---- comparing ----


def _key(payload: Mapping[str, Any]) -> Key:
    return payload.get("type") or 1, payload["name"]


def _comparable(payload: Mapping[str, Any], guild: int | None) -> dict[str, Any]:
    """What counts of a command, alike whether it is ours or Discord's: with defaults in, and ids out."""
    known: dict[str, Any] = {
        "description": payload.get("description") or "",
        "name_localizations": payload.get("name_localizations") or {},
        "description_localizations": payload.get("description_localizations") or {},
        "default_member_permissions": _permissions(payload.get("default_member_permissions")),
        "nsfw": bool(payload.get("nsfw")),
        "options": [_comparable_option(option) for option in payload.get("options") or ()],
    }
    if guild is None:  # a guild's commands live in that guild, whatever these say
        known["contexts"] = sorted(payload.get("contexts") or (0, 1, 2))
        known["integration_types"] = sorted(payload.get("integration_types") or (0,))
    return known


def _permissions(value: Any) -> str | None:
    # None lets everybody and 0 nobody: they must not be taken for each other
    return None if value is None else str(value)


def _comparable_option(option: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": option["type"],
        "name": option["name"],
        "description": option.get("description") or "",
        "name_localizations": option.get("name_localizations") or {},
        "description_localizations": option.get("description_localizations") or {},
        "required": bool(option.get("required")),
        "autocomplete": bool(option.get("autocomplete")),
        "choices": [
            (choice["name"], choice["value"], choice.get("name_localizations") or {})
            for choice in option.get("choices") or ()
        ],
        "channel_types": sorted(option.get("channel_types") or ()),
        "options": [_comparable_option(below) for below in option.get("options") or ()],
        **{key: option.get(key) for key in ("min_value", "max_value", "min_length", "max_length")},
    }


# ---- the servers that commands were registered in ----


class GuildMemory:
    """Which guilds hold commands of this application, kept in the bot's database from run to run.

    Discord has no list of them, and asking each of a bot's guilds would take a call a guild.
    """

    def __init__(self, db: Database, application: int) -> None:
        self._db = db
        self._application = application

    async def recall(self) -> set[int]:
        """The guilds of earlier runs."""
        rows = await self._db.fetchall(
            "SELECT guild FROM wisp_command_guilds WHERE application = ?", (self._application,)
        )
        return {guild for (guild,) in rows}

    async def remember(self, guilds: Iterable[int]) -> None:
        """Make `guilds` the ones that a later run hears of."""
        if await self.recall() == set(guilds):
            return
        async with self._db.transaction() as tx:
            await tx.execute("DELETE FROM wisp_command_guilds WHERE application = ?", (self._application,))
            for guild in guilds:
                await tx.execute("INSERT INTO wisp_command_guilds VALUES (?, ?)", (self._application, guild))
