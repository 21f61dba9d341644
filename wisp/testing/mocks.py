"""Mocks for unit tests: a bot, a context and an interaction without a Discord, on real services in memory.

async def test_my_module() -> None:
    bot, ctx = create_mock_bot(), create_mock_context()
    await MyModule().setup(bot, ctx)
    interaction = create_mock_interaction(user_id=123456)
    await bot.find("greet")(interaction, "Ada")
    assert interaction.replies[0].content == "Hello Ada!"

A command that is called this way is just its function: guards, options and cooldowns only apply with `connect`.
"""

from __future__ import annotations

import difflib
import itertools
import sqlite3
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

import hikari
import msgspec

from .. import bridge
from ..bot import Bot
from ..clock import Clock
from ..commands import Command
from ..config import Config
from ..context import Context, runtime_of
from ..modules import Module, ModuleBot, ModuleContext
from ..services.audit import AuditService
from ..services.cache import CacheService
from ..services.database import MEMORY, DatabaseService
from ..services.guild_data import GuildData
from ..services.metrics import MetricsService
from ..session import Session

T = TypeVar("T")

_TOKEN = "MTE4MDAwMDAwMDAwMDAwMDAwMQ.mock.not-a-real-token"
_APPLICATION = 1180000000000000001
_GUILD = 1180000000000000002
_CHANNEL = 1180000000000000003
_DISCORD_EPOCH_MS = 1420070400000

_ALL = hikari.Permissions.all_permissions()

_numbers = itertools.count(1)


class _SuggestsNames:
    """Raises AttributeError with the most similar name for a name that does not exist."""

    def __getattr__(self, name: str) -> Any:
        known = [one for one in dir(self) if not one.startswith("_")]
        nearest = difflib.get_close_matches(name, known, 1, 0.4)
        hint = f"Did you mean {nearest[0]!r}?" if nearest else f"It has {', '.join(known)}."
        raise AttributeError(f"{type(self).__name__} has no {name!r}. {hint}", name=name, obj=self)


# ---- services and REST ----


class _InThisThread:
    """A connection to SQLite without a thread, in which work is done at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.close_now: Callable[[], object] = weakref.finalize(self, connection.close)

    async def do(self, work: Callable[..., T], *args: Any) -> T:
        return work(self._connection, *args)

    async def close(self) -> None:
        self.close_now()


class _Database(DatabaseService):
    """A database in memory that is opened without an event loop, and closed by the garbage collector."""

    async def _open(self, timeout: float) -> Any:
        return _InThisThread(sqlite3.connect(MEMORY, isolation_level=None, check_same_thread=False))


class _Session(Session):
    """A session that never connects, and whose services have started."""

    def __init__(self, bot: Bot) -> None:
        clock = Clock()
        db = _Database(MEMORY, clock=clock)
        super().__init__(bot, Config(token=_TOKEN, database=MEMORY), clock, database=db)
        runtime = self.runtime
        runtime.guild_data = GuildData(db)
        audit = AuditService()
        audit.use(db, clock, token=_TOKEN)
        _at_once(db.start())
        _at_once(runtime.guild_data.start())
        metrics = MetricsService(clock=clock)
        runtime.instrumentation.start(metrics)
        bot.services.hold(
            {
                "metrics": metrics,
                "db": db,
                "guild_data": runtime.guild_data,
                "cache": CacheService(clock=clock),
                "audit": audit,
                "scheduler": self.wiring.make_scheduler(),
            }
        )
        gateway: Any = runtime.gateway
        self.rest: _Rest = _Rest(gateway.rest)
        gateway._rest = self.rest


class _Rest(_SuggestsNames):
    """The replacement of hikari's REST client, which keeps the replies to interactions by their tokens."""

    def __init__(self, rest: Any) -> None:
        self._build_message_payload = rest._build_message_payload
        self._client_session = self._executor = None
        self.replies: dict[str, list[MockReply]] = {}

    async def _request(self, route: Any, *, json: Any = None, form_builder: Any = None, **_: Any) -> Any:
        data: dict[str, Any] = json or (msgspec.json.decode(_payload_of(form_builder)) if form_builder else {})
        path = route.compiled_path.strip("/").split("/")
        replies = self.replies[path[2]]
        if path[-1] == "callback":
            replies.append(MockReply(data["type"], data.get("data") or {}))
        elif route.method == "POST":
            replies.append(MockReply(hikari.ResponseType.MESSAGE_CREATE, data))
            return {"id": str(len(replies) - 1)}
        else:
            reply = replies[0 if path[-1] == bridge.ORIGINAL else int(path[-1])]
            if route.method == "PATCH":
                reply.change(data)
            reply.deleted = reply.deleted or route.method == "DELETE"
        return None


class MockReply(_SuggestsNames):
    """One reply to an interaction: its `data` as JSON, after all edits, and whether it was `deleted`."""

    def __init__(self, type: int, data: dict[str, Any]) -> None:
        self.type: hikari.ResponseType = hikari.ResponseType(type)
        self.data: dict[str, Any] = data
        self.deleted: bool = False
        self.edits: list[str] = []

    def change(self, data: dict[str, Any]) -> None:
        """Apply an edit."""
        if self.content:
            self.edits.append(self.content)
        self.data = {**self.data, **data}

    @property
    def content(self) -> str:
        """The text, "" if there is none."""
        return self.data.get("content") or ""

    @property
    def embeds(self) -> list[dict[str, Any]]:
        """The embeds, as JSON."""
        return self.data.get("embeds") or []

    @property
    def ephemeral(self) -> bool:
        """Whether only the user who invoked the command can see it."""
        return bool(int(self.data.get("flags") or 0) & hikari.MessageFlag.EPHEMERAL)

    @property
    def deferred(self) -> bool:
        """Whether it began as a deferral."""
        return self.type is hikari.ResponseType.DEFERRED_MESSAGE_CREATE

    def __repr__(self) -> str:
        return f"<MockReply {self.content!r}>"


# ---- the mocks ----


class MockBot(_SuggestsNames, ModuleBot):
    """The bot that a module's `setup` gets, without a Discord. `find` returns what the module registered.

    `services` are real ones in memory, `bot` is the underlying bot.
    """

    def __init__(self) -> None:
        bot = Bot()
        module = Module()
        module.name = "mock"
        super().__init__(bot, module)
        bot.jobs = self.jobs  # the scheduler looks up jobs in the underlying bot
        self.mock_session: _Session = _Session(bot)
        bot._session = self.mock_session  # pyright: ignore[reportPrivateUsage]

    def find(self, name: str) -> Command[..., Any]:
        """Return the slash command of this name, preceded by its groups ("admin kick"). Raises LookupError.

        `await bot.find("greet")(interaction, ...)` calls its function.
        """
        found = {" ".join(one.path): one for one in self.handlers() if isinstance(one, Command)}
        if name not in found:
            raise LookupError(f"there is no command {name!r}; commands: {', '.join(found) or 'none'}")
        return found[name]

    async def emit(self, event: Any) -> None:
        """Call every listener for an event, of hikari or a custom one. Raises what a listener raises."""
        for listener in self.listeners:
            if isinstance(event, listener.event_types):
                await listener.function(event)


class MockContext(_SuggestsNames, ModuleContext):
    """The context that a module's `setup` gets."""


class MockInteraction(_SuggestsNames, Context):
    """An interaction to call commands with, as their `ctx`. `replies` are the replies so far, oldest first.

    `user`, `member`, `guild_id` and `interaction` are hikari's own; replies are checked against Discord's limits.
    `confirm` and `form`, which wait for a user, need `connect`.
    """

    @property
    def replies(self) -> list[MockReply]:
        """The replies, oldest first."""
        return cast(_Rest, runtime_of(self).gateway.rest).replies[self.interaction.token]

    async def confirm(self, *_: Any, **__: Any) -> Any:
        """Raises NotImplementedError."""
        raise NotImplementedError(_NO_USER.format(method="confirm"))

    async def form(self, *_: Any, **__: Any) -> Any:
        """Raises NotImplementedError."""
        raise NotImplementedError(_NO_USER.format(method="form"))


# by design: a mock has no user who could press a button or fill in a form
_NO_USER = "ctx.{method} waits for a user, and a mock has none: use `async with wisp.testing.connect(bot)`"


def create_mock_bot() -> MockBot:
    """Return a bot to set a module up with, with its own services and data. It needs no event loop and no closing."""
    return MockBot()


def create_mock_context(bot: MockBot | None = None) -> MockContext:
    """Return a context to set a module up with, on the services of `bot`, or else on its own."""
    bot = bot or MockBot()
    return MockContext(bot.bot, bot.name, bot.log)


def create_mock_interaction(
    user_id: int = 123456,
    *,
    username: str = "ada",
    guild_id: int | None = _GUILD,
    permissions: hikari.Permissions = _ALL,
    bot: MockBot | None = None,
) -> MockInteraction:
    """Return an interaction in which this user invokes a command, on the services of `bot`, or else on its own.

    `permissions` are those of the member in the channel. With `guild_id=None` it is in direct messages.
    """
    bot = bot or MockBot()
    number = next(_numbers)
    token = f"mock-{number}"
    bot.mock_session.rest.replies[token] = []
    moment = bot.mock_session.runtime.clock.time()
    payload = _payload(number, moment, token, user_id, username, guild_id, permissions)
    interaction = bot.gateway.entity_factory.deserialize_interaction(payload)
    assert isinstance(interaction, hikari.CommandInteraction)
    return MockInteraction(bot.mock_session.runtime, Command(bot, _mock, {}, {"description": "Mock"}), interaction, [])


async def _mock(ctx: Context) -> None:
    """Stand in for the command that was invoked."""


def _payload(
    number: int,
    moment: float,
    token: str,
    user_id: int,
    username: str,
    guild_id: int | None,
    permissions: hikari.Permissions,
) -> dict[str, Any]:
    """Return what Discord sends for a command, as far as hikari reads it."""
    user = {"id": str(user_id), "username": username, "discriminator": "0", "avatar": None, "global_name": None}
    member: dict[str, Any] = {
        "user": user,
        "roles": [],
        "joined_at": "2026-01-01T00:00:00+00:00",
        "permissions": str(int(permissions)),
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    channel = {"id": str(_CHANNEL), "type": 1 if guild_id is None else 0, "permissions": str(int(permissions))}
    return {
        "version": 1,
        "type": int(hikari.InteractionType.APPLICATION_COMMAND),
        "id": str(((int(moment * 1000) - _DISCORD_EPOCH_MS) << 22) + number % 4096),
        "application_id": str(_APPLICATION),
        "token": token,
        "channel_id": str(_CHANNEL),
        "channel": {**channel, "name": "general"} if guild_id is not None else channel,
        "attachment_size_limit": 10_485_760,
        "locale": "en-GB",
        "entitlements": [],
        "authorizing_integration_owners": {},
        "context": 0 if guild_id is not None else 1,
        "app_permissions": str(int(permissions)),
        "data": {"id": "1", "name": "mock", "type": 1},
        **({"user": user} if guild_id is None else {"member": member}),
        **({} if guild_id is None else {"guild_id": str(guild_id), "guild_locale": "en-US"}),
    }


def _payload_of(form: Any) -> bytes:
    field = next(value for name, value, _ in form._fields if name == "payload_json")
    return field if isinstance(field, bytes) else field.decode().encode()


def _at_once(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that never waits, with or without an event loop. Raises RuntimeError if it waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("the coroutine waits, and there may be no event loop")
