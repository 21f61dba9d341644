"""What a client does not let a user do: each permission that an action needs, and what belongs to someone else."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from test_sandbox_permissions import permissions_of

from wisp.sandbox.people.commands import File
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.people.reply import Reply
from wisp.sandbox.world.objects import ANNOUNCEMENT, COMMAND, JSON, PRIVATE_THREAD, Impossible, Message
from wisp.sandbox.world.permissions import ADMINISTRATOR, Permission
from wisp.sandbox.world.world import World

EVERYTHING = int(sum(Permission)) & ~ADMINISTRATOR
FRUIT: JSON = {"type": 3, "name": "fruit", "description": "-", "autocomplete": True}
PLACE: JSON = {"type": 7, "name": "place", "description": "-"}


@dataclass
class Scene:
    """Bob, whose permissions are those of @everyone, beside a message of ada's."""

    world: World
    bob: Person
    ada: Person
    message: Message
    changes: list[object] = field(default_factory=list[object])

    def take(self, permission: int) -> None:
        """Take a permission from everyone but ada, who owns the guild; `changes` begin anew."""
        everyone = self.guild.everyone
        self.world.roles.edit(self.guild, everyone, permissions=everyone.permissions & ~permission)
        self.changes.clear()

    @property
    def guild(self) -> Any:
        return self.bob.guild


@pytest.fixture
def scene() -> Scene:
    world = World()
    people = People(world)

    async def at_once(is_answered: Callable[[], bool]) -> None:
        """Nobody answers: do not wait for it."""

    people.settle = at_once
    bob, ada = people.member("bob"), people.member("ada")
    assert bob.guild is not None
    world.roles.edit(bob.guild, bob.guild.everyone, permissions=EVERYTHING)
    for command in (
        {"name": "hello", "description": "-", "options": [FRUIT, PLACE]},
        {"type": 2, "name": "Who"},
        {"name": "nobody", "description": "-", "default_member_permissions": "0"},
    ):
        world.commands.set(None, command)
    message = world.messages.add(bob.channel, world.owner, content="ada's")
    scene = Scene(world, bob, ada, message)
    world.changes.subscribe(scene.changes.append)
    return scene


async def write_in_a_locked_thread(scene: Scene) -> None:
    in_a_locked_thread(scene).post("x")


async def write_a_poll_in_a_locked_thread(scene: Scene) -> None:
    await in_a_locked_thread(scene).start_poll("Tea?", "Yes")


def in_a_locked_thread(scene: Scene) -> Person:
    thread = next(iter(scene.guild.threads.values()), None)
    if thread is None:
        thread = scene.world.threads.start(scene.bob.channel, "locked", scene.world.owner)
        scene.world.threads.edit(thread, locked=True)
    scene.changes.clear()
    return scene.bob.at(thread)


async def set_vanity(scene: Scene) -> None:
    scene.guild.settings["features"] = ["VANITY_URL"]
    await scene.bob.set_vanity("our-place")


async def post(scene: Scene, **how: Any) -> None:
    scene.bob.post("x", **how)


async def moderate(scene: Scene, verb: str) -> None:
    """Kick, ban or unban eve, who is below bob."""
    member, guild = scene.guild.members[scene.bob.id], scene.guild
    if not member.roles:
        scene.world.members.give_role(member, scene.world.roles.add(guild, "mods"))
    eve = scene.world.users.add("eve")
    scene.world.members.add(guild, eve)
    if verb == "unban":
        scene.world.members.ban(guild, eve)
    scene.changes.clear()
    await getattr(scene.bob, verb)(eve)


async def publish(scene: Scene, *, own: bool) -> None:
    news = scene.guild.channel("news") or scene.world.channels.add(scene.guild, "news", kind=ANNOUNCEMENT)
    author = scene.bob.user if own else scene.ada.user
    message = scene.world.messages.add(news, author, content="x")
    scene.changes.clear()
    await scene.bob.publish(message)


Act = Callable[[Scene], Awaitable[object]]

FILES = [File("a.txt", b"x")]
P = Permission

NEEDED: list[tuple[str, Permission, Act]] = [
    ("post", P.SEND_MESSAGES, post),
    ("post", P.ATTACH_FILES, lambda scene: post(scene, files=FILES)),
    ("post", P.READ_MESSAGE_HISTORY, lambda scene: post(scene, reply_to=scene.message)),
    ("post", P.MANAGE_THREADS, write_in_a_locked_thread),
    ("say", P.SEND_MESSAGES, lambda scene: scene.bob.say("x")),
    ("say", P.ATTACH_FILES, lambda scene: scene.bob.say(files=FILES)),
    ("say", P.READ_MESSAGE_HISTORY, lambda scene: scene.bob.say("x", reply_to=scene.message)),
    ("say", P.MANAGE_THREADS, write_in_a_locked_thread),
    ("start_thread", P.CREATE_PUBLIC_THREADS, lambda scene: scene.bob.start_thread("by itself")),
    ("start_thread", P.CREATE_PUBLIC_THREADS, lambda scene: scene.bob.start_thread("about it", scene.message)),
    ("start_thread", P.CREATE_PRIVATE_THREADS, lambda scene: scene.bob.start_thread("private", private=True)),
    ("set_vanity", P.MANAGE_GUILD, set_vanity),
    ("delete", P.MANAGE_MESSAGES, lambda scene: scene.bob.delete(scene.message)),
    ("forward", P.READ_MESSAGE_HISTORY, lambda scene: scene.bob.forward(scene.message, "general")),
    ("start_poll", P.SEND_POLLS, lambda scene: scene.bob.start_poll("Tea?", "Yes")),
    ("start_poll", P.SEND_MESSAGES, lambda scene: scene.bob.start_poll("Tea?", "Yes")),
    ("start_poll", P.MANAGE_THREADS, write_a_poll_in_a_locked_thread),
    ("publish", P.SEND_MESSAGES, lambda scene: publish(scene, own=True)),
    ("publish", P.MANAGE_MESSAGES, lambda scene: publish(scene, own=False)),
    ("react", P.READ_MESSAGE_HISTORY, lambda scene: scene.bob.react(scene.message, "👍")),
    ("react", P.ADD_REACTIONS, lambda scene: scene.bob.react(scene.message, "👍")),
    ("slash", P.USE_APPLICATION_COMMANDS, lambda scene: scene.bob.slash("hello")),
    ("autocomplete", P.USE_APPLICATION_COMMANDS, lambda scene: scene.bob.autocomplete("hello", "fruit", "a")),
    ("kick", P.KICK_MEMBERS, lambda scene: moderate(scene, "kick")),
    ("ban", P.BAN_MEMBERS, lambda scene: moderate(scene, "ban")),
    ("unban", P.BAN_MEMBERS, lambda scene: moderate(scene, "unban")),
    ("menu", P.USE_APPLICATION_COMMANDS, lambda scene: scene.bob.menu("Who", scene.ada)),
]


@pytest.mark.parametrize(
    ("action", "permission", "act"),
    NEEDED,
    ids=[f"{number}-{action}-{permission.name}" for number, (action, permission, _) in enumerate(NEEDED)],
)
async def test_an_action_is_done_with_its_permission_and_refused_without_it(
    scene: Scene, action: str, permission: Permission, act: Act
) -> None:
    await act(scene)
    assert scene.changes != []
    scene.message = scene.world.messages.add(scene.bob.channel, scene.world.owner, content="another of ada's")
    scene.take(permission)
    with pytest.raises(Impossible, match=f"bob cannot .*: .*needs .*{permission.name}"):
        await act(scene)
    assert scene.changes == []


def test_every_permission_that_an_action_needs_is_in_the_table(scene: Scene) -> None:
    methods = inspect.getmembers(scene.bob, inspect.ismethod)
    needed = {(name, one) for name, method in methods if name[0] != "_" for one in permissions_of(method)}
    assert len(needed) > 10  # else the code is not read as it is written
    needed.discard(("choose", P.USE_APPLICATION_COMMANDS))  # which only looks, for `slash` and `autocomplete`
    assert {(action, permission) for action, permission, _ in NEEDED} == needed


async def test_what_belongs_to_a_private_answer_is_its_readers_and_nobody_reacts_to_it(scene: Scene) -> None:
    private = scene.world.messages.add(
        scene.bob.channel, scene.world.bot, content="psst", flags=64, ephemeral_for=scene.ada.user
    )
    scene.changes.clear()
    for act in (
        lambda person: person.react(private, "👍"),
        lambda person: person.say("x", reply_to=private),
        lambda person: person.start_thread("about it", private),
    ):
        for person, why in ((scene.bob, "does not see this message"), (scene.ada, "a private answer has no")):
            with pytest.raises(Impossible, match=why):
                await act(person)
    assert scene.changes == []


async def test_a_form_is_sent_by_the_user_before_whom_it_opened(scene: Scene) -> None:
    opened = scene.world.interactions.create(
        COMMAND, scene.ada.user, scene.ada.channel, {"id": "1", "name": "hello", "type": 1}
    )
    opened.modal = {"custom_id": "m", "title": "T", "components": []}
    with pytest.raises(Impossible, match="no form is open before bob"):
        await scene.bob.submit(Reply(opened))
    assert opened.modal is not None
    assert (await scene.ada.submit(Reply(opened))).interaction.opened_by is opened


def test_another_users_direct_messages_and_a_private_thread_cannot_be_looked_into(scene: Scene) -> None:
    thread = scene.world.threads.start(scene.ada.channel, "private", scene.ada.user, kind=PRIVATE_THREAD)
    scene.take(P.MANAGE_THREADS)
    with pytest.raises(Impossible, match="somebody else's direct messages"):
        scene.bob.at(scene.world.channels.dm(scene.ada.user))
    with pytest.raises(Impossible, match="bob does not see"):
        scene.bob.at(thread)
    scene.world.threads.join(thread, scene.bob.user)
    assert scene.bob.at(thread).channel is thread


async def test_a_channel_that_a_user_does_not_see_is_no_value_of_an_option_or_a_select(scene: Scene) -> None:
    hidden = scene.world.channels.add(scene.guild, "hidden")
    assert (await scene.bob.slash("hello", place=hidden)).interaction.data["options"][0]["value"] == str(hidden.id)
    scene.world.channels.set_overwrite(hidden, scene.guild.everyone, deny=P.VIEW_CHANNEL)
    with pytest.raises(Impossible, match="place"):
        await scene.bob.slash("hello", place=hidden)
    select = {"type": 8, "custom_id": "place"}
    row = {"type": 1, "components": [select]}
    menu = scene.world.messages.add(scene.bob.channel, scene.world.bot, components=[row])
    with pytest.raises(Impossible, match="hidden"):
        await scene.bob.select(menu, hidden)
    assert (await scene.ada.select(menu, hidden)).interaction.data["values"] == [str(hidden.id)]


async def test_a_command_for_nobody_by_default_is_for_administrators(scene: Scene) -> None:
    with pytest.raises(Impossible, match="ADMINISTRATOR"):
        await scene.bob.slash("nobody")
    assert [len([one for one in who.commands() if one["name"] == "nobody"]) for who in (scene.bob, scene.ada)] == [0, 1]
    assert scene.bob.member is not None
    scene.world.members.give_role(
        scene.bob.member, scene.world.roles.add(scene.guild, "strong", permissions=ADMINISTRATOR)
    )
    assert (await scene.bob.slash("nobody")).interaction.user is scene.bob.user


async def test_members_who_are_not_below_are_not_kicked_and_not_banned(scene: Scene) -> None:
    eve = scene.world.members.add(scene.guild, scene.world.users.add("eve"))
    scene.changes.clear()
    for verb in ("kick", "ban"):
        for target in (eve.user, scene.ada.user, scene.world.bot):
            with pytest.raises(Impossible, match=f"bob cannot {verb} {target.name}, whose highest role is not below"):
                await getattr(scene.bob, verb)(target)
        with pytest.raises(Impossible, match=f"bob is in no guild here, and cannot {verb} eve"):
            await getattr(scene.bob.dm, verb)(eve.user)
    assert scene.changes == []
    await scene.ada.ban(eve.user, reason="loud")
    with pytest.raises(Impossible, match="eve is banned from Sandbox already"):
        await scene.ada.ban(eve.user)
    with pytest.raises(Impossible, match="eve is not a member of Sandbox"):
        await scene.ada.kick(eve.user)
    await scene.ada.unban(eve.user)
    with pytest.raises(Impossible, match="eve is not banned from Sandbox"):
        await scene.ada.unban(eve.user)
    noted = [(entry.event.name, entry.user.name, entry.reason) for entry in scene.world.audit_log.of(scene.guild)]
    assert noted == [("BAN", "ada", "loud"), ("UNBAN", "ada", None)]


async def test_a_member_who_has_left_uses_no_private_answer_and_no_form_any_more(scene: Scene) -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "b", "label": "Press"}]}
    private = scene.world.messages.add(
        scene.bob.channel, scene.world.bot, content="psst", flags=64, ephemeral_for=scene.bob.user, components=[row]
    )
    form = await scene.bob.click(private, "Press")
    text = {"type": 1, "components": [{"type": 4, "style": 1, "custom_id": "a", "label": "A", "required": False}]}
    form.interaction.modal = {"title": "Form", "custom_id": "form", "components": [text]}
    await scene.bob.leave()
    scene.changes.clear()
    with pytest.raises(Impossible, match="bob is not a member of Sandbox"):
        await scene.bob.click(private, "Press")
    with pytest.raises(Impossible, match="bob is not a member of Sandbox"):
        await scene.bob.submit(form, a="x")
    assert scene.changes == []
    assert form.modal  # it was not sent
