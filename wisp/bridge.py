"""The private parts of hikari that wisp depends on: the only file that uses them.

`tests/test_bridge.py` names each part, and fails with that name if a new release moves it.
"""

from __future__ import annotations

# pyright: reportPrivateUsage=false
import asyncio
import copy
import math
import platform
import ssl
import sys
from calendar import timegm
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate
from functools import cache, partial
from typing import Any, TypedDict, TypeVar

import aiohttp
import aiohttp.connector
import hikari
import msgspec
from hikari.impl import config as hikari_config
from hikari.impl import event_manager_base, rest, shard
from hikari.internal import data_binding, net, routes

from .tasks import CANCEL_TIMEOUT, end, left_behind

T = TypeVar("T")

Answerable = hikari.CommandInteraction | hikari.ComponentInteraction | hikari.ModalInteraction

ORIGINAL = "@original"
"""The id of the first answer to an interaction in Discord's webhook routes."""

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
UNKNOWN_MESSAGE, ALREADY_ACKNOWLEDGED = 10008, 40060

# Discord waits 3 s for the first answer. A request that is not confirmed is repeated late enough that a slow Discord
# (1 s to confirm) gets no second one, and early enough that two repetitions still arrive in time.
_FIRST_ANSWER_TRIES = ((1.5, 0.0), (1.25, 0.25), (10.0, 0.75), (10.0, None))
"""For each attempt at a first answer: its timeout in seconds, and the pause before the next attempt."""

_TRIES = ((None, 0.5), (None, 1.0), (None, 2.0), (None, None))
"""The same for other requests, which have hikari's own timeouts."""

_HEADERS = {"User-Agent": rest._HTTP_USER_AGENT, "Content-Type": "application/json"}

_POLL_INTERVAL, _CLOSE_TIMEOUT = 0.1, 12.0
"""Seconds between checks of shards that are closing, and the timeout for closing hikari."""

_COMMANDS_MAX_WAIT = 5.0
"""Seconds that a request for commands may wait for rate limits."""

_UNREADABLE = (aiohttp.ClientError, OSError, ValueError, ArithmeticError, AssertionError, msgspec.MsgspecError)
"""Errors besides hikari's own that it raises if a connection breaks or a response cannot be read."""

# hikari asks for it at each connection, and Python starts the program `file` to find it out
platform.architecture = cache(platform.architecture)


# ---- construction ----


def _encode_subclass(value: Any) -> Any:
    # msgspec encodes str and int themselves only; hikari's snowflakes, enums and undefineds are subclasses
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


_encoder = msgspec.json.Encoder(enc_hook=_encode_subclass)


def _loads(data: str | bytes) -> Any:
    return msgspec.json.decode(data)


def to_json(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload that may hold hikari's snowflakes and enums as plain JSON."""
    return msgspec.json.decode(_encoder.encode(payload))


def gateway_bot(token: str, rest_url: str | None) -> hikari.GatewayBot:
    """Return a hikari bot that reads and writes JSON with msgspec. `set_intents` sets its intents later."""
    # reading the system's certificates takes 50 ms, and aiohttp has done it when it was imported
    tls: ssl.SSLContext = aiohttp.connector._SSL_CONTEXT_VERIFIED
    return hikari.GatewayBot(
        token,
        banner=None,
        logs=None,
        suppress_optimization_warning=True,
        intents=hikari.Intents.ALL,
        http_settings=hikari_config.HTTPSettings(
            ssl=tls,
            # by default hikari makes a new connection for each request, which only Windows needs
            force_close_transports=sys.platform == "win32",
        ),
        rest_url=rest_url,
        loads=_loads,
        dumps=_encoder.encode,
    )


class _RESTClient(rest.RESTClientImpl):
    """hikari's REST client, but its requests wait `max_wait` seconds in all for rate limits, and raise a longer one."""

    __slots__ = ("max_wait", "on_date")

    max_wait: float
    on_date: Callable[[int], None] | None

    async def _parse_ratelimits(  # pyright: ignore[reportIncompatibleMethodOverride] - there is no other place
        self, compiled_route: Any, authentication: Any, response: Any
    ) -> float | None:
        if self.on_date is not None and (date := parsedate(response.headers.get("Date"))) is not None:
            self.on_date(timegm(date))
        if response.status != 429:
            return await super()._parse_ratelimits(compiled_route, authentication, response)
        body = await response.read()
        fields = _json_object(body)
        error = hikari.ClientHTTPResponseError(
            url=str(response.real_url),
            status=response.status,
            headers=response.headers,
            raw_body=body,
            message=fields.get("message") or "",
            code=fields.get("code") or 0,
        )
        wait = retry_after(error)
        self.max_wait -= math.inf if wait is None else max(wait, 0.5)
        if self.max_wait < 0:
            raise error
        return wait


def rest_client(client: Any, *, max_wait: float, on_date: Callable[[int], None] | None = None) -> rest.RESTClientImpl:
    """Return a REST client that shares everything with `client`, and waits so long for rate limits in all.

    It raises a longer one as hikari.ClientHTTPResponseError, with the header `Retry-After`. `on_date` is called with
    the date of each response, in whole seconds since the epoch.
    """
    made = object.__new__(_RESTClient)
    for name in rest.RESTClientImpl.__slots__:
        setattr(made, name, getattr(client, name))
    made.max_wait, made.on_date = max_wait, on_date
    return made


def _once(client: Any) -> Any:
    """Return a REST client that shares everything with `client`, but repeats no request."""
    once = copy.copy(client)
    once._max_retries = 0
    return once


def retry_after(error: hikari.HTTPError) -> float | None:
    """Return the seconds that Discord asks to wait before the next attempt, or None if the error does not say."""
    if isinstance(error, hikari.RateLimitTooLongError):
        return max(0.0, error.retry_after)
    if not isinstance(error, hikari.HTTPResponseError):
        return None
    found: list[float] = []
    values: tuple[Any, ...] = (error.headers.get("Retry-After"), _json_object(error.raw_body).get("retry_after"))
    for value in values:
        with suppress(TypeError, ValueError):
            found.append(float(value))
    return max((seconds for seconds in found if 0 <= seconds < math.inf), default=None)


def _json_object(body: Any) -> dict[str, Any]:
    """Return the body of a response as a JSON object, empty if it is not one."""
    with suppress(TypeError, msgspec.MsgspecError):
        return msgspec.json.decode(body, type=dict[str, Any])
    return {}


# ---- gateway ----


def set_intents(gateway: hikari.GatewayBot, intents: hikari.Intents) -> None:
    """Set the intents of shards that start from now on."""
    gateway._intents = intents
    gateway._event_manager._intents = intents


async def close_gateway(gateway: hikari.GatewayBot) -> None:
    """Close a hikari bot.

    Raises TimeoutError if a raw listener holds it up for too long, and the error of a raw listener that ends hikari's
    closing: the connection is cut then.
    """
    shards: list[Any] = list(gateway.shards.values())
    # hikari pauses for 0.25 s to let TLS close, which a connection to a local Discord does not have
    transports = [one._ws for one in shards if one._ws is not None and one._gateway_url.startswith("ws://")]
    for transport in transports:
        transport._sent_close = True
    client: Any = gateway.rest
    if not client.is_alive:
        client.start()  # hikari cannot close what is closed already
    closing = asyncio.ensure_future(gateway.close())
    try:
        await _wait_until_closed(closing, shards)
        for transport in transports:
            await transport._exit_stack.aclose()
    except BaseException:
        closing.cancel()
        await cut_off(gateway)
        raise
    finally:
        # hikari forgets a shard that was still connecting, which would keep retrying forever
        await end([task for task in asyncio.all_tasks() if _is_of_shard(task, gateway)])


async def _wait_until_closed(closing: asyncio.Future[None], shards: Sequence[Any]) -> None:
    deadline = asyncio.get_running_loop().time() + _CLOSE_TIMEOUT
    while not (await asyncio.wait({closing}, timeout=_POLL_INTERVAL))[0]:
        if asyncio.get_running_loop().time() > deadline:
            tasks = asyncio.all_tasks() - set(left_behind)
            listeners = ", ".join(sorted(task.get_name() for task in tasks if _is_listener(task)))
            raise TimeoutError(f"hikari was not closed within {_CLOSE_TIMEOUT:g} s. It waits for: {listeners}")
        for one in shards:
            # a shard that is closed between two connections ignores that, and connects again (hikari 2.6.0)
            if one._is_closing and one._ws is not None:
                one._keep_alive_task.cancel()
    await closing


def _is_listener(task: asyncio.Task[Any]) -> bool:
    invoke = event_manager_base.EventManagerBase._invoke_callback
    return getattr(task.get_coro(), "cr_code", None) is invoke.__code__


async def cut_off(gateway: hikari.GatewayBot) -> None:
    """End the shards without a close frame and without a reconnect, then close the REST client."""
    shards: list[Any] = list(gateway.shards.values())
    transports: list[Any] = [one._ws for one in shards if one._ws is not None]
    for transport in transports:
        transport._sent_close = True
    tasks = [one._keep_alive_task for one in shards if one._keep_alive_task is not None]
    for _ in range(2):  # a raw listener for the end of the connection may hold up the first cancellation
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_TIMEOUT)
    for transport in transports:
        await transport._exit_stack.aclose()
    if gateway.rest.is_alive:
        await gateway.rest.close()


def _is_of_shard(task: asyncio.Task[Any], gateway: hikari.GatewayBot) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    owner = frame.f_locals.get("self") if frame is not None else None
    return isinstance(owner, shard.GatewayShardImpl) and owner._event_manager is gateway._event_manager


# ---- interactions ----


def on_interaction_payload(
    gateway: hikari.GatewayBot,
    is_duplicate: Callable[[int], bool],
    on_awaited: Callable[[int], None],
    on_undecodable: Callable[[Any, Exception], None],
) -> None:
    """Inspect interactions before hikari does, drop duplicates, and handle those that hikari cannot decode.

    `is_duplicate(id)` is called for each, `on_awaited(id)` if a raw `wait_for` may take the interaction (hikari
    forgets the waiter before any listener runs), `on_undecodable(payload, error)` if hikari raised.
    """
    waiters = gateway._event_manager._waiters
    consumer = gateway._event_manager._consumers["interaction_create"]
    consume = consumer.callback

    def on_interaction_create(shard: Any, payload: Any) -> None:
        id = interaction_id(payload)
        if id is None:
            on_undecodable(payload, ValueError("it has no id that can be read"))
            return
        if is_duplicate(id):
            return
        created = hikari.InteractionCreateEvent
        is_awaited = any(issubclass(type, created) or issubclass(created, type) for type in waiters)
        try:
            consume(shard, payload)
        except Exception as error:
            on_undecodable(payload, error)
        else:
            if is_awaited:
                on_awaited(id)

    consumer.callback = on_interaction_create


def interaction_id(payload: Any) -> int | None:
    """Return the id in an interaction's payload, None if it has no valid one."""
    try:
        id = int(payload["id"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return id if 0 <= id < 2**64 else None


def has_raw_listeners(gateway: hikari.GatewayBot, event_type: type[hikari.Event]) -> bool:
    """Return whether a raw listener besides wisp's own may answer an interaction."""
    return len(gateway.get_listeners(event_type)) > 1


# ---- answers ----


class Files:
    """The files of one message, under the names of their form fields.

    `read` takes them into memory once, so that a message can be sent again: a stream can be read only once, and
    reading may take longer than Discord waits for an answer.
    """

    def __init__(self, resources: Sequence[tuple[str, hikari.files.Resource[Any]]]) -> None:
        self._resources = [*resources]

    def sizes(self) -> Iterable[tuple[str, int | None]]:
        """Return the name of each file and its bytes, None if only reading it can tell.

        Raises OSError if a path leads to no file.
        """
        return ((file.filename, _size(file)) for _, file in self._resources)

    async def read(self, client: Any) -> None:
        """Read all files. Raises the errors of reading them."""
        for index, (name, file) in enumerate(self._resources):
            async with file.stream(executor=client._executor) as reader:
                data = await reader.read()
                self._resources[index] = name, hikari.Bytes(data, reader.filename, mimetype=reader.mimetype)

    def form(self, body: Mapping[str, Any]) -> data_binding.URLEncodedFormBuilder:
        """Return a form of the message's JSON and its files."""
        form = data_binding.URLEncodedFormBuilder()
        form.add_field("payload_json", _encoder.encode(body), content_type="application/json")
        for name, file in self._resources:
            form.add_resource(name, file)
        return form


def _size(file: hikari.files.Resource[Any]) -> int | None:
    if isinstance(file, hikari.File):
        return file.path.expanduser().stat().st_size
    return len(file.data) if isinstance(file, hikari.Bytes) and isinstance(file.data, bytes) else None


def message_payload(
    client: Any, content: Any, fields: Mapping[str, Any], *, edit: bool
) -> tuple[dict[str, Any], Files | None]:
    """Return a message as hikari serializes it: its JSON, and its files if it has any."""
    payload, form = client._build_message_payload(content=content, edit=edit, **fields)
    return payload, None if form is None else Files(form._resources)


async def answer(interaction: Answerable, type: int, data: Mapping[str, Any], files: Files | None = None) -> None:
    """Send the first answer, and repeat it until Discord confirms it.

    Only the first request can be refused as a second answer (40060): if a repeated one is, Discord took the one before.
    """
    await answer_raw(interaction.app.rest, interaction.id, interaction.token, type, data, files)


async def answer_raw(
    client: Any, id: int, token: str, type: int, data: Mapping[str, Any], files: Files | None = None
) -> None:
    """Send the first answer to an interaction of which only the id and the token are known, as `answer` does."""
    route = routes.POST_INTERACTION_RESPONSE.compile(interaction=id, token=token)
    body = {"type": int(type), "data": data}
    if files is None:
        await _repeat(_FIRST_ANSWER_TRIES, partial(_post, client, route, body), taken=ALREADY_ACKNOWLEDGED)
    else:  # how long an upload takes says nothing about Discord
        once = _once(client)
        await _repeat(_TRIES, lambda _: _send(once, route, body, files), taken=ALREADY_ACKNOWLEDGED)


async def answer_privately(client: Any, id: int, token: str, text: str) -> None:
    """Send a text that only the user sees as the first answer, as `answer` does."""
    data = {"content": text, "flags": int(hikari.MessageFlag.EPHEMERAL)}
    await answer_raw(client, id, token, hikari.ResponseType.MESSAGE_CREATE, data)


async def send_choices(client: Any, id: int, token: str, choices: list[dict[str, Any]]) -> None:
    """Send the choices of an autocompletion, as `answer` does."""
    await answer_raw(client, id, token, hikari.ResponseType.AUTOCOMPLETE, {"choices": choices})


async def follow_up(interaction: Answerable, data: Mapping[str, Any], files: Files | None = None) -> str:
    """Send another message, at most once, and return its id.

    Discord takes the same follow-up twice, and cannot be asked whether it took one. So a request is repeated only if
    Discord says that it did not take it (an error 5xx), or if no connection was made.
    """
    route = routes.POST_WEBHOOK_WITH_TOKEN.compile(webhook=interaction.application_id, token=interaction.token)
    once = _once(interaction.app.rest)
    sent: Any = await _repeat(_TRIES, lambda _: _send(once, route, data, files, query={"wait": "true"}))
    return sent["id"]


async def edit_answer(
    interaction: Answerable, message: str, data: Mapping[str, Any], files: Files | None = None
) -> None:
    """Edit an answer. If ORIGINAL is a deferral, this fills it."""
    await _send(interaction.app.rest, _message_route("PATCH", interaction, message), data, files)


async def delete_answer(interaction: Answerable, message: str) -> None:
    """Delete an answer or a deferral. Does nothing if it is gone already, as after a lost confirmation."""
    try:
        await _send(interaction.app.rest, _message_route("DELETE", interaction, message))
    except hikari.NotFoundError as error:
        if error.code != UNKNOWN_MESSAGE:
            raise


async def fetch_answer(interaction: Answerable) -> dict[str, Any] | None:
    """Return the first answer as JSON, as Discord has it; None if there is none, or if it is no message."""
    try:
        return await _send(interaction.app.rest, _message_route("GET", interaction, ORIGINAL))
    except hikari.NotFoundError:
        return None


def _message_route(method: str, interaction: Answerable, message: str) -> Any:
    route = getattr(routes, f"{method}_WEBHOOK_MESSAGE")
    return route.compile(webhook=interaction.application_id, token=interaction.token, message=message)


async def _repeat(
    tries: Sequence[tuple[float | None, float | None]],
    send: Callable[[float | None], Awaitable[T]],
    *,
    taken: int | None = None,
) -> T | None:
    """Send a request until it is confirmed, and return the response. `send` is given the seconds until it times out.

    A repeated request that is refused with the code `taken` returns None: Discord took one before, and only its
    confirmation was lost. A request without such a code is not repeated if Discord may have taken it.
    """
    is_repeated = False
    for timeout, pause in tries:
        try:
            return await send(timeout)
        except hikari.HTTPError as error:
            if is_repeated and getattr(error, "code", None) == taken is not None:
                return None
            if pause is None or not _can_be_repeated(error, is_idempotent=taken is not None):
                raise
            if not isinstance(error.__cause__, TimeoutError):
                await asyncio.sleep(pause)
            is_repeated = True
    raise AssertionError("the last try has no pause, and raises")


def _can_be_repeated(error: hikari.HTTPError, *, is_idempotent: bool) -> bool:
    if isinstance(error, (hikari.HTTPResponseError, hikari.RateLimitTooLongError)):
        return isinstance(error, hikari.InternalServerError)
    never_sent = isinstance(error.__cause__, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    return is_idempotent or never_sent


async def _post(client: Any, route: Any, body: Mapping[str, Any], timeout: float | None) -> None:
    """Send JSON once to a route without a rate limit. Raises hikari.HTTPError, also after `timeout` seconds of silence.

    hikari's own request would be retried silently. The seconds start when the request has been sent, and not
    while it waits for a free connection.
    """
    if client._client_session is None:  # hikari says that it is closed
        await _send(client, route, body)
        return
    while True:
        try:
            async with client._client_session.request(
                route.method,
                route.create_url(client._rest_url),
                headers=_HEADERS,
                data=_encoder.encode(body),
                timeout=_client_timeout(timeout),
                proxy=client._proxy_settings.url,
                proxy_headers=client._proxy_settings.all_headers,
            ) as response:
                if 200 <= response.status < 300:
                    return
                pause = await client._parse_ratelimits(route, None, response)
                if pause is None:
                    raise await net.generate_error_response(response)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise hikari.HTTPError(str(error)) from error
        await asyncio.sleep(pause)


@cache
def _client_timeout(seconds: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=seconds, sock_read=seconds)


async def _send(
    client: Any, route: Any, body: Mapping[str, Any] | None = None, files: Files | None = None, **options: Any
) -> Any:
    content = {"json": body} if files is None or body is None else {"form_builder": files.form(body)}
    return await client._request(route, auth=None, **content, **options)


# ---- commands as raw JSON: hikari's models lose fields that wisp must compare ----


class _Command(TypedDict):
    id: str
    name: str


async def fetch_commands(client: Any, application: int, guild: int | None) -> list[dict[str, Any]]:
    """Return Discord's commands of the application, global ones (guild None) or of one guild, with localizations."""
    commands = await _request_commands(client, "GET", application, guild, query={"with_localizations": "true"})
    try:
        msgspec.convert(commands, list[_Command])
    except msgspec.ValidationError as error:
        raise hikari.HTTPError(f"expected a list of commands: {error}") from error
    return commands


async def put_commands(client: Any, application: int, guild: int | None, payloads: list[dict[str, Any]]) -> None:
    """Replace all commands of one scope."""
    await _request_commands(client, "PUT", application, guild, json=payloads)


async def _request_commands(client: Any, method: str, application: int, guild: int | None, **options: Any) -> Any:
    """Make a request that waits only briefly for rate limits. Raises hikari.HTTPError for anything that goes wrong."""
    name = f"{method}_APPLICATION_COMMANDS" if guild is None else f"{method}_APPLICATION_GUILD_COMMANDS"
    route = getattr(routes, name).compile(application=application, guild=guild)
    try:
        return await rest_client(client, max_wait=_COMMANDS_MAX_WAIT)._request(route, **options)
    except _UNREADABLE as error:
        raise hikari.HTTPError(f"{type(error).__name__}: {error}") from error
