"""How a bot answers an interaction: its first answer (the callback), then the webhook of its token."""

from __future__ import annotations

from wisp.limits import CHOICES, Violation
from wisp.sandbox.rest.call import Answer, Call, Route
from wisp.sandbox.rest.drafts import Draft, apply_draft, read_draft, read_flags, stored
from wisp.sandbox.rest.errors import (
    ALREADY_ACKNOWLEDGED,
    INVALID_WEBHOOK_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    DiscordError,
)
from wisp.sandbox.rest.fields import REQUIRED, Fields, read_id
from wisp.sandbox.rest.shapes import command_violations, modal_violations
from wisp.sandbox.world.changes import InteractionAnswered
from wisp.sandbox.world.objects import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    COMPONENTS_V2,
    EPHEMERAL,
    INTERACTION_DEADLINE,
    IS_VOICE,
    JSON,
    LOADING,
    MODAL_SUBMIT,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Interaction,
    Message,
    is_list,
)

MESSAGE, DEFER, DEFER_UPDATE, UPDATE, SHOW_CHOICES, SHOW_MODAL = 4, 5, 6, 7, 8, 9
"""Types of callbacks."""

ANSWER_FLAGS = SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | IS_VOICE | COMPONENTS_V2
"""Message flags that an answer can set: no embeds, for one reader, no notification, voice, new components."""

_ALLOWED = {
    COMMAND: (MESSAGE, DEFER, SHOW_MODAL),
    COMPONENT: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, SHOW_MODAL),
    AUTOCOMPLETE: (SHOW_CHOICES,),
    MODAL_SUBMIT: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE),
}
"""The callbacks that each type of interaction takes.

interactions/receiving-and-responding#interaction-response-object. A type that a test makes up takes a message or a
deferral.
"""

REPLY = 19
_FIRST_ANSWERS = {1: 20, 2: 23, 3: 23}
"""The type of message that answers a command, by the command's type."""


def respond(call: Call) -> Answer:
    """Give the first response to an interaction."""
    interaction, with_response = _waiting_interaction(call), call.flag("with_response")
    kind = _read_type(interaction, call.fields)
    data = call.fields.object("data") or Fields({}, ("data",))
    _CALLBACKS[kind](call, interaction, data)
    interaction.answered = True
    call.world.changes.send(InteractionAnswered(interaction, kind))
    return (200, _response(interaction, kind)) if with_response else (204, None)


def follow_up(call: Call) -> Answer:
    """Send another message; the first one after a deferral fills the deferred message."""
    interaction = _answered_interaction(call)
    waiting = interaction.original if interaction.deferred else None
    if waiting is not None and waiting.loading and not waiting.deleted:
        message = waiting
        # The deferral has settled whether it is private.
        apply_draft(call.world, message, _read_draft(call, call.fields, ephemeral=message.ephemeral))
    else:
        message = _post(call, interaction, _read_draft(call, call.fields))
        interaction.followups.append(message)
    interaction.events.append("follow-up")
    return 200, message.payload()


def get_message(call: Call) -> Answer:
    """Return one of the messages that answer an interaction."""
    return 200, _message(call, _answered_interaction(call)).payload()


def edit_message(call: Call) -> Answer:
    """Change one of the messages that answer an interaction."""
    interaction = _answered_interaction(call)
    message = _message(call, interaction)
    apply_draft(call.world, message, read_draft(call.fields, call.body.files, old=message))
    interaction.events.append("edit")
    return 200, message.payload()


def delete_message(call: Call) -> Answer:
    """Delete one of the messages that answer an interaction."""
    interaction = _answered_interaction(call)
    call.world.messages.delete(_message(call, interaction))
    interaction.events.append("delete")
    return 204, None


# The interaction and the message in the path


def _waiting_interaction(call: Call) -> Interaction:
    """Return the interaction in the path, which must wait for its first response."""
    id, interaction = call.path_id("interaction"), call.world.interactions.with_token(call.path["token"])
    if interaction is None or interaction.id != id:
        raise DiscordError(UNKNOWN_INTERACTION)
    if interaction.answered:
        raise DiscordError(ALREADY_ACKNOWLEDGED)
    if call.world.interactions.age(interaction) > INTERACTION_DEADLINE:
        raise DiscordError(UNKNOWN_INTERACTION)
    return interaction


def _answered_interaction(call: Call) -> Interaction:
    """Return the interaction whose token is in the path, which must have had its first response."""
    interaction = call.world.interactions.with_token(call.path["token"])
    if call.path_id("webhook") != call.world.application:
        raise DiscordError(UNKNOWN_WEBHOOK)
    if interaction is None:
        raise DiscordError(INVALID_WEBHOOK_TOKEN)
    # The first response creates the webhook.
    if not interaction.answered:
        raise DiscordError(UNKNOWN_WEBHOOK)
    return interaction


def _message(call: Call, interaction: Interaction) -> Message:
    """Return the message in the path, one of those that answer an interaction."""
    if call.path["message"] == "@original":
        found = interaction.original
    else:
        id = read_id(call.path["message"], ("message_id",))
        messages = [*([interaction.original] if interaction.original else []), *interaction.followups]
        found = next((message for message in messages if message.id == id), None)
    if found is None or found.deleted:
        raise DiscordError(UNKNOWN_MESSAGE)
    return found


# The callbacks, by type


def _answer(call: Call, interaction: Interaction, data: Fields) -> None:
    _post(call, interaction, _read_draft(call, data))
    interaction.events.append("answer")


def _defer(call: Call, interaction: Interaction, data: Fields) -> None:
    _post(call, interaction, Draft(flags=read_flags(data) & EPHEMERAL | LOADING))
    interaction.deferred = True
    interaction.events.append("defer")


def _defer_update(call: Call, interaction: Interaction, data: Fields) -> None:
    interaction.original = interaction.message
    interaction.deferred = True
    interaction.events.append("defer update")


def _update(call: Call, interaction: Interaction, data: Fields) -> None:
    message = interaction.message
    if message is None or message.deleted:
        raise DiscordError(UNKNOWN_MESSAGE)
    apply_draft(call.world, message, read_draft(data, call.body.files, old=message))
    interaction.original = message
    interaction.events.append("update")


def _show_choices(call: Call, interaction: Interaction, data: Fields) -> None:
    interaction.choices = _read_choices(interaction, data)
    interaction.events.append("choices")


def _show_modal(call: Call, interaction: Interaction, data: Fields) -> None:
    data.refuse_all(modal_violations(data.values))
    data.check()
    interaction.modal = data.values
    interaction.events.append("modal")


_CALLBACKS = {
    MESSAGE: _answer,
    DEFER: _defer,
    DEFER_UPDATE: _defer_update,
    UPDATE: _update,
    SHOW_CHOICES: _show_choices,
    SHOW_MODAL: _show_modal,
}


def _read_type(interaction: Interaction, fields: Fields) -> int:
    """Read the type of a callback. Raises DiscordError if this interaction does not take it."""
    allowed = _ALLOWED.get(interaction.kind, (MESSAGE, DEFER))
    if interaction.message is None:
        allowed = tuple(kind for kind in allowed if kind != UPDATE)
    fields.require("type")
    kind = fields.choice("type", allowed)
    fields.check()
    return kind or 0


def _read_draft(call: Call, fields: Fields, *, ephemeral: bool = False) -> Draft:
    ephemeral = ephemeral or bool(read_flags(fields) & EPHEMERAL)
    return read_draft(fields, call.body.files, ephemeral=ephemeral)


def _read_choices(interaction: Interaction, data: Fields) -> list[JSON]:
    """Read the choices for an autocomplete. Raises DiscordError if they do not fit the option that is typed in."""
    choices = data.raw("choices")
    if not is_list(choices):
        data.refuse("choices", *REQUIRED)
    elif len(choices) > CHOICES:
        data.refuse("choices", "BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES} or fewer in length.")
    data.check()
    # Checked as the choices of an option of this type, which have the same limits.
    option = {"type": interaction.focused_kind, "name": "typed", "description": "typed", "choices": choices}
    problems = command_violations({"name": "typed", "description": "typed", "options": [option]})
    data.refuse_all(Violation(found.path[2:], found.code, found.message) for found in problems)
    data.check()
    return choices


def _post(call: Call, interaction: Interaction, draft: Draft) -> Message:
    """Send a message that answers an interaction."""
    flags = (draft.flags or 0) & (ANSWER_FLAGS | LOADING)
    # The first response replies to the message with the button, a follow-up to the first response.
    reference = interaction.original if interaction.answered else interaction.message
    return call.world.messages.add(
        interaction.channel,
        call.world.bot,
        **stored(call.world, draft),
        flags=flags,
        kind=REPLY if reference else _FIRST_ANSWERS.get(interaction.command_kind, 0),
        ephemeral_for=interaction.user if flags & EPHEMERAL else None,
        interaction=interaction,
        reference=reference,
    )


def _response(interaction: Interaction, kind: int) -> JSON:
    """Return what the answer to a callback with `with_response=true` says."""
    about: JSON = {"id": str(interaction.id), "type": interaction.kind, "channel_id": str(interaction.channel.id)}
    if interaction.guild is not None:
        about["guild_id"] = str(interaction.guild.id)
    message = interaction.original
    if message is None:
        return {"interaction": about}
    about["response_message_id"] = str(message.id)
    about["response_message_loading"] = message.loading
    about["response_message_ephemeral"] = message.ephemeral
    if kind not in {MESSAGE, UPDATE}:
        return {"interaction": about}
    return {"interaction": about, "resource": {"type": kind, "message": message.payload()}}


ROUTES = [Route("POST", "/interactions/{interaction}/{token}/callback", respond, bot=False)]
