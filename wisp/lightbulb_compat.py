"""Raw lightbulb commands and hooks beside wisp's: the only file that knows lightbulb's private parts."""

from __future__ import annotations

# pyright: reportPrivateUsage=false
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import hikari
import lightbulb
import msgspec

from .bridge import encoder

if TYPE_CHECKING:
    from .command_tree import Root
    from .commands import ApplicationCommand


def client_of(gateway: hikari.GatewayBot) -> lightbulb.GatewayEnabledClient:
    """A lightbulb client whose interactions and registration wisp takes over."""
    client = lightbulb.client_from_app(gateway, sync_commands=False)
    for listener in gateway.get_listeners(hikari.InteractionCreateEvent, polymorphic=False):
        gateway.unsubscribe(hikari.InteractionCreateEvent, listener)
    return client


Invoke = Callable[[hikari.CommandInteraction], Awaitable[None]]


def mirror(root: Root, invoke: Invoke) -> Any:
    """A lightbulb command or group for one of wisp's: listed and, where hooks are about, run by lightbulb.

    `invoke` is what it does.
    """
    payload = root.payload()
    places: dict[str, Any] = {
        "nsfw": payload["nsfw"],
        "contexts": [hikari.ApplicationContextType(context) for context in payload["contexts"]],
        "integration_types": [hikari.ApplicationIntegrationType(install) for install in payload["integration_types"]],
        "default_member_permissions": hikari.UNDEFINED
        if payload["default_member_permissions"] is None
        else hikari.Permissions(int(payload["default_member_permissions"])),
    }
    if not root.parts:
        (command,) = root.commands
        description = {} if root.kind is not hikari.CommandType.SLASH else {"description": payload["description"]}
        return _lightbulb_class(command, payload, invoke, **description, **places)
    group = lightbulb.Group(root.name, payload["description"], **places)
    below: dict[str, Any] = {}
    for command in root.commands:
        *between, name = command.path[1:]
        texts, holder = payload["options"], group
        for part in between:
            option = next(option for option in texts if option["name"] == part)
            texts, holder = option["options"], below.get(part) or group.subgroup(part, option["description"])
            below[part] = holder
        option = next(option for option in texts if option["name"] == name)
        holder.register(_lightbulb_class(command, option, invoke, description=option["description"]))
    return group


def _lightbulb_class(
    command: ApplicationCommand[..., Any], payload: Mapping[str, Any], invoke: Invoke, **settings: Any
) -> Any:
    @lightbulb.invoke
    async def run(self: Any, ctx: lightbulb.Context) -> None:
        await invoke(ctx.interaction)

    base = {
        hikari.CommandType.SLASH: lightbulb.SlashCommand,
        hikari.CommandType.USER: lightbulb.UserCommand,
        hikari.CommandType.MESSAGE: lightbulb.MessageCommand,
    }[command.kind]
    attributes: dict[str, Any] = {"invoke": run, "__module__": command.function.__module__}
    for number, option in enumerate(payload["options"]):
        attributes[f"option{number}"] = _lightbulb_option(option)
    metaclass: Any = type(base)
    return metaclass(command.__name__, (base,), attributes, name=command.name, **settings)


def _lightbulb_option(payload: Mapping[str, Any]) -> Any:
    from lightbulb.commands import options

    data: options.OptionData[None, Any] = options.OptionData(
        type=hikari.OptionType(payload["type"]),
        name=payload["name"],
        description=payload["description"],
        default=hikari.UNDEFINED if payload["required"] else None,
    )
    return options.Option(data, None)


async def raw_payloads(
    client: lightbulb.Client, ours: Iterable[Any], entity_factory: hikari.api.EntityFactory
) -> list[tuple[Any, int | None, dict[str, Any]]]:
    """(command, guild or None, JSON) of each command that was registered with lightbulb and not by wisp."""
    found: list[tuple[Any, int | None, dict[str, Any]]] = []
    ours = set(ours)
    for command, places in client._registered_commands.items():
        if command in ours or places == "defer":
            continue
        builder = await command.as_command_builder(client.default_locale, client.localization_provider)
        data = command._command_data
        builder.set_is_nsfw(data.nsfw)
        payload: dict[str, Any] = {**builder.build(entity_factory), "nsfw": data.nsfw}
        if data.default_member_permissions is not hikari.UNDEFINED:
            payload["default_member_permissions"] = str(int(data.default_member_permissions))
        found.extend((command, int(place) or None, msgspec.json.decode(encoder.encode(payload))) for place in places)
    return found


def has_hooks(client: lightbulb.Client) -> bool:
    """Whether somebody put hooks on the client, which only lightbulb's pipeline runs."""
    return bool(client.hooks)


def knows_component(client: lightbulb.Client, custom_id: str) -> bool:
    """Whether a lightbulb menu or modal waits for this custom id."""
    return custom_id in client._attached_modals or any(custom_id in menu.custom_ids for menu in client._attached_menus)


def knows_command(client: lightbulb.Client, interaction: Any) -> bool:
    """Whether lightbulb has a command for this interaction."""
    return client._resolve_options_and_command(interaction) is not None
