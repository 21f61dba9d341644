"""Context: one invocation of a command, and everything that it can answer."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

import hikari

from . import bridge, limits
from .errors import AnswerError

if TYPE_CHECKING:
    from .bot import Bot
    from .commands import Command
    from .session import Session

T = TypeVar("T", bound=hikari.CommandInteraction | hikari.AutocompleteInteraction)

_MESSAGE = hikari.ResponseType.MESSAGE_CREATE
_DEFERRAL = hikari.ResponseType.DEFERRED_MESSAGE_CREATE
_PRIVATE = int(hikari.MessageFlag.EPHEMERAL)

_EMPTY = "This answer is empty. Give it a content, an embed, a component or a file."

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_INTERACTION = 10062
_ALREADY_ACKNOWLEDGED = 40060


class _State(enum.Enum):
    UNANSWERED = enum.auto()
    DEFERRED = enum.auto()
    ANSWERED = enum.auto()


# members of an enum take a descriptor's call to read, and a command reads them a few times
_UNANSWERED, _DEFERRED, _ANSWERED = _State


class MessageFields(TypedDict, total=False):
    """What a message can have besides its content, as hikari names it. In an edit, None takes a thing away."""

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
    """One message that answered an interaction. It can be changed for 15 minutes after the interaction came."""

    __slots__ = ("_ctx", "_message")

    def __init__(self, ctx: Context, message: str) -> None:
        self._ctx = ctx
        self._message = message

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the message: what is not named stays, None takes it away. Fields and errors as in `ctx.respond`."""
        payload, form = self._ctx.build_message(content, fields, edit=True)
        await bridge.edit_answer(self._ctx.interaction, self._message, payload, form)

    async def delete(self) -> None:
        """Take the message away. Raises hikari.NotFoundError where it is gone already."""
        await bridge.delete_answer(self._ctx.interaction, self._message)

    async def message(self) -> hikari.Message:
        """Fetch it as Discord has it now."""
        if self._message == bridge.ORIGINAL:
            return await self._ctx.interaction.fetch_initial_response()
        return await self._ctx.interaction.fetch_message(int(self._message))


class InteractionContext(Generic[T]):
    """One interaction: who asked, and where. `interaction` is hikari's own object, `command` what was asked for."""

    __slots__ = ("command", "interaction", "session")

    def __init__(self, session: Session, command: Command[..., Any], interaction: T) -> None:
        self.session: Session = session
        self.command: Command[..., Any] = command
        self.interaction: T = interaction

    @property
    def bot(self) -> Bot:
        """The bot that was asked."""
        return self.session.bot

    @property
    def user(self) -> hikari.User:
        """Who asked."""
        return self.interaction.user

    @property
    def member(self) -> hikari.InteractionMember | None:
        """Who asked, as a member with permissions in this channel; None in direct messages."""
        return self.interaction.member

    @property
    def guild_id(self) -> hikari.Snowflake | None:
        """The server; None in direct messages."""
        return self.interaction.guild_id

    @property
    def channel_id(self) -> hikari.Snowflake:
        """The channel."""
        return self.interaction.channel_id

    @property
    def log(self) -> logging.Logger:
        """The logger of the bot or module that the command belongs to."""
        return self.command.owner.log


class Context(InteractionContext[hikari.CommandInteraction]):
    """One invocation of a command: who asked, where, and the ways to answer.

    The answers follow Discord's rules for you: the first one is the
    response, later ones are follow-ups; where Discord is about to lose patience (it waits 3 s), the answer is
    deferred, publicly or privately as the command's `ephemeral=` says; a private answer after a public deferral
    (or the other way round) takes the deferral away first, since Discord would show it as the deferral was.
    """

    __slots__ = ("_deferred_privately", "_first", "_lock", "_state")

    def __init__(self, session: Session, command: Command[..., Any], interaction: hikari.CommandInteraction) -> None:
        super().__init__(session, command, interaction)
        self._state = _UNANSWERED
        self._deferred_privately = False
        self._first: Answer | None = None
        # a deferral on time and an answer by the handler must not both be the first
        self._lock = asyncio.Lock()

    @property
    def unanswered(self) -> bool:
        """Whether Discord has heard nothing yet, not even a deferral."""
        return self._state is _UNANSWERED

    def __repr__(self) -> str:
        return f"<Context /{self.command.name} by {self.user.username} {self._state.name.lower()}>"

    async def respond(
        self,
        content: Any = hikari.UNDEFINED,
        *,
        ephemeral: bool | None = None,
        **fields: Unpack[MessageFields],
    ) -> Answer:
        """Answer with a message: the response the first time, a follow-up each time after.

        `content` is at most 2,000 characters (an Embed or a file in its place is taken as one). `ephemeral` shows
        it to the one who asked only; None is as the command says. Nobody is pinged unless the mentions say so.
        The other fields are hikari's.

        Raises AnswerError where Discord would refuse it (too long, empty, 3 s or 15 minutes late).
        """
        private = self.command.ephemeral if ephemeral is None else ephemeral
        payload, form = self.build_message(content, fields)
        if private:
            payload["flags"] = int(payload.get("flags", 0)) | _PRIVATE
        else:
            private = bool(int(payload.get("flags", 0)) & _PRIVATE)
        async with self._lock:
            return await self._send(payload, form, private)

    async def defer(self, *, ephemeral: bool | None = None) -> None:
        """Tell Discord that the answer takes longer (15 minutes at most); the person sees that the bot is thinking.

        wisp does this by itself in time; say it for an earlier sign, or another privacy than the command's. Does
        nothing once there is a deferral or an answer.
        """
        private = self.command.ephemeral if ephemeral is None else ephemeral
        async with self._lock:
            if self._state is _UNANSWERED:
                await self._callback(_DEFERRAL, {"flags": _PRIVATE} if private else {})
                self._deferred_privately = private
                self._state = _DEFERRED

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the first answer; after a deferral alone this is the answer. Fields and errors as in `respond`.

        Raises AnswerError where there is nothing to change yet.
        """
        if self._state is _DEFERRED:
            await self.respond(content, ephemeral=self._deferred_privately, **fields)
        elif self._first is None:
            raise AnswerError("There is no answer to edit yet. Call ctx.respond(...) first.")
        else:
            await self._first.edit(content, **fields)

    async def delete(self) -> None:
        """Take the first answer away. Raises AnswerError where there is none."""
        if self._first is None:
            raise AnswerError("There is no answer to delete yet. Call ctx.respond(...) first.")
        await self._first.delete()

    async def respond_with_modal(
        self, title: str, custom_id: str, *, components: Sequence[hikari.api.ComponentBuilder]
    ) -> None:
        """Open a form. It must be the first answer: Discord takes none after a message or a deferral.

        `title` is at most 45 characters, `custom_id` 100, `components` 1 to 5 rows with one text input each.
        Raises AnswerError where Discord would refuse it.
        """
        payload = {
            "title": title,
            "custom_id": custom_id,
            "components": [component.build()[0] for component in components],
        }
        _refuse(limits.modal_problems(payload))
        async with self._lock:
            if self._state is not _UNANSWERED:
                came_first = "an answer" if self._state is _ANSWERED else "a deferral"
                raise AnswerError(
                    f"A modal must be the first answer, and {came_first} was sent already. Open it before anything "
                    f"that takes time: wisp defers after {self.session.patience:g} s so that Discord does not give up."
                )
            await self._callback(hikari.ResponseType.MODAL, payload)
            self._state = _ANSWERED

    async def finish(self) -> None:
        """End without a word where nothing was answered: Discord must hear something, and nobody needs to."""
        async with self._lock:
            if self._state is _ANSWERED:
                return
            if self._state is _UNANSWERED:
                await self._callback(_DEFERRAL, {"flags": _PRIVATE})
            self._state = _ANSWERED
            await bridge.delete_answer(self.interaction, bridge.ORIGINAL)

    def build_message(self, content: Any, fields: MessageFields, *, edit: bool = False) -> tuple[dict[str, Any], Any]:
        """A message as Discord takes it, and the form that holds its files; AnswerError where Discord would not."""
        given = {name: value for name, value in fields.items() if value is not hikari.UNDEFINED}
        if type(content) is str and not given and not edit:
            if problem := limits.content_problem(content):
                _refuse([problem])
            if not content.strip():
                raise AnswerError(_EMPTY)
            return {"content": content, "allowed_mentions": {"parse": []}}, None
        payload, form = bridge.message_payload(self.interaction.app.rest, content, given, edit=edit)
        _refuse(limits.message_problems(payload))
        something = str(payload.get("content") or "").strip() or payload.get("embeds") or payload.get("components")
        if not (edit or form or something):
            raise AnswerError(_EMPTY)
        return payload, form

    async def _send(self, payload: dict[str, Any], form: Any, private: bool) -> Answer:
        if self._state is _UNANSWERED:
            await self._callback(_MESSAGE, payload, form)
            answer = Answer(self, bridge.ORIGINAL)
        elif self._state is _DEFERRED and private is self._deferred_privately:
            await bridge.edit_answer(self.interaction, bridge.ORIGINAL, payload, form)
            answer = Answer(self, bridge.ORIGINAL)
        else:
            if self._state is _DEFERRED:
                await bridge.delete_answer(self.interaction, bridge.ORIGINAL)
                self._state = _ANSWERED
            answer = Answer(self, await bridge.follow_up(self.interaction, payload, form))
        self._state = _ANSWERED
        self._first = self._first or answer
        return answer

    async def _callback(self, type: hikari.ResponseType, data: dict[str, Any], form: Any = None) -> None:
        try:
            await bridge.answer(self.interaction, type, data, form)
        except hikari.ClientHTTPResponseError as error:
            code = getattr(error, "code", None)
            if code == _UNKNOWN_INTERACTION:
                self._state = _ANSWERED  # nothing can be answered any more
                raise AnswerError(
                    "Discord waits no longer for this answer (10062): more than 3 s passed before it arrived. "
                    "Something kept the event loop, or the network, from sending it."
                ) from error
            if code == _ALREADY_ACKNOWLEDGED:
                self._state = _ANSWERED
                raise AnswerError(
                    "Something else answered this interaction first (40060): a raw listener, or another process "
                    "that runs with the same token."
                ) from error
            raise


def _refuse(problems: Sequence[limits.Problem]) -> None:
    if problems:
        told = "; ".join(f"{'.'.join(map(str, problem.path))}: {problem.message}" for problem in problems)
        raise AnswerError(f"Discord would refuse this answer: {told}")
