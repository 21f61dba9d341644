"""What a bot can be asked in a world: its commands, and the interactions of people with it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence

from wisp.clock import Clock
from wisp.limits import ATTACHMENT_SIZE
from wisp.sandbox.world.changes import CommandsChanged, InteractionCreated
from wisp.sandbox.world.objects import INTERACTION_LIFETIME, JSON, Channel, Guild, Interaction, Member, Message, User
from wisp.sandbox.world.state import Ground


class Calls(Ground):
    """The bot's commands by scope (None: everywhere) and id, and the interactions that can still be answered."""

    application: int

    def __init__(self, *, clock: Clock | None = None, shards: int = 1) -> None:
        super().__init__(clock=clock, shards=shards)
        self.interactions: dict[int, Interaction] = {}
        self.commands: dict[int | None, dict[int, JSON]] = {None: {}}
        self._tokens: dict[str, Interaction] = {}

    def visible_commands(self, guild: Guild | None) -> list[JSON]:
        """The commands that can be used in a guild (its own, then global ones), or in direct messages (None)."""
        everywhere = [command for command in self.commands[None].values() if _offered(command, guild)]
        return everywhere if guild is None else [*self.commands.get(guild.id, {}).values(), *everywhere]

    def set_command(self, guild: Guild | None, command: JSON) -> JSON:
        """Register one command, in the place of the one with its type and name; says what is registered then.

        `id`, `application_id`, `version` and what Discord fills in itself are added to a copy.
        """
        scope = self.commands.setdefault(guild.id if guild else None, {})
        key = (command["name"], command.get("type") or 1)
        number = next((number for number, old in scope.items() if (old["name"], old["type"]) == key), None)
        return self.change_command(guild, self.next_id() if number is None else number, command)

    def change_command(self, guild: Guild | None, number: int, command: JSON) -> JSON:
        """Let the command of an id be this; says what is registered then. Its `version` tells of each change."""
        scope = self.commands.setdefault(guild.id if guild else None, {})
        full = self._full_command(number, guild, command)
        old = scope.get(number, {})
        if {**old, "version": full["version"]} == full:
            return old
        scope[number] = full
        self.happen(CommandsChanged(guild))
        return full

    def replace_commands(self, guild: Guild | None, commands: Sequence[JSON]) -> list[JSON]:
        """Make these the only commands of a scope; says what is registered then, in the same order."""
        kept = [self.set_command(guild, command) for command in commands]
        scope = self.commands.setdefault(guild.id if guild else None, {})
        numbers = {int(command["id"]) for command in kept}
        for number in [number for number in scope if number not in numbers]:
            self.remove_command(guild, number)
        return kept

    def remove_command(self, guild: Guild | None, number: int) -> None:
        """Forget one command. Raises KeyError where there is none."""
        del self.commands[guild.id if guild else None][number]
        self.happen(CommandsChanged(guild))

    def _full_command(self, number: int, guild: Guild | None, command: JSON) -> JSON:
        full: JSON = {
            "id": str(number),
            "application_id": str(self.application),
            "version": str(self.next_id()),
            "type": command.get("type") or 1,
            "name": command["name"],
            "description": command.get("description") or "",
            "name_localizations": command.get("name_localizations") or None,
            "description_localizations": command.get("description_localizations") or None,
            "default_member_permissions": _permissions_text(command.get("default_member_permissions")),
            "nsfw": bool(command.get("nsfw")),
            "integration_types": command.get("integration_types") or [0],
        }
        if command.get("options"):
            full["options"] = [_stored_option(option) for option in command["options"]]
        if guild is not None:
            return {**full, "guild_id": str(guild.id)}
        in_dms = command.get("dm_permission") is not False
        return {**full, "contexts": command.get("contexts"), "dm_permission": in_dms}

    # Interactions

    def create_interaction(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: JSON,
        *,
        message: Message | None = None,
        opened_by: Interaction | None = None,
        locale: str = "en-US",
    ) -> Interaction:
        """Something that a user asks of the bot, sent to it as INTERACTION_CREATE.

        `kind` is COMMAND, COMPONENT, AUTOCOMPLETE or MODAL_SUBMIT; `data` is Discord's interaction data,
        complete (a command's id, name, type, options and resolved; a component's custom_id, component_type
        and values). `message` is the one that a component sits on, also for the modal that it opened;
        `opened_by` is the interaction that opened a modal. Raises KeyError where the user is no member of
        the channel's guild.
        """
        number = self.next_id()
        interaction = Interaction(
            number,
            _token(number),
            kind,
            self.application,
            user,
            channel,
            self.clock.monotonic(),
            data,
            message,
            opened_by=opened_by,
        )
        self._forget_old_interactions()
        self.interactions[interaction.id] = self._tokens[interaction.token] = interaction
        payload = self._interaction_payload(interaction, locale)
        self.happen(InteractionCreated(interaction))
        self.dispatch("INTERACTION_CREATE", payload, interaction.guild)
        return interaction

    def interaction_with(self, token: str) -> Interaction | None:
        """The interaction of this token, None where there is none or it is too old to be answered."""
        interaction = self._tokens.get(token)
        return None if interaction is None or self.age(interaction) > INTERACTION_LIFETIME else interaction

    def age(self, interaction: Interaction) -> float:
        """Seconds since an interaction was made."""
        return self.clock.monotonic() - interaction.created

    def _forget_old_interactions(self) -> None:
        while self.interactions:
            oldest = next(iter(self.interactions.values()))
            if self.age(oldest) <= INTERACTION_LIFETIME:
                return
            del self.interactions[oldest.id], self._tokens[oldest.token]

    def _interaction_payload(self, interaction: Interaction, locale: str) -> JSON:
        guild = interaction.guild
        payload: JSON = {
            "id": str(interaction.id),
            "application_id": str(interaction.application_id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(interaction.channel.id),
            "channel": self.partial_channel(interaction.channel, interaction.user),
            "app_permissions": str(self.permissions(self.bot, interaction.channel)),
            "locale": locale,
            "entitlements": [],
            "authorizing_integration_owners": interaction.integration_owners,
            "context": 1 if guild is None else 0,
            "attachment_size_limit": ATTACHMENT_SIZE,
        }
        if interaction.message is not None:
            payload["message"] = interaction.message.payload()
        if guild is None:
            return {**payload, "user": interaction.user.payload()}
        permissions = str(self.permissions(interaction.user, interaction.channel))
        return payload | {
            "guild_id": str(guild.id),
            "guild_locale": "en-US",
            "guild": {"id": str(guild.id), "features": [], "locale": "en-US"},
            "member": {**guild.members[interaction.user.id].payload(), "permissions": permissions},
        }

    def partial_channel(self, channel: Channel, user: User) -> JSON:
        """A channel as interactions carry it, with what `user` may do there."""
        return {**channel.payload(), "permissions": str(self.permissions(user, channel))}

    def resolved_member(self, member: Member, channel: Channel) -> JSON:
        """A member as an interaction's resolved data carries it, with what they may do in `channel`."""
        member_payload = member.payload(with_user=False)
        for left_out in ("deaf", "mute"):
            del member_payload[left_out]
        return {**member_payload, "permissions": str(self.permissions(member.user, channel))}


def _token(interaction: int) -> str:
    """A token as Discord makes them: base64 of "interaction:", the id and a secret."""
    said = f"interaction:{interaction}:{secrets.token_urlsafe(48)}"
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _offered(command: JSON, guild: Guild | None) -> bool:
    """Whether a global command can be used in a guild or (None) in the bot's direct messages."""
    contexts = command["contexts"]
    if contexts is not None:
        return (1 if guild is None else 0) in contexts
    return guild is not None or command["dm_permission"]


_OPTION_FIELDS = ("type", "name", "name_localizations", "description", "description_localizations", "required")
_KIND_OPTION_FIELDS: Mapping[int, tuple[str, ...]] = {
    1: ("options",),
    2: ("options",),
    3: ("autocomplete", "choices", "min_length", "max_length"),
    4: ("autocomplete", "choices", "min_value", "max_value"),
    7: ("channel_types",),
    10: ("autocomplete", "choices", "min_value", "max_value"),
}
"""The fields of every option, and those of each type of option (interactions/application-commands)."""


def _stored_option(option: JSON) -> JSON:
    """What Discord keeps of an option: the fields that it knows and that were given."""
    names = (*_OPTION_FIELDS, *_KIND_OPTION_FIELDS.get(option["type"], ()))
    stored = {name: option[name] for name in names if option.get(name) not in (None, "", [])}
    if "choices" in stored:
        stored["choices"] = [
            {name: choice[name] for name in ("name", "name_localizations", "value") if choice.get(name) is not None}
            for choice in stored["choices"]
        ]
    if "options" in stored:
        stored["options"] = [_stored_option(inner) for inner in stored["options"]]
    return stored


def _permissions_text(permissions: str | int | None) -> str | None:
    return None if permissions is None else str(permissions)
