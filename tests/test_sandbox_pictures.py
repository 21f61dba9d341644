"""Pictures of the CDN: what a bot uploads can be fetched; changes of the bot's own user."""

from __future__ import annotations

import base64
import warnings
from collections.abc import AsyncIterator

import aiohttp
import hikari
import pytest
from hikari import urls

from wisp.sandbox import Impossible, Sandbox

PNG = b"\x89PNG\r\n\x1a\npixels"
GIF = b"GIF89apixels"


def uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def rest(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[hikari.api.RESTClient]:
    monkeypatch.setattr(urls, "CDN_URL", sandbox.cdn_url)
    app = hikari.RESTApp(url=sandbox.rest_url)
    await app.start()
    async with app.acquire(sandbox.token, hikari.TokenType.BOT) as client:
        yield client
    await app.close()


async def test_hikari_fetches_each_kind_of_picture_that_it_uploads(
    sandbox: Sandbox, rest: hikari.api.RESTClient
) -> None:
    home = next(iter(sandbox.world.guilds.values()))
    general = home.channel("general")
    assert general is not None
    for content, ending in ((PNG, "png"), (GIF, "gif")):
        file = hikari.Bytes(content, f"a.{ending}", f"image/{ending}")
        me = await rest.edit_my_user(avatar=file, banner=file)
        emoji = await rest.create_emoji(home.id, f"blob_{ending}", file)
        sticker = await rest.create_sticker(home.id, f"wave_{ending}", "👋", file)
        guild = await rest.edit_guild(home.id, icon=file)
        webhook = await rest.create_webhook(general.id, "Hook", avatar=file)
        member = await rest.edit_my_member(home.id, avatar=file)
        for url in (
            me.make_avatar_url(),
            me.make_banner_url(),
            emoji,
            hikari.URL(f"{sandbox.cdn_url}/stickers/{sticker.id}.{ending}"),
            guild.make_icon_url(),
            webhook.make_avatar_url(),
            member.make_guild_avatar_url(),
        ):
            assert url is not None
            assert await url.read() == content
    assert (await rest.fetch_my_guilds())[0].icon_hash == home.settings["icon"]


async def test_the_cdn_has_default_avatars_and_refuses_what_it_does_not_have(sandbox: Sandbox) -> None:
    world = sandbox.world
    world.pictures.keep("emojis/1", PNG)
    async with aiohttp.ClientSession() as session:
        seen: set[bytes] = set()
        for number in range(6):
            async with session.get(f"{sandbox.cdn_url}/embed/avatars/{number}.png") as response:
                assert (response.status, response.content_type) == (200, "image/png")
                seen.add(await response.read())
        assert len(seen) == 6
        async with session.get(f"{sandbox.cdn_url}/emojis/1.webp?size=64") as response:
            assert (response.status, response.content_type, await response.read()) == (200, "image/png", PNG)
            headers = response.headers
        assert (headers["Content-Security-Policy"], headers["X-Content-Type-Options"]) == ("sandbox", "nosniff")
        for path in ("embed/avatars/6.png", "embed/avatars/-1.png", "emojis/2.png", "emojis/1", "emojis/1.html", "x"):
            async with session.get(f"{sandbox.cdn_url}/{path}") as response:
                assert response.status == 404, path


async def test_discord_py_reads_the_avatar_that_it_sets(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
        import discord
    monkeypatch.setattr(discord.http.Route, "BASE", sandbox.rest_url)
    monkeypatch.setattr(discord.Asset, "BASE", sandbox.cdn_url)
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(sandbox.token)
        assert client.user is not None
        assert await client.user.default_avatar.read()
        me = await client.user.edit(username="Other", avatar=PNG)
        assert me.name == sandbox.world.bot.name == "Other"
        assert me.avatar is not None
        assert await me.avatar.read() == PNG


async def test_the_bot_hears_of_its_new_name_and_gets_but_two_in_an_hour(
    sandbox: Sandbox, rest: hikari.api.RESTClient
) -> None:
    told: list[str] = []
    sandbox.world.events.subscribe(lambda event: told.append(f"{event.name} {event.data.get('username')}"))
    assert (await rest.edit_my_user(username="One")).username == "One"
    await rest.edit_my_user(username="Two")
    with pytest.raises(hikari.BadRequestError) as refused:
        await rest.edit_my_user(username="Three")
    assert refused.value.errors is not None
    assert refused.value.errors["username"]["_errors"][0]["code"] == "USERNAME_RATE_LIMIT"
    await rest.edit_my_user(username="Two", avatar=None)  # no other name
    assert told == ["USER_UPDATE One", "USER_UPDATE Two", "USER_UPDATE Two"]
    with pytest.raises(Impossible, match="2 to 32 characters"):
        sandbox.world.users.edit_bot(name="x")
