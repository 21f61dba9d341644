"""Registration: Discord's list of the bot's commands is brought up to date, sending only what changed."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import hikari

from . import bridge
from .clock import Clock, moment
from .errors import CheckError, Problem, WispError
from .logs import get_logger

if TYPE_CHECKING:
    from .command_tree import Root
    from .services.database import DatabaseService as Database

# One command a call: at most this many. Discord counts creations (200 a day and scope) and allows a handful of
# such calls in a row, so what is more goes in one call that replaces the whole scope.
# https://discord.com/developers/docs/interactions/application-commands#registering-a-command
_ONE_BY_ONE = 4

_PATIENCE = 10.0
"""Seconds that the start, or the load of a module, waits for an attempt to register commands."""

_RETRY_AFTER = (15.0, 60.0, 300.0, 900.0)
"""Seconds between attempts, the last one from then on. If Discord asks for more, that counts."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json: 200 commands are created in a scope today
_DAILY_LIMIT = 30034

_RETRY_DAILY = 3600.0
_LONGEST_RETRY = 86400.0

_MOST_NAMES = 20
"""Names of commands in one line of the log."""

_log = get_logger("wisp.command_sync")

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


class CommandSync:
    """Keeps Discord's list of commands the bot's. While Discord refuses for now, it tries again in the background.

    `wanted` gives the commands as they should be: guild id (None is everywhere) to the commands of that scope. A scope
    that is wanted empty is emptied; a scope that is not named is left alone.
    """

    def __init__(
        self,
        rest: hikari.api.RESTClient,
        application: int,
        db: Database,
        wanted: Callable[[], Awaitable[dict[int | None, list[Wanted]]]],
        *,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, object]], object],
    ) -> None:
        self._rest = rest
        self._application = application
        self._memory = GuildMemory(db, application)
        self._wanted = wanted
        self._clock = clock
        self._spawn = spawn
        self._asked: dict[int | None, list[dict[str, Any]]] | None = None  # the payloads of the latest success
        self._known: dict[int | None, dict[Key, dict[str, Any]]] = {}  # what Discord has, by scope
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[Changes | None] | None = None  # the attempt that has not begun
        self._attempts: set[asyncio.Task[Changes | None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._failures = 0
        self._not_before = -math.inf  # on the clock: Discord asked to wait until then
        self._has_returned = False
        self._is_closed = False

    async def update(self) -> Changes | None:
        """Bring Discord's commands up to date, once for all callers that ask before it begins.

        Returns None if Discord refuses for now, or takes long: the log says which commands are missing and what
        happens next, and it goes on in the background. Raises Mistakes with the command's file and line if Discord
        refuses a command for good, and hikari.HTTPResponseError if it refuses the bot.
        """
        attempt = self._begin()
        try:
            return await self._clock.wait_for(asyncio.shield(attempt), _PATIENCE)
        except TimeoutError:
            if attempt.done():
                raise
            reason = f"this takes more than {_PATIENCE:g} s (Discord is slow, fails, or limits the bot), and goes on"
            _log.warning("%s: %s", self._missing(await self._wanted()), reason)
            attempt.add_done_callback(_log_failure)
            return None
        finally:
            self._has_returned = True

    async def close(self) -> None:
        """Make no further attempt, and cancel the one that is made now."""
        self._is_closed = True
        self._cancel_retry()
        attempts = {*self._attempts}
        for attempt in attempts:
            attempt.cancel()
        if attempts:
            await asyncio.wait(attempts)

    # ---- attempts ----

    def _begin(self) -> asyncio.Task[Changes | None]:
        if self._next is None:
            self._next = asyncio.create_task(self._in_turn())
            self._attempts.add(self._next)
            self._next.add_done_callback(self._attempts.discard)
        return self._next

    async def _in_turn(self) -> Changes | None:
        try:
            async with self._lock:
                self._next = None  # callers that ask from now on have changed something since
                return None if self._is_closed else await self._attempt()
        except asyncio.CancelledError:
            if self._is_closed:
                return None
            raise

    async def _attempt(self) -> Changes | None:
        wanted = await self._wanted()
        if (wait := self._not_before - self._clock.monotonic()) > 0:
            left = wait if self._retry is None else self._retry.when() - asyncio.get_running_loop().time()
            self._log_refusal(wanted, "Discord asked to wait", left)
            return None
        try:
            changes = await self._bring(wanted)
        except hikari.HTTPError as error:
            if not is_for_now(error):
                raise
            self._try_again_later(wanted, error)
            return None
        self._cancel_retry()
        self._failures = 0
        if self._has_returned:
            _log.info("commands registered: %s", changes)
        return changes

    def _try_again_later(self, wanted: Mapping[int | None, list[Wanted]], error: hikari.HTTPError) -> None:
        asked, is_daily = bridge.retry_after(error), _code(error) == _DAILY_LIMIT
        if asked is None and self._next is not None:
            return  # another attempt follows at once, and says how it ends
        wait = _RETRY_DAILY if is_daily else _RETRY_AFTER[min(self._failures, len(_RETRY_AFTER) - 1)]
        if self._retry is None:
            self._failures += 1
        else:  # a caller asked for this attempt before the next one was due, and does not postpone that
            wait = min(wait, self._retry.when() - asyncio.get_running_loop().time())
        if asked is not None:
            wait = asked if is_daily else max(wait, asked)
        wait = min(wait, _LONGEST_RETRY)
        self._cancel_retry()
        self._retry = self._clock.call_later(wait, self._try_again)
        if asked is not None and not is_daily:  # the daily limit holds for new commands of one scope alone
            self._not_before = self._clock.monotonic() + min(asked, _LONGEST_RETRY)
        self._log_refusal(wanted, _reason(error), wait)

    def _try_again(self) -> None:
        self._retry, self._not_before = None, -math.inf
        self._spawn(self._again())

    async def _again(self) -> None:
        try:
            await self._begin()
        except Exception as error:
            _log_error(error)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    # ---- in words ----

    def _log_refusal(self, wanted: Mapping[int | None, list[Wanted]], reason: str, wait: float) -> None:
        _log.warning(
            "%s: %s. The bot works with those that Discord has, and tries again at %s",
            self._missing(wanted),
            reason,
            moment(self._clock.time(), wait),
        )

    def _missing(self, wanted: Mapping[int | None, list[Wanted]]) -> str:
        """Return which commands Discord does not have as they should be, as far as it has said what it has."""
        missing: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for guild, commands in wanted.items():
            known = self._known.get(guild)
            for command in commands:
                if known is None:
                    unknown[command.payload["name"]] = None
                elif known.get(command.key) != _comparable(command.payload, guild):
                    missing[command.payload["name"]] = None
        parts = [f"commands not registered yet: {_some(missing)}"] if missing else []
        if unknown:
            parts.append(f"it is not known yet whether these commands are up to date: {_some(unknown)}")
        elif not missing and self._has_others(wanted):
            parts.append("commands that the bot no longer has are not removed yet")
        return "; ".join(parts) or "it is not known yet whether the commands are up to date"

    def _has_others(self, wanted: Mapping[int | None, list[Wanted]]) -> bool:
        """Whether Discord has commands that are not wanted."""
        keys = {guild: {command.key for command in commands} for guild, commands in wanted.items()}
        return any(known.keys() - keys.get(guild, set()) for guild, known in self._known.items())

    # ---- one attempt ----

    async def _bring(self, wanted: dict[int | None, list[Wanted]]) -> Changes:
        asked = {guild: [one.payload for one in commands] for guild, commands in wanted.items()}
        changes = Changes()
        if asked == self._asked:
            return changes
        self._asked = None  # an attempt that fails may have sent a part
        if twice := [mistake for commands in wanted.values() for mistake in _of_one_name(commands)]:
            raise CheckError(twice)
        guilds = {guild for guild in wanted if guild is not None}
        earlier = await self._memory.recall()
        await self._memory.remember(earlier | guilds)
        await self._bring_all({**{guild: [] for guild in earlier}, **wanted}, changes)
        await self._memory.remember(guilds)
        self._asked = asked
        return changes

    async def _bring_all(self, wanted: Mapping[int | None, list[Wanted]], changes: Changes) -> None:
        refusal: hikari.HTTPError | None = None
        for guild, commands in wanted.items():
            try:
                await self._bring_scope(guild, commands, changes)
            except hikari.HTTPError as error:
                if guild is not None and _is_unreachable(error):
                    if commands:
                        raise _unreachable(guild, commands, error) from error
                    self._known.pop(guild, None)  # a server that the bot has left keeps no commands of it
                elif _code(error) == _DAILY_LIMIT:
                    refusal = error  # each scope has a limit of its own
                else:
                    raise
        if refusal is not None:
            raise refusal

    async def _bring_scope(self, guild: int | None, wanted: list[Wanted], changes: Changes) -> None:
        everything = await bridge.fetch_commands(self._rest, self._application, guild)
        existing = {_key(payload): payload for payload in everything if _key(payload)[0] in _KINDS}
        known = self._known[guild] = {key: _comparable(payload, guild) for key, payload in existing.items()}
        new = [command for command in wanted if command.key not in existing]
        changed = [
            command
            for command in wanted
            if command.key in existing and _comparable(command.payload, guild) != known[command.key]
        ]
        gone = existing.keys() - {command.key for command in wanted}
        if len(new) + len(changed) + len(gone) > _ONE_BY_ONE:
            kept = [payload for payload in everything if _key(payload)[0] not in _KINDS]
            try:
                await self._replace_all(guild, wanted, kept)
            except hikari.HTTPError as error:
                if _code(error) == _DAILY_LIMIT and (changed or gone):  # those are not limited
                    await self._replace_all(guild, [command for command in wanted if command not in new], kept)
                raise
        else:
            # what goes makes room first: a scope can be full. What is new comes last: Discord limits it by the day
            for key in gone:
                await bridge.delete_command(self._rest, self._application, guild, int(existing[key]["id"]))
                del known[key]
            for command in (*changed, *new):
                await self._send(guild, command)
        changes.created += [command.payload["name"] for command in new]
        changes.updated += [command.payload["name"] for command in changed]
        changes.deleted += [name for _, name in gone]

    async def _send(self, guild: int | None, wanted: Wanted) -> None:
        try:
            await bridge.post_command(self._rest, self._application, guild, wanted.payload)
        except hikari.BadRequestError as error:
            if is_for_now(error):
                raise
            raise CheckError(list(_refusals(wanted, error.errors or {}, error.message))) from error
        self._known[guild][wanted.key] = _comparable(wanted.payload, guild)

    async def _replace_all(self, guild: int | None, wanted: list[Wanted], kept: list[dict[str, Any]]) -> None:
        payloads = [*(command.payload for command in wanted), *kept]
        try:
            await bridge.put_commands(self._rest, self._application, guild, payloads)
        except hikari.BadRequestError as error:
            if is_for_now(error):
                raise
            mistakes = [
                mistake
                for index, errors in (error.errors or {}).items()
                if index.isdecimal() and int(index) < len(wanted)
                for mistake in _refusals(wanted[int(index)], errors, error.message)
            ]
            raise CheckError(mistakes or [_problem(None, error.message, _CHANGE_IT)]) from error
        self._known[guild] = {command.key: _comparable(command.payload, guild) for command in wanted}


# ---- refusals ----


def is_for_now(error: hikari.HTTPError) -> bool:
    """Whether an error says nothing about the commands: Discord limits the bot, fails, or is out of reach."""
    if not isinstance(error, hikari.HTTPResponseError):
        return True
    if isinstance(error, hikari.UnauthorizedError):
        return False
    if error.status == 429 or error.status >= 500 or error.code == _DAILY_LIMIT:
        return True
    return not error.message  # no answer of Discord's API, which always has one: of a proxy, or of Cloudflare


def _some(names: Iterable[str]) -> str:
    first, more = [*names][:_MOST_NAMES], len([*names]) - _MOST_NAMES
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


def _code(error: hikari.HTTPError) -> int:
    return error.code if isinstance(error, hikari.HTTPResponseError) else 0


def _is_unreachable(error: hikari.HTTPError) -> TypeGuard[hikari.ClientHTTPResponseError]:
    return isinstance(error, (hikari.ForbiddenError, hikari.NotFoundError)) and not is_for_now(error)


def _reason(error: hikari.HTTPError) -> str:
    if _code(error) == _DAILY_LIMIT:
        return f"Discord takes 200 new commands a day, and they are used up ({_DAILY_LIMIT})"
    if isinstance(error, hikari.RateLimitTooLongError) or getattr(error, "status", None) == 429:
        return "Discord asked to wait (429)"
    if isinstance(error, hikari.HTTPResponseError):
        return f"Discord answered {int(error.status)}"
    return f"no answer of Discord came ({error.message})"


def _log_failure(attempt: asyncio.Task[Any]) -> None:
    """Log the error of an attempt that no caller waits for."""
    error = None if attempt.cancelled() else attempt.exception()
    if error is not None:
        _log_error(error)


def _log_error(error: BaseException) -> None:
    expected = isinstance(error, (WispError, hikari.HTTPError))
    _log.error("the commands were not registered: %s", error, exc_info=None if expected else error)


def _of_one_name(commands: list[Wanted]) -> Iterable[Problem]:
    """Two commands of one kind and name in one scope, which would replace each other for ever."""
    first: dict[Key, Wanted] = {}
    for command in commands:
        other = first.setdefault(command.key, command)
        if other is not command:
            problem = f'another command is called "{command.payload["name"]}" ({other.where})'
            yield _problem(command.command, problem, "Rename one of them")


_CHANGE_IT = "Discord refused it: change what it names"


def _refusals(wanted: Wanted, errors: Any, message: str) -> Iterable[Problem]:
    """Discord's tree of errors, flat, against the command that caused them."""
    problems = list(_flatten(errors, ())) or [message]
    return (_problem(wanted.command, f'"{wanted.payload["name"]}": {problem}', _CHANGE_IT) for problem in problems)


def _problem(command: Root | None, problem: str, fix: str) -> Problem:
    return Problem("registration", problem, fix) if command is None else command.problem("", problem, fix)


def _flatten(errors: Any, path: tuple[str, ...]) -> Iterable[str]:
    tree = cast("dict[str, Any]", errors) if isinstance(errors, dict) else {}
    for key, below in tree.items():
        if key == "_errors":
            for error in below:
                place = f"{'.'.join(path)}: " if path else ""
                yield f"{place}{error.get('message')} ({error.get('code')})"
        else:
            yield from _flatten(below, (*path, str(key)))


def _unreachable(guild: int | None, commands: list[Wanted], error: hikari.ClientHTTPResponseError) -> CheckError:
    problem = f"its server {guild} cannot be reached ({error.message})"
    fix = "Invite the bot there (with the scope applications.commands), or take the id out of guilds="
    return CheckError([_problem(command.command, problem, fix) for command in commands])


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
        self._kept: frozenset[int] | None = None  # what the database has, if that is known

    async def recall(self) -> frozenset[int]:
        """The guilds of earlier runs."""
        if self._kept is None:
            rows = await self._db.fetchall(
                "SELECT guild FROM wisp_command_guilds WHERE application = ?", (self._application,)
            )
            self._kept = frozenset(guild for (guild,) in rows)
        return self._kept

    async def remember(self, guilds: Iterable[int]) -> None:
        """Make `guilds` the ones that a later run hears of."""
        guilds = frozenset(guilds)
        if await self.recall() == guilds:
            return
        self._kept = None
        async with self._db.transaction() as tx:
            await tx.execute("DELETE FROM wisp_command_guilds WHERE application = ?", (self._application,))
            for guild in guilds:
                await tx.execute("INSERT INTO wisp_command_guilds VALUES (?, ?)", (self._application, guild))
        self._kept = guilds
