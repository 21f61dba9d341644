"""Contexts of guilds: handlers that are annotated with one are not called in direct messages."""

from typing import Any

import hikari
import pytest

import wisp
from wisp.testing import Impossible, connect

REFUSAL = "This works in servers only."


async def test_a_command_that_takes_a_guild_context_is_there_in_guilds_alone() -> None:
    bot = wisp.Bot()

    @bot.command
    async def kick(ctx: wisp.GuildContext, member: hikari.Member) -> str:
        """Kick."""
        guild_id: hikari.Snowflake = ctx.guild_id
        author: hikari.InteractionMember = ctx.member
        return f"{type(ctx).__name__} {guild_id} {author.username} {member.username}"

    @bot.command
    async def hello(ctx: wisp.Context) -> str:
        """Say hello."""
        return type(ctx).__name__

    assert [command.payload()["contexts"] for command in bot.commands] == [[0], [0, 1]]
    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        guild = discord.guild("Sandbox")
        assert (await ada.slash("kick", member=bob)).content == f"GuildContext {guild.id} ada bob"
        assert (await ada.dm.slash("hello")).content == "Context"
        with pytest.raises(Impossible, match="kick"):
            await ada.dm.slash("kick", member=bob)


async def test_a_command_of_a_group_and_one_with_contexts_of_its_own_refuse_direct_messages() -> None:
    bot = wisp.Bot()
    group = bot.group("notes", "Notes")
    everywhere = [hikari.ApplicationContextType.GUILD, hikari.ApplicationContextType.BOT_DM]

    @group.command
    async def shared(ctx: wisp.GuildContext) -> str:
        """Show notes of the server."""
        return "shared"

    @group.command
    async def own(ctx: wisp.Context) -> str:
        """Show your own notes."""
        return "own"

    @bot.command(contexts=everywhere)
    async def both(ctx: wisp.GuildContext) -> str:
        """Be shown in both."""
        return "both"

    assert [problem for problem in bot.check() if not problem.is_warning] == []
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("notes shared")).content == "shared"
        assert (await ada.dm.slash("notes own")).content == "own"
        for name in ("notes shared", "both"):
            refused = await ada.dm.slash(name)
            assert (refused.content, refused.ephemeral) == (REFUSAL, True)


async def test_menus_components_and_modals_that_take_a_guild_context_refuse_direct_messages() -> None:
    bot = wisp.Bot()
    got: list[Any] = []

    @bot.user_command
    async def who(ctx: wisp.GuildContext, member: hikari.Member) -> str:
        got.append(ctx.guild_id)
        return "menu"

    @bot.component("press")
    async def press(ctx: wisp.context.GuildComponentContext) -> None:
        got.append((ctx.member.username, ctx.message.content))
        await ctx.edit("pressed")

    @bot.component("open")
    async def open_form(ctx: wisp.ComponentContext) -> None:
        row: Any = hikari.impl.ModalActionRowBuilder()
        row.add_text_input("text", "Text")
        await ctx.respond_with_modal("Ask", ask.bind().custom_id, components=[row])

    @bot.modal("ask")
    async def ask(ctx: wisp.context.GuildModalContext) -> str:
        got.append(ctx.values)
        return "asked"

    @bot.command
    async def show(ctx: wisp.Context) -> None:
        """Show."""
        buttons = press.bind().button("Press"), open_form.bind().button("Open")
        await ctx.respond("Buttons", components=[wisp.row(*buttons)])

    async with connect(bot) as discord:
        ada, bob = discord.member("ada"), discord.member("bob")
        assert (await ada.menu("Who", bob)).content == "menu"
        for person in (ada.dm, ada):
            shown = await person.slash("show")
            opened = await person.click(shown, "Open")
            answered = await person.submit(opened, text="why")
            pressed = await person.click(shown, "Press")
            if person is not ada:
                assert (answered.content, pressed.content) == (REFUSAL, REFUSAL)
        assert answered.content == "asked"
        assert shown.content == "pressed"
        assert got == [discord.guild("Sandbox").id, {"text": "why"}, ("ada", "Buttons")]


class Greeter(wisp.Module):
    name = "greeter"

    @wisp.command()
    async def greet(self, ctx: wisp.GuildContext) -> str:
        """Greet."""
        return f"Hello {ctx.member.username}"


async def test_a_method_of_a_module_takes_a_guild_context_too() -> None:
    bot = wisp.Bot(modules=[Greeter()])
    async with connect(bot) as discord:
        ada = discord.member("ada")
        assert (await ada.slash("greet")).content == "Hello ada"
        with pytest.raises(Impossible, match="greet"):
            await ada.dm.slash("greet")


@pytest.mark.parametrize("annotation", [wisp.GuildContext | wisp.Context, "Nowhere", wisp.InteractionContext])
def test_an_annotation_that_also_takes_direct_messages_refuses_none(annotation: Any) -> None:
    bot = wisp.Bot()

    async def hello(ctx: Any) -> None: ...

    hello.__annotations__["ctx"] = annotation
    command = bot.command(hello)
    assert not command.is_guild_only
    assert command.payload()["contexts"] == [0, 1]


def test_a_guild_context_of_another_kind_is_a_problem() -> None:
    bot = wisp.Bot()

    @bot.component("press")  # type: ignore[arg-type]
    async def press(ctx: wisp.GuildContext) -> None: ...

    (problem,) = bot.check()
    assert (
        problem.message
        == "its first parameter is annotated as `wisp.context.GuildContext`, and it gets a `wisp.ComponentContext`"
    )
