"""Voice over REST: the voice states of members, and the regions of voice servers."""

from __future__ import annotations

from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.errors import MISSING_PERMISSIONS, UNKNOWN_VOICE_STATE, WRONG_CHANNEL_TYPE, DiscordError
from wisp.sandbox.world.bounds import VOICE_STATUS
from wisp.sandbox.world.objects import JSON, STAGE, VOICE, Member, VoiceState
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.voice import VoiceChanges

REGIONS: list[JSON] = [
    {"id": id, "name": name, "optimal": id == "rotterdam", "deprecated": False, "custom": False}
    for id, name in {"rotterdam": "Rotterdam", "us-east": "US East", "singapore": "Singapore"}.items()
]
"""Some of Discord's voice regions (resources/voice#voice-region-object)."""


def list_regions(call: Call) -> Answer:
    """List the voice regions."""
    return 200, REGIONS


def get_mine(call: Call) -> Answer:
    """Return the bot's own voice state."""
    return 200, _state_of(call.me).gateway_payload()


def get(call: Call) -> Answer:
    """Return the voice state of a member."""
    return 200, _state_of(call.member).gateway_payload()


def edit_mine(call: Call) -> Answer:
    """Let the bot speak in its stage channel, go back to the audience, or ask to speak (voice#modify-current-...)."""
    state, fields = _on_stage(call, call.me), call.fields
    suppress, requested = fields.boolean("suppress"), fields.moment("request_to_speak_timestamp")
    fields.check()
    changes: VoiceChanges = {}
    if suppress is not None:
        if not suppress:
            call.need(Permission.MUTE_MEMBERS, state.channel)
        changes["suppress"] = suppress
    if "request_to_speak_timestamp" in fields:
        if requested is not None:
            call.need(Permission.REQUEST_TO_SPEAK, state.channel)
        changes["requested"] = requested
    call.world.voice.edit(state, **changes)
    return 204, None


def edit(call: Call) -> Answer:
    """Let a member speak in their stage channel, or send them back to the audience."""
    state, fields = _on_stage(call, call.member), call.fields
    suppress = fields.boolean("suppress")
    fields.check()
    call.need(Permission.MUTE_MEMBERS, state.channel)
    if suppress is not None:
        invited = None if suppress or state.member.user.bot else call.world.clock.time()
        call.world.voice.edit(state, suppress=suppress, requested=invited)
    return 204, None


def _state_of(member: Member) -> VoiceState:
    state = member.guild.voice_states.get(member.user.id)
    if state is None:
        raise DiscordError(UNKNOWN_VOICE_STATE)
    return state


def _on_stage(call: Call, member: Member) -> VoiceState:
    """Return the voice state of a member in the stage channel that the body names, or in any if it names none."""
    state = _state_of(member)
    named = call.fields.snowflake("channel_id")
    call.fields.check()
    if state.channel is None or state.channel.kind != STAGE or named not in (None, state.channel.id):
        raise DiscordError(MISSING_PERMISSIONS)
    return state


def set_status(call: Call) -> Answer:
    """Set the status of a voice channel (resources/channel#set-voice-channel-status)."""
    if call.channel.kind != VOICE:
        raise DiscordError(WRONG_CHANNEL_TYPE)
    state = call.guild.voice_states.get(call.world.bot.id)
    if state is None or state.channel is not call.channel:
        call.need(Permission.MANAGE_CHANNELS)
    status = call.fields.text("status", VOICE_STATUS)
    call.fields.check()
    call.world.voice.set_status(call.channel, status)
    return 204, None


STATES = "/guilds/{guild}/voice-states"

ROUTES = [
    Route("GET", "/voice/regions", list_regions),
    Route("GET", "/guilds/{guild}/regions", list_regions),
    Route("GET", STATES + "/@me", get_mine),
    Route("PATCH", STATES + "/@me", edit_mine),
    Route("GET", STATES + "/{user}", get),
    Route("PATCH", STATES + "/{user}", edit),
    Route("PUT", "/channels/{channel}/voice-status", set_status, Permission.SET_VOICE_CHANNEL_STATUS),
]
