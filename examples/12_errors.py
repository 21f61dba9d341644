"""Errors: refusals in words, and failures that are answered, logged and counted.

    raise wisp.UserError("We are closed.")   a refusal: the user reads exactly that, privately; nothing is logged
    any other exception                      the user reads one neutral line with a short id, privately; the id finds
                                             the traceback in the log
    @wisp.handle_errors                      also shows the text of the exception

Error handlers are asked first, `async (ctx, error) -> bool`: those of the command (`@divide.on_error`), then of its
module (`@bot.on_error` in `setup`), then of the bot. The first that returns True has dealt with the error. Errors in
components, forms, autocomplete, listeners and jobs reach the handlers of module and bot, with their own contexts
(`wisp.events.EventContext`, `wisp.jobs.JobContext`). A handler that raises is logged and the next one is asked.

So let errors be errors: do not catch what you cannot handle. `sys.exit()` in a handler shuts the bot down cleanly.
"""

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@bot.command
async def divide(ctx: wisp.Context, number: int, by: int) -> str:
    """Divide."""
    if number < 0:
        raise wisp.UserError("Give me a number that is not negative.")
    return str(number // by)


@divide.on_error
async def explain(ctx: wisp.Context, error: BaseException) -> bool:
    if not isinstance(error, ZeroDivisionError):
        return False
    await ctx.respond("You cannot divide by zero.", ephemeral=True)
    return True


@bot.command
@wisp.handle_errors
async def open_box(ctx: wisp.Context) -> str:
    """Open the box."""
    raise LookupError("The key is gone.")


bot.run()


async def test_a_refusal_is_told_in_its_words(discord: Discord) -> None:
    reply = await discord.member("ada").slash("divide", number=-1, by=1)
    assert reply.content == "Give me a number that is not negative."
    assert reply.ephemeral


async def test_an_error_handler_answers(discord: Discord) -> None:
    assert (await discord.member("ada").slash("divide", number=1, by=0)).content == "You cannot divide by zero."


async def test_an_unexpected_error_fails_the_test_unless_it_is_expected(discord: Discord) -> None:
    with discord.expects(LookupError):
        reply = await discord.member("ada").slash("open_box")
    assert "The key is gone." in reply.content
