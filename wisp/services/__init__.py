"""Services: the objects that a bot runs on, by name, which start and stop with it."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Container, Mapping
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import ServiceError, WispError, did_you_mean
from ..logs import get_logger
from ..tasks import EXITS, Overdue, described, is_cancelled, refuse_coroutine, within

if TYPE_CHECKING:
    from ..jobs.scheduler import SchedulerService as SchedulerService
    from .audit import AuditService as AuditService
    from .cache import CacheService as CacheService
    from .database import DatabaseService as DatabaseService
    from .guild_data import GuildData as GuildData
    from .metrics import MetricsService as MetricsService

T = TypeVar("T")

_log = get_logger("wisp.services")

# Seconds that a service may take to start and to stop, so that one that hangs holds up neither the bot nor its end.
_START_LIMIT = 60.0
_STOP_LIMIT = 10.0

# Loaded when they are first used: the container needs none of them.
_PLACES = {
    "AuditService": "wisp.services.audit",
    "CacheService": "wisp.services.cache",
    "DatabaseService": "wisp.services.database",
    "GuildData": "wisp.services.guild_data",
    "MetricsService": "wisp.services.metrics",
    "SchedulerService": "wisp.jobs.scheduler",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


class Service(Protocol):
    """An object that starts and stops with the bot. Both methods are optional.

    `wisp check` reports a method that is not async or takes other arguments. A start is cancelled after 60 s, or after
    `start_limit` seconds if the service has that attribute (None: never).
    """

    async def start(self, session: Any) -> object:
        """Start, before the bot connects. `session` has a `clock`, and `services` with those before this one.

        If this raises, `stop` is not called, and the service is absent. Without "db" or "guild_data", the bot does not
        start.
        """
        ...

    async def stop(self) -> object:
        """Save and close, while the services before this one still run."""
        ...


class Services:
    """The services of a bot. They start in order and stop in reverse.

    An optional service that does not start is absent, and `missing` says why, by name, for the latest start.
    """

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self._registered: dict[str, object] = {}
        self._running: dict[str, object] = {}
        self._on_demand: dict[str, Callable[[], object]] = {}
        self._making = threading.RLock()  # other threads may be the first to use a service
        self._closing: AsyncExitStack | None = None
        self._warned: set[str] = set()

    def register(self, name: str, service: object) -> None:
        """Add a service before the bot starts, as described in `Service`.

        Under the name of a built-in one ("metrics", "db", "guild_data", "cache", "audit", "scheduler") it replaces
        that, and starts at its place. Others start after those, in order of registration. Raises ServiceError while
        the bot runs, for None, and for an object that is registered under another name.
        """
        if self._closing is not None:
            raise ServiceError(f'service "{name}": the bot runs already. Register services before it starts.')
        if service is None:
            raise ServiceError(f'service "{name}": expected an object, got None. Do not register it if there is none.')
        for other, registered in self._registered.items():
            if registered is service and other != name:
                raise ServiceError(f'service "{name}": it is "{other}" already, and would be started twice.')
        self._registered[name] = service

    def get(self, name: str) -> Any:
        """Return a service, or None if no service of that name runs (`missing` may say why).

        A name that resembles that of a service is logged once.
        """
        if name in self._on_demand:
            self._make(name)
        service = self._running.get(name)
        if service is None and self._running and name not in self._known() and name not in self._warned:
            self._warned.add(name)
            if hint := did_you_mean(str(name), self._known(), cutoff=0.8):
                _log.warning('there is no service "%s"%s', name, hint)
        return service

    def _make(self, name: str) -> None:
        with self._making:
            if name in self._on_demand:  # no other thread has made it meanwhile
                self._running[name] = self._on_demand[name]()
                del self._on_demand[name]

    def get_typed(self, name: str, kind: type[T]) -> T | None:
        """Return a service, or None as `get` does. Raises ServiceError if it is not of the class `kind`."""
        service = self.get(name)
        if service is None or isinstance(service, kind):
            return service
        raise ServiceError(
            f'service "{name}": expected {kind.__name__}, it is {type(service).__name__}. If another service may be '
            f'registered under this name, use services.get("{name}")'
        )

    def why_missing(self, name: str) -> str:
        """Return why there is no service of this name, with the nearest name if there never was one."""
        return self.missing.get(name) or f"there is none of that name{did_you_mean(name, self._known())}"

    def _known(self) -> set[str]:
        return {*self._running, *self._registered, *self.missing}

    @property
    def registered(self) -> Mapping[str, object]:
        """The registered services by name, whether they run or not."""
        return self._registered

    def names(self) -> list[str]:
        """Return the names of the services that run, or will when they are first used, in the order of their start."""
        return list(self._running)

    def hold(self, services: Mapping[str, object]) -> None:
        """Provide services that are started and stopped elsewhere."""
        self._running.update(services)

    async def start(
        self,
        built_in: Mapping[str, object] | None = None,
        *,
        on_demand: Mapping[str, Callable[[], object]] | None = None,
        session: Any = None,
        required: Container[str] = (),
    ) -> None:
        """Start `built_in`, then what was registered, one after the other. Each is available once it has started.

        Those `on_demand` are made when they are first used, so that a bot without them does not load their code.

        One that raises is logged, and absent. Raises ServiceError if it is `required`, or if the services run already.
        If this fails or is cancelled, those that had started are stopped.
        """
        if self._closing is not None:
            raise ServiceError("the services run already: stop them before they start again.")
        self.missing = {}
        async with AsyncExitStack() as started:
            self._closing = started
            started.callback(self._forget)
            for name, service in {**(built_in or {}), **(on_demand or {}), **self._registered}.items():
                if on_demand and name in on_demand and name not in self._registered:
                    self._running[name], self._on_demand[name] = None, on_demand[name]
                elif await self._started(name, service, session, name in required):
                    self._running[name] = service
                started.push_async_callback(self._stop, name, session)
            if self._closing is not started:
                raise ServiceError("the services were stopped while they started.")
            self._closing = started.pop_all()

    async def stop(self) -> None:
        """Stop the services in reverse order, each once. What one raises is logged, and the others still stop."""
        if self._closing is not None:
            closing, self._closing = self._closing, AsyncExitStack()  # a second call meanwhile finds nothing to close
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
            expected = isinstance(error, WispError)  # its message says what to do
            if limit.expired():
                self.missing[name] = f"it did not finish within {seconds:g} s"
            else:
                self.missing[name] = str(error) if expected else described(error)
            if not (is_required and expected):
                _log.error('service "%s" did not start: %s', name, self.missing[name], exc_info=not expected)
            if is_required:
                raise ServiceError(f'the bot needs the service "{name}": {self.missing[name]}') from error
            return False
        return True

    async def _stop(self, name: str, session: Any) -> None:
        self._on_demand.pop(name, None)
        stop = getattr(self._running.get(name), "stop", None)
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
            self._running.pop(name, None)

    def _forget(self) -> None:
        self._closing = None


def _awaitable(method: Callable[..., Any], *arguments: object, name: str) -> Awaitable[object]:
    """Call a method of a service. Raises ServiceError if it is not as `Service` describes."""
    try:
        result = method(*arguments)
    except TypeError:
        try:
            inspect.signature(method).bind(*arguments)
        except TypeError as error:
            raise ServiceError(f"expected `async def {name}`, got another signature: {error}") from error
        except ValueError:  # the signature of a C function may be unknown
            pass
        raise
    if not inspect.isawaitable(result):
        raise ServiceError(f"expected `async def {name}`, and it is not async")
    return result
