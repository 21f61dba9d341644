"""Contexts: one interaction with the bot, who it is from, and every way to answer it."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack, cast

import hikari

from . import bridge, limits
from .errors import AnswerError

if TYPE_CHECKING:
    from .bot import Bot
    from .forms import Form
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
_UNKNOWN_MESSAGE = 10008
_UNKNOWN_WEBHOOK = 10015
_UNKNOWN_INTERACTION = 10062
_EMPTY_MESSAGE = 50006
ALREADY_ACKNOWLEDGED = 40060
_INVALID_WEBHOOK_TOKEN = 50027

_TOO_LATE = (
    "Discord waits no longer for this answer: more than 3 s passed before it arrived. Something kept the event loop, "
    "or the network, from sending it."
)
_SMALLER = "Send a smaller file, or a link to it."
_TOO_LARGE = f"Discord takes no files as large as these. {_SMALLER}"
_OVER = "This interaction is over: it can be answered, and its answers changed, for 15 minutes after it came."
_GONE = "That answer is gone: it was deleted."


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
        """Change the message: what is not named stays, None takes it away. Fields and errors as in `ctx.respond`."""
        await self.change(*self._ctx.build_message(content, fields, edit=True))

    async def change(self, payload: dict[str, Any], form: Any) -> None:
        """Change the message to what `build_message` made."""
        await self._ctx.send(bridge.edit_answer(self._answering, self._message, payload, form))

    async def delete(self) -> None:
        """Take the message away. Raises AnswerError where it is gone already."""
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

    The answers follow Discord's rules for you: the first one is the response, later ones are follow-ups; where
    Discord is about to lose patience (it waits 3 s), the answer is deferred, publicly or privately as the handler's
    `ephemeral=` says; a private answer after a public deferral (or the other way round) takes the deferral away
    first, since Discord would show it as the deferral was.

    `answering` is the interaction that answers go to: `interaction`, until a form that was opened came back.
    """

    __slots__ = ("_deferred_privately", "_first", "_lock", "_state", "answering", "heard")

    def __init__(self, session: Session, handler: Handler[..., Any], interaction: Answered) -> None:
        super().__init__(session, handler, interaction)
        self.answering: bridge.Answerable = interaction
        self._state = _UNANSWERED
        self._deferred_privately = False
        self._first: Answer | None = None
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
        it to the one who asked only; None is as the handler says. Nobody is pinged unless the mentions say so.
        The other fields are hikari's.

        Raises AnswerError where Discord would refuse it (too long, empty), or takes it no more (15 minutes late).
        """
        private = self.handler.ephemeral if ephemeral is None else ephemeral
        payload, form = self.build_message(content, fields)
        if private:
            payload["flags"] = int(payload.get("flags", 0)) | _PRIVATE
        else:
            private = bool(int(payload.get("flags", 0)) & _PRIVATE)
        async with self._lock:
            return await self._send(payload, form, private)

    async def defer(self, *, ephemeral: bool | None = None) -> None:
        """Tell Discord that the answer takes longer (15 minutes at most); the person sees that the bot is thinking.

        wisp does this by itself in time; say it for an earlier sign, or another privacy than the handler's. Does
        nothing once there is a deferral or an answer.
        """
        private = self.handler.ephemeral if ephemeral is None else ephemeral
        async with self._lock:
            if self._state is _UNANSWERED:
                await self._defer(private)

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the first answer; after a deferral alone this is the answer. Fields and errors as in `respond`.

        Raises AnswerError where there is nothing to change yet.
        """
        payload, form = self.build_message(content, fields, edit=True)
        async with self._lock:
            if self._state is _DEFERRED:
                await self._fill(payload, form)
            elif self._first is not None:
                await self._first.change(payload, form)
            else:
                await self._edit_source(payload, form)

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
        _refuse(limits.modal_problems(payload))
        async with self._lock:
            if self.answering.type is hikari.InteractionType.MODAL_SUBMIT:
                raise AnswerError("Discord opens no form in answer to a form. Answer with a button that opens it.")
            if self._state is _UNANSWERED and await self._callback(hikari.ResponseType.MODAL, payload):
                self._state = _ANSWERED
                return
            came_first = "a deferral" if self._state is _DEFERRED else "an answer"
            raise AnswerError(
                f"A modal must be the first answer, and {came_first} was sent already. Open it before anything that "
                f"takes time: wisp defers after {self.session.patience:g} s so that Discord does not give up."
            )

    async def form(self, form: type[F], *, title: str = "") -> F | None:
        """Open a form and wait for it: what was typed, or None when 15 minutes have gone.

        It must be the first answer. `title` (up to 45 characters) is the class's docstring where it is left out.
        What is answered afterwards answers the form. Discord does not tell where somebody dismisses one. Raises
        AnswerError as `respond_with_modal` does, and UserError for what is out of bounds.
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
                    await self.send(bridge.edit_answer(self.answering, bridge.ORIGINAL, {"content": "Done."}, None))
                self._state = _ANSWERED

    async def catch_up(self) -> dict[str, Any] | None:
        """Go on from what Discord has, where something else than this context answered; its first message, as JSON.

        None stands for an answer without a message, such as a modal, or for one that is deleted.
        """
        original = await bridge.fetch_answer(self.answering)
        flags = int(original["flags"]) if original else 0
        self._deferred_privately = bool(flags & _PRIVATE)
        self._state = _DEFERRED if flags & _LOADING else _ANSWERED
        return original

    def build_message(self, content: Any, fields: MessageFields, *, edit: bool = False) -> tuple[dict[str, Any], Any]:
        """A message as Discord takes it, and the form that holds its files; AnswerError where Discord would not."""
        given = {name: value for name, value in fields.items() if value is not hikari.UNDEFINED}
        if type(content) is str and not given and not edit:
            if problem := limits.content_problem(content):
                _refuse([problem])
            if not content.strip():
                raise AnswerError(_EMPTY)
            return {"content": content, "allowed_mentions": {"parse": []}}, None
        unknown = given.keys() - MessageFields.__annotations__.keys()
        if unknown:
            raise AnswerError(f"A message has no {', '.join(sorted(unknown))}. It has {', '.join(_FIELDS)}.")
        _refuse_other_kinds(given)
        payload, form = bridge.message_payload(self.answering.app.rest, content, given, edit=edit)
        _refuse(limits.message_problems(payload))
        if edit and int(payload.get("flags", 0)) & _PRIVATE:
            raise AnswerError("A message cannot be made private once it is there. Say ephemeral=True in ctx.respond.")
        if edit and int(payload.get("flags", 0)) & limits.COMPONENTS_V2:
            # a message that had them before would keep them, and Discord takes no text beside such components
            payload = {"content": None, "embeds": list[Any](), **payload}
        something = str(payload.get("content") or "").strip() or payload.get("embeds") or payload.get("components")
        if not (edit or form or something):
            raise AnswerError(_EMPTY)
        _refuse_large_files(form, self.answering.attachment_size_limit)
        return payload, form

    async def send(self, sending: Awaitable[T]) -> T:
        """Wait for a call to Discord; AnswerError where it is refused for what the caller can understand."""
        try:
            return await sending
        except hikari.ClientHTTPResponseError as error:
            code = getattr(error, "code", None)
            if code in (_UNKNOWN_INTERACTION, _UNKNOWN_WEBHOOK, _INVALID_WEBHOOK_TOKEN):
                self._state = _LOST
                raise AnswerError(_TOO_LATE if code == _UNKNOWN_INTERACTION else _OVER) from error
            if code == _UNKNOWN_MESSAGE:
                raise AnswerError(_GONE) from error
            if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise AnswerError(_TOO_LARGE) from error
            if code == _EMPTY_MESSAGE:
                raise AnswerError(_EMPTY) from error
            if isinstance(error, hikari.BadRequestError) and error.errors:
                _refuse([*_problems_in(error.errors)])
            raise

    def go_on_with(self, interaction: hikari.ModalInteraction) -> None:
        """Answer this form from now on, which the context opened and which came back."""
        self.answering = interaction
        self._state = _UNANSWERED
        self._first = None
        self.session.expect(self)

    async def _defer(self, private: bool) -> None:
        if await self._callback(_DEFERRAL, {"flags": _PRIVATE} if private else {}):
            self._deferred_privately = private
            self._state = _DEFERRED

    async def _edit_source(self, payload: dict[str, Any], form: Any) -> None:
        """Change the message that this came from, where there is no answer yet."""
        raise AnswerError("There is no answer to edit yet. Call ctx.respond(...) first.")

    async def _delete_source(self) -> None:
        """Take the message away that this came from, where there is no answer yet."""
        raise AnswerError("There is no answer to delete yet. Call ctx.respond(...) first.")

    async def _send(self, payload: dict[str, Any], form: Any, private: bool) -> Answer:
        if self._state is _LOST:
            raise AnswerError(_OVER)
        if self._state is _UNANSWERED and await self._callback(_MESSAGE, payload, form):
            return self._answered(bridge.ORIGINAL)
        if self._state is _DEFERRED and private is self._deferred_privately:
            return await self._fill(payload, form)
        if self._state is _DEFERRED:
            await self.send(bridge.delete_answer(self.answering, bridge.ORIGINAL))
            self._state = _ANSWERED
        return self._answered(await self.send(bridge.follow_up(self.answering, payload, form)))

    async def _fill(self, payload: dict[str, Any], form: Any) -> Answer:
        # what fills a deferral is as private as that was, and Discord takes no such flag with it
        flags = int(payload.pop("flags", 0)) & ~_PRIVATE
        if flags:
            payload["flags"] = flags
        await self.send(bridge.edit_answer(self.answering, bridge.ORIGINAL, payload, form))
        return self._answered(bridge.ORIGINAL)

    def _answered(self, message: str) -> Answer:
        self._state = _ANSWERED
        answer = Answer(self, message)
        self._first = self._first or answer
        return answer

    async def _callback(self, type: hikari.ResponseType, data: dict[str, Any], form: Any = None) -> bool:
        """Send the first answer; False where something else did, after catching up with that.

        It may have been this same answer: hikari sends again what was taken by Discord and whose confirmation was
        lost on the way, and is told that there is an answer already (40060).
        """
        try:
            await self.send(bridge.answer(self.answering, type, data, form))
        except hikari.ClientHTTPResponseError as error:
            if getattr(error, "code", None) != ALREADY_ACKNOWLEDGED:
                raise
            original = await self.catch_up()
            if type is hikari.ResponseType.MODAL:
                return original is None
            return type is _MESSAGE and original is not None and _is_of(original, data)
        finally:
            if self.heard is not None:
                self.heard.set()
        return True


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


class _SourceContext(InteractionContext[Answered]):
    """An interaction that may come from a message: its deferrals are silent, and that message can be changed."""

    __slots__ = ("fields",)

    def __init__(
        self, session: Session, handler: Handler[..., Any], interaction: Answered, fields: Sequence[str]
    ) -> None:
        super().__init__(session, handler, interaction)
        self.fields: Sequence[str] = fields

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the message that this came from; after `respond`, the answer. Fields and errors as in `respond`.

        Raises AnswerError where there is nothing to change yet: a form that a command opened came from no message.
        """
        await super().edit(content, **fields)

    async def delete(self) -> None:
        """Take the message away that this came from; after `respond`, the answer. Raises as `edit` does."""
        await super().delete()

    async def _defer(self, private: bool) -> None:
        if not self._has_source():
            await super()._defer(private)
        elif await self._callback(_SILENT_DEFERRAL, {}):
            self._answered(bridge.ORIGINAL)  # which stands for the message that it came from

    async def _edit_source(self, payload: dict[str, Any], form: Any) -> None:
        if not self._has_source() or self._state is not _UNANSWERED:
            await super()._edit_source(payload, form)
        elif await self._callback(_UPDATE, payload, form):
            self._answered(bridge.ORIGINAL)

    async def _delete_source(self) -> None:
        if not self._has_source() or self._state is not _UNANSWERED:
            await super()._delete_source()
        else:
            await self._defer(private=True)
            await self.send(bridge.delete_answer(self.answering, bridge.ORIGINAL))

    def _has_source(self) -> bool:
        answering = self.answering
        return isinstance(answering, (hikari.ComponentInteraction, hikari.ModalInteraction)) and bool(answering.message)


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


def typed_in(interaction: hikari.ModalInteraction) -> dict[str, str]:
    """What was typed into a form, by the custom ids of its inputs."""
    return {component.custom_id: component.value for row in interaction.components for component in row.components}


def _is_of(message: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Whether Discord's `message` is what `data` asked for, as far as that can be told."""
    same_embeds = len(message["embeds"]) == len(data.get("embeds") or ())
    return message["content"] == data.get("content", "") and same_embeds and not int(message["flags"]) & _LOADING


def _problems_in(errors: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[limits.Problem]:
    """What Discord itself found wrong, by its own words."""
    for key, value in errors.items():
        if key == "_errors":
            yield from (limits.Problem(path, str(one["code"]), str(one["message"])) for one in value)
        elif isinstance(value, Mapping):
            yield from _problems_in(cast("Mapping[str, Any]", value), (*path, key))


def _refuse(problems: Sequence[limits.Problem]) -> None:
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


def _refuse_large_files(form: Any, limit: int) -> None:
    """Raise AnswerError for a file that is larger than `limit` bytes, if its size can be told without reading it.

    Raises OSError, which names the path, for a file that is not there.
    """
    for name, size in bridge.files_in(form):
        if size is not None and size > limit:
            raise AnswerError(f"The file {name} has {size:,} bytes, and Discord takes {limit:,} here. {_SMALLER}")
