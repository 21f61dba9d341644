"""What a bot is forbidden over REST: each permission that a route asks for, on a call with it and on one without."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from test_sandbox_specification import (
    A_HOOK,
    AUDIT_LOG,
    BAN,
    BANNED,
    CALLBACK,
    CHANNEL,
    EMBED,
    EMOJI,
    EMOJIS,
    EVENT,
    EVENTS,
    FILE_NOTES,
    GOOD,
    GUILD,
    HOOK,
    HOOKS,
    IN_NEWS,
    IN_THREAD,
    IN_VOICE,
    INCIDENTS,
    INVITE,
    INVITES,
    KEYWORD_RULE,
    LIVE,
    MEMBER,
    MEMBER_ROLE,
    MESSAGE,
    MESSAGES,
    NEW_EVENT,
    NEW_STAGE,
    NEW_STICKER,
    ONBOARDING,
    OVERWRITE,
    PICTURE,
    POLL,
    REACTION,
    REACTIONS,
    ROLE,
    ROLES,
    RULE,
    RULES,
    SCREEN,
    SEARCH,
    STAGE_EVENT,
    STAGE_OF_CHANNEL,
    STAGES,
    STICKER,
    STICKERS,
    TALKER,
    THREAD_MEMBERS,
    THREAD_SEARCH,
    THUMB,
    VOICE_EVENT,
    VOICE_MESSAGE,
    VOICE_STATES,
    VOICE_STATUS,
    WEBHOOK,
    WEBHOOK_MESSAGE,
    WIDGET,
    Case,
    call,
    scene,
)

from wisp.sandbox import Sandbox
from wisp.sandbox.rest.app import Rest
from wisp.sandbox.world.objects import PRIVATE_THREAD
from wisp.sandbox.world.permissions import BOT_PERMISSIONS, Permission
from wisp.sandbox.world.world import World

NOTHING = Permission(0)


@dataclass
class Needed:
    """A call that takes a permission: `case` for a bot that has it, refused with `code` for one that lacks it.

    In both, the bot lacks `besides`. `taken` is what is taken from the bot, if that is not the permission itself.
    """

    permission: Permission
    case: Case
    code: int = 50013
    besides: Permission = NOTHING
    taken: Permission = NOTHING

    def __str__(self) -> str:
        return f"{self.permission.name} {self.case}"


ADAS = {"message_id": "adas_message"}
BOBS_REACTION = {**THUMB, "message_id": "pinned"}
OLD_PINS = CHANNEL + "/pins"
PINS = MESSAGES + "/pins"
THREADS = CHANNEL + "/threads"
PRUNE = GUILD + "/prune"
P = Permission

NEEDED = [
    Needed(P.MANAGE_WEBHOOKS, Case("GET", HOOKS, 200)),
    Needed(P.MANAGE_WEBHOOKS, Case("POST", HOOKS, 200, {"name": "Hook"})),
    Needed(P.MANAGE_WEBHOOKS, Case("GET", GUILD + "/webhooks", 200)),
    Needed(P.MANAGE_WEBHOOKS, Case("GET", HOOK, 200, names={"webhook_id": "adas_hook"})),
    Needed(P.MANAGE_WEBHOOKS, Case("PATCH", HOOK, 200, {"name": "Other"}, A_HOOK)),
    Needed(P.MANAGE_WEBHOOKS, Case("DELETE", HOOK, 204, names=A_HOOK)),
    Needed(P.MANAGE_WEBHOOKS, Case("POST", CHANNEL + "/followers", 200, {"webhook_channel_id": "{quiet}"}, IN_NEWS)),
    Needed(P.SEND_MESSAGES, Case("POST", MESSAGE + "/crosspost", 200, names=IN_NEWS)),
    Needed(P.MANAGE_MESSAGES, Case("POST", MESSAGE + "/crosspost", 200, names={**IN_NEWS, "message_id": "adas_news"})),
    Needed(P.SEND_MESSAGES, Case("POST", CHANNEL + "/typing", 204)),
    Needed(P.SEND_MESSAGES, Case("POST", MESSAGES, 200, {"content": "x"})),
    Needed(P.SEND_MESSAGES, Case("POST", MESSAGES, 200, {"content": "x"}, IN_THREAD), taken=P.SEND_MESSAGES_IN_THREADS),
    Needed(
        P.SEND_MESSAGES,
        Case("POST", THREADS, 201, {"name": "post", "message": {"content": "x"}}, {"channel_id": "forum"}),
    ),
    Needed(
        P.SEND_MESSAGES,
        Case("PUT", THREAD_MEMBERS + "/{user_id}", 204, names=IN_THREAD),
        taken=P.SEND_MESSAGES_IN_THREADS,
    ),
    Needed(
        P.SEND_MESSAGES,
        Case("PATCH", CHANNEL, 200, {"archived": False}, {"channel_id": "archived"}),
        besides=P.MANAGE_THREADS,
        taken=P.SEND_MESSAGES_IN_THREADS,
    ),
    Needed(P.EMBED_LINKS, Case("POST", MESSAGES, 200, {"embeds": [EMBED]})),
    Needed(P.ATTACH_FILES, Case("POST", MESSAGES, 200, FILE_NOTES, file=True)),
    Needed(P.SEND_VOICE_MESSAGES, Case("POST", MESSAGES, 200, VOICE_MESSAGE, file=True), besides=P.ATTACH_FILES),
    Needed(P.SEND_POLLS, Case("POST", MESSAGES, 200, {"poll": POLL})),
    Needed(P.SEND_TTS_MESSAGES, Case("POST", MESSAGES, 200, {"content": "x", "tts": True})),
    Needed(
        P.READ_MESSAGE_HISTORY,
        Case("POST", MESSAGES, 200, {"content": "re", "message_reference": {"message_id": "{message_id}"}}),
        code=160002,
    ),
    Needed(
        P.MANAGE_THREADS,
        Case("POST", MESSAGES, 200, {"content": "x"}, {"channel_id": "closed"}),
        code=160005,
    ),
    Needed(P.READ_MESSAGE_HISTORY, Case("GET", MESSAGE, 200)),
    Needed(P.READ_MESSAGE_HISTORY, Case("PUT", REACTION + "/@me", 204, names=THUMB)),
    Needed(P.READ_MESSAGE_HISTORY, Case("GET", THREADS + "/archived/public", 200)),
    Needed(P.READ_MESSAGE_HISTORY, Case("GET", THREADS + "/archived/private", 200)),
    Needed(P.READ_MESSAGE_HISTORY, Case("GET", CHANNEL + "/users/@me/threads/archived/private", 200)),
    Needed(
        P.MANAGE_MESSAGES,
        Case("POST", MESSAGES + "/bulk-delete", 204, {"messages": ["{message_id}", "{adas_message}"]}),
    ),
    Needed(P.MANAGE_MESSAGES, Case("PATCH", MESSAGE, 200, {"flags": 4}, ADAS), code=50005),
    Needed(P.MANAGE_MESSAGES, Case("DELETE", MESSAGE, 204, names=ADAS)),
    Needed(P.MANAGE_MESSAGES, Case("DELETE", REACTION + "/{user_id}", 204, names=BOBS_REACTION)),
    Needed(P.MANAGE_MESSAGES, Case("DELETE", REACTION, 204, names=BOBS_REACTION)),
    Needed(P.MANAGE_MESSAGES, Case("DELETE", REACTIONS, 204, names=BOBS_REACTION)),
    *(
        Needed(P.PIN_MESSAGES, Case(method, pins + "/{message_id}", 204, names={"message_id": message}))
        for pins in (PINS, OLD_PINS)
        for method, message in (("PUT", "adas_message"), ("DELETE", "pinned"))
    ),
    Needed(P.ADD_REACTIONS, Case("PUT", REACTION + "/@me", 204, names=THUMB)),
    Needed(P.CREATE_PUBLIC_THREADS, Case("POST", MESSAGE + "/threads", 201, {"name": "about it"})),
    Needed(P.CREATE_PUBLIC_THREADS, Case("POST", THREADS, 201, {"name": "t", "type": 11})),
    Needed(P.CREATE_PRIVATE_THREADS, Case("POST", THREADS, 201, {"name": "t", "type": 12})),
    Needed(P.MANAGE_THREADS, Case("GET", THREADS + "/archived/private", 200)),
    Needed(P.MANAGE_THREADS, Case("DELETE", THREAD_MEMBERS + "/{user_id}", 204, names=IN_THREAD)),
    Needed(P.MANAGE_THREADS, Case("PATCH", CHANNEL, 200, {"name": "other"}, IN_THREAD)),
    Needed(P.MANAGE_THREADS, Case("PATCH", CHANNEL, 200, {"archived": False}, {"channel_id": "closed_and_archived"})),
    *(
        Needed(P.MANAGE_THREADS, Case("PATCH", CHANNEL, 200, body, {"channel_id": "bots_thread"}))
        for body in ({"locked": True}, {"rate_limit_per_user": 5})
    ),
    Needed(P.MANAGE_THREADS, Case("DELETE", CHANNEL, 200, names=IN_THREAD)),
    Needed(P.MANAGE_CHANNELS, Case("POST", GUILD + "/channels", 201, {"name": "new"})),
    Needed(P.MANAGE_CHANNELS, Case("PATCH", GUILD + "/channels", 204, [{"id": "{channel_id}", "position": 3}])),
    Needed(P.MANAGE_CHANNELS, Case("PATCH", CHANNEL, 200, {"name": "other"})),
    Needed(P.MANAGE_CHANNELS, Case("DELETE", CHANNEL, 200)),
    Needed(P.MANAGE_CHANNELS, Case("GET", INVITES, 200)),
    Needed(P.MANAGE_CHANNELS, Case("DELETE", INVITE, 200), besides=P.MANAGE_GUILD),
    Needed(
        P.MANAGE_ROLES,
        Case("PATCH", CHANNEL, 200, {"permission_overwrites": [{"id": "{guild_id}", "type": 0, "deny": 2048}]}),
    ),
    Needed(P.MANAGE_ROLES, Case("PUT", OVERWRITE, 204, {"type": 0, "deny": 2048}, {"overwrite_id": "role_id"})),
    Needed(P.MANAGE_ROLES, Case("DELETE", OVERWRITE, 204, names={"channel_id": "quiet", "overwrite_id": "bot"})),
    Needed(P.MANAGE_ROLES, Case("PATCH", MEMBER, 200, {"roles": ["{role_id}"]})),
    Needed(P.MANAGE_ROLES, Case("PUT", MEMBER_ROLE, 204)),
    Needed(P.MANAGE_ROLES, Case("DELETE", MEMBER_ROLE, 204)),
    Needed(P.MANAGE_ROLES, Case("POST", ROLES, 200, {})),
    Needed(P.MANAGE_ROLES, Case("PATCH", ROLES, 200, [{"id": "{role_id}", "position": 1}])),
    Needed(P.MANAGE_ROLES, Case("PATCH", ROLE, 200, {"name": "other"})),
    Needed(P.MANAGE_ROLES, Case("DELETE", ROLE, 204)),
    Needed(P.MANAGE_ROLES, Case("POST", INVITES, 200, {"role_ids": ["{role_id}"]})),
    Needed(P.CREATE_INSTANT_INVITE, Case("POST", INVITES, 200, {})),
    # Nobody has an access token here: the call gets as far as that.
    Needed(
        P.CREATE_INSTANT_INVITE, Case("PUT", MEMBER, 403, {"access_token": "x"}, {"user_id": "stranger"}, code=50025)
    ),
    Needed(P.CHANGE_NICKNAME, Case("PATCH", GUILD + "/members/@me", 200, {"nick": "Botty"})),
    Needed(P.CHANGE_NICKNAME, Case("PATCH", GUILD + "/members/@me/nick", 200, {"nick": "Botty"})),
    Needed(P.MANAGE_NICKNAMES, Case("PATCH", MEMBER, 200, {"nick": "Bobby"})),
    Needed(P.MODERATE_MEMBERS, Case("PATCH", MEMBER, 200, {"communication_disabled_until": "{soon}"})),
    Needed(P.MUTE_MEMBERS, Case("PATCH", MEMBER, 200, {"mute": True}, TALKER)),
    Needed(P.MUTE_MEMBERS, Case("PATCH", VOICE_STATES + "/@me", 204, {"suppress": False})),
    Needed(
        P.REQUEST_TO_SPEAK,
        Case("PATCH", VOICE_STATES + "/@me", 204, {"request_to_speak_timestamp": "2026-11-29T00:00:00+00:00"}),
    ),
    Needed(P.MUTE_MEMBERS, Case("PATCH", VOICE_STATES + "/{user_id}", 204, {"suppress": False}, TALKER)),
    Needed(P.CONNECT, Case("PATCH", MEMBER, 200, {"channel_id": "{voice}"}, TALKER)),
    Needed(P.DEAFEN_MEMBERS, Case("PATCH", MEMBER, 200, {"deaf": True}, TALKER)),
    Needed(P.MOVE_MEMBERS, Case("PATCH", MEMBER, 200, {"channel_id": "{voice}"}, TALKER)),
    Needed(P.KICK_MEMBERS, Case("DELETE", MEMBER, 204)),
    *(
        Needed(permission, case)
        for permission in (P.KICK_MEMBERS, P.MANAGE_GUILD)
        for case in (Case("GET", PRUNE, 200), Case("POST", PRUNE, 200, {"days": 30}))
    ),
    Needed(P.BAN_MEMBERS, Case("GET", GUILD + "/bans", 200)),
    Needed(P.BAN_MEMBERS, Case("GET", BAN, 200, names=BANNED)),
    Needed(P.BAN_MEMBERS, Case("PUT", BAN, 204)),
    Needed(P.BAN_MEMBERS, Case("DELETE", BAN, 204, names=BANNED)),
    Needed(P.BAN_MEMBERS, Case("POST", GUILD + "/bulk-ban", 200, {"user_ids": ["{bob}"]})),
    Needed(P.MANAGE_GUILD, Case("POST", GUILD + "/bulk-ban", 200, {"user_ids": ["{bob}"]})),
    Needed(P.MANAGE_GUILD, Case("PATCH", GUILD, 200, {"name": "Other"})),
    Needed(P.MANAGE_GUILD, Case("GET", GUILD + "/vanity-url", 200)),
    Needed(P.READ_MESSAGE_HISTORY, Case("GET", SEARCH, 200)),
    Needed(P.READ_MESSAGE_HISTORY, Case("GET", THREAD_SEARCH, 200)),
    Needed(P.MANAGE_GUILD, Case("PUT", GUILD + "/onboarding", 200, ONBOARDING)),
    Needed(P.MANAGE_ROLES, Case("PUT", GUILD + "/onboarding", 200, ONBOARDING)),
    Needed(P.MANAGE_GUILD, Case("PUT", INCIDENTS, 200, {"invites_disabled_until": "{soon}"})),
    Needed(P.MANAGE_GUILD, Case("GET", RULES, 200)),
    Needed(P.MANAGE_GUILD, Case("POST", RULES, 200, KEYWORD_RULE)),
    Needed(P.MODERATE_MEMBERS, Case("POST", RULES, 200, KEYWORD_RULE)),
    Needed(P.MANAGE_GUILD, Case("GET", RULE, 200)),
    Needed(P.MANAGE_GUILD, Case("PATCH", RULE, 200, {"name": "Other"})),
    Needed(P.MODERATE_MEMBERS, Case("PATCH", RULE, 200, {"actions": KEYWORD_RULE["actions"]})),
    Needed(P.MANAGE_GUILD, Case("DELETE", RULE, 204)),
    Needed(P.MANAGE_GUILD, Case("GET", SCREEN, 200)),
    Needed(P.MANAGE_GUILD, Case("PATCH", SCREEN, 200, {"enabled": True})),
    Needed(P.MANAGE_GUILD, Case("GET", WIDGET, 200)),
    Needed(P.MANAGE_GUILD, Case("PATCH", WIDGET, 200, {"enabled": False})),
    Needed(P.MANAGE_GUILD, Case("DELETE", INVITE, 200), besides=P.MANAGE_CHANNELS),
    Needed(P.VIEW_AUDIT_LOG, Case("GET", GUILD + "/invites", 200), besides=P.MANAGE_GUILD),
    Needed(P.VIEW_AUDIT_LOG, Case("GET", AUDIT_LOG, 200)),
    Needed(P.CREATE_GUILD_EXPRESSIONS, Case("POST", EMOJIS, 201, {"name": "party", "image": PICTURE})),
    *(
        Needed(permission, case, besides=besides)
        for permission, besides, emoji in (
            (P.CREATE_GUILD_EXPRESSIONS, P.MANAGE_GUILD_EXPRESSIONS, {"emoji_id": "bots_emoji"}),
            (P.MANAGE_GUILD_EXPRESSIONS, NOTHING, {}),
        )
        for case in (Case("PATCH", EMOJI, 200, {"name": "other"}, emoji), Case("DELETE", EMOJI, 204, names=emoji))
    ),
    Needed(P.CREATE_EVENTS, Case("POST", EVENTS, 200, NEW_EVENT)),
    *(
        Needed(permission, case, besides=besides)
        for permission, besides, event in (
            (P.CREATE_EVENTS, P.MANAGE_EVENTS, {"guild_scheduled_event_id": "bots_event"}),
            (P.MANAGE_EVENTS, NOTHING, {}),
        )
        for case in (Case("PATCH", EVENT, 200, {"name": "other"}, event), Case("DELETE", EVENT, 204, names=event))
    ),
    *(
        Needed(permission, case)
        for permission, body in (
            (P.MANAGE_CHANNELS, STAGE_EVENT),
            (P.MUTE_MEMBERS, STAGE_EVENT),
            (P.MOVE_MEMBERS, STAGE_EVENT),
            (P.CONNECT, VOICE_EVENT),
            (P.VIEW_CHANNEL, VOICE_EVENT),
        )
        for case in (
            Case("POST", EVENTS, 200, body),
            Case("PATCH", EVENT, 200, {name: body[name] for name in ("entity_type", "channel_id")}),
        )
    ),
    *(
        Needed(permission, case)
        for permission in (P.MANAGE_CHANNELS, P.MUTE_MEMBERS, P.MOVE_MEMBERS)
        for case in (
            Case("POST", STAGES, 200, NEW_STAGE),
            Case("PATCH", STAGE_OF_CHANNEL, 200, {"topic": "other"}, LIVE),
            Case("DELETE", STAGE_OF_CHANNEL, 204, names=LIVE),
        )
    ),
    Needed(P.SET_VOICE_CHANNEL_STATUS, Case("PUT", VOICE_STATUS, 204, {"status": "Chess"}, IN_VOICE)),
    Needed(P.MANAGE_CHANNELS, Case("PUT", VOICE_STATUS, 204, {"status": "Chess"}, IN_VOICE)),
    Needed(P.MENTION_EVERYONE, Case("POST", STAGES, 200, {**NEW_STAGE, "send_start_notification": True})),
    Needed(P.CREATE_GUILD_EXPRESSIONS, Case("POST", STICKERS, 201, NEW_STICKER, file=True)),
    *(
        Needed(permission, case, besides=besides)
        for permission, besides, sticker in (
            (P.CREATE_GUILD_EXPRESSIONS, P.MANAGE_GUILD_EXPRESSIONS, {"sticker_id": "bots_sticker"}),
            (P.MANAGE_GUILD_EXPRESSIONS, NOTHING, {}),
        )
        for case in (
            Case("PATCH", STICKER, 200, {"name": "other"}, sticker),
            Case("DELETE", STICKER, 204, names=sticker),
        )
    ),
]


@dataclass
class Shown:
    """A call whose answer has a JSON key, at any depth, only with a permission. The bot always lacks `besides`."""

    permission: Permission
    case: Case
    key: str
    besides: Permission = NOTHING

    def __str__(self) -> str:
        return f"{self.permission.name} {self.case}"


CREATES, MANAGES = P.CREATE_GUILD_EXPRESSIONS, P.MANAGE_GUILD_EXPRESSIONS

SHOWN = [
    Shown(P.READ_MESSAGE_HISTORY, Case("GET", MESSAGES, 200), "content"),
    Shown(P.READ_MESSAGE_HISTORY, Case("GET", PINS, 200), "content"),
    Shown(P.READ_MESSAGE_HISTORY, Case("GET", OLD_PINS, 200), "content"),
    Shown(P.MANAGE_GUILD, Case("GET", GUILD + "/invites", 200), "uses"),
    Shown(CREATES, Case("GET", EMOJIS, 200), "user", besides=MANAGES),
    Shown(MANAGES, Case("GET", EMOJIS, 200), "user", besides=CREATES),
    Shown(CREATES, Case("GET", EMOJI, 200, names={"emoji_id": "bots_emoji"}), "user", besides=MANAGES),
    Shown(MANAGES, Case("GET", EMOJI, 200), "user"),
    *(
        Shown(one, Case("GET", path, 200), "user", besides=other)
        for path in (STICKERS, STICKER)
        for one, other in ((CREATES, MANAGES), (MANAGES, CREATES))
    ),
]

NEVER = {
    ("POST", MESSAGE + "/threads", P.CREATE_PRIVATE_THREADS),
    ("POST", GUILD + "/channels", P.MANAGE_ROLES),
    ("PUT", GUILD + "/onboarding", P.VIEW_CHANNEL),
    ("PUT", GUILD + "/onboarding", P.SEND_MESSAGES),
}
"""What code that routes share asks for, though not of this route: a thread on a message is never private, and a new
channel may have overwrites without that permission. Onboarding asks it of @everyone."""

APART = {("PATCH", GUILD, P.ADMINISTRATOR)}
"""What `test_sandbox_guilds.py` holds: a bot that has this permission has all others, too."""


def prepared(world: World) -> dict[str, str]:
    """Create something of everything, and what is someone else's or the bot's own; return the ids by name."""
    names = scene(world)
    guild, general = world.guilds[int(names["guild_id"])], world.channels[int(names["channel_id"])]
    closed, bots, both = (
        world.threads.start(general, name, owner)
        for name, owner in (("closed", world.owner), ("bot's", world.bot), ("both", world.owner))
    )
    world.threads.edit(closed, locked=True)
    world.threads.edit(both, locked=True, archived=True)
    stale = world.threads.start(general, "stale", world.bot)
    in_stale = world.messages.add(stale, world.bot, content="bot's")
    world.threads.edit(stale, archived=True)
    world.messages.pin(world.messages.add(general, world.owner, content="pinned"), world.bot)
    system = next(message for message in reversed(general.messages.values()) if message.kind == 6)
    foreign, quiet = world.guilds[int(names["foreign"])], world.channels[int(names["quiet"])]
    other_bots, strong, own = (
        world.roles.add(guild, "other bot's"),
        world.roles.add(guild, "strong", permissions=int(P.ADMINISTRATOR)),
        guild.role_of(world.bot),
    )
    soon = world.clock.time() + 60
    other_bots.bot = world.users.add("other bot", bot=True)
    assert own is not None
    made = {
        "stale": stale.id,
        "in_stale": in_stale.id,
        "bots_system_message": system.id,
        "other_bots_role": other_bots.id,
        "administrator": world.members.add(guild, world.users.add("strong"), roles=[strong]).user.id,
        "peer": world.members.add(guild, world.users.add("peer"), roles=[own]).user.id,
        "foreign_hook": world.webhooks.add(next(iter(foreign.channels.values())), "Hook", creator=world.bot).id,
        "thread_elsewhere": world.threads.start(quiet, "elsewhere", world.owner).id,
        "foreign_emoji": world.emojis.add(foreign, "foreign").id,
        "adas_news": world.messages.add(world.channels[int(names["news"])], world.owner, content="ada's").id,
        "adas_hook": world.webhooks.add(general, "Ada's", creator=world.owner).id,
        "closed": closed.id,
        "closed_and_archived": both.id,
        "bots_thread": bots.id,
        "bots_event": world.scheduled_events.add(
            guild, "Bot's", soon, end=soon + 60, location="Here", creator=world.bot
        ).id,
        "bots_sticker": world.stickers.add(guild, "bots", creator=world.bot).id,
        "bots_emoji": world.emojis.add(guild, "bots", creator=world.bot).id,
    }
    names |= {name: str(number) for name, number in made.items()}
    return names | {"foreign_emoji": f"foreign:{names['foreign_emoji']}"}


def take(world: World, taken: int) -> None:
    """Take permissions from the bot in its first guild."""
    guild = next(iter(world.guilds.values()))
    own = guild.role_of(world.bot)
    assert own is not None
    world.roles.edit(guild, own, permissions=BOT_PERMISSIONS & ~taken)
    world.roles.edit(guild, guild.everyone, permissions=guild.everyone.permissions & ~taken)


async def answer(case: Case, taken: int) -> tuple[int, Any, list[object]]:
    """Make a call as a bot that lacks some permissions; its status, its JSON, and what it changed."""
    async with Sandbox() as sandbox:
        names = prepared(sandbox.world)
        take(sandbox.world, taken)
        changes: list[object] = []
        sandbox.world.changes.subscribe(changes.append)
        status, body, _ = await call(case, sandbox, names)
    return status, json.loads(body) if body else None, changes


@pytest.mark.parametrize("needed", NEEDED, ids=str)
async def test_a_call_is_taken_with_its_permission_and_refused_without_it(needed: Needed) -> None:
    status, said, _ = await answer(needed.case, needed.besides)
    assert (status, said["code"] if needed.case.code else None) == (needed.case.status, needed.case.code), said
    status, refusal, changes = await answer(needed.case, needed.besides | (needed.taken or needed.permission))
    assert (status, refusal and refusal.get("code"), changes) == (403, needed.code, [])


def keys(value: Any) -> set[str]:
    """Return the keys of all objects within a JSON value."""
    if isinstance(value, dict):
        return {*value}.union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("shown", SHOWN, ids=str)
async def test_an_answer_shows_less_without_a_permission(shown: Shown) -> None:
    status, full, _ = await answer(shown.case, shown.besides)
    assert (status, shown.key in keys(full)) == (200, True)
    status, reduced, _ = await answer(shown.case, shown.besides | shown.permission)
    assert (status, shown.key in keys(reduced)) == (200, False)


# What the code asks for is held above


def permissions_of(handler: Callable[..., Any]) -> set[Permission]:
    """Return each `Permission.X` in the code of a handler, and in what it uses of its class and its module."""
    found: set[Permission] = set()
    seen: set[object] = set()

    def look(used: object, owner: object) -> None:
        if isinstance(used, Permission):
            found.update(used)  # each of those that are joined by |
        elif isinstance(used, Mapping):
            look([*used, *used.values()], owner)
        elif isinstance(used, list | tuple | set | frozenset):
            for one in used:
                look(one, owner)
        elif inspect.ismethod(used):
            look(used.__func__, used.__self__)
        elif inspect.isfunction(used) and used.__module__.startswith("wisp.sandbox") and used not in seen:
            seen.add(used)
            captured = inspect.getclosurevars(used)
            look(tuple(captured.nonlocals.values()), owner)
            for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(used)))):
                if isinstance(node, ast.Attribute):
                    whose = ast.unparse(node.value)
                    if whose.endswith("Permission"):
                        found.add(Permission[node.attr])
                    elif whose == "self":
                        look(inspect.getattr_static(type(owner), node.attr, None), owner)
                elif isinstance(node, ast.Name):
                    look(captured.globals.get(node.id), owner)

    look(handler, None)
    return found


def shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def asked_for() -> set[tuple[str, str, Permission]]:
    """Return each permission that the code of a route names, or the route's row in the table, by method and path."""
    found: set[tuple[str, str, Permission]] = set()
    for route in Rest(World(), dict).routes:
        listed = [*(getattr(route, "needs", None) or ())]  # a permission, several joined by |, or a collection
        found |= {
            (route.method, shape(route.path), permission) for permission in {*listed, *permissions_of(route.handler)}
        }
    return found


def test_every_permission_that_a_route_asks_for_is_refused_or_shows_less_above() -> None:
    held = {(row.case.method, shape(row.case.path), row.permission) for row in (*NEEDED, *SHOWN)}
    never = {(method, shape(path), permission) for method, path, permission in NEVER | APART}
    asked = asked_for()
    assert len(asked) > 75  # else the code is not read as it is written
    assert asked - held - never == set()
    assert held - asked == set()
    assert never <= asked


# What the bot does not see, and where it is not


@dataclass
class Place:
    """A channel or a guild, and the field of a path that names it."""

    field: str
    name: str


OUT_OF_REACH = [
    Place("channel_id", "hidden"),
    Place("channel_id", "foreign_channel"),
    Place("channel_id", "unseen_thread"),
    Place("guild_id", "foreign"),
]
LEAVING = ("DELETE", "/users/@me/guilds/{guild_id}")
"""For this route Discord knows no guild that the bot is not in (10004)."""


@pytest.mark.parametrize("place", OUT_OF_REACH, ids=str)
async def test_no_route_answers_of_a_place_that_the_bot_does_not_see(place: Place) -> None:
    cases = {(row.case.method, row.case.path): row.case for row in NEEDED} | {
        (case.method, case.path): case for case in GOOD if f"{{{place.field}}}" in case.path
    }
    cases = {route: case for route, case in cases.items() if f"{{{place.field}}}" in route[1] and route != LEAVING}
    assert len(cases) > 25
    async with Sandbox() as sandbox:
        world, names = sandbox.world, prepared(sandbox.world)
        general = world.channels[int(names["channel_id"])]
        names["unseen_thread"] = str(world.threads.start(general, "private", world.owner, kind=PRIVATE_THREAD).id)
        take(world, P.MANAGE_THREADS)  # with which a bot sees all threads
        changes: list[object] = []
        world.changes.subscribe(changes.append)
        for case in cases.values():
            elsewhere = replace(case, names={**case.names, place.field: place.name})
            status, body, _ = await call(elsewhere, sandbox, names)
            assert (status, body and json.loads(body)["code"]) == (403, 50001), elsewhere
    assert changes == []


# What no permission is enough for

IN_STALE = {"channel_id": "stale", "message_id": "in_stale"}

FORBIDDEN = [
    # roles at or above the bot's own, those of bots, and @everyone
    Case("PATCH", MEMBER, 403, {"roles": ["{boss}"]}, code=50013),
    *(Case("PUT", MEMBER_ROLE, 403, names={"role_id": role}, code=50013) for role in ("other_bots_role", "guild_id")),
    Case("PATCH", MEMBER, 403, {"roles": ["{other_bots_role}"]}, code=50013),
    Case("PATCH", ROLE, 403, {"name": "x"}, {"role_id": "managed"}, code=50013),
    *(
        Case("POST", INVITES, 403, {"role_ids": [f"{{{role}}}"]}, code=50013)
        for role in ("boss", "other_bots_role", "guild_id")
    ),
    # members who do not stand below the bot, and administrators
    Case("DELETE", MEMBER, 403, names={"user_id": "peer"}, code=50013),
    Case("PUT", BAN, 403, names={"user_id": "peer"}, code=50013),
    Case("PATCH", MEMBER, 403, {"nick": "x"}, {"user_id": "boss_member"}, code=50013),
    Case("POST", GUILD + "/bulk-ban", 400, {"user_ids": ["{boss_member}", "{peer}"]}, code=500000),
    Case("PATCH", MEMBER, 403, {"communication_disabled_until": "{soon}"}, {"user_id": "administrator"}, code=50013),
    # permissions that the bot does not have itself
    Case("PATCH", CHANNEL, 403, {"permission_overwrites": [{"id": "{bob}", "type": 1, "allow": 8}]}, code=50013),
    Case(
        "POST",
        GUILD + "/channels",
        403,
        {"name": "x", "permission_overwrites": [{"id": "{bob}", "type": 1, "allow": 8}]},
        code=50013,
    ),
    Case("PUT", OVERWRITE, 403, {"type": 1, "allow": 8}, {"overwrite_id": "bob"}, code=50013),
    Case("PATCH", ROLE, 403, {"permissions": 8}, code=50013),
    # archived threads
    Case("PATCH", MESSAGE, 400, {"content": "x"}, IN_STALE, code=50083),
    Case("DELETE", MESSAGE, 400, names=IN_STALE, code=50083),
    Case("PUT", REACTION + "/@me", 400, names={**IN_STALE, **THUMB}, code=50083),
    Case("PUT", PINS + "/{message_id}", 400, names=IN_STALE, code=50083),
    Case("PATCH", CHANNEL, 400, {"name": "x"}, {"channel_id": "stale"}, code=50083),
    Case("PUT", THREAD_MEMBERS + "/{user_id}", 400, names={"channel_id": "stale"}, code=50083),
    # messages that are Discord's own, and what the user wrote in direct messages
    Case("PATCH", MESSAGE, 403, {"content": "x"}, {"message_id": "bots_system_message"}, code=50021),
    Case("DELETE", MESSAGE, 403, names={"channel_id": "dms", "message_id": "dm_message"}, code=50003),
    # webhooks
    Case("PATCH", HOOK, 403, {"channel_id": "{silent}"}, A_HOOK, code=50013),
    Case("GET", HOOK, 403, names={"webhook_id": "foreign_hook"}, code=50013),
    Case("DELETE", HOOK, 403, names={"webhook_id": "foreign_hook"}, code=50013),
    *(
        Case("POST", WEBHOOK, 404, {"content": "x"}, A_HOOK, f"?thread_id={{{place}}}", code=10003)
        for place in ("thread_elsewhere", "quiet")
    ),
    *(
        Case(method, path, 401, body, {**A_HOOK, "webhook_token": "forum_token"}, code=50027, authorized=False)
        for path, methods in ((WEBHOOK, ("GET", "PATCH", "DELETE", "POST")), (WEBHOOK_MESSAGE, ("GET", "DELETE")))
        for method in methods
        for body in [{"name": "x"} if method == "PATCH" else {"content": "x"} if method == "POST" else None]
    ),
    # emojis of guilds that the bot is not in
    Case("PUT", REACTION + "/@me", 400, names={"emoji_name": "foreign_emoji"}, code=10014),
    # interactions: an id with the token of another one, and messages that are no answers to this one
    Case(
        "POST",
        CALLBACK,
        404,
        {"type": 4, "data": {"content": "x"}},
        {"interaction_id": "dm", "interaction_token": "command_token"},
        code=10062,
    ),
    *(
        Case(method, WEBHOOK_MESSAGE, 404, body, {"webhook_token": token, "message_id": message}, code=10008)
        for token, message in (("answered_token", "adas_message"), ("deferred_token", "followup"))
        for method, body in (("GET", None), ("PATCH", {"content": "x"}), ("DELETE", None))
    ),
]


@pytest.mark.parametrize("case", FORBIDDEN, ids=str)
async def test_what_no_permission_is_enough_for_is_refused_and_changes_nothing(case: Case) -> None:
    status, refusal, changes = await answer(case, 0)
    assert (status, refusal and refusal.get("code"), changes) == (case.status, case.code, [])


async def test_a_member_list_needs_the_members_intent() -> None:
    async with Sandbox() as sandbox:
        names = prepared(sandbox.world)
        sandbox.world.application_flags = 0
        status, body, _ = await call(Case("GET", GUILD + "/members", 403), sandbox, names)
    assert (status, json.loads(body)["code"]) == (403, 50001)


async def test_flags_that_a_bot_cannot_set_are_left_out() -> None:
    _, message, _ = await answer(
        Case("POST", MESSAGES, 200, {"content": "x", "flags": ((1 << 15) - 1) & ~(1 << 13)}), 0
    )
    assert message["flags"] == 1 << 2 | 1 << 12
    before, after = [
        (await answer(case, 0))[1]["flags"]
        for case in (
            Case("GET", "/applications/@me", 200),
            Case("PATCH", "/applications/@me", 200, {"flags": 1 << 6 | 1 << 15}),
        )
    ]
    assert (before & 1 << 6, after & 1 << 6, after & 1 << 15) == (0, 0, 1 << 15)


async def test_who_made_a_webhook_is_not_shown_to_who_has_its_token_alone() -> None:
    for case, shown in ((Case("GET", HOOK, 200, names=A_HOOK), True), (Case("GET", WEBHOOK, 200, names=A_HOOK), False)):
        _, webhook, _ = await answer(case, 0)
        assert ("user" in webhook) is shown


@pytest.mark.parametrize("archived", [False, True])
async def test_private_threads_that_the_bot_is_not_in_are_not_listed(archived: bool) -> None:
    async with Sandbox() as sandbox:
        world, names = sandbox.world, prepared(sandbox.world)
        general = world.channels[int(names["channel_id"])]
        unseen, joined = (world.threads.start(general, "private", world.owner, kind=PRIVATE_THREAD) for _ in range(2))
        world.threads.join(joined, world.bot)
        for thread in (unseen, joined):
            world.threads.edit(thread, archived=archived)
        path = "/users/@me/threads/archived/private" if archived else "/threads/active"
        case = Case("GET", (CHANNEL if archived else GUILD) + path, 200)
        for taken, seen in ((NOTHING, not archived), (P.MANAGE_THREADS, False)):
            take(world, taken)
            _, body, _ = await call(case, sandbox, names)
            listed = {thread["id"] for thread in json.loads(body)["threads"]}
            assert (str(joined.id) in listed, str(unseen.id) in listed) == (True, seen)
