"""Run an example of hikari's family as its author wrote it, except for the token and Discord's address."""

import os
import runpy
import sys
from typing import Any

import hikari

on_discord = hikari.GatewayBot.__init__


def on_sandbox(bot: hikari.GatewayBot, token: str, **settings: Any) -> None:
    settings |= {"rest_url": os.environ["REST"], "banner": None}
    on_discord(bot, os.environ["TOKEN"], **settings)


hikari.GatewayBot.__init__ = on_sandbox  # type: ignore[method-assign]
os.environ["BOT_TOKEN"] = os.environ["TOKEN"]
path = sys.argv[1]
os.chdir(os.path.dirname(path))
sys.path[0] = os.getcwd()  # where an example finds its extensions
runpy.run_path(path, run_name="__main__")
