"""Voice in a world: who is connected to which voice channel. There is no sound."""

from __future__ import annotations

import secrets
from typing import TypedDict, Unpack

from wisp.sandbox.world.changes import VoiceStateChanged
from wisp.sandbox.world.objects import JSON, STAGE, VOICE, Channel, Impossible, Member, VoiceState
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.state import State, assign


class VoiceChanges(TypedDict, total=False):
    """What can be changed of a voice state besides its channel. `requested` is in seconds since the Unix epoch."""

    self_mute: bool
    self_deaf: bool
    suppress: bool
    requested: float | None


class Voice:
    """The verbs of voice states; a guild has those of its connected members by user id."""

    def __init__(self, world: State) -> None:
        self._world = world

    def check(self, member: Member, channel: Channel) -> None:
        """Raise Impossible if a member may not connect to a channel by themselves: not allowed to, or it is full."""
        allowed = self._world.permissions(member.user, channel)
        if not allowed & Permission.CONNECT or not allowed & Permission.VIEW_CHANNEL:
            raise Impossible(f"{member.name} is not allowed to connect to {channel}")
        limit = channel.settings.get("user_limit") or 0
        states = member.guild.voice_states.values()
        others = sum(state.channel is channel and state.member is not member for state in states)
        if limit and others >= limit and not allowed & Permission.MOVE_MEMBERS:
            raise Impossible(f"{channel} is full: {limit} members are connected")

    def join(self, member: Member, channel: Channel, **changes: Unpack[VoiceChanges]) -> VoiceState:
        """Connect a member to a voice channel, or move them there, and return their voice state.

        In a stage channel they are in the audience (suppressed). The bot also gets the address of a voice server.
        Raises Impossible for a channel of another kind or guild.
        """
        guild = member.guild
        if channel.guild is not guild or channel.kind not in (VOICE, STAGE):
            raise Impossible(f"#{channel.name} is not a voice channel of {guild.name}")
        state = guild.voice_states.get(member.user.id)
        is_new = state is None or state.channel is not channel
        if state is None:
            state = guild.voice_states[member.user.id] = VoiceState(member, channel, secrets.token_hex(16))
        state.channel = channel
        if is_new:
            state.suppress, state.requested = channel.kind == STAGE, None
        assign(state, changes)
        self._changed(state)
        if is_new and member.user is self._world.bot:
            self._world.dispatch("VOICE_SERVER_UPDATE", self._server(channel), guild)
        return state

    def edit(self, state: VoiceState, **changes: Unpack[VoiceChanges]) -> None:
        """Change the voice state of a connected member."""
        assign(state, changes)
        self._changed(state)

    def changed(self, member: Member) -> None:
        """Tell that the guild muted or deafened a member, if they are connected."""
        state = member.guild.voice_states.get(member.user.id)
        if state is not None:
            self._changed(state)

    def leave(self, member: Member) -> None:
        """Disconnect a member; does nothing if they are not connected."""
        state = member.guild.voice_states.pop(member.user.id, None)
        if state is not None:
            state.channel = None
            self._changed(state)

    def clear(self, channel: Channel) -> None:
        """Disconnect all members from a channel."""
        if channel.guild is not None:
            for state in [one for one in channel.guild.voice_states.values() if one.channel is channel]:
                self.leave(state.member)

    def set_status(self, channel: Channel, status: str | None) -> None:
        """Set the status of a voice channel, or clear it. Raises Impossible for a channel of another type."""
        if channel.guild is None or channel.kind != VOICE:
            raise Impossible(f"#{channel.name} is not a voice channel")
        data = {"id": str(channel.id), "guild_id": str(channel.guild.id), "status": status or None}
        self._world.dispatch("VOICE_CHANNEL_STATUS_UPDATE", data, channel.guild, seen_in=channel)

    def _changed(self, state: VoiceState) -> None:
        guild = state.member.guild
        self._world.dispatch("VOICE_STATE_UPDATE", state.gateway_payload(), guild)
        self._world.changes.send(VoiceStateChanged(state))

    def _server(self, channel: Channel) -> JSON:
        """Return the data of VOICE_SERVER_UPDATE. Libraries speak TLS to the endpoint, so none is there to reach."""
        assert channel.guild is not None
        return {"token": secrets.token_hex(8), "guild_id": str(channel.guild.id), "endpoint": None}
