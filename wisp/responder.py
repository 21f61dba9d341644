"""The responder: answers one interaction, by Discord's rules."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, TypeVar, Unpack, cast

import hikari

from . import bridge, limits
from .errors import AnswerError, InteractionOver, did_you_mean

if TYPE_CHECKING:
    from .owner import Source
    from .runtime import Runtime

T = TypeVar("T")

_EPHEMERAL = int(hikari.MessageFlag.EPHEMERAL)
_LOADING = int(hikari.MessageFlag.LOADING)

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_WEBHOOK = 10015
_UNKNOWN_INTERACTION = 10062
_INVALID_WEBHOOK_TOKEN = 50027

_UPDATES = (hikari.ResponseType.DEFERRED_MESSAGE_UPDATE, hikari.ResponseType.MESSAGE_UPDATE)

_EMPTY = "This answer is empty. Give it content, an embed, a component or a file."
_TOO_LATE = (
    "Discord no longer waits for this answer: it arrived more than 3 s after the interaction. Something kept the event "
    "loop, or the network, from sending it."
)
_UNCONFIRMED = (
    "The connection to Discord broke before this message was confirmed, so it may or may not be shown. It is not sent "
    "again, because it could be shown twice."
)


class MessageFields(TypedDict, total=False):
    """The fields of a message besides its content, named as in hikari. In an edit, None removes a field."""

    embed: hikari.UndefinedNoneOr[hikari.Embed]
    embeds: hikari.UndefinedNoneOr[Sequence[hikari.Embed]]
    component: hikari.UndefinedNoneOr[hikari.api.ComponentBuilder]
    components: hikari.UndefinedNoneOr[Sequence[hikari.api.ComponentBuilder]]
    attachment: hikari.UndefinedNoneOr[hikari.Resourceish | hikari.Attachment]
    attachments: hikari.UndefinedNoneOr[Sequence[hikari.Resourceish | hikari.Attachment]]
    flags: hikari.UndefinedOr[hikari.MessageFlag | int]
    tts: hikari.UndefinedOr[bool]
    mentions_everyone: hikari.UndefinedOr[bool]
    user_mentions: hikari.UndefinedOr[hikari.SnowflakeishSequence[hikari.PartialUser] | bool]
    role_mentions: hikari.UndefinedOr[hikari.SnowflakeishSequence[hikari.PartialRole] | bool]


class Answer:
    """One message that answered an interaction. It can be changed for 15 minutes after the interaction."""

    __slots__ = ("_interaction", "_message", "_responder")

    def __init__(self, responder: Responder, message: str) -> None:
        self._responder = responder
        self._interaction = responder.interaction
        self._message = message

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the message: fields that are not given stay, None removes one. Errors as in `ctx.respond`."""
        await self.change(*await self._responder.build(content, fields, edit=True))

    async def change(self, payload: dict[str, Any], files: bridge.Files) -> None:
        """Change the message to a payload that `Responder.build` made."""
        await self._responder.send(bridge.edit_answer(self._interaction, self._message, payload, files))

    async def delete(self) -> None:
        """Delete the message. Does nothing if it is already deleted."""
        await self._responder.send(bridge.delete_answer(self._interaction, self._message))

    async def message(self) -> hikari.Message:
        """Fetch the message. Raises AnswerError if it is deleted."""
        if self._message == bridge.ORIGINAL:
            return await self._responder.send(self._interaction.fetch_initial_response())
        return await self._responder.send(self._interaction.fetch_message(int(self._message)))


class _Slot(Protocol):
    """A slot of a concurrency limit, which a call releases while it waits for a user."""

    async def acquire(self) -> None: ...
    def release(self) -> None: ...


State = Literal["unanswered", "deferred", "answered", "lost"]
"""How far an interaction has been answered. A lost one is too old: Discord accepts no answer any more."""


class Responder:
    """Answers one interaction: the response first, follow-ups after it, and a deferral in time.

    `interaction` is the interaction that answers go to: the one that arrived, or a form that was submitted to it.
    `source` is the handler that answers. `has_open_form` is True while a modal may be open: Discord does not report
    one that was dismissed. `slots` are those of concurrency limits that the call holds. `sent`, if set, is an event of
    lightbulb's pipeline for the first answer.
    """

    def __init__(self, runtime: Runtime, interaction: bridge.Answerable, source: Source, *, ephemeral: bool) -> None:
        self._runtime = runtime
        self.interaction: bridge.Answerable = interaction
        self.source: Source = source
        self.ephemeral: bool = ephemeral
        self.state: State = "unanswered"
        self.has_open_form: bool = False
        self.slots: list[_Slot] = []
        self.sent: asyncio.Event | None = None
        self._visibility: bool | None = None  # of the answers after `defer(ephemeral=...)`
        self._defers_as_ephemeral = False
        self._edits_message = False  # Discord's "original response" is the message with the component that was used
        self._first: Answer | None = None
        self._defer_at = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._lock = asyncio.Lock()  # a deferral and an answer of the handler must not both be the first

    # ---- the deferral in time ----

    def start(self) -> None:
        """Defer the interaction shortly before Discord's deadline, unless it is answered by then."""
        clock = self._runtime.clock
        left = self._runtime.defer_after - self._runtime.discord_time.arrived(self.interaction.id)
        self._defer_at = clock.monotonic() + left
        self._timer = clock.call_later(left, lambda: self._runtime.spawn(self._defer_late()))

    def stop(self) -> None:
        """Cancel the scheduled deferral."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def continue_with(self, interaction: hikari.ModalInteraction) -> None:
        """Answer this form from now on, which was submitted to the modal that the handler opened."""
        self.interaction = interaction
        self.state = "unanswered"
        self._first = None
        self._edits_message = False
        self.has_open_form = False
        self.stop()  # the deferral of the interaction before this one
        self.start()

    async def _defer_late(self) -> None:
        try:
            await self.defer()
        except Exception as error:
            self._runtime.report(f"deferring {self.source.label}", error)

    # ---- what contexts offer ----

    async def respond(self, content: Any, ephemeral: bool | None, fields: MessageFields) -> Answer:
        """Answer with a message: see `InteractionContext.respond`."""
        payload, files = await self.build(content, fields)
        if int(payload.get("flags", 0)) & _EPHEMERAL:
            ephemeral = True
        async with self._lock:
            if self.state == "lost":
                raise self._over()
            if self.state == "unanswered" and await self._first_answer(
                hikari.ResponseType.MESSAGE_CREATE, _with_visibility(payload, self._is_ephemeral(ephemeral)), files
            ):
                return self._answered(bridge.ORIGINAL)
            is_ephemeral = self._is_ephemeral(ephemeral)
            if self.state == "deferred":
                return await self._replace_deferral(payload, files, is_ephemeral)
            return await self._follow_up(payload, files, is_ephemeral)

    async def defer(self, *, ephemeral: bool | None = None) -> None:
        """Acknowledge the interaction: see `InteractionContext.defer`."""
        async with self._lock:
            if ephemeral or self._visibility is None:
                self._visibility = ephemeral
            if self.state == "unanswered":
                await self._defer(self._is_ephemeral(None))

    async def edit(self, content: Any, fields: MessageFields) -> None:
        """Change the first answer, or the message with the component: see `InteractionContext.edit`."""
        payload, files = await self.build(content, fields, edit=True)
        async with self._lock:
            is_first = self.state == "unanswered" and self._message is not None
            if is_first and await self._first_answer(hikari.ResponseType.MESSAGE_UPDATE, payload, files):
                return
            if self.state == "deferred":
                await self._replace_deferral(payload, files, self._is_ephemeral(None))
            elif self._first is not None:
                await self._first.change(payload, files)
            elif self._edits_message:
                await self.send(bridge.edit_answer(self.interaction, bridge.ORIGINAL, payload, files))
            else:
                raise AnswerError("There is no answer to edit yet. Call ctx.respond(...) first.")

    async def delete(self) -> None:
        """Delete the first answer, or the message with the component: see `InteractionContext.delete`."""
        async with self._lock:
            if self._first is not None:
                await self._first.delete()
                return
            if self._message is not None and self.state == "unanswered":
                await self._defer(ephemeral=True)
            if self.state != "deferred" and not self._edits_message:
                raise AnswerError("There is no answer to delete yet. Call ctx.respond(...) first.")
            await self.send(bridge.delete_answer(self.interaction, bridge.ORIGINAL))
            self.state = "answered"

    async def open_modal(self, title: str, custom_id: str, components: Sequence[hikari.api.ComponentBuilder]) -> None:
        """Open a modal: see `InteractionContext.respond_with_modal`."""
        rows = [component.build()[0] for component in components]
        payload = {"title": title, "custom_id": custom_id, "components": rows}
        _refuse(limits.modal_violations(payload))
        async with self._lock:
            if self.interaction.type is hikari.InteractionType.MODAL_SUBMIT:
                raise AnswerError("Discord opens no modal in answer to a modal. Answer with a button that opens it.")
            if self.state == "unanswered" and await self._first_answer(hikari.ResponseType.MODAL, payload):
                return
            first = "a deferral" if self.state == "deferred" else "an answer"
            raise AnswerError(
                f"A modal must be the first answer, and {first} was sent already. Open it before anything that takes "
                f"time: wisp defers after {self._runtime.defer_after:g} s so that Discord does not give up."
            )

    # ---- the end of a handler ----

    async def finish(self) -> None:
        """Acknowledge an unanswered interaction, with an ephemeral deferral that is then deleted."""
        self.stop()
        if self.state == "answered":
            return
        async with self._lock:
            if self.state == "unanswered":
                await self._defer(ephemeral=True)
            if self.state == "deferred":
                try:
                    await self.send(bridge.delete_answer(self.interaction, bridge.ORIGINAL))
                except hikari.HTTPError:
                    # a word is better than "thinking..." for 15 minutes
                    await self.send(bridge.edit_answer(self.interaction, bridge.ORIGINAL, {"content": "Done."}))
                self.state = "answered"

    async def catch_up(self) -> None:
        """Continue from Discord's state of the interaction, after something else has answered it."""
        original = await bridge.fetch_answer(self.interaction)
        self.state = "answered"
        if original is None:  # it was a modal, or the message is deleted
            return
        flags = int(original["flags"])
        if self._message is not None and self._message.id == int(original["id"]):
            self._edits_message = True
        elif not flags & _LOADING:
            self._answered(bridge.ORIGINAL)
        else:
            self.state = "deferred"
            self._defers_as_ephemeral = bool(flags & _EPHEMERAL)
            if self._visibility is None:
                self._visibility = self._defers_as_ephemeral

    # ---- requests ----

    async def build(
        self, content: Any, fields: MessageFields, *, edit: bool = False
    ) -> tuple[dict[str, Any], bridge.Files]:
        """Return a message as JSON, and its files, read. Raises AnswerError if Discord would refuse it.

        Files are read before anything holds the lock, so that a deferral can be sent meanwhile.
        """
        if type(content) is str and not fields and not edit:  # most answers: nothing else can be wrong
            if violation := limits.content_violation(content):
                _refuse([violation])
            if not content.strip():
                raise AnswerError(_EMPTY)
            return {"content": content, "allowed_mentions": {"parse": []}}, ()
        if unknown := fields.keys() - MessageFields.__annotations__:
            name = unknown.pop()
            raise AnswerError(f"A message has no field {name}={did_you_mean(name, MessageFields.__annotations__)}")
        rest = self.interaction.app.rest
        payload, files = bridge.message_payload(rest, content, fields, edit=edit)
        _refuse(limits.message_violations(payload))
        flags = int(payload.get("flags", 0))
        if edit and flags & _EPHEMERAL:
            raise AnswerError("A message cannot be made ephemeral by an edit. Pass ephemeral=True to ctx.respond.")
        if edit and flags & limits.COMPONENTS_V2:
            # the message would keep its text and embeds, which Discord refuses beside such components
            payload = {"content": None, "embeds": list[Any](), **payload}
        shows = str(payload.get("content") or "").strip() or payload.get("embeds") or payload.get("components")
        if not (edit or files or shows):
            raise AnswerError(_EMPTY)
        return payload, await bridge.read_files(rest, files, self.interaction.attachment_size_limit)

    async def send(self, sending: Awaitable[T]) -> T:
        """Await a request to Discord. Raises AnswerError for a refusal that the caller can understand."""
        try:
            return await sending
        except hikari.ClientHTTPResponseError as error:
            if error.code == bridge.ALREADY_ACKNOWLEDGED:
                raise
            if error.code in (_UNKNOWN_INTERACTION, _UNKNOWN_WEBHOOK, _INVALID_WEBHOOK_TOKEN):
                self.state = "lost"
                raise (AnswerError(_TOO_LATE) if error.code == _UNKNOWN_INTERACTION else self._over()) from error
            if error.code == bridge.UNKNOWN_MESSAGE:
                raise AnswerError("That answer is gone: it was deleted.") from error
            if isinstance(error, hikari.BadRequestError) and error.errors:
                _refuse([*_violations_in(error.errors)])
            if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
                raise AnswerError(f"Discord refuses this answer: {error.message}") from error
            raise
        except hikari.ComponentStateConflictError as error:
            raise AnswerError("The bot has closed. Answer before `await bot.close()`.") from error

    async def _first_answer(self, type: hikari.ResponseType, data: dict[str, Any], files: bridge.Files = ()) -> bool:
        """Send the first answer. Return False if something else came first. The state is up to date in both cases."""
        try:
            if not files:
                await self.send(bridge.answer(self.interaction, type, data))
            elif not await self._upload(type, data, files):
                return False
        except hikari.ClientHTTPResponseError as error:
            if error.code != bridge.ALREADY_ACKNOWLEDGED:
                raise
            await self.catch_up()
            return False
        finally:
            if self.sent is not None:
                self.sent.set()
        is_deferral = type is hikari.ResponseType.DEFERRED_MESSAGE_CREATE
        self.state = "deferred" if is_deferral else "answered"
        self._defers_as_ephemeral = is_deferral and "flags" in data
        self._edits_message = type in _UPDATES
        self.has_open_form = type is hikari.ResponseType.MODAL
        return True

    async def _upload(self, type: hikari.ResponseType, data: dict[str, Any], files: bridge.Files) -> bool:
        """Send a first answer with files. Return False if that takes too long: a deferral was sent instead."""
        left = self._defer_at - self._runtime.clock.monotonic()
        if left > 0:
            sending = self.send(bridge.answer(self.interaction, type, data, files))
            try:
                await self._runtime.clock.wait_for(sending, left)
                return True
            except TimeoutError:
                pass
        # if Discord refuses the deferral as a second answer, it accepted the upload at the last moment
        return not await self._defer(bool(int(data.get("flags", 0)) & _EPHEMERAL))

    async def _defer(self, ephemeral: bool) -> bool:
        """Send a deferral: a silent one if a component was used. Return False if something else came first."""
        if self._message is not None:
            return await self._first_answer(hikari.ResponseType.DEFERRED_MESSAGE_UPDATE, {})
        data = {"flags": _EPHEMERAL} if ephemeral else {}
        return await self._first_answer(hikari.ResponseType.DEFERRED_MESSAGE_CREATE, data)

    async def _replace_deferral(self, payload: dict[str, Any], files: bridge.Files, ephemeral: bool) -> Answer:
        """Answer in place of a deferral: fill it, or delete it and follow up if its visibility differs."""
        if ephemeral is self._defers_as_ephemeral:
            # the answer is as visible as the deferral that it fills: Discord accepts no flag for that here
            visible = _with_visibility(payload, False)
            await self.send(bridge.edit_answer(self.interaction, bridge.ORIGINAL, visible, files))
            return self._answered(bridge.ORIGINAL)
        await self.send(bridge.delete_answer(self.interaction, bridge.ORIGINAL))
        self.state = "answered"
        return await self._follow_up(payload, files, ephemeral)

    async def _follow_up(self, payload: dict[str, Any], files: bridge.Files, ephemeral: bool) -> Answer:
        try:
            sent = await self.send(bridge.follow_up(self.interaction, _with_visibility(payload, ephemeral), files))
        except hikari.HTTPResponseError:
            raise
        except hikari.HTTPError as error:
            raise AnswerError(_UNCONFIRMED) from error
        return self._answered(sent)

    # ---- state ----

    def _answered(self, message: str) -> Answer:
        self.state = "answered"
        answer = Answer(self, message)
        self._first = self._first or answer
        return answer

    def _is_ephemeral(self, ephemeral: bool | None) -> bool:
        """Return the visibility of an answer: as its call says, else as a deferral said, else as the handler says."""
        return next(choice for choice in (ephemeral, self._visibility, self.ephemeral) if choice is not None)

    def _over(self) -> InteractionOver:
        return InteractionOver(f" ({self.source.file}:{self.source.line})")

    @property
    def _message(self) -> hikari.Message | None:
        """The message with the component that was used."""
        return None if isinstance(self.interaction, hikari.CommandInteraction) else self.interaction.message


# ---- messages ----


def _refuse(violations: Sequence[limits.Violation]) -> None:
    if violations:
        from .limit_fixes import explained

        raise AnswerError(f"Discord would refuse this answer: {explained(violations)}")


def _violations_in(errors: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[limits.Violation]:
    """Flatten Discord's tree of errors."""
    for key, value in errors.items():
        if key == "_errors":
            yield from (limits.Violation(path, str(one["code"]), str(one["message"])) for one in value)
        elif isinstance(value, Mapping):
            yield from _violations_in(cast("Mapping[str, Any]", value), (*path, key))


def _with_visibility(payload: dict[str, Any], ephemeral: bool) -> dict[str, Any]:
    """Return a message with the flag that shows it to the caller only, or without it."""
    if not ephemeral and "flags" not in payload:
        return payload
    flags = int(payload.get("flags", 0)) & ~_EPHEMERAL
    return {**payload, "flags": flags | _EPHEMERAL if ephemeral else flags}
