"""The gateway: where a bot's shards connect, and which of them hears what happens in the world."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Callable, Iterable

from aiohttp import WSCloseCode, WSMsgType, web

from wisp.sandbox.faults import Faults
from wisp.sandbox.gateway.frames import (
    AUTHENTICATION_FAILED,
    DISALLOWED_INTENTS,
    INVALID_INTENTS,
    INVALID_SHARD,
    LARGEST_FRAME,
    RECONNECT,
    SHARDING_REQUIRED,
    UNKNOWN_ERROR,
    Closed,
    encoder,
)
from wisp.sandbox.gateway.intents import INTENT_BITS, PRIVILEGED, Intent, lacks, visible
from wisp.sandbox.gateway.sessions import Connection, Session, log_refusal
from wisp.sandbox.world.objects import CATEGORY, JSON, Guild
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

_LOG = logging.getLogger(__name__)

HEARTBEAT_INTERVAL = 41.25
"""Seconds between two heartbeats of a bot."""

GUILDS_PER_SHARD = 2500

IDENTIFY_WINDOW = 5.0
"""Seconds in which shards of one rate limit key (shard % max_concurrency) may identify once."""

SESSION_STARTS = 1000
"""Sessions that a bot may start in 24 hours."""

MEMBERS_WINDOW = 30.0
"""Seconds between two requests for all members of one guild (change log, "Rate Limit When Requesting All Members")."""

MAX_CONCURRENCY = 16
"""What Discord gives large bots: their shards need not wait 5 s for each other."""

A_DAY = 24 * 60 * 60.0

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


class Gateway:
    """All shards of the bot. Their time is the event loop's, as hikari's is: no offset of the world's clock moves it.

    `max_concurrency` shards may identify at once in `identify_window` seconds, `session_starts` sessions begin in a
    day, all members of a guild be requested once in `members_window` seconds; `heartbeat_interval` is in seconds.
    `down` are the guilds that are unavailable just now; `witnesses` are told of each event
    that is sent: shard, name and data.
    """

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.url = ""
        self.max_concurrency = MAX_CONCURRENCY
        self.identify_window = IDENTIFY_WINDOW
        self.session_starts = SESSION_STARTS
        self.members_window = MEMBERS_WINDOW
        self.heartbeat_interval = HEARTBEAT_INTERVAL
        self.sessions: dict[str, Session] = {}
        self.witnesses: list[Callable[[int, str, JSON], object]] = []
        self.down: set[int] = set()
        self._sockets: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self._identified: dict[int, float] = {}
        self._starts: list[float] = []
        self._asked_for_everybody: dict[int, float] = {}
        self._hidden: dict[int, set[int]] = {number: self._hidden_in(number) for number in world.guilds}
        world.outlets.append(lambda event: faults.pass_on(event, self.deliver))

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket."""
        socket = web.WebSocketResponse(max_msg_size=4 * LARGEST_FRAME, timeout=1.0, compress=False)
        await socket.prepare(request)
        self._sockets[socket] = request.transport
        try:
            await Connection(self, request, socket, encoder(request.query)).run()
        except Closed as closed:
            log_refusal(closed)
            await socket.close(code=closed.code, message=closed.reason.encode())
        except Exception as error:
            _LOG.exception("the sandbox's gateway failed")
            self.world.errors.append(error)
            await socket.close(code=UNKNOWN_ERROR, message=b"the sandbox failed: see its log")
        finally:
            del self._sockets[socket]
        return socket

    async def close(self) -> None:
        """Close every websocket at once, without waiting for the bot to agree."""
        for socket, transport in tuple(self._sockets.items()):
            with contextlib.suppress(ConnectionError):
                frame = struct.pack("!H", WSCloseCode.GOING_AWAY) + b"the sandbox is closed"
                await socket.send_frame(frame, WSMsgType.CLOSE)
            if transport is not None:
                transport.close()

    # What the bot hears

    def deliver(self, event: Event) -> None:
        """Send an event to every session that hears it, as far as its intents and the bot's permissions go."""
        if event.guild_id in self.down:
            return
        for session in tuple(self.sessions.values()):
            session.deliver(event)
        if event.name in _MAY_HIDE and event.guild_id is not None:
            self._show_what_changed(event, event.guild_id)

    def unheard(self, event: Event) -> str:
        """Why no session was sent an event just now, in words."""
        if event.guild_id in self.down:
            return "the server is unavailable"
        session = next((session for session in self.sessions.values() if session.is_for(event)), None)
        if session is None:
            return "the bot is offline"
        intent, permission = lacks(self.world, session.intents, event)
        if intent:
            return f"the bot has no intent {Intent(intent).name}"
        if permission:
            return f"the bot has no permission {Permission(permission).name} there"
        return "a fault holds it back"

    def ready(self, session: Session, guilds: Iterable[Guild]) -> JSON:
        """The data of READY."""
        world = self.world
        return {
            "v": 10,
            "user": {**world.bot.payload(), "verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(world.application), "flags": world.application_flags},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
            "_trace": [],
        }

    def _show_what_changed(self, event: Event, guild: int) -> None:
        """Send the channels anew that the bot sees since this event, or sees no longer; the threads of the first."""
        before, after = self._hidden.get(guild, set()), self._hidden_in(guild)
        self._hidden[guild] = after
        if event.name == "GUILD_CREATE":
            return
        for number in before ^ after:
            channel = self.world.channels.get(number)
            if channel is not None and event.data.get("id") != str(number):
                self.deliver(Event("CHANNEL_UPDATE", channel.payload(), guild))
        gained = [self.world.channels[number] for number in before - after if number in self.world.channels]
        parents = [channel for channel in gained if channel.kind != CATEGORY]
        if parents:
            self.deliver(Event("THREAD_LIST_SYNC", self.world.thread_list(self.world.guilds[guild], parents), guild))

    def _hidden_in(self, number: int) -> set[int]:
        guild = self.world.guilds.get(number)
        channels = guild.channels.values() if guild else ()
        return {channel.id for channel in channels if not visible(self.world, channel)}

    # Sessions

    def start_limit(self) -> JSON:
        """Discord's session start limit object; `reset_after` is in milliseconds."""
        now = self._now()
        self._starts = [moment for moment in self._starts if now - moment < A_DAY]
        return {
            "total": self.session_starts,
            "remaining": max(0, self.session_starts - len(self._starts)),
            "reset_after": round((self._starts[0] + A_DAY - now) * 1000) if self._starts else 0,
            "max_concurrency": self.max_concurrency,
        }

    def may_identify(self, shard: int) -> bool:
        """Whether a shard may identify now; if so, that counts.

        Raises `Closed` where no session is left to start: Discord ends all sessions then and resets the token.
        """
        key, now = shard % self.max_concurrency, self._now()
        if now - self._identified.get(key, -self.identify_window) < self.identify_window:
            return False
        if not self.start_limit()["remaining"]:
            self.reset_token()
            raise Closed(AUTHENTICATION_FAILED, "no session start is left today: the token was reset")
        self._identified[key] = now
        self._starts.append(now)
        return True

    def reset_token(self) -> None:
        """Give the bot another token, and end every session."""
        self.world.reset_token()
        for session in tuple(self.sessions.values()):
            self.forget(session)
            if session.connection is not None:
                session.connection.refuse(Closed(AUTHENTICATION_FAILED, "authentication failed: the token was reset"))

    def begin(self, session: Session) -> None:
        """Take up a new session; those of the same shard that wait for a resume are over."""
        for old in tuple(self.sessions.values()):
            if old.connection is None and (old.shard, old.shards) == (session.shard, session.shards):
                self.forget(old)
        self.sessions[session.id] = session

    def forget(self, session: Session) -> None:
        """End a session: it cannot be resumed any more."""
        self.sessions.pop(session.id, None)

    def check_shard(self, shard: tuple[int, int]) -> None:
        """Raise `Closed` where a shard cannot be, or would hold more guilds than one may."""
        number, count = shard
        if not 0 <= number < count:
            raise Closed(INVALID_SHARD, f"expected shard [id, count] with 0 <= id < count, got {list(shard)}")
        if len(self._guilds(number, count)) > GUILDS_PER_SHARD:
            raise Closed(SHARDING_REQUIRED, f"more than {GUILDS_PER_SHARD} guilds on a shard: use more shards")

    def check_intents(self, intents: int | None) -> int:
        """Return the intents. Raises `Closed` if one does not exist or is not switched on."""
        if intents is None:
            raise Closed(INVALID_INTENTS, "invalid intents: expected d.intents, a bit set")
        if intents < 0 or intents & ~INTENT_BITS:
            raise Closed(INVALID_INTENTS, f"invalid intents {intents}: expected bits of 0 to {INTENT_BITS:#x}")
        for intent, switches in PRIVILEGED.items():
            if intents & intent and not self.world.application_flags & switches:
                raise Closed(DISALLOWED_INTENTS, f"the {intent.name} intent is not switched on for this bot")
        return intents

    def guilds_of(self, session: Session) -> list[Guild]:
        """The bot's guilds on a session's shard."""
        return self._guilds(session.shard, session.shards)

    def wait_for_everybody(self, guild: Guild) -> float:
        """Seconds until all members of a guild may be requested again; 0 where that is now, and counts."""
        now = self._now()
        wait = self._asked_for_everybody.get(guild.id, now - self.members_window) + self.members_window - now
        if wait <= 0:
            self._asked_for_everybody[guild.id] = now
        return max(0.0, wait)

    def _guilds(self, shard: int, shards: int) -> list[Guild]:
        return [
            guild
            for guild in self.world.guilds.values()
            if (guild.id >> 22) % shards == shard and self.world.bot.id in guild.members
        ]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # What can be done to them

    def cut(self, shard: int | None = None) -> None:
        """Break a shard's connection off (None: all) without a word. The session stays, for a resume."""
        for connection in self._connections(shard):
            connection.cut()

    def disconnect(self, shard: int | None = None, *, code: int = UNKNOWN_ERROR, reason: str = "") -> None:
        """Close a shard's websocket (None: all) with a close code. The session stays, for a resume."""
        for connection in self._connections(shard):
            connection.close(code, reason)

    def reconnect(self, shard: int | None = None) -> None:
        """Tell a shard (None: all) to reconnect and resume, as Discord does before maintenance."""
        for connection in self._connections(shard):
            connection.send(RECONNECT)

    def invalidate(self, shard: int | None = None, *, resumable: bool = False) -> None:
        """Tell a shard (None: all) that its session is invalid; where not `resumable` it is forgotten, too.

        The connection stays, for an identify or a resume on it: Discord closes it for anything else that comes but
        heartbeats, and sets no time (discord/discord-api-docs, issues 318 and 1805).
        """
        for connection in self._connections(shard):
            connection.invalidate(resumable=resumable)

    def ignore_heartbeats(self, shard: int | None = None) -> None:
        """Acknowledge no heartbeat of a shard (None: all) on the connection that it has now."""
        for connection in self._connections(shard):
            connection.ignores_heartbeats = True

    def take_down(self, guild: Guild) -> None:
        """Make a guild unavailable: the bot is told, once, and hears nothing of it until `bring_back`."""
        self.deliver(Event("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild.id))
        self.down.add(guild.id)

    def bring_back(self) -> None:
        """Make every guild available again, and show them to the bot."""
        down, self.down = self.down, set()
        for session in self.sessions.values():
            for guild in self.guilds_of(session):
                if guild.id in down:
                    session.show(guild)

    def _connections(self, shard: int | None) -> list[Connection]:
        return [
            session.connection
            for session in self.sessions.values()
            if session.connection is not None and shard in {None, session.shard}
        ]
