"""The verbs of `Breakable` as lines of the terminal, such as `:drop 4000`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wisp.sandbox.breakable import Breakable
from wisp.sandbox.faults import Failing
from wisp.sandbox.world.objects import Guild, Impossible


class Usage(NamedTuple):
    """The arguments of a verb in words, optional ones in brackets, and its line of `:help`."""

    arguments: str
    help: str


USAGE: Mapping[str, Usage] = {
    "fail": Usage(
        "METHOD PATH [STATUS|cut|timeout] [TIMES|always] [done]",
        "the next such calls of the bot fail, with done after they are done: POST /interactions 500 2",
    ),
    "delay": Usage("METHOD PATH SECONDS [TIMES|always]", "the next such call waits: POST /interactions 2"),
    "drop": Usage("[CODE]", "break the gateway off, or close it with a code"),
    "reconnect": Usage("", "ask the bot to connect anew"),
    "invalidate": Usage("[resumable]", "end the bot's session (resumable: it may go on)"),
    "heartbeats": Usage("", "acknowledge no heartbeat"),
    "duplicate": Usage("[EVENT] [TIMES|always]", "the next event comes twice"),
    "reorder": Usage("[EVENT] [TIMES|always]", "the next event comes after the one that follows it"),
    "outage": Usage("[GUILD]", "a guild is unavailable to the bot (without a name, this one)"),
    "mend": Usage("", "nothing goes wrong any more"),
}
"""The verbs."""


def apply(discord: Breakable, verb: str, argument: str, *, here: Guild | None = None) -> str:
    """Break a Discord as a typed line says, and return in words what will happen.

    An outage concerns the guild `here` if the line names none. Raises Impossible if the line has wrong arguments.
    """
    if verb == "outage":
        return _take_down(discord, argument, here)
    try:
        return _apply(discord, verb, argument.split())
    except (ValueError, re.error):
        raise Impossible(f"expected :{verb} {USAGE[verb].arguments}".rstrip()) from None


def _apply(discord: Breakable, verb: str, words: Sequence[str]) -> str:
    match verb, words:
        case "fail", [method, path, *options]:
            how, times, done = _failure(options)
            discord.fail(method, path, how, times=times, done=done)
            return f"{method.upper()} {path} fails ({how}){_often(times)}{', after it was done' if done else ''}"
        case "delay", [method, path, seconds, *options]:
            times = _times(options)
            discord.delay(method, path, float(seconds), times=times)
            return f"{method.upper()} {path} waits {float(seconds):g} s{_often(times)}"
        case "drop", []:
            discord.drop()
            return "the gateway broke off"
        case "drop", [code]:
            discord.drop(code=int(code))
            return "the gateway broke off"
        case "reconnect", []:
            discord.reconnect()
            return "the bot is asked to reconnect"
        case "invalidate", [] | ["resumable"]:
            discord.invalidate(resumable=bool(words))
            return "the session is invalid" + (", and can be resumed" if words else "")
        case "heartbeats", []:
            discord.ignore_heartbeats()
            return "no heartbeat is acknowledged, until the bot connects anew"
        case "duplicate", _:
            event, times = _events(words)
            discord.duplicate(event, times=times)
            return f"{_named(event, times)} will come twice{_often(times)}"
        case "reorder", _:
            event, times = _events(words)
            discord.reorder(event, times=times)
            return f"{_named(event, times)} will come out of order{_often(times)}"
        case "mend", []:
            discord.clear_faults()
            return "nothing goes wrong any more"
        case _:
            raise ValueError(words)


def _take_down(discord: Breakable, name: str, here: Guild | None) -> str:
    guilds = {guild.name: guild for guild in discord.gateway.world.guilds.values()}
    guild = guilds.get(name) if name else here
    if guild is None:
        wrong = f"there is no guild {name}" if name else "no guild is here"
        raise Impossible(f"{wrong}: expected :outage and one of {', '.join(guilds)}")
    discord.outage(guild)
    return f"the bot has lost {guild.name}, until :mend"


def _failure(words: Sequence[str]) -> tuple[Failing, int | None, bool]:
    """Parse `[STATUS|cut|timeout] [TIMES|always] [done]`, in any order. Raises ValueError."""
    how: Failing | None = None
    done = False
    rest: list[str] = []
    for word in words:
        if word == "done" and not done:
            done = True
        elif how is None and (found := _failing(word)):
            how = found
        else:
            rest.append(word)
    return how or 500, _times(rest), done


def _failing(word: str) -> Failing | None:
    """Parse `STATUS|cut|timeout`; None if it is neither."""
    if word == "cut" or word == "timeout":
        return word
    return int(word) if word.isdecimal() and 400 <= int(word) < 600 else None


def _events(words: Sequence[str]) -> tuple[str, int | None]:
    """Parse `[EVENT] [TIMES|always]`: the name of the events ("" for any), and how many. Raises ValueError."""
    if words and words[0] != "always" and not words[0].isdecimal():
        return words[0].upper(), _times(words[1:])
    return "", _times(words)


def _times(words: Sequence[str]) -> int | None:
    """Parse `[TIMES|always]`: 1 by default, None for always. Raises ValueError."""
    match words:
        case []:
            return 1
        case ["always"]:
            return None
        case [number]:
            return int(number)
        case _:
            raise ValueError(words)


def _named(event: str, times: int | None) -> str:
    return event or ("the next event" if times == 1 else "events")


def _often(times: int | None) -> str:
    return "" if times == 1 else " from now on" if times is None else f", {times} times"
