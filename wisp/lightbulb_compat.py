"""lightbulb beside wisp: raw lightbulb commands work, and wisp's commands are lightbulb commands with its hooks."""

from __future__ import annotations

# pyright: reportPrivateUsage=false
import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import hikari
import lightbulb

from .bridge import to_json
from .context import handler_of, responder_of

if TYPE_CHECKING:
    from .command_tree import TopLevelCommand
    from .commands import ApplicationCommand
    from .context import Context
    from .owner import AnyHandler

_BASES: dict[hikari.CommandType, Any] = {
    hikari.CommandType.SLASH: lightbulb.SlashCommand,
    hikari.CommandType.USER: lightbulb.UserCommand,
    hikari.CommandType.MESSAGE: lightbulb.MessageCommand,
}


class LightbulbCompat:
    """The lightbulb client of one run. wisp receives its interactions and syncs its commands with Discord."""

    def __init__(self, gateway: hikari.GatewayBot) -> None:
        self.client: lightbulb.GatewayEnabledClient = lightbulb.client_from_app(gateway, sync_commands=False)
        self._registered: list[Any] = []
        self._classes: dict[AnyHandler, Any] = {}
        self._calls: dict[int, Callable[[], Awaitable[None]]] = {}
        for listener in gateway.get_listeners(hikari.InteractionCreateEvent, polymorphic=False):
            gateway.unsubscribe(hikari.InteractionCreateEvent, listener)

    def register(self, commands: Iterable[tuple[TopLevelCommand, Sequence[int]]]) -> None:
        """Replace wisp's commands in the client with these: each is registered in its guilds, or globally for none."""
        for command in self._registered:
            self.client.unregister(command)
        self._registered.clear()
        self._classes.clear()
        for root, guilds in commands:
            command = self._lightbulb_command(root)
            self.client.register(command, guilds=guilds or None, global_=None if guilds else True)
            self._registered.append(command)

    def _lightbulb_command(self, root: TopLevelCommand) -> Any:
        """Return the lightbulb command or group that stands for a command of wisp: hooks see its names."""
        if not root.groups:
            return self._lightbulb_class(root.commands[0])
        payload = root.payload()
        descriptions = {option["name"]: option["description"] for option in payload["options"]}
        group = lightbulb.Group(root.name, payload["description"])
        for command in root.commands:
            holder: Any = group
            if len(command.path) == 3:
                name = command.path[1]
                holder = group.subcommands.get(name) or group.subgroup(name, descriptions[name])
            holder.register(self._lightbulb_class(command))
        return group

    def _lightbulb_class(self, command: ApplicationCommand[..., Any]) -> Any:
        @lightbulb.invoke
        async def invoke(_: Any, ctx: lightbulb.Context) -> None:
            await self._calls.pop(ctx.interaction.id)()

        base, payload = _BASES[command.kind], command.payload()
        texts = {"name": payload["name"], "description": payload.get("description", "")}
        self._classes[command] = type(base)(command.__name__, (base,), {"invoke": invoke}, **texts)
        return self._classes[command]

    async def payloads(self, entity_factory: hikari.api.EntityFactory) -> list[tuple[int | None, dict[str, Any]]]:
        """Return the raw lightbulb commands as JSON, each with its guild id or None."""
        found: list[tuple[int | None, dict[str, Any]]] = []
        for command, guilds in self.client._registered_commands.items():
            if command in self._registered or guilds == "defer":
                continue
            builder = await command.as_command_builder(self.client.default_locale, self.client.localization_provider)
            data = command._command_data
            payload: dict[str, Any] = {**builder.build(entity_factory), "nsfw": data.nsfw}
            if data.default_member_permissions is not hikari.UNDEFINED:  # lightbulb omits "nobody"
                payload["default_member_permissions"] = str(int(data.default_member_permissions))
            found.extend((int(guild) or None, to_json(payload)) for guild in guilds)
        return found

    def handles(self, interaction: hikari.PartialInteraction) -> bool:
        """Return whether a raw lightbulb command, menu or modal answers this interaction."""
        if isinstance(interaction, (hikari.CommandInteraction, hikari.AutocompleteInteraction)):
            return self.client._resolve_options_and_command(interaction) is not None
        custom_id = getattr(interaction, "custom_id", None)
        menus = self.client._attached_menus
        return custom_id in self.client._attached_modals or any(custom_id in menu.custom_ids for menu in menus)

    async def run_with_hooks(self, ctx: Context, run: Callable[[], Awaitable[None]]) -> bool:
        """Run a call of a wisp command inside lightbulb's pipeline. Return False if a hook stopped it.

        Then the responder's `sent` is set if a hook has responded to the interaction.
        """
        responder, id, command = responder_of(ctx), ctx.interaction.id, self._classes[handler_of(ctx)]
        responded = responder.sent = asyncio.Event()

        async def proceed() -> None:
            if responded.is_set():
                await responder.catch_up()
            await run()

        self._calls[id] = proceed
        try:
            await self.client._execute_command_context(
                self.client.build_command_context(ctx.interaction, ctx.options, command, responded)
            )
            return id not in self._calls
        finally:
            self._calls.pop(id, None)
