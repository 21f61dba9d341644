"""Prompts: questions and pages that wait for one person while the bot runs, and end with it."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack

import hikari

from .components import RESERVED, Component, row
from .errors import AnswerError, UserError
from .locations import place_of

if TYPE_CHECKING:
    from .context import Answer, ComponentContext, InteractionContext, MessageFields
    from .decorators import Registrar
    from .handlers import Handler
    from .session import Session

LONGEST = 14 * 60.0
"""The most seconds that a prompt waits: its message can be changed for 15 minutes, and at its end it must be."""

_CUSTOM_ID = f"{RESERVED}:{{key}}:{{action}}"
_OVER = "This has ended. Ask again, if you still need it."
_ANSWERED = "This has ended. The answer was “{label}”."
_NOT_YOURS = "Only <@{user}> can use this."
_NOTHING = "There is nothing to show."

T = TypeVar("T")

Page = str | hikari.Embed


class Prompt(Protocol):
    """Something that waits for clicks of one user."""

    @property
    def user_id(self) -> int:
        """Who may click."""
        ...

    @property
    def handler(self) -> Handler[..., Any]:
        """The handler that asks. What a click raises, and how long it blocks, is reported as the handler's own."""
        ...

    async def clicked(self, ctx: ComponentContext, action: str) -> None:
        """What a click does. `action` is the end of the custom id, which anybody can have made up."""
        ...


class Prompts:
    """What waits for people in one session: prompts by a key that nobody can guess, and forms that are open."""

    def __init__(self, session: Session) -> None:
        self._prompts: dict[str, Prompt] = {}
        self._forms: dict[str, tuple[Registrar, asyncio.Future[hikari.ModalInteraction]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._session = session
        self.component: Component[[str, str], None] = copy(_component())
        self.component.holder = session.bot

    # ---- questions and pages ----

    def open(self, prompt: Prompt) -> str:
        """Bring clicks to `prompt` until `close`; its key."""
        key = secrets.token_hex(8)
        self._prompts[key] = prompt
        return key

    def close(self, key: str) -> bool:
        """Bring no more clicks; False where that was so already."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        return self._prompts.pop(key, None) is not None

    def expire(self, key: str, seconds: float, then: Callable[[], Awaitable[object]] | None = None) -> None:
        """Close the prompt after `seconds` without another call of this, then call `then`."""

        async def end() -> None:
            if self.close(key) and then is not None:
                await then()

        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = self._session.clock.call_later(seconds, lambda: self._session.spawn(end()))

    async def wait(self, answered: asyncio.Future[T], seconds: float) -> T:
        """Wait for a person, at most so long. Raises TimeoutError after that."""
        with self._session.work.waits_for_a_person():
            return await self._session.clock.wait_for(answered, seconds)

    def stop(self) -> None:
        """Bring nothing to anybody any more."""
        for key in list(self._prompts):
            self.close(key)

    async def clicked(self, ctx: ComponentContext, key: str, action: str) -> None:
        """Bring a click to its prompt. Raises UserError if that is over, or another user's."""
        prompt = self._prompts.get(key)
        if prompt is None:
            raise UserError(_OVER)
        if prompt.user_id != ctx.user.id:
            raise UserError(_NOT_YOURS.format(user=prompt.user_id))
        if not self._session.gate.is_open(prompt.handler.owner, ctx.guild_id):
            raise UserError(_OVER)
        ctx.handler = prompt.handler
        await self._session.blocking.watch(prompt.clicked(ctx, action), prompt.handler)

    # ---- forms ----

    def opened_by(self, custom_id: str) -> Registrar | None:
        """The bot or module that waits for this form, None where nobody does."""
        waiting = self._forms.get(custom_id)
        return waiting[0] if waiting is not None and not waiting[1].done() else None

    def open_form(self, owner: Registrar) -> tuple[str, asyncio.Future[hikari.ModalInteraction]]:
        """A custom id for a form, and what will be the form as it comes back."""
        custom_id = f"{RESERVED}:{secrets.token_hex(8)}"
        submitted: asyncio.Future[hikari.ModalInteraction] = asyncio.get_running_loop().create_future()
        self._forms[custom_id] = owner, submitted
        submitted.add_done_callback(lambda _: self._forms.pop(custom_id, None))
        return custom_id, submitted

    def submit(self, interaction: hikari.ModalInteraction) -> None:
        """Bring a form to whoever opened it, and waits for it."""
        _, submitted = self._forms.pop(interaction.custom_id)
        submitted.set_result(interaction)


async def _clicked(ctx: ComponentContext, key: str, action: str) -> None:
    await ctx.session.prompts.clicked(ctx, key, action)


@cache
def _component() -> Component[[str, str], None]:
    """Return what each session copies: reading the signature anew would be a noticeable part of a start."""
    holder: Any = None
    return Component(holder, _clicked, _CUSTOM_ID, {}, {}, reserved=True)


# ---- a question ----


class _Question:
    def __init__(self, ctx: InteractionContext[Any], yes: str, no: str) -> None:
        self.user_id = int(ctx.user.id)
        self.handler = ctx.handler
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._labels = {"yes": yes, "no": no}
        self._chosen: str | None = None
        self._prompts = ctx.session.prompts
        self.key = self._prompts.open(self)

    async def clicked(self, ctx: ComponentContext, action: str) -> None:
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
        """Both buttons: to press, or with the `chosen` one to be seen."""
        component = self._prompts.component
        return row(
            *(
                component.bind(self.key, action).button(
                    label, style=_STYLES[action, chosen], disabled=disabled or chosen is not None
                )
                for action, label in self._labels.items()
            )
        )


# of (what it says, what was chosen)
_STYLES: dict[tuple[str, str | None], hikari.InteractiveButtonTypesT] = {
    ("yes", None): hikari.ButtonStyle.SUCCESS,
    ("no", None): hikari.ButtonStyle.SECONDARY,
    ("yes", "yes"): hikari.ButtonStyle.SUCCESS,
    ("no", "yes"): hikari.ButtonStyle.SECONDARY,
    ("yes", "no"): hikari.ButtonStyle.SECONDARY,
    ("no", "no"): hikari.ButtonStyle.DANGER,
}


async def confirm(
    ctx: InteractionContext[Any],
    question: Any,
    *,
    yes: str = "Yes",
    no: str = "No",
    timeout: float = 60.0,
    ephemeral: bool | None = None,
    **fields: Unpack[MessageFields],
) -> bool | None:
    """Ask the user, and wait: True or False as they pressed, None after `timeout` seconds (up to 840).

    Only the user who invoked the handler can press, and only the first press counts. In the end the message shows
    what was pressed, or its buttons are disabled.
    """
    _check_timeout(timeout)
    asked = _Question(ctx, yes, no)
    prompts = ctx.session.prompts
    try:
        answer = await ctx.respond(question, ephemeral=ephemeral, **{**fields, "components": [asked.buttons()]})
        try:
            confirmed = await prompts.wait(asked.answered, timeout)
        except TimeoutError:
            prompts.close(asked.key)
            await _last_edit(answer.edit(components=[asked.buttons(disabled=True)]))
            return None
    except BaseException:
        prompts.close(asked.key)
        raise
    # a second click may be on its way: it is answered as what it is
    prompts.expire(asked.key, LONGEST)
    return confirmed


# ---- pages ----


class _Pages:
    def __init__(self, ctx: InteractionContext[Any], make: Callable[[int], Any], count: int, timeout: float) -> None:
        self.user_id = int(ctx.user.id)
        self.handler = ctx.handler
        self._make = make
        self._count = count
        self._timeout = timeout
        self._shown = 0
        self._prompts = ctx.session.prompts
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

    async def clicked(self, ctx: ComponentContext, action: str) -> None:
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
        # an edit leaves what it does not name, and the page before may have had it
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
    """Answer with the first of `count` pages, and buttons to the others; returns once it is sent.

    `page(number)`, plain or async, makes a text or an embed of the page, numbers from 0, each time that it is shown.
    Only the person who asked can turn them. One page has no buttons, and where there is none the answer is `empty`.
    After `timeout` seconds without a click (up to 840) the buttons are switched off.

    Raises AnswerError if the first page is neither a text nor an embed, is blank, or is refused by Discord; a later one
    that is wrong leaves the page before it, and the user is told. Raises ValueError for a `count` that is none.
    An error that `page` raises after a click is an error of the handler that called `paginate`: its error handlers are
    asked, with the context of the click.
    """
    _check_timeout(timeout)
    if not _is_count(count):
        raise ValueError(f"count: expected a number of pages, 0 or more, got {count!r}")
    if not callable(page):
        raise ValueError(f"page: expected a function of the page's number, got {page!r}")
    if count > 1:
        return await _Pages(ctx, page, count, timeout).show(ctx, ephemeral)
    if count < 1:
        return await ctx.respond(empty, ephemeral=ephemeral)
    return await ctx.respond(await _made(page, 0), ephemeral=ephemeral)


async def _made(make: Callable[[int], Any], number: int) -> Page:
    """One page. Raises AnswerError, with the place of its function, for what is none."""
    page = make(number)
    if inspect.isawaitable(page):
        page = await page
    if isinstance(page, hikari.Embed) or (isinstance(page, str) and page.strip()):
        return page
    hint = "Make a text or a hikari.Embed of it."
    if inspect.iscoroutine(page):
        page.close()  # the error says what is wrong, without a warning that it was never awaited
        hint = f"Await it: `return await {page.__qualname__}(...)`."
    file, line = place_of(make)
    place = f"{file}:{line}: " if file else ""
    what = "a blank text" if isinstance(page, str) else f"`{type(page).__name__}`"
    raise AnswerError(f"{place}page {number} (of paginate, counted from 0) is {what}. {hint}")


def _is_count(count: object) -> bool:
    return isinstance(count, int) and not isinstance(count, bool) and count >= 0


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


def _check_timeout(seconds: float) -> None:
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"timeout: expected more than 0 and at most {LONGEST:g} seconds, got {seconds!r}")


async def _last_edit(edit: Awaitable[None]) -> None:
    """Change a message at its end, if that still works: it may be deleted, and the outcome is the same without."""
    with suppress(AnswerError, hikari.HTTPError):
        await edit
