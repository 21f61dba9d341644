"""The page, as people use it: a real bot on the sandbox, a real Chromium before it."""

import asyncio
import base64
import io
import os
import re
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

import hikari
import pytest
import pytest_asyncio

import wisp
import wisp.local.external_work
from wisp.local.browser_log import show_failures
from wisp.local.chat import advancer
from wisp.local.runner import on_sandbox
from wisp.local.virtual_time import virtual_time
from wisp.sandbox.people.typed import parse
from wisp.sandbox.server import Sandbox
from wisp.sandbox.terminal.console import Console
from wisp.sandbox.world.changes import (
    Change,
    InteractionAnswered,
    InteractionCreated,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
)
from wisp.sandbox.world.objects import Emoji, Impossible

# Not WISP_...: a bot would take that for a setting of its own.
REQUIRED = os.environ.get("REQUIRE_BROWSER", "") == "1"

try:
    from playwright.async_api import Page, async_playwright, expect
except ImportError:
    if REQUIRED:
        raise
    pytest.skip("playwright is not installed: pip install '.[test]'", allow_module_level=True)

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
if CHROMIUM is None and not REQUIRED:
    pytest.skip("there is no Chromium: apt-get install chromium", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # The suggestions below the address bar are a page of 400 files, which every browser loads and every load wakes.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,SpareRendererForSitePerProcess",
    # one process for all pages instead of two new ones per test
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
]
PATIENCE = 20_000.0
"""Milliseconds that anything may take: a machine full of other tests is slow."""

CONVERSATION = (InteractionCreated, InteractionAnswered, MessageCreated, MessageEdited, MessageDeleted)
"""What may happen in a world that the next test shares: nothing of it lasts when the messages are gone."""

WIDE = (1280, 800)

expect.set_options(timeout=PATIENCE)


LOOK = """async () => {
  for (let wait = 0; document.querySelector(".message") && wait < 100; ++wait)
    await new Promise((resolve) => setTimeout(resolve, 10));
  document.activeElement.blur();
  document.querySelector("#said").textContent = "";
  document.querySelector("#text")?.removeAttribute("style");
  return document.body.innerHTML + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage });
}"""
"""All that a page shows and keeps, once its messages are gone."""


class Browser:
    """A tab, and the page on a running bot that it shows for as long as tests leave both as they found them.

    To load the page costs more than what most tests do on it.
    """

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.problems: list[str] = []
        self._standing = AsyncExitStack()
        self._sandbox: Sandbox | None = None
        self._look = ""
        self._changed = False

    async def look_at(self, bot: wisp.Bot | None, size: tuple[int, int], looks: dict[str, Any]) -> Sandbox:
        """Show a bot, or the one that tests share which bring none and do not look at the log and the traffic."""
        shared = bot is None and (size, looks) == (WIDE, {})
        if self._sandbox is None or not shared:
            await self.leave()
            sandbox = await self._standing.enter_async_context(self._started(bot or a_bot(), size, looks))
            if shared:
                self._sandbox, self._look, self._changed = sandbox, await self.tab.evaluate(LOOK), False
                sandbox.world.changes.subscribe(self._see)
            return sandbox
        return self._sandbox

    async def tidy(self) -> None:
        """Take away what was said. If anything else remains of a test, the next one has a new sandbox, bot and page."""
        if self._sandbox is not None:
            world = self._sandbox.world
            for message in tuple(world.messages.values()):
                world.messages.delete(message)
            if not self._changed and await self.tab.evaluate(LOOK) == self._look:
                return
        await self.leave()

    def _see(self, change: Change) -> None:
        self._changed = self._changed or not isinstance(change, CONVERSATION)

    async def leave(self) -> None:
        """Close the page, the bot and its sandbox."""
        self._sandbox = None
        await self._standing.aclose()

    @asynccontextmanager
    async def _started(self, bot: wisp.Bot, size: tuple[int, int], looks: dict[str, Any]) -> AsyncIterator[Sandbox]:
        tab = self.tab
        with virtual_time(flows=True) as time:
            async with on_sandbox(bot, page=True, clock=time.clock) as sandbox:
                assert sandbox.page
                sandbox.page.advance = advancer(time, sandbox.page)
                show_failures(sandbox.page, bot.runtime)
                own = sandbox.page.url.split("/page/")[0]
                problems = self.problems
                watching: dict[Any, Any] = {
                    "console": lambda said: problems.append(said.text) if said.type in ("error", "warning") else None,
                    "pageerror": lambda error: problems.append(str(error)),
                    "request": lambda asked: None if asked.url.startswith(own) else problems.append(asked.url),
                }
                await tab.set_viewport_size({"width": size[0], "height": size[1]})
                await tab.emulate_media(**{"color_scheme": "light", "reduced_motion": "no-preference", **looks})
                for event, note in watching.items():
                    tab.on(event, note)
                try:
                    await tab.goto(sandbox.page.url)
                    await expect(tab.get_by_role("combobox", name="Message #general")).to_be_visible()
                    yield sandbox
                finally:
                    for event, note in watching.items():
                        tab.remove_listener(event, note)
                    await tab.evaluate("localStorage.clear(), sessionStorage.clear()")
                    await tab.goto("about:blank")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """The browser that all tests of a worker share."""
    assert CHROMIUM, "REQUIRE_BROWSER=1, and there is no Chromium"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=60_000)
        browser = Browser(await chromium.new_page())
        browser.tab.set_default_timeout(PATIENCE)
        yield browser
        await browser.leave()
        await chromium.close()


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def a_bot() -> wisp.Bot:
    bot = wisp.Bot()

    async def fruits(ctx: wisp.AutocompleteContext, typed: str) -> list[str]:
        return [fruit for fruit in ("apple", "apricot", "red currant") if fruit.startswith(typed)]

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        """Say hello."""
        return f"Hello {ctx.user.mention}!"

    @bot.command
    async def greet(
        ctx: wisp.Context,
        user: Annotated[hikari.Member, wisp.Option("Whom to greet")],
        times: Annotated[int, wisp.Option("How often", min=1, max=5)] = 1,
        fruit: Annotated[str, wisp.Option("What to bring", autocomplete=fruits)] = "nothing",
        mood: Literal["good", "bad"] = "good",
        loud: bool = False,
    ) -> str:
        """Greet a member."""
        return f"{user.mention} {times} {fruit} {mood} {loud}"

    @bot.command
    async def lend(
        ctx: wisp.Context, what: str, days: int = 7, kind: Literal["tool", "book"] = "book", note: str = "-"
    ) -> str:
        """Lend something."""
        return f"[{what}] {days} {kind} [{note}]"

    @bot.command(ephemeral=True)
    async def secret(ctx: wisp.Context) -> str:
        """Whisper."""
        return "psst"

    @bot.command
    async def vote(ctx: wisp.Context) -> None:
        """Ask something."""
        buttons = hikari.impl.MessageActionRowBuilder()
        buttons.add_interactive_button(hikari.ButtonStyle.SUCCESS, "vote:yes", label="Yes")
        buttons.add_interactive_button(hikari.ButtonStyle.DANGER, "vote:no", label="No", is_disabled=True)
        buttons.add_link_button("https://example.com/rules", label="Rules")
        texts = hikari.impl.MessageActionRowBuilder()
        menu = texts.add_text_menu("colours", placeholder="Colours", min_values=1, max_values=2)
        for colour in ("red", "green", "blue"):
            menu.add_option(colour.title(), colour)
        people = hikari.impl.MessageActionRowBuilder()
        people.add_select_menu(hikari.ComponentType.USER_SELECT_MENU, "people", placeholder="People")
        await ctx.respond("Well?", components=[buttons, texts, people])

    @bot.component("vote:{what}")
    async def voted(ctx: wisp.ComponentContext, what: str) -> str:
        return f"{ctx.user.mention} says {what}"

    @bot.component("colours")
    async def coloured(ctx: wisp.ComponentContext) -> str:
        return f"Chosen: {', '.join(map(str, ctx.values))}"

    @bot.component("people")
    async def chosen(ctx: wisp.ComponentContext) -> str:
        return f"People: {len(ctx.values)}"

    @bot.command
    async def feedback(ctx: wisp.Context) -> None:
        """Open a form."""
        subject = hikari.impl.ModalActionRowBuilder().add_text_input("subject", "Subject", min_length=3, max_length=20)
        await ctx.respond_with_modal("Feedback", "feedback", components=[subject])

    @bot.modal("feedback")
    async def sent(ctx: wisp.ModalContext) -> str:
        return f"Thanks for {ctx.values['subject']}"

    @bot.command
    async def broken(ctx: wisp.Context) -> str:
        """Fail."""
        raise ValueError("the pipe burst")

    @bot.command(permissions=hikari.Permissions.MANAGE_GUILD)
    async def rule(ctx: wisp.Context) -> str:
        """For who manages the server."""
        return "ruled"

    @bot.command
    async def fancy(ctx: wisp.Context) -> None:
        """Everything in a box."""
        box = hikari.impl.ContainerComponentBuilder(accent_color=hikari.Color(0xE67E22))
        go = hikari.impl.InteractiveButtonBuilder(style=hikari.ButtonStyle.PRIMARY, custom_id="vote:go", label="Go")
        box.add_component(hikari.impl.SectionComponentBuilder(accessory=go).add_text_display("## Heading"))
        box.add_separator(divider=True, spacing=hikari.SpacingType.LARGE)
        gallery = hikari.impl.MediaGalleryComponentBuilder()
        gallery.add_media_gallery_item(hikari.Bytes(PNG, "dot.png"), description="A dot")
        box.add_component(gallery)
        box.add_component(hikari.impl.FileComponentBuilder(file=hikari.Bytes(b"hello", "notes.txt")))
        await ctx.respond(components=[box])

    @bot.command
    async def read(ctx: wisp.Context, file: hikari.Attachment) -> str:
        """Read a file."""
        return f"{file.filename}: {(await file.read()).decode()}"

    @bot.user_command(name="Who")
    async def who(ctx: wisp.Context, user: hikari.User) -> str:
        return f"This is {user.username}"

    @bot.message_command(name="Quote")
    async def quote(ctx: wisp.Context, message: hikari.Message) -> str:
        return f"Quoted: {message.content}"

    return bot


@asynccontextmanager
async def a_page(
    browser: Browser, bot: wisp.Bot | None = None, *, size: tuple[int, int] = WIDE, **looks: Any
) -> AsyncIterator[tuple[Sandbox, Page]]:
    """A page on a running bot. In the end it must have asked no other host for anything, and complained of nothing."""
    browser.problems.clear()
    try:
        yield await browser.look_at(bot, size, looks), browser.tab
    except BaseException as error:
        error.add_note(f"the browser complained of {browser.problems}")
        await browser.leave()
        raise
    await browser.tidy()
    assert browser.problems == []


async def advance(sandbox: Sandbox, by: str) -> None:
    """Move the time of bot and Discord, as the terminal does."""
    assert sandbox.page
    assert sandbox.page.advance
    await sandbox.page.advance(by)


async def enter(page: Page, text: str, *keys: str) -> None:
    """Type into the message box, then press keys."""
    await page.get_by_role("combobox", name=re.compile("^Message ")).press_sequentially(text)
    for key in keys:
        await page.keyboard.press(key)


async def use(page: Page, command: str) -> None:
    """Use a command without options."""
    await enter(page, command)
    await expect(page.get_by_role("option").filter(has_text=command)).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")


def said(page: Page, text: str) -> Any:
    """The messages that say this."""
    return page.locator(".message", has_text=text)


async def be(page: Page, name: str) -> None:
    await page.get_by_role("button", name=re.compile("^You are")).click()
    await page.get_by_role("menuitemcheckbox", name=name, exact=True).click()
    await expect(page.get_by_role("button", name=f"You are {name}")).to_be_visible()


async def test_a_command_is_typed_with_tab_and_enter(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/gre")
        await expect(page.get_by_role("option", name=re.compile("greet"))).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("Tab")
        await page.keyboard.type("bo")
        await expect(page.get_by_role("option", name="bob")).to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.type("times:3")
        await page.keyboard.press("Enter")
        await expect(said(page, "@bob 3 nothing good False")).to_be_visible()
        await expect(page.locator(".above", has_text="ada used /greet")).to_be_visible()


async def test_a_whole_line_of_options_can_be_pasted(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("combobox", name="Message #general").fill(
            '/greet user:@bob fruit:"red currant" loud:true'
        )
        await page.keyboard.press("Enter")
        await expect(said(page, "@bob 1 red currant good True")).to_be_visible()


async def test_a_pasted_line_fills_the_fields_of_its_options(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("combobox", name="Message #general").fill(
            '/lend what:"hand saw" note:"a \\"b\\"" days:3'
        )
        await expect(field(page, "what")).to_have_value("hand saw")
        await expect(field(page, "note")).to_have_value('a "b"')
        await expect(field(page, "days")).to_have_value("3")
        await page.keyboard.press("Enter")
        await expect(said(page, '[hand saw] 3 book [a "b"]')).to_be_visible()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('/lend what:"a"b', "a space is expected after the closing quote, not 'b'"),
        ("/lend what:a what:b", "the option 'what' is given twice"),
        ("/lend what:a hand saw", "'hand' belongs to no option"),
    ],
)
async def test_a_line_that_the_terminal_cannot_read_is_refused_in_the_same_words(
    browser: Browser, line: str, complaint: str
) -> None:
    with pytest.raises(Impossible, match=complaint):
        parse(line)
    async with a_page(browser) as (_, page):
        box = page.get_by_role("combobox", name="Message #general")
        alert = page.get_by_role("alert").filter(has_text=complaint)
        await box.fill(line)
        await expect(alert).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(alert).to_be_visible()
        await expect(box).to_have_value(line)
        await box.fill("")
        await expect(alert).to_be_hidden()


@pytest.mark.parametrize("text", ['saw days:3 note:"a"b', "saw days:3 size:big"])
async def test_what_cannot_be_options_stays_in_the_field_into_which_it_is_pasted(browser: Browser, text: str) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/lend ")
        await page.keyboard.insert_text(f"{text} kind:tool")
        await expect(field(page, "kind")).to_be_focused()
        await expect(field(page, "what")).to_have_value(text)


async def test_a_command_that_is_sent_as_a_line_is_not_left_in_the_box(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/hello", "Escape", "Enter")
        await expect(said(page, "Hello @ada!")).to_be_visible()
        await expect(page.get_by_role("combobox", name="Message #general")).to_have_value("")


async def test_a_picked_name_mentions_only_where_it_is_a_word_of_its_own(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        await enter(page, "mail ada@bobmail.com, @bobby or @bo")
        await page.get_by_role("option", name="bob").click()
        await page.keyboard.press("Enter")
        await expect(said(page, "mail ada@bobmail.com")).to_be_visible()
        sent = next(sandbox.world.messages.newest_first())
        assert sent.content.strip() == f"mail ada@bobmail.com, @bobby or {bob_in(sandbox).mention}"


async def test_autocomplete_and_choices_are_offered_and_taken_with_the_arrows(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/greet ")
        await page.keyboard.type("@bob")
        await expect(page.get_by_role("option", name="bob")).to_be_visible()
        await page.keyboard.press("Enter")
        await page.keyboard.type("fruit:ap")
        await expect(page.get_by_role("option", name="apricot")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.keyboard.type("mood:")
        await expect(page.get_by_role("option", name="bad")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(said(page, "@bob 1 apricot bad False")).to_be_visible()


async def test_a_wrong_option_is_refused_beside_it_and_can_be_put_right(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/greet ")
        await page.keyboard.type("@bob times:9")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert").filter(has_text="expected 1 to 5, got 9")).to_be_visible()
        wrong = page.get_by_role("combobox", name=re.compile("^times"))
        await expect(wrong).to_be_focused()
        await expect(wrong).to_have_attribute("aria-invalid", "true")
        await wrong.fill("2")
        await page.keyboard.press("Enter")
        await expect(said(page, "@bob 2 nothing good False")).to_be_visible()


async def test_an_unknown_command_is_refused_in_the_sandboxs_words(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/helo", "Enter")
        await expect(page.get_by_role("alert").filter(has_text="Did you mean /hello?")).to_be_visible()


async def test_escape_leaves_a_command_and_backspace_goes_back_into_it(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/greet ")
        await expect(page.get_by_role("combobox", name=re.compile("^user"))).to_be_focused()
        await page.keyboard.press("Backspace")
        await expect(page.get_by_role("combobox", name="Message #general")).to_have_value("/greet")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("combobox", name="Message #general")).to_have_value("")


async def test_buttons_are_pressed_disabled_ones_are_not_and_links_lead_away(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await use(page, "/vote")
        await page.get_by_role("button", name="Yes").click()
        await expect(said(page, "@ada says yes")).to_be_visible()
        await expect(page.get_by_role("button", name="No", exact=True)).to_be_disabled()
        link = page.get_by_role("link", name="Rules")
        await expect(link).to_have_attribute("href", "https://example.com/rules")
        await expect(link).to_have_attribute("rel", re.compile("noopener noreferrer"))


async def test_several_choices_are_made_in_a_select_and_one_person_in_another(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await use(page, "/vote")
        await page.get_by_role("combobox", name="Colours").click()
        await page.get_by_role("option", name="Red").click()
        await page.get_by_role("option", name="Blue").click()
        await page.get_by_role("button", name="Done").click()
        await expect(said(page, "Chosen: red, blue")).to_be_visible()
        await page.get_by_role("combobox", name="People").click()
        await page.keyboard.type("bo")
        await page.keyboard.press("Enter")
        await expect(said(page, "People: 1")).to_be_visible()


async def test_a_form_says_what_is_wrong_and_is_sent(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await use(page, "/feedback")
        form = page.get_by_role("dialog", name="Feedback")
        subject = form.get_by_role("textbox", name="Subject")
        await expect(subject).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(form.get_by_text("This is a required field")).to_be_visible()
        await subject.fill("ab")
        await page.keyboard.press("Enter")
        await expect(form.get_by_text("Must be at least 3 characters")).to_be_visible()
        await subject.fill("the food")
        await form.get_by_role("button", name="Submit").click()
        await expect(form).to_be_hidden()
        await expect(said(page, "Thanks for the food")).to_be_visible()


async def test_a_form_keeps_the_keyboard_inside_and_escape_closes_it(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await use(page, "/feedback")
        form = page.get_by_role("dialog", name="Feedback")
        await expect(form.get_by_role("textbox", name="Subject")).to_be_focused()
        for _ in range(8):
            await page.keyboard.press("Tab")
            inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            assert await page.evaluate(inside)
        await page.keyboard.press("Escape")
        await expect(form).to_be_hidden()


async def test_a_private_answer_is_seen_by_its_person_only_and_can_be_dismissed(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await use(page, "/secret")
        await expect(said(page, "psst").get_by_text("Only you can see this")).to_be_visible()
        await be(page, "bob")
        await expect(said(page, "psst")).to_have_count(0)
        await be(page, "ada")
        await said(page, "psst").get_by_role("button", name="Dismiss message").click()
        await expect(said(page, "psst")).to_have_count(0)


async def test_the_bot_is_talked_to_in_direct_messages_which_nobody_else_sees(browser: Browser) -> None:
    bot = a_bot()

    @bot.listen
    async def answer(event: hikari.DMMessageCreateEvent) -> None:
        if event.is_human:
            await event.message.respond(f"You said: {event.content}")

    async with a_page(browser, bot) as (_, page):
        await page.get_by_role("button", name="Direct messages").click()
        await expect(page.get_by_role("combobox", name="Message @wisp")).to_be_visible()
        await enter(page, "psst", "Enter")
        await expect(said(page, "You said: psst")).to_be_visible()
        await be(page, "bob")
        await expect(page.get_by_role("combobox", name="Message @wisp")).to_be_visible()
        await expect(said(page, "psst")).to_have_count(0)


async def test_somebody_new_joins_and_is_who_one_is(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("button", name=re.compile("^You are")).click()
        await page.get_by_role("menuitem", name="Somebody new…").click()
        await page.get_by_role("textbox", name="Name").fill("eve")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="You are eve")).to_be_visible()
        await use(page, "/hello")
        await expect(said(page, "Hello @eve!")).to_be_visible()


async def test_commands_of_menus_are_used_on_members_and_messages(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("complementary", name="Members").get_by_role("button", name=re.compile("bob")).click()
        await page.get_by_role("menuitem", name="Who").click()
        await expect(said(page, "This is bob")).to_be_visible()
        await enter(page, "to be quoted", "Enter")
        await said(page, "to be quoted").first.click(button="right")
        await page.get_by_role("menuitem", name="Quote").click()
        await expect(said(page, "Quoted: to be quoted")).to_be_visible()


async def test_everything_is_done_with_the_keyboard_alone(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.keyboard.press("/")
        await page.keyboard.type("vote")
        await expect(page.get_by_role("option", name=re.compile("vote"))).to_be_visible()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(said(page, "Well?")).to_be_visible()
        await page.keyboard.press("ArrowUp")
        await expect(said(page, "Well?")).to_be_focused()
        await page.keyboard.press("Shift+F10")
        await expect(page.get_by_role("menuitem", name="Quote")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(said(page, "Quoted: Well?")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("ArrowUp")
        await expect(said(page, "Well?").first).to_be_focused()
        for _ in ("who used it", "its author", "Yes", "Rules", "Colours"):
            await page.keyboard.press("Tab")
        await expect(page.get_by_role("combobox", name="Colours")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(said(page, "Chosen: green")).to_be_visible()


def field(page: Page, name: str) -> Any:
    """The field of an option."""
    return page.get_by_role("combobox", name=re.compile(f"^{name}, "))


async def test_the_name_of_an_option_typed_in_a_field_opens_that_option(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/lend ")
        await page.keyboard.type("what:hand saw days:3 note:with: a colon kind:tool")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(said(page, "[hand saw] 3 tool [with: a colon]")).to_be_visible()


async def test_options_pasted_into_a_field_go_to_their_own(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/lend ")
        await page.keyboard.insert_text('saw days:3 note:"no hurry" kind:tool')
        await expect(field(page, "kind")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(said(page, "[saw] 3 tool [no hurry]")).to_be_visible()


async def test_backspace_makes_the_name_of_an_option_a_word_of_the_text_again(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/lend ")
        await page.keyboard.type("saw days:")
        await expect(field(page, "days")).to_be_focused()
        await expect(field(page, "what")).to_have_value("saw")
        await page.keyboard.press("Backspace")
        await expect(field(page, "days")).to_have_count(0)
        await expect(field(page, "what")).to_be_focused()
        await expect(field(page, "what")).to_have_value("saw days:")
        await page.keyboard.type(" 3 days: four")
        await page.keyboard.press("Enter")
        await expect(said(page, "[saw days: 3 days: four] 7 book")).to_be_visible()


async def test_backspace_at_the_start_of_a_field_goes_back_and_a_filled_option_stays_as_it_is(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/lend ")
        await page.keyboard.type("saw days:3 note:in days: 9")
        for name in ("note", "days"):
            await expect(field(page, name)).to_be_focused()
            await page.keyboard.press("Home")
            await page.keyboard.press("Backspace")
        await page.keyboard.type("s")
        await page.keyboard.press("Enter")
        await expect(said(page, "[saws] 3 book [in days: 9]")).to_be_visible()


async def test_what_belongs_to_no_option_is_complained_of_until_it_is_corrected(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/lend ")
        await page.keyboard.type("saw days:3 note:x")
        await page.keyboard.press("Tab")
        rest = page.get_by_role("combobox", name="/lend: 1 more option", exact=True)
        await rest.fill("10")
        await page.keyboard.press("Enter")
        complaint = page.get_by_role("alert").filter(has_text='"10" belongs to no option')
        await expect(complaint).to_be_visible()
        await page.keyboard.press("Backspace")
        await expect(complaint).to_be_hidden()


async def test_permissions_are_called_as_in_the_client_and_found_by_the_apis_names_too(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("button", name="Change Sandbox").click()
        await page.get_by_role("menuitem", name="@everyone").click()
        editor = page.get_by_role("dialog", name="Role @everyone")
        search = editor.get_by_role("searchbox", name="Filter permissions")
        found = editor.get_by_role("checkbox")
        for needle, name in (
            ("MANAGE_GUILD", "Manage Server"),
            ("manage server", "Manage Server"),
            ("use vad", "Use Voice Activity"),
            ("stream", "Video"),
            ("xyzzy", None),
            ("timeout", "Timeout Members"),
        ):
            await search.fill(needle)
            await expect(editor.get_by_text("Nothing matches")).to_have_count(0 if name else 1)
            if name:
                await expect(found.and_(editor.get_by_role("checkbox", name=name, exact=True))).to_be_visible()
            else:
                await expect(found).to_have_count(0)


async def test_a_members_menu_makes_a_role_where_there_is_none(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        members = page.get_by_role("complementary", name="Members")
        await members.get_by_role("button", name=re.compile("^bob")).click()
        await page.get_by_role("menuitem", name="New role…").click()
        await page.get_by_role("textbox", name="Name").fill("stewards")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="Role @stewards")).to_be_visible()


async def test_escape_closes_the_panel_on_a_phone_and_from_within_it(browser: Browser) -> None:
    async with a_page(browser, size=(320, 640)) as (_, page):
        opener, panel = (page.get_by_role(role, name="Log and traffic") for role in ("button", "region"))
        await opener.click()
        await page.get_by_role("combobox", name="Message #general").click()
        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await page.set_viewport_size({"width": 1280, "height": 800})
        await opener.click()
        await panel.get_by_role("searchbox").fill("x")
        await page.keyboard.press("Escape")
        await expect(panel).to_be_visible()
        await expect(panel.get_by_role("searchbox")).to_have_value("")
        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(opener).to_be_focused()


async def test_the_panel_shows_log_errors_and_traffic_without_tokens(browser: Browser) -> None:
    async with a_page(browser, a_bot()) as (sandbox, page):
        await page.get_by_role("button", name="Log and traffic").click()
        await use(page, "/broken")
        panel = page.get_by_role("region", name="Log and traffic")
        await panel.get_by_role("button", name="Errors").click()
        await panel.get_by_text("ValueError: the pipe burst").first.click()
        await expect(panel.locator("pre", has_text="Traceback (most recent call last)")).to_be_visible()
        await panel.get_by_role("button", name="REST").click()
        call = panel.locator(".record", has_text="/callback")
        await expect(call.first).to_contain_text(re.compile(r"POST /api/v10/interactions/\d+/<token>/callback\S* 20"))
        await panel.get_by_role("button", name="Gateway").click()
        await panel.get_by_role("searchbox", name="Filter records").fill("interaction_create")
        await expect(panel.locator(".record")).to_have_count(1)
        assert sandbox.token not in await page.content()


async def test_dark_and_light_follow_the_system_and_the_switch(browser: Browser) -> None:
    async with a_page(browser, color_scheme="dark") as (_, page):
        background = "getComputedStyle(document.querySelector('.main')).backgroundColor"
        assert await page.evaluate(background) == "rgb(49, 51, 56)"
        await page.get_by_role("button", name="Light").click()
        assert await page.evaluate(background) == "rgb(255, 255, 255)"
        await expect(page.get_by_role("button", name="Dark")).to_be_focused()
        await page.reload()
        await expect(page.get_by_role("button", name="Dark")).to_be_visible()


async def test_names_that_are_too_long_are_cut_and_push_nothing_out_of_sight(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        guild = next(iter(sandbox.world.guilds.values()))
        sandbox.world.channels.add(guild, "a-long-name-" * 8)
        channels = page.get_by_role("list", name="Channels")
        await channels.get_by_role("button", name=re.compile("^a-long-name-")).click()
        await expect(page.get_by_role("heading", name=re.compile("^a-long-name-"))).to_be_visible()
        await page.get_by_role("button", name=re.compile("^Change #a-long-name-")).click()
        await expect(page.get_by_role("menuitem", name="Permissions…")).to_be_visible()
        assert await page.locator("#channels").evaluate("box => box.scrollWidth - box.clientWidth") == 0


async def test_a_phone_has_drawers_and_nothing_to_scroll_sideways(browser: Browser) -> None:
    async with a_page(browser, size=(320, 640)) as (_, page):
        await use(page, "/vote")
        await expect(page.get_by_role("combobox", name="People")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 320
        await page.get_by_role("button", name="Servers and channels").click()
        await expect(page.get_by_role("button", name="You are ada")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("navigation", name="Servers and channels")).to_be_hidden()


async def test_a_bot_that_is_offline_is_shown_so_until_it_is_back(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        assert sandbox.page
        for online in (False, True):
            sandbox.page.online = online
            sandbox.page.changed.send(None)
            await expect(page.locator("#status")).to_have_text("" if online else "wisp is offline")
            await expect(page.locator(".member.offline", has_text="wisp")).to_have_count(0 if online else 1)


async def test_only_what_has_changed_is_drawn_anew(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        boxes = ["#guilds", "#channels", "#right", "#you"]
        mark = "boxes => boxes.forEach(box => { document.querySelector(box).firstElementChild.marked = true; })"
        marked = "boxes => boxes.filter(box => document.querySelector(box).firstElementChild.marked)"
        await page.evaluate(mark, boxes)
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        world.channels.edit(guild.channel("general"), topic="What this is for")
        await expect(page.locator("#topic")).to_have_text("What this is for")
        assert await page.evaluate(marked, boxes) == ["#guilds", "#right", "#you"]


async def test_where_one_was_is_kept_over_a_reload(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await be(page, "bob")
        await page.get_by_role("button", name="Direct messages").click()
        await expect(page.get_by_role("combobox", name="Message @wisp")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("combobox", name="Message @wisp")).to_be_visible()
        await expect(page.get_by_role("button", name="You are bob")).to_be_visible()


async def offered(page: Page) -> Any:
    """What is offered for a / in an empty box."""
    box = page.get_by_role("combobox", name=re.compile("^Message "))
    await box.fill("/")
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


async def test_a_role_shows_a_command_and_taking_it_hides_it_again(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("button", name="Change Sandbox").click()
        await page.get_by_role("menuitem", name="Add a role").click()
        await page.get_by_role("textbox", name="Name").fill("stewards")
        await page.keyboard.press("Enter")
        editor = page.get_by_role("dialog", name="Role @stewards")
        await editor.get_by_role("checkbox", name="Manage Server", exact=True).check()
        await editor.get_by_role("button", name="Save").click()
        await expect(editor).to_be_hidden()
        await be(page, "bob")
        await expect((await offered(page)).filter(has_text="/hello")).to_be_visible()
        await expect((await offered(page)).filter(has_text="/rule")).to_have_count(0)
        members = page.get_by_role("complementary", name="Members")
        for hidden in (False, True):
            await members.get_by_role("button", name=re.compile("^bob")).click()
            await page.get_by_role("menuitemcheckbox", name="stewards").click()
            rule = (await offered(page)).filter(has_text="/rule")
            await (expect(rule).to_have_count(0) if hidden else expect(rule).to_be_visible())


async def test_a_channel_that_is_hidden_from_somebody_is_not_listed_and_not_left_open(
    browser: Browser,
) -> None:
    async with a_page(browser) as (_, page):
        await page.get_by_role("button", name="Change Sandbox").click()
        await page.get_by_role("menuitem", name="Add a channel").click()
        await page.get_by_role("textbox", name="Name").fill("Council Hall")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="council-hall")).to_be_visible()
        await be(page, "bob")
        await expect(page.get_by_role("combobox", name="Message #council-hall")).to_be_visible()
        await page.get_by_role("button", name="Change #council-hall").click()
        await page.get_by_role("menuitem", name="Permissions…").click()
        editor = page.get_by_role("dialog", name="Permissions in #council-hall")
        await editor.get_by_role("combobox", name="View Channel").select_option("denied")
        await editor.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("combobox", name="Message #general")).to_be_visible()
        channels = page.get_by_role("list", name="Channels").get_by_role("button")
        await expect(channels.filter(has_text="council-hall")).to_have_count(0)
        await be(page, "ada")
        await expect(channels.filter(has_text="council-hall")).to_be_visible()


async def test_who_may_not_write_in_a_channel_is_told_so(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        await be(page, "bob")
        world.channels.set_overwrite(guild.channel("general"), guild.everyone, deny=1 << 11)
        await expect(page.get_by_placeholder("You do not have permission to send messages")).to_be_visible()


async def test_people_leave_and_come_back_and_the_bot_hears_of_it(browser: Browser) -> None:
    bot = a_bot()

    @bot.listen
    async def welcome(event: hikari.MemberCreateEvent) -> None:
        await bot.gateway.rest.create_message(channels[0], f"Welcome, {event.user.username}!")

    @bot.listen
    async def farewell(event: hikari.MemberDeleteEvent) -> None:
        await bot.gateway.rest.create_message(channels[0], f"Farewell, {event.user.username}!")

    channels: list[int] = []
    async with a_page(browser, bot) as (sandbox, page):
        channels += sandbox.world.channels
        members = page.get_by_role("complementary", name="Members")
        await members.get_by_role("button", name=re.compile("^bob")).click()
        await page.get_by_role("menuitem", name="Let bob leave").click()
        await expect(said(page, "Farewell, bob!")).to_be_visible()
        await expect(members.get_by_role("button", name=re.compile("^bob"))).to_have_count(0)
        await members.get_by_role("button", name="Let somebody join").click()
        await page.get_by_role("textbox", name="Their name").fill("bob")
        await page.keyboard.press("Enter")
        await expect(said(page, "Welcome, bob!")).to_be_visible()


async def test_a_reaction_is_added_counted_and_taken_back(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "nice", "Enter")
        await said(page, "nice").hover()
        await said(page, "nice").get_by_role("button", name="Add a reaction").click()
        await page.get_by_role("menuitem", name="🎉").click()
        mine = page.get_by_role("button", name="🎉, 1")
        await expect(mine).to_have_attribute("aria-pressed", "true")
        await be(page, "bob")
        await page.get_by_role("button", name="🎉, 1").click()
        await page.get_by_role("button", name="🎉, 2").click()
        await expect(page.get_by_role("button", name="🎉, 1")).to_have_attribute("aria-pressed", "false")


async def test_another_guild_and_unread_channels(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        await page.get_by_role("button", name="Add a server").click()
        await page.get_by_role("textbox", name="Name").fill("The Other")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="The Other")).to_be_visible()
        first = next(iter(sandbox.world.channels.values()))
        sandbox.world.messages.add(first, sandbox.world.bot, content="over here")
        await expect(page.locator(".guild .dot-unread")).to_be_visible()
        await page.get_by_role("button", name="Sandbox", exact=True).click()
        await expect(said(page, "over here")).to_be_visible()
        await expect(page.locator(".guild .dot-unread")).to_have_count(0)
        sandbox.world.messages.add(sandbox.world.channels.dm(sandbox.world.owner), sandbox.world.bot, content="for you")
        await page.get_by_role("button", name="Direct messages").locator(".dot-unread").wait_for()


def message(sandbox: Sandbox, content: str = "", **more: Any) -> Any:
    """A message of the bot in the first channel, as REST would let it through."""
    world = sandbox.world
    return world.messages.add(next(iter(world.channels.values())), world.bot, content=content, **more)


MARKDOWN = {
    "**bold** *it* _it_ __under__ ~~gone~~": "<strong>bold</strong> <em>it</em> <em>it</em> <u>under</u> <s>gone</s>",
    "***both*** __**u b**__": "<strong><em>both</em></strong> <u><strong>u b</strong></u>",
    r"\*not\* a_b_c 2 * 3 * 4 ** x": "*not* a_b_c 2 * 3 * 4 ** x",
    "`a **b**` ``c ` d``": '<code class="code">a **b**</code> <code class="code">c ` d</code>',
    "<b>&amp;</b><img src=x onerror=alert(1)>": "&lt;b&gt;&amp;amp;&lt;/b&gt;&lt;img src=x onerror=alert(1)&gt;",
    "[x](javascript:alert(1)) javascript:alert(1)": "[x](javascript:alert(1)) javascript:alert(1)",
    "one\ntwo": "one<br>two",
}


async def test_markdown_reads_as_discord_reads_it(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        for text in MARKDOWN:
            message(sandbox, text)
        await expect(page.locator(".text")).to_have_count(len(MARKDOWN))
        for number, html in enumerate(MARKDOWN.values()):
            assert await page.locator(".text").nth(number).inner_html() == html


async def test_blocks_links_mentions_and_moments_are_shown(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        world = sandbox.world
        channel = next(iter(world.channels.values()))
        moment = int(world.clock.time()) - 90
        message(
            sandbox,
            "# Big\n## Less\n### Least\n-# small\n> quoted\n> more\n- a\n- b\n  - c\n3. three\n"
            "```py\nprint('<b>')\n```\n"
            "[site](https://example.com/a_(b)) <https://example.org> https://example.net. ||hidden|| "
            f"{world.owner.mention} {channel.mention} <@&{channel.guild.id if channel.guild else 0}> <#1> "
            f"<t:{moment}:R> <t:99999999999999:R> <:wave:123456789012345678>",
        )
        text = page.locator(".text")
        await expect(text.get_by_role("heading")).to_have_text(["Big", "Less", "Least"])
        await expect(text.locator("blockquote")).to_have_text("quotedmore")
        await expect(text.locator("ul > li > ul > li")).to_have_text("c")
        await expect(text.locator("ol")).to_have_attribute("start", "3")
        await expect(text.locator("pre code")).to_have_text("print('<b>')")
        links = [await link.get_attribute("href") for link in await text.get_by_role("link").all()]
        assert links == ["https://example.com/a_(b)", "https://example.org/", "https://example.net/"]
        for mention in ("@ada", "#general", "@everyone", "# No Access"):
            await expect(text.locator(".mention", has_text=mention).first).to_be_visible()
        await expect(text.locator("time")).to_have_text("1 minute ago")
        hidden = text.get_by_role("button", name="Spoiler: press to show")
        await hidden.focus()
        await page.keyboard.press("Enter")
        await expect(text.locator(".spoiler.shown")).to_have_text("hidden")


async def test_relative_moments_tick(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        message(sandbox, f"<t:{int(sandbox.world.clock.time()) + 3}:R>")
        moment = page.locator(".text time")
        first = await moment.text_content()
        await expect(moment).not_to_have_text(str(first))


async def test_an_embed_shows_all_its_parts_and_fetches_nothing(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        embed = {
            "type": "rich",
            "title": "A **title**",
            "url": "javascript:alert(1)",
            "description": "Said.",
            "color": 0x2ECC71,
            "timestamp": "2026-01-02T03:04:05+00:00",
            "author": {"name": "The author", "url": "https://example.com/"},
            "footer": {"text": "The foot", "icon_url": "https://example.com/i.png"},
            "image": {"url": "https://example.com/picture.png"},
            "thumbnail": {"url": "data:text/html,<script>alert(1)</script>"},
            "fields": [{"name": f"Field {n}", "value": f"value {n}", "inline": n < 3} for n in range(4)],
        }
        message(sandbox, embeds=[embed])
        box = page.get_by_role("article")
        for text in ("A title", "Said.", "The author", "The foot", "Field 3", "value 0"):
            await expect(box.get_by_text(text)).to_be_visible()
        assert await box.evaluate("box => getComputedStyle(box).borderInlineStartColor") == "rgb(46, 204, 113)"
        tops = [(await field.bounding_box() or {})["y"] for field in await box.locator(".field").all()]
        assert tops[0] == tops[1] == tops[2] < tops[3]
        links = [await link.get_attribute("href") for link in await box.get_by_role("link").all()]
        assert links == ["https://example.com/", "https://example.com/picture.png"]
        await expect(box.locator("img")).to_have_count(0)


async def test_components_v2_are_laid_out_and_pressed(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await use(page, "/fancy")
        box = page.locator(".container")
        await expect(box.get_by_role("heading", name="Heading")).to_be_visible()
        await expect(box.get_by_role("img", name="A dot")).to_be_visible()
        assert await box.get_by_role("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
        await expect(box.get_by_role("link", name="notes.txt")).to_have_attribute("href", re.compile("/notes.txt$"))
        await box.get_by_role("button", name="Go").click()
        await expect(said(page, "@ada says go")).to_be_visible()


async def test_files_are_given_to_a_command_from_the_browser(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await enter(page, "/read ")
        chosen = {"name": "nöte.txt", "mimeType": "text/plain", "buffer": b"dear diary"}
        await page.get_by_label(re.compile("^file, file, required")).set_input_files([chosen])
        await page.get_by_role("button", name="Use /read").click()
        await expect(said(page, "nöte.txt: dear diary")).to_be_visible()


async def test_edits_deletions_replies_thinking_and_typing_show(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        world = sandbox.world
        channel = next(iter(world.channels.values()))
        first = message(sandbox, "the first")
        second = message(sandbox, "the second", reference=first, kind=19)
        await expect(page.locator(".above", has_text="the first")).to_be_visible()
        world.messages.edit(first, content="the changed")
        await expect(said(page, "the changed").get_by_text("(edited)")).to_be_visible()
        world.messages.delete(second)
        await expect(said(page, "the second")).to_have_count(0)
        waiting = message(sandbox, flags=1 << 7)
        await expect(page.get_by_text("wisp is thinking…")).to_be_visible()
        world.messages.edit(waiting, content="done thinking")
        await expect(page.get_by_text("wisp is thinking…")).to_have_count(0)
        world.messages.show_typing(channel, world.bot)
        await expect(page.get_by_text("wisp is typing…")).to_be_visible()


async def test_a_webhooks_messages_stand_under_the_names_that_it_takes(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        first = message(sandbox, "by the bot")
        webhook = sandbox.world.webhooks.add(first.channel, "Hook", creator=sandbox.world.bot)
        for name, text in (("ada", "ahoy"), ("Parrot", "squawk"), ("Parrot", "again")):
            sandbox.world.messages.add(first.channel, webhook.author(name), content=text, webhook=webhook)
        author = said(page, "ahoy").locator(".author")
        await expect(author).to_have_text("ada")
        await expect(author).to_have_attribute("title", "The webhook Hook")
        await expect(said(page, "ahoy").locator(".tag")).to_have_text("APP")
        await expect(said(page, "ahoy").get_by_role("button", name="ada", exact=True)).to_have_count(0)
        await expect(said(page, "squawk").locator(".author")).to_be_visible()
        await expect(said(page, "again").locator(".header")).to_have_count(0)


async def test_who_does_not_answer_is_told_of_on_the_spot(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        button = {"type": 2, "style": 1, "custom_id": "x", "label": "Wait"}
        message(sandbox, "press", components=[{"type": 1, "components": [button]}])
        sandbox.drop()
        for session in sandbox.gateway.sessions:
            sandbox.gateway.sessions.end(session)
        await page.get_by_role("button", name="Wait").click()
        await expect(page.get_by_role("button", name="Wait")).to_have_attribute("aria-busy", "true")
        await advance(sandbox, "4s")
        await expect(page.get_by_text("This interaction failed")).to_be_visible()


async def test_names_and_texts_of_strangers_stay_text(browser: Browser) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e"
    async with a_page(browser) as (sandbox, page):
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        eve = world.users.add(hostile)
        world.members.add(guild, eve)
        world.roles.add(guild, hostile)
        world.messages.add(next(iter(world.channels.values())), eve, content=f"{eve.mention} {hostile}")
        await expect(said(page, "<img src=x")).to_be_visible()
        await page.get_by_role("button", name=re.compile("^You are")).click()
        await expect(page.get_by_role("menuitemcheckbox", name=re.compile("<img"))).to_be_visible()
        assert await page.locator("img").count() == 0


async def test_many_messages_are_read_a_page_at_a_time(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        channel = next(iter(sandbox.world.channels.values()))
        for number in range(1_000):
            sandbox.world.messages.add(channel, sandbox.world.bot, content=f"number {number}")
        await expect(page.get_by_text("number 999", exact=True)).to_be_visible()
        assert await page.locator(".message").count() <= 300
        await page.locator("#scroll").evaluate("box => { box.scrollTop = 0 }")
        await expect(page.get_by_text("number 900", exact=True)).to_be_attached()
        assert await page.locator(".message").count() <= 300


async def test_texts_that_are_all_marks_do_not_hold_the_browser_up(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        for mark in (
            "**",
            "*",
            "_",
            "||",
            "`",
            "[",
            "[a](",
            "> ",
            "- ",
            "<@",
            "\\",
            "```",
            "~~",
            "**_~~||",
            "h",
            "<t:",
        ):
            message(sandbox, (mark * 2000)[:2000])
        message(sandbox, "the end")
        await expect(page.get_by_text("the end")).to_be_visible(timeout=5_000)


UNNAMED = """() => {
  const named = (element) =>
    (element.getAttribute("aria-label") || element.textContent || element.getAttribute("title") || "").trim() ||
    (element.labels && element.labels.length) || element.getAttribute("aria-labelledby") || element.placeholder;
  const controls = "button, a[href], input, select, textarea, [role=button], [role=combobox], [role=listbox], dialog";
  const wrong = [...document.querySelectorAll(controls)].filter((one) => !named(one)).map((one) => one.outerHTML);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  wrong.push(...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: ${id}`));
  for (const name of ["aria-controls", "aria-labelledby", "aria-describedby", "aria-activedescendant"])
    for (const one of document.querySelectorAll(`[${name}]`))
      for (const id of one.getAttribute(name).split(" "))
        if (!document.getElementById(id)) wrong.push(`${name} names nothing: ${id}`);
  for (const image of document.querySelectorAll("img:not([alt])")) wrong.push(image.outerHTML);
  for (const item of document.querySelectorAll("li"))
    if (!["UL", "OL"].includes(item.parentElement.tagName)) wrong.push(`no list around ${item.outerHTML}`);
  for (const option of document.querySelectorAll("[role=option]"))
    if (!option.closest("[role=listbox]")) wrong.push(`no listbox around ${option.outerHTML}`);
  for (const one of ["main", "h1", "nav", "aside"])
    if (document.querySelectorAll(one).length !== 1) wrong.push(`not one ${one}`);
  if (!document.documentElement.lang) wrong.push("lang");
  return wrong;
}"""

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const layers = (element) => {
    const found = [];
    for (let one = element; one; one = one.parentElement) found.unshift(getComputedStyle(one).backgroundColor);
    return found;
  };
  const painted = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const wrong = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const seen = element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    if (!walker.currentNode.data.trim() || !seen) continue;
    if (element.closest("noscript, .spoiler:not(.shown), .unseen, :disabled")) continue;
    const behind = layers(element);
    const [one, other] = [painted(behind), painted([...behind, getComputedStyle(element).color])].map(light);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(getComputedStyle(element).fontSize);
    const text = walker.currentNode.data.slice(0, 30);
    if (ratio < (size >= 24 ? 3 : 4.5)) wrong.push(`${ratio.toFixed(2)} ${element.className} ${text}`);
  }
  return [...new Set(wrong)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_has_a_name_and_can_be_read(browser: Browser, scheme: str) -> None:
    async with a_page(browser, color_scheme=scheme) as (sandbox, page):
        embed = {
            "title": "T",
            "description": "D [l](https://example.com)",
            "footer": {"text": "F"},
            "author": {"name": "A"},
        }
        guild = next(iter(sandbox.world.guilds.values()))
        for user, color in ((sandbox.world.owner, 0xF1C40F), (bob_in(sandbox), 0x1F2F6F)):
            sandbox.world.members.give_role(
                guild.members[user.id], sandbox.world.roles.add(guild, f"{color}", color=color)
            )
            sandbox.world.messages.add(guild.channel("general"), user, content="in colour")
        message(sandbox, f"{sandbox.world.owner.mention} `code` ||s|| <t:1:R>\n> q\n-# sub", embeds=[embed])
        await use(page, "/vote")
        await use(page, "/secret")
        await expect(said(page, "psst")).to_be_visible()
        await page.get_by_role("button", name="Log and traffic").click()
        await expect(page.locator(".record").first).to_be_visible()
        await enter(page, "/greet ")
        await page.keyboard.type("@b")
        await expect(page.get_by_role("option", name="bob")).to_be_visible()
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(CONTRAST) == []
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await page.get_by_role("combobox", name="Colours").click()
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(CONTRAST) == []
        await page.keyboard.press("Escape")
        await use(page, "/feedback")
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await page.evaluate(UNNAMED) == []
        assert await page.evaluate(CONTRAST) == []


async def test_motion_rests_where_the_system_says_so(browser: Browser) -> None:
    async with a_page(browser, reduced_motion="reduce") as (sandbox, page):
        message(sandbox, flags=1 << 7)
        dot = page.locator(".dots i").first
        assert await dot.evaluate("dot => getComputedStyle(dot).animationName") == "none"


def a_listener() -> tuple[wisp.Bot, list[hikari.MessageEvent]]:
    """A bot that notes what becomes of people's messages."""
    bot, heard = wisp.Bot(intents=hikari.Intents.GUILD_MESSAGES | hikari.Intents.MESSAGE_CONTENT), []

    @bot.listen
    async def note(event: hikari.MessageEvent) -> None:
        heard.append(event)

    return bot, heard


async def test_a_message_is_replied_to_with_or_without_a_ping_and_led_back_to(browser: Browser) -> None:
    bot, heard = a_listener()
    async with a_page(browser, bot) as (sandbox, page):
        first = sandbox.world.messages.add(next(iter(sandbox.world.channels.values())), bob_in(sandbox), content="tea?")
        await said(page, "tea?").hover()
        await said(page, "tea?").get_by_role("button", name="Reply").click()
        bar = page.get_by_role("group", name="Replying to bob")
        await expect(page.locator(".message.answered")).to_have_text(re.compile("tea\\?"))
        await page.keyboard.press("Escape")
        await expect(bar).to_have_count(0)
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("r")
        await enter(page, "yes, please", "Enter")
        await expect(bar).to_have_count(0)
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("r")
        await bar.get_by_role("switch", name="Ping bob").click()
        await expect(bar.get_by_role("switch", name="Ping bob")).to_have_attribute("aria-checked", "false")
        await enter(page, "with milk", "Enter")
        await said(page, "with milk").locator(".above-text", has_text="tea?").click()
        await expect(said(page, "tea?").first).to_be_focused()
        await heard_of(heard, 3)
        created = [event for event in heard if isinstance(event, hikari.GuildMessageCreateEvent)]
        for event, pinged in zip(created[1:], ([first.author.id], []), strict=True):
            reference, referenced = event.message.message_reference, event.message.referenced_message
            assert reference
            assert reference.id == first.id
            assert referenced
            assert referenced.content == "tea?"
            assert list(event.message.user_mentions_ids or ()) == pinged


async def test_the_bar_of_a_reply_goes_with_the_message_and_nobody_pings_themselves(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        await enter(page, "mine", "Enter")
        await expect(said(page, "mine")).to_be_visible()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("r")
        bar = page.get_by_role("group", name="Replying to ada")
        await expect(bar).to_be_visible()
        await expect(bar.get_by_role("switch")).to_have_count(0)
        sandbox.world.messages.delete(next(sandbox.world.messages.newest_first()))
        await expect(bar).to_have_count(0)


async def test_ones_own_message_is_edited_where_it_stands_and_others_are_not(browser: Browser) -> None:
    bot, heard = a_listener()
    async with a_page(browser, bot) as (sandbox, page):
        bob = bob_in(sandbox)
        await enter(page, "@bob  helo", "Enter")
        mine = page.locator(".message", has_text="helo")
        await expect(mine).to_be_visible()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("e")
        box = page.get_by_role("textbox", name="Edit message")
        await expect(box).to_be_focused()
        await expect(box).to_have_value("@bob  helo")
        await page.keyboard.type("!")
        sandbox.world.reactions.add(next(sandbox.world.messages.newest_first()), bob, Emoji("👀"))
        await expect(page.get_by_role("button", name="👀, 1")).to_have_count(0)
        await expect(box).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="👀, 1")).to_be_visible()
        await expect(mine).not_to_contain_text("helo!")
        await mine.hover()
        await mine.get_by_role("button", name="Edit").click()
        await box.fill("@bob hello")
        await page.keyboard.press("Enter")
        await expect(said(page, "hello").get_by_text("(edited)")).to_be_visible()
        await heard_of(heard, 2)
        assert isinstance(heard[1], hikari.GuildMessageUpdateEvent)
        assert heard[1].message.content == f"{bob.mention} hello"
        await be(page, "bob")
        await said(page, "hello").hover()
        await expect(said(page, "hello").get_by_role("button", name="Reply")).to_be_visible()
        await expect(said(page, "hello").get_by_role("button", name="Edit")).to_have_count(0)
        await said(page, "hello").click(button="right")
        await expect(page.get_by_role("menuitem", name="Reply")).to_be_visible()
        await expect(page.get_by_role("menuitem", name="Delete message")).to_have_count(0)


async def test_a_message_is_deleted_after_a_question(browser: Browser) -> None:
    bot, heard = a_listener()
    async with a_page(browser, bot) as (_, page):
        await enter(page, "oops", "Enter")
        await expect(said(page, "oops")).to_be_visible()
        for answer, left in (("Escape", 1), ("Enter", 0)):
            await page.keyboard.press("ArrowUp")
            await page.keyboard.press("Delete")
            await expect(page.get_by_role("dialog", name="Delete message").get_by_text("Are you sure")).to_be_visible()
            await page.keyboard.press(answer)
            await expect(page.get_by_role("dialog")).to_have_count(0)
            await expect(said(page, "oops")).to_have_count(left)
            await page.get_by_role("combobox", name="Message #general").focus()
        await heard_of(heard, 2)
        assert isinstance(heard[1], hikari.GuildMessageDeleteEvent)


def bob_in(sandbox: Sandbox) -> Any:
    return next(user for user in sandbox.world.users.values() if user.name == "bob")


async def heard_of(heard: list[Any], number: int) -> None:
    """Wait until a bot heard of so many things."""
    async with asyncio.timeout(PATIENCE / 1000):
        while len(heard) < number:
            await asyncio.sleep(0.01)


HAND_OVER = """([kind, name, size = 5]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(size)], name, { type: "text/plain" }));
  const options = { bubbles: true, cancelable: true, clipboardData: data, dataTransfer: data };
  const [box, event] = kind === "paste"
    ? [document.querySelector("#text"), new ClipboardEvent("paste", options)]
    : [document.querySelector("#messages"), new DragEvent("drop", options)];
  box.dispatchEvent(event);
}"""


def a_file(name: str, content: bytes = b"x") -> Any:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


async def test_files_are_sent_with_a_message_and_those_that_cannot_be_are_refused(browser: Browser) -> None:
    bot, heard = a_listener()
    async with a_page(browser, bot) as (_, page):
        picker, tray = page.get_by_label("Files to send", exact=True), page.get_by_role("list", name="Files to send")
        await expect(page.get_by_role("button", name="Upload files")).to_be_enabled()
        await picker.set_input_files([a_file("a.txt", b"first"), a_file("b.txt"), a_file("c.txt")])
        await expect(tray.get_by_role("listitem")).to_have_count(3)
        await tray.get_by_role("button", name="Remove b.txt").click()
        await picker.set_input_files([a_file(f"{n}.txt") for n in range(9)])
        await expect(page.get_by_role("alert").filter(has_text="only upload 10 files at a time")).to_be_visible()
        await page.evaluate(HAND_OVER, ["drop", "huge.bin", 10 * 1024 * 1024 + 1])
        await expect(page.get_by_role("alert").filter(has_text="Your files are too powerful: huge.bin")).to_be_visible()
        await expect(tray.get_by_role("listitem")).to_have_count(2)
        await page.get_by_role("combobox", name="Message #general").press("Enter")
        await expect(page.get_by_role("link", name="a.txt")).to_be_visible()
        await expect(tray).to_have_count(0)
        await heard_of(heard, 1)
        files = heard[0].message.attachments
        assert [file.filename for file in files] == ["a.txt", "c.txt"]
        assert await files[0].read() == b"first"


async def test_files_are_pasted_and_dropped(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        for kind in ("paste", "drop"):
            await page.evaluate(HAND_OVER, [kind, f"{kind}.txt"])
        await enter(page, "both", "Enter")
        for kind in ("paste", "drop"):
            await expect(said(page, "both").get_by_role("link", name=f"{kind}.txt")).to_be_visible()


async def test_who_may_not_attach_files_cannot(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        guild = next(iter(sandbox.world.guilds.values()))
        await be(page, "bob")
        sandbox.world.channels.set_overwrite(guild.channel("general"), guild.everyone, deny=1 << 15)
        await expect(page.get_by_role("button", name="Upload files")).to_be_disabled()
        await page.evaluate(HAND_OVER, ["drop", "no.txt"])
        await expect(page.get_by_role("alert").filter(has_text="permission to upload files")).to_be_visible()


async def test_a_thread_is_started_on_a_message_and_by_itself(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        await enter(page, "lunch?", "Enter")
        await said(page, "lunch?").click(button="right")
        await page.get_by_role("menuitem", name="Create a thread…").click()
        await page.get_by_role("textbox", name="Thread name").fill("Lunch plans")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Lunch plans")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_have_count(0)  # until the answer is there it keeps the keyboard
        await enter(page, "soup", "Enter")
        await expect(said(page, "soup")).to_be_visible()
        await page.get_by_role("button", name="general", exact=True).click()
        await page.get_by_role("button", name="Change #general").click()
        await page.get_by_role("menuitem", name="Create a thread…").click()
        await page.get_by_role("textbox", name="Thread name").fill("Dinner")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Dinner")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.get_by_role("button", name="general", exact=True).click()
        await expect(said(page, "ada started a thread: Dinner")).to_be_visible()
        names = await page.get_by_role("list", name="Channels").get_by_role("button").all_text_contents()
        assert [name for name in names if name] == ["general", "Lunch plans", "Dinner"]
        await said(page, "lunch?").get_by_role("button", name="Go to the thread Lunch plans").click()
        await expect(said(page, "soup")).to_be_visible()
        menu = {"type": 1, "id": 1, "components": [{"type": 8, "id": 2, "custom_id": "where", "placeholder": "Where"}]}
        (thread, _) = next(iter(sandbox.world.guilds.values())).threads.values()
        sandbox.world.messages.add(thread, sandbox.world.bot, content="Where?", components=[menu])
        await page.get_by_role("combobox", name="Where").click()
        await page.get_by_role("option", name="#Dinner").click()
        await expect(said(page, "This no longer works")).to_be_visible()  # the bot has no such select


async def test_two_people_of_one_name_are_told_apart(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        world = sandbox.world
        other = world.users.add("bob")
        world.members.add(next(iter(world.guilds.values())), other)
        for user in (other, bob_in(sandbox)):
            await page.get_by_role("button", name=re.compile("^You are")).click()
            await page.get_by_role("menuitemcheckbox", name=f"bob {user.id}").click()
            await expect(page.get_by_role("button", name="You are bob")).to_be_visible()
            await enter(page, f"I am {user.id}", "Enter")
            await expect(said(page, f"I am {user.id}")).to_be_visible()
            assert next(world.messages.newest_first()).author is user
        await enter(page, "ping @bo")
        await page.get_by_role("option", name=str(other.id)).click()
        await page.keyboard.press("Enter")
        await expect(said(page, "ping @bob")).to_be_visible()
        assert next(world.messages.newest_first()).mentions == [other]


def a_bot_of_times() -> wisp.Bot:
    bot = wisp.Bot()
    channels: set[int] = set()

    @bot.job("tea")
    async def tea(channel_id: int) -> None:
        await bot.gateway.rest.create_message(channel_id, "Tea is ready")

    @bot.command
    async def remind(ctx: wisp.Context) -> str:
        """Remind of tea in an hour."""
        channels.add(ctx.channel_id)
        await ctx.services.get("scheduler").once("tea", delay=3600, data={"channel_id": ctx.channel_id})
        return f"I will <t:{int(ctx.interaction.created_at.timestamp())}:R>"

    @bot.command
    @wisp.cooldown(seconds=7200)
    async def claim(ctx: wisp.Context) -> str:
        """Once in two hours."""
        return "coins"

    @bot.cron("0 3 * * *")
    async def nightly() -> None:
        for channel in channels:
            await bot.gateway.rest.create_message(channel, "Good night")

    return bot


@asynccontextmanager
async def a_keyboard() -> AsyncIterator[None]:
    """A terminal that waits for a line, which does not come."""
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        reading = asyncio.create_task(Console(stdin, io.StringIO()).read(""))
        try:
            yield
        finally:
            os.close(write)
            await reading


@asynccontextmanager
async def time_moved(sandbox: Sandbox, page: Page) -> AsyncIterator[None]:
    """Wait in the end until the time was moved. The page's own time limits a move, since the event loop's jumps."""
    assert sandbox.page
    moves = sandbox.page.time_view()["moves"]
    yield
    for _ in range(2000):
        if sandbox.page.time_view()["moves"] > moves:
            return
        await page.wait_for_timeout(10)
    raise AssertionError("the time was not moved within 20 s")


async def choose_advance(page: Page, choice: str) -> None:
    """Choose from the control on the page that moves the time, with the keyboard alone."""
    await page.get_by_role("button", name="Advance time").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="1 minute")).to_be_focused()
    while await page.evaluate("document.activeElement.textContent") != choice:
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")


async def test_a_reminder_a_cooldown_and_a_nightly_job_are_tried_by_hand(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The browser, its driver and a keyboard are not waited for as other programs are: that would take too long.
    monkeypatch.setattr(wisp.local.external_work, "_BACKGROUND_TIMEOUT", 60.0)
    monkeypatch.setattr(wisp.local.external_work, "_RETRY_TIMEOUT", 60.0)
    async with a_page(browser, a_bot_of_times()) as (sandbox, page), a_keyboard():
        clock = page.locator("#clock")
        await use(page, "/remind")
        await page.keyboard.press("Enter")
        await expect(said(page, "I will")).to_be_visible()
        sandbox.world.messages.show_typing(next(iter(sandbox.world.channels.values())), sandbox.world.bot)
        await expect(page.get_by_text("wisp is typing…")).to_be_visible()
        await expect(clock).to_be_hidden()
        before = sandbox.world.clock.time()

        async with time_moved(sandbox, page):
            await choose_advance(page, "1 hour")
        await expect(said(page, "Tea is ready")).to_be_visible()
        await expect(page.get_by_text("wisp is typing…")).to_have_count(0)
        await expect(said(page, "I will").locator(".text time")).to_have_text("1 hour ago")
        await expect(page.get_by_role("button", name="Advance time")).to_be_focused()
        assert sandbox.world.clock.time() - before >= 3600
        shown = datetime.fromisoformat(str(await clock.get_attribute("datetime")))
        assert abs(shown.timestamp() - sandbox.world.clock.time()) < 60
        await expect(page.locator("#said")).to_contain_text("for wisp")

        for expected in ("coins", "Slow down"):
            await use(page, "/claim")
            await page.keyboard.press("Enter")
            await expect(said(page, expected)).to_be_visible()
        await choose_advance(page, "Another duration…")
        field = page.get_by_role("textbox", name="Duration")
        for wrong, complaint in (("soon", "expected a duration such as 90s"), ("0s", "time moves forward only")):
            await field.fill(wrong)
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("alert").filter(has_text=complaint)).to_be_visible()
        async with time_moved(sandbox, page):
            await field.fill("1h 59m 59s")
            await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await expect(page.get_by_role("button", name="Advance time")).not_to_have_attribute("aria-busy", "true")
        async with time_moved(sandbox, page):
            await choose_advance(page, "1 minute")
        await use(page, "/claim")
        await page.keyboard.press("Enter")
        await expect(said(page, "coins")).to_have_count(2)

        nights = await said(page, "Good night").count()
        async with time_moved(sandbox, page):
            await choose_advance(page, "1 day")
        await expect(said(page, "Good night")).to_have_count(nights + 1)
        await expect(said(page, "I will").locator(".text time")).to_have_text("yesterday")
        await expect(said(page, "coins").last.locator("time.time")).to_have_text(re.compile("^Yesterday at "))


async def test_the_page_shows_that_the_time_is_moving(browser: Browser) -> None:
    bot, door = wisp.Bot(), threading.Event()

    @bot.every(seconds=3600)
    async def hourly() -> None:
        await asyncio.to_thread(door.wait)

    try:
        async with a_page(browser, bot) as (sandbox, page):
            button = page.get_by_role("button", name="Advance time")
            advancing = asyncio.create_task(advance(sandbox, "1h"))  # as somebody in the terminal does
            await expect(button).to_have_attribute("aria-busy", "true")
            await expect(page.locator("#clock")).to_have_text("Time is moving…")
            await button.click()
            await expect(page.get_by_role("menu")).to_have_count(0)
            assert not advancing.done()
            door.set()
            await advancing
            await expect(button).not_to_have_attribute("aria-busy", "true")
            await expect(page.locator("#clock")).to_have_text(re.compile(r"\d:\d\d:\d\d"))
    finally:
        door.set()


async def test_the_time_of_a_bot_in_another_process_has_no_control(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
        assert sandbox.page
        await expect(page.get_by_role("button", name="Advance time")).to_be_visible()
        sandbox.page.advance = None
        sandbox.page.changed.send(None)
        await expect(page.get_by_role("button", name="Advance time")).to_have_count(0)
