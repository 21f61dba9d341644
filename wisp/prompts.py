"""Prompts: questions, pages and forms that wait for one user while the bot runs, and end with it."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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
T = TypeVar("T")

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


class Prompt(Protocol):
    """A message that waits for clicks of one user. Errors after a click are errors of `handler`."""

    user_id: int
    handler: AnyHandler

    async def on_click(self, ctx: ComponentContext, action: str) -> None:
        """Handle a click. `action` is the end of the custom id, which a client can forge."""
        ...


class Prompts:
    """The prompts and forms of one run that wait for users, by keys that cannot be guessed.

    `component` is the handler of their buttons.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._prompts: dict[str, Prompt] = {}
        self._forms: dict[str, tuple[Owner, asyncio.Future[hikari.ModalInteraction]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.component: Component[[str, str], None] = copy(_component())
        self.component.holder = runtime.bot

    # ---- questions and pages ----

    def open(self, prompt: Prompt) -> str:
        """Send clicks to `prompt` until `close`. Return its key."""
        key = secrets.token_hex(8)
        self._prompts[key] = prompt
        return key

    def close(self, key: str) -> bool:
        """Send no more clicks. Return False if the prompt is already closed."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        return self._prompts.pop(key, None) is not None

    def expire(self, key: str, seconds: float, then: Callable[[], Awaitable[object]] | None = None) -> None:
        """Close the prompt `seconds` after the last call of this, then call `then`."""

        async def end() -> None:
            if self.close(key) and then is not None:
                await then()

        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = self._runtime.clock.call_later(seconds, lambda: self._runtime.spawn(end()))

    async def wait(self, answered: asyncio.Future[T], seconds: float) -> T:
        """Wait for a user. Raises TimeoutError after `seconds`."""
        with self._runtime.tasks.waiting_for_user():
            return await self._runtime.clock.wait_for(answered, seconds)

    def stop(self) -> None:
        """Close all prompts."""
        for key in list(self._prompts):
            self.close(key)

    async def on_click(self, ctx: ComponentContext, key: str, action: str) -> None:
        """Send a click to its prompt. Raises UserError if that is over, or another user's."""
        prompt = self._prompts.get(key)
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
        _check_timeout(timeout)
        asked = _Question(ctx, yes, no)
        try:
            answer = await ctx.respond(question, ephemeral=ephemeral, **{**fields, "components": [asked.buttons()]})
            try:
                confirmed = await self.wait(asked.answered, timeout)
            except TimeoutError:
                self.close(asked.key)
                await _last_edit(answer.edit(components=[asked.buttons(disabled=True)]))
                return None
        except BaseException:
            self.close(asked.key)
            raise
        self.expire(asked.key, LONGEST)  # a second click may be on its way, and is answered as what it is
        return confirmed

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
            interaction = await self.wait(submitted, FORM_TIMEOUT)
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


async def _on_click(ctx: ComponentContext, key: str, action: str) -> None:
    await runtime_of(ctx).prompts.on_click(ctx, key, action)


@cache
def _component() -> Component[[str, str], None]:
    """Return the component that each run copies: reading its signature anew would slow each start."""
    holder: Any = None
    return Component(holder, _on_click, _CUSTOM_ID, {}, {}, reserved=True)


# ---- a question ----


class _Question:
    def __init__(self, ctx: InteractionContext[Any], yes: str, no: str) -> None:
        self.user_id = int(ctx.user.id)
        self.handler = handler_of(ctx)
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._labels = {"yes": yes, "no": no}
        self._chosen: str | None = None
        self._prompts = runtime_of(ctx).prompts
        self.key = self._prompts.open(self)

    async def on_click(self, ctx: ComponentContext, action: str) -> None:
        if action not in self._labels or self.answered.cancelled():
            raise UserError(_OVER)
        if self._chosen == action:  # the same button once more, before its message showed the first click
            await ctx.defer()
            return
        if self._chosen is not None:
            raise UserError(_ANSWERED.format(label=self._labels[self._chosen]))
        self._chosen = action
        try:
            await ctx.edit(components=[self.buttons(action)])
        finally:
            if not self.answered.done():
                self.answered.set_result(action == "yes")

    def buttons(self, chosen: str | None = None, *, disabled: bool = False) -> hikari.impl.MessageActionRowBuilder:
        """Return both buttons, to be pressed, or disabled with the `chosen` one highlighted."""
        bind = self._prompts.component.bind
        return row(
            *(
                bind(self.key, action).button(
                    label, style=_STYLES[action, chosen], disabled=disabled or chosen is not None
                )
                for action, label in self._labels.items()
            )
        )


# of (action, chosen action)
_STYLES: dict[tuple[str, str | None], hikari.InteractiveButtonTypesT] = {
    ("yes", None): hikari.ButtonStyle.SUCCESS,
    ("no", None): hikari.ButtonStyle.SECONDARY,
    ("yes", "yes"): hikari.ButtonStyle.SUCCESS,
    ("no", "yes"): hikari.ButtonStyle.SECONDARY,
    ("yes", "no"): hikari.ButtonStyle.SECONDARY,
    ("no", "no"): hikari.ButtonStyle.DANGER,
}


# ---- pages ----


class _Pages:
    def __init__(self, ctx: InteractionContext[Any], make: Callable[[int], Any], count: int, timeout: float) -> None:
        self.user_id = int(ctx.user.id)
        self.handler = handler_of(ctx)
        self._make = make
        self._count = count
        self._timeout = timeout
        self._shown = 0
        self._prompts = runtime_of(ctx).prompts
        self._key = self._prompts.open(self)
        self._edit: Callable[..., Awaitable[None]] = ctx.edit

    async def show(self, ctx: InteractionContext[Any], ephemeral: bool | None) -> Answer:
        """Answer with the first page."""
        try:
            answer = await ctx.respond(ephemeral=ephemeral, **await self._message(0))
        except BaseException:
            self._prompts.close(self._key)
            raise
        self._edit = answer.edit
        self._prompts.expire(self._key, self._timeout, self._end)
        return answer

    async def on_click(self, ctx: ComponentContext, action: str) -> None:
        if not action.isdecimal() or int(action) >= self._count:
            raise UserError(_OVER)
        await ctx.edit(**await self._message(int(action)))
        self._shown = int(action)
        self._edit = ctx.edit  # the newest click can change the message for the longest time
        self._prompts.expire(self._key, self._timeout, self._end)

    async def _end(self) -> None:
        await _last_edit(self._edit(components=[self._buttons(self._shown, disabled=True)]))

    async def _message(self, number: int) -> dict[str, Any]:
        page = await _made(self._make, number)
        shown = {"embeds": [page]} if isinstance(page, hikari.Embed) else {"content": page}
        # an edit keeps the fields that it does not name, which the page before may have had
        return {"content": None, "embeds": [], "attachments": None, **shown, "components": [self._buttons(number)]}

    def _buttons(self, number: int, *, disabled: bool = False) -> hikari.impl.MessageActionRowBuilder:
        def button(label: str, to: int) -> hikari.impl.InteractiveButtonBuilder:
            off = disabled or not 0 <= to < self._count or to == number
            bound = self._prompts.component.bind(self._key, str(to))
            return bound.button(label, style=hikari.ButtonStyle.SECONDARY, disabled=off)

        return row(
            button("Previous", number - 1), button(f"{number + 1}/{self._count}", number), button("Next", number + 1)
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
    that is invalid is not shown, and the user is notified. Raises ValueError if `count` is no count. An error
    that `page` raises after a click is an error of the handler that called `paginate`: its error handlers are asked,
    with the context of the click.
    """
    _check_timeout(timeout)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:  # pyright: ignore[reportUnnecessaryIsInstance]: users err
        raise ValueError(f"count: expected a number of pages, 0 or more, got {count!r}")
    if not callable(page):
        raise ValueError(f"page: expected a function of the page's number, got {page!r}")
    if count > 1:
        return await _Pages(ctx, page, count, timeout).show(ctx, ephemeral)
    if count < 1:
        return await ctx.respond(empty, ephemeral=ephemeral)
    return await ctx.respond(await _made(page, 0), ephemeral=ephemeral)


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
    hint = "Return a str or a hikari.Embed."
    if inspect.iscoroutine(page):
        page.close()  # the error says what is wrong, without a warning that it was never awaited
        hint = f"Await it: `return await {page.__qualname__}(...)`."
    file, line = place_of(make)
    place = f"{file}:{line}: " if file else ""
    what = "a blank str" if isinstance(page, str) else f"`{type(page).__name__}`"
    raise AnswerError(f"{place}page {number} (of paginate, counted from 0) is {what}. {hint}")


def _check_timeout(seconds: float) -> None:
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"timeout: expected more than 0 and at most {LONGEST:g} seconds, got {seconds!r}")


async def _last_edit(edit: Awaitable[None]) -> None:
    """Change a message at its end, if that still works: it may be deleted, and then nothing needs to change."""
    with suppress(AnswerError, hikari.HTTPError):
        await edit
