"""Interactions in a world: those that the bot can still answer."""

from __future__ import annotations

import base64
import secrets

from wisp.limits import ATTACHMENT_SIZE
from wisp.sandbox.world.changes import InteractionCreated
from wisp.sandbox.world.objects import INTERACTION_LIFETIME, JSON, Channel, Interaction, Member, Message, User
from wisp.sandbox.world.state import Registry, State


class Interactions(Registry[int, Interaction]):
    """The interactions of the last 15 minutes by id."""

    def __init__(self, world: State) -> None:
        super().__init__(world)
        self._tokens: dict[str, Interaction] = {}

    def create(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: JSON,
        *,
        message: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> Interaction:
        """Create an interaction of a user with the bot, which gets it as INTERACTION_CREATE.

        `kind` is COMMAND, COMPONENT, AUTOCOMPLETE or MODAL_SUBMIT; `data` is Discord's interaction data,
        complete (a command's id, name, type, options and resolved; a component's custom_id, component_type
        and values). `message` is the one that a component sits on, also for the modal that it opened;
        `opened_by` is the interaction that opened a modal. Raises KeyError if the user is not a member of
        the channel's guild.
        """
        id_ = self._world.next_id()
        interaction = Interaction(
            id_,
            _token(id_),
            kind,
            self._world.application,
            user,
            channel,
            self._world.clock.monotonic(),
            data,
            message,
            opened_by=opened_by,
        )
        self._forget_old()
        self._items[interaction.id] = self._tokens[interaction.token] = interaction
        payload = self._payload(interaction)
        self._world.changes.send(InteractionCreated(interaction))
        self._world.dispatch("INTERACTION_CREATE", payload, interaction.guild)
        return interaction

    def with_token(self, token: str) -> Interaction | None:
        """Return the interaction with this token, None if there is none or it is too old to be answered."""
        interaction = self._tokens.get(token)
        return None if interaction is None or self.age(interaction) > INTERACTION_LIFETIME else interaction

    def age(self, interaction: Interaction) -> float:
        """Return the seconds since an interaction was created."""
        return self._world.clock.monotonic() - interaction.created

    def _forget_old(self) -> None:
        while self._items:
            oldest = next(iter(self._items.values()))
            if self.age(oldest) <= INTERACTION_LIFETIME:
                return
            del self._items[oldest.id], self._tokens[oldest.token]

    def _payload(self, interaction: Interaction) -> JSON:
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
            "app_permissions": str(self._world.permissions(self._world.bot, interaction.channel)),
            "locale": interaction.user.locale,
            "entitlements": [],
            "authorizing_integration_owners": interaction.integration_owners,
            "context": 1 if guild is None else 0,
            "attachment_size_limit": ATTACHMENT_SIZE,
        }
        if interaction.message is not None:
            payload["message"] = interaction.message.payload()
        if guild is None:
            return {**payload, "user": interaction.user.payload()}
        permissions = str(self._world.permissions(interaction.user, interaction.channel))
        return payload | {
            "guild_id": str(guild.id),
            "guild_locale": "en-US",
            "guild": {"id": str(guild.id), "features": [], "locale": "en-US"},
            "member": {**guild.members[interaction.user.id].payload(), "permissions": permissions},
        }

    def partial_channel(self, channel: Channel, user: User) -> JSON:
        """Return Discord's partial channel as interactions have it, with the permissions of `user`."""
        return {**channel.payload(), "permissions": str(self._world.permissions(user, channel))}

    def resolved_member(self, member: Member, channel: Channel) -> JSON:
        """Return Discord's partial member as resolved data has it, with the permissions in `channel`."""
        member_payload = member.payload(with_user=False)
        for left_out in ("deaf", "mute"):
            del member_payload[left_out]
        return {**member_payload, "permissions": str(self._world.permissions(member.user, channel))}


def _token(interaction: int) -> str:
    """Return a token like Discord's: base64 of "interaction:", the id and a secret."""
    said = f"interaction:{interaction}:{secrets.token_urlsafe(48)}"
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")
