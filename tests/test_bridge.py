"""The private parts of hikari and lightbulb that wisp stands on are where wisp/bridge.py and others look for them."""

import asyncio
import inspect
import sqlite3
import ssl

import aiohttp.connector
import aiosqlite
import hikari
import lightbulb
import pytest
from hikari.impl import event_manager_base, rest, shard
from hikari.internal import data_binding, routes
from hikari.internal import time as hikari_time

from wisp.local.hikari_probes import use_loop_time
from wisp.local.virtual_time import VirtualTime

MOVED = "a new release moved this: adapt wisp/bridge.py, wisp/lightbulb_compat.py or wisp/local/hikari_probes.py"
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.xxxxxx.yyyyyyyyyyyyyyyyyyyyyyyyyyy"


@pytest.fixture
async def gateway() -> hikari.GatewayBot:
    return hikari.GatewayBot(TOKEN, banner=None, logs=None, suppress_optimization_warning=True)


@pytest.mark.parametrize("name", ["_intents", "_event_manager", "_rest"])
async def test_hikaris_bot_has(gateway: hikari.GatewayBot, name: str) -> None:
    assert hasattr(gateway, name), MOVED


async def test_hikaris_event_manager_keeps_intents_and_consumers(gateway: hikari.GatewayBot) -> None:
    manager = gateway._event_manager
    assert hasattr(manager, "_intents"), MOVED
    assert callable(manager._consumers["interaction_create"].callback), MOVED
    assert manager._waiters == {}, MOVED


@pytest.mark.parametrize("name", ["_ws", "_event_manager", "_keep_alive_task", "_is_closing"])
def test_hikaris_shard_has(name: str) -> None:
    assert name in shard.GatewayShardImpl.__slots__, MOVED


async def test_hikaris_shard_pauses_in_a_plain_sleep_before_it_connects_again() -> None:
    source = inspect.getsource(shard.GatewayShardImpl._keep_alive)
    assert "await asyncio.sleep(backoff_time)" in source, MOVED
    pause = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    assert isinstance(pause.get_coro().cr_frame.f_locals["h"], asyncio.TimerHandle), MOVED  # type: ignore[union-attr]
    pause.cancel()


def test_hikaris_rest_client_knows_the_route_that_it_calls() -> None:
    assert "compiled_route" in rest.RESTClientImpl._request.__code__.co_varnames, MOVED
    assert {"method", "compiled_path"} <= set(dir(routes.GET_MY_USER.compile())), MOVED


def test_hikaris_form_of_a_message_keeps_its_files() -> None:
    form = data_binding.URLEncodedFormBuilder()
    form.add_resource("files[0]", hikari.Bytes(b"x", "a.txt"))
    [(_, file)] = form._resources
    assert file.filename == "a.txt", MOVED


async def test_hikaris_rest_client_looks_for_rate_limits_in_one_place_and_retries_after_its_result(
    gateway: hikari.GatewayBot,
) -> None:
    source = inspect.getsource(rest.RESTClientImpl._request)
    assert "await self._parse_ratelimits(compiled_route, auth, response)" in source, MOVED
    assert "await asyncio.sleep(time_before_retry)" in source, MOVED
    assert type(gateway._rest) is rest.RESTClientImpl, MOVED
    assert gateway.rest is gateway._rest, MOVED


async def test_hikaris_rest_client_is_all_in_its_slots(gateway: hikari.GatewayBot) -> None:
    assert not hasattr(gateway._rest, "__dict__"), MOVED
    assert all(hasattr(gateway._rest, name) for name in rest.RESTClientImpl.__slots__), MOVED


@pytest.mark.parametrize("name", ["_sent_close", "_exit_stack"])
def test_hikaris_gateway_transport_has(name: str) -> None:
    assert name in shard._GatewayTransport.__slots__, MOVED


def test_hikari_does_not_close_a_transport_that_says_it_is_closed() -> None:
    source = inspect.getsource(shard._GatewayTransport.send_close)
    assert source.index("if self._sent_close") < source.index("self._ws.close"), MOVED


def test_aiohttp_keeps_a_tls_context_that_verifies() -> None:
    context = aiohttp.connector._SSL_CONTEXT_VERIFIED
    assert isinstance(context, ssl.SSLContext), MOVED
    assert context.verify_mode is ssl.CERT_REQUIRED, MOVED
    assert context.check_hostname, MOVED


def test_hikari_shields_its_start_against_exceptions_only() -> None:
    assert "except Exception as" in inspect.getsource(event_manager_base.EventManagerBase._invoke_callback), MOVED


def test_hikaris_rest_client_takes_raw_requests_and_builds_messages() -> None:
    request = inspect.signature(rest.RESTClientImpl._request).parameters
    assert {"compiled_route", "query", "form_builder", "json", "auth"} <= set(request), MOVED
    build = inspect.signature(rest.RESTClientImpl._build_message_payload).parameters
    assert {"content", "embed", "embeds", "components", "attachments", "flags", "edit"} <= set(build), MOVED


@pytest.mark.parametrize(
    "name",
    [
        "POST_INTERACTION_RESPONSE",
        "PATCH_WEBHOOK_MESSAGE",
        "DELETE_WEBHOOK_MESSAGE",
        "POST_WEBHOOK_WITH_TOKEN",
        *(f"{method}_APPLICATION_{kind}COMMANDS" for method in ("GET", "PUT") for kind in ("", "GUILD_")),
    ],
)
def test_hikari_knows_the_route(name: str) -> None:
    assert isinstance(getattr(routes, name, None), routes.Route), MOVED


@pytest.mark.parametrize(
    "name",
    [
        "_registered_commands",
        "_attached_menus",
        "_attached_modals",
        "_resolve_options_and_command",
        "_execute_command_context",
        "_started",
    ],
)
async def test_lightbulbs_client_has(gateway: hikari.GatewayBot, name: str) -> None:
    assert hasattr(lightbulb.client_from_app(gateway), name), MOVED


async def test_lightbulb_listens_to_interactions_with_one_listener(gateway: hikari.GatewayBot) -> None:
    lightbulb.client_from_app(gateway)
    assert len(gateway.get_listeners(hikari.InteractionCreateEvent, polymorphic=False)) == 1, MOVED


async def test_lightbulb_without_syncing_asks_discord_for_nothing(gateway: hikari.GatewayBot) -> None:
    client = lightbulb.client_from_app(gateway, sync_commands=False)
    # REST is not started: any request would raise
    await client.start()
    await client.stop()
    assert client._started, MOVED


async def test_aiosqlite_runs_any_function_in_the_thread_of_a_connection() -> None:
    async with aiosqlite.connect(":memory:") as connection:
        found = await connection._execute(lambda raw, number: (raw, number), connection._conn, 1)
    assert found[1] == 1, MOVED
    assert isinstance(found[0], sqlite3.Connection), MOVED


async def test_hikari_takes_the_time_from_the_event_loop_and_no_two_moments_are_equal(time: VirtualTime) -> None:
    use_loop_time(time.clock)
    moments = [hikari_time.time() for _ in range(1000)]
    assert moments == sorted(set(moments))
    assert 0 <= moments[-1] - time.clock.time() < 0.001
    await time.advance(3600)
    assert hikari_time.time() == pytest.approx(time.clock.time(), abs=1e-6)
