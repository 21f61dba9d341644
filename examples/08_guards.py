"""Guards: decorators that decide who may use a command, a component, a form or a whole group.

Write them below `@bot.command`, in any order. The cheap ones are checked first, the cooldown last. A guard that refuses
answers privately, in its own words, and the function does not run.

    @wisp.require_guild                          refuse direct messages
    @wisp.require_permissions(*permissions)      refuse members who lack any of these permissions in the channel;
                                                 `bot=` names permissions that the bot itself needs there
    @wisp.require_admin                          refuse members who are not administrators
    @wisp.require_owner                          refuse everyone but the application's owner or team, or `owners=`
    wisp.guard(function)                         a guard of your own: `function(ctx)`, plain or async, returns True to
                                                 allow the call, False to refuse it, or text to refuse it with
    @wisp.cooldown, @wisp.concurrency            how often, and how many at a time: see 09_cooldowns.py
    @wisp.handle_errors                          show users the text of errors: see 12_errors.py

`@bot.command(permissions=...)` is different: Discord hides the command from members without them, and server admins can
change that. A guard holds whatever they set.
"""

import hikari

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


@wisp.guard
def not_on_fire(ctx: wisp.InteractionContext) -> bool | str:
    return ctx.user.username != "dragon" or "Cool down first."


@bot.command
@wisp.require_permissions(hikari.Permissions.MANAGE_MESSAGES)
@not_on_fire
async def clean(ctx: wisp.Context) -> str:
    """Clean up."""
    return "Clean."


@bot.command
@wisp.require_guild
@wisp.require_owner
async def stop(ctx: wisp.Context) -> str:
    """Stop everything."""
    return "Stopped."


bot.run()


async def test_members_without_the_permission_are_refused(discord: Discord) -> None:
    ada, bob = discord.member("ada"), discord.member("bob")
    refused = await bob.slash("clean")
    assert "Manage Messages" in refused.content
    assert refused.ephemeral
    assert (await ada.slash("clean")).content == "Clean."


async def test_a_guard_of_your_own_refuses_in_its_own_words(discord: Discord) -> None:
    dragon = discord.member("dragon", permissions=hikari.Permissions.MANAGE_MESSAGES)
    assert (await dragon.slash("clean")).content == "Cool down first."


async def test_only_the_owner_may_stop_it(discord: Discord) -> None:
    assert (await discord.member("bob").slash("stop")).content != "Stopped."
