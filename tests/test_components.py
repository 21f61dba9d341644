"""Buttons, selects and modals: found by their custom ids, whatever those hold, and whoever wrote them."""

import asyncio
import enum
import re
from typing import Any, Literal

import hikari
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wisp
from wisp.components import Pattern, Routes
from wisp.inspection import InvalidDefinition
from wisp.testing import Discord, Impossible, Reply, connect


def poll_bot() -> tuple[wisp.Bot, "wisp.components.Component[[int, str], None]"]:
    bot = wisp.Bot()

    @bot.component("vote:{poll_id}:{choice}")
    async def vote(ctx: wisp.ComponentContext, poll_id: int, choice: str) -> None:
        count = await ctx.data.increment(f"{poll_id} {choice}")
        await ctx.edit(f"{choice}: {count}")

    @bot.command
    async def poll(ctx: wisp.Context, choice: str = "Yes") -> None:
        """Ask."""
        await ctx.respond("Which?", components=[wisp.row(vote.bind(poll_id=7, choice=choice).button("Press"))])

    return bot, vote


async def test_a_button_calls_its_handler_with_the_values_that_it_was_bound_to() -> None:
    bot, _ = poll_bot()
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("poll")
        await ada.click(reply, "Press")
        await bob.click(reply, "Press")
        assert reply.content == "Yes: 2"
        assert reply.followups == []


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip()))
def test_a_custom_id_brings_back_whatever_text_was_put_in(text: str) -> None:
    pattern = Pattern("vote:{poll_id}:{choice}")
    routes: Routes[str] = Routes()
    routes.add(pattern, "vote")
    try:
        custom_id = pattern.fill({"poll_id": "7", "choice": text})
    except InvalidDefinition:
        assert len(text.replace("%", "%25").replace(":", "%3A")) + len("vote:7:") > 100
        return
    assert len(custom_id) <= 100
    assert routes.find(custom_id) == ("vote", ["7", text])


@given(st.text(max_size=120))
def test_any_text_as_custom_id_is_known_or_not_and_never_an_error(text: str) -> None:
    routes: Routes[str] = Routes()
    for pattern in ("a", "a:{x}", "a:{x}:c", "a:b:{y}", "a:{x}:{y}:{z}"):
        routes.add(Pattern(pattern), pattern)
    found = routes.find(text)
    assert (found is not None) == (text.split(":", maxsplit=1)[0] == "a")


def test_names_go_before_fields_and_the_last_field_takes_what_is_left() -> None:
    routes: Routes[str] = Routes()
    for pattern in ("a:{x}:c", "a:b:{y}", "a:{x}"):
        routes.add(Pattern(pattern), pattern)
    assert routes.find("a:b:c") == ("a:b:{y}", ["c"])
    assert routes.find("a:x:c") == ("a:{x}:c", ["x"])
    assert routes.find("a:x:y:z") == ("a:{x}", ["x:y:z"])
    assert routes.find("b:x") is None


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


async def test_fields_arrive_as_they_are_annotated() -> None:
    bot = wisp.Bot()
    got: list[Any] = []

    @bot.component("all:{a}:{b}:{c}:{d}:{e}:{f}")
    async def handler(
        ctx: wisp.ComponentContext,
        a: str,
        b: int,
        c: bool,
        d: hikari.Snowflake,
        e: Size,
        f: Literal["x", 1],
    ) -> str:
        got.extend([a, b, c, d, e, f])
        return "ok"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        bound = handler.bind("5:%3A", -3, True, hikari.Snowflake(2**63), e=Size.LARGE, f=1)
        await ctx.respond(components=[wisp.row(bound.button("Go"))])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.click(await ada.slash("show"), "Go")
    assert reply.content == "ok"
    assert got == ["5:%3A", -3, True, 2**63, Size.LARGE, 1]
    assert isinstance(got[3], hikari.Snowflake)


def test_binding_what_does_not_fit_is_refused_where_it_is_built() -> None:
    _, vote = poll_bot()
    with pytest.raises(wisp.AnswerError, match="has 107 characters, and Discord allows at most 100"):
        vote.bind(poll_id=7, choice="x" * 100)
    with pytest.raises(wisp.AnswerError, match=r"\{poll_id\}: it is 'seven'. Give it a value of type int"):
        vote.bind(poll_id="seven", choice="x")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="missing a required argument: 'choice'"):
        vote.bind(poll_id=7)  # pyright: ignore[reportCallIssue]


def raw(discord: Discord, custom_id: str, message: Any, *, kind: int = 2, values: list[str] | None = None) -> Reply:
    """A click as a client of somebody's own making sends it."""
    ada = discord.member("ada")
    data: dict[str, Any] = {"component_type": kind, "custom_id": custom_id, "id": 1}
    if values is not None:
        data["values"] = values
    return Reply(discord.world.interactions.create(3, ada.user, ada.channel, data, message=message))


@pytest.mark.parametrize(
    "custom_id", ["gone:1", "vote", "vote:7", "vote:seven:x", "vote:1_0:x", "wisp:1:2", "wisp", "::", "%"]
)
async def test_a_button_of_another_version_of_the_bot_is_answered_politely(custom_id: str) -> None:
    bot, _ = poll_bot()
    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("poll")
        click = raw(discord, custom_id, reply.message)
        await discord.advance(seconds=3)
        assert click.message
        assert click.ephemeral
        assert "older version" in click.content or "has ended" in click.content


async def test_only_the_user_that_a_field_names_may_use_it() -> None:
    bot = wisp.Bot()

    @bot.component("mine:{owner}", only="owner")
    async def mine(ctx: wisp.ComponentContext, owner: int) -> str:
        return "yours"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond("x", components=[wisp.row(mine.bind(int(ctx.user.id)).button("Take"))])

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("show")
        refused = await bob.click(reply, "Take")
        assert (refused.content, refused.ephemeral) == ("This is for another user.", True)
        assert (await ada.click(reply, "Take")).content == "yours"


async def test_a_field_that_names_nobody_lets_nobody_in() -> None:
    bot = wisp.Bot()

    @bot.component("mine:{owner}", only="owner")
    async def mine(ctx: wisp.ComponentContext, owner: str) -> str:
        return "yours"

    @bot.command
    async def show(ctx: wisp.Context, owner: str) -> None:
        """Show."""
        await ctx.respond("x", components=[wisp.row(mine.bind(owner).button("Take"))])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        for owner in ("ada", "²", "-1"):  # "²" is a digit, and no number
            assert (
                await ada.click(await ada.slash("show", owner=owner), "Take")
            ).content == "This is for another user."


async def test_only_who_called_for_a_message_may_use_it() -> None:
    bot = wisp.Bot()

    @bot.component("next", only="invoker")
    async def next_one(ctx: wisp.ComponentContext) -> None:
        await ctx.edit("next")

    @bot.component("more")
    async def more(ctx: wisp.ComponentContext) -> None:
        await ctx.respond("more", components=[wisp.row(next_one.bind().button("Next"))])

    @bot.command
    async def show(ctx: wisp.Context, late: bool = False) -> None:
        """Show."""
        if late:
            await ctx.defer()
        row = wisp.row(next_one.bind().button("Next"), more.bind().button("More"))
        await ctx.respond("first", components=[row])
        if late:
            await ctx.respond("second", components=[row])

    @bot.command
    async def post(ctx: wisp.Context) -> None:
        """Post."""
        row = wisp.row(next_one.bind().button("Next"))
        await ctx.bot.gateway.rest.create_message(ctx.channel_id, "post", component=row)

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        late = await ada.slash("show", late=True)
        for reply in (await ada.slash("show"), late, *late.followups):
            refused = await bob.click(reply, "Next")
            assert (refused.content, refused.ephemeral) == ("This is for another user.", True)
            assert (await ada.click(reply, "Next")).content == "next"
        his = await bob.click(await ada.slash("show"), "More")
        assert (await ada.click(his, "Next")).content == "This is for another user."
        assert (await bob.click(his, "Next")).content == "next"
        await ada.slash("post")
        (posted,) = [message for message in discord.messages() if message.content == "post"]
        assert (await ada.click(posted, "Next")).content == "This is for another user."


async def test_guards_cooldowns_and_error_handlers_are_the_same_for_components() -> None:
    bot = wisp.Bot()
    asked: list[str] = []

    @bot.component("a")
    @wisp.require_admin
    async def admins(ctx: wisp.ComponentContext) -> str:
        return "admin"

    @bot.component("b")
    @wisp.cooldown(5.0)
    async def slow(ctx: wisp.ComponentContext) -> str:
        return "slow"

    @bot.component("c")
    async def broken(ctx: wisp.ComponentContext) -> str:
        raise ValueError

    @broken.on_error
    async def handler(ctx: wisp.InteractionContext[Any], error: Exception) -> bool:
        asked.append(type(error).__name__)
        await ctx.respond("mended")
        return True

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        buttons = [component.bind().button(component.__name__) for component in (admins, slow, broken)]
        await ctx.respond(components=[wisp.row(*buttons)])

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("show")
        assert (await bob.click(reply, "admins")).content == "You need the permission Administrator for this."
        assert (await ada.click(reply, "admins")).content == "admin"
        assert (await ada.click(reply, "slow")).content == "slow"
        assert (await ada.click(reply, "slow")).content.startswith("Slow down")
        assert (await ada.click(reply, "broken")).content == "mended"
    assert asked == ["ValueError"]


async def test_a_slow_handler_is_deferred_without_a_sign_and_answers_then() -> None:
    bot = wisp.Bot()

    @bot.component("slow:{how}")
    async def slow(ctx: wisp.ComponentContext, how: str) -> str | None:
        await asyncio.sleep(60)
        if how == "edit":
            await ctx.edit("edited")
        return None if how in ("edit", "nothing") else "answered"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond(
            "x", components=[wisp.row(*(slow.bind(how).button(how) for how in ("edit", "say", "nothing")))]
        )

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        for how in ("edit", "say", "nothing"):
            click = asyncio.ensure_future(ada.click(reply, how))
            await discord.advance(seconds=61)
            clicked = await click
            assert not clicked.thinking
            if how == "edit":
                assert reply.content == "edited"
            if how == "say":
                assert [followup.content for followup in clicked.followups] == ["answered"]
            if how == "nothing":
                assert clicked.followups == []
                assert not reply.deleted


async def test_two_clicks_at_once_both_count() -> None:
    bot, _ = poll_bot()
    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("poll")
        await asyncio.gather(*(ada.click(reply, "Press") for _ in range(10)))
        await discord.rest()
        assert (
            await bot.guild_data.get(guild_id=discord.world.guilds[next(iter(discord.world.guilds))].id, key="7 Yes")
            == 10
        )


def select_bot() -> wisp.Bot:
    bot = wisp.Bot()

    @bot.component("pick:{what}")
    async def pick(ctx: wisp.ComponentContext, what: str) -> str:
        chosen = [getattr(one, "display_name", None) or getattr(one, "name", None) for one in ctx.selected]
        return f"{what}: {' '.join(ctx.values if what == 'text' else map(str, chosen))}"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond(
            components=[
                wisp.row(pick.bind("text").select({"Red": "r", "Blue": "b"}, placeholder="Colour", max=2)),
                wisp.row(pick.bind("user").user_select(placeholder="Who")),
                wisp.row(pick.bind("role").role_select(placeholder="Role")),
                wisp.row(pick.bind("any").mentionable_select(placeholder="Any", max=2)),
                wisp.row(pick.bind("channel").channel_select(hikari.ChannelType.GUILD_TEXT, placeholder="Where")),
            ]
        )

    return bot


async def test_all_five_kinds_of_select_bring_what_was_chosen() -> None:
    async with connect(select_bot()) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        guild = ada.guild
        assert guild
        mod = discord.world.roles.add(guild, "mod")
        reply = await ada.slash("show")
        assert (await ada.select(reply, "Blue", "r", menu="Colour")).content == "text: b r"
        assert (await ada.select(reply, bob, menu="Who")).content == "user: bob"
        assert (await ada.select(reply, mod, menu="Role")).content == "role: mod"
        assert (await ada.select(reply, bob, mod, menu="Any")).content == "any: bob mod"
        assert (await ada.select(reply, ada.channel, menu="Where")).content == "channel: general"


async def test_values_that_were_never_offered_are_refused_politely() -> None:
    async with connect(select_bot()) as discord:
        reply = await discord.member("ada").slash("show")
        click = raw(discord, "pick:text", reply.message, kind=3, values=["r", "purple"])
        await discord.rest()
        assert "older version" in click.content


async def test_a_client_does_not_let_people_do_what_they_cannot() -> None:
    bot = wisp.Bot()

    @bot.component("x:{n}")
    async def x(ctx: wisp.ComponentContext, n: int) -> str:
        return str(n)

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond(
            "x",
            ephemeral=True,
            components=[
                wisp.row(
                    x.bind(1).button("Same"),
                    x.bind(2).button("Same"),
                    x.bind(3).button("Off", disabled=True),
                    wisp.link_button("Docs", "https://example.com"),
                ),
                wisp.row(x.bind(4).select(["a", "b"])),
            ],
        )

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        reply = await ada.slash("show")
        for who, what, words in (
            (ada, "Nope", "there is no button 'Nope'"),
            (ada, "Same", "2 buttons called 'Same'"),
            (ada, "Off", "'Off' is disabled"),
            (ada, "Docs", "a link to https://example.com"),
            (bob, "x:1", "bob does not see this message"),
        ):
            with pytest.raises(Impossible, match=words):
                await who.click(reply, what)
        with pytest.raises(Impossible, match="does not offer 'c'; it offers 'a', 'b'"):
            await ada.select(reply, "c")
        with pytest.raises(Impossible, match="takes 1 values, got 2"):
            await ada.select(reply, "a", "b")
        assert (await ada.click(reply, "x:2")).content == "2"


def test_what_is_wrong_with_components_is_found_before_the_bot_connects() -> None:
    bot = wisp.Bot()

    @bot.component("vote:{poll}:{poll}")
    async def twice(ctx: wisp.ComponentContext, poll: int) -> None: ...

    @bot.component("pre{fix}")
    async def inside(ctx: wisp.ComponentContext, fix: int) -> None: ...

    @bot.component("a:{b}")
    async def missing(ctx: wisp.ComponentContext) -> None: ...

    @bot.component("b")
    async def more(ctx: wisp.ComponentContext, c: int) -> None: ...

    @bot.component("c:{user}")
    async def unfit(ctx: wisp.ComponentContext, user: hikari.User) -> None: ...

    @bot.component("wisp:{x}")
    async def reserved(ctx: wisp.ComponentContext, x: int) -> None: ...

    @bot.component("d:{x}", only="y")
    async def owner(ctx: wisp.ComponentContext, x: int) -> None: ...

    @bot.component("d:{other}")
    async def same(ctx: wisp.ComponentContext, other: int) -> None: ...

    @bot.component("e", emphemeral=True)  # pyright: ignore[reportCallIssue]
    async def typo(ctx: wisp.ComponentContext) -> None: ...

    @bot.component("f")
    def not_async(ctx: wisp.ComponentContext) -> None: ...  # pyright: ignore

    found = "\n".join(map(str, bot.check()))
    for words in (
        "has a field twice",
        "'pre{fix}' in the custom id 'pre{fix}' is neither a name nor a field",
        "it is called with (ctx, b=), which fails: got an unexpected keyword argument 'b'",
        "it is called with (ctx), which fails: missing a required argument: 'c'",
        "a custom id cannot hold a `User`",
        'the name "wisp" is for wisp itself',
        'only="y" is not a field',
        'component "d:{other}": "d:{x}"',
        "has no setting emphemeral=. Did you mean ephemeral=?",
        "its function is not async",
    ):
        assert words in found, (words, found)


async def test_components_v2_are_sent_and_their_buttons_routed() -> None:
    bot = wisp.Bot()

    @bot.component("v2:{n}")
    async def press(ctx: wisp.ComponentContext, n: int) -> str:
        return f"pressed {n}"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        section = hikari.impl.SectionComponentBuilder(accessory=press.bind(1).button("Inside"))
        section.add_component(hikari.impl.TextDisplayComponentBuilder(content="Text"))
        container = hikari.impl.ContainerComponentBuilder()
        container.add_component(section)
        container.add_component(wisp.row(press.bind(2).button("Below")))
        await ctx.respond(components=[hikari.impl.TextDisplayComponentBuilder(content="Top"), container])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        assert (await ada.click(reply, "Inside")).content == "pressed 1"
        assert (await ada.click(reply, "Below")).content == "pressed 2"


def test_a_component_or_modal_without_its_custom_id_is_a_mistake_and_not_nobodys() -> None:
    bot = wisp.Bot()
    decorators: list[Any] = [bot.component, bot.modal]
    for decorator in decorators:

        @decorator
        async def press(ctx: Any) -> None: ...

        assert press
    found = {(mistake.where, mistake.message, mistake.fix) for mistake in bot.check()}
    assert found == {
        ('component "press"', "@component has no custom id", 'Write `@component("press")`'),
        ('modal "press"', "@modal has no custom id", 'Write `@modal("press")`'),
    }


async def test_a_marked_component_without_its_custom_id_keeps_its_module_from_loading() -> None:
    unmarked: Any = wisp.component

    class Pressing(wisp.Module):
        name = "pressing"

        @unmarked
        async def press(self, ctx: wisp.ComponentContext) -> None: ...

    bot = wisp.Bot(modules=[Pressing()])
    async with connect(bot):
        assert "@component has no custom id" in bot.modules.missing["pressing"]


async def test_a_form_that_is_no_form_is_told_with_the_way_out() -> None:
    bot = wisp.Bot()

    @bot.command
    async def show(ctx: wisp.Context) -> str:
        """Show."""
        no_form: Any = str
        with pytest.raises(wisp.AnswerError, match="takes a class that derives"):
            await ctx.form(no_form)
        return "done"

    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("show")).content == "done"


# ---- components are checked where they are built ----


def pressing() -> "tuple[wisp.Bot, wisp.components.Component[[int], None]]":
    bot = wisp.Bot()

    @bot.component("press:{number}")
    async def press(ctx: wisp.ComponentContext, number: int) -> None: ...

    return bot, press


_, PRESS = pressing()
BOUND: Any = PRESS.bind(1)
EMOJI = "Write the emoji itself"
BUTTON: Any = BOUND.button("a")
ANY_ROW: Any = wisp.row
ANY_LINK: Any = wisp.link_button


@pytest.mark.parametrize(
    ("build", "words", "fix"),
    [
        (lambda: BOUND.button("Vote", emoji=":thumbsup:"), "emoji.name: Invalid emoji (got ':thumbsup:')", EMOJI),
        (lambda: BOUND.button("Vote", emoji="smile"), "emoji.name: Invalid emoji", EMOJI),
        (lambda: BOUND.button("Vote", emoji=""), "emoji.name: Invalid emoji", EMOJI),
        (lambda: BOUND.button("Vote", emoji=":" + "x" * 40 + ":"), "emoji.name: Invalid emoji", EMOJI),
        (lambda: BOUND.button("x" * 81), "label: Must be 80 or fewer in length (got 81 characters)", "Shorten it."),
        (BOUND.button, "label: This field is required: a label or an emoji", "Fill it in."),
        (lambda: BOUND.button("  "), "label: This field is required", "Fill it in."),
        (lambda: BOUND.button(5), "label: Could not interpret 5 as string", "Pass a string."),
        (lambda: BOUND.button("a", style=5), "url: This field is required", "wisp.link_button(label, url)"),
        (lambda: BOUND.select([]), "options: Must be between 1 and 25 in length (got 0 options)", "up to 25."),
        (lambda: BOUND.select([str(n) for n in range(26)]), "(got 26 options)", "up to 25."),
        (lambda: BOUND.select(["a", "a"]), "options.1: The specified option value is already used", "of its own."),
        (lambda: BOUND.select(["a" * 101]), "options.0.label: Must be between 1 and 100 in length", "Shorten it."),
        (lambda: BOUND.select({"a": 5}), "options.0.value: Could not interpret 5 as string", "Pass a string."),
        (
            lambda: BOUND.select([hikari.impl.SelectOptionBuilder("a", "a", emoji="x", description="d" * 101)]),
            "options.0.description: Must be 100 or fewer in length (got 101 characters). Shorten it. options.0.emoji",
            EMOJI,
        ),
        (lambda: BOUND.select(["a"], placeholder="p" * 151), "placeholder: Must be 150 or fewer", "Shorten it."),
        (lambda: BOUND.select(["a"], min=2), "min_values: Must not be greater than its maximum", "raise the maximum"),
        (lambda: BOUND.user_select(max=26), "max_values: int value should be less than or equal to 25", "within these"),
        (
            lambda: BOUND.role_select(max=0),
            "max_values: int value should be greater than or equal to 1",
            "within these",
        ),
        (lambda: BOUND.mentionable_select(min="1"), "min_values: Value '1' is not int", "Pass a number."),
        (ANY_ROW, "the row: components: Must be between 1 and 5", "takes 1 to 5 buttons, or one select"),
        (lambda: ANY_ROW(*(PRESS.bind(n).button("a") for n in range(6))), "(got 6 components)", "another row."),
        (lambda: ANY_ROW(BUTTON, BUTTON), "(got the same as components.0.custom_id)", "a custom id of its own"),
        (lambda: ANY_ROW(wisp.row(BUTTON)), "components.0: Value of field", "A row holds buttons, or one select"),
        (lambda: ANY_LINK("", "https://example.com"), "label: This field is required", "Fill it in."),
        (lambda: ANY_LINK("Docs", ""), "url: This field is required", "Name the URL that it opens"),
        (lambda: ANY_LINK("\ud800", "https://a.b"), r"the link '\ud800': label: Half of a surrogate pair", "Change it"),
        (lambda: BOUND.select({"": "a"}), "options.0.label: This field is required", "Fill it in."),
        (lambda: ANY_LINK("Docs", "example"), "url: Not a well formed URL", "https://example.com"),
        (lambda: ANY_LINK("Docs", "https://example.com", emoji="docs"), "Invalid emoji", EMOJI),
    ],
)
def test_a_component_is_refused_where_it_is_built_with_the_line_and_its_own_fix(
    build: Any, words: str, fix: str
) -> None:
    with pytest.raises(wisp.AnswerError) as caught:
        build()
    told = str(caught.value)
    assert re.match(r"tests.test_components\.py:\d+: ", told), told
    assert words in told
    assert fix in told.partition(words)[2]


CUSTOM = hikari.CustomEmoji(id=hikari.Snowflake(7), name="x", is_animated=False)


@pytest.mark.parametrize(
    ("emoji", "sent"),
    [
        ("👍", {"name": "👍"}),
        ("\N{WHITE UP POINTING INDEX}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}", None),
        ("\N{HEAVY BLACK HEART}", None),
        ("\N{HEAVY BLACK HEART}\ufe0f", None),
        ("\N{DIGIT ONE}\ufe0f\u20e3", None),
        ("\U0001f1e9\U0001f1ea", None),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", None),
        (hikari.UnicodeEmoji("👍"), {"name": "👍"}),
        ("<:x:7>", {"id": "7"}),
        ("<a:x:7>", {"id": "7"}),
        (CUSTOM, {"id": "7"}),
    ],
)
def test_an_emoji_is_a_character_a_mention_or_one_of_hikaris(emoji: Any, sent: Any) -> None:
    expected = sent or {"name": emoji}
    assert PRESS.bind(1).button(emoji=emoji).build()[0]["emoji"] == expected
    assert wisp.link_button("Docs", "https://example.com", emoji=emoji).build()[0]["emoji"] == expected


def test_a_custom_id_that_no_values_make_short_enough_is_a_problem() -> None:
    bot = wisp.Bot()

    @bot.component("a" * 101)
    async def fixed(ctx: wisp.ComponentContext) -> None: ...

    @bot.modal("b" * 101)
    async def form(ctx: wisp.ModalContext) -> None: ...

    @bot.component("c" * 100 + ":{number}")
    async def number(ctx: wisp.ComponentContext, number: int) -> None: ...

    @bot.component("e" * 100)
    async def fits(ctx: wisp.ComponentContext) -> None: ...

    @bot.component("f" * 99 + ":{text}")
    async def may_fit(ctx: wisp.ComponentContext, text: str) -> None: ...

    found = {mistake.where[-30:]: mistake.message.partition("' has ")[2] for mistake in bot.check()}
    assert found == {
        'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"': "101 characters, and Discord allows at most 100",
        'bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"': "101 characters, and Discord allows at most 100",
        'cccccccccccccccccccc:{number}"': "101 characters, and Discord allows at most 100",
    }


async def test_what_is_wrong_with_the_components_of_a_message_is_told_with_its_own_fix() -> None:
    bot, press = pressing()
    button: Any = press.bind(1).button("a")
    raw = hikari.impl.MessageActionRowBuilder(
        components=[hikari.impl.InteractiveButtonBuilder(custom_id="x", emoji=":thumbsup:", style=1)]
    )
    rows = [wisp.row(press.bind(n).button("a")) for n in range(6)]
    inputs = hikari.impl.ModalActionRowBuilder().add_text_input("subject", "Subject")
    any_kind: Any = [
        ({"components": rows}, "(got 6 components). Send the others in another answer."),
        ({"components": [rows[0], rows[0]]}, "Give each component of a message a custom id of its own"),
        ({"components": [button]}, "Buttons and selects go into rows, `components=[wisp.row(...)]`."),
        ({"components": [inputs]}, "a text input belongs to a form, wisp.Form."),
        ({"components": [raw]}, "components.0.components.0.emoji.name: Invalid emoji (got ':thumbsup:')"),
    ]
    forms: Any = [
        (("Title", "id", []), "(got 0 components). A form has 1 to 5 rows, each with one text input."),
        (("t" * 46, "id", [inputs]), "title: Must be between 1 and 45 in length (got 46 characters). Shorten it."),
        (
            ("Title", "i" * 101, [inputs]),
            "custom_id: Must be between 1 and 100 in length (got 101 characters). Put less",
        ),
    ]

    @bot.command
    async def show(ctx: wisp.Context) -> str:
        """Show."""
        for fields, words in any_kind:
            for answer in (ctx.respond, ctx.edit):
                with pytest.raises(wisp.AnswerError) as caught:
                    await answer(**fields)
                assert words in str(caught.value)
        for (title, custom_id, components), words in forms:
            with pytest.raises(wisp.AnswerError) as caught:
                await ctx.respond_with_modal(title, custom_id, components=components)
            assert words in str(caught.value)
        for components in ([raw], rows):
            with pytest.raises(hikari.BadRequestError):
                await ctx.bot.gateway.rest.create_message(ctx.channel_id, components=components)
        return "done"

    async with connect(bot) as discord:
        assert (await discord.member("ada").slash("show")).content == "done"


def texts_in(components: Any) -> list[str]:
    found: list[str] = []
    for component in components:
        found += [component["content"]] if component["type"] == 10 else texts_in(component.get("components", ()))
    return found


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("late", [False, True])
async def test_components_v2_are_edited_from_their_own_buttons(private: bool, late: bool) -> None:
    bot = wisp.Bot()

    def box(number: int) -> hikari.api.ComponentBuilder:
        container = hikari.impl.ContainerComponentBuilder()
        container.add_component(hikari.impl.TextDisplayComponentBuilder(content=f"no. {number}"))
        return container.add_component(wisp.row(more.bind(number + 1).button("More")))

    @bot.component("more:{number}")
    async def more(ctx: wisp.ComponentContext, number: int) -> None:
        await ctx.edit(components=[box(number)])

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        if late:
            await ctx.defer(ephemeral=private)
        await ctx.respond(components=[box(1)], ephemeral=private)

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        assert reply.ephemeral is private
        for number in (1, 2, 3):
            assert texts_in(reply.components) == [f"no. {number}"]
            await ada.click(reply, "More")


async def test_a_message_becomes_one_of_components_v2_and_takes_no_text_then() -> None:
    bot = wisp.Bot()

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond("plain", embed=hikari.Embed(title="Embed"))
        await ctx.edit(components=[hikari.impl.TextDisplayComponentBuilder(content="shown")])
        with pytest.raises(wisp.AnswerError, match=r"a text is .*TextDisplayComponentBuilder"):
            await ctx.edit("plain again")

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("show")
        assert (reply.content, reply.embeds, texts_in(reply.components)) == ("", [], ["shown"])


@pytest.mark.parametrize(
    ("count", "boxed", "size", "words"),
    [
        (40, False, 1, ""),
        (41, False, 1, "exceeds maximum of 40"),
        (39, True, 1, ""),
        (40, True, 1, "exceeds maximum of 40"),
        (1, False, 4000, ""),
        (1, False, 4001, "4000"),
        (2, True, 2000, ""),
        (2, True, 2001, "exceeds maximum size of 4000"),
    ],
)
async def test_limits_of_components_v2_are_kept_from_both_sides(count: int, boxed: bool, size: int, words: str) -> None:
    bot = wisp.Bot()

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        texts = [hikari.impl.TextDisplayComponentBuilder(content="x" * size) for _ in range(count)]
        shown = [hikari.impl.ContainerComponentBuilder(components=texts)] if boxed else texts
        if words:
            with pytest.raises(wisp.AnswerError, match=words) as refused:
                await ctx.respond(components=shown)
            assert str(refused.value).endswith("Shorten it, or send the rest in another answer.")
            with pytest.raises(hikari.BadRequestError, match=words[-4:].strip()):
                await ctx.bot.gateway.rest.create_message(ctx.channel_id, components=shown)
        else:
            await ctx.respond(components=shown)

    async with connect(bot) as discord:
        reply = await discord.member("ada").slash("show")
        assert texts_in(reply.components) == ([] if words else ["x" * size] * count)


# ---- modals ----


async def test_a_modal_finds_its_handler_and_brings_what_was_typed() -> None:
    bot = wisp.Bot()

    @bot.modal("feedback:{topic}")
    async def feedback(ctx: wisp.ModalContext, topic: str) -> str:
        return f"{topic}: {ctx.values['subject']}"

    @bot.command
    async def ask(ctx: wisp.Context) -> None:
        """Ask."""
        row = hikari.impl.ModalActionRowBuilder().add_text_input("subject", "Subject", required=False)
        await ctx.respond_with_modal("Feedback", feedback.bind("a:b").custom_id, components=[row])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        opened = await ada.slash("ask")
        reply = await ada.submit(opened, subject="Hi")
        assert reply.content == "a:b: Hi"
        with pytest.raises(Impossible, match="no form is open before ada"):
            await ada.submit(opened, subject="Hi")
        with pytest.raises(Impossible, match="takes 1 to 4000 characters, got 4001"):
            await ada.submit(await ada.slash("ask"), Subject="x" * 4001)
        with pytest.raises(Impossible, match="'nope'; it has 'Subject'"):
            await ada.submit(await ada.slash("ask"), nope="x")


async def test_a_form_opened_by_a_button_can_change_the_buttons_message() -> None:
    bot = wisp.Bot()

    @bot.modal("name")
    async def name(ctx: wisp.ModalContext) -> None:
        await ctx.edit(f"Hello {ctx.values['name']}")

    @bot.component("open")
    async def open_it(ctx: wisp.ComponentContext) -> None:
        row = hikari.impl.ModalActionRowBuilder().add_text_input("name", "Name")
        await ctx.respond_with_modal("Name", name.bind().custom_id, components=[row])

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond("?", components=[wisp.row(open_it.bind().button("Open"))])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        shown = await ada.slash("show")
        opened = await ada.click(shown, "Open")
        await ada.submit(opened, name="Ada")
        assert shown.content == "Hello Ada"


async def test_there_is_no_form_in_answer_to_a_form() -> None:
    bot = wisp.Bot()

    @bot.modal("one")
    async def one(ctx: wisp.ModalContext) -> None:
        row = hikari.impl.ModalActionRowBuilder().add_text_input("name", "Name")
        with pytest.raises(wisp.AnswerError, match="no modal in answer to a modal"):
            await ctx.respond_with_modal("Two", "two", components=[row])

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        row = hikari.impl.ModalActionRowBuilder().add_text_input("name", "Name")
        await ctx.respond_with_modal("One", "one", components=[row])

    async with connect(bot) as discord:
        ada = discord.member("ada")
        await ada.submit(await ada.slash("show"), name="x")


async def test_a_click_deletes_or_edits_its_message_before_any_answer() -> None:
    bot = wisp.Bot()

    @bot.component("do:{what}")
    async def do(ctx: wisp.ComponentContext, what: str) -> str | None:
        if what == "delete":
            await ctx.delete()
        elif what == "both":
            await ctx.edit("edited")
            return "and answered"
        return None

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        await ctx.respond(
            "x", components=[wisp.row(*(do.bind(what).button(what) for what in ("delete", "both", "nothing")))]
        )

    async with connect(bot) as discord:
        ada = discord.member("ada")
        reply = await ada.slash("show")
        nothing = await ada.click(reply, "nothing")
        assert (nothing.content, nothing.failed) == ("x", None)
        both = await ada.click(reply, "both")
        assert reply.content == "edited"
        assert [followup.content for followup in both.followups] == ["and answered"]
        await ada.click(reply, "delete")
        assert reply.deleted
