"""The sandbox: a local Discord for trying a bot by hand, in a terminal and in a browser.

    wisp sandbox bot.py                     a chat in the terminal, and the address of a page
    wisp sandbox bot.py --run "/hello"      type a line, print the answer and exit; --json answers in JSON
    wisp sandbox bot.py --keep test.db      keep the bot's data
    wisp sandbox --serve                    a local Discord for a bot of any library
    python bot.py                           without a token, in a terminal: the same as `wisp sandbox bot.py`

Without a keyboard, as in a container, it prints the address of the page and stays until it is stopped.

In the terminal, type a command with its options: `/kick user:@bob reason:"too loud"`. Other text is posted in the
channel. What begins with a colon is for the sandbox; `:help` lists all of it:

    :click Next    :select red    :submit title:"Hi"    :menu Quote       use components, forms and menus
    :as bob        :join eve      :in #plans            :guild Two   :dm  be someone or somewhere else
    :reply ^2 yes  :edit no       :react 👍             :attach a.png     ^ is the newest message, ^2 the one before it
    :voice Talk    :voice mute    :kick bob             :ban eve          be in voice, moderate
    :channel Talk voice           :role Mods +KICK_MEMBERS                make channels, roles, emojis, threads
    :advance 2h    :restart       :drop                 :fail POST /interactions 500

Time is real at the keyboard. Lines from `--run`, `--json` or a pipe are typed as in a test: time passes only as far as
an answer needs it, and `:advance` lets the rest happen:

    wisp sandbox bot.py --run "/remind text:tea after:90m" --run ":advance 2h"

The page opens if there is a desktop (`--no-open` or BROWSER=true prevents that).

- Type `/`: Tab and Enter take a suggestion, the arrows choose, Escape leaves. Options are fields, or `name:value`.
- Buttons, selects, forms and the menus of members and messages (right click or Shift+F10) work as in a client. What a
  client would not allow is refused. Private answers say who sees them.
- Messages are replied to (R), edited (E) and deleted (Del); the up arrow reaches them. Files come from a picker, the
  clipboard, or by drag and drop. A thread begins in the menu of a message or channel.
- At the bottom left you choose who you are, or let someone join. Servers, channels, roles and permissions can be
  changed at any time, by anyone.
- "Advance time" lets a minute, an hour, a day or what you type pass, for the bot and its Discord.
- "Log and traffic" has the log, errors with tracebacks, REST calls and gateway events, without tokens, and says why
  the bot was not sent an event.
- It works on a phone, by keyboard and with screen readers, in light and dark.

The address holds a secret and is served on 127.0.0.1 only. Other web sites cannot reach it, it fetches nothing, and the
token that the bot has for Discord is not used.

The sandbox serves the gateway with shards, resuming and compression; commands and interactions of all kinds; and over
REST messages with files, stickers, polls and forwards, reactions, pins, threads, forums, announcements, channels,
overwrites, servers with all their settings, roles, emojis, members, bans, voice states, scheduled events, webhooks,
invites, auto moderation, onboarding, search and the audit log. Each call needs the permissions that it needs on
Discord, keeps its limits, and is refused with its error codes; `wisp/sandbox/rest/errors.py` and
`wisp/sandbox/world/bounds.py` list them with their sources. The bot has a role of its own that allows all but
Administrator; `discord.world.bot_permissions` changes that for servers made later.

There is no sound: members and the bot are connected to voice channels, but no voice server is there to reach, so that
`channel.connect()` of discord.py waits in vain. It does not serve monetization, integrations and templates of servers,
and a few more, which `wisp/sandbox/rest/unserved.py` lists with the reasons. Such a call is answered with 404 and the
reason, named in the log, and fails the test that made it.

For other libraries, `wisp sandbox --serve` prints where its Discord is, and then one line of JSON for each line that is
typed, until it is stopped:

    {"rest": "http://127.0.0.1:40123/api/v10", "gateway": "ws://127.0.0.1:40123/gateway", "token": "...", "page": "...",
     "guild": "...", "owner": "...", "channels": {"general": "..."}}

`:ready /greet` waits until the bot is connected and has that command. A line waits 3 s for a response, and 10 s
(`--patience`) for one that the bot has deferred; `:wait` waits on for that one. `"result"` has the ids of what a line
made: `:channel Talk voice` is answered with `"result": {"channel": "...", "name": "Talk"}`.

Point the bot there: `hikari.GatewayBot(token, rest_url=rest)`; in discord.py set `discord.http.Route.BASE = rest` and
`discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)`.

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
