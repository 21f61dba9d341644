"""Who can use a command in a guild: the overwrites that its moderators set, over REST and in a client."""

from __future__ import annotations

from typing import Any

import hikari
import pytest

from wisp.sandbox import Sandbox
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.world.objects import PUBLIC_THREAD, Guild, Impossible, Role
from wisp.sandbox.world.permissions import ADMINISTRATOR
from wisp.sandbox.world.world import World

ROLE, USER, CHANNEL = 1, 2, 3
BAN = {"name": "ban", "description": "-", "default_member_permissions": "4"}
HELLO = {"name": "hello", "description": "-"}


class Scene:
    """Bob in #general, with the role "mods"; the commands /hello, which is for all, and /ban, which he cannot use."""

    def __init__(self) -> None:
        self.world = World()
        self.people = People(self.world)
        self.bob: Person = self.people.member("bob")
        self.guild: Guild = self.people.home
        self.mods: Role = self.world.roles.add(self.guild, "mods")
        self.world.members.give_role(self.guild.members[self.bob.id], self.mods)
        self.hello, self.ban = (int(self.world.commands.set(None, one)["id"]) for one in (HELLO, BAN))

    def set(self, command: int, *overwrites: tuple[int, int, bool]) -> None:
        """Set the overwrites of a command, each an id, its type, and whether it allows."""
        rows = [{"id": str(id), "type": kind, "permission": permission} for id, kind, permission in overwrites]
        self.world.commands.set_permissions(self.guild, command, rows)

    def offered(self, person: Person | None = None) -> list[str]:
        return [one["name"] for one in (person or self.bob).commands()]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_member_without_permission_is_not_offered_the_command_and_cannot_use_it(scene: Scene) -> None:
    assert scene.offered() == ["hello"]
    scene.set(scene.hello, (scene.bob.id, USER, False))
    assert scene.offered() == []
    with pytest.raises(Impossible, match=r"^/hello is hidden from bob here: the guild does not allow it to this memb"):
        await scene.bob.slash("hello")
    scene.set(scene.hello)
    assert scene.offered() == ["hello"]
    assert scene.world.commands.permissions(scene.guild) == []


def test_administrators_are_offered_every_command(scene: Scene) -> None:
    scene.set(scene.hello, (scene.guild.id, ROLE, False), (scene.guild.id - 1, CHANNEL, False))
    assert scene.offered() == []
    assert scene.offered(scene.people.member("ada")) == ["hello", "ban"]
    scene.world.roles.edit(scene.guild, scene.mods, permissions=ADMINISTRATOR)
    assert scene.offered() == ["hello", "ban"]


def test_an_overwrite_of_the_user_goes_before_roles_and_roles_before_everyone(scene: Scene) -> None:
    everyone, bob, mods = scene.guild.id, scene.bob.id, scene.mods.id
    scene.set(scene.hello, (everyone, ROLE, False))
    assert scene.offered() == []
    scene.set(scene.hello, (everyone, ROLE, False), (mods, ROLE, True))
    assert scene.offered() == ["hello"]
    scene.set(scene.hello, (everyone, ROLE, True), (mods, ROLE, False))
    assert scene.offered() == []
    scene.set(scene.hello, (mods, ROLE, False), (bob, USER, True))
    assert scene.offered() == ["hello"]
    scene.set(scene.hello, (mods, ROLE, True), (bob, USER, False))
    assert scene.offered() == []


def test_of_several_roles_one_that_allows_is_enough(scene: Scene) -> None:
    guests = scene.world.roles.add(scene.guild, "guests")
    scene.world.members.give_role(scene.guild.members[scene.bob.id], guests)
    scene.set(scene.hello, (guests.id, ROLE, False), (scene.mods.id, ROLE, True))
    assert scene.offered() == ["hello"]


def test_an_overwrite_goes_before_the_permissions_that_a_command_needs_by_default(scene: Scene) -> None:
    scene.set(scene.ban, (scene.mods.id, ROLE, True))
    assert scene.offered() == ["hello", "ban"]
    scene.set(scene.ban, (scene.guild.id - 1, CHANNEL, True))
    assert scene.offered() == ["hello"]


async def test_a_channel_without_permission_has_no_command_nor_have_its_threads(scene: Scene) -> None:
    general = scene.bob.channel
    other = scene.bob.at(scene.world.channels.add(scene.guild, "other"))
    thread = scene.bob.at(scene.world.threads.start(general, "talk", scene.world.owner, kind=PUBLIC_THREAD))
    scene.set(scene.hello, (general.id, CHANNEL, False))
    assert (scene.offered(), scene.offered(thread), scene.offered(other)) == ([], [], ["hello"])
    with pytest.raises(Impossible, match=r"^/hello is hidden from bob here: the guild does not allow it in this chan"):
        await scene.bob.slash("hello")
    scene.set(scene.hello, (scene.guild.id - 1, CHANNEL, False), (general.id, CHANNEL, True))
    assert (scene.offered(), scene.offered(thread), scene.offered(other)) == (["hello"], ["hello"], [])
    assert scene.offered(scene.bob.at(scene.world.channels.dm(scene.bob.user))) == ["hello", "ban"]


def test_overwrites_of_the_application_hold_for_all_commands_and_those_of_a_command_go_before(scene: Scene) -> None:
    scene.set(scene.world.application, (scene.guild.id, ROLE, False))
    assert scene.offered() == []
    scene.set(scene.hello, (scene.guild.id, ROLE, True))
    assert scene.offered() == ["hello"]


def test_overwrites_hold_only_in_their_guild(scene: Scene) -> None:
    other = scene.world.guilds.add("Other")
    scene.world.members.add(other, scene.bob.user)
    scene.set(scene.hello, (scene.guild.id, ROLE, False))
    assert scene.offered(scene.bob.at(next(iter(other.channels.values())))) == ["hello"]
    assert scene.world.commands.permissions(other) == []


def test_overwrites_are_kept_when_a_command_changes_and_forgotten_with_it(scene: Scene) -> None:
    scene.set(scene.hello, (scene.bob.id, USER, False))
    scene.world.commands.set(None, HELLO | {"description": "Hi"})
    assert len(scene.world.commands.permissions(scene.guild)) == 1
    scene.world.commands.remove(None, scene.hello)
    assert scene.world.commands.permissions(scene.guild) == []


def test_overwrites_that_discord_does_not_take_are_refused_and_change_nothing(scene: Scene) -> None:
    bob = (scene.bob.id, USER, True)
    roles = [scene.world.roles.add(scene.guild, "many") for _ in range(101)]
    scene.set(scene.ban, *((role.id, ROLE, True) for role in roles[1:]))
    scene.set(scene.hello, bob)
    before = scene.world.commands.permissions(scene.guild)
    wrong: list[tuple[int, tuple[tuple[int, int, bool], ...]]] = [
        (1, (bob,)),
        (scene.hello, (bob, bob)),
        (scene.hello, tuple((role.id, ROLE, True) for role in roles)),
        (scene.hello, ((scene.bob.id, ROLE, True),)),
        (scene.hello, ((scene.mods.id, USER, True),)),
        (scene.hello, ((scene.guild.id, CHANNEL, True),)),
        (scene.hello, ((scene.bob.id, 4, True),)),
    ]
    for command, overwrites in wrong:
        with pytest.raises(Impossible):
            scene.set(command, *overwrites)
    assert scene.world.commands.permissions(scene.guild) == before


async def test_hikari_reads_the_permissions_of_commands() -> None:
    async with Sandbox(waits=False) as sandbox:
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        ids = [int(world.commands.set(scope, HELLO)["id"]) for scope in (None, guild)]
        row: dict[str, Any] = {"id": guild.id - 1, "type": CHANNEL, "permission": False}
        world.commands.set_permissions(guild, ids[0], [row])
        app = hikari.RESTApp(url=sandbox.rest_url)
        await app.start()
        async with app.acquire(sandbox.token, hikari.TokenType.BOT) as rest:
            one = await rest.fetch_application_command_permissions(world.application, guild.id, ids[0])
            every = await rest.fetch_application_guild_commands_permissions(world.application, guild.id)
            with pytest.raises(hikari.NotFoundError, match="Unknown application command permissions"):
                await rest.fetch_application_command_permissions(world.application, guild.id, ids[1])
        await app.close()
    assert [found.command_id for found in every] == [one.command_id] == [ids[0]]
    (overwrite,) = one.permissions
    assert (overwrite.id, overwrite.type, overwrite.has_access) == (guild.id - 1, CHANNEL, False)
