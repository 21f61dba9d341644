"""Interactions in the sandbox: what somebody asked of the bot, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from wisp.sandbox.message import Message
from wisp.sandbox.model import JSON, Channel, Guild, User
from wisp.sandbox.refusals import is_list

INTERACTION_DEADLINE = 3.0
"""Seconds in which an interaction must get its first answer."""

UNANSWERED = "no answer within 15 minutes, and Discord takes none after that"
"""What is said of a bot that does not answer within `INTERACTION_LIFETIME`."""

INTERACTION_LIFETIME = 15 * 60.0
"""Seconds in which an interaction's token can be used for its answers."""

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
"""Kinds of interactions."""


@dataclass(eq=False, slots=True, repr=False)
class Interaction:
    """Something that a user asked of the bot, and what became of it.

    `data` is the raw JSON that the bot got; `message` is where a component sat. `created` is in seconds of
    the world's clock (monotonic). `original` is the first answer: for a component that was answered by
    an update, the message it sat on. `events` says in order what the bot did: "answer", "defer",
    "defer update", "update", "choices", "modal", "edit", "follow-up", "delete".
    """

    id: int
    token: str
    kind: int
    application_id: int
    user: User
    channel: Channel
    created: float
    data: JSON
    message: Message | None = None
    answered: bool = False
    deferred: bool = False
    original: Message | None = None
    followups: list[Message] = field(default_factory=list[Message])
    modal: JSON | None = None
    choices: list[JSON] | None = None
    events: list[str] = field(default_factory=list[str])
    opened_by: Interaction | None = None

    def __repr__(self) -> str:
        name = self.data.get("name") or self.data.get("custom_id")
        done = ", ".join(self.events) or "unanswered"
        return f"<Interaction {name!r} by {self.user.name} in {self.channel}: {done}>"

    @property
    def guild(self) -> Guild | None:
        """Where it happened, None for direct messages."""
        return self.channel.guild

    @property
    def command_kind(self) -> int:
        """The type of the command that was used (1 slash, 2 user, 3 message), 0 where it was something else."""
        return self.data.get("type", 0) if self.kind == COMMAND else 0

    @property
    def focused_kind(self) -> int:
        """The type of the option that is typed in (autocomplete), STRING if there is none that can be read."""
        given = self.data.get("options", ())
        options: list[JSON] = [*given] if is_list(given) else []
        for option in options:
            if option.get("focused"):
                return option["type"]
            options.extend(option.get("options", ()))
        return 3

    @property
    def integration_owners(self) -> JSON:
        """Which installation of the application let it through: Discord's authorizing_integration_owners."""
        return {"0": str(self.guild.id) if self.guild else "0"}

    def metadata(self) -> JSON:
        """Discord's interaction metadata, which its answers carry."""
        data: JSON = {
            "id": str(self.id),
            "type": self.kind,
            "user": self.user.payload(),
            "authorizing_integration_owners": self.integration_owners,
        }
        if self.kind == COMPONENT and self.message is not None:
            data["interacted_message_id"] = str(self.message.id)
        if self.kind == MODAL_SUBMIT and self.opened_by is not None:
            data["triggering_interaction_metadata"] = self.opened_by.metadata()
        return data

    def message_fields(self, message: Message) -> JSON:
        """What tells of this interaction on an answer to it."""
        metadata = self.metadata()
        if self.original is not None and self.original is not message:
            metadata["original_response_message_id"] = str(self.original.id)
        application = str(self.application_id)
        fields: JSON = {
            "application_id": application,
            "webhook_id": application,
            "interaction_metadata": metadata,
        }
        if self.kind == COMMAND and message is self.original:
            fields["interaction"] = {
                "id": str(self.id),
                "type": self.kind,
                "name": self.data.get("name", ""),
                "user": self.user.payload(),
            }
        return fields
