"""Contexts: one interaction with the bot, the user and the place that it came from, and every way to answer it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

import hikari

from . import bridge
from .responder import Answer, MessageFields, Responder
from .runtime import BotContext

if TYPE_CHECKING:
    from .forms import Form
    from .owner import AnyHandler
    from .runtime import Runtime
    from .services.guild_data import BoundData

F = TypeVar("F", bound="Form")
Asked = TypeVar("Asked", bound=bridge.Answerable | hikari.AutocompleteInteraction)
if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    # so that a guard or an error handler can take a plain `wisp.InteractionContext`
    Answered = TypeVarWithDefault("Answered", bound=bridge.Answerable, default=Any)
else:
    Answered = TypeVar("Answered")


class BaseContext(BotContext, Generic[Asked]):
    """One interaction: the user, and the place that it came from. `interaction` is hikari's own object."""

    __slots__ = ("_handler", "interaction")

    def __init__(self, runtime: Runtime, handler: AnyHandler, interaction: Asked) -> None:
        super().__init__(runtime)
        self._handler = handler
        self.interaction: Asked = interaction

    @property
    def user(self) -> hikari.User:
        """The user who caused the interaction."""
        return self.interaction.user

    @property
    def member(self) -> hikari.InteractionMember | None:
        """The user as a member, with permissions in this channel; None in direct messages."""
        return self.interaction.member

    @property
    def guild_id(self) -> hikari.Snowflake | None:
        """The guild; None in direct messages."""
        return self.interaction.guild_id

    @property
    def channel_id(self) -> hikari.Snowflake:
        """The channel."""
        return self.interaction.channel_id

    @property
    def data(self) -> BoundData:
        """What this bot or module stores for this guild; in direct messages, for this user."""
        return self.guild_data.bind(
            guild_id=self.guild_id, user_id=self.user.id, module_name=self._handler.owner.namespace
        )

    @property
    def log(self) -> logging.Logger:
        """The logger of the bot or module that the handler belongs to."""
        return self._handler.owner.log


class InteractionContext(BaseContext[Answered]):
    """One interaction that can be answered: a command, a component or a modal. Guards and error handlers take it.

    Answers follow Discord's rules: the first one is the response, later ones are follow-ups. Discord waits 3 s for the
    first one. Shortly before, wisp defers the answer, with the visibility that the handler's `ephemeral=` says. After
    `ctx.defer(ephemeral=...)` all answers have that visibility, unless the call says `ephemeral=` itself. If an answer
    has another visibility than the deferral, the deferral is deleted first, because Discord would show the answer with
    the visibility of the deferral.

    A first answer and an edit are repeated until Discord confirms them, and shown once. A follow-up is sent at most
    once, because Discord would show a repeated one twice.
    """

    __slots__ = ("_responder",)

    def __init__(self, runtime: Runtime, handler: AnyHandler, interaction: Answered) -> None:
        super().__init__(runtime, handler, interaction)
        self._responder = Responder(runtime, interaction, handler, ephemeral=handler.ephemeral)

    async def respond(
        self,
        content: Any = hikari.UNDEFINED,
        *,
        ephemeral: bool | None = None,
        **fields: Unpack[MessageFields],
    ) -> Answer:
        """Answer with a message: the response the first time, a follow-up each time after.

        `content` is at most 2,000 characters; an Embed or a file in its place is sent as one. `ephemeral` shows the
        message to the user only; None is as `ctx.defer` said, else as the handler says. Mentions ping only if the
        mention fields say so. The other fields are hikari's. Files are read before anything is sent.

        Raises AnswerError if Discord would refuse the message (too long, empty), if the interaction is over (after
        15 minutes), and if the connection breaks before Discord has confirmed a follow-up.
        """
        return await self._responder.respond(content, ephemeral, fields)

    async def defer(self, *, ephemeral: bool | None = None) -> None:
        """Acknowledge the interaction, whose answer may then take 15 minutes; the user sees that the bot is thinking.

        wisp does this in time. Call it for an earlier sign, or for another visibility than the handler's: the answers
        that follow have the same, unless they say `ephemeral=` themselves. If the interaction is already deferred or
        answered, nothing is sent, and `ephemeral=True` still holds for the answers that follow.
        """
        await self._responder.defer(ephemeral=ephemeral)

    async def edit(self, content: Any = hikari.UNDEFINED, **fields: Unpack[MessageFields]) -> None:
        """Change the first answer; after a deferral alone this is the answer. Fields and errors as in `respond`.

        Raises AnswerError if there is nothing to change yet.
        """
        await self._responder.edit(content, fields)

    async def delete(self) -> None:
        """Delete the first answer, or the deferral. Raises AnswerError if there is neither."""
        await self._responder.delete()

    async def respond_with_modal(
        self, title: str, custom_id: str, *, components: Sequence[hikari.api.ComponentBuilder]
    ) -> None:
        """Open a modal. It must be the first answer: Discord accepts none after a message or a deferral.

        `title` is at most 45 characters, `custom_id` 100, `components` 1 to 5 rows with one text input each.
        Raises AnswerError if Discord would refuse it.
        """
        await self._responder.open_modal(title, custom_id, components)

    async def form(self, form: type[F], *, title: str = "") -> F | None:
        """Open a form as a modal and wait for it: return the filled form, or None after 15 minutes.

        It must be the first answer. `title` (up to 45 characters) is the class's docstring by default. Later answers
        answer the form. Discord does not report a form that was dismissed; while the call waits it gives up its slot in
        `wisp.concurrency`. Raises AnswerError as `respond_with_modal` does, and UserError for input out of bounds.
        """
        return await self._runtime.prompts.form(self, form, title)

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
        """Ask the user with two buttons and wait: True or False as pressed, None after `timeout` seconds (up to 840).

        Only the user can press, and only the first press counts. At the end the message shows what was pressed, or its
        buttons are disabled. `question` and the fields are as in `respond`, apart from components.
        """
        return await self._runtime.prompts.confirm(self, question, yes, no, timeout, ephemeral, fields)


class Context(InteractionContext[hikari.CommandInteraction]):
    """One use of a command. `options` are the options that the user filled in, as hikari has them."""

    __slots__ = ("options",)

    def __init__(
        self,
        runtime: Runtime,
        handler: AnyHandler,
        interaction: hikari.CommandInteraction,
        options: Sequence[hikari.CommandInteractionOption],
    ) -> None:
        super().__init__(runtime, handler, interaction)
        self.options: Sequence[hikari.CommandInteractionOption] = options


class ComponentContext(InteractionContext[hikari.ComponentInteraction]):
    """One click on a button, or one choice in a select. `fields` are the fields of its custom id, as str.

    `edit` and `delete` change the message with the component; after `respond`, the answer. A late answer is deferred
    without a sign.
    """

    __slots__ = ("fields",)

    def __init__(
        self, runtime: Runtime, handler: AnyHandler, interaction: hikari.ComponentInteraction, fields: Sequence[str]
    ) -> None:
        super().__init__(runtime, handler, interaction)
        self.fields: Sequence[str] = fields

    @property
    def message(self) -> hikari.Message:
        """The message with the component, as it was when it was used."""
        return self.interaction.message

    @property
    def values(self) -> Sequence[str]:
        """The values that were selected; of a select of users, roles or channels, their ids. Empty for a button."""
        return self.interaction.values

    @property
    def selected(self) -> list[hikari.Member | hikari.User | hikari.Role | hikari.PartialChannel]:
        """The members (users in direct messages), roles and channels that were selected, in order."""
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


class ModalContext(InteractionContext[hikari.ModalInteraction]):
    """One modal that a user submitted: `ctx.values["subject"]` is the text of the input with that custom id.

    `fields` are the fields of its custom id, as str. If a component opened the modal, `edit` and `delete` change the
    message with it; after `respond`, the answer.
    """

    __slots__ = ("fields",)

    def __init__(
        self, runtime: Runtime, handler: AnyHandler, interaction: hikari.ModalInteraction, fields: Sequence[str]
    ) -> None:
        super().__init__(runtime, handler, interaction)
        self.fields: Sequence[str] = fields

    @property
    def message(self) -> hikari.Message | None:
        """The message whose component opened the modal; None if a command did."""
        return self.interaction.message

    @property
    def values(self) -> dict[str, str]:
        """The text of each input by its custom id, "" if it was left empty."""
        return submitted_values(self.interaction)


class _InGuild:
    """A context whose `guild_id` and `member` are never None."""

    __slots__ = ()

    interaction: Any

    @property
    def guild_id(self) -> hikari.Snowflake:
        """The guild."""
        return self.interaction.guild_id

    @property
    def member(self) -> hikari.InteractionMember:
        """The user as a member, with permissions in this channel."""
        return self.interaction.member


class GuildContext(_InGuild, Context):
    """One use of a command in a guild. A command whose context has this annotation can be used in guilds only."""

    __slots__ = ()


class GuildComponentContext(_InGuild, ComponentContext):
    """One click or choice in a guild. A component whose context has this annotation refuses direct messages."""

    __slots__ = ()


class GuildModalContext(_InGuild, ModalContext):
    """One modal submitted in a guild. A modal whose context has this annotation refuses direct messages."""

    __slots__ = ()


def submitted_values(interaction: hikari.ModalInteraction) -> dict[str, str]:
    """Return the text of each input of a submitted modal by its custom id."""
    return {component.custom_id: component.value for row in interaction.components for component in row.components}


# ---- for wisp itself: users see none of it on a context ----


def runtime_of(ctx: BaseContext[Any]) -> Runtime:
    """Return the runtime of the bot."""
    return ctx._runtime  # pyright: ignore[reportPrivateUsage]


def handler_of(ctx: BaseContext[Any]) -> AnyHandler:
    """Return the handler that the interaction called."""
    return ctx._handler  # pyright: ignore[reportPrivateUsage]


def responder_of(ctx: InteractionContext[Any]) -> Responder:
    """Return what answers the interaction."""
    return ctx._responder  # pyright: ignore[reportPrivateUsage]


def set_handler_of(ctx: BaseContext[Any], handler: AnyHandler) -> None:
    """Count what happens to an interaction as another handler's from now on."""
    ctx._handler = handler  # pyright: ignore[reportPrivateUsage]
