"""The page, as people use it: a real bot on the sandbox, a real Chromium before it."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import hikari
import pytest
import pytest_asyncio

import wisp
from wisp.local import on_sandbox
from wisp.sandbox.server import Sandbox
from wisp.shown import failures_on

# A bot would take a variable that begins with WISP_ for a setting of its own.
REQUIRED = os.environ.pop("WISP_REQUIRE_BROWSER", "") == "1"

try:
    from playwright.async_api import Browser, Page, async_playwright, expect
except ImportError:
    if REQUIRED:
        raise
    pytest.skip("playwright is not installed: pip install '.[test]'", allow_module_level=True)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
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
]
PATIENCE = 20_000.0
"""Milliseconds that anything may take: a machine full of other tests is slow."""

expect.set_options(timeout=PATIENCE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "WISP_REQUIRE_BROWSER=1, and there is no Chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=60_000)
        yield browser
        await browser.close()


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

    @bot.user_command(name="Who")
    async def who(ctx: wisp.Context, user: hikari.User) -> str:
        return f"This is {user.username}"

    @bot.message_command(name="Quote")
    async def quote(ctx: wisp.Context, message: hikari.Message) -> str:
        return f"Quoted: {message.content}"

    return bot


@asynccontextmanager
async def a_page(browser: Browser, bot: wisp.Bot | None = None, **context: Any) -> AsyncIterator[tuple[Sandbox, Page]]:
    """A page on a running bot. In the end it must have asked no other host for anything, and complained of nothing."""
    bot = bot or a_bot()
    problems: list[str] = []
    async with on_sandbox(bot, page=True) as sandbox:
        assert sandbox.page
        failures_on(sandbox.page, bot.session)
        own = sandbox.page.url.split("/page/")[0]
        looks = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
        page = await looks.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(own) else problems.append(asked.url))
        await page.goto(sandbox.page.url)
        await expect(page.get_by_role("combobox", name="Message #general")).to_be_visible()
        try:
            yield sandbox, page
        except BaseException as error:
            error.add_note(f"the browser complained of {problems}")
            raise
        finally:
            await looks.close()
    assert problems == []


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
        await said(page, "Well?").focus()
        await page.keyboard.press("Shift+F10")
        await expect(page.get_by_role("menuitem", name="Quote")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(said(page, "Quoted: Well?")).to_be_visible()
        await page.get_by_role("combobox", name="Colours").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(said(page, "Chosen: green")).to_be_visible()


async def test_the_panel_shows_log_errors_and_traffic_without_tokens(browser: Browser) -> None:
    async with a_page(browser) as (sandbox, page):
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
        await page.reload()
        await expect(page.get_by_role("button", name="Dark")).to_be_visible()


async def test_a_phone_has_drawers_and_nothing_to_scroll_sideways(browser: Browser) -> None:
    async with a_page(browser, viewport={"width": 320, "height": 640}) as (_, page):
        await use(page, "/vote")
        await expect(page.get_by_role("combobox", name="People")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 320
        await page.get_by_role("button", name="Servers and channels").click()
        await expect(page.get_by_role("button", name="You are ada")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("navigation", name="Servers and channels")).to_be_hidden()


async def test_where_one_was_is_kept_over_a_reload(browser: Browser) -> None:
    async with a_page(browser) as (_, page):
        await be(page, "bob")
        await page.get_by_role("button", name="Direct messages").click()
        await expect(page.get_by_role("combobox", name="Message @wisp")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("combobox", name="Message @wisp")).to_be_visible()
        await expect(page.get_by_role("button", name="You are bob")).to_be_visible()
