"""A bot on interactions.py. Only its address is not Discord's."""

import asyncio
import io
import os

import interactions
from interactions.ext import paginators, prefixed_commands

interactions.api.http.route.Route.BASE = os.environ["REST"]

FRUITS = ["apple", "apricot", "banana"]

bot = interactions.Client(
    intents=interactions.Intents.ALL, activity=interactions.Activity(name="with wisp"), send_command_tracebacks=False
)
prefixed_commands.setup(bot, default_prefix="!")


@interactions.slash_command(description="Greet a member.")
@interactions.slash_option("user", "Whom", interactions.OptionType.USER, required=True)
@interactions.slash_option("times", "How often", interactions.OptionType.INTEGER, min_value=1, max_value=3)
async def greet(ctx: interactions.SlashContext, user: interactions.Member, times: int = 1) -> None:
    again = interactions.Button(style=interactions.ButtonStyle.PRIMARY, label="Again", custom_id="again", emoji="🔁")
    drinks = interactions.StringSelectMenu(
        interactions.StringSelectOption(label="Tea", value="tea"),
        interactions.StringSelectOption(label="Coffee", value="coffee"),
        placeholder="A drink",
        custom_id="drink",
    )
    await ctx.send(f"Hello {user.mention}!" * times, components=interactions.spread_to_rows(again, drinks))


@interactions.component_callback("again")
async def again(ctx: interactions.ComponentContext) -> None:
    await ctx.send(f"Again, {ctx.author.mention}!", ephemeral=True)


@interactions.component_callback("drink")
async def drink(ctx: interactions.ComponentContext) -> None:
    await ctx.edit_origin(content=f"You picked {ctx.values[0]}.", components=[])


@interactions.slash_command(description="Order a fruit.")
@interactions.slash_option("name", "Which", interactions.OptionType.STRING, required=True, autocomplete=True)
async def fruit(ctx: interactions.SlashContext, name: str) -> None:
    await ctx.send(f"One {name}, please.")


@fruit.autocomplete("name")
async def fruits(ctx: interactions.AutocompleteContext) -> None:
    await ctx.send([{"name": one.title(), "value": one} for one in FRUITS if one.startswith(ctx.input_text)])


@interactions.slash_command(description="Answer later.")
async def later(ctx: interactions.SlashContext) -> None:
    await ctx.defer()
    await asyncio.sleep(0.1)
    await ctx.send("Done.")
    await ctx.send("And for you alone.", ephemeral=True)


@interactions.slash_command(description="Offer a button for a moment.")
async def brief(ctx: interactions.SlashContext) -> None:
    press = interactions.Button(style=interactions.ButtonStyle.SECONDARY, label="Press", custom_id="press")
    message = await ctx.send("Quick!", components=press)
    try:
        await bot.wait_for_component(components=press, timeout=0.5)
    except TimeoutError:
        await message.edit(content="Too late.", components=[])


@interactions.slash_command(description="Open a form.")
async def feedback(ctx: interactions.SlashContext) -> None:
    modal = interactions.Modal(
        interactions.ShortText(label="Subject", custom_id="subject"),
        interactions.ParagraphText(label="Details", custom_id="body", required=False),
        title="Feedback",
    )
    await ctx.send_modal(modal)
    sent = await bot.wait_for_modal(modal)
    await sent.send(f"Thanks for {sent.responses['subject']}.", ephemeral=True)


@interactions.slash_command(description="Send an embed with a file.")
async def card(ctx: interactions.SlashContext) -> None:
    embed = interactions.Embed(title="A card", color=interactions.BrandColors.BLURPLE)
    embed.add_field("Kind", "note").set_footer(ctx.author.username).set_image("attachment://card.png")
    await ctx.send(embed=embed, file=interactions.File(io.BytesIO(b"pixels"), "card.png"))


@interactions.slash_command(description="Turn pages.")
async def pages(ctx: interactions.SlashContext) -> None:
    embeds = [interactions.Embed(title="Page one"), interactions.Embed(title="Page two")]
    await paginators.Paginator.create_from_embeds(bot, *embeds).send(ctx)


@interactions.user_context_menu("Who")
async def who(ctx: interactions.ContextMenuContext) -> None:
    await ctx.send(f"That is {ctx.target.mention}.", ephemeral=True)


@interactions.message_context_menu("Quote")
async def quote(ctx: interactions.ContextMenuContext) -> None:
    await ctx.send(f"> {ctx.target.content}")


@prefixed_commands.prefixed_command()
async def ping(ctx: prefixed_commands.PrefixedContext) -> None:
    await ctx.send("Pong.")


@interactions.Task.create(interactions.IntervalTrigger(seconds=60))
async def awake() -> None:
    general = next(one for one in bot.guilds[0].channels if one.name == "general")
    await general.send("Awake.")


@interactions.listen()
async def on_startup() -> None:
    awake.start()
    await awake()


@interactions.listen()
async def on_message_create(event: interactions.events.MessageCreate) -> None:
    if event.message.content == "Hello?":
        await event.message.reply("I heard that.")


@interactions.listen()
async def on_message_reaction_add(event: interactions.events.MessageReactionAdd) -> None:
    if event.author.id != bot.user.id:
        await event.message.add_reaction(event.emoji)


@interactions.listen()
async def on_member_add(event: interactions.events.MemberAdd) -> None:
    room = next(one for one in event.guild.channels if isinstance(one, interactions.GuildText))
    await room.send(f"Welcome {event.member.mention}!")


bot.start(os.environ["TOKEN"])
