"""Sessions: what each shard of the bot hears across its connections, and how many may start."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from wisp.sandbox.gateway.frames import (
    AUTHENTICATION_FAILED,
    DISALLOWED_INTENTS,
    DISPATCH,
    INVALID_INTENTS,
    INVALID_SHARD,
    SHARDING_REQUIRED,
    UNKNOWN_ERROR,
    Closed,
)
from wisp.sandbox.gateway.intents import INTENT_BITS, PRIVILEGED, Intent, as_seen, guild_as_seen, hears
from wisp.sandbox.world.objects import JSON, Guild, dumps
from wisp.sandbox.world.signal import Signal
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

STORED_EVENTS = 10_000
"""Events that a session stores for a resume, at most; those that a heartbeat confirms are removed."""

RESUMABLE = 180.0
"""Seconds in which a session can be resumed: Discord says "a few minutes"."""

GUILDS_PER_SHARD = 2500

IDENTIFY_WINDOW = 5.0
"""Seconds in which shards of one rate limit key (shard % max_concurrency) may identify once."""

SESSION_STARTS = 1000
"""Sessions that a bot may start in 24 hours."""

MEMBERS_WINDOW = 30.0
"""Seconds between two requests for all members of one guild (change log, "Rate Limit When Requesting All Members")."""

MAX_CONCURRENCY = 16
"""The limit of Discord for large bots: their shards need not wait 5 s for each other."""

_DAY = 24 * 60 * 60.0


class Sent(NamedTuple):
    """An event that was sent to a shard, or is stored for it."""

    shard: int
    name: str
    data: JSON


class Link(Protocol):
    """The websocket of a session, as the session uses it."""

    def send_payload(self, payload: bytes) -> None:
        """Queue a payload."""
        ...

    def refuse(self, closed: Closed) -> None:
        """Close it after what is queued, and log why."""
        ...


class Session:
    """The events of one shard, across its connections. `sent` holds those that a resume would repeat.

    `connection` is None while the shard is disconnected, since the time `left` of the event loop.
    """

    def __init__(self, sessions: Sessions, shard: tuple[int, int], intents: int, large_threshold: int) -> None:
        self.id: str = secrets.token_hex(16)
        self.shard: int = shard[0]
        self.shards: int = shard[1]
        self.intents = intents
        self.large_threshold = large_threshold
        self.sequence: int = 0
        self.sent: deque[tuple[int, bytes]] = deque(maxlen=STORED_EVENTS)
        self.connection: Link | None = None
        self.left: float = 0.0
        self._world = sessions.world
        self._sent_events = sessions.sent

    def deliver(self, event: Event) -> None:
        """Send an event if the session hears it, as far as its intents and the bot's permissions show it."""
        if not self.is_for(event) or not hears(self._world, self.intents, event):
            return
        guild = self._world.guilds.get(event.guild_id or 0)
        if event.name == "GUILD_CREATE" and guild is not None:
            self.send_guild(guild, joined=True)
        else:
            self.send(event.name, as_seen(self._world, self.intents, event))

    def is_for(self, event: Event) -> bool:
        """Return whether an event belongs to this shard. Those outside of guilds belong to the first shard."""
        return self.shard == (0 if event.guild_id is None else (event.guild_id >> 22) % self.shards)

    def send_guild(self, guild: Guild, *, joined: bool = False) -> None:
        """Send GUILD_CREATE: after READY, when the guild is available again, or when the bot `joined` it."""
        if self.intents & Intent.GUILDS and self._world.bot.id in guild.members:
            data = guild_as_seen(self._world, self.intents, self.large_threshold, guild, joined=joined)
            self.send("GUILD_CREATE", data)

    def send(self, name: str, data: JSON) -> None:
        """Send an event, or store it for a resume if the shard is disconnected."""
        self.sequence += 1
        payload = dumps({"op": DISPATCH, "t": name, "s": self.sequence, "d": data})
        self.sent.append((self.sequence, payload))
        self._sent_events.send(Sent(self.shard, name, data))
        if self.connection is not None:
            self.connection.send_payload(payload)

    def send_ready(self, resume_url: str, guilds: list[Guild]) -> None:
        """Send READY, with these guilds of the bot."""
        world = self._world
        ready = {
            "v": 10,
            "user": {**world.bot.payload(), "verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": self.id,
            "session_type": "normal",
            "resume_gateway_url": resume_url,
            "shard": [self.shard, self.shards],
            "application": {"id": str(world.application), "flags": world.application_flags},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
            "_trace": [],
        }
        self.send("READY", ready)

    def attach(self, connection: Link) -> None:
        """Continue on another connection, and close the one before."""
        if self.connection is not None:
            self.connection.refuse(Closed(UNKNOWN_ERROR, "the session was resumed elsewhere"))
        self.connection = connection

    def confirm(self, sequence: int | None) -> None:
        """Remove the stored events up to a sequence number, which the shard has received."""
        while sequence is not None and self.sent and self.sent[0][0] <= sequence:
            self.sent.popleft()

    def missed(self, sequence: int) -> list[bytes] | None:
        """Return the events after a sequence number, or None if they are not all stored any more."""
        stored = [payload for at, payload in self.sent if at > sequence]
        return stored if len(stored) == self.sequence - sequence else None


class Sessions:
    """The sessions of the bot. Their time is the event loop's, as hikari's is: no offset of the world's clock moves it.

    `max_concurrency` shards may identify at once in `identify_window` seconds, `session_starts` sessions start in a
    day, and all members of a guild be requested once in `members_window` seconds. `unavailable` are the ids of the
    guilds that are unavailable now. `sent` tells of each event that is sent.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.resume_url = ""
        self.max_concurrency = MAX_CONCURRENCY
        self.identify_window = IDENTIFY_WINDOW
        self.session_starts = SESSION_STARTS
        self.members_window = MEMBERS_WINDOW
        self.unavailable: set[int] = set()
        self.sent: Signal[Sent] = Signal(world.failed)
        self._sessions: dict[str, Session] = {}
        self._identified: dict[int, float] = {}
        self._starts: list[float] = []
        self._members_requested: dict[int, float] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter([*self._sessions.values()])

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, id: str) -> Session | None:
        """Return the session with this id, or None."""
        return self._sessions.get(id)

    def start(self, shard: tuple[int, int], intents: int, large_threshold: int) -> Session:
        """Start a session, and end those of the same shard that wait for a resume."""
        session = Session(self, shard, intents, large_threshold)
        for old in self:
            if old.connection is None and (old.shard, old.shards) == shard:
                self.end(old)
        self._sessions[session.id] = session
        return session

    def end(self, session: Session) -> None:
        """End a session, which cannot be resumed any more."""
        self._sessions.pop(session.id, None)

    def resume(self, session: Session, sequence: int) -> list[bytes] | None:
        """Return what a session missed after a sequence number, or end it and return None if it cannot be resumed."""
        missed = session.missed(sequence)
        is_late = session.connection is None and self._now() - session.left > RESUMABLE
        if missed is None or is_late:
            self.end(session)
            return None
        return missed

    def start_limit(self) -> JSON:
        """Return Discord's session start limit object; `reset_after` is in milliseconds."""
        now = self._now()
        self._starts = [moment for moment in self._starts if now - moment < _DAY]
        return {
            "total": self.session_starts,
            "remaining": max(0, self.session_starts - len(self._starts)),
            "reset_after": round((self._starts[0] + _DAY - now) * 1000) if self._starts else 0,
            "max_concurrency": self.max_concurrency,
        }

    def may_identify(self, shard: int) -> bool:
        """Return whether a shard may identify now, and count it if it may.

        Raises `Closed` if no session start is left: Discord ends all sessions then, and resets the token.
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
        for session in self:
            self.end(session)
            if session.connection is not None:
                session.connection.refuse(Closed(AUTHENTICATION_FAILED, "authentication failed: the token was reset"))

    def check_shard(self, shard: tuple[int, int]) -> None:
        """Raise `Closed` if this is not the [id, count] of a shard, or if it has more guilds than a shard may have."""
        id, count = shard
        if not 0 <= id < count:
            raise Closed(INVALID_SHARD, f"expected shard [id, count] with 0 <= id < count, got {list(shard)}")
        if len(self._guilds(id, count)) > GUILDS_PER_SHARD:
            raise Closed(SHARDING_REQUIRED, f"more than {GUILDS_PER_SHARD} guilds on a shard: use more shards")

    def check_intents(self, intents: int | None) -> int:
        """Return the intents. Raises `Closed` if one does not exist or is not switched on for the bot."""
        if intents is None:
            raise Closed(INVALID_INTENTS, "invalid intents: expected d.intents, a bit set")
        if intents < 0 or intents & ~INTENT_BITS:
            raise Closed(INVALID_INTENTS, f"invalid intents {intents}: expected bits of 0 to {INTENT_BITS:#x}")
        for intent, flags in PRIVILEGED.items():
            if intents & intent and not self.world.application_flags & flags:
                raise Closed(DISALLOWED_INTENTS, f"the {intent.name} intent is not switched on for this bot")
        return intents

    def guilds_of(self, session: Session) -> list[Guild]:
        """Return the bot's guilds on a session's shard."""
        return self._guilds(session.shard, session.shards)

    def members_retry_after(self, guild: Guild) -> float:
        """Return the seconds until all members of a guild may be requested; if that is now (0), count the request."""
        now = self._now()
        wait = self._members_requested.get(guild.id, now - self.members_window) + self.members_window - now
        if wait <= 0:
            self._members_requested[guild.id] = now
        return max(0.0, wait)

    def _guilds(self, shard: int, shards: int) -> list[Guild]:
        return [
            guild
            for guild in self.world.guilds.values()
            if (guild.id >> 22) % shards == shard and self.world.bot.id in guild.members
        ]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
