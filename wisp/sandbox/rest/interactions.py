"""How a bot answers an interaction: its first answer (the callback), then the webhook of its token."""

from __future__ import annotations

from aiohttp import web

from wisp.limits import CHOICES, Violation
from wisp.sandbox.rest.errors import (
    ALREADY_ACKNOWLEDGED,
    EMPTY_MESSAGE,
    INVALID_WEBHOOK_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    Refusal,
    invalid_form,
    snowflake,
)
from wisp.sandbox.rest.forms import Draft, Form, apply_draft, path_id, read_draft, read_form
from wisp.sandbox.rest.payload_limits import command_violations, modal_violations
from wisp.sandbox.world.changes import InteractionAnswered
from wisp.sandbox.world.objects import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    COMPONENTS_V2,
    EPHEMERAL,
    INTERACTION_DEADLINE,
    JSON,
    LOADING,
    MODAL_SUBMIT,
    SUPPRESS_EMBEDS,
    Interaction,
    Message,
    is_list,
)
from wisp.sandbox.world.world import World

MESSAGE, DEFER, DEFER_UPDATE, UPDATE, SHOW_CHOICES, SHOW_MODAL = 4, 5, 6, 7, 8, 9
"""Types of callbacks."""

ANSWER_FLAGS = SUPPRESS_EMBEDS | EPHEMERAL | 1 << 12 | COMPONENTS_V2
"""Message flags that an answer can set: no embeds, for one reader, no notification, new components."""

_ALLOWED = {
    COMMAND: (MESSAGE, DEFER, SHOW_MODAL),
    COMPONENT: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, SHOW_MODAL),
    AUTOCOMPLETE: (SHOW_CHOICES,),
    MODAL_SUBMIT: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE),
}
"""Which callbacks which kind of interaction takes (receiving-and-responding#interaction-response-object).

A kind that a test makes up takes a message or a deferral.
"""

REPLY = 19
_FIRST_ANSWERS = {1: 20, 2: 23, 3: 23}
"""The type of message that answers a command, by the command's type."""


class Answers:
    """The routes under /interactions and those under /webhooks that belong to interactions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._callbacks = {
            MESSAGE: self._answer,
            DEFER: self._defer,
            DEFER_UPDATE: self._defer_update,
            UPDATE: self._update,
            SHOW_CHOICES: self._show_choices,
            SHOW_MODAL: self._show_modal,
        }

    async def callback(self, request: web.Request) -> tuple[int, JSON | None]:
        """Give the first answer."""
        form = await read_form(request)
        interaction = self._waiting_interaction(request)
        kind = _callback_type(interaction, form.object())
        self._callbacks[kind](interaction, form)
        interaction.answered = True
        self.world.happen(InteractionAnswered(interaction, kind))
        if request.query.get("with_response", "").lower() not in {"true", "1"}:
            return 204, None
        return 200, _callback_response(interaction, kind)

    async def follow_up(self, request: web.Request) -> tuple[int, JSON]:
        """Post another message; the first one after a deferral is what was deferred."""
        interaction = self._answered_interaction(request)
        form = await read_form(request)
        waiting = interaction.original if interaction.deferred else None
        if waiting is not None and waiting.loading and not waiting.deleted:
            message = waiting
            # Whether it is private was settled by the deferral.
            apply_draft(self.world, message, self._draft(form, ephemeral=message.ephemeral))
        else:
            message = self._post(interaction, self._draft(form))
            interaction.followups.append(message)
        interaction.events.append("follow-up")
        return 200, message.payload()

    async def get_message(self, request: web.Request) -> tuple[int, JSON]:
        """One of the answers."""
        return 200, self._message(request, self._answered_interaction(request)).payload()

    async def edit_message(self, request: web.Request) -> tuple[int, JSON]:
        """Change one of the answers."""
        interaction = self._answered_interaction(request)
        message = self._message(request, interaction)
        apply_draft(self.world, message, read_draft(self.world, await read_form(request), old=message))
        interaction.events.append("edit")
        return 200, message.payload()

    async def delete_message(self, request: web.Request) -> tuple[int, None]:
        """Delete one of the answers."""
        interaction = self._answered_interaction(request)
        self.world.delete_message(self._message(request, interaction))
        interaction.events.append("delete")
        return 204, None

    # Which interaction, which message

    def _waiting_interaction(self, request: web.Request) -> Interaction:
        number = path_id(request, "interaction")
        interaction = self.world.interaction_with(request.match_info["token"])
        if interaction is None or interaction.id != number:
            raise Refusal(UNKNOWN_INTERACTION)
        if interaction.answered:
            raise Refusal(ALREADY_ACKNOWLEDGED)
        if self.world.age(interaction) > INTERACTION_DEADLINE:
            raise Refusal(UNKNOWN_INTERACTION)
        return interaction

    def _answered_interaction(self, request: web.Request) -> Interaction:
        application = path_id(request, "webhook")
        interaction = self.world.interaction_with(request.match_info["token"])
        if application != self.world.application:
            raise Refusal(UNKNOWN_WEBHOOK)
        if interaction is None:
            raise Refusal(INVALID_WEBHOOK_TOKEN)
        # The webhook comes into being with the first answer.
        if not interaction.answered:
            raise Refusal(UNKNOWN_WEBHOOK)
        return interaction

    def _message(self, request: web.Request, interaction: Interaction) -> Message:
        answers = [*([interaction.original] if interaction.original else []), *interaction.followups]
        if request.match_info["message"] == "@original":
            found = interaction.original
        else:
            number = snowflake(request.match_info["message"], ("message_id",))
            found = next((message for message in answers if message.id == number), None)
        if found is None or found.deleted:
            raise Refusal(UNKNOWN_MESSAGE)
        return found

    # The callbacks, by type

    def _answer(self, interaction: Interaction, form: Form) -> None:
        self._post(interaction, self._draft(form.data()))
        interaction.events.append("answer")

    def _defer(self, interaction: Interaction, form: Form) -> None:
        private = form.data().flags() & EPHEMERAL
        self._post(interaction, Draft("", [], [], [], private | LOADING, None))
        interaction.deferred = True
        interaction.events.append("defer")

    def _defer_update(self, interaction: Interaction, form: Form) -> None:
        interaction.original = interaction.message
        interaction.deferred = True
        interaction.events.append("defer update")

    def _update(self, interaction: Interaction, form: Form) -> None:
        message = interaction.message
        if message is None or message.deleted:
            raise Refusal(UNKNOWN_MESSAGE)
        apply_draft(self.world, message, read_draft(self.world, form.data(), old=message))
        interaction.original = message
        interaction.events.append("update")

    def _show_choices(self, interaction: Interaction, form: Form) -> None:
        interaction.choices = _choices(interaction, form.data())
        interaction.events.append("choices")

    def _show_modal(self, interaction: Interaction, form: Form) -> None:
        data = form.data()
        if problems := modal_violations(data.object()):
            raise data.refusal(*problems)
        interaction.modal = data.object()
        interaction.events.append("modal")

    # Messages

    def _draft(self, form: Form, *, ephemeral: bool = False) -> Draft:
        draft = read_draft(self.world, form, ephemeral=ephemeral or bool(form.flags() & EPHEMERAL))
        if draft.empty:
            raise Refusal(EMPTY_MESSAGE)
        return draft

    def _post(self, interaction: Interaction, draft: Draft) -> Message:
        flags = (draft.flags or 0) & (ANSWER_FLAGS | LOADING)
        # An answer replies to the message with the button, a follow-up to the first answer.
        reference = interaction.original if interaction.answered else interaction.message
        return self.world.add_message(
            interaction.channel,
            self.world.bot,
            content=draft.content or "",
            embeds=draft.embeds or (),
            components=draft.components or (),
            attachments=draft.attachments or (),
            flags=flags,
            kind=REPLY if reference else _FIRST_ANSWERS.get(interaction.command_kind, 0),
            ephemeral_for=interaction.user if flags & EPHEMERAL else None,
            interaction=interaction,
            reference=reference,
            allowed_mentions=draft.allowed_mentions,
        )


def _callback_type(interaction: Interaction, callback: JSON) -> int:
    """The callback's type. Raises `Refusal` where this interaction does not take it."""
    allowed = _ALLOWED.get(interaction.kind, (MESSAGE, DEFER))
    if interaction.message is None:
        allowed = tuple(kind for kind in allowed if kind != UPDATE)
    kind = callback.get("type")
    if isinstance(kind, int) and not isinstance(kind, bool) and kind in allowed:
        return kind
    wanted = ", ".join(map(str, allowed))
    raise invalid_form(Violation(("type",), "BASE_TYPE_CHOICES", f"Value must be one of {{{wanted}}}."))


def _callback_response(interaction: Interaction, kind: int) -> JSON:
    """What a callback answers that was sent with `with_response=true`."""
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


def _choices(interaction: Interaction, data: Form) -> list[JSON]:
    """The choices for an autocomplete. Raises `Refusal` where they do not fit the option typed in."""
    choices = data.object().get("choices")
    if not is_list(choices):
        raise data.refusal(Violation(("choices",), "BASE_TYPE_REQUIRED", "This field is required"))
    if len(choices) > CHOICES:
        code, words = "BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES} or fewer in length."
        raise data.refusal(Violation(("choices",), code, words))
    # Checked as the choices of an option of this type, for they obey the same limits.
    option = {"type": interaction.focused_kind, "name": "typed", "description": "typed", "choices": choices}
    problems = command_violations({"name": "typed", "description": "typed", "options": [option]})
    if problems:
        raise data.refusal(*(Violation(found.path[2:], found.code, found.message) for found in problems))
    return choices
