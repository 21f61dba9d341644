"""A bot of modules: each file in parts/ is one, and /modules turns them on and off in each server."""

import wisp

bot = wisp.Bot()
bot.modules.discover("parts")

bot.run()
