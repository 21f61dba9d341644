"""What a guild has besides its members: settings, a vanity URL, a welcome screen, a widget, counts of its roles."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import hikari
import pytest

from wisp.sandbox import Impossible, Person, Sandbox
from wisp.sandbox.people.person import People
from wisp.sandbox.world.objects import Guild, timestamp


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(waits=False) as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[hikari.api.RESTClient]:
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return next(iter(sandbox.world.guilds.values()))


def person(sandbox: Sandbox, name: str) -> Person:
    return People(sandbox.world, patience=0.01).member(name)


async def test_a_vanity_url_is_set_by_people_and_counts_those_who_come_by_it(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    ada, bob = person(sandbox, "ada"), person(sandbox, "bob")
    with pytest.raises(Impossible, match="VANITY_URL"):
        await ada.set_vanity("our-place")
    sandbox.world.guilds.edit(guild, settings={"features": ["VANITY_URL"]})
    with pytest.raises(Impossible, match="MANAGE_GUILD"):
        await bob.set_vanity("our-place")
    for wrong in ("a", "a b", "-a", "x" * 26):
        with pytest.raises(Impossible, match="letters"):
            await ada.set_vanity(wrong)
    await ada.set_vanity("our-place")
    People(sandbox.world, patience=0.01).member("eve", invite="our-place")
    vanity = await rest.fetch_vanity_url(guild.id)
    invite = await rest.fetch_invite("our-place")
    assert (vanity.code, vanity.uses, invite.code, invite.inviter) == ("our-place", 1, "our-place", None)
    assert (await rest.fetch_guild(guild.id)).vanity_url_code == "our-place"
    assert await rest.fetch_guild_invites(guild.id) == []
    other = sandbox.world.guilds.add("Other")
    sandbox.world.guilds.edit(other, settings={"features": ["VANITY_URL"]})
    with pytest.raises(Impossible, match="taken"):
        sandbox.world.invites.set_vanity(other, "our-place")
    await ada.set_vanity(None)
    with pytest.raises(hikari.NotFoundError):
        await rest.fetch_invite("our-place")


async def test_nobody_comes_by_an_invite_while_invites_are_paused(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    await rest.edit_guild(guild.id, features=[hikari.GuildFeature("INVITES_DISABLED")])
    invite = await rest.create_invite(next(iter(guild.channels)))
    with pytest.raises(Impossible, match="paused"):
        People(sandbox.world, patience=0.01).member("eve", invite=invite.code)
    await rest.edit_guild(guild.id, features=[])
    assert People(sandbox.world, patience=0.01).member("eve", invite=invite.code).member is not None


async def put(sandbox: Sandbox, path: str, body: Any) -> tuple[int, Any]:
    """Make a call that hikari does not have."""
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.put(sandbox.rest_url + path, json=body) as response,
    ):
        return response.status, await response.json()


async def test_an_incident_pauses_invites_until_its_end(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    now = sandbox.world.clock.time()
    path, name = f"/guilds/{guild.id}/incident-actions", "invites_disabled_until"
    invite = await rest.create_invite(next(iter(guild.channels)))
    status, data = await put(sandbox, path, {name: timestamp(now + 3600)})
    assert (status, data[name]) == (200, timestamp(now + 3600))
    assert guild.payload()["incidents_data"] == data
    with pytest.raises(Impossible, match="paused"):
        People(sandbox.world, patience=0.01).member("eve", invite=invite.code)
    assert await put(sandbox, path, {name: None}) == (200, {name: None, "dms_disabled_until": None})
    assert People(sandbox.world, patience=0.01).member("eve", invite=invite.code).member is not None


async def test_onboarding_needs_seven_channels_of_which_five_are_open_to_all(sandbox: Sandbox, guild: Guild) -> None:
    path = f"/guilds/{guild.id}/onboarding"
    channels = [sandbox.world.channels.add(guild, f"channel-{number}") for number in range(7)]
    ids = [str(channel.id) for channel in channels]
    for channel in channels[:3]:
        sandbox.world.channels.set_overwrite(channel, guild.everyone, deny=1 << 11)
    status, refusal = await put(sandbox, path, {"enabled": True, "default_channel_ids": ids})
    assert (status, refusal["code"]) == (400, 350000)
    sandbox.world.channels.set_overwrite(channels[0], guild.everyone)
    for fewer in (ids[:6], ids[:1]):
        assert (await put(sandbox, path, {"enabled": True, "default_channel_ids": fewer}))[0] == 400
    status, onboarding = await put(sandbox, path, {"enabled": True, "default_channel_ids": ids})
    assert (status, onboarding["enabled"]) == (200, True)
    sandbox.world.channels.delete(channels[-1])
    assert guild.onboarding_payload()["default_channel_ids"] == ids[:-1]
    option = {"title": "More", "channel_ids": ids[5:6]}
    prompts = [{"id": "0", "title": "What?", "options": [option]}]
    status, _ = await put(sandbox, path, {"default_channel_ids": ids[:5], "prompts": prompts, "mode": 1})
    assert status == 400
    new = str(sandbox.world.channels.add(guild, "new").id)
    option["channel_ids"] = [ids[5], new]
    status, _ = await put(sandbox, path, {"default_channel_ids": ids[:5], "prompts": prompts, "mode": 0})
    assert status == 400
    status, onboarding = await put(sandbox, path, {"default_channel_ids": ids[:5], "prompts": prompts, "mode": 1})
    assert (status, onboarding["prompts"][0]["options"][0]["channel_ids"]) == (200, [ids[5], new])


async def test_settings_of_a_guild_are_kept_and_given_back(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    voice = await rest.create_guild_voice_channel(guild.id, "talk")
    rules = await rest.create_guild_text_channel(guild.id, "rules")
    edited = await rest.edit_guild(
        guild.id,
        icon=hikari.Bytes(b"\x89PNG\r\n\x1a\n", "a.png"),
        banner=hikari.Bytes(b"\x89PNG\r\n\x1a\n", "a.png"),
        afk_channel=voice,
        afk_timeout=900,
        verification_level=hikari.GuildVerificationLevel.HIGH,
        default_message_notifications=hikari.GuildMessageNotificationsLevel.ONLY_MENTIONS,
        explicit_content_filter_level=hikari.GuildExplicitContentFilterLevel.ALL_MEMBERS,
        rules_channel=rules,
        preferred_locale="de",
        features=[hikari.GuildFeature("MADE_UP")],
    )
    for found in (edited, await rest.fetch_guild(guild.id)):
        assert found.icon_hash is not None
        assert found.banner_hash is None  # the guild lacks the feature BANNER
        assert (found.afk_channel_id, found.afk_timeout.total_seconds()) == (voice.id, 900)
        assert (found.verification_level, found.default_message_notifications) == (3, 1)
        assert (found.explicit_content_filter, found.rules_channel_id) == (2, rules.id)
        assert (found.preferred_locale, found.features) == ("de", [])
    await rest.delete_channel(rules)
    assert (await rest.fetch_guild(guild.id)).rules_channel_id is None
    (mine,) = await rest.fetch_my_guilds()
    assert mine.icon_hash == edited.icon_hash


async def test_a_community_server_needs_an_administrator_rules_and_a_content_filter(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    general, own = next(iter(guild.channels)), guild.role_of(sandbox.world.bot)
    assert own is not None

    async def enable() -> None:
        await rest.edit_guild(
            guild.id,
            features=[hikari.GuildFeature("COMMUNITY")],
            rules_channel=general,
            public_updates_channel=general,
            verification_level=hikari.GuildVerificationLevel.LOW,
            explicit_content_filter_level=hikari.GuildExplicitContentFilterLevel.ALL_MEMBERS,
        )

    with pytest.raises(hikari.ForbiddenError):
        await enable()
    assert guild.settings == {}
    sandbox.world.roles.edit(guild, own, permissions=1 << 3)
    with pytest.raises(hikari.BadRequestError, match="at least level 1"):
        await rest.edit_guild(guild.id, features=[hikari.GuildFeature("COMMUNITY")], rules_channel=general)
    await enable()
    assert (await rest.fetch_guild(guild.id)).features == ["COMMUNITY"]
    with pytest.raises(hikari.BadRequestError, match="rules_channel_id"):
        await rest.edit_guild(guild.id, rules_channel=None)


async def test_a_preview_shows_a_guild_and_its_counts(rest: hikari.api.RESTClient, guild: Guild) -> None:
    preview = await rest.fetch_guild_preview(guild.id)
    assert (preview.name, preview.approximate_member_count) == (guild.name, len(guild.members))


async def test_a_welcome_screen_is_kept_without_the_channels_that_are_deleted(
    rest: hikari.api.RESTClient, guild: Guild
) -> None:
    general = next(iter(guild.channels))
    gone = await rest.create_guild_text_channel(guild.id, "gone")
    channels = [
        hikari.WelcomeChannel(channel_id=hikari.Snowflake(general), description="Talk", emoji_name="👋"),
        hikari.WelcomeChannel(channel_id=gone.id, description="Gone"),
    ]
    screen = await rest.edit_welcome_screen(guild.id, description="Hello", channels=channels, enabled=True)
    assert [one.description for one in screen.channels] == ["Talk", "Gone"]
    await rest.delete_channel(gone)
    screen = await rest.fetch_welcome_screen(guild.id)
    assert (screen.description, [one.description for one in screen.channels]) == ("Hello", ["Talk"])
    assert "WELCOME_SCREEN_ENABLED" in (await rest.fetch_guild(guild.id)).features


async def test_a_widget_shows_who_is_online_without_their_ids_and_where_to_come_in(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    general = next(iter(guild.channels))
    open_channel, closed = [await rest.create_guild_voice_channel(guild.id, name) for name in ("open", "closed")]
    overwrite = hikari.PermissionOverwrite(
        id=guild.id, type=hikari.PermissionOverwriteType.ROLE, deny=hikari.Permissions.CONNECT
    )
    await rest.edit_channel(closed, permission_overwrites=[overwrite])
    invite = await rest.create_invite(general, max_age=0)
    change = {"enabled": True, "channel_id": str(general)}  # hikari sends the channel in a field of another name
    bob = next(user for user in sandbox.world.users.values() if user.name == "bob")
    sandbox.world.presences.set(bob, "idle")
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bot {sandbox.token}"}
        path = f"{sandbox.rest_url}/guilds/{guild.id}/widget"
        async with session.patch(path, json=change, headers=headers) as response:
            assert await response.json() == change
        async with session.get(f"{sandbox.rest_url}/guilds/{guild.id}/widget.json") as response:
            widget = await response.json()
        pictures: dict[str, tuple[int, int]] = {}
        for style in ("shield", "banner3"):
            async with session.get(f"{sandbox.rest_url}/guilds/{guild.id}/widget.png?style={style}") as response:
                assert (response.status, response.content_type) == (200, "image/png")
                picture = await response.read()
            assert picture.startswith(b"\x89PNG")
            pictures[style] = struct.unpack(">II", picture[16:24])
        async with session.get(f"{sandbox.rest_url}/guilds/{guild.id}/widget.png?style=none") as response:
            assert response.status == 400
    assert pictures == {"shield": (84, 20), "banner3": (320, 100)}
    assert [channel["id"] for channel in widget["channels"]] == [str(open_channel.id)]
    assert [(one["id"], one["username"], one["status"]) for one in widget["members"]] == [("0", "bob", "idle")]
    assert widget["instant_invite"].endswith(invite.code)
    await rest.edit_widget(guild.id, enabled=False)
    settings = await rest.fetch_widget(guild.id)
    assert (settings.is_enabled, settings.channel_id) == (False, general)


async def test_the_members_of_each_role_are_counted(
    sandbox: Sandbox, rest: hikari.api.RESTClient, guild: Guild
) -> None:
    role, empty = await rest.create_role(guild.id), await rest.create_role(guild.id)
    bob = next(user for user in sandbox.world.users.values() if user.name == "bob")
    await rest.add_role_to_member(guild.id, bob.id, role)
    headers = {"Authorization": f"Bot {sandbox.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{sandbox.rest_url}/guilds/{guild.id}/roles/member-counts") as response,
    ):
        counts = await response.json()
    own = guild.role_of(sandbox.world.bot)
    assert own is not None
    assert counts == {str(own.id): 1, str(role.id): 1, str(empty.id): 0}
