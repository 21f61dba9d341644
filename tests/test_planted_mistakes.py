"""What a raw hikari bot does wrong, refused by the sandbox with Discord's own status and code."""

import datetime
from collections.abc import AsyncIterator, Awaitable, Callable

import hikari
import pytest

from wisp.sandbox import Sandbox
from wisp.sandbox.world.objects import COMMAND, Channel, Guild, Interaction, User

VIEW_CHANNEL = 1 << 10


class Scene:
    """A sandbox, a bot's REST client on it, and bob, who has just used a command."""

    def __init__(self, sandbox: Sandbox, rest: hikari.api.RESTClient) -> None:
        self.world = sandbox.world
        self.rest = rest
        self.guild: Guild = next(iter(self.world.guilds.values()))
        self.channel: Channel = next(iter(self.guild.channels.values()))
        self.bob: User = next(user for user in self.world.users.values() if user.name == "bob")
        hello = {"id": "1", "name": "hello", "type": 1}
        self.asked: Interaction = self.world.interactions.create(COMMAND, self.bob, self.channel, hello)

    async def say(self, content: str = "hi", **fields: object) -> object:
        return await self.rest.create_message(self.channel.id, content, **fields)  # type: ignore[arg-type]

    async def answer(self) -> object:
        return await self.rest.create_interaction_response(
            self.asked.id, self.asked.token, hikari.ResponseType.MESSAGE_CREATE, "hi"
        )

    def buttons(self, *ids: str) -> list[hikari.api.MessageActionRowBuilder]:
        rows: list[hikari.api.MessageActionRowBuilder] = []
        for id in ids:
            row = self.rest.build_message_action_row()
            rows.append(row.add_interactive_button(hikari.ButtonStyle.PRIMARY, id, label="Press"))
        return rows


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with Sandbox() as sandbox:
        app = hikari.RESTApp(url=sandbox.rest_url)
        await app.start()
        try:
            async with app.acquire(sandbox.token, hikari.TokenType.BOT) as rest:
                yield Scene(sandbox, rest)
        finally:
            await app.close()


async def too_long_a_message(scene: Scene) -> None:
    await scene.say("x" * 2001)


async def too_long_a_title(scene: Scene) -> None:
    await scene.say(embed=hikari.Embed(title="x" * 257))


async def nothing_to_say(scene: Scene) -> None:
    await scene.say("")


async def answering_twice(scene: Scene) -> None:
    await scene.answer()
    await scene.answer()


async def answering_after_three_seconds(scene: Scene) -> None:
    scene.world.clock.offset += 3.5
    await scene.answer()


async def a_token_after_fifteen_minutes(scene: Scene) -> None:
    await scene.answer()
    scene.world.clock.offset += 15 * 60 + 1
    await scene.rest.edit_interaction_response(scene.world.application, scene.asked.token, "late")


async def no_permission_to_write(scene: Scene) -> None:
    for role in scene.guild.roles.values():
        scene.world.roles.edit(scene.guild, role, permissions=VIEW_CHANNEL)
    await scene.say()


async def a_role_above_its_own(scene: Scene) -> None:
    high = scene.world.roles.add(scene.guild, "high")
    scene.world.roles.edit(scene.guild, high, position=len(scene.guild.roles))
    await scene.rest.add_role_to_member(scene.guild.id, scene.bob.id, high.id)


async def a_time_out_of_a_month(scene: Scene) -> None:
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=29)
    await scene.rest.edit_member(scene.guild.id, scene.bob.id, communication_disabled_until=until)


async def six_rows(scene: Scene) -> None:
    await scene.say(components=scene.buttons(*"abcdef"))


async def two_buttons_of_one_custom_id(scene: Scene) -> None:
    await scene.say(components=scene.buttons("same", "same"))


async def a_message_that_is_not_there(scene: Scene) -> None:
    await scene.rest.delete_message(scene.channel.id, 1)


MISTAKES: list[tuple[Callable[[Scene], Awaitable[None]], int, int]] = [
    (too_long_a_message, 400, 50035),
    (too_long_a_title, 400, 50035),
    (nothing_to_say, 400, 50006),
    (answering_twice, 400, 40060),
    (answering_after_three_seconds, 404, 10062),
    (a_token_after_fifteen_minutes, 401, 50027),
    (no_permission_to_write, 403, 50013),
    (a_role_above_its_own, 403, 50013),
    (a_time_out_of_a_month, 400, 50035),
    (six_rows, 400, 50035),
    (two_buttons_of_one_custom_id, 400, 50035),
    (a_message_that_is_not_there, 404, 10008),
]


@pytest.mark.parametrize(("mistake", "status", "code"), MISTAKES, ids=lambda one: getattr(one, "__name__", None))
async def test_a_mistake_is_refused_as_discord_does(
    scene: Scene, mistake: Callable[[Scene], Awaitable[None]], status: int, code: int
) -> None:
    with pytest.raises(hikari.ClientHTTPResponseError) as refused:
        await mistake(scene)
    assert (int(refused.value.status), getattr(refused.value, "code", None)) == (status, code)
