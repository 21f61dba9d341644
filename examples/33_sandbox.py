"""The sandbox: a local Discord for trying a bot by hand, in a terminal and in a browser.

    wisp sandbox bot.py                     a chat in the terminal, and the address of a page
    wisp sandbox bot.py --run "/hello"      types a line, prints the answer and exits; --json answers in JSON
    wisp sandbox --serve                    a local Discord for a bot of any library
    python bot.py                           without a token, in a terminal: the same as `wisp sandbox bot.py`

In the terminal. Type `/` and a command with its options: `/kick user:@bob reason:"too loud"`. What begins with a colon
is for the sandbox: `:click Next`, `:select red`, `:submit title:"Hi"`, `:menu Quote`, `:as bob`, `:advance 2h`,
`:restart`, `:drop`, and `:help` for the rest. Time is real at the keyboard. Lines from `--run`, `--json` or a pipe are
typed as in a test: time passes only as far as an answer needs it, and `:advance` lets the rest happen:

    wisp sandbox bot.py --run "/remind text:tea after:90m" --run ":advance 2h"

On the page. It opens if there is a desktop (`--no-open` prevents that). Type `/`: Tab and Enter take a suggestion, the
arrows choose, Escape leaves; options are fields, or `name:value` on one line. Buttons, selects, forms and the menus of
members and messages (right click or Shift+F10) work as in a client, and what a client would not allow is refused.
Messages can be replied to (R), edited (E) and deleted (Del); files come from a picker, the clipboard or by drag and
drop; threads begin in a menu. You can be anyone: at the bottom left you change who you are or let someone join.
Servers, channels, roles and permissions can be changed there and then. "Advance time" lets time pass. "Log and traffic"
has the log, errors with tracebacks, REST calls and gateway events, without tokens, and says why the bot was not sent
something. It works on a phone, by keyboard and with screen readers.

The address holds a secret and is served on 127.0.0.1 only. Other web sites cannot reach it, it fetches nothing, and the
bot's token for Discord is not used. `--keep FILE` keeps the data.

What it serves. The gateway with shards, resuming and compression; commands and interactions of all kinds; messages,
reactions, pins, threads, forums, channels, overwrites, servers, roles, emojis, members, bans, webhooks, invites and the
audit log over REST. Each call needs the permissions that it needs on Discord, keeps its limits, and is refused with its
error codes. It does not serve voice, scheduled events, stickers, polls, forwards, auto moderation and monetization; nor
permissions of commands, member counts of roles, changes of the bot's own user, crossposts, widgets, welcome screens,
onboarding, integrations, templates, and the /slack and /github formats of webhooks. Such a call is answered with 404,
named in the log, and fails the test that made it. The bot has a role of its own that allows all but Administrator;
`discord.world.bot_permissions` changes that for servers made later.

Other libraries. `wisp sandbox --serve` prints one line of JSON with "rest", "gateway", "token" and "page", then reads
what people type and prints events in JSON. Point the bot there: `hikari.GatewayBot(token, rest_url=...)`; in discord.py
set `discord.http.Route.BASE` and `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`.

The bot below has a bit of everything, to try there.
"""

import asyncio

import wisp
from wisp.testing import Discord

bot = wisp.Bot()


class Order(wisp.Form):
    """What would you like?"""

    dish: str


@bot.component("again:{dish}")
async def again(ctx: wisp.ComponentContext, dish: str) -> str:
    return f"Another {dish}!"


@bot.command
async def order(ctx: wisp.Context) -> None:
    """Order something."""
    form = await ctx.form(Order)
    if form:
        await asyncio.sleep(2)  # the kitchen
        await ctx.respond(f"One {form.dish}!", components=[wisp.row(again.bind(form.dish[:50]).button("Again"))])


bot.run()


async def test_the_same_as_a_test(discord: Discord) -> None:
    ada = discord.member("ada")
    served = await ada.submit(await ada.slash("order"), dish="cake")
    assert served.content == "One cake!"
    assert (await ada.click(served, "Again")).content == "Another cake!"
