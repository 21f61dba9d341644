"""The gateway: where the bot's shards connect, and which of them hear an event."""

from __future__ import annotations

import logging
from typing import NamedTuple

from aiohttp import web

from wisp.sandbox.faults import Faults
from wisp.sandbox.gateway.connection import Connection
from wisp.sandbox.gateway.frames import LARGEST_FRAME, RECONNECT, UNKNOWN_ERROR
from wisp.sandbox.gateway.intents import Intent, lacks, visible
from wisp.sandbox.gateway.sessions import Sessions
from wisp.sandbox.world.objects import CATEGORY, Guild
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.signal import Signal
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

HEARTBEAT_INTERVAL = 41.25
"""Seconds between two heartbeats of a bot."""

_MAY_HIDE = {
    "GUILD_CREATE",
    "GUILD_UPDATE",
    "GUILD_ROLE_UPDATE",
    "GUILD_ROLE_DELETE",
    "GUILD_MEMBER_UPDATE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
}
"""Events after which the bot may see other channels of a guild than before."""


class Unsent(NamedTuple):
    """An event that was sent to no session, and the reason in words."""

    event: Event
    reason: str


class Gateway:
    """All shards of the bot: their `sessions`, and their connections, whose `heartbeat_interval` is in seconds.

    `unsent` tells of the events that no session was sent.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.sessions: Sessions = Sessions(world)
        self.heartbeat_interval = HEARTBEAT_INTERVAL
        self._connections: list[Connection] = []
        self._hidden: dict[int, set[int]] = {id: self._hidden_in(id) for id in world.guilds}
        self.unsent: Signal[Unsent] = Signal(world.failed)
        self._faults = faults
        self._sent_names: set[str] = set()
        self.sessions.sent.subscribe(lambda sent: self._sent_names.add(sent.name))
        world.events.subscribe(self._dispatch)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket."""
        socket = web.WebSocketResponse(max_msg_size=4 * LARGEST_FRAME, timeout=1.0, compress=False)
        await socket.prepare(request)
        connection = Connection(self.sessions, request, socket, heartbeat_interval=self.heartbeat_interval)
        self._connections.append(connection)
        try:
            await connection.run()
        except Exception as error:
            _LOG.exception("the sandbox's gateway failed")
            self.world.errors.append(error)
            await socket.close(code=UNKNOWN_ERROR, message=b"the sandbox failed: see its log")
        finally:
            self._connections.remove(connection)
        return socket

    async def close(self) -> None:
        """Close every websocket at once, without waiting for the bot to agree."""
        for connection in tuple(self._connections):
            await connection.go_away()

    # What the bot hears

    def _dispatch(self, event: Event) -> None:
        """Deliver an event with its faults, and tell if no session was sent it."""
        self._sent_names.clear()
        self._faults.pass_on(event, self.deliver)
        if event.name not in self._sent_names:
            self.unsent.send(Unsent(event, self._reason_unsent(event)))

    def deliver(self, event: Event) -> None:
        """Send an event to every session that hears it, as far as its intents and the bot's permissions show it."""
        if event.guild_id in self.sessions.unavailable:
            return
        for session in self.sessions:
            session.deliver(event)
        if event.name in _MAY_HIDE and event.guild_id is not None:
            self._show_what_changed(event, event.guild_id)

    def _reason_unsent(self, event: Event) -> str:
        if event.guild_id in self.sessions.unavailable:
            return "the server is unavailable"
        session = next((session for session in self.sessions if session.is_for(event)), None)
        if session is None:
            return "the bot is offline"
        intent, permission = lacks(self.world, session.intents, event)
        if intent:
            return f"the bot has no intent {Intent(intent).name}"
        if permission:
            return f"the bot has no permission {Permission(permission).name} there"
        return "a fault holds it back"

    def _show_what_changed(self, event: Event, guild: int) -> None:
        """Send the channels that this event showed to the bot or hid from it, and the threads of the former."""
        before, after = self._hidden.get(guild, set()), self._hidden_in(guild)
        self._hidden[guild] = after
        if event.name == "GUILD_CREATE":
            return
        for id in before ^ after:
            channel = self.world.channels.get(id)
            if channel is not None and event.data.get("id") != str(id):
                self.deliver(Event("CHANNEL_UPDATE", channel.payload(), guild))
        gained = [self.world.channels[id] for id in before - after if id in self.world.channels]
        parents = [channel for channel in gained if channel.kind != CATEGORY]
        if parents:
            self.deliver(
                Event("THREAD_LIST_SYNC", self.world.threads.list_sync(self.world.guilds[guild], parents), guild)
            )

    def _hidden_in(self, id: int) -> set[int]:
        guild = self.world.guilds.get(id)
        channels = guild.channels.values() if guild else ()
        return {channel.id for channel in channels if not visible(self.world, channel)}

    # What can be done to the shards

    def cut(self, shard: int | None = None) -> None:
        """Break the connection of a shard (None: all) off without a close frame. The session stays, for a resume."""
        for connection in self._connected(shard):
            connection.cut()

    def disconnect(self, shard: int | None = None, *, code: int = UNKNOWN_ERROR, reason: str = "") -> None:
        """Close the websocket of a shard (None: all) with a close code. The session stays, for a resume."""
        for connection in self._connected(shard):
            connection.close(code, reason)

    def reconnect(self, shard: int | None = None) -> None:
        """Ask a shard (None: all) to reconnect and resume, as Discord does before maintenance."""
        for connection in self._connected(shard):
            connection.send(RECONNECT)

    def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Send a shard (None: all) that its session is invalid. The session ends unless it is `resumable`.

        The connection stays, for an identify or a resume: Discord closes it after any other frame but heartbeats, and
        sets no timeout (discord/discord-api-docs, issues 318 and 1805).
        """
        for connection in self._connected(shard):
            connection.invalidate(resumable=resumable)

    def ignore_heartbeats(self, shard: int | None = None) -> None:
        """Acknowledge no heartbeats of a shard (None: all) on its present connection."""
        for connection in self._connected(shard):
            connection.ignores_heartbeats = True

    def take_down(self, guild: Guild) -> None:
        """Make a guild unavailable: the bot hears of this, and of nothing else in it until `bring_back`."""
        self.deliver(Event("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild.id))
        self.sessions.unavailable.add(guild.id)

    def bring_back(self) -> None:
        """Make every guild available again, and send them to the bot."""
        unavailable, self.sessions.unavailable = self.sessions.unavailable, set()
        for session in self.sessions:
            for guild in self.sessions.guilds_of(session):
                if guild.id in unavailable:
                    session.send_guild(guild)

    def _connected(self, shard: int | None) -> list[Connection]:
        """Return the connections of a shard (None: all) that have a session."""
        return [
            connection
            for connection in self._connections
            if connection.session is not None
            and connection.session.connection is connection
            and shard in {None, connection.session.shard}
        ]
