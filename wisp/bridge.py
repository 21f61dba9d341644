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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

import aiohttp
import aiohttp.connector
import hikari
import msgspec
from hikari.impl import config as hikari_config
from hikari.impl import rest, shard
from hikari.internal import data_binding, net, routes

from .errors import AnswerError
from .tasks import Overdue, end

T = TypeVar("T")

Answerable = hikari.CommandInteraction | hikari.ComponentInteraction | hikari.ModalInteraction

Files = Sequence[tuple[str, hikari.files.Resource[Any]]]
"""The files of one message, each with the name of its form field."""

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
        loads=msgspec.json.decode,
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
        error: Any = await net.generate_error_response(response)
        body = _json_object(error.raw_body)
        error.message, error.code = body.get("message") or "", body.get("code") or 0
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
    """Close a hikari bot. Raises Overdue if a raw listener holds it up for too long, and cuts the connection."""
    shards: list[Any] = list(gateway.shards.values())
    client: Any = gateway.rest
    if not client.is_alive:
        client.start()  # hikari cannot close what is closed already
    closing = asyncio.ensure_future(gateway.close())
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            while not (await asyncio.wait({closing}, timeout=_POLL_INTERVAL))[0]:
                for one in shards:
                    # a shard that is closed between two connections ignores that, and connects again (hikari 2.6.0)
                    if one._is_closing and one._ws is not None:
                        one._keep_alive_task.cancel()
        await closing
    except TimeoutError:
        raise Overdue(f"took more than {_CLOSE_TIMEOUT:.3g} s: does a raw listener hold it up?") from None
    finally:
        closing.cancel()
        await cut_off(gateway)


async def cut_off(gateway: hikari.GatewayBot) -> None:
    """End the shards without a close frame and without a reconnect, then close the REST client."""
    shards: list[Any] = list(gateway.shards.values())
    transports: list[Any] = [one._ws for one in shards if one._ws is not None]
    for transport in transports:
        transport._sent_close = True
    # hikari forgets a shard that was still connecting, which would keep retrying forever
    tasks = [task for task in asyncio.all_tasks() if _is_of_shard(task, gateway)]
    # a raw listener for the end of the connection may hold up the first cancellation
    await end(await end(tasks))
    for transport in transports:
        await transport._exit_stack.aclose()
    if gateway.rest.is_alive:
        await gateway.rest.close()


def _is_of_shard(task: asyncio.Task[Any], gateway: hikari.GatewayBot) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    owner = frame.f_locals.get("self") if frame is not None else None
    return isinstance(owner, shard.GatewayShardImpl) and owner._event_manager is gateway._event_manager


# ---- interactions ----


class Undecodable(NamedTuple):
    """An interaction that hikari cannot read: the raw fields that an answer needs."""

    app: hikari.RESTAware
    id: Any
    token: Any
    type: Any


Interaction = hikari.PartialInteraction | Undecodable


def on_interaction_payload(
    gateway: hikari.GatewayBot,
    accept: Callable[[int, bool], bool],
    on_undecodable: Callable[[Undecodable, Exception], None],
) -> None:
    """Call `accept(id, is_awaited)` for each interaction before hikari reads it, and drop it if that returns False.

    `is_awaited` is True if a raw `wait_for` may take the interaction: hikari forgets the waiter before any listener
    runs. `on_undecodable` is called for an interaction that hikari cannot read, with its error.
    """
    waiters = gateway._event_manager._waiters
    consumer = gateway._event_manager._consumers["interaction_create"]
    consume = consumer.callback
    created = hikari.InteractionCreateEvent

    def on_interaction_create(shard: Any, payload: Mapping[str, Any]) -> None:
        is_awaited = any(issubclass(type, created) or issubclass(created, type) for type in waiters)
        try:
            if accept(int(payload["id"]), is_awaited):
                consume(shard, payload)
        except Exception as error:
            on_undecodable(Undecodable(gateway, payload.get("id"), payload.get("token"), payload.get("type")), error)

    consumer.callback = on_interaction_create


# ---- answers ----


def message_payload(
    client: Any, content: Any, fields: Mapping[str, Any], *, edit: bool
) -> tuple[dict[str, Any], Files]:
    """Return a message as hikari serializes it: its JSON and its files, not read yet."""
    payload, form = client._build_message_payload(content=content, edit=edit, **fields)
    return payload, () if form is None else form._resources


async def read_files(client: Any, files: Files, limit: int) -> Files:
    """Return files in memory: a stream can be read only once, and a message may be sent again.

    Raises AnswerError if a file has more than `limit` bytes, and the errors of reading them.
    """
    read: list[tuple[str, hikari.Bytes]] = []
    for field, file in files:
        data = bytearray()
        async with file.stream(executor=client._executor) as reader:
            async for chunk in reader:
                data += chunk
                if len(data) > limit:
                    raise AnswerError(
                        f"The file {file.filename} has more than the {limit:,} bytes that Discord accepts here. "
                        "Send a smaller file, or a link to it."
                    )
        read.append((field, hikari.Bytes(bytes(data), reader.filename, mimetype=reader.mimetype)))
    return read


async def answer(interaction: Interaction, type: int, data: Mapping[str, Any], files: Files = ()) -> None:
    """Send the first answer, and repeat it until Discord confirms it.

    Only the first request can be refused as a second answer (40060): if a repeated one is, Discord took the one before.
    """
    client: Any = interaction.app.rest
    route = routes.POST_INTERACTION_RESPONSE.compile(interaction=interaction.id, token=interaction.token)
    body = {"type": int(type), "data": data}
    if not files:
        await _repeat(_FIRST_ANSWER_TRIES, partial(_post, client, route, body), taken=ALREADY_ACKNOWLEDGED)
    else:  # how long an upload takes says nothing about Discord
        once = _once(client)
        await _repeat(_TRIES, lambda _: _send(once, route, body, files), taken=ALREADY_ACKNOWLEDGED)


async def answer_privately(interaction: Interaction, text: str) -> None:
    """Send a text that only the user sees as the first answer, as `answer` does; no choices for an autocomplete."""
    if interaction.type == hikari.InteractionType.AUTOCOMPLETE:
        await send_choices(interaction, [])
    else:
        data = {"content": text, "flags": int(hikari.MessageFlag.EPHEMERAL)}
        await answer(interaction, hikari.ResponseType.MESSAGE_CREATE, data)


async def send_choices(interaction: Interaction, choices: Sequence[Mapping[str, Any]]) -> None:
    """Send the choices of an autocompletion, as `answer` does."""
    await answer(interaction, hikari.ResponseType.AUTOCOMPLETE, {"choices": choices})


async def follow_up(interaction: Answerable, data: Mapping[str, Any], files: Files = ()) -> str:
    """Send another message, at most once, and return its id.

    Discord takes the same follow-up twice, and cannot be asked whether it took one. So a request is repeated only if
    Discord says that it did not take it (an error 5xx), or if no connection was made.
    """
    route = routes.POST_WEBHOOK_WITH_TOKEN.compile(webhook=interaction.application_id, token=interaction.token)
    once = _once(interaction.app.rest)
    sent: Any = await _repeat(_TRIES, lambda _: _send(once, route, data, files, query={"wait": "true"}))
    return sent["id"]


async def edit_answer(interaction: Answerable, message: str, data: Mapping[str, Any], files: Files = ()) -> None:
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
                timeout=aiohttp.ClientTimeout(sock_connect=timeout, sock_read=timeout),
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


async def _send(
    client: Any, route: Any, body: Mapping[str, Any] | None = None, files: Files = (), **options: Any
) -> Any:
    if not files:
        return await client._request(route, auth=None, json=body, **options)
    form = data_binding.URLEncodedFormBuilder()
    form.add_field("payload_json", _encoder.encode(body), content_type="application/json")
    for field, file in files:
        form.add_resource(field, file)
    return await client._request(route, auth=None, form_builder=form, **options)


# ---- commands as raw JSON: hikari's models lose fields that wisp must compare ----


async def fetch_commands(client: Any, application: int, guild: int | None) -> list[dict[str, Any]]:
    """Return Discord's commands of the application, global ones (guild None) or of one guild, with localizations."""
    return await _request_commands(client, "GET", application, guild, query={"with_localizations": "true"})


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
