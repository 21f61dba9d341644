"""Command sync: compares the bot's commands with Discord's, and sends them if any differ."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import hikari

from . import bridge
from .clock import Clock, moment
from .errors import CheckError, Problem, WispError
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

# slash, user and message commands; the entry point of an Activity (4) belongs to Discord
_TYPES = (1, 2, 3)


class Wanted(NamedTuple):
    """One command as it should be: its JSON, and the command itself, None for a raw lightbulb command."""

    payload: dict[str, Any]
    command: TopLevelCommand | None

    def problem(self, message: str, fix: str) -> Problem:
        """Return a problem of the command."""
        if self.command is not None:
            return self.command.first.problem("", message, fix)
        return Problem(f'lightbulb command "{self.payload["name"]}"', message, fix)


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
        self._lock = asyncio.Lock()
        self._attempts: set[asyncio.Task[str | None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._failures = 0
        self._is_closed = False

    async def update(self) -> str | None:
        """Bring Discord's commands up to date, and return what changed ("2 created, 1 deleted").

        Returns None if Discord refuses for now, or takes long: this is logged, and attempts go on in the background.
        Raises CheckError if Discord refuses a command for good, with its file and line, and hikari.HTTPResponseError
        if it refuses the bot.
        """
        if self._is_closed:
            return None
        attempt = self._begin()
        try:
            await asyncio.wait({attempt}, timeout=_WAIT)
        finally:
            if not attempt.done():
                attempt.add_done_callback(_log_result)
        if attempt.done():
            return None if attempt.cancelled() else attempt.result()
        _log.warning("the commands are not synced yet: this takes Discord more than %g s, and goes on", _WAIT)
        return None

    async def close(self) -> None:
        """Cancel the current attempts, and make no further one."""
        self._is_closed = True
        if self._retry is not None:
            self._retry.cancel()
        for attempt in self._attempts:
            attempt.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)

    # ---- attempts ----

    def _begin(self) -> asyncio.Task[str | None]:
        attempt = asyncio.create_task(self._attempt())
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)
        return attempt

    async def _attempt(self) -> str | None:
        async with self._lock:
            if self._retry is not None:
                self._log_retry(self._retry, "Discord refused for now")
                return None
            try:
                return await self._sync(await self._wanted())
            except hikari.HTTPError as error:
                if not is_temporary(error):
                    raise
                self._schedule_retry(error)
                return None

    def _schedule_retry(self, error: hikari.HTTPError) -> None:
        delay = _RETRY_DELAYS[min(self._failures, len(_RETRY_DELAYS) - 1)]
        self._failures += 1
        self._retry = self._clock.call_later(max(delay, bridge.retry_after(error) or 0.0), self._retry_now)
        self._log_retry(self._retry, _reason(error))

    def _retry_now(self) -> None:
        self._retry = None
        self._begin().add_done_callback(_log_result)

    def _log_retry(self, retry: asyncio.TimerHandle, reason: str) -> None:
        _log.warning(
            "the commands are not synced yet: %s. The bot works with those that Discord has, and tries again at %s",
            reason,
            moment(self._clock.time(), retry.when() - asyncio.get_running_loop().time()),
        )

    # ---- one attempt ----

    async def _sync(self, wanted: Scopes) -> str:
        changes: Counter[str] = Counter()
        # Discord has no list of the guilds with commands, and asking each guild would take a request each
        rows = await self._db.fetchall(
            "SELECT guild FROM wisp_command_guilds WHERE application = ?", (self._application,)
        )
        earlier = [guild for (guild,) in rows]
        for guild in wanted.keys() - {None, *earlier}:
            await self._db.execute("INSERT INTO wisp_command_guilds VALUES (?, ?)", (self._application, guild))
        await self._sync_scopes(wanted, earlier, changes)
        for guild in earlier:
            if guild not in wanted:
                where = (self._application, guild)
                await self._db.execute("DELETE FROM wisp_command_guilds WHERE application = ? AND guild = ?", where)
        self._failures = 0
        return ", ".join(f"{count} {change}" for change, count in changes.items() if count) or "nothing changed"

    async def _sync_scopes(self, wanted: Scopes, earlier: Iterable[int], changes: Counter[str]) -> None:
        refusal: hikari.HTTPError | None = None
        for guild in dict.fromkeys((*wanted, *earlier)):
            commands = wanted.get(guild, ())
            try:
                await self._sync_scope(guild, commands, changes)
            except hikari.HTTPError as error:
                if is_temporary(error):
                    refusal = error  # each scope has limits of its own
                elif guild is None or not isinstance(error, (hikari.ForbiddenError, hikari.NotFoundError)):
                    raise
                elif commands:  # otherwise the bot has left the guild, and Discord deletes its commands
                    message = f"its server {guild} cannot be reached ({error.message})"
                    fix = "Invite the bot there (with the scope applications.commands), or take the id out of guilds="
                    raise CheckError([command.problem(message, fix) for command in commands]) from error
        if refusal is not None:
            raise refusal

    async def _sync_scope(self, guild: int | None, commands: Sequence[Wanted], changes: Counter[str]) -> None:
        existing = await bridge.fetch_commands(self._client, self._application, guild)
        kept = [payload for payload in existing if _key(payload)[0] not in _TYPES]
        old = {_key(payload): _comparable(payload, guild) for payload in existing if payload not in kept}
        new = {_key(one.payload): _comparable(one.payload, guild) for one in commands}
        if new == old and len(new) == len(commands):  # Discord refuses duplicate names
            return
        payloads = [*(one.payload for one in commands), *kept]
        try:  # all at once: those that exist keep their ids, and do not count as new
            await bridge.put_commands(self._client, self._application, guild, payloads)
        except hikari.BadRequestError as error:
            if is_temporary(error):
                raise
            raise CheckError(_refusals(error, commands)) from error
        updated = [key for key in old.keys() & new.keys() if old[key] != new[key]]
        changes.update(created=len(new.keys() - old.keys()), updated=len(updated), deleted=len(old.keys() - new.keys()))


# ---- comparing ----

_FIELDS = (
    *("type", "name", "name_localizations", "description", "description_localizations", "options"),
    *("default_member_permissions", "nsfw", "contexts", "integration_types"),
    *("required", "autocomplete", "choices", "value", "channel_types"),
    *("min_value", "max_value", "min_length", "max_length"),
)
"""The fields of commands, options and choices that are compared. Discord adds others, such as ids."""


def _key(payload: Mapping[str, Any]) -> tuple[int, str]:
    """Return the type and name of a command, which are unique in its scope."""
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
    is_limited = error.status == 429 or error.code == _DAILY_LIMIT
    # if there is no message, a proxy or Cloudflare answered: Discord's API always sends one
    return is_limited or error.status >= 500 or not error.message


def _reason(error: hikari.HTTPError) -> str:
    is_response = isinstance(error, hikari.HTTPResponseError)
    reason = f"Discord answered {int(error.status)}" if is_response else "no usable response from Discord"
    return f"{reason} ({error.message})" if error.message else reason


def _log_result(attempt: asyncio.Task[str | None]) -> None:
    """Log the result of an attempt in the background."""
    if attempt.cancelled():
        return
    if error := attempt.exception():
        expected = isinstance(error, (WispError, hikari.HTTPError))
        _log.error("the commands were not registered: %s", error, exc_info=None if expected else error)
    elif changes := attempt.result():
        _log.info("commands registered: %s", changes)


def _refusals(error: hikari.BadRequestError, commands: Sequence[Wanted]) -> list[Problem]:
    """Return Discord's errors, which name commands by their index, as problems of the commands."""
    fix = "Discord refused it: change what it names"
    problems = [
        command.problem(message, fix)
        for index, command in enumerate(commands)
        for message in _messages((error.errors or {}).get(str(index), {}))
    ]
    return problems or [Problem("registration", error.message, fix)]


def _messages(errors: Mapping[str, Any], path: str = "") -> Iterable[str]:
    for key, below in errors.items():
        if key == "_errors":
            yield from (f"{path}{': ' if path else ''}{error['message']} ({error['code']})" for error in below)
        else:
            yield from _messages(below, f"{path}.{key}" if path else key)
