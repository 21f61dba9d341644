"""Emojis in a world: those of guilds, and those of the application."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wisp.sandbox.world import bounds
from wisp.sandbox.world.changes import GuildChanged
from wisp.sandbox.world.objects import Emoji, Guild, Impossible, LimitReached, Role, User
from wisp.sandbox.world.state import State, refuse_length


class Emojis:
    """The verbs of emojis. `application` has those of the application by id; a guild has its own."""

    def __init__(self, world: State) -> None:
        self._world = world
        self.application: dict[int, Emoji] = {}

    def add(
        self,
        guild: Guild | None,
        name: str,
        *,
        animated: bool = False,
        roles: Iterable[Role] = (),
        creator: User | None = None,
    ) -> Emoji:
        """Add an emoji to a guild or (None) the application. Raises LimitReached if there are too many."""
        refuse_length("an emoji's name", name, bounds.EMOJI_NAME)
        bound = bounds.ANIMATED_EMOJIS if animated else bounds.EMOJIS
        if guild is not None and sum(one.animated is animated for one in guild.emojis.values()) >= bound.most:
            raise LimitReached(f"{guild.name} has {bound.most} {'animated ' if animated else ''}emojis already", bound)
        if guild is None and len(self.application) >= bounds.APPLICATION_EMOJIS.most:
            raise LimitReached(
                f"the application has {bounds.APPLICATION_EMOJIS.most} emojis already", bounds.APPLICATION_EMOJIS
            )
        emoji = Emoji(
            name, self._world.next_id(), animated, tuple(role.id for role in roles), creator or self._world.owner
        )
        self._keep(guild, emoji)
        return emoji

    def edit(
        self, guild: Guild | None, emoji: Emoji, *, name: str | None = None, roles: Iterable[Role] | None = None
    ) -> Emoji:
        """Change the name or the roles of an emoji, and return the new one. Raises Impossible if there is none."""
        refuse_length("an emoji's name", emoji.name if name is None else name, bounds.EMOJI_NAME)
        old = self._kept(guild, emoji)
        ids = old.roles if roles is None else tuple(role.id for role in roles)
        changed = replace(old, name=old.name if name is None else name, roles=ids)
        self._keep(guild, changed)
        return changed

    def remove(self, guild: Guild | None, emoji: Emoji) -> None:
        """Remove an emoji from a guild or (None) the application. Raises Impossible if there is none."""
        emojis = self.application if guild is None else guild.emojis
        del emojis[self._kept(guild, emoji).id or 0]
        self._changed(guild)

    def forget_role(self, guild: Guild, role: Role) -> None:
        """Take a role off the emojis that only its members can use, without telling of it."""
        for id_, emoji in guild.emojis.items():
            if role.id in emoji.roles:
                guild.emojis[id_] = replace(emoji, roles=tuple(one for one in emoji.roles if one != role.id))

    def _keep(self, guild: Guild | None, emoji: Emoji) -> None:
        emojis = self.application if guild is None else guild.emojis
        emojis[emoji.id or 0] = emoji
        self._changed(guild)

    def _kept(self, guild: Guild | None, emoji: Emoji) -> Emoji:
        emojis = self.application if guild is None else guild.emojis
        found = emojis.get(emoji.id or 0)
        if found is None:
            raise Impossible(f"{guild.name if guild else 'the application'} has no emoji {emoji}")
        return found

    def _changed(self, guild: Guild | None) -> None:
        if guild is None:
            return
        emojis = [emoji.guild_payload() for emoji in guild.emojis.values()]
        self._world.dispatch("GUILD_EMOJIS_UPDATE", {"guild_id": str(guild.id), "emojis": emojis}, guild)
        self._world.changes.send(GuildChanged(guild))
