"""Prompts: questions, pages and forms that wait for one user while the bot runs, and end with it."""

from __future__ import annotations

import abc
import asyncio
import inspect
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import hikari

from .components import Component, row
from .context import handler_of, responder_of, runtime_of, set_handler_of, submitted_values
from .errors import AnswerError, UserError
from .forms import Form, modal_of, read_form
from .handlers import RESERVED
from .locations import place_of

if TYPE_CHECKING:
    from .context import ComponentContext, InteractionContext
    from .owner import AnyHandler, Owner
    from .responder import Answer, MessageFields
    from .runtime import Runtime

F = TypeVar("F", bound=Form)

LONGEST = 14 * 60.0
"""The most seconds that a prompt waits: its message can be changed for 15 minutes, and is changed when it ends."""

FORM_TIMEOUT = 15 * 60.0 - 5
"""Seconds that an open form is waited for: just under the 15 minutes in which it can be answered."""

_CUSTOM_ID = f"{RESERVED}:{{key}}:{{action}}"
_OVER = "This has ended. Ask again, if you still need it."
_ANSWERED = "This has ended. The answer was “{label}”."
_NOT_YOURS = "Only <@{user}> can use this."
_NOTHING = "There is nothing to show."

Page = str | hikari.Embed


class Prompts:
    """The prompts and forms of one run that wait for users, by keys that cannot be guessed.

    `open` are the prompts, `component` is the handler of their buttons.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.open: dict[str, Prompt] = {}
        self._forms: dict[str, tuple[Owner, asyncio.Future[hikari.ModalInteraction]]] = {}
        self.component: Component[[str, str], None] = Component(
            runtime.bot, self.on_click, _CUSTOM_ID, {}, {}, reserved=True
        )

    def stop(self) -> None:
        """Close all prompts."""
        for prompt in list(self.open.values()):
            prompt.close()

    async def on_click(self, ctx: ComponentContext, key: str, action: str) -> None:
        """Send a click to its prompt. Raises UserError if that is over, or another user's."""
        prompt = self.open.get(key)
        if prompt is None:
            raise UserError(_OVER)
        if prompt.user_id != ctx.user.id:
            raise UserError(_NOT_YOURS.format(user=prompt.user_id))
        if not self._runtime.gate.is_open(prompt.handler.owner, ctx.guild_id):
            raise UserError(_OVER)
        set_handler_of(ctx, prompt.handler)
        await self._runtime.watchdog.watch(prompt.on_click(ctx, action), prompt.handler.label)

    async def confirm(
        self,
        ctx: InteractionContext[Any],
        question: Any,
        yes: str,
        no: str,
        timeout: float,
        ephemeral: bool | None,
        fields: MessageFields,
    ) -> bool | None:
        """Ask the user and wait: see `InteractionContext.confirm`."""
        asked = _Question(ctx, timeout, yes, no)
        await asked.send(question, ephemeral=ephemeral, **{**fields, "components": [asked.buttons()]})
        try:
            with self._runtime.tasks.waiting_for_user():
                return await asked.answered
        except BaseException:
            asked.close()
            raise

    # ---- forms ----

    def form_owner(self, custom_id: str) -> Owner | None:
        """Return the bot or module that waits for this form, None if none does."""
        waiting = self._forms.get(custom_id)
        return waiting[0] if waiting is not None and not waiting[1].done() else None

    def submit(self, interaction: hikari.ModalInteraction) -> None:
        """Pass a submitted form to the handler that waits for it."""
        _, submitted = self._forms.pop(interaction.custom_id)
        submitted.set_result(interaction)

    async def form(self, ctx: InteractionContext[Any], form: type[F], title: str) -> F | None:
        """Open a form and wait for it: see `InteractionContext.form`."""
        if not (isinstance(form, type) and issubclass(form, Form)):  # pyright: ignore[reportUnnecessaryIsInstance]: users err
            raise AnswerError(f"ctx.form takes a class that derives from wisp.Form, got {form!r}")
        shown, components = modal_of(form)
        responder = responder_of(ctx)
        custom_id = f"{RESERVED}:{secrets.token_hex(8)}"
        submitted: asyncio.Future[hikari.ModalInteraction] = asyncio.get_running_loop().create_future()
        self._forms[custom_id] = handler_of(ctx).owner, submitted
        try:
            await ctx.respond_with_modal(title or shown, custom_id, components=components)
            for slot in responder.slots:
                slot.release()
            with self._runtime.tasks.waiting_for_user():
                interaction = await self._runtime.clock.wait_for(submitted, FORM_TIMEOUT)
            responder.continue_with(interaction)
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            if submitted.done() and not submitted.cancelled():  # at the same moment: the form is answered, too
                responder.continue_with(submitted.result())
            raise
        finally:
            submitted.cancel()
            self._forms.pop(custom_id, None)
        for slot in responder.slots:
            await slot.acquire()
        return read_form(form, submitted_values(interaction))


# ---- questions and pages ----


class Prompt(abc.ABC):
    """A message whose buttons wait for one user. They are disabled `timeout` seconds after it is sent or turned.

    Errors after a click are errors of the handler that sent it. Raises ValueError if the message cannot be changed any
    more after so long.
    """

    def __init__(self, ctx: InteractionContext[Any], timeout: float) -> None:
        if not 0 < timeout <= LONGEST:
            raise ValueError(f"timeout: expected more than 0 and at most {LONGEST:g} seconds, got {timeout!r}")
        self.user_id: int = int(ctx.user.id)
        self.handler: AnyHandler = handler_of(ctx)
        self._ctx = ctx
        self._runtime = runtime_of(ctx)
        self._key = secrets.token_hex(8)
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._edit: Callable[..., Awaitable[None]] = ctx.edit

    async def send(self, *content: Any, **fields: Any) -> Answer:
        """Answer with the message, and send the clicks on its buttons to `on_click`."""
        self._runtime.prompts.open[self._key] = self
        try:
            answer = await self._ctx.respond(*content, **fields)
        except BaseException:
            self.close()
            raise
        self._expire_later(answer.edit)
        return answer

    def close(self) -> None:
        """Send no more clicks."""
        if self._timer is not None:
            self._timer.cancel()
        self._runtime.prompts.open.pop(self._key, None)

    @abc.abstractmethod
    async def on_click(self, ctx: ComponentContext, action: str) -> None:
        """Handle a click. `action` is the end of the custom id, which a client can forge."""

    @abc.abstractmethod
    def buttons(self, *, disabled: bool = False) -> hikari.impl.MessageActionRowBuilder:
        """Return the buttons under the message."""

    async def expire(self) -> None:
        """Close it, and disable its buttons; if the message was deleted, there is nothing to disable."""
        self.close()
        with suppress(AnswerError, hikari.HTTPError):
            await self._edit(components=[self.buttons(disabled=True)])

    def _expire_later(self, edit: Callable[..., Awaitable[None]]) -> None:
        """Expire `timeout` seconds from now. The `edit` of the newest click works for the longest time."""
        if self._timer is not None:
            self._timer.cancel()
        self._edit = edit
        self._timer = self._runtime.clock.call_later(self._timeout, lambda: self._runtime.spawn(self.expire()))

    def _button(
        self, action: str, label: str, *, disabled: bool, highlighted: bool = False
    ) -> hikari.impl.InteractiveButtonBuilder:
        style = hikari.ButtonStyle.SUCCESS if highlighted else hikari.ButtonStyle.SECONDARY
        return self._runtime.prompts.component.bind(self._key, action).button(label, style=style, disabled=disabled)


class _Question(Prompt):
    """A question with two buttons. `answered` is whether the first was pressed, None if it has expired.

    A second click may be on its way when the first arrives, so it stays open until it expires.
    """

    def __init__(self, ctx: InteractionContext[Any], timeout: float, yes: str, no: str) -> None:
        super().__init__(ctx, timeout)
        self.answered: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        self._labels = {"yes": yes, "no": no}
        self._chosen: str | None = None

    async def on_click(self, ctx: ComponentContext, action: str) -> None:
        if action not in self._labels:
            raise UserError(_OVER)
        if self._chosen == action:  # the same button once more, before its message showed the first click
            await ctx.defer()
            return
        if self._chosen is not None:
            raise UserError(_ANSWERED.format(label=self._labels[self._chosen]))
        self._chosen = action
        try:
            await ctx.edit(components=[self.buttons(disabled=True)])
        finally:
            self._answer(action == "yes")

    async def expire(self) -> None:
        if self._chosen is not None:  # the message belongs to the handler again
            self.close()
            return
        try:
            await super().expire()
        finally:
            self._answer(None)

    def _answer(self, answer: bool | None) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)

    def buttons(self, *, disabled: bool = False) -> hikari.impl.MessageActionRowBuilder:
        """Return both buttons, the chosen one highlighted."""
        yes, no = self._labels.values()
        return row(
            self._button("yes", yes, disabled=disabled, highlighted=self._chosen != "no"),
            self._button("no", no, disabled=disabled, highlighted=self._chosen == "no"),
        )


class _Pages(Prompt):
    def __init__(self, ctx: InteractionContext[Any], timeout: float, make: Callable[[int], Any], count: int) -> None:
        super().__init__(ctx, timeout)
        self._make = make
        self._count = count
        self._shown = 0

    async def on_click(self, ctx: ComponentContext, action: str) -> None:
        if not action.isdecimal() or int(action) >= self._count:
            raise UserError(_OVER)
        await ctx.edit(**await self.turn_to(int(action)))
        self._expire_later(ctx.edit)

    async def turn_to(self, number: int) -> dict[str, Any]:
        """Return the message that shows a page, without anything of the page before: an edit keeps what it omits."""
        page = await _made(self._make, number)
        self._shown = number
        shown = {"embeds": [page]} if isinstance(page, hikari.Embed) else {"content": page}
        return {"content": None, "embeds": [], "attachments": None, **shown, "components": [self.buttons()]}

    def buttons(self, *, disabled: bool = False) -> hikari.impl.MessageActionRowBuilder:
        shown = self._shown
        return row(
            self._button(str(shown - 1), "Previous", disabled=disabled or shown == 0),
            self._button(str(shown), f"{shown + 1}/{self._count}", disabled=True),
            self._button(str(shown + 1), "Next", disabled=disabled or shown + 1 == self._count),
        )


async def paginate(
    ctx: InteractionContext[Any],
    page: Callable[[int], Page | Awaitable[Page]],
    count: int,
    *,
    timeout: float = 180.0,
    ephemeral: bool | None = None,
    empty: str = _NOTHING,
) -> Answer:
    """Answer with the first of `count` pages, and buttons to the others. Return once it is sent.

    `page(number)`, plain or async, returns a str or an embed for a page, each time that it is shown; numbers start
    at 0. Only the user who called the handler can turn pages. One page has no buttons; without pages the answer is
    `empty`. After `timeout` seconds without a click (up to 840) the buttons are disabled.

    Raises AnswerError if the first page is neither a str nor an embed, is blank, or is refused by Discord; a later one
    that is invalid is not shown, and the user is notified. An error that `page` raises after a click is an error of the
    handler that called `paginate`: its error handlers are asked, with the context of the click.
    """
    if count < 1:
        return await ctx.respond(empty, ephemeral=ephemeral)
    if count == 1:
        return await ctx.respond(await _made(page, 0), ephemeral=ephemeral)
    pages = _Pages(ctx, timeout, page, count)
    return await pages.send(ephemeral=ephemeral, **await pages.turn_to(0))


async def paginate_embeds(
    ctx: InteractionContext[Any],
    embeds: Sequence[hikari.Embed],
    *,
    timeout: float = 180.0,
    ephemeral: bool | None = None,
    empty: str = _NOTHING,
) -> Answer:
    """Answer with the first of these embeds, and buttons to the others, as `paginate` does."""
    pages = list(embeds)
    return await paginate(ctx, pages.__getitem__, len(pages), timeout=timeout, ephemeral=ephemeral, empty=empty)


async def _made(make: Callable[[int], Any], number: int) -> Page:
    """Return one page. Raises AnswerError, with the place of its function, if it is neither a str nor an embed."""
    page = make(number)
    if inspect.isawaitable(page):
        page = await page
    if isinstance(page, hikari.Embed) or (isinstance(page, str) and page.strip()):
        return page
    file, line = place_of(make)
    place = f"{file}:{line}: " if file else ""
    what = "a blank str" if isinstance(page, str) else f"`{type(page).__name__}`"
    raise AnswerError(f"{place}page {number} (of paginate, counted from 0) is {what}. Return a str or a hikari.Embed.")
