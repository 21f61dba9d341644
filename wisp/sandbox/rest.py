"""The REST side: a table of routes, what each answers, and Discord's refusals."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Middleware

from wisp.limits import (
    CHAT_INPUT_COMMANDS,
    MESSAGE_COMMANDS,
    USER_COMMANDS,
    Problem,
    command_problems,
    commands_problems,
)
from wisp.sandbox.answers import Answers
from wisp.sandbox.forms import LARGEST_BODY, apply_draft, path_id, read_draft, read_form
from wisp.sandbox.refusals import (
    CANNOT_MESSAGE_USER,
    EMPTY_MESSAGE,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_A_TEXT_CHANNEL,
    NOT_THE_AUTHOR,
    NOT_THIS_APPLICATION,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    UNKNOWN_COMMAND,
    UNKNOWN_GUILD,
    UNKNOWN_MEMBER,
    UNKNOWN_MESSAGE,
    UNKNOWN_USER,
    Reason,
    Refusal,
    invalid_form,
    is_list,
    is_object,
    snowflake,
)
from wisp.sandbox.world import (
    ANNOUNCEMENT,
    COMPONENTS_V2,
    DM,
    JSON,
    STAGE,
    SUPPRESS_EMBEDS,
    TEXT,
    VOICE,
    Channel,
    Guild,
    Message,
    World,
    dumps,
)

_LOG = logging.getLogger(__name__)

BOT_FLAGS = SUPPRESS_EMBEDS | 1 << 12 | COMPONENTS_V2
"""Message flags that a bot can set in a channel: without embeds, without notification, new components."""

MANAGE_MESSAGES = 1 << 13
TEXT_CHANNELS = {TEXT, DM, VOICE, ANNOUNCEMENT, STAGE}
COMMAND_LIMITS = {1: CHAT_INPUT_COMMANDS, 2: USER_COMMANDS, 3: MESSAGE_COMMANDS, 4: 1}

Answer: TypeAlias = tuple[int, Any]
"""HTTP status and JSON; None with 204."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[Answer]]


class Route(NamedTuple):
    """One row of the table. `path` follows /api/v10; those that are not `bot` go without Authorization."""

    method: str
    path: str
    handler: Handler
    bot: bool = True


class Rest:
    """Discord's REST API over one world. `start_limit` says how many sessions a bot may still start."""

    def __init__(self, world: World, start_limit: Callable[[], JSON]) -> None:
        self.world = world
        self._start_limit = start_limit
        self.gateway_url = ""
        answers = Answers(world)
        commands = "/applications/{application}/commands"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        webhook = "/webhooks/{application}/{token}"
        self.routes: list[Route] = [
            Route("GET", "/gateway", self.get_gateway, bot=False),
            Route("GET", "/gateway/bot", self.get_gateway_bot),
            Route("GET", "/users/@me", self.get_me),
            Route("GET", "/users/@me/guilds", self.list_my_guilds),
            Route("POST", "/users/@me/channels", self.create_dm),
            Route("GET", "/users/{user}", self.get_user),
            Route("GET", "/applications/@me", self.get_application),
            Route("GET", "/oauth2/applications/@me", self.get_application),
            *(
                Route(method, root + path, handler)
                for root in (commands, guild_commands)
                for method, path, handler in (
                    ("GET", "", self.list_commands),
                    ("POST", "", self.create_command),
                    ("PUT", "", self.replace_commands),
                    ("GET", "/{command}", self.get_command),
                    ("PATCH", "/{command}", self.edit_command),
                    ("DELETE", "/{command}", self.delete_command),
                )
            ),
            Route("POST", "/interactions/{interaction}/{token}/callback", answers.callback, bot=False),
            Route("POST", webhook, answers.follow_up, bot=False),
            Route("GET", webhook + "/messages/{message}", answers.get_message, bot=False),
            Route("PATCH", webhook + "/messages/{message}", answers.edit_message, bot=False),
            Route("DELETE", webhook + "/messages/{message}", answers.delete_message, bot=False),
            Route("GET", "/channels/{channel}", self.get_channel),
            Route("POST", "/channels/{channel}/typing", self.start_typing),
            Route("GET", "/channels/{channel}/messages", self.list_messages),
            Route("POST", "/channels/{channel}/messages", self.create_message),
            Route("GET", "/channels/{channel}/messages/{message}", self.get_message),
            Route("PATCH", "/channels/{channel}/messages/{message}", self.edit_message),
            Route("DELETE", "/channels/{channel}/messages/{message}", self.delete_message),
            Route("GET", "/guilds/{guild}", self.get_guild),
            Route("GET", "/guilds/{guild}/channels", self.list_channels),
            Route("GET", "/guilds/{guild}/roles", self.list_roles),
            Route("GET", "/guilds/{guild}/members/{user}", self.get_member),
        ]

    def application(
        self, gateway: Callable[[web.Request], Awaitable[web.StreamResponse]], faults: Middleware
    ) -> web.Application:
        """The routes as an aiohttp application; with the gateway, and the files that messages carry."""
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[faults])
        for route in self.routes:
            application.router.add_route(route.method, r"/api/v{version:9|10}" + route.path, self._served(route))
        application.router.add_get("/gateway", gateway)
        application.router.add_get("/attachments/{attachment}/{filename}", self.download)
        application.router.add_route("*", "/{rest:.*}", self.refuse_unserved)
        return application

    def _served(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler of a route as aiohttp wants it: authorized, refusals answered, failures logged."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                if route.bot and request.headers.get("Authorization") != f"Bot {self.world.token}":
                    raise Refusal(UNAUTHORIZED)
                status, body = await route.handler(request)
            except Refusal as refusal:
                return _json_response(refusal.status, refusal.body)
            except Exception as error:
                _LOG.exception("the sandbox failed to answer %s %s", route.method, route.path)
                self.world.errors.append(error)
                return _json_response(500, {"message": "500: Internal Server Error", "code": 0})
            return _json_response(status, body)

        return serve

    async def refuse_unserved(self, request: web.Request) -> web.StreamResponse:
        """Answer what the sandbox does not have, and say so in its log."""
        route = f"{request.method} {_route_name(request.path)}"
        self.world.unserved[route] += 1
        message = f'the sandbox does not serve {route} yet: see README, "What the sandbox serves"'
        _LOG.warning("%s", message)
        return _json_response(404, {"message": message, "code": 0})

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes of an attachment."""
        number = request.match_info["attachment"]
        attachment = self.world.attachments.get(int(number)) if number.isdecimal() and len(number) < 20 else None
        if attachment is None or attachment.filename != request.match_info["filename"]:
            return web.Response(status=404, text="This content is no longer available.")
        # A bot may upload a web page; opened in a browser it must not act as the sandbox's own.
        harmless = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=attachment.content, content_type=attachment.content_type, headers=harmless)

    # Gateway, users, application

    async def get_gateway(self, request: web.Request) -> Answer:
        """Where the gateway is."""
        return 200, {"url": self.gateway_url}

    async def get_gateway_bot(self, request: web.Request) -> Answer:
        """Where the gateway is, and how many shards to use."""
        limit = self._start_limit()
        return 200, {"url": self.gateway_url, "shards": self.world.shards, "session_start_limit": limit}

    async def get_me(self, request: web.Request) -> Answer:
        """The bot's own user."""
        me = {"mfa_enabled": False, "locale": "en-US", "verified": True, "email": None, "premium_type": 0}
        return 200, self.world.bot.payload() | me

    async def get_user(self, request: web.Request) -> Answer:
        """Any user."""
        user = self.world.users.get(path_id(request, "user"))
        if user is None:
            raise Refusal(UNKNOWN_USER)
        return 200, user.payload()

    async def get_application(self, request: web.Request) -> Answer:
        """The bot's application."""
        return 200, self.world.application_payload()

    async def list_my_guilds(self, request: web.Request) -> Answer:
        """The guilds that the bot is in, ordered by id."""
        limit, before, after = _page(request, most=200, default=200)
        guilds = [
            guild
            for guild in self.world.guilds.values()
            if self.world.bot.id in guild.members and after < guild.id < before
        ]
        with_counts = request.query.get("with_counts", "").lower() in {"true", "1"}
        chosen = guilds[:limit] if "before" not in request.query else guilds[-limit:]
        return 200, [self._my_guild(guild, with_counts=with_counts) for guild in chosen]

    def _my_guild(self, guild: Guild, *, with_counts: bool) -> JSON:
        payload: JSON = {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": guild.owner is self.world.bot,
            "permissions": str(guild.members[self.world.bot.id].permissions),
            "features": [],
        }
        return payload | _counts(guild) if with_counts else payload

    async def create_dm(self, request: web.Request) -> Answer:
        """Open direct messages with a user."""
        form = (await read_form(request)).object()
        user = self.world.users.get(snowflake(form.get("recipient_id"), ("recipient_id",)))
        if user is None:
            raise Refusal(UNKNOWN_USER)
        if user is self.world.bot:
            raise Refusal(CANNOT_MESSAGE_USER)
        return 200, self.world.dm(user).payload()

    # Commands

    async def list_commands(self, request: web.Request) -> Answer:
        """A scope's commands, with their localizations where asked for."""
        commands = self._commands(self._scope(request)).values()
        if request.query.get("with_localizations", "").lower() in {"true", "1"}:
            return 200, list(commands)
        return 200, [_without_localizations(command) for command in commands]

    async def create_command(self, request: web.Request) -> Answer:
        """Register a command, in the place of one with its type and name."""
        guild = self._scope(request)
        command = (await read_form(request)).object()
        _refuse(command_problems(command))
        existed = self._same_command(guild, command) is not None
        if not existed:
            self._refuse_one_more(guild, command.get("type") or 1)
        return 200 if existed else 201, self.world.set_command(guild, command)

    async def replace_commands(self, request: web.Request) -> Answer:
        """Make the commands of a scope exactly these."""
        guild = self._scope(request)
        payload = (await read_form(request)).payload
        commands: list[Any] = [] if payload is None else payload
        if not is_list(commands):
            raise invalid_form(Problem((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
        for kind, limit in COMMAND_LIMITS.items():
            if sum(is_object(command) and (command.get("type") or 1) == kind for command in commands) > limit:
                raise Refusal(_too_many_commands(limit))
        _refuse(commands_problems(commands))
        return 200, self.world.replace_commands(guild, commands)

    async def get_command(self, request: web.Request) -> Answer:
        """One command."""
        return 200, self._command(request)

    async def edit_command(self, request: web.Request) -> Answer:
        """Change some fields of a command."""
        old = self._command(request)
        guild = self._scope(request)
        changes = (await read_form(request)).object()
        command = old | changes | {"type": old["type"]}
        _refuse(command_problems(command))
        if (same := self._same_command(guild, command)) is not None and same is not old:
            code = "APPLICATION_COMMANDS_DUPLICATE_NAME"
            raise invalid_form(Problem(("name",), code, "Application command names must be unique"))
        return 200, self.world.change_command(guild, int(old["id"]), command)

    async def delete_command(self, request: web.Request) -> Answer:
        """Remove a command."""
        self.world.remove_command(self._scope(request), int(self._command(request)["id"]))
        return 204, None

    def _scope(self, request: web.Request) -> Guild | None:
        """The guild of a route for commands, None for global ones. Raises `Refusal` where it is not ours."""
        if path_id(request, "application") != self.world.application:
            raise Refusal(NOT_THIS_APPLICATION)
        if "guild" not in request.match_info:
            return None
        guild = self.world.guilds.get(path_id(request, "guild"))
        if guild is None or self.world.bot.id not in guild.members:
            raise Refusal(MISSING_ACCESS)
        return guild

    def _commands(self, guild: Guild | None) -> dict[int, JSON]:
        return self.world.commands.get(guild.id if guild else None, {})

    def _command(self, request: web.Request) -> JSON:
        command = self._commands(self._scope(request)).get(path_id(request, "command"))
        if command is None:
            raise Refusal(UNKNOWN_COMMAND)
        return command

    def _same_command(self, guild: Guild | None, command: JSON) -> JSON | None:
        key = (command["name"], command.get("type") or 1)
        return next((o for o in self._commands(guild).values() if (o["name"], o["type"]) == key), None)

    def _refuse_one_more(self, guild: Guild | None, kind: int) -> None:
        limit = COMMAND_LIMITS[kind]
        if sum(command["type"] == kind for command in self._commands(guild).values()) >= limit:
            raise Refusal(_too_many_commands(limit))

    # Channels and their messages

    async def get_channel(self, request: web.Request) -> Answer:
        """One channel."""
        return 200, self._channel(request).payload()

    async def start_typing(self, request: web.Request) -> Answer:
        """Show that the bot is typing."""
        self.world.show_typing(self._text_channel(request), self.world.bot)
        return 204, None

    async def list_messages(self, request: web.Request) -> Answer:
        """A channel's messages, newest first."""
        limit, before, after = _page(request, most=100, default=50)
        messages = list(self._text_channel(request).messages.values())
        if "around" in request.query:
            middle = snowflake(request.query["around"], ("around",))
            place = sum(message.id < middle for message in messages)
            start = max(0, place - limit // 2)
            chosen = messages[start : start + limit]
        else:
            found = [message for message in messages if after < message.id < before]
            chosen = found[:limit] if "after" in request.query else found[-limit:]
        return 200, [message.payload() for message in reversed(chosen)]

    async def create_message(self, request: web.Request) -> Answer:
        """Post a message as the bot."""
        channel = self._text_channel(request)
        form = await read_form(request)
        draft = read_draft(self.world, form)
        if draft.empty:
            raise Refusal(EMPTY_MESSAGE)
        payload = form.object()
        reference = self._reference(channel, payload.get("message_reference"))
        message = self.world.add_message(
            channel,
            self.world.bot,
            content=draft.content or "",
            embeds=draft.embeds or (),
            components=draft.components or (),
            attachments=draft.attachments or (),
            flags=(draft.flags or 0) & BOT_FLAGS,
            kind=19 if reference else 0,
            reference=reference,
            allowed_mentions=draft.allowed_mentions,
            tts=bool(payload.get("tts")),
            nonce=_nonce(payload.get("nonce")),
        )
        return 200, message.payload()

    async def get_message(self, request: web.Request) -> Answer:
        """One message of a channel."""
        return 200, self._message(request).payload()

    async def edit_message(self, request: web.Request) -> Answer:
        """Change one of the bot's messages."""
        message = self._message(request)
        if message.author is not self.world.bot:
            raise Refusal(NOT_THE_AUTHOR)
        draft = read_draft(self.world, await read_form(request), old=message)
        apply_draft(self.world, message, draft)
        return 200, message.payload()

    async def delete_message(self, request: web.Request) -> Answer:
        """Delete a message: the bot's, or with the permission to manage messages anybody's."""
        message = self._message(request)
        allowed = self.world.permissions(self.world.bot, message.channel)
        mine = message.author is self.world.bot
        if not mine and (message.channel.guild is None or not allowed & MANAGE_MESSAGES):
            raise Refusal(MISSING_PERMISSIONS)
        self.world.delete_message(message)
        return 204, None

    def _channel(self, request: web.Request) -> Channel:
        channel = self.world.channels.get(path_id(request, "channel"))
        if channel is None:
            raise Refusal(UNKNOWN_CHANNEL)
        if channel.guild is not None and self.world.bot.id not in channel.guild.members:
            raise Refusal(MISSING_ACCESS)
        return channel

    def _text_channel(self, request: web.Request) -> Channel:
        channel = self._channel(request)
        if channel.kind not in TEXT_CHANNELS:
            raise Refusal(NOT_A_TEXT_CHANNEL)
        return channel

    def _message(self, request: web.Request) -> Message:
        message = self._channel(request).messages.get(path_id(request, "message"))
        if message is None:
            raise Refusal(UNKNOWN_MESSAGE)
        return message

    def _reference(self, channel: Channel, reference: object) -> Message | None:
        """The message that is replied to. Raises `Refusal` where it is not in the channel."""
        if reference is None:
            return None
        if not is_object(reference):
            raise invalid_form(Problem(("message_reference",), "MODEL_TYPE_CONVERT", "Expected an object/dictionary."))
        number = snowflake(reference.get("message_id"), ("message_reference", "message_id"))
        message = channel.messages.get(number)
        if message is None and reference.get("fail_if_not_exists") is not False:
            code = "MESSAGE_REFERENCE_UNKNOWN_MESSAGE"
            raise invalid_form(Problem(("message_reference",), code, "Unknown message"))
        return message

    # Guilds

    async def get_guild(self, request: web.Request) -> Answer:
        """One guild, with its counts where asked for."""
        guild = self._guild(request)
        with_counts = request.query.get("with_counts", "").lower() in {"true", "1"}
        return 200, guild.payload() | _counts(guild) if with_counts else guild.payload()

    async def list_channels(self, request: web.Request) -> Answer:
        """A guild's channels."""
        return 200, [channel.payload() for channel in self._guild(request).channels.values()]

    async def list_roles(self, request: web.Request) -> Answer:
        """A guild's roles."""
        return 200, [role.payload() for role in self._guild(request).roles.values()]

    async def get_member(self, request: web.Request) -> Answer:
        """One member of a guild."""
        number = path_id(request, "user")
        member = self._guild(request).members.get(number)
        if member is None:
            raise Refusal(UNKNOWN_MEMBER if number in self.world.users else UNKNOWN_USER)
        return 200, member.payload()

    def _guild(self, request: web.Request) -> Guild:
        guild = self.world.guilds.get(path_id(request, "guild"))
        if guild is None:
            raise Refusal(UNKNOWN_GUILD)
        if self.world.bot.id not in guild.members:
            raise Refusal(MISSING_ACCESS)
        return guild


def _json_response(status: int, body: Any) -> web.Response:
    if status == 204:
        return web.Response(status=204)
    return web.Response(status=status, body=dumps(body), content_type="application/json")


def _route_name(path: str) -> str:
    """A path that can be logged and counted: without ids, and above all without tokens."""
    parts = ["{id}" if part.isdecimal() else "{token}" if len(part) > 32 else part for part in path.split("/")]
    return "/".join(parts)


def _counts(guild: Guild) -> JSON:
    return {
        "approximate_member_count": len(guild.members),
        "approximate_presence_count": len(guild.members),
    }


def _page(request: web.Request, *, most: int, default: int) -> tuple[int, int, int]:
    """What a list is asked for: how many, before which id, after which. Raises `Refusal`."""
    query = request.query
    text = query.get("limit", str(default))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
        raise invalid_form(
            Problem(("limit",), "NUMBER_TYPE_COERCE", f'Value "{text[:32]}" is not int between 1 and {most}.')
        )
    before = snowflake(query["before"], ("before",)) if "before" in query else 1 << 63
    after = snowflake(query["after"], ("after",)) if "after" in query else 0
    return int(text), before, after


def _nonce(nonce: object) -> str | int | None:
    if nonce is None or (isinstance(nonce, str) and len(nonce) <= 25):
        return nonce
    if isinstance(nonce, int) and not isinstance(nonce, bool) and abs(nonce) < 1 << 63:
        return nonce
    raise invalid_form(Problem(("nonce",), "NONCE_TYPE_COERCE", "Value is not a nonce: 25 characters or an int."))


def _refuse(problems: Iterable[Problem]) -> None:
    if found := list(problems):
        raise invalid_form(*found)


def _too_many_commands(limit: int) -> Reason:
    return Reason(400, 30032, f"Maximum number of application commands reached ({limit})")


def _without_localizations(value: Any) -> Any:
    if is_object(value):
        return {
            key: _without_localizations(inner)
            for key, inner in value.items()
            if key not in {"name_localizations", "description_localizations"}
        }
    if is_list(value):
        return [_without_localizations(inner) for inner in value]
    return value
