"""The pytest fixture `discord`, a local Discord on which the test's bot runs, for every async test runner.

async def test_hello(discord):
    reply = await discord.member("ada").slash("hello")
    assert reply.content == "Hello!"

The bot is the fixture `bot` if there is one, or else the variable `bot` of the test's module. pytest-asyncio (in both
modes) and anyio run the tests that are theirs, this plugin runs all others. pytest loads it by its entry point, so it
imports nothing that only tests with the fixture need.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, Generator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from .bot import Bot
    from .testing import Discord

_LOOP_SCOPES: Final = ("function", "class", "module", "package", "session")

_RUNNER = pytest.StashKey[asyncio.Runner]()
"""The runner of a test that no other plugin runs."""


@pytest.fixture
def discord(request: pytest.FixtureRequest) -> Generator[Discord]:
    """Run the test's bot on a local Discord, and return that. See `wisp.testing.connect`."""
    if not inspect.iscoroutinefunction(inspect.unwrap(request.function)):
        raise pytest.UsageError(f"{request.node.nodeid} takes `discord`: expected `async def`, got a plain function")
    if "anyio_backend" in request.fixturenames:
        yield request.getfixturevalue("discord_of_anyio")
    elif loop_scope := _loop_scope(request.node):
        yield request.getfixturevalue(f"discord_of_asyncio_{loop_scope}")
    else:
        with asyncio.Runner() as runner:
            request.node.stash[_RUNNER] = runner
            connecting = _connect(_bot_of(request))
            yield runner.run(anext(connecting))
            runner.run(anext(connecting, None))


@pytest.fixture
async def discord_of_anyio(request: pytest.FixtureRequest, anyio_backend_name: str) -> AsyncGenerator[Discord]:
    """Do what `discord` does, in the event loop of anyio's plugin."""
    if anyio_backend_name != "asyncio":
        raise pytest.UsageError(
            f"a bot runs on asyncio: expected the anyio_backend 'asyncio', got {anyio_backend_name!r}. "
            "Let a fixture anyio_backend return 'asyncio'"
        )
    async for connected in _connect(_bot_of(request)):
        yield connected


def pytest_configure(config: pytest.Config) -> None:
    """Register fixtures for pytest-asyncio, which in its strict mode only accepts its own.

    A bot must run in the event loop of its test, so there is a fixture for each scope that such a loop can have.
    """
    if config.pluginmanager.hasplugin("asyncio"):
        import pytest_asyncio

        fixtures: Any = ModuleType("wisp.pytest_asyncio")
        for loop_scope in _LOOP_SCOPES:

            async def discord_of_asyncio(request: pytest.FixtureRequest) -> AsyncGenerator[Discord]:
                async for connected in _connect(_bot_of(request)):
                    yield connected

            name = f"discord_of_asyncio_{loop_scope}"
            setattr(fixtures, name, pytest_asyncio.fixture(discord_of_asyncio, loop_scope=loop_scope, name=name))
        config.pluginmanager.register(fixtures)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Raise the bot's remaining errors at the end of a test, and add the conversation to a test that fails."""
    connected = _discord_of(item)
    if connected is None or not isinstance(item, pytest.Function):
        return (yield)
    test = item.obj

    @functools.wraps(test)
    async def run(*arguments: Any, **named: Any) -> None:
        await test(*arguments, **named)
        await connected.finish()

    item.obj = run
    try:
        return (yield)
    except BaseException as error:
        connected.explain(error)
        raise
    finally:
        item.obj = test


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that no other plugin runs."""
    runner = pyfuncitem.stash.get(_RUNNER, None)
    if runner is None:
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    runner.run(pyfuncitem.obj(**{name: value for name, value in pyfuncitem.funcargs.items() if name in names}))
    return True


def _discord_of(item: pytest.Item) -> Discord | None:
    """Return the value of the fixture in a test, None if it does not use it, or uses one of another plugin."""
    given = getattr(item, "funcargs", {}).get("discord")
    return given if type(given).__module__ == "wisp.testing.discord" else None


def _loop_scope(item: pytest.Item) -> str | None:
    """Return the scope of the event loop in which pytest-asyncio runs a test, None if it does not run it."""
    marker = item.get_closest_marker("asyncio")
    if marker is None or not item.config.pluginmanager.hasplugin("asyncio"):
        return None
    default = item.config.getini("asyncio_default_test_loop_scope")
    return marker.kwargs.get("loop_scope") or marker.kwargs.get("scope") or default


async def _connect(bot: Bot) -> AsyncGenerator[Discord]:
    from .testing import connect

    async with connect(bot) as connected:
        yield connected


def _bot_of(request: pytest.FixtureRequest) -> Bot:
    """Return the test's bot. Raises pytest.UsageError if there is none."""
    from .bot import Bot

    try:
        found, place = request.getfixturevalue("bot"), "the fixture `bot`"
    except pytest.FixtureLookupError as error:
        if error.argname != "bot":
            raise
        module = cast("Any", request.module)  # pyright: ignore[reportUnknownMemberType]
        found, place = getattr(module, "bot", None), f"`bot` in {request.path.name}"
    if isinstance(found, Bot):
        return found
    got = "nothing" if found is None else f"a {type(found).__module__}.{type(found).__qualname__}"
    raise pytest.UsageError(
        f"{request.node.nodeid} takes `discord`, which needs a wisp.Bot: expected one as {place}, got {got}. "
        "Import it in the test's file (`from my_bot import bot`), or write a fixture `bot` that returns it"
    )
