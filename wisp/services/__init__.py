"""What a bot runs on, by name: the container, and what a service of each kind can do, whatever is behind it."""

from __future__ import annotations

import asyncio
import datetime
import inspect
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, overload, runtime_checkable

from ..errors import ServiceError, WispError, did_you_mean
from ..logs import get_logger
from ..tasks import EXITS, Overdue, described, is_cancelled, refuse_coroutine, within

if TYPE_CHECKING:
    from .audit import AuditRecord

T = TypeVar("T")

_log = get_logger("wisp.services")

# Seconds that a service may take. One that hangs must not hold up the others, nor the end of the program.
_START_LIMIT = 60.0
_STOP_LIMIT = 10.0


class Services:
    """The services of a bot. They start in order and stop in reverse.

    An optional service that does not start is absent, and `missing` says by name why it did not, of the latest start.
    A bot does not start without the services that hold its data: "db" and "guild_data".
    """

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self._registered: dict[str, object] = {}
        self._running: dict[str, object] = {}
        self._closing: AsyncExitStack | None = None
        self._unknown: set[str] = set()  # names that a warning was logged for

    def register(self, name: str, service: object) -> None:
        """Add a service before the bot starts, as described in `Service`.

        Under the name of a built-in one ("metrics", "db", "guild_data", "cache", "audit", "scheduler") it takes its
        place, in the order as well; else it starts after those, in order of registration. Raises ServiceError while
        the bot runs, for None, and for an object that has another name already.
        """
        if self._closing is not None:
            raise ServiceError(f'service "{name}": the bot runs already. Register services before it starts.')
        if service is None:
            raise ServiceError(f'service "{name}": expected an object, got None. Leave it out where there is none.')
        for other, registered in self._registered.items():
            if registered is service and other != name:
                raise ServiceError(f'service "{name}": it is "{other}" already, and would be started twice.')
        self._registered[name] = service

    def get(self, name: str) -> Any:
        """Return the service, or None if none of that name runs (`missing` may say why).

        A name that no service has, but that is almost the name of one, is logged once.
        """
        service = self._running.get(name)
        if service is None and self._running:
            self._warn_of_typo(name)
        return service

    def get_typed(self, name: str, kind: type[T]) -> T | None:
        """The service, None as `get` does. `kind` is its class, or a protocol of this module that it follows.

        Raises ServiceError where it is something else.
        """
        service = self.get(name)
        if service is None or isinstance(service, kind):
            return service
        raise ServiceError(
            f'service "{name}": expected {kind.__name__}, it is {type(service).__name__}. Where another service may '
            "stand in this place, ask for what both can do: a protocol of wisp.services, such as Cache."
        )

    def why_missing(self, name: str) -> str:
        """Return why there is no service of this name, with the nearest name if there never was one."""
        return self.missing.get(name) or f"there is none of that name{did_you_mean(name, self._known())}"

    def _known(self) -> set[str]:
        return {*self._running, *self._registered, *self.missing}

    def _warn_of_typo(self, name: str) -> None:
        known = self._known()
        if name in known or name in self._unknown:
            return
        self._unknown.add(name)
        if hint := did_you_mean(str(name), known, cutoff=0.8):
            _log.warning('there is no service "%s"%s', name, hint)

    @property
    def registered(self) -> Mapping[str, object]:
        """What was registered, by name, whether it runs or not."""
        return self._registered

    def names(self) -> list[str]:
        """The names of the services that run, in order of their start."""
        return list(self._running)

    def hold(self, services: Mapping[str, object]) -> None:
        """Have these at hand as they are: they are neither started nor stopped here."""
        self._running.update(services)

    async def start(
        self, built_in: Mapping[str, object] | None = None, *, session: Any = None, required: Container[str] = ()
    ) -> None:
        """Start `built_in`, then what was registered, one after the other; each is there once it has started.

        One that raises is logged, and absent. Raises ServiceError if it is one of the `required`, and if the services
        run already; then, or if it is cancelled, it stops those that had started.
        """
        if self._closing is not None:
            raise ServiceError("the services run already: stop them before they start again.")
        self.missing = {}
        async with AsyncExitStack() as started:
            self._closing = started
            started.callback(self._forget)
            for name, service in {**(built_in or {}), **self._registered}.items():
                if await self._started(name, service, session, name in required):
                    self._running[name] = service
                    started.push_async_callback(self._stop, name, service, session)
            if self._closing is not started:
                raise ServiceError("the services were stopped while they started.")
            self._closing = started.pop_all()

    async def stop(self) -> None:
        """Stop what runs, last first, each once. What one raises is logged, and the others still stop."""
        if self._closing is not None:
            closing, self._closing = self._closing, AsyncExitStack()  # whoever comes meanwhile finds nothing to close
            await closing.aclose()

    async def _started(self, name: str, service: object, session: Any, is_required: bool) -> bool:
        start = getattr(service, "start", None)
        seconds = getattr(service, "start_limit", _START_LIMIT)
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                if start is not None:
                    refuse_coroutine(await _awaitable(start, session, name=f"{name}.start(session)"))
        except EXITS:
            raise
        except BaseException as error:
            if is_cancelled(error):
                raise
            expected = isinstance(error, WispError)  # it says the way out itself
            if limit.expired():
                self.missing[name] = f"it was not done within {seconds:g} s"
            else:
                self.missing[name] = str(error) if expected else described(error)
            if not (is_required and expected):
                _log.error('service "%s" did not start: %s', name, self.missing[name], exc_info=not expected)
            if is_required:
                raise ServiceError(f'no start without the service "{name}": {self.missing[name]}') from error
            return False
        return True

    async def _stop(self, name: str, service: object, session: Any) -> None:
        stop = getattr(service, "stop", None)
        seconds = _STOP_LIMIT if session is None else session.closing_left()
        try:
            if stop is not None:
                refuse_coroutine(await within(seconds, _awaitable(stop, name=f"{name}.stop()")))
        except EXITS:
            raise
        except Overdue as error:
            _log.error('service "%s" did not stop properly: it %s', name, error)
        except BaseException as error:
            if is_cancelled(error):
                raise
            _log.exception('service "%s" did not stop properly', name)
        finally:
            del self._running[name]

    def _forget(self) -> None:
        self._closing = None


def _awaitable(method: Callable[..., Any], *arguments: object, name: str) -> Awaitable[object]:
    """Call a method of a service. Raises ServiceError where it is not what `Service` describes."""
    try:
        result = method(*arguments)
    except TypeError:
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            raise ServiceError(f"expected `async def {name}`, and it does not take that: {error}") from error
        except ValueError:  # of what is written in C nothing is known
            pass
        raise
    if not inspect.isawaitable(result):
        raise ServiceError(f"expected `async def {name}`, and it is not async")
    return result


class Service(Protocol):
    """What is started and stopped with the bot. Both are optional: an object without them is a service as well.

    If one is not async, or takes other arguments, `wisp check` says so, and the bot does not start.

    A start is cancelled after 60 s, or after `start_limit` seconds if the service has that attribute (None: never).
    """

    async def start(self, session: Any) -> object:
        """Begin, before the bot connects. `session` is the run: its `clock`, its `services`, those before this one.

        If this raises, `stop` is not called. A bot does not start then if the service is "db" or "guild_data"; any
        other service is absent.
        """
        ...

    async def stop(self) -> object:
        """Keep what is unsaved and close what is open, while the services before this one still run."""
        ...


@runtime_checkable
class Cache(Protocol):
    """Values for a while, as `wisp.services.cache` keeps them in memory."""

    async def get(self, key: str, default: Any = None) -> Any:
        """The value, `default` where there is none or it expired."""
        ...

    async def set(self, key: str, value: Any, ttl: float | None = None) -> object:
        """Keep a value for `ttl` seconds; zero or less keeps nothing, None has no end."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove a value; whether there was one."""
        ...

    async def clear(self) -> object:
        """Remove all values."""
        ...

    async def get_or_set(self, key: str, factory: Callable[[], T | Awaitable[T]], ttl: float | None = None) -> T:
        """The value; where there is none, what `factory()` gives, computed once for all who ask meanwhile."""
        ...


@runtime_checkable
class Metrics(Protocol):
    """Counts, durations and states by name and labels, as `wisp.services.metrics` keeps them in memory.

    None of these waits for anything, and labels map names to values of any type.
    """

    def increment(self, name: str, value: float = 1, labels: Mapping[str, object] | None = None) -> object:
        """Count `value` more."""
        ...

    def timing(self, name: str, seconds: float, labels: Mapping[str, object] | None = None) -> object:
        """Note how long something took."""
        ...

    def gauge(self, name: str, value: float, labels: Mapping[str, object] | None = None) -> object:
        """Say how things stand now."""
        ...


@runtime_checkable
class Audit(Protocol):
    """What was done, by whom and where, as `wisp.services.audit` keeps it in the database."""

    def log_action(
        self,
        action: str,
        user_id: int | None = None,
        guild_id: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> object:
        """Note that something was done. It waits for nothing, and raises nothing."""
        ...

    async def recent(self, *, guild_id: int | None = None, limit: int = 50) -> Sequence[AuditRecord]:
        """The latest records, newest first, of one server or (None) of all."""
        ...


class RowCount(Protocol):
    """What a statement did."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...


@runtime_checkable
class Statements(Protocol):
    """SQL statements, with `?` or named parameters: those of a database, or of one transaction."""

    async def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> RowCount:
        """Carry out one statement."""
        ...

    async def fetchone(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, None where it has none."""
        ...

    async def fetchall(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...


@runtime_checkable
class Database(Statements, Protocol):
    """SQL with transactions and migrations, as `wisp.services.database` has it over SQLite."""

    def transaction(self) -> AbstractAsyncContextManager[Statements]:
        """`async with db.transaction() as tx`: statements that are kept together, or not at all."""
        ...

    async def migrate(self, owner: str, migrations: Mapping[int, str | Callable[[Any], Awaitable[object]]]) -> object:
        """Run those that have not been run, numbered from 1 without gaps, each recorded in its own transaction."""
        ...


@runtime_checkable
class BoundStore(Protocol):
    """Values by key, for one guild (or person) and one module: what `ctx.data` is."""

    async def get(self, key: str, default: Any = None, *, type: Any = None) -> Any:
        """The value, `default` where there is none; `type` is what it has to be."""
        ...

    async def set(self, key: str, value: Any) -> object:
        """Keep a value for good."""
        ...

    async def delete(self, key: str) -> object:
        """Remove a value."""
        ...

    @overload
    async def increment(self, key: str, by: int = 1) -> int: ...

    @overload
    async def increment(self, key: str, by: float) -> float: ...

    async def increment(self, key: str, by: float = 1) -> float:
        """Add `by` to a number, 0 where there is none; the new value."""
        ...

    async def update(self, key: str, fn: Callable[[Any], Any], default: Any = None) -> Any:
        """Replace a value by `fn(value)`; the new value."""
        ...

    async def set_many(self, values: Mapping[str, Any]) -> object:
        """Keep several values, all or none."""
        ...

    async def get_all(self) -> dict[str, Any]:
        """Every key and value."""
        ...

    async def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin with `prefix`."""
        ...

    async def clear(self) -> object:
        """Remove every value."""
        ...


@runtime_checkable
class GuildDataStore(Protocol):
    """Values by guild, namespace (None is the one that all share) and key, as `wisp.services.guild_data` keeps them.

    What is kept is kept for good, and each change is atomic.
    """

    def bind(self, *, guild_id: int | None, user_id: int, module_name: str | None = None) -> BoundStore:
        """The values of one guild and module; without a guild, of a person."""
        ...

    async def get(
        self, *, guild_id: int, key: str, default: Any = None, type: Any = None, module_name: str | None = None
    ) -> Any:
        """The value, `default` where there is none; `type` is what it has to be."""
        ...

    async def set(self, *, guild_id: int, key: str, value: Any, module_name: str | None = None) -> object:
        """Keep a value."""
        ...

    async def delete(self, *, guild_id: int, key: str, module_name: str | None = None) -> object:
        """Remove a value."""
        ...

    @overload
    async def increment(self, *, guild_id: int, key: str, by: int = 1, module_name: str | None = None) -> int: ...

    @overload
    async def increment(self, *, guild_id: int, key: str, by: float, module_name: str | None = None) -> float: ...

    async def increment(self, *, guild_id: int, key: str, by: float = 1, module_name: str | None = None) -> float:
        """Add `by` to a number, 0 where there is none; the new value."""
        ...

    async def update(
        self,
        *,
        guild_id: int,
        key: str,
        fn: Callable[[Any], Any],
        default: Any = None,
        module_name: str | None = None,
    ) -> Any:
        """Replace a value by `fn(value)`; the new value."""
        ...

    async def set_many(self, *, guild_id: int, values: Mapping[str, Any], module_name: str | None = None) -> object:
        """Keep several values, all or none."""
        ...

    async def get_all(self, *, guild_id: int, module_name: str | None = None) -> dict[str, Any]:
        """Every key and value of a namespace."""
        ...

    async def keys(self, *, guild_id: int, prefix: str = "", module_name: str | None = None) -> list[str]:
        """The keys of a namespace that begin with `prefix`."""
        ...

    async def clear(self, *, guild_id: int, module_name: str | None = None) -> object:
        """Remove every value of a namespace."""
        ...

    async def forget(self, guild_id: int) -> object:
        """Remove everything of a guild, over all namespaces."""
        ...


class PendingJob(NamedTuple):
    """A one-shot job that is to run: its number, when (in UTC), with what, and how often it has failed by now."""

    id: int
    name: str
    due: datetime.datetime
    data: dict[str, Any]
    guild_id: int | None
    failures: int


@runtime_checkable
class Scheduler(Protocol):
    """Functions that run by themselves, as `wisp.jobs.scheduler` runs them."""

    def register(
        self,
        fn: Callable[[], Awaitable[object]],
        interval: float | datetime.timedelta = 3600.0,
        name: str | None = None,
    ) -> object:
        """Run an async function every `interval`: seconds, or a timedelta."""
        ...

    def unregister(self, name: str) -> bool:
        """Let a job that recurs run no more; whether there was one."""
        ...

    async def once(
        self,
        name: str,
        *,
        delay: float | datetime.timedelta | None = None,
        at: datetime.datetime | None = None,
        data: Mapping[str, Any] | None = None,
        guild_id: int | None = None,
    ) -> PendingJob:
        """Run the job of this name once, in `delay` or `at` a time, after a restart too."""
        ...

    async def cancel(self, id: int) -> bool:
        """Take a one-shot job back; whether it had not begun."""
        ...

    async def pending(
        self, name: str | None = None, *, guild_id: int | None = None, limit: int = 100
    ) -> list[PendingJob]:
        """The one-shot jobs that are to run, those due first."""
        ...
