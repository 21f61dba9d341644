"""Webhooks, invites, emojis and more on the sandbox, as bots use them over REST and people see what comes of it."""

from __future__ import annotations

import base64
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import hikari
import pytest

import wisp
from wisp.sandbox import Sandbox
from wisp.sandbox.page.views import message_view
from wisp.sandbox.people.person import People
from wisp.sandbox.terminal.transcript import Transcript
from wisp.sandbox.world.changes import InvitesChanged, WebhooksChanged
from wisp.sandbox.world.objects import CATEGORY, FORUM, Channel, Guild, Impossible, Message
from wisp.sandbox.world.permissions import Permission
from wisp.sandbox.world.world import World
from wisp.testing import connect


@dataclass
class Scene:
    """A sandbox with its first guild, and what the gateway was sent."""

    sandbox: Sandbox
    world: World
    guild: Guild
    general: Channel
    rest: hikari.api.RESTClient
    session: aiohttp.ClientSession
    sent: list[tuple[str, dict[str, Any]]]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a call as the bot, None for no body."""
        said = {"Authorization": f"Bot {self.sandbox.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = path if path.startswith("http") else self.sandbox.rest_url + path
        sent = {} if body is None else {"json": body}
        async with self.session.request(method, url, headers=said, **sent) as response:
            return response.status, await response.json() if response.status != 204 else None

    def heard(self, name: str) -> list[dict[str, Any]]:
        """The data of the events of a name so far, which are then forgotten."""
        found = [data for other, data in self.sent if other == name]
        self.sent.clear()
        return found

    def deny(self, permission: Permission) -> None:
        """Take a permission from the bot's role."""
        role = self.guild.role_of(self.world.bot)
        assert role is not None
        self.world.roles.edit(self.guild, role, permissions=role.permissions & ~permission)
        self.world.roles.edit(
            self.guild, self.guild.everyone, permissions=self.guild.everyone.permissions & ~permission
        )


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Sandbox() as sandbox, aiohttp.ClientSession() as session:
        world = sandbox.world
        guild = next(iter(world.guilds.values()))
        sent: list[tuple[str, dict[str, Any]]] = []
        world.events.subscribe(lambda event: sent.append((event.name, event.data)))
        app = hikari.RESTApp(url=sandbox.rest_url)
        await app.start()
        async with app.acquire(sandbox.token, hikari.TokenType.BOT) as rest:
            yield Scene(sandbox, world, guild, next(iter(guild.channels.values())), rest, session, sent)
        await app.close()


# Webhooks


async def test_hikari_makes_uses_changes_and_deletes_a_webhook(scene: Scene) -> None:
    rest, general = scene.rest, scene.general
    webhook = await rest.create_webhook(general.id, "Hook", reason="relay")
    assert webhook.token
    assert (webhook.channel_id, webhook.application_id) == (general.id, scene.world.application)
    assert scene.heard("WEBHOOKS_UPDATE") == [{"channel_id": str(general.id), "guild_id": str(scene.guild.id)}]
    said = await rest.execute_webhook(webhook, webhook.token, "Ahoy", username="Captain")
    kept = general.messages[said.id]
    assert (said.author.username, said.author.id, said.webhook_id) == ("Captain", webhook.id, webhook.id)
    (told,) = scene.heard("MESSAGE_CREATE")
    assert (told["author"]["username"], told["author"]["discriminator"], "member" in told) == ("Captain", "0000", False)
    assert (await rest.fetch_webhook_message(webhook, webhook.token, said)).content == "Ahoy"
    await rest.edit_webhook_message(webhook, webhook.token, said, "Ahoy again")
    assert (kept.content, kept.author.name) == ("Ahoy again", "Captain")
    await rest.delete_webhook_message(webhook, webhook.token, said)
    assert kept.deleted
    await rest.edit_webhook(webhook, name="Renamed")
    assert [one.name for one in await rest.fetch_channel_webhooks(general.id)] == ["Renamed"]
    assert [one.id for one in await rest.fetch_guild_webhooks(scene.guild.id)] == [webhook.id]
    fetched = await rest.fetch_webhook(webhook, token=webhook.token)
    assert isinstance(fetched, hikari.IncomingWebhook)
    assert fetched.author is None
    await rest.delete_webhook(webhook)
    assert scene.world.webhooks == {}
    with pytest.raises(hikari.NotFoundError, match="Unknown Webhook"):
        await rest.execute_webhook(webhook, webhook.token, "gone")


async def test_discord_py_posts_with_a_webhook_without_a_bot(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # discord.py's own, of audioop
        discord: Any = pytest.importorskip("discord")
    monkeypatch.setattr(discord.http.Route, "BASE", scene.sandbox.rest_url)
    made = scene.world.webhooks.add(scene.general, "Hook", creator=scene.world.owner)
    thread = scene.world.threads.start(scene.general, "thread", scene.world.owner)
    hook = await discord.Webhook.partial(made.id, made.token, session=scene.session).fetch()
    assert (hook.name, hook.channel_id) == ("Hook", scene.general.id)
    sent = await hook.send("hi", wait=True, thread=thread, username="Parrot")
    (kept,) = [message for message in thread.messages.values() if message.webhook is made]
    assert (kept.id, kept.content, kept.author.name) == (sent.id, "hi", "Parrot")
    await sent.edit(content="hello")
    assert kept.content == "hello"
    await sent.delete()
    assert kept.deleted


async def test_a_webhook_has_an_address_that_takes_what_it_posts(scene: Scene) -> None:
    _, webhook = await scene.call("POST", f"/channels/{scene.general.id}/webhooks", {"name": " Hook "})
    assert (webhook["name"], webhook["user"]["id"]) == ("Hook", str(scene.world.bot.id))
    assert await scene.call("POST", webhook["url"], {"content": "x", "flags": 64}) == (204, None)
    (message,) = scene.general.messages.values()
    assert (message.content, message.flags, message.ephemeral) == ("x", 0, False)


async def test_a_post_of_a_forum_begins_with_a_webhooks_message_and_nobody_in_it(scene: Scene) -> None:
    forum = scene.world.channels.add(scene.guild, "forum", kind=FORUM)
    webhook = scene.world.webhooks.add(forum, "Hook", creator=scene.world.bot)
    _, message = await scene.call("POST", f"{webhook.url}?wait=true", {"content": "first", "thread_name": "Post"})
    (post,) = scene.guild.threads.values()
    assert (post.name, message["id"], message["channel_id"]) == ("Post", str(post.id), str(post.id))
    status, members = await scene.call("GET", f"/channels/{post.id}/thread-members?with_member=true")
    assert (status, members) == (200, [])
    place = f"{webhook.url}/messages/{post.id}"
    assert (await scene.call("GET", place))[1]["code"] == 10008
    assert (await scene.call("GET", f"{place}?thread_id={post.id}"))[0] == 200


async def test_a_webhook_opens_an_archived_thread(scene: Scene) -> None:
    thread = scene.world.threads.start(scene.general, "thread", scene.world.owner)
    scene.world.threads.edit(thread, archived=True)
    webhook = scene.world.webhooks.add(scene.general, "Hook", creator=scene.world.bot)
    assert (await scene.call("POST", f"{webhook.url}?thread_id={thread.id}", {"content": "x"}))[0] == 204
    assert thread.thread is not None
    assert not thread.thread.archived


async def test_a_persons_webhook_shows_components_only_where_asked(scene: Scene) -> None:
    webhook = scene.world.webhooks.add(scene.general, "Hook", creator=scene.world.owner)
    link = {"type": 2, "style": 5, "label": "Open", "url": "https://example.com"}
    body = {"content": "x", "components": [{"type": 1, "components": [link]}]}
    _, without = await scene.call("POST", f"{webhook.url}?wait=true", body)
    _, shown = await scene.call("POST", f"{webhook.url}?wait=true&with_components=true", body)
    assert (without["components"], len(shown["components"])) == ([], 1)
    assert "application_id" not in shown


async def test_webhooks_are_managed_by_who_may_in_that_channel(scene: Scene) -> None:
    other = scene.world.channels.add(scene.guild, "other")
    mine = scene.world.webhooks.add(scene.general, "Mine", creator=scene.world.bot)
    adas = scene.world.webhooks.add(scene.general, "Ada's", creator=scene.world.owner)
    scene.world.channels.set_overwrite(other, scene.world.bot, deny=Permission.MANAGE_WEBHOOKS)
    status, refusal = await scene.call("PATCH", f"/webhooks/{mine.id}", {"channel_id": str(other.id)})
    assert (status, refusal["code"], mine.channel) == (403, 50013, scene.general)
    scene.deny(Permission.MANAGE_WEBHOOKS)
    assert (await scene.call("GET", f"/webhooks/{mine.id}"))[0] == 200
    for method, webhook in (("GET", adas), ("PATCH", mine), ("DELETE", mine)):
        assert (await scene.call(method, f"/webhooks/{webhook.id}", {}))[1]["code"] == 50013
    assert (await scene.call("DELETE", mine.url))[0] == 204


async def test_a_channel_takes_its_webhooks_with_it(scene: Scene) -> None:
    other = scene.world.channels.add(scene.guild, "other")
    webhook = scene.world.webhooks.add(other, "Hook", creator=scene.world.bot)
    scene.world.channels.delete(other)
    assert (await scene.call("GET", webhook.url))[1]["code"] == 10015


def test_what_cannot_have_a_webhook_is_refused() -> None:
    world = World()
    guild = next(iter(world.guilds.values()))
    happened: list[object] = []
    world.changes.subscribe(happened.append)
    general, elsewhere = guild.channel("general"), world.guilds.add("Other").channel("general")
    assert general
    assert elsewhere
    webhook = world.webhooks.add(general, "Hook", creator=world.owner)
    assert happened[-1] == WebhooksChanged(general)
    for channel in (world.channels.add(guild, "c", kind=CATEGORY), world.threads.start(general, "t", world.owner)):
        with pytest.raises(Impossible, match="no webhooks"):
            world.webhooks.add(channel, "Hook", creator=world.owner)
    with pytest.raises(Impossible, match="stays in its guild"):
        world.webhooks.edit(webhook, channel=elsewhere)


async def test_people_see_a_webhooks_message_under_its_name_and_press_its_buttons() -> None:
    bot = wisp.Bot()

    @bot.component("ahoy")
    async def ahoy(ctx: wisp.ComponentContext) -> str:
        return "Ahoy, too"

    @bot.command
    async def relay(ctx: wisp.Context) -> str:
        webhook = await bot.gateway.rest.create_webhook(ctx.channel_id, "Hook")
        assert webhook.token
        row = wisp.row(ahoy.bind().button("Answer"))
        await webhook.execute("Ahoy", username="ada", component=row)
        return "relayed"

    async with connect(bot) as discord:
        ada = discord.member("ada")
        lines: list[str] = []
        transcript = Transcript(discord.world, lines.append, lambda: ada.channel)
        discord.world.changes.subscribe(transcript.show)
        await ada.slash("relay")
        message: Message = ada.messages[0]
        assert (message.author.name, message.author.bot, message.author is ada.user) == ("ada", True, False)
        assert (await ada.click(message, "Answer")).content == "Ahoy, too"
        assert lines[0].startswith("ada (webhook): Ahoy")
        person = People(discord.world).member("ada")
        view = message_view(person, message)
        assert (view["webhook"], view["author"]["name"], view["author"]["bot"]) == ("Hook", "ada", True)


# Invites


async def test_hikari_makes_finds_and_deletes_an_invite(scene: Scene) -> None:
    rest, general = scene.rest, scene.general
    made = await rest.create_invite(general.id, max_age=3600, max_uses=2, unique=True, reason="party")
    assert (made.channel_id, made.max_uses, made.uses) == (general.id, 2, 0)
    assert made.expires_at
    assert made.expires_at.timestamp() == pytest.approx(scene.world.clock.time() + 3600, abs=5)
    (told,) = scene.heard("INVITE_CREATE")
    assert (told["code"], told["max_age"], told["inviter"]["id"]) == (made.code, 3600, str(scene.world.bot.id))
    found = await rest.fetch_invite(made.code, with_counts=True)
    assert (found.guild_id, found.approximate_member_count) == (scene.guild.id, 3)
    assert [one.code for one in await rest.fetch_channel_invites(general.id)] == [made.code]
    assert [one.code for one in await rest.fetch_guild_invites(scene.guild.id)] == [made.code]
    await rest.delete_invite(made.code)
    assert scene.heard("INVITE_DELETE") == [
        {"channel_id": str(general.id), "guild_id": str(scene.guild.id), "code": made.code}
    ]
    with pytest.raises(hikari.NotFoundError, match="Unknown Invite"):
        await rest.fetch_invite(made.code)


async def test_an_invite_like_another_is_that_one_unless_it_is_to_be_unique(scene: Scene) -> None:
    path = f"/channels/{scene.general.id}/invites"
    bodies: list[dict[str, Any]] = [{}, {"max_age": 86_400}, {"max_uses": 1}, {"unique": True}]
    codes = [(await scene.call("POST", path, body))[1]["code"] for body in bodies]
    assert codes[0] == codes[1]
    assert len(set(codes)) == 3


async def test_an_invite_is_over_after_its_time(scene: Scene) -> None:
    _, made = await scene.call("POST", f"/channels/{scene.general.id}/invites", {"max_age": 60})
    _, lasting = await scene.call("POST", f"/channels/{scene.general.id}/invites", {"max_age": 0})
    assert lasting["expires_at"] is None
    scene.world.clock.offset += 61
    assert (await scene.call("GET", f"/invites/{made['code']}"))[1]["code"] == 10006
    assert [one["code"] for one in (await scene.call("GET", f"/guilds/{scene.guild.id}/invites"))[1]] == [
        lasting["code"]
    ]


async def test_who_does_not_manage_a_guild_sees_no_metadata_and_deletes_what_is_in_its_channels(scene: Scene) -> None:
    world = scene.world
    managed = world.channels.add(scene.guild, "managed")
    scene.deny(Permission.MANAGE_GUILD | Permission.MANAGE_CHANNELS)
    world.channels.set_overwrite(managed, world.bot, allow=Permission.MANAGE_CHANNELS)
    there, elsewhere = (world.invites.add(channel, world.owner) for channel in (managed, scene.general))
    _, found = await scene.call("GET", f"/guilds/{scene.guild.id}/invites")
    assert ["uses" in one for one in found] == [False, False]
    assert (await scene.call("DELETE", f"/invites/{elsewhere.code}"))[1]["code"] == 50013
    assert (await scene.call("DELETE", f"/invites/{there.code}"))[0] == 200
    assert world.invites.of(scene.guild) == [elsewhere]


async def test_a_bot_sees_by_which_invite_somebody_came() -> None:
    bot = wisp.Bot()
    came: list[str] = []

    @bot.command
    async def invite(ctx: wisp.Context) -> str:
        made = await bot.gateway.rest.create_invite(ctx.channel_id, max_uses=2)
        return made.code

    @bot.listen
    async def welcome(event: hikari.MemberCreateEvent) -> None:
        used = [one.code for one in await bot.gateway.rest.fetch_guild_invites(event.guild_id) if one.uses]
        came.append(f"{event.user.username} {used}")

    async with connect(bot) as discord:
        code = (await discord.member("ada").slash("invite")).content
        assert (await discord.join("eve", invite=code)).guild is discord.member("ada").guild
        await discord.join("eve", invite=code)  # is there already
        await discord.join("mallory", invite=code)
        assert came == [f"eve ['{code}']", "mallory []"]
        with pytest.raises(Impossible, match="no invite"):
            await discord.join("late", invite=code)


def test_an_invite_gives_its_roles_goes_with_its_channel_and_lets_nobody_in_who_is_banned() -> None:
    world = World()
    guild = next(iter(world.guilds.values()))
    happened: list[object] = []
    world.changes.subscribe(happened.append)
    channel, role = world.channels.add(guild, "room"), world.roles.add(guild, "guest")
    invite = world.invites.add(channel, world.owner, roles=[role])
    assert happened[-1] == InvitesChanged(channel)
    assert world.invites.use(invite.code, world.users.add("eve")).roles == [role]
    mallory = world.users.add("mallory")
    world.members.ban(guild, mallory)
    with pytest.raises(Impossible, match="banned"):
        world.invites.use(invite.code, mallory)
    assert invite.uses == 1
    world.channels.delete(channel)
    assert world.invites.find(invite.code) is None
    with pytest.raises(Impossible, match="nobody can be invited"):
        world.invites.add(world.channels.dm(mallory), world.owner)


# Emojis

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def test_hikari_makes_renames_uses_and_deletes_an_emoji(scene: Scene) -> None:
    rest, guild = scene.rest, scene.guild
    role = scene.world.roles.add(guild, "party people")
    made = await rest.create_emoji(guild.id, "party", hikari.Bytes(PNG, "party.png"), roles=[role.id], reason="fun")
    assert (made.name, made.is_animated, made.role_ids) == ("party", False, [role.id])
    assert made.user
    assert made.user.id == scene.world.bot.id
    (told,) = scene.heard("GUILD_EMOJIS_UPDATE")
    assert [(one["name"], "user" in one) for one in told["emojis"]] == [("party", False)]
    message = scene.world.messages.add(scene.general, scene.world.owner, content="x")
    await rest.add_reaction(scene.general.id, message.id, made)
    renamed = await rest.edit_emoji(guild.id, made, name="feast")
    assert (renamed.name, renamed.role_ids) == ("feast", [role.id])
    await rest.delete_my_reaction(scene.general.id, message.id, renamed)
    assert message.reactions == {}
    scene.world.roles.delete(guild, role)
    assert [(one.name, one.role_ids) for one in await rest.fetch_guild_emojis(guild.id)] == [("feast", [])]
    await rest.delete_emoji(guild.id, made)
    assert guild.emojis == {}
    gif = await rest.create_emoji(guild.id, "moving", hikari.Bytes(b"GIF89a" + bytes(100), "a.gif"))
    assert gif.is_animated


async def test_an_emoji_is_changed_by_who_made_it_or_manages_them(scene: Scene) -> None:
    adas = scene.world.emojis.add(scene.guild, "adas")
    mine = scene.world.emojis.add(scene.guild, "mine", creator=scene.world.bot)
    path = f"/guilds/{scene.guild.id}/emojis"
    scene.deny(Permission.MANAGE_GUILD_EXPRESSIONS)
    assert (await scene.call("PATCH", f"{path}/{adas.id}", {"name": "other"}))[1]["code"] == 50013
    assert (await scene.call("DELETE", f"{path}/{adas.id}"))[1]["code"] == 50013
    assert [("user" in (await scene.call("GET", f"{path}/{one.id}"))[1]) for one in (adas, mine)] == [False, True]
    assert (await scene.call("PATCH", f"{path}/{mine.id}", {"name": "other"}))[1]["name"] == "other"
    scene.deny(Permission.CREATE_GUILD_EXPRESSIONS)
    assert (await scene.call("DELETE", f"{path}/{mine.id}"))[1]["code"] == 50013
    assert ["user" in one for one in (await scene.call("GET", path))[1]] == [False, False]


async def test_the_application_has_emojis_that_it_can_react_with_anywhere(scene: Scene) -> None:
    rest = scene.rest
    application = scene.world.application
    made = await rest.create_application_emoji(application, "logo", hikari.Bytes(PNG, "logo.png"))
    message = scene.world.messages.add(scene.general, scene.world.owner, content="x")
    await rest.add_reaction(scene.general.id, message.id, made)
    await rest.edit_application_emoji(application, made, "sign")
    assert [one.name for one in await rest.fetch_application_emojis(application)] == ["sign"]
    await rest.delete_application_emoji(application, made)
    assert scene.world.emojis.application == {}
    with pytest.raises(Impossible, match="the application has no emoji"):
        scene.world.emojis.remove(None, next(iter(message.reactions)))


@pytest.mark.parametrize(
    ("content", "animated"),
    [
        (PNG, False),
        (b"\xff\xd8\xff\xe0", False),
        (b"GIF89a", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", False),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(14) + b"ANIM", True),
        (b"\0\0\0\x1cftypavif", False),
        (b"\0\0\0\x1cftypavis", True),
    ],
)
async def test_a_picture_is_known_by_what_it_is(scene: Scene, content: bytes, animated: bool) -> None:
    image = f"data:text/plain;base64,{base64.b64encode(content).decode()}"
    _, made = await scene.call("POST", f"/guilds/{scene.guild.id}/emojis", {"name": "xx", "image": image})
    assert made["animated"] is animated


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("PNG", 50035),
        (17, 50035),
        ("data:image/png,x", 50035),
        ("data:image/png;base64,AAA", 50046),
        ("data:image/png;base64,", 50046),
        ("data:image/svg+xml;base64,PHN2Zz4=", 50046),
    ],
)
async def test_what_is_no_picture_is_refused(scene: Scene, image: object, code: int) -> None:
    _, refusal = await scene.call("POST", f"/guilds/{scene.guild.id}/emojis", {"name": "xx", "image": image})
    assert refusal["code"] == code


# The application, and prunes


async def test_hikari_edits_the_application_and_its_privileged_intents(scene: Scene) -> None:
    edited = await scene.rest.edit_application(
        description="A good bot", tags=["fun", "games"], flags=hikari.ApplicationFlags.MESSAGE_CONTENT_INTENT_LIMITED
    )
    assert (edited.description, edited.tags) == ("A good bot", ["fun", "games"])
    assert scene.world.application_flags == 1 << 19
    fetched = await scene.rest.fetch_application()
    assert (fetched.description, fetched.icon_hash) == ("A good bot", None)
    bot = hikari.GatewayBot(
        scene.sandbox.token,
        rest_url=scene.sandbox.rest_url,
        intents=hikari.Intents.GUILD_MEMBERS,
        banner=None,
        logs=None,
    )
    with pytest.raises(hikari.GatewayServerClosedConnectionError, match="4014"):
        await bot.start(check_for_updates=False)
    await bot.close()


async def test_a_prune_takes_out_who_did_nothing_for_days_and_has_no_other_roles(scene: Scene) -> None:
    world, guild, rest = scene.world, scene.guild, scene.rest
    role = world.roles.add(guild, "guest")
    silent, talks, guest = (world.members.add(guild, world.users.add(name)) for name in ("silent", "talks", "guest"))
    online = world.members.add(guild, world.users.add("online"))
    world.members.give_role(guest, role)
    assert await rest.estimate_guild_prune_count(guild.id) == 0
    world.clock.offset += 8 * 86_400
    new = world.members.add(guild, world.users.add("new"))
    world.messages.add(scene.general, talks.user, content="hi")
    world.presences.set(online.user, "online")
    bob = next(member for member in guild.members.values() if member.user.name == "bob")
    assert await rest.estimate_guild_prune_count(guild.id) == 2
    assert await rest.estimate_guild_prune_count(guild.id, include_roles=[role.id, guild.id]) == 3
    assert await rest.estimate_guild_prune_count(guild.id, days=9) == 0
    assert await rest.begin_guild_prune(guild.id, reason="spring") == 2
    gone = {int(data["user"]["id"]) for data in scene.heard("GUILD_MEMBER_REMOVE")}
    assert gone == {silent.user.id, bob.user.id}
    assert {guest.user.id, talks.user.id, online.user.id, new.user.id} <= set(guild.members)
    (entry,) = world.audit_log.of(guild)
    assert (entry.event, entry.reason, entry.options) == (
        21,
        "spring",
        {"delete_member_days": "7", "members_removed": "2"},
    )


async def test_discord_py_prunes_without_a_count(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # discord.py's own, of audioop
        discord: Any = pytest.importorskip("discord")
    monkeypatch.setattr(discord.http.Route, "BASE", scene.sandbox.rest_url)
    roles = [scene.world.roles.add(scene.guild, name) for name in ("a", "b")]
    guest = scene.world.members.add(scene.guild, scene.world.users.add("guest"), roles=roles)
    scene.world.clock.offset += 2 * 86_400
    async with discord.Client(intents=discord.Intents.default()) as client:
        await client.login(scene.sandbox.token)
        place = await client.fetch_guild(scene.guild.id)
        snowflakes = [discord.Object(role.id) for role in roles]
        assert await place.estimate_pruned_members(days=1, roles=snowflakes) == 2
        assert await place.prune_members(days=1, compute_prune_count=False, roles=snowflakes) is None
    assert guest.user.id not in scene.guild.members


async def test_nobody_can_be_added_without_oauth2(scene: Scene) -> None:
    eve = scene.world.users.add("eve")
    with pytest.raises(hikari.ForbiddenError, match="Invalid OAuth2 access token"):
        await scene.rest.add_user_to_guild("token", scene.guild.id, eve.id)
