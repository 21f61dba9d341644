"""The world as Discord keeps it: who may do and see what, what changes, and which event tells the bot of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisp.sandbox.world.changes import Change
from wisp.sandbox.world.objects import CATEGORY, VOICE, Channel, Emoji, Guild, Impossible, Member, User
from wisp.sandbox.world.permissions import ALL_PERMISSIONS, EVERYONE_PERMISSIONS, Allowance, Permission, overwritten
from wisp.sandbox.world.state import Event
from wisp.sandbox.world.world import World

THUMB = Emoji("👍")


class Scene:
    """A new world, what its gateway was told, and what its watchers were."""

    def __init__(self) -> None:
        self.world = World()
        self.guild: Guild = next(iter(self.world.guilds.values()))
        general = self.guild.channel("general")
        assert general is not None
        self.general: Channel = general
        self.bob: User = next(user for user in self.world.users.values() if user.name == "bob")
        self.bobs: Member = self.guild.members[self.bob.id]
        self.events: list[Event] = []
        self.changes: list[Change] = []
        self.world.events.subscribe(self.events.append)
        self.world.changes.subscribe(self.changes.append)

    def names(self) -> list[str]:
        """The events since the last call."""
        names = [event.name for event in self.events]
        self.events.clear()
        return names


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_permissions_are_everyones_and_the_roles_of_a_member(scene: Scene) -> None:
    world, guild = scene.world, scene.guild
    assert world.permissions(scene.bob, scene.general) == EVERYONE_PERMISSIONS
    world.members.give_role(scene.bobs, world.roles.add(guild, "kicker", permissions=Permission.KICK_MEMBERS))
    assert world.permissions(scene.bob, scene.general) == EVERYONE_PERMISSIONS | Permission.KICK_MEMBERS
    assert world.permissions(world.owner, scene.general) == ALL_PERMISSIONS
    world.members.give_role(scene.bobs, world.roles.add(guild, "boss", permissions=Permission.ADMINISTRATOR))
    world.channels.set_overwrite(scene.general, scene.bob, deny=ALL_PERMISSIONS)
    assert world.permissions(scene.bob, scene.general) == ALL_PERMISSIONS
    assert world.permissions(world.users.add("eve"), scene.general) == 0


def test_a_members_overwrite_beats_the_roles_and_theirs_everyones(scene: Scene) -> None:
    world, send = scene.world, Permission.SEND_MESSAGES
    role = world.roles.add(scene.guild, "writers")
    world.members.give_role(scene.bobs, role)
    world.channels.set_overwrite(scene.general, scene.guild.everyone, deny=send)
    assert not world.permissions(scene.bob, scene.general) & send
    world.channels.set_overwrite(scene.general, role, allow=send)
    assert world.permissions(scene.bob, scene.general) & send
    world.channels.set_overwrite(scene.general, scene.bobs, deny=send)
    assert not world.permissions(scene.bob, scene.general) & send
    world.channels.remove_overwrite(scene.general, scene.bob)
    assert world.permissions(scene.bob, scene.general) & send


def test_who_cannot_see_or_write_can_do_nothing_that_needs_it(scene: Scene) -> None:
    world, everyone = scene.world, scene.guild.everyone
    world.channels.set_overwrite(scene.general, everyone, deny=Permission.SEND_MESSAGES)
    left = world.permissions(scene.bob, scene.general)
    assert left & Permission.READ_MESSAGE_HISTORY
    assert not left & (Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE)
    world.channels.set_overwrite(scene.general, everyone, deny=Permission.VIEW_CHANNEL)
    assert world.permissions(scene.bob, scene.general) == 0
    talk = world.channels.add(scene.guild, "talk", kind=VOICE)
    world.channels.set_overwrite(talk, everyone, deny=Permission.CONNECT)
    assert not world.permissions(scene.bob, talk) & Permission.SPEAK


def test_a_time_out_leaves_reading_until_it_ends_and_leaves_administrators_alone(scene: Scene) -> None:
    world = scene.world
    world.members.edit(scene.bobs, timed_out_until=world.clock.time() + 60)
    reading = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
    assert world.permissions(scene.bob, scene.general) == reading
    world.clock.offset += 61
    assert world.permissions(scene.bob, scene.general) == EVERYONE_PERMISSIONS
    world.members.edit(scene.guild.members[world.owner.id], timed_out_until=world.clock.time() + 60)
    assert world.permissions(world.owner, scene.general) == ALL_PERMISSIONS


SETS = st.integers(0, ALL_PERMISSIONS)
ALLOWANCES = st.builds(Allowance, SETS, SETS)


@given(base=SETS, everyone=ALLOWANCES, roles=st.lists(ALLOWANCES), member=ALLOWANCES)
def test_overwrites_add_up_bit_by_bit(
    base: int, everyone: Allowance, roles: list[Allowance], member: Allowance
) -> None:
    found = overwritten(base, everyone, roles, member)
    for bit in range(53):
        said = [
            (bool(member.allow >> bit & 1), bool(member.deny >> bit & 1)),
            (any(role.allow >> bit & 1 for role in roles), any(role.deny >> bit & 1 for role in roles)),
            (bool(everyone.allow >> bit & 1), bool(everyone.deny >> bit & 1)),
            (bool(base >> bit & 1), True),
        ]
        decided = next(allow for allow, deny in said if allow or deny)
        assert bool(found >> bit & 1) == decided


def test_who_sees_which_channel_and_message(scene: Scene) -> None:
    world, bob = scene.world, scene.bob
    secret = world.channels.add(scene.guild, "secret")
    world.channels.set_overwrite(secret, scene.guild.everyone, deny=Permission.VIEW_CHANNEL)
    private = world.messages.add(scene.general, world.bot, content="psst", flags=64, ephemeral_for=bob)
    said = world.messages.add(secret, world.owner, content="s")
    eve = world.users.add("eve")
    places = [scene.general, secret, private, said, world.channels.dm(bob)]
    assert [world.sees(bob, place) for place in places] == [True, False, True, False, True]
    assert [world.sees(world.owner, place) for place in places] == [True, True, False, True, False]
    assert [world.sees(eve, place) for place in places] == [False] * 5
    assert [world.sees(world.bot, place) for place in places] == [True, False, True, False, True]


def test_the_bot_hears_nothing_of_a_channel_that_it_does_not_see(scene: Scene) -> None:
    world = scene.world
    world.channels.set_overwrite(scene.general, scene.guild.everyone, deny=Permission.VIEW_CHANNEL)
    role = scene.guild.role_of(world.bot)
    assert role is not None
    world.roles.edit(scene.guild, role, permissions=0)
    scene.names()
    message = world.messages.add(scene.general, world.owner, content="secret")
    world.reactions.add(message, world.owner, THUMB)
    world.messages.pin(message, world.owner)
    world.messages.delete(message)
    assert scene.names() == []


STORIES: dict[str, Callable[[Scene], object]] = {
    "GUILD_MEMBER_ADD": lambda s: s.world.members.add(s.guild, s.world.users.add("eve")),
    "GUILD_MEMBER_UPDATE": lambda s: s.world.members.edit(s.bobs, nick="Bobby"),
    "GUILD_MEMBER_REMOVE": lambda s: s.world.members.remove(s.bobs),
    "GUILD_BAN_ADD GUILD_MEMBER_REMOVE": lambda s: s.world.members.ban(s.guild, s.bob),
    "GUILD_ROLE_CREATE": lambda s: s.world.roles.add(s.guild, "r"),
    "GUILD_UPDATE": lambda s: s.world.guilds.edit(s.guild, name="Other"),
    "GUILD_EMOJIS_UPDATE": lambda s: s.world.emojis.add(s.guild, "blob"),
    "CHANNEL_CREATE": lambda s: s.world.channels.add(s.guild, "c"),
    "CHANNEL_UPDATE": lambda s: s.world.channels.edit(s.general, topic="t", slowmode=5),
    "CHANNEL_DELETE GUILD_UPDATE": lambda s: s.world.channels.delete(s.general),
    "GUILD_DELETE": lambda s: s.world.members.remove(s.guild.members[s.world.bot.id]),
    "THREAD_CREATE MESSAGE_CREATE": lambda s: s.world.threads.start(s.general, "t", s.bob),
}


@pytest.mark.parametrize("events", STORIES)
def test_each_change_is_told_to_the_bot_and_to_who_watches(scene: Scene, events: str) -> None:
    STORIES[events](scene)
    assert scene.names() == events.split()
    assert scene.changes


def test_reactions_are_counted_per_emoji_and_user(scene: Scene) -> None:
    world, message = scene.world, scene.world.messages.add(scene.general, scene.bob, content="hi")
    scene.names()
    for user in (scene.bob, world.bot, scene.bob):
        world.reactions.add(message, user, THUMB)
    assert scene.names() == ["MESSAGE_REACTION_ADD"] * 2
    payload: Any = message.payload()["reactions"]
    assert [(one["count"], one["me"], one["emoji"]["name"]) for one in payload] == [(2, True, "👍")]
    world.reactions.remove(message, world.bot, THUMB)
    world.reactions.clear(message)
    assert scene.names() == ["MESSAGE_REACTION_REMOVE", "MESSAGE_REACTION_REMOVE_ALL"]
    assert "reactions" not in message.payload()
    for number in range(20):
        world.reactions.add(message, scene.bob, Emoji(f"e{number}", number + 1))
    with pytest.raises(Impossible, match="at most 20"):
        world.reactions.add(message, scene.bob, THUMB)


def test_pins_are_listed_newest_first_and_said_in_the_channel(scene: Scene) -> None:
    world = scene.world
    first, second = (world.messages.add(scene.general, scene.bob, content=text) for text in "ab")
    world.messages.pin(first, scene.bob)
    world.clock.offset += 1
    world.messages.pin(second, scene.bob)
    assert scene.general.pins == [second, first]
    assert [message.kind for message in scene.general.messages.values()] == [0, 0, 6, 6]
    world.messages.unpin(second)
    assert (scene.general.pins, first.payload()["pinned"]) == ([first], True)


def test_new_roles_are_the_lowest_and_moving_one_moves_the_others(scene: Scene) -> None:
    world, guild = scene.world, scene.guild
    own = guild.role_of(world.bot)
    assert own is not None
    low, lower = world.roles.add(guild, "low"), world.roles.add(guild, "lower")
    assert [role.position for role in (guild.everyone, lower, low, own)] == [0, 1, 2, 3]
    world.roles.move(guild, {lower: 3})
    assert [role.position for role in (guild.everyone, low, own, lower)] == [0, 1, 2, 3]
    world.members.give_role(scene.bobs, lower)
    mine = guild.members[world.bot.id]
    assert scene.bobs.outranks(mine)
    assert not mine.outranks(scene.bobs)
    assert not scene.bobs.outranks(guild.members[world.owner.id])
    world.roles.delete(guild, lower)
    assert (scene.bobs.roles, own.position) == ([], 2)


def test_a_banned_user_stays_out_until_the_ban_is_over(scene: Scene) -> None:
    world, guild = scene.world, scene.guild
    said = world.messages.add(scene.general, scene.bob, content="spam")
    world.members.ban(guild, scene.bob, reason="spam", delete_seconds=60)
    assert (said.deleted, guild.bans[scene.bob.id].reason, scene.bob.id in guild.members) == (True, "spam", False)
    with pytest.raises(Impossible, match="banned"):
        world.members.add(guild, scene.bob)
    world.members.unban(guild, scene.bob)
    assert world.members.add(guild, scene.bob).user is scene.bob


def test_a_category_hands_its_overwrites_to_new_channels_and_goes_alone(scene: Scene) -> None:
    world, guild = scene.world, scene.guild
    staff = world.channels.add(guild, "Staff", kind=CATEGORY)
    world.channels.set_overwrite(staff, guild.everyone, deny=Permission.VIEW_CHANNEL)
    room = world.channels.add(guild, "Staff Room", parent=staff)
    assert (room.name, room.overwrites, world.sees(scene.bob, room)) == ("staff-room", staff.overwrites, False)
    world.channels.delete(staff)
    assert (room.parent, guild.channel("staff room")) == (None, room)


def test_a_thread_has_members_a_lifecycle_and_its_channels_permissions(scene: Scene) -> None:
    world = scene.world
    message = world.messages.add(scene.general, scene.bob, content="idea")
    thread = world.threads.start(scene.general, "idea", scene.bob, message=message)
    assert (thread.id, message.thread, thread.thread and list(thread.thread.members)) == (
        message.id,
        thread,
        [scene.bob.id],
    )
    private = world.threads.start(scene.general, "private", world.owner, kind=12)
    role = scene.guild.role_of(world.bot)
    assert role is not None
    world.roles.edit(scene.guild, role, permissions=0)
    assert [world.sees(user, private) for user in (world.owner, scene.bob, world.bot)] == [True, False, False]
    scene.names()
    world.threads.join(private, world.bot)
    assert scene.names() == ["THREAD_CREATE", "THREAD_MEMBERS_UPDATE"]
    world.threads.edit(thread, archived=True)
    world.messages.add(thread, scene.bob, content="still")
    assert thread.thread is not None
    assert not thread.thread.archived
    world.channels.delete(thread)
    assert thread.id not in world.channels


IMPOSSIBLE: list[Callable[[Scene], object]] = [
    lambda s: s.world.members.remove(s.guild.members[s.world.owner.id]),
    lambda s: s.world.members.ban(s.guild, s.world.owner),
    lambda s: s.world.members.unban(s.guild, s.bob),
    lambda s: s.world.roles.delete(s.guild, s.guild.everyone),
    lambda s: s.world.members.give_role(s.bobs, s.guild.everyone),
    lambda s: s.world.members.give_role(s.bobs, s.world.roles.add(s.world.guilds.add("Other"), "elsewhere")),
    lambda s: s.world.members.edit(s.bobs, nick="x" * 33),
    lambda s: s.world.members.edit(s.bobs, timed_out_until=s.world.clock.time() + 29 * 86_400),
    lambda s: s.world.channels.add(s.guild, ""),
    lambda s: s.world.channels.add(s.guild, "x", parent=s.general),
    lambda s: s.world.channels.delete(s.world.channels.dm(s.bob)),
    lambda s: s.world.guilds.edit(s.guild, name="x"),
    lambda s: s.world.guilds.edit(s.guild, owner=s.world.users.add("eve")),
    lambda s: s.world.threads.start(s.world.channels.dm(s.bob), "t", s.bob),
    lambda s: s.world.threads.edit(s.general, archived=True),
    lambda s: s.world.emojis.add(s.guild, "x"),
    lambda s: s.world.channels.set_overwrite(s.world.threads.start(s.general, "t", s.bob), s.bob),
]


@pytest.mark.parametrize("story", range(len(IMPOSSIBLE)))
def test_what_cannot_be_is_refused_and_changes_nothing(scene: Scene, story: int) -> None:
    before = scene.guild.payload()
    with pytest.raises(Impossible):
        IMPOSSIBLE[story](scene)
    assert scene.guild.payload() == before
