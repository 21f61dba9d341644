"""Command sync: compares the bot's commands with Discord's, and sends them if any differ."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import hikari

from . import bridge
from .clock import Clock, moment
from .errors import CheckError, Problem, WispError, duplicate_names
from .logs import get_logger

if TYPE_CHECKING:
    from .command_tree import TopLevelCommand
    from .services.database import DatabaseService

_log = get_logger("wisp.command_sync")

_WAIT = 10.0
"""Seconds that the start of the bot, or the load of a module, waits for an attempt."""

_RETRY_DELAYS = (15.0, 60.0, 300.0, 900.0)
"""Seconds between attempts; the last one repeats. Discord may ask for more."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json: 200 commands are created in a scope today
_DAILY_LIMIT = 30034
_DAILY_RETRY_DELAY = 3600.0
_LONGEST_RETRY_DELAY = 86400.0

# slash, user and message commands; the entry point of an Activity (4) belongs to Discord
_TYPES = (1, 2, 3)

Key = tuple[int, str]
"""A command's type and name, which are unique in its scope."""


class Wanted(NamedTuple):
    """One command as it should be: its JSON, and the command that problems are reported against.

    `command` is None for a raw lightbulb command.
    """

    payload: dict[str, Any]
    command: TopLevelCommand | None

    @property
    def key(self) -> Key:
        """Its type and name."""
        return _key(self.payload)

    @property
    def name(self) -> str:
        """Its name."""
        return self.payload["name"]


Scopes = Mapping[int | None, Sequence[Wanted]]
"""Commands by guild id; None is the global scope."""


class CommandSync:
    """Keeps Discord's list of commands equal to the bot's, with retries in the background while Discord refuses.

    `wanted` returns the commands as they should be. A scope without commands is emptied, a scope that is not named is
    left alone.
    """

    def __init__(
        self,
        client: hikari.api.RESTClient,
        application: int,
        db: DatabaseService,
        wanted: Callable[[], Awaitable[Scopes]],
        clock: Clock,
    ) -> None:
        self._client = client
        self._application = application
        self._db = db
        self._wanted = wanted
        self._clock = clock
        self._known: dict[int | None, dict[Key, Any]] = {}  # the comparable fields of what Discord has, by scope
        self._synced: Any = None  # the payloads of the last attempt, if it succeeded
        self._wake = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._request: asyncio.Future[str | None] | None = None  # of the attempt that has not begun
        self._retry: asyncio.TimerHandle | None = None
        self._failures = 0
        self._not_before = -math.inf  # on the clock: Discord asked to wait until then
        self._is_first = True
        self._is_closed = False

    async def update(self) -> str | None:
        """Sync once for all callers that ask before it begins, and return what changed ("2 created, 1 deleted").

        Returns None if Discord refuses for now, or takes long: it is logged which commands are missing, and attempts
        go on in the background. Raises CheckError if Discord refuses a command for good, with its file and line, and
        hikari.HTTPResponseError if it refuses the bot.
        """
        if self._is_closed:
            return None
        self._worker = self._worker or asyncio.create_task(self._work())
        request = self._request = self._request or asyncio.get_running_loop().create_future()
        self._wake.set()
        try:
            return await self._clock.wait_for(asyncio.shield(request), _WAIT)
        except TimeoutError:
            if request.done():
                raise
            reason = f"this takes more than {_WAIT:g} s (Discord is slow, fails, or limits the bot), and goes on"
            _log.warning("%s: %s", _missing(await self._wanted(), self._known), reason)
            request.add_done_callback(lambda request: _log_failure(request.exception()))
            return None
        finally:
            self._is_first = False

    async def close(self) -> None:
        """Make no further attempt, and cancel the current one."""
        self._is_closed = True
        self._cancel_retry()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker})
        if self._request is not None:
            self._request.set_result(None)

    # ---- attempts ----

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # a caller that asks from now on has changed something since
            request, self._request = self._request, None
            changes: str | None = None
            try:
                changes = await self._attempt()
            except Exception as error:
                if request is None:
                    _log_failure(error)
                else:
                    request.set_exception(error)
            finally:
                if request is not None and not request.done():
                    request.set_result(changes)

    async def _attempt(self) -> str | None:
        wanted = await self._wanted()
        if self._not_before > self._clock.monotonic():
            self._log_retry(wanted, "Discord asked to wait", self._until_retry())
            return None
        try:
            changes = await self._sync(wanted)
        except hikari.HTTPError as error:
            if not is_temporary(error):
                raise
            self._schedule_retry(wanted, error)
            return None
        self._cancel_retry()
        self._failures = 0
        if not self._is_first:
            _log.info("commands registered: %s", changes)
        return changes

    def _schedule_retry(self, wanted: Scopes, error: hikari.HTTPError) -> None:
        asked, is_daily = bridge.retry_after(error), _code(error) == _DAILY_LIMIT
        wait = _DAILY_RETRY_DELAY if is_daily else _RETRY_DELAYS[min(self._failures, len(_RETRY_DELAYS) - 1)]
        if self._retry is None:
            self._failures += 1
        else:  # an attempt that a caller asked for does not postpone the next one
            wait = min(wait, self._until_retry())
        if asked is not None:
            asked = min(asked, _LONGEST_RETRY_DELAY)
            wait = asked if is_daily else max(wait, asked)
            if not is_daily:  # the daily limit holds for new commands of one scope alone
                self._not_before = self._clock.monotonic() + asked
        self._cancel_retry()
        self._retry = self._clock.call_later(wait, self._retry_now)
        self._log_retry(wanted, _reason(error), wait)

    def _retry_now(self) -> None:
        self._retry, self._not_before = None, -math.inf
        self._wake.set()

    def _until_retry(self) -> float:
        assert self._retry is not None
        return self._retry.when() - asyncio.get_running_loop().time()

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _log_retry(self, wanted: Scopes, reason: str, wait: float) -> None:
        _log.warning(
            "%s: %s. The bot works with those that Discord has, and tries again at %s",
            _missing(wanted, self._known),
            reason,
            moment(self._clock.time(), wait),
        )

    # ---- one attempt ----

    async def _sync(self, wanted: Scopes) -> str:
        payloads = {guild: [one.payload for one in commands] for guild, commands in wanted.items()}
        changes: Counter[str] = Counter()
        if payloads == self._synced:
            return _summary(changes)
        self._synced = None  # an attempt that fails may have sent a part
        if problems := [problem for commands in wanted.values() for problem in _duplicate_names(commands)]:
            raise CheckError(problems)
        guilds = {guild for guild in wanted if guild is not None}
        earlier = await self._guilds()
        await self._remember_guilds(earlier | guilds)
        temporary: hikari.HTTPError | None = None
        for guild in dict.fromkeys((*wanted, *earlier)):
            commands = wanted.get(guild, ())
            try:
                await self._sync_scope(guild, commands, changes)
            except hikari.HTTPError as error:
                if _code(error) == _DAILY_LIMIT:
                    temporary = error  # each scope has a limit of its own
                elif guild is None or is_temporary(error) or getattr(error, "status", None) not in (403, 404):
                    raise
                elif commands:
                    message = f"its server {guild} cannot be reached ({error.message})"
                    fix = "Invite the bot there (with the scope applications.commands), or take the id out of guilds="
                    raise CheckError([_problem(command, message, fix) for command in commands]) from error
                else:
                    self._known.pop(guild, None)  # Discord deletes the commands in a guild that the bot has left
        if temporary is not None:
            raise temporary
        await self._remember_guilds(guilds)
        self._synced = payloads
        return _summary(changes)

    async def _sync_scope(self, guild: int | None, wanted: Sequence[Wanted], changes: Counter[str]) -> None:
        everything = await bridge.fetch_commands(self._client, self._application, guild)
        known = {_key(payload): _comparable(payload, guild) for payload in everything if _key(payload)[0] in _TYPES}
        kept = [payload for payload in everything if _key(payload)[0] not in _TYPES]
        self._known[guild] = known
        existing = [command for command in wanted if command.key in known]
        updated = [command for command in existing if known[command.key] != _comparable(command.payload, guild)]
        created, deleted = len(wanted) - len(existing), len(known) - len(existing)
        if not (created or updated or deleted):
            return
        try:
            await self._replace(guild, wanted, kept)
        except hikari.HTTPError as error:
            if _code(error) == _DAILY_LIMIT and (updated or deleted):  # those are not limited
                await self._replace(guild, existing, kept)
            raise
        changes.update(created=created, updated=len(updated), deleted=deleted)

    async def _replace(self, guild: int | None, commands: Sequence[Wanted], kept: Sequence[dict[str, Any]]) -> None:
        """Replace all commands of a scope. Those that exist keep their ids, and do not count as new."""
        payloads = [*(command.payload for command in commands), *kept]
        try:
            await bridge.put_commands(self._client, self._application, guild, payloads)
        except hikari.BadRequestError as error:
            if is_temporary(error):
                raise
            raise CheckError(_refusals(error, commands)) from error
        self._known[guild] = {command.key: _comparable(command.payload, guild) for command in commands}

    # ---- guilds with commands: Discord has no list of them, and asking each guild would take a request each ----

    async def _guilds(self) -> set[int]:
        rows = await self._db.fetchall(
            "SELECT guild FROM wisp_command_guilds WHERE application = ?", (self._application,)
        )
        return {guild for (guild,) in rows}

    async def _remember_guilds(self, guilds: set[int]) -> None:
        if guilds == await self._guilds():
            return
        async with self._db.transaction() as tx:
            await tx.execute("DELETE FROM wisp_command_guilds WHERE application = ?", (self._application,))
            for guild in guilds:
                await tx.execute("INSERT INTO wisp_command_guilds VALUES (?, ?)", (self._application, guild))


# ---- comparing ----

_FIELDS = (
    *("type", "name", "name_localizations", "description", "description_localizations", "options"),
    *("default_member_permissions", "nsfw", "contexts", "integration_types"),
    *("required", "autocomplete", "choices", "value", "channel_types"),
    *("min_value", "max_value", "min_length", "max_length"),
)
"""The fields of commands, options and choices that are compared. Discord adds others, such as ids."""


def _key(payload: Mapping[str, Any]) -> Key:
    return payload.get("type") or 1, payload["name"]


def _comparable(payload: Mapping[str, Any], guild: int | None) -> dict[str, Any]:
    """Return the fields of a command that count, the same for the bot's payload and for Discord's."""
    fields: dict[str, Any] = {"contexts": (0, 1, 2), "integration_types": (0,), **_without_defaults(payload)}
    if guild is not None:  # a guild's commands are in that guild, whatever these say
        del fields["contexts"], fields["integration_types"]
    return {**fields, "type": _key(payload)[0]}


def _without_defaults(payload: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in _FIELDS:
        value = payload.get(name)
        if isinstance(value, (list, tuple)):
            items = cast("Sequence[Any]", value)
            is_nested = any(isinstance(item, Mapping) for item in items)
            value = tuple(map(_without_defaults, items) if is_nested else sorted(items))
        # 0 is no default: it is a smallest value, or the value of a choice
        if value is not None and value is not False and value not in ("", (), {}):
            fields[name] = value
    return fields


# ---- refusals, and messages about them ----


def is_temporary(error: hikari.HTTPError) -> bool:
    """Return whether an error says nothing about the commands: Discord limits the bot, fails, or is out of reach."""
    if not isinstance(error, hikari.HTTPResponseError):
        return True
    if isinstance(error, hikari.UnauthorizedError):
        return False
    if error.status == 429 or error.status >= 500 or error.code == _DAILY_LIMIT:
        return True
    return not error.message  # a proxy or Cloudflare answered: Discord's API always sends a message


def _code(error: hikari.HTTPError) -> int:
    return error.code if isinstance(error, hikari.HTTPResponseError) else 0


def _reason(error: hikari.HTTPError) -> str:
    if _code(error) == _DAILY_LIMIT:
        return f"Discord takes 200 new commands a day, and they are used up ({_DAILY_LIMIT})"
    if getattr(error, "status", None) == 429:
        return "Discord asked to wait (429)"
    if isinstance(error, hikari.HTTPResponseError):
        return f"Discord answered {int(error.status)}"
    return f"no usable response from Discord ({error.message})"


def _log_failure(error: BaseException | None) -> None:
    if error is not None:
        expected = isinstance(error, (WispError, hikari.HTTPError))
        _log.error("the commands were not registered: %s", error, exc_info=None if expected else error)


def _summary(changes: Counter[str]) -> str:
    return ", ".join(f"{count} {change}" for change, count in changes.items() if count) or "nothing changed"


def _missing(wanted: Scopes, known: Mapping[int | None, Mapping[Key, Any]]) -> str:
    """Return which commands Discord does not have as they should be, as far as that is known."""
    unknown = [command.name for guild in wanted.keys() - known.keys() for command in wanted[guild]]
    missing = [
        command.name
        for guild, existing in known.items()
        for command in wanted.get(guild, ())
        if existing.get(command.key) != _comparable(command.payload, guild)
    ]
    parts = [f"commands not registered yet: {', '.join(dict.fromkeys(missing))}"] if missing else []
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        parts.append(f"it is not known yet whether these commands are up to date: {names}")
    keys = {guild: {command.key for command in commands} for guild, commands in wanted.items()}
    if not parts and any(existing.keys() - keys.get(guild, set()) for guild, existing in known.items()):
        return "commands that the bot no longer has are not removed yet"
    return "; ".join(parts) or "it is not known yet whether the commands are up to date"


def _duplicate_names(commands: Sequence[Wanted]) -> Iterable[Problem]:
    """Find commands of one type and name in one scope, which would keep replacing each other."""
    for command, other in duplicate_names(commands, lambda command: command.key):
        top = other.command
        where = f"{top.first.file}:{top.first.line}" if top else "registered with lightbulb"
        yield _problem(command, f'another command is called "{command.name}" ({where})', "Rename one of them")


def _refusals(error: hikari.BadRequestError, commands: Sequence[Wanted]) -> list[Problem]:
    """Return Discord's errors, which name commands by their index, as problems of the commands."""
    fix = "Discord refused it: change what it names"
    problems = [
        _problem(command, f'"{command.name}": {message}', fix)
        for index, command in enumerate(commands)
        if (errors := (error.errors or {}).get(str(index))) is not None
        for message in [*_flatten(errors, ())] or [error.message]
    ]
    return problems or [_problem(None, error.message, fix)]


def _flatten(errors: Any, path: tuple[str, ...]) -> Iterable[str]:
    tree = cast("dict[str, Any]", errors) if isinstance(errors, dict) else {}
    for key, below in tree.items():
        if key == "_errors":
            place = f"{'.'.join(path)}: " if path else ""
            yield from (f"{place}{error.get('message')} ({error.get('code')})" for error in below)
        else:
            yield from _flatten(below, (*path, str(key)))


def _problem(command: Wanted | None, message: str, fix: str) -> Problem:
    root = command.command if command else None
    return Problem("registration", message, fix) if root is None else root.problem("", message, fix)
