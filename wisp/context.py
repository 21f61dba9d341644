"""Contexts: one interaction with the bot, who it is from, and every way to answer it."""

from __future__ import annotations

import asyncio
import enum
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack, cast

import hikari

from . import bridge, limits
from .errors import AnswerError, InteractionOver

if TYPE_CHECKING:
    from .bot import Bot
    from .forms import Form
    from .guards import Release
    from .handlers import Handler
    from .services import BoundStore, GuildDataStore, Services
    from .session import Session

T = TypeVar("T")
F = TypeVar("F", bound="Form")
Asked = TypeVar("Asked", bound=bridge.Answerable | hikari.AutocompleteInteraction)
if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    # so that a guard or an error handler can take a plain `wisp.InteractionContext`
    Answered = TypeVarWithDefault("Answered", bound=bridge.Answerable, default=Any)
else:
    Answered = TypeVar("Answered")

_MESSAGE = hikari.ResponseType.MESSAGE_CREATE
_DEFERRAL = hikari.ResponseType.DEFERRED_MESSAGE_CREATE
_UPDATE = hikari.ResponseType.MESSAGE_UPDATE
_SILENT_DEFERRAL = hikari.ResponseType.DEFERRED_MESSAGE_UPDATE
_PRIVATE = int(hikari.MessageFlag.EPHEMERAL)
_LOADING = int(hikari.MessageFlag.LOADING)

_EMPTY = "This answer is empty. Give it a content, an embed, a component or a file."

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_UNKNOWN_WEBHOOK = 10015
_UNKNOWN_INTERACTION = 10062
_EMPTY_MESSAGE = 50006
_INVALID_WEBHOOK_TOKEN = 50027

_TOO_LATE = (
    "Discord waits no longer for this answer: more than 3 s passed before it arrived. Something kept the event loop, "
    "or the network, from sending it."
)
_SMALLER = "Send a smaller file, or a link to it."
_TOO_LARGE = f"Discord takes no files as large as these. {_SMALLER}"
_CLOSED = "The bot has closed, and answers nothing any more. Answer before `await bot.close()`."
_GONE = "That answer is gone: it was deleted."
_UNCONFIRMED = (
    "The connection to Discord broke before this message was confirmed, so people may see it or not. It is not sent "
    "again, since it could be shown twice."
)


class _State(enum.Enum):
    UNANSWERED = enum.auto()
    DEFERRED = enum.auto()
    ANSWERED = enum.auto()
    LOST = enum.auto()  # Discord takes no answer any more


# members of an enum take a descriptor's call to read, and a command reads them a few times
_UNANSWERED, _DEFERRED, _ANSWERED, _LOST = _State


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


_FIELDS = ("content", *MessageFields.__annotations__)


class Answer:
    """One message that answered an interaction. It can be changed for 15 minutes after the interaction came."""

    __slots__ = ("_answering", "_ctx", "_message")

    def __init__(self, ctx: InteractionContext[Any], message: str) -> None:
        self._ctx = ctx
        self._answering = ctx.answering
        self._message = message

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the message: what is not named stays, None removes it. Fields and errors as in `ctx.respond`."""
        payload, files = self._ctx.build_message(content, fields, edit=True)
        await self._ctx.read(files)
        await self.change(payload, files)

    async def change(self, payload: dict[str, Any], files: bridge.Files | None) -> None:
        """Change the message to what `build_message` made. The files have been read."""
        await self._ctx.send(bridge.edit_answer(self._answering, self._message, payload, files))

    async def delete(self) -> None:
        """Delete the message. Does nothing if it is gone already."""
        await self._ctx.send(bridge.delete_answer(self._answering, self._message))

    async def message(self) -> hikari.Message:
        """Fetch it as Discord has it now. Raises AnswerError where it is gone."""
        if self._message == bridge.ORIGINAL:
            return await self._ctx.send(self._answering.fetch_initial_response())
        return await self._ctx.send(self._answering.fetch_message(int(self._message)))


class BaseContext(Generic[Asked]):
    """One interaction: who asked, and where. `interaction` is hikari's own object, `handler` what was asked for."""

    __slots__ = ("handler", "interaction", "session")

    def __init__(self, session: Session, handler: Handler[..., Any], interaction: Asked) -> None:
        self.session: Session = session
        self.handler: Handler[..., Any] = handler
        self.interaction: Asked = interaction

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
    def services(self) -> Services:
        """What the bot runs on: "metrics", "db", "guild_data", "cache", "audit" and what was registered."""
        return self.session.services

    @property
    def guild_data(self) -> GuildDataStore:
        """What the bot keeps for its servers. Raises ServiceError where the database did not start."""
        return self.session.guild_data

    @property
    def data(self) -> BoundStore:
        """What this bot or module keeps for this server; in direct messages, for this person."""
        return self.guild_data.bind(
            guild_id=self.guild_id, user_id=self.user.id, module_name=self.handler.owner.namespace
        )

    @property
    def log(self) -> logging.Logger:
        """The logger of the bot or module that was asked."""
        return self.handler.owner.log


class InteractionContext(BaseContext[Answered]):
    """One interaction that can be answered: a command, a click, a form. What guards and error handlers are given.

    The answers follow Discord's rules for you: the first one is the response, later ones are follow-ups. Discord
    waits 3 s for the first one; shortly before, the answer is deferred, publicly or privately as the handler's
    `ephemeral=` says. After `ctx.defer(ephemeral=...)` all answers are as private as that, unless the call says
    `ephemeral=` itself. A private answer after a public deferral (or the reverse) deletes the deferral first, since
    Discord would show the answer as it shows the deferral.

    A first answer and an edit are repeated until Discord confirms them, and shown once. A follow-up is sent at most
    once: Discord cannot be asked whether it took one, and would show a repeated one twice.

    `answering` is the interaction that answers go to: `interaction`, or the submitted form after `ctx.form`.
    `defer_at` is when an unanswered interaction is deferred, in seconds of `Clock.monotonic`.
    """

    __slots__ = (
        "_deferred_privately",
        "_first",
        "_lock",
        "_lost_by",
        "_private",
        "_state",
        "answering",
        "defer_at",
        "has_open_form",
        "heard",
        "taken",
    )

    def __init__(self, session: Session, handler: Handler[..., Any], interaction: Answered) -> None:
        super().__init__(session, handler, interaction)
        self.answering: bridge.Answerable = interaction
        self._state = _UNANSWERED
        self._deferred_privately = False
        self._private: bool | None = None  # the visibility of answers that a deferral set; None is the handler's
        self._first: Answer | None = None
        self._lost_by: Exception | None = None  # Discord's refusal, from which on it takes no answer
        self.defer_at: float = math.inf
        # Discord does not report a form that was dismissed, so an open one may have been
        self.has_open_form: bool = False
        self.taken: Sequence[Release] = ()  # what the handler's limits gave this call
        # a deferral on time and an answer by the handler must not both be the first
        self._lock = asyncio.Lock()
        # where lightbulb's pipeline runs the command: how lightbulb knows that Discord has heard something
        self.heard: asyncio.Event | None = None

    @property
    def unanswered(self) -> bool:
        """Whether Discord has heard nothing yet, not even a deferral."""
        return self._state is _UNANSWERED

    @property
    def lost(self) -> bool:
        """Whether it is too late for any answer."""
        return self._state is _LOST

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.handler.label} by {self.user.username} {self._state.name.lower()}>"

    async def respond(
        self,
        content: Any = hikari.UNDEFINED,
        *,
        ephemeral: bool | None = None,
        **fields: Unpack[MessageFields],
    ) -> Answer:
        """Answer with a message: the response the first time, a follow-up each time after.

        `content` is at most 2,000 characters (an Embed or a file in its place is taken as one). `ephemeral` shows
        the message to the caller only; None is as `ctx.defer` said, else as the handler says. Nobody is pinged unless
        the mentions say so. The other fields are hikari's. Files are read before anything is sent.

        Raises AnswerError if Discord would refuse the message (too long, empty), if the interaction is over (after
        15 minutes), and if the connection breaks before Discord has confirmed a follow-up.
        """
        payload, files = self.build_message(content, fields)
        if int(payload.get("flags", 0)) & _PRIVATE:
            ephemeral = True
        await self.read(files)
        async with self._lock:
            return await self._send(payload, files, ephemeral)

    async def defer(self, *, ephemeral: bool | None = None) -> None:
        """Acknowledge the interaction, whose answer then may take 15 minutes; the user sees that the bot is thinking.

        wisp does this in time. Call it for an earlier sign, or for another visibility than the handler's: the answers
        that follow have the same, unless they say `ephemeral=` themselves. If the interaction is deferred or answered
        already, nothing is sent, and `ephemeral=True` still holds for the answers that follow.
        """
        async with self._lock:
            if ephemeral or self._private is None:
                self._private = ephemeral
            if self._state is _UNANSWERED:
                await self._defer(self._is_private(None))

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the first answer; after a deferral alone this is the answer. Fields and errors as in `respond`.

        Raises AnswerError if there is nothing to change yet.
        """
        payload, files = self.build_message(content, fields, edit=True)
        await self.read(files)
        async with self._lock:
            if self._state is _DEFERRED:
                await self._replace_deferral(payload, files, self._is_private(None))
            elif self._first is not None:
                await self._first.change(payload, files)
            else:
                await self._edit_source(payload, files)

    async def delete(self) -> None:
        """Take the first answer, or the deferral, away. Raises AnswerError where there is neither."""
        async with self._lock:
            if self._state is _DEFERRED:
                await self.send(bridge.delete_answer(self.answering, bridge.ORIGINAL))
                self._state = _ANSWERED
            elif self._first is not None:
                await self._first.delete()
            else:
                await self._delete_source()

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
        _refuse(limits.modal_violations(payload))
        async with self._lock:
            if self.answering.type is hikari.InteractionType.MODAL_SUBMIT:
                raise AnswerError("Discord opens no form in answer to a form. Answer with a button that opens it.")
            if self._state is _UNANSWERED and await self._callback(hikari.ResponseType.MODAL, payload):
                self._state = _ANSWERED
                self.has_open_form = True
                return
            came_first = "a deferral" if self._state is _DEFERRED else "an answer"
            raise AnswerError(
                f"A modal must be the first answer, and {came_first} was sent already. Open it before anything that "
                f"takes time: wisp defers after {self.session.patience:g} s so that Discord does not give up."
            )

    async def form(self, form: type[F], *, title: str = "") -> F | None:
        """Open a form and wait for it: what was typed, or None after 15 minutes.

        It must be the first answer. `title` (up to 45 characters) is by default the class's docstring. Later answers
        answer the form. Discord does not report a form that was dismissed; meanwhile the call gives up its place in
        `wisp.concurrency`. Raises AnswerError as `respond_with_modal` does, and UserError for what is out of bounds.
        """
        from .forms import open_form

        return await open_form(self, form, title)

    async def confirm(
        self,
        question: Any,
        *,
        yes: str = "Yes",
        no: str = "No",
        timeout: float = 60.0,
        ephemeral: bool | None = None,
        **fields: Unpack[MessageFields],
    ) -> bool | None:
        """Ask the person, and wait: True or False as they pressed, None after `timeout` seconds (up to 840).

        Nobody else can press. In the end the message shows what was pressed, or that it is too late. `question` and
        the fields are as in `respond`, apart from components.
        """
        from .prompts import confirm

        return await confirm(self, question, yes=yes, no=no, timeout=timeout, ephemeral=ephemeral, **fields)

    async def finish(self) -> None:
        """End without a word where nothing was answered: Discord must hear something, and nobody needs to."""
        async with self._lock:
            if self._state is _UNANSWERED:
                await self._defer(private=True)
            if self._state is _DEFERRED:
                try:
                    await self.send(bridge.delete_answer(self.answering, bridge.ORIGINAL))
                except hikari.HTTPError:
                    # better a word than "thinking..." for 15 minutes
                    await self.send(bridge.edit_answer(self.answering, bridge.ORIGINAL, {"content": "Done."}))
                self._state = _ANSWERED

    async def catch_up(self) -> None:
        """Continue from what Discord has, after something else than this context answered."""
        original = await bridge.fetch_answer(self.answering)
        self._state = _ANSWERED
        if original is not None:  # else it was a modal, or the message is deleted
            self._adopt(original)

    def _adopt(self, original: Mapping[str, Any]) -> None:
        """Take a message that something else answered with for the first answer, or for the deferral."""
        flags = int(original["flags"])
        if not flags & _LOADING:
            self._answered(bridge.ORIGINAL)
            return
        self._deferred(bool(flags & _PRIVATE))
        if self._private is None:
            self._private = self._deferred_privately

    def build_message(
        self, content: Any, fields: MessageFields, *, edit: bool = False
    ) -> tuple[dict[str, Any], bridge.Files | None]:
        """A message as Discord takes it, and its files. Raises AnswerError if Discord would refuse it."""
        given = {name: value for name, value in fields.items() if value is not hikari.UNDEFINED}
        if type(content) is str and not given and not edit:
            if problem := limits.content_violation(content):
                _refuse([problem])
            if not content.strip():
                raise AnswerError(_EMPTY)
            return {"content": content, "allowed_mentions": {"parse": []}}, None
        unknown = given.keys() - MessageFields.__annotations__.keys()
        if unknown:
            raise AnswerError(f"A message has no {', '.join(sorted(unknown))}. It has {', '.join(_FIELDS)}.")
        _refuse_other_kinds(given)
        payload, files = bridge.message_payload(self.answering.app.rest, content, given, edit=edit)
        _refuse(limits.message_violations(payload))
        if edit and int(payload.get("flags", 0)) & _PRIVATE:
            raise AnswerError("A message cannot be made private once it is there. Say ephemeral=True in ctx.respond.")
        if edit and int(payload.get("flags", 0)) & limits.COMPONENTS_V2:
            # a message that had them before would keep them, and Discord takes no text beside such components
            payload = {"content": None, "embeds": list[Any](), **payload}
        something = str(payload.get("content") or "").strip() or payload.get("embeds") or payload.get("components")
        if not (edit or files or something):
            raise AnswerError(_EMPTY)
        return payload, files

    async def send(self, sending: Awaitable[T]) -> T:
        """Wait for a call to Discord; AnswerError where it is refused for what the caller can understand."""
        try:
            return await sending
        except hikari.ClientHTTPResponseError as error:
            code = getattr(error, "code", None)
            if code in (_UNKNOWN_INTERACTION, _UNKNOWN_WEBHOOK, _INVALID_WEBHOOK_TOKEN):
                self._state = _LOST
                self._lost_by = self._lost_by or error
                raise (AnswerError(_TOO_LATE) if code == _UNKNOWN_INTERACTION else self._over()) from self._lost_by
            if code == bridge.UNKNOWN_MESSAGE:
                raise AnswerError(_GONE) from error
            if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise AnswerError(_TOO_LARGE) from error
            if code == _EMPTY_MESSAGE:
                raise AnswerError(_EMPTY) from error
            if isinstance(error, hikari.BadRequestError) and error.errors:
                _refuse([*_problems_in(error.errors)])
            raise
        except hikari.ComponentStateConflictError as error:
            raise AnswerError(_CLOSED) from error

    def _over(self) -> InteractionOver:
        return InteractionOver(f" ({self.handler.file}:{self.handler.line})")

    def go_on_with(self, interaction: hikari.ModalInteraction) -> None:
        """Answer this form from now on, which the context opened and a user submitted."""
        self.answering = interaction
        self._state = _UNANSWERED
        self._first = None
        self.has_open_form = False
        self.session.expect(self)

    def _is_private(self, ephemeral: bool | None) -> bool:
        """The visibility of an answer: as the call says, as a deferral said, or as the handler says."""
        return next(choice for choice in (ephemeral, self._private, self.handler.ephemeral) if choice is not None)

    async def read(self, files: bridge.Files | None) -> None:
        """Read a message's files, before anything holds the lock: meanwhile a deferral can be sent.

        Raises AnswerError for a file that is too large, before it is read if its size can be told.
        """
        if files is not None:
            limit = self.answering.attachment_size_limit
            _refuse_large(files, limit)
            await files.read(self.answering.app.rest)
            _refuse_large(files, limit)

    async def _defer(self, private: bool) -> bool:
        """Send a deferral. False if something else came first, whose state the context has then."""
        accepted = await self._callback(_DEFERRAL, {"flags": _PRIVATE} if private else {})
        if accepted:
            self._deferred(private)
        return accepted

    def _deferred(self, private: bool) -> None:
        self._state = _DEFERRED
        self._deferred_privately = private

    async def _edit_source(self, payload: dict[str, Any], files: bridge.Files | None) -> None:
        """Change the message that this came from, if there is no answer yet."""
        raise AnswerError("There is no answer to edit yet. Call ctx.respond(...) first.")

    async def _delete_source(self) -> None:
        """Delete the message that this came from, if there is no answer yet."""
        raise AnswerError("There is no answer to delete yet. Call ctx.respond(...) first.")

    async def _send(self, payload: dict[str, Any], files: bridge.Files | None, ephemeral: bool | None) -> Answer:
        if self._state is _LOST:
            raise self._over() from self._lost_by
        if self._state is _UNANSWERED and await self._callback(
            _MESSAGE, _with_visibility(payload, self._is_private(ephemeral)), files
        ):
            return self._answered(bridge.ORIGINAL)
        private = self._is_private(ephemeral)
        if self._state is _DEFERRED:
            return await self._replace_deferral(payload, files, private)
        return await self._follow_up(payload, files, private)

    async def _replace_deferral(self, payload: dict[str, Any], files: bridge.Files | None, private: bool) -> Answer:
        """Answer in place of a deferral: fill it, or delete it if it is not as private as the answer."""
        if private is self._deferred_privately:
            # Discord takes no flag for visibility here: what fills a deferral is as private as that
            await self.send(
                bridge.edit_answer(self.answering, bridge.ORIGINAL, _with_visibility(payload, False), files)
            )
            return self._answered(bridge.ORIGINAL)
        await self.send(bridge.delete_answer(self.answering, bridge.ORIGINAL))
        self._state = _ANSWERED
        return await self._follow_up(payload, files, private)

    async def _follow_up(self, payload: dict[str, Any], files: bridge.Files | None, private: bool) -> Answer:
        try:
            sent = await self.send(bridge.follow_up(self.answering, _with_visibility(payload, private), files))
        except hikari.HTTPResponseError:
            raise
        except hikari.HTTPError as error:
            raise AnswerError(_UNCONFIRMED) from error
        return self._answered(sent)

    def _answered(self, message: str) -> Answer:
        self._state = _ANSWERED
        answer = Answer(self, message)
        self._first = self._first or answer
        return answer

    async def _callback(
        self, type: hikari.ResponseType, data: dict[str, Any], files: bridge.Files | None = None
    ) -> bool:
        """Send the first answer. False if something else came first, whose state the context has then."""
        try:
            if files is None:
                await self.send(bridge.answer(self.answering, type, data))
                return True
            return await self._upload(type, data, files)
        except hikari.ClientHTTPResponseError as error:
            if getattr(error, "code", None) != bridge.ALREADY_ACKNOWLEDGED:
                raise
            await self.catch_up()
            return False
        finally:
            if self.heard is not None:
                self.heard.set()

    async def _upload(self, type: hikari.ResponseType, data: dict[str, Any], files: bridge.Files) -> bool:
        """Send a first answer with files. False if that takes too long, and a deferral was sent in its place."""
        left = self.defer_at - self.session.clock.monotonic()
        if left > 0:
            sending = self.send(bridge.answer(self.answering, type, data, files))
            try:
                await self.session.clock.wait_for(sending, left)
                return True
            except TimeoutError:
                pass
        # a deferral that is refused as a second answer says that Discord took the upload at the last moment
        return not await self._defer(bool(int(data.get("flags", 0)) & _PRIVATE))


class Context(InteractionContext[hikari.CommandInteraction]):
    """One invocation of a command: who asked, where, and the ways to answer.

    `options` are what was filled in, as hikari has it.
    """

    __slots__ = ("options",)

    def __init__(
        self,
        session: Session,
        handler: Handler[..., Any],
        interaction: hikari.CommandInteraction,
        options: Sequence[hikari.CommandInteractionOption],
    ) -> None:
        super().__init__(session, handler, interaction)
        self.options: Sequence[hikari.CommandInteractionOption] = options


class _InGuild:
    """A context of a guild: `guild_id` and `member` are never None."""

    __slots__ = ()

    interaction: Any

    @property
    def guild_id(self) -> hikari.Snowflake:
        """The guild."""
        return self.interaction.guild_id

    @property
    def member(self) -> hikari.InteractionMember:
        """The user who invoked the handler, as a member with permissions in this channel."""
        return self.interaction.member


class GuildContext(_InGuild, Context):
    """One invocation of a command in a guild. A command that is annotated with it is not there in direct messages."""

    __slots__ = ()


class _SourceContext(InteractionContext[Answered]):
    """An interaction that may come from a message: its deferrals are silent, and that message can be changed."""

    __slots__ = ("_edits_source", "fields")

    def __init__(
        self, session: Session, handler: Handler[..., Any], interaction: Answered, fields: Sequence[str]
    ) -> None:
        super().__init__(session, handler, interaction)
        self.fields: Sequence[str] = fields
        # Discord's "original response" is the message that this came from, after a silent deferral or an edit of it
        self._edits_source = False

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the message that this came from; after `respond`, the answer. Fields and errors as in `respond`.

        Raises AnswerError if there is nothing to change yet: a form that a command opened came from no message.
        """
        await super().edit(content, **fields)

    async def delete(self) -> None:
        """Delete the message that this came from; after `respond`, the answer. Raises as `edit` does."""
        await super().delete()

    def go_on_with(self, interaction: hikari.ModalInteraction) -> None:
        """Answer this form from now on, which the context opened and a user submitted."""
        self._edits_source = False
        super().go_on_with(interaction)

    def _adopt(self, original: Mapping[str, Any]) -> None:
        source = self._source
        if source is not None and source.id == int(original["id"]):
            self._edits_source = True
        else:
            super()._adopt(original)

    async def _defer(self, private: bool) -> bool:
        if self._source is None:
            return await super()._defer(private)
        return await self._acknowledge(_SILENT_DEFERRAL, {})

    async def _edit_source(self, payload: dict[str, Any], files: bridge.Files | None) -> None:
        if self._edits_source:
            await self.send(bridge.edit_answer(self.answering, bridge.ORIGINAL, payload, files))
        elif self._source is None or self._state is not _UNANSWERED:
            await super()._edit_source(payload, files)
        elif not await self._acknowledge(_UPDATE, payload, files):
            await (self._first.change(payload, files) if self._first else self._edit_source(payload, files))

    async def _delete_source(self) -> None:
        if self._source is not None and self._state is _UNANSWERED:
            await self._defer(private=True)
        if self._edits_source:
            await self.send(bridge.delete_answer(self.answering, bridge.ORIGINAL))
        else:
            await super()._delete_source()

    async def _acknowledge(
        self, type: hikari.ResponseType, data: dict[str, Any], files: bridge.Files | None = None
    ) -> bool:
        """Send a first answer that posts no message. False if something else came first."""
        accepted = await self._callback(type, data, files)
        if accepted:
            self._state = _ANSWERED
            self._edits_source = True
        return accepted

    @property
    def _source(self) -> hikari.Message | None:
        """The message that the interaction came from."""
        return None if isinstance(self.answering, hikari.CommandInteraction) else self.answering.message


class ComponentContext(_SourceContext[hikari.ComponentInteraction]):
    """One click on a button, or one choice in a select.

    `edit` changes the message that it is on, `respond` answers with another one. `fields` are the texts of its
    custom id's fields. A late answer is deferred without a sign.
    """

    __slots__ = ()

    @property
    def message(self) -> hikari.Message:
        """The message that it is on, as it was when it was clicked."""
        return self.interaction.message

    @property
    def values(self) -> Sequence[str]:
        """What was selected, as text: of a select of users, roles or channels, their ids. Empty for a button."""
        return self.interaction.values

    @property
    def selected(self) -> list[hikari.Member | hikari.User | hikari.Role | hikari.PartialChannel]:
        """The members (users in direct messages), roles and channels that were selected, in their order."""
        resolved = self.interaction.resolved
        if resolved is None:
            return []
        known: dict[hikari.Snowflake, Any] = {
            **resolved.users,
            **resolved.members,
            **resolved.roles,
            **resolved.channels,
        }
        ids = map(hikari.Snowflake, self.interaction.values)
        return [known[id] for id in ids if id in known]


class ModalContext(_SourceContext[hikari.ModalInteraction]):
    """One form that somebody sent: `ctx.values["subject"]` is what was typed into the input of that custom id."""

    __slots__ = ()

    @property
    def message(self) -> hikari.Message | None:
        """The message whose button opened the form; None where a command did."""
        return self.interaction.message

    @property
    def values(self) -> dict[str, str]:
        """What was typed, by the custom ids of the inputs; "" where nothing was."""
        return typed_in(self.interaction)


class GuildComponentContext(_InGuild, ComponentContext):
    """One click or choice in a guild. A component that is annotated with it refuses direct messages."""

    __slots__ = ()


class GuildModalContext(_InGuild, ModalContext):
    """One submitted form in a guild. A modal that is annotated with it refuses direct messages."""

    __slots__ = ()


def typed_in(interaction: hikari.ModalInteraction) -> dict[str, str]:
    """What was typed into a form, by the custom ids of its inputs."""
    return {component.custom_id: component.value for row in interaction.components for component in row.components}


def _with_visibility(payload: dict[str, Any], private: bool) -> dict[str, Any]:
    """A message with the flag that shows it to the caller only, or without it."""
    if not private and "flags" not in payload:
        return payload
    flags = int(payload.get("flags", 0)) & ~_PRIVATE
    return {**payload, "flags": flags | _PRIVATE if private else flags}


def _problems_in(errors: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[limits.Violation]:
    """What Discord itself found wrong, by its own words."""
    for key, value in errors.items():
        if key == "_errors":
            yield from (limits.Violation(path, str(one["code"]), str(one["message"])) for one in value)
        elif isinstance(value, Mapping):
            yield from _problems_in(cast("Mapping[str, Any]", value), (*path, key))


def _refuse(problems: Sequence[limits.Violation]) -> None:
    if problems:
        raise AnswerError(f"Discord would refuse this answer: {limits.explained(problems)}")


def _refuse_other_kinds(fields: Mapping[str, Any]) -> None:
    """Raise AnswerError for an embed, a component or a list that is something else."""
    for one, many, fits, words in _KINDS:
        if one in fields and many in fields:
            raise AnswerError(f"A message takes {one}= or {many}=, not both. Put all of them into {many}=[...].")
        given = fields.get(many)
        if given is not None and (not isinstance(given, Iterable) or isinstance(given, (str, bytes))):
            raise AnswerError(f"{many}= takes a list of {words}, got {type(given).__name__}. Write `{many}=[...]`.")
        for thing in (fields.get(one), *cast("Iterable[object]", given or ())):
            if thing is not None and not fits(thing):
                raise AnswerError(f"{many}= takes a list of {words}, and {type(thing).__name__} is none.")


_KINDS: tuple[tuple[str, str, Callable[[object], bool], str], ...] = (
    ("embed", "embeds", lambda thing: isinstance(thing, hikari.Embed), "hikari.Embed"),
    ("component", "components", lambda thing: hasattr(thing, "build"), "rows, wisp.row(...)"),
    ("attachment", "attachments", lambda thing: True, "files"),
)


def _refuse_large(files: bridge.Files, limit: int) -> None:
    """Raise AnswerError for a file of more than `limit` bytes, and OSError for one that is not there."""
    for name, size in files.sizes():
        if size is not None and size > limit:
            raise AnswerError(f"The file {name} has {size:,} bytes, and Discord takes {limit:,} here. {_SMALLER}")
