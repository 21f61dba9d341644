"""The private parts of hikari and lightbulb that wisp stands on: the only file that knows them.

`tests/test_bridge.py` names each part, and fails with that name when a new release moves it.
"""

from __future__ import annotations

# pyright: reportPrivateUsage=false
import asyncio
import copy
import errno
import math
import os
import platform
import ssl
import sys
import time
from calendar import timegm
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from email.utils import parsedate
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import aiohttp
import aiohttp.connector
import hikari
import msgspec
from hikari.impl import config as hikari_config
from hikari.impl import event_manager_base, rest, shard
from hikari.internal import data_binding, net, routes
from hikari.internal import time as hikari_time

from .tasks import LAST_WORDS, end, left_behind

if TYPE_CHECKING:
    from .clock import Clock

T = TypeVar("T")

# Discord waits 3 s for the first answer. A request that is not confirmed is repeated late enough that a slow Discord
# (1 s to confirm) gets no second one, and early enough that two repetitions still arrive in time.
_CALLBACK_TRIES = ((1.5, 0.0), (1.25, 0.25), (10.0, 0.75), (10.0, None))
"""Of each try of a first answer: the seconds of silence before it is given up, and the pause after an error."""
_TRIES = ((None, 0.5), (None, 1.0), (None, 2.0), (None, None))
"""The same of other requests, whose silence hikari's own timeouts end."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
UNKNOWN_MESSAGE, ALREADY_ACKNOWLEDGED = 10008, 40060

_JSON = {"User-Agent": rest._HTTP_USER_AGENT, "Content-Type": "application/json"}

ORIGINAL = "@original"
"""The name under which Discord's webhooks know the first answer to an interaction."""

_GLANCE, _CLOSING = 0.1, 6.0
"""Seconds between two looks at shards that are closing, and those that each has for a goodbye: hikari gives it 5."""

_CLOSING_IN_ALL = 12.0
"""Seconds that hikari has to close, which waits for listeners: a little more than those of wisp have."""

Answerable = hikari.CommandInteraction | hikari.ComponentInteraction | hikari.ModalInteraction


# ---- hikari: construction ----


def _tls() -> ssl.SSLContext:
    # reading the system's certificates takes 50 ms, and aiohttp, which hikari stands on, has done it already
    return aiohttp.connector._SSL_CONTEXT_VERIFIED


def _loads(data: str | bytes) -> Any:
    return msgspec.json.decode(data)


def _plain(value: Any) -> Any:
    # msgspec encodes str and int themselves only; hikari's snowflakes, enums and undefineds are subclasses
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")


encoder = msgspec.json.Encoder(enc_hook=_plain)


def gateway_bot(token: str, rest_url: str | None) -> hikari.GatewayBot:
    """A hikari bot that reads and writes JSON with msgspec. Its intents are settled later: `set_intents`."""
    gateway = hikari.GatewayBot(
        token,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
        intents=hikari.Intents.ALL,
        http_settings=hikari_config.HTTPSettings(
            ssl=_tls(),
            # else each call makes a connection, and shakes hands over TLS; hikari means that for Windows
            force_close_transports=sys.platform == "win32",
        ),
        rest_url=rest_url,
        loads=_loads,
        dumps=encoder.encode,
    )
    gateway._rest.__class__ = _RESTClient
    _remember_architecture()
    return gateway


@cache
def _remember_architecture() -> None:
    """Let Python remember what hikari asks for at each connection: to find it out, it starts the program `file`."""
    platform.architecture = cache(platform.architecture)


class _RESTClient(rest.RESTClientImpl):
    """hikari's REST client, with calls that raise a long rate limit. hikari sleeps through it, for any time."""

    __slots__ = ()

    async def fetch_gateway_bot_info(self) -> hikari.GatewayBotInfo:
        known = _known_gateway.get()
        return known.pop() if known else await super().fetch_gateway_bot_info()

    async def _parse_ratelimits(  # pyright: ignore[reportIncompatibleMethodOverride] - there is no other place
        self, compiled_route: Any, authentication: Any, response: Any
    ) -> float | None:
        patience = _patience.get()
        if patience is None or response.status != 429:
            return await super()._parse_ratelimits(compiled_route, authentication, response)
        body = await response.read()
        said = _json_object(body)
        error = hikari.ClientHTTPResponseError(
            url=str(response.real_url),
            status=response.status,
            headers=response.headers,
            raw_body=body,
            message=said.get("message") or "",
            code=said.get("code") or 0,
        )
        wait = retry_after(error)
        if wait is None or not patience.covers(wait):
            raise error
        return wait


class _Patience:
    """The seconds that calls may wait for rate limits, all of them together."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def covers(self, seconds: float) -> bool:
        """Take these seconds, if there are as many left. No wait counts as less than 0.5 s."""
        self._left -= max(seconds, 0.5)
        return self._left >= 0


_patience: ContextVar[_Patience | None] = ContextVar("wisp patience with rate limits", default=None)

_PATIENCE = 5.0
"""Seconds that a call for commands waits for rate limits."""


@contextmanager
def patience(seconds: float) -> Generator[None]:
    """Inside, the calls of a bot wait this long for rate limits, and raise what asks for more, with `Retry-After`."""
    token = _patience.set(_Patience(seconds))
    try:
        yield
    finally:
        _patience.reset(token)


def retry_after(error: hikari.HTTPError) -> float | None:
    """The seconds that Discord asks to wait before the next attempt, or None if the error does not say."""
    if isinstance(error, hikari.RateLimitTooLongError):
        return max(0.0, error.retry_after)
    if not isinstance(error, hikari.HTTPResponseError):
        return None
    found: list[float] = []
    said: tuple[Any, ...] = (error.headers.get("Retry-After"), _json_object(error.raw_body).get("retry_after"))
    for value in said:
        with suppress(TypeError, ValueError):
            found.append(float(value))
    return max((seconds for seconds in found if 0 <= seconds < math.inf), default=None)


def _json_object(body: Any) -> dict[str, Any]:
    """The body of an answer as a JSON object, empty if it is none."""
    with suppress(TypeError, msgspec.MsgspecError):
        return msgspec.json.decode(body, type=dict[str, Any])
    return {}


def set_intents(gateway: hikari.GatewayBot, intents: hikari.Intents) -> None:
    """Settle what the shards will ask for. They read it when they are started."""
    gateway._intents = intents
    gateway._event_manager._intents = intents


async def start_gateway(gateway: hikari.GatewayBot, known: list[hikari.GatewayBotInfo]) -> None:
    """Start a hikari bot. It does not ask for the gateway if a listener for StartingEvent put that in `known`."""
    token = _known_gateway.set(known)
    try:
        await gateway.start(check_for_updates=False)
    finally:
        _known_gateway.reset(token)


_known_gateway: ContextVar[list[hikari.GatewayBotInfo] | None] = ContextVar("wisp known gateway", default=None)


async def close_gateway(gateway: hikari.GatewayBot) -> None:
    """Close a hikari bot; without its pause of 0.25 s for TLS where the connection has none.

    Raises TimeoutError if a raw listener holds it up for too long, and what one raises that ends hikari's closing: the
    connection is cut then.
    """
    plain: list[Any] = []
    shards: list[Any] = list(gateway.shards.values())
    for one in shards:
        transport = one._ws
        if transport is not None and one._gateway_url.startswith("ws://"):
            transport._sent_close = True
            plain.append(transport)
    rest: Any = gateway.rest
    if not rest.is_alive:
        rest.start()  # hikari complains of what is closed already
    closing = asyncio.ensure_future(gateway.close())
    try:
        await _closed(closing, shards)
        for transport in plain:
            await transport._exit_stack.aclose()
    except BaseException:
        closing.cancel()
        await cut_off(gateway)
        raise
    finally:
        # a shard that was still connecting is known to nobody, and would go on trying for ever
        await end([task for task in asyncio.all_tasks() if _is_of_shard(task, gateway)])


async def _closed(closing: asyncio.Future[None], shards: Sequence[Any]) -> None:
    """Wait until hikari has closed. Raises TimeoutError if it does not."""
    began = asyncio.get_running_loop().time()
    while not (await asyncio.wait({closing}, timeout=_GLANCE))[0]:
        seconds = asyncio.get_running_loop().time() - began
        if seconds > _CLOSING_IN_ALL:
            tasks = asyncio.all_tasks() - set(left_behind)
            listeners = ", ".join(sorted(task.get_name() for task in tasks if _is_listener(task)))
            raise TimeoutError(f"hikari was not closed within {_CLOSING_IN_ALL:g} s. It waits for: {listeners}")
        for one in shards:
            # who closes a shard between two connections is not heard: it goes on, with its next one (hikari 2.6.0)
            if one._keep_alive_task is not None and ((one._is_closing and one._ws is not None) or seconds > _CLOSING):
                one._keep_alive_task.cancel()
    await closing


def _is_listener(task: asyncio.Task[Any]) -> bool:
    invoke = event_manager_base.EventManagerBase._invoke_callback
    return getattr(task.get_coro(), "cr_code", None) is invoke.__code__


async def cut_off(gateway: hikari.GatewayBot) -> None:
    """End the shards without a word to Discord, and without another attempt to reach it; then REST."""
    shards: list[Any] = list(gateway.shards.values())
    transports: list[Any] = [one._ws for one in shards if one._ws is not None]
    for transport in transports:
        transport._sent_close = True
    tasks = [one._keep_alive_task for one in shards if one._keep_alive_task is not None]
    for _ in range(2):  # a raw listener for the end of the connection may hold up the first cancellation
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS)
    for transport in transports:
        await transport._exit_stack.aclose()
    if gateway.rest.is_alive:
        await gateway.rest.close()


def _is_of_shard(task: asyncio.Task[Any], gateway: hikari.GatewayBot) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    owner = frame.f_locals.get("self") if frame is not None else None
    return isinstance(owner, shard.GatewayShardImpl) and owner._event_manager is gateway._event_manager


def away(gateway: hikari.GatewayBot) -> bool:
    """Whether a shard is not connected, and tries to be."""
    shards: list[Any] = list(gateway.shards.values())
    return any(not one.is_connected for one in shards if one._keep_alive_task and not one._keep_alive_task.done())


def let_hikari_ask_the_loop(clock: Clock) -> None:
    """Let hikari take the time from the event loop, where virtual time moves it; the date is that of this clock.

    Two moments differ, also if time stands still: hikari takes a connection for dead whose heartbeat was answered at
    the moment at which it was sent.
    """
    epoch, last = clock.time() - clock.monotonic(), 0.0

    def now() -> float:
        nonlocal last
        try:
            moment = epoch + asyncio.get_running_loop().time()
        except RuntimeError:
            return time.time()
        last = math.nextafter(last, math.inf) if moment <= last < moment + 1 else moment
        return last

    hikari_time.time = now


def ended(gateway: hikari.GatewayBot) -> str | None:
    """Why a shard has given up, and connects no more; None where all are there, or try to be."""
    shards: list[Any] = list(gateway.shards.values())
    for one in shards:
        task: asyncio.Task[None] | None = one._keep_alive_task
        if task is not None and task.done() and not task.cancelled():
            return str(task.exception() or "it was closed")
    return None


def listening(gateway: hikari.GatewayBot) -> set[asyncio.Task[None]]:
    """The tasks of all listeners that run now, wisp's and others."""
    return gateway._event_manager._dispatched_tasks


def on_interaction_payload(
    gateway: hikari.GatewayBot,
    came_before: Callable[[int], bool],
    awaited: Callable[[int], None],
    undecodable: Callable[[Any, Exception], None],
) -> None:
    """Look at interactions before hikari does, drop those that come again, and see to those that it cannot read.

    `came_before(id)` is asked for each, `awaited(id)` called where a raw `wait_for` may take the interaction (hikari
    forgets the waiter before any listener runs), `undecodable(payload, error)` where hikari raised.
    """
    waiters = gateway._event_manager._waiters
    consumer = gateway._event_manager._consumers["interaction_create"]
    consume = consumer.callback

    def on_interaction_create(shard: Any, payload: Any) -> None:
        id = interaction_id(payload)
        if id is None:
            undecodable(payload, ValueError("it has no id that can be read"))
            return
        if came_before(id):
            return
        is_awaited = any(map(_may_be_interaction, waiters))
        try:
            consume(shard, payload)
        except Exception as error:
            undecodable(payload, error)
        else:
            if is_awaited:
                awaited(id)

    consumer.callback = on_interaction_create


def interaction_id(payload: Any) -> int | None:
    """Return the id of an interaction's payload, None if there is none that can be read."""
    try:
        id = int(payload["id"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return id if 0 <= id < 2**64 else None


def _may_be_interaction(event_type: type[hikari.Event]) -> bool:
    """Return whether interactions are events of this type, or of a base class of it."""
    created = hikari.InteractionCreateEvent
    return issubclass(event_type, created) or issubclass(created, event_type)


# ---- hikari: answers ----


class Files:
    """The files of one message, under the names of their form fields.

    `read` takes them into memory once, so that a message can be sent again: a stream can be read only once, and
    reading may take longer than Discord waits for an answer.
    """

    def __init__(self, resources: Sequence[tuple[str, hikari.files.Resource[Any]]]) -> None:
        self._resources = resources

    def sizes(self) -> Iterable[tuple[str, int | None]]:
        """The name of each file and its bytes, None if only reading it can tell.

        Raises OSError for a path that leads to no file.
        """
        return ((file.filename, _size(file)) for _, file in self._resources)

    async def read(self, rest: hikari.api.RESTClient) -> None:
        """Read all files. Raises what reading raises."""
        executor = _parts(rest)._executor
        self._resources = [(name, await _in_memory(file, executor)) for name, file in self._resources]

    def form(self, body: Mapping[str, Any]) -> data_binding.URLEncodedFormBuilder:
        """A form of the message's JSON and its files."""
        form = data_binding.URLEncodedFormBuilder()
        form.add_field("payload_json", encoder.encode(body), content_type="application/json")
        for name, file in self._resources:
            form.add_resource(name, file)
        return form


def _size(file: hikari.files.Resource[Any]) -> int | None:
    if isinstance(file, hikari.File):
        path = file.path.expanduser()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        return path.stat().st_size
    return len(file.data) if isinstance(file, hikari.Bytes) and isinstance(file.data, bytes) else None


async def _in_memory(file: hikari.files.Resource[Any], executor: Any) -> hikari.Bytes:
    async with file.stream(executor=executor) as reader:
        return hikari.Bytes(await reader.read(), reader.filename, mimetype=reader.mimetype)


def message_payload(
    rest: hikari.api.RESTClient, content: Any, fields: Mapping[str, Any], *, edit: bool
) -> tuple[dict[str, Any], Files | None]:
    """hikari's own serialization of a message: the JSON, and its files if it has any."""
    payload, form = _parts(rest)._build_message_payload(content=content, edit=edit, **fields)
    return payload, None if form is None else Files(form._resources)


async def answer(interaction: Answerable, type: int, data: Mapping[str, Any], files: Files | None = None) -> None:
    """Send the first answer, and repeat it until Discord confirms it.

    Only the first request can be refused as a second answer (40060): if a repeated one is, Discord took the one before.
    The request asks for no copy of the message, which hikari would read without need.
    """
    await answer_raw(interaction.app.rest, interaction.id, interaction.token, type, data, files)


async def answer_raw(
    rest: hikari.api.RESTClient, id: int, token: str, type: int, data: Mapping[str, Any], files: Files | None = None
) -> None:
    """Send the first answer to an interaction of which only the id and the token are known, as `answer` does."""
    route = routes.POST_INTERACTION_RESPONSE.compile(interaction=id, token=token)
    body = {"type": int(type), "data": data}
    if files is None:
        await _confirmed(_CALLBACK_TRIES, partial(_post, rest, route, body), taken=ALREADY_ACKNOWLEDGED)
    else:  # how long an upload takes says nothing of Discord
        once = _single_try(rest)
        await _confirmed(_TRIES, lambda _: _send(once, route, body, files), taken=ALREADY_ACKNOWLEDGED)


async def answer_privately(rest: hikari.api.RESTClient, id: int, token: str, text: str) -> None:
    """Send a text that only the user sees as the first answer, as `answer` does."""
    data = {"content": text, "flags": int(hikari.MessageFlag.EPHEMERAL)}
    await answer_raw(rest, id, token, hikari.ResponseType.MESSAGE_CREATE, data)


async def send_choices(rest: hikari.api.RESTClient, id: int, token: str, choices: list[dict[str, Any]]) -> None:
    """Send the choices of an autocompletion, as `answer` does."""
    await answer_raw(rest, id, token, hikari.ResponseType.AUTOCOMPLETE, {"choices": choices})


async def edit_answer(
    interaction: Answerable, message: str, data: Mapping[str, Any], files: Files | None = None
) -> None:
    """Change an answer. If ORIGINAL is a deferral, this fills it."""
    await _send(interaction.app.rest, _message_route("PATCH", interaction, message), data, files)


async def follow_up(interaction: Answerable, data: Mapping[str, Any], files: Files | None = None) -> str:
    """Send another message; its id.

    It is sent at most once. Discord cannot be asked whether it took a follow-up, and takes the same one twice, so a
    request is repeated only if Discord says that it did not take it (an error 5xx, which is believed), or if no
    connection was made.
    """
    route = routes.POST_WEBHOOK_WITH_TOKEN.compile(webhook=interaction.application_id, token=interaction.token)
    once = _single_try(interaction.app.rest)
    sent: Any = await _confirmed(_TRIES, lambda _: _send(once, route, data, files, {"wait": "true"}))
    return sent["id"]


async def delete_answer(interaction: Answerable, message: str) -> None:
    """Delete an answer, or a deferral. Does nothing if it is gone already, as after a lost confirmation."""
    try:
        await _send(interaction.app.rest, _message_route("DELETE", interaction, message))
    except hikari.NotFoundError as error:
        if error.code != UNKNOWN_MESSAGE:
            raise


def reporting_date(rest: hikari.api.RESTClient, observe: Callable[[int], None]) -> hikari.api.RESTClient:
    """hikari's REST client, sharing everything, that reports the date of each response.

    `observe` is called with whole seconds since the epoch.
    """
    return _with_session(rest, _Dated(_parts(rest)._client_session, observe))


class _Dated:
    """An HTTP session that reports the date of each response."""

    __slots__ = ("_observe", "_session")

    def __init__(self, session: aiohttp.ClientSession, observe: Callable[[int], None]) -> None:
        self._session = session
        self._observe = observe

    @asynccontextmanager
    async def request(self, *args: Any, **options: Any) -> AsyncGenerator[aiohttp.ClientResponse]:
        async with self._session.request(*args, **options) as response:
            if (date := parsedate(response.headers.get("Date"))) is not None:
                self._observe(timegm(date))
            yield response


async def _confirmed(
    tries: Sequence[tuple[float | None, float | None]],
    send: Callable[[float | None], Awaitable[T]],
    *,
    taken: int | None = None,
) -> T | None:
    """The answer to a request that is repeated if it fails; None if a repeated one is refused with the code `taken`.

    `send` is given the seconds of silence after which it raises. That refusal says that Discord took the request
    before, and that only its confirmation was lost. A request without such a code is not repeated if Discord may have
    taken it.
    """
    repeated = False
    for silence, pause in tries:
        try:
            return await send(silence)
        except hikari.HTTPError as error:
            if repeated and getattr(error, "code", None) == taken is not None:
                return None
            if pause is None or not _can_be_repeated(error, taken is not None):
                raise
            if not isinstance(error.__cause__, TimeoutError):
                await asyncio.sleep(pause)
            repeated = True
    raise AssertionError("the last try has no pause, and raises")


def _can_be_repeated(error: hikari.HTTPError, is_idempotent: bool) -> bool:
    if isinstance(error, (hikari.HTTPResponseError, hikari.RateLimitTooLongError)):
        return isinstance(error, hikari.InternalServerError)
    never_sent = isinstance(error.__cause__, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    return is_idempotent or never_sent


async def _post(rest: hikari.api.RESTClient, route: Any, body: Mapping[str, Any], silence: float | None) -> None:
    """Send JSON once to a route without a rate limit. Raises hikari.HTTPError, also after some seconds of silence.

    hikari's own sending would repeat the request without saying so. The seconds start when the request has been sent,
    and not while it waits for a free connection.
    """
    parts = _parts(rest)
    if parts._client_session is None:  # hikari says that it is closed
        await _request(rest, route, json=body, auth=None)
        return
    while True:
        try:
            async with parts._client_session.request(
                route.method,
                route.create_url(parts._rest_url),
                headers=_JSON,
                data=encoder.encode(body),
                timeout=_timeout(silence),
                proxy=parts._proxy_settings.url,
                proxy_headers=parts._proxy_settings.all_headers,
            ) as response:
                if 200 <= response.status < 300:
                    return
                pause = await parts._parse_ratelimits(route, None, response)
                if pause is None:
                    raise await net.generate_error_response(response)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise hikari.HTTPError(str(error)) from error
        await asyncio.sleep(pause)


@cache
def _timeout(silence: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=silence, sock_read=silence)


def _single_try(rest: hikari.api.RESTClient) -> hikari.api.RESTClient:
    """hikari's REST client, sharing everything, that does not repeat a request."""
    once = copy.copy(rest)
    _parts(once)._max_retries = 0
    return once


def _with_session(rest: hikari.api.RESTClient, session: Any) -> hikari.api.RESTClient:
    other = copy.copy(rest)
    _parts(other)._client_session = session
    return other


def _parts(rest: Any) -> Any:
    return rest


async def fetch_answer(interaction: Answerable) -> dict[str, Any] | None:
    """The first answer as Discord has it, as JSON; None where there is none, or no message."""
    try:
        return await _send(interaction.app.rest, _message_route("GET", interaction, ORIGINAL))
    except hikari.NotFoundError:
        return None


def _message_route(method: str, interaction: Answerable, message: str) -> Any:
    route = getattr(routes, f"{method}_WEBHOOK_MESSAGE")
    return route.compile(webhook=interaction.application_id, token=interaction.token, message=message)


async def _send(
    rest: hikari.api.RESTClient,
    route: Any,
    body: Mapping[str, Any] | None = None,
    files: Files | None = None,
    query: Any = None,
) -> Any:
    if files is None or body is None:
        return await _request(rest, route, json=body, query=query, auth=None)
    return await _request(rest, route, form_builder=files.form(body), query=query, auth=None)


def _request(rest: hikari.api.RESTClient, route: Any, **what: Any) -> Awaitable[Any]:
    return _parts(rest)._request(route, **what)


# ---- hikari: commands as raw JSON, since its models lose what wisp must compare; each raises hikari.HTTPError ----


async def fetch_commands(rest: hikari.api.RESTClient, application: int, guild: int | None) -> list[dict[str, Any]]:
    """Discord's commands of the application, everywhere (guild None) or in one guild, localizations included."""
    route = _commands_route("GET", application, guild)
    commands = await _call_for_commands(rest, route, query={"with_localizations": "true"})
    try:
        msgspec.convert(commands, list[_Command])
    except msgspec.ValidationError as error:
        raise hikari.HTTPError(f"this is no list of commands: {error}") from error
    return commands


class _Command(TypedDict):
    id: str
    name: str


async def put_commands(
    rest: hikari.api.RESTClient, application: int, guild: int | None, payloads: list[dict[str, Any]]
) -> None:
    """Replace all commands of one scope."""
    await _call_for_commands(rest, _commands_route("PUT", application, guild), json=payloads)


async def post_command(
    rest: hikari.api.RESTClient, application: int, guild: int | None, payload: dict[str, Any]
) -> None:
    """Create one command, or overwrite the one of its name and type."""
    await _call_for_commands(rest, _commands_route("POST", application, guild), json=payload)


async def delete_command(rest: hikari.api.RESTClient, application: int, guild: int | None, command: int) -> None:
    """Delete one command."""
    scope = {} if guild is None else {"guild": guild}
    kind = "" if guild is None else "GUILD_"
    route = getattr(routes, f"DELETE_APPLICATION_{kind}COMMAND")
    await _call_for_commands(rest, route.compile(application=application, command=command, **scope))


async def _call_for_commands(rest: hikari.api.RESTClient, route: Any, **what: Any) -> Any:
    """Make a call that waits only briefly for rate limits. Raises hikari.HTTPError for whatever goes wrong."""
    try:
        with patience(_PATIENCE):
            return await _request(rest, route, **what)
    except _UNREADABLE as error:
        raise hikari.HTTPError(f"{type(error).__name__}: {error}") from error


_UNREADABLE = (aiohttp.ClientError, OSError, ValueError, ArithmeticError, AssertionError, msgspec.MsgspecError)
"""What hikari raises, besides its own errors, for a connection that breaks or an answer that it cannot read."""


def _commands_route(method: str, application: int, guild: int | None) -> Any:
    kind, plural = ("" if guild is None else "GUILD_"), ("" if method == "POST" else "S")
    route = getattr(routes, f"{method}_APPLICATION_{kind}COMMAND{plural}")
    return route.compile(application=application, **({} if guild is None else {"guild": guild}))


def has_other_listeners(gateway: hikari.GatewayBot, event_type: type[hikari.Event]) -> bool:
    """Whether a raw listener besides wisp's own may answer an interaction."""
    return len(gateway.get_listeners(event_type)) > 1
