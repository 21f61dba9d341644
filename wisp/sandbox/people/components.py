"""Buttons, selects, forms and menus as a person's client has them: found, filled in, refused where it would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from wisp.limits import INPUT_VALUE
from wisp.sandbox.people.commands import (
    CHANNEL,
    CHANNEL_KINDS,
    MENTIONABLE,
    ROLE,
    USER,
    Resolved,
    Value,
    closest,
    offered,
    shown,
    such_as,
    why_not,
)
from wisp.sandbox.world.objects import JSON, Channel, Impossible, Message, Role, User
from wisp.sandbox.world.world import World

ROW, SECTION, TEXT_DISPLAY, CONTAINER, LABEL = 1, 9, 10, 17, 18
BUTTON, TEXT_SELECT, TEXT_INPUT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = range(2, 9)
"""Types of components, those that a person can use last: https://docs.discord.com/developers/components/reference."""

_WITHIN: Mapping[int, tuple[str, ...]] = {
    ROW: ("components",),
    SECTION: ("components", "accessory"),
    CONTAINER: ("components",),
    LABEL: ("component",),
}
"""Where components hold others."""

SHORT = 1
"""The style of inputs of one line."""

LINK, PREMIUM = 5, 6
"""Styles of buttons of which the bot hears nothing."""

SELECTS = (TEXT_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
USER_MENU, MESSAGE_MENU = 2, 3
"""Types of commands in menus."""

_TAKEN: Mapping[int, tuple[type | tuple[type, ...], str, int]] = {
    USER_SELECT: (User, "users", USER),
    ROLE_SELECT: (Role, "roles", ROLE),
    MENTIONABLE_SELECT: ((User, Role), "users or roles", MENTIONABLE),
    CHANNEL_SELECT: (Channel, "channels", CHANNEL),
}
"""What each kind of select takes: the types, their name, and the option of a command that takes the same."""


def controls(components: Iterable[JSON], kinds: Sequence[int]) -> Iterator[JSON]:
    """The components of these types, in the order in which a client shows them, also in rows and containers."""
    for component in components:
        if component["type"] in kinds:
            yield component
        for name in _WITHIN.get(component["type"], ()):
            if inner := component.get(name):
                yield from controls(inner if name == "components" else [inner], kinds)


def called(control: JSON, name: str) -> bool:
    """Whether a control has this custom id, label, placeholder or emoji."""
    return name in (*(control.get(key) for key in ("custom_id", "label", "placeholder")), *_emojis_of(control))


def name_of(control: JSON) -> str:
    """What a control is called: its label, placeholder, emoji or custom id."""
    return str(
        control.get("label")
        or control.get("placeholder")
        or next(iter(_emojis_of(control)), control.get("custom_id") or "")
    )


def button_data(message: Message, wanted: str) -> JSON:
    """The data of a press on the button of this label, emoji or custom id. Raises Impossible where nobody can."""
    _check_usable(message)
    button = _one(list(controls(message.components, (BUTTON,))), wanted, "button")
    if button.get("disabled"):
        raise Impossible(f"the button {wanted!r} is disabled")
    if button["style"] == LINK:
        raise Impossible(f"the button {wanted!r} is a link to {button['url']}: the bot hears nothing of it")
    if button["style"] == PREMIUM:
        raise Impossible(f"the button {wanted!r} opens Discord's shop: the bot hears nothing of it")
    return _used(button)


def select_data(world: World, user: User, message: Message, menu: str | None, values: Sequence[Value]) -> JSON:
    """The data of a choice in the select of this placeholder or custom id (None: the only one).

    Raises Impossible where nobody can choose that.
    """
    _check_usable(message)
    found = list(controls(message.components, SELECTS))
    if menu is None and len(found) == 1:
        select = found[0]
    elif menu is None:
        raise Impossible(
            f"which select? Say menu=: {_quoted(map(name_of, found))}" if found else "the message has no select"
        )
    else:
        select = _one(found, menu, "select")
    name = name_of(select)
    if select.get("disabled"):
        raise Impossible(f"the select {name!r} is disabled")
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not least <= len(values) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise Impossible(f"the select {name!r} takes {wanted} values, got {len(values)}")
    data = _used(select)
    if select["type"] == TEXT_SELECT:
        return data | {"values": _unique(name, [_option(select, value) for value in values])}
    resolved = Resolved(world, user, message.channel)
    ids = _unique(name, [_entity(select, value, resolved) for value in values])
    return data | {"values": ids} | resolved.data()


def submit_data(modal: JSON, values: Mapping[str, str]) -> JSON:
    """The data of a form that is sent with these texts, by custom id or label of the inputs.

    What is not named stays as the form came. Raises Impossible where a client would not send it.
    """
    inputs = form_inputs(modal)
    texts = {one["custom_id"]: one.get("value") or "" for _, one in inputs}
    for name, text in values.items():
        texts[_input_id(inputs, name)] = text
    for label, one in inputs:
        _check_typed(one, label, texts[one["custom_id"]])

    def filled(component: JSON, number: int) -> JSON:
        sent: JSON = {"type": component["type"], "id": component.get("id") or number}
        if component["type"] == ROW:
            return sent | {"components": [filled(component["components"][0], number + 1)]}
        if component["type"] == LABEL:
            return sent | {"component": filled(component["component"], number + 1)}
        if component["type"] == TEXT_INPUT:
            return sent | {"custom_id": component["custom_id"], "value": texts[component["custom_id"]]}
        return sent

    rows = [filled(row, 2 * number + 1) for number, row in enumerate(modal["components"])]
    return {"custom_id": modal["custom_id"], "components": rows}


def form_inputs(modal: JSON) -> list[tuple[str, JSON]]:
    """The inputs of a form with their labels, in order.

    Raises Impossible where it asks for something else than text: bots on hikari cannot read that.
    """
    found: list[tuple[str, JSON]] = []
    for row in modal["components"]:
        if row["type"] == TEXT_DISPLAY:
            continue
        one: JSON = row["component"] if row["type"] == LABEL else row["components"][0]
        if one["type"] != TEXT_INPUT:
            raise Impossible(f"the form asks for a component of type {one['type']}: people here fill in texts (4) only")
        found.append((str(one.get("label") or row.get("label") or one["custom_id"]), one))
    return found


def _input_id(inputs: Sequence[tuple[str, JSON]], name: str) -> str:
    """The custom id of the input of this custom id or label."""
    ids = [one["custom_id"] for _, one in inputs]
    if name in ids:
        return name
    labelled = [one["custom_id"] for label, one in inputs if label == name]
    if len(labelled) > 1:
        raise Impossible(f"the form has {len(labelled)} inputs {name!r}: say the custom id, one of {_quoted(labelled)}")
    if not labelled:
        raise Impossible(f"the form has no input {name!r}; it has {_quoted(label for label, _ in inputs)}")
    return labelled[0]


def menu_data(world: World, user: User, channel: Channel, name: str, target: User | Message) -> JSON:
    """The data of a command from the menu of a user or a message. Raises Impossible where it is not on offer."""
    kind = USER_MENU if isinstance(target, User) else MESSAGE_MENU
    there = offered(world, user, channel, kind)
    command = next((command for command in there if command["name"] == name), None)
    if command is None:
        raise Impossible(why_not(world, user, channel, name, there, kind))
    data: JSON = {"id": command["id"], "name": name, "type": kind, "target_id": str(target.id)}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    if isinstance(target, User):
        resolved = Resolved(world, user, channel)
        if resolved.add(target) is None:
            raise Impossible(f"{target.name} is not known in this sandbox")
        return data | resolved.data()
    if target.deleted:
        raise Impossible("the message is deleted")
    return data | {"resolved": {"messages": {str(target.id): target.payload()}}}


def _check_usable(message: Message) -> None:
    if message.deleted:
        raise Impossible("the message is deleted")
    if message.loading:
        raise Impossible("the bot is still thinking: there is nothing to press")


def _used(control: JSON) -> JSON:
    """What an interaction's data says of the component that was used."""
    return {"component_type": control["type"], "custom_id": control["custom_id"], "id": control.get("id", 0)}


def _one(found: Sequence[JSON], wanted: str, what: str) -> JSON:
    if not found:
        raise Impossible(f"the message has no {what}")
    named = [control for control in found if control.get("custom_id") == wanted]
    named = named or [control for control in found if called(control, wanted)]
    if len(named) > 1:
        ids = _quoted(str(control.get("custom_id") or control.get("url") or "no custom id") for control in named)
        raise Impossible(f"there are {len(named)} {what}s called {wanted!r}: say the custom id, one of {ids}")
    if named:
        return named[0]
    names = [name_of(control) for control in found]
    near = closest(wanted, names)
    raise Impossible(
        f"there is no {what} {wanted!r}. Did you mean {near[0]!r}?"
        if near
        else f"there is no {what} {wanted!r}; there is {_quoted(names)}"
    )


def _emojis_of(control: JSON) -> tuple[str, ...]:
    """What an emoji is called: itself, or for a server's own its name and how it is written in a message."""
    emoji: JSON = control.get("emoji") or {}
    name = emoji.get("name")
    if not name:
        return ()
    written = f"<{'a' if emoji.get('animated') else ''}:{name}:{emoji.get('id')}>"
    return (name, written) if emoji.get("id") else (name,)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _option(select: JSON, value: Value) -> str:
    options: list[JSON] = select["options"]
    if isinstance(value, Enum):
        value = value.value
    for key in ("value", "label"):
        for option in options:
            if option[key] == value:
                return option["value"]
    raise Impossible(
        f"the select {name_of(select)!r} does not offer {shown(value)}; it offers "
        f"{_quoted(option['label'] for option in options)}"
    )


def _entity(select: JSON, value: Value, resolved: Resolved) -> str:
    accepted, words, kind = _TAKEN[select["type"]]
    if not isinstance(value, accepted):
        raise Impossible(f"the select {name_of(select)!r} takes {words}, got {shown(value)}{such_as(kind, value)}")
    kinds = select.get("channel_types")
    if isinstance(value, Channel) and kinds and value.kind not in kinds:
        names = " or ".join(CHANNEL_KINDS.get(kind, f"type {kind}") for kind in kinds)
        raise Impossible(f"the select {name_of(select)!r} takes {names} channels, and #{value.name} is none")
    number = resolved.add(value)
    if number is None:
        raise Impossible(f"the select {name_of(select)!r} does not show {shown(value)} here")
    return number


def _unique(name: str, values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise Impossible(f"the select {name!r} takes each value once")
    return values


def _check_typed(one: JSON, label: str, text: object) -> None:
    """Raise Impossible where nobody could type that, or a client would not send it."""
    if not isinstance(text, str):
        raise Impossible(f"the input {label!r} takes a text, got {text!r}")
    if one["style"] == SHORT and "\n" in text:
        raise Impossible(f"the input {label!r} is of one line, got {text.count(chr(10)) + 1} lines")
    if not text and one.get("required") is False:
        return
    least, most = max(one.get("min_length") or 0, 1), one.get("max_length") or INPUT_VALUE
    if not least <= len(text) <= most:
        raise Impossible(f"the input {label!r} takes {least} to {most} characters, got {len(text)}")
