"""Buttons, selects and forms as people use them, on a bot that is plain hikari."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hikari
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wisp.clock import Clock
from wisp.local.virtual_time import VirtualTime
from wisp.sandbox import Sandbox
from wisp.sandbox.people.components import button_data, submit_data
from wisp.sandbox.people.person import People, Person
from wisp.sandbox.world.objects import COMPONENTS_V2, JSON, LOADING, VOICE, Impossible, Message
from wisp.sandbox.world.world import World


def button(label: str = "Next", custom_id: str = "next", **fields: Any) -> JSON:
    return {"type": 2, "style": 1, "label": label, "custom_id": custom_id, **fields}


def row(*components: JSON) -> JSON:
    return {"type": 1, "components": list(components)}


def shown(*components: JSON, **fields: Any) -> tuple[Person, Message]:
    """Ada, and a message of a bot that she looks at."""
    people = People(World())
    ada = people.member("ada")
    return ada, people.world.messages.add(ada.channel, people.world.bot, components=components, **fields)


@asynccontextmanager
async def a_bot(*answers: Any, clock: Clock | None = None) -> AsyncIterator[tuple[Person, list[Any]]]:
    """Ada, beside a bot that does one thing after another for what she asks of it; and what it heard."""
    heard: list[Any] = []
    todo = list(answers)
    async with Sandbox(clock=clock) as sandbox:
        bot = hikari.GatewayBot(sandbox.token, rest_url=sandbox.rest_url, banner=None, logs=None)

        @bot.listen(hikari.InteractionCreateEvent)
        async def answer(event: hikari.InteractionCreateEvent) -> None:
            heard.append(event.interaction)
            await todo.pop(0)(event.interaction)

        await bot.start(check_for_updates=False)
        try:
            yield People(sandbox.world).member("ada"), heard
        finally:
            await bot.close()


async def says_clicked(interaction: Any) -> None:
    await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "clicked")


async def updates(interaction: Any) -> None:
    await interaction.create_initial_response(hikari.ResponseType.MESSAGE_UPDATE, "after")


async def asks(interaction: Any) -> None:
    rows = hikari.impl.ModalActionRowBuilder().add_text_input("title", "Title", value="as it was")
    await interaction.create_modal_response("Form", "form:1", components=[rows])


# Buttons


@pytest.mark.parametrize(
    ("components", "wanted", "complaint"),
    [
        ([row(button())], "Nxt", r"no button 'Nxt'\. Did you mean 'Next'\?"),
        ([row(button())], "zzz", r"no button 'zzz'; there is 'Next'"),
        ([], "Next", "the message has no button"),
        (
            [row(button(), button(custom_id="b"))],
            "Next",
            "2 buttons called 'Next': say the custom id, one of 'next', 'b'",
        ),
        (
            [row(button("A", "a", emoji={"name": "👍"}), button("B", "b", emoji={"name": "👍"}))],
            "👍",
            "2 buttons called '👍'",
        ),
        ([row(button(disabled=True))], "Next", "is disabled"),
        ([row({"type": 2, "style": 5, "label": "Docs", "url": "https://a.b"})], "Docs", "a link to https://a.b"),
        ([row({"type": 2, "style": 6, "sku_id": "1"}, button())], "", "no button ''"),
    ],
)
async def test_a_button_that_nobody_can_press_is_refused(components: list[JSON], wanted: str, complaint: str) -> None:
    ada, message = shown(*components)
    with pytest.raises(Impossible, match=complaint):
        await ada.click(message, wanted)
    assert not ada.people.world.interactions


async def test_a_message_that_is_gone_unseen_or_still_to_come_cannot_be_used() -> None:
    ada, message = shown(row(button()))
    world = ada.people.world
    bob = ada.people.member("bob")
    private = world.messages.add(ada.channel, world.bot, components=[row(button())], ephemeral_for=bob.user)
    waiting = world.messages.add(ada.channel, world.bot, flags=LOADING)
    world.messages.delete(message)
    for one, complaint in ((message, "is deleted"), (private, "ada does not see"), (waiting, "still thinking")):
        with pytest.raises(Impossible, match=complaint):
            await ada.click(one, "Next")
    assert not world.interactions


def test_a_servers_own_emoji_is_called_by_name_or_as_it_is_written() -> None:
    _, message = shown(row(button("", emoji={"name": "wave", "id": "5"})))
    for name in ("wave", "<:wave:5>"):
        assert button_data(message, name)["custom_id"] == "next"


def test_buttons_are_found_in_containers_and_beside_sections() -> None:
    section = {"type": 9, "components": [{"type": 10, "content": "x"}], "accessory": button("Side", "side")}
    _, message = shown({"type": 17, "components": [section, row(button())]}, flags=COMPONENTS_V2)
    assert [button_data(message, name)["custom_id"] for name in ("Side", "Next")] == ["side", "next"]


@given(custom_id=st.text(min_size=1, max_size=100) | st.text(alphabet=":%é👍", min_size=100, max_size=100))
def test_any_custom_id_is_sent_as_it_is(custom_id: str) -> None:
    _, message = shown(row(button("Go", custom_id)))
    assert button_data(message, custom_id) == {"component_type": 2, "custom_id": custom_id, "id": 0}
    assert button_data(message, "Go")["custom_id"] == custom_id


async def test_a_click_gives_the_new_message_or_the_one_that_it_changed() -> None:
    async with a_bot(says_clicked, updates) as (ada, heard):
        world = ada.people.world
        rows = [{**row(button(id=2)), "id": 1}]
        message = world.messages.add(ada.channel, world.bot, content="before", components=rows)
        new = await ada.click(message, "Next")
        changed = await ada.click(message, "Next")
    assert (new.content, new.message is message) == ("clicked", False)
    assert (changed.message, changed.content, changed.edits, changed.thinking) == (message, "after", ["before"], False)
    assert (heard[0].custom_id, heard[0].message.id, heard[0].message.content) == ("next", message.id, "before")


async def test_components_of_the_second_version_are_taken_pressed_and_read_back() -> None:
    async def layout(interaction: Any) -> None:
        box = hikari.impl.ContainerComponentBuilder(accent_color=hikari.Color(0xFF))
        box.add_component(hikari.impl.TextDisplayComponentBuilder(content="Hello"))
        side = hikari.impl.InteractiveButtonBuilder(style=hikari.ButtonStyle.PRIMARY, custom_id="a:b:é", label="Side")
        section = hikari.impl.SectionComponentBuilder(accessory=side)
        section.add_component(hikari.impl.TextDisplayComponentBuilder(content="text"))
        box.add_component(section)
        box.add_component(hikari.impl.SeparatorComponentBuilder())
        box.add_component(hikari.impl.FileComponentBuilder(file=hikari.Bytes(b"x", "a.txt")))
        await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, components=[box])

    async with a_bot(layout, says_clicked) as (ada, heard):
        ada.people.world.commands.set(None, {"name": "show", "description": "-"})
        reply = await ada.slash("show")
        assert (await ada.click(reply, "Side")).content == "clicked"
    (box,) = heard[1].message.components
    assert isinstance(box, hikari.ContainerComponent)
    assert [type(one).__name__ for one in box.components] == [
        "TextDisplayComponent",
        "SectionComponent",
        "SeparatorComponent",
        "FileComponent",
    ]
    assert (heard[1].custom_id, repr(reply)) == ("a:b:é", "<Reply '' attachments=1 [Side]>")


# Selects


def colours(**fields: Any) -> JSON:
    options = [{"label": label, "value": label.lower()} for label in ("Red", "Blue", "Green")]
    return row({"type": 3, "custom_id": "colour", "placeholder": "Colour", "options": options, **fields})


@pytest.mark.parametrize(
    ("values", "fields", "complaint"),
    [
        (("Pink",), {}, "'Colour' does not offer 'Pink'; it offers 'Red', 'Blue', 'Green'"),
        (("Red", "Blue"), {}, "takes 1 values, got 2"),
        ((), {"min_values": 2, "max_values": 3}, "takes 2 to 3 values, got 0"),
        (("Red", "red"), {"max_values": 2}, "takes each value once"),
        (("Red",), {"disabled": True}, "'Colour' is disabled"),
    ],
)
async def test_a_choice_that_is_not_offered_is_refused(values: Any, fields: JSON, complaint: str) -> None:
    ada, message = shown(colours(**fields))
    with pytest.raises(Impossible, match=complaint):
        await ada.select(message, *values)
    assert not ada.people.world.interactions


async def test_a_select_of_things_takes_its_own_kind() -> None:
    ada, message = shown(
        row({"type": 5, "custom_id": "who"}), row({"type": 8, "custom_id": "where", "channel_types": [0]})
    )
    talk = ada.people.world.channels.add(ada.people.home, "talk", kind=VOICE)
    for menu, value, complaint in (
        ("who", "bob", r"takes users, got 'bob', such as discord\.member\(\"bob\"\)"),
        ("who", ada.channel, "takes users, got the text channel #general"),
        ("where", talk, "takes text channels, and #talk is none"),
        (None, ada, "which select\\? Say menu=: 'who', 'where'"),
    ):
        with pytest.raises(Impossible, match=complaint):
            await ada.select(message, value, menu=menu)


async def test_hikari_reads_what_was_chosen() -> None:
    async with a_bot(says_clicked, says_clicked) as (ada, heard):
        world, bob = ada.people.world, ada.people.member("bob")
        mods = world.roles.add(ada.people.home, "mods")
        whom = {"type": 7, "custom_id": "whom", "max_values": 2, "id": 4}
        rows = [{**colours(id=2), "id": 1}, {**row(whom), "id": 3}]
        message = world.messages.add(ada.channel, world.bot, components=rows)
        await ada.select(message, "Blue", menu="Colour")
        await ada.select(message, bob, mods, menu="whom")
    assert heard[0].values == ["blue"]
    assert list(heard[1].resolved.members) == [bob.id]
    assert list(heard[1].resolved.roles) == [mods.id]


# Forms


def text_input(custom_id: str = "title", label: str = "Title", **fields: Any) -> JSON:
    return row({"type": 4, "custom_id": custom_id, "label": label, "style": 1, **fields})


def a_form(*components: JSON) -> JSON:
    return {"custom_id": "form", "title": "Form", "components": list(components)}


@pytest.mark.parametrize(
    ("inputs", "values", "complaint"),
    [
        ([text_input()], {}, "'Title' takes 1 to 4000 characters, got 0"),
        ([text_input(required=None)], {}, "'Title' takes 1 to 4000 characters, got 0"),
        ([text_input(min_length=3, max_length=5)], {"title": "ab"}, "takes 3 to 5 characters, got 2"),
        ([text_input(min_length=3, max_length=5)], {"Title": "abcdef"}, "takes 3 to 5 characters, got 6"),
        ([text_input()], {"title": "a\nb"}, "'Title' is of one line, got 2 lines"),
        ([text_input()], {"titel": "a"}, "no input 'titel'; it has 'Title'"),
        ([text_input("a"), text_input("b")], {"Title": "x"}, "2 inputs 'Title': say the custom id, one of 'a', 'b'"),
        ([{"type": 18, "label": "L", "component": {"type": 3, "custom_id": "s"}}], {}, "a component of type 3"),
    ],
)
def test_what_a_client_would_not_send_is_refused(inputs: list[JSON], values: dict[str, str], complaint: str) -> None:
    with pytest.raises(Impossible, match=complaint):
        submit_data(a_form(*inputs), values)


def test_a_form_is_sent_in_the_shape_in_which_it_came() -> None:
    form = a_form(
        text_input(required=False),
        {"type": 10, "content": "Read me"},
        {"type": 18, "label": "Body", "component": {"type": 4, "custom_id": "b", "style": 2, "value": "old"}},
    )
    assert submit_data(form, {"Body": "a\nb"})["components"] == [
        {"type": 1, "id": 1, "components": [{"type": 4, "id": 2, "custom_id": "title", "value": ""}]},
        {"type": 10, "id": 3},
        {"type": 18, "id": 5, "component": {"type": 4, "id": 6, "custom_id": "b", "value": "a\nb"}},
    ]


def test_a_custom_id_comes_before_the_label_of_another_input() -> None:
    form = a_form(text_input("x", "y", required=False), text_input("y", "z"))
    sent = submit_data(form, {"y": "text"})["components"]
    assert [one["components"][0]["value"] for one in sent] == ["", "text"]


@given(text=st.text(alphabet=st.characters(exclude_characters="\n"), min_size=1, max_size=50))
@settings(max_examples=50)
def test_any_text_of_one_line_can_be_sent(text: str) -> None:
    (sent,) = submit_data(a_form(text_input()), {"title": text})["components"]
    assert sent["components"][0]["value"] == text


async def test_a_form_of_a_button_is_sent_once_with_the_message_of_the_button() -> None:
    async with a_bot(asks, updates) as (ada, heard):
        world = ada.people.world
        message = world.messages.add(ada.channel, world.bot, content="b", components=[{**row(button(id=2)), "id": 1}])
        opened = await ada.click(message, "Next")
        with pytest.raises(Impossible, match="no form is open before bob"):
            await ada.people.member("bob").submit(opened, title="x")
        reply = await ada.submit(opened)
        with pytest.raises(Impossible, match="no form is open before ada"):
            await ada.submit(opened, title="x")
    assert (reply.message, reply.content) == (message, "after")
    assert (heard[1].custom_id, heard[1].message.id) == ("form:1", message.id)
    assert heard[1].components[0].components[0].value == "as it was"


async def test_a_form_that_nobody_answered_stays_open(time: VirtualTime) -> None:
    async def is_silent(_: Any) -> None:
        pass

    async with a_bot(asks, is_silent, says_clicked, clock=time.clock) as (ada, heard):
        ada.people.world.commands.set(None, {"name": "ask", "description": "-"})
        opened = await ada.slash("ask")
        sending = asyncio.create_task(ada.submit(opened, title="x"))
        await time.advance(2.9)
        assert (len(heard), sending.done()) == (2, False)
        await time.advance(0.1)
        assert (await sending).failed == "The application did not respond"
        assert (await ada.submit(opened, title="x")).content == "clicked"
    assert opened.modal is None


# Menus


async def test_a_command_of_a_menu_happens_where_its_message_is() -> None:
    async with a_bot(says_clicked, says_clicked) as (ada, heard):
        world, bob = ada.people.world, ada.people.member("bob")
        world.commands.set(None, {"type": 2, "name": "Who"})
        world.commands.set(None, {"type": 3, "name": "Quote"})
        elsewhere = world.channels.add(ada.people.home, "elsewhere")
        message = world.messages.add(elsewhere, bob.user, content="quote me")
        await ada.menu("Who", bob)
        await ada.menu("Quote", message)
        with pytest.raises(Impossible, match="no command in the menu of users 'Quote'"):
            await ada.menu("Quote", bob)
    assert (heard[0].target_id, list(heard[0].resolved.members)) == (bob.id, [bob.id])
    assert (heard[1].target_id, heard[1].channel.id) == (message.id, elsewhere.id)
    assert heard[1].resolved.messages[hikari.Snowflake(message.id)].content == "quote me"
